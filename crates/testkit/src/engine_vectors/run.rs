//! Plays a case on the engine and records what is observable, in the recorded format.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use statemesh_core::engine::{
    Answer, Call, LogLevel, Logger, Machine, Mutation, Options, Outcome, Poll, Schema, SchemaDef,
    SchemaProblem,
};
use statemesh_core::{QueueTick, StateIdx};

use super::awaiting::Awaiting;
use super::case::{Bind, Case, Op};
use super::scripts::HandlerSet;
use super::waits::{Registered, Waits};
use super::watch::{Log, Record, Watch, Write, names};

/// What a run showed.
pub(crate) struct Actual {
    pub(crate) index: Vec<String>,
    pub(crate) init: Value,
    pub(crate) out: Vec<Value>,
    /// One per transition of a deep case.
    pub(crate) texts: Vec<String>,
}

/// Runs a case from construction to its last operation.
pub(crate) fn run(case: &Case) -> Result<Actual, String> {
    run_logged(case, None)
}

/// The same, and says what happens in log lines.
pub(crate) fn run_logged(case: &Case, log: Option<(LogLevel, Write)>) -> Result<Actual, String> {
    let (schema, problems) = ordered(&case.schema_def(), case.names.as_deref())?;
    let mut run = Run {
        machine: machine(case, Arc::clone(&schema)),
        sets: Vec::new(),
        waits: Waits::default(),
        record: Record::default(),
        texts: Vec::new(),
        is_deep: case.deep || log.is_some(),
        log: log.map(|(level, write)| Logger::new(schema.clone(), "gold", level, write)),
        awaited: BTreeMap::new(),
        error: String::new(),
    };
    raise(&mut run.machine, &problems);
    if case.bind != Bind::None || !case.scripts.is_empty() {
        run.bind(HandlerSet::new(&schema, case.bind, &case.scripts, ""))?;
    }
    if !case.second.is_empty() {
        run.bind(HandlerSet::new(&schema, Bind::Listed, &case.second, "'"))?;
    }
    let init = run.finish_record(Value::Null);
    let mut out = Vec::new();
    for op in &case.ops {
        let result = run.op(op)?;
        out.push(run.finish_record(result));
    }
    Ok(Actual {
        index: schema.names().map(str::to_owned).collect(),
        init,
        out,
        texts: run.texts,
    })
}

/// A schema with the given order of states, or with that of their names.
pub(crate) fn ordered(
    def: &SchemaDef,
    names: Option<&[String]>,
) -> Result<(Arc<Schema>, Vec<SchemaProblem>), String> {
    let mut names = names.unwrap_or_default().to_vec();
    if names.is_empty() {
        let (schema, _) = Schema::normalise(def);
        names = schema.names().map(str::to_owned).collect();
        names.sort();
    }
    Schema::with_index(def, &names).map_err(|error| error.to_string())
}

/// Raises the errors of its schema in a fresh machine, before anybody listens.
pub(crate) fn raise(machine: &mut Machine, problems: &[SchemaProblem]) {
    let errors: Vec<_> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| format!("schema error: {problem}"))
        .collect();
    if errors.is_empty() {
        return;
    }
    machine.add_err(&[], errors.join("\n").into(), None);
    while machine.poll() != Poll::Idle {}
}

fn machine(case: &Case, schema: Arc<Schema>) -> Machine {
    let mut options = Options::default();
    if let Some(limit) = case.queue_limit {
        options.queue_limit = limit;
    }
    Machine::new(schema, options)
}

struct Run<'a> {
    machine: Machine,
    sets: Vec<HandlerSet<'a>>,
    waits: Waits,
    record: Record,
    texts: Vec<String>,
    log: Option<Log>,
    /// What the log says of open subscriptions.
    awaited: BTreeMap<String, Awaiting>,
    /// Steps and queued mutations are recorded, too.
    is_deep: bool,
    /// As of the last record.
    error: String,
}

impl<'a> Run<'a> {
    fn bind(&mut self, set: HandlerSet<'a>) -> Result<(), String> {
        if let Some(log) = &mut self.log {
            let number = self.sets.len() + 1;
            let name = if number == 1 {
                "h".to_owned()
            } else {
                format!("h{number}")
            };
            log.name_set(name);
        }
        let (machine, mut watch) = self.watched::<false>();
        let (_, outcome) = machine.bind_traced(&set.handlers(), &mut watch);
        self.sets.push(set);
        self.drained(outcome).map(|_| ())
    }
    fn finish_record(&mut self, result: Value) -> Value {
        let record = std::mem::take(&mut self.record);
        self.texts.extend(record.texts);
        let machine = &self.machine;
        let mut fields = json!({
            "r": result,
            "time": machine.clock(),
            "active": names(machine.schema(), machine.active()),
            "sum": machine.machine_time(),
            "qt": machine.queue_tick().0,
            "txs": record.transitions,
            "nested": record.nested,
            "fired": record.fired,
            "same_as": record.same_as,
        });
        if self.is_deep {
            fields["queued"] = json!(record.queued);
        }
        let error = machine
            .error()
            .map_or("", |error| error.lines().next().unwrap_or_default());
        if error != self.error {
            error.clone_into(&mut self.error);
            fields["err"] = json!(error);
        }
        fields
    }

