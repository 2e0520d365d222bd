//! Who speaks: whether its message is its newest word, a late one or a replay, and how much of others' time it may take.
//!
//! Invariants: a replay never makes anybody look alive; what one author says costs others a bounded number of messages,
//! requests and entries, however much it says; how many members count for everybody's pace does not grow by claims.

use std::sync::Arc;
use std::time::Duration;

use super::{Contact, Ghost, MAX_HEARTBEAT, MIN_HEARTBEAT, Peer, Registry};
use crate::ids::PeerId;
use crate::mesh::limiter::{Allowance, Company};
use crate::mesh::remote_machine::Trust;
use crate::mesh::wire::{self, Extension, Info};
use crate::time::Instant;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Over the topic, under this number of its author's; 0 when it is not known.
    Live(u64),
    /// From a neighbour that kept it.
    Kept,
}

/// How an author's message is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    Heard,
    /// Of an earlier run, or from before its end.
    Stale,
    /// No room for one more peer.
    Full,
}

/// What an author may still ask of others. There is one for every known peer, so it is small.
#[derive(Debug, Default)]
pub(super) struct Quota {
    messages: Allowance,
    /// Ids named that nobody here knows.
    names: Allowance,
    /// Peers known by its word alone.
    rumours: u32,
}

/// Who counts for the pace of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// Known by claims only, or a Go peer to which no link is known.
    #[default]
    Nobody,
    Member,
    GoMember,
}

/// How many of the known peers have which standing.
#[derive(Debug, Default)]
pub(super) struct Census {
    members: u32,
    go_members: u32,
}

impl Census {
    fn count(&mut self, standing: Standing) -> Option<&mut u32> {
        match standing {
            Standing::Nobody => None,
            Standing::Member => Some(&mut self.members),
            Standing::GoMember => Some(&mut self.go_members),
        }
    }

    fn change(&mut self, before: Standing, after: Standing) {
        if let Some(count) = self.count(before) {
            *count -= 1;
        }
        if let Some(count) = self.count(after) {
            *count += 1;
        }
    }
}

impl Registry {
    /// Whether this author's message is read at all: one that says too much is not.
    pub(crate) fn may_speak(&mut self, author: PeerId, now: Instant) -> bool {
        let known = self.peers.get_mut(&author);
        known.is_none_or(|peer| peer.quota.messages.take(MESSAGES, MESSAGE_PERIOD, now))
    }

    /// Whether we ask for one more id that this author named.
    pub(crate) fn may_name(&mut self, author: PeerId, now: Instant) -> bool {
        let known = self.peers.get_mut(&author);
        known.is_none_or(|peer| peer.quota.names.take(NAMES, NAME_PERIOD, now))
    }

    /// Whether this author introduces more strangers than it may.
    pub(crate) fn is_rumour_monger(&self, author: PeerId, infos: &wire::PerPeer<Info>) -> bool {
        let told = self
            .peers
            .get(&author)
            .map_or(0, |peer| peer.quota.rumours as usize);
        let is_new = |id: &&PeerId| !self.peers.contains_key(id) && **id != author;
        told + infos.keys().filter(is_new).count() > MAX_RUMOURS_PER_PEER
    }

