//! Coordinates of an arranged picture: layers are columns from left to right, states as near to their neighbours as their
//! order lets them, relations around whatever is between. States without relations stand in rows below.

use super::Link;
use super::order::Arranger;

/// Width and height of a state.
pub type Size = (i32, i32);

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// By place in the sketch.
    pub spots: Vec<Spot>,
    /// By place in the list of links.
    pub routes: Vec<Route>,
    /// Width and height of all.
    pub size: Size,
}

/// Where a state is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Left.
    pub x: i32,
    /// Top.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
    /// Which layer; `None`: below all layers.
    pub layer: Option<usize>,
}

/// How a relation runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The line, as SVG writes it.
    pub line: String,
    /// The heads of its arrows, as SVG writes them.
    pub head: String,
}

pub(super) fn place(it: &Arranger) -> Layout {
    let centres = centres(it);
    let columns = columns(it);
    let mut spots = vec![Spot::default(); it.layers.len()];
    let mut bottom = 0;
    for (state, spot) in spots.iter_mut().enumerate() {
        let h = it.sizes[state].1;
        if let Some(layer) = it.layers[state] {
            let (x, w) = columns[layer];
            *spot = Spot {
                x,
                y: centres[state] - h / 2,
                w,
                h,
                layer: Some(layer),
            };
            bottom = bottom.max(spot.y + h);
        }
    }
    for row in &it.rows {
        for bend in row.iter().filter(|item| **item >= it.layers.len()) {
            bottom = bottom.max(centres[*bend] + BEND / 2);
        }
    }
    let right = columns.last().map_or(0, |(x, w)| x + w);
    let size = below(it, &mut spots, (right, bottom));
    let ports = ports(it, &centres, &spots);
    let ends = it.links.iter().zip(&it.chains).zip(ports);
    let routes =
        ends.map(|((link, chain), ends)| route((link, chain), ends, &columns, &centres, &spots));
    Layout {
        routes: routes.collect(),
        spots,
        size,
    }
}

/// Left edge and width of each layer.
fn columns(it: &Arranger) -> Vec<(i32, i32)> {
    let mut left = 0;
    let columns = it.rows.iter().map(|row| {
        let states = row.iter().filter_map(|item| it.sizes.get(*item));
        let width = states.map(|size| size.0).max().unwrap_or(BEND);
        let at = left;
        left += width + GAP;
        (at, width)
    });
    columns.collect()
}

/// The height of an item with the room that it keeps free.
fn room(it: &Arranger, item: usize) -> i32 {
    it.sizes.get(item).map_or(BEND, |size| size.1 + SPACE)
}

/// By item: the middle of its height. Each layer in turn goes where its neighbours are, as near as its order allows.
fn centres(it: &Arranger) -> Vec<i32> {
    let mut centres = vec![0.0; it.before.len()];
    for row in &it.rows {
        let height: i32 = row.iter().map(|item| room(it, *item)).sum();
        let mut top = -f64::from(height) / 2.0;
        for item in row {
            let room = f64::from(room(it, *item));
            centres[*item] = top + room / 2.0;
            top += room;
        }
    }
    for pass in 0..PASSES {
        let is_last = pass + 2 >= PASSES;
        for step in 0..it.rows.len() {
            let is_forward = pass % 2 == 0;
            let layer = if is_forward {
                step
            } else {
                it.rows.len() - 1 - step
            };
            let wanted = it.rows[layer].iter().map(|item| {
                let (before, behind) = (&it.before[*item], &it.behind[*item]);
                let near = match (is_last, is_forward) {
                    (true, _) => before.iter().chain(behind),
                    (false, true) => before.iter().chain(&[]),
                    (false, false) => behind.iter().chain(&[]),
                };
                let (sum, count) =
                    near.fold((0.0, 0), |(sum, count), at| (sum + centres[*at], count + 1));
                if count == 0 {
                    centres[*item]
                } else {
                    sum / f64::from(count)
                }
            });
            let wanted: Vec<f64> = wanted.collect();
            settle(it, layer, &wanted, &mut centres);
        }
    }
    let tops = it
        .rows
        .iter()
        .flatten()
        .map(|item| centres[*item] - f64::from(room(it, *item)) / 2.0);
    let top = tops.fold(f64::INFINITY, f64::min);
    // Whole numbers may be nearer to each other by one: the space between takes that.
    centres
        .iter()
        .map(|y| (y - top - f64::from(SPACE) / 2.0).round() as i32)
        .collect()
}

