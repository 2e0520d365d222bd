//! Text forms for people: clocks, schemas, mutations, transitions. Everything is a [`Display`](fmt::Display) value, so
//! nothing is written before somebody looks.
//!
//! A state out of range is shown as `unknown<index>`.

use std::fmt;

use crate::engine::clock::is_active_tick;
use crate::engine::handlers::Handler;
use crate::engine::mutation::{MutationKind, Outcome, Source};
use crate::engine::relations::{Relation, Step};
use crate::engine::schema::{Schema, StateDef};
use crate::engine::time::joined;
use crate::engine::tracer::TransitionView;
use crate::engine::{Machine, TxId};
use crate::ids::StateIdx;

impl Schema {
    /// Active states with their ticks, `(A:1 C:3)`; with `{:#}` the inactive ones behind them, `(A:1 C:3) [B:2]`.
    #[must_use]
    pub fn clock_text<'a>(&'a self, clock: &'a [u64]) -> ClockText<'a> {
        ClockText {
            schema: self,
            clock,
        }
    }
    /// A page of all states with ticks, properties and relations.
    #[must_use]
    pub fn inspect<'a>(&'a self, clock: &'a [u64]) -> Inspect<'a> {
        Inspect {
            schema: self,
            clock,
            states: None,
        }
    }
    /// Names of these states, joined by spaces.
    #[must_use]
    pub fn list<'a>(&'a self, states: &'a [StateIdx]) -> NameList<'a> {
        NameList {
            schema: self,
            states,
        }
    }
    /// What a mutation asks for: `[add] A B`.
    #[must_use]
    pub fn call_text<'a>(&'a self, kind: MutationKind, called: &'a [StateIdx]) -> CallText<'a> {
        CallText {
            kind,
            called: self.list(called),
        }
    }
    /// A handler by the convention of names: `DoorEnter`, `DoorLamp` for a pair.
    #[must_use]
    pub fn handler_name(&self, handler: Handler) -> HandlerName<'_> {
        HandlerName {
            schema: self,
            handler,
            quote: "",
        }
    }
    /// One decision, as a line without its end; `**` around names. A missed requirement takes several lines.
    #[must_use]
    pub fn step_text(&self, step: Step) -> StepText<'_> {
        StepText { schema: self, step }
    }
    /// The name, also of a state out of range.
    fn shown(&self, state: StateIdx) -> Name<'_> {
        let states = &self.def().states;
        match states.get(state.at()) {
            Some((name, _)) => Name::Known(name),
            None => Name::Unknown(state),
        }
    }
}

/// [`Schema::clock_text`] of its clock.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schema().clock_text(self.clock()).fmt(f)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine{self:#}")
    }
}

impl Machine {
    /// A page of all states with ticks, properties and relations.
    #[must_use]
    pub fn inspect(&self) -> Inspect<'_> {
        self.schema().inspect(self.clock())
    }
}

/// See [`Schema::clock_text`].
#[derive(Clone, Copy, Debug)]
pub struct ClockText<'a> {
    schema: &'a Schema,
    clock: &'a [u64],
}

impl ClockText<'_> {
    fn ticks(&self, active: bool) -> impl Iterator<Item = Ticked<'_>> {
        let ticks = self.schema.names().zip(self.clock);
        let ticks = ticks.filter(move |(_, tick)| is_active_tick(**tick) == active);
        ticks.map(|(name, tick)| Ticked(name, *tick))
    }
}

impl fmt::Display for ClockText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        joined(f, self.ticks(true))?;
        f.write_str(")")?;
        if f.alternate() {
            f.write_str(" [")?;
            joined(f, self.ticks(false))?;
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// `Name:tick`.
struct Ticked<'a>(&'a str, u64);

impl fmt::Display for Ticked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

/// See [`Schema::inspect`].
#[derive(Clone, Copy, Debug)]
pub struct Inspect<'a> {
    schema: &'a Schema,
    clock: &'a [u64],
    states: Option<&'a [StateIdx]>,
}

