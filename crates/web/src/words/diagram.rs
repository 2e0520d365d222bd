//! What the state diagram says.

use statemesh::core::engine::Relation;

use super::counted;
use crate::model::diagram::{Depth, Dim, Facts, Group, MANY, Outside, Picture, relation_word};
use crate::model::{StateRow, grouped};
use crate::words::machine::{Marks, state_row};

/// Names the list of states in the picture.
pub const STATES: &str = "States in the diagram";
/// Names the part of the page.
pub const DIAGRAM: &str = "Diagram";
/// A machine without states.
pub const EMPTY: &str = "This machine has no states.";
/// Too many, and none selected.
pub const SELECT: &str = "Select a state in the tree to see it with its neighbours.";

/// Levels, what they are called, and what they add.
pub const DEPTHS: [(Depth, &str, &str); 4] = [
    (Depth::States, "States", "Level 0: states"),
    (
        Depth::Changed,
        "Changed",
        "Level 1: and relations of the states that changed",
    ),
    (Depth::Relations, "Relations", "Level 2: and all relations"),
    (
        Depth::Handlers,
        "Handlers",
        "Level 3: and handlers and tags",
    ),
];

/// What may be dim.
pub const DIMS: [(Dim, &str); 5] = [
    (Dim::Nothing, "nothing"),
    (Dim::Called, "not called"),
    (Dim::Changed, "unchanged"),
    (Dim::Touched, "untouched"),
    (Dim::Relations, "unrelated"),
];

/// What becomes of the rest.
pub const OUTSIDES: [(Outside, &str); 2] = [
    (Outside::Hide, "hide others"),
    (Outside::Skip, "skip others"),
];

/// Relations in the order of the legend.
pub const LEGEND: [Relation; 4] = [
    Relation::Require,
    Relation::Add,
    Relation::Remove,
    Relation::After,
];

/// The name of a group.
#[must_use]
pub fn group(group: &Group) -> String {
    match group {
        Group::All => "all states".to_owned(),
        Group::Auto => "auto".to_owned(),
        Group::Multi => "multi".to_owned(),
        Group::Errors => "errors".to_owned(),
        Group::Tag(tag) => format!("tag {tag}"),
    }
}

/// The picture in a sentence: `19 states, 24 relations: 10 requires, 3 adds, 11 removes. Changed: Ready, Driving.`
#[must_use]
pub fn label(picture: &Picture) -> String {
    let states = counted(picture.cards.len(), "state", "states");
    if picture.is_sequence {
        let steps = counted(picture.lines.len(), "step", "steps");
        return format!("{steps} of the transition, which speak of {states}.");
    }
    let relations = counted(picture.lines.len(), "relation", "relations");
    let kinds = LEGEND.into_iter().filter_map(|kind| {
        let lines = picture.lines.iter().filter(|line| line.kind == Some(kind));
        let number = lines.count();
        (number > 0).then(|| format!("{number} {}", relation_word(kind)))
    });
    let kinds: Vec<String> = kinds.collect();
    let mut text = format!("{states}, {relations}");
    if !kinds.is_empty() {
        text += &format!(": {}", kinds.join(", "));
    }
    let changed = picture.cards.iter().filter(|card| card.changed);
    let changed: Vec<&str> = changed.map(|card| card.full.as_str()).take(NAMED).collect();
    if !changed.is_empty() {
        text += &format!(". Changed: {}", changed.join(", "));
    }
    text + "."
}

/// A state as it is spoken: as in the tree, and what it says at level 3.
#[must_use]
pub fn card(row: &StateRow, marks: &Marks, detail: &str) -> String {
    let mut text = state_row(row, marks);
    if !detail.is_empty() {
        text += &format!(", {detail}");
    }
    text
}

/// Why what was asked for shows nothing, if so.
#[must_use]
pub fn note(depth: Depth, dim: Dim, facts: &Facts) -> Option<&'static str> {
    match (dim, depth) {
        (Dim::Called, _) if facts.called.is_empty() => {
            Some("Nothing is dim: what this change called is not known.")
        }
        (Dim::Changed, _) if facts.changed.is_empty() => {
            Some("Nothing is dim: no state changed here.")
        }
        (Dim::Touched, _) if facts.touched.is_empty() => {
            Some("Nothing is dim: the steps of this change are not known.")
        }
        (Dim::Relations, _) if facts.selected.is_none() => {
            Some("Nothing is dim: select a state first.")
        }
        (_, Depth::Changed) if facts.changed.is_empty() => {
            Some("No relation is shown: no state changed here.")
        }
        _ => None,
    }
}

/// `340 states are too many to draw at once.`
#[must_use]
pub fn too_many(states: usize) -> String {
    format!(
        "{} are more than the {MANY} that are drawn by themselves.",
        counted(states, "state", "states")
    )
}

/// `Draw all 340`.
#[must_use]
pub fn draw_all(states: usize) -> String {
    format!("Draw all {}", grouped(states as u64))
}

/// `Drawing 340 states: 25 %`.
#[must_use]
pub fn drawing(states: usize, progress: usize) -> String {
    format!(
        "Drawing {}: {progress} %",
        counted(states, "state", "states")
    )
}

/// `SVG copied`.
#[must_use]
pub fn copied(format: &str) -> String {
    format!("{format} copied")
}

/// `Saved courier-17.svg.`
#[must_use]
pub fn saved(name: &str) -> String {
    format!("Saved {name}.")
}

/// The name of a file: of the machine's id what every system takes in a name.
#[must_use]
pub fn file_name(machine: &str, ending: &str) -> String {
    let clean = machine.chars().take(60).map(|letter| {
        if letter.is_alphanumeric() || letter == '-' {
            letter
        } else {
            '_'
        }
    });
    let clean: String = clean.collect();
    format!("{clean}.{ending}")
}

/// Changed states that the sentence names.
const NAMED: usize = 12;
