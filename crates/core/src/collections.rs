//! Maps, sets and a sort, made for many element types in a program whose size matters: the page's.
//!
//! `std`'s B-tree is compiled once for every pair of key and value, balancing and all, 3 to 6 KB of wasm each. Here the
//! keys lie in a [`Slab`], and what is ordered are their places, by code that is compiled once (`order`). Order of
//! iteration and the meaning of every method are those of `BTreeMap` and `BTreeSet`. The sort works on places for the
//! same reason.
//!
//! Invariants: the places in the order are exactly the occupied ones of the slab, and those at which a map has values.

mod order;
mod set;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Index, RangeBounds};

use slab::Slab;

use self::order::{Places, Spot};
pub use self::set::{IntoItems, Items, OrderedSet};

/// A map in key order: the values lie beside the keys, at the same places.
#[derive(Clone)]
pub struct OrderedMap<K, V> {
    keys: OrderedSet<K>,
    values: Vec<Option<V>>,
}

impl<K, V> OrderedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            keys: OrderedSet::new(),
            values: Vec::new(),
        }
    }

    /// An empty map with room for that many entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Self {
            keys: OrderedSet::with_capacity(entries),
            values: Vec::with_capacity(entries),
        }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All entries by key.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.among(self.keys.order.all())
    }

    fn among<'a>(&'a self, places: Places<'a>) -> Iter<'a, K, V> {
        Iter {
            places,
            keys: &self.keys.items,
            values: &self.values,
        }
    }

    /// All keys, in order.
    #[must_use]
    pub fn keys(&self) -> Items<'_, K> {
        self.keys.iter()
    }

    /// All values, by key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// Calls `f` with every entry, by key.
    pub fn for_each_mut(&mut self, mut f: impl FnMut(&K, &mut V)) {
        for place in self.keys.order.all() {
            f(&self.keys.items[place], held_mut(&mut self.values, place));
        }
    }

    /// The entry with the greatest key.
    #[must_use]
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Takes the entry with the least key out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let first = self.keys.order.first()?;
        Some(self.take(first))
    }

    /// Keeps the entries for which `keep` says so; asks by key.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let values = &mut self.values;
        self.keys.retain_places(&mut |key, place| {
            let kept = keep(key, held_mut(values, place));
            if !kept {
                values[place] = None;
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
        if self.keys.is_sparse() {
            let mut kept = Vec::with_capacity(2 * self.keys.len());
            self.keys
                .renumber(&mut |place| kept.push(self.values[place].take()));
            self.values = kept;
        }
    }

    fn take(&mut self, spot: Spot) -> (K, V) {
        let (key, place) = self.keys.take(spot);
        let value = self.values[place].take();
        (key, value.expect(HELD))
    }
}

/// The value at a place of the order.
fn held<V>(values: &[Option<V>], place: usize) -> &V {
    values[place].as_ref().expect(HELD)
}

fn held_mut<V>(values: &mut [Option<V>], place: usize) -> &mut V {
    values[place].as_mut().expect(HELD)
}

const HELD: &str = "every place of the order has a value";

impl<K: Ord, V> OrderedMap<K, V> {
    /// The value of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let spot = self.keys.find(key).ok()?;
        Some(held(&self.values, self.keys.order.place(spot)))
    }

    /// The value of `key`, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let spot = self.keys.find(key).ok()?;
        Some(held_mut(&mut self.values, self.keys.order.place(spot)))
    }

    /// Where `key` lies: there [`Self::at`] finds its value until an entry is taken out. `rank` is as for
    /// [`Self::insert_ranked`].
    pub(crate) fn place(&self, rank: u32, key: &K) -> Option<usize> {
        let spot = self.keys.find_ranked(Some(rank), key).ok()?;
        Some(self.keys.order.place(spot))
    }

    /// The value at a place that [`Self::place`] told.
    pub(crate) fn at(&self, place: usize) -> &V {
        held(&self.values, place)
    }

    /// The same, to be changed.
    pub(crate) fn at_mut(&mut self, place: usize) -> &mut V {
        held_mut(&mut self.values, place)
    }

    /// Whether `key` has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.keys.contains(key)
    }

    /// The value of `key`, which is `value()` when it had none.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = match self.keys.find(&key) {
            Ok(spot) => self.keys.order.place(spot),
            Err(spot) => self.put(spot, 0, key, value()),
        };
        held_mut(&mut self.values, place)
    }

    /// Sets the value of `key` and returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.set(None, key, value)
    }

    /// The same in a map of which every entry came this way: `rank` is a number that differs for most keys, and never falls
    /// from one to a greater one.
    pub(crate) fn insert_ranked(&mut self, rank: u32, key: K, value: V) -> Option<V> {
        self.set(Some(rank), key, value)
    }

    fn set(&mut self, rank: Option<u32>, key: K, value: V) -> Option<V> {
        match self.keys.find_ranked(rank, &key) {
            Ok(spot) => self.values[self.keys.order.place(spot)].replace(value),
            Err(spot) => {
                self.put(spot, rank.unwrap_or_default(), key, value);
                None
            }
        }
    }

    fn put(&mut self, spot: Spot, rank: u32, key: K, value: V) -> usize {
        let place = self.keys.put(spot, rank, key);
        if place == self.values.len() {
            self.values.push(Some(value));
        } else {
            self.values[place] = Some(value);
        }
        place
    }

    /// Takes the value of `key` out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let spot = self.keys.find(key).ok()?;
        Some(self.take(spot).1)
    }

    /// The entries whose keys lie in `range`, by key; none if its ends are the wrong way round.
    pub fn range<R: RangeBounds<K>>(&self, range: R) -> Iter<'_, K, V> {
        let keys = &self.keys;
        let from = keys.bound(range.start_bound(), Ordering::Greater);
        let to = keys.bound(range.end_bound(), Ordering::Less);
        self.among(keys.order.between(
            from.unwrap_or_else(|| keys.order.start()),
            to.unwrap_or_else(|| keys.order.end()),
        ))
    }
}

/// Panics without such a key, like `std`'s.
impl<K: Ord + Borrow<Q>, V, Q: Ord + ?Sized> Index<&Q> for OrderedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("a key of this map")
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
            keys: self.keys.into_iter(),
            values: self.values,
        }
    }
}

/// Entries of an [`OrderedMap`], by key.
pub struct Iter<'a, K, V> {
    places: Places<'a>,
    keys: &'a Slab<K>,
    values: &'a [Option<V>],
}

impl<'a, K, V> Iter<'a, K, V> {
    fn entry(&self, place: usize) -> (&'a K, &'a V) {
        (&self.keys[place], held(self.values, place))
    }
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            ..*self
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.places.next().map(|place| self.entry(place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.places.next_back().map(|place| self.entry(place))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

/// Entries taken out of an [`OrderedMap`], by key.
pub struct IntoIter<K, V> {
    keys: IntoItems<K>,
    values: Vec<Option<V>>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let (key, place) = self.keys.next_place()?;
        let value = self.values[place].take();
        Some((key, value.expect(HELD)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.keys.size_hint()
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}

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
