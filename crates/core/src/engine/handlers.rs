//! Typed handler kinds, the table of what each bound set has, and the cursor that walks one transition's handler calls.
//!
//! Negotiation handlers may veto, final ones may not. Order: exits, enters, stays, pairs, `AnyEnter` | ends, states,
//! `AnyState`; each event goes to every set in binding order before the next event. The functions themselves live with
//! the driver.

use crate::engine::MutationKind;
use crate::engine::state_set::StateBits;
use crate::engine::tracer::Tracer;
use crate::ids::StateIdx;

/// Number of a bound handler set, in binding order from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u32);

/// One kind of handler call.
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

impl Handler {
    /// True for the kinds that may veto.
    #[must_use]
    pub fn is_negotiation(self) -> bool {
        match self {
            Self::Exit(_) | Self::Enter(_) | Self::Stay(_) | Self::Pair(..) | Self::AnyEnter => {
                true
            }
            Self::End(_) | Self::State(_) | Self::AnyState => false,
        }
    }
}

impl Handler {
    /// The phase it belongs to.
    fn phase(self) -> Phase {
        match self {
            Self::Exit(_) => Phase::Exit,
            Self::Enter(_) => Phase::Enter,
            Self::Stay(_) => Phase::Stay,
            Self::Pair(..) => Phase::Pair,
            Self::AnyEnter => Phase::AnyEnter,
            Self::End(_) => Phase::End,
            Self::State(_) => Phase::State,
            Self::AnyState => Phase::AnyState,
        }
    }
    /// The same handler of the states at their new places.
    fn moved(self, places: &[StateIdx]) -> Self {
        let place = |state: StateIdx| places[state.at()];
        match self {
            Self::Exit(state) => Self::Exit(place(state)),
            Self::Enter(state) => Self::Enter(place(state)),
            Self::Stay(state) => Self::Stay(place(state)),
            Self::Pair(from, to) => Self::Pair(place(from), place(to)),
            Self::AnyEnter => Self::AnyEnter,
            Self::End(state) => Self::End(place(state)),
            Self::State(state) => Self::State(place(state)),
            Self::AnyState => Self::AnyState,
        }
    }
}

/// What one set, or all together, have.
#[derive(Debug, Default)]
struct HandlerSet {
    exit: StateBits,
    enter: StateBits,
    stay: StateBits,
    end: StateBits,
    state: StateBits,
    /// By the state before; empty as long as no pair is bound.
    pairs: Vec<Option<StateBits>>,
    any_enter: bool,
    any_state: bool,
}

impl HandlerSet {
    fn new(states: usize) -> Self {
        let bits = || StateBits::new(states);
        Self {
            exit: bits(),
            enter: bits(),
            stay: bits(),
            end: bits(),
            state: bits(),
            ..Self::default()
        }
    }
    fn insert(&mut self, handler: Handler, states: usize) {
        match handler {
            Handler::Exit(state) => self.exit.insert(state),
            Handler::Enter(state) => self.enter.insert(state),
            Handler::Stay(state) => self.stay.insert(state),
            Handler::Pair(from, to) => {
                self.pairs.resize_with(states, || None);
                if let Some(row) = self.pairs.get_mut(from.at()) {
                    row.get_or_insert_with(|| StateBits::new(states)).insert(to);
                }
            }
            Handler::AnyEnter => self.any_enter = true,
            Handler::End(state) => self.end.insert(state),
            Handler::State(state) => self.state.insert(state),
            Handler::AnyState => self.any_state = true,
        }
    }
    #[inline]
    fn has(&self, handler: Handler) -> bool {
        match handler {
            Handler::Exit(state) => self.exit.contains(state),
            Handler::Enter(state) => self.enter.contains(state),
            Handler::Stay(state) => self.stay.contains(state),
            Handler::Pair(from, to) => self.row(from).is_some_and(|row| row.contains(to)),
            Handler::AnyEnter => self.any_enter,
            Handler::End(state) => self.end.contains(state),
            Handler::State(state) => self.state.contains(state),
            Handler::AnyState => self.any_state,
        }
    }
}

impl HandlerSet {
    /// The pairs of a state before.
    fn row(&self, from: StateIdx) -> Option<&StateBits> {
        self.pairs.get(from.at())?.as_ref()
    }
    /// All it has, of that many states.
    fn handlers(&self, states: usize) -> Vec<Handler> {
        let all = || (0..=u16::MAX).map(StateIdx).take(states);
        let mut handlers = Vec::new();
        for state in all() {
            let own = [
                Handler::Exit(state),
                Handler::Enter(state),
                Handler::Stay(state),
                Handler::End(state),
                Handler::State(state),
            ];
            handlers.extend(own.into_iter().filter(|&handler| self.has(handler)));
            if self.row(state).is_some() {
                let pairs = all().map(|to| Handler::Pair(state, to));
                handlers.extend(pairs.filter(|&handler| self.has(handler)));
            }
        }
        let any = [Handler::AnyEnter, Handler::AnyState].into_iter();
        handlers.extend(any.filter(|&handler| self.has(handler)));
        handlers
    }
}

