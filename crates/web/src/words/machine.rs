//! What the Machine view says: rain, the change at the cursor, why a state is on or off, what if, matrix.

use statemesh::StateIdx;
use statemesh::core::engine::{Handler, MutationKind};

use super::{counted, flicker};
use crate::history::{ChangeDetail, Gap, Head, Known, Missed, RainEvent, RainRow, Reason};
use crate::model::{
    Block, Interval, Piece, SchemaFacts, Shown, StateRow, WallClock, WhatIf, age_text, grouped,
};

/// What a snapshot cannot say.
pub const SNAPSHOTS_ONLY: &str =
    "Owner sends snapshots only: who called what, and in which order, is unknown.";
/// What a feed of changes cannot say.
pub const CHANGES_ONLY: &str = "Owner sends changes only: what was called is unknown.";
/// The tab's first look at a machine.
pub const FIRST_LOOK: &str = "First seen";
/// The first look after its owner began anew.
pub const NEW_RUN: &str = "Restarted";
/// A record that has lost what it changed.
pub const THINNED: &str = "A change whose details were dropped to save room";
/// Who called is not in what came.
pub const CALLER_UNKNOWN: &str = "Who called it was not sent.";
/// It would be refused, and no single state is to blame.
pub const NO_FIT: &str =
    "The relations of these states and of the active ones do not fit together.";
/// Nothing was chosen yet.
pub const CHOOSE: &str = "Choose a mutation and the states it calls.";
/// Legend of the matrix.
pub const MATRIX: &str = "Row needs q, adds a, removes r, runs after f column";
/// What if never asks anybody.
pub const WHAT_IF: &str = "Handlers are not run, the owner may still veto.";

/// The name of a state.
#[must_use]
pub fn state_name(schema: &SchemaFacts, state: usize) -> Shown {
    let facts = schema.states.get(state);
    facts.map_or_else(|| Shown::new(&format!("#{state}")), |it| it.shown.clone())
}

/// `add`, `remove`, `set`; `auto` when the engine called.
#[must_use]
pub fn mutation(head: &Head) -> &'static str {
    match (head.is_auto, head.kind) {
        (true, _) => "auto",
        (false, MutationKind::Add) => "add",
        (false, MutationKind::Remove) => "remove",
        (false, MutationKind::Set) => "set",
        (false, MutationKind::Toggle) => "toggle",
    }
}

/// What became of a transition.
#[must_use]
pub fn result(head: &Head) -> &'static str {
    match (head.is_check, head.is_canceled) {
        (false, false) => "executed",
        (false, true) => "canceled",
        (true, false) => "check passed",
        (true, true) => "check refused",
    }
}

/// `tick 318, waited for its turn, took 0.4 ms`; nothing where nobody said it.
#[must_use]
pub fn queue(head: &Head) -> Option<String> {
    let tick = head
        .queue_tick
        .map(|tick| format!("tick {}", grouped(tick)));
    let waited = head.is_queued.then(|| "waited for its turn".to_owned());
    let took = head.duration.map(|micros| {
        let (ms, rest) = (micros / 1_000, micros % 1_000 / 100);
        if micros < 100 {
            "took less than 0.1 ms".to_owned()
        } else {
            format!("took {}.{rest} ms", grouped(ms))
        }
    });
    let parts: Vec<String> = [tick, waited, took].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `Snapshot: 4 changes in at most 5.0 s`.
#[must_use]
pub fn snapshot(ticks: u64, at: Interval) -> String {
    let changes = changes(ticks);
    match at.after {
        Some(after) if after == at.by => format!("Snapshot: {changes}"),
        Some(after) => format!(
            "Snapshot: {changes} in at most {}",
            age_text(at.by.since(after))
        ),
        None => format!("Snapshot: {changes}, since when is unknown"),
    }
}

/// `1 change`, `4 changes`.
#[must_use]
pub fn changes(count: u64) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    counted(count, "change", "changes")
}

/// `851, 852 not received: 3 ticks missed, order unknown`.
#[must_use]
pub fn gap(gap: &Gap) -> String {
    let mut names = Vec::new();
    for &(first, last) in &gap.numbers {
        match last - first {
            0 => names.push(first.to_string()),
            1 => names.extend([first.to_string(), last.to_string()]),
            _ => names.push(format!("{first}-{last}")),
        }
    }
    if gap.unlisted > 0 {
        names.push(format!("and {} more", grouped(gap.unlisted)));
    }
    let names = names.join(", ");
    match gap.missed {
        Missed::Ticks(1) => format!("{names} not received: 1 tick missed"),
        Missed::Ticks(ticks) => format!(
            "{names} not received: {} missed, order unknown",
            super::ticks(ticks)
        ),
        Missed::Merged => format!("{names} not received: missed ticks are in the change after it"),
        Missed::Open | Missed::CameLate => {
            format!("{names} not received: missed ticks not known yet")
        }
    }
}

