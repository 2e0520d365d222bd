//! One side of a comparison: one run of a machine, up to a moment, read as items that can be compared.

use std::sync::Arc;

use statemesh::core::engine::MutationKind;

use super::names::{Names, Symbols};
use crate::history::{Entry, Head, Look, Missed, Place, Position, Track};
use crate::model::{Interval, SchemaFacts, Seen};

/// What is known of a side, the least of all its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Clocks from time to time.
    Snapshots,
    /// What changed, one transition after the other.
    Changes,
    /// What was called, too.
    Trace,
}

/// A transition, or what lies between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub position: Position,
    /// When.
    pub at: Interval,
    /// Its owner's number.
    pub number: Option<u64>,
    /// Sum of ticks behind it.
    pub time: u64,
    /// In microseconds.
    pub duration: Option<u64>,
    /// Symbol of mutation, called states and result; [`NOTHING`] if it is not known.
    pub what: u32,
    /// Symbol of the states it turned on and off.
    pub turned: u32,
    /// Symbol of the states that are on behind it.
    pub active: u32,
}

/// One side, read.
#[derive(Clone, Debug)]
pub struct Side {
    /// In order.
    pub items: Vec<Item>,
    /// What is known of all of them.
    pub level: Level,
    /// Where it begins, and where it was cut off.
    pub span: (Seen, Seen),
    /// Sum of ticks where it begins.
    pub base: u64,
    /// By number of the state: ticks where it begins and ends.
    pub ticks: Vec<(u64, u64)>,
    /// By number of the state: milliseconds it was on.
    pub on: Vec<u64>,
    /// By number of the state: it is one of this side's.
    pub has: Vec<bool>,
    /// Items that the other side could not know of, and so were left out.
    pub left_out: usize,
    /// Numbers that never came.
    pub missed: u64,
    /// Older ones were left out, because there are too many, or were dropped before.
    pub is_cut: bool,
}

/// A side while it is read.
#[derive(Clone, Debug)]
pub struct Reading {
    side: Side,
    next: Place,
    until: Place,
    from: Option<Seen>,
    end: Seen,
    schema: Option<Arc<SchemaFacts>>,
    /// Numbers of the schema's states.
    numbers: Vec<u32>,
    /// By number of the state.
    clock: Vec<u64>,
    since: Vec<Option<Seen>>,
    total: u64,
    begun: bool,
}

impl Reading {
    /// Of the run that a position is in, up to there, or what came of it since an instant. `None`: nothing is held.
    #[must_use]
    pub fn new(track: &Track, until: Position, from: Option<Seen>) -> Option<Self> {
        let last = track.at(until)?;
        // With the record before it, whose clock it begins with.
        let before = from.and_then(|from| Some(Position::end_of(Seen(from.0.checked_sub(1)?))));
        let wanted = before
            .and_then(|before| track.at(before))
            .unwrap_or(Place(0));
        let most = Place((last.0 + 1).saturating_sub(MOST_ITEMS));
        let next = track.full_from().max(most).max(wanted);
        let end = until.at.max(track.position(last)?.at);
        let missed = track.gaps().filter(|gap| gap.missed != Missed::CameLate);
        let missed = missed.filter(|gap| gap.to <= until).map(|gap| gap.count());
        Some(Self {
            side: Side {
                items: Vec::new(),
                level: Level::Trace,
                span: (end, end),
                base: 0,
                ticks: Vec::new(),
                on: Vec::new(),
                has: Vec::new(),
                left_out: 0,
                missed: missed.sum(),
                is_cut: next > wanted,
            },
            next,
            until: Place(last.0 + 1),
            from,
            end,
            schema: None,
            numbers: Vec::new(),
            clock: Vec::new(),
            since: Vec::new(),
            total: 0,
            begun: false,
        })
    }

    /// Reads on until it is done, which is true, or `is_due`.
    pub fn go_on(
        &mut self,
        track: &Track,
        names: &mut Names,
        symbols: &mut Symbols,
        is_due: &mut dyn FnMut() -> bool,
    ) -> bool {
        let mut read = 0_usize;
        for entry in track.entries(self.next) {
            if entry.place >= self.until {
                break;
            }
            self.next = Place(entry.place.0 + 1);
            self.read(track, entry, names, symbols);
            read += 1;
            if read.is_multiple_of(64) && is_due() {
                return false;
            }
        }
        self.next = self.until;
        true
    }

