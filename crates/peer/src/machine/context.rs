//! State contexts: tokens bound to the tick of a state, which end when it ticks (machine.md 6.3).
//!
//! All contexts of one state at one tick share an [`Inner`]; the machine keeps at most one weak reference per state. It
//! compares them with its clock whenever that has moved, before the next handler is called.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use statemesh_core::StateIdx;
use statemesh_core::collections::OrderedMap;
use statemesh_core::engine::Machine as Engine;

use super::observe::Effect;
use super::shared::Shared;
use super::{Machine, StateName, UnknownState, states};

/// Ends as soon as a state ticks: it began, ended, or began again as a Multi state. A future that resolves then, for a
/// `select` or through [`StateCtx::run`], and a token to be asked by [`StateCtx::is_done`].
///
/// It ends at the commit, before final handlers run; so one taken in a negotiation handler does not outlive its
/// transition. It ends with the machine, too, and does not keep it alive. Clones end together.
///
/// ```
/// use statemesh::prelude::*;
///
/// states! { enum S { Working } }
/// let machine = Machine::new("worker", S::schema());
/// machine.add(S::Working)?;
/// let working = machine.state_ctx(S::Working)?;
/// assert!(!working.is_done());
/// machine.remove(S::Working)?;
/// assert!(working.is_done());
/// machine.add(S::Working)?;
/// assert!(working.is_done(), "that is another time");
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
#[must_use = "it does nothing by itself"]
pub struct StateCtx {
    inner: Arc<Inner>,
    /// Of its waker among those of the clones.
    number: Option<u64>,
}

/// Shared by the clones. No lock is held while a waker is cloned, woken or dropped.
pub(super) struct Inner {
    machine: Weak<Shared>,
    state: StateIdx,
    tick: u64,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    is_done: bool,
    last: u64,
    waiting: OrderedMap<u64, Waker>,
}

/// The open contexts of one machine, at most one per state.
#[derive(Default)]
pub(super) struct Contexts {
    open: OrderedMap<StateIdx, (u64, Weak<Inner>)>,
    /// Machine time when they were last compared with the clock. `None`: that would say nothing.
    seen: Option<u64>,
}

impl Machine {
    /// The context of that state, active or not, at its tick. Of a disposed machine it has ended.
    ///
    /// # Errors
    /// [`UnknownState`].
    pub fn state_ctx(&self, state: impl StateName) -> Result<StateCtx, UnknownState> {
        let index = states::resolve(&state, self.id(), &self.shared.schema.now())?[0];
        let mut shared = self.shared.lock();
        let tick = shared.engine.tick(index);
        let open = shared.contexts.open.get(&index);
        let open = open.and_then(|(_, open)| open.upgrade());
        let (stale, open) = match open {
            Some(open) if open.tick == tick => (None, Some(open)),
            stale => (stale, None),
        };
        let is_disposed = shared.engine.is_disposed();
        let inner = open.unwrap_or_else(|| {
            let inner = Arc::new(Inner {
                machine: Arc::downgrade(&self.shared),
                state: index,
                tick,
                wakers: Mutex::new(Wakers {
                    is_done: is_disposed,
                    ..Wakers::default()
                }),
            });
            if !is_disposed {
                let open = (tick, Arc::downgrade(&inner));
                shared.contexts.open.insert(index, open);
            }
            inner
        });
        drop(shared);
        // It ended with the tick that made room for this one, and nobody may have told it yet.
        stale.into_iter().for_each(|stale| stale.end());
        Ok(StateCtx::new(inner))
    }
}

impl StateCtx {
    fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            number: None,
        }
    }

    /// The state has ticked, or the machine has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    /// The tick it is bound to: odd when the state was active.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.inner.tick
    }

    /// Runs a future until it is ready or this has ended, whatever is first. `None`: it was dropped unfinished.
    ///
    /// ```
    /// # use statemesh::prelude::*;
    /// # states! { enum S { Working } }
    /// # async fn work() {}
    /// # async fn example(machine: Machine) -> Result<(), statemesh::machine::UnknownState> {
    /// match machine.state_ctx(S::Working)?.run(work()).await {
    ///     Some(()) => println!("done"),
    ///     None => println!("not wanted any more"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<F: Future>(mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| match Pin::new(&mut self).poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }
}

