//! Exactly one drainer, whoever drives whom; no lock while it runs what users gave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use statemesh::core::QueueTick;
use statemesh::machine::WeakMachine;
use statemesh::prelude::*;

use crate::kit::{Log, plain, poll_once, within, within_stack};

#[test]
fn mutations_of_the_own_machine_wait_until_the_transition_is_over() {
    within(|| {
        let machine = Machine::builder("m", plain(&["A", "B", "C"]))
            .handlers(Handlers::new(()).state("A", |(), event| {
                let machine = event.machine();
                assert_eq!(machine.add("B"), Ok(Outcome::Queued(QueueTick(3))));
                assert_eq!(machine.remove("A"), Ok(Outcome::Queued(QueueTick(4))));
                assert_eq!(machine.can_add("C"), Ok(Outcome::Queued(QueueTick(2))));
                assert_eq!(machine.active(), ["A"], "nothing of it has happened");
            }))
            .build();
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
        assert_eq!(machine.last_error(), None);
        assert_eq!(machine.clock(), [2, 1, 0, 0]);
    });
}

#[test]
fn machines_drive_each_other() {
    within(|| {
        let log = Log::default();
        let a = Machine::new("a", plain(&["Ask", "Answered"]));
        let b = Machine::new("b", plain(&["Asked"]));
        let (to_a, to_b) = (a.downgrade(), b.downgrade());
        a.bind(
            Handlers::new(log.clone())
                .state("Ask", move |log, event| {
                    let b = to_b.upgrade().unwrap();
                    log.push(format!("{:?}", b.add_from(event, "Asked").unwrap()));
                    log.push(b.active().join("+"));
                })
                .state("Answered", |log, _| log.push("answered")),
        )
        .unwrap();
        b.bind(
            Handlers::new(log.clone()).state("Asked", move |log, event| {
                let a = to_a.upgrade().unwrap();
                log.push(format!("{:?}", a.add_from(event, "Answered").unwrap()));
            }),
        )
        .unwrap();
        assert_eq!(a.add("Ask"), Ok(Outcome::Executed));
        assert_eq!(log.take(), "Queued(QueueTick(3)) Executed Asked answered");
        assert_eq!(a.active(), ["Answered", "Ask"]);
    });
}

/// A thousand machines, each driving the next: on a small stack, so that unbounded nesting would end the process.
#[test]
fn a_long_chain_of_machines_uses_bounded_stack() {
    within_stack(512 << 10, || {
        let deepest = Arc::new(AtomicUsize::new(0));
        let now = Arc::new(AtomicUsize::new(0));
        let mut chain: Vec<Machine> = Vec::new();
        for n in 0..1000 {
            let machine = Machine::new(format!("m{n}"), plain(&["Go"]));
            if let Some(next) = chain.last().cloned() {
                let set = Handlers::new((deepest.clone(), now.clone()));
                let set = set.state("Go", move |(deepest, now), _| {
                    deepest.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    next.add("Go").unwrap();
                    now.fetch_sub(1, Ordering::Relaxed);
                });
                machine.bind(set).unwrap();
            }
            chain.push(machine);
        }
        assert_eq!(chain.last().unwrap().add("Go"), Ok(Outcome::Executed));
        for machine in &chain {
            assert!(machine.is("Go"), "{machine:?} was lost");
        }
        assert_eq!(deepest.load(Ordering::Relaxed), 32);
        // Each machine is held by the handler of the next: from the end, so that the drops do not nest either.
        while chain.pop().is_some() {}
    });
}

#[test]
fn two_machines_in_a_circle_end_and_lose_nothing() {
    within_stack(512 << 10, || {
        let schema = || SchemaDef::new().state("Hit", StateDef::new().multi());
        let a = Machine::new("a", schema());
        let b = Machine::new("b", schema());
        for (from, to) in [(&a, &b), (&b, &a)] {
            let to = to.downgrade();
            from.bind(Handlers::new(0).state("Hit", move |count, _| {
                *count += 1;
                if *count <= 1000 {
                    to.upgrade().unwrap().add("Hit").unwrap();
                }
            }))
            .unwrap();
        }
        a.add("Hit").unwrap();
        assert_eq!((a.tick("Hit"), b.tick("Hit")), (2 * 1001 - 1, 2 * 1000 - 1));
    });
}

