//! Questions to a history.

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use statemesh_core::StateIdx;
use statemesh_core::engine::is_active_tick;

use super::{Named, Record};
use crate::machine::{StateRef, States, UnknownState};

/// Conditions on a record; all have to be met. None at all are met by every record.
#[derive(Clone, Debug)]
#[must_use = "it is asked by `History::query`"]
pub struct Query {
    states: Vec<(Is, Owned)>,
    machine_time: (Bound<u64>, Bound<u64>),
    wall: Option<(Bound<Duration>, Bound<Duration>)>,
    pub(super) latest: usize,
}

/// The question cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The caller's fault.
    #[error(transparent)]
    Unknown(#[from] UnknownState),
    /// The ticks of that state are not kept.
    #[error("state {state} is not tracked")]
    Untracked {
        /// The state.
        state: String,
    },
}

#[derive(Clone, Copy, Debug)]
enum Is {
    Active,
    Inactive,
    Activated,
    Deactivated,
}

/// A state, kept.
#[derive(Clone, Debug)]
enum Owned {
    Name(String),
    Index(StateIdx),
}

impl Default for Query {
    fn default() -> Self {
        Self::new()
    }
}

impl Query {
    /// No condition yet.
    pub fn new() -> Self {
        Self {
            states: Vec::new(),
            machine_time: (Bound::Unbounded, Bound::Unbounded),
            wall: None,
            latest: usize::MAX,
        }
    }

    /// All of them are active behind it.
    pub fn active(self, states: impl States) -> Self {
        self.with(Is::Active, &states)
    }

    /// None of them is active behind it.
    pub fn inactive(self, states: impl States) -> Self {
        self.with(Is::Inactive, &states)
    }

    /// All of them began in it, perhaps once more as Multi states.
    pub fn activated(self, states: impl States) -> Self {
        self.with(Is::Activated, &states)
    }

    /// All of them ended in it.
    pub fn deactivated(self, states: impl States) -> Self {
        self.with(Is::Deactivated, &states)
    }

    /// The machine time behind it is within that range.
    pub fn machine_time(mut self, range: impl RangeBounds<u64>) -> Self {
        self.machine_time = (range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    /// It ended within that range of the wall clock. A record without wall time did not.
    pub fn wall(mut self, range: impl RangeBounds<Duration>) -> Self {
        self.wall = Some((range.start_bound().cloned(), range.end_bound().cloned()));
        self
    }

    /// At most that many, the newest ones.
    pub fn latest(mut self, records: usize) -> Self {
        self.latest = records;
        self
    }

    fn with(mut self, is: Is, states: &impl States) -> Self {
        states.each(&mut |state| {
            let state = match state {
                StateRef::Name(name) | StateRef::Typed { name, .. } => Owned::Name(name.to_owned()),
                StateRef::Index(index) => Owned::Index(index),
            };
            self.states.push((is, state));
        });
        self
    }

    /// The conditions on the places of the tracked states.
    pub(super) fn tests(
        &self,
        machine: &Named,
        tracked: &[StateIdx],
    ) -> Result<Tests<'_>, QueryError> {
        let test = |(is, state): &(Is, Owned)| {
            let state = match state {
                Owned::Name(name) => StateRef::Name(name),
                Owned::Index(index) => StateRef::Index(*index),
            };
            let index = machine.schema.find(state).ok_or_else(|| UnknownState {
                machine: machine.id.clone(),
                state: state.text(),
            })?;
            let place = tracked.iter().position(|tracked| *tracked == index);
            let untracked = || QueryError::Untracked {
                state: machine.schema.name(index).to_owned(),
            };
            Ok((*is, place.ok_or_else(untracked)?))
        };
        let states: Result<Vec<_>, QueryError> = self.states.iter().map(test).collect();
        Ok(Tests {
            query: self,
            states: states?,
        })
    }
}

/// A query over the places of the tracked states.
pub(super) struct Tests<'a> {
    query: &'a Query,
    states: Vec<(Is, usize)>,
}

impl Tests<'_> {
    pub(super) fn are_met(&self, record: &Record) -> bool {
        let is_met = |&(is, place): &(Is, usize)| {
            let (tick, ticked) = (record.time[place], record.ticked[place]);
            match is {
                Is::Active => is_active_tick(tick),
                Is::Inactive => !is_active_tick(tick),
                Is::Activated => is_active_tick(tick) && ticked > 0,
                Is::Deactivated => !is_active_tick(tick) && ticked > 0,
            }
        };
        let wall = self.query.wall.as_ref();
        self.query.machine_time.contains(&record.machine_time)
            && wall.is_none_or(|range| record.wall.is_some_and(|wall| range.contains(&wall)))
            && self.states.iter().all(is_met)
    }
}
