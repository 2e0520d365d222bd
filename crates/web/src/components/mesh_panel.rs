//! Beside the graph: the peer or link selected, and what happened.

use std::sync::Arc;

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::{CopyButton, health_glyph, name};
use crate::derived::Derived;
use crate::model::{Edge, GraphFrame, Node, NodeKind, Shown, age_text, grouped};
use crate::store::Store;
use crate::store::graph::Happened;
use crate::words;

/// The panel.
#[component]
pub fn MeshPanel() -> impl IntoView {
    let store = expect_context::<Store>();
    let node = Derived::new(move || {
        store
            .mesh
            .with(|mesh| Some(mesh.frame.node(mesh.selected.as_ref()?)?.clone()))
    });
    let link = Derived::new(move || {
        store.mesh.with(|mesh| {
            let ends = (mesh.selected?, mesh.link?);
            let ends = (ends.0.min(ends.1), ends.0.max(ends.1));
            mesh.frame.edge(&ends).cloned()
        })
    });
    let links = Derived::new(move || {
        store.mesh.with(|mesh| match mesh.selected {
            Some(peer) => links_of(&mesh.frame, &peer),
            None => Vec::new(),
        })
    });
    view! {
        <aside class="mesh-panel" aria-label="Selected peer, and what happened">
            {dynamic(move || node.get().map(|node| peer(store, &node)))}
            {dynamic(move || link.get().map(|edge| link_facts(store, &edge)))}
            {dynamic(move || node.get().map(|node| machines(&node)))}
            {dynamic(move || {
                let list = links.get();
                (!list.is_empty()).then(|| link_list(store, node.get(), &list))
            })}
            <Events />
        </aside>
    }
}

fn links_of(frame: &GraphFrame, peer: &statemesh::PeerId) -> Vec<Arc<Edge>> {
    let edges = frame.edges.iter();
    let own = edges.filter(|edge| edge.link.ends.0 == *peer || edge.link.ends.1 == *peer);
    own.cloned().collect()
}

fn peer(store: Store, node: &Node) -> impl IntoView + use<> {
    let title = match &node.name {
        Some(shown) => name(shown).into_any(),
        None => node.title().into_any(),
    };
    let (id, health) = (node.id.clone(), node.health);
    let silent = node.silent_since;
    let heard = move || match silent {
        Some(since) => {
            let age = age_text(store.now.get().since(since));
            format!("{} for {age}", words::health(health))
        }
        None => words::health(health).to_owned(),
    };
    let known = match (node.kind, node.hearsay, node.is_go) {
        (NodeKind::This, ..) => "local",
        (_, true, _) => "reported by others",
        (_, false, true) => "first hand, Go",
        (_, false, false) => "first hand",
    };
    let hops = match node.hops {
        Some(0) => None,
        Some(1) => Some("linked to this tab".to_owned()),
        Some(hops) => Some(format!("{hops} hops")),
        None => Some("no known way".to_owned()),
    };
    let left = node.left.map(|at| fact("Left", store.wall.text(at, 0)));
    view! {
        <section class="facts-of">
            <div class="column-head">
                <h2>{title}</h2>
                <span class="label">{node.kind.word()}</span>
                <span class="grow"></span>
                <a class="button small plain" href="/mesh">
                    "Close"
                </a>
            </div>
            <dl>
                <dt>"Peer id"</dt>
                <dd>
                    <span title=id.clone()>{format!("…{}", node.short)}</span>
                    <CopyButton text=id label="Copy peer id" />
                </dd>
                <dt>"Health"</dt>
                <dd>{health_glyph(health)} " " {dynamic(heard)}</dd>
                {left}
                {fact("Known", known)}
                {hops.map(|hops| fact("Reached by", hops))}
                {node.software.as_ref().map(|runs| fact("Runs", name(runs)))}
            </dl>
        </section>
    }
}

fn fact(term: &'static str, value: impl IntoView) -> impl IntoView {
    view! {
        <dt>{term}</dt>
        <dd>{value}</dd>
    }
}

