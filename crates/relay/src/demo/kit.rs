//! What the hosts are built from: common schemas, links between machines of one host, seeded delays.

use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statemesh::handlers::{Event, Handlers};
use statemesh::machine::{BindError, Binding, Machine, Outcome, UnknownState};
use statemesh::{SchemaDef, StateDef};

/// A state that one of this group at a time may hold.
pub(super) fn one_of(group: &[&'static str]) -> StateDef {
    StateDef::new().remove(group.iter().copied())
}

/// A state that needs others.
pub(super) fn needs(states: &[&'static str]) -> StateDef {
    StateDef::new().require(states.iter().copied())
}

/// An error: several at a time, never without `Exception`, and nobody is ready meanwhile.
pub(super) fn error() -> StateDef {
    StateDef::new()
        .multi()
        .add(["Exception"])
        .require(["Exception"])
        .remove(["Ready"])
}

/// Something that runs by itself: ready as soon as it has started and `ready` holds.
pub(super) fn device(errors: &[&'static str], ready: &[&'static str]) -> SchemaDef {
    let mut schema = SchemaDef::new().state("Exception", StateDef::new().multi());
    for name in errors {
        schema = schema.state(*name, error());
    }
    let needs = ["Start"].iter().chain(ready).copied();
    schema
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new().auto().require(needs))
}

/// Something that needs the mesh: ready only while connected.
pub(super) fn service(errors: &[&'static str], ready: &[&'static str]) -> SchemaDef {
    let mut needs = vec!["Connected"];
    needs.extend(ready);
    device(errors, &needs)
        .state("Connected", needs_start().remove(["Disconnected"]))
        .state("Disconnected", StateDef::new().auto().remove(["Connected"]))
}

fn needs_start() -> StateDef {
    needs(&["Start"])
}

/// What a link does to the other machine.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Adds these states.
    Add(&'static [&'static str]),
    /// Removes them.
    Remove(&'static [&'static str]),
}

/// When `state` begins on `from`, something happens to `to`; the transition is noted as its source.
pub(super) fn on_begin(from: &Machine, state: &'static str, to: &Machine, act: Act) {
    let set = Handlers::new(to.clone()).state(state, move |to, event| act.on(to, event));
    bound(from.bind(set));
}

/// When `state` ends on `from`, something happens to `to`.
pub(super) fn on_end(from: &Machine, state: &'static str, to: &Machine, act: Act) {
    let set = Handlers::new(to.clone()).end(state, move |to, event| act.on(to, event));
    bound(from.bind(set));
}

/// As [`on_begin`], every `nth` time only.
pub(super) fn on_nth(from: &Machine, state: &'static str, nth: u32, to: &Machine, act: Act) {
    let set = Handlers::new((to.clone(), 0_u32)).state(state, move |(to, count), event| {
        *count = (*count + 1) % nth;
        if *count == 0 {
            act.on(to, event);
        }
    });
    bound(from.bind(set));
}

impl Act {
    fn on(self, to: &Machine, event: &Event<'_>) {
        did(match self {
            Self::Add(states) => to.add_from(event, states),
            Self::Remove(states) => to.remove_from(event, states),
        });
    }
}

/// True unless the mutation was refused. The names are those of the schemas beside the call.
pub(super) fn did(outcome: Result<Outcome, UnknownState>) -> bool {
    match outcome {
        Ok(Outcome::Canceled) => false,
        Ok(Outcome::Executed | Outcome::Queued(_) | Outcome::Started) => true,
        Err(unknown) => {
            complain(&unknown);
            false
        }
    }
}

/// Notes a handler set that was not bound, for a state that does not exist.
pub(super) fn bound(result: Result<Binding, BindError>) {
    if let Err(error) = result {
        complain(&error);
    }
}

fn complain(slip: &dyn std::error::Error) {
    debug_assert!(false, "{slip}");
    tracing::error!("the demo has a slip: {slip}");
}

/// Seeded choices and delays of one script: the same seed and name, the same sequence.
pub(super) struct Pace(StdRng);

impl Pace {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name, so that scripts do not march in step.
        let mixed = name
            .bytes()
            .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(StdRng::seed_from_u64(mixed))
    }

    /// Sleeps for that many seconds.
    pub(super) async fn rest(&mut self, seconds: Range<f64>) {
        tokio::time::sleep(self.time(seconds)).await;
    }

    pub(super) fn time(&mut self, seconds: Range<f64>) -> Duration {
        Duration::from_secs_f64(self.0.random_range(seconds))
    }

    pub(super) fn number(&mut self, range: Range<u32>) -> u32 {
        self.0.random_range(range)
    }
}

/// Ends `state` some time after each of its beginnings.
pub(super) async fn finish(
    machine: Machine,
    state: &'static str,
    mut pace: Pace,
    after: Range<f64>,
) {
    while machine.when(state).await.is_ok() {
        pace.rest(after.clone()).await;
        did(machine.remove(state));
    }
}

/// Switches `state` on and off for ever, as long as the machine allows it.
pub(super) async fn pulse(
    machine: Machine,
    state: &'static str,
    mut pace: Pace,
    off: Range<f64>,
    on: Range<f64>,
) {
    while !machine.is_disposed() {
        pace.rest(off.clone()).await;
        did(machine.add(state));
        pace.rest(on.clone()).await;
        did(machine.remove(state));
    }
}
