//! Builds a peer: what the caller wants, checked once, then handed to the event loop.

use std::future::Future;
#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use futures::channel::oneshot;
use libp2p::Multiaddr;
use statemesh_core::PeerId;
use statemesh_core::node::Members;

use super::{Mesh, Role};
use crate::event_loop::{self, EventLoop, reserve};
use crate::identity::Identity;
use crate::machine::Machine;
use crate::transport::{self, SwarmConfig, Timer};

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

/// Addresses to dial, asked again before every round of dialling. The error is shown to people.
pub type AddressSource = Box<
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vec<Multiaddr>, String>> + Send>> + Send + Sync,
>;

/// What a peer waits for before it joins.
pub(crate) type Start = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Builds a mesh peer.
#[must_use = "a builder does nothing until `spawn`"]
pub struct MeshBuilder {
    topic: String,
    identity: Option<Identity>,
    role: Role,
    tags: Vec<String>,
    listen: Vec<Multiaddr>,
    announce: Vec<Multiaddr>,
    connect: Vec<Multiaddr>,
    sources: Vec<AddressSource>,
    links: Option<usize>,
    limits: Limits,
    members: Option<Members>,
    #[cfg(not(target_arch = "wasm32"))]
    certificate_dir: Option<PathBuf>,
    #[cfg(not(target_arch = "wasm32"))]
    door: Option<crate::door::DoorReceiver>,
    machines: Vec<Machine>,
    start: Option<Start>,
    clock_ahead_ms: i64,
}

