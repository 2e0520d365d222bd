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
    /// These ticks, and their active states in this order.
    pub(crate) fn at(ticks: Vec<u64>, active: &[StateIdx]) -> Self {
        let mut clock = Self::new(ticks.len());
        clock.active.extend(active);
        clock.sum = ticks.iter().fold(0, |sum, tick| sum.wrapping_add(*tick));
        clock.ticks = ticks;
        clock
    }
    /// The same over `states` states, each old one at its new place.
    pub(crate) fn moved(&self, states: usize, places: &[StateIdx]) -> Self {
        let mut ticks = vec![0; states];
        for (place, tick) in places.iter().zip(&self.ticks) {
            ticks[place.at()] = *tick;
        }
        let active = self.active.as_slice().iter();
        let active: Vec<_> = active.map(|state| places[state.at()]).collect();
        Self::at(ticks, &active)
    }
    #[inline]
    pub(crate) fn ticks(&self) -> &[u64] {
        &self.ticks
    }
    #[inline]
    pub(crate) fn active(&self) -> &StateList {
        &self.active
    }
    pub(crate) fn sum(&self) -> u64 {
        self.sum
    }
    /// Exchanges the active list and the one given.
    #[inline]
    pub(crate) fn swap_active(&mut self, target: &mut StateList) {
        std::mem::swap(&mut self.active, target);
    }
    /// Exchanges the ticks and those given, whose sum is larger by `gained`.
    #[inline]
    pub(crate) fn swap_ticks(&mut self, ticks: &mut Vec<u64>, gained: u64) {
        std::mem::swap(&mut self.ticks, ticks);
        self.sum = self.sum.wrapping_add(gained);
    }
    /// Ends one state outside a commit.
    pub(crate) fn end(&mut self, state: StateIdx) {
        if self.active.contains(state) {
            self.active.remove(state);
            let tick = &mut self.ticks[state.at()];
            *tick = tick.wrapping_add(1);
            self.sum = self.sum.wrapping_add(1);
        }
    }
}
