//! Signatures of gossipsub messages (spec 1.4), kept for those who come later.
//!
//! Gossipsub checks a signature and forgets it. [`KeepSignature`] carries it to the event loop behind the payload, where
//! [`take`] takes it off again. What is forwarded to others is the message as it came. It is the one place between the
//! check and gossipsub's caches, so it also says what gets there ([`Intake`]).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libp2p::PeerId;
use libp2p::gossipsub::{DataTransform, Message, RawMessage, TopicHash};
use libp2p::identity::{Keypair, PublicKey};
use parking_lot::Mutex;
use statemesh_core::collections::OrderedMap;
use statemesh_core::node::Signed;
use web_time::Instant;

use super::intake::Intake;

/// Hands the signature over behind the payload: `payload, signature, its length in two bytes`.
#[derive(Debug)]
pub(crate) struct KeepSignature {
    copies: Copies,
    intake: Mutex<Intake>,
    origin: Instant,
}

/// Every copy of a message that a neighbour brought, counted: each has cost a check of its signature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    brought: AtomicU64,
    refused: AtomicU64,
    forged: Mutex<OrderedMap<PeerId, u64>>,
}

impl Copies {
    /// So far.
    pub(crate) fn count(&self) -> u64 {
        self.0.brought.load(Ordering::Relaxed)
    }

    /// A neighbour brought one that its author did not sign. Of more neighbours than [`MAX_BRINGERS`] it is not told who.
    pub(crate) fn count_forged(&self, neighbour: PeerId) {
        let mut forged = self.0.forged.lock();
        if forged.len() < MAX_BRINGERS || forged.contains_key(&neighbour) {
            *forged.get_or_insert_with(neighbour, || 0) += 1;
        }
    }

    /// Messages without their author's signature, by the id of the neighbour that brought them.
    pub(crate) fn forged(&self) -> OrderedMap<statemesh_core::PeerId, u64> {
        let forged = self.0.forged.lock();
        let of = |(peer, count): (&PeerId, &u64)| (crate::transport::core_id(peer), *count);
        forged.iter().map(of).collect()
    }

    /// Those that were too many.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl KeepSignature {
    /// Counts there.
    pub(crate) fn counting(copies: Copies) -> Self {
        Self {
            copies,
            intake: Mutex::default(),
            origin: Instant::now(),
        }
    }
}

impl DataTransform for KeepSignature {
    fn inbound_transform(&self, raw: RawMessage) -> Result<Message, io::Error> {
        let counts = &self.copies.0;
        counts.brought.fetch_add(1, Ordering::Relaxed);
        let now = self.origin.elapsed();
        let now = now.as_secs() * 1_000_000 + u64::from(now.subsec_micros());
        if !self.intake.lock().admit(raw.data.len(), now) {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let mut data = raw.data;
        // With a key of its own the message could not be checked from the author's id alone; no peer in use has one.
        let signature = raw.signature.filter(|_| raw.key.is_none());
        let signature = signature.filter(|bytes| bytes.len() <= MAX_SIGNATURE);
        let signature = signature.unwrap_or_default();
        data.extend_from_slice(&signature);
        // At most MAX_SIGNATURE.
        data.extend_from_slice(&(signature.len() as u16).to_be_bytes());
        Ok(Message {
            source: raw.source,
            data,
            sequence_number: raw.sequence_number,
            topic: raw.topic,
        })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> Result<Vec<u8>, io::Error> {
        Ok(data)
    }
}

/// The signature behind a payload.
pub(crate) fn take(data: &mut Vec<u8>) -> Vec<u8> {
    let length = data.len().checked_sub(2);
    let Some((low, high)) = length.map(|at| (data[at + 1], data[at])) else {
        return Vec::new();
    };
    data.truncate(data.len() - 2);
    let length = usize::from(u16::from_be_bytes([high, low]));
    data.split_off(data.len().saturating_sub(length))
}

/// Signs a payload as gossipsub would. `None`: the key cannot sign.
pub(crate) fn sign(keypair: &Keypair, topic: &str, seqno: u64, data: Vec<u8>) -> Option<Signed> {
    let id = keypair.public().to_peer_id();
    let signature = keypair
        .sign(&signed_bytes(&id.to_bytes(), &data, seqno, topic))
        .ok()?;
    Some(Signed {
        author: crate::transport::core_id(&id),
        seqno,
        signature,
        data,
    })
}

/// Whether its author signed this for the topic.
pub(crate) fn is_genuine(signed: &Signed, topic: &str) -> bool {
    let author = signed.author.as_bytes();
    // An identity multihash holds the key itself.
    let Some(key) = author.strip_prefix(&[0]).and_then(|rest| rest.get(1..)) else {
        return false;
    };
    let Ok(key) = PublicKey::try_decode_protobuf(key) else {
        return false;
    };
    key.verify(
        &signed_bytes(author, &signed.data, signed.seqno, topic),
        &signed.signature,
    )
}

/// Prefix and protobuf of the message without signature and key.
fn signed_bytes(author: &[u8], data: &[u8], seqno: u64, topic: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len() + topic.len() + 96);
    bytes.extend_from_slice(b"libp2p-pubsub:");
    for (tag, field) in [
        (0x0a, author),
        (0x12, data),
        (0x1a, &seqno.to_be_bytes()),
        (0x22, topic.as_bytes()),
    ] {
        bytes.push(tag);
        let mut length = field.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(field);
    }
    bytes
}

/// Neighbours counted apart: all that a peer has by default.
const MAX_BRINGERS: usize = 1024;
/// Ed25519 has 64 bytes; other keys' signatures are longer, but never that much.
const MAX_SIGNATURE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::gossipsub::IdentTopic;

