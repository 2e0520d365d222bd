//! Links that nobody named: peers learned of on the mesh are dialled while there are too few links, so that a mesh whose
//! members all know one relay survives the relay (mesh-protocol.md L2).
//!
//! A state machine without IO or time of its own. Invariants: one dial at a time, one per [`Pace::between_strangers`] at
//! most, and a peer that cannot be reached is tried ever less often; whatever others tell, that is all it costs.

use std::time::Duration;

use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use statemesh_core::collections::OrderedMap;
use statemesh_core::hash::fnv1a;
use statemesh_core::node::{Contact, Input};
use statemesh_core::time::Instant;

use super::EventLoop;
use super::dialler::Pace;
use super::reach::{self, Reach};
use crate::transport::core_id;

/// Who was tried, and when somebody is next.
pub(super) struct Acquaintances {
    /// Links to have.
    wanted: usize,
    pace: Pace,
    /// Decides who is dialled first, so that not everybody dials the same.
    seed: u64,
    due: Instant,
    dial: Option<Dial>,
    unreachable: OrderedMap<PeerId, Failed>,
    /// How near those are, or were, who handed addresses over: a link that is gone is why others are looked for.
    neighbours: OrderedMap<statemesh_core::PeerId, Reach>,
}

struct Dial {
    connection: ConnectionId,
    peer: PeerId,
    until: Instant,
}

#[derive(Clone, Copy)]
struct Failed {
    times: u32,
    again: Instant,
}

impl Acquaintances {
    /// Keeps that many links; with none wanted it never dials.
    pub(super) fn new(wanted: usize, pace: Pace, seed: u64) -> Self {
        Self {
            wanted,
            pace,
            seed,
            due: Instant::ZERO,
            dial: None,
            unreachable: OrderedMap::new(),
            neighbours: OrderedMap::new(),
        }
    }

    /// When [`EventLoop::meet`] wants to be called next, with that many links.
    pub(super) fn poll_timeout(&self, links: usize) -> Option<Instant> {
        match &self.dial {
            Some(dial) => Some(dial.until),
            None if links < self.wanted => Some(self.due),
            None => None,
        }
    }

    /// The dial that takes too long, given up.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<PeerId> {
        let dial = self.dial.take_if(|dial| dial.until <= now)?;
        self.failed(dial.peer, now);
        Some(dial.peer)
    }

    /// Whether somebody is to be dialled now, with that many links.
    fn wants(&self, links: usize, now: Instant) -> bool {
        self.dial.is_none() && links < self.wanted && self.due <= now
    }

    /// Whom to dial: of the peers without a link, the first in turn that has an address for us.
    fn dial_one<'a>(
        &mut self,
        contacts: impl Iterator<Item = (PeerId, &'a Contact)>,
        now: Instant,
    ) -> Option<DialOpts> {
        self.due = now + self.pace.between_strangers;
        let rested = |peer: &PeerId| {
            let failed = self.unreachable.get(peer);
            failed.is_none_or(|failed| failed.again <= now)
        };
        let mut contacts: Vec<_> = contacts.filter(|(peer, _)| rested(peer)).collect();
        contacts.sort_by_cached_key(|(peer, _)| self.turn(peer));
        let with_addresses = |(peer, contact): (PeerId, &Contact)| {
            let near = self.nearness(contact.via);
            let addresses = reach::to_dial(peer, &contact.addresses, near);
            (!addresses.is_empty()).then_some((peer, addresses))
        };
        let (peer, addresses) = contacts.into_iter().find_map(with_addresses)?;
        let opts = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(addresses)
            .allocate_new_port()
            .build();
        self.dial = Some(Dial {
            connection: opts.connection_id(),
            peer,
            until: now + self.pace.dial_limit,
        });
        Some(opts)
    }

    /// A connection was made over this address.
    pub(super) fn on_linked(&mut self, peer: PeerId, address: &Multiaddr) {
        self.unreachable.remove(&peer);
        self.dial.take_if(|dial| dial.peer == peer);
        let reach = Reach::of(address).unwrap_or(Reach::Public);
        let neighbour = core_id(&peer);
        self.neighbours.insert(neighbour, reach);
        if self.neighbours.len() > MAX_REMEMBERED {
            let mut others = self.neighbours.keys().filter(|it| **it != neighbour);
            let other = others.next().copied();
            other.and_then(|other| self.neighbours.remove(&other));
        }
    }

    /// How near somebody is who handed something over.
    fn nearness(&self, neighbour: statemesh_core::PeerId) -> Reach {
        let known = self.neighbours.get(&neighbour);
        known.copied().unwrap_or(Reach::Public)
    }

    /// A dial failed.
    pub(super) fn on_failed(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(dial) = self.dial.take_if(|dial| dial.connection == connection) {
            self.failed(dial.peer, now);
        }
    }

    fn failed(&mut self, peer: PeerId, now: Instant) {
        let times = self.unreachable.get(&peer).map_or(0, |failed| failed.times);
        let pause = FIRST_REST * 2_u32.saturating_pow(times);
        let failed = Failed {
            times: times.saturating_add(1),
            again: now + pause.min(LONGEST_REST),
        };
        if self.unreachable.len() >= MAX_REMEMBERED {
            let soonest = self
                .unreachable
                .iter()
                .min_by_key(|(_, failed)| failed.again);
            if let Some(soonest) = soonest.map(|(peer, _)| *peer) {
                self.unreachable.remove(&soonest);
            }
        }
        self.unreachable.insert(peer, failed);
    }

    /// Over the seed and the id: another order at every peer.
    fn turn(&self, peer: &PeerId) -> u64 {
        fnv1a(self.seed, peer.to_bytes())
    }
}

