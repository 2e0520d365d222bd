//! Live, observable state machines on a peer-to-peer mesh.
//!
//! The only crate an application adds. Without default features it is the engine, handlers and futures alone; with
//! the feature `mesh` (default) machines are exposed on a topic and those of other peers are mirrored.
//!
//! [`guide`] begins at the beginning.

#[cfg(feature = "mesh")]
mod behaviour;
#[cfg(feature = "mesh")]
pub mod claim;
#[cfg(all(feature = "mesh", not(target_arch = "wasm32")))]
mod door;
#[cfg(feature = "mesh")]
mod event_loop;
pub mod group;
pub mod guide;
pub mod handlers;
pub mod history;
#[cfg(feature = "mesh")]
pub mod identity;
#[cfg(feature = "mesh")]
mod lifecycle;
pub mod machine;
#[cfg(feature = "mesh")]
pub mod mesh;
#[cfg(any(feature = "mesh", test))]
pub mod pick;
#[cfg(all(feature = "mesh", not(target_arch = "wasm32")))]
mod private_file;
#[cfg(any(feature = "mesh", test))]
pub mod query;
#[cfg(feature = "mesh")]
mod registry;
#[cfg(feature = "mesh")]
pub mod remote;
#[cfg(feature = "tracing")]
pub mod telemetry;
pub mod timer;
#[cfg(feature = "mesh")]
pub mod traffic;
#[cfg(feature = "mesh")]
mod transport;
pub mod wait;
#[cfg(feature = "mesh")]
pub mod watch;

#[cfg(feature = "mesh")]
pub use libp2p::multiaddr::{self, Multiaddr};
pub use statemesh_core as core;
pub use statemesh_core::engine::{SchemaDef, StateDef};
pub use statemesh_core::{MachineIdx, PeerId, StateIdx, states};

/// What most applications import.
pub mod prelude {
    pub use crate::group::Group;
    pub use crate::handlers::{Event, Handlers, OwnedEvent, Typed};
    pub use crate::machine::{Machine, Outcome, Pipe, StateCtx, States};
    #[cfg(feature = "mesh")]
    pub use crate::mesh::{Mesh, MeshEvent};
    #[cfg(feature = "mesh")]
    pub use crate::query::Query;
    #[cfg(feature = "mesh")]
    pub use crate::remote::RemoteMachine;
    pub use crate::wait::{WaitError, When};
    pub use crate::{MachineIdx, PeerId, SchemaDef, StateDef, StateIdx, states};
}
