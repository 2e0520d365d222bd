//! Filters, log and reader over a recording with one of everything (`examples/generate/story.rs`), and filters over a long
//! history against a plain list.

#![allow(clippy::unwrap_used)] // Test code, though clippy does not see it in this condition.

use std::io::Read;

use flate2::read::GzDecoder;

use super::*;
use crate::model::{TxFilter, TxFilters};

/// Wall time of its beginning, in milliseconds since 1970.
const ORIGIN: u64 = 1_767_225_600_000;

fn story() -> History {
    let packed = &include_bytes!("../../../../e2e/support/story.smesh")[..];
    let mut plain = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    read_recording(&plain, ORIGIN, Limits::default())
        .unwrap()
        .history
}

fn key(history: &History, id: &str) -> MachineKey {
    let mut keys = history.machines().map(|(key, _)| *key);
    keys.find(|key| **history.id(key).unwrap() == *id).unwrap()
}

fn sieve(history: &History, id: &str, hide: &[TxFilter], group: Option<&str>) -> Sieve {
    let key = key(history, id);
    let sift = Sift {
        hide: TxFilters::of(hide),
        group: group.map(str::to_owned),
    };
    let mut sieve = Sieve::default();
    sieve.follow(&key, id, history.track(&key).unwrap(), &sift);
    sieve
}

/// Numbers of the rows; 0 is the first look, a negative one is filtered out and at the cursor.
fn rows(track: &Track, sieve: &Sieve, cursor: Position) -> Vec<i64> {
    let window = sifted_rain(track, cursor, 0..10_000, sieve.passing(track, cursor));
    assert_eq!(window.total, window.rows.len());
    let rows = window.rows.iter().enumerate().map(|(at, row)| {
        assert_eq!(row.row, at);
        let number = match &row.event {
            RainEvent::Change { number, .. } => number.unwrap().cast_signed(),
            RainEvent::FirstLook(..) => 0,
            RainEvent::Thinned(_) | RainEvent::Gap(_) => panic!("neither is in it"),
        };
        if row.is_filtered { -number } else { number }
    });
    rows.collect()
}

#[test]
fn each_filter_hides_what_it_is_named_for_and_no_more() {
    let history = story();
    let track = history.track(&key(&history, "courier-17")).unwrap();
    let first = track.oldest();
    for (filter, hidden) in [
        (TxFilter::Canceled, &[8, 13][..]),
        (TxFilter::Queued, &[6, 13]),
        (TxFilter::Auto, &[2]),
        (TxFilter::AutoCanceled, &[7]),
        (TxFilter::Empty, &[10]),
        (TxFilter::Health, &[4, 5]),
        (TxFilter::Checks, &[9, 11]),
        (TxFilter::OutsideGroup, &[1, 2, 4, 5, 7, 8, 10, 12, 13]),
        (TxFilter::Gone, &[]),
    ] {
        let sieve = sieve(&history, "courier-17", &[filter], Some("route"));
        let expected: Vec<i64> = (0..15).filter(|it| !hidden.contains(it)).collect();
        assert_eq!(rows(track, &sieve, first), expected, "{filter:?}");
        let counts = sieve.counts();
        let count = counts.get(filter as usize).copied().unwrap_or_default();
        assert_eq!(count, hidden.len(), "{filter:?}");
    }
    for group in [None, Some("nobody has it")] {
        let sieve = sieve(&history, "courier-17", &[TxFilter::OutsideGroup], group);
        assert_eq!(rows(track, &sieve, first).len(), 15, "{group:?}");
        assert_eq!(sieve.counts()[TxFilter::OutsideGroup as usize], 0);
    }
}

#[test]
fn a_hidden_record_at_the_cursor_has_a_row_and_is_none_of_the_others() {
    let history = story();
    let track = history.track(&key(&history, "courier-17")).unwrap();
    let sieve = sieve(
        &history,
        "courier-17",
        &[TxFilter::Canceled, TxFilter::Checks],
        None,
    );
    let at = |place| track.position(Place(place)).unwrap();
    let passing = sieve.passing(track, at(9)).unwrap();
    assert_eq!(
        rows(track, &sieve, at(9)),
        [0, 1, 2, 3, 4, 5, 6, 7, -9, 10, 12, 14]
    );
    let window = sifted_rain(track, at(9), 0..20, Some(passing));
    assert_eq!((window.cursor, window.hidden), (Some(8), 4));
    assert_eq!(sifted_row(track, at(9), passing), (None, 11));
    assert_eq!(sieve.hides(Place(9)), TxFilters::of(&[TxFilter::Checks]));
    // The last that passes has the largest number.
    let passing = sieve.passing(track, at(14)).unwrap();
    assert_eq!(sifted_row(track, at(14), passing), (Some(10), 11));
    assert_eq!(sieve.hides(Place(14)).count(), 0);

    let step = |from, by| {
        let to = sieve.step(track, from, by).and_then(|to| track.at(to));
        to.map(|place| place.0)
    };
    for (from, by, to) in [
        (7, 1, Some(10)),
        (10, -1, Some(7)),
        (9, 1, Some(10)),
        (9, -1, Some(7)),
        (11, 2, Some(14)),
        (12, 50, Some(14)),
        (14, 1, None),
        (14, -50, Some(0)),
        (0, -1, None),
    ] {
        assert_eq!(step(at(from), by), to, "{from} {by}");
    }
    // Between two records the last one lies behind already.
    let between = Position {
        at: Seen(at(10).at.0 + 1),
        ..at(10)
    };
    assert_eq!(step(between, -1), Some(10));
    assert_eq!(sieve.end(track, true), Some(at(14)));
    assert_eq!(sieve.end(track, false), Some(at(0)));
}

