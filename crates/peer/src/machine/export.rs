//! A machine's clock as data, to go on in a later process where this one stopped (machine.md 8).

use statemesh_core::QueueTick;
use statemesh_core::engine::{Export, ImportError, Outcome, Time};

use super::observe::Effect;
use super::{Machine, drain};

impl Machine {
    /// Its clock, by state names.
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// states! { enum S { Draft, Sent } }
    ///
    /// let letter = Machine::new("letter", S::schema());
    /// letter.add(S::Draft)?;
    /// let saved = letter.export();
    ///
    /// let letter = Machine::new("letter", S::schema());
    /// letter.import(&saved)?;
    /// assert!(letter.is(S::Draft) && letter.machine_tick() == 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn export(&self) -> Export {
        self.shared.lock().engine.export(self.id())
    }

    /// Takes over the clock of an earlier machine of the same id; meant for a fresh one. The states keep their own order,
    /// whatever the export's. Nothing is called for what began or ended by it, but waits that it makes true end, and
    /// `MachineRestored` is added if the schema has it: the outcome is that mutation's.
    ///
    /// # Errors
    /// [`ImportError`]: nothing changed. In a handler or an eval of this machine it is always busy.
    pub fn import(&self, export: &Export) -> Result<Outcome, ImportError> {
        let mut state = self.shared.lock();
        if state.draining {
            return Err(ImportError::Draining);
        }
        let export = in_order(export, state.engine.schema().names());
        let later = Outcome::Queued(QueueTick(state.engine.queue_tick().0 + 1));
        let outcome = state.engine.import(self.id(), &export)?;
        state.contexts.clock_replaced();
        state.collect_fired();
        state.effects.push(Effect::Committed);
        let result = drain::start(self, state);
        Ok(match outcome {
            Outcome::Started => result.unwrap_or(later),
            outcome @ (Outcome::Executed | Outcome::Canceled | Outcome::Queued(_)) => outcome,
        })
    }
}

/// The export in this order, if it has exactly these states; else as it is, to be refused.
fn in_order<'a>(export: &Export, names: impl ExactSizeIterator<Item = &'a str>) -> Export {
    let mut theirs: Vec<(&str, usize)> = export
        .state_names
        .iter()
        .map(String::as_str)
        .zip(0..)
        .collect();
    theirs.sort_unstable();
    let place = |name: &str| {
        let at = theirs.binary_search_by(|(known, _)| (*known).cmp(name));
        at.ok().map(|at| theirs[at].1)
    };
    let is_whole = names.len() == export.state_names.len() && names.len() == export.time.len();
    let places: Option<Vec<usize>> = names.map(place).collect();
    let Some(places) = places.filter(|_| is_whole) else {
        return export.clone();
    };
    let ticks: Vec<u64> = places.iter().map(|&place| export.time[place]).collect();
    Export {
        state_names: places
            .iter()
            .map(|&place| export.state_names[place].clone())
            .collect(),
        time: Time::from(ticks),
        ..export.clone()
    }
}
