//! The mesh behind one handle: what a peer and a simulator drive. Owns no machine: it is fed the clocks of local ones.
//!
//! ```text
//! Input -> handle_input ->  receive.rs: messages -> registry -> events, things to ask
//!                           send.rs: announce, flush, heartbeat, requests, answers -> Output::Publish
//! ```
//!
//! Invariants: nothing is published before a neighbour is on the topic or after [`Input::Leave`]; nothing that a Go peer cannot
//! survive is published; idle members exchange heartbeats and nothing else; a message is refused as a whole before anything
//! changed, or taken as a whole.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::collections::{OrderedMap, OrderedSet};
use crate::ids::{MachineIdx, PeerId};
use crate::mesh::Mirror;
use crate::mesh::catch_up::Pull;
use crate::mesh::gossip::{Answers, Asks, Pace, Want};
use crate::mesh::jitter::Jitter;
use crate::mesh::limiter::{self, Bucket, Pacer};
use crate::mesh::local::Local;
use crate::mesh::peer_registry::Registry;
use crate::mesh::wire;
use crate::time::{Instant, earliest};

mod catch_up;
mod receive;
mod send;
mod timers;

pub use crate::mesh::catch_up::{Reply, Signed};
pub use crate::mesh::local::Exposed;
pub use crate::mesh::peer_registry::{Contact, GoneReason, Members, PeerView};
pub use crate::mesh::wire::{About, Link, LinkEnd, Ticks, Transport};

use self::timers::{Timer, Timers};

/// How a node behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Own peer id: the author of everything published.
    pub own: PeerId,
    /// First machine index of this process: seconds since 2020 at its start, never used before under this id. Also the
    /// number of this run: a larger one ends the earlier run of the same id.
    pub first_index: MachineIdx,
    /// Seed of all jitter and sampling.
    pub seed: u64,
    /// What others are told about this peer. For people: no peer depends on it.
    pub about: About,
    /// Wall clock at the node's start, in milliseconds since 1970. Others are told the time since then on top of it, so
    /// that it never runs backwards.
    pub wall_ms: u64,
    /// The only members there are, if not everybody may be one (spec S9): nobody else is known, heard or passed on.
    pub members: Option<Members>,
}

impl Config {
    /// Nothing is told about the peer, and its wall clock starts in 1970.
    #[must_use]
    pub fn new(own: PeerId, first_index: MachineIdx, seed: u64) -> Self {
        Self {
            own,
            first_index,
            seed,
            about: About::default(),
            wall_ms: 0,
            members: None,
        }
    }
}

/// A local machine's counters, read together under its lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Ticks of its states.
    pub clock: Vec<u64>,
    /// Machine tick and queue tick, if the driver knows them.
    pub ticks: Option<Ticks>,
}

impl From<Vec<u64>> for Reading {
    fn from(clock: Vec<u64>) -> Self {
        Self { clock, ticks: None }
    }
}

/// Names one received message between `Input::Message` and `Output::Verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageToken(pub u64);

/// Names one direct request between `Input::Asked` and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call(pub u64);

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The topic is subscribed: begin to speak.
    Joined,
    /// Where we can be reached, told to others: multiaddresses without our id, the best first. Those beyond
    /// [`wire::MAX_ADDRESSES`] and longer than [`wire::MAX_ADDRESS`] are left out.
    Addresses(Vec<String>),
    /// Introduce this machine. The index comes from [`Node::reserve_index`].
    Expose(MachineIdx, Exposed),
    /// A local machine's clock, read under its lock.
    Clock(MachineIdx, Reading),
    /// Take a machine back; its index stays burnt.
    Withdraw(MachineIdx),
    /// A connection to this peer was made (the first of possibly several).
    LinkUp(PeerId),
    /// The last connection to this peer went.
    LinkDown(PeerId),
    /// What the link to this peer is like: transport, smoothed round trip.
    Link(PeerId, Transport, Duration),
    /// A neighbour subscribed to the topic.
    Subscribed(PeerId),
    /// A neighbour left the topic.
    Unsubscribed(PeerId),
    /// This neighbour answers direct requests. Before or after its subscription; without it, the neighbour is told about us
    /// on the topic.
    Speaks(PeerId),
    /// A neighbour asks directly: answered by [`Output::Answer`] or [`Output::Refuse`].
    Asked(PeerId, Call, Vec<u8>),
    /// The neighbour asked by [`Output::Ask`] told this. Messages with a wrong signature are taken out.
    Told(PeerId, Reply),
    /// The neighbour asked by [`Output::Ask`] did not answer, refused, or answered nonsense.
    Untold(PeerId),
    /// A message on the topic, signature checked.
    Message {
        /// Answered by [`Output::Verdict`].
        token: MessageToken,
        /// Neighbour that forwarded it.
        via: PeerId,
        /// The message. Without its signature it is not passed on to newcomers.
        signed: Arc<Signed>,
    },
    /// Whether the network takes no more for now. While it does not, nothing new is said on the topic; what changes is
    /// remembered, and told in its newest form afterwards.
    Congested(bool),
    /// Say bye. Outputs hold the last messages; nothing is sent after.
    Leave,
}

