//! The maps and sets against those of `std`: any sequence of calls gives the same answers and the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use proptest::prelude::*;

use super::{OrderedMap, OrderedSet, sort_by};

#[derive(Clone, Debug)]
enum Call {
    Insert(u8, u16),
    InsertNew(u8, u16),
    Remove(u8),
    PopFirst,
    Retain(u16),
    Add(u16),
    Clear,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        8 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Call::Insert(key, value)),
        4 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Call::InsertNew(key, value)),
        8 => any::<u8>().prop_map(Call::Remove),
        1 => Just(Call::PopFirst),
        1 => (2..5_u16).prop_map(Call::Retain),
        1 => any::<u16>().prop_map(Call::Add),
        1 => Just(Call::Clear),
    ];
    prop::collection::vec(call, 0..300)
}

fn call_both(map: &mut OrderedMap<u8, u16>, std: &mut BTreeMap<u8, u16>, call: &Call) {
    match *call {
        Call::Insert(key, value) => assert_eq!(map.insert(key, value), std.insert(key, value)),
        Call::InsertNew(key, value) => {
            let place = map.get_or_insert_with(key, || value);
            assert_eq!(place, std.entry(key).or_insert(value));
        }
        Call::Remove(key) => assert_eq!(map.remove(&key), std.remove(&key)),
        Call::PopFirst => assert_eq!(map.pop_first(), std.pop_first()),
        Call::Retain(n) => {
            map.retain(|key, value| (u16::from(*key) + *value / 2) % n != 0);
            std.retain(|key, value| (u16::from(*key) + *value / 2) % n != 0);
        }
        Call::Add(more) => {
            map.for_each_mut(|key, value| *value = value.wrapping_add(more ^ u16::from(*key)));
            for (key, value) in std {
                *value = value.wrapping_add(more ^ u16::from(*key));
            }
        }
        Call::Clear => {
            map.clear();
            std.clear();
        }
    }
}

proptest! {
    #[test]
    fn a_map_is_like_that_of_std(calls in calls(), from: u8, to: u8) {
        let mut map = OrderedMap::new();
        let mut std = BTreeMap::new();
        for call in &calls {
            call_both(&mut map, &mut std, call);
            prop_assert_eq!(map.len(), std.len());
            prop_assert_eq!(map.is_empty(), std.is_empty());
            map.keys.order.check();
        }
        prop_assert!(map.iter().eq(&std));
        prop_assert_eq!(map.iter().len(), std.len());
        prop_assert!(map.keys().rev().eq(std.keys().rev()));
        prop_assert!(map.values().eq(std.values()));
        prop_assert_eq!(map.last_key_value(), std.last_key_value());
        let (from, to) = (from.min(to), from.max(to));
        prop_assert!(from == to || map.range(to..=from).eq([]));
        let bounds = |bound: fn(u8) -> Bound<u8>| [bound(from), bound(to)];
        for start in bounds(Included).into_iter().chain(bounds(Excluded)).chain([Unbounded]) {
            prop_assert!(map.range((start, Unbounded)).eq(std.range((start, Unbounded))));
            prop_assert!(map.range((Unbounded, start)).rev().eq(std.range((Unbounded, start)).rev()));
        }
        prop_assert!(map.range(from..=to).eq(std.range(from..=to)));
        prop_assert!(map.range(from..to).rev().eq(std.range(from..to).rev()));
        for key in 0..=u8::MAX {
            prop_assert_eq!(map.get(&key), std.get(&key));
            prop_assert_eq!(map.get_mut(&key), std.get_mut(&key));
            prop_assert_eq!(map.contains_key(&key), std.contains_key(&key));
        }
        prop_assert_eq!(format!("{map:?}"), format!("{std:?}"));
        // Equality is about entries, not about the places they got.
        let anew: OrderedMap<u8, u16> = std.clone().into_iter().rev().collect();
        prop_assert_eq!(&anew, &map.clone());
        prop_assert!(map.into_iter().eq(std));
    }

    #[test]
    fn ranks_only_help_to_find(changes: Vec<(bool, u8, u16)>) {
        let rank = |key: u8| u32::from(key / 4);
        let mut map = OrderedMap::new();
        let mut std = BTreeMap::new();
        for (add, key, value) in changes {
            if add {
                prop_assert_eq!(map.insert_ranked(rank(key), key, value), std.insert(key, value));
            } else {
                prop_assert_eq!(map.remove(&key), std.remove(&key));
            }
            map.keys.order.check();
        }
        for key in 0..=u8::MAX {
            let place = map.place(rank(key), &key);
            prop_assert_eq!(place.map(|place| map.at(place)), std.get(&key));
        }
        prop_assert!(map.into_iter().eq(std));
    }

    #[test]
    fn a_set_is_like_that_of_std(changes: Vec<(bool, u8)>, from: u8) {
        let mut set = OrderedSet::new();
        let mut std = BTreeSet::new();
        for (add, item) in changes {
            if add {
                prop_assert_eq!(set.insert(item), std.insert(item));
            } else {
                prop_assert_eq!(set.remove(&item), std.remove(&item));
            }
            prop_assert_eq!(set.first(), std.first());
        }
        prop_assert_eq!(set.pop_first(), std.pop_first());
        set.retain(|item| item % 3 != 0);
        std.retain(|item| item % 3 != 0);
        prop_assert!(set.iter().eq(&std));
        prop_assert_eq!(set.len(), std.len());
        prop_assert!(set.iter_from(|item| *item < from).eq(std.range(from..)));
        prop_assert_eq!(set.iter_from(|_| true).count(), 0);
        prop_assert!((0..=u8::MAX).all(|item| set.contains(&item) == std.contains(&item)));
        prop_assert_eq!(format!("{set:?}"), format!("{std:?}"));
        prop_assert_eq!(&std.iter().copied().collect::<OrderedSet<u8>>(), &set);
        prop_assert!(set.into_iter().eq(std));
    }
}

proptest! {
    #[test]
    fn a_sort_is_like_that_of_std(mut items: Vec<(u8, u16)>) {
        let mut expected = items.clone();
        // Stable: what is equal stays in its order.
        expected.sort_by_key(|item| std::cmp::Reverse(item.0));
        sort_by(&mut items, |a, b| b.0.cmp(&a.0));
        prop_assert_eq!(items, expected);
    }
}

#[test]
fn maps_that_differ_are_not_equal() {
    let map = OrderedMap::from([(1, "a"), (2, "b")]);
    assert_ne!(map, OrderedMap::from([(1, "a")]));
    assert_ne!(map, OrderedMap::from([(1, "a"), (2, "c")]));
    assert_ne!(map, OrderedMap::from([(1, "a"), (3, "b")]));
}
