//! Mutations that are awaited, asked for, tried again; and groups of machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use statemesh::group::GroupError;
use statemesh::machine::{MachineError, Retry, RetryError};
use statemesh::prelude::*;
use statemesh::timer;

use crate::kit::{Log, Still, block_on, plain, poll_once, within};

states! {
    enum S { Free, Busy { require: [Free] }, Counted { multi } }
}

/// Accepts `Busy` from that try on, and counts the tries.
fn stubborn(accepts: u32) -> (Machine, Arc<AtomicU32>) {
    let tries = Arc::new(AtomicU32::new(0));
    let handlers = Handlers::new(tries.clone()).enter(S::Busy, move |tries, _| {
        tries.fetch_add(1, Ordering::SeqCst) + 1 >= accepts
    });
    let machine = Machine::builder("m", S::schema())
        .handlers(handlers)
        .build();
    machine.add(S::Free).expect("a state of this schema");
    (machine, tries)
}

/// When each try is made, in milliseconds, and what comes of it all.
fn tried(accepts: u32, retry: Retry<S>) -> (Vec<u64>, Result<Outcome, RetryError>) {
    let (machine, tries) = stubborn(accepts);
    let time = Still::default();
    let mut run = Box::pin(retry.run(&machine, &time));
    let mut at = Vec::new();
    for milli in 0..20_000 {
        let poll = poll_once(&mut run, || ());
        while at.len() < tries.load(Ordering::SeqCst) as usize {
            at.push(milli);
        }
        if let Poll::Ready(result) = poll {
            return (at, result);
        }
        time.advance(Duration::from_millis(1));
    }
    panic!("does not end");
}

#[test]
fn a_refused_mutation_is_tried_again_with_doubled_delays() {
    within(|| {
        let executed = Ok(Outcome::Executed);
        assert_eq!(tried(1, Retry::add(S::Busy)), (vec![0], executed.clone()));
        assert_eq!(
            tried(4, Retry::add(S::Busy)),
            (vec![0, 100, 300, 700], executed)
        );
        let late = Err(RetryError::TooLate {
            tries: 7,
            total: Duration::from_secs(5),
        });
        let default = tried(100, Retry::add(S::Busy));
        assert_eq!(default, (vec![0, 100, 300, 700, 1_500, 3_100, 5_000], late));
        let retry = Retry::add(S::Busy)
            .tries(4)
            .longest_delay(Duration::from_millis(150));
        let canceled = Err(RetryError::Canceled { tries: 4 });
        assert_eq!(tried(100, retry), (vec![0, 100, 250, 400], canceled));
    });
}

#[test]
fn a_retry_ends_with_its_machine_and_changes_nothing_when_dropped() {
    within(|| {
        let time = Still::default();
        let (machine, tries) = stubborn(100);
        let mut run = Box::pin(Retry::add(S::Busy).args(7).run(&machine, &time));
        assert!(poll_once(&mut run, || ()).is_pending());
        machine.dispose();
        time.advance(Duration::from_millis(100));
        assert_eq!(
            poll_once(&mut run, || ()),
            Poll::Ready(Err(RetryError::Disposed))
        );
        assert_eq!(tries.load(Ordering::SeqCst), 1);
        let unknown = block_on(Retry::set("Nope").run(&machine, &time)).unwrap_err();
        assert_eq!(unknown.to_string(), "machine m has no state Nope");
    });
}

#[test]
fn arguments_come_with_every_try() {
    within(|| {
        let log = Log::default();
        let handlers =
            Handlers::new(log.clone()).enter(S::Counted, |log: &mut Log, event: &Event<'_>| {
                log.push(format!("{:?}", event.args::<&str>()));
                event.machine().tick(S::Free) > 0
            });
        let machine = Machine::builder("m", S::schema())
            .handlers(handlers)
            .build();
        let time = Still::default();
        let mut run = Box::pin(Retry::add([S::Counted]).args("x").run(&machine, &time));
        assert!(poll_once(&mut run, || ()).is_pending());
        machine.add(S::Free).unwrap();
        time.advance(Duration::from_secs(1));
        assert_eq!(
            poll_once(&mut run, || ()),
            Poll::Ready(Ok(Outcome::Executed))
        );
        assert_eq!(log.take(), "Some(\"x\") Some(\"x\")");
    });
}

#[test]
fn mutations_are_awaited_to_their_end() {
    within(|| {
        let (machine, _) = stubborn(2);
        assert_eq!(
            block_on(machine.add_and_wait(S::Busy)),
            Ok(false),
            "refused"
        );
        assert_eq!(block_on(machine.add_and_wait(S::Busy)), Ok(true));
        assert_eq!(block_on(machine.remove_and_wait(S::Free)), Ok(true));
        assert!(machine.not(S::Busy));
        let inner = machine.clone();
        let handlers = Handlers::new(None).state(S::Counted, move |wait, _| {
            *wait = Some(Box::pin(inner.clone().add_owned()));
            assert!(
                poll_once(wait.as_mut().unwrap(), || ()).is_pending(),
                "queued"
            );
        });
        machine.bind(handlers).unwrap();
        machine.add(S::Counted).unwrap();
        assert!(machine.is(S::Free), "and runs without being awaited");
        assert!(block_on(machine.add_and_wait("Nope")).is_err());
    });
}

