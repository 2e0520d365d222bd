//! Keys for what leaves the page and what is watched: the link menu, this view as text, `w`.

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent};

use super::keys::Focus;
use crate::model::Route;
use crate::preferences::Preferences;
use crate::router::Router;
use crate::sharing::Sharing;
use crate::shelving::Shelving;
use crate::store::{Panel, Store};
use crate::watching::Watching;

#[derive(Clone, Copy)]
struct Means {
    store: Store,
    router: Router,
    sharing: Sharing,
    watching: Watching,
    shelving: Shelving,
}

/// Listens as long as the page lives, after the keys that work everywhere.
pub fn listen_to_share() {
    let means = Means {
        store: expect_context(),
        router: expect_context(),
        sharing: expect_context(),
        watching: expect_context(),
        shelving: expect_context(),
    };
    let preferences = expect_context::<Preferences>();
    means.watching.attend(preferences);
    window_event_listener(ev::keydown, move |event| {
        let is_letter = event.key().chars().count() == 1 && !event.ctrl_key();
        let has_keys = preferences
            .settings
            .with_untracked(|settings| settings.has_keys);
        if has_keys || !is_letter {
            press(means, &event);
        }
    });
}

fn press(means: Means, event: &KeyboardEvent) {
    let Means {
        store,
        router,
        sharing,
        watching,
        shelving,
    } = means;
    let is_ctrl = event.ctrl_key() || event.meta_key();
    if is_ctrl && !event.alt_key() && event.shift_key() && event.key().eq_ignore_ascii_case("s") {
        event.prevent_default();
        return sharing.save_text();
    }
    let focus = Focus::of(event);
    if event.default_prevented() || focus.is_elsewhere(event) {
        return;
    }
    match event.key().as_str() {
        _ if focus.is_list() => return,
        "C" => store.panel.set(Some(Panel::Links)),
        "w" => watching.press(router, sharing),
        "p" if router.route.get_untracked() == Route::Machines => shelving.pin(sharing),
        "Backspace" if router.route.get_untracked() == Route::Machines => shelving.hide(sharing),
        _ => return,
    }
    event.prevent_default();
}
