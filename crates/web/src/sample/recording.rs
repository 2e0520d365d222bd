//! What the machines of the sample did, as the page records it.

use std::collections::VecDeque;

use statemesh::machine::{MachineError, Transition};

use super::Parcel;

/// Transitions of machines with these ids, in the order in which they began: each behind its machine's last one and
/// behind its cause. A cause ends later than what it causes elsewhere, because it waits for it.
#[must_use]
pub fn by_cause(ids: &[&str], told: Vec<(usize, Transition)>) -> Vec<(usize, Transition)> {
    let mut left: Vec<VecDeque<Transition>> = ids.iter().map(|_| VecDeque::new()).collect();
    let mut turns: VecDeque<usize> = VecDeque::new();
    for (place, transition) in told {
        left[place].push_back(transition);
        turns.push_back(place);
    }
    let mut ordered = Vec::with_capacity(turns.len());
    while let Some(turn) = turns.front().copied() {
        let Some(place) = first_cause(ids, &left, turn) else {
            turns.pop_front();
            continue;
        };
        ordered.extend(left[place].pop_front().map(|it| (place, it)));
        if place == turn {
            turns.pop_front();
        } else if let Some(at) = turns.iter().position(|it| *it == place) {
            turns.remove(at);
        }
    }
    ordered
}

/// The machine whose next transition has to come before the next one of this, or this.
fn first_cause(ids: &[&str], left: &[VecDeque<Transition>], from: usize) -> Option<usize> {
    let mut place = from;
    // A circle is no order; it ends where it began.
    for _ in ids {
        let source = left[place].front()?.source.as_ref();
        let cause = source.and_then(|source| {
            let at = ids.iter().position(|id| **id == *source.machine)?;
            let is_due = left[at].front().is_some_and(|it| it.tx <= source.tx);
            (at != place && is_due).then_some(at)
        });
        match cause {
            Some(at) => place = at,
            None => break,
        }
    }
    Some(place)
}

/// Arguments of a mutation as the sample prints them.
#[must_use]
pub fn arguments(transition: &Transition) -> String {
    let Some(args) = &transition.args else {
        return String::new();
    };
    if let Some(parcel) = args.downcast_ref::<Parcel>() {
        parcel.to_string()
    } else if let Some(error) = args.downcast_ref::<MachineError>() {
        format!("error={error}")
    } else {
        String::new()
    }
}
