//! The shared read side of a peer: what handles read without asking the event loop.
//!
//! `event loop -> Registry -> Mesh, RemoteMachine, event streams`. Only the event loop writes. Locks are short: nothing
//! of the user's runs under them, and wakers are woken after unlocking. Lists are changed before the event that tells
//! of it is pushed, so a reader of an event finds the lists at least as new.

mod event_log;

use std::time::Duration;

use libp2p::Multiaddr;
use parking_lot::Mutex;
use statemesh_core::collections::OrderedMap;
use statemesh_core::mesh::Mirror;
use statemesh_core::node::PeerView;
use statemesh_core::{MachineIdx, PeerId, time};
use web_time::Instant;

pub(crate) use self::event_log::EventLog;
pub(crate) use self::event_log::EventStream;
use crate::behaviour::Refusal;
use crate::behaviour::signature::Copies;
use crate::mesh::{Connection, Link, MeshEvent, Peer, Refused};
use crate::remote::RemoteMachine;
use crate::traffic::Traffic;
use crate::wait::WaitError;

/// What is known, for reading from any thread.
pub(crate) struct Registry {
    own: PeerId,
    topic: String,
    origin: Instant,
    view: Mutex<View>,
    events: std::sync::Arc<EventLog>,
    traffic: Mutex<Traffic>,
    copies: Copies,
}

struct View {
    machines: OrderedMap<(PeerId, MachineIdx), RemoteMachine>,
    peers: OrderedMap<PeerId, PeerView>,
    links: OrderedMap<PeerId, Link>,
    connection: Connection,
    addresses: Vec<Multiaddr>,
    refused: Refused,
    /// Of the peers above, and of nobody else.
    tallies: OrderedMap<PeerId, Tally>,
}

/// What a peer said so far.
#[derive(Clone, Debug, Default)]
struct Tally {
    messages: u64,
    refused: OrderedMap<&'static str, u64>,
}

