//! Where the page looks: one cursor for all views (dashboard design 3.2). Changing view, machine or filter never moves
//! it; seeking, stepping and playing do.

use super::{Place, Position, Seen, Track};

/// Where the page looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// At now.
    #[default]
    Live,
    /// At a moment.
    Paused {
        /// Which.
        at: Position,
    },
    /// Moving on from a moment.
    Playing {
        /// From here.
        from: Position,
        /// Since.
        since: Seen,
        /// How fast.
        pace: Pace,
    },
}

/// How fast the cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// To the selected machine's next record, every half second.
    Steps,
    /// So many thousandths of real time: 100 is a tenth, 10,000 is ten times.
    Time(u32),
}

impl Cursor {
    /// What is looked at now. `selected`: whose records steps go by.
    #[must_use]
    pub fn position(self, now: Seen, newest: Position, selected: Option<&Track>) -> Position {
        let live = Position {
            at: now.max(newest.at),
            order: newest.order,
        };
        match self {
            Self::Live => live,
            Self::Paused { at } => at,
            Self::Playing { from, since, pace } => {
                let passed = now.since(since);
                let at = match pace {
                    Pace::Time(thousandths) => {
                        let moved = passed.saturating_mul(u64::from(thousandths)) / 1_000;
                        let at = Seen(from.at.0.saturating_add(moved));
                        Position::end_of(at).max(from)
                    }
                    Pace::Steps => step(selected, from, Pace::steps(since, now)),
                };
                at.min(live)
            }
        }
    }

    /// Stops where it is.
    #[must_use]
    pub fn pause(self, now: Seen, newest: Position, selected: Option<&Track>) -> Self {
        Self::Paused {
            at: self.position(now, newest, selected),
        }
    }

    /// Goes on from where it is; what plays up to now is live again.
    #[must_use]
    pub fn play(self, pace: Pace, now: Seen, newest: Position, selected: Option<&Track>) -> Self {
        Self::Playing {
            from: self.position(now, newest, selected),
            since: now,
            pace,
        }
    }

    /// How far behind now that is, in milliseconds; zero when live.
    #[must_use]
    pub fn behind(self, now: Seen, newest: Position, selected: Option<&Track>) -> u64 {
        now.since(self.position(now, newest, selected).at)
    }

    /// Values are those of now.
    #[must_use]
    pub fn is_live(self) -> bool {
        self == Self::Live
    }
}

impl Pace {
    /// Steps taken since then.
    #[must_use]
    pub fn steps(since: Seen, now: Seen) -> i64 {
        (now.since(since) / STEP).cast_signed()
    }
}

/// So many records of a machine further, or back; stays at the first and at the last.
#[must_use]
pub fn step(track: Option<&Track>, from: Position, records: i64) -> Position {
    let Some(track) = track else { return from };
    let (first, next) = track.places();
    let last = Place(next.0.saturating_sub(1));
    let place = match track.at(from) {
        Some(at) => Place(at.0.saturating_add_signed(records)),
        // Before the first: one step leads to it.
        None if records > 0 => Place(first.0.saturating_add_signed(records - 1)),
        None => return from,
    };
    let place = place.clamp(first, last.max(first));
    track.position(place).unwrap_or(from)
}

/// Milliseconds per step (dashboard design 3.2).
const STEP: u64 = 500;
