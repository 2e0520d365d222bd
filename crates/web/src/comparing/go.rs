//! From a row to its moment in the Machine view.

use crate::ui::prelude::*;

use super::find::link_of;
use super::{Comparing, Source};
use crate::model::compare::Row;

impl Comparing {
    /// Goes to the first difference.
    pub fn go_first(self) {
        let row = self.inner.with_value(|inner| {
            let comparison = inner.comparison.as_ref()?;
            let rows = &comparison.rows[comparison.first?..];
            rows.first().copied()
        });
        let Some(row) = row else { return };
        // What the page shows anyway comes first.
        let side = self.inner.with_value(|inner| {
            let is_file = |side: usize| {
                let found = inner.found[side].as_ref();
                found.is_none_or(|found| matches!(found.source, Source::File(_)))
            };
            let has = [row.a.is_some(), row.b.is_some()];
            let best = [0, 1]
                .into_iter()
                .find(|side| has[*side] && !is_file(*side));
            best.unwrap_or(usize::from(!has[0]))
        });
        self.go_row(row, side);
    }

    /// Goes to one side of a row.
    pub fn go_row(self, row: Row, side: usize) {
        if let Some(item) = [row.a, row.b][side] {
            self.go(side, item);
        }
    }

    /// Goes to an item's moment in the Machine view; a file becomes the recording that is shown.
    pub fn go(self, side: usize, item: u32) {
        let found = self.inner.with_value(|inner| {
            let comparison = inner.comparison.as_ref()?;
            let position = comparison.item(side, Some(item))?.position;
            Some((inner.found[side].clone()?, position))
        });
        let Some((found, position)) = found else {
            return;
        };
        let link = self.read(found.source, |history| link_of(history, &found.key));
        let machine = link.and_then(|link| link.machine);
        let Some(machine) = machine else { return };
        match found.source {
            Source::Live if self.store.recording.with_untracked(Option::is_some) => {
                self.store.close();
            }
            Source::Live | Source::Shown => {}
            Source::File(at) => {
                let file = self.inner.with_value(|inner| inner.files.get(at).cloned());
                let name = self.files.with_untracked(|files| files.get(at).cloned());
                if let Some(file) = file {
                    self.store.open(file, name.unwrap_or_default());
                }
            }
        }
        self.router.open(&machine.href());
        self.store.seek_position(position);
    }
}
