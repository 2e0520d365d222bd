//! A machine's whole life: schema, handlers that refuse, fail and mutate, waits, larger schemas, imports, disposal.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use statemesh_fuzz::{Answers, Definition, Driver, Op};

#[derive(Arbitrary, Debug)]
struct Life {
    schema: Definition,
    reactions: Answers,
    ops: Vec<Op>,
}

fuzz_target!(|life: Life| Driver::new(life.schema.def(), life.reactions).run(life.ops));
