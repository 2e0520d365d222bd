//! Messages out: introductions, changed clocks, heartbeats, requests, answers, goodbye.

use std::time::Duration;

use super::timers::Timer;
use super::{About, Node, Output, Stage};
use crate::collections::OrderedMap;
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::gossip::{MAX_IDS_PER_REQUEST, Want};
use crate::mesh::limiter::{self, Company};
use crate::mesh::local;
use crate::mesh::peer_registry::Sums;
use crate::mesh::wire::{self, Dialect, Envelope, Extension, Message, PerPeer};
use crate::time::Instant;

impl Node {
    /// Introduces all own machines; with none, ourselves.
    pub(super) fn announce(&mut self, now: Instant) {
        // Neighbours that answer directly do better for newcomers.
        let names_others = self.neighbours.iter().any(|peer| !self.pull.has(*peer));
        let most = if names_others { SUMS_IN_INFO } else { 0 };
        let named = self.registry.sums(self.sent.info_sums, most, false);
        self.sent.info_sums = named.last.or(self.sent.info_sums);
        let Sums { sums, digests, .. } = named;
        let mut sums = Some(sums);
        let mut digests = Some(digests).filter(|digests| !digests.is_empty());
        for (message, extension) in self.introductions(now) {
            let Message::Info { peers, .. } = message else {
                continue;
            };
            let extension = Extension {
                digests: digests.take(),
                ..extension
            };
            let sums = Some(sums.take().unwrap_or_default());
            self.publish(Message::Info { peers, sums }, extension);
        }
        self.local.announce();
        self.sent.info_at = Some(now);
        self.sent.links_changed = false;
        if self.local.is_dirty() {
            self.arm_flush(now);
        }
    }

    /// Own introductions as they stand, in as many messages as they need.
    pub(super) fn introductions(&mut self, now: Instant) -> Vec<(Message, Extension)> {
        let parts = self.local.introductions();
        let partial = parts.len() > 1;
        let mut links = Some(self.registry.all_links());
        let mut addresses = self.addresses.clone();
        let message = |part: OrderedMap<MachineIdx, wire::Info>| {
            let extension = Extension {
                partial,
                heartbeat_ms: Some(millis(self.promise())),
                links: links.take(),
                ticks: self.local.ticks(part.keys()),
                about: Some(self.config.about.clone()).filter(|about| *about != About::default()),
                addresses: addresses.take(),
                ..self.extension(now)
            };
            let peers = Some(self.about_self(part));
            let sums = Some(PerPeer::new());
            (Message::Info { peers, sums }, extension)
        };
        parts.into_iter().map(message).collect()
    }

    /// Plans the publication of what changed.
    pub(super) fn arm_flush(&mut self, now: Instant) {
        let company = self.registry.company();
        let at = self.sent.pacer.flush_at(now, company);
        self.timers.no_later_than(Timer::Flush, at);
    }

    /// Publishes what changed.
    pub(super) fn flush(&mut self, now: Instant) {
        // Before the first introduction, that tells everything.
        let is_news = self.local.is_dirty() || self.sent.links_changed;
        if !is_news || self.sent.info_at.is_none() {
            return;
        }
        // The company may have grown since the timer was armed.
        let spaced = self.sent.pacer.flush_at(now, self.registry.company());
        if spaced.since(now) > SLACK {
            return self.timers.set(Timer::Flush, spaced);
        }
        if self.is_beat_near(now) {
            return self.beat(now);
        }
        let parts = self.local.take_dirty();
        let changed = self.sent.links_changed;
        let links = changed.then(|| self.registry.changed_links());
        self.publish_clocks(parts, links, Sums::default(), now);
    }

    /// What changes late in an interval takes the rest along: one message instead of two.
    fn is_beat_near(&self, now: Instant) -> bool {
        let next = self.timers.at(Timer::Heartbeat);
        next.is_some_and(|next| next.since(now) <= self.heartbeat() / 4)
    }

