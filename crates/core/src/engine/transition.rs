//! One mutation's life: resolve, negotiate, commit, final handlers.
//!
//! ```text
//! begin -> accepted by relations? -> negotiation handlers -> (check: stop) -> (auto: resolve again without what was
//! rejected) -> commit -> final handlers -> end
//! ```
//!
//! One `Transition` per machine is reused for all mutations, so its lists allocate only while they grow. Nothing is
//! copied at the commit: its list and its ticks, which were the target, and the machine's, which become what was
//! before, change places. Between transitions its ticks equal the machine's.

use crate::engine::clock::Clock;
use crate::engine::handlers::{Handler, Walk};
use crate::engine::mutation::{MutationKind, Outcome};
use crate::engine::queue::{Extra, Queued};
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
    extra: Option<Box<Extra>>,
    /// The clock holds the target, and this the rest.
    committed: bool,
    /// Target list; after the commit the list before.
    list: StateList,
    /// Ticks after; after the commit those before.
    ticks: Vec<u64>,
    /// What was committed, kept when a repair changes it.
    resolved: Option<Box<(StateList, Vec<u64>)>>,
    exits: Vec<StateIdx>,
    enters: Vec<StateIdx>,
    /// Target list as of the start of the running handler phase.
    walked: Vec<StateIdx>,
    /// Called states of an auto transition that nobody rejected; scratch memory else.
    left: StateList,
    /// Auto states whose Exit handler said no.
    kept: Vec<StateIdx>,
    /// By how much all ticks together differ from the machine's.
    gained: u64,
    /// Relations refuse it: nobody is to see exits and enters.
    is_refused: bool,
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
            extra: None,
            committed: false,
            list: StateList::new(states),
            ticks: vec![0; states],
            resolved: None,
            exits: Vec::new(),
            enters: Vec::new(),
            walked: Vec::new(),
            left: StateList::new(states),
            kept: Vec::new(),
            gained: 0,
            is_refused: false,
        }
    }

    /// Starts afresh between transitions, with another clock. The numbers of transitions go on.
    pub(crate) fn rebase(&mut self, clock: &Clock) {
        *self = Self {
            id: self.id,
            ticks: clock.ticks().to_vec(),
            ..Self::new(clock.ticks().len())
        };
    }
    /// These states, each once: scratch memory that nothing keeps between calls.
    pub(crate) fn without_duplicates(&mut self, states: &[StateIdx]) -> &[StateIdx] {
        self.left.clear();
        self.left.extend(states);
        self.left.as_slice()
    }
    /// Takes over a mutation that waited.
    pub(crate) fn load(&mut self, mutation: Queued) {
        self.load_new(mutation.kind, &mutation.called, mutation.queue_tick);
        self.is_auto = mutation.is_auto;
        self.is_check = mutation.is_check;
        self.extra = mutation.extra;
    }
    /// Takes over one that need not wait.
    #[inline]
    pub(crate) fn load_new(
        &mut self,
        kind: MutationKind,
        called: &[StateIdx],
        queue_tick: Option<QueueTick>,
    ) {
        self.id.0 += 1;
        self.kind = kind;
        self.is_auto = false;
        self.is_check = false;
        self.broken = false;
        self.committed = false;
        self.queue_tick = queue_tick;
        self.called.clear();
        self.called.extend(called);
    }
    /// The caller's values that came with a mutation that need not wait.
    pub(crate) fn set_extra(&mut self, extra: Option<Box<Extra>>) {
        self.extra = extra;
    }
    /// Resolves what was loaded, and says by `canceled` whether relations accept it.
    pub(crate) fn begin<S: StepSink>(
        &mut self,
        (schema, clock): (&Schema, &Clock),
        resolver: &mut Resolver,
        steps: &mut S,
    ) {
        self.kept.clear();
        let active = clock.active();
        if S::LISTENS {
            self.tell_call(active, steps);
        }
        let request = Request {
            kind: self.kind,
            called: &self.called,
            active,
        };
        resolver.resolve(schema, request, &mut self.list, steps);
        self.canceled = !self.is_accepted();
        self.list_moves(schema, active);
        if !self.is_check {
            self.simulate(clock);
        }
        if self.canceled {
            self.is_refused = true;
            if S::LISTENS {
                self.rejected()
                    .for_each(|state| steps.step(Step::Cancel(state)));
            }
        } else {
            resolver.sort(schema, &mut self.exits, steps);
        }
    }

    /// Do relations let this mutation pass? A removal always; an auto one with any called state left; others with all.
    fn is_accepted(&self) -> bool {
        if self.kind == MutationKind::Remove {
            return true;
        }
        if self.is_auto {
            return self.rejected().count() < self.called.len();
        }
        self.list.bits().is_superset(self.called.bits())
    }
    fn rejected(&self) -> impl Iterator<Item = StateIdx> {
        let called = self.called.as_slice().iter().copied();
        called.filter(|&state| !self.list.contains(state))
    }
    fn tell_call<S: StepSink>(&self, active: &StateList, steps: &mut S) {
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
        let begins = called.iter().filter(|&&state| !active.contains(state));
        begins.for_each(|&state| steps.step(Step::Set(state)));
        if self.kind == MutationKind::Set {
            let before = active.as_slice().iter();
            let ends = before.filter(|&&state| !self.called.contains(state));
            ends.for_each(|&state| steps.step(Step::Remove(state)));
        }
    }

    /// Derives exits and enters from the target list.
    #[inline]
    fn list_moves(&mut self, schema: &Schema, active: &StateList) {
        self.exits.clear();
        self.enters.clear();
        self.is_refused = false;
        let multi = &schema.masks().multi;
        if active.bits().is_one_word() {
            let (before, after) = (active.bits().first_word(), self.list.bits().first_word());
            let again = multi.first_word() & self.called.bits().first_word();
            active.append_common(before & !after, &mut self.exits);
            self.list
                .append_common(after & (!before | again), &mut self.enters);
            return;
        }
        let ends = |state: &&StateIdx| !self.list.contains(**state);
        self.exits.extend(active.as_slice().iter().filter(ends));
        let reenters = |state| multi.contains(state) && self.called.contains(state);
        let begins = |state: &&StateIdx| !active.contains(**state) || reenters(**state);
        self.enters
            .extend(self.list.as_slice().iter().filter(begins));
    }
    /// Writes what the clock would be.
    #[inline]
    fn simulate(&mut self, clock: &Clock) {
        self.gained = 0;
        for &state in &self.exits {
            self.ticks[state.at()] = self.ticks[state.at()].wrapping_add(1);
            self.gained += 1;
        }
        for &state in &self.enters {
            let gained = if clock.active().contains(state) { 2 } else { 1 };
            self.ticks[state.at()] = self.ticks[state.at()].wrapping_add(gained);
            self.gained += gained;
        }
    }
    fn unsimulate(&mut self, clock: &Clock) {
        for &state in self.exits.iter().chain(&self.enters) {
            self.ticks[state.at()] = clock.ticks()[state.at()];
        }
    }

    /// A handler of this state said no in an auto transition: only this state drops out.
    pub(crate) fn reject_auto(&mut self, handler: Handler) {
        match handler {
            Handler::Exit(state) => {
                self.kept.push(state);
                self.list.push(state);
            }
            Handler::Enter(state) | Handler::Stay(state) | Handler::Pair(_, state) => {
                self.list.remove(state);
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
        (schema, clock): (&Schema, &Clock),
        resolver: &mut Resolver,
        steps: &mut S,
    ) {
        self.left.clear();
        for &state in self.called.as_slice() {
            let removes_kept = || schema.remove(state).iter().any(|to| self.kept.contains(to));
            if self.list.contains(state) && !removes_kept() {
                self.left.push(state);
                steps.step(Step::Set(state));
            }
        }
        let request = Request {
            kind: MutationKind::Add,
            called: &self.left,
            active: clock.active(),
        };
        resolver.resolve(schema, request, &mut self.list, steps);
        self.unsimulate(clock);
        if self.kept.iter().any(|&state| !self.list.contains(state)) {
            self.canceled = true;
        }
        self.list_moves(schema, clock.active());
        resolver.sort(schema, &mut self.exits, steps);
        self.simulate(clock);
    }

    /// Gives up: the clock stays as it was.
    pub(crate) fn cancel(&mut self, clock: &Clock) {
        self.canceled = true;
        self.unsimulate(clock);
    }
    /// Makes the target list the active one.
    #[inline]
    pub(crate) fn commit(&mut self, clock: &mut Clock) {
        self.committed = true;
        clock.swap_active(&mut self.list);
        clock.swap_ticks(&mut self.ticks, self.gained);
    }
    /// A final handler failed: its state and those whose final handlers had not run yet end again. Ends stay ended.
    pub(crate) fn repair(&mut self, failed: Handler, clock: &mut Clock) {
        self.canceled = true;
        if !self.broken {
            self.broken = true;
            let committed = (clock.active().clone(), clock.ticks().to_vec());
            self.resolved = Some(Box::new(committed));
        }
        let Handler::State(failed) = failed else {
            return;
        };
        for state in self
            .enters
            .iter()
            .copied()
            .skip_while(|&state| state != failed)
        {
            clock.end(state);
        }
    }
    /// What the mutation that asked for this transition is told.
    #[inline]
    pub(crate) fn outcome(&self, clock: &Clock) -> Outcome {
        let done = match self.kind {
            _ if self.canceled => false,
            _ if self.is_check => true,
            MutationKind::Remove => !clock.active().bits().intersects(self.called.bits()),
            MutationKind::Add | MutationKind::Set | MutationKind::Toggle => true,
        };
        if done {
            Outcome::Executed
        } else {
            Outcome::Canceled
        }
    }
    /// Lets go of the caller's values and of the difference between the clocks.
    #[inline]
    pub(crate) fn end(&mut self, clock: &Clock) {
        self.unsimulate(clock);
        self.extra = None;
        self.resolved = None;
    }

    fn exits(&self) -> &[StateIdx] {
        if self.is_refused { &[] } else { &self.exits }
    }
    fn enters(&self) -> &[StateIdx] {
        if self.is_refused { &[] } else { &self.enters }
    }
    /// States that tick in this transition, once it is committed.
    pub(crate) fn moved(&self) -> impl Iterator<Item = StateIdx> {
        self.exits.iter().chain(&self.enters).copied()
    }
    pub(crate) fn has_moved(&self) -> bool {
        !self.exits.is_empty() || !self.enters.is_empty()
    }
    pub(crate) fn has_target(&self) -> bool {
        !self.list.is_empty()
    }
    /// Called by nobody but a health probe, for which Auto states do not wake up.
    pub(crate) fn is_health_only(&self, schema: &Schema) -> bool {
        let called = self.called.as_slice();
        self.kind == MutationKind::Add && called.len() == 1 && schema.is_health(called[0])
    }
    /// A handler phase starts: it will walk the target list as it is now.
    pub(crate) fn start_walk(&mut self) {
        self.walked.clear();
        self.walked.extend_from_slice(self.list.as_slice());
    }
    #[inline]
    pub(crate) fn walk<'a>(&'a self, clock: &'a Clock) -> Walk<'a> {
        // Only negotiation looks at these, and then nothing is committed yet.
        let before = clock.active();
        Walk {
            kind: self.kind,
            exits: self.exits(),
            enters: self.enters(),
            before: before.as_slice(),
            before_bits: before.bits(),
            target: &self.walked,
        }
    }
    /// Inlined, so that it costs nothing where nobody listens.
    #[inline]
    pub(crate) fn view<'a>(&'a self, clock: &'a Clock) -> TransitionView<'a> {
        let own = (&self.list, &self.ticks[..]);
        let machine = (clock.active(), clock.ticks());
        let (before, after) = if self.committed {
            (own, machine)
        } else {
            (machine, own)
        };
        let resolved = self.resolved.as_ref();
        let after = resolved.map_or(after, |it| (&it.0, &it.1[..]));
        let extra = self.extra.as_ref();
        TransitionView {
            tx: self.id,
            kind: self.kind,
            called: self.called.as_slice(),
            is_auto: self.is_auto,
            is_check: self.is_check,
            accepted: !self.canceled,
            before: before.0.as_slice(),
            target: after.0.as_slice(),
            enters: self.enters(),
            exits: self.exits(),
            clock_before: before.1,
            clock_after: after.1,
            queue_tick: self.queue_tick,
            args: extra.and_then(|extra| extra.args.as_ref()),
            source: extra.and_then(|extra| extra.source.as_ref()),
            error: extra.and_then(|extra| extra.error.as_ref()),
        }
    }
}
