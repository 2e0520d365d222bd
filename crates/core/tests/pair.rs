//! Members of one topic over virtual time: introductions, changes, goodbyes, crashes, restarts.

mod common;

use std::time::Duration;

use common::{as_go, count, info, is_heartbeat, never_violates_go, of, updates};
use statemesh_core::mesh::wire::{Extension, Message};
use statemesh_core::node::{Event, GoneReason, Input};
use statemesh_core::{Instant, MachineIdx, PeerId};
use statemesh_testkit::net::{Member, Net, peer_id};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

/// Nodes in a row, each linked to the next.
fn row(net: &mut Net, count: usize) -> Vec<Member> {
    let members: Vec<Member> = (0..count).map(|_| net.node()).collect();
    for pair in members.windows(2) {
        net.link(pair[0], pair[1]);
    }
    members
}

fn knows(net: &Net, member: Member, owner: Member, index: MachineIdx) -> bool {
    net.get(member)
        .mirror(net.id(owner), index)
        .is_some_and(|mirror| mirror.first_hand)
}

fn has_clock(net: &Net, member: Member, owner: Member, index: MachineIdx, clock: &[u64]) -> bool {
    let mirror = net.get(member).mirror(net.id(owner), index);
    mirror.is_some_and(|mirror| *mirror.clock == *clock)
}

fn when(net: &Net, member: Member, wanted: &Event) -> Option<Instant> {
    let events = net.events(member).iter();
    events
        .filter(|(_, event)| event == wanted)
        .map(|(at, _)| *at)
        .next()
}

fn is_gone(net: &Net, member: Member, peer: PeerId, reason: GoneReason) -> bool {
    when(net, member, &Event::PeerGone(peer, reason)).is_some()
}

#[test]
fn two_peers_introduce_themselves_within_a_second() {
    let mut net = Net::new(1);
    let (a, b) = (net.node(), net.node());
    let (of_a, of_b) = (net.expose(a, "alpha"), net.expose(b, "beta"));
    net.clock(b, of_b, &[0, 0, 7]);
    net.link(a, b);
    assert!(net.run_until(S(1), |net| knows(net, a, b, of_b) && knows(net, b, a, of_a)));
    assert!(has_clock(&net, a, b, of_b, &[0, 0, 7]));
    let mirror = net.get(a).mirror(net.id(b), of_b).unwrap();
    assert_eq!(
        (&*mirror.id, &mirror.tags[..]),
        ("beta", &["kind:test".to_owned()][..])
    );
    assert_eq!(
        mirror.schema.names().collect::<Vec<_>>(),
        ["Exception", "Foo", "Bar"]
    );

    let found = Event::PeerFound(net.id(b));
    let machine = Event::MachineFound(net.id(b), of_b);
    assert!(when(&net, a, &found) <= when(&net, a, &machine));
    let peer = net.get(a).peer(net.id(b)).unwrap();
    assert!(peer.linked && peer.first_hand && peer.is_statemesh);
    // A newcomer promises what it can keep in a crowd, and then what the number of members allows.
    assert_eq!((peer.machines, peer.heartbeat), (1, Some(S(20))));
    net.run_for(S(5));
    let peer = net.get(a).peer(net.id(b)).unwrap();
    assert_eq!((peer.machines, peer.heartbeat), (1, Some(S(5))));
}

#[test]
fn a_peer_without_machines_introduces_itself_too() {
    let mut net = Net::new(2);
    let members = row(&mut net, 2);
    net.run_for(S(1));
    let infos = net.sent(members[0]);
    let own = Some([(net.id(members[0]), Some([].into()))].into());
    assert!(infos.iter().any(|(_, envelope)| matches!(
        &envelope.body,
        Message::Info { peers, .. } if *peers == own
    )));
}

