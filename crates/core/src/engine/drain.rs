//! One run of the queue: takes mutations until none is left, and stops wherever the driver has to do something.
//!
//! ```text
//! Idle -> Take -> Negotiate (Call*) -> Finals (Call*) -> Ended (Fired?) -> Take -> ... -> Idle
//! ```
//!
//! An answer is only noted by `resume`; it takes effect at the next poll, so everything observable happens in polls.

use std::sync::Arc;

use crate::engine::handlers::{Cursor, Due, Handler, Phase};
use crate::engine::mutation::{MutationKind, Outcome};
use crate::engine::queue::{Called, Extra, Queued};
use crate::engine::relations::{Step, auto_candidates};
use crate::engine::subscriptions::Look;
use crate::engine::tracer::{Call, Tracer, TxId};
use crate::engine::{Answer, Machine, Poll};
use crate::ids::StateIdx;

/// Where the drain stands.
#[derive(Debug)]
pub(crate) struct Drain {
    stage: Stage,
    cursor: Cursor,
    pending: Option<Call>,
    answer: Option<Answer>,
    panic: Option<Arc<str>>,
    /// A look at the arguments that a panic must not skip.
    due_args: Option<StateIdx>,
    /// Who watches the clock was not told of the last accepted transition yet.
    due_settled: bool,
    calls: u64,
    result: Option<Outcome>,
    /// Auto transitions of this drain in which a handler panicked.
    auto_panics: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Take,
    Negotiate,
    Finals,
    Ended,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            stage: Stage::Idle,
            cursor: Cursor::new(Phase::Exit),
            pending: None,
            answer: None,
            panic: None,
            due_args: None,
            due_settled: false,
            calls: 0,
            result: None,
            auto_panics: 0,
        }
    }
}

impl Drain {
    /// Starts one unless one runs already.
    pub(crate) fn start(&mut self) -> bool {
        let is_idle = self.stage == Stage::Idle;
        if is_idle {
            self.stage = Stage::Take;
            self.result = None;
            self.auto_panics = 0;
        }
        is_idle
    }
    pub(crate) fn is_running(&self) -> bool {
        self.stage != Stage::Idle
    }
    pub(crate) fn is_in_transition(&self) -> bool {
        match self.stage {
            Stage::Negotiate | Stage::Finals | Stage::Ended => true,
            Stage::Idle | Stage::Take => false,
        }
    }
    pub(crate) fn answer(&mut self, tx: TxId, call_no: u64, answer: Answer) -> bool {
        let expected = |call: Call| call.tx == tx && call.call_no == call_no;
        let is_expected = self.answer.is_none() && self.pending.is_some_and(expected);
        if is_expected {
            self.answer = Some(answer);
        }
        is_expected
    }
    pub(crate) fn answer_panic(&mut self, tx: TxId, call_no: u64, error: Arc<str>) -> bool {
        let is_expected = self.answer(tx, call_no, Answer::Panic);
        if is_expected {
            self.panic = Some(error);
        }
        is_expected
    }
    pub(crate) fn take_result(&mut self) -> Outcome {
        self.result.take().unwrap_or(Outcome::Canceled)
    }
    pub(crate) fn ended_result(&self) -> Option<Outcome> {
        self.result
    }
}

