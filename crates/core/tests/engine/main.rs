//! The engine from outside: worked examples, handler orders, recorded cases and texts, laws that hold for every
//! schema, and a second engine that says the same.

mod bad_input;
mod equal;
mod examples;
mod fixed;
mod formats;
mod handlers;
mod moves;
mod oracle;
mod properties;
mod recorded;
mod waits;