/// Hundreds of records with gaps, while they come, with filters that come and go.
#[test]
fn filters_agree_with_a_plain_list() {
    let story = story();
    let of = key(&story, "courier-17");
    let mut history = History::new(Limits::default());
    let named = Named {
        key: of,
        id: "courier-17".into(),
    };
    let first = Record {
        fidelity: Fidelity::Trace,
        number: Some(0),
        ..Record::snapshot(Interval::at(Seen(0)), &[0; 7])
    };
    let schema = story.track(&of).unwrap().schema().clone();
    history.learn(named, &schema, &first).unwrap();
    let mut sieve = Sieve::default();
    let mut number = 0;
    for round in 0..400_u64 {
        // Every hundredth transition and the one after it never come.
        number += if round % 100 == 99 { 3 } else { 1 };
        let head = Head {
            kind: statemesh::core::engine::MutationKind::Add,
            called: vec![(round % 7) as u32],
            is_auto: round % 3 == 0,
            is_check: round % 11 == 0,
            is_canceled: round % 5 == 0,
            is_queued: false,
            source: None,
            queue_tick: None,
            duration: None,
        };
        let moved = [Moved {
            state: (round % 7) as u32,
            ticks: 1,
        }];
        let is_moved = !head.is_canceled && !head.is_check;
        let record = Record {
            at: Interval::at(Seen(10 + round)),
            fidelity: Fidelity::Trace,
            first_hand: true,
            number: Some(number),
            owner_at: None,
            ticks: Ticks::Moved(if is_moved { &moved } else { &[] }),
            head: Some(&head),
            side: None,
        };
        history.append(&of, &record).unwrap();
        let track = history.track(&of).unwrap();
        if round % 13 == 0 || round > 390 {
            let hide = TxFilters::from_transitions(((round * 5) % 128) as u8);
            let sift = Sift { hide, group: None };
            sieve.follow(&of, "courier-17", track, &sift);
            check(track, &sieve, hide, Place(round / 2));
        }
    }
}

fn check(track: &Track, sieve: &Sieve, hide: TxFilters, at: Place) {
    let fits = |entry: &Entry| {
        let head = entry.detail.as_ref().and_then(|it| it.head.as_ref());
        let Some(head) = head else { return false };
        let (auto, check, canceled) = (head.is_auto, head.is_check, head.is_canceled);
        let pulse = head.called == [4];
        let empty = entry.detail.as_ref().unwrap().changes.is_empty();
        hide.has(TxFilter::Canceled) && canceled && !auto && !check
            || hide.has(TxFilter::Auto) && auto && !canceled
            || hide.has(TxFilter::AutoCanceled) && auto && canceled
            || hide.has(TxFilter::Empty) && empty && !canceled && !check
            || hide.has(TxFilter::Health) && pulse
            || hide.has(TxFilter::Checks) && check
    };
    let cursor = track.position(at).unwrap();
    let whole = rain(track, cursor, 0..10_000);
    let shown = |row: &&RainRow| {
        let place = track.at(row.position).unwrap();
        let is_gap = matches!(row.event, RainEvent::Gap(_));
        is_gap || place == at || !fits(&track.entry(place).unwrap())
    };
    let expected: Vec<&RainRow> = whole.rows.iter().filter(shown).collect();
    let passing = sieve.passing(track, cursor);
    let sifted = sifted_rain(track, cursor, 0..10_000, passing);
    assert_eq!(sifted.total, expected.len(), "{}", hide.text());
    for (row, expected) in sifted.rows.iter().zip(&expected) {
        assert_eq!(
            (row.position, &row.event),
            (expected.position, &expected.event)
        );
        assert_eq!(
            row.cells,
            expected.cells,
            "{} {:?}",
            hide.text(),
            row.position
        );
    }
    // A part is the same as in the whole.
    let from = sifted.total / 2;
    let part = sifted_rain(track, cursor, from..from + 9, passing);
    assert_eq!(part.rows, sifted.rows[from..(from + 9).min(sifted.total)]);
    let row = sifted.cursor.unwrap();
    assert_eq!(sifted.rows[row].position, cursor);
}