/// Why a state changed; empty when nobody knows.
#[must_use]
pub fn reason(schema: &SchemaFacts, reason: Reason) -> Vec<Piece> {
    let with = |words: &'static str, state: usize| {
        vec![
            Piece::text(words),
            Piece::Data(state_name(schema, state), ""),
        ]
    };
    match reason {
        Reason::Unknown => Vec::new(),
        Reason::Called => vec![Piece::text(", called")],
        Reason::Auto => vec![Piece::text(", auto")],
        Reason::AddedBy(state) => with(", added by ", state),
        Reason::RemovedBy(state) => with(", removed by ", state),
        Reason::Needs(state) => with(", needs ", state),
        Reason::NotInSet => vec![Piece::text(", not in the set")],
    }
}

/// A handler as its owner names it: `RouteLostEnter`, `DrivingExit`.
#[must_use]
pub fn handler(schema: &SchemaFacts, handler: Handler) -> String {
    let name = |state: StateIdx| state_name(schema, usize::from(state.0)).plain();
    match handler {
        Handler::Exit(state) => format!("{}Exit", name(state)),
        Handler::Enter(state) => format!("{}Enter", name(state)),
        Handler::Stay(state) => format!("{0}{0}", name(state)),
        Handler::Pair(from, to) => format!("{}{}", name(from), name(to)),
        Handler::AnyEnter => "AnyEnter".to_owned(),
        Handler::End(state) => format!("{}End", name(state)),
        Handler::State(state) => format!("{}State", name(state)),
        Handler::AnyState => "AnyState".to_owned(),
    }
}

/// `5 of 19 states changed`.
#[must_use]
pub fn of_states(changed: usize, states: usize) -> String {
    let states = counted(states, "state", "states");
    format!("{} of {states} changed", grouped(changed as u64))
}

/// What an interval hides: `4 ticks, order unknown`.
#[must_use]
pub fn unordered(ticks: u64) -> String {
    match ticks {
        0 | 1 => super::ticks(ticks),
        ticks => format!("{}, order unknown", super::ticks(ticks)),
    }
}

/// Owner's time as the page shows local time: `14:32:08.596`.
#[must_use]
pub fn owner_time(micros: u64, zone_ms: i64) -> String {
    let ms = (micros / 1_000).saturating_add_signed(zone_ms);
    WallClock { start: ms }.text(crate::model::Seen(0), 3)
}

/// A new run of the owner.
#[must_use]
pub fn restarted(epoch: u64) -> String {
    format!(
        "Earlier transitions belong to epoch {}.",
        epoch.saturating_sub(1)
    )
}

/// What the clock shown does not have.
#[must_use]
pub fn not_in_clock(known: &Known) -> Option<String> {
    match known {
        Known::Exactly => None,
        Known::Without(missing) => Some(gap(missing)),
        Known::Before { records } => Some(format!(
            "The clock is older: what {} changed was dropped to save room.",
            counted(
                usize::try_from(*records).unwrap_or(usize::MAX),
                "record",
                "records"
            )
        )),
    }
}

/// The same as it is spoken: `courier-17 transition 862 of 915`.
#[must_use]
pub fn spoken_record(machine: &str, change: &ChangeDetail) -> String {
    let (row, total) = change.row;
    let word = change.number.map_or("record", |_| "transition");
    format!("{machine} {word} {} of {total}", row + 1)
}

/// Which record of how many is at the cursor: what it is called, its number, the rest.
#[must_use]
pub fn record_of(change: &ChangeDetail) -> (&'static str, String, String) {
    let (row, total) = change.row;
    let (row, total) = (grouped(row as u64 + 1), grouped(total as u64));
    if change.is_filtered {
        let number = change.number.map_or_else(String::new, grouped);
        return ("tx ", number, format!(", filtered out of {total}"));
    }
    match change.number {
        Some(number) => ("tx ", grouped(number), format!(", record {row} of {total}")),
        None => ("record ", row, format!(" of {total}")),
    }
}

/// History was cut to save room.
#[must_use]
pub fn trimmed(time: &str) -> String {
    format!("Older than {time} was dropped to stay under 300 MB. Export or record to keep more.")
}

/// `58 states without a change in this window are hidden.`
#[must_use]
pub fn hidden_states(count: usize) -> String {
    let states = counted(count, "state", "states");
    let are = if count == 1 { "is" } else { "are" };
    format!("{states} without a change in this window {are} hidden. ")
}

