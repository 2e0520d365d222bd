//! What a change, a join and rest cost the topic as the network grows; who comes late, leaves or dies among a hundred.

mod common;

use std::time::Duration;

use common::{as_go, far_apart, info, sees, sums, updates};
use statemesh_core::MachineIdx;
use statemesh_core::mesh::wire::MessageKind;
use statemesh_core::node::{Event, GoneReason};
use statemesh_testkit::net::{Member, Net, Weather};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

/// As [`common::settled`], too many to keep what they say.
fn settled(seed: u64, nodes: usize) -> (Net, Vec<(Member, MachineIdx)>) {
    let mut net = far_apart(seed);
    net.count_only();
    common::settled(net, nodes, S(5))
}

#[test]
fn a_change_costs_one_message_and_a_join_one_however_large_the_network() {
    println!(
        "members | messages per change | seen by all after | messages per join | streams | bytes to a newcomer"
    );
    for nodes in [10, 30, 100, 300] {
        let (mut net, machines) = settled(nodes as u64, nodes);
        // As many heartbeats as there were changes go on beside.
        net.forget();
        let mut latest = Duration::ZERO;
        for tick in 1..=10 {
            let (owner, index) = machines[tick as usize % machines.len()];
            net.clock(owner, index, &[0, 0, tick]);
            let start = net.now();
            let all = |net: &Net| {
                machines.iter().all(|(member, _)| {
                    *member == owner || sees(net, *member, (owner, index), &[0, 0, tick])
                })
            };
            assert!(net.run_until(S(1), all));
            latest = latest.max(net.now().since(start));
        }
        let elapsed = net.traffic().published(MessageKind::Updates).messages;
        let others = net.traffic().all().messages - elapsed;
        let beats = {
            let mut quiet = settled(nodes as u64, nodes).0;
            quiet.forget();
            quiet.run_for(net.now().since(quiet.now()));
            quiet.traffic().all().messages
        };
        let per_change = (elapsed as f64 - beats as f64) / 10.0;
        assert_eq!(others, 0, "updates only: {}", net.traffic());

        net.run_for(S(1));
        net.forget();
        let late = net.node();
        net.link(late, machines[0].0);
        assert!(net.run_until(S(1), |net| net.machines_known(late) == nodes));
        net.run_for(S(1));
        let (infos, requests, told) = (
            net.traffic().published(MessageKind::Info).messages,
            net.traffic().published(MessageKind::ReqInfo).messages,
            net.traffic().told,
        );
        println!(
            "{nodes:>7} | {per_change:>19.2} | {latest:>17?} | {:>17} | {:>7} | {}",
            infos + requests,
            told.messages,
            told.bytes
        );
        assert!(
            (0.8..=1.3).contains(&per_change),
            "{per_change} messages per change"
        );
        assert!(latest <= MS(400));
        assert_eq!((infos, requests), (1, 0), "{}", net.traffic());
        // The newcomer asks, and its neighbour perhaps back; large knowledge comes in parts.
        assert!(
            told.messages <= 3 + told.bytes / (64 << 10),
            "{}",
            net.traffic()
        );
    }
}

/// Acceptance A11.
#[test]
fn among_a_hundred_a_late_joiner_has_every_machine_at_its_clock() {
    let (mut net, machines) = settled(1, 100);
    let go = net.puppet();
    net.link(go, machines[3].0);
    let id = net.id(go);
    net.say(go, as_go(info(id, &[(0, "go", &[0, 0, 1])])));
    for second in 1..=60 {
        for (member, index) in machines.iter().skip(second as usize % 3).step_by(3) {
            net.clock(*member, *index, &[0, second, 0]);
        }
        if second % 10 == 0 {
            net.say(go, as_go(updates(id, 0, &[0, 0, second])));
        }
        net.run_for(S(1));
    }
    net.run_for(S(2));
    let late = net.node();
    net.link(late, machines[50].0);
    let start = net.now();
    // Of each owner the clock its owner fed last.
    let clocks: Vec<Vec<u64>> = (0..100)
        .map(|at| vec![0, 60 - (60 - at % 3) % 3, 0])
        .collect();
    let everything = |net: &Net| {
        sees(net, late, (go, MachineIdx(0)), &[0, 0, 60])
            && machines
                .iter()
                .zip(&clocks)
                .all(|(machine, clock)| sees(net, late, *machine, clock))
    };
    assert!(net.run_until(S(10), everything));
    println!(
        "a late joiner had 101 machines of 60 s of changes after {:?}",
        net.now().since(start)
    );
}

