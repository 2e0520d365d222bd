//! Clock-based state machines and the mesh protocol, sans-IO.
//!
//! This crate has no IO, no threads, no async, reads no clock and draws no random numbers: time, randomness and
//! bytes are arguments, so the same inputs give the same outputs, natively and in wasm.
//!
//! - [`collections`]: ordered maps and sets that cost little in wasm.
//! - [`hash`]: a short one of bytes, for seeds and checksums.
//! - [`engine`]: one state machine. `mutate(..) -> Outcome`, then `poll()` until idle, `resume(..)` after each
//!   handler call. It owns no handlers, no wakers and no time.
//! - [`mesh`]: what peers say to each other and what they know of each other's machines.
//! - [`node`]: the mesh behind one handle, driven by four calls: [`node::Node::handle_input`],
//!   [`node::Node::handle_timeout`], [`node::Node::poll_output`], [`node::Node::poll_timeout`]. A driver does one
//!   mutation, drains the outputs to `None`, re-arms one timer, waits.
//!
//! Layers, each may use what is left of it: `collections, hash, ids, time` <- `engine` <- `mesh` <- `node`.

pub mod collections;
pub mod engine;
pub mod hash;
pub mod ids;
pub mod mesh;
pub mod node;
pub mod time;

pub use ids::{MachineIdx, ParsePeerIdError, PeerId, QueueTick, StateIdx};
pub use time::Instant;
