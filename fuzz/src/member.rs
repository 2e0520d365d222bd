//! A node driven through a life, checked after each step: nobody changes its own machines, nobody changes what was heard
//! first-hand but the owner, every message is judged, events tell a story that makes sense, and time goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::Mirror;
use statemesh_core::mesh::wire::{Message, PerPeer, Transport, decode};
use statemesh_core::node::{
    Call, Config, Event, Exposed, Input, MessageToken, Node, Output, Reply, Signed, Verdict,
};
use statemesh_core::{Instant, MachineIdx, PeerId};

use crate::life::{Spoken, Step, peer};

/// A member and what must be true of it.
pub struct MemberDriver {
    node: Node,
    now: Instant,
    token: u64,
    /// Own machines and the clocks they were fed.
    own: BTreeMap<MachineIdx, Vec<u64>>,
    exposed: Vec<MachineIdx>,
    peers: BTreeSet<PeerId>,
    machines: BTreeSet<(PeerId, MachineIdx)>,
    said: Vec<Arc<Signed>>,
    asked: Option<PeerId>,
    left: bool,
}

/// What must not change but by its owner.
struct Look {
    id: Arc<str>,
    clock: Arc<[u64]>,
    schema: Arc<Schema>,
    tags: Arc<[String]>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.schema, &other.schema)
            && (&self.id, &self.clock, &self.tags) == (&other.id, &other.clock, &other.tags)
    }
}

impl From<&Mirror> for Look {
    fn from(mirror: &Mirror) -> Self {
        Self {
            id: mirror.id.clone(),
            clock: mirror.clock.clone(),
            schema: mirror.schema.clone(),
            tags: mirror.tags.clone(),
        }
    }
}

impl MemberDriver {
    /// Joined, alone.
    pub fn new() -> Self {
        let now = Instant::from_micros(1_000_000);
        let mut node = Node::new(Config::new(peer(0), MachineIdx(4), 7), now);
        node.handle_input(now, Input::Joined);
        let mut driver = Self {
            node,
            now,
            token: 0,
            own: BTreeMap::new(),
            exposed: Vec::new(),
            peers: BTreeSet::new(),
            machines: BTreeSet::new(),
            said: Vec::new(),
            asked: None,
            left: false,
        };
        driver.drain();
        driver
    }

    /// Lives it through.
    pub fn run(&mut self, steps: Vec<Step>) {
        for step in steps.into_iter().take(200) {
            self.step(step);
            self.check();
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => self.sleep(Duration::from_millis(ms.into())),
            Step::Sleep(seconds) => self.sleep(Duration::from_secs(seconds.into())),
            Step::LinkUp(id) => self.input(Input::LinkUp(peer(id))),
            Step::LinkDown(id) => self.input(Input::LinkDown(peer(id))),
            Step::Measure(id, ms) => {
                let rtt = Duration::from_millis(ms.into());
                self.input(Input::Link(peer(id), Transport::Tcp, rtt));
            }
            Step::Subscribe(id) => self.input(Input::Subscribed(peer(id))),
            Step::Unsubscribe(id) => self.input(Input::Unsubscribed(peer(id))),
            Step::Speaks(id) => self.input(Input::Speaks(peer(id))),
            Step::Expose => self.expose(),
            Step::Clock(number, added) => {
                let index = self.exposed(number);
                if let Some(clock) = index.and_then(|index| self.own.get(&index)) {
                    let ticks = clock.iter().zip(added);
                    let clock = ticks.map(|(tick, added)| tick + u64::from(added)).collect();
                    self.clock(index, clock);
                }
            }
            Step::BadClock(number, clock) => self.clock(self.exposed(number), clock),
            Step::Withdraw(number) => {
                if let Some(index) = self.exposed(number) {
                    self.own.remove(&index);
                    self.input(Input::Withdraw(index));
                }
            }
            Step::Asked(id, request) => {
                self.token += 1;
                self.input(Input::Asked(peer(id), Call(self.token), request));
            }
            Step::Told(id, spoken, more) => self.told(peer(id), &spoken, more.map(peer)),
            Step::Untold(id) => self.input(Input::Untold(peer(id))),
            Step::Message(via, spoken) => {
                let signed = Arc::new(signed(&spoken));
                self.said.push(Arc::clone(&signed));
                self.message(peer(via), signed);
            }
            Step::Again(via, number) => {
                let count = self.said.len().max(1);
                if let Some(signed) = self.said.get(usize::from(number) % count) {
                    self.message(peer(via), Arc::clone(signed));
                }
            }
            Step::Leave => {
                self.input(Input::Leave);
                self.left = true;
            }
        }
    }

