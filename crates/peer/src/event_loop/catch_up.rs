//! Direct questions between neighbours, carried out: streams to the behaviour, signatures checked before the node reads.

use libp2p::{PeerId, request_response};
use statemesh_core::node::{Call, Input, Reply};

use super::{EventLoop, clock};
use crate::behaviour::catch_up::{Channel, Event};
use crate::behaviour::signature;
use crate::transport::core_id;

/// Questions of neighbours that wait for the node's answer, for no longer than one turn.
#[derive(Default)]
pub(super) struct Calls {
    waiting: Vec<(Call, Channel)>,
    next: u64,
}

impl EventLoop {
    pub(super) fn on_catch_up(&mut self, event: Event) {
        use request_response::Message;
        let now = self.clock.now();
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request, channel, ..
                } => {
                    let call = Call(self.calls.next);
                    self.calls.next += 1;
                    self.calls.waiting.push((call, channel));
                    let input = Input::Asked(core_id(&peer), call, request);
                    self.node.handle_input(now, input);
                }
                Message::Response { response, .. } => {
                    let input = match self.genuine(&response) {
                        Some(reply) => Input::Told(core_id(&peer), reply),
                        None => Input::Untold(core_id(&peer)),
                    };
                    self.node.handle_input(now, input);
                }
            },
            request_response::Event::OutboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a neighbour does not tell what was missed");
                self.node.handle_input(now, Input::Untold(core_id(&peer)));
            }
            request_response::Event::InboundFailure { .. }
            | request_response::Event::ResponseSent { .. } => {}
        }
    }

    /// The answer without what nobody signed.
    fn genuine(&self, response: &[u8]) -> Option<Reply> {
        let mut reply = Reply::decode(response).ok()?;
        let topic = self.topic.hash();
        reply
            .messages
            .retain(|signed| signature::is_genuine(signed, topic.as_str()));
        Some(reply)
    }

    pub(super) fn ask(&mut self, to: statemesh_core::PeerId, request: Vec<u8>) {
        let peer = PeerId::from_bytes(to.as_bytes()).ok();
        match peer.filter(|peer| self.swarm.is_connected(peer)) {
            Some(peer) => {
                self.swarm
                    .behaviour_mut()
                    .catch_up
                    .send_request(&peer, request);
            }
            None => self.node.handle_input(self.clock.now(), Input::Untold(to)),
        }
    }

    /// Own payloads are signed as for the topic, and stand before what others signed.
    pub(super) fn answer(&mut self, call: Call, own: Vec<Vec<u8>>, mut reply: Reply) {
        let topic = self.topic.hash();
        let first = clock::wall_ms().saturating_mul(1_000_000);
        let signed = (first..).zip(own).filter_map(|(seqno, data)| {
            signature::sign(&self.keypair, topic.as_str(), seqno, data).map(Into::into)
        });
        let signed: Vec<_> = signed.collect();
        reply.messages.splice(0..0, signed);
        self.respond(call, reply.encode());
    }

    pub(super) fn refuse(&mut self, call: Call) {
        self.respond(call, Vec::new());
    }

    fn respond(&mut self, call: Call, response: Vec<u8>) {
        let waiting = &mut self.calls.waiting;
        if let Some(at) = waiting.iter().position(|(known, _)| *known == call) {
            let (_, channel) = waiting.swap_remove(at);
            // `Err`: the neighbour has gone or stopped waiting.
            let _ = self
                .swarm
                .behaviour_mut()
                .catch_up
                .send_response(channel, response);
        }
    }
}
