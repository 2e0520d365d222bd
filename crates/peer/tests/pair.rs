//! Two peers in one process, over memory transport and over loopback QUIC.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::time::Duration;

use common::{Carrier, eventually, machine, spawn, spawn_at, within};
use futures::StreamExt;
use statemesh::core::node::GoneReason;
use statemesh::mesh::{Connection, Mesh, MeshEvent, Role, SpawnError};
use statemesh::prelude::Query;
use statemesh::wait::WaitError;
use statemesh::{SchemaDef, StateDef};

/// Both expose one machine; each sees the other's and its changes.
async fn mirror_each_other(carrier: Carrier) {
    let (door, bell) = (machine("door"), machine("bell"));
    let a = spawn(Mesh::builder("pair").expose(&door), carrier).await;
    let b = spawn_at(Mesh::builder("pair").expose(&bell), carrier, &a).await;

    let seen_door = common::machine_of(&b, &a, "door").await;
    let seen_bell = common::machine_of(&a, &b, "bell").await;
    assert_eq!(seen_door.tag("kind").as_deref(), Some("test"));
    assert_eq!(seen_door.schema().def(), door.schema().def());
    assert!(seen_door.snapshot().first_hand);

    let rung = seen_bell.when("On");
    let opened = seen_door.when("On");
    bell.add("On").unwrap();
    door.add("On").unwrap();
    within(rung).await.unwrap();
    within(opened).await.unwrap();
    assert!(seen_door.is("On") && seen_door.not("Off"));
    assert_eq!(seen_door.tick("On"), door.tick("On"));

    let twice = seen_door.when_time("On", &[3]);
    door.remove("On").unwrap();
    within(seen_door.when_not("On")).await.unwrap();
    door.add("On").unwrap();
    within(twice).await.unwrap();
    eventually("equal clocks", || {
        seen_door.snapshot().clock[..] == door.clock()[..]
    })
    .await;

    let link = a.links().pop().unwrap();
    assert_eq!((link.peer, link.transport), (b.peer_id(), carrier.kind()));
    common::stop([a, b]).await;
}

#[tokio::test]
async fn over_memory() {
    mirror_each_other(Carrier::Memory).await;
}

#[tokio::test]
async fn over_quic() {
    mirror_each_other(Carrier::Quic).await;
}

