//! Handshakes per second per IP address: the first thing an incoming connection meets.
//!
//! A token bucket per address, filled at the allowed rate. Only handshakes are counted, never established links: a
//! thousand tabs behind one NAT are legal, a thousand handshakes in a second are not. An IPv6 host owns at least a /64,
//! so that is what counts as one address. Loopback has the same rule with more room: tests, ssh tunnels and proxies
//! come from there. The table is bounded; when it is full of busy addresses all further ones share one bucket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// Refuses handshakes from an address that asks for too many.
pub(super) struct Admission {
    started: Instant,
    buckets: Buckets,
}

impl Admission {
    /// At most `per_second` handshakes from one address, and as many at once.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            started: Instant::now(),
            buckets: Buckets::new(per_second),
        }
    }

    /// May one more handshake come from there?
    pub(super) fn admit(&mut self, remote: &Multiaddr) -> bool {
        // Memory connections have no address and come from this process.
        ip_of(remote).is_none_or(|ip| self.buckets.admit(ip, self.started.elapsed()))
    }
}

/// Token buckets by address. Time is the time since some start.
struct Buckets {
    per_second: u32,
    by_ip: HashMap<IpAddr, Bucket>,
    /// For addresses that found the table full.
    shared: Bucket,
    swept_at: Duration,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// In millionths of a handshake, so that no fraction of the refill is lost.
    tokens: u64,
    filled_at: Duration,
}

impl Buckets {
    fn new(per_second: u32) -> Self {
        Self {
            per_second,
            by_ip: HashMap::new(),
            shared: Bucket::full(per_second, Duration::ZERO),
            swept_at: Duration::ZERO,
        }
    }

    fn admit(&mut self, ip: IpAddr, now: Duration) -> bool {
        let key = key_of(ip);
        let rate = self.rate_of(key);
        if !self.by_ip.contains_key(&key) && self.by_ip.len() >= MAX_ADDRESSES {
            self.sweep(now);
        }
        let room = self.by_ip.len() < MAX_ADDRESSES || self.by_ip.contains_key(&key);
        let bucket = if room {
            self.by_ip
                .entry(key)
                .or_insert_with(|| Bucket::full(rate, now))
        } else {
            &mut self.shared
        };
        bucket.take(rate, now)
    }

    /// Forgets addresses whose bucket is full again: it says no more than none. Once a second at most.
    fn sweep(&mut self, now: Duration) {
        if now < self.swept_at + FULL_AFTER {
            return;
        }
        self.swept_at = now;
        self.by_ip
            .retain(|_, bucket| now < bucket.filled_at + FULL_AFTER);
    }

    fn rate_of(&self, key: IpAddr) -> u32 {
        if key.is_loopback() {
            self.per_second.saturating_mul(LOOPBACK_FACTOR)
        } else {
            self.per_second
        }
    }
}

impl Bucket {
    fn full(rate: u32, now: Duration) -> Self {
        Self {
            tokens: u64::from(rate) * TOKEN,
            filled_at: now,
        }
    }

    fn take(&mut self, rate: u32, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled_at).min(FULL_AFTER);
        // At most one second of at most u32::MAX handshakes: no overflow in u64.
        let refill = u64::from(rate) * u64::from(u32::try_from(passed.as_micros()).unwrap_or(0));
        self.tokens = (self.tokens + refill).min(u64::from(rate) * TOKEN);
        self.filled_at = self.filled_at.max(now);
        match self.tokens.checked_sub(TOKEN) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    })
}

/// What counts as one address.
fn key_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) if ip.is_loopback() => IpAddr::V6(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// One handshake in a bucket's unit: with a refill per microsecond of `rate` units, `rate` handshakes take a second.
const TOKEN: u64 = 1_000_000;
/// A bucket holds one second of handshakes.
const FULL_AFTER: Duration = Duration::from_secs(1);
/// Addresses remembered at once; each takes some 50 bytes.
const MAX_ADDRESSES: usize = 4096;
/// Loopback is tests, tunnels and proxies: a guess with room for all of them.
const LOOPBACK_FACTOR: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn admitted(buckets: &mut Buckets, from: &str, asked: u32, now: Duration) -> u32 {
        (0..asked)
            .filter(|_| buckets.admit(ip(from), now))
            .count()
            .try_into()
            .unwrap()
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut buckets = Buckets::new(10);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 50, NOW), 10);
        let later = NOW + Duration::from_millis(300);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 50, later), 3);
        let much_later = NOW + Duration::from_secs(3600);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 50, much_later), 10);
    }

    #[test]
    fn slow_steps_lose_nothing() {
        let mut buckets = Buckets::new(3);
        admitted(&mut buckets, "192.0.2.1", 3, NOW);
        let mut count = 0;
        for step in 1..=10_000_u32 {
            let now = NOW + Duration::from_millis(1) * step;
            count += admitted(&mut buckets, "192.0.2.1", 1, now);
        }
        assert_eq!(count, 30);
    }

    #[test]
    fn addresses_do_not_pay_for_each_other_but_a_slash_64_is_one() {
        let mut buckets = Buckets::new(10);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 50, NOW), 10);
        assert_eq!(admitted(&mut buckets, "192.0.2.2", 50, NOW), 10);
        assert_eq!(admitted(&mut buckets, "::ffff:192.0.2.2", 50, NOW), 0);
        assert_eq!(admitted(&mut buckets, "2001:db8::1", 50, NOW), 10);
        assert_eq!(admitted(&mut buckets, "2001:db8::2", 50, NOW), 0);
        assert_eq!(admitted(&mut buckets, "2001:db8:0:1::2", 50, NOW), 10);
    }

    #[test]
    fn loopback_has_more_room_but_an_end() {
        let mut buckets = Buckets::new(10);
        for from in ["127.0.0.1", "::1"] {
            let count = admitted(&mut buckets, from, 500, NOW);
            assert_eq!(count, 10 * LOOPBACK_FACTOR, "{from}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_recovers() {
        let mut buckets = Buckets::new(1);
        let stranger = |n: u32| IpAddr::V4((0x0a00_0000 + n).into());
        let flood = 3 * u32::try_from(MAX_ADDRESSES).unwrap();
        let count = (0..flood)
            .filter(|&n| buckets.admit(stranger(n), NOW))
            .count();
        assert_eq!(buckets.by_ip.len(), MAX_ADDRESSES);
        // The table's own, and one from the bucket that all the rest share.
        assert_eq!(count, MAX_ADDRESSES + 1);
        let later = NOW + Duration::from_secs(2);
        assert!(buckets.admit(stranger(flood + 1), later));
        assert_eq!(buckets.by_ip.len(), 1);
    }

    #[test]
    fn a_clock_that_stands_or_steps_back_grants_nothing() {
        let mut buckets = Buckets::new(2);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 9, NOW), 2);
        let before = NOW - Duration::from_secs(50);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 9, before), 0);
        assert_eq!(admitted(&mut buckets, "192.0.2.1", 9, NOW), 0);
    }

    #[test]
    fn the_address_is_read_from_every_carrier() {
        for (text, expected) in [
            ("/ip4/192.0.2.1/udp/4001/quic-v1", Some("192.0.2.1")),
            ("/ip4/192.0.2.1/tcp/4001/ws", Some("192.0.2.1")),
            ("/ip6/2001:db8::1/udp/1/webrtc-direct", Some("2001:db8::1")),
            ("/memory/7", None),
        ] {
            let address: Multiaddr = text.parse().unwrap();
            assert_eq!(ip_of(&address), expected.map(ip), "{text}");
        }
    }
}
