//! The peers, the graph of their links, and one observer for each that counts what it learns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use statemesh::mesh::MeshEvent;
use statemesh::prelude::*;
use statemesh::{SchemaDef, StateDef};
use tokio::sync::{Notify, watch};

use crate::ledger::{Ledger, Random};

/// Exposed by every peer.
pub const MACHINES: usize = 3;
/// Links that a peer opens to peers before it: six at each on average.
const DIALS: usize = 3;

/// A peer and what it exposes.
pub struct Member {
    pub mesh: Mesh,
    pub machines: Vec<Machine>,
}

/// All of them.
pub struct Crowd {
    pub peers: Vec<Member>,
    pub known: Arc<Known>,
    pub ledger: Arc<Ledger>,
    start: watch::Sender<bool>,
}

impl Crowd {
    /// Returns when every link stands and is identified; nobody has joined yet.
    pub async fn connect(size: usize) -> Self {
        let (start, joined) = watch::channel(false);
        let known = Arc::new(Known::new(size));
        let ledger = Arc::new(Ledger::new(size));
        let mut peers: Vec<Member> = Vec::with_capacity(size);
        let mut links = vec![0; size];
        for (number, dials) in graph(size).into_iter().enumerate() {
            let machines: Vec<_> = (0..MACHINES).map(|at| machine(number, at)).collect();
            let mut joined = joined.clone();
            let mut builder = Mesh::builder("mesh-bench")
                .listen("/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("an address"))
                // The graph stays that of the Go twin.
                .min_links(0)
                .join_after(async move {
                    // An error: the bench is over.
                    let _ = joined.wait_for(|joined| *joined).await;
                });
            for machine in &machines {
                builder = builder.expose(machine);
            }
            for other in dials {
                links[number] += 1;
                links[other] += 1;
                builder = builder.connect(peers[other].mesh.addresses().remove(0));
            }
            let mesh = builder.spawn().await.expect("a peer on the loopback");
            tokio::spawn(observe(mesh.clone(), number, known.clone(), ledger.clone()));
            peers.push(Member { mesh, machines });
        }
        for (peer, links) in peers.iter().zip(links) {
            let identified = || {
                let mut found = peer.mesh.links().into_iter();
                found
                    .by_ref()
                    .filter(|link| link.software.is_some())
                    .count()
                    >= links
            };
            while !identified() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        eprintln!("   {size} peers are connected");
        Self {
            peers,
            known,
            ledger,
            start,
        }
    }
    /// All at once.
    pub fn join(&self) {
        self.start.send_replace(true);
    }
    /// Messages on the topic so far.
    pub fn published(&self) -> u64 {
        let flows = self.peers.iter().flat_map(|peer| {
            let published = peer.mesh.traffic().published;
            published
                .values()
                .map(|flow| flow.messages)
                .collect::<Vec<_>>()
        });
        flows.sum()
    }
    /// Share of a core that a peer used.
    pub fn share(&self, cpu: Duration, time: Duration) -> f64 {
        cpu.as_secs_f64() / time.as_secs_f64() / self.peers.len() as f64
    }
}

/// Whom each peer dials: random ones before it, the same in every run and in the Go twin.
fn graph(size: usize) -> Vec<Vec<usize>> {
    let mut random = Random::new(1);
    let dials = |peer: usize| {
        let mut dials = Vec::new();
        while dials.len() < peer.min(DIALS) {
            let other = random.below(peer as u64) as usize;
            if !dials.contains(&other) {
                dials.push(other);
            }
        }
        dials
    };
    (0..size).map(dials).collect()
}

fn machine(peer: usize, number: usize) -> Machine {
    let schema = SchemaDef::new()
        .state("Foo", StateDef::new().require(["Bar"]))
        .state("Bar", StateDef::new());
    let id = format!("bench-{peer}-{number}");
    Machine::builder(&id, schema).tag("kind:bench").build()
}

/// The peer whose machine of this bench that is, and the machine's number.
fn owner(id: &str) -> Option<(usize, usize)> {
    let (peer, number) = id.strip_prefix("bench-")?.split_once('-')?;
    Some((peer.parse().ok()?, number.parse().ok()?))
}

async fn observe(mesh: Mesh, number: usize, known: Arc<Known>, ledger: Arc<Ledger>) {
    let mut events = Box::pin(mesh.events());
    // The handle would keep the peer alive.
    drop(mesh);
    while let Some(event) = events.next().await {
        let now = Instant::now();
        match event {
            MeshEvent::MachineFound(machine) => {
                if let Some((peer, at)) = owner(machine.id()) {
                    known.learned(now);
                    if at == 0 {
                        ledger.saw(number, peer, machine.tick("Bar"), now);
                    }
                }
            }
            MeshEvent::ClockChanged(machine, _, _) => {
                if let Some((peer, 0)) = owner(machine.id()) {
                    ledger.saw(number, peer, machine.tick("Bar"), now);
                }
            }
            MeshEvent::MachineGone(machine) => {
                if owner(machine.id()).is_some() {
                    known.forgot();
                }
            }
            MeshEvent::Lagged(events) => panic!("the observer missed {events} events"),
            MeshEvent::PeerFound(_)
            | MeshEvent::PeerGone(..)
            | MeshEvent::Heard(_)
            | MeshEvent::LinkUp(_)
            | MeshEvent::LinkDown(_)
            | MeshEvent::Connection(_)
            | MeshEvent::Dropped(..) => {}
        }
    }
}

/// How many pairs of a peer and a foreign machine are known, and since when so many.
pub struct Known {
    pairs: usize,
    now: AtomicUsize,
    marks: [(usize, std::sync::OnceLock<Instant>); 3],
    all: Notify,
}

impl Known {
    fn new(peers: usize) -> Self {
        let pairs = peers * (peers - 1) * MACHINES;
        let mark = |percent: usize| ((pairs * percent).div_ceil(100), std::sync::OnceLock::new());
        Self {
            pairs,
            now: AtomicUsize::new(0),
            marks: [mark(90), mark(99), mark(100)],
            all: Notify::new(),
        }
    }
    fn learned(&self, at: Instant) {
        let known = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        for (pairs, time) in &self.marks {
            if known == *pairs {
                // Already set: some were forgotten in between.
                let _ = time.set(at);
            }
        }
        if known == self.pairs {
            self.all.notify_one();
        }
    }
    fn forgot(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
    /// Until all is known.
    pub async fn wait(&self, deadline: tokio::time::Instant) {
        // What is missing at the deadline is reported.
        let _ = tokio::time::timeout_at(deadline, self.all.notified()).await;
    }
    /// Until 90, 99 and 100 % were known.
    pub fn times(&self, start: Instant) -> [Option<Duration>; 3] {
        let since = |(_, time): &(usize, std::sync::OnceLock<Instant>)| {
            time.get().map(|at| at.duration_since(start))
        };
        [
            since(&self.marks[0]),
            since(&self.marks[1]),
            since(&self.marks[2]),
        ]
    }
    /// Pairs not known now.
    pub fn missing(&self) -> usize {
        self.pairs.saturating_sub(self.now.load(Ordering::Relaxed))
    }
    /// All of them.
    pub fn pairs(&self) -> usize {
        self.pairs
    }
}
