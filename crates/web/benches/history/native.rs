//! The measurements.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group};
use statemesh::core::engine::MutationKind;
use statemesh::{MachineIdx, PeerId, SchemaDef, StateDef};
use statemesh_web::history::{
    Cause, Fidelity, Head, History, Interval, Limits, Look, MachineKey, Moved, Named, Record,
    SchemaFacts, Seen, Ticks, Wanted,
};

/// Transitions of the large history.
const MILLION: u64 = 1_000_000;
/// States of each machine.
const STATES: u32 = 20;

fn schema() -> Arc<SchemaFacts> {
    let mut def = SchemaDef::new()
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new())
        .state("Exception", StateDef::new());
    for n in 3..STATES {
        def = def.state(format!("State{n}"), StateDef::new());
    }
    Arc::new(SchemaFacts::new(&def))
}

fn key(index: u64) -> MachineKey {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend([1; 32]);
    MachineKey {
        peer: PeerId::from_bytes(&bytes).expect("an Ed25519 key inlined in its id"),
        index: MachineIdx(index),
    }
}

fn learn(history: &mut History, index: u64, at: u64, fidelity: Fidelity) {
    let clock = [0; STATES as usize];
    let record = Record {
        fidelity,
        ..Record::snapshot(Interval::at(Seen(at)), &clock)
    };
    let named = Named {
        key: key(index),
        id: format!("machine-{index}").into(),
    };
    history
        .learn(named, &schema(), &record)
        .expect("there is room");
}

/// Transition number `n` of a machine that moves two states each time, caused by another machine.
fn transition(history: &mut History, index: u64, n: u64, at: u64) {
    let state = (n % u64::from(STATES - 4)) as u32 + 3;
    let moved = [
        Moved { state, ticks: 1 },
        Moved {
            state: state + 1,
            ticks: 1,
        },
    ];
    let head = Head {
        kind: MutationKind::Add,
        called: vec![state],
        is_auto: false,
        is_check: false,
        is_canceled: false,
        is_queued: false,
        source: Some(Cause {
            peer: None,
            machine: "orders".into(),
            number: n,
            machine_time: 2 * n,
        }),
        queue_tick: Some(n),
        duration: Some(120),
    };
    let record = Record {
        at: Interval::at(Seen(at)),
        fidelity: Fidelity::Trace,
        first_hand: true,
        number: Some(n),
        owner_at: Some(1_700_000_000_000_000 + 1_000 * at + n % 997),
        ticks: Ticks::Moved(&moved),
        head: Some(&head),
        side: None,
    };
    history
        .append(&key(index), &record)
        .expect("its number is new");
}

/// A million transitions of so many machines, `every` milliseconds apart on each.
fn million(machines: u64, every: u64) -> History {
    let mut history = History::new(Limits::default());
    for index in 0..machines {
        learn(&mut history, index, 0, Fidelity::Trace);
    }
    for n in 0..MILLION / machines {
        for index in 0..machines {
            transition(&mut history, index, n + 1, (n + 1) * every);
        }
    }
    history
}

fn room(history: &History, what: &str) {
    let each = history.bytes() as f64 / history.len() as f64;
    println!("room/{what}: {each:.1} bytes per transition");
    assert!(each <= 96.0, "more than the budget");
}

fn recording(c: &mut Criterion) {
    let mut history = History::new(Limits {
        bytes: 64 << 20,
        ..Limits::default()
    });
    learn(&mut history, 0, 0, Fidelity::Trace);
    let mut n = 0;
    c.bench_function("record/transition", |b| {
        b.iter(|| {
            n += 1;
            transition(&mut history, 0, n, n);
        });
    });
    learn(&mut history, 1, n, Fidelity::Snapshots);
    let mut clock = [0; STATES as usize];
    c.bench_function("record/snapshot", |b| {
        b.iter(|| {
            n += 1;
            clock[n as usize % clock.len()] += 1;
            let at = Interval {
                after: Some(Seen(n - 1)),
                by: Seen(n),
            };
            history.append(&key(1), &Record::snapshot(at, &clock))
        });
    });
}

fn reading(c: &mut Criterion) {
    let history = million(1, 1);
    room(&history, "one machine, 1,000 per second");
    let span = history.newest().at.0;
    let mut seed = 1_u64;
    let mut anywhere = move || {
        // Knuth's generator: any instant, the same ones in each run.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Seen((seed >> 33) % span)
    };
    let track = history.track(&key(0)).expect("it was learned");
    c.bench_function("seek/one in a million", |b| {
        b.iter(|| match track.look(history.position(anywhere())) {
            Look::State(state) => black_box(state.clock[0]),
            look => panic!("{look:?}"),
        });
    });
    c.bench_function("resolve/number", |b| {
        b.iter(|| {
            let wanted = Wanted {
                number: Some(anywhere().0 + 1),
                ..Wanted::default()
            };
            history.resolve(&key(0), &wanted, None)
        });
    });
    for (name, window) in [("10 s", 10_000), ("all", span)] {
        c.bench_function(&format!("window/{name} on 1,000 pixels"), |b| {
            b.iter(|| track.pyramid().window(Seen(0), Seen(window), 1_000));
        });
    }
}

fn fleet(c: &mut Criterion) {
    let slow = million(1_000, 1_000);
    room(&slow, "a thousand machines, one per second");
    let middle = Seen(slow.newest().at.0 / 2);
    c.bench_function("seek/thousand machines", |b| {
        b.iter(|| {
            let position = slow.position(middle);
            let looks = slow.machines().map(|(_, track)| track.look(position));
            looks.filter(|look| matches!(look, Look::State(_))).count()
        });
    });
}

criterion_group!(benches, recording, reading, fleet);

/// As `criterion_main` does.
pub fn run() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
