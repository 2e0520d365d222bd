//! The engine, its handle and the Go engine in the same run on the same machine.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use super::keep;
use crate::command::{cargo, check, check_lines, command, output};
use crate::go::Go;
use crate::steps::Steps;
use crate::workspace;

/// One row of the table.
struct Case {
    what: &'static str,
    /// Of the engine's benchmark; its handle's has a prefix.
    id: &'static str,
    go: &'static str,
    goal: Goal,
}

/// What the engine should need.
enum Goal {
    /// So many nanoseconds where the Go engine needs so many.
    Nanoseconds { ours: f64, go: f64 },
    /// This part of what the Go engine needs.
    PartOfGo(f64),
}

impl Goal {
    /// The goal in nanoseconds on this machine.
    fn here(&self, go: f64) -> f64 {
        match self {
            Self::Nanoseconds { ours, go: then } => ours * go / then,
            Self::PartOfGo(part) => go / part,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds { ours, go } => write!(f, "{ours} ns where Go needs {go}"),
            Self::PartOfGo(part) => write!(f, "1/{part} of Go"),
        }
    }
}

const CASES: [Case; 10] = [
    Case {
        what: "toggle of 2 exclusive states",
        id: "toggle",
        go: "Toggle",
        goal: Goal::Nanoseconds {
            ours: 60.0,
            go: 2400.0,
        },
    },
    Case {
        what: "the same with 1 Enter and 2 State handlers",
        id: "toggle-handlers",
        go: "ToggleWithHandlers",
        goal: Goal::Nanoseconds {
            ours: 90.0,
            go: 6700.0,
        },
    },
    Case {
        what: "flow of 10 states (Add, Remove, Require, Auto)",
        id: "flow",
        go: "Flow",
        goal: Goal::Nanoseconds {
            ours: 200.0,
            go: 5700.0,
        },
    },
    Case {
        what: "Multi state in that flow",
        id: "multi",
        go: "Multi",
        goal: Goal::Nanoseconds {
            ours: 200.0,
            go: 11_000.0,
        },
    },
    Case {
        what: "`is`, by index",
        id: "is-index",
        go: "Is",
        goal: Goal::Nanoseconds {
            ours: 2.0,
            go: 20.0,
        },
    },
    Case {
        what: "`is`, by name",
        id: "is-name",
        go: "Is",
        goal: Goal::Nanoseconds {
            ours: 15.0,
            go: 20.0,
        },
    },
    Case {
        what: "100 states with dense relations",
        id: "dense-100",
        go: "Dense100",
        goal: Goal::PartOfGo(20.0),
    },
    Case {
        what: "1,000 states with dense relations",
        id: "dense-1000",
        go: "Dense1000",
        goal: Goal::PartOfGo(20.0),
    },
    Case {
        what: "toggle beside 1,000 pending waits",
        id: "toggle-waits",
        go: "ToggleBesideWaits",
        goal: Goal::PartOfGo(20.0),
    },
    Case {
        what: "the flow, steps recorded",
        id: "flow-steps",
        go: "FlowWithSteps",
        goal: Goal::PartOfGo(20.0),
    },
];

/// What was measured, by benchmark.
#[derive(Default)]
struct Measured {
    /// Median nanoseconds.
    ours: BTreeMap<String, f64>,
    /// Allocations of a thousand calls.
    allocations: BTreeMap<String, u64>,
    /// Nanoseconds and allocations of a call.
    go: BTreeMap<String, (f64, u64)>,
}

/// `cargo xtask bench engine`
pub fn bench() -> Result<ExitCode> {
    let mut steps = Steps::default();
    let mut measured = Measured::default();
    let done = steps.run("engine", |_| measure_engine(&mut measured))
        && steps.run("handle", |_| measure_handle(&mut measured))
        && steps.run("Go engine", |_| {
            measured.go = go_results(&Go::find_or_fetch()?.bench_engine()?);
            Ok(())
        });
    if !done {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    }
    let table = table(&measured);
    println!("\n{table}");
    keep("engine", &table)?;
    Ok(ExitCode::SUCCESS)
}

fn measure_engine(measured: &mut Measured) -> Result<()> {
    let mut bench = cargo(["bench", "--locked", "--package", "statemesh-core"]);
    bench.args(["--bench", "engine"]);
    let allocations = &mut measured.allocations;
    check_lines(&mut bench, |line| {
        println!("{line}");
        let mut words = line
            .strip_prefix("allocations ")
            .into_iter()
            .flat_map(str::split_whitespace);
        if let (Some(id), Some(Ok(count))) = (words.next(), words.next().map(str::parse)) {
            allocations.insert(id.to_owned(), count);
        }
    })?;
    measured.ours.extend(estimates()?);
    Ok(())
}

