//! The recorded wire messages, good and hostile.

use statemesh_testkit::vectors::{Verdict, check_line};

fn check(lines: &str, expected: usize) {
    let mut agreed = 0;
    let mut differences = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        match check_line(line) {
            Verdict::Agree => agreed += 1,
            other @ (Verdict::Deliberate(_) | Verdict::Unsupported(_) | Verdict::Differs(_)) => {
                let name: String = line.chars().take(80).collect();
                differences.push(format!("line {}: {name}…\n  {other:?}", number + 1));
            }
        }
    }
    differences.truncate(10);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(agreed, expected);
}

#[test]
fn recorded_messages_decode_and_come_out_again() {
    check(include_str!("../../testkit/data/mesh-wire.jsonl"), 283);
}

#[test]
fn hostile_messages_are_refused_or_taken_as_wanted() {
    check(include_str!("../../testkit/data/mesh-wire-bad.jsonl"), 207);
}
