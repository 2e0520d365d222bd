//! Known peers, the machines each announced, and whether each still lives.
//!
//! Invariants: every table has a capacity and an eviction rule; first-hand knowledge is never displaced by hearsay; a peer is
//! found before its first machine and gone after its last; who is gone by bye or silence comes back by its own word only.
//! Decides nothing about time of speaking: it says what it wants ([`Output`]), the node schedules.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::remote_machine::{Remote, Trust, weight};
use super::wire::{self, Extension, Info};
use crate::collections::{OrderedMap, OrderedSet};
use crate::ids::{MachineIdx, PeerId};
use crate::time::Instant;

mod links;
mod liveness;
mod machines;
mod room;
mod schemas;
mod views;
mod words;

use self::links::OwnLinks;
use self::liveness::Life;
use self::machines::Machines;
use self::room::MAX_PEERS;
use self::schemas::Schemas;
pub use self::views::PeerView;
pub(crate) use self::views::Sums;
use self::words::Words;
pub(crate) use self::words::{Said, fingerprint};

/// What came of an input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    PeerFound(PeerId),
    PeerGone(PeerId, GoneReason),
    MachineFound(PeerId, MachineIdx),
    ClockChanged(PeerId, MachineIdx, Arc<[u64]>),
    MachineGone(PeerId, MachineIdx),
    /// A machine was not taken in: its owner or the whole mesh has too many.
    Full(PeerId),
    /// Machines of this peer are missing.
    Missing(PeerId),
    /// Somebody claims to know a newer clock than ours of this peer's machines.
    Behind(PeerId),
    /// Ask whether it lives.
    Probe(PeerId),
}

/// Why a peer counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneReason {
    /// It said bye.
    Bye,
    /// No live link to it is known and three probes stayed unanswered.
    Silent,
    /// The table of peers was full and this one was the least recently heard.
    Evicted,
}

#[derive(Debug)]
struct Peer {
    known_at: Instant,
    heard_at: Option<Instant>,
    /// Its own `info` was heard.
    introduced: bool,
    statemesh: bool,
    run: Option<u64>,
    heartbeat: Option<Duration>,
    /// Live connections it reports, in order of their ends.
    links: Box<[wire::Link]>,
    /// How many it says there are.
    link_count: u64,
    /// When it said the newest list of its machines that was heard, or took one back, by its wall clock.
    listed_ms: Option<u64>,
    /// Its wall clock when it said the newest of what was heard, in milliseconds since 1970.
    wall_ms: Option<u64>,
    about: Option<Box<wire::About>>,
    machines: Machines,
    words: Words,
    dropped: u64,
    life: Life,
    weight: usize,
}

/// Somebody who went.
#[derive(Debug)]
struct Ghost {
    run: Option<u64>,
    /// Until then what its last run said may still be under way, and is ignored.
    deaf_until: Instant,
    /// Last time it went or was named by others.
    named_at: Instant,
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Over the topic.
    Live,
    /// From a neighbour that kept it.
    Kept,
}

/// How an author's message is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    Heard,
    /// Of an earlier run, or from before its bye.
    Stale,
    /// No room for one more peer.
    Full,
}

/// Everything known of others.
#[derive(Debug)]
pub(crate) struct Registry {
    own: PeerId,
    peers: OrderedMap<PeerId, Peer>,
    links: OwnLinks,
    /// Since when there is none.
    isolated_since: Option<Instant>,
    /// When the last isolation ended.
    reached_at: Instant,
    ghosts: OrderedMap<PeerId, Ghost>,
    /// First-hand clocks of machines not introduced yet.
    pending: OrderedMap<(PeerId, MachineIdx), Vec<u64>>,
    /// When each peer's life is looked at again: one entry per peer.
    checks: OrderedSet<(Instant, PeerId)>,
    schemas: Schemas,
    /// Bytes of all owners' words.
    kept_bytes: usize,
    /// How many of the peers are Go peers.
    go_peers: usize,
    weight: usize,
    outputs: VecDeque<Output>,
}

