//! What the Overview says: filter, fleet, search.

use crate::model::{Sorting, grouped};
use crate::store::{Hop, Panel};

/// What of a machine's states is spoken after its health.
#[must_use]
pub fn active_at(active: usize, time: u64) -> String {
    let states = if active == 1 { "state" } else { "states" };
    format!(", {active} {states} active, time {time}")
}

/// For how long, as it is spoken: `, since 38 seconds`.
#[must_use]
pub fn spoken_since(ms: u64) -> String {
    let seconds = ms / 1000;
    let (count, one, more) = match seconds {
        0..120 => (seconds, "second", "seconds"),
        120..7200 => (seconds / 60, "minute", "minutes"),
        _ => (seconds / 3600, "hour", "hours"),
    };
    format!(", since {count} {}", if count == 1 { one } else { more })
}

/// A key the filter does not know.
#[must_use]
pub fn unknown_key(key: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("Unknown key `{key}:`. Did you mean `{near}:`?"),
        None => format!(
            "Unknown key `{key}:`. There are is:, host:, peer:, parent:, tag:, state:, tick:, \
             changed: and fid:."
        ),
    }
}

/// A health the filter does not know.
#[must_use]
pub fn unknown_health(word: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("No machine is `{word}`. Did you mean `{near}`?"),
        None => format!(
            "No machine is `{word}`. There are error, notready, quiet, stale, gone, starting and \
             ok."
        ),
    }
}

/// A value that its key cannot have.
#[must_use]
pub fn wrong_value(key: &str, example: &str) -> String {
    format!("`{key}:` needs another value, as in `{example}`.")
}

/// A regular expression without an end.
#[must_use]
pub fn open_pattern(source: &str) -> String {
    format!("`/{source}` lacks the slash at its end.")
}

/// A regular expression that is none.
#[must_use]
pub fn bad_pattern(source: &str) -> String {
    format!("`/{source}/` is no regular expression.")
}

/// `12 of 30 machines`.
#[must_use]
pub fn shown_of(shown: usize, total: usize) -> String {
    format!("{} of {}", grouped(shown as u64), super::machines(total))
}

/// What the filter takes.
pub const FILTER_HINT: &str = "Filter: name, state:, tag:, host:, is:";
/// Machines without the tag that they are grouped by.
pub const NO_TAG: &str = "without this tag";
/// What the figure counts.
pub const RATE: &str =
    "Changes per second, over the last 10 s. ~: between snapshots there may be more";
/// Title of what happened before.
pub const LED_HERE: &str = "Led here, by time, not by cause";
/// The same where sources are known.
pub const LED_HERE_BY_CAUSE: &str = "Led here, by cause";

/// What the trail is read from.
#[must_use]
pub fn led_here(trail: &crate::store::Trail) -> &'static str {
    match trail.origin {
        Some(_) => LED_HERE_BY_CAUSE,
        None => LED_HERE,
    }
}

/// Nothing older is known.
pub const HISTORY_STARTS: &str = "history starts here";
/// What caused it is not known.
pub const NO_SOURCE: &str = "source not visible to you";
/// Nobody near by did anything.
pub const NOTHING_BEFORE: &str = "nothing near by changed within 1 s before";
/// A silent host says nothing.
pub const NOTHING_HEARD: &str = "Unknown: nothing heard since";

/// Names an order.
#[must_use]
pub fn sorting(sorting: Sorting) -> &'static str {
    match sorting {
        Sorting::Mesh => "mesh order",
        Sorting::Attention => "attention first",
        Sorting::Name => "name",
        Sorting::Changed => "changed",
        Sorting::Rate => "rate",
        Sorting::Ticks => "ticks",
    }
}

/// Changes per second, from those in ten seconds: `14`, `0.3`, `~2.1`.
#[must_use]
pub fn rate(in_ten_seconds: u64, is_all: bool) -> String {
    let about = if is_all || in_ten_seconds == 0 {
        ""
    } else {
        "~"
    };
    match (in_ten_seconds / 10, in_ten_seconds % 10) {
        (0, 0) => "0".to_owned(),
        (whole @ 10.., _) => format!("{about}{}", grouped(whole)),
        (whole, tenth) => format!("{about}{whole}.{tenth}"),
    }
}

/// `route-17 ErrNetwork on and 2 more`.
#[must_use]
pub fn hop(hop: &Hop) -> String {
    let mut text = hop.name.plain();
    if let Some((state, on)) = &hop.state {
        text.push(' ');
        text.push_str(&state.plain());
        text.push_str(if *on { " on" } else { " off" });
    }
    if hop.more > 0 {
        text.push_str(&format!(" and {} more", hop.more));
    }
    text
}

/// Who is in a row that stands for several: `and 4 more`.
#[must_use]
pub fn and_more(others: usize) -> String {
    format!(" and {others} more")
}

/// Names a dialog.
#[must_use]
pub fn panel(panel: Panel) -> &'static str {
    match panel {
        Panel::Search => "Search everything",
        Panel::Keys => "Keys and legend",
        Panel::Links => super::link::MENU,
    }
}

/// What the search takes.
pub const SEARCH_HINT: &str = "Machine, State@machine, peer, 14:32:08, -30s, link";
/// Nothing fits.
pub const NOTHING_FOUND: &str = "Nothing found.";
/// A link leads to nothing that is here.
pub const NO_HISTORY: &str = "No history for that moment here.";
/// Keys, and what they do.
pub const KEYS: &[(&str, &str)] = &[
    ("Ctrl K", "search everything"),
    ("f /", "filter machines, transitions, log"),
    ("g o", "Overview"),
    ("g m", "Machines"),
    ("g n", "Mesh"),
    ("g p", "Peers"),
    ("g c", "Compare"),
    ("m", "next machine needing attention"),
    ("Shift M", "the one before"),
    ("← h", "previous change"),
    ("→ l", "next change"),
    ("Shift ← →", "by fifty"),
    ("e", "next error of any machine"),
    ("Shift E", "previous error"),
    ("Home End", "first, last change"),
    ("+ - 0", "lanes: less time, more, all"),
    (", .", "changes of the selected state"),
    ("[", "previous step"),
    ("]", "next step"),
    ("s", "go to the source"),
    ("Shift S", "go to the first effect"),
    ("t", "0, 1 or 2 timelines"),
    ("Space", "pause, play"),
    ("Shift L", "back to live"),
    ("↑ ↓ j k", "move in a list"),
    ("1 2 3 4", "Rain, Matrix, Diagram, What if"),
    ("Enter", "open, go to moment"),
    ("o", "log, reader"),
    ("y", "why the state is on or off"),
    ("x", "expand, collapse all states"),
    ("b", "bookmark"),
    ("Shift B", "bookmarks"),
    ("c", "copy link"),
    ("Shift C", "link menu"),
    ("w", "watch the selected state or the filter"),
    ("p", "pin the machine"),
    ("Backspace", "hide the machine"),
    ("Ctrl S", "save what was seen"),
    ("Ctrl Shift S", "this view as text"),
    ("?", "this list"),
    ("Esc", "leave field or dialog"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_two_figures_at_most() {
        let said = [0, 3, 10, 21, 99, 100, 142].map(|count| rate(count, true));
        assert_eq!(said, ["0", "0.3", "1.0", "2.1", "9.9", "10", "14"]);
        assert_eq!(rate(21, false), "~2.1");
        assert_eq!(rate(0, false), "0");
    }
}
