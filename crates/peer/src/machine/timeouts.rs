//! Handlers that take too long (machine.md 5.5): opt-in, because reading a clock costs more than a transition.
//!
//! ```text
//! asynchronous: called -- timeout: told --> late -- deadline: queue dropped, Exception, backoff --> given up
//! synchronous:  called ........ returns: told once, its result kept
//! ```
//!
//! A synchronous handler cannot be interrupted. An asynchronous one that answers late was a veto before the commit, and
//! has its transition repaired after it; one that has not answered at the deadline is dropped.

use std::sync::Arc;
use std::time::Duration;

use statemesh_core::engine::{Answer, BindingId, Call, Handler, Mutation, MutationKind, TxId};

use super::observe::Effect;
use super::shared::{Locked, State};
use super::suspend::Suspended;
use super::{Machine, MachineError, WeakMachine, drain};
use crate::handlers::{Boxed, Stop, Task};
use crate::timer::{AnyTimer, Instant};

/// How long things may take. [`Timeouts::default`] has the values of the model (machine.md 1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A handler's call, 100 ms. One that takes longer is told as an [`Overrun`].
    pub handler: Duration,
    /// What an asynchronous handler is given besides, 10 s. Then it is given up: it is dropped with all that is queued,
    /// and the machine is in `Exception`.
    pub deadline: Duration,
    /// How long the machine then refuses mutations, 3 s. `set` is not refused.
    pub backoff: Duration,
    /// How long [`Machine::dispose`] waits for what is queued, 1 s. It needs a spawner.
    pub dispose: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handler: Duration::from_millis(100),
            deadline: Duration::from_secs(10),
            backoff: Duration::from_secs(3),
            dispose: Duration::from_secs(1),
        }
    }
}

/// A handler took longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// In which transition.
    pub tx: TxId,
    /// Which handler.
    pub handler: Handler,
    /// Of which set, in the order they were bound.
    pub binding: BindingId,
    /// How long it took so far.
    pub took: Duration,
    /// It has not ended yet: it is asynchronous.
    pub is_running: bool,
}

/// What a machine with timeouts has.
pub(super) struct Watch {
    limits: Timeouts,
    timer: Box<dyn AnyTimer>,
}

impl Watch {
    pub(super) fn new(limits: Timeouts, timer: Box<dyn AnyTimer>) -> Self {
        Self { limits, timer }
    }

    /// Calls a handler and tells how long it took, if that was too long.
    pub(super) fn measure<R>(
        &self,
        call: Call,
        handler: impl FnOnce() -> R,
    ) -> (R, Option<Overrun>) {
        let start = self.timer.time();
        let result = handler();
        let took = self.timer.time().since(start);
        let overrun = (took > self.limits.handler).then_some(Overrun {
            tx: call.tx,
            handler: call.handler,
            binding: call.binding,
            took,
            is_running: false,
        });
        (result, overrun)
    }
}

/// The task that ends with the call, or ends the call.
pub(super) fn watchdog(machine: &Machine, call: Call) -> Option<(Task, Stop)> {
    let limits = machine.shared.watch.as_ref()?.limits;
    let weak = machine.downgrade();
    Some(Task::new(Box::pin(async move {
        let Some(timeout) = alarm(&weak, limits.handler) else {
            return;
        };
        timeout.await;
        note_late(&weak, call, limits.handler);
        let Some(deadline) = alarm(&weak, limits.deadline) else {
            return;
        };
        deadline.await;
        give_up(&weak, call);
    })))
}

fn alarm(machine: &WeakMachine, time: Duration) -> Option<Boxed<()>> {
    let machine = machine.upgrade()?;
    let watch = machine.shared.watch.as_ref()?;
    Some(watch.timer.alarm(time))
}

/// The task that ends a disposal, if anything can run it.
pub(super) fn disposal_watchdog(machine: &Machine) -> Option<(Task, Stop)> {
    machine.shared.spawner.as_ref()?;
    let limits = machine.shared.watch.as_ref()?.limits;
    let weak = machine.downgrade();
    Some(Task::new(Box::pin(async move {
        let Some(timeout) = alarm(&weak, limits.dispose) else {
            return;
        };
        timeout.await;
        if let Some(machine) = weak.upgrade() {
            machine.dispose_now();
        }
    })))
}

