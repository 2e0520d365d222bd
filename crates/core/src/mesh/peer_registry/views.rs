//! What the registry knows, as others read it: one peer, its mirrors, sums to name.

use std::sync::Arc;
use std::time::Duration;

use super::{Peer, Registry};
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::remote_machine::Mirror;
use crate::mesh::wire;
use crate::time::Instant;

/// What is known of one peer.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// Its id.
    pub peer: PeerId,
    /// A connection of ours is open.
    pub linked: bool,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// It speaks this project's extra keys; false: a Go peer, or not yet known.
    pub is_statemesh: bool,
    /// When its own word was last heard.
    pub heard_at: Option<Instant>,
    /// Heartbeat it promises; a peer that promises none may be silent for ever.
    pub heartbeat: Option<Duration>,
    /// Known machines.
    pub machines: usize,
    /// Messages of its authorship that were dropped.
    pub dropped: u64,
    /// Number of its process start; unknown for Go peers.
    pub run: Option<u64>,
    /// Its wall clock in milliseconds since 1970 when it said the newest word heard: with [`PeerView::heard_at`] an
    /// estimate of the offset between the clocks, late by the way through the mesh.
    pub wall_ms: Option<u64>,
    /// What it says of itself.
    pub about: Option<wire::About>,
    /// Where it says it can be reached.
    pub contact: Option<Arc<Contact>>,
    /// Live connections it reports, by their other ends, [`wire::MAX_LINKS`] at most.
    pub links: Vec<wire::Link>,
    /// How many connections it has, reported or not.
    pub link_count: u64,
}

/// Where a peer can be reached, in its own words (spec L2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Multiaddresses without its id, [`wire::MAX_ADDRESSES`] at most, of any form.
    pub addresses: Vec<String>,
    /// The neighbour that handed this over: an address within a private network means something only to those in it.
    pub via: PeerId,
}

/// What is known of the clocks of some peers, in short.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) sums: wire::PerPeer<u64>,
    pub(crate) digests: wire::PerPeer<u64>,
    /// Who comes last in the circle.
    pub(crate) last: Option<PeerId>,
}

impl Registry {
    /// Peers behind `after` in a circle, up to `max` of those we can vouch for; only Go peers when `go_only`.
    fn circle(&self, after: Option<PeerId>, max: usize, go_only: bool) -> Vec<(PeerId, &Peer)> {
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let behind = self.peers.range((start, std::ops::Bound::Unbounded));
        let before = self
            .peers
            .iter()
            .take_while(|(id, _)| after.is_some_and(|after| **id <= after));
        behind
            .chain(before)
            .filter(|(_, peer)| peer.introduced && !peer.life.is_suspect())
            .filter(|(_, peer)| !go_only || peer.is_go())
            .take(max)
            .map(|(id, peer)| (*id, peer))
            .collect()
    }

    /// Sums and digests of up to `max` peers behind `after` in a circle.
    pub(crate) fn sums(&self, after: Option<PeerId>, max: usize, go_only: bool) -> Sums {
        let mut sums = Sums::default();
        if max == 0 || (go_only && self.go_peers == 0) {
            return sums;
        }
        for (id, peer) in self.circle(after, max, go_only) {
            let of = |value: fn(&[u64]) -> u64| {
                let machines = peer.machines.iter();
                machines
                    .map(|remote| (remote.mirror.index, value(&remote.mirror.clock)))
                    .collect()
            };
            sums.sums.insert(id, Some(of(wire::sum)));
            sums.digests.insert(id, Some(of(wire::digest)));
            sums.last = Some(id);
        }
        sums
    }

    pub(crate) fn mirror(&self, peer: PeerId, index: MachineIdx) -> Option<&Mirror> {
        Some(&self.peers.get(&peer)?.machines.get(index)?.mirror)
    }

    pub(crate) fn mirrors(&self) -> impl Iterator<Item = &Mirror> {
        let machines = self.peers.values().flat_map(|peer| peer.machines.iter());
        machines.map(|remote| &remote.mirror)
    }

    pub(crate) fn view(&self, id: PeerId) -> Option<PeerView> {
        self.peers.get(&id).map(|peer| self.view_of(id, peer))
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = PeerView> {
        self.peers.iter().map(|(id, peer)| self.view_of(*id, peer))
    }

    /// Of the peers without a link of ours.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = (PeerId, &Contact)> {
        let unlinked = self.peers.iter().filter(|(id, _)| !self.links.contains(id));
        unlinked.filter_map(|(id, peer)| Some((*id, peer.contact.as_deref()?)))
    }

    fn view_of(&self, id: PeerId, peer: &Peer) -> PeerView {
        PeerView {
            peer: id,
            linked: self.links.contains(&id),
            first_hand: peer.heard_at.is_some(),
            is_statemesh: peer.statemesh,
            heard_at: peer.heard_at,
            heartbeat: peer.heartbeat,
            machines: peer.machines.len(),
            dropped: peer.dropped,
            run: peer.run,
            wall_ms: peer.wall_ms,
            about: peer.about.as_deref().cloned(),
            contact: peer.contact.clone(),
            links: peer.links.to_vec(),
            link_count: peer.link_count,
        }
    }
}
