//! A machine's clock as plain data, and back: to go on where an earlier machine of the same id stopped.
//!
//! How it is written down (JSON, a database) is for the caller. What comes back may be somebody else's, or damaged:
//! everything is looked at before anything changes.

use std::collections::BTreeMap;

use crate::engine::clock::{Clock, is_active_tick};
use crate::engine::mutation::{Mutation, Outcome};
use crate::engine::schema::Schema;
use crate::engine::tracer::{NoTracer, Tracer};
use crate::engine::{Machine, Time};
use crate::ids::{QueueTick, StateIdx};

/// The clock of a machine, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Id of the machine.
    pub id: String,
    /// Names in index order.
    pub state_names: Vec<String>,
    /// Their ticks.
    pub time: Time,
    /// Its queue tick. Only told: a machine that imports keeps its own.
    pub queue_tick: QueueTick,
    /// How many machines of this id went before it.
    pub machine_tick: u32,
}

/// The machine cannot take this export; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is of another machine. The caller's mistake.
    #[error("an export of machine {theirs}, not of {own}")]
    OtherId {
        /// Id in the export.
        theirs: String,
        /// Id of this machine.
        own: String,
    },
    /// The machine is busy with a mutation. The caller's mistake.
    #[error("the machine is busy with a mutation")]
    Draining,
    /// The machine is disposed.
    #[error("the machine is disposed")]
    Disposed,
    /// It has another number of states than the machine, or of ticks than states. It is of another version, or damaged.
    #[error("{names} states with {ticks} ticks, the machine has {states} states")]
    Lengths {
        /// Names in the export.
        names: usize,
        /// Ticks in the export.
        ticks: usize,
        /// States of the machine.
        states: usize,
    },
    /// A state in it is not in the schema. It is of another version, or damaged.
    #[error("no state named {0}")]
    Unknown(String),
    /// A state is in it twice. It is damaged.
    #[error("state {0} is there twice")]
    Duplicate(String),
}

impl Machine {
    /// The clock as data, under the id the caller knows this machine by.
    #[must_use]
    pub fn export(&self, id: impl Into<String>) -> Export {
        Export {
            id: id.into(),
            state_names: self.schema().names().map(str::to_owned).collect(),
            time: self.time(),
            queue_tick: self.queue_tick(),
            machine_tick: self.machine_tick(),
        }
    }
    /// How many machines of the same id went before this one, by what it imported.
    #[must_use]
    pub fn machine_tick(&self) -> u32 {
        self.machine_tick
    }
    /// Takes over the clock, and the index order, of an earlier machine of the same id; active states stand in index
    /// order then. Meant for a fresh machine: nothing is called for what began or ended by it, but waits that it makes
    /// true are in [`Machine::fired`] until the next poll. If the schema has `MachineRestored`, that is added then: poll
    /// after [`Outcome::Started`]. Without it, [`Outcome::Executed`].
    ///
    /// Indexes change where the order does: the caller looks its own up again, by name.
    ///
    /// # Errors
    /// [`ImportError`]; nothing changed.
    pub fn import(&mut self, id: &str, export: &Export) -> Result<Outcome, ImportError> {
        self.import_traced(id, export, &mut NoTracer)
    }
    /// [`Machine::import`] with an observer.
    ///
    /// # Errors
    /// [`ImportError`]; nothing changed.
    pub fn import_traced<T: Tracer>(
        &mut self,
        id: &str,
        export: &Export,
        tracer: &mut T,
    ) -> Result<Outcome, ImportError> {
        self.check_import(id, export)?;
        let places = places(self.schema(), export)?;
        let schema = self.schema().reordered(&export.state_names);
        let states = (0..=u16::MAX).map(StateIdx).zip(export.time.iter());
        let active = states.filter(|(_, tick)| is_active_tick(**tick));
        let active: Vec<_> = active.map(|(state, _)| state).collect();
        let clock = Clock::at(export.time.to_vec(), &active);
        let old = self.reindex(schema, &places, clock);
        self.machine_tick = export.machine_tick.saturating_add(1);
        tracer.schema_changed(&old, self.schema());
        let Some(restored) = self.schema().index(RESTORED) else {
            return Ok(Outcome::Executed);
        };
        Ok(self.mutate_traced(Mutation::add(&[restored]), tracer))
    }

