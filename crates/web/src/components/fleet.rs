//! All machines, grouped by host. Each row has its own signal: one tick repaints one row.

use crate::derived::Derived;
use leptos::prelude::*;
use statemesh::PeerId;

use super::dynamic::{RowKey, dynamic, rows};
use super::roving::{Roving, move_focus};
use super::{health_glyph, lane_head, lane_of, name};
use crate::model::{
    FleetRow, Group, Health, MachineKey, PeerRole, Shown, StateWord, WordKind, age_text, grouped,
};
use crate::store::Store;
use crate::words;

/// The list. `filter` hides machines of any other health.
#[component]
pub fn Fleet(filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let first = Derived::new(move || {
        let hosts = store.hosts.get();
        let group = store.host(hosts.first()?)?;
        group.with(|group| group.rows.first().copied())
    });
    provide_context(Roving::new(first));
    view! {
        <section class="fleet" aria-label="All machines">
            <div role="grid" aria-label="Machines by host" on:keydown=move_focus>
                <div class="head" role="row">
                    <span role="columnheader">"Host"</span>
                    <span role="columnheader"></span>
                    <span role="columnheader">"Machine"</span>
                    <span role="columnheader">"Active states"</span>
                    <span class="num" role="columnheader">
                        "Ticks"
                    </span>
                    <span class="num" role="columnheader">
                        "Changed"
                    </span>
                    <span class="lanes" role="columnheader" aria-label="Changes over time">
                        {lane_head(store)}
                    </span>
                </div>
                {rows(
                    move || store.hosts.get(),
                    |peer| RowKey::Peer(*peer),
                    move |peer| view! { <Host peer filter /> }.into_any(),
                )}
            </div>
        </section>
    }
}

#[component]
fn Host(peer: PeerId, filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    store.host(&peer).map(|group| {
        let (of_rows, of_gone, of_title) = (group.clone(), group.clone(), group.clone());
        let machines = Derived::new(move || of_rows.with(|group| group.rows.clone()));
        let title = Derived::new(move || of_title.with(Title::of));
        let gone = move || of_gone.with(|group| group.gone);
        view! {
            <div class="group" role="rowgroup" class:gone=gone>
                <div class="host" role="row">
                    <span class="host-name" role="rowheader">
                        {dynamic(move || title.with(host_title))}
                    </span>
                    <span class="host-facts" role="gridcell">
                        {dynamic(move || group.with(|group| host_line(store, group)))}
                    </span>
                </div>
                <div class="rows" role="presentation">
                    {rows(
                        move || machines.get(),
                        |key| RowKey::Machine(*key),
                        move |key| view! { <Row key filter /> }.into_any(),
                    )}
                </div>
            </div>
        }
    })
}

/// What is set in the place of the host's name: nothing that changes with every tick.
#[derive(Clone, PartialEq, Eq)]
struct Title {
    name: Option<Shown>,
    role: PeerRole,
    short: String,
    lifecycle: Option<Lifecycle>,
}

/// The host's own lifecycle machine.
#[derive(Clone, PartialEq, Eq)]
struct Lifecycle {
    href: String,
    mark: String,
    health: Health,
    own: bool,
}

impl Title {
    fn of(group: &Group) -> Self {
        Self {
            name: group.name.clone(),
            role: group.role,
            short: group.short.clone(),
            lifecycle: group.lifecycle.as_ref().map(|row| Lifecycle {
                href: row.href.clone(),
                mark: row.mark.clone(),
                health: row.health,
                own: row.own,
            }),
        }
    }
}

fn host_title(title: &Title) -> AnyView {
    let label = host_label(title.name.as_ref(), title.role);
    let peer = format!("peer …{}", title.short);
    match &title.lifecycle {
        Some(row) => view! {
            <a
                href=row.href.clone()
                title=format!("{peer}, its own lifecycle: {}", words::health(row.health))
                data-machine=row.mark.clone()
                data-own=row.own.then_some("")
                data-health=row.health.mark()
            >
                {label}
                {(row.health != Health::Ok).then(|| health_glyph(row.health))}
            </a>
        }
        .into_any(),
        None => view! { <span title=peer>{label}</span> }.into_any(),
    }
}

/// The name a host claims, else what it is.
pub fn host_label(host: Option<&Shown>, role: PeerRole) -> AnyView {
    match (host, role) {
        (Some(shown), _) => name(shown).into_any(),
        (None, PeerRole::This) => "this tab".into_any(),
        (None, PeerRole::Relay) => "relay".into_any(),
        (None, PeerRole::Host | PeerRole::Silent) => "peer".into_any(),
    }
}

fn host_line(store: Store, group: &Group) -> impl IntoView + use<> {
    view! {
        {host_absence(store, group)}
        {host_facts(group)}
    }
}

fn host_absence(store: Store, group: &Group) -> AnyView {
    let (gone, silent) = (group.gone, group.silent_since);
    dynamic(move || {
        let text = match (gone, silent) {
            (true, _) => "gone".to_owned(),
            (false, Some(heard)) => {
                format!("silent {}", age_text(store.now.get().since(heard)))
            }
            (false, None) => return None,
        };
        Some(view! { <span class="absent">{text}</span> })
    })
}

fn host_facts(group: &Group) -> impl IntoView + use<> {
    let relay = group.role == PeerRole::Relay && group.name.is_some();
    let link = group.link.as_ref().map(|link| match link.rtt {
        Some(rtt) => format!("{} {rtt} ms", link.carrier.word()),
        None => link.carrier.word().to_owned(),
    });
    let facts = [
        relay.then(|| "relay".to_owned()),
        link,
        group.is_go.then(|| "Go, snapshots".to_owned()),
        Some(format!("…{}", group.short)),
    ];
    facts
        .into_iter()
        .flatten()
        .map(|fact| view! { <span>{fact}</span> })
        .collect_view()
}

/// One machine.
#[component]
fn Row(key: MachineKey, filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let roving = expect_context::<Roving>();
    store.row(&key).map(|row| {
        let fixed = row.get_untracked();
        let health = value(&row, |row| row.health);
        let changed = value(&row, |row| row.changed);
        let states = value(&row, |row| (row.states.clone(), row.more));
        let hearsay = part(&row, |row| row.hearsay);
        let age = move || changed.get().age(store.now.get()).text();
        let hidden = move || filter.get().is_some_and(|wanted| wanted != health.get());
        view! {
            <a
                class="row"
                role="row"
                href=part(&row, |row| row.href.clone())
                aria-label=part(&row, |row| row.label.clone())
                tabindex=move || roving.tabindex(key)
                on:focus=move |_| roving.enter(key)
                data-machine=fixed.mark
                data-own=fixed.own.then_some("")
                data-health=move || health.get().mark()
                hidden=hidden
            >
                <span class="health" role="gridcell" title=part(&row, |row| row.rule.clone())>
                    {dynamic(move || health_glyph(health.get()))}
                </span>
                <span
                    class="machine"
                    role="gridcell"
                    class:hearsay=hearsay
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
