//! What a peer does on its links: gossipsub, identify, ping and limits. Composition and settings, no protocol rule.
//!
//! Gossipsub follows what go-libp2p-pubsub does with its defaults, so that both repair each other's losses: message
//! ids are the author's raw id followed by the big-endian sequence number, messages are signed and checked, and
//! **nothing is forwarded before the event loop has accepted it** (`report_message_validation_result`).

#[cfg(not(target_arch = "wasm32"))]
mod admission;
pub(crate) mod catch_up;
mod checked;
mod intake;
pub(crate) mod neighbours;
mod patience;
pub(crate) mod signature;

use std::collections::HashSet;
use std::time::Duration;

use libp2p::gossipsub::{
    ConfigBuilder, IdentTopic, Message, MessageAuthenticity, MessageId, ValidationMode,
    WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::swarm::{ListenError, NetworkBehaviour};
use libp2p::{gossipsub, identify, ping};
use statemesh_core::node::Members;

use self::checked::Checked;
use self::neighbours::NoRoom;
use self::signature::{Copies, KeepSignature};
use crate::mesh::Limits;

/// Gossipsub of one topic only.
pub(crate) type Gossipsub = gossipsub::Behaviour<KeepSignature, WhitelistSubscriptionFilter>;

/// The parts.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    /// Who may connect, how long a silent link lives, and what newcomers ask. Feed it with `pong` on every successful
    /// ping event, and with `exempt` for who speaks no ping by its own account.
    pub(crate) neighbours: neighbours::Behaviour,
    /// The topic.
    pub(crate) gossipsub: Checked,
    /// Without it a Go peer opens no gossip stream towards us.
    pub(crate) identify: identify::Behaviour,
    /// Asks every second; tell every answer to the neighbours' part.
    pub(crate) ping: ping::Behaviour,
}

impl Behaviour {
    /// All parts, not subscribed to the topic yet.
    pub(crate) fn new(
        keypair: &Keypair,
        topic: &IdentTopic,
        limits: &Limits,
        members: Option<Members>,
        copies: Copies,
    ) -> Self {
        Self {
            neighbours: neighbours::Behaviour::new(limits.clone(), members),
            gossipsub: Checked::new(gossipsub(keypair, topic, limits, copies.clone()), copies),
            identify: identify::Behaviour::new(identify_config(keypair)),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    .with_interval(PING_INTERVAL)
                    .with_timeout(PING_TIMEOUT),
            ),
        }
    }
}

/// Why an incoming connection was refused by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Too many connections: in all, pending, or of that peer id.
    Connections,
    /// Too many handshakes from that IP address.
    Handshakes,
    /// Of a peer that is no member.
    Strangers,
}

/// Was this failure of an incoming connection our own refusal?
pub(crate) fn refusal(error: &ListenError) -> Option<Refusal> {
    let ListenError::Denied { cause } = error else {
        return None;
    };
    Some(match cause.downcast_ref()? {
        NoRoom::Handshakes => Refusal::Handshakes,
        NoRoom::Pending | NoRoom::Established | NoRoom::Peer => Refusal::Connections,
        NoRoom::Stranger => Refusal::Strangers,
    })
}

/// Same on every target: it must equal what go-libp2p-pubsub computes, or lost messages are asked for in vain.
pub(crate) fn message_id(message: &Message) -> MessageId {
    let mut id = message
        .source
        .map(|author| author.to_bytes())
        .unwrap_or_default();
    // Strict validation lets nothing without a number through.
    let number = message.sequence_number.unwrap_or_default();
    id.extend_from_slice(&number.to_be_bytes());
    MessageId::from(id)
}

fn gossipsub(keypair: &Keypair, topic: &IdentTopic, limits: &Limits, copies: Copies) -> Gossipsub {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(MAX_MESSAGE)
        .max_control_message_size(MAX_CONTROL_MESSAGE)
        .idontwant_message_size_threshold(WORTH_DECLINING)
        .duplicate_cache_time(intake::REMEMBERED)
        .heartbeat_interval(HEARTBEAT)
        .heartbeat_initial_delay(HEARTBEAT_DELAY)
        .mesh_outbound_min(1)
        .mesh_n_low(MESH_LINKS)
        .mesh_n(MESH_LINKS)
        .mesh_n_high(most_mesh_links(limits))
        .connection_handler_queue_len(QUEUE_PER_PEER)
        .publish_queue_duration(QUEUED_AT_MOST)
        .forward_queue_duration(QUEUED_AT_MOST)
        .build()
        .expect("outbound 1 <= low 2 = n 2 <= high, 2 * outbound <= n");
    let only = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let signed = MessageAuthenticity::Signed(keypair.clone());
    let keep = KeepSignature::counting(copies);
    Gossipsub::new_with_subscription_filter_and_transform(signed, config, only, keep)
        .expect("signed messages and strict validation go together")
}

