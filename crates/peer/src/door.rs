//! A door for WebSockets that someone else's HTTP server has accepted and upgraded.
//!
//! `HTTP server -> WebSocketDoor::enter(stream) -> bounded backlog -> DoorTransport -> noise -> yamux -> swarm`

use std::net::SocketAddr;

use libp2p::Multiaddr;

/// Hands upgraded WebSockets to the peer. Cheap to clone.
#[derive(Clone)]
pub struct WebSocketDoor {}

impl WebSocketDoor {
    /// Takes a byte stream after its HTTP upgrade (server side, frames not yet read). `false`: the peer is full or stopped.
    pub fn enter<S>(&self, stream: S, remote: SocketAddr) -> bool
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let _ = (stream, remote);
        todo!()
    }
}

/// The peer's side of the door.
pub(crate) struct DoorReceiver {
    address: Multiaddr,
}

/// A door that counts as listening on `address` (`/ip4/…/tcp/…/ws`). Put `address` among the listen addresses, too.
pub(crate) fn door(address: Multiaddr) -> (WebSocketDoor, DoorReceiver) {
    (WebSocketDoor {}, DoorReceiver { address })
}
