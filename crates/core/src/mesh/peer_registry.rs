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
use crate::engine::Schema;
use crate::ids::{MachineIdx, PeerId};
use crate::time::Instant;

mod authors;
mod links;
mod liveness;
mod machines;
mod peers;
mod pending;
mod room;
mod schemas;
mod views;
mod words;

use self::authors::{Census, Quota, Standing};
pub(crate) use self::authors::{Manner, Welcome};
use self::links::OwnLinks;
use self::liveness::Life;
use self::machines::Machines;
use self::peers::Peers;
use self::pending::Pending;
use self::room::{MAX_PEERS, MAX_RUMOURS};
use self::schemas::{Offer, Schemas};
pub(crate) use self::views::Sums;
pub use self::views::{Contact, PeerView};
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
    /// Number of the newest message heard on the topic.
    seqno: u64,
    /// What it says now is the newest of all.
    says_newest: bool,
    quota: Quota,
    /// Who told of it first, as long as nothing was heard from itself.
    rumoured_by: Option<Box<PeerId>>,
    standing: Standing,
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
    contact: Option<Arc<Contact>>,
    /// When it said the newest of these two, by its wall clock.
    described_ms: Option<u64>,
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
    /// What of its last run was heard: nothing older brings it back.
    seqno: u64,
    wall_ms: Option<u64>,
    /// Until then what its last run said may still be under way, and is ignored.
    deaf_until: Instant,
    /// Last time it went or was named by others.
    named_at: Instant,
}

/// Ids of members.
pub type Members = Arc<OrderedSet<PeerId>>;

/// Everything known of others.
#[derive(Debug)]
pub(crate) struct Registry {
    own: PeerId,
    /// Nobody else is known.
    members: Option<Members>,
    peers: Peers,
    links: OwnLinks,
    /// Since when there is none.
    isolated_since: Option<Instant>,
    /// When the last isolation ended.
    reached_at: Instant,
    ghosts: OrderedMap<PeerId, Ghost>,
    pending: Pending,
    /// When each peer's life is looked at again: one entry per peer.
    checks: OrderedSet<(Instant, PeerId)>,
    schemas: Schemas,
    /// Bytes of all owners' words.
    kept_bytes: usize,
    /// How many of the peers are Go peers.
    go_peers: usize,
    census: Census,
    /// Peers known by somebody else's word alone.
    rumours: usize,
    /// Bytes of all mirrors besides their schemas.
    weight: usize,
    outputs: VecDeque<Output>,
}

