//! The real clock, as the core and applications read it.

use statemesh_core::time::Instant;

/// Time since the peer started.
pub(crate) struct Clock {
    #[cfg(not(target_arch = "wasm32"))]
    started: tokio::time::Instant,
    #[cfg(target_arch = "wasm32")]
    started: web_time::Instant,
    origin: web_time::Instant,
}

impl Clock {
    /// Zero is now.
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(not(target_arch = "wasm32"))]
            started: tokio::time::Instant::now(),
            #[cfg(target_arch = "wasm32")]
            started: web_time::Instant::now(),
            origin: web_time::Instant::now(),
        }
    }
    /// The core's now.
    pub(crate) fn now(&self) -> Instant {
        let micros = self.started.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
    /// Zero, as applications read it.
    pub(crate) fn origin(&self) -> web_time::Instant {
        self.origin
    }
}

/// The wall clock: milliseconds since 1970, zero before that.
pub(crate) fn wall_ms() -> u64 {
    let now = web_time::SystemTime::now();
    let since = now.duration_since(web_time::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
