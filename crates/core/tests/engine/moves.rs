//! Laws of what happens to a machine between mutations: another schema, an export, an import; and of the two doors for
//! schemas.

use proptest::prelude::*;
use statemesh_core::engine::{Machine, Options, Outcome, Schema, SchemaDef, SchemaError, StateDef};

use crate::properties::{Request, request, schema};

fn machine(def: &SchemaDef) -> Machine {
    Machine::new(Schema::normalise(def).0, Options::default())
}

fn play(machine: &mut Machine, requests: &[Request]) -> Vec<Outcome> {
    let outcomes = requests.iter();
    outcomes
        .map(|request| machine.apply(request.mutation()))
        .collect()
}

/// The states of a machine as a definition that declares `Exception` where it stands, and one state more.
fn grown(machine: &Machine) -> SchemaDef {
    let def = machine.schema().def().clone();
    def.state("Z", StateDef::new())
}

proptest! {
    /// A machine whose schema grew goes on like one that had the larger schema from the start.
    #[test]
    fn a_grown_machine_is_like_one_born_large(
        def in schema(),
        before in prop::collection::vec(request(), 0..8),
        after in prop::collection::vec(request(), 0..8),
    ) {
        // Normalising drops first occurrences only; what is left of a list of two is final after the second time.
        let once = machine(&def);
        let mut small = machine(once.schema().def());
        let mut large = machine(&grown(&small));
        let (small_before, large_before) = (play(&mut small, &before), play(&mut large, &before));
        prop_assert_eq!(small_before, large_before);
        let schema = Schema::normalise(&grown(&small)).0;
        prop_assert_eq!(small.replace_schema(schema), Ok(()));
        let (small_after, large_after) = (play(&mut small, &after), play(&mut large, &after));
        prop_assert_eq!(small_after, large_after);
        prop_assert_eq!(small.clock(), large.clock());
        prop_assert_eq!(small.active(), large.active());
        prop_assert_eq!(small.machine_time(), large.machine_time());
    }

    /// An export, in any order of states, brings every tick to its state.
    #[test]
    fn an_import_gives_every_state_its_tick(
        def in schema(),
        requests in prop::collection::vec(request(), 0..8),
        turn in 0_usize..7,
    ) {
        let mut old = machine(&def);
        play(&mut old, &requests);
        let mut export = old.export("m");
        let mut time = export.time.to_vec();
        time.rotate_left(turn);
        export.time = time.into();
        export.state_names.rotate_left(turn);
        let mut new = machine(&def);
        prop_assert_eq!(new.import("m", &export), Ok(Outcome::Executed));
        for name in old.schema().names() {
            let tick = |machine: &Machine| machine.tick(machine.schema().index(name).unwrap());
            prop_assert_eq!(tick(&old), tick(&new));
        }
        prop_assert_eq!(new.machine_time(), old.machine_time());
        let again = new.export("m");
        prop_assert_eq!((again.state_names, again.time), (export.state_names, export.time));
        prop_assert_eq!(again.machine_tick, 1);
        play(&mut new, &requests);
    }

    /// Apart from names listed twice, the strict door refuses what the lenient one reports, and builds what it builds.
    #[test]
    fn both_doors_see_the_same_mistakes(def in schema()) {
        let (lenient, problems) = Schema::normalise(&def);
        match Schema::parse(&def) {
            Ok((strict, _)) => {
                prop_assert_eq!(problems, []);
                prop_assert_eq!(strict.def(), lenient.def());
            }
            Err(errors) => {
                let is_duplicate = |error: &SchemaError| {
                    matches!(error, SchemaError::DuplicateName { .. })
                };
                let has_duplicates = errors.as_slice().iter().any(is_duplicate);
                prop_assert!(has_duplicates || !problems.is_empty(), "{}", errors);
            }
        }
    }
}
