//! Callbacks of a page: work that calls them until the page says stop.

use std::future::Future;

use futures::channel::oneshot;
use futures::future::{pending, select};
use statemesh::core::engine::is_active_tick;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::js_sys::{Array, Function, Object, Reflect, global};

/// Works in the background. What is returned is a JavaScript function that ends it; a page that drops the function unused
/// has not asked to stop.
pub(super) fn until_stopped(work: impl Future<Output = ()> + 'static) -> JsValue {
    let (stop, stopped) = oneshot::channel::<()>();
    spawn_local(async move {
        let stopped = async move {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        select(Box::pin(work), Box::pin(stopped)).await;
    });
    let mut stop = Some(stop);
    let unsubscribe = Closure::<dyn FnMut()>::new(move || {
        if let Some(stop) = stop.take() {
            // Nobody listens any more when the work ended first.
            let _ = stop.send(());
        }
    });
    unsubscribe.into_js_value()
}

/// A `Change` for a callback.
pub(super) fn change(states: &[String], before: &[u64], clock: &[u64], gone: bool) -> JsValue {
    let active: Array = states
        .iter()
        .zip(clock)
        .filter(|(_, tick)| is_active_tick(**tick))
        .map(|(name, _)| JsValue::from(name.as_str()))
        .collect();
    let change = Object::new();
    for (key, value) in [
        ("before", numbers(before).into()),
        ("clock", numbers(clock).into()),
        ("active", active.into()),
        ("gone", JsValue::from(gone)),
    ] {
        // Setting a property of a fresh, ordinary object does not fail.
        let _ = Reflect::set(&change, &key.into(), &value);
    }
    change.into()
}

/// Ticks beyond 2^53 lose their last bits; at a change per nanosecond that takes three months.
pub(super) fn numbers(ticks: &[u64]) -> Array {
    let number = |&tick: &u64| JsValue::from_f64(tick as f64);
    ticks.iter().map(number).collect()
}

/// Calls back. An exception goes where uncaught ones go; the subscription lives on.
pub(super) fn call(callback: &Function, value: &JsValue) {
    let Err(thrown) = callback.call1(&JsValue::UNDEFINED, value) else {
        return;
    };
    let told = Reflect::get(&global(), &"reportError".into())
        .ok()
        .and_then(|report| report.dyn_into::<Function>().ok())
        .map(|report| report.call1(&JsValue::UNDEFINED, &thrown));
    if !matches!(told, Some(Ok(_))) {
        web_sys::console::error_1(&thrown);
    }
}
