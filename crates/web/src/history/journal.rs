//! What happened around the machines: peers that came, fell silent and went, the tab's own links, and when the tab itself
//! was not connected. Kept as stretches, so that the graph and the lanes can be drawn as of any instant.

use std::collections::VecDeque;
use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::collections::OrderedMap;

use super::Seen;
use super::bytes::{Reader, put, put_bytes};
use super::claims::Claims;
use super::file::{MAX_TEXT, later};
use super::pulses::Pulses;
use crate::model::{
    Contact, LinkEnd, LinkFacts, PeerFacts, Phase, ReportedLink, Role, Shown, Thresholds, Traffic,
};

/// From, and until before; `None`: it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From.
    pub from: Seen,
    /// Until.
    pub to: Option<Seen>,
}

/// Stretches of one kind, oldest first, which never overlap.
#[derive(Clone, Debug, Default)]
pub struct Stretches {
    list: VecDeque<Stretch>,
}

/// How a peer was heard.
#[derive(Clone, Debug, Default)]
pub struct Voice {
    /// When it was here: known, and not gone.
    pub present: Stretches,
    /// When it was not heard for longer than it promised. Each begins with its last word.
    pub silent: Stretches,
    /// When the tab had a link to it.
    pub linked: Stretches,
    heard: Option<Seen>,
    first_heard: Option<Seen>,
    heartbeat: Option<u64>,
    said_bye: bool,
    is_statemesh: bool,
    role: Option<Role>,
    name: Option<Shown>,
    software: Option<Shown>,
    pulses: Pulses,
    contact: Option<Arc<Contact>>,
}

/// Everything around the machines.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    peers: OrderedMap<PeerId, Voice>,
    claims: Claims,
    own: Option<PeerId>,
    lost: Stretches,
    joined: Option<Seen>,
    rules: Thresholds,
    traffic: Pulses,
}

impl Stretch {
    /// Is the instant in it?
    #[must_use]
    pub fn holds(&self, at: Seen) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

impl Stretches {
    /// Does one hold this instant?
    #[must_use]
    pub fn at(&self, at: Seen) -> Option<Stretch> {
        self.last(at).filter(|last| last.holds(at))
    }

    /// The one that holds this instant, else the last before it.
    #[must_use]
    pub fn last(&self, at: Seen) -> Option<Stretch> {
        let after = self.list.partition_point(|stretch| stretch.from <= at);
        self.list.get(after.checked_sub(1)?).copied()
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Stretch> {
        self.list.iter()
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Option<Stretch> {
        self.list.back().copied()
    }

    /// Those that touch this window.
    pub fn between(&self, from: Seen, to: Seen) -> impl Iterator<Item = Stretch> + '_ {
        let before = move |stretch: &Stretch| stretch.to.is_some_and(|end| end <= from);
        let first = self.list.partition_point(before);
        let rest = self.list.range(first..).copied();
        rest.take_while(move |stretch| stretch.from < to)
    }

    /// It lasts.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.list.back().is_some_and(|last| last.to.is_none())
    }

    fn begin(&mut self, at: Seen) {
        if self.is_open() {
            return;
        }
        let at = self
            .list
            .back()
            .and_then(|last| last.to)
            .map_or(at, |end| at.max(end));
        if self.list.len() == MAX_STRETCHES {
            self.list.pop_front();
        }
        self.list.push_back(Stretch { from: at, to: None });
    }

    fn end(&mut self, at: Seen) {
        if let Some(last) = self.list.back_mut().filter(|last| last.to.is_none()) {
            last.to = Some(at.max(last.from));
        }
    }

    fn pack(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.list.len() as u64);
        let mut before = 0;
        for stretch in &self.list {
            put(bytes, stretch.from.0.saturating_sub(before));
            let lasted = stretch.to.map(|to| to.since(stretch.from));
            put(bytes, lasted.map_or(0, |lasted| lasted + 1));
            before = stretch.to.unwrap_or(stretch.from).0;
        }
    }

    fn unpack(reader: &mut Reader<'_>, shift: u64) -> Option<Self> {
        let mut stretches = Self::default();
        let mut before = Seen(shift);
        for _ in 0..reader.count()? {
            let from = later(before, reader.number()?)?;
            stretches.begin(from);
            before = from;
            if let Some(lasted) = reader.number()?.checked_sub(1) {
                before = later(from, lasted)?;
                stretches.end(before);
            }
        }
        Some(stretches)
    }

    fn set(&mut self, holds: bool, at: Seen) {
        if holds {
            self.begin(at);
        } else {
            self.end(at);
        }
    }
}

