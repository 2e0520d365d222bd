//! Dials that somebody asked for by hand: once each, and whoever asked is told what came of it.

use futures::channel::oneshot;
use libp2p::Multiaddr;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use statemesh_core::PeerId;

use super::{EventLoop, dial_error};
use crate::mesh::DialFailure;

/// Those under way.
#[derive(Default)]
pub(super) struct Visits(Vec<(ConnectionId, Visit)>);

/// One of them.
pub(super) struct Visit {
    address: [Multiaddr; 1],
    reply: oneshot::Sender<Result<PeerId, DialFailure>>,
}

impl Visits {
    fn begin(&mut self, connection: ConnectionId, visit: Visit) {
        // Nobody waits for those any more.
        self.0.retain(|(_, visit)| !visit.reply.is_canceled());
        self.0.push((connection, visit));
    }

    /// The dial behind this connection is over.
    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Visit> {
        let at = self.0.iter().position(|(known, _)| *known == connection)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl Visit {
    /// Somebody answered.
    pub(super) fn done(self, peer: PeerId) {
        // `Err`: nobody waits any more.
        let _ = self.reply.send(Ok(peer));
    }

    /// Nobody did; `reasons` says why, given the addresses that were tried.
    pub(super) fn fail(self, reasons: impl FnOnce(&[Multiaddr]) -> Vec<DialFailure>) {
        let failures = reasons(&self.address);
        let [address] = self.address;
        let failure = failures.into_iter().next().unwrap_or(DialFailure {
            address: Some(address),
            reason: "nothing came of it".to_owned(),
        });
        let _ = self.reply.send(Err(failure));
    }
}

impl EventLoop {
    /// Dials an address once.
    pub(super) fn visit(
        &mut self,
        address: Multiaddr,
        reply: oneshot::Sender<Result<PeerId, DialFailure>>,
    ) {
        let opts = DialOpts::from(address.clone());
        let connection = opts.connection_id();
        let visit = Visit {
            address: [address],
            reply,
        };
        match self.swarm.dial(opts) {
            Ok(()) => self.visits.begin(connection, visit),
            Err(error) => visit.fail(|tried| dial_error::failures(error, tried)),
        }
    }
}
