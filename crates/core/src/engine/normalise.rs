//! Lenient normalisation of a schema as written: what contradicts itself or names nothing is repaired and reported.
//!
//! The order of the steps within a state is observable. Schemas also come from other peers, so nothing here is
//! quadratic in the length of a list.

use crate::collections::{OrderedMap, sort_by};
use crate::engine::schema::{SchemaDef, SchemaProblem, StateDef};

/// The five steps of normalisation, then `Exception`.
pub(crate) fn normalised(def: &SchemaDef) -> (SchemaDef, Vec<SchemaProblem>) {
    let mut problems = Vec::new();
    let mut states = SchemaDef::default();
    let mut known = OrderedMap::new();
    for (name, state) in &def.states {
        if let Some(&at) = known.get(name) {
            let slot: &mut (String, StateDef) = &mut states.states[at];
            slot.1 = state.clone();
        } else if states.states.len() < MAX_STATES || name == EXCEPTION {
            known.insert(name.clone(), states.states.len());
            states.states.push((name.clone(), state.clone()));
        } else if !problems.contains(&SchemaProblem::TooMany { limit: MAX_STATES }) {
            problems.push(SchemaProblem::TooMany { limit: MAX_STATES });
        }
    }
    for (name, state) in &mut states.states {
        repair(
            name,
            state,
            |other| known.contains_key(other),
            &mut problems,
        );
    }
    if !known.contains_key(EXCEPTION) {
        states
            .states
            .push((EXCEPTION.to_owned(), StateDef::new().multi()));
    }
    sort_by(&mut problems, |a, b| a.place().cmp(&b.place()));
    (states, problems)
}

impl SchemaProblem {
    /// Problems are told by state name, whatever the order of the definition.
    fn place(&self) -> Option<&str> {
        match self {
            Self::RequireRemove { state, .. } | Self::Unknown { state, .. } => Some(state),
            Self::TooMany { .. } => None,
        }
    }
}

/// Repairs one state. The order of these steps is observable.
fn repair(
    name: &str,
    state: &mut StateDef,
    is_known: impl Fn(&str) -> bool,
    problems: &mut Vec<SchemaProblem>,
) {
    let mut unknown = Vec::new();
    let mut is_known = |other: &String| {
        let known = is_known(other);
        if !known {
            unknown.push(SchemaProblem::Unknown {
                state: name.to_owned(),
                other: other.clone(),
            });
        }
        known
    };
    let mut removes = Counts::new(&state.remove);
    removes.drop_one(name);
    if let Some(add) = &mut state.add {
        add.retain(|other| {
            let was_removed = removes.drop_one(other);
            // `Exception` exists in the end, though perhaps not yet: it survives here if it was removed, too.
            (was_removed && other == EXCEPTION) || is_known(other)
        });
    }
    let mut after = Counts::new(&state.after);
    after.drop_one(name);
    for other in state.require.iter().flatten() {
        is_known(other);
        if removes.is_left(other) {
            problems.push(SchemaProblem::RequireRemove {
                state: name.to_owned(),
                other: other.clone(),
            });
        }
    }
    let (removes, after) = (removes.dropped(), after.dropped());
    for (list, mut dropped) in [(&mut state.remove, removes), (&mut state.after, after)] {
        list.iter_mut().for_each(|list| {
            list.retain(|other| {
                let first = dropped.get_mut(other).filter(|left| **left > 0);
                first.map(|left| *left -= 1).is_none() && is_known(other)
            });
        });
    }
    problems.append(&mut unknown);
}

/// How often each name is listed, and how many of its first occurrences are to be dropped. Lists can be long, as they
/// come from other peers: nothing here is quadratic.
struct Counts(OrderedMap<String, (usize, usize)>);

impl Counts {
    fn new(list: &Option<Vec<String>>) -> Self {
        let mut counts = OrderedMap::new();
        for name in list.iter().flatten() {
            counts.get_or_insert_with(name.clone(), || (0, 0)).0 += 1;
        }
        Self(counts)
    }
    /// Drops the first occurrence that is left.
    fn drop_one(&mut self, name: &str) -> bool {
        let counts = self.0.get_mut(name).filter(|(left, _)| *left > 0);
        counts
            .map(|(left, dropped)| {
                *left -= 1;
                *dropped += 1;
            })
            .is_some()
    }
    fn is_left(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|(left, _)| *left > 0)
    }
    fn dropped(self) -> OrderedMap<String, usize> {
        let dropped = self
            .0
            .into_iter()
            .map(|(name, (_, dropped))| (name, dropped));
        dropped.filter(|(_, dropped)| *dropped > 0).collect()
    }
}