#[test]
fn a_late_joiner_gets_fresh_clocks_of_everybody() {
    let mut net = Net::new(3);
    let members = row(&mut net, 4);
    let machines: Vec<_> = members
        .iter()
        .map(|member| net.expose(*member, "m"))
        .collect();
    for tick in 1..60 {
        for (member, index) in members.iter().zip(&machines) {
            net.clock(*member, *index, &[0, tick, tick]);
        }
        net.run_for(S(1));
    }
    let late = net.node();
    net.link(late, members[3]);
    let everything = |net: &Net| {
        let mut all = members.iter().zip(&machines);
        all.all(|(owner, index)| {
            knows(net, late, *owner, *index) && has_clock(net, late, *owner, *index, &[0, 59, 59])
        })
    };
    assert!(net.run_until(MS(400), everything));
}

#[test]
fn a_congested_network_gets_the_newest_clock_once_it_takes_something_again() {
    let mut net = Net::new(5);
    let members = row(&mut net, 2);
    let (a, b) = (members[0], members[1]);
    let one = net.expose(a, "one");
    assert!(net.run_until(S(2), |net| knows(net, b, a, one)));
    net.run_for(S(7));
    net.forget();

    net.input(a, Input::Congested(true));
    for tick in 1..=300 {
        net.clock(a, one, &[0, 0, tick]);
        net.run_for(MS(10));
    }
    let two = net.expose(a, "two");
    // Longer than a heartbeat, shorter than b's patience.
    net.run_for(S(4));
    assert_eq!(net.sent(a), [], "nothing is said into a congested network");

    net.input(a, Input::Congested(false));
    assert!(
        net.run_until(MS(20), |net| has_clock(net, b, a, one, &[0, 0, 300])
            && knows(net, b, a, two))
    );
    let sent = net.sent(a);
    let clocks = sent
        .iter()
        .filter(|(_, envelope)| matches!(envelope.body, Message::Updates { .. }))
        .count();
    assert!(clocks <= 2, "older clocks are not told: {sent:?}");
}

#[test]
fn a_change_after_quiet_goes_out_at_once_and_bursts_keep_the_gap() {
    let mut net = Net::new(4);
    let members = row(&mut net, 2);
    let (a, b) = (members[0], members[1]);
    let (one, two) = (net.expose(a, "one"), net.expose(a, "two"));
    assert!(net.run_until(S(2), |net| knows(net, b, a, one) && knows(net, b, a, two)));
    net.run_for(S(7));
    net.forget();

    let start = net.now();
    net.clock(a, one, &[0, 0, 1]);
    net.clock(a, two, &[0, 0, 1]);
    assert!(
        net.run_until(MS(20), |net| has_clock(net, b, a, two, &[0, 0, 1])
            && has_clock(net, b, a, one, &[0, 0, 1]))
    );
    let sent = net.sent(a);
    assert_eq!(sent.len(), 1, "one message carries all machines");
    assert!(sent[0].0.since(start) <= MS(5));

    net.run_for(MS(200));
    net.forget();
    for tick in 2..302 {
        net.clock(a, one, &[0, 0, tick]);
        net.run_for(MS(10));
    }
    let sent = net.sent(a);
    assert!(net.run_until(MS(120), |net| has_clock(net, b, a, one, &[0, 0, 301])));
    let times: Vec<Instant> = sent.iter().map(|(at, _)| *at).collect();
    assert!(
        (25..=32).contains(&times.len()),
        "{} updates in 3 s",
        times.len()
    );
    let beats = sent
        .iter()
        .filter(|(_, envelope)| is_heartbeat(envelope))
        .count();
    let close = times
        .windows(2)
        .filter(|pair| pair[1].since(pair[0]) < MS(95))
        .count();
    assert!(close <= beats, "{close} pairs closer than the gap");
}

