//! The shortest list of differences of two sequences (Myers 1986, in linear space), in slices: whoever runs it says when
//! to stop for now.
//!
//! A box of the edit graph is split at a point on a shortest path, found from both ends at once, until one side of it is
//! empty. Where two sequences differ in very much, a box is split at the furthest point found so far: what comes out is
//! right, though it may not be the shortest.

/// Items that are equal: so many, from there on in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First of A.
    pub a: usize,
    /// First of B.
    pub b: usize,
    /// How many.
    pub len: usize,
}

/// Two sequences of symbols, and what was found equal in them so far.
#[derive(Clone, Debug, Default)]
pub struct Align {
    a: Vec<u32>,
    b: Vec<u32>,
    todo: Vec<Task>,
    search: Option<Search>,
    runs: Vec<Run>,
    done: usize,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Part(Part),
    /// Equal, behind a part that comes first.
    Run(Run),
}

/// A box of the edit graph: from there, until before there.
#[derive(Clone, Copy, Debug)]
struct Part {
    a: (usize, usize),
    b: (usize, usize),
}

/// From both ends of a box: how far so many differences lead on each diagonal.
#[derive(Clone, Debug)]
struct Search {
    part: Part,
    forward: Vec<i32>,
    back: Vec<i32>,
    /// Differences so far.
    depth: i32,
    most: i32,
}

impl Align {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(a: Vec<u32>, b: Vec<u32>) -> Self {
        let part = Part {
            a: (0, a.len()),
            b: (0, b.len()),
        };
        Self {
            a,
            b,
            todo: vec![Task::Part(part)],
            ..Self::default()
        }
    }

    /// Goes on until it is done, which is true, or `is_due`.
    pub fn go_on(&mut self, is_due: &mut dyn FnMut() -> bool) -> bool {
        loop {
            if let Some(search) = &mut self.search {
                if let Some((a, b, is_cut)) = search.deepen(&self.a, &self.b) {
                    let part = search.part;
                    self.is_cut |= is_cut;
                    self.search = None;
                    let (a, b) = (part.a.0 + a, part.b.0 + b);
                    self.todo.push(Task::Part(Part {
                        a: (a, part.a.1),
                        b: (b, part.b.1),
                    }));
                    self.todo.push(Task::Part(Part {
                        a: (part.a.0, a),
                        b: (part.b.0, b),
                    }));
                }
            } else {
                match self.todo.pop() {
                    None => return true,
                    Some(Task::Run(run)) => self.equal(run),
                    Some(Task::Part(part)) => self.begin(part),
                }
            }
            if is_due() {
                return false;
            }
        }
    }

    /// Takes off what is equal at both ends.
    fn begin(&mut self, mut part: Part) {
        let pair = |a: usize, b: usize| self.a[a] == self.b[b];
        let shorter = (part.a.1 - part.a.0).min(part.b.1 - part.b.0);
        let first = (0..shorter)
            .take_while(|at| pair(part.a.0 + at, part.b.0 + at))
            .count();
        let last = (1..=shorter - first)
            .take_while(|at| pair(part.a.1 - at, part.b.1 - at))
            .count();
        let (head, tail) = (
            Run {
                a: part.a.0,
                b: part.b.0,
                len: first,
            },
            Run {
                a: part.a.1 - last,
                b: part.b.1 - last,
                len: last,
            },
        );
        self.equal(head);
        part.a = (part.a.0 + first, part.a.1 - last);
        part.b = (part.b.0 + first, part.b.1 - last);
        self.todo.push(Task::Run(tail));
        let (a, b) = (part.a.1 - part.a.0, part.b.1 - part.b.0);
        if a == 0 || b == 0 {
            self.done += a + b;
        } else {
            self.search = Some(Search::new(part));
        }
    }

    fn equal(&mut self, run: Run) {
        if run.len == 0 {
            return;
        }
        self.done += 2 * run.len;
        match self.runs.last_mut() {
            Some(last) if last.a + last.len == run.a && last.b + last.len == run.b => {
                last.len += run.len;
            }
            Some(_) | None => self.runs.push(run),
        }
    }

