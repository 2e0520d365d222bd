//! Several machines asked and awaited as one (machine.md 11).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::machine::states::Same;
use crate::machine::{Machine, MachineError, States};
use crate::wait::{WaitError, When};

/// Machines that belong together. It keeps them alive.
///
/// ```
/// use statemesh::prelude::*;
///
/// states! { enum S { Ready } }
///
/// # async fn example() -> Result<(), statemesh::group::GroupError> {
/// let workers = Group::new((1..=3).map(|at| Machine::new(format!("worker-{at}"), S::schema())));
/// let ready = workers.when_all(S::Ready);
/// for worker in workers.machines() {
///     worker.add(S::Ready).unwrap();
/// }
/// ready.await?;
/// assert!(workers.all(S::Ready));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Group {
    machines: Vec<Machine>,
    fails_on_exception: bool,
}

/// Why a wait for a group ended without coming true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// A machine of a group that [fails on `Exception`](Group::failing_on_exception) is in `Exception`.
    #[error("machine {machine} is in Exception{}", .error.as_ref().map(|it| format!(": {it}")).unwrap_or_default())]
    Exception {
        /// Its id.
        machine: String,
        /// Its last error.
        error: Option<Arc<MachineError>>,
    },
    /// The wait for a machine ended. When any machine would do, it is the last one's.
    #[error("machine {machine}: {error}")]
    Wait {
        /// Its id.
        machine: String,
        /// How it ended.
        error: WaitError,
    },
    /// The group has no machine to wait for.
    #[error("no machines")]
    Empty,
}

impl Group {
    /// These machines, in this order.
    #[must_use]
    pub fn new(machines: impl IntoIterator<Item = Machine>) -> Self {
        Self {
            machines: machines.into_iter().collect(),
            fails_on_exception: false,
        }
    }

    /// Waits for it fail as soon as a machine is in `Exception`, now or later.
    #[must_use]
    pub fn failing_on_exception(mut self) -> Self {
        self.fails_on_exception = true;
        self
    }

    /// Its machines.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// All these states are active in every machine; true for no machines.
    #[must_use]
    pub fn all(&self, states: impl States) -> bool {
        self.machines
            .iter()
            .all(|machine| machine.is(Same(&states)))
    }

    /// All these states are active in some machine.
    #[must_use]
    pub fn any(&self, states: impl States) -> bool {
        self.machines
            .iter()
            .any(|machine| machine.is(Same(&states)))
    }

    /// Resolves when every machine has had all these states active at the end of a transition, though perhaps not all
    /// machines at once.
    pub fn when_all(&self, states: impl States) -> WhenAll {
        let wait = |machine: &Machine| Some(machine.when(Same(&states)));
        WhenAll {
            waits: self.machines.iter().map(wait).collect(),
            watch: Watch::new(self),
        }
    }

    /// Resolves with the place of the first machine that has all these states active at the end of a transition. A
    /// machine that is disposed does not count any more.
    pub fn when_any(&self, states: impl States) -> WhenAny {
        let wait = |machine: &Machine| Some(machine.when(Same(&states)));
        WhenAny {
            waits: self.machines.iter().map(wait).collect(),
            watch: Watch::new(self),
        }
    }
}

/// A wait for every machine of a [`Group`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct WhenAll {
    /// `None`: has come true.
    waits: Vec<Option<When>>,
    watch: Watch,
}

/// A wait for some machine of a [`Group`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct WhenAny {
    /// `None`: will not come true.
    waits: Vec<Option<When>>,
    watch: Watch,
}

impl Future for WhenAll {
    type Output = Result<(), GroupError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waits, watch } = &mut *self;
        watch.poll(cx)?;
        for (at, slot) in waits.iter_mut().enumerate() {
            let Some(wait) = slot else { continue };
            match Pin::new(wait).poll(cx) {
                Poll::Ready(Ok(())) => *slot = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(watch.wait_error(at, error))),
                Poll::Pending => {}
            }
        }
        if waits.iter().all(Option::is_none) {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl Future for WhenAny {
    type Output = Result<usize, GroupError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waits, watch } = &mut *self;
        watch.poll(cx)?;
        let mut last = None;
        for (at, slot) in waits.iter_mut().enumerate() {
            let Some(wait) = slot else { continue };
            match Pin::new(wait).poll(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(at)),
                Poll::Ready(Err(error)) => {
                    *slot = None;
                    last = Some(watch.wait_error(at, error));
                }
                Poll::Pending => {}
            }
        }
        if waits.iter().any(Option::is_some) {
            return Poll::Pending;
        }
        Poll::Ready(Err(last.unwrap_or(GroupError::Empty)))
    }
}

/// What a group's waits look at besides their own.
struct Watch {
    machines: Vec<Machine>,
    /// One per machine, or none at all.
    exceptions: Vec<When>,
}

impl Watch {
    fn new(group: &Group) -> Self {
        let watched = group.machines.iter().filter(|_| group.fails_on_exception);
        Self {
            machines: group.machines.clone(),
            exceptions: watched.map(Machine::when_err).collect(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), GroupError> {
        for (at, exception) in self.exceptions.iter_mut().enumerate() {
            // One that ended otherwise tells by its own wait.
            if let Poll::Ready(Ok(())) = Pin::new(exception).poll(cx) {
                let machine = &self.machines[at];
                return Err(GroupError::Exception {
                    machine: machine.id().to_owned(),
                    error: machine.last_error(),
                });
            }
        }
        Ok(())
    }

    fn wait_error(&self, at: usize, error: WaitError) -> GroupError {
        GroupError::Wait {
            machine: self.machines[at].id().to_owned(),
            error,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.machines.fmt(f)
    }
}
