//! The guide to the engine, as in the directory `docs` of the repository. Its examples are compiled and run.
//!
//! - [`engine`]: what the machines are and do, from the beginning.
//! - [`schemas`]: schemas as JSON and TOML.

#[cfg(any(doc, all(feature = "json", feature = "toml")))]
#[doc = include_str!("../../../docs/engine.md")]
///
/// # Of this reference
///
/// [`states!`](crate::states), [`Machine`](crate::machine::Machine), [`Outcome`](crate::machine::Outcome),
/// [`Handlers`](crate::handlers::Handlers), [`Typed`](crate::handlers::Typed), [`Event`](crate::handlers::Event),
/// [`When`](crate::wait::When), [`StateCtx`](crate::machine::StateCtx), [`Pipe`](crate::machine::Pipe),
/// [`Retry`](crate::machine::Retry), [`Group`](crate::group::Group), [`History`](crate::history::History),
/// [`Timer`](crate::timer::Timer).
pub mod engine {}

#[cfg(any(doc, all(feature = "json", feature = "toml")))]
#[doc = include_str!("../../../docs/schema.md")]
pub mod schemas {}
