//! Tells on the log what happens in the mesh: links, peers, machines, tries to connect, refused messages.

use std::time::Duration;

use futures::{Stream, StreamExt};
use statemesh::mesh::{Connection, DialFailure, MeshEvent};
use statemesh::remote::RemoteMachine;
use tokio::time::Instant;

use crate::escape::Escaped;

/// Logs until the peer ends.
pub async fn run(mut events: impl Stream<Item = MeshEvent> + Unpin) {
    let mut refused = Refused::default();
    while let Some(event) = events.next().await {
        tell(event, &mut refused);
    }
}

fn tell(event: MeshEvent, refused: &mut Refused) {
    match event {
        MeshEvent::PeerFound(peer) => tracing::info!("peer {peer} found"),
        MeshEvent::PeerGone(peer, reason) => tracing::info!("peer {peer} gone ({reason:?})"),
        MeshEvent::MachineFound(machine) => tracing::debug!("machine {} found", name(&machine)),
        MeshEvent::MachineGone(machine) => tracing::debug!("machine {} gone", name(&machine)),
        MeshEvent::LinkUp(link) => {
            let transport = link.transport.name();
            tracing::info!(
                "connected to {} over {transport} at {}",
                link.peer,
                link.address
            );
        }
        MeshEvent::LinkDown(peer) => tracing::info!("disconnected from {peer}"),
        MeshEvent::Connection(connection) => tell_connection(&connection),
        MeshEvent::Dropped(peer, why) => refused.count(&peer.to_string(), why),
        MeshEvent::Lagged(missed) => tracing::debug!("the log missed {missed} events"),
        MeshEvent::ClockChanged(..) | MeshEvent::Heard(_) => {}
    }
}

fn tell_connection(connection: &Connection) {
    match connection {
        Connection::Connecting { attempt, failures } if !failures.is_empty() => {
            tracing::warn!("attempt {attempt} to connect failed: {}", reasons(failures));
        }
        Connection::Reconnecting { failures, .. } if !failures.is_empty() => {
            tracing::warn!("trying to connect again: {}", reasons(failures));
        }
        Connection::Reconnecting { .. } => tracing::warn!("connection lost; trying again"),
        Connection::Connecting { .. } => tracing::info!("connecting"),
        Connection::Live | Connection::Closed => {}
    }
}

/// Why addresses did not answer, in one line.
pub fn reasons(failures: &[DialFailure]) -> String {
    let mut lines: Vec<_> = failures
        .iter()
        .map(|failure| match &failure.address {
            Some(address) => format!("{address}: {}", Escaped(&failure.reason)),
            None => Escaped(&failure.reason).to_string(),
        })
        .collect();
    lines.dedup();
    lines.join("; ")
}

/// `…PEER/ID`, safe to print.
pub fn name(machine: &RemoteMachine) -> String {
    format!("…{}/{}", machine.peer().short(8), Escaped(machine.id()))
}

/// Messages refused, told at most once per [`PAUSE`]: a hostile peer must not fill the log.
#[derive(Default)]
struct Refused {
    untold: u64,
    told_at: Option<Instant>,
}

impl Refused {
    fn count(&mut self, peer: &str, why: &str) {
        self.untold += 1;
        if self.told_at.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        tracing::warn!(
            "{} messages refused, the last one of {peer}: {why}",
            self.untold
        );
        self.untold = 0;
        self.told_at = Some(Instant::now());
    }
}

const PAUSE: Duration = Duration::from_secs(10);
