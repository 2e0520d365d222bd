//! The table of the Peers page: everybody known at a moment, one line each, filtered and in the order asked for.

use std::cmp::Ordering;

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, sort_by};

use super::graph::{Tails, kind, owned};
use super::{Carrier, Health, LinkClass, NetPeer, Network, NodeKind, Seen, Shown, World};

/// A peer, as a line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerLine {
    /// The peer.
    pub peer: PeerId,
    /// Its id in full.
    pub id: String,
    /// Its last characters, as many as tell it apart.
    pub short: String,
    /// What it is called.
    pub name: Option<Shown>,
    /// What it is.
    pub kind: NodeKind,
    /// A peer without our extra keys.
    pub is_go: bool,
    /// What it runs.
    pub software: Option<Shown>,
    /// How it is known: `local`, `measured`, `first hand`, `reported`.
    pub known: &'static str,
    /// What carries its links.
    pub carriers: Vec<Carrier>,
    /// Hops from this tab.
    pub hops: Option<u32>,
    /// Round trip, over all hops.
    pub rtt: Option<u64>,
    /// A link on the way is slower than usual.
    pub slow: bool,
    /// How far its clock is ahead of the tab's.
    pub ahead: Option<Ahead>,
    /// Its last word.
    pub heard: Option<Seen>,
    /// That is longer ago than it promised.
    pub late: bool,
    /// Machines it shares.
    pub machines: usize,
    /// Messages in a thousand seconds.
    pub rate: Option<u64>,
    /// Messages refused.
    pub refused: u64,
    /// Here, silent or gone.
    pub health: Health,
    /// When it went.
    pub left: Option<Seen>,
}

/// A difference between two clocks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// So much.
    pub ms: i64,
    /// Give or take.
    pub plus_minus: u64,
}

/// What a peer says with numbers, at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerWord {
    /// Its last word.
    pub heard: Option<Seen>,
    /// Its wall clock minus the page's time in that word that came fastest, in milliseconds since 1970.
    pub ahead: Option<i64>,
    /// Messages in a thousand seconds.
    pub rate: Option<u64>,
    /// Messages refused.
    pub refused: u64,
}

/// Everybody, in no order that matters. `word`: what the history says of one; `origin`: the wall time of the page's zero.
#[must_use]
pub fn peer_lines(
    world: &World,
    network: &Network,
    word: impl Fn(&PeerId) -> PeerWord,
    origin: u64,
) -> Vec<PeerLine> {
    let owned = owned(world);
    let own = world.own();
    let machines = |peer: &PeerId| owned.get(peer).map_or(&[][..], Vec::as_slice);
    let kinds: OrderedMap<PeerId, NodeKind> = network
        .peers
        .iter()
        .map(|it| (it.peer, kind(it, own, machines(&it.peer))))
        .collect();
    let tails = Tails::new(&kinds);
    let ways = own.map_or_else(OrderedMap::new, |own| ways(network, own));
    let line = |it: &NetPeer| {
        let kind = *kinds.get(&it.peer)?;
        let way = ways.get(&it.peer);
        let said = word(&it.peer);
        let rtt = way.and_then(|way| way.rtt);
        let (carriers, measured) = carriers(network, &it.peer);
        let is_own = kind == NodeKind::This;
        Some(PeerLine {
            peer: it.peer,
            id: it.peer.to_string(),
            short: tails.short(&it.peer),
            name: it.name.clone(),
            kind,
            is_go: it.first_hand && !it.is_statemesh,
            software: it.software.clone(),
            known: match (is_own, measured, it.first_hand) {
                (true, _, _) => "local",
                (_, true, _) => "measured",
                (_, _, true) => "first hand",
                (_, _, false) => "reported",
            },
            carriers: if is_own { Vec::new() } else { carriers },
            hops: way.map(|way| way.hops),
            rtt: rtt.filter(|_| !is_own),
            slow: way.is_some_and(|way| way.slow),
            ahead: said.ahead.zip(rtt).map(|(ahead, rtt)| Ahead {
                ms: ahead
                    .saturating_sub_unsigned(origin)
                    .saturating_add_unsigned(rtt / 2),
                plus_minus: rtt.div_ceil(2),
            }),
            heard: it.silent_since.or(said.heard),
            late: it.silent_since.is_some(),
            machines: machines(&it.peer)
                .iter()
                .filter(|one| one.gone.is_none())
                .count(),
            rate: said.rate,
            refused: said.refused,
            health: match (it.left, it.silent_since) {
                (Some(_), _) => Health::Gone,
                (None, Some(_)) => Health::Stale,
                (None, None) => Health::Ok,
            },
            left: it.left,
        })
    };
    network.peers.iter().filter_map(line).collect()
}

