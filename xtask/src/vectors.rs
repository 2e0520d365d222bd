//! `cargo xtask vectors FILE...`: runs every recorded line of any known format, also of files never seen before.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use statemesh_testkit::tally::{SHOWN, Tally};
use statemesh_testkit::vectors::recorded_files;

/// Runs the files, or the ones the project keeps; success only if every line agrees or differs on purpose.
pub fn vectors(files: &[PathBuf]) -> Result<ExitCode> {
    let own = recorded_files();
    let files = if files.is_empty() { &own } else { files };
    let mut tally = Tally::default();
    for file in files {
        tally
            .run(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    for difference in &tally.differences {
        println!("{difference}\n");
    }
    if tally.differing() > SHOWN as u64 {
        println!(
            "… and {} more differences\n",
            tally.differing() - SHOWN as u64
        );
    }
    println!(
        "agree {} of {}, deliberate {}, unsupported {}",
        tally.agree,
        tally.lines,
        tally.deliberate(),
        tally.unsupported
    );
    for (defect, lines) in &tally.by_defect {
        println!("  deliberate: {lines} by {defect}");
    }
    Ok(if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
