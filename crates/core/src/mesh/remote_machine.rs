//! Read-only mirror of another peer's machine, fed by info and updates.
//!
//! Trust rule: *first-hand* is what the owner itself signed, everything else is *hearsay*. First-hand replaces hearsay, also
//! with a lower sum; hearsay never replaces first-hand. Between words of equal trust the larger sum wins.

use std::sync::Arc;

use super::wire::{self, Info, Shape};
use crate::engine::Schema;
use crate::ids::{MachineIdx, PeerId};
use crate::time::Instant;

/// What is known of one remote machine.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Owner.
    pub peer: PeerId,
    /// Index on its owner.
    pub index: MachineIdx,
    /// Machine id on its owner. Any text, at most the wire limit; escape before printing.
    pub id: Arc<str>,
    /// Tags of the owner.
    pub tags: Arc<[String]>,
    /// Parent machine id on the owner, or empty.
    pub parent: Arc<str>,
    /// Its schema; index order is that of every clock.
    pub schema: Arc<Schema>,
    /// Newest known ticks.
    pub clock: Arc<[u64]>,
    /// Its machine tick and queue tick as last told; unknown for machines of Go peers.
    pub ticks: Option<wire::Ticks>,
    /// True when the newest word came signed by the owner itself.
    pub first_hand: bool,
    /// When a clock last changed or was learned.
    pub changed_at: Instant,
    /// When the owner's word about this machine was last heard, changed or not.
    pub heard_at: Instant,
    /// When the word before that was heard: a change happened between the two.
    pub heard_before: Option<Instant>,
}

/// A mirror's part in the table of schemas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Where the schema is held; nothing for one that is not shared.
    pub(crate) key: Option<u64>,
    /// Bytes it takes, if this mirror brought it.
    pub(crate) bytes: u32,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trust {
    Hearsay,
    FirstHand,
}

/// A mirror and what is needed to keep it.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) mirror: Mirror,
    /// Length of its clocks on the wire: one less than the schema when its owner has no `Exception`.
    wire_states: usize,
    schema_trust: Trust,
    clock_trust: Trust,
    /// Bytes it takes besides its schema.
    weight: u32,
    pub(crate) share: Share,
}

impl Remote {
    /// A mirror from its introduction, which has passed [`Info::check`]. Its schema was taken out of it.
    pub(crate) fn new(
        (peer, index): (PeerId, MachineIdx),
        info: Info,
        (schema, share, wire_states): (Arc<Schema>, Share, usize),
        weight: u32,
        trust: Trust,
        now: Instant,
    ) -> Self {
        let clock = padded(info.clock.unwrap_or_default(), schema.len());
        Self {
            mirror: Mirror {
                peer,
                index,
                id: info.id.into(),
                tags: info.tags.unwrap_or_default().into(),
                parent: shared_text(info.parent),
                schema,
                clock,
                ticks: None,
                first_hand: trust == Trust::FirstHand,
                changed_at: now,
                heard_at: now,
                heard_before: None,
            },
            wire_states,
            schema_trust: trust,
            clock_trust: trust,
            weight,
            share,
        }
    }

