//! Log lines by level: a tracer that says in words what a machine does, and a few lines of its driver.
//!
//! ```text
//! [queue:add] Door  [add] Door  [implied] Lamp  [handler:0] DoorEnter  [state] +Door +Lamp  [handler:0] DoorState
//! ```
//!
//! It listens to every decision of a resolution and to every event, whatever its level, which costs much more than the
//! transition itself: for development. Where the lines go is for the caller.

use std::fmt;
use std::sync::Arc;

use crate::engine::Answer;
use crate::engine::handlers::{BindingId, Handler};
use crate::engine::mutation::MutationKind;
use crate::engine::relations::{Relation, Step};
use crate::engine::schema::Schema;
use crate::engine::tracer::{Call, QueuedView, Tracer, TransitionView};
use crate::ids::{QueueTick, StateIdx};

/// How much is said; each level says what those before it say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Nothing.
    #[default]
    Nothing,
    /// Lines of the application.
    External,
    /// States that begin or end.
    Changes,
    /// Mutations, handler calls, refusals, waits.
    Ops,
    /// What the engine decides by itself.
    Decisions,
    /// Also what did not happen: events without a handler, states that stay.
    Everything,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::External => "external",
            Self::Changes => "changes",
            Self::Ops => "ops",
            Self::Decisions => "decisions",
            Self::Everything => "everything",
        })
    }
}

/// What a wait of the driver waits for, as the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited<'a> {
    /// These states active.
    Active(&'a [StateIdx]),
    /// These states inactive.
    Inactive(&'a [StateIdx]),
    /// These states at their ticks.
    Ticks(&'a [StateIdx], &'a [u64]),
    /// A state to begin with arguments of these names.
    Args(StateIdx, &'a [&'a str]),
    /// A condition on the clock: its number among those the driver waits for.
    Query(usize),
    /// A queue tick.
    Queue(QueueTick),
}

/// The tracer. `W` gets each line with its level.
#[derive(Debug)]
pub struct Logger<W> {
    schema: Arc<Schema>,
    prefix: String,
    level: LogLevel,
    write: W,
    /// Names of the bound handler sets.
    sets: Vec<String>,
    is_draining: bool,
    resolution: Resolution,
}

/// What the steps of a resolution told, until it is known whose they are.
#[derive(Debug, Default)]
struct Resolution {
    lines: Vec<Line>,
    /// Removers looked at for this state.
    looked_at: Option<StateIdx>,
    removers: Vec<StateIdx>,
    blocked: Vec<StateIdx>,
    /// The requirement looked at last.
    required: Option<StateIdx>,
}

#[derive(Debug)]
enum Line {
    /// A state misses these requirements.
    Unmet(StateIdx, Vec<String>),
    /// A state is removed by these; it was active.
    Removed(StateIdx, Vec<StateIdx>, bool),
}

impl<W: FnMut(LogLevel, &str)> Logger<W> {
    /// Lines of this machine up to a level; each begins with the first five letters of its id.
    #[must_use]
    pub fn new(schema: Arc<Schema>, id: &str, level: LogLevel, write: W) -> Self {
        let short: String = id.chars().take(ID_LETTERS).collect();
        Self {
            schema,
            prefix: format!("[{short}] "),
            level,
            write,
            sets: Vec::new(),
            is_draining: false,
            resolution: Resolution::default(),
        }
    }
    /// Names the handler set that is bound next.
    pub fn name_set(&mut self, name: impl Into<String>) {
        self.sets.push(name.into());
    }
    /// A line of the application.
    pub fn external(&mut self, text: &str) {
        let text = text.replace('\n', " ");
        self.line(LogLevel::External, format_args!("[exter] {text}"));
    }
    /// The driver waits for something.
    pub fn wait_registered(&mut self, awaited: Awaited<'_>) {
        let text = self.awaited(awaited, |ticks| ticks);
        self.line(
            LogLevel::Ops,
            format_args!("[{}:new] {text}", awaited.name()),
        );
    }
    /// It came true.
    pub fn wait_fired(&mut self, awaited: Awaited<'_>) {
        let text = self.awaited(awaited, |ticks| format!("[{ticks}]"));
        self.line(
            LogLevel::Ops,
            format_args!("[{}:match] {text}", awaited.name()),
        );
    }

