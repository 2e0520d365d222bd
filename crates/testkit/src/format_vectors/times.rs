//! Functions of ticks and of machine times.

use serde_json::{Value, json};
use statemesh_core::StateIdx;
use statemesh_core::engine::{Time, is_active_tick, next_active_tick, next_inactive_tick};

use super::Fields;
use super::compare::error;

pub(super) fn tick(input: &Value) -> Result<Value, String> {
    let tick = input.field("tick")?.as_u64().ok_or("no tick")?;
    let (active, inactive) = (next_active_tick(tick), next_inactive_tick(tick));
    Ok(json!({
        "is_active": is_active_tick(tick),
        "next_active": active,
        "next_active_in": active - tick,
        "next_inactive": inactive,
        "next_inactive_in": inactive - tick,
    }))
}

pub(super) fn time(input: &Value) -> Result<Value, String> {
    let a = vector(&input["a"]);
    let b = vector(&input["b"]);
    let states = states(&input["idxs"]);
    let state = index(&input["idx"]);
    Ok(match input.text("fn")? {
        "active_all" => indexes(a.active()),
        "active_some" => indexes(a.active().filter(|state| states.contains(state))),
        // Different lengths: the reference answers with its left side.
        "add" => ticks(&a.checked_add(&b).unwrap_or(a)),
        "after" => json!(a.is_after(&b)),
        "after_or_equal" => json!(a.is_after_or_equal(&b)),
        "before" => json!(a.is_before(&b)),
        "before_or_equal" => json!(a.is_before_or_equal(&b)),
        "any" => json!(a.is(&states)),
        "any1" => json!(a.any(&states)),
        "any_two" => json!(a.is(&states) || a.is_active(state)),
        "any_none" => json!([a.any(&[]), a.any(&[])]),
        // Different lengths: the reference answers with zeros.
        "diff_since" => {
            let zeros = || a.iter().map(|_| 0).collect();
            ticks(&a.since(&b).unwrap_or_else(zeros))
        }
        "equal" => json!(a.is_prefix_of(&b)),
        "equal_strict" => json!(a == b),
        "filter" => ticks(&a.select(&states)),
        "increment" => ticks(&a.ticked(state)),
        "is" => json!(a.is(&states)),
        "is1" => json!(a.is_active(state)),
        "non_zero" => indexes(a.ticking()),
        "not" => json!(a.not(&states)),
        "not1" => json!(a.is_inactive(state)),
        "sum" => json!(a.sum_of(&states)),
        "sum_all" => json!(a.sum()),
        "text" => json!(a.to_string()),
        "tick" => json!(a.tick(state)),
        name => return Err(format!("unknown function {name}")),
    })
}

/// The reference lists all active states, whatever it is asked for.
pub(super) fn ignores_filter(input: &Value, recorded: &Value) -> bool {
    indexes(vector(&input["a"]).active()) == *recorded
}

pub(super) fn named_time(input: &Value) -> Result<Value, String> {
    let time = vector(input.field("time")?);
    let index = input.names("index")?;
    let states = input.names("states")?;
    let named = time.named(&index);
    let active: Vec<_> = named.active().collect();
    let sum = named.sum_of(&states);
    let name = |at| named.name(StateIdx(at)).unwrap_or_default();
    Ok(json!({
        "active": active.iter().filter(|name| states.contains(name)).collect::<Vec<_>>(),
        "active_all": active,
        "any1": named.any(&states),
        "any_group": named.any(&states),
        "is": named.is(&states),
        "name_0": name(0),
        "name_9": name(9),
        "non_zero": named.ticking().collect::<Vec<_>>(),
        "not": named.not(&states),
        "sum": sum.map_or_else(error, |sum| json!(sum)),
        "sum_none": named.sum_of(&[] as &[&str]).unwrap_or_default(),
        "text": named.to_string(),
    }))
}

fn vector(value: &Value) -> Time {
    let ticks = value.as_array().into_iter().flatten();
    ticks.filter_map(Value::as_u64).collect()
}

fn states(value: &Value) -> Vec<StateIdx> {
    let states = value.as_array().into_iter().flatten();
    states.map(index).collect()
}

/// The reference writes −1 for a name it does not know. No state has the index that stands for it here.
fn index(value: &Value) -> StateIdx {
    let index = value.as_u64().and_then(|index| u16::try_from(index).ok());
    StateIdx(index.unwrap_or(u16::MAX))
}

fn indexes(states: impl Iterator<Item = StateIdx>) -> Value {
    states.map(|state| state.0).collect()
}

fn ticks(time: &Time) -> Value {
    time.iter().copied().collect()
}
