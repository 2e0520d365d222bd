//! Sentences of the Settings page.

use crate::model::{Limit, NotKept};

/// Below the title.
pub const INTRODUCTION: &str =
    "They hold at once and are kept in this browser. There is no telemetry to switch off.";
/// A number out of its range.
#[must_use]
pub fn out_of_range(least: u64, most: u64) -> String {
    format!("From {least} to {most}. The value before stays.")
}

/// Why settings are back to their defaults, or will be.
#[must_use]
pub fn not_kept(why: NotKept) -> &'static str {
    match why {
        NotKept::Version => {
            "Your settings were kept by another version of this page. They are back to their defaults."
        }
        NotKept::Damaged => "Your settings could not be read. They are back to their defaults.",
        NotKept::NoStorage => {
            "This browser keeps nothing for this page. Settings hold until the page is closed."
        }
        NotKept::NoRoom => {
            "Not kept: the browser has no room. Settings hold until the page is closed."
        }
    }
}

/// What a number means.
#[must_use]
pub fn limit(limit: Limit) -> (&'static str, &'static str) {
    match limit {
        Limit::NotReady => ("Not ready: Ready off for", "s"),
        Limit::Starting => ("Starting: for at most", "s"),
        Limit::Quiet => ("Quiet: no change for at least", "s"),
        Limit::QuietChanges => ("Quiet: after at least", "changes"),
        Limit::Stale => ("Stale: not heard for at least", "s"),
        Limit::Recovered => ("Recovered: said for", "s"),
    }
}
