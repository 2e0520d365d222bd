//! Puts what the page learns into the history: gossip as snapshots with their intervals, transitions of the tab's own
//! machines in full.
//!
//! Flow: session -> `Input` -> [`Recorder::take`]; an observer of an own machine -> [`Recorder::transition`]. Feeds of
//! remote machines will call [`History::append`] themselves.

use statemesh::machine::Transition;

use super::record::{Cause, Head};
use super::side::{LogLine, RefusedBy};
use super::{
    Fidelity, History, Interval, Journal, Limits, MachineKey, Moved, Named, Record, Refused, Seen,
    Side, Ticks,
};
use crate::model::{Input, Learned, Reading, Thresholds, belongs};

/// Fills a history.
#[derive(Clone, Debug)]
pub struct Recorder {
    history: History,
    journal: Journal,
    refused: u64,
}

impl Recorder {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            history: History::new(limits),
            journal: Journal::default(),
            refused: 0,
        }
    }

    /// Goes on from a recording.
    #[must_use]
    pub fn of(history: History, journal: Journal) -> Self {
        Self {
            history,
            journal,
            refused: 0,
        }
    }

    /// Takes one event of the session.
    pub fn take(&mut self, input: &Input, now: Seen) {
        match input {
            Input::Learned(learned) => self.learn(learned, now),
            Input::Read(key, reading) => self.read(key, reading),
            Input::Gone(key) => self.history.lose(key, now, true),
            Input::PeerGone(peer, said_bye) => {
                let keys = self.history.machines().map(|(key, _)| *key);
                let lost: Vec<MachineKey> = keys.filter(|key| key.peer == *peer).collect();
                for key in lost {
                    self.history.lose(&key, now, *said_bye);
                }
                self.journal.part(*peer, now, *said_bye);
            }
            Input::Peers(peers) => self.journal.peers(peers, now),
            Input::Links(links) => self.journal.links(links, now),
            Input::Traffic(traffic) => self.journal.count(traffic, now),
            Input::Phase(phase) => self.journal.phase(phase, now),
            Input::Own(peer) => self.journal.begin(*peer, now),
        }
    }

    /// An own machine did something. A number that was recorded already is passed by.
    pub fn transition(&mut self, key: &MachineKey, transition: &Transition, now: Seen) {
        self.transition_with(key, transition, String::new(), now);
    }

    /// The same, with the arguments of its mutation as its owner prints them.
    pub fn transition_with(
        &mut self,
        key: &MachineKey,
        transition: &Transition,
        arguments: String,
        now: Seen,
    ) {
        let Some(track) = self.history.track(key) else {
            self.refused += 1;
            return;
        };
        if track.last_number() >= Some(transition.tx.0) {
            self.refused += 1;
            return;
        }
        if track.clock() != transition.clock_before {
            if is_in(&transition.clock_after, track.clock()) {
                // A look at the machine came before its word about this.
                self.refused += 1;
                return;
            }
            // What moved it before was not observed.
            let at = Interval {
                after: None,
                by: now,
            };
            let missed = Record {
                fidelity: Fidelity::Local,
                ..Record::snapshot(at, &transition.clock_before)
            };
            self.append(key, &missed);
        }
        let head = head(transition);
        let side = side(transition, arguments);
        let ticks = transition.clock_after.iter().zip(&transition.clock_before);
        let moved: Vec<Moved> = (0..)
            .zip(ticks)
            .map(|(state, (after, before))| Moved {
                state,
                ticks: after.saturating_sub(*before),
            })
            .filter(|moved| moved.ticks > 0)
            .collect();
        let record = Record {
            at: Interval::at(now),
            fidelity: Fidelity::Local,
            first_hand: true,
            number: Some(transition.tx.0),
            owner_at: None,
            ticks: Ticks::Moved(&moved),
            head: Some(&head),
            side: Some(&side),
        };
        self.append(key, &record);
    }

    /// What was seen.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// For feeds, pins and limits.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// Peers, links, and the tab's own connection.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// How long the rules of health wait.
    pub fn set_rules(&mut self, rules: Thresholds) {
        self.journal.set_rules(rules);
    }

    /// Events that could not be recorded.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn learn(&mut self, learned: &Learned, now: Seen) {
        let named = Named {
            key: learned.key,
            id: learned.id.clone(),
        };
        let at = Interval {
            after: None,
            by: now,
        };
        let record = Record {
            fidelity: fidelity(learned.own),
            first_hand: learned.reading.first_hand,
            ..Record::snapshot(at, &learned.reading.clock)
        };
        let (role, host) = belongs(&learned.tags);
        self.journal
            .introduce(learned.key.peer, role, host.as_ref());
        let learned = self.history.learn(named, &learned.schema, &record);
        self.count(learned);
    }

    /// Own machines are read, too; their transitions say more and come first.
    fn read(&mut self, key: &MachineKey, reading: &Reading) {
        let standing = self.history.track(key).map(|track| track.standing());
        let own = standing.is_some_and(|it| it.fidelity == Fidelity::Local);
        let record = Record {
            fidelity: fidelity(own),
            first_hand: reading.first_hand,
            ..Record::snapshot(reading.changed, &reading.clock)
        };
        self.append(key, &record);
    }

    fn append(&mut self, key: &MachineKey, record: &Record<'_>) {
        let appended = self.history.append(key, record);
        self.count(appended);
    }

    fn count(&mut self, result: Result<(), Refused>) {
        self.refused += u64::from(result.is_err());
    }
}

