//! What a lane of one machine draws in a window: boxes and marks, taken from the counts at the zoom in use; single records
//! are looked at only when there are no more of them than pixels.

use super::marks::Begins;
use super::{Fidelity, Interval, Journal, MachineKey, Missed, Place, Position, Seen, Track};

/// A stretch of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSpan {
    /// What it shows.
    pub kind: SpanKind,
    /// From.
    pub from: Seen,
    /// Until before.
    pub to: Seen,
    /// How much; 1 where it only is.
    pub height: u64,
}

/// What a stretch shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// So many changes.
    Changes,
    /// Error states went on so often.
    Errors,
    /// So many canceled transitions.
    Cancels,
    /// So many ticks, at some time in it.
    Between,
    /// Numbers that never came.
    Missing,
    /// Its owner was not heard.
    Silent,
    /// The tab was not connected.
    Lost,
    /// It was gone.
    Gone,
    /// Something was here, and was dropped to save room.
    Dropped,
}

/// An instant of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneMark {
    /// What it shows.
    pub kind: MarkKind,
    /// When.
    pub at: Seen,
}

/// What an instant shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The tab knows it from here on.
    Known,
    /// Its owner began anew; the run that begins.
    Restart(u64),
    /// Another schema.
    Schema,
    /// From here on so much is known.
    Fidelity(Fidelity),
}

/// A lane, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// In the order they are drawn: hatches first.
    pub spans: Vec<LaneSpan>,
    /// In time order.
    pub marks: Vec<LaneMark>,
}

/// The lane of one machine from `from` until before `to`, on so many pixels.
#[must_use]
pub fn lane(
    key: &MachineKey,
    track: &Track,
    journal: &Journal,
    (from, to): (Seen, Seen),
    pixels: usize,
) -> Lane {
    let mut lane = Lane::default();
    let begin = Position { at: from, order: 0 };
    let end = Position { at: to, order: 0 };
    hatch(&mut lane, key, track, journal, (from, to));
    let window = track.pyramid().window(from, to, pixels);
    let changes: u64 = window.counts.iter().map(|count| count.changes).sum();
    let is_sparse = usize::try_from(changes).is_ok_and(|changes| changes <= pixels);
    if is_sparse {
        draw_intervals(&mut lane, track, begin, end);
    }
    for (number, count) in (0..).zip(&window.counts) {
        let at = Seen(window.from.0 + number * window.width);
        let drawn = [
            (SpanKind::Changes, count.changes),
            (SpanKind::Cancels, count.cancels),
            (SpanKind::Errors, count.errors),
        ];
        for (kind, height) in drawn.into_iter().filter(|(_, height)| *height > 0) {
            lane.spans.push(LaneSpan {
                kind,
                from: at,
                to: Seen(at.0 + window.width),
                height,
            });
        }
    }
    for mark in track.marks(begin, end) {
        let kind = match mark.begins {
            Begins::Known => MarkKind::Known,
            Begins::Run => MarkKind::Restart(mark.standing.epoch),
            Begins::Schema { .. } => MarkKind::Schema,
            Begins::Fidelity => MarkKind::Fidelity(mark.standing.fidelity),
            Begins::Voice | Begins::Gone | Begins::Back | Begins::Agreement => continue,
        };
        let at = mark.at.at;
        lane.marks.push(LaneMark { kind, at });
        // A later run under an index of its own: its owner began anew here.
        if kind == MarkKind::Known && mark.standing.epoch > 1 {
            let kind = MarkKind::Restart(mark.standing.epoch);
            lane.marks.push(LaneMark { kind, at });
        }
    }
    lane
}

/// Changes that have no instant, each as the box it happened in.
fn draw_intervals(lane: &mut Lane, track: &Track, begin: Position, end: Position) {
    let first = track
        .at(begin)
        .map_or(track.places().0, |at| Place(at.0 + 1));
    for (Interval { after, by }, ticks) in track.intervals(first, end) {
        if let Some(after) = after.filter(|after| *after < by) {
            lane.spans.push(LaneSpan {
                kind: SpanKind::Between,
                from: after,
                to: by,
                height: ticks,
            });
        }
    }
}

