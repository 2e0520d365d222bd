//! One machine of the fleet.

use crate::ui::prelude::*;
use leptos::html;

use super::dynamic::dynamic;
use super::fleet::{FleetList, Seat, shifted};
use super::{health_glyph, lane_of, name};
use crate::derived::Derived;
use crate::model::{FleetRow, MachineKey, Seen, StateWord, WordKind, grouped};
use crate::store::Store;
use crate::words;

/// The row of whoever has this seat.
pub fn row(seat: ArcRwSignal<Seat>) -> AnyView {
    view! { <Row seat /> }.into_any()
}

#[component]
fn Row(seat: ArcRwSignal<Seat>) -> impl IntoView {
    let store = expect_context::<Store>();
    let list = expect_context::<FleetList>();
    let seat = Derived::new(move || seat.get());
    let key = Derived::new(move || seat.with(|seat| seat.key));
    let row: Facts = Derived::new(move || store.row(&key.get()));
    let own = Derived::new(move || look(row, |row| row.is_some_and(|row| row.own)));
    let link = focusable(list, key);
    let top = move || shifted(seat.with(|seat| seat.top));
    let index = move || seat.with(|seat| seat.index + 2);
    let lane = Derived::new(move || Some((key.get(), own.get())));
    let now = move |row: &FleetRow| row.since.map_or(Seen(0), |_| store.now.get());
    let spoken = move || look(row, |row| row.map(|row| row.spoken(now(row))));
    let facts = move |read: fn(&FleetRow) -> String| look(row, |row| row.map(read));
    view! {
        <a
            class="row"
            role="row"
            node_ref=link
            style:transform=top
            href=move || facts(|row| row.href.clone())
            aria-label=spoken
            aria-rowindex=index
            tabindex=move || list.roving.tabindex(key.get())
            on:focus=move |_| list.roving.enter(key.get_untracked())
            data-machine=move || facts(|row| row.mark.clone())
            data-own=move || own.get().then_some("")
            data-health=move || look(row, |row| row.map(|row| row.health.mark()))
        >
            {dynamic(move || look(row, |row| row.map(|row| cells(list, row, seat.with(|seat| seat.depth)))))}
            <span class="rate num" role="gridcell">
                {dynamic(move || rate(store, key))}
            </span>
            <span class="changed num" role="gridcell">
                {dynamic(move || Some(look(row, |row| row.map(|row| row.changed))?.age(store.now.get()).text()))}
            </span>
            <span class="lanes" role="presentation">
                {lane_of(store, lane, list.look)}
            </span>
        </a>
    }
}

/// What a machine says of itself.
fn cells(list: FleetList, row: &FleetRow, depth: u8) -> AnyView {
    let host = list.says_host.get().then(|| name(&row.host));
    let indent = (depth > 0).then(|| format!("{depth}.375rem"));
    view! {
        <span class="of-host" role="gridcell">
            {host}
        </span>
        <span class="health" role="gridcell" title=row.rule.clone()>
            {health_glyph(row.health)}
        </span>
        <span
            class="machine"
            role="gridcell"
            class:hearsay=row.hearsay
            style:padding-left=indent
            title=words::provenance(!row.hearsay)
        >
            {name(&row.name)}
        </span>
        <span class="active-states" role="gridcell">
            {state_words(&row.states, row.more)}
        </span>
        <span class="ticks num" role="gridcell">
            {grouped(row.time)}
        </span>
    }
    .into_any()
}

fn rate(store: Store, key: Derived<MachineKey>) -> String {
    store.frame.track();
    let (changes, all) = store.rate(&key.get());
    words::overview::rate(changes, all)
}

/// Takes the focus when the list wants it to.
fn focusable(list: FleetList, key: Derived<MachineKey>) -> NodeRef<html::A> {
    let link = NodeRef::<html::A>::new();
    Effect::new(move |_| {
        let Some(link) = link.get().filter(|_| list.wanted.get() == Some(key.get())) else {
            return;
        };
        list.wanted.set(None);
        // It is in the document and visible.
        let _ = link.focus();
    });
    link
}

/// The machine of a row, as it is drawn.
type Facts = Derived<Option<ArcRwSignal<FleetRow>>>;

fn look<T>(row: Facts, read: impl FnOnce(Option<&FleetRow>) -> T) -> T {
    row.with(|row| match row {
        Some(row) => row.with(|row| read(Some(row))),
        None => read(None),
    })
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
