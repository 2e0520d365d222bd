//! What handlers are told, why they refuse, and arguments with a type.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use statemesh::core::engine::{Answer, Handler};
use statemesh::machine::Transition;
use statemesh::prelude::*;

use crate::kit::{Log, plain, within};

/// Who refused in each transition, as `Enter(0): reason`.
fn refusals(machine: &Machine) -> (Arc<Mutex<Vec<String>>>, statemesh::machine::TraceGuard) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let guard = machine.trace(move |transition: &Transition| {
        for refusal in &transition.refusals {
            let reason = refusal.reason.as_deref().unwrap_or("-");
            let (handler, set) = (refusal.handler, refusal.binding.0);
            let text = format!("{handler:?} of set {set}, {:?}: {reason}", refusal.answer);
            note.lock().unwrap().push(text);
        }
    });
    (seen, guard)
}

#[test]
fn a_veto_has_a_reason() {
    within(|| {
        let full = |_: &mut (), _: &Event<'_>| Err::<(), _>("the basket is full");
        let machine = Machine::builder("m", plain(&["A", "B", "C"]))
            .handlers(Handlers::new(()).enter("A", |(), _| true).enter("A", full))
            .handlers(Handlers::new(()).enter("B", |(), _| false))
            .handlers(
                Handlers::new(())
                    .enter("C", |(), _| -> bool { panic!("C is broken") })
                    .state("Exception", |(), _| panic!("so is Exception")),
            )
            .build();
        assert_eq!(machine.add("A"), Ok(Outcome::Canceled), "nobody listens");
        let (seen, guard) = refusals(&machine);
        assert_eq!(machine.add("A"), Ok(Outcome::Canceled));
        assert_eq!(machine.can_add("B"), Ok(Outcome::Canceled));
        assert_eq!(machine.add("C"), Ok(Outcome::Canceled));
        let expected = [
            "Enter(StateIdx(0)) of set 0, Veto: the basket is full",
            "Enter(StateIdx(1)) of set 1, Veto: -",
            "Enter(StateIdx(2)) of set 2, Panic: C is broken",
            "State(StateIdx(3)) of set 2, Panic: so is Exception",
        ];
        assert_eq!(*seen.lock().unwrap(), expected);
        drop(guard);
        assert_eq!(machine.add("A"), Ok(Outcome::Canceled));
        assert_eq!(seen.lock().unwrap().len(), 4);
    });
}

/// An Auto state that is refused drops out alone; the record of the accepted transition says so.
#[test]
fn a_refused_auto_state_is_in_the_record_of_what_went_through() {
    within(|| {
        let schema = plain(&["A"])
            .state("Shy", StateDef::new().auto())
            .state("Eager", StateDef::new().auto());
        let shy = |_: &mut (), _: &Event<'_>| Err::<(), _>("not today");
        let machine = Machine::builder("m", schema)
            .handlers(Handlers::new(()).enter("Shy", shy))
            .build();
        let records = Arc::new(Mutex::new(Vec::new()));
        let note = records.clone();
        let _guard = machine.trace(move |it| note.lock().unwrap().push(it.clone()));
        machine.add("A").unwrap();
        assert_eq!(machine.active(), ["Eager", "A"]);
        let records = records.lock().unwrap();
        let [plain, auto] = &records[..] else {
            panic!("{records:?}");
        };
        assert!(plain.refusals.is_empty() && auto.is_auto && auto.accepted);
        let refusal = &auto.refusals[0];
        assert_eq!(refusal.handler, Handler::Enter(StateIdx(1)));
        assert_eq!(refusal.answer, Answer::Veto);
        assert_eq!(refusal.reason.as_deref(), Some("not today"));
    });
}

