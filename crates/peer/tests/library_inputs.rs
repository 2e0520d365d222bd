//! Inputs that broke the libraries themselves, once, sent to a peer of ours over TCP: gossipsub's and yamux's.
//!
//! The client is none of libp2p's: after noise it writes the frames of yamux and the messages of gossipsub byte by byte, for
//! libraries do not send what they should not. Afterwards the peer serves an honest one, and holds no more than before,
//! or no more than it may.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

#[path = "../../core/tests/common/allocator.rs"]
mod allocator;
mod common;

use common::{Carrier, eventually, machine, within};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::core::Endpoint;
use libp2p::core::transport::{DialOpts, PortUse, Transport};
use libp2p::core::upgrade::OutboundConnectionUpgrade;
use libp2p::identity::Keypair;
use libp2p::{noise, tcp};
use statemesh::Multiaddr;
use statemesh::mesh::{Limits, Mesh};
use statemesh::prelude::*;

/// A peer of ours with one machine, that anybody may reach as often as wanted.
async fn victim(lamp: &Machine) -> Mesh {
    let limits = Limits {
        handshakes_per_ip: 100_000,
        ..Limits::default()
    };
    let builder = Mesh::builder(TOPIC).expose(lamp).limits(limits);
    let address = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    within(builder.listen(address).spawn()).await.unwrap()
}

/// An honest peer comes, learns the machine, sees a change, and goes.
async fn serves_an_honest_peer(victim: &Mesh, lamp: &Machine) {
    let honest = common::spawn_at(Mesh::builder(TOPIC), Carrier::Memory, victim).await;
    let seen = common::machine_of(&honest, victim, "lamp").await;
    let (now, next) = if lamp.is("On") {
        ("On", "Off")
    } else {
        ("Off", "On")
    };
    let changed = seen.when(next);
    lamp.add(next).unwrap();
    within(changed).await.unwrap();
    assert!(seen.not(now));
    common::stop([honest]).await;
    eventually("the links to be closed", || victim.links().is_empty()).await;
}

/// One connection, up to where libraries would take over.
struct Raw {
    stream: noise::Output<tcp::tokio::TcpStream>,
}

impl Raw {
    async fn dial(victim: &Mesh, key: &Keypair) -> Self {
        let address: Multiaddr = victim.addresses().remove(0);
        let address = address.iter().take(2).collect();
        let opts = DialOpts {
            role: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let mut transport = tcp::tokio::Transport::new(tcp::Config::new());
        let mut stream = within(transport.dial(address, opts).unwrap())
            .await
            .unwrap();
        agree(&mut stream, "/noise").await;
        let noise = noise::Config::new(key).unwrap();
        let (peer, mut stream) = within(noise.upgrade_outbound(stream, "/noise"))
            .await
            .unwrap();
        assert_eq!(peer.to_bytes(), victim.peer_id().as_bytes());
        agree(&mut stream, "/yamux/1.0.0").await;
        Self { stream }
    }

    /// One frame of yamux; `length` as the header says, whatever follows.
    async fn frame(&mut self, kind: u8, flags: u16, id: u32, length: u32, body: &[u8]) {
        let mut frame = vec![0, kind];
        frame.extend(flags.to_be_bytes());
        frame.extend(id.to_be_bytes());
        frame.extend(length.to_be_bytes());
        frame.extend(body);
        // Whoever has heard enough may have closed.
        let _ = within(self.stream.write_all(&frame)).await;
        let _ = within(self.stream.flush()).await;
    }

    async fn data(&mut self, flags: u16, body: &[u8]) {
        let length = u32::try_from(body.len()).unwrap();
        self.frame(DATA, flags, 1, length, body).await;
    }

    /// Reads until the peer has answered a ping that came after all else, or closed.
    async fn settle(&mut self) -> Settled {
        self.frame(PING, SYN, 0, 7, &[]).await;
        within(async {
            loop {
                let mut header = [0; 12];
                if self.stream.read_exact(&mut header).await.is_err() {
                    return Settled::Closed;
                }
                let length = u32::from_be_bytes(header[8..].try_into().unwrap());
                match header[1] {
                    PING if u16::from_be_bytes([header[2], header[3]]) == ACK => {
                        return Settled::Answered;
                    }
                    GO_AWAY => return Settled::Closed,
                    DATA => {
                        let mut body = vec![0; length as usize];
                        if self.stream.read_exact(&mut body).await.is_err() {
                            return Settled::Closed;
                        }
                    }
                    _ => {}
                }
            }
        })
        .await
    }

    /// Opens a stream of gossipsub and sends these calls over it, then a subscription that shows when all were read.
    async fn gossip(&mut self, calls: &[Vec<u8>]) {
        let mut bytes = named("/multistream/1.0.0");
        bytes.extend(named("/meshsub/1.1.0"));
        for call in calls {
            bytes.extend(prefixed(call));
        }
        let topic = field(2, TOPIC.as_bytes());
        let subscription = [&[0x08, 1][..], &topic].concat();
        bytes.extend(prefixed(&field(1, &subscription)));
        assert!(bytes.len() < WINDOW, "{} bytes", bytes.len());
        self.data(SYN, &bytes).await;
    }

    /// Sends these calls and goes when all were read.
    async fn gossip_to_the_end(mut self, victim: &Mesh, own: &[u8], calls: &[Vec<u8>]) {
        self.gossip(calls).await;
        assert_eq!(self.settle().await, Settled::Answered);
        eventually("the subscription", || {
            let mut peers = victim.peers().into_iter();
            peers.any(|peer| peer.peer.as_bytes() == own)
        })
        .await;
        drop(self);
        eventually("the link to be closed", || victim.links().is_empty()).await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Settled {
    Answered,
    Closed,
}

/// Multistream-select, both ends in one go.
async fn agree(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), protocol: &str) {
    let said = [named("/multistream/1.0.0"), named(protocol)].concat();
    within(stream.write_all(&said)).await.unwrap();
    within(stream.flush()).await.unwrap();
    let mut heard = vec![0; said.len()];
    within(stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, said);
}

fn named(protocol: &str) -> Vec<u8> {
    prefixed(format!("{protocol}\n").as_bytes())
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&varint(bytes.len() as u64), bytes].concat()
}

/// A field of protobuf that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &prefixed(bytes)].concat()
}