fn log(history: &History, level: u8, text: &str, at: u64) -> (LogWindow, Vec<(u64, String)>) {
    let key = key(history, "courier-17");
    let track = history.track(&key).unwrap();
    let sift = LogSift {
        level,
        text: text.to_owned(),
    };
    let mut index = LogIndex::default();
    index.follow(&key, track, &sift);
    let cursor = track.position(Place(at)).unwrap();
    let window = index.window(track, cursor, 0..100);
    let lines = window.rows.iter().map(|row| {
        let line = row.line.as_ref().unwrap();
        (row.number.unwrap(), line.text.replace("[couri] ", ""))
    });
    let lines = lines.collect();
    (window, lines)
}

#[test]
fn the_log_shows_what_its_level_and_text_let_through() {
    let history = story();
    let count = |level, text: &str| log(&history, level, text, 0).1.len();
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(|level| count(level, "")),
        [0, 1, 5, 9, 10, 11]
    );
    assert_eq!(
        log(&history, 1, "", 0).1,
        [(1, "[exter] engine on".to_owned())]
    );
    assert_eq!(count(5, " driving "), 4, "whatever the case");
    assert_eq!(count(5, "nowhere"), 0);
    let (window, lines) = log(&history, 2, "+dri", 0);
    assert_eq!((window.total, window.all), (1, 11));
    assert_eq!(lines, [(3, "[state] +Driving".to_owned())]);
}

#[test]
fn the_log_follows_the_cursor() {
    let history = story();
    for (at, follow, current) in [
        (0, None, 0),
        (1, Some(0), 3),
        (3, Some(5), 4),
        (5, Some(8), 0),
        (6, Some(9), 1),
        (14, Some(10), 0),
    ] {
        let (window, _) = log(&history, 5, "", at);
        assert_eq!(window.follow, follow, "{at}");
        let is_current = |row: &&LogRow| row.is_current;
        assert_eq!(window.rows.iter().filter(is_current).count(), current);
        let after = window.rows.iter().filter(|row| row.is_after).count();
        let behind = window.rows.iter().filter(|row| row.number > Some(at));
        assert_eq!(after, behind.count(), "{at}");
    }
}

/// `courier-17 #6`.
fn names(list: &[Mention]) -> Vec<String> {
    let name = |it: &Mention| format!("{} #{}", it.machine, it.number.unwrap());
    list.iter().map(name).collect()
}

#[test]
fn the_reader_follows_causes_and_finds_effects_over_machines() {
    let history = story();
    let courier = key(&history, "courier-17");
    let track = history.track(&courier).unwrap();
    let read = |place| {
        let at = track.position(Place(place)).unwrap();
        surroundings(&history, &courier, at).unwrap()
    };
    let driving = read(3);
    assert_eq!(driving.fidelity, Fidelity::Local);
    assert_eq!(names(&driving.trace), ["route-17 #1"]);
    assert_eq!(driving.beginning, Beginning::Outside);
    assert_eq!(names(&driving.forks), ["lock-17 #1", "courier-17 #6"]);
    assert!(driving.siblings.is_empty());
    assert_eq!(driving.arguments, "parcel=7, stop=Elm Street");
    assert_eq!(driving.duration, Some(120));
    let handlers: Vec<_> = driving.handlers.iter().map(|it| it.1.is_none()).collect();
    assert_eq!(handlers, [true, true], "both ran and accepted");
    assert_eq!((driving.queue_tick, driving.waited), (Some(4), None));

    let at_stop = read(6);
    assert_eq!(names(&at_stop.trace), ["courier-17 #3", "route-17 #1"]);
    assert_eq!(names(&at_stop.siblings), ["lock-17 #1"]);
    assert_eq!(at_stop.waited, Some((3, 2)));

    let refused = read(8);
    let said = refused.handlers[0].1.as_ref().unwrap();
    assert_eq!(said.reason, "the road is <b>known</b>");

    let lost = read(12);
    assert_eq!(names(&lost.trace), ["route-17 #2", "dispatch #5"]);
    assert_eq!(lost.beginning, Beginning::NotHere);
    assert_eq!(names(&lost.siblings), ["lock-17 #2"]);
    assert_eq!(names(&lost.forks), ["courier-17 #13"]);

    let depot = key(&history, "depot");
    let seen = surroundings(&history, &depot, history.newest()).unwrap();
    assert_eq!(
        seen,
        Surroundings {
            fidelity: Fidelity::Snapshots,
            schema: seen.schema.clone(),
            ..Surroundings::default()
        },
        "nothing is guessed"
    );
}
