//! The workflow alone, in virtual time: all thirty machines in one place, seen directly instead of through a mesh.
//! At the end once more over QUIC.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use statemesh::core::engine::is_active_tick;
use statemesh::machine::Machine;
use statemesh::mesh::{Mesh, Role};
use statemesh::wait::WaitError;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::scene::{Place, Scene, Sight};
use super::{Demo, DemoConfig, Host, connect, needs_mesh};

/// A change of one machine's clock.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    at: Duration,
    machine: String,
    active: Vec<String>,
}

/// The whole company in one process.
struct Company {
    places: Vec<Place>,
    machines: Arc<Vec<Machine>>,
    changes: Arc<Mutex<Vec<Change>>>,
    observers: Vec<statemesh::machine::TraceGuard>,
    scripts: JoinSet<()>,
}

impl Company {
    fn open(seed: u64, calm: bool) -> Self {
        Self::open_with(seed, calm, None)
    }

    /// With an incident after so many seconds.
    fn open_with(seed: u64, calm: bool, incident: Option<u64>) -> Self {
        let mut places: Vec<Place> = Host::ALL.into_iter().map(Place::new).collect();
        let all = places.iter().flat_map(|place| place.machines.clone());
        let machines = Arc::new(all.collect::<Vec<_>>());
        let changes = Arc::new(Mutex::new(Vec::new()));
        let began = Instant::now();
        let observers = machines
            .iter()
            .map(|it| observe(it, began, &changes))
            .collect();
        let due = incident.map(|seconds| began + Duration::from_secs(seconds));
        let scene = Scene::new(Sight::Near(machines.clone()), seed, calm, due);
        let mut scripts = JoinSet::new();
        for place in &mut places {
            for script in place.start(&scene) {
                scripts.spawn(script);
            }
        }
        connect(&machines);
        Self {
            places,
            machines,
            changes,
            observers,
            scripts,
        }
    }

    fn machine(&self, id: &str) -> &Machine {
        self.machines.iter().find(|it| it.id() == id).unwrap()
    }

    /// Changes so far.
    fn changes(&self) -> Vec<Change> {
        self.changes.lock().unwrap().clone()
    }

    /// Nothing but what the scripts raised went wrong, and no script panicked.
    fn check_health(&mut self) {
        for machine in self.machines.iter() {
            if let Some(error) = machine.last_error() {
                let raised = matches!(*error, statemesh::machine::MachineError::Raised(_));
                assert!(raised, "{}: {error}", machine.id());
            }
        }
        while let Some(ended) = self.scripts.try_join_next() {
            ended.expect("a script panicked");
        }
    }

    fn close(mut self) {
        self.check_health();
        self.observers.clear();
        self.scripts.abort_all();
        self.places.iter().for_each(Place::end);
    }
}

fn observe(
    machine: &Machine,
    began: Instant,
    changes: &Arc<Mutex<Vec<Change>>>,
) -> statemesh::machine::TraceGuard {
    let (weak, changes) = (machine.downgrade(), changes.clone());
    machine.trace(move |transition| {
        let Some(machine) = weak.upgrade() else {
            return;
        };
        if transition.clock_before != transition.clock_after {
            let schema = machine.schema();
            let active = transition.clock_after.iter().zip(schema.names());
            let active = active.filter(|(tick, _)| is_active_tick(**tick));
            changes.lock().unwrap().push(Change {
                at: began.elapsed(),
                machine: machine.id().to_owned(),
                active: active.map(|(_, name)| name.to_owned()).collect(),
            });
        }
    })
}

/// Virtual time: sleeps end as soon as nobody has anything else to do.
fn in_virtual_time<F: Future>(body: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(body)
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Waits for a condition in virtual time.
async fn soon(seconds: u64, machine: &Machine, states: &'static [&'static str]) {
    let limit = Duration::from_secs(seconds);
    let wait = tokio::time::timeout(limit, machine.when(states)).await;
    let seen = machine.active();
    wait.unwrap_or_else(|_| panic!("{} is {seen:?}, not {states:?}", machine.id()))
        .unwrap();
}

