//! What a flood leaves in a node's tables: bytes, counted by the allocator, at the worst that the bounds allow.

#[path = "common/allocator.rs"]
mod allocator;
mod common;

use std::sync::Arc;
use std::time::Duration;

use allocator::bytes;
use common::machine;
use statemesh_core::engine::StateDef;
use statemesh_core::mesh::wire::{
    self, About, Dialect, Envelope, Extension, Info, Link, LinkEnd, Links, Message, Transport,
};
use statemesh_core::node::{Config, Input, MessageToken, Node, Signed};
use statemesh_core::{Instant, MachineIdx, PeerId};
use statemesh_testkit::net::peer_id;

/// A node that only listens, and how much its tables held at most.
struct Flooded {
    node: Node,
    now: Instant,
    token: u64,
    empty: usize,
    most: usize,
}

impl Flooded {
    fn new() -> Self {
        let empty = bytes();
        let now = Instant::from_micros(1);
        let mut node = Node::new(Config::new(peer_id(0), MachineIdx(0), 1), now);
        node.handle_input(now, Input::Joined);
        for number in 1..=8 {
            node.handle_input(now, Input::LinkUp(peer_id(number)));
            node.handle_input(now, Input::Subscribed(peer_id(number)));
        }
        Self {
            node,
            now,
            token: 0,
            empty,
            most: 0,
        }
    }

    fn hear(&mut self, author: PeerId, envelope: &Envelope) {
        self.token += 1;
        self.now = self.now + Duration::from_millis(1);
        let signed = Arc::new(Signed {
            author,
            seqno: self.token,
            signature: vec![1; 64],
            data: wire::encode(envelope, Dialect::Compact),
        });
        let message = Input::Message {
            token: MessageToken(self.token),
            via: peer_id(1),
            signed,
        };
        self.node.handle_input(self.now, message);
        if self.token.is_multiple_of(64) {
            self.node.handle_timeout(self.now);
        }
        while self.node.poll_output().is_some() {}
        // What other threads began may end here: the counter may have gone round.
        let held = bytes().wrapping_sub(self.empty).cast_signed();
        self.most = self.most.max(usize::try_from(held).unwrap_or(0));
    }
}

/// All keys an author can fill.
fn extension(number: u64) -> Extension {
    let link = |end| Link {
        end: LinkEnd(number * 100 + end),
        transport: Transport::Quic,
        rtt_ms: end,
    };
    let text = "x".repeat(wire::MAX_ABOUT);
    Extension {
        version: Some(1),
        run: Some(1),
        wall_ms: Some(number),
        heartbeat_ms: Some(300_000),
        partial: true,
        links: Some(Links {
            count: 1 << 40,
            complete: true,
            open: (0..64).map(link).collect(),
            closed: Vec::new(),
        }),
        about: Some(About {
            name: text.clone(),
            software: text.clone(),
            role: text,
        }),
        addresses: Some(vec!["x".repeat(wire::MAX_ADDRESS); wire::MAX_ADDRESSES]),
        ..Extension::default()
    }
}

/// A machine whose schema nobody else has.
fn fat(number: u64, states: usize, related: usize) -> Info {
    let mut names: Vec<String> = (1..states).map(|at| format!("{number}-{at}")).collect();
    names.push("Exception".to_owned());
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut info = machine(&format!("m{number}"), &texts, &vec![1; states]);
    let schema = info.schema.as_mut().expect("just made");
    schema.for_each_mut(|_, def: &mut StateDef| {
        def.require = Some(names.iter().take(related).cloned().collect());
        def.tags = Some(vec!["t".to_owned(); related]);
    });
    info.tags = Some(vec!["kind:fat".to_owned(); related]);
    info
}

fn info(author: PeerId, machines: Vec<(u64, Info)>) -> Message {
    let machines = machines
        .into_iter()
        .map(|(index, info)| (MachineIdx(index), info));
    Message::Info {
        peers: Some([(author, Some(machines.collect()))].into()),
        sums: None,
    }
}

/// The limit for everything a node holds of others.
const LIMIT: usize = 64 << 20;

#[test]
fn tables_filled_by_thousands_of_keys_stay_below_64_mib() {
    let mut flooded = Flooded::new();
    for number in 0..5000 {
        let author = peer_id(1000 + number);
        let machines = vec![(1, fat(number, 12, 3)), (2, fat(number, 3, 0))];
        let body = info(author, machines);
        flooded.hear(
            author,
            &Envelope {
                body,
                extension: extension(number),
            },
        );
        // A clock nobody knows, a name nobody knows, and whoever went without having come.
        let body = common::updates(author, 9, &[7; 2048]);
        flooded.hear(
            author,
            &Envelope {
                body,
                extension: extension(number),
            },
        );
        flooded.hear(
            author,
            &common::sums(peer_id((1 << 32) + number), 0, 1).into(),
        );
        let bye = Message::Bye { machines: None };
        flooded.hear(peer_id((1 << 33) + number), &bye.into());
    }
    println!("thousands of keys: {} KiB at most", flooded.most >> 10);
    assert!(
        (16 << 20..LIMIT).contains(&flooded.most),
        "{}",
        flooded.most
    );
}

#[test]
fn the_largest_machines_stay_below_64_mib() {
    for (states, related) in [(2000, 1), (40, 200), (1, 4000)] {
        let mut flooded = Flooded::new();
        for number in 0..200 {
            let author = peer_id(1000 + number % 20);
            let body = info(author, vec![(number, fat(number, states, related))]);
            flooded.hear(
                author,
                &Envelope {
                    body,
                    extension: extension(number),
                },
            );
        }
        println!(
            "{states} states, {related} related: {} KiB at most",
            flooded.most >> 10
        );
        assert!((8 << 20..LIMIT).contains(&flooded.most), "{}", flooded.most);
    }
}

#[test]
fn invented_peers_and_machines_stay_below_4_mib() {
    let mut flooded = Flooded::new();
    for number in 0..400 {
        let author = peer_id(1 + number % 8);
        let invented = (0..100).map(|at| {
            let machines = [(MachineIdx(at), machine("m", &["Exception"], &[1]))];
            (
                peer_id((1 << 32) + number * 100 + at),
                Some(machines.into()),
            )
        });
        let body = Message::Info {
            peers: Some(invented.collect()),
            sums: None,
        };
        flooded.hear(author, &body.into());
    }
    println!("invented peers: {} KiB at most", flooded.most >> 10);
    assert!(
        (1 << 20..4 << 20).contains(&flooded.most),
        "{}",
        flooded.most
    );
    let invented = flooded.node.peers().filter(|peer| !peer.first_hand);
    let invented = invented.count();
    assert!(
        (512..=1024).contains(&invented),
        "{invented} invented peers"
    );
}