    fn awaited(&self, awaited: Awaited<'_>, ticks_text: impl Fn(String) -> String) -> String {
        match awaited {
            Awaited::Active(states) | Awaited::Inactive(states) => {
                self.schema.list(states).to_string()
            }
            Awaited::Ticks(states, ticks) => {
                let names = self.schema.list(states).to_string().replace(' ', ",");
                let ticks: Vec<_> = ticks.iter().map(ToString::to_string).collect();
                format!("{names} {}", ticks_text(ticks.join(" ")))
            }
            Awaited::Args(state, args) => {
                format!("{} ({})", self.schema.list(&[state]), args.join(" "))
            }
            Awaited::Query(number) => number.to_string(),
            Awaited::Queue(tick) => tick.to_string(),
        }
    }
    fn line(&mut self, level: LogLevel, text: fmt::Arguments<'_>) {
        if level <= self.level {
            (self.write)(level, &format!("{}{text}", self.prefix));
        }
    }
    fn set(&self, binding: BindingId) -> String {
        let set = usize::try_from(binding.0)
            .ok()
            .and_then(|at| self.sets.get(at));
        set.map_or_else(|| binding.0.to_string(), String::clone)
    }
    /// A mutation's kind and states behind a tag: `[queue:add] A B`.
    fn call(&mut self, level: LogLevel, tag: fmt::Arguments<'_>, called: &[StateIdx]) {
        let schema = Arc::clone(&self.schema);
        self.line(level, format_args!("[{tag}] {}", schema.list(called)));
    }
    /// The lines of the resolution that just ended.
    fn flush(&mut self, is_auto: bool) {
        let schema = Arc::clone(&self.schema);
        for line in std::mem::take(&mut self.resolution).lines {
            match line {
                Line::Unmet(state, missing) => {
                    let (level, tag) = if is_auto {
                        (LogLevel::Decisions, "reject:auto")
                    } else {
                        (LogLevel::Ops, "reject")
                    };
                    let (name, missing) = (schema.list(&[state]).to_string(), missing.join(" -"));
                    self.line(level, format_args!("[{tag}] {name}(-{missing})"));
                }
                Line::Removed(state, removers, was_active) => {
                    let level = if was_active {
                        LogLevel::Ops
                    } else {
                        LogLevel::Decisions
                    };
                    let (name, removers) =
                        (schema.list(&[state]).to_string(), schema.list(&removers));
                    self.line(level, format_args!("[rel:remove] {name} by {removers}"));
                }
            }
        }
    }
}

impl<W: FnMut(LogLevel, &str)> Tracer for Logger<W> {
    const STEPS: bool = true;
    const EVENTS: bool = true;

