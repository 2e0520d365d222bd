//! Depots Berlin and Hamburg: sort parcels and load trucks.
//!
//! ```text
//! courier-17 Loading ~> loader-b1 BayTaken -> dock-b TruckDocked -> depot-b DoorsOpen
//!                       loader-b1 Loaded ~> courier-17
//! planner BatchOpen ~> sorter-h2 Scanning
//! ```
//! `->` is a handler on the same host, `~>` an awaited mirror. Once in a while a belt of sorter-b2 jams.

use statemesh::machine::Machine;

use super::kit::{Act, Pace, device, did, error, needs, on_begin, on_end, one_of, pulse, service};
use super::scene::{Place, Scene};

pub(super) fn furnish_ber(place: &mut Place) {
    let depot = depot(place, "depot-b");
    for (id, name) in [("sorter-b1", "belt b1"), ("sorter-b2", "belt b2")] {
        let belt = sorter(place, id);
        if id == "sorter-b2" {
            let belt = belt.clone();
            place.script("jams", move |scene, pace| jam(belt, scene, pace));
        }
        place.script(name, move |_, pace| scan(belt, pace));
    }
    let loader = loader(place, "loader-b1");
    let dock = dock(place, "dock-b");
    open_doors(&loader, &dock, &depot);
    place.script("loader-b1", move |scene, pace| {
        load_courier(loader, scene, pace)
    });
}

pub(super) fn furnish_ham(place: &mut Place) {
    let depot = depot(place, "depot-h");
    let belt = sorter(place, "sorter-h1");
    place.script("belt h1", move |_, pace| scan(belt, pace));
    let spare = sorter(place, "sorter-h2");
    place.script("belt h2", move |scene, pace| help_out(spare, scene, pace));
    let loader = loader(place, "loader-h1");
    let dock = dock(place, "dock-h");
    open_doors(&loader, &dock, &depot);
    place.script("loader-h1", move |_, pace| load_trucks(loader, pace));
}

fn depot(place: &mut Place, id: &str) -> Machine {
    let shifts = ["ShiftDay", "ShiftNight"];
    let schema = service(&[], &[])
        .state("DoorsOpen", needs(&["Start"]))
        .state("ShiftDay", one_of(&shifts).auto())
        .state("ShiftNight", one_of(&shifts));
    place.machine(id, schema)
}

fn sorter(place: &mut Place, id: &str) -> Machine {
    let schema = device(&[], &["BeltOn"])
        .state("ErrJam", error().remove(["Ready", "BeltOn"]))
        .state("BeltOn", needs(&["Start"]).auto())
        .state("Idle", one_of(&["Scanning"]).require(["Start"]).auto())
        .state("Scanning", one_of(&["Idle"]).require(["BeltOn"]))
        .state("ParcelSeen", needs(&["Scanning"]));
    place.machine(id, schema)
}

fn loader(place: &mut Place, id: &str) -> Machine {
    let schema = device(&[], &[])
        .state("BayTaken", needs(&["Start"]))
        .state("Loading", needs(&["Ready", "BayTaken"]).remove(["Loaded"]))
        .state("Loaded", needs(&["BayTaken"]).remove(["Loading"]));
    place.machine(id, schema)
}

fn dock(place: &mut Place, id: &str) -> Machine {
    let schema = device(&[], &[])
        .state("Vacant", one_of(&["TruckDocked"]).require(["Start"]).auto())
        .state("TruckDocked", one_of(&["Vacant"]).require(["Start"]));
    place.machine(id, schema)
}

fn open_doors(loader: &Machine, dock: &Machine, depot: &Machine) {
    on_begin(loader, "BayTaken", dock, Act::Add(&["TruckDocked"]));
    on_end(loader, "BayTaken", dock, Act::Remove(&["TruckDocked"]));
    on_begin(dock, "TruckDocked", depot, Act::Add(&["DoorsOpen"]));
    on_end(dock, "TruckDocked", depot, Act::Remove(&["DoorsOpen"]));
}

/// Parcels pass by as long as the belt runs.
async fn scan(sorter: Machine, mut pace: Pace) {
    while sorter.when("Ready").await.is_ok() {
        did(sorter.add("Scanning"));
        pace.rest(1.4..2.4).await;
        did(sorter.add("ParcelSeen"));
        pace.rest(1.0..1.8).await;
        did(sorter.remove("ParcelSeen"));
    }
}

/// The spare belt takes every fourth batch.
async fn help_out(sorter: Machine, scene: Scene, mut pace: Pace) {
    let mut batches = scene.follow("planner", "BatchOpen");
    let mut count = 0;
    while let Some(begun) = batches.next().await {
        count += begun;
        if count < 4 {
            continue;
        }
        count = 0;
        did(sorter.add("Scanning"));
        pace.rest(0.4..0.8).await;
        did(sorter.add("ParcelSeen"));
        pace.rest(0.4..0.8).await;
        did(sorter.remove("Scanning"));
    }
}

/// A jam, every few minutes, for some seconds.
async fn jam(sorter: Machine, scene: Scene, mut pace: Pace) {
    while !scene.calm && !sorter.is_disposed() {
        pace.rest(140.0..220.0).await;
        did(sorter.add_error("ErrJam", "belt stopped: light barrier covered for 2 s"));
        pace.rest(5.0..9.0).await;
        did(sorter.remove(["ErrJam", "Exception"]));
    }
}

/// Loads the courier's van when its mirror says that it stands at the bay.
async fn load_courier(loader: Machine, scene: Scene, mut pace: Pace) {
    while let Some(()) = scene.until("courier-17", &["Loading"]).await {
        did(loader.add(["BayTaken", "Loading"]));
        pace.rest(1.0..1.8).await;
        did(loader.add("Loaded"));
        if scene.until_not("courier-17", &["Loading"]).await.is_none() {
            return;
        }
        pace.rest(0.3..0.6).await;
        did(loader.remove("BayTaken"));
    }
}

/// Trucks that are not in this mesh come and go.
async fn load_trucks(loader: Machine, pace: Pace) {
    on_begin(&loader, "BayTaken", &loader, Act::Add(&["Loading"]));
    pulse(loader, "BayTaken", pace, 4.0..7.0, 3.0..5.0).await;
}
