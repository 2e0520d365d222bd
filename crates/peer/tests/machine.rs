//! The machine handle from outside: handlers, the single drainer, waits, observers, disposal.
//!
//! Every test runs under a deadline: a lock held across user code shows as a deadlock, not as a wrong value.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use statemesh::core::QueueTick;
use statemesh::core::engine::MutationKind;
use statemesh::machine::{MachineError, UnknownState, WeakMachine};
use statemesh::prelude::*;

/// Nothing here takes longer than a moment, so this only ends what hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `body` on its own thread and fails when it does not end.
fn within(body: impl FnOnce() + Send + 'static) {
    within_stack(2 << 20, body);
}

fn within_stack(stack: usize, body: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new()
        .stack_size(stack)
        .spawn(move || {
            body();
            let _ = done.send(());
        })
        .unwrap();
    match ended.recv_timeout(DEADLINE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {}
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs a closure when woken.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn poll_once(
    when: &mut When,
    woken: impl Fn() + Send + Sync + 'static,
) -> Poll<Result<(), WaitError>> {
    let waker = Waker::from(Arc::new(OnWake(woken)));
    pin!(when).poll(&mut Context::from_waker(&waker))
}

/// Plain states, and `Exception` behind them.
fn plain(names: &[&str]) -> SchemaDef {
    names.iter().fold(SchemaDef::new(), |schema, name| {
        schema.state(*name, StateDef::new())
    })
}

/// What happened, in order, shared with closures.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }

    /// A handler set over `names` that logs all it is called for, and accepts.
    fn all_handlers(&self, names: &[&'static str]) -> Handlers<Log> {
        let mut set = Handlers::new(self.clone());
        for name in names.iter().copied() {
            set = set
                .enter(name, move |log, _| log.accept(format!("{name}Enter")))
                .exit(name, move |log, _| log.accept(format!("{name}Exit")))
                .stay(name, move |log, _| log.accept(format!("{name}{name}")))
                .state(name, move |log, _| log.push(format!("{name}State")))
                .end(name, move |log, _| log.push(format!("{name}End")));
            for other in names.iter().copied().filter(|other| *other != name) {
                set = set.pair(name, other, move |log, _| {
                    log.accept(format!("{name}{other}"))
                });
            }
        }
        set.any_enter(|log, _| log.accept("AnyEnter"))
            .any_state(|log, _| log.push("AnyState"))
    }

    fn accept(&self, what: impl Into<String>) -> bool {
        self.push(what);
        true
    }
}

#[test]
fn handlers_run_in_the_order_of_the_model() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", plain(&["A", "B", "C"]))
            .handlers(log.all_handlers(&["A", "B", "C"]))
            .build();
        machine.add(["A", "B"]).unwrap();
        log.take();
        assert_eq!(machine.set("C"), Ok(Outcome::Executed));
        assert_eq!(
            log.take(),
            "AExit BExit CEnter AC BC AnyEnter AEnd BEnd CState AnyState"
        );
        assert_eq!(machine.set(["A", "B"]), Ok(Outcome::Executed));
        machine.remove("B").unwrap();
        log.take();
        assert_eq!(machine.set(["A", "B"]), Ok(Outcome::Executed));
        assert_eq!(log.take(), "BEnter AA AB AnyEnter BState AnyState");
        assert_eq!(machine.active(), ["A", "B"]);
    });
}

#[test]
fn sets_run_in_binding_order_and_closures_in_theirs() {
    within(|| {
        let log = Log::default();
        let set = |first: &'static str, second: &'static str| {
            Handlers::new(log.clone())
                .enter("A", move |log, _| log.accept(first))
                .enter("A", move |log, _| log.accept(second))
        };
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(set("1", "2"))
            .build();
        machine.bind(set("3", "4")).unwrap();
        machine.add("A").unwrap();
        assert_eq!(log.take(), "1 2 3 4");
    });
}

