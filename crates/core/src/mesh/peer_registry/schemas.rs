//! Equal schemas of many machines, held once: a mesh has a few kinds of machines and hundreds of each.
//!
//! Invariants: two definitions share a schema only when they are equal, whatever their hashes say; a schema is held as long
//! as a mirror has it; the bytes of all held ones are known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::{Schema, SchemaDef};
use crate::mesh::remote_machine::Share;

/// Schemas in use, by hash of their definition.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    table: OrderedMap<u64, Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    schema: Arc<Schema>,
    mirrors: usize,
    bytes: usize,
}

/// What one more mirror with a schema costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    key: u64,
    /// Nothing for a schema that is held already.
    pub(super) bytes: usize,
}

impl Schemas {
    /// What a mirror with that definition would cost.
    pub(super) fn price(&self, def: &SchemaDef) -> Price {
        let mut hasher = DefaultHasher::new();
        def.hash(&mut hasher);
        let key = hasher.finish();
        let is_held = self
            .table
            .get(&key)
            .is_some_and(|held| held.schema.def() == def);
        let bytes = if is_held { 0 } else { weight(def) };
        Price { key, bytes }
    }

    /// The schema of that definition, for one more mirror.
    pub(super) fn take(&mut self, def: &SchemaDef, price: Price) -> (Arc<Schema>, Share) {
        if let Some(held) = self.table.get_mut(&price.key)
            && held.schema.def() == def
        {
            held.mirrors += 1;
            let key = Some(price.key);
            return (Arc::clone(&held.schema), Share { key, bytes: 0 });
        }
        let (schema, _problems) = Schema::normalise(def);
        let bytes = weight(def);
        self.bytes += bytes;
        // What had to be repaired is never found again, and a full table of schemas in use shares no more.
        let is_free = !self.table.contains_key(&price.key) && self.table.len() < MAX_SCHEMAS;
        let key = (is_free && schema.def() == def).then_some(price.key);
        if let Some(key) = key {
            let held = Held {
                schema: Arc::clone(&schema),
                mirrors: 1,
                bytes,
            };
            self.table.insert(key, held);
        }
        // A payload's bytes many times over.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        (schema, Share { key, bytes })
    }

    /// A mirror is gone.
    pub(super) fn give_back(&mut self, share: Share) {
        let Some(key) = share.key else {
            self.bytes -= share.bytes as usize;
            return;
        };
        if let Some(held) = self.table.get_mut(&key) {
            held.mirrors -= 1;
            if held.mirrors == 0 {
                self.bytes -= held.bytes;
                self.table.remove(&key);
                self.table.trim();
            }
        }
    }

    /// Bytes of all that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Bytes a schema takes, rounded up.
fn weight(def: &SchemaDef) -> usize {
    let state = |(name, state): &(String, crate::engine::StateDef)| {
        let lists = [
            &state.require,
            &state.add,
            &state.remove,
            &state.after,
            &state.tags,
        ];
        let listed = lists.into_iter().flatten().flatten();
        STATE + name.len() + listed.map(|name| LISTED + name.len()).sum::<usize>()
    };
    SCHEMA + def.states.iter().map(state).sum::<usize>()
}

/// Kinds of machines in one mesh that are shared. A guess, and far more than people write.
pub(super) const MAX_SCHEMAS: usize = 1024;
/// Bytes of a schema without states. Counted, with room for what the allocator adds, as the two below.
const SCHEMA: usize = 1024;
/// Bytes of a state without its name.
const STATE: usize = 272;
/// Bytes of a name in a relation, or of a tag, without its letters.
const LISTED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StateDef;

    fn def(number: usize) -> SchemaDef {
        SchemaDef::new()
            .state("Exception", StateDef::new().multi())
            .state(format!("State{number}"), StateDef::new())
    }

    fn take(schemas: &mut Schemas, def: &SchemaDef) -> (Arc<Schema>, Share) {
        let price = schemas.price(def);
        schemas.take(def, price)
    }

    #[test]
    fn equal_definitions_share_a_schema_others_do_not() {
        let mut schemas = Schemas::default();
        let one = take(&mut schemas, &def(1));
        let same = take(&mut schemas, &def(1));
        assert!(Arc::ptr_eq(&one.0, &same.0));
        let other = take(&mut schemas, &def(2));
        assert!(!Arc::ptr_eq(&one.0, &other.0));
    }

    #[test]
    fn what_no_mirror_has_is_given_back() {
        let mut schemas = Schemas::default();
        let (one, same) = (take(&mut schemas, &def(1)), take(&mut schemas, &def(1)));
        assert!(schemas.bytes() > 0 && schemas.price(&def(1)).bytes == 0);
        schemas.give_back(one.1);
        assert_eq!(schemas.len(), 1);
        schemas.give_back(same.1);
        assert_eq!((schemas.len(), schemas.bytes()), (0, 0));
    }

    #[test]
    fn what_cannot_be_shared_is_counted_too() {
        let mut schemas = Schemas::default();
        let without_exception = SchemaDef::new().state("A", StateDef::new());
        let one = take(&mut schemas, &without_exception);
        let same = take(&mut schemas, &without_exception);
        assert!(one.1.key.is_none() && one.1.bytes > 0);
        assert_eq!(schemas.bytes(), (one.1.bytes + same.1.bytes) as usize);
        schemas.give_back(one.1);
        schemas.give_back(same.1);
        assert_eq!(schemas.bytes(), 0);
        let all: Vec<_> = (0..2 * MAX_SCHEMAS)
            .map(|number| take(&mut schemas, &def(number)))
            .collect();
        assert_eq!(schemas.len(), MAX_SCHEMAS);
        all.iter().for_each(|one| schemas.give_back(one.1));
        assert_eq!((schemas.len(), schemas.bytes()), (0, 0));
    }
}
