//! History: what is recorded, what is forgotten, and that every condition filters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use statemesh::history::{DEFAULT_CAPACITY, History, HistoryBuilder, Query, QueryError};
use statemesh::prelude::*;

use crate::kit::{plain, within};

states! {
    enum S { A, B { multi }, C { require: [A] }, D { auto, require: [C] } }
}

/// Six transitions: `+A`, `+B`, `+B`, `+A C` with its `D`, `-A`; and a canceled `+C`.
fn played(builder: impl FnOnce(HistoryBuilder<'_>) -> HistoryBuilder<'_>) -> History {
    let machine = Machine::new("m", S::schema());
    let history = builder(History::of(&machine))
        .record()
        .expect("known states");
    let play = [
        machine.add(S::C),
        machine.add(S::A),
        machine.add(S::B),
        machine.add(S::B),
        machine.add([S::A, S::C]),
        machine.remove(S::A),
    ];
    assert_eq!(
        play.map(|outcome| outcome == Ok(Outcome::Canceled)),
        [true, false, false, false, false, false]
    );
    history
}

/// Machine times of the records that meet the query.
fn times(history: &History, query: Query) -> Vec<u64> {
    let records = history.query(&query).expect("tracked states");
    records.iter().map(|record| record.machine_time).collect()
}

#[test]
fn every_accepted_transition_is_recorded() {
    within(|| {
        let history = played(|all| all);
        assert_eq!(times(&history, Query::new()), [1, 2, 4, 5, 6, 9]);
        let records = history.records();
        let [.., add, auto, end] = records.as_slice() else {
            panic!("six")
        };
        assert_eq!(
            (add.called.len(), add.is_auto, auto.is_auto, auto.number),
            (2, false, true, 5)
        );
        assert_eq!(
            (&*end.time, &*end.ticked),
            (&[2, 3, 2, 2, 0][..], &[1, 0, 1, 1, 0][..])
        );
        assert_eq!((end.moved, end.since_last, end.wall), (3, 3, None));
        assert_eq!(history.last().as_ref(), Some(end));
    });
}

#[test]
fn filters_choose_what_is_recorded() {
    within(|| {
        let recorded = |history: &History| times(history, Query::new());
        assert_eq!(recorded(&played(|it| it.called(S::A))), [1, 5, 9]);
        assert_eq!(recorded(&played(|it| it.changed([S::C, S::D]))), [5, 6, 9]);
        assert_eq!(
            recorded(&played(|it| it.called(S::A).changed(S::C))),
            [5, 9]
        );
        assert_eq!(
            recorded(&played(|it| it.with_canceled())),
            [0, 1, 1, 2, 2, 4, 4, 5, 6, 9, 9],
            "with those of an Auto state"
        );
        let some = played(|it| it.called(S::A));
        let since: Vec<u64> = some.records().iter().map(|it| it.since_last).collect();
        assert_eq!(since, [1, 4, 4], "also what was not recorded has moved it");
        let machine = Machine::new("m", S::schema());
        let history = History::of(&machine).record().unwrap();
        machine.can_add(S::A).unwrap();
        assert!(history.is_empty(), "a check");
        assert!(History::of(&machine).track("Nope").record().is_err());
    });
}

#[test]
fn every_condition_filters() {
    within(|| {
        let history = played(|all| all);
        let check = |query: Query, expected: &[u64]| {
            assert_eq!(times(&history, query.clone()), expected, "{query:?}");
        };
        check(Query::new().active(S::A), &[1, 2, 4, 5, 6]);
        check(Query::new().inactive(S::A), &[9]);
        check(Query::new().activated(S::B), &[2, 4]);
        check(Query::new().activated([S::A, S::B]), &[]);
        check(Query::new().deactivated([S::A, S::C, S::D]), &[9]);
        check(Query::new().deactivated(S::B), &[]);
        check(Query::new().active(S::B).inactive([S::C, S::D]), &[2, 4, 9]);
        check(
            Query::new()
                .active(S::B)
                .inactive([S::C, S::D])
                .active(S::A),
            &[2, 4],
        );
        check(Query::new().machine_time(2..5), &[2, 4]);
        check(Query::new().machine_time(..=2), &[1, 2]);
        check(Query::new().active(S::A).latest(2), &[5, 6]);
        check(Query::new().latest(0), &[]);
        check(Query::new().wall(Duration::ZERO..), &[]);
    });
}

#[test]
fn wall_time_comes_from_a_clock_of_the_caller() {
    within(|| {
        let now = Arc::new(AtomicU64::new(100));
        let clock = move || Duration::from_secs(now.fetch_add(10, Ordering::SeqCst));
        let history = played(|it| it.wall_clock(clock));
        let secs = Duration::from_secs;
        assert_eq!(
            times(&history, Query::new().wall(secs(110)..secs(130))),
            [2, 4]
        );
        assert_eq!(
            times(&history, Query::new().wall(secs(120)..).active(S::A)),
            [4, 5, 6]
        );
    });
}

#[test]
fn only_tracked_states_are_kept_and_asked_for() {
    within(|| {
        let history = played(|it| it.track([S::C, S::A]));
        assert_eq!(&*history.last().unwrap().time, [2, 2]);
        assert_eq!(times(&history, Query::new().activated(S::C)), [5]);
        let untracked = history.query(&Query::new().active(S::B)).unwrap_err();
        assert_eq!(
            untracked,
            QueryError::Untracked {
                state: "B".to_owned()
            }
        );
        let unknown = history.query(&Query::new().active("Nope")).unwrap_err();
        assert_eq!(unknown.to_string(), "machine m has no state Nope");
    });
}

#[test]
fn a_history_is_bounded_and_ends_with_its_guard() {
    within(|| {
        let machine = Machine::new("m", plain(&["A"]));
        let history = History::of(&machine).record().unwrap();
        let small = History::of(&machine).capacity(3).record().unwrap();
        for _ in 0..DEFAULT_CAPACITY + 5 {
            machine.toggle("A").unwrap();
        }
        assert_eq!((history.len(), small.len()), (DEFAULT_CAPACITY, 3));
        assert_eq!(times(&small, Query::new()), [1003, 1004, 1005]);
        assert_eq!(
            (small.records()[0].number, history.records()[0].number),
            (1003, 6)
        );
        let clone = small.clone();
        drop(small);
        machine.toggle("A").unwrap();
        assert_eq!(clone.last().unwrap().number, 1006);
        let weak = machine.downgrade();
        drop(machine);
        assert!(
            weak.upgrade().is_none(),
            "a history does not keep its machine"
        );
        assert_eq!(clone.len(), 3);
    });
}
