//! What a negotiation handler may answer, and what becomes of it.

use std::fmt;
use std::sync::Arc;

use super::task::Boxed;

/// A negotiation handler's answer: `bool` (`false` is a veto), or a `Result` whose error is a veto with its reason.
///
/// The reason is text from here on. It is kept in the record of the transition
/// ([`Transition::refusals`](crate::machine::Transition::refusals)).
///
/// ```
/// use statemesh::prelude::*;
///
/// let schema = SchemaDef::new().state("Open", StateDef::new());
/// let handlers = Handlers::new(3).enter("Open", |tries: &mut u32, _| match *tries {
///     0 => Err("the lock is jammed"),
///     _ => Ok(*tries -= 1),
/// });
/// let door = Machine::builder("door", schema).handlers(handlers).build();
/// assert_eq!(door.add("Open")?, Outcome::Executed);
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a negotiation handler answers with a `bool` or a `Result<(), impl Display>`, not with `{Self}`"
)]
pub trait Verdict: sealed::Sealed {
    /// `Err`: a veto, and its reason if there is one.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), Option<String>>;
}

impl Verdict for bool {
    fn into_result(self) -> Result<(), Option<String>> {
        if self { Ok(()) } else { Err(None) }
    }
}

impl<E: fmt::Display> Verdict for Result<(), E> {
    fn into_result(self) -> Result<(), Option<String>> {
        self.map_err(|reason| Some(reason.to_string()))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for bool {}
    impl<E: std::fmt::Display> Sealed for Result<(), E> {}
}

/// What a handler answered.
pub(crate) enum Reply {
    Accept,
    /// Negotiation only, with the reason.
    Veto(Option<Arc<str>>),
    /// What this future will answer.
    Later(Later),
}

/// The rest of an asynchronous handler.
pub(crate) struct Later {
    /// Answers `Accept` or `Veto`.
    pub(crate) future: Boxed<Reply>,
    /// How many of the set's handlers for the event are done when it accepts.
    pub(crate) done: usize,
}

impl Reply {
    pub(crate) fn of(verdict: impl Verdict) -> Self {
        match verdict.into_result() {
            Ok(()) => Self::Accept,
            Err(reason) => Self::Veto(reason.map(Into::into)),
        }
    }
}