    /// The time planned for a heartbeat has come.
    pub(super) fn on_beat(&mut self, now: Instant) {
        // It may have been planned when fewer were known. The introduction has told everything; but what was promised then
        // is kept: others suspect whoever misses three.
        let latest = self.heartbeat().min(self.promised() * 2);
        let earliest = self.sent.info_at.map(|told| told + latest / 2);
        match earliest.filter(|earliest| now < *earliest) {
            Some(earliest) => {
                let late = self.jitter.up_to(latest / 2);
                self.timers.set(Timer::Heartbeat, earliest + late);
            }
            None => self.beat(now),
        }
    }

    /// Publishes everything, whether it changed or not, and promises the next time.
    fn beat(&mut self, now: Instant) {
        let interval = self.heartbeat();
        let early = self.jitter.up_to(interval / 20);
        self.timers.set(Timer::Heartbeat, now + interval - early);
        self.sent.promised = Some(interval);
        let sums = self.registry.sums(self.sent.beat_sums, SUMS_IN_BEAT, true);
        self.sent.beat_sums = sums.last;
        let parts = self.local.take_all();
        let links = Some(self.registry.all_links());
        self.publish_clocks(parts, links, sums, now);
        self.arm_gossip(now);
    }

    /// Publishes all clocks because somebody asked.
    pub(super) fn repeat(&mut self, now: Instant) {
        let parts = self.local.take_all();
        self.publish_clocks(parts, None, Sums::default(), now);
    }

    fn publish_clocks(
        &mut self,
        parts: Vec<OrderedMap<MachineIdx, Vec<u64>>>,
        mut links: Option<wire::Links>,
        sums: Sums,
        now: Instant,
    ) {
        self.sent.links_changed &= links.is_none();
        let filled = |sums: PerPeer<u64>| Some(sums).filter(|sums| !sums.is_empty());
        let (mut sums, mut digests) = (filled(sums.sums), filled(sums.digests));
        for part in parts {
            let extension = Extension {
                heartbeat_ms: Some(millis(self.promise())),
                links: links.take(),
                sums: sums.take(),
                digests: digests.take(),
                ticks: self.local.ticks(part.keys()),
                ..self.extension(now)
            };
            let clocks = Some(self.about_self(part));
            self.publish(Message::Updates { clocks }, extension);
        }
        self.sent.updates_at = Some(now);
        self.sent.pacer.publish(now, self.registry.company());
        self.timers.clear(Timer::Flush);
        if self.local.is_dirty() || self.sent.links_changed {
            self.arm_flush(now);
        }
    }

    /// Go peers cannot notice what they missed of each other unless somebody names sums (spec P19). They freeze for seconds on
    /// each `gossip` from v0.15 on, so it is rare and left out when somebody else did it.
    fn arm_gossip(&mut self, now: Instant) {
        let has_go = self.registry.company().has_go;
        if has_go && !self.timers.is_armed(Timer::Gossip) {
            let delay = self.jitter.between(GOSSIP_FROM, GOSSIP_TO);
            self.timers.set(Timer::Gossip, now + delay);
        }
    }

    pub(super) fn gossip(&mut self, now: Instant) {
        let Sums {
            sums,
            digests,
            last,
        } = self
            .registry
            .sums(self.sent.gossip_sums, SUMS_IN_GOSSIP, true);
        self.sent.gossip_sums = last;
        // One Go peer alone has nobody to miss.
        if sums.len() > 1 {
            let extension = Extension {
                digests: Some(digests),
                ..self.extension(now)
            };
            self.publish(Message::Gossip { sums: Some(sums) }, extension);
        }
    }

    /// Who is on the topic as far as we know, those we only know by name included: when all join at once nobody knows yet
    /// how many they are. But for one that was heard two names count at most, so that names alone slow nobody down.
    pub(super) fn crowd(&self) -> Company {
        let company = self.registry.company();
        let named = u32::try_from(self.asks.wanted()).unwrap_or(u32::MAX);
        let named = named.min(company.members.saturating_mul(2));
        Company {
            members: company.members.saturating_add(named),
            ..company
        }
    }