/// Acceptance A12.
#[test]
fn among_a_hundred_who_leaves_is_gone_at_once_and_who_crashes_soon_and_stays_so() {
    let (mut net, machines) = settled(2, 100);
    let go = net.puppet();
    net.link(go, machines[3].0);
    let go_id = net.id(go);
    net.say(go, as_go(info(go_id, &[])));
    net.run_for(S(1));
    let (leaver, crasher) = (machines[10], machines[20]);
    let everybody = || {
        machines
            .iter()
            .filter(|(member, _)| ![leaver.0, crasher.0].contains(member))
    };
    let gone = |net: &Net, member: Member| {
        let id = net.id(member);
        everybody().all(|(other, _)| net.get(*other).peer(id).is_none())
    };
    let start = net.now();
    net.leave(leaver.0);
    assert!(net.run_until(S(1), |net| gone(net, leaver.0)));
    println!(
        "who left was gone for 98 others after {:?}",
        net.now().since(start)
    );
    let start = net.now();
    net.crash(crasher.0);
    assert!(net.run_until(S(15), |net| gone(net, crasher.0)));
    println!(
        "who crashed was gone for 98 others after {:?}",
        net.now().since(start)
    );
    // A Go peer tells of its ghosts for ever.
    for round in 0..60 {
        for (member, index) in [leaver, crasher] {
            let id = net.id(member);
            net.say(go, as_go(info(id, &[(index.0, "m", &[0, 0, 1])])));
            net.say(go, as_go(sums(id, index.0, round)));
        }
        net.run_for(S(2));
        assert!(gone(&net, leaver.0) && gone(&net, crasher.0));
    }
    let who = |event: &Event| matches!(event, Event::PeerGone(_, GoneReason::Evicted));
    assert!(
        net.events(machines[0].0)
            .iter()
            .all(|(_, event)| !who(event))
    );
}

/// The longest that anybody missed anything while 30 % of everything was lost, delayed, doubled, reordered or not read.
#[test]
fn in_a_storm_nobody_misses_a_machine_or_a_change_for_long() {
    let storm = Weather {
        latency: (MS(10), MS(50)),
        loss: 300,
        doubled: 300,
        delayed: 300,
        delay: MS(400),
        unread: 300,
        unread_kind: None,
    };
    let (mut longest_machine, mut longest_change) = (Duration::ZERO, Duration::ZERO);
    for seed in 0..5 {
        let mut net = Net::new(100 + seed);
        net.count_only();
        net.set_weather(storm.clone());
        let members: Vec<Member> = (0..20).map(|_| net.node()).collect();
        let machines = members
            .iter()
            .map(|member| (*member, net.expose(*member, "m")));
        let machines: Vec<_> = machines.collect();
        net.wire(&members, 6);
        let start = net.now();
        let known = |net: &Net| {
            members
                .iter()
                .all(|member| net.machines_known(*member) == 19)
        };
        assert!(
            net.run_until(S(50), known),
            "a machine was missed for ten heartbeats"
        );
        longest_machine = longest_machine.max(net.now().since(start));
        for tick in 1..=4 {
            let start = net.now();
            for (member, index) in &machines {
                net.clock(*member, *index, &[0, 0, tick]);
            }
            let all = |net: &Net| {
                members.iter().all(|member| {
                    let mut others = machines.iter().filter(|(owner, _)| owner != member);
                    others.all(|machine| sees(net, *member, *machine, &[0, 0, tick]))
                })
            };
            assert!(
                net.run_until(S(50), all),
                "a change was missed for ten heartbeats"
            );
            longest_change = longest_change.max(net.now().since(start));
        }
    }
    println!(
        "in a storm: a machine was missed for {longest_machine:?} at most, a change for {longest_change:?}"
    );
}
