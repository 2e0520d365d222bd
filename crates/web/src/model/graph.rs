//! The network as a picture: who is there and how they are linked at a moment ([`Network`], made by the history), with
//! names, health and places ([`GraphFrame`]). Plain data; what is drawn is a function of the moment, only places remember.
//!
//! Parts: `places` says where a peer stands and leaves it there; `frame` puts it all together; `curve` is its geometry.

mod curve;
mod frame;
mod places;

use statemesh::PeerId;
use statemesh::core::collections::OrderedMap;

use super::{Carrier, Health, MachineKey, Role, Seen, Shown};

pub use curve::{Viewport, curve, toward};
pub(super) use frame::{Tails, kind, owned};
pub use places::Places;

/// Who is there, and how they are linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Peers, this tab included; those that left less than a minute ago too.
    pub peers: Vec<NetPeer>,
    /// Links between them; those that closed less than a minute ago too.
    pub links: Vec<NetLink>,
    /// Reported links with an end that nobody introduced.
    pub unnamed: usize,
}

/// A peer at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetPeer {
    /// Its id.
    pub peer: PeerId,
    /// What it says it is.
    pub role: Option<Role>,
    /// What it or its machines say it is called.
    pub name: Option<Shown>,
    /// What it says it runs.
    pub software: Option<Shown>,
    /// It speaks this project's extra keys; else a Go peer, or nothing was heard from itself.
    pub is_statemesh: bool,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// Its last word, when it is overdue.
    pub silent_since: Option<Seen>,
    /// When it went.
    pub left: Option<Seen>,
    /// It said bye.
    pub said_bye: bool,
}

/// A link at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetLink {
    /// Its ends, in order.
    pub ends: (PeerId, PeerId),
    /// How it is known.
    pub class: LinkClass,
    /// What carries it, if somebody said.
    pub carrier: Option<Carrier>,
    /// Round trip in milliseconds.
    pub rtt: Option<u64>,
    /// What that mostly was.
    pub usual: Option<u64>,
    /// Slower than five times that.
    pub slow: bool,
    /// Open since, as far as this tab saw.
    pub since: Seen,
    /// When it closed.
    pub closed: Option<Seen>,
}

/// How a link is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkClass {
    /// It is this tab's own.
    Measured,
    /// A relay reports it, or both ends do; signed.
    Reported,
    /// One end reports it, and that is no relay.
    Hearsay,
    /// It closed.
    Closed,
}

impl LinkClass {
    /// In the order of the legend.
    pub const ALL: [Self; 4] = [Self::Measured, Self::Reported, Self::Hearsay, Self::Closed];

    /// For scripts and style sheets.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Reported => "reported",
            Self::Hearsay => "hearsay",
            Self::Closed => "closed",
        }
    }
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Relays.
    Relay,
    /// This tab.
    This,
    /// Shares machines of an application.
    Host,
    /// Another tab.
    Tab,
    /// Shares nothing.
    Silent,
}

/// How much there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Cards with machines.
    #[default]
    Cards,
    /// Glyph and name.
    Names,
    /// Dots.
    Dots,
    /// One node for a relay and all behind it.
    Clusters,
}

impl Level {
    /// The level for so many peers.
    #[must_use]
    pub fn of(peers: usize) -> Self {
        match peers {
            0..=40 => Self::Cards,
            41..=200 => Self::Names,
            201..=1000 => Self::Dots,
            _ => Self::Clusters,
        }
    }

    /// For style sheets.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Cards => "cards",
            Self::Names => "names",
            Self::Dots => "dots",
            Self::Clusters => "clusters",
        }
    }

    /// How far the middles of two nodes are apart, sideways and down.
    #[must_use]
    pub fn pitch(self) -> (i32, i32) {
        match self {
            Self::Cards => (330, 190),
            Self::Names => (190, 60),
            Self::Dots => (36, 36),
            Self::Clusters => (280, 150),
        }
    }

    /// Half of a node's width and height, where links end. A card's height is that of a full one.
    #[must_use]
    pub fn half(self) -> (i32, i32) {
        match self {
            Self::Cards => (95, 28),
            Self::Names => (70, 13),
            Self::Dots => (7, 7),
            Self::Clusters => (95, 28),
        }
    }
}

/// A machine on its peer's card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeMachine {
    /// Names it.
    pub key: MachineKey,
    /// Its page.
    pub href: String,
    /// Its id.
    pub name: Shown,
    /// Its health.
    pub health: Health,
    /// Machine time.
    pub time: u64,
    /// Changes in the last ten seconds; `false`: at least so many, in snapshots.
    pub rate: (u64, bool),
}

/// A peer, or a relay and all behind it, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The peer.
    pub peer: PeerId,
    /// Its id in full.
    pub id: String,
    /// Its last characters, as many as tell it apart.
    pub short: String,
    /// What it is called.
    pub name: Option<Shown>,
    /// What it runs.
    pub software: Option<Shown>,
    /// What it is.
    pub kind: NodeKind,
    /// A peer without our extra keys.
    pub is_go: bool,
    /// Nothing signed by itself was heard.
    pub hearsay: bool,
    /// The worst of its machines, or of itself.
    pub health: Health,
    /// Its last word, when it is overdue.
    pub silent_since: Option<Seen>,
    /// When it went.
    pub left: Option<Seen>,
    /// Machines, those that need attention first.
    pub machines: Vec<NodeMachine>,
    /// Machines that need attention.
    pub attention: usize,
    /// Links that are open.
    pub links: usize,
    /// Hops from this tab.
    pub hops: Option<u32>,
    /// Peers behind it, itself included, when it stands for them.
    pub members: usize,
    /// The middle of it.
    pub at: (i32, i32),
}

