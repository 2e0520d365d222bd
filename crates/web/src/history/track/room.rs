//! How much room a machine's history takes, and what it gives back first.

use std::mem::size_of;

use super::super::StateChange;
use super::super::chunk::Chunk;
use super::Track;

/// What leaves when room is short, in this order (dashboard design 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::history) enum Room {
    /// What stands beside records.
    Sides,
    /// What the older half of the records changed.
    Changes,
    /// The oldest records.
    Oldest,
}

impl Track {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.sealed
            + self.chunks.back().map_or(0, Chunk::bytes)
            + (self.chunks.capacity() - self.chunks.len()) * size_of::<Chunk>()
            + self.clock.capacity() * size_of::<u64>()
            + self.changes.capacity() * size_of::<StateChange>()
            + self.pyramid.bytes()
            + self.marks.bytes()
            + self.gaps.bytes()
            + self.causes.bytes()
    }

    /// Gives back what is more than that.
    pub(in crate::history) fn make_room(&mut self, most: usize) {
        let rooms = [Room::Sides, Room::Changes, Room::Oldest];
        while self.bytes() > most && rooms.iter().any(|room| self.release(*room)) {}
    }

    /// Gives back some room of this kind. False: there is none left.
    pub(in crate::history) fn release(&mut self, room: Room) -> bool {
        let full = self.chunks.len().saturating_sub(1);
        match room {
            Room::Sides if self.sides > 0 => self.drop_oldest_side(),
            Room::Changes
                if self.thinned < full && self.skeleton * 2 < self.sealed - self.sides =>
            {
                self.thin();
            }
            Room::Oldest if full > 0 => self.drop_oldest(),
            Room::Sides | Room::Changes | Room::Oldest => return false,
        }
        true
    }

    fn drop_oldest_side(&mut self) {
        let last = self.chunks.len().saturating_sub(1);
        let mut sealed = self.chunks.range_mut(..last);
        if let Some(chunk) = sealed.find(|chunk| chunk.side_bytes() > 0) {
            let bytes = chunk.side_bytes();
            chunk.drop_sides();
            self.sides -= bytes;
            self.sealed -= bytes;
        }
    }

    fn thin(&mut self) {
        let chunk = &mut self.chunks[self.thinned];
        let (before, sides) = (chunk.bytes(), chunk.side_bytes());
        chunk.thin();
        self.sides -= sides;
        self.skeleton += chunk.bytes();
        self.sealed = self.sealed - before + chunk.bytes();
        self.thinned += 1;
    }

    fn drop_oldest(&mut self) {
        let Some(chunk) = self.chunks.pop_front() else {
            return;
        };
        self.sealed -= chunk.bytes();
        self.sides -= chunk.side_bytes();
        if chunk.is_thinned() {
            self.skeleton -= chunk.bytes();
            self.thinned -= 1;
        }
        for (at, tally) in chunk.tallies() {
            self.pyramid.forget(at, tally);
        }
        let oldest = self.oldest();
        self.marks.forget_before(oldest);
        self.gaps.forget_before(oldest);
        if self.chunks.capacity() > 4 * self.chunks.len().max(4) {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }
}
