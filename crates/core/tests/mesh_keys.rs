//! The extra keys of this project's peers: digests, ticks, what a peer says of itself, links; and what a change costs.

mod common;

use std::time::Duration;

use common::{as_go, count, info, sums, updates};
use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::wire::{
    self, About, Dialect, Envelope, Extension, Message, Ticks, Transport,
};
use statemesh_core::node::{Config, Event, Exposed, Input, Node, Output, Reading};
use statemesh_core::{Instant, MachineIdx, PeerId};
use statemesh_testkit::net::{Member, Net, peer_id};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;
const ZERO: MachineIdx = MachineIdx(0);

fn pair(seed: u64) -> (Net, Member, Member) {
    let mut net = Net::new(seed);
    let (a, b) = (net.node(), net.node());
    net.link(a, b);
    (net, a, b)
}

#[test]
fn equal_sums_of_different_clocks_are_told_apart_and_repaired() {
    let mut net = Net::new(1);
    let (node, owner, witness) = (net.node(), net.puppet(), net.puppet());
    net.link(node, owner);
    net.link(node, witness);
    let id = net.id(owner);
    net.say(owner, as_go(info(id, &[(0, "m", &[0, 4, 0])])));
    net.run_for(S(8));
    net.forget();
    let named = |clock: &[u64]| {
        let digests = [(id, Some([(ZERO, wire::digest(clock))].into()))].into();
        common::bytes(&Envelope {
            body: sums(id, 0, 4),
            extension: Extension {
                digests: Some(digests),
                ..Extension::default()
            },
        })
    };
    let asks = |net: &Net| {
        count(
            &net.sent(node),
            |body| matches!(body, Message::ReqInfo { ids: Some(ids) } if ids.contains(&id)),
        )
    };
    net.say(witness, named(&[0, 4, 0]));
    net.run_for(S(5));
    assert_eq!(asks(&net), 0, "the same sum and the same digest");
    net.say(witness, named(&[0, 1, 3]));
    assert!(net.run_until(S(2), |net| asks(net) == 1));
    net.say(owner, as_go(updates(id, 0, &[0, 1, 3])));
    net.run_for(MS(50));
    let clock = &net.get(node).mirror(id, ZERO).unwrap().clock;
    assert_eq!(**clock, [0, 1, 3]);
    // Said before, heard again: older.
    let before = net.signed(owner)[0].clone();
    net.say(owner, as_go(updates(id, 0, &[0, 2, 2])));
    net.run_for(MS(50));
    net.replay(node, &before);
    let clock = &net.get(node).mirror(id, ZERO).unwrap().clock;
    assert_eq!(**clock, [0, 2, 2]);
}

#[test]
fn machine_and_queue_ticks_are_told_with_changes_and_heartbeats_and_never_fall() {
    let (mut net, a, b) = pair(2);
    let index = net.expose(a, "m");
    let feed = |net: &mut Net, tick: u64, ticks: Option<Ticks>| {
        let clock = vec![0, 0, tick];
        net.input(a, Input::Clock(index, Reading { clock, ticks }));
    };
    let ticks = |net: &Net| {
        net.get(b)
            .mirror(net.id(a), index)
            .and_then(|mirror| mirror.ticks)
    };
    net.run_for(S(1));
    assert_eq!(ticks(&net), None, "unknown");
    let told = Ticks {
        machine: 2,
        queue: 7,
    };
    feed(&mut net, 1, Some(told));
    assert!(net.run_until(MS(200), |net| ticks(net) == Some(told)));
    // A late message of the same owner, and one without the key: a Go peer's way of forwarding.
    let old = Extension {
        ticks: Some(
            [(
                index,
                Ticks {
                    machine: 1,
                    queue: 3,
                },
            )]
            .into(),
        ),
        ..Extension::default()
    };
    for extension in [old, Extension::default()] {
        let body = updates(net.id(a), index.0, &[0, 0, 1]);
        net.inject(b, net.id(a), common::bytes(&Envelope { body, extension }));
        assert_eq!(ticks(&net), Some(told));
    }
    // A newcomer has them from the introduction.
    let late = net.node();
    net.link(late, b);
    let known = |net: &Net| {
        net.get(late)
            .mirror(net.id(a), index)
            .and_then(|mirror| mirror.ticks)
    };
    assert!(net.run_until(S(6), |net| known(net) == Some(told)));
}

