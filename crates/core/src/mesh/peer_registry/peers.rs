//! Known peers by id. Whom a message is about is looked for twenty times while it is taken, among a thousand: where that peer
//! lies, or that it is unknown, is remembered from the first time.
//!
//! Invariant: what is remembered holds until a peer comes or goes.

use std::cell::Cell;
use std::ops::Deref;

use super::Peer;
use crate::collections::OrderedMap;
use crate::ids::PeerId;

/// The peers. Read as a map; changed by the methods here.
#[derive(Debug, Default)]
pub(super) struct Peers {
    table: OrderedMap<PeerId, Peer>,
    /// Who was looked for last, and where it lies.
    last: Cell<Option<(PeerId, Option<usize>)>>,
}

impl Peers {
    fn place(&self, id: &PeerId) -> Option<usize> {
        match self.last.get() {
            Some((last, place)) if last == *id => place,
            Some(_) | None => {
                let place = self.table.place(id.rank(), id);
                self.last.set(Some((*id, place)));
                place
            }
        }
    }

    pub(super) fn get(&self, id: &PeerId) -> Option<&Peer> {
        Some(self.table.at(self.place(id)?))
    }

    pub(super) fn get_mut(&mut self, id: &PeerId) -> Option<&mut Peer> {
        let place = self.place(id)?;
        Some(self.table.at_mut(place))
    }

    pub(super) fn contains_key(&self, id: &PeerId) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn insert(&mut self, id: PeerId, peer: Peer) {
        self.table.insert_ranked(id.rank(), id, peer);
        self.last.set(None);
    }

    pub(super) fn remove(&mut self, id: &PeerId) -> Option<Peer> {
        self.last.set(None);
        self.table.remove(id)
    }
}

impl Deref for Peers {
    type Target = OrderedMap<PeerId, Peer>;

    fn deref(&self) -> &Self::Target {
        &self.table
    }
}