#[tokio::test]
async fn bye_removes_at_once() {
    let lamp = machine("lamp");
    let a = spawn(Mesh::builder("bye"), Carrier::Quic).await;
    let b = spawn_at(Mesh::builder("bye").expose(&lamp), Carrier::Quic, &a).await;
    let seen = common::machine_of(&a, &b, "lamp").await;
    let never = seen.when("On");
    let mut events = a.events();
    let started = std::time::Instant::now();
    within(b.shutdown()).await;
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    let reason = within(async {
        loop {
            match events.next().await {
                Some(MeshEvent::PeerGone(peer, reason)) if peer == b.peer_id() => break reason,
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    });
    assert_eq!(reason.await, GoneReason::Bye);
    assert_eq!(within(never).await, Err(WaitError::Gone));
    assert!(seen.snapshot().gone && a.machines().iter().all(|m| m.peer() != b.peer_id()));
    assert_eq!(b.connection(), Connection::Closed);
    assert!(b.expose(&lamp).await.is_err());
    assert!(b.lifecycle().is_disposed());
    common::stop([a]).await;
}

#[tokio::test]
async fn dropping_the_last_handle_says_bye() {
    let lamp = machine("lamp");
    let a = spawn(Mesh::builder("drop"), Carrier::Memory).await;
    let b = spawn_at(Mesh::builder("drop").expose(&lamp), Carrier::Memory, &a).await;
    let seen = common::machine_of(&a, &b, "lamp").await;
    let mut events = b.events();
    let second = b.clone();
    drop(b);
    lamp.add("On").unwrap();
    within(seen.when("On")).await.unwrap();
    drop(second);
    eventually("the machine to go", || seen.snapshot().gone).await;
    within(async { while events.next().await.is_some() {} }).await;
    common::stop([a]).await;
}

#[tokio::test]
async fn withdrawn_and_disposed_machines_go() {
    let (kept, taken, ended) = (machine("kept"), machine("taken"), machine("ended"));
    let a = spawn(Mesh::builder("withdraw"), Carrier::Memory).await;
    let b = spawn_at(Mesh::builder("withdraw").expose(&kept), Carrier::Memory, &a).await;
    let index = b.expose(&taken).await.unwrap();
    assert_eq!(b.expose(&taken).await, Ok(index), "exposed once");
    b.expose(&ended).await.unwrap();
    let seen_taken = common::machine_of(&a, &b, "taken").await;
    let seen_ended = common::machine_of(&a, &b, "ended").await;
    b.withdraw(index).await.unwrap();
    ended.dispose();
    eventually("both to go", || {
        seen_taken.snapshot().gone && seen_ended.snapshot().gone
    })
    .await;
    let seen_kept = common::machine_of(&a, &b, "kept").await;
    assert!(!seen_kept.snapshot().gone);
    let again = b.expose(&taken).await.unwrap();
    assert!(again > index, "an index is used once");
    common::machine_of(&a, &b, "taken").await;
    common::stop([a, b]).await;
}

#[tokio::test]
async fn a_schema_that_grows_is_seen_by_others() {
    let lamp = machine("lamp");
    let a = spawn(Mesh::builder("grow"), Carrier::Memory).await;
    let b = spawn_at(Mesh::builder("grow"), Carrier::Memory, &a).await;
    let index = b.expose(&lamp).await.unwrap();
    let small = common::machine_of(&a, &b, "lamp").await;
    lamp.add("On").unwrap();
    for extra in ["Dimmed", "Red"] {
        let known: Vec<String> = lamp.schema().names().map(str::to_owned).collect();
        let names = known.iter().map(String::as_str).chain([extra]);
        let grown = names.fold(SchemaDef::new(), |def, name| {
            def.state(name, StateDef::new())
        });
        lamp.replace_schema(grown).unwrap();
        // Nothing but the schema has changed until here.
        let wide = within(a.when_any(Query::new().id("lamp").has(extra), 1)).await;
        let wide = wide.unwrap().remove(0);
        lamp.add(extra).unwrap();
        within(wide.when(["On", extra])).await.unwrap();
        assert_eq!(wide.clock()[..], lamp.clock()[..]);
        assert!(wide.index() > small.index());
    }
    eventually("the old ones to go", || {
        a.query(&Query::new().id("lamp")).len() == 1
    })
    .await;
    assert!(small.snapshot().gone);
    // It is known to its owner by the index it was told.
    b.withdraw(index).await.unwrap();
    eventually("all to go", || a.query(&Query::new().id("lamp")).is_empty()).await;
    common::stop([a, b]).await;
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    for (first, second) in [
        ("/ip4/127.0.0.1/udp/0/quic-v1", "/quic-v1"),
        ("/ip4/127.0.0.1/tcp/0", ""),
        ("/ip4/127.0.0.1/tcp/0/ws", "/ws"),
    ] {
        let a = Mesh::builder("port").listen(first.parse().unwrap());
        let a = a.spawn().await.unwrap();
        let port = common::port_of(&a.addresses()[0]);
        let kind = if first.contains("udp") { "udp" } else { "tcp" };
        let taken = format!("/ip4/127.0.0.1/{kind}/{port}{second}");
        let b = Mesh::builder("port").listen(taken.parse().unwrap());
        match b.spawn().await {
            Err(SpawnError::Listen { address, reason }) => {
                assert_eq!(address.to_string(), taken);
                assert!(!reason.is_empty());
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{taken} was taken"),
        }
        common::stop([a]).await;
    }
}

#[tokio::test]
async fn odd_topics_are_refused() {
    for topic in ["", "two words", "x\u{7}"] {
        let spawned = Mesh::builder(topic).spawn().await;
        assert!(matches!(spawned.err(), Some(SpawnError::Topic(_))));
    }
}

#[tokio::test]
async fn nobody_answers_and_then_somebody_does() {
    let address: statemesh::Multiaddr = common::memory_address();
    let b = Mesh::builder("late").connect(address.clone());
    let b = b.spawn().await.unwrap();
    eventually("a failed round", || match b.connection() {
        Connection::Connecting { attempt, failures } => attempt >= 1 && !failures.is_empty(),
        Connection::Live | Connection::Reconnecting { .. } | Connection::Closed => false,
    })
    .await;
    let Connection::Connecting { failures, .. } = b.connection() else {
        panic!("{:?}", b.connection());
    };
    assert_eq!(failures[0].address.as_ref(), Some(&address));
    assert!(b.lifecycle().not("Ready") && b.lifecycle().is(["Started", "ErrConnecting"]));
    let a = Mesh::builder("late").listen(address).spawn().await.unwrap();
    b.retry_now();
    eventually("a link", || b.connection() == Connection::Live).await;
    within(b.lifecycle().when("Ready")).await.unwrap();
    assert!(b.lifecycle().not("Exception"));
    let ticks = b.lifecycle().tick("Ready");
    common::stop([a]).await;
    eventually("reconnecting", || {
        matches!(b.connection(), Connection::Reconnecting { .. })
    })
    .await;
    assert!(b.lifecycle().not("Ready") && b.lifecycle().tick("Ready") == ticks + 1);
    common::stop([b]).await;
}

#[tokio::test]
async fn an_address_source_is_asked_before_every_round() {
    let asked = std::sync::Arc::new(std::sync::Mutex::new(0));
    let a = spawn(Mesh::builder("source"), Carrier::Memory).await;
    let good = a.addresses();
    let count = asked.clone();
    let b = Mesh::builder("source")
        .role(Role::Tab)
        .connect_source(Box::new(move || {
            let mut asked = count.lock().unwrap();
            *asked += 1;
            let answer = match *asked {
                1 => Err("the relay is restarting".to_owned()),
                2 => Ok(Vec::new()),
                _ => Ok(good.clone()),
            };
            Box::pin(async move { answer })
        }));
    let b = b.spawn().await.unwrap();
    eventually("a link", || b.connection() == Connection::Live).await;
    assert_eq!(*asked.lock().unwrap(), 3);
    // A tab shows its lifecycle to itself only.
    common::machine_of(&b, &a, a.lifecycle().id()).await;
    let lamp = machine("lamp");
    b.expose(&lamp).await.unwrap();
    common::machine_of(&a, &b, "lamp").await;
    assert!(a.machines().iter().all(|m| m.id() != b.lifecycle().id()));
    common::stop([a, b]).await;
}

#[tokio::test]
async fn who_waits_with_joining_has_its_links_and_is_heard_of_only_then() {
    let (start, started) = futures::channel::oneshot::channel::<()>();
    let (early, late) = (machine("early"), machine("late"));
    let a = spawn(Mesh::builder("pair").expose(&early), Carrier::Memory).await;
    let builder = Mesh::builder("pair").expose(&late).join_after(async {
        started.await.unwrap();
    });
    let b = spawn_at(builder, Carrier::Memory, &a).await;
    // Told on the link after it stands: identify, and subscriptions before it.
    eventually("an identified link", || {
        let identified = |mesh: &Mesh| mesh.links().iter().any(|link| link.software.is_some());
        identified(&a) && identified(&b)
    })
    .await;
    assert!(a.machines().is_empty() && b.machines().is_empty());
    assert!(a.traffic().received.is_empty() && b.traffic().published.is_empty());

    start.send(()).unwrap();
    common::machine_of(&a, &b, "late").await;
    common::machine_of(&b, &a, "early").await;
    common::stop([a, b]).await;
}
