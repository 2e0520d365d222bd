//! Time from outside: what is measured and waited for, nothing here reads a clock of its own accord.
//!
//! Applications implement [`Timer`] in three lines over what their runtime has, tests by a clock that stands still. With
//! the feature `timer` there is `SystemTimer`, for any executor.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

pub use statemesh_core::Instant;

use crate::handlers::{Boxed, MaybeSend};

/// A clock and an alarm.
///
/// ```
/// use std::time::Duration;
/// use statemesh::timer::{Instant, Timer};
///
/// /// The timer of tokio.
/// struct Tokio {
///     start: tokio::time::Instant,
/// }
///
/// impl Timer for Tokio {
///     type Sleep = tokio::time::Sleep;
///
///     fn now(&self) -> Instant {
///         Instant::ZERO + self.start.elapsed()
///     }
///     fn sleep(&self, time: Duration) -> Self::Sleep {
///         tokio::time::sleep(time)
///     }
/// }
/// ```
pub trait Timer: Send + Sync + 'static {
    /// A future that is ready when its time is over. Dropped when it is not needed any more.
    type Sleep: Future<Output = ()> + MaybeSend + 'static;

    /// Now, since a start of its choice. Never goes back.
    fn now(&self) -> Instant;

    /// Waits that long, from the call or from the first poll.
    fn sleep(&self, time: Duration) -> Self::Sleep;
}

/// Runs a future for at most that long. `None`: the time was over first, and the future was dropped.
///
/// ```
/// use std::time::Duration;
/// use statemesh::prelude::*;
/// use statemesh::timer::{Timer, within};
///
/// async fn is_soon_ready(machine: &Machine, timer: &impl Timer) -> bool {
///     let ready = machine.when("Ready");
///     within(timer, Duration::from_secs(1), ready).await == Some(Ok(()))
/// }
/// ```
pub async fn within<F: Future>(timer: &impl Timer, time: Duration, future: F) -> Option<F::Output> {
    let mut over = pin!(timer.sleep(time));
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => over.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A timer without its type.
pub(crate) trait AnyTimer: Send + Sync {
    fn time(&self) -> Instant;
    fn alarm(&self, time: Duration) -> Boxed<()>;
}

impl<T: Timer> AnyTimer for T {
    fn time(&self) -> Instant {
        self.now()
    }

    fn alarm(&self, time: Duration) -> Boxed<()> {
        Box::pin(self.sleep(time))
    }
}

/// The system's monotonic clock. Waits on a thread of its own natively, by the page's timers in a browser.
#[cfg(feature = "timer")]
#[derive(Clone, Copy, Debug)]
pub struct SystemTimer {
    start: web_time::Instant,
}

#[cfg(feature = "timer")]
impl SystemTimer {
    /// Zero is now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: web_time::Instant::now(),
        }
    }
}

#[cfg(feature = "timer")]
impl Default for SystemTimer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "timer")]
impl Timer for SystemTimer {
    #[cfg(not(target_arch = "wasm32"))]
    type Sleep = futures_timer::Delay;
    #[cfg(target_arch = "wasm32")]
    type Sleep = gloo_timers::future::TimeoutFuture;

    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn sleep(&self, time: Duration) -> Self::Sleep {
        futures_timer::Delay::new(time)
    }
    #[cfg(target_arch = "wasm32")]
    fn sleep(&self, time: Duration) -> Self::Sleep {
        // Browsers count by signed milliseconds.
        let millis = time.as_millis().min(i32::MAX as u128);
        gloo_timers::future::TimeoutFuture::new(millis as u32)
    }
}
