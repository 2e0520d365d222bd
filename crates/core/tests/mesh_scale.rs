//! Many members over virtual time: how soon everybody knows everything, and what that costs the topic.

#[path = "common/allocator.rs"]
mod allocator;
mod common;

use std::time::Duration;

use common::{far_apart, settled};
use statemesh_core::MachineIdx;
use statemesh_core::mesh::wire::MessageKind;
use statemesh_testkit::net::{Member, Net, Weather};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

/// Members of a random graph of degree six over links of 10 to 50 ms, each with some machines. All join at the same moment.
fn join_all(seed: u64, nodes: usize, machines: usize) -> (Net, Vec<Member>) {
    let mut net = far_apart(seed);
    net.count_only();
    let members: Vec<Member> = (0..nodes).map(|_| net.node()).collect();
    for member in &members {
        for number in 0..machines {
            net.expose(*member, &format!("machine-{member}-{number}"));
        }
    }
    net.wire(&members, 6);
    (net, members)
}

/// Share of all pairs of member and foreign machine that are known, in thousandths.
fn known(net: &Net, members: &[Member], machines: usize) -> usize {
    let all = members.len() * (members.len() - 1) * machines;
    let known: usize = members
        .iter()
        .map(|member| net.machines_known(*member))
        .sum();
    known * 1000 / all
}

/// Virtual time until 90 % and until everything is known.
fn time_to_know(
    net: &mut Net,
    members: &[Member],
    machines: usize,
    limit: Duration,
) -> (Duration, Duration) {
    let start = net.now();
    let mut most = None;
    while net.now().since(start) < limit {
        net.run_for(MS(10));
        let known = known(net, members, machines);
        if known >= 900 {
            most.get_or_insert(net.now().since(start));
        }
        if known == 1000 {
            return (most.unwrap_or_default(), net.now().since(start));
        }
    }
    panic!(
        "{} of 1000 pairs known after {limit:?}: {}",
        known(net, members, machines),
        net.traffic()
    );
}

/// Joins, and tells how long it took and what the topic carried.
fn check(nodes: usize, machines: usize, limit: Duration) -> Net {
    let (mut net, members) = join_all(nodes as u64, nodes, machines);
    let (most, all) = time_to_know(&mut net, &members, machines, limit);
    println!(
        "{nodes} x {machines}: 90 % after {most:?}, all after {all:?}, {}",
        net.traffic()
    );
    assert!(all - most <= S(1), "a tail of {:?}", all - most);
    assert!(
        net.traffic().published(MessageKind::Info).messages <= nodes as u64 * 11 / 10,
        "more than one introduction each: {}",
        net.traffic()
    );
    net
}

#[test]
fn everybody_knows_everything_soon() {
    for (nodes, received) in [
        (20, 100 << 10),
        (50, 512 << 10),
        (100, 1 << 20),
        (200, 2 << 20),
    ] {
        let net = check(nodes, 3, S(1));
        for member in 0..nodes {
            let bytes = net.received(member).bytes;
            assert!(
                bytes <= received,
                "{nodes}: member {member} received {bytes}"
            );
        }
    }
}

/// The load test that the Go project lists as a wish. Everybody's tables and the network itself count.
#[test]
fn a_thousand_join_at_once_and_all_know_all() {
    let before = allocator::bytes();
    let net = check(1000, 1, S(5));
    let held = allocator::bytes().wrapping_sub(before);
    println!("{} MiB held", held >> 20);
    assert!(held <= 1 << 30, "{held} bytes held");
    drop(net);
}

/// Links of 10 to 50 ms where a third of everything goes wrong, links and readers alike.
fn storm() -> Weather {
    Weather {
        latency: (MS(10), MS(50)),
        loss: 300,
        doubled: 300,
        delayed: 300,
        delay: MS(400),
        unread: 300,
        unread_kind: None,
    }
}

/// Every member knows every other's machine at this clock.
fn all_equal(net: &Net, machines: &[(Member, MachineIdx)], clock: &[u64]) -> bool {
    machines.iter().all(|(member, _)| {
        let others = machines.iter().filter(|(owner, _)| owner != member);
        others.clone().all(|(owner, index)| {
            let mirror = net.get(*member).mirror(net.id(*owner), *index);
            mirror.is_some_and(|mirror| *mirror.clock == *clock)
        })
    })
}

