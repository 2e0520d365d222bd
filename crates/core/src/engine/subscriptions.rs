//! When, WhenNot, WhenTime over a clock: what fired, as ids. No wakers, no channels. Used by machines and, outside, by
//! mirrors.
//!
//! A pending wait is watched through one state only, one that still keeps it from coming true; when that state moves,
//! the wait fires or its watch goes to the next such state. So a change costs nothing for waits on other states, and a
//! wait for activity costs nothing when its states end. Clocks are taken to grow.
//!
//! A forgotten wait is still watched until its state moves, or until most waits watched through that state are
//! forgotten: so dropping any number of them costs little for each, and leaves no memory behind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::clock::is_active_tick;
use crate::ids::StateIdx;

/// Number of a pending wait; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

/// Result of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// True already; nothing was registered.
    Ready,
    /// Pending. An equal pending wait is shared: the same id comes back, and each registration needs its own `forget`.
    Pending(WaitId),
}

/// Pending waits over one clock.
#[derive(Debug, Default)]
pub struct Subscriptions {
    next_id: u64,
    by_id: OrderedMap<WaitId, Pending>,
    by_condition: OrderedMap<Arc<Condition>, WaitId>,
    /// Per state: waits that it alone is known to hold back.
    watches: Vec<Watches>,
    moved: Vec<WaitId>,
}

/// Which waits a change is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    All,
    /// Those for ticks hear of it only when the state ticks next.
    Activity,
}

#[derive(Debug)]
struct Pending {
    condition: Arc<Condition>,
    registrations: u32,
    /// The state it is watched through.
    watched: StateIdx,
}

/// What is waited for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Active(Box<[StateIdx]>),
    Inactive(Box<[StateIdx]>),
    Reached(Box<[(StateIdx, u64)]>),
}

/// Waits watched through one state.
#[derive(Debug, Default)]
struct Watches {
    active: Vec<WaitId>,
    inactive: Vec<WaitId>,
    /// Lowest tick first, then the oldest.
    reached: BinaryHeap<Reverse<(u64, WaitId)>>,
    /// So many of them are not pending any more.
    forgotten: usize,
}

impl Subscriptions {
    /// Waits until all `states` are active.
    pub fn when(&mut self, states: &[StateIdx], clock: &[u64]) -> Wait {
        self.register(Condition::Active(set_of(states)), clock)
    }
    /// Waits until all `states` are inactive.
    pub fn when_not(&mut self, states: &[StateIdx], clock: &[u64]) -> Wait {
        self.register(Condition::Inactive(set_of(states)), clock)
    }
    /// Waits until each state reached its tick at some point. Lengths that differ: nothing to wait for, [`Wait::Ready`].
    pub fn when_time(&mut self, states: &[StateIdx], ticks: &[u64], clock: &[u64]) -> Wait {
        if states.len() != ticks.len() {
            return Wait::Ready;
        }
        let goals = states.iter().copied().zip(ticks.iter().copied());
        self.register(Condition::Reached(goals.collect()), clock)
    }
    /// Tells about a change of the clock; what fired is appended to `fired` and no longer pending.
    pub fn apply(&mut self, before: &[u64], after: &[u64], fired: &mut Vec<WaitId>) {
        if self.is_empty() {
            return;
        }
        for (at, state) in (0..=u16::MAX).map(StateIdx).enumerate().take(after.len()) {
            if before.get(at) != after.get(at) {
                self.moved(state, after, Look::All, fired);
            }
        }
    }
    /// [`Subscriptions::apply`] when the states that moved are known.
    pub(crate) fn apply_moved(
        &mut self,
        moved: impl Iterator<Item = StateIdx>,
        clock: &[u64],
        look: Look,
        fired: &mut Vec<WaitId>,
    ) {
        if self.is_empty() {
            return;
        }
        for state in moved {
            self.moved(state, clock, look, fired);
        }
    }
    /// The states went to new places, and the clock may be another: waits follow, and those it makes true fire.
    pub(crate) fn rebase(&mut self, places: &[StateIdx], clock: &[u64], fired: &mut Vec<WaitId>) {
        let pending = std::mem::take(&mut self.by_id);
        self.by_condition.clear();
        self.watches.clear();
        for (id, pending) in pending {
            let condition = Arc::new(pending.condition.moved(places));
            let Some(obstacle) = condition.obstacle(clock) else {
                fired.push(id);
                continue;
            };
            self.watch(obstacle, id, &condition);
            self.by_condition.insert(Arc::clone(&condition), id);
            let pending = Pending {
                condition,
                watched: obstacle.state,
                ..pending
            };
            self.by_id.insert(id, pending);
        }
    }
    /// Drops one registration; false when that wait is not pending here.
    pub fn forget(&mut self, wait: WaitId) -> bool {
        let Some(pending) = self.by_id.get_mut(&wait) else {
            return false;
        };
        pending.registrations -= 1;
        if pending.registrations > 0 {
            return true;
        }
        let watched = pending.watched;
        self.close(wait);
        if let Some(watches) = self.watches.get_mut(watched.at()) {
            watches.forget_one(&self.by_id);
        }
        true
    }
    /// Number of pending waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }
    /// True when nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// An id for a wait that is kept elsewhere.
    pub fn fresh_id(&mut self) -> WaitId {
        let id = WaitId(self.next_id);
        self.next_id += 1;
        id
    }
    fn register(&mut self, condition: Condition, clock: &[u64]) -> Wait {
        let Some(obstacle) = condition.obstacle(clock) else {
            return Wait::Ready;
        };
        if let Some(&id) = self.by_condition.get(&condition) {
            if let Some(pending) = self.by_id.get_mut(&id) {
                pending.registrations += 1;
            }
            return Wait::Pending(id);
        }
        let id = self.fresh_id();
        let condition = Arc::new(condition);
        self.watch(obstacle, id, &condition);
        self.by_condition.insert(Arc::clone(&condition), id);
        self.by_id.insert(
            id,
            Pending {
                condition,
                registrations: 1,
                watched: obstacle.state,
            },
        );
        Wait::Pending(id)
    }
    fn watch(&mut self, obstacle: Obstacle, wait: WaitId, condition: &Condition) {
        let at = obstacle.state.at();
        if self.watches.len() <= at {
            self.watches.resize_with(at + 1, Watches::default);
        }
        let watches = &mut self.watches[at];
        match condition {
            Condition::Active(_) => watches.active.push(wait),
            Condition::Inactive(_) => watches.inactive.push(wait),
            Condition::Reached(_) => watches.reached.push(Reverse((obstacle.tick, wait))),
        }
    }
    fn close(&mut self, wait: WaitId) {
        if let Some(pending) = self.by_id.remove(&wait) {
            self.by_id.trim();
            self.by_condition.remove(&pending.condition);
            self.by_condition.trim();
        }
    }

