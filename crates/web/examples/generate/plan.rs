//! A made-up recording: machines of three kinds, run by the real engine, seen at full trace over an hour.
//!
//! Choices come from one seeded generator and times from the plan, so nothing depends on clocks or addresses. A tenth of
//! the machines makes half of the transitions; some are canceled, some fail, every third has a cause in another machine.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use statemesh::core::collections::OrderedSet;
use statemesh::machine::{Machine, TraceGuard, Transition};
use statemesh::{MachineIdx, PeerId, SchemaDef, StateDef};
use statemesh_web::history::{
    About, Carrier, Cause, Excerpt, Face, Fidelity, Head, History, Input, Interval, Limits,
    LinkEnd, LogLine, MachineKey, Moved, Named, PeerFacts, Phase, Record, Recorder, Refused,
    ReportedLink, Role, SchemaFacts, Seen, Shown, Side, Ticks, write_recording,
};

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Machines in all.
    pub machines: u64,
    /// Owners; every one has machines.
    pub peers: u64,
    /// Transitions in all.
    pub transitions: u64,
    /// Seed of all choices.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            machines: 30,
            peers: 6,
            transitions: 10_000,
            seed: 1,
        }
    }
}

/// Why there is no recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// No machine, no peer, or peers without machines.
    #[error("there is at least one peer, and one machine for each")]
    Empty,
    /// More than may be held.
    #[error("at most 20000 machines and 5000000 transitions")]
    TooMuch,
    /// The history did not take it, which is a mistake of this program.
    #[error("the history refuses a record: {0}")]
    Refused(#[from] Refused),
    /// The history let go what it should hold, which is too much for the room there is.
    #[error("more than fits into 1 GB")]
    Dropped,
}

/// The history of a plan; `progress` is told how many transitions there are.
pub fn history(plan: &Plan, mut progress: impl FnMut(u64)) -> Result<History, NotMade> {
    if plan.peers == 0 || plan.machines < plan.peers {
        return Err(NotMade::Empty);
    }
    if plan.machines > MOST_MACHINES || plan.transitions > MOST_TRANSITIONS {
        return Err(NotMade::TooMuch);
    }
    let mut world = World::new(plan)?;
    for made in 1..=plan.transitions {
        world.one_more(plan, made)?;
        progress(made);
    }
    if world.history.dropped_before().is_some() {
        return Err(NotMade::Dropped);
    }
    Ok(world.history)
}

/// The recording of a plan, not packed yet.
pub fn generate(plan: &Plan, progress: impl FnMut(u64)) -> Result<Vec<u8>, NotMade> {
    let history = history(plan, progress)?;
    let everything = Excerpt {
        with_words: true,
        ..Excerpt::default()
    };
    Ok(write_recording(&history, &about(&history), &everything))
}

/// What owners say of their machines and of themselves: every twentieth carries the links of those behind it.
fn about(history: &History) -> About {
    let faces = history.machines().map(|(key, _)| {
        let id = history.id(key).map_or("", |id| id);
        let kind = id.split('-').next().unwrap_or_default();
        let face = Face {
            tags: vec![format!("kind:{kind}")],
            ..Face::default()
        };
        (*key, face)
    });
    let owners: OrderedSet<PeerId> = history.machines().map(|(key, _)| key.peer).collect();
    let owners: Vec<PeerId> = owners.iter().copied().collect();
    let link = |at: usize, rtt| ReportedLink {
        end: LinkEnd::from(owners[at % owners.len()]),
        carrier: Some(Carrier::Other("quic")),
        rtt: Some(rtt),
    };
    let facts = owners.iter().enumerate().map(|(at, peer)| {
        let (relay, is_relay) = (at / PER_RELAY * PER_RELAY, at % PER_RELAY == 0);
        let number = if is_relay { at / PER_RELAY } else { at };
        let links = if is_relay {
            vec![link(at + PER_RELAY, 9)]
        } else {
            vec![link(relay, 1 + at as u64 % 5)]
        };
        PeerFacts {
            first_hand: true,
            is_statemesh: true,
            heard: Some(history.newest().at),
            role: Some(if is_relay { Role::Relay } else { Role::Peer }),
            name: Some(Shown::new(&format!(
                "{}-{number}",
                if is_relay { "relay" } else { "van" }
            ))),
            links,
            ..PeerFacts::unknown(*peer)
        }
    });
    let mut around = Recorder::new(Limits::default());
    around.take(&Input::Phase(Phase::Live), Seen(0));
    around.take(&Input::Peers(facts.collect()), Seen(0));
    About {
        origin: ORIGIN,
        topic: "made-up".to_owned(),
        end: history.newest().at,
        faces: faces.collect(),
        heard: owners.iter().map(|owner| (*owner, true)).collect(),
        journal: around.journal().clone(),
        ..About::default()
    }
}

