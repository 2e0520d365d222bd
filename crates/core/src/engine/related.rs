//! Who is related to whom in an indexed schema, for tools that draw it.

use crate::engine::relations::Relation;
use crate::engine::schema::Schema;
use crate::ids::StateIdx;

impl Schema {
    /// The relations a state has as written, also one with an empty list: Add, Require, Remove, After. None out of
    /// range.
    pub fn relations_of(&self, state: StateIdx) -> impl Iterator<Item = Relation> {
        let def = self.def().states.get(state.at()).map(|(_, def)| def);
        let lists = def.map(|def| [&def.add, &def.require, &def.remove, &def.after]);
        let lists = ORDER.into_iter().zip(lists.into_iter().flatten());
        lists.filter_map(|(relation, list)| list.is_some().then_some(relation))
    }
    /// The relations in which `from` names `to`, in the same order.
    pub fn relations_between(
        &self,
        from: StateIdx,
        to: StateIdx,
    ) -> impl Iterator<Item = Relation> {
        let names = move |relation: &Relation| self.related(from, *relation).contains(&to);
        ORDER.into_iter().filter(names)
    }
    /// The other states that name this one, in index order, each once per relation.
    pub fn related_to(&self, state: StateIdx) -> impl Iterator<Item = (StateIdx, Relation)> {
        let states = (0..=u16::MAX).map(StateIdx).take(self.len());
        let others = states.filter(move |&from| from != state);
        others.flat_map(move |from| {
            let relations = self.relations_between(from, state);
            relations.map(move |relation| (from, relation))
        })
    }
    /// The states that this one names in a relation; none out of range.
    #[must_use]
    pub fn related(&self, state: StateIdx, relation: Relation) -> &[StateIdx] {
        if state.at() >= self.len() {
            return &[];
        }
        match relation {
            Relation::After => self.after(state),
            Relation::Add => self.add(state),
            Relation::Require => self.require(state),
            Relation::Remove => self.remove(state),
        }
    }
}

/// In which relations are listed.
const ORDER: [Relation; 4] = [
    Relation::Add,
    Relation::Require,
    Relation::Remove,
    Relation::After,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{SchemaDef, StateDef};

    #[test]
    fn relations_in_both_directions() {
        let [a, b, z] = [0, 1, 9].map(StateIdx);
        let def = SchemaDef::new()
            .state("A", StateDef::new().remove(["A", "B"]).after(["B"]))
            .state("B", StateDef::new().remove(["B"]));
        let (schema, _) = Schema::normalise(&def);
        let (remove, after) = (Relation::Remove, Relation::After);
        assert!(schema.relations_of(a).eq([remove, after]));
        assert!(
            schema.relations_of(b).eq([remove]),
            "written, though empty now"
        );
        assert!(schema.relations_between(a, b).eq([remove, after]));
        assert!(schema.relations_between(b, a).eq([]));
        assert!(schema.related_to(b).eq([(a, remove), (a, after)]));
        assert_eq!(
            (schema.relations_of(z).count(), schema.related(z, after)),
            (0, &[][..])
        );
    }
}
