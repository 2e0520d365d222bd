//! Handlers: closures over a value of the user's, bound to a machine by state names.
//!
//! Negotiation handlers (`enter`, `exit`, `stay`, `pair`, `any_enter`) run before anything changed and answer by a
//! [`Verdict`]: `true` accepts, `false` or an error is a veto. Final handlers (`state`, `end`, `any_state`) run after the
//! commit. No lock is held while one runs: it may read and mutate its own machine (queued until this transition is over)
//! and any other.
//!
//! A handler that panics does not end the program: natively the panic becomes the state `Exception`, with the message
//! in [`Machine::last_error`](crate::machine::Machine::last_error). The user's value stays as the panic left it. Where
//! panics abort, as in a browser, they do so here too.

use statemesh_core::engine::{Handler, Schema};

use std::future::Future;

use crate::machine::UnknownState;

use self::bound::{Callback, Named, Table};

pub(crate) use self::bound::{Bound, BoundSet, HandlerSet, call_caught, name_of, panic_text};
pub use self::event::{Event, EventHead, OwnedEvent};
pub use self::maybe_send::MaybeSend;
pub(crate) use self::maybe_send::{Held, hold, release};
pub use self::task::Task;
pub(crate) use self::task::{Boxed, Caught, Stop};
pub use self::typed::Typed;
pub use self::verdict::Verdict;
pub(crate) use self::verdict::{Later, Reply};

mod bound;
mod event;
mod maybe_send;
mod task;
mod typed;
mod verdict;

/// A set of handlers over the user's `T`. Several for the same event run in the order given, until one vetoes.
///
/// ```
/// use statemesh::prelude::*;
///
/// #[derive(Default)]
/// struct Turnstile { passed: u32 }
///
/// let schema = SchemaDef::new()
///     .state("Locked", StateDef::new().remove(["Open"]))
///     .state("Open", StateDef::new().remove(["Locked"]));
/// let handlers = Handlers::new(Turnstile::default())
///     .enter("Open", |stile, _| stile.passed < 1)
///     .state("Open", |stile, _| stile.passed += 1);
/// let machine = Machine::builder("turnstile", schema).handlers(handlers).build();
/// assert_eq!(machine.add("Open")?, Outcome::Executed);
/// machine.add("Locked")?;
/// assert_eq!(machine.add("Open")?, Outcome::Canceled, "vetoed");
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
pub struct Handlers<T> {
    data: T,
    entries: Vec<(Named, Box<dyn Callback<T>>)>,
    needs_spawner: bool,
}

/// Negotiation: before anything changed. The answer may be a veto.
impl<T: MaybeSend + 'static> Handlers<T> {
    /// Before a state begins.
    #[must_use]
    pub fn enter<V: Verdict>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Enter(state.into()), f)
    }

    /// Before a state begins, with the arguments it takes. Without them it is vetoed: see [`Typed`].
    #[must_use]
    pub fn enter_with<A: 'static, S: Into<String>, V: Verdict>(
        self,
        state: Typed<A, S>,
        mut f: impl FnMut(&mut T, &Event<'_>, &A) -> V + MaybeSend + 'static,
    ) -> Self {
        self.entry(Named::Enter(state.into()), move |data, event| {
            match event.args() {
                Some(args) => Reply::of(f(data, event, args)),
                None => Reply::Veto(Some(typed::misses::<A>())),
            }
        })
    }

    /// Before a state ends.
    #[must_use]
    pub fn exit<V: Verdict>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Exit(state.into()), f)
    }

    /// Before a transition that a state stays active in; not asked for removals.
    #[must_use]
    pub fn stay<V: Verdict>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Stay(state.into()), f)
    }

    /// Before a transition with one state active before and another one after, also when the latter was active before.
    #[must_use]
    pub fn pair<V: Verdict>(
        self,
        before: impl Into<String>,
        target: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Pair(before.into(), target.into()), f)
    }

    /// Before every transition, last of all negotiation.
    #[must_use]
    pub fn any_enter<V: Verdict>(
        self,
        f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::AnyEnter, f)
    }
}

/// After the commit.
impl<T: MaybeSend + 'static> Handlers<T> {
    /// A state began, or a called Multi state began again.
    #[must_use]
    pub fn state(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static,
    ) -> Self {
        self.last(Named::State(state.into()), f)
    }

    /// A state began, with the arguments it takes. Without them it does not begin: see [`Typed`].
    #[must_use]
    pub fn state_with<A: 'static, S: Into<String> + Clone>(
        self,
        state: Typed<A, S>,
        mut f: impl FnMut(&mut T, &Event<'_>, &A) + MaybeSend + 'static,
    ) -> Self {
        self.enter_with(state.clone(), |_, _, _: &A| true).last(
            Named::State(state.into()),
            move |data, event| {
                if let Some(args) = event.args() {
                    f(data, event, args);
                }
            },
        )
    }

    /// A state ended.
    #[must_use]
    pub fn end(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static,
    ) -> Self {
        self.last(Named::End(state.into()), f)
    }

    /// After every committed transition, last of all.
    #[must_use]
    pub fn any_state(self, f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static) -> Self {
        self.last(Named::AnyState, f)
    }
}

