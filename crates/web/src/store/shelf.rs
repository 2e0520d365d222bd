//! The machine shown as text, and what the reader put aside.

use crate::ui::prelude::*;
use statemesh::core::collections::OrderedSet;
use statemesh::core::engine::Schema;

use super::{Inner, Store};
use crate::model::{Group, MachineKey, MachineRef, Shelf, World};

/// A form of a machine as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Active states with ticks.
    Active,
    /// All of them.
    All,
    /// A page with relations.
    Inspect,
    /// Ticks alone.
    Time,
}

impl Store {
    /// The machine shown, as it is at the cursor.
    #[must_use]
    pub fn machine_text(self, form: Form) -> Option<String> {
        self.inner.with_value(|inner| {
            let (past, _) = inner.time.past(inner.now());
            let world = past.unwrap_or(&inner.world);
            let machine = world.machine(inner.views.shown()?)?;
            let clock = &machine.clock;
            if form == Form::Time {
                let ticks: Vec<String> = clock.iter().map(ToString::to_string).collect();
                return Some(format!("[{}]", ticks.join(" ")));
            }
            let (schema, _) = Schema::normalise(&machine.schema.def());
            Some(match form {
                Form::Active => format!("{}", schema.clock_text(clock)),
                Form::All => format!("{:#}", schema.clock_text(clock)),
                Form::Inspect | Form::Time => format!("{}", schema.inspect(clock)),
            })
        })
    }

    /// The machine shown, as links name it, and what people call it.
    #[must_use]
    pub fn shown_machine(self) -> Option<(MachineRef, String)> {
        self.inner.with_value(|inner| {
            let (past, _) = inner.time.past(inner.now());
            let world = past.unwrap_or(&inner.world);
            let machine = world.machine(inner.views.shown()?)?;
            Some((MachineRef::of(world, machine), machine.shown.plain()))
        })
    }

    /// What is put aside from now on.
    pub fn shelve(self, shelf: Shelf) {
        self.inner.update_value(|inner| {
            inner.views.shelf = shelf;
            inner.timer_passed = true;
            inner.views.list.ask();
            inner.pin();
        });
        self.ask_frame();
    }
}

impl Inner {
    /// Beside the records of pinned machines more is kept.
    fn pin(&mut self) {
        let world = &self.world;
        let pinned = world.machines().filter(|it| self.views.shelf.is_pinned(it));
        let pinned: OrderedSet<MachineKey> = pinned.map(|machine| machine.key).collect();
        self.time.recorder.history_mut().pin(pinned);
    }
}

/// Pinned machines first, hidden ones not at all.
pub(super) fn arrange(groups: &mut [Group], world: &World, shelf: &Shelf) {
    if *shelf == Shelf::default() {
        return;
    }
    let is = |key: &MachineKey, is: fn(&Shelf, &crate::model::Machine) -> bool| {
        world.machine(key).is_some_and(|machine| is(shelf, machine))
    };
    for group in groups {
        group.rows.retain(|key| !is(key, Shelf::is_hidden));
        let rows = std::mem::take(&mut group.rows);
        let (mut first, rest): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|key| is(key, Shelf::is_pinned));
        first.extend(rest);
        group.rows = first;
    }
}
