//! Somebody's export into a machine: a typed error and nothing changed, or a machine that works.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use statemesh_fuzz::{Definition, Driver, ExportInput, MutationInput, Op};

#[derive(Arbitrary, Debug)]
struct Input {
    schema: Definition,
    before: Option<MutationInput>,
    export: ExportInput,
    after: Vec<MutationInput>,
}

fuzz_target!(|input: Input| {
    let before = input.before.into_iter().map(Op::Mutate);
    let after = input.after.into_iter().map(Op::Mutate);
    let ops = before
        .chain([Op::Import(input.export)])
        .chain(after)
        .chain([Op::Hand]);
    Driver::new(input.schema.def(), Vec::new()).run(ops.collect());
});
