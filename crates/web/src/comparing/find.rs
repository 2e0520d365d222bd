//! Where sides come from: histories of the page, and files beside them; and how what a link names is found there.

use crate::ui::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{Chosen, Comparing, Side, Source};
use crate::browser::files::Picked;
use crate::history::{Found, History, Limits, Position, Recording, Seen, Wanted, read_recording};
use crate::model::{MachineKey, MachineRef, MomentLink};
use crate::words;

impl Comparing {
    /// Reads a file for a side, beside what the page shows.
    pub fn read_file(self, side: usize, file: Picked) {
        spawn_local(async move {
            let limits = Limits {
                bytes: Limits::default().bytes / 2,
                ..Limits::default()
            };
            let Some(bytes) = file.read(limits.bytes).await else {
                return self.sharing.refuse(words::recording::UNREADABLE);
            };
            match read_recording(&bytes, self.store.origin(), limits) {
                Ok(recording) => {
                    if let Some(damaged) =
                        words::recording::damaged(&recording, self.store.wall.get())
                    {
                        self.sharing.refuse(&damaged);
                    }
                    if recording.history.is_empty() {
                        return self.sharing.refuse(words::recording::EMPTY);
                    }
                    self.take_file(side, recording, file.name);
                }
                Err(error) => self.sharing.refuse(&error.to_string()),
            }
        });
    }

    /// At most one file for each side is held.
    fn take_file(self, side: usize, recording: Recording, name: String) {
        let other = self.sides.with_untracked(|sides| {
            let other = sides[1 - side].as_ref()?;
            Some((other.source, other.link.machine.clone()))
        });
        let taken = match other {
            Some((Some(Source::File(at)), _)) => Some(at),
            _ => None,
        };
        let at = match (taken, self.files.with_untracked(Vec::len)) {
            (_, 0) => 0,
            (Some(taken), _) => 1 - taken,
            (None, _) => side,
        };
        let at = self.inner.try_update_value(|inner| {
            let at = at.min(inner.files.len());
            match inner.files.get_mut(at) {
                Some(held) => *held = recording,
                None => inner.files.push(recording),
            }
            at
        });
        let Some(at) = at else { return };
        self.files.update(|files| {
            files.truncate(at.max(1) + 1);
            match files.get_mut(at) {
                Some(held) => *held = name,
                None => files.push(name),
            }
        });
        let source = Source::File(at);
        // The same machine, if it is in there; the only one, if there is but one.
        let machines = self.machines(source, "");
        let wanted = other.and_then(|(_, machine)| machine);
        let same = wanted.and_then(|wanted| {
            let is_it = |it: &&MomentLink| it.machine.as_ref().is_some_and(|it| it.id == wanted.id);
            machines.iter().find(is_it).cloned()
        });
        let only = machines.first().filter(|_| machines.len() == 1).cloned();
        self.choose(
            side,
            Chosen {
                source: Some(source),
                link: same.or(only).unwrap_or_default(),
            },
        );
    }

    /// Machines of a history whose names have this in them, as links; some of them.
    #[must_use]
    pub fn machines(self, source: Source, typed: &str) -> Vec<MomentLink> {
        let typed = typed.to_lowercase();
        let list = |history: &History| {
            let all = history.machines().map(|(key, _)| *key);
            let is_it = |key: &MachineKey| {
                let id = history.id(key);
                id.is_some_and(|id| typed.is_empty() || id.to_lowercase().contains(&typed))
            };
            let links = all.filter(is_it).take(MOST_LISTED);
            links.map(|key| link_of(history, &key)).collect()
        };
        self.read(source, list).unwrap_or_default()
    }

    /// The source and what it is called.
    #[must_use]
    pub fn sources(self) -> Vec<(Source, String)> {
        let mut sources = vec![(Source::Live, "live".to_owned())];
        if let Some(shown) = self.store.recording.get() {
            sources.push((Source::Shown, shown.name));
        }
        let files = self.files.get().into_iter();
        sources.extend((0..).map(Source::File).zip(files));
        sources
    }

