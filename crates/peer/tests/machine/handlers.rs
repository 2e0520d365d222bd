//! Which handlers run, in which order, and what they decide and see.

use std::sync::{Arc, Mutex};

use statemesh::core::engine::BindingId;
use statemesh::machine::Binding;
use statemesh::prelude::*;

use crate::kit::{Log, plain, within};

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
                    .enter("A", |(), _| -> bool { panic!("no {}", "way") })
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
        target.add_args("A", 7_u32).unwrap();
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
        assert_eq!(log.take(), "Remove:A>B+C:auto=false:None");
    });
}

#[test]
fn a_set_can_be_taken_off_again() {
    within(|| {
        let log = Log::default();
        let machine = Machine::new("m", plain(&["A"]));
        let slot = Arc::new(Mutex::new(None::<Binding>));
        let own = slot.clone();
        let held = Arc::new(());
        let leaves = Handlers::new((log.clone(), held.clone()))
            .enter("A", move |(log, held), _| {
                own.lock().unwrap().take().unwrap().unbind();
                assert_eq!(Arc::strong_count(held), 2, "still called");
                log.accept("leaves")
            })
            .state("A", |(log, _), _| log.push("never"));
        let stays = Handlers::new(log.clone()).state("A", |log, _| log.push("stays"));
        let first = machine.bind(leaves).unwrap();
        assert_eq!(first.id(), Some(BindingId(0)));
        *slot.lock().unwrap() = Some(first);
        drop(machine.bind(stays).unwrap());
        machine.add("A").unwrap();
        assert_eq!(
            (&*log.take(), Arc::strong_count(&held)),
            ("leaves stays", 1)
        );
        machine.remove("A").unwrap();
        machine.add("A").unwrap();
        assert_eq!((&*log.take(), machine.last_error()), ("stays", None));
        machine.dispose();
        let late = machine
            .bind(Handlers::new(held.clone()).any_state(|_, _| ()))
            .unwrap();
        assert_eq!((late.id(), Arc::strong_count(&held)), (None, 1));
        late.unbind();
    });
}