#[test]
fn a_peer_says_what_it_is_and_silence_takes_nothing_back() {
    let mut net = Net::new(3);
    let about = About {
        name: "sorter".to_owned(),
        software: "statemesh/0.1".to_owned(),
        role: "worker".to_owned(),
    };
    let (a, b, go) = (net.node_about(about.clone()), net.node(), net.puppet());
    net.link(a, b);
    net.link(b, go);
    let said = |net: &Net, of: PeerId| net.get(b).peer(of).and_then(|peer| peer.about);
    assert!(net.run_until(S(1), |net| said(net, net.id(a)).as_ref() == Some(&about)));
    let id = net.id(a);
    net.say(go, as_go(info(net.id(go), &[])));
    net.say(go, as_go(info(id, &[])));
    net.inject(b, id, as_go(updates(id, 1, &[0, 0, 1])));
    net.run_for(S(20));
    assert_eq!(said(&net, id), Some(about), "heartbeats do not repeat it");
    assert_eq!(said(&net, net.id(go)), None);
}

#[test]
fn an_introduction_that_comes_after_newer_clocks_still_describes_its_author() {
    let mut net = Net::new(6);
    let (b, a) = (net.node(), net.puppet());
    net.link(a, b);
    let id = net.id(a);
    let said = |body: Message, at: u64, described: bool| {
        let extension = Extension {
            version: Some(1),
            wall_ms: Some(at),
            addresses: described.then(|| vec![format!("/ip4/192.0.2.7/tcp/{at}")]),
            about: described.then(|| About {
                name: at.to_string(),
                ..About::default()
            }),
            ..Extension::default()
        };
        wire::encode(&Envelope { body, extension }, Dialect::Compact)
    };
    let known = |net: &Net| {
        let view = net.get(b).peer(id)?;
        Some((view.about?.name, view.contact?.addresses.clone()))
    };
    let wanted = |at: u64| Some((at.to_string(), vec![format!("/ip4/192.0.2.7/tcp/{at}")]));
    net.say(a, said(updates(id, 1, &[0, 0, 1]), 3000, false));
    net.run_for(MS(100));
    net.say(a, said(info(id, &[]), 2000, true));
    net.run_for(MS(100));
    assert_eq!(known(&net), wanted(2000));
    net.say(a, said(info(id, &[]), 1000, true));
    net.run_for(MS(100));
    assert_eq!(known(&net), wanted(2000), "an older one");
    net.say(a, said(info(id, &[]), 4000, true));
    net.run_for(MS(100));
    assert_eq!(known(&net), wanted(4000));
}

#[test]
fn addresses_are_told_first_hand_with_the_neighbour_that_handed_them_over() {
    let mut net = Net::new(5);
    let (a, b, c) = (net.node(), net.node(), net.node());
    let ports = |ports: &[u16]| -> Vec<String> {
        let address = |port| format!("/ip4/192.0.2.7/tcp/{port}");
        ports.iter().map(address).collect()
    };
    net.input(a, Input::Addresses(ports(&[1])));
    net.link(a, b);
    net.link(b, c);
    let (a_id, b_id) = (net.id(a), net.id(b));
    let known = |net: &Net| {
        let contact = net.get(c).peer(a_id)?.contact?;
        Some((contact.addresses.clone(), contact.via))
    };
    assert!(net.run_until(S(2), |net| known(net) == Some((ports(&[1]), b_id))));
    // Nobody can say where somebody else is.
    let claim = Envelope {
        body: info(a_id, &[]),
        extension: Extension {
            version: Some(1),
            addresses: Some(ports(&[666])),
            ..Extension::default()
        },
    };
    let other = net.puppet();
    net.link(other, c);
    net.say(other, wire::encode(&claim, Dialect::Compact));
    net.run_for(S(10));
    assert_eq!(known(&net), Some((ports(&[1]), b_id)));
    // A node that moves says so without being asked; nine addresses are one too many.
    net.input(a, Input::Addresses(ports(&[1, 2, 3, 4, 5, 6, 7, 8, 9])));
    assert!(net.run_until(S(2), |net| known(net)
        == Some((ports(&[1, 2, 3, 4, 5, 6, 7, 8]), b_id))));
    net.input(a, Input::Addresses(Vec::new()));
    assert!(net.run_until(S(2), |net| known(net) == Some((Vec::new(), b_id))));
    assert_eq!(net.get(c).peer(b_id).and_then(|peer| peer.contact), None);
}

