//! Whole cases in words: log lines, and texts of transitions with all their steps.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use statemesh_core::engine::{LogLevel, MutationKind, Outcome, Relation, Step};
use statemesh_core::{QueueTick, StateIdx};

use crate::engine_vectors::case::Case;
use crate::engine_vectors::run::{run, run_logged};

use super::Fields;
use super::machines::KINDS;

fn case(input: &Value) -> Result<Case, String> {
    serde_json::from_value(input.field("case")?.clone()).map_err(|error| format!("case: {error}"))
}

pub(super) fn lines(input: &Value) -> Result<Value, String> {
    let level = input.field("level")?.as_u64();
    let level = level.and_then(|level| LEVELS.get(usize::try_from(level).ok()?));
    let lines = Rc::new(RefCell::new(Vec::new()));
    let into = Rc::clone(&lines);
    let write = move |level: LogLevel, text: &str| {
        into.borrow_mut().push(format!("{} {text}", level as u8));
    };
    run_logged(
        &case(input)?,
        Some((*level.ok_or("no such level")?, Box::new(write))),
    )?;
    let lines = lines.take();
    Ok(json!(lines))
}

/// The reference tells a wait for the queue only at the next accepted transition: the same lines, this one later.
pub(super) fn fires_queue_waits_late(recorded: &Value, ours: &Value) -> bool {
    let split = |lines: &Value| {
        let lines = lines.as_array().into_iter().flatten();
        let mut lines: Vec<_> = lines.filter_map(Value::as_str).map(str::to_owned).collect();
        let is_match = |line: &mut String| line.contains("[whenQueue:match]");
        let matches: Vec<_> = lines.extract_if(.., is_match).collect();
        (lines, matches)
    };
    split(recorded) == split(ours)
}

/// Transitions have numbers here, which are not those of the reference.
pub(super) fn transitions(input: &Value) -> Result<Value, String> {
    let texts = run(&case(input)?)?.texts;
    let texts = texts.iter().map(|text| {
        let (_, rest) = text.split_once('\n').unwrap_or_default();
        format!("tx#ID\n{rest}")
    });
    Ok(texts.collect())
}

/// The reference shows a handler of two states as if it came after one of them.
pub(super) fn shows_pairs_as_after(recorded: &Value, ours: &Value) -> bool {
    let repaired = |line: &str| {
        let Some((from, to)) = line.split_once(" after ") else {
            return line.to_owned();
        };
        match (from.strip_prefix("- handler "), to.rsplit_once("**")) {
            (Some("**Any**"), _) => format!("- handler {to}"),
            (Some(_), Some((to, _))) => format!("{from}{to}**"),
            (_, _) => line.to_owned(),
        }
    };
    let texts = recorded.as_array().into_iter().flatten();
    let texts = texts.filter_map(Value::as_str).map(|text| {
        let lines: Vec<_> = text.lines().map(repaired).collect();
        lines.join("\n")
    });
    texts.collect::<Value>() == *ours
}

/// Words for kinds of things, by the numbers of the reference.
pub(super) fn words() -> Value {
    let a = StateIdx(0);
    let steps = [
        (1, Step::Relation(Relation::Add, a, a)),
        (2, Step::Handler(statemesh_core::engine::Handler::AnyEnter)),
        (4, Step::Set(a)),
        (8, Step::Remove(a)),
        (16, Step::RemoveNotActive(a)),
        (32, Step::Requested(a)),
        (64, Step::Cancel(a)),
    ];
    let outcomes = [
        Outcome::Executed,
        Outcome::Canceled,
        Outcome::Queued(QueueTick(2)),
        Outcome::Queued(QueueTick(3)),
    ];
    let relations = [
        Relation::After,
        Relation::Add,
        Relation::Require,
        Relation::Remove,
    ];
    let mut words = json!({});
    for (at, outcome) in outcomes.iter().enumerate() {
        words[format!("result_{at}")] = json!(outcome.to_string());
    }
    for (code, step) in steps {
        words[format!("step_{code}")] = json!(step.label());
    }
    for relation in relations {
        words[format!("relation_{}", relation as u8)] = json!(relation.to_string());
    }
    for level in LEVELS {
        words[format!("log_level_{}", level as u8)] = json!(level.to_string());
    }
    for (at, kind) in KINDS.iter().enumerate() {
        let sign = kind.sign();
        let short = match kind {
            MutationKind::Add => format!(" {sign}"),
            MutationKind::Remove | MutationKind::Set | MutationKind::Toggle => format!("{sign} "),
        };
        words[format!("mutation_{at}")] = json!([kind.to_string(), short]);
    }
    // No mutation here: what a driver runs between two.
    words["mutation_3"] = json!(["eval", "e "]);
    words
}

/// By their number.
const LEVELS: [LogLevel; 6] = [
    LogLevel::Nothing,
    LogLevel::External,
    LogLevel::Changes,
    LogLevel::Ops,
    LogLevel::Decisions,
    LogLevel::Everything,
];
