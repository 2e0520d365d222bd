//! Cases recorded from the reference implementation.

use std::path::Path;

use serde_json::Value;
use statemesh_testkit::vectors::{Verdict, check_line};

/// Waits that the first engine had to have; the others may be missing.
const FIRST_WAITS: &[&str] = &["when", "when_not", "when_time"];

#[test]
fn first_cases_agree() {
    let lines = lines();
    let chosen: Vec<_> = lines.iter().filter(|line| is_plain(line)).collect();
    assert_eq!(chosen.len(), 396);
    for line in chosen {
        assert_eq!(check_line(line), Verdict::Agree);
    }
}

#[test]
fn no_case_differs_without_a_reason() {
    let lines = lines();
    assert_eq!(lines.len(), 500);
    for line in &lines {
        let verdict = check_line(line);
        let has_quirks = parsed(line).get("quirks").is_some();
        match verdict {
            Verdict::Agree | Verdict::Unsupported(_) => {}
            Verdict::Deliberate(defect) => assert!(has_quirks, "{defect}"),
            Verdict::Differs(difference) => panic!("{difference}"),
        }
    }
}

/// The comparison can fail: a case with any one tick changed no longer agrees.
#[test]
fn a_changed_tick_is_noticed() {
    let lines = lines();
    let mut case = parsed(&lines[0]);
    case["out"][0]["time"][0] = 3.into();
    let Verdict::Differs(difference) = check_line(&case.to_string()) else {
        panic!("not noticed");
    };
    assert_eq!(
        difference,
        "row-1: op 0.time: recorded [3,1,0,0,0], ours [1,1,0,0,0]"
    );
}

fn lines() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/data/engine-vectors.jsonl");
    let text = std::fs::read_to_string(file).expect("the recorded cases");
    text.lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("one JSON object")
}

/// Without recorded steps, without defects, without other waits than the first three.
fn is_plain(line: &str) -> bool {
    let case = parsed(line);
    if case.get("deep").is_some() || case.get("quirks").is_some() {
        return false;
    }
    let mut names = Vec::new();
    collect_operations(&case, &mut names);
    names.iter().all(|name| {
        let is_wait = name.starts_with("when") || name == "state_ctx" || name == "cancel";
        !is_wait || FIRST_WAITS.contains(&name.as_str())
    })
}

/// Names of all operations, those of handlers included.
fn collect_operations(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("op") {
                names.push(name.clone());
            }
            fields
                .values()
                .for_each(|value| collect_operations(value, names));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_operations(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
