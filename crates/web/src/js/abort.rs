//! Promises that an `AbortSignal` gives up, as those of `fetch`: they reject with the signal's reason.

use std::future::Future;
use std::pin::pin;

use futures::channel::oneshot;
use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::error::{Code, failure};
use super::options::field;

/// Does the work, unless `options.signal` aborts first; then the work is dropped.
///
/// # Errors
/// The work's own, the signal's reason, or `ERR_OPTIONS` when the signal is none.
pub(super) async fn unless_aborted<T>(
    options: &JsValue,
    work: impl Future<Output = Result<T, JsValue>>,
) -> Result<T, JsValue> {
    let signal = field(options, "signal");
    if signal.is_undefined() || signal.is_null() {
        return work.await;
    }
    let signal: AbortSignal = signal
        .dyn_into()
        .map_err(|_| failure(Code::Options, "signal must be an AbortSignal"))?;
    if signal.aborted() {
        return Err(signal.reason());
    }
    let (listening, aborted) = Listening::to(signal)?;
    match select(pin!(work), aborted).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(listening.signal.reason()),
    }
}

/// A listener of the signal until it is dropped: a signal may outlive many promises.
struct Listening {
    signal: AbortSignal,
    listener: Closure<dyn FnMut()>,
}

impl Listening {
    fn to(signal: AbortSignal) -> Result<(Self, oneshot::Receiver<()>), JsValue> {
        let (tell, aborted) = oneshot::channel();
        let mut tell = Some(tell);
        let listener = Closure::new(move || {
            if let Some(tell) = tell.take() {
                // Nobody waits any more when the work was done first.
                let _ = tell.send(());
            }
        });
        let listening = Self { signal, listener };
        let function = listening.listener.as_ref().unchecked_ref();
        let target = &listening.signal;
        target.add_event_listener_with_callback("abort", function)?;
        Ok((listening, aborted))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let function = self.listener.as_ref().unchecked_ref();
        // Removing what was added does not fail.
        let _ = self
            .signal
            .remove_event_listener_with_callback("abort", function);
    }
}
