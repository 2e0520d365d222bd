//! Own machines as the mesh sees them: what introduces each, the last clock fed, what is not yet published.
//!
//! Invariants (what a Go peer cannot survive is never stored here, so it cannot be published): as many ticks as states; the
//! sum of a machine's clock never goes down; an index is used once; every text and count is within the limits all peers of
//! this project check.

use std::sync::Arc;

use super::wire::{self, Bye, Info, Ticks};
use crate::collections::OrderedMap;
use crate::engine::Schema;
use crate::ids::MachineIdx;

/// A local machine to introduce.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// Its id.
    pub id: Arc<str>,
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Parent machine id, or empty.
    pub parent: String,
    /// Its clock now.
    pub clock: Vec<u64>,
}

#[derive(Debug)]
struct OwnMachine {
    /// Everything but the clock, ready to be sent.
    info: Info,
    clock: Vec<u64>,
    ticks: Option<Ticks>,
    /// Changed since it was last published.
    dirty: bool,
    /// Introduced: before that, nobody could tell what its clock means.
    introduced: bool,
    /// On the topic, which has its clock since then.
    announced: bool,
}

/// Own machines by index.
#[derive(Debug)]
pub(crate) struct Local {
    machines: OrderedMap<MachineIdx, OwnMachine>,
    first: MachineIdx,
    next: MachineIdx,
}

impl Local {
    pub(crate) fn new(first: MachineIdx) -> Self {
        Self {
            machines: OrderedMap::new(),
            first,
            next: first,
        }
    }

    /// An index never given before, and not below `least`.
    pub(crate) fn reserve(&mut self, least: MachineIdx) -> MachineIdx {
        let index = self.next.max(least);
        self.next = MachineIdx(index.0.saturating_add(1));
        index
    }

    /// Takes a machine in, or says why it cannot be shown to others.
    pub(crate) fn expose(
        &mut self,
        index: MachineIdx,
        machine: Exposed,
    ) -> Result<(), &'static str> {
        if index < self.first || index >= self.next || index.0 >= MachineIdx::LIMIT {
            return Err("its index was not reserved");
        }
        if self.machines.contains_key(&index) {
            return Err("its index is in use");
        }
        if self.machines.len() >= wire::MAX_MACHINES_PER_PEER {
            return Err("too many machines are exposed");
        }
        let info = introduction(&machine)?;
        check_clock(&machine.clock, machine.schema.len())?;
        self.machines.insert(
            index,
            OwnMachine {
                info,
                clock: machine.clock,
                ticks: None,
                dirty: false,
                introduced: false,
                announced: false,
            },
        );
        Ok(())
    }

    /// Takes a clock. False when it brings nothing new: equal, stale, of a wrong length, or of no machine.
    pub(crate) fn feed(
        &mut self,
        index: MachineIdx,
        clock: Vec<u64>,
        ticks: Option<Ticks>,
    ) -> bool {
        let Some(machine) = self.machines.get_mut(&index) else {
            return false;
        };
        if check_clock(&clock, machine.clock.len()).is_err()
            || wire::sum(&clock) <= wire::sum(&machine.clock)
        {
            return false;
        }
        machine.clock = clock;
        machine.ticks = ticks;
        machine.dirty = true;
        true
    }

    /// Removes a machine and gives its last words.
    pub(crate) fn withdraw(&mut self, index: MachineIdx) -> Option<Bye> {
        let machine = self.machines.remove(&index)?;
        Some(farewell(machine, false))
    }

    /// Removes everything and gives the last words of all.
    pub(crate) fn leave(&mut self) -> OrderedMap<MachineIdx, Bye> {
        std::mem::take(&mut self.machines)
            .into_iter()
            .map(|(index, machine)| (index, farewell(machine, true)))
            .collect()
    }

    /// All introductions with current clocks, in parts that each fit a payload. One empty part when there is no machine.
    pub(crate) fn introductions(&mut self) -> Vec<OrderedMap<MachineIdx, Info>> {
        self.machines
            .for_each_mut(|_, machine| machine.introduced = true);
        parts(self.machines.iter().map(|(index, machine)| {
            let mut info = machine.info.clone();
            info.clock = Some(machine.clock.clone());
            let size = wire::info_len(&info);
            (*index, info, size)
        }))
    }

    /// The topic hears [`Self::introductions`] now. Go peers take the clock of a machine from its first introduction only
    /// (mesh-protocol.md P5): one that was announced before and has changed since stays dirty.
    pub(crate) fn announce(&mut self) {
        self.machines.for_each_mut(|_, machine| {
            machine.dirty &= machine.announced;
            machine.announced = true;
        });
    }

    /// Clocks not yet published, of machines introduced.
    pub(crate) fn take_dirty(&mut self) -> Vec<OrderedMap<MachineIdx, Vec<u64>>> {
        self.take_clocks(|machine| machine.dirty)
    }

    /// All clocks of machines introduced.
    pub(crate) fn take_all(&mut self) -> Vec<OrderedMap<MachineIdx, Vec<u64>>> {
        self.take_clocks(|_| true)
    }

    fn take_clocks(
        &mut self,
        wanted: fn(&OwnMachine) -> bool,
    ) -> Vec<OrderedMap<MachineIdx, Vec<u64>>> {
        let mut clocks = Vec::new();
        self.machines.for_each_mut(|index, machine| {
            if machine.introduced && wanted(machine) {
                clocks.push(clock_of(*index, machine));
            }
        });
        parts(clocks.into_iter())
    }

    /// Sums of all clocks.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (MachineIdx, u64)> {
        let machines = self.machines.iter();
        machines.map(|(index, machine)| (*index, wire::sum(&machine.clock)))
    }

    /// Counters of these machines, as far as known.
    pub(crate) fn ticks<'a>(
        &self,
        indexes: impl Iterator<Item = &'a MachineIdx>,
    ) -> Option<OrderedMap<MachineIdx, Ticks>> {
        let known = indexes.filter_map(|index| Some((*index, self.machines.get(index)?.ticks?)));
        let known: OrderedMap<_, _> = known.collect();
        Some(known).filter(|known| !known.is_empty())
    }

    /// Whether a clock waits to be published.
    pub(crate) fn is_dirty(&self) -> bool {
        let mut machines = self.machines.values();
        machines.any(|machine| machine.dirty && machine.introduced)
    }
}