#[test]
fn threads_share_one_drainer_and_lose_nothing() {
    within(|| {
        let inside = Arc::new(AtomicBool::new(false));
        let total = Arc::new(AtomicUsize::new(0));
        let seen = total.clone();
        let machine = Machine::builder("m", SchemaDef::new().state("Hit", StateDef::new().multi()))
            .handlers(Handlers::new(inside).state("Hit", move |inside, _| {
                assert!(!inside.swap(true, Ordering::SeqCst), "two drainers");
                seen.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
                inside.store(false, Ordering::SeqCst);
            }))
            .build();
        let accepted: u64 = thread::scope(|scope| {
            let hammer = || {
                let outcomes = (0..5000).map(|_| machine.add("Hit").unwrap());
                outcomes
                    .filter(|outcome| *outcome != Outcome::Canceled)
                    .count() as u64
            };
            let threads = [
                scope.spawn(hammer),
                scope.spawn(hammer),
                scope.spawn(hammer),
            ];
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        assert_eq!(machine.last_error(), None);
        assert_eq!(machine.tick("Hit"), 2 * accepted - 1);
        assert_eq!(total.load(Ordering::Relaxed) as u64, accepted);
    });
}

#[test]
fn threads_that_drive_machines_crosswise_do_not_deadlock() {
    within(|| {
        let schema = || {
            SchemaDef::new()
                .state("Go", StateDef::new().multi())
                .state("Hit", StateDef::new().multi())
        };
        let a = Machine::new("a", schema());
        let b = Machine::new("b", schema());
        for (from, to) in [(&a, &b), (&b, &a)] {
            let to = to.downgrade();
            from.bind(Handlers::new(()).state("Go", move |(), _| {
                to.upgrade().unwrap().add("Hit").unwrap();
            }))
            .unwrap();
        }
        thread::scope(|scope| {
            for machine in [&a, &b] {
                scope.spawn(move || {
                    for _ in 0..400 {
                        machine.add("Go").unwrap();
                    }
                });
            }
        });
        for machine in [&a, &b] {
            assert_eq!((machine.tick("Go"), machine.tick("Hit")), (799, 799));
        }
    });
}

/// Looks at the machine from wherever users' code runs. With its lock held this would not return.
struct Nosy(WeakMachine, Arc<AtomicUsize>);

impl Nosy {
    fn look(&self) {
        if let Some(machine) = self.0.upgrade() {
            let _ = machine.clock();
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn no_lock_is_held_across_user_code() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let looks = Arc::new(AtomicUsize::new(0));
        let nosy = || Nosy(machine.downgrade(), looks.clone());
        let seen = |what: &str, least: usize| {
            assert!(looks.swap(0, Ordering::SeqCst) >= least, "{what}");
        };
        // Observers, dropped observers.
        let observer = nosy();
        let guard = machine.trace(move |_| observer.look());
        machine.add("A").unwrap();
        seen("observer", 1);
        drop(guard);
        seen("dropped observer", 1);
        // Wakers woken and dropped.
        let mut wait = machine.when("B");
        let waker = nosy();
        let _ = poll_once(&mut wait, move || waker.look());
        let waker = nosy();
        let _ = poll_once(&mut wait, move || waker.look());
        seen("replaced waker", 1);
        machine.add("B").unwrap();
        seen("waker", 1);
        // Arguments: executed, refused as a duplicate's like, queued and then executed, queued and then disposed.
        machine.add_args("A", nosy()).unwrap();
        seen("arguments", 1);
        let inner = (machine.downgrade(), looks.clone());
        machine
            .bind(Handlers::new(nosy()).end("A", move |_, event| {
                let machine = event.machine();
                machine
                    .add_args("A", Nosy(inner.0.clone(), inner.1.clone()))
                    .unwrap();
            }))
            .unwrap();
        machine.remove("A").unwrap();
        seen("queued arguments", 1);
        let inner = (machine.downgrade(), looks.clone());
        machine
            .bind(Handlers::new(()).end("B", move |_, event| {
                let machine = event.machine();
                machine
                    .add_args("A", Nosy(inner.0.clone(), inner.1.clone()))
                    .unwrap();
                machine.dispose();
            }))
            .unwrap();
        machine.remove("B").unwrap();
        seen("arguments and handlers of a disposed machine", 2);
    });
}

#[test]
fn panics_of_observers_wakers_and_drops_stay_there() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("drop");
        }
    }
    within(|| {
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(Handlers::new(()).state("A", |(), event| {
                event.machine().add_args("B", Bomb).unwrap();
            }))
            .build();
        let heard = Arc::new(AtomicUsize::new(0));
        let count = heard.clone();
        let _bad = machine.trace(|_| panic!("observer"));
        let _good = machine.trace(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let mut wait = machine.when("A");
        let _ = poll_once(&mut wait, || panic!("waker"));
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
        assert_eq!(machine.active(), ["B", "A"]);
        assert_eq!(machine.remove(["A", "B"]), Ok(Outcome::Executed));
        assert_eq!(heard.load(Ordering::SeqCst), 3);
        assert_eq!(machine.last_error(), None);
    });
}

#[test]
fn an_observer_may_mutate_what_it_observes() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let weak = machine.downgrade();
        let _guard = machine.trace(move |transition| {
            if transition.clock_after[0] % 2 == 1 && transition.clock_after[1] == 0 {
                let outcome = weak.upgrade().unwrap().add("B").unwrap();
                assert_eq!(outcome, Outcome::Queued(QueueTick(3)));
            }
        });
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
        assert_eq!(machine.active(), ["B", "A"]);
    });
}
