//! Everything the tab knows, and the only place that changes it: events in ([`World::apply`]), then what time alone
//! changes ([`World::settle`]).
//!
//! While the connection is down nothing is heard, so nothing is concluded: health stays as it was at the loss, and
//! what the peer gives up meanwhile is shown as gone only when the connection is back.

use std::collections::VecDeque;

use statemesh::PeerId;

use super::health::{assess_by, turns_after};
use super::peers::Departure;
use super::roll::Roll;
use super::verdict::Attention;
use super::{
    Assessment, Connection, Health, HealthTurn, Interval, Learned, LinkFacts, Machine, MachineKey,
    PeerFacts, Phase, Reading, Rule, Seen, Shown, Thresholds, Traffic,
};
use statemesh::core::collections::{OrderedMap, OrderedSet};

/// What happened, in the page's terms.
#[derive(Clone, Debug)]
pub enum Input {
    /// The peer runs under this id.
    Own(PeerId),
    /// A machine was learned, or learned again.
    Learned(Learned),
    /// A machine was read.
    Read(MachineKey, Reading),
    /// A machine was taken back or its owner went.
    Gone(MachineKey),
    /// A peer went; true: it said bye.
    PeerGone(PeerId, bool),
    /// All peers known now.
    Peers(Vec<PeerFacts>),
    /// All links open now.
    Links(Vec<LinkFacts>),
    /// What came and went so far.
    Traffic(Traffic),
    /// Where the tab's peer stands.
    Phase(Phase),
}

/// The tab's knowledge.
#[derive(Debug)]
pub struct World {
    roll: Roll,
    peers: OrderedMap<PeerId, PeerFacts>,
    links: Vec<LinkFacts>,
    traffic: Traffic,
    own: Option<PeerId>,
    connection: Connection,
    joined: Option<Seen>,
    attention: Attention,
    dirty: OrderedSet<MachineKey>,
    fresh: OrderedSet<MachineKey>,
    reshaped: bool,
    /// What is said of all may differ.
    judged: bool,
    turns: VecDeque<HealthTurn>,
    rules: Thresholds,
    /// What all answers depend on besides their machine and its owner.
    judged_by: Option<(Seen, Thresholds)>,
    /// The last look at the rules.
    settled: Option<Seen>,
    /// When the tab ran again after it had not.
    woke: Option<Seen>,
}

impl World {
    /// Nothing known; dialling.
    #[must_use]
    pub fn new(relay: String, https: bool, now: Seen) -> Self {
        Self {
            roll: Roll::default(),
            peers: OrderedMap::new(),
            links: Vec::new(),
            traffic: Traffic::default(),
            own: None,
            connection: Connection::begin(relay, https, now),
            joined: None,
            attention: Attention::default(),
            dirty: OrderedSet::new(),
            fresh: OrderedSet::new(),
            reshaped: true,
            judged: true,
            turns: VecDeque::new(),
            rules: Thresholds::default(),
            judged_by: None,
            settled: None,
            woke: None,
        }
    }

    /// What the tab knew at another moment: these machines, judged so. The tab's own place in the mesh is today's.
    #[must_use]
    pub fn then(&self, machines: Vec<(Machine, Assessment)>, at: Seen) -> Self {
        let mut world = Self {
            roll: Roll::default(),
            peers: self.peers.clone(),
            links: self.links.clone(),
            traffic: self.traffic.clone(),
            own: self.own,
            connection: self.connection.shown_as_live(),
            joined: self.joined,
            attention: Attention::default(),
            dirty: OrderedSet::new(),
            fresh: OrderedSet::new(),
            reshaped: true,
            judged: true,
            turns: VecDeque::new(),
            rules: self.rules,
            judged_by: None,
            settled: None,
            woke: None,
        };
        for (machine, answer) in machines {
            let key = machine.key;
            world.roll.insert(machine);
            world.roll.judge(&key, answer, Seen(0));
        }
        world.peers.for_each_mut(|_, facts| {
            facts.gone = facts.gone.filter(|gone| gone.at <= at);
        });
        world.forget(at);
        world.attention.follow(&world.roll, &world.peers, at);
        world
    }

