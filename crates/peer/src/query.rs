//! Which machines of the mesh are meant: conditions on owner, id, tags, parent, states and age, all of which must hold
//! (mesh-protocol.md 6.3).
//!
//! Pure: a query is asked about [`Facts`], one look at one machine, and reads no clock and takes no lock. Who looks
//! is [`RemoteMachine::matches`](crate::remote::RemoteMachine::matches), which the mesh's lists and watches use.
//!
//! ```
//! use std::time::Duration;
//! use statemesh::query::Query;
//!
//! let free = Query::new()
//!     .tag_value("kind", "render")
//!     .all(["Ready", "WorkersAvailable"])
//!     .none("Exception")
//!     .first_hand()
//!     .fresh(Duration::from_secs(15));
//! # let _ = free;
//! ```

use std::time::Duration;

use statemesh_core::engine::{Schema, StateName, StateRef, States, is_active_tick};
use statemesh_core::{PeerId, StateIdx};

/// Conditions on a machine, all of which must hold. Without any, every machine is meant.
#[derive(Clone, Debug, Default)]
#[must_use = "a query does nothing until it is asked"]
pub struct Query {
    conditions: Vec<Condition>,
}

/// One look at one machine.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Owner.
    pub peer: PeerId,
    /// Id on its owner.
    pub id: &'a str,
    /// Tags of the owner.
    pub tags: &'a [String],
    /// Parent machine id, or empty.
    pub parent: &'a str,
    /// Its schema.
    pub schema: &'a Schema,
    /// Ticks in index order.
    pub clock: &'a [u64],
    /// The newest word came signed by the owner.
    pub first_hand: bool,
    /// Since the owner's word was last heard.
    pub age: Duration,
}

