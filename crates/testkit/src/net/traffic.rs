//! What went over the topic: messages and bytes by type, published and received.

use std::collections::BTreeMap;
use std::fmt;

use statemesh_core::mesh::wire::MessageKind;

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
    /// Published on the topic, by the type the payload claims.
    published: BTreeMap<Option<MessageKind>, Count>,
    /// Copies that arrived anywhere, repeated ones included.
    pub copies: Count,
    /// Answers on direct streams.
    pub told: Count,
    /// First copies, one per member and message at most.
    pub received: Count,
}

impl Traffic {
    pub(super) fn publish(&mut self, kind: Option<MessageKind>, bytes: usize) {
        self.published.entry(kind).or_default().add(bytes);
    }

    /// Messages of this type published on the topic.
    #[must_use]
    pub fn published(&self, kind: MessageKind) -> Count {
        self.published.get(&Some(kind)).copied().unwrap_or_default()
    }

    /// Messages published on the topic, of all types.
    #[must_use]
    pub fn all(&self) -> Count {
        let sum = |field: fn(&Count) -> u64| self.published.values().map(field).sum();
        Count {
            messages: sum(|count| count.messages),
            bytes: sum(|count| count.bytes),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, Count { messages, bytes }) in &self.published {
            let kind = kind.map_or("other", MessageKind::name);
            write!(f, "{kind} {messages} ({bytes} B), ")?;
        }
        let Count { messages, bytes } = self.received;
        write!(f, "received {messages} ({bytes} B)")?;
        let Count { messages, bytes } = self.told;
        write!(f, ", told directly {messages} ({bytes} B)")
    }
}