/// [`Machine::add_and_wait`] with a machine of its own.
trait Owned {
    fn add_owned(self) -> impl Future<Output = Result<bool, WaitError>> + Send + 'static;
}

impl Owned for Machine {
    async fn add_owned(self) -> Result<bool, WaitError> {
        self.add_and_wait(S::Free).await
    }
}

#[test]
fn one_state_is_asked_for_and_another_answers() {
    within(|| {
        let machine = Machine::new("m", plain(&["Ask", "Answer"]));
        let answers = Handlers::new(()).state("Ask", |(), event: &Event<'_>| {
            event.machine().remove("Answer").unwrap();
            event.machine().add("Answer").unwrap();
        });
        machine.bind(answers).unwrap();
        machine.add("Answer").unwrap();
        let answered = machine.add_until("Ask", "Answer").unwrap().unwrap();
        assert_eq!(answered.now(), Some(Ok(())));
        let (refusing, _) = stubborn(2);
        assert!(refusing.add_until(S::Busy, S::Counted).unwrap().is_none());
        assert_eq!(refusing.pending_waits(), 0);
        assert!(refusing.add_until(S::Counted, "Nope").is_err());
        assert_eq!(refusing.tick(S::Counted), 0, "nothing was added");
    });
}

#[test]
fn what_would_be_refused_is_not_tried() {
    within(|| {
        let (machine, _) = stubborn(2);
        let log = Log::default();
        let told = log.clone();
        let _trace = machine.trace(move |it| {
            let check = if it.is_check { "check" } else { "apply" };
            told.push(format!("{check} {}", it.accepted));
        });
        assert_eq!(machine.ask_add(S::Busy), Ok(Outcome::Canceled));
        assert_eq!(log.take(), "check false");
        assert_eq!(machine.ask_add(S::Busy), Ok(Outcome::Executed));
        assert_eq!(machine.ask_remove(S::Busy), Ok(Outcome::Executed));
        assert_eq!(log.take(), "check true apply true check true apply true");
    });
}

#[test]
fn a_group_waits_for_all_and_for_any() {
    within(|| {
        let group = Group::new(["a", "b", "c"].map(|id| Machine::new(id, plain(&["A", "B"]))));
        let [a, b, c] = group.machines() else {
            panic!("three")
        };
        let (mut all, mut any) = (group.when_all(["A", "B"]), group.when_any("B"));
        a.add(["A", "B"]).unwrap();
        assert_eq!(poll_once(&mut any, || ()), Poll::Ready(Ok(0)));
        b.add(["A", "B"]).unwrap();
        assert!(poll_once(&mut all, || ()).is_pending() && group.any("B") && !group.all("B"));
        a.remove("A").unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| block_on(all));
            c.add(["A", "B"]).unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(()));
        });
        assert!(group.all("B") && !group.all("A"));
        assert_eq!(block_on(Group::new([]).when_all("A")), Ok(()));
        assert_eq!(
            block_on(Group::new([]).when_any("A")),
            Err(GroupError::Empty)
        );
        assert!(
            group
                .machines()
                .iter()
                .all(|machine| machine.pending_waits() == 0)
        );
    });
}

#[test]
fn a_wait_may_be_given_up_in_time() {
    within(|| {
        let (machine, time) = (Machine::new("m", S::schema()), Still::default());
        let second = Duration::from_secs(1);
        let mut late = Box::pin(timer::within(&time, second, machine.when(S::Free)));
        let mut soon = Box::pin(timer::within(&time, 2 * second, machine.when(S::Free)));
        assert!(poll_once(&mut late, || ()).is_pending());
        time.advance(second);
        assert_eq!(poll_once(&mut late, || ()), Poll::Ready(None));
        drop(late);
        assert_eq!(machine.pending_waits(), 1);
        machine.add(S::Free).unwrap();
        time.advance(second);
        assert_eq!(
            poll_once(&mut soon, || ()),
            Poll::Ready(Some(Ok(()))),
            "both at once"
        );
    });
}

#[test]
fn a_group_fails_with_its_machines() {
    within(|| {
        let machines = ["a", "b"].map(|id| Machine::new(id, plain(&["A"])));
        let group = Group::new(machines.clone());
        let strict = group.clone().failing_on_exception();
        let (mut lenient, mut all) = (group.when_all("A"), strict.when_all("A"));
        machines[0].add("A").unwrap();
        let none: [&str; 0] = [];
        machines[1].add_error(none, "fuse").unwrap();
        let error = Some(Arc::new(MachineError::Raised("fuse".to_owned())));
        let failed = GroupError::Exception {
            machine: "b".to_owned(),
            error,
        };
        assert_eq!(failed.to_string(), "machine b is in Exception: fuse");
        assert_eq!(poll_once(&mut all, || ()), Poll::Ready(Err(failed.clone())));
        assert_eq!(block_on(strict.when_any("A")), Err(failed), "at once");
        assert!(poll_once(&mut lenient, || ()).is_pending());
        machines[0].remove("A").unwrap();
        let any = group.when_any("A");
        machines.iter().for_each(Machine::dispose);
        let disposed = |machine: &str| GroupError::Wait {
            machine: machine.to_owned(),
            error: WaitError::Disposed,
        };
        assert_eq!(block_on(lenient), Err(disposed("b")));
        assert_eq!(block_on(any), Err(disposed("b")), "the last that was left");
    });
}
