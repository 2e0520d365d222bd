//! The cells of a rain row as shapes: one path for each look, so that a row is a few elements however many states.
//!
//! A cell is [`CELL_WIDTH`] by [`CELL_HEIGHT`] units. Shapes tell cells apart, colour only repeats it.

use super::SchemaFacts;
use crate::history::Cell;

/// How a path looks; class names of the stylesheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Thin bar: active.
    Bar(Tone),
    /// Block: went on, once or again.
    Block(Tone),
    /// Outline with a slash or without: went off, or flickered.
    Outline(Tone),
    /// Cross: refused.
    Cross,
    /// Dot: touched.
    Dot,
    /// Foot: called.
    Foot,
}

/// What kind of state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Any.
    Plain,
    /// A Multi state.
    Multi,
    /// An error state.
    Error,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InkPath {
    /// How it looks.
    pub ink: Ink,
    /// Where.
    pub path: String,
}

impl Ink {
    /// Its classes.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Bar(Tone::Plain) => "bar-ink",
            Self::Bar(Tone::Multi) => "bar-ink multi",
            Self::Bar(Tone::Error) => "bar-ink error",
            Self::Block(Tone::Plain) => "block-ink",
            Self::Block(Tone::Multi) => "block-ink multi",
            Self::Block(Tone::Error) => "block-ink error",
            Self::Outline(Tone::Plain | Tone::Multi) => "off-ink",
            Self::Outline(Tone::Error) => "off-ink error",
            Self::Cross => "cross-ink",
            Self::Dot => "dot-ink",
            Self::Foot => "foot-ink",
        }
    }
}

/// Draws the cells of a row, in the order of its columns.
#[must_use]
pub fn rain_paths(
    cells: &[(usize, Cell)],
    called: &[u32],
    columns: &[usize],
    schema: &SchemaFacts,
) -> Vec<InkPath> {
    let mut paths: Vec<InkPath> = Vec::new();
    for (column, &state) in columns.iter().enumerate() {
        let x = column as u32 * CELL_WIDTH;
        let tone = match schema.states.get(state) {
            Some(facts) if facts.is_error => Tone::Error,
            Some(facts) if facts.multi => Tone::Multi,
            Some(_) | None => Tone::Plain,
        };
        if let Ok(at) = cells.binary_search_by_key(&state, |(state, _)| *state) {
            draw(&mut paths, cells[at].1, tone, x);
        }
        if called.contains(&(state as u32)) {
            put(&mut paths, Ink::Foot, &[(x + 2, "18h10v2h-10z")]);
        }
    }
    paths
}

fn draw(paths: &mut Vec<InkPath>, cell: Cell, tone: Tone, x: u32) {
    match cell {
        Cell::Active => put(paths, Ink::Bar(tone), &[(x + 5, "0h4v20h-4z")]),
        Cell::On => {
            put(paths, Ink::Block(tone), &[(x + 2, "2h10v16h-10z")]);
            put(paths, Ink::Bar(tone), &[(x + 5, "18h4v2h-4z")]);
        }
        Cell::Again => {
            put(
                paths,
                Ink::Block(tone),
                &[(x + 2, "2h10v7h-10z"), (x + 2, "11h10v7h-10z")],
            );
            put(
                paths,
                Ink::Bar(tone),
                &[(x + 5, "0h4v2h-4z"), (x + 5, "18h4v2h-4z")],
            );
        }
        Cell::Off => put(
            paths,
            Ink::Outline(tone),
            &[(x + 3, "4h8v12h-8z"), (x + 3, "16l8-12")],
        ),
        Cell::Flicker => put(
            paths,
            Ink::Outline(tone),
            &[(x + 3, "4h8v12h-8z"), (x + 7, "7v6")],
        ),
        Cell::Rejected => put(paths, Ink::Cross, &[(x + 3, "6l8 8"), (x + 11, "6l-8 8")]),
        Cell::Touched => put(paths, Ink::Dot, &[(x + 6, "9h2v2h-2z")]),
    }
}

/// Adds to the path of that look.
fn put(paths: &mut Vec<InkPath>, ink: Ink, shapes: &[(u32, &str)]) {
    let at = paths.iter().position(|path| path.ink == ink);
    let at = at.unwrap_or_else(|| {
        let path = String::new();
        paths.push(InkPath { ink, path });
        paths.len() - 1
    });
    for (x, rest) in shapes {
        let path = &mut paths[at].path;
        path.push('M');
        path.push_str(&x.to_string());
        path.push(' ');
        path.push_str(rest);
    }
}

/// Units of a cell.
pub const CELL_WIDTH: u32 = 14;
/// Units of a row.
pub const CELL_HEIGHT: u32 = 20;

#[cfg(test)]
mod tests {
    use super::super::fixture::schema;
    use super::*;

    #[test]
    fn every_kind_of_cell_has_its_own_shape() {
        let kinds = [
            Cell::Active,
            Cell::On,
            Cell::Again,
            Cell::Off,
            Cell::Flicker,
            Cell::Rejected,
            Cell::Touched,
        ];
        let shapes = kinds.map(|kind| rain_paths(&[(0, kind)], &[], &[0], &schema()));
        for (at, shape) in shapes.iter().enumerate() {
            assert!(!shape.is_empty(), "{:?}", kinds[at]);
            let same = |other: &Vec<InkPath>| {
                let paths =
                    |it: &Vec<InkPath>| it.iter().map(|it| it.path.clone()).collect::<Vec<_>>();
                paths(other) == paths(shape)
            };
            assert_eq!(shapes.iter().filter(|other| same(other)).count(), 1);
        }
    }

    #[test]
    fn states_stand_in_their_columns_and_share_paths_of_one_look() {
        let cells = [
            (0, Cell::Active),
            (1, Cell::Active),
            (2, Cell::On),
            (3, Cell::Off),
        ];
        let paths = rain_paths(&cells, &[2], &[3, 0, 2, 1], &schema());
        let of = |ink| {
            let path = paths.iter().find(|path| path.ink == ink);
            path.map(|path| path.path.as_str())
        };
        assert_eq!(
            of(Ink::Bar(Tone::Plain)),
            Some("M19 0h4v20h-4zM47 0h4v20h-4z")
        );
        assert_eq!(of(Ink::Block(Tone::Multi)), Some("M30 2h10v16h-10z"));
        assert_eq!(
            of(Ink::Outline(Tone::Error)),
            Some("M3 4h8v12h-8zM3 16l8-12")
        );
        assert_eq!(of(Ink::Foot), Some("M30 18h10v2h-10z"));
        assert!(rain_paths(&cells, &[], &[], &schema()).is_empty());
    }
}