impl Voice {
    /// Its last word at or before an instant, if it was silent then for longer than it promised.
    #[must_use]
    pub fn silent_since(&self, at: Seen) -> Option<Seen> {
        let since = match (self.silent.at(at), self.heard) {
            (Some(stretch), _) => stretch.from,
            (None, Some(heard)) => heard,
            (None, None) => return None,
        };
        (at.since(since) > self.patience()?).then_some(since)
    }

    /// The heartbeat it promises, in milliseconds.
    #[must_use]
    pub fn heartbeat(&self) -> Option<u64> {
        self.heartbeat
    }

    /// It went, and said so.
    #[must_use]
    pub fn said_bye(&self) -> bool {
        self.said_bye && !self.present.is_open()
    }

    /// Something signed by itself was first heard.
    #[must_use]
    pub fn first_heard(&self) -> Option<Seen> {
        self.first_heard
    }

    /// It speaks this project's extra keys; else a Go peer, or nothing was heard from itself.
    #[must_use]
    pub fn is_statemesh(&self) -> bool {
        self.is_statemesh
    }

    /// What it says it is.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// What it says it is called, else the host that its machines name.
    #[must_use]
    pub fn name(&self) -> Option<&Shown> {
        self.name.as_ref()
    }

    /// What it says it runs.
    #[must_use]
    pub fn software(&self) -> Option<&Shown> {
        self.software.as_ref()
    }

    /// Messages it said and messages refused, and how far its clock is ahead of the page's.
    #[must_use]
    pub fn pulses(&self) -> &Pulses {
        &self.pulses
    }

    /// Where it says it can be reached.
    #[must_use]
    pub fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    /// Its last word.
    #[must_use]
    pub fn heard(&self) -> Option<Seen> {
        self.heard
    }

    fn hear(&mut self, at: Seen) {
        let before = self.heard.unwrap_or(at);
        if self.patience().is_some_and(|most| at.since(before) > most) {
            self.silent.begin(before);
            self.silent.end(at);
        }
        self.heard = Some(before.max(at));
        self.first_heard.get_or_insert(at);
    }

    fn patience(&self) -> Option<u64> {
        let promised = self.heartbeat?;
        Some(SHORTEST_SILENCE.max(promised.saturating_mul(5) / 2))
    }
}

impl Journal {
    /// All peers that were here.
    pub fn voices(&self) -> impl Iterator<Item = (&PeerId, &Voice)> {
        self.peers.iter()
    }

    /// One peer.
    #[must_use]
    pub fn voice(&self, peer: &PeerId) -> Option<&Voice> {
        self.peers.get(peer)
    }

    /// Links as those at their ends report them.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// How long the rules of health wait.
    #[must_use]
    pub fn rules(&self) -> Thresholds {
        self.rules
    }

    /// From now on they wait so long, whatever moment is looked at.
    pub(super) fn set_rules(&mut self, rules: Thresholds) {
        self.rules = rules;
    }

    /// Bytes and messages that came, bytes and messages that went.
    #[must_use]
    pub fn traffic(&self) -> &Pulses {
        &self.traffic
    }

    /// What came and went until now.
    pub(super) fn count(&mut self, traffic: &Traffic, now: Seen) {
        self.traffic.beat(now, traffic.counts, None);
    }

    /// This tab's id.
    #[must_use]
    pub fn own(&self) -> Option<PeerId> {
        self.own
    }

    /// When the tab was first connected.
    #[must_use]
    pub fn joined(&self) -> Option<Seen> {
        self.joined
    }

    /// When the tab was not connected after it had been.
    #[must_use]
    pub fn lost(&self) -> &Stretches {
        &self.lost
    }

