//! A schema that grows, and clocks that come and go.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use statemesh::core::QueueTick;
use statemesh::core::engine::Time;
use statemesh::machine::{Export, ImportError, ReplaceError, ReplaceSchemaError, Transition};
use statemesh::prelude::*;

use crate::kit::{Log, block_on, plain, within};

#[test]
fn states_keep_their_places_and_all_goes_on() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", plain(&["B", "A"]))
            .handlers(log.all_handlers(&["A", "B"]))
            .build();
        let other = Machine::new("other", plain(&["A", "New"]));
        let _pipe = machine.pipe(Pipe::new().same(["A"]), &other).unwrap();
        let observed = log.clone();
        let _trace = machine.trace(move |it: &Transition| {
            observed.push(format!("{}", it.clock_after.len()));
        });
        machine.add("B").unwrap();
        let context = machine.state_ctx("B").unwrap();
        let waits = [
            machine.when("A"),
            machine.when_args(Typed::new("A"), |_: &u8| true),
        ];
        let (a, old) = (StateIdx(1), machine.schema());
        log.take();

        let grown = SchemaDef::new()
            .state("New", StateDef::new().require(["A"]).remove(["B"]))
            .state("A", StateDef::new().add(["Newer"]))
            .state("Newer", StateDef::new())
            .state("B", StateDef::new());
        assert_eq!(machine.replace_schema(grown), Ok(vec![]));
        assert_eq!(log.take(), "", "nothing is called");
        let names: Vec<_> = machine.schema().names().map(str::to_owned).collect();
        assert_eq!(names, ["B", "A", "Exception", "New", "Newer"]);
        assert_eq!(old.len(), 3, "who holds the old one still does");
        assert_eq!(
            (machine.clock(), context.is_done()),
            (vec![1, 0, 0, 0, 0], false)
        );

        machine.add_args(a, 7_u8).unwrap();
        assert_eq!(log.take(), "AEnter BB BA AnyEnter AState AnyState 5");
        assert_eq!(waits.map(|wait| wait.now()), [Some(Ok(())), Some(Ok(()))]);
        assert!(machine.is(["A", "Newer"]) && other.is("A"));
        assert_eq!(machine.add("New"), Ok(Outcome::Executed));
        assert!(context.is_done(), "B has ended");
        assert_eq!(machine.clock(), [2, 1, 0, 1, 1]);
        let set = Handlers::new(log.clone()).end("New", |log, _| log.push("NewEnd"));
        machine.bind(set).unwrap();
        log.take();
        machine.remove("New").unwrap();
        assert!(log.take().contains("NewEnd"));
    });
}

#[test]
fn a_schema_that_does_not_fit_changes_nothing() {
    within(|| {
        let grown = || plain(&["A", "B", "C"]);
        let evals = Arc::new(Mutex::new(Vec::new()));
        let note = evals.clone();
        let machine = Machine::builder("m", plain(&["A", "B"]))
            .handlers(Handlers::new(()).state("A", move |(), event| {
                let busy = event.machine().replace_schema(grown());
                assert_eq!(busy, Err(ReplaceError::Draining.into()));
                let eval = event
                    .machine()
                    .eval(move |machine| machine.replace_schema(grown()));
                note.lock().unwrap().push(eval);
            }))
            .build();
        machine.add("A").unwrap();
        assert_eq!(machine.last_error(), None);
        let eval = evals.lock().unwrap().pop().unwrap();
        assert_eq!(block_on(eval), Ok(Err(ReplaceError::Draining.into())));
        let missing = ReplaceError::Missing("A".to_owned()).into();
        assert_eq!(
            machine.replace_schema(plain(&["B", "C", "D", "E"])),
            Err(missing)
        );
        let same = ReplaceError::NotLarger { new: 3, old: 3 }.into();
        assert_eq!(machine.replace_schema(plain(&["B", "A"])), Err(same));
        let unknown = plain(&["A", "B"]).state("C", StateDef::new().require(["Z"]));
        let Err(ReplaceSchemaError::Schema(errors)) = machine.replace_schema(unknown) else {
            panic!("Z is no state");
        };
        assert!(errors.to_string().contains("Z"), "{errors}");
        assert_eq!(
            (machine.schema().len(), machine.clock()),
            (3, vec![1, 0, 0])
        );
        machine.dispose();
        let disposed = machine.replace_schema(plain(&["A", "B", "C"]));
        assert_eq!(disposed, Err(ReplaceSchemaError::Disposed));
    });
}

