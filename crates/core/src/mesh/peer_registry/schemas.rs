//! Equal schemas of many machines, held once: a mesh has a few kinds of machines and hundreds of each. Most introductions
//! give one in the very bytes that gave it before: those are found by their hash, without being read again.
//!
//! Invariants: two definitions share a schema only when they are equal, whatever their hashes say; a schema is held as long
//! as a mirror has it; the bytes of all held ones are known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::{Schema, SchemaDef};
use crate::mesh::remote_machine::Share;
use crate::mesh::wire::{Info, Shape};

/// Schemas in use, by hash of their definition.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    table: OrderedMap<u64, Held>,
    /// What gave each of them last, and its key in the table, by hash of the bytes.
    shapes: OrderedMap<u64, (Box<[u8]>, u64)>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    schema: Arc<Schema>,
    mirrors: usize,
    bytes: usize,
    /// Among the shapes.
    shape: Option<u64>,
}

/// A schema as an introduction gives it.
#[derive(Debug)]
pub(super) enum Offer {
    /// One that was held when the introduction was read, and its key.
    Known(Arc<Schema>, u64),
    /// And the bytes that gave it, if they are to be remembered.
    Defined(SchemaDef, Option<Box<[u8]>>),
}

impl Offer {
    /// Takes it out of the introduction.
    pub(super) fn of(info: &mut Info) -> Self {
        match std::mem::take(&mut info.shape) {
            Shape::Known(schema, key) => Self::Known(schema, key),
            Shape::New(bytes) => Self::Defined(definition(info), Some(bytes)),
            Shape::Unread => Self::Defined(definition(info), None),
        }
    }

    fn def(&self) -> &SchemaDef {
        match self {
            Self::Known(schema, _) => schema.def(),
            Self::Defined(def, _) => def,
        }
    }
}

/// What one more mirror with a schema costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    key: u64,
    /// Nothing for a schema that is held already.
    pub(super) bytes: usize,
}

impl Schemas {
    /// The schema that these bytes gave before, and its key.
    pub(super) fn known(&self, bytes: &[u8]) -> Option<(Arc<Schema>, u64)> {
        let (given, key) = self.shapes.get(&hash(bytes))?;
        let held = self.table.get(key)?;
        (**given == *bytes).then(|| (Arc::clone(&held.schema), *key))
    }

    /// Whether the offered schema is held under that key.
    fn is_held(&self, key: u64, offer: &Offer) -> bool {
        let held = self.table.get(&key);
        held.is_some_and(|held| match offer {
            Offer::Known(schema, _) => Arc::ptr_eq(schema, &held.schema),
            Offer::Defined(def, _) => held.schema.def() == def,
        })
    }

    /// What a mirror with that schema would cost.
    pub(super) fn price(&self, offer: &Offer) -> Price {
        let key = match offer {
            Offer::Known(_, key) => *key,
            Offer::Defined(def, _) => hash(def),
        };
        let bytes = match self.is_held(key, offer) {
            true => 0,
            false => weight(offer.def()),
        };
        Price { key, bytes }
    }

    /// The offered schema, for one more mirror.
    pub(super) fn take(&mut self, offer: Offer, price: Price) -> (Arc<Schema>, Share) {
        let key = price.key;
        if self.is_held(key, &offer)
            && let Some(held) = self.table.get_mut(&key)
        {
            held.mirrors += 1;
            let schema = Arc::clone(&held.schema);
            self.remember(key, offer);
            let key = Some(key);
            return (schema, Share { key, bytes: 0 });
        }
        let (schema, _problems) = Schema::normalise(offer.def());
        let bytes = weight(offer.def());
        self.bytes += bytes;
        // What had to be repaired is never found again, and a full table of schemas in use shares no more.
        let is_free = !self.table.contains_key(&key) && self.table.len() < MAX_SCHEMAS;
        let key = (is_free && schema.def() == offer.def()).then_some(key);
        if let Some(key) = key {
            let held = Held {
                schema: Arc::clone(&schema),
                mirrors: 1,
                bytes,
                shape: None,
            };
            self.table.insert(key, held);
            self.remember(key, offer);
        }
        // A payload's bytes many times over.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        (schema, Share { key, bytes })
    }

