//! `cargo xtask fuzz-smoke`: every fuzz target for a while. Not part of `test`: it finds other things every time.
//!
//! Works on the pinned toolchain: coverage, debug assertions and overflow checks, no sanitizer. What a run finds out
//! stays in `fuzz/corpus`, and the next goes on from there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, check, output};
use crate::steps::Steps;
use crate::tools::{self, BuildFolder};
use crate::workspace;

/// An input that takes longer, or more memory, is a crash. Most take less than a millisecond and 40 MB.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Runs each target for that long. Exit code 1 if one crashed; the summary names the input.
pub fn smoke(seconds: u64) -> Result<ExitCode> {
    let mut steps = Steps::default();
    let is_ready = steps.run("cargo-fuzz", |_| tools::FUZZ.ensure(&BuildFolder::new()))
        && steps.run("build", |_| {
            check(&mut cargo(["fuzz", "build", "--sanitizer", "none"]))
        });
    if is_ready {
        for target in targets()? {
            steps.run(&format!("fuzz {target}"), |_| run(&target, seconds));
        }
    }
    Ok(if steps.summarise() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn targets() -> Result<Vec<String>> {
    let list = output(&mut cargo(["fuzz", "list"])).context("cargo fuzz lists no targets")?;
    Ok(list.lines().map(str::to_owned).collect())
}

fn run(target: &str, seconds: u64) -> Result<()> {
    let found = workspace::root().join("fuzz/artifacts").join(target);
    let before = files(&found);
    let mut fuzz = cargo(["fuzz", "run", "--sanitizer", "none", target, "--"]);
    fuzz.arg(format!("-max_total_time={seconds}")).args(LIMITS);
    let dictionary = workspace::root().join(format!("fuzz/{target}.dict"));
    if dictionary.is_file() {
        fuzz.arg(format!("-dict={}", dictionary.display()));
    }
    let Err(error) = check(&mut fuzz) else {
        return Ok(());
    };
    let new = files(&found);
    match new.difference(&before).next() {
        Some(input) => bail!("crashed by {}", input.display()),
        None => Err(error),
    }
}

/// Files of a folder; none when it is not there.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
