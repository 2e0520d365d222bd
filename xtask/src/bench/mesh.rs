//! Peers of ours and of asyncmachine-go v0.13.0 through the same scenarios, one after the other, never at once.
//!
//! The harnesses are twins: `crates/peer/benches/mesh` and `interop/meshbench`. Each run is a process of its own. While one
//! of its phases runs, `perf` says what the processor time goes into, where there is a `perf`.

mod profile;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use self::profile::Profile;
use super::keep;
use crate::command::{cargo, check_lines, command, output};
use crate::go::Go;
use crate::steps::Steps;

/// Whose peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Ours,
    Go,
}

/// One process: so many peers join, then phase follows phase.
struct Run {
    peers: usize,
    side: Side,
    /// Seconds for everybody to know everything.
    limit: u32,
    phases: &'static [&'static str],
}

const QUICK: [Run; 2] = [
    Run {
        peers: 20,
        side: Side::Ours,
        limit: 30,
        phases: &["each:10"],
    },
    Run {
        peers: 20,
        side: Side::Go,
        limit: 60,
        phases: &["each:10"],
    },
];

const ALL: [Run; 7] = [
    Run {
        peers: 20,
        side: Side::Ours,
        limit: 30,
        phases: &["each:30"],
    },
    Run {
        peers: 20,
        side: Side::Go,
        limit: 60,
        phases: &["each:30"],
    },
    Run {
        peers: 50,
        side: Side::Ours,
        limit: 60,
        phases: &[],
    },
    Run {
        peers: 50,
        side: Side::Go,
        limit: 120,
        phases: &[],
    },
    Run {
        peers: 100,
        side: Side::Ours,
        limit: 60,
        phases: &["ten:20", "each:30", "rest:20"],
    },
    Run {
        peers: 100,
        side: Side::Go,
        limit: 120,
        phases: &["each:30", "rest:20"],
    },
    Run {
        peers: 200,
        side: Side::Ours,
        limit: 120,
        phases: &[],
    },
];

/// What was measured.
#[derive(Default)]
struct Measured {
    /// By phase, peers and side.
    phases: BTreeMap<(String, usize, Side), Value>,
    /// Of the phase that has the most to do, by side.
    profiles: BTreeMap<Side, Profile>,
    /// A thousand members in virtual time: what the test said, and processor seconds.
    thousand: Option<(String, f64)>,
}

/// The harnesses, built.
struct Harness {
    ours: PathBuf,
    go: Option<PathBuf>,
}

/// `cargo xtask bench mesh`; a quick run keeps nothing.
pub fn bench(quick: bool) -> Result<ExitCode> {
    let mut steps = Steps::default();
    let mut harness = None;
    let built = steps.run("our peers", |_| {
        let ours = build_ours()?;
        harness = Some(Harness { ours, go: None });
        Ok(())
    });
    let Some(mut harness) = harness.filter(|_| built) else {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    };
    match Go::find_or_fetch().and_then(|go| go.build_mesh_bench()) {
        Ok(go) => harness.go = Some(go),
        Err(error) => println!("\nNo Go peers beside ours: {error:#}."),
    }
    let mut measured = Measured::default();
    let runs: &[Run] = if quick { &QUICK } else { &ALL };
    let mut complete = true;
    for run in runs {
        let Some(program) = harness.program(run.side) else {
            continue;
        };
        let name = format!("{} {}", run.peers, run.side.peers());
        complete &= steps.run(&name, |_| run.measure(program, &mut measured));
    }
    if !quick {
        complete &= steps.run("a thousand members, virtual time", |_| {
            measured.thousand = Some(thousand()?);
            Ok(())
        });
    }
    let table = table::table(&measured);
    println!("\n{table}");
    if quick {
        println!("\nA quick run: BENCHMARKS.md stays as it is.");
    } else if complete {
        keep("mesh", &table)?;
    }
    steps.summarise();
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Side {
    fn peers(self) -> &'static str {
        match self {
            Self::Ours => "of our peers",
            Self::Go => "Go peers",
        }
    }
}

impl Harness {
    fn program(&self, side: Side) -> Option<&Path> {
        match side {
            Side::Ours => Some(&self.ours),
            Side::Go => self.go.as_deref(),
        }
    }
}

impl Run {
    fn measure(&self, program: &Path, measured: &mut Measured) -> Result<()> {
        let mut harness = command(program);
        harness.args([self.peers.to_string(), self.limit.to_string()]);
        harness.args(self.phases);
        let mut recording = None;
        check_lines(&mut harness, |line| {
            println!("{line}");
            let Ok(said) = serde_json::from_str::<Value>(line) else {
                return;
            };
            let pid = said["pid"].as_u64();
            if said["begin"] == PROFILED && self.peers >= PROFILED_PEERS {
                recording = pid.and_then(profile::record);
            }
            if let Some(phase) = said["done"].as_str() {
                if let Some(profile) = recording.take().and_then(profile::Recording::read) {
                    measured.profiles.insert(self.side, profile);
                }
                measured
                    .phases
                    .insert((phase.to_owned(), self.peers, self.side), said);
            }
        })
    }
}

/// Not stripped, so that a profile can tell whose code it is.
fn build_ours() -> Result<PathBuf> {
    let mut build = cargo(["rustc", "--locked", "--release", "--package", "statemesh"]);
    build.args([
        "--bench",
        "mesh",
        "--message-format=json-render-diagnostics",
    ]);
    build.args(["--", "-C", "strip=none"]);
    executable(&mut build)
}

/// What cargo built.
fn executable(build: &mut Command) -> Result<PathBuf> {
    let built = build
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    anyhow::ensure!(built.status.success(), "cargo ended with {}", built.status);
    let text = String::from_utf8_lossy(&built.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().context("cargo built no program")
}

/// The test of a thousand members, optimised: what it says, and the processor time it takes.
fn thousand() -> Result<(String, f64)> {
    let mut build = cargo([
        "test",
        "--locked",
        "--release",
        "--package",
        "statemesh-core",
    ]);
    build.args([
        "--test",
        "mesh_scale",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    let test = executable(&mut build)?;
    let mut run = command(test);
    run.args([
        "--exact",
        "a_thousand_join_at_once_and_all_know_all",
        "--nocapture",
    ]);
    let before = children_cpu()?;
    let text = output(&mut run).context("the test failed")?;
    let used = children_cpu()? - before;
    let line = text
        .lines()
        .find_map(|line| Some(&line[line.find("1000 x 1:")?..]));
    let line = line.context("the test did not say how long it took")?;
    println!("   {line}, {used:.1} s of processor time");
    Ok((line.to_owned(), used))
}

/// Seconds that ended children of this process used.
fn children_cpu() -> Result<f64> {
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(used.user_time()) + seconds(used.system_time()))
}

/// The phase with the most to do is profiled, at this size.
const PROFILED: &str = "each";
const PROFILED_PEERS: usize = 100;