    fn handlers_bound(&mut self, binding: BindingId) {
        let set = self.set(binding);
        self.line(
            LogLevel::Ops,
            format_args!("[handlers] bind {}:{set}", binding.0),
        );
    }
    fn mutation_queued(&mut self, mutation: QueuedView<'_>) {
        let QueuedView { kind, called, .. } = mutation;
        if mutation.is_auto {
            self.call(LogLevel::Ops, format_args!("auto"), called);
        }
        let place = if mutation.queue_tick.is_some() {
            "queue"
        } else {
            "prepend"
        };
        self.call(LogLevel::Ops, format_args!("{place}:{kind}"), called);
        if self.is_draining {
            let items = mutation.queue_len;
            let plural = if items == 1 { "" } else { "s" };
            self.line(
                LogLevel::Ops,
                format_args!("[postpone] queue running ({items} item{plural})"),
            );
        }
    }
    fn mutation_skipped(&mut self, kind: MutationKind, called: &[StateIdx]) {
        let call = self.schema.call_text(kind, called).to_string();
        self.line(
            LogLevel::Ops,
            format_args!("[queue:skipped] Duplicate detected for {call}"),
        );
    }
    fn transition_init(&mut self, transition: TransitionView<'_>) {
        self.is_draining = true;
        let TransitionView {
            kind,
            called,
            target,
            before,
            ..
        } = transition;
        if transition.is_auto {
            self.call(LogLevel::Decisions, format_args!("{kind}:auto"), called);
        } else {
            self.call(LogLevel::Ops, format_args!("{kind}"), called);
        }
        if let Some(source) = transition.source {
            self.line(LogLevel::Ops, format_args!("[source] {source}"));
        }
        self.flush(transition.is_auto);
        // A Set asks for called states only; active ones that stay are implied, too.
        let is_asked = |state: &StateIdx| kind != MutationKind::Set && before.contains(state);
        let is_implied = |state: &StateIdx| !called.contains(state) && !is_asked(state);
        let implied: Vec<_> = target.iter().copied().filter(is_implied).collect();
        if !implied.is_empty() {
            self.call(LogLevel::Ops, format_args!("implied"), &implied);
        }
        if !transition.accepted {
            let is_rejected = |state: &StateIdx| !target.contains(state);
            let rejected: Vec<_> = called.iter().copied().filter(is_rejected).collect();
            self.call(LogLevel::Ops, format_args!("cancel:reject"), &rejected);
        }
    }
    fn event(&mut self, binding: BindingId, handler: Handler) {
        let (set, handler) = (
            self.set(binding),
            self.schema.handler_name(handler).to_string(),
        );
        self.line(
            LogLevel::Everything,
            format_args!("[handle:{set}] {handler}"),
        );
    }
    fn handler_start(&mut self, call: Call) {
        let handler = self.schema.handler_name(call.handler).to_string();
        self.line(
            LogLevel::Ops,
            format_args!("[handler:{}] {handler}", call.binding.0),
        );
    }
    fn handler_end(&mut self, call: Call) {
        let handler = self.schema.handler_name(call.handler).to_string();
        let set = self.set(call.binding);
        self.line(
            LogLevel::Everything,
            format_args!("[handler:end] {handler} from {set}"),
        );
    }
    fn handler_refused(&mut self, call: Call, answer: Answer, transition: TransitionView<'_>) {
        let handler = self.schema.handler_name(call.handler).to_string();
        let set = self.set(call.binding);
        let target = self.schema.list(transition.target).to_string();
        let (tag, by) = match (answer, call.handler) {
            (Answer::Accept, _) => return,
            (Answer::Veto, Handler::Stay(_)) => ("cancel:self", handler.as_str()),
            (Answer::Veto, _) => ("cancel", handler.as_str()),
            (Answer::Panic, _) => {
                self.line(
                    LogLevel::Ops,
                    format_args!("[recover] {handler} from {set}"),
                );
                ("cancel", "recover")
            }
            (Answer::Timeout, _) => {
                self.line(
                    LogLevel::Decisions,
                    format_args!("[handler:timeout]: {handler} from {set}"),
                );
                ("cancel", handler.as_str())
            }
        };
        self.line(LogLevel::Ops, format_args!("[{tag}] ({target}) by {by}"));
    }
    fn step(&mut self, step: Step) {
        self.resolution.step(&self.schema, step);
    }
    fn transition_finals(&mut self, transition: TransitionView<'_>) {
        self.flush(transition.is_auto);
        let changes = changes(&self.schema, transition, self.level);
        if !changes.is_empty() {
            let tag = if transition.is_auto { "auto_" } else { "state" };
            self.line(LogLevel::Changes, format_args!("[{tag}] {changes}"));
        }
    }
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        self.flush(transition.is_auto);
    }
    fn queue_end(&mut self) {
        self.is_draining = false;
    }
    fn schema_changed(&mut self, _old: &Arc<Schema>, new: &Arc<Schema>) {
        self.schema = Arc::clone(new);
    }
}

/// `+A +B -C D`: states that begin, begin again, end, and stay.
fn changes(schema: &Schema, transition: TransitionView<'_>, level: LogLevel) -> String {
    let TransitionView {
        before,
        enters,
        exits,
        target,
        ..
    } = transition;
    let begins = enters.iter().filter(|state| !before.contains(state));
    let again = enters.iter().filter(|state| before.contains(state));
    let stays = target.iter().filter(|state| before.contains(state));
    let stays = stays.filter(|_| level == LogLevel::Everything);
    let changes = begins
        .chain(again)
        .map(|state| ("+", state))
        .chain(exits.iter().map(|state| ("-", state)))
        .chain(stays.map(|state| ("", state)));
    let changes = changes.map(|(sign, state)| format!("{sign}{}", schema.list(&[*state])));
    changes.collect::<Vec<_>>().join(" ")
}

