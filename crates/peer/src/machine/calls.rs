//! Mutations that are more than one call, or wait for what comes of them (machine.md 11).

use std::any::Any;

use statemesh_core::engine::MutationKind;

use super::states::{Known, Same};
use super::{Cause, Machine, Outcome, StateName, States, UnknownState};
use crate::handlers::Event;
use crate::wait::{WaitError, When};

/// With arguments or a cause, where [`Machine::add_args`] and [`Machine::add_from`] are about adding.
impl Machine {
    /// [`Machine::toggle`] with arguments.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn toggle_args(
        &self,
        states: impl States,
        args: impl Any + Send + Sync,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Toggle, &states, Cause::args(args))
    }

    /// [`Machine::toggle`] because of `event`.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn toggle_from(
        &self,
        event: &Event<'_>,
        states: impl States,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Toggle, &states, Cause::event(event))
    }

    /// [`Machine::set`] with arguments.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn set_args(
        &self,
        states: impl States,
        args: impl Any + Send + Sync,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Set, &states, Cause::args(args))
    }

    /// [`Machine::set`] because of `event`.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn set_from(
        &self,
        event: &Event<'_>,
        states: impl States,
    ) -> Result<Outcome, UnknownState> {
        self.mutate(MutationKind::Set, &states, Cause::event(event))
    }
}

/// Asking first: a mutation that would be refused is not made, so nobody sees a canceled transition. Between question and
/// mutation others may come, and inside a handler of the machine itself nothing can be asked: the mutation is made then.
impl Machine {
    /// [`Machine::add`], unless [`Machine::can_add`] says it would be canceled.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn ask_add(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.ask(MutationKind::Add, &states)
    }

    /// [`Machine::remove`], unless [`Machine::can_remove`] says it would be canceled.
    ///
    /// # Errors
    /// As [`Machine::add`].
    pub fn ask_remove(&self, states: impl States) -> Result<Outcome, UnknownState> {
        self.ask(MutationKind::Remove, &states)
    }

    fn ask(&self, kind: MutationKind, states: &impl States) -> Result<Outcome, UnknownState> {
        match self.mutate(kind, states, Cause::check())? {
            Outcome::Canceled => Ok(Outcome::Canceled),
            Outcome::Executed | Outcome::Queued(_) | Outcome::Started => {
                self.mutate(kind, states, Cause::default())
            }
        }
    }
}

/// Mutations to be awaited. In an asynchronous handler of the machine itself they would wait for their own end.
impl Machine {
    /// Adds states, waits until the mutation has run if it was queued, and says whether all of them are active then.
    ///
    /// ```
    /// # use statemesh::prelude::*;
    /// states! { enum S { Ready } }
    ///
    /// # async fn example() -> Result<(), WaitError> {
    /// let machine = Machine::new("m", S::schema());
    /// assert!(machine.add_and_wait(S::Ready).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WaitError::Unknown`]: nothing changed. [`WaitError::Disposed`].
    pub async fn add_and_wait(&self, states: impl States) -> Result<bool, WaitError> {
        let wait = self.when_queue(self.add(Same(&states))?);
        let known = Known::new(&states, &self.shared.schema.now());
        wait.await?;
        Ok(self.all_active(&known))
    }

    /// Removes states, waits until the mutation has run if it was queued, and says whether none of them is active then.
    ///
    /// # Errors
    /// As [`Machine::add_and_wait`].
    pub async fn remove_and_wait(&self, states: impl States) -> Result<bool, WaitError> {
        let wait = self.when_queue(self.remove(Same(&states))?);
        let known = Known::new(&states, &self.shared.schema.now());
        wait.await?;
        Ok(!self.any_active(&known))
    }

    /// Adds states, and waits until another one begins after that: for work that is asked for by one state and answered
    /// by another. `None`: the states were refused.
    ///
    /// # Errors
    /// [`UnknownState`]: nothing changed.
    pub fn add_until(
        &self,
        states: impl States,
        until: impl StateName,
    ) -> Result<Option<When>, UnknownState> {
        // Before the mutation, which may run to its end at once.
        super::states::resolve(&until, self.id(), &self.shared.schema.now())?;
        let wait = self.when_next_active(until);
        Ok(match self.add(states)? {
            Outcome::Canceled => None,
            Outcome::Executed | Outcome::Queued(_) | Outcome::Started => Some(wait),
        })
    }
}
