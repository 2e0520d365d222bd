//! Addresses that peers tell each other: which of our own are told, and which of others' may be dialled (mesh-protocol.md
//! L2).
//!
//! An address within a private network means another machine to those outside, and a loopback address another machine
//! everywhere else. So each is dialled only if a neighbour in the same network handed it over. Names are not dialled at
//! all: what they mean is decided elsewhere.

use std::net::{IpAddr, Ipv4Addr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use statemesh_core::mesh::wire;

use crate::transport::{dials, kind_of};

/// From where an address means the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// From the same machine.
    Loopback,
    /// From the same network.
    Private,
    /// From everywhere.
    Public,
}

impl Reach {
    /// Of an address; `None` of one that names no machine, or names it by a name.
    pub(super) fn of(address: &Multiaddr) -> Option<Self> {
        let ip = match address.iter().next()? {
            Protocol::Memory(_) => return Some(Self::Loopback),
            Protocol::Ip4(ip) => IpAddr::V4(ip),
            Protocol::Ip6(ip) => IpAddr::V6(ip),
            // Not an enum of ours: everything else is a name or no machine.
            _ => return None,
        };
        // An IPv4 address in IPv6's clothes is that IPv4 address.
        let ip = ip.to_canonical();
        let is_private = match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || is_shared(ip.octets()),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        };
        match ip {
            _ if ip.is_unspecified() || ip.is_multicast() => None,
            IpAddr::V4(Ipv4Addr::BROADCAST) => None,
            _ if ip.is_loopback() => Some(Self::Loopback),
            _ if is_private => Some(Self::Private),
            IpAddr::V4(_) | IpAddr::V6(_) => Some(Self::Public),
        }
    }
}

/// Behind a provider's address translation (RFC 6598).
fn is_shared([first, second, ..]: [u8; 4]) -> bool {
    first == 100 && second & 0xc0 == 64
}

/// Own addresses to tell: the farthest reaching first, and of every transport one before a second of any.
pub(super) fn to_tell<'a>(listeners: impl Iterator<Item = &'a Multiaddr>) -> Vec<String> {
    let reach = |address: &'a Multiaddr| Some((Reach::of(address)?, kind_of(address)?, address));
    let mut known: Vec<_> = listeners.filter_map(reach).collect();
    known.sort_by_key(|(reach, _, _)| std::cmp::Reverse(*reach));
    let mut told: Vec<(usize, String)> = Vec::new();
    for (at, (_, kind, address)) in known.iter().enumerate() {
        let before = known[..at].iter().filter(|(_, other, _)| other == kind);
        told.push((before.count(), address.to_string()));
    }
    told.sort_by_key(|(turn, _)| *turn);
    let told = told.into_iter().map(|(_, address)| address);
    told.take(wire::MAX_ADDRESSES).collect()
}

