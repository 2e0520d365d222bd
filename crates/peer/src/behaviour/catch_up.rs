//! The direct protocol between neighbours, `/statemesh/catch-up/1`: a stream for each question and its answer, each with
//! its length before it.
//!
//! ```text
//! ask -> stream, question -> Word::Asked -> Responder -> answer -> Word::Told
//!                                      or whatever went wrong  -> Word::Untold
//! ```
//!
//! What the bytes mean is core's; here they are bounded, in time, too. An empty answer is a refusal. Kept apart from the
//! topic: whoever does not speak it is introduced to everything there.

mod handler;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use std::collections::VecDeque;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use self::handler::Handler;
pub(crate) use self::handler::PROTOCOL;

/// Questions to neighbours, and theirs to us.
#[derive(Default)]
pub(crate) struct Behaviour {
    links: Vec<Link>,
    outputs: VecDeque<ToSwarm<Event, Vec<u8>>>,
}

struct Link {
    connection: ConnectionId,
    peer: PeerId,
    /// Our questions on it that nothing came back to yet.
    open: usize,
}

/// What a neighbour says.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) peer: PeerId,
    pub(crate) word: Word,
}

/// What a stream brought.
#[derive(Debug)]
pub(crate) enum Word {
    /// A question, and where its answer goes.
    Asked(Vec<u8>, Responder),
    /// The answer to the question of ours.
    Told(Vec<u8>),
    /// There will be none. Every question ends in this or in an answer.
    Untold,
}

/// Takes the answer to a question; dropped, it refuses.
pub(crate) type Responder = oneshot::Sender<Vec<u8>>;

impl Behaviour {
    /// Asks a neighbour, on its oldest connection.
    pub(crate) fn ask(&mut self, peer: PeerId, question: Vec<u8>) {
        let output = match self.links.iter_mut().find(|link| link.peer == peer) {
            Some(link) => {
                link.open += 1;
                ToSwarm::NotifyHandler {
                    peer_id: peer,
                    handler: NotifyHandler::One(link.connection),
                    event: question,
                }
            }
            None => untold(peer),
        };
        self.outputs.push_back(output);
    }

    fn place(&self, connection: ConnectionId) -> Option<usize> {
        let mut links = self.links.iter();
        links.position(|link| link.connection == connection)
    }
}

fn untold(peer: PeerId) -> ToSwarm<Event, Vec<u8>> {
    let word = Word::Untold;
    ToSwarm::GenerateEvent(Event { peer, word })
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => self.links.push(Link {
                connection: up.connection_id,
                peer: up.peer_id,
                open: 0,
            }),
            FromSwarm::ConnectionClosed(down) => {
                if let Some(at) = self.place(down.connection_id) {
                    let link = self.links.remove(at);
                    let failed = (0..link.open).map(|_| untold(link.peer));
                    self.outputs.extend(failed);
                }
            }
            // Not an enum of ours, and none of the others ends a question.
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
            && let Some(at) = self.place(connection)
        {
            self.links[at].open -= 1;
        }
        self.outputs
            .push_back(ToSwarm::GenerateEvent(Event { peer, word }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        match self.outputs.pop_front() {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}
