//! Keys that work everywhere but in fields (dashboard design 7.1).

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent};
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};

use crate::browser;
use crate::model::{Route, Seen};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::sharing::Sharing;
use crate::store::{Panel, Store};
use crate::words;

/// Listens as long as the page lives.
pub fn listen(store: Store, router: Router, preferences: Preferences, sharing: Sharing) {
    // When `g` was pressed: the next letter names a view.
    let going = StoredValue::new(None);
    window_event_listener(ev::keydown, move |event| {
        // Signs and letters may be switched off; the space is neither.
        let is_sign = event.key().chars().count() == 1 && event.key() != " ";
        let has_keys = preferences
            .settings
            .with_untracked(|settings| settings.has_keys);
        if has_keys || !is_sign {
            press((store, router, sharing), going, &event);
        }
    });
    // Else the browser opens what is dropped in place of the page.
    window_event_listener(ev::dragover, move |event| event.prevent_default());
    window_event_listener(ev::drop, move |event| {
        event.prevent_default();
        if let Some(file) = browser::files::Picked::of(&event) {
            sharing.open(file);
        }
    });
    window_event_listener(ev::paste, move |event| {
        if !Focus(element(event.target())).is_in(FIELDS) {
            sharing.paste(&browser::pasted(&event));
        }
    });
}

fn press(
    (store, router, sharing): (Store, Router, Sharing),
    going: StoredValue<Option<Seen>>,
    event: &KeyboardEvent,
) {
    let key = event.key();
    let is_ctrl = event.ctrl_key() || event.meta_key();
    if is_ctrl && !event.alt_key() && key.eq_ignore_ascii_case("k") {
        event.prevent_default();
        return store.panel.set(Some(Panel::Search));
    }
    if is_ctrl && !event.alt_key() && !event.shift_key() && key == "s" {
        event.prevent_default();
        return sharing.save();
    }
    let focus = Focus::of(event);
    if event.default_prevented() || focus.is_elsewhere(event) {
        return;
    }
    let now = browser::now();
    let began = going.try_update_value(Option::take).flatten();
    let is_going = began.is_some_and(|began| now.since(began) < GOES_WITHIN);
    if let Some(route) = view_of(&key).filter(|_| is_going) {
        router.show(route);
        return event.prevent_default();
    }
    match key.as_str() {
        // A button in focus takes it for itself.
        " " if !focus.is_in("button, a, [role=treeitem]") => store.play_or_pause(),
        "ArrowLeft" if event.shift_key() => store.step_by(-FAR),
        "ArrowRight" if event.shift_key() => store.step_by(FAR),
        // A tree opens and closes with these, and tiles lie beside each other.
        "ArrowLeft" if !focus.is_in(KEEPS_ARROWS) => store.step(false),
        "ArrowRight" if !focus.is_in(KEEPS_ARROWS) => store.step(true),
        "Home" => store.step_to_end(false),
        "End" => store.step_to_end(true),
        "L" => store.live(),
        _ if focus.is_list() => return,
        "g" => going.set_value(Some(now)),
        "h" => store.step(false),
        "l" => store.step(true),
        "f" | "/" if super::focus_filter() => {}
        "?" => store.panel.set(Some(Panel::Keys)),
        "b" => sharing.bookmark(),
        "B" => sharing.lists.update(|lists| *lists += 1),
        "e" | "E" => match store.step_error(key == "e") {
            Some(machine) if router.route.get_untracked() == Route::Machines => {
                if let Some(row) = store.row(&machine) {
                    router.open(&row.with_untracked(|row| row.href.clone()));
                }
            }
            Some(_) => {}
            None => store.announcement.set(words::NO_ERROR.to_owned()),
        },
        "+" => store.zoom(true),
        "-" => store.zoom(false),
        "0" => store.set_window(None),
        "t" => store.timelines.update(|lines| *lines = (*lines + 1) % 3),
        "c" => sharing.copy_link(),
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
        Self(element(event.target()))
    }

    /// The key is typed into a field, or meant for the browser.
    pub fn is_elsewhere(&self, event: &KeyboardEvent) -> bool {
        event.ctrl_key() || event.alt_key() || event.meta_key() || self.is_in(FIELDS)
    }

    /// Letters search there.
    pub fn is_list(&self) -> bool {
        self.is_in(LISTS)
    }

    /// It is inside of what the selector names.
    pub fn is_in(&self, selector: &str) -> bool {
        let found = self.0.as_ref().map(|element| element.closest(selector));
        matches!(found, Some(Ok(Some(_))))
    }
}

fn element(target: Option<EventTarget>) -> Option<Element> {
    target.and_then(|target| target.dyn_into().ok())
}

/// Views by their letters, after `g` (dashboard design 7.1).
fn view_of(letter: &str) -> Option<Route> {
    match letter {
        "o" => Some(Route::Overview),
        "m" => Some(Route::Machines),
        "n" => Some(Route::Mesh),
        "p" => Some(Route::Peers),
        "c" => Some(Route::Compare),
        _ => None,
    }
}

/// Milliseconds from `g` to its letter (guess).
const GOES_WITHIN: u64 = 1_500;
/// Where letters are typed.
const FIELDS: &str = "input, select, textarea, [contenteditable], dialog";
/// Where letters search.
const LISTS: &str = "[role=tree]";
/// What moves inside by arrows to the left and to the right.
const KEEPS_ARROWS: &str = "[role=tree], .tiles";
/// Records of a long step (dashboard design 7.1).
const FAR: i64 = 50;
