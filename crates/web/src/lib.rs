//! The browser peer and its dashboard in one crate.
//!
//! Dashboard: `session` runs the tab's peer and turns its events into inputs of `model`, `store` holds what is shown,
//! `pages` and `components` show it. `model` and `words` are plain Rust, tested on the host.

mod app;
mod browser;
mod components;
mod model;
mod pages;
mod session;
mod store;
mod words;

/// Mounts the page.
pub fn mount() {
    app::mount();
}
