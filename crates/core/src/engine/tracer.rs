//! Observers of transitions: a trait with empty default methods, so that nobody listening costs nothing.

use super::{Args, Call, MutationKind, Source, TxId};
use crate::ids::{QueueTick, StateIdx};

/// A look at the running or just finished transition.
#[derive(Clone, Copy)]
pub struct TransitionView<'a> {
    /// Its number.
    pub tx: TxId,
    /// What it does (never `Toggle`).
    pub kind: MutationKind,
    /// Called states.
    pub called: &'a [StateIdx],
    /// Called by the engine itself, for Auto states.
    pub is_auto: bool,
    /// Tried only.
    pub is_check: bool,
    /// Not canceled (so far).
    pub accepted: bool,
    /// Active states before, in order.
    pub before: &'a [StateIdx],
    /// Resolved states, in order, also when canceled.
    pub target: &'a [StateIdx],
    /// States that begin, Multi re-entries included.
    pub enters: &'a [StateIdx],
    /// States that end.
    pub exits: &'a [StateIdx],
    /// Ticks before.
    pub clock_before: &'a [u64],
    /// Ticks after (simulated until the commit).
    pub clock_after: &'a [u64],
    /// Queue tick of the mutation; `None` when prepended.
    pub queue_tick: Option<QueueTick>,
    /// Arguments.
    pub args: Option<&'a Args>,
    /// Cause.
    pub source: Option<&'a Source>,
}

/// Called synchronously by the engine, in order. It cannot touch the machine.
pub trait Tracer {
    /// A handler is about to be called.
    fn handler_start(&mut self, call: Call) {
        let _ = call;
    }
    /// A transition ended: accepted, canceled, or a check.
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        let _ = transition;
    }
    /// The drain ended.
    fn queue_end(&mut self) {}
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTracer;

impl Tracer for NoTracer {}
