//! The order of a module's functions: like beside like, so that gzip, which looks back 32 KB, finds more to repeat.
//!
//! The linker puts functions down crate by crate; the many copies that generics make of one function end up far apart.
//! Here each function is followed by the one most like it. Nothing but the order and the numbers of functions changes.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Context, Result};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef,
};

/// Bytes compared at a time: about two instructions. Measured: 0.3 % of the page against six.
const SHINGLE: usize = 5;
/// What more functions than this have in common tells none apart, and takes long to compare.
const COMMON: usize = 1_000;
/// How many functions back a function is compared with the last ones. Measured: 1 % of the page against only the last.
const BACK: usize = 8;

/// The module with like functions side by side.
pub fn like_beside_like(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut imported = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let order = chain(&bodies);
    let mut numbers: Vec<u32> = (0..imported).collect();
    numbers.resize(imported as usize + order.len(), 0);
    for (new, old) in (imported..).zip(&order) {
        numbers[imported as usize + old] = new;
    }
    let mut module = Module::new();
    Layout { order, numbers }
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .context("reordering the functions of the page")?;
    Ok(module.finish())
}

/// Each function followed by the one not placed yet that has most in common with it and those before it.
fn chain(bodies: &[&[u8]]) -> Vec<usize> {
    let mut having: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (function, body) in bodies.iter().enumerate() {
        for shingle in body.windows(SHINGLE) {
            let functions = having.entry(shingle).or_default();
            if functions.last() != Some(&function) {
                functions.push(function);
            }
        }
    }
    having.retain(|_, functions| (2..=COMMON).contains(&functions.len()));

    let mut order = Vec::with_capacity(bodies.len());
    let mut placed = vec![false; bodies.len()];
    let mut shared = vec![0.0_f64; bodies.len()];
    for first in 0..bodies.len() {
        let mut next = (!placed[first]).then_some(first);
        while let Some(function) = next {
            placed[function] = true;
            order.push(function);
            let mut seen = Vec::new();
            for (back, before) in (1..=BACK).zip(order.iter().rev()) {
                let shingles = bodies[*before].windows(SHINGLE);
                for other in shingles.filter_map(|shingle| having.get(shingle)).flatten() {
                    if !placed[*other] {
                        if shared[*other] == 0.0 {
                            seen.push(*other);
                        }
                        shared[*other] += 1.0 / back as f64;
                    }
                }
            }
            // In relation to the size: a long function has something in common with every other.
            let likeness = |other: usize| shared[other] / (bodies[other].len() as f64).sqrt();
            next = seen.iter().copied().min_by(|a, b| {
                let likest = likeness(*b).total_cmp(&likeness(*a));
                likest.then(a.cmp(b))
            });
            for other in seen {
                shared[other] = 0.0;
            }
        }
    }
    order
}

struct Layout {
    /// Bodies in their new order, by their old place.
    order: Vec<usize>,
    /// New number of each function, imported ones first.
    numbers: Vec<u32>,
}

type Outcome = Result<(), reencode::Error<Infallible>>;

impl Reencode for Layout {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.numbers[function as usize])
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Outcome {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for old in self.order.clone() {
            functions.function(self.type_index(types[old])?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Outcome {
        let bodies = section
            .into_iter()
            .collect::<Result<Vec<FunctionBody>, _>>()?;
        for old in self.order.clone() {
            self.parse_function_body(code, bodies[old].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wasm_encoder::{ExportKind, ExportSection, Function, TypeSection};
    use wasmparser::{ExternalKind, Operator};

    use super::*;

    /// A function of some length; those of one `kind` are alike.
    fn long(kind: i32, difference: i32) -> Function {
        let mut function = Function::new([]);
        for step in 0..40 {
            function.instructions().i32_const(kind * (step + 1)).drop();
        }
        function.instructions().i32_const(difference).drop().end();
        function
    }

    /// Four functions, and a fifth that calls the third.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let (mut functions, mut exports) = (FunctionSection::new(), ExportSection::new());
        for (number, name) in (0..).zip(["a", "b", "like a", "like b", "calls like a"]) {
            functions.function(0);
            exports.export(name, ExportKind::Func, number);
        }
        let mut code = CodeSection::new();
        let (a, b) = (1_000_003, 7_654_321);
        for function in [long(a, 1), long(b, 2), long(a, 3), long(b, 4)] {
            code.function(&function);
        }
        let mut caller = Function::new([]);
        caller.instructions().call(2).end();
        code.function(&caller);
        let mut module = Module::new();
        module.section(&types).section(&functions);
        module.section(&exports).section(&code);
        module.finish()
    }

    /// Names of exported functions in the order of their bodies, each with the names it calls.
    fn read(wasm: &[u8]) -> Result<Vec<(String, Vec<String>)>> {
        let mut names = BTreeMap::new();
        let mut functions = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        assert_eq!(export.kind, ExternalKind::Func);
                        names.insert(export.index, export.name.to_owned());
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut calls = Vec::new();
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } = operator? {
                            calls.push(names[&function_index].clone());
                        }
                    }
                    functions.push((names[&(functions.len() as u32)].clone(), calls));
                }
                _ => {}
            }
        }
        Ok(functions)
    }

    #[test]
    fn like_functions_come_together_and_keep_their_names_and_calls() -> Result<()> {
        let wasm = like_beside_like(&module())?;
        let functions = read(&wasm)?;
        let order: Vec<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["a", "like a", "b", "like b", "calls like a"]);
        assert_eq!(functions[4].1, ["like a"]);
        assert_eq!(wasm.len(), module().len());
        Ok(())
    }
}
