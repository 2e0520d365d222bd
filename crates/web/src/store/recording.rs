//! Recordings in the page: what was seen leaves as bytes, and a recording takes the place of what is seen until somebody
//! goes back. The live mesh is followed meanwhile.

use crate::ui::prelude::*;
use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, OrderedSet};

use super::time::Time;
use super::{Inner, Store, set};
use crate::browser;
use crate::history::{
    About, Bookmark, Excerpt, Faces, Position, Recorder, Recording, write_recording,
};
use crate::model::{Input, MachineKey, PeerFacts, Phase, Seen, World};

/// The live mesh while a recording is shown.
pub struct Aside {
    /// Everything known.
    pub world: World,
    /// Its history.
    pub time: Time,
    /// Name of its mesh.
    topic: Option<String>,
    /// Wall time of its zero, in milliseconds since 1970.
    origin: u64,
    /// The last instant of the recording.
    pub end: Seen,
}

/// The recording that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Name of its file.
    pub name: String,
    /// From and to.
    pub span: (Seen, Seen),
}

/// What of the history is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// The machine shown; on other pages every machine shown.
    Machines,
    /// What the lanes show.
    Window,
}

/// A recording as bytes.
pub struct Written {
    /// They.
    pub bytes: Vec<u8>,
    /// Machines in it.
    pub machines: usize,
    /// From and to.
    pub span: (Seen, Seen),
}

impl Store {
    /// Wall time of the zero of what is shown, in milliseconds since 1970.
    #[must_use]
    pub fn origin(self) -> u64 {
        self.inner.with_value(|inner| inner.origin)
    }

    /// The history as a recording; `None`: there is nothing in it.
    #[must_use]
    pub fn write(self, part: Part, with_words: bool, bookmarks: Vec<Bookmark>) -> Option<Written> {
        let topic = self.topic.get_untracked().unwrap_or_default();
        self.inner.with_value(|inner| {
            let now = inner.now();
            let history = inner.time.recorder.history();
            let (from, to) = inner.time.window(now);
            let shown = inner.views.shown().copied();
            let excerpt = match part {
                Part::All => Excerpt::default(),
                Part::Machines => Excerpt {
                    machines: Some(match shown {
                        Some(key) => OrderedSet::from_iter([key]),
                        None => inner.shown_machines(now),
                    }),
                    ..Excerpt::default()
                },
                Part::Window => Excerpt {
                    from: Some(from),
                    to: Some(to),
                    ..Excerpt::default()
                },
            };
            let excerpt = Excerpt {
                with_words,
                ..excerpt
            };
            let is_asked = |key: &MachineKey| {
                let machines = excerpt.machines.as_ref();
                machines.is_none_or(|machines| machines.contains(key))
            };
            let held = history.machines().filter(|(key, _)| is_asked(key));
            let held = held.filter(|(_, track)| track.oldest().at <= to);
            let (machines, oldest) = held.fold((0, now), |(count, oldest), (_, track)| {
                (count + 1, oldest.min(track.oldest().at))
            });
            let span = match part {
                Part::Window => (from.max(oldest), to),
                Part::All | Part::Machines => (oldest, now),
            };
            let mut bookmarks = bookmarks;
            bookmarks.retain(|bookmark| span.0 <= bookmark.at && bookmark.at <= span.1);
            let about = inner.about(topic, bookmarks, now);
            (machines > 0).then(|| Written {
                bytes: write_recording(history, &about, &excerpt),
                machines,
                span,
            })
        })
    }

    /// What came after a position, with all its words, and how far that is; `None`: nothing did.
    #[must_use]
    pub fn write_since(self, after: Option<Position>) -> Option<(Vec<u8>, Position)> {
        let topic = self.topic.get_untracked().unwrap_or_default();
        self.inner
            .try_update_value(|inner| {
                let now = browser::now();
                let origin = inner.live_origin();
                let (own, heard) = (inner.live().0.own(), heard(inner.live().0));
                let time = &inner.live().1;
                let history = time.recorder.history();
                let newest = history.newest();
                if history.is_empty() || after.is_some_and(|after| newest <= after) {
                    return None;
                }
                let about = About {
                    origin,
                    topic,
                    end: now,
                    own,
                    heard,
                    faces: time.faces.told().clone(),
                    journal: time.recorder.journal().clone(),
                    bookmarks: Vec::new(),
                };
                let excerpt = Excerpt {
                    after,
                    with_words: true,
                    ..Excerpt::default()
                };
                Some((write_recording(history, &about, &excerpt), newest))
            })
            .flatten()
    }

