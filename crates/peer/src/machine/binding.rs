//! Bound handler sets: where they are while they are called, and how one is taken off again.

use std::fmt;

use statemesh_core::engine::BindingId;

use super::{Machine, WeakMachine};
use crate::handlers::BoundSet;

/// A handler set that is bound to a machine. It stays bound when this is dropped; [`Binding::unbind`] takes it off.
///
/// ```
/// use statemesh::prelude::*;
///
/// let machine = Machine::new("m", SchemaDef::new().state("A", StateDef::new()));
/// let closed = machine.bind(Handlers::new(()).enter("A", |_, _| false))?;
/// assert_eq!(machine.add("A")?, Outcome::Canceled);
/// closed.unbind();
/// assert_eq!(machine.add("A")?, Outcome::Executed);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Binding {
    machine: WeakMachine,
    id: Option<BindingId>,
}

impl Binding {
    pub(super) fn new(machine: &Machine, id: Option<BindingId>) -> Self {
        Self {
            machine: machine.downgrade(),
            id,
        }
    }

    /// Its number in the machine's records; `None` when the machine was disposed before.
    #[must_use]
    pub fn id(&self) -> Option<BindingId> {
        self.id
    }

    /// Takes the set off: none of its handlers is called any more, and it is dropped. One that is being called ends first,
    /// and so does the future of an asynchronous one.
    pub fn unbind(self) {
        let (Some(machine), Some(id)) = (self.machine.upgrade(), self.id) else {
            return;
        };
        let mut state = machine.shared.lock();
        state.engine.rebind(id, &[]);
        let set = state.sets.remove(id);
        drop(state);
        drop(set);
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Binding").field(&self.id).finish()
    }
}

/// The sets of a machine by binding id.
#[derive(Default)]
pub(super) struct Sets {
    places: Vec<Place>,
}

enum Place {
    Here(BoundSet),
    /// Its handler runs.
    Called,
    /// Unbound or disposed.
    Gone,
}

impl Sets {
    /// That of the next binding id.
    pub(super) fn push(&mut self, binding: BindingId, set: BoundSet) {
        debug_assert_eq!(self.places.len(), binding.0 as usize);
        self.places.push(Place::Here(set));
    }

    /// Takes one out to be called. `None`: it is gone.
    pub(super) fn take(&mut self, binding: BindingId) -> Option<BoundSet> {
        self.replace(binding, Place::Called)
    }

    /// Puts it back. It comes back when it is gone meanwhile, to be dropped after unlocking.
    pub(super) fn put_back(&mut self, binding: BindingId, set: BoundSet) -> Option<BoundSet> {
        match self.places.get_mut(binding.0 as usize) {
            Some(place @ Place::Called) => {
                *place = Place::Here(set);
                None
            }
            Some(Place::Here(_) | Place::Gone) | None => Some(set),
        }
    }

    fn remove(&mut self, binding: BindingId) -> Option<BoundSet> {
        self.replace(binding, Place::Gone)
    }

    /// Takes out all that are here. None comes back any more.
    pub(super) fn end(&mut self) -> impl Iterator<Item = BoundSet> + '_ {
        let places = self.places.iter_mut();
        places.filter_map(|place| match std::mem::replace(place, Place::Gone) {
            Place::Here(set) => Some(set),
            Place::Called | Place::Gone => None,
        })
    }

    fn replace(&mut self, binding: BindingId, by: Place) -> Option<BoundSet> {
        let place = self.places.get_mut(binding.0 as usize)?;
        if matches!(place, Place::Gone) {
            return None;
        }
        match std::mem::replace(place, by) {
            Place::Here(set) => Some(set),
            Place::Called | Place::Gone => None,
        }
    }
}
