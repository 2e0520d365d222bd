//! Waits: futures over the ids that a [`Subscriptions`](statemesh_core::engine::Subscriptions) hands out.
//!
//! A wait is registered when it is created, not when it is polled, and freed when it is dropped. It ends once, with
//! `Ok` or a typed error, and says the same again however often it is polled.
//!
//! `Waiters` is the registry beside the subscriptions, under the same lock: local machines and mirrors both have
//! one. It hands wakers out instead of waking, so that the owner wakes after unlocking.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::{Wait, WaitId};

use crate::machine::UnknownState;

/// A pending wait; dropping it frees the registration. Registered when created, not when polled.
///
/// It does not keep the machine alive: when the last handle of a machine is dropped, its waits end as disposed.
#[must_use = "futures do nothing unless awaited"]
pub struct When {
    stage: Stage,
}

/// Why a wait ended without coming true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The machine was disposed, or its last handle dropped.
    #[error("the machine was disposed")]
    Disposed,
    /// The remote machine's owner left or withdrew it.
    #[error("the remote machine is gone")]
    Gone,
    /// This peer was shut down: nothing more is heard of remote machines.
    #[error("the mesh peer was shut down")]
    Closed,
    /// The caller's fault: one tick per state is needed.
    #[error("{ticks} ticks for {states} states")]
    Mismatch {
        /// States given.
        states: usize,
        /// Ticks given.
        ticks: usize,
    },
    /// The caller's fault.
    #[error(transparent)]
    Unknown(#[from] UnknownState),
}

/// What owns subscriptions and a [`Waiters`] beside them.
pub(crate) trait WaitSource: Send + Sync {
    /// Frees a registration, if it is still pending: [`Waiters::forget`], and when that says `true`, `forget` of the
    /// subscriptions.
    fn forget(&self, ticket: Ticket);
}

/// Names one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    /// The shared wait of the subscriptions.
    pub(crate) wait: WaitId,
    number: u64,
}

/// Pending registrations by wait id, in order of registration.
#[derive(Default)]
pub(crate) struct Waiters {
    pending: OrderedMap<Ticket, Arc<Slot>>,
    registered: u64,
    ended: Option<Result<(), WaitError>>,
}

enum Stage {
    Done(Result<(), WaitError>),
    Pending {
        slot: Arc<Slot>,
        ticket: Ticket,
        source: Weak<dyn WaitSource>,
    },
}

/// Shared by a [`When`] and its registry. The lock is never held while a waker is cloned, woken or dropped.
#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    result: Option<Result<(), WaitError>>,
    waker: Option<Waker>,
}

impl When {
    /// A wait that has ended already.
    pub(crate) fn done(result: Result<(), WaitError>) -> Self {
        Self {
            stage: Stage::Done(result),
        }
    }

    /// The result, if the wait has ended.
    #[must_use]
    pub fn now(&self) -> Option<Result<(), WaitError>> {
        match &self.stage {
            Stage::Done(result) => Some(result.clone()),
            Stage::Pending { slot, .. } => slot.state.lock().result.clone(),
        }
    }
}

impl Future for When {
    type Output = Result<(), WaitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.stage {
            Stage::Done(result) => Poll::Ready(result.clone()),
            Stage::Pending { slot, .. } => slot.poll(cx.waker()),
        }
    }
}

impl Drop for When {
    fn drop(&mut self) {
        let Stage::Pending {
            slot,
            ticket,
            source,
        } = &self.stage
        else {
            return;
        };
        if slot.state.lock().result.is_some() {
            return;
        }
        if let Some(source) = source.upgrade() {
            source.forget(*ticket);
        }
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("When").field(&self.now()).finish()
    }
}

impl Waiters {
    /// Turns what the subscriptions answered into a future. After [`Waiters::end`] every wait ends with that result.
    pub(crate) fn register(&mut self, wait: Wait, source: Weak<dyn WaitSource>) -> When {
        if let Some(result) = &self.ended {
            return When::done(result.clone());
        }
        let wait = match wait {
            Wait::Ready => return When::done(Ok(())),
            Wait::Pending(wait) => wait,
        };
        let ticket = Ticket {
            wait,
            number: self.registered,
        };
        self.registered += 1;
        let slot = Arc::new(Slot::default());
        self.pending.insert(ticket, slot.clone());
        When {
            stage: Stage::Pending {
                slot,
                ticket,
                source,
            },
        }
    }

    /// Ends all registrations of these waits with `Ok`, in order.
    pub(crate) fn fire(&mut self, fired: &[WaitId], mut wake: impl FnMut(Waker)) {
        for wait in fired {
            let ticket = |number| Ticket {
                wait: *wait,
                number,
            };
            let registered = self.pending.range(ticket(0)..=ticket(u64::MAX));
            let tickets: Vec<Ticket> = registered.map(|(ticket, _)| *ticket).collect();
            for ticket in tickets {
                if let Some(slot) = self.pending.remove(&ticket) {
                    slot.finish(Ok(())).map(&mut wake);
                }
            }
        }
        self.pending.trim();
    }

    /// Ends all registrations, and those to come.
    pub(crate) fn end(&mut self, result: Result<(), WaitError>, mut wake: impl FnMut(Waker)) {
        for (_, slot) in std::mem::take(&mut self.pending) {
            slot.finish(result.clone()).map(&mut wake);
        }
        self.ended = Some(result);
    }

    /// Frees one registration. `false`: it had ended already.
    pub(crate) fn forget(&mut self, ticket: Ticket) -> bool {
        let forgotten = self.pending.remove(&ticket).is_some();
        self.pending.trim();
        forgotten
    }

    /// Number of pending registrations.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }
}

impl Slot {
    fn finish(&self, result: Result<(), WaitError>) -> Option<Waker> {
        let mut state = self.state.lock();
        state.result = Some(result);
        state.waker.take()
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<(), WaitError>> {
        {
            let state = self.state.lock();
            if let Some(result) = &state.result {
                return Poll::Ready(result.clone());
            }
            if state
                .waker
                .as_ref()
                .is_some_and(|known| known.will_wake(waker))
            {
                return Poll::Pending;
            }
        }
        // A waker's clone and drop are user code: outside the lock, so look again.
        let waker = waker.clone();
        let mut state = self.state.lock();
        let old = match &state.result {
            Some(result) => {
                let result = result.clone();
                drop(state);
                drop(waker);
                return Poll::Ready(result);
            }
            None => state.waker.replace(waker),
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}
