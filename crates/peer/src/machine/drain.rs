//! The drainer: who finds a machine idle runs it until its queue is empty.
//!
//! Drains nest on a thread when a handler mutates another machine. Past [`MAX_NESTED`] of them a machine is put off:
//! its mutation is queued, and the innermost running drain of this thread takes it over when its own is done, so that
//! machines that drive each other in a circle use bounded stack and nothing is lost.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use statemesh_core::QueueTick;
use statemesh_core::engine::{Answer, BindingId, Call, Mode, Mutation, Outcome, Place, Poll, Run};

use super::conditions;
use super::observe::Effect;
use super::shared::{Locked, State};
use super::suspend::{self, Tasks};
use super::timeouts;
use super::{Machine, MachineError};
use crate::handlers::{self, Bound, Event, Reply, release};

/// Drains that may be nested on one thread.
const MAX_NESTED: u32 = 32;

/// Result of a mutation that runs later but is not appended (machine.md 3.3).
const QUEUED_IN_FRONT: Outcome = Outcome::Queued(QueueTick(2));

thread_local! {
    /// Drains running on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Any machines put off? Asked after every drain, so it is cheaper than the list.
    static ANY_PUT_OFF: Cell<bool> = const { Cell::new(false) };
    /// Machines whose drain this thread owes, in order.
    static PUT_OFF: RefCell<VecDeque<Machine>> = const { RefCell::new(VecDeque::new()) };
}

/// Requests a change and, if nobody drains, carries it out.
pub(super) fn mutate(machine: &Machine, mutation: Mutation<'_>) -> Outcome {
    // Kept so that a mutation refused at once does not drop its arguments under the lock.
    let args = mutation.args.clone();
    let appended = mutation.mode == Mode::Apply && mutation.place == Place::Back;
    let Some(mut state) = timeouts::pass_gate(machine, mutation.kind) else {
        return Outcome::Canceled;
    };
    let outcome = if state.draining || DEPTH.get() >= MAX_NESTED {
        let later = later(&state, appended);
        match state.mutate(mutation) {
            Outcome::Started => start(machine, state).unwrap_or(later),
            settled @ (Outcome::Executed | Outcome::Canceled | Outcome::Queued(_)) => {
                drop(state);
                settled
            }
        }
    } else {
        run(machine, state, mutation, appended)
    };
    drop(args);
    outcome
}

/// Carries out a mutation of a machine that nobody drains.
#[inline]
fn run<'a>(
    machine: &'a Machine,
    mut state: Locked<'a>,
    mutation: Mutation<'_>,
    appended: bool,
) -> Outcome {
    let later = later(&state, appended);
    let so_far = match state.run(mutation) {
        Run::Settled(outcome) if state.effects.is_empty() => return outcome,
        Run::Settled(outcome) => SoFar {
            result: Some(outcome),
            stop: None,
        },
        Run::Stopped(stop) => SoFar {
            result: None,
            stop: Some(stop),
        },
    };
    state.draining = true;
    go_on_from(machine, state, so_far).unwrap_or(later)
}

/// What a mutation is told that has not ended when the call returns. To be asked before it is made.
fn later(state: &State, appended: bool) -> Outcome {
    if appended {
        Outcome::Queued(QueueTick(state.engine.queue_tick().0 + 1))
    } else {
        QUEUED_IN_FRONT
    }
}

/// Requests a change, to be carried out behind the drain that runs on this thread, if one does.
pub(super) fn mutate_later(machine: &Machine, mutation: Mutation<'_>) {
    let args = mutation.args.clone();
    let Some(mut state) = timeouts::pass_gate(machine, mutation.kind) else {
        return;
    };
    if state.mutate(mutation) != Outcome::Started || state.draining {
        drop(state);
    } else if DEPTH.get() == 0 {
        start(machine, state);
    } else {
        state.draining = true;
        drop(state);
        put_off(machine);
    }
    drop(args);
}

/// Binds a handler set. `None`: the machine is disposed.
pub(super) fn bind(machine: &Machine, bound: Bound) -> Option<BindingId> {
    let mut state = machine.shared.lock();
    if state.engine.is_disposed() {
        drop(state);
        return None;
    }
    let (binding, outcome) = state.bind(&bound.handlers, bound.set);
    bound_to(machine, state, outcome);
    Some(binding)
}

/// Carries out what binding a set has led to.
pub(super) fn bound_to(machine: &Machine, state: Locked<'_>, outcome: Outcome) {
    if outcome == Outcome::Started {
        start(machine, state);
    }
}

/// Becomes the drainer. `None`: somebody else is, or will be.
pub(super) fn start<'a>(machine: &'a Machine, mut state: Locked<'a>) -> Option<Outcome> {
    if state.draining {
        return None;
    }
    state.draining = true;
    go_on(machine, state)
}

/// Where a drain stands that has begun already.
#[derive(Default)]
struct SoFar {
    /// Of the first mutation.
    result: Option<Outcome>,
    /// What the engine said last.
    stop: Option<Poll>,
}

