//! What a peer does on its links: gossipsub, identify, ping and limits. Composition and settings, no protocol rule.
//!
//! Gossipsub follows what go-libp2p-pubsub does with its defaults, so that both repair each other's losses: message
//! ids are the author's raw id followed by the big-endian sequence number, messages are signed and checked, and
//! **nothing is forwarded before the event loop has accepted it** (`report_message_validation_result`).

mod admission;
mod watchdog;

use libp2p::gossipsub::{IdentityTransform, WhitelistSubscriptionFilter};
use libp2p::swarm::{ListenError, NetworkBehaviour};
use libp2p::{connection_limits, gossipsub, identify, ping};

pub(crate) use self::watchdog::Silent;

/// Gossipsub of one topic only.
pub(crate) type Gossipsub = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// The parts.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    /// Connections in all, pending, per peer.
    pub(crate) limits: connection_limits::Behaviour,
    /// Handshakes per second per IP address.
    pub(crate) admission: admission::Behaviour,
    /// The topic.
    pub(crate) gossipsub: Gossipsub,
    /// Without it a Go peer opens no gossip stream towards us.
    pub(crate) identify: identify::Behaviour,
    /// Asks every second; tell every answer to the watchdog.
    pub(crate) ping: ping::Behaviour,
    /// Closes links whose pings stay unanswered. Feed it with `pong` on every successful ping event, and with
    /// `exempt` on `ping::Failure::Unsupported`.
    pub(crate) watchdog: watchdog::Behaviour,
}

/// Why an incoming connection was refused by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Too many connections: in all, pending, or of that peer id.
    Connections,
    /// Too many handshakes from that IP address.
    Handshakes,
}

/// Was this failure of an incoming connection our own refusal?
pub(crate) fn refusal(error: &ListenError) -> Option<Refusal> {
    let _ = error;
    todo!()
}