/// The ticks of one clock are in another one.
fn is_in(earlier: &[u64], later: &[u64]) -> bool {
    (0..earlier.len().max(later.len())).all(|state| later.get(state) >= earlier.get(state))
}

fn fidelity(own: bool) -> Fidelity {
    if own {
        Fidelity::Local
    } else {
        Fidelity::Snapshots
    }
}

fn head(transition: &Transition) -> Head {
    Head {
        kind: transition.kind,
        called: transition.called.iter().map(|it| u32::from(it.0)).collect(),
        is_auto: transition.is_auto,
        is_check: transition.is_check,
        is_canceled: !transition.accepted,
        is_queued: transition.is_queued,
        source: transition.source.as_ref().map(|source| Cause {
            peer: None,
            machine: source.machine.clone(),
            number: source.tx.0,
            machine_time: source.machine_time,
        }),
        queue_tick: transition.queue_tick.map(|tick| tick.0),
        duration: transition
            .took
            .and_then(|took| u64::try_from(took.as_micros()).ok()),
    }
}

fn side(transition: &Transition, arguments: String) -> Side {
    let refusals = transition.refusals.iter();
    let lines = transition.lines.iter();
    Side {
        steps: transition.steps.clone(),
        refusals: refusals
            .map(|refusal| RefusedBy {
                handler: refusal.handler,
                reason: refusal.reason.as_deref().unwrap_or_default().to_owned(),
            })
            .collect(),
        log: lines
            .map(|line| LogLine {
                level: EXTERNAL,
                text: line.to_string(),
            })
            .collect(),
        arguments,
    }
}

