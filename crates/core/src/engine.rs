//! One clock-based state machine: schema, clock, queue, subscriptions, one transition at a time.
//!
//! Contract: [`Machine::mutate`] either settles at once or starts a drain; the driver then calls [`Machine::poll`]
//! until it says [`Poll::Idle`], answering every [`Poll::Call`] by [`Machine::resume`]. No handlers, wakers or time
//! inside. A handler may mutate its machine at any moment: it only queues.
//!
//! ```text
//! mutate -> queue -> take -> negotiate (Call*) -> commit -> final handlers (Call*) -> end -> Fired? -> take ...
//! ```
//!
//! The path of a mutation without arguments allocates nothing once its scratch lists have grown.

use std::sync::Arc;

use crate::ids::{QueueTick, StateIdx};

use self::clock::Clock;
use self::handlers::Bindings;
use self::queue::Queue;
use self::relations::Resolver;
use self::transition::Transition;

pub use self::clock::{activations, is_active_tick, next_active_tick, next_inactive_tick};
#[cfg(any(feature = "json", feature = "toml"))]
pub use self::document::{MAX_BYTES, MAX_ERRORS, TextError, TextErrors, TextProblem};
pub use self::export::{Export, ImportError};
pub use self::fingerprint::fingerprint;
pub use self::groups::Groups;
pub use self::handlers::{BindingId, Handler};
pub use self::log::{Awaited, LogLevel, Logger};
pub use self::mutation::{Args, Mode, Mutation, MutationKind, Outcome, Place, Source};
pub use self::parse::{SchemaError, SchemaErrors, SchemaWarning};
pub use self::queued::{QueueFilter, Waiting};
pub use self::refs::{StateName, StateRef, States};
pub use self::relations::{Relation, Step};
pub use self::replace::ReplaceError;
pub use self::schema::{IndexError, Schema, SchemaDef, SchemaProblem, StateDef};
pub use self::signature::Signature;
pub use self::subscriptions::{Subscriptions, Wait, WaitId};
pub use self::text::{
    CallText, ClockText, HandlerName, Inspect, NameList, StepText, TransitionText,
};
pub use self::time::{NamedTime, Time, UnknownState};
pub use self::tracer::{Call, NoTracer, QueuedView, Tracer, TransitionView, TxId};

pub mod names;
pub mod schemas;

mod algebra;
mod checks;
mod clock;
#[cfg(any(feature = "json", feature = "toml"))]
mod document;
mod drain;
mod export;
mod fingerprint;
mod groups;
mod handlers;
mod log;
mod mutation;
mod normalise;
mod parse;
mod queue;
mod queued;
mod refs;
mod related;
mod relations;
mod replace;
mod schema;
mod signature;
mod sort;
mod state_set;
mod subscriptions;
mod text;
mod time;
mod tracer;
mod transition;
mod typed;

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
    /// All handlers for the beginning of this watched state have run: look at the transition's arguments.
    Args(StateIdx),
    /// A transition was accepted and the clock is watched: look at it.
    Settled,
    /// The queue is empty.
    Idle,
}

/// How far [`Machine::run`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Nothing is left to do: what became of the mutation.
    Settled(Outcome),
    /// The drain waits for the driver, who goes on with [`Machine::poll`] and in the end takes the result. Never
    /// [`Poll::Idle`].
    Stopped(Poll),
}

/// Limits of a machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Mutations that may wait, default 1000. Checks, mutations in front and an `Exception` pass it, 65,536 of them.
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
    options: Options,
    clock: Clock,
    queue: Queue,
    bindings: Bindings,
    /// There when anybody has waited.
    subscriptions: Option<Box<Subscriptions>>,
    resolver: Resolver,
    transition: Transition,
    drain: drain::Drain,
    fired: Vec<WaitId>,
    error: Option<Arc<str>>,
    /// How many want to look at the clock after every accepted transition.
    clock_watches: u32,
    /// Machines of the same id that went before.
    machine_tick: u32,
    is_disposed: bool,
}

