//! How often we may speak: the gap between own updates, the heartbeat, and a token bucket for requests and answers.
//!
//! Invariant: with `n` members the topic stays under 11 messages per second at rest, and with Go members under 40 however
//! much changes (Go peers drain 50, spec 4.5). Pure: `now` is passed in.

use std::time::Duration;

use crate::time::Instant;

/// Smallest gap between two own `updates`.
const GAP: Duration = Duration::from_millis(100);
/// Share of one member in the changes told to a topic with Go members: 28 messages per second in all, and ten
/// heartbeats, of those who have nothing else to say or not yet.
const SHARE: Duration = Duration::from_millis(36);
/// Smallest gap between two own answers about ourselves.
const ANSWER_GAP: Duration = Duration::from_millis(500);
/// Share of one member in the answers: ten per second in all, which takes half a core when a hundred members share one.
const ANSWER_SHARE: Duration = Duration::from_millis(100);
/// Shortest patience with neighbours, and from one request to the next.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longer for each member: 100 members on two cores tell all in three seconds (BENCHMARKS.md).
const PATIENCE_SHARE: Duration = Duration::from_millis(40);
/// Smallest gap between two requests. Go sends one per 5 s.
pub(crate) const REQUEST_GAP: Duration = Duration::from_millis(500);
/// Share of one member in the requests: twenty per second in all.
const REQUEST_SHARE: Duration = Duration::from_millis(50);
/// Smallest gap between two answers about others.
pub(crate) const SECOND_HAND_GAP: Duration = Duration::from_millis(250);
/// Shortest time in which others answer (spec R-ANSWER).
const SECOND_HAND: Duration = Duration::from_secs(5);
/// Longer for each member: four answers about somebody per second at most, were none of them heard.
const SECOND_HAND_SHARE: Duration = Duration::from_millis(250);
/// Share of one member in the heartbeats: ten per second in all, of which each may come a twentieth early. More, and two
/// hundred members on two cores would do nothing else.
const BEAT_SHARE: Duration = Duration::from_millis(100);
/// Shortest heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A first change after quiet waits this long for others of the same burst.
const GATHER: Duration = Duration::from_millis(3);

/// More members slow nobody down any further: whoever signs with a thousand keys could else silence the rest.
const MOST: u32 = 1000;
/// As many as a topic with Go members can have (spec 4.5): their changes alone are 40 messages per second then.
const MOST_WITH_GO: u32 = 200;

/// Who else is on the topic, as far as pace depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Company {
    /// Known members, ourselves included.
    pub(crate) members: u32,
    /// Go peers are among them.
    pub(crate) has_go: bool,
}

/// Gap between two own `updates`.
pub(crate) fn gap(company: Company) -> Duration {
    if company.has_go {
        GAP.max(SHARE * company.members.min(MOST_WITH_GO))
    } else {
        GAP
    }
}

/// Gap between two own answers about ourselves. However many ask at once, the topic carries about ten a second in all:
/// every one goes to every member, and members that cannot keep up lose some and ask again.
pub(crate) fn answer_gap(company: Company) -> Duration {
    ANSWER_GAP.max(ANSWER_SHARE * company.members.min(MOST))
}

/// How long somebody who is missed is left to neighbours before the topic is asked, and then from one request to the next.
/// A large mesh takes longer to tell everybody of everybody, and a request that comes before the word it asks for makes it
/// later still.
pub(crate) fn patience(company: Company) -> Duration {
    PATIENCE.max(PATIENCE_SHARE * company.members.min(MOST))
}

/// Gap between two requests on the topic, beyond a burst: they go to every member, too.
pub(crate) fn request_gap(company: Company) -> Duration {
    REQUEST_GAP.max(REQUEST_SHARE * company.members.min(MOST))
}

/// Answers about others come within that time, the more members can give one the longer: the first one heard is enough, and
/// however long it takes to reach the rest, few may be on the way at once.
pub(crate) fn second_hand(company: Company) -> Duration {
    SECOND_HAND.max(SECOND_HAND_SHARE * company.members.min(MOST))
}

/// Gap between two answers about others, beyond a burst.
pub(crate) fn second_hand_gap(company: Company) -> Duration {
    SECOND_HAND_GAP.max(ANSWER_SHARE * company.members.min(MOST))
}

/// Heartbeat to keep and to promise.
pub(crate) fn heartbeat(company: Company) -> Duration {
    HEARTBEAT.max(BEAT_SHARE * company.members.min(MOST))
}

/// The gap between own `updates`, kept on average: with Go members, where it is long, a heartbeat or an answer does not make
/// the next change wait.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pacer {
    /// Until when what was published has used up our share.
    used_until: Instant,
}

