//! What the page says of the steps of a transition, of relations drawn as arcs, and of causes.

use statemesh::core::engine::{Relation, Step};

use super::machine::{handler, state_name};
use crate::history::{Chain, Origin};
use crate::model::{Piece, RelationArc, SchemaFacts, Shown, StepAct, StepPhase, Steps};

/// Above the trail, when sources are known.
pub const BY_CAUSE: &str = "by cause";

/// There is no way to a source.
pub const NO_SOURCE: &str = "No source of this transition is known here.";
/// There is no way to an effect.
pub const NO_EFFECT: &str = "No transition that this one caused is known here.";

/// Above the steps of a phase.
#[must_use]
pub fn phase(phase: StepPhase) -> &'static str {
    match phase {
        StepPhase::Called => "Called",
        StepPhase::Resolve => "Resolved",
        StepPhase::Negotiate => "Negotiated",
        StepPhase::Commit => "Committed",
        StepPhase::Final => "Final",
    }
}

/// A step: `Ready requires RouteOk`.
#[must_use]
pub fn step(schema: &SchemaFacts, steps: &Steps, act: StepAct) -> Vec<Piece> {
    let name =
        |state: statemesh::StateIdx| Piece::Data(state_name(schema, usize::from(state.0)), "");
    let lead = |word: &str, state| vec![Piece::text(word), name(state)];
    let tail = |state, words: &str| vec![name(state), Piece::text(words)];
    let called = |at| Piece::Data(Shown::new(&handler(schema, at)), "");
    match act {
        StepAct::Commit(ticks) => vec![Piece::text(format!("commit, {}", super::ticks(ticks)))],
        StepAct::Refused(at, reason) => {
            let mut words = vec![Piece::text("handler "), called(at), Piece::text(" refused")];
            if let Some(reason) = steps.reasons.get(reason).filter(|it| !it.is_empty()) {
                words.extend([Piece::text(": "), Piece::Name(Shown::new(reason))]);
            }
            words
        }
        StepAct::Told(Step::Handler(at)) => vec![Piece::text("handler "), called(at)],
        StepAct::Told(Step::Requested(state)) => lead("called ", state),
        StepAct::Told(Step::Set(state)) => lead("activate ", state),
        StepAct::Told(Step::Remove(state)) => lead("deactivate ", state),
        StepAct::Told(Step::RemoveNotActive(state)) => lead("do not activate ", state),
        StepAct::Told(Step::Unmet(state)) => tail(state, " misses what it requires"),
        StepAct::Told(Step::Missing { state, .. }) => {
            tail(state, " requires a state that does not exist")
        }
        StepAct::Told(Step::Cancel(state)) => tail(state, " cancels it"),
        StepAct::Told(Step::Relation(relation, from, to)) => match relation {
            Relation::Require => vec![name(from), Piece::text(" requires "), name(to)],
            Relation::Add => vec![name(from), Piece::text(" adds "), name(to)],
            Relation::Remove => vec![name(from), Piece::text(" removes "), name(to)],
            Relation::After => vec![name(to), Piece::text(" comes after "), name(from)],
        },
    }
}

/// `step 10 of 23, resolve: Ready requires RouteOk`.
#[must_use]
pub fn at_step(schema: &SchemaFacts, steps: &Steps, at: Option<usize>) -> String {
    let all = steps.rows.len();
    let row = at.and_then(|at| Some((at, steps.rows.get(at.checked_sub(1)?)?)));
    match row {
        Some((at, row)) => format!(
            "step {at} of {all}, {}: {}",
            row.phase.word(),
            Piece::plain(&step(schema, steps, row.act))
        ),
        None => format!(
            "the whole transition, {}",
            super::counted(all, "step", "steps")
        ),
    }
}

/// Arcs in words: `RouteLost adds Waiting; Ready requires RouteOk, current step`.
#[must_use]
pub fn arcs(schema: &SchemaFacts, arcs: &[RelationArc]) -> String {
    let mut said = String::from("Relations of this transition: ");
    for (at, arc) in arcs.iter().take(SPOKEN).enumerate() {
        let word = match arc.relation {
            Relation::Add => "adds",
            Relation::Remove => "removes",
            Relation::Require | Relation::After => "requires",
        };
        if at > 0 {
            said.push_str("; ");
        }
        let [from, to] = [arc.from, arc.to].map(|state| state_name(schema, state).plain());
        for part in [&from, " ", word, " ", &to] {
            said.push_str(part);
        }
        if arc.is_current {
            said.push_str(", current step");
        }
    }
    if arcs.len() > SPOKEN {
        said.push_str("; and more");
    }
    said
}

/// Where a trail of causes begins.
#[must_use]
pub fn origin(chain: &Chain) -> String {
    match &chain.origin {
        Origin::Outside if chain.causes.is_empty() => "not caused by a transition".to_owned(),
        Origin::Outside => "started outside the mesh".to_owned(),
        Origin::Unseen(machine) => {
            format!("source not visible to you: {}", Shown::new(machine).plain())
        }
        Origin::NotHeld => "history starts here".to_owned(),
        Origin::Longer => "and what led to that".to_owned(),
    }
}

/// `-194 ms`, `0`, `+83 ms`.
#[must_use]
pub fn apart(from: u64, to: u64) -> String {
    match (to.saturating_sub(from), from.saturating_sub(to)) {
        (0, 0) => "0 ms".to_owned(),
        (0, before) => format!("−{before} ms"),
        (after, _) => format!("+{after} ms"),
    }
}

/// Relations spoken at once.
const SPOKEN: usize = 12;
