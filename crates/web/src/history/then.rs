//! The tab's knowledge at a moment, in the shape that the views of now read: so each view shows any moment, and none of
//! them knows which.

use std::sync::Arc;

use statemesh::core::collections::OrderedMap;

use super::{
    Entry, History, Look, MachineKey, Place, Position, Recorder, Seen, StateAt, Track, health,
};
use crate::model::{CHANGES_KEPT, Change, Learned, Machine, Past, Reading, World};

/// What machines are called and where they belong: nothing that changes with time.
#[derive(Clone, Debug, Default)]
pub struct Faces {
    machines: OrderedMap<MachineKey, Machine>,
    told: OrderedMap<MachineKey, Face>,
}

/// What a machine's owner says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// Tags.
    pub tags: Vec<String>,
    /// Parent machine id, or empty.
    pub parent: String,
    /// It is the tab's own.
    pub own: bool,
}

impl Faces {
    /// A machine was learned. Those that history does not hold any more go.
    pub fn learn(&mut self, learned: &Learned, history: &History, now: Seen) {
        let face = Face {
            tags: learned.tags.clone(),
            parent: learned.parent.clone(),
            own: learned.own,
        };
        self.told.insert(learned.key, face);
        self.machines
            .insert(learned.key, Machine::new(learned.clone(), now));
        if self.machines.len() > 2 * history.machines().count().max(FEW) {
            self.machines.retain(|key, _| history.track(key).is_some());
            self.told.retain(|key, _| history.track(key).is_some());
        }
    }

    /// What owners say of their machines.
    #[must_use]
    pub fn told(&self) -> &OrderedMap<MachineKey, Face> {
        &self.told
    }

    /// From a recording.
    #[must_use]
    pub fn of(history: &History, told: &OrderedMap<MachineKey, Face>) -> Self {
        let mut faces = Self::default();
        for (key, track) in history.machines() {
            let face = told.get(key).cloned().unwrap_or_default();
            let Some(id) = history.id(key) else { continue };
            let learned = Learned {
                key: *key,
                id: Arc::clone(id),
                tags: face.tags,
                parent: face.parent,
                schema: Arc::clone(track.schema()),
                reading: Reading {
                    clock: track.clock().into(),
                    first_hand: track.standing().first_hand,
                    changed: super::Interval::at(track.newest().at),
                },
                own: face.own,
            };
            faces.learn(&learned, history, track.newest().at);
        }
        faces
    }

    /// What the tab knew at a position; `now` is how far it is known what came after. Of the machine `shown` all changes
    /// are there that a page shows, of others the newest.
    #[must_use]
    pub fn world(
        &self,
        present: &World,
        recorder: &Recorder,
        position: Position,
        now: Seen,
        shown: Option<&MachineKey>,
    ) -> World {
        let machines = recorder.history().machines().filter_map(|(key, track)| {
            let Look::State(state) = track.look(position) else {
                return None;
            };
            let answer = health(key, track, recorder.journal(), position, now)?;
            let most = if shown == Some(key) { CHANGES_KEPT } else { 1 };
            let past = past(track, *state, most);
            Some((self.machines.get(key)?.then(past), answer))
        });
        present.then(machines.collect(), position.at)
    }
}

fn past(track: &Track, state: StateAt, most: usize) -> Past {
    let last = state.place;
    let first = Place((last.0 + 1).saturating_sub(most as u64));
    let entries = track.entries(first).take_while(|entry| entry.place <= last);
    let changes: std::collections::VecDeque<Change> = entries.filter_map(change).collect();
    let changed = changes.back().map(|change| change.at);
    let changed = changed.or_else(|| Some(track.entry(last)?.at));
    Past {
        schema: state.schema,
        clock: Arc::from(state.clock),
        first_hand: state.standing.first_hand,
        changed: changed.unwrap_or(super::Interval::at(state.seen.at)),
        changes,
        change_count: last.0,
        gone: state.standing.gone.map(|(at, _)| at),
        conditions: state.conditions,
    }
}

