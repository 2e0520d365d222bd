//! Machines and readings for the tests of the model.

use std::sync::Arc;

use statemesh::{MachineIdx, PeerId, SchemaDef, StateDef};

use super::{Interval, Learned, MachineKey, Reading, SchemaFacts, Seen};

/// Peer number `n`: an Ed25519 public key inlined in its id.
pub fn peer(n: u8) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend([n; 32]);
    PeerId::from_bytes(&bytes).unwrap()
}

/// One of very many peers.
pub fn many(n: u32) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend(n.to_be_bytes().repeat(8));
    PeerId::from_bytes(&bytes).unwrap()
}

/// `Start`, `Ready` (requires Start), `Busy`, `Exception`.
pub fn schema() -> Arc<SchemaFacts> {
    Arc::new(SchemaFacts::new(
        &SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().require(["Start"]))
            .state("Busy", StateDef::new().multi())
            .state("Exception", StateDef::new().multi()),
    ))
}

/// A machine of peer 1 on van-17.
pub fn learned(id: &str, clock: &[u64]) -> Learned {
    learned_of(1, 0, id, clock)
}

/// A machine of any peer.
pub fn learned_of(owner: u8, index: u64, id: &str, clock: &[u64]) -> Learned {
    Learned {
        key: MachineKey {
            peer: peer(owner),
            index: MachineIdx(index),
        },
        id: id.into(),
        tags: vec![format!("host:van-{owner}"), "kind:courier".into()],
        parent: String::new(),
        schema: schema(),
        reading: reading(clock, 0, 0),
        own: false,
    }
}

/// A reading whose change lies between two instants.
pub fn reading(clock: &[u64], after: u64, by: u64) -> Reading {
    Reading {
        clock: clock.into(),
        first_hand: true,
        changed: Interval {
            after: Some(Seen(after)),
            by: Seen(by),
        },
    }
}
