//! Machines by host, to choose one.

use crate::derived::Derived;
use crate::ui::prelude::*;
use statemesh::PeerId;

use super::dynamic::{RowKey, dynamic, rows};
use super::fleet_label::host_label;
use super::roving::{Roving, move_focus};
use super::{health_glyph, name};
use crate::model::{MachineKey, MachineScreen, grouped};
use crate::store::Store;
use crate::words;

/// The column.
#[component]
pub fn MachineList() -> impl IntoView {
    let store = expect_context::<Store>();
    let chosen = Derived::new(move || {
        store.screen.with(|screen| match screen {
            MachineScreen::Machine(view) => Some(view.head.key),
            MachineScreen::Nothing | MachineScreen::Unknown { .. } => None,
        })
    });
    provide_context(Roving::new(chosen));
    view! {
        <nav class="list" aria-label="Machines" on:keydown=move_focus>
            <div class="column-head">
                <h2>"Machines"</h2>
                <span class="label">"by host"</span>
            </div>
            <div class="scroll">
                {rows(
                    move || store.hosts.get(),
                    |peer| RowKey::Peer(*peer),
                    move |peer| view! { <Host peer chosen /> }.into_any(),
                )}
            </div>
        </nav>
    }
}

#[component]
fn Host(peer: PeerId, chosen: Derived<Option<MachineKey>>) -> impl IntoView {
    let store = expect_context::<Store>();
    store.host(&peer).map(|group| {
        let of_rows = group.clone();
        let machines = Derived::new(move || {
            let mut rows = of_rows.with(|group| group.rows.clone());
            // The one shown stays, so that there is a way through the list.
            rows.retain(|key| chosen.get() == Some(*key) || !store.is_left_out(key));
            rows
        });
        let title = move || {
            group.with(|group| {
                let label = host_label(group.name.as_ref(), group.role);
                let rtt = group.link.as_ref().and_then(|link| link.rtt);
                view! {
                    <span>{label}</span>
                    <span class="num">{rtt.map(|rtt| format!("{rtt} ms"))}</span>
                }
            })
        };
        let title = move || {
            let is_empty = machines.with(Vec::is_empty);
            (!is_empty).then(|| view! { <h3>{dynamic(title.clone())}</h3> })
        };
        view! {
            {dynamic(title)}
            {rows(
                move || machines.get(),
                |key| RowKey::Machine(*key),
                move |key| view! { <Row key chosen /> }.into_any(),
            )}
        }
    })
}

#[component]
fn Row(key: MachineKey, chosen: Derived<Option<MachineKey>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let roving = expect_context::<Roving>();
    store.row(&key).map(|row| {
        let fixed = row.get_untracked();
        let (of_href, of_health, of_time) = (row.clone(), row.clone(), row);
        let health = Derived::new(move || of_health.with(|row| row.health));
        let time = Memo::new(move |_| of_time.with(|row| grouped(row.time)));
        view! {
            <a
                class="row"
                href=move || of_href.with(|row| row.href.clone())
                aria-current=move || (chosen.get() == Some(key)).then_some("true")
                tabindex=move || roving.tabindex(key)
                on:focus=move |_| roving.enter(key)
                data-machine=fixed.mark
                data-own=fixed.own.then_some("")
                data-health=move || health.get().mark()
            >
                {dynamic(move || health_glyph(health.get()))}
                <span class="machine">{name(&fixed.name)}</span>
                <span class="vh">{dynamic(move || words::health(health.get()))}</span>
                <span class="num">{time}</span>
            </a>
        }
    })
}
