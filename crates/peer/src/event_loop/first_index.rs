//! Machine indexes that this key has never used before, without a file to remember them in.
//!
//! A receiver ignores clocks of a known index whose sum is not larger, so an index that a restarted machine used
//! again would stay frozen. Indexes are therefore named after the wall clock, and **an index is never used before the
//! moment it is named after**: whoever starts later starts higher, however many machines there were before and
//! however quick the restart was. One counter serves the whole process, so peers in it never share an index either.
//!
//! The unit is a millisecond since 2020: with seconds, a peer with sixty machines that restarts within the minute
//! would meet its own indexes again. It stays below [`MachineIdx::LIMIT`] until 2054. A wall clock set back between
//! two starts is beyond this; a fresh key is not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use statemesh_core::MachineIdx;
use web_time::{SystemTime, UNIX_EPOCH};

/// The next index of this process, and how long to wait before it may be used.
pub(crate) fn reserve() -> (MachineIdx, Duration) {
    let now = millis_since_2020();
    let mut index = now;
    // Relaxed: the value itself is all that is shared.
    let _ = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
        index = next.max(now);
        Some(index + 1)
    });
    let wait = Duration::from_millis(index.saturating_sub(now));
    (MachineIdx(index), wait)
}

fn millis_since_2020() -> u64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_1970.saturating_sub(START_OF_2020).as_millis()).unwrap_or(u64::MAX)
}

static NEXT: AtomicU64 = AtomicU64::new(0);
/// 2020-01-01 00:00 UTC.
const START_OF_2020: Duration = Duration::from_secs(1_577_836_800);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_twice_and_never_ahead_of_the_clock() {
        let mut last = 0;
        for _ in 0..100 {
            let (index, wait) = reserve();
            assert!(index.0 > last && index.0 < MachineIdx::LIMIT);
            assert!(u128::from(index.0) <= u128::from(millis_since_2020()) + wait.as_millis());
            last = index.0;
        }
    }
}
