//! The lines of a comparison's table: its rows, of which long stretches that are equal are one line until they are opened.

use super::{Row, Sameness};

/// Rows in lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    blocks: Vec<Block>,
    lines: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    from: usize,
    to: usize,
    fold: Option<Fold>,
    is_open: bool,
    /// Its first line.
    line: usize,
}

/// What rows have in common that are one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Equal.
    Same,
    /// Seen by one side between two snapshots of the other.
    Between,
    /// They lie before what is compared.
    Before,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Rows in one: the block, its rows, and whether they follow.
    Fold(usize, (usize, usize), Fold, bool),
    /// A row.
    Row(usize),
}

impl Table {
    /// Of these rows.
    #[must_use]
    pub fn new(rows: &[Row]) -> Self {
        let mut table = Self::default();
        let mut at = 0;
        while let Some(row) = rows.get(at) {
            let fold = fold_of(row.is);
            let to = rows[at..]
                .iter()
                .position(|it| fold_of(it.is) != fold)
                .map_or(rows.len(), |count| at + count);
            match fold {
                Some(fold) => table.fold(fold, at, to, rows.len()),
                None => table.push(None, at, to),
            }
            at = to;
        }
        table.count();
        table
    }

    /// Equal rows next to others stay.
    fn fold(&mut self, fold: Fold, from: usize, to: usize, rows: usize) {
        let beside = if fold == Fold::Same { BESIDE } else { 0 };
        let head = if from > 0 && self.is_behind_difference() {
            beside
        } else {
            0
        };
        let tail = if to < rows { beside } else { 0 };
        if to - from < head + tail + FEWEST {
            return self.push(None, from, to);
        }
        if head > 0 {
            self.push(None, from, from + head);
        }
        self.push(Some(fold), from + head, to - tail);
        if tail > 0 {
            self.push(None, to - tail, to);
        }
    }

    fn is_behind_difference(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.fold.is_none())
    }

    fn push(&mut self, fold: Option<Fold>, from: usize, to: usize) {
        match self.blocks.last_mut() {
            Some(last) if fold.is_none() && last.fold.is_none() => last.to = to,
            Some(_) | None => self.blocks.push(Block {
                from,
                to,
                fold,
                is_open: false,
                line: 0,
            }),
        }
    }

    fn count(&mut self) {
        let mut line = 0;
        for block in &mut self.blocks {
            block.line = line;
            line += match (block.fold, block.is_open) {
                (Some(_), false) => 1,
                (Some(_), true) => 1 + block.to - block.from,
                (None, _) => block.to - block.from,
            };
        }
        self.lines = line;
    }

    /// Opens or closes.
    pub fn toggle(&mut self, block: usize) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.is_open = !block.is_open;
        }
        self.count();
    }

    /// Lines in all.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// One of them.
    #[must_use]
    pub fn line(&self, at: usize) -> Option<Line> {
        let block = self.blocks.partition_point(|block| block.line <= at);
        let block = block.checked_sub(1)?;
        let it = self.blocks.get(block).filter(|_| at < self.lines)?;
        Some(match it.fold {
            Some(fold) if at == it.line => Line::Fold(block, (it.from, it.to), fold, it.is_open),
            Some(_) => Line::Row(it.from + at - it.line - 1),
            None => Line::Row(it.from + at - it.line),
        })
    }

    /// The line of a row, or the one that it is folded in.
    #[must_use]
    pub fn line_of(&self, row: usize) -> usize {
        let block = self.blocks.partition_point(|block| block.from <= row);
        let it = block.checked_sub(1).and_then(|at| self.blocks.get(at));
        it.map_or(0, |it| match (it.fold, it.is_open) {
            (Some(_), false) => it.line,
            (Some(_), true) => it.line + 1 + row - it.from,
            (None, _) => it.line + row - it.from,
        })
    }
}

fn fold_of(is: Sameness) -> Option<Fold> {
    match is {
        Sameness::Same => Some(Fold::Same),
        Sameness::Between => Some(Fold::Between),
        Sameness::Before => Some(Fold::Before),
        Sameness::SlowerInA
        | Sameness::SlowerInB
        | Sameness::Target
        | Sameness::Different
        | Sameness::Only
        | Sameness::Order(_) => None,
    }
}

/// Equal rows shown beside others.
const BESIDE: usize = 4;
/// Fewer are no line of their own.
const FEWEST: usize = 3;
