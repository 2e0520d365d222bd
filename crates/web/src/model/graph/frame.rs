//! Puts the picture together: names and health from the world of the moment, links from the network, places from memory.

use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, OrderedSet, sort_by};

use super::{
    Edge, GraphFrame, Level, NetPeer, Network, Node, NodeKind, NodeMachine, Places, neighbours,
};
use crate::model::{Health, Machine, MachineKey, MachineRef, Role, Seen, World};

impl GraphFrame {
    /// The picture of a moment. Machines are listed on cards, and of the peer whose id ends so (`chosen`). `rate`: changes of a machine in the ten seconds before, and whether each was seen. `now` is
    /// the page's time: newcomers get their places as they come, whatever moment is looked at.
    #[must_use]
    pub fn new(
        world: &World,
        network: &Network,
        places: &mut Places,
        opened: Option<PeerId>,
        chosen: Option<&str>,
        rate: impl Fn(&MachineKey) -> (u64, bool),
        now: Seen,
    ) -> Self {
        let owned = owned(world);
        let machines = |peer: &PeerId| owned.get(peer).map_or(&[][..], Vec::as_slice);
        let own = world.own();
        let mut kinds: OrderedMap<PeerId, NodeKind> = network
            .peers
            .iter()
            .map(|it| (it.peer, kind(it, own, machines(&it.peer))))
            .collect();
        let all = kinds.len();
        let homes = homes(network, &kinds);
        let is_crowd = Level::of(all) == Level::Clusters;
        let opened = opened.filter(|relay| is_crowd && kinds.contains_key(relay));
        match opened {
            Some(relay) => kinds.retain(|peer, kind| {
                *peer == relay || *kind == NodeKind::This || homes.get(peer) == Some(&relay)
            }),
            None if is_crowd => {
                kinds.retain(|_, kind| matches!(kind, NodeKind::Relay | NodeKind::This))
            }
            None => {}
        }
        let level = if is_crowd && opened.is_none() {
            Level::Clusters
        } else {
            Level::of(kinds.len()).min(Level::Dots)
        };
        places.settle(network, &kinds, level, now);
        let tails = Tails::new(&kinds);
        let near = neighbours(network);
        let hops = hops(&near, own);
        let is_chosen = |peer: &PeerId| {
            let end = chosen.map(|end| peer.to_string().ends_with(end));
            end == Some(true)
        };
        let node = |it: &NetPeer| {
            let members = homes.values().filter(|home| **home == it.peer).count();
            let facts = Facts {
                kind: *kinds.get(&it.peer)?,
                short: tails.short(&it.peer),
                links: near.get(&it.peer).map_or(0, Vec::len),
                hops: hops.get(&it.peer).copied(),
                members: if level == Level::Clusters { members } else { 0 },
                at: places.at(&it.peer)?,
                detailed: level == Level::Cards || is_chosen(&it.peer),
            };
            Some(Arc::new(draw(world, it, machines(&it.peer), facts, &rate)))
        };
        let mut nodes: Vec<Arc<Node>> = network.peers.iter().filter_map(node).collect();
        sort_by(&mut nodes, |a, b| a.peer.cmp(&b.peer));
        let mut frame = Self {
            level,
            nodes,
            edges: Vec::new(),
            peers: all,
            unnamed: network.unnamed,
            opened,
        };
        frame.edges = frame.edges_of(network);
        frame
    }

    /// Links between nodes of the picture, by ends: they come out of an ordered map.
    fn edges_of(&self, network: &Network) -> Vec<Arc<Edge>> {
        let edge = |link: &super::NetLink| {
            let (a, b) = (self.node(&link.ends.0)?, self.node(&link.ends.1)?);
            Some(Arc::new(Edge {
                shorts: (a.short.clone(), b.short.clone()),
                names: (a.title(), b.title()),
                from: a.at,
                to: b.at,
                link: link.clone(),
            }))
        };
        network.links.iter().filter_map(edge).collect()
    }
}

impl Node {
    /// A text for it where nothing isolates directions: its name, else what it is and the end of its id.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.name, self.kind) {
            (Some(name), _) => name.plain(),
            (None, NodeKind::This) => "this tab".to_owned(),
            (None, kind) => format!("{} {}", kind.word(), self.short),
        }
    }
}

impl NodeKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::This => "this tab",
            Self::Host => "host",
            Self::Tab => "tab",
            Self::Silent => "peer",
        }
    }
}

/// Machines by their owners.
pub(in crate::model) fn owned(world: &World) -> OrderedMap<PeerId, Vec<&Machine>> {
    let mut owned: OrderedMap<PeerId, Vec<&Machine>> = OrderedMap::new();
    for machine in world.machines() {
        owned
            .get_or_insert_with(machine.key.peer, Vec::new)
            .push(machine);
    }
    owned
}

