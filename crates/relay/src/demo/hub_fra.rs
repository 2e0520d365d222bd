//! Hub Frankfurt: takes orders and bills them.
//!
//! ```text
//! kiosk-03 ParcelIn ~> gateway RequestIn -> orders OrderOpen ~> dispatch Assigned ~> courier-17 Delivered ~> orders
//!                      gateway RequestIn -> billing Invoicing, InvoiceSent -> ledger Appending -> notify Sending
//! courier-17 not Ready ~> orders CourierAsked, CourierLost (not Ready)
//! ```
//! `->` is a pipe or a handler on the same host, `~>` an awaited mirror.

use statemesh::machine::{Machine, Pipe};
use statemesh::states;

use super::hub_muc::Dispatch;
use super::kiosk_03::Kiosk;
use super::kit::{
    Device, Network, Pace, Service, Storage, did, finish, on_end, on_nth, pipe, pulse,
};
use super::scene::{Place, Scene};
use super::van_17::Courier;

states! {
    pub(super) enum Gateway: Network, Service {
        ConnectedFully { auto, require: [Service::Connected] },
        Serving { auto, require: [Service::Ready] },
        RequestIn { require: [Serving] },
    }
}

states! {
    pub(super) enum Orders: Network, Service {
        Ready { auto, require: [Device::Start, Service::Connected, CourierOk] },
        OrderOpen { require: [Service::Connected], remove: [Delivered] },
        AwaitDispatch { auto, require: [OrderOpen], remove: [..DISPATCH] },
        Dispatched { require: [OrderOpen], remove: [..DISPATCH] },
        Delivered { remove: [OrderOpen] },
        CourierOk { remove: [CourierLost] },
        CourierAsked { require: [CourierOk] },
        CourierLost { remove: [CourierOk] },
    }
    groups { DISPATCH: [AwaitDispatch, Dispatched] }
}

states! {
    enum Billing: Network, Service {
        Invoicing { require: [Service::Ready], remove: [InvoiceSent] },
        InvoiceSent { require: [Service::Ready], remove: [Invoicing] },
    }
}

states! {
    enum Ledger: Storage, Device {
        Ready { auto, require: [Device::Start, Synced] },
        Synced { auto, require: [Device::Start] },
        Appending { require: [Synced] },
    }
}

states! {
    enum Notify: Network, Service {
        Idle { auto, require: [Device::Start], remove: [Sending] },
        Sending { require: [Service::Ready], remove: [Idle] },
    }
}

pub(super) fn furnish(place: &mut Place) {
    let gateway = gateway(place);
    let orders = place.machine("orders", Orders::schema());
    let billing = billing(place);
    let ledger = place.machine("ledger", Ledger::schema());
    let notify = place.machine("notify", Notify::schema());

    let open = Pipe::new().begin(Gateway::RequestIn, Orders::OrderOpen);
    pipe(&gateway, open, &orders);
    on_nth(
        &gateway,
        Gateway::RequestIn,
        3,
        &billing,
        Billing::Invoicing,
    );
    let append = Pipe::new().begin(Billing::InvoiceSent, Ledger::Appending);
    pipe(&billing, append, &ledger);
    on_end(&ledger, Ledger::Appending, &notify, Notify::Sending);

    let watching = orders.clone();
    place.script("orders", move |scene, pace| deliver(orders, scene, pace));
    place.script("orders courier", move |scene, pace| {
        watch_courier(watching, scene, pace)
    });
    place.script("ledger", move |_, pace| {
        finish(ledger, Ledger::Appending, pace, 0.2..0.5)
    });
    place.script("notify", move |_, pace| {
        finish(notify, Notify::Sending, pace, 0.3..0.8)
    });
}

fn gateway(place: &mut Place) -> Machine {
    let gateway = place.machine("gateway", Gateway::schema());
    let requests = gateway.clone();
    place.script("gateway", move |_, pace| {
        pulse(requests, Gateway::RequestIn, pace, 2.6..4.2, 0.3..0.7)
    });
    let parcels = gateway.clone();
    place.script("gateway parcels", move |scene, _| async move {
        let mut parcels_in = scene.follow("kiosk-03", Kiosk::ParcelIn);
        while parcels_in.next().await.is_some() {
            did(parcels.add(Gateway::RequestIn));
        }
    });
    gateway
}

/// One order after the other: dispatched when the dispatcher has a courier, back to waiting when it loses him.
async fn deliver(orders: Machine, scene: Scene, mut pace: Pace) {
    let mut delivered = scene.follow("courier-17", Courier::Delivered);
    loop {
        if orders.when(Orders::AwaitDispatch).await.is_err()
            || scene.until("dispatch", Dispatch::Assigned).await.is_none()
        {
            return;
        }
        did(orders.add(Orders::Dispatched));
        let done = tokio::select! {
            count = delivered.next() => count,
            lost = scene.until_not("dispatch", Dispatch::Assigned) => lost.map(|()| 0),
        };
        match done {
            None => return,
            Some(0) => did(orders.remove(Orders::Dispatched)),
            Some(_) => {
                did(orders.add(Orders::Delivered));
                pace.rest(0.3..0.7).await;
                did(orders.add(Orders::OrderOpen))
            }
        };
    }
}

/// Without a courier no order is promised: he is asked once, and given up when he does not answer.
async fn watch_courier(orders: Machine, scene: Scene, mut pace: Pace) {
    let courier = "courier-17";
    did(orders.add(Orders::CourierOk));
    while let Some(()) = scene.until(courier, Courier::Ready).await {
        did(orders.add(Orders::CourierOk));
        if scene.until_not(courier, Courier::Ready).await.is_none() {
            return;
        }
        did(orders.add(Orders::CourierAsked));
        pace.rest(0.6..0.8).await;
        did(orders.add(Orders::CourierLost));
    }
}

fn billing(place: &mut Place) -> Machine {
    let billing = place.machine("billing", Billing::schema());
    on_end(&billing, Billing::Invoicing, &billing, Billing::InvoiceSent);
    let (invoicing, sent) = (billing.clone(), billing.clone());
    place.script("billing", move |_, pace| {
        finish(invoicing, Billing::Invoicing, pace, 0.4..0.9)
    });
    place.script("billing sent", move |_, pace| {
        finish(sent, Billing::InvoiceSent, pace, 0.4..0.9)
    });
    billing
}
