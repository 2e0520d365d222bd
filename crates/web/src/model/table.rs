//! What a view lists, as a table that leaves the page: comma-separated, as lines of JSON, as text. Names in it are their
//! owners'; a spreadsheet must not take one for a formula.

use std::fmt::Write;

use super::{FleetRow, MachineKey, PeerLine, Seen, Shown, World, fleet_row};
use crate::words;
use statemesh::core::engine::is_active_tick;

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What stands in the columns.
    pub columns: &'static [&'static str],
    /// As many cells each.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// It is not known.
    Nothing,
    /// A number.
    Number(u64),
    /// A word or a name.
    Text(String),
    /// Several names.
    List(Vec<String>),
}

impl Table {
    /// Comma-separated, with a head.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = self.columns.join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                match cell {
                    Cell::Number(number) => text.push_str(&number.to_string()),
                    cell => quote(&mut text, &cell.text()),
                }
            }
            text.push_str("\r\n");
        }
        text
    }

    /// A line of JSON for each row.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            self.object(&mut text, row, "");
            text.push('\n');
        }
        text
    }

    /// One value of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let mut text = String::from("[");
        for (at, row) in self.rows.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            self.object(&mut text, row, "");
        }
        text.push(']');
        text
    }

    /// A row as an object, and more keys as they are.
    pub fn object(&self, text: &mut String, row: &[Cell], more: &str) {
        text.push('{');
        for (at, (column, cell)) in self.columns.iter().zip(row).enumerate() {
            if at > 0 {
                text.push(',');
            }
            string(text, column);
            text.push(':');
            match cell {
                Cell::Nothing => text.push_str("null"),
                Cell::Number(number) => text.push_str(&number.to_string()),
                Cell::Text(word) => string(text, word),
                Cell::List(words) => {
                    text.push('[');
                    for (at, word) in words.iter().enumerate() {
                        if at > 0 {
                            text.push(',');
                        }
                        string(text, word);
                    }
                    text.push(']');
                }
            }
        }
        text.push_str(more);
        text.push('}');
    }

    /// For people: columns below each other, two spaces apart.
    #[must_use]
    pub fn plain(&self) -> String {
        let lines = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::text).collect());
        let head = self
            .columns
            .iter()
            .map(|column| (*column).to_owned())
            .collect();
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(lines).collect();
        let width = |at: usize| {
            let cells = lines.iter().filter_map(|line| line.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let mut words = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                words.push_str(cell);
                let rest = width + 2 - cell.chars().count();
                words.extend(std::iter::repeat_n(' ', rest));
            }
            text.push_str(words.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Cell {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(list) => list.join(" "),
        }
    }
}

