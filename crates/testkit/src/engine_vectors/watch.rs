//! Writes down what a tracer hears, in the recorded format.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, BindingId, Call, Handler, LogLevel, Logger, MutationKind, QueuedView, Schema, Step,
    Tracer, TransitionView,
};

use super::scripts::HandlerSet;
use super::waits::Waits;

/// What happened since the last operation began.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) transitions: Vec<Value>,
    pub(crate) nested: Vec<Value>,
    pub(crate) fired: Vec<Value>,
    pub(crate) same_as: Map<String, Value>,
    pub(crate) queued: Vec<String>,
    /// Texts of all transitions so far, when steps are listened to.
    pub(crate) texts: Vec<String>,
    /// Of the transition that runs: handlers called, steps, and what its beginning showed.
    names: Vec<String>,
    steps: Vec<String>,
    raw_steps: Vec<Step>,
    init: Option<(Vec<String>, Vec<u64>)>,
}

impl Record {
    /// Subscriptions closed during or right after the last transition.
    pub(crate) fn fired(&mut self, ids: &[String]) {
        let tx = self.transitions.len() - 1;
        self.fired
            .extend(ids.iter().map(|id| json!({"id": id, "tx": tx})));
    }
}

/// Listens to the engine; to steps only when `STEPS`.
pub(crate) struct Watch<'a, 'b, const STEPS: bool> {
    pub(crate) schema: Arc<Schema>,
    pub(crate) sets: &'a [HandlerSet<'b>],
    pub(crate) waits: &'a mut Waits,
    pub(crate) record: &'a mut Record,
    pub(crate) log: Option<&'a mut Log>,
}

/// Log lines, `<level> <text>`.
pub(crate) type Log = Logger<Write>;
pub(crate) type Write = Box<dyn FnMut(LogLevel, &str)>;

impl<const STEPS: bool> Tracer for Watch<'_, '_, STEPS> {
    const STEPS: bool = STEPS;
    const EVENTS: bool = STEPS;