#[test]
fn go_members_slow_the_pace() {
    let updates_in_5_s = |with_go: bool| {
        let mut net = Net::new(5);
        let members = row(&mut net, 9);
        let machine = net.expose(members[0], "busy");
        if with_go {
            let go = net.puppet();
            net.link(go, members[4]);
            net.say(go, as_go(of_nothing(&net, go)));
        }
        net.run_for(S(8));
        net.forget();
        for tick in 1..=500 {
            net.clock(members[0], machine, &[0, 0, tick]);
            net.run_for(MS(10));
        }
        count(&net.sent(members[0]), |body| {
            matches!(body, Message::Updates { .. })
        })
    };
    // Ten members with the Go peer: 360 ms.
    assert!((48..=52).contains(&updates_in_5_s(false)));
    assert!((13..=16).contains(&updates_in_5_s(true)));
}

fn of_nothing(net: &Net, member: Member) -> Message {
    Message::Info {
        peers: Some([(net.id(member), Some([].into()))].into()),
        sums: None,
    }
}

#[test]
fn bye_takes_a_peer_away_at_once_and_stragglers_do_not_bring_it_back() {
    let mut net = Net::new(6);
    let members = row(&mut net, 3);
    let (a, c) = (members[0], members[2]);
    let machine = net.expose(c, "m");
    assert!(net.run_until(S(1), |net| knows(net, a, c, machine)));
    net.run_for(S(6));
    let (_, beat) = net
        .sent(c)
        .into_iter()
        .rfind(|(_, envelope)| matches!(envelope.body, Message::Updates { .. }))
        .unwrap();
    let gone = net.id(c);
    net.forget();
    net.leave(c);
    net.run_for(MS(100));
    let events = net.events(a).iter().map(|(_, event)| event);
    let events: Vec<&Event> = events
        .filter(|event| !matches!(event, Event::Heard(_)))
        .collect();
    assert_eq!(
        events,
        [
            &Event::MachineGone(gone, machine),
            &Event::PeerGone(gone, GoneReason::Bye)
        ]
    );
    net.inject(a, gone, common::bytes(&beat));
    net.run_for(S(1));
    assert!(net.get(a).peer(gone).is_none());
    assert_eq!(net.get(a).mirrors().count(), 0);
}

#[test]
fn nothing_is_said_after_leaving_or_to_nobody() {
    let mut net = Net::new(7);
    let a = net.node();
    let machine = net.expose(a, "m");
    net.clock(a, machine, &[0, 0, 1]);
    net.run_for(S(60));
    assert!(net.sent(a).is_empty(), "nobody is there");
    let b = net.node();
    net.link(a, b);
    net.run_for(S(1));
    net.input(a, Input::Leave);
    net.forget();
    net.clock(a, machine, &[0, 0, 3]);
    net.run_for(S(20));
    assert!(net.sent(a).is_empty());
}

#[test]
fn a_withdrawn_machine_goes_alone() {
    let mut net = Net::new(8);
    let members = row(&mut net, 3);
    let (a, c) = (members[0], members[2]);
    let (first, second) = (net.expose(a, "first"), net.expose(a, "second"));
    assert!(net.run_until(S(1), |net| knows(net, c, a, first)
        && knows(net, c, a, second)));
    net.input(a, Input::Withdraw(first));
    assert!(net.run_until(MS(100), |net| !knows(net, c, a, first)));
    assert!(knows(&net, c, a, second));
    let third = net.expose(a, "first");
    assert!(third > second, "an index is never used again");
    assert!(net.run_until(MS(1500), |net| knows(net, c, a, third)));
    net.run_for(S(60));
    assert!(!knows(&net, c, a, first));
}

#[test]
fn machines_that_come_and_go_in_crowds_cost_few_messages() {
    let mut net = Net::new(20);
    let members = row(&mut net, 3);
    let (a, c) = (members[0], members[2]);
    net.run_for(S(6));
    net.forget();
    let mut all = Vec::new();
    for number in 0..300 {
        all.push(net.expose(a, &format!("m{number}")));
        net.run_for(MS(1));
    }
    assert!(net.run_until(MS(300), |net| {
        all.iter().all(|index| knows(net, c, a, *index))
    }));
    for index in all {
        net.input(a, Input::Withdraw(index));
        net.run_for(MS(1));
    }
    assert!(net.run_until(MS(300), |net| net.get(c).mirrors().count() == 0));
    let sent = net.sent(a);
    let infos = count(&sent, |body| matches!(body, Message::Info { .. }));
    let byes = count(&sent, |body| matches!(body, Message::Bye { .. }));
    assert!(
        infos <= 6 && byes <= 6,
        "{infos} introductions, {byes} goodbyes"
    );
}

