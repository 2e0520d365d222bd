//! All timers of a node in one table: each has at most one deadline.

use crate::time::Instant;

/// What is to be done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Introduce own machines.
    Announce,
    /// Publish changed clocks and links.
    Flush,
    /// Publish all clocks and links.
    Heartbeat,
    /// Publish all clocks because somebody asked.
    Repeat,
    /// Tell Go peers the sums of others.
    Gossip,
    /// Greet neighbours that do not answer directly.
    Strangers,
    /// Ask suspects whether they live.
    Probe,
    /// Take machines back.
    Bye,
}

/// In order of urgency.
const ALL: [Timer; 8] = [
    Timer::Bye,
    Timer::Announce,
    Timer::Flush,
    Timer::Heartbeat,
    Timer::Repeat,
    Timer::Gossip,
    Timer::Strangers,
    Timer::Probe,
];

/// Deadlines by timer.
#[derive(Debug, Default)]
pub(super) struct Timers([Option<Instant>; ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    /// Moves the deadline forward, never back.
    pub(super) fn no_later_than(&mut self, timer: Timer, at: Instant) {
        let slot = &mut self.0[timer as usize];
        *slot = Some(slot.map_or(at, |armed| armed.min(at)));
    }

    pub(super) fn at(&self, timer: Timer) -> Option<Instant> {
        self.0[timer as usize]
    }

    pub(super) fn is_armed(&self, timer: Timer) -> bool {
        self.at(timer).is_some()
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// Takes one whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let due = |timer: &Timer| self.0[*timer as usize].is_some_and(|at| at <= now);
        let timer = ALL.into_iter().find(due)?;
        self.clear(timer);
        Some(timer)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }
}
