//! Observers of a machine, and what is done for them and for waits after unlocking.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use statemesh_core::engine::{
    Answer, Args, BindingId, Call, Handler, MutationKind, Source, Step, Tracer, TransitionView,
    TxId,
};
use statemesh_core::{QueueTick, StateIdx};

use super::Machine;
use super::conditions::Condition;
use super::eval::Command;
use super::notes::{LISTENS, Notes};
use super::shared::Shared;
use super::timeouts::Overrun;
use crate::handlers::{BoundSet, Stop};

/// A finished transition.
#[derive(Clone, Debug)]
pub struct Transition {
    /// Its number.
    pub tx: TxId,
    /// `Add`, `Remove` or `Set`.
    pub kind: MutationKind,
    /// Called states.
    pub called: Vec<StateIdx>,
    /// Called by the engine for Auto states.
    pub is_auto: bool,
    /// Tried only.
    pub is_check: bool,
    /// False: canceled.
    pub accepted: bool,
    /// Ticks before.
    pub clock_before: Vec<u64>,
    /// Ticks after.
    pub clock_after: Vec<u64>,
    /// Cause.
    pub source: Option<Source>,
    /// Who refused, in order. A refusal cancels the transition, except that a refused Auto state alone drops out.
    pub refusals: Vec<Refusal>,
    /// Queue tick of the mutation; `None`: it was put in front.
    pub queue_tick: Option<QueueTick>,
    /// The mutation came while the machine was at work, and waited for its turn.
    pub is_queued: bool,
    /// Arguments of the mutation.
    pub args: Option<Args>,
    /// Decisions in order, called handlers among them; with the feature `trace` only.
    pub steps: Vec<Step>,
    /// Lines of the application ([`Machine::log_line`]) since the transition before; with the feature `trace` only.
    pub lines: Vec<Box<str>>,
    /// How long it took, handlers included; with the feature `trace` only.
    pub took: Option<Duration>,
}

/// A handler did not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which handler.
    pub handler: Handler,
    /// Of which set, in the order they were bound.
    pub binding: BindingId,
    /// How it refused; never `Accept`.
    pub answer: Answer,
    /// What it said: the reason of a veto, the message of a panic.
    pub reason: Option<Arc<str>>,
}

impl Transition {
    fn copy(view: TransitionView<'_>, notes: &mut Notes) -> Self {
        let noted = notes.take(view.tx, view.queue_tick);
        Self {
            tx: view.tx,
            kind: view.kind,
            called: view.called.to_vec(),
            is_auto: view.is_auto,
            is_check: view.is_check,
            accepted: view.accepted,
            clock_before: view.clock_before.to_vec(),
            clock_after: view.clock_after.to_vec(),
            source: view.source.cloned(),
            refusals: noted.refusals,
            queue_tick: view.queue_tick,
            is_queued: noted.is_queued,
            args: view.args.cloned(),
            steps: noted.steps,
            lines: noted.lines,
            took: noted.took,
        }
    }
}

/// Ends an observation when dropped. A call under way on another thread may still end after that.
#[must_use = "the observation ends when this is dropped"]
pub struct TraceGuard {
    observer: Arc<Observer>,
    machine: Weak<Shared>,
    is_kept: bool,
}

impl TraceGuard {
    /// Lets the observation go on for as long as the machine lives.
    pub fn keep(mut self) {
        self.is_kept = true;
    }

    pub(super) fn audience(&self) -> Audience {
        Some([self.observer.clone()].into())
    }
}

/// What an observer wants to hear.
pub(super) enum Observe {
    Transition(Box<dyn Fn(&Transition) + Send + Sync>),
    Commit(Arc<dyn Fn() + Send + Sync>),
    Overrun(Box<dyn Fn(&Overrun) + Send + Sync>),
    /// Called once.
    Disposed(Mutex<Option<Box<dyn FnOnce() + Send>>>),
}

/// The observers of a machine, in the order they came. Copied on write, so that the drainer can take them along.
#[derive(Default)]
pub(super) struct Observers {
    list: Option<Arc<[Arc<Observer>]>>,
    wants_transitions: bool,
    wants_commits: bool,
}

/// Something to do after unlocking.
pub(super) enum Effect {
    Wake(Waker),
    Ended(Box<Transition>),
    Committed,
    Disposed,
    Overrun(Overrun),
    /// Drops what a mutation carried.
    ReleaseArgs(Args),
    /// Drops handlers.
    ReleaseHandlers(BoundSet),
    /// Drops the future of a handler.
    Stop(Stop),
    /// Drops an eval that did not run.
    ReleaseCommand(Command),
    /// Drops the condition of a wait.
    ReleaseCondition(Condition),
    /// Whatever else has to wait for the lock to be free.
    Later(Box<dyn FnOnce() + Send>),
}

pub(super) struct Observer {
    observe: Observe,
    /// Cleared by its guard: later effects pass it by.
    live: AtomicBool,
}

/// Listens to the engine under the lock and notes what is to be done after it.
pub(super) struct Collector<'a> {
    observers: &'a Observers,
    effects: &'a mut Vec<Effect>,
    notes: &'a mut Notes,
}

/// A snapshot of the observers, to run effects with.
pub(super) type Audience = Option<Arc<[Arc<Observer>]>>;

