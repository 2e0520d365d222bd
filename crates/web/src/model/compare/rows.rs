//! Rows of a comparison: where both sides begin, what stands beside what, and what differs in it.

use statemesh::core::collections::OrderedMap;

use super::align::Run;
use super::{Alignment, Item, Level, Side};

/// What stands beside what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Item of A.
    pub a: Option<u32>,
    /// Item of B.
    pub b: Option<u32>,
    /// How they are the same.
    pub is: Sameness,
}

/// How two items are the same, or one has no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// It lies before what is compared.
    Before,
    /// The same was called, and the same came of it.
    Same,
    /// The same, and it took longer in A.
    SlowerInA,
    /// The same, and it took longer in B.
    SlowerInB,
    /// One side saw it between two snapshots of the other.
    Between,
    /// The same was called, and other states changed.
    Target,
    /// Where both stop to be the same: two that have nothing to do with each other.
    Different,
    /// Only one side has it.
    Only,
    /// The other side has it a few rows away, which is that row.
    Order(u32),
}

impl Sameness {
    /// Both sides would have to be the same here.
    #[must_use]
    pub fn is_difference(self) -> bool {
        matches!(
            self,
            Self::Target | Self::Different | Self::Only | Self::Order(_)
        )
    }
}

impl Side {
    /// Takes out what cannot be told on that level.
    pub(super) fn leave_out(&mut self, level: Level) {
        let before = self.items.len();
        match level {
            Level::Trace => {}
            // Nobody hears of what changes nothing.
            Level::Changes => {
                let mut time = self.base;
                self.items
                    .retain(|item| std::mem::replace(&mut time, item.time) != item.time);
            }
            Level::Snapshots => {
                let mut active = None;
                self.items
                    .retain(|item| active.replace(item.active) != Some(item.active));
            }
        }
        self.left_out = before - self.items.len();
    }
}

/// The items to begin with.
pub(super) fn begin(a: &Side, b: &Side, level: Level, alignment: Alignment) -> (usize, usize) {
    match alignment {
        Alignment::Start => (0, 0),
        Alignment::Hand(at, bt) => (at.min(a.items.len()), bt.min(b.items.len())),
        Alignment::MachineTime => {
            let later = a.base.max(b.base);
            let first = |side: &Side| side.items.partition_point(|item| item.time <= later);
            (first(a), first(b))
        }
        Alignment::Anchor => {
            let mut first = OrderedMap::new();
            for (at, item) in b.items.iter().enumerate() {
                first.get_or_insert_with(item.symbol(level), || at);
            }
            let common = a.items.iter().enumerate().filter_map(|(at, item)| {
                let other = first.get(&item.symbol(level))?;
                Some((at + other, at, *other))
            });
            common.min().map_or((0, 0), |(_, a, b)| (a, b))
        }
    }
}

/// All rows.
pub(super) fn rows(
    a: &Side,
    b: &Side,
    level: Level,
    begin: (usize, usize),
    runs: &[Run],
) -> Vec<Row> {
    let mut rows = Vec::new();
    // What lies before has no other side, but a place beside it.
    for at in 0..begin.0.max(begin.1) {
        rows.push(Row {
            a: (at < begin.0).then_some(at as u32),
            b: (at < begin.1).then_some(at as u32),
            is: Sameness::Before,
        });
    }
    // Of a side with snapshots only, all must be found in the other; what that one saw in between is no difference.
    let is_between = [
        level == Level::Snapshots && a.level > level,
        level == Level::Snapshots && b.level > level,
    ];
    let end = Run {
        a: a.items.len() - begin.0,
        b: b.items.len() - begin.1,
        len: 0,
    };
    let mut at = (0, 0);
    let mut is_first = true;
    for run in runs.iter().chain([&end]) {
        let mut left = (at.0..run.a, at.1..run.b);
        let is_pair = is_first && !left.0.is_empty() && !left.1.is_empty();
        if is_pair && is_between == [false, false] {
            rows.push(Row {
                a: left.0.next().map(|at| (begin.0 + at) as u32),
                b: left.1.next().map(|at| (begin.1 + at) as u32),
                is: Sameness::Different,
            });
        }
        is_first &= at == (run.a, run.b);
        let only = |is_between: bool| match is_between {
            true => Sameness::Between,
            false => Sameness::Only,
        };
        rows.extend(left.0.map(|at| Row {
            a: Some((begin.0 + at) as u32),
            b: None,
            is: only(is_between[0]),
        }));
        rows.extend(left.1.map(|at| Row {
            a: None,
            b: Some((begin.1 + at) as u32),
            is: only(is_between[1]),
        }));
        for step in 0..run.len {
            let (at, bt) = (begin.0 + run.a + step, begin.1 + run.b + step);
            rows.push(Row {
                a: Some(at as u32),
                b: Some(bt as u32),
                is: paired(&a.items[at], &b.items[bt], level),
            });
        }
        at = (run.a + run.len, run.b + run.len);
    }
    reorder(&mut rows, a, b, level);
    rows
}

fn paired(a: &Item, b: &Item, level: Level) -> Sameness {
    if level == Level::Trace && a.turned != b.turned {
        return Sameness::Target;
    }
    let (Some(a), Some(b)) = (a.duration, b.duration) else {
        return Sameness::Same;
    };
    let is_slower = |a: u64, b: u64| a > b.saturating_mul(2) && a - b > SLOWER_BY;
    match (is_slower(a, b), is_slower(b, a)) {
        (true, _) => Sameness::SlowerInA,
        (_, true) => Sameness::SlowerInB,
        (false, false) => Sameness::Same,
    }
}

/// Finds those that only one side has here, and the other a few rows away.
fn reorder(rows: &mut [Row], a: &Side, b: &Side, level: Level) {
    let symbol = |row: Row| match (row.a, row.b) {
        (Some(at), _) => a.items[at as usize].symbol(level),
        (None, Some(at)) => b.items[at as usize].symbol(level),
        (None, None) => super::NOTHING,
    };
    for at in 0..rows.len() {
        let row = rows[at];
        if row.is != Sameness::Only {
            continue;
        }
        let near = at + 1..(at + NEAR).min(rows.len());
        let found = near.into_iter().find(|&other| {
            let it = rows[other];
            it.is == Sameness::Only
                && it.a.is_some() != row.a.is_some()
                && symbol(it) == symbol(row)
        });
        if let Some(other) = found {
            rows[at].is = Sameness::Order(other as u32);
            rows[other].is = Sameness::Order(at as u32);
        }
    }
}

/// Microseconds (dashboard design 5.5).
const SLOWER_BY: u64 = 5_000;
/// Rows looked through for the same in another order (guess: a screen).
const NEAR: usize = 32;
