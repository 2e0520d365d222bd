//! Leaving in good order: bye is published and flushed, links are closed, all within two seconds.
//!
//! The topic is not left before that: gossipsub answers a leaver with ten seconds of backoff, and whoever comes back
//! under the same key would hear nothing for as long. A closed link says the same without it.

use std::time::Duration;

use futures::channel::oneshot;
use statemesh_core::node::Input;
use statemesh_core::time::Instant;

use super::{EventLoop, Stage};
use crate::lifecycle::Standing;

/// A peer on its way out.
pub(crate) struct Leave {
    replies: Vec<oneshot::Sender<()>>,
    step: Step,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The last messages are on their way.
    Flushing,
    /// Links are being closed.
    Closing,
}

impl Leave {
    /// When it goes on by itself.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }
}

impl EventLoop {
    /// Begins to leave. Who asks while that is under way waits for the same end.
    pub(super) fn leave(&mut self, reply: Option<oneshot::Sender<()>>) {
        if let Stage::Leaving(leave) = &mut self.stage {
            leave.replies.extend(reply);
            return;
        }
        let now = self.clock.now();
        self.dialler.stop();
        self.node.handle_input(now, Input::Leave);
        self.drain_node(now);
        self.lifecycle.show(Standing::Leaving);
        // Gossipsub does not say when a message is on the wire, and QUIC drops what is unacknowledged at close.
        let round_trips = self.links.longest_rtt().unwrap_or_default() * 2;
        let flush = (MIN_FLUSH + round_trips).min(MAX_FLUSH);
        self.stage = Stage::Leaving(Leave {
            replies: reply.into_iter().collect(),
            step: Step::Flushing,
            until: now + flush,
        });
    }

    /// Takes the next step when it is due.
    pub(super) fn leave_on(&mut self, now: Instant) {
        let Stage::Leaving(leave) = &mut self.stage else {
            return;
        };
        if self.links.any() && leave.until > now {
            return;
        }
        if self.links.any() && leave.step == Step::Flushing {
            leave.step = Step::Closing;
            leave.until = now + CLOSE_LIMIT;
            for peer in self.links.peers() {
                // `Err`: the connection has gone by itself.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            return;
        }
        let replies = std::mem::take(&mut leave.replies);
        self.lifecycle.show(Standing::Ended);
        self.registry.close();
        for reply in replies {
            // The caller may have stopped waiting.
            let _ = reply.send(());
        }
        self.stage = Stage::Ended;
    }
}

/// Time for the last messages to leave a queue. A guess: a busy host needs some scheduling rounds.
const MIN_FLUSH: Duration = Duration::from_millis(150);
/// Leaves room for closing within the two seconds promised.
const MAX_FLUSH: Duration = Duration::from_secs(1);
/// Links that are not closed by then are dropped.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);
