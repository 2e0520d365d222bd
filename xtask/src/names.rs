//! What the page's program and its loader call each other. wasm-bindgen names each of the two hundred functions that the
//! program takes from the loader by its type, its method and a hash, which no compression makes small: 6 KB of what
//! travels, once in each file. Classes that a library offers to scripts, and what the program exports for them, go: the
//! page has no script but its own.
//!
//! The new names depend on nothing but the old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use anyhow::{Context, Result};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{CustomSectionReader, ExportSectionReader, ImportSectionReader, Parser, Payload};

/// The module and its loader, which call the functions between them by short names.
pub fn shorten(wasm: &[u8], loader: &str) -> Result<(Vec<u8>, String)> {
    let loader = &without_classes(loader);
    let mut names = Names {
        short: BTreeMap::new(),
        said: words(loader).map(|(word, _)| word.to_owned()).collect(),
    };
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                let name = import?.name;
                // Defined once and used nowhere else: whatever else has this name keeps it.
                if words(loader).filter(|(word, _)| *word == name).count() == 1 {
                    names.short.insert(name.to_owned(), String::new());
                }
            }
        }
    }
    for (number, short) in names.short.values_mut().enumerate() {
        *short = format!("i{number}");
    }
    let mut module = Module::new();
    names
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .context("renaming the imports of the page")?;
    let loader: String = words(loader)
        .flat_map(|(word, rest)| [names.of(word), rest])
        .collect();
    Ok((module.finish(), unadorned(&loader)))
}

/// The loader without classes that nothing in it uses, and what belongs to them.
fn without_classes(loader: &str) -> String {
    let mut kept = loader.to_owned();
    let classes = loader.lines().filter_map(|line| {
        let class = line.strip_prefix("export class ")?;
        class.strip_suffix(" {")
    });
    for class in classes {
        let ends = [
            (format!("export class {class} {{\n"), "\n}\n"),
            (format!("if (Symbol.dispose) {class}."), ";\n"),
            (format!("const {class}Finalization = "), ";\n"),
        ];
        let without = ends
            .iter()
            .fold(kept.clone(), |text, (begin, end)| cut(&text, begin, end));
        let names = [class.to_owned(), format!("{class}Finalization")];
        if !words(&without).any(|(word, _)| names.iter().any(|name| name == word)) {
            kept = without;
        }
    }
    kept
}

/// The text without its first part that begins and ends so.
fn cut(text: &str, begin: &str, end: &str) -> String {
    let part = text.split_once(begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(end)?;
        Some([before, after].concat())
    });
    part.unwrap_or_else(|| text.to_owned())
}

