//! One machine as this tab knows it: its schema, its newest clock, and the changes seen, each within its interval.
//!
//! Everything here comes from snapshots: between two of them the order of changes and their instants are unknown, and
//! nothing in this file invents them. Both histories are bounded rings.

use std::collections::VecDeque;
use std::sync::Arc;

use statemesh::{MachineIdx, PeerId};

use super::conditions::is_work;
use super::schema::{is_active, tick};
use super::{Conditions, Interval, SchemaFacts, Seen, Shown, Thresholds, Vitals};

/// Names a machine: indexes are never reused by a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineKey {
    /// Owner.
    pub peer: PeerId,
    /// Index on its owner.
    pub index: MachineIdx,
}

/// What a machine is to the mesh, by its tag `role:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An application's machine.
    Application,
    /// The lifecycle of a peer.
    Peer,
    /// The lifecycle of a relay.
    Relay,
    /// The lifecycle of this tab.
    Tab,
}

impl Role {
    fn of(tags: &[String]) -> Self {
        let named = tag(tags, "role").and_then(Self::named);
        named.unwrap_or(Self::Application)
    }

    /// The role of a peer by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "peer" => Some(Self::Peer),
            "relay" => Some(Self::Relay),
            "tab" => Some(Self::Tab),
            _ => None,
        }
    }

    /// How the role of a peer is told; none for applications, which say nothing.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Application => None,
            Self::Peer => Some("peer"),
            Self::Relay => Some("relay"),
            Self::Tab => Some("tab"),
        }
    }
}

/// What tags say of the peer that a machine belongs to: its role, and its host as it may be shown.
#[must_use]
pub fn belongs(tags: &[String]) -> (Role, Option<Shown>) {
    (Role::of(tags), tag(tags, "host").map(Shown::new))
}

fn tail(key: &MachineKey) -> [u8; 8] {
    let text = key.peer.to_string();
    text.as_bytes().last_chunk().copied().unwrap_or_default()
}

fn tag<'a>(tags: &'a [String], key: &str) -> Option<&'a str> {
    tags.iter()
        .find_map(|tag| tag.strip_prefix(key)?.strip_prefix(':'))
}

/// A machine at the moment it was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    /// Names it.
    pub key: MachineKey,
    /// Id on its owner.
    pub id: Arc<str>,
    /// Tags.
    pub tags: Vec<String>,
    /// Parent machine id, or empty.
    pub parent: String,
    /// Schema.
    pub schema: Arc<SchemaFacts>,
    /// First look.
    pub reading: Reading,
    /// It is this tab's own.
    pub own: bool,
}

/// One look at a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Ticks in index order.
    pub clock: Arc<[u64]>,
    /// Signed by its owner.
    pub first_hand: bool,
    /// When the change that it shows happened.
    pub changed: Interval,
}

/// What changed between two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Counts the changes of this machine from 1.
    pub number: u64,
    /// When.
    pub at: Interval,
    /// Changed states, in index order.
    pub states: Vec<StateChange>,
    /// Ticks went back: its owner began anew.
    pub restarted: bool,
}

/// How one state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Index.
    pub state: usize,
    /// Tick before.
    pub before: u64,
    /// Tick after.
    pub after: u64,
}

impl StateChange {
    /// Ticks passed.
    #[must_use]
    pub fn ticks(self) -> u64 {
        self.after.saturating_sub(self.before)
    }

    /// It was on and off in between, and nobody saw it.
    #[must_use]
    pub fn flickered(self) -> bool {
        self.ticks() >= 2
    }
}