/// Packed as a page packs it: gzip, here without a time and a name.
pub fn pack(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(plain)?;
    packer.finish()
}

/// Everything while it is made.
struct World {
    history: History,
    actors: Vec<Actor>,
    heard: Heard,
    random: Random,
    /// Transitions made and not recorded yet: the engine may add one for Auto states.
    waiting: Vec<(usize, Transition)>,
    /// What may be the cause of the next.
    last: Option<(usize, Cause)>,
}

/// A machine with what is needed to go on with it.
struct Actor {
    key: MachineKey,
    machine: Machine,
    kind: &'static Kind,
    at: usize,
    /// Its owner's clock differs from the recording tab's, in microseconds.
    offset: u64,
    _trace: TraceGuard,
}

/// Transitions of all machines, as the engine tells them.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Transition>>>);

impl Heard {
    fn take(&self) -> Vec<Transition> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, transition: Transition) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(transition);
    }
}

impl World {
    fn new(plan: &Plan) -> Result<Self, NotMade> {
        let mut world = Self {
            history: History::new(Limits {
                bytes: ROOM,
                machines: MOST_MACHINES as usize,
            }),
            actors: Vec::new(),
            heard: Heard::default(),
            random: Random(plan.seed),
            waiting: Vec::new(),
            last: None,
        };
        let mut keys = [(); 4].map(|()| 0);
        let peers: Vec<(PeerId, u64)> = (0..plan.peers)
            .map(|_| {
                keys = keys.map(|_| world.random.next());
                (peer(keys), world.random.up_to(2 * SKEW))
            })
            .collect();
        let schemas = KINDS
            .each_ref()
            .map(|kind| Arc::new(SchemaFacts::new(&kind.schema())));
        for number in 0..plan.machines {
            let (owner, offset) = peers[(number % plan.peers) as usize];
            let chosen = (number / plan.peers) as usize % KINDS.len();
            let kind = &KINDS[chosen];
            let id = format!("{}-{number}", kind.name);
            let machine = Machine::new(id.as_str(), kind.schema());
            let heard = world.heard.clone();
            let trace = machine.trace(move |transition| heard.push(transition.clone()));
            // The state is one of the schema beside it.
            let _ = machine.add("Start");
            let newest = world.heard.take().last().map(|transition| transition.tx.0);
            let key = MachineKey {
                peer: owner,
                index: MachineIdx(number / plan.peers + 1),
            };
            let clock = machine.clock();
            let first = Record {
                fidelity: Fidelity::Trace,
                number: newest,
                ..Record::snapshot(Interval::at(Seen(number * BEGIN / plan.machines)), &clock)
            };
            let named = Named { key, id: id.into() };
            world.history.learn(named, &schemas[chosen], &first)?;
            world.actors.push(Actor {
                key,
                machine,
                kind,
                at: 0,
                offset,
                _trace: trace,
            });
        }
        Ok(world)
    }

    /// Records the next transition.
    fn one_more(&mut self, plan: &Plan, made: u64) -> Result<(), NotMade> {
        while self.waiting.is_empty() {
            let who = self.choose();
            self.actors[who].act(&mut self.random);
            let heard = self.heard.take().into_iter();
            self.waiting = heard.map(|transition| (who, transition)).collect();
        }
        let (who, transition) = self.waiting.remove(0);
        let at = BEGIN + SPAN * made / plan.transitions;
        self.record(who, &transition, at)
    }

    /// A tenth of the machines does half of the work.
    fn choose(&mut self) -> usize {
        let all = self.actors.len() as u64;
        let busy = all.div_ceil(10);
        let among = if self.random.up_to(2) == 0 { busy } else { all };
        self.random.up_to(among) as usize
    }

