//! What the swarm says, turned into inputs: one short arm per event.

use std::sync::Arc;

use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, ping};
use statemesh_core::node::{Input, MessageToken, Signed, Transport};

use super::links::Change;
use super::{EventLoop, Stage, dial_error};
use crate::behaviour::neighbours::Event;
use crate::behaviour::{BehaviourEvent, catch_up, refusal, signature};
use crate::mesh::{MeshEvent, TransportKind};
use crate::transport::core_id;

impl EventLoop {
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_established(peer_id, connection_id, &endpoint),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                self.on_closed(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                error,
                ..
            } => {
                let now = self.clock.now();
                let reasons = |tried: &[Multiaddr]| dial_error::failures(error, tried);
                if let Some(visit) = self.visits.remove(connection_id) {
                    return visit.fail(reasons);
                }
                self.dialler.on_failed(connection_id, reasons, now);
                self.acquaintances.on_failed(connection_id, now);
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                if let Some(refusal) = refusal(&error) {
                    self.registry.count_refusal(refusal);
                }
            }
            SwarmEvent::NewListenAddr { listener_id, .. } => {
                self.show_addresses();
                if let Stage::Starting { listeners, .. } = &mut self.stage {
                    listeners.retain(|(id, _)| *id != listener_id);
                    self.start_if_listening();
                }
            }
            SwarmEvent::ExpiredListenAddr { .. } => self.show_addresses(),
            SwarmEvent::ListenerClosed {
                listener_id,
                reason,
                ..
            } => {
                self.show_addresses();
                let reason = match reason {
                    Ok(()) => "the listener closed".to_owned(),
                    Err(error) => error.to_string(),
                };
                tracing::warn!(reason, "a listener closed");
                self.fail_start(Some((listener_id, reason)));
            }
            SwarmEvent::ListenerError { listener_id, error } => {
                tracing::warn!(%error, "a listener failed");
                self.fail_start(Some((listener_id, error.to_string())));
            }
            // Not an enum of ours, and none of the others is of interest.
            _ => {}
        }
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossipsub(event) => self.on_gossipsub_event(event),
            BehaviourEvent::Ping(event) => self.on_ping(event),
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                if !info.protocols.contains(&ping::PROTOCOL_NAME) {
                    self.swarm.behaviour_mut().neighbours.exempt(connection_id);
                }
                self.links.on_identified(peer_id, &info.agent_version);
                self.show_link(peer_id);
                if info.protocols.contains(&catch_up::PROTOCOL) {
                    let now = self.clock.now();
                    self.node
                        .handle_input(now, Input::Speaks(core_id(&peer_id)));
                }
            }
            BehaviourEvent::Identify(_) => {}
            BehaviourEvent::Neighbours(Event::Silent(peer)) => {
                tracing::debug!(%peer, "closing a link: two pings unanswered");
            }
            BehaviourEvent::Neighbours(Event::Said(peer, word)) => self.on_word(peer, word),
        }
    }

    fn on_gossipsub_event(&mut self, event: gossipsub::Event) {
        let now = self.clock.now();
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => self.on_message(propagation_source, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic } if topic == self.topic.hash() => {
                let peer = core_id(&peer_id);
                self.node.handle_input(now, Input::Subscribed(peer));
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } if topic == self.topic.hash() => {
                let peer = core_id(&peer_id);
                self.node.handle_input(now, Input::Unsubscribed(peer));
            }
            gossipsub::Event::Subscribed { .. } | gossipsub::Event::Unsubscribed { .. } => {}
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!(peer = %peer_id, "a neighbour does not speak gossipsub");
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                tracing::debug!(peer = %peer_id, ?failed_messages, "a neighbour is slow");
            }
        }
    }

    fn on_message(&mut self, via: PeerId, id: MessageId, message: gossipsub::Message) {
        if let Some(connection) = self.links.only_connection(via) {
            self.swarm.behaviour_mut().neighbours.pong(connection);
        }
        let leaving = matches!(self.stage, Stage::Leaving(_));
        let Some(author) = message.source.filter(|_| !leaving) else {
            // Strict signing leaves no message without an author; one that leaves hears nothing any more.
            self.swarm
                .behaviour_mut()
                .gossipsub
                .report_message_validation_result(&id, &via, MessageAcceptance::Ignore);
            return;
        };
        let mut data = message.data;
        let signature = signature::take(&mut data);
        self.registry.count(|traffic| traffic.count_received(&data));
        let token = MessageToken(self.next_token);
        self.next_token += 1;
        self.unjudged.insert(token, (id, via));
        let input = Input::Message {
            token,
            via: core_id(&via),
            signed: Arc::new(Signed {
                author: core_id(&author),
                // Strict validation lets nothing without a number through.
                seqno: message.sequence_number.unwrap_or_default(),
                signature,
                data,
            }),
        };
        let now = self.clock.now();
        self.node.handle_input(now, input);
        self.drain_node(now);
        self.registry.count_message(core_id(&author));
        // Verdicts come with the message; one that did not come never will, and gossipsub forgets it by itself.
        self.unjudged.remove(&token);
    }

    fn on_ping(&mut self, event: ping::Event) {
        let neighbours = &mut self.swarm.behaviour_mut().neighbours;
        match event.result {
            Ok(rtt) => {
                neighbours.pong(event.connection);
                let surplus = self.links.on_pong(event.peer, event.connection, rtt);
                for connection in surplus {
                    tracing::debug!(peer = %event.peer, "closing a duplicate connection");
                    self.swarm.close_connection(connection);
                }
                self.show_link(event.peer);
                self.tell_link(event.peer);
            }
            // Silence is the neighbours' part's business. `Unsupported` is also said of a stream that ended while it was
            // negotiated, as those of a page do that is left: whoever speaks no ping says so in identify.
            Err(
                ping::Failure::Unsupported | ping::Failure::Timeout | ping::Failure::Other { .. },
            ) => {}
        }
    }

    fn on_established(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let now = self.clock.now();
        let since = self.registry.real(now);
        let change = self.links.on_established(peer, id, endpoint, since);
        if let Some(visit) = self.visits.remove(id) {
            visit.done(core_id(&peer));
        }
        self.dialler.on_linked(peer, id, now);
        self.acquaintances
            .on_linked(peer, endpoint.get_remote_address());
        if change == Change::Turned {
            self.links_changed = true;
            self.show_link(peer);
            if let Some(link) = self.links.link(peer) {
                self.registry.tell(MeshEvent::LinkUp(link));
            }
            self.node.handle_input(now, Input::LinkUp(core_id(&peer)));
            self.refresh_peer(core_id(&peer));
        }
    }

    fn on_closed(&mut self, peer: PeerId, id: ConnectionId) {
        let now = self.clock.now();
        let change = self.links.on_closed(peer, id);
        self.show_link(peer);
        if let Change::Mute(others) = &change {
            for connection in others {
                self.swarm.close_connection(*connection);
            }
        }
        if change == Change::Turned {
            self.links_changed = true;
            if !self.links.any() {
                self.lost_at = Some(self.registry.real(now));
            }
            self.dialler.on_unlinked(peer, now);
            self.registry.tell(MeshEvent::LinkDown(core_id(&peer)));
            self.node.handle_input(now, Input::LinkDown(core_id(&peer)));
            self.refresh_peer(core_id(&peer));
        }
    }

    /// The node tells others what the link is like.
    fn tell_link(&mut self, peer: PeerId) {
        let Some(link) = self.links.link(peer) else {
            return;
        };
        let transport = match link.transport {
            TransportKind::Quic => Transport::Quic,
            TransportKind::Tcp => Transport::Tcp,
            TransportKind::WebSocket => Transport::WebSocket,
            TransportKind::WebRtc => Transport::WebRtc,
            TransportKind::Memory => Transport::Memory,
        };
        let rtt = link.rtt.unwrap_or_default();
        let input = Input::Link(link.peer, transport, rtt);
        self.node.handle_input(self.clock.now(), input);
    }

    fn show_link(&self, peer: PeerId) {
        self.registry
            .set_link(core_id(&peer), self.links.link(peer));
    }

    fn show_addresses(&mut self) {
        let own = *self.swarm.local_peer_id();
        let full = |address: &Multiaddr| address.clone().with_p2p(own).ok();
        self.registry
            .set_addresses(self.swarm.listeners().filter_map(full).collect());
        self.tell_addresses();
    }
}
