//! The lane of a machine: what happened when, in the width of its row. The row says the newest of it in words.

use crate::ui::prelude::*;
use leptos::ev::MouseEvent;
use leptos::html::Canvas;

use super::canvas::{Sheet, Trouble};
use crate::model::{MachineKey, Subject};
use crate::store::Store;
use crate::words;

/// A canvas as wide as its cell. A click looks at that moment.
pub fn lane_of(store: Store, key: MachineKey) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        store.frame.track();
        let Some(sheet) = canvas.get().and_then(|canvas| Sheet::on(&canvas)) else {
            return;
        };
        let stage = store.lane_stage();
        if let Some(lane) = store.lane(&key, &stage, sheet.width as usize) {
            sheet.lane(&lane, &stage, &trouble(store, key));
        }
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