/// Drains, as the one who may. `None`: the first mutation has not ended.
pub(super) fn go_on<'a>(machine: &'a Machine, state: Locked<'a>) -> Option<Outcome> {
    go_on_from(machine, state, SoFar::default())
}

fn go_on_from<'a>(machine: &'a Machine, state: Locked<'a>, so_far: SoFar) -> Option<Outcome> {
    let Some(nested) = Nested::enter() else {
        debug_assert!(so_far.stop.is_none(), "it would be lost");
        drop(state);
        put_off(machine);
        return None;
    };
    let outcome = drain(machine, state, so_far);
    while let Some(machine) = next_put_off() {
        drain(&machine, machine.shared.lock(), SoFar::default());
    }
    drop(nested);
    outcome
}

/// Runs until the engine is idle and all it led to is told, or until a handler needs time. Result of the first mutation,
/// if it has ended.
fn drain<'a>(machine: &'a Machine, mut state: Locked<'a>, so_far: SoFar) -> Option<Outcome> {
    let SoFar {
        mut result,
        mut stop,
    } = so_far;
    loop {
        match stop.take().unwrap_or_else(|| state.poll()) {
            Poll::Call(call) => {
                if let Some(tasks) = call_handler(machine, &mut state, call) {
                    let result = result.or(state.engine.ended_result());
                    drop(state);
                    suspend::spawn_all(machine, tasks);
                    return result;
                }
            }
            Poll::Fired => {
                if let Some(command) = state.collect_fired() {
                    run_effects(&mut state);
                    state.unlocked(|| release(command).run(machine));
                }
            }
            Poll::Args(begun) => {
                run_effects(&mut state);
                conditions::look_at_args(&mut state, begun);
            }
            Poll::Settled => {
                run_effects(&mut state);
                conditions::look_at_clock(&mut state);
            }
            Poll::Idle => {
                let engine = &mut state.engine;
                let result = *result.get_or_insert_with(|| engine.take_result());
                if !state.effects.is_empty() {
                    run_effects(&mut state);
                } else if !(state.gate.is_closing() && state.end_step()) {
                    state.draining = false;
                    return Some(result);
                }
            }
        }
    }
}

/// Unlocks, runs one handler, locks, resumes; or comes back with tasks that will.
fn call_handler(machine: &Machine, state: &mut Locked<'_>, call: Call) -> Option<Tasks> {
    run_effects(state);
    let set = state.sets.take(call.binding);
    let transition = state.engine.transition();
    let event = transition.map(|it| Event::new(machine, call.handler, it));
    let (Some(mut set), Some(event)) = (set, event) else {
        // Disposed meanwhile: its handlers are gone.
        state.engine.resume(call.tx, call.call_no, Answer::Accept);
        return None;
    };
    let done = std::mem::take(&mut state.done);
    let (reply, overrun) = state.unlocked(|| {
        // The event, with its share of the arguments, is dropped before the lock is taken again.
        let event = event;
        let mut call_it = || handlers::call_caught(&mut set, call.handler, done, &event);
        match &machine.shared.watch {
            None => (call_it(), None),
            Some(watch) => watch.measure(call, call_it),
        }
    });
    if let Some(overrun) = overrun {
        state.overran(overrun);
    }
    if let Some(gone) = state.sets.put_back(call.binding, set) {
        state.effects.push(Effect::ReleaseHandlers(gone));
    }
    match reply {
        Ok(Reply::Later(later)) => Some(state.suspend(machine, call, later)),
        reply => {
            settle(state, call, reply);
            None
        }
    }
}

/// Gives the engine a handler's answer.
pub(super) fn settle(state: &mut State, call: Call, reply: Result<Reply, String>) {
    let answer = match reply {
        Ok(Reply::Accept | Reply::Later(_)) => Answer::Accept,
        Ok(Reply::Veto(reason)) => {
            state.notes.reason = reason;
            Answer::Veto
        }
        Err(message) => {
            state.notes.reason = Some(message.as_str().into());
            state.last_error = Some(MachineError::panic(
                call.handler,
                state.engine.schema(),
                message,
            ));
            Answer::Panic
        }
    };
    state.engine.resume(call.tx, call.call_no, answer);
}

/// Unlocks and does what has been collected, in order.
fn run_effects(state: &mut Locked<'_>) {
    if state.effects.is_empty() {
        return;
    }
    let mut effects = std::mem::take(&mut state.effects);
    let audience = state.observers.audience();
    state.unlocked(|| {
        let audience = audience;
        effects.drain(..).for_each(|effect| effect.run(&audience));
    });
    if state.effects.capacity() == 0 {
        state.effects = effects;
    }
}

/// Counts a drain on this thread while it lives.
struct Nested;

impl Nested {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < MAX_NESTED).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

fn put_off(machine: &Machine) {
    PUT_OFF.with_borrow_mut(|list| list.push_back(machine.clone()));
    ANY_PUT_OFF.set(true);
}

fn next_put_off() -> Option<Machine> {
    if !ANY_PUT_OFF.get() {
        return None;
    }
    let next = PUT_OFF.with_borrow_mut(VecDeque::pop_front);
    ANY_PUT_OFF.set(next.is_some());
    next
}
