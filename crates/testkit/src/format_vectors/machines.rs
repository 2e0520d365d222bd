//! A machine after some operations: its texts, its answers, and what construction makes of a schema.

use serde_json::{Map, Value, json};
use statemesh_core::StateIdx;
use statemesh_core::engine::{Machine, MutationKind, Options, Schema, SchemaDef, Signature};

use crate::engine_vectors::case::{Op, schema_def};
use crate::engine_vectors::run::{mutation, ordered, raise};
use crate::engine_vectors::watch::names;

use super::Fields;
use super::compare::error;
use super::lists::shown_all;
use super::moves;

/// The machine of a line, after its operations.
pub(super) fn machine(input: &Value) -> Result<Machine, String> {
    let mut machine = fresh(input)?;
    for op in ops(input)? {
        apply(&mut machine, &op)?;
    }
    Ok(machine)
}

pub(super) fn ops(input: &Value) -> Result<Vec<Op>, String> {
    serde_json::from_value(input.field("ops")?.clone()).map_err(|error| format!("ops: {error}"))
}

pub(super) fn apply(machine: &mut Machine, op: &Op) -> Result<(), String> {
    let states = indexes(machine.schema(), &op.states)?;
    machine.apply(mutation(&op.op, &states)?);
    Ok(())
}

pub(super) fn fresh(input: &Value) -> Result<Machine, String> {
    let def = schema_def(input.field("schema")?)?;
    let names = index_names(input);
    let (schema, problems) = ordered(&def, names.as_deref())?;
    let mut machine = Machine::new(schema, Options::default());
    raise(&mut machine, &problems);
    Ok(machine)
}

/// The verified order; absent or null: there is none, and states stand in the order of their names.
fn index_names(input: &Value) -> Option<Vec<String>> {
    input.names("names").ok().filter(|names| !names.is_empty())
}

pub(super) fn indexes(schema: &Schema, names: &[String]) -> Result<Vec<StateIdx>, String> {
    let indexes = schema.indexes(names);
    indexes.map_err(|error| error.to_string())
}

pub(super) fn index(machine: &Machine) -> Vec<&str> {
    machine.schema().names().collect()
}

pub(super) fn construct(input: &Value) -> Result<Value, String> {
    let machine = fresh(input)?;
    Ok(json!({
        "err": machine.error().map(|error| error.to_string()),
        "index": index(&machine),
        "inspect": machine.inspect().to_string(),
        "schema": shown_all(machine.schema().def()),
        "time": machine.clock(),
        "verified": index_names(input).is_some(),
        "version": machine.schema().len(),
    }))
}

/// A list of names either becomes the index, or is refused and the machine keeps the one it has.
pub(super) fn verify(input: &Value) -> Result<Value, String> {
    let def = plain_schema(&input.names("schema")?);
    let (own, _) = ordered(&def, None)?;
    let verified = Schema::with_index(&def, &input.names("names")?);
    let schema = verified.as_ref().map_or(&own, |(schema, _)| schema);
    Ok(json!({
        "err": verified.as_ref().err().map(error),
        "index": schema.names().collect::<Vec<_>>(),
        "verified": verified.is_ok(),
    }))
}

/// The reference counts the names of a list with duplicates, and loses a state.
pub(super) fn loses_a_state(recorded: &Value, ours: &Value) -> bool {
    let len = |value: &Value| value["index"].as_array().map_or(0, Vec::len);
    recorded["verified"] == true && ours["err"].is_object() && len(recorded) < len(ours)
}

/// States of these names, without anything else.
pub(super) fn plain_schema(names: &[String]) -> SchemaDef {
    let states = names.iter().map(|name| (name.clone(), Default::default()));
    SchemaDef {
        states: states.collect(),
    }
}

pub(super) fn texts(input: &Value) -> Result<Value, String> {
    let machine = machine(input)?;
    let schema = machine.schema();
    let states = indexes(schema, &input.names("states")?)?;
    let clock = |states: &mut dyn Iterator<Item = StateIdx>| -> Value {
        let ticks = states.map(|state| (schema.name(state).to_owned(), machine.tick(state).into()));
        Value::Object(ticks.collect::<Map<_, _>>())
    };
    let time = machine.time();
    let active = states.iter().copied().filter(|&state| machine.is(state));
    let active: Vec<_> = active.collect();
    // Of two groups: these states, then all.
    let all: Vec<_> = (0..=u16::MAX).map(StateIdx).take(schema.len()).collect();
    let first_active = machine.first_active(&[&states[..], &all].concat());
    let mut fields = moves::exported(&machine, index_names(input).is_some())?;
    let texts = json!({
        "active_states": names(schema, &active),
        "clock": clock(&mut all.iter().copied()),
        "clock_states": clock(&mut states.iter().copied()),
        "inspect": machine.inspect().to_string(),
        "inspect_states": machine.inspect().only(&states).to_string(),
        "string": machine.to_string(),
        "string_all": format!("{machine:#}"),
        "switch": first_active.map_or("", |state| schema.name(state)),
        "time_index_text": time.named(&index(&machine)).to_string(),
        "time_states": time.select(&states).to_vec(),
        "time_text": time.to_string(),
    });
    fields.extend(texts.as_object().cloned().unwrap_or_default());
    Ok(Value::Object(fields))
}

