//! Many members over virtual time: how soon everybody knows everything, and what that costs the topic.

use std::time::Duration;

use statemesh_testkit::net::{Kind, Member, Net, Weather};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

/// Members of a random graph of degree six over links of 10 to 50 ms, each with some machines. All join at the same moment.
fn join_all(seed: u64, nodes: usize, machines: usize) -> (Net, Vec<Member>) {
    let mut net = Net::new(seed);
    net.count_only();
    net.set_weather(Weather {
        latency: (MS(10), MS(50)),
        ..Weather::default()
    });
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
        net.traffic().published(Kind::Info).messages <= nodes as u64 * 11 / 10,
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

/// The load test that the Go project lists as a wish.
#[test]
fn a_thousand_join_at_once_and_all_know_all() {
    check(1000, 1, S(5));
}