/// Which handlers are bound.
#[derive(Debug)]
pub(crate) struct Bindings {
    states: usize,
    sets: Vec<HandlerSet>,
    /// What all together have; a machine without handlers goes without.
    union: Option<Box<HandlerSet>>,
    /// Phases in which anything can be due, as bits.
    phases: u8,
    /// States whose beginning somebody wants to see the arguments of, and how many.
    args_watches: Vec<(StateIdx, u32)>,
}

/// What is due at a place of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A handler call.
    Call(BindingId, Handler),
    /// A look at the arguments: all handlers of this state's beginning have run.
    Args(StateIdx),
}

impl Bindings {
    pub(crate) fn new(states: usize) -> Self {
        Self {
            states,
            sets: Vec::new(),
            union: None,
            phases: 0,
            args_watches: Vec::new(),
        }
    }
    /// From now on the beginning of this state is an event even without a handler.
    pub(crate) fn watch_args(&mut self, state: StateIdx) {
        let watch = self.args_watches.iter_mut().find(|(at, _)| *at == state);
        match watch {
            Some((_, watchers)) => *watchers += 1,
            None => self.args_watches.push((state, 1)),
        }
        self.union().state.insert(state);
        self.phases |= Phase::State.bit();
    }
    /// Can anything be due in this phase?
    #[inline]
    pub(crate) fn has_phase(&self, phase: Phase) -> bool {
        self.phases & phase.bit() != 0
    }
    /// The next phase of negotiation, or of the end, in which anything can be due.
    #[inline]
    pub(crate) fn phase_after(&self, phase: Phase) -> Option<Phase> {
        let at = phase as usize;
        let end = if phase.is_negotiation() {
            FINALS
        } else {
            PHASES.len()
        };
        let later = &PHASES[at + 1..end];
        let phases = u32::from(self.phases) >> (at + 1);
        later.get(phases.trailing_zeros() as usize).copied()
    }
    /// Takes one watch back.
    pub(crate) fn unwatch_args(&mut self, state: StateIdx) {
        let Some(at) = self.args_watches.iter().position(|(at, _)| *at == state) else {
            return;
        };
        self.args_watches[at].1 -= 1;
        if self.args_watches[at].1 == 0 {
            self.args_watches.swap_remove(at);
            if self.find(Handler::State(state), 0).is_none() {
                self.union().state.remove(state);
            }
        }
    }
    pub(crate) fn is_args_watched(&self, state: StateIdx) -> bool {
        self.args_watches.iter().any(|&(at, _)| at == state)
    }
    /// True when no handler phase can lead to anything.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.args_watches.is_empty()
    }
    /// Adds a set. Handlers of states outside the schema are never called.
    pub(crate) fn bind(&mut self, handlers: &[Handler]) -> BindingId {
        let id = BindingId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        let set = self.set(handlers);
        self.sets.push(set);
        id
    }
    fn set(&mut self, handlers: &[Handler]) -> HandlerSet {
        let states = self.states;
        let mut set = HandlerSet::new(states);
        for &handler in handlers {
            set.insert(handler, states);
            self.union().insert(handler, states);
            self.phases |= handler.phase().bit();
        }
        set
    }
    fn union(&mut self) -> &mut HandlerSet {
        let states = self.states;
        self.union
            .get_or_insert_with(|| Box::new(HandlerSet::new(states)))
    }
    /// Gives a set other handlers, in its place among the others. What is due is found in the sets: that the union keeps
    /// what the old one had costs a look, no more.
    pub(crate) fn rebind(&mut self, binding: BindingId, handlers: &[Handler]) {
        let new = self.set(handlers);
        if let Some(set) = self.sets.get_mut(binding.0 as usize) {
            *set = new;
        }
    }
    /// The same over `states` states, each old one at its new place.
    pub(crate) fn moved(&self, states: usize, places: &[StateIdx]) -> Self {
        let mut bindings = Self::new(states);
        for set in &self.sets {
            let handlers = set.handlers(self.states).into_iter();
            let handlers: Vec<_> = handlers.map(|handler| handler.moved(places)).collect();
            bindings.bind(&handlers);
        }
        for &(state, watchers) in &self.args_watches {
            if let Some(&place) = places.get(state.at()) {
                (0..watchers).for_each(|_| bindings.watch_args(place));
            }
        }
        bindings
    }
    /// True before the first set.
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
    /// First set at or behind `from` that has this handler.
    fn find(&self, handler: Handler, from: usize) -> Option<usize> {
        let sets = self.sets.get(from..)?;
        sets.iter()
            .position(|set| set.has(handler))
            .map(|at| from + at)
    }
}

