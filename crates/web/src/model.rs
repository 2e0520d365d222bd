//! What the page knows, as plain structs reduced from peer events. Compiles and is tested on the host.
//!
//! Flow: session -> [`Input`] -> [`World::apply`] -> [`World::settle`] -> view models (`fleet`, `verdict`, `tree`,
//! `peers`) -> store. Nothing here touches the DOM, reads a clock or knows libp2p: time is an argument ([`Seen`]).

mod address;
mod arrange;
mod bookmark;
mod conditions;
mod connection;
mod filter;
mod fleet;
mod graph;
mod health;
mod known;
mod link;
mod machine;
mod matrix;
mod moment_link;
mod palette;
mod peer_table;
mod peers;
mod piece;
mod rain_cells;
mod route;
mod schema;
mod settings;
mod text;
mod tiles;
mod time;
mod tree;
mod verdict;
mod what_if;
mod why;
mod world;

#[cfg(test)]
pub mod fixture;

pub use address::{JoinTarget, is_local};
pub use arrange::{Arranged, Grouping, InView, Label, Labels, Layout, Order, Sorting, arranged};
pub use bookmark::{Bookmark, MAX_BOOKMARKS, MAX_WORDS, read_bookmarks, write_bookmarks};
pub use conditions::{Conditions, is_work};
pub use connection::{Carrier, Connection, Failure, LinkFacts, Phase, Stop};
pub use filter::{Candidate, Detail, Filter, Pattern, has_health, toggled};
pub use fleet::{FleetRow, Group, StateWord, WordKind, fleet, fleet_row};
pub use graph::{
    Edge, EventKind, GraphFrame, HealthTurn, Level, LinkClass, NetEvent, NetLink, NetPeer, Network,
    Node, NodeKind, NodeMachine, PeerRef, Places, Viewport, curve, toward,
};
pub use health::{Assessment, Health, OwnerWord, Rule, Suffix, Thresholds, Vitals, judge};
pub use known::{KnownMesh, read_known, with_visit, write_known};
pub use link::{MachineRef, Resolution, resolve};
pub use machine::{
    CHANGES_KEPT, Change, GAPS_KEPT, Learned, Machine, MachineKey, Past, Reading, Role,
    StateChange, belongs,
};
pub use matrix::matrix_row;
pub use moment_link::MomentLink;
pub use palette::{Action, Command, Hit, search};
pub use peer_table::{
    Ahead, Order as PeerOrder, PeerColumn, PeerFilter, PeerLine, PeerWord, peer_lines,
};
pub use peers::{Contact, LinkEnd, PeerFacts, PeerRole, ReportedLink, Traffic};
pub use piece::Piece;
pub use rain_cells::{CELL_HEIGHT, CELL_WIDTH, rain_paths};
pub use route::Route;
pub use schema::{SchemaFacts, StateFacts, is_active};
pub use settings::{Density, Limit, Motion, NotKept, Settings, Theme, Zone};
pub use text::Shown;
pub use tiles::{Arrow, SIDE, Tiles};
pub use time::{Interval, Seen, WallClock, age_text, grouped};
pub use tree::{
    MachineHead, MachineScreen, MachineView, RelationRow, StateRow, machine_screen, state_order,
};
pub use verdict::{AttentionRow, Subject, Verdict, attention_rows, past_verdict, verdict};
pub use what_if::{Block, WhatIf, what_if};
pub use why::{Known, Why, why};
pub use world::{Input, World};
