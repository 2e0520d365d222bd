//! What the connection bar tells for some seconds: back after a loss, through another relay, awake again.

use statemesh::PeerId;
use statemesh::core::collections::OrderedSet;

use super::Inner;
use super::graph::name_of;
use crate::browser;
use crate::history::meanwhile;
use crate::model::{Machine, MachineKey, Seen, Shown};

/// Something that is over, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What it was.
    pub what: What,
    /// Ticks that came at once, and the machines that have such a gap.
    pub missed: (u64, usize),
    /// Hosts that were here before and have not spoken since.
    pub awaited: usize,
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
    /// A frame: while a tab is hidden or frozen there is none.
    pub(super) fn note_drawn(&mut self) {
        let now = browser::now();
        let (before, slept) = &mut self.drawn;
        let gap = now.since(*before);
        if gap >= WORTH_TELLING {
            *slept = Some((now, gap));
        }
        *before = now;
    }

    /// What there is to tell now.
    pub(super) fn news(&mut self, now: Seen) -> Option<News> {
        if self.aside.is_some() {
            return None;
        }
        let connection = self.world.connection();
        let begun = connection.back.map(|(_, at)| at);
        let begun = begun.max(connection.through.and_then(|(_, since)| since));
        let begun = begun.max(self.drawn.1.map(|(at, _)| at));
        let begun = begun.filter(|at| now.since(*at) < PATIENCE)?;
        let awaited = self.awaited(begun);
        if awaited > 0 {
            self.awaited_until = now;
        }
        let last = self.awaited_until.max(begun);
        let connection = self.world.connection();
        // As long as somebody is waited for, and a while longer.
        let is_fresh = |at: Seen| begun.since(at) < AT_ONCE && now.since(last) < SHOWN;
        // The lifecycle of a peer changes with every link: that one was lost is said already.
        let counts = |key: &MachineKey| {
            let machine = self.world.machine(key);
            machine.is_some_and(Machine::counts)
        };
        let history = self.time.recorder().history();
        let journal = self.time.recorder().journal();
        if let Some((at, slept)) = self.drawn.1.filter(|(at, _)| is_fresh(*at)) {
            return Some(News {
                what: What::Slept(slept),
                missed: meanwhile(history, Seen(at.0.saturating_sub(slept)), at, counts),
                awaited,
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
            missed: meanwhile(history, Seen(at.0.saturating_sub(lasted)), at, counts),
            awaited,
        })
    }

    /// Hosts whose machines are shown and who have not spoken since.
    fn awaited(&self, since: Seen) -> usize {
        let world = &self.world;
        let hosts = world
            .machines()
            .filter(|one| !one.own && one.gone.is_none());
        let hosts: OrderedSet<PeerId> = hosts.map(|one| one.key.peer).collect();
        let is_silent = |peer: &&PeerId| {
            let heard = world.peer(peer).and_then(|facts| facts.heard);
            heard.is_none_or(|heard| heard < since)
        };
        hosts.iter().filter(is_silent).count()
    }
}

/// It is told so long (dashboard design 5.8).
const SHOWN: u64 = 4_000;
/// What is told together happened within so many milliseconds.
const AT_ONCE: u64 = 2_000;
/// Whoever has not spoken after so long is waited for no more (guess).
const PATIENCE: u64 = 20_000;
/// Shorter sleeps, in milliseconds, are those of a tab that was looked away from for a moment.
const WORTH_TELLING: u64 = 60_000;
