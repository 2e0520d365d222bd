//! The steps of one transition: in phases, as rows to go through one by one, and the relations among them as arcs to
//! draw beside the tree of states (dashboard design 3.3, 5.2).
//!
//! What the engine told is shown as it came. One row is added to it: the commit, which is no decision.

use statemesh::StateIdx;
use statemesh::core::collections::OrderedSet;
use statemesh::core::engine::{Handler, Relation, Step};

use crate::history::{Head, RefusedBy};

/// All of one transition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// In order. A step's number is its place here, from 1.
    pub rows: Vec<StepRow>,
    /// States of which a handler ran.
    pub ran: OrderedSet<usize>,
    /// What handlers said that did not accept.
    pub reasons: Vec<String>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// What it is part of.
    pub phase: StepPhase,
    /// What it did.
    pub act: StepAct,
}

/// Parts of a transition, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPhase {
    /// What was asked for.
    Called,
    /// Relations make a target of it.
    Resolve,
    /// Handlers may refuse.
    Negotiate,
    /// The clock moves.
    Commit,
    /// Handlers are told.
    Final,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAct {
    /// As the engine told it.
    Told(Step),
    /// A handler was called and did not accept; which of the refusals that is.
    Refused(Handler, usize),
    /// So many ticks passed.
    Commit(u64),
}

/// A relation that a transition looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationArc {
    /// `Require`, `Add` or `Remove`.
    pub relation: Relation,
    /// The acting state.
    pub from: usize,
    /// The other one.
    pub to: usize,
    /// It is the current step.
    pub is_current: bool,
    /// How far from the states it runs, from 0.
    pub lane: usize,
}

impl StepPhase {
    /// Below the line of steps.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Called => "called",
            Self::Resolve => "resolve",
            Self::Negotiate => "negotiate",
            Self::Commit => "commit",
            Self::Final => "final",
        }
    }
}

impl Steps {
    /// What was recorded of a transition. `ticks`: how many passed in it.
    #[must_use]
    pub fn new(head: &Head, told: &[Step], refusals: &[RefusedBy], ticks: u64) -> Self {
        let mut steps = Self {
            reasons: refusals.iter().map(|it| it.reason.clone()).collect(),
            ..Self::default()
        };
        if told.is_empty() {
            return steps;
        }
        let commits = !head.is_canceled && !head.is_check;
        let mut phase = StepPhase::Called;
        for step in told {
            phase = phase_of(step, phase);
            if phase == StepPhase::Final && commits && !steps.has_commit() {
                steps.push(StepPhase::Commit, StepAct::Commit(ticks));
            }
            let act = match step {
                Step::Handler(handler) => {
                    steps.ran.extend(owner(*handler));
                    let refused = refusals.iter().position(|it| it.handler == *handler);
                    refused.map_or(StepAct::Told(*step), |at| StepAct::Refused(*handler, at))
                }
                Step::Requested(_)
                | Step::Set(_)
                | Step::Remove(_)
                | Step::RemoveNotActive(_)
                | Step::Unmet(_)
                | Step::Missing { .. }
                | Step::Relation(..)
                | Step::Cancel(_) => StepAct::Told(*step),
            };
            steps.push(phase, act);
        }
        if commits && !steps.has_commit() {
            steps.push(StepPhase::Commit, StepAct::Commit(ticks));
        }
        steps
    }

    /// Phases that have steps, each with the places of its first and behind its last.
    #[must_use]
    pub fn phases(&self) -> Vec<(StepPhase, usize, usize)> {
        let mut phases: Vec<(StepPhase, usize, usize)> = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            match phases.last_mut() {
                Some((phase, _, end)) if *phase == row.phase => *end = at + 1,
                _ => phases.push((row.phase, at, at + 1)),
            }
        }
        phases
    }

    /// The relations among them, each once, laid beside states shown in this order. `current`: a step's number.
    #[must_use]
    pub fn arcs(&self, current: usize, order: &[usize]) -> Vec<RelationArc> {
        let mut arcs: Vec<RelationArc> = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let StepAct::Told(Step::Relation(relation, from, to)) = row.act else {
                continue;
            };
            if relation == Relation::After || from == to {
                continue;
            }
            let (from, to) = (usize::from(from.0), usize::from(to.0));
            let is_current = at + 1 == current;
            let same =
                |arc: &&mut RelationArc| (arc.relation, arc.from, arc.to) == (relation, from, to);
            if let Some(arc) = arcs.iter_mut().find(same) {
                arc.is_current |= is_current;
            } else {
                arcs.push(RelationArc {
                    relation,
                    from,
                    to,
                    is_current,
                    lane: 0,
                });
            }
        }
        lay(&mut arcs, order);
        arcs
    }

    fn has_commit(&self) -> bool {
        self.rows.iter().any(|row| row.phase == StepPhase::Commit)
    }

    fn push(&mut self, phase: StepPhase, act: StepAct) {
        self.rows.push(StepRow { phase, act });
    }
}

/// The phase a step belongs to, when the one before it was in that phase. Auto states that were refused make relations be
/// looked at once more; that is still negotiation.
fn phase_of(step: &Step, before: StepPhase) -> StepPhase {
    match step {
        Step::Handler(handler) if handler.is_negotiation() => StepPhase::Negotiate,
        Step::Handler(_) => StepPhase::Final,
        Step::Requested(_) if before == StepPhase::Called => StepPhase::Called,
        Step::Requested(_)
        | Step::Set(_)
        | Step::Remove(_)
        | Step::RemoveNotActive(_)
        | Step::Unmet(_)
        | Step::Missing { .. }
        | Step::Relation(..)
        | Step::Cancel(_) => match before {
            StepPhase::Called => StepPhase::Resolve,
            later => later,
        },
    }
}

