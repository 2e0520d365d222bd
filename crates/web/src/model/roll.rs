//! All machines of a world with what is thought of them, and what is asked of all at once kept as they come, change and
//! go: how many are how, which of them are in trouble or gone, and which share a name. So what a frame costs depends on
//! what changed, not on how many there are.

use std::ops::RangeInclusive;
use std::sync::Arc;

use statemesh::core::collections::{OrderedMap, OrderedSet};
use statemesh::{MachineIdx, PeerId};

use super::{Assessment, Health, Machine, MachineKey, Seen};

/// Machines by key.
#[derive(Debug, Default)]
pub(super) struct Roll {
    known: OrderedMap<MachineKey, Known>,
    counts: [usize; HEALTHS.len()],
    troubled: OrderedSet<MachineKey>,
    gone: OrderedSet<MachineKey>,
    /// Machines of one name by the ends of their owners' ids.
    names: OrderedMap<(Arc<str>, [u8; 8]), usize>,
}

/// A machine, and what is thought of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) machine: Machine,
    pub(super) answer: Option<Assessment>,
    /// Time alone does not change the answer before then.
    pub(super) until: Seen,
}

impl Known {
    fn health(&self) -> Health {
        self.answer.map_or(Health::Ok, |answer| answer.health)
    }
}

impl Roll {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&MachineKey, &Known)> {
        self.known.iter()
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.known.values().map(|known| &known.machine)
    }

    pub(super) fn get(&self, key: &MachineKey) -> Option<&Known> {
        self.known.get(key)
    }

    pub(super) fn machine(&self, key: &MachineKey) -> Option<&Machine> {
        self.known.get(key).map(|known| &known.machine)
    }

    /// Machines of one owner.
    pub(super) fn of(&self, peer: &PeerId) -> impl Iterator<Item = (&MachineKey, &Known)> {
        self.known.range(indexes(peer))
    }

    /// Those that are neither fine nor starting.
    pub(super) fn troubled(&self) -> impl Iterator<Item = (&MachineKey, &Known)> {
        let known = |key| self.known.get(key).map(|known| (key, known));
        self.troubled.iter().filter_map(known)
    }

    /// Those that went.
    pub(super) fn gone(&self) -> impl Iterator<Item = &Machine> {
        self.gone.iter().filter_map(|key| self.machine(key))
    }

    /// Somebody went.
    pub(super) fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Machines that count, by health, the worst first.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Health, usize)> {
        HEALTHS.into_iter().zip(self.counts)
    }

    /// Machines called so whose owners' ids end like this.
    pub(super) fn namesakes(&self, machine: &Machine) -> usize {
        let name = (Arc::clone(&machine.id), machine.tail);
        self.names.get(&name).copied().unwrap_or_default()
    }

    /// A machine came, or is another one now.
    pub(super) fn insert(&mut self, machine: Machine) {
        self.remove(&machine.key);
        let key = machine.key;
        let name = (Arc::clone(&machine.id), machine.tail);
        *self.names.get_or_insert_with(name, || 0) += 1;
        let known = Known {
            machine,
            answer: None,
            until: Seen(0),
        };
        self.count(&known, true);
        if known.machine.gone.is_some() {
            self.gone.insert(key);
        }
        self.known.insert(key, known);
    }

    pub(super) fn remove(&mut self, key: &MachineKey) {
        let Some(known) = self.known.remove(key) else {
            return;
        };
        self.count(&known, false);
        self.troubled.remove(key);
        self.gone.remove(key);
        let name = (Arc::clone(&known.machine.id), known.machine.tail);
        if let Some(count) = self.names.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                self.names.remove(&name);
            }
        }
    }

    /// Changes a machine, not its name.
    pub(super) fn change<T>(
        &mut self,
        key: &MachineKey,
        change: impl FnOnce(&mut Machine) -> T,
    ) -> Option<T> {
        let known = self.known.get_mut(key)?;
        let was_gone = known.machine.gone.is_some();
        let answer = change(&mut known.machine);
        known.until = Seen(0);
        match (was_gone, known.machine.gone.is_some()) {
            (false, true) => _ = self.gone.insert(*key),
            (true, false) => _ = self.gone.remove(key),
            (true, true) | (false, false) => {}
        }
        Some(answer)
    }

    /// What is thought of it from now on, which time alone does not change before `until`.
    pub(super) fn judge(&mut self, key: &MachineKey, answer: Assessment, until: Seen) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        known.until = until;
        let counts = known.machine.counts();
        let before = known.health();
        known.answer = Some(answer);
        if before == answer.health {
            return;
        }
        if counts {
            self.counts[place(before)] -= 1;
            self.counts[place(answer.health)] += 1;
        }
        if is_fine(answer.health) {
            self.troubled.remove(key);
        } else {
            self.troubled.insert(*key);
        }
    }

    /// What is thought of each has to be thought again: `None` of all.
    pub(super) fn doubt(&mut self, peer: Option<&PeerId>) {
        match peer {
            None => self.known.for_each_mut(|_, known| known.until = Seen(0)),
            Some(peer) => {
                let keys: Vec<MachineKey> = self.of(peer).map(|(key, _)| *key).collect();
                for key in keys {
                    self.change(&key, |_| ());
                }
            }
        }
    }

    fn count(&mut self, known: &Known, is_in: bool) {
        if !known.machine.counts() {
            return;
        }
        let count = &mut self.counts[place(known.health())];
        *count = if is_in { *count + 1 } else { *count - 1 };
    }
}

