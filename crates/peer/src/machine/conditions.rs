//! Conditions that are the caller's code: on the arguments of a state's beginning, and on the clock.
//!
//! The engine says when to look. The drainer then looks outside the lock, under `catch_unwind`: a condition that
//! panics is not met. A condition leaves the lock only as an effect, to be dropped after unlocking.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use statemesh_core::StateIdx;
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::{Machine as Engine, WaitId};

use super::observe::Effect;
use super::shared::{Locked, State};

/// What is asked of a mutation's arguments.
pub(super) type OfArgs = Arc<dyn Fn(&(dyn Any + Send + Sync)) -> bool + Send + Sync>;
/// What is asked of the ticks in index order.
pub(crate) type OfClock = Arc<dyn Fn(&[u64]) -> bool + Send + Sync>;

/// One condition.
#[derive(Clone)]
pub(super) enum Condition {
    Args(StateIdx, OfArgs),
    Clock(OfClock),
}

/// Open conditions of one machine. What is asked together is asked in order of registration.
#[derive(Default)]
pub(super) struct Conditions {
    of_args: OrderedMap<(StateIdx, WaitId), OfArgs>,
    of_clock: OrderedMap<WaitId, OfClock>,
    /// The states of the former.
    states: OrderedMap<WaitId, StateIdx>,
}

impl Conditions {
    /// Opens one, and has the engine watch for it.
    pub(super) fn open(&mut self, condition: Condition, engine: &mut Engine) -> WaitId {
        let wait = engine.fresh_wait();
        match condition {
            Condition::Args(state, ask) => {
                engine.watch_args(state);
                self.states.insert(wait, state);
                self.of_args.insert((state, wait), ask);
            }
            Condition::Clock(ask) => {
                engine.watch_clock();
                self.of_clock.insert(wait, ask);
            }
        }
        wait
    }

    /// Closes one. It comes back, to be dropped after unlocking; `None`: it is not open.
    pub(super) fn close(&mut self, wait: WaitId, engine: &mut Engine) -> Option<Condition> {
        if let Some(ask) = self.of_clock.remove(&wait) {
            self.of_clock.trim();
            engine.unwatch_clock();
            return Some(Condition::Clock(ask));
        }
        let state = self.states.remove(&wait)?;
        engine.unwatch_args(state);
        self.states.trim();
        let ask = self.of_args.remove(&(state, wait))?;
        self.of_args.trim();
        Some(Condition::Args(state, ask))
    }

    /// Closes all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Condition> {
        let all = std::mem::take(self);
        let of_args = all.of_args.into_iter();
        let of_args = of_args.map(|((state, _), ask)| Condition::Args(state, ask));
        let of_clock = all.of_clock.into_iter();
        of_args.chain(of_clock.map(|(_, ask)| Condition::Clock(ask)))
    }

    fn of_args(&self, begun: StateIdx) -> Vec<(WaitId, OfArgs)> {
        let all = (begun, WaitId(0))..=(begun, WaitId(u64::MAX));
        let asked = self.of_args.range(all);
        asked.map(|((_, wait), ask)| (*wait, ask.clone())).collect()
    }

    fn of_clock(&self) -> Vec<(WaitId, OfClock)> {
        let asked = self.of_clock.iter();
        asked.map(|(wait, ask)| (*wait, ask.clone())).collect()
    }
}

/// This state has begun: asks the running transition's arguments.
pub(super) fn look_at_args(state: &mut Locked<'_>, begun: StateIdx) {
    let asked = state.conditions.of_args(begun);
    let args = state.engine.transition().and_then(|it| it.args.cloned());
    let met = state.unlocked(|| {
        let (asked, args) = (asked, args);
        met(&asked, |ask| args.as_ref().is_some_and(|args| ask(&**args)))
    });
    finish(state, &met);
}

/// A transition was accepted: asks the clock.
pub(super) fn look_at_clock(state: &mut Locked<'_>) {
    let asked = state.conditions.of_clock();
    let clock = state.engine.clock().to_vec();
    let met = state.unlocked(|| {
        let asked = asked;
        met(&asked, |ask| ask(&clock))
    });
    finish(state, &met);
}

/// Which of those conditions are met. One that panics is not.
pub(crate) fn met<C>(asked: &[(WaitId, C)], is_met: impl Fn(&C) -> bool) -> Vec<WaitId> {
    let met = asked.iter().filter(|(_, ask)| {
        // The panic hook has told of a panic.
        catch_unwind(AssertUnwindSafe(|| is_met(ask))).unwrap_or(false)
    });
    met.map(|(wait, _)| *wait).collect()
}

/// Ends the waits whose condition is met and that are still open.
fn finish(state: &mut State, met: &[WaitId]) {
    let State {
        engine,
        conditions,
        waiters,
        effects,
        ..
    } = state;
    for &wait in met {
        if let Some(condition) = conditions.close(wait, engine) {
            effects.push(Effect::ReleaseCondition(condition));
            waiters.fire(&[wait], |waker| effects.push(Effect::Wake(waker)));
        }
    }
}
