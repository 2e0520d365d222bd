//! The history of one machine: chunks of records in the order they were seen, and beside them marks, gaps and counts.
//!
//! A run of its owner begins with a first look, a record that changes nothing; ticks never cross from one run into the
//! next. The newest clock is held unpacked and is never dropped.

mod look;
mod room;

use std::collections::VecDeque;
use std::sync::Arc;

use statemesh::PeerId;

use super::chunk::{self, Causes, Chunk, NewRow};
use super::gaps::{Gaps, Missed};
use super::marks::{Begins, Marks, Standing};
use super::pyramid::Tally;
use super::{
    Conditions, Entry, Gap, Interval, Mark, Place, Position, Pyramid, Record, Refused, SchemaFacts,
    Seen, Side, StateChange, Ticks, is_active, is_work,
};

pub use self::look::{Known, Look, StateAt};
pub(super) use self::room::Room;

/// One machine.
#[derive(Clone, Debug)]
pub struct Track {
    schema: Arc<SchemaFacts>,
    clock: Vec<u64>,
    conditions: Conditions,
    standing: Standing,
    chunks: VecDeque<Chunk>,
    next: Place,
    last: Position,
    /// Chunks at the front that are thinned.
    thinned: usize,
    pyramid: Pyramid,
    marks: Marks,
    gaps: Gaps,
    causes: Causes,
    /// Bytes of all chunks but the last.
    sealed: usize,
    /// Of those, beside the records.
    sides: usize,
    /// Of those, thinned.
    skeleton: usize,
    changes: Vec<StateChange>,
}

impl Track {
    /// Known from this clock on.
    pub(super) fn begin(
        schema: Arc<SchemaFacts>,
        record: &Record<'_>,
        epoch: u64,
        seen: Position,
    ) -> Self {
        let standing = Standing {
            fidelity: record.fidelity,
            epoch,
            first_hand: record.first_hand,
            gone: None,
            differs: false,
        };
        let mut track = Self {
            schema,
            clock: Vec::new(),
            conditions: Conditions::default(),
            standing,
            chunks: VecDeque::new(),
            next: Place(0),
            last: seen,
            thinned: 0,
            pyramid: Pyramid::default(),
            marks: Marks::default(),
            gaps: Gaps::default(),
            causes: Causes::default(),
            sealed: 0,
            sides: 0,
            skeleton: 0,
            changes: Vec::new(),
        };
        track.marks.push(seen, Begins::Known, standing);
        track.look_anew(record, seen);
        track
    }

    /// One more record, seen at this position, and what it counts as. `Ok(None)`: it says nothing new.
    pub(super) fn append(
        &mut self,
        record: &Record<'_>,
        seen: Position,
    ) -> Result<Option<Tally>, Refused> {
        if let Ticks::Clock(clock) = record.ticks
            && self.went_back(clock)
        {
            self.begin_run(record, self.standing.epoch + 1, seen);
            return Ok(Some(Tally::default()));
        }
        self.gather(record.ticks)?;
        if let Some(number) = record.number {
            self.gaps.arrive(number, self.last, seen)?;
        }
        self.follow_standing(record, seen);
        if let Ticks::Clock(clock) = record.ticks {
            self.settle_gap(record, seen);
            self.clock.resize(clock.len().min(MAX_STATES), 0);
        }
        if self.changes.is_empty() && record.head.is_none() {
            return Ok(None);
        }
        let changes = std::mem::take(&mut self.changes);
        let before = self.conditions;
        for change in &changes {
            self.clock[change.state] = change.after;
        }
        let at = placed(record.at, seen);
        self.conditions
            .follow(&self.schema, &changes, &self.clock, at);
        let tally = self.push(record, &changes, 0, before, seen);
        self.changes = changes;
        Ok(Some(tally))
    }

    /// A new run of its owner, which begins with this clock.
    pub(super) fn begin_run(&mut self, record: &Record<'_>, epoch: u64, seen: Position) {
        self.gaps.restart(seen);
        self.standing.epoch = epoch;
        self.standing.fidelity = record.fidelity;
        self.standing.first_hand = record.first_hand;
        self.marks.push(seen, Begins::Run, self.standing);
        self.look_anew(record, seen);
    }

