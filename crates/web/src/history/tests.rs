//! Random histories against a naive one that keeps every clock: gaps, restarts, evictions, owners' times out of order,
//! mixed fidelities, hostile numbers.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use statemesh::core::engine::MutationKind;
use statemesh::{SchemaDef, StateDef};

use super::*;
use crate::model::fixture::{peer, schema};

/// One thing that happens to one of three machines.
#[derive(Clone, Debug)]
enum Event {
    /// A full clock, by gossip: some states move.
    Snapshot(Vec<u64>),
    /// A transition with a number this much further.
    Moved { jump: u64, ticks: Vec<u64> },
    /// A transition that changed nothing.
    Canceled,
    /// All ticks fall.
    Restart(Vec<u64>),
    /// More states.
    Grown(u8),
}

#[derive(Clone, Debug)]
struct Step {
    machine: u8,
    after: u64,
    owner_at: Option<u64>,
    event: Event,
}

/// Keeps everything.
#[derive(Clone, Debug, Default)]
struct Naive {
    clock: Vec<u64>,
    number: Option<u64>,
    /// Position, clock behind it, changed anything, canceled, run.
    records: Vec<(Position, Vec<u64>, bool, bool, u64)>,
    run: u64,
}

fn ticks() -> impl Strategy<Value = Vec<u64>> {
    let tick = prop_oneof![6 => 0_u64..4, 1 => Just(0), 1 => any::<u64>()];
    vec(tick, 4)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => ticks().prop_map(Event::Snapshot),
        8 => (1_u64..4, ticks()).prop_map(|(jump, ticks)| Event::Moved { jump, ticks }),
        1 => Just(Event::Canceled),
        1 => ticks().prop_map(Event::Restart),
        1 => (0_u8..3).prop_map(Event::Grown),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let owner_at = prop::option::of(any::<u64>());
    let after = prop_oneof![4 => 0_u64..3, 4 => 0_u64..100, 1 => 0_u64..100_000];
    (0_u8..3, after, owner_at, event()).prop_map(|(machine, after, owner_at, event)| Step {
        machine,
        after,
        owner_at,
        event,
    })
}

fn key(machine: u8) -> MachineKey {
    MachineKey {
        peer: peer(machine),
        index: statemesh::MachineIdx(0),
    }
}

fn named(machine: u8) -> Named {
    Named {
        key: key(machine),
        id: format!("m{machine}").into(),
    }
}

fn head(is_canceled: bool) -> Head {
    Head {
        kind: MutationKind::Add,
        called: vec![1, 0],
        is_auto: false,
        is_check: false,
        is_canceled,
        is_queued: false,
        source: Some(Cause {
            peer: Some(peer(9)),
            machine: "orders".into(),
            number: 12,
            machine_time: 1_204,
        }),
        queue_tick: Some(7),
        duration: None,
    }
}

fn exact(at: u64) -> Interval {
    Interval::at(Seen(at))
}

/// Both histories after the same events; the naive one has three machines.
fn run(steps: &[Step], limits: Limits) -> (History, Vec<Naive>) {
    let mut history = History::new(limits);
    let mut naive = vec![Naive::default(); 3];
    let mut at = 0;
    for machine in 0..3 {
        let clock = vec![0; 4];
        let record = Record::snapshot(exact(0), &clock);
        history.learn(named(machine), &schema(), &record).unwrap();
        let naive = &mut naive[usize::from(machine)];
        *naive = Naive {
            clock,
            run: 1,
            ..Naive::default()
        };
        naive.note(history.newest(), false, false);
    }
    for step in steps {
        at += step.after;
        apply(
            &mut history,
            &mut naive[usize::from(step.machine)],
            step,
            at,
        );
    }
    (history, naive)
}

