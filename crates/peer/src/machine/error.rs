//! What can go wrong inside a machine and shows as its state `Exception`.

use std::sync::Arc;

use statemesh_core::engine::{Handler, Schema, SchemaProblem};

use super::UnknownState;
use crate::handlers;

/// An error of a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// A handler's fault: it panicked. Its transition was canceled, a final one repaired.
    #[error("handler {handler} panicked: {message}")]
    Panic {
        /// Which, as `ReadyState`.
        handler: String,
        /// What it said.
        message: String,
    },
    /// A handler's fault: it had not ended at its deadline. Its transition was canceled or repaired, the queue dropped.
    #[error("handler {handler} was given up at its deadline")]
    Timeout {
        /// Which, as `ReadyState`.
        handler: String,
    },
    /// The builder's fault: the schema was repaired, the machine runs.
    #[error("schema: {0}")]
    Schema(SchemaProblem),
    /// The builder's fault: a handler set was not bound.
    #[error("handlers: {0}")]
    Handlers(BindError),
    /// Raised by the application through `add_error`.
    #[error("{0}")]
    Raised(String),
}

/// A handler set cannot be bound. The caller's mistake; nothing was bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// A handler is for a state that the schema lacks.
    #[error(transparent)]
    Unknown(#[from] UnknownState),
    /// It has asynchronous handlers, and the machine was built without a
    /// [`spawner`](super::MachineBuilder::spawner).
    #[error("asynchronous handlers, but no spawner")]
    NoSpawner,
}

impl MachineError {
    pub(super) fn timeout(handler: Handler, schema: &Schema) -> Arc<Self> {
        Arc::new(Self::Timeout {
            handler: handlers::name_of(handler, schema),
        })
    }

    pub(super) fn panic(handler: Handler, schema: &Schema, message: String) -> Arc<Self> {
        Arc::new(Self::Panic {
            handler: handlers::name_of(handler, schema),
            message,
        })
    }
}
