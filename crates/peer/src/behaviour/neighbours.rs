//! The connections with neighbours: who may connect, how long a silent link lives, and what is asked on it.
//!
//! One behaviour for all of it, with one table, because each behaviour of its own adds a handler to every connection and
//! a layer to every type of the swarm, which the page has to carry. All numbers come from what there is now: nothing
//! stays of whoever has gone.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler,
    THandler, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};
use statemesh_core::collections::{OrderedMap, OrderedSet};
use statemesh_core::node::Members;

#[cfg(not(target_arch = "wasm32"))]
use super::admission::Admission;
use super::catch_up::{Handler, Word};
use super::patience::{Patience, TICK};
use crate::mesh::Limits;
use crate::transport::{Timer, core_id};

/// All neighbours.
pub(crate) struct Behaviour {
    limits: Limits,
    /// The only ones who may connect.
    members: Option<Members>,
    /// Handshakes per second per IP address. Nobody calls a tab.
    #[cfg(not(target_arch = "wasm32"))]
    admission: Admission,
    /// Connections being made, by who dialled.
    incoming: OrderedSet<ConnectionId>,
    outgoing: OrderedSet<ConnectionId>,
    links: OrderedMap<ConnectionId, Link>,
    timer: Timer,
    outputs: VecDeque<ToSwarm<Event, Vec<u8>>>,
}

struct Link {
    peer: PeerId,
    patience: Patience,
    /// Our questions on it that nothing came back to yet.
    open: usize,
}

/// What there is to tell of a neighbour.
#[derive(Debug)]
pub(crate) enum Event {
    /// A link was closed by us: its pings stayed unanswered.
    Silent(PeerId),
    /// A question, or what became of ours.
    Said(PeerId, Word),
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
    #[error("that peer is no member")]
    Stranger,
}

impl Behaviour {
    /// Lets in what the limits allow; of peers, all or these.
    pub(crate) fn new(limits: Limits, members: Option<Members>) -> Self {
        Self {
            #[cfg(not(target_arch = "wasm32"))]
            admission: Admission::new(limits.handshakes_per_ip),
            limits,
            members,
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

    /// Asks a neighbour, on its oldest connection. What becomes of it is always told.
    pub(crate) fn ask(&mut self, peer: PeerId, question: Vec<u8>) {
        let mut oldest = None;
        self.links.for_each_mut(|connection, link| {
            if link.peer == peer && oldest.is_none() {
                link.open += 1;
                oldest = Some(*connection);
            }
        });
        self.outputs.push_back(match oldest {
            Some(connection) => ToSwarm::NotifyHandler {
                peer_id: peer,
                handler: NotifyHandler::One(connection),
                event: question,
            },
            None => said(peer, Word::Untold),
        });
    }

    fn on_tick(&mut self) {
        let outputs = &mut self.outputs;
        self.links.for_each_mut(|connection, link| {
            if !link.patience.tick() {
                // Once is enough: it stays in the table until it is closed.
                link.patience.be_endless();
                let peer_id = link.peer;
                outputs.push_back(ToSwarm::GenerateEvent(Event::Silent(peer_id)));
                outputs.push_back(ToSwarm::CloseConnection {
                    peer_id,
                    connection: CloseConnection::One(*connection),
                });
            }
        });
    }

    /// A connection is made and may stay.
    fn admit(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
    ) -> Result<Handler, ConnectionDenied> {
        self.forget_pending(connection);
        let members = self.members.as_ref();
        if members.is_some_and(|members| !members.contains(&core_id(&peer))) {
            return Err(ConnectionDenied::new(NoRoom::Stranger));
        }
        let of_peer = self.links.values().filter(|link| link.peer == peer);
        if is_full(of_peer.count(), self.limits.per_peer) {
            return Err(ConnectionDenied::new(NoRoom::Peer));
        }
        if is_full(self.links.len(), self.limits.connections) {
            return Err(ConnectionDenied::new(NoRoom::Established));
        }
        Ok(Handler::default())
    }

    fn forget_pending(&mut self, connection: ConnectionId) {
        self.incoming.remove(&connection);
        self.outgoing.remove(&connection);
    }
}

fn said(peer: PeerId, word: Word) -> ToSwarm<Event, Vec<u8>> {
    ToSwarm::GenerateEvent(Event::Said(peer, word))
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
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

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
                    open: 0,
                };
                self.links.insert(up.connection_id, link);
            }
            FromSwarm::ConnectionClosed(down) => {
                if let Some(link) = self.links.remove(&down.connection_id) {
                    let lost = (0..link.open).map(|_| said(link.peer, Word::Untold));
                    self.outputs.extend(lost);
                }
            }
            FromSwarm::DialFailure(failed) => self.forget_pending(failed.connection_id),
            FromSwarm::ListenFailure(failed) => self.forget_pending(failed.connection_id),
            // Not an enum of ours, and none of the others concerns a connection's life.
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        word: THandlerOutEvent<Self>,
    ) {
        if let Word::Told(_) | Word::Untold = word
            && let Some(link) = self.links.get_mut(&connection)
        {
            link.open -= 1;
        }
        self.outputs.push_back(said(peer, word));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, Vec<u8>>> {
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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use libp2p::core::ConnectedPoint;
    use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure};
    use libp2p::swarm::{ConnectionDenied, DialError};

    use super::*;

    fn neighbours(connections: u32, pending: u32, per_peer: u32) -> Behaviour {
        let limits = Limits {
            connections,
            pending,
            per_peer,
            ..Limits::default()
        };
        Behaviour::new(limits, None)
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
        let mut all = neighbours(3, 2, 2);
        let (a, b) = (PeerId::random(), PeerId::random());
        for round in 0..3_usize {
            let id = |number| id(round * 10 + number);
            assert!(all.dial(id(0)).is_ok() && all.dial(id(1)).is_ok());
            let denied = all.dial(id(2)).unwrap_err();
            assert_eq!(denied.downcast_ref(), Some(&NoRoom::Pending));
            assert_eq!(all.connect(id(0), a), None);
            all.on_swarm_event(FromSwarm::DialFailure(DialFailure {
                peer_id: None,
                error: &DialError::Aborted,
                connection_id: id(1),
            }));
            assert!(all.dial(id(3)).is_ok() && all.dial(id(4)).is_ok());
            assert_eq!(all.connect(id(3), a), None);
            assert_eq!(all.connect(id(4), a), Some(NoRoom::Peer));
            assert_eq!(all.connect(id(5), b), None);
            assert_eq!(all.connect(id(6), b), Some(NoRoom::Established));
            for (number, peer) in [(0, a), (3, a), (5, b)] {
                all.close(id(number), peer);
            }
            assert!(all.outgoing.is_empty() && all.links.is_empty());
        }
    }

    #[tokio::test]
    async fn a_silent_link_is_closed_once() {
        let mut all = neighbours(9, 9, 9);
        let (silent, lively) = (PeerId::random(), PeerId::random());
        all.connect(id(1), silent);
        all.connect(id(2), lively);
        for _ in 0..100 {
            all.on_tick();
            all.pong(id(2));
        }
        let mut told = all.outputs.into_iter();
        assert!(
            matches!(told.next(), Some(ToSwarm::GenerateEvent(Event::Silent(peer))) if peer == silent)
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
        let mut all = neighbours(9, 9, 9);
        all.connect(id(1), PeerId::random());
        all.exempt(id(1));
        all.pong(id(7));
        all.exempt(id(7));
        for _ in 0..1000 {
            all.on_tick();
        }
        assert!(all.outputs.is_empty());
        assert_eq!(all.links.len(), 1);
    }
}
