//! What the Compare view says.

use statemesh::core::engine::MutationKind;

use super::counted;
use crate::model::compare::{Call, Comparison, Fold, Item, Level, MOST_ITEMS, Row, Sameness, Side};
use crate::model::{Piece, Seen, Shown, WallClock, age_text, grouped};

/// A and B.
pub const SIDES: [&str; 2] = ["A", "B"];
/// Nothing chosen yet.
pub const CHOOSE: &str = "Choose two moments, runs or machines to compare.";
/// One of them is.
pub const CHOOSE_OTHER: [&str; 2] = ["Now choose A.", "Now choose B."];
/// A side without a machine.
pub const NOTHING_CHOSEN: &str = "nothing chosen";
/// A link names what the page does not have, and a recording may.
pub const NOT_HERE: &str = "is not in this page's history. Open the recording it is in.";
/// What was pasted names nothing.
pub const NO_LINK: &str = "This is no link to a machine or a moment.";
/// How to choose two rows.
pub const BY_HAND: &str = "Choose a row of A and a row of B by their numbers.";
/// The alignment was cut short.
pub const SHORTEST: &str =
    "A and B differ in so much that a shorter list of differences may exist.";

/// While it is computed.
#[must_use]
pub fn aligning(percent: u64) -> String {
    format!("Comparing… {percent} %")
}

/// How two items relate.
#[must_use]
pub fn relation(row: &Row) -> &'static str {
    let is_a = row.a.is_some();
    match (row.is, is_a) {
        (Sameness::Before, _) => "before",
        (Sameness::Same, _) => "same",
        (Sameness::SlowerInA, _) => "slower in A",
        (Sameness::SlowerInB, _) => "slower in B",
        (Sameness::Between, true) => "between snapshots of B",
        (Sameness::Between, false) => "between snapshots of A",
        (Sameness::Target, _) => "different target",
        (Sameness::Different, _) => "different",
        (Sameness::Only, true) => "only A",
        (Sameness::Only, false) => "only B",
        (Sameness::Order(_), _) => "different order",
    }
}

/// Rows in one line, as one side says it: `857 equal transitions`.
#[must_use]
pub fn folded(fold: Fold, count: usize, level: Level) -> String {
    let (one, many) = match level {
        Level::Snapshots => ("clock", "clocks"),
        Level::Changes | Level::Trace => ("transition", "transitions"),
    };
    let word = if count == 1 { one } else { many };
    let count = grouped(count as u64);
    match fold {
        Fold::Same => format!("{count} equal {word}"),
        Fold::Between => format!("{count} {word} between snapshots"),
        Fold::Before => format!("{count} {word} before"),
    }
}

/// The verdict on top.
#[must_use]
pub fn headline(comparison: &Comparison, wall: WallClock) -> Vec<Piece> {
    for (side, name) in comparison.sides.iter().zip(SIDES) {
        if side.items.is_empty() {
            return vec![Piece::Text(format!(
                "Nothing to compare: {name} has no transition here."
            ))];
        }
    }
    let Some(first) = comparison.first else {
        return vec![Piece::Text(all_equal(comparison))];
    };
    let row = comparison.rows[first];
    let mut line = until(comparison, first, wall);
    let next = |side: usize| {
        let rows = &comparison.rows[first..];
        rows.iter().find_map(|row| [row.a, row.b][side])
    };
    let [a, b] = marks(comparison, row.a, row.b, wall);
    let (did, at) = (
        |side: usize, at: Option<u32>| did(comparison, side, at),
        |mark: &str| Piece::Text(format!("At {mark} ")),
    );
    match (row.a, row.b) {
        (Some(_), Some(_)) if row.is == Sameness::Target => {
            line.push(at(&a));
            line.push(Piece::text("A and B "));
            line.extend(did(0, row.a));
            line.push(Piece::text(": "));
            line.extend(target(comparison, row));
        }
        (Some(_), Some(_)) => {
            line.push(at(&a));
            line.push(Piece::text("A "));
            line.extend(did(0, row.a));
            let other = if a == b {
                ", B ".to_owned()
            } else {
                format!(", at {b} B ")
            };
            line.push(Piece::Text(other));
            line.extend(did(1, row.b));
        }
        (at_a, at_b) => {
            let (side, other) = if at_a.is_some() { (0, 1) } else { (1, 0) };
            line.push(at(if side == 0 { &a } else { &b }));
            line.push(Piece::Text(format!("{} ", SIDES[side])));
            line.extend(did(side, at_a.or(at_b)));
            let not = if next(other).is_some() {
                format!(", {} did not", SIDES[other])
            } else {
                format!(", {} had ended", SIDES[other])
            };
            line.push(Piece::Text(not));
        }
    }
    line.push(Piece::text("."));
    line
}