    fn record(&mut self, who: usize, transition: &Transition, at: u64) -> Result<(), NotMade> {
        let actor = &self.actors[who];
        let is_caused = !transition.is_auto && self.random.up_to(3) == 0;
        let source = self
            .last
            .as_ref()
            .filter(|(other, _)| is_caused && *other != who);
        let number = transition.tx.0;
        let head = Head {
            kind: transition.kind,
            called: transition.called.iter().map(|it| u32::from(it.0)).collect(),
            is_auto: transition.is_auto,
            is_check: transition.is_check,
            is_canceled: !transition.accepted,
            is_queued: false,
            source: source.map(|(_, cause)| cause.clone()),
            queue_tick: Some(number),
            duration: Some(20 + self.random.up_to(400)),
        };
        let ticks = transition.clock_after.iter().zip(&transition.clock_before);
        let moved: Vec<Moved> = (0..)
            .zip(ticks)
            .map(|(state, (after, before))| Moved {
                state,
                ticks: after - before,
            })
            .filter(|moved| moved.ticks > 0)
            .collect();
        let side = self.random.side();
        let record = Record {
            at: Interval::at(Seen(at)),
            fidelity: Fidelity::Trace,
            first_hand: true,
            number: Some(number),
            owner_at: Some((ORIGIN + at) * 1_000 + actor.offset - SKEW),
            ticks: Ticks::Moved(&moved),
            head: Some(&head),
            side: side.as_ref(),
        };
        self.history.append(&actor.key, &record)?;
        let cause = Cause {
            peer: Some(actor.key.peer),
            machine: actor.machine.id().into(),
            number,
            machine_time: transition.clock_before.iter().sum(),
        };
        self.last = Some((who, cause));
        Ok(())
    }
}

impl Actor {
    /// Mends an error, goes on in its round, tries what cannot be, or fails. Names are those of its schema.
    fn act(&mut self, random: &mut Random) {
        let machine = &self.machine;
        let _ = if machine.is("Exception") {
            machine.remove([self.kind.error, "Exception"])
        } else {
            match random.up_to(100) {
                0 => machine.add_error(self.kind.error, "made up"),
                // Needs a state that is never active.
                1..=4 => machine.add("Leave"),
                _ => {
                    self.at = (self.at + 1) % self.kind.round.len();
                    machine.add(self.kind.round[self.at])
                }
            }
        };
    }
}

/// A kind of machine.
struct Kind {
    name: &'static str,
    /// States that exclude each other, one after the other.
    round: &'static [&'static str],
    /// By itself while that one of the round is active.
    echo: (&'static str, &'static str),
    error: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "courier",
        round: &["Idle", "Assigned", "Loading", "Driving", "AtStop"],
        echo: ("Locked", "Driving"),
        error: "ErrRoute",
    },
    Kind {
        name: "order",
        round: &["Open", "Dispatched", "Delivered", "Invoiced"],
        echo: ("Awaited", "Dispatched"),
        error: "ErrPayment",
    },
    Kind {
        name: "sorter",
        round: &["Empty", "Scanning", "Sorted"],
        echo: ("BeltOn", "Scanning"),
        error: "ErrJam",
    },
];

impl Kind {
    fn schema(&self) -> SchemaDef {
        let error = StateDef::new().multi().add(["Exception"]);
        let mut schema = SchemaDef::new()
            .state("Exception", StateDef::new().multi())
            .state(self.error, error.require(["Exception"]).remove(["Ready"]))
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start"]))
            .state("Open gate", StateDef::new())
            .state("Leave", StateDef::new().require(["Open gate"]));
        for state in self.round {
            let others = self.round.iter().filter(|other| *other != state);
            let def = StateDef::new().require(["Start"]).remove(others.copied());
            schema = schema.state(*state, def);
        }
        let (echo, of) = self.echo;
        schema.state(echo, StateDef::new().auto().require([of]))
    }
}

/// An Ed25519 key inlined in an id; nobody has it.
fn peer(key: [u64; 4]) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend(key.iter().flat_map(|part| part.to_le_bytes()));
    PeerId::from_bytes(&bytes).expect("the form of an Ed25519 key")
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0; even enough for this.
    fn up_to(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// What stands beside one transition of twenty.
    fn side(&mut self) -> Option<Side> {
        let parcel = self.up_to(20 * 1_000);
        (parcel < 1_000).then(|| Side {
            log: vec![LogLine {
                level: 1 + (parcel % 4) as u8,
                text: format!("parcel {parcel} noted"),
            }],
            arguments: format!("parcel={parcel}"),
            ..Side::default()
        })
    }
}

/// Wall time when the recording's clock began: 2026-01-01, in milliseconds since 1970.
pub const ORIGIN: u64 = 1_767_225_600_000;
/// Owners behind one relay, itself included.
const PER_RELAY: usize = 20;
/// Machines are learned in the first second.
const BEGIN: u64 = 1_000;
/// Then transitions come for an hour.
const SPAN: u64 = 3_600_000;
/// Owners' clocks differ by so much at most, in microseconds.
const SKEW: u64 = 40_000;
/// Bytes of the history.
const ROOM: usize = 1 << 30;
const MOST_MACHINES: u64 = 20_000;
const MOST_TRANSITIONS: u64 = 5_000_000;
