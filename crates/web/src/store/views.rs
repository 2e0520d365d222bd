//! The signals of rows and hosts, and which machine the Machine page is about. What is drawn comes from whichever world is
//! looked at.

use crate::ui::prelude::*;
use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, OrderedSet};

use std::sync::Arc;

use super::list::{List, Scene};
use crate::model::{
    Arranged, FleetRow, Group, MachineKey, MachineRef, MachineScreen, Resolution, Seen, Shelf,
    World, fleet, fleet_row, machine_screen, resolve,
};

/// Signals, by what they are about.
#[derive(Default)]
pub struct Views {
    groups: OrderedMap<PeerId, ArcRwSignal<Group>>,
    /// Of those somebody looks at, and by how many.
    rows: OrderedMap<MachineKey, (ArcRwSignal<FleetRow>, usize)>,
    wanted: Option<MachineRef>,
    machine_page: bool,
    shown: Option<MachineKey>,
    /// What the Overview lists.
    pub list: List,
    hosts: Vec<Group>,
    /// What the reader put aside.
    pub shelf: Shelf,
}

/// What may look different since the last frame.
pub struct Changes {
    /// Ages count on.
    pub slow: bool,
    /// Machines came or went, or changed their place.
    pub reshaped: bool,
    /// Another moment is looked at: each may look different.
    pub moved: bool,
    /// Machines that look different.
    pub dirty: OrderedSet<MachineKey>,
}

/// What does.
pub struct Drawn {
    /// Rows.
    pub rows: Vec<(ArcRwSignal<FleetRow>, FleetRow)>,
    /// Hosts.
    pub groups: Vec<(ArcRwSignal<Group>, Group)>,
    /// Their order.
    pub hosts: Option<Vec<PeerId>>,
    /// The Overview's list.
    pub fleet: Option<Arc<Arranged>>,
    /// The Machine page.
    pub screen: Option<MachineScreen>,
}

impl Views {
    /// The signal of one row, for one more who looks at it.
    pub fn row(
        &mut self,
        key: &MachineKey,
        row: impl FnOnce() -> Option<FleetRow>,
    ) -> Option<ArcRwSignal<FleetRow>> {
        if !self.rows.contains_key(key) {
            self.rows.insert(*key, (ArcRwSignal::new(row()?), 0));
        }
        let (signal, users) = self.rows.get_mut(key)?;
        *users += 1;
        Some(signal.clone())
    }

    /// One looks at it no longer.
    pub fn release(&mut self, key: &MachineKey) {
        if let Some((_, users)) = self.rows.get_mut(key) {
            *users = users.saturating_sub(1);
            if *users == 0 {
                self.rows.remove(key);
            }
        }
    }

    /// The signal of one host.
    pub fn host(&self, peer: &PeerId) -> Option<ArcRwSignal<Group>> {
        self.groups.get(peer).cloned()
    }

    /// The Machine page is open, about this machine; `None`: the last one, or a sensible first.
    pub fn open_machine(&mut self, wanted: Option<MachineRef>) {
        if wanted.is_some() {
            self.wanted = wanted;
        }
        self.machine_page = true;
    }

    /// The Machine page was left.
    pub fn close_machine(&mut self) {
        self.machine_page = false;
        self.shown = None;
    }

    /// The machine that the Machine page shows.
    pub fn shown(&self) -> Option<&MachineKey> {
        self.shown.as_ref()
    }

    /// Draws what changed.
    pub fn draw(&mut self, scene: &Scene<'_>, changes: &Changes) -> Drawn {
        let (world, at) = (scene.world, scene.at);
        let is_dirty = |key: &MachineKey| changes.moved || changes.dirty.contains(key);
        let seen = self.rows.iter().filter(|(key, _)| is_dirty(key));
        let rows = seen.filter_map(|(key, (signal, _))| {
            let row = fleet_row(world, world.machine(key)?, at);
            let differs = signal.with_untracked(|old| *old != row);
            differs.then(|| (signal.clone(), row))
        });
        let rows = rows.collect();
        let (groups, hosts) = if changes.slow || changes.reshaped {
            let (groups, hosts) = self.draw_groups(world, at);
            (groups, Some(hosts))
        } else {
            (Vec::new(), None)
        };
        let fleet = self.list.draw(scene, &self.hosts, changes.reshaped);
        let redraw = changes.slow || changes.reshaped || !changes.dirty.is_empty();
        Drawn {
            rows,
            groups,
            hosts,
            fleet,
            screen: (self.machine_page && redraw).then(|| self.draw_screen(world, at)),
        }
    }

    /// A machine shown because none was named stays the one shown.
    fn draw_screen(&mut self, world: &World, at: Seen) -> MachineScreen {
        let found = resolve(world, self.wanted.as_ref());
        if let (None, Resolution::Found(key)) = (&self.wanted, &found) {
            self.wanted = world
                .machine(key)
                .map(|machine| MachineRef::of(world, machine));
        }
        let screen = machine_screen(world, self.wanted.as_ref(), &found, at);
        self.shown = match &screen {
            MachineScreen::Machine(view) => Some(view.head.key),
            MachineScreen::Nothing | MachineScreen::Unknown { .. } => None,
        };
        screen
    }

    fn draw_groups(
        &mut self,
        world: &World,
        at: Seen,
    ) -> (Vec<(ArcRwSignal<Group>, Group)>, Vec<PeerId>) {
        self.rows.retain(|key, _| world.machine(key).is_some());
        let mut fleet = fleet(world, at);
        super::shelf::arrange(&mut fleet, world, &self.shelf);
        let hosts: Vec<PeerId> = fleet.iter().map(|group| group.peer).collect();
        self.groups.retain(|peer, _| hosts.contains(peer));
        let mut changed = Vec::new();
        self.hosts.clone_from(&fleet);
        for group in fleet {
            match self.groups.get(&group.peer) {
                Some(signal) if signal.with_untracked(|old| *old != group) => {
                    changed.push((signal.clone(), group));
                }
                Some(_) => {}
                None => {
                    self.groups.insert(group.peer, ArcRwSignal::new(group));
                }
            }
        }
        (changed, hosts)
    }
}
