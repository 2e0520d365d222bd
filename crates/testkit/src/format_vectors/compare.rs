//! Finds the first difference between a recorded and an own answer. A recorded panic is equal to any error of ours,
//! and so is a recorded error: its words are not ours.

use serde_json::{Value, json};

/// How two answers relate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    /// Equal, but for places where the reference panics and we answer.
    Answered,
    /// Where they differ first.
    Different(String),
}

/// An own answer that is an error: what it says.
pub(super) fn error(error: impl ToString) -> Value {
    json!({"error": error.to_string()})
}

pub(super) fn compare(recorded: &Value, ours: &Value) -> Comparison {
    let mut answered = false;
    match difference("out", recorded, ours, &mut answered) {
        Some(difference) => Comparison::Different(difference),
        None if answered => Comparison::Answered,
        None => Comparison::Equal,
    }
}

fn difference(place: &str, recorded: &Value, ours: &Value, answered: &mut bool) -> Option<String> {
    if recorded == ours {
        return None;
    }
    if recorded.get("panic").is_some() || recorded == "panic" {
        *answered |= ours.get("error").is_none();
        return None;
    }
    if place.ends_with(".err") && recorded.is_string() && ours.get("error").is_some() {
        return None;
    }
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|key| {
            let place = format!("{place}.{key}");
            match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(&place, a, b, answered),
                (a, b) => Some(format!("{place}: recorded {a:?}, ours {b:?}")),
            }
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(&format!("{place}[{at}]"), a, b, answered))
        }
        (Value::Array(a), Value::Array(b)) => {
            let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            let (a, b) = (a.get(at), b.get(at));
            Some(format!("{place}[{at}]: recorded {a:?}, ours {b:?}"))
        }
        _ => Some(format!("{place}: recorded {recorded}, ours {ours}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_met_by_an_error() {
        let recorded = json!({"a": 1, "b": [true, {"panic": "index out of range"}]});
        let check = |ours: Value, expected| assert_eq!(compare(&recorded, &ours), expected);
        let unknown = error("no such state");
        check(json!({"a": 1, "b": [true, unknown]}), Comparison::Equal);
        check(json!({"a": 1, "b": [true, false]}), Comparison::Answered);
        let difference = "out.b[0]: recorded true, ours null".to_owned();
        check(
            json!({"a": 1, "b": [null, false]}),
            Comparison::Different(difference),
        );
    }
}
