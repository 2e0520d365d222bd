//! What the rules of health watch in one machine, followed from change to change: since when an error is active, `Ready`
//! is off and `Start` is on, when an error ended, and when it last worked.
//!
//! Fed in order, by the live machine and by the history that is read again up to the cursor.

use statemesh::core::engine::is_active_tick;

use super::schema::is_active;
use super::{Interval, SchemaFacts, Seen, StateChange};

/// Since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// An error state has been active since.
    pub error_since: Option<Interval>,
    /// An error that nobody sees any more ended then.
    pub error_over: Option<Interval>,
    /// `Ready` has been inactive since.
    pub not_ready_since: Option<Interval>,
    /// `Start` has been active since (or there is no `Start`: since it was learned).
    pub started_since: Option<Interval>,
    /// Last change that counts as work.
    pub worked: Option<Seen>,
    /// Changes that count as work.
    pub work_count: u64,
}

impl Conditions {
    /// Of a machine just learned, or that began anew.
    #[must_use]
    pub fn begin(schema: &SchemaFacts, clock: &[u64], at: Interval) -> Self {
        let mut conditions = Self::default();
        conditions.hold(schema, clock, at);
        conditions
    }

    /// One change; `clock` is the one behind it.
    pub fn follow(
        &mut self,
        schema: &SchemaFacts,
        changes: &[StateChange],
        clock: &[u64],
        at: Interval,
    ) {
        if is_error_over(schema, changes) && schema.active_errors(clock).next().is_none() {
            self.error_over = Some(at);
        }
        if is_work(schema, changes) {
            self.worked = Some(at.by);
            self.work_count += 1;
        }
        self.hold(schema, clock, at);
    }

    /// Begins and ends what lasts.
    fn hold(&mut self, schema: &SchemaFacts, clock: &[u64], at: Interval) {
        let error = schema.active_errors(clock).next().is_some();
        let not_ready = schema.ready.is_some_and(|ready| !is_active(clock, ready));
        let started = schema.start.is_none_or(|start| is_active(clock, start));
        for (condition, since) in [
            (error, &mut self.error_since),
            (not_ready, &mut self.not_ready_since),
            (started, &mut self.started_since),
        ] {
            match (condition, *since) {
                (true, None) => *since = Some(at),
                (false, Some(_)) => *since = None,
                (true, Some(_)) | (false, None) => {}
            }
        }
    }
}

/// Does any of these say something about the machine's own work?
#[must_use]
pub fn is_work(schema: &SchemaFacts, changes: &[StateChange]) -> bool {
    changes.iter().any(|change| {
        schema
            .states
            .get(change.state)
            .is_some_and(|state| !state.is_pulse)
    })
}

/// An error that was active, or came and went unseen, may be over.
fn is_error_over(schema: &SchemaFacts, changes: &[StateChange]) -> bool {
    changes.iter().any(|change| {
        let is_error = schema
            .states
            .get(change.state)
            .is_some_and(|state| state.is_error);
        is_error && (change.flickered() || is_active_tick(change.before))
    })
}
