//! The binary `statemesh`: a relay with its dashboard, `watch`, `doctor` and `load` for terminals, single
//! hosts of the demo.
//!
//! Parses, configures, runs, and turns the outcome into an exit code: 0 done, 1 failed, 2 wrong usage.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::config::RelayConfig;
use crate::escape::{LogWriter, escape_line};
use crate::signals::Signals;

mod cli;
mod config;
mod data_dir;
mod demo;
mod demo_host;
mod doctor;
mod escape;
mod http;
mod incident;
mod load;
mod relay;
mod report;
mod signals;
mod target;
mod watch;

fn main() -> ExitCode {
    let cli = Cli::read();
    let command = cli.command.unwrap_or(Command::Relay(cli.relay));
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", escape_line(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let log = match &command {
        Command::Relay(args) => &args.log,
        Command::Watch(args) => &args.log,
        Command::Doctor(args) => &args.log,
        Command::Demo(args) => &args.log,
        Command::Load(args) => &args.log,
    };
    // Colours would need raw control characters, which the writer does not let through.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(log)?)
        .with_ansi(false)
        .with_writer(|| LogWriter)
        .init();
    // Two workers keep the page answering while one is busy with the mesh; more would only cost memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::install()?;
        match command {
            Command::Relay(args) => {
                let config = RelayConfig::from_args(args)?;
                relay::run(config, &mut signals).await?;
            }
            Command::Watch(args) => watch::run(args, &mut signals).await?,
            Command::Doctor(args) => doctor::run(args, &mut signals).await?,
            Command::Demo(args) => demo_host::run(args, &mut signals).await?,
            Command::Load(args) => load::run(args, &mut signals).await?,
        }
        Ok(())
    });
    // Blocking look-ups of names must not delay the end.
    runtime.shutdown_background();
    outcome
}
