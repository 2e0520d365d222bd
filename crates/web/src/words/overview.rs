//! What the Overview says: filter, fleet, search.

use crate::model::grouped;

/// A key the filter does not know.
#[must_use]
pub fn unknown_key(key: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("Unknown key `{key}:`. Did you mean `{near}:`?"),
        None => format!(
            "Unknown key `{key}:`. There are is:, host:, peer:, parent:, tag:, state:, tick:, \
             changed: and fid:."
        ),
    }
}

/// A health the filter does not know.
#[must_use]
pub fn unknown_health(word: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("No machine is `{word}`. Did you mean `{near}`?"),
        None => format!(
            "No machine is `{word}`. There are error, notready, quiet, stale, gone, starting and \
             ok."
        ),
    }
}

/// A value that its key cannot have.
#[must_use]
pub fn wrong_value(key: &str, example: &str) -> String {
    format!("`{key}:` needs another value, as in `{example}`.")
}

/// A regular expression without an end.
#[must_use]
pub fn open_pattern(source: &str) -> String {
    format!("`/{source}` lacks the slash at its end.")
}

/// A regular expression that is none.
#[must_use]
pub fn bad_pattern(source: &str) -> String {
    format!("`/{source}/` is no regular expression.")
}

/// `12 of 30 machines`.
#[must_use]
pub fn shown_of(shown: usize, total: usize) -> String {
    format!("{} of {}", grouped(shown as u64), super::machines(total))
}
