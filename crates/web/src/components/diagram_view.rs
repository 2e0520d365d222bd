//! The picture itself: relations as one image with a description, states as options that are selected. SVG, so that what is
//! on screen is what is exported.

use std::sync::Arc;

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent, MouseEvent, PointerEvent};
use statemesh::core::engine::Relation;

use super::diagram::Scene;
use super::dynamic::{RowKey, dynamic, rows};
use super::lens::{Lens, closest, direction, zoom_buttons};
use super::state_shape;
use crate::derived::Derived;
use crate::model::diagram::{Card, Line, relation_word};
use crate::model::{Viewport, toward};
use crate::words::{diagram as say, machine};

/// The picture with its tools.
#[component]
pub(super) fn DiagramView(scene: Scene) -> impl IntoView {
    let stage = Stage {
        scene,
        lens: Lens::new(),
    };
    stage.follow();
    let lens = stage.lens;
    let transform = move || {
        let Viewport { x, y, scale } = lens.view.get();
        format!("translate({x:.1} {y:.1}) scale({scale:.3})")
    };
    let label = move || scene.picture.with(|picture| say::label(picture));
    let cards = move || {
        let (key, drawn) = (scene.ui.key.get(), scene.drawn.get());
        scene.picture.with(|picture| {
            let states = picture.cards.iter().map(|card| (key, card.state));
            states.take(drawn).collect::<Vec<_>>()
        })
    };
    view! {
        <div
            class="graph diagram"
            tabindex="0"
            role="group"
            aria-label=say::DIAGRAM
            on:wheel=move |event| lens.wheel(&event)
            on:pointerdown=move |event| {
                lens.press(&event);
            }
            on:pointermove=move |event| stage.drag(&event)
            on:pointerup=move |event| lens.release(&event)
            on:pointercancel=move |event| lens.release(&event)
            on:click=move |event| lens.click(&event)
            on:dblclick=move |event| stage.open(&event)
            on:keydown=move |event| stage.key(&event)
            node_ref=lens.frame
        >
            <svg class="drawing" role="presentation">
                <g transform=transform>
                    <g role="img" aria-label=label>{dynamic(move || lines(scene))}</g>
                    <g role="listbox" aria-label=say::STATES>
                        {rows(
                            cards,
                            |(key, state)| RowKey::Numbered(*key, state.map_or(u64::MAX, |at| at as u64)),
                            move |(_, state)| view! { <Node state stage /> }.into_any(),
                        )}
                    </g>
                </g>
            </svg>
            <div class="graph-tools">
                {zoom_buttons(lens)}
                <button class="button small" type="button" title="Show everything (0)" on:click=move |_| stage.fit()>"Fit"</button>
            </div>
        </div>
        {legend()}
    }
}

#[derive(Clone, Copy)]
struct Stage {
    scene: Scene,
    lens: Lens,
}

impl Stage {
    /// Shows a new picture as a whole, if it can be read then; and the selected state, whoever selected it.
    fn follow(self) {
        let Self { scene, lens } = self;
        let size = Memo::new(move |_| scene.picture.with(|picture| picture.size));
        Effect::new(move |_| {
            let _ = (size.get(), scene.ui.key.get());
            lens.frame.track();
            lens.touched.set(false);
            self.begin();
        });
        Effect::new(move |_| {
            if let Some(state) = scene.ui.selected.get()
                && let Some(at) = self.middle(state)
            {
                lens.reveal(at);
            }
        });
        let resized = window_event_listener(ev::resize, move |_| {
            if !lens.touched.get_untracked() {
                self.begin();
            }
        });
        on_cleanup(move || resized.remove());
    }

    fn fit(self) {
        let (width, height) = self.scene.picture.with_untracked(|picture| picture.size);
        self.lens.fit((0, 0, width, height));
    }

