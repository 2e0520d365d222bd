//! Up to 64 records of one machine: a key (the full clock before the first) and what each record moved.
//!
//! Instants, orders and flags lie in columns of fixed width, so searching reads nothing else; what varies (numbers,
//! owner's times, moved ticks, heads) lies packed in one arena, told relative to the chunk. A thinned chunk has lost its
//! arena: its records still happened, and when, but what they changed is known only where the next key begins.

use std::mem::size_of;
use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::engine::MutationKind;

use super::bytes::{Reader, put, put_bytes, put_from};
use super::pyramid::Tally;
use super::record::{Cause, Detail, Entry, Head, Place};
use super::side::Side;
use super::{Conditions, Interval, Position, SchemaFacts, Seen, StateChange};

/// Records of one run in a row.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Of the owner.
    pub(super) epoch: u64,
    /// The machine's, as of these records.
    pub(super) schema: Arc<SchemaFacts>,
    /// What health watches, before the first record; behind it when that is a first look.
    pub(super) conditions: Conditions,
    /// Sum of the key's ticks.
    pub(super) sum: u64,
    /// Smallest and largest number of its owner.
    pub(super) numbers: Option<(u64, u64)>,
    first: Place,
    base: Base,
    states: usize,
    key: Box<[u8]>,
    rows: Vec<Row>,
    arena: Vec<u8>,
    sides: Vec<(u8, Box<[u8]>)>,
    is_thinned: bool,
}

/// A record on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRow<'a> {
    pub(super) at: Interval,
    pub(super) order: u64,
    pub(super) flags: u16,
    pub(super) number: Option<u64>,
    pub(super) owner_at: Option<u64>,
    pub(super) changes: &'a [StateChange],
    pub(super) head: Option<&'a Head>,
    pub(super) side: Option<&'a Side>,
}

/// Which other machines caused something here: told by a number in the arena.
#[derive(Clone, Debug)]
pub(super) struct Causes {
    list: Vec<(Option<PeerId>, Arc<str>)>,
    most: usize,
}

/// Reads a chunk from its key on.
#[derive(Clone, Debug)]
pub(super) struct Replay<'a> {
    chunk: &'a Chunk,
    /// Next record.
    row: usize,
    /// Ticks behind the records read so far.
    pub(super) clock: Vec<u64>,
    /// What the last one changed.
    pub(super) changes: Vec<StateChange>,
}

/// The columns.
#[derive(Clone, Copy, Debug)]
struct Row {
    at: u32,
    order: u32,
    offset: u32,
    flags: u16,
}

/// What the columns and the arena are relative to.
#[derive(Clone, Copy, Debug)]
struct Base {
    at: Seen,
    order: u64,
    number: u64,
    owner_at: u64,
}

/// What of a record stands before its moved ticks.
struct Lead<'a> {
    number: Option<u64>,
    owner_at: Option<u64>,
    before: u64,
    rest: Reader<'a>,
}

impl Chunk {
    /// Begins with this clock and this record.
    pub(super) fn begin(
        first: Place,
        epoch: u64,
        schema: Arc<SchemaFacts>,
        conditions: Conditions,
        clock: &[u64],
        row: &NewRow<'_>,
        causes: &mut Causes,
    ) -> Self {
        let mut key = Vec::with_capacity(2 * clock.len());
        for tick in clock {
            put(&mut key, *tick);
        }
        let mut chunk = Self {
            epoch,
            schema,
            conditions,
            sum: sum(clock),
            numbers: None,
            first,
            states: clock.len(),
            base: Base {
                at: row.at.by,
                order: row.order,
                number: row.number.unwrap_or(0),
                owner_at: row.owner_at.unwrap_or(0),
            },
            key: key.into_boxed_slice(),
            rows: Vec::new(),
            arena: Vec::new(),
            sides: Vec::new(),
            is_thinned: false,
        };
        chunk.push(row, causes);
        chunk
    }

    /// True: one more record has room here.
    pub(super) fn has_room(&self, row: &NewRow<'_>) -> bool {
        self.rows.len() < RECORDS
            && u32::try_from(row.at.by.since(self.base.at)).is_ok()
            && u32::try_from(row.order - self.base.order).is_ok()
            && self.arena.len() < MAX_ARENA
    }