    /// Another schema. Its states are those before and some more, or it is another machine's.
    pub(super) fn change_schema(&mut self, schema: Arc<SchemaFacts>, seen: Position) {
        let begins = Begins::Schema {
            before: self.schema.states.len(),
            after: schema.states.len(),
        };
        self.marks.push(seen, begins, self.standing);
        self.schema = schema;
        self.seal();
    }

    /// What holds changed.
    pub(super) fn stand(&mut self, begins: Begins, standing: Standing, seen: Position) {
        if standing != self.standing {
            self.standing = standing;
            self.marks.push(seen, begins, standing);
        }
    }

    /// What holds now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What held at a position.
    #[must_use]
    pub fn standing_at(&self, position: Position) -> Standing {
        self.marks.at(position).unwrap_or(self.standing)
    }

    /// Its schema now.
    #[must_use]
    pub fn schema(&self) -> &Arc<SchemaFacts> {
        &self.schema
    }

    /// Its schema at a record.
    #[must_use]
    pub fn schema_at(&self, place: Place) -> Option<&Arc<SchemaFacts>> {
        let (chunk, _) = self.locate(place)?;
        Some(&self.chunks[chunk].schema)
    }

    /// There are at least so many states, as far as there may be.
    pub(super) fn make_states(&mut self, states: usize) {
        if self.clock.len() < states {
            self.clock.resize(states.min(MAX_STATES), 0);
        }
    }

    /// Its newest clock.
    #[must_use]
    pub fn clock(&self) -> &[u64] {
        &self.clock
    }

