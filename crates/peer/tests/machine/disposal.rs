//! The end of a machine, in order.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use statemesh::machine::{Timeouts, Transition};
use statemesh::prelude::*;

use crate::kit::{Log, Still, Tasks, block_on, plain, poll_once, within};

/// Says so when it is dropped.
struct Drops(Log, &'static str);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

#[test]
fn everything_ends_in_its_order() {
    within(|| {
        let log = Log::default();
        let held = Drops(log.clone(), "handlers");
        let handlers = Handlers::new((log.clone(), held))
            .end("Start", |(log, _), event| {
                log.push("StartEnd");
                event.machine().add("Saved").unwrap();
            })
            .state("Saved", |(log, _), event| {
                let refused = event.machine().add("Start").unwrap();
                log.push(format!("Saved,{refused:?}"));
            });
        let machine = Machine::builder("m", plain(&["Start", "Saved"]))
            .handlers(handlers)
            .build();
        machine.add("Start").unwrap();
        let observed = log.clone();
        let _trace = machine.trace(move |it: &Transition| observed.push(format!("{:?}", it.kind)));
        let held = Drops(log.clone(), "condition");
        let mut query = machine.when_query(move |_| {
            let _ = &held;
            false
        });
        let mut gone = machine.when_disposed();
        for (wait, what) in [(&mut query, "wait"), (&mut gone, "gone")] {
            let (log, weak) = (log.clone(), machine.downgrade());
            let woken = move || {
                let is_disposed = weak.upgrade().is_some_and(|machine| machine.is_disposed());
                log.push(format!("{what},{is_disposed}"));
            };
            assert_eq!(poll_once(wait, woken), Poll::Pending);
        }
        for hook in ["hook1", "never", "hook2"] {
            let log = log.clone();
            let guard = machine.on_dispose(move || log.push(hook));
            match hook {
                "never" => drop(guard),
                _ => guard.keep(),
            }
        }
        machine.dispose();
        assert_eq!(
            log.take(),
            "StartEnd Remove Saved,Canceled Add wait,true hook1 hook2 condition handlers gone,true"
        );
        assert_eq!(
            (block_on(query), block_on(gone)),
            (Err(WaitError::Disposed), Ok(()))
        );
        assert_eq!(
            (machine.active(), machine.pending_waits()),
            (vec!["Saved".to_owned()], 0)
        );
        assert_eq!(block_on(machine.when_disposed()), Ok(()));
        let late = log.clone();
        let _guard = machine.on_dispose(move || late.push("at once"));
        machine.dispose();
        machine.dispose_now();
        assert_eq!(log.take(), "at once");
    });
}

/// A drain under way is not cut: what was queued before runs, what comes later is refused.
#[test]
fn disposal_waits_for_a_drain_on_another_thread() {
    within(|| {
        let inside = Arc::new(Barrier::new(2));
        let meet = inside.clone();
        let handlers = Handlers::new(()).state("A", move |(), _| {
            meet.wait();
            meet.wait();
        });
        let machine = Machine::builder("m", plain(&["A", "B", "Start"]))
            .handlers(handlers)
            .build();
        machine.add("Start").unwrap();
        thread::scope(|scope| {
            let adding = scope.spawn(|| machine.add("A"));
            inside.wait();
            let queued = machine.add("B").unwrap();
            let (ran, gone) = (machine.when_queue(queued), machine.when_disposed());
            machine.dispose();
            machine.dispose();
            assert!(!machine.is_disposed() && machine.will_be_removed("Start"));
            assert!(
                matches!(machine.add(["A", "B"]), Ok(Outcome::Queued(_))),
                "until then"
            );
            assert_eq!(gone.now(), None);
            inside.wait();
            assert_eq!((block_on(ran), block_on(gone)), (Ok(()), Ok(())));
            assert_eq!(adding.join().unwrap(), Ok(Outcome::Executed));
        });
        assert_eq!(machine.clock(), [1, 1, 2, 0]);
    });
}

#[test]
fn a_handler_that_needs_time_is_waited_for() {
    within(|| {
        let gate = Machine::new("gate", plain(&["Open"]));
        let opening = gate.clone();
        let handlers = Handlers::new(()).end_async("Start", move |(), _| {
            let open = opening.when("Open");
            async move { open.await.unwrap() }
        });
        let tasks = Tasks::default();
        let machine = tasks.machine(plain(&["Start"]), handlers);
        machine.add("Start").unwrap();
        machine.dispose();
        let gone = machine.when_disposed();
        assert_eq!(
            (tasks.poll(), gone.now(), machine.is_disposed()),
            (1, None, false)
        );
        gate.add("Open").unwrap();
        assert_eq!((tasks.poll(), gone.now()), (0, Some(Ok(()))));
        assert!(machine.is_disposed());
    });
}

/// Unless there are timeouts.
#[test]
fn a_disposal_that_takes_too_long_is_forced() {
    within(|| {
        let (time, tasks, log) = (Still::default(), Tasks::default(), Log::default());
        let held = log.clone();
        let handlers = Handlers::new(()).end_async("Start", move |(), _| {
            let held = Drops(held.clone(), "future");
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        });
        let timeouts = Timeouts {
            handler: Duration::from_secs(60),
            ..Timeouts::default()
        };
        let push = tasks.clone();
        let machine = Machine::builder("m", plain(&["Start", "A"]))
            .timeouts(timeouts, time.clone())
            .spawner(move |task| push.push(task))
            .handlers(handlers)
            .build();
        machine.add("Start").unwrap();
        machine.dispose();
        let gone = machine.when_disposed();
        assert_eq!(tasks.poll(), 3, "the handler and two watchdogs");
        time.advance(timeouts.dispose - Duration::from_micros(1));
        assert_eq!((tasks.poll(), gone.now()), (3, None));
        time.advance(Duration::from_micros(1));
        tasks.poll();
        assert_eq!((gone.now(), &*log.take()), (Some(Ok(())), "future"));
        assert_eq!(tasks.poll(), 0);

        let quick = Machine::builder("quick", plain(&["Start"]))
            .timeouts(timeouts, time)
            .spawner(|_| panic!("nothing to wait for"))
            .build();
        quick.dispose();
        assert!(quick.is_disposed());
    });
}

#[test]
fn the_last_handle_disposes() {
    within(|| {
        let log = Log::default();
        let held = Drops(log.clone(), "handlers");
        let machine = Machine::builder("m", plain(&["Start"]))
            .handlers(Handlers::new(held).end("Start", |held, _| held.0.push("never")))
            .build();
        machine.add("Start").unwrap();
        let hook = log.clone();
        machine.on_dispose(move || hook.push("hook")).keep();
        let (wait, gone) = (machine.when_not("Start"), machine.when_disposed());
        drop(machine);
        assert_eq!(
            (block_on(wait), block_on(gone)),
            (Err(WaitError::Disposed), Ok(()))
        );
        assert_eq!(log.take(), "hook handlers");
    });
}
