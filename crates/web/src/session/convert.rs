//! The mesh peer's types turned into the model's.

use std::sync::Arc;

use statemesh::MachineIdx;
use statemesh::core::collections::OrderedMap;
use statemesh::core::node;
use statemesh::machine::Transition;
use statemesh::mesh::{self, Mesh, TransportKind};
use statemesh::remote::{RemoteMachine, Snapshot};
use statemesh::traffic::Flow;
use web_time::Instant;

use crate::browser;
use crate::model::{
    Carrier, Failure, Interval, Learned, LinkFacts, MachineKey, PeerFacts, Phase, Reading,
    ReportedLink, Role, SchemaFacts, Seen, Shown, Stop, Traffic,
};

/// Maps the peer's instants to the page's.
#[derive(Clone, Copy)]
pub struct Clock {
    instant: Instant,
    seen: Seen,
}

impl Clock {
    /// Both clocks, read at once.
    pub fn start() -> Self {
        Self {
            instant: Instant::now(),
            seen: browser::now(),
        }
    }

    fn seen(self, at: Instant) -> Seen {
        let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(0);
        if at >= self.instant {
            Seen(self.seen.0 + ms(at.duration_since(self.instant)))
        } else {
            Seen(
                self.seen
                    .0
                    .saturating_sub(ms(self.instant.duration_since(at))),
            )
        }
    }
}

/// Names a mirror.
pub fn key(machine: &RemoteMachine) -> MachineKey {
    MachineKey {
        peer: machine.peer(),
        index: machine.index(),
    }
}

/// A mirror just learned.
pub fn learned(machine: &RemoteMachine, clock: Clock) -> Learned {
    Learned {
        key: key(machine),
        id: machine.id().into(),
        tags: machine.tags().to_vec(),
        parent: machine.parent().to_string(),
        schema: Arc::new(SchemaFacts::new(machine.schema().def())),
        reading: reading(&machine.snapshot(), clock),
        own: false,
    }
}

/// One look at a mirror. A change happened after the word before and not after the word that showed it.
pub fn reading(snapshot: &Snapshot, clock: Clock) -> Reading {
    Reading {
        clock: Arc::clone(&snapshot.clock),
        first_hand: snapshot.first_hand,
        changed: Interval {
            after: snapshot
                .heard_before
                .filter(|before| *before < snapshot.changed_at)
                .map(|before| clock.seen(before)),
            by: clock.seen(snapshot.changed_at),
        },
    }
}

/// This tab's own lifecycle machine, which is shown and not shared.
pub fn lifecycle(mesh: &Mesh, now: Seen) -> Learned {
    let machine = mesh.lifecycle();
    let mut tags = machine.tags().to_vec();
    if !tags.iter().any(|tag| tag.starts_with("role:")) {
        tags.push("role:tab".to_owned());
    }
    Learned {
        key: own_key(mesh),
        id: machine.id().into(),
        tags,
        parent: machine.parent().to_owned(),
        schema: Arc::new(SchemaFacts::new(machine.schema().def())),
        reading: own_reading(machine.clock(), now),
        own: true,
    }
}

/// The tab's own machine behind one of its transitions: here the instant is known.
pub fn reading_after(transition: &Transition, now: Seen) -> Reading {
    own_reading(transition.clock_after.clone(), now)
}

fn own_reading(clock: Vec<u64>, now: Seen) -> Reading {
    Reading {
        clock: clock.into(),
        first_hand: true,
        changed: Interval::at(now),
    }
}

/// The tab's own machine.
pub fn own_key(mesh: &Mesh) -> MachineKey {
    MachineKey {
        peer: mesh.peer_id(),
        index: MachineIdx(0),
    }
}

