//! A set in order, and the keys of a map: where each lies is the map's business, too.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;

use slab::Slab;

use super::order::{IntoPlaces, Order, Places, Spot};

/// A set in order.
#[derive(Clone)]
pub struct OrderedSet<T> {
    pub(super) order: Order,
    pub(super) items: Slab<T>,
}

impl<T> OrderedSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            order: Order::new(),
            items: Slab::new(),
        }
    }

    pub(super) fn with_capacity(items: usize) -> Self {
        Self {
            order: Order::new(),
            items: Slab::with_capacity(items),
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
    #[must_use]
    pub fn iter(&self) -> Items<'_, T> {
        Items {
            places: self.order.all(),
            items: &self.items,
        }
    }

    /// The items behind those for which `is_before` says so, in order; it says so of the first ones only.
    pub(crate) fn iter_from(&self, is_before: impl Fn(&T) -> bool) -> Items<'_, T> {
        let mut compare = |place: usize| match is_before(&self.items[place]) {
            true => Ordering::Less,
            false => Ordering::Greater,
        };
        let from = self
            .order
            .find(None, &mut compare)
            .unwrap_or_else(|spot| spot);
        Items {
            places: self.order.between(from, self.order.end()),
            items: &self.items,
        }
    }

    /// The least item.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Takes the least item out.
    pub fn pop_first(&mut self) -> Option<T> {
        let first = self.order.first()?;
        Some(self.take(first).0)
    }

    /// Keeps the items for which `keep` says so; asks in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.retain_places(&mut |item, _| keep(item));
    }

    pub(super) fn retain_places(&mut self, keep: &mut dyn FnMut(&T, usize) -> bool) {
        let items = &mut self.items;
        self.order.retain(&mut |place| {
            let kept = keep(&items[place], place);
            if !kept {
                items.remove(place);
            }
            kept
        });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// As [`OrderedMap::trim`].
    pub fn trim(&mut self) {
        if self.is_sparse() {
            self.renumber(&mut |_| {});
        }
    }

    pub(super) fn is_sparse(&self) -> bool {
        let capacity = self.items.capacity();
        capacity > KEPT && self.len() <= capacity / 4
    }

    /// Numbers all places anew, in order from 0, and tells of each which it was.
    pub(super) fn renumber(&mut self, moved: &mut dyn FnMut(usize)) {
        let mut kept = Slab::with_capacity(2 * self.len());
        self.order.renumber(&mut |place| {
            moved(place);
            kept.insert(self.items.remove(place));
        });
        self.items = kept;
    }

    pub(super) fn take(&mut self, spot: Spot) -> (T, usize) {
        let place = self.order.remove(spot);
        (self.items.remove(place), place)
    }
}

impl<T: Ord> OrderedSet<T> {
    /// Where `item` is, or would be.
    pub(super) fn find<Q: Ord + ?Sized>(&self, item: &Q) -> Result<Spot, Spot>
    where
        T: Borrow<Q>,
    {
        self.find_ranked(None, item)
    }

    /// The same, among items that were put with their ranks.
    pub(super) fn find_ranked<Q: Ord + ?Sized>(
        &self,
        rank: Option<u32>,
        item: &Q,
    ) -> Result<Spot, Spot>
    where
        T: Borrow<Q>,
    {
        let items = &self.items;
        self.order
            .find(rank, &mut |place| items[place].borrow().cmp(item))
    }

    /// Where a range begins or ends; `at` says whether an item that is included stands behind the bound or before it.
    pub(super) fn bound(&self, bound: Bound<&T>, at: Ordering) -> Option<Spot> {
        let (bound, at) = match bound {
            Bound::Included(item) => (item, at),
            Bound::Excluded(item) => (item, at.reverse()),
            Bound::Unbounded => return None,
        };
        // No item equals a bound: that of the bound itself is before or behind it.
        let mut compare = |place: usize| self.items[place].cmp(bound).then(at);
        self.order.find(None, &mut compare).err()
    }

    pub(super) fn put(&mut self, spot: Spot, rank: u32, item: T) -> usize {
        let place = self.items.insert(item);
        self.order.insert(spot, rank, place);
        place
    }

    /// Whether `item` is in the set.
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.find(item).is_ok()
    }

    /// Adds `item`; true: it is new.
    pub fn insert(&mut self, item: T) -> bool {
        match self.find(&item) {
            Ok(_) => false,
            Err(spot) => {
                self.put(spot, 0, item);
                true
            }
        }
    }

    /// Takes `item` out; true: it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        match self.find(item) {
            Ok(spot) => {
                self.take(spot);
                true
            }
            Err(_) => false,
        }
    }
}

impl<T: PartialEq> PartialEq for OrderedSet<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl<T: Eq> Eq for OrderedSet<T> {}

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
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for OrderedSet<T> {
    type Item = T;
    type IntoIter = IntoItems<T>;

    fn into_iter(self) -> Self::IntoIter {
        IntoItems {
            places: self.order.into_places(),
            items: self.items,
        }
    }
}

impl<T> ExactSizeIterator for Items<'_, T> {}

/// Items of an [`OrderedSet`], in order.
pub struct Items<'a, T> {
    places: Places<'a>,
    items: &'a Slab<T>,
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            ..*self
        }
    }
}

impl<'a, T> Iterator for Items<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.places.next().map(|place| &self.items[place])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<T> DoubleEndedIterator for Items<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.places.next_back().map(|place| &self.items[place])
    }
}

/// Items taken out of an [`OrderedSet`], in order.
pub struct IntoItems<T> {
    places: IntoPlaces,
    items: Slab<T>,
}

impl<T> IntoItems<T> {
    pub(super) fn next_place(&mut self) -> Option<(T, usize)> {
        let place = self.places.next()?;
        Some((self.items.remove(place), place))
    }
}

impl<T> Iterator for IntoItems<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.next_place().map(|(item, _)| item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.items.len(), Some(self.items.len()))
    }
}

/// Unused places that are kept for the next entries (a guess).
const KEPT: usize = 64;