fn apply(history: &mut History, naive: &mut Naive, step: &Step, at: u64) {
    let before = naive.clock.clone();
    let (canceled, plain) = (head(true), head(false));
    let mut next = naive.clock.clone();
    let moved: Vec<Moved>;
    let mut record = Record {
        owner_at: step.owner_at,
        ..Record::snapshot(exact(at), &[])
    };
    match &step.event {
        Event::Snapshot(ticks) => {
            add(&mut next, ticks);
            record.at.after = Some(Seen(at.saturating_sub(5)));
            record.ticks = Ticks::Clock(&next);
        }
        Event::Moved { jump, ticks } => {
            add(&mut next, ticks);
            moved = (0..)
                .zip(ticks)
                .map(|(state, ticks)| Moved {
                    state,
                    ticks: *ticks,
                })
                .collect();
            naive.number = Some(naive.number.unwrap_or(850) + jump);
            record.number = naive.number;
            record.fidelity = Fidelity::Trace;
            record.head = Some(&plain);
            record.ticks = Ticks::Moved(&moved);
        }
        Event::Canceled => {
            record.head = Some(&canceled);
            record.ticks = Ticks::Moved(&[]);
        }
        Event::Restart(ticks) => {
            next = ticks.clone();
            next.resize(before.len(), 0);
            record.ticks = Ticks::Clock(&next);
        }
        Event::Grown(more) => {
            next.resize(before.len() + usize::from(*more), 1);
            record.ticks = Ticks::Clock(&next);
        }
    }
    let is_titled = record.head.is_some();
    let newest = history.newest();
    assert_eq!(history.append(&key(step.machine), &record), Ok(()));
    let restarted = next.iter().zip(&before).any(|(new, old)| new < old);
    if restarted {
        naive.run += 1;
        naive.number = None;
    }
    let changed = next
        .iter()
        .enumerate()
        .any(|(at, tick)| *tick != before.get(at).copied().unwrap_or(0));
    naive.clock = next;
    let is_recorded = changed || is_titled;
    assert_eq!(
        history.newest().order,
        newest.order + u64::from(is_recorded)
    );
    if is_recorded {
        let is_canceled = matches!(step.event, Event::Canceled);
        naive.note(history.newest(), changed && !restarted, is_canceled);
    }
}

fn add(clock: &mut [u64], ticks: &[u64]) {
    for (tick, more) in clock.iter_mut().zip(ticks) {
        *tick = tick.saturating_add(*more);
    }
}

impl Naive {
    fn note(&mut self, at: Position, changed: bool, canceled: bool) {
        self.records
            .push((at, self.clock.clone(), changed, canceled, self.run));
    }
}

/// Every cursor at and between records shows what the naive history kept, or says that it was dropped.
fn check_states(history: &History, naive: &[Naive]) -> Result<(), TestCaseError> {
    let all = naive.iter().flat_map(|it| &it.records);
    let cursors: Vec<Position> = all
        .flat_map(|(at, ..)| [*at, Position::end_of(at.at)])
        .collect();
    for (machine, naive) in (0..).zip(naive) {
        let track = history.track(&key(machine)).unwrap();
        let oldest = track.oldest();
        for cursor in &cursors {
            let kept = naive.records.iter().rev().find(|(at, ..)| at <= cursor);
            match (track.look(*cursor), kept) {
                (Look::NotYet, None) => {}
                (Look::Dropped { oldest: said }, _) => {
                    prop_assert!(*cursor < oldest && said == oldest.at);
                }
                (Look::State(state), Some((at, clock, _, _, run))) => {
                    prop_assert_eq!(state.seen, *at);
                    prop_assert_eq!(state.standing.epoch, *run);
                    let clock = match state.known {
                        Known::Exactly | Known::Without(_) => clock,
                        Known::Before { records } => {
                            prop_assert!(state.place < track.full_from());
                            let now = naive.records.iter().position(|it| it.0 == *at).unwrap();
                            &naive.records[now - records as usize].1
                        }
                    };
                    // A key has room for the states of the first record behind it.
                    let (known, grown) = state.clock.split_at(clock.len());
                    prop_assert_eq!(known, &clock[..]);
                    prop_assert!(grown.iter().all(|tick| *tick == 0));
                }
                (look, kept) => prop_assert!(false, "{look:?} but {kept:?}"),
            }
        }
    }
    Ok(())
}

