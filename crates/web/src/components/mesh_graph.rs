//! The network as a graph: nodes as links to the peers they stand for, edges under them, moved and scaled by mouse, wheel,
//! fingers and keys.

use leptos::ev::{self, FocusEvent, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use leptos::html::Div;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use statemesh::PeerId;
use std::sync::Arc;
use web_sys::{Element, HtmlElement};

use super::dynamic::{RowKey, dynamic, rows};
use super::{health_glyph, name};
use crate::browser;
use crate::derived::Derived;
use crate::model::{Edge, Level, LinkClass, Node, NodeMachine, Viewport, curve, toward};
use crate::store::Store;
use crate::words;

/// How the graph lies, and what moves it.
#[derive(Clone, Copy)]
struct Camera {
    store: Store,
    frame: NodeRef<Div>,
    view: RwSignal<Viewport>,
    /// Somebody moved it: it is left where it is.
    touched: RwSignal<bool>,
    pointers: StoredValue<Vec<Pointer>>,
    dragged: StoredValue<Dragged>,
}

#[derive(Clone, Copy)]
struct Pointer {
    id: i32,
    at: (f64, f64),
}

/// What the first pointer does.
#[derive(Clone, Copy, Default, PartialEq)]
enum Dragged {
    #[default]
    Nothing,
    /// It is down, here and on this node, and has not moved yet.
    Held((f64, f64), Option<PeerId>),
    /// It moves the picture.
    View,
    /// It moves a node.
    Node(PeerId),
}

/// The graph and its tools.
#[component]
pub fn MeshGraph() -> impl IntoView {
    let store = expect_context::<Store>();
    let camera = Camera {
        store,
        frame: NodeRef::new(),
        view: RwSignal::new(Viewport::default()),
        touched: RwSignal::new(false),
        pointers: StoredValue::new(Vec::new()),
        dragged: StoredValue::new(Dragged::Nothing),
    };
    camera.follow();
    let transform = move || {
        let Viewport { x, y, scale } = camera.view.get();
        format!("translate({x:.1}px,{y:.1}px) scale({scale:.3})")
    };
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
            on:wheel=move |event| camera.wheel(&event)
            on:pointerdown=move |event| camera.press(&event)
            on:pointermove=move |event| camera.drag(&event)
            on:pointerup=move |event| camera.release(&event)
            on:pointercancel=move |event| camera.release(&event)
            on:click=move |event| camera.click(&event)
            on:dblclick=move |event| camera.open(&event)
            on:keydown=move |event| camera.key(&event)
            on:focusin=move |event| camera.focused(&event)
            node_ref=camera.frame
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
    let zoom = move |by: f64| {
        let (width, height) = camera.size();
        camera.turn(|view| view.zoom((width / 2.0, height / 2.0), by));
    };
    let outside = Memo::new(move |_| {
        let view = camera.view.get();
        let size = camera.size();
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
        camera.touched.set(false);
        camera.fit();
    };
    view! {
        <div class="graph-tools">
            <span class="label">{dynamic(note)}</span>
            {dynamic(all)}
            <button class="button small square" type="button" aria-label="Zoom out" title="Zoom out (−)" on:click=move |_| zoom(1.0 / STEP)>"−"</button>
            <button class="button small square" type="button" aria-label="Zoom in" title="Zoom in (+)" on:click=move |_| zoom(STEP)>"+"</button>
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

impl Camera {
    /// Shows everything as long as nobody moved anything and all is new.
    fn follow(self) {
        let bounds = Derived::new(move || self.store.mesh.with(|mesh| mesh.frame.bounds()));
        let level = Memo::new(move |_| self.store.mesh.with(|mesh| mesh.frame.level));
        let opened = Derived::new(move || self.store.mesh.with(|mesh| mesh.frame.opened));
        let until = StoredValue::new(None);
        Effect::new(move |before: Option<Option<PeerId>>| {
            let opened = opened.get();
            level.track();
            self.frame.track();
            if bounds.with(Option::is_some) {
                let now = browser::now();
                if before.is_none() || before != Some(opened) {
                    until.set_value(None);
                    self.touched.set(false);
                }
                let began = until.get_value().unwrap_or(now);
                until.set_value(Some(began));
                if !self.touched.get_untracked() && now.since(began) < SETTLES {
                    self.fit();
                }
            }
            opened
        });
        let resized = window_event_listener(ev::resize, move |_| {
            if !self.touched.get_untracked() {
                self.fit();
            }
        });
        on_cleanup(move || resized.remove());
    }

    fn fit(self) {
        let bounds = self.store.mesh.with_untracked(|mesh| mesh.frame.bounds());
        let size = self.size();
        if let Some(bounds) = bounds.filter(|_| size.0 > 0.0) {
            self.view.set(Viewport::fit(bounds, size));
        }
    }

    fn turn(self, turn: impl FnOnce(Viewport) -> Viewport) {
        self.touched.set(true);
        self.view.update(|view| *view = turn(*view));
    }

    fn size(self) -> (f64, f64) {
        let frame = self.frame.get_untracked();
        frame.map_or((0.0, 0.0), |frame| {
            (frame.client_width().into(), frame.client_height().into())
        })
    }

    /// Where in the frame the pointer is.
    fn place(self, x: i32, y: i32) -> (f64, f64) {
        let (mut left, mut top) = (0, 0);
        let mut at: Option<HtmlElement> = self.frame.get_untracked().map(Into::into);
        while let Some(element) = at {
            (left, top) = (left + element.offset_left(), top + element.offset_top());
            at = element.offset_parent().and_then(|up| up.dyn_into().ok());
        }
        (f64::from(x - left), f64::from(y - top))
    }

    fn wheel(self, event: &WheelEvent) {
        event.prevent_default();
        let at = self.place(event.client_x(), event.client_y());
        // Lines are about as high as so many pixels.
        let pixels = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 16.0 };
        self.turn(|view| view.zoom(at, (-pixels.clamp(-200.0, 200.0) / 400.0).exp2()));
    }

    fn press(self, event: &PointerEvent) {
        if event.button() != 0 || closest(event.target(), ".graph-tools").is_some() {
            return;
        }
        let at = self.place(event.client_x(), event.client_y());
        let id = event.pointer_id();
        let count = self.pointers.try_update_value(|pointers| {
            pointers.retain(|pointer| pointer.id != id);
            pointers.push(Pointer { id, at });
            pointers.len()
        });
        let held = match count {
            Some(1) => Dragged::Held(at, node_at(event.target())),
            _ => Dragged::View,
        };
        self.dragged.set_value(held);
    }

    fn drag(self, event: &PointerEvent) {
        let at = self.place(event.client_x(), event.client_y());
        let moved = self.pointers.try_update_value(|pointers| {
            let this = pointers
                .iter_mut()
                .find(|pointer| pointer.id == event.pointer_id())?;
            let before = std::mem::replace(&mut this.at, at);
            let others = pointers
                .iter()
                .filter(|pointer| pointer.id != event.pointer_id());
            Some((before, others.map(|pointer| pointer.at).next()))
        });
        let Some(Some((before, other))) = moved else {
            return;
        };
        let by = (at.0 - before.0, at.1 - before.1);
        if let Some(other) = other {
            let far = |from: (f64, f64)| (from.0 - other.0).hypot(from.1 - other.1).max(1.0);
            let middle = ((at.0 + other.0) / 2.0, (at.1 + other.1) / 2.0);
            let half = (by.0 / 2.0, by.1 / 2.0);
            self.turn(|view| view.pan(half).zoom(middle, far(at) / far(before)));
            return;
        }
        match self.dragged.get_value() {
            Dragged::Held(from, node) if (at.0 - from.0).hypot(at.1 - from.1) > SLACK => {
                // Without it a drag ends where the pointer leaves.
                if let Some(frame) = self.frame.get_untracked() {
                    let _ = frame.set_pointer_capture(event.pointer_id());
                }
                self.dragged
                    .set_value(node.map_or(Dragged::View, Dragged::Node));
                self.drag_by(node, at, (at.0 - from.0, at.1 - from.1));
            }
            Dragged::View => self.drag_by(None, at, by),
            Dragged::Node(peer) => self.drag_by(Some(peer), at, by),
            Dragged::Held(..) | Dragged::Nothing => {}
        }
    }

    fn drag_by(self, node: Option<PeerId>, at: (f64, f64), by: (f64, f64)) {
        let Some(peer) = node else {
            return self.turn(|view| view.pan(by));
        };
        let view = self.view.get_untracked();
        self.touched.set(true);
        let x = ((at.0 - view.x) / view.scale).round();
        let y = ((at.1 - view.y) / view.scale).round();
        self.store.put(peer, (x as i32, y as i32));
    }

    fn release(self, event: &PointerEvent) {
        self.pointers.update_value(|pointers| {
            pointers.retain(|pointer| pointer.id != event.pointer_id());
        });
        if let Dragged::Held(..) = self.dragged.get_value() {
            self.dragged.set_value(Dragged::Nothing);
        }
    }

    /// What ends a drag is no click.
    fn click(self, event: &MouseEvent) {
        let is_drag = matches!(self.dragged.get_value(), Dragged::View | Dragged::Node(_));
        if is_drag && event.detail() > 0 {
            event.prevent_default();
        }
        self.dragged.set_value(Dragged::Nothing);
    }

    /// A relay's peers, when it stands for them.
    fn open(self, event: &MouseEvent) {
        if let Some(peer) = node_at(event.target()).filter(|_| self.is_clusters()) {
            event.prevent_default();
            self.store.open_cluster(Some(peer));
        }
    }

    fn is_clusters(self) -> bool {
        let frame = |level| level == Level::Clusters;
        self.store
            .mesh
            .with_untracked(|mesh| frame(mesh.frame.level))
    }

    fn key(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let (width, height) = self.size();
        let middle = (width / 2.0, height / 2.0);
        let node = node_at(event.target());
        let way = match event.key().as_str() {
            "ArrowRight" => (1, 0),
            "ArrowLeft" => (-1, 0),
            "ArrowDown" => (0, 1),
            "ArrowUp" => (0, -1),
            "+" | "=" => return self.pressed(event, |view| view.zoom(middle, STEP)),
            "-" => return self.pressed(event, |view| view.zoom(middle, 1.0 / STEP)),
            "0" => {
                event.prevent_default();
                return self.fit();
            }
            "Enter" if self.is_clusters() && node.is_some() => {
                event.prevent_default();
                return self.store.open_cluster(node);
            }
            _ => return,
        };
        match node {
            Some(peer) => {
                event.prevent_default();
                self.walk(peer, way);
            }
            None => self.pressed(event, |view| {
                view.pan((f64::from(-way.0) * PAN, f64::from(-way.1) * PAN))
            }),
        }
    }

    fn pressed(self, event: &KeyboardEvent, turn: impl FnOnce(Viewport) -> Viewport) {
        event.prevent_default();
        self.turn(turn);
    }

    /// A node that took the focus is in view.
    fn focused(self, event: &FocusEvent) {
        let node = node_at(event.target());
        let at = self
            .store
            .mesh
            .with_untracked(|mesh| Some(mesh.frame.node(node.as_ref()?)?.at));
        if let Some(at) = at {
            self.reveal(at);
        }
    }

    fn reveal(self, at: (i32, i32)) {
        let view = self.view.get_untracked();
        let size = self.size();
        if !view.shows(at, size) {
            let x = size.0 / 2.0 - view.x - f64::from(at.0) * view.scale;
            let y = size.1 / 2.0 - view.y - f64::from(at.1) * view.scale;
            self.turn(|view| view.pan((x, y)));
        }
    }

    /// Moves the focus to the next node in a direction.
    fn walk(self, from: PeerId, way: (i32, i32)) {
        let next = self.store.mesh.with_untracked(|mesh| {
            let at = mesh.frame.node(&from)?.at;
            let nodes = &mesh.frame.nodes;
            let next = toward(at, way, nodes.iter().map(|node| node.at))?;
            Some((nodes[next].peer, nodes[next].at))
        });
        let Some((peer, at)) = next else {
            return;
        };
        self.reveal(at);
        let selector = format!("[data-node=\"{peer}\"]");
        let node = self.frame.get_untracked();
        let node = node.and_then(|frame| frame.query_selector(&selector).ok().flatten());
        if let Some(node) = node.and_then(|node| node.dyn_into::<HtmlElement>().ok()) {
            // It is on screen, and a link.
            let _ = node.focus();
        }
    }
}

fn closest(target: Option<web_sys::EventTarget>, selector: &str) -> Option<Element> {
    let element = target?.dyn_into::<Element>().ok()?;
    element.closest(selector).ok()?
}

/// The node that an event is about.
fn node_at(target: Option<web_sys::EventTarget>) -> Option<PeerId> {
    let node = closest(target, "[data-node]")?;
    node.get_attribute("data-node")?.parse().ok()
}

/// More links than that are drawn as a few paths.
const SINGLE: usize = 300;
/// More labels than that hide what they are about (guess).
const LABELS: usize = 16;
/// A pointer that moves less is a click, in pixels.
const SLACK: f64 = 5.0;
/// One step of zooming.
const STEP: f64 = 1.25;
/// One step of panning, in pixels.
const PAN: f64 = 60.0;
/// Newcomers of the first moments belong into the picture, in milliseconds (guess).
const SETTLES: u64 = 8_000;