fn clock_of(index: MachineIdx, machine: &mut OwnMachine) -> (MachineIdx, Vec<u64>, usize) {
    machine.dirty = false;
    (index, machine.clock.clone(), clock_len(&machine.clock))
}

/// Bytes a clock takes at most, index included.
pub(crate) fn clock_len(clock: &[u64]) -> usize {
    9 * (clock.len() + 2)
}

fn farewell(machine: OwnMachine, leaving: bool) -> Bye {
    Bye {
        leaving,
        id: machine.info.id,
        clock: Some(machine.clock),
    }
}

/// Fills maps up to [`wire::MAX_OWN_PAYLOAD`] bytes each; at least one map.
pub(crate) fn parts<T>(
    items: impl Iterator<Item = (MachineIdx, T, usize)>,
) -> Vec<OrderedMap<MachineIdx, T>> {
    let mut parts = Vec::new();
    let mut part = OrderedMap::new();
    let mut used = 0;
    for (index, item, size) in items {
        if used + size > wire::MAX_OWN_PAYLOAD && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        used += size;
        part.insert(index, item);
    }
    if parts.is_empty() || !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn introduction(machine: &Exposed) -> Result<Info, &'static str> {
    let states = &machine.schema.def().states;
    let info = Info {
        id: machine.id.to_string(),
        schema: Some(states.iter().cloned().collect()),
        states: Some(states.iter().map(|(name, _)| name.clone()).collect()),
        clock: None,
        tags: Some(machine.tags.clone()),
        parent: machine.parent.clone(),
        ..Info::default()
    };
    if states.len() > wire::MAX_STATES {
        return Err("it has too many states");
    }
    let lists = states.iter().flat_map(|(_, state)| {
        [
            &state.require,
            &state.add,
            &state.remove,
            &state.after,
            &state.tags,
        ]
    });
    let lists: Vec<&Vec<String>> = lists.flatten().chain([&machine.tags]).collect();
    if lists.iter().any(|list| list.len() > wire::MAX_LIST) {
        return Err("a relation or its tags are too long a list");
    }
    let names = states.iter().map(|(name, _)| name);
    let mut texts = lists.iter().copied().flatten().chain(names);
    if info.id.len() > wire::MAX_TEXT
        || info.parent.len() > wire::MAX_TEXT
        || texts.any(|text| text.len() > wire::MAX_TEXT)
    {
        return Err("its id or a name is too long");
    }
    if states.iter().any(|(name, _)| name.is_empty()) {
        return Err("a state has no name");
    }
    // Ticks may grow to nine bytes each.
    if wire::info_len(&info) + 9 * states.len() > wire::MAX_OWN_PAYLOAD {
        return Err("its introduction does not fit a message");
    }
    Ok(info)
}

fn check_clock(clock: &[u64], states: usize) -> Result<(), &'static str> {
    let sum = clock
        .iter()
        .try_fold(0, |sum: u64, tick| sum.checked_add(*tick));
    match sum {
        Some(_) if clock.len() != states => Err("clock length differs from states"),
        Some(_) if clock.iter().all(|tick| *tick <= wire::MAX_TICK) => Ok(()),
        Some(_) | None => Err("implausible tick"),
    }
}
