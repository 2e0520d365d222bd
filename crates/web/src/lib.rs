//! The browser peer and its dashboard in one crate.
//!
//! Dashboard: `session` runs the tab's peer and turns its events into inputs of `model`, `store` holds what is shown,
//! `pages` and `components` show it. `model` and `words` are plain Rust, tested on the host.
//! [`history`] keeps what was seen; `store::time` looks at any moment of it.
//!
//! Browser peer: `js` is what a JavaScript page imports, `const mesh = await join({ topic, relays })`; it shares nothing
//! with the dashboard but the few questions to the browser in `browser`.

mod address;
mod answer;
mod app;
mod browser;
mod comparing;
mod components;
mod console;
mod derived;
mod following;
pub mod history;
#[cfg(feature = "js")]
mod js;
mod keeping;
mod model;
mod pages;
mod preferences;
mod router;
pub mod sample;
mod session;
mod sharing;
mod shelving;
mod store;
mod ui;
mod watching;
mod words;

#[cfg(feature = "js")]
pub use self::js::{JsLocalMachine, JsMachine, JsMesh, JsQuery, WaitOptions, join};

/// Mounts the page.
pub fn mount() {
    app::mount();
}
