//! Members that lie, flood and replay among honest ones.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{as_go, info, sums, updates};
use statemesh_core::mesh::wire::{self, Envelope, Extension, Message};
use statemesh_core::node::{
    Config, Event, GoneReason, Input, MessageToken, Node, Output, Signed, Verdict,
};
use statemesh_core::{Instant, MachineIdx, PeerId};
use statemesh_testkit::net::{Member, Net, Weather, peer_id};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;
const ZERO: MachineIdx = MachineIdx(0);

fn clock(net: &Net, node: Member, owner: PeerId, index: MachineIdx) -> Vec<u64> {
    let mirror = net.get(node).mirror(owner, index).expect("it is known");
    assert!(mirror.first_hand);
    mirror.clock.to_vec()
}

/// How often that mirror changed.
fn changes(net: &Net, node: Member, owner: PeerId, index: MachineIdx) -> usize {
    let meant = |event: &Event| matches!(event, Event::ClockChanged(peer, at, _) if (*peer, *at) == (owner, index));
    let events = net.events(node).iter();
    events.filter(|(_, event)| meant(event)).count()
}

/// What a forger says of that machine, in every way there is.
fn forged(number: u64, owner: PeerId, index: MachineIdx) -> Message {
    let tick = 1 << (number % 62);
    match number % 4 {
        0 => updates(owner, index.0, &[tick, tick, tick]),
        1 => info(owner, &[(index.0, "m", &[0, tick, 1])]),
        2 => sums(owner, index.0, tick),
        _ => Message::Info {
            peers: None,
            sums: Some([(owner, Some([(index, tick)].into()))].into()),
        },
    }
}

#[test]
fn ten_thousand_forged_clocks_change_nothing_and_end_no_wait() {
    let mut net = Net::new(1);
    let (node, owner, go) = (net.node(), net.node(), net.puppet());
    let forgers: Vec<Member> = (0..5).map(|_| net.puppet()).collect();
    for other in forgers.iter().chain([&owner, &go]) {
        net.link(node, *other);
    }
    let index = net.expose(owner, "m");
    let (owner_id, go_id) = (net.id(owner), net.id(go));
    net.say(go, as_go(info(go_id, &[(0, "m", &[0, 0, 1])])));
    for (tick, member) in (2..6).flat_map(|tick| [(tick, owner), (tick, go)]) {
        net.run_for(S(1));
        match member == owner {
            true => net.clock(owner, index, &[0, tick, tick]),
            false => net.say(go, as_go(updates(go_id, 0, &[0, tick, tick]))),
        }
    }
    net.run_for(S(10));
    let said: Vec<_> = [owner, go]
        .iter()
        .flat_map(|member| net.signed(*member))
        .collect();
    net.forget();
    let mut number = 0;
    for round in 0..2000 {
        for forger in &forgers {
            number += 1;
            match number % 5 {
                0 => net.replay(node, &said[round % said.len()]),
                1 | 2 => net.say(*forger, as_go(forged(number, owner_id, index))),
                _ => net.say(*forger, as_go(forged(number, go_id, ZERO))),
            }
        }
        net.run_for(MS(40));
        assert_eq!(clock(&net, node, owner_id, index), [0, 5, 5]);
        assert_eq!(clock(&net, node, go_id, ZERO), [0, 5, 5]);
    }
    // A wait ends by an event of its mirror only.
    assert_eq!(changes(&net, node, owner_id, index), 0);
    assert_eq!(changes(&net, node, go_id, ZERO), 0);
    let dropped = net.events(node).iter();
    let dropped = dropped.filter(|(_, event)| matches!(event, Event::Dropped(..)));
    assert!(dropped.count() < 1000, "the rest was read and not believed");
    net.clock(owner, index, &[0, 6, 5]);
    net.say(go, as_go(updates(go_id, 0, &[0, 6, 5])));
    net.run_for(MS(200));
    assert_eq!(clock(&net, node, owner_id, index), [0, 6, 5]);
    assert_eq!(clock(&net, node, go_id, ZERO), [0, 6, 5]);
}

