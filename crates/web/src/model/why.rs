//! Why a state is on or off, from schema, clock, and what is recorded of the last changes (dashboard design 4.6).
//!
//! The chain of unmet requirements is followed to its first leaf; who holds a leaf off is named with it. What nobody
//! recorded is said to be unknown.

use statemesh::core::collections::OrderedSet;

use super::{Interval, Piece, SchemaFacts, Seen, WallClock, is_active};
use crate::history::{ChangeDetail, Reason};
use crate::words::machine as say;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// `Why is Ready off?`
    pub title: Vec<Piece>,
    /// Sentences, the nearest reason first.
    pub lines: Vec<Vec<Piece>>,
}

/// What the answer is read from.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Schema at the cursor.
    pub schema: &'a SchemaFacts,
    /// Clock at the cursor.
    pub clock: &'a [u64],
    /// Since when the machine is known.
    pub since: Option<Seen>,
    /// Local time.
    pub wall: WallClock,
    /// The last change of a state before the cursor.
    pub last: &'a dyn Fn(usize) -> Option<ChangeDetail>,
}

/// Explains a state.
#[must_use]
pub fn why(known: Known<'_>, state: usize) -> Why {
    let is_on = is_active(known.clock, state);
    let word = if is_on { " on?" } else { " off?" };
    let title = vec![Piece::text("Why is "), known.name(state), Piece::text(word)];
    let lines = if is_on {
        known.on(state)
    } else {
        known.off(state)
    };
    Why { title, lines }
}