/// What carries the links of a peer, and whether one of them is the tab's.
fn carriers(network: &Network, peer: &PeerId) -> (Vec<Carrier>, bool) {
    let of = |wanted: bool| {
        network.links.iter().filter(move |link| {
            let is_its = link.ends.0 == *peer || link.ends.1 == *peer;
            is_its && link.closed.is_none() && (link.class == LinkClass::Measured) == wanted
        })
    };
    let measured = of(true).next().is_some();
    let mut carriers: Vec<Carrier> = Vec::new();
    for carrier in of(measured).filter_map(|link| link.carrier) {
        if !carriers.contains(&carrier) {
            carriers.push(carrier);
        }
    }
    (carriers, measured)
}

/// A shortest way to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    hops: u32,
    /// All its hops together; `None`: one of them was not measured.
    rtt: Option<u64>,
    slow: bool,
}

/// The ways over open links with the fewest hops, and of those the fastest.
fn ways(network: &Network, own: PeerId) -> OrderedMap<PeerId, Way> {
    let start = Way {
        hops: 0,
        rtt: Some(0),
        slow: false,
    };
    let mut ways: OrderedMap<PeerId, Way> = [(own, start)].into_iter().collect();
    for hops in 1.. {
        let mut reached: OrderedMap<PeerId, Way> = OrderedMap::new();
        for link in network.links.iter().filter(|link| link.closed.is_none()) {
            for (from, to) in [link.ends, (link.ends.1, link.ends.0)] {
                let before = ways.get(&from).filter(|way| way.hops + 1 == hops);
                let Some(before) = before.filter(|_| !ways.contains_key(&to)) else {
                    continue;
                };
                let way = Way {
                    hops,
                    rtt: before.rtt.zip(link.rtt).map(|(a, b)| a.saturating_add(b)),
                    slow: before.slow || link.slow,
                };
                let best = reached.get_or_insert_with(to, || way);
                if way
                    .rtt
                    .is_some_and(|rtt| best.rtt.is_none_or(|best| rtt < best))
                {
                    *best = way;
                }
            }
        }
        if reached.is_empty() {
            break;
        }
        for (peer, way) in &reached {
            ways.insert(*peer, *way);
        }
    }
    ways
}

/// A column that orders the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerColumn {
    /// Relays, hosts, tabs, this tab.
    #[default]
    Role,
    /// By name.
    Name,
    /// Nearest first.
    Hops,
    /// Fastest first.
    Rtt,
    /// By how far the clock is off.
    Ahead,
    /// Heard last first.
    Heard,
    /// Most first.
    Machines,
    /// Most first.
    Rate,
    /// Most first.
    Refused,
}

/// An order of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: PeerColumn,
    /// The other way round.
    pub reversed: bool,
}

impl Order {
    /// After somebody chose a column: chosen again, it turns round.
    #[must_use]
    pub fn chosen(self, column: PeerColumn) -> Self {
        Self {
            column,
            reversed: self.column == column && !self.reversed,
        }
    }