/// The loader without its comments and indents.
fn unadorned(loader: &str) -> String {
    let mut is_comment = false;
    let lines = loader.lines().map(str::trim_start).filter(|line| {
        let begins = line.starts_with("/**");
        is_comment |= begins;
        let keep = !is_comment && !line.is_empty();
        is_comment &= !line.ends_with("*/");
        keep
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Identifiers, each with what follows up to the next.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.split_inclusive(move |c| !is_part(c))
        .map(move |piece| piece.split_at(piece.trim_end_matches(|c| !is_part(c)).len()))
}

/// What the two call each other.
struct Names {
    /// Short names by the long ones.
    short: BTreeMap<String, String>,
    /// Every name in the loader.
    said: BTreeSet<String>,
}

impl Names {
    fn of<'a>(&'a self, name: &'a str) -> &'a str {
        self.short.get(name).map_or(name, String::as_str)
    }
}

impl Reencode for Names {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let kind = self.entity_type(import.ty)?;
            imports.import(import.module, self.of(import.name), kind);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        for export in section {
            let export = export?;
            if self.said.contains(export.name) {
                self.parse_export(exports, export)?;
            }
        }
        Ok(())
    }

    /// Names for debuggers, and which tools made it: a panic of the page has no text, so nobody reads them.
    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CustomSection, EntityType, ExportKind, TypeSection};

    use super::*;

    const LOADER: &str = "const imports = {\n    __wbg_log_0123: function() { log(); },\n    \
                          __wbg_now_4567: () => now(),\n    both: both(),\n};";

    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        for name in ["__wbg_now_4567", "both", "__wbg_log_0123", "absent"] {
            imports.import("./loader.js", name, EntityType::Function(0));
        }
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.section(&CustomSection {
            name: "producers".into(),
            data: b"somebody".into(),
        });
        module.finish()
    }

    fn imported(wasm: &[u8]) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            if let Payload::ImportSection(imports) = payload? {
                for import in imports.into_imports() {
                    names.push(import?.name.to_owned());
                }
            }
        }
        Ok(names)
    }

    #[test]
    fn both_sides_agree_on_the_new_names() -> Result<()> {
        let (wasm, loader) = shorten(&module(), LOADER)?;
        assert_eq!(imported(&wasm)?, ["i1", "both", "i0", "absent"]);
        assert!(loader.contains("\ni0: function() { log(); },\n"));
        assert!(loader.contains("\ni1: () => now(),\nboth: both(),\n};"));
        Ok(())
    }

    #[test]
    fn what_only_tools_read_goes() -> Result<()> {
        fn count(wasm: &[u8]) -> usize {
            let payloads = Parser::new(0).parse_all(wasm);
            let custom = payloads.filter(|it| matches!(it, Ok(Payload::CustomSection(_))));
            custom.count()
        }
        let (wasm, _) = shorten(&module(), LOADER)?;
        assert_eq!((count(&module()), count(&wasm)), (1, 0));
        Ok(())
    }

    #[test]
    fn classes_that_nothing_uses_go() {
        let class = |name: &str| {
            format!(
                "export class {name} {{\n    free() {{\n        {name}Finalization.unregister(this);\n    }}\n}}\n\
                 if (Symbol.dispose) {name}.prototype[Symbol.dispose] = {name}.prototype.free;\n"
            )
        };
        let finalization = |name: &str| {
            format!(
                "const {name}Finalization = x\n? {{ register: () => {{}} }}\n: new R(p => wasm.{name}_free(p));\n"
            )
        };
        let rest = "function used() { return new Used(); }\n";
        let loader = |names: &[&str]| {
            let classes = names.iter().map(|name| class(name));
            let finalizations = names.iter().map(|name| finalization(name));
            classes
                .chain([rest.to_owned()])
                .chain(finalizations)
                .collect::<String>()
        };
        assert_eq!(
            without_classes(&loader(&["Idle", "Used", "IdleToo"])),
            loader(&["Used"])
        );
    }

    #[test]
    fn only_what_the_loader_calls_is_exported() -> Result<()> {
        let mut module = Module::new();
        let mut exports = ExportSection::new();
        for name in ["__wbindgen_start", "idle_free"] {
            exports.export(name, ExportKind::Memory, 0);
        }
        module.section(&exports);
        let (wasm, _) = shorten(&module.finish(), "wasm.__wbindgen_start();")?;
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(&wasm) {
            if let Payload::ExportSection(exports) = payload? {
                for export in exports {
                    names.push(export?.name.to_owned());
                }
            }
        }
        assert_eq!(names, ["__wbindgen_start"]);
        Ok(())
    }

    #[test]
    fn comments_and_indents_go() {
        let loader = "/**\n * a * b\n */\nexport class A {\n    /** @type {B} */\n    b() {\n        return 1;\n\n    }\n}\n";
        assert_eq!(
            unadorned(loader),
            "export class A {\nb() {\nreturn 1;\n}\n}\n"
        );
    }

    #[test]
    fn a_second_time_changes_nothing() -> Result<()> {
        let (wasm, loader) = shorten(&module(), LOADER)?;
        assert_eq!(shorten(&wasm, &loader)?, (wasm, loader));
        Ok(())
    }
}