    /// Runs the drain that a mutation started, and says its result.
    fn drained(&mut self, outcome: Outcome) -> Result<Outcome, String> {
        if outcome != Outcome::Started {
            return Ok(outcome);
        }
        loop {
            let poll = if self.is_deep {
                let (machine, mut watch) = self.watched::<true>();
                machine.poll_traced(&mut watch)
            } else {
                let (machine, mut watch) = self.watched::<false>();
                machine.poll_traced(&mut watch)
            };
            for wait in self.waits.take_forgotten() {
                self.machine.forget(wait);
            }
            match poll {
                Poll::Call(call) => self.call(call)?,
                Poll::Fired => {
                    let fired = self.waits.fired(self.machine.fired());
                    self.log_fired(&fired);
                    self.record.fired(&fired);
                }
                Poll::Args(state) => self.look_at_args(state),
                Poll::Settled => self.look_at_clock(),
                Poll::Idle => return Ok(self.machine.take_result()),
            }
        }
    }
    /// The machine, and who writes down what it does.
    fn watched<const STEPS: bool>(&mut self) -> (&mut Machine, Watch<'_, 'a, STEPS>) {
        let watch = Watch {
            schema: Arc::clone(self.machine.schema()),
            sets: &self.sets,
            waits: &mut self.waits,
            record: &mut self.record,
            log: self.log.as_mut(),
        };
        (&mut self.machine, watch)
    }
    fn look_at_args(&mut self, state: StateIdx) {
        let view = self.machine.transition();
        let args = view.and_then(|view| view.args.cloned());
        let args = args.as_ref().and_then(|args| args.downcast_ref::<Value>());
        for id in self.waits.begun(state, args) {
            self.machine.unwatch_args(state);
            // The transition still runs: its number is that of the next to be written down.
            self.log_fired(std::slice::from_ref(&id));
            let entry = json!({"id": id, "tx": self.record.transitions.len()});
            self.record.fired.push(entry);
        }
    }
    fn look_at_clock(&mut self) {
        let fired = self.waits.settled(self.machine.clock());
        fired.iter().for_each(|_| self.machine.unwatch_clock());
        self.log_fired(&fired);
        self.record.fired(&fired);
    }
    fn call(&mut self, call: Call) -> Result<(), String> {
        let at = usize::try_from(call.binding.0).map_err(|error| error.to_string())?;
        let set = self.sets.get_mut(at).ok_or("call of an unbound set")?;
        let name = set.name(call.handler);
        let scripts = set.called(call.handler);
        let view = self
            .machine
            .transition()
            .ok_or("call without a transition")?;
        let calls_exception = view.called.contains(&self.machine.schema().exception());
        let mut answer = Answer::Accept;
        for script in scripts {
            for (at, op) in script.ops.iter().enumerate() {
                let result = self.op(op)?;
                let entry = json!({"in": name, "do": at, "r": result});
                self.record.nested.push(entry);
            }
            if script.panic && !calls_exception {
                answer = Answer::Panic;
            } else if script.veto && answer == Answer::Accept {
                answer = Answer::Veto;
            }
        }
        let is_expected = match answer {
            Answer::Panic => {
                let text = format!("boom {name}").into();
                self.machine.resume_panicked(call.tx, call.call_no, text)
            }
            Answer::Accept | Answer::Veto | Answer::Timeout => {
                self.machine.resume(call.tx, call.call_no, answer)
            }
        };
        is_expected
            .then_some(())
            .ok_or_else(|| "answer refused".to_owned())
    }

