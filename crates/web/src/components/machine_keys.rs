//! Keys of the Machine view beside those that work everywhere (dashboard design 7.1). Letters search in the tree and
//! type in fields; signs and digits work in the tree, too.

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent};

use super::jump;
use super::keys::Focus;
use super::machine_view::{MachineUi, Pane, Tab};
use crate::browser;
use crate::preferences::Preferences;
use crate::router::Router;
use crate::store::Store;
use crate::words;

/// Listens as long as the view is open.
pub fn listen_here(store: Store, ui: MachineUi) {
    let router = expect_context::<Router>();
    let settings = expect_context::<Preferences>().settings;
    let handle = window_event_listener(ev::keydown, move |event| {
        let is_sign = event.key().chars().count() == 1;
        if !is_sign || settings.with_untracked(|settings| settings.has_keys) {
            press(store, router, ui, &event);
        }
    });
    on_cleanup(move || handle.remove());
}

fn press(store: Store, router: Router, ui: MachineUi, event: &KeyboardEvent) {
    let focus = Focus::of(event);
    if event.default_prevented() || focus.is_elsewhere(event) {
        return;
    }
    let key = event.key();
    let tab = Tab::ALL.iter().find(|(_, number)| *number == key);
    match (key.as_str(), ui.selected.get_untracked()) {
        (",", Some(state)) => store.step_state(state, false),
        (".", Some(state)) => store.step_state(state, true),
        ("[", _) => store.step_in(false),
        ("]", _) => store.step_in(true),
        ("s" | "S", _) if !focus.is_list() => {
            let there = if key == "s" {
                store.source_href()
            } else {
                store.effect_href()
            };
            match there {
                Some(href) => jump(store, router, &href),
                None => store.announcement.set(no_way(&key).to_owned()),
            }
        }
        ("f", _) if !focus.is_list() => {
            ui.pane.set(Pane::Main);
            ui.open_filters();
        }
        ("o", _) if !focus.is_list() => {
            ui.reader.update(|reader| *reader = !*reader);
            ui.pane.set(Pane::Log);
        }
        ("/", _) => {
            ui.reader.set(false);
            ui.pane.set(Pane::Log);
            request_animation_frame(|| browser::focus("log-text"));
        }
        ("x", _) if !focus.is_list() => ui.expand.update(|asked| *asked += 1),
        ("y", selected) if !focus.is_list() => {
            if selected.is_none() {
                ui.selected.set(culprit(store, ui));
            }
            ui.pane.set(Pane::States);
            request_animation_frame(|| browser::focus("why"));
        }
        (_, _) => match tab {
            Some((tab, _)) => {
                ui.tab.set(*tab);
                ui.pane.set(Pane::Main);
            }
            None => return,
        },
    }
    event.prevent_default();
}

fn no_way(key: &str) -> &'static str {
    match key {
        "s" => words::steps::NO_SOURCE,
        _ => words::steps::NO_EFFECT,
    }
}

/// What a reader asks about who has selected nothing: an active error, else `Ready`, else the first state.
fn culprit(store: Store, ui: MachineUi) -> Option<usize> {
    let schema = ui.schema.get_untracked()?;
    let key = ui.key.get_untracked()?;
    let clock = store.clock_at_cursor(&key).unwrap_or_default();
    let error = schema.active_errors(&clock).next();
    error
        .or(schema.ready)
        .or((!schema.states.is_empty()).then_some(0))
}
