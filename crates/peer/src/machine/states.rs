//! States as callers name them, resolved against a machine's schema.

use smallvec::SmallVec;
use statemesh_core::StateIdx;
use statemesh_core::engine::{Schema, is_active_tick};

pub use statemesh_core::engine::{StateName, StateRef, States};

/// The caller named a state that the schema lacks. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("machine {machine} has no state {state}")]
pub struct UnknownState {
    /// Machine id.
    pub machine: String,
    /// The name, or the index as `#17`.
    pub state: String,
}

/// The same states once more, for several machines or calls.
pub(crate) struct Same<'a, S>(pub(crate) &'a S);

impl<S: States> States for Same<'_, S> {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.0.each(see);
    }

    fn one(&self) -> Option<StateRef<'_>> {
        self.0.one()
    }
}

/// Resolved states; short lists need no allocation.
pub(crate) type StateList = SmallVec<[StateIdx; 8]>;

/// All indexes, or the first name that the schema lacks.
pub(crate) fn resolve(
    states: &impl States,
    machine: &str,
    schema: &Schema,
) -> Result<StateList, UnknownState> {
    let mut list = StateList::new();
    let mut unknown = None;
    states.each(&mut |state| match schema.find(state) {
        Some(index) => list.push(index),
        None if unknown.is_none() => unknown = Some(state.text()),
        None => {}
    });
    match unknown {
        None => Ok(list),
        Some(state) => Err(UnknownState {
            machine: machine.to_owned(),
            state,
        }),
    }
}

/// Does that hold between what each of these states has ticked and its tick here? Not when the lengths differ.
pub(crate) fn compare(
    states: &[StateIdx],
    ticks: &[u64],
    now: impl Fn(StateIdx) -> u64,
    holds: fn(u64, u64) -> bool,
) -> bool {
    let mut both = states.iter().zip(ticks);
    states.len() == ticks.len() && both.all(|(&state, &tick)| holds(now(state), tick))
}

/// States to be checked against a clock. Resolved before any lock is taken: [`States`] may be anybody's code.
pub(crate) struct Known {
    /// Those among the first 64, as bits.
    first: u64,
    /// The others.
    rest: StateList,
    all: bool,
}

impl Known {
    /// Resolves what the schema has.
    #[inline]
    pub(crate) fn new(states: &impl States, schema: &Schema) -> Self {
        let mut known = Self {
            first: 0,
            rest: StateList::new(),
            all: true,
        };
        let mut see = |state: StateRef<'_>| match schema.find(state) {
            Some(index) if index.0 < 64 => known.first |= 1 << index.0,
            Some(index) => known.rest.push(index),
            None => known.all = false,
        };
        match states.one() {
            Some(state) => see(state),
            None => states.each(&mut see),
        }
        known
    }

    /// They are all among the first 64: these bits, and whether there is an unknown one besides.
    #[inline]
    pub(crate) fn as_word(&self) -> Option<(u64, bool)> {
        self.rest.is_empty().then_some((self.first, !self.all))
    }

    /// All active? Unknown states are not.
    pub(crate) fn all_active(&self, clock: &[u64]) -> bool {
        self.all && self.indexes().all(|state| is_active(state, clock))
    }

    /// Any active? Unknown states are not.
    pub(crate) fn any_active(&self, clock: &[u64]) -> bool {
        self.indexes().any(|state| is_active(state, clock))
    }

    fn indexes(&self) -> impl Iterator<Item = StateIdx> {
        let first = (0..64).filter(|at| self.first >> at & 1 == 1);
        first.map(StateIdx).chain(self.rest.iter().copied())
    }
}

fn is_active(state: StateIdx, clock: &[u64]) -> bool {
    clock
        .get(state.at())
        .is_some_and(|tick| is_active_tick(*tick))
}