/// The state whose handler it is; of a pair the one that begins.
fn owner(handler: Handler) -> Option<usize> {
    let state = |state: StateIdx| Some(usize::from(state.0));
    match handler {
        Handler::Exit(at)
        | Handler::Enter(at)
        | Handler::Stay(at)
        | Handler::Pair(_, at)
        | Handler::End(at)
        | Handler::State(at) => state(at),
        Handler::AnyEnter | Handler::AnyState => None,
    }
}

/// Gives arcs that would lie on each other lanes of their own: short ones next to the states.
fn lay(arcs: &mut [RelationArc], order: &[usize]) {
    let place = |state: usize| order.iter().position(|it| *it == state).unwrap_or(0);
    let span = |arc: &RelationArc| {
        let (a, b) = (place(arc.from), place(arc.to));
        (a.min(b), a.max(b))
    };
    let mut by_length: Vec<usize> = (0..arcs.len()).collect();
    by_length.sort_by_key(|at| {
        let (from, to) = span(&arcs[*at]);
        to - from
    });
    // Of each lane the spans that are taken.
    let mut lanes: Vec<Vec<(usize, usize)>> = Vec::new();
    for at in by_length {
        let (from, to) = span(&arcs[at]);
        let is_free = |taken: &Vec<(usize, usize)>| taken.iter().all(|it| to < it.0 || it.1 < from);
        let lane = lanes.iter().position(is_free).unwrap_or(lanes.len());
        let lane = if lane < LANES { lane } else { LANES - 1 };
        if lane == lanes.len() {
            lanes.push(Vec::new());
        }
        lanes[lane].push((from, to));
        arcs[at].lane = lane;
    }
}

/// More do not fit beside the states; the rest share the last.
pub const LANES: usize = 6;

#[cfg(test)]
mod tests {
    use statemesh::core::engine::MutationKind;

    use super::*;

    fn head(is_canceled: bool, is_check: bool) -> Head {
        Head {
            kind: MutationKind::Add,
            called: vec![1],
            is_auto: false,
            is_check,
            is_canceled,
            is_queued: false,
            source: None,
            queue_tick: None,
            duration: None,
        }
    }

    fn told() -> Vec<Step> {
        let state = StateIdx;
        vec![
            Step::Requested(state(1)),
            Step::Set(state(1)),
            Step::Relation(Relation::Add, state(1), state(2)),
            Step::Relation(Relation::Remove, state(1), state(4)),
            Step::Relation(Relation::Require, state(3), state(4)),
            Step::Relation(Relation::Add, state(1), state(2)),
            Step::Relation(Relation::After, state(1), state(2)),
            Step::Handler(Handler::Enter(state(1))),
            Step::Set(state(1)),
            Step::Handler(Handler::State(state(1))),
            Step::Handler(Handler::AnyState),
        ]
    }

    fn words(steps: &Steps) -> Vec<(&'static str, usize, usize)> {
        let phases = steps.phases().into_iter();
        phases
            .map(|(phase, from, to)| (phase.word(), from, to))
            .collect()
    }

    #[test]
    fn steps_fall_into_phases_and_the_commit_comes_before_the_final_handlers() {
        let steps = Steps::new(&head(false, false), &told(), &[], 3);
        assert_eq!(
            words(&steps),
            [
                ("called", 0, 1),
                ("resolve", 1, 7),
                ("negotiate", 7, 9),
                ("commit", 9, 10),
                ("final", 10, 12)
            ]
        );
        assert_eq!(steps.rows[9].act, StepAct::Commit(3));
        assert_eq!(steps.ran.iter().copied().collect::<Vec<_>>(), [1]);
        let shown = steps.rows.iter().filter_map(|row| match row.act {
            StepAct::Told(step) => Some(step),
            StepAct::Refused(..) | StepAct::Commit(_) => None,
        });
        assert_eq!(shown.collect::<Vec<_>>(), told(), "as they were recorded");
    }

    #[test]
    fn what_does_not_happen_is_not_committed() {
        let enter = Handler::Enter(StateIdx(1));
        let refusal = RefusedBy {
            handler: enter,
            reason: "no".to_owned(),
        };
        for (canceled, check) in [(true, false), (false, true)] {
            let steps = Steps::new(
                &head(canceled, check),
                &told()[..8],
                std::slice::from_ref(&refusal),
                0,
            );
            assert_eq!(
                words(&steps),
                [("called", 0, 1), ("resolve", 1, 7), ("negotiate", 7, 8)]
            );
            assert_eq!(steps.rows[7].act, StepAct::Refused(enter, 0));
        }
        let untold = Steps::new(&head(false, false), &[], &[], 1);
        assert_eq!(untold, Steps::default());
        let accepted = Steps::new(&head(false, false), &told()[..2], &[], 1);
        assert_eq!(words(&accepted).last(), Some(&("commit", 2, 3)));
    }

    #[test]
    fn each_relation_is_one_arc_and_crossing_ones_have_lanes() {
        let steps = Steps::new(&head(false, false), &told(), &[], 3);
        let order = [0, 1, 2, 3, 4];
        let arcs = steps.arcs(4, &order);
        let said: Vec<_> = arcs
            .iter()
            .map(|arc| (arc.relation, arc.from, arc.to, arc.is_current, arc.lane))
            .collect();
        assert_eq!(
            said,
            [
                (Relation::Add, 1, 2, false, 0),
                (Relation::Remove, 1, 4, true, 1),
                (Relation::Require, 3, 4, false, 0),
            ]
        );
        // Its second mention is the same arc.
        assert!(steps.arcs(6, &order)[0].is_current);
        assert!(steps.arcs(0, &order).iter().all(|arc| !arc.is_current));
    }
}
