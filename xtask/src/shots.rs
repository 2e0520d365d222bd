//! `cargo xtask shots`: pictures of the page, and the recording that comes with it, from the built product.

use std::process::ExitCode;

use anyhow::Result;

use crate::build;
use crate::command::{check, command};
use crate::packages;
use crate::relay::{AfterSignal, forward_signals};
use crate::steps::Steps;
use crate::test::end_to_end_environment;
use crate::workspace;

/// Takes the pictures, or records the incident.
pub fn shots(record: bool) -> Result<ExitCode> {
    forward_signals(AfterSignal::Exit)?;
    let mut steps = Steps::default();
    let taken = steps.run("system packages", |_| packages::ensure())
        && build::build_all(&mut steps).is_some()
        && steps.run("page driver", |_| {
            check(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "e2e"]))
        })
        && steps.run("shots", |_| take(record));
    if !taken {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    }
    if record {
        println!("\nexamples/incident.smesh is new; build again to have it in the page");
    } else {
        println!("\nPictures are in {}", folder().display());
    }
    Ok(ExitCode::SUCCESS)
}

fn take(record: bool) -> Result<()> {
    let mut driver = command("node");
    driver.arg("e2e/shots.mjs");
    if record {
        driver.arg("--record");
    }
    driver.env("STATEMESH_SHOTS", folder());
    end_to_end_environment(&mut driver, None);
    check(&mut driver)
}

fn folder() -> std::path::PathBuf {
    workspace::root().join("target/shots")
}
