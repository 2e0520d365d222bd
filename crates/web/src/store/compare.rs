//! What the Compare view reads of the histories of the page.

use crate::ui::prelude::*;

use super::Store;
use crate::history::History;

impl Store {
    /// Reads what is live, or the recording that is shown; `None`: none is.
    pub fn read_history<R>(self, is_live: bool, read: impl FnOnce(&History) -> R) -> Option<R> {
        self.inner.with_value(|inner| {
            let shown = &inner.time;
            let time = match (&inner.aside, is_live) {
                (Some(aside), true) => &aside.time,
                (None, false) => return None,
                (None, true) | (Some(_), false) => shown,
            };
            Some(read(time.history()))
        })
    }
}
