//! The page and the relay in release mode, in the order that embeds the one into the other.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, command};
use crate::later;
use crate::layout;
use crate::names;
use crate::small;
use crate::steps::{Report, Steps};
use crate::tools::{self, BuildFolder};
use crate::workspace;

/// Flags for wasm-opt: what rustc's output uses, and nothing newer, which browsers may refuse.
pub const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// What makes the module small on the wire. More passes (`-Oz`) make it smaller on disk, but gzip finds less to repeat:
/// 777 KB against 765 KB.
const WASM_PASSES: [&str; 2] = ["-O1", "--dae-optimizing"];

/// `cargo xtask build`
pub fn build() -> Result<ExitCode> {
    let mut steps = Steps::default();
    let Some(relay) = build_all(&mut steps) else {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    };
    println!("\nBuilt {}", relay.display());
    Ok(ExitCode::SUCCESS)
}

/// Tools, page, relay; the path of the relay, unless a step failed.
pub fn build_all(steps: &mut Steps) -> Option<PathBuf> {
    let built = steps.run("build tools", |_| {
        tools::ensure_page_tools(&BuildFolder::new())
    }) && steps.run("page", build_page)
        && steps.run("relay", build_relay);
    built.then(relay_program)
}

/// The page into `dist/`.
pub fn build_page(report: &Report) -> Result<()> {
    let mut trunk = command("trunk");
    trunk.args(["build", "--release"]);
    // trunk refuses the values that other tools accept for this variable.
    trunk.env_remove("NO_COLOR");
    let compiler = small::prepare(&mut trunk)?;
    if compiler.is_none() {
        report.say(small::NO_SOURCES);
    } else {
        // Names tell which function belongs to which view.
        trunk.env("CARGO_PROFILE_WASM_RELEASE_STRIP", "false");
    }
    report.check(&mut trunk)?;
    let dist = workspace::root().join("dist");
    let stem = program(&dist)?;
    let module = dist.join(format!("{stem}_bg.wasm"));
    if tools::has("wasm-opt") {
        let mut optimise = command("wasm-opt");
        optimise
            .arg("--debuginfo")
            .args(WASM_PASSES)
            .args(WASM_FEATURES);
        optimise.arg(&module).arg("-o").arg(&module);
        report.check(&mut optimise)?;
    } else {
        report.say("   no wasm-opt on the PATH: the page is 1 % larger on the wire");
    }
    let loader = dist.join(format!("{stem}.js"));
    let named = fs::read(&module)?;
    let (wasm, script) = names::shorten(&named, &fs::read_to_string(&loader)?)?;
    let mut parts = vec![("_bg.wasm", wasm)];
    let mut script = script;
    if compiler.is_none() {
        report
            .say("   nothing tells which function belongs to which view: a first visit loads all");
    } else if tools::has("wasm-split") {
        let whole = later::part(&parts[0].1, &later::later(&named)?, &script, report)?;
        parts = vec![("_bg.wasm", whole.first), ("_rest.wasm", whole.rest)];
        script = whole.loader;
    } else {
        report.say("   no wasm-split on the PATH: a first visit loads all views");
    }
    fs::remove_file(&module)?;
    fs::remove_file(&loader)?;

    // Browsers keep files of these names for ever.
    let mut hash = DefaultHasher::new();
    (&parts, &script).hash(&mut hash);
    let renamed = format!("statemesh-web-{:016x}", hash.finish());
    for (end, part) in &parts {
        let part = layout::like_beside_like(part)?;
        fs::write(dist.join(format!("{renamed}{end}")), part)?;
    }
    fs::write(dist.join(format!("{renamed}.js")), script)?;
    let index = dist.join("index.html");
    fs::write(&index, fs::read_to_string(&index)?.replace(&stem, &renamed))?;
    Ok(())
}

/// The relay, with whatever page `dist/` holds now, and the scripted peer that tests and
/// benches use.
pub fn build_relay(report: &Report) -> Result<()> {
    report.check(&mut cargo([
        "build",
        "--locked",
        "--release",
        "--package",
        "statemesh-relay",
        "--bins",
        "--examples",
    ]))
}

/// Where [`build_relay`] puts it.
pub fn relay_program() -> PathBuf {
    workspace::built("release").join("statemesh")
}

/// What the names of the page's module and of its loader begin with.
fn program(dist: &Path) -> Result<String> {
    let entries = fs::read_dir(dist).with_context(|| format!("reading {}", dist.display()))?;
    for entry in entries {
        let name = entry?.file_name();
        if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix("_bg.wasm")) {
            return Ok(stem.to_owned());
        }
    }
    bail!("trunk left no program in {}", dist.display())
}
