//! Where the page looks in time: the recorder of all that came, one cursor, and the world at the cursor.

use crate::ui::prelude::*;
use statemesh::machine::Transition;

use super::{Store, Told};
use crate::browser;
use crate::history::{
    Cursor, Faces, Fidelity, History, Lane, Limits, LogIndex, Pace, Position, Recorder, Sieve,
    Timeline, error_beside, lane, neighbour, timeline,
};
use crate::model::{Input, MachineKey, Seen, Thresholds, World};

/// All of it.
pub struct Time {
    pub(super) recorder: Recorder,
    pub(super) faces: Faces,
    pub(super) cursor: Cursor,
    past: Option<Past>,
    /// The end of a recording; `None`: it is live.
    stop: Option<Seen>,
    /// Right end of the lanes; `None`: now.
    end: Option<Seen>,
    /// Width of the lanes in milliseconds; `None`: everything.
    pub(super) window: Option<u64>,
    /// Which records of the machine shown pass the filters.
    pub(super) sieve: Sieve,
    /// The log of the machine shown.
    pub(super) log: LogIndex,
}

/// The world at the cursor.
struct Past {
    position: Position,
    shown: Option<MachineKey>,
    world: World,
}

/// What the dock shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dock {
    /// How the cursor moves.
    pub mode: Mode,
    /// The moment looked at, when that is not now.
    pub at: Option<Seen>,
    /// How far behind now that is, in milliseconds.
    pub behind: u64,
    /// Records that came after it.
    pub since: u64,
    /// When the connection went, if there is none.
    pub lost: Option<Seen>,
    /// Width of the lanes in milliseconds.
    pub window: Option<u64>,
    /// Something was recorded.
    pub has_past: bool,
}

/// How the cursor moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// With now.
    #[default]
    Live,
    /// Not.
    Paused,
    /// On its own.
    Playing,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            recorder: Recorder::new(Limits::default()),
            faces: Faces::default(),
            cursor: Cursor::Live,
            past: None,
            stop: None,
            end: None,
            window: Some(WINDOWS[1]),
            sieve: Sieve::default(),
            log: LogIndex::default(),
        }
    }
}

impl Time {
    /// Of a recording, looked at where it ends.
    pub(super) fn of_recording(
        recorder: Recorder,
        faces: Faces,
        window: Option<u64>,
        stop: Seen,
    ) -> Self {
        let mut time = Self {
            recorder,
            faces,
            window,
            stop: Some(stop),
            ..Self::default()
        };
        time.go_live();
        time
    }

    /// Takes one event.
    pub fn record(&mut self, input: &Input, now: Seen) {
        if let Input::Learned(learned) = input {
            self.faces.learn(learned, self.recorder.history(), now);
        }
        self.recorder.take(input, now);
    }

    /// How long the rules of health wait, and how much is kept. The past is looked at anew.
    pub fn tune(&mut self, rules: Thresholds, limits: Limits) {
        self.recorder.set_rules(rules);
        self.recorder.history_mut().set_limits(limits);
        self.past = None;
    }

    /// What was seen.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Sees to it that the world at the cursor is there. True: another moment is looked at than before.
    pub fn look(&mut self, present: &World, shown: Option<&MachineKey>, now: Seen) -> bool {
        let was_past = self.past.is_some();
        let position = self.position(shown, now);
        if matches!(self.cursor, Cursor::Playing { .. }) && position.at >= now {
            self.go_live();
        }
        if self.cursor.is_live() {
            self.past = None;
            return was_past;
        }
        let is_same = self
            .past
            .as_ref()
            .is_some_and(|past| past.position == position && past.shown.as_ref() == shown);
        if is_same {
            return false;
        }
        let world = self
            .faces
            .world(present, &self.recorder, position, now, shown);
        self.past = Some(Past {
            position,
            shown: shown.copied(),
            world,
        });
        true
    }

    /// The world at the cursor, if that is not now, and its moment.
    pub fn past(&self, now: Seen) -> (Option<&World>, Seen) {
        match &self.past {
            Some(past) => (Some(&past.world), past.position.at),
            None => (None, now),
        }
    }

