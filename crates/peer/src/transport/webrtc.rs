//! The native side of WebRTC-direct: a listener for browsers, with what its library leaves to its user.
//!
//! A connection is left alone for a moment after its handshake ([`settle`]) and closed whatever ends it ([`Closing`]);
//! handshakes that nobody finishes are bounded ([`Unfinished`]).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, Pending, poll_fn};
use libp2p::Multiaddr;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent};
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use libp2p::identity::Keypair;
use tokio::runtime::Handle;
use tokio::time::Sleep;

use super::Carrier;

/// The listener as a transport.
pub(super) fn carrier(
    keypair: &Keypair,
    certificate: libp2p_webrtc::tokio::Certificate,
) -> Carrier {
    let transport = libp2p_webrtc::tokio::Transport::new(keypair.clone(), certificate);
    let inner = ListenOnly {
        inner: transport,
        unfinished: Arc::default(),
    };
    inner
        .and_then(|((peer, connection), took), _| async move {
            let connection = Closing::new(connection);
            tokio::time::sleep(settle(took)).await;
            Ok::<_, io::Error>((peer, StreamMuxerBox::new(connection)))
        })
        .boxed()
}

/// How long to leave a WebRTC connection alone after a handshake that took so long. Streams opened before the browser
/// listens for them are lost, and its gossip with them for ten seconds; it does so half a round trip after us. The
/// handshake (ICE, DTLS, SCTP, Noise) has at least six of them.
fn settle(handshake: Duration) -> Duration {
    (handshake / 4).max(MIN_SETTLE)
}

/// A transport that only listens, and tells how long each handshake took. Native WebRTC dials lose streams (measured:
/// half of them end up mute), and a native peer has QUIC and TCP for what WebRTC would give it.
struct ListenOnly<T> {
    inner: T,
    unfinished: Arc<Unfinished>,
}

impl<T> Transport for ListenOnly<T>
where
    T: Transport + Unpin,
    T::Error: Send + Sync + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    type Output = (T::Output, Duration);
    type Error = io::Error;
    type ListenerUpgrade = BoxFuture<'static, io::Result<Self::Output>>;
    type Dial = Pending<io::Result<Self::Output>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        let listened = self.inner.listen_on(id, address);
        listened.map_err(|error| error.map(io::Error::other))
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
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
        let event = Pin::new(&mut self.inner).poll(cx);
        let unfinished = Arc::clone(&self.unfinished);
        let timed = |upgrade: T::ListenerUpgrade| -> Self::ListenerUpgrade {
            Box::pin(async move {
                let start = Instant::now();
                let begun = unfinished.begin(start)?;
                let output = upgrade.await.map_err(io::Error::other)?;
                begun.finish();
                Ok((output, start.elapsed()))
            })
        };
        event.map(|event| event.map_upgrade(timed).map_err(io::Error::other))
    }
}

/// Handshakes begun and not finished. What the library has allocated for one stays until the program ends (measured: a
/// socket and 110 KB), and a single datagram begins one. So their number is bounded, and grows slowly with time.
struct Unfinished {
    count: AtomicU64,
    since: Instant,
}

impl Default for Unfinished {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            since: Instant::now(),
        }
    }
}

impl Unfinished {
    /// Counts one more until it is finished.
    ///
    /// # Errors
    /// Too many were not finished. Tabs join by WebSocket then.
    fn begin(self: &Arc<Self>, now: Instant) -> io::Result<Begun> {
        let passed = now.saturating_duration_since(self.since).as_secs();
        let most = MOST_UNFINISHED + passed / ONE_MORE_AFTER.as_secs();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let begun = Begun(Arc::clone(self));
        if count < most {
            return Ok(begun);
        }
        begun.finish();
        Err(io::Error::other(
            "too many WebRTC handshakes were never finished",
        ))
    }
}

/// One of them. Dropped, it stays counted.
struct Begun(Arc<Unfinished>);

impl Begun {
    fn finish(self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that is closed when it is dropped. The swarm closes what it ends itself and drops what failed; but a
/// WebRTC connection that was never closed stays in memory with its tasks and a socket for the names of its neighbours.
///
/// Closing waits for a lock that a stream holds while it is being opened, and nobody goes on opening streams of what is
/// being closed. So it has an end here, and streams are looked after once more behind it.
struct Closing<M: StreamMuxer + Send + Unpin + 'static> {
    muxer: Option<M>,
    /// Since it is being closed.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<M: StreamMuxer + Send + Unpin + 'static> Closing<M> {
    fn new(muxer: M) -> Self {
        Self {
            muxer: Some(muxer),
            patience: None,
        }
    }

    fn inner(&mut self) -> Pin<&mut M> {
        Pin::new(self.muxer.as_mut().expect("taken by drop alone"))
    }
}

impl<M: StreamMuxer + Send + Unpin + 'static> StreamMuxer for Closing<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<M::Substream, M::Error>> {
        self.inner().poll_inbound(cx)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<M::Substream, M::Error>> {
        self.inner().poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        if let Poll::Ready(closed) = self.inner().poll_close(cx) {
            return Poll::Ready(closed);
        }
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_LIMIT)));
        patience.as_mut().poll(cx).map(Ok)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, M::Error>> {
        self.inner().poll(cx)
    }
}

