//! Five peers and a relay in one process: everyone mirrors everyone, crashes are noticed, restarts are followed, idle
//! peers stay idle, a relay with many single-link neighbours loses nothing.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Carrier, eventually, machine, spawn, spawn_at};
use futures::StreamExt;
use statemesh::identity::Identity;
use statemesh::mesh::{Connection, Link, Mesh, MeshEvent, Role};
use statemesh::prelude::*;

/// Five peers, each linked to the first, each with a machine of its own name.
async fn five(topic: &str, carrier: Carrier) -> Vec<(Mesh, Machine)> {
    let mut peers: Vec<(Mesh, Machine)> = Vec::new();
    for n in 0..5 {
        let own = machine(&format!("own-{n}"));
        let builder = Mesh::builder(topic).expose(&own);
        let peer = match peers.first() {
            None => spawn(builder, carrier).await,
            Some((first, _)) => spawn_at(builder, carrier, first).await,
        };
        peers.push((peer, own));
    }
    for (at, _) in &peers {
        for (owner, own) in &peers {
            if at.peer_id() != owner.peer_id() {
                common::machine_of(at, owner, own.id()).await;
                common::machine_of(at, owner, owner.lifecycle().id()).await;
            }
        }
    }
    peers
}

async fn everyone_follows_everyone(topic: &str, carrier: Carrier) {
    let peers = five(topic, carrier).await;
    for (n, (_, own)) in peers.iter().enumerate() {
        for _ in 0..=n {
            own.add("Count").unwrap();
        }
    }
    for (at, _) in &peers {
        for (owner, own) in &peers {
            if at.peer_id() != owner.peer_id() {
                let seen = common::machine_of(at, owner, own.id()).await;
                let ticks = own.tick("Count");
                common::within(seen.when_time("Count", &[ticks]))
                    .await
                    .unwrap();
                eventually("equal clocks", || {
                    seen.snapshot().clock[..] == own.clock()[..]
                })
                .await;
            }
        }
        let known = at.peers();
        assert_eq!(known.len(), 4);
        assert!(
            known
                .iter()
                .all(|peer| peer.is_statemesh && peer.machines == 2)
        );
    }
    common::stop(peers.into_iter().map(|(mesh, _)| mesh)).await;
}

#[tokio::test]
async fn five_over_memory() {
    everyone_follows_everyone("five", Carrier::Memory).await;
}

#[tokio::test]
async fn five_over_quic() {
    everyone_follows_everyone("five-quic", Carrier::Quic).await;
}

