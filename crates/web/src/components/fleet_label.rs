//! What stands at the head of machines that stand together: their host, their health, or a value of a tag.

use crate::ui::prelude::*;
use statemesh::PeerId;

use super::dynamic::dynamic;
use super::{health_glyph, name};
use crate::derived::Derived;
use crate::model::{Group, Health, Label, PeerRole, Shown, age_text};
use crate::store::Store;
use crate::words;

/// The label of a section of so many machines; in a grid it is a row of two cells.
pub fn label(store: Store, label: &Label, count: usize, is_row: bool) -> AnyView {
    let (header, cell) = roles(is_row);
    let line = |what: AnyView| {
        view! {
            <span class="host-name" role=header>
                {what}
            </span>
            <span class="host-facts" role=cell>
                {words::machines(count)}
            </span>
        }
        .into_any()
    };
    match label {
        Label::Host(peer) => host(store, *peer, is_row),
        Label::Health(health) => {
            let health = *health;
            line(view! { {health_glyph(health)} " " {words::health(health)} }.into_any())
        }
        Label::Tag(Some(value)) => line(name(value).into_any()),
        Label::Tag(None) => line(words::overview::NO_TAG.into_any()),
        Label::Nothing => ().into_any(),
    }
}

fn roles(is_row: bool) -> (Option<&'static str>, Option<&'static str>) {
    (is_row.then_some("rowheader"), is_row.then_some("gridcell"))
}

fn host(store: Store, peer: PeerId, is_row: bool) -> AnyView {
    let (header, cell) = roles(is_row);
    let Some(group) = store.host(&peer) else {
        return ().into_any();
    };
    let of_title = group.clone();
    let title = Derived::new(move || of_title.with(Title::of));
    view! {
        <span class="host-name" role=header>
            {dynamic(move || title.with(host_title))}
        </span>
        <span class="host-facts" role=cell>
            {dynamic(move || group.with(|group| host_line(store, group)))}
        </span>
    }
    .into_any()
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
