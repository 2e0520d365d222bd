//! Messages that came over a socket and are not read yet, read as one stream of bytes.

use std::collections::VecDeque;

/// Keeps at most a given number of bytes.
#[derive(Debug)]
pub(super) struct Inbox {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first one is read.
    read: usize,
    /// Bytes that are not read.
    waiting: usize,
    capacity: usize,
}

impl Inbox {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            read: 0,
            waiting: 0,
            capacity,
        }
    }

    /// Is there room for a message of that many bytes?
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.capacity - self.waiting
    }

    /// Takes a message that there is room for.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() && self.has_room(bytes.len()) {
            self.waiting += bytes.len();
            self.chunks.push_back(bytes);
        }
    }

    /// Copies what is there and fits.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let mut copied = 0;
        while let Some(first) = self.chunks.front()
            && copied < buffer.len()
        {
            let rest = &first[self.read..];
            let some = rest.len().min(buffer.len() - copied);
            buffer[copied..copied + some].copy_from_slice(&rest[..some]);
            copied += some;
            self.read += some;
            if some == rest.len() {
                self.chunks.pop_front();
                self.read = 0;
            }
        }
        self.waiting -= copied;
        copied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_the_reader_asks_for() {
        let sent: Vec<u8> = (0..=255).collect();
        for read_at_once in [1, 3, 64, 1000] {
            let mut inbox = Inbox::new(256);
            for chunk in sent.chunks(50) {
                inbox.push(chunk.to_vec());
                inbox.push(Vec::new());
            }
            let mut got = Vec::new();
            let mut buffer = vec![0; read_at_once];
            while let some @ 1.. = inbox.take(&mut buffer) {
                got.extend_from_slice(&buffer[..some]);
            }
            assert_eq!(got, sent, "{read_at_once} at once");
            assert!(inbox.has_room(256) && inbox.chunks.is_empty());
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut inbox = Inbox::new(10);
        inbox.push(vec![1; 10]);
        assert!(!inbox.has_room(1));
        inbox.push(vec![2]);
        assert_eq!(inbox.take(&mut [0; 4]), 4);
        assert!(inbox.has_room(4) && !inbox.has_room(5));
        inbox.push(vec![3; 4]);
        let mut rest = [0; 20];
        assert_eq!(inbox.take(&mut rest), 10);
        assert_eq!(rest[..10], [1, 1, 1, 1, 1, 1, 3, 3, 3, 3]);
        assert_eq!(inbox.take(&mut rest), 0);
    }
}
