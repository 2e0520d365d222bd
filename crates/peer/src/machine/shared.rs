//! What all handles of one machine share: what never changes, and the state under the lock.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::{
    BindingId, Handler, Machine as Engine, Mode, Mutation, Options, Outcome, Place, Poll, Run,
    Schema, WaitId,
};

use super::MachineError;
use super::binding::Sets;
use super::conditions::Conditions;
use super::context::Contexts;
use super::eval::Command;
use super::log::Logs;
use super::notes::Notes;
use super::observe::{Collector, Effect, Observers};
use super::pipes::Pipes;
use super::schema::CurrentSchema;
use super::suspend::{Spawner, Suspended};
use super::timeouts::{Gate, Overrun, Watch};
use crate::handlers::{BoundSet, Stop};
use crate::wait::{Ticket, WaitSource, Waiters};

pub(super) struct Shared {
    pub(super) id: Arc<str>,
    pub(super) tags: Vec<String>,
    pub(super) parent: String,
    pub(super) schema: CurrentSchema,
    pub(super) spawner: Option<Spawner>,
    /// Without one nothing reads a clock.
    pub(super) watch: Option<Watch>,
    /// [`Engine::active_word`], as it was when the lock was last free.
    active: AtomicU64,
    state: Mutex<State>,
}

/// The lock, held. Whenever it becomes free the active states are noted where nobody needs it.
pub(super) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    active: &'a AtomicU64,
}

/// Under the lock. Whatever belongs to users leaves it only as an [`Effect`], to be run or dropped after unlocking.
pub(super) struct State {
    pub(super) engine: Engine,
    /// Somebody drains, or has promised to: others only queue.
    pub(super) draining: bool,
    pub(super) gate: Gate,
    /// When this wait fires, the gate closes for ever.
    pub(super) closing: Option<WaitId>,
    pub(super) disposal_watchdog: Option<Stop>,
    pub(super) waiters: Waiters,
    /// For the end of everything.
    pub(super) gone: Waiters,
    /// Of waits whose condition is the caller's.
    pub(super) conditions: Conditions,
    pub(super) contexts: Contexts,
    pub(super) logs: Logs,
    pub(super) pipes: Pipes,
    /// Evals by the wait that is their turn.
    pub(super) commands: OrderedMap<WaitId, Command>,
    pub(super) observers: Observers,
    /// What the drainer does when it unlocks next.
    pub(super) effects: Vec<Effect>,
    pub(super) notes: Notes,
    pub(super) last_error: Option<Arc<MachineError>>,
    pub(super) last_overrun: Option<Overrun>,
    /// A call whose handler needs time. Its answer goes on with the drain.
    pub(super) suspended: Option<Suspended>,
    /// How many of the set's handlers for the pending call are done.
    pub(super) done: usize,
    /// Bound handler sets.
    pub(super) sets: Sets,
}

impl Shared {
    pub(super) fn new(
        id: Arc<str>,
        tags: Vec<String>,
        parent: String,
        schema: Arc<Schema>,
        spawner: Option<Spawner>,
        watch: Option<Watch>,
        options: Options,
    ) -> Self {
        let engine = Engine::new(schema.clone(), options);
        Self {
            id,
            tags,
            parent,
            schema: CurrentSchema::new(schema),
            spawner,
            watch,
            active: AtomicU64::new(0),
            state: Mutex::new(State {
                engine,
                draining: false,
                gate: Gate::Open,
                closing: None,
                disposal_watchdog: None,
                waiters: Waiters::default(),
                gone: Waiters::default(),
                conditions: Conditions::default(),
                contexts: Contexts::default(),
                logs: Logs::default(),
                pipes: Pipes::default(),
                commands: OrderedMap::new(),
                observers: Observers::default(),
                effects: Vec::new(),
                notes: Notes::default(),
                last_error: None,
                last_overrun: None,
                suspended: None,
                done: 0,
                sets: Sets::default(),
            }),
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> Locked<'_> {
        Locked {
            state: self.state.lock(),
            active: &self.active,
        }
    }

    /// The first 64 states as bits, without the lock.
    #[inline]
    pub(super) fn active_word(&self) -> u64 {
        self.active.load(Ordering::Acquire)
    }
}

impl Locked<'_> {
    /// Calls `f` while the lock is free.
    pub(super) fn unlocked<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.note_active();
        MutexGuard::unlocked(&mut self.state, f)
    }

    #[inline]
    fn note_active(&self) {
        let active = self.state.engine.active_word();
        self.active.store(active, Ordering::Release);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.note_active();
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    #[inline]
    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl State {
    /// Polls the engine and collects what it tells on the way.
    pub(super) fn poll(&mut self) -> Poll {
        let Self {
            engine,
            observers,
            effects,
            notes,
            contexts,
            logs,
            ..
        } = self;
        let poll = logs.poll(engine, Collector::new(observers, effects, notes));
        logs.flush(effects);
        contexts.ended(engine, effects);
        poll
    }

    /// Requests a change of a machine that nobody drains, and polls the engine once.
    #[inline]
    pub(super) fn run(&mut self, mutation: Mutation<'_>) -> Run {
        let Self {
            engine,
            observers,
            effects,
            notes,
            contexts,
            logs,
            ..
        } = self;
        let collector = Collector::new(observers, effects, notes);
        let run = logs.run(engine, mutation, collector);
        logs.flush(effects);
        contexts.ended(engine, effects);
        run
    }

    /// Requests a change. What that tells is told with the next poll.
    pub(super) fn mutate(&mut self, mutation: Mutation<'_>) -> Outcome {
        let is_appended = mutation.mode == Mode::Apply && mutation.place == Place::Back;
        let outcome = self.logs.mutate(&mut self.engine, mutation);
        if is_appended && self.observers.want_transitions() {
            self.notes.queued(outcome);
        }
        outcome
    }

    /// Hands the fired waits to the effects. An eval whose turn it is comes back.
    pub(super) fn collect_fired(&mut self) -> Option<Command> {
        let Self {
            engine,
            waiters,
            effects,
            commands,
            closing,
            gate,
            ..
        } = self;
        waiters.fire(engine.fired(), |waker| effects.push(Effect::Wake(waker)));
        if closing.is_some_and(|wait| engine.fired().contains(&wait)) {
            *closing = None;
            *gate = Gate::Ending;
        }
        if commands.is_empty() {
            return None;
        }
        // A turn comes alone.
        commands.remove(engine.fired().first()?)
    }

    /// Binds a set. [`Outcome::Started`]: there is something to drain.
    pub(super) fn bind(&mut self, handlers: &[Handler], set: BoundSet) -> (BindingId, Outcome) {
        let (binding, outcome) = self.engine.bind(handlers);
        self.sets.push(binding, set);
        (binding, outcome)
    }
}

impl WaitSource for Shared {
    fn forget(&self, ticket: Ticket) {
        let mut state = self.lock();
        if !state.waiters.forget(ticket) {
            state.gone.forget(ticket);
            return;
        }
        let State {
            engine, conditions, ..
        } = &mut *state;
        let condition = conditions.close(ticket.wait, engine);
        if condition.is_none() {
            engine.forget(ticket.wait);
        }
        drop(state);
        drop(condition);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if !state.engine.is_disposed() {
            state.end();
        }
        state.abandon_suspended();
        state.end_step();
        let audience = state.observers.audience();
        for effect in state.effects.drain(..) {
            effect.run(&audience);
        }
    }
}
