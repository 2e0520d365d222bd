//! Headings of a view as text, and what is said when it was made.

/// Copied and saved.
#[must_use]
pub fn made(name: &str, is_copied: bool) -> String {
    if is_copied {
        format!("Copied, and saved as {name}.")
    } else {
        format!("Saved as {name}. The browser denied the clipboard.")
    }
}

/// The first line.
#[must_use]
pub fn title(mesh: &str, view: &str, time: &str, is_live: bool) -> String {
    let live = if is_live { ", live" } else { "" };
    format!("{mesh} · {view} · {time}{live}")
}

/// Above the attention list.
pub const ATTENTION: &str = "Needs attention";
/// Above the states.
pub const STATES: &str = "States";
/// Above machines.
pub const MACHINES: &str = "Machines";
/// Above peers.
pub const PEERS: &str = "Peers";
/// Above links.
pub const LINKS: &str = "Links";
/// There is no table in this view.
pub const NO_TABLE: &str = "Overview and Peers have a table to save.";

/// There are no lanes.
pub const NO_LANES: &str = "The Overview has lanes to save, when they are not tiles.";

/// A table was saved.
#[must_use]
pub fn saved(name: &str, rows: usize) -> String {
    let rows = match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    format!("Saved {name} ({rows}).")
}
