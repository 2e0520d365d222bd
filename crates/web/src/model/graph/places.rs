//! Where each peer stands. Relays in the middle column, this tab above them, hosts to both sides, further out the more hops
//! they are from a relay, other tabs below. Whoever has a place keeps it: a newcomer takes the best that is free.

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, OrderedSet, sort_by};

use super::{Level, Network, NodeKind, neighbours};
use crate::model::Seen;

/// Places taken. Coordinates are of middles, in pixels at full size, to the right and down from the first relay.
#[derive(Clone, Debug, Default)]
pub struct Places {
    spots: OrderedMap<PeerId, Spot>,
    level: Level,
    /// Places by the cell of the pitch they are in, for looking around one.
    cells: OrderedMap<(i32, i32), Vec<(i32, i32)>>,
    /// From which ring on there is room around a place.
    full: OrderedMap<(i32, i32, i32), i32>,
}

#[derive(Clone, Copy, Debug)]
struct Spot {
    at: (i32, i32),
    /// Hops from a relay when it was placed.
    hops: Option<u32>,
    kind: NodeKind,
    since: Seen,
    /// Somebody moved it here.
    moved: bool,
}

/// Who wants a place.
struct Newcomer {
    peer: PeerId,
    kind: NodeKind,
    hops: Option<u32>,
    /// Whom it is linked to, nearer to a relay.
    anchor: Option<PeerId>,
}

impl Places {
    /// Gives everybody in the picture a place. `now` is the page's time, whatever moment is drawn.
    pub fn settle(
        &mut self,
        network: &Network,
        kinds: &OrderedMap<PeerId, NodeKind>,
        level: Level,
        now: Seen,
    ) {
        let hops = hops(network, kinds);
        let placed = |peer: &PeerId| self.spots.get(peer);
        let mut newcomers: Vec<Newcomer> = Vec::new();
        for (peer, kind) in kinds {
            let (far, anchor) = match hops.get(peer) {
                Some((far, anchor)) => (Some(*far), *anchor),
                None => (None, None),
            };
            // What somebody is becomes known in the first moments; who it is linked to, at times later.
            let fits = placed(peer).is_some_and(|spot| {
                spot.moved
                    || (spot.kind, spot.hops) == (*kind, far)
                    || (now.since(spot.since) > YOUNG && (spot.hops.is_some() || far.is_none()))
            });
            if !fits {
                newcomers.push(Newcomer {
                    peer: *peer,
                    kind: *kind,
                    hops: far,
                    anchor,
                });
            }
        }
        if newcomers.is_empty() {
            return;
        }
        self.level = level;
        self.take_stock(kinds, &newcomers);
        sort_by(&mut newcomers, |a, b| rank(a).cmp(&rank(b)));
        for newcomer in newcomers {
            let at = self.find(&newcomer, &hops);
            self.take(at);
            let since = match self.spots.get(&newcomer.peer) {
                Some(spot) => spot.since,
                None => now,
            };
            let spot = Spot {
                at,
                hops: newcomer.hops,
                kind: newcomer.kind,
                since,
                moved: false,
            };
            self.spots.insert(newcomer.peer, spot);
        }
        self.forget(kinds);
    }

    /// Where a peer stands.
    #[must_use]
    pub fn at(&self, peer: &PeerId) -> Option<(i32, i32)> {
        self.spots.get(peer).map(|spot| spot.at)
    }

    /// Somebody moved a peer.
    pub fn put(&mut self, peer: &PeerId, at: (i32, i32)) {
        if let Some(spot) = self.spots.get_mut(peer) {
            (spot.at, spot.moved) = (at, true);
        }
    }

    /// Everybody is placed anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Notes which places are taken: those of all in the picture that keep theirs.
    fn take_stock(&mut self, kinds: &OrderedMap<PeerId, NodeKind>, newcomers: &[Newcomer]) {
        self.cells.clear();
        self.full.clear();
        let moving: OrderedSet<PeerId> = newcomers.iter().map(|it| it.peer).collect();
        let kept: Vec<(i32, i32)> = self
            .spots
            .iter()
            .filter(|(peer, _)| kinds.contains_key(peer) && !moving.contains(peer))
            .map(|(_, spot)| spot.at)
            .collect();
        for at in kept {
            self.take(at);
        }
    }

    fn take(&mut self, at: (i32, i32)) {
        self.cells
            .get_or_insert_with(self.cell(at), Vec::new)
            .push(at);
    }

