//! The machine handle from outside: handlers, the single drainer, waits, observers, disposal.
//!
//! Every test runs under a deadline: a lock held across user code shows as a deadlock, not as a wrong value.

mod asynchronous;
mod conditions;
mod context;
mod disposal;
mod drain;
mod events;
mod handle;
mod handlers;
mod history;
mod kit;
mod pipes;
mod queue;
mod requests;
mod schemas;
mod telemetry;
mod timeouts;
mod typed;
mod waits;
