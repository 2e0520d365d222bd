//! RemoteMachine handle: checks and futures over a mirror. Mutations do not exist.
//!
//! The event loop writes the newest clock, handles read it under a short lock. A mirror that is gone stays readable;
//! its waits end with [`WaitError::Gone`], or with [`WaitError::Closed`] when this very peer was shut down.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::{
    Schema, Subscriptions, Time, Wait, WaitId, is_active_tick, next_active_tick,
};
use statemesh_core::mesh::Mirror;
use statemesh_core::{MachineIdx, PeerId, StateIdx};
use web_time::Instant;

use crate::machine::conditions::{self, OfClock};
use crate::machine::states::{Known, compare, resolve};
use crate::machine::{StateName, States};
use crate::query::{Facts, Query, tag_value};
use crate::wait::{Ticket, WaitError, WaitSource, Waiters, When};

/// A read-only mirror of another peer's machine: a clonable handle on the newest known clock.
///
/// A machine may be known from what others say of it before its owner was heard itself (mesh-protocol.md S1). Such a clock
/// can be read, and [`Snapshot::first_hand`] says that it is hearsay; no wait ends because of it, unless it was made through
/// [`RemoteMachine::with_hearsay`].
#[derive(Clone)]
pub struct RemoteMachine {
    shared: Arc<Shared>,
    /// Waits made through this handle believe what others say.
    hearsay: bool,
}

/// One consistent look at a mirror.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Ticks in index order.
    pub clock: Arc<[u64]>,
    /// The newest word came signed by the owner.
    pub first_hand: bool,
    /// When the clock last changed or was learned, on this peer's clock.
    pub changed_at: Instant,
    /// When the owner's word about it was last heard.
    pub heard_at: Instant,
    /// The word before that: a change happened between the two.
    pub heard_before: Option<Instant>,
    /// The owner is gone or took it back; the last known clock stays readable.
    pub gone: bool,
}

struct Shared {
    peer: PeerId,
    index: MachineIdx,
    id: Arc<str>,
    schema: Arc<Schema>,
    /// The moment the core calls zero.
    origin: Instant,
    state: Mutex<State>,
}

struct State {
    snapshot: Snapshot,
    /// An owner's own word brings what a forwarded introduction lacked.
    tags: Arc<[String]>,
    parent: Arc<str>,
    subscriptions: Subscriptions,
    conditions: OrderedMap<WaitId, Condition>,
    waiters: Waiters,
    /// Scratch of [`RemoteMachine::update`].
    fired: Vec<WaitId>,
}

/// A condition on the clock.
struct Condition {
    is_met: OfClock,
    /// It is asked of hearsay, too.
    hearsay: bool,
}

fn tick_of(state: StateIdx, clock: &[u64]) -> u64 {
    clock.get(state.at()).copied().unwrap_or(0)
}

/// What is waited for.
enum Goal {
    Active,
    Inactive,
    /// These ticks, one per state.
    Ticks(Vec<u64>),
}

impl Goal {
    /// The same as [`Subscriptions`] would look for, as a condition of its own.
    fn condition(self, states: Vec<StateIdx>) -> OfClock {
        let is_active = |state: &StateIdx, clock: &[u64]| is_active_tick(tick_of(*state, clock));
        match self {
            Self::Active => {
                Arc::new(move |clock| states.iter().all(|state| is_active(state, clock)))
            }
            Self::Inactive => {
                Arc::new(move |clock| !states.iter().any(|state| is_active(state, clock)))
            }
            Self::Ticks(goal) => Arc::new(move |clock| {
                let tick = |state| tick_of(state, clock);
                compare(&states, &goal, tick, |now, goal| now >= goal)
            }),
        }
    }
}

