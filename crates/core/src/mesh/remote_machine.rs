//! Read-only mirror of another peer's machine, fed by info and updates.

use std::sync::Arc;

use crate::engine::Schema;
use crate::ids::{MachineIdx, PeerId};
use crate::time::Instant;

/// What is known of one remote machine.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Owner.
    pub peer: PeerId,
    /// Index on its owner.
    pub index: MachineIdx,
    /// Machine id on its owner. Any text, at most the wire limit; escape before printing.
    pub id: Arc<str>,
    /// Tags of the owner.
    pub tags: Arc<[String]>,
    /// Parent machine id on the owner, or empty.
    pub parent: Arc<str>,
    /// Its schema; index order is that of every clock.
    pub schema: Arc<Schema>,
    /// Newest known ticks.
    pub clock: Arc<[u64]>,
    /// True when the newest word came signed by the owner itself.
    pub first_hand: bool,
    /// When a clock last changed or was learned.
    pub changed_at: Instant,
    /// When the owner's word about this machine was last heard, changed or not.
    pub heard_at: Instant,
    /// When the word before that was heard: a change happened between the two.
    pub heard_before: Option<Instant>,
}