impl<'a> Inspect<'a> {
    /// Only these states, in this order; those out of range are left out.
    #[must_use]
    pub fn only(self, states: &'a [StateIdx]) -> Self {
        Self {
            states: Some(states),
            ..self
        }
    }
    fn state(&self, f: &mut fmt::Formatter<'_>, state: StateIdx) -> fmt::Result {
        let Some((name, def)) = self.schema.def().states.get(state.at()) else {
            return Ok(());
        };
        let tick = self.clock.get(state.at()).copied().unwrap_or_default();
        writeln!(f, "{} {name}", u8::from(is_active_tick(tick)))?;
        line(f, "Tick", tick)?;
        for (label, holds) in [("Auto", def.auto), ("Multi", def.multi)] {
            if holds {
                line(f, label, true)?;
            }
        }
        relations(def).try_for_each(|(label, names)| line(f, label, names.join(" ")))
    }
}

impl fmt::Display for Inspect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.states {
            Some(states) => states.iter().try_for_each(|&state| self.state(f, state)),
            None => {
                let mut states = (0..=u16::MAX).map(StateIdx).take(self.schema.len());
                states.try_for_each(|state| self.state(f, state))
            }
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "    |{label:<9}{value}")
}

/// The relations it has, empty ones included.
fn relations(def: &StateDef) -> impl Iterator<Item = (&'static str, &[String])> {
    let all = [
        ("Add", &def.add),
        ("Require", &def.require),
        ("Remove", &def.remove),
        ("After", &def.after),
    ];
    all.into_iter()
        .filter_map(|(label, list)| Some((label, list.as_deref()?)))
}

enum Name<'a> {
    Known(&'a str),
    Unknown(StateIdx),
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Unknown(state) => write!(f, "unknown{state}"),
        }
    }
}

/// See [`Schema::list`].
#[derive(Clone, Copy, Debug)]
pub struct NameList<'a> {
    schema: &'a Schema,
    states: &'a [StateIdx],
}

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        joined(f, self.states.iter().map(|&state| self.schema.shown(state)))
    }
}

/// See [`Schema::call_text`].
#[derive(Clone, Copy, Debug)]
pub struct CallText<'a> {
    kind: MutationKind,
    called: NameList<'a>,
}

impl fmt::Display for CallText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.kind, self.called)
    }
}

/// See [`Schema::step_text`].
#[derive(Clone, Copy, Debug)]
pub struct StepText<'a> {
    schema: &'a Schema,
    step: Step,
}

impl fmt::Display for StepText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |state| self.schema.shown(state);
        match self.step {
            Step::Requested(state)
            | Step::Set(state)
            | Step::Remove(state)
            | Step::RemoveNotActive(state)
            | Step::Unmet(state)
            | Step::Cancel(state) => {
                write!(f, "{} **{}**", self.step.label(), name(state))
            }
            Step::Relation(relation, from, to) => {
                write!(f, "**{}** {relation} **{}**", name(from), name(to))
            }
            Step::Missing {
                state,
                place,
                cancels,
            } => {
                let missing = self.schema.required_name(state, place).unwrap_or_default();
                let state = name(state);
                write!(f, "**{state}** {} **{missing}**", Relation::Require)?;
                write!(f, "\n- deactivate-passive **{state}**")?;
                if cancels {
                    write!(f, "\n- cancel **{missing}**")?;
                }
                Ok(())
            }
            Step::Handler(handler) => {
                let name = HandlerName {
                    schema: self.schema,
                    handler,
                    quote: "**",
                };
                write!(f, "handler {name}")
            }
        }
    }
}

/// See [`Schema::handler_name`].
#[derive(Clone, Copy, Debug)]
pub struct HandlerName<'a> {
    schema: &'a Schema,
    handler: Handler,
    /// Around names of states.
    quote: &'static str,
}

impl fmt::Display for HandlerName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = self.quote;
        let name = |state| self.schema.shown(state);
        match self.handler {
            Handler::Exit(state) => write!(f, "{quote}{}{quote}Exit", name(state)),
            Handler::Enter(state) => write!(f, "{quote}{}{quote}Enter", name(state)),
            Handler::Stay(state) => write!(f, "{quote}{0}{quote}{quote}{0}{quote}", name(state)),
            Handler::Pair(from, to) => {
                write!(f, "{quote}{}{quote}{quote}{}{quote}", name(from), name(to))
            }
            Handler::AnyEnter => write!(f, "{quote}Any{quote}Enter"),
            Handler::End(state) => write!(f, "{quote}{}{quote}End", name(state)),
            Handler::State(state) => write!(f, "{quote}{}{quote}State", name(state)),
            Handler::AnyState => write!(f, "{quote}Any{quote}State"),
        }
    }
}

