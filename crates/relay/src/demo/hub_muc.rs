//! Hub Munich: plans and dispatches.
//!
//! ```text
//! orders AwaitDispatch ~> dispatch Matching -> Assigned, vetoed by a handler while the mirror of courier-17 is not Ready
//! gateway RequestIn ~> planner BatchOpen -> inventory Counting -> pricing Quoting, archive Flushing
//! ```
//! `->` is a pipe or a handler on the same host, `~>` an awaited mirror.

use std::sync::{Arc, OnceLock};

use statemesh::handlers::Handlers;
use statemesh::machine::{Machine, Pipe};
use statemesh::states;

use super::hub_fra::{Gateway, Orders};
use super::kit::{
    Device, Network, Pace, Service, Storage, did, finish, noted, on_nth, pipe, pulse,
};
use super::scene::{Far, Place, Scene};
use super::van_17::Courier;

states! {
    pub(super) enum Dispatch: Network, Service {
        Matching { require: [Device::Start], remove: [Assigned] },
        Rejected { require: [Matching] },
        Assigned { require: [Service::Ready], remove: [Matching] },
        Tracking { require: [Service::Ready] },
    }
}

states! {
    pub(super) enum Planner: Network, Service {
        Planning { auto, require: [Service::Ready] },
        BatchOpen { require: [Planning] },
    }
}

states! {
    enum Inventory: Storage, Service {
        Ready { auto, require: [Device::Start, Service::Connected, Synced] },
        Synced { auto, require: [Service::Connected] },
        Counting { require: [Synced] },
    }
}

states! {
    enum Pricing: Device {
        Idle { auto, require: [Device::Start], remove: [Quoting] },
        Quoting { require: [Device::Ready], remove: [Idle] },
    }
}

states! {
    enum Archive: Storage, Service {
        Flushing { require: [Service::Ready] },
    }
}

pub(super) fn furnish(place: &mut Place) {
    let dispatch = place.machine("dispatch", Dispatch::schema());
    let planner = place.machine("planner", Planner::schema());
    let inventory = place.machine("inventory", Inventory::schema());
    let pricing = place.machine("pricing", Pricing::schema());
    let archive = place.machine("archive", Archive::schema());

    let count = Pipe::new().begin(Planner::BatchOpen, Inventory::Counting);
    pipe(&planner, count, &inventory);
    on_nth(
        &inventory,
        Inventory::Counting,
        3,
        &pricing,
        Pricing::Quoting,
    );
    on_nth(&planner, Planner::BatchOpen, 2, &archive, Archive::Flushing);

    // It looks where the vans are, also while none is looked for: else a long tour would look like a standstill.
    let tracking = dispatch.clone();
    place.script("dispatch tracking", move |_, pace| {
        pulse(tracking, Dispatch::Tracking, pace, 3.0..5.0, 0.4..0.8)
    });
    place.script("dispatch", move |scene, pace| assign(dispatch, scene, pace));
    place.script("planner", move |scene, pace| plan(planner, scene, pace));
    place.script("inventory", move |_, pace| {
        finish(inventory, Inventory::Counting, pace, 0.4..0.9)
    });
    place.script("pricing", move |_, pace| {
        finish(pricing, Pricing::Quoting, pace, 0.3..0.6)
    });
    place.script("archive", move |_, pace| {
        finish(archive, Archive::Flushing, pace, 0.3..0.7)
    });
}

/// Finds a courier for the next tour, again and again. Negotiation decides: the handler of `Assigned` looks at the
/// mirror, so a courier that is not ready makes a canceled transition here and nothing else.
async fn assign(dispatch: Machine, scene: Scene, mut pace: Pace) {
    // The courier as the dispatcher sees him, once he has been seen.
    let courier = Arc::new(OnceLock::<Far>::new());
    let veto = Handlers::new(courier.clone()).enter(Dispatch::Assigned, |courier, _| {
        let seen = courier.get();
        if seen.is_some_and(|courier| courier.is(Courier::Ready)) {
            return Ok(());
        }
        Err("the courier is not ready")
    });
    noted(dispatch.bind(veto));
    while let Some(()) = scene.until("orders", Orders::AwaitDispatch).await {
        did(dispatch.add(Dispatch::Matching));
        let Some(seen) = scene.far("courier-17").await else {
            return;
        };
        let _ = courier.set(seen);
        pace.rest(0.3..0.6).await;
        while !did(dispatch.add(Dispatch::Assigned)) {
            if dispatch.is_disposed() {
                return;
            }
            did(dispatch.add(Dispatch::Rejected));
            pace.rest(1.0..1.6).await;
            did(dispatch.remove(Dispatch::Rejected));
            pace.rest(0.8..1.4).await;
        }
        if tour(&dispatch, &scene).await.is_none() {
            return;
        }
    }
}

/// Waits until the courier's tour is over or he is lost; then the order has to be matched again.
async fn tour(dispatch: &Machine, scene: &Scene) -> Option<()> {
    let courier = "courier-17";
    scene.until(courier, Courier::Assigned).await?;
    tokio::select! {
        over = scene.until(courier, Courier::Idle) => {
            over?;
            did(dispatch.remove(Dispatch::Assigned));
        }
        lost = scene.until_not(courier, Courier::Ready) => {
            lost?;
            did(dispatch.add(Dispatch::Matching));
        }
    }
    Some(())
}

/// Opens a batch for each request seen at the gateway.
async fn plan(planner: Machine, scene: Scene, mut pace: Pace) {
    let mut requests = scene.follow("gateway", Gateway::RequestIn);
    while requests.next().await.is_some() {
        did(planner.add(Planner::BatchOpen));
        pace.rest(0.8..1.4).await;
        did(planner.remove(Planner::BatchOpen));
    }
}
