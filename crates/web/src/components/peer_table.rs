//! Everybody known, a line each. On a phone the lines are cards.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::PeerId;

use super::dynamic::{RowKey, dynamic, rows};
use super::{health_glyph, name};
use crate::derived::Derived;
use crate::model::{Health, NodeKind, PeerColumn, PeerLine, age_text};
use crate::store::Store;
use crate::words;

/// The table.
#[component]
pub fn PeerTable() -> impl IntoView {
    let store = expect_context::<Store>();
    let all = RwSignal::new(false);
    let ids = Derived::new(move || {
        store.peers.with(|screen| {
            let most = if all.get() { usize::MAX } else { FEW };
            let lines = screen.lines.iter().take(most);
            lines.map(|line| line.peer).collect::<Vec<PeerId>>()
        })
    });
    let hidden = Memo::new(move |_| {
        let count = store.peers.with(|screen| screen.lines.len());
        (!all.get() && count > FEW).then_some(count)
    });
    let more = move || {
        hidden.get().map(|count| {
            view! {
                <button class="link" type="button" on:click=move |_| all.set(true)>
                    {format!("Show all {count}")}
                </button>
            }
        })
    };
    view! {
        <table
            class="peer-table"
            on:pointerenter=move |_| store.hold_peers(true)
            on:pointerleave=move |_| store.hold_peers(false)
            on:focusin=move |_| store.hold_peers(true)
            on:focusout=move |_| store.hold_peers(false)
        >
            <caption class="vh">"Everyone known"</caption>
            <thead>
                <tr>{COLUMNS.map(|column| head(store, column)).collect_view()}</tr>
            </thead>
            <tbody>
                {rows(move || ids.get(), |peer| RowKey::Peer(*peer), move |peer| row(store, peer))}
            </tbody>
        </table>
        {dynamic(more)}
    }
}

type Column = (&'static str, Option<PeerColumn>, bool);

const COLUMNS: [Column; 12] = [
    ("Peer", Some(PeerColumn::Name), false),
    ("Id", None, false),
    ("Role", Some(PeerColumn::Role), false),
    ("Known", None, false),
    ("Transport", None, false),
    ("Hops", Some(PeerColumn::Hops), true),
    ("Round trip", Some(PeerColumn::Rtt), true),
    ("Clock offset", Some(PeerColumn::Ahead), true),
    ("Heard", Some(PeerColumn::Heard), true),
    ("Machines", Some(PeerColumn::Machines), true),
    ("Messages/s", Some(PeerColumn::Rate), true),
    ("Refused", Some(PeerColumn::Refused), true),
];

fn head(store: Store, (word, column, is_number): Column) -> AnyView {
    let sorted = move || {
        let order = store.peers.with(|screen| screen.order);
        let is_its = Some(order.column) == column;
        is_its.then_some(if order.reversed {
            "descending"
        } else {
            "ascending"
        })
    };
    let label = match column {
        Some(column) => view! {
            <button class="sort" type="button" on:click=move |_| store.order_peers(column)>
                {word}
            </button>
        }
        .into_any(),
        None => word.into_any(),
    };
    view! {
        <th scope="col" class:num=is_number aria-sort=sorted>
            {label}
        </th>
    }
    .into_any()
}

fn row(store: Store, peer: PeerId) -> AnyView {
    let line: Derived<Option<Arc<PeerLine>>> = Derived::new(move || {
        store.peers.with(|screen| {
            let line = screen.lines.iter().find(|line| line.peer == peer);
            line.cloned()
        })
    });
    let gone = move || line.with(|line| line.as_ref().is_some_and(|line| line.left.is_some()));
    let current = move || {
        store.peers.with(|screen| {
            let detail = screen.detail.as_ref();
            (detail.is_some_and(|detail| detail.line.peer == peer)).then_some("true")
        })
    };
    view! {
        <tr data-peer=peer.to_string() class:gone=gone aria-current=current>
            {dynamic(move || line.with(|line| line.as_deref().map(|line| cells(store, line))))}
        </tr>
    }
    .into_any()
}

fn cells(store: Store, line: &PeerLine) -> impl IntoView + use<> {
    let label = match (&line.name, line.kind) {
        (Some(shown), _) => name(shown).into_any(),
        (None, NodeKind::This) => "this tab".into_any(),
        (None, kind) => format!("{} {}", kind.word(), tail(&line.short)).into_any(),
    };
    let software = line.software.as_ref().map(|runs| runs.plain());
    let (heard, late) = (line.heard, line.late);
    let heard = move || {
        heard.map_or("-".to_owned(), |heard| {
            age_text(store.now.get().since(heard))
        })
    };
    let number = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let is_own = line.kind == NodeKind::This;
    let offset = match is_own {
        true => "-".to_owned(),
        false => words::peers::ahead(line.ahead),
    };
    let unknown = !is_own && line.ahead.is_none();
    view! {
        <td class="peer-name" class:hearsay=line.known == "reported">
            {health_glyph(line.health)}
            <a href=format!("/peers#peer={}", line.short)>
                <b>{label}</b>
            </a>
            <span class="vh">{word(line.health)}</span>
        </td>
        <td class="id" title=line.id.clone()>
            {format!("…{}", tail(&line.short))}
        </td>
        <td class="role" title=software>
            {words::peers::role(line)}
        </td>
        <td class="known">{line.known}</td>
        <td class="carrier">{words::peers::carriers(&line.carriers)}</td>
        <td class="num hops">{number(line.hops.map(|hops| hops.to_string()))}</td>
        <td class="num rtt" class:warn=line.slow>
            {number(line.rtt.map(|rtt| format!("{rtt} ms")))}
        </td>
        <td class="num offset" class:dim=unknown>
            {offset}
        </td>
        <td class="num heard" class:warn=late>
            {dynamic(heard)}
        </td>
        <td class="num machines">{line.machines}</td>
        <td class="num rate">{words::peers::rate(line.rate)}</td>
        <td class="num refused-count" class:warn={line.refused > 0}>
            {line.refused}
        </td>
    }
}

fn word(health: Health) -> &'static str {
    words::health(health)
}

/// The last characters of an id, where there is no room for more.
fn tail(short: &str) -> &str {
    short.get(short.len().saturating_sub(8)..).unwrap_or(short)
}

/// Lines in the document before somebody asks for more.
const FEW: usize = 200;