pub(super) fn checks(input: &Value) -> Result<Value, String> {
    let machine = machine(input)?;
    let queries: Vec<Vec<String>> = serde_json::from_value(input.field("queries")?.clone())
        .map_err(|error| format!("queries: {error}"))?;
    let rows: Vec<_> = queries.iter().map(|query| check(&machine, query)).collect();
    Ok(json!({"rows": rows, "time": machine.clock()}))
}

/// One query, by names that may be unknown: then only what asks for presence has an answer.
fn check(machine: &Machine, query: &[String]) -> Value {
    let schema = machine.schema();
    let index = |name: &String| {
        let index = schema.index(name);
        index.map_or(json!(-1), |index| json!(index.0))
    };
    let indexes = schema.indexes(query);
    let states = indexes.as_deref().unwrap_or_default();
    let is_known = indexes.is_ok();
    let known: Vec<_> = query.iter().filter_map(|name| schema.index(name)).collect();
    let is = is_known && machine.is_all(states);
    let mut row = json!({
        "any": is || machine.is_all(machine.active()),
        "any1": machine.is_any(&known),
        "any_group": is,
        "has": is_known,
        "index": query.iter().map(index).collect::<Vec<_>>(),
        "is": is,
        "not": match &indexes {
            Ok(states) => json!(machine.is_none(states)),
            Err(unknown) => error(unknown),
        },
    });
    if let Some(first) = query.first() {
        let state = schema.index(first);
        row["has1"] = json!(state.is_some());
        row["index1"] = index(first);
        row["is1"] = json!(state.is_some_and(|state| machine.is(state)));
        row["tick"] = json!(state.map_or(0, |state| machine.tick(state)));
        if is_known {
            compare_clocks(machine, states, &mut row);
        }
    }
    row
}

/// With the ticks of now, and one later for the first state.
fn compare_clocks(machine: &Machine, states: &[StateIdx], row: &mut Value) {
    let now = |state: &StateIdx| (*state, machine.tick(*state));
    let now: Vec<_> = states.iter().map(now).collect();
    let mut later = now.clone();
    later[0].1 += 1;
    let is = json!([machine.is_at(&now), machine.is_at(&later)]);
    let was = json!([machine.was_at(&now), machine.was_at(&later)]);
    for key in ["is_time", "is_clock"] {
        row[key] = is.clone();
    }
    for key in ["was_time", "was_clock"] {
        row[key] = was.clone();
    }
}

pub(super) fn mutation_text(input: &Value) -> Result<Value, String> {
    let names = input.names("index")?;
    let (schema, _) = Schema::normalise(&plain_schema(&names));
    let called: Vec<u16> = serde_json::from_value(input.field("called")?.clone())
        .map_err(|error| format!("called: {error}"))?;
    let called: Vec<_> = called.into_iter().map(StateIdx).collect();
    let kind = KINDS.get(
        input["type"]
            .as_u64()
            .and_then(|at| usize::try_from(at).ok())
            .unwrap_or(9),
    );
    let kind = *kind.ok_or("unknown type")?;
    Ok(json!({
        "called_index": schema.list(&called).to_string(),
        "text": schema.call_text(kind, &called).to_string(),
    }))
}

pub(super) fn signature(input: &Value) -> Result<Value, String> {
    let kind = match input["IsRemove"].as_bool() {
        Some(true) => MutationKind::Remove,
        Some(false) | None => MutationKind::Add,
    };
    let mut signature = Signature::new(kind, input.names("States")?);
    let label = input.text("Name")?;
    signature.label = (!label.is_empty()).then(|| label.to_owned());
    signature.needed = input.names("Needed")?;
    signature.optional = input.names("Optional")?;
    let args: Vec<_> = signature.args().collect();
    Ok(json!({
        "args": (!args.is_empty()).then_some(args),
        "text": signature.to_string(),
    }))
}

/// By their number.
pub(super) const KINDS: [MutationKind; 3] =
    [MutationKind::Add, MutationKind::Remove, MutationKind::Set];
