//! What is asked of a machine, and what became of it.

use std::any::Any;
use std::sync::Arc;

use crate::engine::tracer::TxId;
use crate::ids::{QueueTick, StateIdx};

/// Arguments of a mutation: opaque to the engine, shared with every handler call.
pub type Args = Arc<dyn Any + Send + Sync>;

/// What a mutation does with the states it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationKind {
    /// Called plus active states, resolved.
    Add,
    /// Active states minus called, resolved.
    Remove,
    /// Called states only, resolved.
    Set,
    /// Decided at the call: `Remove` if all called states are active, else `Add`.
    Toggle,
}

/// Where a mutation waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind all others; counted by a queue tick.
    Back,
    /// In front of all others; no queue tick.
    Front,
}

/// Whether a mutation is carried out or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Resolve, negotiate, commit.
    Apply,
    /// Resolve and negotiate only; never ticks.
    Check,
}

/// The transition that caused a mutation, possibly in another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Id of the machine.
    pub machine: Arc<str>,
    /// Its transition.
    pub tx: TxId,
    /// Sum of its ticks before that transition.
    pub machine_time: u64,
}

/// One request to change the active states.
#[derive(Clone)]
pub struct Mutation<'a> {
    /// What it does.
    pub kind: MutationKind,
    /// Called states; duplicates are dropped, the first stays.
    pub states: &'a [StateIdx],
    /// Arguments for the handlers.
    pub args: Option<Args>,
    /// What caused it.
    pub source: Option<Source>,
    /// Apply or check.
    pub mode: Mode,
    /// Where it waits. A check always waits in front.
    pub place: Place,
}

impl<'a> Mutation<'a> {
    /// A mutation without arguments and source, appended and applied.
    #[must_use]
    pub fn new(kind: MutationKind, states: &'a [StateIdx]) -> Self {
        Self {
            kind,
            states,
            args: None,
            source: None,
            mode: Mode::Apply,
            place: Place::Back,
        }
    }
    /// [`MutationKind::Add`].
    #[must_use]
    pub fn add(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Add, states)
    }
    /// [`MutationKind::Remove`].
    #[must_use]
    pub fn remove(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Remove, states)
    }
    /// [`MutationKind::Set`].
    #[must_use]
    pub fn set(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Set, states)
    }
    /// [`MutationKind::Toggle`].
    #[must_use]
    pub fn toggle(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Toggle, states)
    }
    /// The same, only tried.
    #[must_use]
    pub fn check(self) -> Self {
        Self {
            mode: Mode::Check,
            ..self
        }
    }
    /// The same, in front of all others.
    #[must_use]
    pub fn in_front(self) -> Self {
        Self {
            place: Place::Front,
            ..self
        }
    }
}

/// What became of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or there was nothing to do.
    Executed,
    /// Refused by relations, by a handler, by a full queue or by disposal; nothing changed.
    Canceled,
    /// A drain is running; this one runs when the queue tick reaches this number. Checks and prepended ones say 2.
    Queued(QueueTick),
    /// It is first in a new drain: poll until idle, then take the result.
    Started,
}