impl Machine {
    /// Goes on to the next stop.
    pub(crate) fn advance<T: Tracer>(&mut self, tracer: &mut T) -> Poll {
        loop {
            match self.drain.stage {
                Stage::Idle => return Poll::Idle,
                Stage::Take => {
                    if std::mem::take(&mut self.drain.due_settled) {
                        return Poll::Settled;
                    }
                    let Some(next) = self.queue.take() else {
                        // Still draining while waits are told, so that nobody else starts a drain meanwhile.
                        if self.queue.fire_end(&mut self.fired) {
                            return Poll::Fired;
                        }
                        self.drain.stage = Stage::Idle;
                        tracer.queue_end();
                        continue;
                    };
                    if let Some(wait) = next.turn() {
                        self.fired.push(wait);
                        return Poll::Fired;
                    }
                    self.transition.load(next);
                    self.begin(tracer);
                }
                Stage::Negotiate if self.bindings.is_idle() => self.settle(tracer),
                Stage::Negotiate => match self.next_stop(tracer) {
                    Some(stop) => return stop,
                    None => self.settle(tracer),
                },
                Stage::Finals if self.bindings.is_idle() => self.drain.stage = Stage::Ended,
                Stage::Finals => match self.next_stop(tracer) {
                    Some(stop) => return stop,
                    None => self.drain.stage = Stage::Ended,
                },
                Stage::Ended => {
                    if self.end(tracer) {
                        return Poll::Fired;
                    }
                }
            }
        }
    }
    /// Takes the answer to the pending call; what the driver has to do before the walk goes on.
    fn take_answer<T: Tracer>(&mut self, call: Call, tracer: &mut T) -> Option<Poll> {
        let Some(answer) = self.drain.answer.take() else {
            return Some(Poll::Call(call));
        };
        self.drain.pending = None;
        tracer.handler_end(call);
        if T::STEPS && self.drain.cursor.is_first {
            Tracer::step(tracer, Step::Handler(call.handler));
        }
        self.on_answer(call, answer, tracer);
        self.drain.due_args.take().map(Poll::Args)
    }

    /// The loaded transition begins.
    #[inline]
    pub(crate) fn begin<T: Tracer>(&mut self, tracer: &mut T) {
        let clock = &self.clock;
        self.transition
            .begin((&self.schema, clock), &mut self.resolver, tracer);
        tracer.transition_init(self.transition.view(clock));
        self.drain.cursor = Cursor::new(Phase::Exit);
        self.drain.stage = Stage::Negotiate;
    }

    /// The next handler call, or look at arguments, of the running stage, phase by phase.
    #[inline]
    fn next_stop<T: Tracer>(&mut self, tracer: &mut T) -> Option<Poll> {
        if let Some(call) = self.drain.pending
            && let Some(stop) = self.take_answer(call, tracer)
        {
            return Some(stop);
        }
        if self.transition.canceled {
            return None;
        }
        loop {
            let drain = &mut self.drain;
            let due = if T::EVENTS {
                let walk = self.transition.walk(&self.clock);
                drain.cursor.due_told(&self.bindings, walk, tracer)
            } else if self.bindings.has_phase(drain.cursor.phase) {
                let walk = self.transition.walk(&self.clock);
                drain.cursor.due(&self.bindings, walk)
            } else {
                None
            };
            match due {
                Some(Due::Call(binding, handler)) => {
                    drain.calls += 1;
                    let call = Call {
                        tx: self.transition.id,
                        call_no: drain.calls,
                        binding,
                        handler,
                    };
                    drain.pending = Some(call);
                    tracer.handler_start(call);
                    return Some(Poll::Call(call));
                }
                Some(Due::Args(state)) => return Some(Poll::Args(state)),
                None => {}
            }
            let next = self.next_phase::<T>(self.drain.cursor.phase)?;
            self.drain.cursor = Cursor::new(next);
        }
    }
    /// The next phase of this stage. Without listeners those in which nothing can be due are passed by.
    #[inline]
    fn next_phase<T: Tracer>(&mut self, phase: Phase) -> Option<Phase> {
        let next = if T::EVENTS {
            phase.next()
        } else {
            self.bindings.phase_after(phase)
        };
        let is_unwanted = || self.transition.is_auto && !self.transition.has_target();
        if phase <= Phase::Pair && next.is_none_or(|next| next > Phase::Pair) && is_unwanted() {
            self.transition.canceled = true;
            return None;
        }
        if let Some(Phase::Stay | Phase::Pair) = next {
            self.transition.start_walk();
        }
        next
    }

