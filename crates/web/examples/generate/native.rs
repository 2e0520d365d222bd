//! The command line: reads the plan, tells the progress, writes the file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::plan::{ORIGIN, Plan, generate, pack};
use crate::story::story;

pub fn main() -> ExitCode {
    match run() {
        Ok(done) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    if let Some(out) = story_asked() {
        let plain = story(ORIGIN).map_err(|error| error.to_string())?;
        let packed = pack(&plain).map_err(|error| format!("cannot pack: {error}"))?;
        std::fs::write(&out, packed).map_err(|error| format!("cannot write: {error}"))?;
        return Ok(out.display().to_string());
    }
    let (plan, out) = arguments(std::env::args_os().skip(1))?;
    let began = Instant::now();
    let (all, step) = (plan.transitions, (plan.transitions / 10).max(1));
    let plain = generate(&plan, |made| {
        if made.is_multiple_of(step) {
            eprintln!("{made} of {all} transitions");
        }
    })
    .map_err(|error| error.to_string())?;
    eprintln!("packing {}", megabytes(plain.len()));
    let packed = pack(&plain).map_err(|error| format!("cannot pack: {error}"))?;
    std::fs::write(&out, &packed)
        .map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    Ok(format!(
        "{}: {} ({} unpacked), {} machines of {} peers, {all} transitions, {:.1} s",
        out.display(),
        megabytes(packed.len()),
        megabytes(plain.len()),
        plan.machines,
        plan.peers,
        began.elapsed().as_secs_f64(),
    ))
}

/// `--story OUT.smesh`.
fn story_asked() -> Option<PathBuf> {
    let mut words = std::env::args_os().skip(1);
    let is_asked = words.next().is_some_and(|word| word == "--story");
    words.next().filter(|_| is_asked).map(PathBuf::from)
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn arguments(mut words: impl Iterator<Item = OsString>) -> Result<(Plan, PathBuf), String> {
    let mut plan = Plan::default();
    let mut out = None;
    while let Some(word) = words.next() {
        let flag = word.to_str().filter(|word| word.starts_with("--"));
        let Some(flag) = flag else {
            out = Some(PathBuf::from(word));
            continue;
        };
        let value = words.next().and_then(|value| value.into_string().ok());
        let number = value.and_then(|value| value.parse().ok());
        let number: u64 = number.ok_or_else(|| format!("{flag} needs a number"))?;
        match flag {
            "--machines" => plan.machines = number,
            "--peers" => plan.peers = number,
            "--transitions" => plan.transitions = number,
            "--seed" => plan.seed = number,
            _ => return Err(format!("no flag {flag}; {USAGE}")),
        }
    }
    Ok((plan, out.ok_or(USAGE)?))
}

const USAGE: &str = "generate [--machines N] [--peers N] [--transitions N] [--seed N] OUT.smesh, or --story OUT.smesh";
