//! Bounded queue of mutations: appended at the back and counted by queue ticks, or prepended in front.
//!
//! Taking an appended mutation advances the queue tick; a prepended one has none.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::collections::{OrderedMap, OrderedSet};
use crate::engine::mutation::{Args, MutationKind, Source};
use crate::engine::state_set::StateBits;
use crate::engine::subscriptions::WaitId;
use crate::engine::tracer::{QueuedView, Tracer};
use crate::ids::{QueueTick, StateIdx};

/// Called states: few, mostly.
pub(crate) type Called = SmallVec<[StateIdx; 8]>;

/// What only some mutations carry.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) args: Option<Args>,
    pub(crate) source: Option<Source>,
    pub(crate) error: Option<Arc<str>>,
    /// It is no mutation but somebody's turn.
    pub(crate) turn: Option<WaitId>,
}

/// A mutation that waits.
pub(crate) struct Queued {
    pub(crate) kind: MutationKind,
    pub(crate) is_auto: bool,
    pub(crate) is_check: bool,
    /// `None`: prepended.
    pub(crate) queue_tick: Option<QueueTick>,
    pub(crate) extra: Option<Box<Extra>>,
    /// Without duplicates.
    pub(crate) called: Called,
}

impl Queued {
    #[inline]
    pub(crate) fn new(kind: MutationKind, called: Called) -> Self {
        Self {
            kind,
            is_auto: false,
            is_check: false,
            queue_tick: None,
            extra: None,
            called,
        }
    }
    /// Somebody's turn.
    pub(crate) fn of_turn(wait: WaitId) -> Self {
        let mut queued = Self::new(MutationKind::Add, Called::new());
        queued.extra = Some(Box::new(Extra {
            turn: Some(wait),
            ..Extra::default()
        }));
        queued
    }
    pub(crate) fn turn(&self) -> Option<WaitId> {
        self.extra.as_ref()?.turn
    }
    pub(crate) fn has_args(&self) -> bool {
        let extra = self.extra.as_ref();
        extra.is_some_and(|extra| extra.args.is_some() || extra.error.is_some())
    }
}

/// Boxes it unless it is empty.
#[inline]
pub(crate) fn extra(args: Option<Args>, source: Option<Source>) -> Option<Box<Extra>> {
    let is_empty = args.is_none() && source.is_none();
    (!is_empty).then(|| {
        Box::new(Extra {
            args,
            source,
            ..Extra::default()
        })
    })
}

/// The queue of one machine.
pub(crate) struct Queue {
    waiting: VecDeque<Queued>,
    /// Appended ones among them.
    pending: u64,
    tick: u64,
    waits: Option<Box<Waits>>,
}

