//! What the reader put aside, kept in this browser: pinned machines and hidden ones.

use crate::ui::prelude::*;

use crate::browser;
use crate::model::{MachineRef, Shelf, turn};
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words::shelf as words;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Shelving {
    store: Store,
    /// What is put aside.
    pub shelf: RwSignal<Shelf>,
    /// What was hidden last, while that can be undone.
    pub undo: RwSignal<Option<(MachineRef, String)>>,
    hidden: StoredValue<u32>,
}

impl Shelving {
    /// What was kept.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let shelf = Shelf::read(&browser::kept_shelf());
        store.shelve(shelf.clone());
        Self {
            store,
            shelf: RwSignal::new(shelf),
            undo: RwSignal::new(None),
            hidden: StoredValue::new(0),
        }
    }

    /// Pins the machine shown, or lets it go.
    pub fn pin(self, sharing: Sharing) {
        let Some((machine, name)) = self.store.shown_machine() else {
            return sharing.refuse(words::NO_MACHINE);
        };
        let is_pinned = self
            .shelf
            .try_update(|shelf| turn(&mut shelf.pinned, &machine));
        self.keep();
        sharing.say(&words::pinned(&name, is_pinned == Some(true)));
    }

    /// Hides the machine shown; for a while that can be undone.
    pub fn hide(self, sharing: Sharing) {
        let Some((machine, name)) = self.store.shown_machine() else {
            return sharing.refuse(words::NO_MACHINE);
        };
        let is_hidden = self
            .shelf
            .with_untracked(|shelf| shelf.hidden.contains(&machine));
        if !is_hidden {
            self.shelf.update(|shelf| {
                turn(&mut shelf.hidden, &machine);
            });
            self.keep();
        }
        self.undo.set(Some((machine, name)));
        self.hidden.update_value(|count| *count += 1);
        let number = self.hidden.get_value();
        let end = move || {
            if self.hidden.get_value() == number {
                self.undo.set(None);
            }
        };
        set_timeout(end, UNDONE_WITHIN);
    }

    /// Lists it again.
    pub fn show(self, machine: &MachineRef) {
        self.undo.set(None);
        self.shelf
            .update(|shelf| shelf.hidden.retain(|other| other != machine));
        self.keep();
    }

    /// Lists all machines again.
    pub fn show_all(self) {
        self.undo.set(None);
        self.shelf.update(|shelf| shelf.hidden.clear());
        self.keep();
    }

    fn keep(self) {
        let shelf = self.shelf.get_untracked();
        // Without a storage it holds until the page is closed.
        let _ = browser::keep_shelf(&shelf.text());
        self.store.shelve(shelf);
    }
}

/// Hiding can be undone for so long (dashboard design 7.1).
const UNDONE_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);