/// How far both are the same.
fn until(comparison: &Comparison, first: usize, wall: WallClock) -> Vec<Piece> {
    let before = &comparison.rows[..first];
    let last = before
        .iter()
        .rev()
        .find(|row| row.a.is_some() && row.b.is_some() && row.is != Sameness::Before);
    match last {
        None if comparison.count(Sameness::Same) == 0 => {
            vec![Piece::text("Nothing is the same. ")]
        }
        None => vec![Piece::text("Different from the start. ")],
        Some(last) => {
            let [a, b] = marks(comparison, last.a, last.b, wall);
            let until = if a == b || b.is_empty() {
                format!("Same until {a}. ")
            } else {
                format!("Same until {a} in A, {b} in B. ")
            };
            vec![Piece::Text(until)]
        }
    }
}

fn all_equal(comparison: &Comparison) -> String {
    let same = comparison
        .rows
        .iter()
        .filter(|row| row.a.is_some() && row.b.is_some());
    let same = same.filter(|row| row.is != Sameness::Before).count();
    let mut said = match comparison.level {
        Level::Snapshots => "Nothing differs, as far as snapshots tell".to_owned(),
        Level::Changes | Level::Trace => match same {
            1 => "The one transition is equal".to_owned(),
            same => format!("All {} transitions are equal", grouped(same as u64)),
        },
    };
    for (is, name) in [(Sameness::SlowerInA, "A"), (Sameness::SlowerInB, "B")] {
        let slower = comparison.count(is) as u64;
        if slower > 0 {
            said.push_str(&format!(", {} slower in {name}", grouped(slower)));
        }
    }
    said.push('.');
    said
}

/// `#862`, or a time where there is no number.
#[must_use]
pub fn mark(item: &Item, wall: WallClock) -> String {
    match item.number {
        Some(number) => format!("#{number}"),
        None => wall.text(item.at.by, 1),
    }
}

fn marks(comparison: &Comparison, a: Option<u32>, b: Option<u32>, wall: WallClock) -> [String; 2] {
    let of = |side: usize, at: Option<u32>| {
        let item = comparison.item(side, at);
        item.map_or_else(String::new, |item| mark(item, wall))
    };
    [of(0, a), of(1, b)]
}

/// `added RouteLost`, `turned Driving on, Idle off`.
fn did(comparison: &Comparison, side: usize, at: Option<u32>) -> Vec<Piece> {
    let Some(item) = comparison.item(side, at) else {
        return Vec::new();
    };
    let mut line = Vec::new();
    match Call::of(&comparison.symbols, item.what).filter(|_| comparison.level == Level::Trace) {
        Some(call) => {
            line.push(Piece::text(verb(&call)));
            names(comparison, call.called.into_iter(), &mut line);
        }
        None => {
            let turned = comparison.symbols.list(item.turned);
            turn(comparison, turned, &mut line);
        }
    }
    line
}

