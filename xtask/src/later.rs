//! The part of the page's program that a first visit does without: views that somebody has to open. It becomes a module
//! of its own, which `later.js` loads when it is wanted.
//!
//! Later is every function that belongs to one of [`VIEWS`], and whatever only such functions call. A call from the
//! first part goes through the table, where the second part puts its functions; until then each place holds a function
//! of the loader that brings the second part first. So what is in which part is a matter of speed alone.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;

use anyhow::{Context, Result, bail};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportKind, ExportSection, ImportSection, Module, NameMap, NameSection};
use wasmparser::{
    ElementItems, ExportSectionReader, ExternalKind, ImportSectionReader, KnownCustom, Name,
    Operator, Parser, Payload, TypeRef,
};

use crate::command::command;
use crate::steps::Report;
use crate::workspace;

/// Modules of statemesh-web whose code a first visit does not run, and what is made for it: closures, drawing, handlers.
const VIEWS: &[&str] = &[
    "components::arcs",
    "components::change_panel",
    "components::compare_picker",
    "components::compare_states",
    "components::compare_table",
    "components::diagram",
    "components::diagram_bar",
    "components::diagram_view",
    "components::link_menu::LinkMenu",
    "components::log",
    "components::machine_head",
    "components::machine_keys",
    "components::machine_list",
    "components::machine_menu::MachineMenu",
    "components::machine_view",
    "components::matrix",
    "components::mesh_camera",
    "components::mesh_graph",
    "components::mesh_panel",
    "components::mesh_table",
    "components::palette::Search",
    "components::palette::content",
    "components::palette::keys",
    "components::peer_own",
    "components::peer_panel",
    "components::peer_table",
    "components::rain",
    "components::reader",
    "components::state_tree",
    "components::tx_filters",
    "components::watch_rules",
    "components::what_if",
    "components::why",
    "model::graph::GraphFrame",
    "model::palette",
    "pages::compare",
    "pages::machine",
    "pages::mesh",
    "pages::peers",
    "pages::settings",
    "store::Store>::search",
];
/// Modules whose own functions it does not run, but whose types others may hold.
const MODULES: &[&str] = &[
    "comparing",
    "history::file",
    "history::rain",
    "history::reader",
    "keeping::Keeping>::count",
    "model::compare",
    "model::diagram",
    "model::moment_link::MomentLink>::of_mach",
    "model::peer_table",
    "model::tree",
    "model::why",
    "sample",
    "session::Session>::play_sample",
    "session::sample::Running",
    "sharing::Sharing>::read",
    "sharing::Sharing>::write",
    "sharing::Sharing>::write_text",
    "store::graph",
];
/// Smaller functions are not told by their names: the compiler makes one of equal ones, and keeps any of the names.
const SMALL: usize = 160;
/// Begins the paths of the page's own items.
const PAGE: &str = "statemesh_web::";
/// How the loader goes on; `TABLE` stands for the name of the function table.
const LOADER: &str = include_str!("later.js");
/// Where the loader says what the program takes from it.
const TAKEN: &str = "\"./statemesh-web_bg.js\": import0,\n";
/// What the second part calls the first.
const FIRST: &str = "first";
/// What the first part calls the loader's stand-ins for functions of the second.
const LATER: &str = "later";
/// Begins the names under which the parts share what had no name.
const SHARED: char = '%';

/// Both parts, and the loader that knows of both.
pub struct Parts {
    /// Runs first.
    pub first: Vec<u8>,
    /// What it may need later.
    pub rest: Vec<u8>,
    /// Loads both.
    pub loader: String,
}

