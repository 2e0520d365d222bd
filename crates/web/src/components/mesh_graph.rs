//! The network as a graph: nodes as links to the peers they stand for, edges under them.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::PeerId;

use super::dynamic::{RowKey, dynamic, rows};
use super::lens::zoom_buttons;
use super::mesh_camera::Camera;
use super::{health_glyph, name};
use crate::derived::Derived;
use crate::model::{Edge, Level, LinkClass, Node, NodeMachine, curve};
use crate::store::Store;
use crate::words;

/// The graph and its tools.
#[component]
pub fn MeshGraph() -> impl IntoView {
    let store = expect_context::<Store>();
    let camera = Camera::new(store);
    camera.follow();
    let lens = camera.lens;
    let transform = move || lens.transform();
    let level = Memo::new(move |_| store.mesh.with(|mesh| mesh.frame.level));
    let peers = Derived::new(move || {
        store.mesh.with(|mesh| {
            let nodes = mesh.frame.nodes.iter();
            nodes.map(|node| node.peer).collect::<Vec<PeerId>>()
        })
    });
    view! {
        <div
            class="graph"
            tabindex="0"
            role="group"
            aria-label=words::mesh::GRAPH
            data-level=move || level.get().mark()
            on:wheel=move |event| lens.wheel(&event)
            on:pointerdown=move |event| camera.press(&event)
            on:pointermove=move |event| camera.drag(&event)
            on:pointerup=move |event| lens.release(&event)
            on:pointercancel=move |event| lens.release(&event)
            on:click=move |event| lens.click(&event)
            on:dblclick=move |event| camera.open(&event)
            on:keydown=move |event| camera.key(&event)
            on:focusin=move |event| camera.focused(&event)
            node_ref=lens.frame
        >
            <div class="graph-layer" style:transform=transform>
                <Edges />
                {rows(
                    move || peers.get(),
                    |peer| RowKey::Peer(*peer),
                    move |peer| view! { <GraphNode peer /> }.into_any(),
                )}
            </div>
            <Tools camera />
        </div>
    }
}

#[component]
fn Tools(camera: Camera) -> impl IntoView {
    let store = camera.store;
    let outside = Memo::new(move |_| {
        let view = camera.lens.view.get();
        let size = camera.lens.size();
        store.mesh.with(|mesh| {
            let nodes = mesh.frame.nodes.iter();
            nodes.filter(|node| !view.shows(node.at, size)).count()
        })
    });
    let note = move || match outside.get() {
        0 => None,
        count => Some(words::mesh::outside(count)),
    };
    let opened = Derived::new(move || store.mesh.with(|mesh| mesh.frame.opened));
    let all = move || {
        opened.get().map(|_| {
            view! {
                <button class="button small" type="button" on:click=move |_| store.open_cluster(None)>
                    "All relays"
                </button>
            }
        })
    };
    let relay = move |_| {
        camera.store.lay_out();
        camera.lens.touched.set(false);
        camera.fit();
    };
    view! {
        <div class="graph-tools">
            <span class="label">{dynamic(note)}</span>
            {dynamic(all)}
            {zoom_buttons(camera.lens)}
            <button class="button small" type="button" title="Show everything (0)" on:click=move |_| camera.fit()>"Fit"</button>
            <button class="button small" type="button" title="Give every peer a new place" on:click=relay>"Lay out"</button>
        </div>
    }
}

#[component]
fn Edges() -> impl IntoView {
    let store = expect_context::<Store>();
    let crowd = Memo::new(move |_| store.mesh.with(|mesh| mesh.frame.edges.len() > SINGLE));
    let links = Derived::new(move || {
        store.mesh.with(|mesh| {
            let edges = mesh.frame.edges.iter().map(|edge| edge.link.ends);
            if crowd.get() {
                Vec::new()
            } else {
                edges.collect()
            }
        })
    });
    let bundles = move || crowd.get().then(|| bundles(store));
    view! {
        <svg class="edges" aria-hidden="true">
            {dynamic(bundles)}
            {rows(
                move || links.get(),
                |(a, b)| RowKey::Link(*a, *b),
                move |ends| edge_path(store, ends),
            )}
        </svg>
        {rows(
            move || labelled(store),
            |(a, b)| RowKey::Link(*a, *b),
            move |ends| edge_label(store, ends),
        )}
    }
}

