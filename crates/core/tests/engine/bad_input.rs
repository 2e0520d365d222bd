//! What nobody should ask of a machine: it is refused, by a type or by an outcome; nothing changes, nothing is lost,
//! nothing grows without bound.

use std::sync::Arc;

use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, Args, Export, Handler, ImportError, Machine, Mutation, Options, Outcome, Poll,
    ReplaceError, Schema, SchemaDef, StateDef, Time, Wait,
};
use statemesh_testkit::engine_notation::schema;

const A: StateIdx = StateIdx(0);
const B: StateIdx = StateIdx(1);
const C: StateIdx = StateIdx(2);

fn machine(text: &str) -> Machine {
    let (schema, _) = Schema::normalise(&schema(text));
    Machine::new(schema, Options::default())
}

/// Runs to the end; every handler call is accepted after `in_handler`.
fn drain(machine: &mut Machine, mut in_handler: impl FnMut(&mut Machine)) {
    loop {
        match machine.poll() {
            Poll::Call(call) => {
                in_handler(machine);
                assert!(machine.resume(call.tx, call.call_no, Answer::Accept));
            }
            Poll::Fired | Poll::Args(_) | Poll::Settled => {}
            Poll::Idle => return,
        }
    }
}

#[test]
fn a_handler_may_mutate_its_machine_a_thousand_levels_deep() {
    for in_front in [false, true] {
        let mut machine = machine("A(multi)");
        machine.bind(&[Handler::Enter(A), Handler::State(A)]);
        let nested = || {
            let add = Mutation::add(&[A]);
            if in_front { add.in_front() } else { add }
        };
        let mut levels = 0;
        let mut longest = 0;
        machine.mutate(nested());
        drain(&mut machine, |machine| {
            if levels < 1_000 {
                levels += 1;
                assert!(matches!(machine.mutate(nested()), Outcome::Queued(_)));
                longest = longest.max(machine.queue_len());
            }
        });
        // Each transition calls two handlers, and each of them asked for another one.
        assert_eq!((machine.tick(A), levels), (2 * 1_000 + 1, 1_000));
        assert!(longest <= 501, "{longest} waited at once");
    }
}

#[test]
fn a_handler_that_never_stops_asking_is_refused_and_nobody_else_loses() {
    let mut machine = machine("A B(multi) C");
    machine.bind(&[Handler::State(A)]);
    machine.mutate(Mutation::add(&[A]));
    let mut refused = 0;
    drain(&mut machine, |machine| {
        assert!(matches!(
            machine.mutate(Mutation::add(&[C])),
            Outcome::Queued(_)
        ));
        for _ in 0..5_000 {
            let mut asked = Mutation::add(&[B]);
            asked.args = Some(Arc::new(1) as Args);
            refused += u32::from(machine.mutate(asked) == Outcome::Canceled);
        }
        assert_eq!(machine.queue_len(), 1_000);
    });
    assert_eq!(
        (refused, machine.tick(B), machine.tick(C)),
        (4_001, 2 * 999 - 1, 1)
    );
}

/// Checks, mutations in front and exceptions pass the limit of the queue, as in the model; ours is far behind it.
#[test]
fn what_passes_the_limit_of_the_queue_is_bounded_too() {
    let flood = |mutation: &dyn Fn() -> Mutation<'static>| {
        let mut machine = machine("A B C");
        machine.bind(&[Handler::State(A)]);
        machine.mutate(Mutation::add(&[A]));
        let mut queued = 0;
        drain(&mut machine, |machine| {
            machine.mutate(Mutation::add(&[C]));
            let flood = (0..100_000).map(|_| machine.mutate(mutation()));
            queued = flood
                .filter(|&outcome| outcome != Outcome::Canceled)
                .count();
            assert_eq!(machine.queue_len(), 1_000 + 65_536);
            assert_eq!(machine.mutate(mutation()), Outcome::Canceled);
        });
        assert!(queued >= 65_536, "{queued} waited");
        assert!(machine.is(C), "what waited before them runs");
    };
    flood(&|| Mutation::add(&[B]).in_front());
    flood(&|| Mutation::add(&[B]).check());
    const EXCEPTION: &[StateIdx] = &[StateIdx(3)];
    flood(&|| Mutation::add(EXCEPTION));
}

#[test]
fn neither_a_schema_nor_an_export_is_taken_inside_a_handler() {
    let mut machine = machine("A B C");
    machine.bind(&[Handler::Enter(A), Handler::State(A)]);
    let (larger, _) = Schema::normalise(&schema("A B C D"));
    let export = Export {
        time: Time::new([9, 9, 9, 9]),
        ..machine.export("m")
    };
    machine.mutate(Mutation::add(&[A]));
    let mut calls = 0;
    drain(&mut machine, |machine| {
        calls += 1;
        let replaced = machine.replace_schema(Arc::clone(&larger));
        assert_eq!(replaced, Err(ReplaceError::Draining));
        assert_eq!(machine.import("m", &export), Err(ImportError::Draining));
        assert_eq!(machine.schema().len(), 4);
    });
    assert_eq!((calls, machine.clock()), (2, &[1, 0, 0, 0][..]));
    assert_eq!(machine.replace_schema(larger), Ok(()));
}

