//! `cargo xtask bench dashboard`: the release page in Chromium under much, from made-up recordings and from real load.
//!
//! Headless frames are 16.7 ms apart whatever happens in them. What is measured is the main thread's work in each, from
//! Chromium's own trace, and its longest task.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use super::{Row, Unit, keep, results, table};
use crate::build;
use crate::cli::Recording;
use crate::command::{check, command};
use crate::generate::generate;
use crate::packages;
use crate::relay::{AfterSignal, forward_signals};
use crate::steps::Steps;
use crate::test::end_to_end_environment;
use crate::workspace;

/// Measures, prints, and keeps the table in BENCHMARKS.md.
pub fn bench() -> Result<ExitCode> {
    forward_signals(AfterSignal::Exit)?;
    let mut steps = Steps::default();
    let ready = steps.run("system packages", |_| packages::ensure())
        && build::build_all(&mut steps).is_some()
        && steps.run("page driver", |_| {
            check(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "e2e"]))
        })
        && steps.run("recordings", |_| make_recordings());
    let mut shown = None;
    let measured = ready
        && steps.run("bench dashboard", |_| {
            let mut driver = command("node");
            driver.arg("e2e/bench/dashboard.mjs");
            end_to_end_environment(&mut driver, None);
            name_recordings(&mut driver);
            shown = Some(table(&results(&mut driver)?, &ROWS));
            Ok(())
        });
    let Some(shown) = shown.filter(|_| measured) else {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    };
    println!("\n{shown}");
    keep("dashboard", &shown)?;
    Ok(ExitCode::SUCCESS)
}

/// Ten thousand machines of a thousand peers, and a million transitions.
pub fn make_recordings() -> Result<()> {
    let [machines, transitions] = recordings();
    fs::create_dir_all(folder()).context("no folder for the recordings")?;
    make(10_000, 1_000, 200_000, &machines)?;
    make(30, 6, 1_000_000, &transitions)
}

/// Tells a driver where they are.
pub fn name_recordings(driver: &mut Command) {
    let [machines, transitions] = recordings();
    driver.env("STATEMESH_MACHINES", machines);
    driver.env("STATEMESH_TRANSITIONS", transitions);
}

fn recordings() -> [PathBuf; 2] {
    ["machines.smesh", "transitions.smesh"].map(|name| folder().join(name))
}

fn folder() -> PathBuf {
    workspace::target().join("bench")
}

/// Writes one; the same numbers give the same bytes.
fn make(machines: u64, peers: u64, transitions: u64, out: &Path) -> Result<()> {
    generate(&Recording {
        machines,
        peers,
        transitions,
        seed: 7,
        out: out.to_owned(),
    })
    .map(|_| ())
}

const fn row(what: &'static str, key: &'static str, limit: &'static str, unit: Unit) -> Row {
    Row {
        what,
        key,
        limit,
        unit,
    }
}

const ROWS: [Row; 21] = [
    row(
        "10,000 machines: scroll, work per frame, p95",
        "scroll_p95_ms",
        "12 ms",
        Unit::Tenths,
    ),
    row(
        "10,000 machines: scroll, longest task",
        "scroll_longest_ms",
        "50 ms",
        Unit::Tenths,
    ),
    row(
        "10,000 machines: filter, longest task",
        "filter_longest_ms",
        "16 ms",
        Unit::Tenths,
    ),
    row(
        "10,000 machines: group and sort, longest task",
        "sort_longest_ms",
        "50 ms",
        Unit::Tenths,
    ),
    row(
        "10,000 machines: rows in the document, most",
        "rows_most",
        "60",
        Unit::Count,
    ),
    row(
        "1,000,000 transitions: 200 seeks, work per frame, p95",
        "seek_p95_ms",
        "12 ms",
        Unit::Tenths,
    ),
    row(
        "1,000,000 transitions: 200 seeks, longest task",
        "seek_longest_ms",
        "16 ms",
        Unit::Tenths,
    ),
    row(
        "1,000,000 transitions: scrub of 10 s, work per frame, p95",
        "scrub_p95_ms",
        "12 ms",
        Unit::Tenths,
    ),
    row(
        "1,000,000 transitions: scrub of 10 s, longest task",
        "scrub_longest_ms",
        "50 ms",
        Unit::Tenths,
    ),
    row(
        "1,000,000 transitions: heap",
        "heap_bytes",
        "300 MB",
        Unit::Megabytes,
    ),
    row(
        "5,000 changes/s: work per frame, p95",
        "load_p95_ms",
        "12 ms",
        Unit::Tenths,
    ),
    row(
        "5,000 changes/s: longest task",
        "load_longest_ms",
        "50 ms",
        Unit::Tenths,
    ),
    row(
        "5,000 changes/s: tasks over 50 ms in a minute",
        "load_over50",
        "0",
        Unit::Count,
    ),
    row(
        "5,000 changes/s: a letter typed, until its frame, p95",
        "typing_p95_ms",
        "50 ms",
        Unit::Milliseconds,
    ),
    row(
        "5,000 changes/s: heap after a minute",
        "load_heap_bytes",
        "300 MB",
        Unit::Megabytes,
    ),
    row(
        "1,000 peers: scrub of the graph, work per frame, p95",
        "peers_p95_ms",
        "12 ms",
        Unit::Tenths,
    ),
    row(
        "1,000 peers: scrub of the graph, longest task",
        "peers_longest_ms",
        "50 ms",
        Unit::Tenths,
    ),
    row(
        "page, all files of a first visit, gzip",
        "gzip_bytes",
        "800 KB",
        Unit::Kilobytes,
    ),
    row(
        "page, all files of a first visit, brotli",
        "brotli_bytes",
        "650 KB",
        Unit::Kilobytes,
    ),
    row(
        "page, code of other views, which comes after that, gzip",
        "rest_gzip_bytes",
        "",
        Unit::Kilobytes,
    ),
    row(
        "page, code of other views, brotli",
        "rest_brotli_bytes",
        "",
        Unit::Kilobytes,
    ),
];
