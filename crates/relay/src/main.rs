//! The relay.

fn main() {}
