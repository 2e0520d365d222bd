//! Clients and supervisors find each other: queries, watches, claims, and a crowd of both (mesh-protocol.md 6.3).

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Carrier, eventually, eventually_within, machine, spawn, spawn_at, within};
use futures::{FutureExt, StreamExt};
use statemesh::claim::Served;
use statemesh::mesh::{Closed, Mesh, Role};
use statemesh::pick::{Measure, Picker, Policy};
use statemesh::prelude::*;
use statemesh::wait::WaitError;
use statemesh::watch::Change;

states! {
    enum Supervisor {
        Ready {},
        WorkersAvailable { require: [Ready] },
    }
}

fn supervisor(id: &str, kind: &str, capacity: NonZeroU32) -> Machine {
    let machine = Machine::builder(id, Supervisor::schema())
        .tag("role:supervisor")
        .tag(format!("kind:{kind}"))
        .tag(format!("cap:{capacity}"))
        .build();
    machine.add(Supervisor::Ready).unwrap();
    machine
}

fn supervisors(kind: &str) -> Query {
    Query::new()
        .tag("role:supervisor")
        .tag_value("kind", kind)
        .all([Supervisor::Ready, Supervisor::WorkersAvailable])
        .first_hand()
}

fn room(for_clients: u32) -> NonZeroU32 {
    NonZeroU32::new(for_clients).unwrap()
}

#[tokio::test]
async fn a_query_is_answered_now_and_later() {
    let (lamp, bell) = (machine("lamp"), machine("bell"));
    let a = spawn(Mesh::builder("query"), Carrier::Memory).await;
    let on = || Query::new().tag_value("kind", "test").all("On");
    let both = a.when_any(on(), 2);
    let mut watch = a.watch(on().first_hand());
    let b = spawn_at(
        Mesh::builder("query").expose(&lamp).expose(&bell),
        Carrier::Memory,
        &a,
    )
    .await;
    common::machine_of(&a, &b, "bell").await;
    assert_eq!(a.query(&on()).len(), 0);
    assert_eq!(a.query(&Query::new().id_contains("el")).len(), 1);
    assert_eq!(
        a.query(&Query::new().peer(b.peer_id()).has("Count")).len(),
        2
    );
    bell.add("On").unwrap();
    match within(watch.next()).await {
        Some(Change::Enter(entered)) => assert_eq!(entered.id(), "bell"),
        other => panic!("{other:?}"),
    }
    lamp.add("On").unwrap();
    let both = within(both).await.unwrap();
    assert_eq!(both.len(), 2);
    assert_eq!(watch.matching().len(), 1, "a watch looks when it is polled");
    within(watch.next()).await.unwrap();
    bell.remove("On").unwrap();
    match within(watch.next()).await {
        Some(Change::Leave(left)) => assert_eq!(left.id(), "bell"),
        other => panic!("{other:?}"),
    }
    common::stop([b]).await;
    match within(watch.next()).await {
        Some(Change::Leave(left)) => assert_eq!(left.id(), "lamp"),
        other => panic!("{other:?}"),
    }
    common::stop([a]).await;
}

#[tokio::test]
async fn waits_end_clearly() {
    let lamp = machine("lamp");
    let a = spawn(Mesh::builder("waits"), Carrier::Memory).await;
    let b = spawn_at(Mesh::builder("waits").expose(&lamp), Carrier::Memory, &a).await;
    let seen = common::machine_of(&a, &b, "lamp").await;
    lamp.add("On").unwrap();
    within(seen.when("On")).await.unwrap();
    let again = seen.when_next_active("On");
    let twice = seen.when_ticks("Count", 3);
    assert!(again.now().is_none() && twice.now().is_none());
    lamp.remove("On").unwrap();
    within(seen.when_not("On")).await.unwrap();
    assert!(again.now().is_none(), "being inactive is not active");
    lamp.add(["On", "Count"]).unwrap();
    within(again).await.unwrap();
    lamp.add("Count").unwrap();
    within(twice).await.unwrap();
    let failed = seen.when_err();
    lamp.add("Exception").unwrap();
    within(failed).await.unwrap();
    assert!(seen.is_err() && seen.clock()[..] == lamp.clock()[..]);

    let seen_by_b = common::machine_of(&b, &a, a.lifecycle().id()).await;
    let (gone, closed) = (seen.when_gone(), seen_by_b.when_gone());
    let never = seen_by_b.when("ErrConnecting");
    let nobody = b.when_any(Query::new().id("nobody"), 1);
    common::stop([b]).await;
    assert_eq!(within(gone).await, WaitError::Gone);
    assert_eq!(within(closed).await, WaitError::Closed);
    assert_eq!(within(never).await, Err(WaitError::Closed));
    assert_eq!(within(nobody).await.err(), Some(Closed));
    assert_eq!(seen.when_gone().now_or_never(), Some(WaitError::Gone));
    assert!(
        !seen.matches(&Query::new()),
        "one that is gone is not meant"
    );
    common::stop([a]).await;
}