    /// Takes one event.
    pub fn apply(&mut self, input: Input, now: Seen) {
        self.judged |= !matches!(input, Input::Read(..));
        match input {
            Input::Own(peer) => self.own = Some(peer),
            Input::Learned(learned) => self.learn(learned, now),
            Input::Read(key, reading) => self.read(key, reading),
            Input::Gone(key) => self.lose(key, now),
            Input::PeerGone(peer, said_bye) => self.depart(peer, said_bye, now),
            Input::Peers(peers) => self.take_peers(peers),
            Input::Links(links) => {
                let via = main_link(&self.peers, &links).map(|link| link.peer);
                self.connection.lead(via, now);
                self.links = links;
            }
            Input::Traffic(traffic) => self.traffic = traffic,
            Input::Phase(phase) => {
                self.connection.turn(phase, now);
                if self.connection.is_live() && self.joined.is_none() {
                    self.joined = Some(now);
                }
            }
        }
    }

    /// Applies the rules of health as of `now` and notes which machines look different.
    pub fn settle(&mut self, now: Seen) {
        let before = self.settled.replace(now).unwrap_or(now);
        if now.since(before) >= ASLEEP {
            self.woke = Some(now);
        }
        self.forget(now);
        self.settle_fresh(now);
        if self.connection.is_stale() {
            return;
        }
        // A tab that slept heard nobody: that silence was its own.
        let woke = self.woke.unwrap_or(Seen(0));
        let live_since = self.connection.since.max(woke);
        if self.judged_by.replace((live_since, self.rules)) != Some((live_since, self.rules)) {
            self.roll.doubt(None);
        }
        let mut judged = Vec::new();
        for (key, known) in self.roll.iter().filter(|(_, known)| known.until <= now) {
            let (machine, owner) = (&known.machine, self.peers.get(&key.peer));
            let answer = assess_by(self.rules, machine, owner, now, live_since);
            let until = turns_after(self.rules, machine, owner, now, live_since, &answer);
            if known.answer != Some(answer) {
                let before = known.answer.map(|old| old.health);
                self.judged |= before != Some(answer.health) || answer.health != Health::Ok;
                self.reshaped |=
                    before.map(|old| old == Health::Gone) != Some(answer.health == Health::Gone);
                note_turn(&mut self.turns, machine, before, &answer);
                self.dirty.insert(*key);
            }
            judged.push((*key, answer, until));
        }
        for (key, answer, until) in judged {
            self.roll.judge(&key, answer, until);
        }
        self.attention.follow(&self.roll, &self.peers, now);
    }

    /// Changed states are marked for a moment: their rows are drawn once more when it is over.
    fn settle_fresh(&mut self, now: Seen) {
        let roll = &self.roll;
        let is_fresh = |key: &MachineKey| {
            roll.machine(key)
                .is_some_and(|machine| now.since(machine.changed.by) < FRESH_FOR)
        };
        let settled: Vec<MachineKey> = self
            .fresh
            .iter()
            .filter(|key| !is_fresh(key))
            .copied()
            .collect();
        for key in settled {
            self.fresh.remove(&key);
            self.dirty.insert(key);
        }
    }

    /// Machines that look different since the last call.
    pub fn take_dirty(&mut self) -> OrderedSet<MachineKey> {
        std::mem::take(&mut self.dirty)
    }

    /// Did machines come or go, or change their place, since the last call?
    pub fn take_reshaped(&mut self) -> bool {
        std::mem::take(&mut self.reshaped)
    }

    /// May what is said of all differ since the last call?
    pub fn take_judged(&mut self) -> bool {
        std::mem::take(&mut self.judged)
    }