impl Registry {
    /// Nothing known yet. `origin` is the moment the core calls zero; gossipsub counts in `copies`.
    pub(crate) fn new(
        own: PeerId,
        topic: String,
        origin: Instant,
        connection: Connection,
        copies: Copies,
    ) -> Self {
        Self {
            own,
            topic,
            origin,
            view: Mutex::new(View {
                machines: OrderedMap::new(),
                peers: OrderedMap::new(),
                links: OrderedMap::new(),
                connection,
                addresses: Vec::new(),
                refused: Refused::default(),
                tallies: OrderedMap::new(),
            }),
            events: std::sync::Arc::new(EventLog::new(EVENTS)),
            traffic: Mutex::default(),
            copies,
        }
    }
    /// Own id.
    pub(crate) fn own(&self) -> PeerId {
        self.own
    }
    /// Topic name.
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }
    /// All live mirrors, by peer and index.
    pub(crate) fn machines(&self) -> Vec<RemoteMachine> {
        self.view.lock().machines.values().cloned().collect()
    }
    /// One live mirror.
    pub(crate) fn machine(&self, peer: PeerId, index: MachineIdx) -> Option<RemoteMachine> {
        self.view.lock().machines.get(&(peer, index)).cloned()
    }
    /// All live mirrors of one peer.
    pub(crate) fn machines_of(&self, peer: PeerId) -> Vec<RemoteMachine> {
        let range = (peer, MachineIdx(0))..=(peer, MachineIdx(u64::MAX));
        let view = self.view.lock();
        view.machines.range(range).map(|(_, m)| m.clone()).collect()
    }
    /// All known peers, by id.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let forged = self.copies.forged();
        let view = self.view.lock();
        let refused = |peer: &PeerId| {
            let counted = view.tallies.get(peer).map(|tally| &tally.refused);
            let counted = counted.into_iter().flat_map(|refused| refused.iter());
            let counted = counted.map(|(reason, count)| (*reason, *count));
            let forged = forged.get(peer).map(|count| (FORGED, *count));
            counted.chain(forged).collect()
        };
        let peer = |known: &PeerView| Peer {
            peer: known.peer,
            link: view.links.get(&known.peer).cloned(),
            first_hand: known.first_hand,
            is_statemesh: known.is_statemesh,
            heard_at: known.heard_at.map(|at| self.real(at)),
            heartbeat: known.heartbeat,
            machines: known.machines,
            dropped: known.dropped,
            messages: view.tallies.get(&known.peer).map_or(0, |it| it.messages),
            refused: refused(&known.peer),
            contact: known.contact.clone(),
            run: known.run,
            wall_ms: known.wall_ms,
            about: known.about.clone(),
            links: known.links.clone(),
            link_count: known.link_count,
        };
        view.peers.values().map(peer).collect()
    }
    /// Live links, by peer.
    pub(crate) fn links(&self) -> Vec<Link> {
        self.view.lock().links.values().cloned().collect()
    }
    /// Where this peer stands.
    pub(crate) fn connection(&self) -> Connection {
        self.view.lock().connection.clone()
    }
    /// Own dialable addresses.
    pub(crate) fn addresses(&self) -> Vec<Multiaddr> {
        self.view.lock().addresses.clone()
    }
    /// Incoming connections refused so far.
    pub(crate) fn refused(&self) -> Refused {
        self.view.lock().refused
    }
    /// What was sent, heard and refused so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let mut traffic = self.traffic.lock().clone();
        traffic.copies = self.copies.count();
        let refused = self.copies.refused();
        if refused > 0 {
            traffic.dropped.insert(TOO_MANY, refused);
        }
        let forged: u64 = self.copies.forged().values().sum();
        if forged > 0 {
            let told = traffic.dropped.get(&FORGED).copied().unwrap_or(0);
            traffic.dropped.insert(FORGED, told + forged);
        }
        traffic
    }
    /// Counts a message.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Traffic)) {
        count(&mut self.traffic.lock());
    }
    /// A peer said something that was read.
    pub(crate) fn count_message(&self, author: PeerId) {
        let mut view = self.view.lock();
        if view.peers.contains_key(&author) {
            view.tallies
                .get_or_insert_with(author, Tally::default)
                .messages += 1;
        }
    }
    /// A message of a peer was refused.
    pub(crate) fn count_dropped(&self, author: PeerId, reason: &'static str) {
        self.count(|traffic| traffic.count_dropped(reason));
        let mut view = self.view.lock();
        if view.peers.contains_key(&author) {
            let tally = view.tallies.get_or_insert_with(author, Tally::default);
            *tally.refused.get_or_insert_with(reason, || 0) += 1;
        }
    }
    /// Events from now on.
    pub(crate) fn events(&self) -> EventStream {
        self.events.subscribe()
    }
    /// A core time on the clock that applications read.
    pub(crate) fn real(&self, at: time::Instant) -> Instant {
        self.origin + Duration::from_micros(at.as_micros())
    }

    /// A mirror was learned. One that had its place is gone.
    pub(crate) fn add_machine(&self, mirror: &Mirror) {
        let machine = RemoteMachine::new(mirror, self.origin);
        let key = (mirror.peer, mirror.index);
        let old = self.view.lock().machines.insert(key, machine.clone());
        if let Some(old) = old {
            old.end(WaitError::Gone);
            self.tell(MeshEvent::MachineGone(old));
        }
        self.tell(MeshEvent::MachineFound(machine));
    }
    /// A mirror is gone.
    pub(crate) fn remove_machine(&self, peer: PeerId, index: MachineIdx) {
        let old = self.view.lock().machines.remove(&(peer, index));
        if let Some(old) = old {
            old.end(WaitError::Gone);
            self.tell(MeshEvent::MachineGone(old));
        }
    }
    /// What the core now says of a peer; `None`: nothing any more.
    pub(crate) fn set_peer(&self, peer: PeerId, known: Option<PeerView>) {
        let mut view = self.view.lock();
        match known {
            Some(known) => view.peers.insert(peer, known),
            None => {
                view.tallies.remove(&peer);
                view.peers.remove(&peer)
            }
        };
    }
    /// The link to a peer; `None`: there is none any more.
    pub(crate) fn set_link(&self, peer: PeerId, link: Option<Link>) {
        let mut view = self.view.lock();
        match link {
            Some(link) => view.links.insert(peer, link),
            None => view.links.remove(&peer),
        };
    }
    /// Own dialable addresses.
    pub(crate) fn set_addresses(&self, addresses: Vec<Multiaddr>) {
        self.view.lock().addresses = addresses;
    }
    /// Where this peer stands. Told only when it differs.
    pub(crate) fn set_connection(&self, connection: Connection) {
        let old = std::mem::replace(&mut self.view.lock().connection, connection.clone());
        if old != connection {
            self.tell(MeshEvent::Connection(connection));
        }
    }
    /// An incoming connection was refused. Said aloud at the first, second, fourth, eighth … one.
    pub(crate) fn count_refusal(&self, refusal: Refusal) {
        let refused = {
            let refused = &mut self.view.lock().refused;
            match refusal {
                Refusal::Connections => refused.connections += 1,
                Refusal::Handshakes => refused.handshakes += 1,
                Refusal::Strangers => refused.strangers += 1,
            }
            *refused
        };
        let sum = refused.connections + refused.handshakes + refused.strangers;
        if sum.is_power_of_two() {
            tracing::warn!(
                too_many_connections = refused.connections,
                too_many_handshakes = refused.handshakes,
                strangers = refused.strangers,
                "incoming connections were refused"
            );
        }
    }
    /// Tells every reader.
    pub(crate) fn tell(&self, event: MeshEvent) {
        self.events.push(event);
    }
    /// The peer ended: mirrors are gone, streams end.
    pub(crate) fn close(&self) {
        let machines = {
            let mut view = self.view.lock();
            view.links.clear();
            view.peers.clear();
            view.tallies.clear();
            view.addresses.clear();
            std::mem::take(&mut view.machines)
        };
        for (_, machine) in machines {
            machine.end(WaitError::Closed);
        }
        self.set_connection(Connection::Closed);
        self.events.close();
    }
}

/// Events kept for slow readers. A reader further behind gets `Lagged`. A guess: ten seconds of a busy mesh.
const EVENTS: usize = 2048;
/// Why messages were refused that nobody signed, or somebody else did.
pub(crate) const FORGED: &str = "wrong signature";
/// Why messages were refused that would have to be remembered.
const TOO_MANY: &str = "too many messages at once";
