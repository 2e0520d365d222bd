//! Mutations tried again while they are refused (machine.md 11).

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::engine::{Args, Mode, MutationKind};

use super::{Cause, Machine, Outcome, States, UnknownState, states};
use crate::timer::Timer;

/// A mutation that is made again while it is canceled: 10 times, first after 100 ms, then after twice as long each time
/// up to 5 s, within 5 s altogether. What counts is that it is not canceled: being queued is success.
///
/// ```
/// use std::time::Duration;
/// use statemesh::machine::{Retry, RetryError};
/// use statemesh::prelude::*;
/// use statemesh::timer::Timer;
///
/// states! { enum S { Start, Dialing { require: [Start] } } }
///
/// async fn dial(machine: &Machine, timer: &impl Timer) -> Result<Outcome, RetryError> {
///     let retry = Retry::add(S::Dialing).args("relay-1").tries(3).delay(Duration::from_millis(50));
///     retry.run(machine, timer).await
/// }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until `run`"]
pub struct Retry<S> {
    kind: MutationKind,
    states: S,
    args: Option<Args>,
    tries: u32,
    delay: Duration,
    longest: Duration,
    total: Duration,
}

/// Why a [`Retry`] gave up. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// It was canceled every time.
    #[error("canceled {tries} times")]
    Canceled {
        /// How many times it was tried.
        tries: u32,
    },
    /// The time was over before the tries.
    #[error("canceled {tries} times within {total:?}")]
    TooLate {
        /// How many times it was tried.
        tries: u32,
        /// Within which time.
        total: Duration,
    },
    /// The machine was disposed.
    #[error("the machine was disposed")]
    Disposed,
    /// The caller's fault.
    #[error(transparent)]
    Unknown(#[from] UnknownState),
}

impl<S: States> Retry<S> {
    /// To add states.
    pub fn add(states: S) -> Self {
        Self::new(MutationKind::Add, states)
    }

    /// To remove states.
    pub fn remove(states: S) -> Self {
        Self::new(MutationKind::Remove, states)
    }

    /// To set exactly these states.
    pub fn set(states: S) -> Self {
        Self::new(MutationKind::Set, states)
    }

    fn new(kind: MutationKind, states: S) -> Self {
        Self {
            kind,
            states,
            args: None,
            tries: 10,
            delay: Duration::from_millis(100),
            longest: Duration::from_secs(5),
            total: Duration::from_secs(5),
        }
    }

    /// With arguments, the same at each try.
    pub fn args(mut self, args: impl Any + Send + Sync) -> Self {
        self.args = Some(Arc::new(args));
        self
    }

    /// At most that many tries; at least one.
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries.max(1);
        self
    }

    /// How long to wait behind the first try.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long to wait at most between two tries.
    pub fn longest_delay(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// How long to go on altogether. The last try is made when this is over.
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Makes the mutation until it is not canceled.
    ///
    /// # Errors
    /// [`RetryError`].
    pub async fn run(self, machine: &Machine, timer: &impl Timer) -> Result<Outcome, RetryError> {
        let list = states::resolve(&self.states, machine.id(), &machine.schema())?;
        let start = timer.now();
        let mut delay = self.delay.min(self.longest);
        let mut tries = 0;
        loop {
            let cause = Cause {
                args: self.args.clone(),
                source: None,
                mode: Mode::Apply,
            };
            let outcome = machine.request(self.kind, &list, cause);
            tries += 1;
            if outcome != Outcome::Canceled {
                return Ok(outcome);
            }
            if machine.is_disposed() {
                return Err(RetryError::Disposed);
            }
            if tries == self.tries {
                return Err(RetryError::Canceled { tries });
            }
            let left = self.total.saturating_sub(timer.now().since(start));
            if left.is_zero() {
                let total = self.total;
                return Err(RetryError::TooLate { tries, total });
            }
            timer.sleep(delay.min(left)).await;
            delay = delay.saturating_mul(2).min(self.longest);
        }
    }
}