    /// One more record, behind all others. [`Chunk::has_room`] says whether it may.
    pub(super) fn push(&mut self, row: &NewRow<'_>, causes: &mut Causes) {
        let narrow = |distance: u64| u32::try_from(distance).unwrap_or(u32::MAX);
        let offset = narrow(self.arena.len() as u64);
        let arena = &mut self.arena;
        if let Some(number) = row.number {
            put_from(arena, self.base.number, number);
            let (least, most) = self.numbers.unwrap_or((number, number));
            self.numbers = Some((least.min(number), most.max(number)));
        }
        if let Some(owner_at) = row.owner_at {
            put_from(arena, self.base.owner_at, owner_at);
        }
        if row.flags & (EXACT | OPEN) == 0 {
            put(arena, row.at.by.since(row.at.after.unwrap_or(row.at.by)));
        }
        put(arena, row.changes.len() as u64);
        let mut next = 0;
        for change in row.changes {
            put(arena, (change.state - next) as u64);
            put(arena, change.ticks());
            next = change.state + 1;
        }
        if let Some(head) = row.head {
            put_head(arena, head, causes);
        }
        if let Some(side) = row.side.filter(|side| !side.is_empty()) {
            // There are at most 64 rows.
            self.sides.push((self.rows.len() as u8, side.pack()));
        }
        self.rows.push(Row {
            at: narrow(row.at.by.since(self.base.at)),
            order: narrow(row.order - self.base.order),
            offset,
            flags: row.flags,
        });
    }

    /// No more records will come.
    pub(super) fn seal(&mut self) {
        self.rows.shrink_to_fit();
        self.arena.shrink_to_fit();
        self.sides.shrink_to_fit();
    }

    /// Drops what records changed.
    pub(super) fn thin(&mut self) {
        self.is_thinned = true;
        self.arena = Vec::new();
        self.sides = Vec::new();
    }

    /// What records changed is no longer known.
    pub(super) fn is_thinned(&self) -> bool {
        self.is_thinned
    }

    /// Drops what stands beside the records.
    pub(super) fn drop_sides(&mut self) {
        self.sides = Vec::new();
    }

    /// Bytes beside the records.
    pub(super) fn side_bytes(&self) -> usize {
        let sides = self.sides.iter().map(|(_, side)| side.len() + ALLOCATION);
        sides.sum::<usize>() + self.sides.capacity() * size_of::<(u8, Box<[u8]>)>()
    }

    /// Bytes held, itself included.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + 3 * ALLOCATION
            + self.key.len()
            + self.rows.capacity() * size_of::<Row>()
            + self.arena.capacity()
            + self.side_bytes()
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Ticks in the key.
    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Names the first record.
    pub(super) fn first(&self) -> Place {
        self.first
    }

    /// When the first record was seen, and its order.
    pub(super) fn begins(&self) -> Position {
        self.position(0)
    }

    /// When a record was seen, and its order.
    pub(super) fn position(&self, row: usize) -> Position {
        let row = self.rows.get(row);
        Position {
            at: Seen(self.base.at.0 + row.map_or(0, |row| u64::from(row.at))),
            order: self.base.order + row.map_or(0, |row| u64::from(row.order)),
        }
    }

    /// How many records are not behind this position.
    pub(super) fn until(&self, position: Position) -> usize {
        let at = position.at.0.checked_sub(self.base.at.0);
        let Some(at) = at else { return 0 };
        self.rows.partition_point(|row| {
            let order = self.base.order + u64::from(row.order);
            (u64::from(row.at), order) <= (at, position.order)
        })
    }

    /// Some of its records happened between two looks.
    pub(super) fn has_intervals(&self) -> bool {
        let mut rows = self.rows.iter();
        !self.is_thinned && rows.any(|row| row.flags & (EXACT | OPEN | FIRST_LOOK) == 0)
    }