#[test]
fn every_machine_is_sound() {
    let places: Vec<Place> = Host::ALL.into_iter().map(Place::new).collect();
    let mut ids = BTreeMap::new();
    for place in &places {
        for machine in &place.machines {
            let id = machine.id();
            assert_eq!(machine.last_error(), None, "{id}");
            assert_eq!(machine.tags(), [format!("host:{}", place.host)], "{id}");
            assert!(ids.insert(id, place.host).is_none(), "{id} twice");
            for (name, def) in &machine.schema().def().states {
                let requires = |state: &str| def.require.iter().flatten().any(|it| it == state);
                if name.starts_with("Err") {
                    assert!(requires("Exception") && def.multi, "{id} {name}");
                }
                if name == "Ready" {
                    assert!(requires("Start") && def.auto, "{id} {name}");
                }
            }
            assert!(machine.schema().index("Ready").is_some(), "{id}");
        }
    }
    assert_eq!(ids.len(), 30);
}

#[test]
fn a_lost_route_stops_deliveries_until_it_is_found_again() {
    in_virtual_time(async {
        let company = Company::open(7, false);
        let [route, courier, dispatch, orders] =
            ["route-17", "courier-17", "dispatch", "orders"].map(|id| company.machine(id));
        let refusals = Arc::new(Mutex::new(BTreeSet::new()));
        let told = refusals.clone();
        let _trace = dispatch.trace(move |transition| {
            let reasons = transition.refusals.iter().map(|it| it.reason.clone());
            told.lock().unwrap().extend(reasons);
        });
        soon(5, courier, &["Ready", "Assigned", "Loading"]).await;
        soon(5, courier, &["Driving"]).await;
        soon(5, courier, &["Delivered"]).await;
        soon(5, orders, &["Delivered"]).await;

        soon(45, route, &["ErrNetwork", "Exception", "OffRoute"]).await;
        assert!(route.not("Ready") && courier.not(["Ready", "Driving", "RouteOk"]));
        assert!(courier.is(["RouteLost", "RerouteAsked", "Connected"]));
        assert!(refusals.lock().unwrap().is_empty());
        soon(10, dispatch, &["Matching", "Rejected"]).await;
        let reasons: Vec<_> = refusals.lock().unwrap().iter().flatten().cloned().collect();
        assert_eq!(reasons, [Arc::from("the courier is not ready")]);
        soon(1, orders, &["AwaitDispatch"]).await;
        let delivered = courier.tick("Delivered");
        let found = route.when_not("ErrNetwork");
        after(5).await;
        assert_eq!(
            courier.tick("Delivered") / 2,
            delivered / 2,
            "no route, no delivery"
        );

        tokio::time::timeout(Duration::from_secs(50), found)
            .await
            .unwrap()
            .unwrap();
        soon(1, route, &["Ready", "OnRoute"]).await;
        soon(1, courier, &["Ready", "RouteOk"]).await;
        assert!(route.not("Exception") && courier.not(["RouteLost", "Waiting"]));
        soon(10, dispatch, &["Assigned"]).await;
        soon(30, courier, &["Delivered"]).await;
        assert!(courier.tick("Delivered") > delivered);
        soon(10, orders, &["Delivered"]).await;
        company.close();
    });
}

/// When these came, in seconds: route-17 failed, courier-17 and orders were not ready, and all three were again.
fn story(changes: &[Change]) -> [f64; 6] {
    let first = |after: f64, id: &str, state: &str, wanted: bool| {
        let found = changes.iter().find(|it| {
            let is_active = it.active.iter().any(|active| active == state);
            it.machine == id && it.at.as_secs_f64() >= after && is_active == wanted
        });
        found
            .unwrap_or_else(|| panic!("{id} {state} is never {wanted} after {after}"))
            .at
            .as_secs_f64()
    };
    let began = first(0.0, "route-17", "ErrNetwork", true);
    let [courier, orders] = ["courier-17", "orders"].map(|id| first(began, id, "Ready", false));
    let over = first(began, "route-17", "ErrNetwork", false);
    let [courier_over, orders_over] =
        ["courier-17", "orders"].map(|id| first(over, id, "Ready", true));
    [began, courier, orders, over, courier_over, orders_over]
}

