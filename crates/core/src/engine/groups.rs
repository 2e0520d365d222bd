//! Named groups of states: metadata for tools and for code that asks about several states at once. The engine does
//! not look at them.

use crate::engine::schema::Schema;
use crate::engine::time::UnknownState;
use crate::ids::StateIdx;

/// Groups in the order they were added. A state may be in several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    groups: Vec<(String, Vec<StateIdx>)>,
}

impl Groups {
    /// No groups yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a group of these states, in this order, or replaces the one of that name at its place.
    ///
    /// # Errors
    /// [`UnknownState`]: the first name that the schema does not have.
    pub fn group(
        mut self,
        schema: &Schema,
        name: impl Into<String>,
        states: &[impl AsRef<str>],
    ) -> Result<Self, UnknownState> {
        let (name, states) = (name.into(), schema.indexes(states)?);
        match self.groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = states,
            None => self.groups.push((name, states)),
        }
        Ok(self)
    }
    /// States of a group.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[StateIdx]> {
        let mut groups = self.iter();
        groups
            .find(|(known, _)| *known == name)
            .map(|(_, states)| states)
    }
    /// Names and states, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[StateIdx])> {
        let groups = self.groups.iter();
        groups.map(|(name, states)| (name.as_str(), states.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{SchemaDef, StateDef};

    #[test]
    fn groups_keep_their_order_and_that_of_their_states() {
        let def = SchemaDef::new()
            .state("A", StateDef::new())
            .state("B", StateDef::new());
        let (schema, _) = Schema::normalise(&def);
        let groups = Groups::new().group(&schema, "G2", &["B", "A"]).unwrap();
        let groups = groups.group(&schema, "G1", &["B"]).unwrap();
        let groups = groups.group(&schema, "G2", &["A"]).unwrap();
        let names: Vec<_> = groups.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["G2", "G1"]);
        assert_eq!(groups.get("G2"), Some(&[StateIdx(0)][..]));
        assert_eq!(groups.get("G3"), None);
        let unknown = groups.group(&schema, "G3", &["A", "Z"]);
        assert_eq!(unknown, Err(UnknownState("Z".to_owned())));
    }
}