#[test]
fn a_crashed_peer_is_probed_three_times_then_gone_for_everybody() {
    let mut net = Net::new(9);
    let members = row(&mut net, 4);
    let machine = net.expose(members[3], "m");
    net.run_for(S(10));
    assert!(knows(&net, members[0], members[3], machine));
    let gone = net.id(members[3]);
    net.forget();
    let crashed = net.now();
    net.crash(members[3]);
    net.run_for(S(15));
    for member in &members[..3] {
        let at = when(&net, *member, &Event::PeerGone(gone, GoneReason::Silent)).unwrap();
        assert!(
            (S(4)..S(12)).contains(&at.since(crashed)),
            "{:?}",
            at.since(crashed)
        );
        let machine = when(&net, *member, &Event::MachineGone(gone, machine)).unwrap();
        assert!(machine <= at);
    }
    let probes = |member: Member| {
        let asks = |body: &Message| matches!(body, Message::ReqInfo { ids: Some(ids) } if ids.contains(&gone));
        count(&net.sent(member), asks)
    };
    let all: usize = members[..3].iter().map(|member| probes(*member)).sum();
    assert!((3..=9).contains(&all), "{all} probes");
}

#[test]
fn the_only_neighbour_crashed_is_kept_a_minute_as_last_known_state() {
    let mut net = Net::new(10);
    let members = row(&mut net, 2);
    net.run_for(S(10));
    let gone = net.id(members[1]);
    net.crash(members[1]);
    net.run_for(S(50));
    assert!(net.get(members[0]).peer(gone).is_some());
    net.run_for(S(15));
    assert!(is_gone(&net, members[0], gone, GoneReason::Silent));
}

#[test]
fn a_peer_that_lost_one_of_two_links_stays() {
    let mut net = Net::new(11);
    let members = row(&mut net, 3);
    net.link(members[0], members[2]);
    net.run_for(S(10));
    net.cut(members[0], members[2]);
    net.run_for(S(120));
    for member in &members {
        let gone = net
            .events(*member)
            .iter()
            .filter(|(_, event)| matches!(event, Event::PeerGone(..)));
        assert_eq!(gone.count(), 0);
    }
}

#[test]
fn a_silent_go_peer_lives_as_long_as_a_link_of_it_is_known() {
    let mut net = Net::new(12);
    let members = row(&mut net, 3);
    let go = net.puppet();
    net.link(go, members[2]);
    let id = net.id(go);
    net.say(go, as_go(info(id, &[(0, "go", &[0, 0, 1])])));
    assert!(net.run_until(S(1), |net| knows(net, members[0], go, MachineIdx(0))));
    net.run_for(S(600));
    for member in &members {
        assert!(knows(&net, *member, go, MachineIdx(0)));
        let view = net.get(*member).peer(id).unwrap();
        assert!(!view.is_statemesh && view.heartbeat.is_none());
        assert_eq!(view.linked, *member == members[2]);
    }
    net.crash(go);
    net.run_for(S(30));
    for member in &members {
        assert!(is_gone(&net, *member, id, GoneReason::Silent));
    }
}

