//! A picture at a moment: what is in it, what is marked, what is dim.

use statemesh::core::collections::OrderedSet;
use statemesh::core::engine::Relation;

use super::place::Size;
use super::{Depth, Dim, Layout, Link, Sketch, relation_word};
use crate::model::{SchemaFacts, Shown, StateFacts, is_active};

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// States.
    pub cards: Vec<Card>,
    /// Relations, or steps.
    pub lines: Vec<Line>,
    /// Width and height.
    pub size: Size,
    /// It is read from above: steps.
    pub is_sequence: bool,
}

/// A state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Which; `None`: no single one.
    pub state: Option<usize>,
    /// Left, top, width, height.
    pub at: (i32, i32, i32, i32),
    /// Its name, cut to what fits.
    pub name: String,
    /// All of it.
    pub full: String,
    /// Handlers and tags.
    pub detail: String,
    /// Active.
    pub active: bool,
    /// May be called while active.
    pub multi: bool,
    /// An error.
    pub error: bool,
    /// The change at the cursor moved it.
    pub changed: bool,
    /// The change at the cursor called it.
    pub called: bool,
    /// It has nothing to do with what was asked for.
    pub dim: bool,
}

/// A relation, a step, or the life of a state in a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who has it.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// Which; `None`: a step that is no relation.
    pub kind: Option<Relation>,
    /// What it says.
    pub word: String,
    /// Both have it.
    pub both: bool,
    /// The line, as SVG writes it.
    pub line: String,
    /// The heads of its arrows, as SVG writes them.
    pub head: String,
    /// Where its word is written, if it is.
    pub label: Option<(i32, i32)>,
    /// It has nothing to do with what was asked for.
    pub dim: bool,
}

/// What is known of the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Ticks.
    pub clock: Vec<u64>,
    /// States that the change at the cursor moved.
    pub changed: Vec<usize>,
    /// States that it called.
    pub called: Vec<usize>,
    /// States that its steps speak of.
    pub touched: Vec<usize>,
    /// Handlers that it ran, by state, without the state's name.
    pub handlers: Vec<(usize, &'static str)>,
    /// The state selected.
    pub selected: Option<usize>,
}

impl Picture {
    /// States and relations.
    #[must_use]
    pub fn states(
        schema: &SchemaFacts,
        (sketch, layout): (&Sketch, &Layout),
        (depth, dim): (Depth, Dim),
        facts: &Facts,
    ) -> Self {
        let bright = bright(sketch, dim, facts);
        let is_dim = |at: usize| bright.as_ref().is_some_and(|bright| !bright.contains(&at));
        let around = match dim {
            Dim::Relations => facts.selected.iter().copied().collect(),
            _ => bright.clone().unwrap_or_default(),
        };
        let cards = sketch
            .states
            .iter()
            .zip(&layout.spots)
            .filter_map(|(&at, spot)| {
                let state = schema.states.get(at)?;
                let at_level = if depth == Depth::Handlers {
                    detail(state, at, facts)
                } else {
                    String::new()
                };
                Some(Card {
                    state: Some(at),
                    at: (spot.x, spot.y, spot.w, spot.h),
                    name: cut(&state.shown, WIDEST),
                    full: state.shown.plain(),
                    detail: at_level,
                    active: is_active(&facts.clock, at),
                    multi: state.multi,
                    error: state.is_error,
                    changed: facts.changed.contains(&at),
                    called: facts.called.contains(&at),
                    dim: is_dim(at),
                })
            });
        let is_shown = |link: &Link| match depth {
            Depth::States => false,
            Depth::Changed => [link.from, link.to]
                .iter()
                .any(|at| facts.changed.contains(&sketch.states[*at])),
            Depth::Relations | Depth::Handlers => true,
        };
        let lines = sketch
            .links
            .iter()
            .zip(&layout.routes)
            .filter(|(link, _)| is_shown(link));
        let lines = lines.map(|(link, route)| {
            let (from, to) = (sketch.states[link.from], sketch.states[link.to]);
            Line {
                from,
                to,
                kind: Some(link.kind),
                word: said(link),
                both: link.both,
                line: route.line.clone(),
                head: route.head.clone(),
                label: None,
                dim: bright.is_some() && !around.contains(&from) && !around.contains(&to),
            }
        });
        Self {
            cards: cards.collect(),
            lines: lines.collect(),
            size: layout.size,
            is_sequence: false,
        }
    }
}

