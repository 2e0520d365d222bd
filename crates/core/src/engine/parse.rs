//! The strict door for schemas, meant for people: what names nothing or contradicts itself is an error with the names
//! in it, and all errors of a definition are told at once.
//!
//! The lenient door beside it, [`Schema::normalise`], repairs and reports: for mirrors and recordings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::collections::OrderedSet;
use crate::engine::relations::Relation;
use crate::engine::schema::{Schema, SchemaDef};

/// One mistake in a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A relation names a state that does not exist.
    #[error("state {state}: {relation} names {other}, which is no state")]
    Unknown {
        /// The state.
        state: String,
        /// Which of its relations.
        relation: Relation,
        /// The name.
        other: String,
    },
    /// A state is defined more than once.
    #[error("state {state} is defined more than once")]
    DuplicateState {
        /// The state.
        state: String,
    },
    /// A relation names a state more than once.
    #[error("state {state}: {relation} names {other} more than once")]
    DuplicateName {
        /// The state.
        state: String,
        /// Which of its relations.
        relation: Relation,
        /// The name.
        other: String,
    },
    /// A state requires what it removes.
    #[error("state {state} both requires and removes {other}")]
    RequireRemove {
        /// The state.
        state: String,
        /// The other one.
        other: String,
    },
    /// There are more states, `Exception` included, than indexes.
    #[error("{states} states, at most {MAX_STATES} fit")]
    TooMany {
        /// How many.
        states: usize,
    },
}

/// All mistakes in a definition, at least one. The author's; nothing was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaErrors(Vec<SchemaError>);

impl SchemaErrors {
    /// In the order of the definition.
    #[must_use]
    pub fn as_slice(&self) -> &[SchemaError] {
        &self.0
    }
}

impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let newline = if at > 0 { "\n" } else { "" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemaErrors {}

/// Something in a definition that is legal and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaWarning {
    /// States require each other: they can begin only together, and requirements do not order handlers any more.
    #[error("states require each other: {}", .states.join(" -> "))]
    RequireCycle {
        /// Each requires the next, the last the first.
        states: Vec<String>,
    },
}

impl Schema {
    /// The schema of a definition without mistakes, states in its order. `Exception` (multi) stands last unless the
    /// definition declares it, and may be named in relations either way.
    ///
    /// That a state removes itself, or what it adds, is no mistake: groups are written so. Such names are dropped from
    /// Remove.
    ///
    /// # Errors
    /// [`SchemaErrors`]: all mistakes.
    pub fn parse(def: &SchemaDef) -> Result<(Arc<Self>, Vec<SchemaWarning>), SchemaErrors> {
        let def = def.clone().with_exception();
        let errors = mistakes(&def);
        if !errors.is_empty() {
            return Err(SchemaErrors(errors));
        }
        let (schema, _) = Self::normalise(&def);
        let warnings = schema.require_cycle().map(|states| {
            let states = states.into_iter();
            SchemaWarning::RequireCycle {
                states: states.map(|state| schema.name(state).to_owned()).collect(),
            }
        });
        let warnings = warnings.into_iter().collect();
        Ok((schema, warnings))
    }
}

/// All mistakes in a definition that has its `Exception`.
pub(crate) fn mistakes(def: &SchemaDef) -> Vec<SchemaError> {
    let states = def.states.len();
    if states > MAX_STATES {
        return vec![SchemaError::TooMany { states }];
    }
    let mut errors = Vec::new();
    let mut known = BTreeMap::new();
    for (name, _) in &def.states {
        let times: &mut u32 = known.entry(name.as_str()).or_default();
        *times += 1;
        if *times == 2 {
            let state = name.clone();
            errors.push(SchemaError::DuplicateState { state });
        }
    }
    for (name, state) in &def.states {
        let lists = [
            (Relation::Require, &state.require),
            (Relation::Add, &state.add),
            (Relation::Remove, &state.remove),
            (Relation::After, &state.after),
        ];
        for (relation, list) in lists {
            check_list(name, relation, list.as_deref(), &known, &mut errors);
        }
        let removed: OrderedSet<_> = state.remove.iter().flatten().collect();
        let added: OrderedSet<_> = state.add.iter().flatten().collect();
        let conflicts =
            state.require.iter().flatten().filter(|&other| {
                removed.contains(other) && !added.contains(other) && other != name
            });
        errors.extend(conflicts.map(|other| SchemaError::RequireRemove {
            state: name.clone(),
            other: other.clone(),
        }));
    }
    errors
}

fn check_list(
    state: &str,
    relation: Relation,
    list: Option<&[String]>,
    known: &BTreeMap<&str, u32>,
    errors: &mut Vec<SchemaError>,
) {
    let mut seen = BTreeMap::new();
    for other in list.unwrap_or_default() {
        let times: &mut u32 = seen.entry(other).or_default();
        *times += 1;
        let (state, is_first) = (state.to_owned(), *times == 1);
        let other = other.clone();
        if *times == 2 {
            errors.push(SchemaError::DuplicateName {
                state,
                relation,
                other,
            });
        } else if is_first && !known.contains_key(other.as_str()) {
            errors.push(SchemaError::Unknown {
                state,
                relation,
                other,
            });
        }
    }
}

/// Indexes are 16 bits wide, and one of their values stands for no state.
const MAX_STATES: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StateDef;

    fn check(def: SchemaDef, expected: &str) {
        let text = match Schema::parse(&def) {
            Ok((schema, warnings)) => {
                let names: Vec<_> = schema.names().collect();
                let warnings = warnings.iter().map(|warning| format!("; {warning}"));
                names.join(" ") + &warnings.collect::<String>()
            }
            Err(errors) => errors.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_right_passes() {
        check(SchemaDef::new(), "Exception");
        let group = StateDef::new().remove(["A", "B"]);
        let def = SchemaDef::new()
            .state("A", group.clone())
            .state("B", group.add(["Exception"]).require(["Exception"]));
        check(def.clone(), "A B Exception");
        let (schema, _) = Schema::parse(&def).unwrap();
        let [_, b, exception] = [0, 1, 2].map(crate::StateIdx);
        assert_eq!(
            (schema.add(b), schema.require(b)),
            (&[exception][..], &[exception][..])
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_names() {
        let def = SchemaDef {
            states: vec![
                (
                    "A".to_owned(),
                    StateDef::new().require(["Z", "B"]).remove(["B"]),
                ),
                ("B".to_owned(), StateDef::new().after(["A", "A"])),
                ("A".to_owned(), StateDef::new()),
            ],
        };
        check(
            def,
            "state A is defined more than once\n\
             state A: require names Z, which is no state\n\
             state A both requires and removes B\n\
             state B: after names A more than once",
        );
    }

    #[test]
    fn a_circle_of_requirements_is_a_warning() {
        let def = SchemaDef::new()
            .state("A", StateDef::new().require(["B"]))
            .state("B", StateDef::new().require(["C"]))
            .state("C", StateDef::new().require(["B"]));
        check(def, "A B C Exception; states require each other: B -> C");
        let own = SchemaDef::new().state("A", StateDef::new().require(["A"]));
        check(own, "A Exception; states require each other: A");
    }

    #[test]
    fn as_many_states_as_indexes() {
        let states = |count| SchemaDef {
            states: (0..count)
                .map(|at| (format!("s{at}"), StateDef::new()))
                .collect(),
        };
        let (schema, _) = Schema::parse(&states(65_534)).unwrap();
        assert_eq!(
            (schema.len(), schema.exception()),
            (65_535, crate::StateIdx(65_534))
        );
        check(states(65_535), "65536 states, at most 65535 fit");
    }
}