    /// Puts lines into this order. What is not known comes last, whichever way round.
    pub fn sort(self, lines: &mut Vec<std::sync::Arc<PeerLine>>) {
        sort_by(lines, |a, b| {
            let by = |a: Option<u64>, b: Option<u64>| match (a, b) {
                (Some(a), Some(b)) if self.reversed => b.cmp(&a),
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            let most = |count: u64| Some(u64::MAX - count);
            let plain = match self.column {
                PeerColumn::Role if self.reversed => rank(b).cmp(&rank(a)),
                PeerColumn::Role => rank(a).cmp(&rank(b)),
                PeerColumn::Name if self.reversed => named(b).cmp(&named(a)),
                PeerColumn::Name => named(a).cmp(&named(b)),
                PeerColumn::Hops => by(a.hops.map(u64::from), b.hops.map(u64::from)),
                PeerColumn::Rtt => by(a.rtt, b.rtt),
                PeerColumn::Ahead => {
                    let off = |it: &PeerLine| Some(u64::MAX - it.ahead?.ms.unsigned_abs());
                    by(off(a), off(b))
                }
                PeerColumn::Heard => {
                    let ago = |it: &PeerLine| Some(u64::MAX - it.heard?.0);
                    by(ago(a), ago(b))
                }
                PeerColumn::Machines => by(most(a.machines as u64), most(b.machines as u64)),
                PeerColumn::Rate => by(a.rate.and_then(most), b.rate.and_then(most)),
                PeerColumn::Refused => by(most(a.refused), most(b.refused)),
            };
            plain.then_with(|| usual(a, b))
        });
    }
}

fn rank(line: &PeerLine) -> u8 {
    match line.kind {
        NodeKind::Relay => 0,
        NodeKind::Host => 1,
        NodeKind::Silent => 2,
        NodeKind::Tab => 3,
        NodeKind::This => 4,
    }
}

/// Those without a name come last.
fn named(line: &PeerLine) -> (bool, Option<&Shown>) {
    (line.name.is_none(), line.name.as_ref())
}

fn usual(a: &PeerLine, b: &PeerLine) -> Ordering {
    let key = |line: &PeerLine| (line.left.is_some(), rank(line));
    let first = key(a).cmp(&key(b));
    first
        .then_with(|| named(a).cmp(&named(b)))
        .then_with(|| a.peer.cmp(&b.peer))
}

/// What of the table is shown: words of names and ids, `role:`, `transport:`, `is:`; a minus negates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerFilter(Vec<(bool, Wanted)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Word(String),
    Role(String),
    Transport(String),
    Is(String),
}

