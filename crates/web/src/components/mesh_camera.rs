//! How the graph of the Mesh page lies in its frame, and what moves it: mouse, wheel, fingers and keys.

use crate::ui::prelude::*;
use leptos::ev::{self, FocusEvent, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use leptos::html::Div;
use leptos::wasm_bindgen::JsCast;
use statemesh::PeerId;
use web_sys::{Element, HtmlElement};

use crate::browser;
use crate::derived::Derived;
use crate::model::{Level, Viewport, toward};
use crate::store::Store;

/// How the graph lies, and what moves it.
#[derive(Clone, Copy)]
pub(super) struct Camera {
    pub(super) store: Store,
    pub(super) frame: NodeRef<Div>,
    pub(super) view: RwSignal<Viewport>,
    /// Somebody moved it: it is left where it is.
    pub(super) touched: RwSignal<bool>,
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

impl Camera {
    /// At rest.
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            frame: NodeRef::new(),
            view: RwSignal::new(Viewport::default()),
            touched: RwSignal::new(false),
            pointers: StoredValue::new(Vec::new()),
            dragged: StoredValue::new(Dragged::Nothing),
        }
    }

    /// Shows everything as long as nobody moved anything and all is new.
    pub(super) fn follow(self) {
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

    pub(super) fn fit(self) {
        let bounds = self.store.mesh.with_untracked(|mesh| mesh.frame.bounds());
        let size = self.size();
        if let Some(bounds) = bounds.filter(|_| size.0 > 0.0) {
            self.view.set(Viewport::fit(bounds, size));
        }
    }

    pub(super) fn turn(self, turn: impl FnOnce(Viewport) -> Viewport) {
        self.touched.set(true);
        self.view.update(|view| *view = turn(*view));
    }

    pub(super) fn size(self) -> (f64, f64) {
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

    pub(super) fn wheel(self, event: &WheelEvent) {
        event.prevent_default();
        let at = self.place(event.client_x(), event.client_y());
        // Lines are about as high as so many pixels.
        let pixels = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 16.0 };
        // About the 400th root of two for each pixel, and as much in as out.
        let by = 1.0 + pixels.abs().min(200.0) * 0.002;
        self.turn(|view| view.zoom(at, if pixels < 0.0 { by } else { 1.0 / by }));
    }

    pub(super) fn press(self, event: &PointerEvent) {
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

    pub(super) fn drag(self, event: &PointerEvent) {
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
            let far = |from: (f64, f64)| distance(from, other).max(1.0);
            let middle = ((at.0 + other.0) / 2.0, (at.1 + other.1) / 2.0);
            let half = (by.0 / 2.0, by.1 / 2.0);
            self.turn(|view| view.pan(half).zoom(middle, far(at) / far(before)));
            return;
        }
        match self.dragged.get_value() {
            Dragged::Held(from, node) if distance(at, from) > SLACK => {
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

    pub(super) fn release(self, event: &PointerEvent) {
        self.pointers.update_value(|pointers| {
            pointers.retain(|pointer| pointer.id != event.pointer_id());
        });
        if let Dragged::Held(..) = self.dragged.get_value() {
            self.dragged.set_value(Dragged::Nothing);
        }
    }

    /// What ends a drag is no click.
    pub(super) fn click(self, event: &MouseEvent) {
        let is_drag = matches!(self.dragged.get_value(), Dragged::View | Dragged::Node(_));
        if is_drag && event.detail() > 0 {
            event.prevent_default();
        }
        self.dragged.set_value(Dragged::Nothing);
    }

    /// A relay's peers, when it stands for them.
    pub(super) fn open(self, event: &MouseEvent) {
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

    pub(super) fn key(self, event: &KeyboardEvent) {
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
    pub(super) fn focused(self, event: &FocusEvent) {
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

fn distance(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (x, y) = (one.0 - other.0, one.1 - other.1);
    (x * x + y * y).sqrt()
}

/// A pointer that moves less is a click, in pixels.
const SLACK: f64 = 5.0;
/// One step of panning, in pixels.
const PAN: f64 = 60.0;
/// Newcomers of the first moments belong into the picture, in milliseconds (guess).
const SETTLES: u64 = 8_000;
/// One step of zooming.
pub(super) const STEP: f64 = 1.25;
