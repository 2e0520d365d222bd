//! Local machines that the mesh sees: the bits their commits set, and what the loop reads after.
//!
//! `commit -> dirty bit, waker -> loop -> clock under the short lock -> Input::Clock`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use statemesh_core::MachineIdx;
use statemesh_core::collections::OrderedMap;
use statemesh_core::node::{Exposed, Input};

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
    _commits: TraceGuard,
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

/// The clock of the states that were announced.
fn announced(machine: &Machine, states: usize) -> Vec<u64> {
    let mut clock = machine.clock();
    clock.truncate(states);
    clock
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
        let schema = machine.schema();
        let exposed = Exposed {
            id: machine.id().into(),
            tags: machine.tags().to_vec(),
            parent: machine.parent().to_owned(),
            clock: announced(machine, schema.len()),
            schema,
        };
        if machine.is_disposed() {
            dirty.store(true, Ordering::Release);
            self.signals.raise_dirty();
        }
        let exposure = Exposure {
            machine: machine.clone(),
            dirty,
            states: exposed.schema.len(),
            _commits: commits,
        };
        self.exposed.insert(index, exposure);
        Ok(exposed)
    }
    /// Lets go of a machine. `false`: it was not exposed.
    pub(crate) fn remove(&mut self, index: MachineIdx) -> bool {
        self.exposed.remove(&index).is_some()
    }
    /// What changed since this was last called: new clocks, and machines that were disposed.
    pub(crate) fn take_changes(&mut self) -> Vec<Input> {
        // The common bit first: a commit after this raises it again.
        self.signals.dirty.store(false, Ordering::Release);
        let mut changes = Vec::new();
        self.exposed.retain(|&index, exposure| {
            if !exposure.dirty.swap(false, Ordering::AcqRel) {
                return true;
            }
            let disposed = exposure.machine.is_disposed();
            changes.push(match disposed {
                true => Input::Withdraw(index),
                false => Input::Clock(index, announced(&exposure.machine, exposure.states)),
            });
            !disposed
        });
        changes
    }
}
