//! Members of one topic in virtual time: nodes and puppets, links with latency and loss, flooding as gossipsub does it.
//!
//! A message goes to all neighbours of its author; whoever accepts it forwards it to its other neighbours; nobody takes it twice.
//! The same seed and calls give the same run. No gossip repair: what no link carries is lost. [`Net::mesh`] wires a thousand
//! members as gossipsub would; what happens to messages on links is the [`Weather`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

mod dice;
mod flights;
mod graph;
mod streams;
mod traffic;

use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::wire::{self, Envelope, MessageKind};
use statemesh_core::node::{
    About, Config, Event, Exposed, Input, Members, MessageToken, Node, Output, Signed, Verdict,
};
use statemesh_core::{Instant, MachineIdx, PeerId};

use self::dice::Dice;
pub use self::flights::Weather;
use self::flights::{Flight, Flights, Post};
use self::streams::Streams;
pub use self::traffic::{Count, Traffic};

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
    weather: Weather,
    dice: Dice,
    members: Vec<Seat>,
    flights: Flights,
    streams: Streams,
    /// Whether linked nodes answer each other directly.
    speaks: bool,
    /// When each node wants to be called, by the time last asked for.
    timers: BTreeSet<(Instant, Member)>,
    traffic: Traffic,
    /// Whether events and messages are kept for tests to read.
    records: bool,
    serial: u64,
}

struct Seat {
    id: PeerId,
    actor: Actor,
    joined: bool,
    links: Vec<Member>,
    timer: Option<Instant>,
    /// Messages under validation and where they came from, by token.
    open: BTreeMap<MessageToken, (Member, Rc<Post>)>,
    events: Vec<(Instant, Event)>,
    sent: Vec<(Instant, Arc<Signed>)>,
    heard: Vec<(Instant, Arc<Signed>)>,
    /// Machines found less machines gone.
    machines: usize,
    received: Count,
}

enum Actor {
    Node(Box<Node>),
    /// Speaks when told to; forwards everything.
    Puppet,
    Dead,
}

