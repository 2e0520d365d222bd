//! Messages as tests write and judge them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::wire::{self, Dialect, Envelope, Info, Message, PerPeer, encode};
use statemesh_core::{Instant, MachineIdx, PeerId};
use statemesh_testkit::net::{Member, Net, Weather};

/// Nodes of a random graph with a machine each, when everybody knows everybody and that was a while ago.
pub fn settled(mut net: Net, nodes: usize, rest: Duration) -> (Net, Vec<(Member, MachineIdx)>) {
    let members: Vec<Member> = (0..nodes).map(|_| net.node()).collect();
    let machines = members
        .iter()
        .map(|member| (*member, net.expose(*member, &format!("m{member}"))));
    let machines: Vec<_> = machines.collect();
    net.wire(&members, 6);
    assert!(net.run_until(Duration::from_secs(5), |net| {
        members
            .iter()
            .all(|member| net.machines_known(*member) == nodes - 1)
    }));
    net.run_for(rest);
    (net, machines)
}

/// Links of 10 to 50 ms.
pub fn far_apart(seed: u64) -> Net {
    let mut net = Net::new(seed);
    net.set_weather(Weather {
        latency: (Duration::from_millis(10), Duration::from_millis(50)),
        ..Weather::default()
    });
    net
}

/// Whether a member has the machine's clock at first hand.
pub fn sees(
    net: &Net,
    member: Member,
    (owner, index): (Member, MachineIdx),
    clock: &[u64],
) -> bool {
    let mirror = net.get(member).mirror(net.id(owner), index);
    mirror.is_some_and(|mirror| mirror.first_hand && *mirror.clock == *clock)
}

/// As a Go peer would write it.
pub fn as_go(message: Message) -> Vec<u8> {
    encode(&message.into(), Dialect::V4)
}

pub fn bytes(envelope: &Envelope) -> Vec<u8> {
    encode(envelope, Dialect::Compact)
}

/// An introduction of machines with the states `Exception`, `Foo`, `Bar`.
pub fn info(peer: PeerId, machines: &[(u64, &str, &[u64])]) -> Message {
    let machines = machines.iter().map(|(index, id, clock)| {
        (
            MachineIdx(*index),
            machine(id, &["Exception", "Foo", "Bar"], clock),
        )
    });
    Message::Info {
        peers: Some([(peer, Some(machines.collect()))].into()),
        sums: Some(PerPeer::new()),
    }
}

pub fn machine(id: &str, states: &[&str], clock: &[u64]) -> Info {
    let defs = states
        .iter()
        .map(|name| ((*name).to_owned(), StateDef::new()));
    Info {
        id: id.to_owned(),
        schema: Some(defs.collect()),
        states: Some(states.iter().map(|name| (*name).to_owned()).collect()),
        clock: Some(clock.to_vec()),
        ..Info::default()
    }
}

pub fn updates(peer: PeerId, index: u64, clock: &[u64]) -> Message {
    Message::Updates {
        clocks: Some([(peer, Some([(MachineIdx(index), clock.to_vec())].into()))].into()),
    }
}

pub fn sums(peer: PeerId, index: u64, sum: u64) -> Message {
    Message::Gossip {
        sums: Some([(peer, Some([(MachineIdx(index), sum)].into()))].into()),
    }
}

pub fn large_schema(states: usize) -> Arc<Schema> {
    let def = (0..states).fold(SchemaDef::new(), |def, number| {
        def.state(format!("State{number}"), StateDef::new())
    });
    Schema::normalise(&def).0
}

pub fn count(sent: &[(Instant, Envelope)], wanted: impl Fn(&Message) -> bool) -> usize {
    sent.iter()
        .filter(|(_, envelope)| wanted(&envelope.body))
        .count()
}

pub fn is_heartbeat(envelope: &Envelope) -> bool {
    let links = envelope.extension.links.as_ref();
    matches!(envelope.body, Message::Updates { .. }) && links.is_some_and(|links| links.complete)
}

/// Sum of the clock a message gives for one machine.
pub fn of(envelope: &Envelope, peer: PeerId, index: MachineIdx) -> Option<u64> {
    match &envelope.body {
        Message::Info {
            peers: Some(peers), ..
        } => {
            let info = peers.get(&peer)?.as_ref()?.get(&index)?;
            Some(wire::sum(info.clock.as_ref()?))
        }
        Message::Updates {
            clocks: Some(clocks),
        } => Some(wire::sum(clocks.get(&peer)?.as_ref()?.get(&index)?)),
        _ => None,
    }
}

/// The hard rules of compatibility, as far as single messages show them.
pub fn never_violates_go(heard: &[(Instant, PeerId, Envelope)]) {
    let mut names: std::collections::BTreeMap<(PeerId, MachineIdx), (String, usize)> =
        Default::default();
    assert!(!heard.is_empty());
    for (_, author, envelope) in heard {
        match &envelope.body {
            Message::Info { peers, .. } => {
                for (peer, machines) in peers.iter().flatten() {
                    for (index, info) in machines.as_ref().expect("own maps are never nil") {
                        info.check().expect("own introductions are consistent");
                        let states = info.states.as_ref().expect("states are never nil");
                        let schema = info.schema.as_ref().expect("a schema is never nil");
                        assert_eq!(schema.len(), states.len());
                        assert!(states.iter().any(|name| name == "Exception"));
                        let is = (info.id.clone(), states.len());
                        let was = names.entry((*peer, *index)).or_insert_with(|| is.clone());
                        assert_eq!(*was, is, "the machine behind an index never changes");
                    }
                }
            }
            Message::Updates { clocks } => {
                for (peer, machines) in clocks.iter().flatten() {
                    for (index, clock) in machines.as_ref().expect("own maps are never nil") {
                        if let Some((_, states)) = names.get(&(*peer, *index)) {
                            assert_eq!(clock.len(), *states);
                        }
                    }
                }
            }
            Message::ReqInfo { ids } | Message::ReqUpdates { ids } => {
                let ids = ids.as_ref().expect("own lists are never nil");
                let unique: BTreeSet<_> = ids.iter().collect();
                assert_eq!(unique.len(), ids.len());
                assert!(!ids.contains(author));
            }
            Message::Gossip { .. } | Message::Bye { .. } => {}
        }
    }
}
