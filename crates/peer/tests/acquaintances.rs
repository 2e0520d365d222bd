//! Peers that only know one member find each other through it, and outlive it.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use common::{Carrier, eventually, machine, machine_of, spawn, spawn_at, stop, within};
use statemesh::identity::Identity;
use statemesh::mesh::Mesh;

fn are_linked(one: &Mesh, other: &Mesh) -> bool {
    one.links().iter().any(|link| link.peer == other.peer_id())
}

#[tokio::test]
async fn a_star_grows_together_and_survives_its_centre() {
    let centre = spawn(Mesh::builder("star"), Carrier::Quic).await;
    let lamp = machine("lamp");
    let a = spawn_at(Mesh::builder("star").expose(&lamp), Carrier::Quic, &centre).await;
    let b = spawn_at(Mesh::builder("star"), Carrier::Quic, &centre).await;
    eventually("a link that nobody asked for", || are_linked(&a, &b)).await;

    let seen = machine_of(&b, &a, "lamp").await;
    within(centre.shutdown()).await;
    eventually("the end of the centre", || !are_linked(&a, &centre)).await;
    let lit = seen.when("On");
    lamp.add("On").unwrap();
    within(lit).await.unwrap();
    stop([a, b]).await;
}

#[tokio::test]
async fn who_is_content_with_one_link_finds_another_when_it_goes() {
    let centre = spawn(Mesh::builder("content"), Carrier::Quic).await;
    let content = || Mesh::builder("content").min_links(1);
    let lamp = machine("lamp");
    let a = spawn_at(content().expose(&lamp), Carrier::Quic, &centre).await;
    let b = spawn_at(content(), Carrier::Quic, &centre).await;
    machine_of(&b, &a, "lamp").await;
    assert!(!are_linked(&a, &b));
    within(centre.shutdown()).await;
    eventually("the other", || are_linked(&a, &b)).await;
    lamp.add("On").unwrap();
    within(machine_of(&b, &a, "lamp").await.when("On"))
        .await
        .unwrap();
    stop([a, b]).await;
}

#[tokio::test]
async fn who_wants_no_links_makes_none() {
    let centre = spawn(Mesh::builder("shy").min_links(0), Carrier::Quic).await;
    let shy = || Mesh::builder("shy").min_links(0);
    let a = spawn_at(shy(), Carrier::Quic, &centre).await;
    let b = spawn_at(shy(), Carrier::Quic, &centre).await;
    let c = spawn_at(
        Mesh::builder("shy").min_links(2).expose(&machine("lamp")),
        Carrier::Quic,
        &centre,
    )
    .await;
    // The one that wants two takes any one of the others; these had as long, and the same words to go by.
    eventually("the second link", || c.links().len() == 2).await;
    machine_of(&a, &c, "lamp").await;
    machine_of(&b, &c, "lamp").await;
    assert!(!are_linked(&a, &b));
    stop([a, b, c, centre]).await;
}

#[tokio::test]
async fn members_are_those_on_the_list() {
    let (lamp, bell, spy) = (machine("lamp"), machine("bell"), machine("spy"));
    let (b_key, c_key) = (Identity::generate(), Identity::generate());
    let closed = [b_key.peer_id(), c_key.peer_id()];
    let a = spawn(
        Mesh::builder("closed").only(closed).expose(&lamp),
        Carrier::Quic,
    )
    .await;
    let b = spawn_at(
        Mesh::builder("closed").identity(b_key).expose(&bell),
        Carrier::Quic,
        &a,
    )
    .await;
    machine_of(&b, &a, "lamp").await;
    // The open one lets everybody in, and passes on what it hears.
    let stranger = spawn_at(
        Mesh::builder("closed").min_links(0).expose(&spy),
        Carrier::Quic,
        &b,
    )
    .await;
    let address = a.addresses().remove(0);
    let intruder = spawn(
        Mesh::builder("closed").min_links(0).connect(address),
        Carrier::Quic,
    )
    .await;
    machine_of(&b, &stranger, "spy").await;
    eventually("a refusal", || a.refused().strangers > 0).await;
    eventually("a message passed on", || {
        let dropped = a.traffic().dropped;
        dropped
            .iter()
            .any(|(reason, count)| reason.contains("no member") && *count > 0)
    })
    .await;
    // A member that comes later is one of the mesh like any other.
    let c = spawn_at(
        Mesh::builder("closed").identity(c_key).expose(&bell),
        Carrier::Quic,
        &a,
    )
    .await;
    machine_of(&a, &c, "bell").await;
    assert!(a.machines().iter().all(|machine| machine.id() != "spy"));
    assert!(!are_linked(&a, &stranger) && !are_linked(&a, &intruder));
    stop([a, b, c, stranger, intruder]).await;
}
