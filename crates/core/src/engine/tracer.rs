//! Observers of transitions: a trait with empty default methods, so that nobody listening costs nothing.

use std::sync::Arc;

use crate::engine::Answer;
use crate::engine::handlers::{BindingId, Handler};
use crate::engine::mutation::{Args, MutationKind, Source};
use crate::engine::relations::{Step, StepSink};
use crate::engine::schema::Schema;
use crate::ids::{QueueTick, StateIdx};

/// Number of a transition of one machine, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub u64);

/// A handler the driver has to call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The running transition.
    pub tx: TxId,
    /// Number of this call within the machine's life; names the answer that belongs to it.
    pub call_no: u64,
    /// Which bound set.
    pub binding: BindingId,
    /// Which of its handlers.
    pub handler: Handler,
}

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
    /// Ticks after: simulated until the commit, then what was committed. A later repair of a broken final phase does
    /// not show here; the machine's own clock is the truth.
    pub clock_after: &'a [u64],
    /// Queue tick of the mutation; `None` when prepended.
    pub queue_tick: Option<QueueTick>,
    /// Arguments.
    pub args: Option<&'a Args>,
    /// Cause.
    pub source: Option<&'a Source>,
    /// The error it reports.
    pub error: Option<&'a Arc<str>>,
}

/// A look at a mutation that was just queued.
#[derive(Clone, Copy)]
pub struct QueuedView<'a> {
    /// What it does (never `Toggle`).
    pub kind: MutationKind,
    /// Called states as its author gave them; an appended one has no duplicates.
    pub called: &'a [StateIdx],
    /// Called by the engine itself, for Auto states.
    pub is_auto: bool,
    /// To be tried only.
    pub is_check: bool,
    /// The queue tick at which it will run; `None` when prepended.
    pub queue_tick: Option<QueueTick>,
    /// The queue tick now.
    pub now: QueueTick,
    /// Mutations waiting, this one included.
    pub queue_len: usize,
}

/// Called synchronously by the engine, in order. It cannot touch the machine.
pub trait Tracer {
    /// True: [`Tracer::step`] is called, which slows resolution down.
    const STEPS: bool = false;
    /// True: [`Tracer::event`] is called, which looks at every pair of states a transition has.
    const EVENTS: bool = false;

    /// A set of handlers was bound.
    fn handlers_bound(&mut self, binding: BindingId) {
        let _ = binding;
    }
    /// A mutation was not queued, because an equal one waits already.
    fn mutation_skipped(&mut self, kind: MutationKind, called: &[StateIdx]) {
        let _ = (kind, called);
    }
    /// A bound set may have a handler for this, and is called next if it has.
    fn event(&mut self, binding: BindingId, handler: Handler) {
        let _ = (binding, handler);
    }

    /// A mutation was queued, in front or at the back.
    fn mutation_queued(&mut self, mutation: QueuedView<'_>) {
        let _ = mutation;
    }
    /// A transition was resolved; its clock after is what would be.
    fn transition_init(&mut self, transition: TransitionView<'_>) {
        let _ = transition;
    }
    /// A transition was committed, its final handlers come now. Never for checks and canceled ones.
    fn transition_finals(&mut self, transition: TransitionView<'_>) {
        let _ = transition;
    }
    /// A handler is about to be called.
    fn handler_start(&mut self, call: Call) {
        let _ = call;
    }
    /// That handler has answered.
    fn handler_end(&mut self, call: Call) {
        let _ = call;
    }
    /// That handler did not accept. The lists are as before this takes effect.
    fn handler_refused(&mut self, call: Call, answer: Answer, transition: TransitionView<'_>) {
        let _ = (call, answer, transition);
    }
    /// A decision of the running transition.
    fn step(&mut self, step: Step) {
        let _ = step;
    }
    /// A transition ended: accepted, canceled, or a check.
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        let _ = transition;
    }
    /// The drain ended.
    fn queue_end(&mut self) {}
    /// The machine has another schema, or its states another order.
    fn schema_changed(&mut self, old: &Arc<Schema>, new: &Arc<Schema>) {
        let _ = (old, new);
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTracer;

impl Tracer for NoTracer {}

impl<T: Tracer> StepSink for T {
    const LISTENS: bool = T::STEPS;

    fn step(&mut self, step: Step) {
        if T::STEPS {
            Tracer::step(self, step);
        }
    }
}
