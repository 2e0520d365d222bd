//! The six types of messages, and which one a payload claims to be.

/// A message type, by its name on the wire (mesh-protocol.md 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageKind {
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
}

impl MessageKind {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::Info,
        Self::Updates,
        Self::Gossip,
        Self::ReqInfo,
        Self::ReqUpdates,
        Self::Bye,
    ];

    /// As on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Updates => "updates",
            Self::Gossip => "gossip",
            Self::ReqInfo => "reqinfo",
            Self::ReqUpdates => "requpdates",
            Self::Bye => "bye",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the payload says first, for statistics: looked up, not checked. All known peers write the type in front; a
    /// payload that does not claims nothing.
    #[must_use]
    pub fn peek(data: &[u8]) -> Option<Self> {
        let (marker, rest) = data.split_first()?;
        let header = match marker {
            0x80..=0x8f => 0,
            0xde => 2,
            0xdf => 4,
            _ => return None,
        };
        let named = rest.get(header..)?.strip_prefix(b"\xa4Type")?;
        let [length @ 0xa0..=0xbf, text @ ..] = named else {
            return None;
        };
        let name = text.get(..usize::from(length - 0xa0))?;
        Self::named(core::str::from_utf8(name).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::wire::{Dialect, Message, encode};

    #[test]
    fn own_messages_are_told_apart() {
        let bodies = [
            Message::Info {
                peers: None,
                sums: None,
            },
            Message::Updates { clocks: None },
            Message::Gossip { sums: None },
            Message::ReqInfo { ids: None },
            Message::ReqUpdates { ids: None },
            Message::Bye { machines: None },
        ];
        for (body, kind) in bodies.into_iter().zip(MessageKind::ALL) {
            assert_eq!(body.kind(), kind);
            let data = encode(&body.into(), Dialect::V5);
            assert_eq!(MessageKind::peek(&data), Some(kind));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let cut = b"\x81\xa4Type\xa4inf";
        for data in [
            &b""[..],
            b"\x81",
            b"\x93",
            b"\xde\x00",
            cut,
            b"\x81\xa4Type\xa3hey",
            b"\x81\xa4Sum2\x01",
        ] {
            assert_eq!(MessageKind::peek(data), None, "{data:?}");
        }
        assert_eq!(
            MessageKind::peek(b"\xdf\0\0\0\x01\xa4Type\xa4info"),
            Some(MessageKind::Info)
        );
    }
}
