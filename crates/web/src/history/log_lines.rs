//! The log of one machine as rows, one for each line that came beside a record and passes level and text. Which lines
//! those are is read once; of them, only the rows asked for are read again.

use std::ops::Range;

use super::{LogLine, MachineKey, Place, Position, Seen, Side, Track};

/// Which lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSift {
    /// The most detailed level; 0: none.
    pub level: u8,
    /// What a line has to hold, whatever the case; empty: anything.
    pub text: String,
}

/// Lines of one machine.
#[derive(Clone, Debug, Default)]
pub struct LogIndex {
    of: Option<(MachineKey, LogSift)>,
    /// Records before this one are read.
    next: u64,
    /// Record and line of each that passes.
    lines: Vec<(u64, u16)>,
    all: usize,
}

/// Some rows of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogWindow {
    /// Rows in all.
    pub total: usize,
    /// Lines of any level and text.
    pub all: usize,
    /// The row to have on screen: the first line of the record at the cursor, else the last one before it.
    pub follow: Option<usize>,
    /// Those asked for.
    pub rows: Vec<LogRow>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its number in the list, from 0.
    pub row: usize,
    /// Where a click looks.
    pub position: Position,
    /// Its owner's number of the transition.
    pub number: Option<u64>,
    /// The record at the cursor brought it.
    pub is_current: bool,
    /// It came after that.
    pub is_after: bool,
    /// The line; `None`: dropped to save room.
    pub line: Option<LogLine>,
}

impl LogRow {
    /// When it was seen.
    #[must_use]
    pub fn at(&self) -> Seen {
        self.position.at
    }
}

impl LogSift {
    fn passes(&self, line: &LogLine) -> bool {
        let is_level = self.level > 0 && line.level <= self.level;
        // Both are small: `follow` sees to it.
        is_level && (self.text.is_empty() || line.text.to_lowercase().contains(&self.text))
    }
}

impl LogIndex {
    /// Reads what is new of a machine.
    pub fn follow(&mut self, key: &MachineKey, track: &Track, sift: &LogSift) {
        let (first, next) = track.places();
        let sift = LogSift {
            text: sift.text.trim().to_lowercase(),
            ..*sift
        };
        let is_same = self
            .of
            .as_ref()
            .is_some_and(|(of, old)| of == key && *old == sift && self.next <= next.0);
        if !is_same {
            *self = Self {
                of: Some((*key, sift.clone())),
                ..Self::default()
            };
        }
        let dropped = self.lines.partition_point(|(place, _)| *place < first.0);
        self.lines.drain(..dropped);
        for (place, side) in track.sides(Place(self.next)) {
            self.all += side.log.len();
            for (number, line) in (0..).zip(&side.log) {
                if sift.passes(line) {
                    self.lines.push((place.0, number));
                }
            }
        }
        self.next = next.0;
    }

    /// Rows of a range, as seen with the cursor at a position.
    #[must_use]
    pub fn window(&self, track: &Track, cursor: Position, range: Range<usize>) -> LogWindow {
        let total = self.lines.len();
        let at = track.at(cursor);
        let follow = at.and_then(|at| {
            let before = self.lines.partition_point(|(place, _)| *place < at.0);
            let has_line = self.lines.get(before).is_some_and(|it| it.0 == at.0);
            if has_line {
                Some(before)
            } else {
                before.checked_sub(1)
            }
        });
        let range = range.start.min(total)..range.end.min(total);
        let mut rows: Vec<LogRow> = Vec::new();
        let mut read: Option<(Place, Option<u64>, Option<Side>)> = None;
        for row in range {
            let (place, number) = self.lines[row];
            let place = Place(place);
            if read.as_ref().is_none_or(|(of, ..)| *of != place) {
                let entry = track.entry(place);
                let detail = entry.and_then(|entry| entry.detail);
                let number = detail.and_then(|detail| detail.number);
                read = Some((place, number, track.side(place)));
            }
            let Some(((_, of, side), position)) = read.as_ref().zip(track.position(place)) else {
                continue;
            };
            let lines = side.as_ref().map(|side| &side.log);
            rows.push(LogRow {
                row,
                position,
                number: *of,
                is_current: at == Some(place),
                is_after: at < Some(place),
                line: lines.and_then(|lines| lines.get(usize::from(number)).cloned()),
            });
        }
        LogWindow {
            total,
            all: self.all,
            follow,
            rows,
        }
    }
}