/// What is not known, or not there.
fn hatch(
    lane: &mut Lane,
    key: &MachineKey,
    track: &Track,
    journal: &Journal,
    (from, to): (Seen, Seen),
) {
    let mut push = |kind, start: Seen, end: Seen| {
        if start < to && from < end {
            lane.spans.push(LaneSpan {
                kind,
                from: start.max(from),
                to: end.min(to),
                height: 1,
            });
        }
    };
    if track.dropped() > 0 {
        push(SpanKind::Dropped, Seen(0), track.oldest().at);
    }
    for stretch in journal.lost().between(from, to) {
        push(SpanKind::Lost, stretch.from, stretch.to.unwrap_or(to));
    }
    let silent = journal.voice(&key.peer).map(|voice| &voice.silent);
    for stretch in silent.into_iter().flat_map(|it| it.between(from, to)) {
        push(SpanKind::Silent, stretch.from, stretch.to.unwrap_or(to));
    }
    let since = journal
        .voice(&key.peer)
        .and_then(|voice| voice.silent_since(to));
    if let Some(since) = since.filter(|_| track.standing().gone.is_none()) {
        push(SpanKind::Silent, since, to);
    }
    for gap in track.gaps() {
        let end = match gap.missed {
            Missed::Open => to,
            Missed::Ticks(_) | Missed::Merged | Missed::CameLate => gap.to.at,
        };
        push(SpanKind::Missing, gap.from.at, end);
    }
    // Who said goodbye is not there; who did not was not heard any more.
    let mut push_gone = |(at, said_bye): (Seen, bool), until| {
        let kind = match said_bye {
            true => SpanKind::Gone,
            false => SpanKind::Silent,
        };
        push(kind, at, until);
    };
    let mut gone = None;
    let end = Position { at: to, order: 0 };
    for mark in track.marks(Position::default(), end) {
        match (mark.standing.gone, gone) {
            (Some(went), None) => gone = Some(went),
            (None, Some(went)) => {
                push_gone(went, mark.at.at);
                gone = None;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    if let Some(went) = gone {
        push_gone(went, to);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::fixture::{learned, learned_of, reading};
    use crate::model::{Input, PeerFacts, Phase};

    #[test]
    fn a_lane_shows_boxes_hatches_and_marks_where_they_were() {
        let mut recorder = Recorder::new(Limits::default());
        let machine = learned("courier-17", &[1, 1, 0, 0]);
        let key = machine.key;
        recorder.take(&Input::Learned(machine.clone()), Seen(1_000));
        let change = |clock: &[u64], after, by| Input::Read(key, reading(clock, after, by));
        recorder.take(&change(&[1, 1, 2, 0], 2_000, 5_000), Seen(5_000));
        recorder.take(&change(&[1, 1, 2, 1], 5_000, 6_000), Seen(6_000));
        recorder.take(&change(&[1, 0, 0, 0], 6_000, 7_000), Seen(7_000));
        for phase in [Phase::Live, Phase::Connecting { failures: vec![] }] {
            recorder.take(&Input::Phase(phase), Seen(8_000));
        }
        let facts = PeerFacts {
            heard: Some(Seen(7_000)),
            heartbeat: Some(1_000),
            ..PeerFacts::unknown(key.peer)
        };
        recorder.take(&Input::Peers(vec![facts]), Seen(8_000));
        recorder.take(&Input::Gone(key), Seen(9_500));
        let mut back = machine;
        back.reading = reading(&[1, 0, 0, 0], 0, 0);
        recorder.take(&Input::Learned(back), Seen(9_900));
        let track = recorder.history().track(&key).unwrap();
        let lane = lane(
            &key,
            track,
            recorder.journal(),
            (Seen(0), Seen(12_000)),
            750,
        );
        let of = |kind| -> Vec<(u64, u64, u64)> {
            let spans = lane.spans.iter().filter(|it| it.kind == kind);
            spans.map(|it| (it.from.0, it.to.0, it.height)).collect()
        };
        assert_eq!(
            of(SpanKind::Between),
            [(2_000, 5_000, 2), (5_000, 6_000, 1)]
        );
        assert_eq!(of(SpanKind::Errors), [(6_000, 6_016, 1)]);
        assert_eq!(of(SpanKind::Lost), [(8_000, 12_000, 1)]);
        assert_eq!(of(SpanKind::Gone), [(9_500, 9_900, 1)]);
        assert_eq!(of(SpanKind::Silent), [(7_000, 12_000, 1)]);
        assert_eq!(of(SpanKind::Changes).len(), 2, "a restart is no change");
        let marks: Vec<LaneMark> = lane.marks;
        let mark = |kind, at| LaneMark { kind, at: Seen(at) };
        assert_eq!(
            marks,
            [
                mark(MarkKind::Known, 1_000),
                mark(MarkKind::Restart(2), 7_000)
            ]
        );
    }

    #[test]
    fn who_said_goodbye_is_not_there_and_who_did_not_is_hatched() {
        for (said_bye, kind) in [(true, SpanKind::Gone), (false, SpanKind::Silent)] {
            let mut recorder = Recorder::new(Limits::default());
            let lamp = learned("lamp", &[1, 0, 0, 0]);
            let key = lamp.key;
            recorder.take(&Input::Learned(lamp), Seen(1_000));
            recorder.take(&Input::PeerGone(key.peer, said_bye), Seen(5_000));
            let track = recorder.history().track(&key).unwrap();
            let window = (Seen(0), Seen(9_000));
            let lane = lane(&key, track, recorder.journal(), window, 750);
            let from_the_loss = lane.spans.iter().filter(|it| it.to == Seen(9_000));
            let spans: Vec<_> = from_the_loss.map(|it| (it.kind, it.from.0)).collect();
            assert_eq!(spans, [(kind, 5_000)], "{said_bye}");
        }
    }

    #[test]
    fn an_owner_that_is_back_under_a_new_index_begins_a_second_run() {
        let mut recorder = Recorder::new(Limits::default());
        let first = learned_of(1, 0, "lamp", &[9, 4, 0, 0]);
        let again = learned_of(1, 7, "lamp", &[1, 0, 0, 0]);
        let key = again.key;
        recorder.take(&Input::Learned(first.clone()), Seen(1_000));
        recorder.take(&Input::Gone(first.key), Seen(5_000));
        recorder.take(&Input::Learned(again), Seen(6_000));
        let history = recorder.history();
        let marks = |key: &MachineKey| {
            let track = history.track(key).unwrap();
            let window = (Seen(0), Seen(12_000));
            let marks = lane(key, track, recorder.journal(), window, 750).marks;
            marks
                .iter()
                .map(|mark| (mark.kind, mark.at.0))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            marks(&key),
            [(MarkKind::Known, 6_000), (MarkKind::Restart(2), 6_000)]
        );
        assert_eq!(marks(&first.key), [(MarkKind::Known, 1_000)]);
        // Its clock begins again, which is no change: no tick is ever negative.
        let track = history.track(&key).unwrap();
        let ticks = track
            .entries(Place(0))
            .filter_map(|entry| Some(entry.detail?.ticks()));
        assert_eq!(ticks.collect::<Vec<_>>(), [0]);
    }
}
