//! What may happen to a member of a mesh, as libFuzzer shapes it. Small numbers name peers and machines, so that inputs hit
//! each other.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::StateDef;
use statemesh_core::mesh::wire::{
    About, Bye, Dialect, Envelope, Extension, Info, Link, LinkEnd, Links, Message, PerPeer, Ticks,
    Transport, encode,
};
use statemesh_core::{MachineIdx, PeerId};

/// A member's life.
#[derive(Arbitrary, Debug)]
pub struct Life {
    /// What happens, one after the other.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Arbitrary, Debug)]
pub enum Step {
    /// Time passes.
    Wait(u16),
    /// Much time passes.
    Sleep(u8),
    LinkUp(u8),
    LinkDown(u8),
    Measure(u8, u16),
    Subscribe(u8),
    Unsubscribe(u8),
    Speaks(u8),
    Expose,
    /// A clock of an own machine: its number, added ticks.
    Clock(u8, [u8; 3]),
    /// Any clock at all for an own machine.
    BadClock(u8, Vec<u64>),
    Withdraw(u8),
    /// A neighbour asks directly.
    Asked(u8, Vec<u8>),
    /// What a neighbour tells directly, one of them perhaps under another's name.
    Told(u8, Vec<Spoken>, Option<u8>),
    Untold(u8),
    /// Over this forwarder.
    Message(u8, Spoken),
    /// A message that came before, again.
    Again(u8, u8),
    Leave,
}

/// A message and who signed it.
#[derive(Arbitrary, Debug)]
pub struct Spoken {
    pub author: u8,
    pub seqno: u8,
    content: Content,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Bytes(Vec<u8>),
    Message(Body, Extras),
    /// The same with one byte changed.
    Broken(Body, Extras, u16, u8),
}

#[derive(Arbitrary, Debug)]
enum Body {
    Info(Vec<(u8, Vec<(u8, Machine)>)>, Vec<(u8, u8, u64)>),
    Updates(Vec<(u8, Clocks)>),
    Gossip(Vec<(u8, u8, u64)>),
    ReqInfo(Vec<u8>),
    ReqUpdates(Vec<u8>),
    Bye(Vec<(u8, bool)>),
}

#[derive(Arbitrary, Debug)]
struct Machine {
    id: u8,
    states: u8,
    ticks: Vec<u8>,
    require: Option<u8>,
    tags: Vec<u8>,
}

/// Index and ticks of machines.
type Clocks = Vec<(u8, Vec<u8>)>;
/// How many, whether that is all, those open with their round trips, those closed.
type Neighbours = (u8, bool, Vec<(u8, u8)>, Vec<u8>);

#[derive(Arbitrary, Debug)]
struct Extras {
    run: Option<u8>,
    wall_s: Option<u8>,
    heartbeat: Option<u8>,
    partial: bool,
    addresses: Option<Vec<u16>>,
    links: Option<Neighbours>,
    sums: Vec<(u8, u8, u64)>,
    ticks: Vec<(u8, u8)>,
    about: Option<u8>,
}

/// One of a few peers; the member itself is 0.
pub fn peer(number: u8) -> PeerId {
    let mut bytes = [number % 8; 38];
    bytes[..6].copy_from_slice(&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
    PeerId::from_bytes(&bytes).expect("an identity multihash of 36 bytes")
}

impl Spoken {
    /// The payload.
    pub fn data(&self) -> Vec<u8> {
        match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Message(body, extras) => envelope(body, extras),
            Content::Broken(body, extras, at, byte) => {
                let mut data = envelope(body, extras);
                let at = usize::from(*at) % data.len();
                data[at] = *byte;
                data
            }
        }
    }
}

fn envelope(body: &Body, extras: &Extras) -> Vec<u8> {
    let envelope = Envelope {
        body: body.message(),
        extension: extras.extension(),
    };
    encode(&envelope, Dialect::Compact)
}

fn index(number: u8) -> MachineIdx {
    MachineIdx(u64::from(number % 16))
}

fn sums(list: &[(u8, u8, u64)]) -> PerPeer<u64> {
    let mut sums = PerPeer::new();
    for (owner, machine, sum) in list {
        let machines = sums.get_or_insert_with(peer(*owner), || Some(OrderedMap::new()));
        machines
            .get_or_insert_with(OrderedMap::new)
            .insert(index(*machine), *sum);
    }
    sums
}

fn clock(ticks: &[u8]) -> Vec<u64> {
    ticks.iter().map(|tick| u64::from(*tick)).collect()
}

impl Body {
    fn message(&self) -> Message {
        let ids = |list: &[u8]| Some(list.iter().map(|id| peer(*id)).collect());
        match self {
            Self::Info(peers, named) => Message::Info {
                peers: Some(per_peer(peers, Machine::info)),
                sums: Some(sums(named)),
            },
            Self::Updates(peers) => Message::Updates {
                clocks: Some(per_peer(peers, |ticks| clock(ticks))),
            },
            Self::Gossip(named) => Message::Gossip {
                sums: Some(sums(named)),
            },
            Self::ReqInfo(list) => Message::ReqInfo { ids: ids(list) },
            Self::ReqUpdates(list) => Message::ReqUpdates { ids: ids(list) },
            Self::Bye(list) => {
                let bye = |(number, leaving): &(u8, bool)| {
                    let bye = Bye {
                        leaving: *leaving,
                        ..Bye::default()
                    };
                    (index(*number), bye)
                };
                Message::Bye {
                    machines: Some(list.iter().map(bye).collect()),
                }
            }
        }
    }
}

fn per_peer<T, U>(peers: &[(u8, Vec<(u8, T)>)], value: impl Fn(&T) -> U) -> PerPeer<U> {
    let machines = |list: &[(u8, T)]| {
        let machines = list
            .iter()
            .map(|(number, machine)| (index(*number), value(machine)));
        Some(machines.collect())
    };
    peers
        .iter()
        .map(|(owner, list)| (peer(*owner), machines(list)))
        .collect()
}

impl Machine {
    /// As many ticks as states mostly.
    fn info(&self) -> Info {
        let count = usize::from(self.states % 5) + 1;
        let names: Vec<String> = ["Exception", "A", "B", "C", "D"][..count]
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let require = self
            .require
            .map(|at| vec![names[usize::from(at) % count].clone()]);
        let def = StateDef {
            require,
            ..StateDef::new()
        };
        let mut ticks = clock(&self.ticks);
        if ticks.len() < 8 {
            ticks.resize(count, 0);
        }
        Info {
            id: format!("m{}", self.id % 3),
            schema: Some(
                names
                    .iter()
                    .map(|name| (name.clone(), def.clone()))
                    .collect(),
            ),
            states: Some(names),
            clock: Some(ticks),
            tags: Some(self.tags.iter().map(|tag| format!("t{tag}")).collect()),
            ..Info::default()
        }
    }
}

impl Extras {
    fn extension(&self) -> Extension {
        let links = self
            .links
            .as_ref()
            .map(|(count, complete, open, closed)| Links {
                count: u64::from(*count),
                complete: *complete,
                open: open
                    .iter()
                    .take(64)
                    .map(|(end, rtt_ms)| Link {
                        end: LinkEnd::from(peer(*end)),
                        transport: Transport::Quic,
                        rtt_ms: u64::from(*rtt_ms),
                    })
                    .collect(),
                closed: closed
                    .iter()
                    .take(64)
                    .map(|end| LinkEnd::from(peer(*end)))
                    .collect(),
            });
        let ticks = self.ticks.iter().map(|(at, tick)| {
            let tick = u64::from(*tick);
            (
                index(*at),
                Ticks {
                    machine: tick,
                    queue: tick,
                },
            )
        });
        Extension {
            version: self.run.map(|_| 1),
            run: self.run.map(|run| u64::from(run % 16)),
            wall_ms: self.wall_s.map(|second| u64::from(second) * 1000),
            heartbeat_ms: self.heartbeat.map(|seconds| u64::from(seconds) * 100),
            partial: self.partial,
            links,
            sums: Some(sums(&self.sums)),
            digests: Some(sums(&self.sums)),
            ticks: Some(ticks.collect()),
            about: self.about.map(|name| About {
                name: name.to_string(),
                ..About::default()
            }),
            addresses: self.addresses.as_ref().map(|ports| {
                let text = |port| format!("/ip4/192.0.2.7/tcp/{port}");
                ports.iter().map(text).collect()
            }),
        }
    }
}
