//! The browser peer and its dashboard.

/// Mounts the page.
pub fn mount() {}
