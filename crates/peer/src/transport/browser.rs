//! Browser transports: WebSocket and WebRTC-direct, whichever of them the browser has.
//!
//! WebRTC is libp2p's stock transport, WebSocket our own (`websocket`): the stock one registers no waker for a refused
//! dial or a closed socket, and flushes on a timer. Either is built only when the browser has the API behind it; the
//! WebRTC one panics without. Closing waits for the other side, which may be dead: after a moment a connection counts as
//! closed anyway (`Prompt`), or nobody would learn that it was lost.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox};
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::transport::{Transport, TransportError};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, noise, webrtc_websys, yamux};
use wasm_bindgen::JsValue;

use super::websocket::WebSockets;
use super::{Carrier, Timer};
use crate::mesh::SpawnError;

/// The transports this browser has, as one.
///
/// # Errors
/// [`SpawnError::NoTransport`] when it has none.
pub(super) fn carrier(keypair: &Keypair) -> Result<Carrier, SpawnError> {
    let websocket = if has("WebSocket") {
        Some(websocket(keypair)?)
    } else {
        None
    };
    // The stock transport asks the window for the browser's name, so there must be one (no worker).
    let webrtc = (has("RTCPeerConnection") && web_sys::window().is_some())
        .then(|| webrtc_websys::Transport::new(webrtc_websys::Config::new(keypair)).boxed());
    let all = match (websocket, webrtc) {
        (Some(one), Some(other)) => one
            .or_transport(other)
            .map(|either, _| either.into_inner())
            .boxed(),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return Err(SpawnError::NoTransport(NO_API.to_owned())),
    };
    let all = all.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(Prompt::new(muxer))));
    Ok(TransportTimeout::with_outgoing_timeout(all, DIAL_LIMIT).boxed())
}

/// Nothing to ask here: listening is refused by the transports.
///
/// # Errors
/// Never.
pub(super) fn probe(_: &Multiaddr, _: Option<&Multiaddr>) -> Result<(), TransportError<io::Error>> {
    Ok(())
}

/// The executor of the swarm's connection tasks.
pub(super) fn swarm_config() -> libp2p::swarm::Config {
    libp2p::swarm::Config::with_wasm_executor()
}

fn websocket(keypair: &Keypair) -> Result<Carrier, SpawnError> {
    let noise = noise::Config::new(keypair)
        .map_err(|error| SpawnError::Identity(format!("the key does not sign: {error}")))?;
    Ok(WebSockets
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed())
}

/// Does the global object have a constructor of this name?
fn has(name: &str) -> bool {
    js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str(name))
        .is_ok_and(|value| value.is_function())
}

/// A connection that closes within [`CLOSE_LIMIT`], whatever the other side does.
struct Prompt {
    muxer: StreamMuxerBox,
    closing: Option<Timer>,
}

impl Prompt {
    fn new(muxer: StreamMuxerBox) -> Self {
        Self {
            muxer,
            closing: None,
        }
    }
}

impl StreamMuxer for Prompt {
    type Substream = SubstreamBox;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<SubstreamBox>> {
        Pin::new(&mut self.muxer).poll_inbound(cx)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<SubstreamBox>> {
        Pin::new(&mut self.muxer).poll_outbound(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.muxer).poll(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(closed) = Pin::new(&mut self.muxer).poll_close(cx) {
            return Poll::Ready(closed);
        }
        let limit = self.closing.get_or_insert_with(|| Timer::new(CLOSE_LIMIT));
        Pin::new(limit).poll(cx).map(Ok)
    }
}

/// What a page says to people whose browser has neither API.
const NO_API: &str =
    "this browser has neither WebSocket nor WebRTC; use a current Firefox, Chrome, Edge or Safari";
/// A dial of either transport, with its handshakes; a dead relay would else hang ten seconds.
const DIAL_LIMIT: Duration = Duration::from_secs(2);
/// For the farewell of a connection: a loopback or local round trip, many times over.
const CLOSE_LIMIT: Duration = Duration::from_millis(250);
