//! Each policy on given loads, and what a crowd of clients makes of it.

use statemesh_core::engine::{SchemaDef, StateDef};

use super::*;

const PEER: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";

fn load(busy: u32, capacity: u32) -> Load {
    Load {
        busy,
        capacity: NonZeroU32::new(capacity),
    }
}

fn choices<'a>(ids: &'a [String], loads: &[Load]) -> Vec<Choice<'a>> {
    let choice = |(id, load): (&'a String, &Load)| Choice {
        peer: PEER.parse().unwrap(),
        id,
        load: *load,
    };
    ids.iter().zip(loads).map(choice).collect()
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("s{n}")).collect()
}

/// Picks of many clients from these loads, each seeing all the picks before its own.
fn spread(policy: Policy, clients: usize, mut loads: Vec<Load>) -> Vec<u32> {
    let ids = ids(loads.len());
    for client in 0..clients {
        let mut picker = Picker::new(policy, format!("c{client}"), 1);
        let place = picker.pick(&choices(&ids, &loads)).unwrap();
        loads[place].busy += 1;
    }
    loads.into_iter().map(|it| it.busy).collect()
}

#[test]
fn nothing_to_choose_from() {
    for policy in [
        Policy::Random,
        Policy::LeastLoad,
        Policy::PowerOfTwo,
        Policy::Sticky,
    ] {
        let mut picker = Picker::new(policy, "c", 0);
        assert_eq!(picker.pick(&[]), None);
        let one = ids(1);
        assert_eq!(picker.pick(&choices(&one, &[load(9, 0)])), Some(0));
    }
}

#[test]
fn the_least_loaded_by_share_of_capacity() {
    let check = |loads: &[Load], expected: usize| {
        let ids = ids(loads.len());
        let mut picker = Picker::new(Policy::LeastLoad, "c", 3);
        assert_eq!(picker.pick(&choices(&ids, loads)), Some(expected));
    };
    check(&[load(2, 0), load(1, 0), load(3, 0)], 1);
    check(&[load(2, 4), load(3, 8)], 1);
    check(&[load(1, 0), load(3, 4)], 1);
    check(&[load(u32::MAX, 0), load(u32::MAX, 2)], 1);
}

#[test]
fn a_crowd_spreads() {
    let even = spread(Policy::LeastLoad, 20, vec![load(0, 0); 3]);
    assert!(even.iter().all(|busy| (6..=7).contains(busy)), "{even:?}");
    let two = spread(Policy::PowerOfTwo, 300, vec![load(0, 0); 5]);
    assert!(two.iter().all(|busy| (50..=70).contains(busy)), "{two:?}");
    let any = spread(Policy::Random, 3000, vec![load(0, 0); 3]);
    assert!(
        any.iter().all(|busy| (900..=1100).contains(busy)),
        "{any:?}"
    );
    let sticky = spread(Policy::Sticky, 3000, vec![load(0, 0); 3]);
    assert!(
        sticky.iter().all(|busy| (900..=1100).contains(busy)),
        "{sticky:?}"
    );
}

#[test]
fn a_crowd_that_sees_old_loads_does_not_run_to_one() {
    let ids = ids(3);
    let old = [load(1, 8), load(0, 8), load(1, 8)];
    let mut picked = [0; 3];
    for client in 0..300 {
        let mut picker = Picker::new(Policy::PowerOfTwo, format!("c{client}"), 0);
        picked[picker.pick(&choices(&ids, &old)).unwrap()] += 1;
    }
    // The least loaded one is in two thirds of all pairs.
    assert!((170..=230).contains(&picked[1]), "{picked:?}");
}

#[test]
fn the_same_seed_gives_the_same_picks() {
    let ids = ids(9);
    let picks = |seed| -> Vec<usize> {
        let mut picker = Picker::new(Policy::Random, "c", seed);
        let choices = choices(&ids, &[Load::default(); 9]);
        (0..50).filter_map(|_| picker.pick(&choices)).collect()
    };
    assert_eq!(picks(1), picks(1));
    assert_ne!(picks(1), picks(2));
}

#[test]
fn when_one_goes_only_its_clients_move() {
    let all = ids(5);
    let without: Vec<String> = all.iter().filter(|id| *id != "s2").cloned().collect();
    let mut moved = 0;
    for client in 0..500 {
        let mut picker = Picker::new(Policy::Sticky, format!("c{client}"), client);
        let loads = [Load::default(); 5];
        let before = all[picker.pick(&choices(&all, &loads)).unwrap()].clone();
        let after = &without[picker.pick(&choices(&without, &loads)).unwrap()];
        match before == "s2" {
            true => moved += 1,
            false => assert_eq!(&before, after),
        }
    }
    assert!((60..=140).contains(&moved), "{moved}");
}

#[test]
fn loads_are_read_from_states() {
    let def = SchemaDef::new().state("Idle", StateDef::new());
    let (schema, _) = Schema::normalise(&def.state("Working", StateDef::new()));
    let clocks: [&[u64]; 5] = [&[1, 0, 0], &[0, 1, 0], &[2, 3, 0], &[2, 2, 0], &[]];
    let children = || clocks.map(|clock| (&*schema, clock));
    assert_eq!(Load::of_children(&[], children()), load(2, 3));
    assert_eq!(Load::of_children(&["cap:8".into()], children()), load(2, 8));
    for nonsense in ["cap:0", "cap:", "cap:-1", "cap:99999999999", "capacity:4"] {
        let tags = [nonsense.to_owned()];
        assert_eq!(
            Load::of_children(&tags, children()),
            load(2, 3),
            "{nonsense}"
        );
    }
    assert_eq!(Load::of_children(&[], []), load(0, 0));

    let def = SchemaDef::new().state("Slot1", StateDef::new());
    let def = def.state("Slot2", StateDef::new());
    let (schema, _) = Schema::normalise(&def.state("Ready", StateDef::new()));
    assert_eq!(Load::of_slots("Slot", &schema, &[1, 0, 1, 0]), load(1, 2));
    assert_eq!(Load::of_slots("Nook", &schema, &[1, 0, 1, 0]), load(0, 0));
    assert!(load(2, 2).is_full() && !load(1, 2).is_full() && !load(7, 0).is_full());
}
