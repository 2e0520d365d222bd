//! Ticks of all states, their sum, and the ordered list of active ones. Odd is active, even is inactive.
//!
//! Only a commit and its repair write here. Sums and ticks wrap.

use crate::engine::state_set::StateList;
use crate::ids::StateIdx;

/// True for a tick of an active state.
#[must_use]
pub fn is_active_tick(tick: u64) -> bool {
    tick % 2 == 1
}

/// First tick after `tick` at which the state becomes active again.
#[must_use]
pub fn next_active_tick(tick: u64) -> u64 {
    tick.wrapping_add(if is_active_tick(tick) { 2 } else { 1 })
}

/// First tick after `tick` at which the state becomes inactive again.
#[must_use]
pub fn next_inactive_tick(tick: u64) -> u64 {
    tick.wrapping_add(if is_active_tick(tick) { 1 } else { 2 })
}

/// How often a state has begun by this tick, re-entries of an active Multi state included.
#[must_use]
pub fn activations(tick: u64) -> u64 {
    tick / 2 + tick % 2
}

/// The clock of one machine.
#[derive(Debug)]
pub(crate) struct Clock {
    ticks: Vec<u64>,
    active: StateList,
    sum: u64,
}

impl Clock {
    pub(crate) fn new(states: usize) -> Self {
        Self {
            ticks: vec![0; states],
            active: StateList::new(states),
            sum: 0,
        }
    }
    pub(crate) fn ticks(&self) -> &[u64] {
        &self.ticks
    }
    pub(crate) fn active(&self) -> &StateList {
        &self.active
    }
    pub(crate) fn sum(&self) -> u64 {
        self.sum
    }
    /// Sets one tick; the caller sees to the active list.
    pub(crate) fn set(&mut self, state: StateIdx, tick: u64) {
        let old = &mut self.ticks[state.at()];
        self.sum = self.sum.wrapping_add(tick.wrapping_sub(*old));
        *old = tick;
    }
    /// Replaces the active list.
    pub(crate) fn set_active(&mut self, target: &StateList) {
        self.active.copy_from(target);
    }
    /// Ends one state outside a commit.
    pub(crate) fn end(&mut self, state: StateIdx) {
        if self.active.contains(state) {
            self.active.remove(state);
            self.set(state, self.ticks[state.at()].wrapping_add(1));
        }
    }
}