/// A machine this tab knows.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Names it.
    pub key: MachineKey,
    /// Id as its owner wrote it.
    pub id: Arc<str>,
    /// Id as it may be shown.
    pub shown: Shown,
    /// The last characters of its owner's id.
    pub tail: [u8; 8],
    /// What it is to the mesh.
    pub role: Role,
    /// `host:` tag as it may be shown.
    pub host: Option<Shown>,
    /// Other tags, as they may be shown.
    pub tags: Vec<Shown>,
    /// Parent's id as it may be shown.
    pub parent: Option<Shown>,
    /// Schema.
    pub schema: Arc<SchemaFacts>,
    /// Newest clock.
    pub clock: Arc<[u64]>,
    /// Signed by its owner.
    pub first_hand: bool,
    /// When the newest change happened.
    pub changed: Interval,
    /// Changes seen, oldest first.
    pub changes: VecDeque<Change>,
    /// How many changes were seen in all.
    pub change_count: u64,
    /// When its owner went or took it back.
    pub gone: Option<Seen>,
    /// It is this tab's own.
    pub own: bool,
    /// What the rules of health watch.
    pub conditions: Conditions,
    /// Times between them, in milliseconds, newest last.
    gaps: VecDeque<u32>,
}

/// A machine as it was: what may differ from how it is.
#[derive(Clone, Debug)]
pub struct Past {
    /// Schema.
    pub schema: Arc<SchemaFacts>,
    /// Clock.
    pub clock: Arc<[u64]>,
    /// Signed by its owner.
    pub first_hand: bool,
    /// When the newest change happened.
    pub changed: Interval,
    /// The newest changes, oldest first.
    pub changes: VecDeque<Change>,
    /// How many changes were seen in all.
    pub change_count: u64,
    /// When its owner went or took it back.
    pub gone: Option<Seen>,
    /// What the rules of health watch.
    pub conditions: Conditions,
}

impl Machine {
    /// The same machine as it was.
    #[must_use]
    pub fn then(&self, past: Past) -> Self {
        Self {
            schema: past.schema,
            clock: past.clock,
            first_hand: past.first_hand,
            changed: past.changed,
            changes: past.changes,
            change_count: past.change_count,
            gone: past.gone,
            conditions: past.conditions,
            gaps: VecDeque::new(),
            ..self.clone()
        }
    }

    /// A machine just learned.
    #[must_use]
    pub fn new(learned: Learned, now: Seen) -> Self {
        let Learned {
            key,
            id,
            tags,
            parent,
            schema,
            reading,
            own,
        } = learned;
        let changed = Interval {
            after: None,
            by: now,
        };
        Self {
            key,
            shown: Shown::new(&id),
            tail: tail(&key),
            id,
            role: Role::of(&tags),
            host: tag(&tags, "host").map(Shown::new),
            tags: tags
                .iter()
                .filter(|tag| !tag.starts_with("host:") && !tag.starts_with("role:"))
                .take(TAGS_KEPT)
                .map(|tag| Shown::new(tag))
                .collect(),
            parent: (!parent.is_empty()).then(|| Shown::new(&parent)),
            conditions: Conditions::begin(&schema, &reading.clock, changed),
            schema,
            clock: reading.clock,
            first_hand: reading.first_hand,
            changed,
            changes: VecDeque::new(),
            change_count: 0,
            gone: None,
            own,
            gaps: VecDeque::new(),
        }
    }

    /// A new reading. False: it says nothing new.
    pub fn read(&mut self, reading: Reading) -> bool {
        self.first_hand = reading.first_hand;
        let states = self.difference(&reading.clock);
        if states.is_empty() {
            return false;
        }
        let restarted = states.iter().any(|change| change.after < change.before);
        self.note_gap(&states, reading.changed.by);
        self.conditions
            .follow(&self.schema, &states, &reading.clock, reading.changed);
        self.clock = reading.clock;
        self.changed = reading.changed;
        self.change_count += 1;
        if self.changes.len() == CHANGES_KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(Change {
            number: self.change_count,
            at: reading.changed,
            states,
            restarted,
        });
        true
    }

    /// Sum of all ticks.
    #[must_use]
    pub fn machine_time(&self) -> u64 {
        self.clock
            .iter()
            .fold(0, |sum: u64, tick| sum.wrapping_add(*tick))
    }

    /// Is that state active?
    #[must_use]
    pub fn is_active(&self, state: usize) -> bool {
        is_active(&self.clock, state)
    }

