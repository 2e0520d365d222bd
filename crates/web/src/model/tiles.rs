//! The fleet as squares: sections in columns, each filled from the left, and what the arrow keys lead to.

use super::{Arranged, MachineKey};

/// Where the squares stand, in CSS pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tiles {
    /// Sections in order.
    pub sections: Vec<TileSection>,
    /// Height of it all.
    pub height: f64,
    /// Squares beside each other.
    pub across: usize,
}

/// Squares under one label.
#[derive(Clone, Debug, PartialEq)]
pub struct TileSection {
    /// Left end of the label.
    pub left: f64,
    /// Top.
    pub top: f64,
    /// Bottom.
    pub bottom: f64,
    /// Its machines, in order.
    pub machines: Vec<MachineKey>,
    /// Squares of the sections before.
    pub before: usize,
}

/// An arrow key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// One square back.
    Left,
    /// One further.
    Right,
    /// One line up.
    Up,
    /// One down.
    Down,
}

impl Tiles {
    /// Fills columns, each section into the shortest.
    #[must_use]
    pub fn of(fleet: &Arranged, width: f64) -> Self {
        let columns = ((width / COLUMN) as usize).clamp(1, 3);
        let wide = (width - MARGIN * (columns as f64 + 1.0)) / columns as f64;
        let across = (((wide - LABEL) / PITCH) as usize).max(1);
        let mut bottoms = vec![MARGIN / 2.0; columns];
        let mut before = 0;
        let mut tiles = Self {
            across,
            ..Self::default()
        };
        for section in &fleet.sections {
            let mut column = 0;
            for other in 1..columns {
                if bottoms[other] < bottoms[column] {
                    column = other;
                }
            }
            let lines = section.rows.len().div_ceil(across);
            let top = bottoms[column];
            let bottom = top + (lines as f64 * PITCH).max(LEAST) + GAP;
            bottoms[column] = bottom;
            tiles.height = tiles.height.max(bottom);
            tiles.sections.push(TileSection {
                left: MARGIN + column as f64 * (wide + MARGIN),
                top,
                bottom,
                machines: section.rows.iter().map(|(key, _)| *key).collect(),
                before,
            });
            before += section.rows.len();
        }
        tiles
    }

    /// Left top of a square of a section.
    #[must_use]
    pub fn square(&self, section: &TileSection, at: usize) -> (f64, f64) {
        let (column, line) = (at % self.across, at / self.across);
        (
            section.left + LABEL + column as f64 * PITCH,
            section.top + GAP / 2.0 + line as f64 * PITCH,
        )
    }

    /// The machine at a point.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> Option<MachineKey> {
        let wide = LABEL + self.across as f64 * PITCH;
        let section = self.sections.iter().find(|section| {
            let is_beside = section.left <= x && x < section.left + wide;
            is_beside && section.top <= y && y < section.bottom
        })?;
        let (left, top) = self.square(section, 0);
        let (column, line) = ((x - left) / PITCH, (y - top) / PITCH);
        if column < 0.0 || line < 0.0 {
            return None;
        }
        let at = line as usize * self.across + column as usize;
        section.machines.get(at).copied()
    }

    /// Section and place of a machine.
    #[must_use]
    pub fn find(&self, key: &MachineKey) -> Option<(usize, usize)> {
        self.sections
            .iter()
            .enumerate()
            .find_map(|(number, section)| {
                let at = section.machines.iter().position(|other| other == key)?;
                Some((number, at))
            })
    }

    /// Where an arrow leads from a machine; from nowhere to the first.
    #[must_use]
    pub fn next(&self, from: Option<&MachineKey>, arrow: Arrow) -> Option<MachineKey> {
        let Some((number, at)) = from.and_then(|key| self.find(key)) else {
            return self.sections.first()?.machines.first().copied();
        };
        let of = |number: Option<usize>| number.and_then(|number| self.sections.get(number));
        let (section, previous, next) = (
            of(Some(number))?,
            of(number.checked_sub(1)),
            of(Some(number + 1)),
        );
        let here = |at: usize| section.machines.get(at);
        let column = at % self.across;
        let found = match arrow {
            Arrow::Left => match at.checked_sub(1) {
                Some(at) => here(at),
                None => previous.and_then(|section| section.machines.last()),
            },
            Arrow::Right => here(at + 1).or_else(|| next?.machines.first()),
            Arrow::Down => here(at + self.across).or_else(|| {
                let machines = &next?.machines;
                machines.get(column.min(machines.len().saturating_sub(1)))
            }),
            Arrow::Up => match at.checked_sub(self.across) {
                Some(at) => here(at),
                None => previous.and_then(|section| {
                    let last = section.machines.len().checked_sub(1)?;
                    let line = last / self.across * self.across;
                    section.machines.get((line + column).min(last))
                }),
            },
        };
        Some(*found.unwrap_or(&section.machines[at]))
    }
}

