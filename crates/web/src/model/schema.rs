//! A schema as the page needs it: names, properties, and relations in both directions, by index.

use statemesh::{SchemaDef, StateDef};

use super::Shown;
use statemesh::core::collections::OrderedMap;
use statemesh::core::engine::is_active_tick;

/// States in index order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaFacts {
    /// In index order, as every clock.
    pub states: Vec<StateFacts>,
    /// Index of `Start`.
    pub start: Option<usize>,
    /// Index of `Ready`.
    pub ready: Option<usize>,
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFacts {
    /// As its owner wrote it; for attributes and comparison only.
    pub name: String,
    /// As it may be shown.
    pub shown: Shown,
    /// Activates by itself.
    pub auto: bool,
    /// May be called while active.
    pub multi: bool,
    /// `Exception` or `Err…`.
    pub is_error: bool,
    /// Says nothing about the machine's own work: `Heartbeat`, `Healthcheck`.
    pub is_pulse: bool,
    /// Relations, by index.
    pub requires: Vec<usize>,
    /// Relations, by index.
    pub adds: Vec<usize>,
    /// Relations, by index.
    pub removes: Vec<usize>,
    /// Relations, by index.
    pub after: Vec<usize>,
    /// Reverse relations, by index.
    pub required_by: Vec<usize>,
    /// Reverse relations, by index.
    pub removed_by: Vec<usize>,
    /// Required states that do not exist: it can never be on.
    pub unknown: Vec<Shown>,
    /// Tags of the state.
    pub tags: Vec<Shown>,
}

impl SchemaFacts {
    /// Indexes a schema. Relations to states that do not exist are left out.
    #[must_use]
    pub fn new(def: &SchemaDef) -> Self {
        let index: OrderedMap<&str, usize> = (0..)
            .zip(&def.states)
            .map(|(at, (name, _))| (name.as_str(), at))
            .collect();
        let row = |names: &Option<Vec<String>>| -> Vec<usize> {
            let names = names.iter().flatten();
            names
                .filter_map(|name| index.get(name.as_str()).copied())
                .collect()
        };
        let ghosts = |names: &Option<Vec<String>>| -> Vec<Shown> {
            let names = names.iter().flatten();
            names
                .filter(|name| !index.contains_key(name.as_str()))
                .map(|name| Shown::new(name))
                .collect()
        };
        let mut states: Vec<StateFacts> = def
            .states
            .iter()
            .map(|(name, state)| StateFacts {
                requires: row(&state.require),
                adds: row(&state.add),
                removes: row(&state.remove),
                after: row(&state.after),
                unknown: ghosts(&state.require),
                ..StateFacts::bare(name, state)
            })
            .collect();
        for at in 0..states.len() {
            for target in states[at].requires.clone() {
                states[target].required_by.push(at);
            }
            for target in states[at].removes.clone() {
                states[target].removed_by.push(at);
            }
        }
        Self {
            start: index.get("Start").copied(),
            ready: index.get("Ready").copied(),
            states,
        }
    }

    /// As a definition that the engine takes. States have their names, but for those that would make it do something by
    /// itself: nothing here may call anybody.
    #[must_use]
    pub fn def(&self) -> SchemaDef {
        let name = |at: &usize| {
            let name = self.states[*at].name.clone();
            if name == RESTORED {
                format!("{name}\0")
            } else {
                name
            }
        };
        let names = |list: &[usize]| list.iter().map(name).collect::<Vec<String>>();
        let states = self.states.iter().enumerate().map(|(at, facts)| {
            let ghosts = facts.unknown.iter().map(|_| "\0".to_owned());
            // What the engine takes out of lists when it reads them is put in once more.
            let held = |list: &[usize], other: &usize| list.contains(other).then_some(*other);
            let again = |list: &[usize], more: &[usize]| {
                let own = held(list, &at);
                let more = more.iter().filter_map(|other| held(list, other));
                let all: Vec<usize> = list.iter().copied().chain(own).chain(more).collect();
                names(&all)
            };
            let state = StateDef {
                auto: facts.auto,
                multi: facts.multi,
                require: Some(names(&facts.requires).into_iter().chain(ghosts).collect()),
                add: Some(names(&facts.adds)),
                remove: Some(again(&facts.removes, &facts.adds)),
                after: Some(again(&facts.after, &[])),
                tags: None,
            };
            (name(&at), state)
        });
        states.fold(SchemaDef::new(), |def, (name, state)| {
            def.state(name, state)
        })
    }

    /// Indexes of error states that this clock shows active.
    pub fn active_errors<'a>(&'a self, clock: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
        (0..self.states.len()).filter(|&at| self.states[at].is_error && is_active(clock, at))
    }
}

impl StateFacts {
    fn bare(name: &str, def: &StateDef) -> Self {
        Self {
            name: name.to_owned(),
            shown: Shown::new(name),
            auto: def.auto,
            multi: def.multi,
            is_error: is_error(name),
            is_pulse: matches!(name, "Heartbeat" | "Healthcheck"),
            requires: Vec::new(),
            adds: Vec::new(),
            removes: Vec::new(),
            after: Vec::new(),
            required_by: Vec::new(),
            removed_by: Vec::new(),
            unknown: Vec::new(),
            tags: def
                .tags
                .iter()
                .flatten()
                .map(|tag| Shown::new(tag))
                .collect(),
        }
    }
}

/// A state of this name is added by the engine to whoever takes over a clock.
const RESTORED: &str = "MachineRestored";

/// The tick of a state, 0 where the clock is too short.
#[must_use]
pub fn tick(clock: &[u64], state: usize) -> u64 {
    clock.get(state).copied().unwrap_or(0)
}

/// Odd ticks are active.
#[must_use]
pub fn is_active(clock: &[u64], state: usize) -> bool {
    is_active_tick(tick(clock, state))
}

/// `Exception`, `Err`, `ErrNetwork`, but not `Errand`.
fn is_error(name: &str) -> bool {
    name == "Exception"
        || name
            .strip_prefix("Err")
            .is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_known_in_both_directions() {
        let def = SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start", "Ghost"]))
            .state("Stop", StateDef::new().remove(["Start", "Ready"]));
        let schema = SchemaFacts::new(&def);
        assert_eq!(schema.states[1].requires, [0]);
        assert_eq!(schema.states[0].required_by, [1]);
        assert_eq!(schema.states[0].removed_by, [2]);
        assert_eq!(schema.states[2].removes, [0, 1]);
        assert_eq!((schema.start, schema.ready), (Some(0), Some(1)));
    }

    #[test]
    fn error_states_are_recognised_by_name() {
        for (name, expected) in [
            ("Exception", true),
            ("Err", true),
            ("ErrNetwork", true),
            ("Err2", true),
            ("Errand", false),
            ("MyErr", false),
        ] {
            assert_eq!(is_error(name), expected, "{name}");
        }
    }
}
