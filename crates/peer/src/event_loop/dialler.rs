//! Supervised dialling: every target is dialled until it is linked, again when the link goes, for ever.
//!
//! A state machine without IO or time of its own: the event loop tells it what happened and carries out its
//! [`Action`]s. A target is one peer with all its addresses, dialled as one so that only one connection comes of it,
//! or an address source, asked before each of its rounds.
//!
//! `Waiting -> (Asking ->) Dialling -> Linked`, and back to `Waiting` when a round fails or the link goes.

use std::collections::VecDeque;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use statemesh_core::collections::{OrderedMap, OrderedSet};
use statemesh_core::time::{Instant, earliest};

use crate::mesh::DialFailure;

/// All targets of a peer.
pub(crate) struct Dialler {
    targets: Vec<Target>,
    linked: OrderedSet<PeerId>,
    actions: VecDeque<Action>,
    jitter: Jitter,
    pace: Pace,
    changed: bool,
}

/// Number of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TargetNo(pub(crate) usize);

/// What the event loop has to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Ask the address source of this target, then [`Dialler::on_addresses`].
    Ask(TargetNo),
    /// Dial. What comes of it is told by the connection id.
    Dial(Box<DialOpts>),
    /// Give up dials to this peer that are still under way.
    Abort(PeerId),
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// For one dial, and for an address source.
    pub(crate) dial_limit: Duration,
    /// Longest pause between rounds.
    pub(crate) longest_pause: Duration,
    /// Between two dials to peers learned of on the mesh.
    pub(crate) between_strangers: Duration,
}

struct Target {
    kind: Kind,
    phase: Phase,
    /// Peers of the current round: the target is linked when all of them are.
    peers: OrderedSet<PeerId>,
    /// Rounds since the last success.
    rounds: u32,
    /// Why the last round that ended failed.
    failures: Vec<DialFailure>,
}

enum Kind {
    Fixed(Vec<Multiaddr>),
    Asked,
}

enum Phase {
    Linked,
    Waiting { until: Instant },
    Asking { until: Instant },
    Dialling(Round),
}

struct Round {
    until: Instant,
    pending: OrderedMap<ConnectionId, Attempt>,
    failures: Vec<DialFailure>,
}

struct Attempt {
    peer: Option<PeerId>,
    addresses: Vec<Multiaddr>,
}

