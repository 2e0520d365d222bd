//! Evals between transitions, questions to the queue.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use statemesh::core::QueueTick;
use statemesh::core::engine::{MutationKind, QueueFilter};
use statemesh::machine::{Eval, EvalError, Transition};
use statemesh::prelude::*;

use crate::kit::{Log, Tasks, block_on, plain, within};

/// Behind the running transition and its Auto states, before what was queued; no observer hears of it.
#[test]
fn an_eval_runs_between_transitions() {
    within(|| {
        let log = Log::default();
        let evals = Arc::new(Mutex::new(Vec::new()));
        let schema = plain(&["A", "B"]).state("C", StateDef::new().auto().require(["A"]));
        let (note, told) = (evals.clone(), log.clone());
        let handlers = Handlers::new(log.clone())
            .state("A", move |log, event| {
                event.machine().add("B").unwrap();
                for name in ["1", "2"] {
                    let told = told.clone();
                    let eval = event.machine().eval(move |machine| {
                        told.push(format!("eval{name}:{}", machine.active().join("+")));
                        machine.add("B").unwrap()
                    });
                    note.lock().unwrap().push(eval);
                }
                log.push("A");
            })
            .any_state(|log, _| log.push("AnyState"));
        let machine = Machine::builder("m", schema).handlers(handlers).build();
        let observed = log.clone();
        let _guard = machine.trace(move |_: &Transition| observed.push("end"));
        machine.add("A").unwrap();
        assert_eq!(
            log.take(),
            "A AnyState end AnyState end eval2:A+C eval1:A+C AnyState end"
        );
        for eval in evals.lock().unwrap().drain(..) {
            assert_eq!(
                block_on(eval),
                Ok(Outcome::Queued(QueueTick(3))),
                "a duplicate"
            );
        }
        assert_eq!(machine.clock(), [1, 1, 1, 0]);
    });
}

#[test]
fn an_eval_without_a_result_says_why() {
    within(|| {
        let machine = Machine::new("m", plain(&["A"]));
        let mut panics = machine.eval(|_| -> u32 { panic!("odd") });
        assert_eq!(
            panics.now(),
            Some(Err(EvalError::Panicked("odd".to_owned())))
        );
        assert_eq!(
            machine.add("A"),
            Ok(Outcome::Executed),
            "the machine goes on"
        );
        assert_eq!(block_on(machine.eval(|machine| machine.tick("A"))), Ok(1));

        let tasks = Tasks::default();
        let stuck = Handlers::new(()).state_async("A", |(), _| std::future::pending());
        let machine = tasks.machine(plain(&["A"]), stuck);
        machine.add("A").unwrap();
        let held = Arc::new(());
        let hold = |held: &Arc<()>| {
            let held = held.clone();
            machine.eval(move |_| Arc::strong_count(&held))
        };
        let mut evals: Vec<Eval<usize>> = (0..1001).map(|_| hold(&held)).collect();
        assert_eq!(evals.pop().unwrap().now(), Some(Err(EvalError::QueueFull)));
        assert_eq!((evals[0].now(), machine.queue_len()), (None, 1000));
        assert_eq!(Arc::strong_count(&held), 1001);
        let waiting = thread::spawn(move || block_on(evals.pop().unwrap()));
        machine.dispose_now();
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(waiting.join().unwrap(), Err(EvalError::Dropped));
        assert_eq!(hold(&held).now(), Some(Err(EvalError::Dropped)));
    });
}

#[test]
fn evals_of_many_threads_are_alone_with_the_machine() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let inside = Arc::new(AtomicBool::new(false));
        let swapped = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let (inside, swapped) = (inside.clone(), swapped.clone());
                        let eval = machine.eval(move |machine| {
                            assert!(!inside.swap(true, Ordering::SeqCst), "not alone");
                            let before = machine.clock();
                            let next = if machine.is("A") { "B" } else { "A" };
                            thread::yield_now();
                            assert_eq!(machine.clock(), before);
                            inside.store(false, Ordering::SeqCst);
                            machine.set(next).unwrap();
                            swapped.fetch_add(1, Ordering::SeqCst);
                        });
                        block_on(eval).unwrap();
                    }
                });
            }
        });
        assert_eq!(swapped.load(Ordering::SeqCst), 1500);
        assert_eq!(machine.last_error(), None);
    });
}

#[test]
fn the_queue_can_be_asked() {
    within(|| {
        let answers = Log::default();
        let handlers = Handlers::new(answers.clone()).state("A", |answers, event| {
            let machine = event.machine();
            machine.add(["B", "C"]).unwrap();
            machine.remove("A").unwrap();
            assert!(machine.will_be("B") && machine.will_be(["C", "B"]));
            assert!(!machine.will_be("A") && !machine.will_be_removed("B"));
            assert!(machine.will_be_removed("A") && !machine.will_be("Nobody"));
            assert_eq!(
                (machine.queue_len(), machine.queue_tick()),
                (2, QueueTick(2))
            );
            let removes = QueueFilter::new(MutationKind::Remove, &[]);
            let [waiting] = machine.queued(removes)[..] else {
                panic!("one removal waits");
            };
            assert_eq!(
                (waiting.position, waiting.queue_tick),
                (1, Some(QueueTick(4)))
            );
            answers.push("asked");
        });
        let machine = Machine::builder("m", plain(&["A", "B", "C"]))
            .handlers(handlers)
            .build();
        assert!(!machine.is_draining());
        machine.add("A").unwrap();
        assert_eq!((&*answers.take(), machine.last_error()), ("asked", None));
        assert_eq!(
            (machine.queue_len(), machine.queue_tick()),
            (0, QueueTick(4))
        );
        assert_eq!((machine.machine_time(), machine.machine_tick()), (4, 0));
        assert!(machine.time().is(&[StateIdx(1), StateIdx(2)]));
    });
}

#[test]
fn ticks_can_be_compared() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        machine.add(["A", "B"]).unwrap();
        machine.remove("A").unwrap();
        assert!(machine.is_time(["A", "B"], &[2, 1]) && !machine.is_time("A", &[1]));
        assert!(machine.was_time(["A", "B"], &[1, 1]) && !machine.was_time("B", &[2]));
        for unfit in [&[][..], &[2], &[2, 1, 0]] {
            assert!(!machine.is_time(["A", "B"], unfit) && !machine.was_time(["A", "B"], unfit));
        }
        assert!(!machine.was_time("Nobody", &[0]));
        assert_eq!(machine.first_active(&["Nobody", "A", "B"]), Some("B"));
        assert_eq!(machine.first_active(&["A", "Exception"]), None);
    });
}
