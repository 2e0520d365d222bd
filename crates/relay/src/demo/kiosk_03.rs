//! Kiosk 03: customers leave parcels.
//!
//! ```text
//! kiosk-03 Serving -> scan-03 Scanning -> pay-03 Paying -> print-03 Printing -> door-03 Open -> kiosk-03 ParcelIn
//! ```
//! `->` is a pipe or a handler. Once in a while print-03 runs out of paper, and the customer waits.

use statemesh::handlers::Handlers;
use statemesh::machine::{Machine, Pipe};
use statemesh::states;
use tokio::time::timeout;

use super::kit::{Device, Network, Pace, Service, did, finish, noted, on_end, pipe};
use super::scene::{Place, Scene};

states! {
    pub(super) enum Kiosk: Network, Service {
        Attract { auto, require: [Device::Start], remove: [Serving] },
        Serving { require: [Service::Ready], remove: [Attract] },
        ParcelIn { multi, require: [Device::Start] },
    }
}

states! {
    enum Scan: Device {
        Idle { auto, require: [Device::Start], remove: [Scanning] },
        Scanning { require: [Device::Ready], remove: [Idle] },
    }
}

states! {
    /// Prints by itself as soon as it has a job and is ready, so a job outlives a lack of paper.
    enum Print {
        Exception { multi },
        ErrPaper { multi, add: [Exception], require: [Exception], remove: [Ready] },
        Start,
        Ready { auto, require: [Start] },
        Job { require: [Start] },
        Printing { auto, require: [Ready, Job] },
        PaperLow,
    }
}

states! {
    enum Pay: Network, Service {
        Idle { auto, require: [Device::Start], remove: [Paying] },
        Paying { require: [Service::Ready], remove: [Idle] },
    }
}

states! {
    enum Door {
        Exception { multi },
        ErrBlocked { multi, add: [Exception], require: [Exception], remove: [Ready] },
        Start,
        Ready { auto, require: [Start] },
        Closed { auto, require: [Start], remove: [Open] },
        Open { require: [Ready], remove: [Closed] },
    }
}

pub(super) fn furnish(place: &mut Place) {
    let kiosk = place.machine("kiosk-03", Kiosk::schema());
    let scan = place.machine("scan-03", Scan::schema());
    let print = printer(place);
    let pay = place.machine("pay-03", Pay::schema());
    let door = place.machine("door-03", Door::schema());

    let serve = Pipe::new().begin(Kiosk::Serving, Scan::Scanning);
    pipe(&kiosk, serve, &scan);
    on_end(&scan, Scan::Scanning, &pay, Pay::Paying);
    on_end(&pay, Pay::Paying, &print, Print::Job);
    on_end(&print, Print::Job, &door, Door::Open);
    on_end(&door, Door::Open, &kiosk, [Kiosk::Attract, Kiosk::ParcelIn]);

    place.script("scan-03", move |_, pace| {
        finish(scan, Scan::Scanning, pace, 0.8..1.4)
    });
    place.script("pay-03", move |_, pace| {
        finish(pay, Pay::Paying, pace, 1.0..1.8)
    });
    place.script("door-03", move |_, pace| {
        finish(door, Door::Open, pace, 1.2..2.0)
    });
    let printing = print.clone();
    place.script("print-03", move |_, pace| finish_jobs(printing, pace));
    place.script("paper", move |scene, pace| run_out(print, scene, pace));
    place.script("customers", move |_, pace| customers(kiosk, pace));
}

fn printer(place: &mut Place) -> Machine {
    let print = place.machine("print-03", Print::schema());
    let jobs = Handlers::new(0_u32).end(Print::Job, |jobs, event| {
        *jobs = (*jobs + 1) % 12;
        did(match *jobs {
            9 => event.machine().add_from(event, Print::PaperLow),
            0 => event.machine().remove_from(event, Print::PaperLow),
            _ => return,
        });
    });
    noted(print.bind(jobs));
    print
}

/// Printing takes its time, and all of it again after a lack of paper.
async fn finish_jobs(print: Machine, mut pace: Pace) {
    while print.when(Print::Printing).await.is_ok() {
        let stopped = print.when_not(Print::Printing);
        if timeout(pace.time(0.8..1.4), stopped).await.is_err() {
            did(print.remove(Print::Job));
        }
    }
}

async fn run_out(print: Machine, scene: Scene, mut pace: Pace) {
    while !scene.calm && !print.is_disposed() {
        pace.rest(200.0..320.0).await;
        did(print.add_error(Print::ErrPaper, "out of paper"));
        pace.rest(8.0..14.0).await;
        did(print.remove([Print::ErrPaper, Print::Exception]));
    }
}

async fn customers(kiosk: Machine, mut pace: Pace) {
    while kiosk.when((Kiosk::Attract, Service::Ready)).await.is_ok() {
        pace.rest(5.0..9.0).await;
        did(kiosk.add(Kiosk::Serving));
    }
}
