//! What a handler sees of the transition it is called for.

use std::ops::Deref;

use statemesh_core::StateIdx;
use statemesh_core::engine::{Args, Handler, MutationKind, Source, TransitionView, TxId};

use super::Typed;
use crate::machine::{Machine, MachineError, WeakMachine};

/// What a handler sees of the running transition. It dereferences to its [`EventHead`].
///
/// ```
/// use statemesh::prelude::*;
///
/// let schema = SchemaDef::new().state("Open", StateDef::new()).state("Lit", StateDef::new());
/// let handlers = Handlers::new(()).state("Open", |_, event| {
///     assert!(!event.is_auto() && event.args::<u32>() == Some(&7));
///     // Its own machine: waits until this transition is over.
///     let lit = event.machine().add_from(event, "Lit");
///     assert!(matches!(lit, Ok(Outcome::Queued(_))));
/// });
/// let door = Machine::builder("door", schema).handlers(handlers).build();
/// door.add_args("Open", 7_u32)?;
/// assert!(door.is("Lit"));
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
pub struct Event<'a> {
    machine: &'a Machine,
    head: EventHead,
}

/// What every event tells.
#[derive(Clone)]
pub struct EventHead {
    tx: TxId,
    handler: Handler,
    kind: MutationKind,
    is_auto: bool,
    is_check: bool,
    args: Option<Args>,
}

impl EventHead {
    /// The transition's number.
    #[must_use]
    pub fn tx(&self) -> TxId {
        self.tx
    }

    /// What is called: the kind of handler and its states.
    #[must_use]
    pub fn handler(&self) -> Handler {
        self.handler
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

    /// Arguments of the mutation, if they are a `T`.
    #[must_use]
    pub fn args<T: 'static>(&self) -> Option<&T> {
        self.args.as_deref()?.downcast_ref()
    }

    /// Arguments of the mutation, whatever they are.
    pub(crate) fn any_args(&self) -> Option<Args> {
        self.args.clone()
    }

    /// Arguments of the mutation, if they are what that state takes.
    #[must_use]
    pub fn args_of<T: 'static, S>(&self, state: Typed<T, S>) -> Option<&T> {
        drop(state);
        self.args()
    }

    /// The error that the mutation reports.
    #[must_use]
    pub fn error(&self) -> Option<&MachineError> {
        self.args()
    }
}

impl<'a> Event<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        handler: Handler,
        transition: TransitionView<'_>,
    ) -> Self {
        Self {
            machine,
            head: EventHead {
                tx: transition.tx,
                handler,
                kind: transition.kind,
                is_auto: transition.is_auto,
                is_check: transition.is_check,
                args: transition.args.cloned(),
            },
        }
    }

    /// The machine whose handler runs.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.machine
    }

    /// States called by the mutation.
    #[must_use]
    pub fn called(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.called.to_vec())
    }

    /// States active before this transition.
    #[must_use]
    pub fn before(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.before.to_vec())
    }

    /// States active after this transition, if it is accepted.
    #[must_use]
    pub fn target(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.target.to_vec())
    }

    /// States that begin, called Multi states that are active already among them.
    #[must_use]
    pub fn enters(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.enters.to_vec())
    }

    /// States that end.
    #[must_use]
    pub fn exits(&self) -> Vec<StateIdx> {
        self.view(|transition| transition.exits.to_vec())
    }

    /// The transition that caused this one, possibly in another machine.
    #[must_use]
    pub fn cause(&self) -> Option<Source> {
        self.view(|transition| transition.source.cloned())
    }

    /// This transition as the cause of mutations elsewhere.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source_at(self.view(time_before))
    }

    /// The same for itself: for what outlives the handler's call.
    #[must_use]
    pub fn owned(&self) -> OwnedEvent {
        let (called, target, cause, time) = self.view(|transition| {
            let cause = transition.source.cloned();
            let [called, target] = [transition.called, transition.target].map(<[_]>::to_vec);
            (called, target, cause, time_before(transition))
        });
        OwnedEvent {
            machine: self.machine.downgrade(),
            head: self.head.clone(),
            called,
            target,
            cause,
            source: self.source_at(time),
        }
    }

    fn source_at(&self, machine_time: u64) -> Source {
        Source {
            machine: self.machine.shared_id(),
            tx: self.tx,
            machine_time,
        }
    }

    /// Looks at the transition under the machine's lock. It is this one as long as the event can be borrowed, except
    /// after the machine was disposed.
    fn view<R: Default>(&self, look: impl FnOnce(TransitionView<'_>) -> R) -> R {
        self.machine.running(self.tx, look).unwrap_or_default()
    }
}

/// Machine time before this transition.
fn time_before(transition: TransitionView<'_>) -> u64 {
    let ticks = transition.clock_before.iter();
    ticks.fold(0, |sum, tick| sum.wrapping_add(*tick))
}

impl Deref for Event<'_> {
    type Target = EventHead;

    fn deref(&self) -> &EventHead {
        &self.head
    }
}

/// What an asynchronous handler sees of its transition. It dereferences to its [`EventHead`].
///
/// It does not keep its machine alive, so that a handler which waits for ever does not either.
#[derive(Clone)]
pub struct OwnedEvent {
    machine: WeakMachine,
    head: EventHead,
    called: Vec<StateIdx>,
    target: Vec<StateIdx>,
    cause: Option<Source>,
    source: Source,
}

impl OwnedEvent {
    /// The machine whose handler runs; `None` when all its handles were dropped.
    #[must_use]
    pub fn machine(&self) -> Option<Machine> {
        self.machine.upgrade()
    }

    /// States called by the mutation.
    #[must_use]
    pub fn called(&self) -> &[StateIdx] {
        &self.called
    }

    /// States active after this transition, if it is accepted.
    #[must_use]
    pub fn target(&self) -> &[StateIdx] {
        &self.target
    }

    /// The transition that caused this one, possibly in another machine.
    #[must_use]
    pub fn cause(&self) -> Option<&Source> {
        self.cause.as_ref()
    }

    /// This transition as the cause of mutations elsewhere.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }
}

impl Deref for OwnedEvent {
    type Target = EventHead;

    fn deref(&self) -> &EventHead {
        &self.head
    }
}
