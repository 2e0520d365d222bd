//! What the page needs to stay within its budget beyond what stable cargo does, 95 KB of what travels: a standard
//! library compiled for size, panics without their texts (each one ends the program anyway), and no precomputed curve
//! tables.
//!
//! It is one switch: [`prepare`] sets the environment of one build, the page's or the package's, and of nothing else. It takes unstable
//! flags, which the pinned compiler has behind `RUSTC_BOOTSTRAP`, and the sources of the standard library. Without
//! them the page is built as usual: larger, the same in all else.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::command::{cargo, check, command, output};
use crate::tools::WASM;
use crate::workspace;

/// The environment of every program of the build that asks for unstable flags.
const UNSTABLE: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");
/// A panic is one instruction: no message, no place, no hook. start.js tells the reader.
const PANIC: [&str; 2] = ["-Zunstable-options", "-Cpanic=immediate-abort"];
/// Names of functions tell of which types they were made: [`crate::later`] reads them.
const NAMES: [&str; 2] = [
    "-Csymbol-mangling-version=v0",
    // With names comes the list of what the machine can do, and with that list wasm-bindgen makes a table of references,
    // which wasm-opt takes for the one of functions.
    "-Ctarget-feature=-reference-types",
];
/// Names the compiler wrapper that the user has, if any, to ourselves as the compiler's stand-in.
const STAND_IN: &str = "STATEMESH_RUSTC_WRAPPER";

/// What is said when that is not possible.
pub const NO_SOURCES: &str = "   no sources of the standard library: a sixth more goes on the wire";

/// Lets a build of the page, or of the package, use all of it as long as the answer lives; `None` where something is missing.
pub fn prepare(build: &mut Command) -> Result<Option<Compiler>> {
    if !is_possible() {
        return Ok(None);
    }
    let compiler = Compiler::new()?;
    build
        .env(UNSTABLE.0, UNSTABLE.1)
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
        .env(
            target_variable("RUSTFLAGS"),
            [PANIC.as_slice(), &NAMES].concat().join(" "),
        )
        .env(STAND_IN, env::var_os("RUSTC_WRAPPER").unwrap_or_default())
        .env("RUSTC_WRAPPER", &compiler.0);
    Ok(Some(compiler))
}

/// This program under another name: a copy, because checkouts share the target folder, and the next one to be built
/// replaces the original.
pub struct Compiler(PathBuf);

impl Compiler {
    fn new() -> Result<Self> {
        let copy = workspace::target().join(format!("page-rustc-{}", std::process::id()));
        fs::copy(env::current_exe()?, &copy)?;
        Ok(Self(copy))
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // What stays is a file that nothing runs.
        let _ = fs::remove_file(&self.0);
    }
}

/// Asks rustup for the sources of the standard library unless they are there. Says what it does.
pub fn ensure_std() {
    let Some(library) = library() else {
        return;
    };
    if !library.is_dir() {
        println!("   adding the sources of the standard library");
        if let Err(error) = check(command("rustup").args(["component", "add", "rust-src"])) {
            println!("   {error:#}: the page is larger without");
        }
    }
}

/// The compiler takes the flags, and the standard library is there with what it depends on.
pub fn is_possible() -> bool {
    library().is_some_and(|library| {
        let mut fetch = cargo(["fetch", "--quiet", "--locked", "--target", WASM]);
        fetch.current_dir(&library).env(UNSTABLE.0, UNSTABLE.1);
        library.is_dir() && check(&mut fetch).is_ok()
    })
}

/// Where the standard library's sources belong, if the compiler takes the flags.
fn library() -> Option<PathBuf> {
    let mut rustc = command("rustc");
    rustc
        .args(PANIC)
        .args(["--print", "sysroot"])
        .env(UNSTABLE.0, UNSTABLE.1);
    output(&mut rustc).map(|sysroot| PathBuf::from(sysroot).join("lib/rustlib/src/rust/library"))
}

/// `CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_…`: joins what the configuration says for the target.
fn target_variable(name: &str) -> String {
    let target = WASM.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_{name}")
}

/// Runs the compiler if cargo started us in its place, else does nothing.
pub fn stand_in() -> Option<Result<ExitCode>> {
    let wrapper = env::var_os(STAND_IN)?;
    let mut line: Vec<OsString> = env::args_os().skip(1).collect();
    if !wrapper.is_empty() {
        line.insert(0, wrapper);
    }
    Some(compile(without_tables(line)))
}

fn compile(line: Vec<OsString>) -> Result<ExitCode> {
    let (program, args) = line.split_first().context("no compiler is named")?;
    let status = Command::new(program).args(args).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The line of the compiler; for the curve's crate without the feature that adds tables. They are 31 KB of noise, which
/// no compression makes smaller, for some signatures a minute, each 0.2 ms longer without. The crates in between ask
/// for the feature by default, and cargo knows no way to take back what another crate asked for.
fn without_tables(line: Vec<OsString>) -> Vec<OsString> {
    let has = |part: &str| line.iter().any(|arg| arg == part);
    if !(has("curve25519_dalek") && has(WASM)) {
        return line;
    }
    let tables = OsStr::new("feature=\"precomputed-tables\"");
    let mut kept: Vec<OsString> = Vec::with_capacity(line.len());
    for arg in line {
        if arg == tables {
            kept.pop_if(|before| before == "--cfg");
        } else {
            kept.push(arg);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_tables_go_from_the_curve_in_a_browser() {
        let given = "rustc --crate-name curve25519_dalek --cfg feature=\"alloc\" --cfg \
                     feature=\"precomputed-tables\" --target wasm32-unknown-unknown";
        let kept = "rustc --crate-name curve25519_dalek --cfg feature=\"alloc\" --target wasm32-unknown-unknown";
        assert_eq!(without_tables(line(given)), line(kept));
    }

    #[test]
    fn every_other_line_stays() {
        for text in [
            "rustc -vV",
            "rustc --crate-name curve25519_dalek --cfg feature=\"precomputed-tables\"",
            "rustc --crate-name x25519_dalek --cfg feature=\"precomputed-tables\" --target wasm32-unknown-unknown",
        ] {
            assert_eq!(without_tables(line(text)), line(text));
        }
    }

    #[test]
    fn the_target_has_variables_of_its_own() {
        assert_eq!(
            target_variable("RUSTFLAGS"),
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"
        );
    }
}