impl Machine {
    /// A machine with all states inactive at tick 0.
    #[must_use]
    pub fn new(schema: Arc<Schema>, options: Options) -> Self {
        let states = schema.len();
        Self {
            schema,
            options,
            clock: Clock::new(states),
            queue: Queue::new(),
            bindings: Bindings::new(states),
            subscriptions: None,
            resolver: Resolver::new(states),
            transition: Transition::new(states),
            drain: drain::Drain::default(),
            fired: Vec::new(),
            error: None,
            clock_watches: 0,
            machine_tick: 0,
            is_disposed: false,
        }
    }
    /// Its schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
    /// Says which handlers a set has; only those produce [`Poll::Call`]. If `Exception` is active its last error is
    /// raised again for the first set bound, so the caller polls afterwards when [`Outcome::Started`] comes back.
    pub fn bind(&mut self, handlers: &[Handler]) -> (BindingId, Outcome) {
        self.bind_traced(handlers, &mut NoTracer)
    }
    /// [`Machine::bind`] with an observer.
    pub fn bind_traced<T: Tracer>(
        &mut self,
        handlers: &[Handler],
        tracer: &mut T,
    ) -> (BindingId, Outcome) {
        let is_first = self.bindings.is_empty();
        let binding = self.bindings.bind(handlers);
        tracer.handlers_bound(binding);
        let exception = self.schema.exception();
        let outcome = match self.error.clone() {
            Some(error) if is_first && self.is(exception) => {
                self.add_err_traced(&[], error, None, tracer)
            }
            Some(_) | None => Outcome::Executed,
        };
        (binding, outcome)
    }
    /// Gives a bound set other handlers, or none, in its place among the others. A handler that is being called is not
    /// affected; those of the running transition that come behind it are.
    pub fn rebind(&mut self, binding: BindingId, handlers: &[Handler]) {
        self.bindings.rebind(binding, handlers);
    }
    /// Requests a change. States out of range are refused as [`Outcome::Canceled`] (the caller resolves names first).
    pub fn mutate(&mut self, mutation: Mutation<'_>) -> Outcome {
        self.mutate_traced(mutation, &mut NoTracer)
    }
    /// [`Machine::mutate`] with an observer.
    pub fn mutate_traced<T: Tracer>(&mut self, mutation: Mutation<'_>, tracer: &mut T) -> Outcome {
        let is_known = |state: &StateIdx| state.at() < self.schema.len();
        if self.is_disposed || !mutation.states.iter().all(is_known) {
            return Outcome::Canceled;
        }
        let kind = self.settled_kind(&mutation);
        let called = self.called(mutation.states);
        if mutation.mode == Mode::Check || mutation.place == Place::Front {
            return self.prepend(queue::Queued::new(kind, called), mutation, tracer);
        }
        if self.is_full(kind, &called, mutation.source.is_some()) {
            return Outcome::Canceled;
        }
        let is_nothing_to_end = || !called.iter().any(|&state| self.is(state));
        if kind == MutationKind::Remove
            && self.is_draining()
            && self.queue.is_empty()
            && is_nothing_to_end()
        {
            return Outcome::Executed;
        }
        if !self.queue.is_empty()
            && mutation.args.is_none()
            && queue::is_idempotent(&called, &self.schema.masks().multi)
            && let Some(equal) = self.queued(QueueFilter::equal(kind, &called)).next()
        {
            tracer.mutation_skipped(kind, &called);
            // One that was prepended has no queue tick to wait for.
            return equal.queue_tick.map_or(Outcome::Executed, Outcome::Queued);
        }
        let mut queued = queue::Queued::new(kind, called);
        queued.extra = queue::extra(mutation.args, mutation.source);
        self.append(queued, tracer)
    }
    /// Reports an error: adds `Exception` and these states together, and remembers the text.
    pub fn add_err(
        &mut self,
        states: &[StateIdx],
        error: Arc<str>,
        source: Option<Source>,
    ) -> Outcome {
        self.add_err_traced(states, error, source, &mut NoTracer)
    }
    /// [`Machine::add_err`] with an observer.
    pub fn add_err_traced<T: Tracer>(
        &mut self,
        states: &[StateIdx],
        error: Arc<str>,
        source: Option<Source>,
        tracer: &mut T,
    ) -> Outcome {
        let is_full = self.queue.len() >= usize::from(self.options.queue_limit);
        let is_known = |state: &StateIdx| state.at() < self.schema.len();
        if self.is_disposed || is_full || !states.iter().all(is_known) {
            return Outcome::Canceled;
        }
        self.error = Some(Arc::clone(&error));
        let mut called = self.called(states);
        let exception = self.schema.exception();
        if !called.contains(&exception) {
            called.push(exception);
        }
        let mut queued = queue::Queued::new(MutationKind::Add, called);
        queued.extra = Some(Box::new(queue::Extra {
            args: None,
            source,
            error: Some(error),
            turn: None,
        }));
        self.append(queued, tracer)
    }
    /// Runs until a handler must be called, waits fired, or the queue is empty.
    pub fn poll(&mut self) -> Poll {
        self.poll_traced(&mut NoTracer)
    }
    /// [`Machine::poll`] with an observer.
    pub fn poll_traced<T: Tracer>(&mut self, tracer: &mut T) -> Poll {
        self.fired.clear();
        self.advance(tracer)
    }
    /// Answers the pending call. An answer with another `tx` or `call_no` is late and ignored: `false`.
    pub fn resume(&mut self, tx: TxId, call_no: u64, answer: Answer) -> bool {
        self.drain.answer(tx, call_no, answer)
    }
    /// Answers the pending call by a panic with a text, which becomes the machine's error.
    pub fn resume_panicked(&mut self, tx: TxId, call_no: u64, error: Arc<str>) -> bool {
        self.drain.answer_panic(tx, call_no, error)
    }
    /// Result of the first mutation of the drain that ended; `Canceled` when the drain held none.
    pub fn take_result(&mut self) -> Outcome {
        self.drain.take_result()
    }
    /// [`Machine::take_result`], if that mutation has ended.
    pub fn ended_result(&self) -> Option<Outcome> {
        self.drain.ended_result()
    }
    /// [`Machine::mutate`] and a drain that accepts every handler call: for machines without handlers. Waits that fired
    /// on the way are all in [`Machine::fired`].
    pub fn apply(&mut self, mutation: Mutation<'_>) -> Outcome {
        self.apply_traced(mutation, &mut NoTracer)
    }
    /// [`Machine::apply`] with an observer.
    pub fn apply_traced<T: Tracer>(&mut self, mutation: Mutation<'_>, tracer: &mut T) -> Outcome {
        let mut stop = match self.run_traced(mutation, tracer) {
            Run::Settled(outcome) => return outcome,
            Run::Stopped(stop) => stop,
        };
        loop {
            match stop {
                Poll::Call(call) => {
                    self.resume(call.tx, call.call_no, Answer::Accept);
                }
                Poll::Fired | Poll::Args(_) | Poll::Settled => {}
                Poll::Idle => return self.take_result(),
            }
            stop = self.advance(tracer);
        }
    }
    /// [`Machine::mutate`], and [`Machine::poll`] when that started a drain. It says the same as the two calls, but the
    /// mutation of an idle machine does not go through the queue.
    pub fn run(&mut self, mutation: Mutation<'_>) -> Run {
        self.run_traced(mutation, &mut NoTracer)
    }
    /// [`Machine::run`] with an observer.
    pub fn run_traced<T: Tracer>(&mut self, mutation: Mutation<'_>, tracer: &mut T) -> Run {
        if self.must_wait(&mutation) {
            let outcome = self.mutate_traced(mutation, tracer);
            if outcome != Outcome::Started {
                return Run::Settled(outcome);
            }
        } else {
            self.start(mutation, tracer);
        }
        self.fired.clear();
        match self.advance(tracer) {
            Poll::Idle => Run::Settled(self.take_result()),
            stop @ (Poll::Call(_) | Poll::Fired | Poll::Args(_) | Poll::Settled) => {
                Run::Stopped(stop)
            }
        }
    }
    /// Waits that fired at the last [`Poll::Fired`], in order.
    #[must_use]
    pub fn fired(&self) -> &[WaitId] {
        &self.fired
    }
    /// Registers a wait until all `states` are active at the end of a transition.
    pub fn when(&mut self, states: &[StateIdx]) -> Wait {
        let subscriptions = self.subscriptions.get_or_insert_default();
        subscriptions.when(states, self.clock.ticks())
    }
    /// Registers a wait until all `states` are inactive.
    pub fn when_not(&mut self, states: &[StateIdx]) -> Wait {
        let subscriptions = self.subscriptions.get_or_insert_default();
        subscriptions.when_not(states, self.clock.ticks())
    }
    /// Registers a wait until every state has reached its tick at some point. Lengths that differ: nothing to wait for,
    /// [`Wait::Ready`].
    pub fn when_time(&mut self, states: &[StateIdx], ticks: &[u64]) -> Wait {
        let subscriptions = self.subscriptions.get_or_insert_default();
        subscriptions.when_time(states, ticks, self.clock.ticks())
    }
    /// Registers a wait until that state has ticked `ticks` times from now.
    pub fn when_ticks(&mut self, state: StateIdx, ticks: u64) -> Wait {
        self.when_time(&[state], &[self.tick(state).saturating_add(ticks)])
    }
    /// Registers a wait until that state becomes active again.
    pub fn when_next_active(&mut self, state: StateIdx) -> Wait {
        self.when_time(&[state], &[next_active_tick(self.tick(state))])
    }
    /// Registers a wait until the mutation that was told this queue tick has run, whatever came of it.
    pub fn when_queue(&mut self, tick: QueueTick) -> Wait {
        if tick <= self.queue_tick() {
            return Wait::Ready;
        }
        let wait = self.fresh_wait();
        self.queue.wait_for_tick(tick, wait);
        Wait::Pending(wait)
    }
    /// [`Machine::when_queue`] for a driver whose handlers take their time: a mutation that runs now has not run yet.
    pub fn when_settled(&mut self, tick: QueueTick) -> Wait {
        let running = self.transition().and_then(|it| it.queue_tick);
        if running != Some(tick) {
            return self.when_queue(tick);
        }
        let wait = self.fresh_wait();
        self.queue.wait_for_tick(tick, wait);
        Wait::Pending(wait)
    }
    /// Registers a wait until the queue is empty.
    pub fn when_queue_ends(&mut self) -> Wait {
        if !self.is_draining() {
            return Wait::Ready;
        }
        let wait = self.fresh_wait();
        self.queue.wait_for_end(wait);
        Wait::Pending(wait)
    }
    /// A place in front of the queue: the wait fires between transitions when it is reached, before anything else, so
    /// that the caller may do something of its own there, alone with the machine. [`Outcome::Started`] as from
    /// [`Machine::mutate`]; [`Outcome::Canceled`] when the queue is full or the machine disposed, and nothing will fire.
    pub fn take_turn(&mut self) -> (WaitId, Outcome) {
        let wait = self.fresh_wait();
        if self.is_disposed || self.queue.len() >= usize::from(self.options.queue_limit) {
            return (wait, Outcome::Canceled);
        }
        self.queue.prepend(queue::Queued::of_turn(wait));
        (wait, self.started_or(UNCOUNTED))
    }
    /// An id for a wait that the caller keeps itself; no wait of this machine has it.
    pub fn fresh_wait(&mut self) -> WaitId {
        self.subscriptions.get_or_insert_default().fresh_id()
    }
    /// From now on [`Poll::Args`] comes whenever that state begins: for waits on arguments, whose patterns are the
    /// caller's. States out of range never begin.
    pub fn watch_args(&mut self, state: StateIdx) {
        self.bindings.watch_args(state);
    }
    /// Takes back one [`Machine::watch_args`].
    pub fn unwatch_args(&mut self, state: StateIdx) {
        self.bindings.unwatch_args(state);
    }
    /// From now on [`Poll::Settled`] comes after every accepted transition: for waits whose condition is the caller's.
    pub fn watch_clock(&mut self) {
        self.clock_watches += 1;
    }
    /// Takes back one [`Machine::watch_clock`].
    pub fn unwatch_clock(&mut self) {
        self.clock_watches = self.clock_watches.saturating_sub(1);
    }
    /// Drops one registration of a wait.
    pub fn forget(&mut self, wait: WaitId) {
        let subscriptions = self.subscriptions.as_mut();
        if !subscriptions.is_some_and(|it| it.forget(wait)) {
            self.queue.forget(wait);
        }
    }
    /// The first 64 states as bits, the lowest for state 0, set while the state is active: to be checked without the
    /// machine.
    #[must_use]
    #[inline]
    pub fn active_word(&self) -> u64 {
        self.clock.active().bits().first_word()
    }
    /// True while that state is active.
    #[must_use]
    pub fn is(&self, state: StateIdx) -> bool {
        self.clock.active().contains(state)
    }
    /// Tick of one state, 0 out of range.
    #[must_use]
    pub fn tick(&self, state: StateIdx) -> u64 {
        self.clock().get(state.at()).copied().unwrap_or_default()
    }
    /// All ticks, in index order.
    #[must_use]
    pub fn clock(&self) -> &[u64] {
        self.clock.ticks()
    }
    /// Active states, in the order of the last target list.
    #[must_use]
    pub fn active(&self) -> &[StateIdx] {
        self.clock.active().as_slice()
    }
    /// Sum of all ticks, wrapping.
    #[must_use]
    pub fn machine_time(&self) -> u64 {
        self.clock.sum()
    }
    /// Number of the last appended mutation taken from the queue; 1 before the first.
    #[must_use]
    pub fn queue_tick(&self) -> QueueTick {
        self.queue.tick()
    }
    /// Mutations waiting.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.queue.len()
    }
    /// True when a waiting mutation adds all of these states.
    #[must_use]
    pub fn will_be(&self, states: &[StateIdx]) -> bool {
        let adds = QueueFilter::new(MutationKind::Add, states);
        self.queued(adds).next().is_some()
    }
    /// True when a waiting mutation removes all of these states.
    #[must_use]
    pub fn will_be_removed(&self, states: &[StateIdx]) -> bool {
        let removes = QueueFilter::new(MutationKind::Remove, states);
        self.queued(removes).next().is_some()
    }
    /// True from the first mutation of a drain until [`Poll::Idle`]: mutations only queue.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_running()
    }
    /// The last error reported by [`Machine::add_err`] or by a handler that panicked.
    #[must_use]
    pub fn error(&self) -> Option<&Arc<str>> {
        self.error.as_ref()
    }
    /// The running transition, between a [`Poll::Call`] and its [`Machine::resume`].
    #[must_use]
    pub fn transition(&self) -> Option<TransitionView<'_>> {
        self.drain
            .is_in_transition()
            .then(|| self.transition.view(&self.clock))
    }
    /// From now on mutations are canceled and the queue is empty. Waits stay registered for the caller to close. A
    /// running transition goes on to its end. The arguments of what was queued come back, for the caller to drop: they
    /// may be anybody's code.
    pub fn dispose(&mut self) -> Vec<Args> {
        self.is_disposed = true;
        self.queue.clear()
    }
    /// Drops what waits in the queue; its queue ticks are passed over. The arguments come back, as from
    /// [`Machine::dispose`].
    pub fn clear_queue(&mut self) -> Vec<Args> {
        self.queue.clear()
    }
    /// True after [`Machine::dispose`].
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        self.is_disposed
    }

    /// It is refused, or goes through the queue.
    #[inline]
    fn must_wait(&self, mutation: &Mutation<'_>) -> bool {
        let is_unknown = |state: &StateIdx| state.at() >= self.schema.len();
        self.drain.is_running()
            || !self.queue.is_empty()
            || self.is_disposed
            || self.options.queue_limit == 0
            || mutation.mode == Mode::Check
            || mutation.place == Place::Front
            || mutation.states.iter().any(is_unknown)
    }
    /// Loads a mutation that need not wait.
    #[inline]
    fn start<T: Tracer>(&mut self, mutation: Mutation<'_>, tracer: &mut T) {
        let kind = self.settled_kind(&mutation);
        let now = self.queue.tick();
        let tick = Some(self.queue.pass());
        self.transition.load_new(kind, mutation.states, tick);
        self.transition
            .set_extra(queue::extra(mutation.args, mutation.source));
        tracer.mutation_queued(QueuedView {
            kind,
            called: self.transition.called.as_slice(),
            is_auto: false,
            is_check: false,
            queue_tick: tick,
            now,
            queue_len: 1,
        });
        self.drain.start();
        self.begin(tracer);
    }
    #[inline]
    fn settled_kind(&self, mutation: &Mutation<'_>) -> MutationKind {
        match mutation.kind {
            MutationKind::Toggle if mutation.states.iter().all(|&state| self.is(state)) => {
                MutationKind::Remove
            }
            MutationKind::Toggle => MutationKind::Add,
            kind @ (MutationKind::Add | MutationKind::Remove | MutationKind::Set) => kind,
        }
    }
    /// A full queue still takes an `Exception` that begins or ends, unless another machine asks for it; to a point.
    #[inline]
    fn is_full(&self, kind: MutationKind, called: &[StateIdx], has_source: bool) -> bool {
        if self.queue.len() < usize::from(self.options.queue_limit) {
            return false;
        }
        let exception = self.schema.exception();
        let is_active = self.is(exception);
        let changes = match kind {
            MutationKind::Add => !is_active,
            MutationKind::Remove => is_active,
            MutationKind::Set | MutationKind::Toggle => false,
        };
        !(changes && called.contains(&exception) && !has_source) || self.is_overfull()
    }
    /// Even what the queue's limit does not hold for has no place any more.
    fn is_overfull(&self) -> bool {
        self.queue.len() >= usize::from(self.options.queue_limit) + BEYOND_LIMIT
    }
    /// These states without duplicates.
    #[inline]
    fn called(&mut self, states: &[StateIdx]) -> queue::Called {
        if states.len() < 2 {
            return queue::Called::from_slice(states);
        }
        queue::Called::from_slice(self.transition.without_duplicates(states))
    }
    #[inline]
    fn append<T: Tracer>(&mut self, queued: queue::Queued, tracer: &mut T) -> Outcome {
        let tick = self.queue.append(queued);
        self.queue.tell_back(tracer);
        self.started_or(tick)
    }
    fn prepend<T: Tracer>(
        &mut self,
        mut queued: queue::Queued,
        mutation: Mutation<'_>,
        tracer: &mut T,
    ) -> Outcome {
        if self.is_overfull() {
            return Outcome::Canceled;
        }
        queued.is_check = mutation.mode == Mode::Check;
        queued.extra = queue::extra(mutation.args, mutation.source);
        self.queue.prepend(queued);
        self.queue.tell_front_as(mutation.states, tracer);
        self.started_or(UNCOUNTED)
    }
    fn started_or(&mut self, tick: QueueTick) -> Outcome {
        if self.drain.start() {
            Outcome::Started
        } else {
            Outcome::Queued(tick)
        }
    }
}

/// Checks, mutations in front and exceptions pass the limit of the queue in the model; so many, not more (a guess).
const BEYOND_LIMIT: usize = 1 << 16;

/// What a prepended mutation is told instead of a queue tick of its own.
const UNCOUNTED: QueueTick = QueueTick(2);
