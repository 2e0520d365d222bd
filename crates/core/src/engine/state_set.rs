//! Sets of states: a plain bit set, and an ordered list that has a bit set beside it.
//!
//! Both keep their memory when cleared, so that the path of a mutation allocates nothing. A state outside the
//! capacity is in no set.

use crate::ids::StateIdx;

/// Bit set over the states of one schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateBits {
    words: Box<[u64]>,
}

impl StateBits {
    /// An empty set for `states` states.
    pub(crate) fn new(states: usize) -> Self {
        Self {
            words: vec![0; states.div_ceil(64)].into_boxed_slice(),
        }
    }
    #[inline]
    pub(crate) fn contains(&self, state: StateIdx) -> bool {
        let (word, bit) = place(state);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
    #[inline]
    pub(crate) fn insert(&mut self, state: StateIdx) {
        let (word, bit) = place(state);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }
    #[inline]
    pub(crate) fn remove(&mut self, state: StateIdx) {
        let (word, bit) = place(state);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
    }
    #[inline]
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }
    /// True for a default set, which can hold nothing.
    #[inline]
    pub(crate) fn is_unallocated(&self) -> bool {
        self.words.is_empty()
    }
    #[inline]
    pub(crate) fn copy_from(&mut self, other: &Self) {
        if self.words.len() == other.words.len() {
            self.words.copy_from_slice(&other.words);
        } else {
            self.words.clone_from(&other.words);
        }
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
    pub(crate) fn extend(&mut self, states: &[StateIdx]) {
        for &state in states {
            self.push(state);
        }
    }
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.bits.clear();
    }
    #[inline]
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.order.clear();
        self.order.extend_from_slice(&other.order);
        self.bits.copy_from(&other.bits);
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
