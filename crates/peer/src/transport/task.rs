//! Tasks and timers on both targets: tokio natively, the page's event loop in a browser.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Runs a future in the background.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// Runs a future in the background.
#[cfg(target_arch = "wasm32")]
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(future);
}

/// A timer that can be set again. Once it has fired it stays silent (pending) until [`Timer::set`].
pub(crate) struct Timer {
    #[cfg(not(target_arch = "wasm32"))]
    delay: Pin<Box<tokio::time::Sleep>>,
    #[cfg(target_arch = "wasm32")]
    delay: futures_timer::Delay,
    armed: bool,
}

impl Timer {
    /// Fires once after `after`.
    pub(crate) fn new(after: Duration) -> Self {
        Self {
            #[cfg(not(target_arch = "wasm32"))]
            delay: Box::pin(tokio::time::sleep(after)),
            #[cfg(target_arch = "wasm32")]
            delay: futures_timer::Delay::new(after),
            armed: true,
        }
    }

    /// Fires once after `after` from now, whatever was set before. Poll it again to be woken.
    pub(crate) fn set(&mut self, after: Duration) {
        #[cfg(not(target_arch = "wasm32"))]
        self.delay
            .as_mut()
            .reset(tokio::time::Instant::now() + after);
        #[cfg(target_arch = "wasm32")]
        self.delay.reset(after);
        self.armed = true;
    }

    /// Does not fire until set again.
    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A fired browser timer must not be polled again: futures-timer panics then.
        if !self.armed {
            return Poll::Pending;
        }
        let fired = Pin::new(&mut self.delay).poll(cx);
        if fired.is_ready() {
            self.armed = false;
        }
        fired
    }
}
