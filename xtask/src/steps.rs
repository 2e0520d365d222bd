//! Named, timed steps and the summary they end in. A failing step does not hide later ones.
//!
//! Steps that mostly wait run beside others ([`beside`]): then every line says whose it is.

use std::io::IsTerminal;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command::{check, check_all_lines};

/// Tests that a step ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

/// What a step tells while it runs.
#[derive(Debug, Default)]
pub struct Report {
    pub counts: Counts,
    /// Begins every line of steps that run beside others.
    label: &'static str,
}

impl Report {
    /// Prints a line.
    pub fn say(&self, line: &str) {
        println!("{}{line}", self.label);
    }

    /// Runs a command to the end, its output under this step's label.
    pub fn check(&self, command: &mut Command) -> Result<()> {
        if self.label.is_empty() {
            return check(command);
        }
        if std::io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        check_all_lines(command, |line| self.say(line))
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a step ended.
#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

#[derive(Debug)]
struct Step {
    name: String,
    outcome: Outcome,
    counts: Counts,
    took: Duration,
}

/// The steps of a run, in order.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<Step>,
    label: &'static str,
}

/// Runs two sequences of steps at the same time, each under its label, and notes them as if one had followed the other.
pub fn beside(
    steps: &mut Steps,
    (one_label, one): (&'static str, impl FnOnce(&mut Steps)),
    (two_label, two): (&'static str, impl FnOnce(&mut Steps) + Send),
) {
    let (mut first, mut second) = (Steps::labelled(one_label), Steps::labelled(two_label));
    std::thread::scope(|scope| {
        scope.spawn(|| two(&mut second));
        one(&mut first);
    });
    steps.done.append(&mut first.done);
    steps.done.append(&mut second.done);
}

impl Steps {
    fn labelled(label: &'static str) -> Self {
        Self {
            done: Vec::new(),
            label,
        }
    }

    /// Runs a step without tests. Returns whether it passed.
    pub fn run(&mut self, name: &str, step: impl FnOnce(&Report) -> Result<()>) -> bool {
        self.run_counted(name, |report| step(report))
    }

    /// Runs a step that counts its tests itself. Returns whether it passed.
    pub fn run_counted(
        &mut self,
        name: &str,
        step: impl FnOnce(&mut Report) -> Result<()>,
    ) -> bool {
        let mut report = Report {
            label: self.label,
            ..Report::default()
        };
        println!();
        report.say(&format!("== {name}"));
        let start = Instant::now();
        let outcome = match step(&mut report) {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                report.say(&format!("   {error:#}"));
                Outcome::Failed(first_line(&format!("{error:#}")))
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        let took = start.elapsed();
        let word = if passed { "ok" } else { "FAILED" };
        report.say(&format!("   {word} {} ({name})", seconds(took)));
        self.done.push(Step {
            name: name.to_owned(),
            outcome,
            counts: report.counts,
            took,
        });
        passed
    }

    /// Notes a step that cannot run.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("\n{0}== {name}\n{0}   skipped: {why}", self.label);
        self.done.push(Step {
            name: name.to_owned(),
            outcome: Outcome::Skipped(why.to_owned()),
            counts: Counts::default(),
            took: Duration::ZERO,
        });
    }

    /// Prints one line per step and, last, the totals. Returns whether nothing failed.
    pub fn summarise(&self) -> bool {
        println!("\nSummary");
        for step in &self.done {
            println!("{}", line(step));
        }
        let total = self.totals();
        println!(
            "\n{} passed, {} failed, {} skipped",
            total.passed, total.failed, total.skipped
        );
        total.failed == 0
    }

    /// Tests where a step has any, else the step itself.
    fn totals(&self) -> Counts {
        let mut total = Counts::default();
        for step in &self.done {
            let mut counts = step.counts;
            match step.outcome {
                Outcome::Passed if counts == Counts::default() => counts.passed = 1,
                Outcome::Passed => {}
                Outcome::Failed(_) => counts.failed = counts.failed.max(1),
                Outcome::Skipped(_) => counts.skipped += 1,
            }
            total += counts;
        }
        total
    }
}

fn line(step: &Step) -> String {
    let (word, note) = match &step.outcome {
        Outcome::Passed => ("ok", String::new()),
        Outcome::Failed(why) => ("FAILED", why.clone()),
        Outcome::Skipped(why) => ("skipped", why.clone()),
    };
    let Counts {
        passed,
        failed,
        skipped,
    } = step.counts;
    let tests = match (passed + failed + skipped, skipped) {
        (0, _) => String::new(),
        (all, 0) => format!("{passed} of {all} tests"),
        (all, _) => format!("{passed} of {all} tests, {skipped} skipped"),
    };
    let text = format!(
        "  {word:<8}{:>8}  {:<28} {tests}  {note}",
        seconds(step.took),
        step.name
    );
    text.trim_end().to_owned()
}

/// Seconds with one decimal.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Counts, Steps, beside};
    use anyhow::bail;

    #[test]
    fn a_failing_step_does_not_hide_later_ones() {
        let mut steps = Steps::default();
        assert!(steps.run("lint", |_| Ok(())));
        assert!(!steps.run("broken", |_| bail!("no")));
        assert!(steps.run_counted("tests", |report| {
            report.counts.passed = 4;
            report.counts.skipped = 1;
            Ok(())
        }));
        steps.skip("go", "no Go");
        let expected = Counts {
            passed: 5,
            failed: 1,
            skipped: 2,
        };
        assert_eq!(steps.totals(), expected);
        assert!(!steps.summarise());
    }

    #[test]
    fn two_sequences_run_at_the_same_time_and_are_noted_in_order() {
        let mut steps = Steps::default();
        // Neither ends before the other has begun.
        let barrier = std::sync::Barrier::new(2);
        let meet = |_: &_| {
            barrier.wait();
            Ok(())
        };
        beside(
            &mut steps,
            ("one | ", |steps| {
                steps.run("a", meet);
                steps.run("b", |_| bail!("no"));
            }),
            ("two | ", |steps| {
                steps.run("c", meet);
            }),
        );
        let names: Vec<&str> = steps.done.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(!steps.summarise());
    }
}
