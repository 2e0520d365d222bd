//! Which machines begin and cease to be meant by a query, as a stream.
//!
//! `Registry events -> Watch: look at that machine again -> Change`. A watch reads events only when it is polled, and
//! looks at a machine as it stands then: whoever reads slowly sees what lasted, not every flicker, and holds no more
//! than the machines meant. A reader that missed events looks at all machines again.
//!
//! Age is no event: while a query asks for freshness, a timer fires when the oldest word becomes too old. No executor
//! is needed, on any target.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use futures_timer::Delay;
use statemesh_core::collections::OrderedMap;
use statemesh_core::{MachineIdx, PeerId};
use web_time::Instant;

use crate::mesh::MeshEvent;
use crate::query::Query;
use crate::registry::{EventStream, Registry};
use crate::remote::RemoteMachine;

/// One machine more or one less.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is meant from now on.
    Enter(RemoteMachine),
    /// It is not meant any more, or gone.
    Leave(RemoteMachine),
}

/// A stream of [`Change`]s, made by [`Mesh::watch`](crate::mesh::Mesh::watch). For every machine enter and leave
/// alternate, beginning with enter. When the peer ends all leave, and the stream ends.
#[must_use = "streams do nothing unless polled"]
pub struct Watch {
    registry: Arc<Registry>,
    events: EventStream,
    query: Query,
    matching: OrderedMap<Key, RemoteMachine>,
    /// Found by the last look; told before the next one.
    changes: VecDeque<Change>,
    expiry: Option<(Instant, Delay)>,
    ended: bool,
}

type Key = (PeerId, MachineIdx);

impl Watch {
    pub(crate) fn new(registry: Arc<Registry>, query: Query) -> Self {
        // Subscribed first, looked after: nothing falls between.
        let events = registry.events();
        let mut watch = Self {
            registry,
            events,
            query,
            matching: OrderedMap::new(),
            changes: VecDeque::new(),
            expiry: None,
            ended: false,
        };
        watch.look_at_all();
        watch
    }

    /// The machines meant at the last look, by peer and index.
    #[must_use]
    pub fn matching(&self) -> impl ExactSizeIterator<Item = &RemoteMachine> {
        self.matching.iter().map(|(_, machine)| machine)
    }

    fn on_event(&mut self, event: &MeshEvent) {
        match event {
            MeshEvent::MachineFound(machine)
            | MeshEvent::ClockChanged(machine, ..)
            | MeshEvent::MachineGone(machine) => self.look_at(machine),
            MeshEvent::Heard(peer) => {
                for machine in self.registry.machines_of(*peer) {
                    self.look_at(&machine);
                }
            }
            MeshEvent::Lagged(_) => self.look_at_all(),
            MeshEvent::PeerFound(_)
            | MeshEvent::PeerGone(..)
            | MeshEvent::LinkUp(_)
            | MeshEvent::LinkDown(_)
            | MeshEvent::Connection(_)
            | MeshEvent::Dropped(..) => {}
        }
    }

    fn look_at_all(&mut self) {
        self.look_at_matching();
        for machine in self.registry.machines() {
            self.look_at(&machine);
        }
    }

    fn look_at_matching(&mut self) {
        let known: Vec<RemoteMachine> = self.matching.values().cloned().collect();
        known.iter().for_each(|machine| self.look_at(machine));
    }

    fn look_at(&mut self, machine: &RemoteMachine) {
        let key = (machine.peer(), machine.index());
        let is_meant = machine.matches(&self.query);
        let known = self.matching.get(&key);
        let is_known = known.is_some_and(|known| known.is_same(machine));
        if is_known == is_meant {
            return;
        }
        let old = match is_meant {
            true => self.matching.insert(key, machine.clone()),
            false => self.matching.remove(&key),
        };
        self.changes.extend(old.map(Change::Leave));
        if is_meant {
            self.changes.push_back(Change::Enter(machine.clone()));
        }
    }

    /// The peer ended.
    fn end(&mut self) {
        self.ended = true;
        let left = std::mem::take(&mut self.matching).into_iter();
        self.changes
            .extend(left.map(|(_, machine)| Change::Leave(machine)));
    }

    fn expires_at(&self) -> Option<Instant> {
        let patience = self.query.patience()?.saturating_add(JUST_AFTER);
        let heard = self.matching.values().map(|it| it.snapshot().heard_at);
        heard.min()?.checked_add(patience)
    }

    /// Ready when a machine may have become too old.
    fn poll_expiry(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.expires_at() else {
            self.expiry = None;
            return Poll::Pending;
        };
        let known = self.expiry.take().filter(|(known, _)| *known == due);
        let (_, mut delay) = known.unwrap_or_else(|| {
            let left = due.saturating_duration_since(Instant::now());
            (due, Delay::new(left))
        });
        match Pin::new(&mut delay).poll(cx) {
            // A fired one is not polled again.
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => {
                self.expiry = Some((due, delay));
                Poll::Pending
            }
        }
    }
}

impl Stream for Watch {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change>> {
        let this = &mut *self;
        loop {
            if let Some(change) = this.changes.pop_front() {
                return Poll::Ready(Some(change));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match this.events.poll_next_unpin(cx) {
                Poll::Ready(Some(event)) => this.on_event(&event),
                Poll::Ready(None) => this.end(),
                Poll::Pending => match this.poll_expiry(cx) {
                    Poll::Ready(()) => this.look_at_matching(),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }
}

/// A word as old as allowed is still fresh.
const JUST_AFTER: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
