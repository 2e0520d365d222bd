//! Gossipsub that tells what it refused. A message whose signature does not fit is dropped by gossipsub without a word;
//! here it is counted against the neighbour that brought it.

use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::Gossipsub;
use super::signature::Copies;

/// The topic, with a count of what was refused before anybody read it.
pub(crate) struct Checked {
    gossipsub: Gossipsub,
    copies: Copies,
}

/// What gossipsub's handlers tell it; the type has no public name.
type HandlerEvent =
    <<Gossipsub as NetworkBehaviour>::ConnectionHandler as ConnectionHandler>::ToBehaviour;

impl Checked {
    /// Counts there.
    pub(crate) fn new(gossipsub: Gossipsub, copies: Copies) -> Self {
        Self { gossipsub, copies }
    }
}

impl Deref for Checked {
    type Target = Gossipsub;

    fn deref(&self) -> &Gossipsub {
        &self.gossipsub
    }
}

impl DerefMut for Checked {
    fn deref_mut(&mut self) -> &mut Gossipsub {
        &mut self.gossipsub
    }
}

impl NetworkBehaviour for Checked {
    type ConnectionHandler = <Gossipsub as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = <Gossipsub as NetworkBehaviour>::ToSwarm;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossipsub
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossipsub
            .handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.gossipsub.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        neighbour: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if let HandlerEvent::Message {
            invalid_messages, ..
        } = &event
        {
            for _ in invalid_messages {
                self.copies.count_forged(neighbour);
            }
        }
        self.gossipsub
            .on_connection_handler_event(neighbour, id, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.gossipsub.poll(cx)
    }
}
