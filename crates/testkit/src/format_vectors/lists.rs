//! Lists of names, states and schemas as written.

use serde_json::{Map, Value, json};
use statemesh_core::engine::{Schema, SchemaDef, StateDef, fingerprint, names};

use crate::engine_vectors::case::{State, schema_def};

use super::Fields;

pub(super) fn lists(input: &Value) -> Result<Value, String> {
    let (a, b) = (input.names("a")?, input.names("b")?);
    let index = |name: &String| a.iter().position(|own| own == name);
    let ends_in_b = |name: &&String| name.ends_with('B');
    Ok(json!({
        "add": names::union(&a, &b),
        "delete": names::difference(&a, &b),
        "sub": names::difference(&a, &b),
        "states_diff": names::difference(&a, &b),
        "shared": names::intersection(&a, &b),
        "states_shared": names::intersection(&a, &b),
        "equal": names::is_same_set(&a, &b),
        "states_equal": names::is_same_set(&a, &b),
        "equal_order": a == b,
        "unique": names::unique(&a),
        "has_a": a.contains(&"A".to_owned()),
        "index": b.iter().map(|name| index(name).map_or(json!(-1), |at| json!(at))).collect::<Vec<_>>(),
        "prefix_foo": names::prefixed("Foo", &a),
        "filter_prefix_foo": names::with_prefix(&a, "Foo"),
        "filter_match_b_end": a.iter().filter(ends_in_b).collect::<Vec<_>>(),
        "hash": fingerprint(&a.join(","), 4),
    }))
}

/// One of the reference's two ways to subtract a list gives its left side back.
pub(super) fn subtracts_nothing(input: &Value, recorded: &Value, ours: &Value) -> bool {
    let mut repaired = recorded.clone();
    repaired["delete"] = ours["delete"].clone();
    recorded["delete"] == input["a"] && repaired == *ours
}

pub(super) fn hash(input: &Value) -> Result<Value, String> {
    let digits = match input.field("len")?.as_u64() {
        Some(0) | None => 6,
        Some(digits) => usize::try_from(digits).map_err(|error| error.to_string())?,
    };
    Ok(json!(fingerprint(input.text("text")?, digits)))
}

pub(super) fn names(input: &Value) -> Result<Value, String> {
    let all = input.names("names")?;
    // The reference leaves out what has no first letter.
    let all = all.iter().filter(|name| !name.is_empty());
    Ok(all.map(|name| names::capitalised(name)).collect())
}

pub(super) fn reserved(input: &Value) -> Result<Value, String> {
    Ok(json!(names::is_reserved(input.text("name")?)))
}

pub(super) fn state(input: &Value) -> Result<Value, String> {
    let state = |key| -> Result<StateDef, String> {
        let state: State = serde_json::from_value(input.field(key)?.clone())
            .map_err(|error| format!("{key}: {error}"))?;
        Ok(state.def())
    };
    let (a, b) = (state("a")?, state("b")?);
    let is = |key| input[key].as_bool().unwrap_or_default();
    Ok(shown(&match input.text("fn")? {
        "extend" => a.extend(&b),
        "set" => a.set(is("auto"), is("multi"), &b),
        "set_rels" => a.with_relations(&b),
        name => return Err(format!("unknown function {name}")),
    }))
}

/// The reference forgets the tags of an overlay.
pub(super) fn forgets_tags(input: &Value, recorded: &Value, ours: &Value) -> bool {
    let mut repaired = recorded.clone();
    repaired["tags"] = ours["tags"].clone();
    recorded["tags"] == input["a"]["tags"] && repaired == *ours
}

/// The reference keeps a name in Add that is in Remove, too, though no state has it.
pub(super) fn keeps_unknown(recorded: &Value, ours: &Value) -> bool {
    let Some(states) = recorded["schema"].as_object() else {
        return false;
    };
    let is_known = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        states.contains_key(name) || name == "Exception"
    };
    let mut repaired = recorded.clone();
    for name in states.keys() {
        if let Some(add) = repaired["schema"][name]["add"].as_array_mut() {
            add.retain(is_known);
        }
    }
    if repaired["schema"] != recorded["schema"] && recorded.get("inspect").is_some() {
        repaired["inspect"] = ours["inspect"].clone();
    }
    repaired == *ours
}

pub(super) fn schema(input: &Value) -> Result<Value, String> {
    let a = schema_def(input.field("a")?)?;
    Ok(match input.text("fn")? {
        "merge" => shown_all(&a.merge(schema_def(input.field("b")?)?)),
        "parse" => parsed(&a),
        "prefix" => {
            let prefix = input.text("prefix")?;
            shown_all(&match input["remove_dups"].as_bool() {
                Some(true) => a.prefixed_once(prefix),
                Some(false) | None => a.prefixed(prefix),
            })
        }
        "filter_by_tag" => shown_all(&a.with_tag(input.text("tag")?)),
        "states_by_tag_sorted" => json!(a.names_by_tag(input.text("tag")?)),
        "adjacent" => {
            let state = a.get(input.text("state")?).ok_or("no such state")?;
            let adjacent: Vec<_> = state.adjacent().collect();
            if adjacent.is_empty() {
                Value::Null
            } else {
                json!(adjacent)
            }
        }
        "names_sorted" => json!(a.names_sorted()),
        name => return Err(format!("unknown function {name}")),
    })
}

/// Normalised, without the `Exception` that nobody declared.
fn parsed(def: &SchemaDef) -> Value {
    let (schema, problems) = Schema::normalise(def);
    let mut states = shown_all(schema.def());
    if def.get("Exception").is_none()
        && let Value::Object(states) = &mut states
    {
        states.remove("Exception");
    }
    let errors = problems.iter().filter(|problem| problem.is_error());
    let errors: Vec<_> = errors
        .map(|error| format!("schema error: {error}"))
        .collect();
    let error = (!errors.is_empty()).then(|| errors.join("\n"));
    json!({"err": error, "schema": states})
}

pub(super) fn shown_all(schema: &SchemaDef) -> Value {
    let states = schema.states.iter();
    let states = states.map(|(name, state)| (name.clone(), shown(state)));
    Value::Object(states.collect::<Map<_, _>>())
}

/// A state in full: absent lists are null.
fn shown(state: &StateDef) -> Value {
    json!({
        "auto": state.auto,
        "multi": state.multi,
        "require": state.require,
        "add": state.add,
        "remove": state.remove,
        "after": state.after,
        "tags": state.tags,
    })
}
