//! All machines' histories, in one order and within one budget.
//!
//! Records are placed where they were seen, and that never goes back: a clock that does is held at the newest instant.
//! When the budget is full, whoever holds most gives first, so a machine that changes a thousand times a second costs
//! the quiet ones nothing.

use std::collections::BinaryHeap;
use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, OrderedSet};

use super::marks::Begins;
use super::pyramid::{LATEST, Pyramid};
use super::track::Room;
use super::{Look, MachineKey, Position, Record, SchemaFacts, Seen, Ticks, Track};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, as far as they can be counted.
    pub bytes: usize,
    /// Machines.
    pub machines: usize,
}

impl Default for Limits {
    /// 300 MB (dashboard design 11) and twice the machines that a page must show.
    fn default() -> Self {
        Self {
            bytes: 300 << 20,
            machines: 20_000,
        }
    }
}

/// A machine's name and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Names it.
    pub key: MachineKey,
    /// Id on its owner.
    pub id: Arc<str>,
}

/// Why something was not recorded. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The machine was never learned, or its history is gone.
    #[error("nobody introduced this machine")]
    NoMachine,
    /// A record with this number is here, or a clock that has it in it.
    #[error("it says nothing new")]
    Known,
    /// The owner's fault: it moves a state that its schema does not have.
    #[error("it moves a state that the schema does not have")]
    UnknownState,
    /// There are as many machines as may be, and all of them live.
    #[error("too many machines")]
    Full,
}

