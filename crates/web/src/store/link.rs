//! Links to what is looked at, and the way back: a link is followed as soon as what it names is here (dashboard design
//! 2.2).
//!
//! follow -> wait until the machine is known and has come so far -> `History::resolve` -> cursor, and a sentence about how
//! it was found. Whoever moves the cursor meanwhile is not called back.

use crate::ui::prelude::*;

use super::time::WINDOWS;
use super::{Inner, Store, set};
use crate::history::{Found, History, Position, Wanted};
use crate::model::{MachineKey, MachineRef, MomentLink, Resolution, Seen, WallClock, resolve};
use crate::words;

/// A link on its way.
pub struct Follow {
    link: MomentLink,
    /// When its machine was first known.
    known: Option<Seen>,
}

/// What became of it.
enum Outcome {
    /// Nothing yet.
    Waits,
    /// The page looks there, or there is nothing; a sentence if that needs one.
    Done(Option<String>),
    /// The history does not know it any more, as this sentence says.
    Lost(String),
}

impl Store {
    /// What is looked at, as a link.
    #[must_use]
    pub fn link(self) -> MomentLink {
        let link = self.inner.with_value(|inner| inner.link(inner.now()));
        let step = untrack(|| self.steps()).at;
        MomentLink {
            state: self.state.get_untracked(),
            step: step.map(|number| number as u64),
            ..link
        }
    }

    /// What is looked at as a link to the moment, live or not.
    #[must_use]
    pub fn moment(self) -> MomentLink {
        let link = self.link();
        let (origin, now) = self.inner.with_value(|inner| (inner.origin, inner.now()));
        MomentLink {
            seen_at: link.seen_at.or(Some((origin + now.0) * 1_000)),
            ..link
        }
    }

    /// Looks at the moment a link names, when it is found.
    pub fn follow(self, link: MomentLink) {
        if let Some(window) = link.window.filter(|it| is_window(*it)) {
            self.inner.update_value(|inner| inner.time.window = window);
        }
        set(self.state, link.state.clone());
        set(self.found, None);
        set(self.brought, None);
        let follow = link.is_moment().then_some(Follow { link, known: None });
        self.inner.update_value(|inner| {
            inner.wanted = follow;
            inner.timer_passed = true;
        });
        self.ask_frame();
    }

    /// Looks where this tab looked before.
    pub fn look_again(self, link: &MomentLink) {
        self.follow_step(link.step);
        let position = self.inner.with_value(|inner| inner.was_at(link));
        if let Some(position) = position {
            return self.seek_to(position);
        }
        let origin = self.inner.with_value(|inner| inner.origin);
        let seen = link.seen_at.map(|at| (at / 1_000).saturating_sub(origin));
        if let Some(seen) = seen {
            self.seek(Seen(seen));
        }
    }

    /// A link is on its way.
    #[must_use]
    pub fn is_following(self) -> bool {
        self.inner.with_value(|inner| inner.wanted.is_some())
    }

    /// Tries again.
    pub(super) fn follow_on(self, now: Seen) {
        let wall = self.wall.get();
        let told = self.inner.try_update_value(|inner| {
            let mut follow = inner.wanted.take()?;
            match inner.try_follow(&mut follow, wall, now) {
                Outcome::Waits => {
                    inner.wanted = Some(follow);
                    None
                }
                Outcome::Done(told) => {
                    inner.timer_passed = true;
                    Some((told, follow.link.step, None))
                }
                Outcome::Lost(told) => {
                    inner.timer_passed = true;
                    Some((Some(told), None, follow.link.frame))
                }
            }
        });
        if let Some(Some((told, step, picture))) = told {
            set(self.found, told);
            self.follow_step(step);
            if let Some(picture) = picture {
                self.unpack(picture);
            }
        }
    }
}

impl Inner {
    fn link(&self, now: Seen) -> MomentLink {
        let (past, _) = self.time.past(now);
        let world = past.unwrap_or(&self.world);
        let shown = self.views.shown();
        let machine = shown.and_then(|key| world.machine(key));
        let mut link = MomentLink {
            machine: machine.map(|machine| MachineRef::of(world, machine)),
            window: Some(self.time.window),
            ..MomentLink::default()
        };
        if self.time.cursor.is_live() {
            return link;
        }
        let position = self.time.position(shown, now);
        link.seen_at = Some((self.origin + position.at.0) * 1_000);
        let history = self.time.recorder.history();
        if let Some(key) = machine.map(|machine| machine.key)
            && let Some(track) = history.track(&key)
            && let Some(entry) = track.at(position).and_then(|place| track.entry(place))
        {
            link.run = Some(key.index.0);
            if let Some(detail) = entry.detail {
                link.number = detail.number;
                link.owner_at = detail.owner_at;
                link.machine_time = Some(detail.machine_time);
            }
        }
        link
    }