impl Resolution {
    fn step(&mut self, schema: &Schema, step: Step) {
        match step {
            Step::Relation(Relation::Remove, from, state) => {
                if self.looked_at != Some(state) {
                    self.looked_at = Some(state);
                    self.removers.clear();
                }
                self.removers.push(from);
            }
            Step::Relation(Relation::Require, _, required) => self.required = Some(required),
            Step::Remove(state) => self.removed(state, true),
            Step::RemoveNotActive(state) => self.removed(state, false),
            Step::Unmet(state) => {
                if let Some(required) = self.required {
                    self.unmet(state, schema.name(required));
                }
            }
            Step::Missing { state, place, .. } => {
                self.unmet(
                    state,
                    schema.required_name(state, place).unwrap_or_default(),
                );
            }
            Step::Relation(Relation::Add | Relation::After, ..)
            | Step::Requested(_)
            | Step::Set(_)
            | Step::Cancel(_)
            | Step::Handler(_) => {}
        }
    }
    /// A state ends or is dropped: by the removers just looked at, or because the mutation says so.
    fn removed(&mut self, state: StateIdx, was_active: bool) {
        if self.looked_at.take() != Some(state) {
            return;
        }
        let blocked = &self.blocked;
        let removers = self.removers.drain(..);
        let removers: Vec<_> = removers.filter(|by| !blocked.contains(by)).collect();
        self.blocked.push(state);
        self.lines.push(Line::Removed(state, removers, was_active));
    }
    fn unmet(&mut self, state: StateIdx, required: &str) {
        match self.lines.last_mut() {
            Some(Line::Unmet(last, missing))
                if *last == state && !missing.iter().any(|name| name == required) =>
            {
                missing.push(required.to_owned());
            }
            Some(_) | None => {
                let missing = vec![required.to_owned()];
                self.lines.push(Line::Unmet(state, missing));
            }
        }
    }
}

impl Awaited<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Active(_) => "when",
            Self::Inactive(_) => "whenNot",
            Self::Ticks(..) => "whenTime",
            Self::Args(..) => "whenArgs",
            Self::Query(_) => "whenQuery",
            Self::Queue(_) => "whenQueue",
        }
    }
}

