//! Names, errors, and the rest of the handle.

use std::sync::{Arc, Mutex};

use statemesh::core::engine::MutationKind;
use statemesh::machine::{MachineError, UnknownState};
use statemesh::prelude::*;

use crate::kit::{Log, block_on, plain, within};

#[test]
fn names_and_indexes_of_all_kinds() {
    within(|| {
        let machine = Machine::new("m", plain(&["A", "B", "C"]));
        let index = |name| machine.schema().index(name).unwrap();
        machine.add("A").unwrap();
        machine.add(String::from("A")).unwrap();
        machine.add(["A", "B"]).unwrap();
        machine.add(&["A", "B"][..]).unwrap();
        machine.add(vec!["A"]).unwrap();
        machine.add(index("A")).unwrap();
        machine.add([index("A"), index("B")]).unwrap();
        machine.add(&[index("A")][..]).unwrap();
        assert!(machine.is(["A", "B"]) && machine.not(["C"]) && machine.any(["C", "A"]));
        assert!(!machine.is(["A", "Nope"]) && machine.not("Nope") && !machine.any("Nope"));
        assert!(!machine.is("C") && !machine.not(["C", "A"]));
        assert_eq!((machine.tick("A"), machine.tick("Nope")), (1, 0));

        let unknown = UnknownState {
            machine: "m".to_owned(),
            state: "Nope".to_owned(),
        };
        assert_eq!(machine.add(["A", "Nope"]), Err(unknown.clone()));
        assert_eq!(machine.remove(["A", "Nope"]), Err(unknown.clone()));
        assert_eq!(machine.add(StateIdx(99)).unwrap_err().state, "#99");
        assert_eq!(block_on(machine.when("Nope")), Err(unknown.clone().into()));
        assert_eq!(
            block_on(machine.when_time(["A", "B"], &[1])),
            Err(WaitError::Mismatch {
                states: 2,
                ticks: 1
            })
        );
        let set = Handlers::new(()).state("Nope", |(), _| ());
        assert_eq!(machine.bind(set).unwrap_err(), unknown.into());
        assert_eq!(machine.clock(), [1, 1, 0, 0]);
    });
}

#[test]
fn errors_of_applications_and_builders_show_as_exceptions() {
    within(|| {
        let log = Log::default();
        let schema = SchemaDef::new()
            .state("Exception", StateDef::new().multi())
            .state(
                "ErrNetwork",
                StateDef::new()
                    .multi()
                    .add(["Exception"])
                    .require(["Exception"]),
            );
        let machine = Machine::builder("m", schema)
            .tag("host:van-17")
            .parent("fleet")
            .handlers(
                Handlers::new(log.clone()).state("ErrNetwork", |log, event| {
                    log.push(event.args::<MachineError>().unwrap().to_string());
                }),
            )
            .build();
        assert_eq!(
            (machine.tags(), machine.parent()),
            (&["host:van-17".to_owned()][..], "fleet")
        );
        machine.add_error("ErrNetwork", "dial timed out").unwrap();
        assert_eq!(log.take(), "dial timed out");
        assert!(machine.is(["ErrNetwork", "Exception"]));
        assert_eq!(
            *machine.last_error().unwrap(),
            MachineError::Raised("dial timed out".to_owned())
        );

        let torn = SchemaDef::new()
            .state("A", StateDef::new().require(["B"]).remove(["B"]))
            .state("B", StateDef::new());
        let machine = Machine::builder("m", torn).build();
        assert_eq!(machine.active(), ["Exception"]);
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(error, "schema: require-remove conflict for A to B");
        let machine = Machine::builder("m", plain(&["A"]))
            .handlers(Handlers::new(()).state("B", |(), _| ()))
            .build();
        assert_eq!(machine.active(), ["Exception"]);
        let error = machine.last_error().unwrap().to_string();
        assert_eq!(error, "handlers: machine m has no state B");
    });
}

#[test]
fn toggling_goes_both_ways() {
    within(|| {
        let kinds = Arc::new(Mutex::new(Vec::new()));
        let note = kinds.clone();
        let machine = Machine::new("m", plain(&["A"]));
        let _guard = machine.trace(move |transition| note.lock().unwrap().push(transition.kind));
        machine.toggle("A").unwrap();
        machine.toggle("A").unwrap();
        assert_eq!(machine.tick("A"), 2);
        assert_eq!(
            *kinds.lock().unwrap(),
            [MutationKind::Add, MutationKind::Remove]
        );
    });
}