/// Above this many, gossipsub cuts neighbours off until [`MESH_LINKS`] are left. For a tab whose only link is a relay, or
/// any peer whose only link is this one, that would be the end of its news, so the number is never reached (gossipsub
/// prunes **at** it, hence one more).
fn most_mesh_links(limits: &Limits) -> usize {
    (limits.connections as usize)
        .saturating_add(1)
        .max(MESH_LINKS)
}

fn identify_config(keypair: &Keypair) -> identify::Config {
    // No address is taken from what peers say of themselves: who is dialled is the user's choice.
    identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), keypair.public())
        .with_agent_version(SOFTWARE.to_owned())
        .with_cache_size(0)
}

/// Name and version of this library, as other peers are told.
pub(crate) const SOFTWARE: &str = concat!("statemesh/", env!("CARGO_PKG_VERSION"));
/// Told in identify; peers of other software say something else, and nothing is concluded from it.
const IDENTIFY_PROTOCOL: &str = "/statemesh/1";
/// Largest message, as in go-libp2p-pubsub.
const MAX_MESSAGE: usize = 1024 * 1024;
/// A Go `IHAVE` may name 5,000 messages of 48 bytes.
const MAX_CONTROL_MESSAGE: usize = 256 * 1024;
/// Smaller messages are not declined beforehand (`IDONTWANT`): a relay would tell every neighbour about every
/// introduction of a kilobyte, and most of them have no other link that it could come from.
const WORTH_DECLINING: usize = 16 * 1024;
/// As in Go: mesh repair and gossip about missed messages.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// As in Go; the library's five seconds would be waited for at every start.
const HEARTBEAT_DELAY: Duration = Duration::from_millis(100);
/// Neighbours that a peer picks to exchange all messages with; it does so with all that pick it, too, hence with four on
/// average where there are many. Every copy of a message costs a check of its signature: a hundred peers on two cores know
/// each other after 2.9 s, and after 4.7 s with the six of Go (BENCHMARKS.md). Graphs in which everybody picks two hang
/// together; what a link loses is repaired by the gossip of the others, and by heartbeats.
const MESH_LINKS: usize = 2;
/// Messages that may wait for one slow neighbour; then new ones for it are dropped and lazily repaired. A guess: ten
/// seconds of a topic that keeps to its 40 messages a second, with room for bursts.
const QUEUE_PER_PEER: usize = 1024;
/// What has waited longer is dropped: five seconds later the next heartbeat tells the clocks anyway.
const QUEUED_AT_MOST: Duration = Duration::from_secs(5);
/// Between an answer and the next ping.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// A ping that takes longer is failed.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use libp2p::swarm::ConnectionDenied;

    use super::*;

    #[test]
    fn message_ids_are_those_of_go() {
        let author = libp2p::PeerId::random();
        let message = Message {
            source: Some(author),
            data: b"data".to_vec(),
            sequence_number: Some(0x0102_0304_0506_0708),
            topic: IdentTopic::new("mesh").hash(),
        };
        let mut expected = author.to_bytes();
        expected.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(message_id(&message).0, expected);
    }

    #[test]
    fn a_peer_at_its_connection_limit_is_below_the_pruning_mark() {
        for connections in [0, 1, 40, 1024, u32::MAX] {
            let limits = Limits {
                connections,
                ..Limits::default()
            };
            assert!(most_mesh_links(&limits) > connections as usize);
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let denied = |cause| ListenError::Denied { cause };
        let handshakes = denied(ConnectionDenied::new(NoRoom::Handshakes));
        assert_eq!(refusal(&handshakes), Some(Refusal::Handshakes));
        let crowded = denied(ConnectionDenied::new(NoRoom::Peer));
        assert_eq!(refusal(&crowded), Some(Refusal::Connections));
        let stranger = denied(ConnectionDenied::new(NoRoom::Stranger));
        assert_eq!(refusal(&stranger), Some(Refusal::Strangers));
        let other = denied(ConnectionDenied::new(std::io::Error::other("no")));
        assert_eq!(refusal(&other), None);
        assert_eq!(refusal(&ListenError::Aborted), None);
    }
}
