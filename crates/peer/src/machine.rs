//! Machine handle: handlers of the user's struct, futures over subscription ids. Needs no libp2p and no executor.
//!
//! A [`Machine`] is an `Arc` over one mutex around the engine, the handler table and the waits. Invariants:
//! - Exactly one drainer per machine. Whoever finds the machine idle drains it on its own thread until the queue is
//!   empty; mutations that come meanwhile, from handlers or from other threads, are queued for that drainer.
//! - No lock is held across user code: handlers, tracers, wakers, and the drops of what users gave.
//! - Wakers and tracers run after unlocking, in the order of the engine.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Args, Mode, Mutation, MutationKind, SchemaDef, Source, TransitionView, TxId,
};

use self::observe::Observe;
use self::shared::Shared;
use self::states::Known;
use crate::handlers::{Event, Handlers, MaybeSend, Typed};
use crate::wait::When;

pub use self::binding::Binding;
pub use self::builder::MachineBuilder;
pub use self::context::StateCtx;
pub use self::error::{BindError, MachineError};
pub use self::eval::{Eval, EvalError};
#[cfg(feature = "log")]
pub use self::log::LogGuard;
pub use self::observe::{Refusal, TraceGuard, Transition};
pub use self::pipes::{Pipe, PipeGuard, PipeInfo, PipeKind};
pub use self::retry::{Retry, RetryError};
pub use self::schema::ReplaceSchemaError;
pub use self::states::{StateName, StateRef, States, UnknownState};
pub use self::timeouts::{Overrun, Timeouts};
#[cfg(feature = "log")]
pub use statemesh_core::engine::LogLevel;
pub use statemesh_core::engine::{Export, ImportError, Outcome, ReplaceError};

mod binding;
mod builder;
mod calls;
pub(crate) mod conditions;
mod context;
mod dispose;
mod drain;
mod error;
mod eval;
mod export;
mod log;
mod notes;
mod observe;
mod pipes;
mod queue;
mod retry;
mod schema;
mod shared;
pub(crate) mod states;
mod suspend;
mod text;
mod timeouts;
mod waits;

/// A state machine: a clonable handle. Clones are the same machine.
#[derive(Clone)]
pub struct Machine {
    shared: Arc<Shared>,
}

/// A handle that does not keep the machine alive.
#[derive(Clone)]
pub struct WeakMachine {
    shared: Weak<Shared>,
}

impl WeakMachine {
    /// The machine, if it still lives.
    #[must_use]
    pub fn upgrade(&self) -> Option<Machine> {
        self.shared.upgrade().map(|shared| Machine { shared })
    }
}

/// What it is.
impl Machine {
    /// A machine without tags and handlers.
    #[must_use]
    pub fn new(id: impl Into<String>, schema: SchemaDef) -> Self {
        Self::builder(id, schema).build()
    }

    /// Starts a machine.
    pub fn builder(id: impl Into<String>, schema: SchemaDef) -> MachineBuilder {
        MachineBuilder::new(id.into(), schema)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.shared.tags
    }

    /// Its parent's id, or empty.
    #[must_use]
    pub fn parent(&self) -> &str {
        &self.shared.parent
    }

    /// Weak form.
    #[must_use]
    pub fn downgrade(&self) -> WeakMachine {
        WeakMachine {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// Binds one more handler set; its handlers run after those of earlier sets.
    ///
    /// # Errors
    /// [`BindError`]: nothing was bound.
    pub fn bind<T: MaybeSend + 'static>(
        &self,
        handlers: Handlers<T>,
    ) -> Result<Binding, BindError> {
        let bound = handlers.bind(self.id(), &self.shared.schema.now())?;
        if bound.needs_spawner && self.shared.spawner.is_none() {
            return Err(BindError::NoSpawner);
        }
        Ok(Binding::new(self, drain::bind(self, bound)))
    }
}

/// Mutations. Each one settles before it returns, unless somebody else drains this machine already: then it is
/// [`Outcome::Queued`] and that drainer carries it out. Inside a handler this is always so for the handler's machine.
impl Machine {
    /// Adds states.
    ///
    /// # Errors
    /// [`UnknownState`]: nothing changed. The same for all mutations.
    pub fn add(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Add, &states, Cause::default())
    }

