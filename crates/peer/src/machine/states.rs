//! States as callers name them, resolved against a machine's schema.

use smallvec::SmallVec;
use statemesh_core::StateIdx;
use statemesh_core::engine::Schema;

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

/// States to be checked against a clock. Resolved before any lock is taken: [`States`] may be anybody's code.
pub(crate) struct Known {
    list: StateList,
    all: bool,
}

impl Known {
    /// Resolves what the schema has.
    #[inline]
    pub(crate) fn new(states: &impl States, schema: &Schema) -> Self {
        let mut known = Self {
            list: StateList::new(),
            all: true,
        };
        states.each(&mut |state| match schema.find(state) {
            Some(index) => known.list.push(index),
            None => known.all = false,
        });
        known
    }

    /// All active? Unknown states are not.
    #[inline]
    pub(crate) fn all_active(&self, clock: &[u64]) -> bool {
        self.all && self.list.iter().all(|state| is_active(*state, clock))
    }

    /// Any active? Unknown states are not.
    #[inline]
    pub(crate) fn any_active(&self, clock: &[u64]) -> bool {
        self.list.iter().any(|state| is_active(*state, clock))
    }
}

fn is_active(state: StateIdx, clock: &[u64]) -> bool {
    clock.get(state.at()).is_some_and(|tick| tick % 2 == 1)
}