/// Every tick of a lifecycle machine is published to all: ticking on messages would keep the mesh awake for ever.
#[tokio::test]
async fn idle_peers_do_not_tick() {
    let peers = five("idle", Carrier::Memory).await;
    for (peer, _) in &peers {
        common::within(peer.lifecycle().when("Ready"))
            .await
            .unwrap();
    }
    let clocks = || -> Vec<_> { peers.iter().map(|(p, _)| p.lifecycle().clock()).collect() };
    let before = clocks();
    let mut events = peers[1].0.events();
    // Messages do flow: three heartbeats of every other peer, fifteen seconds.
    let mut heard = std::collections::BTreeMap::new();
    common::within(async {
        while heard.len() < 4 || heard.values().any(|beats| *beats < 3) {
            match events.next().await {
                Some(MeshEvent::Heard(peer)) => *heard.entry(peer).or_insert(0) += 1,
                Some(MeshEvent::ClockChanged(machine, ..)) => panic!("{machine:?} ticked"),
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    })
    .await;
    assert_eq!(clocks(), before);
    // A relay whose visitors come and go does not tick either.
    let visitor = spawn_at(Mesh::builder("idle"), Carrier::Memory, &peers[0].0).await;
    common::machine_of(&peers[0].0, &visitor, visitor.lifecycle().id()).await;
    common::stop([visitor]).await;
    assert_eq!(clocks(), before);
    common::stop(peers.into_iter().map(|(mesh, _)| mesh)).await;
}

#[tokio::test]
async fn a_crash_is_noticed() {
    let a = spawn(Mesh::builder("crash"), Carrier::Quic).await;
    // Without anybody to ask, silence says nothing.
    let witness = spawn_at(Mesh::builder("crash"), Carrier::Quic, &a).await;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let lamp = machine("lamp");
    let builder = Mesh::builder("crash")
        .expose(&lamp)
        .connect(a.addresses().remove(0));
    let b = runtime.spawn(builder.spawn()).await.unwrap().unwrap();
    let seen = common::machine_of(&a, &b, "lamp").await;
    let mut b_events = b.events();
    let mut events = a.events();
    // All tasks of the peer are dropped where they are: no bye, no close.
    runtime.shutdown_background();
    common::within(async { while b_events.next().await.is_some() {} }).await;
    assert_eq!(b.connection(), Connection::Closed);
    common::within(async {
        loop {
            match events.next().await {
                Some(MeshEvent::LinkDown(peer)) if peer == b.peer_id() => break,
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    })
    .await;
    // Without a link it is asked three times before it counts as gone.
    eventually("the crashed peer to go", || seen.snapshot().gone).await;
    common::stop([a, witness]).await;
}

#[tokio::test]
async fn a_restart_under_the_same_key_is_followed() {
    let a = spawn(Mesh::builder("restart"), Carrier::Memory).await;
    let watcher = spawn_at(Mesh::builder("restart"), Carrier::Memory, &a).await;
    let key = Identity::generate();
    let mut last_index = None;
    for _ in 0..3 {
        let lamp = machine("lamp");
        let builder = Mesh::builder("restart").identity(key.clone()).expose(&lamp);
        let b = spawn_at(builder, Carrier::Memory, &a).await;
        let find = || {
            let all = watcher.machines().into_iter();
            all.filter(|m| m.peer() == b.peer_id() && m.id() == "lamp" && !m.is("On"))
                .find(|m| last_index.is_none_or(|last| m.index() > last))
        };
        eventually("the new lamp", || find().is_some()).await;
        let seen = find().unwrap();
        assert!(last_index.is_none_or(|last| seen.index() > last));
        last_index = Some(seen.index());
        lamp.add("On").unwrap();
        common::within(seen.when("On")).await.unwrap();
        common::stop([b]).await;
    }
    common::stop([a, watcher]).await;
}

#[tokio::test]
async fn crossed_dials_end_in_one_connection() {
    let (at_a_address, at_b_address) = (common::memory_address(), common::memory_address());
    let (lamp, bell) = (machine("lamp"), machine("bell"));
    let a = Mesh::builder("crossed").expose(&lamp);
    let b = Mesh::builder("crossed").expose(&bell);
    let a = a
        .listen(at_a_address.clone())
        .connect(at_b_address.clone())
        .spawn();
    let b = b
        .listen(at_b_address.clone())
        .connect(at_a_address.clone())
        .spawn();
    let (a, b) = futures::future::try_join(a, b).await.unwrap();
    let seen_lamp = common::machine_of(&b, &a, "lamp").await;
    let seen_bell = common::machine_of(&a, &b, "bell").await;
    // Both dialled; of the two connections the same one is left at both ends.
    let left = || {
        let (at_a, at_b) = (a.links(), b.links());
        let is_one = at_a.len() == 1 && at_b.len() == 1;
        let dialled = |links: &[Link], address| links.iter().any(|it| &it.address == address);
        is_one && dialled(&at_a, &at_b_address) != dialled(&at_b, &at_a_address)
    };
    eventually("one connection of the two", left).await;
    for _ in 0..20 {
        lamp.add("Count").unwrap();
        bell.add("Count").unwrap();
        let ticks = [lamp.tick("Count")];
        common::within(seen_lamp.when_time("Count", &ticks))
            .await
            .unwrap();
        common::within(seen_bell.when_time("Count", &ticks))
            .await
            .unwrap();
    }
    assert!(left());
    common::stop([a, b]).await;
}

#[tokio::test]
async fn a_slow_reader_is_told_so() {
    let lamp = machine("lamp");
    let a = spawn(Mesh::builder("slow"), Carrier::Memory).await;
    let b = spawn_at(Mesh::builder("slow").expose(&lamp), Carrier::Memory, &a).await;
    let seen = common::machine_of(&a, &b, "lamp").await;
    let capacity = 2048;
    let (mut slow, mut quick) = (a.events(), a.events());
    let mut told = 0_u64;
    // Hundreds of machines that come and go fill the ring quickly.
    let mut round = 0;
    while told <= capacity {
        round += 1;
        let many: Vec<Machine> = (0..200)
            .map(|n| machine(&format!("m-{round}-{n}")))
            .collect();
        let mut indexes = Vec::new();
        for one in &many {
            indexes.push(b.expose(one).await.unwrap());
        }
        common::machine_of(&a, &b, many[199].id()).await;
        for index in indexes {
            b.withdraw(index).await.unwrap();
        }
        eventually("all to go", || a.machines().len() <= 2).await;
        while let Some(Some(_)) = futures::FutureExt::now_or_never(quick.next()) {
            told += 1;
        }
    }
    match common::within(slow.next()).await {
        Some(MeshEvent::Lagged(missed)) => assert!(missed >= told - capacity, "{missed} of {told}"),
        other => panic!("{other:?}"),
    }
    lamp.add("On").unwrap();
    common::within(seen.when("On")).await.unwrap();
    common::stop([a, b]).await;
}

/// Gossipsub's usual limit of twelve mesh links would cut single-link tabs off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_with_forty_single_link_peers_loses_nothing() {
    const PEERS: usize = 40;
    const CHANGES: usize = 1000;
    // Forty peers of an unoptimised build on a busy host.
    const LONG: Duration = Duration::from_secs(300);
    let relay = Mesh::builder("forty").role(Role::Relay);
    let relay = spawn(relay, Carrier::Memory).await;
    let mut tabs = Vec::new();
    for n in 0..PEERS {
        let own = machine(&format!("tab-{n}"));
        let builder = Mesh::builder("forty").role(Role::Tab).expose(&own);
        let tab = builder
            .connect(relay.addresses().remove(0))
            .spawn()
            .await
            .unwrap();
        // One after the other, as people open pages: forty strangers at once all ask for each other.
        common::machine_of(&relay, &tab, own.id()).await;
        tabs.push((tab, own));
    }
    let complete = |peer: &Mesh| peer.machines().len() == PEERS;
    let all_complete = || tabs.iter().all(|(tab, _)| complete(tab));
    common::eventually_within(LONG, "all machines everywhere", all_complete).await;

    let events = Arc::new(AtomicUsize::new(0));
    let mut stream = tabs[0].0.events();
    let count = events.clone();
    let counter = tokio::spawn(async move {
        while let Some(event) = stream.next().await {
            if matches!(event, MeshEvent::ClockChanged(..)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    for n in 0..CHANGES {
        tabs[n % PEERS].1.add("Count").unwrap();
        tokio::task::yield_now().await;
    }
    for (at, mine) in &tabs {
        for (owner, own) in tabs.iter().filter(|(_, own)| own.id() != mine.id()) {
            let seen = common::machine_of(at, owner, own.id()).await;
            let equal = || seen.snapshot().clock[..] == own.clock()[..];
            common::eventually_within(LONG, "the last clock", equal).await;
        }
    }
    assert!(events.load(Ordering::Relaxed) >= PEERS - 1);
    common::stop(tabs.into_iter().map(|(tab, _)| tab)).await;
    common::stop([relay]).await;
    common::within(counter).await.unwrap();
}

/// The owner's own words, handed on by a neighbour after the owner is gone.
#[tokio::test]
async fn a_newcomer_is_told_directly_what_was_said_before() {
    let a = spawn(Mesh::builder("catch-up"), Carrier::Quic).await;
    let gone = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let own = machine("own");
    let builder = Mesh::builder("catch-up")
        .expose(&own)
        .connect(a.addresses().remove(0));
    let owner = gone.spawn(builder.spawn()).await.unwrap().unwrap();
    own.add("Count").unwrap();
    let seen = common::machine_of(&a, &owner, "own").await;
    common::within(seen.when_time("Count", &[own.tick("Count")]))
        .await
        .unwrap();
    // Crashed: it says nothing any more, and nobody has noticed yet.
    gone.shutdown_background();
    let late = spawn_at(Mesh::builder("catch-up"), Carrier::Quic, &a).await;
    let told = common::machine_of(&late, &owner, "own").await;
    let snapshot = told.snapshot();
    assert!(snapshot.first_hand);
    assert_eq!(snapshot.clock[..], own.clock()[..]);
    common::stop([a, late]).await;
}