/// The call has taken its time. Its answer will be a timeout.
fn note_late(machine: &WeakMachine, call: Call, took: Duration) {
    let Some(machine) = machine.upgrade() else {
        return;
    };
    let mut state = machine.shared.lock();
    match &mut state.suspended {
        Some(suspended) if suspended.call == call => suspended.is_late = true,
        Some(_) | None => return,
    }
    let overrun = Overrun {
        tx: call.tx,
        handler: call.handler,
        binding: call.binding,
        took,
        is_running: true,
    };
    state.last_overrun = Some(overrun);
    let audience = state.observers.audience();
    drop(state);
    Effect::Overrun(overrun).run(&audience);
}

/// The call has no more time: the queue goes, an error comes, and for a while nothing else.
fn give_up(machine: &WeakMachine, call: Call) {
    let Some(machine) = machine.upgrade() else {
        return;
    };
    let Some(watch) = &machine.shared.watch else {
        return;
    };
    let until = watch.timer.time() + watch.limits.backoff;
    let mut state = machine.shared.lock();
    let Some(suspended) = state.suspended.take_if(|it| it.call == call) else {
        return;
    };
    let Suspended { stop, .. } = suspended;
    state.effects.push(Effect::Stop(stop));
    // What still answers for this call, from a poll under way, names a call that nobody waits for.
    let dropped = state.engine.clear_queue();
    let dropped = dropped.into_iter().map(Effect::ReleaseArgs);
    state.effects.extend(dropped);
    let evals = std::mem::take(&mut state.commands).into_iter();
    let evals = evals.map(|(_, eval)| Effect::ReleaseCommand(eval));
    state.effects.extend(evals);
    if !state.gate.is_closing() {
        state.gate = Gate::Backoff(until);
    }
    let error = MachineError::timeout(call.handler, state.engine.schema());
    state.notes.reason = Some(error.to_string().into());
    state.raise(error);
    state.engine.resume(call.tx, call.call_no, Answer::Timeout);
    drain::go_on(&machine, state);
}

/// Who may ask for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everybody.
    Open,
    /// Nobody until then, except to set states.
    Backoff(Instant),
    /// Nobody any more: the machine is disposed when its queue has run out.
    Ending,
    /// It is disposed; who belongs to it is being told.
    Ended,
    /// All is told.
    Gone,
}

impl Gate {
    /// Closed for ever.
    pub(super) fn is_closing(self) -> bool {
        match self {
            Self::Open | Self::Backoff(_) => false,
            Self::Ending | Self::Ended | Self::Gone => true,
        }
    }
}

/// Locks the machine for a mutation. `None`: it is refused.
#[inline]
pub(super) fn pass_gate(machine: &Machine, kind: MutationKind) -> Option<Locked<'_>> {
    let state = machine.shared.lock();
    match state.gate {
        Gate::Open => Some(state),
        Gate::Backoff(_) => pass_closed_gate(machine, state, kind),
        Gate::Ending | Gate::Ended | Gate::Gone => None,
    }
}

fn pass_closed_gate<'a>(
    machine: &'a Machine,
    mut state: Locked<'a>,
    kind: MutationKind,
) -> Option<Locked<'a>> {
    let Gate::Backoff(until) = state.gate else {
        return Some(state);
    };
    if kind == MutationKind::Set {
        return Some(state);
    }
    let watch = machine.shared.watch.as_ref()?;
    let now = state.unlocked(|| watch.timer.time());
    if now < until {
        return None;
    }
    if state.gate == Gate::Backoff(until) {
        state.gate = Gate::Open;
    }
    Some(state)
}

impl State {
    /// Tells of an overrun.
    pub(super) fn overran(&mut self, overrun: Overrun) {
        self.last_overrun = Some(overrun);
        self.effects.push(Effect::Overrun(overrun));
    }

    /// Reports an error of the machine's own: the state `Exception`, unless it is what the running transition calls.
    fn raise(&mut self, error: Arc<MachineError>) {
        let exception = self.engine.schema().exception();
        self.last_error = Some(error.clone());
        let running = self.engine.transition();
        if running.is_some_and(|it| it.called.contains(&exception)) {
            return;
        }
        let mut mutation = Mutation::add(std::slice::from_ref(&exception));
        mutation.args = Some(error);
        self.mutate(mutation);
    }
}
