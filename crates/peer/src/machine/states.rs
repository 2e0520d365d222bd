//! How callers name states: by name or by index, one or many.

use smallvec::SmallVec;
use statemesh_core::StateIdx;
use statemesh_core::engine::Schema;

/// One state, by name or index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRef<'a> {
    /// By name.
    Name(&'a str),
    /// By index.
    Index(StateIdx),
}

/// What names one state: `&str`, `String`, [`StateIdx`].
pub trait StateName {
    /// The state.
    fn state_ref(&self) -> StateRef<'_>;
}

/// Names or indexes of states: `"Ready"`, `["A", "B"]`, a slice, a `Vec`, a [`StateIdx`].
pub trait States {
    /// Shows each state, in order.
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>));
}

/// The caller named a state that the schema lacks. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("machine {machine} has no state {state}")]
pub struct UnknownState {
    /// Machine id.
    pub machine: String,
    /// The name, or the index as `#17`.
    pub state: String,
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
    states.each(&mut |state| match find(state, schema) {
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
    pub(crate) fn new(states: &impl States, schema: &Schema) -> Self {
        let mut known = Self {
            list: StateList::new(),
            all: true,
        };
        states.each(&mut |state| match find(state, schema) {
            Some(index) => known.list.push(index),
            None => known.all = false,
        });
        known
    }

    /// All active? Unknown states are not.
    pub(crate) fn all_active(&self, clock: &[u64]) -> bool {
        self.all && self.list.iter().all(|state| is_active(*state, clock))
    }

    /// Any active? Unknown states are not.
    pub(crate) fn any_active(&self, clock: &[u64]) -> bool {
        self.list.iter().any(|state| is_active(*state, clock))
    }
}

fn is_active(state: StateIdx, clock: &[u64]) -> bool {
    clock.get(state.at()).is_some_and(|tick| tick % 2 == 1)
}

fn find(state: StateRef<'_>, schema: &Schema) -> Option<StateIdx> {
    match state {
        StateRef::Name(name) => schema.index(name),
        StateRef::Index(index) => (index.at() < schema.len()).then_some(index),
    }
}

impl StateRef<'_> {
    fn text(self) -> String {
        match self {
            Self::Name(name) => name.to_owned(),
            Self::Index(index) => format!("#{index}"),
        }
    }
}

impl StateName for &str {
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for String {
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for &String {
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for StateIdx {
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Index(*self)
    }
}

impl<S: StateName> States for S {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        see(self.state_ref());
    }
}

impl<S: StateName> States for &[S] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        for state in *self {
            see(state.state_ref());
        }
    }
}

impl<S: StateName> States for Vec<S> {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName> States for &Vec<S> {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName, const N: usize> States for [S; N] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName, const N: usize> States for &[S; N] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}