#[test]
fn an_event_names_states_and_causes() {
    within(|| {
        let log = Log::default();
        let tell = |log: &mut Log, event: &Event<'_>| {
            let lists = [
                event.before(),
                event.enters(),
                event.exits(),
                event.target(),
            ];
            let lists = lists.map(|list| list.iter().map(ToString::to_string).collect::<String>());
            let cause = event
                .cause()
                .map(|cause| format!("{}#{}", cause.machine, cause.tx.0));
            log.push(format!(
                "{:?} {} {cause:?}",
                event.handler(),
                lists.join("|")
            ));
        };
        let schema = plain(&["A", "B"]).state("M", StateDef::new().multi());
        let machine = Machine::builder("m", schema)
            .handlers(Handlers::new(log.clone()).state("M", tell).exit("A", {
                move |log, event| {
                    tell(log, event);
                    true
                }
            }))
            .build();
        machine.add(["A", "M"]).unwrap();
        machine.set(["M", "B"]).unwrap();
        let other = Machine::new("other", plain(&["Go"]));
        let driven = machine.clone();
        let drive = Handlers::new(()).state("Go", move |(), event| {
            driven.add_from(event, "M").unwrap();
        });
        other.bind(drive).unwrap();
        other.add("Go").unwrap();
        let expected = "State(StateIdx(2)) |02||02 None \
             Exit(StateIdx(0)) 02|21|0|21 None \
             State(StateIdx(2)) 02|21|0|21 None \
             State(StateIdx(2)) 21|2||21 Some(\"other#1\")";
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn an_error_reaches_the_handlers_of_exception() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(Handlers::new(log.clone()).state("Exception", |log, event| {
                log.push(event.error().map(ToString::to_string).unwrap());
            }))
            .build();
        machine.add_error("A", "the line is dead").unwrap();
        assert_eq!(log.take(), "the line is dead");
    });
}

const JOB: Typed<u32> = Typed::new("Job");

fn workshop(log: &Log) -> Machine {
    let schema = plain(&["Other"])
        .state("Job", StateDef::new().multi())
        .state("Implies", StateDef::new().add(["Job"]));
    let small = |_: &mut Log, _: &Event<'_>, job: &u32| {
        if *job < 100 {
            Ok(())
        } else {
            Err(format!("{job} is too much"))
        }
    };
    let handlers = Handlers::new(log.clone())
        .enter_with(JOB, small)
        .state_with(JOB, |log, event, job| {
            assert_eq!(event.args_of(JOB), Some(job));
            log.push(format!("job {job}"));
        });
    Machine::builder("workshop", schema)
        .handlers(handlers)
        .build()
}

#[test]
fn typed_arguments_reach_their_handlers() {
    within(|| {
        let log = Log::default();
        let machine = workshop(&log);
        let seven = machine.when_args(JOB, |job| *job == 7);
        assert_eq!(machine.add_with(JOB, 6), Ok(Outcome::Executed));
        assert_eq!(machine.add_with(JOB, 7), Ok(Outcome::Executed), "again");
        assert_eq!(seven.now(), Some(Ok(())));
        assert_eq!(machine.add_with(JOB, 100), Ok(Outcome::Canceled));
        assert_eq!(
            machine.add_args(["Other", "Job"], 8_u32),
            Ok(Outcome::Executed)
        );
        assert_eq!(log.take(), "job 6 job 7 job 8");
        assert!(machine.is(JOB) && machine.is((*JOB).to_owned()));
        assert_eq!(machine.remove(JOB), Ok(Outcome::Executed));
    });
}

/// What takes arguments does not begin without them, whoever asks for it.
#[test]
fn a_state_that_takes_arguments_does_not_begin_without() {
    within(|| {
        let log = Log::default();
        let machine = workshop(&log);
        let (seen, _guard) = refusals(&machine);
        assert_eq!(machine.add("Job"), Ok(Outcome::Canceled));
        assert_eq!(machine.add_args("Job", "seven"), Ok(Outcome::Canceled));
        assert_eq!(machine.add("Implies"), Ok(Outcome::Canceled));
        let missing = "Enter(StateIdx(1)) of set 0, Veto: arguments of type u32 are missing";
        assert_eq!(*seen.lock().unwrap(), [missing; 3]);
        assert_eq!(log.take(), "");
        // A handler of the beginning alone asks for them just the same.
        let only = Handlers::new(()).state_with(Typed::new("Other"), |(), _, text: &String| {
            assert_eq!(text, "now");
        });
        machine.bind(only).unwrap();
        assert_eq!(machine.add("Other"), Ok(Outcome::Canceled));
        let other = machine.add_args("Other", String::from("now"));
        assert_eq!(other, Ok(Outcome::Executed));
    });
}
