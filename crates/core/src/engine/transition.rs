//! One mutation's life: resolve, negotiate, commit, final handlers.
//!
//! ```text
//! begin -> accepted by relations? -> negotiation handlers -> (check: stop) -> (auto: resolve again without what was
//! rejected) -> commit -> final handlers -> end
//! ```
//!
//! One `Transition` per machine is reused for all mutations, so its lists allocate only while they grow. Between
//! transitions both of its clocks equal the machine's.

use std::sync::Arc;

use crate::engine::clock::Clock;
use crate::engine::handlers::{Handler, Walk};
use crate::engine::mutation::{Args, MutationKind, Outcome, Source};
use crate::engine::queue::Queued;
use crate::engine::relations::{Request, Resolver, Step, StepSink};
use crate::engine::schema::Schema;
use crate::engine::state_set::StateList;
use crate::engine::tracer::{TransitionView, TxId};
use crate::ids::{QueueTick, StateIdx};

/// The running transition, or the memory for the next.
pub(crate) struct Transition {
    pub(crate) id: TxId,
    pub(crate) kind: MutationKind,
    pub(crate) called: StateList,
    pub(crate) is_auto: bool,
    pub(crate) is_check: bool,
    pub(crate) canceled: bool,
    /// A final handler failed: the clock is not what was committed.
    pub(crate) broken: bool,
    queue_tick: Option<QueueTick>,
    args: Option<Args>,
    source: Option<Source>,
    error: Option<Arc<str>>,
    before: StateList,
    target: StateList,
    exits: Vec<StateIdx>,
    enters: Vec<StateIdx>,
    /// Target list as of the start of the running handler phase.
    walked: Vec<StateIdx>,
    /// Called states of an auto transition that nobody rejected.
    left: StateList,
    /// Auto states whose Exit handler said no.
    kept: Vec<StateIdx>,
    clock_before: Vec<u64>,
    clock_after: Vec<u64>,
    /// Where the two clocks differ.
    moved: Vec<StateIdx>,
}

impl Transition {
    pub(crate) fn new(states: usize) -> Self {
        Self {
            id: TxId(0),
            kind: MutationKind::Add,
            called: StateList::new(states),
            is_auto: false,
            is_check: false,
            canceled: false,
            broken: false,
            queue_tick: None,
            args: None,
            source: None,
            error: None,
            before: StateList::new(states),
            target: StateList::new(states),
            exits: Vec::new(),
            enters: Vec::new(),
            walked: Vec::new(),
            left: StateList::new(states),
            kept: Vec::new(),
            clock_before: vec![0; states],
            clock_after: vec![0; states],
            moved: Vec::new(),
        }
    }

    /// Takes over a mutation, resolves it, and says by `canceled` whether relations accept it. Gives back its list.
    pub(crate) fn begin<S: StepSink>(
        &mut self,
        mutation: Queued,
        (schema, clock): (&Schema, &Clock),
        resolver: &mut Resolver,
        steps: &mut S,
    ) -> Vec<StateIdx> {
        self.id.0 += 1;
        self.kind = mutation.kind;
        self.is_auto = mutation.is_auto;
        self.is_check = mutation.is_check;
        self.broken = false;
        self.queue_tick = mutation.queue_tick;
        self.args = mutation.args;
        self.source = mutation.source;
        self.error = mutation.error;
        self.called.clear();
        self.called.extend(&mutation.called);
        self.kept.clear();
        self.before.copy_from(clock.active());
        if S::LISTENS {
            self.tell_call(steps);
        }
        let request = Request {
            kind: self.kind,
            called: &self.called,
            active: &self.before,
        };
        resolver.resolve(schema, request, &mut self.target, steps);
        self.canceled = !self.is_accepted();
        self.list_moves(schema);
        if !self.is_check {
            self.simulate();
        }
        if self.canceled {
            self.exits.clear();
            self.enters.clear();
            if S::LISTENS {
                self.rejected()
                    .for_each(|state| steps.step(Step::Cancel(state)));
            }
        } else {
            resolver.sort(schema, &mut self.exits, steps);
        }
        mutation.called
    }

