//! The peers this tab knows: facts as the mesh gives them.

use std::sync::Arc;

use statemesh::PeerId;
pub use statemesh::core::node::{Contact, LinkEnd};

use super::{Carrier, Machine, MachineKey, Role, Seen, Shown};

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
    /// Messages of its authorship that were read.
    pub messages: u64,
    /// Messages refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Its wall clock when it said what was heard last, in milliseconds since 1970.
    pub wall: Option<u64>,
    /// Where it says it can be reached.
    pub contact: Option<Arc<Contact>>,
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
            messages: 0,
            refused: Vec::new(),
            wall: None,
            contact: None,
            gone: None,
            role: None,
            name: None,
            software: None,
            links: Vec::new(),
            has_more_links: false,
        }
    }

    /// Messages refused, for whatever reason.
    #[must_use]
    pub fn refused(&self) -> u64 {
        let counts = self.refused.iter().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
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

/// What the tab sent, heard and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes and messages that came, bytes and messages that went.
    pub counts: [u64; 4],
    /// Messages refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
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