    /// Per record, when it was seen and what it counts as.
    pub(super) fn tallies(&self) -> impl Iterator<Item = (Seen, Tally)> + '_ {
        let at = |row: &Row| Seen(self.base.at.0 + u64::from(row.at));
        self.rows.iter().map(move |row| (at(row), tally(row.flags)))
    }

    /// Flags and instants, newest first.
    pub(super) fn flags_back(&self) -> impl Iterator<Item = (u16, Seen)> + '_ {
        let rows = self.rows.iter().rev();
        rows.map(|row| (row.flags, Seen(self.base.at.0 + u64::from(row.at))))
    }

    /// From the key on.
    pub(super) fn replay(&self) -> Replay<'_> {
        let mut reader = Reader::new(&self.key);
        let clock = std::iter::from_fn(|| reader.number()).collect();
        Replay {
            chunk: self,
            row: 0,
            clock,
            changes: Vec::new(),
        }
    }

    /// What stands beside a record.
    pub(super) fn side(&self, row: usize) -> Option<Side> {
        let at = |(at, _): &&(u8, Box<[u8]>)| usize::from(*at) == row;
        let (_, bytes) = self.sides.iter().find(at)?;
        Side::unpack(bytes)
    }

    /// What stands beside any record, with the record's name.
    pub(super) fn sides(&self) -> impl Iterator<Item = (Place, Side)> + '_ {
        self.sides.iter().filter_map(|(row, bytes)| {
            let place = Place(self.first.0 + u64::from(*row));
            Some((place, Side::unpack(bytes)?))
        })
    }

    fn lead(&self, row: Row) -> Option<Lead<'_>> {
        let mut rest = Reader::new(self.arena.get(row.offset as usize..)?);
        let has = |flag| row.flags & flag != 0;
        let number = has(NUMBER).then(|| rest.number_from(self.base.number));
        let owner_at = has(OWNER).then(|| rest.number_from(self.base.owner_at));
        let before = (row.flags & (EXACT | OPEN) == 0).then(|| rest.number());
        Some(Lead {
            number: number.flatten(),
            owner_at: owner_at.flatten(),
            before: before.flatten().unwrap_or(0),
            rest,
        })
    }

    fn interval(&self, row: Row, before: u64) -> Interval {
        let by = Seen(self.base.at.0 + u64::from(row.at));
        let is_unknown = row.flags & OPEN != 0 || self.is_thinned;
        match row.flags & EXACT {
            0 if is_unknown => Interval { after: None, by },
            0 => Interval {
                after: Some(Seen(by.0.saturating_sub(before))),
                by,
            },
            _ => Interval::at(by),
        }
    }
}

