//! Figures that only grow, and how far a clock is ahead, kept over time: what a peer said, what the tab sent and heard. One
//! look for each ten seconds, the newest few minutes of them, so that rates and offsets can be told as of a moment.

use std::collections::VecDeque;

use super::Seen;

/// Looks at some counters.
#[derive(Clone, Debug, Default)]
pub struct Pulses {
    list: VecDeque<Pulse>,
}

#[derive(Clone, Copy, Debug)]
struct Pulse {
    from: Seen,
    /// The newest look.
    until: Seen,
    counts: [u64; 4],
    ahead: Option<i64>,
}

impl Pulses {
    /// The counters as they are now; `ahead`: how far another clock was ahead in the word that came last.
    pub fn beat(&mut self, now: Seen, counts: [u64; 4], ahead: Option<i64>) {
        match self.list.back_mut() {
            Some(last) if now.since(last.from) < EVERY => {
                last.until = last.until.max(now);
                last.counts = counts;
                last.ahead = last.ahead.max(ahead);
            }
            Some(_) | None => {
                if self.list.len() == MOST {
                    self.list.pop_front();
                }
                let pulse = Pulse {
                    from: now,
                    until: now,
                    counts,
                    ahead,
                };
                self.list.push_back(pulse);
            }
        }
    }

    /// One counter as it was.
    #[must_use]
    pub fn count(&self, which: usize, at: Seen) -> u64 {
        self.last(at).map_or(0, |(_, last)| last.counts[which])
    }

    /// How much a counter grew in a thousand seconds, measured over ten to twenty of them; `None`: not looked at for long
    /// enough.
    #[must_use]
    pub fn rate(&self, which: usize, at: Seen) -> Option<u64> {
        let (place, last) = self.last(at)?;
        let before = self.list.get(place.checked_sub(1)?)?;
        let time = last.until.since(before.until);
        // A peer that began anew counts from zero.
        let grown = last.counts[which].saturating_sub(before.counts[which]);
        (time >= SHORTEST && at.since(last.until) < 2 * EVERY)
            .then(|| grown.saturating_mul(1_000_000) / time)
    }

    /// How far the other clock was ahead at most, in the minute before: the word that was on its way for the shortest time.
    #[must_use]
    pub fn ahead(&self, at: Seen) -> Option<i64> {
        let (place, _) = self.last(at)?;
        let recent = self.list.range(..=place).rev();
        let recent = recent.take_while(|pulse| at.since(pulse.until) <= MINUTE);
        recent.filter_map(|pulse| pulse.ahead).max()
    }

    fn last(&self, at: Seen) -> Option<(usize, Pulse)> {
        let after = self.list.partition_point(|pulse| pulse.from <= at);
        let place = after.checked_sub(1)?;
        Some((place, *self.list.get(place)?))
    }
}

/// Milliseconds in one look.
const EVERY: u64 = 10_000;
/// Rates over less say nothing.
const SHORTEST: u64 = 1_000;
/// Words of this time are compared (dashboard design 3.1).
const MINUTE: u64 = 60_000;
/// Looks held: a quarter of an hour (guess).
const MOST: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_counts_are_those_of_the_moment() {
        let mut pulses = Pulses::default();
        for second in 0..60 {
            // Ten a second, and thirty from half a minute on.
            let count = 10 * second + 20 * u64::saturating_sub(second, 30);
            pulses.beat(Seen(second * 1_000), [count, 0, 0, 0], None);
        }
        assert_eq!(pulses.rate(0, Seen(5_000)), None, "not long enough");
        assert_eq!(pulses.rate(0, Seen(29_000)), Some(10_000));
        assert_eq!(pulses.rate(0, Seen(59_000)), Some(30_000));
        assert_eq!(pulses.count(0, Seen(29_900)), 290);
        assert_eq!(pulses.rate(0, Seen(200_000)), None, "nobody looked");
        assert_eq!(Pulses::default().rate(0, Seen(1)), None);
    }

    #[test]
    fn the_fastest_word_of_a_minute_tells_the_offset() {
        let mut pulses = Pulses::default();
        for (second, ahead) in [(0, 4_990), (12, 4_960), (24, 4_700), (90, -3)] {
            pulses.beat(Seen(second * 1_000), [0; 4], Some(ahead));
        }
        assert_eq!(pulses.ahead(Seen(0)), Some(4_990));
        assert_eq!(pulses.ahead(Seen(24_000)), Some(4_990));
        assert_eq!(pulses.ahead(Seen(70_000)), Some(4_960));
        assert_eq!(pulses.ahead(Seen(90_000)), Some(-3));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut pulses = Pulses::default();
        for at in 0..1_000 {
            pulses.beat(Seen(at * EVERY), [at; 4], None);
        }
        assert_eq!(pulses.list.len(), MOST);
        assert_eq!(pulses.count(0, Seen(1_000 * EVERY)), 999);
    }
}