/// The level of an application's own lines.
const EXTERNAL: u8 = 1;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use statemesh::prelude::*;
    use statemesh::{MachineIdx, SchemaDef, StateDef};

    use super::super::{Begins, Entry, Look, Place, Position};
    use super::*;
    use crate::model::SchemaFacts;
    use crate::model::fixture::{learned, peer, reading};

    #[test]
    fn gossip_becomes_intervals_and_silence_nothing() {
        let mut recorder = Recorder::new(Limits::default());
        let courier = learned("courier-17", &[1, 1, 0, 0]);
        let key = courier.key;
        recorder.take(&Input::Learned(courier), Seen(1_000));
        for clock in [[1, 1, 0, 0], [1, 2, 4, 0]] {
            let read = Input::Read(key, reading(&clock, 2_000, 7_000));
            recorder.take(&read, Seen(7_000));
        }
        recorder.take(&Input::PeerGone(key.peer, true), Seen(9_000));
        let track = recorder.history().track(&key).unwrap();
        let entries: Vec<Entry> = track.entries(Place(0)).collect();
        assert_eq!(entries.len(), 2);
        assert!(entries[0].is_first_look);
        assert_eq!(entries[1].at.after, Some(Seen(2_000)));
        let detail = entries[1].detail.as_ref().unwrap();
        assert_eq!(
            (detail.ticks(), detail.machine_time, &detail.head),
            (5, 7, &None)
        );
        assert_eq!(
            detail.flickers().map(|it| it.state).collect::<Vec<_>>(),
            [2]
        );
        let last = track
            .marks(Position::default(), Position::end_of(Seen(9_999)))
            .last();
        assert_eq!(last.unwrap().begins, Begins::Gone);
        assert_eq!(track.standing().gone, Some((Seen(9_000), true)));
    }

    #[test]
    fn an_own_machine_is_recorded_transition_by_transition() {
        let def = SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start"]))
            .state("Exception", StateDef::new().multi());
        let machine = Machine::new("own", def.clone());
        let key = MachineKey {
            peer: peer(7),
            index: MachineIdx(0),
        };
        let mut recorder = Recorder::new(Limits::default());
        let own = Learned {
            key,
            own: true,
            schema: Arc::new(SchemaFacts::new(&def)),
            reading: reading(&machine.clock(), 0, 0),
            ..learned("own", &[])
        };
        recorder.take(&Input::Learned(own), Seen(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let _guard = machine.trace(move |transition| sink.lock().unwrap().push(transition.clone()));
        machine.add("Start").unwrap();
        machine.remove("Start").unwrap();
        let transitions = std::mem::take(&mut *seen.lock().unwrap());
        assert!(
            transitions.len() >= 3,
            "Start, Ready by itself, and out again"
        );
        for transition in &transitions {
            recorder.transition(&key, transition, Seen(5));
            recorder.transition(&key, transition, Seen(5));
        }
        let track = recorder.history().track(&key).unwrap();
        let entries: Vec<Entry> = track.entries(Place(1)).collect();
        assert_eq!(entries.len(), transitions.len(), "each once");
        for (entry, transition) in entries.iter().zip(&transitions) {
            let detail = entry.detail.as_ref().unwrap();
            assert_eq!(entry.at, Interval::at(Seen(5)));
            assert_eq!(detail.number, Some(transition.tx.0));
            let head = detail.head.as_ref().unwrap();
            assert_eq!(head.is_auto, transition.is_auto);
            assert_eq!(head.is_canceled, !transition.accepted);
            let position = track.position(entry.place).unwrap();
            let Look::State(state) = track.look(position) else {
                panic!("it is held");
            };
            assert_eq!(state.clock, transition.clock_after);
        }
        assert_eq!(track.gaps().count(), 0);
        assert_eq!(recorder.refused(), transitions.len() as u64);
    }

    #[test]
    fn what_an_own_machine_says_late_is_no_restart() {
        let def = SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start"]));
        let machine = Machine::new("own", def.clone());
        let own = Learned {
            own: true,
            schema: Arc::new(SchemaFacts::new(&def)),
            reading: reading(&machine.clock(), 0, 0),
            ..learned("own", &[])
        };
        let key = own.key;
        let mut recorder = Recorder::new(Limits::default());
        recorder.take(&Input::Learned(own), Seen(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let _guard = machine.trace(move |transition| sink.lock().unwrap().push(transition.clone()));
        machine.add("Start").unwrap();
        let read = Reading {
            changed: Interval::at(Seen(5)),
            ..reading(&machine.clock(), 0, 0)
        };
        recorder.take(&Input::Read(key, read), Seen(5));
        for transition in seen.lock().unwrap().iter() {
            recorder.transition(&key, transition, Seen(6));
        }
        machine.remove("Start").unwrap();
        for transition in seen.lock().unwrap().iter() {
            recorder.transition(&key, transition, Seen(7));
        }
        let track = recorder.history().track(&key).unwrap();
        assert_eq!(track.standing().epoch, 1, "it never restarted");
        assert_eq!(track.clock(), machine.clock());
        let numbers: Vec<_> = track
            .entries(Place(1))
            .map(|it| it.detail.unwrap().number)
            .collect();
        let last = seen.lock().unwrap().last().unwrap().tx.0;
        assert_eq!(numbers.first(), Some(&None), "the look came first");
        assert_eq!(numbers.last(), Some(&Some(last)));
    }
}