/// What is known of a peer.
pub fn peer(peer: &mesh::Peer, clock: Clock) -> PeerFacts {
    PeerFacts {
        peer: peer.peer,
        first_hand: peer.first_hand,
        is_statemesh: peer.is_statemesh,
        heard: peer.heard_at.map(|at| clock.seen(at)),
        heartbeat: peer
            .heartbeat
            .and_then(|every| u64::try_from(every.as_millis()).ok()),
        messages: peer.messages,
        refused: peer.refused.clone(),
        wall: peer.wall_ms,
        contact: peer.contact.clone(),
        gone: None,
        role: peer
            .about
            .as_ref()
            .and_then(|about| Role::named(&about.role)),
        name: said(peer, |about| &about.name),
        software: said(peer, |about| &about.software),
        has_more_links: peer.link_count > peer.links.len() as u64,
        links: peer.links.iter().map(reported).collect(),
    }
}

/// What came and went.
pub fn traffic(traffic: &statemesh::traffic::Traffic) -> Traffic {
    let sum = |flows: &OrderedMap<_, Flow>| {
        let flows = flows.values();
        flows.fold((0, 0), |(bytes, messages), flow: &Flow| {
            (bytes + flow.bytes, messages + flow.messages)
        })
    };
    let (came, sent) = (sum(&traffic.received), sum(&traffic.published));
    let refused = traffic.dropped.iter();
    Traffic {
        counts: [came.0, came.1, sent.0, sent.1],
        refused: refused.map(|(reason, count)| (*reason, *count)).collect(),
    }
}

/// What a peer says of itself; nothing is no text.
fn said(peer: &mesh::Peer, read: fn(&node::About) -> &String) -> Option<Shown> {
    let text = read(peer.about.as_ref()?);
    (!text.is_empty()).then(|| Shown::new(text))
}

fn reported(link: &node::Link) -> ReportedLink {
    ReportedLink {
        end: link.end,
        carrier: match link.transport {
            node::Transport::Unknown => None,
            node::Transport::Quic => Some(Carrier::Other("quic")),
            node::Transport::Tcp => Some(Carrier::Other("tcp")),
            node::Transport::WebSocket => Some(Carrier::WebSocket),
            node::Transport::WebRtc => Some(Carrier::WebRtc),
            node::Transport::Memory => Some(Carrier::Other("memory")),
        },
        rtt: (link.rtt_ms > 0).then_some(link.rtt_ms),
    }
}

/// An open link.
pub fn link(link: mesh::Link, clock: Clock) -> LinkFacts {
    LinkFacts {
        peer: link.peer,
        address: link.address.to_string(),
        carrier: match link.transport {
            TransportKind::WebSocket => Carrier::WebSocket,
            TransportKind::WebRtc => Carrier::WebRtc,
            TransportKind::Quic | TransportKind::Tcp | TransportKind::Memory => {
                Carrier::Other(link.transport.name())
            }
        },
        rtt: link.rtt.and_then(|rtt| u64::try_from(rtt.as_millis()).ok()),
        software: link.software,
        since: clock.seen(link.since),
    }
}

/// A browser does not tell a page why a WebSocket failed; the transport then reports a broken pipe.
pub fn plain(reason: String) -> String {
    if reason == "broken pipe" {
        "the browser could not connect".to_owned()
    } else {
        reason
    }
}

/// Where the peer stands.
pub fn phase(connection: mesh::Connection, clock: Clock) -> Phase {
    let failures = |failures: Vec<mesh::DialFailure>| {
        failures
            .into_iter()
            .map(|failure| Failure {
                address: failure.address.map(|address| address.to_string()),
                reason: plain(failure.reason),
            })
            .collect()
    };
    match connection {
        mesh::Connection::Connecting { failures: why, .. } => Phase::Connecting {
            failures: failures(why),
        },
        mesh::Connection::Live => Phase::Live,
        mesh::Connection::Reconnecting {
            next_try,
            failures: why,
            ..
        } => Phase::Reconnecting {
            next_try: next_try.map(|at| clock.seen(at)),
            failures: failures(why),
        },
        mesh::Connection::Closed => Phase::Stopped(Stop::Broken("it was shut down".to_owned())),
    }
}
