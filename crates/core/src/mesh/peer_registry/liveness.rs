//! Who still lives: links, promised heartbeats, probes.
//!
//! A live link always means alive. Without one, a peer that promised heartbeats is suspected after three missed, a peer whose
//! last known link went is suspected soon. Three unanswered probes make a suspect gone; a peer known from hearsay only goes
//! when it stays silent, since it was asked for all the time. A Go peer that never had a known link is not judged: its neighbours may be Go peers, which report
//! none. While we have no connection at all, nobody can be asked, so silence counts only after a long time.

use std::time::Duration;

use super::{GoneReason, Output, Peer, Registry, links};
use crate::ids::PeerId;
use crate::mesh::wire::{LinkEnd, Links};
use crate::time::Instant;

/// What is thought of one peer's life.
#[derive(Debug)]
pub(super) struct Life {
    /// When it is looked at again; kept equal to its entry in the table of checks.
    pub(super) check_at: Instant,
    /// A live link to it was known.
    was_linked: bool,
    /// When the last known one went.
    lost_at: Option<Instant>,
    /// One of its links went since it was last looked at.
    lost_one: bool,
    probes: u32,
    probed_at: Instant,
}

impl Life {
    pub(super) fn new(check_at: Instant) -> Self {
        Self {
            check_at,
            was_linked: false,
            lost_at: None,
            lost_one: false,
            probes: 0,
            probed_at: Instant::ZERO,
        }
    }

    /// Its own word came.
    pub(super) fn heard(&mut self) {
        self.probes = 0;
    }

    /// A live link to it is known.
    pub(super) fn linked(&mut self) {
        self.was_linked = true;
        self.lost_at = None;
    }

    /// Whether one was when it was last looked at.
    pub(super) fn has_link(&self) -> bool {
        self.was_linked && self.lost_at.is_none()
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.probes > 0
    }
}

/// What a look at a peer's life says.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// Look again then.
    Later(Instant),
    Probe,
    Gone,
}

impl Registry {
    /// When [`Registry::check_lives`] has something to do.
    pub(crate) fn next_check(&self) -> Option<Instant> {
        self.checks.first().map(|(at, _)| *at)
    }

    /// Looks at every peer whose time has come.
    pub(crate) fn check_lives(&mut self, now: Instant) {
        while let Some((at, id)) = self.checks.first().copied()
            && at <= now
        {
            self.checks.pop_first();
            let finding = self.examine(id, now);
            self.recount(id);
            match finding {
                None => {}
                Some(Finding::Later(at)) => self.check_at(id, at.max(now + MIN_RECHECK)),
                Some(Finding::Probe) => {
                    self.probe(id, now);
                    self.outputs.push_back(Output::Probe(id));
                }
                Some(Finding::Gone) => self.remove_peer(id, GoneReason::Silent, now),
            }
        }
    }

    /// Somebody else asked for that peer: as good as a probe of ours.
    pub(crate) fn overheard_probe(&mut self, id: PeerId, now: Instant) {
        let suspect = self.peers.get(&id).is_some_and(|peer| {
            peer.life.is_suspect() && now.since(peer.life.probed_at) >= MIN_PROBE_GAP
        });
        if suspect {
            self.probe(id, now);
        }
    }

    /// A peer reports its links: the other ends of those that are gone are looked at soon.
    pub(super) fn take_links(&mut self, reporter: PeerId, report: &Links, now: Instant) {
        let Some(peer) = self.peers.get_mut(&reporter) else {
            return;
        };
        peer.link_count = report.count;
        let links = links::reported(&peer.links, report);
        if *peer.links == *links {
            return;
        }
        let stays = |end| links.iter().any(|link| link.end == end);
        let ends = peer.links.iter().map(|link| link.end);
        let lost: Vec<LinkEnd> = ends.filter(|end| !stays(*end)).collect();
        peer.links = links.into();
        // A full report leaves links out; one peer of this project more or less in it says nothing.
        let is_full = report.complete && report.count > report.open.len() as u64;
        self.lost_links(&lost, is_full, now);
    }

