//! Runners for the recorded vectors and test drivers.

pub mod engine_notation;
pub mod engine_vectors;
pub mod format_vectors;
pub mod net;
pub mod tally;

pub mod vectors;
pub mod wire_vectors;