fn measure_handle(measured: &mut Measured) -> Result<()> {
    let mut bench = cargo(["bench", "--locked", "--package", "statemesh"]);
    bench.args(["--no-default-features", "--bench", "handle"]);
    check(&mut bench)?;
    measured.ours.extend(estimates()?);
    Ok(())
}

/// Medians that criterion has kept.
fn estimates() -> Result<BTreeMap<String, f64>> {
    let folder = workspace::target().join("criterion");
    let mut medians = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let file = entry.path().join("new/estimates.json");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let estimates: Value = serde_json::from_str(&text)?;
        if let (Some(median), Some(id)) = (
            estimates["median"]["point_estimate"].as_f64(),
            entry.file_name().to_str(),
        ) {
            medians.insert(id.to_owned(), median);
        }
    }
    Ok(medians)
}

/// `BenchmarkX-2   1000   12190 ns/op   1632 B/op   43 allocs/op`
fn go_results(text: &str) -> BTreeMap<String, (f64, u64)> {
    let result = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = words.first()?.strip_prefix("Benchmark")?;
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        let before = |unit| {
            let at = words.iter().position(|word| *word == unit)?;
            words.get(at.checked_sub(1)?).copied()
        };
        let time = before("ns/op")?.parse().ok()?;
        let allocations = before("allocs/op")?.parse().ok()?;
        Some((name.to_owned(), (time, allocations)))
    };
    text.lines().filter_map(result).collect()
}

fn table(measured: &Measured) -> String {
    let mut lines = vec![
        format!(
            "Measured on {}, {}, asyncmachine-go v0.19.1.\n",
            processor(),
            output(command("rustc").arg("--version")).unwrap_or_default()
        ),
        "| one call | engine | goal here | goal | allocations | handle | Go | Go's allocations | Go / engine |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for case in &CASES {
        let ours = measured.ours.get(case.id);
        let go = measured.go.get(case.go);
        let ratio = ours
            .zip(go)
            .map(|(ours, (go, _))| format!("{:.0}", go / ours));
        let handle = measured.ours.get(&format!("handle-{}", case.id));
        let allocations = measured.allocations.get(case.id).map(|&of_thousand| {
            let whole = of_thousand / 1_000;
            let rest = of_thousand % 1_000;
            if rest == 0 {
                whole.to_string()
            } else {
                format!("{whole}.{rest:03}")
            }
        });
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            case.what,
            nanoseconds(ours.copied()),
            nanoseconds(go.map(|(go, _)| case.goal.here(*go))),
            case.goal,
            allocations.unwrap_or_default(),
            nanoseconds(handle.copied()),
            nanoseconds(go.map(|(time, _)| *time)),
            go.map(|(_, allocations)| allocations.to_string())
                .unwrap_or_default(),
            ratio.unwrap_or_default(),
        ));
    }
    lines.join("\n")
}

fn nanoseconds(time: Option<f64>) -> String {
    time.map_or_else(String::new, |time| match time {
        ..10.0 => format!("{time:.1} ns"),
        10.0..10_000.0 => format!("{time:.0} ns"),
        _ => format!("{:.1} us", time / 1_000.0),
    })
}

/// Name and number of the processors.
pub(super) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("an unknown processor", |name| {
        name.trim_start_matches([' ', '\t', ':'])
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} x {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_go_are_read() {
        let text =
            "goos: linux\nBenchmarkToggle-2   100   12190 ns/op   1632 B/op   43 allocs/op\nPASS\n";
        assert_eq!(
            go_results(text),
            BTreeMap::from([("Toggle".to_owned(), (12_190.0, 43))])
        );
    }

    #[test]
    fn what_was_not_measured_stays_empty() {
        let mut measured = Measured::default();
        measured.ours.insert("toggle".to_owned(), 100.0);
        measured.allocations.insert("toggle".to_owned(), 5);
        measured.go.insert("Toggle".to_owned(), (1_200.0, 44));
        let table = table(&measured);
        assert!(
            table.contains(
                "| 100 ns | 30 ns | 60 ns where Go needs 2400 | 0.005 |  | 1200 ns | 44 | 12 |"
            ),
            "{table}"
        );
        assert!(table.contains("| the flow, steps recorded |  |  | 1/20 of Go |  |  |  |  |  |"));
    }
}