/// A row of the rain as it is spoken: `862, add RouteLost, executed, on: RouteLost, Waiting; off: RouteOk`.
#[must_use]
pub fn rain_row(row: &RainRow, schema: &SchemaFacts, wall: WallClock) -> String {
    let name = |state: usize| state_name(schema, state).plain();
    match &row.event {
        RainEvent::Gap(missing) => gap(missing),
        RainEvent::FirstLook(at, new_run) => {
            let word = if *new_run { NEW_RUN } else { FIRST_LOOK };
            format!("{word}, {}", wall.text(*at, 3))
        }
        RainEvent::Thinned(at) => format!("{THINNED}, {}", wall.text(*at, 3)),
        RainEvent::Change {
            at,
            number,
            head,
            changes,
        } => {
            let mut parts: Vec<String> = number.iter().map(u64::to_string).collect();
            match head {
                Some(head) => {
                    let called: Vec<String> =
                        head.called.iter().map(|&at| name(at as usize)).collect();
                    parts.push(format!("{} {}", mutation(head), called.join(" ")));
                    parts.push(result(head).to_owned());
                    if head.is_queued {
                        parts.push("waited".to_owned());
                    }
                    if let Some(cause) = &head.source {
                        let machine = Shown::new(&cause.machine).plain();
                        parts.push(format!("from {machine} #{}", cause.number));
                    }
                }
                None if number.is_some() => parts.push("change".to_owned()),
                None => {
                    let ticks = changes.iter().map(|it| it.ticks());
                    parts.push(snapshot(ticks.fold(0, u64::saturating_add), *at));
                    parts.push(wall.interval(*at));
                }
            }
            let sides = [
                ("on", 1, true),
                ("off", 0, true),
                ("on and off", 0, false),
                // Nothing comes between the two ticks of one transition.
                (
                    if head.is_some() {
                        "again"
                    } else {
                        "off and on"
                    },
                    1,
                    false,
                ),
            ];
            let sides = sides.into_iter().filter_map(|(word, parity, odd)| {
                let states = changes
                    .iter()
                    .filter(|it| it.after % 2 == parity && (it.ticks() % 2 == 1) == odd);
                let names: Vec<String> = states.map(|it| name(it.state)).collect();
                (!names.is_empty()).then(|| format!("{word}: {}", names.join(", ")))
            });
            let sides: Vec<String> = sides.collect();
            if !sides.is_empty() {
                parts.push(sides.join("; "));
            }
            parts.join(", ")
        }
    }
}

/// What the change at the cursor did to a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// It was called.
    pub is_called: bool,
    /// And refused.
    pub is_refused: bool,
    /// `+1`, `+1 off`.
    pub moved: Option<String>,
    /// A handler of it ran.
    pub ran: bool,
}

/// What the mark `*` of a state means.
pub const RAN: &str = "handler ran";

/// The marks of one state.
#[must_use]
pub fn marks(change: Option<&ChangeDetail>, state: usize) -> Marks {
    let Some(change) = change else {
        return Marks::default();
    };
    let is_called = change.is_called(state);
    let is_canceled = change.head.as_ref().is_some_and(|head| head.is_canceled);
    Marks {
        is_called,
        is_refused: is_called && is_canceled,
        moved: change.of(state).map(|(moved, _)| {
            let off = if moved.after % 2 == 0 { " off" } else { "" };
            format!("+{}{off}", moved.ticks())
        }),
        ran: false,
    }
}

/// A state as it is spoken: `Ready, inactive, tick 8, changed by this transition`.
#[must_use]
pub fn state_row(row: &StateRow, marks: &Marks) -> String {
    let activity = if row.active { "active" } else { "inactive" };
    let mut text = format!("{}, {activity}, tick {}", row.shown.plain(), row.tick);
    for (is, word) in [
        (row.multi, ", multi"),
        (row.auto, ", auto"),
        (row.error && row.active, ", error"),
        (marks.is_called, ", called"),
        (marks.is_refused, ", refused"),
        (marks.moved.is_some(), ", changed by this transition"),
        (marks.ran, ", handler ran"),
    ] {
        if is {
            text.push_str(word);
        }
    }
    text
}

/// The state whose name begins with, else holds, what was typed; from the selected one on.
#[must_use]
pub fn search(
    states: &[StateRow],
    order: &[usize],
    typed: &str,
    selected: Option<usize>,
) -> Option<usize> {
    let typed = typed.to_ascii_lowercase();
    let from = order
        .iter()
        .position(|at| Some(*at) == selected)
        .unwrap_or(0);
    // One letter again goes to the next.
    let from = if typed.chars().count() == 1 && selected.is_some() {
        from + 1
    } else {
        from
    };
    let (before, after) = order.split_at(from.min(order.len()));
    let names = after
        .iter()
        .chain(before)
        .map(|at| (*at, states[*at].name.to_ascii_lowercase()));
    let names: Vec<(usize, String)> = names.collect();
    let begins = names.iter().find(|(_, name)| name.starts_with(&typed));
    let found = begins.or_else(|| names.iter().find(|(_, name)| name.contains(&typed)));
    found.map(|(at, _)| *at)
}