impl Pacer {
    /// When a change of `now` is to be published.
    pub(crate) fn flush_at(self, now: Instant, company: Company) -> Instant {
        let ahead = if company.has_go {
            gap(company)
        } else {
            Duration::ZERO
        };
        (now + GATHER).max(self.used_until - ahead)
    }

    /// Clocks are published.
    pub(crate) fn publish(&mut self, now: Instant, company: Company) {
        let gap = gap(company);
        // However often others ask, a change waits two gaps at most.
        self.used_until = (self.used_until.max(now) + gap).min(now + gap * 2);
    }
}

/// A token bucket: `burst` at once, then one per `period`.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    burst: u32,
    period: Duration,
    used: Allowance,
}

impl Bucket {
    pub(crate) fn new(burst: u32, period: Duration) -> Self {
        Self {
            burst,
            period,
            used: Allowance::default(),
        }
    }

    /// From now on, one per that time.
    pub(crate) fn set_period(&mut self, period: Duration) {
        self.period = period;
    }

    /// When the next token is there; `now` or earlier means at once.
    pub(crate) fn ready_at(&self) -> Instant {
        self.used.ready_at(self.burst, self.period)
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.used.take(self.burst, self.period, now)
    }
}

/// What was taken from a bucket whose size is known elsewhere: when it will be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance(Instant);

impl Allowance {
    fn ready_at(self, burst: u32, period: Duration) -> Instant {
        self.0 - period * burst.saturating_sub(1)
    }

    /// Takes a token of `burst` at once, then one per `period`, if there is one.
    pub(crate) fn take(&mut self, burst: u32, period: Duration, now: Instant) -> bool {
        if self.ready_at(burst, period) > now {
            return false;
        }
        self.0 = self.0.max(now) + period;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn company(members: u32, has_go: bool) -> Company {
        Company { members, has_go }
    }

    #[test]
    fn gap_grows_with_go_members_only() {
        assert_eq!(gap(company(200, false)), MS(100));
        assert_eq!(gap(company(2, true)), MS(100));
        assert_eq!(gap(company(20, true)), MS(720));
    }

    #[test]
    fn heartbeats_of_all_stay_under_eleven_per_second() {
        assert_eq!(heartbeat(company(5, false)), MS(5000));
        assert_eq!(heartbeat(company(1000, false)), MS(100_000));
    }

    #[test]
    fn however_many_ask_and_answer_the_topic_carries_what_it_can() {
        for (members, requests, own, others) in [(2, 500, 500, 250), (100, 5000, 10_000, 10_000)] {
            let company = company(members, false);
            assert_eq!(request_gap(company), MS(requests));
            assert_eq!(answer_gap(company), MS(own));
            assert_eq!(second_hand_gap(company), MS(others));
        }
        assert_eq!(patience(company(100, false)), MS(4000));
        assert_eq!(second_hand(company(10, false)), MS(5000));
        assert_eq!(second_hand(company(100, false)), MS(25_000));
    }

    #[test]
    fn first_change_goes_at_once_then_the_gap() {
        let now = Instant::from_micros(10_000_000);
        let mut pacer = Pacer::default();
        let rust = company(2, false);
        assert_eq!(pacer.flush_at(now, rust).since(now), MS(3));
        pacer.publish(now - MS(20), rust);
        assert_eq!(pacer.flush_at(now, rust).since(now), MS(80));
    }

    #[test]
    fn with_go_members_one_message_more_goes_at_once_and_no_number_of_them_silences_us() {
        let now = Instant::from_micros(10_000_000);
        let mut pacer = Pacer::default();
        let mixed = company(20, true);
        pacer.publish(now, mixed);
        assert_eq!(pacer.flush_at(now, mixed).since(now), MS(3));
        pacer.publish(now, mixed);
        assert_eq!(pacer.flush_at(now, mixed).since(now), MS(720));
        for _ in 0..10 {
            pacer.publish(now, mixed);
        }
        assert_eq!(pacer.flush_at(now, mixed).since(now), MS(720));
        assert_eq!(gap(company(5000, true)), MS(7200));
        assert_eq!(heartbeat(company(5000, true)), MS(100_000));
    }

    #[test]
    fn bucket_gives_a_burst_then_one_per_period() {
        let mut bucket = Bucket::new(3, MS(500));
        let mut now = Instant::from_micros(1);
        for _ in 0..3 {
            assert!(bucket.take(now));
        }
        assert!(!bucket.take(now));
        assert_eq!(bucket.ready_at().since(now), MS(500));
        now = now + MS(500);
        assert!(bucket.take(now));
        assert!(!bucket.take(now));
        now = now + MS(60_000);
        for _ in 0..3 {
            assert!(bucket.take(now));
        }
        assert!(!bucket.take(now));
    }
}