    /// One state has a new tick: its watched waits fire, or are watched through another state.
    fn moved(&mut self, state: StateIdx, clock: &[u64], look: Look, fired: &mut Vec<WaitId>) {
        let Some(watches) = self.watches.get_mut(state.at()) else {
            return;
        };
        let tick = clock[state.at()];
        let mut moved = std::mem::take(&mut self.moved);
        moved.append(if is_active_tick(tick) {
            &mut watches.active
        } else {
            &mut watches.inactive
        });
        if look == Look::All {
            while let Some(&Reverse((goal, wait))) = watches.reached.peek()
                && goal <= tick
            {
                watches.reached.pop();
                moved.push(wait);
            }
        }
        for wait in moved.drain(..) {
            let Some(pending) = self.by_id.get_mut(&wait) else {
                self.watches[state.at()].forgotten -= 1;
                continue;
            };
            let condition = Arc::clone(&pending.condition);
            if let Some(obstacle) = condition.obstacle(clock) {
                pending.watched = obstacle.state;
                self.watch(obstacle, wait, &condition);
            } else {
                self.close(wait);
                fired.push(wait);
            }
        }
        moved.shrink_to(MOST_MOVED);
        self.moved = moved;
    }
}

/// A state that keeps a condition from being true.
#[derive(Clone, Copy)]
struct Obstacle {
    state: StateIdx,
    /// The tick it must reach; only meaningful for [`Condition::Reached`].
    tick: u64,
}

impl Condition {
    fn obstacle(&self, clock: &[u64]) -> Option<Obstacle> {
        let tick_of = |state: StateIdx| clock.get(state.at()).copied().unwrap_or_default();
        let is_active = |state: StateIdx| is_active_tick(tick_of(state));
        let by_activity =
            |state: Option<&StateIdx>| state.map(|&state| Obstacle { state, tick: 0 });
        match self {
            Self::Active(states) => by_activity(states.iter().find(|&&state| !is_active(state))),
            Self::Inactive(states) => by_activity(states.iter().find(|&&state| is_active(state))),
            Self::Reached(goals) => goals
                .iter()
                .find(|&&(state, tick)| tick_of(state) < tick)
                .map(|&(state, tick)| Obstacle { state, tick }),
        }
    }
    /// The same of the states at their new places; one out of range stays.
    fn moved(&self, places: &[StateIdx]) -> Self {
        let place = |state: StateIdx| places.get(state.at()).copied().unwrap_or(state);
        let set = |states: &[StateIdx]| {
            let states = states.iter().map(|&state| place(state));
            set_of(&states.collect::<Vec<_>>())
        };
        match self {
            Self::Active(states) => Self::Active(set(states)),
            Self::Inactive(states) => Self::Inactive(set(states)),
            Self::Reached(goals) => {
                let goals = goals.iter().map(|&(state, tick)| (place(state), tick));
                Self::Reached(goals.collect())
            }
        }
    }
}

impl Watches {
    /// One of them is not pending any more. When most are not, they are thrown out.
    fn forget_one(&mut self, pending: &OrderedMap<WaitId, Pending>) {
        self.forgotten += 1;
        let waits = self.active.len() + self.inactive.len() + self.reached.len();
        if 2 * self.forgotten <= waits {
            return;
        }
        self.forgotten = 0;
        for list in [&mut self.active, &mut self.inactive] {
            list.retain(|wait| pending.contains_key(wait));
            list.shrink_to(2 * list.len() + KEPT);
        }
        self.reached
            .retain(|Reverse((_, wait))| pending.contains_key(wait));
        self.reached.shrink_to(2 * self.reached.len() + KEPT);
    }
}

/// Places that a list keeps for its next waits (a guess).
const KEPT: usize = 8;
/// Places that the scratch list keeps (a guess).
const MOST_MOVED: usize = 1024;

/// Order and duplicates do not matter.
fn set_of(states: &[StateIdx]) -> Box<[StateIdx]> {
    let mut set = states.to_vec();
    set.sort_unstable();
    set.dedup();
    set.into_boxed_slice()
}
