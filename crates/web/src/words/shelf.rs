//! What is said about machines that the reader put aside.

/// A key that needs a machine.
pub const NO_MACHINE: &str = "Open a machine first.";

/// It stands first, or does not any more.
#[must_use]
pub fn pinned(name: &str, is_pinned: bool) -> String {
    if is_pinned {
        format!("{name} is pinned: it stands first, and more of its history is kept.")
    } else {
        format!("{name} is not pinned any more.")
    }
}

/// It is not listed any more.
#[must_use]
pub fn hidden(name: &str) -> String {
    format!("{name} is hidden from lists. It still counts.")
}

/// How many are hidden.
#[must_use]
pub fn hidden_count(count: usize) -> String {
    match count {
        1 => "1 machine is hidden".to_owned(),
        count => format!("{count} machines are hidden"),
    }
}