fn verb(call: &Call) -> &'static str {
    let lists = [
        ["added ", "removed ", "set ", "toggled "],
        [
            "was refused ",
            "was refused to remove ",
            "was refused to set ",
            "was refused to toggle ",
        ],
        [
            "checked ",
            "checked to remove ",
            "checked to set ",
            "checked to toggle ",
        ],
        [
            "added by itself ",
            "removed by itself ",
            "set by itself ",
            "toggled by itself ",
        ],
    ];
    let list = match (call.is_check, call.is_canceled, call.is_auto) {
        (true, ..) => lists[2],
        (false, true, _) => lists[1],
        (false, false, true) => lists[3],
        (false, false, false) => lists[0],
    };
    match call.kind {
        MutationKind::Add => list[0],
        MutationKind::Remove => list[1],
        MutationKind::Set => list[2],
        MutationKind::Toggle => list[3],
    }
}

fn names(comparison: &Comparison, states: impl Iterator<Item = u32>, line: &mut Vec<Piece>) {
    for (at, state) in states.enumerate() {
        match at {
            0 => {}
            FEW => return line.push(Piece::text("…")),
            _ => line.push(Piece::text(", ")),
        }
        line.push(Piece::Name(state_name(comparison, state)));
    }
}

/// `turned Driving on, Idle off`.
fn turn(comparison: &Comparison, turned: &[u32], line: &mut Vec<Piece>) {
    if turned.is_empty() {
        return line.push(Piece::text("changed nothing"));
    }
    line.push(Piece::text("turned "));
    for (at, turned) in turned.iter().enumerate() {
        match at {
            0 => {}
            FEW => return line.push(Piece::text("…")),
            _ => line.push(Piece::text(", ")),
        }
        line.push(Piece::Name(state_name(comparison, turned >> 1)));
        line.push(Piece::text(if turned & 1 == 1 { " on" } else { " off" }));
    }
}

/// What one side turned and the other did not.
fn target(comparison: &Comparison, row: Row) -> Vec<Piece> {
    let of = |side: usize, at: Option<u32>| {
        let item = comparison.item(side, at);
        item.map_or(&[][..], |item| comparison.symbols.list(item.turned))
    };
    let (a, b) = (of(0, row.a), of(1, row.b));
    let beside = |one: &[u32], other: &[u32]| {
        let only = one.iter().copied().filter(|it| !other.contains(it));
        only.collect::<Vec<_>>()
    };
    let (only_a, only_b) = (beside(a, b), beside(b, a));
    let mut line = Vec::new();
    if !only_a.is_empty() {
        line.push(Piece::text("A "));
        turn(comparison, &only_a, &mut line);
        line.push(Piece::text(", B "));
    } else {
        line.push(Piece::text("A did not, B "));
    }
    if only_b.is_empty() {
        line.push(Piece::text("did not"));
    } else {
        turn(comparison, &only_b, &mut line);
    }
    line
}

/// The name of a state by its number.
#[must_use]
pub fn state_name(comparison: &Comparison, state: u32) -> Shown {
    let known = comparison.names.shown.get(state as usize);
    known.map_or_else(|| Shown::new("?"), |(name, _)| name.clone())
}

/// `add`, `remove`, `set`; `auto` when the engine called.
#[must_use]
pub fn mutation(call: &Call) -> &'static str {
    match (call.is_auto, call.kind) {
        (true, _) => "auto",
        (false, MutationKind::Add) => "add",
        (false, MutationKind::Remove) => "remove",
        (false, MutationKind::Set) => "set",
        (false, MutationKind::Toggle) => "toggle",
    }
}

/// What is known of a side.
#[must_use]
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Snapshots => "snapshots only",
        Level::Changes => "changes only",
        Level::Trace => "full trace",
    }
}