impl EventLoop {
    /// Tells the node where this peer can be reached.
    pub(super) fn tell_addresses(&mut self) {
        let addresses = reach::to_tell(self.announced.iter().chain(self.swarm.listeners()));
        self.node
            .handle_input(self.clock.now(), Input::Addresses(addresses));
    }

    /// Dials somebody if there are too few links.
    pub(super) fn meet(&mut self, now: Instant) {
        if let Some(peer) = self.acquaintances.give_up(now)
            && !self.swarm.is_connected(&peer)
        {
            // `Err` says that there is no connection, which is known; pending dials end.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let links = self.links.count();
        if !self.acquaintances.wants(links, now) {
            return;
        }
        let contacts = self.node.contacts();
        let contacts = contacts.filter_map(|(peer, contact)| {
            Some((PeerId::from_bytes(peer.as_bytes()).ok()?, contact))
        });
        if let Some(opts) = self.acquaintances.dial_one(contacts, now) {
            let connection = opts.connection_id();
            tracing::debug!(peer = ?opts.get_peer_id(), "dialling a peer learned of on the mesh");
            if self.swarm.dial(opts).is_err() {
                self.acquaintances.on_failed(connection, now);
            }
        }
    }
}

/// Rest of a peer that could not be reached; doubles every time. A guess.
const FIRST_REST: Duration = Duration::from_secs(30);
/// Longest rest. A guess.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// Peers remembered as unreachable, and as neighbours: all of a relay's, by default.
const MAX_REMEMBERED: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        dial_limit: Duration::from_secs(8),
        longest_pause: Duration::from_secs(5),
        between_strangers: Duration::from_secs(2),
    };

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    fn address() -> Multiaddr {
        "/memory/1".parse().unwrap()
    }

    fn contact(addresses: &[&str]) -> Contact {
        Contact {
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
            via: core_id(&PeerId::random()),
        }
    }

    /// Asks at `now`; the peer that is to be dialled.
    fn ask(
        acquaintances: &mut Acquaintances,
        links: usize,
        others: &[PeerId],
        now: Instant,
    ) -> Option<(PeerId, ConnectionId)> {
        if !acquaintances.wants(links, now) {
            return None;
        }
        let contact = contact(&["/ip4/192.0.2.1/tcp/1"]);
        let others = others.iter().map(|peer| (*peer, &contact));
        let opts = acquaintances.dial_one(others, now)?;
        Some((opts.get_peer_id()?, opts.connection_id()))
    }

    #[test]
    fn dials_one_at_a_time_until_there_are_enough_links() {
        let mut acquaintances = Acquaintances::new(2, PACE, 7);
        let others: Vec<PeerId> = (0..5).map(|_| PeerId::random()).collect();
        assert_eq!(acquaintances.poll_timeout(2), None);
        assert_eq!(ask(&mut acquaintances, 2, &others, at(0)), None);
        assert_eq!(acquaintances.poll_timeout(0), Some(at(0)));
        let (first, _) = ask(&mut acquaintances, 0, &others, at(0)).expect("a dial");
        assert_eq!(ask(&mut acquaintances, 0, &others, at(5)), None, "one runs");
        acquaintances.on_linked(first, &address());
        let left: Vec<PeerId> = others.iter().copied().filter(|it| *it != first).collect();
        assert_eq!(ask(&mut acquaintances, 1, &left, at(1)), None, "too soon");
        let (second, _) = ask(&mut acquaintances, 1, &left, at(2)).expect("a dial");
        acquaintances.on_linked(second, &address());
        assert_eq!(acquaintances.poll_timeout(2), None);
        assert_eq!(Acquaintances::new(0, PACE, 7).poll_timeout(0), None);
    }

    #[test]
    fn the_unreachable_rest_ever_longer_and_others_are_tried() {
        let mut acquaintances = Acquaintances::new(1, PACE, 7);
        let others = [PeerId::random(), PeerId::random()];
        let (first, dial) = ask(&mut acquaintances, 0, &others, at(0)).expect("a dial");
        acquaintances.on_failed(ConnectionId::new_unchecked(usize::MAX), at(0));
        assert_eq!(
            acquaintances.poll_timeout(0),
            Some(at(8)),
            "somebody else's dial"
        );
        acquaintances.on_failed(dial, at(1));
        let (second, _) = ask(&mut acquaintances, 0, &others, at(2)).expect("a dial");
        assert_ne!(first, second);
        // This one hangs.
        assert_eq!(acquaintances.give_up(at(9)), None);
        assert_eq!(acquaintances.give_up(at(10)), Some(second));
        assert_eq!(
            ask(&mut acquaintances, 0, &others, at(30)),
            None,
            "both rest"
        );
        let (again, dial) = ask(&mut acquaintances, 0, &others, at(32)).expect("30 s are over");
        assert_eq!(again, first);
        acquaintances.on_failed(dial, at(32));
        assert_eq!(
            ask(&mut acquaintances, 0, &[first], at(91)),
            None,
            "now it is 60 s"
        );
        assert!(ask(&mut acquaintances, 0, &[first], at(93)).is_some());
    }

    #[test]
    fn many_peers_take_bounded_room() {
        let mut acquaintances = Acquaintances::new(1, PACE, 7);
        for second in 0..MAX_REMEMBERED as u64 + 10 {
            acquaintances.failed(PeerId::random(), at(second));
            acquaintances.on_linked(PeerId::random(), &address());
        }
        assert_eq!(acquaintances.unreachable.len(), MAX_REMEMBERED);
        assert_eq!(acquaintances.neighbours.len(), MAX_REMEMBERED);
    }

    #[test]
    fn a_neighbour_is_as_near_after_it_has_gone() {
        let mut acquaintances = Acquaintances::new(1, PACE, 7);
        let (near, named, unknown) = (PeerId::random(), PeerId::random(), PeerId::random());
        acquaintances.on_linked(near, &address());
        acquaintances.on_linked(named, &"/dns4/relay.example/tcp/1/ws".parse().unwrap());
        assert_eq!(acquaintances.nearness(core_id(&near)), Reach::Loopback);
        assert_eq!(acquaintances.nearness(core_id(&named)), Reach::Public);
        assert_eq!(acquaintances.nearness(core_id(&unknown)), Reach::Public);
    }

    #[test]
    fn peers_without_a_usable_address_are_passed_by() {
        let mut acquaintances = Acquaintances::new(1, PACE, 7);
        let (nowhere, near) = (contact(&[]), contact(&["/memory/1"]));
        let nobody = [(PeerId::random(), &nowhere), (PeerId::random(), &near)];
        assert!(acquaintances.dial_one(nobody.into_iter(), at(0)).is_none());
        assert_eq!(
            acquaintances.poll_timeout(0),
            Some(at(2)),
            "asked again later"
        );
    }
}
