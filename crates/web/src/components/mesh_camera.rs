//! What moves the graph of the Mesh page beside the lens that it is seen through: peers are dragged, opened and walked.

use crate::ui::prelude::*;
use leptos::ev::{self, FocusEvent, KeyboardEvent, MouseEvent, PointerEvent};
use statemesh::PeerId;

use super::lens::{Lens, closest, direction};
use crate::browser;
use crate::derived::Derived;
use crate::model::{Level, toward};
use crate::store::Store;

/// The lens, and the peer that a pointer holds.
#[derive(Clone, Copy)]
pub(super) struct Camera {
    pub(super) store: Store,
    pub(super) lens: Lens,
    held: StoredValue<Option<PeerId>>,
}

impl Camera {
    /// At rest.
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            lens: Lens::new(),
            held: StoredValue::new(None),
        }
    }

    /// Shows everything as long as nobody moved anything and all is new.
    pub(super) fn follow(self) {
        let lens = self.lens;
        let bounds = Derived::new(move || self.store.mesh.with(|mesh| mesh.frame.bounds()));
        let level = Memo::new(move |_| self.store.mesh.with(|mesh| mesh.frame.level));
        let opened = Derived::new(move || self.store.mesh.with(|mesh| mesh.frame.opened));
        let until = StoredValue::new(None);
        Effect::new(move |before: Option<Option<PeerId>>| {
            let opened = opened.get();
            level.track();
            lens.frame.track();
            if bounds.with(Option::is_some) {
                let now = browser::now();
                if before.is_none() || before != Some(opened) {
                    until.set_value(None);
                    lens.touched.set(false);
                }
                let began = until.get_value().unwrap_or(now);
                until.set_value(Some(began));
                if !lens.touched.get_untracked() && now.since(began) < SETTLES {
                    self.fit();
                }
            }
            opened
        });
        let resized = window_event_listener(ev::resize, move |_| {
            if !lens.touched.get_untracked() {
                self.fit();
            }
        });
        on_cleanup(move || resized.remove());
    }

    pub(super) fn fit(self) {
        let bounds = self.store.mesh.with_untracked(|mesh| mesh.frame.bounds());
        if let Some(bounds) = bounds {
            self.lens.fit(bounds);
        }
    }

    pub(super) fn press(self, event: &PointerEvent) {
        let is_alone = self.lens.press(event);
        let held = node_at(event.target()).filter(|_| is_alone);
        self.held.set_value(held);
    }

    pub(super) fn drag(self, event: &PointerEvent) {
        let Some(drag) = self.lens.drag(event) else {
            return;
        };
        let Some(peer) = self.held.get_value() else {
            return self.lens.turn(|view| view.pan(drag.by));
        };
        let view = self.lens.view.get_untracked();
        self.lens.touched.set(true);
        let x = ((drag.at.0 - view.x) / view.scale).round();
        let y = ((drag.at.1 - view.y) / view.scale).round();
        self.store.put(peer, (x as i32, y as i32));
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
        let key = event.key();
        match (node_at(event.target()), direction(&key)) {
            (Some(peer), Some(way)) => self.walk(peer, way),
            (Some(peer), None) if key == "Enter" && self.is_clusters() => {
                self.store.open_cluster(Some(peer));
            }
            _ if key == "0" => self.fit(),
            _ if self.lens.key(event) => {}
            _ => return,
        }
        event.prevent_default();
    }

    /// A node that took the focus is in view.
    pub(super) fn focused(self, event: &FocusEvent) {
        let node = node_at(event.target());
        let at = self
            .store
            .mesh
            .with_untracked(|mesh| Some(mesh.frame.node(node.as_ref()?)?.at));
        if let Some(at) = at {
            self.lens.reveal(at);
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
        if let Some((peer, at)) = next {
            self.lens.reveal(at);
            self.lens.focus(&format!("[data-node=\"{peer}\"]"));
        }
    }
}

/// The node that an event is about.
fn node_at(target: Option<web_sys::EventTarget>) -> Option<PeerId> {
    let node = closest(target, "[data-node]")?;
    node.get_attribute("data-node")?.parse().ok()
}

/// Newcomers of the first moments belong into the picture, in milliseconds (guess).
const SETTLES: u64 = 8_000;