/// A call of gossipsub that publishes what somebody signed.
fn publish(author: &Keypair, seqno: u64, data: &[u8]) -> Vec<u8> {
    let author_id = author.public().to_peer_id().to_bytes();
    let parts = [&author_id, data, &seqno.to_be_bytes(), TOPIC.as_bytes()];
    let parts = (1..).zip(parts).map(|(number, part)| field(number, part));
    let message = parts.collect::<Vec<_>>().concat();
    let signed = [b"libp2p-pubsub:", &message[..]].concat();
    let signature = field(5, &author.sign(&signed).unwrap());
    field(2, &[message, signature].concat())
}

/// A call of gossipsub that controls.
fn control(what: &[u8]) -> Vec<u8> {
    field(3, what)
}

fn graft(topic: &str) -> Vec<u8> {
    field(3, &field(1, topic.as_bytes()))
}

fn prune(topic: &str, backoff: u64) -> Vec<u8> {
    let backoff = [vec![3 << 3], varint(backoff)].concat();
    field(4, &[field(1, topic.as_bytes()), backoff].concat())
}

/// Sends these controls over many connections of one peer, and sees that nothing of them is left.
async fn gossip_leaves_nothing(rounds: usize, controls: impl Fn(usize) -> Vec<Vec<u8>>) {
    let lamp = machine("lamp");
    let victim = victim(&lamp).await;
    let mut held = None;
    for round in 0..=rounds {
        let key = Keypair::generate_ed25519();
        let id = key.public().to_peer_id().to_bytes();
        let raw = Raw::dial(&victim, &key).await;
        let calls: Vec<_> = controls(round).iter().map(|what| control(what)).collect();
        raw.gossip_to_the_end(&victim, &id, &calls).await;
        // The first round fills what stays filled.
        held.get_or_insert(allocator::bytes());
    }
    let grown = allocator::bytes().wrapping_sub(held.unwrap()).cast_signed();
    assert!(grown < 256 << 10, "{grown} bytes more than after one round");
    serves_an_honest_peer(&victim, &lamp).await;
    common::stop([victim]).await;
}

#[tokio::test]
async fn prune_backoffs_beyond_all_clocks() {
    let backoffs = [u64::MAX, i64::MAX as u64 - 1, i64::MAX as u64, 1 << 62, 0];
    gossip_leaves_nothing(10, |_| {
        let prunes = backoffs.map(|backoff| prune(TOPIC, backoff));
        let again = [graft(TOPIC), prune(TOPIC, u64::MAX)].concat();
        prunes.into_iter().chain([again]).collect()
    })
    .await;
}

