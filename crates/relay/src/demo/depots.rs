//! Depots Berlin and Hamburg: sort parcels and load trucks.
//!
//! ```text
//! courier-17 Loading ~> loader-b1 BayTaken -> dock-b TruckDocked -> depot-b DoorsOpen
//!                       loader-b1 Loaded ~> courier-17
//! planner BatchOpen ~> sorter-h2 Scanning
//! ```
//! `->` is a pipe on the same host, `~>` an awaited mirror. Once in a while a belt of sorter-b2 jams.

use statemesh::machine::{Machine, Pipe};
use statemesh::states;

use super::hub_muc::Planner;
use super::kit::{Device, Pace, Service, did, pipe, pulse};
use super::scene::{Place, Scene};
use super::van_17::Courier;

states! {
    enum Depot: Service {
        DoorsOpen { require: [Device::Start] },
        ShiftDay { auto, remove: [..SHIFTS] },
        ShiftNight { remove: [..SHIFTS] },
    }
    groups { SHIFTS: [ShiftDay, ShiftNight] }
}

states! {
    enum Sorter: Device {
        Ready { auto, require: [Device::Start, BeltOn] },
        ErrJam { multi, add: [Exception], require: [Exception], remove: [Ready, BeltOn] },
        BeltOn { auto, require: [Device::Start] },
        Idle { auto, require: [Device::Start], remove: [Scanning] },
        Scanning { require: [BeltOn], remove: [Idle] },
        ParcelSeen { require: [Scanning] },
    }
}

states! {
    pub(super) enum Loader: Device {
        BayTaken { require: [Device::Start] },
        Loading { require: [Device::Ready, BayTaken], remove: [Loaded] },
        Loaded { require: [BayTaken], remove: [Loading] },
    }
}

states! {
    enum Dock: Device {
        Vacant { auto, require: [Device::Start], remove: [TruckDocked] },
        TruckDocked { require: [Device::Start], remove: [Vacant] },
    }
}

pub(super) fn furnish_ber(place: &mut Place) {
    let depot = place.machine("depot-b", Depot::schema());
    for (id, name) in [("sorter-b1", "belt b1"), ("sorter-b2", "belt b2")] {
        let belt = place.machine(id, Sorter::schema());
        if id == "sorter-b2" {
            let belt = belt.clone();
            place.script("jams", move |scene, pace| jam(belt, scene, pace));
        }
        place.script(name, move |_, pace| scan(belt, pace));
    }
    let loader = place.machine("loader-b1", Loader::schema());
    let dock = place.machine("dock-b", Dock::schema());
    open_doors(&loader, &dock, &depot);
    place.script("loader-b1", move |scene, pace| {
        load_courier(loader, scene, pace)
    });
}

pub(super) fn furnish_ham(place: &mut Place) {
    let depot = place.machine("depot-h", Depot::schema());
    let belt = place.machine("sorter-h1", Sorter::schema());
    place.script("belt h1", move |_, pace| scan(belt, pace));
    let spare = place.machine("sorter-h2", Sorter::schema());
    place.script("belt h2", move |scene, pace| help_out(spare, scene, pace));
    let loader = place.machine("loader-h1", Loader::schema());
    let dock = place.machine("dock-h", Dock::schema());
    open_doors(&loader, &dock, &depot);
    // Trucks that are not in this mesh come and go.
    let load = Pipe::new().begin(Loader::BayTaken, Loader::Loading);
    pipe(&loader, load, &loader);
    place.script("loader-h1", move |_, pace| {
        pulse(loader, Loader::BayTaken, pace, 4.0..7.0, 3.0..5.0)
    });
}

fn open_doors(loader: &Machine, dock: &Machine, depot: &Machine) {
    let dock_truck = Pipe::new().state(Loader::BayTaken, Dock::TruckDocked);
    pipe(loader, dock_truck, dock);
    let open = Pipe::new().state(Dock::TruckDocked, Depot::DoorsOpen);
    pipe(dock, open, depot);
}

/// Parcels pass by as long as the belt runs.
async fn scan(sorter: Machine, mut pace: Pace) {
    while sorter.when(Sorter::Ready).await.is_ok() {
        did(sorter.add(Sorter::Scanning));
        pace.rest(1.4..2.4).await;
        did(sorter.add(Sorter::ParcelSeen));
        pace.rest(1.0..1.8).await;
        did(sorter.remove(Sorter::ParcelSeen));
    }
}

/// The spare belt takes every fourth batch.
async fn help_out(sorter: Machine, scene: Scene, mut pace: Pace) {
    let mut batches = scene.follow("planner", Planner::BatchOpen);
    let mut count = 0;
    while let Some(begun) = batches.next().await {
        count += begun;
        if count < 4 {
            continue;
        }
        count = 0;
        did(sorter.add(Sorter::Scanning));
        pace.rest(0.4..0.8).await;
        did(sorter.add(Sorter::ParcelSeen));
        pace.rest(0.4..0.8).await;
        did(sorter.remove(Sorter::Scanning));
    }
}

/// A jam, every few minutes, for some seconds.
async fn jam(sorter: Machine, scene: Scene, mut pace: Pace) {
    while !scene.calm && !sorter.is_disposed() {
        pace.rest(140.0..220.0).await;
        did(sorter.add_error(
            Sorter::ErrJam,
            "belt stopped: light barrier covered for 2 s",
        ));
        pace.rest(5.0..9.0).await;
        did(sorter.remove([Sorter::ErrJam, Sorter::Exception]));
    }
}

/// Loads the courier's van when its mirror says that it stands at the bay.
async fn load_courier(loader: Machine, scene: Scene, mut pace: Pace) {
    let courier = "courier-17";
    while let Some(()) = scene.until(courier, Courier::Loading).await {
        did(loader.add([Loader::BayTaken, Loader::Loading]));
        pace.rest(1.0..1.8).await;
        did(loader.add(Loader::Loaded));
        if scene.until_not(courier, Courier::Loading).await.is_none() {
            return;
        }
        pace.rest(0.3..0.6).await;
        did(loader.remove(Loader::BayTaken));
    }
}