/// What has to be said beside the verdict: which side has less, what was left out.
#[must_use]
pub fn notes(comparison: &Comparison, wall: WallClock) -> Vec<String> {
    let mut notes = Vec::new();
    let [a, b] = comparison.sides.each_ref().map(|side| side.level);
    if comparison.level < Level::Trace {
        let who = match a.cmp(&b) {
            std::cmp::Ordering::Equal => format!("A and B have {}", level(a)),
            std::cmp::Ordering::Less => format!("A has {}, B {}", level(a), with_article(b)),
            std::cmp::Ordering::Greater => format!("B has {}, A {}", level(b), with_article(a)),
        };
        let what = match (comparison.level, a == b) {
            (Level::Changes, _) => "compared is what changed, not what was called.",
            (_, true) => {
                "compared is which states were on. What was on between two of them nobody knows."
            }
            (_, false) => {
                "compared is which states were on. What was seen between two snapshots is no difference."
            }
        };
        notes.push(format!("{who}: {what}"));
    }
    for (side, name) in comparison.sides.iter().zip(SIDES) {
        note_side(side, name, comparison.level, wall, &mut notes);
    }
    if comparison.is_cut {
        notes.push(SHORTEST.to_owned());
    }
    notes
}

fn with_article(of: Level) -> String {
    match of {
        Level::Trace => "a full trace".to_owned(),
        of => level(of).to_owned(),
    }
}

fn note_side(side: &Side, name: &str, level: Level, wall: WallClock, notes: &mut Vec<String>) {
    let left_out = grouped(side.left_out as u64);
    match (side.left_out, level) {
        (0, _) => {}
        (1, Level::Changes) => {
            notes.push(format!(
                "{name}: 1 transition that changed nothing is left out."
            ));
        }
        (_, Level::Changes) => notes.push(format!(
            "{name}: {left_out} transitions that changed nothing are left out."
        )),
        (count, _) => {
            let records = counted(count, "record", "records");
            let are = if count == 1 { "is" } else { "are" };
            notes.push(format!(
                "{name}: {records} after which the same states were on {are} left out."
            ));
        }
    }
    if side.missed > 0 {
        let missed = counted(side.missed as usize, "transition was", "transitions were");
        notes.push(format!("{name}: {missed} not received."));
    }
    if side.is_cut && side.items.len() as u64 + 1 >= MOST_ITEMS {
        notes.push(format!(
            "{name}: only the last {} transitions are compared.",
            grouped(MOST_ITEMS)
        ));
    } else if side.is_cut {
        let from = wall.text(side.span.0, 0);
        notes.push(format!("{name}: what came before {from} was dropped."));
    }
}

/// Where both sides begin: `aligned by first Assigned`.
#[must_use]
pub fn aligned(comparison: &Comparison) -> Vec<Piece> {
    use crate::model::compare::Alignment;
    match comparison.alignment {
        Alignment::Anchor => {
            let item = comparison.item(0, Some(comparison.begin.0 as u32));
            let call = item.and_then(|item| Call::of(&comparison.symbols, item.what));
            let mut line = vec![Piece::text("aligned by first ")];
            match call.filter(|call| comparison.level == Level::Trace && !call.called.is_empty()) {
                Some(call) => names(comparison, call.called.into_iter(), &mut line),
                None => line.push(Piece::text("in common")),
            }
            line
        }
        Alignment::MachineTime => vec![Piece::text("aligned by machine time")],
        Alignment::Start => vec![Piece::text("aligned by start")],
        Alignment::Hand(..) => vec![Piece::text("aligned by hand")],
    }
}

/// The last line of a side: `End of A: Ready off, RouteLost on, 915 transitions`.
#[must_use]
pub fn end(comparison: &Comparison, side: usize) -> Vec<Piece> {
    let mut line = vec![Piece::Text(format!("End of {}: ", SIDES[side]))];
    let (states, _) = comparison.states();
    let differ = states.iter().filter(|state| state.ends_otherwise());
    for state in differ.take(FEW) {
        if let Some(end) = &state.sides[side] {
            line.push(Piece::Name(state.name.clone()));
            line.push(Piece::text(if end.is_on() { " on, " } else { " off, " }));
        }
    }
    let count = comparison.sides[side].items.len();
    let words = match comparison.level {
        Level::Snapshots => counted(count, "clock", "clocks"),
        Level::Changes | Level::Trace => counted(count, "transition", "transitions"),
    };
    line.push(Piece::Text(words));
    line
}

