//! What led to something, as far as this tab can tell, with the names that the page shows.

use crate::ui::prelude::*;

use super::{Inner, Store};
use crate::history::{Entry, Place, Position, Track, before, chain};
use crate::model::{
    Interval, Machine, MachineKey, MachineRef, Seen, Shown, Subject, World, is_active,
};
use crate::words::steps::origin;

/// What happened near by just before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Oldest first.
    pub hops: Vec<Hop>,
    /// What was before is not known here.
    pub is_start: bool,
    /// It is by cause, and this is where it begins; `None`: by time.
    pub origin: Option<String>,
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
    /// What led to something: the transitions that caused it, where machines noted that, else what happened within a second
    /// before, on machines of the same host and of the same family.
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
        // A recording has no other world than that of the moment shown.
        let (past, _) = self.time.past(self.now());
        let world = past.unwrap_or(&self.world);
        let machine = world.machine(&key)?;
        if let Some(trail) = self.by_cause(world, &key, onset) {
            return Some(trail);
        }
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
            origin: None,
        })
    }

    /// The causes of what a machine did at an instant.
    fn by_cause(&self, world: &World, key: &MachineKey, onset: Interval) -> Option<Trail> {
        let history = self.time.history();
        let track = history.track(key)?;
        let last = track.at(Position::end_of(onset.by))?;
        let first = last.0.saturating_sub(LOOKED_AT);
        let at_onset = (first..=last.0).map(Place);
        let mut began = at_onset.filter(|place| {
            let entry = track.entry(*place);
            entry.is_some_and(|entry| entry.at == Interval::at(onset.by) && begins(track, &entry))
        });
        let chain = began.find_map(|place| chain(history, key, place))?;
        let hops = chain.causes.iter().filter_map(|link| {
            let machine = world.machine(&link.key)?;
            let states = link.entry.detail.as_ref().map(|detail| &*detail.changes);
            let at = link.entry.at.by;
            let hop = hop(world, machine, at, states.unwrap_or_default());
            Some(Hop {
                href: self.href(link),
                ..hop
            })
        });
        Some(Trail {
            hops: hops.collect(),
            is_start: false,
            origin: Some(origin(&chain)),
        })
    }
}

/// An error state went on in it, or `Ready` off: of all that happens in one instant this is what needs attention.
fn begins(track: &Track, entry: &Entry) -> bool {
    let ready = track.schema_at(entry.place).and_then(|schema| schema.ready);
    let states = entry.detail.as_ref().map(|detail| &*detail.changes);
    let mut states = states.unwrap_or_default().iter();
    entry.is_error || states.any(|it| Some(it.state) == ready && it.after % 2 == 0)
}

/// Records of one instant looked at (guess).
const LOOKED_AT: u64 = 256;

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
