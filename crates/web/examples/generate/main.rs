//! Writes a large made-up recording: `cargo xtask gen --machines 10000 --transitions 1000000 OUT.smesh`, which calls this.
//!
//! The same plan gives the same bytes. Memory is bounded by what a page may hold of it: a plan that does not fit is refused.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod plan;
#[cfg(not(target_arch = "wasm32"))]
mod story;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    native::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
