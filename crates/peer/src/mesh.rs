//! Mesh handle: expose, list, watch, events, shutdown. Commands in through a bounded channel, events out.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use libp2p::Multiaddr;
use statemesh_core::node::GoneReason;
use statemesh_core::{MachineIdx, PeerId};
use web_time::Instant;

#[cfg(not(target_arch = "wasm32"))]
pub use crate::door::WebSocketDoor;
use crate::identity::Identity;
use crate::machine::Machine;
use crate::remote::RemoteMachine;

/// Refuses connections beyond these.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Established connections in all.
    pub connections: u32,
    /// Connections being set up.
    pub pending: u32,
    /// Connections of one peer id.
    pub per_peer: u32,
    /// New handshakes per second from one IP address.
    pub handshakes_per_ip: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            pending: 128,
            per_peer: 4,
            handshakes_per_ip: 32,
        }
    }
}

/// What the peer is to the mesh; a tag of its lifecycle machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `role:peer`
    Peer,
    /// `role:relay`: accepts many single-link neighbours.
    Relay,
    /// `role:tab`: its lifecycle machine is not exposed.
    Tab,
}

/// Addresses to dial, asked again before every round of dialling. The error is shown to people.
pub type AddressSource = Box<
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vec<Multiaddr>, String>> + Send>> + Send + Sync,
>;

/// Builds a mesh peer.
pub struct MeshBuilder {}

impl MeshBuilder {
    /// Own key; fresh by default.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        let _ = identity;
        self
    }
    /// Role, default [`Role::Peer`].
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        let _ = role;
        self
    }
    /// Adds a tag to the lifecycle machine, as `host:van-17`.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        let _ = tag.into();
        self
    }
    /// Listens there: QUIC, TCP, `/ws`, `/webrtc-direct`. Native only; in a browser `spawn` refuses it.
    #[must_use]
    pub fn listen(self, address: Multiaddr) -> Self {
        let _ = address;
        self
    }
    /// Dials there, supervised, for ever. May be repeated. Addresses of one peer id are dialled as one.
    #[must_use]
    pub fn connect(self, address: Multiaddr) -> Self {
        let _ = address;
        self
    }
    /// Dials what this source says, asked again before every round.
    #[must_use]
    pub fn connect_source(self, source: AddressSource) -> Self {
        let _ = source;
        self
    }
    /// Limits on connections.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        let _ = limits;
        self
    }
    /// Keeps the WebRTC certificate in this directory, so that addresses survive a restart.
    #[must_use]
    pub fn certificate_dir(self, dir: &Path) -> Self {
        let _ = dir;
        self
    }
    /// A door for upgraded WebSockets accepted by someone else's HTTP server, announced as `address` (`/ip4/…/tcp/…/ws`).
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub fn websocket_door(self, address: Multiaddr) -> (Self, WebSocketDoor) {
        let (door, _receiver) = crate::door::door(address);
        (self, door)
    }
    /// Machines to expose from the start.
    #[must_use]
    pub fn expose(self, machine: &Machine) -> Self {
        let _ = machine;
        self
    }
    /// Starts the peer: returns when all listeners are up (needs a tokio runtime natively).
    ///
    /// # Errors
    /// [`SpawnError`]; nothing runs then.
    pub async fn spawn(self) -> Result<Mesh, SpawnError> {
        todo!()
    }
}

/// The peer could not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// Taken port, unknown transport, no permission.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the system said.
        reason: String,
    },
    /// No usable transport here (a browser without WebSocket and WebRTC).
    #[error("no transport: {0}")]
    NoTransport(String),
    /// Key or certificate unreadable.
    #[error("{0}")]
    Identity(String),
    /// The topic name is empty, too long, or holds white space or control characters.
    #[error("{0:?} is no topic name: 1 to 128 characters without spaces")]
    Topic(String),
}

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
    ClockChanged(
        RemoteMachine,
        std::sync::Arc<[u64]>,
        crate::remote::Snapshot,
    ),
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

/// A peer of the mesh: a clonable handle. The peer ends by [`Mesh::shutdown`] or when the last handle is dropped.
#[derive(Clone)]
pub struct Mesh {}

/// The peer does not run any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mesh peer was shut down")]
pub struct Closed;

impl Mesh {
    /// Starts a peer of the topic `topic`.
    #[must_use]
    pub fn builder(topic: impl Into<String>) -> MeshBuilder {
        let _ = topic.into();
        MeshBuilder {}
    }
    /// Own id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        todo!()
    }
    /// Topic name.
    #[must_use]
    pub fn topic(&self) -> &str {
        todo!()
    }
    /// Own dialable addresses, each with `/p2p/<id>`.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        todo!()
    }
    /// Introduces a machine to the mesh and keeps its clock published.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn expose(&self, machine: &Machine) -> Result<MachineIdx, Closed> {
        let _ = machine;
        todo!()
    }
    /// Takes an exposed machine back.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn withdraw(&self, index: MachineIdx) -> Result<(), Closed> {
        let _ = index;
        todo!()
    }
    /// All known remote machines, by peer and index.
    #[must_use]
    pub fn machines(&self) -> Vec<RemoteMachine> {
        todo!()
    }
    /// Resolves to the first live remote machine with this id, now or later.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn machine(&self, id: &str) -> Result<RemoteMachine, Closed> {
        let _ = id;
        todo!()
    }
    /// All known peers but this one.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        todo!()
    }
    /// Live links.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        todo!()
    }
    /// Where this peer stands now.
    #[must_use]
    pub fn connection(&self) -> Connection {
        todo!()
    }
    /// Events from now on. A slow reader gets [`MeshEvent::Lagged`] instead of unbounded memory.
    pub fn events(&self) -> impl Stream<Item = MeshEvent> + Send + Unpin + 'static {
        futures::stream::empty()
    }
    /// This peer's own lifecycle, a machine like any other.
    #[must_use]
    pub fn lifecycle(&self) -> &Machine {
        todo!()
    }
    /// Starts the next round of dialling now instead of after the backoff.
    pub fn retry_now(&self) {
        todo!()
    }
    /// Says bye, closes the links and ends the peer.
    pub async fn shutdown(&self) {
        todo!()
    }
}
