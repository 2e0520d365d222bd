//! Newcomers are told by one neighbour, directly, what everybody said before: over virtual time, as real bytes.

mod common;

use std::time::Duration;

use common::{as_go, info, sees, settled, updates};
use statemesh_core::MachineIdx;
use statemesh_core::mesh::wire::MessageKind;
use statemesh_core::node::{Event, Input, Reply};
use statemesh_testkit::net::{Member, Net, Weather, peer_id};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn a_newcomer_costs_the_mesh_one_introduction_and_one_stream() {
    let (mut net, machines) = settled(Net::new(1), 60, S(3));
    for tick in 1..=20 {
        for (member, index) in &machines {
            net.clock(*member, *index, &[0, tick, tick]);
        }
        net.run_for(MS(500));
    }
    net.run_for(S(1));
    net.forget();
    let late = net.node();
    net.expose(late, "late");
    net.link(late, machines[7].0);
    let everything = |net: &Net| {
        machines
            .iter()
            .all(|machine| sees(net, late, *machine, &[0, 20, 20]))
    };
    assert!(net.run_until(MS(100), everything));
    net.run_for(S(2));
    let infos = net.traffic().published(MessageKind::Info).messages;
    let requests = net.traffic().published(MessageKind::ReqInfo).messages;
    assert_eq!((infos, requests), (1, 0), "{}", net.traffic());
    assert_eq!(net.traffic().told.messages, 1, "{}", net.traffic());
    for (member, _) in &machines {
        assert_eq!(net.machines_known(*member), 60);
    }
}

#[test]
fn go_owners_are_passed_on_in_their_own_words() {
    let mut net = Net::new(2);
    let (a, b, go) = (net.node(), net.node(), net.puppet());
    net.link(a, b);
    net.link(a, go);
    let owner = net.id(go);
    net.say(
        go,
        as_go(info(
            owner,
            &[(0, "one", &[0, 0, 1]), (1, "two", &[0, 0, 1])],
        )),
    );
    net.run_for(S(1));
    net.say(go, as_go(updates(owner, 1, &[0, 2, 2])));
    net.run_for(S(1));
    net.cut(a, go);
    let late = net.node();
    net.link(late, b);
    assert!(net.run_until(MS(200), |net| {
        sees(net, late, (go, MachineIdx(0)), &[0, 0, 1])
            && sees(net, late, (go, MachineIdx(1)), &[0, 2, 2])
    }));
    let peer = net.get(late).peer(owner).unwrap();
    assert!(peer.first_hand && !peer.is_statemesh);
}

#[test]
fn large_knowledge_comes_in_parts_and_a_lost_neighbour_is_made_up_for() {
    let (mut net, machines) = settled(Net::new(3), 12, S(3));
    // Clocks of many states: several parts.
    let owner = machines[0].0;
    let schema = common::large_schema(1500);
    let large: Vec<_> = (0..40)
        .map(|number| {
            (
                owner,
                net.expose_with(owner, &format!("large{number}"), schema.clone()),
            )
        })
        .collect();
    net.run_for(S(3));
    let late = net.node();
    net.set_latency(MS(40));
    net.link(late, machines[5].0);
    net.link(late, machines[6].0);
    net.run_for(MS(70));
    // The one that is being asked dies in the middle of it.
    net.crash(machines[5].0);
    let all = |net: &Net| {
        large
            .iter()
            .all(|(owner, index)| net.get(late).mirror(net.id(*owner), *index).is_some())
            && net.machines_known(late) >= 50
    };
    assert!(
        net.run_until(S(3), all),
        "{} known",
        net.machines_known(late)
    );
}

#[test]
fn two_meshes_become_one() {
    let mut net = Net::new(4);
    let group = |net: &mut Net| -> Vec<Member> {
        let members: Vec<Member> = (0..15).map(|_| net.node()).collect();
        for member in &members {
            net.expose(*member, "m");
        }
        net.wire(&members, 4);
        net.run_for(S(20));
        members
    };
    let (one, two) = (group(&mut net), group(&mut net));
    net.forget();
    net.link(one[3], two[8]);
    // The two ends at once, everybody else with the heartbeats of those it has not heard of.
    assert!(net.run_until(MS(500), |net| {
        net.machines_known(one[3]) == 29 && net.machines_known(two[8]) == 29
    }));
    let all = one.iter().chain(&two);
    assert!(net.run_until(S(10), |net| {
        all.clone().all(|member| net.machines_known(*member) == 29)
    }));
    net.run_for(S(10));
    let infos = net.traffic().published(MessageKind::Info).messages;
    assert!(infos <= 30, "each once at most: {}", net.traffic());
}

#[test]
fn nobody_who_left_comes_back_by_what_a_neighbour_kept() {
    let (mut net, machines) = settled(Net::new(5), 10, S(3));
    let gone = machines[4].0;
    let listener = machines[5].0;
    net.cut(machines[5].0, gone);
    net.leave(gone);
    net.run_for(S(1));
    let id = net.id(gone);
    assert!(net.get(listener).peer(id).is_none());
    let late = net.node();
    net.link(late, listener);
    net.run_for(S(10));
    assert!(net.get(late).peer(id).is_none());
    assert_eq!(net.machines_known(late), 9);
}

#[test]
fn what_nobody_asked_for_or_nobody_can_read_changes_nothing() {
    let (mut net, machines) = settled(Net::new(6), 3, S(3));
    let (a, b) = (machines[0].0, machines[1].0);
    net.forget();
    let before = net.machines_known(a);
    let stranger = net.id(b);
    let told = statemesh_core::node::Signed {
        author: peer_id(77),
        seqno: 1,
        signature: vec![1; 64],
        data: as_go(info(peer_id(77), &[(0, "m", &[0, 0, 1])])),
    };
    let reply = Reply {
        messages: vec![told.into()],
        more_after: None,
    };
    net.input(a, Input::Told(stranger, reply));
    assert_eq!(net.machines_known(a), before, "not asked for");
    for junk in [
        vec![],
        vec![1],
        vec![9; 100],
        vec![1, 0, 5],
        vec![0xff; 1 << 16],
    ] {
        net.input(
            a,
            Input::Asked(stranger, statemesh_core::node::Call(1 << 40), junk),
        );
    }
    let is_quiet = |event: &Event| matches!(event, Event::Heard(_));
    assert!(net.events(a).iter().all(|(_, event)| is_quiet(event)));
}

#[test]
fn newcomers_get_everything_under_loss_too() {
    let (mut net, machines) = settled(Net::new(7), 20, S(3));
    net.set_weather(Weather {
        latency: (MS(10), MS(50)),
        loss: 300,
        ..Weather::default()
    });
    for round in 0..5 {
        let late = net.node();
        net.link(late, machines[round].0);
        net.link(late, machines[round + 10].0);
        let known = |net: &Net| net.machines_known(late) == 20;
        assert!(net.run_until(S(3), known), "{}", net.machines_known(late));
    }
}
