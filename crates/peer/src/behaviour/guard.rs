//! Who may connect, and how long a silent link lives: the three parts that look at connections and speak no protocol.
//!
//! One behaviour for all three, because each behaviour of its own adds a handler to every connection and a layer to
//! every type of the swarm, which the page has to carry.

use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId, connection_limits};

use super::{admission, watchdog};

/// The parts.
pub(crate) struct Behaviour {
    /// Connections in all, pending, per peer.
    limits: connection_limits::Behaviour,
    /// Handshakes per second per IP address.
    admission: admission::Behaviour,
    /// Closes links whose pings stay unanswered.
    watchdog: watchdog::Behaviour,
}

impl Behaviour {
    /// Lets in what the limits allow, and so many handshakes per second of one address.
    pub(crate) fn new(limits: connection_limits::ConnectionLimits, handshakes: u32) -> Self {
        Self {
            limits: connection_limits::Behaviour::new(limits),
            admission: admission::Behaviour::new(handshakes),
            watchdog: watchdog::Behaviour::new(),
        }
    }

    /// The link answered a ping, or a message came through it.
    pub(crate) fn pong(&mut self, connection: ConnectionId) {
        self.watchdog.pong(connection);
    }

    /// The neighbour does not speak ping: its silence says nothing.
    pub(crate) fn exempt(&mut self, connection: ConnectionId) {
        self.watchdog.exempt(connection);
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = watchdog::Silent;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.limits
            .handle_pending_inbound_connection(id, local, remote)?;
        self.admission
            .handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.limits
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.limits
            .handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.limits
            .handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.limits.on_swarm_event(event);
        self.watchdog.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    /// The others never have anything to say.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.watchdog.poll(cx)
    }
}