    fn cell(&self, (x, y): (i32, i32)) -> (i32, i32) {
        let (w, h) = self.level.pitch();
        (x.div_euclid(w), y.div_euclid(h))
    }

    fn is_free(&self, at: (i32, i32)) -> bool {
        let (w, h) = self.level.pitch();
        let (column, row) = self.cell(at);
        let mut around = (column - 1..=column + 1)
            .flat_map(|column| (row - 1..=row + 1).map(move |row| (column, row)))
            .filter_map(|cell| self.cells.get(&cell))
            .flatten();
        !around.any(|taken| (taken.0 - at.0).abs() < w && (taken.1 - at.1).abs() < h)
    }

    /// The best free place: near whom it is linked to, in the column of its hops or further out.
    fn find(&mut self, it: &Newcomer, hops: &Hops) -> (i32, i32) {
        let (w, h) = self.level.pitch();
        let relay = self.relay_of(it, hops);
        let row = match it.kind {
            NodeKind::This => -1,
            NodeKind::Relay => 0,
            NodeKind::Tab => self.bottom() + 1,
            NodeKind::Host | NodeKind::Silent => relay.map_or(0, |at| (at.1 + h / 2).div_euclid(h)),
        };
        let side = match (it.kind, it.hops) {
            (NodeKind::This | NodeKind::Relay | NodeKind::Tab, _) => 0,
            (_, hops) => i32::try_from(hops.unwrap_or(FAR).clamp(1, FAR)).unwrap_or(1),
        };
        let key = (row, side, it.kind as i32);
        let mut ring = self.full.get(&key).copied().unwrap_or(0);
        loop {
            let mut best: Option<(i32, (i32, i32))> = None;
            for (column, off) in ring_cells(ring) {
                if !is_allowed(it.kind, side, column, row + off) {
                    continue;
                }
                let at = (column * w, (row + off) * h);
                // Rows cost less than columns: a picture is wider than high, and so are nodes.
                let out = (column.abs() - side).abs();
                let cost = match it.kind {
                    NodeKind::Relay => 4 * column.abs() + 2 * off.abs(),
                    _ => 3 * out + 2 * off.abs() + i32::from(column < 0) + i32::from(off < 0),
                };
                if best.is_none_or(|(least, _)| cost < least) && self.is_free(at) {
                    best = Some((cost, at));
                }
            }
            if let Some((_, at)) = best {
                self.full.insert(key, (ring - 1).max(0));
                return at;
            }
            ring += 1;
        }
    }

    /// Where the relay stands that it is nearest to.
    fn relay_of(&self, it: &Newcomer, hops: &Hops) -> Option<(i32, i32)> {
        let mut anchor = it.anchor?;
        for _ in 0..FAR {
            match hops.get(&anchor) {
                Some((_, Some(next))) => anchor = *next,
                Some((_, None)) | None => break,
            }
        }
        self.at(&anchor)
    }

    /// The lowest row with a relay.
    fn bottom(&self) -> i32 {
        let (_, h) = self.level.pitch();
        let relays = self
            .spots
            .values()
            .filter(|spot| spot.kind == NodeKind::Relay);
        relays
            .map(|spot| spot.at.1.div_euclid(h))
            .max()
            .unwrap_or(0)
    }

    /// Places of those that left are kept while there are few, for who looks back.
    fn forget(&mut self, kinds: &OrderedMap<PeerId, NodeKind>) {
        if self.spots.len() > 2 * kinds.len().max(FEW) {
            self.spots.retain(|peer, _| kinds.contains_key(peer));
        }
    }
}

/// Cells at a distance from the middle.
fn ring_cells(ring: i32) -> impl Iterator<Item = (i32, i32)> {
    (-ring..=ring).flat_map(move |column| {
        let is_edge = column.abs() == ring;
        let step = if is_edge || ring == 0 { 1 } else { 2 * ring };
        let step = usize::try_from(step).unwrap_or(1);
        (-ring..=ring).step_by(step).map(move |row| (column, row))
    })
}

fn is_allowed(kind: NodeKind, side: i32, column: i32, row: i32) -> bool {
    match kind {
        NodeKind::This => true,
        NodeKind::Relay => row >= 0,
        NodeKind::Tab => row > 0,
        NodeKind::Host | NodeKind::Silent => column.abs() >= side,
    }
}

