//! `cargo xtask bench`: measures the built product, prints a table, and keeps it in BENCHMARKS.md.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::build;
use crate::cli::Bench;
use crate::command::{check, command, output};
use crate::go::Go;
use crate::packages;
use crate::relay::{AfterSignal, forward_signals};
use crate::steps::Steps;
use crate::test::end_to_end_environment;
use crate::workspace;

pub mod dashboard;
mod engine;
mod mesh;

/// What can be measured.
pub fn list() {
    println!(
        "page       the release page in Chromium: delays, size, memory and processor time of the relay"
    );
    println!(
        "mesh       meshes of our peers and of Go peers: joining, changes, traffic, processor time"
    );
    println!(
        "dashboard  the release page under much: 10,000 machines, 1,000,000 transitions, 5,000 changes a second"
    );
    println!("engine     a mutation and a check: the engine, its handle, and the Go engine");
}

/// Measures one thing.
pub fn bench(bench: Bench, quick: bool) -> Result<ExitCode> {
    match bench {
        Bench::Mesh => mesh::bench(quick),
        Bench::Page | Bench::Dashboard | Bench::Engine if quick => {
            anyhow::bail!("only the bench of the mesh has a quick run")
        }
        Bench::Page => page(),
        Bench::Dashboard => dashboard::bench(),
        Bench::Engine => engine::bench(),
    }
}

fn page() -> Result<ExitCode> {
    forward_signals(AfterSignal::Exit)?;
    let mut steps = Steps::default();
    let mut gopeer = None;
    steps.run("Go peer", |report| {
        gopeer = Some(Go::find_or_fetch()?.build_peer(report)?);
        Ok(())
    });
    let ready = steps.run("system packages", |_| packages::ensure())
        && build::build_all(&mut steps).is_some()
        && steps.run("page driver", |_| {
            check(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "e2e"]))
        });
    let mut table = None;
    let measured = ready
        && steps.run("bench page", |_| {
            table = Some(measure(gopeer.as_deref())?);
            Ok(())
        });
    let Some(table) = table.filter(|_| measured) else {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    };
    println!("\n{table}");
    keep("page", &table)?;
    Ok(ExitCode::SUCCESS)
}

fn measure(gopeer: Option<&Path>) -> Result<String> {
    let mut driver = command("node");
    driver.arg("e2e/bench/page.mjs");
    end_to_end_environment(&mut driver, gopeer);
    Ok(table(&results(&mut driver)?, &ROWS))
}

/// What a driver printed when it was through; what it says meanwhile passes.
fn results(driver: &mut Command) -> Result<Value> {
    driver.stderr(std::process::Stdio::inherit());
    let done = driver.output().context("cannot start node")?;
    anyhow::ensure!(
        done.status.success(),
        "the bench ended with {}",
        done.status
    );
    serde_json::from_slice(&done.stdout).context("reading the results")
}

/// One measured figure and what it has to reach.
struct Row {
    what: &'static str,
    key: &'static str,
    limit: &'static str,
    unit: Unit,
}

enum Unit {
    Milliseconds,
    Kilobytes,
    Megabytes,
    Percent,
    PerSecond,
    Count,
    Tenths,
}

