//! Runs recorded engine cases: builds the machine, plays its operations with scripted handlers, compares all that is
//! observable.
//!
//! A case that the reference answered in several ways carries all of them and agrees when any one is met. A case whose
//! recorded outcome depends on defects names them in `quirks`; it may differ only by a defect we fixed on purpose.

use serde_json::Value;

use crate::vectors::Verdict;

use self::case::{Case, Outcome};

mod awaiting;
pub(crate) mod case;
mod compare;
pub(crate) mod run;
mod scripts;
mod waits;
pub(crate) mod watch;

/// Runs one line.
#[must_use]
pub fn check(line: &Value) -> Verdict {
    let case: Case = match serde_json::from_value(line.clone()) {
        Ok(case) => case,
        Err(error) => return Verdict::Differs(format!("not an engine case: {error}")),
    };
    let expected = match Outcome::all(line) {
        Ok(expected) => expected,
        Err(error) => return Verdict::Differs(format!("{}: {error}", case.id)),
    };
    let actual = match run::run(&case) {
        Ok(actual) => actual,
        Err(error) => return Verdict::Differs(format!("{}: {error}", case.id)),
    };
    let mut first_difference = None;
    for outcome in &expected {
        match compare::difference(outcome, &actual) {
            None => return Verdict::Agree,
            Some(difference) => first_difference.get_or_insert(difference),
        };
    }
    let fixed = case
        .quirks
        .iter()
        .find(|quirk| FIXED.contains(&quirk.as_str()));
    match (fixed, first_difference) {
        (Some(quirk), _) => Verdict::Deliberate(quirk.clone()),
        (None, Some(difference)) => Verdict::Differs(format!("{}: {difference}", case.id)),
        (None, None) => Verdict::Differs(format!("{}: no outcome recorded", case.id)),
    }
}

/// Defects of the reference that the engine does not have.
///
/// `4.3.4`: a check that calls a Multi state is refused like any other. `B2`: a wait for a queue tick fires also when the mutation it stands for is canceled. `B4`: the repair of a broken
/// final phase undoes and nothing more, and waits hear of it. `B11`: a skipped duplicate answers with the
/// queue tick of its equal. `B9`: waits for arguments share only when equal. `B13`:
/// every stay handler of an auto transition runs, a rejecting Auto state alone drops out. `B22`: a wait for several
/// states looks at the end of a transition, not into its middle. `5.6`: a negotiation handler that panics cancels an
/// auto transition like any other.
const FIXED: &[&str] = &["4.3.4", "B2", "B4", "B9", "B11", "B13", "B22", "5.6"];
