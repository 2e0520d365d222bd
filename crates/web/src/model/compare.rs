//! Compare: two runs, machines or moments beside each other (dashboard design 5.5).
//!
//! Flow: two [`Reading`]s of tracks -> symbols of what can be compared -> [`Align`] -> [`Comparison`], whose rows are shown
//! through a [`Table`]. What can be compared is what both sides know: what was called and what came of it; else which
//! states were turned; else which states were on, and then whatever one side saw between two snapshots of the other is no
//! difference. All of it is done in slices.

mod align;
mod names;
mod rows;
mod side;
mod states;
mod table;

use crate::history::Track;

use self::align::Align;
pub use self::names::{Names, Symbols};
pub use self::rows::{Row, Sameness};
pub use self::side::{Call, Item, Level, MOST_ITEMS, NOTHING, Reading, Side};
pub use self::states::{StateDiff, StateEnd};
pub use self::table::{Fold, Line, Table};

/// Where in both sides the comparison begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alignment {
    /// At the first transition that both have.
    #[default]
    Anchor,
    /// At the same machine time.
    MachineTime,
    /// Where both begin.
    Start,
    /// At these two items.
    Hand(usize, usize),
}

/// Two sides compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// States by number.
    pub names: Names,
    /// Lists by symbol.
    pub symbols: Symbols,
    /// A and B.
    pub sides: [Side; 2],
    /// What both know.
    pub level: Level,
    /// Where it begins.
    pub alignment: Alignment,
    /// The items it begins with.
    pub begin: (usize, usize),
    /// In order.
    pub rows: Vec<Row>,
    /// The first row that differs.
    pub first: Option<usize>,
    /// There may be a shorter list of differences.
    pub is_cut: bool,
}

/// A comparison on its way.
pub struct Job {
    names: Names,
    symbols: Symbols,
    alignment: Alignment,
    readings: [Option<Reading>; 2],
    records: u64,
    sides: [Option<Side>; 2],
    align: Option<(Align, (usize, usize))>,
}

impl Job {
    /// Nothing read yet.
    #[must_use]
    pub fn new(readings: [Reading; 2], alignment: Alignment) -> Self {
        Self {
            names: Names::default(),
            symbols: Symbols::default(),
            alignment,
            records: readings.iter().map(Reading::left).sum(),
            readings: readings.map(Some),
            sides: [None, None],
            align: None,
        }
    }

    /// The side whose track is read next; `None`: both are read.
    #[must_use]
    pub fn wants(&self) -> Option<usize> {
        self.readings.iter().position(Option::is_some)
    }

    /// Reads one side's track, until it is read or `is_due`.
    pub fn read(&mut self, which: usize, track: Option<&Track>, is_due: &mut dyn FnMut() -> bool) {
        let Some(reading) = &mut self.readings[which] else {
            return;
        };
        let is_done = track
            .is_none_or(|track| reading.go_on(track, &mut self.names, &mut self.symbols, is_due));
        if is_done {
            self.sides[which] = self.readings[which].take().map(Reading::done);
        }
    }

    /// Compares what was read, until it is done or `is_due`.
    pub fn compare(&mut self, is_due: &mut dyn FnMut() -> bool) -> Option<Comparison> {
        if self.align.is_none() {
            let [Some(a), Some(b)] = &mut self.sides else {
                return None;
            };
            let level = a.level.min(b.level);
            for side in [&mut *a, &mut *b] {
                side.leave_out(level);
            }
            let begin = rows::begin(a, b, level, self.alignment);
            let symbols = |side: &Side, from: usize| {
                let items = side.items[from..].iter();
                items.map(|item| item.symbol(level)).collect()
            };
            let align = Align::new(symbols(a, begin.0), symbols(b, begin.1));
            self.align = Some((align, begin));
        }
        let (align, begin) = self.align.as_mut()?;
        if !align.go_on(is_due) {
            return None;
        }
        let (begin, is_cut) = (*begin, align.is_cut());
        let [Some(a), Some(b)] = std::mem::take(&mut self.sides) else {
            return None;
        };
        let level = a.level.min(b.level);
        let rows = rows::rows(&a, &b, level, begin, align.runs());
        Some(Comparison {
            names: std::mem::take(&mut self.names),
            symbols: std::mem::take(&mut self.symbols),
            first: rows.iter().position(|row| row.is.is_difference()),
            sides: [a, b],
            level,
            alignment: self.alignment,
            begin,
            rows,
            is_cut,
        })
    }

    /// Of a hundred.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let left: u64 = self.readings.iter().flatten().map(Reading::left).sum();
        let read = (self.records - left) * 50 / self.records.max(1);
        let compared = self.align.as_ref().map_or(0, |(align, _)| {
            let (done, of) = align.progress();
            (done * 50 / of.max(1)) as u64
        });
        read + compared
    }
}

impl Item {
    /// What is compared of it.
    #[must_use]
    pub fn symbol(&self, level: Level) -> u32 {
        match level {
            Level::Trace => self.what,
            Level::Changes => self.turned,
            Level::Snapshots => self.active,
        }
    }
}

impl Comparison {
    /// A side's item.
    #[must_use]
    pub fn item(&self, side: usize, at: Option<u32>) -> Option<&Item> {
        self.sides[side].items.get(at? as usize)
    }

    /// How many rows are that.
    #[must_use]
    pub fn count(&self, is: Sameness) -> usize {
        self.rows.iter().filter(|row| row.is == is).count()
    }

    /// States whose activity, ticks, activations or times differ, and how many do not.
    #[must_use]
    pub fn states(&self) -> (Vec<StateDiff>, usize) {
        states::states(self)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
