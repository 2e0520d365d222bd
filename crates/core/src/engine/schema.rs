//! State definitions, normalised once into an immutable, indexed schema; problems are returned beside it.
//!
//! Normalisation is lenient: what contradicts itself or names nothing is repaired and reported, never refused. Every
//! list of an indexed schema holds valid indexes only, and its memory is linear in what its author wrote (schemas
//! also come from other peers). The order in which requirements are sorted (the topology) depends on names only, not
//! on the index order.

use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::normalise::{EXCEPTION, normalised};
use crate::engine::state_set::{StateBits, StateList};

use crate::ids::StateIdx;

/// One state as written by its author. An absent list (`None`) differs from an empty one only in text forms and on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
        #[expect(clippy::should_implement_trait, reason = "the relation is named Add")]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// A state both requires and removes another; both relations stay.
    #[error("require-remove conflict for {state} to {other}")]
    RequireRemove {
        /// The state.
        state: String,
        /// The other one.
        other: String,
    },
    /// A relation names a state that does not exist. A requirement stays (the state can never begin), others are dropped.
    #[error("state {state} refers to unknown state {other}")]
    Unknown {
        /// The state.
        state: String,
        /// The missing one.
        other: String,
    },
    /// There are more states than indexes; the last ones are dropped.
    #[error("more than {limit} states")]
    TooMany {
        /// How many a schema can hold.
        limit: usize,
    },
}

impl SchemaProblem {
    /// True for what the model raises as an `Exception` of the fresh machine; the rest is only worth a warning.
    #[must_use]
    pub fn is_error(&self) -> bool {
        match self {
            Self::RequireRemove { .. } | Self::TooMany { .. } => true,
            Self::Unknown { .. } => false,
        }
    }
}

/// The caller's list of names does not fit the schema. Nothing was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A name is not in the schema.
    #[error("no state named {0} in the schema")]
    Unknown(String),
    /// A state of the schema is not in the list.
    #[error("the list of names misses state {0}")]
    Missing(String),
}

/// An immutable, indexed schema.
#[derive(Debug)]
pub struct Schema {
    def: SchemaDef,
    /// Indexes in bytewise order of their names.
    by_name: Vec<StateIdx>,
    /// How those names begin, in the same order: most lookups need to compare one name only.
    beginnings: Vec<u64>,
    exception: StateIdx,
    require: Rows,
    add: Rows,
    remove: Rows,
    removed_by: Rows,
    after: Rows,
    /// Position in the Require topology, 0 for states outside it.
    topology: Vec<u16>,
    /// The states of the topology.
    in_topology: Vec<StateIdx>,
    auto: Vec<StateIdx>,
    masks: Masks,
    near: Option<Box<[Near]>>,
}

/// Relations of one state as bits, the lowest for state 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Near {
    pub(crate) require: u64,
    pub(crate) removed_by: u64,
}

/// Which states have what, so that whole passes can be skipped.
#[derive(Debug)]
pub(crate) struct Masks {
    pub(crate) multi: StateBits,
    pub(crate) auto: StateBits,
    pub(crate) require: StateBits,
    /// Requires a state that does not exist.
    pub(crate) impossible: StateBits,
    pub(crate) add: StateBits,
    pub(crate) remove: StateBits,
    pub(crate) after: StateBits,
    pub(crate) topology: StateBits,
    /// Named so that an Add of it alone wakes no Auto states.
    pub(crate) health: StateBits,
    /// Has any relation, or a place in the topology.
    pub(crate) related: StateBits,
    /// Any state has an After relation or a place in the topology.
    pub(crate) has_order: bool,
}

impl Schema {
    /// Lenient normalisation: repairs what it can and says what it found. Adds `Exception` (multi) at the end when missing.
    #[must_use]
    pub fn normalise(def: &SchemaDef) -> (Arc<Self>, Vec<SchemaProblem>) {
        let (def, problems) = normalised(def);
        (Arc::new(Self::build(def)), problems)
    }
    /// [`Schema::normalise`], then the states in the order of `names`, which may place `Exception` although the
    /// definition does not declare it. Names given twice count once.
    ///
    /// # Errors
    /// [`IndexError`]: an unknown or a missing name.
    pub fn with_index<S: AsRef<str>>(
        def: &SchemaDef,
        names: &[S],
    ) -> Result<(Arc<Self>, Vec<SchemaProblem>), IndexError> {
        let (mut def, problems) = normalised(def);
        let mut rank = OrderedMap::new();
        for (position, name) in names.iter().enumerate() {
            rank.get_or_insert_with(name.as_ref(), || position);
        }
        for (name, _) in &def.states {
            if !rank.contains_key(name.as_str()) {
                return Err(IndexError::Missing(name.clone()));
            }
        }
        if rank.len() > def.states.len() {
            let known = def.names();
            let unknown = rank.keys().find(|name| !known.contains_key(*name));
            return Err(IndexError::Unknown(
                unknown.map_or_else(String::new, |name| (*name).to_owned()),
            ));
        }
        def.states
            .sort_by_key(|(name, _)| rank.get(name.as_str()).copied());
        Ok((Arc::new(Self::build(def)), problems))
    }

