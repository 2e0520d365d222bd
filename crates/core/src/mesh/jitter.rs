//! Seeded randomness for delays: the same seed gives the same delays. Not for secrets.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, every seed is a good one.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A delay from `low` to `high`.
    pub(crate) fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from(high.saturating_sub(low).as_micros()).unwrap_or(u64::MAX);
        low + Duration::from_micros(self.next() % span.saturating_add(1))
    }

    /// A delay up to `high`.
    pub(crate) fn up_to(&mut self, high: Duration) -> Duration {
        self.between(Duration::ZERO, high)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_range_and_repeats_by_seed() {
        let (low, high) = (Duration::from_millis(5), Duration::from_millis(7));
        let draw = |seed| -> Vec<Duration> {
            let mut jitter = Jitter::new(seed);
            (0..100).map(|_| jitter.between(low, high)).collect()
        };
        assert!(draw(1).iter().all(|delay| (low..=high).contains(delay)));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
