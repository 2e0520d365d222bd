//! What peers say to each other and what they know of each other's machines (mesh-protocol.md).

pub mod remote_machine;

pub use self::remote_machine::Mirror;
