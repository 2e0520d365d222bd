//! The engine from outside: worked examples, handler orders, recorded cases and texts, laws that hold for every
//! schema.

mod examples;
mod fixed;
mod formats;
mod handlers;
mod moves;
mod properties;
mod recorded;
mod waits;