impl RemoteMachine {
    /// A handle on what the core mirrors. `origin` is the moment the core calls zero.
    pub(crate) fn new(mirror: &Mirror, origin: Instant) -> Self {
        Self {
            hearsay: false,
            shared: Arc::new(Shared {
                peer: mirror.peer,
                index: mirror.index,
                id: mirror.id.clone(),
                schema: mirror.schema.clone(),
                origin,
                state: Mutex::new(State {
                    snapshot: snapshot(mirror, origin),
                    tags: mirror.tags.clone(),
                    parent: mirror.parent.clone(),
                    subscriptions: Subscriptions::default(),
                    conditions: OrderedMap::new(),
                    waiters: Waiters::default(),
                    fired: Vec::new(),
                }),
            }),
        }
    }
    /// Takes the newest word over and ends the waits that came true.
    pub(crate) fn update(&self, mirror: &Mirror) -> Snapshot {
        let mut wakers = Vec::new();
        let mut asked = Vec::new();
        let new = {
            let mut state = self.shared.state.lock();
            let state = &mut *state;
            let new = snapshot(mirror, self.shared.origin);
            state.tags.clone_from(&mirror.tags);
            state.parent.clone_from(&mirror.parent);
            let before = std::mem::replace(&mut state.snapshot, new.clone());
            let is_new = before.clock != new.clock;
            if is_new {
                state.fired.clear();
                state
                    .subscriptions
                    .apply(&before.clock, &new.clock, &mut state.fired);
                state.waiters.fire(&state.fired, |waker| wakers.push(waker));
            }
            // The owner's first word may confirm what others said.
            if is_new || before.first_hand != new.first_hand {
                let conditions = state.conditions.iter();
                let meant = conditions.filter(|(_, it)| new.first_hand || it.hearsay);
                asked.extend(meant.map(|(wait, it)| (*wait, it.is_met.clone())));
            }
            new
        };
        wakers.into_iter().for_each(Waker::wake);
        if !asked.is_empty() {
            self.ask(&asked, &new.clock);
        }
        new
    }
    /// Asks the callers' conditions, outside the lock, and ends the waits of those that are met and still open.
    fn ask(&self, asked: &[(WaitId, OfClock)], clock: &[u64]) {
        let met = conditions::met(asked, |ask| ask(clock));
        let mut wakers = Vec::new();
        let mut released = Vec::new();
        {
            let state = &mut *self.shared.state.lock();
            for wait in met {
                if let Some(condition) = state.conditions.remove(&wait) {
                    released.push(condition);
                    state.waiters.fire(&[wait], |waker| wakers.push(waker));
                }
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
    /// Nothing more is heard of it: the owner is gone or took it back ([`WaitError::Gone`]), or we are.
    pub(crate) fn end(&self, reason: WaitError) {
        let mut wakers = Vec::new();
        let conditions = {
            let state = &mut *self.shared.state.lock();
            state.snapshot.gone = true;
            state.waiters.end(Err(reason), |waker| wakers.push(waker));
            std::mem::take(&mut state.conditions)
        };
        wakers.into_iter().for_each(Waker::wake);
        // What callers' conditions hold is let go outside the lock.
        drop(conditions);
    }

    /// Owner.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.shared.peer
    }
    /// Index on its owner.
    #[must_use]
    pub fn index(&self) -> MachineIdx {
        self.shared.index
    }
    /// Id on its owner; any text.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }
    /// Tags of the owner. A Go peer forwards introductions without them: they come with the owner's own word.
    #[must_use]
    pub fn tags(&self) -> Arc<[String]> {
        self.shared.state.lock().tags.clone()
    }
    /// Value of the first tag `key:value`.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<String> {
        let tags = self.tags();
        let value = tags.iter().find_map(|tag| tag_value(tag, key));
        value.map(str::to_owned)
    }
    /// Parent machine id, or empty.
    #[must_use]
    pub fn parent(&self) -> Arc<str> {
        self.shared.state.lock().parent.clone()
    }
    /// Its schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.shared.schema
    }
    /// A consistent look.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.state.lock().snapshot.clone()
    }
    /// The same mirror? One that was learned again after it had gone is another.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
    /// Whether it is one of those the query means, as it stands now. One that is gone never is.
    #[must_use]
    pub fn matches(&self, query: &Query) -> bool {
        let (snapshot, tags, parent) = {
            let state = self.shared.state.lock();
            if state.snapshot.gone {
                return false;
            }
            (
                state.snapshot.clone(),
                state.tags.clone(),
                state.parent.clone(),
            )
        };
        query.holds(&Facts {
            peer: self.peer(),
            id: self.id(),
            tags: &tags,
            parent: &parent,
            schema: self.schema(),
            clock: &snapshot.clock,
            first_hand: snapshot.first_hand,
            age: Instant::now().saturating_duration_since(snapshot.heard_at),
        })
    }
    /// All of them active? Unknown names are not active.
    #[must_use]
    pub fn is(&self, states: impl States) -> bool {
        Known::new(&states, self.schema()).all_active(&self.clock())
    }
    /// None of them active?
    #[must_use]
    pub fn not(&self, states: impl States) -> bool {
        !self.any(states)
    }
    /// Any of them active?
    #[must_use]
    pub fn any(&self, states: impl States) -> bool {
        Known::new(&states, self.schema()).any_active(&self.clock())
    }
    /// Tick of one state, 0 when unknown.
    #[must_use]
    pub fn tick(&self, state: impl StateName) -> u64 {
        let index = self.schema().find(state.state_ref());
        index.map_or(0, |index| tick_of(index, &self.clock()))
    }
    /// All ticks, in index order, as a value that can be asked and compared.
    #[must_use]
    pub fn time(&self) -> Time {
        Time::new(self.clock().to_vec())
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
    /// Is `Exception` active?
    #[must_use]
    pub fn is_err(&self) -> bool {
        self.is(self.schema().exception())
    }
    /// Names of active states, in index order.
    #[must_use]
    pub fn active(&self) -> Vec<String> {
        let clock = self.clock();
        let names = self.schema().names().zip(clock.iter());
        names
            .filter(|(_, tick)| is_active_tick(**tick))
            .map(|(name, _)| name.to_owned())
            .collect()
    }
    /// The same mirror, whose waits believe what others say of it, as long as its owner was not heard.
    #[must_use]
    pub fn with_hearsay(&self) -> Self {
        Self {
            hearsay: true,
            ..self.clone()
        }
    }
    /// Resolves when all states are active in a received clock. Ends with `WaitError::Gone` when the owner goes.
    pub fn when(&self, states: impl States) -> When {
        self.wait(&states, |_, _| Goal::Active)
    }
    /// Resolves when none of the states is active in a received clock.
    pub fn when_not(&self, states: impl States) -> When {
        self.wait(&states, |_, _| Goal::Inactive)
    }
    /// Resolves when every state has reached its tick.
    pub fn when_time(&self, states: impl States, ticks: &[u64]) -> When {
        self.wait(&states, |_, _| Goal::Ticks(ticks.to_vec()))
    }
    /// Resolves when that state has ticked `ticks` times from now.
    pub fn when_ticks(&self, state: impl StateName, ticks: u64) -> When {
        self.when_tick(&state, |now| now.saturating_add(ticks))
    }
    /// Resolves when that state becomes active again; being active now does not count.
    pub fn when_next_active(&self, state: impl StateName) -> When {
        self.when_tick(&state, next_active_tick)
    }
    /// Resolves when `Exception` is active in a received clock.
    pub fn when_err(&self) -> When {
        self.when(self.schema().exception())
    }

    /// Resolves when a received clock, in index order, meets the condition. It is not asked before the next change; changes
    /// that come together are one. A condition that panics is not met.
    pub fn when_query(&self, is_met: impl Fn(&[u64]) -> bool + Send + Sync + 'static) -> When {
        let source: Weak<Shared> = Arc::downgrade(&self.shared);
        let state = &mut *self.shared.state.lock();
        let wait = state.subscriptions.fresh_id();
        if !state.snapshot.gone {
            let (is_met, hearsay) = (Arc::new(is_met), self.hearsay);
            state.conditions.insert(wait, Condition { is_met, hearsay });
        }
        state.waiters.register(Wait::Pending(wait), source)
    }

    /// Resolves when nothing more is heard of it, to the error that its waits end with.
    pub fn when_gone(&self) -> impl Future<Output = WaitError> + Send + Unpin + 'static {
        let source: Weak<Shared> = Arc::downgrade(&self.shared);
        let mut state = self.shared.state.lock();
        let never = state.waiters.register(Wait::Pending(NEVER), source);
        never.map(|ended| ended.err().unwrap_or(WaitError::Gone))
    }

    /// Number of waits that are registered and neither ended nor dropped.
    #[must_use]
    pub fn pending_waits(&self) -> usize {
        self.shared.state.lock().waiters.len()
    }

    fn compare(&self, states: &impl States, ticks: &[u64], holds: fn(u64, u64) -> bool) -> bool {
        let Ok(list) = resolve(states, self.id(), self.schema()) else {
            return false;
        };
        let clock = self.clock();
        compare(&list, ticks, |state| tick_of(state, &clock), holds)
    }

    fn when_tick(&self, state: &impl StateName, goal: impl FnOnce(u64) -> u64) -> When {
        self.wait(state, |states, clock| {
            let now = states.first().map_or(0, |state| tick_of(*state, clock));
            Goal::Ticks(vec![goal(now)])
        })
    }

    /// Newest known ticks.
    #[must_use]
    pub fn clock(&self) -> Arc<[u64]> {
        self.shared.state.lock().snapshot.clock.clone()
    }

    fn wait(&self, states: &impl States, goal: impl FnOnce(&[StateIdx], &[u64]) -> Goal) -> When {
        let states = match resolve(states, self.id(), self.schema()) {
            Ok(states) => states,
            Err(unknown) => return When::done(Err(unknown.into())),
        };
        let state = &mut *self.shared.state.lock();
        let clock = &state.snapshot.clock;
        let goal = goal(&states, clock);
        if let Goal::Ticks(ticks) = &goal
            && ticks.len() != states.len()
        {
            let (states, ticks) = (states.len(), ticks.len());
            return When::done(Err(WaitError::Mismatch { states, ticks }));
        }
        let waits = &mut state.subscriptions;
        let wait = if state.snapshot.first_hand || self.hearsay {
            match goal {
                Goal::Active => waits.when(&states, clock),
                Goal::Inactive => waits.when_not(&states, clock),
                Goal::Ticks(ticks) => waits.when_time(&states, &ticks, clock),
            }
        } else {
            let wait = waits.fresh_id();
            if !state.snapshot.gone {
                let condition = Condition {
                    is_met: goal.condition(states.to_vec()),
                    hearsay: false,
                };
                state.conditions.insert(wait, condition);
            }
            Wait::Pending(wait)
        };
        let source: Weak<Shared> = Arc::downgrade(&self.shared);
        state.waiters.register(wait, source)
    }
}

impl fmt::Debug for RemoteMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteMachine")
            .field("peer", &self.peer())
            .field("index", &self.index())
            .field("id", &self.id())
            .field("active", &self.active())
            .finish()
    }
}

impl WaitSource for Shared {
    fn forget(&self, ticket: Ticket) {
        let released = {
            let state = &mut *self.state.lock();
            if !state.waiters.forget(ticket) {
                return;
            }
            state.subscriptions.forget(ticket.wait);
            state.conditions.remove(&ticket.wait)
        };
        drop(released);
    }
}

/// No subscription has this number, so nothing but the end of the mirror ends a wait for it.
const NEVER: WaitId = WaitId(u64::MAX);

fn snapshot(mirror: &Mirror, origin: Instant) -> Snapshot {
    let real = |at: statemesh_core::time::Instant| origin + Duration::from_micros(at.as_micros());
    Snapshot {
        clock: mirror.clock.clone(),
        first_hand: mirror.first_hand,
        changed_at: real(mirror.changed_at),
        heard_at: real(mirror.heard_at),
        heard_before: mirror.heard_before.map(real),
        gone: false,
    }
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<RemoteMachine>();
const _: () = assert_send_sync::<When>();