/// Letters of a machine's id in front of its lines.
const ID_LETTERS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        Machine, Mutation, Options, Outcome, Poll, SchemaDef, Source, StateDef, TxId,
    };

    type Lines = Vec<(LogLevel, String)>;

    /// A door that lights a lamp and locks nobody in; what is logged while `play` uses it.
    fn logged(
        level: LogLevel,
        play: impl FnOnce(&mut Machine, &mut dyn FnMut(&mut Machine, Mutation<'_>) -> Outcome),
    ) -> Lines {
        let def = SchemaDef::new()
            .state("Door", StateDef::new().add(["Lamp"]).remove(["Lock"]))
            .state("Lamp", StateDef::new())
            .state("Lock", StateDef::new().remove(["Door"]).require(["Key"]))
            .state("Key", StateDef::new());
        let (schema, _) = Schema::parse(&def).expect("a schema without mistakes");
        let mut machine = Machine::new(Arc::clone(&schema), Options::default());
        let mut lines = Lines::new();
        let write = |level, text: &str| lines.push((level, text.to_owned()));
        let mut logger = Logger::new(schema, "machine", level, write);
        logger.name_set("h");
        let (door, lamp) = (StateIdx(0), StateIdx(1));
        machine.bind_traced(&[Handler::Enter(door), Handler::State(lamp)], &mut logger);
        let mut mutate = |machine: &mut Machine, mutation: Mutation<'_>| {
            let outcome = machine.mutate_traced(mutation, &mut logger);
            if outcome != Outcome::Started {
                return outcome;
            }
            loop {
                match machine.poll_traced(&mut logger) {
                    Poll::Call(call) => {
                        let is_locked = machine.is(StateIdx(2));
                        let answer = if is_locked {
                            Answer::Veto
                        } else {
                            Answer::Accept
                        };
                        machine.resume(call.tx, call.call_no, answer);
                    }
                    Poll::Fired | Poll::Args(_) | Poll::Settled => {}
                    Poll::Idle => return machine.take_result(),
                }
            }
        };
        play(&mut machine, &mut mutate);
        lines
    }
    fn texts(lines: &Lines) -> Vec<&str> {
        lines
            .iter()
            .map(|(_, text)| &text["[machi] ".len()..])
            .collect()
    }

    #[test]
    fn a_mutation_in_words() {
        let source = Source {
            machine: "m".into(),
            tx: TxId(4),
            machine_time: 7,
        };
        let lines = logged(LogLevel::Everything, |machine, mutate| {
            let mut add = Mutation::add(&[StateIdx(0)]);
            add.source = Some(source);
            mutate(machine, add);
        });
        let expected = [
            "[handlers] bind 0:h",
            "[queue:add] Door",
            "[add] Door",
            "[source] m/4/t7",
            "[implied] Lamp",
            "[handle:h] DoorEnter",
            "[handler:0] DoorEnter",
            "[handler:end] DoorEnter from h",
            "[handle:h] LampEnter",
            "[handle:h] AnyEnter",
            "[state] +Door +Lamp",
            "[handle:h] DoorState",
            "[handle:h] LampState",
            "[handler:0] LampState",
            "[handler:end] LampState from h",
            "[handle:h] AnyState",
        ];
        assert_eq!(texts(&lines), expected);
        assert!(lines.iter().all(|(_, text)| text.starts_with("[machi] ")));
    }

    #[test]
    fn refusals_say_why() {
        let lines = logged(LogLevel::Ops, |machine, mutate| {
            let [door, lock, key] = [0, 2, 3].map(StateIdx);
            mutate(machine, Mutation::add(&[lock]));
            mutate(machine, Mutation::add(&[lock, key]));
            mutate(machine, Mutation::add(&[door]));
        });
        let expected = [
            "[handlers] bind 0:h",
            "[queue:add] Lock",
            "[add] Lock",
            "[reject] Lock(-Key)",
            "[cancel:reject] Lock",
            "[queue:add] Lock Key",
            "[add] Lock Key",
            "[state] +Key +Lock",
            "[queue:add] Door",
            "[add] Door",
            "[rel:remove] Lock by Door",
            "[implied] Lamp",
            "[handler:0] DoorEnter",
            "[cancel] (Door Lamp Key) by DoorEnter",
        ];
        assert_eq!(texts(&lines), expected);
    }

    #[test]
    fn a_level_says_what_those_before_it_say() {
        let at = |level| {
            let lines = logged(level, |machine, mutate| {
                mutate(machine, Mutation::add(&[StateIdx(0)]));
            });
            assert!(lines.iter().all(|(own, _)| *own <= level));
            lines.len()
        };
        assert_eq!((at(LogLevel::Nothing), at(LogLevel::External)), (0, 0));
        assert_eq!((at(LogLevel::Changes), at(LogLevel::Ops)), (1, 7));
        assert_eq!((at(LogLevel::Decisions), at(LogLevel::Everything)), (7, 15));
    }

    #[test]
    fn lines_of_the_driver() {
        let (schema, _) = Schema::normalise(&SchemaDef::new().state("A", StateDef::new()));
        let mut lines = Vec::new();
        let mut logger = Logger::new(schema, "m", LogLevel::Ops, |_, text: &str| {
            lines.push(text.to_owned());
        });
        logger.external("two\nlines");
        let both = [StateIdx(0), StateIdx(1)];
        logger.wait_registered(Awaited::Ticks(&both, &[3, 4]));
        logger.wait_fired(Awaited::Ticks(&both, &[3, 4]));
        logger.wait_registered(Awaited::Args(StateIdx(0), &["k", "l"]));
        let expected = [
            "[m] [exter] two lines",
            "[m] [whenTime:new] A,Exception 3 4",
            "[m] [whenTime:match] A,Exception [3 4]",
            "[m] [whenArgs:new] A (k l)",
        ];
        assert_eq!(lines, expected);
    }
}