    /// For a recording.
    pub(super) fn pack(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.joined.map_or(0, |at| at.0 + 1));
        put(bytes, self.peers.len() as u64);
        for (peer, voice) in &self.peers {
            put_bytes(bytes, peer.as_bytes());
            for number in [voice.heard.map(|heard| heard.0), voice.heartbeat] {
                put(bytes, number.map_or(0, |number| number + 1));
            }
            put(
                bytes,
                u64::from(voice.said_bye) | u64::from(voice.is_statemesh) << 1,
            );
            put(bytes, voice.first_heard.map_or(0, |at| at.0 + 1));
            let role = voice.role.and_then(Role::name);
            let texts = [voice.name.as_ref(), voice.software.as_ref()];
            let texts = texts.map(|text| text.map_or("", Shown::whole));
            for text in [role.unwrap_or_default()].into_iter().chain(texts) {
                put_bytes(bytes, text.as_bytes());
            }
            for stretches in [&voice.present, &voice.silent, &voice.linked] {
                stretches.pack(bytes);
            }
        }
        self.lost.pack(bytes);
        self.claims.pack(bytes);
    }

    /// From a recording whose instants are `shift` later here.
    pub(super) fn unpack(reader: &mut Reader<'_>, shift: u64) -> Option<Self> {
        let joined = reader.number()?.checked_sub(1);
        let mut journal = Self {
            joined: joined.and_then(|at| later(Seen(shift), at)),
            ..Self::default()
        };
        for _ in 0..reader.count()? {
            let peer = PeerId::from_bytes(reader.block(MAX_ID)?).ok()?;
            let here = |at: u64| later(Seen(shift), at.checked_sub(1)?);
            let heard = here(reader.number()?);
            let heartbeat = reader.number()?.checked_sub(1);
            let flags = reader.number()?;
            let first_heard = here(reader.number()?);
            let role = Role::named(reader.text(MAX_TEXT)?);
            let texts = [reader.text(MAX_TEXT)?, reader.text(MAX_TEXT)?];
            let [name, software] = texts.map(|text| (!text.is_empty()).then(|| Shown::new(text)));
            let mut voice = Voice {
                heard,
                first_heard,
                heartbeat,
                said_bye: flags & 1 != 0,
                is_statemesh: flags & 2 != 0,
                role,
                name,
                software,
                ..Voice::default()
            };
            for stretches in [&mut voice.present, &mut voice.silent, &mut voice.linked] {
                *stretches = Stretches::unpack(reader, shift)?;
            }
            if let Some(place) = journal.voice_mut(peer) {
                *place = voice;
            }
        }
        journal.lost = Stretches::unpack(reader, shift)?;
        journal.claims = Claims::unpack(reader, shift)?;
        Some(journal)
    }

    /// The tab was closed since then.
    pub fn close(&mut self, at: Seen) {
        self.joined.get_or_insert(at);
        self.lost.begin(at);
        self.peers.for_each_mut(|_, voice| {
            voice.present.end(at);
            voice.linked.end(at);
        });
        self.claims.close(at);
    }

    /// The mesh's list of peers: whoever is not in it went.
    pub(super) fn peers(&mut self, peers: &[PeerFacts], now: Seen) {
        let mut listed: Vec<PeerId> = peers.iter().map(|facts| facts.peer).collect();
        listed.sort_unstable();
        let mut left = Vec::new();
        self.peers.for_each_mut(|peer, voice| {
            if voice.present.is_open() && listed.binary_search(peer).is_err() {
                voice.present.end(now);
                left.push(*peer);
            }
        });
        for peer in left {
            self.claims.part(peer, now);
        }
        for facts in peers {
            let Some(voice) = self.voice_mut(facts.peer) else {
                continue;
            };
            voice.present.set(facts.gone.is_none(), now);
            voice.heartbeat = facts.heartbeat;
            voice.is_statemesh = facts.is_statemesh;
            voice.role = facts.role.or(voice.role);
            set_text(&mut voice.name, &facts.name);
            set_text(&mut voice.software, &facts.software);
            if facts.contact.is_some() {
                voice.contact.clone_from(&facts.contact);
            }
            // A word that was counted already says nothing of the way it came.
            let new = facts.heard.filter(|heard| voice.heard != Some(*heard));
            let ahead = new.zip(facts.wall).and_then(|(heard, wall)| {
                Some(i64::try_from(wall).ok()? - i64::try_from(heard.0).ok()?)
            });
            voice
                .pulses
                .beat(now, [facts.messages, facts.refused(), 0, 0], ahead);
            if let Some(heard) = facts.heard {
                voice.hear(heard);
            }
            let has_more = facts.has_more_links;
            self.claims
                .report(facts.peer, &facts.links, has_more, |_| now, now);
        }
    }

    /// The tab's peer runs under this id.
    pub(super) fn begin(&mut self, own: PeerId, now: Seen) {
        if let Some(former) = self.own.replace(own).filter(|former| *former != own) {
            self.claims.part(former, now);
        }
    }

    /// What a machine says of its owner.
    pub(super) fn introduce(&mut self, peer: PeerId, role: Role, host: Option<&Shown>) {
        if self.own == Some(peer) {
            return;
        }
        if let Some(voice) = self.voice_mut(peer) {
            if role != Role::Application {
                voice.role = voice.role.or(Some(role));
            }
            if voice.name.is_none() {
                voice.name = host.cloned();
            }
        }
    }

    /// The tab's links, all of them.
    pub(super) fn links(&mut self, links: &[LinkFacts], now: Seen) {
        for link in links {
            if let Some(voice) = self.voice_mut(link.peer) {
                voice.linked.begin(link.since.min(now));
            }
        }
        self.peers.for_each_mut(|peer, voice| {
            if !links.iter().any(|link| link.peer == *peer) {
                voice.linked.end(now);
            }
        });
        let Some(own) = self.own else {
            return;
        };
        let said: Vec<ReportedLink> = links
            .iter()
            .map(|link| ReportedLink {
                end: LinkEnd::from(link.peer),
                carrier: Some(link.carrier),
                rtt: link.rtt,
            })
            .collect();
        let since = |end| {
            let link = links.iter().find(|link| LinkEnd::from(link.peer) == end);
            link.map_or(now, |link| link.since.min(now))
        };
        self.claims.report(own, &said, false, since, now);
    }

    /// A peer went.
    pub(super) fn part(&mut self, peer: PeerId, now: Seen, said_bye: bool) {
        if let Some(voice) = self.voice_mut(peer) {
            voice.present.end(now);
            voice.said_bye = said_bye;
        }
        self.claims.part(peer, now);
    }

    /// Where the tab stands.
    pub(super) fn phase(&mut self, phase: &Phase, now: Seen) {
        let live = match phase {
            Phase::Live => true,
            Phase::Connecting { .. } | Phase::Reconnecting { .. } | Phase::Stopped(_) => false,
        };
        if live {
            self.joined.get_or_insert(now);
        }
        self.lost.set(self.joined.is_some() && !live, now);
    }

    /// `None`: there are too many, and all are here.
    fn voice_mut(&mut self, peer: PeerId) -> Option<&mut Voice> {
        if !self.peers.contains_key(&peer) && self.peers.len() >= MAX_PEERS {
            let mut left = self
                .peers
                .iter()
                .filter(|(_, voice)| !voice.present.is_open());
            let gone = *left.next()?.0;
            self.peers.remove(&gone);
        }
        Some(self.peers.get_or_insert_with(peer, Voice::default))
    }
}