/// What the cursor walks: the lists of the running transition.
#[derive(Clone, Copy)]
pub(crate) struct Walk<'a> {
    pub(crate) kind: MutationKind,
    pub(crate) exits: &'a [StateIdx],
    pub(crate) enters: &'a [StateIdx],
    pub(crate) before: &'a [StateIdx],
    pub(crate) before_bits: &'a StateBits,
    /// Target list as of the start of the phase.
    pub(crate) target: &'a [StateIdx],
}

/// A group of handler calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Exit,
    Enter,
    Stay,
    Pair,
    AnyEnter,
    End,
    State,
    AnyState,
}

/// In the order they come.
const PHASES: [Phase; 8] = [
    Phase::Exit,
    Phase::Enter,
    Phase::Stay,
    Phase::Pair,
    Phase::AnyEnter,
    Phase::End,
    Phase::State,
    Phase::AnyState,
];
/// Where the final ones begin.
const FINALS: usize = Phase::End as usize;

impl Phase {
    #[inline]
    fn bit(self) -> u8 {
        1 << self as u8
    }
    #[inline]
    fn is_negotiation(self) -> bool {
        (self as usize) < FINALS
    }
    /// The next one of negotiation, or of the end.
    pub(crate) fn next(self) -> Option<Self> {
        let next = PHASES.get(self as usize + 1).copied();
        next.filter(|next| next.is_negotiation() == self.is_negotiation())
    }
}

/// The place of the next handler call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) phase: Phase,
    outer: usize,
    inner: usize,
    binding: usize,
    /// Nobody was called for the event before.
    pub(crate) is_first: bool,
}