/// The caller's fault: not a regular expression, or one that is too large. Nothing was added.
#[cfg(feature = "regex")]
#[derive(Clone, Debug, thiserror::Error)]
#[error("{pattern:?} is no regular expression: {reason}")]
pub struct PatternError {
    /// As given.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Clone, Debug)]
enum Condition {
    Peer(PeerId),
    Id(String),
    IdContains(String),
    #[cfg(feature = "regex")]
    IdMatches(regex_lite::Regex),
    Tag(String),
    TagKey(String),
    TagValue(String, String),
    Parent(String),
    Has(Vec<Named>),
    All(Vec<Named>),
    Any(Vec<Named>),
    None(Vec<Named>),
    Tick(Named, u64),
    FirstHand,
    Fresh(Duration),
}

/// A state as the caller named it; every machine has its own schema.
#[derive(Clone, Debug)]
enum Named {
    Name(String),
    Index(StateIdx),
}

impl Query {
    /// Every machine.
    pub fn new() -> Self {
        Self::default()
    }
    /// Those of this owner.
    pub fn peer(self, peer: PeerId) -> Self {
        self.with(Condition::Peer(peer))
    }
    /// Those with exactly this id.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.with(Condition::Id(id.into()))
    }
    /// Those whose id contains this text.
    pub fn id_contains(self, part: impl Into<String>) -> Self {
        self.with(Condition::IdContains(part.into()))
    }
    /// Those whose id matches this regular expression anywhere; anchor it with `^` and `$`. Its time is linear in the id.
    ///
    /// # Errors
    /// [`PatternError`].
    #[cfg(feature = "regex")]
    pub fn id_matches(self, pattern: &str) -> Result<Self, PatternError> {
        let pattern = regex_lite::RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| PatternError {
                pattern: pattern.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(self.with(Condition::IdMatches(pattern)))
    }
    /// Those with exactly this tag, `key` or `key:value`.
    pub fn tag(self, tag: impl Into<String>) -> Self {
        self.with(Condition::Tag(tag.into()))
    }
    /// Those with a tag `key` or `key:…`, whatever its value.
    pub fn tag_key(self, key: impl Into<String>) -> Self {
        self.with(Condition::TagKey(key.into()))
    }
    /// Those with the tag `key:value`.
    pub fn tag_value(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(Condition::TagValue(key.into(), value.into()))
    }
    /// Those whose parent has this id.
    pub fn parent(self, id: impl Into<String>) -> Self {
        self.with(Condition::Parent(id.into()))
    }
    /// Those whose schema has all of these states, active or not.
    pub fn has(self, states: impl States) -> Self {
        self.with(Condition::Has(named(&states)))
    }
    /// Those in which all of these states are active. An unknown state is not.
    pub fn all(self, states: impl States) -> Self {
        self.with(Condition::All(named(&states)))
    }
    /// Those in which any of these states is active.
    pub fn any(self, states: impl States) -> Self {
        self.with(Condition::Any(named(&states)))
    }
    /// Those in which none of these states is active. An unknown state is not.
    pub fn none(self, states: impl States) -> Self {
        self.with(Condition::None(named(&states)))
    }
    /// Those in which this state has reached this tick. An unknown state has not.
    pub fn tick(self, state: impl StateName, at_least: u64) -> Self {
        self.with(Condition::Tick(Named::new(state.state_ref()), at_least))
    }
    /// Those whose newest word came signed by the owner, not told by somebody else.
    pub fn first_hand(self) -> Self {
        self.with(Condition::FirstHand)
    }
    /// Those whose owner was heard within this time.
    pub fn fresh(self, within: Duration) -> Self {
        self.with(Condition::Fresh(within))
    }

    /// Whether all conditions hold.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.conditions.iter().all(|it| it.holds(facts))
    }
    /// How long a machine stays meant when nothing more is heard of it; `None`: as long as it is known.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        let limits = self.conditions.iter().filter_map(Condition::patience);
        limits.min()
    }

    fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let is_active = |state: &Named| state.tick(facts).is_some_and(is_active_tick);
        match self {
            Self::Peer(peer) => facts.peer == *peer,
            Self::Id(id) => facts.id == id,
            Self::IdContains(part) => facts.id.contains(part.as_str()),
            #[cfg(feature = "regex")]
            Self::IdMatches(pattern) => pattern.is_match(facts.id),
            Self::Tag(tag) => facts.tags.contains(tag),
            Self::TagKey(key) => facts
                .tags
                .iter()
                .any(|tag| tag == key || tag_value(tag, key).is_some()),
            Self::TagValue(key, value) => {
                let mut tags = facts.tags.iter();
                tags.any(|tag| tag_value(tag, key) == Some(value.as_str()))
            }
            Self::Parent(id) => facts.parent == id,
            Self::Has(states) => states.iter().all(|it| it.index(facts).is_some()),
            Self::All(states) => states.iter().all(is_active),
            Self::Any(states) => states.iter().any(is_active),
            Self::None(states) => !states.iter().any(is_active),
            Self::Tick(state, least) => state.tick(facts).is_some_and(|tick| tick >= *least),
            Self::FirstHand => facts.first_hand,
            Self::Fresh(within) => facts.age <= *within,
        }
    }

    fn patience(&self) -> Option<Duration> {
        match self {
            Self::Fresh(within) => Some(*within),
            #[cfg(feature = "regex")]
            Self::IdMatches(_) => None,
            Self::Peer(_)
            | Self::Id(_)
            | Self::IdContains(_)
            | Self::Tag(_)
            | Self::TagKey(_)
            | Self::TagValue(..)
            | Self::Parent(_)
            | Self::Has(_)
            | Self::All(_)
            | Self::Any(_)
            | Self::None(_)
            | Self::Tick(..)
            | Self::FirstHand => None,
        }
    }
}

impl Named {
    fn new(state: StateRef<'_>) -> Self {
        match state {
            StateRef::Index(index) => Self::Index(index),
            StateRef::Name(name) | StateRef::Typed { name, .. } => Self::Name(name.to_owned()),
        }
    }

    fn index(&self, facts: &Facts<'_>) -> Option<StateIdx> {
        facts.schema.find(match self {
            Self::Name(name) => StateRef::Name(name),
            Self::Index(index) => StateRef::Index(*index),
        })
    }

    fn tick(&self, facts: &Facts<'_>) -> Option<u64> {
        let index = self.index(facts)?;
        facts.clock.get(index.at()).copied()
    }
}

/// The value of a tag `key:value` of this key.
#[must_use]
pub fn tag_value<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    tag.strip_prefix(key)?.strip_prefix(':')
}

fn named(states: &impl States) -> Vec<Named> {
    let mut named = Vec::new();
    states.each(&mut |state| named.push(Named::new(state)));
    named
}

/// Of a compiled pattern, which may come from a command line. A guess: hundreds of characters.
#[cfg(feature = "regex")]
const PATTERN_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;