    /// What the dock shows.
    pub fn dock(&self, present: &World, shown: Option<&MachineKey>, now: Seen) -> Dock {
        let history = self.recorder.history();
        let position = self.position(shown, now);
        let connection = present.connection();
        Dock {
            mode: match self.cursor {
                Cursor::Live => Mode::Live,
                Cursor::Paused { .. } => Mode::Paused,
                Cursor::Playing { .. } => Mode::Playing,
            },
            at: (!self.cursor.is_live()).then_some(position.at),
            behind: now.since(position.at),
            since: history.since(position),
            lost: connection.is_stale().then_some(connection.since),
            window: self.window,
            has_past: history.machines().next().is_some(),
        }
    }

    /// What the history says at a moment.
    pub fn told(&self, at: Seen) -> impl Told + '_ {
        Tellings {
            history: self.recorder.history(),
            at,
        }
    }

    /// Everything recorded.
    pub fn history(&self) -> &History {
        self.recorder.history()
    }

    /// What is looked at.
    pub(super) fn position(&self, shown: Option<&MachineKey>, now: Seen) -> Position {
        let history = self.recorder.history();
        let track = shown.and_then(|key| history.track(key));
        let played = self.sifted_play(history, shown, now);
        played.unwrap_or_else(|| self.cursor.position(now, history.newest(), track))
    }

    pub(super) fn go_live(&mut self) {
        // A recording has no now: it stays at its end.
        self.cursor = match self.stop {
            Some(stop) => Cursor::Paused {
                at: self.recorder.history().position(stop),
            },
            None => Cursor::Live,
        };
        self.end = None;
    }

    /// Looks at a position; one that is not past is now.
    pub(super) fn pause_at(&mut self, position: Position, now: Seen) {
        let (from, to) = self.window(now);
        if position.at < from || to < position.at {
            let width = to.since(from);
            self.end = Some(Seen(position.at.0 + width / 3).min(now));
        } else {
            self.end = Some(to);
        }
        self.cursor = Cursor::Paused { at: position };
    }

    /// What the lanes show.
    pub(super) fn window(&self, now: Seen) -> (Seen, Seen) {
        let end = self.end.unwrap_or(now);
        let from = match self.window {
            Some(width) => Seen(end.0.saturating_sub(width)),
            None => self.oldest(now),
        };
        (from, end)
    }

    /// What the timeline shows: all that was seen, and a minute at least.
    fn span(&self, now: Seen) -> (Seen, Seen) {
        let minute = Seen(now.0.saturating_sub(60_000));
        (self.oldest(now).min(minute), now)
    }

    fn oldest(&self, now: Seen) -> Seen {
        self.recorder.history().oldest().unwrap_or(now)
    }
}

struct Tellings<'a> {
    history: &'a History,
    at: Seen,
}

impl Told for Tellings<'_> {
    fn fidelity(&self, key: &MachineKey) -> Fidelity {
        let track = self.history.track(key);
        track.map_or(Fidelity::Snapshots, |track| track.standing().fidelity)
    }

    fn rate(&self, key: &MachineKey) -> u64 {
        let track = self.history.track(key);
        track.map_or(0, |track| track.rate(self.at))
    }
}

/// A stretch of time on screen, and where in it the page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Left end.
    pub from: Seen,
    /// Right end.
    pub to: Seen,
    /// The moment looked at, when that is not now.
    pub cursor: Option<Seen>,
    /// What the lanes show.
    pub window: (Seen, Seen),
}

impl Stage {
    /// The moment at so much of the width, 0 to 1.
    #[must_use]
    pub fn at(&self, share: f64) -> Seen {
        let span = self.to.since(self.from) as f64;
        Seen(self.from.0 + (share.clamp(0.0, 1.0) * span).round() as u64)
    }

    /// The other way round.
    #[must_use]
    pub fn share(&self, at: Seen) -> f64 {
        at.since(self.from) as f64 / self.to.since(self.from).max(1) as f64
    }
}

impl Store {
    /// An own machine did something.
    pub fn transition(self, key: &MachineKey, transition: &Transition) {
        self.transition_with(key, transition, String::new());
    }

