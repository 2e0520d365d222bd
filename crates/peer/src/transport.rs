//! Builds the libp2p swarm of a peer: which transports there are, how they are secured, what is listened on.
//!
//! What differs between targets sits in `native` (QUIC, TCP, WebSocket, WebRTC-direct, memory, the WebSocket door)
//! and `browser` (WebSocket, WebRTC-direct). This file holds what is the same: the configuration, the swarm's
//! settings, names of carriers, and conversions between the core's peer ids and libp2p's. No protocol rule lives here.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod certificate;
#[cfg(any(target_arch = "wasm32", test))]
mod inbox;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod task;
#[cfg(test)]
mod tests;
#[cfg(not(target_arch = "wasm32"))]
mod webrtc;
#[cfg(target_arch = "wasm32")]
mod websocket;
#[cfg(any(target_arch = "wasm32", test))]
mod websocket_url;

use std::io;
#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, ListenerId, TransportError};
use libp2p::gossipsub::IdentTopic;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, Swarm};
use statemesh_core::node::Members;

#[cfg(target_arch = "wasm32")]
use self::browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use self::native as platform;
pub(crate) use self::task::{Timer, spawn};
use crate::behaviour::Behaviour;
use crate::behaviour::signature::Copies;
use crate::identity::Identity;
use crate::mesh::{Limits, SpawnError, TransportKind};

/// What a swarm is built from.
pub(crate) struct SwarmConfig {
    /// Own key.
    pub(crate) identity: Identity,
    /// Gossipsub topic, verbatim.
    pub(crate) topic: String,
    /// Addresses to listen on, the door's own included.
    pub(crate) listen: Vec<Multiaddr>,
    /// Limits on connections.
    pub(crate) limits: Limits,
    /// The only ones who may connect.
    pub(crate) members: Option<Members>,
    /// Where the WebRTC certificate is kept; fresh per start when `None`.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) certificate_dir: Option<PathBuf>,
    /// Where upgraded WebSockets come in.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) door: Option<crate::door::DoorReceiver>,
}

/// A swarm whose sockets are bound; it does nothing until polled.
pub(crate) struct Built {
    /// The swarm.
    pub(crate) swarm: Swarm<Behaviour>,
    /// The only topic it may subscribe to.
    pub(crate) topic: IdentTopic,
    /// Copies of messages that come in.
    pub(crate) copies: Copies,
    /// Signs what is published.
    pub(crate) keypair: libp2p::identity::Keypair,
    /// One listener per configured address. Their real addresses follow as `NewListenAddr`.
    pub(crate) listeners: Vec<(ListenerId, Multiaddr)>,
}

/// Builds the swarm and binds every address.
///
/// Natively it must be called inside a tokio runtime.
///
/// # Errors
/// [`SpawnError`]: nothing listens then.
pub(crate) fn build(config: SwarmConfig) -> Result<Built, SpawnError> {
    let keypair = &config.identity.keypair;
    #[cfg(not(target_arch = "wasm32"))]
    let door_address = config.door.as_ref().map(|door| door.address().clone());
    #[cfg(target_arch = "wasm32")]
    let door_address = None;
    #[cfg(not(target_arch = "wasm32"))]
    let carrier = platform::carrier(
        keypair,
        &config.listen,
        config.certificate_dir.as_deref(),
        config.door,
    )?;
    #[cfg(target_arch = "wasm32")]
    let carrier = platform::carrier(keypair)?;

    let topic = IdentTopic::new(config.topic);
    let copies = Copies::default();
    let behaviour = Behaviour::new(
        keypair,
        &topic,
        &config.limits,
        config.members,
        copies.clone(),
    );
    let settings = platform::swarm_config().with_idle_connection_timeout(IDLE_TIMEOUT);
    let own_id = keypair.public().to_peer_id();
    let mut swarm = Swarm::new(carrier, behaviour, own_id, settings);
    let mut listeners = Vec::with_capacity(config.listen.len());
    for address in config.listen {
        let listener = platform::probe(&address, door_address.as_ref())
            .and_then(|()| swarm.listen_on(address.clone()))
            .map_err(|error| SpawnError::Listen {
                address: address.clone(),
                reason: why_not(&error),
            })?;
        listeners.push((listener, address));
    }
    Ok(Built {
        swarm,
        topic,
        copies,
        keypair: keypair.clone(),
        listeners,
    })
}

/// In words, why an address is not listened on.
fn why_not(error: &TransportError<io::Error>) -> String {
    let TransportError::Other(error) = error else {
        return NO_TRANSPORT.to_owned();
    };
    plain_words(error.kind()).map_or_else(|| error.to_string(), str::to_owned)
}

/// What people can act upon, for the errors they meet.
fn plain_words(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::AddrInUse => Some("the port is taken by another program"),
        io::ErrorKind::AddrNotAvailable => Some("this machine has no such address"),
        io::ErrorKind::PermissionDenied => Some("not permitted (ports below 1024 need privileges)"),
        // A foreign enum: the system's own words serve for the rest.
        _ => None,
    }
}

/// What carries a connection to this address; `None` when no transport of ours does.
pub(crate) fn kind_of(address: &Multiaddr) -> Option<TransportKind> {
    let mut kind = None;
    for part in address.iter() {
        match part {
            Protocol::Memory(_) => return Some(TransportKind::Memory),
            Protocol::QuicV1 => return Some(TransportKind::Quic),
            Protocol::WebRTCDirect => return Some(TransportKind::WebRtc),
            Protocol::Ws(_) | Protocol::Wss(_) => return Some(TransportKind::WebSocket),
            Protocol::Tcp(_) => kind = Some(TransportKind::Tcp),
            _ => {}
        }
    }
    kind
}

/// Whether this peer can dial addresses of that kind.
pub(crate) fn dials(kind: TransportKind) -> bool {
    match kind {
        TransportKind::WebSocket => true,
        TransportKind::WebRtc => cfg!(target_arch = "wasm32"),
        TransportKind::Quic | TransportKind::Tcp | TransportKind::Memory => {
            cfg!(not(target_arch = "wasm32"))
        }
    }
}

/// The core's form of a libp2p peer id.
pub(crate) fn core_id(id: &libp2p::PeerId) -> crate::PeerId {
    crate::PeerId::from_bytes(&id.to_bytes())
        .expect("libp2p checks the same two multihash shapes before it makes a peer id")
}

/// A transport ready for the swarm.
type Carrier = Boxed<(libp2p::PeerId, StreamMuxerBox)>;

/// An address that no transport of ours listens on.
#[cfg(not(target_arch = "wasm32"))]
const NO_TRANSPORT: &str =
    "no such transport; there are /udp/…/quic-v1, /tcp/…, /tcp/…/ws and /udp/…/webrtc-direct";
/// An address that no transport of ours listens on.
#[cfg(target_arch = "wasm32")]
const NO_TRANSPORT: &str = "a browser cannot listen";
/// Links are kept until they fail or are closed on purpose: silence on the topic is no reason.
const IDLE_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);
