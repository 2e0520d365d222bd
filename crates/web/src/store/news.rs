//! What the connection bar tells for some seconds: back after a loss, through another relay, awake again.

use super::Inner;
use super::graph::name_of;
use crate::history::meanwhile;
use crate::model::{Seen, Shown};

/// Something that is over, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What it was.
    pub what: What,
    /// Ticks that came at once, and the machines that have such a gap.
    pub missed: (u64, usize),
}

/// What is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A loss, which took so many milliseconds.
    Back(u64),
    /// The way through another neighbour, which is called so.
    Through(Shown),
    /// A sleep of so many milliseconds.
    Slept(u64),
}

impl Inner {
    /// What there is to tell now.
    pub(super) fn news(&self, now: Seen) -> Option<News> {
        if self.aside.is_some() {
            return None;
        }
        let connection = self.world.connection();
        let is_fresh = |at: Seen| now.since(at) < SHOWN;
        let history = self.time.recorder().history();
        let journal = self.time.recorder().journal();
        let slept = self
            .world
            .woke()
            .filter(|(at, slept)| is_fresh(*at) && *slept >= WORTH_TELLING);
        if let Some((at, slept)) = slept {
            return Some(News {
                what: What::Slept(slept),
                missed: meanwhile(history, Seen(at.0.saturating_sub(slept)), at),
            });
        }
        if !connection.is_live() {
            return None;
        }
        let back = connection.back.filter(|(_, at)| is_fresh(*at));
        let through = connection
            .through
            .filter(|(_, since)| since.is_some_and(is_fresh));
        let at = match (back, through) {
            (Some((_, at)), _) => at,
            (None, Some((_, since))) => since?,
            (None, None) => return None,
        };
        let lasted = back.map_or(0, |(after, _)| after);
        let what = match (through, back) {
            (Some((peer, _)), _) => What::Through(name_of(journal, &peer)),
            (None, Some((after, _))) => What::Back(after),
            (None, None) => return None,
        };
        Some(News {
            what,
            missed: meanwhile(history, Seen(at.0.saturating_sub(lasted)), at),
        })
    }
}

/// It is told so long (dashboard design 5.8).
const SHOWN: u64 = 4_000;
/// Shorter sleeps are those of a tab that was looked away from for a moment.
const WORTH_TELLING: u64 = 60_000;
