//! What is said about recordings: saved, opened, kept in this browser.

use crate::history::Recording;
use crate::model::{Seen, WallClock, age_text, grouped};

/// The pill while a recording is shown.
pub const PILL: &str = "Recording";
/// What was saved has nothing in it.
pub const NOTHING: &str = "Not saved: nothing was seen there.";
/// Without a mesh there are still recordings.
pub const OR_OPEN: &str = "Or open a recording, which needs no relay:";
/// Opens the recording that comes with the page.
pub const INCIDENT: &str = "Look at a recorded incident";
/// What it is.
pub const WHICH_INCIDENT: &str =
    "Thirty machines of the demo. Which one failed first, and what followed?";
/// A recording without machines.
pub const EMPTY: &str = "Not opened: no machine is in this recording.";
/// A file could not be read, or is larger than the history may be.
pub const UNREADABLE: &str =
    "Not opened: the file cannot be read, or is larger than the 300 MB of the history.";
/// A recording of this browser is back.
pub const LOADED: &str = "Your recording was loaded again.";
/// Nothing is kept any more.
pub const DELETED: &str = "The recording in this browser was deleted.";
/// There is no room, or the browser keeps none for this page.
pub const FORBIDDEN: &str =
    "Not recording: this browser keeps nothing for this page. A private window, perhaps.";

/// `Saved parcel-eu-1432.smesh (3.1 MB, 30 machines, 14:17-14:33).`
#[must_use]
pub fn saved(name: &str, bytes: u64, machines: usize, span: &str) -> String {
    format!(
        "Saved {name} ({}, {}, {span}).",
        size(bytes),
        super::machines(machines)
    )
}

/// The browser could not save it.
#[must_use]
pub fn not_saved(reason: &str) -> String {
    format!("Not saved: {reason}.")
}

/// The browser could not delete it.
#[must_use]
pub fn not_deleted(reason: &str) -> String {
    format!("Not deleted: {reason}.")
}

/// How much is kept: `3.1 MB kept, of the last day, at most 500 MB.`
#[must_use]
pub fn kept(bytes: u64) -> String {
    format!("{} kept here. At most 500 MB, for a day.", size(bytes))
}

/// The browser has no room: `Not saved: the browser has no room (500 MB used).`
#[must_use]
pub fn no_room(used: u64) -> String {
    format!("Not saved: the browser has no room ({} used).", size(used))
}

/// `3.1 MB`, `412 KB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        bytes if bytes < 100_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
        }
        bytes => format!("{} MB", grouped(bytes / 1_000_000)),
    }
}

/// `14:17-14:33`.
#[must_use]
pub fn span(wall: WallClock, from: Seen, to: Seen) -> String {
    format!("{}-{}", minute(wall, from), minute(wall, to))
}

/// `14:32`.
#[must_use]
pub fn minute(wall: WallClock, at: Seen) -> String {
    wall.text(at, 0).chars().take(5).collect()
}

/// A name for the file: `parcel-eu-1432.smesh`.
#[must_use]
pub fn file_name(topic: &str, wall: WallClock, at: Seen) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let topic: String = topic.chars().take(64).map(plain).collect();
    let topic = topic.trim_matches('-');
    let topic = if topic.is_empty() { "mesh" } else { topic };
    let time = minute(wall, at).replace(':', "");
    format!("{topic}-{time}.smesh")
}

/// What was lost: `Damaged after 14:20; 18 of 30 machines were read.`
#[must_use]
pub fn damaged(recording: &Recording, wall: WallClock) -> Option<String> {
    if recording.damaged == 0 {
        return None;
    }
    let read = recording.history.machines().count() as u64;
    let after = minute(wall, recording.history.newest().at);
    Some(format!(
        "Damaged after {after}; {} of {} machines were read.",
        grouped(read),
        grouped(recording.machines.max(read))
    ))
}

/// Beside the way back: `This is the recording parcel-eu-1432.smesh, 14:17-14:33.`
#[must_use]
pub fn shown(name: &str, span: &str) -> String {
    format!("This is the recording {name}, {span}. Nothing in it changes.")
}

/// Where in a recording the page looks: `38.0 s before its end`.
#[must_use]
pub fn before_end(behind: u64) -> String {
    match behind {
        0 => "at the end of the recording".to_owned(),
        behind => format!("{} before its end", age_text(behind)),
    }
}

/// A link names a file: it is asked for.
#[must_use]
pub fn ask(path: &str) -> String {
    format!("This link opens the recording {path}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_design_says() {
        let wall = WallClock {
            start: (14 * 60 + 17) * 60_000,
        };
        let end = Seen(16 * 60_000);
        assert_eq!(span(wall, Seen(0), end), "14:17-14:33");
        assert_eq!(
            saved("parcel-eu-1432.smesh", 3_140_000, 30, "14:17-14:33"),
            "Saved parcel-eu-1432.smesh (3.1 MB, 30 machines, 14:17-14:33)."
        );
        assert_eq!(
            no_room(500_000_000),
            "Not saved: the browser has no room (500 MB used)."
        );
        for (topic, name) in [
            ("parcel-eu", "parcel-eu-1433.smesh"),
            ("../a\u{202e}b", "a-b-1433.smesh"),
            ("", "mesh-1433.smesh"),
            ("/", "mesh-1433.smesh"),
        ] {
            assert_eq!(file_name(topic, wall, end), name);
        }
        assert_eq!(
            [0, 999, 412_300, 9_990_000].map(size),
            ["0 bytes", "999 bytes", "412 KB", "9.9 MB"]
        );
    }
}