/// Latencies of changes until the last of 12 members sees them, while each changes every 1 to 3 s. Sorted.
fn latencies(flood: Option<Flood>) -> Vec<Duration> {
    let mut net = Net::new(2);
    net.count_only();
    net.set_weather(Weather {
        latency: (MS(10), MS(50)),
        ..Weather::default()
    });
    let members = net.mesh(12, 6);
    let machines: Vec<_> = members
        .iter()
        .map(|member| net.expose(*member, "m"))
        .collect();
    net.run_for(S(10));
    let mut flood = flood.map(|flood| flood.join(&mut net, &members));
    let mut ticks = vec![0_u64; members.len()];
    let mut open: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut seen = Vec::new();
    for step in 0..11_000_u64 {
        let at = step as usize % (members.len() * 33);
        // Members change one after the other, each in another rhythm.
        if at.is_multiple_of(33)
            && !(step / 396 + at as u64 / 33).is_multiple_of(3)
            && !open.contains_key(&(at / 33))
        {
            ticks[at / 33] += 1;
            net.clock(members[at / 33], machines[at / 33], &[0, 0, ticks[at / 33]]);
            open.insert(at / 33, net.now());
        }
        if let Some(flood) = &mut flood {
            flood.go_on(&mut net, step);
        }
        net.run_for(MS(5));
        open.retain(|owner, changed| {
            let sees = |member: &Member| {
                let mirror = net
                    .get(*member)
                    .mirror(net.id(members[*owner]), machines[*owner]);
                mirror.is_some_and(|mirror| mirror.clock[2] == ticks[*owner])
            };
            let mut others = members.iter().filter(|member| **member != members[*owner]);
            let is_open = !others.all(sees);
            if !is_open {
                seen.push(net.now().since(*changed));
            }
            is_open
        });
    }
    assert!(
        open.len() <= 2,
        "{} changes were not seen by all",
        open.len()
    );
    seen.sort();
    seen
}

/// What attackers do.
struct Flood {
    attackers: Vec<Member>,
    /// Keys they sign with beside their own.
    keys: u64,
}

impl Flood {
    fn join(mut self, net: &mut Net, members: &[Member]) -> Self {
        for at in 0..3 {
            let attacker = net.puppet();
            for neighbour in 0..3 {
                net.link(attacker, members[at * 3 + neighbour]);
            }
            self.attackers.push(attacker);
        }
        self
    }

    fn go_on(&mut self, net: &mut Net, step: u64) {
        if !step.is_multiple_of(4) {
            return;
        }
        let step = step / 4;
        for attacker in self.attackers.clone() {
            let id = net.id(attacker);
            match step % 10 {
                0 => {
                    let invented = (0..30).map(|number| {
                        let machines = [(ZERO, common::machine("m", &["Exception"], &[1]))];
                        (
                            peer_id((1 << 40) + (step << 8) + number),
                            Some(machines.into()),
                        )
                    });
                    let peers = Some(invented.collect());
                    net.say(attacker, as_go(Message::Info { peers, sums: None }));
                }
                3 => {
                    let names =
                        (0..100).map(|number| (peer_id((1 << 41) + (step << 8) + number), None));
                    let sums = Some(names.collect());
                    net.say(attacker, as_go(Message::Gossip { sums }));
                }
                6 => {
                    let ids = Some((1..20).map(peer_id).collect());
                    net.say(attacker, as_go(Message::ReqInfo { ids }));
                }
                9 => net.say(attacker, as_go(info(id, &[(step, "m", &[0, 0, step])]))),
                _ => {
                    // Another key, another machine; nobody is linked to it.
                    self.keys += 1;
                    let key = peer_id((1 << 42) + self.keys % 2000);
                    let to = net.any_neighbour(attacker);
                    net.inject(to, key, as_go(info(key, &[(self.keys, "m", &[0, 0, 1])])));
                }
            }
        }
    }
}

