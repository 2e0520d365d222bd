//! Cases recorded from the reference implementation.

use std::collections::BTreeMap;

use serde_json::Value;
use statemesh_testkit::vectors::{Verdict, check_line, for_each_line, recorded_files};

/// Every line agrees, but for those whose recorded outcome depends on a defect that we do not have.
#[test]
fn all_cases_agree_or_differ_for_a_named_reason() {
    let mut agree = 0;
    let mut deliberate = BTreeMap::<String, u64>::new();
    for line in lines() {
        match check_line(&line) {
            Verdict::Agree => agree += 1,
            Verdict::Deliberate(defect) => {
                let quirks = &parsed(&line)["quirks"];
                let is_named = quirks
                    .as_array()
                    .is_some_and(|named| named.contains(&Value::from(defect.as_str())));
                assert!(is_named, "{defect} is not among {quirks}");
                *deliberate.entry(defect).or_default() += 1;
            }
            Verdict::Unsupported(what) => panic!("unsupported: {what}"),
            Verdict::Differs(difference) => panic!("{difference}"),
        }
    }
    assert_eq!(agree, 3475);
    let deliberate: Vec<_> = deliberate
        .iter()
        .map(|(name, lines)| (name.as_str(), *lines))
        .collect();
    assert_eq!(deliberate, DELIBERATE);
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

/// And so is a changed step of a resolution.
#[test]
fn a_changed_step_is_noticed() {
    let lines = lines();
    let is_deep = |line: &&String| line.contains("\"deep\":true") && !line.contains("outcomes");
    let deep = lines
        .iter()
        .filter(is_deep)
        .find(|line| check_line(line) == Verdict::Agree)
        .expect("a case with steps");
    let changed = deep.replace("called >", "activate >");
    assert!(matches!(check_line(&changed), Verdict::Differs(_)));
}

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for file in recorded_files() {
        let is_engine = |path: &str| path.contains("engine-vectors");
        if file.to_str().is_some_and(is_engine) {
            for_each_line(&file, |_, line| lines.push(line.to_owned()))
                .expect("the recorded cases");
        }
    }
    lines
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("one JSON object")
}

/// Cases whose recorded outcome depends on a defect of the reference, by the defect; ours is pinned in `fixed`.
const DELIBERATE: &[(&str, u64)] = &[
    ("4.3.4", 21),
    ("5.6", 21),
    ("B11", 66),
    ("B13", 9),
    ("B2", 5),
    ("B22", 26),
    ("B4", 9),
    ("B9", 2),
];
