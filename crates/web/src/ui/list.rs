//! Rows that keep their elements while their keys are in the list. A row that another one passes is not touched: only
//! what is not on the longest run of rows in order is moved.

use std::collections::HashMap;
use std::hash::Hash;

use leptos::prelude::{Owner, RenderEffect, document, untrack};
use web_sys::Node;

use super::shape::{State, comment, insert, remove};
use super::{AnyView, Kind};

/// One row.
pub struct Row<K> {
    /// What tells it apart.
    pub key: K,
    /// Draws it, once.
    pub draw: Box<dyn FnOnce() -> AnyView>,
}

/// Rows that are kept by their keys.
pub fn keyed<K: Clone + Eq + Hash + 'static>(rows: Box<dyn Fn() -> Vec<Row<K>>>) -> AnyView {
    AnyView(Kind::List(Box::new(move |parent, before| {
        let end = comment();
        insert(parent, &end, before);
        // Rows outlive the runs of the effect.
        let owner = Owner::current().unwrap_or_default();
        let marker = end.clone();
        let effect = RenderEffect::new(move |kept: Option<Vec<Kept<K>>>| {
            let rows = rows();
            untrack(|| update(kept.unwrap_or_default(), rows, &marker, &owner))
        });
        Box::new(Shown { effect, end })
    })))
}

/// Draws a list at its place.
pub(super) type Build = Box<dyn FnOnce(&Node, Option<&Node>) -> Box<dyn List>>;

/// A list that is shown.
pub(super) trait List {
    /// Its first node.
    fn first(&self) -> Node;
    /// Its last node.
    fn last(&self) -> Node;
    /// Takes it away.
    fn remove(&self);
}

struct Shown<K: 'static> {
    effect: RenderEffect<Vec<Kept<K>>>,
    end: Node,
}

impl<K> List for Shown<K> {
    fn first(&self) -> Node {
        let first = self.effect.with_value_mut(|rows| {
            let row = rows.first();
            row.map(|row| row.state.first())
        });
        first.flatten().unwrap_or_else(|| self.end.clone())
    }

    fn last(&self) -> Node {
        self.end.clone()
    }

    fn remove(&self) {
        self.effect.with_value_mut(|rows| {
            for row in rows {
                row.state.remove();
            }
        });
        remove(&self.end);
    }
}

impl<K> Drop for Shown<K> {
    fn drop(&mut self) {
        drop(self.effect.take_value());
    }
}

struct Kept<K> {
    key: K,
    state: State,
    owner: Owner,
}

impl<K> Kept<K> {
    fn end(self) {
        self.state.remove();
        drop(self.state);
        self.owner.cleanup();
    }
}

fn update<K: Clone + Eq + Hash>(
    kept: Vec<Kept<K>>,
    rows: Vec<Row<K>>,
    end: &Node,
    owner: &Owner,
) -> Vec<Kept<K>> {
    let Some(parent) = end.parent_node() else {
        return kept;
    };
    let mut at: HashMap<K, (usize, Kept<K>)> = HashMap::with_capacity(kept.len());
    for (place, row) in kept.into_iter().enumerate() {
        if let Some((_, twin)) = at.insert(row.key.clone(), (place, row)) {
            twin.end();
        }
    }
    let known: Vec<Option<(usize, Kept<K>)>> = rows.iter().map(|row| at.remove(&row.key)).collect();
    for (_, gone) in at.into_values() {
        gone.end();
    }
    let places: Vec<Option<usize>> = known
        .iter()
        .map(|known| known.as_ref().map(|(place, _)| *place))
        .collect();
    let mut stays = in_order(&places, None);
    let moves = |at: &usize| known[*at].is_some() && !stays[*at];
    if (0..known.len()).any(|at| moves(&at)) {
        // Whoever is moved loses the focus: the others go around it.
        let focused = document().active_element();
        let focused = focused.filter(|it| parent.contains(Some(it)));
        let is_in = |it: &Option<(usize, Kept<K>)>, focused: &Node| {
            let row = it.as_ref().map(|(_, row)| row.state.first());
            row.is_some_and(|row| row.contains(Some(focused)))
        };
        let fixed = focused.and_then(|it| known.iter().position(|row| is_in(row, &it)));
        stays = in_order(&places, fixed);
    }
    let mut next = end.clone();
    let mut shown = Vec::with_capacity(rows.len());
    for ((row, known), stays) in rows.into_iter().zip(known).zip(stays).rev() {
        let row = match known {
            Some((_, known)) => {
                if !stays {
                    known.state.move_to(&parent, Some(&next));
                }
                known
            }
            None => {
                let owner = owner.with(Owner::new);
                let state = owner.with(|| State::build((row.draw)(), &parent, Some(&next)));
                Kept {
                    key: row.key,
                    state,
                    owner,
                }
            }
        };
        next = row.state.first();
        shown.push(row);
    }
    shown.reverse();
    shown
}

