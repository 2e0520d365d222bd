//! One clock-based state machine: schema, clock, queue, subscriptions, one transition at a time.
//!
//! Contract: [`Machine::mutate`] either settles at once or starts a drain; the driver then calls [`Machine::poll`]
//! until it says [`Poll::Idle`], answering every [`Poll::Call`] by [`Machine::resume`]. No handlers, wakers or time
//! inside. Source: machine.md sections 1 to 6.

use std::any::Any;
use std::sync::Arc;

use crate::ids::{QueueTick, StateIdx};

pub use self::schema::{Schema, SchemaDef, SchemaProblem, StateDef};
pub use self::subscriptions::{Subscriptions, Wait, WaitId};
pub use self::tracer::{NoTracer, Tracer, TransitionView};

mod schema;
mod subscriptions;
mod tracer;

/// Arguments of a mutation: opaque to the engine, shared with every handler call.
pub type Args = Arc<dyn Any + Send + Sync>;

/// What a mutation does with the states it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationKind {
    /// Called plus active states, resolved.
    Add,
    /// Active states minus called, resolved.
    Remove,
    /// Called states only, resolved.
    Set,
    /// Decided at the call: `Remove` if all called states are active, else `Add`.
    Toggle,
}

/// Where a mutation waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind all others; counted by a queue tick.
    Back,
    /// In front of all others; no queue tick.
    Front,
}

/// Whether a mutation is carried out or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Resolve, negotiate, commit.
    Apply,
    /// Resolve and negotiate only; never ticks.
    Check,
}

/// The transition that caused a mutation, possibly in another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Id of the machine.
    pub machine: Arc<str>,
    /// Its transition.
    pub tx: TxId,
    /// Sum of its ticks before that transition.
    pub machine_time: u64,
}

/// One request to change the active states.
#[derive(Clone)]
pub struct Mutation<'a> {
    /// What it does.
    pub kind: MutationKind,
    /// Called states; duplicates are dropped, the first stays.
    pub states: &'a [StateIdx],
    /// Arguments for the handlers.
    pub args: Option<Args>,
    /// What caused it.
    pub source: Option<Source>,
    /// Apply or check.
    pub mode: Mode,
    /// Where it waits. A check always waits in front.
    pub place: Place,
}

impl<'a> Mutation<'a> {
    /// A mutation without arguments and source, appended and applied.
    #[must_use]
    pub fn new(kind: MutationKind, states: &'a [StateIdx]) -> Self {
        Self {
            kind,
            states,
            args: None,
            source: None,
            mode: Mode::Apply,
            place: Place::Back,
        }
    }
    /// [`MutationKind::Add`].
    #[must_use]
    pub fn add(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Add, states)
    }
    /// [`MutationKind::Remove`].
    #[must_use]
    pub fn remove(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Remove, states)
    }
    /// [`MutationKind::Set`].
    #[must_use]
    pub fn set(states: &'a [StateIdx]) -> Self {
        Self::new(MutationKind::Set, states)
    }
}

/// What became of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or there was nothing to do.
    Executed,
    /// Refused by relations, by a handler, by a full queue or by disposal; nothing changed.
    Canceled,
    /// A drain is running; this one runs when the queue tick reaches this number. Checks and prepended ones say 2.
    Queued(QueueTick),
    /// It is first in a new drain: `poll` until [`Poll::Idle`], then [`Machine::take_result`].
    Started,
}

/// Number of a transition of one machine, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub u64);

/// Number of a bound handler set, in binding order from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u32);

/// One kind of handler call (machine.md 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handler {
    /// Negotiation, for a state about to end.
    Exit(StateIdx),
    /// Negotiation, for a state about to begin, or a called Multi state.
    Enter(StateIdx),
    /// Negotiation, for a state that stays (`FooFoo`).
    Stay(StateIdx),
    /// Negotiation, for a pair of a state before and a target state (`FooBar`).
    Pair(StateIdx, StateIdx),
    /// Negotiation, once, last.
    AnyEnter,
    /// Final, for a state that ended.
    End(StateIdx),
    /// Final, for a state that began.
    State(StateIdx),
    /// Final, once, last.
    AnyState,
}

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

/// A handler's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Accept,
    /// Negotiation only: do not.
    Veto,
    /// It panicked.
    Panic,
    /// It overran its time.
    Timeout,
}

/// What the driver has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Call this handler, then [`Machine::resume`].
    Call(Call),
    /// Waits came true; read them with [`Machine::fired`] before polling again.
    Fired,
    /// The queue is empty.
    Idle,
}

