//! Two and three real swarms over every carrier, and what is refused.
#![cfg(not(target_arch = "wasm32"))]

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::{Event, MessageAcceptance};
use libp2p::swarm::{ListenError, SwarmEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;
use crate::behaviour::{BehaviourEvent, Refusal, refusal};
use crate::behaviour::{neighbours, signature};
use crate::door::{WebSocketDoor, door};

/// Ten times what the slowest of these takes on an idle machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Peer {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
}

fn config(listen: &[&str]) -> SwarmConfig {
    SwarmConfig {
        identity: Identity::generate(),
        topic: "mesh".to_owned(),
        listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
        limits: Limits::default(),
        members: None,
        certificate_dir: None,
        door: None,
    }
}

impl Peer {
    fn new(config: SwarmConfig) -> Self {
        let Built {
            mut swarm, topic, ..
        } = build(config).unwrap();
        let gossipsub = &mut swarm.behaviour_mut().gossipsub;
        gossipsub.subscribe(&topic).unwrap();
        Self { swarm, topic }
    }

    fn id(&self) -> libp2p::PeerId {
        *self.swarm.local_peer_id()
    }

    /// Next event; pings are told to the neighbours' part, and messages judged: what says "bad" is refused.
    async fn step(&mut self) -> SwarmEvent<BehaviourEvent> {
        let event = self.swarm.select_next_some().await;
        let behaviour = self.swarm.behaviour_mut();
        match &event {
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping)) if ping.result.is_ok() => {
                behaviour.neighbours.pong(ping.connection);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(Event::Message {
                propagation_source,
                message_id,
                message,
            })) => {
                let verdict = if message.data.starts_with(b"bad") {
                    MessageAcceptance::Ignore
                } else {
                    MessageAcceptance::Accept
                };
                behaviour.gossipsub.report_message_validation_result(
                    message_id,
                    propagation_source,
                    verdict,
                );
            }
            _ => {}
        }
        event
    }

    async fn address(&mut self) -> Multiaddr {
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = self.step().await {
                return address;
            }
        }
    }

    /// Serves until the future is done.
    async fn serve_until<T>(&mut self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            tokio::select! {
                value = &mut done => return value,
                _ = self.step() => {}
            }
        }
    }

    /// Waits until the neighbour is known to follow the topic.
    async fn neighbour(&mut self) {
        loop {
            let event = self.step().await;
            if let SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(Event::Subscribed { .. })) =
                event
            {
                return;
            }
        }
    }

    fn publish(&mut self, data: &[u8]) {
        let topic = self.topic.clone();
        let published = self.swarm.behaviour_mut().gossipsub.publish(topic, data);
        published.unwrap();
    }

    async fn message(&mut self) -> Vec<u8> {
        loop {
            let event = self.step().await;
            if let SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(Event::Message {
                message,
                ..
            })) = event
            {
                let mut data = message.data;
                assert_eq!(signature::take(&mut data).len(), 64);
                return data;
            }
        }
    }

    async fn refused(&mut self) -> Refusal {
        loop {
            if let SwarmEvent::IncomingConnectionError { error, .. } = self.step().await
                && let Some(refusal) = refusal(&error)
            {
                return refusal;
            }
        }
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("in time")
}

/// The dialer says something to the listener, and the other way round.
async fn talk(mut listener: Peer, mut dialer: Peer, address: Multiaddr) {
    let expected = kind_of(&address);
    assert!(expected.is_some(), "{address}");
    dialer.swarm.dial(address).unwrap();
    in_time(async { tokio::join!(listener.neighbour(), dialer.neighbour()) }).await;
    dialer.publish(b"from the dialer");
    let heard = in_time(dialer.serve_until(listener.message())).await;
    assert_eq!(heard, b"from the dialer");
    // More than one noise record, one yamux window and one WebSocket message.
    let long = vec![7; 700_000];
    listener.publish(&long);
    assert_eq!(in_time(listener.serve_until(dialer.message())).await, long);
}

async fn talk_over(listen: &str, expected: TransportKind) {
    let mut listener = Peer::new(config(&[listen]));
    let address = in_time(listener.address()).await;
    assert_eq!(kind_of(&address), Some(expected), "{address}");
    talk(listener, Peer::new(config(&[])), address).await;
}

#[tokio::test]
async fn memory_carries_gossip() {
    talk_over("/memory/0", TransportKind::Memory).await;
}

#[tokio::test]
async fn quic_carries_gossip() {
    talk_over("/ip4/127.0.0.1/udp/0/quic-v1", TransportKind::Quic).await;
}

#[tokio::test]
async fn tcp_carries_gossip() {
    talk_over("/ip4/127.0.0.1/tcp/0", TransportKind::Tcp).await;
}

#[tokio::test]
async fn websocket_carries_gossip() {
    talk_over("/ip4/127.0.0.1/tcp/0/ws", TransportKind::WebSocket).await;
}

