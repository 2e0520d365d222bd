//! Who sits where in a list of which only a part is in the document: whoever stays in view keeps the seat, a newcomer takes
//! one that somebody left. So scrolling puts new words into elements that are there instead of making new ones.

/// Seats, each by its number.
#[derive(Clone, Debug)]
pub struct Seats<K> {
    taken: Vec<(u64, K)>,
    next: u64,
}

impl<K> Default for Seats<K> {
    fn default() -> Self {
        Self {
            taken: Vec::new(),
            next: 0,
        }
    }
}

impl<K: Clone + PartialEq> Seats<K> {
    /// Gives each of these a seat; seats that stay empty are gone. In the order of the keys.
    pub fn seat(&mut self, keys: impl Iterator<Item = K> + Clone) -> Vec<u64> {
        let mut before: Vec<(u64, Option<K>)> = std::mem::take(&mut self.taken)
            .into_iter()
            .map(|(seat, key)| (seat, Some(key)))
            .collect();
        let mut kept = Vec::new();
        for key in keys.clone() {
            let own = before.iter_mut().find(|(_, it)| it.as_ref() == Some(&key));
            kept.push(own.map(|(seat, key)| {
                *key = None;
                *seat
            }));
        }
        let mut left = before
            .into_iter()
            .filter_map(|(seat, key)| key.map(|_| seat));
        for (key, kept) in keys.zip(kept) {
            let seat = kept.or_else(|| left.next()).unwrap_or_else(|| {
                self.next += 1;
                self.next
            });
            self.taken.push((seat, key));
        }
        self.taken.iter().map(|(seat, _)| *seat).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_keeps_the_seat_and_newcomers_take_what_is_left() {
        let mut seats = Seats::default();
        let mut seat = |keys: &str| seats.seat(keys.chars());
        assert_eq!(seat("abcd"), [1, 2, 3, 4]);
        assert_eq!(seat("cdef"), [3, 4, 1, 2]);
        // Another page: the order of the seats stays, so nothing moves.
        assert_eq!(seat("uvwx"), [3, 4, 1, 2]);
        assert_eq!(seat("xv"), [2, 4]);
        assert_eq!(seat("avx"), [5, 4, 2]);
        assert!(seat("").is_empty());
        assert_eq!(seat("a"), [6]);
    }
}