#[test]
fn links_are_told_when_they_open_at_once_when_they_close_and_with_the_heartbeat_when_slower() {
    let mut net = Net::new(4);
    let (a, b, c) = (net.node(), net.node(), net.node());
    net.link(a, b);
    net.link(b, c);
    net.run_for(S(8));
    let d = net.puppet();
    let (a_id, d_id) = (net.id(a), net.id(d));
    let link = |net: &Net| {
        let view = net.get(c).peer(a_id).expect("known");
        let link = view
            .links
            .iter()
            .find(|link| link.end == d_id.into())
            .copied();
        (view.link_count, link)
    };
    net.link(a, d);
    assert!(net.run_until(MS(400), |net| link(net).1.is_some()));
    assert_eq!(link(&net).0, 2);
    let rtt = |net: &Net| link(net).1.map(|link| (link.transport, link.rtt_ms));
    net.input(a, Input::Link(d_id, Transport::Quic, MS(80)));
    assert!(net.run_until(S(6), |net| rtt(net) == Some((Transport::Quic, 80))));
    net.forget();
    for _ in 0..20 {
        net.input(a, Input::Link(d_id, Transport::Quic, MS(200)));
    }
    assert!(net.run_until(S(6), |net| rtt(net).is_some_and(|(_, ms)| ms > 150)));
    let sent = net.sent(a);
    let updates = sent
        .iter()
        .filter(|(_, envelope)| matches!(envelope.body, Message::Updates { .. }));
    let mut beats = updates.map(|(_, envelope)| common::is_heartbeat(envelope));
    assert!(
        beats.all(|is_beat| is_beat),
        "a round trip is worth no message of its own"
    );
    net.cut(a, d);
    assert!(net.run_until(MS(250), |net| link(net) == (1, None)));
}

#[test]
fn sixty_four_links_are_named_and_all_are_counted() {
    let mut net = Net::new(5);
    let (hub, far) = (net.node(), net.node());
    net.link(hub, far);
    for _ in 0..100 {
        let end = net.node();
        net.link(hub, end);
    }
    net.run_for(S(12));
    let view = net.get(far).peer(net.id(hub)).unwrap();
    assert_eq!((view.links.len(), view.link_count), (64, 101));
}

#[test]
fn keys_lost_on_the_way_through_go_are_unknown_and_no_restart() {
    let mut net = Net::new(6);
    let (a, b, go) = (net.node(), net.node(), net.puppet());
    net.link(a, b);
    net.link(b, go);
    net.say(go, as_go(info(net.id(go), &[])));
    let index = net.expose(a, "m");
    net.clock(a, index, &[0, 0, 3]);
    net.run_for(S(8));
    let id = net.id(a);
    let view = |net: &Net| {
        net.get(b)
            .peer(id)
            .map(|peer| (peer.run, peer.heartbeat, peer.is_statemesh))
    };
    let before = view(&net);
    assert_eq!(before, Some((Some(1000), Some(S(5)), true)));
    net.forget();
    // What a Go peer makes of it: the machine as it first was, without keys.
    let forwarded = info(id, &[(index.0, "m", &[0, 0, 0])]);
    net.say(go, as_go(forwarded));
    net.inject(b, id, as_go(updates(id, index.0, &[0, 0, 3])));
    net.run_for(S(1));
    assert_eq!(view(&net), before);
    let mirror = net.get(b).mirror(id, index).unwrap();
    assert_eq!(
        (&mirror.clock[..], mirror.first_hand),
        (&[0, 0, 3][..], true)
    );
    let told = net.events(b).iter();
    let is_news = |event: &Event| !matches!(event, Event::Heard(_));
    assert!(told.filter(|(_, event)| is_news(event)).count() == 0);
    // Known from Go alone, the keys are unknown until the owner speaks.
    let (late, stranger) = (net.node(), net.puppet());
    net.link(late, stranger);
    net.say(stranger, as_go(info(id, &[(index.0, "m", &[0, 0, 0])])));
    net.run_for(MS(50));
    let view = net.get(late).peer(id).unwrap();
    assert_eq!(
        (view.run, view.heartbeat, view.is_statemesh, view.about),
        (None, None, false, None)
    );
}