    fn handlers_bound(&mut self, binding: BindingId) {
        self.logged(|log| log.handlers_bound(binding));
    }
    fn mutation_skipped(&mut self, kind: MutationKind, called: &[StateIdx]) {
        self.logged(|log| log.mutation_skipped(kind, called));
    }
    fn event(&mut self, binding: BindingId, handler: Handler) {
        self.logged(|log| log.event(binding, handler));
    }
    fn handler_end(&mut self, call: Call) {
        self.logged(|log| log.handler_end(call));
    }
    fn handler_refused(&mut self, call: Call, answer: Answer, transition: TransitionView<'_>) {
        self.logged(|log| log.handler_refused(call, answer, transition));
    }
    fn transition_finals(&mut self, transition: TransitionView<'_>) {
        self.logged(|log| log.transition_finals(transition));
    }
    fn queue_end(&mut self) {
        self.logged(Tracer::queue_end);
    }
    fn mutation_queued(&mut self, mutation: QueuedView<'_>) {
        self.logged(|log| log.mutation_queued(mutation));
        let QueuedView { now, queue_len, .. } = mutation;
        self.record.queued.push(format!(
            "{} {}; tick {} now {} len {queue_len}{}{}",
            mutation.kind,
            names(&self.schema, mutation.called).join(" "),
            mutation.queue_tick.map_or(0, |tick| tick.0),
            now.0,
            if mutation.is_auto { " auto" } else { "" },
            if mutation.is_check { " check" } else { "" },
        ));
    }
    fn transition_init(&mut self, transition: TransitionView<'_>) {
        self.logged(|log| log.transition_init(transition));
        if STEPS {
            let before = names(&self.schema, transition.before);
            self.record.init = Some((before, transition.clock_after.to_vec()));
        }
    }
    fn handler_start(&mut self, call: Call) {
        self.logged(|log| log.handler_start(call));
        let set = usize::try_from(call.binding.0)
            .ok()
            .and_then(|at| self.sets.get(at));
        let name = set.map_or_else(|| format!("{call:?}"), |set| set.name(call.handler));
        self.record.names.push(name);
    }
    fn step(&mut self, step: Step) {
        self.logged(|log| Tracer::step(log, step));
        self.record.raw_steps.push(step);
        let schema = &self.schema;
        let Step::Missing {
            state,
            place,
            cancels,
        } = step
        else {
            self.record.steps.push(step_text(schema, step));
            return;
        };
        let required = schema.def().states[state.at()].1.require.as_ref();
        let missing = required.map_or("", |names| names[usize::from(place)].as_str());
        let state = schema.name(state);
        let texts = [
            format!("rel:require {state}>{missing}"),
            format!("deactivate-passive {state}>"),
            format!("cancel >{missing}"),
        ];
        let told = if cancels { 3 } else { 2 };
        self.record.steps.extend(texts.into_iter().take(told));
    }
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        self.logged(|log| log.transition_end(transition));
        if STEPS {
            let steps = std::mem::take(&mut self.record.raw_steps);
            let text = transition.text(&self.schema, &steps);
            self.record.texts.push(text.to_string());
        }
        let names = |states| names(&self.schema, states);
        let handlers = std::mem::take(&mut self.record.names);
        let (before, sim) = self.record.init.take().unzip();
        self.record.transitions.push(json!({
            "t": transition.kind.to_string(),
            "called": names(transition.called),
            "auto": transition.is_auto,
            "check": transition.is_check,
            "ok": transition.accepted,
            "target": names(transition.target),
            "enters": names(transition.enters),
            "exits": names(transition.exits),
            "after": transition.clock_after,
            "h": handlers.join(" "),
            "qt": transition.queue_tick.map(|tick| tick.0),
            "before": before,
            "sim": sim,
            "steps": std::mem::take(&mut self.record.steps),
        }));
        let ticked = self.waits.ticked(transition.clock_after);
        self.record.fired(&ticked);
        if transition.accepted && !transition.is_check {
            let expired = self.waits.expire();
            self.record.fired(&expired);
        }
    }
}

impl<const STEPS: bool> Watch<'_, '_, STEPS> {
    fn logged(&mut self, tell: impl FnOnce(&mut Log)) {
        if let Some(log) = &mut self.log {
            tell(log);
        }
    }
}

/// Names of these states.
pub(crate) fn names(schema: &Schema, states: &[StateIdx]) -> Vec<String> {
    states
        .iter()
        .map(|&state| schema.name(state).to_owned())
        .collect()
}

fn step_text(schema: &Schema, step: Step) -> String {
    let name = |state| schema.name(state);
    match step {
        Step::Requested(state) => format!("called >{}", name(state)),
        Step::Set(state) => format!("activate >{}", name(state)),
        Step::Remove(state) => format!("deactivate >{}", name(state)),
        Step::RemoveNotActive(state) => format!("deactivate-passive >{}", name(state)),
        Step::Unmet(state) | Step::Missing { state, .. } => {
            format!("deactivate-passive {}>", name(state))
        }
        Step::Relation(relation, from, to) => {
            format!("rel:{relation} {}>{}", name(from), name(to))
        }
        Step::Cancel(state) => format!("cancel >{}", name(state)),
        Step::Handler(handler) => match handler {
            Handler::Exit(state) => format!("handler {}>", name(state)),
            Handler::Enter(state) => format!("handler >{} E", name(state)),
            Handler::Stay(state) => format!("handler >{} S", name(state)),
            Handler::Pair(from, to) => format!("handler {}>{}", name(from), name(to)),
            Handler::AnyEnter => "handler Any>Any E".to_owned(),
            Handler::End(state) => format!("handler >{} F", name(state)),
            Handler::State(state) => format!("handler >{} FE", name(state)),
            Handler::AnyState => "handler Any>Any FE".to_owned(),
        },
    }
}