/// Numbers of the functions that come later; the module has their names.
pub fn later(named: &[u8]) -> Result<Vec<u32>> {
    let program = Program::read(named)?;
    let is_view = |function: &u32| {
        let own = function.checked_sub(program.imported);
        if own.is_none_or(|own| program.sizes[own as usize] < SMALL) {
            return false;
        }
        program.names.get(function).is_some_and(|name| {
            let own = name.trim_start_matches('<').strip_prefix(PAGE);
            own.is_some_and(|own| MODULES.iter().any(|module| begins(own, module)))
                || name
                    .split(PAGE)
                    .skip(1)
                    .any(|path| VIEWS.iter().any(|view| begins(path, view)))
        })
    };
    let mut seen = vec![false; program.imported as usize + program.calls.len()];
    let mut open = program.roots.clone();
    open.retain(|root| !is_view(root));
    while let Some(function) = open.pop() {
        if std::mem::replace(&mut seen[function as usize], true) {
            continue;
        }
        if let Some(own) = function.checked_sub(program.imported) {
            let calls = program.calls[own as usize].iter();
            open.extend(calls.filter(|callee| !is_view(callee)));
        }
    }
    let own = program.imported..seen.len() as u32;
    Ok(own.filter(|function| !seen[*function as usize]).collect())
}