#[tokio::test]
async fn endless_grafts_and_prunes_of_topics_nobody_has() {
    gossip_leaves_nothing(30, |round| {
        let topics = (0..1500).map(|at| format!("no-topic-{round}-{at}-{}", "x".repeat(20)));
        let controls = topics.map(|topic| [graft(&topic), prune(&topic, 3600)].concat());
        let controls: Vec<_> = controls.collect();
        controls.chunks(150).map(<[_]>::concat).collect()
    })
    .await;
}

/// What a message leaves behind that means nothing, from somebody never heard before, by the thousands: its id, for as long
/// as it could come again. How many there are at most: `intake.rs::the_caches_of_a_flooded_peer_stay_below_32_mib`.
#[tokio::test]
async fn what_gossipsub_remembers_of_a_flood() {
    const EACH: usize = 1000;
    const ROUNDS: usize = 8;
    let lamp = machine("lamp");
    let victim = victim(&lamp).await;
    let mut held = Vec::new();
    for _ in 0..=ROUNDS {
        let key = Keypair::generate_ed25519();
        let id = key.public().to_peer_id().to_bytes();
        let raw = Raw::dial(&victim, &key).await;
        let calls: Vec<_> = (0..EACH)
            .map(|_| publish(&Keypair::generate_ed25519(), 1, b"!"))
            .collect();
        raw.gossip_to_the_end(&victim, &id, &calls).await;
        drop(calls);
        held.push(allocator::bytes());
    }
    let brought = victim.traffic().copies;
    assert_eq!(
        brought,
        ((ROUNDS + 1) * EACH) as u64,
        "all were signed well"
    );
    // The first round fills tables that have bounds of their own.
    let each = |bytes: usize| {
        let grown = bytes.wrapping_sub(held[0]).cast_signed();
        grown / (ROUNDS * EACH).cast_signed()
    };
    let offered = each(held[ROUNDS]);
    println!("{offered} bytes each");
    assert!((46..400).contains(&offered), "{offered} bytes each");
    // For some seconds gossip may offer it.
    eventually("the rest to go", || each(allocator::bytes()) < 280).await;
    serves_an_honest_peer(&victim, &lamp).await;
    common::stop([victim]).await;
}

/// Sends these frames, and sees that the peer closes the connection if it has to, and serves others.
async fn frames(expected: Settled, frames: &[(u8, u16, u32, usize)]) {
    let lamp = machine("lamp");
    let victim = victim(&lamp).await;
    let key = Keypair::generate_ed25519();
    let mut raw = Raw::dial(&victim, &key).await;
    for (kind, flags, length, body) in frames {
        raw.frame(*kind, *flags, 1, *length, &vec![0; *body]).await;
    }
    assert_eq!(raw.settle().await, expected, "{frames:?}");
    serves_an_honest_peer_beside(raw, &victim, &lamp).await;
    common::stop([victim]).await;
}

async fn serves_an_honest_peer_beside(raw: Raw, victim: &Mesh, lamp: &Machine) {
    drop(raw);
    eventually("the link to be closed", || victim.links().is_empty()).await;
    serves_an_honest_peer(victim, lamp).await;
}

#[tokio::test]
async fn a_window_that_overflows() {
    let most = u32::MAX;
    frames(
        Settled::Closed,
        &[
            (DATA, SYN, 0, 0),
            (WINDOW_UPDATE, 0, most, 0),
            (WINDOW_UPDATE, 0, most, 0),
        ],
    )
    .await;
    frames(
        Settled::Closed,
        &[(WINDOW_UPDATE, SYN, most, 0), (WINDOW_UPDATE, 0, most, 0)],
    )
    .await;
}

#[tokio::test]
async fn an_oversized_first_frame() {
    let window = WINDOW as u32;
    for (length, body) in [
        (window + 1, WINDOW + 1),
        (window * 2, WINDOW * 2),
        (1 << 30, 0),
        (u32::MAX, 0),
    ] {
        frames(Settled::Closed, &[(DATA, SYN, length, body)]).await;
    }
}

const TOPIC: &str = "inputs";
/// Kinds of frames of yamux.
const DATA: u8 = 0;
const WINDOW_UPDATE: u8 = 1;
const PING: u8 = 2;
const GO_AWAY: u8 = 3;
/// And flags.
const SYN: u16 = 1;
const ACK: u16 = 2;
/// What may be sent on a new stream of yamux.
const WINDOW: usize = 256 << 10;