impl Cursor {
    pub(crate) fn new(phase: Phase) -> Self {
        Self {
            phase,
            outer: 0,
            inner: 0,
            binding: 0,
            is_first: true,
        }
    }
    /// What is due at or behind this place within the phase. The cursor stays on a call, and passes a look.
    #[inline]
    pub(crate) fn due(&mut self, bindings: &Bindings, walk: Walk<'_>) -> Option<Due> {
        let union = bindings.union.as_ref()?;
        match self.phase {
            Phase::Exit => self.due_of(walk.exits, (Handler::Exit, &union.exit), bindings),
            Phase::Enter => self.due_of(walk.enters, (Handler::Enter, &union.enter), bindings),
            Phase::End => self.due_of(walk.exits, (Handler::End, &union.end), bindings),
            Phase::State => self.due_of(walk.enters, (Handler::State, &union.state), bindings),
            Phase::Stay | Phase::Pair | Phase::AnyEnter | Phase::AnyState => {
                self.due_else(union, bindings, walk)
            }
        }
    }
    /// [`Cursor::due`] in a phase that asks each of these states.
    #[inline]
    fn due_of(
        &mut self,
        states: &[StateIdx],
        (handler, bound): (fn(StateIdx) -> Handler, &StateBits),
        bindings: &Bindings,
    ) -> Option<Due> {
        while let Some(&state) = states.get(self.outer) {
            if bound.contains(state)
                && let Some(due) = self.due_at(handler(state), bindings)
            {
                return Some(due);
            }
            self.step();
        }
        None
    }
    fn due_else(&mut self, bound: &HandlerSet, bindings: &Bindings, walk: Walk<'_>) -> Option<Due> {
        while let Some(handler) = self.event(bound, walk) {
            if let Some(due) = self.due_at(handler, bindings) {
                return Some(due);
            }
            self.skip_event();
        }
        None
    }
    /// What is due for an event that somebody had a handler for.
    #[inline]
    fn due_at(&mut self, handler: Handler, bindings: &Bindings) -> Option<Due> {
        if let Some(at) = bindings.find(handler, self.binding) {
            self.is_first = self.binding == 0;
            self.binding = at;
            let binding = BindingId(u32::try_from(at).unwrap_or(u32::MAX));
            return Some(Due::Call(binding, handler));
        }
        if let Handler::State(state) = handler
            && bindings.is_args_watched(state)
        {
            self.skip_event();
            return Some(Due::Args(state));
        }
        None
    }
    /// [`Cursor::due`], telling every event on the way to every set, also those that nobody has a handler for.
    pub(crate) fn due_told<T: Tracer>(
        &mut self,
        bindings: &Bindings,
        walk: Walk<'_>,
        tracer: &mut T,
    ) -> Option<Due> {
        while let Some(handler) = self.any_event(walk) {
            while self.binding < bindings.sets.len() {
                let binding = BindingId(u32::try_from(self.binding).unwrap_or(u32::MAX));
                tracer.event(binding, handler);
                if bindings.sets[self.binding].has(handler) {
                    self.is_first = bindings.find(handler, 0) == Some(self.binding);
                    return Some(Due::Call(binding, handler));
                }
                self.binding += 1;
            }
            self.skip_event();
            if let Handler::State(state) = handler
                && bindings.is_args_watched(state)
            {
                return Some(Due::Args(state));
            }
        }
        None
    }
    /// The event at or behind this place, bound or not.
    fn any_event(&mut self, walk: Walk<'_>) -> Option<Handler> {
        let at = self.outer;
        let once = |handler| (at == 0).then_some(handler);
        match self.phase {
            Phase::Exit => walk.exits.get(at).copied().map(Handler::Exit),
            Phase::Enter => walk.enters.get(at).copied().map(Handler::Enter),
            Phase::Stay if walk.kind == MutationKind::Remove => None,
            Phase::Stay => {
                while let Some(&state) = walk.target.get(self.outer) {
                    if walk.before_bits.contains(state) {
                        return Some(Handler::Stay(state));
                    }
                    self.step();
                }
                None
            }
            Phase::Pair => {
                while let Some(&from) = walk.before.get(self.outer) {
                    while let Some(&to) = walk.target.get(self.inner) {
                        if from != to {
                            return Some(Handler::Pair(from, to));
                        }
                        self.inner += 1;
                        self.binding = 0;
                    }
                    self.step();
                }
                None
            }
            Phase::AnyEnter => once(Handler::AnyEnter),
            Phase::End => walk.exits.get(at).copied().map(Handler::End),
            Phase::State => walk.enters.get(at).copied().map(Handler::State),
            Phase::AnyState => once(Handler::AnyState),
        }
    }
    /// The same event goes to the next set, if there is one.
    #[inline]
    pub(crate) fn next_set(&mut self, bindings: &Bindings) {
        self.binding += 1;
        if self.binding >= bindings.sets.len() && bindings.args_watches.is_empty() {
            self.skip_event();
        }
    }
    /// No other set hears of this event.
    pub(crate) fn skip_event(&mut self) {
        self.binding = 0;
        match self.phase {
            Phase::Pair => self.inner += 1,
            Phase::Exit
            | Phase::Enter
            | Phase::Stay
            | Phase::AnyEnter
            | Phase::End
            | Phase::State
            | Phase::AnyState => self.outer += 1,
        }
    }

    /// The event at or behind this place that anybody has a handler for, in a phase that asks no list of states.
    fn event(&mut self, bound: &HandlerSet, walk: Walk<'_>) -> Option<Handler> {
        let once = |bound, handler| (bound && self.outer == 0).then_some(handler);
        match self.phase {
            Phase::Stay => self.stay(bound, walk).map(Handler::Stay),
            Phase::Pair => self.pair(bound, walk),
            Phase::AnyEnter => once(bound.any_enter, Handler::AnyEnter),
            Phase::AnyState => once(bound.any_state, Handler::AnyState),
            Phase::Exit | Phase::Enter | Phase::End | Phase::State => None,
        }
    }
    fn listed(&mut self, states: &[StateIdx], bound: &StateBits) -> Option<StateIdx> {
        while let Some(&state) = states.get(self.outer) {
            if bound.contains(state) {
                return Some(state);
            }
            self.step();
        }
        None
    }
    fn stay(&mut self, bound: &HandlerSet, walk: Walk<'_>) -> Option<StateIdx> {
        if walk.kind == MutationKind::Remove {
            return None;
        }
        while let Some(state) = self.listed(walk.target, &bound.stay) {
            if walk.before_bits.contains(state) {
                return Some(state);
            }
            self.step();
        }
        None
    }
    fn pair(&mut self, bound: &HandlerSet, walk: Walk<'_>) -> Option<Handler> {
        if bound.pairs.is_empty() {
            return None;
        }
        while let Some(&from) = walk.before.get(self.outer) {
            if let Some(row) = bound.row(from) {
                while let Some(&to) = walk.target.get(self.inner) {
                    if from != to && row.contains(to) {
                        return Some(Handler::Pair(from, to));
                    }
                    self.inner += 1;
                    self.binding = 0;
                }
            }
            self.step();
        }
        None
    }
    fn step(&mut self) {
        self.outer += 1;
        self.inner = 0;
        self.binding = 0;
    }
}
