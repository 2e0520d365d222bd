//! Finds the first difference between a recorded and an own outcome.
//!
//! Absent, null, false, zero and empty are the same. Order inside `fired` of one transition means nothing.

use serde_json::{Map, Value};

use super::case::Outcome;
use super::run::Actual;

/// Where the two differ first, readable.
pub(crate) fn difference(expected: &Outcome<'_>, actual: &Actual) -> Option<String> {
    if expected.index != actual.index {
        return Some(format!(
            "index: recorded {:?}, ours {:?}",
            expected.index, actual.index
        ));
    }
    if let Some(difference) = record("init", expected.init, &actual.init) {
        return Some(difference);
    }
    if expected.out.len() != actual.out.len() {
        let (recorded, ours) = (expected.out.len(), actual.out.len());
        return Some(format!("out: recorded {recorded} operations, ours {ours}"));
    }
    expected
        .out
        .iter()
        .zip(&actual.out)
        .enumerate()
        .find_map(|(at, (expected, actual))| record(&format!("op {at}"), expected, actual))
}

fn record(place: &str, expected: &Value, actual: &Value) -> Option<String> {
    value(place, &normalised(expected), &normalised(actual))
}

fn value(place: &str, expected: &Value, actual: &Value) -> Option<String> {
    if expected == actual {
        return None;
    }
    match (expected, actual) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find_map(|key| value(&format!("{place}.{key}"), field(a, key), field(b, key))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() && place.ends_with("txs") => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .into_iter()
                .find_map(|(at, (a, b))| value(&format!("{place}[{at}]"), a, b))
        }
        _ => Some(format!("{place}: recorded {expected}, ours {actual}")),
    }
}

fn field<'a>(map: &'a Map<String, Value>, key: &str) -> &'a Value {
    map.get(key).unwrap_or(&Value::Null)
}

/// Without what means nothing.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(key, value)| {
                let mut value = normalised(value);
                if key == "fired"
                    && let Value::Array(fired) = &mut value
                {
                    fired.sort_by_key(|entry| (number(entry, "tx"), text(entry, "id")));
                }
                (!is_nothing(&value)).then(|| (key.clone(), value))
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(normalised).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn number(entry: &Value, key: &str) -> i64 {
    entry.get(key).and_then(Value::as_i64).unwrap_or_default()
}

fn text(entry: &Value, key: &str) -> String {
    let text = entry.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_is_nothing_and_order_of_fired_is_free() {
        let recorded = json!({"r": 0, "fired": [{"id": "b", "tx": 0}, {"id": "a", "tx": 0}]});
        let ours = json!({"fired": [{"id": "a"}, {"id": "b"}], "txs": []});
        assert_eq!(record("op 0", &recorded, &ours), None);
    }

    #[test]
    fn names_the_place() {
        let recorded = json!({"txs": [{"t": "add", "ok": true}]});
        let ours = json!({"txs": [{"t": "add"}]});
        let found = record("op 3", &recorded, &ours);
        assert_eq!(
            found.as_deref(),
            Some("op 3.txs[0].ok: recorded true, ours null")
        );
    }
}