/// Marks the longest run of numbers that rise; one through that at `fixed` if there is one.
fn in_order(numbers: &[Option<usize>], fixed: Option<usize>) -> Vec<bool> {
    let fixed = fixed.and_then(|at| Some((at, numbers[at]?)));
    let fits = |at: usize, number: usize| {
        fixed.is_none_or(|(place, through)| at.cmp(&place) == number.cmp(&through))
    };
    // Where the best run of each length ends, and what is before each in its run.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut previous = vec![None; numbers.len()];
    for (at, number) in numbers.iter().enumerate() {
        let Some(number) = number.filter(|number| fits(at, *number)) else {
            continue;
        };
        let length = ends.partition_point(|(last, _)| *last < number);
        previous[at] = length.checked_sub(1).map(|length| ends[length].1);
        match ends.get_mut(length) {
            Some(end) => *end = (number, at),
            None => ends.push((number, at)),
        }
    }
    let mut marks = vec![false; numbers.len()];
    let mut next = ends.last().map(|(_, at)| *at);
    while let Some(at) = next {
        marks[at] = true;
        next = previous[at];
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn the_longest_run_stays() {
        let stays = |numbers: &[Option<usize>]| -> Vec<usize> {
            let marks = in_order(numbers, None).into_iter().enumerate();
            marks.filter_map(|(at, mark)| mark.then_some(at)).collect()
        };
        assert!(stays(&[]).is_empty());
        assert!(stays(&[None, None]).is_empty());
        assert_eq!(stays(&[Some(0), Some(1), None, Some(2)]), [0, 1, 3]);
        // The last becomes the first: it alone moves.
        assert_eq!(stays(&[Some(3), Some(0), Some(1), Some(2)]), [1, 2, 3]);
        // The first becomes the last.
        assert_eq!(stays(&[Some(1), Some(2), Some(0)]), [0, 1]);
        assert_eq!(stays(&[Some(2), Some(1), Some(0)]), [2]);
        let mixed = [Some(4), Some(0), Some(5), Some(1), Some(2)];
        assert_eq!(stays(&mixed), [1, 3, 4]);
    }

    #[test]
    fn the_one_with_the_focus_stays() {
        let stays = |numbers: &[usize], fixed| -> Vec<usize> {
            let numbers: Vec<Option<usize>> = numbers.iter().copied().map(Some).collect();
            let marks = in_order(&numbers, Some(fixed)).into_iter().enumerate();
            marks.filter_map(|(at, mark)| mark.then_some(at)).collect()
        };
        // The first becomes the last: the others go before it.
        assert_eq!(stays(&[1, 2, 0], 2), [2]);
        assert_eq!(stays(&[1, 2, 0], 0), [0, 1]);
        assert_eq!(stays(&[4, 0, 5, 1, 2], 0), [0, 2]);
        assert_eq!(stays(&[0, 1, 2], 1), [0, 1, 2]);
    }
}
