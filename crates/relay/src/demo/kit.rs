//! What the hosts are built from: common schemas, links between machines of one host, seeded delays.

use std::error::Error;
use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statemesh::core::hash::{FNV_BASIS, fnv1a};
use statemesh::handlers::Handlers;
use statemesh::machine::{Machine, Outcome, Pipe, PipeGuard, StateName, States, UnknownState};
use statemesh::states;

states! {
    /// Something that runs by itself: ready as soon as it has started. Schemas on top may ask for more.
    pub(super) enum Device {
        Exception { multi },
        Start,
        Ready { auto, require: [Start] },
    }
}

states! {
    /// Something that needs the mesh: ready only while connected.
    pub(super) enum Service: Device {
        Ready { auto, require: [Device::Start, Connected] },
        Connected { require: [Device::Start], remove: [Disconnected] },
        Disconnected { auto, remove: [Connected] },
    }
}

states! {
    /// Something that may fail on the network. Like every error here: several at a time, never without `Exception`,
    /// and nobody is ready meanwhile.
    pub(super) enum Network {
        Exception { multi },
        ErrNetwork { multi, add: [Exception], require: [Exception], remove: [Device::Ready] },
    }
}

states! {
    /// Something that may fail on a disk.
    pub(super) enum Storage {
        Exception { multi },
        ErrStorage { multi, add: [Exception], require: [Exception], remove: [Device::Ready] },
    }
}

/// Lays a pipe between two machines of a host, for as long as they live.
pub(super) fn pipe(from: &Machine, pipe: Pipe, to: &Machine) {
    noted(from.pipe(pipe, to).map(PipeGuard::keep));
}

/// When `state` ends on `from`, `then` begins on `to`; the transition is noted as its source.
pub(super) fn on_end(
    from: &Machine,
    state: impl Into<String>,
    to: &Machine,
    then: impl States + Copy + Send + 'static,
) {
    let set = Handlers::new(to.clone()).end(state, move |to, event| {
        did(to.add_from(event, then));
    });
    noted(from.bind(set));
}

/// Every `nth` time that `state` begins on `from`, `then` begins on `to`.
pub(super) fn on_nth(
    from: &Machine,
    state: impl Into<String>,
    nth: u32,
    to: &Machine,
    then: impl States + Copy + Send + 'static,
) {
    let set = Handlers::new((to.clone(), 0_u32)).state(state, move |(to, count), event| {
        *count = (*count + 1) % nth;
        if *count == 0 {
            did(to.add_from(event, then));
        }
    });
    noted(from.bind(set));
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

/// Notes a handler set or a pipe that is not there, for a state that does not exist.
pub(super) fn noted<T>(result: Result<T, impl Error>) {
    if let Err(error) = result {
        complain(&error);
    }
}

fn complain(slip: &dyn Error) {
    debug_assert!(false, "{slip}");
    tracing::error!("the demo has a slip: {slip}");
}

/// Seeded choices and delays of one script: the same seed and name, the same sequence.
pub(super) struct Pace(StdRng);

impl Pace {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // The name goes in, so that scripts do not march in step.
        let mixed = fnv1a(seed ^ FNV_BASIS, name.bytes());
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
    state: impl StateName + Copy,
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
    state: impl StateName + Copy,
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