    /// Do relations let this mutation pass? A removal always; an auto one with any called state left; others with all.
    fn is_accepted(&self) -> bool {
        if self.kind == MutationKind::Remove {
            return true;
        }
        let rejected = self.rejected().count();
        if self.is_auto {
            return rejected < self.called.len();
        }
        rejected == 0
    }
    fn rejected(&self) -> impl Iterator<Item = StateIdx> {
        let called = self.called.as_slice().iter().copied();
        called.filter(|&state| !self.target.contains(state))
    }
    fn tell_call<S: StepSink>(&self, steps: &mut S) {
        let called = self.called.as_slice();
        called
            .iter()
            .for_each(|&state| steps.step(Step::Requested(state)));
        if self.kind == MutationKind::Remove {
            called
                .iter()
                .for_each(|&state| steps.step(Step::Remove(state)));
            return;
        }
        let begins = called.iter().filter(|&&state| !self.before.contains(state));
        begins.for_each(|&state| steps.step(Step::Set(state)));
        if self.kind == MutationKind::Set {
            let before = self.before.as_slice().iter();
            let ends = before.filter(|&&state| !self.called.contains(state));
            ends.for_each(|&state| steps.step(Step::Remove(state)));
        }
    }

    /// Derives exits and enters from the target list.
    fn list_moves(&mut self, schema: &Schema) {
        self.exits.clear();
        let ends = self.before.as_slice().iter().copied();
        self.exits
            .extend(ends.filter(|&state| !self.target.contains(state)));
        self.enters.clear();
        let target = self.target.as_slice().iter().copied();
        self.enters.extend(target.filter(|&state| {
            let reenters = || schema.is_multi(state) && self.called.contains(state);
            !self.before.contains(state) || reenters()
        }));
    }
    /// Writes what the clock would be into the clock after.
    fn simulate(&mut self) {
        self.unsimulate();
        for &state in self.exits.iter().chain(&self.enters) {
            let reenters = self.before.contains(state) && self.target.contains(state);
            let before = self.clock_before[state.at()];
            self.clock_after[state.at()] = before.wrapping_add(if reenters { 2 } else { 1 });
            self.moved.push(state);
        }
    }
    fn unsimulate(&mut self) {
        for state in self.moved.drain(..) {
            self.clock_after[state.at()] = self.clock_before[state.at()];
        }
    }

    /// A handler of this state said no in an auto transition: only this state drops out.
    pub(crate) fn reject_auto(&mut self, handler: Handler) {
        match handler {
            Handler::Exit(state) => {
                self.kept.push(state);
                self.target.push(state);
            }
            Handler::Enter(state) | Handler::Stay(state) | Handler::Pair(_, state) => {
                self.target.remove(state);
            }
            Handler::AnyEnter | Handler::End(_) | Handler::State(_) | Handler::AnyState => {}
        }
    }
    /// The state an auto transition could go on without.
    pub(crate) fn rejectable(&self, handler: Handler) -> Option<StateIdx> {
        match handler {
            Handler::Exit(state)
            | Handler::Enter(state)
            | Handler::Stay(state)
            | Handler::Pair(_, state)
                if self.is_auto =>
            {
                Some(state)
            }
            Handler::Exit(_)
            | Handler::Enter(_)
            | Handler::Stay(_)
            | Handler::Pair(..)
            | Handler::AnyEnter
            | Handler::End(_)
            | Handler::State(_)
            | Handler::AnyState => None,
        }
    }
    /// Resolves an auto transition again from the called states that are left, which drops what the others implied.
    /// States that refused to end stay: called ones that remove them go, and if that is not enough, all is canceled.
    pub(crate) fn recheck<S: StepSink>(
        &mut self,
        schema: &Schema,
        resolver: &mut Resolver,
        steps: &mut S,
    ) {
        self.left.clear();
        for &state in self.called.as_slice() {
            let removes_kept = || schema.remove(state).iter().any(|to| self.kept.contains(to));
            if self.target.contains(state) && !removes_kept() {
                self.left.push(state);
                steps.step(Step::Set(state));
            }
        }
        let request = Request {
            kind: MutationKind::Add,
            called: &self.left,
            active: &self.before,
        };
        resolver.resolve(schema, request, &mut self.target, steps);
        if self.kept.iter().any(|&state| !self.target.contains(state)) {
            self.canceled = true;
        }
        self.list_moves(schema);
        resolver.sort(schema, &mut self.exits, steps);
        self.simulate();
    }

