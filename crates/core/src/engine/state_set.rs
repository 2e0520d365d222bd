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
    /// Made for a schema, not by default.
    is_sized: bool,
}

impl StateBits {
    /// An empty set for `states` states.
    pub(crate) fn new(states: usize) -> Self {
        Self {
            first: 0,
            rest: vec![0; states.saturating_sub(64).div_ceil(64)].into_boxed_slice(),
            is_sized: true,
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
    /// True for a default set, which can hold nothing.
    #[inline]
    pub(crate) fn is_unallocated(&self) -> bool {
        !self.is_sized
    }
}

/// States in an order, each at most once.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateList {
    order: Vec<StateIdx>,
    bits: StateBits,
}

impl StateList {
    /// An empty list for `states` states.
    pub(crate) fn new(states: usize) -> Self {
        Self {
            order: Vec::new(),
            bits: StateBits::new(states),
        }
    }
    #[inline]
    pub(crate) fn as_slice(&self) -> &[StateIdx] {
        &self.order
    }
    #[inline]
    pub(crate) fn bits(&self) -> &StateBits {
        &self.bits
    }
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
    #[inline]
    pub(crate) fn contains(&self, state: StateIdx) -> bool {
        self.bits.contains(state)
    }
    /// Appends it unless it is there already.
    #[inline]
    pub(crate) fn push(&mut self, state: StateIdx) {
        if !self.bits.contains(state) {
            self.bits.insert(state);
            self.order.push(state);
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
        if self.order.len() < SPARSE {
            for &state in &self.order {
                self.bits.remove(state);
            }
        } else {
            self.bits.clear();
        }
        self.order.clear();
    }
    /// The first list, then what the second has more.
    #[inline]
    pub(crate) fn set_union(&mut self, first: &Self, second: &Self) {
        self.copy_from(first);
        self.extend(&second.order);
    }
    #[inline]
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.clear();
        self.extend(&other.order);
    }
    /// Keeps what `keep` says, in order. `keep` sees the set as it was.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(StateIdx, &StateBits) -> bool) {
        let bits = &self.bits;
        let before = self.order.len();
        self.order.retain(|&state| keep(state, bits));
        if self.order.len() != before {
            self.bits.clear();
            for &state in &self.order {
                self.bits.insert(state);
            }
        }
    }
    pub(crate) fn remove(&mut self, state: StateIdx) {
        if self.bits.contains(state) {
            self.bits.remove(state);
            self.order.retain(|&other| other != state);
        }
    }
    pub(crate) fn reverse(&mut self) {
        self.order.reverse();
    }
    /// The order, to be permuted in place.
    pub(crate) fn order_mut(&mut self) -> &mut [StateIdx] {
        &mut self.order
    }
}

#[inline]
fn place(state: StateIdx) -> (usize, u64) {
    (state.at() / 64, 1 << (state.at() % 64))
}

/// So few states are removed from the set one by one; more, and all words are cleared (a guess).
const SPARSE: usize = 64;