/// What may be dialled of the addresses a peer has told, when the neighbour that handed them over is linked like `via`.
pub(super) fn to_dial(peer: PeerId, told: &[String], via: Reach) -> Vec<Multiaddr> {
    let usable = |text: &String| {
        let address: Multiaddr = text.parse().ok()?;
        let goes = Reach::of(&address)? >= via && kind_of(&address).is_some_and(dials);
        // `Err`: it names another peer.
        address.with_p2p(peer).ok().filter(|_| goes)
    };
    told.iter()
        .take(wire::MAX_ADDRESSES)
        .filter_map(usable)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(addresses: &[&str]) -> Vec<String> {
        addresses.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn addresses_reach_as_far_as_their_networks() {
        for (address, reach) in [
            ("/ip4/127.0.0.1/tcp/1", Some(Reach::Loopback)),
            ("/ip6/::1/udp/1/quic-v1", Some(Reach::Loopback)),
            ("/memory/7", Some(Reach::Loopback)),
            ("/ip4/10.1.2.3/tcp/1", Some(Reach::Private)),
            ("/ip4/172.31.0.1/tcp/1", Some(Reach::Private)),
            ("/ip4/192.168.0.1/tcp/1", Some(Reach::Private)),
            ("/ip4/169.254.0.1/tcp/1", Some(Reach::Private)),
            ("/ip4/100.64.0.1/tcp/1", Some(Reach::Private)),
            ("/ip6/fd00::1/tcp/1", Some(Reach::Private)),
            ("/ip6/fe80::1/tcp/1", Some(Reach::Private)),
            ("/ip6/::ffff:127.0.0.1/tcp/1", Some(Reach::Loopback)),
            ("/ip6/::ffff:10.0.0.1/tcp/1", Some(Reach::Private)),
            ("/ip6/::ffff:0.0.0.0/tcp/1", None),
            ("/ip6/::ffff:192.0.2.1/tcp/1", Some(Reach::Public)),
            ("/ip4/100.128.0.1/tcp/1", Some(Reach::Public)),
            ("/ip4/192.0.2.1/tcp/1", Some(Reach::Public)),
            ("/ip6/2001:db8::1/tcp/1", Some(Reach::Public)),
            ("/ip4/0.0.0.0/tcp/1", None),
            ("/ip4/224.0.0.1/tcp/1", None),
            ("/ip4/255.255.255.255/tcp/1", None),
            ("/ip6/::/tcp/1", None),
            ("/ip6/ff02::1/tcp/1", None),
            ("/dns4/localhost/tcp/1", None),
        ] {
            assert_eq!(Reach::of(&address.parse().unwrap()), reach, "{address}");
        }
    }

    #[test]
    fn every_transport_has_its_turn_and_the_far_reaching_come_first() {
        let mut listeners = Vec::new();
        for ip in ["127.0.0.1", "10.0.0.1", "192.0.2.1"] {
            for carrier in ["udp/1/quic-v1", "tcp/1", "tcp/2/ws", "tcp/3"] {
                listeners.push(format!("/ip4/{ip}/{carrier}").parse().unwrap());
            }
        }
        listeners.push("/ip4/0.0.0.0/tcp/9".parse().unwrap());
        listeners.push("/dns4/relay.example/tcp/443/wss".parse().unwrap());
        assert_eq!(
            to_tell(listeners.iter()),
            [
                "/ip4/192.0.2.1/udp/1/quic-v1",
                "/ip4/192.0.2.1/tcp/1",
                "/ip4/192.0.2.1/tcp/2/ws",
                "/ip4/192.0.2.1/tcp/3",
                "/ip4/10.0.0.1/udp/1/quic-v1",
                "/ip4/10.0.0.1/tcp/2/ws",
                "/ip4/10.0.0.1/tcp/1",
                "/ip4/127.0.0.1/udp/1/quic-v1",
            ]
        );
    }

    #[test]
    fn near_addresses_are_dialled_by_the_near_only() {
        let peer = PeerId::random();
        let other = PeerId::random();
        let near = "/ip4/127.0.0.1/tcp/1";
        let private = "/ip4/10.0.0.1/tcp/1";
        let public = "/ip4/192.0.2.1/tcp/1";
        let told = texts(&[near, private, public]);
        for (via, wanted) in [
            (Reach::Loopback, &[near, private, public][..]),
            (Reach::Private, &[private, public]),
            (Reach::Public, &[public]),
        ] {
            let full = |text: &&str| format!("{text}/p2p/{peer}").parse().unwrap();
            let wanted: Vec<Multiaddr> = wanted.iter().map(full).collect();
            assert_eq!(to_dial(peer, &told, via), wanted, "{via:?}");
        }
        let elsewhere = format!("{public}/p2p/{other}");
        let bad = texts(&[
            "",
            "nonsense",
            &elsewhere,
            "/ip4/192.0.2.1",
            "/dns4/a/tcp/1",
        ]);
        assert_eq!(to_dial(peer, &bad, Reach::Loopback), []);
        // A native peer cannot dial WebRTC.
        let webrtc = texts(&["/ip4/192.0.2.1/udp/1/webrtc-direct"]);
        assert_eq!(to_dial(peer, &webrtc, Reach::Loopback), []);
    }
}
