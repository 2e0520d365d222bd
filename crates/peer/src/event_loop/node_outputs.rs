//! What the node says, carried out: messages to gossipsub, verdicts on others' messages, events to the registry.

use libp2p::Swarm;
use libp2p::gossipsub::{IdentTopic, MessageAcceptance, PublishError};
use statemesh_core::PeerId;
use statemesh_core::node::{Event, Input, MessageToken, Output, Verdict};
use statemesh_core::time::Instant;

use super::EventLoop;
use super::outbox::{Outbox, Tried};
use crate::behaviour::Behaviour;
use crate::mesh::MeshEvent;

impl EventLoop {
    pub(super) fn drain_node(&mut self, now: Instant) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Publish(data) => {
                    let (outbox, mut publish) = self.publisher();
                    outbox.send(data, now, &mut publish);
                }
                Output::Verdict(token, verdict) => self.on_verdict(token, verdict),
                Output::Event(event) => self.on_node_event(event),
                Output::Ask(to, request) => self.ask(to, request),
                Output::Answer(call, own, reply) => self.answer(call, own, reply),
                Output::Refuse(call) => self.refuse(call),
            }
        }
        let dropped = self.outbox.take_dropped();
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "neighbours take nothing: own messages were given up"
            );
        }
        if let Some(congested) = self.outbox.take_turn() {
            self.node.handle_input(now, Input::Congested(congested));
        }
    }

    fn on_verdict(&mut self, token: MessageToken, verdict: Verdict) {
        let Some((id, via)) = self.unjudged.remove(&token) else {
            return;
        };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        // `false`: gossipsub has forgotten the message already.
        let _ = self
            .swarm
            .behaviour_mut()
            .gossipsub
            .report_message_validation_result(&id, &via, acceptance);
    }

    fn on_node_event(&mut self, event: Event) {
        match event {
            Event::PeerFound(peer) => {
                self.refresh_peer(peer);
                self.registry.tell(MeshEvent::PeerFound(peer));
            }
            Event::PeerGone(peer, reason) => {
                self.refresh_peer(peer);
                self.registry.tell(MeshEvent::PeerGone(peer, reason));
            }
            Event::MachineFound(peer, index) => {
                self.refresh_peer(peer);
                if let Some(mirror) = self.node.mirror(peer, index) {
                    self.registry.add_machine(mirror);
                }
            }
            Event::ClockChanged(peer, index, before) => {
                self.refresh_peer(peer);
                let machine = self.registry.machine(peer, index);
                if let (Some(machine), Some(mirror)) = (machine, self.node.mirror(peer, index)) {
                    let snapshot = machine.update(mirror);
                    self.registry
                        .tell(MeshEvent::ClockChanged(machine, before, snapshot));
                }
            }
            Event::MachineGone(peer, index) => {
                self.refresh_peer(peer);
                self.registry.remove_machine(peer, index);
            }
            Event::Heard(peer) => {
                self.refresh_peer(peer);
                for machine in self.registry.machines_of(peer) {
                    if let Some(mirror) = self.node.mirror(peer, machine.index()) {
                        machine.update(mirror);
                    }
                }
                self.registry.tell(MeshEvent::Heard(peer));
            }
            Event::NotExposed(index, reason) => {
                tracing::error!(%index, reason, "a machine cannot be exposed");
                self.exposures.remove(index);
            }
            Event::Dropped(peer, reason) => {
                self.refresh_peer(peer);
                self.registry.count_dropped(peer, reason);
                self.registry.tell(MeshEvent::Dropped(peer, reason));
            }
        }
    }

    /// The outbox, and what it hands messages to.
    pub(super) fn publisher(&mut self) -> (&mut Outbox, impl FnMut(&[u8]) -> Tried) {
        let (swarm, topic, registry) = (&mut self.swarm, &self.topic, &self.registry);
        let publish = move |data: &[u8]| {
            let tried = publish(swarm, topic, data);
            if tried == Tried::Sent {
                registry.count(|traffic| traffic.count_published(data));
            }
            tried
        };
        (&mut self.outbox, publish)
    }

    pub(super) fn refresh_peer(&self, peer: PeerId) {
        self.registry.set_peer(peer, self.node.peer(peer));
    }
}

/// Publishes own bytes, and says whether it is worth trying again.
fn publish(swarm: &mut Swarm<Behaviour>, topic: &IdentTopic, data: &[u8]) -> Tried {
    let gossipsub = &mut swarm.behaviour_mut().gossipsub;
    match gossipsub.publish(topic.hash(), data) {
        Ok(_) => Tried::Sent,
        Err(PublishError::Duplicate) => Tried::Done,
        // Nobody listens. Whoever subscribes next is introduced to everything as it stands then.
        Err(PublishError::NoPeersSubscribedToTopic) => Tried::Done,
        Err(PublishError::AllQueuesFull(_)) => Tried::Busy,
        Err(error) => {
            tracing::error!(%error, bytes = data.len(), "an own message cannot be published");
            Tried::Done
        }
    }
}