/// A link, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The link.
    pub link: NetLink,
    /// Last characters of its ends, for addresses and scripts.
    pub shorts: (String, String),
    /// Names of its ends.
    pub names: (String, String),
    /// Where they stand.
    pub from: (i32, i32),
    /// Where they stand.
    pub to: (i32, i32),
}

/// The network at a moment, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphFrame {
    /// How much there is room for.
    pub level: Level,
    /// Nodes, by peer.
    pub nodes: Vec<std::sync::Arc<Node>>,
    /// Links between them, by ends.
    pub edges: Vec<std::sync::Arc<Edge>>,
    /// Peers there are.
    pub peers: usize,
    /// Reported links with an end that nobody introduced.
    pub unnamed: usize,
    /// The relay whose peers are shown and nobody else.
    pub opened: Option<PeerId>,
}

impl GraphFrame {
    /// The node of a peer.
    #[must_use]
    pub fn node(&self, peer: &PeerId) -> Option<&std::sync::Arc<Node>> {
        let at = self.nodes.binary_search_by(|node| node.peer.cmp(peer));
        Some(&self.nodes[at.ok()?])
    }

    /// The link between two peers.
    #[must_use]
    pub fn edge(&self, ends: &(PeerId, PeerId)) -> Option<&std::sync::Arc<Edge>> {
        let at = self.edges.binary_search_by(|edge| edge.link.ends.cmp(ends));
        Some(&self.edges[at.ok()?])
    }

    /// Left, top, right and bottom of all nodes.
    #[must_use]
    pub fn bounds(&self) -> Option<(i32, i32, i32, i32)> {
        let (w, h) = self.level.half();
        let h = if self.level == Level::Cards { 80 } else { h };
        let mut all = self.nodes.iter().map(|node| node.at);
        let (x, y) = all.next()?;
        let first = (x - w, y - h, x + w, y + h);
        Some(all.fold(first, |(left, top, right, bottom), (x, y)| {
            (
                left.min(x - w),
                top.min(y - h),
                right.max(x + w),
                bottom.max(y + h),
            )
        }))
    }
}

/// Something that happened around the machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetEvent {
    /// When, as far as this tab saw.
    pub at: Seen,
    /// To whom.
    pub peer: PeerId,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It came.
    Joined,
    /// It went, and whether it said so.
    Left {
        /// It said bye.
        said: bool,
    },
    /// Its last word before a silence longer than it promised.
    Silent,
    /// It spoke again.
    Heard,
    /// A link to another opened.
    Linked {
        /// The other.
        other: PeerId,
        /// What carries it.
        carrier: Option<Carrier>,
    },
    /// A link to another closed.
    Unlinked {
        /// The other.
        other: PeerId,
    },
    /// This tab lost its connection.
    Lost,
    /// And had it again.
    Back,
    /// A machine of it began or ceased to need attention.
    Health {
        /// The machine.
        machine: Shown,
        /// How it is from then on.
        health: Health,
    },
}

/// A machine's health became another that somebody should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthTurn {
    /// When that began.
    pub at: Seen,
    /// The machine.
    pub key: MachineKey,
    /// Its id.
    pub name: Shown,
    /// How it is from then on.
    pub health: Health,
}

/// What an address of the Mesh page names: `#peer=<peer>`, and `&link=<peer>` for its link to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerRef {
    /// Last characters of a peer's id.
    pub peer: Option<String>,
    /// Last characters of the id at the other end of a link.
    pub link: Option<String>,
}

impl PeerRef {
    /// Reads a fragment; unknown keys are ignored.
    #[must_use]
    pub fn parse(fragment: &str) -> Self {
        let key = |key: &str| {
            let mut pairs = fragment.trim_start_matches('#').split('&');
            let value = pairs.find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
            (value.len() >= SHORTEST).then(|| value.to_owned())
        };
        Self {
            peer: key("peer"),
            link: key("link"),
        }
    }

    /// The peer named, if one of these is.
    #[must_use]
    pub fn find(frame: &GraphFrame, short: &str) -> Option<PeerId> {
        let mut nodes = frame.nodes.iter();
        Some(nodes.find(|node| node.id.ends_with(short))?.peer)
    }
}

/// Links by their ends.
fn neighbours(network: &Network) -> OrderedMap<PeerId, Vec<PeerId>> {
    let mut near: OrderedMap<PeerId, Vec<PeerId>> = OrderedMap::new();
    let open = network.links.iter().filter(|link| link.closed.is_none());
    for link in open {
        let (a, b) = link.ends;
        near.get_or_insert_with(a, Vec::new).push(b);
        near.get_or_insert_with(b, Vec::new).push(a);
    }
    near
}

/// A shorter end of an id names nobody.
const SHORTEST: usize = 4;
