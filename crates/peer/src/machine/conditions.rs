//! Conditions that are the caller's code: on the arguments of a state's beginning, and on the clock.
//!
//! The engine says when to look. The drainer then looks outside the lock, under `catch_unwind`: a condition that
//! panics is not met. A condition leaves the lock only as an effect, to be dropped after unlocking.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::MutexGuard;
use statemesh_core::StateIdx;
use statemesh_core::engine::{Machine as Engine, WaitId};

use super::observe::Effect;
use super::shared::State;

/// What is asked of a mutation's arguments.
pub(super) type OfArgs = Arc<dyn Fn(&(dyn Any + Send + Sync)) -> bool + Send + Sync>;
/// What is asked of the ticks in index order.
pub(super) type OfClock = Arc<dyn Fn(&[u64]) -> bool + Send + Sync>;

/// One condition.
#[derive(Clone)]
pub(super) enum Condition {
    Args(StateIdx, OfArgs),
    Clock(OfClock),
}

/// Open conditions of one machine, in order of registration.
#[derive(Default)]
pub(super) struct Conditions {
    open: Vec<(WaitId, Condition)>,
}

impl Conditions {
    /// Opens one, and has the engine watch for it.
    pub(super) fn open(&mut self, condition: Condition, engine: &mut Engine) -> WaitId {
        match condition {
            Condition::Args(state, _) => engine.watch_args(state),
            Condition::Clock(_) => engine.watch_clock(),
        }
        let wait = engine.fresh_wait();
        self.open.push((wait, condition));
        wait
    }

    /// Closes one. It comes back, to be dropped after unlocking; `None`: it is not open.
    pub(super) fn close(&mut self, wait: WaitId, engine: &mut Engine) -> Option<Condition> {
        let at = self.open.iter().position(|(open, _)| *open == wait)?;
        let (_, condition) = self.open.remove(at);
        match condition {
            Condition::Args(state, _) => engine.unwatch_args(state),
            Condition::Clock(_) => engine.unwatch_clock(),
        }
        Some(condition)
    }

    /// Closes all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Condition> {
        std::mem::take(&mut self.open)
            .into_iter()
            .map(|(_, condition)| condition)
    }

    fn of_args(&self, begun: StateIdx) -> Vec<(WaitId, OfArgs)> {
        let asked = self
            .open
            .iter()
            .filter_map(|(wait, condition)| match condition {
                Condition::Args(state, ask) if *state == begun => Some((*wait, ask.clone())),
                Condition::Args(..) | Condition::Clock(_) => None,
            });
        asked.collect()
    }

    fn of_clock(&self) -> Vec<(WaitId, OfClock)> {
        let asked = self
            .open
            .iter()
            .filter_map(|(wait, condition)| match condition {
                Condition::Clock(ask) => Some((*wait, ask.clone())),
                Condition::Args(..) => None,
            });
        asked.collect()
    }
}

/// This state has begun: asks the running transition's arguments.
pub(super) fn look_at_args(state: &mut MutexGuard<'_, State>, begun: StateIdx) {
    let asked = state.conditions.of_args(begun);
    let args = state.engine.transition().and_then(|it| it.args.cloned());
    let met = MutexGuard::unlocked(state, || {
        let (asked, args) = (asked, args);
        met(&asked, |ask| args.as_ref().is_some_and(|args| ask(&**args)))
    });
    finish(state, &met);
}

/// A transition was accepted: asks the clock.
pub(super) fn look_at_clock(state: &mut MutexGuard<'_, State>) {
    let asked = state.conditions.of_clock();
    let clock = state.engine.clock().to_vec();
    let met = MutexGuard::unlocked(state, || {
        let asked = asked;
        met(&asked, |ask| ask(&clock))
    });
    finish(state, &met);
}

fn met<C>(asked: &[(WaitId, C)], is_met: impl Fn(&C) -> bool) -> Vec<WaitId> {
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
