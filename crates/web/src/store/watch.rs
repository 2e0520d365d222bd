//! Watch rules at work: rows for the attention list at every cursor, and what is told while nobody looks.

use leptos::prelude::*;

use super::{Inner, Store, set};
use crate::browser;
use crate::history::Fidelity;
use crate::model::{
    AttentionRow, Detail, MachineKey, Piece, Seen, Shown, Subject, WatchRule, World, open_problems,
    watch_rows, watched_alone,
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
    /// Rows at the cursor.
    pub(super) fn watch(&mut self, at: Seen, now: Seen) {
        let (past, _) = self.time.past(now);
        // While nothing is heard nothing is concluded.
        if past.is_none() && self.world.connection().is_stale() {
            return;
        }
        let world = past.unwrap_or(&self.world);
        self.watch.rows = rows(&self.watch.rules, world, at, &self.time);
    }

    /// Machines that only rules are about.
    pub(super) fn watched(&self) -> usize {
        watched_alone(&self.world, &self.watch.present)
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
        self.watch.present = rows(&self.watch.rules, world, now, time);
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
    at: Seen,
    time: &super::time::Time,
) -> Vec<AttentionRow> {
    if rules.is_empty() {
        return Vec::new();
    }
    let detail = |key: &MachineKey| {
        let track = time.history().track(key);
        detail(track.map_or(Fidelity::Snapshots, |track| track.standing().fidelity))
    };
    watch_rows(rules, world, at, &detail)
}

/// How much of a machine is received, as filters say it.
pub(super) fn detail(fidelity: Fidelity) -> Detail {
    match fidelity {
        Fidelity::Trace | Fidelity::Local => Detail::Trace,
        Fidelity::Changes => Detail::Changes,
        Fidelity::Snapshots | Fidelity::Name => Detail::Snapshots,
    }
}
