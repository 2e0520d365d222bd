//! Keys that work everywhere but in fields (dashboard design 7.1).

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use crate::browser;
use crate::sharing::Sharing;
use crate::store::Store;

/// Listens as long as the page lives.
pub fn listen(store: Store, sharing: Sharing) {
    window_event_listener(ev::keydown, move |event| press(store, sharing, &event));
    // Else the browser opens what is dropped in place of the page.
    window_event_listener(ev::dragover, move |event| event.prevent_default());
    window_event_listener(ev::drop, move |event| {
        event.prevent_default();
        if let Some(file) = browser::files::Picked::of(&event) {
            sharing.open(file);
        }
    });
    window_event_listener(ev::paste, move |event| {
        if !is_in(event.target(), FIELDS) {
            sharing.paste(&browser::pasted(&event));
        }
    });
}

fn is_in(target: Option<web_sys::EventTarget>, selector: &str) -> bool {
    let element = target.and_then(|target| target.dyn_into::<Element>().ok());
    let found = element.map(|element| element.closest(selector));
    matches!(found, Some(Ok(Some(_))))
}

fn press(store: Store, sharing: Sharing, event: &KeyboardEvent) {
    let is_ctrl = event.ctrl_key() || event.meta_key();
    if is_ctrl && !event.alt_key() && !event.shift_key() && event.key() == "s" {
        event.prevent_default();
        return sharing.save();
    }
    if event.default_prevented() || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let is_in = |selector: &str| is_in(event.target(), selector);
    if is_in(FIELDS) {
        return;
    }
    match event.key().as_str() {
        // A button in focus takes it for itself.
        " " if !is_in("button, a, [role=treeitem]") => store.play_or_pause(),
        // A tree opens and closes with these.
        "ArrowLeft" if !is_in("[role=tree]") => store.step(false),
        "ArrowRight" if !is_in("[role=tree]") => store.step(true),
        "h" if !is_in(LISTS) => store.step(false),
        "l" if !is_in(LISTS) => store.step(true),
        "L" => store.live(),
        "b" if !is_in(LISTS) => sharing.bookmark(),
        "B" => sharing.lists.update(|lists| *lists += 1),
        "c" if !is_in(LISTS) => sharing.copy_link(),
        _ => return,
    }
    event.prevent_default();
}

/// Where letters are typed.
const FIELDS: &str = "input, select, textarea, [contenteditable]";
/// Where letters search.
const LISTS: &str = "[role=tree]";