    /// Goes on from what was seen before: all of it is past.
    pub fn go_on(self, recording: Recording) {
        let Recording {
            mut history,
            mut about,
            ..
        } = recording;
        let end = about.end;
        about.journal.close(end);
        let keys: Vec<MachineKey> = history.machines().map(|(key, _)| *key).collect();
        for key in keys {
            history.lose(&key, end, false);
        }
        self.inner.update_value(|inner| {
            let time = inner.live().1;
            time.faces = Faces::of(&history, &about.faces);
            time.recorder = Recorder::of(history, about.journal);
            inner.watch.forget(true);
            inner.timer_passed = true;
        });
        self.draw();
    }

    /// Shows a recording instead of what is live.
    pub fn open(self, recording: Recording, name: String) {
        let about = recording.about;
        let end = about.end;
        let from = recording.history.oldest().unwrap_or(end);
        let world = world_of(&about, end);
        let faces = Faces::of(&recording.history, &about.faces);
        let recorder = Recorder::of(recording.history, about.journal);
        let live_topic = self.topic.get_untracked();
        self.inner.update_value(|inner| {
            let window = inner.time.window;
            let time = Time::of_recording(recorder, faces, window, end);
            let world = std::mem::replace(&mut inner.world, world);
            let time = std::mem::replace(&mut inner.time, time);
            // One recording after another: what is live stays aside.
            let live = inner.aside.take().unwrap_or(Box::new(Aside {
                world,
                time,
                topic: live_topic,
                origin: inner.origin,
                end,
            }));
            inner.origin = about.origin;
            inner.aside = Some(Box::new(Aside { end, ..*live }));
            inner.watch.forget(false);
            inner.turned = true;
            inner.wanted = None;
        });
        self.topic.set(Some(about.topic));
        set(self.found, None);
        set(
            self.recording,
            Some(Shown {
                name,
                span: (from, end),
            }),
        );
        self.draw();
    }

    /// Shows what is live again.
    pub fn close(self) {
        let live = self.inner.try_update_value(|inner| {
            let live = *inner.aside.take()?;
            inner.world = live.world;
            inner.time = live.time;
            inner.origin = live.origin;
            inner.watch.forget(false);
            inner.turned = true;
            inner.wanted = None;
            Some(live.topic)
        });
        if let Some(topic) = live.flatten() {
            self.topic.set(topic);
        }
        set(self.found, None);
        set(self.recording, None);
        self.draw();
    }
}

impl Inner {
    /// The page's time: that of the tab, or the end of the recording shown.
    pub(super) fn now(&self) -> Seen {
        match &self.aside {
            Some(aside) => aside.end,
            None => browser::now(),
        }
    }

    /// The mesh as it is now; where a recording is shown, there is no now.
    pub(super) fn present(&self) -> Option<&World> {
        self.aside.is_none().then_some(&self.world)
    }

    /// Everything known of the live mesh.
    pub(super) fn live(&mut self) -> (&mut World, &mut Time) {
        match &mut self.aside {
            Some(aside) => (&mut aside.world, &mut aside.time),
            None => (&mut self.world, &mut self.time),
        }
    }

    fn live_origin(&self) -> u64 {
        let live = self.aside.as_ref();
        live.map_or(self.origin, |live| live.origin)
    }

    /// What stands around the machines in a recording.
    pub(super) fn about(&self, topic: String, bookmarks: Vec<Bookmark>, now: Seen) -> About {
        About {
            origin: self.origin,
            topic,
            end: now,
            own: self.world.own(),
            heard: heard(&self.world),
            faces: self.time.faces.told().clone(),
            journal: self.time.recorder.journal().clone(),
            bookmarks,
        }
    }

    fn shown_machines(&self, now: Seen) -> OrderedSet<MachineKey> {
        let (past, _) = self.time.past(now);
        let world = past.unwrap_or(&self.world);
        world.machines().map(|machine| machine.key).collect()
    }
}

/// Peers of which something signed by themselves was heard.
fn heard(world: &World) -> OrderedMap<PeerId, bool> {
    let heard = world.peers().filter(|peer| peer.first_hand);
    heard.map(|peer| (peer.peer, peer.is_statemesh)).collect()
}

/// The peers of a recording, as they were at its end.
fn world_of(about: &About, end: Seen) -> World {
    let journal = &about.journal;
    let mut world = World::new(String::new(), false, end);
    world.apply(Input::Phase(Phase::Live), end);
    if let Some(own) = about.own {
        world.apply(Input::Own(own), end);
    }
    let facts = journal.voices().map(|(peer, voice)| PeerFacts {
        first_hand: about.heard.contains_key(peer),
        is_statemesh: about.heard.get(peer) == Some(&true),
        heard: voice.heard(),
        heartbeat: voice.heartbeat(),
        ..PeerFacts::unknown(*peer)
    });
    world.apply(Input::Peers(facts.collect()), end);
    for (peer, voice) in journal.voices() {
        if !voice.present.is_open() {
            let left = voice.present.between(Seen(0), end).last();
            let at = left.and_then(|last| last.to).unwrap_or(end);
            world.apply(Input::PeerGone(*peer, voice.said_bye()), at);
        }
    }
    world
}