impl Net {
    /// An empty network.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            weather: Weather::default(),
            dice: Dice::new(seed),
            members: Vec::new(),
            flights: Flights::default(),
            streams: Streams::default(),
            speaks: true,
            timers: BTreeSet::new(),
            traffic: Traffic::default(),
            records: true,
            serial: 0,
        }
    }

    /// What happens on links from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Time a message takes over one link.
    pub fn set_latency(&mut self, latency: Duration) {
        self.weather.latency = (latency, latency);
    }

    /// Messages lost per thousand, on every link.
    pub fn set_loss(&mut self, per_thousand: u64) {
        self.weather.loss = per_thousand;
    }

    /// Links made from now on carry no direct streams, as those to Go peers.
    pub fn without_streams(&mut self) {
        self.speaks = false;
    }

    /// Keeps no events and messages: a thousand members tell millions.
    pub fn count_only(&mut self) {
        self.records = false;
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
        let config = self.config(own, first_index);
        self.start(config)
    }

    fn config(&mut self, own: PeerId, first_index: u64) -> Config {
        Config {
            wall_ms: WALL_MS + self.now.since(Instant::ZERO).as_millis() as u64,
            ..Config::new(own, MachineIdx(first_index), self.dice.seed())
        }
    }

    fn start(&mut self, config: Config) -> Member {
        let own = config.own;
        let node = Node::new(config, self.now);
        let member = self.seat(own, Actor::Node(Box::new(node)));
        self.input(member, Input::Joined);
        member
    }

    /// A node that has joined the topic and says this of itself, without links.
    pub fn node_about(&mut self, about: About) -> Member {
        let number = self.members.len() as u64 + 1;
        let config = Config {
            about,
            ..self.config(peer_id(number), 1000 * number)
        };
        self.start(config)
    }

    /// A node that has joined the topic and knows nobody but these, without links.
    pub fn node_among(&mut self, members: Members) -> Member {
        let number = self.members.len() as u64 + 1;
        let config = Config {
            members: Some(members),
            ..self.config(peer_id(number), 1000 * number)
        };
        self.start(config)
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
            links: Vec::new(),
            timer: None,
            open: BTreeMap::new(),
            events: Vec::new(),
            sent: Vec::new(),
            heard: Vec::new(),
            machines: 0,
            received: Count::default(),
        });
        self.members.len() - 1
    }

    /// Connects two members.
    pub fn link(&mut self, a: Member, b: Member) {
        if a == b || self.members[a].links.contains(&b) {
            return;
        }
        self.members[a].links.push(b);
        self.members[b].links.push(a);
        for (one, other) in [(a, b), (b, a)] {
            let id = self.members[other].id;
            self.input(one, Input::LinkUp(id));
            if self.members[other].joined {
                self.input(one, Input::Subscribed(id));
                if self.speaks && self.is_node(other) {
                    self.input(one, Input::Speaks(id));
                }
            }
        }
    }

    /// Takes a link away; both ends notice at once.
    pub fn cut(&mut self, a: Member, b: Member) {
        if !self.members[a].links.contains(&b) {
            return;
        }
        self.members[a].links.retain(|end| *end != b);
        self.members[b].links.retain(|end| *end != a);
        for (one, other) in [(a, b), (b, a)] {
            let id = self.members[other].id;
            self.input(one, Input::LinkDown(id));
        }
    }

    /// The member is gone without a word; its neighbours notice that the links are closed.
    pub fn crash(&mut self, member: Member) {
        self.members[member].actor = Actor::Dead;
        self.rearm(member);
        for neighbour in self.members[member].links.clone() {
            self.cut(member, neighbour);
        }
    }

    /// The member says bye; its links close a moment later.
    pub fn leave(&mut self, member: Member) {
        self.input(member, Input::Leave);
        self.run_for(self.weather.latency.1);
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
        self.input(member, Input::Clock(index, clock.to_vec().into()));
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
        let signed = Signed {
            author,
            seqno: self.serial,
            signature: Vec::new(),
            data,
        };
        self.deliver(to, to, Post::new(None, signed));
    }

    /// Somebody says again, to one member, what somebody has signed before.
    pub fn replay(&mut self, to: Member, signed: &Signed) {
        self.deliver(to, to, Post::new(None, signed.clone()));
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

    /// Somebody linked to that member, by chance.
    ///
    /// # Panics
    /// Without a link.
    pub fn any_neighbour(&mut self, member: Member) -> Member {
        let links = &self.members[member].links;
        links[self.dice.below(links.len() as u64) as usize]
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
        sent.map(|(at, signed)| (*at, decoded(&signed.data)))
            .collect()
    }

    /// What a member published, as it signed it.
    #[must_use]
    pub fn signed(&self, member: Member) -> Vec<Arc<Signed>> {
        let sent = self.members[member].sent.iter();
        sent.map(|(_, signed)| Arc::clone(signed)).collect()
    }

    /// Machines that a member knows at this time.
    #[must_use]
    pub fn machines_known(&self, member: Member) -> usize {
        self.members[member].machines
    }

    /// What went over the topic.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Messages that reached a member, each counted once.
    #[must_use]
    pub fn received(&self, member: Member) -> Count {
        self.members[member].received
    }

    /// What a puppet heard, decoded.
    #[must_use]
    pub fn heard(&self, member: Member) -> Vec<(Instant, PeerId, Envelope)> {
        let heard = self.members[member].heard.iter();
        heard
            .map(|(at, signed)| (*at, signed.author, decoded(&signed.data)))
            .collect()
    }

    /// Forgets what was recorded so far.
    pub fn forget(&mut self) {
        for seat in &mut self.members {
            seat.events.clear();
            seat.sent.clear();
            seat.heard.clear();
            seat.received = Count::default();
        }
        self.traffic = Traffic::default();
    }

    /// Does what is next before `end`. False when nothing is.
    fn step(&mut self, end: Instant) -> bool {
        let flight = self.flights.next();
        let timer = self.timers.first().copied();
        let first = [flight, timer.map(|(at, _)| at)]
            .into_iter()
            .flatten()
            .min();
        if let Some(at) = self.streams.next()
            && at <= end
            && first.is_none_or(|first| at <= first)
        {
            self.now = self.now.max(at);
            self.unpack();
            return true;
        }
        match (flight, timer) {
            (Some(at), timer) if at <= end && timer.is_none_or(|(due, _)| at <= due) => {
                self.now = self.now.max(at);
                if let Some(Flight { via, to, post, .. }) = self.flights.arrive() {
                    self.deliver(via, to, post);
                }
                true
            }
            (_, Some((at, member))) if at <= end => {
                self.now = self.now.max(at);
                self.wake(member);
                true
            }
            (_, _) => false,
        }
    }

    fn wake(&mut self, member: Member) {
        if let Actor::Node(node) = &mut self.members[member].actor {
            node.handle_timeout(self.now);
            let next = node.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timer that does not advance"
            );
        }
        self.drain(member);
    }

    fn deliver(&mut self, via: Member, to: Member, post: Rc<Post>) {
        let bytes = post.signed.data.len();
        self.traffic.copies.add(bytes);
        if !post.reach(to) {
            return;
        }
        self.traffic.received.add(bytes);
        let (now, via_id) = (self.now, self.members[via].id);
        let is_hidden = self.weather.hides(post.kind, &mut self.dice);
        let seat = &mut self.members[to];
        seat.received.add(bytes);
        match &mut seat.actor {
            Actor::Dead => {}
            Actor::Node(_) | Actor::Puppet if is_hidden => self.spread(to, via, &post),
            Actor::Node(node) => {
                let token = MessageToken(post.serial);
                let message = Input::Message {
                    token,
                    via: via_id,
                    signed: Arc::clone(&post.signed),
                };
                seat.open.insert(token, (via, Rc::clone(&post)));
                node.handle_input(now, message);
                self.drain(to);
                self.members[to].open.remove(&token);
            }
            Actor::Puppet => {
                let heard = (now, Arc::clone(&post.signed));
                seat.heard.push(heard);
                self.spread(to, via, &post);
            }
        }
    }

    fn drain(&mut self, member: Member) {
        loop {
            let seat = &mut self.members[member];
            let Actor::Node(node) = &mut seat.actor else {
                return;
            };
            match node.poll_output() {
                None => break,
                Some(Output::Publish(data)) => self.publish(member, data),
                Some(Output::Ask(to, request)) => match self.member_of(to) {
                    Some(to) => self.ask(member, to, request),
                    None => self.input(member, Input::Untold(to)),
                },
                Some(Output::Answer(call, own, reply)) => self.answer(call, own, reply),
                Some(Output::Refuse(call)) => self.refuse(call),
                Some(Output::Event(event)) => {
                    match event {
                        Event::MachineFound(..) => seat.machines += 1,
                        Event::MachineGone(..) => seat.machines -= 1,
                        Event::PeerFound(_)
                        | Event::PeerGone(..)
                        | Event::ClockChanged(..)
                        | Event::Heard(_)
                        | Event::Dropped(..)
                        | Event::NotExposed(..) => {}
                    }
                    if self.records {
                        seat.events.push((self.now, event));
                    }
                }
                Some(Output::Verdict(token, verdict)) => {
                    if let Some((via, post)) = seat.open.remove(&token)
                        && verdict == Verdict::Accept
                    {
                        self.spread(member, via, &post);
                    }
                }
            }
        }
        self.rearm(member);
    }

    fn rearm(&mut self, member: Member) {
        let seat = &mut self.members[member];
        let due = match &seat.actor {
            Actor::Node(node) => node.poll_timeout(),
            Actor::Puppet | Actor::Dead => None,
        };
        if seat.timer == due {
            return;
        }
        let before = std::mem::replace(&mut seat.timer, due);
        if let Some(at) = before {
            self.timers.remove(&(at, member));
        }
        if let Some(at) = due {
            self.timers.insert((at, member));
        }
    }

    fn publish(&mut self, member: Member, data: Vec<u8>) {
        let kind = MessageKind::peek(&data);
        self.traffic.publish(kind, data.len());
        let post = Post::new(kind, self.sign(member, data));
        post.reach(member);
        if self.records {
            let sent = (self.now, Arc::clone(&post.signed));
            self.members[member].sent.push(sent);
        }
        self.spread(member, member, &post);
    }

    /// A message signed by a member, as far as it goes without keys.
    fn sign(&mut self, member: Member, data: Vec<u8>) -> Signed {
        self.serial += 1;
        Signed {
            author: self.members[member].id,
            seqno: self.serial,
            signature: vec![1; 64],
            data,
        }
    }

    fn is_node(&self, member: Member) -> bool {
        matches!(self.members[member].actor, Actor::Node(_))
    }

    fn member_of(&self, peer: PeerId) -> Option<Member> {
        let alive = |seat: &Seat| seat.id == peer && !matches!(seat.actor, Actor::Dead);
        self.members.iter().position(alive)
    }

    /// Over every link but the one it came by.
    fn spread(&mut self, from: Member, came_by: Member, post: &Rc<Post>) {
        for to in &self.members[from].links {
            if *to == came_by {
                continue;
            }
            let is_doubled =
                self.weather.doubled > 0 && self.dice.below(1000) < self.weather.doubled;
            for _ in 0..=usize::from(is_doubled) {
                let Some(time) = self.weather.carry(&mut self.dice) else {
                    continue;
                };
                if post.has_reached(*to) {
                    // Whoever has it takes no second copy.
                    self.traffic.copies.add(post.signed.data.len());
                } else {
                    let at = self.now + time;
                    self.flights.depart(at, from, *to, Rc::clone(post));
                }
            }
        }
    }
}

/// Wall clock when virtual time was zero: the year 2026.
const WALL_MS: u64 = 1_780_000_000_000;

fn decoded(data: &[u8]) -> Envelope {
    wire::decode(data).unwrap_or_else(|error| panic!("undecodable message published: {error}"))
}