/// What a peer is, by its own word and its machines.
pub(in crate::model) fn kind(it: &NetPeer, own: Option<PeerId>, machines: &[&Machine]) -> NodeKind {
    let has = |role| machines.iter().any(|machine| machine.role == role);
    match it.role {
        _ if own == Some(it.peer) => NodeKind::This,
        Some(Role::Relay) => NodeKind::Relay,
        _ if has(Role::Relay) => NodeKind::Relay,
        Some(Role::Tab) if !has(Role::Application) => NodeKind::Tab,
        _ if has(Role::Application) => NodeKind::Host,
        Some(Role::Tab) => NodeKind::Tab,
        Some(Role::Peer | Role::Application) | None => NodeKind::Silent,
    }
}

struct Facts {
    kind: NodeKind,
    short: String,
    links: usize,
    hops: Option<u32>,
    members: usize,
    at: (i32, i32),
    detailed: bool,
}

fn draw(
    world: &World,
    it: &NetPeer,
    machines: &[&Machine],
    facts: Facts,
    rate: &impl Fn(&MachineKey) -> (u64, bool),
) -> Node {
    let health = |machine: &Machine| world.assessment(&machine.key).health;
    let there = machines.iter().filter(|machine| machine.gone.is_none());
    let mut shared: Vec<&Machine> = there.filter(|machine| machine.counts()).copied().collect();
    sort_by(&mut shared, |a, b| {
        let rank = |machine| (!health(machine).needs_attention(), machine.key);
        rank(a).cmp(&rank(b))
    });
    let worst = shared
        .iter()
        .map(|machine| health(machine))
        .min_by_key(severity);
    let silent = match (it.left, it.silent_since) {
        (Some(_), _) => Some(Health::Gone),
        (None, Some(_)) => Some(Health::Stale),
        (None, None) => None,
    };
    let attention = shared
        .iter()
        .filter(|machine| health(machine).needs_attention());
    let attention = attention.count();
    let shown = |machine: &&Machine| NodeMachine {
        key: machine.key,
        href: MachineRef::of(world, machine).href(),
        name: machine.shown.clone(),
        health: health(machine),
        time: machine.machine_time(),
        rate: rate(&machine.key),
    };
    let rows = shared
        .iter()
        .take(if facts.detailed { MACHINES } else { 0 });
    Node {
        peer: it.peer,
        id: it.peer.to_string(),
        short: facts.short,
        name: it.name.clone(),
        software: it.software.clone(),
        kind: facts.kind,
        is_go: it.first_hand && !it.is_statemesh,
        hearsay: !it.first_hand,
        health: silent.or(worst).unwrap_or(Health::Ok),
        silent_since: it.silent_since,
        left: it.left,
        machines: rows.map(shown).collect(),
        attention,
        links: facts.links,
        hops: facts.hops,
        members: facts.members,
        at: facts.at,
    }
}

/// The worst first.
fn severity(health: &Health) -> u8 {
    match health {
        Health::Error => 0,
        Health::NotReady => 1,
        Health::Quiet => 2,
        Health::Stale => 3,
        Health::Gone => 4,
        Health::Starting => 5,
        Health::Ok => 6,
    }
}

/// The relay that each peer is behind: the first it is linked to.
fn homes(network: &Network, kinds: &OrderedMap<PeerId, NodeKind>) -> OrderedMap<PeerId, PeerId> {
    let is_relay = |peer: &PeerId| kinds.get(peer) == Some(&NodeKind::Relay);
    let mut homes = OrderedMap::new();
    for link in network.links.iter().filter(|link| link.closed.is_none()) {
        let (a, b) = link.ends;
        for (peer, relay) in [(a, b), (b, a)] {
            if is_relay(&relay) && !is_relay(&peer) {
                homes.get_or_insert_with(peer, || relay);
            }
        }
    }
    for (peer, _) in kinds.iter().filter(|(peer, _)| is_relay(peer)) {
        homes.insert(*peer, *peer);
    }
    homes
}

/// Hops from this tab, over open links.
fn hops(near: &OrderedMap<PeerId, Vec<PeerId>>, own: Option<PeerId>) -> OrderedMap<PeerId, u32> {
    let mut hops: OrderedMap<PeerId, u32> = own.map(|own| (own, 0)).into_iter().collect();
    let mut next: Vec<PeerId> = own.into_iter().collect();
    let mut far = 0;
    while !next.is_empty() {
        far += 1;
        let reached = next.iter().filter_map(|peer| near.get(peer)).flatten();
        let beyond: OrderedSet<PeerId> = reached
            .filter(|peer| !hops.contains_key(peer))
            .copied()
            .collect();
        next = beyond.iter().copied().collect();
        for peer in &next {
            hops.insert(*peer, far);
        }
    }
    hops
}

/// Ends of ids that tell peers apart.
pub(in crate::model) struct Tails(OrderedMap<String, usize>);

impl Tails {
    pub(in crate::model) fn new(kinds: &OrderedMap<PeerId, NodeKind>) -> Self {
        let mut counts = OrderedMap::new();
        for peer in kinds.keys() {
            *counts.get_or_insert_with(peer.short(SHORT), || 0) += 1;
        }
        Self(counts)
    }

