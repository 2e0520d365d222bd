//! Questions to the queue, the ticks and the counters of a machine.

use statemesh_core::engine::{MutationKind, QueueFilter, Time, Waiting};
use statemesh_core::{QueueTick, StateIdx};

use super::states::StateList;
use super::{Machine, StateName, States, states};

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

    /// Is each of these states at exactly this tick? False for an unknown one, and when the lengths differ.
    #[must_use]
    pub fn is_time(&self, states: impl States, ticks: &[u64]) -> bool {
        self.compare(&states, ticks, |now, tick| now == tick)
    }

    /// Has each of these states reached this tick? False for an unknown one, and when the lengths differ.
    #[must_use]
    pub fn was_time(&self, states: impl States, ticks: &[u64]) -> bool {
        self.compare(&states, ticks, |now, tick| now >= tick)
    }

    /// The first of these states that is active: to branch over states that exclude each other.
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// states! { enum S { Red { remove: [Green] }, Green { remove: [Red] } } }
    ///
    /// let light = Machine::new("light", S::schema());
    /// light.add(S::Green)?;
    /// match light.first_active(&[S::Red, S::Green]) {
    ///     Some(S::Green) => println!("go"),
    ///     _ => println!("stop"),
    /// }
    /// # assert_eq!(light.first_active(&[S::Red, S::Green]), Some(S::Green));
    /// # Ok::<_, statemesh::machine::UnknownState>(())
    /// ```
    #[must_use]
    pub fn first_active<S: StateName + Clone>(&self, states: &[S]) -> Option<S> {
        let schema = self.shared.schema.now();
        let places: StateList = states
            .iter()
            .map(|state| schema.find(state.state_ref()).unwrap_or(NOWHERE))
            .collect();
        let engine = &self.shared.lock().engine;
        let first = places.iter().position(|&state| engine.is(state))?;
        states.get(first).cloned()
    }

    fn compare(&self, states: &impl States, ticks: &[u64], holds: fn(u64, u64) -> bool) -> bool {
        let Ok(list) = states::resolve(states, self.id(), &self.shared.schema.now()) else {
            return false;
        };
        let engine = &self.shared.lock().engine;
        states::compare(&list, ticks, |state| engine.tick(state), holds)
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

/// No state has it: it is beyond the largest schema.
const NOWHERE: StateIdx = StateIdx(u16::MAX);
