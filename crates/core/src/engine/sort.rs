//! Stable sort whose result is defined even for a comparison that is not transitive, as After between states is.
//!
//! The result is that of insertion sort up to 20 elements, and beyond that of insertion-sorted blocks of 20 merged
//! pairwise by SymMerge (Kim and Kutzner, "Stable Minimum Storage Merging by Symmetric Comparisons", 2004) with blocks
//! of doubling length. Which elements get compared is part of the result, so a library sort would not do.

/// Sorts in place.
pub(crate) fn sort_stable<T: Copy>(items: &mut [T], less: &mut impl FnMut(&T, &T) -> bool) {
    for block in items.chunks_mut(BLOCK) {
        insertion_sort(block, less);
    }
    let mut block = BLOCK;
    while block < items.len() {
        for pair in items
            .chunks_mut(2 * block)
            .filter(|pair| pair.len() > block)
        {
            merge(pair, block, less);
        }
        block *= 2;
    }
}

/// Moves each element left while it is less than its left neighbour.
fn insertion_sort<T: Copy>(items: &mut [T], less: &mut impl FnMut(&T, &T) -> bool) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && less(&items[at], &items[at - 1]) {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Merges the sorted runs `items[..middle]` and `items[middle..]`, neither of them empty.
fn merge<T: Copy>(items: &mut [T], middle: usize, less: &mut impl FnMut(&T, &T) -> bool) {
    let len = items.len();
    if middle == 1 {
        let first = items[0];
        let at = partition(1, len, |at| less(&items[at], &first));
        items[..at].rotate_left(1);
        return;
    }
    if len - middle == 1 {
        let last = items[middle];
        let at = partition(0, middle, |at| !less(&last, &items[at]));
        items[at..].rotate_right(1);
        return;
    }
    let half = len / 2;
    let pivot = half + middle;
    let (low, high) = if middle > half {
        (pivot - len, half)
    } else {
        (0, middle)
    };
    let start = partition(low, high, |at| !less(&items[pivot - 1 - at], &items[at]));
    let end = pivot - start;
    if start < middle && middle < end {
        items[start..end].rotate_left(middle - start);
    }
    if 0 < start && start < half {
        merge(&mut items[..half], start, less);
    }
    if half < end && end < len {
        merge(&mut items[half..], end - half, less);
    }
}

/// Binary search for the first position in `low..high` where `before` does not hold.
fn partition(mut low: usize, mut high: usize, mut before: impl FnMut(usize) -> bool) -> usize {
    while low < high {
        let at = low + (high - low) / 2;
        if before(at) {
            low = at + 1;
        } else {
            high = at;
        }
    }
    low
}

/// Longest run sorted by insertion.
const BLOCK: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_stably_at_every_length() {
        for len in 0..200_usize {
            let mut items: Vec<_> = (0..len).map(|at| ((at * 37 + 11) % 17, at)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            sort_stable(&mut items, &mut |a, b| a.0 < b.0);
            assert_eq!(items, expected, "length {len}");
        }
    }

    #[test]
    fn an_element_passes_only_neighbours_it_is_less_than() {
        let mut items = ['C', 'X', 'D'];
        let mut less = |a: &char, b: &char| *a == 'D' && *b == 'C';
        sort_stable(&mut items, &mut less);
        assert_eq!(items, ['C', 'X', 'D']);
        items = ['C', 'D', 'X'];
        sort_stable(&mut items, &mut less);
        assert_eq!(items, ['D', 'C', 'X']);
    }
}