    fn sleep(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.node.poll_timeout()
            && due <= end
        {
            self.now = self.now.max(due);
            self.node.handle_timeout(self.now);
            self.drain();
            let next = self.node.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timer that does not advance"
            );
        }
        self.now = end;
    }

    fn exposed(&self, number: u8) -> Option<MachineIdx> {
        let count = self.exposed.len().max(1);
        self.exposed.get(usize::from(number) % count).copied()
    }

    fn expose(&mut self) {
        if self.left || self.exposed.len() >= 20 {
            return;
        }
        let index = self.node.reserve_index();
        let def = ["A", "B"].into_iter().fold(SchemaDef::new(), |def, name| {
            def.state(name, StateDef::new())
        });
        let schema = Schema::normalise(&def).0;
        let clock = vec![0; schema.len()];
        self.own.insert(index, clock.clone());
        self.exposed.push(index);
        let machine = Exposed {
            id: "own".into(),
            schema,
            tags: Vec::new(),
            parent: String::new(),
            clock,
        };
        self.input(Input::Expose(index, machine));
    }

    fn clock(&mut self, index: Option<MachineIdx>, clock: Vec<u64>) {
        let Some(index) = index else { return };
        // What a clock of this machine can be is taken, if it is newer.
        let sum = |clock: &[u64]| {
            clock
                .iter()
                .try_fold(0_u64, |sum, tick| sum.checked_add(*tick))
        };
        if let Some(known) = self.own.get_mut(&index)
            && clock.len() == known.len()
            && clock
                .iter()
                .all(|tick| *tick <= statemesh_core::mesh::wire::MAX_TICK)
            && sum(&clock) > sum(known)
        {
            known.clone_from(&clock);
        }
        self.input(Input::Clock(index, clock.into()));
    }

    fn told(&mut self, from: PeerId, spoken: &[Spoken], more_after: Option<PeerId>) {
        let messages: Vec<_> = spoken
            .iter()
            .map(|spoken| Arc::new(signed(spoken)))
            .collect();
        let authors: BTreeSet<PeerId> = messages.iter().map(|signed| signed.author).collect();
        let asked = self.asked.take_if(|asked| *asked == from);
        let before = self.looks(|owner| asked.is_none() || !authors.contains(&owner));
        self.input(Input::Told(
            from,
            Reply {
                messages,
                more_after,
            },
        ));
        self.same(&before);
    }

    fn message(&mut self, via: PeerId, signed: Arc<Signed>) {
        let author = signed.author;
        let before = self.looks(|owner| owner != author);
        self.token += 1;
        let token = MessageToken(self.token);
        self.node
            .handle_input(self.now, Input::Message { token, via, signed });
        let verdicts = self.drain();
        assert_eq!(verdicts.len(), 1, "every message is judged once");
        assert_eq!(verdicts[0].0, token);
        assert!(verdicts[0].1 != Verdict::Reject || via == author);
        self.same(&before);
    }

    /// First-hand mirrors of these owners as they are.
    fn looks(&self, owners: impl Fn(PeerId) -> bool) -> BTreeMap<(PeerId, MachineIdx), Look> {
        let mirrors = self.node.mirrors();
        let meant = mirrors.filter(|mirror| mirror.first_hand && owners(mirror.peer));
        meant
            .map(|mirror| ((mirror.peer, mirror.index), mirror.into()))
            .collect()
    }

    fn same(&self, before: &BTreeMap<(PeerId, MachineIdx), Look>) {
        for ((owner, index), look) in before {
            let mirror = self.node.mirror(*owner, *index);
            let is_same =
                mirror.is_some_and(|mirror| mirror.first_hand && Look::from(mirror) == *look);
            assert!(is_same, "somebody else changed what {owner} said");
        }
    }

    fn input(&mut self, input: Input) {
        self.node.handle_input(self.now, input);
        let verdicts = self.drain();
        assert!(verdicts.is_empty());
    }

    fn drain(&mut self) -> Vec<(MessageToken, Verdict)> {
        let mut verdicts = Vec::new();
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Publish(data) => self.published(&data),
                Output::Ask(to, request) => {
                    assert!(request.len() <= statemesh_core::mesh::catch_up::MAX_REQUEST);
                    self.asked = Some(to);
                }
                Output::Answer(_, own, reply) => {
                    own.iter().for_each(|data| self.published(data));
                    let _ = reply.encode();
                }
                Output::Refuse(_) => {}
                Output::Verdict(token, verdict) => verdicts.push((token, verdict)),
                Output::Event(event) => self.happened(&event),
            }
        }
        verdicts
    }

    /// About ourselves, only what our machines are; about others, only what is first-hand.
    fn published(&self, data: &[u8]) {
        let envelope = decode(data).expect("own messages can be read");
        match &envelope.body {
            Message::Info { peers, .. } => {
                for (owner, index, info) in entries(peers.as_ref()) {
                    info.check().expect("as many ticks as states");
                    self.is_true(owner, index, info.clock.as_deref().unwrap_or_default());
                }
            }
            Message::Updates { clocks } => {
                for (owner, index, clock) in entries(clocks.as_ref()) {
                    self.is_true(owner, index, clock);
                }
            }
            Message::Gossip { .. }
            | Message::ReqInfo { .. }
            | Message::ReqUpdates { .. }
            | Message::Bye { .. } => {}
        }
    }

    fn is_true(&self, owner: PeerId, index: MachineIdx, clock: &[u64]) {
        if owner == self.node.own() {
            assert_eq!(self.own.get(&index).map(Vec::as_slice), Some(clock));
        } else {
            let mirror = self.node.mirror(owner, index).expect("of a known machine");
            assert!(mirror.first_hand);
        }
    }

    /// Found and gone alternate, and a machine lives within the life of its peer.
    fn happened(&mut self, event: &Event) {
        let fits = match event {
            Event::PeerFound(id) => self.peers.insert(*id),
            Event::PeerGone(id, _) => {
                self.peers.remove(id) && !self.machines.iter().any(|(owner, _)| owner == id)
            }
            Event::MachineFound(id, index) => {
                self.peers.contains(id) && self.machines.insert((*id, *index))
            }
            Event::MachineGone(id, index) => self.machines.remove(&(*id, *index)),
            Event::ClockChanged(id, index, _) => self.machines.contains(&(*id, *index)),
            Event::Heard(id) => self.peers.contains(id),
            Event::Dropped(..) => true,
            Event::NotExposed(..) => false,
        };
        assert!(fits, "{event:?}");
    }

    fn check(&self) {
        let mirrors: BTreeSet<_> = self
            .node
            .mirrors()
            .map(|mirror| (mirror.peer, mirror.index))
            .collect();
        assert_eq!(mirrors, self.machines);
        let peers: BTreeSet<PeerId> = self.node.peers().map(|view| view.peer).collect();
        assert_eq!(peers, self.peers);
        assert!(!peers.contains(&self.node.own()));
        for mirror in self.node.mirrors() {
            assert_eq!(mirror.clock.len(), mirror.schema.len());
        }
        for view in self.node.peers() {
            assert!(view.links.len() <= statemesh_core::mesh::wire::MAX_LINKS);
            assert!(view.links.is_sorted_by(|one, other| one.end < other.end));
        }
    }
}

impl Default for MemberDriver {
    fn default() -> Self {
        Self::new()
    }
}

fn signed(spoken: &Spoken) -> Signed {
    Signed {
        author: peer(spoken.author),
        seqno: spoken.seqno.into(),
        signature: vec![1; 64],
        data: spoken.data(),
    }
}

fn entries<T>(peers: Option<&PerPeer<T>>) -> impl Iterator<Item = (PeerId, MachineIdx, &T)> {
    let peers = peers.into_iter().flatten();
    peers.flat_map(|(owner, machines)| {
        let machines = machines.iter().flatten();
        machines.map(|(index, value)| (*owner, *index, value))
    })
}
