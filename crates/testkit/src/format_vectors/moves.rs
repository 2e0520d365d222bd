//! Machines that are exported and imported, and machines that get another schema.

use serde::Serialize;
use serde_json::{Map, Value, json};
use statemesh_core::QueueTick;
use statemesh_core::engine::{
    Export, Groups, Machine, Mutation, Options, Outcome, Poll, Schema, SchemaDef, StateDef,
};

use crate::engine_vectors::case::schema_def;
use crate::engine_vectors::run::{number, ordered};
use crate::engine_vectors::watch::names;

use super::Fields;
use super::compare::error;
use super::machines::{apply, fresh, index, indexes, machine, ops, plain_schema};

/// The id of every recorded machine.
const ID: &str = "gold";

/// An export as it is written down.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    state_names: &'a [String],
    time: &'a [u64],
    queue_tick: u64,
    machine_tick: u32,
}

impl<'a> Written<'a> {
    fn new(export: &'a Export) -> Self {
        Self {
            id: &export.id,
            state_names: &export.state_names,
            time: &export.time,
            queue_tick: export.queue_tick.0,
            machine_tick: export.machine_tick,
        }
    }
}

/// A state as it is written down.
#[derive(Serialize)]
struct WrittenState<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    auto: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    multi: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    require: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    add: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remove: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    after: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

impl<'a> WrittenState<'a> {
    fn new(state: &'a StateDef) -> Self {
        let list = |list: &'a Option<Vec<String>>| list.as_deref().unwrap_or_default();
        Self {
            auto: state.auto,
            multi: state.multi,
            require: list(&state.require),
            add: list(&state.add),
            remove: list(&state.remove),
            after: list(&state.after),
            tags: list(&state.tags),
        }
    }
}

/// What an export of this machine says. A machine whose order was never verified exports nothing there; here every
/// schema has an order.
pub(super) fn exported(machine: &Machine, is_verified: bool) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    if !is_verified {
        put("export_err", json!("schema error: call VerifyStates first"));
        put("export", json!("null"));
        put("export_schema", json!("null"));
        return Ok(fields);
    }
    let mut states: Vec<_> = machine.schema().def().states.iter().collect();
    states.sort_by_key(|(name, _)| name);
    let mut schema = Vec::new();
    for (name, state) in states {
        let state = text(&WrittenState::new(state))?;
        schema.push(format!("{}:{state}", text(name)?));
    }
    put("export_err", Value::Null);
    put("export", json!(text(&Written::new(&machine.export(ID)))?));
    put("export_schema", json!(format!("{{{}}}", schema.join(","))));
    Ok(fields)
}

