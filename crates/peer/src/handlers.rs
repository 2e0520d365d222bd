//! Handlers: closures over a value of the user's, bound to a machine by state names.
//!
//! Negotiation handlers (`enter`, `exit`, `stay`, `pair`, `any_enter`) run before anything changed and answer `true`
//! to accept or `false` to veto. Final handlers (`state`, `end`, `any_state`) run after the commit. No lock is held
//! while one runs: it may read and mutate its own machine (queued until this transition is over) and any other.
//!
//! A handler that panics does not end the program: natively the panic becomes the state `Exception`, with the message
//! in [`Machine::last_error`]. The user's value stays as the panic left it. Where panics abort, as in a browser, they
//! do so here too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use statemesh_core::StateIdx;
use statemesh_core::engine::{Args, Handler, MutationKind, Schema, Source, TransitionView, TxId};

use crate::machine::{Machine, UnknownState};

pub use self::maybe_send::MaybeSend;
pub(crate) use self::maybe_send::{Held, hold};

mod maybe_send;

/// A set of handlers over the user's `T`. Several for the same event run in the order given, until one vetoes.
pub struct Handlers<T> {
    data: T,
    entries: Vec<(Named, Box<dyn Callback<T>>)>,
}

impl<T: MaybeSend + 'static> Handlers<T> {
    /// No handlers yet.
    #[must_use]
    pub fn new(data: T) -> Self {
        Self {
            data,
            entries: Vec::new(),
        }
    }

    /// Before a state begins.
    #[must_use]
    pub fn enter(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Enter(state.into()), f)
    }

    /// Before a state ends.
    #[must_use]
    pub fn exit(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Exit(state.into()), f)
    }

    /// Before a transition that a state stays active in; not asked for removals.
    #[must_use]
    pub fn stay(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Stay(state.into()), f)
    }

    /// Before a transition with one state active before and another one after, also when the latter was active before.
    #[must_use]
    pub fn pair(
        self,
        before: impl Into<String>,
        target: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::Pair(before.into(), target.into()), f)
    }

    /// Before every transition, last of all negotiation.
    #[must_use]
    pub fn any_enter(
        self,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(Named::AnyEnter, f)
    }

    /// A state began, or a called Multi state began again.
    #[must_use]
    pub fn state(
        self,
        state: impl Into<String>,
        f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static,
    ) -> Self {
        self.last(Named::State(state.into()), f)
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

    fn negotiation(
        mut self,
        named: Named,
        f: impl FnMut(&mut T, &Event<'_>) -> bool + MaybeSend + 'static,
    ) -> Self {
        self.entries.push((named, Box::new(f)));
        self
    }

    fn last(
        self,
        named: Named,
        mut f: impl FnMut(&mut T, &Event<'_>) + MaybeSend + 'static,
    ) -> Self {
        self.negotiation(named, move |data, event| {
            f(data, event);
            true
        })
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
        Ok(Bound {
            handlers,
            set: hold(Box::new(Table {
                data: self.data,
                table,
            })),
        })
    }
}

/// A set resolved against a schema.
pub(crate) struct Bound {
    /// What it handles, sorted.
    pub(crate) handlers: Vec<Handler>,
    pub(crate) set: BoundSet,
}

/// A bound set as the machine keeps it.
pub(crate) type BoundSet = Held<Box<dyn HandlerSet>>;

/// A bound set without its type.
pub(crate) trait HandlerSet: MaybeSend {
    /// Calls what is bound there. `false`: veto.
    fn call(&mut self, handler: Handler, event: &Event<'_>) -> bool;
}

/// Calls a set and catches its panic: `Err` is the message.
pub(crate) fn call_caught(
    set: &mut BoundSet,
    handler: Handler,
    event: &Event<'_>,
) -> Result<bool, String> {
    catch_unwind(AssertUnwindSafe(|| set.call(handler, event))).map_err(|payload| {
        match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => match payload.downcast::<&'static str>() {
                Ok(text) => (*text).to_owned(),
                Err(payload) => {
                    // A payload's drop is user code and may panic again; such a one is leaked.
                    let _ =
                        catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
                    "a panic without text".to_owned()
                }
            },
        }
    })
}

/// The name of a handler as people write it: `ReadyEnter`, `AnyState`.
pub(crate) fn name_of(handler: Handler, schema: &Schema) -> String {
    let name = |state| schema.name(state);
    match handler {
        Handler::Exit(state) => format!("{}Exit", name(state)),
        Handler::Enter(state) => format!("{}Enter", name(state)),
        Handler::Stay(state) => format!("{0}{0}", name(state)),
        Handler::Pair(before, target) => format!("{}{}", name(before), name(target)),
        Handler::AnyEnter => "AnyEnter".to_owned(),
        Handler::End(state) => format!("{}End", name(state)),
        Handler::State(state) => format!("{}State", name(state)),
        Handler::AnyState => "AnyState".to_owned(),
    }
}

struct Table<T> {
    data: T,
    table: Vec<(Handler, Box<dyn Callback<T>>)>,
}

impl<T: MaybeSend> HandlerSet for Table<T> {
    fn call(&mut self, handler: Handler, event: &Event<'_>) -> bool {
        let first = self.table.partition_point(|(known, _)| *known < handler);
        self.table[first..]
            .iter_mut()
            .take_while(|(known, _)| *known == handler)
            .all(|(_, callback)| callback.call(&mut self.data, event))
    }
}

/// A closure of either kind; a supertrait instead of a bound, so that the trait object is `Send` where it has to be.
trait Callback<T>: MaybeSend {
    fn call(&mut self, data: &mut T, event: &Event<'_>) -> bool;
}

impl<T, F: FnMut(&mut T, &Event<'_>) -> bool + MaybeSend> Callback<T> for F {
    fn call(&mut self, data: &mut T, event: &Event<'_>) -> bool {
        self(data, event)
    }
}

/// A handler's event before the schema is known.
enum Named {
    Exit(String),
    Enter(String),
    Stay(String),
    Pair(String, String),
    AnyEnter,
    End(String),
    State(String),
    AnyState,
}

impl Named {
    fn resolve(self, machine: &str, schema: &Schema) -> Result<Handler, UnknownState> {
        let find = |state: String| {
            schema.index(&state).ok_or_else(|| UnknownState {
                machine: machine.to_owned(),
                state,
            })
        };
        Ok(match self {
            Self::Exit(state) => Handler::Exit(find(state)?),
            Self::Enter(state) => Handler::Enter(find(state)?),
            Self::Stay(state) => Handler::Stay(find(state)?),
            // A pair of the same state is what the engine calls staying.
            Self::Pair(before, target) if before == target => Handler::Stay(find(before)?),
            Self::Pair(before, target) => Handler::Pair(find(before)?, find(target)?),
            Self::AnyEnter => Handler::AnyEnter,
            Self::End(state) => Handler::End(find(state)?),
            Self::State(state) => Handler::State(find(state)?),
            Self::AnyState => Handler::AnyState,
        })
    }
}

/// What a handler sees of the running transition.
pub struct Event<'a> {
    machine: &'a Machine,
    tx: TxId,
    kind: MutationKind,
    is_auto: bool,
    is_check: bool,
    args: Option<Args>,
}

impl<'a> Event<'a> {
    pub(crate) fn new(machine: &'a Machine, transition: TransitionView<'_>) -> Self {
        Self {
            machine,
            tx: transition.tx,
            kind: transition.kind,
            is_auto: transition.is_auto,
            is_check: transition.is_check,
            args: transition.args.cloned(),
        }
    }

    /// The machine whose handler runs.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.machine
    }

    /// Arguments of the mutation, if they are a `T`.
    #[must_use]
    pub fn args<T: 'static>(&self) -> Option<&T> {
        self.args.as_deref()?.downcast_ref()
    }

    /// What the mutation does.
    #[must_use]
    pub fn kind(&self) -> MutationKind {
        self.kind
    }

    /// Called by the engine itself, for Auto states.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        self.is_auto
    }

    /// Only tried: nothing will change.
    #[must_use]
    pub fn is_check(&self) -> bool {
        self.is_check
    }

    /// States called by the mutation.
    #[must_use]
    pub fn called(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.called.to_vec())
    }

    /// States active after this transition, if it is accepted.
    #[must_use]
    pub fn target(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.target.to_vec())
    }

    /// This transition as the cause of mutations elsewhere.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            machine: self.machine.shared_id(),
            tx: self.tx,
            machine_time: self.view(|transition| {
                let ticks = transition.clock_before.iter();
                ticks.fold(0, |sum, tick| u64::wrapping_add(sum, *tick))
            }),
        }
    }

    /// Looks at the transition under the machine's lock. It is this one as long as the event can be borrowed, except
    /// after the machine was disposed.
    fn view<R: Default>(&self, look: impl FnOnce(TransitionView<'_>) -> R) -> R {
        self.machine.running(self.tx, look).unwrap_or_default()
    }
}
