//! What is noted of the running transition until its record takes it: who refused, and, with the feature `trace`, steps,
//! lines of the application, and the time.
//!
//! Steps come between the end of one transition and the record of the next, so they need no names. Nothing is noted as
//! long as nobody hears of transitions.

use std::sync::Arc;
use std::time::Duration;

use statemesh_core::QueueTick;
use statemesh_core::engine::{Outcome, Step, TxId};

use super::observe::Refusal;

/// Steps, lines and times are noted.
pub(super) const LISTENS: bool = cfg!(feature = "trace");

/// Of one machine.
#[derive(Default)]
pub(super) struct Notes {
    /// Of the answer the engine was given last.
    pub(super) reason: Option<Arc<str>>,
    refusals: Vec<(TxId, Refusal)>,
    /// Queue ticks at which mutations run that had to wait.
    waiting: Vec<QueueTick>,
    steps: Vec<Step>,
    lines: Vec<Box<str>>,
    #[cfg(feature = "trace")]
    began: Option<(TxId, web_time::Instant)>,
}

/// Taken by the record of a transition.
pub(super) struct Noted {
    pub(super) refusals: Vec<Refusal>,
    pub(super) is_queued: bool,
    pub(super) steps: Vec<Step>,
    pub(super) lines: Vec<Box<str>>,
    pub(super) took: Option<Duration>,
}

impl Notes {
    /// A decision was made.
    pub(super) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// A handler did not accept.
    pub(super) fn refused(&mut self, tx: TxId, refusal: Refusal) {
        self.refusals.push((tx, refusal));
    }

    /// The application said something.
    #[cfg(any(feature = "log", feature = "trace"))]
    pub(super) fn line(&mut self, text: &str) {
        if LISTENS && self.lines.len() < MAX_LINES {
            self.lines.push(text.into());
        }
    }

    /// A mutation came while the machine was at work.
    pub(super) fn queued(&mut self, outcome: Outcome) {
        if let Outcome::Queued(tick) = outcome
            && self.waiting.last() < Some(&tick)
        {
            self.waiting.push(tick);
        }
    }

    /// A transition was resolved.
    pub(super) fn begin(&mut self, tx: TxId) {
        #[cfg(feature = "trace")]
        {
            self.began = Some((tx, web_time::Instant::now()));
        }
        let _ = tx;
    }

    /// Takes those of this transition; what an observer that left had asked for goes with them.
    pub(super) fn take(&mut self, tx: TxId, tick: Option<QueueTick>) -> Noted {
        let refusals = std::mem::take(&mut self.refusals).into_iter();
        let is_queued = tick.is_some_and(|tick| self.waiting.contains(&tick));
        if let Some(now) = tick {
            // Those before it have run, or were dropped.
            self.waiting.retain(|tick| *tick > now);
        }
        Noted {
            refusals: refusals
                .filter(|(at, _)| *at == tx)
                .map(|(_, it)| it)
                .collect(),
            is_queued,
            steps: std::mem::take(&mut self.steps),
            lines: std::mem::take(&mut self.lines),
            took: self.took(tx),
        }
    }

    #[cfg(feature = "trace")]
    fn took(&mut self, tx: TxId) -> Option<Duration> {
        let (at, began) = self.began.take()?;
        (at == tx).then(|| began.elapsed())
    }

    #[cfg(not(feature = "trace"))]
    fn took(&mut self, _: TxId) -> Option<Duration> {
        None
    }
}

/// Lines kept for one record (guess).
#[cfg(any(feature = "log", feature = "trace"))]
const MAX_LINES: usize = 256;