fn text(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

pub(super) fn import(input: &Value) -> Result<Value, String> {
    let export = machine(input)?.export(ID);
    let mut machine = fresh(input)?;
    let mut fields = imported(&mut machine, &export)?;
    fields["string_all"] = json!(format!("{machine:#}"));
    if let Some(op) = ops(input)?.first() {
        apply(&mut machine, op)?;
    }
    fields["active_after_first_op"] = active(&machine);
    fields["time_after_first_op"] = json!(machine.clock());
    Ok(fields)
}

pub(super) fn import_errors(input: &Value) -> Result<Value, String> {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let (id, states, time): (_, Vec<_>, _) = match input.text("edit")? {
        "ok" => (ID, list(&["Exception", "A", "B"]), vec![0, 3, 2]),
        "other_id" => ("x", list(&["Exception", "A", "B"]), vec![0, 3, 2]),
        "short" => (ID, list(&["Exception", "A"]), vec![0, 3]),
        "unknown_name" => (ID, list(&["Exception", "A", "Zed"]), vec![0, 3, 2]),
        edit => return Err(format!("unknown edit {edit}")),
    };
    let export = Export {
        id: id.to_owned(),
        state_names: states,
        time: time.into(),
        queue_tick: QueueTick(7),
        machine_tick: 4,
    };
    let names: Vec<String> = list(&["B", "A", "Exception"]);
    let (schema, _) = ordered(&plain_schema(&names[..2]), Some(&names))?;
    imported(&mut Machine::new(schema, Options::default()), &export)
}

fn imported(machine: &mut Machine, export: &Export) -> Result<Value, String> {
    let imported = machine.import(ID, export);
    if imported == Ok(Outcome::Started) {
        while machine.poll() != Poll::Idle {}
    }
    let is_empty = machine.active().is_empty();
    Ok(json!({
        "active": (!is_empty).then(|| active(machine)),
        "data": serde_json::to_value(Written::new(export)).map_err(|error| error.to_string())?,
        "err": imported.err().map(error),
        "index": index(machine),
        "machine_tick": machine.machine_tick(),
        "queue_tick": machine.queue_tick().0,
        "time": machine.clock(),
    }))
}

/// The reference changes clocks before it meets a name that does not fit.
pub(super) fn imports_half(recorded: &Value, ours: &Value) -> bool {
    let is_untouched = ours["time"] == json!([0, 0, 0]) && ours["active"].is_null();
    let mut repaired = recorded.clone();
    for key in ["time", "active", "err"] {
        repaired[key] = ours[key].clone();
    }
    recorded["err"].is_string() && ours["err"].is_object() && is_untouched && repaired == *ours
}

pub(super) fn set_schema(input: &Value) -> Result<Value, String> {
    let before = input.field("before")?;
    let order = before.names("names")?;
    let (schema, _) = ordered(&plain_schema(&order), Some(&order))?;
    let mut machine = Machine::new(schema, Options::default());
    for op in before.text("ops")?.split(", ") {
        play(&mut machine, op)?;
    }
    let with = input.field("with")?;
    let replaced = replace(
        &mut machine,
        &schema_def(with.field("schema")?)?,
        &with.names("names")?,
    );
    let mut fields = json!({
        "active": active(&machine),
        "err": replaced.err().map(error),
        "index": index(&machine),
        "time": machine.clock(),
        "version": machine.schema().len(),
    });
    fields["then"] = json!(play(&mut machine, input.text("then")?)?);
    fields["active_then"] = active(&machine);
    fields["time_then"] = json!(machine.clock());
    Ok(fields)
}

/// Through the lenient door, but what it calls an error is refused.
fn replace(machine: &mut Machine, def: &SchemaDef, names: &[String]) -> Result<(), String> {
    let built = Schema::with_index(def, names);
    let (schema, problems) = built.map_err(|error| error.to_string())?;
    match problems.iter().find(|problem| problem.is_error()) {
        Some(problem) => Err(problem.to_string()),
        None => {
            let replaced = machine.replace_schema(schema);
            replaced.map_err(|error| error.to_string())
        }
    }
}

/// The reference takes a schema that lacks an active state, which stays in its list without a tick.
pub(super) fn drops_an_active_state(recorded: &Value, ours: &Value) -> bool {
    let index = recorded["index"].as_array();
    let is_there = |name| index.is_some_and(|index| index.contains(name));
    let mut active = recorded["active"].as_array().into_iter().flatten();
    ours["err"].is_object() && recorded["err"].is_null() && active.any(|name| !is_there(name))
}

/// `+A B`, and what came of it.
fn play(machine: &mut Machine, op: &str) -> Result<u64, String> {
    let (sign, states) = op.split_at_checked(1).ok_or("no operation")?;
    let states: Vec<_> = states.split(' ').map(str::to_owned).collect();
    let states = indexes(machine.schema(), &states)?;
    let mutation = match sign {
        "+" => Mutation::add(&states),
        "-" => Mutation::remove(&states),
        sign => return Err(format!("unknown sign {sign}")),
    };
    Ok(number(machine.apply(mutation)))
}

fn active(machine: &Machine) -> Value {
    json!(names(machine.schema(), machine.active()))
}

/// The schema's states are given from the last to the first.
pub(super) fn groups(input: &Value) -> Result<Value, String> {
    let mut states = input.names("schema")?;
    states.reverse();
    let (schema, _) = Schema::normalise(&plain_schema(&states));
    let mut groups = Groups::new();
    for name in input.names("order")? {
        let states = input.field("groups")?.names(&name)?;
        groups = groups
            .group(&schema, name, &states)
            .map_err(|error| error.to_string())?;
    }
    let shown = groups.iter().map(|(name, states)| {
        let states: Vec<_> = states.iter().map(|state| state.0).collect();
        (name.to_owned(), json!(states))
    });
    Ok(json!({
        "groups": shown.collect::<Map<_, _>>(),
        "order": groups.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    }))
}

pub(super) fn relations(input: &Value) -> Result<Value, String> {
    let machine = fresh(input)?;
    let schema = machine.schema();
    let list = |codes: Vec<Value>| (!codes.is_empty()).then_some(codes);
    let code = |relation| json!(relation as u8);
    let mut fields = Map::new();
    for from in schema.names() {
        let state = schema.index(from).ok_or("no such state")?;
        let mut inbound: Vec<_> = schema
            .related_to(state)
            .map(|(by, _)| schema.name(by))
            .collect();
        inbound.sort_unstable();
        let of = list(schema.relations_of(state).map(code).collect());
        let inbound = list(inbound.into_iter().map(Value::from).collect());
        fields.insert(
            from.to_owned(),
            json!({"of": of, "inbound_sorted": inbound}),
        );
        for to in schema.names() {
            let other = schema.index(to).ok_or("no such state")?;
            let between = schema.relations_between(state, other).map(code);
            if let Some(between) = list(between.collect()) {
                fields.insert(format!("{from}>{to}"), json!(between));
            }
        }
    }
    Ok(Value::Object(fields))
}