    pub(super) fn read<R>(self, source: Source, read: impl FnOnce(&History) -> R) -> Option<R> {
        match source {
            Source::Live => self.store.read_history(true, read),
            Source::Shown => self.store.read_history(false, read),
            Source::File(at) => self
                .inner
                .with_value(|inner| Some(read(&inner.files.get(at)?.history))),
        }
    }

    /// Finds what was chosen.
    pub(super) fn find(self, chosen: &Chosen) -> Option<Side> {
        let files = self.files.with_untracked(Vec::len);
        let all = [Source::Shown, Source::Live].into_iter();
        let all = all.chain((0..files).map(Source::File));
        let asked = chosen.source.into_iter();
        let all: Vec<Source> = match chosen.source {
            Some(_) => asked.collect(),
            None => all.collect(),
        };
        let origin = self.store.origin();
        all.into_iter().find_map(|source| {
            let (key, until, told) =
                self.read(source, |history| locate(history, origin, &chosen.link))??;
            let width = chosen.link.window.flatten();
            Some(Side {
                source,
                key,
                until,
                from: width.map(|width| Seen(until.at.0.saturating_sub(width))),
                told,
            })
        })
    }
}

/// The link of a machine's run in a history.
pub(super) fn link_of(history: &History, key: &MachineKey) -> MomentLink {
    let id = history.id(key).map(|id| id.to_string()).unwrap_or_default();
    let owner = key.peer.to_string();
    let is_other = |other: &MachineKey| {
        other.peer != key.peer && history.id(other).is_some_and(|it| **it == *id)
    };
    let others = history.machines().map(|(other, _)| *other).filter(is_other);
    let others: Vec<String> = others.map(|other| other.peer.to_string()).collect();
    let tail = |length: usize| {
        owner
            .get(owner.len().saturating_sub(length)..)
            .unwrap_or(&owner)
    };
    let length =
        (SHORT..owner.len()).find(|length| !others.iter().any(|it| it.ends_with(tail(*length))));
    MomentLink {
        machine: Some(MachineRef {
            id,
            owner: tail(length.unwrap_or(owner.len())).to_owned(),
        }),
        run: Some(key.index.0),
        ..MomentLink::default()
    }
}

/// The machine of a link, the moment it is looked at, and how that was found.
fn locate(
    history: &History,
    origin: u64,
    link: &MomentLink,
) -> Option<(MachineKey, Position, Option<String>)> {
    let machine = link.machine.as_ref()?;
    let keys = history.machines().map(|(key, _)| *key);
    let key = keys
        .filter(|key| {
            history.id(key).is_some_and(|id| **id == *machine.id)
                && key.peer.to_string().ends_with(&machine.owner)
        })
        .max_by_key(|key| (Some(key.index.0) == link.run, key.index))?;
    if !link.is_moment() {
        return Some((key, history.newest(), None));
    }
    let seen = link.seen_at.and_then(|at| (at / 1_000).checked_sub(origin));
    let wanted = Wanted {
        run: link.run,
        epoch: None,
        number: link.number,
        machine_time: link.machine_time,
        owner_at: link.owner_at,
        seen: seen.map(Seen),
    };
    let moment = history.resolve(&key, &wanted, None).ok()?;
    let told = match moment.found {
        Found::Exactly => None,
        Found::ByMachineTime(_) => link.machine_time.map(words::link::by_machine_time),
        Found::ByOwnerTime => Some(words::link::by_owner_time()),
        Found::Nearest(0) => None,
        Found::Nearest(earlier) => Some(words::link::nearest(earlier)),
    };
    Some((moment.key, moment.position, told))
}

/// Machines listed at once (guess: a screen).
const MOST_LISTED: usize = 12;
/// Characters of a peer's id in a link (dashboard design 2).
const SHORT: usize = 8;
