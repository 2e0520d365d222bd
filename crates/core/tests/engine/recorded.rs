//! Cases recorded from the reference implementation.

use std::path::PathBuf;

use serde_json::Value;
use statemesh_testkit::tally::Tally;
use statemesh_testkit::vectors::{Verdict, check_line, for_each_line, recorded_files};

/// Every line agrees, but for those whose recorded outcome depends on a defect that we do not have.
#[test]
fn all_cases_agree_or_differ_for_a_named_reason() {
    check_all("engine-vectors", 3475, DELIBERATE);
}

/// Runs the kept files of this name, and compares what came of their lines.
#[track_caller]
pub(crate) fn check_all(name: &str, agree: u64, deliberate: &[(&str, u64)]) {
    let mut tally = Tally::default();
    for file in files(name) {
        tally.run(&file).expect("a recorded file");
    }
    assert!(tally.is_clean(), "{tally:#?}");
    assert_eq!(tally.agree, agree);
    let by_defect = tally.by_defect.iter();
    let by_defect: Vec<_> = by_defect
        .map(|(defect, lines)| (defect.as_str(), *lines))
        .collect();
    assert_eq!(by_defect, deliberate);
}

/// All lines of the kept files of this name.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for file in files(name) {
        for_each_line(&file, |_, line| lines.push(line.to_owned())).expect("a recorded file");
    }
    lines
}

fn files(name: &str) -> impl Iterator<Item = PathBuf> {
    let is_meant = move |file: &PathBuf| file.to_str().is_some_and(|path| path.contains(name));
    recorded_files().into_iter().filter(is_meant)
}

/// The comparison can fail: a case with any one tick changed no longer agrees.
#[test]
fn a_changed_tick_is_noticed() {
    let lines = lines("engine-vectors");
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
    let lines = lines("engine-vectors");
    let is_deep = |line: &&String| line.contains("\"deep\":true") && !line.contains("outcomes");
    let deep = lines
        .iter()
        .filter(is_deep)
        .find(|line| check_line(line) == Verdict::Agree)
        .expect("a case with steps");
    let changed = deep.replace("called >", "activate >");
    assert!(matches!(check_line(&changed), Verdict::Differs(_)));
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
