//! What is said about links to a moment.

use crate::model::age_text;

/// The clipboard took the link.
pub const COPIED: &str = "Link copied";

/// How a moment was found that is not the transition named: `Found by machine time t1204`.
#[must_use]
pub fn by_machine_time(time: u64) -> String {
    format!("Found by machine time t{time}")
}

/// By its owner's clock.
#[must_use]
pub fn by_owner_time() -> String {
    "Found by its owner's clock".to_owned()
}

/// `Nearest change, 0.31 s earlier`.
#[must_use]
pub fn nearest(earlier: u64) -> String {
    let age = match earlier {
        0..60_000 => format!("{}.{:02} s", earlier / 1_000, earlier % 1_000 / 10),
        earlier => age_text(earlier),
    };
    format!("Nearest change, {age} earlier")
}

/// `No history for 14:32:08. The oldest here is 14:40:12.`
#[must_use]
pub fn no_history(wanted: Option<&str>, oldest: Option<&str>) -> String {
    let wanted = wanted.unwrap_or("this moment");
    match oldest {
        Some(oldest) => format!("No history for {wanted}. The oldest here is {oldest}."),
        None => format!("No history for {wanted}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_design_says() {
        assert_eq!(by_machine_time(1_204), "Found by machine time t1204");
        assert_eq!(nearest(312), "Nearest change, 0.31 s earlier");
        assert_eq!(nearest(9), "Nearest change, 0.00 s earlier");
        assert_eq!(nearest(96_400), "Nearest change, 96 s earlier");
        assert_eq!(
            no_history(Some("14:32:08"), Some("14:40:12")),
            "No history for 14:32:08. The oldest here is 14:40:12."
        );
        assert_eq!(no_history(None, None), "No history for this moment.");
    }
}