impl Dialler {
    /// Targets for fixed addresses, grouped by peer id, and for `sources` address sources, numbered after those.
    pub(crate) fn new(addresses: Vec<Multiaddr>, sources: usize, pace: Pace, seed: u64) -> Self {
        let fixed = group(addresses)
            .into_iter()
            .map(|(_, addresses)| Kind::Fixed(addresses));
        let kinds = fixed.chain((0..sources).map(|_| Kind::Asked));
        let target = |kind| Target {
            kind,
            phase: Phase::Waiting {
                until: Instant::ZERO,
            },
            peers: OrderedSet::new(),
            rounds: 0,
            failures: Vec::new(),
        };
        Self {
            targets: kinds.map(target).collect(),
            linked: OrderedSet::new(),
            actions: VecDeque::new(),
            jitter: Jitter(seed | 1),
            pace,
            changed: true,
        }
    }
    /// Number of the first address source.
    pub(crate) fn first_source(&self) -> usize {
        let is_fixed = |target: &&Target| matches!(target.kind, Kind::Fixed(_));
        self.targets.iter().take_while(is_fixed).count()
    }
    /// True when there is nothing to dial.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
    /// The next thing to do.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
    /// When [`Dialler::handle_timeout`] wants to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.targets
            .iter()
            .map(Target::deadline)
            .fold(None, earliest)
    }
    /// True once after anything that [`Dialler::rounds`], [`Dialler::failures`] and [`Dialler::next_try`] show changed.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
    /// Rounds of the target that has tried longest.
    pub(crate) fn rounds(&self) -> u32 {
        self.targets.iter().map(|t| t.rounds).max().unwrap_or(0)
    }
    /// Why the last rounds failed.
    pub(crate) fn failures(&self) -> Vec<DialFailure> {
        let failures = self.targets.iter().flat_map(|t| &t.failures);
        failures.cloned().collect()
    }
    /// When the next round starts; `None` while one runs or nothing is left to dial.
    pub(crate) fn next_try(&self) -> Option<Instant> {
        let mut next = None;
        for target in &self.targets {
            match target.phase {
                Phase::Waiting { until } => next = earliest(next, Some(until)),
                Phase::Asking { .. } | Phase::Dialling(_) => return None,
                Phase::Linked => {}
            }
        }
        next
    }
    /// True while a round runs.
    pub(crate) fn is_dialling(&self) -> bool {
        let runs = |t: &Target| matches!(t.phase, Phase::Asking { .. } | Phase::Dialling(_));
        self.targets.iter().any(runs)
    }

    /// Starts what is due and gives up what takes too long.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for no in 0..self.targets.len() {
            if self.targets[no].deadline().is_none_or(|due| due > now) {
                continue;
            }
            match &self.targets[no].phase {
                Phase::Linked => {}
                Phase::Waiting { .. } => self.begin_round(no, now),
                Phase::Asking { .. } => {
                    let reason = no_answer(self.pace.dial_limit);
                    self.on_addresses(TargetNo(no), Err(reason), now);
                }
                Phase::Dialling(_) => self.give_up(no, now),
            }
        }
    }
    /// Starts the next round of every waiting target now.
    pub(crate) fn retry_now(&mut self, now: Instant) {
        for target in &mut self.targets {
            if matches!(target.phase, Phase::Waiting { .. }) {
                target.phase = Phase::Waiting { until: now };
            }
        }
        self.handle_timeout(now);
    }
    /// What an address source answered. Late answers are ignored.
    pub(crate) fn on_addresses(
        &mut self,
        no: TargetNo,
        answer: Result<Vec<Multiaddr>, String>,
        now: Instant,
    ) {
        let phase = self.targets.get(no.0).map(|target| &target.phase);
        if !matches!(phase, Some(Phase::Asking { .. })) {
            return;
        }
        match answer {
            Ok(addresses) if !addresses.is_empty() => self.dial(no.0, addresses, now),
            Ok(_) => self.fail(no.0, vec![of_source("it named no address")], now),
            Err(reason) => self.fail(no.0, vec![of_source(&reason)], now),
        }
    }
    /// A connection to this peer was made, by a dial of ours or not.
    pub(crate) fn on_linked(&mut self, peer: PeerId, connection: ConnectionId, now: Instant) {
        self.linked.insert(peer);
        for no in 0..self.targets.len() {
            let target = &mut self.targets[no];
            if let Phase::Dialling(round) = &mut target.phase {
                if round.pending.remove(&connection).is_some() {
                    target.peers.insert(peer);
                }
                round
                    .pending
                    .retain(|_, attempt| attempt.peer != Some(peer));
                self.end_round_if_over(no, now);
            }
        }
    }
    /// The last connection to this peer went.
    pub(crate) fn on_unlinked(&mut self, peer: PeerId, now: Instant) {
        self.linked.remove(&peer);
        for no in 0..self.targets.len() {
            let target = &self.targets[no];
            if matches!(target.phase, Phase::Linked) && target.peers.contains(&peer) {
                self.pause(no, now);
            }
        }
    }
    /// A dial failed. `reasons` says why, given the addresses that were tried.
    pub(crate) fn on_failed(
        &mut self,
        connection: ConnectionId,
        reasons: impl FnOnce(&[Multiaddr]) -> Vec<DialFailure>,
        now: Instant,
    ) {
        for no in 0..self.targets.len() {
            let Phase::Dialling(round) = &mut self.targets[no].phase else {
                continue;
            };
            if let Some(attempt) = round.pending.remove(&connection) {
                round.failures.extend(reasons(&attempt.addresses));
                self.end_round_if_over(no, now);
                return;
            }
        }
    }
    /// Dials nothing any more.
    pub(crate) fn stop(&mut self) {
        self.targets.clear();
        self.actions.clear();
    }

    fn begin_round(&mut self, no: usize, now: Instant) {
        self.changed = true;
        let target = &mut self.targets[no];
        target.rounds = target.rounds.saturating_add(1);
        match &target.kind {
            Kind::Fixed(addresses) => {
                let addresses = addresses.clone();
                self.dial(no, addresses, now);
            }
            Kind::Asked => {
                let until = now + self.pace.dial_limit;
                target.phase = Phase::Asking { until };
                self.actions.push_back(Action::Ask(TargetNo(no)));
            }
        }
    }

    fn dial(&mut self, no: usize, addresses: Vec<Multiaddr>, now: Instant) {
        let mut round = Round {
            until: now + self.pace.dial_limit,
            pending: OrderedMap::new(),
            failures: Vec::new(),
        };
        let groups = group(addresses);
        // A fixed address without a peer id keeps the peer that answered there before.
        if let Kind::Asked = self.targets[no].kind {
            self.targets[no].peers.clear();
        }
        for (peer, addresses) in groups {
            self.targets[no].peers.extend(peer);
            let known = &self.targets[no].peers;
            let linked = match peer {
                Some(peer) => self.linked.contains(&peer),
                None => known.iter().any(|peer| self.linked.contains(peer)),
            };
            if linked {
                continue;
            }
            let opts = dial_opts(peer, &addresses);
            round
                .pending
                .insert(opts.connection_id(), Attempt { peer, addresses });
            self.actions.push_back(Action::Dial(Box::new(opts)));
        }
        self.targets[no].phase = Phase::Dialling(round);
        self.end_round_if_over(no, now);
    }

    /// The round took too long: what is still pending has failed.
    fn give_up(&mut self, no: usize, now: Instant) {
        let Phase::Dialling(round) = &mut self.targets[no].phase else {
            return;
        };
        for (_, attempt) in std::mem::take(&mut round.pending) {
            let reason = no_answer(self.pace.dial_limit);
            let failures = attempt.addresses.into_iter().map(|address| DialFailure {
                address: Some(address),
                reason: reason.clone(),
            });
            round.failures.extend(failures);
            self.actions.extend(attempt.peer.map(Action::Abort));
        }
        self.end_round_if_over(no, now);
    }

    fn end_round_if_over(&mut self, no: usize, now: Instant) {
        let target = &mut self.targets[no];
        let Phase::Dialling(round) = &mut target.phase else {
            return;
        };
        if !round.pending.is_empty() {
            return;
        }
        let failures = std::mem::take(&mut round.failures);
        let all_linked = target.peers.iter().all(|peer| self.linked.contains(peer));
        if all_linked && failures.is_empty() && !target.peers.is_empty() {
            target.phase = Phase::Linked;
            target.rounds = 0;
            target.failures.clear();
            self.changed = true;
        } else {
            self.fail(no, failures, now);
        }
    }

    fn fail(&mut self, no: usize, failures: Vec<DialFailure>, now: Instant) {
        self.targets[no].failures = failures;
        self.pause(no, now);
    }

    fn pause(&mut self, no: usize, now: Instant) {
        let rounds = self.targets[no].rounds.saturating_sub(1) as usize;
        let step = PAUSES[rounds.min(PAUSES.len() - 1)].min(self.pace.longest_pause);
        let until = now + self.jitter.shorten(step);
        self.targets[no].phase = Phase::Waiting { until };
        self.changed = true;
    }
}

