//! The order of a map: its places, by key. Knows neither keys nor values, so it is compiled once for all maps.
//!
//! A list of short lists: what comes or goes moves the places of one of these, and looking for a key is a search by
//! halves in both. At 4,096 entries nine lists; at a million, a few thousand. Keys are scattered in memory, so beside
//! every place lies what tells most keys apart, its rank: then a search looks at one or two keys instead of ten.
//!
//! Invariants: no list is empty or longer than [`MOST`], two neighbours are together longer than [`FEW`], and ranks never
//! fall.

use std::cmp::Ordering;

/// The places of a map's entries, by key.
#[derive(Clone)]
pub(super) struct Order {
    lists: Vec<Vec<Entry>>,
}

/// Where an entry lies, and the rank of its key.
#[derive(Clone, Copy)]
struct Entry {
    rank: u32,
    place: u32,
}

impl Entry {
    fn place(self) -> usize {
        self.place as usize
    }
}

/// Where in the order. The end is behind the last list.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    list: usize,
    at: usize,
}

impl Order {
    pub(super) const fn new() -> Self {
        Self { lists: Vec::new() }
    }

    /// Where the place is for which `compare` says `Equal`, or where it would have to be. `compare` says how the key of
    /// a place compares with the one that is sought; it is not asked where `rank`, that of the one sought, tells.
    pub(super) fn find(
        &self,
        rank: Option<u32>,
        compare: &mut dyn FnMut(usize) -> Ordering,
    ) -> Result<Spot, Spot> {
        let mut compare = |entry: Entry| match rank.map(|rank| entry.rank.cmp(&rank)) {
            None | Some(Ordering::Equal) => compare(entry.place()),
            Some(told) => told,
        };
        let Some(last) = self.lists.len().checked_sub(1) else {
            return Err(self.start());
        };
        // Most keys are numbers that count up.
        let entries = &self.lists[last];
        if compare(entries[entries.len() - 1]).is_lt() {
            let at = entries.len();
            return Err(Spot { list: last, at });
        }
        let list = self.lists[1..].partition_point(|list| compare(list[0]).is_le());
        match self.lists[list].binary_search_by(|entry| compare(*entry)) {
            Ok(at) => Ok(Spot { list, at }),
            Err(at) => Err(Spot { list, at }),
        }
    }

    pub(super) fn first(&self) -> Option<Spot> {
        (!self.lists.is_empty()).then(|| self.start())
    }

    pub(super) fn place(&self, spot: Spot) -> usize {
        self.lists[spot.list][spot.at].place()
    }

    /// Puts a place, and the rank of its key, where [`Self::find`] missed it.
    pub(super) fn insert(&mut self, spot: Spot, rank: u32, place: usize) {
        let place = u32::try_from(place).expect("fewer than four billion entries");
        let entry = Entry { rank, place };
        let Some(list) = self.lists.get_mut(spot.list) else {
            self.lists.push(vec![entry]);
            return;
        };
        list.insert(spot.at, entry);
        if list.len() > MOST {
            let half = list.split_off(MOST / 2);
            self.lists.insert(spot.list + 1, half);
        }
    }

    /// Takes out a place that [`Self::find`] found.
    pub(super) fn remove(&mut self, spot: Spot) -> usize {
        let list = &mut self.lists[spot.list];
        let entry = list.remove(spot.at);
        if list.is_empty() {
            self.lists.remove(spot.list);
        } else {
            self.join(spot.list);
        }
        self.join(spot.list.saturating_sub(1));
        entry.place()
    }

    /// Makes one of this list and the next if they are short.
    fn join(&mut self, list: usize) {
        if let Some([one, next]) = self.lists.get_mut(list..list + 2)
            && one.len() + next.len() <= FEW
        {
            one.append(next);
            self.lists.remove(list + 1);
        }
    }

    /// Keeps the places for which `keep` says so, in order.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(usize) -> bool) {
        let mut kept = Self::new();
        for mut list in std::mem::take(&mut self.lists) {
            list.retain(|entry| keep(entry.place()));
            match kept.lists.last_mut() {
                Some(last) if last.len() + list.len() <= FEW => last.append(&mut list),
                _ if list.is_empty() => {}
                _ => kept.lists.push(list),
            }
        }
        *self = kept;
    }

    /// Numbers all places from 0, in order; tells of each which it was.
    pub(super) fn renumber(&mut self, was: &mut dyn FnMut(usize)) {
        for (entry, place) in self.lists.iter_mut().flatten().zip(0..) {
            was(entry.place());
            entry.place = place;
        }
        self.lists.shrink_to_fit();
    }

    /// Between two spots of [`Self::find`]; nothing if they are the wrong way round.
    pub(super) fn between(&self, from: Spot, to: Spot) -> Places<'_> {
        Places {
            lists: &self.lists,
            from,
            to,
            left: self.before(to).saturating_sub(self.before(from)),
        }
    }

    /// Places before the spot.
    fn before(&self, spot: Spot) -> usize {
        let lists = self.lists[..spot.list].iter();
        lists.map(Vec::len).sum::<usize>() + spot.at
    }

    pub(super) fn all(&self) -> Places<'_> {
        self.between(self.start(), self.end())
    }

    pub(super) fn start(&self) -> Spot {
        Spot { list: 0, at: 0 }
    }

    pub(super) fn end(&self) -> Spot {
        let list = self.lists.len();
        Spot { list, at: 0 }
    }

    pub(super) fn into_places(self) -> IntoPlaces {
        IntoPlaces(self.lists.into_iter().flatten())
    }
}

/// Places in order.
#[derive(Clone)]
pub(super) struct Places<'a> {
    lists: &'a [Vec<Entry>],
    from: Spot,
    to: Spot,
    left: usize,
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        if self.from.at == self.lists[self.from.list].len() {
            self.from.list += 1;
            self.from.at = 0;
        }
        self.from.at += 1;
        Some(self.lists[self.from.list][self.from.at - 1].place())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Places<'_> {
    fn next_back(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        if self.to.at == 0 {
            self.to.list -= 1;
            self.to.at = self.lists[self.to.list].len();
        }
        self.to.at -= 1;
        Some(self.lists[self.to.list][self.to.at].place())
    }
}

/// Places in order, and then nothing of the order is left.
pub(super) struct IntoPlaces(std::iter::Flatten<std::vec::IntoIter<Vec<Entry>>>);

impl Iterator for IntoPlaces {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.0.next().map(Entry::place)
    }
}

/// Places in a list: 4 KB of them, moved in a tenth of a microsecond. In tests few, so that there are many lists.
const MOST: usize = if cfg!(test) { 6 } else { 512 };
/// Places in two lists that are made one: it may grow again before it is halved.
const FEW: usize = MOST / 2;

#[cfg(test)]
impl Order {
    /// The invariants.
    pub(super) fn check(&self) {
        let lens: Vec<usize> = self.lists.iter().map(Vec::len).collect();
        assert!(lens.iter().all(|len| (1..=MOST).contains(len)), "{lens:?}");
        assert!(lens.windows(2).all(|two| two[0] + two[1] > FEW), "{lens:?}");
        let ranks = self.lists.iter().flatten().map(|entry| entry.rank);
        assert!(ranks.is_sorted());
    }
}
