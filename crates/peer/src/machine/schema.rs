//! A machine's schema, and how it grows while the machine lives (machine.md 1.6).
//!
//! Invariant: the states keep their indexes, new ones come behind them. So whoever resolved a name or noted an index
//! before, a handler, a pipe, a wait or an observer, is right afterwards.

use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use statemesh_core::collections::sort_by;
use statemesh_core::engine::{ReplaceError, Schema, SchemaDef, SchemaErrors, SchemaWarning};

use super::observe::Effect;
use super::shared::State;
use super::{Machine, drain};

/// The schema of a machine: the one it was built with, and from the first replacement on the newest.
pub(super) struct CurrentSchema {
    first: Arc<Schema>,
    newest: OnceLock<RwLock<Arc<Schema>>>,
}

/// A look at it that costs nothing as long as it was never replaced.
pub(crate) enum SchemaRef<'a> {
    First(&'a Arc<Schema>),
    Newest(Arc<Schema>),
}

/// The machine cannot take this schema. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceSchemaError {
    /// The caller's mistake: the definition is no schema.
    #[error(transparent)]
    Schema(#[from] SchemaErrors),
    /// It does not fit the old one, or the machine is busy: then await
    /// [`Machine::when_queue_ends`] and try again.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The machine is disposed.
    #[error("the machine is disposed")]
    Disposed,
}

impl Machine {
    /// Its schema, at this moment.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        match self.shared.schema.now() {
            SchemaRef::First(schema) => schema.clone(),
            SchemaRef::Newest(schema) => schema,
        }
    }

    /// Gives the machine a schema with more states, of which it must have all old ones; relations and properties may be
    /// others. States keep ticks and indexes, new ones come behind them, inactive. Handlers, waits, contexts and pipes go
    /// on. Peers of the mesh see a machine with the new schema instead of the one they had.
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// let lamp = || SchemaDef::new().state("On", StateDef::new());
    /// let machine = Machine::new("lamp", lamp());
    /// machine.add("On")?;
    /// machine.replace_schema(lamp().state("Dimmed", StateDef::new().require(["On"])))?;
    /// assert!(machine.is("On"));
    /// assert_eq!(machine.add("Dimmed")?, Outcome::Executed);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReplaceSchemaError`]: nothing changed. In a handler or an eval of this machine it is always busy.
    pub fn replace_schema(&self, def: SchemaDef) -> Result<Vec<SchemaWarning>, ReplaceSchemaError> {
        let (schema, warnings) = Schema::parse(&behind(def, &self.shared.schema.now()))?;
        let mut state = self.shared.lock();
        if state.engine.is_disposed() {
            return Err(ReplaceSchemaError::Disposed);
        }
        if state.draining {
            return Err(ReplaceError::Draining.into());
        }
        let old = state.engine.schema().clone();
        // Somebody may have replaced it since this one was put in order.
        if let Some(missing) = old
            .names()
            .zip(schema.names())
            .find(|(old, new)| old != new)
        {
            return Err(ReplaceError::Missing(missing.0.to_owned()).into());
        }
        state.engine.replace_schema(schema.clone())?;
        self.shared.schema.set(schema.clone());
        state.schema_changed(&old, &schema);
        drain::start(self, state);
        Ok(warnings)
    }
}

impl State {
    fn schema_changed(&mut self, old: &Arc<Schema>, new: &Arc<Schema>) {
        let Self { logs, effects, .. } = self;
        logs.schema_changed(old, new);
        logs.flush(effects);
        effects.push(Effect::Committed);
        self.collect_fired();
    }
}

/// The states that the schema has first, in its order.
fn behind(def: SchemaDef, schema: &Schema) -> SchemaDef {
    let mut def = def.with_exception();
    sort_by(&mut def.states, |(one, _), (other, _)| {
        match (schema.index(one), schema.index(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    });
    def
}

impl CurrentSchema {
    pub(super) fn new(first: Arc<Schema>) -> Self {
        Self {
            first,
            newest: OnceLock::new(),
        }
    }

    #[inline]
    pub(super) fn now(&self) -> SchemaRef<'_> {
        match self.newest.get() {
            None => SchemaRef::First(&self.first),
            Some(newest) => SchemaRef::Newest(newest.read().clone()),
        }
    }

    /// Under the machine's lock, when its engine has it: who sees it before meets the engine behind the lock.
    fn set(&self, schema: Arc<Schema>) {
        let newest = self.newest.get_or_init(|| RwLock::new(schema.clone()));
        *newest.write() = schema;
    }
}

impl Deref for SchemaRef<'_> {
    type Target = Schema;

    #[inline]
    fn deref(&self) -> &Schema {
        match self {
            Self::First(schema) => schema,
            Self::Newest(schema) => schema,
        }
    }
}
