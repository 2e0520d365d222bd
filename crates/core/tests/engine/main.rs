//! The engine from outside: worked examples, handler orders, recorded cases, laws that hold for every schema.

mod examples;
mod fixed;
mod handlers;
mod properties;
mod recorded;
mod waits;