    /// Adds a state with the arguments it takes.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn add_with<T: Any + Send + Sync>(
        &self,
        state: Typed<T, impl StateName>,
        args: T,
    ) -> Result<Outcome, UnknownState> {
        self.add_args(state, args)
    }

    /// Adds states with arguments of any type for the handlers ([`EventHead::args`](crate::handlers::EventHead::args)).
    /// [`Machine::add_with`] has the compiler look at the type.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn add_args(
        &self,
        states: impl States,
        args: impl Any + Send + Sync,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Add, &states, Cause::args(args))
    }

    /// Adds states because of `event`, which is noted as the source.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn add_from(
        &self,
        event: &Event<'_>,
        states: impl States,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Add, &states, Cause::event(event))
    }

    /// Adds an error state together with `Exception`. The error is kept as [`Machine::last_error`] and handed to the
    /// handlers as a [`MachineError`].
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn add_error(
        &self,
        states: impl States,
        error: impl fmt::Display,
    ) -> Result<Outcome, UnknownState> {
        self.raise(&states, MachineError::Raised(error.to_string()))
    }

    /// Removes states.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn remove(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Remove, &states, Cause::default())
    }

    /// Removes states because of `event`, which is noted as the source.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn remove_from(
        &self,
        event: &Event<'_>,
        states: impl States,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Remove, &states, Cause::event(event))
    }

    /// Sets exactly these states.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn set(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Set, &states, Cause::default())
    }

    /// Removes them if all are active, else adds them.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn toggle(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Toggle, &states, Cause::default())
    }

    /// Would `add` be accepted? Negotiation handlers run, nothing ticks.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn can_add(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Add, &states, Cause::check())
    }

    /// Would `remove` be accepted?
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn can_remove(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Remove, &states, Cause::check())
    }
}

/// Checks, under a short lock; of the first 64 states without it. Inside a negotiation handler they see the states before, inside a final one those after.
impl Machine {
    /// All of them active? Unknown names are not active.
    #[must_use]
    pub fn is(&self, states: impl States) -> bool {
        self.all_active(&Known::new(&states, &self.shared.schema.now()))
    }

    /// None of them active?
    #[must_use]
    pub fn not(&self, states: impl States) -> bool {
        !self.any(states)
    }

    /// Any of them active?
    #[must_use]
    pub fn any(&self, states: impl States) -> bool {
        self.any_active(&Known::new(&states, &self.shared.schema.now()))
    }

    /// Tick of one state, 0 when unknown.
    #[must_use]
    pub fn tick(&self, state: impl StateName) -> u64 {
        let state = self.shared.schema.now().find(state.state_ref());
        state.map_or(0, |state| self.shared.lock().engine.clock()[state.at()])
    }

    /// Ticks in index order, a copy.
    #[must_use]
    pub fn clock(&self) -> Vec<u64> {
        self.shared.lock().engine.clock().to_vec()
    }

    /// Names of active states, in the machine's own order.
    #[must_use]
    pub fn active(&self) -> Vec<String> {
        let state = self.shared.lock();
        let active = state.engine.active().iter();
        active
            .map(|active| state.engine.schema().name(*active).to_owned())
            .collect()
    }

    /// The last error: a handler's panic, a problem of the schema, or what [`Machine::add_error`] was given.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<MachineError>> {
        self.shared.lock().last_error.clone()
    }

    /// The last handler that took too long: see [`MachineBuilder::timeouts`].
    #[must_use]
    pub fn last_overrun(&self) -> Option<Overrun> {
        self.shared.lock().last_overrun
    }

    /// Number of waits that are registered and neither ended nor dropped.
    #[must_use]
    pub fn pending_waits(&self) -> usize {
        let state = self.shared.lock();
        state.waiters.len() + state.gone.len()
    }
}

/// Observers.
impl Machine {
    /// Calls `observer` after every finished transition (canceled and checks too), outside all locks, in order,
    /// until the returned guard is dropped.
    pub fn trace(&self, observer: impl Fn(&Transition) + Send + Sync + 'static) -> TraceGuard {
        self.observe(Observe::Transition(Box::new(observer)))
    }