/// What would become of a mutation, in a word or two.
#[must_use]
pub fn what_if(answer: &WhatIf) -> String {
    match (answer.accepted, answer.on.len() + answer.off.len()) {
        (false, _) => "It would be canceled.".to_owned(),
        (true, 0) => "It would be accepted and change nothing.".to_owned(),
        (true, changed) => {
            let states = counted(changed, "state", "states");
            format!("It would be accepted: {states} would change.")
        }
    }
}

/// Who blocks it.
#[must_use]
pub fn block(schema: &SchemaFacts, block: &Block) -> Vec<Piece> {
    let name = |state: usize| Piece::Data(state_name(schema, state), "");
    match *block {
        Block::Needs(state, needed) => vec![
            name(state),
            Piece::text(" requires "),
            name(needed),
            Piece::text(", which would be off."),
        ],
        Block::Ghost(state) => vec![
            name(state),
            Piece::text(" requires a state that is not in the schema."),
        ],
        Block::Removes(by, state) => {
            vec![
                name(by),
                Piece::text(" removes "),
                name(state),
                Piece::text("."),
            ]
        }
    }
}

/// What a changed state did: `on`, `off`; in an interval `+4 ticks, on and off twice`.
#[must_use]
pub fn moved(before: u64, after: u64, is_transition: bool) -> String {
    let is_on = after % 2 == 1;
    match (after.saturating_sub(before), is_transition, is_on) {
        (0, ..) => "restarted".to_owned(),
        (2, true, true) => "called again".to_owned(),
        (1, _, true) => "on".to_owned(),
        (1, _, false) => "off".to_owned(),
        (ticks, ..) => flicker(ticks, is_on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Position, StateChange};
    use crate::model::Seen;
    use crate::model::fixture::schema;

    #[test]
    fn gaps_say_what_is_known_of_them() {
        let say = |numbers: &[(u64, u64)], missed| {
            gap(&Gap {
                numbers: numbers.to_vec(),
                unlisted: 0,
                from: Position::default(),
                to: Position::default(),
                missed,
            })
        };
        for (numbers, missed, words) in [
            (
                &[(851, 852)][..],
                Missed::Ticks(3),
                "851, 852 not received: 3 ticks missed, order unknown",
            ),
            (
                &[(851, 851)],
                Missed::Ticks(1),
                "851 not received: 1 tick missed",
            ),
            (
                &[(5, 9), (12, 12)],
                Missed::Open,
                "5-9, 12 not received: missed ticks not known yet",
            ),
            (
                &[(7, 7)],
                Missed::Merged,
                "7 not received: missed ticks are in the change after it",
            ),
        ] {
            assert_eq!(say(numbers, missed), words);
        }
    }

    #[test]
    fn rows_are_spoken_whole() {
        let at = Interval {
            after: Some(Seen(2_000)),
            by: Seen(7_000),
        };
        let change = |state, before, after| StateChange {
            state,
            before,
            after,
        };
        let say = |number, head, changes: &[StateChange]| {
            let event = RainEvent::Change {
                at,
                number,
                head,
                changes: changes.to_vec(),
            };
            let row = RainRow {
                row: 0,
                position: Position::default(),
                event,
                cells: Vec::new(),
                is_filtered: false,
            };
            rain_row(&row, &schema(), WallClock::default())
        };
        assert_eq!(
            say(
                None,
                None,
                &[change(1, 0, 1), change(2, 1, 4), change(3, 0, 2)]
            ),
            "Snapshot: 6 changes in at most 5.0 s, between 00:00:02.0 and 00:00:07.0, on: Ready; off: Busy; on and off: Exception"
        );
        let head = Head {
            kind: MutationKind::Remove,
            called: vec![0, 1],
            is_auto: false,
            is_check: false,
            is_canceled: true,
            is_queued: false,
            source: None,
            queue_tick: None,
            duration: None,
        };
        assert_eq!(
            say(Some(862), Some(head), &[]),
            "862, remove Start Ready, canceled"
        );
        assert_eq!(
            say(Some(7), None, &[change(0, 0, 1)]),
            "7, change, on: Start"
        );
    }

    #[test]
    fn intervals_and_transitions_say_the_same_ticks_differently() {
        assert_eq!(moved(4, 8, false), "+4 ticks, on and off twice");
        assert_eq!(moved(5, 7, true), "called again");
        assert_eq!(moved(5, 7, false), "+2 ticks, off and on once");
        assert_eq!(moved(4, 5, false), "on");
    }
}