/// What has to happen outside.
#[derive(Clone, Debug)]
pub enum Output {
    /// Publish these bytes on the topic.
    Publish(Vec<u8>),
    /// Ask this neighbour directly. Answered by [`Input::Told`] or [`Input::Untold`]; one at a time.
    Ask(PeerId, Vec<u8>),
    /// Answer a neighbour: these payloads of ours, signed as for the topic, then what others signed.
    Answer(Call, Vec<Vec<u8>>, Reply),
    /// Do not answer a neighbour.
    Refuse(Call),
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
    /// An own machine cannot be shown to others, and why.
    NotExposed(MachineIdx, &'static str),
}

/// One member of the mesh.
pub struct Node {
    config: Config,
    stage: Stage,
    registry: Registry,
    local: Local,
    /// Where we can be reached, once the driver has said so.
    addresses: Option<Vec<String>>,
    asks: Asks,
    answers: Answers,
    timers: Timers,
    jitter: Jitter,
    started_at: Instant,
    /// The network takes no more for now.
    congested: bool,
    /// Neighbours on the topic: without one, nobody would hear us. Bounded by the driver's connections.
    neighbours: OrderedSet<PeerId>,
    /// Those not known to answer directly, for as long as they may still turn out to.
    strangers: OrderedSet<PeerId>,
    /// Suspects to be asked whether they live. Among the known peers.
    suspects: OrderedSet<PeerId>,
    /// Machines taken back, not told yet. Bounded: each had its place among the own ones.
    byes: OrderedMap<MachineIdx, wire::Bye>,
    pull: Pull,
    sent: Sent,
    budget: Budget,
    outputs: VecDeque<Output>,
}

/// How far this membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Joined,
    Left,
}

/// What was said, as far as it decides what is said next.
#[derive(Debug, Default)]
struct Sent {
    info_at: Option<Instant>,
    updates_at: Option<Instant>,
    /// Time to the next one that the last heartbeat promised.
    promised: Option<Duration>,
    pacer: Pacer,
    probes_at: Option<Instant>,
    byes_at: Option<Instant>,
    /// Own links changed since they were last reported.
    links_changed: bool,
    /// Last peer whose sums went along, per kind of message, so that all get their turn.
    info_sums: Option<PeerId>,
    beat_sums: Option<PeerId>,
    gossip_sums: Option<PeerId>,
}

#[derive(Debug)]
struct Budget {
    requests: Bucket,
    answers: Bucket,
    /// Direct answers.
    tales: Bucket,
}

impl Node {
    /// A member that has not joined yet.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            stage: Stage::Waiting,
            registry: Registry::new(config.own, config.members.clone(), now),
            local: Local::new(config.first_index),
            addresses: None,
            asks: Asks::default(),
            answers: Answers::default(),
            timers: Timers::default(),
            jitter: Jitter::new(config.seed),
            started_at: now,
            congested: false,
            neighbours: OrderedSet::new(),
            strangers: OrderedSet::new(),
            suspects: OrderedSet::new(),
            byes: OrderedMap::new(),
            pull: Pull::default(),
            sent: Sent::default(),
            budget: Budget {
                requests: Bucket::new(10, limiter::REQUEST_GAP),
                answers: Bucket::new(20, limiter::SECOND_HAND_GAP),
                tales: Bucket::new(32, TALE_PERIOD),
            },
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Own id.
    #[must_use]
    pub fn own(&self) -> PeerId {
        self.config.own
    }

    /// The next machine index of this process.
    pub fn reserve_index(&mut self) -> MachineIdx {
        self.local.reserve(self.config.first_index)
    }

    /// The next machine index of this process that is not below `least`, for a driver that names indexes after time.
    pub fn reserve_index_from(&mut self, least: MachineIdx) -> MachineIdx {
        self.local.reserve(least)
    }