/// From square to square.
pub const PITCH: f64 = 14.0;
/// Side of a square (dashboard design 5.1).
pub const SIDE: f64 = 12.0;
/// Room of a label.
const LABEL: f64 = 104.0;
/// A column is at least so wide.
const COLUMN: f64 = 440.0;
/// Beside and between columns.
const MARGIN: f64 = 16.0;
/// Between sections.
const GAP: f64 = 10.0;
/// A name, and a line below it.
const LEAST: f64 = 32.0;

#[cfg(test)]
mod tests {
    use super::super::fixture::learned_of;
    use super::super::{Label, arrange::Section};
    use super::*;

    fn tiles(counts: &[u64], width: f64) -> Tiles {
        let sections = (1..).zip(counts).map(|(owner, count)| Section {
            label: Label::Nothing,
            rows: (0..*count)
                .map(|index| (learned_of(owner, index, "", &[]).key, 0))
                .collect(),
        });
        let fleet = Arranged {
            sections: sections.collect(),
            ..Arranged::default()
        };
        Tiles::of(&fleet, width)
    }

    #[test]
    fn every_square_is_found_where_it_stands() {
        for width in [300.0, 700.0, 1440.0, 2560.0] {
            let tiles = tiles(&[40, 1, 3, 100, 7], width);
            let mut seen = 0;
            for section in &tiles.sections {
                for (at, key) in section.machines.iter().enumerate() {
                    let (x, y) = tiles.square(section, at);
                    assert_eq!(tiles.at(x + 6.0, y + 6.0), Some(*key), "{width}");
                    assert!(y + SIDE <= section.bottom && x + SIDE <= width);
                    seen += 1;
                }
                assert_eq!(section.before + section.machines.len(), seen);
            }
            assert!(tiles.at(1.0, 20.0).is_none());
        }
        assert_eq!(
            tiles(&[1, 1, 1], 1440.0).sections[2].top,
            8.0,
            "three columns"
        );
    }

    #[test]
    fn arrows_move_in_lines_and_from_section_to_section() {
        let tiles = tiles(&[5, 2, 4], 160.0);
        assert_eq!(tiles.across, 1);
        let tiles = Tiles { across: 3, ..tiles };
        // 0 1 2 / 3 4 || 5 6 || 7 8 9 / 10
        let keys: Vec<_> = tiles
            .sections
            .iter()
            .flat_map(|it| it.machines.clone())
            .collect();
        let place = |key: Option<MachineKey>| keys.iter().position(|other| Some(*other) == key);
        for (from, arrow, to) in [
            (0, Arrow::Right, 1),
            (4, Arrow::Right, 5),
            (10, Arrow::Right, 10),
            (5, Arrow::Left, 4),
            (0, Arrow::Left, 0),
            (1, Arrow::Down, 4),
            (2, Arrow::Down, 6),
            (4, Arrow::Down, 6),
            (7, Arrow::Down, 10),
            (10, Arrow::Up, 7),
            (7, Arrow::Up, 5),
            (9, Arrow::Up, 6),
            (6, Arrow::Up, 4),
            (1, Arrow::Up, 1),
        ] {
            let next = tiles.next(Some(&keys[from]), arrow);
            assert_eq!(place(next), Some(to), "{from} {arrow:?}");
        }
        assert_eq!(tiles.next(None, Arrow::Down), Some(keys[0]));
    }
}
