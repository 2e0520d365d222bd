//! Any view at any moment as text, and machines as the console lists them. Read off the same models as the screen, so
//! that both say the same.

use crate::ui::prelude::*;

use super::list::Scene;
use super::peers::everybody;
use super::{Inner, Store};
use crate::history::{Position, change_at, network};
use crate::model::{
    Cell, MachineKey, MachineRef, Piece, Resolution, Route, Seen, Table, WallClock, World,
    attention_rows, is_active, join_rows, machine_table, past_verdict, peer_table, resolve, string,
    verdict,
};
use crate::words::{self, snapshot as say};

/// The world at a moment.
struct Then<'a> {
    world: Known<'a>,
    position: Position,
    at: Seen,
    now: Seen,
    is_past: bool,
}

enum Known<'a> {
    Shown(&'a World),
    Made(Box<World>),
}

impl std::ops::Deref for Known<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        match self {
            Self::Shown(world) => world,
            Self::Made(world) => world,
        }
    }
}

impl Store {
    /// The view as text: at a time in milliseconds since 1970, else as it is on screen.
    #[must_use]
    pub fn text_of(self, route: Route, at: Option<u64>) -> String {
        let wall = self.wall.get();
        let mesh = self.topic.get_untracked().unwrap_or_default();
        let mesh = crate::model::Shown::new(&mesh).plain();
        self.inner.with_value(|inner| {
            let then = inner.then(at);
            inner.text_of(&mesh, route, &then, wall)
        })
    }

    /// Machines at the cursor, as JSON: those the Overview lists.
    #[must_use]
    pub fn list_json(self) -> String {
        self.inner.with_value(|inner| {
            let then = inner.then(None);
            inner.machines(&then).json()
        })
    }

    /// One machine at the cursor, as JSON; `null` if there is none.
    #[must_use]
    pub fn machine_json(self, id: &str) -> String {
        self.inner.with_value(|inner| {
            let then = inner.then(None);
            let found = inner.machine_json(&then, id);
            found.unwrap_or_else(|| "null".to_owned())
        })
    }

    /// The table that a view shows; `None`: it has none.
    #[must_use]
    pub fn table_of(self, route: Route) -> Option<Table> {
        self.inner.with_value(|inner| match route {
            Route::Overview => Some(inner.machines(&inner.then(None))),
            Route::Peers => Some(self.peers.with_untracked(|screen| {
                let lines = screen.lines.iter().map(AsRef::as_ref);
                peer_table(lines, inner.origin)
            })),
            _ => None,
        })
    }
}

