//! What the log says of a subscription of a case, kept until it closes.

use statemesh_core::engine::{Awaited, Machine, next_active_tick};
use statemesh_core::{QueueTick, StateIdx};

use super::case::Op;

/// What is waited for.
pub(crate) enum Awaiting {
    Active(Vec<StateIdx>),
    Inactive(Vec<StateIdx>),
    Ticks(Vec<StateIdx>, Vec<u64>),
    Args(StateIdx, Vec<String>),
    Query(usize),
    Queue(QueueTick),
}

impl Awaiting {
    /// `None` for what the log does not name. `queries` conditions on the clock are open already.
    pub(crate) fn new(
        op: &Op,
        states: &[StateIdx],
        machine: &Machine,
        queries: usize,
    ) -> Option<Self> {
        let first = states.first().copied();
        let tick = |state: StateIdx| machine.tick(state);
        Some(match op.op.as_str() {
            "when" => Self::Active(states.to_vec()),
            "when_err" => Self::Active(vec![machine.schema().exception()]),
            "when_not" => Self::Inactive(states.to_vec()),
            "when_time" => Self::Ticks(states.to_vec(), op.times.clone()),
            "when_ticks" => Self::Ticks(vec![first?], vec![tick(first?) + op.n]),
            "when_next_active" => Self::Ticks(vec![first?], vec![next_active_tick(tick(first?))]),
            "when_args" => {
                let args = op.args.as_ref().and_then(|args| args.as_object());
                let names = args.into_iter().flatten().map(|(name, _)| name.clone());
                Self::Args(first?, names.collect())
            }
            "when_query" => Self::Query(queries),
            "when_queue" => Self::Queue(QueueTick(op.n)),
            _ => return None,
        })
    }
    /// Calls `tell` with a view of it.
    pub(crate) fn with(&self, tell: impl FnOnce(Awaited<'_>)) {
        match self {
            Self::Active(states) => tell(Awaited::Active(states)),
            Self::Inactive(states) => tell(Awaited::Inactive(states)),
            Self::Ticks(states, ticks) => tell(Awaited::Ticks(states, ticks)),
            Self::Args(state, names) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                tell(Awaited::Args(*state, &names));
            }
            Self::Query(number) => tell(Awaited::Query(*number)),
            Self::Queue(tick) => tell(Awaited::Queue(*tick)),
        }
    }
}
