//! Peers: this tab, its connection, and everyone known.

use leptos::prelude::*;

use crate::components::{CopyButton, RowKey, SampleSwitch, dynamic, health_glyph, name, rows};
use crate::derived::Derived;
use crate::model::{Health, LinkFacts, PeerRole, PeerRow, Shown, age_text};
use crate::store::Store;
use crate::words;

/// `/peers`.
#[component]
pub fn PeersPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let ids = Derived::new(move || {
        store
            .peers
            .with(|rows| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>())
    });
    let count = move || {
        store.peers.with(|rows| {
            let heard = rows
                .iter()
                .filter(|row| row.first_hand && row.role != PeerRole::This);
            format!("{} peers, {} heard first hand", rows.len(), heard.count())
        })
    };
    view! {
        <div class="peers-page">
            <div class="own">
                <ThisTab />
                <TheConnection />
            </div>
            <div class="column-head">
                <h2>"Everyone known"</h2>
                <span class="grow"></span>
                <span class="label">{dynamic(count)}</span>
            </div>
            <table>
                <thead>
                    <tr>
                        <th>"Peer"</th>
                        <th>"Id"</th>
                        <th>"Role"</th>
                        <th>"Known"</th>
                        <th>"Transport"</th>
                        <th class="num">"Round trip"</th>
                        <th class="num">"Heard"</th>
                        <th class="num">"Machines"</th>
                        <th class="num">"Refused"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows(
                        move || ids.get(),
                        |id| RowKey::Name(id.clone()),
                        |id| view! { <Row id /> }.into_any(),
                    )}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn ThisTab() -> impl IntoView {
    let store = expect_context::<Store>();
    let own = Memo::new(move |_| {
        store.peers.with(|rows| {
            let own = rows.iter().find(|row| row.role == PeerRole::This)?;
            Some(own.id.clone())
        })
    });
    let id = move || match own.get() {
        Some(id) => view! {
            <code>{id.clone()}</code>
            <CopyButton text=id label="Copy peer id" />
        }
        .into_any(),
        None => "none yet".into_any(),
    };
    view! {
        <section>
            <h2>"This tab"</h2>
            <dl>
                <dt>"Peer id"</dt>
                <dd>{dynamic(id)}</dd>
                <dt>"Mesh"</dt>
                <dd>{dynamic(move || store.topic.get().map(|topic| name(&Shown::new(&topic))))}</dd>
                <dt>"Shares"</dt>
                <dd>"no machine"</dd>
            </dl>
            <SampleSwitch />
        </section>
    }
}

#[component]
fn TheConnection() -> impl IntoView {
    let store = expect_context::<Store>();
    let links = Derived::new(move || {
        store.peers.with(|rows| {
            rows.iter()
                .filter_map(|row| row.link.clone())
                .collect::<Vec<_>>()
        })
    });
    let state = move || {
        let now = store.clock.get();
        store.connection.with(|connection| {
            let word = words::pill(connection.mark(now));
            format!("{word} for {}", age_text(now.since(connection.since)))
        })
    };
    view! {
        <section>
            <h2>"Connection"</h2>
            <dl>
                <dt>"Relay"</dt>
                <dd>{dynamic(move || store.connection.with(|connection| name(&Shown::new(&connection.relay))))}</dd>
                <dt>"State"</dt>
                <dd>{dynamic(state)}</dd>
                {dynamic(move || links.get().iter().map(link).collect_view())}
            </dl>
        </section>
    }
}

fn link(link: &LinkFacts) -> impl IntoView + use<> {
    let rtt = link
        .rtt
        .map_or("not measured yet".to_owned(), |rtt| format!("{rtt} ms"));
    let software = link.software.as_ref().map(|software| {
        view! {
            <dt>"Software"</dt>
            <dd>{name(&Shown::new(software))}</dd>
        }
    });
    view! {
        <dt>"Transport"</dt>
        <dd>{link.carrier.word()}</dd>
        <dt>"Address"</dt>
        <dd><bdi>{Shown::new(&link.address).plain()}</bdi></dd>
        <dt>"Round trip"</dt>
        <dd>{rtt}</dd>
        {software}
    }
}

#[component]
fn Row(id: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let of = id.clone();
    let row = Derived::new(move || {
        store
            .peers
            .with(|rows| rows.iter().find(|row| row.id == of).cloned())
    });
    let gone = move || row.with(|row| row.as_ref().is_some_and(|row| row.gone));
    view! {
        <tr data-peer=id class:gone=gone>
            {dynamic(move || row.get().map(|row| cells(store, &row)))}
        </tr>
    }
}

fn cells(store: Store, row: &PeerRow) -> impl IntoView + use<> {
    let heard = row.heard;
    let role = match row.role {
        PeerRole::Host => "host",
        PeerRole::Relay => "relay",
        PeerRole::Silent => "shares nothing",
        PeerRole::This => "this tab",
    };
    let software = match row.is_statemesh {
        Some(false) => ", Go",
        Some(true) | None => "",
    };
    let known = match (row.role, &row.link, row.first_hand) {
        (PeerRole::This, _, _) => "local",
        (_, Some(_), _) => "measured",
        (_, None, true) => "first hand",
        (_, None, false) => "reported",
    };
    let health = match (row.gone, row.stale) {
        (true, _) => Health::Gone,
        (false, true) => Health::Stale,
        (false, false) => Health::Ok,
    };
    let label = match (&row.name, row.role) {
        (Some(shown), _) => name(shown).into_any(),
        (None, PeerRole::This) => "this tab".into_any(),
        (None, PeerRole::Relay) => "relay".into_any(),
        (None, PeerRole::Host | PeerRole::Silent) => format!("…{}", row.short).into_any(),
    };
    let link = row.link.as_ref();
    let dash = || "-".to_owned();
    let heard = move || heard.map_or_else(dash, |heard| age_text(store.clock.get().since(heard)));
    view! {
        <td>
            {health_glyph(health)}
            <b>{label}</b>
            <span class="vh">{words::health(health)}</span>
        </td>
        <td class="id" title=row.id.clone()>
            {format!("…{}", row.short)}
        </td>
        <td>{role} {software}</td>
        <td>{known}</td>
        <td>{link.map_or("-", |link| link.carrier.word())}</td>
        <td class="num">
            {link.and_then(|link| link.rtt).map_or_else(dash, |rtt| format!("{rtt} ms"))}
        </td>
        <td class="num">{dynamic(heard)}</td>
        <td class="num">{row.machines}</td>
        <td class="num">{row.refused}</td>
    }
}