    /// The same with its states in another order. A name that is missing here comes first.
    pub(crate) fn reordered(&self, names: &[String]) -> Arc<Self> {
        let ranks: OrderedMap<_, _> = names.iter().zip(0_usize..).collect();
        let mut def = self.def.clone();
        def.states.sort_by_key(|(name, _)| ranks.get(name).copied());
        Arc::new(Self::build(def))
    }
    /// States that require each other in a circle.
    pub(crate) fn require_cycle(&self) -> Option<Vec<StateIdx>> {
        topology(&self.require, &self.by_name, self.len()).err()
    }

    /// Indexes a normalised definition.
    fn build(def: SchemaDef) -> Self {
        let states = def.states.len();
        let names = def.names();
        let rows = |list: fn(&StateDef) -> &Option<Vec<String>>| {
            Rows::new(def.states.iter().map(|(_, state)| {
                list(state)
                    .iter()
                    .flatten()
                    .filter_map(|name| names.get(name.as_str()).copied())
            }))
        };
        let require = rows(|state| &state.require);
        let remove = rows(|state| &state.remove);
        let by_name: Vec<_> = names.values().copied().collect();
        // States that require each other have no order.
        let order = topology(&require, &by_name, states).unwrap_or_default();
        let beginnings = names.keys().map(|name| beginning(name)).collect();
        let schema = Self {
            exception: names.get(EXCEPTION).copied().unwrap_or_default(),
            add: rows(|state| &state.add),
            after: rows(|state| &state.after),
            removed_by: remove.inverted(states),
            masks: Masks::new(&def, &names, &order),
            topology: positions(&order, states),
            in_topology: order,
            auto: (0..=u16::MAX)
                .map(StateIdx)
                .zip(&def.states)
                .filter_map(|(index, (_, state))| state.auto.then_some(index))
                .collect(),
            require,
            remove,
            by_name,
            beginnings,
            near: None,
            def: SchemaDef::default(),
        };
        let near = near(&schema.require, &schema.removed_by, states);
        Self {
            def,
            near,
            ..schema
        }
    }

    /// Number of states.
    #[must_use]
    pub fn len(&self) -> usize {
        self.def.states.len()
    }
    /// Never: there is always `Exception`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
    /// Index of a name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<StateIdx> {
        let begins = beginning(name);
        let first = self.beginnings.partition_point(|&known| known < begins);
        let rest = &self.by_name[first..];
        let is_only = self.beginnings.get(first + 1) != Some(&begins);
        if is_only {
            let state = *rest.first()?;
            let known = self.name(state);
            // Names of one length that begin alike for eight bytes differ behind them, if at all.
            let is_same = known.len() == name.len() && (name.len() <= 8 || known == name);
            return (self.beginnings[first] == begins && is_same).then_some(state);
        }
        let at = rest.binary_search_by(|&state| self.name(state).cmp(name));
        at.ok().map(|at| rest[at])
    }
    /// Name of an index. Panics out of range.
    #[must_use]
    pub fn name(&self, state: StateIdx) -> &str {
        &self.def.states[state.at()].0
    }
    /// Names in index order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.def().states.iter().map(|(name, _)| name.as_str())
    }
    /// The normalised definitions, in index order.
    #[must_use]
    pub fn def(&self) -> &SchemaDef {
        &self.def
    }
    /// Auto property.
    #[must_use]
    #[inline]
    pub fn is_auto(&self, state: StateIdx) -> bool {
        self.masks.auto.contains(state)
    }
    /// Multi property.
    #[must_use]
    #[inline]
    pub fn is_multi(&self, state: StateIdx) -> bool {
        self.masks.multi.contains(state)
    }
    /// Index of `Exception`.
    #[must_use]
    pub fn exception(&self) -> StateIdx {
        self.exception
    }
    /// Required states, in order; unknown ones are left out here.
    #[must_use]
    #[inline]
    pub fn require(&self, state: StateIdx) -> &[StateIdx] {
        self.require.row(state)
    }
    /// Name at one place of a Require list, as written.
    pub(crate) fn required_name(&self, state: StateIdx, place: u16) -> Option<&str> {
        let (_, state) = self.def.states.get(state.at())?;
        let name = state.require.as_ref()?.get(usize::from(place))?;
        Some(name)
    }
    /// Required states, in order; `None` for a name that does not exist. Looks every name up.
    pub(crate) fn required(&self, state: StateIdx) -> impl Iterator<Item = Option<StateIdx>> {
        let names = self.def.states[state.at()].1.require.iter().flatten();
        names.map(|name| self.index(name))
    }
    /// Implied states.
    #[must_use]
    #[inline]
    pub fn add(&self, state: StateIdx) -> &[StateIdx] {
        self.add.row(state)
    }
    /// Removed states.
    #[must_use]
    #[inline]
    pub fn remove(&self, state: StateIdx) -> &[StateIdx] {
        self.remove.row(state)
    }
    /// States that remove this one.
    #[must_use]
    #[inline]
    pub fn removed_by(&self, state: StateIdx) -> &[StateIdx] {
        self.removed_by.row(state)
    }
    /// States whose handlers run first.
    #[must_use]
    #[inline]
    pub fn after(&self, state: StateIdx) -> &[StateIdx] {
        self.after.row(state)
    }

    /// Named so that an Add of it alone wakes no Auto states.
    #[inline]
    pub(crate) fn is_health(&self, state: StateIdx) -> bool {
        self.masks.health.contains(state)
    }
    /// Auto states, in index order.
    pub(crate) fn auto_states(&self) -> &[StateIdx] {
        &self.auto
    }
    /// Relations as bits, by state: there when no state needs a second word.
    #[inline]
    pub(crate) fn near(&self) -> Option<&[Near]> {
        self.near.as_deref()
    }
    #[inline]
    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }
    /// Position in the Require topology, from 1; 0 outside it.
    #[inline]
    pub(crate) fn topology(&self, state: StateIdx) -> u16 {
        self.topology[state.at()]
    }
    /// The state at a position of the topology, from 0 here.
    #[inline]
    pub(crate) fn in_topology(&self, position: usize) -> StateIdx {
        self.in_topology[position]
    }
}

