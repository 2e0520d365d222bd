//! Sentences of the Mesh page.

use crate::model::{
    Carrier, Edge, EventKind, Level, LinkClass, Node, NodeKind, NodeMachine, Seen, age_text,
};

/// Nobody but this tab.
pub const ALONE: &str = "Nobody else is here. Links appear when this tab is connected.";
/// The list of events is empty.
pub const NOTHING: &str = "Nothing happened since you joined.";
/// The list of events of a peer is empty.
pub const NOTHING_HERE: &str = "Nothing happened here since you joined.";
/// The peer that the address names is not in the picture.
pub const NOT_HERE: &str = "The peer that this link names is not here at this moment.";
/// What the graph is, for who cannot see it.
pub const GRAPH: &str = "Network graph. Arrow keys move between peers, plus and minus zoom, 0 shows everything. The same as a table: Table";

/// How a link is known, in the legend and in lists.
#[must_use]
pub fn class(class: LinkClass) -> &'static str {
    match class {
        LinkClass::Measured => "measured here",
        LinkClass::Reported => "reported, signed",
        LinkClass::Hearsay => "hearsay",
        LinkClass::Closed => "closed",
    }
}

/// What it means, for tooltips.
#[must_use]
pub fn class_means(class: LinkClass) -> &'static str {
    match class {
        LinkClass::Measured => "A link of this tab",
        LinkClass::Reported => "A relay reports it, or both ends do; signed by them",
        LinkClass::Hearsay => "One end reports it, and that is no relay",
        LinkClass::Closed => "It closed less than a minute before",
    }
}

/// What carries a link, briefly.
#[must_use]
pub fn carrier(carrier: Option<Carrier>) -> &'static str {
    match carrier {
        None => "link",
        Some(Carrier::WebSocket) => "WS",
        Some(Carrier::WebRtc) => "WebRTC",
        Some(Carrier::Other("quic")) => "QUIC",
        Some(Carrier::Other("tcp")) => "TCP",
        Some(Carrier::Other(name)) => name,
    }
}

/// What stands on a link: `QUIC 9 ms`, `closed 14:31:52`.
#[must_use]
pub fn edge(edge: &Edge, time: impl Fn(Seen) -> String) -> String {
    let link = &edge.link;
    match (link.closed, link.rtt) {
        (Some(closed), _) => format!("closed {}", time(closed)),
        (None, Some(rtt)) => format!("{} {rtt} ms", carrier(link.carrier)),
        (None, None) => carrier(link.carrier).to_owned(),
    }
}

/// The same for who cannot see it.
#[must_use]
pub fn edge_label(it: &Edge, time: impl Fn(Seen) -> String) -> String {
    let (a, b) = &it.names;
    let slow = if it.link.slow { ", slow" } else { "" };
    let how = class(it.link.class);
    format!("{a} to {b}, {}, {how}{slow}", edge(it, time))
}

/// A node for who cannot see it.
#[must_use]
pub fn node(node: &Node) -> String {
    let health = super::health(node.health);
    let links = super::counted(node.links, "link", "links");
    let kind = match node.kind {
        NodeKind::This => String::new(),
        kind => format!(", {}", kind.word()),
    };
    let need = match node.attention {
        0 => String::new(),
        1 => ", 1 machine needs attention".to_owned(),
        many => format!(", {many} machines need attention"),
    };
    let members = match node.members {
        0 => String::new(),
        members => format!(", {}", peers(members)),
    };
    format!("{}{kind}, {health}, {links}{need}{members}", node.title())
}

/// `1 peer`, `12 peers`.
#[must_use]
pub fn peers(count: usize) -> String {
    super::counted(count, "peer", "peers")
}

/// `3 links`.
#[must_use]
pub fn links(count: usize) -> String {
    super::counted(count, "link", "links")
}

/// What a node without machines says below its name.
#[must_use]
pub fn about(node: &Node) -> String {
    let links = links(node.links);
    match (node.left, node.kind, node.members) {
        (Some(_), ..) => "gone".to_owned(),
        (None, _, members) if members > 0 => format!("{}, {links}", peers(members)),
        (None, NodeKind::This, _) => format!("{links} of its own"),
        (None, ..) => links,
    }
}

/// How often a machine changed in the ten seconds before: `0.4/s`, `~2/s` from snapshots.
#[must_use]
pub fn rate(machine: &NodeMachine) -> String {
    let (changes, exact) = machine.rate;
    let about = if exact || changes == 0 { "" } else { "~" };
    match changes {
        0 => "0/s".to_owned(),
        changes if changes < 100 => format!("{about}{}.{}/s", changes / 10, changes % 10),
        changes => format!("{about}{}/s", changes / 10),
    }
}

/// How many there are, above the graph.
#[must_use]
pub fn summary(level: Level, all: usize, links: usize, unnamed: usize) -> String {
    let of = match level {
        Level::Clusters => format!("{}, by relay", peers(all)),
        Level::Cards | Level::Names | Level::Dots => {
            format!("{}, {}", peers(all), self::links(links))
        }
    };
    match unnamed {
        0 => of,
        unnamed => format!("{of}, {unnamed} to peers nobody introduced"),
    }
}

/// Peers that are not in view.
#[must_use]
pub fn outside(count: usize) -> String {
    format!("{} outside", peers(count))
}

/// What happened to somebody; `other` is a name.
#[must_use]
pub fn event(kind: &EventKind, other: impl Fn(&statemesh::PeerId) -> String) -> String {
    match kind {
        EventKind::Joined => "joined".to_owned(),
        EventKind::Left { said: true } => "left".to_owned(),
        EventKind::Left { said: false } => "gone, without a word".to_owned(),
        EventKind::Silent => "last word before a silence".to_owned(),
        EventKind::Heard => "heard again".to_owned(),
        EventKind::Linked {
            other: to,
            carrier: None,
        } => format!("link to {} opened", other(to)),
        EventKind::Linked {
            other: to,
            carrier: by,
        } => format!("link to {} opened, {}", other(to), carrier(*by)),
        EventKind::Unlinked { other: to } => format!("link to {} closed", other(to)),
        EventKind::Lost => "lost its connection".to_owned(),
        EventKind::Back => "connected again".to_owned(),
        EventKind::Health { machine, health } => {
            format!("{}: {}", machine.plain(), super::health(*health))
        }
    }
}

/// How a link is known and since when, or since when it is not there any more.
#[must_use]
pub fn lasted(edge: &Edge, at: Seen) -> String {
    match edge.link.closed {
        Some(closed) => format!("closed {} ago", age_text(at.since(closed))),
        None => {
            let up = age_text(at.since(edge.link.since));
            format!("{}, up {up}", class(edge.link.class))
        }
    }
}
