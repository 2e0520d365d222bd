//! Which layer a state is in. What a state requires or runs after is in a layer before its own, and what it adds in one
//! behind it, so that a machine is read in the order in which it starts. Removals are mutual more often than not and say
//! nothing about order. Where relations go in a circle, one of them goes back.

use statemesh::core::collections::sort_by;
use statemesh::core::engine::Relation;

use super::Link;

/// By place: the layer; `None`: no relation to anybody else.
pub(super) fn layers(count: usize, links: &[Link]) -> Vec<Option<usize>> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut is_linked = vec![false; count];
    for link in links.iter().filter(|link| link.from != link.to) {
        is_linked[link.from] = true;
        is_linked[link.to] = true;
        if let Some((first, second)) = leads(link) {
            next[first].push(second);
        }
    }
    break_circles(&mut next);
    fill(&next, &is_linked)
}

/// Who comes first by a relation.
pub(super) fn leads(link: &Link) -> Option<(usize, usize)> {
    match link.kind {
        Relation::Require | Relation::After => Some((link.to, link.from)),
        Relation::Add => Some((link.from, link.to)),
        Relation::Remove => None,
    }
}

/// Leaves out what leads back to where it came from. Without recursion: a schema may be one long chain.
fn break_circles(next: &mut [Vec<usize>]) {
    #[derive(Clone, Copy)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; next.len()];
    for root in 0..next.len() {
        if !matches!(marks[root], Mark::New) {
            continue;
        }
        marks[root] = Mark::Open;
        let mut path = vec![(root, 0)];
        while let Some((node, edge)) = path.last_mut() {
            let (node, at) = (*node, *edge);
            let Some(&target) = next[node].get(at) else {
                marks[node] = Mark::Done;
                path.pop();
                continue;
            };
            match marks[target] {
                Mark::Open => {
                    next[node].remove(at);
                }
                Mark::Done => *edge += 1,
                Mark::New => {
                    *edge += 1;
                    marks[target] = Mark::Open;
                    path.push((target, 0));
                }
            }
        }
    }
}

/// As early as possible, but a layer that is full sends the rest on.
fn fill(next: &[Vec<usize>], is_linked: &[bool]) -> Vec<Option<usize>> {
    let count = next.len();
    let mut before = vec![0; count];
    for target in next.iter().flatten() {
        before[*target] += 1;
    }
    let mut order: Vec<usize> = (0..count).filter(|at| before[*at] == 0).collect();
    let mut depth = vec![0; count];
    let mut at = 0;
    while let Some(&node) = order.get(at) {
        at += 1;
        for &target in &next[node] {
            depth[target] = depth[target].max(depth[node] + 1);
            before[target] -= 1;
            if before[target] == 0 {
                order.push(target);
            }
        }
    }
    order.retain(|node| is_linked[*node]);
    sort_by(&mut order, |a, b| (depth[*a], a).cmp(&(depth[*b], b)));
    let most = capacity(order.len());
    let mut layers = vec![None; count];
    let mut least = vec![0; count];
    let mut sizes: Vec<usize> = Vec::new();
    for node in order {
        let mut layer = least[node];
        while sizes.get(layer).is_some_and(|size| *size >= most) {
            layer += 1;
        }
        if sizes.len() == layer {
            sizes.push(0);
        }
        sizes[layer] += 1;
        layers[node] = Some(layer);
        for &target in &next[node] {
            least[target] = least[target].max(layer + 1);
        }
    }
    layers
}

/// States in one layer, so that the picture is about as wide as it is high: a state is four times as wide as high.
pub(super) fn capacity(states: usize) -> usize {
    (2 * states).isqrt().max(FEW)
}

/// Fewer in a layer look lost.
const FEW: usize = 6;
