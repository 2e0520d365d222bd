//! What the fuzz targets share: schemas and operations out of bytes, and drivers that check a machine, or a member of a
//! mesh, as it goes.
//!
//! `cargo xtask fuzz-smoke` runs every target for a minute; by hand, `cargo fuzz run --sanitizer none engine`.

mod driver;
mod input;
mod life;
mod member;

pub use driver::{Driver, check};
pub use input::{
    Answers, Definition, ExportInput, HandlerInput, MutationInput, Op, Reaction, StateInput,
    WaitInput,
};
pub use life::{Life, Step};
pub use member::MemberDriver;