impl Known<'_> {
    fn name(&self, state: usize) -> Piece {
        Piece::Data(say::state_name(self.schema, state), "")
    }

    fn off(&self, state: usize) -> Vec<Vec<Piece>> {
        let mut lines = Vec::new();
        let mut seen = OrderedSet::new();
        self.unmet(state, &mut seen, &mut lines);
        let is_held = !lines.is_empty();
        let facts = self.schema.states.get(state);
        if !is_held {
            let words = if facts.is_some_and(|it| it.auto) {
                " is Auto and nothing in the schema keeps it off: its owner's handlers do, or nothing happened yet."
            } else {
                ": nothing in the schema keeps it off. Nobody called it, or a handler refused."
            };
            lines.push(vec![self.name(state), Piece::text(words)]);
        } else if facts.is_some_and(|it| it.auto) {
            lines.push(vec![
                self.name(state),
                Piece::text(" is Auto: it comes by itself when that is over."),
            ]);
        }
        let mut last = vec![self.name(state), Piece::text(" ")];
        last.extend(self.ended(state));
        lines.push(last);
        lines.truncate(MAX_LINES);
        lines
    }

    /// What a state misses, down to what misses nothing itself.
    fn unmet(&self, state: usize, seen: &mut OrderedSet<usize>, lines: &mut Vec<Vec<Piece>>) {
        if !seen.insert(state) || lines.len() >= MAX_LINES {
            return;
        }
        let Some(facts) = self.schema.states.get(state) else {
            return;
        };
        for ghost in &facts.unknown {
            lines.push(vec![
                self.name(state),
                Piece::text(" requires "),
                Piece::Data(ghost.clone(), ""),
                Piece::text(", which is not in the schema: it can never be on."),
            ]);
        }
        let unmet = facts.requires.iter().copied();
        for needed in unmet.filter(|&at| !is_active(self.clock, at)) {
            let mut line = vec![
                self.name(state),
                Piece::text(" requires "),
                self.name(needed),
                Piece::text(", "),
            ];
            line.extend(self.off_since(needed));
            lines.push(line);
            self.unmet(needed, seen, lines);
        }
        let removers = facts.removed_by.iter().copied();
        for remover in removers.filter(|&at| at != state && is_active(self.clock, at)) {
            let mut line = vec![
                self.name(state),
                Piece::text(" is held off by "),
                self.name(remover),
                Piece::text(", "),
            ];
            line.extend(self.on_since(remover));
            lines.push(line);
        }
    }

    fn on(&self, state: usize) -> Vec<Vec<Piece>> {
        let mut line = vec![self.name(state), Piece::text(" ")];
        line.extend(match (self.last)(state) {
            Some(last) => self.since("is on since ", "went on ", &last),
            None => vec![Piece::Text(format!("is on since before {}.", self.first()))],
        });
        let mut lines = vec![line];
        if let Some(last) = (self.last)(state) {
            let reason = last.of(state).map_or(Reason::Unknown, |(_, reason)| reason);
            let words = say::reason(&last.schema, reason);
            let mut by = match (&last.head, reason) {
                (None, _) | (_, Reason::Unknown) => vec![Piece::text(say::CALLER_UNKNOWN)],
                (Some(_), Reason::Called) => vec![Piece::text("It was called.")],
                (Some(_), Reason::Auto) => vec![Piece::text("It is Auto: the engine called it.")],
                (Some(_), _) => {
                    // The words go on from a comma.
                    let mut by = vec![Piece::text("It was ")];
                    by.extend(words.into_iter().map(|piece| match piece {
                        Piece::Text(text) => Piece::Text(text.trim_start_matches(", ").to_owned()),
                        other => other,
                    }));
                    by.push(Piece::text("."));
                    by
                }
            };
            if !by.is_empty() {
                lines.push(std::mem::take(&mut by));
            }
        }
        lines
    }

    fn on_since(&self, state: usize) -> Vec<Piece> {
        match (self.last)(state) {
            Some(last) => self.since("on since ", "which went on ", &last),
            None => vec![Piece::Text(format!("on since before {}.", self.first()))],
        }
    }

    fn off_since(&self, state: usize) -> Vec<Piece> {
        match (self.last)(state) {
            Some(last) => self.since("off since ", "which went off ", &last),
            None if self.clock.get(state).copied().unwrap_or(0) == 0 => {
                vec![Piece::text("which was never on.")]
            }
            None => vec![Piece::Text(format!("off since before {}.", self.first()))],
        }
    }

    /// The last time it was on, and what ended it.
    fn ended(&self, state: usize) -> Vec<Piece> {
        match (self.last)(state) {
            Some(last) => {
                let mut line = self.since("is off since ", "went off ", &last);
                let reason = last.of(state).map_or(Reason::Unknown, |(_, reason)| reason);
                let words = say::reason(&last.schema, reason);
                if !words.is_empty() {
                    line.pop();
                    line.extend(words);
                    line.push(Piece::text("."));
                }
                line
            }
            None if self.clock.get(state).copied().unwrap_or(0) == 0 => {
                vec![Piece::text("was never on.")]
            }
            None => vec![Piece::Text(format!(
                "is off since before {}.",
                self.first()
            ))],
        }
    }

    /// `off since #862 add RouteLost, 14:32:08.611.`; of an interval `went off between … and ….`
    fn since(&self, exact: &str, between: &str, last: &ChangeDetail) -> Vec<Piece> {
        if last.at.after != Some(last.at.by) {
            let words = self.wall.interval(Interval { ..last.at });
            return vec![Piece::Text(format!("{between}{words}")), Piece::text(".")];
        }
        let at = self.wall.text(last.at.by, 3);
        let Some(number) = last.number else {
            return vec![Piece::Text(format!("{exact}{at}")), Piece::text(".")];
        };
        let mut line = vec![Piece::Text(format!("{exact}#{number}"))];
        if let Some(head) = &last.head {
            line.push(Piece::Text(format!(" {}", say::mutation(head))));
            for called in &head.called {
                line.push(Piece::text(" "));
                line.push(Piece::Data(
                    say::state_name(&last.schema, *called as usize),
                    "",
                ));
            }
        }
        line.push(Piece::Text(format!(", {at}")));
        line.push(Piece::text("."));
        line
    }

    fn first(&self) -> String {
        let since = self.since.unwrap_or_default();
        self.wall.text(since, 0)
    }
}

