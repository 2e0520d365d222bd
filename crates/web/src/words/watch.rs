//! What is said about watch rules.

/// Heading of the settings.
pub const TITLE: &str = "Watch rules";
/// Below it.
pub const NOTE: &str = "Machines that match join the attention list. A rule is a filter, or a state and off or on: \
     Ready off > 5 s on kind:courier. Press w on a state or a filter to add one.";
/// No rules.
pub const NONE: &str = "No rule yet.";
/// A row of the attention list.
pub const WATCHED: &str = "Watched";
/// Nothing is selected.
pub const NOTHING: &str = "Select a state or type a filter first. Then w watches it.";
/// A name that the grammar cannot say.
pub const UNSPEAKABLE: &str = "The name of this state or machine cannot be written in a rule.";
/// One too many.
pub const TOO_MANY: &str = "Not added: there are 50 rules. Delete one in Settings.";
/// Local storage is off or full.
pub const NOT_KEPT: &str =
    "Not kept: this browser keeps nothing for this page. The rule holds until it is closed.";
/// A rule that is there.
pub const KNOWN: &str = "This is watched already.";
/// A filter with a problem is not watched.
pub const WRONG_FILTER: &str = "The filter cannot be read, so it cannot be watched.";
/// Before the example of a duration.
pub const WRONG_TIME: &str = "A time looks like this: > 5 s.";
/// Nothing is asked for.
pub const EMPTY: &str = "A rule needs a filter, or a state and off or on: Ready off > 5 s.";
/// Something else stands behind the time.
pub const WRONG_END: &str =
    "Behind the time may stand on and a filter: Ready off > 5 s on kind:courier.";
/// The browser was asked and said no.
pub const NO_PERMISSION: &str =
    "The browser does not allow this page to notify. Allow it in the site's settings.";
/// What rules were kept by another version.
pub const OTHER_VERSION: &str =
    "Your watch rules were kept by another version of this page. They are not read.";

/// It was added.
#[must_use]
pub fn added(rule: &str) -> String {
    format!("Watching {rule}. Change it in Settings.")
}

/// What a rule found.
#[must_use]
pub fn match_of(rule: &str, machine: &str, host: &str) -> String {
    format!("{rule}: {machine} on {host}")
}

/// What rules found, in a notification.
#[must_use]
pub fn found(first: &str, others: usize) -> String {
    match others {
        0 => first.to_owned(),
        others => format!("{first} and {others} more"),
    }
}

/// The title of the page while something needs attention.
#[must_use]
pub fn title(count: usize, mesh: &str) -> String {
    match count {
        0 => mesh.to_owned(),
        count => format!("({count}) {mesh}"),
    }
}
