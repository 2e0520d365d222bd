//! Runs the sample workflow in this tab and shows its machines as the tab's own. They are not shared.
//!
//! [`Sample::act`] -> transitions -> `Store::own`, and a timer until the next act. A sample that is to begin far on acts
//! in slices without waiting, so that the page draws meanwhile.

use std::sync::Arc;
use std::time::Duration;

use crate::ui::prelude::*;
use statemesh::machine::{Machine, Transition};
use statemesh::{MachineIdx, PeerId};
use wasm_bindgen_futures::spawn_local;

use super::{Session, convert};
use crate::browser;
use crate::model::{Input, Interval, Learned, MachineKey, Reading, SchemaFacts, Seen};
use crate::sample::{Sample, arguments};
use crate::store::Store;

/// The sample of this session, if it runs.
#[derive(Default)]
pub(super) struct Play {
    running: Option<Running>,
    /// Runs begun so far: each has machines of its own.
    runs: u64,
    /// It was asked for before there was a peer: begin this far on.
    wanted: Option<u64>,
}

struct Running {
    sample: Sample,
    keys: [MachineKey; 3],
    /// Acts without waiting until there are so many transitions.
    until: u64,
}

impl Session {
    /// Starts the sample workflow, as soon as there is a peer; `until`: so many transitions lie behind it when it begins to
    /// take its time.
    pub fn run_sample(self, until: u64) {
        spawn_local(async move {
            if browser::whole().await {
                self.play_sample(until);
            }
        });
    }

    #[inline(never)]
    fn play_sample(self, until: u64) {
        let own = self
            .inner
            .with_value(|inner| inner.mesh.as_ref().map(statemesh::mesh::Mesh::peer_id));
        let is_running = self
            .play
            .try_update_value(|play| {
                play.wanted = own.is_none().then_some(until);
                play.running.is_some()
            })
            .unwrap_or(true);
        let Some(own) = own.filter(|_| !is_running) else {
            return;
        };
        let sample = Sample::new(SEED);
        let run = self.play.try_update_value(|play| {
            play.runs += 1;
            play.runs
        });
        let Some(run) = run else { return };
        // Index 0 is the lifecycle's, and none is used twice.
        let first = (run - 1) * 3 + 1;
        let keys = [0, 1, 2].map(|place| key(own, first + place));
        let now = browser::now();
        for (machine, key) in sample.machines().into_iter().zip(keys) {
            self.store.apply(Input::Learned(learned(machine, key, now)));
        }
        let running = Running {
            sample,
            keys,
            until,
        };
        self.play.update_value(|play| play.running = Some(running));
        self.sample.set(true);
        self.act(run);
    }

    /// Ends it; its machines are gone, their history stays.
    pub fn stop_sample(self) {
        let Some(mut running) = self.take_sample() else {
            return;
        };
        running.sample.end();
        running.hand_over(self.store);
        for key in running.keys {
            self.store.apply(Input::Gone(key));
        }
    }

    /// Starts or stops it.
    pub fn toggle_sample(self) {
        if self.sample.get_untracked() {
            self.stop_sample();
        } else {
            self.run_sample(0);
        }
    }

    /// Ends it without a word: its machines belong to a peer that goes.
    pub(super) fn drop_sample(self) {
        if let Some(running) = self.take_sample() {
            running.sample.end();
        }
    }

    fn take_sample(self) -> Option<Running> {
        self.sample.set(false);
        self.play.try_update_value(|play| play.running.take())?
    }

    /// What was asked for before there was a peer.
    pub(super) fn begin_sample(self) {
        let wanted = self.play.try_update_value(|play| play.wanted.take());
        if let Some(Some(until)) = wanted {
            self.run_sample(until);
        }
    }

    /// Does the next thing, or a slice of many, and comes back.
    fn act(self, run: u64) {
        let pause = self.play.try_update_value(|play| {
            let is_same = play.runs == run;
            let running = play.running.as_mut().filter(|_| is_same)?;
            let began = browser::now();
            let mut pause = running.sample.act();
            running.hand_over(self.store);
            while running.sample.count() < running.until {
                if browser::now().since(began) >= SLICE {
                    return Some(0);
                }
                for _ in 0..ACTS {
                    pause = running.sample.act();
                }
                running.hand_over(self.store);
            }
            Some(pause)
        });
        if let Some(Some(pause)) = pause {
            set_timeout(move || self.act(run), Duration::from_millis(pause));
        }
    }
}

impl Running {
    fn hand_over(&mut self, store: Store) {
        let told = self.sample.take();
        let told = told
            .into_iter()
            .map(|(place, it)| (self.keys[place], arguments(&it), it));
        store.own(told.collect());
    }
}

impl Store {
    /// Own machines did something, in this order.
    pub fn own(self, told: Vec<(MachineKey, String, Transition)>) {
        let now = browser::now();
        for (key, arguments, transition) in told {
            self.transition_with(&key, &transition, arguments);
            if transition.clock_before != transition.clock_after {
                let reading = convert::reading_after(&transition, now);
                self.apply(Input::Read(key, reading));
            }
        }
    }
}

fn key(peer: PeerId, index: u64) -> MachineKey {
    MachineKey {
        peer,
        index: MachineIdx(index),
    }
}

/// Before its first transition: what it did since then is on its way.
fn learned(machine: &Machine, key: MachineKey, now: Seen) -> Learned {
    let schema = machine.schema();
    Learned {
        key,
        id: machine.id().into(),
        tags: machine.tags().to_vec(),
        parent: machine.parent().to_owned(),
        reading: Reading {
            clock: Arc::from(vec![0; machine.clock().len()]),
            first_hand: true,
            changed: Interval::at(now),
        },
        schema: Arc::new(SchemaFacts::new(schema.def())),
        own: true,
    }
}

/// What happens is the same in every tab.
const SEED: u64 = 7;
/// Milliseconds of a slice: half a frame.
const SLICE: u64 = 8;
/// Acts between two looks at the clock.
const ACTS: u32 = 8;
