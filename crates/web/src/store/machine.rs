//! What the Machine view reads of one machine's history at the cursor, and the steps its keys take there.

use std::sync::Arc;

use crate::ui::prelude::*;

use super::Store;
use crate::browser;
use crate::history::{
    self, Look, Place, Position, RainColumns, change_of, known_since, last_change, rain_columns,
    step,
};
use crate::model::{Known, MachineKey, SchemaFacts, Why, why};

impl Store {
    /// Reads a machine's history at the cursor; whoever calls this in an effect is called again when either changes.
    pub fn at_cursor<R>(
        self,
        key: &MachineKey,
        read: impl FnOnce(&history::Track, Position) -> R,
    ) -> Option<R> {
        self.frame.track();
        self.screen.track();
        let now = browser::now();
        self.inner.with_value(|inner| {
            let position = inner.time.position(inner.views.shown(), now);
            let track = inner.time.history().track(key)?;
            Some(read(track, position))
        })
    }

    /// Columns of the rain: of many states those that changed in the window of the lanes.
    #[must_use]
    pub fn rain_columns(self, key: &MachineKey, all: bool) -> RainColumns {
        let now = browser::now();
        let window = self.inner.with_value(|inner| inner.time.window(now));
        let columns = self.at_cursor(key, |track, _| rain_columns(track, window, all));
        columns.unwrap_or_default()
    }

    /// Why a state is on or off.
    #[must_use]
    pub fn why(self, key: &MachineKey, state: usize) -> Option<Why> {
        let wall = self.wall.get();
        let why = self.at_cursor(key, |track, cursor| {
            let Look::State(then) = track.look(cursor) else {
                return None;
            };
            let known = Known {
                schema: &then.schema,
                clock: &then.clock,
                since: known_since(track),
                wall,
                last: &|state| last_change(track, state, cursor),
            };
            Some(why(known, state))
        });
        why.flatten()
    }

    /// The clock of a machine at the cursor.
    #[must_use]
    pub fn clock_at_cursor(self, key: &MachineKey) -> Option<Vec<u64>> {
        let clock = self.at_cursor(key, |track, cursor| match track.look(cursor) {
            Look::State(then) => Some(then.clock),
            Look::NotYet | Look::Dropped { .. } => None,
        });
        clock.flatten()
    }

    /// The newest schema of a machine.
    #[must_use]
    pub fn schema(self, key: &MachineKey) -> Option<Arc<SchemaFacts>> {
        self.at_cursor(key, |track, _| Arc::clone(track.schema()))
    }

    /// Looks at this position.
    pub fn seek_to(self, position: Position) {
        self.turn(|time, now, _| time.pause_at(position, now));
    }

    /// So many records of the machine shown further, or back.
    pub fn step_by(self, records: i64) {
        let sift = self.sift.get_untracked();
        self.turn(|time, now, shown| {
            let from = time.position(shown, now);
            if let Some(position) = time.sifted_step(shown, &sift, from, records) {
                return time.pause_at(position.unwrap_or(from), now);
            }
            let track = shown.and_then(|key| time.history().track(key));
            if track.is_some() {
                let position = step(track, from, records);
                time.pause_at(position, now);
            }
        });
    }

    /// The first or the last record of the machine shown.
    pub fn step_to_end(self, last: bool) {
        let sift = self.sift.get_untracked();
        self.turn(|time, now, shown| {
            if let Some(position) = time.sifted_end(shown, &sift, last) {
                return time.pause_at(position, now);
            }
            let track = shown.and_then(|key| time.history().track(key));
            let position = track.map(|track| if last { track.newest() } else { track.oldest() });
            if let Some(position) = position {
                time.pause_at(position, now);
            }
        });
    }

    /// The next or the previous record of the machine shown that changed a state.
    pub fn step_state(self, state: usize, forward: bool) {
        self.turn(|time, now, shown| {
            let from = time.position(shown, now);
            let Some(track) = shown.and_then(|key| time.history().track(key)) else {
                return;
            };
            let at = track.at(from);
            let beside = match (at, forward) {
                (Some(at), true) => Some(Place(at.0 + 1)),
                (None, true) => Some(Place(0)),
                // Between two records the last one lies behind already.
                (Some(at), false) if track.position(at) < Some(from) => Some(at),
                (Some(at), false) => at.0.checked_sub(1).map(Place),
                (None, false) => None,
            };
            let found = beside.and_then(|place| change_of(track, state, place, forward));
            if let Some(position) = found.and_then(|entry| track.position(entry.place)) {
                time.pause_at(position, now);
            }
        });
    }
}
