//! Eval: a function that runs between two transitions, alone with the machine (machine.md 3.1, 3.5).
//!
//! It waits in front of the queue, as a prepended mutation would; it is no transition, nothing ticks and no observer
//! hears of it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use statemesh_core::engine::Outcome;

use super::{Machine, drain};
use crate::handlers::{Held, MaybeSend, hold, panic_text, release};

/// What an eval will answer; see [`Machine::eval`]. Dropping it does not take the eval back.
#[must_use = "the function's result is in it"]
pub struct Eval<R> {
    slot: Arc<Slot<R>>,
}

/// Shared by an eval and its function. The lock is never held while a waker is cloned, woken or dropped.
type Slot<R> = Mutex<Stage<R>>;

enum Stage<R> {
    Pending(Option<Waker>),
    Done(Result<Held<R>, EvalError>),
    Taken,
}

/// Why an eval has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The machine was disposed before its turn, or the queue dropped at a handler's deadline.
    #[error("it was dropped before its turn")]
    Dropped,
    /// The machine's queue is full: somebody asks for more than it can do.
    #[error("the queue is full")]
    QueueFull,
    /// The function's fault: it panicked. The machine goes on.
    #[error("it panicked: {0}")]
    Panicked(String),
}

/// The function of an eval, with where its result goes.
pub(super) type Command = Held<Box<dyn Run>>;

/// What may be run once; a trait of its own, so that it is `Send` where it has to be.
pub(super) trait Run: MaybeSend {
    fn run(self: Box<Self>, machine: &Machine);
}

impl<F: FnOnce(&Machine) + MaybeSend> Run for F {
    fn run(self: Box<Self>, machine: &Machine) {
        self(machine);
    }
}

impl Machine {
    /// Runs `f` between transitions, while nobody else changes this machine: at once if nobody drains it, else as soon
    /// as the running transition and its Auto states are over. Mutations that it makes here are queued.
    ///
    /// A handler must not wait for an eval of its own machine: its turn comes after the handler.
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// let schema = SchemaDef::new().state("A", StateDef::new()).state("B", StateDef::new());
    /// let machine = Machine::new("m", schema);
    /// let mut swapped = machine.eval(|machine| {
    ///     let was = machine.is("A");
    ///     // Nothing can come between the look and the mutation.
    ///     machine.set(if was { "B" } else { "A" }).map(|_| was)
    /// });
    /// assert_eq!(swapped.now(), Some(Ok(Ok(false))));
    /// assert!(machine.is("A"));
    /// ```
    pub fn eval<R: MaybeSend + 'static>(
        &self,
        f: impl FnOnce(&Self) -> R + MaybeSend + 'static,
    ) -> Eval<R> {
        let slot = Arc::new(Mutex::new(Stage::Pending(None)));
        let promise = Promise {
            slot: Some(slot.clone()),
        };
        let command = move |machine: &Self| {
            let result = catch_unwind(AssertUnwindSafe(|| f(machine)));
            let result = result.map_err(|panic| EvalError::Panicked(panic_text(panic)));
            promise.keep(result);
        };
        let command: Command = hold(Box::new(command));
        let mut state = self.shared.lock();
        let (wait, outcome) = state.engine.take_turn();
        match outcome {
            Outcome::Canceled => {
                let is_disposed = state.engine.is_disposed();
                drop(state);
                if !is_disposed {
                    settle(&slot, Err(EvalError::QueueFull));
                }
                drop(command);
            }
            Outcome::Started => {
                state.commands.insert(wait, command);
                drain::start(self, state);
            }
            Outcome::Executed | Outcome::Queued(_) => {
                state.commands.insert(wait, command);
            }
        }
        Eval { slot }
    }
}

impl<R> Eval<R> {
    /// The result, if it has run; it can be taken once.
    pub fn now(&mut self) -> Option<Result<R, EvalError>> {
        let mut stage = self.slot.lock();
        if matches!(*stage, Stage::Pending(_)) {
            return None;
        }
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Done(result) => Some(result.map(release)),
            Stage::Pending(_) | Stage::Taken => Some(Err(EvalError::Dropped)),
        }
    }
}

impl<R> Future for Eval<R> {
    type Output = Result<R, EvalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waker = Some(cx.waker().clone());
        if let Stage::Pending(known) = &mut *self.slot.lock() {
            std::mem::swap(known, &mut waker);
        }
        drop(waker);
        // It may have run before the waker was there.
        self.now().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Tells the result of a function, and that there will be none when it is dropped.
struct Promise<R> {
    slot: Option<Arc<Slot<R>>>,
}

impl<R> Promise<R> {
    fn keep(mut self, result: Result<R, EvalError>) {
        if let Some(slot) = self.slot.take() {
            settle(&slot, result);
        }
    }
}

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            settle(&slot, Err(EvalError::Dropped));
        }
    }
}

/// Tells the result unless there is one.
fn settle<R>(slot: &Slot<R>, result: Result<R, EvalError>) {
    let mut stage = slot.lock();
    let Stage::Pending(waker) = &mut *stage else {
        drop(stage);
        return drop(result);
    };
    let waker = waker.take();
    *stage = Stage::Done(result.map(hold));
    drop(stage);
    if let Some(waker) = waker {
        waker.wake();
    }
}
