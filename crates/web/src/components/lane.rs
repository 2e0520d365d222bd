//! The lane of a machine: what happened when, in the width of its row. The row says the newest of it in words.

use crate::ui::prelude::*;
use leptos::ev::MouseEvent;
use leptos::html::{self, Canvas};
use leptos::wasm_bindgen::JsCast;

use super::canvas::Look;
use super::pixels::Trouble;
use crate::derived::Derived;
use crate::model::{MachineKey, Subject};
use crate::store::Store;
use crate::words;

/// How the lanes of a list look; asked anew as often as ages count on.
pub fn look_of(store: Store, body: NodeRef<html::Div>) -> RwSignal<Option<Look>> {
    let look = RwSignal::new(None);
    Effect::new(move |_| {
        store.beat.track();
        look_anew(look, body);
    });
    look
}

/// Asks one of the lanes how it looks.
pub fn look_anew(look: RwSignal<Option<Look>>, body: NodeRef<html::Div>) {
    let find = |what| body.get_untracked()?.query_selector(what).ok()?;
    // The tab's own are in other colours.
    let lane = find("a.row:not([data-own]) .lane").or_else(|| find(".lane"));
    let Some(before) = look.try_get_untracked() else {
        return;
    };
    let found = lane.and_then(|lane| Look::of(lane.unchecked_ref(), before.as_ref()));
    if before != found {
        look.set(found);
    }
}

/// A canvas as wide as its cell. A click looks at that moment.
pub fn lane_of(
    store: Store,
    row: Derived<Option<(MachineKey, bool)>>,
    look: RwSignal<Option<Look>>,
) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        store.frame.track();
        let (Some((key, is_own)), Some(canvas)) = (row.get(), canvas.get()) else {
            return;
        };
        look.with(|look| {
            let Some(look) = look else { return };
            let stage = store.lane_stage();
            if let Some(lane) = store.lane(&key, &stage, look.pixels()) {
                look.draw(&canvas, &lane, &stage, &trouble(store, key), is_own);
            }
        });
    });
    let seek = move |event: MouseEvent| {
        let Some(canvas) = canvas.get_untracked() else {
            return;
        };
        event.prevent_default();
        let share = f64::from(event.offset_x()) / f64::from(canvas.client_width().max(1));
        store.seek(store.lane_stage().at(share));
    };
    view! { <canvas class="lane" aria-hidden="true" on:click=seek node_ref=canvas></canvas> }
}

/// What is wrong at the moment looked at: with this machine, and where it began.
fn trouble(store: Store, key: MachineKey) -> Trouble {
    store.attention.with_untracked(|rows| {
        let open = || rows.iter().filter(|row| row.lasted.is_none());
        let own =
            open().find(|row| row.subject == Subject::Machine(key) || row.others.contains(&key));
        Trouble {
            own: own.map(|row| (row.health, row.onset.by)),
            first: open().next().map(|row| row.onset.by),
        }
    })
}

/// What stands above the lanes.
pub fn lane_head(store: Store) -> impl IntoView {
    let from = move || {
        store.frame.track();
        let stage = store.lane_stage();
        match (stage.cursor, store.dock.with(|dock| dock.window)) {
            (None, Some(ms)) => format!("−{}", words::window(Some(ms))),
            (Some(_), _) | (None, None) => store.wall.text(stage.from, 0),
        }
    };
    let to = move || {
        store.frame.track();
        let stage = store.lane_stage();
        match stage.cursor {
            Some(_) if stage.to < store.clock.get() || store.recording.with(Option::is_some) => {
                store.wall.text(stage.to, 0)
            }
            Some(_) | None => "now".to_owned(),
        }
    };
    view! {
        <span>{super::dynamic(from)}</span>
        <span>{super::dynamic(to)}</span>
    }
}