    /// All of it, but never smaller than letters that are read; then what is selected, else where it begins.
    fn begin(self) {
        self.fit();
        let Viewport { scale, .. } = self.lens.view.get_untracked();
        if scale >= READABLE || self.lens.size().0 == 0.0 {
            return;
        }
        let (width, height) = self.lens.size();
        let size = self.scene.picture.with_untracked(|picture| picture.size);
        let room = |size: i32, frame: f64| ((frame - f64::from(size) * READABLE) / 2.0).max(EDGE);
        self.lens.view.set(Viewport {
            x: room(size.0, width),
            y: room(size.1, height),
            scale: READABLE,
        });
        if let Some(at) = self
            .scene
            .ui
            .selected
            .get_untracked()
            .and_then(|it| self.middle(it))
        {
            self.lens.reveal(at);
        }
        self.lens.touched.set(false);
    }

    fn middle(self, state: usize) -> Option<(i32, i32)> {
        self.scene.picture.with_untracked(|picture| {
            let card = picture
                .cards
                .iter()
                .find(|card| card.state == Some(state))?;
            Some(middle(card))
        })
    }

    fn drag(self, event: &PointerEvent) {
        if let Some(drag) = self.lens.drag(event) {
            self.lens.turn(|view| view.pan(drag.by));
        }
    }

    fn open(self, event: &MouseEvent) {
        if let Some(state) = state_at(event.target()) {
            self.scene.zoom(state);
        }
    }

    fn key(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() {
            return;
        }
        let key = event.key();
        match (state_at(event.target()), direction(&key)) {
            (Some(state), Some(way)) => self.walk(state, way),
            (Some(state), None) if key == "Enter" => self.scene.zoom(state),
            _ if key == "0" => self.fit(),
            _ if self.lens.key(event) => {}
            _ => return,
        }
        event.prevent_default();
    }

    /// Moves the focus to the next state in a direction.
    fn walk(self, from: usize, way: (i32, i32)) {
        let next = self.scene.picture.with_untracked(|picture| {
            let cards = || picture.cards.iter().filter(|card| card.state.is_some());
            let at = cards().find(|card| card.state == Some(from)).map(middle)?;
            let next = toward(at, way, cards().map(middle))?;
            cards().nth(next)?.state
        });
        if let Some(state) = next {
            self.lens.focus(&format!("[data-card=\"{state}\"]"));
        }
    }
}

fn middle(card: &Card) -> (i32, i32) {
    let (x, y, w, h) = card.at;
    (x + w / 2, y + h / 2)
}

fn state_at(target: Option<web_sys::EventTarget>) -> Option<usize> {
    closest(target, "[data-card]")?
        .get_attribute("data-card")?
        .parse()
        .ok()
}

fn lines(scene: Scene) -> AnyView {
    let drawn = scene.drawn.get();
    scene.picture.with(|picture| {
        let lives = picture
            .cards
            .iter()
            .filter(|_| picture.is_sequence)
            .map(|card| {
                let (x, y, w, h) = card.at;
                let path = format!("M{} {}V{}", x + w / 2, y + h, picture.size.1);
                view! { <path class="life" d=path /> }
            });
        // A large picture comes in pieces.
        let lines = picture
            .lines
            .iter()
            .filter(|line| line.from.max(line.to) < drawn || picture.is_sequence);
        view! {
            {lives.collect_view()}
            {lines.map(line).collect_view()}
        }
        .into_any()
    })
}

fn line(line: &Line) -> impl IntoView + use<> {
    let label = line.label.map(|(x, y)| {
        let word = line.word.clone();
        view! { <text x=x y=y>{word}</text> }
    });
    view! {
        <g
            class="relates"
            class:dim=line.dim
            data-kind=line.kind.map(relation_word)
            data-word=line.word.clone()
            data-from=line.from
            data-to=line.to
        >
            <path class="way" d=line.line.clone() />
            <path class="head" d=line.head.clone() />
            {label}
        </g>
    }
}