/// Acceptance A10: what readers drop, the next heartbeats repair.
#[test]
fn dropped_updates_are_repaired_within_two_heartbeats() {
    let (mut net, machines) = settled(far_apart(10), 20, S(10));
    net.set_weather(Weather {
        unread: 300,
        unread_kind: Some(MessageKind::Updates),
        ..storm_free()
    });
    let mut ticks = 0;
    for _ in 0..10 {
        ticks += 1;
        for (member, index) in &machines {
            net.clock(*member, *index, &[0, ticks, ticks]);
        }
        net.run_for(MS(500));
    }
    // Those heartbeats are read again.
    net.set_weather(storm_free());
    let heartbeat = net.get(machines[0].0).peer(net.id(machines[1].0));
    let heartbeat = heartbeat.and_then(|peer| peer.heartbeat).expect("promised");
    assert!(net.run_until(heartbeat * 2, |net| all_equal(
        net,
        &machines,
        &[0, ticks, ticks]
    )));
}

fn storm_free() -> Weather {
    Weather {
        latency: (MS(10), MS(50)),
        ..Weather::default()
    }
}

#[test]
fn after_a_storm_all_are_equal_within_two_heartbeats_and_in_it_nearly_all_within_ten() {
    let (mut net, machines) = settled(far_apart(11), 20, S(10));
    net.set_weather(storm());
    let heartbeat = net.get(machines[0].0).peer(net.id(machines[1].0));
    let heartbeat = heartbeat.and_then(|peer| peer.heartbeat).expect("promised");
    for (member, index) in &machines {
        net.clock(*member, *index, &[0, 1, 1]);
    }
    net.run_for(heartbeat * 10);
    let pairs = machines.len() * (machines.len() - 1);
    let late = machines.iter().flat_map(|(member, _)| {
        let net = &net;
        machines.iter().filter(move |(owner, index)| {
            let mirror = net.get(*member).mirror(net.id(*owner), *index);
            owner != member && mirror.is_none_or(|mirror| *mirror.clock != [0, 1, 1])
        })
    });
    let late = late.count();
    assert!(late * 100 <= pairs, "{late} of {pairs} late in the storm");
    for (member, index) in &machines {
        net.clock(*member, *index, &[0, 1, 2]);
    }
    net.run_for(MS(200));
    net.set_weather(storm_free());
    assert!(net.run_until(heartbeat * 2, |net| all_equal(net, &machines, &[0, 1, 2])));
}

/// What the topic carries at rest, in all: every message reaches every member.
#[test]
fn at_rest_the_topic_is_quiet_whatever_its_size() {
    for nodes in [10, 100, 200] {
        let (mut net, _) = settled(far_apart(12), nodes, S(10));
        net.run_for(S(20));
        net.forget();
        net.run_for(S(60));
        let all = net.traffic().all().messages;
        println!("{nodes} at rest for a minute: {}", net.traffic());
        assert!(all <= 20 * 60, "{nodes}: {all} in a minute");
        let others = all - net.traffic().published(MessageKind::Updates).messages;
        assert_eq!(others, 0, "heartbeats only: {}", net.traffic());
    }
}

/// With Go members, too, and while everything changes all the time.
#[test]
fn with_go_members_a_busy_topic_keeps_to_forty_messages_a_second() {
    let (mut net, machines) = settled(far_apart(13), 60, S(10));
    let go = net.puppet();
    net.link(go, machines[0].0);
    let id = net.id(go);
    net.say(
        go,
        common::as_go(common::info(id, &[(0, "go", &[0, 0, 1])])),
    );
    net.run_for(S(10));
    net.forget();
    for tick in 1..=100 {
        for (member, index) in &machines {
            net.clock(*member, *index, &[0, tick, tick]);
        }
        net.run_for(MS(300));
    }
    let all = net.traffic().all().messages;
    assert!(all <= 40 * 30 * 11 / 10, "{}", net.traffic());
}

/// When all introduce themselves nobody knows how many they are: the first promise has to be kept whatever turns out.
#[test]
fn a_crowd_that_joined_at_once_keeps_its_first_promise() {
    let (mut net, machines) = settled(far_apart(14), 300, S(0));
    net.run_for(S(90));
    let requests = net.traffic().published(MessageKind::ReqInfo).messages;
    assert_eq!(requests, 0, "nobody is suspected: {}", net.traffic());
    let known = |(member, _): &(Member, MachineIdx)| net.machines_known(*member) == 299;
    assert!(machines.iter().all(known));
}