/// A stretch of time, with the day where that is not the day of the page: `14:17 to 14:32`, `19 Nov 09:02 to 09:16`.
#[must_use]
pub fn span((from, to): (Seen, Seen), wall: WallClock, now: Seen) -> String {
    let minute = |at| wall.text(at, 0).chars().take(5).collect::<String>();
    let day = |at: Seen| wall.start.saturating_add(at.0) / DAY;
    let until = format!("{} to {}", minute(from), minute(to));
    if day(from) == day(now) {
        return format!("today {until}");
    }
    let (month, day) = date(day(from));
    format!("{day} {} {until}", MONTHS[month])
}

/// Month from 0 and day of so many days since 1970, by years that begin in March.
fn date(days: u64) -> (usize, u64) {
    let days = (days + 719_468) % 146_097;
    let year = (days - days / 1_460 + days / 36_524 - days / 146_096) / 365;
    let days = days - (365 * year + year / 4 - year / 100);
    let month = (5 * days + 2) / 153;
    let day = days - (153 * month + 2) / 5 + 1;
    (((month + 2) % 12) as usize, day)
}

/// A state at the end of a side: `on, tick 9, came on 3 times, 12.4 s`.
#[must_use]
pub fn state_end(end: &crate::model::compare::StateEnd, is_exact: bool) -> [String; 3] {
    let times = match end.activations {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        times => format!("{} times", grouped(times)),
    };
    let about = if is_exact { "" } else { "~" };
    [
        format!("tick {}", grouped(end.tick)),
        times,
        format!("{about}{}", age_text(end.on)),
    ]
}

/// States that are the same in both.
#[must_use]
pub fn same_states(count: usize) -> String {
    match count {
        1 => "1 state is the same in both.".to_owned(),
        count => format!("{} states are the same in both.", grouped(count as u64)),
    }
}

/// Records that came since it was compared.
#[must_use]
pub fn again(since: u64) -> String {
    format!("Compare again: {} more since", grouped(since))
}

/// Seconds from where both part: `-7.6 s`.
#[must_use]
pub fn apart(at: Seen, from: Seen) -> String {
    let (sign, ms) = if at < from {
        ("-", from.since(at))
    } else {
        ("", at.since(from))
    };
    format!("{sign}{}", age_text(ms))
}

/// States named in one place.
const FEW: usize = 3;
const DAY: u64 = 86_400_000;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_spans() {
        for (days, expected) in [
            (0, (0, 1)),
            (58, (1, 28)),
            (59, (2, 1)),
            (789, (1, 29)),
            (790, (2, 1)),
            (20_776, (10, 19)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
        let wall = WallClock {
            start: 20_776 * DAY + 9 * 3_600_000,
        };
        let hour = |hour: u64| Seen(hour * 3_600_000);
        assert_eq!(
            span((hour(0), hour(1)), wall, hour(2)),
            "today 09:00 to 10:00"
        );
        assert_eq!(
            span((hour(0), hour(1)), wall, hour(24)),
            "19 Nov 09:00 to 10:00"
        );
    }

    #[test]
    fn small_words() {
        assert_eq!(aligning(12), "Comparing… 12 %");
        assert_eq!(apart(Seen(2_400), Seen(10_000)), "-7.6 s");
        assert_eq!(apart(Seen(10_000), Seen(10_000)), "0.0 s");
        assert_eq!(
            folded(Fold::Same, 857, Level::Trace),
            "857 equal transitions"
        );
        assert_eq!(folded(Fold::Same, 1, Level::Snapshots), "1 equal clock");
        assert_eq!(
            folded(Fold::Between, 3, Level::Snapshots),
            "3 clocks between snapshots"
        );
        assert_eq!(again(12), "Compare again: 12 more since");
    }
}
