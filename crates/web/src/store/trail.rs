//! What led to something, as far as this tab can tell, with the names that the page shows.

use leptos::prelude::*;

use super::{Inner, Store};
use crate::history::before;
use crate::model::{
    Interval, Machine, MachineKey, MachineRef, Seen, Shown, Subject, World, is_active,
};

/// What happened near by just before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Oldest first.
    pub hops: Vec<Hop>,
    /// What was before is not known here.
    pub is_start: bool,
}

/// A change of another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its name.
    pub name: Shown,
    /// Its page.
    pub href: String,
    /// When.
    pub at: Seen,
    /// A state that changed, and whether it is on now.
    pub state: Option<(Shown, bool)>,
    /// How many others did.
    pub more: usize,
}

impl Store {
    /// What happened within a second before something began, on machines of the same host and of the same family.
    #[must_use]
    pub fn led_here(self, subject: Subject, onset: Interval) -> Trail {
        self.inner
            .with_value(|inner| inner.led_here(subject, onset).unwrap_or_default())
    }
}

impl Inner {
    fn led_here(&self, subject: Subject, onset: Interval) -> Option<Trail> {
        // A host that fell silent said nothing of it.
        let (Subject::Machine(key) | Subject::Watch(_, key)) = subject else {
            return None;
        };
        let world = &self.world;
        let machine = world.machine(&key)?;
        let related = |other: &MachineKey| {
            let other = world.machine(other);
            other.is_some_and(|other| other.counts() && is_related(machine, other))
        };
        let found = before(self.time.history(), &key, onset, &related);
        let hops = found.hops.iter().filter_map(|(other, entry)| {
            let other = world.machine(other)?;
            let states = entry.detail.as_ref().map(|detail| &*detail.changes);
            Some(hop(world, other, entry.at.by, states.unwrap_or_default()))
        });
        Some(Trail {
            hops: hops.collect(),
            is_start: found.is_start,
        })
    }
}

fn hop(world: &World, machine: &Machine, at: Seen, states: &[crate::model::StateChange]) -> Hop {
    // An error says most.
    let facts = |state: usize| machine.schema.states.get(state);
    let is_error = |state: usize| facts(state).is_some_and(|facts| facts.is_error);
    let error = states.iter().find(|change| is_error(change.state));
    let named = error.or(states.first());
    let state = named.and_then(|change| {
        let on = is_active(&[change.after], 0);
        Some((facts(change.state)?.shown.clone(), on))
    });
    Hop {
        name: machine.shown.clone(),
        href: MachineRef::of(world, machine).href(),
        at,
        more: states.len().saturating_sub(1),
        state,
    }
}

/// The same host, or parent and child, or children of one.
fn is_related(a: &Machine, b: &Machine) -> bool {
    let is_parent = |a: &Machine, b: &Machine| b.parent.as_ref() == Some(&a.shown);
    let siblings = a.parent.is_some() && a.parent == b.parent;
    let hosted = a.key.peer == b.key.peer || (a.host.is_some() && a.host == b.host);
    hosted || siblings || is_parent(a, b) || is_parent(b, a)
}
