//! Random histories of links, loss, crashes and restarts: safe at every step, the same knowledge everywhere once it is quiet.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::never_violates_go;
use statemesh_core::node::{Event, Input};
use statemesh_core::{MachineIdx, PeerId};
use statemesh_testkit::net::{Member, Net, peer_id};

const NODES: usize = 6;

struct Swarm {
    net: Net,
    dice: u64,
    /// Living members with their machine and its clock.
    alive: BTreeMap<Member, (MachineIdx, Vec<u64>)>,
    /// A Go peer that listens to everything.
    listener: Member,
    runs: u64,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        let mut net = Net::new(seed);
        let listener = net.puppet();
        let mut swarm = Self {
            net,
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            alive: BTreeMap::new(),
            listener,
            runs: 0,
        };
        for key in 0..NODES {
            swarm.start(key);
        }
        swarm
    }

    /// Starts a process under one of the keys, its indexes above those of all earlier runs.
    fn start(&mut self, key: usize) {
        self.runs += 1;
        let key = peer_id(1000 + key as u64);
        let member = self.net.node_with(key, self.runs * 1000);
        let index = self.net.expose(member, "m");
        self.alive.insert(member, (index, vec![0; 3]));
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) as usize % sides
    }

    fn somebody(&mut self) -> Member {
        let nth = self.roll(self.alive.len());
        *self
            .alive
            .keys()
            .nth(nth)
            .expect("rolled below their number")
    }

    fn step(&mut self) {
        let (a, b) = (self.somebody(), self.somebody());
        match self.roll(13) {
            0..=4 => {
                let (index, clock) = self.alive.get_mut(&a).expect("somebody lives");
                clock[a % 3] += 1;
                let (index, clock) = (*index, clock.clone());
                self.net.clock(a, index, &clock);
            }
            5 | 6 if a != b => self.net.link(a, b),
            7 if a != b => self.net.cut(a, b),
            8 => {
                let key = self.net.id(a);
                let key = (0..NODES).find(|number| peer_id(1000 + *number as u64) == key);
                self.net.crash(a);
                self.alive.remove(&a);
                let seconds = self.roll(3) as u64;
                self.net.run_for(Duration::from_secs(seconds));
                self.start(key.expect("all ids are made from these numbers"));
            }
            9 => {
                let (index, _) = self.alive[&a];
                self.net.input(a, Input::Withdraw(index));
                let index = self.net.expose(a, "m");
                self.alive.insert(a, (index, vec![0; 3]));
            }
            10 => {
                let congested = self.roll(2) == 0;
                self.net.input(a, Input::Congested(congested));
            }
            _ => {
                let ms = self.roll(3000) as u64;
                self.net.run_for(Duration::from_millis(ms));
            }
        }
    }

    fn heal(&mut self) {
        self.net.set_loss(0);
        let members: Vec<Member> = self.alive.keys().copied().collect();
        for pair in members.windows(2) {
            self.net.link(pair[0], pair[1]);
        }
        for member in members {
            self.net.input(member, Input::Congested(false));
        }
        self.net.run_for(Duration::from_secs(60));
    }

    /// Everybody knows exactly the machines that there are, with their clocks, first-hand.
    fn check(&self, seed: u64) {
        let mut expected: BTreeMap<(PeerId, MachineIdx), &[u64]> = BTreeMap::new();
        for (member, (index, clock)) in &self.alive {
            expected.insert((self.net.id(*member), *index), clock);
        }
        for member in self.alive.keys() {
            let own = self.net.id(*member);
            let known: BTreeMap<_, _> = self
                .net
                .get(*member)
                .mirrors()
                .map(|mirror| ((mirror.peer, mirror.index), &mirror.clock[..]))
                .collect();
            let mut others = expected.clone();
            others.retain(|(peer, _), _| *peer != own);
            assert_eq!(known, others, "seed {seed}, member {member}");
            self.check_events(*member, seed);
        }
        never_violates_go(&self.net.heard(self.listener));
    }

    /// Found and gone alternate, and a machine lives within the life of its peer.
    fn check_events(&self, member: Member, seed: u64) {
        let mut peers = std::collections::BTreeSet::new();
        let mut machines = std::collections::BTreeSet::new();
        for (_, event) in self.net.events(member) {
            let right = match event {
                Event::PeerFound(peer) => peers.insert(*peer),
                Event::PeerGone(peer, _) => {
                    peers.remove(peer) && !machines.iter().any(|(owner, _)| owner == peer)
                }
                Event::MachineFound(peer, index) => {
                    peers.contains(peer) && machines.insert((*peer, *index))
                }
                Event::MachineGone(peer, index) => machines.remove(&(*peer, *index)),
                Event::ClockChanged(peer, index, _) => machines.contains(&(*peer, *index)),
                Event::Heard(peer) => peers.contains(peer),
                Event::Dropped(..) | Event::NotExposed(..) => false,
            };
            assert!(right, "seed {seed}, member {member}: {event:?}");
        }
    }
}

#[test]
fn every_history_ends_in_the_same_knowledge() {
    for seed in 1..=40 {
        let mut swarm = Swarm::new(seed);
        let first = *swarm.alive.keys().next().expect("six have started");
        let listener = swarm.listener;
        swarm.net.link(first, listener);
        swarm.net.set_loss(seed % 4 * 100);
        for _ in 0..80 {
            swarm.step();
        }
        let first = *swarm
            .alive
            .keys()
            .next()
            .expect("a crash is followed by a start");
        swarm.net.link(first, listener);
        swarm.heal();
        swarm.check(seed);
    }
}