fn edge_of(store: Store, ends: (PeerId, PeerId)) -> Derived<Option<Arc<Edge>>> {
    Derived::new(move || store.mesh.with(|mesh| mesh.frame.edge(&ends).cloned()))
}

fn edge_path(store: Store, ends: (PeerId, PeerId)) -> AnyView {
    let edge = edge_of(store, ends);
    let level = Memo::new(move |_| store.mesh.with(|mesh| mesh.frame.level));
    let path = Memo::new(move |_| {
        let level = level.get();
        edge.with(|edge| Some(curve(edge.as_ref()?.from, edge.as_ref()?.to, level).path))
    });
    let class = Memo::new(move |_| edge.with(|edge| Some(edge.as_ref()?.link.class.mark())));
    let slow = move || edge.with(|edge| edge.as_ref()?.link.slow.then_some(""));
    let near = move || {
        store
            .mesh
            .with(|mesh| is_near(ends, mesh.selected).then_some(""))
    };
    let marks = edge.with_untracked(|edge| edge.as_ref().map(|edge| edge.shorts.clone()));
    let (from, to) = marks.unwrap_or_default();
    view! {
        <path
            class="edge"
            d=path
            data-class=class
            data-slow=slow
            data-near=near
            data-from=from
            data-to=to
        />
    }
    .into_any()
}

fn is_near(ends: (PeerId, PeerId), selected: Option<PeerId>) -> bool {
    selected.is_some_and(|peer| peer == ends.0 || peer == ends.1)
}

/// Many links as one path for each look.
fn bundles(store: Store) -> impl IntoView {
    let looks = LinkClass::ALL.map(|class| (class, false));
    let looks = looks.into_iter().chain([(LinkClass::Reported, true)]);
    looks
        .map(|(class, slow)| {
            let path = Memo::new(move |_| {
                store.mesh.with(|mesh| {
                    let frame = &mesh.frame;
                    let same = frame.edges.iter().filter(|edge| {
                        edge.link.slow == slow && (slow || edge.link.class == class)
                    });
                    same.map(|edge| curve(edge.from, edge.to, frame.level).path)
                        .collect::<String>()
                })
            });
            view! { <path class="edge" d=path data-class=class.mark() data-slow=slow.then_some("") /> }
        })
        .collect_view()
}

/// Links whose label is shown: all while there are few, else those of the peer selected and of this tab.
fn labelled(store: Store) -> Vec<(PeerId, PeerId)> {
    store.mesh.with(|mesh| {
        let frame = &mesh.frame;
        let all = frame.edges.len() <= LABELS && frame.level == Level::Cards;
        let shown = frame.edges.iter().filter(|edge| {
            let own = edge.link.class == LinkClass::Measured && frame.level <= Level::Names;
            all || own || is_near(edge.link.ends, mesh.selected)
        });
        shown.map(|edge| edge.link.ends).take(SINGLE).collect()
    })
}

fn edge_label(store: Store, ends: (PeerId, PeerId)) -> AnyView {
    let edge = edge_of(store, ends);
    let part = move |read: &dyn Fn(&Edge) -> String| edge.with(|edge| edge.as_deref().map(read));
    let level = Memo::new(move |_| store.mesh.with(|mesh| mesh.frame.level));
    let middle = Derived::new(move || {
        let level = level.get();
        edge.with(|edge| {
            let curve = edge.as_ref().map(|edge| curve(edge.from, edge.to, level));
            curve.map(|curve| curve.middle).unwrap_or_default()
        })
    });
    let time = move |at| store.wall.text(at, 0);
    let label = move || part(&|edge| words::mesh::edge_label(edge, time));
    let href = move || {
        part(&|edge| {
            let (from, to) = &edge.shorts;
            format!("/mesh#peer={from}&link={to}")
        })
    };
    let class = move || edge.with(|edge| Some(edge.as_ref()?.link.class.mark()));
    let slow = move || edge.with(|edge| edge.as_ref()?.link.slow.then_some(""));
    view! {
        <a class="edge-label" tabindex="-1" style:left=move || px(middle.get().0) style:top=move || px(middle.get().1) href=href aria-label=label data-class=class data-slow=slow>
            {dynamic(move || part(&|edge| words::mesh::edge(edge, time)))}
        </a>
    }
    .into_any()
}

