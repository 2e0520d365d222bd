//! RemoteMachine handle: checks and futures over a mirror. Mutations do not exist.

use std::sync::Arc;

use statemesh_core::engine::Schema;
use statemesh_core::{MachineIdx, PeerId};
use web_time::Instant;

use crate::machine::States;
use crate::wait::When;

/// A read-only mirror of another peer's machine: a clonable handle on the newest known clock.
#[derive(Clone, Debug)]
pub struct RemoteMachine {}

/// One consistent look at a mirror.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Ticks in index order.
    pub clock: Arc<[u64]>,
    /// The newest word came signed by the owner.
    pub first_hand: bool,
    /// When the clock last changed or was learned, on this peer's clock.
    pub changed_at: Instant,
    /// When the owner's word about it was last heard.
    pub heard_at: Instant,
    /// The word before that: a change happened between the two.
    pub heard_before: Option<Instant>,
    /// The owner is gone or took it back; the last known clock stays readable.
    pub gone: bool,
}

impl RemoteMachine {
    /// Owner.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        todo!()
    }
    /// Index on its owner.
    #[must_use]
    pub fn index(&self) -> MachineIdx {
        todo!()
    }
    /// Id on its owner; any text.
    #[must_use]
    pub fn id(&self) -> &str {
        todo!()
    }
    /// Tags of the owner (empty for Go receivers' forwards).
    #[must_use]
    pub fn tags(&self) -> &[String] {
        todo!()
    }
    /// Value of the first tag `key:value`.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags()
            .iter()
            .find_map(|tag| tag.strip_prefix(key)?.strip_prefix(':'))
    }
    /// Parent machine id, or empty.
    #[must_use]
    pub fn parent(&self) -> &str {
        todo!()
    }
    /// Its schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        todo!()
    }
    /// A consistent look.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
    /// All of them active? Unknown names are not active.
    #[must_use]
    pub fn is(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// None of them active?
    #[must_use]
    pub fn not(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// Any of them active?
    #[must_use]
    pub fn any(&self, states: impl States) -> bool {
        let _ = states;
        todo!()
    }
    /// Tick of one state, 0 when unknown.
    #[must_use]
    pub fn tick(&self, state: &str) -> u64 {
        let _ = state;
        todo!()
    }
    /// Names of active states, in index order.
    #[must_use]
    pub fn active(&self) -> Vec<String> {
        todo!()
    }
    /// Resolves when all states are active in a received clock. Ends with `WaitError::Gone` when the owner goes.
    pub fn when(&self, states: impl States) -> When {
        let _ = states;
        todo!()
    }
    /// Resolves when none of the states is active in a received clock.
    pub fn when_not(&self, states: impl States) -> When {
        let _ = states;
        todo!()
    }
    /// Resolves when every state has reached its tick.
    pub fn when_time(&self, states: impl States, ticks: &[u64]) -> When {
        let _ = (states, ticks);
        todo!()
    }
}
