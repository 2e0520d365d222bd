//! Swarms over memory that ask each other, and a neighbour that keeps to no rule. The clock is virtual: time passes only
//! when nobody can go on.

use std::future::poll_fn;
use std::pin::Pin;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::io::Cursor;
use libp2p::core::Endpoint;
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};
use libp2p::core::transport::{Boxed, DialOpts, MemoryTransport, PortUse, Transport};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, NetworkBehaviour, Swarm, SwarmEvent, dummy};
use libp2p::{Multiaddr, PeerId, noise, yamux};
use tokio::time::{Instant, timeout};

use super::*;
use crate::behaviour::neighbours::{Behaviour, Event};
use crate::mesh::Limits;

/// Longer than anything here may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Both sides of the negotiation of a stream say the same.
const HANDSHAKE: &[u8] = b"\x13/multistream/1.0.0\n\x16/statemesh/catch-up/1\n";

/// A swarm at work; it ends when this is dropped.
struct Peer {
    id: PeerId,
    address: Multiaddr,
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<Event>,
    met: mpsc::UnboundedReceiver<PeerId>,
}

enum Order {
    Dial(Multiaddr),
    Ask(PeerId, Vec<u8>),
}

impl Peer {
    async fn new() -> Self {
        let mut swarm = swarm(Behaviour::new(Limits::default(), None));
        let address = listen(&mut swarm).await;
        let (orders, mut ordered) = mpsc::unbounded();
        let (told, events) = mpsc::unbounded();
        let (meeting, met) = mpsc::unbounded();
        let id = *swarm.local_peer_id();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    order = ordered.next() => match order {
                        Some(Order::Dial(address)) => swarm.dial(address).unwrap(),
                        Some(Order::Ask(peer, question)) => swarm.behaviour_mut().ask(peer, question),
                        None => return,
                    },
                    event = swarm.select_next_some() => match event {
                        // A test that has heard enough does not listen any more.
                        SwarmEvent::Behaviour(event) => drop(told.unbounded_send(event)),
                        SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                            // Nobody pings here.
                            swarm.behaviour_mut().exempt(connection_id);
                            drop(meeting.unbounded_send(peer_id));
                        }
                        _ => {}
                    },
                }
            }
        });
        Self {
            id,
            address,
            orders,
            events,
            met,
        }
    }

    /// Another one, connected to this.
    async fn neighbour(&mut self) -> Self {
        let mut other = Self::new().await;
        other.dial(&self.address).await;
        in_time(self.met.next()).await.unwrap();
        other
    }

    async fn dial(&mut self, address: &Multiaddr) {
        let order = Order::Dial(address.clone());
        self.orders.unbounded_send(order).unwrap();
        in_time(self.met.next()).await.unwrap();
    }

    fn ask(&self, peer: PeerId, question: &[u8]) {
        let order = Order::Ask(peer, question.to_vec());
        self.orders.unbounded_send(order).unwrap();
    }

    async fn hear(&mut self) -> Event {
        in_time(self.events.next()).await.unwrap()
    }

    async fn asked(&mut self) -> (PeerId, Vec<u8>, Responder) {
        match self.hear().await {
            Event::Said(peer, Word::Asked(question, responder)) => (peer, question, responder),
            other => panic!("asked expected: {other:?}"),
        }
    }

    /// The answer, or `None` for none, and how long it took.
    async fn told(&mut self) -> (Option<Vec<u8>>, Duration) {
        let since = Instant::now();
        match self.hear().await {
            Event::Said(_, Word::Told(answer)) => (Some(answer), since.elapsed()),
            Event::Said(_, Word::Untold) => (None, since.elapsed()),
            other => panic!("an answer expected: {other:?}"),
        }
    }

    /// It answers another one's question as if nothing was the matter.
    async fn serves(&mut self, other: &mut Peer) {
        other.ask(self.id, b"well?");
        let (_, question, responder) = self.asked().await;
        assert_eq!(question, b"well?");
        responder.send(b"well.".to_vec()).unwrap();
        assert_eq!(
            other.told().await,
            (Some(b"well.".to_vec()), Duration::ZERO)
        );
    }

    /// Nothing was heard but what was taken.
    fn is_silent(&mut self) -> bool {
        self.events.try_recv().is_err()
    }
}

fn swarm<B: NetworkBehaviour>(behaviour: B) -> Swarm<B> {
    let keypair = Keypair::generate_ed25519();
    let config = Config::with_tokio_executor().with_idle_connection_timeout(DEADLINE * 10);
    let id = keypair.public().to_peer_id();
    Swarm::new(carrier(&keypair), behaviour, id, config)
}

