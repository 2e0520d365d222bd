//! Who may connect, and how long a silent link lives: what looks at connections and speaks no protocol.
//!
//! One behaviour for all of it, because each behaviour of its own adds a handler to every connection and a layer to
//! every type of the swarm, which the page has to carry. All numbers come from what there is now: nothing stays of
//! whoever has gone.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use statemesh_core::collections::{OrderedMap, OrderedSet};

#[cfg(not(target_arch = "wasm32"))]
use super::admission::Admission;
use super::patience::{Patience, TICK};
use crate::mesh::Limits;
use crate::transport::Timer;

/// The guard.
pub(crate) struct Behaviour {
    limits: Limits,
    /// Handshakes per second per IP address. Nobody calls a tab.
    #[cfg(not(target_arch = "wasm32"))]
    admission: Admission,
    /// Connections being made, by who dialled.
    incoming: OrderedSet<ConnectionId>,
    outgoing: OrderedSet<ConnectionId>,
    links: OrderedMap<ConnectionId, Link>,
    timer: Timer,
    outputs: VecDeque<ToSwarm<Silent, Infallible>>,
}

struct Link {
    peer: PeerId,
    patience: Patience,
}

/// A link was closed by us: its pings stayed unanswered.
#[derive(Debug)]
pub(crate) struct Silent {
    /// Neighbour.
    pub(crate) peer: PeerId,
}

/// Why there is no room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    #[error("too many handshakes from this address")]
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "nobody calls a tab")
    )]
    Handshakes,
    #[error("too many connections are being made")]
    Pending,
    #[error("too many connections")]
    Established,
    #[error("too many connections with that peer")]
    Peer,
}

impl Behaviour {
    /// Lets in what the limits allow.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            #[cfg(not(target_arch = "wasm32"))]
            admission: Admission::new(limits.handshakes_per_ip),
            limits,
            incoming: OrderedSet::default(),
            outgoing: OrderedSet::default(),
            links: OrderedMap::new(),
            timer: Timer::new(TICK),
            outputs: VecDeque::new(),
        }
    }

    /// The link answered a ping, or a message came through it.
    pub(crate) fn pong(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.get_mut(&connection) {
            link.patience.renew();
        }
    }

    /// The neighbour does not speak ping: its silence says nothing.
    pub(crate) fn exempt(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.get_mut(&connection) {
            link.patience.be_endless();
        }
    }

    fn on_tick(&mut self) {
        let outputs = &mut self.outputs;
        self.links.retain(|connection, link| {
            let stays = link.patience.tick();
            if !stays {
                let peer_id = link.peer;
                outputs.push_back(ToSwarm::GenerateEvent(Silent { peer: peer_id }));
                outputs.push_back(ToSwarm::CloseConnection {
                    peer_id,
                    connection: CloseConnection::One(*connection),
                });
            }
            stays
        });
    }

    /// A connection is made and may stay.
    fn admit(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
    ) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        self.forget_pending(connection);
        let of_peer = self.links.values().filter(|link| link.peer == peer);
        if is_full(of_peer.count(), self.limits.per_peer) {
            return Err(ConnectionDenied::new(NoRoom::Peer));
        }
        if is_full(self.links.len(), self.limits.connections) {
            return Err(ConnectionDenied::new(NoRoom::Established));
        }
        Ok(dummy::ConnectionHandler)
    }

    fn forget_pending(&mut self, connection: ConnectionId) {
        self.incoming.remove(&connection);
        self.outgoing.remove(&connection);
    }
}

fn is_full(there: usize, limit: u32) -> bool {
    there >= limit as usize
}

