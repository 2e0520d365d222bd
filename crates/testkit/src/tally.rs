//! Runs whole recorded files and counts the verdicts.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::vectors::{Verdict, check_line, for_each_line};

/// How many differences are kept.
pub const SHOWN: usize = 10;

/// Verdicts on the lines run so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Lines that agree.
    pub agree: u64,
    /// Deliberate differences by the defect of the reference they come from.
    pub by_defect: BTreeMap<String, u64>,
    /// Lines that need something that is not built.
    pub unsupported: u64,
    /// The first differences, readable, with their places.
    pub differences: Vec<String>,
}

impl Tally {
    /// Runs every line of a file.
    ///
    /// # Errors
    /// The file cannot be opened, read or decompressed.
    pub fn run(&mut self, path: &Path) -> io::Result<()> {
        for_each_line(path, |number, line| {
            self.note(&format!("{}:{number}", path.display()), checked(line));
        })
    }
    /// Lines that differ on purpose.
    #[must_use]
    pub fn deliberate(&self) -> u64 {
        self.by_defect.values().sum()
    }
    /// Lines that differ.
    #[must_use]
    pub fn differing(&self) -> u64 {
        self.lines - self.agree - self.deliberate() - self.unsupported
    }
    /// There were lines, and each agrees or differs on purpose.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lines > 0 && self.agree + self.deliberate() == self.lines
    }

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
}

/// A panic of the checked code is a difference of its line, not the end of the run.
fn checked(line: &str) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| check_line(line))).unwrap_or_else(|panic| {
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
    use super::*;

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
