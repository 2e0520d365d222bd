//! Two histories made by hand, compared.

use std::sync::Arc;

use proptest::prelude::*;
use statemesh::core::engine::MutationKind;
use statemesh::{SchemaDef, StateDef};

use super::*;
use crate::history::{Fidelity, Head, History, Limits, Moved, Named, Position, Record, Ticks};
use crate::model::fixture::learned;
use crate::model::{Interval, SchemaFacts, Seen};

const NAMES: [&str; 5] = ["Idle", "Driving", "AtStop", "RouteLost", "Beat"];

/// What a transition does: adds a state, which is refused with `!`, or removes it with `-`; takes so many microseconds.
#[derive(Clone, Copy, Debug)]
struct Step(&'static str, u64);

fn history(names: &[&str], level: Fidelity, steps: &[Step]) -> History {
    let mut history = History::new(Limits::default());
    let def = names.iter().fold(SchemaDef::new(), |def, name| {
        def.state(*name, StateDef::new())
    });
    let named = Named {
        key: learned("m", &[]).key,
        id: "m".into(),
    };
    let mut clock = vec![0; names.len()];
    let first = Record {
        fidelity: level,
        ..Record::snapshot(Interval::at(Seen(1_000)), &clock)
    };
    let schema = Arc::new(SchemaFacts::new(&def));
    history.learn(named, &schema, &first).unwrap();
    for (number, Step(what, duration)) in (1..).zip(steps) {
        let name = what.trim_start_matches(['!', '-', '+']);
        let state = names.iter().position(|it| *it == name).unwrap();
        let is_on = clock[state] % 2 == 1;
        let turns = !what.starts_with('!') && is_on == what.starts_with('-');
        let moved = Moved {
            state: state as u32,
            ticks: 1,
        };
        clock[state] += u64::from(turns);
        let head = Head {
            kind: if what.starts_with('-') {
                MutationKind::Remove
            } else {
                MutationKind::Add
            },
            called: vec![state as u32],
            is_auto: false,
            is_check: false,
            is_canceled: what.starts_with('!'),
            is_queued: false,
            source: None,
            queue_tick: None,
            duration: Some(*duration),
        };
        let at = Seen(1_000 + 100 * number);
        let moved = &[moved][..usize::from(turns)];
        let record = match level {
            Fidelity::Snapshots => Record::snapshot(
                Interval {
                    after: Some(Seen(at.0 - 90)),
                    by: at,
                },
                &clock,
            ),
            level => Record {
                at: Interval::at(at),
                fidelity: level,
                first_hand: true,
                number: Some(number),
                owner_at: None,
                ticks: Ticks::Moved(moved),
                head: (level >= Fidelity::Trace).then_some(&head),
                side: None,
            },
        };
        // Nobody hears of what changes nothing.
        if turns || level >= Fidelity::Trace {
            let _ = history.append(&learned("m", &[]).key, &record);
        }
    }
    history
}

fn traced(steps: &[&'static str]) -> History {
    let steps: Vec<Step> = steps.iter().map(|what| Step(what, 100)).collect();
    history(&NAMES, Fidelity::Trace, &steps)
}

fn compared(a: &History, b: &History, alignment: Alignment) -> Comparison {
    let key = learned("m", &[]).key;
    let read = |history: &History| {
        let track = history.track(&key).unwrap();
        Reading::new(track, history.newest(), None).unwrap()
    };
    let mut job = Job::new([read(a), read(b)], alignment);
    let mut percent = 0;
    loop {
        if let Some(which) = job.wants() {
            let history = [a, b][which];
            job.read(which, history.track(&key), &mut || true);
        } else if let Some(comparison) = job.compare(&mut || true) {
            return comparison;
        }
        assert!(percent <= job.percent() && job.percent() <= 100);
        percent = job.percent();
    }
}

/// Rows as `a|b` with the numbers of the items, and what they are.
fn told(comparison: &Comparison) -> Vec<String> {
    let number = |side: usize, at: Option<u32>| {
        let item = comparison.item(side, at);
        item.map_or_else(String::new, |item| {
            item.number
                .map_or_else(|| format!("t{}", item.time), |number| number.to_string())
        })
    };
    let row = |row: &Row| format!("{}|{} {:?}", number(0, row.a), number(1, row.b), row.is);
    comparison.rows.iter().map(row).collect()
}

#[test]
fn equal_runs_are_equal() {
    let a = traced(&["Idle", "Driving", "-Idle", "!AtStop"]);
    let comparison = compared(&a, &a, Alignment::Anchor);
    assert_eq!(
        told(&comparison),
        ["1|1 Same", "2|2 Same", "3|3 Same", "4|4 Same"]
    );
    assert_eq!((comparison.first, comparison.level), (None, Level::Trace));
    assert_eq!(comparison.states(), (Vec::new(), 5));
}

#[test]
fn rows_of_every_kind() {
    for (a, b, rows) in [
        // The design's example: two that have nothing to do with each other where both part.
        (
            &["Idle", "Driving", "RouteLost", "Beat", "-Driving"][..],
            &["Idle", "Driving", "AtStop", "-Driving"][..],
            &[
                "1|1 Same",
                "2|2 Same",
                "3|3 Different",
                "4| Only",
                "5|4 Same",
            ][..],
        ),
        // One is there in A only: that is no pair.
        (
            &["Idle", "Driving", "AtStop"],
            &["Idle", "AtStop"],
            &["1|1 Same", "2| Only", "3|2 Same"],
        ),
        // The same call, refused once.
        (
            &["Idle", "AtStop"],
            &["Idle", "!AtStop"],
            &["1|1 Same", "2|2 Different"],
        ),
        // Another order.
        (
            &["Idle", "Beat", "Driving", "AtStop"],
            &["Idle", "Driving", "AtStop", "Beat"],
            &[
                "1|1 Same",
                "2| Order(4)",
                "3|2 Same",
                "4|3 Same",
                "|4 Order(1)",
            ],
        ),
    ] {
        let comparison = compared(&traced(a), &traced(b), Alignment::Start);
        assert_eq!(told(&comparison), rows, "{a:?} {b:?}");
    }
}

#[test]
fn the_same_call_with_another_target() {
    let a = traced(&["Idle", "Driving", "Driving"]);
    let b = history(
        &NAMES,
        Fidelity::Trace,
        &[Step("Idle", 1), Step("-Driving", 1), Step("Driving", 1)],
    );
    // In A the second call of Driving changes nothing.
    let comparison = compared(&a, &b, Alignment::Hand(2, 2));
    assert_eq!(
        comparison.rows[2],
        Row {
            a: Some(2),
            b: Some(2),
            is: Sameness::Target
        }
    );
    assert_eq!(comparison.first, Some(2));
}

#[test]
fn slower_is_said_and_is_no_difference() {
    for (a, b, is) in [
        (5_000, 10_001, Sameness::SlowerInB),
        (10_001, 5_000, Sameness::SlowerInA),
        (5_001, 10_001, Sameness::Same),
        (100, 5_000, Sameness::Same),
        (100, 5_101, Sameness::SlowerInB),
    ] {
        let with = |duration| history(&NAMES, Fidelity::Trace, &[Step("Idle", duration)]);
        let comparison = compared(&with(a), &with(b), Alignment::Anchor);
        assert_eq!(comparison.rows[0].is, is, "{a} {b}");
        assert_eq!(comparison.first, None);
    }
}

#[test]
fn where_it_begins() {
    let a = traced(&["Beat", "-Beat", "Idle", "Driving"]);
    let b = traced(&["AtStop", "Idle", "Driving"]);
    for (alignment, begin, rows) in [
        (
            Alignment::Anchor,
            (2, 1),
            &["1|1 Before", "2| Before", "3|2 Same", "4|3 Same"][..],
        ),
        (
            Alignment::Start,
            (0, 0),
            &["1|1 Different", "2| Only", "3|2 Same", "4|3 Same"],
        ),
        (
            Alignment::MachineTime,
            (0, 0),
            &["1|1 Different", "2| Only", "3|2 Same", "4|3 Same"],
        ),
        (
            Alignment::Hand(3, 2),
            (3, 2),
            &["1|1 Before", "2|2 Before", "3| Before", "4|3 Same"],
        ),
    ] {
        let comparison = compared(&a, &b, alignment);
        assert_eq!(
            (comparison.begin, &*told(&comparison)),
            (
                begin,
                &rows.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..]
            )
        );
    }
}

#[test]
fn machines_with_other_schemas_are_compared_by_name() {
    let a = traced(&["Idle", "AtStop"]);
    let b = history(
        &["AtStop", "New", "Idle"],
        Fidelity::Trace,
        &[Step("Idle", 1), Step("AtStop", 1), Step("New", 1)],
    );
    let comparison = compared(&a, &b, Alignment::Anchor);
    assert_eq!(told(&comparison), ["1|1 Same", "2|2 Same", "|3 Only"]);
    let (states, same) = comparison.states();
    let names: Vec<_> = states
        .iter()
        .map(|it| (it.name.plain(), it.sides.map(|it| it.map(|it| it.tick))))
        .collect();
    assert_eq!(names[0], ("Driving".to_owned(), [Some(0), None]));
    assert!(names.contains(&("New".to_owned(), [None, Some(1)])));
    assert_eq!((names.len(), same), (4, 2));
}

#[test]
fn changes_against_a_trace_leave_out_what_changes_nothing() {
    let steps = ["Idle", "!AtStop", "Driving", "-Idle"].map(|what| Step(what, 1));
    let a = history(&NAMES, Fidelity::Changes, &steps);
    let b = history(&NAMES, Fidelity::Trace, &steps);
    let comparison = compared(&a, &b, Alignment::Anchor);
    assert_eq!(comparison.level, Level::Changes);
    assert_eq!(told(&comparison), ["1|1 Same", "3|3 Same", "4|4 Same"]);
    assert_eq!(
        comparison.sides.each_ref().map(|side| side.left_out),
        [0, 1]
    );
}

/// D50, in small: what a trace saw between two snapshots of the other is no difference.
#[test]
fn snapshots_against_a_trace() {
    let trace = traced(&[
        "Idle",
        "Driving",
        "-Driving",
        "AtStop",
        "-AtStop",
        "RouteLost",
    ]);
    let key = learned("m", &[]).key;
    let snapshots = |clocks: &[[u64; 5]]| {
        let mut history = history(&NAMES, Fidelity::Snapshots, &[]);
        for (number, clock) in (1..).zip(clocks) {
            let at = Interval {
                after: Some(Seen(1_000 + 300 * number - 200)),
                by: Seen(1_000 + 300 * number),
            };
            history.append(&key, &Record::snapshot(at, clock)).unwrap();
        }
        history
    };
    let same = snapshots(&[[1, 0, 0, 0, 0], [1, 2, 1, 0, 0], [1, 2, 2, 1, 0]]);
    let comparison = compared(&same, &trace, Alignment::Start);
    assert_eq!(comparison.level, Level::Snapshots);
    assert_eq!(
        comparison.sides.each_ref().map(|side| side.level),
        [Level::Snapshots, Level::Trace]
    );
    assert_eq!(comparison.first, None, "{:?}", told(&comparison));
    assert_eq!(comparison.count(Sameness::Same), 3);
    assert_eq!(comparison.count(Sameness::Between), 3);
    let other = snapshots(&[[1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 2, 2, 1, 0]]);
    let comparison = compared(&other, &trace, Alignment::Start);
    let first = comparison.rows[comparison.first.unwrap()];
    assert_eq!(
        (first.a, first.b, first.is),
        (Some(1), None, Sameness::Only)
    );
}

#[test]
fn a_side_ends_at_its_moment_and_may_begin_later() {
    let all = traced(&["Idle", "Driving", "-Driving", "AtStop"]);
    let key = learned("m", &[]).key;
    let track = all.track(&key).unwrap();
    let side = |until: u64, from: Option<u64>| {
        let mut reading =
            Reading::new(track, Position::end_of(Seen(until)), from.map(Seen)).unwrap();
        let (mut names, mut symbols) = (Names::default(), Symbols::default());
        while !reading.go_on(track, &mut names, &mut symbols, &mut || true) {}
        reading.done()
    };
    let until = side(1_250, None);
    assert_eq!(
        until.items.iter().map(|it| it.number).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
    assert_eq!(
        (&until.ticks[..2], &until.on[..2]),
        (&[(0, 1), (0, 1)][..], &[150, 50][..])
    );
    let later = side(2_000, Some(1_200));
    let numbers: Vec<_> = later.items.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [Some(2), Some(3), Some(4)]);
    assert_eq!(
        (later.base, later.ticks[0], later.span),
        (1, (1, 1), (Seen(1_200), Seen(2_000)))
    );
    assert!(!later.is_cut && !until.is_cut);
    assert!(Reading::new(track, Position::end_of(Seen(5)), None).is_none());
}

#[test]
fn a_new_run_begins_anew() {
    let mut all = traced(&["Idle", "Driving"]);
    let key = learned("m", &[]).key;
    all.restart(&key, Seen(9_000), &[1, 0, 0, 0, 0]).unwrap();
    let newest = all.newest();
    let track = all.track(&key).unwrap();
    let mut reading = Reading::new(track, newest, None).unwrap();
    while !reading.go_on(
        track,
        &mut Names::default(),
        &mut Symbols::default(),
        &mut || true,
    ) {}
    let side = reading.done();
    assert!(side.items.is_empty());
    assert_eq!((side.base, side.span.0), (1, Seen(9_000)));
}

#[test]
fn equal_rows_are_folded() {
    let row = |is| Row {
        a: Some(0),
        b: Some(0),
        is,
    };
    let mut rows = vec![row(Sameness::Same); 20];
    rows.push(row(Sameness::Different));
    rows.extend(vec![row(Sameness::Same); 3]);
    rows.push(row(Sameness::Only));
    rows.extend(vec![row(Sameness::Same); 30]);
    let mut table = Table::new(&rows);
    let lines = |table: &Table| {
        (0..table.lines())
            .map(|at| table.line(at).unwrap())
            .collect::<Vec<_>>()
    };
    let all = lines(&table);
    assert_eq!(all[0], Line::Fold(0, (0, 16), Fold::Same, false));
    assert_eq!(all[1], Line::Row(16));
    assert_eq!(
        all.last(),
        Some(&Line::Fold(2, (29, 55), Fold::Same, false))
    );
    assert_eq!(
        (table.lines(), table.line_of(20), table.line_of(3)),
        (15, 5, 0)
    );
    assert_eq!(table.line(15), None);
    table.toggle(0);
    assert_eq!(
        (table.lines(), table.line(0)),
        (31, Some(Line::Fold(0, (0, 16), Fold::Same, true)))
    );
    assert_eq!(
        (table.line(1), table.line_of(3), table.line_of(20)),
        (Some(Line::Row(0)), 4, 21)
    );
    let shown: Vec<usize> = lines(&table)
        .into_iter()
        .filter_map(|line| match line {
            Line::Row(row) => Some(row),
            Line::Fold(..) => None,
        })
        .collect();
    assert_eq!(shown, (0..29).collect::<Vec<_>>());
    assert_eq!(Table::new(&[]).line(0), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every item stands in one row, in order; what is the same is the same.
    #[test]
    fn rows_hold_everything_once(
        a in prop::collection::vec(0_usize..8, 0..24),
        b in prop::collection::vec(0_usize..8, 0..24),
        start in prop::bool::ANY,
    ) {
        let words = ["Idle", "-Idle", "Driving", "-Driving", "!AtStop", "AtStop", "-AtStop", "Beat"];
        let [a, b] = [a, b].map(|it| traced(&it.iter().map(|at| words[*at]).collect::<Vec<_>>()));
        let alignment = if start { Alignment::Start } else { Alignment::Anchor };
        let comparison = compared(&a, &b, alignment);
        for (side, of) in [(0, &comparison.sides[0]), (1, &comparison.sides[1])] {
            let places: Vec<u32> = comparison.rows.iter().filter_map(|row| [row.a, row.b][side]).collect();
            prop_assert_eq!(places, (0..of.items.len() as u32).collect::<Vec<_>>());
        }
        for row in &comparison.rows {
            if let (Sameness::Same, Some(a), Some(b)) = (row.is, comparison.item(0, row.a), comparison.item(1, row.b)) {
                prop_assert_eq!((a.what, a.turned), (b.what, b.turned));
            }
            if let Sameness::Order(other) = row.is {
                prop_assert!(matches!(comparison.rows[other as usize].is, Sameness::Order(_)));
            }
        }
        let table = Table::new(&comparison.rows);
        for row in 0..comparison.rows.len() {
            let is_there = match table.line(table.line_of(row)) {
                Some(Line::Row(at)) => at == row,
                Some(Line::Fold(_, (from, to), ..)) => (from..to).contains(&row),
                None => false,
            };
            prop_assert!(is_there);
        }
    }
}
