//! A door for WebSockets that someone else's HTTP server has accepted and upgraded.
//!
//! `HTTP server -> WebSocketDoor::enter(stream) -> bounded backlog -> Receiver (a transport) -> noise -> yamux -> swarm`
//!
//! So libp2p shares the server's port and its checks of Host and Origin. The door itself checks nothing about HTTP;
//! what comes in is bounded in number (backlog) and in size (frames) before libp2p sees it.

use std::future::Pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncWrite, FutureExt, Sink, Stream};
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use libp2p::multiaddr::Protocol;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// Hands upgraded WebSockets to the peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebSocketDoor {
    entered: mpsc::Sender<Entered>,
}

impl WebSocketDoor {
    /// Takes a byte stream after its HTTP upgrade (server side, frames not yet read). `false`: the peer is full or
    /// stopped, and the stream is dropped.
    #[must_use]
    pub fn enter<S>(&self, stream: S, remote: SocketAddr) -> bool
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let stream: Upgraded = Box::new(stream);
        self.entered.try_send(Entered { stream, remote }).is_ok()
    }
}

/// A door that counts as listening on `address` (`/ip4/…/tcp/…/ws`). Put `address` among the listen addresses, too.
pub(crate) fn door(address: Multiaddr) -> (WebSocketDoor, DoorReceiver) {
    let (entered, backlog) = mpsc::channel(BACKLOG);
    let receiver = DoorReceiver {
        address,
        backlog,
        listener: Listener::None,
    };
    (WebSocketDoor { entered }, receiver)
}

/// The peer's side of the door: a transport that listens on the door's address and on nothing else.
pub(crate) struct DoorReceiver {
    address: Multiaddr,
    backlog: mpsc::Receiver<Entered>,
    listener: Listener,
}

impl DoorReceiver {
    /// Where the door counts as listening.
    pub(crate) fn address(&self) -> &Multiaddr {
        &self.address
    }
}

/// Whether libp2p listens, and what it was not told yet.
enum Listener {
    None,
    Opening(ListenerId),
    Open(ListenerId),
    Closing(ListenerId),
}

impl Transport for DoorReceiver {
    type Output = Framed;
    type Error = io::Error;
    type ListenerUpgrade = BoxFuture<'static, io::Result<Framed>>;
    type Dial = Pending<io::Result<Framed>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        if address != self.address || !matches!(self.listener, Listener::None) {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.listener = Listener::Opening(id);
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        match self.listener {
            Listener::Opening(own) | Listener::Open(own) if own == id => {
                self.listener = Listener::Closing(id);
                self.backlog.close();
                true
            }
            Listener::None | Listener::Opening(_) | Listener::Open(_) | Listener::Closing(_) => {
                false
            }
        }
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        match self.listener {
            Listener::None => Poll::Pending,
            Listener::Opening(listener_id) => {
                self.listener = Listener::Open(listener_id);
                let listen_addr = self.address.clone();
                Poll::Ready(TransportEvent::NewAddress {
                    listener_id,
                    listen_addr,
                })
            }
            Listener::Open(listener_id) => match ready!(self.backlog.poll_recv(cx)) {
                Some(entered) => Poll::Ready(TransportEvent::Incoming {
                    listener_id,
                    local_addr: self.address.clone(),
                    send_back_addr: address_of(entered.remote),
                    upgrade: Framed::new(entered.stream).map(Ok).boxed(),
                }),
                None => {
                    self.listener = Listener::Closing(listener_id);
                    let listen_addr = self.address.clone();
                    Poll::Ready(TransportEvent::AddressExpired {
                        listener_id,
                        listen_addr,
                    })
                }
            },
            Listener::Closing(listener_id) => {
                self.listener = Listener::None;
                Poll::Ready(TransportEvent::ListenerClosed {
                    listener_id,
                    reason: Ok(()),
                })
            }
        }
    }
}

/// A stream that waits in the backlog.
struct Entered {
    stream: Upgraded,
    remote: SocketAddr,
}

/// A byte stream whose HTTP upgrade is done.
type Upgraded = Box<dyn Duplex>;

/// What the HTTP server hands over.
trait Duplex: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Duplex for S {}

/// The bytes inside a WebSocket's binary messages.
pub(crate) struct Framed {
    socket: WebSocketStream<Upgraded>,
    /// Rest of the message being read.
    unread: Bytes,
}

impl Framed {
    async fn new(stream: Upgraded) -> Self {
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, frame_limits()).await;
        Self {
            socket,
            unread: Bytes::new(),
        }
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(0)),
                // Answered by the library at the next write or read.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    let told = "libp2p speaks binary messages only";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, told)));
                }
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let len = self.unread.len().min(buffer.len());
        buffer[..len].copy_from_slice(&self.unread.split_to(len));
        Poll::Ready(Ok(len))
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io_error)?;
        let bytes = &bytes[..bytes.len().min(MAX_SENT)];
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        Pin::new(&mut self.socket)
            .start_send(message)
            .map_err(io_error)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io_error)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        // A foreign enum with many variants, all of them the neighbour's bad frames.
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn address_of(remote: SocketAddr) -> Multiaddr {
    Multiaddr::from(remote.ip())
        .with(Protocol::Tcp(remote.port()))
        .with(Protocol::Ws("/".into()))
}

fn frame_limits() -> Option<WebSocketConfig> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(READ_BUFFER)
        .max_write_buffer_size(MAX_UNSENT)
        .max_message_size(Some(MAX_RECEIVED))
        .max_frame_size(Some(MAX_RECEIVED));
    Some(config)
}

/// Upgraded streams that may wait for the swarm; a guess, far above what one poll leaves behind.
const BACKLOG: usize = 64;
/// Buffer per connection and direction. The library's default of 128 KiB would cost a thousand tabs 256 MiB.
const READ_BUFFER: usize = 8 * 1024;
/// Longest message sent: one noise record (64 KiB) with its length fits two.
const MAX_SENT: usize = 64 * 1024;
/// Longest message taken: browsers' stock transport writes at most this much at once.
const MAX_RECEIVED: usize = 1024 * 1024;
/// Bytes that may wait for a slow socket before writing fails; writing stops at the first that does not go out.
const MAX_UNSENT: usize = 4 * MAX_SENT;
