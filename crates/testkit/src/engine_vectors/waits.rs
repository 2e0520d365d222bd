//! Subscriptions of a case, by the ids it gives them: which engine wait, which state token, which named context.
//!
//! Contexts are no concern of the engine. A driver that offers them closes a wait of an ended context at the next
//! accepted transition; so does this one.

use std::collections::BTreeSet;

use serde_json::Value;
use statemesh_core::StateIdx;
use statemesh_core::engine::{Machine, Wait, WaitId};

/// What a subscription hangs on.
#[derive(Clone, Debug, PartialEq)]
enum Hook {
    Wait(WaitId),
    /// Alive as long as the state keeps this tick.
    Token(StateIdx, u64),
    /// The state begins by arguments that contain these.
    Args(StateIdx, Value),
    /// The ticks of these states add up to this.
    Query(Vec<StateIdx>, u64),
}

struct Open {
    id: String,
    hook: Hook,
    context: Option<String>,
}

/// Open subscriptions.
#[derive(Default)]
pub(crate) struct Waits {
    open: Vec<Open>,
    ended: BTreeSet<String>,
    forgotten: Vec<WaitId>,
}

/// What a registration came to.
pub(crate) enum Registered {
    Closed,
    Open,
    /// The signal of this older id.
    Same(String),
}

impl Waits {
    pub(crate) fn end_context(&mut self, context: &str) {
        self.ended.insert(context.to_owned());
    }
    pub(crate) fn is_ended(&self, context: Option<&String>) -> bool {
        context.is_some_and(|context| self.ended.contains(context))
    }
    pub(crate) fn wait(&mut self, id: &str, wait: Wait, context: Option<&String>) -> Registered {
        match wait {
            Wait::Ready => Registered::Closed,
            Wait::Pending(wait) => self.hook(id, Hook::Wait(wait), context),
        }
    }
    /// Opens a wait for arguments, whose pattern is a map.
    pub(crate) fn args(
        &mut self,
        (id, context): (&str, Option<&String>),
        pattern: Value,
        (machine, state): (&mut Machine, StateIdx),
    ) -> Registered {
        machine.watch_args(state);
        self.hook(id, Hook::Args(state, pattern), context)
    }
    /// Opens a wait for the ticks of these states to add up to `min`.
    pub(crate) fn query(
        &mut self,
        (id, context): (&str, Option<&String>),
        (states, min): (Vec<StateIdx>, u64),
        machine: &mut Machine,
    ) -> Registered {
        machine.watch_clock();
        self.open.push(Open {
            id: id.to_owned(),
            hook: Hook::Query(states, min),
            context: context.cloned(),
        });
        Registered::Open
    }
    /// Closes waits for arguments that the beginning of this state fulfils.
    pub(crate) fn begun(&mut self, state: StateIdx, args: Option<&Value>) -> Vec<String> {
        self.close(|open| match &open.hook {
            Hook::Args(at, pattern) => *at == state && contains(args, pattern),
            Hook::Wait(_) | Hook::Token(..) | Hook::Query(..) => false,
        })
    }
    /// Closes waits for sums that this clock fulfils.
    pub(crate) fn settled(&mut self, clock: &[u64]) -> Vec<String> {
        self.close(|open| match &open.hook {
            Hook::Query(states, min) => {
                states.iter().map(|state| clock[state.at()]).sum::<u64>() >= *min
            }
            Hook::Wait(_) | Hook::Token(..) | Hook::Args(..) => false,
        })
    }
    pub(crate) fn token(&mut self, id: &str, state: StateIdx, tick: u64) -> Registered {
        self.hook(id, Hook::Token(state, tick), None)
    }
    fn hook(&mut self, id: &str, hook: Hook, context: Option<&String>) -> Registered {
        let is_same = |open: &&Open| open.hook == hook && open.context.as_ref() == context;
        let same = self.open.iter().find(is_same).map(|open| open.id.clone());
        self.open.push(Open {
            id: id.to_owned(),
            hook,
            context: context.cloned(),
        });
        same.map_or(Registered::Open, Registered::Same)
    }
    /// Closes the subscriptions of these waits.
    pub(crate) fn fired(&mut self, fired: &[WaitId]) -> Vec<String> {
        self.close(|open| matches!(open.hook, Hook::Wait(wait) if fired.contains(&wait)))
    }
    /// Closes what a transition ended: tokens of states that ticked.
    pub(crate) fn ticked(&mut self, clock: &[u64]) -> Vec<String> {
        self.close(|open| match open.hook {
            Hook::Token(state, tick) => clock.get(state.at()) != Some(&tick),
            Hook::Wait(_) | Hook::Args(..) | Hook::Query(..) => false,
        })
    }
    /// Closes subscriptions of ended contexts. Their engine waits are to be forgotten.
    pub(crate) fn expire(&mut self) -> Vec<String> {
        let ended = std::mem::take(&mut self.ended);
        let is_ended = |open: &Open| {
            let context = open.context.as_ref();
            context.is_some_and(|context| ended.contains(context))
        };
        for open in self.open.iter().filter(|open| is_ended(open)) {
            if let Hook::Wait(wait) = open.hook {
                self.forgotten.push(wait);
            }
        }
        let closed = self.close(is_ended);
        self.ended = ended;
        closed
    }
    /// Engine waits that nobody here waits for any more.
    pub(crate) fn take_forgotten(&mut self) -> Vec<WaitId> {
        std::mem::take(&mut self.forgotten)
    }
    fn close(&mut self, mut is_closed: impl FnMut(&Open) -> bool) -> Vec<String> {
        let mut closed = Vec::new();
        self.open.retain(|open| {
            let is_closed = is_closed(open);
            if is_closed {
                closed.push(open.id.clone());
            }
            !is_closed
        });
        closed
    }
}

/// Has every entry of the pattern an equal one here?
fn contains(args: Option<&Value>, pattern: &Value) -> bool {
    let has = |(key, value): (&String, &Value)| args.and_then(|args| args.get(key)) == Some(value);
    pattern.as_object().is_none_or(|map| map.iter().all(has))
}