impl Inner {
    fn then(&self, at: Option<u64>) -> Then<'_> {
        let now = self.now();
        let (past, shown_at) = self.time.past(now);
        let shown = self.views.shown();
        let wanted = at.map(|at| Seen(at.saturating_sub(self.origin)).min(now));
        match wanted {
            Some(at) if past.is_none() || at != shown_at => {
                let position = self.time.history().position(at);
                let recorder = self.time.recorder();
                let world = self
                    .time
                    .faces
                    .world(&self.world, recorder, position, now, shown);
                Then {
                    world: Known::Made(Box::new(world)),
                    position,
                    at,
                    now,
                    is_past: true,
                }
            }
            Some(_) | None => Then {
                world: Known::Shown(past.unwrap_or(&self.world)),
                position: self.time.position(shown, now),
                at: shown_at,
                now,
                is_past: past.is_some(),
            },
        }
    }

    fn text_of(&self, mesh: &str, route: Route, then: &Then<'_>, wall: WallClock) -> String {
        let view = match route {
            Route::Machines => "Machine",
            Route::Mesh => "Mesh",
            Route::Peers => "Peers",
            _ => "Overview",
        };
        let time = wall.text(then.at, 3);
        let mut text = say::title(mesh, view, &time, !then.is_past);
        text.push('\n');
        match route {
            Route::Machines => self.machine_text(&mut text, then, wall),
            Route::Mesh => self.mesh_text(&mut text, then),
            Route::Peers => {
                let journal = self.time.recorder().journal();
                let (_, lines) =
                    everybody(&then.world, journal, then.at, !then.is_past, self.origin);
                section(
                    &mut text,
                    say::PEERS,
                    &peer_table(lines.iter(), self.origin),
                );
            }
            _ => self.overview_text(&mut text, then, wall),
        }
        text
    }

    fn overview_text(&self, text: &mut String, then: &Then<'_>, wall: WallClock) {
        let world = &*then.world;
        let verdict = if then.is_past {
            past_verdict(world, then.at, self.present(), wall)
        } else {
            verdict(world, wall, then.at)
        };
        for line in [&verdict.headline, &verdict.detail] {
            text.push_str(&Piece::plain(line));
            text.push('\n');
        }
        for (health, count) in &verdict.counts {
            text.push_str(&[words::health(*health), " ", &count.to_string(), "  "].concat());
        }
        text.push('\n');
        let watched = self.watched_at(world, then.at, then.position);
        let rows = join_rows(attention_rows(world, then.at), &watched);
        let rows = rows.iter().map(|row| {
            vec![
                Cell::Text(Piece::plain(std::slice::from_ref(&row.name))),
                Cell::Text(row.host.plain()),
                Cell::Text(Piece::plain(&row.what)),
                Cell::Text(wall.text(row.onset.by, 1)),
            ]
        });
        let attention = Table {
            columns: &["machine", "host", "what", "since"],
            rows: rows.collect(),
        };
        if !attention.rows.is_empty() {
            section(text, say::ATTENTION, &attention);
        }
        section(text, say::MACHINES, &self.machines(then));
    }

    fn machine_text(&self, text: &mut String, then: &Then<'_>, wall: WallClock) {
        let world = &*then.world;
        let shown = self.views.shown().and_then(|key| world.machine(key));
        let Some(machine) = shown else { return };
        let health = words::assessment(&world.assessment(&machine.key), then.at);
        let host = crate::model::fleet_row(world, machine, then.at)
            .host
            .plain();
        let line = [&machine.shown.plain(), " on ", &host, ": ", &health, "\n"].concat();
        text.push_str(&line);
        let track = self.time.history().track(&machine.key);
        if let Some(change) = track.and_then(|track| change_at(track, then.position)) {
            let at = wall.text(change.at.by, 3);
            text.push_str(&[&at, "  ", &words::link::head(&change), "\n"].concat());
        }
        let states = machine.schema.states.iter().enumerate().map(|(at, state)| {
            let word = if is_active(&machine.clock, at) {
                "on"
            } else {
                "off"
            };
            vec![
                Cell::Text(state.shown.plain()),
                Cell::Text(word.to_owned()),
                Cell::Number(machine.clock.get(at).copied().unwrap_or(0)),
            ]
        });
        let states = Table {
            columns: &["state", "is", "tick"],
            rows: states.collect(),
        };
        section(text, say::STATES, &states);
    }

    fn mesh_text(&self, text: &mut String, then: &Then<'_>) {
        let net = network(self.time.recorder().journal(), then.at);
        let name = |peer: &statemesh::PeerId| {
            let found = net.peers.iter().find(|it| it.peer == *peer);
            let name = found.and_then(|found| found.name.as_ref());
            name.map_or_else(|| peer.short(8), crate::model::Shown::plain)
        };
        let peers = net.peers.iter().map(|peer| {
            let state = if peer.left.is_some() { "left" } else { "here" };
            vec![
                Cell::Text(name(&peer.peer)),
                Cell::Text(peer.peer.to_string()),
                Cell::Text(state.to_owned()),
            ]
        });
        let peers = Table {
            columns: &["peer", "id", "is"],
            rows: peers.collect(),
        };
        let links = net.links.iter().map(|link| {
            let state = if link.closed.is_some() {
                "closed"
            } else {
                "open"
            };
            vec![
                Cell::Text(name(&link.ends.0)),
                Cell::Text(name(&link.ends.1)),
                Cell::Text(words::mesh::carrier(link.carrier).to_owned()),
                link.rtt.map_or(Cell::Nothing, Cell::Number),
                Cell::Text(state.to_owned()),
            ]
        });
        let links = Table {
            columns: &["from", "to", "by", "rtt", "is"],
            rows: links.collect(),
        };
        section(text, say::PEERS, &peers);
        section(text, say::LINKS, &links);
    }

    fn machines(&self, then: &Then<'_>) -> Table {
        let told = self.time.told(then.at);
        let scene = Scene {
            world: &then.world,
            at: then.at,
            now: then.now,
            told: &told,
            is_still: false,
        };
        let mut hosts = crate::model::fleet(&then.world, then.at);
        super::shelf::arrange(&mut hosts, &then.world, &self.views.shelf);
        let listed = self.views.list.arrange(&scene, &hosts, None);
        let keys: Vec<MachineKey> = listed
            .sections
            .iter()
            .flat_map(|section| section.rows.iter().map(|(key, _)| *key))
            .collect();
        machine_table(&then.world, keys.into_iter(), self.origin, then.at)
    }

    fn machine_json(&self, then: &Then<'_>, id: &str) -> Option<String> {
        let world = &*then.world;
        let found = |id: &str, owner: &str| {
            let wanted = MachineRef {
                id: id.to_owned(),
                owner: owner.to_owned(),
            };
            match resolve(world, Some(&wanted)) {
                Resolution::Found(key) => Some(key),
                Resolution::Unknown { .. } | Resolution::Nothing => None,
            }
        };
        let split = || id.rsplit_once('@').and_then(|(id, owner)| found(id, owner));
        let key = found(id, "").or_else(split)?;
        let machine = world.machine(&key)?;
        let table = machine_table(world, [key].into_iter(), self.origin, then.at);
        let states = Table {
            columns: &["name", "tick"],
            rows: (machine.schema.states.iter().zip(machine.clock.iter()))
                .map(|(state, tick)| vec![Cell::Text(state.shown.plain()), Cell::Number(*tick)])
                .collect(),
        };
        let mut more = String::from(",");
        string(&mut more, "states");
        more.push(':');
        more.push_str(&states.json());
        let mut text = String::new();
        table.object(&mut text, table.rows.first()?, &more);
        Some(text)
    }
}

fn section(text: &mut String, title: &str, table: &Table) {
    text.push('\n');
    text.push_str(title);
    text.push('\n');
    text.push_str(&table.plain());
}