#[component]
fn GraphNode(peer: PeerId) -> impl IntoView {
    let store = expect_context::<Store>();
    let node: Derived<Option<Arc<Node>>> =
        Derived::new(move || store.mesh.with(|mesh| mesh.frame.node(&peer).cloned()));
    let level = Memo::new(move |_| store.mesh.with(|mesh| mesh.frame.level));
    let part = move |read: &dyn Fn(&Node) -> String| node.with(|node| node.as_deref().map(read));
    let at = Derived::new(move || {
        node.with(|node| node.as_ref().map(|node| node.at).unwrap_or_default())
    });
    let href = move || part(&|node| format!("/mesh#peer={}", node.short));
    let label = move || part(&words::mesh::node);
    let is_selected = Memo::new(move |_| store.mesh.with(|mesh| mesh.selected == Some(peer)));
    let is_first = Memo::new(move |_| {
        store.mesh.with(|mesh| {
            let first = mesh.frame.nodes.first().map(|node| node.peer);
            mesh.selected.or(first) == Some(peer)
        })
    });
    let inside = move || {
        let level = level.get();
        node.with(|node| node.as_deref().map(|node| content(node, level)))
    };
    view! {
        <a
            class="node"
            style:left=move || px(at.get().0)
            style:top=move || px(at.get().1)
            href=href
            aria-label=label
            aria-current=move || is_selected.get().then_some("true")
            tabindex=move || if is_first.get() { "0" } else { "-1" }
            draggable="false"
            data-node=peer.to_string()
            data-kind=move || part(&|node| node.kind.word().to_owned())
            data-health=move || part(&|node| node.health.mark().to_owned())
            data-left=move || node.with(|node| node.as_ref()?.left.map(|_| ""))
        >
            {dynamic(inside)}
        </a>
    }
}

fn px(length: i32) -> String {
    format!("{length}px")
}

fn content(node: &Node, level: Level) -> AnyView {
    let title = match &node.name {
        Some(shown) => name(shown).into_any(),
        None => node.title().into_any(),
    };
    match level {
        Level::Dots => health_glyph(node.health).into_any(),
        Level::Names => view! {
            {health_glyph(node.health)}
            <b>{title}</b>
        }
        .into_any(),
        Level::Cards | Level::Clusters => {
            let aside = if node.name.is_some() {
                node.kind.word()
            } else {
                ""
            };
            let more = node.machines.len();
            let machines = node.machines.iter().map(machine).collect_view();
            let about = (more == 0).then(|| words::mesh::about(node));
            let glyph = (more == 0).then(|| health_glyph(node.health));
            view! {
                <span class="node-head" class:hearsay=node.hearsay>
                    {glyph}
                    <b>{title}</b>
                    <span class="label">{aside}</span>
                </span>
                {about.map(|about| view! { <span class="node-about">{about}</span> })}
                {machines}
            }
            .into_any()
        }
    }
}

fn machine(machine: &NodeMachine) -> impl IntoView + use<> {
    let health = machine.health;
    let word = if health.needs_attention() {
        words::health(health).to_owned()
    } else {
        words::mesh::rate(machine)
    };
    view! {
        <span class="node-machine" data-health=health.mark()>
            {health_glyph(health)}
            <span class="machine">{name(&machine.name)}</span>
            <span class="num">{word}</span>
        </span>
    }
}

/// More links than that are drawn as a few paths.
const SINGLE: usize = 300;
/// More labels than that hide what they are about (guess).
const LABELS: usize = 16;