/// What a browser does there is tested with a browser.
#[tokio::test]
async fn webrtc_is_listened_on_but_not_dialled() {
    let listen = "/ip4/127.0.0.1/udp/0/webrtc-direct";
    let mut listener = Peer::new(config(&[listen]));
    let address = in_time(listener.address()).await;
    assert_eq!(kind_of(&address), Some(TransportKind::WebRtc));
    assert!(address.to_string().contains("/certhash/"), "{address}");
    let mut dialer = Peer::new(config(&[listen]));
    dialer.swarm.dial(address).unwrap();
    let failed = async {
        loop {
            if let SwarmEvent::OutgoingConnectionError { error, .. } = dialer.step().await {
                return error.to_string();
            }
        }
    };
    let told = in_time(failed).await;
    assert!(told.to_lowercase().contains("support"), "{told}");
}

#[tokio::test]
async fn names_are_resolved() {
    for listen in [
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/0/ws",
        "/ip4/127.0.0.1/udp/0/quic-v1",
    ] {
        let mut listener = Peer::new(config(&[listen]));
        let address = in_time(listener.address()).await.to_string();
        let named = address.replace("/ip4/127.0.0.1", "/dns4/localhost");
        talk(listener, Peer::new(config(&[])), named.parse().unwrap()).await;
    }
}

/// Reads the request's head and answers it as an HTTP server that upgrades every WebSocket.
async fn upgrade(mut stream: TcpStream) -> TcpStream {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let found = name.eq_ignore_ascii_case("sec-websocket-key");
            found.then(|| value.trim().to_owned())
        })
        .expect("a WebSocket request");
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream
}

/// A peer with a door, the door, and the HTTP server's listener in front of it.
async fn peer_with_door() -> (Peer, WebSocketDoor, TcpListener, Multiaddr) {
    let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = http.local_addr().unwrap().port();
    let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}/ws").parse().unwrap();
    let (door, receiver) = door(address.clone());
    let mut config = config(&[&address.to_string()]);
    config.door = Some(receiver);
    let mut peer = Peer::new(config);
    assert_eq!(in_time(peer.address()).await, address);
    (peer, door, http, address)
}

#[tokio::test]
async fn a_door_carries_gossip() {
    let (listener, door, http, address) = peer_with_door().await;
    tokio::spawn(async move {
        while let Ok((stream, remote)) = http.accept().await {
            assert!(door.enter(upgrade(stream).await, remote));
        }
    });
    talk(listener, Peer::new(config(&[])), address).await;
}

#[tokio::test]
async fn a_door_refuses_when_its_backlog_is_full_and_when_the_peer_is_gone() {
    let (peer, door, ..) = peer_with_door().await;
    let remote = (Ipv4Addr::LOCALHOST, 1).into();
    // Nobody polls the peer, so streams pile up; clones share one backlog.
    let mut entered = 0;
    while door.clone().enter(tokio::io::duplex(64).0, remote) {
        entered += 1;
        assert!(entered <= 1000, "no bound");
    }
    assert!(entered > 0);
    drop(peer);
    assert!(!door.enter(tokio::io::duplex(64).0, remote));
}

