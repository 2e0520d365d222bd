//! First-hand clocks of machines not introduced yet: kept until the introduction comes.
//!
//! Invariant: entries and bytes are bounded, of one owner and in all. The entries of the first owner make place.

use crate::collections::OrderedMap;
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::wire;

/// Clocks by owner and index.
#[derive(Debug, Default)]
pub(super) struct Pending {
    table: OrderedMap<(PeerId, MachineIdx), Vec<u64>>,
    ticks: usize,
}

impl Pending {
    /// Keeps a clock, unless a newer one of the same machine is kept.
    pub(super) fn hold(&mut self, owner: PeerId, index: MachineIdx, clock: Vec<u64>) {
        let key = (owner, index);
        let held = self.table.get(&key);
        if held.is_some_and(|held| wire::sum(held) > wire::sum(&clock)) {
            return;
        }
        let (count, ticks) = self.of(owner);
        let (is_new, before) = (held.is_none(), held.map_or(0, Vec::len));
        if count + usize::from(is_new) > MAX_PER_PEER
            || ticks - before + clock.len() > MAX_TICKS_PER_PEER
        {
            return;
        }
        self.take(owner, index);
        while self.table.len() >= MAX_PENDING || self.ticks + clock.len() > MAX_TICKS {
            let Some((_, first)) = self.table.pop_first() else {
                return;
            };
            self.ticks -= first.len();
        }
        self.ticks += clock.len();
        self.table.insert(key, clock);
    }

    /// The clock kept of a machine.
    pub(super) fn take(&mut self, owner: PeerId, index: MachineIdx) -> Option<Vec<u64>> {
        let clock = self.table.remove(&(owner, index))?;
        self.ticks -= clock.len();
        Some(clock)
    }

    /// The owner is gone.
    pub(super) fn forget(&mut self, owner: PeerId) {
        let ticks = &mut self.ticks;
        self.table.retain(|(of, _), clock| {
            let stays = *of != owner;
            *ticks -= if stays { 0 } else { clock.len() };
            stays
        });
    }

    /// Clocks of that owner, and their ticks.
    fn of(&self, owner: PeerId) -> (usize, usize) {
        let of_owner = (owner, MachineIdx(0))..=(owner, MachineIdx(u64::MAX));
        let held = self.table.range(of_owner);
        held.fold((0, 0), |(count, ticks), (_, clock)| {
            (count + 1, ticks + clock.len())
        })
    }
}

/// Clocks kept at the same time.
const MAX_PENDING: usize = 1024;
/// Of these, of one peer.
const MAX_PER_PEER: usize = 256;
/// Ticks of all clocks kept: 2 MiB.
const MAX_TICKS: usize = 1 << 18;
/// Of these, of one peer: 32 machines of as many states as there may be.
const MAX_TICKS_PER_PEER: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::peer_id as id;

    #[test]
    fn clocks_are_held_up_to_caps_of_entries_and_of_ticks() {
        for (states, of_one, of_all) in [(1, MAX_PER_PEER, MAX_PENDING), (2048, 32, 128)] {
            let mut pending = Pending::default();
            for peer in 0..8 {
                for index in 0..400 {
                    pending.hold(id(peer), MachineIdx(index), vec![1; states]);
                }
                assert_eq!(pending.of(id(peer)), (of_one, of_one * states));
            }
            assert_eq!(pending.table.len(), of_all);
            assert_eq!(pending.ticks, of_all * states);
        }
    }

    #[test]
    fn the_newest_clock_is_kept_and_counted_once() {
        let mut pending = Pending::default();
        let index = MachineIdx(1);
        pending.hold(id(1), index, vec![3, 0]);
        pending.hold(id(1), index, vec![1, 1]);
        pending.hold(id(1), index, vec![3, 0, 1]);
        assert_eq!(pending.ticks, 3);
        pending.forget(id(2));
        assert_eq!(pending.take(id(1), index), Some(vec![3, 0, 1]));
        assert_eq!((pending.take(id(1), index), pending.ticks), (None, 0));
        pending.hold(id(1), index, vec![1]);
        pending.forget(id(1));
        assert_eq!(pending.ticks, 0);
    }
}
