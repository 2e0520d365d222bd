//! Waits of a machine: futures over its states, ticks, queue, arguments and clock (machine.md 6).
//!
//! A wait is registered when it is created, not when it is polled, and freed when it is dropped. It ends with
//! [`WaitError::Disposed`] when the machine does.

use std::sync::Arc;

use statemesh_core::StateIdx;
use statemesh_core::engine::{Machine as Engine, Outcome, Wait};

use super::conditions::Condition;
use super::shared::State;
use super::{Machine, StateName, States, UnknownState, states};
use crate::handlers::Typed;
use crate::wait::{WaitError, When};

/// Waits for states and ticks.
impl Machine {
    /// Resolves when all states are active at the end of a transition.
    pub fn when(&self, states: impl States) -> When {
        self.wait(&states, Engine::when)
    }

    /// Resolves when none of the states is active at the end of a transition.
    pub fn when_not(&self, states: impl States) -> When {
        self.wait(&states, Engine::when_not)
    }

    /// Resolves when `Exception` is active at the end of a transition.
    pub fn when_err(&self) -> When {
        let exception = self.schema().exception();
        self.register(|state| state.engine.when(&[exception]))
    }

    /// Resolves when every state has reached its tick.
    pub fn when_time(&self, states: impl States, ticks: &[u64]) -> When {
        let list = match states::resolve(&states, self.id(), &self.shared.schema.now()) {
            Ok(list) => list,
            Err(unknown) => return When::done(Err(unknown.into())),
        };
        if list.len() != ticks.len() {
            return When::done(Err(WaitError::Mismatch {
                states: list.len(),
                ticks: ticks.len(),
            }));
        }
        self.register(|state| state.engine.when_time(&list, ticks))
    }

    /// Resolves when that state has ticked `ticks` times from now.
    pub fn when_ticks(&self, state: impl StateName, ticks: u64) -> When {
        self.wait_one(state, |engine, state| engine.when_ticks(state, ticks))
    }

    /// Resolves when that state becomes active again; being active now does not count.
    pub fn when_next_active(&self, state: impl StateName) -> When {
        self.wait_one(state, Engine::when_next_active)
    }
}

/// Waits for the queue.
impl Machine {
    /// Resolves when the mutation with this outcome has run, whatever came of it: at once unless it was queued.
    pub fn when_queue(&self, outcome: Outcome) -> When {
        match outcome {
            Outcome::Queued(tick) => self.register(|state| state.engine.when_settled(tick)),
            Outcome::Executed | Outcome::Canceled | Outcome::Started => When::done(Ok(())),
        }
    }

    /// Resolves when the queue is empty and nothing runs.
    pub fn when_queue_ends(&self) -> When {
        self.register(|state| state.engine.when_queue_ends())
    }
}

/// Waits whose condition is the caller's. It is called without locks and may read this machine and others; one that
/// panics is not met.
impl Machine {
    /// Resolves when that state begins, also once more as a Multi state, by a mutation with arguments of type `T` that
    /// meet the condition. It is asked behind the state's final handlers. The arguments count even if the state is
    /// only implied.
    pub fn when_args<T: Send + Sync + 'static>(
        &self,
        state: Typed<T, impl StateName>,
        is_met: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> When {
        let index = match self.index_of(state) {
            Ok(index) => index,
            Err(unknown) => return When::done(Err(unknown.into())),
        };
        let ask = move |args: &(dyn std::any::Any + Send + Sync)| {
            args.downcast_ref().is_some_and(&is_met)
        };
        self.wait_for(Condition::Args(index, Arc::new(ask)))
    }

    /// Resolves when the ticks, in index order, meet the condition at the end of an accepted transition. It is not
    /// asked before.
    pub fn when_query(&self, is_met: impl Fn(&[u64]) -> bool + Send + Sync + 'static) -> When {
        self.wait_for(Condition::Clock(Arc::new(is_met)))
    }
}

impl Machine {
    fn wait(&self, states: &impl States, register: fn(&mut Engine, &[StateIdx]) -> Wait) -> When {
        match states::resolve(states, self.id(), &self.shared.schema.now()) {
            Ok(list) => self.register(|state| register(&mut state.engine, &list)),
            Err(unknown) => When::done(Err(unknown.into())),
        }
    }

    fn wait_one(
        &self,
        state: impl StateName,
        register: impl FnOnce(&mut Engine, StateIdx) -> Wait,
    ) -> When {
        match self.index_of(state) {
            Ok(index) => self.register(|state| register(&mut state.engine, index)),
            Err(unknown) => When::done(Err(unknown.into())),
        }
    }

    fn wait_for(&self, condition: Condition) -> When {
        let mut condition = Some(condition);
        // What is not taken, because the machine is disposed, is dropped here, outside the lock.
        self.register(|state| {
            let condition = condition.take();
            condition.map_or(Wait::Ready, |condition| {
                Wait::Pending(state.conditions.open(condition, &mut state.engine))
            })
        })
    }

    fn index_of(&self, state: impl StateName) -> Result<StateIdx, UnknownState> {
        states::resolve(&state, self.id(), &self.shared.schema.now()).map(|list| list[0])
    }

    fn register(&self, register: impl FnOnce(&mut State) -> Wait) -> When {
        let source = Arc::downgrade(&self.shared);
        let mut state = self.shared.lock();
        if state.engine.is_disposed() {
            return When::done(Err(WaitError::Disposed));
        }
        let wait = register(&mut state);
        state.waiters.register(wait, source)
    }
}
