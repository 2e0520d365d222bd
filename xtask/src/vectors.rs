//! `cargo xtask vectors FILE...`: runs every recorded line of any known format, also of files never seen before.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use statemesh_testkit::vectors::{Verdict, check_line, for_each_line, recorded_files};

/// How many differences are shown.
const SHOWN: usize = 10;

/// Runs the files, or the ones the project keeps; success only if every line agrees or differs on purpose.
pub fn vectors(files: &[PathBuf]) -> Result<ExitCode> {
    let own = recorded_files();
    let files = if files.is_empty() { &own } else { files };
    let mut tally = Tally::default();
    for file in files {
        run_file(file, &mut tally)?;
    }
    for difference in &tally.differences {
        println!("{difference}\n");
    }
    if tally.differing() > SHOWN as u64 {
        println!(
            "… and {} more differences\n",
            tally.differing() - SHOWN as u64
        );
    }
    println!(
        "agree {} of {}, deliberate {}, unsupported {}",
        tally.agree,
        tally.lines,
        tally.deliberate(),
        tally.unsupported
    );
    for (defect, lines) in &tally.by_defect {
        println!("  deliberate: {lines} by {defect}");
    }
    Ok(if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Debug, Default)]
struct Tally {
    lines: u64,
    agree: u64,
    /// Deliberate differences by the defect of the reference they come from.
    by_defect: BTreeMap<String, u64>,
    unsupported: u64,
    differences: Vec<String>,
}

impl Tally {
    fn note(&mut self, place: &str, verdict: Verdict) {
        self.lines += 1;
        match verdict {
            Verdict::Agree => self.agree += 1,
            Verdict::Deliberate(defect) => *self.by_defect.entry(defect).or_default() += 1,
            Verdict::Unsupported(_) => self.unsupported += 1,
            Verdict::Differs(how) => {
                if self.differences.len() < SHOWN {
                    self.differences.push(format!("{place}: {how}"));
                }
            }
        }
    }

    fn deliberate(&self) -> u64 {
        self.by_defect.values().sum()
    }

    fn differing(&self) -> u64 {
        self.lines - self.agree - self.deliberate() - self.unsupported
    }

    fn is_clean(&self) -> bool {
        self.lines > 0 && self.agree + self.deliberate() == self.lines
    }
}

fn run_file(path: &Path, tally: &mut Tally) -> Result<()> {
    for_each_line(path, |number, line| {
        tally.note(&format!("{}:{number}", path.display()), checked(line));
    })
    .with_context(|| format!("cannot read {}", path.display()))
}

/// A panic of the checked code is a difference of its line, not the end of the run.
fn checked(line: &str) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| check_line(line.trim_end()))).unwrap_or_else(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Verdict::Differs(format!("panicked: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use statemesh_testkit::vectors::Verdict;

    #[test]
    fn only_agreement_and_deliberate_differences_are_clean() {
        let tally = |verdicts: Vec<Verdict>| {
            let mut tally = Tally::default();
            for verdict in verdicts {
                tally.note("f:1", verdict);
            }
            tally
        };
        let deliberate = Verdict::Deliberate("D1".into());
        assert!(tally(vec![Verdict::Agree, deliberate]).is_clean());
        assert!(!tally(vec![Verdict::Agree, Verdict::Unsupported("x".into())]).is_clean());
        let differing = tally(vec![Verdict::Differs("tick 1, not 2".into())]);
        assert!(!differing.is_clean());
        assert_eq!(differing.differing(), 1);
        assert_eq!(differing.differences, ["f:1: tick 1, not 2"]);
        assert!(
            !tally(Vec::new()).is_clean(),
            "an empty file proves nothing"
        );
    }
}
