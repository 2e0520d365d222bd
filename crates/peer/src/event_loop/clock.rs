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