/// Who waits for the queue; there when anybody has.
#[derive(Default)]
struct Waits {
    /// For a queue tick.
    by_tick: OrderedSet<(QueueTick, WaitId)>,
    /// The same by their numbers.
    ticks: OrderedMap<WaitId, QueueTick>,
    /// For the end of the drain.
    of_end: OrderedSet<WaitId>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            // Room for the usual one; more comes when needed.
            waiting: VecDeque::with_capacity(1),
            pending: 0,
            tick: 1,
            waits: None,
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    pub(crate) fn tick(&self) -> QueueTick {
        QueueTick(self.tick)
    }
    pub(crate) fn append(&mut self, mut mutation: Queued) -> QueueTick {
        self.pending += 1;
        let tick = QueueTick(self.tick.wrapping_add(self.pending));
        mutation.queue_tick = Some(tick);
        self.waiting.push_back(mutation);
        tick
    }
    /// Counts one that need not wait, in an empty queue.
    #[inline]
    pub(crate) fn pass(&mut self) -> QueueTick {
        self.tick = self.tick.wrapping_add(1);
        self.tick()
    }
    pub(crate) fn prepend(&mut self, mutation: Queued) {
        self.waiting.push_front(mutation);
    }
    /// Tells about the one that waits in front.
    pub(crate) fn tell_front<T: Tracer>(&self, tracer: &mut T) {
        if let Some(queued) = self.waiting.front() {
            self.tell(queued, &queued.called, tracer);
        }
    }
    /// The same, by the called states as its author gave them.
    pub(crate) fn tell_front_as<T: Tracer>(&self, called: &[StateIdx], tracer: &mut T) {
        if let Some(queued) = self.waiting.front() {
            self.tell(queued, called, tracer);
        }
    }
    /// Tells about the one that waits at the back.
    pub(crate) fn tell_back<T: Tracer>(&self, tracer: &mut T) {
        if let Some(queued) = self.waiting.back() {
            self.tell(queued, &queued.called, tracer);
        }
    }
    fn tell<T: Tracer>(&self, queued: &Queued, called: &[StateIdx], tracer: &mut T) {
        tracer.mutation_queued(QueuedView {
            kind: queued.kind,
            called,
            is_auto: queued.is_auto,
            is_check: queued.is_check,
            queue_tick: queued.queue_tick,
            now: self.tick(),
            queue_len: self.len(),
        });
    }
    /// The next one; its queue tick is now the current one.
    pub(crate) fn take(&mut self) -> Option<Queued> {
        let next = self.waiting.pop_front()?;
        if let Some(tick) = next.queue_tick {
            self.pending -= 1;
            self.tick = tick.0;
        }
        Some(next)
    }
    /// Empties it, and hands out the arguments. The queue ticks of what was dropped are passed over, never given twice.
    pub(crate) fn clear(&mut self) -> Vec<Args> {
        self.tick = self.tick.wrapping_add(self.pending);
        self.pending = 0;
        let extras = self.waiting.drain(..).filter_map(|queued| queued.extra);
        extras.filter_map(|extra| extra.args).collect()
    }
    /// All that wait, the next first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Queued> {
        self.waiting.iter()
    }
    pub(crate) fn wait_for_tick(&mut self, tick: QueueTick, wait: WaitId) {
        let waits = self.waits.get_or_insert_default();
        waits.by_tick.insert((tick, wait));
        waits.ticks.insert(wait, tick);
    }
    pub(crate) fn wait_for_end(&mut self, wait: WaitId) {
        self.waits.get_or_insert_default().of_end.insert(wait);
    }
    pub(crate) fn forget(&mut self, wait: WaitId) {
        let Some(waits) = &mut self.waits else {
            return;
        };
        if let Some(tick) = waits.ticks.remove(&wait) {
            waits.ticks.trim();
            waits.by_tick.remove(&(tick, wait));
            waits.by_tick.trim();
        } else {
            waits.of_end.remove(&wait);
            waits.of_end.trim();
        }
    }
    /// Moves waits for reached queue ticks to `fired`.
    #[inline]
    pub(crate) fn fire_ticks(&mut self, fired: &mut Vec<WaitId>) {
        if let Some(waits) = &mut self.waits {
            waits.fire_ticks(self.tick, fired);
        }
    }
    /// Moves waits for the end of the drain to `fired`; false when there were none.
    #[inline]
    pub(crate) fn fire_end(&mut self, fired: &mut Vec<WaitId>) -> bool {
        let Some(waits) = &mut self.waits else {
            return false;
        };
        let before = fired.len();
        fired.extend(std::mem::take(&mut waits.of_end));
        fired.len() > before
    }
}

impl Waits {
    fn fire_ticks(&mut self, now: u64, fired: &mut Vec<WaitId>) {
        if self.by_tick.is_empty() {
            return;
        }
        while let Some(&(tick, wait)) = self.by_tick.first()
            && tick.0 <= now
        {
            self.by_tick.pop_first();
            self.ticks.remove(&wait);
            fired.push(wait);
        }
        self.ticks.trim();
        self.by_tick.trim();
    }
}

/// True when no called state is Multi, so that an equal mutation would do the same.
#[inline]
pub(crate) fn is_idempotent(called: &[StateIdx], multi: &StateBits) -> bool {
    !called.iter().any(|&state| multi.contains(state))
}