    #[test]
    fn own_signatures_hold_and_nothing_may_be_changed() {
        let keypair = Keypair::generate_ed25519();
        let signed = sign(&keypair, "topic", 7, vec![1; 300]).unwrap();
        assert!(is_genuine(&signed, "topic"));
        assert!(!is_genuine(&signed, "other"));
        let mut other = signed.clone();
        other.seqno = 8;
        assert!(!is_genuine(&other, "topic"));
        let mut other = signed.clone();
        other.data[5] = 2;
        assert!(!is_genuine(&other, "topic"));
        let mut other = signed;
        other.author = crate::transport::core_id(&PeerId::random());
        assert!(!is_genuine(&other, "topic"));
    }

    #[test]
    fn what_is_more_than_caches_may_hold_is_refused_and_counted() {
        let copies = Copies::default();
        let keep = KeepSignature::counting(copies.clone());
        let pass = |bytes| {
            let raw = RawMessage {
                source: None,
                data: vec![0; bytes],
                sequence_number: Some(1),
                topic: IdentTopic::new("t").hash(),
                signature: None,
                key: None,
                validated: false,
            };
            keep.inbound_transform(raw).is_ok()
        };
        // The next four seconds' worth, and then as much again.
        assert_eq!([4 << 20, 4 << 20].map(pass), [true, false]);
        assert_eq!((copies.count(), copies.refused()), (2, 1));
    }

    #[test]
    fn who_brings_forgeries_is_counted_and_the_table_is_bounded() {
        let copies = Copies::default();
        let one = PeerId::random();
        for _ in 0..3 {
            copies.count_forged(one);
        }
        for _ in 0..MAX_BRINGERS + 10 {
            copies.count_forged(PeerId::random());
        }
        copies.count_forged(one);
        let forged = copies.forged();
        assert_eq!(forged.len(), MAX_BRINGERS);
        assert_eq!(forged.get(&crate::transport::core_id(&one)), Some(&4));
    }

    #[test]
    fn the_signature_comes_through_behind_the_payload() {
        let copies = Copies::default();
        let check = |signature: Option<Vec<u8>>, key: Option<Vec<u8>>, expected: &[u8]| {
            let raw = RawMessage {
                source: None,
                data: b"payload".to_vec(),
                sequence_number: Some(1),
                topic: IdentTopic::new("t").hash(),
                signature,
                key,
                validated: false,
            };
            let mut data = KeepSignature::counting(copies.clone())
                .inbound_transform(raw)
                .unwrap()
                .data;
            assert_eq!(take(&mut data), expected);
            assert_eq!(data, b"payload");
        };
        check(Some(vec![9; 64]), None, &[9; 64]);
        check(Some(vec![9; 64]), Some(vec![1]), &[]);
        check(Some(vec![9; 5000]), None, &[]);
        check(None, None, &[]);
        assert_eq!(copies.count(), 4);
        assert!(take(&mut vec![]).is_empty());
        assert!(take(&mut vec![0xff, 0xff]).is_empty());
    }
}
