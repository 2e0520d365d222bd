//! Values and texts recorded from the reference implementation.

use statemesh_testkit::vectors::{Verdict, check_line};

use crate::recorded::{check_all, lines};

/// Every line agrees, but for those in which a defect shows that we do not have. Our own answers in their place are
/// pinned beside the code.
#[test]
fn all_lines_agree_or_differ_for_a_named_reason() {
    check_all("engine-formats", 2472, DELIBERATE);
}

/// The comparison can fail: a text with any one word changed no longer agrees.
#[test]
fn a_changed_word_is_noticed() {
    let lines = lines("engine-formats");
    let change = |kind: &str, word: &str, other: &str| {
        let kind = format!("\"kind\":\"{kind}\"");
        let line = lines
            .iter()
            .filter(|line| line.contains(&kind) && line.contains(word))
            .find(|line| check_line(line) == Verdict::Agree)
            .expect("a line of this kind that agrees");
        let changed = check_line(&line.replacen(word, other, 1));
        assert!(matches!(changed, Verdict::Differs(_)), "{changed:?}");
    };
    change("machine_text", "|Tick     ", "|Ticks    ");
    change("log", "[state] +", "[state] -");
    change("tx_text", "- called **", "- activate **");
    change("import", "\"machine_tick\":1", "\"machine_tick\":2");
    change("checks", "\"is1\":false", "\"is1\":true");
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
