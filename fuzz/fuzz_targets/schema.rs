//! Schemas through all doors: definitions, JSON and TOML. What is accepted makes a machine, and reads back the same.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use statemesh_core::StateIdx;
use statemesh_core::engine::{Machine, Mutation, Options, Schema, SchemaDef};
use statemesh_fuzz::{Definition, check};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Def(Definition),
    Json(&'a str),
    Toml(&'a str),
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Def(definition) => use_def(&definition.def()),
    Input::Json(text) => read(SchemaDef::from_json(text)),
    Input::Toml(text) => read(SchemaDef::from_toml(text)),
});

/// What a text door lets through, the strict one does, too.
fn read<E: std::fmt::Display>(def: Result<SchemaDef, E>) {
    match def {
        Ok(def) => {
            assert!(Schema::parse(&def).is_ok());
            use_def(&def);
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}

fn use_def(def: &SchemaDef) {
    let (schema, problems) = Schema::normalise(def);
    problems
        .iter()
        .for_each(|problem| drop(problem.to_string()));
    for (name, at) in schema.names().zip((0..=u16::MAX).map(StateIdx)) {
        assert_eq!(schema.index(name), Some(at));
    }
    match Schema::parse(def) {
        Ok((parsed, _)) => {
            assert_eq!(SchemaDef::from_json(&def.to_json()).as_ref(), Ok(def));
            assert_eq!(SchemaDef::from_toml(&def.to_toml()).as_ref(), Ok(def));
            let (again, problems) = Schema::normalise(parsed.def());
            assert_eq!(
                (again.def(), problems),
                (parsed.def(), vec![]),
                "nothing to repair"
            );
        }
        Err(errors) => assert!(!errors.as_slice().is_empty()),
    }
    let mut machine = Machine::new(schema, Options::default());
    for at in (0..=u16::MAX)
        .map(StateIdx)
        .take(machine.schema().len().min(20))
    {
        machine.apply(Mutation::add(&[at]));
        check(&machine);
    }
}
