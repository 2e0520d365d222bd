//! Van 17: a courier, his navigation, and what is built into the van.
//!
//! ```text
//! dispatch Assigned ~> courier-17 Assigned, Loading ~> loader-b1 Loaded ~> courier-17 Driving, AtStop, Delivered ...
//! courier-17 Driving -> lock-17 Armed, AtStop -> lock-17 Open
//! route-17 ErrNetwork -> courier-17 MapMissing
//! route-17 OffRoute -> courier-17 RouteLost, Waiting (not Ready) ~> dispatch Rejected, orders CourierLost
//! ```
//! `->` is a pipe or a handler on the same host, `~>` an awaited mirror. Every minute or two the map service does not
//! answer; where an incident is wanted, once, at its time.

use std::time::Duration;

use statemesh::machine::{Machine, Pipe};
use statemesh::states;
use tokio::time::{timeout, timeout_at};

use super::depots::Loader;
use super::hub_muc::Dispatch;
use super::kit::{Device, Network, Pace, Service, did, on_end, pipe, pulse};
use super::scene::{INCIDENT_LASTS, Place, Scene};

states! {
    pub(super) enum Courier: Network, Service {
        Ready { auto, require: [Device::Start, Service::Connected, RouteOk] },
        Idle { require: [Device::Start], remove: [Assigned] },
        Assigned { require: [Service::Connected], remove: [Idle] },
        Loading { require: [Assigned], remove: [Driving, AtStop] },
        Driving { require: [Assigned, RouteOk], remove: [AtStop, Loading] },
        AtStop { require: [Assigned], remove: [Driving, Loading] },
        Delivered { multi, require: [AtStop] },
        LockArmed { auto, require: [Device::Start] },
        Waiting { require: [Assigned], remove: [Driving] },
        RouteOk { remove: [RouteLost] },
        MapMissing { require: [RouteOk] },
        RouteLost { add: [Waiting], remove: [RouteOk] },
        RerouteAsked { auto, require: [RouteLost] },
        StatusSent { multi, require: [Service::Connected] },
    }
}

states! {
    enum Navigator: Service {
        Ready { auto, require: [Device::Start, Service::Connected, GpsFix] },
        ErrNetwork { multi, add: [Exception], require: [Exception], remove: [Ready, OnRoute] },
        GpsFix { auto, require: [Device::Start] },
        OnRoute { require: [GpsFix], remove: [..WAYS] },
        OffRoute { remove: [..WAYS] },
        Retrying { require: [ErrNetwork] },
        Located { require: [GpsFix] },
    }
    groups { WAYS: [OnRoute, OffRoute] }
}

states! {
    enum Lock {
        Exception { multi },
        ErrTamper { multi, add: [Exception], require: [Exception], remove: [Ready] },
        Start,
        Ready { auto, require: [Start] },
        Armed { auto, require: [Start], remove: [Open] },
        Open { require: [Ready], remove: [Armed] },
        Checking { require: [Start] },
    }
}

states! {
    enum Cam {
        Exception { multi },
        ErrCamera { multi, add: [Exception], require: [Exception], remove: [Ready] },
        Start,
        Ready { auto, require: [Start, Recording] },
        Recording { auto, require: [Start] },
        Motion { require: [Recording] },
    }
}

states! {
    enum Power {
        Exception { multi },
        ErrBattery { multi, add: [Exception], require: [Exception], remove: [Ready] },
        Start,
        Ready { auto, require: [Start] },
        Charging { require: [Start], remove: [Discharging] },
        Discharging { auto, require: [Start], remove: [Charging] },
        Metering { require: [Start] },
    }
}

pub(super) fn furnish(place: &mut Place) {
    let courier = place.machine("courier-17", Courier::schema());
    let route = place.machine("route-17", Navigator::schema());
    let lock = place.machine("lock-17", Lock::schema());
    let cam = place.machine("cam-17", Cam::schema());
    let power = place.machine("power-17", Power::schema());

    // First a word that he has noticed, so that snapshots show who failed first.
    let lost = Pipe::new()
        .begin(Navigator::ErrNetwork, Courier::MapMissing)
        .begin(Navigator::OffRoute, Courier::RouteLost);
    pipe(&route, lost, &courier);
    on_end(&route, Navigator::ErrNetwork, &courier, Courier::RouteOk);
    let own = Pipe::new()
        .end(Courier::RouteLost, Courier::Waiting)
        .begin(Courier::Delivered, Courier::StatusSent);
    pipe(&courier, own, &courier);
    pipe(
        &courier,
        Pipe::new().state(Courier::AtStop, Lock::Open),
        &lock,
    );

    let driver = courier.clone();
    place.script("courier-17", move |scene, pace| tours(courier, scene, pace));
    place.script("route-17", move |scene, pace| {
        navigate(route, driver, scene, pace)
    });
    place.script("cam-17", move |_, pace| {
        pulse(cam, Cam::Motion, pace, 3.0..6.0, 0.5..1.5)
    });
    place.script("power-17", move |_, pace| {
        pulse(power, Power::Metering, pace, 4.0..6.0, 0.4..0.8)
    });
    place.script("lock-17", move |_, pace| {
        pulse(lock, Lock::Checking, pace, 10.0..15.0, 0.4..0.9)
    });
}

