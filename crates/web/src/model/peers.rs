//! The peers this tab knows: facts as the mesh gives them, and the rows of the Peers page.

use statemesh::PeerId;
pub use statemesh::core::node::LinkEnd;

use super::{Age, Carrier, Interval, LinkFacts, Machine, MachineKey, Role, Seen, Shown, World};
use statemesh::core::collections::{OrderedMap, sort_by};

/// What the mesh says of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFacts {
    /// Its id.
    pub peer: PeerId,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// It speaks this project's extra keys; else a Go peer, or not known yet.
    pub is_statemesh: bool,
    /// Its own word was last heard.
    pub heard: Option<Seen>,
    /// Promised heartbeat in milliseconds.
    pub heartbeat: Option<u64>,
    /// Messages of its authorship that were refused.
    pub refused: u64,
    /// It went, and whether it said so.
    pub gone: Option<Departure>,
    /// What it says it is.
    pub role: Option<Role>,
    /// What it says it is called.
    pub name: Option<Shown>,
    /// What it says it runs.
    pub software: Option<Shown>,
    /// Links it reports.
    pub links: Vec<ReportedLink>,
    /// It has links that it does not name.
    pub has_more_links: bool,
}

/// A link as one of its ends reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedLink {
    /// The other end.
    pub end: LinkEnd,
    /// What carries it; `None`: not told.
    pub carrier: Option<Carrier>,
    /// Smoothed round trip in milliseconds.
    pub rtt: Option<u64>,
}

/// How a peer went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// When this was noticed.
    pub at: Seen,
    /// It said bye.
    pub said_bye: bool,
}

impl PeerFacts {
    /// A peer of which nothing is known but its id.
    #[must_use]
    pub fn unknown(peer: PeerId) -> Self {
        Self {
            peer,
            first_hand: false,
            is_statemesh: false,
            heard: None,
            heartbeat: None,
            refused: 0,
            gone: None,
            role: None,
            name: None,
            software: None,
            links: Vec::new(),
            has_more_links: false,
        }
    }
}

/// What a peer is to the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerRole {
    /// Shares machines of an application.
    Host,
    /// Relays.
    Relay,
    /// Shares nothing.
    Silent,
    /// This tab.
    This,
}

/// A row of the Peers page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    /// Its id in full.
    pub id: String,
    /// Its last characters.
    pub short: String,
    /// Host name it claims, if any.
    pub name: Option<Shown>,
    /// What it is.
    pub role: PeerRole,
    /// It speaks this project's extra keys; `None`: nothing was heard from itself.
    pub is_statemesh: Option<bool>,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// It went.
    pub gone: bool,
    /// It broke its promise of a heartbeat.
    pub stale: bool,
    /// Our link to it.
    pub link: Option<LinkFacts>,
    /// Age of its last word.
    pub heard: Option<Seen>,
    /// Machines known.
    pub machines: usize,
    /// Messages refused.
    pub refused: u64,
}

/// All peers: hosts by name, relays, others, this tab.
#[must_use]
pub fn peer_rows(world: &World, now: Seen) -> Vec<PeerRow> {
    let mut owned: OrderedMap<PeerId, Vec<&Machine>> = OrderedMap::new();
    for machine in world.machines().filter(|machine| machine.gone.is_none()) {
        owned
            .get_or_insert_with(machine.key.peer, Vec::new)
            .push(machine);
    }
    let mut rows: Vec<PeerRow> = world
        .peers()
        .map(|facts| {
            let machines = owned.get(&facts.peer).map_or(&[][..], Vec::as_slice);
            peer_row(world, facts, machines, now)
        })
        .collect();
    rows.extend(world.own().map(|own| own_row(world, own)));
    sort_by(&mut rows, |a, b| {
        (a.gone, a.role, &a.name, &a.id).cmp(&(b.gone, b.role, &b.name, &b.id))
    });
    rows
}

fn peer_row(world: &World, facts: &PeerFacts, machines: &[&Machine], now: Seen) -> PeerRow {
    let link = world.links().find(|link| link.peer == facts.peer);
    let silent = facts
        .heard
        .map(|heard| Interval::at(heard).age(now))
        .map(|age| match age {
            Age::Between(least, _) | Age::AtLeast(least) => least,
        });
    PeerRow {
        id: facts.peer.to_string(),
        short: facts.peer.short(SHORT),
        name: machines.iter().find_map(|machine| machine.host.clone()),
        role: role_of(machines),
        is_statemesh: facts.heard.map(|_| facts.is_statemesh),
        first_hand: facts.first_hand,
        gone: facts.gone.is_some(),
        stale: machines
            .iter()
            .any(|machine| world.assessment(&machine.key).health == super::Health::Stale)
            || facts
                .heartbeat
                .zip(silent)
                .is_some_and(|(expected, silent)| silent > 3 * expected),
        link: link.cloned(),
        heard: facts.heard,
        machines: machines.len(),
        refused: facts.refused,
    }
}

fn own_row(world: &World, own: PeerId) -> PeerRow {
    PeerRow {
        id: own.to_string(),
        short: own.short(SHORT),
        name: None,
        role: PeerRole::This,
        is_statemesh: Some(true),
        first_hand: true,
        gone: false,
        stale: false,
        link: None,
        heard: None,
        machines: world.machines().filter(|machine| machine.own).count(),
        refused: 0,
    }
}

/// What the machines of a peer make it.
pub(super) fn role_of(machines: &[&Machine]) -> PeerRole {
    if machines.iter().any(|machine| machine.own) {
        PeerRole::This
    } else if machines.iter().any(|machine| machine.role == Role::Relay) {
        PeerRole::Relay
    } else if machines.is_empty() {
        PeerRole::Silent
    } else {
        PeerRole::Host
    }
}

/// The key's owner, shortened.
pub(super) fn short(key: &MachineKey) -> String {
    key.peer.short(SHORT)
}

/// Characters of an id shown where space is scarce.
const SHORT: usize = 8;
