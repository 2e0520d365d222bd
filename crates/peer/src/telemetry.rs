//! Machines in `tracing`, behind the feature of that name: transitions as spans and events, log lines as events.
//!
//! | what | target | level | fields |
//! |---|---|---|---|
//! | span `transition`, event of the same target in it | `statemesh::transition` | info: changed something; debug: did not; trace: a check | `machine`, `tx`, `kind`, `called`, `auto`, `accepted`, `source.machine`, `source.tx`, `source.time` |
//! | event | `statemesh::refusal` | debug | `handler`, `answer`, `reason`, in the span |
//! | event | `statemesh::log` | info: changes and the application's own; debug: ops; trace: the rest | `machine` |
//!
//! The span is told when its transition is over, because subscribers may take their time and no lock is held meanwhile:
//! its times are not those of the transition.

use std::sync::Arc;

use statemesh_core::StateIdx;
use statemesh_core::engine::{LogLevel, MutationKind, Schema, is_active_tick};
use tracing::{Level, debug, field, trace};

use crate::handlers;
use crate::machine::{LogGuard, Machine, TraceGuard, Transition};

impl Machine {
    /// Tells every transition to `tracing`, until the returned guard is dropped. [`telemetry`](crate::telemetry) says
    /// how.
    pub fn trace_spans(&self) -> TraceGuard {
        let (id, machine) = (self.id().to_owned(), self.downgrade());
        self.trace(move |transition| {
            if let Some(machine) = machine.upgrade() {
                tell(&id, &machine.schema(), transition);
            }
        })
    }

    /// Tells log lines to `tracing`, until the returned guard is dropped.
    pub fn trace_lines(&self, level: LogLevel) -> LogGuard {
        let id = self.id().to_owned();
        self.log(level, move |level, line| {
            let machine = id.as_str();
            // Levels are part of a call site, so each is one of its own.
            match level {
                LogLevel::Nothing => {}
                LogLevel::External | LogLevel::Changes => {
                    tracing::info!(target: "statemesh::log", machine, "{line}");
                }
                LogLevel::Ops => debug!(target: "statemesh::log", machine, "{line}"),
                LogLevel::Decisions | LogLevel::Everything => {
                    trace!(target: "statemesh::log", machine, "{line}");
                }
            }
        })
    }
}

/// A span with the same fields at each level.
macro_rules! transition_span {
    ($level:expr, $id:expr, $schema:expr, $transition:expr, $kind:expr) => {
        tracing::span!(
            target: "statemesh::transition",
            $level,
            "transition",
            machine = $id,
            tx = $transition.tx.0,
            kind = $kind,
            called = %$schema.list(&$transition.called),
            auto = $transition.is_auto,
            accepted = $transition.accepted,
            source.machine = field::Empty,
            source.tx = field::Empty,
            source.time = field::Empty,
        )
    };
}

fn tell(id: &str, schema: &Arc<Schema>, transition: &Transition) {
    let kind = match transition.kind {
        MutationKind::Add => "add",
        MutationKind::Remove => "remove",
        MutationKind::Set => "set",
        MutationKind::Toggle => "toggle",
    };
    let changes = changes(schema, transition);
    let level = match (transition.is_check, changes.is_empty()) {
        (true, _) => Level::TRACE,
        (false, true) => Level::DEBUG,
        (false, false) => Level::INFO,
    };
    let span = match level {
        Level::TRACE => transition_span!(Level::TRACE, id, schema, transition, kind),
        Level::DEBUG => transition_span!(Level::DEBUG, id, schema, transition, kind),
        _ => transition_span!(Level::INFO, id, schema, transition, kind),
    };
    if let Some(source) = &transition.source {
        span.record("source.machine", &*source.machine);
        span.record("source.tx", source.tx.0);
        span.record("source.time", source.machine_time);
    }
    span.in_scope(|| {
        for refusal in &transition.refusals {
            let handler = handlers::name_of(refusal.handler, schema);
            let reason = refusal.reason.as_deref();
            debug!(target: "statemesh::refusal", handler, answer = ?refusal.answer, reason, "refused");
        }
        match level {
            Level::TRACE => trace!(target: "statemesh::transition", "checked"),
            Level::DEBUG if !transition.accepted => {
                debug!(target: "statemesh::transition", "canceled");
            }
            Level::DEBUG => debug!(target: "statemesh::transition", "nothing to do"),
            _ => tracing::info!(target: "statemesh::transition", "{changes}"),
        }
    });
}

/// `+Done -Busy`; a Multi state that began once more is among the first.
fn changes(schema: &Schema, transition: &Transition) -> String {
    let ticks = transition.clock_before.iter().zip(&transition.clock_after);
    let states = (0..=u16::MAX).map(StateIdx).zip(ticks);
    let changed = states.filter(|(_, (before, after))| before != after);
    let texts = changed.map(|(state, (_, after))| {
        let sign = if is_active_tick(*after) { '+' } else { '-' };
        format!("{sign}{}", schema.name(state))
    });
    texts.collect::<Vec<_>>().join(" ")
}
