//! The order within layers: every state goes where its neighbours in the next layer are, back and forth, and the order
//! with the fewest crossings is kept. Long relations take part as one bend for each layer they pass.

use statemesh::core::collections::sort_by;

use super::layers::layers;
use super::place::{Layout, Size, place};
use super::{Link, MANY, Sketch};

/// Puts a picture in order, one slice after the other.
#[derive(Clone, Debug)]
pub struct Arranger {
    pub(super) sizes: Vec<Size>,
    pub(super) links: Vec<Link>,
    /// By place: without a layer if it has no relation to anybody.
    pub(super) layers: Vec<Option<usize>>,
    /// Items, which are states first and then bends, in the order of each layer.
    pub(super) rows: Vec<Vec<usize>>,
    /// Neighbours of items in the layer before.
    pub(super) before: Vec<Vec<usize>>,
    /// Neighbours of items in the layer behind.
    pub(super) behind: Vec<Vec<usize>>,
    /// By link: its items from left to right.
    pub(super) chains: Vec<Vec<usize>>,
    best: Vec<Vec<usize>>,
    fewest: usize,
    sweeps: usize,
}

impl Arranger {
    /// Begins. Sizes are those of the states, by their places in the sketch.
    #[must_use]
    pub fn new(sketch: &Sketch, sizes: Vec<Size>) -> Self {
        let layers = layers(sketch.states.len(), &sketch.links);
        let count = layers.iter().flatten().max().map_or(0, |last| last + 1);
        let mut new = Self {
            sizes,
            links: sketch.links.clone(),
            rows: vec![Vec::new(); count],
            before: vec![Vec::new(); layers.len()],
            behind: vec![Vec::new(); layers.len()],
            layers,
            chains: Vec::new(),
            best: Vec::new(),
            fewest: 0,
            sweeps: 0,
        };
        // A bend begins between the states that it connects.
        let mut keys: Vec<usize> = (0..new.layers.len()).map(|state| 2 * state).collect();
        for state in 0..new.layers.len() {
            if let Some(layer) = new.layers[state] {
                new.rows[layer].push(state);
            }
        }
        for link in &sketch.links {
            let chain = new.chain(link, &mut keys);
            new.chains.push(chain);
        }
        for row in &mut new.rows {
            sort_by(row, |a, b| (keys[*a], a).cmp(&(keys[*b], b)));
        }
        new.best.clone_from(&new.rows);
        new.fewest = new.crossings();
        new
    }

    fn chain(&mut self, link: &Link, keys: &mut Vec<usize>) -> Vec<usize> {
        let (Some(from), Some(to)) = (self.layers[link.from], self.layers[link.to]) else {
            return vec![link.from, link.to];
        };
        let (left, right) = if from <= to {
            (link.from, link.to)
        } else {
            (link.to, link.from)
        };
        let mut chain = vec![left];
        for layer in from.min(to) + 1..from.max(to) {
            let bend = self.before.len();
            self.before.push(Vec::new());
            self.behind.push(Vec::new());
            keys.push(link.from + link.to);
            self.rows[layer].push(bend);
            chain.push(bend);
        }
        chain.push(right);
        if from != to {
            for pair in chain.windows(2) {
                self.behind[pair[0]].push(pair[1]);
                self.before[pair[1]].push(pair[0]);
            }
        }
        chain
    }

    /// Does a little more; the layout when it is done.
    pub fn step(&mut self) -> Option<Layout> {
        if self.sweeps >= SWEEPS || self.fewest == 0 {
            self.rows = std::mem::take(&mut self.best);
            return Some(place(self));
        }
        self.sweep(self.sweeps.is_multiple_of(2));
        self.sweeps += 1;
        let crossings = self.crossings();
        if crossings < self.fewest {
            self.fewest = crossings;
            self.best.clone_from(&self.rows);
        }
        None
    }

    /// Does everything at once.
    #[must_use]
    pub fn finish(mut self) -> Layout {
        loop {
            if let Some(layout) = self.step() {
                return layout;
            }
        }
    }

    /// It is done before anybody notices.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.layers.len() <= MANY
    }

    /// How far it is, of a hundred.
    #[must_use]
    pub fn progress(&self) -> usize {
        100 * self.sweeps / (SWEEPS + 1)
    }

    fn sweep(&mut self, is_forward: bool) {
        let count = self.rows.len();
        for step in 1..count {
            let layer = if is_forward { step } else { count - 1 - step };
            let (beside, near) = if is_forward {
                (layer - 1, &self.before)
            } else {
                (layer + 1, &self.behind)
            };
            let places = self.places(beside);
            let row = &self.rows[layer];
            let stretch = self.rows[beside].len() as f64 / row.len() as f64;
            let mut keyed: Vec<(f64, usize)> = Vec::with_capacity(row.len());
            for (at, &item) in row.iter().enumerate() {
                let near = &near[item];
                let sum: usize = near.iter().map(|it| places[*it]).sum();
                let key = if near.is_empty() {
                    (at as f64 + 0.5) * stretch - 0.5
                } else {
                    sum as f64 / near.len() as f64
                };
                keyed.push((key, item));
            }
            sort_by(&mut keyed, |a, b| a.0.total_cmp(&b.0));
            self.rows[layer] = keyed.into_iter().map(|(_, item)| item).collect();
        }
    }

    /// By item: where in its layer it is, for the items of one layer.
    fn places(&self, layer: usize) -> Vec<usize> {
        let mut places = vec![0; self.before.len()];
        for (at, item) in self.rows[layer].iter().enumerate() {
            places[*item] = at;
        }
        places
    }

    /// How often lines between layers cross.
    pub(super) fn crossings(&self) -> usize {
        let mut crossings = 0;
        for layer in 1..self.rows.len() {
            let places = self.places(layer - 1);
            // Ends in the layer before, counted from below: each new line crosses those that end behind its own.
            let mut ends = vec![0; self.rows[layer - 1].len() + 1];
            let mut lines = 0;
            for item in &self.rows[layer] {
                let near = self.before[*item].iter().map(|it| places[*it]);
                for end in near.clone() {
                    let mut up_to = 0;
                    let mut at = end + 1;
                    while at > 0 {
                        up_to += ends[at];
                        at &= at - 1;
                    }
                    crossings += lines - up_to;
                }
                for end in near {
                    lines += 1;
                    let mut at = end + 1;
                    while at < ends.len() {
                        ends[at] += 1;
                        at += at & at.wrapping_neg();
                    }
                }
            }
        }
        crossings
    }
}

/// Times that the layers are walked; later ones change little (guess, tried on the schemas of the demo).
const SWEEPS: usize = 12;
