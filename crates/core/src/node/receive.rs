//! Messages in: refuse or take as a whole, pass the parts to the registry, turn what it says into events and requests.

use std::sync::Arc;
use std::time::Duration;

use super::timers::Timer;
use super::{Event, MessageToken, Node, Output, Stage, Verdict};
use crate::collections::OrderedMap;
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::catch_up::Signed;
use crate::mesh::gossip::{Pace, Want};
use crate::mesh::limiter;
use crate::mesh::peer_registry::{self, Manner, Said, Welcome};
use crate::mesh::wire::{self, Bye, Envelope, Extension, Info, Message, PerPeer};
use crate::time::Instant;

impl Node {
    pub(super) fn on_message(
        &mut self,
        token: MessageToken,
        via: PeerId,
        signed: &Arc<Signed>,
        now: Instant,
    ) {
        if self.is_full() {
            return;
        }
        let author = signed.author;
        let verdict = if self.stage != Stage::Joined || author == self.config.own {
            Verdict::Ignore
        } else if !self.registry.admits(author) {
            self.ignore(author, "its author is no member")
        } else if !self.registry.may_speak(author, now) {
            self.ignore(author, "its author says too much")
        } else {
            match self.read(author, &signed.data) {
                Ok(envelope) => self.take(via, signed, envelope, now),
                Err(reason) => {
                    self.ignore(author, reason);
                    if author == via {
                        Verdict::Reject
                    } else {
                        Verdict::Ignore
                    }
                }
            }
        };
        self.outputs.push_back(Output::Verdict(token, verdict));
    }

    /// Counts a message against its author. It goes no further, and nobody else is blamed.
    fn ignore(&mut self, author: PeerId, reason: &'static str) -> Verdict {
        self.registry.count_drop(author);
        self.emit(Event::Dropped(author, reason));
        Verdict::Ignore
    }

