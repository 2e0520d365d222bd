//! State contexts: when they end, who is woken, what they leave behind.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::{future::Future, pin::pin};

use statemesh::prelude::*;

use crate::kit::{Log, block_on, poll_once, within};

states! {
    enum S { A { multi }, B, Broken, Gone { require: [B] } }
}

fn machine() -> Machine {
    Machine::new("m", S::schema())
}

fn poll(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut cx) == Poll::Ready(())
}

#[test]
fn a_context_ends_with_the_next_tick_of_its_state() {
    within(|| {
        let machine = machine();
        for state in [S::A, S::B] {
            let mut off = machine.state_ctx(state).unwrap();
            machine.add("Broken").unwrap();
            machine.remove("Broken").unwrap();
            assert!(
                !poll(&mut off) && !off.is_done(),
                "an inactive state has one, too"
            );
            machine.add(state).unwrap();
            assert!(off.is_done() && poll(&mut off));
            let mut on = machine.state_ctx(state).unwrap();
            assert_eq!((off.tick(), on.tick()), (0, 1));
            // Ticks of a Multi state only.
            machine.add(state).unwrap();
            assert_eq!(on.is_done(), state == S::A);
            machine.remove(state).unwrap();
            assert!(on.is_done() && poll(&mut on));
        }
        assert!(machine.state_ctx("Nope").is_err());
    });
}

#[test]
fn it_ends_at_the_commit_before_final_handlers() {
    within(|| {
        let log = Log::default();
        let ended = Log::default();
        let machine = machine();
        let context = machine.state_ctx(S::B).unwrap();
        let woken = ended.clone();
        let mut waiting = context.clone();
        let _ = poll_once(&mut waiting, move || woken.push("woken"));
        let handlers = Handlers::new((log.clone(), context))
            .enter(S::B, |(log, context), _| {
                log.accept(format!("enter {}", context.is_done()))
            })
            .state(S::B, move |(log, context), _| {
                log.push(format!("state {} {}", context.is_done(), ended.take()));
            });
        machine.bind(handlers).unwrap();
        machine.add(S::B).unwrap();
        assert_eq!(log.take(), "enter false state true woken");
    });
}

#[test]
fn a_canceled_transition_ends_none_and_a_repaired_one_does() {
    within(|| {
        let machine = machine();
        let taken: Log = Log::default();
        let (seen, log) = (Arc::new(parking_lot::Mutex::new(None)), taken.clone());
        let slot = seen.clone();
        let handlers = Handlers::new(()).enter(S::Gone, |(), _| false).state(
            S::Broken,
            move |(), event: &Event<'_>| {
                *slot.lock() = Some(event.machine().state_ctx(S::Broken).unwrap());
                log.push("taken");
                panic!("on purpose");
            },
        );
        machine.bind(handlers).unwrap();
        machine.add(S::B).unwrap();
        let stays = machine.state_ctx(S::Gone).unwrap();
        assert_eq!(machine.add(S::Gone), Ok(Outcome::Canceled));
        assert!(!stays.is_done());
        let others = machine.state_ctx(S::B).unwrap();
        machine.add(S::Broken).unwrap();
        let mut broken = seen.lock().take().unwrap();
        assert_eq!(taken.take(), "taken");
        assert!(broken.is_done() && poll(&mut broken) && !others.is_done());
    });
}

#[test]
fn clones_wake_together_and_dropped_ones_do_not() {
    within(|| {
        let machine = machine();
        let woken = Arc::new(AtomicU32::new(0));
        let wait = |context: &StateCtx| {
            let (mut clone, woken) = (context.clone(), woken.clone());
            let _ = poll_once(&mut clone, move || {
                woken.fetch_add(1, Ordering::SeqCst);
            });
            clone
        };
        let context = machine.state_ctx(S::B).unwrap();
        let same = machine.state_ctx(S::B).unwrap();
        let clones = [wait(&context), wait(&same), wait(&context)];
        drop(wait(&context));
        machine.add(S::B).unwrap();
        assert_eq!(woken.load(Ordering::SeqCst), 3);
        assert!(clones.iter().all(StateCtx::is_done));
    });
}

#[test]
fn it_ends_with_the_machine() {
    within(|| {
        let first = machine();
        let (mut disposed, mut gone) = (
            first.state_ctx(S::A).unwrap(),
            machine().state_ctx(S::A).unwrap(),
        );
        assert!(
            gone.is_done() && poll(&mut gone),
            "the last handle was dropped"
        );
        first.dispose();
        assert!(disposed.is_done() && poll(&mut disposed));
        assert!(first.state_ctx(S::A).unwrap().is_done());
    });
}

/// Also when the sum of all ticks is the same after it.
#[test]
fn contexts_end_by_an_import() {
    within(|| {
        let [a, b] = [S::A, S::B].map(|state| {
            let machine = machine();
            machine.add(state).unwrap();
            machine.export()
        });
        let machine = machine();
        let woken = Log::default();
        machine.import(&a).unwrap();
        for (next, ends) in [(&b, S::A), (&a, S::B), (&b, S::A)] {
            let mut context = machine.state_ctx(ends).unwrap();
            let log = woken.clone();
            let _ = poll_once(&mut context, move || log.push("woken"));
            machine.import(next).unwrap();
            assert_eq!(woken.take(), "woken");
            assert!(context.is_done());
        }
    });
}

#[test]
fn work_runs_until_it_is_done_or_unwanted() {
    within(|| {
        let machine = machine();
        let wanted = machine.state_ctx(S::B).unwrap();
        assert_eq!(block_on(wanted.clone().run(async { 7 })), Some(7));
        let thread = std::thread::spawn(move || block_on(wanted.run(pending::<()>())));
        machine.add(S::B).unwrap();
        assert_eq!(thread.join().unwrap(), None);
    });
}