/// The state every schema has.
pub(crate) const EXCEPTION: &str = "Exception";
/// Indexes are 16 bits wide; one is kept for `Exception` and positions count from 1.
const MAX_STATES: usize = u16::MAX as usize - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Schema;
    use crate::ids::StateIdx;

    fn list(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// Normalised `A`, its problems as text, on a schema that also has `B` and `C`.
    fn normalised_a(state: StateDef) -> (StateDef, Vec<String>) {
        let def = SchemaDef::new().state("A", state);
        let def = def.state("B", StateDef::new()).state("C", StateDef::new());
        let (schema, problems) = Schema::normalise(&def);
        let problems = problems.iter().map(ToString::to_string).collect();
        (schema.def().states[0].1.clone(), problems)
    }

    #[test]
    fn contradictions_are_repaired() {
        let state = StateDef::new()
            .remove(list("A B C"))
            .add(list("C"))
            .after(list("A"));
        let expected = StateDef::new()
            .remove(list("B"))
            .add(list("C"))
            .after(list(""));
        assert_eq!(normalised_a(state), (expected, vec![]));
        // Only first occurrences are dropped.
        let state = StateDef::new().remove(list("B A B A")).add(list("B"));
        let expected = StateDef::new().remove(list("B A")).add(list("B"));
        assert_eq!(normalised_a(state), (expected, vec![]));
    }

    #[test]
    fn unknown_names_are_dropped_but_required_ones() {
        let state = StateDef::new()
            .add(list("Z B"))
            .remove(list("Z C"))
            .after(list("Z"))
            .require(list("Z"));
        let (state, problems) = normalised_a(state);
        assert_eq!(state.require, Some(list("Z")));
        assert_eq!(state.add, Some(list("B")));
        assert_eq!(state.remove, Some(list("C")));
        assert_eq!(state.after, Some(list("")));
        assert!(
            !problems.is_empty() && problems.iter().all(|text| text.contains("unknown state Z"))
        );
    }

    #[test]
    fn a_state_that_requires_and_removes_another_is_an_error() {
        let state = StateDef::new().require(list("B")).remove(list("B"));
        let (repaired, problems) = normalised_a(state.clone());
        assert_eq!(repaired, state);
        assert_eq!(problems, ["require-remove conflict for A to B"]);
    }

    #[test]
    fn exception_is_added_last_and_references_to_it_were_unknown_till_then() {
        let (state, _) = normalised_a(
            StateDef::new()
                .add(list("Exception"))
                .require(list("Exception")),
        );
        assert_eq!(
            (state.add, state.require),
            (Some(list("")), Some(list("Exception")))
        );
        let def = SchemaDef::new().state("A", StateDef::new());
        let (schema, _) = Schema::normalise(&def);
        assert_eq!(schema.names().collect::<Vec<_>>(), ["A", "Exception"]);
        assert!(schema.is_multi(schema.exception()));
        let own = def
            .state("Exception", StateDef::new())
            .state("B", StateDef::new());
        let (schema, _) = Schema::normalise(&own);
        assert_eq!(schema.names().collect::<Vec<_>>(), ["A", "Exception", "B"]);
        assert!(!schema.is_multi(schema.exception()));
    }

    /// What a hostile peer can send: long lists, long chains, more states than indexes.
    #[test]
    fn large_schemas_cost_linear_memory_and_no_stack() {
        let name = |at: usize| format!("s{at}");
        let states = (0..70_000).map(|at| (name(at), StateDef::new().require([name(at + 1)])));
        let mut def = SchemaDef {
            states: states.collect(),
        };
        let all: Vec<_> = (0..60_000).map(name).collect();
        def.states[0].1 = StateDef::new()
            .add(all.clone())
            .remove(all.clone())
            .require(all);
        let (schema, problems) = Schema::normalise(&def);
        assert_eq!(schema.len(), usize::from(u16::MAX));
        assert!(problems.contains(&SchemaProblem::TooMany { limit: MAX_STATES }));
        assert_eq!(schema.index("Exception"), Some(schema.exception()));
        assert_eq!(schema.remove(StateIdx(0)), []);
    }
}
