//! The guide to the engine, as in the directory `docs` of the repository. Its examples are compiled and run.

#[cfg(any(doc, all(feature = "json", feature = "toml")))]
#[doc = include_str!("../../../docs/schema.md")]
pub mod schemas {}
