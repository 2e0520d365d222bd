//! State definitions, normalised once into an immutable, indexed schema (machine.md 1).

use std::sync::Arc;

use crate::ids::StateIdx;

/// One state as written by its author. An absent list (`None`) differs from an empty one only in text forms and on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDef {
    /// Activates by itself after any transition that changed the clock.
    pub auto: bool,
    /// Calling it while active counts as a new instance.
    pub multi: bool,
    /// All must be in the target set, or this one is dropped.
    pub require: Option<Vec<String>>,
    /// Implied when this one activates.
    pub add: Option<Vec<String>>,
    /// May not be active together with this one.
    pub remove: Option<Vec<String>>,
    /// Handlers run after those of these states.
    pub after: Option<Vec<String>>,
    /// `key` or `key:value`, ignored by the engine.
    pub tags: Option<Vec<String>>,
}

macro_rules! list_setter {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
            self.$name = Some(names.into_iter().map(Into::into).collect());
            self
        }
    )*};
}

impl StateDef {
    /// A state without properties and relations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets Auto.
    #[must_use]
    pub fn auto(mut self) -> Self {
        self.auto = true;
        self
    }
    /// Sets Multi.
    #[must_use]
    pub fn multi(mut self) -> Self {
        self.multi = true;
        self
    }
    list_setter!(
        /// Sets Require.
        require,
        /// Sets Add.
        add,
        /// Sets Remove.
        remove,
        /// Sets After.
        after,
        /// Sets the tags.
        tags
    );
}

/// States in index order, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDef {
    /// Name and definition; a later duplicate replaces the earlier one at its place.
    pub states: Vec<(String, StateDef)>,
}

impl SchemaDef {
    /// No states yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds or replaces one state.
    #[must_use]
    pub fn state(mut self, name: impl Into<String>, def: StateDef) -> Self {
        let name = name.into();
        match self.states.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = def,
            None => self.states.push((name, def)),
        }
        self
    }
}

/// Something in a schema that was dropped or contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaProblem {
    /// A state both requires and removes another.
    #[error("state {state} requires and removes {other}")]
    RequireRemove {
        /// The state.
        state: String,
        /// The other one.
        other: String,
    },
    /// A relation names a state that does not exist.
    #[error("state {state} refers to unknown state {other}")]
    Unknown {
        /// The state.
        state: String,
        /// The missing one.
        other: String,
    },
}

/// An immutable, indexed schema.
#[derive(Debug)]
pub struct Schema {}

impl Schema {
    /// Lenient normalisation (1.2): repairs what it can and says what it found. Adds `Exception` (multi) at the end when missing.
    #[must_use]
    pub fn normalise(def: &SchemaDef) -> (Arc<Self>, Vec<SchemaProblem>) {
        let _ = def;
        todo!()
    }
    /// Number of states.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Never: there is always `Exception`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
    /// Index of a name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<StateIdx> {
        let _ = name;
        todo!()
    }
    /// Name of an index. Panics out of range.
    #[must_use]
    pub fn name(&self, state: StateIdx) -> &str {
        let _ = state;
        todo!()
    }
    /// Names in index order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.def().states.iter().map(|(name, _)| name.as_str())
    }
    /// The normalised definitions, in index order.
    #[must_use]
    pub fn def(&self) -> &SchemaDef {
        todo!()
    }
    /// Auto property.
    #[must_use]
    pub fn is_auto(&self, state: StateIdx) -> bool {
        let _ = state;
        todo!()
    }
    /// Multi property.
    #[must_use]
    pub fn is_multi(&self, state: StateIdx) -> bool {
        let _ = state;
        todo!()
    }
    /// Index of `Exception`.
    #[must_use]
    pub fn exception(&self) -> StateIdx {
        todo!()
    }
    /// Required states, in order; unknown ones are left out here.
    #[must_use]
    pub fn require(&self, state: StateIdx) -> &[StateIdx] {
        let _ = state;
        todo!()
    }
    /// Implied states.
    #[must_use]
    pub fn add(&self, state: StateIdx) -> &[StateIdx] {
        let _ = state;
        todo!()
    }
    /// Removed states.
    #[must_use]
    pub fn remove(&self, state: StateIdx) -> &[StateIdx] {
        let _ = state;
        todo!()
    }
    /// States whose handlers run first.
    #[must_use]
    pub fn after(&self, state: StateIdx) -> &[StateIdx] {
        let _ = state;
        todo!()
    }
}
