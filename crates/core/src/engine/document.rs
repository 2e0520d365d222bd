//! Schemas as JSON and TOML text, behind the features `json` and `toml`: read with errors that name state, relation
//! and line, and written so that reading gives the same definition. `docs/schema.md` shows the format.
//!
//! Each format turns its text into the same small tree of nodes that know where they stand; one reader makes a
//! definition of that. Texts are limited to [`MAX_BYTES`], nesting to what the format needs, told errors to
//! [`MAX_ERRORS`].

use std::borrow::Cow;
use std::fmt;

use crate::collections::OrderedMap;
use crate::engine::parse::{SchemaError, mistakes};
use crate::engine::relations::Relation;
use crate::engine::schema::{SchemaDef, StateDef};

#[cfg(feature = "json")]
mod json;
#[cfg(test)]
mod tests;
#[cfg(feature = "toml")]
mod toml;
mod write;

/// One mistake in a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Line, from 1. `None`: not in the text, but in the definition it was to be merged into.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: TextProblem,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// It is longer than [`MAX_BYTES`].
    #[error("{bytes} bytes, at most {MAX_BYTES} are read")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// It is not in the format at all; the parser's words.
    #[error("{0}")]
    Syntax(String),
    /// The whole is no table.
    #[error("a schema is a table of states, this is {found}")]
    NoSchema {
        /// What it is.
        found: &'static str,
    },
    /// A state is no table.
    #[error("state {state} is {found}, it should be a table")]
    NoState {
        /// The state.
        state: String,
        /// What it is.
        found: &'static str,
    },
    /// A state has something that no state has.
    #[error("state {state} has an unknown key {key}")]
    UnknownKey {
        /// The state.
        state: String,
        /// The key.
        key: String,
    },
    /// A state has something twice.
    #[error("state {state} has its key {key} twice")]
    DuplicateKey {
        /// The state.
        state: String,
        /// The key.
        key: String,
    },
    /// A property or a list is something else.
    #[error("state {state}: {key} has {found} where {expected} should be")]
    WrongType {
        /// The state.
        state: String,
        /// The key.
        key: String,
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: &'static str,
    },
    /// The format is right, the schema is not.
    #[error(transparent)]
    Schema(SchemaError),
}

/// The mistakes in a text, at least one and at most [`MAX_ERRORS`], by line. The author's; nothing was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextErrors(Vec<TextError>);

impl TextErrors {
    /// By line.
    #[must_use]
    pub fn as_slice(&self) -> &[TextError] {
        &self.0
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        self.problem.fmt(f)
    }
}

impl fmt::Display for TextErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let newline = if at > 0 { "\n" } else { "" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TextError {}
impl std::error::Error for TextErrors {}

/// Longer texts are refused unread. The largest schema with short names fits; a guess beyond that.
pub const MAX_BYTES: usize = 8 << 20;
/// Later mistakes are not told: whoever has a hundred has one of another kind.
pub const MAX_ERRORS: usize = 100;

#[cfg(feature = "json")]
impl SchemaDef {
    /// Reads a definition from JSON. What [`Schema::parse`](crate::engine::Schema::parse) refuses is refused here,
    /// with its line.
    ///
    /// # Errors
    /// [`TextErrors`]: all mistakes.
    pub fn from_json(text: &str) -> Result<Self, TextErrors> {
        Self::new().merge_json(text)
    }
    /// [`SchemaDef::merge`] with a definition in JSON, which may name the states of this one.
    ///
    /// # Errors
    /// As [`SchemaDef::from_json`]; they speak of the whole.
    pub fn merge_json(self, text: &str) -> Result<Self, TextErrors> {
        merged(self, text, json::parse)
    }
}

#[cfg(feature = "toml")]
impl SchemaDef {
    /// Reads a definition from TOML. What [`Schema::parse`](crate::engine::Schema::parse) refuses is refused here,
    /// with its line.
    ///
    /// # Errors
    /// [`TextErrors`]: all mistakes.
    pub fn from_toml(text: &str) -> Result<Self, TextErrors> {
        Self::new().merge_toml(text)
    }
    /// [`SchemaDef::merge`] with a definition in TOML, which may name the states of this one.
    ///
    /// # Errors
    /// As [`SchemaDef::from_toml`]; they speak of the whole.
    pub fn merge_toml(self, text: &str) -> Result<Self, TextErrors> {
        merged(self, text, toml::parse)
    }
}

/// A part of a text. What is nested deeper than a schema needs is [`Value::Other`].
struct Node<'a> {
    at: usize,
    value: Value<'a>,
}

