//! `cargo xtask bench`: placeholder
use crate::cli::Bench;
use anyhow::Result;
use std::process::ExitCode;
/// Lists the benches.
pub fn list() {
    println!("page   the release page in a real browser: delays, size, cost of the relay");
}
/// Runs one.
pub fn bench(bench: Bench) -> Result<ExitCode> {
    match bench {
        Bench::Page => anyhow::bail!("not yet"),
    }
}