fn carrier(keypair: &Keypair) -> Boxed<(PeerId, StreamMuxerBox)> {
    MemoryTransport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair).unwrap())
        .multiplex(yamux::Config::default())
        .boxed()
}

async fn listen<B: NetworkBehaviour>(swarm: &mut Swarm<B>) -> Multiaddr {
    swarm.listen_on("/memory/0".parse().unwrap()).unwrap();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return address;
        }
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("in time")
}

/// Streams of one connection to a peer, to do with what one likes. The peer hears of each when it is negotiated.
async fn streams(peer: &Peer, count: usize) -> Vec<SubstreamBox> {
    let options = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let mut carrier = carrier(&Keypair::generate_ed25519());
    let dial = carrier.dial(peer.address.clone(), options).unwrap();
    let (_, mut muxer) = in_time(dial).await.unwrap();
    let (opened, streams) = mpsc::unbounded();
    let mut left = count;
    tokio::spawn(poll_fn(move |cx| {
        while left > 0
            && let Poll::Ready(Ok(stream)) = muxer.poll_outbound_unpin(cx)
        {
            left -= 1;
            opened.unbounded_send(stream).unwrap();
        }
        muxer.poll_unpin(cx).map(drop)
    }));
    streams.take(count).collect().await
}

async fn negotiate(stream: &mut SubstreamBox) {
    say(stream, HANDSHAKE).await;
    let mut answer = vec![0; HANDSHAKE.len()];
    in_time(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, HANDSHAKE);
}

async fn say(stream: &mut SubstreamBox, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
}

/// Waits until the other side has ended the stream without a word more; how long it took.
async fn ended(stream: &mut SubstreamBox) -> Duration {
    let since = Instant::now();
    let mut rest = Vec::new();
    // Whether it was closed or reset is the same.
    let _ = in_time(stream.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    since.elapsed()
}

/// A stream that holds back what is written until it is flushed or full, and then sends it as one message: libp2p's over
/// WebRTC.
#[derive(Default)]
struct Messages {
    held: usize,
    sent: usize,
}

impl Messages {
    /// Largest message there is.
    const LARGEST: usize = 16 << 10;
    /// What the envelope adds to a part of it.
    const ENVELOPE: usize = 5;

    fn send(&mut self) -> io::Result<()> {
        let message = std::mem::take(&mut self.held);
        self.sent += message;
        match message <= Self::LARGEST {
            true => Ok(()),
            false => Err(io::Error::other(
                "outbound packet larger than maximum message size",
            )),
        }
    }
}

impl AsyncWrite for Messages {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.held >= Self::LARGEST - Self::ENVELOPE {
            self.send()?;
        }
        let part = bytes.len().min(Self::LARGEST - Self::ENVELOPE);
        self.held += part + Self::ENVELOPE;
        Poll::Ready(Ok(part))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.send())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[test]
fn an_answer_of_any_length_goes_over_webrtc() {
    for length in [0, 1, Messages::LARGEST - 4, Messages::LARGEST, MAX_REPLY] {
        let mut messages = Messages::default();
        let written = block_on(write(&mut messages, &vec![0; length]));
        assert!(written.is_ok(), "{length} bytes: {written:?}");
        assert!(messages.sent > length);
    }
}

#[tokio::test(start_paused = true)]
async fn each_asks_the_other() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    for _ in 0..3 {
        a.serves(&mut b).await;
        b.serves(&mut a).await;
    }
    let (question, answer) = (vec![1; MAX_REQUEST], vec![2; MAX_REPLY]);
    a.ask(b.id, &question);
    let (peer, asked, responder) = b.asked().await;
    assert!(peer == a.id && asked == question);
    responder.send(answer.clone()).unwrap();
    assert!(a.told().await.0 == Some(answer));
    assert!(a.is_silent() && b.is_silent());
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_ends_the_question() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    a.ask(PeerId::random(), b"not connected");
    assert_eq!(a.told().await, (None, Duration::ZERO));

    a.ask(b.id, b"a dropped responder refuses");
    drop(b.asked().await);
    assert_eq!(a.told().await, (Some(Vec::new()), Duration::ZERO));

    a.ask(b.id, &vec![0; MAX_REQUEST + 1]);
    assert_eq!(a.told().await, (None, Duration::ZERO));
    a.ask(b.id, b"an answer that is too long");
    let (_, _, responder) = b.asked().await;
    responder.send(vec![0; MAX_REPLY + 1]).unwrap();
    assert_eq!(a.told().await, (None, Duration::ZERO));

    a.ask(b.id, b"no answer");
    let (_, _, late) = b.asked().await;
    let (answer, took) = a.told().await;
    assert!(
        answer.is_none() && took >= LIMIT && took < LIMIT * 2,
        "{took:?}"
    );
    let _ = late.send(b"too late".to_vec());
    a.serves(&mut b).await;

    a.ask(b.id, b"one");
    a.ask(b.id, b"two");
    let _open = (b.asked().await, b.asked().await);
    drop(b);
    for _ in 0..2 {
        assert_eq!(
            a.told().await,
            (None, Duration::ZERO),
            "the connection is gone"
        );
    }
    assert!(a.is_silent());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_speak_it_is_known_at_once() {
    let mut other = swarm(dummy::Behaviour);
    let address = listen(&mut other).await;
    let id = *other.local_peer_id();
    let other = tokio::spawn(async move {
        loop {
            other.select_next_some().await;
        }
    });
    let mut a = Peer::new().await;
    a.dial(&address).await;
    a.ask(id, b"question");
    assert_eq!(a.told().await, (None, Duration::ZERO));
    other.abort();
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_too_long_ends_the_stream() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    for length in [MAX_REQUEST as u32 + 1, u32::MAX] {
        let mut stream = streams(&a, 1).await.remove(0);
        negotiate(&mut stream).await;
        say(&mut stream, &length.to_be_bytes()).await;
        assert_eq!(ended(&mut stream).await, Duration::ZERO);
    }
    a.serves(&mut b).await;
}

#[tokio::test(start_paused = true)]
async fn streams_that_stay_silent_end_and_harm_nobody_else() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    let mut silent = streams(&a, STREAMS).await;
    for stream in &mut silent {
        negotiate(stream).await;
    }
    say(&mut silent[1], &[0, 0]).await;
    say(&mut silent[2], b"\0\0\0\x09half").await;
    a.serves(&mut b).await;
    let took = ended(&mut silent[0]).await;
    assert!(took >= LIMIT && took < LIMIT * 2, "{took:?}");
    for stream in &mut silent[1..] {
        assert_eq!(ended(stream).await, Duration::ZERO);
    }
    a.serves(&mut b).await;
    assert!(a.is_silent());
}

