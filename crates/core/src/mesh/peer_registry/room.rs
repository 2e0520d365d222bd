//! Capacity of the registry: what makes place for what when a table is full.
//!
//! Hearsay makes place for first-hand, never the reverse; a peer with a link of ours is never displaced.

use super::super::remote_machine::Trust;
use super::super::wire;
use super::{Ghost, GoneReason, Registry};
use crate::ids::PeerId;
use crate::time::Instant;

impl Registry {
    /// Room for that many more bytes of one peer. Hearsay makes place for first-hand, never the reverse; then whoever has
    /// more than twice as much: a share of what many take is left to everybody.
    pub(super) fn make_room(
        &mut self,
        owner: PeerId,
        bytes: usize,
        trust: Trust,
        now: Instant,
    ) -> bool {
        let (held, count) = self
            .peers
            .get(&owner)
            .map_or((0, 0), |peer| (peer.weight, peer.machines.len()));
        let wanted = held + bytes;
        if wanted > MAX_WEIGHT_PER_PEER || count >= wire::MAX_MACHINES_PER_PEER {
            return false;
        }
        while self.bytes() + bytes > MAX_WEIGHT {
            if trust == Trust::Hearsay
                || !(self.evict_hearsay(now) || self.evict_heavier(2 * wanted, owner, now))
            {
                return false;
            }
        }
        true
    }

    /// Bytes of all mirrors and their schemas.
    fn bytes(&self) -> usize {
        self.weight + self.schemas.bytes()
    }

    fn evict_heavier(&mut self, than: usize, but: PeerId, now: Instant) -> bool {
        let unlinked = self.peers.iter().filter(|(id, _)| !self.links.contains(id));
        let others = unlinked.filter(|(id, _)| **id != but);
        let heaviest = others.max_by_key(|(_, peer)| peer.weight);
        let heaviest = heaviest.filter(|(_, peer)| peer.weight > than);
        let Some(id) = heaviest.map(|(id, _)| *id) else {
            return false;
        };
        self.remove_peer(id, GoneReason::Evicted, now);
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

    /// The longest unnamed makes place.
    pub(super) fn remember_ghost(&mut self, id: PeerId, ghost: Ghost) {
        if self.ghosts.len() >= MAX_GHOSTS {
            let oldest = self.ghosts.iter().min_by_key(|(_, ghost)| ghost.named_at);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.ghosts.remove(&id);
            }
        }
        self.ghosts.insert(id, ghost);
    }
}

/// Peers known at the same time: four times the largest mesh aimed at.
pub(crate) const MAX_PEERS: usize = 4096;
/// Those who went, remembered.
pub(crate) const MAX_GHOSTS: usize = 1024;
/// Peers known from hearsay alone.
pub(crate) const MAX_RUMOURS: usize = 1024;
/// Bytes of all mirrors and their schemas: 20,000 small machines.
pub(crate) const MAX_WEIGHT: usize = 20 << 20;
/// Bytes of one peer's: what 3 MiB of introductions bring, each schema counted once.
pub(crate) const MAX_WEIGHT_PER_PEER: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::super::{Extension, Manner, Output, Welcome};
    use super::*;
    use crate::ids::peer_id as id;

    fn registry() -> Registry {
        Registry::new(id(0), None, Instant::ZERO)
    }

    /// Hears the id one microsecond after its number.
    fn hear(registry: &mut Registry, number: usize) -> Welcome {
        let now = Instant::from_micros(number as u64);
        registry.hear(id(number), &Extension::default(), Manner::Live(0), now)
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
        registry.introduce_hearsay(rumour, [].into(), id(1), Instant::from_micros(1 << 20));
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
}
