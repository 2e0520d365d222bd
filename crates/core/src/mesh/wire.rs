//! The six message types on the topic: what they hold, how large they may be, bytes in and out.
//!
//! ```text
//! bytes -> decode() -> Envelope { body: Message, extension } -> check of each Info -> Node
//! bytes <- encode() <- Envelope
//! ```
//!
//! The format is msgpack as Go's `vmihailenco/msgpack` writes plain structs: a map per struct, Go field names as keys, maps in
//! any order, nil and empty collections both legal and kept apart. Machine indexes come in two dialects ([`Dialect`]).
//! Invariants: no other file sees bytes; a decoder never trusts a count, never recurses on input, and allocates at most a
//! small multiple of the payload; what it returns holds real peer ids, UTF-8 text, plausible ticks, no duplicate keys.
//! It does not know which peers or machines exist.

use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::{Schema, StateDef};
use crate::ids::{MachineIdx, PeerId};

mod decode;
mod encode;
mod kind;

pub use self::decode::{DecodeError, decode};
pub(crate) use self::decode::{KnownShapes, decode_knowing};
pub use self::encode::{Dialect, encode, info_len};
pub use self::kind::MessageKind;

/// One payload: a message every peer of the mesh understands, and what only this project's peers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The message.
    pub body: Message,
    /// Extra keys, skipped by Go peers.
    pub extension: Extension,
}

impl From<Message> for Envelope {
    fn from(body: Message) -> Self {
        Self {
            body,
            extension: Extension::default(),
        }
    }
}

/// Something about the machines of some peers. An absent inner map and an empty one mean the same, a peer without machines.
pub type PerPeer<T> = OrderedMap<PeerId, Option<OrderedMap<MachineIdx, T>>>;

/// What a message says. `None` is Go's nil: it means the same as empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Introduces machines.
    Info {
        /// The machines.
        peers: Option<PerPeer<Info>>,
        /// Sums of other peers' clocks, along for the ride.
        sums: Option<PerPeer<u64>>,
    },
    /// Whole clocks of changed machines.
    Updates {
        /// The clocks.
        clocks: Option<PerPeer<Vec<u64>>>,
    },
    /// Sums of clocks as known to the sender.
    Gossip {
        /// The sums.
        sums: Option<PerPeer<u64>>,
    },
    /// Asks for the `info` of peers.
    ReqInfo {
        /// The peers.
        ids: Option<Vec<PeerId>>,
    },
    /// Asks for the `updates` of peers.
    ReqUpdates {
        /// The peers.
        ids: Option<Vec<PeerId>>,
    },
    /// The author takes machines back, or leaves.
    Bye {
        /// Machines taken back. None of them, or one with [`Bye::leaving`]: the author leaves.
        machines: Option<OrderedMap<MachineIdx, Bye>>,
    },
}

impl Message {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Info { .. } => MessageKind::Info,
            Self::Updates { .. } => MessageKind::Updates,
            Self::Gossip { .. } => MessageKind::Gossip,
            Self::ReqInfo { .. } => MessageKind::ReqInfo,
            Self::ReqUpdates { .. } => MessageKind::ReqUpdates,
            Self::Bye { .. } => MessageKind::Bye,
        }
    }
}

/// Introduction of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Its id on its owner.
    pub id: String,
    /// States by name. Nil from peers in load-test mode.
    pub schema: Option<OrderedMap<String, StateDef>>,
    /// Index order of every clock.
    pub states: Option<Vec<String>>,
    /// Ticks in that order.
    pub clock: Option<Vec<u64>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Parent machine id, or empty.
    pub parent: String,
    /// What is known of the bytes that gave schema and states.
    pub shape: Shape,
}

/// What a reader of introductions knows of the bytes that give schema and states. Equal bytes need no second look.
#[derive(Clone, Debug, Default)]
pub enum Shape {
    /// Not asked.
    #[default]
    Unread,
    /// Not known, to be remembered.
    New(Box<[u8]>),
    /// They give this schema, under this name of the reader's. [`Info::schema`] and [`Info::states`] are left out.
    Known(Arc<Schema>, u64),
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unread, Self::Unread) => true,
            (Self::New(bytes), Self::New(others)) => bytes == others,
            (Self::Known(schema, _), Self::Known(others, _)) => Arc::ptr_eq(schema, others),
            (Self::Unread | Self::New(_) | Self::Known(..), _) => false,
        }
    }
}

