//! A bounded broadcast of events: one ring, a cursor per reader. Works on every target, without an executor.
//!
//! Writing never waits. A reader that falls behind by more than the ring holds is told how many events it missed and
//! goes on with the oldest kept one. While nobody reads nothing is kept.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use parking_lot::Mutex;

use crate::mesh::MeshEvent;
use statemesh_core::collections::OrderedMap;

/// The writing side.
pub(crate) struct EventLog {
    log: Mutex<Log>,
    capacity: usize,
}

/// Events from the moment it was made. Ends when the peer ends.
#[must_use = "streams do nothing unless polled"]
pub(crate) struct EventStream {
    log: Arc<EventLog>,
    reader: u64,
    /// Number of the next event.
    next: u64,
}

#[derive(Default)]
struct Log {
    ring: VecDeque<MeshEvent>,
    /// Number of the first event in the ring.
    first: u64,
    readers: OrderedMap<u64, Option<Waker>>,
    next_reader: u64,
    closed: bool,
}

impl EventLog {
    /// Keeps at most `capacity` events.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            log: Mutex::default(),
            capacity,
        }
    }

    /// A reader of what comes from now on.
    pub(crate) fn subscribe(self: &Arc<Self>) -> EventStream {
        let mut log = self.log.lock();
        let reader = log.next_reader;
        log.next_reader += 1;
        log.readers.insert(reader, None);
        EventStream {
            log: self.clone(),
            reader,
            next: log.end(),
        }
    }

    /// Tells all readers.
    pub(crate) fn push(&self, event: MeshEvent) {
        let (wakers, old) = {
            let mut log = self.log.lock();
            if log.readers.is_empty() {
                log.first = log.end() + 1;
                (Vec::new(), std::mem::take(&mut log.ring).into())
            } else {
                log.ring.push_back(event);
                let mut old = None;
                if log.ring.len() > self.capacity {
                    old = log.ring.pop_front();
                    log.first += 1;
                }
                (log.take_wakers(), Vec::from_iter(old))
            }
        };
        drop(old);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        let wakers = {
            let mut log = self.log.lock();
            log.closed = true;
            log.take_wakers()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Log {
    fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.readers
            .for_each_mut(|_, waker| wakers.extend(waker.take()));
        wakers
    }
}

impl Stream for EventStream {
    type Item = MeshEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MeshEvent>> {
        let (answer, next) = {
            let mut log = self.log.log.lock();
            if self.next < log.first {
                let missed = log.first - self.next;
                (MeshEvent::Lagged(missed), log.first)
            } else if let Some(event) = log.ring.get((self.next - log.first) as usize) {
                (event.clone(), self.next + 1)
            } else if log.closed {
                return Poll::Ready(None);
            } else {
                log.readers.insert(self.reader, Some(cx.waker().clone()));
                return Poll::Pending;
            }
        };
        self.next = next;
        Poll::Ready(Some(answer))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let waker = self.log.log.lock().readers.remove(&self.reader);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn lagged(event: u64) -> MeshEvent {
        MeshEvent::Lagged(event)
    }

    fn read(stream: &mut EventStream) -> Option<u64> {
        match stream.next().now_or_never()?? {
            MeshEvent::Lagged(n) => Some(n),
            other => panic!("unexpected {other:?}"),
        }
    }

    #[test]
    fn every_reader_gets_every_event_in_order() {
        let log = Arc::new(EventLog::new(8));
        log.push(lagged(1));
        let (mut a, mut b) = (log.subscribe(), log.subscribe());
        log.push(lagged(2));
        log.push(lagged(3));
        assert_eq!(
            [read(&mut a), read(&mut a), read(&mut a)],
            [Some(2), Some(3), None]
        );
        log.push(lagged(4));
        log.close();
        assert_eq!(
            [read(&mut b), read(&mut b), read(&mut b)],
            [Some(2), Some(3), Some(4)]
        );
        assert!(matches!(b.next().now_or_never(), Some(None)));
    }

    #[test]
    fn a_slow_reader_is_told_how_much_it_missed() {
        let log = Arc::new(EventLog::new(4));
        let mut slow = log.subscribe();
        for n in 100..110 {
            log.push(lagged(n));
        }
        // Six of ten fell out; the four newest follow.
        assert_eq!(read(&mut slow), Some(6));
        assert_eq!(read(&mut slow), Some(106));
        assert_eq!(log.log.lock().ring.len(), 4);
    }

    #[test]
    fn nobody_reading_costs_nothing() {
        let log = Arc::new(EventLog::new(4));
        let reader = log.subscribe();
        log.push(lagged(1));
        drop(reader);
        log.push(lagged(2));
        assert!(log.log.lock().ring.is_empty());
        let mut late = log.subscribe();
        log.push(lagged(3));
        assert_eq!(read(&mut late), Some(3));
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let log = Arc::new(EventLog::new(4));
        let mut stream = log.subscribe();
        let (waker, count) = futures_test_waker();
        let mut cx = Context::from_waker(&waker);
        assert!(stream.poll_next_unpin(&mut cx).is_pending());
        log.push(lagged(1));
        assert_eq!(Arc::strong_count(&count), 2);
        assert!(count.woken.load(std::sync::atomic::Ordering::Relaxed));
    }

    struct Flag {
        woken: std::sync::atomic::AtomicBool,
    }

    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.woken.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn futures_test_waker() -> (Waker, Arc<Flag>) {
        let flag = Arc::new(Flag {
            woken: false.into(),
        });
        (flag.clone().into(), flag)
    }
}
