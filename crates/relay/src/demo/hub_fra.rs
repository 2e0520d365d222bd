//! Hub Frankfurt: takes orders and bills them.
//!
//! ```text
//! kiosk-03 ParcelIn ~> gateway RequestIn -> orders OrderOpen ~> dispatch Assigned ~> courier-17 Delivered ~> orders
//!                      gateway RequestIn -> billing Invoicing, InvoiceSent -> ledger Appending -> notify Sending
//! ```
//! `->` is a handler on the same host, `~>` an awaited mirror.

use statemesh::StateDef;
use statemesh::machine::Machine;

use super::kit::{
    Act, Pace, device, did, finish, needs, on_begin, on_end, on_nth, one_of, pulse, service,
};
use super::scene::{Place, Scene};

pub(super) fn furnish(place: &mut Place) {
    let gateway = gateway(place);
    let orders = orders(place);
    let billing = billing(place);
    let ledger = ledger(place);
    let notify = notify(place);

    on_begin(&gateway, "RequestIn", &orders, Act::Add(&["OrderOpen"]));
    on_nth(&gateway, "RequestIn", 3, &billing, Act::Add(&["Invoicing"]));
    on_begin(&billing, "InvoiceSent", &ledger, Act::Add(&["Appending"]));
    on_end(&ledger, "Appending", &notify, Act::Add(&["Sending"]));
}

fn gateway(place: &mut Place) -> Machine {
    let schema = service(&["ErrNetwork"], &[])
        .state("ConnectedFully", needs(&["Connected"]).auto())
        .state("Serving", needs(&["Ready"]).auto())
        .state("RequestIn", needs(&["Serving"]));
    let gateway = place.machine("gateway", schema);
    let requests = gateway.clone();
    place.script("gateway", move |_, pace| {
        pulse(requests, "RequestIn", pace, 2.6..4.2, 0.3..0.7)
    });
    let parcels = gateway.clone();
    place.script("gateway parcels", move |scene, _| async move {
        let mut parcels_in = scene.follow("kiosk-03", "ParcelIn");
        while parcels_in.next().await.is_some() {
            did(parcels.add("RequestIn"));
        }
    });
    gateway
}

fn orders(place: &mut Place) -> Machine {
    let group = ["AwaitDispatch", "Dispatched"];
    let schema = service(&["ErrNetwork"], &[])
        .state(
            "OrderOpen",
            StateDef::new().require(["Ready"]).remove(["Delivered"]),
        )
        .state(
            "AwaitDispatch",
            one_of(&group).require(["OrderOpen"]).auto(),
        )
        .state("Dispatched", one_of(&group).require(["OrderOpen"]))
        .state("Delivered", one_of(&["OrderOpen"]));
    let orders = place.machine("orders", schema);
    let script = orders.clone();
    place.script("orders", move |scene, pace| deliver(script, scene, pace));
    orders
}

/// One order after the other: dispatched when the dispatcher has a courier, back to waiting when it loses him.
async fn deliver(orders: Machine, scene: Scene, mut pace: Pace) {
    let mut delivered = scene.follow("courier-17", "Delivered");
    loop {
        if orders.when("AwaitDispatch").await.is_err()
            || scene.until("dispatch", &["Assigned"]).await.is_none()
        {
            return;
        }
        did(orders.add("Dispatched"));
        let done = tokio::select! {
            count = delivered.next() => count,
            lost = scene.until_not("dispatch", &["Assigned"]) => lost.map(|()| 0),
        };
        match done {
            None => return,
            Some(0) => did(orders.remove("Dispatched")),
            Some(_) => {
                did(orders.add("Delivered"));
                pace.rest(0.3..0.7).await;
                did(orders.add("OrderOpen"))
            }
        };
    }
}

fn billing(place: &mut Place) -> Machine {
    let schema = service(&["ErrNetwork"], &[])
        .state("Invoicing", needs(&["Ready"]).remove(["InvoiceSent"]))
        .state("InvoiceSent", needs(&["Ready"]).remove(["Invoicing"]));
    let billing = place.machine("billing", schema);
    on_end(&billing, "Invoicing", &billing, Act::Add(&["InvoiceSent"]));
    let (invoicing, sent) = (billing.clone(), billing.clone());
    place.script("billing", move |_, pace| {
        finish(invoicing, "Invoicing", pace, 0.4..0.9)
    });
    place.script("billing sent", move |_, pace| {
        finish(sent, "InvoiceSent", pace, 0.4..0.9)
    });
    billing
}

fn ledger(place: &mut Place) -> Machine {
    let schema = device(&["ErrStorage"], &["Synced"])
        .state("Synced", needs(&["Start"]).auto())
        .state("Appending", needs(&["Synced"]));
    let ledger = place.machine("ledger", schema);
    let script = ledger.clone();
    place.script("ledger", move |_, pace| {
        finish(script, "Appending", pace, 0.2..0.5)
    });
    ledger
}

fn notify(place: &mut Place) -> Machine {
    let schema = service(&["ErrNetwork"], &[])
        .state("Idle", one_of(&["Sending"]).require(["Start"]).auto())
        .state("Sending", one_of(&["Idle"]).require(["Ready"]));
    let notify = place.machine("notify", schema);
    let script = notify.clone();
    place.script("notify", move |_, pace| {
        finish(script, "Sending", pace, 0.3..0.8)
    });
    notify
}