    /// Takes one input. Outputs follow by [`Node::poll_output`].
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Joined => self.on_joined(now),
            Input::Addresses(addresses) => self.on_addresses(addresses, now),
            Input::Expose(index, machine) => self.on_expose(index, machine, now),
            Input::Clock(index, reading) => self.on_clock(index, reading, now),
            Input::Withdraw(index) => self.on_withdraw(index, now),
            Input::Link(peer, transport, rtt) => self.on_link(peer, transport, rtt),
            Input::LinkUp(peer) => self.on_link_up(peer, now),
            Input::LinkDown(peer) => self.on_link_down(peer, now),
            Input::Subscribed(peer) => self.on_subscribed(peer, now),
            Input::Unsubscribed(peer) => self.forget_neighbour(peer, now),
            Input::Speaks(peer) => self.on_speaks(peer, now),
            Input::Asked(from, call, request) => self.on_asked(from, call, &request, now),
            Input::Told(from, reply) => self.on_told(from, reply, now),
            Input::Untold(from) => self.on_untold(from, now),
            Input::Message { token, via, signed } => self.on_message(token, via, &signed, now),
            Input::Congested(congested) => self.congested = congested,
            Input::Leave => self.on_leave(now),
        }
        self.relay_outputs(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stage != Stage::Joined || self.is_full() {
            return;
        }
        self.registry.check_lives(now);
        self.relay_outputs(now);
        if self.neighbours.is_empty() {
            return;
        }
        if self.congested {
            return self.pull(now);
        }
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Announce => self.announce(now),
                Timer::Flush => self.flush(now),
                Timer::Heartbeat => self.on_beat(now),
                Timer::Repeat => self.repeat(now),
                Timer::Gossip => self.gossip(now),
                Timer::Strangers => self.greet_strangers(now),
                Timer::Probe => self.send_probes(now),
                Timer::Bye => self.take_back(now),
            }
        }
        self.put_off_asks(now);
        self.pull(now);
        self.send_requests(now);
        self.send_answers(now);
    }

    /// The next thing to do outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Node::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.stage != Stage::Joined {
            return None;
        }
        let check = self.registry.next_check();
        if self.neighbours.is_empty() {
            return check;
        }
        if self.congested {
            return earliest(check, self.pull.next());
        }
        let ask = self
            .asks
            .next()
            .map(|at| at.max(self.budget.requests.ready_at()));
        let answer = self
            .answers
            .next()
            .map(|at| at.max(self.budget.answers.ready_at()));
        let due = [check, self.timers.next(), ask, answer, self.pull.next()];
        due.into_iter().fold(None, earliest)
    }

    /// One mirror.
    #[must_use]
    pub fn mirror(&self, peer: PeerId, index: MachineIdx) -> Option<&Mirror> {
        self.registry.mirror(peer, index)
    }

    /// All mirrors, by peer and index.
    pub fn mirrors(&self) -> impl Iterator<Item = &Mirror> {
        self.registry.mirrors()
    }

    /// One known peer.
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerView> {
        self.registry.view(peer)
    }

    /// All known peers, by id.
    pub fn peers(&self) -> impl Iterator<Item = PeerView> {
        self.registry.views()
    }

    /// Where the peers without a link of ours say they can be reached, by id.
    pub fn contacts(&self) -> impl Iterator<Item = (PeerId, &Contact)> {
        self.registry.contacts()
    }

    fn on_joined(&mut self, now: Instant) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Joined;
            self.greet(now);
        }
    }

    fn on_expose(&mut self, index: MachineIdx, machine: Exposed, now: Instant) {
        match self.local.expose(index, machine) {
            Ok(()) => self.announce_soon(now),
            Err(reason) => self.emit(Event::NotExposed(index, reason)),
        }
    }

    fn on_addresses(&mut self, mut addresses: Vec<String>, now: Instant) {
        addresses.retain(|address| address.len() <= wire::MAX_ADDRESS);
        addresses.truncate(wire::MAX_ADDRESSES);
        if self.addresses.as_ref() != Some(&addresses) {
            self.addresses = Some(addresses);
            self.announce_soon(now);
        }
    }

    fn announce_soon(&mut self, now: Instant) {
        // Who comes later is greeted anyway.
        if self.neighbours.is_empty() {
            return;
        }
        let soon = now + GATHER_EXPOSED;
        let spaced = self.sent.info_at.map(|last| last + EXPOSED_GAP);
        let at = spaced.map_or(soon, |spaced| spaced.max(soon));
        self.timers.no_later_than(Timer::Announce, at);
    }

    fn on_clock(&mut self, index: MachineIdx, reading: Reading, now: Instant) {
        if self.local.feed(index, reading.clock, reading.ticks) {
            self.arm_flush(now);
        }
    }

    /// Told with the next report: round trips are of interest to people, and no reason for a message of their own.
    fn on_link(&mut self, peer: PeerId, transport: Transport, rtt: Duration) {
        let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
        self.registry.measure(peer, transport, micros);
    }

    fn on_link_up(&mut self, peer: PeerId, now: Instant) {
        self.registry.link_up(peer, now);
        self.links_changed(now);
    }

    fn on_link_down(&mut self, peer: PeerId, now: Instant) {
        self.forget_neighbour(peer, now);
        self.registry.link_down(peer, now);
        self.links_changed(now);
    }

    fn links_changed(&mut self, now: Instant) {
        self.sent.links_changed = true;
        self.timers.no_later_than(Timer::Flush, now + GATHER_LINKS);
    }

    fn on_subscribed(&mut self, peer: PeerId, now: Instant) {
        if !self.neighbours.insert(peer) {
            return;
        }
        if self.registry.neighbour(peer, now) {
            // Asked when it stays silent: its announcement may get lost before we are in its mesh.
            let pace = Pace::patient(SILENT_NEIGHBOUR);
            self.asks.want(peer, Want::Info, pace, now);
        }
        if self.stage != Stage::Joined {
            return;
        }
        let is_first = self.neighbours.len() == 1;
        if is_first || self.sent.info_at.is_none() {
            self.greet(now);
        } else if !self.pull.has(peer) {
            self.strangers.insert(peer);
            self.timers.no_later_than(Timer::Strangers, now + STRANGER);
        }
    }

    fn forget_neighbour(&mut self, peer: PeerId, now: Instant) {
        self.neighbours.remove(&peer);
        self.strangers.remove(&peer);
        self.pull.remove(peer, now);
    }

    /// Somebody new can hear us.
    fn greet(&mut self, now: Instant) {
        if self.neighbours.is_empty() {
            return;
        }
        let soon = now + self.jitter.between(GREET_FROM, GREET_TO);
        let spaced = self
            .sent
            .info_at
            .map_or(soon, |last| soon.max(last + INFO_GAP));
        self.timers.no_later_than(Timer::Announce, spaced);
        if !self.timers.is_armed(Timer::Heartbeat) {
            // The introduction says all that the first one could.
            let first = self.jitter.between(self.heartbeat() / 2, self.heartbeat());
            self.timers.no_later_than(Timer::Heartbeat, now + first);
        }
        if self.local.is_dirty() || self.sent.links_changed {
            self.timers.no_later_than(Timer::Flush, now + GATHER_LINKS);
        }
    }

    /// Queues an event, unless it only informs and nobody has taken thousands before it.
    fn emit(&mut self, event: Event) {
        let is_vital = match event {
            Event::PeerFound(_)
            | Event::PeerGone(..)
            | Event::MachineFound(..)
            | Event::MachineGone(..)
            | Event::NotExposed(..) => true,
            // The mirror and the peer's view hold the same.
            Event::ClockChanged(..) | Event::Heard(_) | Event::Dropped(..) => false,
        };
        if is_vital || !self.is_full() {
            self.outputs.push_back(Output::Event(event));
        }
    }

    /// The driver does not take outputs: nothing more is read or said until it does.
    fn is_full(&self) -> bool {
        self.outputs.len() >= MAX_OUTPUTS
    }
}

/// Outputs waiting to be taken. A driver takes them after every input; one input makes about as many at most.
const MAX_OUTPUTS: usize = 16_384;
/// Direct answers: 32 at once, then twenty per second: a crowd that comes at once, or one newcomer's many parts.
const TALE_PERIOD: Duration = Duration::from_millis(50);
/// A neighbour that has not said by then that it answers directly is greeted on the topic.
const STRANGER: Duration = Duration::from_millis(250);
/// Machines exposed together are announced together.
const GATHER_EXPOSED: Duration = Duration::from_millis(10);
/// Between two introductions of exposed machines.
const EXPOSED_GAP: Duration = Duration::from_millis(100);
/// Links that change together are reported together, and after the introduction that a new link brings.
const GATHER_LINKS: Duration = Duration::from_millis(100);
/// A newcomer is greeted after this at the earliest: its own subscription has to be there.
const GREET_FROM: Duration = Duration::from_millis(20);
/// And at the latest.
const GREET_TO: Duration = Duration::from_millis(60);
/// Between two own introductions.
const INFO_GAP: Duration = Duration::from_millis(500);
/// A neighbour silent for that long after subscribing is asked (spec P24).
const SILENT_NEIGHBOUR: Duration = Duration::from_secs(2);
