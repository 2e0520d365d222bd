//! Seeded chance: the same seed gives the same run.

use std::time::Duration;

/// xorshift64* (Vigna 2016).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `sides`.
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        (self.next() >> 32) % sides
    }

    /// A seed for somebody else.
    pub(super) fn seed(&mut self) -> u64 {
        self.next()
    }

    /// A time up to `most`.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        match micros {
            0 => Duration::ZERO,
            micros => Duration::from_micros(self.next() % (micros + 1)),
        }
    }

    /// The items in any order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
