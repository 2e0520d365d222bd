//! Looks at a recorded line and runs it: engine cases and wire messages, also from files never seen.

use serde_json::Value;

/// What came of one recorded line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Equal in everything observable.
    Agree,
    /// Differs on purpose: names the defect of the reference that we fixed.
    Deliberate(String),
    /// Needs something that is not built yet: says what.
    Unsupported(String),
    /// Differs: says where, readable.
    Differs(String),
}

/// Runs one line of any known format.
#[must_use]
pub fn check_line(line: &str) -> Verdict {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return Verdict::Differs(format!("not JSON: {error}")),
    };
    if value.get("ops").is_some() && value.get("schema").is_some() {
        crate::engine_vectors::check(&value)
    } else if value.get("hex").is_some() || value.get("parts").is_some() {
        crate::wire_vectors::check(&value)
    } else {
        Verdict::Unsupported("unknown line format".to_owned())
    }
}
