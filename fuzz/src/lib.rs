//! What the fuzz targets share: schemas and operations out of bytes, and a driver that checks a machine as it goes.
//!
//! `cargo xtask fuzz-smoke` runs every target for a minute; by hand, `cargo fuzz run --sanitizer none engine`.

mod driver;
mod input;

pub use driver::{Driver, check};
pub use input::{
    Answers, Definition, ExportInput, HandlerInput, MutationInput, Op, Reaction, StateInput,
    WaitInput,
};