impl Eq for Shape {}

/// One machine taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bye {
    /// Its owner leaves the mesh.
    pub leaving: bool,
    /// Its id.
    pub id: String,
    /// Its last clock.
    pub clock: Option<Vec<u64>>,
}

/// The extra keys of this project's peers, all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// `Sm`: protocol version. Its presence tells a peer of this project from a Go peer.
    pub version: Option<u64>,
    /// `Run`: number of the author's process start, larger after each restart. All its machine indexes are at or above it.
    pub run: Option<u64>,
    /// `At`: the author's wall clock in milliseconds since 1970, never running backwards within a run.
    pub wall_ms: Option<u64>,
    /// `Hb`: the author promises a message at least this often, in milliseconds.
    pub heartbeat_ms: Option<u64>,
    /// `Part`: this `info` or `updates` does not list all machines of its author.
    pub partial: bool,
    /// `Links`: live connections of the author.
    pub links: Option<Links>,
    /// `Sums`: as in `gossip`, on messages that cannot freeze a Go peer.
    pub sums: Option<PerPeer<u64>>,
    /// `Digs`: digests of the clocks whose sums are given, for equal sums of different clocks (spec P16).
    pub digests: Option<PerPeer<u64>>,
    /// `Ticks`: machine tick and queue tick of the author's own machines (spec P17).
    pub ticks: Option<OrderedMap<MachineIdx, Ticks>>,
    /// `About`: what the author says of itself.
    pub about: Option<About>,
    /// `Addrs`: where the author can be reached, as multiaddresses without its id (spec L2).
    pub addresses: Option<Vec<String>>,
}

/// When a process started by its run's number, in milliseconds since 1970: runs count milliseconds since 2020, as a rule.
fn started_ms(run: u64) -> u64 {
    run.saturating_add(1_577_836_800_000)
}

/// Counters of a machine beside its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// Times the machine started over.
    pub machine: u64,
    /// Mutations its queue has taken.
    pub queue: u64,
}

/// A peer in its own words. For people: nothing depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// What it is called.
    pub name: String,
    /// Software and version.
    pub software: String,
    /// What it is for.
    pub role: String,
}

/// Report of live connections: all, or what changed since the last report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Connections there are, named or not.
    pub count: u64,
    /// The open ones named are all, or the first [`MAX_LINKS`] of them.
    pub complete: bool,
    /// Open ones.
    pub open: Vec<Link>,
    /// Other ends of closed ones.
    pub closed: Vec<LinkEnd>,
}

/// A live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other end.
    pub end: LinkEnd,
    /// What it runs over.
    pub transport: Transport,
    /// Smoothed round trip in milliseconds, rounded up; zero: not measured yet.
    pub rtt_ms: u64,
}

/// The other end of a link: the last eight bytes of its peer id, which are key or digest. Whole ids would make up most of
/// the topic's bytes. Whoever can sign for one of two equal ends can claim any link anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkEnd(pub u64);