impl Registry {
    pub(crate) fn new(own: PeerId, members: Option<Members>, now: Instant) -> Self {
        Self {
            own,
            members,
            peers: Peers::default(),
            links: OwnLinks::default(),
            isolated_since: Some(now),
            reached_at: now,
            ghosts: OrderedMap::new(),
            pending: Pending::default(),
            checks: OrderedSet::new(),
            schemas: Schemas::default(),
            kept_bytes: 0,
            go_peers: 0,
            census: Census::default(),
            rumours: 0,
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

    /// The schema that these bytes of an introduction gave before, and its name here.
    pub(crate) fn known_shape(&self, bytes: &[u8]) -> Option<(Arc<Schema>, u64)> {
        self.schemas.known(bytes)
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
        by: PeerId,
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
        let is_new = !self.knows(owner);
        if !self.meet(owner, Trust::Hearsay, now) {
            return;
        }
        if is_new {
            self.note_rumour(owner, by);
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
        let peer = self.peers.get_mut(&owner);
        let said = (
            Trust::FirstHand,
            peer.as_ref().is_some_and(|peer| peer.says_newest),
        );
        match peer.and_then(|peer| peer.machines.get_mut(index)) {
            Some(remote) if remote.fits(&clock) => {
                if let Some(before) = remote.apply(clock, said, now) {
                    let changed = Output::ClockChanged(owner, index, before);
                    self.outputs.push_back(changed);
                }
                true
            }
            // Hearsay had the machine wrong: its owner knows better.
            Some(_) => {
                self.remove_machine(owner, index);
                self.pending.hold(owner, index, clock);
                false
            }
            None => {
                self.pending.hold(owner, index, clock);
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
                        && let Some(before) = remote.apply(clock, (Trust::Hearsay, false), now)
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
        let ghost = Ghost {
            run,
            seqno: 0,
            wall_ms: None,
            deaf_until: now + DEAF_AFTER_BYE,
            named_at: now,
        };
        self.remember_ghost(id, ghost);
    }

    pub(crate) fn knows(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// A connection to this peer was made.
    pub(crate) fn link_up(&mut self, peer: PeerId, now: Instant) {
        self.links.open(peer);
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.life.linked();
        }
        self.recount(peer);
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

    /// Whether it has to answer a probe.
    pub(crate) fn is_suspect(&self, peer: PeerId) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| peer.life.is_suspect())
    }

    /// Whether this peer promises heartbeats: then what we missed comes by itself.
    pub(crate) fn has_heartbeat(&self, peer: PeerId, now: Instant) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| peer.is_beating(now))
    }

    /// Whether it said something itself.
    pub(crate) fn is_heard(&self, peer: PeerId) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| peer.heard_at.is_some())
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

    /// Whether this peer may be a member.
    pub(crate) fn admits(&self, id: PeerId) -> bool {
        let members = self.members.as_ref();
        members.is_none_or(|members| members.contains(&id))
    }

    /// Whether hearsay about this id is not wanted: strangers, ourselves, and those who went.
    fn is_barred(&mut self, id: PeerId, now: Instant) -> bool {
        if !self.admits(id) {
            return true;
        }
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
        let is_full = match trust {
            Trust::FirstHand => self.peers.len() >= MAX_PEERS,
            Trust::Hearsay => self.peers.len() >= MAX_PEERS || self.rumours >= MAX_RUMOURS,
        };
        if is_full && !self.evict(trust, now) {
            return false;
        }
        let peer = Peer {
            known_at: now,
            heard_at: None,
            seqno: 0,
            says_newest: false,
            quota: Quota::default(),
            rumoured_by: None,
            standing: Standing::default(),
            introduced: false,
            statemesh: false,
            run: None,
            heartbeat: None,
            links: Box::default(),
            link_count: 0,
            listed_ms: None,
            wall_ms: None,
            about: None,
            contact: None,
            described_ms: None,
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
                let is_newest = trust == Trust::FirstHand && peer.says_newest;
                if let Some(before) = remote.apply(clock, (trust, is_newest), now) {
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
        let wire_states = info.state_count();
        let weight = weight(&info);
        let offer = Offer::of(&mut info);
        let price = self.schemas.price(&offer);
        if !self.make_room(owner, weight + price.bytes, trust, now) {
            return self.outputs.push_back(Output::Full(owner));
        }
        let (schema, share) = self.schemas.take(offer, price);
        let schema = (schema, share, wire_states);
        // A payload's bytes many times over.
        let size = u32::try_from(weight).unwrap_or(u32::MAX);
        let mut remote = Remote::new((owner, index), info, schema, size, trust, now);
        if let Some(clock) = self.pending.take(owner, index)
            && remote.fits(&clock)
        {
            remote.apply(clock, (Trust::FirstHand, false), now);
        }
        let Some(peer) = self.peers.get_mut(&owner) else {
            return self.schemas.give_back(remote.share);
        };
        peer.weight += remote.weight();
        self.weight += weight;
        peer.machines.insert(remote);
        self.outputs.push_back(Output::MachineFound(owner, index));
    }

    fn remove_machine(&mut self, owner: PeerId, index: MachineIdx) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        if let Some(remote) = peer.machines.remove(index) {
            peer.weight -= remote.weight();
            self.weight -= remote.own_weight();
            self.schemas.give_back(remote.share);
            self.outputs.push_back(Output::MachineGone(owner, index));
        }
    }

    fn remove_peer(&mut self, id: PeerId, reason: GoneReason, now: Instant) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let machines: Vec<MachineIdx> = peer.machines.indexes().collect();
        for index in machines {
            self.remove_machine(id, index);
        }
        self.forget_rumour(id);
        let Some(peer) = self.peers.remove(&id) else {
            return;
        };
        self.kept_bytes -= peer.words.bytes();
        self.count_out(&peer);
        self.checks.remove(&(peer.life.check_at, id));
        self.pending.forget(id);
        self.outputs.push_back(Output::PeerGone(id, reason));
        let ends: Vec<_> = peer.links.iter().map(|link| link.end).collect();
        self.lost_links(&ends, false, now);
        let deaf = match reason {
            GoneReason::Bye => DEAF_AFTER_BYE,
            GoneReason::Silent => Duration::ZERO,
            GoneReason::Evicted => return,
        };
        let ghost = Ghost {
            run: peer.run,
            seqno: peer.seqno,
            wall_ms: peer.wall_ms,
            deaf_until: now + deaf,
            named_at: now,
        };
        self.remember_ghost(id, ghost);
    }
}

impl Peer {
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