impl PeerFilter {
    /// Reads what was typed.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let word = |word: &str| {
            let (negated, word) = match word.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            let value = |key: &str| word.strip_prefix(key).map(str::to_lowercase);
            let wanted = if let Some(role) = value("role:") {
                Wanted::Role(role)
            } else if let Some(carrier) = value("transport:") {
                Wanted::Transport(carrier)
            } else if let Some(what) = value("is:") {
                Wanted::Is(what)
            } else {
                Wanted::Word(word.to_lowercase())
            };
            (negated, wanted)
        };
        Self(typed.split_whitespace().map(word).collect())
    }

    /// Does it let this line through?
    #[must_use]
    pub fn shows(&self, line: &PeerLine) -> bool {
        let holds = |wanted: &Wanted| match wanted {
            Wanted::Word(word) => {
                let is_in = |text: &Shown| text.whole().to_lowercase().contains(word.as_str());
                line.name.as_ref().is_some_and(is_in)
                    || line.software.as_ref().is_some_and(is_in)
                    || line.id.to_lowercase().contains(word.as_str())
                    || line.kind.word().contains(word.as_str())
            }
            Wanted::Role(role) => line.kind.word().starts_with(role.as_str()),
            Wanted::Transport(name) => {
                let word = |it: &Carrier| it.word().to_lowercase().starts_with(name.as_str());
                line.carriers
                    .iter()
                    .any(|it| word(it) || it.mark().starts_with(name.as_str()))
            }
            Wanted::Is(what) => match what.as_str() {
                "gone" => line.health == Health::Gone,
                "stale" => line.health == Health::Stale,
                "ok" => line.health == Health::Ok,
                "go" => line.is_go,
                "refused" => line.refused > 0,
                what => line.known.starts_with(what),
            },
        };
        self.0
            .iter()
            .all(|(negated, wanted)| holds(wanted) != *negated)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::fixture::peer;
    use crate::model::{Input, NetLink, Phase, Role};

    const TAB: u8 = 9;

    fn net_peer(n: u8, role: Role, name: &str) -> NetPeer {
        NetPeer {
            peer: peer(n),
            role: Some(role),
            name: (!name.is_empty()).then(|| Shown::new(name)),
            software: Some(Shown::new("statemesh/0.1")),
            is_statemesh: n != 4,
            first_hand: n != 5,
            silent_since: None,
            left: None,
            said_bye: false,
        }
    }

    fn link(a: u8, b: u8, rtt: Option<u64>, carrier: Carrier) -> NetLink {
        NetLink {
            ends: (peer(a).min(peer(b)), peer(a).max(peer(b))),
            class: match a == TAB || b == TAB {
                true => LinkClass::Measured,
                false => LinkClass::Reported,
            },
            carrier: Some(carrier),
            rtt,
            usual: None,
            slow: false,
            since: Seen(0),
            closed: None,
        }
    }

    /// A relay that two hosts are behind; the tab is linked to the relay, and a stranger to nobody.
    fn lines() -> Vec<Arc<PeerLine>> {
        let quic = Carrier::Other("quic");
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Own(peer(TAB)), Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        let network = Network {
            peers: vec![
                net_peer(TAB, Role::Tab, ""),
                net_peer(1, Role::Relay, "relay-fra"),
                net_peer(3, Role::Peer, "hub-fra"),
                net_peer(4, Role::Peer, "depot-ham"),
                net_peer(5, Role::Tab, ""),
            ],
            links: vec![
                link(TAB, 1, Some(12), Carrier::WebSocket),
                link(1, 3, Some(9), quic),
                link(1, 4, None, quic),
            ],
            unnamed: 0,
        };
        let word = |of: &PeerId| PeerWord {
            heard: Some(Seen(1_000)),
            ahead: Some(1_700_000_000_000 + if *of == peer(3) { 5_000 } else { 0 }),
            rate: (*of == peer(3)).then_some(44_000),
            refused: u64::from(*of == peer(4)),
        };
        let lines = peer_lines(&world, &network, word, 1_700_000_000_000);
        lines.into_iter().map(Arc::new).collect()
    }

    fn line(n: u8) -> Arc<PeerLine> {
        lines()
            .into_iter()
            .find(|line| line.peer == peer(n))
            .unwrap()
    }

    #[test]
    fn lines_say_how_far_and_how_known() {
        for (n, known, hops, rtt) in [
            (TAB, "local", Some(0), None),
            (1, "measured", Some(1), Some(12)),
            (3, "first hand", Some(2), Some(21)),
            (4, "first hand", Some(2), None),
            (5, "reported", None, None),
        ] {
            let line = line(n);
            assert_eq!((line.known, line.hops, line.rtt), (known, hops, rtt), "{n}");
        }
        assert_eq!(line(1).carriers, [Carrier::WebSocket]);
        assert_eq!(line(3).carriers, [Carrier::Other("quic")]);
        assert!(line(4).is_go && !line(3).is_go);
    }

    #[test]
    fn a_clock_is_ahead_by_half_the_way_more_and_that_is_how_sure_it_is() {
        let ahead = |n| line(n).ahead.map(|it| (it.ms, it.plus_minus));
        assert_eq!(ahead(3), Some((5_010, 11)));
        assert_eq!(ahead(1), Some((6, 6)));
        assert_eq!(ahead(4), None, "nobody knows how long the way is");
    }

    #[test]
    fn every_column_orders_and_what_is_unknown_comes_last() {
        let order = |column, reversed| {
            let mut lines = lines();
            Order { column, reversed }.sort(&mut lines);
            let at = |line: &Arc<PeerLine>| {
                [TAB, 1, 3, 4, 5]
                    .into_iter()
                    .find(|n| peer(*n) == line.peer)
            };
            lines.iter().filter_map(at).collect::<Vec<_>>()
        };
        for (column, expected) in [
            (PeerColumn::Role, [1, 4, 3, 5, TAB]),
            (PeerColumn::Name, [4, 3, 1, 5, TAB]),
            (PeerColumn::Hops, [TAB, 1, 4, 3, 5]),
            (PeerColumn::Rtt, [1, 3, 4, 5, TAB]),
            (PeerColumn::Rate, [3, 1, 4, 5, TAB]),
            (PeerColumn::Refused, [4, 1, 3, 5, TAB]),
        ] {
            assert_eq!(order(column, false), expected, "{column:?}");
        }
        assert_eq!(order(PeerColumn::Rtt, true), [3, 1, 4, 5, TAB]);
        let again = Order::default()
            .chosen(PeerColumn::Rtt)
            .chosen(PeerColumn::Rtt);
        assert!(again.reversed && !again.chosen(PeerColumn::Name).reversed);
    }

    #[test]
    fn filters_match_names_roles_transports_and_what_is_known() {
        let shown = |typed: &str| {
            let filter = PeerFilter::parse(typed);
            let all = [TAB, 1, 3, 4, 5].into_iter();
            all.filter(|n| filter.shows(&line(*n))).collect::<Vec<_>>()
        };
        for (typed, expected) in [
            ("", vec![TAB, 1, 3, 4, 5]),
            ("fra", vec![1, 3]),
            ("FRA -role:relay", vec![3]),
            ("transport:quic", vec![3, 4]),
            ("transport:websocket", vec![1]),
            ("is:go", vec![4]),
            ("is:reported", vec![5]),
            ("is:first", vec![3, 4]),
            ("is:refused", vec![4]),
            ("nobody", vec![]),
        ] {
            assert_eq!(shown(typed), expected, "{typed}");
        }
    }
}