    /// We have a connection again: what others say may have changed meanwhile, and is on its way.
    pub(super) fn look_at_all(&mut self, now: Instant) {
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            self.check_at(id, now + AFTER_REACH);
        }
    }

    /// One link to that peer went: looks soon whether it was the last.
    pub(super) fn lost_link(&mut self, id: PeerId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.life.was_linked = true;
            peer.life.lost_one = true;
            self.check_at(id, now + AFTER_LOSS);
        }
    }

    /// Reported links to these ends went; only those of Go peers when `go_only`.
    pub(super) fn lost_links(&mut self, ends: &[LinkEnd], go_only: bool, now: Instant) {
        if ends.is_empty() {
            return;
        }
        let peers = self.peers.iter();
        let meant = peers.filter(|(_, peer)| !(go_only && peer.statemesh));
        let lost = meant.filter(|(id, _)| ends.contains(&LinkEnd::from(**id)));
        let lost: Vec<PeerId> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            self.lost_link(id, now);
        }
    }

    fn examine(&mut self, id: PeerId, now: Instant) -> Option<Finding> {
        if let Some(silent_at) = self.peers.get(&id)?.keeps_promise_until(now) {
            return Some(Finding::Later(silent_at));
        }
        let is_linked = self.is_linked(id, now);
        let (isolated_since, reached_at) = (self.isolated_since, self.reached_at);
        let peer = self.peers.get_mut(&id)?;
        peer.life.lost_one = false;
        if is_linked {
            peer.life.linked();
            peer.life.probes = 0;
            return Some(Finding::Later(now + RECHECK));
        }
        if peer.life.was_linked {
            // A check may come late: the loss is dated by the moment it is seen, less the delay that led here.
            peer.life.lost_at.get_or_insert(now - AFTER_LOSS);
        }
        if let Some(since) = isolated_since {
            peer.life.probes = 0;
            let silent_since = since.max(peer.heard_at.unwrap_or(peer.known_at));
            let patience = silent_since + ISOLATED_PATIENCE;
            return Some(if now >= patience {
                Finding::Gone
            } else {
                Finding::Later(patience)
            });
        }
        Some(match suspect_at(peer, reached_at) {
            // Should a link to it be known and go, it is looked at then.
            None => Finding::Later(now + RECHECK_UNJUDGED),
            Some(at) if now < at => Finding::Later(at),
            // It was asked for ever since it was named.
            Some(_) if peer.heard_at.is_none() && !peer.life.was_linked => Finding::Gone,
            Some(_) => probing(peer, now),
        })
    }

    /// Whether a live link to that peer is known: one of ours, or one that a peer of this project reports and keeps its
    /// heartbeat.
    fn is_linked(&self, id: PeerId, now: Instant) -> bool {
        let end = LinkEnd::from(id);
        // Most of many silent peers promise nothing: that is seen sooner than what they report.
        let reports = |peer: &Peer| peer.is_beating(now) && peer.reports(end);
        self.links.contains(&id) || self.peers.values().any(reports)
    }

    fn probe(&mut self, id: PeerId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.life.probes += 1;
            peer.life.probed_at = now;
            let at = now + PROBE_GAP;
            self.check_at(id, at);
        }
    }

    fn check_at(&mut self, id: PeerId, at: Instant) {
        if let Some(peer) = self.peers.get_mut(&id) {
            self.checks.remove(&(peer.life.check_at, id));
            peer.life.check_at = at;
            self.checks.insert((at, id));
        }
    }
}

impl Peer {
    fn reports(&self, end: LinkEnd) -> bool {
        self.links
            .binary_search_by_key(&end, |link| link.end)
            .is_ok()
    }

    /// Until when nothing has to be looked at: it keeps its heartbeat, and no link of it was lost. Spares looking for who
    /// reports a link to it among all peers.
    fn keeps_promise_until(&self, now: Instant) -> Option<Instant> {
        let life = &self.life;
        if life.lost_one || life.lost_at.is_some() || life.is_suspect() || !self.is_beating(now) {
            return None;
        }
        Some(self.heard_at? + self.heartbeat? * super::BEATS_MISSED)
    }
}

/// From when on an unlinked peer is suspected. Never for one that silence says nothing about.
fn suspect_at(peer: &Peer, reached_at: Instant) -> Option<Instant> {
    let Some(heard) = peer.heard_at else {
        // Known from hearsay, or a neighbour that went without a word.
        let since = peer
            .life
            .lost_at
            .unwrap_or(peer.known_at + HEARSAY_PATIENCE);
        return Some(since.max(reached_at));
    };
    if let Some(lost) = peer.life.lost_at
        && heard <= lost
    {
        return Some((lost + AFTER_LOSS).max(reached_at + AFTER_LOSS));
    }
    let heartbeat = peer.heartbeat.filter(|_| peer.statemesh)?;
    Some(heard.max(reached_at) + heartbeat * super::BEATS_MISSED)
}

fn probing(peer: &Peer, now: Instant) -> Finding {
    let life = &peer.life;
    if life.probes == 0 {
        return Finding::Probe;
    }
    let (wait, then) = if life.probes < PROBES {
        (PROBE_GAP, Finding::Probe)
    } else if peer.statemesh {
        (PROBE_GAP, Finding::Gone)
    } else {
        (GO_ANSWER, Finding::Gone)
    };
    let at = life.probed_at + wait;
    if now < at { Finding::Later(at) } else { then }
}

/// Unanswered probes that make a suspect gone.
const PROBES: u32 = 3;
/// Time between two probes, and for a peer of this project to answer the last: it takes 0.2 s and the way there and back.
const PROBE_GAP: Duration = Duration::from_millis(1750);
/// Somebody else's probe counts when it is that far from the last.
const MIN_PROBE_GAP: Duration = Duration::from_millis(1000);
/// Time for a Go peer to answer: it waits up to 5 s and looks at its inbox once a second (spec 3.4).
const GO_ANSWER: Duration = Duration::from_secs(6);
/// From the loss of a link to the first look: reports of other links are under way.
const AFTER_LOSS: Duration = Duration::from_secs(1);
/// From the end of an isolation to the first look.
const AFTER_REACH: Duration = Duration::from_secs(3);
/// Between two looks at a peer nothing is wrong with.
const RECHECK: Duration = Duration::from_secs(5);
/// Between two looks at a peer that silence says nothing about.
const RECHECK_UNJUDGED: Duration = Duration::from_secs(30);
/// No two looks at one peer are closer.
const MIN_RECHECK: Duration = Duration::from_millis(10);
/// A peer known from hearsay only has that long to say something itself.
const HEARSAY_PATIENCE: Duration = Duration::from_secs(45);
/// Without any connection, silence makes a peer gone after that long.
const ISOLATED_PATIENCE: Duration = Duration::from_secs(60);
