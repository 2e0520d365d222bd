//! Catching up: neighbours that answer directly are asked for what was said before, and told what they missed.
//!
//! A newcomer asks its first such neighbour. Whoever misses somebody asks a neighbour before the topic. Of two established
//! neighbours the one with the smaller id asks, and the other asks back when it learns of owners that it does not know: two
//! meshes become one. Whatever fails is asked of another neighbour, then on the topic.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Node, Output, Stage};
use crate::ids::PeerId;
use crate::mesh::catch_up::{Reply, Request, Signed};
use crate::mesh::limiter;
use crate::mesh::peer_registry::{Manner, Welcome, fingerprint};
use crate::mesh::wire::{self, Dialect, Envelope, LinkEnd, Message};
use crate::time::Instant;

impl Node {
    /// A neighbour answers directly: it needs no introduction on the topic, and has much to tell.
    pub(super) fn on_speaks(&mut self, peer: PeerId, now: Instant) {
        self.strangers.remove(&peer);
        if self.pull.add(peer) && (!self.pull.is_done() || self.config.own < peer) {
            let soon = self.jitter.between(PULL_FROM, PULL_TO);
            self.pull.want_from(peer, now + soon);
        }
    }

    /// Asks a neighbour, when it is time.
    pub(super) fn pull(&mut self, now: Instant) {
        if let Some((from, after)) = self.pull.take_due(now) {
            self.ask_directly(from, after);
        }
    }

    fn ask_directly(&mut self, from: PeerId, after: Option<PeerId>) {
        let mut request = self.registry.request(after);
        // So that nobody tells us about ourselves, and the other side sees whether it knows us.
        let own = fingerprint(Some(self.config.first_index.0), self.local.sums());
        request.known.push((self.config.own.into(), own));
        self.outputs.push_back(Output::Ask(from, request.encode()));
    }

    /// A neighbour asks.
    pub(super) fn on_asked(&mut self, from: PeerId, call: Call, request: &[u8], now: Instant) {
        let request = Request::decode(request).ok();
        let request =
            request.filter(|_| self.stage == Stage::Joined && self.budget.tales.take(now));
        let Some(request) = request else {
            return self.outputs.push_back(Output::Refuse(call));
        };
        if self.registry.knows_less(from, &request) {
            self.pull.want_from(from, now + PULL_BACK);
        }
        let own_sums = self.local.sums();
        let own = (
            LinkEnd::from(self.config.own),
            fingerprint(Some(self.config.first_index.0), own_sums),
        );
        let own = if request.after.is_some() || request.known.contains(&own) {
            Vec::new()
        } else {
            let messages = self.introductions(now).into_iter();
            messages
                .map(|(body, extension)| encoded(body, extension))
                .collect()
        };
        let reply = self.registry.reply(from, &request);
        self.outputs.push_back(Output::Answer(call, own, reply));
    }

    /// The neighbour that was asked told something, signatures checked.
    pub(super) fn on_told(&mut self, from: PeerId, reply: Reply, now: Instant) {
        if !self.pull.is_asked(from) {
            return;
        }
        for signed in reply.messages {
            self.take_kept(from, &signed, now);
            self.relay_outputs(now);
        }
        if let Some((from, after)) = self.pull.answered(reply.more_after, now) {
            self.ask_directly(from, after);
        }
    }

    fn take_kept(&mut self, from: PeerId, signed: &Arc<Signed>, now: Instant) {
        let author = signed.author;
        let is_wanted = author != self.config.own && self.registry.admits(author);
        if !is_wanted || self.stage != Stage::Joined {
            return;
        }
        let Ok(envelope) = self.read(author, &signed.data) else {
            return self.registry.count_drop(author);
        };
        let Envelope { body, extension } = envelope;
        let is_word = matches!(body, Message::Info { .. } | Message::Updates { .. });
        if !is_word || self.registry.hear(author, &extension, Manner::Kept, now) != Welcome::Heard {
            return;
        }
        // What the author said of others was hearsay then, and is old now.
        match body {
            Message::Info { peers, .. } => {
                let own = peers.unwrap_or_default().remove(&author);
                let own = own.map(|machines| [(author, machines)].into());
                self.take_infos(signed, own.unwrap_or_default(), &extension, now);
                self.take_ticks(author, &extension);
                self.registry.take_description(author, &extension, from);
            }
            Message::Updates { clocks } => {
                let own = clocks.unwrap_or_default().remove(&author);
                let own = own.map(|machines| [(author, machines)].into());
                self.take_ticks(author, &extension);
                self.take_clocks(signed, own.unwrap_or_default(), now);
            }
            Message::Gossip { .. }
            | Message::ReqInfo { .. }
            | Message::ReqUpdates { .. }
            | Message::Bye { .. } => {}
        }
    }

    /// The neighbour that was asked did not answer, or nonsense.
    pub(super) fn on_untold(&mut self, from: PeerId, now: Instant) {
        self.pull.failed(from, now);
    }

    /// Who is missed is asked of a neighbour first, and only then on the topic.
    pub(super) fn put_off_asks(&mut self, now: Instant) {
        let patience = limiter::patience(self.crowd());
        if self.pull.is_possible() && self.asks.put_off(patience, now) {
            self.pull.want(now);
        }
    }

    /// Neighbours that turn out not to answer directly are told about us on the topic.
    pub(super) fn greet_strangers(&mut self, now: Instant) {
        if self.strangers.is_empty() {
            return;
        }
        self.strangers.clear();
        self.greet(now);
    }
}

fn encoded(body: Message, extension: wire::Extension) -> Vec<u8> {
    wire::encode(&Envelope { body, extension }, Dialect::Compact)
}

/// A neighbour is asked after this at the earliest: it may still be joining itself.
const PULL_FROM: Duration = Duration::from_millis(5);
/// And at the latest.
const PULL_TO: Duration = Duration::from_millis(25);
/// A neighbour whose request shows that it knows more is asked after this.
const PULL_BACK: Duration = Duration::from_millis(50);
