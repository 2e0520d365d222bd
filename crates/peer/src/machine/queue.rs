//! Questions to the queue and to the counters of a machine.

use statemesh_core::QueueTick;
use statemesh_core::engine::{MutationKind, QueueFilter, Time, Waiting};

use super::{Machine, States, states};

/// What waits, and what has been.
impl Machine {
    /// Does a waiting mutation add all of these states?
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// let schema = SchemaDef::new().state("A", StateDef::new()).state("B", StateDef::new());
    /// let handlers = Handlers::new(()).state("A", |_, event| {
    ///     let machine = event.machine();
    ///     if !machine.will_be("B") {
    ///         let _ = machine.add("B");
    ///     }
    ///     assert!(machine.will_be("B") && !machine.is("B"));
    /// });
    /// let machine = Machine::builder("m", schema).handlers(handlers).build();
    /// machine.add("A")?;
    /// assert!(machine.is("B") && !machine.will_be("B"));
    /// # Ok::<_, statemesh::machine::UnknownState>(())
    /// ```
    #[must_use]
    pub fn will_be(&self, states: impl States) -> bool {
        self.is_queued(MutationKind::Add, &states)
    }

    /// Does a waiting mutation remove all of these states?
    #[must_use]
    pub fn will_be_removed(&self, states: impl States) -> bool {
        self.is_queued(MutationKind::Remove, &states)
    }

    /// The waiting mutations that fit, in the order in which they will run: for callers that limit their own rate.
    #[must_use]
    pub fn queued(&self, filter: QueueFilter<'_>) -> Vec<Waiting> {
        self.shared.lock().engine.queued(filter).collect()
    }

    /// Mutations and evals that wait.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.shared.lock().engine.queue_len()
    }

    /// Number of the last appended mutation taken from the queue; 1 before the first.
    #[must_use]
    pub fn queue_tick(&self) -> QueueTick {
        self.shared.lock().engine.queue_tick()
    }

    /// True while somebody drains this machine: mutations are only queued.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.lock().draining
    }

    /// Sum of all ticks, wrapping.
    #[must_use]
    pub fn machine_time(&self) -> u64 {
        self.shared.lock().engine.machine_time()
    }

    /// Machines of the same id that went before; counted by imports.
    #[must_use]
    pub fn machine_tick(&self) -> u32 {
        self.shared.lock().engine.machine_tick()
    }

    /// All ticks, in index order, as a value that can be asked and compared.
    #[must_use]
    pub fn time(&self) -> Time {
        self.shared.lock().engine.time()
    }

    fn is_queued(&self, kind: MutationKind, states: &impl States) -> bool {
        let Ok(list) = states::resolve(states, self.id(), &self.shared.schema.now()) else {
            return false;
        };
        let state = self.shared.lock();
        let mut queued = state.engine.queued(QueueFilter::new(kind, &list));
        queued.next().is_some()
    }
}