/// Tour after tour, each assigned by the dispatcher and loaded at the depot.
async fn tours(courier: Machine, scene: Scene, mut pace: Pace) {
    did(courier.add([Courier::RouteOk, Courier::Idle]));
    while let Some(()) = scene.until("dispatch", Dispatch::Assigned).await {
        did(courier.add(Courier::Assigned));
        did(courier.add(Courier::Loading));
        // A depot that is down does not hold the van for ever.
        let loaded = scene.until("loader-b1", Loader::Loaded);
        let _ = timeout(Duration::from_secs(15), loaded).await;
        for _ in 0..pace.number(4..8) {
            let drive = scene.on_the_road(pace.time(1.6..2.6));
            if !to_next_stop(&courier, drive).await {
                break;
            }
            did(courier.add(Courier::AtStop));
            pace.rest(0.5..1.0).await;
            did(courier.add(Courier::Delivered));
            pace.rest(0.6..1.1).await;
        }
        did(courier.remove(Courier::StatusSent));
        did(courier.add(Courier::Idle));
        pace.rest(1.2..1.8).await;
    }
}

/// Drives to the next stop; waits by the roadside while there is no route. `false`: the tour is off.
async fn to_next_stop(courier: &Machine, drive: Duration) -> bool {
    while courier.when(Courier::RouteOk).await.is_ok() {
        let lost = courier.when_not(Courier::RouteOk);
        if !did(courier.add(Courier::Driving)) && courier.is(Courier::RouteOk) {
            return false;
        }
        if timeout(drive, lost).await.is_err() {
            return true;
        }
    }
    false
}

/// Navigates, and fails now and then.
async fn navigate(route: Machine, courier: Machine, scene: Scene, mut pace: Pace) {
    did(route.add(Navigator::OnRoute));
    if let Some(due) = scene.incident {
        let _ = timeout_at(due, locate(&route, &mut pace)).await;
        // Only an incident that comes before the first tour has to wait.
        let _ = timeout(FIRST_TOUR, courier.when(Courier::Driving)).await;
        fail(&route, &mut pace, INCIDENT_LASTS).await;
    }
    let mut fine = 25.0..40.0;
    while !route.is_disposed() {
        let pause = pace.time(fine);
        fine = 70.0..100.0;
        let locate = locate(&route, &mut pace);
        if scene.calm {
            locate.await;
            return;
        }
        let _ = timeout(pause, locate).await;
        let lasts = pace.time(20.0..34.0);
        fail(&route, &mut pace, lasts).await;
    }
}

/// Reports positions for ever.
async fn locate(route: &Machine, pace: &mut Pace) {
    while !route.is_disposed() {
        pace.rest(3.0..5.0).await;
        did(route.add(Navigator::Located));
        pace.rest(0.3..0.8).await;
        did(route.remove(Navigator::Located));
    }
}

/// The map service does not answer for a while. Soon the van is off its route.
async fn fail(route: &Machine, pace: &mut Pace, lasts: Duration) {
    did(route.add_error(Navigator::ErrNetwork, "map tiles: dial timed out after 5 s"));
    pace.rest(0.6..0.8).await;
    did(route.add(Navigator::OffRoute));
    let _ = timeout(lasts, retry(route, pace)).await;
    did(route.remove([Navigator::ErrNetwork, Navigator::Exception]));
    did(route.add(Navigator::OnRoute));
}

/// Asks the map service again and again.
async fn retry(route: &Machine, pace: &mut Pace) {
    while !route.is_disposed() {
        pace.rest(1.0..1.8).await;
        did(route.add(Navigator::Retrying));
        pace.rest(0.8..1.4).await;
        did(route.remove(Navigator::Retrying));
    }
}

/// By then the first tour has begun, unless something is wrong.
const FIRST_TOUR: Duration = Duration::from_secs(10);
