//! Arguments with a type, declared beside the state they belong to.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::machine::{StateName, StateRef};

/// A state whose mutations carry a `T`: declared once, and then whoever adds the state and whoever handles its beginning
/// agree on the type, or the program does not compile. It is a state's name wherever one is asked for.
///
/// ```
/// use statemesh::prelude::*;
///
/// struct Url(&'static str);
/// const DOWNLOADING: Typed<Url> = Typed::new("Downloading");
///
/// let schema = SchemaDef::new().state("Downloading", StateDef::new());
/// let handlers = Handlers::new(Vec::new())
///     .state_with(DOWNLOADING, |log: &mut Vec<&str>, _, url| log.push(url.0));
/// let machine = Machine::builder("download", schema).handlers(handlers).build();
/// let begun = machine.when_args(DOWNLOADING, |url| url.0.ends_with(".iso"));
/// machine.add_with(DOWNLOADING, Url("https://example.org/disk.iso"))?;
/// assert!(machine.is(DOWNLOADING));
/// assert_eq!(begun.now(), Some(Ok(())));
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
/// ```compile_fail,E0308
/// # use statemesh::prelude::*;
/// # let machine = Machine::new("download", SchemaDef::new());
/// const DOWNLOADING: Typed<String> = Typed::new("Downloading");
/// machine.add_with(DOWNLOADING, 7);
/// ```
///
/// # Without arguments
///
/// A state that a handler takes arguments for ([`Handlers::enter_with`](super::Handlers::enter_with),
/// [`state_with`](super::Handlers::state_with)) does not begin without them: the set vetoes, with the reason in the
/// record. So its handlers are never called without, whoever adds the state, be it by name or by a relation.
pub struct Typed<T: ?Sized, S = &'static str> {
    state: S,
    args: PhantomData<fn(&T)>,
}

impl<T: ?Sized, S> Typed<T, S> {
    /// That state, with arguments of type `T`.
    pub const fn new(state: S) -> Self {
        Self {
            state,
            args: PhantomData,
        }
    }
}

/// Why the state of a [`Typed`] did not begin.
pub(super) fn misses<T: ?Sized>() -> Arc<str> {
    format!("arguments of type {} are missing", type_name::<T>()).into()
}

impl<T: ?Sized, S> Deref for Typed<T, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<T: ?Sized, S: StateName> StateName for Typed<T, S> {
    fn state_ref(&self) -> StateRef<'_> {
        self.state.state_ref()
    }
}

impl<T: ?Sized, S: Into<String>> From<Typed<T, S>> for String {
    fn from(typed: Typed<T, S>) -> Self {
        typed.state.into()
    }
}

impl<T: ?Sized, S: Clone> Clone for Typed<T, S> {
    fn clone(&self) -> Self {
        Self::new(self.state.clone())
    }
}

impl<T: ?Sized, S: Copy> Copy for Typed<T, S> {}

impl<T: ?Sized, S: fmt::Debug> fmt::Debug for Typed<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.state, type_name::<T>())
    }
}