impl<M: StreamMuxer + Send + Unpin + 'static> Drop for Closing<M> {
    fn drop(&mut self) {
        // Without a runtime the program is about to end.
        let (Some(mut muxer), Ok(runtime)) = (self.muxer.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            let closed = poll_fn(|cx| {
                let closed = Pin::new(&mut muxer).poll_close(cx);
                if closed.is_pending() {
                    // A stream may be half open; what it becomes is nobody's any more.
                    let _ = Pin::new(&mut muxer).poll_outbound(cx);
                }
                closed
            });
            // It may be closed already, or its other end be gone: nobody is left to be told.
            let _ = tokio::time::timeout(CLOSE_LIMIT, closed).await;
        });
    }
}

/// Handshakes that may stay unfinished: 28 MB of them, and a quarter of the descriptors a process usually may have.
const MOST_UNFINISHED: u64 = 256;
/// Browsers that vanish in a handshake must not shut the door for good.
const ONE_MORE_AFTER: Duration = Duration::from_secs(600);
/// A WebRTC connection is left alone at least so long after its handshake.
const MIN_SETTLE: Duration = Duration::from_millis(20);
/// Closing tells the other end, which may not answer.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    /// Tells when it is closed; while it opens a stream it cannot be.
    struct Told {
        tell: UnboundedSender<()>,
        is_opening: bool,
    }

    impl StreamMuxer for Told {
        type Substream = Cursor<Vec<u8>>;
        type Error = io::Error;

        fn poll_inbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<Cursor<Vec<u8>>>> {
            Poll::Pending
        }
        fn poll_outbound(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<Cursor<Vec<u8>>>> {
            self.is_opening = false;
            cx.waker().wake_by_ref();
            Poll::Ready(Ok(Cursor::default()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.is_opening {
                return Poll::Pending;
            }
            Poll::Ready(self.tell.send(()).map_err(io::Error::other))
        }
        fn poll(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<StreamMuxerEvent, io::Error>> {
            Poll::Pending
        }
    }

    fn told(is_opening: bool) -> (Closing<Told>, UnboundedReceiver<()>) {
        let (tell, told) = unbounded_channel();
        (Closing::new(Told { tell, is_opening }), told)
    }

    #[tokio::test]
    async fn a_dropped_connection_is_closed() {
        let (closing, mut told) = told(false);
        drop(StreamMuxerBox::new(closing));
        assert_eq!(told.recv().await, Some(()));
        assert_eq!(told.recv().await, None, "closed once, then let go");
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_although_a_stream_is_being_opened_which_is_seen_to_behind_it() {
        let (mut closing, mut told) = told(true);
        let start = tokio::time::Instant::now();
        let ended = poll_fn(|cx| Pin::new(&mut closing).poll_close(cx)).await;
        assert!(ended.is_ok());
        assert_eq!(start.elapsed(), CLOSE_LIMIT);
        assert!(told.try_recv().is_err(), "not closed yet");
        drop(closing);
        assert_eq!(told.recv().await, Some(()));
    }

    #[test]
    fn the_end_of_the_runtime_is_no_harm() {
        let (closing, mut told) = told(false);
        drop(closing);
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn unfinished_handshakes_are_bounded_and_finished_ones_are_not() {
        let unfinished = Arc::new(Unfinished::default());
        let start = unfinished.since;
        for _ in 0..MOST_UNFINISHED {
            unfinished.begin(start).unwrap().finish();
        }
        for _ in 0..MOST_UNFINISHED {
            drop(unfinished.begin(start).unwrap());
        }
        assert!(unfinished.begin(start).is_err());
        assert!(unfinished.begin(start).is_err(), "a refusal costs nothing");
        let later = start + ONE_MORE_AFTER;
        assert!(unfinished.begin(later).is_ok());
        assert!(unfinished.begin(later).is_err());
    }

    #[test]
    fn a_slow_handshake_is_given_more_time() {
        assert_eq!(settle(Duration::ZERO), MIN_SETTLE);
        assert_eq!(
            settle(Duration::from_millis(400)),
            Duration::from_millis(100)
        );
    }
}