    /// All machines, by owner and index.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.roll.machines()
    }

    /// All machines with what is thought of them, by owner and index.
    pub fn assessed(&self) -> impl Iterator<Item = (&Machine, Health)> {
        let health = |answer: Option<Assessment>| answer.map_or(Health::Ok, |it| it.health);
        self.roll
            .iter()
            .map(move |(_, known)| (&known.machine, health(known.answer)))
    }

    /// Machines of one owner, by index.
    pub fn machines_of(&self, peer: &PeerId) -> impl Iterator<Item = &Machine> {
        self.roll.of(peer).map(|(_, known)| &known.machine)
    }

    /// Everybody, for what is said of all at once.
    pub(super) fn roll(&self) -> &Roll {
        &self.roll
    }

    /// One machine.
    #[must_use]
    pub fn machine(&self, key: &MachineKey) -> Option<&Machine> {
        self.roll.machine(key)
    }

    /// Its health; fine before the first look.
    #[must_use]
    pub fn assessment(&self, key: &MachineKey) -> Assessment {
        let answer = self.roll.get(key).and_then(|known| known.answer);
        answer.unwrap_or(Assessment {
            health: Health::Ok,
            was: None,
            rule: Rule::Fine,
            onset: Interval {
                after: None,
                by: Seen(0),
            },
            suffix: None,
        })
    }

    /// All peers but this tab.
    pub fn peers(&self) -> impl Iterator<Item = &PeerFacts> {
        self.peers.values()
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, peer: &PeerId) -> Option<&PeerFacts> {
        self.peers.get(peer)
    }

    /// Open links.
    pub fn links(&self) -> impl Iterator<Item = &LinkFacts> {
        self.links.iter()
    }

    /// The link that matters most: to a relay, else any.
    #[must_use]
    pub fn main_link(&self) -> Option<&LinkFacts> {
        main_link(&self.peers, &self.links)
    }

    /// What came and went so far.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// This tab's id.
    #[must_use]
    pub fn own(&self) -> Option<PeerId> {
        self.own
    }

    /// The rules of health wait so long from now on.
    pub fn set_rules(&mut self, rules: Thresholds) {
        self.rules = rules;
    }

    /// When machines began and ceased to need attention, oldest first.
    pub fn turns(&self) -> impl Iterator<Item = &HealthTurn> {
        self.turns.iter()
    }

    /// Where the tab's peer stands.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// When this tab was first live.
    #[must_use]
    pub fn joined(&self) -> Option<Seen> {
        self.joined
    }

    /// What needs or needed attention.
    pub(super) fn attention(&self) -> &Attention {
        &self.attention
    }

    fn learn(&mut self, learned: Learned, now: Seen) {
        let key = learned.key;
        self.reshaped = true;
        let is_same = self.roll.change(&key, |known| {
            known.gone = None;
            let is_same = known.schema == learned.schema;
            if is_same {
                known.read(learned.reading.clone());
            }
            is_same
        });
        if is_same != Some(true) {
            self.roll.insert(Machine::new(learned, now));
        }
        self.dirty.insert(key);
    }

    /// What went and is back, under a new index or a new key of the same host, takes the place of what went.
    fn drop_superseded(&mut self) {
        let live = || self.machines().filter(|one| one.gone.is_none());
        let by_peer: OrderedSet<(&str, PeerId)> =
            live().map(|one| (&*one.id, one.key.peer)).collect();
        let by_host: OrderedSet<(&str, &Shown)> = live()
            .filter_map(|one| Some((&*one.id, one.host.as_ref()?)))
            .collect();
        let is_back = |one: &&Machine| {
            one.gone.is_some()
                && (by_peer.contains(&(&*one.id, one.key.peer))
                    || one
                        .host
                        .as_ref()
                        .is_some_and(|host| by_host.contains(&(&*one.id, host))))
        };
        let superseded: Vec<MachineKey> = self
            .roll
            .gone()
            .filter(is_back)
            .map(|one| one.key)
            .collect();
        for key in superseded {
            self.roll.remove(&key);
            self.reshaped = true;
        }
    }

    fn read(&mut self, key: MachineKey, reading: Reading) {
        if self.roll.change(&key, |machine| machine.read(reading)) == Some(true) {
            self.fresh.insert(key);
            self.dirty.insert(key);
        }
    }

    fn lose(&mut self, key: MachineKey, now: Seen) {
        let lost = self.roll.change(&key, |machine| {
            machine.gone.get_or_insert(now);
        });
        if lost.is_some() {
            self.dirty.insert(key);
        }
    }

    fn depart(&mut self, peer: PeerId, said_bye: bool, now: Seen) {
        let facts = self
            .peers
            .get_or_insert_with(peer, || PeerFacts::unknown(peer));
        facts.gone.get_or_insert(Departure { at: now, said_bye });
        let keys: Vec<MachineKey> = self.machines_of(&peer).map(|one| one.key).collect();
        for key in keys {
            self.lose(key, now);
        }
    }

    /// The mesh's own list replaces ours; those that went stay while their machines are shown.
    fn take_peers(&mut self, peers: Vec<PeerFacts>) {
        // What its owner's word says of a machine may differ now.
        let word = |facts: &PeerFacts| (facts.heard, facts.heartbeat);
        let mut known = std::mem::take(&mut self.peers);
        for facts in peers {
            let before = known.remove(&facts.peer);
            if before.as_ref().map(word) != Some(word(&facts)) {
                self.roll.doubt(Some(&facts.peer));
            }
            self.peers.insert(facts.peer, facts);
        }
        for (peer, facts) in known {
            if facts.gone.is_some() {
                self.peers.insert(peer, facts);
            } else {
                self.roll.doubt(Some(&peer));
            }
        }
    }

    /// Drops what went long ago, or is one too many.
    fn forget(&mut self, now: Seen) {
        if !self.roll.has_gone() {
            return;
        }
        let gone = self.roll.gone();
        let mut gone: Vec<(Seen, MachineKey)> = gone
            .filter_map(|machine| Some((machine.gone?, machine.key)))
            .collect();
        self.drop_superseded();
        gone.sort_unstable();
        let surplus = gone.len().saturating_sub(GONE_KEPT);
        for (at, (since, key)) in gone.into_iter().enumerate() {
            if at < surplus || now.since(since) >= GONE_FOR {
                self.roll.remove(&key);
                self.reshaped = true;
            }
        }
        let roll = &self.roll;
        self.peers
            .retain(|peer, facts| facts.gone.is_none() || roll.of(peer).next().is_some());
    }
}