    fn indexes(&self, names: &[String]) -> Result<Vec<StateIdx>, String> {
        let indexes = self.machine.schema().indexes(names);
        indexes.map_err(|error| error.to_string())
    }
    fn op(&mut self, op: &Op) -> Result<Value, String> {
        let states = self.indexes(&op.states)?;
        Ok(match op.op.as_str() {
            "is" => json!(self.machine.is_all(&states)),
            "not" => json!(self.machine.is_none(&states)),
            "any" => json!(self.machine.is_any(&states)),
            "will_be" => json!(self.machine.will_be(&states)),
            "will_be_removed" => json!(self.machine.will_be_removed(&states)),
            "queue_len" => json!(self.machine.queue_len()),
            "queue_tick" => json!(self.machine.queue_tick().0),
            "tick" => json!(states.first().map(|&state| self.machine.tick(state))),
            "cancel" => {
                let context = op.ctx.as_deref().ok_or("cancel without a context")?;
                self.waits.end_context(context);
                Value::Null
            }
            name if name.starts_with("when") || name == "state_ctx" => {
                self.subscribe(op, &states)?;
                Value::Null
            }
            "add_err" | "add_err_state" => {
                let (machine, mut watch) = self.watched::<false>();
                let outcome = machine.add_err_traced(&states, "e".into(), None, &mut watch);
                json!(number(self.drained(outcome)?))
            }
            name => {
                let mut mutation = mutation(name, &states)?;
                mutation.args = op.args.clone().map(|args| Arc::new(args) as _);
                let (machine, mut watch) = self.watched::<false>();
                let outcome = machine.mutate_traced(mutation, &mut watch);
                json!(number(self.drained(outcome)?))
            }
        })
    }
    fn subscribe(&mut self, op: &Op, states: &[StateIdx]) -> Result<(), String> {
        let id = op.id.as_deref().ok_or("subscription without an id")?;
        match self.registered(op, id, states)? {
            Registered::Closed => self.record.fired.push(json!({"id": id, "tx": -1})),
            Registered::Open => self.log_registered(op, id, states),
            Registered::Same(older) => {
                let same_as = &mut self.record.same_as;
                same_as.insert(id.to_owned(), Value::String(older));
            }
        }
        Ok(())
    }
    fn log_registered(&mut self, op: &Op, id: &str, states: &[StateIdx]) {
        let Some(log) = &mut self.log else {
            return;
        };
        let queries = self.awaited.values();
        let queries = queries
            .filter(|open| matches!(open, Awaiting::Query(_)))
            .count();
        if let Some(awaiting) = Awaiting::new(op, states, &self.machine, queries) {
            awaiting.with(|awaited| log.wait_registered(awaited));
            self.awaited.insert(id.to_owned(), awaiting);
        }
    }
    fn log_fired(&mut self, ids: &[String]) {
        for id in ids {
            if let (Some(log), Some(awaiting)) = (&mut self.log, self.awaited.remove(id)) {
                awaiting.with(|awaited| log.wait_fired(awaited));
            }
        }
    }
    fn registered(&mut self, op: &Op, id: &str, states: &[StateIdx]) -> Result<Registered, String> {
        let context = op.ctx.as_ref();
        let one = || {
            let first = states.first().copied();
            first.ok_or("subscription without a state")
        };
        let machine = &mut self.machine;
        if self.waits.is_ended(context) {
            return Ok(Registered::Closed);
        }
        let wait = match op.op.as_str() {
            "state_ctx" => return Ok(self.waits.token(id, one()?, machine.tick(one()?))),
            "when_args" => {
                let pattern = op.args.clone().unwrap_or_default();
                let place = (machine, one()?);
                return Ok(self.waits.args((id, context), pattern, place));
            }
            "when_query" => {
                let query = op.query.as_ref().ok_or("query without a query")?;
                let query = (self.indexes(&query.states)?, query.min);
                return Ok(self.waits.query((id, context), query, &mut self.machine));
            }
            "when" => machine.when(states),
            "when_not" => machine.when_not(states),
            "when_err" => machine.when(&[machine.schema().exception()]),
            "when_time" => machine.when_time(states, &op.times),
            "when_ticks" => machine.when_ticks(one()?, op.n),
            "when_queue" => machine.when_queue(QueueTick(op.n)),
            "when_queue_ends" => machine.when_queue_ends(),
            "when_next_active" => machine.when_next_active(one()?),
            name => return Err(format!("unknown operation {name}")),
        };
        Ok(self.waits.wait(id, wait, context))
    }
}

pub(crate) fn mutation<'a>(name: &str, states: &'a [StateIdx]) -> Result<Mutation<'a>, String> {
    Ok(match name {
        "add" => Mutation::add(states),
        "remove" => Mutation::remove(states),
        "set" => Mutation::set(states),
        "toggle" => Mutation::toggle(states),
        "can_add" => Mutation::add(states).check(),
        "can_remove" => Mutation::remove(states).check(),
        "prepend_add" => Mutation::add(states).in_front(),
        "prepend_remove" => Mutation::remove(states).in_front(),
        name => return Err(format!("unknown operation {name}")),
    })
}

pub(crate) fn number(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Executed => 0,
        Outcome::Canceled | Outcome::Started => 1,
        Outcome::Queued(tick) => tick.0,
    }
}