fn indexes(peer: &PeerId) -> RangeInclusive<MachineKey> {
    let key = |index| MachineKey {
        peer: *peer,
        index: MachineIdx(index),
    };
    key(0)..=key(u64::MAX)
}

fn is_fine(health: Health) -> bool {
    matches!(health, Health::Ok | Health::Starting)
}

fn place(health: Health) -> usize {
    let place = HEALTHS.iter().position(|it| *it == health);
    place.unwrap_or(HEALTHS.len() - 1)
}

/// In the order of the verdict.
const HEALTHS: [Health; 7] = [
    Health::Error,
    Health::NotReady,
    Health::Quiet,
    Health::Stale,
    Health::Gone,
    Health::Starting,
    Health::Ok,
];

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned_of, peer, reading};
    use super::super::health::assess;
    use super::super::{Input, PeerFacts, Phase, World};
    use super::*;

    /// Machines of three owners that change, fail, recover and fall silent over two minutes.
    fn told(step: u64) -> Vec<Input> {
        let key = |owner, index| learned_of(owner, index, "", &[]).key;
        let mut inputs = Vec::new();
        if step < 70 {
            let ready = 1 + u64::from(step % 30 > 20);
            let clock = [1, ready, step, step / 40];
            inputs.push(Input::Read(key(1, 0), reading(&clock, 0, step * 1_000)));
        }
        if step == 20 {
            inputs.push(Input::Read(key(2, 1), reading(&[1, 2, 0, 1], 0, 20_000)));
        }
        let facts = (1..=3).map(|owner| PeerFacts {
            heard: Some(Seen(1_000 * if owner == 2 { step.min(50) } else { step })),
            heartbeat: (owner != 3).then_some(2_000),
            ..PeerFacts::unknown(peer(owner))
        });
        if step.is_multiple_of(5) {
            inputs.push(Input::Peers(facts.collect()));
        }
        inputs
    }

    #[test]
    fn answers_are_thought_again_when_they_may_differ_and_counts_follow() {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        for (owner, index) in [(1, 0), (1, 1), (2, 1), (3, 0)] {
            let learned = learned_of(owner, index, "m", &[1, index, 0, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        let mut seen = OrderedSet::new();
        for step in 0..120 {
            for input in told(step) {
                world.apply(input, Seen(step * 1_000));
            }
            for now in (step * 1_000..(step + 1) * 1_000).step_by(100).map(Seen) {
                world.settle(now);
                let mut counts = [0; HEALTHS.len()];
                for machine in world.machines() {
                    let owner = world.peer(&machine.key.peer);
                    let answer = assess(machine, owner, now, Seen(0));
                    assert_eq!(world.assessment(&machine.key), answer, "{now:?}");
                    counts[place(answer.health)] += 1;
                    seen.insert(answer.health);
                }
                assert_eq!(world.roll().counts, counts);
                let troubled = counts[..5].iter().sum::<usize>();
                assert_eq!(world.roll().troubled().count(), troubled);
            }
        }
        let seen: Vec<Health> = seen.iter().copied().collect();
        assert!(seen.len() >= 5, "{seen:?}");
    }

    #[test]
    fn whoever_shares_a_name_is_counted_as_long_as_it_is_there() {
        let mut roll = Roll::default();
        let machine = |owner, index| {
            let learned = learned_of(owner, index, "lamp", &[1, 1, 0, 0]);
            Machine::new(learned, Seen(0))
        };
        let (first, again) = (machine(1, 0), machine(1, 1));
        for it in [first.clone(), again.clone(), machine(2, 0), first.clone()] {
            roll.insert(it);
        }
        assert_eq!(roll.namesakes(&first), 2);
        assert_eq!(roll.of(&first.key.peer).count(), 2);
        roll.change(&first.key, |machine| machine.gone = Some(Seen(1)));
        assert!(roll.has_gone());
        roll.remove(&first.key);
        assert!(!roll.has_gone());
        assert_eq!(roll.namesakes(&again), 1);
        assert_eq!(roll.counts().map(|(_, count)| count).sum::<usize>(), 2);
    }
}