#[tokio::test]
async fn who_finds_no_room_waits_in_line() {
    let boss = supervisor("boss", "x", room(2));
    let a = spawn(Mesh::builder("claims").expose(&boss), Carrier::Memory).await;
    let mut desk = a.serve(&boss, room(2));
    assert!(boss.is(Supervisor::WorkersAvailable));
    let b = spawn_at(Mesh::builder("claims"), Carrier::Memory, &a).await;
    let seen = within(b.when_any(supervisors("x"), 1)).await.unwrap();
    let seen = &seen[0];

    let mut first = b.claim(seen, "first").await.unwrap();
    let begun = within(desk.next()).await.unwrap();
    assert!(matches!(&begun, Served::Begun(claim) if *claim.parent() == *"first"));
    let worker = within(first.held()).await.unwrap();
    assert_eq!(worker.peer(), a.peer_id());
    let mut second = b.claim(seen, "second").await.unwrap();
    within(desk.next()).await.unwrap();
    within(second.held()).await.unwrap();
    assert!(boss.not(Supervisor::WorkersAvailable) && desk.served() == 2);
    let load = || b.load(seen, &Measure::Children);
    assert!(load().is_full() && load().busy == 2);

    let mut third = b.claim(seen, "third").await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), desk.next())
            .await
            .is_err(),
        "no room"
    );
    drop(first);
    let ended = within(desk.next()).await.unwrap();
    assert!(matches!(&ended, Served::Ended(claim) if *claim.parent() == *"first"));
    let begun = within(desk.next()).await.unwrap();
    assert!(matches!(&begun, Served::Begun(claim) if *claim.parent() == *"third"));
    within(third.held()).await.unwrap();

    drop(desk);
    assert_eq!(within(second.lost()).await, WaitError::Gone);
    assert_eq!(within(third.lost()).await, WaitError::Gone);
    assert!(boss.not(Supervisor::WorkersAvailable));
    eventually("no load", || load().busy == 0).await;
    let mut late = b.claim(seen, "late").await.unwrap();
    common::stop([a]).await;
    assert_eq!(within(late.held()).await.unwrap_err(), WaitError::Gone);
    drop((second, third, late));
    common::stop([b]).await;
}

/// Who holds whom, by client number.
type Held = Arc<Mutex<BTreeMap<u32, PeerId>>>;

/// Holds one of the supervisors meant, another one when it is lost, until the peer ends.
async fn hold(mesh: Mesh, query: Query, number: u32, held: Held) {
    let id = format!("client-{number}");
    let mut picker = Picker::new(Policy::PowerOfTwo, id, number.into());
    while let Ok(mut claim) = mesh.acquire(&query, &mut picker).await {
        held.lock().unwrap().insert(number, claim.target().peer());
        let lost = claim.lost().await;
        held.lock().unwrap().remove(&number);
        if lost == WaitError::Closed {
            return;
        }
    }
}

