//! Project tasks: `cargo xtask run`, `build`, `package`, `test`, `vectors`, `fuzz-smoke`, `bench`, `gen`,
//! `shots`.
//!
//! Everything a person or a build machine does with the checkout goes through here, so that both do the same. No task
//! needs root; `test` asks for system packages when they are missing.

mod bench;
mod build;
mod claim;
mod cli;
mod command;
mod fuzz;
mod generate;
mod go;
mod http;
mod later;
mod layout;
mod names;
mod package;
mod packages;
mod relay;
mod run;
mod shots;
mod small;
mod steps;
mod test;
#[cfg(test)]
mod tidy;
mod tools;
mod vectors;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::claim::Claim;
use crate::cli::{Cli, Task};

fn main() -> ExitCode {
    if let Some(compiled) = small::stand_in() {
        return exit_code(compiled);
    }
    let task = Cli::parse().task;
    exit_code(Claim::new().and_then(|claim| perform(task, claim)))
}

fn perform(task: Task, claim: Claim) -> Result<ExitCode> {
    match task {
        Task::Run { relay_args } => run::run(&relay_args, claim),
        Task::Build => build::build(),
        Task::Package => package::package(),
        Task::Test(options) => test::test(options),
        Task::Vectors { files } => vectors::vectors(&files),
        Task::FuzzSmoke { seconds } => fuzz::smoke(seconds),
        Task::Gen(recording) => generate::generate(&recording),
        Task::Shots { record } => shots::shots(record),
        Task::Bench { name: None, .. } => {
            bench::list();
            Ok(ExitCode::SUCCESS)
        }
        Task::Bench {
            name: Some(name),
            quick,
        } => bench::bench(name, quick),
    }
}

fn exit_code(done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
