//! Machine time as a value: the ticks of all states at one moment, compared, added, and asked by index or by name.
//!
//! [`Time`] stands apart from any machine: records, histories and mirrors keep it. A state out of its range has tick
//! 0 and is neither active nor inactive; nothing here panics. Sums and ticks wrap, like the clock itself.

use std::fmt;
use std::ops::Deref;

use crate::engine::clock::is_active_tick;
use crate::ids::StateIdx;

/// Ticks in index order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Time(Vec<u64>);

impl Time {
    /// These ticks.
    #[must_use]
    pub fn new(ticks: impl Into<Vec<u64>>) -> Self {
        Self(ticks.into())
    }
    /// Tick of one state, 0 out of range.
    #[must_use]
    pub fn tick(&self, state: StateIdx) -> u64 {
        self.0.get(state.at()).copied().unwrap_or_default()
    }
    /// Sum of all ticks, wrapping: "machine time" as one number.
    #[must_use]
    pub fn sum(&self) -> u64 {
        sum(self.0.iter().copied())
    }
    /// Sum of the ticks of these states, wrapping.
    #[must_use]
    pub fn sum_of(&self, states: &[StateIdx]) -> u64 {
        sum(states.iter().map(|&state| self.tick(state)))
    }
    /// Tick by tick sum, wrapping. `None` when the lengths differ.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.zipped(other, u64::wrapping_add)
    }
    /// How far each tick has come since `before`, wrapping. `None` when the lengths differ.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        self.zipped(before, u64::wrapping_sub)
    }
    /// The ticks of these states, in their order; 0 for those out of range.
    #[must_use]
    pub fn select(&self, states: &[StateIdx]) -> Self {
        states.iter().map(|&state| self.tick(state)).collect()
    }
    /// One tick later for that state; the same when it is out of range.
    #[must_use]
    pub fn ticked(mut self, state: StateIdx) -> Self {
        if let Some(tick) = self.0.get_mut(state.at()) {
            *tick = tick.wrapping_add(1);
        }
        self
    }

    /// Every tick is greater, over the length both have.
    #[must_use]
    pub fn is_after(&self, other: &Self) -> bool {
        self.each(other, |own, other| own > other)
    }
    /// Every tick is at least as great, over the length both have.
    #[must_use]
    pub fn is_after_or_equal(&self, other: &Self) -> bool {
        self.each(other, |own, other| own >= other)
    }
    /// Every tick is less, over the length both have.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        other.is_after(self)
    }
    /// Every tick is at most as great, over the length both have.
    #[must_use]
    pub fn is_before_or_equal(&self, other: &Self) -> bool {
        other.is_after_or_equal(self)
    }
    /// `other` begins with these ticks. Plain `==` compares lengths, too.
    #[must_use]
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// That state is active.
    #[must_use]
    pub fn is_active(&self, state: StateIdx) -> bool {
        is_active_tick(self.tick(state))
    }
    /// That state is in range and inactive.
    #[must_use]
    pub fn is_inactive(&self, state: StateIdx) -> bool {
        let tick = self.0.get(state.at());
        tick.is_some_and(|&tick| !is_active_tick(tick))
    }
    /// All of these states are active; false for none.
    #[must_use]
    pub fn is(&self, states: &[StateIdx]) -> bool {
        !states.is_empty() && states.iter().all(|&state| self.is_active(state))
    }
    /// None of these states is active; true for none.
    #[must_use]
    pub fn not(&self, states: &[StateIdx]) -> bool {
        !self.any(states)
    }
    /// Some of these states is active.
    #[must_use]
    pub fn any(&self, states: &[StateIdx]) -> bool {
        states.iter().any(|&state| self.is_active(state))
    }
    /// Active states, in index order.
    pub fn active(&self) -> impl Iterator<Item = StateIdx> + '_ {
        self.where_tick(is_active_tick)
    }
    /// States that ever ticked, in index order.
    pub fn ticking(&self) -> impl Iterator<Item = StateIdx> + '_ {
        self.where_tick(|tick| tick != 0)
    }
    /// The same, to be asked by name.
    #[must_use]
    pub fn named<'a, S: AsRef<str>>(&'a self, names: &'a [S]) -> NamedTime<'a, S> {
        NamedTime { time: self, names }
    }

    fn zipped(&self, other: &Self, each: fn(u64, u64) -> u64) -> Option<Self> {
        let pairs = || self.0.iter().zip(&other.0);
        (self.len() == other.len()).then(|| pairs().map(|(&a, &b)| each(a, b)).collect())
    }
    fn each(&self, other: &Self, holds: impl Fn(u64, u64) -> bool) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.all(|(&own, &other)| holds(own, other))
    }
    fn where_tick(&self, holds: fn(u64) -> bool) -> impl Iterator<Item = StateIdx> + '_ {
        let states = (0..=u16::MAX).map(StateIdx).zip(&self.0);
        states.filter_map(move |(state, &tick)| holds(tick).then_some(state))
    }
}

impl Deref for Time {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl From<Vec<u64>> for Time {
    fn from(ticks: Vec<u64>) -> Self {
        Self(ticks)
    }
}

impl From<&[u64]> for Time {
    fn from(ticks: &[u64]) -> Self {
        Self(ticks.to_vec())
    }
}

impl FromIterator<u64> for Time {
    fn from_iter<I: IntoIterator<Item = u64>>(ticks: I) -> Self {
        Self(ticks.into_iter().collect())
    }
}

/// `3 2 0`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        joined(f, self.0.iter())
    }
}

