//! Search everything, and go where it leads.

use crate::ui::prelude::*;

use super::Store;
use crate::browser;
use crate::history::{Position, Wanted};
use crate::model::{Hit, MachineKey, MachineRef, Resolution, Subject, resolve, search};

impl Store {
    /// What is found in what is known now, best first.
    #[must_use]
    pub fn search(self, typed: &str) -> Vec<Hit> {
        let now = browser::now();
        self.inner
            .with_value(|inner| search(&inner.world, typed, now, self.wall.get()))
    }

    /// Looks at the moment at which a machine had that machine time, if one is named. The address of the machine;
    /// `None`: the machine or the moment is not there.
    pub fn find_moment(self, machine: &MachineRef, machine_time: Option<u64>) -> Option<String> {
        let (href, position) = self.inner.with_value(|inner| {
            let Resolution::Found(key) = resolve(&inner.world, Some(machine)) else {
                return None;
            };
            let found = inner.world.machine(&key)?;
            let position = match machine_time {
                Some(time) => Some(inner.moment_of(&key, time)?),
                None => None,
            };
            Some((MachineRef::of(&inner.world, found).href(), position))
        })?;
        if let Some(position) = position {
            self.seek_position(position);
        }
        Some(href)
    }

    /// The next machine that needs attention after the one in view, or the one before; looks at when it began.
    pub fn attention_after(self, forward: bool) -> Option<String> {
        let shown = self.inner.with_value(|inner| inner.views.shown().copied());
        let (href, onset) = self.attention.with_untracked(|rows| {
            let at = rows
                .iter()
                .position(|row| Some(row.subject) == shown.map(Subject::Machine));
            let next = match (at, forward) {
                (Some(at), true) => (at + 1) % rows.len(),
                (Some(at), false) => at.checked_sub(1).unwrap_or(rows.len() - 1),
                (None, true) => 0,
                (None, false) => rows.len().checked_sub(1)?,
            };
            rows.get(next).map(|row| (row.href.clone(), row.onset))
        })?;
        self.seek(onset.by);
        Some(href)
    }
}

impl super::Inner {
    fn moment_of(&self, key: &MachineKey, machine_time: u64) -> Option<Position> {
        let wanted = Wanted {
            machine_time: Some(machine_time),
            ..Wanted::default()
        };
        let found = self.time.history().resolve(key, &wanted, None);
        found.ok().map(|moment| moment.position)
    }
}