    /// Counts of all that is held.
    #[must_use]
    pub fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }

    /// Per record held, when it was seen and what it counts as.
    pub(super) fn tallies(&self) -> impl Iterator<Item = (Seen, Tally)> + '_ {
        self.chunks.iter().flat_map(Chunk::tallies)
    }

    /// Names of all records held: from, and until before.
    #[must_use]
    pub fn places(&self) -> (Place, Place) {
        let first = self.chunks.front().map_or(self.next, Chunk::first);
        (first, self.next)
    }

    /// When the oldest record held was seen.
    #[must_use]
    pub fn oldest(&self) -> Position {
        self.chunks.front().map_or(self.last, Chunk::begins)
    }

    /// When the newest record was seen.
    #[must_use]
    pub fn newest(&self) -> Position {
        self.last
    }

    /// Records that were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.places().0.0
    }

    /// Records before this one have lost what they changed.
    #[must_use]
    pub fn full_from(&self) -> Place {
        let full = self.chunks.get(self.thinned);
        full.map_or(self.next, Chunk::first)
    }

    /// Where what is held changes its meaning, from a position until before another.
    pub fn marks(&self, from: Position, to: Position) -> impl Iterator<Item = &Mark> {
        self.marks.between(from, to)
    }

    /// Numbers that never came, oldest first.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter()
    }

    /// Its owner's largest number in this run.
    #[must_use]
    pub fn last_number(&self) -> Option<u64> {
        self.gaps.last()
    }

    /// The last record seen until then.
    #[must_use]
    pub fn at(&self, position: Position) -> Option<Place> {
        let chunk = self.chunk_at(position)?;
        let until = self.chunks[chunk].until(position) as u64;
        Some(Place(self.chunks[chunk].first().0 + until.checked_sub(1)?))
    }

    /// When a record was seen.
    #[must_use]
    pub fn position(&self, place: Place) -> Option<Position> {
        let (chunk, row) = self.locate(place)?;
        Some(self.chunks[chunk].position(row))
    }

    /// One record.
    #[must_use]
    pub fn entry(&self, place: Place) -> Option<Entry> {
        self.entries(place).next()
    }

    /// Records from this one on, oldest first.
    pub fn entries(&self, from: Place) -> impl Iterator<Item = Entry> + '_ {
        let from = from.max(self.places().0);
        let chunk = self
            .locate(from)
            .map_or(self.chunks.len(), |(chunk, _)| chunk);
        let chunks = self.chunks.range(chunk..);
        let entries = chunks.flat_map(move |chunk| {
            let mut replay = chunk.replay();
            (0..chunk.len()).filter_map(move |_| {
                replay.step();
                replay.entry(&self.causes)
            })
        });
        entries.skip_while(move |entry| entry.place < from)
    }

    /// Changes that happened between two looks, from a record on and before a position: when, and how many ticks.
    pub(super) fn intervals(
        &self,
        from: Place,
        end: Position,
    ) -> impl Iterator<Item = (Interval, u64)> + '_ {
        let first = self
            .locate(from.max(self.places().0))
            .map_or(self.chunks.len(), |(chunk, _)| chunk);
        let chunks = self.chunks.range(first..);
        let chunks = chunks.take_while(move |chunk| chunk.begins() < end);
        // Most chunks have none, and their records are not read for it.
        let chunks = chunks.filter(|chunk| chunk.has_intervals());
        chunks.flat_map(move |chunk| {
            let mut replay = chunk.replay();
            (0..chunk.len()).filter_map(move |row| {
                let is_read = replay.step();
                let is_asked = chunk.first().0 + row as u64 >= from.0
                    && chunk.position(row).at < end.at
                    && !replay.is_first_look();
                let at = replay.at().filter(|_| is_read && is_asked)?;
                let ticks = replay.changes.iter().map(|change| change.ticks());
                Some((at, ticks.fold(0, u64::saturating_add)))
            })
        })
    }

    /// What stands beside a record.
    #[must_use]
    pub fn side(&self, place: Place) -> Option<Side> {
        let (chunk, row) = self.locate(place)?;
        self.chunks[chunk].side(row)
    }

    /// What stands beside records, from this one on, oldest first.
    pub fn sides(&self, from: Place) -> impl Iterator<Item = (Place, Side)> + '_ {
        let from = from.max(self.places().0);
        let chunk = self
            .locate(from)
            .map_or(self.chunks.len(), |(chunk, _)| chunk);
        let sides = self.chunks.range(chunk..).flat_map(Chunk::sides);
        sides.skip_while(move |(place, _)| *place < from)
    }

    /// Some record may name a machine of this owner as its cause; `own`: the owner is this machine's, too.
    #[must_use]
    pub fn names_cause(&self, own: bool, peer: &PeerId, machine: &str) -> bool {
        self.causes.may_name(own, peer, machine)
    }

    /// Ticks that go back, or are missing: this is another run.
    fn went_back(&self, clock: &[u64]) -> bool {
        clock.len() < self.clock.len().min(MAX_STATES)
            || self.clock.iter().zip(clock).any(|(old, new)| new < old)
    }

    /// Notes what a record changes, in index order.
    fn gather(&mut self, ticks: Ticks<'_>) -> Result<(), Refused> {
        self.changes.clear();
        let change = |state, before, after| StateChange {
            state,
            before,
            after,
        };
        match ticks {
            Ticks::Clock(clock) => {
                let clock = &clock[..clock.len().min(MAX_STATES)];
                for (state, after) in clock.iter().enumerate() {
                    let before = self.clock.get(state).copied().unwrap_or(0);
                    if *after != before {
                        self.changes.push(change(state, before, *after));
                    }
                }
            }
            Ticks::Moved(moved) => {
                for moved in moved {
                    let state = moved.state as usize;
                    let before = *self.clock.get(state).ok_or(Refused::UnknownState)?;
                    let after = before.saturating_add(moved.ticks);
                    if after != before {
                        self.changes.push(change(state, before, after));
                    }
                }
                self.changes.sort_by_key(|change| change.state);
                self.changes.dedup_by(|later, kept| {
                    let is_same = later.state == kept.state;
                    if is_same {
                        kept.after = kept.after.saturating_add(later.ticks());
                    }
                    is_same
                });
            }
        }
        Ok(())
    }

    fn settle_gap(&mut self, record: &Record<'_>, seen: Position) {
        let ticks = self.changes.iter().map(|change| change.ticks());
        let missed = match record.head {
            None if record.number.is_none() => Missed::Ticks(ticks.fold(0, u64::saturating_add)),
            None | Some(_) => Missed::Merged,
        };
        self.gaps.settle(missed, seen);
    }

    fn follow_standing(&mut self, record: &Record<'_>, seen: Position) {
        let mut standing = self.standing;
        standing.fidelity = record.fidelity;
        self.stand(Begins::Fidelity, standing, seen);
        standing.first_hand = record.first_hand;
        self.stand(Begins::Voice, standing, seen);
    }

    /// Begins a run with its clock.
    fn look_anew(&mut self, record: &Record<'_>, seen: Position) {
        match record.ticks {
            Ticks::Clock(clock) => self.clock = clock[..clock.len().min(MAX_STATES)].to_vec(),
            Ticks::Moved(_) => self.clock = vec![0; self.schema.states.len().min(MAX_STATES)],
        }
        self.conditions = Conditions::begin(&self.schema, &self.clock, placed(record.at, seen));
        if let Some(number) = record.number {
            // The first of a run is never refused.
            let _ = self.gaps.arrive(number, seen, seen);
        }
        self.seal();
        self.push(record, &[], chunk::FIRST_LOOK, self.conditions, seen);
    }

    fn seal(&mut self) {
        if let Some(last) = self.chunks.back_mut() {
            last.seal();
        }
    }

    /// Appends a row; `before` is what health watched before it.
    fn push(
        &mut self,
        record: &Record<'_>,
        changes: &[StateChange],
        first_look: u16,
        before: Conditions,
        seen: Position,
    ) -> Tally {
        let row = NewRow {
            at: placed(record.at, seen),
            order: seen.order,
            flags: first_look | flags(record, changes, &self.schema),
            number: record.number,
            owner_at: record.owner_at,
            changes,
            head: record.head,
            side: record.side,
        };
        let tally = chunk::tally(row.flags);
        self.pyramid.add(seen.at, tally);
        let states = self.clock.len();
        let last = self.chunks.back_mut().filter(|last| {
            first_look == 0
                && last.epoch == self.standing.epoch
                && last.states() == states
                && Arc::ptr_eq(&last.schema, &self.schema)
                && last.has_room(&row)
        });
        if let Some(last) = last {
            last.push(&row, &mut self.causes);
        } else {
            self.begin_chunk(&row, changes, before);
        }
        self.next.0 += 1;
        self.last = seen;
        tally
    }

    fn begin_chunk(&mut self, row: &NewRow<'_>, changes: &[StateChange], before: Conditions) {
        let mut key = self.clock.clone();
        for change in changes {
            key[change.state] = change.before;
        }
        if let Some(last) = self.chunks.back_mut() {
            last.seal();
            self.sealed += last.bytes();
            self.sides += last.side_bytes();
        }
        self.chunks.push_back(Chunk::begin(
            self.next,
            self.standing.epoch,
            Arc::clone(&self.schema),
            before,
            &key,
            row,
            &mut self.causes,
        ));
    }

    /// The chunk that holds the last record until then, or the first chunk.
    fn chunk_at(&self, position: Position) -> Option<usize> {
        let after = self
            .chunks
            .partition_point(|chunk| chunk.begins() <= position);
        after.checked_sub(1)
    }

    fn locate(&self, place: Place) -> Option<(usize, usize)> {
        let after = self.chunks.partition_point(|chunk| chunk.first() <= place);
        let chunk = after.checked_sub(1)?;
        let row = usize::try_from(place.0 - self.chunks[chunk].first().0).ok()?;
        (row < self.chunks[chunk].len()).then_some((chunk, row))
    }
}