/// Sentences of one answer (guess: more are not read).
const MAX_LINES: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use statemesh::{SchemaDef, StateDef};

    use super::*;
    use crate::history::{Limits, Recorder, known_since, last_change};
    use crate::model::fixture::{learned, reading};
    use crate::model::{Input, Learned};

    fn schema() -> SchemaDef {
        SchemaDef::new()
            .state("Start", StateDef::new())
            .state(
                "Ready",
                StateDef::new().auto().require(["Start", "Connected"]),
            )
            .state("Connected", StateDef::new().require(["Linked"]))
            .state("Linked", StateDef::new())
            .state("Broken", StateDef::new().remove(["Linked"]))
            .state("Ghostly", StateDef::new().require(["Ghost"]))
    }

    /// The sentences about a state after these clocks, a second apart.
    fn say(clocks: &[[u64; 6]], state: usize) -> (String, Vec<String>) {
        let facts = Arc::new(SchemaFacts::new(&schema()));
        let mut recorder = Recorder::new(Limits::default());
        let first = Learned {
            schema: facts.clone(),
            reading: reading(&clocks[0], 0, 0),
            ..learned("m", &[])
        };
        let key = first.key;
        recorder.take(&Input::Learned(first), Seen(1_000));
        for (at, clock) in (2..).zip(&clocks[1..]) {
            let read = reading(clock, (at - 1) * 1_000, at * 1_000);
            recorder.take(&Input::Read(key, read), Seen(at * 1_000));
        }
        let track = recorder.history().track(&key).unwrap();
        let newest = recorder.history().newest();
        let known = Known {
            schema: &facts,
            clock: track.clock(),
            since: known_since(track),
            wall: WallClock::default(),
            last: &|state| last_change(track, state, newest),
        };
        let answer = why(known, state);
        let lines = answer.lines.iter().map(|line| Piece::plain(line));
        (Piece::plain(&answer.title), lines.collect())
    }

    #[test]
    fn a_deep_chain_ends_at_the_leaf_and_the_interval() {
        let (title, lines) = say(&[[1, 1, 1, 1, 0, 0], [1, 2, 2, 2, 1, 0]], 1);
        assert_eq!(title, "Why is Ready off?");
        let between = "went off between 00:00:01.0 and 00:00:02.0.";
        assert_eq!(
            lines,
            [
                format!("Ready requires Connected, which {between}"),
                format!("Connected requires Linked, which {between}"),
                "Linked is held off by Broken, which went on between 00:00:01.0 and 00:00:02.0."
                    .to_owned(),
                "Ready is Auto: it comes by itself when that is over.".to_owned(),
                format!("Ready {between}"),
            ]
        );
    }

    #[test]
    fn what_was_never_on_or_never_seen_is_said() {
        let never = [1, 0, 0, 0, 0, 0];
        let (_, lines) = say(&[never], 2);
        assert_eq!(
            lines,
            [
                "Connected requires Linked, which was never on.",
                "Connected was never on."
            ]
        );
        let (_, lines) = say(&[[1, 0, 0, 4, 0, 0]], 3);
        assert_eq!(
            lines,
            [
                "Linked: nothing in the schema keeps it off. Nobody called it, or a handler refused.",
                "Linked is off since before 00:00:01.",
            ]
        );
        let (_, lines) = say(&[never], 5);
        assert_eq!(
            lines[0],
            "Ghostly requires Ghost, which is not in the schema: it can never be on."
        );
        let (title, lines) = say(&[[1, 0, 0, 4, 0, 0]], 0);
        assert_eq!(title, "Why is Start on?");
        assert_eq!(lines, ["Start is on since before 00:00:01."]);
        let (_, lines) = say(&[never, [1, 0, 0, 1, 0, 0]], 3);
        assert_eq!(
            lines,
            [
                "Linked went on between 00:00:01.0 and 00:00:02.0.",
                say::CALLER_UNKNOWN
            ]
        );
    }

    #[test]
    fn states_that_require_each_other_do_not_go_round_for_ever() {
        let def = SchemaDef::new()
            .state("A", StateDef::new().require(["B"]))
            .state("B", StateDef::new().require(["A"]));
        let facts = SchemaFacts::new(&def);
        let known = Known {
            schema: &facts,
            clock: &[0, 0],
            since: None,
            wall: WallClock::default(),
            last: &|_| None,
        };
        assert_eq!(why(known, 0).lines.len(), 3);
    }
}
