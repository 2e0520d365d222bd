//! One machine of the fleet.

use crate::ui::prelude::*;
use leptos::html;

use super::dynamic::dynamic;
use super::fleet::{FleetList, Seat, shifted};
use super::{health_glyph, lane_of, name};
use crate::derived::Derived;
use crate::model::{FleetRow, Health, MachineKey, StateWord, WordKind, grouped};
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
    let health = value(row, |row| row.map_or(Health::Ok, |row| row.health));
    let changed = value(row, |row| row.map(|row| row.changed));
    let states = value(row, |row| row.map(|row| (row.states.clone(), row.more)));
    let named = value(row, |row| row.map(|row| row.name.clone()));
    let host = value(row, |row| row.map(|row| row.host.clone()));
    let hearsay = part(row, |row| row.is_some_and(|row| row.hearsay));
    let own = part(row, |row| row.is_some_and(|row| row.own));
    let age = move || Some(changed.get()?.age(store.now.get()).text());
    let rate = Memo::new(move |_| {
        store.frame.track();
        let (changes, all) = store.rate(&key.get());
        words::overview::rate(changes, all)
    });
    let link = focusable(list, key);
    let top = move || shifted(seat.with(|seat| seat.top));
    let indent = move || {
        let depth = seat.with(|seat| seat.depth);
        (depth > 0).then(|| format!("{depth}.375rem"))
    };
    let index = Memo::new(move |_| seat.with(|seat| seat.index + 2));
    let shown = move || named.with(|named| named.as_ref().map(name));
    let of_host = move || {
        list.says_host
            .get()
            .then(|| host.with(|host| host.as_ref().map(name)))
    };
    let lane = Derived::new(move || Some((key.get(), own.get())));
    view! {
        <a
            class="row"
            role="row"
            node_ref=link
            style:transform=top
            href=part(row, |row| row.map(|row| row.href.clone()))
            aria-label=part(row, |row| row.map(|row| row.label.clone()))
            aria-rowindex=index
            tabindex=move || list.roving.tabindex(key.get())
            on:focus=move |_| list.roving.enter(key.get_untracked())
            data-machine=part(row, |row| row.map(|row| row.mark.clone()))
            data-own=move || own.get().then_some("")
            data-health=move || health.get().mark()
        >
            <span class="of-host" role="gridcell">
                {dynamic(of_host)}
            </span>
            <span class="health" role="gridcell" title=part(row, |row| row.map(|row| row.rule.clone()))>
                {dynamic(move || health_glyph(health.get()))}
            </span>
            <span
                class="machine"
                role="gridcell"
                class:hearsay=hearsay
                style:padding-left=indent
                title=move || words::provenance(!hearsay.get())
            >
                {dynamic(shown)}
            </span>
            <span class="active-states" role="gridcell">
                {dynamic(move || states.with(|it| it.as_ref().map(|(states, more)| state_words(states, *more))))}
            </span>
            <span class="ticks num" role="gridcell">
                {part(row, |row| row.map(|row| grouped(row.time)))}
            </span>
            <span class="rate num" role="gridcell">
                {rate}
            </span>
            <span class="changed num" role="gridcell">
                {dynamic(age)}
            </span>
            <span class="lanes" role="presentation">
                {lane_of(store, lane, list.look)}
            </span>
        </a>
    }
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

/// One part of a row, which repaints only when it changes.
fn part<T: PartialEq + Send + Sync + 'static>(
    row: Facts,
    read: fn(Option<&FleetRow>) -> T,
) -> Memo<T> {
    Memo::new(move |_| look(row, read))
}

/// The same for what is computed further.
fn value<T: PartialEq + Send + Sync + 'static>(
    row: Facts,
    read: fn(Option<&FleetRow>) -> T,
) -> Derived<T> {
    Derived::new(move || look(row, read))
}

fn look<T>(row: Facts, read: fn(Option<&FleetRow>) -> T) -> T {
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
