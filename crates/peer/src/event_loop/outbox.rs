//! Own messages that gossipsub could not take yet: kept in order, bounded, tried again.
//!
//! A full queue towards every neighbour passes; a clock that is dropped then would be missing until the next
//! heartbeat. Order is kept, so a receiver never sees an older clock of ours after a newer one. While something waits the
//! node is told to say nothing new ([`Input::Congested`]), so that the newest clock is what it says next and hardly more
//! than one message waits; the bounds below are for what is said in many parts.
//!
//! [`Input::Congested`]: statemesh_core::node::Input::Congested

use std::collections::VecDeque;
use std::time::Duration;

use statemesh_core::time::Instant;

/// Waiting messages, oldest first.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    retry_at: Option<Instant>,
    dropped: u64,
    /// What [`Outbox::take_turn`] has told.
    told_congested: bool,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It is on its way.
    Sent,
    /// It never will be.
    Done,
    /// Try again later.
    Busy,
}

impl Outbox {
    /// Sends a message after all that wait.
    pub(crate) fn send(
        &mut self,
        data: Vec<u8>,
        now: Instant,
        publish: &mut impl FnMut(&[u8]) -> Tried,
    ) {
        if self.waiting.is_empty() && publish(&data) != Tried::Busy {
            return;
        }
        self.bytes += data.len();
        self.waiting.push_back(data);
        while self.waiting.len() > MAX_WAITING || self.bytes > MAX_BYTES {
            if let Some(oldest) = self.waiting.pop_front() {
                self.bytes -= oldest.len();
                self.dropped += 1;
            }
        }
        self.retry_at.get_or_insert(now + RETRY);
    }
    /// Tries what waits, if it is time.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        publish: &mut impl FnMut(&[u8]) -> Tried,
    ) {
        if self.retry_at.is_none_or(|due| due > now) {
            return;
        }
        self.retry_at = None;
        while let Some(data) = self.waiting.front() {
            if publish(data) == Tried::Busy {
                self.retry_at = Some(now + RETRY);
                return;
            }
            self.bytes -= data.len();
            self.waiting.pop_front();
        }
    }
    /// Whether something waits, once after that has changed.
    pub(crate) fn take_turn(&mut self) -> Option<bool> {
        let congested = !self.waiting.is_empty();
        let before = std::mem::replace(&mut self.told_congested, congested);
        (congested != before).then_some(congested)
    }
    /// When [`Outbox::handle_timeout`] wants to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }
    /// Messages given up since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

/// Pause between tries. A guess: a queue drains in a few milliseconds or not at all.
const RETRY: Duration = Duration::from_millis(50);
/// Messages that wait at most. A guess.
const MAX_WAITING: usize = 256;
/// Bytes that wait at most: four of the largest messages.
const MAX_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    #[test]
    fn keeps_order_and_tries_again() {
        let mut outbox = Outbox::default();
        let mut sent = Vec::new();
        outbox.send(vec![1], at(0), &mut |_| Tried::Busy);
        let mut publish = |data: &[u8]| {
            sent.push(data[0]);
            Tried::Done
        };
        // 2 must not overtake 1.
        outbox.send(vec![2], at(1), &mut publish);
        assert_eq!(outbox.poll_timeout(), Some(at(50)));
        assert_eq!((outbox.take_turn(), outbox.take_turn()), (Some(true), None));
        outbox.handle_timeout(at(49), &mut publish);
        outbox.handle_timeout(at(50), &mut |_| Tried::Busy);
        assert_eq!(outbox.poll_timeout(), Some(at(100)));
        outbox.handle_timeout(at(100), &mut publish);
        outbox.send(vec![3], at(101), &mut publish);
        assert_eq!(sent, [1, 2, 3]);
        assert_eq!(
            (outbox.take_turn(), outbox.take_turn()),
            (Some(false), None)
        );
        assert_eq!(outbox.poll_timeout(), None);
    }

    #[test]
    fn is_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..MAX_WAITING + 10 {
            outbox.send(vec![0], at(0), &mut |_| Tried::Busy);
        }
        let dropped = outbox.take_dropped();
        assert_eq!((outbox.waiting.len(), dropped), (MAX_WAITING, 10));
        outbox.send(vec![0; MAX_BYTES], at(0), &mut |_| Tried::Busy);
        assert_eq!((outbox.waiting.len(), outbox.bytes), (1, MAX_BYTES));
    }
}
