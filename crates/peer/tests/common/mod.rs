//! What the tests of this crate share: peers over memory or loopback, and waiting for conditions with a deadline.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].
#![allow(dead_code, reason = "every test file uses its own part")]

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use statemesh::mesh::{Mesh, MeshBuilder, TransportKind};
use statemesh::multiaddr::Protocol;
use statemesh::prelude::*;
use statemesh::{Multiaddr, SchemaDef, StateDef};

/// How the peers of a test reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Memory,
    Quic,
}

impl Carrier {
    pub fn listen(self) -> Multiaddr {
        match self {
            Self::Memory => memory_address(),
            Self::Quic => "/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap(),
        }
    }

    pub fn kind(self) -> TransportKind {
        match self {
            Self::Memory => TransportKind::Memory,
            Self::Quic => TransportKind::Quic,
        }
    }
}

/// A memory address that no other test of this process has.
pub fn memory_address() -> Multiaddr {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Multiaddr::empty().with(Protocol::Memory(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub async fn spawn(builder: MeshBuilder, carrier: Carrier) -> Mesh {
    builder.listen(carrier.listen()).spawn().await.unwrap()
}

/// Spawns a listening peer that dials `other`.
pub async fn spawn_at(builder: MeshBuilder, carrier: Carrier, other: &Mesh) -> Mesh {
    let builder = builder.connect(other.addresses().remove(0));
    spawn(builder, carrier).await
}

/// Two states that exclude each other.
pub fn machine(id: &str) -> Machine {
    let schema = SchemaDef::new()
        .state("On", StateDef::new().remove(["Off"]))
        .state("Off", StateDef::new().remove(["On"]))
        .state("Count", StateDef::new().multi());
    Machine::builder(id, schema).tag("kind:test").build()
}

/// Waits for a condition. No test may take longer for any single thing.
pub async fn eventually(what: &str, condition: impl FnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

pub async fn eventually_within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + limit;
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The mirror that `at` has of a machine of `owner`.
pub async fn machine_of(at: &Mesh, owner: &Mesh, id: &str) -> RemoteMachine {
    let find = || {
        let mut machines = at.machines().into_iter();
        machines.rfind(|m| m.peer() == owner.peer_id() && m.id() == id)
    };
    eventually(&format!("machine {id}"), || find().is_some()).await;
    find().unwrap()
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain"),
    }
}

pub async fn stop(peers: impl IntoIterator<Item = Mesh>) {
    for peer in peers {
        within(peer.shutdown()).await;
    }
}

pub fn port_of(address: &Multiaddr) -> u16 {
    let port = |part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    };
    address.iter().find_map(port).unwrap()
}

/// Ten times the longest limit, and some for a busy host.
const PATIENCE: Duration = Duration::from_secs(30);
