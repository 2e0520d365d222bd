//! The recent past of a machine: a bounded ring of records, one per transition that matches, and questions to it
//! (machine.md 11).
//!
//! It is an observer of the machine, so what it records is in order and complete from its beginning on. Wall time is
//! recorded only by a clock from outside: reading one costs more than a transition.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use statemesh_core::StateIdx;
use statemesh_core::engine::{MutationKind, Source, Time, TxId};

use crate::machine::states::{StateList, resolve};
use crate::machine::{Machine, States, TraceGuard, Transition, UnknownState};

pub use self::query::{Query, QueryError};

mod query;

/// Records the transitions of a machine until it is dropped. Clones are the same history.
///
/// ```
/// use statemesh::prelude::*;
/// use statemesh::history::{History, Query};
///
/// states! { enum S { Door, Lamp } }
///
/// let machine = Machine::new("hall", S::schema());
/// let history = History::of(&machine).capacity(100).record()?;
/// machine.add([S::Door, S::Lamp])?;
/// machine.remove(S::Door)?;
/// let dark = history.query(&Query::new().inactive(S::Door).active(S::Lamp)).unwrap();
/// assert_eq!(dark.len(), 1);
/// assert_eq!(dark[0].machine_time, 3, "three ticks since the beginning");
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
    /// Ends with the last clone.
    _guard: Arc<TraceGuard>,
}

/// What was recorded of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number among those recorded, from 1.
    pub number: u64,
    /// The transition's number.
    pub tx: TxId,
    /// `Add`, `Remove` or `Set`.
    pub kind: MutationKind,
    /// Called states.
    pub called: Vec<StateIdx>,
    /// Called by the engine for Auto states.
    pub is_auto: bool,
    /// False: canceled.
    pub accepted: bool,
    /// Cause.
    pub source: Option<Source>,
    /// Ticks of the tracked states behind it, in the order they were given.
    pub time: Time,
    /// How far it moved them.
    pub ticked: Time,
    /// Sum of the ticks of all states behind it.
    pub machine_time: u64,
    /// How far it moved that sum.
    pub moved: u64,
    /// How far that sum has come since the record before this one; of the first, since recording began.
    pub since_last: u64,
    /// When it ended, since the epoch of the clock; `None` without one.
    pub wall: Option<Duration>,
}

/// What to record, for [`History::of`].
#[must_use = "nothing is recorded until `record`"]
pub struct HistoryBuilder<'a> {
    machine: &'a Machine,
    tracked: Option<Result<StateList, UnknownState>>,
    called: Option<Result<StateList, UnknownState>>,
    changed: Option<Result<StateList, UnknownState>>,
    with_canceled: bool,
    capacity: usize,
    wall: Option<WallClock>,
}

type WallClock = Box<dyn Fn() -> Duration + Send + Sync>;

/// As many records as the model keeps.
pub const DEFAULT_CAPACITY: usize = 1000;

impl History {
    /// To record that machine: by default all states of every accepted transition, the last [`DEFAULT_CAPACITY`] of them.
    pub fn of(machine: &Machine) -> HistoryBuilder<'_> {
        HistoryBuilder {
            machine,
            tracked: None,
            called: None,
            changed: None,
            with_canceled: false,
            capacity: DEFAULT_CAPACITY,
            wall: None,
        }
    }

    /// All records, the oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.shared.ring.lock().records.iter().cloned().collect()
    }

    /// The newest record.
    #[must_use]
    pub fn last(&self) -> Option<Record> {
        self.shared.ring.lock().records.back().cloned()
    }

    /// Number of records that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.ring.lock().records.len()
    }

    /// Nothing has been recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records that meet all conditions, the oldest first.
    ///
    /// # Errors
    /// [`QueryError`]: it names a state that is not tracked.
    pub fn query(&self, query: &Query) -> Result<Vec<Record>, QueryError> {
        let tests = query.tests(&self.shared.machine, &self.shared.tracked)?;
        let ring = self.shared.ring.lock();
        let met = ring
            .records
            .iter()
            .rev()
            .filter(|record| tests.are_met(record));
        let mut met: Vec<Record> = met.take(query.latest).cloned().collect();
        met.reverse();
        Ok(met)
    }
}

