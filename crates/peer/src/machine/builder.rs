//! Builds a machine: tags, parent, handlers, then the handle.

use std::sync::Arc;

use statemesh_core::engine::{Options, Schema, SchemaDef};

use super::suspend::Spawner;
use super::timeouts::{Timeouts, Watch};
use super::{BindError, Machine, MachineError, Shared, UnknownState, drain};
use crate::handlers::{Bound, Handlers, MaybeSend, Task};
use crate::timer::Timer;

/// Builds a machine.
#[must_use = "a builder does nothing until `build`"]
pub struct MachineBuilder {
    id: String,
    schema: SchemaDef,
    tags: Vec<String>,
    parent: String,
    handlers: Vec<Binding>,
    spawner: Option<Spawner>,
    watch: Option<Watch>,
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
            watch: None,
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

    /// Looks at how long handlers take; without it nothing reads a clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use statemesh::machine::Timeouts;
    /// use statemesh::prelude::*;
    /// use statemesh::timer::{Instant, Timer};
    ///
    /// /// Every look at this clock takes a second.
    /// struct Slow(std::sync::atomic::AtomicU64);
    /// impl Timer for Slow {
    ///     type Sleep = std::future::Ready<()>;
    ///     fn now(&self) -> Instant {
    ///         let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    ///         Instant::ZERO + Duration::from_secs(looks)
    ///     }
    ///     fn sleep(&self, _: Duration) -> Self::Sleep {
    ///         std::future::ready(())
    ///     }
    /// }
    ///
    /// let machine = Machine::builder("m", SchemaDef::new().state("A", StateDef::new()))
    ///     .timeouts(Timeouts::default(), Slow(0.into()))
    ///     .handlers(Handlers::new(()).state("A", |_, _| ()))
    ///     .build();
    /// machine.add("A")?;
    /// assert_eq!(machine.last_overrun().map(|it| it.took), Some(Duration::from_secs(1)));
    /// # Ok::<_, statemesh::machine::UnknownState>(())
    /// ```
    pub fn timeouts(mut self, timeouts: Timeouts, timer: impl Timer) -> Self {
        self.watch = Some(Watch::new(timeouts, Box::new(timer)));
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
                self.watch,
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
