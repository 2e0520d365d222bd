//! Since when a filter keeps a machine: read off what the machine, its health and its history say, so that it is the same
//! at every cursor. Where that is not known it is later than it was, never earlier.

use super::{Candidate, Filter, Test};
use crate::model::{Interval, Machine, Seen};

/// Since when a state of a machine is as it is; `None` for the state: since when the machine is known.
pub type Turned<'a> = &'a dyn Fn(&Machine, Option<usize>) -> Interval;

impl Filter {
    /// A key, or what somebody wrote for one.
    #[must_use]
    pub fn is_like_a_key(word: &str) -> bool {
        let keys = super::KEYS.map(|(name, _)| name);
        let near = super::nearest(word, &keys);
        near.is_some_and(|key| key.as_bytes().first() == word.as_bytes().first())
    }

    /// Since when this machine is kept, whose health is so since `onset`; `None`: it is not.
    #[must_use]
    pub fn since(
        &self,
        candidate: &Candidate<'_>,
        onset: Interval,
        turned: Turned<'_>,
    ) -> Option<Interval> {
        if !self.keeps(candidate) {
            return None;
        }
        let mut since = turned(candidate.machine, None);
        for clause in &self.clauses {
            let tests = clause.any.iter();
            let of_tests = tests.filter(|test| test.holds(candidate) != clause.negated);
            let of_tests = of_tests.map(|test| test.so_since(candidate, onset, turned));
            // Of tests that hold the first counts; if none may hold, the last that ceased to.
            let found = if clause.negated {
                of_tests.max_by_key(|since| since.by)
            } else {
                of_tests.min_by_key(|since| since.by)
            };
            since = found.filter(|found| found.by > since.by).unwrap_or(since);
        }
        Some(since)
    }
}

impl Test {
    /// Since when its answer is what it is.
    fn so_since(&self, candidate: &Candidate<'_>, onset: Interval, turned: Turned<'_>) -> Interval {
        let machine = candidate.machine;
        match self {
            Self::Is(_) => onset,
            Self::State(name, _) => {
                let mut states = machine.schema.states.iter();
                let state = states.position(|state| state.name.eq_ignore_ascii_case(name));
                turned(machine, state)
            }
            // The last change may have been the one.
            Self::Tick(..) => machine.changed,
            Self::Changed(_, limit) => {
                let at = Seen(machine.changed.by.0.saturating_add(*limit));
                if candidate.now > at {
                    Interval::at(at)
                } else {
                    machine.changed
                }
            }
            Self::Word(_)
            | Self::Pattern(_)
            | Self::Host(_)
            | Self::Peer(_)
            | Self::Parent(_)
            | Self::Tag(..)
            | Self::Detail(_) => turned(machine, None),
        }
    }
}
