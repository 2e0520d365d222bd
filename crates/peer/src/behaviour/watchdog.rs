//! Closes links whose pings stay unanswered.
//!
//! The ping behaviour alone reports a dead link too late: its first failure is silent and the next attempt waits for
//! a stream that nobody negotiates, ten seconds in all. So the watchdog counts its own ticks since the last answer.
//! Ticks, not time: after a suspended laptop, a throttled background tab or a stalled host the timer fires once, not
//! once per missed interval, so the answer has a fair chance to arrive.
//!
//! Who dialled has to notice soon, for it is the one to dial again. Who was dialled only tidies up, and can wait: a
//! relay on a busy host that cut its neighbours off would have them all come back at once.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use crate::transport::Timer;
use statemesh_core::collections::OrderedMap;

/// The watchdog.
pub(crate) struct Behaviour {
    links: OrderedMap<ConnectionId, Link>,
    timer: Timer,
    closing: VecDeque<(PeerId, ConnectionId)>,
    told: VecDeque<Silent>,
}

/// A link was closed by us: its pings stayed unanswered.
#[derive(Debug)]
pub(crate) struct Silent {
    /// Neighbour.
    pub(crate) peer: PeerId,
}

struct Link {
    peer: PeerId,
    /// Ticks it may still stay silent; `None`: it does not speak ping.
    patience: Option<u32>,
    /// Ticks it may stay silent after a sign of life.
    full: u32,
}

impl Behaviour {
    pub(crate) fn new() -> Self {
        Self {
            links: OrderedMap::new(),
            timer: Timer::new(TICK),
            closing: VecDeque::new(),
            told: VecDeque::new(),
        }
    }

    /// The link answered a ping, or a message came through it.
    pub(crate) fn pong(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.get_mut(&connection)
            && let Some(patience) = &mut link.patience
        {
            *patience = link.full;
        }
    }

    /// The neighbour does not speak ping: its silence says nothing.
    pub(crate) fn exempt(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.get_mut(&connection) {
            link.patience = None;
        }
    }

    fn on_tick(&mut self) {
        let mut silent = Vec::new();
        self.links.retain(|connection, link| match link.patience {
            Some(0) => {
                silent.push((*connection, link.peer));
                false
            }
            Some(left) => {
                link.patience = Some(left - 1);
                true
            }
            None => true,
        });
        for (connection, peer) in silent {
            self.closing.push_back((peer, connection));
            self.told.push_back(Silent { peer });
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Silent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => {
                let full = match up.endpoint.is_dialer() {
                    true => PATIENCE,
                    false => PATIENCE_OF_LISTENERS,
                };
                let link = Link {
                    peer: up.peer_id,
                    patience: Some(FIRST_PATIENCE.max(full)),
                    full,
                };
                self.links.insert(up.connection_id, link);
            }
            FromSwarm::ConnectionClosed(down) => {
                self.links.remove(&down.connection_id);
            }
            // Not an enum of ours, and none of the others concerns a link's life.
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
        if let Some(silent) = self.told.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(silent));
        }
        if let Some((peer_id, connection)) = self.closing.pop_front() {
            return Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection: CloseConnection::One(connection),
            });
        }
        Poll::Pending
    }
}

/// Twice per ping interval, so that the limit is met within half a second.
const TICK: Duration = Duration::from_millis(500);
/// Closed on the fifth tick without an answer, 2 to 2.5 s after the last one: two pings missed. A person is looking.
#[cfg(target_arch = "wasm32")]
const PATIENCE: u32 = 4;
/// Closed 4.5 to 5 s after the last sign of life. Natively a host that is busy for two seconds is likelier than a link
/// that died without a word.
#[cfg(not(target_arch = "wasm32"))]
const PATIENCE: u32 = 9;
/// Closed 9.5 to 10 s after the last sign of life, as an idle QUIC connection is.
const PATIENCE_OF_LISTENERS: u32 = 19;
/// The first answer needs two round trips more for its stream. A dial gives up after 2 s, so a link that came up at all
/// has time for them; and the relay may die at any moment, also in the first second.
#[cfg(target_arch = "wasm32")]
const FIRST_PATIENCE: u32 = PATIENCE;
/// Natively 5.5 to 6 s, or what later answers may take when that is longer.
#[cfg(not(target_arch = "wasm32"))]
const FIRST_PATIENCE: u32 = 11;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    fn watchdog_of_one() -> (Behaviour, ConnectionId) {
        let mut watchdog = Behaviour::new();
        let connection = ConnectionId::new_unchecked(1);
        let link = Link {
            peer: PeerId::random(),
            patience: Some(FIRST_PATIENCE),
            full: PATIENCE,
        };
        watchdog.links.insert(connection, link);
        (watchdog, connection)
    }

    #[tokio::test]
    async fn an_answering_link_stays() {
        let (mut watchdog, connection) = watchdog_of_one();
        for _ in 0..1000 {
            watchdog.pong(connection);
            for _ in 0..PATIENCE {
                watchdog.on_tick();
            }
        }
        assert!(watchdog.told.is_empty() && watchdog.closing.is_empty());
    }

    #[tokio::test]
    async fn a_silent_link_is_closed_once() {
        let (mut watchdog, connection) = watchdog_of_one();
        watchdog.pong(connection);
        for tick in 0..=PATIENCE {
            assert!(watchdog.closing.is_empty(), "closed at tick {tick}");
            watchdog.on_tick();
        }
        assert_eq!(watchdog.closing.len(), 1);
        watchdog.on_tick();
        assert_eq!((watchdog.closing.len(), watchdog.told.len()), (1, 1));
    }

    #[tokio::test]
    async fn a_neighbour_without_ping_is_left_alone() {
        let (mut watchdog, connection) = watchdog_of_one();
        watchdog.exempt(connection);
        for _ in 0..1000 {
            watchdog.on_tick();
        }
        assert!(watchdog.closing.is_empty());
    }

    #[tokio::test]
    async fn pongs_of_unknown_links_are_ignored() {
        let mut watchdog = Behaviour::new();
        watchdog.pong(ConnectionId::new_unchecked(7));
        watchdog.exempt(ConnectionId::new_unchecked(7));
        assert!(watchdog.links.is_empty());
    }
}