impl SchemaDef {
    /// Index of every name.
    fn names(&self) -> OrderedMap<&str, StateIdx> {
        let indexes = (0..=u16::MAX).map(StateIdx);
        self.states
            .iter()
            .map(|(name, _)| name.as_str())
            .zip(indexes)
            .collect()
    }
}

impl Masks {
    fn new(def: &SchemaDef, names: &OrderedMap<&str, StateIdx>, order: &[StateIdx]) -> Self {
        let mask = |has: &dyn Fn(&StateDef) -> bool| {
            let mut bits = StateBits::new(def.states.len());
            for ((_, state), index) in def.states.iter().zip((0..=u16::MAX).map(StateIdx)) {
                if has(state) {
                    bits.insert(index);
                }
            }
            bits
        };
        let filled =
            |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let mut topology = StateBits::new(def.states.len());
        for &state in order {
            topology.insert(state);
        }
        Self {
            multi: mask(&|state| state.multi),
            auto: mask(&|state| state.auto),
            require: mask(&|state| filled(&state.require)),
            impossible: mask(&|state| {
                state
                    .require
                    .iter()
                    .flatten()
                    .any(|name| !names.contains_key(name.as_str()))
            }),
            add: mask(&|state| filled(&state.add)),
            remove: mask(&|state| filled(&state.remove)),
            after: mask(&|state| filled(&state.after)),
            health: {
                let mut health = StateBits::new(def.states.len());
                let indexes = HEALTH.iter().filter_map(|name| names.get(name));
                indexes.for_each(|&state| health.insert(state));
                health
            },
            related: {
                let lists = |state: &StateDef| {
                    let mut lists =
                        [&state.require, &state.add, &state.remove, &state.after].into_iter();
                    lists.any(filled)
                };
                let mut related = mask(&lists);
                order.iter().for_each(|&state| related.insert(state));
                related
            },
            has_order: !order.is_empty()
                || def.states.iter().any(|(_, state)| filled(&state.after)),
            topology,
        }
    }
}

/// Probes that say only that a machine answers.
const HEALTH: [&str; 2] = ["Heartbeat", "Healthcheck"];

/// The first eight bytes of a name as a number that sorts as the names do.
#[inline]
fn beginning(name: &str) -> u64 {
    let bytes = name.as_bytes();
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    // In a register: eight single stores and one load of all eight would stall.
    let read = bytes
        .iter()
        .fold(0, |read, &byte| read << 8 | u64::from(byte));
    let missing = 8 - bytes.len();
    read.checked_shl(8 * missing as u32).unwrap_or_default()
}

