//! The same as the graph, as tables: who is there, and how they are linked.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::PeerId;
use statemesh::core::collections::sort_by;

use super::dynamic::{RowKey, dynamic, rows};
use super::{health_glyph, name};
use crate::derived::Derived;
use crate::model::{Edge, Node};
use crate::store::Store;
use crate::words;

/// The tables.
#[component]
pub fn MeshTable() -> impl IntoView {
    let store = expect_context::<Store>();
    let peers = Derived::new(move || {
        store.mesh.with(|mesh| {
            let mut nodes: Vec<&Node> = mesh.frame.nodes.iter().map(AsRef::as_ref).collect();
            sort_by(&mut nodes, |a, b| {
                (a.kind, &a.name, a.peer).cmp(&(b.kind, &b.name, b.peer))
            });
            nodes.iter().map(|node| node.peer).collect::<Vec<PeerId>>()
        })
    });
    let links = Derived::new(move || {
        store.mesh.with(|mesh| {
            let edges = mesh.frame.edges.iter();
            edges.map(|edge| edge.link.ends).collect::<Vec<_>>()
        })
    });
    view! {
        <div class="mesh-tables">
            <table>
                <caption>"Peers"</caption>
                <thead>
                    <tr>
                        <th>"Peer"</th>
                        <th>"Role"</th>
                        <th>"Health"</th>
                        <th class="num">"Links"</th>
                        <th class="num">"Hops"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows(
                        move || peers.get(),
                        |peer| RowKey::Peer(*peer),
                        move |peer| peer_row(store, peer),
                    )}
                </tbody>
            </table>
            <table>
                <caption>"Links"</caption>
                <thead>
                    <tr>
                        <th>"Between"</th>
                        <th>"Known"</th>
                        <th>"Transport"</th>
                        <th class="num">"Round trip"</th>
                        <th class="num">"Since"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows(
                        move || links.get(),
                        |(a, b)| RowKey::Link(*a, *b),
                        move |ends| link_row(store, ends),
                    )}
                </tbody>
            </table>
        </div>
    }
}

fn peer_row(store: Store, peer: PeerId) -> AnyView {
    let node: Derived<Option<Arc<Node>>> =
        Derived::new(move || store.mesh.with(|mesh| mesh.frame.node(&peer).cloned()));
    let cells = move || node.with(|node| node.as_deref().map(peer_cells));
    let left = move || node.with(|node| node.as_ref().is_some_and(|node| node.left.is_some()));
    view! {
        <tr data-node=peer.to_string() class:gone=left>
            {dynamic(cells)}
        </tr>
    }
    .into_any()
}

fn peer_cells(node: &Node) -> impl IntoView + use<> {
    let title = match &node.name {
        Some(shown) => name(shown).into_any(),
        None => node.title().into_any(),
    };
    let go = if node.is_go { ", Go" } else { "" };
    let attention = match node.attention {
        0 => String::new(),
        many => format!(", {many} of its machines"),
    };
    let hops = node
        .hops
        .map_or_else(|| "-".to_owned(), |hops| hops.to_string());
    view! {
        <td>
            <a href=format!("/mesh#peer={}", node.short)>
                {title} " " <code>{format!("…{}", node.short)}</code>
            </a>
        </td>
        <td>{node.kind.word()} {go}</td>
        <td>{health_glyph(node.health)} " " {words::health(node.health)} {attention}</td>
        <td class="num">{node.links}</td>
        <td class="num">{hops}</td>
    }
}

fn link_row(store: Store, ends: (PeerId, PeerId)) -> AnyView {
    let edge: Derived<Option<Arc<Edge>>> =
        Derived::new(move || store.mesh.with(|mesh| mesh.frame.edge(&ends).cloned()));
    let class = move || edge.with(|edge| Some(edge.as_ref()?.link.class.mark()));
    let cells = move || edge.with(|edge| edge.as_deref().map(|edge| link_cells(store, edge)));
    let shorts = edge.with_untracked(|edge| edge.as_ref().map(|edge| edge.shorts.clone()));
    let (from, to) = shorts.unwrap_or_default();
    view! {
        <tr class="link-row" data-class=class data-from=from data-to=to>
            {dynamic(cells)}
        </tr>
    }
    .into_any()
}

fn link_cells(store: Store, edge: &Edge) -> impl IntoView + use<> {
    let link = &edge.link;
    let (a, b) = edge.names.clone();
    let rtt = match link.rtt {
        Some(rtt) if link.slow => format!("{rtt} ms, slow"),
        Some(rtt) => format!("{rtt} ms"),
        None => "-".to_owned(),
    };
    let since = match link.closed {
        Some(closed) => format!("closed {}", store.wall.text(closed, 0)),
        None => store.wall.text(link.since, 0),
    };
    view! {
        <td>
            <a href=format!("/mesh#peer={}&link={}", edge.shorts.0, edge.shorts.1)>
                <bdi>{a}</bdi>
                " to "
                <bdi>{b}</bdi>
            </a>
        </td>
        <td>{words::mesh::class(link.class)}</td>
        <td>{words::mesh::carrier(link.carrier)}</td>
        <td class="num">{rtt}</td>
        <td class="num">{since}</td>
    }
}
