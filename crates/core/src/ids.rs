//! Identifiers: newtypes with `Display`, `FromStr` and `Ord`. No logic beyond parsing and printing.

use std::fmt;
use std::str::FromStr;

/// A libp2p peer id: the multihash of a public key, printed as base58btc text (`12D3KooW…`).
///
/// Shape: an identity multihash of at most 42 bytes of key, or a SHA2-256 multihash (libp2p peer-ids spec).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    bytes: [u8; MAX_PEER_ID_BYTES],
    len: u8,
}

impl PeerId {
    /// Parses the multihash bytes.
    ///
    /// # Errors
    /// [`ParsePeerIdError`] when the bytes are no peer id's multihash.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParsePeerIdError> {
        let valid = match bytes {
            [IDENTITY, len, digest @ ..] => {
                usize::from(*len) == digest.len()
                    && digest.len() <= MAX_INLINE_KEY
                    && !digest.is_empty()
            }
            [SHA2_256, 32, digest @ ..] => digest.len() == 32,
            _ => false,
        };
        if !valid {
            return Err(ParsePeerIdError);
        }
        let mut id = Self {
            bytes: [0; MAX_PEER_ID_BYTES],
            len: u8::try_from(bytes.len()).map_err(|_| ParsePeerIdError)?,
        };
        id.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(id)
    }

    /// Parses base58btc text.
    ///
    /// # Errors
    /// [`ParsePeerIdError`] when it is not the text of a peer id.
    pub(crate) fn from_text(text: &[u8]) -> Result<Self, ParsePeerIdError> {
        if text.len() > MAX_PEER_ID_TEXT {
            return Err(ParsePeerIdError);
        }
        let (number, len) = base58(text).ok_or(ParsePeerIdError)?;
        Self::from_bytes(&number[number.len() - len..])
    }

    /// The multihash bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// A number that never falls from one id to a greater one, and tells most apart: the first random bytes of an Ed25519
    /// key.
    pub(crate) fn rank(&self) -> u32 {
        match self.bytes.split_at(ED25519_PREFIX.len()) {
            (start, [a, b, c, d, ..]) if *start == ED25519_PREFIX => {
                u32::from_be_bytes([*a, *b, *c, *d])
            }
            (start, _) if *start < ED25519_PREFIX[..] => 0,
            _ => u32::MAX,
        }
    }

    /// The last `n` characters of the base58 text, as people compare ids.
    #[must_use]
    pub fn short(&self, n: usize) -> String {
        let text = self.to_string();
        text[text.len().saturating_sub(n)..].to_owned()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.as_bytes()).into_string())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl FromStr for PeerId {
    type Err = ParsePeerIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.as_bytes())
    }
}

/// The number that base58btc text is, big-endian, and how many bytes of it the text means. Ten letters at once: every copy
/// of every message names its author, and letter by letter that was an eighth of all the work.
fn base58(text: &[u8]) -> Option<([u8; BASE58_BYTES], usize)> {
    let mut limbs = [0_u64; BASE58_BYTES / 8];
    for letters in text.chunks(10) {
        let (mut carry, mut scale) = (0_u64, 1_u64);
        for letter in letters {
            let digit = *DIGITS.get(usize::from(*letter))?;
            if digit == NO_DIGIT {
                return None;
            }
            carry = carry * 58 + u64::from(digit);
            scale *= 58;
        }
        for limb in &mut limbs {
            let wide = u128::from(*limb) * u128::from(scale) + u128::from(carry);
            (*limb, carry) = (wide as u64, (wide >> 64) as u64);
        }
    }
    let mut number = [0; BASE58_BYTES];
    for (bytes, limb) in number.rchunks_exact_mut(8).zip(limbs) {
        bytes.copy_from_slice(&limb.to_be_bytes());
    }
    let ones = text
        .iter()
        .take_while(|letter| **letter == BASE58[0])
        .count();
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let len = ones + number.len() - zeros;
    (len <= number.len()).then_some((number, len))
}

/// The text or bytes are not a peer id. The sender's fault; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a peer id (base58 multihash of a public key)")]
pub struct ParsePeerIdError;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number!(
    /// Index of a machine on its owner, below [`MachineIdx::LIMIT`]. Never used again by the same peer id for another machine.
    MachineIdx(u64)
);
number!(
    /// Index of a state in its schema.
    StateIdx(u16)
);
number!(
    /// Number of an appended mutation, in the order they are taken from the queue. The first is 2.
    QueueTick(u64)
);

impl MachineIdx {
    /// First index that no peer may use.
    pub const LIMIT: u64 = 1 << 40;
}

