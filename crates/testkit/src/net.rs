//! Members of one topic in virtual time: nodes and puppets, links with latency and loss, flooding as gossipsub does it.
//!
//! A message goes to all neighbours of its author; whoever accepts it forwards it to its other neighbours; nobody takes it twice.
//! The same seed and calls give the same run. No gossip repair, no mesh degree: every link carries every message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::wire::{self, Envelope};
use statemesh_core::node::{Config, Event, Exposed, Input, MessageToken, Node, Output, Verdict};
use statemesh_core::{Instant, MachineIdx, PeerId};

/// A member, by order of arrival.
pub type Member = usize;

/// The peer id of an Ed25519 key that nobody holds.
#[must_use]
pub fn peer_id(number: u64) -> PeerId {
    let mut bytes = [0; 38];
    // Identity multihash of 36 bytes; protobuf: key type Ed25519, 32 bytes of key.
    bytes[..6].copy_from_slice(&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
    bytes[6..14].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    PeerId::from_bytes(&bytes).expect("an identity multihash of 36 bytes is a peer id")
}

/// Schema of the machines used in tests: `Exception`, `Foo`, `Bar`.
#[must_use]
pub fn schema() -> Arc<Schema> {
    let def = SchemaDef::new()
        .state("Exception", StateDef::new().multi())
        .state("Foo", StateDef::new().require(["Bar"]))
        .state("Bar", StateDef::new());
    Schema::normalise(&def).0
}

/// One network.
pub struct Net {
    now: Instant,
    latency: Duration,
    /// Messages lost per thousand, on every link.
    loss: u64,
    dice: u64,
    members: Vec<Seat>,
    links: BTreeSet<(Member, Member)>,
    flights: BTreeMap<(Instant, u64), Flight>,
    serial: u64,
}

struct Seat {
    id: PeerId,
    actor: Actor,
    joined: bool,
    seen: BTreeSet<u64>,
    /// Messages under validation, by token.
    open: BTreeMap<MessageToken, Flight>,
    events: Vec<(Instant, Event)>,
    sent: Vec<(Instant, Vec<u8>)>,
    heard: Vec<(Instant, PeerId, Vec<u8>)>,
}

enum Actor {
    Node(Box<Node>),
    /// Speaks when told to; forwards everything.
    Puppet,
    Dead,
}

#[derive(Clone)]
struct Flight {
    message: u64,
    author: PeerId,
    via: Member,
    to: Member,
    data: Arc<[u8]>,
}

impl Net {
    /// An empty network.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            latency: Duration::from_millis(5),
            loss: 0,
            dice: seed,
            members: Vec::new(),
            links: BTreeSet::new(),
            flights: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Time a message takes over one link.
    pub fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// Messages lost per thousand, on every link.
    pub fn set_loss(&mut self, per_thousand: u64) {
        self.loss = per_thousand;
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A node that has joined the topic, without links.
    pub fn node(&mut self) -> Member {
        let number = self.members.len() as u64 + 1;
        self.node_with(peer_id(number), 1000 * number)
    }

    /// A node under a given key, its indexes beginning at `first_index`.
    pub fn node_with(&mut self, own: PeerId, first_index: u64) -> Member {
        self.dice = self.dice.wrapping_add(1);
        let config = Config {
            own,
            first_index: MachineIdx(first_index),
            seed: self.dice,
        };
        let node = Node::new(config, self.now);
        let member = self.seat(own, Actor::Node(Box::new(node)));
        self.input(member, Input::Joined);
        member
    }

    /// Somebody on the topic who says only what it is told to, as a Go peer or an attacker.
    pub fn puppet(&mut self) -> Member {
        let id = peer_id(self.members.len() as u64 + 1);
        self.seat(id, Actor::Puppet)
    }

    fn seat(&mut self, id: PeerId, actor: Actor) -> Member {
        self.members.push(Seat {
            id,
            actor,
            joined: true,
            seen: BTreeSet::new(),
            open: BTreeMap::new(),
            events: Vec::new(),
            sent: Vec::new(),
            heard: Vec::new(),
        });
        self.members.len() - 1
    }

    /// Connects two members.
    pub fn link(&mut self, a: Member, b: Member) {
        if !self.links.insert((a.min(b), a.max(b))) {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            let id = self.members[other].id;
            self.input(one, Input::LinkUp(id));
            if self.members[other].joined {
                self.input(one, Input::Subscribed(id));
            }
        }
    }

    /// Takes a link away; both ends notice at once.
    pub fn cut(&mut self, a: Member, b: Member) {
        if !self.links.remove(&(a.min(b), a.max(b))) {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            let id = self.members[other].id;
            self.input(one, Input::LinkDown(id));
        }
    }

    /// The member is gone without a word; its neighbours notice that the links are closed.
    pub fn crash(&mut self, member: Member) {
        self.members[member].actor = Actor::Dead;
        for neighbour in self.neighbours(member) {
            self.cut(member, neighbour);
        }
    }

    /// The member says bye; its links close a moment later.
    pub fn leave(&mut self, member: Member) {
        self.input(member, Input::Leave);
        self.run_for(self.latency);
        self.crash(member);
    }

    /// Exposes a machine with [`schema`] and a clock of zeros.
    pub fn expose(&mut self, member: Member, id: &str) -> MachineIdx {
        self.expose_with(member, id, schema())
    }

    /// Exposes a machine with a clock of zeros.
    pub fn expose_with(&mut self, member: Member, id: &str, schema: Arc<Schema>) -> MachineIdx {
        let Actor::Node(node) = &mut self.members[member].actor else {
            panic!("a puppet exposes nothing");
        };
        let index = node.reserve_index();
        let exposed = Exposed {
            id: id.into(),
            clock: vec![0; schema.len()],
            schema,
            tags: vec!["kind:test".to_owned()],
            parent: String::new(),
        };
        self.input(member, Input::Expose(index, exposed));
        index
    }

    /// Feeds a clock.
    pub fn clock(&mut self, member: Member, index: MachineIdx, clock: &[u64]) {
        self.input(member, Input::Clock(index, clock.to_vec()));
    }

    /// Gives a node any input, and carries out what it wants.
    pub fn input(&mut self, member: Member, input: Input) {
        if let Actor::Node(node) = &mut self.members[member].actor {
            node.handle_input(self.now, input);
            self.drain(member);
        }
    }

    /// A puppet publishes.
    pub fn say(&mut self, member: Member, data: Vec<u8>) {
        self.publish(member, data);
    }

    /// A message reaches a member out of nothing, signed by anybody.
    pub fn inject(&mut self, to: Member, author: PeerId, data: Vec<u8>) {
        self.serial += 1;
        let via = to;
        let flight = Flight {
            message: self.serial,
            author,
            via,
            to,
            data: data.into(),
        };
        self.deliver(flight);
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something holds; false when it does not within `limit`.
    pub fn run_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if condition(self) {
                return true;
            }
            if !self.step(end) {
                self.now = end;
                return condition(self);
            }
        }
    }

    /// The node of a member.
    #[must_use]
    pub fn get(&self, member: Member) -> &Node {
        match &self.members[member].actor {
            Actor::Node(node) => node,
            Actor::Puppet | Actor::Dead => panic!("member {member} is no node"),
        }
    }

    /// Id of a member.
    #[must_use]
    pub fn id(&self, member: Member) -> PeerId {
        self.members[member].id
    }

    /// What a node told its application.
    #[must_use]
    pub fn events(&self, member: Member) -> &[(Instant, Event)] {
        &self.members[member].events
    }

    /// What a member published, decoded.
    #[must_use]
    pub fn sent(&self, member: Member) -> Vec<(Instant, Envelope)> {
        let sent = self.members[member].sent.iter();
        sent.map(|(at, data)| (*at, decoded(data))).collect()
    }

    /// What a puppet heard, decoded.
    #[must_use]
    pub fn heard(&self, member: Member) -> Vec<(Instant, PeerId, Envelope)> {
        let heard = self.members[member].heard.iter();
        heard
            .map(|(at, author, data)| (*at, *author, decoded(data)))
            .collect()
    }

    /// Forgets what was recorded so far.
    pub fn forget(&mut self) {
        for seat in &mut self.members {
            seat.events.clear();
            seat.sent.clear();
            seat.heard.clear();
        }
    }

    fn neighbours(&self, member: Member) -> Vec<Member> {
        let ends = self.links.iter().filter_map(|(a, b)| match member {
            _ if *a == member => Some(*b),
            _ if *b == member => Some(*a),
            _ => None,
        });
        ends.collect()
    }

    /// Does what is next before `end`. False when nothing is.
    fn step(&mut self, end: Instant) -> bool {
        let flight = self.flights.first_key_value().map(|(key, _)| *key);
        let timer = self.next_timer();
        match (flight, timer) {
            (Some(key), timer) if key.0 <= end && timer.is_none_or(|(at, _)| key.0 <= at) => {
                self.now = self.now.max(key.0);
                if let Some(flight) = self.flights.remove(&key) {
                    self.deliver(flight);
                }
                true
            }
            (_, Some((at, member))) if at <= end => {
                self.now = self.now.max(at);
                if let Actor::Node(node) = &mut self.members[member].actor {
                    node.handle_timeout(self.now);
                    let next = node.poll_timeout();
                    assert!(
                        next.is_none_or(|next| next > self.now),
                        "a timer that does not advance"
                    );
                }
                self.drain(member);
                true
            }
            (_, _) => false,
        }
    }

    fn next_timer(&self) -> Option<(Instant, Member)> {
        let due = self
            .members
            .iter()
            .enumerate()
            .filter_map(|(member, seat)| match &seat.actor {
                Actor::Node(node) => Some((node.poll_timeout()?, member)),
                Actor::Puppet | Actor::Dead => None,
            });
        due.min()
    }

    fn deliver(&mut self, flight: Flight) {
        let (now, via) = (self.now, self.members[flight.via].id);
        let seat = &mut self.members[flight.to];
        if !seat.seen.insert(flight.message) {
            return;
        }
        match &mut seat.actor {
            Actor::Node(node) => {
                let token = MessageToken(flight.message);
                let message = Input::Message {
                    token,
                    author: flight.author,
                    via,
                    data: flight.data.to_vec(),
                };
                let to = flight.to;
                seat.open.insert(token, flight);
                node.handle_input(now, message);
                self.drain(to);
            }
            Actor::Puppet => {
                seat.heard.push((now, flight.author, flight.data.to_vec()));
                self.spread(flight.to, flight.message, flight.author, &flight.data);
            }
            Actor::Dead => {}
        }
    }

    fn drain(&mut self, member: Member) {
        loop {
            let seat = &mut self.members[member];
            let Actor::Node(node) = &mut seat.actor else {
                return;
            };
            match node.poll_output() {
                None => return,
                Some(Output::Publish(data)) => self.publish(member, data),
                Some(Output::Event(event)) => seat.events.push((self.now, event)),
                Some(Output::Verdict(token, verdict)) => {
                    if let Some(flight) = seat.open.remove(&token)
                        && verdict == Verdict::Accept
                    {
                        self.spread(member, flight.message, flight.author, &flight.data);
                    }
                }
            }
        }
    }

    fn publish(&mut self, member: Member, data: Vec<u8>) {
        self.serial += 1;
        let message = self.serial;
        let seat = &mut self.members[member];
        seat.seen.insert(message);
        seat.sent.push((self.now, data.clone()));
        let author = seat.id;
        self.spread(member, message, author, &data.into());
    }

    fn spread(&mut self, from: Member, message: u64, author: PeerId, data: &Arc<[u8]>) {
        for to in self.neighbours(from) {
            if self.roll(1000) < self.loss {
                continue;
            }
            self.serial += 1;
            let flight = Flight {
                message,
                author,
                via: from,
                to,
                data: Arc::clone(data),
            };
            self.flights
                .insert((self.now + self.latency, self.serial), flight);
        }
    }

    /// A number below `sides`: xorshift64* on the seed.
    fn roll(&mut self, sides: u64) -> u64 {
        let mut word = self.dice | 1;
        word ^= word >> 12;
        word ^= word << 25;
        word ^= word >> 27;
        self.dice = word;
        (word.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % sides
    }
}

fn decoded(data: &[u8]) -> Envelope {
    wire::decode(data).unwrap_or_else(|error| panic!("undecodable message published: {error}"))
}
