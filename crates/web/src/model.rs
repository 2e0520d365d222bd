//! What the page knows, as plain structs reduced from peer events. Compiles and is tested on the host.
//!
//! Flow: session -> [`Input`] -> [`World::apply`] -> [`World::settle`] -> view models (`fleet`, `verdict`, `tree`,
//! `peers`) -> store. Nothing here touches the DOM, reads a clock or knows libp2p: time is an argument ([`Seen`]).

mod address;
mod arrange;
mod bookmark;
pub mod compare;
mod conditions;
mod connection;
mod decimal;
pub mod diagram;
mod filter;
mod fleet;
mod frame;
mod graph;
mod health;
mod join_link;
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
mod roll;
mod route;
mod schema;
mod seats;
mod settings;
mod shelf;
mod steps;
mod table;
mod text;
mod tiles;
mod time;
mod tree;
mod tx_filter;
mod verdict;
mod watch;
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
pub use decimal::fixed;
pub use filter::{Candidate, Detail, Filter, Pattern, has_health, toggled};
pub use fleet::{FleetRow, Group, StateWord, WordKind, fleet, fleet_row};
pub use frame::{
    FRAME_BYTES, FRAME_LENGTH, Frame, FrameMachine, MACHINES, NoFrame, of_base64, to_base64,
};
pub use graph::{
    Edge, EventKind, GraphFrame, HealthTurn, Level, LinkClass, NetEvent, NetLink, NetPeer, Network,
    Node, NodeKind, NodeMachine, PeerRef, Places, Viewport, curve, toward,
};
pub use health::{Assessment, Health, OwnerWord, Rule, Suffix, Thresholds, Vitals, judge};
pub use join_link::{JoinLink, take_join};
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
pub use route::{Route, wanted_sample};
pub use schema::{SchemaFacts, StateFacts, is_active};
pub use seats::Seats;
pub use settings::{Density, Limit, LogLook, Motion, NotKept, Settings, Theme, Zone};
pub use shelf::{Shelf, turn};
pub use steps::{LANES, RelationArc, StepAct, StepPhase, Steps};
pub use table::{Cell, Table, machine_table, peer_table, string};
pub use text::Shown;
pub use tiles::{Arrow, SIDE, Tiles};
pub use time::{Interval, Seen, WallClock, age_text, grouped};
pub use tree::{
    MachineHead, MachineScreen, MachineView, RelationRow, StateRow, machine_screen, state_order,
};
pub use tx_filter::{TxFilter, TxFilters};
pub use verdict::{
    AttentionRow, Subject, Verdict, attention_rows, open_problems, past_verdict, verdict,
};
pub use watch::{
    MAX_RULES, WatchRule, Watched, join_rows, read_rules, watch_rows, watched_alone,
    watched_filter, watched_state, write_rules,
};
pub use what_if::{Block, WhatIf, what_if};
pub use why::{Known, Why, why};
pub use world::{Input, World};
