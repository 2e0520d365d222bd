//! Futures of asynchronous handlers, as tasks for whatever executor the application has.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::bound::panic_text;
use super::{Held, MaybeSend, hold};

/// A future that is `Send` where it has to be.
pub(crate) trait MaybeSendFuture: Future + MaybeSend {}
impl<F: Future + MaybeSend> MaybeSendFuture for F {}

/// One on the heap.
pub(crate) type Boxed<T> = Pin<Box<dyn MaybeSendFuture<Output = T>>>;

/// What an asynchronous handler has left to do: a future for the executor, handed to
/// [`MachineBuilder::spawner`](crate::machine::MachineBuilder::spawner). Dropping it unfinished makes the handler fail.
#[must_use = "a task does nothing unless it is spawned"]
pub struct Task {
    slot: Arc<Slot>,
}

/// Ends a [`Task`] from outside.
pub(crate) struct Stop {
    slot: Arc<Slot>,
}

/// Shared by a task and who may stop it. The lock is never held while users' code runs.
struct Slot {
    state: Mutex<SlotState>,
}

struct SlotState {
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    Waiting(Held<Boxed<()>>),
    Polled,
    Over,
}

impl Task {
    pub(crate) fn new(future: Boxed<()>) -> (Self, Stop) {
        let slot = Arc::new(Slot {
            state: Mutex::new(SlotState {
                stage: Stage::Waiting(hold(future)),
                waker: None,
            }),
        });
        (Self { slot: slot.clone() }, Stop { slot })
    }
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut future) = self.slot.take() else {
            return Poll::Ready(());
        };
        if future.as_mut().poll(cx).is_pending() && self.slot.put_back(future, cx.waker()) {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        drop(self.slot.end());
    }
}

impl Stop {
    /// Drops the future, now or when the poll under way has returned, and lets its task end.
    pub(crate) fn stop(self) {
        let (future, waker) = self.slot.end();
        drop(future);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Slot {
    /// The future, to be polled; `None`: it is over.
    fn take(&self) -> Option<Held<Boxed<()>>> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut state.stage, Stage::Polled) {
            Stage::Waiting(future) => Some(future),
            Stage::Polled | Stage::Over => {
                state.stage = Stage::Over;
                None
            }
        }
    }

    /// Puts it back after a poll that was not the last. False when it was stopped meanwhile.
    fn put_back(&self, future: Held<Boxed<()>>, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Over) {
            drop(state);
            return false;
        }
        state.stage = Stage::Waiting(future);
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        true
    }

    /// From now on it is over. What is left is to be dropped and woken without the lock.
    fn end(&self) -> (Option<Held<Boxed<()>>>, Option<Waker>) {
        let mut state = self.state.lock();
        let future = match std::mem::replace(&mut state.stage, Stage::Over) {
            Stage::Waiting(future) => Some(future),
            Stage::Polled | Stage::Over => None,
        };
        (future, state.waker.take())
    }
}

/// Runs a future of the user's to its end and drops it. What panics in it ends it: `Err` is the message.
pub(crate) struct Caught<T> {
    future: Option<Boxed<T>>,
}

impl<T> Caught<T> {
    pub(crate) fn new(future: Boxed<T>) -> Self {
        Self {
            future: Some(future),
        }
    }
}

impl<T> Future for Caught<T> {
    type Output = Result<T, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let step = AssertUnwindSafe(|| {
            let future = self.future.as_mut()?;
            let Poll::Ready(output) = future.as_mut().poll(cx) else {
                return None;
            };
            self.future = None;
            Some(output)
        });
        match catch_unwind(step) {
            Ok(None) => Poll::Pending,
            Ok(Some(output)) => Poll::Ready(Ok(output)),
            Err(payload) => {
                let broken = self.future.take();
                // The first panic is the one to tell.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
                Poll::Ready(Err(panic_text(payload)))
            }
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// Executors move tasks to other threads.
const _: () = {
    const fn send<T: Send>() {}
    send::<Task>();
    send::<Stop>();
};
