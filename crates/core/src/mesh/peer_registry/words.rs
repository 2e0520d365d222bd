//! What each owner said last, verbatim and signed: what newcomers are told.
//!
//! Invariants: the words kept of an owner introduce its machines and hold the newest clock of each; what a newer word says
//! better is dropped; bytes are bounded, per owner and in all.

use std::sync::Arc;

use super::{Peer, Registry};
use crate::collections::{OrderedMap, OrderedSet};
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::catch_up::{ENOUGH, MAX_KNOWN, Reply, Request, Signed};
use crate::mesh::wire::{self, LinkEnd};

/// What a message is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The only introduction of its author.
    All,
    /// An introduction of some machines.
    Some,
    /// Clocks.
    Clocks,
}

#[derive(Debug)]
struct Word {
    signed: Arc<Signed>,
    is_introduction: bool,
    /// Machines for which nothing newer was said.
    machines: Box<[MachineIdx]>,
}

/// Words of one owner.
#[derive(Debug, Default)]
pub(super) struct Words(Vec<Word>);

impl Words {
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|word| word.signed.len()).sum()
    }

    /// `behind` are the machines of which a newer clock is known.
    fn keep(
        &mut self,
        signed: Arc<Signed>,
        said: Said,
        machines: Vec<MachineIdx>,
        behind: &[MachineIdx],
    ) {
        match said {
            Said::All if behind.is_empty() => self.0.clear(),
            Said::All => self.0.retain(|word| !word.is_introduction),
            Said::Some => self.outdate(&machines, |word| word.is_introduction),
            Said::Clocks => {}
        }
        let mut newest = machines.clone();
        newest.retain(|index| !behind.contains(index));
        self.outdate(&newest, |word| !word.is_introduction);
        if self.0.is_empty() {
            self.0.reserve_exact(1);
        }
        self.0.push(Word {
            signed,
            is_introduction: said != Said::Clocks,
            machines: machines.into(),
        });
    }

    fn outdate(&mut self, machines: &[MachineIdx], meant: fn(&Word) -> bool) {
        self.0.retain_mut(|word| {
            if meant(word) && word.machines.iter().any(|index| machines.contains(index)) {
                let left = word
                    .machines
                    .iter()
                    .filter(|index| !machines.contains(index));
                word.machines = left.copied().collect();
                return !word.machines.is_empty();
            }
            true
        });
    }

    /// Nothing without an introduction: clocks alone mean nothing to a newcomer.
    fn to_tell(&self) -> impl Iterator<Item = &Arc<Signed>> {
        let is_introduced = self.0.iter().any(|word| word.is_introduction);
        let words = self.0.iter().filter(move |_| is_introduced);
        words.map(|word| &word.signed)
    }
}

impl Registry {
    /// Keeps a first-hand message with the sums it gave, unless something newer is known of all it says.
    pub(crate) fn keep(&mut self, signed: &Arc<Signed>, said: Said, sums: &[(MachineIdx, u64)]) {
        let Some(peer) = self.peers.get_mut(&signed.author) else {
            return;
        };
        // Only the introduction of a peer without machines says something without naming one.
        if signed.signature.is_empty() || (sums.is_empty() && said != Said::All) {
            return;
        }
        let mut behind = Vec::new();
        for (index, sum) in sums {
            match peer.machines.get(*index) {
                None => return,
                Some(remote) if remote.sum() > *sum => behind.push(*index),
                Some(_) => {}
            }
        }
        if said == Said::Clocks && !behind.is_empty() {
            return;
        }
        let machines = sums.iter().map(|(index, _)| *index).collect();
        self.kept_bytes -= peer.words.bytes();
        peer.words.keep(Arc::clone(signed), said, machines, &behind);
        if peer.words.bytes() > MAX_KEPT_PER_PEER {
            peer.words = Words::default();
        }
        self.kept_bytes += peer.words.bytes();
        while self.kept_bytes > MAX_KEPT && self.forget_longest() {}
    }

    /// What we know, in short, to ask for the rest behind that owner.
    pub(crate) fn request(&self, after: Option<PeerId>) -> Request {
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let behind = self.peers.range((start, std::ops::Bound::Unbounded));
        let known = behind.filter(|(_, peer)| peer.introduced);
        let known = known.map(|(id, peer)| (LinkEnd::from(*id), peer.fingerprint()));
        Request {
            after,
            known: known.take(MAX_KNOWN).collect(),
        }
    }

    /// What somebody else does not know, as far as we can vouch for it. Our own words are not among them.
    pub(crate) fn reply(&self, to: PeerId, request: &Request) -> Reply {
        let known: OrderedMap<_, _> = request.known.iter().copied().collect();
        let start = request
            .after
            .map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut reply = Reply::default();
        let mut bytes = 0;
        let mut last = None;
        for (id, peer) in self.peers.range((start, std::ops::Bound::Unbounded)) {
            let is_known = || known.get(&LinkEnd::from(*id)) == Some(&peer.fingerprint());
            if *id == to || !peer.introduced || peer.life.is_suspect() || is_known() {
                continue;
            }
            if bytes > ENOUGH {
                reply.more_after = last;
                break;
            }
            last = Some(*id);
            reply.messages.extend(peer.words.to_tell().cloned());
            bytes += peer.words.bytes();
        }
        reply
    }

    /// Whether a request names owners that we do not know, beside the one who asks.
    pub(crate) fn knows_less(&self, from: PeerId, request: &Request) -> bool {
        let ids = self.peers.iter().filter(|(_, peer)| peer.introduced);
        let ends = ids.map(|(id, _)| LinkEnd::from(*id));
        let ends: OrderedSet<_> = ends.chain([self.own, from].map(LinkEnd::from)).collect();
        request.known.iter().any(|(end, _)| !ends.contains(end))
    }

    fn forget_longest(&mut self) -> bool {
        let longest = self.peers.iter().max_by_key(|(_, peer)| peer.words.bytes());
        let Some(id) = longest.map(|(id, _)| *id) else {
            return false;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        let bytes = std::mem::take(&mut peer.words).bytes();
        self.kept_bytes -= bytes;
        bytes > 0
    }
}

impl Peer {
    fn fingerprint(&self) -> u64 {
        let machines = self.machines.iter();
        fingerprint(
            self.run,
            machines.map(|remote| (remote.mirror.index, remote.sum())),
        )
    }
}

/// What is known of one owner, in short.
pub(crate) fn fingerprint(run: Option<u64>, sums: impl Iterator<Item = (MachineIdx, u64)>) -> u64 {
    let parts = [run.unwrap_or(0)].into_iter();
    let parts: Vec<u64> = parts
        .chain(sums.flat_map(|(index, sum)| [index.0, sum]))
        .collect();
    wire::digest(&parts) << 32 | wire::digest(&[wire::digest(&parts), parts.len() as u64])
}

/// Bytes kept of all owners together.
pub(crate) const MAX_KEPT: usize = 12 << 20;
/// Bytes kept of one owner: a thousand machines of a few states, or a reply that holds nothing else.
const MAX_KEPT_PER_PEER: usize = 2 << 20;