impl Registry {
    pub(crate) fn new(own: PeerId, now: Instant) -> Self {
        Self {
            own,
            peers: OrderedMap::new(),
            links: OwnLinks::default(),
            isolated_since: Some(now),
            reached_at: now,
            ghosts: OrderedMap::new(),
            pending: OrderedMap::new(),
            checks: OrderedSet::new(),
            schemas: Schemas::default(),
            kept_bytes: 0,
            go_peers: 0,
            weight: 0,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The owner's own counters of its machines, along with a clock.
    pub(crate) fn count_ticks(
        &mut self,
        owner: PeerId,
        ticks: &OrderedMap<MachineIdx, wire::Ticks>,
    ) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        for (index, ticks) in ticks {
            if let Some(remote) = peer.machines.get_mut(*index) {
                remote.count(*ticks);
            }
        }
    }

    /// Refuses what contradicts what is known, before anything changes.
    pub(crate) fn check_info(
        &self,
        author: PeerId,
        infos: &wire::PerPeer<Info>,
        partial: bool,
    ) -> Result<(), &'static str> {
        for (peer, machines) in infos {
            let known = self.peers.get(peer).map(|peer| &peer.machines);
            let Some(machines) = machines else { continue };
            let mut fresh = 0;
            for (index, info) in machines {
                info.check()?;
                let clock = info.clock.as_deref().unwrap_or_default();
                match known.and_then(|known| known.get(*index)) {
                    None => fresh += 1,
                    Some(remote) => {
                        let binding = author != *peer || remote.schema_trust() == Trust::FirstHand;
                        if binding && !remote.fits(clock) && wire::sum(clock) > remote.sum() {
                            return Err("clock length differs from the known machine");
                        }
                    }
                }
            }
            let kept = if author == *peer && !partial {
                machines.len() - fresh
            } else {
                known.map_or(0, Machines::len)
            };
            if *peer != self.own && kept + fresh > wire::MAX_MACHINES_PER_PEER {
                return Err("too many machines");
            }
        }
        Ok(())
    }