const ROWS: [Row; 15] = [
    Row {
        what: "first remote state painted, WebSocket, median of 9",
        key: "first_paint_ws_ms",
        limit: "1,500 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "first remote state painted, WebRTC, median of 9",
        key: "first_paint_webrtc_ms",
        limit: "1,500 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "change of a Rust peer on screen, median",
        key: "rust_change_p50_ms",
        limit: "",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "change of a Rust peer on screen, p99",
        key: "rust_change_p99_ms",
        limit: "400 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "Go peer's machine on screen after its start, median of 5",
        key: "go_learned_p50_ms",
        limit: "",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "Go peer's machine on screen after its start, longest",
        key: "go_learned_max_ms",
        limit: "10,000 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "change of a Go peer on screen, median of 10",
        key: "go_change_p50_ms",
        limit: "",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "change of a Go peer on screen, longest",
        key: "go_change_max_ms",
        limit: "7,000 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "relay killed, page says so, longest of both transports",
        key: "noticed_kill_ms",
        limit: "3,000 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "relay frozen, page says so, longest of both transports",
        key: "noticed_stop_ms",
        limit: "3,000 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "relay back, page live again, longest of four",
        key: "rejoined_ms",
        limit: "2,000 ms",
        unit: Unit::Milliseconds,
    },
    Row {
        what: "page, all files of a first visit, gzip",
        key: "gzip_bytes",
        limit: "800 KB",
        unit: Unit::Kilobytes,
    },
    Row {
        what: "relay with demo and one tab, memory (RSS)",
        key: "relay_rss_bytes",
        limit: "120 MB",
        unit: Unit::Megabytes,
    },
    Row {
        what: "relay with demo and one tab, share of one core",
        key: "relay_cpu_share",
        limit: "10 %",
        unit: Unit::Percent,
    },
    Row {
        what: "changes of the demo meanwhile",
        key: "changes_per_s",
        limit: "",
        unit: Unit::PerSecond,
    },
];

fn table(results: &Value, rows: &[Row]) -> String {
    let mut lines = vec![
        format!(
            "Measured on {}, {}.\n",
            results["machine"].as_str().unwrap_or("an unknown machine"),
            output(command("rustc").arg("--version")).unwrap_or_default()
        ),
        "| what | measured | limit |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for row in rows {
        let measured = results[row.key].as_f64().map_or_else(
            || "not measured".to_owned(),
            |value| shown(value, &row.unit),
        );
        lines.push(format!("| {} | {measured} | {} |", row.what, row.limit));
    }
    lines.join("\n")
}

fn shown(value: f64, unit: &Unit) -> String {
    match unit {
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Kilobytes => format!("{:.0} KB", value / 1000.0),
        Unit::Megabytes => format!("{:.1} MB", value / (1024.0 * 1024.0)),
        Unit::Percent => format!("{:.1} %", value * 100.0),
        Unit::PerSecond => format!("{value:.1} /s"),
        Unit::Count => format!("{value:.0}"),
        Unit::Tenths => format!("{value:.1} ms"),
    }
}

/// Replaces that bench's section of BENCHMARKS.md.
fn keep(bench: &str, table: &str) -> Result<()> {
    let file = workspace::root().join("BENCHMARKS.md");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let replaced = with_section(&text, bench, table)
        .with_context(|| format!("{} has no section for this bench", file.display()))?;
    fs::write(&file, replaced).with_context(|| format!("writing {}", file.display()))
}

/// The text with what stands between the two marks of a bench replaced.
fn with_section(text: &str, bench: &str, section: &str) -> Option<String> {
    let begin = format!("<!-- bench {bench}: written by `cargo xtask bench {bench}` -->");
    let end = format!("<!-- end of bench {bench} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{section}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{ROWS, table, with_section};
    use serde_json::json;

    #[test]
    fn only_the_section_is_replaced() {
        let begin = "<!-- bench page: written by `cargo xtask bench page` -->";
        let end = "<!-- end of bench page -->";
        let text = format!("# B\n{begin}\nold\n{end}\nrest\n");
        let new = with_section(&text, "page", "new").unwrap();
        assert_eq!(new, format!("# B\n{begin}\n\nnew\n\n{end}\nrest\n"));
        assert_eq!(with_section(&text, "engine", "new"), None);
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let results = json!({"machine": "m", "gzip_bytes": 500_000, "relay_cpu_share": 0.041});
        let text = table(&results, &ROWS);
        assert!(text.contains("gzip | 500 KB | 800 KB"));
        assert!(text.contains("4.1 %"));
        assert!(text.contains("WebSocket, median of 9 | not measured |"));
    }
}
