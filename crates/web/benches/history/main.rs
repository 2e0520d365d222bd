//! Time and room of the dashboard's history: recording, seeking anywhere in a million transitions, counts for a lane.
//!
//! Budgets (dashboard design 11): 96 bytes per transition in the mean, 16 ms per seek. Measured natively: criterion does
//! not run in browsers.

#[cfg(not(target_arch = "wasm32"))]
mod native;

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    native::run();
}