#[test]
fn an_incident_is_the_same_story_whatever_the_seed() {
    for (seed, due) in [(1, 20), (2, 20), (3, 33), (4, 60), (5, 181), (6, 700)] {
        in_virtual_time(async move {
            let company = Company::open_with(seed, false, Some(due));
            after(due + 5).await;
            let courier = company.machine("courier-17");
            assert!(courier.is(["Assigned", "Waiting", "RouteLost", "RerouteAsked"]));
            assert!(courier.not(["Ready", "RouteOk", "Driving"]), "{seed}");
            let orders = company.machine("orders");
            assert!(orders.is(["OrderOpen", "AwaitDispatch", "CourierLost"]));
            assert!(company.machine("route-17").is(["Exception", "OffRoute"]));
            after(115).await;
            let changes = company.changes();
            let [began, courier, orders, over, courier_over, orders_over] = story(&changes);
            assert!((began - due as f64).abs() < 0.01, "{seed}: {began}");
            // Apart, so that two snapshots a word of their owner each tell who was first; and soon.
            assert!((0.5..1.0).contains(&(courier - began)), "{seed}: {courier}");
            for (id, state) in [("courier-17", "MapMissing"), ("orders", "CourierAsked")] {
                let noticed = changes.iter().filter(|it| it.machine == id);
                let noticed = noticed.filter(|it| it.active.iter().any(|active| active == state));
                assert!(noticed.count() > 0, "{seed}: {id} {state}");
            }
            assert!((0.5..1.0).contains(&(orders - courier)), "{seed}: {orders}");
            assert!((90.0..91.0).contains(&(over - began)), "{seed}: {over}");
            assert!(courier_over - over < 0.1 && orders_over - over < 0.5);
            // Nothing else fails, before or after.
            let others = ["route-17", "courier-17", "orders"];
            let faulty = changes.iter().filter(|it| {
                it.at > Duration::from_secs(5)
                    && !it.active.iter().any(|state| state == "Ready")
                    && !others.contains(&it.machine.as_str())
            });
            assert_eq!(faulty.count(), 0, "{seed}");
            for machine in company.machines.iter().map(Machine::id) {
                if !others.contains(&machine) {
                    let times = changes.iter().filter(|it| it.machine == machine);
                    let times: Vec<_> = times.map(|it| it.at).collect();
                    check_never_quiet(machine, &times);
                }
            }
            for id in others {
                assert!(company.machine(id).is("Ready"), "{seed}: {id}");
                assert_eq!(company.machine(id).tick("Ready"), 3, "{seed}: {id}");
            }
            company.close();
        });
    }
}

#[test]
fn an_incident_before_the_first_tour_waits_for_it() {
    in_virtual_time(async {
        let company = Company::open_with(1, true, Some(1));
        after(100).await;
        let [began, courier, ..] = story(&company.changes());
        assert!((1.0..11.0).contains(&began) && courier > began, "{began}");
        company.close();
    });
}

#[test]
fn a_seed_repeats_an_incident() {
    let run = |seed| {
        in_virtual_time(async move {
            let company = Company::open_with(seed, true, Some(20));
            after(120).await;
            let changes = company.changes();
            company.close();
            changes
        })
    };
    let first = run(5);
    assert_eq!(first, run(5));
    assert_ne!(first, run(6));
}

#[test]
fn ten_minutes_bring_about_ten_changes_a_second_and_every_kind_of_trouble() {
    in_virtual_time(async {
        let company = Company::open(1, false);
        after(600).await;
        let changes = company.changes();
        let per_second = changes.len() as f64 / 600.0;
        assert!(
            (8.0..12.5).contains(&per_second),
            "{per_second} changes a second"
        );
        for machine in company.machines.iter() {
            let count = changes
                .iter()
                .filter(|it| it.machine == machine.id())
                .count();
            assert!(count >= 10, "{} changed {count} times", machine.id());
        }
        let starts = |id: &str, error: &str| company.machine(id).tick(error).div_ceil(2);
        assert!((4..=10).contains(&starts("route-17", "ErrNetwork")));
        assert!((2..=4).contains(&starts("sorter-b2", "ErrJam")));
        assert!((1..=3).contains(&starts("print-03", "ErrPaper")));
        assert!(company.machine("orders").tick("Delivered") > 100);
        assert!(company.machine("kiosk-03").tick("ParcelIn") > 50);
        company.close();
    });
}