impl Effect {
    /// Runs it, outside all locks. What panics in it is told by the panic hook and goes no further: neither the
    /// machine nor the next observer has done wrong.
    pub(super) fn run(self, audience: &Audience) {
        let calls = |call: &dyn Fn(&Observe)| {
            let observers = audience.iter().flat_map(|list| list.iter());
            for observer in observers.filter(|observer| observer.live.load(Ordering::Acquire)) {
                let _ = catch_unwind(AssertUnwindSafe(|| call(&observer.observe)));
            }
        };
        match self {
            Self::Ended(transition) => calls(&|observe| match observe {
                Observe::Transition(observer) => observer(&transition),
                Observe::Commit(_) | Observe::Overrun(_) | Observe::Disposed(_) => {}
            }),
            Self::Committed => calls(&|observe| match observe {
                Observe::Commit(hook) => hook(),
                Observe::Transition(_) | Observe::Overrun(_) | Observe::Disposed(_) => {}
            }),
            Self::Overrun(overrun) => calls(&|observe| match observe {
                Observe::Overrun(observer) => observer(&overrun),
                Observe::Transition(_) | Observe::Commit(_) | Observe::Disposed(_) => {}
            }),
            Self::Disposed => calls(&|observe| match observe {
                Observe::Disposed(hook) => {
                    let hook = hook.lock().take();
                    hook.into_iter().for_each(|hook| hook());
                }
                Observe::Transition(_) | Observe::Commit(_) | Observe::Overrun(_) => {}
            }),
            Self::Wake(waker) => {
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            Self::ReleaseArgs(args) => {
                let _ = catch_unwind(AssertUnwindSafe(|| drop(args)));
            }
            Self::ReleaseHandlers(set) => {
                let _ = catch_unwind(AssertUnwindSafe(|| drop(set)));
            }
            Self::Stop(stop) => {
                let _ = catch_unwind(AssertUnwindSafe(|| stop.stop()));
            }
            Self::ReleaseCommand(command) => {
                let _ = catch_unwind(AssertUnwindSafe(|| drop(command)));
            }
            Self::ReleaseCondition(condition) => {
                let _ = catch_unwind(AssertUnwindSafe(|| drop(condition)));
            }
            Self::Later(then) => {
                let _ = catch_unwind(AssertUnwindSafe(then));
            }
        }
    }
}

impl Observers {
    /// Somebody hears of transitions.
    pub(super) fn want_transitions(&self) -> bool {
        self.wants_transitions
    }

    pub(super) fn audience(&self) -> Audience {
        self.list.clone()
    }

    /// Who was there before is handed back, to be dropped after unlocking.
    fn replace(&mut self, list: Vec<Arc<Observer>>) -> Audience {
        let wants = |wanted: fn(&Observe) -> bool| list.iter().any(|it| wanted(&it.observe));
        self.wants_transitions = wants(|observe| matches!(observe, Observe::Transition(_)));
        self.wants_commits = wants(|observe| matches!(observe, Observe::Commit(_)));
        let list = (!list.is_empty()).then(|| list.into());
        std::mem::replace(&mut self.list, list)
    }

    fn to_vec(&self) -> Vec<Arc<Observer>> {
        self.list
            .iter()
            .flat_map(|list| list.iter().cloned())
            .collect()
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        observers: &'a Observers,
        effects: &'a mut Vec<Effect>,
        notes: &'a mut Notes,
    ) -> Self {
        Self {
            observers,
            effects,
            notes,
        }
    }

    #[cold]
    fn note_end(&mut self, transition: TransitionView<'_>) {
        let transition = Box::new(Transition::copy(transition, self.notes));
        self.effects.push(Effect::Ended(transition));
    }
}

impl Tracer for Collector<'_> {
    const STEPS: bool = LISTENS;

    fn step(&mut self, step: Step) {
        if LISTENS && self.observers.wants_transitions {
            self.notes.step(step);
        }
    }

    fn handler_refused(&mut self, call: Call, answer: Answer, transition: TransitionView<'_>) {
        let reason = self.notes.reason.take();
        if self.observers.wants_transitions {
            let refusal = Refusal {
                handler: call.handler,
                binding: call.binding,
                answer,
                reason,
            };
            self.notes.refused(transition.tx, refusal);
        }
    }

    fn transition_init(&mut self, transition: TransitionView<'_>) {
        if LISTENS && self.observers.wants_transitions {
            self.notes.begin(transition.tx);
        }
    }

    #[inline]
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        if self.observers.wants_transitions {
            self.note_end(transition);
        }
        if self.observers.wants_commits && transition.clock_before != transition.clock_after {
            self.effects.push(Effect::Committed);
        }
        if let Some(args) = transition.args {
            // So that the engine's own drop is not the last one.
            self.effects.push(Effect::ReleaseArgs(args.clone()));
        }
    }
}

impl Machine {
    pub(super) fn observe(&self, observe: Observe) -> TraceGuard {
        let observer = Arc::new(Observer {
            observe,
            live: AtomicBool::new(true),
        });
        let before = {
            let mut state = self.shared.lock();
            let mut list = state.observers.to_vec();
            list.push(observer.clone());
            state.observers.replace(list)
        };
        drop(before);
        TraceGuard {
            observer,
            machine: Arc::downgrade(&self.shared),
            is_kept: false,
        }
    }
}

impl Drop for TraceGuard {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        self.observer.live.store(false, Ordering::Release);
        let Some(shared) = self.machine.upgrade() else {
            return;
        };
        let before = {
            let mut state = shared.lock();
            let mut list = state.observers.to_vec();
            list.retain(|observer| !Arc::ptr_eq(observer, &self.observer));
            state.observers.replace(list)
        };
        drop(before);
    }
}