/// Texts rarely change: they are copied when they do. What was said once holds until something else is.
fn set_text(kept: &mut Option<Shown>, said: &Option<Shown>) {
    if said.is_some() && kept != said {
        kept.clone_from(said);
    }
}

/// Shortest silence that means anything (dashboard design 4.4).
const SHORTEST_SILENCE: u64 = 3_000;
/// Stretches of one kind held (guess).
const MAX_STRETCHES: usize = 1_024;
/// Bytes of a peer's id.
pub(super) const MAX_ID: usize = 128;
/// Peers held (guess: more than a page can draw).
const MAX_PEERS: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::peer;

    fn facts(heard: u64) -> PeerFacts {
        PeerFacts {
            heard: Some(Seen(heard)),
            heartbeat: Some(1_000),
            ..PeerFacts::unknown(peer(1))
        }
    }

    #[test]
    fn silence_is_known_at_any_instant_and_begins_with_the_last_word() {
        let mut journal = Journal::default();
        for heard in [0, 1_000, 2_000, 9_000, 10_000] {
            journal.peers(&[facts(heard)], Seen(heard));
        }
        let voice = journal.voice(&peer(1)).unwrap();
        for (at, since) in [
            (2_500, None),
            (5_000, None),
            (5_001, Some(2_000)),
            (8_999, Some(2_000)),
            (9_000, None),
            (13_000, None),
            (13_001, Some(10_000)),
        ] {
            assert_eq!(voice.silent_since(Seen(at)), since.map(Seen), "{at}");
        }
    }

    #[test]
    fn peers_links_and_losses_are_stretches() {
        let mut journal = Journal::default();
        journal.phase(&Phase::Connecting { failures: vec![] }, Seen(0));
        journal.phase(&Phase::Live, Seen(10));
        journal.peers(&[facts(10)], Seen(10));
        let reconnecting = Phase::Reconnecting {
            next_try: None,
            failures: vec![],
        };
        journal.phase(&reconnecting, Seen(50));
        journal.phase(&Phase::Live, Seen(70));
        journal.part(peer(1), Seen(80), true);
        assert_eq!(journal.lost().at(Seen(5)), None, "it never was");
        assert!(journal.lost().at(Seen(50)).is_some() && journal.lost().at(Seen(70)).is_none());
        assert_eq!(journal.lost().between(Seen(0), Seen(50)).count(), 0);
        assert_eq!(journal.lost().between(Seen(69), Seen(99)).count(), 1);
        let voice = journal.voice(&peer(1)).unwrap();
        assert!(voice.present.at(Seen(79)).is_some() && voice.present.at(Seen(80)).is_none());
        assert!(voice.said_bye());
    }

    #[test]
    fn strangers_and_flapping_are_bounded() {
        let mut journal = Journal::default();
        for at in 0..5_000 {
            journal.peers(&[facts(at * 2)], Seen(at * 2));
            journal.part(peer(1), Seen(at * 2 + 1), false);
        }
        let voice = journal.voice(&peer(1)).unwrap();
        assert_eq!(voice.present.list.len(), MAX_STRETCHES);
    }
}
