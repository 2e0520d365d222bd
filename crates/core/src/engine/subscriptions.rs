//! When, WhenNot, WhenTime over a clock: what fired, as ids. No wakers, no channels. Used by machines and, outside, by mirrors.

use crate::ids::StateIdx;

/// Number of a pending wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

/// Result of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// True already; nothing was registered.
    Ready,
    /// Pending. An equal pending wait is shared: the same id comes back, and each registration needs its own `forget`.
    Pending(WaitId),
}

/// Pending waits over one clock.
#[derive(Debug, Default)]
pub struct Subscriptions {}

impl Subscriptions {
    /// Waits until all `states` are active.
    pub fn when(&mut self, states: &[StateIdx], clock: &[u64]) -> Wait {
        let _ = (states, clock);
        todo!()
    }
    /// Waits until all `states` are inactive.
    pub fn when_not(&mut self, states: &[StateIdx], clock: &[u64]) -> Wait {
        let _ = (states, clock);
        todo!()
    }
    /// Waits until each state reached its tick at some point.
    pub fn when_time(&mut self, states: &[StateIdx], ticks: &[u64], clock: &[u64]) -> Wait {
        let _ = (states, ticks, clock);
        todo!()
    }
    /// Tells about a change of the clock; what fired is appended to `fired` and no longer pending.
    pub fn apply(&mut self, before: &[u64], after: &[u64], fired: &mut Vec<WaitId>) {
        let _ = (before, after, fired);
        todo!()
    }
    /// Drops one registration.
    pub fn forget(&mut self, wait: WaitId) {
        let _ = wait;
        todo!()
    }
    /// Number of pending waits.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }
    /// True when nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
