//! Connections by neighbour: which of them is the link, and which duplicates go.
//!
//! Two peers that dial each other at once get two connections, and two established connections can leave gossipsub
//! mute. One is kept. Both sides choose the same one: that dialled by the smaller peer id; of several dialled by the
//! same side, that side keeps its oldest. Nothing is closed before every connection has answered a ping after the
//! newest was made: after a crash the old connection is dead, and the newcomer must stay.
//!
//! When an old connection turns out to be dead after a newcomer was made, the newcomer is closed, too, and dialled
//! again: gossipsub introduces itself on the first connection only, so the newcomer is mute for ever.

use std::time::Duration;

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use crate::mesh::{Link, TransportKind};
use crate::transport::{core_id, kind_of};
use statemesh_core::collections::OrderedMap;

/// All established connections.
pub(crate) struct Links {
    own: PeerId,
    peers: OrderedMap<PeerId, Neighbour>,
}

#[derive(Default)]
struct Neighbour {
    /// Oldest first.
    connections: Vec<Connection>,
    software: Option<String>,
}

struct Connection {
    id: ConnectionId,
    address: Multiaddr,
    transport: TransportKind,
    dialled_by: Side,
    since: Instant,
    rtt: Option<Duration>,
    /// It answered a ping since the newest connection to this peer was made.
    proved: bool,
    closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Us,
    Them,
}

/// What a change of connections means for the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The first connection was made, or the last one went.
    Turned,
    /// There were or are others.
    Kept,
    /// The others were made while one that has died was believed alive: close them.
    Mute(Vec<ConnectionId>),
}

impl Links {
    /// None yet.
    pub(crate) fn new(own: PeerId) -> Self {
        Self {
            own,
            peers: OrderedMap::new(),
        }
    }
    /// True while any connection lives.
    pub(crate) fn any(&self) -> bool {
        !self.peers.is_empty()
    }
    /// How many neighbours are connected.
    pub(crate) fn count(&self) -> usize {
        self.peers.len()
    }
    /// Connected neighbours.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }
    /// The longest known round trip.
    pub(crate) fn longest_rtt(&self) -> Option<Duration> {
        let connections = self.peers.values().flat_map(|n| &n.connections);
        connections.filter_map(|c| c.rtt).max()
    }
    /// The link to a neighbour, as applications see it.
    pub(crate) fn link(&self, peer: PeerId) -> Option<Link> {
        let neighbour = self.peers.get(&peer)?;
        let shown = neighbour.connections.first()?;
        Some(Link {
            peer: core_id(&peer),
            address: shown.address.clone(),
            transport: shown.transport,
            rtt: shown.rtt,
            software: neighbour.software.clone(),
            since: shown.since,
        })
    }
    /// A connection was made.
    pub(crate) fn on_established(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
        now: Instant,
    ) -> Change {
        let neighbour = self.peers.get_or_insert_with(peer, Neighbour::default);
        for connection in &mut neighbour.connections {
            connection.proved = false;
        }
        let (dialled_by, carrier) = match endpoint {
            ConnectedPoint::Dialer { address, .. } => (Side::Us, address),
            ConnectedPoint::Listener { local_addr, .. } => (Side::Them, local_addr),
        };
        neighbour.connections.push(Connection {
            id,
            address: endpoint.get_remote_address().clone(),
            transport: kind_of(carrier).unwrap_or(TransportKind::Tcp),
            dialled_by,
            since: now,
            rtt: None,
            proved: false,
            closing: false,
        });
        match neighbour.connections.len() {
            1 => Change::Turned,
            _ => Change::Kept,
        }
    }
    /// A connection is gone.
    pub(crate) fn on_closed(&mut self, peer: PeerId, id: ConnectionId) -> Change {
        let Some(neighbour) = self.peers.get_mut(&peer) else {
            return Change::Kept;
        };
        let Some(place) = neighbour.connections.iter().position(|c| c.id == id) else {
            return Change::Kept;
        };
        let gone = neighbour.connections.remove(place);
        if neighbour.connections.is_empty() {
            self.peers.remove(&peer);
            return Change::Turned;
        }
        let younger = &mut neighbour.connections[place..];
        if gone.proved || gone.closing || younger.is_empty() {
            return Change::Kept;
        }
        let mute = younger.iter_mut().map(|connection| {
            connection.closing = true;
            connection.id
        });
        Change::Mute(mute.collect())
    }
    /// What a neighbour says of its software. Any text of the other side: bounded here.
    pub(crate) fn on_identified(&mut self, peer: PeerId, agent: &str) {
        if let Some(neighbour) = self.peers.get_mut(&peer) {
            neighbour.software = Some(agent.chars().take(MAX_SOFTWARE).collect());
        }
    }
    /// The only connection to a neighbour: what it says came through that.
    pub(crate) fn only_connection(&self, peer: PeerId) -> Option<ConnectionId> {
        match self.peers.get(&peer)?.connections.as_slice() {
            [connection] => Some(connection.id),
            _ => None,
        }
    }
    /// A connection answered a ping. Returns the duplicates to close.
    pub(crate) fn on_pong(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        rtt: Duration,
    ) -> Vec<ConnectionId> {
        let Some(neighbour) = self.peers.get_mut(&peer) else {
            return Vec::new();
        };
        for connection in &mut neighbour.connections {
            if connection.id == id {
                connection.rtt = Some(rtt);
                connection.proved = true;
            }
        }
        neighbour.surplus(match self.own < peer {
            true => Side::Us,
            false => Side::Them,
        })
    }
}

