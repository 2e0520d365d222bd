//! The relay.

mod demo;

fn main() {}
