//! What is said about bookmarks.

/// Beside a bookmark.
pub const COMPARE: &str = "Compare this moment with another";
/// It is there.
pub const ADDED: &str = "Bookmarked. Shift B lists all.";
/// Those that came with a recording.
pub const OF_RECORDING: &str = "In this recording";
/// The browser keeps nothing.
pub const NOT_KEPT: &str =
    "This bookmark lasts as long as this page: the browser keeps nothing for it.";
/// As many as may be.
pub const TOO_MANY: &str = "Not bookmarked: there are 500 already. Delete some first.";

/// Leads there.
#[must_use]
pub fn go(name: &str) -> String {
    format!("Go to {name}")
}

/// What a bookmark is called until somebody says better: `lamp 14:32:08.611`.
#[must_use]
pub fn name(machine: Option<&str>, moment: &str) -> String {
    match machine {
        Some(machine) => format!("{machine} {moment}"),
        None => moment.to_owned(),
    }
}