    /// Gives up: the clock stays as it was.
    pub(crate) fn cancel(&mut self) {
        self.canceled = true;
        self.unsimulate();
    }
    /// Makes the target list the active one.
    pub(crate) fn commit(&mut self, clock: &mut Clock) {
        for &state in &self.moved {
            clock.set(state, self.clock_after[state.at()]);
        }
        clock.set_active(&self.target);
    }
    /// A final handler failed: its state and those whose final handlers had not run yet end again. Ends stay ended.
    pub(crate) fn repair(&mut self, failed: Handler, clock: &mut Clock) {
        self.canceled = true;
        self.broken = true;
        let Handler::State(failed) = failed else {
            return;
        };
        let states = self.enters.iter().copied();
        for state in states.skip_while(|&state| state != failed) {
            clock.end(state);
        }
    }
    /// What the mutation that asked for this transition is told.
    pub(crate) fn outcome(&self, clock: &Clock) -> Outcome {
        let active = clock.active();
        let done = match self.kind {
            _ if self.canceled => false,
            _ if self.is_check => true,
            MutationKind::Remove => !active.bits().intersects(self.called.bits()),
            MutationKind::Add | MutationKind::Set | MutationKind::Toggle => {
                let mut target = self.target.as_slice().iter();
                target.all(|&state| active.contains(state))
            }
        };
        if done {
            Outcome::Executed
        } else {
            Outcome::Canceled
        }
    }
    /// Lets go of the caller's values and of the difference between the clocks.
    pub(crate) fn end(&mut self, clock: &Clock) {
        for state in self.moved.drain(..) {
            let tick = clock.ticks()[state.at()];
            self.clock_before[state.at()] = tick;
            self.clock_after[state.at()] = tick;
        }
        self.args = None;
        self.source = None;
        self.error = None;
    }

    /// States that tick in this transition.
    pub(crate) fn moved(&self) -> impl Iterator<Item = StateIdx> {
        self.moved.iter().copied()
    }
    pub(crate) fn has_moved(&self) -> bool {
        !self.moved.is_empty()
    }
    pub(crate) fn has_target(&self) -> bool {
        !self.target.is_empty()
    }
    /// Called by nobody but a health probe, for which Auto states do not wake up.
    pub(crate) fn is_health_only(&self, schema: &Schema) -> bool {
        let called = self.called.as_slice();
        self.kind == MutationKind::Add && called.len() == 1 && schema.is_health(called[0])
    }
    /// A handler phase starts: it will walk the target list as it is now.
    pub(crate) fn start_walk(&mut self) {
        self.walked.clear();
        self.walked.extend_from_slice(self.target.as_slice());
    }
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk {
            kind: self.kind,
            exits: &self.exits,
            enters: &self.enters,
            before: self.before.as_slice(),
            before_bits: self.before.bits(),
            target: &self.walked,
        }
    }
    pub(crate) fn view(&self) -> TransitionView<'_> {
        TransitionView {
            tx: self.id,
            kind: self.kind,
            called: self.called.as_slice(),
            is_auto: self.is_auto,
            is_check: self.is_check,
            accepted: !self.canceled,
            before: self.before.as_slice(),
            target: self.target.as_slice(),
            enters: &self.enters,
            exits: &self.exits,
            clock_before: &self.clock_before,
            clock_after: &self.clock_after,
            queue_tick: self.queue_tick,
            args: self.args.as_ref(),
            source: self.source.as_ref(),
            error: self.error.as_ref(),
        }
    }
}