    /// Refuses clocks that cannot be ones of the machines known.
    pub(crate) fn check_clocks(
        &self,
        author: PeerId,
        clocks: &wire::PerPeer<Vec<u64>>,
    ) -> Result<(), &'static str> {
        for (peer, machines) in clocks {
            let known = self.peers.get(peer).map(|peer| &peer.machines);
            for (index, clock) in machines.iter().flatten() {
                let Some(remote) = known.and_then(|known| known.get(*index)) else {
                    // Of which machine it is shows later, but none has no states.
                    if clock.is_empty() {
                        return Err("empty clock");
                    }
                    continue;
                };
                let binding = author != *peer || remote.schema_trust() == Trust::FirstHand;
                if binding && !remote.fits(clock) {
                    return Err("clock length differs from the known machine");
                }
            }
        }
        Ok(())
    }

    /// A valid message of this author came: notes who it is, makes it known. One that a neighbour kept says nothing about
    /// the author's life now, and may be old.
    pub(crate) fn hear(
        &mut self,
        author: PeerId,
        extension: &Extension,
        manner: Manner,
        now: Instant,
    ) -> Welcome {
        let run = extension.run;
        if let Some(ghost) = self.ghosts.get(&author) {
            let (is_newer, is_older) = match (run, ghost.run) {
                (Some(run), Some(before)) => (run > before, run < before),
                (Some(_) | None, Some(_) | None) => (false, false),
            };
            if is_older || (!is_newer && (manner == Manner::Kept || now < ghost.deaf_until)) {
                return Welcome::Stale;
            }
        }
        if self
            .peers
            .get(&author)
            .is_some_and(|peer| peer.has_outgrown(extension, manner))
        {
            return Welcome::Stale;
        }
        if !self.meet(author, Trust::FirstHand, now) {
            return Welcome::Full;
        }
        self.ghosts.remove(&author);
        let Some(peer) = self.peers.get_mut(&author) else {
            return Welcome::Full;
        };
        let was_go = peer.is_go();
        match manner {
            Manner::Live => {
                peer.heard_at = Some(now);
                peer.life.heard();
            }
            Manner::Kept => {
                peer.heard_at.get_or_insert(now);
            }
        }
        peer.statemesh |= extension.version.is_some();
        self.go_peers += usize::from(peer.is_go());
        self.go_peers -= usize::from(was_go);
        peer.run = peer.run.max(run);
        let is_newest = peer.wall_ms <= extension.wall_ms;
        peer.wall_ms = peer.wall_ms.max(extension.wall_ms);
        if !is_newest {
            return Welcome::Heard;
        }
        if let Some(about) = &extension.about {
            peer.about = Some(Box::new(about.clone()));
        }
        if let Some(ms) = extension.heartbeat_ms {
            peer.heartbeat = Some(Duration::from_millis(ms).clamp(MIN_HEARTBEAT, MAX_HEARTBEAT));
        }
        if let Some(links) = &extension.links {
            self.take_links(author, links, now);
        }
        Welcome::Heard
    }

    /// A message of this author was refused.
    pub(crate) fn count_drop(&mut self, author: PeerId) {
        if let Some(peer) = self.peers.get_mut(&author) {
            peer.dropped = peer.dropped.saturating_add(1);
        }
    }

    /// The owner's own introduction: all its machines, or some when the extension says so.
    pub(crate) fn introduce(
        &mut self,
        owner: PeerId,
        mut infos: OrderedMap<MachineIdx, Info>,
        extension: &Extension,
        now: Instant,
    ) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        peer.introduced = true;
        let run = extension.run.unwrap_or(0);
        let is_outdated = extension.wall_ms < peer.listed_ms;
        peer.listed_ms = peer.listed_ms.max(extension.wall_ms);
        // All indexes of a run are at or above its number; below are those of earlier runs. A list from before a newer one
        // brings no machine back.
        infos.retain(|index, _| {
            index.0 >= run && (!is_outdated || peer.machines.get(*index).is_some())
        });
        let is_whole = !(extension.partial || is_outdated);
        let is_over =
            |index: &MachineIdx| index.0 < run || (is_whole && !infos.contains_key(index));
        let over: Vec<MachineIdx> = peer.machines.indexes().filter(is_over).collect();
        for index in over {
            self.remove_machine(owner, index);
        }
        for (index, info) in infos {
            self.learn(owner, index, info, Trust::FirstHand, now);
        }
    }

    /// Somebody else's introduction of a peer. Taken only until the peer introduces itself.
    pub(crate) fn introduce_hearsay(
        &mut self,
        owner: PeerId,
        infos: OrderedMap<MachineIdx, Info>,
        now: Instant,
    ) {
        if self.is_barred(owner, now) {
            return;
        }
        if self.is_introduced(owner) {
            let sums = infos
                .into_iter()
                .map(|(index, info)| (index, wire::sum(&info.clock.unwrap_or_default())));
            return self.compare(owner, sums);
        }
        if !self.meet(owner, Trust::Hearsay, now) {
            return;
        }
        self.outputs.push_back(Output::Missing(owner));
        for (index, info) in infos {
            self.learn(owner, index, info, Trust::Hearsay, now);
        }
    }

    /// The owner's own clocks.
    pub(crate) fn update(
        &mut self,
        owner: PeerId,
        clocks: OrderedMap<MachineIdx, Vec<u64>>,
        now: Instant,
    ) {
        let mut is_complete = true;
        for (index, clock) in clocks {
            is_complete &= self.update_one(owner, index, clock, now);
        }
        if !is_complete {
            self.outputs.push_back(Output::Missing(owner));
        }
    }

    /// Returns false when the machine is not known.
    fn update_one(
        &mut self,
        owner: PeerId,
        index: MachineIdx,
        clock: Vec<u64>,
        now: Instant,
    ) -> bool {
        let machines = self.peers.get_mut(&owner).map(|peer| &mut peer.machines);
        match machines.and_then(|machines| machines.get_mut(index)) {
            Some(remote) if remote.fits(&clock) => {
                if let Some(before) = remote.apply(clock, Trust::FirstHand, now) {
                    let changed = Output::ClockChanged(owner, index, before);
                    self.outputs.push_back(changed);
                }
                true
            }
            // Hearsay had the machine wrong: its owner knows better.
            Some(_) => {
                self.remove_machine(owner, index);
                self.hold(owner, index, clock);
                false
            }
            None => {
                self.hold(owner, index, clock);
                false
            }
        }
    }

    /// Somebody else's word about a peer's clocks.
    pub(crate) fn update_hearsay(
        &mut self,
        owner: PeerId,
        clocks: OrderedMap<MachineIdx, Vec<u64>>,
        now: Instant,
    ) {
        let sums: Vec<_> = clocks
            .iter()
            .map(|(index, clock)| (*index, wire::sum(clock)))
            .collect();
        let is_introduced = match self.peers.get_mut(&owner) {
            None => false,
            Some(peer) => {
                for (index, clock) in clocks {
                    if let Some(remote) = peer.machines.get_mut(index)
                        && let Some(before) = remote.apply(clock, Trust::Hearsay, now)
                    {
                        let changed = Output::ClockChanged(owner, index, before);
                        self.outputs.push_back(changed);
                    }
                }
                peer.introduced
            }
        };
        if is_introduced {
            self.compare(owner, sums);
        } else if !self.is_barred(owner, now) {
            self.outputs.push_back(Output::Missing(owner));
        }
    }

    /// Somebody's word about the sums of a peer's clocks, and their digests if it gave any: only ever a hint to ask.
    pub(crate) fn hint(
        &mut self,
        owner: PeerId,
        sums: OrderedMap<MachineIdx, u64>,
        digests: Option<&OrderedMap<MachineIdx, u64>>,
        now: Instant,
    ) {
        if self.is_barred(owner, now) {
            return;
        }
        if self.is_introduced(owner) {
            let differ = sums.iter().any(|(index, sum)| {
                let said = digests.and_then(|digests| digests.get(index));
                let known = self.mirror(owner, *index);
                let known = known.filter(|mirror| wire::sum(&mirror.clock) == *sum);
                said.zip(known)
                    .is_some_and(|(said, mirror)| *said != wire::digest(&mirror.clock))
            });
            if differ {
                self.outputs.push_back(Output::Behind(owner));
            }
            self.compare(owner, sums);
        } else {
            self.outputs.push_back(Output::Missing(owner));
        }
    }

    /// The author takes a machine back.
    pub(crate) fn withdraw(&mut self, owner: PeerId, index: MachineIdx, said_ms: Option<u64>) {
        if let Some(peer) = self.peers.get_mut(&owner) {
            peer.listed_ms = peer.listed_ms.max(said_ms);
        }
        self.remove_machine(owner, index);
    }

    /// The author leaves. What it said before may arrive later and is ignored for a while.
    pub(crate) fn leave(&mut self, peer: PeerId, now: Instant) {
        self.remove_peer(peer, GoneReason::Bye, now);
    }

    /// Somebody never heard of said bye: what it said before may still come, and is ignored too.
    pub(crate) fn leave_unheard(&mut self, id: PeerId, run: Option<u64>, now: Instant) {
        self.remember_ghost(id, run, DEAF_AFTER_BYE, now);
    }

    pub(crate) fn knows(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// A connection to this peer was made.
    pub(crate) fn link_up(&mut self, peer: PeerId, now: Instant) {
        self.links.open(peer);
        if self.isolated_since.take().is_some() {
            self.reached_at = now;
            self.look_at_all(now);
        }
    }

    /// The last connection to this peer went.
    pub(crate) fn link_down(&mut self, peer: PeerId, now: Instant) {
        self.links.close(peer);
        if self.links.is_empty() {
            self.isolated_since.get_or_insert(now);
        }
        self.lost_link(peer, now);
    }

    /// A neighbour is on the topic. Returns whether it has to introduce itself: one that we know and that keeps a heartbeat
    /// does so without being asked when it has changed.
    pub(crate) fn neighbour(&mut self, peer: PeerId, now: Instant) -> bool {
        self.ghosts.remove(&peer);
        self.meet(peer, Trust::FirstHand, now);
        let known = self.peers.get(&peer);
        !known.is_some_and(|peer| peer.introduced && peer.heartbeat.is_some())
    }

    /// Whether we may answer on behalf of this peer: known from itself, and not suspected to be gone.
    pub(crate) fn can_vouch(&self, peer: PeerId) -> bool {
        let known = self.peers.get(&peer);
        known.is_some_and(|peer| peer.introduced && !peer.life.is_suspect())
    }

    /// Whether this peer promises heartbeats: then what we missed comes by itself.
    pub(crate) fn has_heartbeat(&self, peer: PeerId, now: Instant) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| peer.is_beating(now))
    }

    pub(crate) fn is_introduced(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.introduced)
    }

    pub(crate) fn is_statemesh(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.statemesh)
    }

    /// Introductions to forward for a peer.
    pub(crate) fn introductions_of(&self, peer: PeerId) -> OrderedMap<MachineIdx, Info> {
        let machines = self
            .peers
            .get(&peer)
            .into_iter()
            .flat_map(|peer| peer.machines.iter());
        machines
            .filter_map(|remote| Some((remote.mirror.index, remote.to_info()?)))
            .collect()
    }

    /// Peers heard of, ourselves included, and whether Go peers are among them.
    pub(crate) fn company(&self) -> super::limiter::Company {
        super::limiter::Company {
            members: u32::try_from(self.peers.len() + 1).unwrap_or(u32::MAX),
            has_go: self.go_peers > 0,
        }
    }

    /// Notes what an own link is like.
    pub(crate) fn measure(&mut self, peer: PeerId, transport: wire::Transport, rtt_us: u64) {
        self.links.measure(peer, transport, rtt_us);
    }

    /// Own live connections, Go peers first: nobody else can tell that those live.
    pub(crate) fn all_links(&mut self) -> wire::Links {
        let peers = &self.peers;
        let is_silent = |id| !peers.get(&id).is_some_and(|peer| peer.statemesh);
        self.links.report_all(is_silent)
    }

    /// Own connections that changed since others were told.
    pub(crate) fn changed_links(&mut self) -> wire::Links {
        self.links.report_changes()
    }

    /// Sums against what we know: unknown machines are missing, larger sums mean we are behind.
    fn compare(&mut self, owner: PeerId, sums: impl IntoIterator<Item = (MachineIdx, u64)>) {
        let Some(peer) = self.peers.get(&owner) else {
            return;
        };
        let mut is_missing = false;
        let mut is_behind = false;
        for (index, sum) in sums {
            match peer.machines.get(index) {
                Some(remote) => is_behind |= sum > remote.sum(),
                // A machine of an earlier run is no longer missed.
                None => is_missing |= peer.run.is_none_or(|run| index.0 >= run),
            }
        }
        if is_missing {
            self.outputs.push_back(Output::Missing(owner));
        } else if is_behind {
            self.outputs.push_back(Output::Behind(owner));
        }
    }

    /// Whether hearsay about this id is not wanted: ourselves, and those who went.
    fn is_barred(&mut self, id: PeerId, now: Instant) -> bool {
        match self.ghosts.get_mut(&id) {
            Some(ghost) if now.since(ghost.named_at) < GHOST_MEMORY => {
                ghost.named_at = now;
                true
            }
            Some(_) => {
                self.ghosts.remove(&id);
                id == self.own
            }
            None => id == self.own,
        }
    }

    /// Makes a peer known. False when there is no room.
    fn meet(&mut self, id: PeerId, trust: Trust, now: Instant) -> bool {
        if id == self.own {
            return false;
        }
        if self.peers.contains_key(&id) {
            return true;
        }
        if self.peers.len() >= MAX_PEERS && !self.evict(trust, now) {
            return false;
        }
        let peer = Peer {
            known_at: now,
            heard_at: None,
            introduced: false,
            statemesh: false,
            run: None,
            heartbeat: None,
            links: Box::default(),
            link_count: 0,
            listed_ms: None,
            wall_ms: None,
            about: None,
            machines: Machines::default(),
            words: Words::default(),
            dropped: 0,
            life: Life::new(now + FIRST_CHECK),
            weight: 0,
        };
        self.checks.insert((peer.life.check_at, id));
        self.peers.insert(id, peer);
        self.outputs.push_back(Output::PeerFound(id));
        true
    }

    /// Takes one introduction.
    fn learn(
        &mut self,
        owner: PeerId,
        index: MachineIdx,
        mut info: Info,
        trust: Trust,
        now: Instant,
    ) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        if let Some(remote) = peer.machines.get_mut(index) {
            if remote.is_same(&info) {
                if trust == Trust::FirstHand {
                    remote.confirm(&mut info);
                }
                let clock = info.clock.unwrap_or_default();
                if let Some(before) = remote.apply(clock, trust, now) {
                    let changed = Output::ClockChanged(owner, index, before);
                    self.outputs.push_back(changed);
                }
                return;
            }
            // The machine behind an index never changes: only a first-hand word corrects hearsay.
            if trust <= remote.schema_trust() {
                return;
            }
            self.remove_machine(owner, index);
        }
        let weight = weight(&info);
        if !self.make_room(owner, weight, trust, now) {
            return self.outputs.push_back(Output::Full(owner));
        }
        let share = |def: &_| self.schemas.share(def);
        let mut remote = Remote::new(owner, index, info, trust, now, share);
        if let Some(clock) = self.pending.remove(&(owner, index))
            && remote.fits(&clock)
        {
            remote.apply(clock, Trust::FirstHand, now);
        }
        if let Some(peer) = self.peers.get_mut(&owner) {
            peer.weight += weight;
            self.weight += weight;
            peer.machines.insert(remote);
            self.outputs.push_back(Output::MachineFound(owner, index));
        }
    }

    fn remove_machine(&mut self, owner: PeerId, index: MachineIdx) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        if let Some(remote) = peer.machines.remove(index) {
            peer.weight -= remote.weight;
            self.weight -= remote.weight;
            self.outputs.push_back(Output::MachineGone(owner, index));
        }
    }

    fn remove_peer(&mut self, id: PeerId, reason: GoneReason, now: Instant) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let (run, check_at) = (peer.run, peer.life.check_at);
        let machines: Vec<MachineIdx> = peer.machines.indexes().collect();
        for index in machines {
            self.remove_machine(id, index);
        }
        let removed = self.peers.remove(&id);
        self.kept_bytes -= removed.as_ref().map_or(0, |peer| peer.words.bytes());
        self.go_peers -= usize::from(removed.as_ref().is_some_and(Peer::is_go));
        let links = removed.map(|peer| peer.links).unwrap_or_default();
        self.checks.remove(&(check_at, id));
        self.pending.retain(|(owner, _), _| *owner != id);
        self.outputs.push_back(Output::PeerGone(id, reason));
        let ends: Vec<_> = links.iter().map(|link| link.end).collect();
        self.lost_links(&ends, false, now);
        let deaf = match reason {
            GoneReason::Bye => DEAF_AFTER_BYE,
            GoneReason::Silent => Duration::ZERO,
            GoneReason::Evicted => return,
        };
        self.remember_ghost(id, run, deaf, now);
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
        run < known || (run == known && is_older && manner == Manner::Live)
    }

    fn is_go(&self) -> bool {
        self.heard_at.is_some() && !self.statemesh
    }

    /// Whether it keeps the heartbeat it promised: heard within three of them.
    fn is_beating(&self, now: Instant) -> bool {
        match (self.heartbeat, self.heard_at) {
            (Some(heartbeat), Some(heard)) => now.since(heard) < heartbeat * BEATS_MISSED,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}

/// What an owner said that much before the newest word of the same run is a replay: gossipsub delivers again for 120 s.
const REPLAY_WINDOW_MS: u64 = 120_000;
/// A promise of heartbeats that is taken seriously.
const MIN_HEARTBEAT: Duration = Duration::from_secs(1);
/// A longer promise is no promise.
const MAX_HEARTBEAT: Duration = Duration::from_secs(300);
/// Heartbeats that may fail to come.
const BEATS_MISSED: u32 = 3;
/// After a bye, messages of the same run may still be on their way through the mesh: gossipsub's history is 5 s.
const DEAF_AFTER_BYE: Duration = Duration::from_secs(10);
/// Hearsay about somebody gone is ignored until nobody named it for that long.
const GHOST_MEMORY: Duration = Duration::from_secs(600);
/// A new peer's life is first looked at after that long.
const FIRST_CHECK: Duration = Duration::from_secs(5);