#[tokio::test]
async fn a_door_survives_streams_that_talk_nonsense() {
    let (mut peer, door, ..) = peer_with_door().await;
    let remote = (Ipv4Addr::LOCALHOST, 1).into();
    // A text frame, an unmasked frame, a frame of 2^62 bytes, and bytes that are no frame.
    for bytes in [
        &[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'][..],
        &[0x82, 0x02, 1, 2],
        &[0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        &[0xff; 64],
    ] {
        let (mut remote_end, own_end) = tokio::io::duplex(4096);
        assert!(door.enter(own_end, remote));
        remote_end.write_all(bytes).await.unwrap();
        let failed = async {
            loop {
                if let SwarmEvent::IncomingConnectionError { error, .. } = peer.step().await {
                    return error;
                }
            }
        };
        let error = in_time(failed).await;
        assert!(matches!(error, ListenError::Transport(_)), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_is_forwarded_before_it_was_accepted() {
    let mut middle = Peer::new(config(&["/memory/0"]));
    let address = in_time(middle.address()).await;
    let mut ends = [Peer::new(config(&[])), Peer::new(config(&[]))];
    for end in &mut ends {
        end.swarm.dial(address.clone()).unwrap();
        in_time(async { tokio::join!(middle.neighbour(), end.neighbour()) }).await;
    }
    let [mut author, mut reader] = ends;
    author.publish(b"bad news");
    author.publish(b"good news");
    let heard = author.serve_until(reader.message());
    assert_eq!(in_time(middle.serve_until(heard)).await, b"good news");
}

#[tokio::test]
async fn a_taken_port_is_an_error_on_every_carrier() {
    for listen in [
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/0/ws",
        "/ip4/127.0.0.1/udp/0/quic-v1",
        "/ip4/127.0.0.1/udp/0/webrtc-direct",
    ] {
        let mut first = Peer::new(config(&[listen]));
        let address = in_time(first.address()).await.to_string();
        // A WebRTC listener is asked for without its certificate's hash.
        let taken = address.split("/certhash").next().unwrap().to_owned();
        let error = build(config(&[&taken])).map(|_| ()).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(&taken), "{told}");
        assert!(told.contains("taken by another program"), "{told}");
    }
}

#[tokio::test]
async fn addresses_nobody_listens_on_are_told() {
    for (address, word) in [
        ("/ip4/127.0.0.1/udp/0", "no such transport"),
        ("/ip4/127.0.0.1", "no such transport"),
        ("/dns4/localhost/tcp/0", "no such transport"),
        ("/ip4/192.0.2.1/tcp/0", "no such address"),
        ("/ip4/192.0.2.1/udp/0/quic-v1", "no such address"),
    ] {
        let error = build(config(&[address])).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_and_told() {
    let mut limited = config(&["/memory/0"]);
    limited.limits.connections = 1;
    let mut listener = Peer::new(limited);
    let address = in_time(listener.address()).await;
    let mut first = Peer::new(config(&[]));
    first.swarm.dial(address.clone()).unwrap();
    in_time(async { tokio::join!(listener.neighbour(), first.neighbour()) }).await;
    let mut second = Peer::new(config(&[]));
    second.swarm.dial(address).unwrap();
    let told = in_time(second.serve_until(listener.refused())).await;
    assert_eq!(told, Refusal::Connections);
    assert!(listener.swarm.is_connected(&first.id()));
}

#[tokio::test]
async fn handshakes_beyond_the_rate_are_refused_and_told() {
    let mut limited = config(&["/ip4/127.0.0.1/tcp/0"]);
    limited.limits.handshakes_per_ip = 1;
    let mut listener = Peer::new(limited);
    let address = in_time(listener.address()).await.to_string();
    let port: u16 = address.rsplit('/').next().unwrap().parse().unwrap();
    let mut held = Vec::new();
    for _ in 0..64 {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        held.push(stream.unwrap());
    }
    assert_eq!(in_time(listener.refused()).await, Refusal::Handshakes);
}

#[tokio::test]
async fn a_link_that_falls_silent_is_closed() {
    let mut listener = Peer::new(config(&["/ip4/127.0.0.1/tcp/0"]));
    let address = in_time(listener.address()).await.to_string();
    let port: u16 = address.rsplit('/').next().unwrap().parse().unwrap();
    let cable = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let cable_port = cable.local_addr().unwrap().port();
    let (cut, mut is_cut) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut one, _) = cable.accept().await.unwrap();
        let other = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let mut other = other.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut one, &mut other) => {}
            // The sockets stay open: nobody is told anything.
            _ = &mut is_cut => std::future::pending().await,
        }
    });
    let mut dialer = Peer::new(config(&[]));
    let through = format!("/ip4/127.0.0.1/tcp/{cable_port}");
    dialer
        .swarm
        .dial(through.parse::<Multiaddr>().unwrap())
        .unwrap();
    in_time(async { tokio::join!(listener.neighbour(), dialer.neighbour()) }).await;
    cut.send(()).unwrap();
    let silent = async {
        loop {
            if let SwarmEvent::Behaviour(BehaviourEvent::Neighbours(neighbours::Event::Silent(
                peer,
            ))) = dialer.step().await
            {
                return peer;
            }
        }
    };
    let listener_id = listener.id();
    assert_eq!(in_time(listener.serve_until(silent)).await, listener_id);
}

#[test]
fn carriers_have_names() {
    for (address, kind) in [
        ("/memory/1", Some(TransportKind::Memory)),
        ("/ip4/1.2.3.4/tcp/1", Some(TransportKind::Tcp)),
        ("/dns/a.b/tcp/1/ws", Some(TransportKind::WebSocket)),
        ("/dns/a.b/tcp/443/wss", Some(TransportKind::WebSocket)),
        ("/dns/a.b/tcp/443/tls/ws", Some(TransportKind::WebSocket)),
        ("/ip6/::1/udp/1/quic-v1", Some(TransportKind::Quic)),
        (
            "/ip4/1.2.3.4/udp/1/webrtc-direct",
            Some(TransportKind::WebRtc),
        ),
        ("/ip4/1.2.3.4/udp/1", None),
    ] {
        assert_eq!(kind_of(&address.parse().unwrap()), kind, "{address}");
    }
}

#[test]
fn peer_ids_are_the_same_text_on_both_sides() {
    for _ in 0..10 {
        let id = libp2p::PeerId::random();
        assert_eq!(core_id(&id).to_string(), id.to_string());
        let own = Identity::generate();
        let expected = own.keypair.public().to_peer_id().to_string();
        assert_eq!(own.peer_id().to_string(), expected);
    }
}