    /// The same, with the arguments of its mutation as its owner prints them.
    pub fn transition_with(self, key: &MachineKey, transition: &Transition, arguments: String) {
        let now = browser::now();
        self.inner.update_value(|inner| {
            let recorder = &mut inner.live().1.recorder;
            recorder.transition_with(key, transition, arguments, now);
        });
    }

    /// Looks at a moment. The end of what was seen is now.
    pub fn seek(self, at: Seen) {
        self.turn(|time, now, _| {
            let position = time.recorder.history().position(at.min(now));
            time.pause_at(position, now);
        });
    }

    /// Looks at a record.
    pub fn seek_position(self, position: Position) {
        self.turn(|time, now, _| time.pause_at(position, now));
    }

    /// Looks at the next or the previous change: of the machine shown, else of any.
    pub fn step(self, forward: bool) {
        let sift = self.sift.get_untracked();
        self.turn(|time, now, shown| {
            let from = time.position(shown, now);
            let by = if forward { 1 } else { -1 };
            let sifted = time.sifted_step(shown, &sift, from, by);
            let history = time.recorder.history();
            match sifted.unwrap_or_else(|| neighbour(history, from, shown, forward)) {
                Some(position) => time.pause_at(position, now),
                None if forward => time.go_live(),
                None => {}
            }
        });
    }

    /// Looks at the next or the previous moment at which an error state went on, of any machine; its machine.
    pub fn step_error(self, forward: bool) -> Option<MachineKey> {
        let mut found = None;
        self.turn(|time, now, shown| {
            let from = time.position(shown, now);
            found = error_beside(time.recorder.history(), from, forward);
            if let Some((position, _)) = found {
                time.pause_at(position, now);
            }
        });
        found.map(|(_, key)| key)
    }

    /// Stops, or goes on from where it stopped.
    pub fn play_or_pause(self) {
        self.turn(|time, now, shown| {
            let history = time.recorder.history();
            let (newest, track) = (history.newest(), shown.and_then(|key| history.track(key)));
            time.cursor = match time.cursor {
                Cursor::Live => {
                    let position = time.position(shown, now);
                    return time.pause_at(position, now);
                }
                Cursor::Paused { .. } => {
                    let pace = track.map_or(Pace::Time(1_000), |_| Pace::Steps);
                    time.cursor.play(pace, now, newest, track)
                }
                Cursor::Playing { .. } => time.cursor.pause(now, newest, track),
            };
        });
    }

    /// Looks at now again.
    pub fn live(self) {
        if self.recording.with_untracked(Option::is_some) {
            self.close();
        }
        self.turn(|time, _, _| time.go_live());
    }

    /// Shows another width of time in the lanes.
    pub fn set_window(self, window: Option<u64>) {
        self.inner.update_value(|inner| inner.time.window = window);
        self.draw();
        self.frame.update(|frame| *frame = frame.wrapping_add(1));
    }

    /// Shows the next smaller or larger width in the lanes.
    pub fn zoom(self, closer: bool) {
        let window = self.inner.with_value(|inner| inner.time.window);
        self.set_window(zoomed(window, closer));
    }

    /// Turns the cursor and draws at once: what was pressed shows in the same frame.
    pub(super) fn turn(self, turn: impl FnOnce(&mut Time, Seen, Option<&MachineKey>)) {
        self.inner.update_value(|inner| {
            let now = inner.now();
            inner.wanted = None;
            turn(&mut inner.time, now, inner.views.shown());
        });
        super::set(self.found, None);
        super::set(self.brought, None);
        self.draw();
    }

    /// What the lanes of the page show.
    #[must_use]
    pub fn lane_stage(self) -> Stage {
        self.inner.with_value(|inner| {
            let now = inner.now();
            let window = inner.time.window(now);
            inner.time.stage(window, inner.views.shown(), now)
        })
    }

    /// What the timeline of the dock shows.
    #[must_use]
    pub fn timeline_stage(self) -> Stage {
        self.inner.with_value(|inner| {
            let now = inner.now();
            let span = inner.time.span(now);
            inner.time.stage(span, inner.views.shown(), now)
        })
    }