    fn check_import(&self, id: &str, export: &Export) -> Result<(), ImportError> {
        if export.id != id {
            return Err(ImportError::OtherId {
                theirs: export.id.clone(),
                own: id.to_owned(),
            });
        }
        if self.is_disposed() {
            return Err(ImportError::Disposed);
        }
        if self.is_draining() {
            return Err(ImportError::Draining);
        }
        let states = self.schema().len();
        let (names, ticks) = (export.state_names.len(), export.time.len());
        if names != states || ticks != states {
            return Err(ImportError::Lengths {
                names,
                ticks,
                states,
            });
        }
        Ok(())
    }
}

/// Where the states of the schema are in the export, which has as many.
fn places(schema: &Schema, export: &Export) -> Result<Vec<StateIdx>, ImportError> {
    let mut places = BTreeMap::new();
    for (name, place) in export.state_names.iter().zip((0..=u16::MAX).map(StateIdx)) {
        let index = schema.index(name);
        let index = index.ok_or_else(|| ImportError::Unknown(name.clone()))?;
        if places.insert(index, place).is_some() {
            return Err(ImportError::Duplicate(name.clone()));
        }
    }
    Ok(places.into_values().collect())
}

/// Added after an import.
const RESTORED: &str = "MachineRestored";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Options, Poll, SchemaDef, StateDef, Wait};

    fn machine(names: &str) -> Machine {
        let states = names.split(' ');
        let def = states.fold(SchemaDef::new(), |def, name| {
            def.state(name, StateDef::new())
        });
        Machine::new(Schema::normalise(&def).0, Options::default())
    }
    fn export(names: &str, ticks: &[u64]) -> Export {
        Export {
            id: "m".to_owned(),
            state_names: names.split(' ').map(str::to_owned).collect(),
            time: Time::from(ticks),
            queue_tick: QueueTick(7),
            machine_tick: 4,
        }
    }

    #[test]
    fn a_fresh_machine_goes_on() {
        let mut machine = machine("B A Exception");
        let waits = ["B", "A"].map(|name| machine.when(&[machine.schema().index(name).unwrap()]));
        let imported = machine.import("m", &export("Exception A B", &[0, 3, 2]));
        assert_eq!(imported, Ok(Outcome::Executed));
        assert_eq!(format!("{machine:#}"), "(A:3) [Exception:0 B:2]");
        assert_eq!(
            (machine.machine_tick(), machine.queue_tick()),
            (5, QueueTick(1))
        );
        assert!(matches!(waits[1], Wait::Pending(wait) if machine.fired() == [wait]));
        assert_eq!(machine.export("m").state_names, ["Exception", "A", "B"]);
    }

    #[test]
    fn a_restored_machine_says_so() {
        let mut machine = machine("A MachineRestored Exception");
        let imported = machine.import("m", &export("MachineRestored Exception A", &[2, 0, 1]));
        assert_eq!(imported, Ok(Outcome::Started));
        while machine.poll() != Poll::Idle {}
        assert_eq!(machine.to_string(), "(MachineRestored:3 A:1)");
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut machine = machine("B A Exception");
        let mut check = |id, export: Export, expected: &str| {
            let error = machine.import(id, &export).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(format!("{machine:#}"), "() [B:0 A:0 Exception:0]");
            assert_eq!(machine.machine_tick(), 0);
        };
        let good = || export("Exception A B", &[0, 3, 2]);
        check("x", good(), "an export of machine m, not of x");
        let short = "2 states with 3 ticks, the machine has 3 states";
        check("m", export("Exception A", &[0, 3, 2]), short);
        let short = "3 states with 2 ticks, the machine has 3 states";
        check("m", export("Exception A B", &[0, 3]), short);
        check("m", export("Exception A Z", &[0, 3, 2]), "no state named Z");
        check(
            "m",
            export("Exception A A", &[0, 3, 2]),
            "state A is there twice",
        );
        machine.mutate(Mutation::add(&[StateIdx(0)]));
        assert_eq!(machine.import("m", &good()), Err(ImportError::Draining));
        while machine.poll() != Poll::Idle {}
        machine.dispose();
        assert_eq!(machine.import("m", &good()), Err(ImportError::Disposed));
        assert_eq!(machine.to_string(), "(B:1)");
    }
}
