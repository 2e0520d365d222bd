//! Watch rules at work: rows for the attention list at every cursor, and what is told while nobody looks.

use std::cell::RefCell;

use crate::ui::prelude::*;
use statemesh::core::collections::OrderedMap;

use super::time::Time;
use super::{Inner, Store, set};
use crate::browser;
use crate::history::{Entry, Fidelity, Place, Position, Track, change_of};
use crate::model::{
    AttentionRow, Detail, Interval, Machine, MachineKey, Piece, Seen, Shown, Subject, WatchRule,
    Watched, World, open_problems, watch_rows, watched_alone,
};
use crate::words;

/// Rules, and what they found.
#[derive(Default)]
pub struct Watch {
    rules: Vec<WatchRule>,
    /// At the cursor.
    pub rows: Vec<AttentionRow>,
    /// Now.
    present: Vec<AttentionRow>,
    /// What was told of.
    told: Vec<(String, MachineKey)>,
    /// The title or the system tells.
    tells: (bool, bool),
    turns: RefCell<Turns>,
    live_turns: RefCell<Turns>,
}

impl Watch {
    /// Another history is looked at; `live`: it is another mesh.
    pub fn forget(&mut self, live: bool) {
        self.turns = RefCell::default();
        if live {
            self.live_turns = RefCell::default();
        }
    }
}

impl Store {
    /// These rules hold from now on.
    pub fn watch(self, rules: Vec<WatchRule>) {
        self.inner.update_value(|inner| {
            inner.watch.rules = rules;
            inner.timer_passed = true;
        });
        self.ask_frame();
    }

    /// Whether the title counts, and whether the system tells, also while nobody looks at the page.
    pub fn tell(self, by_title: bool, by_system: bool) {
        self.inner
            .update_value(|inner| inner.watch.tells = (by_title, by_system));
    }

    /// Counts what needs attention now, and tells of what is new.
    pub(super) fn look_out(self) {
        let found = self.inner.try_update_value(Inner::look_out).flatten();
        let Some((count, fresh)) = found else { return };
        set(self.alerts, count);
        if let Some(first) = fresh.first() {
            let mesh = self.topic.get_untracked().unwrap_or_default();
            let body = words::watch::found(first, fresh.len() - 1);
            browser::notify(&Shown::new(&mesh).plain(), &body);
        }
    }

    /// The page is not seen.
    pub(super) fn look_out_unseen(self) {
        let is_asked = self.inner.with_value(|inner| {
            let (by_title, by_system) = inner.watch.tells;
            by_title || (by_system && !inner.watch.rules.is_empty())
        });
        if is_asked {
            self.inner
                .update_value(|inner| inner.live().0.settle(browser::now()));
            self.look_out();
        }
    }
}

impl Inner {
    /// Sees to the rows at the cursor if they may differ. Machines that only rules are about, now.
    pub(super) fn watch(&mut self, is_due: bool, now: Seen) -> usize {
        let (past, at) = self.time.past(now);
        // While nothing is heard nothing is concluded.
        if is_due && (past.is_some() || !self.world.connection().is_stale()) {
            let world = past.unwrap_or(&self.world);
            let position = self.time.position(self.views.shown(), now);
            let watch = &self.watch;
            let found = rows(
                &watch.rules,
                world,
                (at, position),
                (&self.time, &watch.turns),
            );
            self.watch.rows = found;
        }
        watched_alone(&self.world, &self.watch.present)
    }

    /// Rows at any moment.
    pub(super) fn watched_at(
        &self,
        world: &World,
        at: Seen,
        position: Position,
    ) -> Vec<AttentionRow> {
        let turns = RefCell::default();
        rows(
            &self.watch.rules,
            world,
            (at, position),
            (&self.time, &turns),
        )
    }

    fn look_out(&mut self) -> Option<(usize, Vec<String>)> {
        let now = browser::now();
        let (world, time) = match &self.aside {
            Some(aside) => (&aside.world, &aside.time),
            None => (&self.world, &self.time),
        };
        if world.connection().is_stale() {
            return None;
        }
        let newest = time.history().newest();
        self.watch.present = rows(
            &self.watch.rules,
            world,
            (now, newest),
            (time, &self.watch.live_turns),
        );
        let count = open_problems(world) + watched_alone(world, &self.watch.present);
        let rules = &self.watch.rules;
        let found = self
            .watch
            .present
            .iter()
            .filter_map(|row| match row.subject {
                Subject::Watch(number, key) => {
                    let rule = rules.get(usize::from(number))?;
                    Some((rule.text.clone(), key, row))
                }
                Subject::Machine(_) | Subject::Host(_) => None,
            });
        let mut told = Vec::new();
        let mut fresh = Vec::new();
        for (rule, key, row) in found {
            let what = (rule, key);
            if !self.watch.told.contains(&what) {
                let (name, host) = (
                    Piece::plain(std::slice::from_ref(&row.name)),
                    row.host.plain(),
                );
                fresh.push(words::watch::match_of(&what.0, &name, &host));
            }
            told.push(what);
        }
        self.watch.told = told;
        if !self.watch.tells.1 {
            fresh.clear();
        }
        Some((count, fresh))
    }
}