/// A [`Time`] and the names of its states. A name that is not among them, or has no tick, is not active.
#[derive(Debug)]
pub struct NamedTime<'a, S> {
    time: &'a Time,
    names: &'a [S],
}

/// There is no state of this name. The caller's mistake; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no state named {0}")]
pub struct UnknownState(pub String);

impl<'a, S: AsRef<str>> NamedTime<'a, S> {
    /// Name of a state; `None` when it has none.
    #[must_use]
    pub fn name(&self, state: StateIdx) -> Option<&'a str> {
        self.names.get(state.at()).map(AsRef::as_ref)
    }
    /// Index of a name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<StateIdx> {
        let mut names = (0..=u16::MAX).map(StateIdx).zip(self.names);
        names
            .find(|(_, known)| known.as_ref() == name)
            .map(|(state, _)| state)
    }
    /// All of these states are active; false for none.
    #[must_use]
    pub fn is(&self, states: &[impl AsRef<str>]) -> bool {
        !states.is_empty() && states.iter().all(|name| self.is_active(name.as_ref()))
    }
    /// None of these states is active; true for none.
    #[must_use]
    pub fn not(&self, states: &[impl AsRef<str>]) -> bool {
        !self.any(states)
    }
    /// Some of these states is active.
    #[must_use]
    pub fn any(&self, states: &[impl AsRef<str>]) -> bool {
        states.iter().any(|name| self.is_active(name.as_ref()))
    }
    /// That state is active.
    #[must_use]
    pub fn is_active(&self, name: &str) -> bool {
        let state = self.index(name);
        state.is_some_and(|state| self.time.is_active(state))
    }
    /// Sum of the ticks of these states, wrapping.
    ///
    /// # Errors
    /// [`UnknownState`]: the first name that is none.
    pub fn sum_of(&self, states: &[impl AsRef<str>]) -> Result<u64, UnknownState> {
        let mut total = 0_u64;
        for name in states {
            let unknown = || UnknownState(name.as_ref().to_owned());
            let state = self.index(name.as_ref()).ok_or_else(unknown)?;
            total = total.wrapping_add(self.time.tick(state));
        }
        Ok(total)
    }
    /// Names of active states, in index order; one without a name is shown by its index.
    pub fn active(&self) -> impl Iterator<Item = String> + '_ {
        self.time.active().map(|state| self.shown(state))
    }
    /// Names of states that ever ticked, in index order; one without a name is shown by its index.
    pub fn ticking(&self) -> impl Iterator<Item = String> + '_ {
        self.time.ticking().map(|state| self.shown(state))
    }

    fn shown(&self, state: StateIdx) -> String {
        let name = self.name(state).map(str::to_owned);
        name.unwrap_or_else(|| format!("unknown{state}"))
    }
}

/// Names of the active states.
impl<S: AsRef<str>> fmt::Display for NamedTime<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        joined(f, self.active())
    }
}

fn sum(ticks: impl Iterator<Item = u64>) -> u64 {
    ticks.fold(0, u64::wrapping_add)
}

/// Joined by single spaces.
pub(crate) fn joined<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
) -> fmt::Result {
    for (at, item) in items.enumerate() {
        if at > 0 {
            f.write_str(" ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: StateIdx = StateIdx(0);
    const B: StateIdx = StateIdx(1);
    /// Out of range.
    const Z: StateIdx = StateIdx(9);

    fn time(ticks: &[u64]) -> Time {
        Time::from(ticks)
    }

    #[test]
    fn a_state_out_of_range_is_nothing() {
        let time = time(&[1, 2]);
        assert_eq!((time.tick(Z), time.sum_of(&[A, Z, A])), (0, 2));
        assert_eq!((time.is_active(Z), time.is_inactive(Z)), (false, false));
        assert_eq!((time.is(&[A, Z]), time.any(&[Z, A])), (false, true));
        assert_eq!((time.not(&[Z]), time.not(&[B, Z, A])), (true, false));
        assert_eq!(time.select(&[B, Z, A]), Time::new([2, 0, 1]));
        assert_eq!(time.clone().ticked(Z), time);
    }

    #[test]
    fn nothing_asked_is_not_true() {
        let time = time(&[1]);
        assert_eq!(
            (time.is(&[]), time.not(&[]), time.any(&[])),
            (false, true, false)
        );
    }

    #[test]
    fn comparisons_look_at_what_both_have() {
        let (short, long) = (time(&[2, 3]), time(&[2, 3, 1]));
        assert_eq!(
            (short.is_prefix_of(&long), long.is_prefix_of(&short)),
            (true, false)
        );
        assert!(short.is_after_or_equal(&long) && !short.is_after(&long));
        assert!(time(&[3, 4]).is_after(&long) && long.is_before(&time(&[3, 4])));
        assert!(
            !time(&[3, 3]).is_after(&long),
            "every tick must be greater, not one"
        );
        assert_eq!((short.checked_add(&long), short.since(&long)), (None, None));
        assert_eq!(time(&[0]).since(&time(&[1])), Some(Time::new([u64::MAX])));
    }

    #[test]
    fn names_may_be_fewer_or_more_than_ticks() {
        let ticks = time(&[1, 2, 3]);
        let named = ticks.named(&["A", "B"]);
        assert_eq!(named.to_string(), "A unknown2");
        assert_eq!(named.sum_of(&["A", "Q"]), Err(UnknownState("Q".to_owned())));
        let ticks = time(&[1]);
        let named = ticks.named(&["A", "B"]);
        assert_eq!((named.is(&["B"]), named.not(&["B"])), (false, true));
        assert_eq!(named.sum_of(&["B", "A"]), Ok(1));
    }
}