fn link_facts(store: Store, edge: &Edge) -> impl IntoView + use<> {
    let link = edge.link.clone();
    let (a, b) = &edge.names;
    let rtt = match (link.rtt, link.usual) {
        (Some(rtt), Some(usual)) if link.slow => format!("{rtt} ms, was mostly {usual} ms"),
        (Some(rtt), _) => format!("{rtt} ms"),
        (None, _) => "not measured".to_owned(),
    };
    let (term, at) = match link.closed {
        Some(closed) => ("Closed", closed),
        None => ("Seen open since", link.since),
    };
    view! {
        <section class="facts-of" data-link=link.class.mark()>
            <div class="column-head">
                <h2>
                    <bdi>{Shown::new(a).plain()}</bdi>
                    " to "
                    <bdi>{Shown::new(b).plain()}</bdi>
                </h2>
                <span class="label">"link"</span>
            </div>
            <dl>
                {fact("Known", words::mesh::class_means(link.class))}
                {fact("Transport", words::mesh::carrier(link.carrier))}
                {fact("Round trip", rtt)}
                {fact(term, store.wall.text(at, 0))}
            </dl>
        </section>
    }
}

fn machines(node: &Node) -> Option<AnyView> {
    let rows = node.machines.iter().map(|machine| {
        let health = machine.health;
        view! {
            <li>
                <a class="row" href=machine.href.clone()>
                    {health_glyph(health)}
                    <span class="machine">{name(&machine.name)}</span>
                    <span class="vh">{words::health(health)}</span>
                    <span class="num">{format!("t{}", grouped(machine.time))}</span>
                </a>
            </li>
        }
    });
    let rows = rows.collect_view();
    let all = move || {
        view! {
            <section class="facts-of">
                <div class="column-head">
                    <h2>"Machines"</h2>
                </div>
                <ul>{rows}</ul>
            </section>
        }
        .into_any()
    };
    (!node.machines.is_empty()).then(all)
}

fn link_list(store: Store, node: Option<Arc<Node>>, list: &[Arc<Edge>]) -> impl IntoView + use<> {
    let short = node.map(|node| node.short.clone()).unwrap_or_default();
    let row = |edge: &Arc<Edge>| {
        let is_first = edge.shorts.0 == short;
        let (other, to) = if is_first {
            (&edge.names.1, &edge.shorts.1)
        } else {
            (&edge.names.0, &edge.shorts.0)
        };
        let at = store.now.get();
        let what = words::mesh::edge(edge, |at| store.wall.text(at, 0));
        view! {
            <li>
                <a
                    class="row"
                    href=format!("/mesh#peer={short}&link={to}")
                    data-class=edge.link.class.mark()
                    data-slow=edge.link.slow.then_some("")
                >
                    <bdi>{Shown::new(other).plain()}</bdi>
                    <span class="num">{what}</span>
                    <span class="label">
                        {words::mesh::lasted(edge, at)}
                    </span>
                </a>
            </li>
        }
    };
    let count = list
        .iter()
        .filter(|edge| edge.link.closed.is_none())
        .count();
    view! {
        <section class="facts-of">
            <div class="column-head">
                <h2>"Links"</h2>
                <span class="grow"></span>
                <span class="label">{words::mesh::links(count)}</span>
            </div>
            <ul>{list.iter().map(row).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Events() -> impl IntoView {
    let store = expect_context::<Store>();
    let list = Derived::new(move || store.mesh.with(|mesh| mesh.happened.clone()));
    let about = Memo::new(move |_| store.mesh.with(|mesh| mesh.selected.is_some()));
    let rows = move || {
        list.with(|list| {
            if list.is_empty() {
                let nothing = if about.get() {
                    words::mesh::NOTHING_HERE
                } else {
                    words::mesh::NOTHING
                };
                return view! { <p class="nothing">{nothing}</p> }.into_any();
            }
            let rows = list.iter().map(|event| event_row(store, event));
            view! { <ol>{rows.collect_view()}</ol> }.into_any()
        })
    };
    view! {
        <section class="happened" aria-label="What happened">
            <div class="column-head">
                <h2>"What happened"</h2>
                <span class="grow"></span>
                <span class="label">"newest first"</span>
            </div>
            {dynamic(rows)}
        </section>
    }
}

/// A moment to go to. Those behind the cursor are dim.
fn event_row(store: Store, event: &Happened) -> impl IntoView + use<> {
    let at = event.at;
    let cursor = move || store.dock.with(|dock| dock.at);
    let later = Memo::new(move |_| cursor().is_some_and(|cursor| at > cursor));
    view! {
        <li>
            <button
                class="event"
                class:later=later
                type="button"
                title="Look at that moment"
                data-health=event.mark
                on:click=move |_| store.seek(at)
            >
                <span class="num">{store.wall.text(at, 3)}</span>
                <span class="who">{name(&event.who)}</span>
                <span>{event.what.clone()}</span>
            </button>
        </li>
    }
}