    /// Asks for whatever is due, as far as the budget goes.
    pub(super) fn send_requests(&mut self, now: Instant) {
        let gap = limiter::request_gap(self.crowd());
        self.budget.requests.set_period(gap);
        for want in [Want::Info, Want::Updates] {
            while self.asks.next().is_some_and(|at| at <= now)
                && self.budget.requests.ready_at() <= now
            {
                let ids = self.asks.take_due(want, now);
                if ids.is_empty() {
                    break;
                }
                self.budget.requests.take(now);
                self.request(ids, want, now);
            }
        }
    }

    /// Asks a suspect whether it lives: at once, or along with others when many are suspected.
    pub(super) fn probe(&mut self, peer: PeerId, now: Instant) {
        self.suspects.insert(peer);
        let spaced = self.sent.probes_at.map(|last| last + PROBES_GAP);
        let at = spaced.map_or(now, |spaced| spaced.max(now));
        self.timers.no_later_than(Timer::Probe, at);
    }

    /// Whoever is still known and suspected.
    pub(super) fn send_probes(&mut self, now: Instant) {
        self.sent.probes_at = Some(now);
        let suspects = std::mem::take(&mut self.suspects);
        let suspects: Vec<PeerId> = suspects
            .into_iter()
            .filter(|id| self.registry.is_suspect(*id))
            .collect();
        for ids in suspects.chunks(MAX_IDS_PER_REQUEST) {
            self.request(ids.to_vec(), Want::Info, now);
        }
    }

    fn request(&mut self, ids: Vec<PeerId>, want: Want, now: Instant) {
        let extension = self.extension(now);
        let ids = Some(ids);
        let message = match want {
            Want::Info => Message::ReqInfo { ids },
            Want::Updates => Message::ReqUpdates { ids },
        };
        self.publish(message, extension);
    }

    /// Answers for peers that did not answer themselves, as far as the budget goes.
    pub(super) fn send_answers(&mut self, now: Instant) {
        let gap = limiter::second_hand_gap(self.crowd());
        self.budget.answers.set_period(gap);
        while self.answers.next().is_some_and(|at| at <= now) && self.budget.answers.take(now) {
            match self.answers.take_due(now) {
                Some((id, Want::Info)) if self.registry.can_vouch(id) => self.answer_info(id, now),
                Some((id, Want::Updates)) if self.registry.can_vouch(id) => {
                    self.answer_updates(id, now)
                }
                Some(_) | None => {}
            }
        }
    }

    fn answer_info(&mut self, id: PeerId, now: Instant) {
        let machines = self.registry.introductions_of(id).into_iter();
        let sized = machines.map(|(index, info)| {
            let size = wire::info_len(&info);
            (index, info, size)
        });
        for part in local::parts(sized) {
            let message = Message::Info {
                peers: Some([(id, Some(part))].into()),
                sums: Some(PerPeer::new()),
            };
            let extension = self.extension(now);
            self.publish(message, extension);
        }
    }

    fn answer_updates(&mut self, id: PeerId, now: Instant) {
        let machines = self.registry.introductions_of(id).into_iter();
        let sized = machines.filter_map(|(index, info)| {
            let clock = info.clock?;
            let size = local::clock_len(&clock);
            Some((index, clock, size))
        });
        for part in local::parts(sized) {
            let message = Message::Updates {
                clocks: Some([(id, Some(part))].into()),
            };
            let extension = self.extension(now);
            self.publish(message, extension);
        }
    }

    /// Machines taken back together are told together.
    pub(super) fn on_withdraw(&mut self, index: MachineIdx, now: Instant) {
        let Some(bye) = self.local.withdraw(index) else {
            return;
        };
        // Whoever comes later does not hear of it at all.
        if self.neighbours.is_empty() || self.stage != Stage::Joined {
            return;
        }
        if self.byes.len() >= wire::MAX_MACHINES_PER_PEER {
            self.take_back(now);
        }
        self.byes.insert(index, bye);
        let soon = now + GATHER_BYES;
        let spaced = self.sent.byes_at.map(|last| last + BYES_GAP);
        let at = spaced.map_or(soon, |spaced| spaced.max(soon));
        self.timers.no_later_than(Timer::Bye, at);
    }