#[test]
fn a_flood_delays_honest_changes_less_than_twofold() {
    let percentile =
        |latencies: &[Duration], per_cent: usize| latencies[latencies.len() * per_cent / 100];
    let quiet = latencies(None);
    let flooded = latencies(Some(Flood {
        attackers: Vec::new(),
        keys: 0,
    }));
    for (name, latencies) in [("quiet", &quiet), ("flood", &flooded)] {
        let (p50, p99) = (percentile(latencies, 50), percentile(latencies, 99));
        println!(
            "{name}: {} changes, p50 {p50:?}, p99 {p99:?}",
            latencies.len()
        );
    }
    assert!(flooded.len() > 200);
    assert!(percentile(&flooded, 99) <= percentile(&quiet, 99) * 2);
}

#[test]
fn who_says_too_much_is_ignored_at_once_and_not_forwarded() {
    let mut net = Net::new(3);
    let (node, flooder, listener) = (net.node(), net.puppet(), net.puppet());
    net.link(node, flooder);
    net.link(node, listener);
    let id = net.id(flooder);
    net.say(flooder, as_go(info(id, &[(0, "m", &[0, 0, 1])])));
    net.run_for(S(1));
    for tick in 0..1000 {
        net.say(flooder, as_go(updates(id, 0, &[0, 0, tick])));
    }
    net.run_for(MS(100));
    let heard = net
        .heard(listener)
        .iter()
        .filter(|(_, author, _)| *author == id)
        .count();
    assert!(
        (200..=260).contains(&heard),
        "{heard} of 1000 were forwarded"
    );
    assert!(clock(&net, node, id, ZERO)[2] < 260);
    // A little later it is heard again.
    net.run_for(S(1));
    net.say(flooder, as_go(updates(id, 0, &[0, 0, 2000])));
    net.run_for(MS(100));
    assert_eq!(clock(&net, node, id, ZERO), [0, 0, 2000]);
}

#[test]
fn who_tells_of_too_many_others_is_ignored_and_hearsay_of_others_still_counts() {
    let mut net = Net::new(4);
    let (node, liar, honest) = (net.node(), net.puppet(), net.puppet());
    net.link(node, liar);
    net.link(node, honest);
    let invent = |from: u64, count: u64| {
        let one = |number| {
            (
                peer_id(number),
                Some([(ZERO, common::machine("m", &["Exception"], &[0]))].into()),
            )
        };
        as_go(Message::Info {
            peers: Some((from..from + count).map(one).collect()),
            sums: None,
        })
    };
    let known = |net: &Net| {
        net.get(node)
            .peers()
            .filter(|peer| !peer.first_hand && !peer.linked)
            .count()
    };
    net.say(liar, invent(1000, 200));
    net.run_for(MS(50));
    assert_eq!(known(&net), 200);
    net.say(liar, invent(2000, 100));
    net.say(liar, invent(3000, 1000));
    net.run_for(MS(50));
    assert_eq!(known(&net), 200);
    assert!(
        net.heard(honest)
            .iter()
            .filter(|(_, author, _)| *author == net.id(liar))
            .count()
            == 1
    );
    net.say(honest, invent(4000, 20));
    net.run_for(MS(50));
    assert_eq!(known(&net), 220);
    // Nobody answers for them: their places are free again.
    net.run_for(S(90));
    assert_eq!(known(&net), 0);
    net.say(liar, invent(5000, 200));
    net.run_for(MS(50));
    assert_eq!(known(&net), 200);
}