/// Asynchronous handlers: a future per call. The machine's queue waits for it; reads, waits and all other machines go
/// on. The machine needs a [`spawner`](crate::machine::MachineBuilder::spawner).
///
/// The closure runs like any handler and makes the future, which has nothing borrowed: what it needs of the user's value
/// it takes along, an `Arc` or a copy. What it found out it hands back by a mutation, which is queued until the
/// transition is over. A panic in it is the handler's panic. When the machine is disposed, or its last handle dropped,
/// the future is dropped.
///
/// ```
/// use statemesh::prelude::*;
///
/// const LOADED: Typed<String> = Typed::new("Loaded");
/// async fn fetch(url: String) -> String {
///     format!("what is at {url}")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schema = SchemaDef::new()
///     .state("Loading", StateDef::new().remove(["Loaded"]))
///     .state("Loaded", StateDef::new().remove(["Loading"]));
/// let handlers = Handlers::new(String::from("https://example.org"))
///     .state_async("Loading", |url, event| {
///         let url = url.clone();
///         async move {
///             let page = fetch(url).await;
///             if let Some(machine) = event.machine() {
///                 let _ = machine.add_with(LOADED, page);
///             }
///         }
///     })
///     .state_with(LOADED, |_, _, page| assert_eq!(page, "what is at https://example.org"));
/// let page = Machine::builder("page", schema)
///     .spawner(|task| { tokio::spawn(task); })
///     .handlers(handlers)
///     .build();
/// page.add("Loading")?;
/// page.when("Loaded").await?;
/// # Ok(())
/// # }
/// ```
impl<T: MaybeSend + 'static> Handlers<T> {
    /// Before a state begins.
    #[must_use]
    pub fn enter_async<F>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output: Verdict> + MaybeSend + 'static,
    {
        self.later(Named::Enter(state.into()), f, Reply::of)
    }

    /// Before a state ends.
    #[must_use]
    pub fn exit_async<F>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output: Verdict> + MaybeSend + 'static,
    {
        self.later(Named::Exit(state.into()), f, Reply::of)
    }

    /// As [`Handlers::stay`].
    #[must_use]
    pub fn stay_async<F>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output: Verdict> + MaybeSend + 'static,
    {
        self.later(Named::Stay(state.into()), f, Reply::of)
    }

    /// As [`Handlers::pair`].
    #[must_use]
    pub fn pair_async<F>(
        self,
        before: impl Into<String>,
        target: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output: Verdict> + MaybeSend + 'static,
    {
        self.later(Named::Pair(before.into(), target.into()), f, Reply::of)
    }

    /// As [`Handlers::any_enter`].
    #[must_use]
    pub fn any_enter_async<F>(
        self,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output: Verdict> + MaybeSend + 'static,
    {
        self.later(Named::AnyEnter, f, Reply::of)
    }

    /// A state began, or a called Multi state began again.
    #[must_use]
    pub fn state_async<F>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + MaybeSend + 'static,
    {
        self.later(Named::State(state.into()), f, |()| Reply::Accept)
    }

    /// A state ended.
    #[must_use]
    pub fn end_async<F>(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + MaybeSend + 'static,
    {
        self.later(Named::End(state.into()), f, |()| Reply::Accept)
    }

    /// As [`Handlers::any_state`].
    #[must_use]
    pub fn any_state_async<F>(
        self,
        f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + MaybeSend + 'static,
    {
        self.later(Named::AnyState, f, |()| Reply::Accept)
    }

    fn later<F: Future + MaybeSend + 'static>(
        mut self,
        named: Named,
        mut f: impl FnMut(&mut T, OwnedEvent) -> F + MaybeSend + 'static,
        reply: fn(F::Output) -> Reply,
    ) -> Self {
        self.needs_spawner = true;
        self.entry(named, move |data, event| {
            let future = f(data, event.owned());
            let future = Box::pin(async move { reply(future.await) });
            Reply::Later(Later { future, done: 0 })
        })
    }
}

impl<T: MaybeSend + 'static> Handlers<T> {
    /// No handlers yet.
    #[must_use]
    pub fn new(data: T) -> Self {
        Self {
            data,
            entries: Vec::new(),
            needs_spawner: false,
        }
    }

    fn negotiation<V: Verdict>(
        self,
        named: Named,
        mut f: impl FnMut(&mut T, &Event<'_>) -> V + MaybeSend + 'static,
    ) -> Self {
        self.entry(named, move |data, event| Reply::of(f(data, event)))
    }

    fn last(
        self,
        named: Named,
        mut f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static,
    ) -> Self {
        self.entry(named, move |data, event| {
            f(data, event);
            Reply::Accept
        })
    }

    fn entry(
        mut self,
        named: Named,
        f: impl FnMut(&mut T, &Event<'_>) -> Reply + MaybeSend + 'static,
    ) -> Self {
        self.entries.push((named, Box::new(f)));
        self
    }

    /// Resolves the names. `Err`: nothing is lost but the set itself.
    pub(crate) fn bind(self, machine: &str, schema: &Schema) -> Result<Bound, UnknownState> {
        let mut table = Vec::with_capacity(self.entries.len());
        for (named, callback) in self.entries {
            table.push((named.resolve(machine, schema)?, callback));
        }
        table.sort_by_key(|(handler, _)| *handler);
        let mut handlers: Vec<Handler> = table.iter().map(|(handler, _)| *handler).collect();
        handlers.dedup();
        let data = self.data;
        Ok(Bound {
            handlers,
            needs_spawner: self.needs_spawner,
            set: hold(Box::new(Table { data, table })),
        })
    }
}
