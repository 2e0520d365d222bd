//! Keys that work everywhere but in fields (dashboard design 7.1).

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use crate::browser;
use crate::model::{Route, Seen};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::store::Store;

/// Listens as long as the page lives.
pub fn listen(store: Store, router: Router, preferences: Preferences) {
    // When `g` was pressed: the next letter names a view.
    let going = StoredValue::new(None);
    window_event_listener(ev::keydown, move |event| {
        // Signs and letters may be switched off; the space is neither.
        let is_sign = event.key().chars().count() == 1 && event.key() != " ";
        let has_keys = preferences
            .settings
            .with_untracked(|settings| settings.has_keys);
        if has_keys || !is_sign {
            press(store, router, going, &event);
        }
    });
}

fn press(store: Store, router: Router, going: StoredValue<Option<Seen>>, event: &KeyboardEvent) {
    if event.default_prevented() || event.ctrl_key() || event.alt_key() || event.meta_key() {
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
    let now = browser::now();
    let began = going.try_update_value(Option::take).flatten();
    let is_going = began.is_some_and(|began| now.since(began) < GOES_WITHIN);
    if let Some(route) = view_of(&event.key()).filter(|_| is_going) {
        router.show(route);
        return event.prevent_default();
    }
    match event.key().as_str() {
        "g" if !is_in(LISTS) => going.set_value(Some(now)),
        // A button in focus takes it for itself.
        " " if !is_in("button, a, [role=treeitem]") => store.play_or_pause(),
        // A tree opens and closes with these.
        "ArrowLeft" if !is_in("[role=tree]") => store.step(false),
        "ArrowRight" if !is_in("[role=tree]") => store.step(true),
        "h" if !is_in(LISTS) => store.step(false),
        "l" if !is_in(LISTS) => store.step(true),
        "L" => store.live(),
        _ => return,
    }
    event.prevent_default();
}

/// Views by their letters, after `g` (dashboard design 7.1).
fn view_of(letter: &str) -> Option<Route> {
    match letter {
        "o" => Some(Route::Overview),
        "m" => Some(Route::Machines),
        "n" => Some(Route::Mesh),
        "p" => Some(Route::Peers),
        _ => None,
    }
}

/// Milliseconds from `g` to its letter (guess).
const GOES_WITHIN: u64 = 1_500;
/// Where letters are typed.
const FIELDS: &str = "input, select, textarea, [contenteditable]";
/// Where letters search.
const LISTS: &str = "[role=tree]";
