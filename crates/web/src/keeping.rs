//! Recording to this browser: off until somebody turns it on (dashboard design 5.6). What is new is written every few
//! seconds as a piece of a recording; the next visit reads the pieces, and goes on where they end.
//!
//! Pieces lie behind the wall time at which they end. What is older than a day leaves, and so does the oldest while all of
//! it is larger than 500 MB. Nothing leaves this browser.

use crate::ui::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser::idb::{self, Shelf};
use crate::browser::{self, files};
use crate::history::{Limits, Position, Recording, read_recording};
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words::recording as words;

/// A handle on it; copies are the same.
#[derive(Clone, Copy)]
pub struct Keeping {
    store: Store,
    /// What is seen is kept.
    pub is_on: RwSignal<bool>,
    /// Bytes kept.
    pub size: RwSignal<u64>,
    /// Why it went off by itself.
    pub problem: RwSignal<Option<String>>,
    inner: StoredValue<Inner, LocalStorage>,
}

#[derive(Default)]
struct Inner {
    shelf: Option<Shelf>,
    /// Everything until here is written.
    written: Option<Position>,
    pieces: Vec<(f64, u64)>,
    is_busy: bool,
}

impl Keeping {
    /// As it was left the last time.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let keeping = Self {
            store,
            is_on: RwSignal::new(browser::is_recording()),
            size: RwSignal::new(0),
            problem: RwSignal::new(None),
            inner: StoredValue::new_local(Inner::default()),
        };
        set_interval(move || keeping.write(), EVERY);
        keeping
    }

    /// Turns it on or off; what was kept stays until it is deleted.
    pub fn turn(self, on: bool, sharing: Sharing) {
        self.is_on.set(on);
        if !on {
            browser::set_recording(false);
            return;
        }
        spawn_local(async move {
            if self.shelf().await.is_some() && browser::set_recording(true) {
                self.count().await;
                self.write();
            } else {
                self.is_on.set(false);
                browser::set_recording(false);
                sharing.refuse(words::FORBIDDEN);
            }
        });
    }

    /// Deletes what was kept, and keeps nothing more.
    pub fn delete(self, sharing: Sharing) {
        self.is_on.set(false);
        browser::set_recording(false);
        spawn_local(async move {
            let Some(shelf) = self.shelf().await else {
                return sharing.refuse(words::FORBIDDEN);
            };
            match shelf.clear().await {
                Ok(()) => {
                    self.inner.update_value(|inner| {
                        inner.pieces.clear();
                        inner.written = None;
                    });
                    self.size.set(0);
                    sharing.say(words::DELETED);
                }
                Err(error) => sharing.refuse(&words::not_deleted(&browser::reason(&error))),
            }
        });
    }

    /// Brings back what was kept, before anything new is seen. True: there was something.
    pub async fn load(self) -> bool {
        let Some(shelf) = self.shelf().await else {
            return false;
        };
        self.count().await;
        let oldest = wall_now() - MAX_AGE;
        let pieces = self.inner.with_value(|inner| inner.pieces.clone());
        let mut recording: Option<Recording> = None;
        for (key, _) in pieces.into_iter().filter(|(key, _)| *key >= oldest) {
            let Ok(bytes) = shelf.get(key).await else {
                continue;
            };
            let Some(bytes) = files::unpack(&bytes, Limits::default().bytes).await else {
                continue;
            };
            let origin = self.store.origin();
            match &mut recording {
                // What cannot be read is left out; the rest is there.
                Some(recording) => drop(recording.go_on(&bytes, origin, Limits::default())),
                None => recording = read_recording(&bytes, origin, Limits::default()).ok(),
            }
        }
        let recording = recording.filter(|recording| !recording.history.is_empty());
        let Some(recording) = recording else {
            return false;
        };
        let newest = recording.history.newest();
        self.inner
            .update_value(|inner| inner.written = Some(newest));
        self.store.go_on(recording);
        true
    }

    /// Writes what is new.
    pub fn write(self) {
        let is_due = self.is_on.get_untracked()
            && self
                .inner
                .try_update_value(|inner| !std::mem::replace(&mut inner.is_busy, true))
                .unwrap_or(false);
        if !is_due {
            return;
        }
        spawn_local(async move {
            let told = self.write_piece().await;
            self.inner.update_value(|inner| inner.is_busy = false);
            if let Err(words) = told {
                self.is_on.set(false);
                browser::set_recording(false);
                self.problem.set(Some(words));
            }
        });
    }

    async fn write_piece(self) -> Result<(), String> {
        let after = self.inner.with_value(|inner| inner.written);
        let Some((bytes, until)) = self.store.write_since(after) else {
            return Ok(());
        };
        let failed = |error| words::not_saved(&browser::reason(&error));
        let packed = files::pack(&bytes).await.map_err(failed)?;
        let packed = files::bytes(&packed).await.unwrap_or_default();
        let Some(shelf) = self.shelf().await else {
            return Err(words::FORBIDDEN.to_owned());
        };
        // Turned off, or deleted, while it was packed.
        if !self.is_on.get_untracked() {
            return Ok(());
        }
        let key = wall_now();
        let size = packed.len() as u64;
        let gone = self
            .inner
            .with_value(|inner| too_much(&inner.pieces, size, key - MAX_AGE));
        if let Err(error) = shelf.put(key, &packed, &gone).await {
            return Err(if idb::is_full(&error) {
                words::no_room(self.size.get_untracked())
            } else {
                failed(error)
            });
        }
        // It was deleted or turned off meanwhile.
        if !self.is_on.get_untracked() {
            return Ok(());
        }
        let total = self.inner.try_update_value(|inner| {
            inner.pieces.retain(|(key, _)| !gone.contains(key));
            inner.pieces.push((key, size));
            inner.written = Some(until);
            inner.pieces.iter().map(|(_, size)| size).sum()
        });
        self.size.set(total.unwrap_or_default());
        Ok(())
    }

    /// Learns what is there.
    async fn count(self) {
        let Some(shelf) = self.shelf().await else {
            return;
        };
        let mut pieces = Vec::new();
        for key in shelf.keys().await.unwrap_or_default() {
            let bytes = shelf.get(key).await.unwrap_or_default();
            pieces.push((key, bytes.len() as u64));
        }
        self.size.set(pieces.iter().map(|(_, size)| size).sum());
        self.inner.update_value(|inner| inner.pieces = pieces);
    }

    async fn shelf(self) -> Option<Shelf> {
        if let Some(shelf) = self.inner.with_value(|inner| inner.shelf.clone()) {
            return Some(shelf);
        }
        let shelf = Shelf::open().await.ok()?;
        self.inner
            .update_value(|inner| inner.shelf = Some(shelf.clone()));
        Some(shelf)
    }
}

