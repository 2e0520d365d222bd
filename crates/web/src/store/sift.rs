//! What the Machine view leaves out, its log, and what stands around the transition at the cursor.

use std::ops::Range;

use crate::ui::prelude::*;

use super::time::Time;
use super::{Store, set};
use crate::browser;
use crate::history::{
    self, ChangeDetail, Cursor, History, LogSift, LogWindow, Pace, Position, RainWindow, Sieve,
    Sift, Surroundings, change_at, sifted_rain, sifted_row, surroundings,
};
use crate::model::{Health, MachineKey, MachineRef, TxFilter, TxFilters};

impl Store {
    /// Leaves these out.
    pub fn hide(self, hide: TxFilters) {
        let group = self.sift.with_untracked(|sift| sift.group.clone());
        set(self.sift, Sift { hide, group });
    }

    /// Looks at the states with this tag.
    pub fn look_at_group(self, group: Option<String>) {
        let hide = self.sift.with_untracked(|sift| sift.hide);
        set(self.sift, Sift { hide, group });
    }

    /// Reads a machine's history at the cursor, and which of its records pass. `always`: even if all do.
    fn sifted<R>(
        self,
        key: &MachineKey,
        always: bool,
        read: impl FnOnce(&history::Track, Position, &Sieve) -> R,
    ) -> Option<R> {
        self.frame.track();
        self.screen.track();
        let now = browser::now();
        let sift = self.sift.get();
        let read = self.inner.try_update_value(|inner| {
            let position = inner.time.position(inner.views.shown(), now);
            let (track, sieve) = inner.time.sift(key, &sift, always)?;
            Some(read(track, position, sieve))
        });
        read.flatten()
    }

    /// Rows of the rain.
    #[must_use]
    pub fn rain(self, key: &MachineKey, rows: Range<usize>) -> RainWindow {
        let window = self.sifted(key, false, |track, cursor, sieve| {
            sifted_rain(track, cursor, rows, sieve.passing(track, cursor))
        });
        window.unwrap_or_default()
    }

    /// The record at the cursor.
    #[must_use]
    pub fn change(self, key: &MachineKey) -> Option<ChangeDetail> {
        let change = self.sifted(key, false, |track, cursor, sieve| {
            let mut change = change_at(track, cursor)?;
            if let Some(passing) = sieve.passing(track, cursor) {
                let (row, total) = sifted_row(track, cursor, passing);
                change.is_filtered = row.is_none();
                change.row = (row.unwrap_or(0), total);
            }
            Some(change)
        });
        change.flatten()
    }

    /// How many records and machines each filter fits.
    #[must_use]
    pub fn filter_counts(self, key: &MachineKey) -> [usize; TxFilter::ALL.len()] {
        let transitions = self.sifted(key, true, |_, _, sieve| sieve.counts());
        let mut counts = [0; TxFilter::ALL.len()];
        for (count, of) in counts.iter_mut().zip(transitions.unwrap_or_default()) {
            *count = of;
        }
        let hosts = self.hosts.get();
        let machines = hosts.iter().filter_map(|peer| self.host(peer));
        for machine in machines.flat_map(|host| host.with(|host| host.rows.clone())) {
            let (gone, own) = self.standing(&machine);
            counts[TxFilter::Gone as usize] += usize::from(gone);
            counts[TxFilter::Own as usize] += usize::from(own);
        }
        counts
    }

    /// The list of machines leaves it out.
    #[must_use]
    pub fn is_left_out(self, machine: &MachineKey) -> bool {
        let hide = self.sift.with(|sift| sift.hide);
        let is_asked = hide.has(TxFilter::Gone) || hide.has(TxFilter::Own);
        is_asked && {
            let (gone, own) = self.standing(machine);
            (gone && hide.has(TxFilter::Gone)) || (own && hide.has(TxFilter::Own))
        }
    }

