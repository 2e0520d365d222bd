//! Van 17: a courier, his navigation, and what is built into the van.
//!
//! ```text
//! dispatch Assigned ~> courier-17 Assigned, Loading ~> loader-b1 Loaded ~> courier-17 Driving, AtStop, Delivered ...
//! courier-17 Driving -> lock-17 Armed, AtStop -> lock-17 Open
//! route-17 ErrNetwork -> courier-17 RouteLost, Waiting (not Ready) ~> dispatch Rejected, orders AwaitDispatch
//! ```
//! `->` is a handler on the same host, `~>` an awaited mirror. Every minute or two the map service does not answer.

use std::time::Duration;

use statemesh::machine::Machine;
use statemesh::{SchemaDef, StateDef};

use super::kit::{Act, Pace, device, did, error, needs, on_begin, on_end, one_of, pulse, service};
use super::scene::{Place, Scene};

pub(super) fn furnish(place: &mut Place) {
    let courier = place.machine("courier-17", courier_schema());
    let route = route(place);
    let lock = lock(place);
    let schema = device(&["ErrCamera"], &["Recording"])
        .state("Recording", needs(&["Start"]).auto())
        .state("Motion", needs(&["Recording"]));
    let cam = place.machine("cam-17", schema);
    let schema = device(&["ErrBattery"], &[])
        .state("Charging", one_of(&["Discharging"]).require(["Start"]))
        .state(
            "Discharging",
            one_of(&["Charging"]).require(["Start"]).auto(),
        )
        .state("Metering", needs(&["Start"]));
    let power = place.machine("power-17", schema);

    on_begin(&route, "ErrNetwork", &courier, Act::Add(&["RouteLost"]));
    on_end(&route, "ErrNetwork", &courier, Act::Add(&["RouteOk"]));
    on_end(&courier, "RouteLost", &courier, Act::Remove(&["Waiting"]));
    on_begin(&courier, "AtStop", &lock, Act::Add(&["Open"]));
    on_end(&courier, "AtStop", &lock, Act::Remove(&["Open"]));
    on_begin(&courier, "Delivered", &courier, Act::Add(&["StatusSent"]));

    let script = courier.clone();
    place.script("courier-17", move |scene, pace| tours(script, scene, pace));
    place.script("route-17", move |scene, pace| drive(route, scene, pace));
    place.script("cam-17", move |_, pace| {
        pulse(cam, "Motion", pace, 3.0..6.0, 0.5..1.5)
    });
    place.script("power-17", move |_, pace| {
        pulse(power, "Metering", pace, 4.0..6.0, 0.4..0.8)
    });
    place.script("lock-17", move |_, pace| {
        pulse(lock, "Checking", pace, 10.0..15.0, 0.4..0.9)
    });
}

fn courier_schema() -> SchemaDef {
    service(&["ErrNetwork"], &["RouteOk"])
        .state("Idle", one_of(&["Assigned"]).require(["Start"]))
        .state("Assigned", one_of(&["Idle"]).require(["Connected"]))
        .state(
            "Loading",
            one_of(&["Driving", "AtStop"]).require(["Assigned"]),
        )
        .state(
            "Driving",
            one_of(&["AtStop", "Loading"]).require(["Assigned", "RouteOk"]),
        )
        .state(
            "AtStop",
            one_of(&["Driving", "Loading"]).require(["Assigned"]),
        )
        .state("Delivered", needs(&["AtStop"]).multi())
        .state("LockArmed", needs(&["Start"]).auto())
        .state("Waiting", one_of(&["Driving"]).require(["Assigned"]))
        .state("RouteOk", one_of(&["RouteLost"]))
        .state("RouteLost", one_of(&["RouteOk"]).add(["Waiting"]))
        .state("RerouteAsked", needs(&["RouteLost"]).auto())
        .state("StatusSent", needs(&["Connected"]).multi())
}

fn route(place: &mut Place) -> Machine {
    let ways = ["OnRoute", "OffRoute"];
    let schema = service(&[], &["GpsFix"])
        .state(
            "ErrNetwork",
            error()
                .remove(["Ready", "OnRoute"])
                .add(["Exception", "OffRoute"]),
        )
        .state("GpsFix", needs(&["Start"]).auto())
        .state("OnRoute", one_of(&ways).require(["GpsFix"]))
        .state("OffRoute", one_of(&ways))
        .state("Retrying", needs(&["ErrNetwork"]))
        .state("Located", needs(&["GpsFix"]));
    place.machine("route-17", schema)
}

fn lock(place: &mut Place) -> Machine {
    let schema = device(&["ErrTamper"], &[])
        .state("Armed", one_of(&["Open"]).require(["Start"]).auto())
        .state("Open", StateDef::new().require(["Ready"]).remove(["Armed"]))
        .state("Checking", needs(&["Start"]));
    place.machine("lock-17", schema)
}

/// Tour after tour, each assigned by the dispatcher and loaded at the depot.
async fn tours(courier: Machine, scene: Scene, mut pace: Pace) {
    did(courier.add(["RouteOk", "Idle"]));
    while let Some(()) = scene.until("dispatch", &["Assigned"]).await {
        did(courier.add("Assigned"));
        did(courier.add("Loading"));
        // A depot that is down does not hold the van for ever.
        let _ = tokio::time::timeout(
            Duration::from_secs(15),
            scene.until("loader-b1", &["Loaded"]),
        )
        .await;
        for _ in 0..pace.number(4..8) {
            if !to_next_stop(&courier, &mut pace).await {
                break;
            }
            did(courier.add("AtStop"));
            pace.rest(0.5..1.0).await;
            did(courier.add("Delivered"));
            pace.rest(0.6..1.1).await;
        }
        did(courier.remove("StatusSent"));
        did(courier.add("Idle"));
        pace.rest(1.2..1.8).await;
    }
}

/// Drives to the next stop; waits by the roadside while there is no route. `false`: the tour is off.
async fn to_next_stop(courier: &Machine, pace: &mut Pace) -> bool {
    while courier.when("RouteOk").await.is_ok() {
        let lost = courier.when_not("RouteOk");
        if !did(courier.add("Driving")) && courier.is("RouteOk") {
            return false;
        }
        tokio::select! {
            () = pace.rest(1.6..2.6) => return true,
            _ = lost => {}
        }
    }
    false
}

/// Navigates, and fails now and then.
async fn drive(route: Machine, scene: Scene, mut pace: Pace) {
    did(route.add("OnRoute"));
    let mut fine = 25.0..40.0;
    while !route.is_disposed() {
        let pause = pace.time(fine);
        fine = 70.0..100.0;
        let locate = locate(&route, &mut pace);
        if scene.calm {
            locate.await;
            return;
        }
        let _ = tokio::time::timeout(pause, locate).await;
        fail(&route, &mut pace).await;
    }
}

/// Reports positions for ever.
async fn locate(route: &Machine, pace: &mut Pace) {
    while !route.is_disposed() {
        pace.rest(3.0..5.0).await;
        did(route.add("Located"));
        pace.rest(0.3..0.8).await;
        did(route.remove("Located"));
    }
}

/// The map service does not answer; after some retries it does.
async fn fail(route: &Machine, pace: &mut Pace) {
    did(route.add_error("ErrNetwork", "map tiles: dial timed out after 5 s"));
    for _ in 0..pace.number(8..13) {
        pace.rest(1.0..1.8).await;
        did(route.add("Retrying"));
        pace.rest(0.8..1.4).await;
        did(route.remove("Retrying"));
    }
    did(route.remove(["ErrNetwork", "Exception"]));
    did(route.add("OnRoute"));
}
