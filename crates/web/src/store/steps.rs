//! Steps of the transition at the cursor, which of them is looked at, and the way to its cause and its effects.

use std::sync::Arc;

use crate::ui::prelude::*;

use super::{Inner, Store, set};
use crate::history::{self, Chain, Link, Place, cause_of, chain, effects};
use crate::model::{MachineKey, MachineRef, MomentLink, SchemaFacts, Seen, Shown, Steps};
use crate::words;

/// A step that is looked at. It is one of a transition: where the cursor leaves that, there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtStep {
    key: MachineKey,
    place: Place,
    /// Its number, from 1.
    number: usize,
}

/// The steps of the transition at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepView {
    /// All of them; none are known of most transitions of others.
    pub steps: Steps,
    /// The machine's states then.
    pub schema: Arc<SchemaFacts>,
    /// The number of the one looked at.
    pub at: Option<usize>,
}

/// A transition of the trail, with the names that the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailRow {
    /// Its machine.
    pub machine: Shown,
    /// Its machine's states.
    pub schema: Arc<SchemaFacts>,
    /// What happened.
    pub link: Link,
    /// The page of that moment.
    pub href: String,
}

/// What led to the transition at the cursor, and what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseTrail {
    /// As history tells it.
    pub chain: Chain,
    /// Upstream, the oldest first.
    pub causes: Vec<TrailRow>,
    /// Downstream.
    pub effects: Vec<TrailRow>,
    /// When the transition itself happened.
    pub at: Seen,
}

impl Store {
    /// Steps of the transition at the cursor, and the number of the one looked at. Who calls this in an effect is called
    /// again when either changes.
    #[must_use]
    pub fn steps(self) -> StepView {
        self.frame.track();
        self.screen.track();
        let at = self.step.get();
        self.inner.with_value(|inner| {
            let Some((key, track, place)) = inner.record() else {
                return StepView::default();
            };
            let is_here = |at: &AtStep| (at.key, at.place) == (key, place);
            StepView {
                steps: read(track, place),
                schema: track.schema_at(place).cloned().unwrap_or_default(),
                at: at.filter(is_here).map(|at| at.number),
            }
        })
    }

    /// The next step of the transition at the cursor, or the one before; from the whole transition to its first.
    pub fn step_in(self, forward: bool) {
        let StepView { steps, at, .. } = untrack(|| self.steps());
        let next = match (at, forward) {
            (None, true) => 1,
            (None, false) => return,
            (Some(number), true) => (number + 1).min(steps.rows.len()),
            (Some(1), false) => return self.step_to(None),
            (Some(number), false) => number - 1,
        };
        self.step_to(Some(next));
    }

    /// Looks at a step of the transition at the cursor, `None`: at all of it. What is looked at step by step stands still.
    pub fn step_to(self, number: Option<usize>) {
        let Some((at, position)) = self.inner.with_value(|inner| {
            let (key, track, place) = inner.record()?;
            let number = number.filter(|it| (1..=read(track, place).rows.len()).contains(it));
            let at = number.map(|number| AtStep { key, place, number });
            Some((at, track.position(place)?))
        }) else {
            return;
        };
        if self.dock.with_untracked(|dock| dock.at.is_none()) {
            self.seek_to(position);
        }
        set(self.step, at);
    }

    /// A link names a step of the moment it led to.
    pub(super) fn follow_step(self, number: Option<u64>) {
        let number = number.and_then(|number| usize::try_from(number).ok());
        if number.is_some() {
            // The machine is shown by then.
            request_animation_frame(move || self.step_to(number));
        }
    }

    /// The address of the transition that caused the one at the cursor; `None`: there is none, or it is not held.
    #[must_use]
    pub fn source_href(self) -> Option<String> {
        self.inner.with_value(|inner| {
            let (key, track, place) = inner.record()?;
            let head = track.entry(place)?.detail?.head?;
            let history = inner.time.history();
            let link = cause_of(history, &key, &head.source?)?;
            Some(inner.href(&link))
        })
    }

    /// The address of the first transition that the one at the cursor caused.
    #[must_use]
    pub fn effect_href(self) -> Option<String> {
        self.inner.with_value(|inner| {
            let (key, track, place) = inner.record()?;
            let found = effects(inner.time.history(), &key, &track.entry(place)?);
            found.first().map(|link| inner.href(link))
        })
    }

    /// What led to the transition at the cursor, if anybody noted that.
    #[must_use]
    pub fn cause_trail(self) -> Option<CauseTrail> {
        self.frame.track();
        self.screen.track();
        self.inner.with_value(|inner| {
            let (key, track, place) = inner.record()?;
            let chain = chain(inner.time.history(), &key, place)?;
            let rows = |links: &[Link]| links.iter().filter_map(|it| inner.row_of(it)).collect();
            Some(CauseTrail {
                causes: rows(&chain.causes),
                effects: rows(&chain.effects),
                at: track.entry(place)?.at.by,
                chain,
            })
        })
    }
}

impl Store {
    /// Which record of the machine shown is at the cursor, as it is spoken.
    #[must_use]
    pub fn spoken_record(self) -> Option<String> {
        let (key, name) = self.inner.with_value(|inner| {
            let key = inner.views.shown()?;
            let id = inner.time.history().id(key)?;
            Some((*key, Shown::new(id).plain()))
        })?;
        let change = self.change(&key)?;
        Some(words::machine::spoken_record(&name, &change))
    }
}

impl Inner {
    /// The record at the cursor of the machine shown.
    fn record(&self) -> Option<(MachineKey, &history::Track, Place)> {
        let key = self.views.shown()?;
        let track = self.time.history().track(key)?;
        let position = self.time.position(Some(key), self.now());
        Some((*key, track, track.at(position)?))
    }

    fn row_of(&self, link: &Link) -> Option<TrailRow> {
        let history = self.time.history();
        Some(TrailRow {
            machine: Shown::new(history.id(&link.key)?),
            schema: history
                .track(&link.key)?
                .schema_at(link.entry.place)?
                .clone(),
            href: self.href(link),
            link: link.clone(),
        })
    }

    /// The page of a moment.
    pub(super) fn href(&self, link: &Link) -> String {
        let (past, _) = self.time.past(self.now());
        let world = past.unwrap_or(&self.world);
        let known = world.machine(&link.key).or(self.world.machine(&link.key));
        let detail = link.entry.detail.as_ref();
        MomentLink {
            machine: known.map(|machine| MachineRef::of(world, machine)),
            run: Some(link.key.index.0),
            number: detail.and_then(|detail| detail.number),
            machine_time: detail.map(|detail| detail.machine_time),
            seen_at: Some((self.origin + link.position.at.0) * 1_000),
            ..MomentLink::default()
        }
        .href()
    }
}

fn read(track: &history::Track, place: Place) -> Steps {
    let detail = track.entry(place).and_then(|entry| entry.detail);
    let head = detail.as_ref().and_then(|detail| detail.head.as_ref());
    match (head, &detail, track.side(place)) {
        (Some(head), Some(detail), Some(side)) => {
            Steps::new(head, &side.steps, &side.refusals, detail.ticks())
        }
        _ => Steps::default(),
    }
}
