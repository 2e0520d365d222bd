//! Numbers and texts as bytes: little-endian base 128, small numbers short. What the history keeps in memory and what a
//! recording holds are written with the same hand.
//!
//! Reading never panics: whatever is cut, too long or no text is `None`.

/// Appends a number, seven bits per byte.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

/// Appends how far `number` is from `base`, in either direction; the two may be any numbers.
pub(super) fn put_from(bytes: &mut Vec<u8>, base: u64, number: u64) {
    let distance = number.wrapping_sub(base).cast_signed();
    put(
        bytes,
        (distance << 1).cast_unsigned() ^ (distance >> 63).cast_unsigned(),
    );
}

/// Appends a length and so many bytes.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, block: &[u8]) {
    put(bytes, block.len() as u64);
    bytes.extend_from_slice(block);
}

/// Reads what `put` and its siblings wrote.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the first byte.
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Bytes not read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A number. `None`: cut, or more than 64 bits.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number of a narrower kind.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    /// A number told by its distance from `base`.
    pub(super) fn number_from(&mut self, base: u64) -> Option<u64> {
        let coded = self.number()?;
        let distance = (coded >> 1) ^ (coded & 1).wrapping_neg();
        Some(base.wrapping_add(distance))
    }

    /// A block with its length, of at most `most` bytes.
    pub(super) fn block(&mut self, most: usize) -> Option<&'a [u8]> {
        let length: usize = self.small()?;
        let (block, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        (length <= most).then_some(block)
    }

    /// A text with its length, of at most `most` bytes.
    pub(super) fn text(&mut self, most: usize) -> Option<&'a str> {
        std::str::from_utf8(self.block(most)?).ok()
    }

    /// How many follow. `None`: more than there are bytes left, each takes one at least.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = self.small()?;
        (count <= self.left()).then_some(count)
    }
}

fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_every_length() {
        for shift in 0..64 {
            for number in [(1 << shift) - 1, 1 << shift, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                put(&mut bytes, number);
                put_from(&mut bytes, u64::MAX / 3, number);
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.number(), Some(number));
                assert_eq!(reader.number_from(u64::MAX / 3), Some(number));
                assert_eq!(reader.left(), 0);
            }
        }
    }

    #[test]
    fn neighbours_take_one_byte() {
        for number in [937, 1_000, 1_063] {
            let mut bytes = Vec::new();
            put_from(&mut bytes, 1_000, number);
            assert_eq!(bytes.len(), 1, "{number}");
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert_eq!(Reader::new(&[]).number(), None);
        assert_eq!(Reader::new(&[0x80]).number(), None, "cut");
        assert_eq!(Reader::new(&[0xff; 11]).number(), None, "endless");
        let mut too_large = vec![0xff; 9];
        too_large.push(2);
        assert_eq!(Reader::new(&too_large).number(), None, "65 bits");
        assert_eq!(Reader::new(&[5, b'a']).text(10), None, "cut text");
        assert_eq!(Reader::new(&[2, b'a', b'b']).text(1), None, "too long");
        assert_eq!(Reader::new(&[1, 0xff]).text(10), None, "no text");
        assert_eq!(Reader::new(&[9, 1, 1]).count(), None, "more than there is");
    }
}