    /// The lane of one machine, on so many pixels.
    #[must_use]
    pub fn lane(self, key: &MachineKey, stage: &Stage, pixels: usize) -> Option<Lane> {
        self.inner.with_value(|inner| {
            let recorder = &inner.time.recorder;
            let track = recorder.history().track(key)?;
            let window = (stage.from, stage.to);
            Some(lane(key, track, recorder.journal(), window, pixels))
        })
    }

    /// Changes of one machine in the ten seconds before the moment looked at, and whether that is all that happened.
    #[must_use]
    pub fn rate(self, key: &MachineKey) -> (u64, bool) {
        let at = self.now.get_untracked();
        self.inner.with_value(|inner| {
            let told = inner.time.told(at);
            (told.rate(key), told.fidelity(key).level() > 1)
        })
    }

    /// The timeline of the mesh, on so many pixels.
    #[must_use]
    pub fn timeline(self, stage: &Stage, pixels: usize) -> Timeline {
        self.inner.with_value(|inner| {
            let recorder = &inner.time.recorder;
            let window = (stage.from, stage.to);
            timeline(recorder.history(), recorder.journal(), window, pixels)
        })
    }
}

impl Time {
    fn stage(&self, (from, to): (Seen, Seen), shown: Option<&MachineKey>, now: Seen) -> Stage {
        Stage {
            from,
            to,
            cursor: (!self.cursor.is_live()).then(|| self.position(shown, now).at),
            window: self.window(now),
        }
    }
}

/// The width beside this one; nothing is all there is.
fn zoomed(window: Option<u64>, closer: bool) -> Option<u64> {
    let mut all = WINDOWS.into_iter();
    match window {
        _ if closer => all
            .rfind(|width| window.is_none_or(|window| *width < window))
            .or(window),
        Some(window) => all.find(|width| *width > window),
        None => None,
    }
}

/// Widths of the lanes to choose from, in milliseconds (dashboard design 3.3).
pub const WINDOWS: [u64; 5] = [10_000, 60_000, 300_000, 900_000, 3_600_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_follow_each_other_up_to_all() {
        let mut window = Some(WINDOWS[0]);
        let mut wider = vec![window];
        while window.is_some() {
            window = zoomed(window, false);
            wider.push(window);
        }
        let all: Vec<_> = WINDOWS.map(Some).into_iter().chain([None]).collect();
        assert_eq!(wider, all);
        assert_eq!(zoomed(None, false), None);
        let mut closer = vec![None];
        for _ in &WINDOWS {
            window = zoomed(window, true);
            closer.push(window);
        }
        closer.reverse();
        assert_eq!(closer, all);
        assert_eq!(zoomed(Some(WINDOWS[0]), true), Some(WINDOWS[0]));
        assert_eq!(zoomed(Some(12_345), true), Some(WINDOWS[0]), "from a link");
    }

    #[test]
    fn a_share_of_the_width_is_a_moment_and_back() {
        let stage = Stage {
            from: Seen(1_000),
            to: Seen(61_000),
            cursor: None,
            window: (Seen(0), Seen(0)),
        };
        for (share, at) in [(0.0, 1_000), (0.5, 31_000), (1.0, 61_000)] {
            assert_eq!(stage.at(share), Seen(at));
            assert!((stage.share(Seen(at)) - share).abs() < 1e-9);
        }
        assert_eq!(stage.at(-3.0), Seen(1_000));
        assert_eq!(stage.at(f64::NAN), Seen(1_000));
    }

    #[test]
    fn what_is_looked_at_stays_on_screen() {
        let mut time = Time::default();
        let now = Seen(600_000);
        let at = |at| Position {
            at: Seen(at),
            order: 0,
        };
        time.pause_at(at(590_000), now);
        assert_eq!(time.window(Seen(700_000)), (Seen(540_000), now));
        time.pause_at(at(100_000), now);
        assert_eq!(time.window(now), (Seen(60_000), Seen(120_000)));
        time.pause_at(at(61_000), now);
        assert_eq!(time.window(now), (Seen(60_000), Seen(120_000)));
        time.go_live();
        assert_eq!(time.window(now), (Seen(540_000), now));
    }
}