impl StateIdx {
    /// The index as a slice position.
    #[must_use]
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// Multihash code of the identity function.
const IDENTITY: u8 = 0x00;
/// How the id of an Ed25519 key begins: an identity multihash of 36 bytes, the protobuf of the key.
const ED25519_PREFIX: [u8; 6] = [IDENTITY, 36, 0x08, 0x01, 0x12, 0x20];
/// Multihash code of SHA2-256.
const SHA2_256: u8 = 0x12;
/// Longest key inlined in a peer id (libp2p peer-ids spec).
const MAX_INLINE_KEY: usize = 42;
/// Longest multihash: code, length, digest.
const MAX_PEER_ID_BYTES: usize = 2 + MAX_INLINE_KEY;
/// Longest base58 text of that many bytes.
const MAX_PEER_ID_TEXT: usize = 61;
/// Room for any number of [`MAX_PEER_ID_TEXT`] letters: 58^61 < 2^358.
const BASE58_BYTES: usize = 48;
/// Letters of base58btc by what they count.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// What each ASCII character counts.
const DIGITS: [u8; 128] = {
    let mut digits = [NO_DIGIT; 128];
    let mut digit = 0;
    while digit < BASE58.len() {
        digits[BASE58[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};
/// Not a letter of base58btc.
const NO_DIGIT: u8 = u8::MAX;

/// The peer id of a test, by its number.
#[cfg(test)]
pub(crate) fn peer_id(number: usize) -> PeerId {
    let mut bytes = [7; 34];
    (bytes[0], bytes[1]) = (SHA2_256, 32);
    bytes[2..10].copy_from_slice(&number.to_be_bytes());
    PeerId::from_bytes(&bytes).expect("a SHA2-256 multihash")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";

    #[test]
    fn ranks_never_fall_and_tell_keys_apart() {
        let key = |number: u32| {
            let mut bytes = [9; 38];
            bytes[..6].copy_from_slice(&ED25519_PREFIX);
            bytes[6..10].copy_from_slice(&number.to_be_bytes());
            PeerId::from_bytes(&bytes).unwrap()
        };
        let inline =
            |bytes: &[u8]| PeerId::from_bytes(&[&[IDENTITY, bytes.len() as u8], bytes].concat());
        let mut ids = vec![
            peer_id(0),
            peer_id(usize::MAX),
            inline(&[0; 36]).unwrap(),
            inline(&[255; 36]).unwrap(),
            inline(&[0x08]).unwrap(),
            inline(&[255; 42]).unwrap(),
        ];
        ids.extend([0, 1, 255, 256, 1 << 31, u32::MAX].map(key));
        ids.sort();
        assert!(ids.iter().map(PeerId::rank).is_sorted());
        assert_eq!([7, 1 << 31].map(|number| key(number).rank()), [7, 1 << 31]);
    }

    #[test]
    fn text_round_trip() {
        let id: PeerId = ED25519.parse().unwrap();
        assert_eq!(id.to_string(), ED25519);
        assert_eq!(PeerId::from_bytes(id.as_bytes()), Ok(id));
        assert_eq!(id.short(8), &ED25519[ED25519.len() - 8..]);
    }

    #[test]
    fn every_text_means_what_it_means_to_others() {
        let mut state = 1_u64;
        for round in 0..4000 {
            let mut bytes = [0; MAX_PEER_ID_BYTES];
            for byte in &mut bytes {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
            let leading = round % 5;
            bytes[..leading].fill(0);
            let bytes = &bytes[..round % (MAX_PEER_ID_BYTES + 1)];
            let text = bs58::encode(bytes).into_string();
            let (number, len) = base58(text.as_bytes()).expect("it fits");
            assert_eq!(&number[BASE58_BYTES - len..], bytes, "{text}");
        }
        let most = [BASE58[57]; MAX_PEER_ID_TEXT];
        let (number, len) = base58(&most).expect("it fits");
        assert_eq!(
            &number[BASE58_BYTES - len..],
            bs58::decode(most).into_vec().unwrap()
        );
        for refused in ["12D3Koo\u{e9}", "0", "a b", &"1".repeat(BASE58_BYTES + 1)] {
            assert!(base58(refused.as_bytes()).is_none(), "{refused}");
        }
    }

    #[test]
    fn refuses_what_is_no_peer_id() {
        let long = "1".repeat(100);
        for text in [
            "",
            "P1",
            "12D3KooW",
            "not base58 0OIl",
            long.as_str(),
            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
        ] {
            assert_eq!(text.parse::<PeerId>(), Err(ParsePeerIdError), "{text}");
        }
    }
}
