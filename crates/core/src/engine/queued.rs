//! Questions to the queue: is such a mutation waiting already, where, how many? For callers that limit their own rate,
//! or answer with the queue tick of what somebody else asked for.

use crate::engine::Machine;
use crate::engine::mutation::MutationKind;
use crate::engine::queue::Queued;
use crate::ids::{QueueTick, StateIdx};

/// Which waiting mutations are meant. [`QueueFilter::new`] means those that call all of some states; narrow it down by
/// its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFilter<'a> {
    /// What they do. `Toggle` finds nothing: it is decided before it waits.
    pub kind: MutationKind,
    /// States they call, among others.
    pub states: &'a [StateIdx],
    /// They call no others.
    pub exactly: bool,
    /// They have neither arguments nor an error.
    pub without_args: bool,
    /// Checks instead of mutations that apply.
    pub checks: bool,
    /// They were appended, and run at this queue tick or later.
    pub since: Option<QueueTick>,
}

impl<'a> QueueFilter<'a> {
    /// Mutations of this kind that call all of these states, checks excepted.
    #[must_use]
    pub fn new(kind: MutationKind, states: &'a [StateIdx]) -> Self {
        Self {
            kind,
            states,
            exactly: false,
            without_args: false,
            checks: false,
            since: None,
        }
    }

    /// Mutations that do the same as one without arguments that calls these states.
    #[must_use]
    pub fn equal(kind: MutationKind, states: &'a [StateIdx]) -> Self {
        Self {
            exactly: true,
            without_args: true,
            ..Self::new(kind, states)
        }
    }

    fn fits(&self, queued: &Queued) -> bool {
        let calls = |state| queued.called.contains(state);
        let is_listed = |state| self.states.contains(state);
        let is_late = |since| queued.queue_tick.is_some_and(|tick| tick >= since);
        queued.turn().is_none()
            && queued.kind == self.kind
            && queued.is_check == self.checks
            && !(self.without_args && queued.has_args())
            && self.since.is_none_or(is_late)
            && self.states.iter().all(calls)
            && (!self.exactly || queued.called.iter().all(is_listed))
    }
}

/// A mutation that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many run before it.
    pub position: usize,
    /// When it runs; `None` when it was put in front.
    pub queue_tick: Option<QueueTick>,
}

impl Machine {
    /// The waiting mutations that fit, in the order in which they will run.
    pub fn queued(&self, filter: QueueFilter<'_>) -> impl Iterator<Item = Waiting> {
        let waiting = self.queue.waiting().enumerate();
        let waiting = waiting.filter(move |(_, queued)| filter.fits(queued));
        waiting.map(|(position, queued)| Waiting {
            position,
            queue_tick: queued.queue_tick,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Mutation, Options, Poll, Schema, SchemaDef, StateDef};

    #[test]
    fn mutations_are_found_by_what_they_ask_for() {
        let def = SchemaDef::new()
            .state("A", StateDef::new())
            .state("B", StateDef::new());
        let mut machine = Machine::new(Schema::normalise(&def).0, Options::default());
        let both = [0, 1].map(StateIdx);
        let (a, b) = (&both[..1], &both[1..]);
        machine.mutate(Mutation::add(&both));
        let mut with_args = Mutation::add(a);
        with_args.args = Some(Arc::new(1));
        machine.mutate(with_args);
        machine.mutate(Mutation::add(a).check());
        machine.mutate(Mutation::remove(b));
        // The check stands in front: check +A, +A B (2), +A with arguments (3), -B (4).
        let found = |filter| -> Vec<_> {
            let found = machine.queued(filter);
            found
                .map(|at| (at.position, at.queue_tick.map(|tick| tick.0)))
                .collect()
        };
        let adds = QueueFilter::new(MutationKind::Add, a);
        assert_eq!(found(adds), [(1, Some(2)), (2, Some(3))]);
        let exactly = QueueFilter {
            exactly: true,
            ..adds
        };
        assert_eq!(found(exactly), [(2, Some(3))]);
        let without_args = QueueFilter {
            without_args: true,
            ..adds
        };
        assert_eq!(found(without_args), [(1, Some(2))]);
        let checks = QueueFilter {
            checks: true,
            ..adds
        };
        assert_eq!(found(checks), [(0, None)]);
        let since = QueueFilter {
            since: Some(QueueTick(3)),
            ..adds
        };
        assert_eq!(found(since), [(2, Some(3))]);
        let reversed = [both[1], both[0]];
        let equal = QueueFilter::equal(MutationKind::Add, &reversed);
        assert_eq!(found(equal), [(1, Some(2))], "in any order");
        let none = QueueFilter::new(MutationKind::Remove, &both);
        assert_eq!(found(none), []);
        let any = QueueFilter::new(MutationKind::Remove, &[]);
        assert_eq!(found(any), [(3, Some(4))]);
        while machine.poll() != Poll::Idle {}
        assert_eq!(machine.queued(any).count(), 0);
    }
}
