//! Sets of states: a plain bit set, and an ordered list that has a bit set beside it.
//!
//! Both keep their memory when cleared, so that the path of a mutation allocates nothing. A state outside the
//! capacity is in no set.

use crate::ids::StateIdx;

/// Bit set over the states of one schema. The first 64 states need no memory elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateBits {
    first: u64,
    rest: Box<[u64]>,
}

impl StateBits {
    /// An empty set for `states` states.
    pub(crate) fn new(states: usize) -> Self {
        Self {
            first: 0,
            rest: vec![0; states.saturating_sub(64).div_ceil(64)].into_boxed_slice(),
        }
    }
    #[inline]
    pub(crate) fn contains(&self, state: StateIdx) -> bool {
        let (word, bit) = place(state);
        if word == 0 {
            return self.first & bit != 0;
        }
        self.rest.get(word - 1).is_some_and(|word| word & bit != 0)
    }
    #[inline]
    pub(crate) fn insert(&mut self, state: StateIdx) {
        let (word, bit) = place(state);
        if word == 0 {
            self.first |= bit;
        } else if let Some(word) = self.rest.get_mut(word - 1) {
            *word |= bit;
        }
    }
    #[inline]
    pub(crate) fn remove(&mut self, state: StateIdx) {
        let (word, bit) = place(state);
        if word == 0 {
            self.first &= !bit;
        } else if let Some(word) = self.rest.get_mut(word - 1) {
            *word &= !bit;
        }
    }
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.first = 0;
        if !self.rest.is_empty() {
            self.rest.fill(0);
        }
    }
    #[inline]
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.first & other.first != 0
            || (!self.rest.is_empty() && {
                let mut words = self.rest.iter().zip(&other.rest);
                words.any(|(a, b)| a & b != 0)
            })
    }
    /// Every state of the other set is in this one.
    #[inline]
    pub(crate) fn is_superset(&self, other: &Self) -> bool {
        let words = || self.rest.iter().zip(&other.rest);
        other.first & !self.first == 0
            && (other.rest.is_empty() || words().all(|(own, other)| other & !own == 0))
    }
    /// It is for at most 64 states.
    #[inline]
    pub(crate) fn is_one_word(&self) -> bool {
        self.rest.is_empty()
    }
    /// The first 64 states as bits, the lowest for state 0.
    #[inline]
    pub(crate) fn first_word(&self) -> u64 {
        self.first
    }
}

/// States in an order, each at most once. Its memory is taken once, for all states of the schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateList {
    /// The first `len` are listed.
    order: Box<[StateIdx]>,
    len: usize,
    bits: StateBits,
}

impl StateList {
    /// An empty list for `states` states.
    pub(crate) fn new(states: usize) -> Self {
        Self {
            order: vec![StateIdx::default(); states].into_boxed_slice(),
            len: 0,
            bits: StateBits::new(states),
        }
    }
    #[inline]
    pub(crate) fn as_slice(&self) -> &[StateIdx] {
        self.order.get(..self.len).unwrap_or_default()
    }
    #[inline]
    pub(crate) fn bits(&self) -> &StateBits {
        &self.bits
    }
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
    #[inline]
    pub(crate) fn contains(&self, state: StateIdx) -> bool {
        self.bits.contains(state)
    }
    /// Appends it unless it is there already.
    #[inline]
    pub(crate) fn push(&mut self, state: StateIdx) {
        if !self.bits.contains(state)
            && let Some(place) = self.order.get_mut(self.len)
        {
            *place = state;
            self.len += 1;
            self.bits.insert(state);
        }
    }
    #[inline]
    pub(crate) fn extend(&mut self, states: &[StateIdx]) {
        for &state in states {
            self.push(state);
        }
    }
    /// Costs as much as it holds, whatever the size of the schema.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.len < SPARSE && !self.bits.is_one_word() {
            for &state in self.order.get(..self.len).unwrap_or_default() {
                self.bits.remove(state);
            }
        } else {
            self.bits.clear();
        }
        self.len = 0;
    }
    /// The first list, then what the second has more.
    #[inline]
    pub(crate) fn set_union(&mut self, first: &Self, second: &Self) {
        if !self.bits.is_one_word() {
            self.copy_from(first);
            self.extend(second.as_slice());
            return;
        }
        let listed = first.as_slice();
        for (place, &state) in self.order.iter_mut().zip(listed) {
            *place = state;
        }
        self.len = listed.len();
        for &state in second.as_slice() {
            if !first.contains(state)
                && let Some(place) = self.order.get_mut(self.len)
            {
                *place = state;
                self.len += 1;
            }
        }
        self.bits.first = first.bits.first | second.bits.first;
    }
    /// Drops the states of that set.
    pub(crate) fn subtract(&mut self, gone: &StateBits) {
        if !self.bits.is_one_word() {
            self.retain(|state, _| !gone.contains(state));
            return;
        }
        let mut kept = 0;
        let order = self.order.get_mut(..self.len).unwrap_or_default();
        for at in 0..order.len() {
            let state = order[at];
            order[kept] = state;
            kept += usize::from(gone.first & (1 << (state.at() % 64)) == 0);
        }
        self.len = kept;
        self.bits.first &= !gone.first;
    }
    /// Writes its states that are in the set behind `to`, in order.
    #[inline]
    pub(crate) fn append_common(&self, bits: u64, to: &mut Vec<StateIdx>) {
        if bits & bits.wrapping_sub(1) == 0 {
            // One at most: there is no order to look up.
            if bits != 0 {
                to.push(StateIdx(bits.trailing_zeros() as u16));
            }
            return;
        }
        let listed = self.as_slice().iter().copied();
        to.extend(listed.filter(|state| bits & (1 << state.at()) != 0));
    }
    /// What the first list has more than the second.
    #[inline]
    pub(crate) fn set_difference(&mut self, first: &Self, second: &Self) {
        self.clear();
        for &state in first.as_slice() {
            if !second.contains(state) {
                self.push(state);
            }
        }
    }
    #[inline]
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.clear();
        self.extend(other.as_slice());
    }
    /// Keeps what `keep` says, in order. `keep` sees the set as it was.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(StateIdx, &StateBits) -> bool) {
        let before = self.len;
        let mut kept = 0;
        for at in 0..before {
            let state = self.order[at];
            if keep(state, &self.bits) {
                self.order[kept] = state;
                kept += 1;
            }
        }
        if kept != before {
            self.len = kept;
            self.bits.clear();
            for &state in &self.order[..kept] {
                self.bits.insert(state);
            }
        }
    }
    pub(crate) fn remove(&mut self, state: StateIdx) {
        if self.bits.contains(state) {
            self.retain(|other, _| other != state);
        }
    }
    pub(crate) fn reverse(&mut self) {
        self.order_mut().reverse();
    }
    /// The order, to be permuted in place.
    pub(crate) fn order_mut(&mut self) -> &mut [StateIdx] {
        self.order.get_mut(..self.len).unwrap_or_default()
    }
}

#[inline]
fn place(state: StateIdx) -> (usize, u64) {
    (state.at() / 64, 1 << (state.at() % 64))
}

/// So few states are removed from the set one by one; more, and all words are cleared (a guess).
const SPARSE: usize = 64;