fn near(require: &Rows, removed_by: &Rows, states: usize) -> Option<Box<[Near]>> {
    let bits = |row: &[StateIdx]| row.iter().fold(0, |bits, state| bits | 1 << state.at());
    let near = |state| Near {
        require: bits(require.row(state)),
        removed_by: bits(removed_by.row(state)),
    };
    let all = (0..=u16::MAX).map(StateIdx).take(states);
    (states <= 64).then(|| all.map(near).collect())
}

/// One list of states per state.
#[derive(Debug)]
struct Rows {
    ends: Vec<u32>,
    items: Vec<StateIdx>,
}

impl Rows {
    fn new<I: Iterator<Item = StateIdx>>(rows: impl Iterator<Item = I>) -> Self {
        let mut items = Vec::new();
        let ends = rows
            .map(|row| {
                items.extend(row);
                u32::try_from(items.len()).unwrap_or(u32::MAX)
            })
            .collect();
        Self { ends, items }
    }
    #[inline]
    fn row(&self, state: StateIdx) -> &[StateIdx] {
        let start = match state.at().checked_sub(1) {
            Some(previous) => self.ends[previous],
            None => 0,
        };
        &self.items[start as usize..self.ends[state.at()] as usize]
    }
    fn inverted(&self, states: usize) -> Self {
        let mut rows = vec![Vec::new(); states];
        for from in (0..=u16::MAX).map(StateIdx).take(states) {
            for to in self.row(from) {
                rows[to.at()].push(from);
            }
        }
        Self::new(rows.into_iter().map(Vec::into_iter))
    }
}

/// Depth-first post-order over Require: requirements before dependents, roots by name. The states of a cycle instead
/// when there is one.
fn topology(
    require: &Rows,
    by_name: &[StateIdx],
    states: usize,
) -> Result<Vec<StateIdx>, Vec<StateIdx>> {
    let mut done = StateList::new(states);
    let mut open = StateBits::new(states);
    let mut path: Vec<(StateIdx, usize)> = Vec::new();
    for &root in by_name
        .iter()
        .filter(|&&state| !require.row(state).is_empty())
    {
        path.push((root, 0));
        while let Some((state, next)) = path.last_mut() {
            let state = *state;
            if done.contains(state) {
                path.pop();
                continue;
            }
            open.insert(state);
            let Some(&required) = require.row(state).get(*next) else {
                open.remove(state);
                done.push(state);
                path.pop();
                continue;
            };
            *next += 1;
            if open.contains(required) {
                let path = path.iter().map(|&(state, _)| state);
                return Err(path.skip_while(|&state| state != required).collect());
            }
            path.push((required, 0));
        }
    }
    Ok(done.as_slice().to_vec())
}

fn positions(order: &[StateIdx], states: usize) -> Vec<u16> {
    let mut positions = vec![0; states];
    for (state, position) in order.iter().zip(1..) {
        positions[state.at()] = position;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn an_index_lists_every_state_once() {
        let def = SchemaDef::new()
            .state("A", StateDef::new())
            .state("B", StateDef::new());
        let index = |names: &str| {
            Schema::with_index(&def, &list(names))
                .map(|(schema, _)| schema.names().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(index("Exception B A B"), Ok("Exception B A".to_owned()));
        assert_eq!(
            index("A B"),
            Err(IndexError::Missing("Exception".to_owned()))
        );
        assert_eq!(
            index("A B Exception Z"),
            Err(IndexError::Unknown("Z".to_owned()))
        );
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let names = [
            "Download",
            "Downloaded",
            "Downloading",
            "Down",
            "D",
            "\0",
            "",
        ];
        let def = names.iter().fold(SchemaDef::new(), |def, name| {
            def.state(*name, StateDef::new())
        });
        let (schema, _) = Schema::normalise(&def);
        for (at, name) in names.iter().enumerate() {
            assert_eq!(schema.index(name).map(StateIdx::at), Some(at), "{name:?}");
        }
        for unknown in ["Downloads", "Do", "D\0", "Z", "\0\0"] {
            assert_eq!(schema.index(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn requirements_come_before_dependents_unless_they_run_in_circles() {
        let def = SchemaDef::new()
            .state("A", StateDef::new().require(list("B C")))
            .state("B", StateDef::new().require(list("D")))
            .state("C", StateDef::new())
            .state("D", StateDef::new());
        let (schema, _) = Schema::normalise(&def);
        let positions: Vec<_> = (0..5).map(|at| schema.topology(StateIdx(at))).collect();
        assert_eq!(positions, [4, 2, 3, 1, 0]);
        let def = def.state("D", StateDef::new().require(list("A")));
        let (schema, _) = Schema::normalise(&def);
        assert_eq!(schema.topology(StateIdx(0)), 0);
    }
}
