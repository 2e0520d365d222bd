//! What the page says of the sample workflow.

/// Starts it.
pub const RUN: &str = "Run the sample workflow in this tab";
/// Ends it.
pub const STOP: &str = "Stop the sample workflow";
/// What it is.
pub const WHAT: &str = "Three local machines, tagged sample; nobody else sees them.";
