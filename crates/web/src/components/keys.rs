//! Keys that work everywhere but in fields (dashboard design 7.1).

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use super::palette::copy_link;
use crate::model::Seen;
use crate::router::Router;
use crate::store::{Panel, Store};

/// Listens as long as the page lives.
pub fn listen(store: Store, router: Router) {
    // When `g` was pressed: the next letter says where to go.
    let go = RwSignal::new(None::<Seen>);
    window_event_listener(ev::keydown, move |event| press(store, router, go, &event));
}

fn press(store: Store, router: Router, go: RwSignal<Option<Seen>>, event: &KeyboardEvent) {
    if event.default_prevented() || event.alt_key() {
        return;
    }
    let key = event.key();
    if event.ctrl_key() || event.meta_key() {
        if key.eq_ignore_ascii_case("k") {
            event.prevent_default();
            store.panel.set(Some(Panel::Search));
        }
        return;
    }
    let focused = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let is_in = |selector: &str| {
        let found = focused.as_ref().map(|element| element.closest(selector));
        matches!(found, Some(Ok(Some(_))))
    };
    if is_in(FIELDS) {
        return;
    }
    let now = crate::browser::now();
    let gone = go.get_untracked().filter(|at| now.since(*at) < GO_WITHIN);
    go.set(None);
    match key.as_str() {
        "o" if gone.is_some() => router.open("/"),
        "m" if gone.is_some() => router.open("/m"),
        "p" if gone.is_some() => router.open("/peers"),
        // A button in focus takes it for itself.
        " " if !is_in("button, a, [role=treeitem]") => store.play_or_pause(),
        // A tree opens and closes with these.
        "ArrowLeft" if !is_in(KEEPS_ARROWS) => store.step(false),
        "ArrowRight" if !is_in(KEEPS_ARROWS) => store.step(true),
        "L" => store.live(),
        _ if is_in(LISTS) => return,
        "h" => store.step(false),
        "l" => store.step(true),
        "g" => go.set(Some(now)),
        "f" | "/" if super::focus_filter() => {}
        "?" => store.panel.set(Some(Panel::Keys)),
        "c" => copy_link(store),
        "m" | "M" => match store.attention_after(key == "m") {
            Some(href) => router.open(&href),
            None => return,
        },
        _ => return,
    }
    event.prevent_default();
}

/// Where letters are typed.
const FIELDS: &str = "input, select, textarea, [contenteditable], dialog";
/// Where letters search.
const LISTS: &str = "[role=tree]";
/// What moves inside by arrows to the left and to the right.
const KEEPS_ARROWS: &str = "[role=tree], .tiles";
/// Milliseconds between `g` and the letter that says where (guess: as long as search buffers letters).
const GO_WITHIN: u64 = 1_500;