/// `requires`, `adds through 2 states`.
fn said(link: &Link) -> String {
    let word = relation_word(link.kind);
    match link.through {
        0 => word.to_owned(),
        1 => format!("{word} through 1 state"),
        through => format!("{word} through {through} states"),
    }
}

/// States that are not dim; `None`: nothing is, because nobody asked or nothing is known to go by.
fn bright(sketch: &Sketch, dim: Dim, facts: &Facts) -> Option<OrderedSet<usize>> {
    let bright: OrderedSet<usize> = match dim {
        Dim::Nothing => return None,
        Dim::Called => facts.called.iter().copied().collect(),
        Dim::Changed => facts.changed.iter().copied().collect(),
        Dim::Touched => facts.touched.iter().copied().collect(),
        Dim::Relations => {
            let selected = facts.selected?;
            let ends = sketch
                .links
                .iter()
                .map(|link| (sketch.states[link.from], sketch.states[link.to]));
            let near = ends.filter(|(from, to)| *from == selected || *to == selected);
            near.flat_map(|(from, to)| [from, to])
                .chain([selected])
                .collect()
        }
    };
    (!bright.is_empty()).then_some(bright)
}

/// `*Enter *State, telemetry`: what ran there, and tags.
fn detail(state: &StateFacts, at: usize, facts: &Facts) -> String {
    let ran = facts.handlers.iter().filter(|(state, _)| *state == at);
    let ran: Vec<String> = ran.map(|(_, name)| format!("*{name}")).collect();
    let tags = state.tags.iter().map(|tag| cut(tag, WIDEST));
    let mut parts = vec![ran.join(" ")];
    parts.extend(tags);
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The size of a state; the same at every moment.
#[must_use]
pub fn size(state: &StateFacts, depth: Depth) -> Size {
    let name = width(&cut(&state.shown, WIDEST));
    if depth < Depth::Handlers {
        return (pixels(name.max(NARROWEST)) + AROUND, HEIGHT);
    }
    let tags: i32 = state
        .tags
        .iter()
        .map(|tag| width(&cut(tag, WIDEST)) + 2)
        .sum();
    let wide = name.max(tags.min(WIDEST)).max(WITH_HANDLERS);
    (pixels(wide) + AROUND, HEIGHT + LINE)
}

/// The width of columns of the data font at 12 px, rounded up.
pub fn pixels(columns: i32) -> i32 {
    columns * 29 / 4 + 1
}

/// A text of at most so many columns; marks of direction are replaced.
#[must_use]
pub fn cut(shown: &Shown, most: i32) -> String {
    let text: String = shown.plain().chars().take(most as usize + 1).collect();
    if width(&text) <= most {
        return text;
    }
    let mut left = most - 1;
    let kept = text.chars().take_while(|letter| {
        left -= wide(*letter);
        left >= 0
    });
    kept.chain(['…']).collect()
}

/// Columns of a text in the data font.
#[must_use]
pub fn width(text: &str) -> i32 {
    text.chars().map(wide).sum()
}

/// Letters of East Asia and pictures are twice as wide.
fn wide(letter: char) -> i32 {
    1 + i32::from(letter >= '\u{1100}' && !('\u{2000}'..'\u{2e80}').contains(&letter))
}

/// Columns of the longest name.
pub const WIDEST: i32 = 24;
/// Columns of the shortest.
const NARROWEST: i32 = 6;
/// Columns for handlers that ran.
const WITH_HANDLERS: i32 = 16;
/// Glyph and borders.
const AROUND: i32 = 34;
/// The height of a state.
const HEIGHT: i32 = 28;
/// A second line in it.
const LINE: i32 = 14;