fn main_link<'a>(
    peers: &OrderedMap<PeerId, PeerFacts>,
    links: &'a [LinkFacts],
) -> Option<&'a LinkFacts> {
    let is_relay =
        |peer: &PeerId| peers.get(peer).and_then(|facts| facts.role) == Some(super::Role::Relay);
    let oldest = |links: &mut dyn Iterator<Item = &'a LinkFacts>| links.min_by_key(|it| it.since);
    let mut relays = links.iter().filter(|link| is_relay(&link.peer));
    oldest(&mut relays).or_else(|| oldest(&mut links.iter()))
}

fn note_turn(
    turns: &mut VecDeque<HealthTurn>,
    machine: &Machine,
    before: Option<Health>,
    answer: &Assessment,
) {
    let matters = |health: Health| health.needs_attention();
    let is_turn = machine.counts()
        && before != Some(answer.health)
        && answer.health != Health::Gone
        && (matters(answer.health) || before.is_some_and(matters));
    if !is_turn {
        return;
    }
    if turns.len() == TURNS_KEPT {
        turns.pop_front();
    }
    turns.push_back(HealthTurn {
        at: answer.onset.by,
        key: machine.key,
        name: machine.shown.clone(),
        health: answer.health,
    });
}

/// A changed state stays marked for so long (5.1); rows are drawn once more after that.
pub(super) const FRESH_FOR: u64 = 1_000;
/// Without a look for so long the tab slept: its timers run four times a second.
const ASLEEP: u64 = 5_000;
/// What went stays readable for so long (guess).
const GONE_FOR: u64 = 600_000;
/// Turns of health kept (guess: more than anybody reads).
const TURNS_KEPT: usize = 1_000;
/// At most so many machines that went are kept.
const GONE_KEPT: usize = 200;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned, learned_of, peer, reading};
    use super::*;

    fn live() -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        world
    }

    #[test]
    fn one_change_makes_one_machine_dirty() {
        let mut world = live();
        for index in 0..3 {
            let learned = learned_of(1, index, &format!("m{index}"), &[1, 1, 0, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(0));
        assert!(world.take_reshaped());
        world.take_dirty();
        world.settle(Seen(5_000));
        world.take_dirty();
        let key = learned_of(1, 1, "m1", &[]).key;
        world.apply(
            Input::Read(key, reading(&[1, 1, 1, 0], 4_000, 5_100)),
            Seen(5_100),
        );
        world.settle(Seen(5_100));
        assert_eq!(world.take_dirty().into_iter().collect::<Vec<_>>(), [key]);
        assert!(!world.take_reshaped());
    }

    #[test]
    fn nothing_is_concluded_while_the_connection_is_down() {
        let mut world = live();
        world.apply(Input::Learned(learned("m", &[1, 1, 0, 0])), Seen(0));
        world.settle(Seen(10));
        let down = Phase::Reconnecting {
            next_try: None,
            failures: Vec::new(),
        };
        world.apply(Input::Phase(down), Seen(20));
        world.apply(Input::PeerGone(peer(1), false), Seen(30));
        world.settle(Seen(100_000));
        let key = learned("m", &[]).key;
        assert_eq!(world.assessment(&key).health, Health::Ok);
        world.apply(Input::Phase(Phase::Live), Seen(100_001));
        world.settle(Seen(100_002));
        assert_eq!(world.assessment(&key).health, Health::Gone);
    }

    #[test]
    fn a_tab_that_slept_takes_nobody_for_stale() {
        let mut world = live();
        let facts = |heard| PeerFacts {
            heard: Some(Seen(heard)),
            heartbeat: Some(1_000),
            ..PeerFacts::unknown(peer(1))
        };
        world.apply(Input::Learned(learned("m", &[1, 1, 0, 0])), Seen(0));
        let key = learned("m", &[]).key;
        for second in 0..10 {
            let at = second * 1_000;
            world.apply(Input::Peers(vec![facts(at)]), Seen(at));
            world.settle(Seen(at));
        }
        world.settle(Seen(369_000));
        assert_eq!(world.assessment(&key).health, Health::Ok);
        assert_eq!(world.woke, Some(Seen(369_000)));
        // Whoever is silent from then on is.
        for second in 0..10 {
            world.settle(Seen(369_000 + second * 1_000));
        }
        assert_eq!(world.assessment(&key).health, Health::Stale);
    }

    #[test]
    fn a_machine_that_comes_back_is_alive_with_its_history() {
        let mut world = live();
        world.apply(Input::Learned(learned("m", &[1, 1, 0, 0])), Seen(0));
        let key = learned("m", &[]).key;
        world.apply(Input::Read(key, reading(&[1, 1, 1, 0], 0, 50)), Seen(50));
        world.apply(Input::Gone(key), Seen(60));
        world.apply(Input::Learned(learned("m", &[1, 1, 2, 0])), Seen(70));
        world.settle(Seen(80));
        assert_eq!(world.assessment(&key).health, Health::Ok);
        assert_eq!(world.machine(&key).unwrap().change_count, 2);
    }

    #[test]
    fn a_new_index_replaces_what_went_under_the_same_name() {
        let mut world = live();
        world.apply(
            Input::Learned(learned_of(1, 0, "m", &[1, 1, 0, 0])),
            Seen(0),
        );
        world.apply(Input::Gone(learned_of(1, 0, "m", &[]).key), Seen(1));
        world.apply(
            Input::Learned(learned_of(1, 7, "m", &[1, 1, 0, 0])),
            Seen(2),
        );
        world.settle(Seen(3));
        assert_eq!(world.machines().count(), 1);
    }

    #[test]
    fn a_host_that_is_back_under_a_new_key_replaces_its_former_self() {
        let mut world = live();
        let mut former = learned_of(1, 0, "courier", &[1, 1, 0, 0]);
        former.tags = vec!["host:van".into()];
        let mut other = learned_of(1, 1, "route", &[1, 1, 0, 0]);
        other.tags = former.tags.clone();
        let mut back = learned_of(2, 0, "courier", &[1, 1, 0, 0]);
        back.tags = former.tags.clone();
        for learned in [former, other, back] {
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(1));
        assert_eq!(world.machines().count(), 3, "nobody went yet");
        world.apply(Input::PeerGone(peer(1), false), Seen(2));
        world.settle(Seen(3));
        let left: Vec<_> = world
            .machines()
            .map(|machine| (machine.key.peer, &*machine.id))
            .collect();
        let mut expected = [(peer(1), "route"), (peer(2), "courier")];
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn what_went_is_bounded_in_number_and_time() {
        let mut world = live();
        for index in 0..1_000 {
            let learned = learned_of(1, index, &format!("m{index}"), &[1, 1, 0, 0]);
            let key = learned.key;
            world.apply(Input::Learned(learned), Seen(0));
            world.apply(Input::Gone(key), Seen(index));
        }
        world.settle(Seen(2_000));
        assert_eq!(world.machines().count(), GONE_KEPT);
        world.settle(Seen(GONE_FOR * 2));
        assert_eq!(world.machines().count(), 0);
    }
}