impl Replay<'_> {
    /// Reads the next record. False: there is none, or nobody knows any more what it changed.
    pub(super) fn step(&mut self) -> bool {
        self.changes.clear();
        let Some(row) = self.chunk.rows.get(self.row) else {
            return false;
        };
        self.row += 1;
        if self.chunk.is_thinned {
            return false;
        }
        let Some(mut lead) = self.chunk.lead(*row) else {
            return false;
        };
        self.read_changes(&mut lead.rest).is_some()
    }

    /// The record read last, in full.
    pub(super) fn entry(&self, causes: &Causes) -> Option<Entry> {
        let at = self.row.checked_sub(1)?;
        let row = *self.chunk.rows.get(at)?;
        let lead = (!self.chunk.is_thinned)
            .then(|| self.chunk.lead(row))
            .flatten();
        let has = |flag| row.flags & flag != 0;
        let before = lead.as_ref().map_or(0, |lead| lead.before);
        Some(Entry {
            place: Place(self.chunk.first.0 + at as u64),
            order: self.chunk.base.order + u64::from(row.order),
            at: self.chunk.interval(row, before),
            epoch: self.chunk.epoch,
            first_hand: !has(HEARSAY),
            is_first_look: has(FIRST_LOOK),
            is_error: has(ERROR),
            is_work: has(WORK),
            detail: lead.map(|lead| self.detail(lead, row.flags, causes)),
        })
    }

    /// When the record read last happened.
    pub(super) fn at(&self) -> Option<Interval> {
        let row = *self.chunk.rows.get(self.row.checked_sub(1)?)?;
        let before = self.chunk.lead(row).map_or(0, |lead| lead.before);
        Some(self.chunk.interval(row, before))
    }

    /// Its owner's number and time.
    pub(super) fn told(&self) -> Option<(Option<u64>, Option<u64>)> {
        let row = *self.chunk.rows.get(self.row.checked_sub(1)?)?;
        let lead = self.chunk.lead(row)?;
        Some((lead.number, lead.owner_at))
    }

    /// Is the record read last a first look?
    pub(super) fn is_first_look(&self) -> bool {
        let row = self
            .row
            .checked_sub(1)
            .and_then(|at| self.chunk.rows.get(at));
        row.is_some_and(|row| row.flags & FIRST_LOOK != 0)
    }

    fn read_changes(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let mut next = 0_usize;
        for _ in 0..reader.count()? {
            let state = next.checked_add(reader.small()?)?;
            let ticks = reader.number()?;
            let tick = self.clock.get_mut(state)?;
            let before = *tick;
            *tick = before.saturating_add(ticks);
            self.changes.push(StateChange {
                state,
                before,
                after: *tick,
            });
            next = state + 1;
        }
        Some(())
    }

    fn detail(&self, mut lead: Lead<'_>, flags: u16, causes: &Causes) -> Detail {
        for _ in 0..lead.rest.count().unwrap_or(0) {
            let _ = (lead.rest.number(), lead.rest.number());
        }
        let head = (flags & HEAD != 0)
            .then(|| read_head(&mut lead.rest, flags, causes))
            .flatten();
        Detail {
            number: lead.number,
            owner_at: lead.owner_at,
            changes: self.changes.clone(),
            head,
            machine_time: sum(&self.clock),
        }
    }
}

impl Default for Causes {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            most: MAX_CAUSES,
        }
    }
}

impl Causes {
    /// Each is told in full.
    pub(super) fn in_full() -> Self {
        Self {
            list: Vec::new(),
            most: 0,
        }
    }

    fn number(&mut self, cause: &Cause) -> Option<usize> {
        let is_it = |it: &(Option<PeerId>, Arc<str>)| it.0 == cause.peer && it.1 == cause.machine;
        if let Some(at) = self.list.iter().position(is_it) {
            return Some(at);
        }
        (self.list.len() < self.most).then(|| {
            self.list.push((cause.peer, Arc::clone(&cause.machine)));
            self.list.len() - 1
        })
    }

    /// Some record may name a machine of this owner as its cause; `own`: the owner is the same.
    pub(super) fn may_name(&self, own: bool, peer: &PeerId, machine: &str) -> bool {
        let is_it = |(of, name): &(Option<PeerId>, Arc<str>)| {
            **name == *machine && of.as_ref().map_or(own, |of| of == peer)
        };
        self.list.len() >= self.most || self.list.iter().any(is_it)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let names = self.list.iter().map(|(_, name)| name.len() + ALLOCATION);
        names.sum::<usize>() + self.list.capacity() * size_of::<(Option<PeerId>, Arc<str>)>()
    }
}

/// Flags of a record that follow from its head.
pub(super) fn head_flags(head: &Head) -> u16 {
    let flag = |is: bool, flag| if is { flag } else { 0 };
    let kind = match head.kind {
        MutationKind::Add => 0,
        MutationKind::Remove => 1,
        MutationKind::Set => 2,
        MutationKind::Toggle => 3,
    };
    HEAD | flag(head.is_canceled, CANCELED)
        | flag(head.is_auto, AUTO)
        | flag(head.is_check, CHECK)
        | flag(head.is_queued, QUEUED)
        | kind << KIND_SHIFT
}

/// What a record with these flags counts as.
pub(super) fn tally(flags: u16) -> Tally {
    Tally {
        change: flags & CHANGED != 0,
        cancel: flags & CANCELED != 0,
        error: flags & ERROR != 0,
    }
}

/// Sum of all ticks, as far as it goes.
pub(super) fn sum(clock: &[u64]) -> u64 {
    let ticks = clock.iter().copied();
    ticks.fold(0, u64::saturating_add)
}

