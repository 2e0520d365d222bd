//! Machine handle: handlers of the user's struct, futures over subscription ids. Needs no libp2p.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use statemesh_core::StateIdx;
use statemesh_core::engine::{Args, Schema, SchemaDef, Source, TxId};

pub use statemesh_core::engine::Outcome;

/// Names or indexes of states: `"Ready"`, `["A", "B"]`, a slice, a `StateIdx`.
pub trait States {
    /// Appends the indexes.
    ///
    /// # Errors
    /// [`UnknownState`] names the first that the schema lacks; nothing else happened.
    fn resolve(&self, schema: &Schema, into: &mut Vec<StateIdx>) -> Result<(), UnknownState>;
}

impl<S: AsRef<str>, const N: usize> States for [S; N] {
    fn resolve(&self, schema: &Schema, into: &mut Vec<StateIdx>) -> Result<(), UnknownState> {
        let _ = (schema, into);
        todo!()
    }
}

impl States for &str {
    fn resolve(&self, schema: &Schema, into: &mut Vec<StateIdx>) -> Result<(), UnknownState> {
        let _ = (schema, into);
        todo!()
    }
}

/// The caller named a state that the schema lacks. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("machine {machine} has no state {state}")]
pub struct UnknownState {
    /// Machine id.
    pub machine: String,
    /// The name.
    pub state: String,
}

/// Why a wait ended without coming true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The machine was disposed.
    #[error("the machine was disposed")]
    Disposed,
    /// The remote machine's owner left or withdrew it.
    #[error("the remote machine is gone")]
    Gone,
    /// The caller's fault.
    #[error(transparent)]
    Unknown(#[from] UnknownState),
}

/// A state machine: a clonable handle. Clones are the same machine.
#[derive(Clone)]
pub struct Machine {
    inner: Arc<()>,
}

/// A handle that does not keep the machine alive.
#[derive(Clone)]
pub struct WeakMachine {}

impl WeakMachine {
    /// The machine, if it still lives.
    #[must_use]
    pub fn upgrade(&self) -> Option<Machine> {
        todo!()
    }
}

/// Builds a machine.
pub struct MachineBuilder {}

impl MachineBuilder {
    /// Adds a tag, `key` or `key:value`.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        let _ = tag.into();
        todo!()
    }
    /// Names the parent machine.
    #[must_use]
    pub fn parent(self, id: impl Into<String>) -> Self {
        let _ = id.into();
        todo!()
    }
    /// Binds a handler set.
    #[must_use]
    pub fn handlers<T: Send + 'static>(self, handlers: Handlers<T>) -> Self {
        let _ = handlers;
        todo!()
    }
    /// The machine. Schema problems are raised as an `Exception`, as the model says; unknown states of handlers too.
    #[must_use]
    pub fn build(self) -> Machine {
        todo!()
    }
}

