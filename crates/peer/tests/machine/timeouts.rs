//! Handlers that take too long, in virtual time.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use statemesh::core::QueueTick;
use statemesh::core::engine::{Answer, Handler};
use statemesh::machine::{MachineBuilder, MachineError, Overrun, Timeouts, TraceGuard, Transition};
use statemesh::prelude::*;

use crate::kit::{Log, Still, Tasks, block_on, plain, within};

/// Those of the model.
const HANDLER: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_secs(10);
const BACKOFF: Duration = Duration::from_secs(3);

/// A machine over A and B whose time stands still.
fn slow<T: Send + 'static>(time: &Still, tasks: &Tasks, handlers: Handlers<T>) -> Machine {
    let push = tasks.clone();
    let builder: MachineBuilder = Machine::builder("m", plain(&["A", "B"]));
    builder
        .timeouts(Timeouts::default(), time.clone())
        .spawner(move |task| push.push(task))
        .handlers(handlers)
        .build()
}

fn overruns(machine: &Machine) -> (Arc<Mutex<Vec<Overrun>>>, TraceGuard) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = told.clone();
    let guard = machine.on_overrun(move |overrun| note.lock().unwrap().push(*overrun));
    (told, guard)
}

/// Answers as the gate says.
fn gated(gate: &Machine, log: &Log) -> Handlers<Log> {
    let [enter, state] = [gate.clone(), gate.clone()];
    Handlers::new(log.clone())
        .enter_async("A", move |_, _| {
            let open = enter.when("Enter");
            async move { open.await.is_ok() }
        })
        .state_async("A", move |log, _| {
            let (log, open) = (log.clone(), state.when("State"));
            async move {
                open.await.unwrap();
                log.push("AState");
            }
        })
        .state("Exception", |log, event| {
            log.push(event.error().unwrap().to_string());
        })
}

#[test]
fn a_synchronous_overrun_is_told_once_and_its_result_kept() {
    within(|| {
        let time = Still::default();
        let (enter, state) = (time.clone(), time.clone());
        let handlers = Handlers::new(())
            .enter("A", move |(), _| {
                enter.advance(HANDLER);
                true
            })
            .enter("B", |(), _| false)
            .state("A", move |(), _| state.advance(HANDLER * 2));
        let machine = slow(&time, &Tasks::default(), handlers);
        let (told, _guard) = overruns(&machine);
        assert_eq!(machine.add("A"), Ok(Outcome::Executed));
        assert_eq!(machine.add("B"), Ok(Outcome::Canceled));
        let [overrun] = told.lock().unwrap()[..] else {
            panic!("{told:?}");
        };
        assert_eq!(overrun.handler, Handler::State(StateIdx(0)));
        assert_eq!((overrun.took, overrun.is_running), (HANDLER * 2, false));
        assert_eq!(
            (machine.last_overrun(), machine.last_error()),
            (Some(overrun), None)
        );
    });
}

#[test]
fn in_time_is_in_time() {
    within(|| {
        let (time, tasks, log) = (Still::default(), Tasks::default(), Log::default());
        let gate = Machine::new("gate", plain(&["Enter", "State"]));
        let machine = slow(&time, &tasks, gated(&gate, &log));
        let (told, _guard) = overruns(&machine);
        machine.add("A").unwrap();
        tasks.poll();
        time.advance(HANDLER - Duration::from_micros(1));
        assert_eq!(tasks.poll(), 2, "the handler and its watchdog");
        gate.add("Enter").unwrap();
        assert_eq!(tasks.poll(), 2, "those of the next handler");
        gate.add("State").unwrap();
        assert_eq!(tasks.poll(), 0, "no watchdog stays behind");
        assert_eq!((&*log.take(), told.lock().unwrap().len()), ("AState", 0));
        assert!(machine.is("A"));
    });
}

/// Behind its timeout and before its deadline: a veto in negotiation, a repair behind the commit, no exception.
#[test]
fn a_late_answer_is_a_timeout() {
    within(|| {
        let (time, tasks, log) = (Still::default(), Tasks::default(), Log::default());
        let gate = Machine::new("gate", plain(&["Enter", "State"]));
        let machine = slow(&time, &tasks, gated(&gate, &log));
        let (told, _overruns) = overruns(&machine);
        let refused = Log::default();
        let note = refused.clone();
        let _records = machine.trace(move |transition: &Transition| {
            for it in &transition.refusals {
                assert_eq!(it.answer, Answer::Timeout);
                note.push(format!(
                    "{:?}: {}",
                    it.handler,
                    it.reason.as_deref().unwrap()
                ));
            }
        });
        machine.add("A").unwrap();
        let after = machine.add("B").unwrap();
        tasks.poll();
        time.advance(HANDLER);
        assert_eq!(tasks.poll(), 2);
        assert_eq!(told.lock().unwrap().len(), 1, "told while it runs");
        assert!(machine.last_overrun().unwrap().is_running);
        assert_eq!(
            machine.when_queue(after).now(),
            None,
            "the queue still waits"
        );
        gate.add("Enter").unwrap();
        assert_eq!(tasks.poll(), 0);
        assert_eq!(
            (machine.clock(), machine.last_error()),
            (vec![0, 1, 0], None)
        );
        assert_eq!(refused.take(), "Enter(StateIdx(0)): it took too long");

        machine.add("A").unwrap();
        assert_eq!(tasks.poll(), 2, "its final handler");
        time.advance(HANDLER);
        tasks.poll();
        gate.add("State").unwrap();
        assert_eq!(tasks.poll(), 0);
        assert_eq!(
            (machine.clock(), machine.last_error()),
            (vec![2, 1, 0], None)
        );
        assert_eq!(refused.take(), "State(StateIdx(0)): it took too long");
        assert_eq!((&*log.take(), told.lock().unwrap().len()), ("AState", 2));
    });
}