fn add_pending(
    pending: &mut OrderedSet<ConnectionId>,
    connection: ConnectionId,
    limit: u32,
) -> Result<(), ConnectionDenied> {
    if is_full(pending.len(), limit) {
        return Err(ConnectionDenied::new(NoRoom::Pending));
    }
    pending.insert(connection);
    Ok(())
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Silent;

    #[cfg(not(target_arch = "wasm32"))]
    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        if !self.admission.admit(remote) {
            return Err(ConnectionDenied::new(NoRoom::Handshakes));
        }
        add_pending(&mut self.incoming, id, self.limits.pending)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(id, peer)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        _: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        add_pending(&mut self.outgoing, id, self.limits.pending)?;
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(id, peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => {
                let link = Link {
                    peer: up.peer_id,
                    patience: Patience::new(up.endpoint.is_dialer()),
                };
                self.links.insert(up.connection_id, link);
            }
            FromSwarm::ConnectionClosed(down) => {
                self.links.remove(&down.connection_id);
            }
            FromSwarm::DialFailure(failed) => self.forget_pending(failed.connection_id),
            FromSwarm::ListenFailure(failed) => self.forget_pending(failed.connection_id),
            // Not an enum of ours, and none of the others concerns a connection's life.
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Silent, Infallible>> {
        while Pin::new(&mut self.timer).poll(cx).is_ready() {
            self.on_tick();
            self.timer.set(TICK);
        }
        match self.outputs.pop_front() {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use libp2p::core::ConnectedPoint;
    use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure};
    use libp2p::swarm::{ConnectionDenied, DialError};

    use super::*;

    fn guard(connections: u32, pending: u32, per_peer: u32) -> Behaviour {
        Behaviour::new(Limits {
            connections,
            pending,
            per_peer,
            ..Limits::default()
        })
    }

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn dialled() -> ConnectedPoint {
        ConnectedPoint::Dialer {
            address: "/memory/1".parse().unwrap(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        }
    }

    impl Behaviour {
        fn dial(&mut self, connection: ConnectionId) -> Result<(), ConnectionDenied> {
            let role = Endpoint::Dialer;
            self.handle_pending_outbound_connection(connection, None, &[], role)
                .map(drop)
        }

        fn connect(&mut self, connection: ConnectionId, peer: PeerId) -> Option<NoRoom> {
            let address = Multiaddr::empty();
            let (role, port) = (Endpoint::Dialer, PortUse::New);
            if let Err(denied) =
                self.handle_established_outbound_connection(connection, peer, &address, role, port)
            {
                return denied.downcast_ref().copied();
            }
            self.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id: peer,
                connection_id: connection,
                endpoint: &dialled(),
                failed_addresses: &[],
                other_established: 0,
            }));
            None
        }

        fn close(&mut self, connection: ConnectionId, peer: PeerId) {
            self.on_swarm_event(FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id: peer,
                connection_id: connection,
                endpoint: &dialled(),
                cause: None,
                remaining_established: 0,
            }));
        }
    }

    #[tokio::test]
    async fn room_is_for_so_many_and_comes_back() {
        let mut guard = guard(3, 2, 2);
        let (a, b) = (PeerId::random(), PeerId::random());
        for round in 0..3_usize {
            let id = |number| id(round * 10 + number);
            assert!(guard.dial(id(0)).is_ok() && guard.dial(id(1)).is_ok());
            let denied = guard.dial(id(2)).unwrap_err();
            assert_eq!(denied.downcast_ref(), Some(&NoRoom::Pending));
            assert_eq!(guard.connect(id(0), a), None);
            guard.on_swarm_event(FromSwarm::DialFailure(DialFailure {
                peer_id: None,
                error: &DialError::Aborted,
                connection_id: id(1),
            }));
            assert!(guard.dial(id(3)).is_ok() && guard.dial(id(4)).is_ok());
            assert_eq!(guard.connect(id(3), a), None);
            assert_eq!(guard.connect(id(4), a), Some(NoRoom::Peer));
            assert_eq!(guard.connect(id(5), b), None);
            assert_eq!(guard.connect(id(6), b), Some(NoRoom::Established));
            for (number, peer) in [(0, a), (3, a), (5, b)] {
                guard.close(id(number), peer);
            }
            assert!(guard.outgoing.is_empty() && guard.links.is_empty());
        }
    }

    #[tokio::test]
    async fn a_silent_link_is_closed_once() {
        let mut guard = guard(9, 9, 9);
        let (silent, lively) = (PeerId::random(), PeerId::random());
        guard.connect(id(1), silent);
        guard.connect(id(2), lively);
        for _ in 0..100 {
            guard.on_tick();
            guard.pong(id(2));
        }
        let mut told = guard.outputs.into_iter();
        assert!(
            matches!(told.next(), Some(ToSwarm::GenerateEvent(Silent { peer })) if peer == silent)
        );
        let closed = told.next();
        assert!(
            matches!(closed, Some(ToSwarm::CloseConnection { peer_id, connection: CloseConnection::One(one) })
                if peer_id == silent && one == id(1))
        );
        assert!(told.next().is_none());
    }

    #[tokio::test]
    async fn a_neighbour_without_ping_is_left_alone_and_unknown_links_are_ignored() {
        let mut guard = guard(9, 9, 9);
        guard.connect(id(1), PeerId::random());
        guard.exempt(id(1));
        guard.pong(id(7));
        guard.exempt(id(7));
        for _ in 0..1000 {
            guard.on_tick();
        }
        assert!(guard.outputs.is_empty());
        assert_eq!(guard.links.len(), 1);
    }
}
