//! What is put into the history, and what is read from it.
//!
//! One shape for every fidelity: a snapshot is a record without a number, an instant or a head; a traced transition has
//! all of them. Nothing that was not told is ever filled in.

use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::engine::MutationKind;

use super::side::Side;
use super::{Interval, StateChange};

/// How much is known of a machine (dashboard design 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// F0: named by others, nothing else.
    #[default]
    Name,
    /// F1: full clocks from time to time.
    Snapshots,
    /// F2: every committed transition.
    Changes,
    /// F3: heads of transitions too, and what their owner sends beside them.
    Trace,
    /// F4: this tab's own machine.
    Local,
}

impl Fidelity {
    /// As the page says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "Name only",
            Self::Snapshots => "Snapshots",
            Self::Changes => "Changes",
            Self::Trace => "Full trace",
            Self::Local => "Local",
        }
    }

    /// F0 to F4.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::Name => 0,
            Self::Snapshots => 1,
            Self::Changes => 2,
            Self::Trace => 3,
            Self::Local => 4,
        }
    }

    /// The level with that number.
    #[must_use]
    pub fn of_level(level: u8) -> Option<Self> {
        [
            Self::Name,
            Self::Snapshots,
            Self::Changes,
            Self::Trace,
            Self::Local,
        ]
        .into_iter()
        .find(|fidelity| fidelity.level() == level)
    }
}

/// The ticks that a record tells.
#[derive(Clone, Copy, Debug)]
pub enum Ticks<'a> {
    /// All of them, after it.
    Clock(&'a [u64]),
    /// How far it moved which states.
    Moved(&'a [Moved]),
}

/// How far a state was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Index.
    pub state: u32,
    /// Ticks passed.
    pub ticks: u64,
}

/// Something to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When it happened; the end of it is when it was seen.
    pub at: Interval,
    /// How it came.
    pub fidelity: Fidelity,
    /// Signed by its owner.
    pub first_hand: bool,
    /// Its owner's number of the transition.
    pub number: Option<u64>,
    /// Its owner's time, in microseconds since 1970.
    pub owner_at: Option<u64>,
    /// Ticks.
    pub ticks: Ticks<'a>,
    /// What was asked for, if that is known.
    pub head: Option<&'a Head>,
    /// Steps, refusals, log.
    pub side: Option<&'a Side>,
}

impl<'a> Record<'a> {
    /// A snapshot by gossip.
    #[must_use]
    pub fn snapshot(at: Interval, clock: &'a [u64]) -> Self {
        Self {
            at,
            fidelity: Fidelity::Snapshots,
            first_hand: true,
            number: None,
            owner_at: None,
            ticks: Ticks::Clock(clock),
            head: None,
            side: None,
        }
    }
}

/// What a transition was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it does.
    pub kind: MutationKind,
    /// Called states.
    pub called: Vec<u32>,
    /// Called by the engine for Auto states.
    pub is_auto: bool,
    /// Tried only.
    pub is_check: bool,
    /// Somebody refused.
    pub is_canceled: bool,
    /// It came while the machine was at work, and waited for its turn.
    pub is_queued: bool,
    /// Cause.
    pub source: Option<Cause>,
    /// Queue tick of the mutation.
    pub queue_tick: Option<u64>,
    /// How long it took, in microseconds.
    pub duration: Option<u64>,
}

/// The transition that caused another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Owner; `None`: the same.
    pub peer: Option<PeerId>,
    /// Machine id.
    pub machine: Arc<str>,
    /// Its number.
    pub number: u64,
    /// Sum of its ticks before it.
    pub machine_time: u64,
}

/// Names a record of one machine: counts them from 0, over restarts, and is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u64);

/// A record as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names it.
    pub place: Place,
    /// Its place among all records of the page.
    pub order: u64,
    /// When it happened; the end of it is when it was seen.
    pub at: Interval,
    /// The owner's run it belongs to.
    pub epoch: u64,
    /// Signed by its owner.
    pub first_hand: bool,
    /// The first of its run: everything before it is unknown, its clock is no change.
    pub is_first_look: bool,
    /// An error state went on in it.
    pub is_error: bool,
    /// It says something about the machine's own work.
    pub is_work: bool,
    /// What is known beyond that; `None`: dropped to save room.
    pub detail: Option<Detail>,
}

/// What leaves first when room is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Its owner's number.
    pub number: Option<u64>,
    /// Its owner's time, in microseconds since 1970.
    pub owner_at: Option<u64>,
    /// Changed states in index order, with the ticks before and after.
    pub changes: Vec<StateChange>,
    /// What was asked for.
    pub head: Option<Head>,
    /// Sum of all ticks behind it.
    pub machine_time: u64,
}

impl Detail {
    /// Ticks passed.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        let ticks = self.changes.iter().map(|change| change.ticks());
        ticks.fold(0, u64::saturating_add)
    }

    /// States that were on and off, or off and on, in between, and nobody saw it.
    pub fn flickers(&self) -> impl Iterator<Item = StateChange> + '_ {
        let changes = self.changes.iter().copied();
        changes.filter(|change| change.flickered() && change.ticks().is_multiple_of(2))
    }
}