/// Readers and mutations of other threads see the old or the new schema, never half of it.
#[test]
fn a_schema_grows_under_load() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let is_over = Arc::new(AtomicBool::new(false));
        thread::scope(|scope| {
            for state in ["A", "B"] {
                let (machine, is_over) = (&machine, is_over.clone());
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        machine.toggle(state).unwrap();
                        let clock = machine.clock();
                        let schema = machine.schema();
                        assert!(schema.len() >= clock.len());
                        let _ = (
                            machine.is(state),
                            machine.any(["S7", state]),
                            machine.active(),
                        );
                        let last = schema.names().last().map(str::to_owned).unwrap();
                        machine.add(&last).unwrap();
                    }
                });
            }
            let mut names = vec!["A".to_owned(), "B".to_owned()];
            for at in 0..50 {
                names.push(format!("S{at}"));
                let def = |names: &[String]| {
                    let states = names.iter();
                    states.fold(SchemaDef::new(), |def, name| {
                        def.state(name, StateDef::new())
                    })
                };
                while let Err(busy) = machine.replace_schema(def(&names)) {
                    assert_eq!(busy, ReplaceError::Draining.into());
                    block_on(machine.when_queue_ends()).unwrap();
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert_eq!((machine.schema().len(), machine.last_error()), (53, None));
    });
}

#[test]
fn a_clock_comes_back_under_the_same_id() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B", "MachineRestored"]));
        machine.add(["A", "B"]).unwrap();
        machine.remove("A").unwrap();
        let export = machine.export();
        assert_eq!((&*export.id, export.queue_tick), ("m", QueueTick(3)));

        let log = Log::default();
        let fresh = Machine::builder("m", plain(&["MachineRestored", "B", "A"]))
            .handlers(log.all_handlers(&["A", "B", "MachineRestored"]))
            .build();
        let (b, a) = (fresh.when("B"), fresh.when_ticks("A", 2));
        let context = fresh.state_ctx("B").unwrap();
        assert_eq!(fresh.import(&export), Ok(Outcome::Executed));
        assert_eq!(fresh.clock(), [1, 1, 2, 0], "in its own order");
        assert_eq!(
            (b.now(), a.now(), context.is_done()),
            (Some(Ok(())), Some(Ok(())), true)
        );
        assert_eq!(
            (fresh.machine_tick(), fresh.active()),
            (1, vec!["MachineRestored".into(), "B".to_owned()])
        );
        assert_eq!(
            log.take(),
            "MachineRestoredEnter BB BMachineRestored AnyEnter MachineRestoredState AnyState"
        );
        assert_eq!(fresh.export().machine_tick, 1);
    });
}

#[test]
fn a_foreign_or_damaged_export_changes_nothing() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B"]));
        let good = machine.export();
        let check = |change: &dyn Fn(&mut Export), expected: &str| {
            let mut export = good.clone();
            export.time = Time::from(vec![1, 1, 1]);
            change(&mut export);
            let error = machine.import(&export).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(
                (machine.clock(), machine.machine_tick()),
                (vec![0, 0, 0], 0)
            );
        };
        check(&|it| it.id = "x".into(), "an export of machine x, not of m");
        check(&|it| it.state_names[0] = "Z".into(), "no state named Z");
        check(
            &|it| it.state_names[0] = "B".into(),
            "state B is there twice",
        );
        let lengths = "3 states with 1 ticks, the machine has 3 states";
        check(&|it| it.time = Time::from(vec![1]), lengths);
        let lengths = "2 states with 3 ticks, the machine has 3 states";
        check(&|it| drop(it.state_names.pop()), lengths);

        let import = good.clone();
        machine
            .bind(Handlers::new(()).state("A", move |(), event| {
                let busy = event.machine().import(&import);
                assert_eq!(busy, Err(ImportError::Draining));
            }))
            .unwrap();
        machine.add("A").unwrap();
        machine.dispose();
        assert_eq!(machine.import(&good), Err(ImportError::Disposed));
        assert_eq!(
            (machine.clock(), machine.last_error()),
            (vec![1, 0, 0], None)
        );
    });
}

/// The first 64 states are kept apart.
#[test]
fn checks_see_all_states_of_a_large_schema() {
    within(|| {
        let names: Vec<String> = (0..130).map(|at| format!("S{at}")).collect();
        let def = names.iter().fold(SchemaDef::new(), |def, name| {
            def.state(name.as_str(), StateDef::new())
        });
        let machine = Machine::new("large", def);
        for own in [0, 63, 64, 129] {
            let state = &names[own];
            machine.set([state]).unwrap();
            for (other, name) in names.iter().enumerate() {
                assert_eq!(machine.is(name), own == other);
                assert_eq!(machine.any([name, &names[1]]), own == other);
                assert_eq!(machine.is([name, state]), own == other);
            }
            assert!(machine.not(&names[1]) && !machine.not([state, &names[1]]));
            assert!(!machine.is([state, "Nope"]) && machine.any((state, "Nope")));
            machine.remove([state]).unwrap();
            assert!(!machine.is(state));
        }
    });
}

#[test]
fn checks_follow_schema_and_import() {
    within(|| {
        let def = || SchemaDef::new().state("A", StateDef::new());
        let machine = Machine::new("m", def());
        machine.add("A").unwrap();
        let saved = machine.export();
        machine.remove("A").unwrap();
        machine.import(&saved).unwrap();
        assert!(machine.is("A"));
        machine
            .replace_schema(def().state("B", StateDef::new()))
            .unwrap();
        assert!(machine.is("A") && machine.not("B"));
        machine.add("B").unwrap();
        assert!(machine.is(["A", "B"]));
    });
}
