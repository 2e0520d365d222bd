//! Mirrors of one peer's machines, by index: compact, since most peers have a few and there are a thousand peers.

use crate::ids::MachineIdx;
use crate::mesh::remote_machine::Remote;

/// In order of their indexes, which mostly grow.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a new index moves pointers, not mirrors")]
pub(super) struct Machines(Vec<Box<Remote>>);

impl Machines {
    fn find(&self, index: MachineIdx) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&index, |remote| remote.mirror.index)
    }

    pub(super) fn get(&self, index: MachineIdx) -> Option<&Remote> {
        let at = self.find(index).ok()?;
        Some(&self.0[at])
    }

    pub(super) fn get_mut(&mut self, index: MachineIdx) -> Option<&mut Remote> {
        let at = self.find(index).ok()?;
        Some(&mut self.0[at])
    }

    /// Takes a mirror in, in place of one of the same index.
    pub(super) fn insert(&mut self, remote: Remote) {
        match self.find(remote.mirror.index) {
            Ok(at) => *self.0[at] = remote,
            Err(at) => {
                // A vector's first growth would make room for four.
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, Box::new(remote));
            }
        }
    }

    pub(super) fn remove(&mut self, index: MachineIdx) -> Option<Remote> {
        let at = self.find(index).ok()?;
        Some(*self.0.remove(at))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Remote> {
        self.0.iter().map(|remote| &**remote)
    }

    pub(super) fn indexes(&self) -> impl Iterator<Item = MachineIdx> {
        self.iter().map(|remote| remote.mirror.index)
    }
}
