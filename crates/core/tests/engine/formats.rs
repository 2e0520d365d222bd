//! Values and texts recorded from the reference implementation.

use std::collections::BTreeMap;

use statemesh_testkit::vectors::{Verdict, check_line, for_each_line, recorded_files};

/// Every line agrees, but for those in which a defect shows that we do not have. Our own answers in their place are
/// pinned beside the code.
#[test]
fn all_lines_agree_or_differ_for_a_named_reason() {
    let mut agree = 0;
    let mut deliberate = BTreeMap::<String, u64>::new();
    for line in lines() {
        match check_line(&line) {
            Verdict::Agree => agree += 1,
            Verdict::Deliberate(defect) => *deliberate.entry(defect).or_default() += 1,
            Verdict::Unsupported(what) => panic!("unsupported: {what}"),
            Verdict::Differs(difference) => panic!("{difference}"),
        }
    }
    assert_eq!(agree, 2472);
    let deliberate: Vec<_> = deliberate
        .iter()
        .map(|(name, lines)| (name.as_str(), *lines))
        .collect();
    assert_eq!(deliberate, DELIBERATE);
}

/// The comparison can fail: a text with any one word changed no longer agrees.
#[test]
fn a_changed_word_is_noticed() {
    let change = |kind: &str, word: &str, other: &str| {
        let kind = format!("\"kind\":\"{kind}\"");
        let lines = lines();
        let line = lines
            .iter()
            .find(|line| line.contains(&kind) && line.contains(word))
            .expect("a line of this kind");
        assert_ne!(check_line(line), Verdict::Unsupported(String::new()));
        let changed = check_line(&line.replacen(word, other, 1));
        assert!(matches!(changed, Verdict::Differs(_)), "{changed:?}");
    };
    change("machine_text", "|Tick     ", "|Ticks    ");
    change("log", "[state] +", "[state] -");
    change("tx_text", "- called **", "- activate **");
    change("import", "\"machine_tick\":1", "\"machine_tick\":2");
    change("checks", "\"is1\":false", "\"is1\":true");
}

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for file in recorded_files() {
        let is_formats = |path: &str| path.contains("engine-formats");
        if file.to_str().is_some_and(is_formats) {
            for_each_line(&file, |_, line| lines.push(line.to_owned()))
                .expect("the recorded lines");
        }
    }
    lines
}

/// By the defect: `1.5` an overlay's tags are forgotten, `2.2` an index out of range is a panic, `5.7` a handler of two
/// states is shown as if it came after one of them, `B17` an unknown name stays in Add, `B18` a list of names loses a
/// state, `B19` a list subtracts nothing and a filter filters nothing, `B2` a wait for the queue fires late, `B23` what
/// does not fit is half applied.
const DELIBERATE: &[(&str, u64)] = &[
    ("1.5", 4),
    ("2.2", 185),
    ("5.7", 23),
    ("B17", 2),
    ("B18", 1),
    ("B19", 54),
    ("B2", 1),
    ("B23", 2),
];