    fn try_follow(&mut self, follow: &mut Follow, wall: WallClock, now: Seen) -> Outcome {
        let link = &follow.link;
        let seen = link.seen_at.map(|at| at / 1_000);
        let before = seen.is_some_and(|seen| seen < self.origin);
        let seen_here = seen.and_then(|seen| seen.checked_sub(self.origin));
        let seen_here = seen_here.map(Seen).filter(|seen| *seen <= now);
        let history = self.time.recorder.history();
        let wanted = Wanted {
            run: link.run,
            epoch: None,
            number: link.number,
            machine_time: link.machine_time,
            owner_at: link.owner_at,
            seen: seen_here,
        };
        let Some(reference) = &link.machine else {
            let Some(seen) = seen_here.filter(|seen| Some(*seen) >= history.oldest()) else {
                return self.give_up(link, wall, now);
            };
            let position = history.position(seen);
            self.time.pause_at(position, now);
            return Outcome::Done(None);
        };
        let Some(key) = self.find(reference) else {
            let since = self.world.joined();
            let waits = since.is_none_or(|since| now.since(since) < PATIENCE);
            return if waits {
                Outcome::Waits
            } else {
                self.give_up(link, wall, now)
            };
        };
        let known = *follow.known.get_or_insert(now);
        let history = self.time.recorder.history();
        let moment = history.resolve(&key, &wanted, None);
        let is_it = matches!(&moment, Ok(moment) if !matches!(moment.found, Found::Nearest(_)));
        if !is_it && now.since(known) < PATIENCE && is_ahead(history, &key, link) {
            return Outcome::Waits;
        }
        match moment {
            // What is older than this tab is not nearest to anything in it.
            Ok(moment) if is_it || !before => {
                let told = match moment.found {
                    Found::Exactly => None,
                    Found::ByMachineTime(_) => link.machine_time.map(words::link::by_machine_time),
                    Found::ByOwnerTime => Some(words::link::by_owner_time()),
                    Found::Nearest(earlier) => Some(words::link::nearest(earlier)),
                };
                self.time.pause_at(moment.position, now);
                Outcome::Done(told)
            }
            Ok(_) | Err(_) => self.give_up(link, wall, now),
        }
    }

    /// The record that a link of this tab names by its number: many share an instant.
    fn was_at(&self, link: &MomentLink) -> Option<Position> {
        let key = self.find(link.machine.as_ref()?)?;
        let wanted = Wanted {
            run: link.run,
            number: Some(link.number?),
            ..Wanted::default()
        };
        let found = self.time.history().resolve(&key, &wanted, None).ok()?;
        Some(found.position)
    }

    /// There is nothing to look at.
    fn give_up(&self, link: &MomentLink, wall: WallClock, now: Seen) -> Outcome {
        let wanted = link.seen_at.or(link.owner_at).map(|at| {
            let start = wall.start.saturating_sub(self.origin);
            let wall = WallClock { start };
            wall.text(Seen(at / 1_000), 0)
        });
        let history = self.time.recorder.history();
        let key = link.machine.as_ref().and_then(|it| self.find(it));
        let track = key.and_then(|key| history.track(&key));
        let oldest = track.map(|track| track.oldest().at).or(history.oldest());
        let oldest = oldest.filter(|at| *at <= now).map(|at| wall.text(at, 0));
        let told = words::link::no_history(wanted.as_deref(), oldest.as_deref());
        Outcome::Lost(told)
    }

    /// The machine a link names: of those now, else of those that were.
    fn find(&self, reference: &MachineRef) -> Option<MachineKey> {
        if let Resolution::Found(key) = resolve(&self.world, Some(reference)) {
            return Some(key);
        }
        let history = self.time.recorder.history();
        let keys = history.machines().map(|(key, _)| *key);
        keys.filter(|key| {
            history.id(key).is_some_and(|id| **id == *reference.id)
                && key.peer.to_string().ends_with(&reference.owner)
        })
        .max_by_key(|key| key.index)
    }
}

/// The machine may yet come to where the link leads.
fn is_ahead(history: &History, key: &MachineKey, link: &MomentLink) -> bool {
    let Some(track) = history.track(key) else {
        return true;
    };
    let time: u64 = track
        .clock()
        .iter()
        .fold(0, |sum, tick| sum.saturating_add(*tick));
    link.machine_time.is_some_and(|wanted| time < wanted)
}

fn is_window(window: Option<u64>) -> bool {
    window.is_none_or(|ms| WINDOWS.contains(&ms))
}

/// Milliseconds that a link waits for its machine, or for its machine to come so far (guess: a neighbour that stays
/// silent is asked after two seconds).
const PATIENCE: u64 = 3_000;
