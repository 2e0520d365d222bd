//! Maps, sets and a sort, made for many element types in a program whose size matters: the page's.
//!
//! `std`'s B-tree is compiled once for every pair of key and value, balancing and all, 3 to 6 KB of wasm each. Here the
//! tree orders places only, so it is compiled once per key; the values lie beside it in a [`Slab`]. Complexity and
//! order of iteration are those of [`BTreeMap`], and so is the meaning of every method named like one of its. The sort
//! works on places for the same reason.
//!
//! Invariant: the places in the tree are exactly the occupied ones of the slab.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::btree_map::{self, BTreeMap, Entry};
use std::fmt;
use std::ops::{Index, RangeBounds};

use slab::Slab;

/// A map in key order.
#[derive(Clone)]
pub struct OrderedMap<K, V> {
    places: BTreeMap<K, usize>,
    values: Slab<V>,
}

impl<K, V> OrderedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            values: Slab::new(),
        }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All entries by key.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter {
            places: self.places.iter(),
            values: &self.values,
        }
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.places.keys()
    }

    /// All values, by key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.places.values().map(|place| &self.values[*place])
    }

    /// Calls `f` with every entry, by key.
    pub fn for_each_mut(&mut self, mut f: impl FnMut(&K, &mut V)) {
        for (key, place) in &self.places {
            f(key, &mut self.values[*place]);
        }
    }

    /// The entry with the greatest key.
    #[must_use]
    pub fn last_key_value(&self) -> Option<(&K, &V)>
    where
        K: Ord,
    {
        let (key, place) = self.places.last_key_value()?;
        Some((key, &self.values[*place]))
    }
}

impl<K: Ord, V> OrderedMap<K, V> {
    /// The value of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        Some(&self.values[place])
    }

    /// The value of `key`, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        Some(&mut self.values[place])
    }

    /// Whether `key` has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.places.contains_key(key)
    }

    /// The value of `key`, which is `value()` when it had none.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let values = &mut self.values;
        let place = *self
            .places
            .entry(key)
            .or_insert_with(|| values.insert(value()));
        &mut self.values[place]
    }

    /// Sets the value of `key` and returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.places.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(self.values.insert(value));
                None
            }
            Entry::Occupied(entry) => {
                Some(std::mem::replace(&mut self.values[*entry.get()], value))
            }
        }
    }

    /// Takes the value of `key` out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.places.remove(key)?;
        Some(self.values.remove(place))
    }

    /// Takes the entry with the least key out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let (key, place) = self.places.pop_first()?;
        Some((key, self.values.remove(place)))
    }

    /// Keeps the entries for which `keep` says so; asks by key.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let values = &mut self.values;
        self.places.retain(|key, place| {
            let kept = keep(key, &mut values[*place]);
            if !kept {
                values.remove(*place);
            }
            kept
        });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives memory back if most of it is unused: for maps that may have been large once. Costs next to nothing per
    /// entry taken out, if called after each.
    pub fn trim(&mut self) {
        let capacity = self.values.capacity();
        if capacity <= KEPT || self.values.len() > capacity / 4 {
            return;
        }
        let mut values = Slab::with_capacity(2 * self.values.len());
        for place in self.places.values_mut() {
            *place = values.insert(self.values.remove(*place));
        }
        self.values = values;
    }

    /// The entries whose keys lie in `range`, by key.
    pub fn range<R: RangeBounds<K>>(
        &self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone + use<'_, R, K, V> {
        self.places
            .range(range)
            .map(|(key, place)| (key, &self.values[*place]))
    }
}

/// Unused places that are kept for the next entries (a guess).
const KEPT: usize = 64;

/// Panics without such a key, like `std`'s.
impl<K: Ord + Borrow<Q>, V, Q: Ord + ?Sized> Index<&Q> for OrderedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        &self.values[self.places[key]]
    }
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for OrderedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl<K: Eq, V: Eq> Eq for OrderedMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for OrderedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for OrderedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for OrderedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for OrderedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<'a, K, V> IntoIterator for &'a OrderedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K, V> IntoIterator for OrderedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter {
            places: self.places.into_iter(),
            values: self.values,
        }
    }
}

/// Entries of an [`OrderedMap`], by key.
pub struct Iter<'a, K, V> {
    places: btree_map::Iter<'a, K, usize>,
    values: &'a Slab<V>,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            values: self.values,
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, place) = self.places.next()?;
        Some((key, &self.values[*place]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

/// Entries taken out of an [`OrderedMap`], by key.
pub struct IntoIter<K, V> {
    places: btree_map::IntoIter<K, usize>,
    values: Slab<V>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let (key, place) = self.places.next()?;
        Some((key, self.values.remove(place)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}

/// A set in order. Its tree is that of the maps with this key: the place beside each item says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct OrderedSet<T> {
    items: BTreeMap<T, usize>,
}

impl<T> OrderedSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            items: BTreeMap::new(),
        }
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All items, in order.
    pub fn iter(&self) -> btree_map::Keys<'_, T, usize> {
        self.items.keys()
    }
}

impl<T: Ord> OrderedSet<T> {
    /// Whether `item` is in the set.
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.items.contains_key(item)
    }

    /// Adds `item`; true: it is new.
    pub fn insert(&mut self, item: T) -> bool {
        self.items.insert(item, 0).is_none()
    }

    /// Takes `item` out; true: it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.items.remove(item).is_some()
    }

    /// The least item.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.items.first_key_value().map(|(item, _)| item)
    }

    /// Takes the least item out.
    pub fn pop_first(&mut self) -> Option<T> {
        self.items.pop_first().map(|(item, _)| item)
    }

    /// Keeps the items for which `keep` says so; asks in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.items.retain(|item, _| keep(item));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

impl<T> Default for OrderedSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OrderedSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<T: Ord> Extend<T> for OrderedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.insert(item);
        }
    }
}

impl<T: Ord> FromIterator<T> for OrderedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::new();
        set.extend(items);
        set
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for OrderedSet<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a OrderedSet<T> {
    type Item = &'a T;
    type IntoIter = btree_map::Keys<'a, T, usize>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for OrderedSet<T> {
    type Item = T;
    type IntoIter = btree_map::IntoKeys<T, usize>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_keys()
    }
}

/// Sorts like `slice::sort_by`, for lists whose element is large or seldom sorted: all share one sort, that of the places.
pub fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|a, b| compare(&items[a], &items[b]));
    let mut unsorted: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(places.into_iter().filter_map(|at| unsorted[at].take()));
}

fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|a, b| compare(*a, *b));
}

#[cfg(test)]
mod tests;