    /// Bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        self.own_weight() + self.share.bytes as usize
    }

    /// The same without what its schema takes.
    pub(crate) fn own_weight(&self) -> usize {
        self.weight as usize
    }

    pub(crate) fn sum(&self) -> u64 {
        wire::sum(&self.mirror.clock)
    }

    pub(crate) fn schema_trust(&self) -> Trust {
        self.schema_trust
    }

    /// Whether a clock of this length can be one of this machine.
    pub(crate) fn fits(&self, clock: &[u64]) -> bool {
        clock.len() == self.wire_states
    }

    /// Whether that introduces the same machine: the same id and the same states in the same order.
    pub(crate) fn is_same(&self, info: &Info) -> bool {
        let has_states = match &info.shape {
            Shape::Known(schema, _) => {
                Arc::ptr_eq(schema, &self.mirror.schema) || self.has_states(schema.names())
            }
            Shape::Unread | Shape::New(_) => {
                self.has_states(info.states.iter().flatten().map(String::as_str))
            }
        };
        has_states && *self.mirror.id == *info.id
    }

    fn has_states<'a>(&self, states: impl Iterator<Item = &'a str>) -> bool {
        self.mirror.schema.names().take(self.wire_states).eq(states)
    }

    /// Takes a clock that [`Self::fits`]; returns the ticks before when something changed. Of two clocks of one sum the newest
    /// word stands: one of them is from before a restart (spec P16).
    pub(crate) fn apply(
        &mut self,
        clock: Vec<u64>,
        (trust, is_newest): (Trust, bool),
        now: Instant,
    ) -> Option<Arc<[u64]>> {
        if trust == Trust::FirstHand {
            self.mirror.heard_before = Some(self.mirror.heard_at);
            self.mirror.heard_at = now;
        }
        let is_newer = match trust.cmp(&self.clock_trust) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal if is_newest => wire::sum(&clock) >= self.sum(),
            std::cmp::Ordering::Equal => wire::sum(&clock) > self.sum(),
            std::cmp::Ordering::Greater => true,
        };
        if !is_newer {
            return None;
        }
        self.clock_trust = trust;
        self.update_mark();
        let clock = padded(clock, self.mirror.schema.len());
        if clock == self.mirror.clock {
            return None;
        }
        self.mirror.changed_at = now;
        Some(std::mem::replace(&mut self.mirror.clock, clock))
    }

    /// Takes counters beside the clock. They never run backwards.
    pub(crate) fn count(&mut self, ticks: wire::Ticks) {
        let known = self.mirror.ticks.unwrap_or_default();
        self.mirror.ticks = Some(wire::Ticks {
            machine: known.machine.max(ticks.machine),
            queue: known.queue.max(ticks.queue),
        });
    }

    /// The owner introduced this very machine itself: what was hearsay is confirmed, tags and parent are refreshed.
    pub(crate) fn confirm(&mut self, info: &mut Info) {
        self.schema_trust = Trust::FirstHand;
        self.update_mark();
        let tags = info.tags.take().unwrap_or_default();
        if *self.mirror.tags != *tags {
            self.mirror.tags = tags.into();
        }
        if *self.mirror.parent != *info.parent {
            self.mirror.parent = std::mem::take(&mut info.parent).into();
        }
    }

    /// The introduction to forward on behalf of a silent owner, with the newest known clock.
    pub(crate) fn to_info(&self) -> Option<Info> {
        // A Go peer cannot hold a machine without Exception, so such a one is not forwarded.
        if !self.mirror.first_hand || self.wire_states != self.mirror.schema.len() {
            return None;
        }
        let states = &self.mirror.schema.def().states;
        Some(Info {
            id: self.mirror.id.to_string(),
            schema: Some(states.iter().cloned().collect()),
            states: Some(states.iter().map(|(name, _)| name.clone()).collect()),
            clock: Some(self.mirror.clock.to_vec()),
            tags: Some(self.mirror.tags.to_vec()),
            parent: self.mirror.parent.to_string(),
            shape: Shape::Unread,
        })
    }

    fn update_mark(&mut self) {
        self.mirror.first_hand =
            self.schema_trust == Trust::FirstHand && self.clock_trust == Trust::FirstHand;
    }
}

/// Bytes a mirror takes besides its schema, rounded up.
pub(crate) fn weight(info: &Info) -> usize {
    let states = info.state_count();
    let tags = info.tags.iter().flatten();
    let texts = info.id.len() + info.parent.len();
    MIRROR + texts + tags.map(|tag| TEXT + tag.len()).sum::<usize>() + TICK * states
}

/// The empty text costs nothing.
fn shared_text(text: String) -> Arc<str> {
    if text.is_empty() {
        return Arc::default();
    }
    text.into()
}

/// The clock with a never active `Exception` at its end where the owner has none.
fn padded(mut clock: Vec<u64>, states: usize) -> Arc<[u64]> {
    clock.resize(states, 0);
    clock.into()
}

/// Bytes of a mirror itself: counted, and a third for what the allocator adds.
const MIRROR: usize = 600;
/// Bytes of a text beside its letters.
const TEXT: usize = 40;
/// Bytes of a state in a mirror.
const TICK: usize = 8;
