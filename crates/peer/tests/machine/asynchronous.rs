//! Handlers that need time: a future per call, for which the queue waits and nobody else.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use statemesh::core::QueueTick;
use statemesh::handlers::OwnedEvent;
use statemesh::machine::{BindError, Transition};
use statemesh::prelude::*;

use crate::kit::{Log, Tasks, block_on, plain, within, within_stack};

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_queue_waits_and_nobody_else() {
    within(|| {
        let gate = Machine::new("gate", plain(&["Open"]));
        let log = Log::default();
        let opening = gate.clone();
        let handlers = Handlers::new(log.clone())
            .state_async("A", move |log, event: OwnedEvent| {
                let (log, open) = (log.clone(), opening.when("Open"));
                async move {
                    log.push(format!("{:?} to {:?}", event.kind(), event.target()));
                    open.await.unwrap();
                    let machine = event.machine().unwrap();
                    log.push(format!("{:?}", machine.add("C").unwrap()));
                }
            })
            .state("B", |log, _| log.push("B"))
            .state("C", |log, _| log.push("C"));
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B", "C"]), handlers);
        let started = machine.add("A").unwrap();
        assert_eq!(started, Outcome::Queued(QueueTick(2)));
        let ended = machine.when_queue(started);
        let queued = machine.add("B").unwrap();
        assert_eq!(queued, Outcome::Queued(QueueTick(3)));
        let ran = machine.when_queue(queued);
        assert_eq!(tasks.poll(), 1);
        assert_eq!(tasks.poll(), 1);
        assert!(machine.is("A") && machine.not("B"), "it is committed");
        assert_eq!((ended.now(), ran.now()), (None, None));
        gate.add("Open").unwrap();
        assert_eq!(tasks.poll(), 0);
        assert_eq!((ended.now(), ran.now()), (Some(Ok(())), Some(Ok(()))));
        assert_eq!(log.take(), "Add to [StateIdx(0)] Queued(QueueTick(4)) B C");
        assert_eq!(machine.remove("B"), Ok(Outcome::Executed), "nobody drains");
    });
}

#[test]
fn negotiation_may_take_its_time() {
    within(|| {
        let say = Arc::new(Mutex::new(Ok(())));
        let (enter, exit) = (say.clone(), say.clone());
        let answer = |say: &Arc<Mutex<Result<(), &'static str>>>| *say.lock().unwrap();
        let handlers = Handlers::new(())
            .enter_async("A", move |(), _| {
                let answer = answer(&enter);
                async move { answer }
            })
            .exit_async("A", move |(), event| {
                let answer = answer(&exit).is_ok();
                async move { answer && !event.is_check() }
            });
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A"]), handlers);
        let reasons = Log::default();
        let note = reasons.clone();
        let _guard = machine.trace(move |transition: &Transition| {
            for refusal in &transition.refusals {
                note.push(refusal.reason.as_deref().unwrap_or("-"));
            }
        });
        let settle = |outcome: Result<Outcome, _>| {
            assert!(matches!(outcome, Ok(Outcome::Queued(_))), "{outcome:?}");
            assert_eq!(tasks.poll(), 0);
        };
        *say.lock().unwrap() = Err("too early");
        settle(machine.add("A"));
        assert_eq!((machine.clock()[0], &*reasons.take()), (0, "too early"));
        *say.lock().unwrap() = Ok(());
        settle(machine.add("A"));
        assert_eq!(machine.clock()[0], 1);
        settle(machine.can_remove("A"));
        assert_eq!((machine.clock()[0], &*reasons.take()), (1, "-"));
        settle(machine.remove("A"));
        assert_eq!((machine.clock()[0], &*reasons.take()), (2, ""));
    });
}

