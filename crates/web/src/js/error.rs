//! JavaScript errors with a `code`, since their messages are for people and may change.

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