#[tokio::test(start_paused = true)]
async fn streams_beyond_the_allowed_ones_are_dropped() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    let mut open = streams(&a, STREAMS + 3).await;
    for stream in &mut open {
        negotiate(stream).await;
    }
    for stream in &mut open[STREAMS..] {
        assert_eq!(ended(stream).await, Duration::ZERO);
    }
    a.serves(&mut b).await;
    for stream in &mut open[..STREAMS] {
        say(stream, b"\0\0\0\x01?").await;
        let (_, question, responder) = a.asked().await;
        assert_eq!(question, b"?");
        responder.send(b"!".to_vec()).unwrap();
        let mut answer = Vec::new();
        in_time(stream.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, b"\0\0\0\x01!");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_that_close_midway_leave_room() {
    let mut a = Peer::new().await;
    let mut b = a.neighbour().await;
    // Each would hold its place for seconds if its end went unnoticed.
    for stream in &mut streams(&a, STREAMS * 3).await {
        negotiate(stream).await;
        say(stream, b"\0\0\0\x09half").await;
        stream.close().await.unwrap();
        assert_eq!(ended(stream).await, Duration::ZERO);
    }
    // Nor does it matter that an answer cannot be delivered any more.
    for mut stream in streams(&a, STREAMS * 3).await {
        negotiate(&mut stream).await;
        say(&mut stream, b"\0\0\0\x01?").await;
        let (_, _, responder) = a.asked().await;
        drop(stream);
        let _ = responder.send(vec![0; MAX_REPLY]);
        a.serves(&mut b).await;
    }
    assert!(a.is_silent());
}

#[test]
fn lengths_are_kept_and_lies_about_them_refused() {
    let mut wire = Cursor::new(Vec::new());
    block_on(write(&mut wire, b"hello")).unwrap();
    let bytes = wire.into_inner();
    let told = |bytes: &[u8], most| block_on(read(&mut Cursor::new(bytes.to_vec()), most));
    assert_eq!(told(&bytes, 5).unwrap(), b"hello");
    assert!(told(&bytes, 4).is_err(), "more than allowed");
    assert!(told(&bytes[..8], 5).is_err(), "less than promised");
    assert!(told(&[0xff; 4], MAX_REPLY).is_err());
}
