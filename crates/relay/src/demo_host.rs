//! `statemesh demo`: one host of the demo as its own process, until a signal, or until whoever started it ends.

use std::io::{self, Read};
use std::time::Duration;

use statemesh::identity::{Identity, IdentityError};
use statemesh::mesh::SpawnError;
use tokio::sync::oneshot;
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
    let leash = args.leash;
    let started = tokio::select! {
        started = start(args) => started?,
        () = signals.wait() => return Ok(()),
    };
    tokio::select! {
        () = signals.wait() => {}
        () = end_of_input(), if leash => {}
    }
    let _ = timeout(BYE, started.shutdown()).await;
    Ok(())
}

/// Waits until nobody holds the other end of standard input.
async fn end_of_input() {
    let (ended, noticed) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ignored = [0; 64];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        let _ = ended.send(());
    });
    let _ = noticed.await;
}

async fn start(args: DemoArgs) -> Result<Demo, HostError> {
    let connect = nearest(args.connect.resolve().await?).ok_or(HostError::NoAddress)?;
    let seed = seed_or_random(args.seed);
    tracing::info!(host = %args.host, seed, "connecting to {connect}");
    let identity = args.key.as_deref().map(Identity::load_or_create);
    let demo = Demo::start(DemoConfig {
        topic: args.topic,
        connect,
        hosts: vec![args.host],
        calm: args.calm,
        incident: None,
        identity: identity.transpose()?,
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
    /// The key file.
    #[error("{0}")]
    Key(#[from] IdentityError),
    /// The peer did not start.
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    /// There is nothing to dial.
    #[error("the relay names no address to connect to")]
    NoAddress,
}

/// Saying bye must not keep the process past 2 s.
const BYE: Duration = Duration::from_millis(1500);
