//! Who changed what when, and how long it took each of the others to see it.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use statemesh::prelude::*;

/// How often something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every peer each one to three seconds.
    Each,
    /// Ten times a second in all.
    Ten,
}

impl Pace {
    pub fn name(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Ten => "ten",
        }
    }
    /// When who changes, in order, without end.
    pub fn schedule(self, peers: usize) -> impl Iterator<Item = (Duration, usize)> {
        let mut random = Random::new(2);
        let mut next: Vec<u64> = match self {
            Self::Each => (0..peers).map(|_| random.below(3000)).collect(),
            Self::Ten => vec![0],
        };
        std::iter::from_fn(move || {
            let (at, due) = next
                .iter()
                .copied()
                .enumerate()
                .min_by_key(|(_, due)| *due)?;
            let (pause, peer) = match self {
                Self::Each => (1000 + random.below(2000), at),
                Self::Ten => (100, random.below(peers as u64) as usize),
            };
            next[at] = due + pause;
            Some((Duration::from_millis(due), peer))
        })
    }
}

/// All changes of a phase and all sightings.
pub struct Ledger {
    changes: Vec<Mutex<Vec<Change>>>,
    observers: Vec<Mutex<Observer>>,
}

struct Change {
    /// Of the state, after it.
    tick: u64,
    at: Instant,
}

struct Observer {
    /// Per owner, how many changes were seen.
    seen: Vec<usize>,
    lags: Vec<Duration>,
}

impl Ledger {
    pub fn new(peers: usize) -> Self {
        let observer = || Observer {
            seen: vec![0; peers],
            lags: Vec::new(),
        };
        Self {
            changes: (0..peers).map(|_| Mutex::default()).collect(),
            observers: (0..peers).map(|_| Mutex::new(observer())).collect(),
        }
    }
    /// Forgets the phase before.
    pub fn begin(&self) {
        for observer in &self.observers {
            let mut observer = observer.lock();
            observer.seen.fill(0);
            observer.lags.clear();
        }
        self.changes
            .iter()
            .for_each(|changes| changes.lock().clear());
    }
    /// Changes a machine. Observers wait for the lock, so none sees it before it is noted.
    pub fn change(&self, peer: usize, machine: &Machine) {
        let mut changes = self.changes[peer].lock();
        let at = Instant::now();
        machine.toggle("Bar").expect("a state without conditions");
        let tick = machine.tick("Bar");
        changes.push(Change { tick, at });
    }
    /// An observer has this tick of an owner's state: all changes up to it are seen.
    pub fn saw(&self, observer: usize, owner: usize, tick: u64, now: Instant) {
        let mut observer = self.observers[observer].lock();
        let changes = self.changes[owner].lock();
        let seen = observer.seen[owner];
        let new = changes[seen.min(changes.len())..].iter();
        let new: Vec<_> = new.take_while(|change| change.tick <= tick).collect();
        observer.seen[owner] += new.len();
        let lags = new
            .iter()
            .map(|change| now.saturating_duration_since(change.at));
        observer.lags.extend(lags);
    }
    /// Changes so far.
    pub fn changes(&self) -> usize {
        self.changes
            .iter()
            .map(|changes| changes.lock().len())
            .sum()
    }
    /// Pairs of a change and a peer that has not seen it.
    pub fn unseen(&self) -> usize {
        let wanted = self.changes() * (self.observers.len() - 1);
        wanted
            - self
                .observers
                .iter()
                .map(|observer| observer.lock().lags.len())
                .sum::<usize>()
    }
    /// All sightings, shortest first.
    pub fn lags(&self) -> Lags {
        let mut lags: Vec<_> = self
            .observers
            .iter()
            .flat_map(|observer| observer.lock().lags.clone())
            .collect();
        lags.sort_unstable();
        Lags(lags)
    }
}

/// Delays, shortest first.
pub struct Lags(Vec<Duration>);

impl Lags {
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// So many percent are not longer.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

/// Numbers that are the same in every run and in the Go twin (Knuth's MMIX generator).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