/// Everything the tab has seen.
#[derive(Clone, Debug)]
pub struct History {
    machines: OrderedMap<MachineKey, Recorded>,
    mesh: Pyramid,
    limits: Limits,
    pinned: OrderedSet<MachineKey>,
    last: Position,
    /// Of the oldest record held.
    oldest: Option<Seen>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Recorded {
    id: Arc<str>,
    track: Track,
}

impl History {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            machines: OrderedMap::new(),
            mesh: Pyramid::default(),
            limits,
            pinned: OrderedSet::new(),
            last: Position::default(),
            oldest: None,
            bytes: 0,
        }
    }

    /// A machine was learned, or learned again; the record holds its clock. A machine of the same id and owner that was
    /// here before is an earlier run.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], and what [`History::append`] refuses.
    pub fn learn(
        &mut self,
        named: Named,
        schema: &Arc<SchemaFacts>,
        record: &Record<'_>,
    ) -> Result<(), Refused> {
        if self.machines.contains_key(&named.key) {
            let seen = self.next(record.at.by);
            let is_known = self.change(&named.key, |track| {
                if track.schema() != schema {
                    track.change_schema(Arc::clone(schema), seen);
                }
                let mut standing = track.standing();
                standing.gone = None;
                track.stand(Begins::Back, standing, seen);
            });
            debug_assert!(is_known.is_some(), "looked up above");
            return self.append(&named.key, record);
        }
        if self.machines.len() >= self.limits.machines && !self.forget_one() {
            return Err(Refused::Full);
        }
        let runs = self.runs(&named.key.peer, &named.id);
        let epoch = runs.map(|(_, track)| track.standing().epoch).max();
        let seen = self.next(record.at.by);
        let epoch = epoch.map_or(1, |last| last + 1);
        let track = Track::begin(Arc::clone(schema), record, epoch, seen);
        self.add(named, track);
        self.last = seen;
        self.make_room();
        Ok(())
    }

    /// A machine did something.
    ///
    /// # Errors
    ///
    /// [`Refused::NoMachine`] before it was learned, [`Refused::Known`] if its number says nothing new,
    /// [`Refused::UnknownState`] if it is not of the machine's schema.
    pub fn append(&mut self, key: &MachineKey, record: &Record<'_>) -> Result<(), Refused> {
        let seen = self.next(record.at.by);
        let appended = self.change(key, |track| track.append(record, seen));
        if let Some(tally) = appended.ok_or(Refused::NoMachine)?? {
            self.mesh.add(seen.at, tally);
            self.last = seen;
            self.make_room();
        }
        Ok(())
    }

    /// Its owner began anew under the same index: what comes is another run, which begins with this clock.
    ///
    /// # Errors
    ///
    /// [`Refused::NoMachine`].
    pub fn restart(&mut self, key: &MachineKey, at: Seen, clock: &[u64]) -> Result<(), Refused> {
        let seen = self.next(at);
        let is_known = self.change(key, |track| {
            let standing = track.standing();
            let record = Record {
                fidelity: standing.fidelity,
                first_hand: standing.first_hand,
                ticks: Ticks::Clock(clock),
                ..Record::snapshot(super::Interval::at(seen.at), clock)
            };
            track.begin_run(&record, standing.epoch + 1, seen);
        });
        self.last = seen;
        is_known.ok_or(Refused::NoMachine)
    }

    /// A machine went; true: its owner said so.
    pub fn lose(&mut self, key: &MachineKey, at: Seen, said_bye: bool) {
        let seen = self.now(at);
        self.change(key, |track| {
            let mut standing = track.standing();
            standing.gone.get_or_insert((seen.at, said_bye));
            track.stand(Begins::Gone, standing, seen);
        });
    }

    /// Its clock and its owner's checksum differ, or agree again.
    pub fn compare(&mut self, key: &MachineKey, at: Seen, differs: bool) {
        let seen = self.now(at);
        self.change(key, |track| {
            let standing = super::Standing {
                differs,
                ..track.standing()
            };
            track.stand(Begins::Agreement, standing, seen);
        });
    }

    /// How it is heard changed before anything came that way.
    pub fn set_fidelity(&mut self, key: &MachineKey, at: Seen, fidelity: super::Fidelity) {
        let seen = self.now(at);
        self.change(key, |track| {
            let standing = super::Standing {
                fidelity,
                ..track.standing()
            };
            track.stand(Begins::Fidelity, standing, seen);
        });
    }

    /// A machine from a recording, with its own places in the order.
    pub(super) fn adopt(&mut self, named: Named, track: Track) {
        if self.machines.len() >= self.limits.machines {
            return;
        }
        self.last = self.last.max(track.newest());
        self.add(named, track);
        self.make_room();
    }

    fn add(&mut self, named: Named, track: Track) {
        self.bytes += track.bytes();
        let oldest = track.oldest().at;
        self.oldest = Some(self.oldest.map_or(oldest, |it| it.min(oldest)));
        let id = named.id;
        self.machines.insert(named.key, Recorded { id, track });
    }

    /// Something was dropped.
    fn look_for_oldest(&mut self) {
        let oldest = self.machines().map(|(_, track)| track.oldest().at);
        self.oldest = oldest.min();
    }

    /// Takes a machine out, to put it back with more.
    pub(super) fn take(&mut self, key: &MachineKey) -> Option<Track> {
        let recorded = self.machines.remove(key)?;
        self.bytes -= recorded.track.bytes();
        self.look_for_oldest();
        Some(recorded.track)
    }

    /// Counts all machines' records again, after the last was adopted.
    pub(super) fn count_again(&mut self) {
        let tracks = self.machines.values();
        let mut all: Vec<_> = tracks.flat_map(|it| it.track.tallies()).collect();
        all.sort_by_key(|(at, _)| *at);
        self.mesh = Pyramid::default();
        for (at, tally) in all {
            self.mesh.add(at, tally);
        }
    }

    /// What stands beside the records of these machines leaves later than that of others.
    pub fn pin(&mut self, machines: OrderedSet<MachineKey>) {
        self.pinned = machines;
    }

    /// How much is kept from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        while self.machines.len() > limits.machines && self.forget_one() {}
        self.make_room();
    }

    /// All machines, by owner and index.
    pub fn machines(&self) -> impl Iterator<Item = (&MachineKey, &Track)> {
        self.machines.iter().map(|(key, it)| (key, &it.track))
    }

    /// One machine's history.
    #[must_use]
    pub fn track(&self, key: &MachineKey) -> Option<&Track> {
        Some(&self.machines.get(key)?.track)
    }

    /// Its id on its owner.
    #[must_use]
    pub fn id(&self, key: &MachineKey) -> Option<&Arc<str>> {
        Some(&self.machines.get(key)?.id)
    }

    /// All runs of a machine of that id, by index.
    pub fn runs(&self, peer: &PeerId, id: &str) -> impl Iterator<Item = (&MachineKey, &Track)> {
        let (peer, id) = (*peer, id.to_owned());
        let mine = self.machines.iter();
        mine.filter(move |(key, it)| key.peer == peer && *it.id == *id)
            .map(|(key, it)| (key, &it.track))
    }

    /// How a machine was: the last record seen until then.
    #[must_use]
    pub fn look(&self, key: &MachineKey, position: Position) -> Look {
        self.track(key)
            .map_or(Look::NotYet, |track| track.look(position))
    }

    /// Where an instant lies in the order of records.
    #[must_use]
    pub fn position(&self, at: Seen) -> Position {
        let end = Position::end_of(at);
        if self.last <= end {
            return Position {
                at,
                order: self.last.order,
            };
        }
        let seen = self.machines().filter_map(|(_, track)| {
            let place = track.at(end)?;
            Some(track.position(place)?.order)
        });
        Position {
            at,
            order: seen.max().unwrap_or(0),
        }
    }

    /// The newest record's.
    #[must_use]
    pub fn newest(&self) -> Position {
        self.last
    }

    /// Records that came after this position.
    #[must_use]
    pub fn since(&self, position: Position) -> u64 {
        self.last.order.saturating_sub(position.order)
    }

    /// The oldest record held.
    #[must_use]
    pub fn oldest(&self) -> Option<Seen> {
        self.oldest
    }

    /// Everything since then is held, of every machine; something before it was dropped.
    #[must_use]
    pub fn dropped_before(&self) -> Option<Seen> {
        let cut = self.machines().filter(|(_, track)| track.dropped() > 0);
        cut.map(|(_, track)| track.oldest().at).max()
    }

    /// Counts of everything seen, dropped or not.
    #[must_use]
    pub fn pyramid(&self) -> &Pyramid {
        &self.mesh
    }

    /// Records held.
    #[must_use]
    pub fn len(&self) -> u64 {
        let held = self.machines().map(|(_, track)| {
            let (first, next) = track.places();
            next.0 - first.0
        });
        held.sum()
    }

    /// Nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.machines.is_empty()
    }

    /// Bytes held, counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes + self.mesh.bytes()
    }

    /// An instant that is not before any other.
    fn now(&self, at: Seen) -> Position {
        Position {
            at: at.max(self.last.at).min(LATEST),
            order: self.last.order,
        }
    }

    /// The position of the next record.
    fn next(&self, at: Seen) -> Position {
        let now = self.now(at);
        Position {
            order: now.order + 1,
            ..now
        }
    }

    fn change<T>(&mut self, key: &MachineKey, change: impl FnOnce(&mut Track) -> T) -> Option<T> {
        let track = &mut self.machines.get_mut(key)?.track;
        let before = track.bytes();
        let answer = change(track);
        self.bytes = self.bytes - before + track.bytes();
        Some(answer)
    }

    fn make_room(&mut self) {
        if self.bytes() <= self.limits.bytes {
            return;
        }
        // Some more than needed, so that this is rare.
        let enough = self.limits.bytes - self.limits.bytes / 16;
        // Whoever holds most loses old records before others lose more than what stands beside theirs.
        self.release(&[Room::Sides], enough);
        self.release(&[Room::Changes, Room::Oldest], enough);
        while self.bytes() > enough && self.forget_one() {}
        self.look_for_oldest();
    }

    fn release(&mut self, rooms: &[Room], enough: usize) {
        let mut most: BinaryHeap<(usize, MachineKey)> = self
            .machines()
            .filter(|(key, _)| rooms != [Room::Sides] || !self.pinned.contains(key))
            .map(|(key, track)| (track.bytes(), *key))
            .collect();
        while self.bytes() > enough
            && let Some((_, key)) = most.pop()
        {
            let left = self.change(&key, |track| {
                let gave = rooms.iter().any(|room| track.release(*room));
                gave.then(|| track.bytes())
            });
            if let Some(bytes) = left.flatten() {
                most.push((bytes, key));
            }
        }
    }

    /// Drops the machine that has been gone longest.
    fn forget_one(&mut self) -> bool {
        let gone = self.machines().filter_map(|(key, track)| {
            let (at, _) = track.standing().gone?;
            Some((at, *key))
        });
        let Some((_, key)) = gone.min() else {
            return false;
        };
        if let Some(recorded) = self.machines.remove(&key) {
            self.bytes -= recorded.track.bytes();
            self.look_for_oldest();
        }
        true
    }
}
