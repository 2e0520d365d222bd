//! The fleet as the Overview lists it: what is asked of it, and when it may be put in another order. Rows never jump under
//! a pointer or a focus: while somebody is inside, only what comes or goes changes the list.

use std::sync::Arc;

use crate::ui::prelude::*;

use super::Store;
use super::watch::detail;
use crate::browser;
use crate::history::Fidelity;
use crate::model::{
    Arranged, Candidate, Filter, Group, Grouping, MachineKey, Order, Seen, Sorting, World, arranged,
};

/// What the bar above the fleet shows; copies are the same.
#[derive(Clone, Copy)]
pub struct FleetBar {
    /// The filter as it was typed.
    pub text: RwSignal<String>,
    /// What is wrong with it.
    pub error: RwSignal<Option<String>>,
    /// What stands together.
    pub grouping: RwSignal<Grouping>,
    /// What stands above.
    pub sorting: RwSignal<Sorting>,
    /// Squares instead of rows.
    pub tiles: RwSignal<bool>,
    /// The list.
    pub list: RwSignal<Arc<Arranged>>,
    /// Counts up when the page around the list was scrolled: on a phone the list does not scroll by itself.
    pub scrolled: RwSignal<u32>,
}

impl Default for FleetBar {
    fn default() -> Self {
        Self {
            text: RwSignal::new(String::new()),
            error: RwSignal::new(None),
            grouping: RwSignal::new(Grouping::default()),
            sorting: RwSignal::new(Sorting::default()),
            tiles: RwSignal::new(false),
            list: RwSignal::new(Arc::default()),
            scrolled: RwSignal::new(0),
        }
    }
}

/// What decides on the list.
#[derive(Default)]
pub struct List {
    is_open: bool,
    is_held: bool,
    is_asked: bool,
    filter: Filter,
    grouping: Grouping,
    sorting: Sorting,
    drawn: Arc<Arranged>,
    drawn_at: Seen,
    /// In an order that may not be the one asked for any more.
    drawn_held: bool,
}

/// What the history says of a machine.
pub trait Told {
    /// How much of it is received.
    fn fidelity(&self, key: &MachineKey) -> Fidelity;
    /// Changes in the ten seconds before the moment looked at.
    fn rate(&self, key: &MachineKey) -> u64;
}

/// What is looked at.
pub struct Scene<'a> {
    /// The world.
    pub world: &'a World,
    /// Its moment.
    pub at: Seen,
    /// The page's time.
    pub now: Seen,
    /// What the history says.
    pub told: &'a dyn Told,
    /// Nothing differs from what was drawn last, but what was asked.
    pub is_still: bool,
}

impl List {
    /// The list, if it may differ.
    pub fn draw(
        &mut self,
        scene: &Scene<'_>,
        hosts: &[Group],
        is_reshaped: bool,
    ) -> Option<Arc<Arranged>> {
        let asked = std::mem::take(&mut self.is_asked);
        let is_open = !scene.is_still || self.drawn_held;
        let due = !self.is_held && is_open && scene.now.since(self.drawn_at) >= RESORT_EVERY;
        if !(self.is_open && (asked || is_reshaped || due)) {
            return None;
        }
        self.drawn_at = scene.now;
        let is_live = self.sorting != Sorting::Mesh;
        let held = (self.is_held && is_live && !asked).then(|| Arc::clone(&self.drawn));
        self.drawn_held = held.is_some();
        let drawn = self.arrange(scene, hosts, held.as_deref());
        if drawn == *self.drawn {
            return None;
        }
        self.drawn = Arc::new(drawn);
        Some(self.drawn.clone())
    }

    /// It is drawn anew with the next frame.
    pub fn ask(&mut self) {
        self.is_asked = true;
    }

    /// The list as it would be, in the order `held` if there is one.
    pub fn arrange(&self, scene: &Scene<'_>, hosts: &[Group], held: Option<&Arranged>) -> Arranged {
        let keeps = |machine: &crate::model::Machine| {
            let candidate = |machine| Candidate {
                machine,
                health: scene.world.assessment(&machine.key).health,
                detail: detail(scene.told.fidelity(&machine.key)),
                now: scene.at,
            };
            self.filter.is_empty() || self.filter.keeps(&candidate(machine))
        };
        let order = Order {
            grouping: &self.grouping,
            sorting: self.sorting,
            keeps: &keeps,
            rate: &|key| scene.told.rate(key),
            held,
        };
        arranged(scene.world, hosts, &order)
    }
}

impl Store {
    /// The Overview came, or was left.
    pub fn open_fleet(self, is_open: bool) {
        self.with_list(|list| list.is_open = is_open);
        if is_open {
            self.ask_frame();
        }
    }

    /// Somebody points into the list, or does not any more.
    pub fn hold_fleet(self, is_held: bool) {
        self.inner
            .update_value(|inner| inner.views.list.is_held = is_held);
    }

    /// Shows what a filter keeps; one that cannot be read leaves the list as it is.
    pub fn filter_fleet(self, text: &str) {
        let filter = Filter::parse(text, browser::pattern);
        self.fleet.text.set(text.to_owned());
        match filter {
            Ok(filter) => {
                self.fleet.error.set(None);
                self.with_list(|list| list.filter = filter);
                self.ask_frame();
            }
            Err(error) => self.fleet.error.set(Some(error)),
        }
    }

    /// Puts machines together in another way.
    pub fn group_fleet(self, grouping: Grouping) {
        self.fleet.grouping.set(grouping.clone());
        self.with_list(|list| list.grouping = grouping);
        self.ask_frame();
    }

    /// Puts them in another order.
    pub fn sort_fleet(self, sorting: Sorting) {
        self.fleet.sorting.set(sorting);
        self.with_list(|list| list.sorting = sorting);
        self.ask_frame();
    }

    fn with_list(self, change: impl FnOnce(&mut List)) {
        self.inner.update_value(|inner| {
            let list = &mut inner.views.list;
            change(list);
            list.is_asked = true;
        });
    }
}

/// Milliseconds between two orders (dashboard design 5.1).
const RESORT_EVERY: u64 = 1_000;
