//! Everything the tab has seen, and how it was at any moment of it (dashboard design 3, 4, 11).
//!
//! Flow: session -> `model::Input` or [`Record`] -> [`Recorder`] -> [`History`] -> views at a [`Cursor`]. Plain Rust: no
//! DOM, no clock, no network; time is an argument. Whatever the fidelity, a machine's history is one sequence of
//! records: snapshots by gossip, transitions of the tab's own engine, and feeds when there are any.
//!
//! Parts: [`Track`] is one machine (`chunk`: 64 records behind a key; `marks`, `gaps`, [`Pyramid`] beside them),
//! [`History`] all of them, in one order and within one budget; [`Journal`] is what happened around them; [`Cursor`] says
//! where the page looks; `moment` finds what a link names; [`owner_order`] sorts by the owners' clocks; [`lane`] says
//! what to draw, [`rain`] lists one machine's records as rows, [`change_at`] is one record in full, [`health`] how a machine
//! was, [`timeline`] when how much happened; [`Faces`] makes the page's world of any moment; `file` writes and reads recordings
//! (docs/smesh.md).
//!
//! Invariants: records are ordered as they were seen, over all machines; ticks never cross from one run of an owner into
//! the next; what was not seen is never filled in; what was dropped is said; the newest clock of a machine that lives is
//! never dropped. Nothing told by others makes any of this panic or grow beyond its budget.

mod around;
mod bytes;
mod cause;
mod change;
mod chunk;
mod claims;
mod cursor;
mod events;
mod file;
mod gaps;
mod health;
mod journal;
mod lanes;
mod log_lines;
mod marks;
mod meanwhile;
mod moment;
mod network;
mod owner_order;
mod pulses;
mod pyramid;
mod rain;
mod reader;
mod record;
mod recorder;
mod side;
mod sieve;
mod store;
mod then;
mod timeline;
mod track;
mod trail;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod story_tests;
#[cfg(test)]
mod tests;

pub use crate::model::{
    Assessment, Carrier, Conditions, Health, Input, Interval, LinkEnd, MachineKey, PeerFacts,
    Phase, ReportedLink, Role, Rule, SchemaFacts, Seen, Shown, StateChange, is_active, is_work,
};

pub use self::around::{About, Bookmark};
pub use self::cause::{Chain, Link, Origin, UPSTREAM, cause_of, chain, effects};
pub use self::change::{ChangeDetail, Reason, change_at, known_since, last_change};
pub use self::claims::{Claim, Claims, Glance, Stint};
pub use self::cursor::{Cursor, Pace, step};
pub use self::events::events;
pub use self::file::{Excerpt, NotRead, Recording, read_recording, write_recording, zero_for};
pub use self::gaps::{Gap, Missed};
pub use self::health::health;
pub use self::journal::{Journal, Stretch, Stretches, Voice};
pub use self::lanes::{Lane, LaneMark, LaneSpan, MarkKind, SpanKind, lane};
pub use self::log_lines::{LogIndex, LogRow, LogSift, LogWindow};
pub use self::marks::{Begins, Mark, Standing};
pub use self::meanwhile::meanwhile;
pub use self::moment::{Found, Moment, NotFound, Wanted};
pub use self::network::network;
pub use self::owner_order::{MAX_PLACED, Offset, Placed, owner_order};
pub use self::pulses::Pulses;
pub use self::pyramid::{Count, Pyramid, Tally, Window};
pub use self::rain::{
    Cell, RainColumns, RainEvent, RainRow, RainWindow, change_of, rain, rain_columns, rain_row,
    sifted_rain, sifted_row,
};
pub use self::reader::{Beginning, Mention, Surroundings, surroundings};
pub use self::record::{Cause, Detail, Entry, Fidelity, Head, Moved, Place, Record, Ticks};
pub use self::recorder::Recorder;
pub use self::side::{LogLine, RefusedBy, Side};
pub use self::sieve::{Passing, Sieve, Sift};
pub use self::store::{History, Limits, Named, Refused};
pub use self::then::{Face, Faces, error_beside, neighbour};
pub use self::timeline::{Bar, Timeline, timeline};
pub use self::track::{Known, Look, StateAt, Track};
pub use self::trail::{Before, HOPS, before};

/// A point in what was seen: an instant, and how many records of the page had come until then. Many records may share
/// an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When.
    pub at: Seen,
    /// Records of the page until then, this one included.
    pub order: u64,
}

impl Position {
    /// Behind everything seen at an instant.
    #[must_use]
    pub fn end_of(at: Seen) -> Self {
        Self {
            at,
            order: u64::MAX,
        }
    }
}
