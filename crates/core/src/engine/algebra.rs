//! Schema algebra: states and schemas combined, renamed and picked before they are indexed.
//!
//! Everything here is about definitions as written. What contradicts itself afterwards is for the doors to tell:
//! [`Schema::parse`](crate::engine::Schema::parse) and [`Schema::normalise`](crate::engine::Schema::normalise).

use std::fmt::Write;

use crate::collections::OrderedMap;
use crate::engine::fingerprint::fingerprint;
use crate::engine::names;
use crate::engine::normalise::EXCEPTION;
use crate::engine::schema::{SchemaDef, StateDef};

impl StateDef {
    /// This state with the properties, relations and tags of another added: a property stays once it is true, lists are
    /// united, own names first.
    #[must_use]
    pub fn extend(mut self, overlay: &Self) -> Self {
        self.auto |= overlay.auto;
        self.multi |= overlay.multi;
        for (own, other) in self.lists_mut().into_iter().zip(overlay.lists()) {
            if let Some(other) = other {
                *own = Some(names::union(own.as_deref().unwrap_or_default(), other));
            }
        }
        self
    }
    /// This state with the relations of another in place of its own, as far as the other has them, an empty list
    /// included. Properties and tags stay.
    #[must_use]
    pub fn with_relations(mut self, overlay: &Self) -> Self {
        let relations = overlay.lists().into_iter().take(RELATIONS);
        for (own, other) in self.lists_mut().into_iter().zip(relations) {
            if other.is_some() {
                own.clone_from(other);
            }
        }
        self
    }
    /// [`StateDef::with_relations`], and these properties.
    #[must_use]
    pub fn set(self, auto: bool, multi: bool, overlay: &Self) -> Self {
        Self {
            auto,
            multi,
            ..self.with_relations(overlay)
        }
    }
    /// All states it is related to: Add, After, Require, Remove, one after the other, as written.
    pub fn adjacent(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.add, &self.after, &self.require, &self.remove];
        lists.into_iter().flatten().flatten().map(String::as_str)
    }
    /// It has exactly this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().flatten().any(|own| own == tag)
    }
    /// Value of the first tag `key:value` with this key; empty for the tag `key` alone.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        let mut tags = self.tags.iter().flatten();
        tags.find_map(|tag| match tag.strip_prefix(key)? {
            "" => Some(""),
            rest => rest.strip_prefix(':'),
        })
    }

    /// Relations, then tags.
    fn lists(&self) -> [&Option<Vec<String>>; RELATIONS + 1] {
        [
            &self.require,
            &self.add,
            &self.remove,
            &self.after,
            &self.tags,
        ]
    }
    fn lists_mut(&mut self) -> [&mut Option<Vec<String>>; RELATIONS + 1] {
        [
            &mut self.require,
            &mut self.add,
            &mut self.remove,
            &mut self.after,
            &mut self.tags,
        ]
    }
}

impl SchemaDef {
    /// The definition of this state.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StateDef> {
        let mut states = self.states.iter();
        states
            .find(|(known, _)| known == name)
            .map(|(_, state)| state)
    }
    /// These states, then those of another. Of a state both have, the other's definition counts, as a whole.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let names = self.states.iter().map(|(name, _)| name.clone());
        let mut places: OrderedMap<String, usize> = names.zip(0..).collect();
        for (name, state) in other.states {
            let end = self.states.len();
            match *places.get_or_insert_with(name.clone(), || end) {
                place if place < end => self.states[place].1 = state,
                _ => self.states.push((name, state)),
            }
        }
        self
    }
    /// These states, and `Exception` (multi) behind them unless it is among them.
    #[must_use]
    pub fn with_exception(mut self) -> Self {
        if self.get(EXCEPTION).is_none() {
            let exception = (EXCEPTION.to_owned(), StateDef::new().multi());
            self.states.push(exception);
        }
        self
    }
    /// Every state renamed by a prefix, in all relations, too.
    #[must_use]
    pub fn prefixed(self, prefix: &str) -> Self {
        self.renamed(|name| format!("{prefix}{name}"))
    }
    /// Every state renamed by a prefix that it does not begin with already.
    #[must_use]
    pub fn prefixed_once(self, prefix: &str) -> Self {
        self.renamed(|name| {
            let prefix = if name.starts_with(prefix) { "" } else { prefix };
            format!("{prefix}{name}")
        })
    }
    /// Every state renamed, in all relations, too. Two states that get one name are one, the later.
    #[must_use]
    pub fn renamed(self, rename: impl Fn(&str) -> String) -> Self {
        let mut renamed = Self::new();
        for (name, mut state) in self.states {
            let relations = state.lists_mut().into_iter().take(RELATIONS);
            for other in relations.flatten().flatten() {
                *other = rename(other);
            }
            renamed = renamed.state(rename(&name), state);
        }
        renamed
    }
    /// The states with exactly this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.states.retain(|(_, state)| state.has_tag(tag));
        self
    }
    /// Names of the states with this tag, alone or with a value (`tag:value`), sorted.
    #[must_use]
    pub fn names_by_tag(&self, tag: &str) -> Vec<&str> {
        let tagged = self
            .states
            .iter()
            .filter(|(_, state)| state.tag(tag).is_some());
        sorted(tagged.map(|(name, _)| name.as_str()))
    }
    /// All names, sorted.
    #[must_use]
    pub fn names_sorted(&self) -> Vec<&str> {
        sorted(self.states.iter().map(|(name, _)| name.as_str()))
    }
    /// Six hex digits that tell schemas apart: the same for any order of states and of names in a list.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut states: Vec<_> = self.states.iter().collect();
        states.sort_by_key(|(name, _)| name);
        let mut text = String::new();
        for (name, state) in states {
            let _ = write!(text, "{name}:{},{}", state.auto, state.multi);
            for list in [&state.after, &state.remove, &state.add, &state.require] {
                let names = sorted(list.iter().flatten().map(String::as_str));
                let _ = write!(text, ";{}", names.join(","));
            }
            text.push('\n');
        }
        fingerprint(&text, 6)
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