    /// Whether it is gone, and whether it is the tab's own.
    fn standing(self, machine: &MachineKey) -> (bool, bool) {
        let standing = self
            .row(machine)
            .map(|row| row.with(|row| (row.health == Health::Gone, row.own)));
        standing.unwrap_or_default()
    }

    /// Filters that hide the record at the cursor.
    #[must_use]
    pub fn hiding(self, key: &MachineKey) -> TxFilters {
        let hiding = self.sifted(key, false, |track, cursor, sieve| {
            let at = track.at(cursor);
            at.map_or(TxFilters::default(), |at| sieve.hides(at))
        });
        hiding.unwrap_or_default()
    }

    /// Rows of the log.
    #[must_use]
    pub fn log(self, key: &MachineKey, rows: Range<usize>, sift: &LogSift) -> LogWindow {
        self.frame.track();
        self.screen.track();
        let now = browser::now();
        let window = self.inner.try_update_value(|inner| {
            let position = inner.time.position(inner.views.shown(), now);
            let time = &mut inner.time;
            let track = time.recorder.history().track(key)?;
            time.log.follow(key, track, sift);
            Some(time.log.window(track, position, rows))
        });
        window.flatten().unwrap_or_default()
    }

    /// What stands around the transition at the cursor.
    #[must_use]
    pub fn surroundings(self, key: &MachineKey) -> Option<Surroundings> {
        self.frame.track();
        self.screen.track();
        let now = browser::now();
        self.inner.with_value(|inner| {
            let position = inner.time.position(inner.views.shown(), now);
            surroundings(inner.time.history(), key, position)
        })
    }

    /// The page of a machine; `None`: it is not in the mesh as it is looked at.
    #[must_use]
    pub fn page_of(self, key: &MachineKey) -> Option<String> {
        self.inner.with_value(|inner| {
            let (past, _) = inner.time.past(inner.now());
            let world = past.unwrap_or(&inner.world);
            Some(MachineRef::of(world, world.machine(key)?).href())
        })
    }
}

impl Time {
    /// A machine's history, and which of its records pass.
    fn sift(
        &mut self,
        key: &MachineKey,
        sift: &Sift,
        always: bool,
    ) -> Option<(&history::Track, &Sieve)> {
        let history = self.recorder.history();
        let track = history.track(key)?;
        if always || sift.hide.of_transitions() != 0 {
            self.sieve.follow(key, history.id(key)?, track, sift);
        } else {
            self.sieve.rest();
        }
        Some((track, &self.sieve))
    }

    /// So many of the records that pass further, or back; `None`: all pass. `Some(None)`: there is none that way.
    pub(super) fn sifted_step(
        &mut self,
        key: Option<&MachineKey>,
        sift: &Sift,
        from: Position,
        records: i64,
    ) -> Option<Option<Position>> {
        if sift.hide.of_transitions() == 0 {
            return None;
        }
        let (track, sieve) = self.sift(key?, sift, false)?;
        Some(sieve.step(track, from, records))
    }

    /// The first or the last of the records that pass.
    pub(super) fn sifted_end(
        &mut self,
        key: Option<&MachineKey>,
        sift: &Sift,
        last: bool,
    ) -> Option<Position> {
        if sift.hide.of_transitions() == 0 {
            return None;
        }
        let (track, sieve) = self.sift(key?, sift, false)?;
        sieve.end(track, last)
    }

    /// Where steps of half a second have led, past the records that are left out; `None`: none is.
    pub(super) fn sifted_play(
        &self,
        history: &History,
        shown: Option<&MachineKey>,
        now: crate::model::Seen,
    ) -> Option<Position> {
        let Cursor::Playing {
            from,
            since,
            pace: Pace::Steps,
        } = self.cursor
        else {
            return None;
        };
        let key = shown.filter(|key| self.sieve.is_of(key))?;
        let steps = Pace::steps(since, now);
        let track = history.track(key)?;
        self.sieve.passing(track, from)?;
        Some(match steps {
            0 => from,
            steps => self.sieve.step(track, from, steps).unwrap_or(from),
        })
    }
}