#[test]
fn somebody_who_speaks_is_asked_for_although_thousands_are_named() {
    let mut net = Net::new(5);
    let node = net.node();
    let liars: Vec<Member> = (0..8).map(|_| net.puppet()).collect();
    for liar in &liars {
        net.link(node, *liar);
        let id = net.id(*liar);
        net.say(*liar, as_go(info(id, &[])));
    }
    net.run_for(S(1));
    for (at, liar) in liars.iter().enumerate() {
        let named =
            (0..1000).map(|number| (peer_id((1 << 40) + ((at as u64) << 16) + number), None));
        net.say(
            *liar,
            as_go(Message::Gossip {
                sums: Some(named.collect()),
            }),
        );
    }
    net.run_for(MS(50));
    net.forget();
    let real = peer_id(77);
    net.inject(node, real, as_go(updates(real, 0, &[0, 0, 1])));
    net.run_for(S(15));
    let asks =
        |body: &Message| matches!(body, Message::ReqInfo { ids: Some(ids) } if ids.contains(&real));
    assert!(common::count(&net.sent(node), asks) > 0);
}

/// A message of this run, said at that time of its author's wall clock.
fn dated(body: Message, run: u64, wall_ms: u64) -> Vec<u8> {
    common::bytes(&Envelope {
        body,
        extension: Extension {
            version: Some(1),
            run: Some(run),
            wall_ms: Some(wall_ms),
            heartbeat_ms: Some(5000),
            ..Extension::default()
        },
    })
}

#[test]
fn replays_are_told_by_run_and_time_and_late_repairs_are_taken() {
    let mut net = Net::new(6);
    let (node, owner, listener) = (net.node(), net.puppet(), net.puppet());
    net.link(node, owner);
    net.link(node, listener);
    let id = net.id(owner);
    let machines: [(u64, &str, &[u64]); 2] = [(10, "a", &[0, 0, 1]), (11, "b", &[0, 0, 1])];
    net.say(owner, dated(info(id, &machines), 10, 1_000_000));
    net.say(owner, dated(updates(id, 10, &[0, 0, 9]), 10, 1_200_000));
    net.run_for(MS(50));
    // Overtaken on its way, of another machine: taken.
    net.say(owner, dated(updates(id, 11, &[0, 0, 5]), 10, 1_090_000));
    net.run_for(MS(50));
    assert_eq!(clock(&net, node, id, MachineIdx(11)), [0, 0, 5]);
    // Smaller sums, more than two minutes before the newest word, an earlier run: nothing.
    net.forget();
    for (sum, run, at) in [(4, 10, 1_200_000), (7, 10, 1_079_000), (8, 9, 1_300_000)] {
        net.say(owner, dated(updates(id, 11, &[0, 0, sum]), run, at));
    }
    net.run_for(MS(50));
    assert_eq!(clock(&net, node, id, MachineIdx(11)), [0, 0, 5]);
    assert_eq!(
        net.heard(listener)
            .iter()
            .filter(|(_, author, _)| *author == id)
            .count(),
        1,
        "replays go no further"
    );
}

#[test]
fn replays_bring_nobody_back_and_keep_nobody_alive() {
    let mut net = Net::new(7);
    let (node, other) = (net.node(), net.node());
    let (ours, go, talker) = (net.node(), net.puppet(), net.puppet());
    net.link(node, other);
    for end in [ours, go, talker] {
        net.link(end, other);
    }
    net.expose(ours, "m");
    let (go_id, our_id) = (net.id(go), net.id(ours));
    net.say(go, as_go(info(go_id, &[(0, "m", &[0, 0, 1])])));
    net.run_for(S(20));
    let said: Vec<_> = [ours, go]
        .iter()
        .flat_map(|member| net.signed(*member))
        .collect();
    assert!(net.get(node).peer(go_id).is_some() && net.get(node).peer(our_id).is_some());
    net.forget();
    net.crash(ours);
    net.crash(go);
    // From the moment they die, everything they ever said is said again and again.
    for _ in 0..120 {
        for signed in &said {
            net.replay(node, signed);
        }
        net.run_for(S(1));
    }
    for id in [our_id, go_id] {
        assert!(net.get(node).peer(id).is_none());
        let gone = |event: &Event| matches!(event, Event::PeerGone(peer, GoneReason::Silent) if *peer == id);
        let times = net.events(node).iter().filter(|(_, event)| gone(event));
        assert_eq!(times.count(), 1, "gone once for all");
    }
    // A new word brings it back.
    net.inject(node, go_id, as_go(info(go_id, &[(0, "m", &[0, 0, 5])])));
    assert_eq!(clock(&net, node, go_id, ZERO), [0, 0, 5]);
}