#[test]
fn a_restart_under_the_same_key_replaces_the_older_machines() {
    let mut net = Net::new(13);
    let members = row(&mut net, 3);
    let (a, b) = (members[0], members[1]);
    let key = peer_id(77);
    let before = net.node_with(key, 5_000);
    let old = net.expose(before, "relay");
    net.link(before, b);
    net.clock(before, old, &[0, 0, 9]);
    assert!(net.run_until(S(1), |net| knows(net, a, before, old)));
    let straggler = net.sent(before).pop().unwrap().1;
    net.crash(before);
    net.run_for(S(1));
    net.forget();

    let after = net.node_with(key, 6_000);
    let new = net.expose(after, "relay");
    net.link(after, b);
    assert!(net.run_until(S(1), |net| knows(net, a, after, new)));
    assert!(!knows(&net, a, after, old));
    assert_eq!(
        when(&net, a, &Event::PeerFound(key)),
        None,
        "the peer itself never went"
    );
    net.inject(a, key, common::bytes(&straggler));
    net.run_for(S(20));
    assert!(!knows(&net, a, after, old), "the earlier run is over");
    assert!(has_clock(&net, a, after, new, &[0, 0, 0]));
}

#[test]
fn a_silent_neighbour_is_asked_after_two_seconds_then_ever_less_often() {
    let mut net = Net::new(14);
    let a = net.node();
    let silent = net.puppet();
    let start = net.now();
    net.link(a, silent);
    net.run_for(S(70));
    let id = net.id(silent);
    let asked: Vec<u64> = net
        .sent(a)
        .iter()
        .filter(|(_, envelope)| matches!(&envelope.body, Message::ReqInfo { ids: Some(ids) } if *ids == [id]))
        .map(|(at, _)| at.since(start).as_millis() as u64)
        .collect();
    assert_eq!(asked.len(), 5, "{asked:?}");
    for (asked, expected) in asked.iter().zip([2_000, 7_000, 17_000, 37_000, 62_000]) {
        assert!(
            (expected..expected + 200).contains(asked),
            "{asked} for {expected}"
        );
    }
}

#[test]
fn five_idle_peers_exchange_heartbeats_only_and_no_clock_moves() {
    let mut net = Net::new(15);
    let members = row(&mut net, 5);
    for member in &members {
        let machine = net.expose(*member, "m");
        net.clock(*member, machine, &[0, 0, 1]);
    }
    net.run_for(S(30));
    net.forget();
    net.run_for(S(60));
    for member in &members {
        let sent = net.sent(*member);
        assert!((12..=13).contains(&sent.len()), "{} messages", sent.len());
        for (_, envelope) in &sent {
            assert!(is_heartbeat(envelope), "{envelope:?}");
        }
        let told = net.events(*member).iter();
        let noise: Vec<_> = told
            .filter(|(_, event)| !matches!(event, Event::Heard(_)))
            .collect();
        assert!(noise.is_empty(), "{noise:?}");
    }
}

#[test]
fn a_machine_list_beyond_one_message_arrives_in_parts() {
    let mut net = Net::new(16);
    let members = row(&mut net, 2);
    let (a, b) = (members[0], members[1]);
    let schema = common::large_schema(300);
    let machines: Vec<MachineIdx> = (0..300)
        .map(|number| net.expose_with(a, &format!("m{number}"), schema.clone()))
        .collect();
    let all = |net: &Net| machines.iter().all(|index| knows(net, b, a, *index));
    assert!(net.run_until(S(2), all));
    let parts = net.sent(a);
    assert!(count(&parts, |body| matches!(body, Message::Info { .. })) > 1);
    net.run_for(S(20));
    assert!(all(&net), "later parts do not take earlier ones back");
}

#[test]
fn lost_messages_are_made_up_for_by_heartbeats() {
    let mut net = Net::new(17);
    net.set_loss(300);
    let members = row(&mut net, 3);
    let machine = net.expose(members[0], "m");
    assert!(net.run_until(S(60), |net| knows(net, members[2], members[0], machine)));
    net.clock(members[0], machine, &[0, 0, 5]);
    let fresh = |net: &Net| has_clock(net, members[2], members[0], machine, &[0, 0, 5]);
    assert!(net.run_until(S(40), fresh));
}