#[test]
fn a_state_that_requires_what_it_removes_never_begins() {
    let mut machine = machine("A(?B -B) B");
    for called in [&[A][..], &[B], &[A, B], &[B, A]] {
        let outcome = machine.apply(Mutation::add(called));
        assert_eq!(outcome == Outcome::Executed, called == [B]);
        assert!(!machine.is(A));
    }
    assert_eq!(machine.clock(), [0, 1, 0]);
}

#[test]
fn of_two_states_of_one_name_the_later_counts() {
    let twice = [StateDef::new().auto(), StateDef::new().multi()];
    let twice = twice.map(|def| ("A".to_owned(), def));
    let states = twice
        .into_iter()
        .chain([("B".to_owned(), StateDef::new())])
        .collect();
    let (schema, _) = Schema::normalise(&SchemaDef { states });
    assert_eq!(schema.names().collect::<Vec<_>>(), ["A", "B", "Exception"]);
    assert!(schema.is_multi(A) && !schema.is_auto(A));
}

#[test]
fn states_that_do_not_exist_are_refused_everywhere() {
    let mut machine = machine("A B");
    for beyond in [StateIdx(3), StateIdx(64), StateIdx(u16::MAX)] {
        let both = [A, beyond];
        for mutation in [
            Mutation::add(&both),
            Mutation::remove(&both),
            Mutation::set(&both),
            Mutation::toggle(&both),
            Mutation::add(&both).check(),
            Mutation::add(&both).in_front(),
        ] {
            assert_eq!(machine.mutate(mutation), Outcome::Canceled);
        }
        assert_eq!(
            machine.add_err(&both, "error".into(), None),
            Outcome::Canceled
        );
        assert_eq!((machine.error(), machine.is_draining()), (None, false));
        assert!(!machine.is(beyond) && machine.tick(beyond) == 0 && !machine.will_be(&both));
        // They never come, and can be given up.
        for wait in [
            machine.when(&both),
            machine.when_time(&[beyond], &[1]),
            machine.when_ticks(beyond, 1),
        ] {
            let Wait::Pending(wait) = wait else {
                panic!("{beyond:?} cannot be active");
            };
            machine.forget(wait);
        }
        assert_eq!(machine.when_not(&[beyond]), Wait::Ready);
        machine.watch_args(beyond);
        machine.bind(&[
            Handler::Enter(beyond),
            Handler::Pair(beyond, A),
            Handler::Pair(A, beyond),
        ]);
    }
    assert_eq!(machine.apply(Mutation::add(&[A, B])), Outcome::Executed);
    assert_eq!(machine.clock(), [1, 1, 0]);
}

#[test]
fn the_largest_schema_works() {
    let name = |at: usize| format!("s{at}");
    let all = 65_534;
    let states = (0..all).map(|at| {
        let def = StateDef::new().after([name(all - 1)]);
        // A chain of requirements, as long as there are states.
        let def = if at > 0 {
            def.require([name(at - 1)])
        } else {
            def
        };
        (name(at), def)
    });
    let def = SchemaDef {
        states: states.collect(),
    };
    let (schema, warnings) = Schema::parse(&def).expect("as many states as indexes");
    assert_eq!(warnings, []);
    let mut machine = Machine::new(schema, Options::default());
    let states: Vec<_> = (0..65_534).map(StateIdx).collect();
    machine.bind(&[
        Handler::Pair(StateIdx(65_533), StateIdx(7)),
        Handler::AnyState,
    ]);
    let Wait::Pending(wait) = machine.when(&states) else {
        panic!("all are inactive");
    };
    assert_eq!(machine.apply(Mutation::add(&states)), Outcome::Executed);
    assert_eq!(machine.fired(), [wait]);
    assert_eq!(
        (machine.active().len(), machine.machine_time()),
        (65_534, 65_534)
    );
    let export = machine.export("m");
    assert_eq!(machine.import("m", &export), Ok(Outcome::Executed));
    assert_eq!(
        machine.apply(Mutation::remove(&states[65_000..])),
        Outcome::Executed
    );
    assert_eq!(machine.active().len(), 65_000);
    assert_eq!(
        machine.apply(Mutation::add(&states[65_001..])),
        Outcome::Canceled
    );
    assert_eq!(machine.active().len(), 65_000);
}
