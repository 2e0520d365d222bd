//! The steps of a transition in their order: a column for each state that they speak of, a row for each step.

use statemesh::StateIdx;
use statemesh::core::collections::OrderedMap;
use statemesh::core::engine::{Handler, Step};

use super::picture::{WIDEST, cut, pixels, size, width};
use super::place::arrow;
use super::{Card, Depth, Facts, Line, Picture, relation_word};
use crate::model::{SchemaFacts, is_active};

impl Facts {
    /// Adds what the steps of the transition tell.
    pub fn tell(&mut self, steps: &[Step]) {
        let mut touched = Vec::new();
        for step in steps {
            let (from, to, _) = read(*step);
            let states = [from, to].into_iter().flatten();
            touched.extend(states.map(|state| usize::from(state.0)));
            if let Step::Handler(handler) = *step {
                let (state, name) = ran(handler);
                if let Some(state) = state {
                    self.handlers.push((usize::from(state.0), name));
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        self.touched = touched;
    }
}

impl Picture {
    /// The steps of a transition. `facts` are those of its end.
    #[must_use]
    pub fn sequence(schema: &SchemaFacts, steps: &[Step], facts: &Facts) -> Self {
        let mut columns: OrderedMap<Option<StateIdx>, usize> = OrderedMap::new();
        let mut cards: Vec<Card> = Vec::new();
        let mut right = 0;
        let mut column = |state: Option<StateIdx>, cards: &mut Vec<Card>| {
            if let Some(at) = columns.get(&state) {
                return *at;
            }
            let card = card(schema, state, facts, right);
            right += card.at.2 + BETWEEN;
            columns.insert(state, cards.len());
            cards.push(card);
            cards.len() - 1
        };
        let mut rows = Vec::new();
        for step in steps {
            let (from, to, word) = read(*step);
            let from_column = column(from, &mut cards);
            let to_column = to.map_or(from_column, |to| column(Some(to), &mut cards));
            rows.push((from_column, to_column, *step, word));
        }
        let Some(first) = cards.first() else {
            return Self::default();
        };
        let top = first.at.3 + ROW;
        let bottom = top + rows.len() as i32 * ROW;
        let middle = |card: &Card| card.at.0 + card.at.2 / 2;
        let middles: Vec<i32> = cards.iter().map(middle).collect();
        let state = |column: usize| cards[column].state.unwrap_or(usize::MAX);
        let mut widest = right - BETWEEN;
        let lines = rows
            .into_iter()
            .zip(0..)
            .map(|((from, to, step, word), row)| {
                let (x, end) = (middles[from], middles[to]);
                let y = top + row * ROW;
                let (line, head, label) = if from == to {
                    (format!("M{} {y}h8", x - 4), String::new(), (x + 10, y + 4))
                } else {
                    let head = if end > x { -8 } else { 8 };
                    let line = format!("M{x} {y}H{}", end + head);
                    (line, arrow(end, y, head), (x.min(end) + 10, y - 4))
                };
                widest = widest.max(label.0 + pixels(width(&word)));
                Line {
                    from: state(from),
                    to: state(to),
                    kind: match step {
                        Step::Relation(kind, ..) => Some(kind),
                        _ => None,
                    },
                    word,
                    both: false,
                    line,
                    head,
                    label: Some(label),
                    dim: false,
                }
            });
        Self {
            lines: lines.collect(),
            size: (widest, bottom),
            is_sequence: true,
            cards,
        }
    }
}

fn card(schema: &SchemaFacts, state: Option<StateIdx>, facts: &Facts, x: i32) -> Card {
    let at = state.map(|state| usize::from(state.0));
    let known = at.and_then(|at| schema.states.get(at));
    let Some(facts_of) = known else {
        return Card {
            at: (x, 0, 100, 28),
            name: ANY.to_owned(),
            full: ANY.to_owned(),
            ..Card::default()
        };
    };
    let (w, h) = size(facts_of, Depth::Relations);
    let at = at.unwrap_or_default();
    Card {
        state: Some(at),
        at: (x, 0, w, h),
        name: cut(&facts_of.shown, WIDEST),
        full: facts_of.shown.plain(),
        active: is_active(&facts.clock, at),
        multi: facts_of.multi,
        error: facts_of.is_error,
        changed: facts.changed.contains(&at),
        called: facts.called.contains(&at),
        ..Card::default()
    }
}

/// Whom a step is about, whom else, and what it says.
fn read(step: Step) -> (Option<StateIdx>, Option<StateIdx>, String) {
    let (state, word) = match step {
        Step::Requested(state) => (state, "called"),
        Step::Set(state) => (state, "to begin"),
        Step::Remove(state) => (state, "to end"),
        Step::RemoveNotActive(state) => (state, "removed before it began"),
        Step::Unmet(state) => (state, "misses what it requires"),
        Step::Missing { state, .. } => (state, "requires a state that does not exist"),
        Step::Cancel(state) => (state, "cancels"),
        Step::Relation(kind, from, to) => {
            return (Some(from), Some(to), relation_word(kind).to_owned());
        }
        Step::Handler(handler) => {
            let (state, name) = ran(handler);
            let to = match handler {
                Handler::Pair(_, to) => Some(to),
                _ => None,
            };
            return (state, to, format!("handler {name}"));
        }
    };
    (Some(state), None, word.to_owned())
}

/// The state of a handler, and its name without that.
fn ran(handler: Handler) -> (Option<StateIdx>, &'static str) {
    match handler {
        Handler::Exit(state) => (Some(state), "Exit"),
        Handler::Enter(state) => (Some(state), "Enter"),
        Handler::Stay(state) => (Some(state), "Stay"),
        Handler::Pair(state, _) => (Some(state), "Pair"),
        Handler::AnyEnter => (None, "Enter"),
        Handler::End(state) => (Some(state), "End"),
        Handler::State(state) => (Some(state), "State"),
        Handler::AnyState => (None, "State"),
    }
}

/// Handlers of every state.
const ANY: &str = "Any state";
/// Between columns.
const BETWEEN: i32 = 24;
/// The height of a row.
const ROW: i32 = 24;
