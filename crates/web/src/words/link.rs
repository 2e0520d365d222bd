//! What is said about links to a moment.

use statemesh::core::engine::Step;

use super::machine;
use crate::history::ChangeDetail;
use crate::model::{JoinLink, NoFrame, SchemaFacts, age_text, is_local};

/// The clipboard took the link.
pub const COPIED: &str = "Link copied";

/// Above a picture that a link brought.
pub const FROM_LINK: &str = "From the link, not verified. The history is gone.";
/// Title of the link menu.
pub const MENU: &str = "Copy a link";
/// The first of its items.
pub const MOMENT: &str = "Link to this moment";
/// What it is for.
pub const MOMENT_NOTE: &str = "For whoever has the history: this tab, or one that was here, too.";
/// The second.
pub const LIVE: &str = "Link to live view";
/// What it is for.
pub const LIVE_NOTE: &str = "The same machine and state, as they are when it is opened.";
/// The fourth.
pub const JOIN: &str = "Link that lets someone join";
/// Not yet.
pub const NO_JOIN: &str = "Not connected yet: there is no address to name.";
/// The browser packs nothing.
pub const NO_FRAME: &str = "This browser cannot pack a picture.";
/// A link was to let this tab join.
pub const NO_JOIN_LINK: &str =
    "This is not a join link: it is cut off or damaged. Copy the whole line again.";

/// `Link with frame (1.4 KB)`.
#[must_use]
pub fn with_frame(bytes: Option<usize>) -> String {
    match bytes {
        Some(bytes @ 0..1_000) => format!("Link with frame ({bytes} B)"),
        Some(bytes) => format!(
            "Link with frame ({}.{} KB)",
            bytes / 1_000,
            bytes % 1_000 / 100
        ),
        None => "Link with frame".to_owned(),
    }
}

/// What is in it.
#[must_use]
pub fn frame_note(machines: usize) -> String {
    format!(
        "Clocks of {} as they are here, for when the history is gone.",
        super::machines(machines)
    )
}

/// What the last link says, and to whom.
#[must_use]
pub fn join_note(link: &JoinLink, mesh: &str) -> String {
    let count = link.addresses.len();
    let addresses = if count == 1 { "address" } else { "addresses" };
    let reach = if link.addresses.iter().all(|it| is_local(it)) {
        "All of them are local: it works on this computer or network."
    } else {
        "Whoever reaches the relay may join."
    };
    format!("Names the mesh {mesh} and {count} {addresses} of its relay. {reach}")
}

/// A picture that cannot be shown.
#[must_use]
pub fn no_frame(problem: NoFrame) -> &'static str {
    match problem {
        NoFrame::TooLong => "The picture in this link is longer than 4 KB. It is not shown.",
        NoFrame::TooMuch => "The picture in this link unpacks to more than 64 KB. It is not shown.",
        NoFrame::Damaged => "The picture in this link is damaged. It is not shown.",
    }
}

/// The change at the cursor in a line: `#862 add RouteLost, executed`.
#[must_use]
pub fn head(change: &ChangeDetail) -> String {
    let number = change.number.map(|number| format!("#{number} "));
    let number = number.unwrap_or_default();
    match &change.head {
        Some(head) => {
            let called = head.called.iter();
            let called = called.map(|at| machine::state_name(&change.schema, *at as usize));
            let called: Vec<String> = called.map(|name| name.plain()).collect();
            let (kind, result) = (machine::mutation(head), machine::result(head));
            format!("{number}{kind} {}, {result}", called.join(" "))
        }
        None if change.is_first_look => machine::FIRST_LOOK.to_owned(),
        None if !number.is_empty() => format!("{number}{}", machine::changes(change.ticks())),
        None => machine::snapshot(change.ticks(), change.at),
    }
}

/// A decision of the engine in a line.
#[must_use]
pub fn step(schema: &SchemaFacts, step: Step) -> String {
    let name = |state: statemesh::StateIdx| machine::state_name(schema, state.at()).plain();
    match step {
        Step::Requested(state)
        | Step::Set(state)
        | Step::Remove(state)
        | Step::RemoveNotActive(state)
        | Step::Unmet(state)
        | Step::Cancel(state)
        | Step::Missing { state, .. } => format!("{} {}", step.label(), name(state)),
        Step::Relation(relation, from, to) => format!("{} {relation} {}", name(from), name(to)),
        Step::Handler(handler) => machine::handler(schema, handler),
    }
}

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
        assert_eq!(with_frame(Some(1_432)), "Link with frame (1.4 KB)");
        assert_eq!(with_frame(Some(87)), "Link with frame (87 B)");
    }
}