/// Order in which places are given: the same peers get the same ones, whoever was listed first.
fn rank(it: &Newcomer) -> (u8, u32, Option<PeerId>, PeerId) {
    let kind = match it.kind {
        NodeKind::Relay => 0,
        NodeKind::This => 1,
        NodeKind::Host | NodeKind::Silent => 2,
        NodeKind::Tab => 3,
    };
    (kind, it.hops.unwrap_or(u32::MAX), it.anchor, it.peer)
}

/// Hops from a relay, and whom towards it.
type Hops = OrderedMap<PeerId, (u32, Option<PeerId>)>;

/// From the relays outward; without one, from this tab.
fn hops(network: &Network, kinds: &OrderedMap<PeerId, NodeKind>) -> Hops {
    let near = neighbours(network);
    let of = |wanted: NodeKind| {
        let peers = kinds.iter().filter(move |(_, kind)| **kind == wanted);
        peers.map(|(peer, _)| *peer).collect::<Vec<PeerId>>()
    };
    let mut next = of(NodeKind::Relay);
    if next.is_empty() {
        next = of(NodeKind::This);
    }
    let mut hops: Hops = next.iter().map(|peer| (*peer, (0, None))).collect();
    let mut far = 0;
    while !next.is_empty() {
        far += 1;
        let mut beyond = Vec::new();
        for peer in next {
            for other in near.get(&peer).map_or(&[][..], Vec::as_slice) {
                if kinds.contains_key(other) && !hops.contains_key(other) {
                    hops.insert(*other, (far, Some(peer)));
                    beyond.push(*other);
                }
            }
        }
        next = beyond;
    }
    // Whose last link is closed stands where it would with it.
    for link in network.links.iter().filter(|link| link.closed.is_some()) {
        for (near, other) in [link.ends, (link.ends.1, link.ends.0)] {
            let far = hops.get(&near).map(|(far, _)| far + 1);
            if let (Some(far), true, false) =
                (far, kinds.contains_key(&other), hops.contains_key(&other))
            {
                hops.insert(other, (far, Some(near)));
            }
        }
    }
    hops
}