/// A record as the list of changes shows it; the first look at a machine is none.
fn change(entry: Entry) -> Option<Change> {
    let restarted = entry.is_first_look && entry.place > Place(0);
    let states = entry.detail.map(|detail| detail.changes)?;
    (restarted || !states.is_empty()).then_some(Change {
        number: entry.place.0,
        at: entry.at,
        states,
        restarted,
    })
}

/// The next record of a machine, or of any, or the one before.
#[must_use]
pub fn neighbour(
    history: &History,
    from: Position,
    of: Option<&MachineKey>,
    forward: bool,
) -> Option<Position> {
    let tracks = history
        .machines()
        .filter(|(key, _)| of.is_none_or(|of| of == *key));
    let positions = tracks.filter_map(|(_, track)| {
        let at = track.at(from);
        let place = match (at, forward) {
            (Some(at), true) => Place(at.0 + 1),
            (None, true) => track.places().0,
            (Some(at), false) if track.position(at) == Some(from) => Place(at.0.checked_sub(1)?),
            (Some(at), false) => at,
            (None, false) => return None,
        };
        track.position(place)
    });
    if forward {
        positions.min()
    } else {
        positions.max()
    }
}

/// The next or the previous record of any machine in which an error state went on.
#[must_use]
pub fn error_beside(
    history: &History,
    from: Position,
    forward: bool,
) -> Option<(Position, MachineKey)> {
    let found = history
        .machines()
        .filter_map(|(key, track)| Some((track.error_beside(from, forward)?, *key)));
    if forward { found.min() } else { found.max() }
}

