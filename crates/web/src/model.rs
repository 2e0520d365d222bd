//! What the page knows, as plain structs reduced from peer events. Compiles and is tested on the host.
//!
//! Flow: session -> [`Input`] -> [`World::apply`] -> [`World::settle`] -> view models (`fleet`, `verdict`, `tree`,
//! `peers`) -> store. Nothing here touches the DOM, reads a clock or knows libp2p: time is an argument ([`Seen`]).

mod address;
mod bookmark;
mod conditions;
mod connection;
mod fleet;
mod health;
mod link;
mod machine;
mod moment_link;
mod peers;
mod piece;
mod route;
mod schema;
mod text;
mod time;
mod tree;
mod verdict;
mod world;

#[cfg(test)]
pub mod fixture;

pub use address::{JoinTarget, is_local};
pub use bookmark::{Bookmark, MAX_BOOKMARKS, MAX_WORDS, read_bookmarks, write_bookmarks};
pub use conditions::{Conditions, is_work};
pub use connection::{Carrier, Connection, Failure, LinkFacts, Phase, Stop};
pub use fleet::{FleetRow, Group, StateWord, WordKind, fleet, fleet_row};
pub use health::{Assessment, Health, OwnerWord, Rule, Suffix, Vitals, judge};
pub use link::{MachineRef, Resolution, resolve};
pub use machine::{
    CHANGES_KEPT, Change, GAPS_KEPT, Learned, Machine, MachineKey, Past, Reading, Role, StateChange,
};
pub use moment_link::MomentLink;
pub use peers::{PeerFacts, PeerRole, PeerRow, peer_rows};
pub use piece::Piece;
pub use route::Route;
pub use schema::{SchemaFacts, StateFacts, is_active};
pub use text::Shown;
pub use time::{Age, Interval, Seen, WallClock, age_text, grouped};
pub use tree::{
    ChangeRow, ChangedState, MachineHead, MachineScreen, MachineView, RelationRow, StateRow,
    machine_screen,
};
pub use verdict::{AttentionRow, Subject, Verdict, attention_rows, past_verdict, verdict};
pub use world::{Input, World};
