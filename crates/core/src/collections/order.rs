//! The order of a map: its places, by key. Knows neither keys nor values, so it is compiled once for all maps.
//!
//! A list of short lists: what comes or goes moves the places of one of these, and looking for a key is a search by
//! halves in both. At 4,096 entries nine lists; at a million, a few thousand.
//!
//! Invariants: no list is empty or longer than [`MOST`], and two neighbours are together longer than [`FEW`].

use std::cmp::Ordering;

/// The places of a map's entries, by key.
#[derive(Clone)]
pub(super) struct Order {
    lists: Vec<Vec<usize>>,
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
    /// a place compares with the one that is sought.
    pub(super) fn find(&self, compare: &mut dyn FnMut(usize) -> Ordering) -> Result<Spot, Spot> {
        let Some(last) = self.lists.len().checked_sub(1) else {
            return Err(self.start());
        };
        // Most keys are numbers that count up.
        let places = &self.lists[last];
        if compare(places[places.len() - 1]).is_lt() {
            let at = places.len();
            return Err(Spot { list: last, at });
        }
        let list = self.lists[1..].partition_point(|list| compare(list[0]).is_le());
        let places = &self.lists[list];
        match places.binary_search_by(|place| compare(*place)) {
            Ok(at) => Ok(Spot { list, at }),
            Err(at) => Err(Spot { list, at }),
        }
    }

    pub(super) fn first(&self) -> Option<Spot> {
        (!self.lists.is_empty()).then(|| self.start())
    }

    pub(super) fn place(&self, spot: Spot) -> usize {
        self.lists[spot.list][spot.at]
    }

    /// Puts a place where [`Self::find`] missed it.
    pub(super) fn insert(&mut self, spot: Spot, place: usize) {
        let Some(list) = self.lists.get_mut(spot.list) else {
            self.lists.push(vec![place]);
            return;
        };
        list.insert(spot.at, place);
        if list.len() > MOST {
            let half = list.split_off(MOST / 2);
            self.lists.insert(spot.list + 1, half);
        }
    }

    /// Takes out a place that [`Self::find`] found.
    pub(super) fn remove(&mut self, spot: Spot) -> usize {
        let list = &mut self.lists[spot.list];
        let place = list.remove(spot.at);
        if list.is_empty() {
            self.lists.remove(spot.list);
        } else {
            self.join(spot.list);
        }
        self.join(spot.list.saturating_sub(1));
        place
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
            list.retain(|place| keep(*place));
            match kept.lists.last_mut() {
                Some(last) if last.len() + list.len() <= FEW => last.append(&mut list),
                _ if list.is_empty() => {}
                _ => kept.lists.push(list),
            }
        }
        *self = kept;
    }

    /// Gives every place another number.
    pub(super) fn renumber(&mut self, number: &mut dyn FnMut(usize) -> usize) {
        for place in self.lists.iter_mut().flatten() {
            *place = number(*place);
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

    pub(super) fn into_places(self) -> std::iter::Flatten<std::vec::IntoIter<Vec<usize>>> {
        self.lists.into_iter().flatten()
    }
}

/// Places in order.
#[derive(Clone)]
pub(super) struct Places<'a> {
    lists: &'a [Vec<usize>],
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
        Some(self.lists[self.from.list][self.from.at - 1])
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
        Some(self.lists[self.to.list][self.to.at])
    }
}

/// Places in a list: 4 KB of them natively, moved in a tenth of a microsecond. In tests few, so that there are many lists.
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
    }
}