impl Machine {
    /// A machine without tags and handlers.
    #[must_use]
    pub fn new(id: impl Into<String>, schema: SchemaDef) -> Self {
        Self::builder(id, schema).build()
    }
    /// Starts a machine.
    pub fn builder(id: impl Into<String>, schema: SchemaDef) -> MachineBuilder {
        let _ = (id.into(), schema);
        todo!()
    }
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        todo!()
    }
    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        todo!()
    }
    /// Its parent's id, or empty.
    #[must_use]
    pub fn parent(&self) -> &str {
        todo!()
    }
    /// Its schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        todo!()
    }
    /// Weak form.
    #[must_use]
    pub fn downgrade(&self) -> WeakMachine {
        let _ = &self.inner;
        todo!()
    }
    /// Binds one more handler set.
    ///
    /// # Errors
    /// [`UnknownState`]: nothing was bound.
    pub fn bind<T: Send + 'static>(&self, handlers: Handlers<T>) -> Result<(), UnknownState> {
        let _ = handlers;
        todo!()
    }
    /// Adds states.
    ///
    /// # Errors
    /// [`UnknownState`]: nothing changed. The same for all mutations.
    pub fn add(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// Adds states with arguments.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn add_with(&self, states: impl States, args: Args) -> Result<Outcome, UnknownState> {
        let _ = (states, args);
        todo!()
    }
    /// Removes states.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn remove(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// Sets exactly these states.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn set(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// Removes them if all are active, else adds them.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn toggle(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// Would `add` be accepted? Negotiation handlers run, nothing ticks.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn can_add(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// Would `remove` be accepted?
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn can_remove(&self, states: impl States) -> Result<Outcome, UnknownState> {
        let _ = states;
        todo!()
    }
    /// All of them active? Unknown names are not active.
    #[must_use]
    pub fn is(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// None of them active?
    #[must_use]
    pub fn not(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// Any of them active?
    #[must_use]
    pub fn any(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// Tick of one state, 0 when unknown.
    #[must_use]
    pub fn tick(&self, state: &str) -> u64 {
        let _ = state;
        todo!()
    }
    /// Ticks in index order, a copy.
    #[must_use]
    pub fn clock(&self) -> Vec<u64> {
        todo!()
    }
    /// Names of active states, in the machine's own order.
    #[must_use]
    pub fn active(&self) -> Vec<String> {
        todo!()
    }
    /// Resolves when all states are active at the end of a transition.
    #[must_use]
    pub fn when(&self, states: impl States) -> When {
        let _ = states;
        todo!()
    }
    /// Resolves when none of the states is active at the end of a transition.
    #[must_use]
    pub fn when_not(&self, states: impl States) -> When {
        let _ = states;
        todo!()
    }
    /// Resolves when every state has reached its tick.
    #[must_use]
    pub fn when_time(&self, states: impl States, ticks: &[u64]) -> When {
        let _ = (states, ticks);
        todo!()
    }
    /// Calls `observer` after every finished transition (canceled and checks too), outside all locks, in order,
    /// until the returned guard is dropped.
    #[must_use]
    pub fn trace(&self, observer: impl Fn(&Transition) + Send + Sync + 'static) -> TraceGuard {
        let _ = observer;
        todo!()
    }
    /// Ends the machine: mutations are canceled from now on, waits end with [`WaitError::Disposed`].
    pub fn dispose(&self) {
        todo!()
    }
    /// True after [`Machine::dispose`].
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        todo!()
    }
}

/// Ends an observation when dropped.
pub struct TraceGuard {}

/// A finished transition.
#[derive(Clone, Debug)]
pub struct Transition {
    /// Its number.
    pub tx: TxId,
    /// `add`, `remove` or `set`.
    pub kind: statemesh_core::engine::MutationKind,
    /// Called states.
    pub called: Vec<StateIdx>,
    /// Called by the engine for Auto states.
    pub is_auto: bool,
    /// Tried only.
    pub is_check: bool,
    /// False: canceled.
    pub accepted: bool,
    /// Ticks before.
    pub clock_before: Vec<u64>,
    /// Ticks after.
    pub clock_after: Vec<u64>,
    /// Cause.
    pub source: Option<Source>,
}

/// What a handler sees.
pub struct Event<'a> {
    machine: &'a Machine,
}

impl Event<'_> {
    /// The machine whose handler runs.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.machine
    }
    /// Arguments of the mutation, if they are a `T`.
    #[must_use]
    pub fn args<T: 'static>(&self) -> Option<&T> {
        todo!()
    }
    /// This transition as the cause of mutations elsewhere.
    #[must_use]
    pub fn source(&self) -> Source {
        todo!()
    }
}

/// A set of handlers over the user's `T`. Negotiation handlers answer `true` to accept, `false` to veto.
pub struct Handlers<T> {
    data: PhantomData<T>,
}

impl<T: Send + 'static> Handlers<T> {
    /// No handlers yet.
    #[must_use]
    pub fn new(data: T) -> Self {
        let _ = data;
        todo!()
    }
    /// Before a state begins.
    #[must_use]
    pub fn enter(
        self,
        state: &str,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + Send + 'static,
    ) -> Self {
        let _ = (state, f);
        self
    }
    /// Before a state ends.
    #[must_use]
    pub fn exit(
        self,
        state: &str,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + Send + 'static,
    ) -> Self {
        let _ = (state, f);
        self
    }
    /// A state began.
    #[must_use]
    pub fn state(self, state: &str, f: impl FnMut(&mut T, &Event<'_>) + Send + 'static) -> Self {
        let _ = (state, f);
        self
    }
    /// A state ended.
    #[must_use]
    pub fn end(self, state: &str, f: impl FnMut(&mut T, &Event<'_>) + Send + 'static) -> Self {
        let _ = (state, f);
        self
    }
    /// After every committed transition.
    #[must_use]
    pub fn any_state(self, f: impl FnMut(&mut T, &Event<'_>) + Send + 'static) -> Self {
        let _ = f;
        self
    }
}

/// A pending wait; dropping it frees the registration. Registered when created, not when polled.
#[must_use = "futures do nothing unless awaited"]
pub struct When {}

impl Future for When {
    type Output = Result<(), WaitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _ = cx;
        todo!()
    }
}