    /// Calls `observer` for every handler that took longer than [`Timeouts::handler`], once, until the returned guard is
    /// dropped. An asynchronous one is told while it still runs, from its watchdog's task.
    pub fn on_overrun(&self, observer: impl Fn(&Overrun) + Send + Sync + 'static) -> TraceGuard {
        self.observe(Observe::Overrun(Box::new(observer)))
    }

    /// Calls `hook` after the clock or the schema changed, and when the machine was disposed, outside all locks, until
    /// the returned guard is dropped. The clock may have moved on by then: read it in the hook or later.
    #[cfg_attr(not(feature = "mesh"), allow(dead_code))]
    pub(crate) fn on_commit(&self, hook: Arc<dyn Fn() + Send + Sync>) -> TraceGuard {
        self.observe(Observe::Commit(hook))
    }
}

/// For siblings.
impl Machine {
    /// Two handles on one machine?
    #[cfg_attr(not(feature = "mesh"), allow(dead_code))]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        self.shared.id.clone()
    }

    /// Looks at the transition a handler is running for.
    pub(crate) fn running<R>(
        &self,
        tx: TxId,
        look: impl FnOnce(TransitionView<'_>) -> R,
    ) -> Option<R> {
        let state = self.shared.lock();
        let transition = state.engine.transition()?;
        (transition.tx == tx).then(|| look(transition))
    }

    #[inline]
    fn all_active(&self, known: &Known) -> bool {
        match known.as_word() {
            Some((states, is_more)) => !is_more && self.shared.active_word() & states == states,
            None => known.all_active(self.shared.lock().engine.clock()),
        }
    }

    #[inline]
    fn any_active(&self, known: &Known) -> bool {
        match known.as_word() {
            Some((states, _)) => self.shared.active_word() & states != 0,
            None => known.any_active(self.shared.lock().engine.clock()),
        }
    }

    fn raise(&self, states: &impl States, error: MachineError) -> Result<Outcome, UnknownState> {
        let mut list = states::resolve(states, self.id(), &self.shared.schema.now())?;
        let exception = self.shared.schema.now().exception();
        if !list.contains(&exception) {
            list.push(exception);
        }
        let error = Arc::new(error);
        self.shared.lock().last_error = Some(error.clone());
        Ok(self.request(
            MutationKind::Add,
            &list,
            Cause {
                args: Some(error),
                ..Cause::default()
            },
        ))
    }

    fn mutate(
        &self,
        kind: MutationKind,
        states: &impl States,
        cause: Cause,
    ) -> Result<Outcome, UnknownState> {
        let one = states.one();
        if let Some(index) = one.and_then(|one| self.shared.schema.now().find(one)) {
            return Ok(self.request(kind, &[index], cause));
        }
        let list = states::resolve(states, self.id(), &self.shared.schema.now())?;
        Ok(self.request(kind, &list, cause))
    }

    fn request(&self, kind: MutationKind, list: &[StateIdx], cause: Cause) -> Outcome {
        let mut mutation = Mutation::new(kind, list);
        mutation.args = cause.args;
        mutation.source = cause.source;
        mutation.mode = cause.mode;
        drain::mutate(self, mutation)
    }
}

/// What comes with a mutation besides its states.
struct Cause {
    args: Option<Args>,
    source: Option<Source>,
    mode: Mode,
}

impl Default for Cause {
    fn default() -> Self {
        Self {
            args: None,
            source: None,
            mode: Mode::Apply,
        }
    }
}

impl Cause {
    fn args(args: impl Any + Send + Sync) -> Self {
        Self {
            args: Some(Arc::new(args)),
            ..Self::default()
        }
    }

    fn event(event: &Event<'_>) -> Self {
        Self {
            source: Some(event.source()),
            ..Self::default()
        }
    }

    fn check() -> Self {
        Self {
            mode: Mode::Check,
            ..Self::default()
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// Handles and futures cross threads on every target; frameworks demand it even where there is one thread.
const _: () = {
    const fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Machine>();
    send_and_sync::<WeakMachine>();
    send_and_sync::<When>();
    send_and_sync::<StateCtx>();
    send_and_sync::<PipeGuard>();
    send_and_sync::<Eval<()>>();
    send_and_sync::<TraceGuard>();
};