impl Target {
    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Linked => None,
            Phase::Waiting { until } | Phase::Asking { until } => Some(*until),
            Phase::Dialling(round) => Some(round.until),
        }
    }
}

/// Spreads the redials of many peers over time. Not for secrets.
struct Jitter(u64);

impl Jitter {
    /// Between 75 % and 100 % of `pause`.
    fn shorten(&mut self, pause: Duration) -> Duration {
        // xorshift64 (Marsaglia, 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        pause - pause.mul_f64((self.0 % 1024) as f64 / 4096.0)
    }
}

/// Addresses by peer id, in order of first appearance; an address without one stands alone.
fn group(addresses: Vec<Multiaddr>) -> Vec<(Option<PeerId>, Vec<Multiaddr>)> {
    let mut groups: Vec<(Option<PeerId>, Vec<Multiaddr>)> = Vec::new();
    for address in addresses {
        let peer = peer_of(&address);
        let same = groups
            .iter_mut()
            .find(|(known, list)| *known == peer && (peer.is_some() || list.contains(&address)));
        match same {
            Some((_, list)) if list.contains(&address) => {}
            Some((_, list)) => list.push(address),
            None => groups.push((peer, vec![address])),
        }
    }
    groups
}

fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        // Not an enum of ours: every other last part names no peer.
        _ => None,
    }
}

