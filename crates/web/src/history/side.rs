//! What a trace may bring beside a transition: steps, refusals, log lines, arguments. Optional, packed, and the first to
//! leave when room is short.
//!
//! Texts are their owners': cut here, shown as text only.

use statemesh::StateIdx;
use statemesh::core::engine::{Handler, Relation, Step};

use super::bytes::{Reader, put, put_bytes};

/// Beside one transition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Decisions, in order; handlers that were called are among them.
    pub steps: Vec<Step>,
    /// Handlers that did not accept, and what they said.
    pub refusals: Vec<RefusedBy>,
    /// Log lines.
    pub log: Vec<LogLine>,
    /// Arguments as the owner prints them.
    pub arguments: String,
}

/// A handler did not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBy {
    /// Which.
    pub handler: Handler,
    /// What it said; may be empty.
    pub reason: String,
}

/// A line of the machine's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Level, from 0.
    pub level: u8,
    /// The line.
    pub text: String,
}

impl Side {
    /// Nothing beside it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Without what its owner may not want to share: log and arguments.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        self.log.clear();
        self.arguments.clear();
        for refused in &mut self.refusals {
            refused.reason.clear();
        }
        self
    }

    /// Packed; what is too much is cut.
    pub(super) fn pack(&self) -> Box<[u8]> {
        let mut bytes = Vec::new();
        let steps = &self.steps[..self.steps.len().min(MAX_ITEMS)];
        put(&mut bytes, steps.len() as u64);
        for step in steps {
            put_step(&mut bytes, *step);
        }
        let refusals = &self.refusals[..self.refusals.len().min(MAX_ITEMS)];
        put(&mut bytes, refusals.len() as u64);
        for refused in refusals {
            put_handler(&mut bytes, refused.handler);
            put_bytes(&mut bytes, cut(&refused.reason).as_bytes());
        }
        let log = &self.log[..self.log.len().min(MAX_LINES)];
        put(&mut bytes, log.len() as u64);
        for line in log {
            put(&mut bytes, u64::from(line.level));
            put_bytes(&mut bytes, cut(&line.text).as_bytes());
        }
        put_bytes(&mut bytes, cut(&self.arguments).as_bytes());
        bytes.into_boxed_slice()
    }

    /// The other way; `None`: no such bytes were packed.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let reader = &mut Reader::new(bytes);
        let mut side = Self::default();
        for _ in 0..reader.count()? {
            side.steps.push(step(reader)?);
        }
        for _ in 0..reader.count()? {
            side.refusals.push(RefusedBy {
                handler: handler(reader)?,
                reason: reader.text(MAX_TEXT)?.to_owned(),
            });
        }
        for _ in 0..reader.count()? {
            side.log.push(LogLine {
                level: reader.small()?,
                text: reader.text(MAX_TEXT)?.to_owned(),
            });
        }
        reader.text(MAX_TEXT)?.clone_into(&mut side.arguments);
        (reader.left() == 0).then_some(side)
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

fn put_step(bytes: &mut Vec<u8>, step: Step) {
    let mut put_all = |kind: u8, numbers: &[u16]| {
        bytes.push(kind);
        for number in numbers {
            put(bytes, u64::from(*number));
        }
    };
    match step {
        Step::Requested(state) => put_all(0, &[state.0]),
        Step::Set(state) => put_all(1, &[state.0]),
        Step::Remove(state) => put_all(2, &[state.0]),
        Step::RemoveNotActive(state) => put_all(3, &[state.0]),
        Step::Unmet(state) => put_all(4, &[state.0]),
        Step::Missing {
            state,
            place,
            cancels,
        } => put_all(5, &[state.0, place, u16::from(cancels)]),
        Step::Relation(relation, from, to) => {
            put_all(6, &[relation_number(relation), from.0, to.0]);
        }
        Step::Cancel(state) => put_all(7, &[state.0]),
        Step::Handler(handler) => {
            bytes.push(8);
            put_handler(bytes, handler);
        }
    }
}

fn step(reader: &mut Reader<'_>) -> Option<Step> {
    let kind = reader.byte()?;
    let mut state = || reader.small().map(StateIdx);
    Some(match kind {
        0 => Step::Requested(state()?),
        1 => Step::Set(state()?),
        2 => Step::Remove(state()?),
        3 => Step::RemoveNotActive(state()?),
        4 => Step::Unmet(state()?),
        5 => Step::Missing {
            state: state()?,
            place: state()?.0,
            cancels: state()?.0 == 1,
        },
        6 => {
            let number = state()?.0;
            let relation = RELATIONS
                .into_iter()
                .find(|it| relation_number(*it) == number);
            Step::Relation(relation?, state()?, state()?)
        }
        7 => Step::Cancel(state()?),
        8 => Step::Handler(handler(reader)?),
        _ => return None,
    })
}