/// A peer with a supervisor, on a runtime of its own, so that it can be killed.
struct Site {
    peer: PeerId,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    async fn open(topic: &str, hub: &Mesh, kind: &str, capacity: NonZeroU32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let boss = supervisor(&format!("boss-of-{kind}"), kind, capacity);
        let builder = Mesh::builder(topic)
            .connect(hub.addresses().remove(0))
            .expose(&boss);
        let mesh = runtime.spawn(builder.spawn());
        let mesh = within(mesh).await.unwrap().unwrap();
        let peer = mesh.peer_id();
        runtime.spawn(mesh.serve(&boss, capacity).run());
        Self { peer, runtime }
    }

    /// As a process that is killed: nobody says bye.
    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

fn spread(held: &Held) -> BTreeMap<PeerId, u32> {
    let mut loads = BTreeMap::new();
    for peer in held.lock().unwrap().values() {
        *loads.entry(*peer).or_default() += 1;
    }
    loads
}

/// Acceptance A15: three kinds, a supervisor each, twenty clients that are there first. Ten times the limits: twenty-five
/// peers of an unoptimised build share this host with other tests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_clients_find_their_supervisors_and_find_others_when_those_die() {
    const CLIENTS: u32 = 20;
    const KINDS: [&str; 3] = ["red", "green", "blue"];
    const FOUND: Duration = Duration::from_secs(100);
    let kind_of = |client: u32| KINDS[client as usize % KINDS.len()];
    let hub = spawn(Mesh::builder("crowd").role(Role::Relay), Carrier::Memory).await;
    let held = Held::default();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let builder = Mesh::builder("crowd").role(Role::Tab);
        let mesh = builder.connect(hub.addresses().remove(0)).spawn();
        let mesh = mesh.await.unwrap();
        let query = supervisors(kind_of(number));
        tokio::spawn(hold(mesh.clone(), query, number, held.clone()));
        clients.push(mesh);
    }
    let mut sites = Vec::new();
    for kind in KINDS {
        sites.push(Site::open("crowd", &hub, kind, room(8)).await);
    }
    let all_hold_one_of = |peers: &[(&str, PeerId)]| {
        let held = held.lock().unwrap();
        let is_right = |client: u32| {
            let peer = held.get(&client);
            peer.is_some_and(|peer| peers.contains(&(kind_of(client), *peer)))
        };
        (0..CLIENTS).all(is_right)
    };
    let mut right: Vec<(&str, PeerId)> = KINDS
        .into_iter()
        .zip(sites.iter().map(|it| it.peer))
        .collect();
    eventually_within(FOUND, "each to hold its kind", || all_hold_one_of(&right)).await;
    let loads = spread(&held);
    let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
    assert!(loads.len() == 3 && *most <= 2 * least, "{loads:?}");

    // Another one of the first kind comes, and the one all hold is killed.
    let spare = Site::open("crowd", &hub, KINDS[0], room(8)).await;
    let killed = sites.remove(0);
    right[0].1 = spare.peer;
    killed.kill();
    eventually_within(FOUND, "each to hold a live one", || all_hold_one_of(&right)).await;

    common::stop(clients).await;
    sites.into_iter().chain([spare]).for_each(Site::kill);
    common::stop([hub]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_starts_at_once_spreads() {
    const LONG: Duration = Duration::from_secs(100);
    let hub = spawn(Mesh::builder("spread").role(Role::Relay), Carrier::Memory).await;
    let mut sites = Vec::new();
    for _ in 0..3 {
        sites.push(Site::open("spread", &hub, "any", room(8)).await);
    }
    let client = spawn_at(Mesh::builder("spread"), Carrier::Memory, &hub).await;
    within(client.when_any(supervisors("any"), 3))
        .await
        .unwrap();
    let held = Held::default();
    for number in 0..20 {
        let query = supervisors("any");
        tokio::spawn(hold(client.clone(), query, number, held.clone()));
    }
    let all = || held.lock().unwrap().len() == 20;
    eventually_within(LONG, "all to be served", all).await;
    let loads = spread(&held);
    let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
    assert!(
        loads.len() == 3 && *most <= 8 && *most <= 2 * least,
        "{loads:?}"
    );
    common::stop([client]).await;
    sites.into_iter().for_each(Site::kill);
    common::stop([hub]).await;
}