/// Limits of a machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Mutations that may wait, default 1000.
    pub queue_limit: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue_limit: 1000 }
    }
}

/// One state machine.
pub struct Machine {
    schema: Arc<Schema>,
}

impl Machine {
    /// A machine with all states inactive at tick 0.
    #[must_use]
    pub fn new(schema: Arc<Schema>, options: Options) -> Self {
        let _ = options;
        Self { schema }
    }
    /// Its schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
    /// Says which handlers a set has; only those produce [`Poll::Call`]. If `Exception` is active its last error is
    /// raised again for the first set bound (5.6), so the caller polls afterwards when [`Outcome::Started`] comes back.
    pub fn bind(&mut self, handlers: &[Handler]) -> (BindingId, Outcome) {
        let _ = handlers;
        todo!()
    }
    /// Requests a change. States out of range are refused as [`Outcome::Canceled`] (the caller resolves names first).
    pub fn mutate(&mut self, mutation: Mutation<'_>) -> Outcome {
        self.mutate_traced(mutation, &mut NoTracer)
    }
    /// [`Machine::mutate`] with an observer.
    pub fn mutate_traced<T: Tracer>(&mut self, mutation: Mutation<'_>, tracer: &mut T) -> Outcome {
        let _ = (mutation, tracer);
        todo!()
    }
    /// Runs until a handler must be called, waits fired, or the queue is empty.
    pub fn poll(&mut self) -> Poll {
        self.poll_traced(&mut NoTracer)
    }
    /// [`Machine::poll`] with an observer.
    pub fn poll_traced<T: Tracer>(&mut self, tracer: &mut T) -> Poll {
        let _ = tracer;
        todo!()
    }
    /// Answers the pending call. An answer with another `tx` or `call_no` is late and ignored: `false`.
    pub fn resume(&mut self, tx: TxId, call_no: u64, answer: Answer) -> bool {
        let _ = (tx, call_no, answer);
        todo!()
    }
    /// Result of the first mutation of the drain that ended; `Canceled` when the drain held none.
    pub fn take_result(&mut self) -> Outcome {
        todo!()
    }
    /// [`Machine::mutate`] and a drain that accepts every handler call: for machines without handlers.
    pub fn apply(&mut self, mutation: Mutation<'_>) -> Outcome {
        let _ = mutation;
        todo!()
    }
    /// Waits that fired at the last [`Poll::Fired`], in order.
    #[must_use]
    pub fn fired(&self) -> &[WaitId] {
        todo!()
    }
    /// Registers a wait until all `states` are active at the end of a transition.
    pub fn when(&mut self, states: &[StateIdx]) -> Wait {
        let _ = states;
        todo!()
    }
    /// Registers a wait until all `states` are inactive.
    pub fn when_not(&mut self, states: &[StateIdx]) -> Wait {
        let _ = states;
        todo!()
    }
    /// Registers a wait until every state has reached its tick at some point. Lengths that differ: nothing to wait for,
    /// [`Wait::Ready`].
    pub fn when_time(&mut self, states: &[StateIdx], ticks: &[u64]) -> Wait {
        let _ = (states, ticks);
        todo!()
    }
    /// Drops one registration of a wait.
    pub fn forget(&mut self, wait: WaitId) {
        let _ = wait;
        todo!()
    }
    /// True while that state is active.
    #[must_use]
    pub fn is(&self, state: StateIdx) -> bool {
        self.clock()
            .get(state.at())
            .is_some_and(|tick| tick % 2 == 1)
    }
    /// All ticks, in index order.
    #[must_use]
    pub fn clock(&self) -> &[u64] {
        todo!()
    }
    /// Active states, in the order of the last target list.
    #[must_use]
    pub fn active(&self) -> &[StateIdx] {
        todo!()
    }
    /// Sum of all ticks, wrapping.
    #[must_use]
    pub fn machine_time(&self) -> u64 {
        todo!()
    }
    /// Number of the last appended mutation taken from the queue; 1 before the first.
    #[must_use]
    pub fn queue_tick(&self) -> QueueTick {
        todo!()
    }
    /// Mutations waiting.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        todo!()
    }
    /// The running transition, between a [`Poll::Call`] and its [`Machine::resume`].
    #[must_use]
    pub fn transition(&self) -> Option<TransitionView<'_>> {
        todo!()
    }
    /// From now on mutations are canceled and the queue is empty. Waits stay registered for the caller to close.
    pub fn dispose(&mut self) {
        todo!()
    }
    /// True after [`Machine::dispose`].
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        todo!()
    }
}
