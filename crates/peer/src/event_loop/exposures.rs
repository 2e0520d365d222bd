//! Local machines that the mesh sees: the bits their commits set, and what the loop reads after.
//!
//! `commit -> dirty bit, waker -> loop -> clock under the short lock -> Input::Clock`
//!
//! A machine whose schema has grown is another one to the mesh, since a clock of another length kills a Go peer's mirror
//! (mesh-protocol.md 4.3, L9): it is introduced again under a new index, and the old index is taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use statemesh_core::MachineIdx;
use statemesh_core::collections::OrderedMap;
use statemesh_core::node::{Exposed, Input, Reading, Ticks};

use crate::machine::{Machine, TraceGuard};

/// What wakes the loop from other threads without a queue: bits, so nothing can pile up.
#[derive(Default)]
pub(crate) struct Signals {
    dirty: AtomicBool,
    retry: AtomicBool,
    waker: AtomicWaker,
}

/// Exposed machines by index.
pub(crate) struct Exposures {
    signals: Arc<Signals>,
    exposed: OrderedMap<MachineIdx, Exposure>,
}

struct Exposure {
    machine: Machine,
    dirty: Arc<AtomicBool>,
    /// How many were announced. States that a schema got later come behind them.
    states: usize,
    /// The index that the application was told, whatever it became since.
    told: MachineIdx,
    _commits: TraceGuard,
}

/// What became of an exposed machine.
pub(crate) enum Changed {
    /// The node has to know.
    Input(Input),
    /// It has more states than were announced under this index.
    Grown(MachineIdx),
}

impl Signals {
    /// Asks for the next round of dialling now.
    pub(crate) fn retry(&self) {
        self.retry.store(true, Ordering::Release);
        self.waker.wake();
    }
    /// Was that asked for?
    pub(crate) fn take_retry(&self) -> bool {
        self.retry.swap(false, Ordering::AcqRel)
    }
    /// Ready while something is raised.
    pub(crate) fn poll_raised(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        match self.dirty.load(Ordering::Acquire) || self.retry.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
    fn raise_dirty(&self) {
        self.dirty.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The clock of the states that were announced, and the counters beside it.
fn reading(machine: &Machine, states: usize) -> Reading {
    Reading {
        ticks: Some(Ticks {
            machine: machine.machine_tick().into(),
            queue: machine.queue_tick().0,
        }),
        clock: announced(machine, states),
    }
}

/// The clock of the states that were announced.
fn announced(machine: &Machine, states: usize) -> Vec<u64> {
    let mut clock = machine.clock();
    clock.truncate(states);
    clock
}

/// How to introduce it, as it is now.
fn introduction(machine: &Machine) -> Exposed {
    let schema = machine.schema();
    Exposed {
        id: machine.id().into(),
        tags: machine.tags().to_vec(),
        parent: machine.parent().to_owned(),
        clock: announced(machine, schema.len()),
        schema,
    }
}

impl Exposures {
    /// None yet.
    pub(crate) fn new(signals: Arc<Signals>) -> Self {
        Self {
            signals,
            exposed: OrderedMap::new(),
        }
    }
    /// Watches a machine and says how to introduce it.
    ///
    /// # Errors
    /// The index under which it is exposed already; nothing changed.
    pub(crate) fn add(
        &mut self,
        index: MachineIdx,
        machine: &Machine,
    ) -> Result<Exposed, MachineIdx> {
        let same = |known: &&MachineIdx| self.exposed[*known].machine.is_same(machine);
        if let Some(known) = self.exposed.keys().find(same) {
            return Err(*known);
        }
        let dirty = Arc::new(AtomicBool::new(false));
        let (signals, bit) = (self.signals.clone(), dirty.clone());
        // Watched first, read after: no commit falls between.
        let commits = machine.on_commit(Arc::new(move || {
            bit.store(true, Ordering::Release);
            signals.raise_dirty();
        }));
        let exposed = introduction(machine);
        if machine.is_disposed() {
            dirty.store(true, Ordering::Release);
            self.signals.raise_dirty();
        }
        let exposure = Exposure {
            machine: machine.clone(),
            dirty,
            states: exposed.schema.len(),
            told: index,
            _commits: commits,
        };
        self.exposed.insert(index, exposure);
        Ok(exposed)
    }
    /// Moves a machine that has grown from its old index to a new one, and says how to introduce it. `None`: it is not
    /// there any more.
    pub(crate) fn regrow(&mut self, old: MachineIdx, new: MachineIdx) -> Option<Exposed> {
        let mut exposure = self.exposed.remove(&old)?;
        let exposed = introduction(&exposure.machine);
        exposure.states = exposed.schema.len();
        self.exposed.insert(new, exposure);
        Some(exposed)
    }
    /// Lets go of a machine, by its index or the one the application was told. Its index; `None`: it was not exposed.
    pub(crate) fn remove(&mut self, index: MachineIdx) -> Option<MachineIdx> {
        let mut exposed = self.exposed.iter();
        let meant = |(at, it): &(&MachineIdx, &Exposure)| **at == index || it.told == index;
        let at = *exposed.find(meant)?.0;
        self.exposed.remove(&at);
        Some(at)
    }
    /// What changed since this was last called: new clocks, and machines that were disposed.
    pub(crate) fn take_changes(&mut self) -> Vec<Changed> {
        // The common bit first: a commit after this raises it again.
        self.signals.dirty.store(false, Ordering::Release);
        let mut changes = Vec::new();
        self.exposed.retain(|&index, exposure| {
            if !exposure.dirty.swap(false, Ordering::AcqRel) {
                return true;
            }
            let disposed = exposure.machine.is_disposed();
            changes.push(if disposed {
                Changed::Input(Input::Withdraw(index))
            } else if exposure.machine.schema().len() > exposure.states {
                Changed::Grown(index)
            } else {
                let reading = reading(&exposure.machine, exposure.states);
                Changed::Input(Input::Clock(index, reading))
            });
            !disposed
        });
        changes
    }
}