#[test]
fn a_veto_changes_nothing_and_stops_the_event() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(
                Handlers::new(log.clone())
                    .enter("A", |_, _| false)
                    .enter("A", |log, _| log.accept("never"))
                    .exit("B", |log, event| {
                        log.push(format!("exit check={}", event.is_check()));
                        false
                    }),
            )
            .build();
        assert_eq!(machine.add("A"), Ok(Outcome::Canceled));
        assert_eq!(machine.clock(), [0, 0, 0]);
        assert_eq!(machine.add("B"), Ok(Outcome::Executed));
        assert_eq!(machine.can_remove("B"), Ok(Outcome::Canceled));
        assert_eq!(machine.remove("B"), Ok(Outcome::Canceled));
        assert_eq!(machine.clock(), [0, 1, 0]);
        assert_eq!(log.take(), "exit check=true exit check=false");
    });
}

#[test]
fn a_panic_becomes_an_exception_and_the_machine_lives_on() {
    within(|| {
        let machine = Machine::builder("m", plain(&["A", "B", "C"]))
            .handlers(
                Handlers::new(())
                    .enter("A", |(), _| panic!("no {}", "way"))
                    .state("B", |(), _| panic!("static"))
                    .state("C", |(), _| std::panic::panic_any(7)),
            )
            .build();
        let last = || machine.last_error().unwrap().to_string();

        assert_eq!(machine.add("A"), Ok(Outcome::Canceled));
        assert_eq!(machine.active(), ["Exception"]);
        assert_eq!(last(), "handler AEnter panicked: no way");

        machine.remove("Exception").unwrap();
        assert_eq!(machine.add("B"), Ok(Outcome::Canceled));
        assert!(machine.is("Exception") && machine.not("B"));
        assert_eq!(machine.tick("B"), 2, "begun, then taken back");
        assert_eq!(last(), "handler BState panicked: static");

        assert_eq!(machine.add("C"), Ok(Outcome::Canceled));
        assert_eq!(last(), "handler CState panicked: a panic without text");
        assert_eq!(machine.remove("Exception"), Ok(Outcome::Executed));
        assert_eq!(machine.active(), [""; 0]);
    });
}

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
                machine.add_with("B", Arc::new(())).unwrap();
                let wait = machine.when("B");
                machine.dispose();
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
        machine.add_with("A", nosy()).unwrap();
        seen("arguments", 1);
        let inner = (machine.downgrade(), looks.clone());
        machine
            .bind(Handlers::new(nosy()).end("A", move |_, event| {
                let machine = event.machine();
                machine
                    .add_with("A", Nosy(inner.0.clone(), inner.1.clone()))
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
                    .add_with("A", Nosy(inner.0.clone(), inner.1.clone()))
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
                event.machine().add_with("B", Bomb).unwrap();
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

#[test]
fn an_event_tells_what_is_going_on() {
    within(|| {
        let log = Log::default();
        let schema = SchemaDef::new()
            .state("A", StateDef::new().add(["B"]))
            .state("B", StateDef::new())
            .state("C", StateDef::new().auto().require(["B"]));
        let source = Machine::builder("source", plain(&["Go"])).build();
        let target = Machine::builder("target", schema)
            .handlers(Handlers::new(log.clone()).any_state(|log, event| {
                let called = event.called();
                let names = |list: Vec<StateIdx>| {
                    let schema = event.machine().schema();
                    let names: Vec<_> = list.into_iter().map(|it| schema.name(it)).collect();
                    names.join("+")
                };
                log.push(format!(
                    "{:?}:{}>{}:auto={}:{:?}",
                    event.kind(),
                    names(called),
                    names(event.target()),
                    event.is_auto(),
                    event.args::<u32>(),
                ));
            }))
            .build();
        target.add_with("A", 7_u32).unwrap();
        assert_eq!(
            log.take(),
            "Add:A>A+B:auto=false:Some(7) Add:C>A+B+C:auto=true:None"
        );
        let cause = Arc::new(Mutex::new(None));
        let note = cause.clone();
        let _guard =
            target.trace(move |transition| *note.lock().unwrap() = transition.source.clone());
        let driven = target.clone();
        source
            .bind(Handlers::new(()).state("Go", move |(), event| {
                driven.remove_from(event, "A").unwrap();
            }))
            .unwrap();
        source.add("Go").unwrap();
        let cause = cause.lock().unwrap().clone().unwrap();
        assert_eq!((&*cause.machine, cause.machine_time), ("source", 0));
        assert_eq!(
            log.take(),
            "Remove:A>B+C:auto=false:None".replace("B+C", &target.active().join("+"))
        );
    });
}

#[test]
fn names_and_indexes_of_all_kinds() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B", "C"]));
        let index = |name| machine.schema().index(name).unwrap();
        machine.add("A").unwrap();
        machine.add(String::from("A")).unwrap();
        machine.add(["A", "B"]).unwrap();
        machine.add(&["A", "B"][..]).unwrap();
        machine.add(vec!["A"]).unwrap();
        machine.add(index("A")).unwrap();
        machine.add([index("A"), index("B")]).unwrap();
        machine.add(&[index("A")][..]).unwrap();
        assert!(machine.is(["A", "B"]) && machine.not(["C"]) && machine.any(["C", "A"]));
        assert!(!machine.is(["A", "Nope"]) && machine.not("Nope") && !machine.any("Nope"));
        assert!(!machine.is("C") && !machine.not(["C", "A"]));
        assert_eq!((machine.tick("A"), machine.tick("Nope")), (1, 0));

        let unknown = UnknownState {
            machine: "m".to_owned(),
            state: "Nope".to_owned(),
        };
        assert_eq!(machine.add(["A", "Nope"]), Err(unknown.clone()));
        assert_eq!(machine.remove(["A", "Nope"]), Err(unknown.clone()));
        assert_eq!(machine.add(StateIdx(99)).unwrap_err().state, "#99");
        assert_eq!(block_on(machine.when("Nope")), Err(unknown.clone().into()));
        assert_eq!(
            block_on(machine.when_time(["A", "B"], &[1])),
            Err(WaitError::Mismatch {
                states: 2,
                ticks: 1
            })
        );
        let set = Handlers::new(()).state("Nope", |(), _| ());
        assert_eq!(machine.bind(set), Err(unknown));
        assert_eq!(machine.clock(), [1, 1, 0, 0]);
    });
}

