//! Which of the six types a payload claims to be, for statistics: looked up, not checked.

/// A message type, by its name on the wire.
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
    /// None of these, or not said first.
    Other,
}

impl MessageKind {
    /// What the payload says first. All known peers write the type in front; a payload that does not is `Other`.
    #[must_use]
    pub fn peek(data: &[u8]) -> Self {
        let [marker, rest @ ..] = data else {
            return Self::Other;
        };
        let header = match marker {
            0x80..=0x8f => 0,
            0xde => 2,
            0xdf => 4,
            _ => return Self::Other,
        };
        let entries = rest.get(header..).unwrap_or_default();
        let named = entries.strip_prefix(b"\xa4Type").unwrap_or_default();
        let [length @ 0xa0..=0xbf, text @ ..] = named else {
            return Self::Other;
        };
        match text.get(..usize::from(length - 0xa0)) {
            Some(b"info") => Self::Info,
            Some(b"updates") => Self::Updates,
            Some(b"gossip") => Self::Gossip,
            Some(b"reqinfo") => Self::ReqInfo,
            Some(b"requpdates") => Self::ReqUpdates,
            Some(b"bye") => Self::Bye,
            Some(_) | None => Self::Other,
        }
    }

    /// As on the wire; `other` for the last one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Updates => "updates",
            Self::Gossip => "gossip",
            Self::ReqInfo => "reqinfo",
            Self::ReqUpdates => "requpdates",
            Self::Bye => "bye",
            Self::Other => "other",
        }
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
        let names = ["info", "updates", "gossip", "reqinfo", "requpdates", "bye"];
        for (body, name) in bodies.into_iter().zip(names) {
            let data = encode(&body.into(), Dialect::V5);
            assert_eq!(MessageKind::peek(&data).name(), name);
        }
    }

    #[test]
    fn anything_else_is_other() {
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
            assert_eq!(MessageKind::peek(data), MessageKind::Other, "{data:?}");
        }
        assert_eq!(
            MessageKind::peek(b"\xdf\0\0\0\x01\xa4Type\xa4info"),
            MessageKind::Info
        );
    }
}