fn dial_opts(peer: Option<PeerId>, addresses: &[Multiaddr]) -> DialOpts {
    match (peer, addresses) {
        (None, [address]) => DialOpts::unknown_peer_id()
            .address(address.clone())
            .allocate_new_port()
            .build(),
        (Some(peer), addresses) => DialOpts::peer_id(peer)
            .condition(PeerCondition::Disconnected)
            .addresses(addresses.to_vec())
            .allocate_new_port()
            .build(),
        (None, _) => unreachable!("an address without a peer id stands alone in its group"),
    }
}

fn no_answer(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}

fn of_source(reason: &str) -> DialFailure {
    DialFailure {
        address: None,
        reason: reason.to_owned(),
    }
}

/// Pauses after the first, second … round that failed.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        dial_limit: Duration::from_secs(8),
        longest_pause: Duration::from_secs(5),
        between_strangers: Duration::from_secs(2),
    };

    struct Bench {
        dialler: Dialler,
        now: Instant,
    }

    impl Bench {
        fn new(addresses: &[&str], sources: usize) -> Self {
            let addresses = addresses.iter().map(|text| text.parse().unwrap());
            Self {
                dialler: Dialler::new(addresses.collect(), sources, PACE, 7),
                now: Instant::ZERO,
            }
        }
        /// Goes on to the next deadline.
        fn next(&mut self) -> Duration {
            let due = self.dialler.poll_timeout().expect("something is due");
            let waited = due.since(self.now);
            self.now = self.now.max(due);
            self.dialler.handle_timeout(self.now);
            waited
        }
        fn dialled(&mut self) -> DialOpts {
            match self.dialler.poll_action() {
                Some(Action::Dial(opts)) => *opts,
                other => panic!("{other:?}"),
            }
        }
        fn fail(&mut self, dial: &DialOpts) {
            let reasons = |tried: &[Multiaddr]| {
                let failure = |address: &Multiaddr| DialFailure {
                    address: Some(address.clone()),
                    reason: "no".to_owned(),
                };
                tried.iter().map(failure).collect()
            };
            self.dialler
                .on_failed(dial.connection_id(), reasons, self.now);
        }
        fn is_idle(&mut self) -> bool {
            self.dialler.poll_action().is_none()
        }
    }

    fn peer() -> (PeerId, String) {
        let peer = PeerId::random();
        (peer, format!("/memory/1/p2p/{peer}"))
    }

    #[test]
    fn all_addresses_of_a_peer_are_one_dial() {
        let (peer, memory) = peer();
        let ws = format!("/ip4/127.0.0.1/tcp/1/ws/p2p/{peer}");
        let mut bench = Bench::new(&[&memory, "/memory/9", &ws, &memory], 0);
        bench.next();
        assert_eq!(bench.dialled().get_peer_id(), Some(peer));
        assert_eq!(bench.dialled().get_peer_id(), None);
        assert!(bench.is_idle());
        assert_eq!(
            group(vec![memory.parse().unwrap(), ws.parse().unwrap()]).len(),
            1
        );
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_start_anew_after_a_link() {
        let (peer, address) = peer();
        let mut bench = Bench::new(&[&address], 0);
        assert_eq!(bench.next(), Duration::ZERO);
        let longest = [250, 500, 1000, 2000, 5000, 5000, 5000].map(Duration::from_millis);
        for (round, longest) in longest.into_iter().enumerate() {
            assert!(bench.dialler.is_dialling() && bench.dialler.next_try().is_none());
            let dial = bench.dialled();
            bench.fail(&dial);
            assert_eq!(bench.dialler.rounds() as usize, round + 1);
            assert_eq!(bench.dialler.failures().len(), 1);
            let waited = bench.next();
            assert!(
                waited <= longest && waited >= longest.mul_f64(0.74),
                "{waited:?}"
            );
        }
        let dial = bench.dialled();
        bench
            .dialler
            .on_linked(peer, dial.connection_id(), bench.now);
        assert_eq!(
            (bench.dialler.poll_timeout(), bench.dialler.rounds()),
            (None, 0)
        );
        assert!(bench.dialler.failures().is_empty());
        bench.dialler.on_unlinked(peer, bench.now);
        assert!(bench.next() <= longest[0]);
    }

    #[test]
    fn a_dial_that_hangs_is_given_up() {
        let (peer, address) = peer();
        let mut bench = Bench::new(&[&address], 0);
        bench.next();
        let dial = bench.dialled();
        assert_eq!(bench.next(), PACE.dial_limit);
        assert!(matches!(bench.dialler.poll_action(), Some(Action::Abort(it)) if it == peer));
        assert!(bench.dialler.failures()[0].reason.contains("no answer"));
        // What the aborted dial says later changes nothing.
        let due = bench.dialler.poll_timeout();
        bench.fail(&dial);
        assert_eq!(bench.dialler.poll_timeout(), due);
    }

    #[test]
    fn a_peer_that_came_by_itself_is_not_dialled() {
        let (peer, address) = peer();
        let mut bench = Bench::new(&[&address], 0);
        let inbound = ConnectionId::new_unchecked(99);
        bench.dialler.on_linked(peer, inbound, bench.now);
        bench.next();
        assert!(bench.is_idle() && bench.dialler.poll_timeout().is_none());
        bench.dialler.on_unlinked(peer, bench.now);
        bench.next();
        assert_eq!(bench.dialled().get_peer_id(), Some(peer));
    }

    #[test]
    fn an_address_without_a_peer_id_follows_who_answers() {
        let mut bench = Bench::new(&["/memory/9"], 0);
        bench.next();
        let dial = bench.dialled();
        let peer = PeerId::random();
        bench
            .dialler
            .on_linked(peer, dial.connection_id(), bench.now);
        assert!(bench.dialler.poll_timeout().is_none());
        bench.dialler.on_unlinked(PeerId::random(), bench.now);
        assert!(
            bench.dialler.poll_timeout().is_none(),
            "somebody else's link"
        );
        bench.dialler.on_unlinked(peer, bench.now);
        bench.next();
        assert_eq!(bench.dialled().get_peer_id(), None);
    }

    #[test]
    fn a_source_is_asked_before_every_round() {
        let (_, address) = peer();
        let addresses = || Ok(vec![address.parse().unwrap()]);
        let mut bench = Bench::new(&["/memory/9"], 1);
        let no = TargetNo(bench.dialler.first_source());
        assert_eq!(no, TargetNo(1));
        bench.next();
        bench.dialled();
        for answer in [Err("it is down".to_owned()), Ok(Vec::new()), addresses()] {
            while !matches!(bench.dialler.targets[1].phase, Phase::Asking { .. }) {
                bench.next();
            }
            let asked = std::iter::from_fn(|| bench.dialler.poll_action())
                .any(|action| matches!(action, Action::Ask(it) if it == no));
            assert!(asked);
            let good = answer.as_ref().is_ok_and(|addresses| !addresses.is_empty());
            bench.dialler.on_addresses(no, answer, bench.now);
            if good {
                bench.dialled();
            } else {
                let mut failures = bench.dialler.failures().into_iter();
                assert!(failures.any(|failure| failure.address.is_none()));
            }
        }
        // Nobody asked: a late answer is ignored.
        let phase = |bench: &Bench| bench.dialler.targets[1].deadline();
        let before = phase(&bench);
        bench.dialler.on_addresses(no, addresses(), bench.now);
        assert_eq!(phase(&bench), before);
    }

    #[test]
    fn retry_now_and_stop() {
        let (_, address) = peer();
        let mut bench = Bench::new(&[&address], 0);
        bench.next();
        let dial = bench.dialled();
        bench.fail(&dial);
        assert!(bench.dialler.take_changed() && !bench.dialler.take_changed());
        bench.dialler.retry_now(bench.now);
        assert!(bench.dialler.is_dialling() && bench.dialler.take_changed());
        bench.dialler.stop();
        assert!(bench.is_idle() && bench.dialler.is_empty());
        assert_eq!(bench.dialler.poll_timeout(), None);
    }
}