/// Counts at all zooms are those of the records held.
fn check_counts(history: &History, naive: &[Naive]) -> Result<(), TestCaseError> {
    for (machine, naive) in (0..).zip(naive) {
        let track = history.track(&key(machine)).unwrap();
        let oldest = track.oldest();
        for (span, pixels) in [(100, 10), (5_000, 7), (1_000_000, 100), (90_000_000, 3)] {
            let window = track.pyramid().window(Seen(0), Seen(span), pixels);
            let mut counts = vec![Count::default(); window.counts.len()];
            for (at, _, changed, canceled, _) in naive.records.iter().filter(|it| it.0 >= oldest) {
                let bucket = at.at.since(window.from) / window.width;
                if let Some(count) = counts.get_mut(bucket as usize) {
                    count.changes += u64::from(*changed);
                    count.cancels += u64::from(*canceled);
                }
            }
            for count in &mut counts {
                count.errors = 0;
            }
            let mut held = window.counts.clone();
            for count in &mut held {
                count.errors = 0;
            }
            prop_assert_eq!(held, counts);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cursor_shows_what_a_replay_from_the_start_shows(steps in vec(step(), 0..400)) {
        let (history, naive) = run(&steps, Limits::default());
        check_states(&history, &naive)?;
        check_counts(&history, &naive)?;
        let held: usize = naive.iter().map(|it| it.records.len()).sum();
        prop_assert_eq!(history.len(), held as u64);
    }

    #[test]
    fn what_was_dropped_is_said_and_the_rest_is_true(steps in vec(step(), 300..900), room in 6_000_usize..40_000) {
        let limits = Limits { bytes: room, ..Limits::default() };
        let (history, naive) = run(&steps, limits);
        check_states(&history, &naive)?;
        check_counts(&history, &naive)?;
        for (machine, naive) in (0..).zip(&naive) {
            prop_assert_eq!(history.track(&key(machine)).unwrap().clock(), &naive.clock[..]);
        }
    }

    #[test]
    fn records_come_back_as_they_were_told(steps in vec(step(), 1..300)) {
        let (history, naive) = run(&steps, Limits::default());
        for (machine, naive) in (0..).zip(&naive) {
            let track = history.track(&key(machine)).unwrap();
            let entries: Vec<Entry> = track.entries(Place(0)).collect();
            prop_assert_eq!(entries.len(), naive.records.len());
            let mut clock = Vec::new();
            for (entry, (at, after, changed, canceled, run)) in entries.iter().zip(&naive.records) {
                let detail = entry.detail.as_ref().unwrap();
                prop_assert_eq!((entry.at.by, entry.order, entry.epoch), (at.at, at.order, *run));
                prop_assert_eq!(!detail.changes.is_empty(), *changed);
                prop_assert_eq!(detail.head.as_ref().is_some_and(|head| head.is_canceled), *canceled);
                if entry.is_first_look {
                    clock.clone_from(after);
                }
                clock.resize(after.len(), 0);
                for change in &detail.changes {
                    prop_assert_eq!(clock[change.state], change.before);
                    clock[change.state] = change.after;
                }
                prop_assert_eq!(&clock, after);
                if let Some(head) = &detail.head {
                    prop_assert_eq!(head, &self::head(*canceled));
                }
            }
        }
    }

    #[test]
    fn a_recording_tells_the_same_history(steps in vec(step(), 0..200), room in 10_000_usize..200_000) {
        let (history, naive) = run(&steps, Limits { bytes: room, ..Limits::default() });
        let bytes = write_recording(&history, &About::default(), &Excerpt { with_words: true, ..Excerpt::default() });
        let recording = read_recording(&bytes, 0, Limits::default()).unwrap();
        prop_assert_eq!(recording.damaged, 0);
        for machine in 0..3 {
            let (old, new) = (history.track(&key(machine)).unwrap(), recording.history.track(&key(machine)).unwrap());
            for (at, ..) in naive.iter().flat_map(|it| &it.records) {
                if let (Look::State(was), Look::State(is)) = (old.look(*at), new.look(*at)) {
                    prop_assert!(was.place >= old.full_from());
                    prop_assert_eq!((was.clock, was.seen, was.schema), (is.clock, is.seen, is.schema));
                } else {
                    prop_assert!(*at < new.oldest());
                }
            }
        }
    }

    #[test]
    fn hostile_records_break_nothing(
        events in vec((any::<u64>(), any::<Option<u64>>(), vec(any::<u64>(), 0..6), any::<bool>()), 0..200),
    ) {
        let mut history = History::new(Limits { bytes: 20_000, machines: 2 });
        let record = Record::snapshot(exact(u64::MAX), &[]);
        history.learn(named(0), &Arc::default(), &record).unwrap();
        for (at, number, numbers, is_clock) in &events {
            let moved: Vec<Moved> = numbers.iter().map(|n| Moved { state: *n as u32, ticks: *n }).collect();
            let record = Record {
                at: Interval { after: number.map(Seen), by: Seen(*at) },
                number: *number,
                owner_at: Some(*at),
                ticks: if *is_clock { Ticks::Clock(numbers) } else { Ticks::Moved(&moved) },
                ..record
            };
            let _ = history.append(&key(0), &record);
            let track = history.track(&key(0)).unwrap();
            let _ = (track.look(Position::end_of(Seen(*at))), history.position(Seen(*at)));
            prop_assert!(track.places().1.0 < 64 || history.bytes() < 40_000);
        }
    }
}

#[test]
fn a_gap_is_named_with_its_ticks_once_the_owner_told_its_clock() {
    let mut history = History::new(Limits::default());
    let start = Record::snapshot(exact(0), &[1, 0, 0, 0]);
    history.learn(named(0), &schema(), &start).unwrap();
    let moved = [Moved { state: 2, ticks: 1 }];
    let numbered = |number, at| Record {
        number: Some(number),
        fidelity: Fidelity::Changes,
        ticks: Ticks::Moved(&moved),
        ..Record::snapshot(exact(at), &[])
    };
    for (number, at) in [(850, 10), (853, 20)] {
        history.append(&key(0), &numbered(number, at)).unwrap();
    }
    let track = history.track(&key(0)).unwrap();
    let Look::State(state) = track.look(Position::end_of(Seen(25))) else {
        panic!("it is known");
    };
    assert!(matches!(state.known, Known::Without(gap) if gap.numbers == [(851, 852)]));
    let clock = Record::snapshot(exact(30), &[1, 1, 4, 0]);
    history.append(&key(0), &clock).unwrap();
    let track = history.track(&key(0)).unwrap();
    let gap = track.gaps().next().unwrap();
    assert_eq!((gap.missed, gap.count()), (Missed::Ticks(3), 2));
    let late = history.append(&key(0), &numbered(851, 40));
    assert_eq!(late, Err(Refused::Known), "its ticks are in the clock");
    let fidelities: Vec<Fidelity> = history
        .track(&key(0))
        .unwrap()
        .marks(Position::default(), Position::end_of(Seen(99)))
        .map(|mark| mark.standing.fidelity)
        .collect();
    assert_eq!(
        fidelities,
        [Fidelity::Snapshots, Fidelity::Changes, Fidelity::Snapshots]
    );
}

#[test]
fn the_greedy_give_first_and_the_quiet_keep_all() {
    let mut history = History::new(Limits {
        bytes: 100_000,
        machines: 10,
    });
    for machine in 0..2 {
        let start = Record::snapshot(exact(0), &[1, 0, 0, 0]);
        history.learn(named(machine), &schema(), &start).unwrap();
    }
    for at in 1..100_000_u64 {
        let clock = [1, 0, at, 0];
        history
            .append(&key(0), &Record::snapshot(exact(at), &clock))
            .unwrap();
        if at.is_multiple_of(1_000) {
            history
                .append(&key(1), &Record::snapshot(exact(at), &clock))
                .unwrap();
        }
        assert!(history.bytes() < 110_000 + history.pyramid().bytes());
    }
    let quiet = history.track(&key(1)).unwrap();
    assert_eq!(
        (quiet.dropped(), quiet.full_from()),
        (0, Place(0)),
        "all of it, in full"
    );
    let busy = history.track(&key(0)).unwrap();
    assert!(busy.dropped() > 0);
    assert!(busy.places().0 < busy.full_from() && busy.full_from() < busy.places().1);
    assert_eq!(history.dropped_before(), Some(busy.oldest().at));
    assert_eq!(history.oldest(), Some(Seen(0)));
}

#[test]
fn a_thousand_states_and_empty_names() {
    let mut def = SchemaDef::new().state("", StateDef::new());
    for n in 1..1_000 {
        def = def.state(format!("S{n}"), StateDef::new());
    }
    let schema = Arc::new(SchemaFacts::new(&def));
    let mut history = History::new(Limits::default());
    let nameless = Named {
        key: key(0),
        id: "".into(),
    };
    let mut clock = vec![0; 1_000];
    history
        .learn(nameless, &schema, &Record::snapshot(exact(0), &clock))
        .unwrap();
    for at in 1..1_000_usize {
        clock[at] += 1;
        history
            .append(&key(0), &Record::snapshot(exact(at as u64), &clock))
            .unwrap();
    }
    let Look::State(state) = history.look(&key(0), Position::end_of(Seen(500))) else {
        panic!("it is known");
    };
    assert_eq!(state.clock.iter().sum::<u64>(), 500);
    assert!(history.bytes() < 1_000 * 96);
}

#[test]
fn machines_beyond_the_limit_take_the_place_of_those_that_went() {
    let mut history = History::new(Limits {
        machines: 2,
        ..Limits::default()
    });
    let record = Record::snapshot(exact(0), &[0; 4]);
    for machine in [0, 1] {
        history.learn(named(machine), &schema(), &record).unwrap();
    }
    assert_eq!(
        history.learn(named(2), &schema(), &record),
        Err(Refused::Full)
    );
    history.lose(&key(0), Seen(5), true);
    let gone = history.track(&key(0)).unwrap().standing().gone;
    assert_eq!(gone, Some((Seen(5), true)));
    history.learn(named(2), &schema(), &record).unwrap();
    assert!(history.track(&key(0)).is_none());
}

#[test]
fn the_cursor_steps_through_records_of_one_instant() {
    let mut history = History::new(Limits::default());
    let start = Record::snapshot(exact(0), &[0; 4]);
    history.learn(named(0), &schema(), &start).unwrap();
    for tick in 1..=4 {
        history
            .append(&key(0), &Record::snapshot(exact(7), &[tick, 0, 0, 0]))
            .unwrap();
    }
    let track = history.track(&key(0));
    let newest = history.newest();
    let clock_at = |position| match history.look(&key(0), position) {
        Look::State(state) => state.clock[0],
        look => panic!("{look:?}"),
    };
    let paused = Cursor::Live.pause(Seen(9), newest, track);
    let mut at = paused.position(Seen(50), newest, track);
    assert_eq!(clock_at(at), 4);
    for expected in [3, 2, 1, 0, 0] {
        at = cursor::step(track, at, -1);
        assert_eq!(clock_at(at), expected);
    }
    assert_eq!(history.since(at), 4);
    let playing = Cursor::Paused { at }.play(Pace::Steps, Seen(100), newest, track);
    for (now, expected) in [(100, 0), (599, 0), (600, 1), (1_100, 2), (9_000, 4)] {
        assert_eq!(
            clock_at(playing.position(Seen(now), newest, track)),
            expected,
            "{now}"
        );
    }
    let slow = Cursor::Paused { at }.play(Pace::Time(100), Seen(100), newest, track);
    assert_eq!(clock_at(slow.position(Seen(169), newest, track)), 0);
    assert_eq!(clock_at(slow.position(Seen(170), newest, track)), 4);
    assert_eq!(
        history.position(Seen(6)).order,
        at.order,
        "an instant has its place in the order"
    );
}

/// A trace as a feed would send it: two states move, another machine caused it.
fn traced(history: &mut History, machine: u8, number: u64, at: u64) {
    let moved = [Moved { state: 1, ticks: 1 }, Moved { state: 2, ticks: 1 }];
    let record = Record {
        fidelity: Fidelity::Trace,
        number: Some(number),
        owner_at: Some(1_700_000_000_000_000 + 1_000 * at),
        ticks: Ticks::Moved(&moved),
        head: Some(&head(false)),
        ..Record::snapshot(exact(at), &[])
    };
    history.append(&key(machine), &record).unwrap();
}

#[test]
fn a_transition_takes_less_room_than_the_budget_at_any_rate() {
    for every in [1, 20, 1_000, 60_000] {
        let mut history = History::new(Limits::default());
        let start = Record::snapshot(exact(0), &[0; 4]);
        history.learn(named(0), &schema(), &start).unwrap();
        for number in 1..=20_000 {
            traced(&mut history, 0, number, number * every);
        }
        let each = history.track(&key(0)).unwrap().bytes() as u64 / history.len();
        assert!(each <= 96, "{each} bytes per transition, every {every} ms");
    }
}

#[test]
fn a_rate_counts_nothing_after_the_moment_looked_at() {
    let mut history = History::new(Limits::default());
    let start = Record::snapshot(exact(0), &[0; 4]);
    history.learn(named(0), &schema(), &start).unwrap();
    for number in 1..=400 {
        traced(&mut history, 0, number, number * 50);
    }
    let track = history.track(&key(0)).unwrap();
    for (until, changes) in [
        (0, 0),
        (49, 0),
        (50, 1),
        (99, 1),
        (10_000, 200),
        (10_049, 200),
        (10_051, 200),
        (20_000, 200),
        (25_000, 100),
        (30_000, 0),
    ] {
        assert_eq!(track.rate(Seen(until)), changes, "{until}");
    }
}

#[test]
fn what_stands_beside_records_leaves_first_unless_it_is_pinned() {
    let side = Side {
        arguments: "x".repeat(1_000),
        ..Side::default()
    };
    let mut history = History::new(Limits::default());
    let start = Record::snapshot(exact(0), &[0; 4]);
    for machine in [0, 1] {
        history.learn(named(machine), &schema(), &start).unwrap();
        for at in 1..=500 {
            let record = Record {
                side: Some(&side),
                head: Some(&head(false)),
                ..Record::snapshot(exact(at), &[0; 4])
            };
            history.append(&key(machine), &record).unwrap();
        }
    }
    history.pin([key(1)].into_iter().collect());
    history.set_limits(Limits {
        bytes: history.bytes() - 100_000,
        ..Limits::default()
    });
    let (plain, pinned) = (
        history.track(&key(0)).unwrap(),
        history.track(&key(1)).unwrap(),
    );
    assert_eq!(plain.side(Place(1)), None);
    assert_eq!(pinned.side(Place(1)), Some(side));
    assert_eq!(plain.full_from(), Place(0), "nothing else had to go");
    assert!(
        plain
            .entry(Place(1))
            .is_some_and(|entry| entry.detail.is_some())
    );
}
