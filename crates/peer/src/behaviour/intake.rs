//! How much of what neighbours bring gets into gossipsub's caches, and with that how large they get.
//!
//! Gossipsub remembers the id of every message for [`REMEMBERED`] and the newest messages themselves for some heartbeats,
//! whatever the event loop says of them, and bounds neither. Whoever signs with a new key each time costs room only here.
//!
//! Invariant: of what came within any time `t`, no more than [`MESSAGES`] and [`BYTES`] allow for `t` passed.

use std::time::Duration;

/// What has passed, as the time at which it will be made up for: in microseconds since any fixed moment.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    messages: u64,
    bytes: u64,
}

impl Intake {
    /// Whether a message of that size may pass `now`. What may not uses up nothing.
    pub(crate) fn admit(&mut self, bytes: usize, now: u64) -> bool {
        let messages = self.messages.max(now) + MESSAGES.time_for(1);
        let bytes = self.bytes.max(now) + BYTES.time_for(bytes as u64);
        let fits = messages <= now + MESSAGES.time_for(MESSAGES.burst)
            && bytes <= now + BYTES.time_for(BYTES.burst);
        if fits {
            (self.messages, self.bytes) = (messages, bytes);
        }
        fits
    }
}

/// So many at once, and so many each second.
struct Allowance {
    burst: u64,
    each_second: u64,
}

impl Allowance {
    /// Until so many more may pass; no message is so large that this ends early.
    const fn time_for(&self, amount: u64) -> u64 {
        amount.saturating_mul(1_000_000) / self.each_second
    }

    #[cfg(test)]
    fn within(&self, time: Duration) -> u64 {
        self.burst + self.each_second * time.as_secs()
    }
}

/// How long ids are remembered, so that a message is not taken for new again. Gossip offers the messages of some seconds,
/// and a queue holds them for some. What comes later is judged by what it says (protocol.md, replay).
pub(crate) const REMEMBERED: Duration = Duration::from_secs(30);
/// Copies of messages. A thousand members that change every two seconds come to 1,500 each second.
const MESSAGES: Allowance = Allowance {
    burst: 10_000,
    each_second: 2_000,
};
/// Their payloads. A thousand introductions, three times each, are 4 MB.
const BYTES: Allowance = Allowance {
    burst: 4 << 20,
    each_second: 1 << 20,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// What a message leaves behind, and the more while gossip may offer it:
    /// `library_inputs.rs::what_gossipsub_remembers_of_a_flood`.
    const ID: u64 = 280;
    const OFFERED: u64 = 120;
    /// How long gossipsub has the messages themselves: five heartbeats and the current one.
    const KEPT: Duration = Duration::from_secs(6);

    const SECOND: u64 = 1_000_000;

    #[test]
    fn as_many_as_allowed_and_no_more() {
        let mut intake = Intake::default();
        let mut now = 0;
        let mut pass = |now, bytes| (0..50_000).filter(|_| intake.admit(bytes, now)).count();
        assert_eq!(pass(now, 100), 10_000);
        assert_eq!(pass(now + SECOND, 100), 2_000);
        now += 100 * SECOND;
        assert_eq!(pass(now, 100), 10_000, "the burst is there again");
        now += 100 * SECOND;
        assert_eq!(pass(now, 1 << 20), 4);
        assert_eq!(pass(now, 100), 0, "large ones leave no room");
        assert_eq!(pass(now, 0), 9_996, "what was refused used up nothing");
        now += 100 * SECOND;
        assert_eq!(pass(now, usize::MAX), 0);
        assert_eq!(pass(now, 4 << 20), 1);
    }

    #[test]
    fn the_caches_of_a_flooded_peer_stay_below_32_mib() {
        let ids = MESSAGES.within(REMEMBERED) * ID + MESSAGES.within(KEPT) * OFFERED;
        let messages = BYTES.within(KEPT);
        assert!(ids + messages <= 32 << 20, "{ids} + {messages}");
    }
}