    /// What the rules of health look at, which wait as long as they do by default.
    #[must_use]
    pub fn vitals(&self) -> Vitals<'_> {
        Vitals {
            schema: &self.schema,
            clock: &self.clock,
            changed: self.changed,
            conditions: self.conditions,
            longest_gap: self.longest_gap(),
            gone: self.gone,
            own: self.own,
            rules: Thresholds::default(),
        }
    }

    /// Longest time between two changes that count as work, of the last [`GAPS_KEPT`].
    #[must_use]
    pub fn longest_gap(&self) -> Option<u64> {
        self.gaps.iter().max().map(|gap| u64::from(*gap))
    }

    /// It counts in the verdict.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.role == Role::Application
    }

    fn difference(&self, clock: &[u64]) -> Vec<StateChange> {
        (0..self.schema.states.len())
            .map(|state| StateChange {
                state,
                before: tick(&self.clock, state),
                after: tick(clock, state),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }

    fn note_gap(&mut self, states: &[StateChange], now: Seen) {
        let worked = self.conditions.worked;
        let Some(before) = worked.filter(|_| is_work(&self.schema, states)) else {
            return;
        };
        if self.gaps.len() == GAPS_KEPT {
            self.gaps.pop_front();
        }
        self.gaps
            .push_back(u32::try_from(now.since(before)).unwrap_or(u32::MAX));
    }
}

/// Changes kept of one machine (guess: some screens full).
pub const CHANGES_KEPT: usize = 100;
/// Gaps that the rule for Quiet looks back on (dashboard design 4.4).
pub const GAPS_KEPT: usize = 200;
/// Tags shown of one machine.
const TAGS_KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned, reading};
    use super::*;

    #[test]
    fn a_reading_becomes_a_change_within_its_interval() {
        let mut machine = Machine::new(learned("courier", &[1, 1, 0, 0]), Seen(1_000));
        assert_eq!(machine.changed.after, None);
        assert!(!machine.read(reading(&[1, 1, 0, 0], 1_000, 2_000)));
        assert!(machine.read(reading(&[1, 2, 4, 0], 2_000, 3_000)));
        let change = machine.changes.back().unwrap();
        assert_eq!(change.at.after, Some(Seen(2_000)));
        assert_eq!(change.states.len(), 2);
        assert!(!change.states[0].flickered());
        assert!(change.states[1].flickered());
        assert_eq!(machine.machine_time(), 7);
    }

    #[test]
    fn histories_are_bounded() {
        let mut machine = Machine::new(learned("busy", &[1, 1, 0, 0]), Seen(0));
        for at in 1..=1_000 {
            machine.read(reading(&[1, 1, at, 0], at - 1, at));
        }
        assert_eq!(machine.changes.len(), CHANGES_KEPT);
        assert_eq!(machine.gaps.len(), GAPS_KEPT);
        assert_eq!(machine.change_count, 1_000);
        assert_eq!(machine.changes.front().unwrap().number, 901);
    }

    #[test]
    fn an_error_that_nobody_saw_is_remembered() {
        let mut machine = Machine::new(learned("flaky", &[1, 1, 0, 0]), Seen(0));
        machine.read(reading(&[1, 1, 0, 2], 0, 500));
        assert_eq!(machine.conditions.error_since, None);
        assert_eq!(machine.conditions.error_over.unwrap().by, Seen(500));
    }

    #[test]
    fn ticks_that_go_back_are_a_restart_and_never_negative() {
        let mut machine = Machine::new(learned("m", &[5, 7, 2, 0]), Seen(0));
        machine.read(reading(&[1, 1, 0, 0], 0, 500));
        let change = machine.changes.back().unwrap();
        assert!(change.restarted);
        assert!(change.states.iter().all(|change| change.ticks() == 0));
    }

    #[test]
    fn short_and_long_clocks_are_harmless() {
        let mut machine = Machine::new(learned("m", &[1]), Seen(0));
        machine.read(reading(&[1, 1, 0, 0, 9, 9, 9], 0, 500));
        assert_eq!(machine.changes.back().unwrap().states.len(), 1);
    }
}