    fn on_answer<T: Tracer>(&mut self, call: Call, answer: Answer, tracer: &mut T) {
        let is_negotiation = call.handler.is_negotiation();
        if answer != Answer::Accept && (is_negotiation || answer != Answer::Veto) {
            tracer.handler_refused(call, answer, self.transition.view(&self.clock));
        }
        match answer {
            Answer::Accept => self.drain.cursor.next_set(&self.bindings),
            Answer::Veto if !is_negotiation => self.drain.cursor.next_set(&self.bindings),
            Answer::Veto | Answer::Timeout if is_negotiation => self.on_veto(call),
            Answer::Panic if is_negotiation => {
                self.transition.canceled = true;
                self.raise_panic(call, tracer);
            }
            Answer::Veto | Answer::Timeout => {
                self.transition.repair(call.handler, &mut self.clock);
            }
            Answer::Panic => {
                self.transition.repair(call.handler, &mut self.clock);
                self.raise_panic(call, tracer);
                if let Handler::State(state) = call.handler
                    && self.bindings.is_args_watched(state)
                {
                    self.drain.due_args = Some(state);
                }
            }
        }
    }
    fn on_veto(&mut self, call: Call) {
        self.drain.cursor.skip_event();
        let state = self.transition.rejectable(call.handler);
        if state.is_some_and(|state| self.schema.is_auto(state)) {
            self.transition.reject_auto(call.handler);
        } else {
            self.transition.canceled = true;
        }
    }
    /// A handler panicked: `Exception` runs next, unless it is what the broken transition calls.
    fn raise_panic<T: Tracer>(&mut self, call: Call, tracer: &mut T) {
        let text = self.drain.panic.take();
        let error = text.unwrap_or_else(|| format!("handler {:?} panicked", call.handler).into());
        self.error = Some(Arc::clone(&error));
        self.drain.auto_panics += u32::from(self.transition.is_auto);
        let exception = self.schema.exception();
        if self.is_disposed || self.transition.called.contains(exception) {
            return;
        }
        let mut mutation = Queued::new(MutationKind::Add, [exception].as_slice().into());
        mutation.extra = Some(Box::new(Extra {
            error: Some(error),
            ..Extra::default()
        }));
        self.queue.prepend(mutation);
        self.queue.tell_front(tracer);
    }

    /// Negotiation is over: commits or gives up.
    fn settle<T: Tracer>(&mut self, tracer: &mut T) {
        let transition = &mut self.transition;
        self.drain.stage = Stage::Ended;
        if transition.is_check {
            return;
        }
        if transition.is_auto {
            transition.recheck((&self.schema, &self.clock), &mut self.resolver, tracer);
        }
        if transition.canceled {
            transition.cancel(&self.clock);
            return;
        }
        transition.commit(&mut self.clock);
        tracer.transition_finals(transition.view(&self.clock));
        self.drain.cursor = Cursor::new(Phase::End);
        self.drain.stage = Stage::Finals;
    }

    /// Ends the transition; true when waits fired.
    fn end<T: Tracer>(&mut self, tracer: &mut T) -> bool {
        let transition = &self.transition;
        let is_settled = !transition.canceled && !transition.is_check;
        if is_settled
            && !transition.is_auto
            && transition.has_moved()
            && !transition.is_health_only(&self.schema)
        {
            self.call_autos(tracer);
        }
        tracer.transition_end(self.transition.view(&self.clock));
        let outcome = self.transition.outcome(&self.clock);
        self.drain.result.get_or_insert(outcome);
        let fired = self.fired.len();
        // After a broken final phase nobody may wait for what is true already; ticks are latched and can be late.
        let look = if is_settled {
            Some(Look::All)
        } else {
            self.transition.broken.then_some(Look::Activity)
        };
        if let Some(look) = look
            && let Some(subscriptions) = &mut self.subscriptions
        {
            let (moved, ticks) = (self.transition.moved(), self.clock.ticks());
            subscriptions.apply_moved(moved, ticks, look, &mut self.fired);
        }
        self.queue.fire_ticks(&mut self.fired);
        self.transition.end(&self.clock);
        self.drain.stage = Stage::Take;
        self.drain.due_settled = is_settled && self.clock_watches > 0;
        self.fired.len() > fired
    }
    fn call_autos<T: Tracer>(&mut self, tracer: &mut T) {
        let is_hopeless = self.drain.auto_panics >= MAX_AUTO_PANICS;
        if self.is_disposed || is_hopeless || self.schema.auto_states().is_empty() {
            return;
        }
        let candidates = auto_candidates(&self.schema, self.clock.active());
        let called: Called = candidates.collect();
        if called.is_empty() {
            return;
        }
        let mut mutation = Queued::new(MutationKind::Add, called);
        mutation.is_auto = true;
        self.queue.prepend(mutation);
        self.queue.tell_front(tracer);
    }
}

/// An Auto state that panics raises an exception, which calls it again: a drain gives up after so many rounds (a guess).
const MAX_AUTO_PANICS: u32 = 3;
