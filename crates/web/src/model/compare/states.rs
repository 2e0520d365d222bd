//! States at the end of both sides: on or off, how often they came on, and how long they were.

use super::{Comparison, Level};
use crate::model::Shown;

/// One state of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDiff {
    /// Its name.
    pub name: Shown,
    /// `Exception` or `Err…`.
    pub is_error: bool,
    /// A and B; `None`: that side does not have the state.
    pub sides: [Option<StateEnd>; 2],
}

/// A state at the end of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateEnd {
    /// Its tick.
    pub tick: u64,
    /// How often it came on.
    pub activations: u64,
    /// For so many milliseconds, as far as snapshots tell.
    pub on: u64,
}

impl StateEnd {
    /// It is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.tick % 2 == 1
    }
}

impl StateDiff {
    /// On at one end and off at the other, or unknown there.
    #[must_use]
    pub fn ends_otherwise(&self) -> bool {
        let [a, b] = self.sides.map(|side| side.map(|side| side.is_on()));
        a != b
    }

    fn is_same(&self) -> bool {
        let [a, b] = self
            .sides
            .map(|side| side.map(|it| (it.is_on(), it.activations)));
        a == b
    }
}

/// Those that differ, the most telling first, and how many do not.
pub(super) fn states(comparison: &Comparison) -> (Vec<StateDiff>, usize) {
    let [a, b] = &comparison.sides;
    let all = comparison.names.shown.iter().enumerate();
    let all = all.map(|(at, (name, is_error))| StateDiff {
        name: name.clone(),
        is_error: *is_error,
        sides: [a, b].map(|side| {
            let (before, after) = *side.ticks.get(at).filter(|_| side.has[at])?;
            Some(StateEnd {
                tick: after,
                // Ticks are odd while a state is on.
                activations: after.div_ceil(2).saturating_sub(before.div_ceil(2)),
                on: side.on[at],
            })
        }),
    });
    let (mut differ, same): (Vec<StateDiff>, Vec<StateDiff>) = all.partition(|it| !it.is_same());
    differ.sort_by_key(|it| (!it.ends_otherwise(), !it.is_error));
    (differ, same.len())
}

impl Comparison {
    /// How long states were on is known to the transition.
    #[must_use]
    pub fn is_exact(&self, side: usize) -> bool {
        self.sides[side].level > Level::Snapshots
    }
}
