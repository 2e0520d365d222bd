//! Direct questions between neighbours, carried out: streams to the behaviour, signatures checked before the node reads.

use libp2p::PeerId;
use statemesh_core::node::{Call, Input, Reply};

use super::{EventLoop, clock};
use crate::behaviour::catch_up::{Responder, Word};
use crate::behaviour::signature;
use crate::registry::FORGED;
use crate::transport::core_id;

/// Questions of neighbours that wait for the node's answer, for no longer than one turn.
#[derive(Default)]
pub(super) struct Calls {
    waiting: Vec<(Call, Responder)>,
    next: u64,
}

impl EventLoop {
    pub(super) fn on_word(&mut self, peer: PeerId, word: Word) {
        let neighbour = core_id(&peer);
        let input = match word {
            Word::Asked(question, responder) => {
                let call = Call(self.calls.next);
                self.calls.next += 1;
                self.calls.waiting.push((call, responder));
                Input::Asked(neighbour, call, question)
            }
            Word::Told(answer) => match self.genuine(neighbour, &answer) {
                Some(reply) => Input::Told(neighbour, reply),
                None => Input::Untold(neighbour),
            },
            Word::Untold => Input::Untold(neighbour),
        };
        self.node.handle_input(self.clock.now(), input);
    }

    /// The answer without what nobody signed.
    fn genuine(&self, neighbour: statemesh_core::PeerId, response: &[u8]) -> Option<Reply> {
        let mut reply = Reply::decode(response).ok()?;
        let topic = self.topic.hash();
        let told = reply.messages.len();
        reply
            .messages
            .retain(|signed| signature::is_genuine(signed, topic.as_str()));
        for _ in reply.messages.len()..told {
            self.registry.count_dropped(neighbour, FORGED);
        }
        Some(reply)
    }

    pub(super) fn ask(&mut self, to: statemesh_core::PeerId, question: Vec<u8>) {
        match PeerId::from_bytes(to.as_bytes()) {
            Ok(peer) => self.swarm.behaviour_mut().neighbours.ask(peer, question),
            Err(_) => self.node.handle_input(self.clock.now(), Input::Untold(to)),
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

    fn respond(&mut self, call: Call, answer: Vec<u8>) {
        let waiting = &mut self.calls.waiting;
        if let Some(at) = waiting.iter().position(|(known, _)| *known == call) {
            let (_, responder) = waiting.swap_remove(at);
            // `Err`: the neighbour has gone or stopped waiting.
            let _ = responder.send(answer);
        }
    }
}