    pub(in crate::model) fn short(&self, peer: &PeerId) -> String {
        let short = peer.short(SHORT);
        // Two of a kind are no accident: they get their whole ids.
        if self.0.get(&short) == Some(&1) {
            short
        } else {
            peer.to_string()
        }
    }
}

/// Characters of an id in a link (dashboard design 2).
const SHORT: usize = 8;
/// Machines on a card (dashboard design 5.3).
pub(super) const MACHINES: usize = 6;

#[cfg(test)]
mod tests {
    use super::super::{LinkClass, NetLink, PeerRef};
    use super::*;
    use crate::model::fixture::{learned_of, many, peer, reading};
    use crate::model::{Input, Phase};

    fn there(peer: PeerId, role: Option<Role>) -> NetPeer {
        NetPeer {
            peer,
            role,
            name: None,
            software: None,
            is_statemesh: true,
            first_hand: true,
            silent_since: None,
            left: None,
            said_bye: false,
        }
    }

    fn link(a: PeerId, b: PeerId, closed: Option<Seen>) -> NetLink {
        NetLink {
            ends: (a.min(b), a.max(b)),
            class: match closed {
                Some(_) => LinkClass::Closed,
                None => LinkClass::Reported,
            },
            carrier: None,
            rtt: None,
            usual: None,
            slow: false,
            since: Seen(0),
            closed,
        }
    }

    fn frame(world: &World, network: &Network, opened: Option<PeerId>) -> GraphFrame {
        let mut places = Places::default();
        let rate = |_: &MachineKey| (0, true);
        GraphFrame::new(world, network, &mut places, opened, None, rate, Seen(0))
    }

    fn world() -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        world.apply(Input::Own(peer(9)), Seen(0));
        for index in 0..8 {
            let machine = learned_of(1, index, &format!("m{index}"), &[1, 1, 0, 0]);
            world.apply(Input::Learned(machine), Seen(0));
        }
        let key = learned_of(1, 7, "", &[]).key;
        world.apply(Input::Read(key, reading(&[1, 1, 0, 1], 0, 1)), Seen(1));
        world.settle(Seen(1));
        world
    }

    #[test]
    fn a_card_shows_what_needs_attention_first_and_the_worst_health() {
        let peers = vec![
            there(peer(1), Some(Role::Peer)),
            there(peer(2), Some(Role::Relay)),
            there(peer(9), Some(Role::Tab)),
            there(peer(4), Some(Role::Tab)),
        ];
        let mut network = Network {
            peers,
            ..Network::default()
        };
        network.peers[3].left = Some(Seen(5));
        network.links = vec![
            link(peer(1), peer(2), None),
            link(peer(2), peer(4), Some(Seen(5))),
            link(peer(2), peer(9), None),
        ];
        let frame = frame(&world(), &network, None);
        let of = |n| frame.node(&peer(n)).unwrap();
        assert_eq!(of(1).kind, NodeKind::Host);
        assert_eq!((of(1).health, of(1).attention), (Health::Error, 1));
        assert_eq!(of(1).machines.len(), MACHINES);
        assert_eq!(&*of(1).machines[0].name.short, "m7");
        assert_eq!(
            (of(1).hops, of(2).hops, of(9).hops),
            (Some(2), Some(1), Some(0))
        );
        assert_eq!((of(4).kind, of(4).health), (NodeKind::Tab, Health::Gone));
        assert_eq!((of(4).hops, of(2).links), (None, 2));
        assert_eq!(frame.edges.len(), 3);
        let closed = frame.edge(&(peer(2), peer(4))).unwrap();
        assert_eq!(closed.link.class, LinkClass::Closed);
        assert_eq!(closed.from, of(2).at);
        let short = &of(1).short;
        let found = PeerRef::parse(&format!("#v=1&peer={short}&x"));
        assert_eq!(PeerRef::find(&frame, &found.peer.unwrap()), Some(peer(1)));
        assert_eq!(PeerRef::parse("#peer=ab"), PeerRef::default());
    }

    #[test]
    fn a_crowd_is_shown_by_relays_and_one_of_them_can_be_opened() {
        let mut network = Network::default();
        for n in 0..1_200 {
            let role = if n < 3 { Role::Relay } else { Role::Peer };
            network.peers.push(there(many(n), Some(role)));
            if n >= 3 {
                network.links.push(link(many(n), many(n % 3), None));
            }
        }
        let world = World::new("relay".into(), false, Seen(0));
        let crowd = frame(&world, &network, None);
        assert_eq!((crowd.level, crowd.peers), (Level::Clusters, 1_200));
        let members: Vec<usize> = crowd.nodes.iter().map(|node| node.members).collect();
        assert_eq!(members, [400, 400, 400]);
        let open = frame(&world, &network, Some(many(1)));
        assert_eq!((open.level, open.nodes.len()), (Level::Dots, 400));
        assert_eq!(open.opened, Some(many(1)));
    }
}
