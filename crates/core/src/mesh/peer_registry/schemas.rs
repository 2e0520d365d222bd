//! Equal schemas of many machines, held once: a mesh has a few kinds of machines and hundreds of each.
//!
//! Invariant: two definitions share a schema only when they are equal, whatever their hashes say.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::{Schema, SchemaDef};

/// Schemas in use, by hash of their definition.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    table: OrderedMap<u64, Arc<Schema>>,
}

impl Schemas {
    /// The schema of that definition.
    pub(super) fn share(&mut self, def: &SchemaDef) -> Arc<Schema> {
        let mut hasher = DefaultHasher::new();
        def.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(schema) = self.table.get(&key)
            && schema.def() == def
        {
            return Arc::clone(schema);
        }
        let (schema, _problems) = Schema::normalise(def);
        if self.table.len() >= MAX_SCHEMAS {
            self.table.retain(|_, schema| Arc::strong_count(schema) > 1);
        }
        // What had to be repaired is never found again, and a full table of schemas in use shares no more.
        if schema.def() == def && self.table.len() < MAX_SCHEMAS {
            self.table.insert(key, Arc::clone(&schema));
        }
        schema
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Kinds of machines in one mesh that are shared. A guess, and far more than people write.
pub(super) const MAX_SCHEMAS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StateDef;

    fn def(number: usize) -> SchemaDef {
        SchemaDef::new()
            .state("Exception", StateDef::new().multi())
            .state(format!("State{number}"), StateDef::new())
    }

    #[test]
    fn equal_definitions_share_a_schema_others_do_not() {
        let mut schemas = Schemas::default();
        let one = schemas.share(&def(1));
        assert!(Arc::ptr_eq(&one, &schemas.share(&def(1))));
        assert!(!Arc::ptr_eq(&one, &schemas.share(&def(2))));
    }

    #[test]
    fn schemas_nobody_uses_make_place() {
        let mut schemas = Schemas::default();
        let used = schemas.share(&def(0));
        for number in 1..3 * MAX_SCHEMAS {
            schemas.share(&def(number));
            assert!(schemas.len() <= MAX_SCHEMAS);
        }
        assert!(Arc::ptr_eq(&used, &schemas.share(&def(0))));
        let all: Vec<_> = (0..2 * MAX_SCHEMAS)
            .map(|n| schemas.share(&def(n)))
            .collect();
        assert_eq!((all.len(), schemas.len()), (2 * MAX_SCHEMAS, MAX_SCHEMAS));
    }
}
