//! One machine of the fleet.

use crate::ui::prelude::*;
use leptos::html;

use super::dynamic::dynamic;
use super::fleet::{FleetList, shifted};
use super::{health_glyph, lane_of, name};
use crate::derived::Derived;
use crate::model::{FleetRow, MachineKey, Seen, StateWord, WordKind, grouped};
use crate::store::Store;
use crate::words;

/// Its row.
pub fn row(key: MachineKey) -> AnyView {
    view! { <Row key /> }.into_any()
}

#[component]
fn Row(key: MachineKey) -> impl IntoView {
    let store = expect_context::<Store>();
    let list = expect_context::<FleetList>();
    store.row(&key).map(|row| {
        let fixed = row.get_untracked();
        let health = value(&row, |row| row.health);
        let changed = value(&row, |row| row.changed);
        let states = value(&row, |row| (row.states.clone(), row.more));
        let hearsay = part(&row, |row| row.hearsay);
        let age = move || changed.get().age(store.now.get()).text();
        let rate = Memo::new(move |_| {
            store.frame.track();
            let (changes, all) = store.rate(&key);
            words::overview::rate(changes, all)
        });
        let link = focusable(list, key);
        let place = place(list, key);
        let top = move || shifted(place.with(|place| place.0));
        let indent = move || {
            let depth = place.with(|place| place.1);
            (depth > 0).then(|| format!("{depth}.375rem"))
        };
        let index = Memo::new(move |_| {
            list.layout
                .with(|layout| layout.place(&key).map(|at| at + 2))
        });
        let host = fixed.host.clone();
        let words = row.clone();
        let spoken = Memo::new(move |_| {
            words.with(|row| row.spoken(row.since.map_or(Seen(0), |_| store.now.get())))
        });
        view! {
            <a
                class="row"
                role="row"
                node_ref=link
                style:transform=top
                href=part(&row, |row| row.href.clone())
                aria-label=spoken
                aria-rowindex=index
                tabindex=move || list.roving.tabindex(key)
                on:focus=move |_| list.roving.enter(key)
                data-machine=fixed.mark
                data-own=fixed.own.then_some("")
                data-health=move || health.get().mark()
            >
                <span class="of-host" role="gridcell">
                    {dynamic(move || list.says_host.get().then(|| name(&host)))}
                </span>
                <span class="health" role="gridcell" title=part(&row, |row| row.rule.clone())>
                    {dynamic(move || health_glyph(health.get()))}
                </span>
                <span
                    class="machine"
                    role="gridcell"
                    class:hearsay=hearsay
                    style:padding-left=indent
                    title=move || words::provenance(!hearsay.get())
                >
                    {name(&fixed.name)}
                </span>
                <span class="active-states" role="gridcell">
                    {dynamic(move || states.with(|(states, more)| state_words(states, *more)))}
                </span>
                <span class="ticks num" role="gridcell">
                    {part(&row, |row| grouped(row.time))}
                </span>
                <span class="rate num" role="gridcell">
                    {rate}
                </span>
                <span class="changed num" role="gridcell">
                    {dynamic(age)}
                </span>
                <span class="lanes" role="presentation">
                    {lane_of(store, key)}
                </span>
            </a>
        }
    })
}

/// Takes the focus when the list wants it to.
fn focusable(list: FleetList, key: MachineKey) -> NodeRef<html::A> {
    let link = NodeRef::<html::A>::new();
    Effect::new(move |_| {
        let Some(link) = link.get().filter(|_| list.wanted.get() == Some(key)) else {
            return;
        };
        list.wanted.set(None);
        // It is in the document and visible.
        let _ = link.focus();
    });
    link
}

/// Where it stands, and how deep in a tree.
fn place(list: FleetList, key: MachineKey) -> Memo<(u32, u8)> {
    Memo::new(move |_| {
        let place = list.layout.with(|layout| {
            let row = layout.rows.get(layout.place(&key)?)?;
            Some((row.1, row.2))
        });
        place.unwrap_or_default()
    })
}

/// One part of a row, which repaints only when it changes.
fn part<T: PartialEq + Send + Sync + 'static>(
    row: &ArcRwSignal<FleetRow>,
    read: fn(&FleetRow) -> T,
) -> Memo<T> {
    let row = row.clone();
    Memo::new(move |_| row.with(read))
}

/// The same for what is computed further.
fn value<T: PartialEq + Send + Sync + 'static>(
    row: &ArcRwSignal<FleetRow>,
    read: fn(&FleetRow) -> T,
) -> Derived<T> {
    let row = row.clone();
    Derived::new(move || row.with(read))
}

fn state_words(states: &[StateWord], more: usize) -> impl IntoView + use<> {
    let words = states
        .iter()
        .map(|word| {
            let is_off = word.kind == WordKind::Off;
            view! {
                <span
                    class=word.kind.class()
                    data-state=word.name.clone()
                    data-active=(!is_off).to_string()
                    data-tick=word.tick.to_string()
                >
                    {name(&word.shown)}
                    {is_off.then_some(" off")}
                </span>
                " "
            }
        })
        .collect_view();
    view! {
        {words}
        {(more > 0).then(|| format!("and {more} more"))}
    }
}