/// Pieces that leave when one of this size comes: the old, and the oldest while all of it is too large.
fn too_much(pieces: &[(f64, u64)], size: u64, oldest: f64) -> Vec<f64> {
    let mut total: u64 = size + pieces.iter().map(|(_, size)| size).sum::<u64>();
    let mut gone = Vec::new();
    for (key, size) in pieces {
        if *key < oldest || total > MAX_BYTES {
            total -= size;
            gone.push(*key);
        }
    }
    gone
}

fn wall_now() -> f64 {
    (browser::epoch() + browser::now().0) as f64
}

/// What is new is written so often: a page that is closed loses no more.
const EVERY: std::time::Duration = std::time::Duration::from_secs(3);
/// Milliseconds that a piece is kept (dashboard design 5.6).
const MAX_AGE: f64 = 86_400_000.0;
/// Bytes kept, packed (dashboard design 5.6).
const MAX_BYTES: u64 = 500_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_leaves_and_the_oldest_while_it_is_too_much() {
        let mb = 1_000_000;
        let pieces = [(1.0, 200 * mb), (2.0, 200 * mb), (3.0, 100 * mb)];
        for (size, oldest, gone) in [
            (0, 0.0, vec![]),
            (1, 0.0, vec![1.0]),
            (200 * mb, 0.0, vec![1.0]),
            (201 * mb, 0.0, vec![1.0, 2.0]),
            (0, 2.5, vec![1.0, 2.0]),
            (600 * mb, 0.0, vec![1.0, 2.0, 3.0]),
        ] {
            assert_eq!(too_much(&pieces, size, oldest), gone, "{size} {oldest}");
        }
    }
}