#[test]
fn errors_of_applications_and_builders_show_as_exceptions() {
    within(|| {
        let log = Log::default();
        let schema = SchemaDef::new()
            .state("Exception", StateDef::new().multi())
            .state(
                "ErrNetwork",
                StateDef::new()
                    .multi()
                    .add(["Exception"])
                    .require(["Exception"]),
            );
        let machine = Machine::builder("m", schema)
            .tag("host:van-17")
            .parent("fleet")
            .handlers(
                Handlers::new(log.clone()).state("ErrNetwork", |log, event| {
                    log.push(event.args::<MachineError>().unwrap().to_string());
                }),
            )
            .build();
        assert_eq!(
            (machine.tags(), machine.parent()),
            (&["host:van-17".to_owned()][..], "fleet")
        );
        machine.add_error("ErrNetwork", "dial timed out").unwrap();
        assert_eq!(log.take(), "dial timed out");
        assert!(machine.is(["ErrNetwork", "Exception"]));
        assert_eq!(
            *machine.last_error().unwrap(),
            MachineError::Raised("dial timed out".to_owned())
        );

        let torn = SchemaDef::new()
            .state("A", StateDef::new().require(["B"]).remove(["B"]))
            .state("B", StateDef::new());
        let machine = Machine::builder("m", torn).build();
        assert_eq!(machine.active(), ["Exception"]);
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(error, "schema: require-remove conflict for A to B");
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(Handlers::new(()).state("B", |(), _| ()))
            .build();
        assert_eq!(machine.active(), ["Exception"]);
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(error, "handlers: machine m has no state B");
    });
}

#[test]
fn toggling_goes_both_ways() {
    within(|| {
        let kinds = Arc::new(Mutex::new(Vec::new()));
        let note = kinds.clone();
        let machine = Machine::new("m", plain(&["A"]));
        let _guard = machine.trace(move |transition| note.lock().unwrap().push(transition.kind));
        machine.toggle("A").unwrap();
        machine.toggle("A").unwrap();
        assert_eq!(machine.tick("A"), 2);
        assert_eq!(
            *kinds.lock().unwrap(),
            [MutationKind::Add, MutationKind::Remove]
        );
    });
}