    /// How much of both is compared, of how much.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.a.len() + self.b.len())
    }

    /// There may be a shorter list of differences.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What is equal, in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }
}

impl Search {
    fn new(part: Part) -> Self {
        let (n, m) = (part.a.1 - part.a.0, part.b.1 - part.b.0);
        let most = (n + m).div_ceil(2).min(MOST_DEPTH);
        Self {
            part,
            forward: vec![NOWHERE; 2 * most + 3],
            back: vec![NOWHERE; 2 * most + 3],
            depth: 0,
            most: most as i32,
        }
    }

    /// One difference more from both ends. A point on a shortest path, when both met; and whether it is one at all.
    fn deepen(&mut self, a: &[u32], b: &[u32]) -> Option<(usize, usize, bool)> {
        let (a, b) = (
            &a[self.part.a.0..self.part.a.1],
            &b[self.part.b.0..self.part.b.1],
        );
        let (n, m) = (a.len() as i32, b.len() as i32);
        let (delta, depth, middle) = (n - m, self.depth, self.most + 1);
        let at = |k: i32| (k + middle) as usize;
        let is_odd = delta % 2 != 0;
        for k in diagonals(depth, n, m) {
            let mut x = reach(&self.forward, at(k), (depth, k), n, m);
            if x == NOWHERE {
                self.forward[at(k)] = x;
                continue;
            }
            while x < n && x - k < m && a[x as usize] == b[(x - k) as usize] {
                x += 1;
            }
            self.forward[at(k)] = x;
            let across = delta - k;
            if is_odd && across.abs() < depth {
                let met = self.back[at(across)];
                if met != NOWHERE && x + met >= n {
                    return Some((x as usize, (x - k) as usize, false));
                }
            }
        }
        for k in diagonals(depth, n, m) {
            let mut x = reach(&self.back, at(k), (depth, k), n, m);
            if x == NOWHERE {
                self.back[at(k)] = x;
                continue;
            }
            while x < n && x - k < m && a[(n - 1 - x) as usize] == b[(m - 1 - (x - k)) as usize] {
                x += 1;
            }
            self.back[at(k)] = x;
            let across = delta - k;
            if !is_odd && across.abs() <= depth {
                let met = self.forward[at(across)];
                if met != NOWHERE && x + met >= n {
                    return Some(((n - x) as usize, (m - (x - k)) as usize, false));
                }
            }
        }
        self.depth += 1;
        (self.depth > self.most).then(|| {
            let reached = diagonals(depth, n, m).map(|k| (self.forward[at(k)], k));
            let furthest = reached.max_by_key(|(x, k)| 2 * i64::from(*x) - i64::from(*k));
            let (x, k) = furthest.unwrap_or_default();
            (x as usize, (x - k) as usize, true)
        })
    }
}

/// Diagonals that so many differences lead to, inside of the box.
fn diagonals(depth: i32, n: i32, m: i32) -> impl Iterator<Item = i32> {
    (-depth..=depth)
        .step_by(2)
        .filter(move |k| (-m..=n).contains(k))
}

/// How far one difference more leads: one item of A left out, or one of B.
fn reach(so_far: &[i32], at: usize, (depth, k): (i32, i32), n: i32, m: i32) -> i32 {
    if depth == 0 {
        return 0;
    }
    let (below, above) = (so_far[at - 1], so_far[at + 1]);
    let mut x = NOWHERE;
    if below != NOWHERE && below < n {
        x = below + 1;
    }
    if above != NOWHERE && above - k <= m {
        x = x.max(above);
    }
    x
}