#[component]
fn Node(state: Option<usize>, stage: Stage) -> impl IntoView {
    let Scene { ui, picture, .. } = stage.scene;
    let card = Derived::new(move || {
        picture.with(|picture| {
            let mut cards = picture.cards.iter();
            cards
                .find(|card| card.state == state)
                .cloned()
                .map(Arc::new)
        })
    });
    let is = move |read: fn(&Card) -> bool| {
        Memo::new(move |_| card.with(|card| card.as_ref().is_some_and(|card| read(card))))
    };
    let label = spoken(stage.scene, state, card);
    let is_selected = Memo::new(move |_| state.is_some() && ui.selected.get() == state);
    let is_first = Memo::new(move |_| {
        picture.with(|picture| {
            let has = |state: Option<usize>| picture.cards.iter().any(|card| card.state == state);
            let selected = ui.selected.get().filter(|state| has(Some(*state)));
            let first = picture.cards.iter().find_map(|card| card.state);
            selected.or(first) == state
        })
    });
    let select = move |_| {
        if state.is_some() {
            ui.selected.set(state);
        }
    };
    let place = move || {
        let at = card.with(|card| card.as_ref().map(|card| card.at).unwrap_or_default());
        format!("translate({} {})", at.0, at.1)
    };
    let inside = move || card.get().map(|card| inside(&card));
    view! {
        <g
            class="card"
            class:on=is(|card| card.active)
            class:multi=is(|card| card.multi)
            class:error=is(|card| card.active && card.error)
            class:changed=is(|card| card.changed)
            class:called=is(|card| card.called)
            class:dim=is(|card| card.dim)
            role="option"
            aria-selected=move || is_selected.get().to_string()
            aria-label=label
            tabindex=move || if state.is_some() && is_first.get() { "0" } else { "-1" }
            transform=place
            data-card=state.map(|state| state.to_string())
            on:focus=select
        >
            {dynamic(inside)}
        </g>
    }
}

/// A state of the picture as it is spoken.
fn spoken(
    Scene { ui, states, .. }: Scene,
    state: Option<usize>,
    card: Derived<Option<Arc<Card>>>,
) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let marks = ui
            .change
            .with(|change| machine::marks(change.as_ref(), state.unwrap_or(usize::MAX)));
        card.with(|card| {
            let card = card.as_ref()?;
            let row = states.with(|states| {
                let row = states.get(state?)?;
                Some(say::card(row, &marks, &card.detail))
            });
            row.or_else(|| Some(card.full.clone()))
        })
    })
}

fn inside(card: &Card) -> AnyView {
    let (_, _, w, h) = card.at;
    let middle = if card.detail.is_empty() { h / 2 } else { 14 };
    let glyph = card.state.map(|_| {
        let (shape, class) = state_shape(card.active, card.multi, card.error);
        view! { <use href=shape class=class x="8" y=middle - 6 width="12" height="12" /> }
    });
    let detail = (!card.detail.is_empty()).then(|| {
        let text = card.detail.clone();
        view! { <text class="detail" y=middle + 18>{text}</text> }
    });
    let (full, name) = (card.full.clone(), card.name.clone());
    // What is inside the inner drawing ends at its border, however wide its letters are.
    view! {
        <title>{full}</title>
        <rect width=w height=h rx="5" />
        {glyph}
        <svg x="26" width=w - 30 height=h aria-hidden="true">
            <text y=middle + 4>{name}</text>
            {detail}
        </svg>
    }
    .into_any()
}

/// How relations look.
fn legend() -> impl IntoView {
    let entry = |kind: Relation| {
        let word = relation_word(kind);
        view! {
            <li>
                <svg viewBox="0 0 28 8" class="relates" data-kind=word aria-hidden="true">
                    <path class="way" d="M0 4h20" />
                    <path class="head" d="M28 4l-8-4v8z" />
                </svg>
                {word}
            </li>
        }
    };
    view! { <ul class="legend" aria-label="Relations">{say::LEGEND.map(entry).collect_view()}</ul> }
}

/// The smallest scale at which names are read.
const READABLE: f64 = 0.75;
/// Around a picture that is larger than its frame, in pixels.
const EDGE: f64 = 16.0;