/// Is the item at the beginning of `path`, or what is in it?
fn begins(path: &str, item: &str) -> bool {
    path.strip_prefix(item)
        .is_some_and(|rest| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_'))
}

/// Parts a module; `later` are numbers of its functions.
pub fn part(wasm: &[u8], later: &[u32], loader: &str, report: &Report) -> Result<Parts> {
    let folder = workspace::target().join(format!("page-parts-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let parts = part_in(&folder, wasm, later, loader, report);
    // What stays is in a folder that nothing reads.
    let _ = fs::remove_dir_all(&folder);
    parts
}

fn part_in(
    folder: &std::path::Path,
    wasm: &[u8],
    later: &[u32],
    loader: &str,
    report: &Report,
) -> Result<Parts> {
    let [whole, list, first, rest] =
        ["whole.wasm", "later", "first.wasm", "rest.wasm"].map(|name| folder.join(name));
    let mut numbered = Numbered::default();
    fs::write(&whole, numbered.encode(wasm)?)?;
    fs::write(
        &list,
        later
            .iter()
            .map(|it| format!("f{it}\n"))
            .collect::<String>(),
    )?;
    let mut split = command("wasm-split");
    split.args(crate::build::WASM_FEATURES);
    split.arg(&whole);
    split.arg(format!("--split-funcs=@{}", list.display()));
    split.arg(format!("--export-prefix={SHARED}"));
    split.arg(format!("--import-namespace={FIRST}"));
    split.arg(format!("--placeholder-namespace={LATER}"));
    split.arg("-o1").arg(&first).arg("-o2").arg(&rest);
    report.check(&mut split)?;
    let mut shared = Shared {
        tables: numbered.tables,
        ..Shared::default()
    };
    let first = shared.rename(&fs::read(first)?)?;
    let rest = shared.rename(&fs::read(rest)?)?;
    let table = shared
        .table
        .context("the parts of the page share no table")?;
    let Some((before, after)) = loader.split_once(TAKEN) else {
        bail!("the loader does not say what the program takes from it: {TAKEN}");
    };
    let later_js = LOADER.replace("TABLE", &table);
    let loader = format!("{before}{TAKEN}{LATER},\n{after}{later_js}");
    Ok(Parts {
        first,
        rest,
        loader,
    })
}

/// What there is to know of a module.
#[derive(Default)]
struct Program {
    imported: u32,
    /// Functions called by each own function.
    calls: Vec<Vec<u32>>,
    /// Bytes of each.
    sizes: Vec<usize>,
    /// What somebody from outside or through the table may call.
    roots: Vec<u32>,
    names: BTreeMap<u32, String>,
}

impl Program {
    fn read(wasm: &[u8]) -> Result<Self> {
        let mut program = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        program.imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            program.roots.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => program.roots.push(func),
                Payload::ElementSection(elements) => {
                    for element in elements {
                        if let ElementItems::Functions(functions) = element?.items {
                            for function in functions {
                                program.roots.push(function?);
                            }
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut calls = Vec::new();
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index }
                        | Operator::ReturnCall { function_index }
                        | Operator::RefFunc { function_index } = operator?
                        {
                            calls.push(function_index);
                        }
                    }
                    program.calls.push(calls);
                    program.sizes.push(body.as_bytes().len());
                }
                Payload::CustomSection(custom) => {
                    if let KnownCustom::Name(names) = custom.as_known() {
                        for name in names {
                            if let Name::Function(functions) = name? {
                                for function in functions {
                                    let function = function?;
                                    let name = without_hashes(function.name);
                                    program.names.insert(function.index, name);
                                }
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(program)
    }
}

/// `a[0123]::b` becomes `a::b`.
fn without_hashes(name: &str) -> String {
    let mut pieces = name.split('[');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |whole, piece| match piece.split_once(']') {
        Some((hash, rest)) if hash.bytes().all(|it| it.is_ascii_hexdigit()) => whole + rest,
        _ => whole + "[" + piece,
    })
}

/// Makes the module that is parted: its function 7 has the name `f7`, and the table of functions is its only exported
/// one. wasm-split takes any exported table for that one.
#[derive(Default)]
struct Numbered {
    /// Tables that are exported, with their numbers.
    tables: Vec<(String, u32)>,
}

impl Numbered {
    fn encode(&mut self, wasm: &[u8]) -> Result<Vec<u8>> {
        let program = Program::read(wasm)?;
        let mut functions = NameMap::new();
        for function in 0..program.imported + program.calls.len() as u32 {
            functions.append(function, &format!("f{function}"));
        }
        let mut names = NameSection::new();
        names.functions(&functions);
        let mut module = Module::new();
        self.parse_core_module(&mut module, Parser::new(0), wasm)
            .context("numbering the functions of the page")?;
        module.section(&names);
        Ok(module.finish())
    }
}

impl Reencode for Numbered {
    type Error = Infallible;

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Outcome {
        for export in section {
            let export = export?;
            if export.kind == ExternalKind::Table {
                self.tables.push((export.name.to_owned(), export.index));
            } else {
                self.parse_export(exports, export)?;
            }
        }
        exports.export(&format!("{SHARED}table"), ExportKind::Table, 0);
        Ok(())
    }
}

/// What the parts share: `%f123` in both becomes `s7`.
#[derive(Default)]
struct Shared {
    /// Tables that the first part is to export, too.
    tables: Vec<(String, u32)>,
    short: BTreeMap<String, String>,
    /// Name of the table of functions.
    table: Option<String>,
}

impl Shared {
    fn rename(&mut self, wasm: &[u8]) -> Result<Vec<u8>> {
        let mut module = Module::new();
        self.parse_core_module(&mut module, Parser::new(0), wasm)
            .context("naming what the parts of the page share")?;
        Ok(module.finish())
    }

    fn of(&mut self, name: &str) -> String {
        if !name.starts_with(SHARED) {
            return name.to_owned();
        }
        let number = self.short.len();
        let short = self.short.entry(name.to_owned());
        short.or_insert_with(|| format!("s{number}")).clone()
    }
}

type Outcome = Result<(), reencode::Error<Infallible>>;

impl Reencode for Shared {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Outcome {
        for import in section.into_imports() {
            let import = import?;
            let is_shared = import.module == FIRST;
            let name = if is_shared {
                self.of(import.name)
            } else {
                import.name.to_owned()
            };
            imports.import(import.module, &name, self.entity_type(import.ty)?);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Outcome {
        for export in section {
            let export = export?;
            let name = self.of(export.name);
            let (kind, index) = (self.export_kind(export.kind)?, export.index);
            exports.export(&name, kind, index);
            if (kind, index) == (ExportKind::Table, 0) {
                self.table = Some(name);
            }
        }
        for (name, table) in self.tables.drain(..) {
            exports.export(&name, ExportKind::Table, table);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ConstExpr, ElementSection, Elements, Function, FunctionSection, RefType,
        TableSection, TableType, TypeSection,
    };

    use super::*;

    /// A function that calls these, of some size.
    fn calling(callees: &[u32], is_small: bool) -> Function {
        let mut function = Function::new([]);
        for callee in callees {
            function.instructions().call(*callee);
        }
        for _ in 0..if is_small { 1 } else { SMALL } {
            function.instructions().nop();
        }
        function.instructions().end();
        function
    }

    /// Functions with their names and callees; the first is exported, `in_table` are called from anywhere.
    fn module(functions: &[(&str, &[u32], bool)], in_table: &[u32]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut declared = FunctionSection::new();
        let mut code = CodeSection::new();
        let mut names = NameMap::new();
        for (number, (name, callees, is_small)) in (0..).zip(functions) {
            declared.function(0);
            code.function(&calling(callees, *is_small));
            names.append(number, name);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 10,
            maximum: None,
            shared: false,
        });
        let mut exports = ExportSection::new();
        exports.export("start", ExportKind::Func, 0);
        exports.export("references", ExportKind::Table, 0);
        let mut elements = ElementSection::new();
        elements.active(
            None,
            &ConstExpr::i32_const(1),
            Elements::Functions(in_table.into()),
        );
        let mut named = NameSection::new();
        named.functions(&names);
        let mut module = Module::new();
        module.section(&types).section(&declared).section(&tables);
        module.section(&exports).section(&elements).section(&code);
        module.section(&named);
        module.finish()
    }

    #[test]
    fn views_come_later_with_what_only_they_call() -> Result<()> {
        let mesh = "statemesh_web[fda423aef0148668]::pages::mesh::MeshPage";
        let closure =
            "<statemesh_web[0a]::pages::mesh::Table::draw::{closure#0} as core[1b]::Draw>::draw";
        let whole = module(
            &[
                ("main", &[1, 4], false),
                (mesh, &[2, 3], false),
                ("only_the_view_calls_it", &[3], true),
                ("both_call_it", &[], true),
                ("statemesh_web::pages::meshes::Other", &[3], false),
                (closure, &[6], false),
                ("only_the_closure_calls_it", &[], false),
                ("statemesh_web::pages::mesh::one_of_equal_ones", &[], true),
                // Its type is in the name, and it is somebody else's.
                ("core::drop::<statemesh_web::model::tree::Tree>", &[], false),
                ("<statemesh_web::model::tree::Tree>::rows", &[], false),
            ],
            &[5, 7, 8, 9],
        );
        assert_eq!(later(&whole)?, [1, 2, 5, 6, 9]);
        Ok(())
    }

    #[test]
    fn hashes_of_crates_go_and_other_brackets_stay() {
        for (name, kept) in [
            ("a[0f]::b[12]::c", "a::b::c"),
            ("<[u8] as a[0f]::B>::c", "<[u8] as a::B>::c"),
            ("<[T; 3]>::x", "<[T; 3]>::x"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_hashes(name), kept);
        }
    }

    #[test]
    fn the_parted_module_exports_only_the_table_of_functions_and_numbers_its_functions()
    -> Result<()> {
        let mut numbered = Numbered::default();
        let whole = numbered.encode(&module(&[("main", &[], true), ("b", &[], true)], &[1]))?;
        assert_eq!(numbered.tables, [("references".to_owned(), 0)]);
        let program = Program::read(&whole)?;
        let names: Vec<&str> = program.names.values().map(String::as_str).collect();
        assert_eq!(names, ["f0", "f1"]);
        let mut shared = Shared {
            tables: numbered.tables,
            ..Shared::default()
        };
        shared.rename(&whole)?;
        assert_eq!(shared.table.as_deref(), Some("s0"));
        Ok(())
    }
}
