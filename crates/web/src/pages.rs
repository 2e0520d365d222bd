//! One file per route.

mod compare;
mod join;
mod machine;
mod mesh;
mod overview;
mod peers;
mod settings;

pub use compare::ComparePage;
pub use join::JoinPage;
pub use machine::MachinePage;
pub use mesh::MeshPage;
pub use overview::{NotFound, OverviewPage};
pub use peers::PeersPage;
pub use settings::SettingsPage;
