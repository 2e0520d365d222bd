//! Waits, observers and the end of a machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;

use statemesh::prelude::*;

use crate::kit::{Log, block_on, plain, poll_once, within};

#[test]
fn a_wait_counts_from_its_call_not_from_its_poll() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let wait = machine.when(["A", "B"]);
        let not = machine.when_not("Exception");
        machine.add(["A", "B"]).unwrap();
        let gone = machine.when_not("A");
        machine.remove("A").unwrap();
        assert_eq!(block_on(wait), Ok(()), "it was so between call and poll");
        assert_eq!(block_on(not), Ok(()));
        assert_eq!(block_on(gone), Ok(()));
        let mut time = machine.when_time(["A", "B"], &[3, 2]);
        machine.add("A").unwrap();
        assert_eq!(poll_once(&mut time, || ()), Poll::Pending);
        machine.remove(["A", "B"]).unwrap();
        assert_eq!(block_on(&mut time), Ok(()));
        assert_eq!(block_on(time), Ok(()), "says the same again");
        assert_eq!(machine.pending_waits(), 0);
    });
}

#[test]
fn a_wait_wakes_another_thread() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        thread::scope(|scope| {
            let wait = machine.when("A");
            let waiter = scope.spawn(|| block_on(wait));
            machine.add("A").unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(()));
        });
    });
}

#[test]
fn dropped_waits_are_freed() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let waits: Vec<When> = (0..100).map(|_| machine.when("A")).collect();
        let other = machine.when("B");
        assert_eq!(machine.pending_waits(), 101);
        drop(waits);
        assert_eq!(machine.pending_waits(), 1);
        // One of several equal waits goes, the others stay.
        let (stays, goes) = (machine.when("A"), machine.when("A"));
        drop(goes);
        machine.add(["A", "B"]).unwrap();
        assert_eq!((block_on(stays), block_on(other)), (Ok(()), Ok(())));
        assert_eq!(machine.pending_waits(), 0);
    });
}

#[test]
fn disposal_ends_waits_mutations_and_handlers() {
    within(|| {
        let held = Arc::new(());
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(Handlers::new(held.clone()).state("A", |_, _| ()))
            .build();
        let wait = machine.when("A");
        let mut polled = machine.when("A");
        let woken = Arc::new(AtomicBool::new(false));
        let wake = woken.clone();
        let _ = poll_once(&mut polled, move || wake.store(true, Ordering::SeqCst));
        machine.dispose();
        assert!(machine.is_disposed() && woken.load(Ordering::SeqCst));
        assert_eq!(block_on(wait), Err(WaitError::Disposed));
        assert_eq!(block_on(polled), Err(WaitError::Disposed));
        assert_eq!(block_on(machine.when("A")), Err(WaitError::Disposed));
        assert_eq!(machine.add("A"), Ok(Outcome::Canceled));
        assert_eq!(Arc::strong_count(&held), 1, "handlers are let go");
        machine.dispose();
    });
}

#[test]
fn a_handler_may_dispose_its_machine() {
    within(|| {
        let held = Arc::new(());
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(Handlers::new(held.clone()).state("A", |_, event| {
                let machine = event.machine();
                machine.add_args("B", Arc::new(())).unwrap();
                let wait = machine.when("B");
                machine.dispose_now();
                assert_eq!(block_on(wait), Err(WaitError::Disposed));
            }))
            .build();
        machine.add("A").unwrap();
        assert!(machine.is_disposed());
        assert_eq!(machine.last_error(), None);
        assert_eq!(machine.tick("B"), 0);
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn the_last_handle_ends_waits() {
    within(|| {
        let machine = Machine::new("m", plain(&["A"]));
        let weak = machine.downgrade();
        let wait = machine.when("A");
        assert_eq!(weak.upgrade().unwrap().id(), "m");
        drop(machine);
        assert!(weak.upgrade().is_none());
        assert_eq!(block_on(wait), Err(WaitError::Disposed));
    });
}

#[test]
fn observers_and_wakers_run_in_the_order_of_the_engine() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(
                Handlers::new(log.clone())
                    .state("A", |log, event| {
                        log.push("A");
                        event.machine().add("B").unwrap();
                    })
                    .state("B", |log, _| log.push("B")),
            )
            .build();
        let observed = |name: &'static str| {
            let log = log.clone();
            machine.trace(move |transition| {
                let change = (&transition.clock_before[..2], &transition.clock_after[..2]);
                log.push(format!("{name}{change:?}{}", transition.accepted));
            })
        };
        let (first, second) = (observed("x"), observed("y"));
        let mut waits = [machine.when("A"), machine.when("B")];
        for (wait, name) in waits.iter_mut().zip(["wakeA", "wakeB"]) {
            let log = log.clone();
            assert_eq!(poll_once(wait, move || log.push(name)), Poll::Pending);
        }
        machine.add("A").unwrap();
        assert_eq!(
            log.take(),
            "A x([0, 0], [1, 0])true y([0, 0], [1, 0])true wakeA \
             B x([1, 0], [1, 1])true y([1, 0], [1, 1])true wakeB"
        );
        drop(first);
        machine.can_remove("A").unwrap();
        assert_eq!(log.take(), "y([1, 1], [1, 1])true");
        drop(second);
        machine.remove("A").unwrap();
        assert_eq!(log.take(), "");
    });
}
