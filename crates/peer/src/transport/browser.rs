//! Browser transports: WebSocket and WebRTC-direct, whichever of them the browser has.
//!
//! A tab only dials, so there is one transport that does: WebRTC by libp2p's own, WebSocket by ours (`websocket`: the
//! stock one registers no waker for a refused dial or a closed socket, and flushes on a timer). WebRTC is tried only when
//! the browser has the API behind it; it panics without. Closing waits for the other side, which may be dead: after a
//! moment a connection counts as closed anyway (`Prompt`), or nobody would learn that it was lost.

use std::future::{Future, Pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{Either, select};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox};
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use libp2p::core::upgrade::{OutboundConnectionUpgrade, UpgradeInfo, Version};
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId, noise, webrtc_websys, yamux};
use multistream_select::{Negotiated, dialer_select_proto};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use super::websocket::open;
use super::websocket_url::url;
use super::{Carrier, Timer};
use crate::mesh::SpawnError;

/// The transports this browser has, as one.
///
/// # Errors
/// [`SpawnError::NoTransport`] when it has none.
pub(super) fn carrier(keypair: &Keypair) -> Result<Carrier, SpawnError> {
    let noise = noise::Config::new(keypair)
        .map_err(|error| SpawnError::Identity(format!("the key does not sign: {error}")))?;
    // The stock transport asks the window for the browser's name, so there must be one (no worker).
    let webrtc = (has("RTCPeerConnection") && web_sys::window().is_some())
        .then(|| webrtc_websys::Transport::new(webrtc_websys::Config::new(keypair)));
    let websocket = has("WebSocket").then_some(noise);
    if websocket.is_none() && webrtc.is_none() {
        return Err(SpawnError::NoTransport(NO_API.to_owned()));
    }
    Ok(Dialler { websocket, webrtc }.boxed())
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

/// Dials over what there is.
struct Dialler {
    /// What secures a WebSocket; WebRTC does it itself.
    websocket: Option<noise::Config>,
    webrtc: Option<webrtc_websys::Transport>,
}

type Dial = Pin<Box<dyn Future<Output = io::Result<(PeerId, StreamMuxerBox)>> + Send>>;

impl Dialler {
    fn start(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Dial, TransportError<io::Error>> {
        if let (Some(noise), Some(url)) = (&self.websocket, url(&address)) {
            return Ok(Box::pin(secured(url, noise.clone())));
        }
        let Some(webrtc) = &mut self.webrtc else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let dial = webrtc.dial(address, options);
        let dial = dial.map_err(|error| error.map(io::Error::other))?;
        Ok(Box::pin(async {
            let (peer, muxer) = dial.await.map_err(io::Error::other)?;
            Ok((peer, StreamMuxerBox::new(muxer)))
        }))
    }
}

impl Transport for Dialler {
    type Output = (PeerId, StreamMuxerBox);
    type Error = io::Error;
    type ListenerUpgrade = Pending<io::Result<Self::Output>>;
    type Dial = Dial;

    fn listen_on(
        &mut self,
        _: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn remove_listener(&mut self, _: ListenerId) -> bool {
        false
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Dial, TransportError<io::Error>> {
        let dial = self.start(address, options)?;
        Ok(Box::pin(async {
            match select(dial, Timer::new(DIAL_LIMIT)).await {
                Either::Left((made, _)) => {
                    let (peer, muxer) = made?;
                    Ok((peer, StreamMuxerBox::new(Prompt::new(muxer))))
                }
                Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        }))
    }

    fn poll(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Poll::Pending
    }
}

/// Noise and yamux over a WebSocket, as whoever dials speaks them.
async fn secured(url: String, noise: noise::Config) -> io::Result<(PeerId, StreamMuxerBox)> {
    let socket = SendWrapper::new(open(url)).await?;
    let (name, stream) = agree(SubstreamBox::new(socket), &noise).await?;
    let secured = noise.upgrade_outbound(stream, name).await;
    let (peer, stream) = secured.map_err(io::Error::other)?;
    let yamux = yamux::Config::default();
    let (name, stream) = agree(SubstreamBox::new(stream), &yamux).await?;
    let muxer = yamux.upgrade_outbound(stream, name).await?;
    Ok((peer, StreamMuxerBox::new(muxer)))
}

/// Proposes the protocol to the other side, without waiting for its answer: it speaks only this one.
async fn agree<P: UpgradeInfo>(
    stream: SubstreamBox,
    protocol: &P,
) -> io::Result<(P::Info, Negotiated<SubstreamBox>)> {
    Ok(dialer_select_proto(stream, protocol.protocol_info(), Version::V1Lazy).await?)
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
