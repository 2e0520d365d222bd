//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Project tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Build the page and the relay, start the relay with demo machines and say where to look
    Run {
        /// Flags of `statemesh relay`, as `--topic`, `--http`, `--public`; `--no-demo` leaves the demo machines out
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        relay_args: Vec<String>,
    },
    /// Build the page and the relay in release mode
    Build,
    /// Build the npm package for pages of others, and say its size
    Package,
    /// Lint, then every test there is, then one summary
    Test(TestOptions),
    /// Run recorded lines of the engine or the wire format
    Vectors {
        /// Files with one JSON object per line, also compressed (`*.gz`); without any, those the project keeps
        files: Vec<PathBuf>,
    },
    /// Run every fuzz target for a while; an input that crashes one is kept and named
    FuzzSmoke {
        /// For each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measure; without a name, list what can be measured
    Bench {
        name: Option<Bench>,
        /// Only the smallest case, and BENCHMARKS.md stays as it is; `mesh` alone has one
        #[arg(long, requires = "name")]
        quick: bool,
    },
    /// Take pictures of every view of the page into target/shots, and those of the guide into docs/pictures
    ///
    /// Builds the page and the relay, plays the demo's incident and takes each view at 360, 768, 1440 and 2560 pixels,
    /// light and dark: VIEW-WIDTH-THEME.png. Needs chromium and a machine that is not busy; some minutes.
    Shots {
        /// Record the demo's incident anew into examples/incident.smesh, which the page offers to whoever has no mesh;
        /// no pictures
        #[arg(long)]
        record: bool,
    },
    /// Write a large made-up recording (docs/smesh.md), to try what opens it; the same numbers give the same bytes
    Gen(Recording),
}

#[derive(Clone, Debug, Args)]
pub struct Recording {
    /// Machines in all, at least one for each peer
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub machines: u64,
    /// Peers that own them
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub peers: u64,
    /// Transitions in all, within an hour
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(0..=5_000_000))]
    pub transitions: u64,
    /// Seed of all choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where to
    #[arg(value_name = "OUT.smesh")]
    pub out: PathBuf,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct TestOptions {
    /// Also run the tests that are ignored because they take long
    #[arg(long)]
    pub slow: bool,
    /// A missing part is a failure, not skipped; also when CI=true
    #[arg(long)]
    pub ci: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Bench {
    /// The release page in a real browser: delays, size, cost of the relay
    Page,
    /// The release page under much: ten thousand machines, a million transitions, 5,000 changes a second
    Dashboard,
    /// Meshes of our peers beside meshes of Go peers: time until all is known, delays, traffic, processor time
    Mesh,
    /// The engine and its handle beside the Go engine: time and allocations per call
    Engine,
}