#[test]
fn every_kind_may_take_its_time() {
    within(|| {
        let log = Log::default();
        let told = |what: &'static str| {
            let log = log.clone();
            move |(): &mut (), _: OwnedEvent| {
                let log = log.clone();
                async move { log.push(what) }
            }
        };
        let agreed = |what: &'static str| {
            let log = log.clone();
            move |(): &mut (), _: OwnedEvent| {
                let log = log.clone();
                async move { log.accept(what) }
            }
        };
        let handlers = Handlers::new(())
            .exit_async("A", agreed("AExit"))
            .enter_async("B", agreed("BEnter"))
            .stay_async("C", agreed("CC"))
            .pair_async("A", "B", agreed("AB"))
            .any_enter_async(agreed("AnyEnter"))
            .end_async("A", told("AEnd"))
            .state_async("B", told("BState"))
            .any_state_async(told("AnyState"));
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B", "C"]), handlers);
        machine.add(["A", "C"]).unwrap();
        assert_eq!((tasks.poll(), &*log.take()), (0, "AnyEnter AnyState"));
        machine.set(["B", "C"]).unwrap();
        assert_eq!(tasks.poll(), 0);
        let expected = "AExit BEnter CC AB AnyEnter AEnd BState AnyState";
        assert_eq!(
            (&*log.take(), machine.active().join("+")),
            (expected, "B+C".to_owned())
        );
    });
}

#[test]
fn handlers_of_both_kinds_keep_their_order() {
    within(|| {
        let log = Log::default();
        let later = |what: &'static str| {
            move |log: &mut Log, _| {
                let log = log.clone();
                async move { log.push(what) }
            }
        };
        let set = |first, second, third| {
            Handlers::new(log.clone())
                .state("A", move |log, _| log.push(first))
                .state_async("A", later(second))
                .state_async("A", later("-"))
                .state("A", move |log, _| log.push(third))
        };
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A"]), set("1", "2", "3"));
        machine.bind(set("4", "5", "6")).unwrap();
        machine.add("A").unwrap();
        assert_eq!(log.take(), "1");
        assert_eq!(tasks.poll(), 0);
        assert_eq!(log.take(), "2 - 3 4 5 - 6");
    });
}

#[test]
fn the_first_mutation_tells_its_own_result() {
    within(|| {
        let handlers = Handlers::new(())
            .state("A", |(), event| {
                event.machine().add("B").unwrap();
            })
            .enter_async("B", |(), _| async { true });
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B"]), handlers);
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
        assert!(machine.is("A") && machine.not("B"));
        assert_eq!(tasks.poll(), 0);
        assert!(machine.is("B"));
    });
}

#[test]
fn a_panic_in_a_future_is_the_handlers() {
    within(|| {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a bomb in the future");
            }
        }
        let handlers = Handlers::new(())
            .enter_async("A", |(), _| async { panic!("no {}", "way") as bool })
            .state_async("B", |(), _| async { drop(Bomb) })
            .state_async("C", |(), _| -> std::future::Ready<()> { panic!("at once") });
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B", "C"]), handlers);
        for (state, ticks, error) in [
            ("A", 0, "handler AEnter panicked: no way"),
            ("B", 2, "handler BState panicked: a bomb in the future"),
            ("C", 2, "handler CState panicked: at once"),
        ] {
            machine.add(state).unwrap();
            assert_eq!(tasks.poll(), 0);
            assert_eq!(
                (machine.tick(state), machine.active().join("+")),
                (ticks, "Exception".into())
            );
            assert_eq!(machine.last_error().unwrap().to_string(), error);
            machine.remove("Exception").unwrap();
        }
    });
}

/// Waits for what never comes, holding something.
fn forever(held: &Arc<AtomicUsize>) -> Handlers<Arc<AtomicUsize>> {
    Handlers::new(held.clone()).state_async("A", |held, _| {
        let held = Counted(held.clone());
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    })
}

