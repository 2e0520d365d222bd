//! Kiosk 03: customers leave parcels.
//!
//! ```text
//! kiosk-03 Serving -> scan-03 Scanning -> pay-03 Paying -> print-03 Printing -> door-03 Open -> kiosk-03 ParcelIn
//! ```
//! `->` is a handler. Once in a while print-03 runs out of paper, and the customer waits.

use statemesh::StateDef;
use statemesh::handlers::Handlers;
use statemesh::machine::Machine;

use super::kit::{Act, Pace, bound, device, did, finish, needs, on_begin, on_end, one_of, service};
use super::scene::{Place, Scene};

pub(super) fn furnish(place: &mut Place) {
    let schema = service(&["ErrNetwork"], &[])
        .state("Attract", one_of(&["Serving"]).require(["Start"]).auto())
        .state("Serving", one_of(&["Attract"]).require(["Ready"]))
        .state("ParcelIn", needs(&["Start"]).multi());
    let kiosk = place.machine("kiosk-03", schema);
    let scan = worker(place, "scan-03", "Scanning");
    let print = printer(place);
    let schema = service(&["ErrNetwork"], &[])
        .state("Idle", one_of(&["Paying"]).require(["Start"]).auto())
        .state("Paying", one_of(&["Idle"]).require(["Ready"]));
    let pay = place.machine("pay-03", schema);
    let schema = device(&["ErrBlocked"], &[])
        .state("Closed", one_of(&["Open"]).require(["Start"]).auto())
        .state("Open", one_of(&["Closed"]).require(["Ready"]));
    let door = place.machine("door-03", schema);

    on_begin(&kiosk, "Serving", &scan, Act::Add(&["Scanning"]));
    on_end(&scan, "Scanning", &pay, Act::Add(&["Paying"]));
    on_end(&pay, "Paying", &print, Act::Add(&["Job"]));
    on_end(&print, "Job", &door, Act::Add(&["Open"]));
    on_end(&door, "Open", &kiosk, Act::Add(&["Attract", "ParcelIn"]));

    place.script("scan-03", move |_, pace| {
        finish(scan, "Scanning", pace, 0.8..1.4)
    });
    place.script("pay-03", move |_, pace| {
        finish(pay, "Paying", pace, 1.0..1.8)
    });
    place.script("door-03", move |_, pace| {
        finish(door, "Open", pace, 1.2..2.0)
    });
    let printing = print.clone();
    place.script("print-03", move |_, pace| finish_jobs(printing, pace));
    place.script("paper", move |scene, pace| run_out(print, scene, pace));
    place.script("customers", move |_, pace| customers(kiosk, pace));
}

fn worker(place: &mut Place, id: &str, work: &'static str) -> Machine {
    let schema = device(&[], &[])
        .state("Idle", one_of(&[work]).require(["Start"]).auto())
        .state(work, StateDef::new().require(["Ready"]).remove(["Idle"]));
    place.machine(id, schema)
}

/// Prints by itself as soon as it has a job and is ready, so a job outlives a lack of paper.
fn printer(place: &mut Place) -> Machine {
    let schema = device(&["ErrPaper"], &[])
        .state("Job", needs(&["Start"]))
        .state("Printing", needs(&["Ready", "Job"]).auto())
        .state("PaperLow", StateDef::new());
    let print = place.machine("print-03", schema);
    let jobs = Handlers::new(0_u32).end("Job", |jobs, event| {
        *jobs = (*jobs + 1) % 12;
        did(match *jobs {
            9 => event.machine().add_from(event, "PaperLow"),
            0 => event.machine().remove_from(event, "PaperLow"),
            _ => return,
        });
    });
    bound(print.bind(jobs));
    print
}

async fn finish_jobs(print: Machine, mut pace: Pace) {
    while print.when("Printing").await.is_ok() {
        let stopped = print.when_not("Printing");
        tokio::select! {
            () = pace.rest(0.8..1.4) => did(print.remove("Job")),
            _ = stopped => continue,
        };
    }
}

async fn run_out(print: Machine, scene: Scene, mut pace: Pace) {
    while !scene.calm && !print.is_disposed() {
        pace.rest(200.0..320.0).await;
        did(print.add_error("ErrPaper", "out of paper"));
        pace.rest(8.0..14.0).await;
        did(print.remove(["ErrPaper", "Exception"]));
    }
}

async fn customers(kiosk: Machine, mut pace: Pace) {
    while kiosk.when(["Attract", "Ready"]).await.is_ok() {
        pace.rest(5.0..9.0).await;
        did(kiosk.add("Serving"));
    }
}
