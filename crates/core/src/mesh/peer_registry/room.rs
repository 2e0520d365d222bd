//! Capacity of the registry: what makes place for what when a table is full.
//!
//! Hearsay makes place for first-hand, never the reverse; a peer with a link of ours is never displaced.

use std::time::Duration;

use super::super::remote_machine::Trust;
use super::super::wire;
use super::{Ghost, GoneReason, Registry};
use crate::ids::{MachineIdx, PeerId};
use crate::time::Instant;

impl Registry {
    /// Room for that many more entries of one peer. Hearsay makes place for first-hand, never the reverse.
    pub(super) fn make_room(
        &mut self,
        owner: PeerId,
        weight: usize,
        trust: Trust,
        now: Instant,
    ) -> bool {
        let held = self.peers.get(&owner).map_or(0, |peer| peer.weight);
        let count = self.peers.get(&owner).map_or(0, |peer| peer.machines.len());
        if held + weight > MAX_WEIGHT_PER_PEER || count >= wire::MAX_MACHINES_PER_PEER {
            return false;
        }
        while self.weight + weight > MAX_WEIGHT {
            if trust == Trust::Hearsay || !self.evict_hearsay(now) {
                return false;
            }
        }
        true
    }

    /// Forgets the least recently heard: hearsay first, then, for somebody heard first-hand, one without a link of ours.
    pub(super) fn evict(&mut self, trust: Trust, now: Instant) -> bool {
        if self.evict_hearsay(now) {
            return true;
        }
        let unlinked = self.peers.iter().filter(|(id, _)| !self.links.contains(id));
        let oldest = unlinked
            .min_by_key(|(_, peer)| peer.heard_at)
            .map(|(id, _)| *id);
        match oldest {
            Some(id) if trust == Trust::FirstHand => {
                self.remove_peer(id, GoneReason::Evicted, now);
                true
            }
            Some(_) | None => false,
        }
    }

    fn evict_hearsay(&mut self, now: Instant) -> bool {
        let hearsay = self
            .peers
            .iter()
            .filter(|(id, peer)| peer.heard_at.is_none() && !self.links.contains(id));
        let oldest = hearsay
            .min_by_key(|(_, peer)| peer.known_at)
            .map(|(id, _)| *id);
        match oldest {
            Some(id) => {
                self.remove_peer(id, GoneReason::Evicted, now);
                true
            }
            None => false,
        }
    }

    /// Keeps a first-hand clock until its machine is introduced. The oldest index of the first peer makes place.
    pub(super) fn hold(&mut self, owner: PeerId, index: MachineIdx, clock: Vec<u64>) {
        let key = (owner, index);
        let stale = self
            .pending
            .get(&key)
            .is_some_and(|held| wire::sum(held) > wire::sum(&clock));
        if stale {
            return;
        }
        if !self.pending.contains_key(&key) {
            let of_owner = (owner, MachineIdx(0))..=(owner, MachineIdx(u64::MAX));
            if self.pending.range(of_owner).count() >= MAX_PENDING_PER_PEER {
                return;
            }
            if self.pending.len() >= MAX_PENDING {
                self.pending.pop_first();
            }
        }
        self.pending.insert(key, clock);
    }

    /// The longest unnamed makes place.
    pub(super) fn remember_ghost(
        &mut self,
        id: PeerId,
        run: Option<u64>,
        deaf: Duration,
        now: Instant,
    ) {
        if self.ghosts.len() >= MAX_GHOSTS {
            let oldest = self.ghosts.iter().min_by_key(|(_, ghost)| ghost.named_at);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.ghosts.remove(&id);
            }
        }
        let ghost = Ghost {
            run,
            deaf_until: now + deaf,
            named_at: now,
        };
        self.ghosts.insert(id, ghost);
    }
}

/// Peers known at the same time: four times the largest mesh aimed at.
pub(crate) const MAX_PEERS: usize = 4096;
/// Those who went, remembered.
pub(crate) const MAX_GHOSTS: usize = 1024;
/// First-hand clocks waiting for an introduction.
pub(crate) const MAX_PENDING: usize = 1024;
/// Of these, of one peer.
const MAX_PENDING_PER_PEER: usize = 256;
/// Entries (states, related names, tags) of all mirrors; one takes up to about 250 bytes, and stands for as much text.
pub(crate) const MAX_WEIGHT: usize = 1 << 19;
/// Entries of one peer's mirrors: 120 machines of 1024 states.
pub(crate) const MAX_WEIGHT_PER_PEER: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::super::{Extension, Manner, Output, Welcome};
    use super::*;
    use crate::ids::peer_id as id;

    fn registry() -> Registry {
        Registry::new(id(0), Instant::ZERO)
    }

    /// Hears the id one microsecond after its number.
    fn hear(registry: &mut Registry, number: usize) -> Welcome {
        let now = Instant::from_micros(number as u64);
        registry.hear(id(number), &Extension::default(), Manner::Live, now)
    }

    #[test]
    fn the_least_recently_heard_without_a_link_makes_place() {
        let mut registry = registry();
        registry.link_up(id(1), Instant::ZERO);
        for number in 1..=MAX_PEERS {
            assert_eq!(hear(&mut registry, number), Welcome::Heard);
        }
        registry.outputs.clear();
        assert_eq!(hear(&mut registry, MAX_PEERS + 1), Welcome::Heard);
        let outputs = [
            Output::PeerGone(id(2), GoneReason::Evicted),
            Output::PeerFound(id(MAX_PEERS + 1)),
        ];
        assert_eq!(registry.outputs, outputs);
        assert_eq!(registry.views().count(), MAX_PEERS);
    }

    #[test]
    fn hearsay_makes_no_place_among_first_hand_peers() {
        let mut registry = registry();
        for number in 1..=MAX_PEERS {
            hear(&mut registry, number);
        }
        registry.outputs.clear();
        let rumour = id(MAX_PEERS + 1);
        registry.introduce_hearsay(rumour, [].into(), Instant::from_micros(1 << 20));
        assert!(registry.outputs.is_empty());
        assert!(registry.view(rumour).is_none());
    }

    #[test]
    fn ghosts_are_remembered_up_to_a_cap_the_oldest_go_first() {
        let mut registry = registry();
        for number in 1..=MAX_GHOSTS + 1 {
            registry.leave_unheard(id(number), None, Instant::from_micros(number as u64));
        }
        assert_eq!(registry.ghosts.len(), MAX_GHOSTS);
        assert!(!registry.ghosts.contains_key(&id(1)));
        assert!(registry.ghosts.contains_key(&id(2)));
    }

    #[test]
    fn clocks_of_machines_not_introduced_are_held_up_to_two_caps() {
        let mut registry = registry();
        for number in 1..=8 {
            hear(&mut registry, number);
            let clocks = (0..400).map(|index| (MachineIdx(index), vec![1])).collect();
            registry.update(id(number), clocks, Instant::from_micros(100));
            let of_one = registry
                .pending
                .keys()
                .filter(|(owner, _)| *owner == id(number));
            assert_eq!(of_one.count(), MAX_PENDING_PER_PEER);
        }
        assert_eq!(registry.pending.len(), MAX_PENDING);
    }
}