/// Appends what flags do not tell of a head.
pub(super) fn put_head(arena: &mut Vec<u8>, head: &Head, causes: &mut Causes) {
    let called = &head.called[..head.called.len().min(MAX_CALLED)];
    put(arena, called.len() as u64);
    for state in called {
        put(arena, u64::from(*state));
    }
    for told in [head.queue_tick, head.duration] {
        put(arena, u64::from(told.is_some()));
        if let Some(number) = told {
            put(arena, number);
        }
    }
    let Some(cause) = &head.source else {
        return put(arena, 0);
    };
    match causes.number(cause) {
        Some(number) => put(arena, number as u64 + 2),
        None => {
            put(arena, 1);
            let peer = cause.peer.as_ref().map_or(&[][..], PeerId::as_bytes);
            put_bytes(arena, peer);
            let name = &cause.machine;
            put_bytes(arena, name[..name.floor_char_boundary(MAX_NAME)].as_bytes());
        }
    }
    put(arena, cause.number);
    put(arena, cause.machine_time);
}

/// The head that these flags and bytes tell.
pub(super) fn read_head(reader: &mut Reader<'_>, flags: u16, causes: &Causes) -> Option<Head> {
    let mut called = Vec::new();
    for _ in 0..reader.count()? {
        called.push(reader.small()?);
    }
    let mut told = || (reader.number()? == 1).then(|| reader.number());
    let (queue_tick, duration) = (told().flatten(), told().flatten());
    let kind = match flags >> KIND_SHIFT {
        0 => MutationKind::Add,
        1 => MutationKind::Remove,
        2 => MutationKind::Set,
        _ => MutationKind::Toggle,
    };
    Some(Head {
        kind,
        called,
        is_auto: flags & AUTO != 0,
        is_check: flags & CHECK != 0,
        is_canceled: flags & CANCELED != 0,
        is_queued: flags & QUEUED != 0,
        source: read_cause(reader, causes),
        queue_tick,
        duration,
    })
}

fn read_cause(reader: &mut Reader<'_>, causes: &Causes) -> Option<Cause> {
    let (peer, machine) = match reader.small::<usize>()? {
        0 => return None,
        1 => {
            let peer = PeerId::from_bytes(reader.block(MAX_NAME)?).ok();
            (peer, reader.text(MAX_NAME)?.into())
        }
        number => causes.list.get(number - 2)?.clone(),
    };
    Some(Cause {
        peer,
        machine,
        number: reader.number()?,
        machine_time: reader.number()?,
    })
}

/// It changed states.
pub(super) const CHANGED: u16 = 1;
/// It was canceled.
pub(super) const CANCELED: u16 = 1 << 1;
/// An error state went on.
pub(super) const ERROR: u16 = 1 << 2;
/// It counts as work.
pub(super) const WORK: u16 = 1 << 3;
/// It happened when it was seen.
pub(super) const EXACT: u16 = 1 << 4;
/// It may have happened at any time before.
pub(super) const OPEN: u16 = 1 << 5;
/// The first of its run.
pub(super) const FIRST_LOOK: u16 = 1 << 6;
/// Not signed by its owner.
pub(super) const HEARSAY: u16 = 1 << 7;
/// Its owner's number follows.
pub(super) const NUMBER: u16 = 1 << 9;
/// Its owner's time follows.
pub(super) const OWNER: u16 = 1 << 10;
const HEAD: u16 = 1 << 8;
const AUTO: u16 = 1 << 11;
const CHECK: u16 = 1 << 12;
const QUEUED: u16 = 1 << 13;
const KIND_SHIFT: u32 = 14;

/// Records between two keys (dashboard design 11).
const RECORDS: usize = 64;
/// A fuller arena ends its chunk (guess): one record with a thousand states and its names fits behind it.
const MAX_ARENA: usize = 1 << 20;
/// Called states kept of one transition (guess).
const MAX_CALLED: usize = 4_096;
/// Names of causes told by number (guess); others are told in full.
const MAX_CAUSES: usize = 256;
/// Bytes kept of a cause's name (guess).
const MAX_NAME: usize = 4_096;
/// What the allocator takes beside a block (guess: both ours take so much).
pub(super) const ALLOCATION: usize = 16;
