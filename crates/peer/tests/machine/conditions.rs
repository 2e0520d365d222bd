//! Waits for arguments, for the queue, for ticks, and for what the caller asks of the clock.

use std::sync::Arc;
use std::task::Poll;

use statemesh::prelude::*;

use crate::kit::{block_on, plain, poll_once, within};

const RECEIVED: Typed<Order> = Typed::new("Received");

struct Order {
    number: u32,
}

#[test]
fn arguments_of_a_beginning() {
    within(|| {
        let machine = Machine::new("m", plain(&["Received", "Sent"]));
        let mut seven = machine.when_args(RECEIVED, |order| order.number == 7);
        let mut text = machine.when_args(Typed::new("Received"), |_: &String| true);
        machine.add("Received").unwrap();
        machine.remove("Received").unwrap();
        machine.add_with(RECEIVED, Order { number: 6 }).unwrap();
        machine.add_args("Sent", Order { number: 7 }).unwrap();
        assert_eq!(poll_once(&mut seven, || ()), Poll::Pending);
        machine.remove("Received").unwrap();
        machine.add_with(RECEIVED, Order { number: 7 }).unwrap();
        assert_eq!(block_on(seven), Ok(()));
        assert_eq!(
            poll_once(&mut text, || ()),
            Poll::Pending,
            "of another type"
        );
        drop(text);
        assert_eq!(machine.pending_waits(), 0);
        assert!(block_on(machine.when_args(Typed::new("Nobody"), |_: &Order| true)).is_err());
    });
}

/// The condition runs without locks: it reads its machine, and a panic in it harms nobody.
#[test]
fn conditions_are_code_of_the_caller() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let weak = machine.downgrade();
        let both = machine.when_query(move |_| {
            let machine = weak.upgrade();
            machine.is_some_and(|machine| machine.is(["A", "B"]))
        });
        let mut breaks =
            machine.when_query(|clock| clock.iter().sum::<u64>() > 100 || panic!("asked"));
        let four = machine.when_query(|clock| clock.iter().sum::<u64>() >= 4);
        machine.add("A").unwrap();
        assert_eq!(both.now(), None);
        machine.add("B").unwrap();
        assert_eq!(both.now(), Some(Ok(())));
        machine.remove(["A", "B"]).unwrap();
        assert_eq!(block_on(four), Ok(()));
        assert_eq!(poll_once(&mut breaks, || ()), Poll::Pending);
        machine.dispose();
        assert_eq!(block_on(breaks), Err(WaitError::Disposed));
    });
}

#[test]
fn a_condition_is_dropped_with_its_wait() {
    within(|| {
        let machine = Machine::new("m", plain(&["A"]));
        let held = Arc::new(());
        let hold = |held: &Arc<()>| {
            let held = held.clone();
            move |_: &[u64]| Arc::strong_count(&held) == 0
        };
        let dropped = machine.when_query(hold(&held));
        let disposed = machine.when_query(hold(&held));
        assert_eq!(Arc::strong_count(&held), 3);
        drop(dropped);
        assert_eq!(Arc::strong_count(&held), 2);
        machine.dispose();
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(block_on(disposed), Err(WaitError::Disposed));
        assert_eq!(
            block_on(machine.when_query(hold(&held))),
            Err(WaitError::Disposed)
        );
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn ticks_errors_and_the_queue() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let again = machine.when_next_active("A");
        let three = machine.when_ticks("A", 3);
        let error = machine.when_err();
        assert_eq!(block_on(machine.when_queue(Outcome::Executed)), Ok(()));
        assert_eq!(block_on(machine.when_queue_ends()), Ok(()));
        machine.add("A").unwrap();
        assert_eq!(again.now(), Some(Ok(())));
        machine.remove("A").unwrap();
        machine.add("A").unwrap();
        assert_eq!(three.now(), Some(Ok(())));
        assert_eq!(error.now(), None);
        machine
            .add_error([] as [&str; 0], "out of parcels")
            .unwrap();
        assert_eq!(block_on(error), Ok(()));
    });
}

/// A duplicate that was skipped can be waited for like its equal.
#[test]
fn a_queued_mutation_can_be_waited_for() {
    within(|| {
        let waits = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = waits.clone();
        let handlers = Handlers::new(()).state("A", move |_, event| {
            let machine = event.machine();
            for _ in 0..2 {
                let outcome = machine.add("B").unwrap();
                assert!(matches!(outcome, Outcome::Queued(_)), "{outcome:?}");
                seen.lock().unwrap().push(machine.when_queue(outcome));
            }
            seen.lock().unwrap().push(machine.when_queue_ends());
            assert!(!machine.is("B"));
        });
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(handlers)
            .build();
        machine.add("A").unwrap();
        for wait in waits.lock().unwrap().drain(..) {
            assert_eq!(wait.now(), Some(Ok(())));
        }
        assert!(machine.is(["A", "B"]));
    });
}