/// In quotes where it must be; what a spreadsheet may compute begins with an apostrophe.
fn quote(text: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_plain = !is_formula && !cell.contains(['"', ',', '\n', '\r', ';']);
    if is_plain {
        return text.push_str(cell);
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

/// A string of JSON.
pub fn string(text: &mut String, word: &str) {
    text.push('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                // Into a string it cannot fail.
                let _ = write!(text, "\\u{:04x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Machines as they are listed.
#[must_use]
pub fn machine_table(
    world: &World,
    keys: impl Iterator<Item = MachineKey>,
    origin: u64,
    at: Seen,
) -> Table {
    let rows = keys.filter_map(|key| {
        let machine = world.machine(&key)?;
        let row = fleet_row(world, machine, at);
        let states = machine.schema.states.iter().zip(machine.clock.iter());
        let active = states.filter(|(_, tick)| is_active_tick(**tick));
        let active = active.map(|(state, _)| state.shown.plain()).collect();
        Some(machine_cells(&row, active, origin))
    });
    Table {
        columns: &[
            "machine", "host", "owner", "health", "time", "changed", "active",
        ],
        rows: rows.collect(),
    }
}

fn machine_cells(row: &FleetRow, active: Vec<String>, origin: u64) -> Vec<Cell> {
    vec![
        Cell::Text(row.name.plain()),
        Cell::Text(row.host.plain()),
        Cell::Text(row.key.peer.to_string()),
        Cell::Text(words::health(row.health).to_owned()),
        Cell::Number(row.time),
        Cell::Number(origin + row.changed.by.0),
        Cell::List(active),
    ]
}

/// Peers as they are listed.
#[must_use]
pub fn peer_table<'a>(lines: impl Iterator<Item = &'a PeerLine>, origin: u64) -> Table {
    let text = |text: &str| Cell::Text(text.to_owned());
    let plain =
        |text: &Option<Shown>| Cell::Text(text.as_ref().map_or_else(String::new, Shown::plain));
    let number = |number: Option<u64>| number.map_or(Cell::Nothing, Cell::Number);
    let rows = lines.map(|line| {
        let carriers = line
            .carriers
            .iter()
            .map(|carrier| carrier.mark().to_owned());
        vec![
            plain(&line.name),
            text(&line.id),
            text(&words::peers::role(line)),
            plain(&line.software),
            text(words::health(line.health)),
            text(line.known),
            Cell::List(carriers.collect()),
            number(line.hops.map(u64::from)),
            number(line.rtt),
            number(line.heard.map(|at| origin + at.0)),
            Cell::Number(line.machines as u64),
            Cell::Number(line.refused),
        ]
    });
    Table {
        columns: &[
            "peer", "id", "role", "software", "health", "known", "links", "hops", "rtt", "heard",
            "machines", "refused",
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Input;
    use super::super::fixture::learned_of;
    use super::*;

    fn table(names: &[&str]) -> Table {
        let cells = |name: &&str| {
            vec![
                Cell::Text((*name).to_owned()),
                Cell::Number(7),
                Cell::Nothing,
                Cell::List(vec!["A".to_owned(), "B \"".to_owned()]),
            ]
        };
        Table {
            columns: &["name", "time", "rtt", "active"],
            rows: names.iter().map(cells).collect(),
        }
    }

    #[test]
    fn cells_stay_cells() {
        for (name, cell) in [
            ("courier-17", "courier-17"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("a\nb", "\"a\nb\""),
            ("", ""),
        ] {
            let csv = table(&[name]).csv();
            let expected = format!("name,time,rtt,active\r\n{cell},7,,\"A B \"\"\"\r\n");
            assert_eq!(csv, expected, "{name}");
        }
    }

    #[test]
    fn json_is_json() {
        let lines = table(&["a\"\\\n\u{1}ü", "b"]).json_lines();
        let first = "{\"name\":\"a\\\"\\\\\\u000a\\u0001ü\",\"time\":7,\"rtt\":null,\"active\":[\"A\",\"B \\\"\"]}\n";
        assert!(lines.starts_with(first), "{lines}");
        assert_eq!(lines.lines().count(), 2);
        assert_eq!(table(&[]).json(), "[]");
        assert!(table(&["a", "b"]).json().contains("},{"));
    }

    #[test]
    fn text_stands_in_columns() {
        let text = table(&["é", "courier-17"]).plain();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name        time  rtt  active");
        assert_eq!(lines[1], "é           7          A B \"");
        assert_eq!(lines[2].find('7'), Some(9), "the first 7 is the name's");
    }

    #[test]
    fn machines_are_listed_as_they_stand() {
        let mut world = World::new("relay".into(), false, Seen(0));
        let learned = learned_of(1, 0, "m\u{202e}", &[1, 0, 3, 0]);
        let key = learned.key;
        world.apply(Input::Learned(learned), Seen(5));
        world.settle(Seen(5));
        let table = machine_table(&world, [key].into_iter(), 1_000, Seen(9));
        let active = vec!["Start".to_owned(), "Busy".to_owned()];
        assert_eq!(table.rows[0][0], Cell::Text("m\u{fffd}".to_owned()));
        assert_eq!(
            table.rows[0][4..],
            [Cell::Number(4), Cell::Number(1_005), Cell::List(active)]
        );
    }
}
