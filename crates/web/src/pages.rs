//! One file per route.

mod join;
mod machine;
mod mesh;
mod overview;
mod peers;
mod settings;

pub use join::JoinPage;
pub use machine::MachinePage;
pub use mesh::MeshPage;
pub use overview::{NotFound, OverviewPage};
pub use peers::PeersPage;
pub use settings::SettingsPage;