#[test]
fn a_calm_company_has_no_trouble_and_nobody_falls_silent() {
    in_virtual_time(async {
        let company = Company::open(3, true);
        after(5).await;
        for machine in company.machines.iter() {
            assert!(
                machine.is(["Start", "Ready"]),
                "{machine:?} {:?}",
                machine.active()
            );
        }
        after(600).await;
        let mut seen: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
        for change in company.changes() {
            let Change {
                at,
                machine,
                active,
            } = change;
            let ready = active.iter().any(|state| state == "Ready");
            assert!(
                ready || at < Duration::from_secs(5),
                "{machine} {active:?} {at:?}"
            );
            assert!(
                !active.iter().any(|state| state == "Exception"),
                "{machine}"
            );
            seen.entry(machine).or_default().push(at);
        }
        for (machine, times) in &seen {
            check_never_quiet(machine, times);
        }
        company.close();
    });
}

/// The dashboard's rule: at least 50 changes seen, then none for longer than 5 s and four times the longest gap of the
/// last 200.
fn check_never_quiet(machine: &str, times: &[Duration]) {
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (at, gap) in gaps.iter().enumerate().skip(50) {
        let longest = gaps[at.saturating_sub(200)..at].iter().max().unwrap();
        let limit = (*longest * 4).max(Duration::from_secs(5));
        assert!(
            *gap <= limit,
            "{machine} was quiet for {gap:?}, limit {limit:?}"
        );
    }
}

#[test]
fn the_seed_decides_everything() {
    let run = |seed| {
        in_virtual_time(async move {
            let company = Company::open(seed, false);
            after(120).await;
            let changes = company.changes();
            company.close();
            changes
        })
    };
    let first = run(5);
    assert_eq!(first, run(5));
    assert_ne!(first, run(6));
}

#[test]
fn a_lost_connection_is_shown_and_survived() {
    in_virtual_time(async {
        let company = Company::open(2, true);
        after(30).await;
        for machine in needs_mesh(&company.machines) {
            machine.remove("Connected").unwrap();
            assert!(
                machine.is("Disconnected") && machine.not("Ready"),
                "{machine:?}"
            );
        }
        after(20).await;
        connect(&company.machines);
        let delivered = company.machine("orders").tick("Delivered");
        after(60).await;
        for machine in company.machines.iter() {
            assert!(
                machine.is(["Ready", "Start"]),
                "{machine:?} {:?}",
                machine.active()
            );
        }
        assert!(company.machine("orders").tick("Delivered") > delivered + 10);
        company.close();
    });
}

#[test]
fn hosts_are_known_by_name() {
    for host in Host::ALL {
        assert_eq!(host.name().parse(), Ok(host));
    }
    let error = "van-18".parse::<Host>().unwrap_err();
    assert!(error.to_string().contains("van-17"));
}

/// The same over a real mesh: mirrors instead of direct sight, one peer per host, a relay between them.
#[tokio::test(flavor = "multi_thread")]
async fn six_peers_deliver_parcels_over_quic() {
    // Ten times what it takes: a tour needs about five seconds.
    let patience = Duration::from_secs(60);
    let relay = Mesh::builder("demo-test")
        .role(Role::Relay)
        .listen("/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap())
        .spawn()
        .await
        .unwrap();
    let demo = Demo::start(DemoConfig {
        topic: "demo-test".to_owned(),
        connect: relay.addresses()[0].clone(),
        hosts: Host::ALL.to_vec(),
        calm: true,
        incident: None,
        identity: None,
        seed: 1,
    })
    .await
    .unwrap();
    let learned = async {
        let mut events = relay.events();
        while relay
            .machines()
            .iter()
            .filter(|it| it.tag("role").is_none())
            .count()
            < 30
        {
            events.next().await.unwrap();
        }
        let [courier, orders] = ["courier-17", "orders"].map(|id| relay.machine(id));
        let (courier, orders) = (courier.await.unwrap(), orders.await.unwrap());
        assert_eq!(courier.tag("host").as_deref(), Some("van-17"));
        assert_ne!(courier.peer(), orders.peer());
        courier.when("Delivered").await.unwrap();
        orders.when("Delivered").await.unwrap();
        courier
    };
    let courier = tokio::time::timeout(patience, learned).await.unwrap();
    let gone = courier.when("Exception");
    demo.shutdown().await;
    let gone = tokio::time::timeout(patience, gone).await.unwrap();
    assert_eq!(gone, Err(WaitError::Gone));
    relay.shutdown().await;
}
