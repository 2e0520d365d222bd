//! Native transports: QUIC, TCP, WebSocket, WebRTC-direct, memory (tests) and the WebSocket door.

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::{Duration, SystemTime};

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::transport::{MemoryTransport, Transport, TransportError};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, dns, noise, quic, tcp, websocket, yamux};

use super::{Carrier, certificate, kind_of, webrtc};
use crate::door::DoorReceiver;
use crate::mesh::{SpawnError, TransportKind};

/// All transports as one.
///
/// # Errors
/// [`SpawnError`]: no key for noise, no WebRTC certificate.
pub(super) fn carrier(
    keypair: &Keypair,
    listen: &[Multiaddr],
    certificate_dir: Option<&Path>,
    door: Option<DoorReceiver>,
) -> Result<Carrier, SpawnError> {
    install_crypto();
    let noise = noise::Config::new(keypair)
        .map_err(|error| SpawnError::Identity(format!("the key does not sign: {error}")))?;

    let certificate = if listen.iter().any(is_webrtc) {
        Some(certificate::load_or_create(
            certificate_dir,
            SystemTime::now(),
        )?)
    } else {
        None
    };
    let resolved = with_dns(|| {
        let streams = either(quic(keypair), secured(tcp(), noise.clone()));
        match certificate.clone() {
            Some(certificate) => either(streams, webrtc::carrier(keypair, certificate)),
            None => streams,
        }
    });
    // WebSocket resolves names itself, since TLS (a relay behind a proxy) needs them.
    let mut websocket = websocket::Config::new(with_dns(tcp));
    websocket.set_max_data_size(MAX_WEBSOCKET_MESSAGE);
    // Name resolution takes every address it is asked to dial, so it comes last.
    let mut all = either(secured(websocket, noise.clone()), resolved.boxed());
    all = either(secured(MemoryTransport::default(), noise.clone()), all);
    if let Some(door) = door {
        all = either(secured(door, noise), all);
    }
    Ok(TransportTimeout::new(all, SETUP_LIMIT).boxed())
}

/// Can this address be bound? Asked before libp2p does it, for two reasons: libp2p shares a TCP port (`SO_REUSEPORT`)
/// with any program of the same user that shares it, too, so that connections land here and there; and what the system
/// said is lost under the errors of all the transports. The door's port is held by the HTTP server, rightly.
///
/// # Errors
/// What the system said.
pub(super) fn probe(
    address: &Multiaddr,
    door: Option<&Multiaddr>,
) -> Result<(), TransportError<io::Error>> {
    if door == Some(address) {
        return Ok(());
    }
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    // The probing sockets are closed again at once.
    let bound = match parts.next() {
        Some(Protocol::Tcp(port)) => TcpListener::bind((ip, port)).map(drop),
        Some(Protocol::Udp(port)) => UdpSocket::bind((ip, port)).map(drop),
        _ => Ok(()),
    };
    bound.map_err(TransportError::Other)
}

/// The executor of the swarm's connection tasks.
pub(super) fn swarm_config() -> libp2p::swarm::Config {
    libp2p::swarm::Config::with_tokio_executor()
}

/// Two crypto libraries are in the tree (QUIC and WebRTC bring one each), so rustls must be told which is ours.
fn install_crypto() {
    // An error says that the application has chosen one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn tcp() -> tcp::tokio::Transport {
    tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
}

fn quic(keypair: &Keypair) -> Carrier {
    quic::tokio::Transport::new(quic::Config::new(keypair))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        .boxed()
}

fn is_webrtc(address: &Multiaddr) -> bool {
    kind_of(address) == Some(TransportKind::WebRtc)
}

/// With the system's name resolution. Where it has none (bare containers), names fail and numbers work.
fn with_dns<T>(inner: impl Fn() -> T) -> dns::tokio::Transport<T> {
    dns::tokio::Transport::system(inner()).unwrap_or_else(|error| {
        tracing::warn!("no name resolution: {error}");
        let (config, options) = (dns::ResolverConfig::default(), dns::ResolverOpts::default());
        dns::tokio::Transport::custom(inner(), config, options)
    })
}

/// Noise and yamux over a byte stream.
fn secured<T>(transport: T, noise: noise::Config) -> Carrier
where
    T: Transport + Send + Unpin + 'static,
    T::Output: futures::AsyncRead + futures::AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    transport
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}

/// The first that takes the address.
fn either(one: Carrier, other: Carrier) -> Carrier {
    one.or_transport(other)
        .map(|either, _| either.into_inner())
        .boxed()
}

/// A connection must be dialled or accepted, secured and multiplexed within this time.
const SETUP_LIMIT: Duration = Duration::from_secs(10);
/// The tab's transport writes at most this much at once.
const MAX_WEBSOCKET_MESSAGE: usize = 1024 * 1024;