#[test]
fn nothing_that_harms_go_is_published() {
    let mut net = Net::new(18);
    let members = row(&mut net, 2);
    let go = net.puppet();
    net.link(go, members[0]);
    let a = members[0];
    let machine = net.expose(a, "m");
    net.clock(a, machine, &[0, 0, 5]);
    net.run_for(S(1));
    // Stale, too short, too long, implausible: none of it may go out.
    for clock in [
        &[0, 0, 1][..],
        &[9],
        &[0, 0, 9, 9],
        &[0, 0, u64::MAX],
        &[u64::MAX, u64::MAX, 1],
    ] {
        net.clock(a, machine, clock);
        net.run_for(S(1));
    }
    net.clock(a, machine, &[0, 0, 7]);
    net.input(a, Input::Withdraw(machine));
    net.expose(a, "again");
    net.say(go, as_go(updates(net.id(go), 0, &[1, 2, 3])));
    net.run_for(S(30));
    net.leave(a);
    never_violates_go(&net.heard(go));
    let clocks: Vec<u64> = net
        .heard(go)
        .iter()
        .filter_map(|(_, author, envelope)| of(envelope, *author, machine))
        .collect();
    assert!(clocks.is_sorted(), "{clocks:?}");
    assert!(clocks.contains(&5) || clocks.contains(&7));
}

#[test]
fn extra_keys_tell_this_project_from_go() {
    let mut net = Net::new(19);
    let members = row(&mut net, 2);
    net.run_for(S(11));
    for (_, envelope) in net.sent(members[0]) {
        let Extension { version, run, .. } = envelope.extension;
        assert_eq!((version, run), (Some(1), Some(1000)));
    }
}

/// Two peers that know each other; what the first, which has a machine, says from its second heartbeat on.
fn at_rest(seed: u64) -> (Net, Member, MachineIdx) {
    let mut net = Net::new(seed);
    let members = row(&mut net, 2);
    let index = net.expose(members[0], "one");
    net.run_for(S(20));
    (net, members[0], index)
}

fn heartbeats(net: &Net, member: Member) -> usize {
    let sent = net.sent(member);
    sent.iter()
        .filter(|(_, envelope)| is_heartbeat(envelope))
        .count()
}

#[test]
fn a_change_late_in_an_interval_takes_the_heartbeat_along() {
    let (mut net, member, index) = at_rest(31);
    net.forget();
    assert!(net.run_until(S(6), |net| heartbeats(net, member) == 1));
    // Early in the interval it goes alone.
    net.run_for(S(1));
    net.clock(member, index, &[0, 0, 1]);
    net.run_for(MS(500));
    assert_eq!((net.sent(member).len(), heartbeats(&net, member)), (2, 1));
    // Late in it, that of both is one message.
    net.run_for(MS(3000));
    net.clock(member, index, &[0, 0, 2]);
    net.run_for(MS(500));
    assert_eq!((net.sent(member).len(), heartbeats(&net, member)), (3, 2));
    // And the next heartbeat is a whole interval away.
    net.run_for(S(4));
    assert_eq!(heartbeats(&net, member), 2);
    net.run_for(S(1));
    assert_eq!(heartbeats(&net, member), 3);
}

#[test]
fn an_introduction_is_not_followed_by_what_it_has_told() {
    let mut net = Net::new(32);
    let (a, b) = (net.node(), net.node());
    let index = net.expose(a, "one");
    net.clock(a, index, &[0, 0, 1]);
    net.link(a, b);
    net.run_for(S(2));
    assert!(has_clock(&net, b, a, index, &[0, 0, 1]));
    let sent = net.sent(a);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(matches!(sent[0].1.body, Message::Info { .. }));
    // What changes later is told, although the introduction was a while ago.
    net.clock(a, index, &[0, 0, 2]);
    assert!(net.run_until(MS(200), |net| has_clock(net, b, a, index, &[0, 0, 2])));
}
