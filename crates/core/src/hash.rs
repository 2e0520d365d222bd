//! FNV-1a of 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): spreads and tells damage, and is no secret. Whoever
//! wants two texts of one hash finds them.

/// Hash of no bytes.
pub const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Hash of what `so_far` is the hash of, continued by `bytes`; of those alone, when it is [`FNV_BASIS`].
#[must_use]
pub fn fnv1a(so_far: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
    bytes.into_iter().fold(so_far, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_published() {
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(FNV_BASIS, text.bytes()), hash, "{text}");
        }
        let begun = fnv1a(FNV_BASIS, "foo".bytes());
        assert_eq!(fnv1a(begun, "bar".bytes()), 0x8594_4171_f739_67e8);
    }
}