/// The places nearest to those wanted, by squares, that keep the order and the room of each: those who want to be too
/// near to each other share the mean of what they want.
fn settle(it: &Arranger, layer: usize, wanted: &[f64], centres: &mut [f64]) {
    let row = &it.rows[layer];
    // Sums and counts of blocks that stand next to each other.
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(row.len());
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (at, item) in row.iter().enumerate() {
        let half = f64::from(room(it, *item)) / 2.0;
        offset += half;
        offsets.push(offset);
        let mut block = (wanted[at] - offset, 1);
        offset += half;
        while let Some(&(sum, count)) = blocks.last() {
            if sum / count as f64 <= block.0 / block.1 as f64 {
                break;
            }
            block = (sum + block.0, count + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut at = 0;
    for (sum, count) in blocks {
        for _ in 0..count {
            centres[row[at]] = sum / count as f64 + offsets[at];
            at += 1;
        }
    }
}

/// Puts those without relations below; the size of all.
fn below(it: &Arranger, spots: &mut [Spot], (right, bottom): Size) -> Size {
    let loose: Vec<usize> = (0..spots.len())
        .filter(|at| it.layers[*at].is_none())
        .collect();
    let wide = loose.iter().map(|at| it.sizes[*at].0).max().unwrap_or(0);
    let high = loose.iter().map(|at| it.sizes[*at].1).max().unwrap_or(0);
    let (step, line) = (wide + LOOSE, high + SPACE);
    let count = loose.len() as i32;
    // Alone, they are about as wide as high.
    let alone = (count * line / step.max(1)).isqrt() + 1;
    let columns = ((right + LOOSE) / step.max(1)).max(alone).min(count.max(1));
    let top = if bottom > 0 { bottom + 2 * SPACE } else { 0 };
    let mut size = (right, bottom);
    for (at, state) in loose.into_iter().enumerate() {
        let at = at as i32;
        let spot = Spot {
            x: at % columns * step,
            y: top + at / columns * line,
            w: wide,
            h: high,
            layer: None,
        };
        size = (size.0.max(spot.x + wide), size.1.max(spot.y + high));
        spots[state] = spot;
    }
    size
}

/// By link: how high its left and its right end are. Ends on one side of a state are in the order of what they lead to.
fn ports(it: &Arranger, centres: &[i32], spots: &[Spot]) -> Vec<[i32; 2]> {
    let mut sides: Vec<Vec<(i32, usize, usize)>> = vec![Vec::new(); 2 * spots.len()];
    for (number, chain) in it.chains.iter().enumerate() {
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else {
            continue;
        };
        let (second, before_last) = (chain[1], chain[chain.len() - 2]);
        // Within a layer both ends are to the right.
        let is_beside = it.layers[first] == it.layers[last];
        sides[2 * first + 1].push((centres[second], number, 0));
        sides[2 * last + usize::from(is_beside)].push((centres[before_last], number, 1));
    }
    let mut ports = vec![[0; 2]; it.chains.len()];
    for (side, ends) in sides.iter_mut().enumerate() {
        ends.sort_unstable();
        let spot = spots[side / 2];
        let count = ends.len() as i32 + 1;
        for (at, (_, number, end)) in ends.iter().enumerate() {
            ports[*number][*end] = spot.y + spot.h * (at as i32 + 1) / count;
        }
    }
    ports
}

fn route(
    (link, chain): (&Link, &[usize]),
    [y, end_y]: [i32; 2],
    columns: &[(i32, i32)],
    centres: &[i32],
    spots: &[Spot],
) -> Route {
    let (first, last) = (chain[0], chain[chain.len() - 1]);
    let (left, right) = (spots[first], spots[last]);
    let x = left.x + left.w;
    // Where the relation begins and ends: an arrow at its end, and at both when it is mutual.
    let at_first = link.both || link.to == first;
    let at_last = link.both || link.to == last;
    let mut head = String::new();
    let room = |has: bool| if has { HEAD } else { 0 };
    if left.layer == right.layer {
        let end_x = right.x + right.w;
        let aside = x + BULGE + ((end_y - y).abs() / 5).min(GAP - 2 * BULGE);
        let is_self = first == last;
        if at_first && !is_self {
            head += &arrow(x, y, HEAD);
        }
        if at_last {
            head += &arrow(end_x, end_y, HEAD);
        }
        let line = format!(
            "M{} {y}C{aside} {y} {aside} {end_y} {} {end_y}",
            x + room(at_first && !is_self),
            end_x + room(at_last),
        );
        return Route { line, head };
    }
    if at_first {
        head += &arrow(x, y, HEAD);
    }
    if at_last {
        head += &arrow(right.x, end_y, -HEAD);
    }
    let mut line = format!("M{} {y}", x + room(at_first));
    let mut from = (x + room(at_first), y);
    let bends = chain.iter().enumerate().take(chain.len() - 1).skip(1);
    for (step, bend) in bends {
        let (column, width) = columns[left.layer.unwrap_or(0) + step];
        let at = centres[*bend];
        curve(&mut line, from, (column, at));
        line += &format!("H{}", column + width);
        from = (column + width, at);
    }
    curve(&mut line, from, (right.x - room(at_last), end_y));
    Route { line, head }
}

fn curve(line: &mut String, (x, y): (i32, i32), (to_x, to_y): (i32, i32)) {
    let middle = i32::midpoint(x, to_x);
    *line += &format!("C{middle} {y} {middle} {to_y} {to_x} {to_y}");
}

/// A head whose tip is here; its length has the direction that it comes from.
pub(super) fn arrow(x: i32, y: i32, length: i32) -> String {
    format!("M{x} {y}l{length} -4v8z")
}

/// Between layers, in pixels.
const GAP: i32 = 52;
/// Above and below a state.
const SPACE: i32 = 12;
/// Between states without relations.
const LOOSE: i32 = 16;
/// The height that a relation keeps free in a layer that it passes.
const BEND: i32 = 12;
/// How far a relation within a layer goes to the side, at least.
const BULGE: i32 = 16;
/// The length of an arrow's head.
const HEAD: i32 = 8;
/// Times that all layers find their places.
const PASSES: usize = 8;
