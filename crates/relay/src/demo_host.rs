//! `statemesh demo`: one host of the demo as its own process, until a signal.

use std::time::Duration;

use statemesh::mesh::SpawnError;
use tokio::time::timeout;

use crate::cli::DemoArgs;
use crate::config::seed_or_random;
use crate::demo::{Demo, DemoConfig};
use crate::relay::nearest;
use crate::signals::Signals;
use crate::target::AskError;

/// Runs the host.
///
/// # Errors
/// [`HostError`]: nothing runs.
pub async fn run(args: DemoArgs, signals: &mut Signals) -> Result<(), HostError> {
    let started = tokio::select! {
        started = start(args) => started?,
        () = signals.wait() => return Ok(()),
    };
    signals.wait().await;
    let _ = timeout(BYE, started.shutdown()).await;
    Ok(())
}

async fn start(args: DemoArgs) -> Result<Demo, HostError> {
    let connect = nearest(args.connect.resolve().await?).ok_or(HostError::NoAddress)?;
    let seed = seed_or_random(args.seed);
    tracing::info!(host = %args.host, seed, "connecting to {connect}");
    let demo = Demo::start(DemoConfig {
        topic: args.topic,
        connect,
        hosts: vec![args.host],
        calm: args.calm,
        seed,
    });
    Ok(demo.await?)
}

/// The host could not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The relay's page does not tell where the relay is.
    #[error("{0}; start the relay first, or name its address with --connect")]
    Ask(#[from] AskError),
    /// The peer did not start.
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    /// There is nothing to dial.
    #[error("the relay names no address to connect to")]
    NoAddress,
}

/// Saying bye must not keep the process past 2 s.
const BYE: Duration = Duration::from_millis(1500);