impl Neighbour {
    fn surplus(&mut self, preferred: Side) -> Vec<ConnectionId> {
        let open = || self.connections.iter().filter(|c| !c.closing);
        if open().count() < 2 || open().any(|c| !c.proved) {
            return Vec::new();
        }
        let kept = open()
            .find(|c| c.dialled_by == preferred)
            .or_else(|| open().next());
        let Some((kept, kept_side)) = kept.map(|c| (c.id, c.dialled_by)) else {
            return Vec::new();
        };
        let mut surplus = Vec::new();
        for connection in &mut self.connections {
            // Which of the other side's own dials is older is for the other side to say.
            let ours_to_close = connection.dialled_by != kept_side || kept_side == Side::Us;
            if connection.id != kept && !connection.closing && ours_to_close {
                connection.closing = true;
                surplus.push(connection.id);
            }
        }
        surplus
    }
}

/// Characters kept of a neighbour's software name. A guess: real ones are under 60.
const MAX_SOFTWARE: usize = 100;

#[cfg(test)]
mod tests {
    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    use super::*;

    fn ids() -> (PeerId, PeerId) {
        let (a, b) = (PeerId::random(), PeerId::random());
        (a.min(b), a.max(b))
    }

    fn dialled() -> ConnectedPoint {
        ConnectedPoint::Dialer {
            address: "/memory/1".parse().unwrap(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        }
    }

    fn accepted() -> ConnectedPoint {
        ConnectedPoint::Listener {
            local_addr: "/memory/1".parse().unwrap(),
            send_back_addr: "/memory/2".parse().unwrap(),
        }
    }

    const RTT: Duration = Duration::from_millis(1);

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    #[test]
    fn crossed_dials_keep_that_of_the_smaller_id_on_both_sides() {
        let (small, large) = ids();
        let now = Instant::now();
        let mut at_small = Links::new(small);
        assert_eq!(
            at_small.on_established(large, id(1), &accepted(), now),
            Change::Turned
        );
        assert_eq!(
            at_small.on_established(large, id(2), &dialled(), now),
            Change::Kept
        );
        assert!(
            at_small.on_pong(large, id(2), RTT).is_empty(),
            "1 may be dead or not: wait"
        );
        assert_eq!(at_small.on_pong(large, id(1), RTT), [id(1)]);
        assert!(at_small.on_pong(large, id(1), RTT).is_empty(), "only once");
        let mut at_large = Links::new(large);
        at_large.on_established(small, id(1), &dialled(), now);
        at_large.on_established(small, id(2), &accepted(), now);
        at_large.on_pong(small, id(1), RTT);
        assert_eq!(at_large.on_pong(small, id(2), RTT), [id(1)]);
        assert_eq!(at_large.on_closed(small, id(1)), Change::Kept);
        assert_eq!(at_large.on_closed(small, id(2)), Change::Turned);
        assert!(!at_large.any());
    }

    #[test]
    fn two_dials_of_one_side_are_its_own_to_close() {
        let (small, large) = ids();
        let now = Instant::now();
        for (own, peer) in [(small, large), (large, small)] {
            let (mut dialler, mut listener) = (Links::new(own), Links::new(own));
            for n in 1..=2 {
                dialler.on_established(peer, id(n), &dialled(), now);
                listener.on_established(peer, id(n), &accepted(), now);
            }
            dialler.on_pong(peer, id(1), RTT);
            listener.on_pong(peer, id(1), RTT);
            assert_eq!(dialler.on_pong(peer, id(2), RTT), [id(2)]);
            assert!(listener.on_pong(peer, id(2), RTT).is_empty());
        }
    }

    #[test]
    fn a_newcomer_that_met_a_dead_connection_is_made_anew() {
        let (small, large) = ids();
        let now = Instant::now();
        let mut links = Links::new(small);
        links.on_established(large, id(1), &dialled(), now);
        links.on_pong(large, id(1), RTT);
        // The other side crashed and came back under its key; the old connection never answers again.
        links.on_established(large, id(2), &accepted(), now);
        for _ in 0..3 {
            assert!(links.on_pong(large, id(2), RTT).is_empty());
        }
        // The other side's first subscription went to the dead one: it is made to come again.
        assert_eq!(links.on_closed(large, id(1)), Change::Mute(vec![id(2)]));
        assert_eq!(links.on_closed(large, id(2)), Change::Turned);
    }
}