impl From<PeerId> for LinkEnd {
    fn from(peer: PeerId) -> Self {
        let tail = peer.as_bytes().iter().rev().take(8).rev();
        Self(tail.fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

/// What a connection runs over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Not told, or of a kind we do not know.
    #[default]
    Unknown,
    /// QUIC.
    Quic,
    /// TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
    /// WebRTC, direct.
    WebRtc,
    /// Within one process.
    Memory,
}

impl Transport {
    const NAMED: [Self; 6] = [
        Self::Unknown,
        Self::Quic,
        Self::Tcp,
        Self::WebSocket,
        Self::WebRtc,
        Self::Memory,
    ];

    fn from_number(number: u64) -> Self {
        let place = usize::try_from(number).ok();
        let named = place.and_then(|place| Self::NAMED.get(place));
        named.copied().unwrap_or_default()
    }
}

impl Info {
    /// How many states it has.
    #[must_use]
    pub fn state_count(&self) -> usize {
        match &self.shape {
            Shape::Known(schema, _) => schema.len(),
            Shape::Unread | Shape::New(_) => self.states.as_ref().map_or(0, Vec::len),
        }
    }

    /// Whether the parts fit each other: as many ticks as states, a schema that names exactly these, no state twice.
    ///
    /// # Errors
    /// What does not fit. The author's fault.
    pub fn check(&self) -> Result<(), &'static str> {
        if let (Shape::Known(schema, _), Some(clock)) = (&self.shape, &self.clock) {
            return match schema.len() == clock.len() {
                true => Ok(()),
                false => Err("clock length differs from states"),
            };
        }
        let (Some(states), Some(clock)) = (&self.states, &self.clock) else {
            return Err("machine without states or clock");
        };
        if states.len() != clock.len() {
            return Err("clock length differs from states");
        }
        let mut names: Vec<&str> = states.iter().map(String::as_str).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("state twice");
        }
        match &self.schema {
            Some(schema) if !schema.keys().map(String::as_str).eq(names) => {
                Err("schema and states differ")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Sum of a clock: its version number. The decoder has refused clocks whose sum overflows.
#[must_use]
pub fn sum(clock: &[u64]) -> u64 {
    clock
        .iter()
        .fold(0, |total: u64, tick| total.saturating_add(*tick))
}

/// Digest of a clock: FNV-1a over its ticks. Not against forgers: against equal sums.
#[must_use]
pub fn digest(clock: &[u64]) -> u64 {
    clock.iter().fold(0x811c_9dc5, |hash: u64, tick| {
        (hash ^ tick ^ (tick >> 32)).wrapping_mul(0x0100_0193) & 0xffff_ffff
    })
}

/// Largest payload: gossipsub's limit on a message (spec 1.4).
pub const MAX_PAYLOAD: usize = 1 << 20;
/// Largest payload of our own, with room for gossipsub's envelope below 1 MiB.
pub const MAX_OWN_PAYLOAD: usize = 900 << 10;
/// Longest id, name or tag in bytes. Recorded: 300; refused in the recordings: 64 KiB. The page is to cut names of
/// 10 KB, so they must get there.
pub const MAX_TEXT: usize = 16 << 10;
/// States of one machine. Must allow 1024; eight kinds of the largest recorded machine (300) fit.
pub const MAX_STATES: usize = 2048;
/// Machines of one peer. Must allow 300; recorded: 262.
pub const MAX_MACHINES_PER_PEER: usize = 1024;
/// Names in one relation, or tags in one list.
pub const MAX_LIST: usize = 4096;
/// Peers in one message: as keys, as ids of a request, as links.
pub const MAX_PEERS_PER_MESSAGE: usize = 1024;
/// Machines in one message. The smallest real introduction takes about 130 bytes: 8065 in a payload.
pub const MAX_MACHINES_PER_MESSAGE: usize = 8192;
/// State definitions in one message. A real one takes at least 51 bytes: 20 560 in a payload.
pub const MAX_STATES_PER_MESSAGE: usize = 32_768;
/// Names and tags in all lists of one message, so that a payload of empty names stays below 4 MiB of memory.
pub const MAX_LISTED_PER_MESSAGE: usize = 131_072;
/// Connections named in one report.
pub const MAX_LINKS: usize = 64;
/// Longest text of [`About`] in bytes; more is cut.
pub const MAX_ABOUT: usize = 128;
/// Addresses of one peer; more are left out.
pub const MAX_ADDRESSES: usize = 8;
/// Longest address in bytes; a longer one is left out. WebRTC over IPv6, the longest kind, takes 130.
pub const MAX_ADDRESS: usize = 160;
/// Nesting of values under unknown keys. The recordings want 64 accepted and 1000 refused.
pub const MAX_NESTING: usize = 128;
/// Largest tick. Recorded: 2^62 + 1; refused in the recordings: 2^63 - 1. One tick per nanosecond reaches it in 195 years.
pub const MAX_TICK: u64 = (1 << 62) + (1 << 61);

#[cfg(test)]
mod tests;