/// Until then what a newcomer is may still become known, and its place change with it.
const YOUNG: u64 = 5_000;
/// More hops look alike, and so does who is linked to nobody.
const FAR: u32 = 4;
/// With so few peers nothing is forgotten.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::{LinkClass, NetLink};
    use super::*;
    use crate::model::fixture::many;

    fn link(a: PeerId, b: PeerId) -> NetLink {
        NetLink {
            ends: (a.min(b), a.max(b)),
            class: LinkClass::Reported,
            carrier: None,
            rtt: None,
            usual: None,
            slow: false,
            since: Seen(0),
            closed: None,
        }
    }

    /// Peers 0 and 1 relay, 2 is this tab, the rest hosts at one of the two.
    fn mesh(peers: u32) -> (Network, OrderedMap<PeerId, NodeKind>) {
        let kind = |n| match n {
            0 | 1 => NodeKind::Relay,
            2 => NodeKind::This,
            _ => NodeKind::Host,
        };
        let mut network = Network::default();
        network.links.push(link(many(0), many(1)));
        network
            .links
            .extend((2..peers).map(|n| link(many(n), many(n % 2))));
        (network, (0..peers).map(|n| (many(n), kind(n))).collect())
    }

    fn settled(peers: u32) -> Places {
        let (network, kinds) = mesh(peers);
        let mut places = Places::default();
        places.settle(&network, &kinds, Level::of(peers as usize), Seen(0));
        places
    }

    #[test]
    fn nobody_stands_on_another() {
        for peers in [3, 12, 40, 120, 999] {
            let places = settled(peers);
            let (w, h) = Level::of(peers as usize).pitch();
            let all: Vec<(i32, i32)> = places.spots.values().map(|spot| spot.at).collect();
            assert_eq!(all.len(), peers as usize);
            for (at, a) in all.iter().enumerate() {
                for b in &all[at + 1..] {
                    let apart = (a.0 - b.0).abs() >= w || (a.1 - b.1).abs() >= h;
                    assert!(apart, "{peers}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_moves_when_another_comes() {
        // From cards to names and from names to dots, too.
        for before in [6_u32, 40, 60, 200, 999] {
            let mut places = settled(before);
            let was: Vec<_> = (0..before).map(|n| places.at(&many(n))).collect();
            for peers in before + 1..before + 4 {
                let (network, kinds) = mesh(peers);
                let level = Level::of(peers as usize).min(Level::Dots);
                places.settle(&network, &kinds, level, Seen(60_000));
            }
            let is: Vec<_> = (0..before).map(|n| places.at(&many(n))).collect();
            assert_eq!(is, was, "{before}");
            assert!(places.at(&many(before + 2)).is_some());
        }
    }

    #[test]
    fn relays_stand_in_the_middle_and_hosts_beside_them_by_hops() {
        let (mut network, mut kinds) = mesh(9);
        kinds.insert(many(9), NodeKind::Host);
        network.links.push(link(many(9), many(8)));
        kinds.insert(many(10), NodeKind::Tab);
        let mut places = Places::default();
        places.settle(&network, &kinds, Level::Cards, Seen(0));
        let (w, _) = Level::Cards.pitch();
        let at = |n| places.at(&many(n)).unwrap();
        assert_eq!((at(0).0, at(1).0), (0, 0));
        assert_eq!(at(2), (0, -Level::Cards.pitch().1), "this tab is above");
        for n in 3..9 {
            assert_eq!(at(n).0.abs(), w, "{n}");
        }
        let right = (3..9).filter(|n| at(*n).0 > 0).count();
        assert_eq!(right, 3, "half of them on each side");
        assert_eq!(at(9).0.abs(), 2 * w);
        assert!(at(10).1 > at(0).1.max(at(1).1), "other tabs are below");
    }

    #[test]
    fn what_somebody_is_may_become_known_late() {
        let (network, mut kinds) = mesh(6);
        let unknown = Network::default();
        let mut places = Places::default();
        kinds.insert(many(0), NodeKind::Silent);
        places.settle(&unknown, &kinds, Level::Cards, Seen(0));
        assert_ne!(places.at(&many(0)).unwrap().0, 0);
        kinds.insert(many(0), NodeKind::Relay);
        places.settle(&network, &kinds, Level::Cards, Seen(1_000));
        assert_eq!(places.at(&many(0)).unwrap().0, 0);
        let was = places.at(&many(5));
        kinds.insert(many(5), NodeKind::Silent);
        places.settle(&unknown, &kinds, Level::Cards, Seen(20_000));
        assert_eq!(places.at(&many(5)), was, "it is not new any more");
    }

    #[test]
    fn whose_links_come_late_is_placed_again_once() {
        let (mut network, kinds) = mesh(6);
        let last = network.links.pop().unwrap();
        let mut places = Places::default();
        places.settle(&network, &kinds, Level::Cards, Seen(0));
        let (w, _) = Level::Cards.pitch();
        let column = |places: &Places| places.at(&many(5)).unwrap().0.abs() / w;
        assert!(column(&places) > 1, "it is linked to nobody yet");
        let others: Vec<_> = (0..5).map(|n| places.at(&many(n))).collect();
        network.links.push(last);
        places.settle(&network, &kinds, Level::Cards, Seen(60_000));
        assert_eq!(column(&places), 1);
        let now: Vec<_> = (0..5).map(|n| places.at(&many(n))).collect();
        assert_eq!(now, others);
        network.links.pop();
        places.settle(&network, &kinds, Level::Cards, Seen(120_000));
        assert_eq!(column(&places), 1, "it stays when the link is gone");
    }

    #[test]
    fn whose_link_is_closed_stands_where_it_would_with_it() {
        let (mut network, kinds) = mesh(6);
        let open = {
            let mut places = Places::default();
            places.settle(&network, &kinds, Level::Cards, Seen(0));
            places.at(&many(5))
        };
        network.links.last_mut().unwrap().closed = Some(Seen(0));
        let mut places = Places::default();
        places.settle(&network, &kinds, Level::Cards, Seen(0));
        assert_eq!(places.at(&many(5)), open);
    }

    #[test]
    fn what_was_moved_by_hand_stays() {
        let mut places = settled(5);
        places.put(&many(4), (7, 9));
        let (_, mut kinds) = mesh(5);
        kinds.insert(many(4), NodeKind::Silent);
        places.settle(&Network::default(), &kinds, Level::Cards, Seen(1));
        assert_eq!(places.at(&many(4)), Some((7, 9)));
        places.clear();
        assert_eq!(places.at(&many(4)), None);
    }
}