#[test]
fn a_future_ends_with_its_machine() {
    within(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B"]), forever(&dropped));
        let outcome = machine.add("A").unwrap();
        let wait = machine.when_queue(outcome);
        machine.add("B").unwrap();
        assert_eq!((tasks.poll(), dropped.load(Ordering::SeqCst)), (1, 0));
        machine.dispose_now();
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!(block_on(wait), Err(WaitError::Disposed));
        assert_eq!(tasks.poll(), 0, "its task ends");
        assert_eq!(machine.add("B"), Ok(Outcome::Canceled));

        let machine = tasks.machine(plain(&["A", "B"]), forever(&dropped));
        machine.add("A").unwrap();
        assert_eq!(tasks.poll(), 1);
        drop(machine);
        assert_eq!((tasks.poll(), dropped.load(Ordering::SeqCst)), (0, 2));
    });
}

/// What an executor does when it shuts down.
#[test]
fn a_task_that_is_dropped_is_a_handler_that_failed() {
    within(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["A", "B"]), forever(&dropped));
        machine.add("A").unwrap();
        machine.add("B").unwrap();
        drop(tasks.take());
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(
            error,
            "handler AState panicked: its task was dropped before it ended"
        );
        assert_eq!(machine.active(), ["B", "Exception"], "the queue went on");
        let broken = Machine::builder("broken", plain(&["A"]))
            .spawner(|_| panic!("no executor here"))
            .handlers(forever(&dropped))
            .build();
        assert_eq!(broken.add("A"), Ok(Outcome::Queued(QueueTick(2))));
        assert_eq!(broken.active(), ["Exception"]);
    });
}

#[test]
fn without_a_spawner_there_are_no_asynchronous_handlers() {
    within(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(forever(&dropped))
            .build();
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(error, "handlers: asynchronous handlers, but no spawner");
        let refused = machine.bind(forever(&dropped));
        assert_eq!(refused.unwrap_err(), BindError::NoSpawner);
        machine.remove("Exception").unwrap();
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
    });
}

/// A spawner that runs its task at once nests; the depth is bounded and nothing is lost.
#[test]
fn a_spawner_may_run_the_task_itself() {
    within_stack(512 << 10, || {
        let handlers = Handlers::new(0).state_async("Hit", |count, event: OwnedEvent| {
            *count += 1;
            let again = *count < 1000;
            async move {
                if again {
                    event.machine().unwrap().add("Hit").unwrap();
                }
            }
        });
        let machine = Machine::builder("m", SchemaDef::new().state("Hit", StateDef::new().multi()))
            .spawner(block_on)
            .handlers(handlers)
            .build();
        machine.add("Hit").unwrap();
        assert_eq!(machine.tick("Hit"), 2 * 1000 - 1);
    });
}

#[test]
fn tasks_on_other_threads_lose_nothing() {
    within(|| {
        let (spawn, tasks) = mpsc::channel();
        let schema = SchemaDef::new().state("Hit", StateDef::new().multi());
        let inside = Arc::new(AtomicUsize::new(0));
        let handlers = Handlers::new(inside).state_async("Hit", |inside, _| {
            let inside = inside.clone();
            async move {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
            }
        });
        let machine = Machine::builder("m", schema)
            .spawner(move |task| spawn.send(task).unwrap())
            .handlers(handlers)
            .build();
        let tasks = Arc::new(Mutex::new(tasks));
        let workers = [(); 2].map(|()| {
            let tasks = tasks.clone();
            thread::spawn(move || {
                loop {
                    let task = tasks.lock().unwrap().recv();
                    let Ok(task) = task else { return };
                    block_on(task);
                }
            })
        });
        let accepted: u64 = thread::scope(|scope| {
            let hammer = || {
                let outcomes = (0..2000).map(|_| machine.add("Hit").unwrap());
                outcomes
                    .filter(|outcome| *outcome != Outcome::Canceled)
                    .count() as u64
            };
            let threads = [scope.spawn(hammer), scope.spawn(hammer)];
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        block_on(machine.when_queue_ends()).unwrap();
        assert_eq!(
            (machine.tick("Hit"), machine.last_error()),
            (2 * accepted - 1, None)
        );
        drop(machine);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