    /// A peer became known by somebody else's word.
    pub(super) fn note_rumour(&mut self, id: PeerId, by: PeerId) {
        if let Some(teller) = self.peers.get_mut(&by) {
            teller.quota.rumours += 1;
            self.rumours += 1;
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.rumoured_by = Some(Box::new(by));
            }
        }
    }

    /// It is heard itself, or gone.
    pub(super) fn forget_rumour(&mut self, id: PeerId) {
        let known = self.peers.get_mut(&id);
        let Some(teller) = known.and_then(|peer| peer.rumoured_by.take()) else {
            return;
        };
        self.rumours -= 1;
        // Whoever told may have gone and come again meanwhile.
        if let Some(teller) = self.peers.get_mut(&teller) {
            teller.quota.rumours = teller.quota.rumours.saturating_sub(1);
        }
    }

    /// A valid message of this author came: notes who it is, makes it known. One that a neighbour kept says nothing about
    /// the author's life now, and may be old; neither does one older than what was heard.
    pub(crate) fn hear(
        &mut self,
        author: PeerId,
        extension: &Extension,
        manner: Manner,
        now: Instant,
    ) -> Welcome {
        let run = extension.run;
        if self
            .ghosts
            .get(&author)
            .is_some_and(|ghost| ghost.is_deaf_to(extension, manner, now))
        {
            return Welcome::Stale;
        }
        let known = self.peers.get(&author);
        if known.is_some_and(|peer| peer.has_outgrown(extension, manner)) {
            return Welcome::Stale;
        }
        if !self.meet(author, Trust::FirstHand, now) {
            return Welcome::Full;
        }
        self.ghosts.remove(&author);
        self.forget_rumour(author);
        let is_linked = self.links.contains(&author);
        let Some(peer) = self.peers.get_mut(&author) else {
            return Welcome::Full;
        };
        let was_go = peer.is_go();
        if is_linked {
            peer.life.linked();
        }
        match manner {
            Manner::Live(seqno) => {
                peer.says_newest = peer.is_newest_word(seqno, extension);
                if peer.says_newest {
                    peer.heard_at = Some(now);
                    peer.life.heard();
                }
                peer.seqno = peer.seqno.max(seqno);
            }
            Manner::Kept => peer.says_newest = false,
        }
        peer.heard_at.get_or_insert(now);
        peer.statemesh |= extension.version.is_some();
        self.go_peers += usize::from(peer.is_go());
        self.go_peers -= usize::from(was_go);
        peer.run = peer.run.max(run);
        let is_newest = peer.wall_ms <= extension.wall_ms;
        peer.wall_ms = peer.wall_ms.max(extension.wall_ms);
        if is_newest {
            if let Some(ms) = extension.heartbeat_ms {
                let promised = Duration::from_millis(ms);
                peer.heartbeat = Some(promised.clamp(MIN_HEARTBEAT, MAX_HEARTBEAT));
            }
            if let Some(links) = &extension.links {
                self.take_links(author, links, now);
            }
        }
        self.recount(author);
        Welcome::Heard
    }

    /// What this author says of itself in an introduction that a neighbour handed over. What it has said since of its clocks
    /// does not make that old.
    pub(crate) fn take_description(&mut self, author: PeerId, extension: &Extension, via: PeerId) {
        let known = self.peers.get_mut(&author);
        let Some(peer) = known.filter(|peer| peer.described_ms <= extension.wall_ms) else {
            return;
        };
        if let Some(about) = &extension.about {
            peer.described_ms = extension.wall_ms;
            peer.about = Some(Box::new(about.clone()));
        }
        if let Some(addresses) = &extension.addresses {
            peer.described_ms = extension.wall_ms;
            let addresses = addresses.clone();
            let contact = Contact { addresses, via };
            if peer.contact.as_deref() != Some(&contact) {
                peer.contact = Some(Arc::new(contact));
            }
        }
    }

    /// A message of this author was refused.
    pub(crate) fn count_drop(&mut self, author: PeerId) {
        if let Some(peer) = self.peers.get_mut(&author) {
            peer.dropped = peer.dropped.saturating_add(1);
        }
    }

    /// Members that were heard themselves, ourselves included, and whether Go peers are among them. Go peers count once a
    /// link to them is known: a claim of many keys slows nobody down.
    pub(crate) fn company(&self) -> Company {
        let Census {
            members,
            go_members,
        } = self.census;
        Company {
            members: 1 + members + go_members,
            has_go: go_members > 0,
        }
    }

    /// A peer's standing may have changed.
    pub(super) fn recount(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let standing = peer.standing_now();
            let before = std::mem::replace(&mut peer.standing, standing);
            self.census.change(before, standing);
        }
    }

    /// A peer is gone.
    pub(super) fn count_out(&mut self, peer: &Peer) {
        self.census.change(peer.standing, Standing::Nobody);
        self.go_peers -= usize::from(peer.is_go());
    }
}

impl Peer {
    /// A replay: of an earlier run, or much older than what this run has said since. Repair and other ways through the mesh
    /// bring messages out of order, but not by minutes. What Go peers say cannot be dated: there sums decide alone.
    fn has_outgrown(&self, extension: &Extension, manner: Manner) -> bool {
        let (Some(run), Some(known)) = (extension.run, self.run) else {
            return false;
        };
        let is_older = match (extension.wall_ms, self.wall_ms) {
            (Some(said), Some(newest)) => said.saturating_add(REPLAY_WINDOW_MS) < newest,
            (Some(_) | None, Some(_) | None) => false,
        };
        run < known || (run == known && is_older && manner != Manner::Kept)
    }

    /// Whether nothing newer was heard before: only then it says that the peer lives.
    fn is_newest_word(&self, seqno: u64, extension: &Extension) -> bool {
        if extension.run > self.run {
            return true;
        }
        (seqno == 0 || seqno > self.seqno) && (extension.wall_ms >= self.wall_ms)
    }

    fn standing_now(&self) -> Standing {
        if self.heard_at.is_none() {
            Standing::Nobody
        } else if self.statemesh {
            Standing::Member
        } else if self.life.has_link() {
            Standing::GoMember
        } else {
            Standing::Nobody
        }
    }
}

impl Ghost {
    /// Whether that is no sign of a new life: of the run that ended, and from before its end.
    fn is_deaf_to(&self, extension: &Extension, manner: Manner, now: Instant) -> bool {
        if let (Some(run), Some(before)) = (extension.run, self.run)
            && run != before
        {
            return run < before;
        }
        match manner {
            Manner::Kept => true,
            Manner::Live(seqno) => {
                let is_replay = seqno != 0 && seqno <= self.seqno;
                let is_old = extension.wall_ms.is_some() && extension.wall_ms <= self.wall_ms;
                is_replay || is_old || now < self.deaf_until
            }
        }
    }
}

/// Messages of one author read at once: its introduction may come in many parts.
const MESSAGES: u32 = 256;
/// And one more in this time. A peer of this project sends ten changes, ten introductions, ten goodbyes of machines, four
/// answers and two requests a second at most; a Go peer two messages.
const MESSAGE_PERIOD: Duration = Duration::from_millis(20);
/// Unknown ids of one author asked for at once.
const NAMES: u32 = 384;
/// And one more in this time: with the 80 s that an id is asked for at most, one author fills half of the table.
const NAME_PERIOD: Duration = Duration::from_millis(400);
/// Peers known by the word of one other alone.
pub(crate) const MAX_RUMOURS_PER_PEER: usize = 256;
/// What an owner said that much before the newest word of the same run is a replay: gossipsub delivers again for 120 s.
const REPLAY_WINDOW_MS: u64 = 120_000;