/// What a node decides about one message.
fn verdict(node: &mut Node, via: PeerId, author: PeerId, data: Vec<u8>) -> Verdict {
    let message = Input::Message {
        token: MessageToken(1),
        via,
        signed: Signed::without_proof(author, data).into(),
    };
    node.handle_input(Instant::from_micros(1), message);
    let outputs = std::iter::from_fn(|| node.poll_output());
    let verdicts = outputs.filter_map(|output| match output {
        Output::Verdict(_, verdict) => Some(verdict),
        Output::Publish(_)
        | Output::Ask(..)
        | Output::Answer(..)
        | Output::Refuse(_)
        | Output::Event(_) => None,
    });
    verdicts.last().expect("every message is judged")
}

#[test]
fn only_an_author_who_hands_over_its_own_fault_is_rejected() {
    let (author, forwarder) = (peer_id(2), peer_id(3));
    let new_node = || {
        let now = Instant::from_micros(1);
        let mut node = Node::new(Config::new(peer_id(1), ZERO, 1), now);
        node.handle_input(now, Input::Joined);
        node
    };
    let bye = |clock: &[u64]| Message::Bye {
        machines: Some(
            [(
                ZERO,
                wire::Bye {
                    clock: Some(clock.to_vec()),
                    ..wire::Bye::default()
                },
            )]
            .into(),
        ),
    };
    let fault = [
        vec![],
        vec![0xc1],
        b"\x81\xa4Type\xa4nope".to_vec(),
        as_go(info(author, &[(0, "m", &[1, 2])])),
        as_go(updates(author, 0, &[])),
        as_go(updates(author, 0, &[u64::MAX])),
    ];
    for (at, data) in fault.into_iter().enumerate() {
        let mut node = new_node();
        assert_eq!(
            verdict(&mut node, forwarder, author, data.clone()),
            Verdict::Ignore,
            "{at}"
        );
        assert_eq!(
            verdict(&mut node, author, author, data),
            Verdict::Reject,
            "{at}"
        );
    }
    let fine = [
        // Of a machine nobody introduced, of somebody nobody knows.
        as_go(updates(author, 7, &[1, 2, 3])),
        as_go(updates(peer_id(9), 7, &[1, 2, 3])),
        as_go(sums(peer_id(9), 7, 5)),
        as_go(bye(&[1])),
    ];
    for (at, data) in fine.into_iter().enumerate() {
        for via in [forwarder, author] {
            assert_eq!(
                verdict(&mut new_node(), via, author, data.clone()),
                Verdict::Accept,
                "{at}"
            );
        }
    }
    // Too much is nobody's fault that a forwarder could see.
    let mut node = new_node();
    let all =
        (0..400).map(|sum| verdict(&mut node, author, author, as_go(sums(peer_id(9), 7, sum))));
    let all: Vec<Verdict> = all.collect();
    assert_eq!((all[0], all[399]), (Verdict::Accept, Verdict::Ignore));
    assert!(!all.contains(&Verdict::Reject));
}

#[test]
fn updates_of_an_unknown_schema_are_forwarded_and_count_once_it_is_known() {
    let mut net = Net::new(8);
    let (node, owner, listener) = (net.node(), net.puppet(), net.puppet());
    net.link(node, owner);
    net.link(node, listener);
    let id = net.id(owner);
    net.say(owner, as_go(updates(id, 3, &[0, 4, 4])));
    net.run_for(MS(50));
    let heard = net.heard(listener);
    assert!(heard.iter().any(|(_, author, _)| *author == id));
    net.say(owner, as_go(info(id, &[(3, "m", &[0, 0, 1])])));
    net.run_for(MS(50));
    assert_eq!(clock(&net, node, id, MachineIdx(3)), [0, 4, 4]);
}