    /// Records read, of how many.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.until.0 - self.next.0
    }

    /// What was read.
    #[must_use]
    pub fn done(mut self) -> Side {
        for (state, since) in self.since.iter().enumerate() {
            if let Some(since) = since {
                self.side.on[state] += self.end.since(*since);
            }
        }
        for (ticks, clock) in self.side.ticks.iter_mut().zip(&self.clock) {
            ticks.1 = *clock;
        }
        let (start, _) = self.side.span;
        self.side.span = (start, self.end);
        self.side
    }

    fn read(&mut self, track: &Track, entry: Entry, names: &mut Names, symbols: &mut Symbols) {
        let schema = track.schema_at(entry.place);
        if let Some(schema) = schema
            && !self
                .schema
                .as_ref()
                .is_some_and(|it| Arc::ptr_eq(it, schema))
        {
            self.numbers = names.of(schema);
            self.schema = Some(Arc::clone(schema));
            self.make_room(names.shown.len());
            for state in &self.numbers {
                self.side.has[*state as usize] = true;
            }
        }
        let position = Position {
            at: entry.at.by,
            order: entry.order,
        };
        // A run begins anew, and so does what is shown of it.
        let is_later = self.from.is_some_and(|from| entry.at.by < from);
        if entry.is_first_look || !self.begun || is_later {
            self.begin(track, &entry, position);
            if entry.is_first_look || is_later {
                return;
            }
        }
        let Some(detail) = entry.detail else { return };
        let mut turned: Vec<u32> = Vec::new();
        for change in &detail.changes {
            let Some(&state) = self.numbers.get(change.state) else {
                continue;
            };
            let at = state as usize;
            self.total = self
                .total
                .saturating_add(change.after.saturating_sub(self.clock[at]));
            self.clock[at] = change.after;
            let is_on = change.after % 2 == 1;
            if is_on && self.since[at].is_none() {
                self.since[at] = Some(entry.at.by);
            } else if !is_on && let Some(since) = self.since[at].take() {
                self.side.on[at] += entry.at.by.since(since);
            }
            turned.push(state << 1 | u32::from(is_on));
        }
        turned.sort_unstable();
        let level = match (&detail.head, detail.number) {
            (Some(_), _) => Level::Trace,
            (None, Some(_)) => Level::Changes,
            (None, None) => Level::Snapshots,
        };
        self.side.level = self.side.level.min(level);
        let what = detail
            .head
            .as_ref()
            .map_or(NOTHING, |head| symbols.of(said(head, &self.numbers)));
        self.side.items.push(Item {
            position,
            at: entry.at,
            number: detail.number,
            time: detail.machine_time,
            duration: detail.head.as_ref().and_then(|head| head.duration),
            what,
            turned: symbols.of(turned),
            active: symbols.of(self.active()),
        });
    }

    /// The clock before the first item.
    fn begin(&mut self, track: &Track, entry: &Entry, position: Position) {
        let is_base = entry.is_first_look || self.from.is_some_and(|from| entry.at.by < from);
        if entry.is_first_look {
            self.side.is_cut = false;
            self.side.level = Level::Trace;
        }
        self.begun = true;
        self.side.items.clear();
        self.clock.iter_mut().for_each(|tick| *tick = 0);
        if let Look::State(then) = track.look(position) {
            for (at, tick) in then.clock.iter().enumerate() {
                if let Some(&state) = self.numbers.get(at) {
                    self.clock[state as usize] = *tick;
                }
            }
        }
        if !is_base {
            // The first of those that are left: before it was what it did not change.
            for change in entry.detail.iter().flat_map(|detail| &detail.changes) {
                if let Some(&state) = self.numbers.get(change.state) {
                    self.clock[state as usize] = change.before;
                }
            }
        }
        self.total = self
            .clock
            .iter()
            .fold(0, |sum, tick| sum.saturating_add(*tick));
        self.side.base = self.total;
        self.side.span.0 = self.from.unwrap_or(entry.at.by).max(entry.at.by);
        self.side.on.iter_mut().for_each(|on| *on = 0);
        let start = self.side.span.0;
        for (at, tick) in self.clock.iter().enumerate() {
            self.side.ticks[at] = (*tick, *tick);
            self.since[at] = (tick % 2 == 1).then_some(start);
        }
    }

    fn make_room(&mut self, states: usize) {
        self.clock.resize(states.max(self.clock.len()), 0);
        let states = self.clock.len();
        self.since.resize(states, None);
        self.side.ticks.resize(states, (0, 0));
        self.side.on.resize(states, 0);
        self.side.has.resize(states, false);
    }

    fn active(&self) -> Vec<u32> {
        let on = (0_u32..)
            .zip(&self.clock)
            .filter(|(_, tick)| *tick % 2 == 1);
        on.map(|(state, _)| state).collect()
    }
}

/// Mutation, called states and result, as numbers.
fn said(head: &Head, numbers: &[u32]) -> Vec<u32> {
    let kind = match head.kind {
        MutationKind::Add => 0,
        MutationKind::Remove => 1,
        MutationKind::Set => 2,
        MutationKind::Toggle => 3,
    };
    let flags = [head.is_auto, head.is_check, head.is_canceled];
    let flags = (0..).zip(flags).map(|(bit, is)| u32::from(is) << bit);
    let called = head.called.iter();
    let called = called.map(|state| numbers.get(*state as usize).copied().unwrap_or(u32::MAX));
    let mut called: Vec<u32> = called.collect();
    called.sort_unstable();
    // Never a list of states that are on, or were turned.
    let mut list = vec![u32::MAX - 1, flags.sum::<u32>() << 2 | kind];
    list.append(&mut called);
    list
}

/// What was asked for, read back from its symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it does.
    pub kind: MutationKind,
    /// Called by the engine for Auto states.
    pub is_auto: bool,
    /// Tried only.
    pub is_check: bool,
    /// Somebody refused.
    pub is_canceled: bool,
    /// Called states, by number.
    pub called: Vec<u32>,
}

impl Call {
    /// `None`: that is not known.
    #[must_use]
    pub fn of(symbols: &Symbols, what: u32) -> Option<Self> {
        let list = symbols.list(what).strip_prefix(&[u32::MAX - 1])?;
        let (flags, called) = list.split_first()?;
        Some(Self {
            kind: match flags & 3 {
                0 => MutationKind::Add,
                1 => MutationKind::Remove,
                2 => MutationKind::Set,
                _ => MutationKind::Toggle,
            },
            is_auto: flags & 4 != 0,
            is_check: flags & 8 != 0,
            is_canceled: flags & 16 != 0,
            called: called.to_vec(),
        })
    }
}

/// No symbol.
pub const NOTHING: u32 = u32::MAX;
/// Transitions of one side that are compared, the newest ones (guess: 8 MB).
pub const MOST_ITEMS: u64 = 100_000;
