//! Machines to load a mesh with: five kinds, each with a round of changes it repeats, and now and then an error.

use statemesh::machine::{Machine, Outcome, UnknownState};
use statemesh::{SchemaDef, StateDef};

/// A kind of machine.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    schema: fn() -> SchemaDef,
    /// States added one after the other; each step changes something.
    round: &'static [&'static str],
    error: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "worker",
        schema: worker,
        round: &["Busy", "Done", "Idle"],
        error: "ErrJob",
    },
    Kind {
        name: "order",
        schema: order,
        round: &["Paid", "Packed", "Sent", "Open"],
        error: "ErrPayment",
    },
    Kind {
        name: "sensor",
        schema: sensor,
        round: &["Sample", "High", "Sample", "Low"],
        error: "ErrRange",
    },
    Kind {
        name: "valve",
        schema: valve,
        round: &["Opening", "Open", "Closing", "Closed"],
        error: "ErrStuck",
    },
    Kind {
        name: "session",
        schema: session,
        round: &["LoggedIn", "Active", "Away", "LoggedOut"],
        error: "ErrLogin",
    },
];

/// Machine `number` of a run, started. Its name is its own in the mesh as long as runs differ.
pub(super) fn machine(run: u16, number: u32, tag: &str) -> Machine {
    let kind = kind(number);
    let id = format!("{}-{run:04x}-{number:05}", kind.name);
    let machine = Machine::builder(id, (kind.schema)()).tag(tag).build();
    did(machine.add("Start"));
    machine
}

fn kind(number: u32) -> &'static Kind {
    &KINDS[number as usize % KINDS.len()]
}

/// A machine and how far it is.
pub(super) struct Runner {
    machine: Machine,
    kind: Option<&'static Kind>,
    steps: usize,
    at: usize,
}

impl Runner {
    pub(super) fn new(machine: Machine) -> Self {
        let kind = KINDS.iter().find(|kind| {
            let rest = machine.id().strip_prefix(kind.name);
            rest.is_some_and(|rest| rest.starts_with('-'))
        });
        Self {
            machine,
            kind,
            steps: 0,
            at: 0,
        }
    }

    /// One change.
    pub(super) fn step(&mut self) {
        let Some(kind) = self.kind else { return };
        self.steps += 1;
        match self.steps % ERROR_EVERY {
            0 => did(self.machine.remove([kind.error, "Exception"])),
            LAST => did(self.machine.add_error(kind.error, "made up by load")),
            _ => {
                did(self.machine.add(kind.round[self.at]));
                self.at = (self.at + 1) % kind.round.len();
            }
        }
    }
}

/// The names are those of the schemas below, and nobody else changes these machines.
fn did(outcome: Result<Outcome, UnknownState>) {
    debug_assert!(
        matches!(outcome, Ok(Outcome::Executed)),
        "a step of load: {outcome:?}"
    );
}

/// What all have: an error that takes `Ready` away, and `Ready` by itself as soon as there is none.
fn common(error: &str) -> SchemaDef {
    SchemaDef::new()
        .state("Exception", StateDef::new().multi())
        .state(
            error,
            StateDef::new()
                .multi()
                .add(["Exception"])
                .require(["Exception"])
                .remove(["Ready"]),
        )
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new().auto().require(["Start"]))
}

/// States that exclude each other, the first of them by itself.
fn one_of(mut schema: SchemaDef, states: &[&str]) -> SchemaDef {
    for (at, state) in states.iter().enumerate() {
        let others = states.iter().filter(|other| *other != state);
        let mut def = StateDef::new().require(["Start"]);
        def = def.remove(others.copied());
        schema = schema.state(*state, if at == 0 { def.auto() } else { def });
    }
    schema
}

fn worker() -> SchemaDef {
    one_of(common("ErrJob"), &["Idle", "Busy", "Done"])
}

fn order() -> SchemaDef {
    one_of(common("ErrPayment"), &["Open", "Paid", "Packed", "Sent"])
        .state("Billed", StateDef::new().auto().require(["Paid"]))
}

fn sensor() -> SchemaDef {
    one_of(common("ErrRange"), &["Low", "High"])
        .state("Sample", StateDef::new().multi().require(["Start"]))
}

fn valve() -> SchemaDef {
    one_of(
        common("ErrStuck"),
        &["Closed", "Opening", "Open", "Closing"],
    )
    .state("Flowing", StateDef::new().auto().require(["Open"]))
}

fn session() -> SchemaDef {
    one_of(
        common("ErrLogin"),
        &["LoggedOut", "LoggedIn", "Active", "Away"],
    )
}

/// Steps from one error to the next. It lasts for one step.
const ERROR_EVERY: usize = 250;
const LAST: usize = ERROR_EVERY - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_every_kind_changes_something() {
        for number in 0..KINDS.len() as u32 {
            let machine = machine(7, number, "host:here");
            assert!(machine.is(["Start", "Ready"]), "{machine:?}");
            let mut runner = Runner::new(machine.clone());
            let mut errors = 0;
            for step in 0..3 * ERROR_EVERY {
                let before = machine.clock();
                runner.step();
                assert_ne!(machine.clock(), before, "{machine:?} step {step}");
                let is_failed = machine.is("Exception");
                assert_eq!(machine.is("Ready"), !is_failed, "{machine:?} step {step}");
                errors += u32::from(is_failed);
            }
            assert_eq!(errors, 3, "{machine:?}");
        }
    }

    #[test]
    fn names_are_unique_and_schemas_sound() {
        let ids: std::collections::BTreeSet<_> = (0..1000)
            .map(|number| machine(1, number, "host:here").id().to_owned())
            .collect();
        assert_eq!(ids.len(), 1000);
        assert_ne!(
            machine(1, 0, "host:here").id(),
            machine(2, 0, "host:here").id()
        );
        for kind in &KINDS {
            let schema = (kind.schema)();
            statemesh::core::engine::Schema::parse(&schema).unwrap();
        }
    }
}
