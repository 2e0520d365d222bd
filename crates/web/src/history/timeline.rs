//! What the timeline of the whole mesh draws: how much changed when, and when nothing could be seen.

use super::{History, Journal, Seen};

/// One stretch of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// From.
    pub from: Seen,
    /// Records that changed states.
    pub changes: u64,
    /// Error states that went on.
    pub errors: u64,
}

/// A timeline, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Where something happened, in time order.
    pub bars: Vec<Bar>,
    /// How long each is, in milliseconds.
    pub width: u64,
    /// Most changes in one bar.
    pub most: u64,
    /// When the tab was not connected.
    pub lost: Vec<(Seen, Seen)>,
}

/// The timeline from `from` until before `to`, in so many bars at most.
#[must_use]
pub fn timeline(
    history: &History,
    journal: &Journal,
    (from, to): (Seen, Seen),
    bars: usize,
) -> Timeline {
    let window = history.pyramid().window(from, to, bars);
    let counts = (0..).zip(&window.counts);
    let some = counts.filter(|(_, count)| count.changes + count.errors > 0);
    let bars: Vec<Bar> = some
        .map(|(number, count)| Bar {
            from: Seen(window.from.0 + number * window.width),
            changes: count.changes,
            errors: count.errors,
        })
        .collect();
    let lost = journal.lost().between(from, to);
    Timeline {
        most: bars.iter().map(|bar| bar.changes).max().unwrap_or(0),
        width: window.width,
        bars,
        lost: lost
            .map(|stretch| (stretch.from.max(from), stretch.to.unwrap_or(to).min(to)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::fixture::{learned, reading};
    use crate::model::{Input, Phase};

    #[test]
    fn bars_stand_where_something_changed() {
        let mut recorder = Recorder::new(Limits::default());
        let machine = learned("courier", &[1, 1, 0, 0]);
        let key = machine.key;
        recorder.take(&Input::Phase(Phase::Live), Seen(0));
        recorder.take(&Input::Learned(machine), Seen(10));
        for at in [1_000, 1_001, 1_002, 5_000] {
            let read = Input::Read(key, reading(&[1, 1, at, u64::from(at == 5_000)], at, at));
            recorder.take(&read, Seen(at));
        }
        let phase = Phase::Connecting { failures: vec![] };
        recorder.take(&Input::Phase(phase), Seen(6_000));
        let (history, journal) = (recorder.history(), recorder.journal());
        let drawn = timeline(history, journal, (Seen(0), Seen(8_192)), 8);
        let bars = drawn
            .bars
            .iter()
            .map(|bar| (bar.from.0, bar.changes, bar.errors));
        assert_eq!(bars.collect::<Vec<_>>(), [(0, 3, 0), (4_096, 1, 1)]);
        assert_eq!((drawn.width, drawn.most), (1_024, 3));
        assert_eq!(drawn.lost, [(Seen(6_000), Seen(8_192))]);
        assert_eq!(
            timeline(history, journal, (Seen(7_000), Seen(8_000)), 8).bars,
            []
        );
    }
}