impl MeshBuilder {
    pub(super) fn new(topic: String) -> Self {
        Self {
            topic,
            identity: None,
            role: Role::Peer,
            tags: Vec::new(),
            listen: Vec::new(),
            announce: Vec::new(),
            connect: Vec::new(),
            sources: Vec::new(),
            links: None,
            limits: Limits::default(),
            members: None,
            #[cfg(not(target_arch = "wasm32"))]
            certificate_dir: None,
            #[cfg(not(target_arch = "wasm32"))]
            door: None,
            machines: Vec::new(),
            start: None,
            clock_ahead_ms: 0,
        }
    }
    /// Own key; fresh by default.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }
    /// Role, default [`Role::Peer`].
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
    /// Adds a tag to the lifecycle machine, as `host:van-17`.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }
    /// Listens there: QUIC, TCP, `/ws`, `/webrtc-direct`. Native only; in a browser `spawn` refuses it.
    pub fn listen(mut self, address: Multiaddr) -> Self {
        self.listen.push(address);
        self
    }
    /// Tells other peers that this one can be reached there, too: behind a forwarded port, say. What it listens on is told
    /// anyway; names are not, since others do not dial them.
    pub fn announce(mut self, address: Multiaddr) -> Self {
        self.announce.push(address);
        self
    }
    /// Dials there, supervised, for ever. May be repeated. Addresses of one peer id are dialled as one.
    pub fn connect(mut self, address: Multiaddr) -> Self {
        self.connect.push(address);
        self
    }
    /// Dials what this source says, asked again before every round.
    pub fn connect_source(mut self, source: AddressSource) -> Self {
        self.sources.push(source);
        self
    }
    /// Links to have at least: while there are fewer, peers whose addresses were learned on the mesh are dialled, one every
    /// two seconds. 5 by default, so that the mesh outlives whoever was named by [`MeshBuilder::connect`]; in a browser 1,
    /// so that a tab whose relay is gone finds another. With 0 nobody is dialled who was not named.
    pub fn min_links(mut self, links: usize) -> Self {
        self.links = Some(links);
        self
    }
    /// Limits on connections.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
    /// Nobody else is a member, as this peer sees it: others are not connected to, and what they signed is neither read nor
    /// passed on. Relays have to be named, too.
    pub fn only(mut self, members: impl IntoIterator<Item = PeerId>) -> Self {
        self.members = Some(Arc::new(members.into_iter().collect()));
        self
    }
    /// Keeps the WebRTC certificate in this directory, so that addresses survive a restart.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn certificate_dir(mut self, dir: &Path) -> Self {
        self.certificate_dir = Some(dir.to_owned());
        self
    }
    /// A door for upgraded WebSockets accepted by someone else's HTTP server, announced as `address` (`/ip4/…/tcp/…/ws`).
    /// A later door replaces an earlier one.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn websocket_door(mut self, address: Multiaddr) -> (Self, super::WebSocketDoor) {
        let (door, receiver) = crate::door::door(address.clone());
        self.door = Some(receiver);
        self.listen.push(address);
        (self, door)
    }
    /// Machines to expose from the start.
    pub fn expose(mut self, machine: &Machine) -> Self {
        self.machines.push(machine.clone());
        self
    }
    /// Listens and dials at once, but joins the topic only when `start` ends, over links that stand already. Until then
    /// nobody hears of this peer or its machines, and it hears of nobody.
    pub fn join_after(mut self, start: impl Future<Output = ()> + Send + 'static) -> Self {
        self.start = Some(Box::pin(start));
        self
    }
    /// Tells others a wall clock that is wrong by so many milliseconds, to try what they make of it.
    #[doc(hidden)]
    pub fn clock_ahead(mut self, ms: i64) -> Self {
        self.clock_ahead_ms = ms;
        self
    }
    /// Starts the peer: returns when all listeners are up (needs a tokio runtime natively).
    ///
    /// # Errors
    /// [`SpawnError`]; nothing runs then.
    pub async fn spawn(self) -> Result<Mesh, SpawnError> {
        check_topic(&self.topic)?;
        let identity = self.identity.unwrap_or_else(Identity::generate);
        let built = transport::build(SwarmConfig {
            identity: identity.clone(),
            topic: self.topic.clone(),
            listen: self.listen,
            limits: self.limits,
            members: self.members.clone(),
            #[cfg(not(target_arch = "wasm32"))]
            certificate_dir: self.certificate_dir,
            #[cfg(not(target_arch = "wasm32"))]
            door: self.door,
        })?;
        // One for each machine, and one for the lifecycle.
        let reserved = (0..=self.machines.len()).map(|_| reserve());
        let (indexes, waits): (Vec<_>, Vec<_>) = reserved.unzip();
        if let Some(wait) = waits.last().filter(|wait| !wait.is_zero()) {
            Timer::new(*wait).await;
        }
        let (ready, up) = oneshot::channel();
        let (event_loop, mesh) = EventLoop::new(
            event_loop::Config {
                role: self.role,
                own: identity.peer_id(),
                topic: self.topic,
                tags: self.tags,
                announce: self.announce,
                connect: self.connect,
                sources: self.sources,
                links: self.links.unwrap_or(MIN_LINKS),
                members: self.members,
                machines: self.machines,
                start: self.start,
                clock_ahead_ms: self.clock_ahead_ms,
            },
            built,
            &indexes,
            ready,
        );
        transport::spawn(event_loop.run());
        match up.await {
            Ok(Ok(())) => Ok(mesh),
            Ok(Err(error)) => Err(error),
            Err(oneshot::Canceled) => Err(SpawnError::NoTransport(
                "the peer ended while it started".to_owned(),
            )),
        }
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

/// Checks a topic name, for callers that want to know before they build a peer.
///
/// # Errors
/// [`SpawnError::Topic`].
pub fn check_topic(topic: &str) -> Result<(), SpawnError> {
    let length = topic.chars().count();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if length == 0 || length > MAX_TOPIC || topic.chars().any(odd) {
        return Err(SpawnError::Topic(topic.chars().take(MAX_TOPIC).collect()));
    }
    Ok(())
}

/// Links to have. As many as gossipsub wants at least; in a tab each costs bandwidth and battery.
const MIN_LINKS: usize = if cfg!(target_arch = "wasm32") { 1 } else { 5 };
/// Characters of the longest topic name. A guess that fits every use.
const MAX_TOPIC: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_names() {
        let long = "x".repeat(MAX_TOPIC + 1);
        for bad in [
            "",
            " ",
            "a b",
            "tab\there",
            "line\n",
            "nul\0",
            long.as_str(),
            "a\u{a0}b",
        ] {
            assert!(
                matches!(check_topic(bad), Err(SpawnError::Topic(_))),
                "{bad:?}"
            );
        }
        for good in ["mesh", "größe/1", &long[1..]] {
            assert!(check_topic(good).is_ok(), "{good:?}");
        }
    }
}