/// Payloads of a node that was told what happened.
fn published(node: &mut Node, now: Instant, input: Option<Input>) -> Vec<Vec<u8>> {
    match input {
        Some(input) => node.handle_input(now, input),
        None => node.handle_timeout(now),
    }
    let outputs = std::iter::from_fn(|| node.poll_output());
    let data = outputs.filter_map(|output| match output {
        Output::Publish(data) => Some(data),
        Output::Ask(..)
        | Output::Answer(..)
        | Output::Refuse(_)
        | Output::Verdict(..)
        | Output::Event(_) => None,
    });
    data.collect()
}

/// Bytes of a protobuf field of that many bytes.
fn field(len: usize) -> usize {
    1 + varint(len) + len
}

fn varint(number: usize) -> usize {
    1 + number.checked_ilog2().map_or(0, |bits| bits as usize / 7)
}

#[test]
fn a_change_of_two_states_of_twenty_costs_180_bytes_and_320_with_its_envelope() {
    let states = (1..20).map(|number| format!("State{number}"));
    let def = states.fold(
        SchemaDef::new().state("Exception", StateDef::new()),
        |def, name| def.state(name, StateDef::new()),
    );
    // Milliseconds since 2020 and since 1970, as a real peer has them.
    let config = Config {
        wall_ms: 1_795_000_000_000,
        about: About {
            name: "a".repeat(40),
            ..About::default()
        },
        ..Config::new(peer_id(1), MachineIdx(217_000_000_000), 1)
    };
    let mut now = Instant::from_micros(1);
    let mut node = Node::new(config, now);
    let index = node.reserve_index();
    let mut clock = vec![0; 20];
    let machine = Exposed {
        id: "orders".into(),
        schema: Schema::normalise(&def).0,
        tags: vec!["kind:orders".to_owned()],
        parent: String::new(),
        clock: clock.clone(),
    };
    for input in [
        Input::Joined,
        Input::Expose(index, machine),
        Input::LinkUp(peer_id(2)),
        Input::Subscribed(peer_id(2)),
    ] {
        published(&mut node, now, Some(input));
    }
    let (mut largest, mut measured) = (0, 0);
    // Two states take turns, until every tick needs three bytes: forty bytes more than at first.
    for change in 0..200_u64 {
        let (one, other) = (change as usize % 20, (change as usize + 7) % 20);
        clock[one] += 27;
        clock[other] += 27;
        now = now + S(1);
        published(&mut node, now, None);
        let reading = Reading {
            clock: clock.clone(),
            ticks: Some(Ticks {
                machine: 1,
                queue: 1000 + change,
            }),
        };
        published(&mut node, now, Some(Input::Clock(index, reading)));
        // A heartbeat just before makes it wait for the gap.
        now = now + MS(100);
        for data in published(&mut node, now, None) {
            let envelope = wire::decode(&data).unwrap();
            if matches!(envelope.body, Message::Updates { .. }) && !common::is_heartbeat(&envelope)
            {
                largest = largest.max(data.len());
                measured += 1;
            }
        }
    }
    // Protobuf: author, data, number, topic, signature; the key is in the author's id.
    let message = field(38) + field(largest) + field(8) + field("orders".len()) + field(64);
    let whole = field(message) + varint(field(message));
    println!(
        "data {largest} bytes, whole message {whole} bytes; ticks up to {}",
        clock.iter().max().unwrap()
    );
    assert!(measured > 50, "{measured} changes were told by themselves");
    assert!(
        clock.iter().all(|tick| *tick > 127),
        "every tick needs two bytes"
    );
    assert!((100..=180).contains(&largest), "{largest} bytes of data");
    assert!(whole <= 320, "{whole} bytes in all");
}