/// Lists of a state that name other states.
const RELATIONS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn a() -> StateDef {
        StateDef::new().auto().add(["B"]).tags(["low", "key:1"])
    }

    #[test]
    fn an_overlay_extends_or_replaces() {
        let overlay = StateDef::new()
            .multi()
            .add(["C", "B"])
            .remove([""; 0])
            .tags(["key:2", "low"]);
        let extended = a().extend(&overlay);
        let expected = StateDef::new().auto().multi().add(["B", "C"]);
        let expected = expected.remove([""; 0]).tags(["low", "key:1", "key:2"]);
        assert_eq!(extended, expected);
        let replaced = a().with_relations(&overlay);
        let expected = a().add(["C", "B"]).remove([""; 0]);
        assert_eq!(replaced, expected);
        let set = a().set(false, true, &overlay);
        assert_eq!((set.auto, set.multi, set.add), (false, true, expected.add));
    }

    #[test]
    fn merging_replaces_whole_states() {
        let schema = SchemaDef::new().state("A", a()).state("B", StateDef::new());
        let other = SchemaDef::new().state("C", a()).state("A", StateDef::new());
        let merged = schema.merge(other);
        assert_eq!(merged.names_sorted(), ["A", "B", "C"]);
        assert_eq!(merged.get("A"), Some(&StateDef::new()));
        assert_eq!(merged.get("Z"), None);
    }

    /// Each name is looked at by itself, owner or target.
    #[test]
    fn a_prefix_is_given_once() {
        let schema = SchemaDef::new()
            .state("PreA", StateDef::new().add(["PreA", "B"]))
            .state("B", StateDef::new().remove(["PreA", "B"]).tags(["B"]));
        let expected = SchemaDef::new()
            .state("PreA", StateDef::new().add(["PreA", "PreB"]))
            .state("PreB", StateDef::new().remove(["PreA", "PreB"]).tags(["B"]));
        assert_eq!(schema.clone().prefixed_once("Pre"), expected);
        assert_eq!(schema.prefixed("Pre").names_sorted(), ["PreB", "PrePreA"]);
    }

    #[test]
    fn tags_have_keys_and_values() {
        let schema = SchemaDef::new()
            .state("C", StateDef::new().tags(["keys"]))
            .state("B", StateDef::new().tags(["key"]))
            .state("A", a());
        assert_eq!(schema.names_by_tag("key"), ["A", "B"]);
        assert_eq!(a().tag("key"), Some("1"));
        assert_eq!(schema.with_tag("key").names_sorted(), ["B"]);
        assert_eq!(a().adjacent().collect::<Vec<_>>(), ["B"]);
    }

    #[test]
    fn a_fingerprint_ignores_order_only() {
        let schema = |names: [&str; 2]| {
            let add = StateDef::new().add(names);
            SchemaDef::new()
                .state(names[0], StateDef::new())
                .state("A", add)
        };
        let (one, same) = (schema(["A", "B"]), schema(["B", "A"]));
        let both = |schema: SchemaDef| schema.state("B", StateDef::new());
        assert_eq!(both(one.clone()).fingerprint(), both(same).fingerprint());
        assert_ne!(both(one.clone()).fingerprint(), one.fingerprint());
        assert_eq!(one.fingerprint().len(), 6);
    }
}