impl HistoryBuilder<'_> {
    /// Keeps the ticks of these states only.
    pub fn track(mut self, states: impl States) -> Self {
        self.tracked = Some(self.resolve(&states));
        self
    }

    /// Only transitions that call one of these states.
    pub fn called(mut self, states: impl States) -> Self {
        self.called = Some(self.resolve(&states));
        self
    }

    /// Only transitions in which one of these states ticks.
    pub fn changed(mut self, states: impl States) -> Self {
        self.changed = Some(self.resolve(&states));
        self
    }

    /// Canceled transitions, too. Checks are never recorded.
    pub fn with_canceled(mut self) -> Self {
        self.with_canceled = true;
        self
    }

    /// Keeps that many records, at least one; older ones make room.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// Asks this clock for every record. It runs like an observer, outside all locks.
    pub fn wall_clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.wall = Some(Box::new(clock));
        self
    }

    /// Begins.
    ///
    /// # Errors
    /// [`UnknownState`].
    pub fn record(self) -> Result<History, UnknownState> {
        let schema = self.machine.schema();
        let tracked = self
            .tracked
            .transpose()?
            .unwrap_or_else(|| (0..=u16::MAX).map(StateIdx).take(schema.len()).collect());
        let filter = Filter {
            called: self.called.transpose()?,
            changed: self.changed.transpose()?,
            with_canceled: self.with_canceled,
        };
        let shared = Arc::new(Shared {
            machine: self.machine.clone().into(),
            tracked,
            capacity: self.capacity,
            ring: Mutex::default(),
        });
        let (ring, wall) = (shared.clone(), self.wall);
        let guard = self.machine.trace(move |transition| {
            if filter.passes(transition) {
                ring.push(transition, wall.as_ref().map(|clock| clock()));
            }
        });
        Ok(History {
            shared,
            _guard: Arc::new(guard),
        })
    }

    fn resolve(&self, states: &impl States) -> Result<StateList, UnknownState> {
        resolve(states, self.machine.id(), &self.machine.schema())
    }
}

/// What is asked about: names for indexes. The machine itself would be kept alive by its own observer.
struct Named {
    id: String,
    schema: Arc<statemesh_core::engine::Schema>,
}

impl From<Machine> for Named {
    fn from(machine: Machine) -> Self {
        Self {
            id: machine.id().to_owned(),
            schema: machine.schema(),
        }
    }
}

struct Shared {
    machine: Named,
    tracked: StateList,
    capacity: usize,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Record>,
    /// Recorded so far, forgotten ones included.
    count: u64,
    /// Machine time behind the last record, or at the first transition seen.
    last: Option<u64>,
}

impl Shared {
    fn push(&self, transition: &Transition, wall: Option<Duration>) {
        let [before, after] = [&transition.clock_before, &transition.clock_after]
            .map(|ticks| Time::new(ticks.as_slice()));
        let (from, to) = (before.sum(), after.sum());
        let time = after.select(&self.tracked);
        let ticked = time
            .since(&before.select(&self.tracked))
            .unwrap_or_default();
        let mut ring = self.ring.lock();
        ring.count += 1;
        let last = ring.last.replace(to).unwrap_or(from);
        let record = Record {
            number: ring.count,
            tx: transition.tx,
            kind: transition.kind,
            called: transition.called.clone(),
            is_auto: transition.is_auto,
            accepted: transition.accepted,
            source: transition.source.clone(),
            time,
            ticked,
            machine_time: to,
            moved: to.wrapping_sub(from),
            since_last: to.wrapping_sub(last),
            wall,
        };
        let forgotten = if ring.records.len() < self.capacity {
            None
        } else {
            ring.records.pop_front()
        };
        ring.records.push_back(record);
        drop(ring);
        drop(forgotten);
    }
}

/// Which transitions are recorded.
struct Filter {
    called: Option<StateList>,
    changed: Option<StateList>,
    with_canceled: bool,
}

impl Filter {
    fn passes(&self, transition: &Transition) -> bool {
        let is_called = |state: &StateIdx| transition.called.contains(state);
        let tick = |clock: &[u64], state: &StateIdx| clock.get(state.at()).copied();
        let is_changed = |state: &StateIdx| {
            tick(&transition.clock_before, state) != tick(&transition.clock_after, state)
        };
        !transition.is_check
            && (transition.accepted || self.with_canceled)
            && self
                .called
                .as_ref()
                .is_none_or(|any| any.iter().any(is_called))
            && self
                .changed
                .as_ref()
                .is_none_or(|any| any.iter().any(is_changed))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("machine", &self.shared.machine.id)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
