//! What the Machine view says of filters, of the log, and of what stands around a transition.

use super::counted;
use crate::history::{Beginning, Fidelity};
use crate::model::{TxFilter, TxFilters, grouped};

/// The row of a hidden record at the cursor; a button to show it follows.
pub const FILTERED_OUT: &str = "current transition is filtered out";
/// No line passes level and text.
pub const NO_LINE: &str = "No log line passes this level and text.";
/// What only a full trace brings.
pub const NEEDS_TRACE: &str = "Source, handlers and arguments need a full trace. Owner sends less.";
/// Nothing stands around it.
pub const NOTHING_AROUND: &str = "Nothing is known around this transition.";
/// A line that is not held any more.
pub const LINE_DROPPED: &str = "dropped to save room";

/// A filter in the bar.
#[must_use]
pub fn filter(filter: TxFilter) -> &'static str {
    match filter {
        TxFilter::Canceled => "Canceled",
        TxFilter::Queued => "Queued",
        TxFilter::Auto => "Auto",
        TxFilter::AutoCanceled => "Auto canceled",
        TxFilter::Empty => "Empty",
        TxFilter::Health => "Health",
        TxFilter::Checks => "Checks",
        TxFilter::OutsideGroup => "Outside group",
        TxFilter::Gone => "Gone peers",
        TxFilter::Own => "Own machines",
    }
}

/// What it hides, for whoever asks.
#[must_use]
pub fn filter_hint(filter: TxFilter) -> &'static str {
    match filter {
        TxFilter::Canceled => "Hide what was called and refused",
        TxFilter::Queued => "Hide what a transition of this machine called, so that it waited",
        TxFilter::Auto => "Hide what the engine called for auto states",
        TxFilter::AutoCanceled => "Hide what the engine called for auto states and was refused",
        TxFilter::Empty => "Hide what was executed and changed nothing",
        TxFilter::Health => "Hide what is about Heartbeat and Healthcheck only",
        TxFilter::Checks => "Hide what was only tried",
        TxFilter::OutsideGroup => "Hide what has no state of the group chosen above the states",
        TxFilter::Gone => "Hide machines that are gone from the list",
        TxFilter::Own => "Hide this tab's own machines from the list",
    }
}

/// `Filters 4/10`.
#[must_use]
pub fn filters(on: TxFilters) -> String {
    format!("Filters {}/{}", on.count(), TxFilter::ALL.len())
}

/// A level, with what it adds to the one before.
pub const LEVELS: [&str; 6] = [
    "0 nothing",
    "1 external",
    "2 changes",
    "3 ops",
    "4 decisions",
    "5 everything",
];

/// Why there is no line at all.
#[must_use]
pub fn no_log(fidelity: Option<Fidelity>) -> &'static str {
    match fidelity {
        None | Some(Fidelity::Name | Fidelity::Snapshots) => {
            "Owner sends snapshots only: log lines need a full trace."
        }
        Some(Fidelity::Changes) => "Owner sends changes only: log lines need a full trace.",
        Some(Fidelity::Trace) => "Owner sends no log lines.",
        Some(Fidelity::Local) => "This machine has written no log line.",
    }
}

/// How many of all lines are shown.
#[must_use]
pub fn lines(shown: usize, all: usize) -> String {
    let lines = counted(all, "line", "lines");
    if shown == all {
        lines
    } else {
        format!("{} of {lines}", grouped(shown as u64))
    }
}

/// Where the trace of causes ends.
#[must_use]
pub fn beginning(beginning: Beginning) -> &'static str {
    match beginning {
        Beginning::Unknown => "",
        Beginning::Outside => "started outside the mesh",
        Beginning::NotHere => "source not visible to you",
        Beginning::TooMany => "and more before",
    }
}

/// What a queued transition waited behind: `behind #12 and 2 more`.
#[must_use]
pub fn waited(number: u64, between: u64) -> String {
    let behind = format!("behind #{number}");
    match between {
        0 => behind,
        more => format!("{behind} and {} more", grouped(more)),
    }
}

/// `240 µs`, `1.2 ms`.
#[must_use]
pub fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{} ms", grouped(micros / 1_000)),
    }
}

/// A line without the owner's mark in front of it: the first five letters of the machine's id, in brackets.
#[must_use]
pub fn bare<'a>(line: &'a str, id: &str) -> &'a str {
    let short = id.char_indices().nth(5).map_or(id, |(at, _)| &id[..at]);
    let rest = line.strip_prefix('[').and_then(|it| it.strip_prefix(short));
    rest.and_then(|it| it.strip_prefix("] ")).unwrap_or(line)
}

/// A piece of a line: a word, and the state it names.
pub type Word<'a> = (&'a str, Option<usize>);

/// A line in pieces, so that the states it names can be chosen.
#[must_use]
pub fn words<'a>(line: &'a str, state: &dyn Fn(&str) -> Option<usize>) -> Vec<Word<'a>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut pieces: Vec<Word<'a>> = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while let Some(begin) = line[at..].find(is_part).map(|it| at + it) {
        let length = line[begin..].find(|c| !is_part(c));
        let end = length.map_or(line.len(), |length| begin + length);
        if let Some(found) = state(&line[begin..end]) {
            if plain < begin {
                pieces.push((&line[plain..begin], None));
            }
            pieces.push((&line[begin..end], Some(found)));
            plain = end;
        }
        at = end;
    }
    if plain < line.len() {
        pieces.push((&line[plain..], None));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_in_a_line_are_found_as_whole_words() {
        let states = ["Start", "Ready", "Grüße"];
        let find = |word: &str| states.iter().position(|it| *it == word);
        for (line, pieces) in [
            ("", &[][..]),
            ("nothing here", &[("nothing here", None)]),
            (
                "[state] +Start -Ready",
                &[
                    ("[state] +", None),
                    ("Start", Some(0)),
                    (" -", None),
                    ("Ready", Some(1)),
                ],
            ),
            ("ReadyEnter", &[("ReadyEnter", None)]),
            (
                "Ready(-Grüße)",
                &[
                    ("Ready", Some(1)),
                    ("(-", None),
                    ("Grüße", Some(2)),
                    (")", None),
                ],
            ),
        ] {
            assert_eq!(words(line, &find), pieces, "{line}");
        }
    }

    #[test]
    fn the_mark_of_the_owner_goes() {
        for (line, id, bare_line) in [
            ("[couri] [add] Start", "courier-17", "[add] Start"),
            ("[add] Start", "courier-17", "[add] Start"),
            ("[own] x", "own", "x"),
            ("[übers] x", "übersee", "x"),
            ("[]", "", "[]"),
        ] {
            assert_eq!(bare(line, id), bare_line);
        }
    }

    #[test]
    fn short_times_have_their_unit() {
        for (micros, text) in [
            (0, "0 µs"),
            (240, "240 µs"),
            (1_250, "1.2 ms"),
            (12_345, "12 ms"),
        ] {
            assert_eq!(duration(micros), text);
        }
        assert_eq!(waited(12, 0), "behind #12");
        assert_eq!(waited(12, 2), "behind #12 and 2 more");
        assert_eq!(lines(2, 5), "2 of 5 lines");
        assert_eq!(lines(1, 1), "1 line");
    }
}