    /// Everything that can refuse a message; nothing changes here.
    pub(super) fn read(&self, author: PeerId, data: &[u8]) -> Result<Envelope, &'static str> {
        let known: wire::KnownShapes<'_> = &|bytes| self.registry.known_shape(bytes);
        let envelope = wire::decode_knowing(data, Some(known)).map_err(|error| error.0)?;
        match &envelope.body {
            Message::Info {
                peers: Some(infos), ..
            } => self
                .registry
                .check_info(author, infos, envelope.extension.partial)?,
            Message::Updates {
                clocks: Some(clocks),
            } => self.registry.check_clocks(author, clocks)?,
            Message::Info { peers: None, .. }
            | Message::Updates { clocks: None }
            | Message::Gossip { .. }
            | Message::ReqInfo { .. }
            | Message::ReqUpdates { .. }
            | Message::Bye { .. } => {}
        }
        Ok(envelope)
    }

    fn take(
        &mut self,
        via: PeerId,
        signed: &Arc<Signed>,
        envelope: Envelope,
        now: Instant,
    ) -> Verdict {
        let author = signed.author;
        let Envelope { body, extension } = envelope;
        match &body {
            Message::Bye { machines } => return self.take_bye(signed, machines, &extension, now),
            Message::Info {
                peers: Some(infos), ..
            } if self.registry.is_rumour_monger(author, infos) => {
                return self.ignore(author, "its author tells of too many others");
            }
            Message::Info { .. }
            | Message::Updates { .. }
            | Message::Gossip { .. }
            | Message::ReqInfo { .. }
            | Message::ReqUpdates { .. } => {}
        }
        match self
            .registry
            .hear(author, &extension, Manner::Live(signed.seqno), now)
        {
            Welcome::Heard => {}
            Welcome::Stale => return Verdict::Ignore,
            Welcome::Full => return Verdict::Accept,
        }
        match body {
            Message::Info { peers, sums } => {
                self.take_infos(signed, peers.unwrap_or_default(), &extension, now);
                self.take_ticks(author, &extension);
                self.registry.take_description(author, &extension, via);
                self.take_sums(sums, extension.digests, now);
            }
            Message::Updates { clocks } => {
                self.take_ticks(author, &extension);
                self.take_clocks(signed, clocks.unwrap_or_default(), now);
                self.take_sums(extension.sums, extension.digests, now);
            }
            Message::Gossip { sums } => {
                self.timers.clear(Timer::Gossip);
                self.take_sums(sums, extension.digests, now);
            }
            Message::ReqInfo { ids } => {
                self.take_request(author, &ids.unwrap_or_default(), Want::Info, now);
            }
            Message::ReqUpdates { ids } => {
                self.take_request(author, &ids.unwrap_or_default(), Want::Updates, now);
            }
            Message::Bye { .. } => {}
        }
        if !self.relay_about(author, now) {
            self.emit(Event::Heard(author));
        }
        if !self.registry.is_introduced(author) {
            self.ask_missing(author, (INTRODUCTION_FROM, INTRODUCTION_TO), now);
        }
        Verdict::Accept
    }

    pub(super) fn take_infos(
        &mut self,
        signed: &Arc<Signed>,
        infos: PerPeer<Info>,
        extension: &Extension,
        now: Instant,
    ) {
        for (peer, machines) in infos {
            let machines = machines.unwrap_or_default();
            if peer == self.config.own {
                continue;
            }
            self.answers.cancel(peer, Want::Info);
            if peer == signed.author {
                let sum = |info: &Info| wire::sum(info.clock.as_deref().unwrap_or_default());
                let sums = machines.iter().map(|(index, info)| (*index, sum(info)));
                let sums: Vec<_> = sums.collect();
                self.registry.introduce(peer, machines, extension, now);
                let said = match extension.partial {
                    false => Said::All,
                    true => Said::Some,
                };
                self.registry.keep(signed, said, &sums);
                self.asks.settle(peer, Want::Info);
            } else {
                self.registry
                    .introduce_hearsay(peer, machines, signed.author, now);
            }
        }
    }

    pub(super) fn take_clocks(
        &mut self,
        signed: &Arc<Signed>,
        clocks: PerPeer<Vec<u64>>,
        now: Instant,
    ) {
        for (peer, machines) in clocks {
            let machines = machines.unwrap_or_default();
            if peer == self.config.own {
                continue;
            }
            self.answers.cancel(peer, Want::Updates);
            if peer == signed.author {
                let sums = machines
                    .iter()
                    .map(|(index, clock)| (*index, wire::sum(clock)));
                let sums: Vec<_> = sums.collect();
                self.registry.update(peer, machines, now);
                self.registry.keep(signed, Said::Clocks, &sums);
                self.asks.settle(peer, Want::Updates);
            } else {
                self.registry.update_hearsay(peer, machines, now);
            }
        }
    }

    pub(super) fn take_ticks(&mut self, author: PeerId, extension: &Extension) {
        if let Some(ticks) = &extension.ticks {
            self.registry.count_ticks(author, ticks);
        }
    }

    fn take_sums(
        &mut self,
        sums: Option<PerPeer<u64>>,
        digests: Option<PerPeer<u64>>,
        now: Instant,
    ) {
        let digests = digests.unwrap_or_default();
        for (peer, machines) in sums.unwrap_or_default() {
            let digests = digests.get(&peer).and_then(Option::as_ref);
            self.registry
                .hint(peer, machines.unwrap_or_default(), digests, now);
        }
    }

    fn take_request(&mut self, author: PeerId, ids: &[PeerId], want: Want, now: Instant) {
        let latest = limiter::second_hand(self.crowd());
        // Members of this project ask a neighbour for what others said, in their own words: a last resort for them.
        let wait = match self.registry.is_statemesh(author) {
            true => latest,
            false => Duration::ZERO,
        };
        for id in ids {
            if *id == self.config.own {
                self.answer_for_self(want, now);
                continue;
            }
            self.asks.overheard(*id, want, now);
            if want == Want::Info {
                self.registry.overheard_probe(*id, now);
            }
            if self.registry.can_vouch(*id) {
                let delay = wait + self.jitter.between(SECOND_HAND_FROM, latest);
                self.answers.schedule(*id, want, delay, now);
            }
        }
    }

    fn answer_for_self(&mut self, want: Want, now: Instant) {
        let soon = now + self.jitter.up_to(OWN_ANSWER);
        let (timer, last) = match want {
            Want::Info => (Timer::Announce, self.sent.info_at),
            Want::Updates => (Timer::Repeat, self.sent.updates_at),
        };
        let gap = limiter::answer_gap(self.registry.company());
        let spaced = last.map_or(soon, |last| soon.max(last + gap));
        self.timers.no_later_than(timer, spaced);
    }

    fn take_bye(
        &mut self,
        signed: &Signed,
        machines: &Option<OrderedMap<MachineIdx, Bye>>,
        extension: &Extension,
        now: Instant,
    ) -> Verdict {
        let author = signed.author;
        if !self.registry.knows(author) {
            self.registry.leave_unheard(author, extension.run, now);
            return Verdict::Accept;
        }
        if self
            .registry
            .hear(author, extension, Manner::Live(signed.seqno), now)
            == Welcome::Stale
        {
            return Verdict::Ignore;
        }
        let taken_back: Vec<MachineIdx> = machines
            .iter()
            .flat_map(OrderedMap::keys)
            .copied()
            .collect();
        let mut said = machines.iter().flat_map(OrderedMap::values);
        if taken_back.is_empty() || said.any(|machine| machine.leaving) {
            self.registry.leave(author, now);
        }
        for index in taken_back {
            self.registry.withdraw(author, index, extension.wall_ms);
        }
        self.relay_outputs(now);
        Verdict::Accept
    }

    pub(super) fn relay_outputs(&mut self, now: Instant) {
        self.relay_about(self.config.own, now);
    }

    /// Turns what the registry says into events and requests. Returns whether an event was about that peer.
    fn relay_about(&mut self, about: PeerId, now: Instant) -> bool {
        let mut told = false;
        while let Some(output) = self.registry.poll_output() {
            use peer_registry::Output as From;
            let (peer, event) = match output {
                From::PeerFound(peer) => (peer, Event::PeerFound(peer)),
                From::PeerGone(peer, reason) => {
                    self.asks.forget(peer);
                    self.answers.forget(peer);
                    (peer, Event::PeerGone(peer, reason))
                }
                From::MachineFound(peer, index) => (peer, Event::MachineFound(peer, index)),
                From::ClockChanged(peer, index, before) => {
                    (peer, Event::ClockChanged(peer, index, before))
                }
                From::MachineGone(peer, index) => (peer, Event::MachineGone(peer, index)),
                From::Full(peer) => (peer, Event::Dropped(peer, "too many machines are known")),
                From::Missing(peer) if peer == about => {
                    self.ask_missing(peer, (INTRODUCTION_FROM, INTRODUCTION_TO), now);
                    continue;
                }
                From::Missing(peer) => {
                    if self.asks.has(peer) || self.registry.may_name(about, now) {
                        self.ask_missing(peer, (MISSING_FROM, MISSING_TO), now);
                    }
                    continue;
                }
                From::Behind(peer) => {
                    self.ask_newer(peer, now);
                    continue;
                }
                From::Probe(peer) => {
                    self.probe(peer, now);
                    continue;
                }
            };
            told |= peer == about;
            self.emit(event);
        }
        told
    }

    /// Somebody not introduced, or a machine of somebody.
    fn ask_missing(&mut self, peer: PeerId, (from, to): (Duration, Duration), now: Instant) {
        let delay = self.jitter.between(from, to);
        let pace = Pace::missing(delay, limiter::patience(self.crowd()));
        if !self.asks.want(peer, Want::Info, pace, now) && self.registry.is_heard(peer) {
            self.asks.evict_unheard(|id| self.registry.is_heard(id));
            self.asks.want(peer, Want::Info, pace, now);
        }
    }

    /// A mirror may be behind: only its owner can tell. A Go peer answers `reqinfo` only; who keeps a heartbeat needs no asking.
    fn ask_newer(&mut self, peer: PeerId, now: Instant) {
        if self.registry.has_heartbeat(peer, now) {
            return;
        }
        let delay = self.jitter.between(MISSING_FROM, BEHIND_TO);
        let want = if self.registry.is_statemesh(peer) {
            Want::Updates
        } else {
            Want::Info
        };
        self.asks.want(peer, want, Pace::patient(delay), now);
    }
}

/// Answer about ourselves at the latest. The spec's R-ANSWER allows 200 ms.
const OWN_ANSWER: Duration = Duration::from_millis(100);
/// Answer about others at the earliest, so that the owner is faster.
const SECOND_HAND_FROM: Duration = Duration::from_millis(500);
/// Ask for a named id after this at the earliest: names come in groups, and who has just joined introduces itself.
const MISSING_FROM: Duration = Duration::from_millis(120);
/// And at the latest.
const MISSING_TO: Duration = Duration::from_millis(220);
/// Ask somebody who speaks without having introduced itself: its introduction may be on the way.
const INTRODUCTION_FROM: Duration = Duration::from_millis(150);
/// And at the latest.
const INTRODUCTION_TO: Duration = Duration::from_millis(250);
/// Ask for a newer clock at the latest: that clock may be on the way.
const BEHIND_TO: Duration = Duration::from_millis(800);
