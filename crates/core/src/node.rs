//! The mesh behind one handle: what a peer and a simulator drive. Owns no machine: it is fed the clocks of local ones.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Schema;
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::Mirror;
use crate::time::Instant;

/// How a node behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Own peer id: the author of everything published.
    pub own: PeerId,
    /// First machine index of this process: seconds since 2020 at its start, never used before under this id.
    pub first_index: MachineIdx,
    /// Seed of all jitter and sampling.
    pub seed: u64,
}

/// A local machine to introduce.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// Its id.
    pub id: Arc<str>,
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Parent machine id, or empty.
    pub parent: String,
    /// Its clock now.
    pub clock: Vec<u64>,
}

/// Names one received message between `Input::Message` and `Output::Verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageToken(pub u64);

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The topic is subscribed: begin to speak.
    Joined,
    /// Introduce this machine. The index comes from [`Node::reserve_index`].
    Expose(MachineIdx, Exposed),
    /// A local machine's clock, read under its lock.
    Clock(MachineIdx, Vec<u64>),
    /// Take a machine back; its index stays burnt.
    Withdraw(MachineIdx),
    /// A connection to this peer was made (the first of possibly several).
    LinkUp(PeerId),
    /// The last connection to this peer went.
    LinkDown(PeerId),
    /// A neighbour subscribed to the topic.
    Subscribed(PeerId),
    /// A neighbour left the topic.
    Unsubscribed(PeerId),
    /// A message on the topic, signature checked.
    Message {
        /// Answered by [`Output::Verdict`].
        token: MessageToken,
        /// Signing author.
        author: PeerId,
        /// Neighbour that forwarded it.
        via: PeerId,
        /// Payload.
        data: Vec<u8>,
    },
    /// Say bye. Outputs hold the last messages; nothing is sent after.
    Leave,
}

/// What has to happen outside.
#[derive(Clone, Debug)]
pub enum Output {
    /// Publish these bytes on the topic.
    Publish(Vec<u8>),
    /// Whether that message may be forwarded.
    Verdict(MessageToken, Verdict),
    /// Something the application may want to know.
    Event(Event),
}

/// Gossipsub's validation result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Forward.
    Accept,
    /// Do not forward.
    Ignore,
    /// Do not forward and blame the forwarder, who is its author.
    Reject,
}

/// What an application can learn. Mirrors are read by [`Node::mirror`].
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A peer was heard of for the first time.
    PeerFound(PeerId),
    /// A peer is gone, its machines with it (their `MachineGone` come first).
    PeerGone(PeerId, GoneReason),
    /// A machine was learned.
    MachineFound(PeerId, MachineIdx),
    /// A mirror's clock changed. Ticks before are given, those after are in the mirror.
    ClockChanged(PeerId, MachineIdx, Arc<[u64]>),
    /// A machine was taken back, restarted under another index, or its owner is gone.
    MachineGone(PeerId, MachineIdx),
    /// The peer's own word was heard and changed no mirror: only its times moved.
    Heard(PeerId),
    /// A message was dropped and counted against its author.
    Dropped(PeerId, &'static str),
}

/// Why a peer counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneReason {
    /// It said bye.
    Bye,
    /// No live link to it is known and three probes stayed unanswered.
    Silent,
    /// The table of peers was full and this one was the least recently heard.
    Evicted,
}

/// What is known of one peer.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// Its id.
    pub peer: PeerId,
    /// A connection of ours is open.
    pub linked: bool,
    /// Something signed by itself was heard.
    pub first_hand: bool,
    /// It speaks this project's extra keys; false: a Go peer, or not yet known.
    pub is_statemesh: bool,
    /// When its own word was last heard.
    pub heard_at: Option<Instant>,
    /// Heartbeat it promises; a peer that promises none may be silent for ever.
    pub heartbeat: Option<Duration>,
    /// Known machines.
    pub machines: usize,
    /// Messages of its authorship that were dropped.
    pub dropped: u64,
}

/// One member of the mesh.
pub struct Node {
    config: Config,
}

impl Node {
    /// A member that has not joined yet.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let _ = now;
        Self { config }
    }
    /// Own id.
    #[must_use]
    pub fn own(&self) -> PeerId {
        self.config.own
    }
    /// The next machine index of this process.
    pub fn reserve_index(&mut self) -> MachineIdx {
        todo!()
    }
    /// Takes one input. Outputs follow by [`Node::poll_output`].
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        let _ = (now, input);
        todo!()
    }
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }
    /// The next thing to do outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }
    /// When [`Node::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// One mirror.
    #[must_use]
    pub fn mirror(&self, peer: PeerId, index: MachineIdx) -> Option<&Mirror> {
        let _ = (peer, index);
        todo!()
    }
    /// All mirrors, by peer and index.
    pub fn mirrors(&self) -> impl Iterator<Item = &Mirror> {
        std::iter::empty()
    }
    /// One known peer.
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerView> {
        let _ = peer;
        todo!()
    }
    /// All known peers, by id.
    pub fn peers(&self) -> impl Iterator<Item = PeerView> {
        std::iter::empty()
    }
}