    pub(super) fn take_back(&mut self, now: Instant) {
        self.sent.byes_at = Some(now);
        let byes = std::mem::take(&mut self.byes).into_iter();
        let sized = byes.map(|(index, bye)| {
            let clock = bye.clock.as_deref().unwrap_or_default();
            let size = local::clock_len(clock) + bye.id.len() + BYE;
            (index, bye, size)
        });
        for part in local::parts(sized) {
            // Without a machine it would mean ourselves.
            if !part.is_empty() {
                let extension = self.extension(now);
                self.publish(
                    Message::Bye {
                        machines: Some(part),
                    },
                    extension,
                );
            }
        }
    }

    pub(super) fn on_leave(&mut self, now: Instant) {
        let machines = Some(self.local.leave());
        let extension = self.extension(now);
        self.publish(Message::Bye { machines }, extension);
        self.stage = Stage::Left;
    }

    /// How often we speak at least.
    pub(super) fn heartbeat(&self) -> Duration {
        limiter::heartbeat(self.registry.company())
    }

    /// Others hear from us at least this often, both until the next heartbeat and after it.
    fn promise(&self) -> Duration {
        self.heartbeat().max(self.promised())
    }

    /// What the last heartbeat promised.
    fn promised(&self) -> Duration {
        self.sent.promised.unwrap_or(FIRST_PROMISE)
    }

    fn about_self<T>(&self, machines: OrderedMap<MachineIdx, T>) -> PerPeer<T> {
        [(self.config.own, Some(machines))].into()
    }

    /// Extra keys of every message.
    fn extension(&self, now: Instant) -> Extension {
        let age = now.since(self.started_at).as_millis();
        let age = u64::try_from(age).unwrap_or(u64::MAX);
        Extension {
            version: Some(VERSION),
            run: Some(self.config.first_index.0),
            wall_ms: Some(self.config.wall_ms.saturating_add(age)),
            ..Extension::default()
        }
    }

    fn publish(&mut self, body: Message, extension: Extension) {
        if self.stage == Stage::Joined && !self.neighbours.is_empty() {
            let bytes = wire::encode(&Envelope { body, extension }, Dialect::Compact);
            debug_assert!(bytes.len() <= wire::MAX_PAYLOAD, "own payload too large");
            self.outputs.push_back(Output::Publish(bytes));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a newcomer promises: it does not know yet how many there are.
const FIRST_PROMISE: Duration = Duration::from_secs(20);
/// Version of this project's part of the protocol: the extra keys.
const VERSION: u64 = 1;
/// Peers whose sums go along with an introduction: how a newcomer hears of the rest of the mesh.
const SUMS_IN_INFO: usize = 64;
/// Go peers whose sums go along with a heartbeat.
const SUMS_IN_BEAT: usize = 16;
/// Peers in one `gossip`, as in Go.
const SUMS_IN_GOSSIP: usize = 5;
/// Own `gossip` at the earliest after the last one heard.
const GOSSIP_FROM: Duration = Duration::from_secs(25);
/// And at the latest.
const GOSSIP_TO: Duration = Duration::from_secs(45);
/// Machines taken back within that time go together.
const GATHER_BYES: Duration = Duration::from_millis(3);
/// Between two messages that take machines back.
const BYES_GAP: Duration = Duration::from_millis(100);
/// Bytes of a machine in `bye`, without its id and clock.
const BYE: usize = 32;
/// Between two messages that ask suspects.
const PROBES_GAP: Duration = Duration::from_millis(500);
/// A flush this early is on time.
const SLACK: Duration = Duration::from_millis(5);
