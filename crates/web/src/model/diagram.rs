//! The states of one machine and their relations as a picture, and a transition's steps as another one. Plain data: which
//! states stand where is a function of the schema and of what was asked for, so nothing moves while the cursor does; what
//! is marked and what is dim is a function of the moment.
//!
//! Flow: schema -> [`sketch`] (which states, which relations) -> [`Arranger`] (places and routes, in slices) ->
//! [`Picture::states`] -> the page, or [`Format::write`].
//!
//! The layout is our own, because the crates that resolve (rust-sugiyama, layout-rs, dagre) lay out in one go, which
//! forbids slices and a Cancel, and none of them limits the height of a layer.
//!
//! Parts: `layers` says which layer a state is in, `order` takes crossings away, `place` gives coordinates and routes.

mod export;
mod layers;
mod order;
mod picture;
mod place;
mod sequence;
mod sketch;

pub use export::Format;
pub use order::Arranger;
pub use picture::{Card, Facts, Line, Picture};
pub use place::Layout;
pub use sketch::{Group, Link, Outside, Sketch, groups, sketch};

use statemesh::core::engine::Relation;

use super::SchemaFacts;

/// How much is in the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// 0: states.
    States,
    /// 1: and the relations of those that the change at the cursor moved.
    Changed,
    /// 2: and all relations.
    #[default]
    Relations,
    /// 3: and handlers and tags.
    Handlers,
}

/// What is dim is what has nothing to do with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dim {
    /// Nothing is dim.
    #[default]
    Nothing,
    /// The states called.
    Called,
    /// The states that changed.
    Changed,
    /// The states that the steps speak of.
    Touched,
    /// The selected state and those it has relations with.
    Relations,
}

/// More states than that are drawn when somebody says so.
pub const MANY: usize = 100;

/// Begins to lay out a picture.
#[must_use]
pub fn arrange(schema: &SchemaFacts, sketch: &Sketch, depth: Depth) -> Arranger {
    let states = sketch.states.iter().map(|at| &schema.states[*at]);
    let sizes = states.map(|state| picture::size(state, depth)).collect();
    Arranger::new(sketch, sizes)
}

/// What a line says, and in which look: the word tells relations apart where colour and dashes do not.
#[must_use]
pub fn relation_word(kind: Relation) -> &'static str {
    match kind {
        Relation::Require => "requires",
        Relation::Add => "adds",
        Relation::Remove => "removes",
        Relation::After => "after",
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