impl Future for StateCtx {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let old = {
            let mut wakers = self.inner.wakers.lock();
            if wakers.is_done {
                drop(wakers);
                return Poll::Ready(());
            }
            let number = self.number.unwrap_or(wakers.last + 1);
            wakers.last = wakers.last.max(number);
            let old = wakers.waiting.insert(number, waker);
            drop(wakers);
            self.number = Some(number);
            old
        };
        drop(old);
        // The clock may have moved before the waker was there.
        if self.inner.is_done() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Clone for StateCtx {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl Drop for StateCtx {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = self.inner.wakers.lock().waiting.remove(&number);
            drop(waker);
        }
    }
}

impl fmt::Debug for StateCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateCtx")
            .field("state", &self.inner.state)
            .field("tick", &self.inner.tick)
            .field("is_done", &self.is_done())
            .finish()
    }
}

impl Inner {
    /// By the clock itself: who is told of a commit before this one finds it ended all the same.
    fn is_done(&self) -> bool {
        if self.wakers.lock().is_done {
            return true;
        }
        let Some(shared) = self.machine.upgrade() else {
            return true;
        };
        let state = shared.lock();
        let is_done = state.engine.is_disposed() || state.engine.tick(self.state) != self.tick;
        drop(state);
        is_done
    }

    /// Wakes all clones. Not to be called under a lock.
    pub(super) fn end(&self) {
        let waiting = {
            let mut wakers = self.wakers.lock();
            wakers.is_done = true;
            std::mem::take(&mut wakers.waiting)
        };
        for (_, waker) in waiting {
            Effect::Wake(waker).run(&None);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(shared) = self.machine.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        let open = &mut state.contexts.open;
        // There may be one for a later tick by now.
        let is_gone = |(_, open): &(u64, Weak<Self>)| open.strong_count() == 0;
        if open.get(&self.state).is_some_and(is_gone) {
            open.remove(&self.state);
        }
    }
}

impl Contexts {
    /// Takes out those whose state has ticked, to be ended after unlocking.
    pub(super) fn ended(&mut self, engine: &Engine, effects: &mut Vec<Effect>) {
        if self.open.is_empty() {
            return;
        }
        let now = Some(engine.machine_time());
        if std::mem::replace(&mut self.seen, now) == now {
            return;
        }
        self.open.retain(|state, (tick, context)| {
            let is_open = *tick == engine.tick(*state);
            if !is_open && let Some(context) = context.upgrade() {
                effects.push(Effect::Later(Box::new(move || context.end())));
            }
            is_open
        });
    }

    /// The clock was replaced by another one, of the same sum perhaps.
    pub(super) fn clock_replaced(&mut self) {
        self.seen = None;
    }

    /// Takes out all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Effect> {
        let open = std::mem::take(&mut self.open).into_iter();
        let open = open.filter_map(|(_, (_, context))| context.upgrade());
        open.map(|context| Effect::Later(Box::new(move || context.end())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SchemaDef, StateDef};

    #[test]
    fn dropped_contexts_are_freed() {
        let def = SchemaDef::new().state("A", StateDef::new());
        let machine = Machine::new("m", def.state("B", StateDef::new()));
        let open = || machine.shared.lock().contexts.open.len();
        for _ in 0..1_000 {
            let context = machine.state_ctx("A").unwrap();
            let same = machine.state_ctx("A").unwrap();
            assert!(Arc::ptr_eq(&context.inner, &same.inner));
            drop(context);
            assert_eq!(open(), 1);
            drop(same);
            assert_eq!(open(), 0);
        }
        let (old, other) = (
            machine.state_ctx("A").unwrap(),
            machine.state_ctx("B").unwrap(),
        );
        machine.add("A").unwrap();
        assert_eq!(open(), 1, "the old one has ended");
        let new = machine.state_ctx("A").unwrap();
        drop((old, other));
        assert_eq!(open(), 1, "and does not take the new one along");
        drop(new);
        assert_eq!(open(), 0);
    }
}
