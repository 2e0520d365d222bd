//! `cargo xtask gen`: a large made-up recording, written by an example of `crates/web`, which has the format.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::cli::Recording;
use crate::command::{cargo, check};

/// Compiles the example with optimisations, since a million transitions take minutes without, and runs it.
pub fn generate(recording: &Recording) -> Result<ExitCode> {
    if recording.machines < recording.peers {
        bail!(
            "--machines {} leaves some of --peers {} without any",
            recording.machines,
            recording.peers
        );
    }
    // Cargo is run elsewhere, in the root of the checkout.
    let out = std::path::absolute(&recording.out).context("the output has no absolute path")?;
    check(&mut command(recording, &out))?;
    Ok(ExitCode::SUCCESS)
}

fn command(recording: &Recording, out: &Path) -> Command {
    let mut run = cargo(["run", "--locked", "--release", "--package", "statemesh-web"]);
    run.args(["--example", "generate", "--"]);
    for (flag, number) in [
        ("--machines", recording.machines),
        ("--peers", recording.peers),
        ("--transitions", recording.transitions),
        ("--seed", recording.seed),
    ] {
        run.arg(flag).arg(number.to_string());
    }
    run.arg(out);
    run
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Path, command, generate};
    use crate::cli::{Cli, Recording, Task};
    use crate::command::shown;

    fn parsed(line: &str) -> Recording {
        let words = ["xtask", "gen"].into_iter().chain(line.split(' '));
        let Task::Gen(recording) = Cli::parse_from(words).task else {
            panic!("another task: {line}");
        };
        recording
    }

    #[test]
    fn the_example_is_told_everything() {
        let line = "--machines 10000 --peers 1000 --transitions 1000000 --seed 7 big.smesh";
        let shown = shown(&command(&parsed(line), Path::new("big.smesh")));
        assert!(
            shown.ends_with(&format!("--example generate -- {line}")),
            "{shown}"
        );
        assert!(shown.contains("--release"), "{shown}");
    }

    #[test]
    fn peers_without_machines_are_refused() {
        let error = generate(&parsed("--machines 3 --peers 4 x")).unwrap_err();
        assert!(error.to_string().contains("--peers 4"), "{error}");
    }
}