#[test]
fn a_deadline_drops_the_queue_and_closes_the_machine_for_a_while() {
    within(|| {
        let (time, tasks, log) = (Still::default(), Tasks::default(), Log::default());
        let gate = Machine::new("gate", plain(&["Enter", "State"]));
        let machine = slow(&time, &tasks, gated(&gate, &log));
        let first = machine.add("A").unwrap();
        let dropped = machine.add("B").unwrap();
        assert_eq!(dropped, Outcome::Queued(QueueTick(3)));
        let waits = [first, dropped].map(|outcome| machine.when_queue(outcome));
        tasks.poll();
        time.advance(HANDLER);
        tasks.poll();
        time.advance(DEADLINE);
        tasks.poll();
        assert_eq!(tasks.poll(), 0, "the handler is dropped");
        let error = MachineError::Timeout {
            handler: "AEnter".to_owned(),
        };
        assert_eq!(machine.last_error().as_deref(), Some(&error));
        assert_eq!(log.take(), "handler AEnter was given up at its deadline");
        assert_eq!(machine.active(), ["Exception"]);
        assert_eq!(waits.map(|wait| wait.now()), [Some(Ok(())), Some(Ok(()))]);

        for refused in [
            machine.add("B"),
            machine.remove("Exception"),
            machine.can_add("B"),
            machine.toggle("B"),
            machine.add_error("B", "no"),
        ] {
            assert_eq!(refused, Ok(Outcome::Canceled));
        }
        assert_eq!(
            machine.set("B"),
            Ok(Outcome::Executed),
            "set is not refused"
        );
        time.advance(BACKOFF - Duration::from_micros(1));
        assert_eq!(machine.remove("B"), Ok(Outcome::Canceled));
        time.advance(Duration::from_micros(1));
        assert_eq!(machine.remove("B"), Ok(Outcome::Executed));
        let next = machine.add("B");
        assert_eq!(next, Ok(Outcome::Executed));
        assert!(machine.is("B"));
    });
}

/// Behind the commit the transition is repaired.
#[test]
fn a_final_handler_at_its_deadline_is_undone() {
    within(|| {
        let (time, tasks, log) = (Still::default(), Tasks::default(), Log::default());
        let gate = Machine::new("gate", plain(&["Enter", "State"]));
        gate.add("Enter").unwrap();
        let machine = slow(&time, &tasks, gated(&gate, &log));
        machine.add("A").unwrap();
        tasks.poll();
        for wait in [HANDLER, DEADLINE] {
            time.advance(wait);
            tasks.poll();
        }
        assert_eq!(machine.clock(), [2, 0, 1]);
        assert_eq!(log.take(), "handler AState was given up at its deadline");
    });
}

/// The handler of the error itself does not end either: that is not one more error, or it would go on for ever.
#[test]
fn an_exception_that_hangs_ends() {
    within(|| {
        let (time, tasks) = (Still::default(), Tasks::default());
        let handlers = Handlers::new(())
            .state_async("A", |(), _| std::future::pending())
            .state_async("Exception", |(), _| std::future::pending());
        let machine = slow(&time, &tasks, handlers);
        machine.add("A").unwrap();
        for _ in 0..2 {
            assert_eq!(tasks.poll(), 2);
            time.advance(HANDLER);
            assert_eq!(tasks.poll(), 2);
            time.advance(DEADLINE);
            tasks.poll();
        }
        assert_eq!(tasks.poll(), 0);
        assert_eq!(machine.active(), [""; 0], "undone");
        time.advance(BACKOFF);
        assert_eq!(machine.add("B"), Ok(Outcome::Executed));
    });
}

/// A future that blocks its thread beyond the deadline answers when another call is pending: not that one's answer.
#[test]
fn the_answer_of_a_call_that_was_given_up_is_ignored() {
    within(|| {
        let (time, tasks) = (Still::default(), Tasks::default());
        let (poll, polled) = mpsc::channel();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Mutex::new(Some(blocked));
        let handlers = Handlers::new(())
            .enter_async("A", move |(), _| {
                let (poll, blocked) = (poll.clone(), blocked.lock().unwrap().take().unwrap());
                async move {
                    poll.send(()).unwrap();
                    blocked.recv().unwrap();
                    panic!("too late for that") as bool
                }
            })
            .enter_async("B", |(), _| std::future::pending::<bool>());
        let machine = slow(&time, &tasks, handlers);
        machine.add("A").unwrap();
        let mut spawned = tasks.take();
        let handler = spawned.remove(0);
        spawned
            .into_iter()
            .for_each(|watchdog| tasks.push(watchdog));
        let stuck = thread::spawn(move || block_on(handler));
        polled.recv().unwrap();
        tasks.poll();
        for wait in [HANDLER, DEADLINE] {
            time.advance(wait);
            tasks.poll();
        }
        assert_eq!(machine.active(), ["Exception"]);
        let given_up = machine.last_error();
        time.advance(BACKOFF);
        let pending = machine.add("B").unwrap();
        let wait = machine.when_queue(pending);
        release.send(()).unwrap();
        stuck.join().unwrap();
        assert_eq!(machine.last_error(), given_up);
        assert_eq!(
            (wait.now(), machine.tick("Exception")),
            (None, 1),
            "B is still asked"
        );
        assert_eq!(tasks.poll(), 2);
    });
}