impl Step {
    /// What kind of decision it is.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Requested(_) => "called",
            Self::Set(_) => "activate",
            Self::Remove(_) => "deactivate",
            Self::RemoveNotActive(_) | Self::Unmet(_) | Self::Missing { .. } => {
                "deactivate-passive"
            }
            Self::Relation(..) => "rel",
            Self::Cancel(_) => "cancel",
            Self::Handler(_) => "handler",
        }
    }
}

impl<'a> TransitionView<'a> {
    /// The transition on several lines: number, what was called (in index order), cause, one line per step.
    #[must_use]
    pub fn text(self, schema: &'a Schema, steps: &'a [Step]) -> TransitionText<'a> {
        let mut called = self.called.to_vec();
        called.sort_unstable();
        TransitionText {
            schema,
            tx: self.tx,
            kind: self.kind,
            called,
            source: self.source,
            steps,
        }
    }
}

/// See [`TransitionView::text`].
#[derive(Clone, Debug)]
pub struct TransitionText<'a> {
    schema: &'a Schema,
    tx: TxId,
    kind: MutationKind,
    called: Vec<StateIdx>,
    source: Option<&'a Source>,
    steps: &'a [Step],
}

impl fmt::Display for TransitionText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.schema.call_text(self.kind, &self.called);
        write!(f, "tx#{}\n{call}", self.tx)?;
        if let Some(source) = self.source {
            write!(f, "\nsource: [tx]({source})")?;
        }
        let mut steps = self.steps.iter();
        steps.try_for_each(|&step| write!(f, "\n- {}", self.schema.step_text(step)))
    }
}

/// `machine/transition/t<machine time>`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/t{}", self.machine, self.tx, self.machine_time)
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MutationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Set => "set",
            Self::Toggle => "toggle",
        })
    }
}

impl MutationKind {
    /// One character for it.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Remove => '-',
            Self::Set => '=',
            Self::Toggle => '~',
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::After => "after",
            Self::Add => "add",
            Self::Require => "require",
            Self::Remove => "remove",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executed => "executed",
            Self::Canceled => "canceled",
            Self::Queued(_) => "queued",
            Self::Started => "started",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Options, SchemaDef};

    fn schema() -> std::sync::Arc<Schema> {
        let def = SchemaDef::new()
            .state("Door", StateDef::new().multi().add(["Lamp", "Bell"]))
            .state("Lamp", StateDef::new().auto().require(["Door"]))
            .state("Bell", StateDef::new().after(["Nobody"]));
        Schema::normalise(&def).0
    }

    #[test]
    fn clocks() {
        let schema = schema();
        let text = |clock: &[u64]| format!("{0} {0:#}", schema.clock_text(clock));
        assert_eq!(text(&[]), "() () []");
        let expected = "(Door:1 Bell:3) (Door:1 Bell:3) [Lamp:2 Exception:0]";
        assert_eq!(text(&[1, 2, 3, 0]), expected);
        let machine = Machine::new(schema, Options::default());
        assert_eq!(machine.to_string(), "()");
    }

    #[test]
    fn a_page_shows_empty_lists_and_hides_absent_ones() {
        let schema = schema();
        let page = schema.inspect(&[3, 2]);
        let states = [StateIdx(2), StateIdx(9), StateIdx(0)];
        let expected = "0 Bell\n    |Tick     0\n    |After    \n\
                        1 Door\n    |Tick     3\n    |Multi    true\n    |Add      Lamp Bell\n";
        assert_eq!(page.only(&states).to_string(), expected);
        assert_eq!(page.to_string().matches("|Tick").count(), 4);
    }

    #[test]
    fn states_out_of_range_have_a_text() {
        let schema = schema();
        let states = [StateIdx(1), StateIdx(9)];
        let text = schema.call_text(MutationKind::Set, &states);
        assert_eq!(text.to_string(), "[set] Lamp unknown9");
        let step = Step::Handler(Handler::Pair(StateIdx(1), StateIdx(0)));
        assert_eq!(
            schema.step_text(step).to_string(),
            "handler **Lamp****Door**"
        );
        let step = Step::Handler(Handler::AnyEnter);
        assert_eq!(schema.step_text(step).to_string(), "handler **Any**Enter");
    }

    #[test]
    fn a_source_names_machine_transition_and_time() {
        let source = Source {
            machine: "m".into(),
            tx: TxId(4),
            machine_time: 7,
        };
        assert_eq!(source.to_string(), "m/4/t7");
    }
}
