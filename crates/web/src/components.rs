//! Widgets, one file each. They show what the store says and know no protocol.

mod attention;
mod changes;
mod connection_bar;
mod copy;
mod dynamic;
mod empty;
mod failures;
mod fleet;
mod glyph;
mod live_region;
mod machine_head;
mod machine_list;
mod name;
mod roving;
mod state_tree;
mod top_bar;
mod verdict;

pub use attention::AttentionList;
pub use changes::Changes;
pub use connection_bar::ConnectionBar;
pub use copy::CopyButton;
pub use dynamic::{RowKey, dynamic, rows};
pub use empty::EmptyMesh;
pub use failures::Failures;
pub use fleet::Fleet;
pub use glyph::{health_glyph, icon, state_glyph};
pub use live_region::{LiveRegion, SkipButton};
pub use machine_head::MachineFacts;
pub use machine_list::MachineList;
pub use name::{name, sentence};
pub use state_tree::StateTree;
pub use top_bar::{BottomBar, TopBar};
pub use verdict::VerdictBanner;
