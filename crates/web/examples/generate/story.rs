//! A small recording with one of everything that the Machine view tells apart: `generate --story OUT.smesh`. Tests know
//! it by heart, so it changes with them.
//!
//! `courier-17` is the tab's own machine and told in full, `lock-17` and `route-17` are traced, `depot` is seen in snapshots.

use std::sync::Arc;

use statemesh::core::engine::{Handler, MutationKind, Relation, Step};
use statemesh::{MachineIdx, PeerId, SchemaDef, StateDef, StateIdx};
use statemesh_web::history::{
    About, Cause, Excerpt, Fidelity, Head, History, Interval, Limits, LogLine, MachineKey, Moved,
    Named, Record, Refused, RefusedBy, SchemaFacts, Seen, Side, Ticks, write_recording,
};

/// Index of each state of a courier.
pub const START: u32 = 0;
const READY: u32 = 1;
const DRIVING: u32 = 2;
const AT_STOP: u32 = 3;
const HEARTBEAT: u32 = 4;
const LOST: u32 = 5;

/// A transition to be told.
struct Told {
    kind: MutationKind,
    called: &'static [u32],
    moved: &'static [(u32, u64)],
    is_auto: bool,
    is_check: bool,
    is_canceled: bool,
    source: Option<(&'static str, u64)>,
    side: Side,
}

/// The recording, not packed yet.
pub fn story(origin: u64) -> Result<Vec<u8>, Refused> {
    let everything = Excerpt {
        with_words: true,
        ..Excerpt::default()
    };
    let about = About {
        origin,
        topic: "story".to_owned(),
        end: Seen(3_000),
        ..About::default()
    };
    Ok(write_recording(&history()?, &about, &everything))
}

/// Its history.
pub fn history() -> Result<History, Refused> {
    let mut history = History::new(Limits::default());
    let van = MachineKey {
        peer: peer(1),
        index: MachineIdx(1),
    };
    let lock = MachineKey {
        index: MachineIdx(2),
        ..van
    };
    let route = MachineKey {
        peer: peer(2),
        index: MachineIdx(1),
    };
    let depot = MachineKey {
        index: MachineIdx(2),
        ..route
    };
    let machines = [
        (van, "courier-17", Fidelity::Local),
        (lock, "lock-17", Fidelity::Trace),
        (route, "route-17", Fidelity::Trace),
        (depot, "depot", Fidelity::Snapshots),
    ];
    let schema = Arc::new(SchemaFacts::new(&schema()));
    for (key, id, fidelity) in machines {
        let first = Record {
            fidelity,
            number: (fidelity != Fidelity::Snapshots).then_some(0),
            ..Record::snapshot(Interval::at(Seen(1_000)), &[0; 7])
        };
        let named = Named { key, id: id.into() };
        history.learn(named, &schema, &first)?;
    }
    let mut all: Vec<(u64, MachineKey, u64, Told)> = Vec::new();
    for (number, told) in (1..).zip(of_courier()) {
        all.push((1_000 + 100 * number, van, number, told));
    }
    for (key, list) in [(route, of_route()), (lock, of_lock())] {
        for (number, (at, told)) in (1..).zip(list) {
            all.push((at, key, number, told));
        }
    }
    all.sort_by_key(|(at, ..)| *at);
    for (at, key, number, told) in all {
        append(&mut history, &machines, &key, (at, number), &told)?;
    }
    let snapshot = Interval {
        after: Some(Seen(1_000)),
        by: Seen(2_500),
    };
    history.append(&depot, &Record::snapshot(snapshot, &[1, 1, 0, 0, 0, 0, 0]))?;
    Ok(history)
}

fn append(
    history: &mut History,
    machines: &[(MachineKey, &str, Fidelity); 4],
    key: &MachineKey,
    (at, number): (u64, u64),
    told: &Told,
) -> Result<(), Refused> {
    let source = told.source.map(|(machine, number)| {
        let known = machines.iter().find(|(_, id, _)| *id == machine);
        Cause {
            peer: known.map(|(of, ..)| of.peer).filter(|of| *of != key.peer),
            machine: machine.into(),
            number,
            machine_time: number,
        }
    });
    let head = Head {
        kind: told.kind,
        called: told.called.to_vec(),
        is_auto: told.is_auto,
        is_check: told.is_check,
        is_canceled: told.is_canceled,
        is_queued: false,
        source,
        queue_tick: (!told.is_auto && !told.is_check).then_some(number + 1),
        duration: Some(40 * number),
    };
    let moved = told.moved.iter();
    let moved: Vec<Moved> = moved
        .map(|&(state, ticks)| Moved { state, ticks })
        .collect();
    let fidelity = machines.iter().find(|(of, ..)| of == key);
    let record = Record {
        at: Interval::at(Seen(at)),
        fidelity: fidelity.map_or(Fidelity::Trace, |it| it.2),
        first_hand: true,
        number: Some(number),
        owner_at: None,
        ticks: Ticks::Moved(&moved),
        head: Some(&head),
        side: Some(&told.side),
    };
    history.append(key, &record)
}

/// When route-17 did what.
fn of_route() -> [(u64, Told); 2] {
    [
        (1_150, told(&[START], &[(START, 1)])),
        (
            2_150,
            Told {
                source: Some(("dispatch", 5)),
                ..told(&[LOST], &[(LOST, 1)])
            },
        ),
    ]
}

/// When lock-17 did what.
fn of_lock() -> [(u64, Told); 2] {
    [
        (
            1_320,
            Told {
                source: Some(("courier-17", 3)),
                ..told(&[START], &[(START, 1)])
            },
        ),
        (
            2_160,
            Told {
                source: Some(("route-17", 2)),
                ..told(&[DRIVING], &[(DRIVING, 1)])
            },
        ),
    ]
}

/// All that a courier can do, in fourteen transitions.
fn of_courier() -> Vec<Told> {
    let remove = |called, moved| Told {
        kind: MutationKind::Remove,
        ..told(called, moved)
    };
    let canceled = |called| Told {
        is_canceled: true,
        ..told(called, &[])
    };
    vec![
        Told {
            side: log(&[
                (1, "[exter] engine on"),
                (3, "[add] Start"),
                (2, "[state] +Start"),
            ]),
            ..told(&[START], &[(START, 1)])
        },
        Told {
            is_auto: true,
            side: log(&[(3, "[auto] Ready"), (2, "[state] +Ready")]),
            ..told(&[READY], &[(READY, 1)])
        },
        Told {
            source: Some(("route-17", 1)),
            side: driving(),
            ..told(&[DRIVING], &[(DRIVING, 1)])
        },
        told(&[HEARTBEAT], &[(HEARTBEAT, 1)]),
        remove(&[HEARTBEAT], &[(HEARTBEAT, 1)]),
        Told {
            source: Some(("courier-17", 3)),
            side: log(&[(2, "[state] +AtStop -Driving")]),
            ..told(&[AT_STOP], &[(DRIVING, 1), (AT_STOP, 1)])
        },
        Told {
            is_auto: true,
            ..canceled(&[LOST])
        },
        Told {
            side: Side {
                refusals: vec![RefusedBy {
                    handler: Handler::Enter(state(LOST)),
                    reason: "the road is <b>known</b>".to_owned(),
                }],
                ..log(&[(3, "[cancel] Lost by LostEnter")])
            },
            ..canceled(&[LOST])
        },
        Told {
            is_check: true,
            ..told(&[DRIVING], &[])
        },
        told(&[START], &[]),
        Told {
            is_check: true,
            ..canceled(&[DRIVING])
        },
        Told {
            source: Some(("route-17", 2)),
            ..told(&[LOST], &[(LOST, 1)])
        },
        Told {
            source: Some(("courier-17", 12)),
            kind: MutationKind::Remove,
            ..canceled(&[LOST])
        },
        remove(&[AT_STOP], &[(AT_STOP, 1)]),
    ]
}

fn told(called: &'static [u32], moved: &'static [(u32, u64)]) -> Told {
    Told {
        kind: MutationKind::Add,
        called,
        moved,
        is_auto: false,
        is_check: false,
        is_canceled: false,
        source: None,
        side: Side::default(),
    }
}

fn log(lines: &[(u8, &str)]) -> Side {
    let line = |&(level, text): &(u8, &str)| LogLine {
        level,
        text: format!("[couri] {text}"),
    };
    Side {
        log: lines.iter().map(line).collect(),
        ..Side::default()
    }
}

/// A transition with all that may stand beside it.
fn driving() -> Side {
    Side {
        steps: vec![
            Step::Requested(state(DRIVING)),
            Step::Relation(Relation::Require, state(DRIVING), state(READY)),
            Step::Handler(Handler::Enter(state(DRIVING))),
            Step::Set(state(DRIVING)),
            Step::Handler(Handler::State(state(DRIVING))),
        ],
        arguments: "parcel=7, stop=Elm Street".to_owned(),
        ..log(&[
            (3, "[add] Driving (parcel=7)"),
            (4, "[handler:0] DrivingEnter"),
            (2, "[state] +Driving"),
            (5, "[event] no handler for Start"),
        ])
    }
}

fn state(at: u32) -> StateIdx {
    StateIdx(at as u16)
}

fn schema() -> SchemaDef {
    let of_route = || StateDef::new().tags(["route"]);
    SchemaDef::new()
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new().auto().require(["Start"]))
        .state("Driving", of_route().require(["Ready"]).remove(["AtStop"]))
        .state("AtStop", of_route().remove(["Driving"]))
        .state("Heartbeat", StateDef::new().multi().tags(["pulse"]))
        .state("Lost", StateDef::new())
        .state("Exception", StateDef::new().multi())
}

/// An Ed25519 key inlined in an id; nobody has it.
fn peer(number: u8) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend([number; 32]);
    PeerId::from_bytes(&bytes).expect("the form of an Ed25519 key")
}
