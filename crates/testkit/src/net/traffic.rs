//! What went over the topic: messages and bytes by type, published and received.

use std::fmt;

use statemesh_core::mesh::wire::Message;

/// Type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `info`
    Info,
    /// `updates`
    Updates,
    /// `gossip`
    Gossip,
    /// `reqinfo`
    ReqInfo,
    /// `requpdates`
    ReqUpdates,
    /// `bye`
    Bye,
    /// Something no node publishes.
    Other,
}

impl Kind {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Info,
        Self::Updates,
        Self::Gossip,
        Self::ReqInfo,
        Self::ReqUpdates,
        Self::Bye,
        Self::Other,
    ];

    /// The type of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Info { .. } => Self::Info,
            Message::Updates { .. } => Self::Updates,
            Message::Gossip { .. } => Self::Gossip,
            Message::ReqInfo { .. } => Self::ReqInfo,
            Message::ReqUpdates { .. } => Self::ReqUpdates,
            Message::Bye { .. } => Self::Bye,
        }
    }
}

/// Messages and their payload bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub messages: u64,
    /// Payload bytes in all.
    pub bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// Traffic since the start or since it was last forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Published on the topic, by type.
    published: [Count; Kind::ALL.len()],
    /// Copies that arrived anywhere, repeated ones included.
    pub copies: Count,
    /// Answers on direct streams.
    pub told: Count,
    /// First copies, one per member and message at most.
    pub received: Count,
}

impl Traffic {
    pub(super) fn publish(&mut self, kind: Kind, bytes: usize) {
        self.published[kind as usize].add(bytes);
    }

    /// Messages of this type published on the topic.
    #[must_use]
    pub fn published(&self, kind: Kind) -> Count {
        self.published[kind as usize]
    }

    /// Messages published on the topic, of all types.
    #[must_use]
    pub fn all(&self) -> Count {
        let sum = |field: fn(&Count) -> u64| self.published.iter().map(field).sum();
        Count {
            messages: sum(|count| count.messages),
            bytes: sum(|count| count.bytes),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            let Count { messages, bytes } = self.published(kind);
            if messages > 0 {
                write!(f, "{kind:?} {messages} ({bytes} B), ")?;
            }
        }
        let Count { messages, bytes } = self.received;
        write!(f, "received {messages} ({bytes} B)")?;
        let Count { messages, bytes } = self.told;
        write!(f, ", told directly {messages} ({bytes} B)")
    }
}