fn rows(
    rules: &[WatchRule],
    world: &World,
    (at, position): (Seen, Position),
    (time, turns): (&Time, &RefCell<Turns>),
) -> Vec<AttentionRow> {
    if rules.is_empty() {
        return Vec::new();
    }
    let track = |key: &MachineKey| time.history().track(key);
    let detail = |key: &MachineKey| {
        let track = track(key);
        detail(track.map_or(Fidelity::Snapshots, |track| track.standing().fidelity))
    };
    let turned = |machine: &Machine, state: Option<usize>| {
        let track = track(&machine.key);
        let found = track.zip(state).and_then(|(track, state)| {
            let place = track.at(position)?;
            turns.borrow_mut().of(track, machine, state, place)
        });
        found.unwrap_or(Interval {
            after: None,
            by: track.map_or(machine.changed.by, |track| track.oldest().at),
        })
    };
    let scene = Watched {
        at,
        detail: &detail,
        turned: &turned,
    };
    watch_rows(rules, world, &scene)
}

/// When states became what they are, as it was found last: only what came since is read again.
#[derive(Default)]
struct Turns(OrderedMap<(MachineKey, usize), Turn>);

/// It holds from one record to another.
#[derive(Clone, Copy)]
struct Turn {
    from: Place,
    to: Place,
    at: Option<Interval>,
}

impl Turns {
    fn of(
        &mut self,
        track: &Track,
        machine: &Machine,
        state: usize,
        place: Place,
    ) -> Option<Interval> {
        let what = (machine.key, state);
        let is_multi = machine.schema.states.get(state)?.multi;
        let turn = match self.0.get(&what).copied() {
            Some(turn) if place < turn.from => None,
            Some(turn) if place <= turn.to => return turn.at,
            Some(turn) => {
                let next = Place(turn.to.0 + 1);
                let fresh = track.entries(next).take_while(|entry| entry.place <= place);
                let found = fresh.filter(|entry| turns(entry, state, is_multi)).last();
                Some(found.map_or(Turn { to: place, ..turn }, |entry| Turn {
                    from: entry.place,
                    to: place,
                    at: Some(entry.at),
                }))
            }
            None => None,
        };
        let turn = turn.unwrap_or_else(|| {
            let found = turned(track, state, is_multi, place);
            Turn {
                from: found.as_ref().map_or(Place(0), |entry| entry.place),
                to: place,
                at: found.map(|entry| entry.at),
            }
        });
        if self.0.len() >= TURNS_KEPT {
            self.0 = OrderedMap::new();
        }
        self.0.insert(what, turn);
        turn.at
    }
}

/// The record that made a state what it is.
fn turned(track: &Track, state: usize, is_multi: bool, place: Place) -> Option<Entry> {
    let mut place = place;
    for _ in 0..CALLS {
        let entry = change_of(track, state, place, false)?;
        if turns(&entry, state, is_multi) {
            return Some(entry);
        }
        place = Place(entry.place.0.checked_sub(1)?);
    }
    None
}

/// Called again is no turn; off and on in between is one.
fn turns(entry: &Entry, state: usize, is_multi: bool) -> bool {
    let changes = entry.detail.as_ref().map(|detail| &detail.changes);
    let change = changes.and_then(|it| it.iter().find(|change| change.state == state));
    change.is_some_and(|change| {
        let differs = (change.before ^ change.after) & 1 == 1;
        differs || (change.flickered() && !is_multi)
    })
}

/// How much of a machine is received, as filters say it.
pub(super) fn detail(fidelity: Fidelity) -> Detail {
    match fidelity {
        Fidelity::Trace | Fidelity::Local => Detail::Trace,
        Fidelity::Changes => Detail::Changes,
        Fidelity::Snapshots | Fidelity::Name => Detail::Snapshots,
    }
}

/// Turns remembered; more are found again.
const TURNS_KEPT: usize = 10_000;
/// Calls of a state that stayed on, which are looked back over (guess).
const CALLS: usize = 1_000;