/// With so few machines nothing is looked through to save room.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;
    use crate::model::fixture::{learned_of, reading};
    use crate::model::{
        Health, Input, Phase, Verdict, WallClock, attention_rows, fleet_row, past_verdict, verdict,
    };

    /// A live page and a recorder that see the same.
    struct Page {
        world: World,
        recorder: Recorder,
        faces: Faces,
    }

    impl Page {
        fn new() -> Self {
            let mut page = Self {
                world: World::new("relay".into(), false, Seen(0)),
                recorder: Recorder::new(Limits::default()),
                faces: Faces::default(),
            };
            page.take(Input::Phase(Phase::Live), 0);
            page
        }

        fn take(&mut self, input: Input, at: u64) {
            if let Input::Learned(learned) = &input {
                self.faces.learn(learned, self.recorder.history(), Seen(at));
            }
            self.recorder.take(&input, Seen(at));
            self.world.apply(input, Seen(at));
            self.world.settle(Seen(at));
        }

        fn read(&mut self, index: u64, clock: &[u64], at: u64) {
            let key = learned_of(1, index, "", &[]).key;
            self.take(Input::Read(key, reading(clock, at - 50, at)), at);
        }

        fn then(&self, at: u64, now: u64) -> World {
            let position = self.recorder.history().position(Seen(at));
            self.faces
                .world(&self.world, &self.recorder, position, Seen(now), None)
        }
    }

    fn story() -> Page {
        let mut page = Page::new();
        for (index, id) in [(0, "courier"), (1, "route")] {
            let learned = learned_of(1, index, id, &[1, 1, 0, 0]);
            page.take(Input::Learned(learned), 1_000);
        }
        page.read(1, &[1, 1, 1, 1], 2_000);
        page.read(0, &[1, 2, 1, 0], 3_000);
        page.read(1, &[1, 1, 1, 2], 9_000);
        page
    }

    #[test]
    fn every_moment_looks_as_it_looked_then() {
        let mut page = Page::new();
        let mut looks = Vec::new();
        for (index, id) in [(0, "courier"), (1, "route")] {
            let learned = learned_of(1, index, id, &[1, 1, 0, 0]);
            page.take(Input::Learned(learned), 1_000);
        }
        for n in 0..200_u64 {
            let at = 2_000 + 700 * n;
            page.read(n % 2, &[1, 1, n, n / 30], at);
            page.world.settle(Seen(at + 300));
            let look = |world: &World| {
                let rows = world.machines();
                rows.map(|one| fleet_row(world, one, Seen(at + 300)))
                    .collect::<Vec<_>>()
            };
            looks.push((at + 300, look(&page.world)));
        }
        for (at, expected) in looks {
            let then = page.then(at, at);
            let rows: Vec<_> = then
                .machines()
                .map(|one| fleet_row(&then, one, Seen(at)))
                .collect();
            assert_eq!(rows, expected, "{at}");
        }
    }

    #[test]
    fn errors_of_all_machines_follow_each_other() {
        let mut page = story();
        // An error that stays on is no new one; one that goes on again is.
        page.read(0, &[1, 2, 3, 1], 9_500);
        page.read(1, &[1, 1, 2, 3], 10_000);
        page.read(0, &[1, 3, 3, 1], 11_000);
        let history = page.recorder.history();
        let walk = |forward, begin| {
            let mut at = history.position(Seen(begin));
            let mut found = Vec::new();
            while let Some((position, key)) = error_beside(history, at, forward) {
                found.push((position.at.0, key.index.0));
                at = position;
            }
            found
        };
        let forward = walk(true, 0);
        assert_eq!(forward, [(2_000, 1), (9_500, 0), (10_000, 1)]);
        let mut back = walk(false, 20_000);
        back.reverse();
        assert_eq!(back, forward);
        assert_eq!(walk(true, 10_000), []);
        assert_eq!(walk(false, 500), []);
    }

    #[test]
    fn the_headline_says_when_and_how_it_is_now() {
        let page = story();
        let wall = WallClock::default();
        let said = |at| {
            let then = page.then(at, 20_000);
            let Verdict {
                headline,
                detail,
                counts,
                ..
            } = past_verdict(&then, Seen(at), Some(&page.world), wall);
            let plain = |pieces: &[_]| crate::model::Piece::plain(pieces);
            (plain(&headline), plain(&detail), counts)
        };
        let (headline, detail, counts) = said(4_000);
        assert_eq!(headline, "At 00:00:04.000: 2 machines needed attention");
        assert_eq!(detail, "Now: 1 needs attention.");
        assert_eq!(counts, [(Health::Error, 1), (Health::NotReady, 1)]);
        let (headline, _, counts) = said(1_500);
        assert_eq!(headline, "At 00:00:01.500 all 2 machines were fine");
        assert_eq!(counts, [(Health::Ok, 2)]);
        assert_eq!(said(500).0, "At 00:00:00.500 no machine was known");
        assert_eq!(
            verdict(&page.world, wall, Seen(9_000)).counts,
            [(Health::NotReady, 1), (Health::Ok, 1)]
        );
        assert_eq!(
            attention_rows(&page.then(4_000, 20_000), Seen(4_000)).len(),
            2
        );
    }

    #[test]
    fn steps_go_over_one_machine_or_over_all() {
        let page = story();
        let history = page.recorder.history();
        let route = learned_of(1, 1, "", &[]).key;
        let walk = |of: Option<&MachineKey>, forward| {
            let mut at = history.position(Seen(if forward { 0 } else { 20_000 }));
            let mut seen = Vec::new();
            while let Some(next) = neighbour(history, at, of, forward) {
                seen.push(next.at.0);
                at = next;
            }
            seen
        };
        assert_eq!(walk(None, true), [1_000, 1_000, 2_000, 3_000, 9_000]);
        assert_eq!(walk(None, false), [9_000, 3_000, 2_000, 1_000, 1_000]);
        assert_eq!(walk(Some(&route), true), [1_000, 2_000, 9_000]);
        assert_eq!(walk(Some(&route), false), [9_000, 2_000, 1_000]);
    }
}
