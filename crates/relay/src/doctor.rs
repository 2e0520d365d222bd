//! `statemesh doctor`: tries every address of a relay or peer by itself, and says which works and why one fails.
//!
//! `target -> its addresses -> a short-lived peer each, all at once -> one line each, in order`. The peers join a topic of
//! their own, so that nobody on the mesh hears of them: what is tried is the way there, up to a link.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use statemesh::mesh::{Connection, Mesh, Role, SpawnError};
use statemesh::multiaddr::{Multiaddr, Protocol};
use tokio::time::timeout;

use crate::cli::DoctorArgs;
use crate::escape::Escaped;
use crate::report::reasons;
use crate::signals::Signals;
use crate::target::{AskError, Target};

/// Tries all addresses, or until a signal.
///
/// # Errors
/// [`DoctorError`]: something does not work, and has been said.
pub async fn run(args: DoctorArgs, signals: &mut Signals) -> Result<(), DoctorError> {
    tokio::select! {
        examined = examine(&args, io::stdout()) => examined,
        () = signals.wait() => Ok(()),
    }
}

async fn examine(args: &DoctorArgs, mut out: impl Write) -> Result<(), DoctorError> {
    let addresses = args.target.resolve().await?;
    if let Target::Page(_) = args.target {
        let count = addresses.len();
        writeln!(out, "ok    page    {} names {count} addresses", args.target)?;
    }
    let tries = addresses
        .iter()
        .map(|address| attempt(address.clone(), args.patience));
    let mut tries: FuturesOrdered<_> = tries.collect();
    let (mut works, mut fails) = (0, 0);
    while let Some((address, outcome)) = tries.next().await {
        match &outcome {
            Outcome::Works(_) => works += 1,
            Outcome::Fails(_) => fails += 1,
        }
        writeln!(
            out,
            "{outcome:#}  {:<6}  {address}  {outcome}",
            carrier(&address)
        )?;
        out.flush()?;
    }
    match (works, fails) {
        (_, 0) => Ok(()),
        (0, _) => Err(DoctorError::NothingWorks),
        (works, fails) => Err(DoctorError::SomeFail { works, fails }),
    }
}

/// What came of one address.
enum Outcome {
    /// A link, after so long.
    Works(Duration),
    /// Why not.
    Fails(String),
}

/// `{:#}` is the verdict alone, `{}` the rest.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, f.alternate()) {
            (Self::Works(_), true) => f.write_str("ok  "),
            (Self::Fails(_), true) => f.write_str("FAIL"),
            (Self::Works(after), false) => write!(f, "linked after {} ms", after.as_millis()),
            (Self::Fails(reason), false) => Escaped(reason).fmt(f),
        }
    }
}

async fn attempt(address: Multiaddr, patience: Duration) -> (Multiaddr, Outcome) {
    let started = Instant::now();
    let outcome = match link(&address, patience).await {
        Ok(()) => Outcome::Works(started.elapsed()),
        Err(reason) => Outcome::Fails(reason),
    };
    (address, outcome)
}

async fn link(address: &Multiaddr, patience: Duration) -> Result<(), String> {
    let builder = Mesh::builder(TOPIC).role(Role::Tab);
    let spawned = builder.connect(address.clone()).spawn().await;
    let mesh = spawned.map_err(|error: SpawnError| error.to_string())?;
    let mut events = mesh.events();
    let verdict = async {
        loop {
            match mesh.connection() {
                Connection::Live => return Ok(()),
                Connection::Connecting { failures, .. } if !failures.is_empty() => {
                    return Err(reasons(&failures));
                }
                Connection::Connecting { .. } | Connection::Reconnecting { .. } => {}
                Connection::Closed => return Err("this peer ended".to_owned()),
            }
            events.next().await;
        }
    };
    let verdict = timeout(patience, verdict).await;
    let _ = timeout(BYE, mesh.shutdown()).await;
    verdict.unwrap_or_else(|_| {
        let seconds = patience.as_secs_f64();
        Err(format!(
            "no answer within {seconds} s; a firewall, or nobody is there"
        ))
    })
}

/// What carries a link to this address, as people call it.
fn carrier(address: &Multiaddr) -> &'static str {
    let mut carrier = "?";
    for part in address {
        carrier = match part {
            Protocol::Tcp(_) => "tcp",
            Protocol::QuicV1 => "quic",
            Protocol::WebRTCDirect => "webrtc",
            Protocol::Ws(_) | Protocol::Wss(_) => "ws",
            _ => carrier,
        };
    }
    carrier
}

/// Not everything works.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The page does not tell.
    #[error("{0}; check that the relay runs and that the address is right")]
    Page(#[from] AskError),
    /// No address was reached.
    #[error("no address works; check that the relay runs, and what is between here and there")]
    NothingWorks,
    /// Others were.
    #[error("{fails} of {} addresses do not work from here", .works + .fails)]
    SomeFail {
        /// So many do.
        works: usize,
        /// So many do not.
        fails: usize,
    },
    /// Standard output is gone or full.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Nobody's topic.
const TOPIC: &str = "statemesh-doctor";
/// Saying bye must not keep the others waiting.
const BYE: Duration = Duration::from_millis(1500);
