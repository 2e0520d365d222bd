//! What peers say to each other and what they know of each other's machines. No protocol rule here: a table of contents.
//!
//! ```text
//! bytes -> wire -> peer_registry (peers, mirrors, lives) -> node (events)
//!                        | missing, behind, suspect
//!                        v
//!                  gossip (whom to ask, whom to answer, when) -> node -> wire -> bytes
//! catch_up (direct stream to a neighbour) <-> node
//! local (own machines) ------------------------------------------^  paced by limiter
//! ```
//!
//! The parts do not know each other; the node connects them.

pub mod catch_up;
pub(crate) mod gossip;
pub(crate) mod jitter;
pub(crate) mod limiter;
pub(crate) mod local;
pub(crate) mod peer_registry;
pub mod remote_machine;
pub mod wire;

pub use self::remote_machine::Mirror;
