//! Changes seen, newest first, each in its interval: no instant is invented.

use leptos::prelude::*;

use super::dynamic::{RowKey, dynamic, rows};
use super::{name, state_glyph};
use crate::derived::Derived;
use crate::model::{ChangeRow, ChangedState, Interval, MachineKey, WallClock};
use crate::store::Store;
use crate::words;

/// The list of one machine.
#[component]
pub fn Changes(
    key: Derived<Option<MachineKey>>,
    changes: Derived<Vec<ChangeRow>>,
    changed: Derived<Option<Interval>>,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let is_empty = Memo::new(move |_| changes.with(Vec::is_empty));
    let age = move || {
        let age = changed.get()?.age(store.now.get()).text();
        Some(format!("last {age} ago"))
    };
    let items = move || {
        let key = key.get();
        let rows = changes.get();
        rows.into_iter().map(|row| (key, row)).collect::<Vec<_>>()
    };
    view! {
        <section class="changes-pane" aria-label="Recent changes">
            <div class="column-head">
                <h2>"Recent changes"</h2>
                <span class="grow"></span>
                <span class="label">{dynamic(age)}</span>
            </div>
            <div class="scroll">
                <p class="nothing" hidden=move || !is_empty.get()>
                    {words::NO_CHANGE}
                </p>
                <ol>
                    {rows(
                        items,
                        |(key, row)| RowKey::Numbered(*key, row.number),
                        move |(_, row)| change(store.wall.get(), &row).into_any(),
                    )}
                </ol>
            </div>
        </section>
    }
}

fn change(wall: WallClock, row: &ChangeRow) -> impl IntoView + use<> {
    let when = wall.interval(row.at);
    let what = if row.restarted {
        "Ticks went back: restarted".to_owned()
    } else if row.unordered {
        format!("{}, order unknown", words::ticks(row.ticks))
    } else {
        words::ticks(row.ticks)
    };
    view! {
        <li data-change=row.number.to_string()>
            <span class="when">{when}</span>
            <span class="count">{what}</span>
            <span class="which">{row.states.iter().map(changed_state).collect_view()}</span>
        </li>
    }
}

fn changed_state(state: &ChangedState) -> impl IntoView + use<> {
    let word = if state.active { "on" } else { "off" };
    let note = state
        .note
        .clone()
        .map(|note| view! { <span class="flicker">{note}</span> });
    view! {
        <span class="target" class:on=state.active class:error=state.error>
            {state_glyph(state.active, false, state.error)}
            {name(&state.shown)}
            <span class="tick">{format!(":{}", state.tick)}</span>
            <span class="vh">{word}</span>
            {note}
        </span>
    }
}