    /// Notes what gave a schema that is held, in place of what gave it before. Of equal hashes the first stays.
    fn remember(&mut self, key: u64, offer: Offer) {
        let Offer::Defined(_, Some(bytes)) = offer else {
            return;
        };
        let shape = hash(&*bytes);
        if bytes.len() > MAX_SHAPE || self.shapes.contains_key(&shape) {
            return;
        }
        if let Some(held) = self.table.get_mut(&key) {
            let before = held.shape.replace(shape);
            self.bytes += bytes.len();
            self.shapes.insert(shape, (bytes, key));
            self.forget(before);
        }
    }

    fn forget(&mut self, shape: Option<u64>) {
        if let Some((bytes, _)) = shape.and_then(|shape| self.shapes.remove(&shape)) {
            self.bytes -= bytes.len();
            self.shapes.trim();
        }
    }

    /// A mirror is gone.
    pub(super) fn give_back(&mut self, share: Share) {
        let Some(key) = share.key else {
            self.bytes -= share.bytes as usize;
            return;
        };
        let Some(held) = self.table.get_mut(&key) else {
            return;
        };
        held.mirrors -= 1;
        if held.mirrors == 0 {
            self.bytes -= held.bytes;
            let shape = held.shape;
            self.table.remove(&key);
            self.table.trim();
            self.forget(shape);
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

fn hash(of: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The definition an introduction gives, in the order of its states; takes it out.
fn definition(info: &mut Info) -> SchemaDef {
    let mut schema = info.schema.take().unwrap_or_default();
    let states = info.states.take().unwrap_or_default();
    let states = states.into_iter().map(|name| {
        let def = schema.remove(&name).unwrap_or_default();
        (name, def)
    });
    SchemaDef {
        states: states.collect(),
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
/// Longest bytes remembered: a hundred states. Reading longer ones again is no larger part of the work.
const MAX_SHAPE: usize = 16 << 10;
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
        offer(schemas, Offer::Defined(def.clone(), None))
    }

    fn offer(schemas: &mut Schemas, offer: Offer) -> (Arc<Schema>, Share) {
        let price = schemas.price(&offer);
        schemas.take(offer, price)
    }

    /// As an introduction gives it that is read now.
    fn read(schemas: &Schemas, def: &SchemaDef, bytes: &[u8]) -> Offer {
        match schemas.known(bytes) {
            Some((schema, key)) => Offer::Known(schema, key),
            None => Offer::Defined(def.clone(), Some(bytes.into())),
        }
    }

    #[test]
    fn the_bytes_that_gave_a_schema_last_are_known_as_long_as_it_is_held() {
        let mut schemas = Schemas::default();
        let first = read(&schemas, &def(1), b"one");
        let one = offer(&mut schemas, first);
        let known = read(&schemas, &def(1), b"one");
        assert!(matches!(&known, Offer::Known(schema, _) if Arc::ptr_eq(schema, &one.0)));
        let same = offer(&mut schemas, known);
        assert!(Arc::ptr_eq(&one.0, &same.0) && schemas.known(b"two").is_none());
        let other = read(&schemas, &def(1), b"uno");
        let again = offer(&mut schemas, other);
        assert!(Arc::ptr_eq(&one.0, &again.0) && schemas.known(b"one").is_none());
        // Read while it was held, taken when it is no longer.
        let late = read(&schemas, &def(1), b"uno");
        for share in [one.1, same.1, again.1] {
            schemas.give_back(share);
        }
        assert_eq!((schemas.bytes(), schemas.shapes.len()), (0, 0));
        assert!(schemas.known(b"uno").is_none());
        let late = offer(&mut schemas, late);
        assert_eq!((late.0.def(), schemas.len()), (&def(1), 1));
        schemas.give_back(late.1);
        assert_eq!((schemas.bytes(), schemas.len()), (0, 0));
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
        assert!(schemas.bytes() > 0 && schemas.price(&Offer::Defined(def(1), None)).bytes == 0);
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