const RELATIONS: [Relation; 4] = [
    Relation::Require,
    Relation::Add,
    Relation::Remove,
    Relation::After,
];

fn relation_number(relation: Relation) -> u16 {
    match relation {
        Relation::Require => 0,
        Relation::Add => 1,
        Relation::Remove => 2,
        Relation::After => 3,
    }
}

fn put_handler(bytes: &mut Vec<u8>, handler: Handler) {
    let mut put_all = |kind: u8, states: &[StateIdx]| {
        bytes.push(kind);
        for state in states {
            put(bytes, u64::from(state.0));
        }
    };
    match handler {
        Handler::Exit(state) => put_all(0, &[state]),
        Handler::Enter(state) => put_all(1, &[state]),
        Handler::Stay(state) => put_all(2, &[state]),
        Handler::Pair(from, to) => put_all(3, &[from, to]),
        Handler::AnyEnter => put_all(4, &[]),
        Handler::End(state) => put_all(5, &[state]),
        Handler::State(state) => put_all(6, &[state]),
        Handler::AnyState => put_all(7, &[]),
    }
}

fn handler(reader: &mut Reader<'_>) -> Option<Handler> {
    let kind = reader.byte()?;
    let mut state = || reader.small().map(StateIdx);
    Some(match kind {
        0 => Handler::Exit(state()?),
        1 => Handler::Enter(state()?),
        2 => Handler::Stay(state()?),
        3 => Handler::Pair(state()?, state()?),
        4 => Handler::AnyEnter,
        5 => Handler::End(state()?),
        6 => Handler::State(state()?),
        7 => Handler::AnyState,
        _ => return None,
    })
}

/// Steps and refusals kept of one transition (guess: a hundred states, each looked at from all sides).
const MAX_ITEMS: usize = 4_096;
/// Log lines kept of one transition (guess).
const MAX_LINES: usize = 256;
/// Bytes kept of one text (guess: a screen full).
const MAX_TEXT: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Side {
        let state = StateIdx;
        let handlers = [
            Handler::Exit(state(1)),
            Handler::Enter(state(300)),
            Handler::Stay(state(0)),
            Handler::Pair(state(1), state(2)),
            Handler::AnyEnter,
            Handler::End(state(5)),
            Handler::State(state(6)),
            Handler::AnyState,
        ];
        let mut steps = vec![
            Step::Requested(state(1)),
            Step::Set(state(2)),
            Step::Remove(state(u16::MAX)),
            Step::RemoveNotActive(state(4)),
            Step::Unmet(state(5)),
            Step::Missing {
                state: state(1),
                place: 3,
                cancels: true,
            },
            Step::Cancel(state(7)),
        ];
        steps.extend(RELATIONS.map(|relation| Step::Relation(relation, state(1), state(2))));
        steps.extend(handlers.map(Step::Handler));
        let refused = |handler| RefusedBy {
            handler,
            reason: "nö".to_owned(),
        };
        Side {
            steps,
            refusals: handlers.map(refused).into(),
            log: vec![LogLine {
                level: 3,
                text: "on its way".to_owned(),
            }],
            arguments: "parcel=7".to_owned(),
        }
    }

    #[test]
    fn everything_comes_back() {
        assert_eq!(Side::unpack(&full().pack()), Some(full()));
        assert_eq!(Side::unpack(&Side::default().pack()), Some(Side::default()));
        let bare = full().without_words();
        assert_eq!(bare.steps, full().steps);
        assert!(bare.log.is_empty() && bare.arguments.is_empty());
    }

    #[test]
    fn what_is_cut_is_refused() {
        let bytes = full().pack();
        for length in 0..bytes.len() {
            assert_eq!(Side::unpack(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn too_much_is_cut_between_characters() {
        let side = Side {
            log: vec![
                LogLine {
                    level: 0,
                    text: "ö".repeat(MAX_TEXT),
                };
                2 * MAX_LINES
            ],
            arguments: format!("x{}", "ö".repeat(MAX_TEXT)),
            ..Side::default()
        };
        let bytes = side.pack();
        let read = Side::unpack(&bytes).unwrap();
        assert_eq!(read.log.len(), MAX_LINES);
        assert_eq!(
            read.arguments.len(),
            MAX_TEXT - 1,
            "the x and whole letters"
        );
    }
}
