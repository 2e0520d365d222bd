//! JavaScript errors with a `code`, since their messages are for people and may change.

use statemesh::mesh::Closed;
use statemesh::wait::WaitError;
use wasm_bindgen::JsValue;
use web_sys::js_sys::{Error, Reflect};

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The caller's fault: `join` was given something unusable.
    Options,
    /// The browser's: neither WebSocket nor WebRTC.
    Transport,
    /// No relay answered in time.
    Unreachable,
    /// The mesh was closed.
    Closed,
    /// The machine's owner is gone.
    Gone,
    /// The caller's fault: no such state.
    State,
    /// The caller's fault: no schema, or one with mistakes.
    Schema,
}

impl Code {
    /// As in the declaration of `MeshError`.
    fn name(self) -> &'static str {
        match self {
            Self::Options => "ERR_OPTIONS",
            Self::Transport => "ERR_TRANSPORT",
            Self::Unreachable => "ERR_UNREACHABLE",
            Self::Closed => "ERR_CLOSED",
            Self::Gone => "ERR_GONE",
            Self::State => "ERR_STATE",
            Self::Schema => "ERR_SCHEMA",
        }
    }
}

/// An `Error` with a `code`.
pub(super) fn failure(code: Code, message: &str) -> JsValue {
    let error = Error::new(message);
    // Setting a property of a fresh, ordinary object does not fail.
    let _ = Reflect::set(&error, &"code".into(), &code.name().into());
    error.into()
}

/// The mesh is closed.
pub(super) fn closed(error: &Closed) -> JsValue {
    failure(Code::Closed, &error.to_string())
}

/// A wait ended without coming true.
pub(super) fn wait_failed(error: &WaitError) -> JsValue {
    let code = match error {
        WaitError::Closed => Code::Closed,
        WaitError::Disposed | WaitError::Gone => Code::Gone,
        WaitError::Mismatch { .. } => Code::Options,
        WaitError::Unknown(_) => Code::State,
    };
    failure(code, &error.to_string())
}
