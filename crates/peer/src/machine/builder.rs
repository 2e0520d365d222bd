//! Builds a machine: tags, parent, handlers, then the handle.

use std::sync::Arc;

use statemesh_core::engine::{Options, Schema, SchemaDef};

use super::suspend::Spawner;
use super::{BindError, Machine, MachineError, Shared, UnknownState, drain};
use crate::handlers::{Bound, Handlers, MaybeSend, Task};

/// Builds a machine.
#[must_use = "a builder does nothing until `build`"]
pub struct MachineBuilder {
    id: String,
    schema: SchemaDef,
    tags: Vec<String>,
    parent: String,
    handlers: Vec<Binding>,
    spawner: Option<Spawner>,
}

/// A handler set waiting for the schema.
type Binding = Box<dyn FnOnce(&str, &Schema) -> Result<Bound, UnknownState>>;

impl MachineBuilder {
    pub(super) fn new(id: String, schema: SchemaDef) -> Self {
        Self {
            id,
            schema,
            tags: Vec::new(),
            parent: String::new(),
            handlers: Vec::new(),
            spawner: None,
        }
    }

    /// Adds a tag, `key` or `key:value`.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Names the parent machine.
    pub fn parent(mut self, id: impl Into<String>) -> Self {
        self.parent = id.into();
        self
    }

    /// Binds a handler set.
    pub fn handlers<T: MaybeSend + 'static>(mut self, handlers: Handlers<T>) -> Self {
        self.handlers
            .push(Box::new(|machine, schema| handlers.bind(machine, schema)));
        self
    }

    /// Gives the futures of asynchronous handlers to an executor: `|task| { tokio::spawn(task); }`, or in a browser
    /// `wasm_bindgen_futures::spawn_local`. It is called without locks, on the thread that drains the machine, one task
    /// per call. A task that is dropped unfinished makes its handler fail.
    pub fn spawner(mut self, spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        self.spawner = Some(Arc::new(spawn));
        self
    }

    /// The machine. Problems of the schema and handlers for unknown states do not stop it: they are raised as an
    /// `Exception`, one each, and the last one is [`Machine::last_error`].
    #[must_use]
    pub fn build(self) -> Machine {
        let (schema, problems) = Schema::normalise(&self.schema);
        let mut errors: Vec<MachineError> =
            problems.into_iter().map(MachineError::Schema).collect();
        let mut bound = Vec::new();
        for bind in self.handlers {
            match bind(&self.id, &schema) {
                Ok(set) if set.needs_spawner && self.spawner.is_none() => {
                    errors.push(MachineError::Handlers(BindError::NoSpawner));
                }
                Ok(set) => bound.push(set),
                Err(unknown) => errors.push(MachineError::Handlers(unknown.into())),
            }
        }
        let machine = Machine {
            shared: Arc::new(Shared::new(
                self.id.into(),
                self.tags,
                self.parent,
                schema,
                self.spawner,
                Options::default(),
            )),
        };
        for set in bound {
            drain::bind(&machine, set);
        }
        let none: [&str; 0] = [];
        for error in errors {
            machine
                .raise(&none, error)
                .expect("no names, so none is unknown");
        }
        machine
    }
}