const NOWHERE: i32 = i32::MIN;
/// Differences looked for from each end before a box is split where it may not be best (guess: a second of work at most
/// between two splits).
const MOST_DEPTH: usize = 3_000;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aligned(a: &[u32], b: &[u32]) -> Align {
        let mut align = Align::new(a.to_vec(), b.to_vec());
        // One step at a time: stopping anywhere changes nothing.
        while !align.go_on(&mut || true) {}
        align
    }

    /// The longest common subsequence, by the textbook's table.
    fn longest(a: &[u32], b: &[u32]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                table[i + 1][j + 1] = if x == y {
                    table[i][j] + 1
                } else {
                    table[i][j + 1].max(table[i + 1][j])
                };
            }
        }
        table[a.len()][b.len()]
    }

    /// A with what only A has taken out and what only B has put in.
    fn applied(a: &[u32], b: &[u32], runs: &[Run]) -> Vec<u32> {
        let (mut out, mut at) = (Vec::new(), (0, 0));
        for run in runs {
            assert!(run.len > 0 && at.0 <= run.a && at.1 <= run.b, "{runs:?}");
            out.extend(&b[at.1..run.b]);
            out.extend(&a[run.a..run.a + run.len]);
            at = (run.a + run.len, run.b + run.len);
        }
        assert!(at.0 <= a.len());
        out.extend(&b[at.1..]);
        out
    }

    fn equal(align: &Align) -> usize {
        align.runs().iter().map(|run| run.len).sum()
    }

    #[test]
    fn small_ones() {
        for (a, b, runs) in [
            (&[][..], &[][..], &[][..]),
            (&[1], &[], &[]),
            (&[], &[1], &[]),
            (&[1], &[2], &[]),
            (&[1, 2, 3], &[1, 2, 3], &[(0, 0, 3)]),
            (&[1, 2, 3], &[1, 9, 3], &[(0, 0, 1), (2, 2, 1)]),
            (&[1, 3], &[1, 2, 3], &[(0, 0, 1), (1, 2, 1)]),
            (&[7, 1, 2], &[1, 2, 8], &[(1, 0, 2)]),
        ] {
            let found = aligned(a, b);
            let found: Vec<_> = found
                .runs()
                .iter()
                .map(|run| (run.a, run.b, run.len))
                .collect();
            assert_eq!(found, runs, "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_differs_in_everything_is_bounded_and_right() {
        let a: Vec<u32> = (0..8_000).collect();
        let b: Vec<u32> = (0..8_000)
            .map(|it| if it % 50 == 7 { it } else { it + 100_000 })
            .collect();
        let mut align = Align::new(a.clone(), b.clone());
        let mut slices = 0;
        while !align.go_on(&mut || {
            slices += 1;
            slices % 64 == 0
        }) {}
        assert!(align.is_cut());
        assert_eq!(applied(&a, &b, align.runs()), b);
        assert_eq!(align.progress(), (16_000, 16_000));
    }

    proptest! {
        #[test]
        fn applied_to_a_it_gives_b_and_nothing_is_shorter(
            a in prop::collection::vec(0_u32..5, 0..40),
            b in prop::collection::vec(0_u32..5, 0..40),
        ) {
            let align = aligned(&a, &b);
            prop_assert_eq!(&applied(&a, &b, align.runs()), &b);
            prop_assert_eq!(equal(&align), longest(&a, &b));
            prop_assert_eq!(align.progress(), (a.len() + b.len(), a.len() + b.len()));
            prop_assert!(!align.is_cut());
        }

        #[test]
        fn equal_ones_are_one_run(a in prop::collection::vec(0_u32..5, 1..60)) {
            let align = aligned(&a, &a);
            prop_assert_eq!(align.runs(), &[Run { a: 0, b: 0, len: a.len() }]);
        }

        #[test]
        fn a_few_changes_in_many(
            a in prop::collection::vec(0_u32..50, 100..300),
            cuts in prop::collection::vec((0_usize..100, 0_u32..60), 0..6),
        ) {
            let mut b = a.clone();
            for (at, symbol) in cuts {
                let at = at % b.len();
                if symbol < 50 { b[at] = symbol; } else { b.remove(at); }
            }
            let align = aligned(&a, &b);
            prop_assert_eq!(&applied(&a, &b, align.runs()), &b);
            prop_assert_eq!(equal(&align), longest(&a, &b));
        }
    }
}
