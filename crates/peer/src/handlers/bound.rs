//! A handler set resolved against a schema: the table the drainer calls.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use statemesh_core::engine::{Handler, Schema};

use super::verdict::{Later, Reply};
use super::{Event, Held, MaybeSend};
use crate::machine::UnknownState;

/// A set resolved against a schema.
pub(crate) struct Bound {
    /// What it handles, sorted.
    pub(crate) handlers: Vec<Handler>,
    pub(crate) set: BoundSet,
    /// Has asynchronous handlers.
    pub(crate) needs_spawner: bool,
}

/// A bound set as the machine keeps it.
pub(crate) type BoundSet = Held<Box<dyn HandlerSet>>;

/// A bound set without its type.
pub(crate) trait HandlerSet: MaybeSend {
    /// Calls what is bound there behind the first `done`, in order, until one vetoes or needs time.
    fn call(&mut self, handler: Handler, done: usize, event: &Event<'_>) -> Reply;
}

/// Calls a set and catches its panic: `Err` is the message.
pub(crate) fn call_caught(
    set: &mut BoundSet,
    handler: Handler,
    done: usize,
    event: &Event<'_>,
) -> Result<Reply, String> {
    catch_unwind(AssertUnwindSafe(|| set.call(handler, done, event))).map_err(panic_text)
}

/// What a panic said.
pub(crate) fn panic_text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => {
                // A payload's drop is user code and may panic again; such a one is leaked.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
                "a panic without text".to_owned()
            }
        },
    }
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

/// A handler set over a `T`, sorted by handler.
pub(super) struct Table<T> {
    pub(super) data: T,
    pub(super) table: Vec<(Handler, Box<dyn Callback<T>>)>,
}

impl<T: MaybeSend> HandlerSet for Table<T> {
    fn call(&mut self, handler: Handler, done: usize, event: &Event<'_>) -> Reply {
        let first = self.table.partition_point(|(known, _)| *known < handler);
        let bound = self.table[first..].iter_mut();
        let bound = bound.take_while(|(known, _)| *known == handler);
        for (at, (_, callback)) in bound.enumerate().skip(done) {
            match callback.call(&mut self.data, event) {
                Reply::Accept => {}
                veto @ Reply::Veto(_) => return veto,
                Reply::Later(Later { future, .. }) => {
                    let done = at + 1;
                    return Reply::Later(Later { future, done });
                }
            }
        }
        Reply::Accept
    }
}

/// A closure of either kind; a supertrait instead of a bound, so that the trait object is `Send` where it has to be.
pub(super) trait Callback<T>: MaybeSend {
    fn call(&mut self, data: &mut T, event: &Event<'_>) -> Reply;
}

impl<T, F: FnMut(&mut T, &Event<'_>) -> Reply + MaybeSend> Callback<T> for F {
    fn call(&mut self, data: &mut T, event: &Event<'_>) -> Reply {
        self(data, event)
    }
}

/// A handler's event before the schema is known.
pub(super) enum Named {
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
    pub(super) fn resolve(self, machine: &str, schema: &Schema) -> Result<Handler, UnknownState> {
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
