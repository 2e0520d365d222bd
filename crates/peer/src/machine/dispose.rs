//! The end of a machine, in order (machine.md 12.4, 5).
//!
//! ```text
//! Start removed -> nobody may ask any more -> the queue runs out -> observers -> contexts -> waits
//!     -> on_dispose -> pipes, evals, handlers and arguments dropped -> when_disposed
//! ```
//!
//! The last part is the drainer's, whoever that is; a machine at rest is disposed when the call returns.

use std::sync::Arc;

use parking_lot::Mutex;
use statemesh_core::QueueTick;
use statemesh_core::engine::{Mutation, Outcome, Wait, WaitId};

use super::observe::{Effect, Observe};
use super::shared::State;
use super::timeouts::{self, Gate};
use super::{Machine, TraceGuard, drain, suspend};
use crate::wait::{WaitError, When};

impl Machine {
    /// Ends the machine: its state `Start` is removed if it has one, mutations are canceled from then on, what is queued
    /// still runs, and then waits end with [`WaitError::Disposed`] and handlers are
    /// dropped. A handler that needs time is waited for, up to [`Timeouts::dispose`](super::Timeouts::dispose) in a
    /// machine with timeouts; await [`Machine::when_disposed`].
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// let schema = SchemaDef::new().state("Start", StateDef::new()).state("Saved", StateDef::new());
    /// let handlers = Handlers::new(()).end("Start", |_, event| {
    ///     let _ = event.machine().add("Saved");
    /// });
    /// let machine = Machine::builder("m", schema).handlers(handlers).build();
    /// machine.add("Start")?;
    /// machine.dispose();
    /// assert!(machine.is_disposed() && machine.is("Saved") && !machine.is("Start"));
    /// assert_eq!(machine.add("Start")?, Outcome::Canceled);
    /// # Ok::<_, statemesh::machine::UnknownState>(())
    /// ```
    pub fn dispose(&self) {
        let mut state = self.shared.lock();
        if state.gate.is_closing() || state.closing.is_some() {
            return;
        }
        state.closing = state.stop();
        if state.closing.is_none() {
            state.gate = Gate::Ending;
        }
        drain::start(self, state);
        let Some((task, stop)) = timeouts::disposal_watchdog(self) else {
            return;
        };
        let mut state = self.shared.lock();
        if !state.engine.is_disposed() {
            state.disposal_watchdog = Some(stop);
            drop(state);
            suspend::spawn(self, task);
        }
    }

    /// Ends the machine at once: what is queued is dropped, and so is the future of an asynchronous handler, as a veto. A
    /// handler under way is not interrupted.
    pub fn dispose_now(&self) {
        let mut state = self.shared.lock();
        if state.engine.is_disposed() {
            return;
        }
        state.end();
        if state.abandon_suspended() {
            drain::go_on(self, state);
        } else {
            drain::start(self, state);
        }
    }

    /// True as soon as the machine is disposed: its queue has run out, waits and handlers are gone or go now.
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        self.shared.lock().engine.is_disposed()
    }

    /// Calls `hook` when the machine is disposed or its last handle dropped, behind the end of its waits, without locks;
    /// until the returned guard is dropped ([`TraceGuard::keep`] has it called in any case). At once when the machine is
    /// disposed already.
    pub fn on_dispose(&self, hook: impl FnOnce() + Send + 'static) -> TraceGuard {
        let guard = self.observe(Observe::Disposed(Mutex::new(Some(Box::new(hook)))));
        if self.is_disposed() {
            Effect::Disposed.run(&guard.audience());
        }
        guard
    }

    /// Resolves when the machine is disposed and all that belongs to it is done: hooks have run, handlers are dropped.
    /// When its last handle is dropped, too.
    pub fn when_disposed(&self) -> When {
        let source = Arc::downgrade(&self.shared);
        let mut state = self.shared.lock();
        let wait = state.engine.fresh_wait();
        state.gone.register(Wait::Pending(wait), source)
    }
}

impl State {
    /// Removes `Start`, if it is active. The wait for the end of that transition; what its handlers ask for still runs.
    fn stop(&mut self) -> Option<WaitId> {
        let start = self.engine.schema().index(START)?;
        if !self.engine.is(start) {
            return None;
        }
        let tick = match self.mutate(Mutation::remove(&[start])) {
            Outcome::Started => QueueTick(self.engine.queue_tick().0 + 1),
            Outcome::Queued(tick) => tick,
            Outcome::Executed | Outcome::Canceled => return None,
        };
        match self.engine.when_queue(tick) {
            Wait::Pending(wait) => Some(wait),
            Wait::Ready => None,
        }
    }

    /// One step of the end, when the queue has run out. False: there is none to take.
    pub(super) fn end_step(&mut self) -> bool {
        match self.gate {
            Gate::Ending => self.end(),
            Gate::Ended => {
                let Self { gone, effects, .. } = self;
                gone.end(Ok(()), |waker| effects.push(Effect::Wake(waker)));
                self.gate = Gate::Gone;
            }
            Gate::Open | Gate::Backoff(_) | Gate::Gone => return false,
        }
        true
    }

    /// Disposes the engine, ends all waits and lets everything go that users gave.
    pub(super) fn end(&mut self) {
        self.gate = Gate::Ended;
        let Self {
            engine,
            waiters,
            conditions,
            contexts,
            pipes,
            commands,
            effects,
            sets,
            disposal_watchdog,
            ..
        } = self;
        let args = engine.dispose();
        effects.push(Effect::Committed);
        effects.extend(contexts.take());
        waiters.end(Err(WaitError::Disposed), |waker| {
            effects.push(Effect::Wake(waker));
        });
        effects.push(Effect::Disposed);
        effects.extend(pipes.take());
        effects.extend(args.into_iter().map(Effect::ReleaseArgs));
        effects.extend(conditions.take().map(Effect::ReleaseCondition));
        let commands = std::mem::take(commands).into_iter();
        effects.extend(commands.map(|(_, it)| Effect::ReleaseCommand(it)));
        effects.extend(sets.end().map(Effect::ReleaseHandlers));
        effects.extend(disposal_watchdog.take().map(Effect::Stop));
    }
}

/// What runs as long as this state is active is to end with it.
const START: &str = "Start";
