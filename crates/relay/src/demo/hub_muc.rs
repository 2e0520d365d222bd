//! Hub Munich: plans and dispatches.
//!
//! ```text
//! orders AwaitDispatch ~> dispatch Matching -> Assigned, vetoed by a handler while the mirror of courier-17 is not Ready
//! gateway RequestIn ~> planner BatchOpen -> inventory Counting -> pricing Quoting, archive Flushing
//! ```
//! `->` is a handler on the same host, `~>` an awaited mirror.

use std::sync::{Arc, OnceLock};

use statemesh::StateDef;
use statemesh::handlers::Handlers;
use statemesh::machine::Machine;

use super::kit::{Act, Pace, bound, device, did, finish, needs, on_begin, on_nth, one_of, service};
use super::scene::{Far, Place, Scene};

pub(super) fn furnish(place: &mut Place) {
    dispatch(place);
    let planner = planner(place);
    let inventory = counting(place);
    let pricing = pricing(place);
    let archive = archive(place);

    on_begin(&planner, "BatchOpen", &inventory, Act::Add(&["Counting"]));
    on_nth(&inventory, "Counting", 3, &pricing, Act::Add(&["Quoting"]));
    on_nth(&planner, "BatchOpen", 2, &archive, Act::Add(&["Flushing"]));
}

/// The courier as the dispatcher sees him, once he has been seen.
type Courier = Arc<OnceLock<Far>>;

fn dispatch(place: &mut Place) {
    let schema = service(&["ErrNetwork"], &[])
        .state("Matching", one_of(&["Assigned"]).require(["Start"]))
        .state("Rejected", needs(&["Matching"]))
        .state(
            "Assigned",
            StateDef::new().require(["Ready"]).remove(["Matching"]),
        );
    let dispatch = place.machine("dispatch", schema);
    place.script("dispatch", move |scene, pace| assign(dispatch, scene, pace));
}

/// Finds a courier for the next tour, again and again. Negotiation decides: the handler of `Assigned` looks at the
/// mirror, so a courier that is not ready makes a canceled transition here and nothing else.
async fn assign(dispatch: Machine, scene: Scene, mut pace: Pace) {
    let courier = Courier::default();
    bound(dispatch.bind(
        Handlers::new(courier.clone()).enter("Assigned", |courier, _| {
            courier.get().is_some_and(|courier| courier.is("Ready"))
        }),
    ));
    while let Some(()) = scene.until("orders", &["AwaitDispatch"]).await {
        did(dispatch.add("Matching"));
        let Some(seen) = scene.far("courier-17").await else {
            return;
        };
        let _ = courier.set(seen);
        pace.rest(0.3..0.6).await;
        while !did(dispatch.add("Assigned")) {
            if dispatch.is_disposed() {
                return;
            }
            did(dispatch.add("Rejected"));
            pace.rest(1.0..1.6).await;
            did(dispatch.remove("Rejected"));
            pace.rest(0.8..1.4).await;
        }
        if tour(&dispatch, &scene).await.is_none() {
            return;
        }
    }
}

/// Waits until the courier's tour is over or he is lost; then the order has to be matched again.
async fn tour(dispatch: &Machine, scene: &Scene) -> Option<()> {
    scene.until("courier-17", &["Assigned"]).await?;
    tokio::select! {
        over = scene.until("courier-17", &["Idle"]) => {
            over?;
            did(dispatch.remove("Assigned"));
        }
        lost = scene.until_not("courier-17", &["Ready"]) => {
            lost?;
            did(dispatch.add("Matching"));
        }
    }
    Some(())
}

fn planner(place: &mut Place) -> Machine {
    let schema = service(&["ErrNetwork"], &[])
        .state("Planning", needs(&["Ready"]).auto())
        .state("BatchOpen", needs(&["Planning"]));
    let planner = place.machine("planner", schema);
    let script = planner.clone();
    place.script("planner", move |scene, mut pace| async move {
        let mut requests = scene.follow("gateway", "RequestIn");
        while requests.next().await.is_some() {
            did(script.add("BatchOpen"));
            pace.rest(0.8..1.4).await;
            did(script.remove("BatchOpen"));
        }
    });
    planner
}

fn counting(place: &mut Place) -> Machine {
    let schema = service(&["ErrStorage"], &["Synced"])
        .state("Synced", needs(&["Connected"]).auto())
        .state("Counting", needs(&["Synced"]));
    let inventory = place.machine("inventory", schema);
    let script = inventory.clone();
    place.script("inventory", move |_, pace| {
        finish(script, "Counting", pace, 0.4..0.9)
    });
    inventory
}

fn pricing(place: &mut Place) -> Machine {
    let schema = device(&[], &[])
        .state("Idle", one_of(&["Quoting"]).require(["Start"]).auto())
        .state("Quoting", one_of(&["Idle"]).require(["Ready"]));
    let pricing = place.machine("pricing", schema);
    let script = pricing.clone();
    place.script("pricing", move |_, pace| {
        finish(script, "Quoting", pace, 0.3..0.6)
    });
    pricing
}

fn archive(place: &mut Place) -> Machine {
    let schema = service(&["ErrStorage"], &[]).state("Flushing", needs(&["Ready"]));
    let archive = place.machine("archive", schema);
    let script = archive.clone();
    place.script("archive", move |_, pace| {
        finish(script, "Flushing", pace, 0.3..0.7)
    });
    archive
}
