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

fn press(store: Store, event: &KeyboardEvent) {
    let focus = Focus::of(event);
    if event.default_prevented() || focus.is_elsewhere(event) {
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
        " " if !focus.is_in("button, a, [role=treeitem]") => store.play_or_pause(),
        "ArrowLeft" if event.shift_key() => store.step_by(-FAR),
        "ArrowRight" if event.shift_key() => store.step_by(FAR),
        // A tree opens and closes with these.
        "ArrowLeft" if !focus.is_in(LISTS) => store.step(false),
        "ArrowRight" if !focus.is_in(LISTS) => store.step(true),
        "Home" => store.step_to_end(false),
        "End" => store.step_to_end(true),
        "h" if !focus.is_list() => store.step(false),
        "l" if !focus.is_list() => store.step(true),
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

/// What has the focus while a key is pressed.
pub struct Focus(Option<Element>);

impl Focus {
    /// Of an event.
    pub fn of(event: &KeyboardEvent) -> Self {
        let target = event.target();
        Self(target.and_then(|target| target.dyn_into::<Element>().ok()))
    }

    /// The key is typed into a field, or meant for the browser.
    pub fn is_elsewhere(&self, event: &KeyboardEvent) -> bool {
        event.ctrl_key() || event.alt_key() || event.meta_key() || self.is_in(FIELDS)
    }

    /// Letters search there.
    pub fn is_list(&self) -> bool {
        self.is_in(LISTS)
    }

    fn is_in(&self, selector: &str) -> bool {
        let found = self.0.as_ref().map(|element| element.closest(selector));
        matches!(found, Some(Ok(Some(_))))
    }
}

/// Where letters are typed.
const FIELDS: &str = "input, select, textarea, [contenteditable], dialog";
/// Where letters search.
const LISTS: &str = "[role=tree]";
/// Records of a long step (dashboard design 7.1).
const FAR: i64 = 50;
