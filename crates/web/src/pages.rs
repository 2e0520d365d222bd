//! One file per route.

mod join;
mod machine;
mod overview;
mod peers;

pub use join::JoinPage;
pub use machine::MachinePage;
pub use overview::{NotFound, OverviewPage};
pub use peers::PeersPage;
