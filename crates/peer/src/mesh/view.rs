//! What an application sees of the mesh: links, peers, where this peer stands, and events. Plain values.

use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use statemesh_core::PeerId;
use statemesh_core::node::GoneReason;
use web_time::Instant;

use crate::remote::{RemoteMachine, Snapshot};

/// How a link is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// QUIC.
    Quic,
    /// TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
    /// WebRTC-direct.
    WebRtc,
    /// In-process memory (tests).
    Memory,
}

impl TransportKind {
    /// `quic`, `tcp`, `ws`, `webrtc`, `memory`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::WebSocket => "ws",
            Self::WebRtc => "webrtc",
            Self::Memory => "memory",
        }
    }
}

/// A live connection to a neighbour.
#[derive(Clone, Debug)]
pub struct Link {
    /// Neighbour.
    pub peer: PeerId,
    /// Remote address.
    pub address: Multiaddr,
    /// Carrier.
    pub transport: TransportKind,
    /// Last round trip, when measured.
    pub rtt: Option<Duration>,
    /// What identify said of its software.
    pub software: Option<String>,
    /// Open since.
    pub since: Instant,
}

/// A known peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its id.
    pub peer: PeerId,
    /// Our live link to it.
    pub link: Option<Link>,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// It speaks this project's extra keys (else a Go peer, or not known yet).
    pub is_statemesh: bool,
    /// When its own word was last heard.
    pub heard_at: Option<Instant>,
    /// Heartbeat it promises.
    pub heartbeat: Option<Duration>,
    /// Known machines.
    pub machines: usize,
    /// Messages of its authorship that were refused.
    pub dropped: u64,
    /// Messages of its authorship that were read, since this peer knows it.
    pub messages: u64,
    /// Messages refused, by reason: of its authorship, and those without their author's signature that it brought.
    pub refused: Vec<(&'static str, u64)>,
    /// Where it says it can be reached.
    pub contact: Option<Arc<statemesh_core::node::Contact>>,
    /// Number of its process start, larger after each restart; unknown for Go peers.
    pub run: Option<u64>,
    /// Its wall clock in milliseconds since 1970 when it said what was heard at [`Peer::heard_at`].
    pub wall_ms: Option<u64>,
    /// What it says of itself.
    pub about: Option<statemesh_core::node::About>,
    /// Connections it reports, by their other ends, 64 at most.
    pub links: Vec<statemesh_core::node::Link>,
    /// How many connections it has, reported or not.
    pub link_count: u64,
}

/// Where this peer stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Connection {
    /// Never had a link yet; dialling.
    Connecting {
        /// Rounds so far.
        attempt: u32,
        /// Per address tried, why it failed.
        failures: Vec<DialFailure>,
    },
    /// At least one link, or nothing to dial.
    Live,
    /// Had a link, lost it.
    Reconnecting {
        /// Since.
        since: Instant,
        /// When the next round starts; `None` while one is running.
        next_try: Option<Instant>,
        /// Why the last round failed.
        failures: Vec<DialFailure>,
    },
    /// Shut down.
    Closed,
}

/// One address that did not answer.
#[derive(Clone, Debug, PartialEq)]
pub struct DialFailure {
    /// The address; `None` when the address source itself failed.
    pub address: Option<Multiaddr>,
    /// Why, in words.
    pub reason: String,
}

/// What happens in the mesh.
#[derive(Clone, Debug)]
pub enum MeshEvent {
    /// A peer was heard of.
    PeerFound(PeerId),
    /// A peer is gone.
    PeerGone(PeerId, GoneReason),
    /// A machine was learned.
    MachineFound(RemoteMachine),
    /// A mirror's clock changed; given are the clock before and the snapshot after.
    ClockChanged(RemoteMachine, Arc<[u64]>, Snapshot),
    /// A machine is gone.
    MachineGone(RemoteMachine),
    /// The owner was heard and nothing had changed (heartbeat).
    Heard(PeerId),
    /// A link opened.
    LinkUp(Link),
    /// A link closed.
    LinkDown(PeerId),
    /// Where this peer stands changed.
    Connection(Connection),
    /// A message was refused and counted.
    Dropped(PeerId, &'static str),
    /// This reader was too slow and missed that many events: read the lists again.
    Lagged(u64),
}

/// Incoming connections that were refused, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Too many connections: in all, being set up, or of one peer id.
    pub connections: u64,
    /// Too many handshakes per second from one IP address.
    pub handshakes: u64,
    /// Of peers that are no members ([`MeshBuilder::only`](super::MeshBuilder::only)).
    pub strangers: u64,
}
