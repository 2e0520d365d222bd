//! A machine gets another schema: one that grew, or the same in another order.
//!
//! Everything is looked at before anything changes. Ticks, the order of active states, handlers and waits stay with
//! their states, under new indexes; new states start at 0.

use std::sync::Arc;

use crate::engine::Machine;
use crate::engine::clock::Clock;
use crate::engine::relations::Resolver;
use crate::engine::schema::Schema;
use crate::engine::tracer::{NoTracer, Tracer};
use crate::ids::StateIdx;

/// The machine cannot take this schema. The caller's mistake; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// A transition or queued mutations still run by the old one.
    #[error("the machine is busy with a mutation")]
    Draining,
    /// A state of the old schema is not in the new one.
    #[error("the new schema misses state {0}")]
    Missing(String),
    /// The new schema has no more states than the old one, so that versions (their number) could not tell them apart.
    #[error("the new schema has {new} states, the old one {old}: it must have more")]
    NotLarger {
        /// States of the new schema.
        new: usize,
        /// States of the old one.
        old: usize,
    },
}

impl Machine {
    /// Replaces the schema by one that has all its states and more. Between mutations only.
    ///
    /// Indexes change where the order does: the caller looks its own up again, by name. Waits and bound handlers follow
    /// by themselves.
    ///
    /// # Errors
    /// [`ReplaceError`]; nothing changed.
    pub fn replace_schema(&mut self, schema: Arc<Schema>) -> Result<(), ReplaceError> {
        self.replace_schema_traced(schema, &mut NoTracer)
    }
    /// [`Machine::replace_schema`] with an observer.
    ///
    /// # Errors
    /// [`ReplaceError`]; nothing changed.
    pub fn replace_schema_traced<T: Tracer>(
        &mut self,
        schema: Arc<Schema>,
        tracer: &mut T,
    ) -> Result<(), ReplaceError> {
        if self.is_draining() {
            return Err(ReplaceError::Draining);
        }
        let places = places(self.schema(), &schema)?;
        let (new, old) = (schema.len(), places.len());
        if new <= old {
            return Err(ReplaceError::NotLarger { new, old });
        }
        let clock = self.clock.moved(new, &places);
        let old = self.reindex(schema, &places, clock);
        tracer.schema_changed(&old, &self.schema);
        Ok(())
    }

    /// Takes over a schema, and a clock in its order. `places` are the new indexes of the old states. Waits that the
    /// clock makes true are left in [`Machine::fired`].
    pub(crate) fn reindex(
        &mut self,
        schema: Arc<Schema>,
        places: &[StateIdx],
        clock: Clock,
    ) -> Arc<Schema> {
        let states = schema.len();
        self.clock = clock;
        self.bindings = self.bindings.moved(states, places);
        self.fired.clear();
        let ticks = self.clock.ticks();
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.rebase(places, ticks, &mut self.fired);
        }
        self.resolver = Resolver::new(states);
        self.transition.rebase(&self.clock);
        std::mem::replace(&mut self.schema, schema)
    }
}

/// Where the states of `old` are in `new`.
pub(crate) fn places(old: &Schema, new: &Schema) -> Result<Vec<StateIdx>, ReplaceError> {
    let place = |name: &str| {
        let place = new.index(name);
        place.ok_or_else(|| ReplaceError::Missing(name.to_owned()))
    };
    old.names().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        Call, Handler, IndexError, Mutation, Options, Outcome, Poll, SchemaDef, StateDef, Wait,
    };

    fn schema(names: &str) -> Arc<Schema> {
        let names: Vec<_> = names.split(' ').collect();
        let plain = names
            .iter()
            .map(|name| ((*name).to_owned(), StateDef::new()));
        let def = SchemaDef {
            states: plain.collect(),
        };
        let schema: Result<_, IndexError> = Schema::with_index(&def, &names);
        schema.unwrap().0
    }
    fn machine() -> Machine {
        let mut machine = Machine::new(schema("A B Exception"), Options::default());
        machine.apply(Mutation::add(&[StateIdx(1), StateIdx(0)]));
        machine.apply(Mutation::remove(&[StateIdx(0)]));
        machine
    }

    #[test]
    fn ticks_stay_with_their_states() {
        let mut machine = machine();
        assert_eq!(machine.replace_schema(schema("C B Exception A")), Ok(()));
        assert_eq!(format!("{machine:#}"), "(B:1) [C:0 Exception:0 A:2]");
        assert_eq!(
            (machine.machine_time(), machine.active()),
            (3, &[StateIdx(1)][..])
        );
        let outcome = machine.apply(Mutation::add(&[StateIdx(0), StateIdx(3)]));
        assert_eq!(outcome, Outcome::Executed);
        assert_eq!(machine.to_string(), "(C:1 B:1 A:3)");
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut machine = machine();
        let missing = ReplaceError::Missing("A".to_owned());
        let mut check = |names, expected: &ReplaceError| {
            let replaced = machine.replace_schema(schema(names));
            assert_eq!(replaced.as_ref(), Err(expected));
            assert_eq!(format!("{machine:#}"), "(B:1) [A:2 Exception:0]");
        };
        check("B C D Exception", &missing);
        check("B A Exception", &ReplaceError::NotLarger { new: 3, old: 3 });
        machine.mutate(Mutation::add(&[StateIdx(0)]));
        let replaced = machine.replace_schema(schema("A B C Exception"));
        assert_eq!(replaced, Err(ReplaceError::Draining));
        while machine.poll() != Poll::Idle {}
        assert_eq!(machine.to_string(), "(A:3 B:1)");
    }

    #[test]
    fn handlers_and_waits_follow() {
        let mut machine = machine();
        let (a, exception) = (StateIdx(0), StateIdx(2));
        machine.bind(&[Handler::Enter(a), Handler::Pair(StateIdx(1), a)]);
        machine.bind(&[Handler::State(a)]);
        machine.watch_args(exception);
        let Wait::Pending(wait) = machine.when(&[a, exception]) else {
            panic!("true already");
        };
        machine.replace_schema(schema("C Exception B A")).unwrap();
        let (a, b, exception) = (StateIdx(3), StateIdx(2), StateIdx(1));
        machine.mutate(Mutation::add(&[exception, a]));
        let (mut calls, mut fired, mut begun) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match machine.poll() {
                Poll::Call(Call {
                    tx,
                    call_no,
                    binding,
                    handler,
                }) => {
                    calls.push((binding.0, handler));
                    machine.resume(tx, call_no, crate::engine::Answer::Accept);
                }
                Poll::Fired => fired.extend_from_slice(machine.fired()),
                Poll::Args(state) => begun.push(state),
                Poll::Settled => {}
                Poll::Idle => break,
            }
        }
        let expected = [
            (0, Handler::Enter(a)),
            (0, Handler::Pair(b, a)),
            (1, Handler::State(a)),
        ];
        assert_eq!(calls, expected);
        assert_eq!((fired, begun), (vec![wait], vec![exception]));
    }
}