enum Value<'a> {
    Flag(bool),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Table(Vec<(Key<'a>, Node<'a>)>),
    Other(&'static str),
}

struct Key<'a> {
    at: usize,
    name: Cow<'a, str>,
}

impl Value<'_> {
    fn found(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(what) => what,
        }
    }
}

/// The text is not in its format: in which line, and why.
struct SyntaxError {
    line: usize,
    message: String,
}

/// Reads a text and merges it into a definition; the whole has to be right.
fn merged(
    base: SchemaDef,
    text: &str,
    parse: fn(&str) -> Result<Node<'_>, SyntaxError>,
) -> Result<SchemaDef, TextErrors> {
    let fail = |line, problem| Err(TextErrors(vec![TextError { line, problem }]));
    if text.len() > MAX_BYTES {
        let bytes = text.len();
        return fail(None, TextProblem::TooLong { bytes });
    }
    let root = match parse(text) {
        Ok(root) => root,
        Err(SyntaxError { line, message }) => {
            return fail(Some(line), TextProblem::Syntax(message));
        }
    };
    let mut reader = Reader::default();
    reader.schema(root);
    let mut problems = reader.problems;
    let whole = base.merge(reader.def);
    if problems.is_empty() {
        let found = mistakes(&whole.clone().with_exception());
        problems.extend(found.into_iter().map(|mistake| {
            let at = reader.marks.place_of(&mistake);
            (at, TextProblem::Schema(mistake))
        }));
    }
    if problems.is_empty() {
        return Ok(whole);
    }
    problems.sort_by_key(|(at, _)| *at);
    let told = problems.into_iter().take(MAX_ERRORS);
    let told = told.map(|(at, problem)| TextError {
        line: at.map(|at| line_of(text, at)),
        problem,
    });
    Err(TextErrors(told.collect()))
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// Makes a definition of nodes, and notes what stands where.
#[derive(Default)]
struct Reader {
    def: SchemaDef,
    marks: Marks,
    problems: Vec<(Option<usize>, TextProblem)>,
}

/// Where states and the names in their relations stand.
#[derive(Default)]
struct Marks {
    states: OrderedMap<String, usize>,
    /// Sorted: a text may be full of mistakes, and each is looked up.
    names: OrderedMap<(String, Relation), Vec<(String, usize)>>,
}

impl Marks {
    fn place_of(&self, mistake: &SchemaError) -> Option<usize> {
        let name = |state: &String, relation, other: &String, nth| {
            let names = self.names.get(&(state.clone(), relation))?;
            let first = names.partition_point(|(name, _)| name < other);
            let (name, at) = names.get(first + nth)?;
            (name == other).then_some(*at)
        };
        match mistake {
            SchemaError::Unknown {
                state,
                relation,
                other,
            } => name(state, *relation, other, 0),
            SchemaError::DuplicateName {
                state,
                relation,
                other,
            } => name(state, *relation, other, 1),
            SchemaError::RequireRemove { state, other } => name(state, Relation::Require, other, 0),
            SchemaError::DuplicateState { state } => self.states.get(state).copied(),
            SchemaError::TooMany { .. } => None,
        }
    }
}

impl Reader {
    fn tell(&mut self, at: usize, problem: TextProblem) {
        // Texts are read from top to bottom, so these are the first ones.
        if self.problems.len() < MAX_ERRORS {
            self.problems.push((Some(at), problem));
        }
    }

    fn schema(&mut self, root: Node<'_>) {
        let states = match root.value {
            Value::Table(states) => states,
            other @ (Value::Flag(_) | Value::Text(_) | Value::List(_) | Value::Other(_)) => {
                let found = other.found();
                return self.tell(root.at, TextProblem::NoSchema { found });
            }
        };
        for (key, node) in states {
            let name = key.name.into_owned();
            if self.marks.states.insert(name.clone(), key.at).is_some() {
                let mistake = SchemaError::DuplicateState {
                    state: name.clone(),
                };
                self.tell(key.at, TextProblem::Schema(mistake));
            }
            let def = self.state(&name, node);
            self.def.states.push((name, def));
        }
    }

    fn state(&mut self, state: &str, node: Node<'_>) -> StateDef {
        let mut def = StateDef::new();
        let keys = match node.value {
            Value::Table(keys) => keys,
            other @ (Value::Flag(_) | Value::Text(_) | Value::List(_) | Value::Other(_)) => {
                let (state, found) = (state.to_owned(), other.found());
                self.tell(node.at, TextProblem::NoState { state, found });
                return def;
            }
        };
        let mut seen = Vec::new();
        for (key, node) in keys {
            let (state, name) = (state.to_owned(), key.name.into_owned());
            let problem = if seen.contains(&name) {
                Some(TextProblem::DuplicateKey {
                    state,
                    key: name.clone(),
                })
            } else {
                self.key(&mut def, &state, &name, node)
                    .is_none()
                    .then(|| TextProblem::UnknownKey {
                        state,
                        key: name.clone(),
                    })
            };
            if let Some(problem) = problem {
                self.tell(key.at, problem);
            } else {
                seen.push(name);
            }
        }
        def
    }

    /// `None`: no such key.
    fn key(&mut self, def: &mut StateDef, state: &str, key: &str, node: Node<'_>) -> Option<()> {
        let relation = |relation| Some(relation);
        let (relation, list) = match key {
            "auto" => {
                def.auto = self.flag(state, key, node);
                return Some(());
            }
            "multi" => {
                def.multi = self.flag(state, key, node);
                return Some(());
            }
            "require" => (relation(Relation::Require), &mut def.require),
            "add" => (relation(Relation::Add), &mut def.add),
            "remove" => (relation(Relation::Remove), &mut def.remove),
            "after" => (relation(Relation::After), &mut def.after),
            "tags" => (None, &mut def.tags),
            _ => return None,
        };
        let mut names = self.names(state, key, node);
        *list = Some(names.iter().map(|(name, _)| name.clone()).collect());
        if let Some(relation) = relation {
            names.sort_unstable();
            self.marks.names.insert((state.to_owned(), relation), names);
        }
        Some(())
    }

    fn flag(&mut self, state: &str, key: &str, node: Node<'_>) -> bool {
        match node.value {
            Value::Flag(flag) => flag,
            other @ (Value::Text(_) | Value::List(_) | Value::Table(_) | Value::Other(_)) => {
                self.wrong_type((state, key), node.at, &other, "true or false");
                false
            }
        }
    }

    fn names(&mut self, state: &str, key: &str, node: Node<'_>) -> Vec<(String, usize)> {
        let items = match node.value {
            Value::List(items) => items,
            other @ (Value::Text(_) | Value::Flag(_) | Value::Table(_) | Value::Other(_)) => {
                self.wrong_type((state, key), node.at, &other, "a list of texts");
                return Vec::new();
            }
        };
        let mut names = Vec::with_capacity(items.len());
        for Node { at, value } in items {
            match value {
                Value::Text(name) => names.push((name.into_owned(), at)),
                other @ (Value::List(_) | Value::Flag(_) | Value::Table(_) | Value::Other(_)) => {
                    self.wrong_type((state, key), at, &other, "a text");
                }
            }
        }
        names
    }

    fn wrong_type(
        &mut self,
        (state, key): (&str, &str),
        at: usize,
        value: &Value<'_>,
        expected: &'static str,
    ) {
        let problem = TextProblem::WrongType {
            state: state.to_owned(),
            key: key.to_owned(),
            found: value.found(),
            expected,
        };
        self.tell(at, problem);
    }
}