/// An interval that ends where the record is placed.
fn placed(told: Interval, seen: Position) -> Interval {
    if told.after == Some(told.by) {
        return Interval::at(seen.at);
    }
    // What ends when it begins would claim an instant.
    let latest = Seen(seen.at.0.saturating_sub(1));
    Interval {
        after: told.after.map(|after| after.min(latest)),
        by: seen.at,
    }
}

fn flags(record: &Record<'_>, changes: &[StateChange], schema: &SchemaFacts) -> u16 {
    let went_on = |change: &StateChange| {
        let is_error = schema
            .states
            .get(change.state)
            .is_some_and(|it| it.is_error);
        is_error && (change.flickered() || is_active(&[change.after], 0))
    };
    let flag = |is: bool, flag| if is { flag } else { 0 };
    flag(!changes.is_empty(), chunk::CHANGED)
        | flag(changes.iter().any(went_on), chunk::ERROR)
        | flag(is_work(schema, changes), chunk::WORK)
        | flag(record.at.after == Some(record.at.by), chunk::EXACT)
        | flag(record.at.after.is_none(), chunk::OPEN)
        | flag(!record.first_hand, chunk::HEARSAY)
        | flag(record.number.is_some(), chunk::NUMBER)
        | flag(record.owner_at.is_some(), chunk::OWNER)
        | record.head.map_or(0, chunk::head_flags)
}

/// States of one clock; what is beyond is not recorded. The engine's own limit.
const MAX_STATES: usize = 1 << 16;
