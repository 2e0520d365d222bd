//! How a picture lies in its frame, and what moves it: mouse, wheel, fingers and keys. What is in the picture is the
//! business of whoever has it.

use crate::ui::prelude::*;
use leptos::ev::{KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use leptos::html::Div;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement};

use crate::model::{Viewport, fixed};

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Lens {
    /// The element around the picture.
    pub frame: NodeRef<Div>,
    /// How the picture lies.
    pub view: RwSignal<Viewport>,
    /// Somebody moved it: it is left where it is.
    pub touched: RwSignal<bool>,
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
    /// It is down here, and has not moved yet.
    Held((f64, f64)),
    /// It moves something.
    Moving,
}

/// One pointer moved.
#[derive(Clone, Copy)]
pub struct Drag {
    /// Where it is in the frame.
    pub at: (f64, f64),
    /// By so much.
    pub by: (f64, f64),
}

impl Lens {
    /// At rest.
    pub fn new() -> Self {
        Self {
            frame: NodeRef::new(),
            view: RwSignal::new(Viewport::default()),
            touched: RwSignal::new(false),
            pointers: StoredValue::new(Vec::new()),
            dragged: StoredValue::new(Dragged::Nothing),
        }
    }

    /// As the picture lies, for its style.
    pub fn transform(self) -> String {
        let Viewport { x, y, scale } = self.view.get();
        let [x, y, scale] = [x, y, scale].map(fixed);
        format!("translate({x}px,{y}px) scale({scale})")
    }

    /// Shows all of it.
    pub fn fit(self, bounds: (i32, i32, i32, i32)) {
        let size = self.size();
        if size.0 > 0.0 {
            self.view.set(Viewport::fit(bounds, size));
        }
    }

    /// Moves it.
    pub fn turn(self, turn: impl FnOnce(Viewport) -> Viewport) {
        self.touched.set(true);
        self.view.update(|view| *view = turn(*view));
    }

    /// Larger or smaller, around the middle.
    pub fn zoom(self, by: f64) {
        let (width, height) = self.size();
        self.turn(|view| view.zoom((width / 2.0, height / 2.0), by));
    }

    /// Width and height of the frame.
    pub fn size(self) -> (f64, f64) {
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

    /// The wheel zooms at the pointer.
    pub fn wheel(self, event: &WheelEvent) {
        event.prevent_default();
        let at = self.place(event.client_x(), event.client_y());
        // Lines are about as high as so many pixels.
        let pixels = event.delta_y() * if event.delta_mode() == 0 { 1.0 } else { 16.0 };
        // About the 400th root of two for each pixel, and as much in as out.
        let by = 1.0 + pixels.abs().min(200.0) * 0.002;
        self.turn(|view| view.zoom(at, if pixels < 0.0 { by } else { 1.0 / by }));
    }

    /// A pointer goes down. True: it is alone, and may take hold of something.
    pub fn press(self, event: &PointerEvent) -> bool {
        if event.button() != 0 || closest(event.target(), ".graph-tools").is_some() {
            return false;
        }
        let at = self.place(event.client_x(), event.client_y());
        let id = event.pointer_id();
        let count = self.pointers.try_update_value(|pointers| {
            pointers.retain(|pointer| pointer.id != id);
            pointers.push(Pointer { id, at });
            pointers.len()
        });
        let is_alone = count == Some(1);
        self.dragged.set_value(if is_alone {
            Dragged::Held(at)
        } else {
            Dragged::Moving
        });
        is_alone
    }

    /// A pointer moves. Two of them zoom; what one of them does is up to who asks.
    pub fn drag(self, event: &PointerEvent) -> Option<Drag> {
        let at = self.place(event.client_x(), event.client_y());
        let id = event.pointer_id();
        let moved = self.pointers.try_update_value(|pointers| {
            let this = pointers.iter_mut().find(|pointer| pointer.id == id)?;
            let before = std::mem::replace(&mut this.at, at);
            let other = pointers.iter().find(|pointer| pointer.id != id);
            Some((before, other.map(|pointer| pointer.at)))
        });
        let (before, other) = moved.flatten()?;
        let by = (at.0 - before.0, at.1 - before.1);
        if let Some(other) = other {
            let far = |from: (f64, f64)| distance(from, other).max(1.0);
            let middle = ((at.0 + other.0) / 2.0, (at.1 + other.1) / 2.0);
            let half = (by.0 / 2.0, by.1 / 2.0);
            self.turn(|view| view.pan(half).zoom(middle, far(at) / far(before)));
            return None;
        }
        match self.dragged.get_value() {
            Dragged::Held(from) if distance(at, from) > SLACK => {
                // Without it a drag ends where the pointer leaves.
                if let Some(frame) = self.frame.get_untracked() {
                    let _ = frame.set_pointer_capture(id);
                }
                self.dragged.set_value(Dragged::Moving);
                let by = (at.0 - from.0, at.1 - from.1);
                Some(Drag { at, by })
            }
            Dragged::Moving => Some(Drag { at, by }),
            Dragged::Held(_) | Dragged::Nothing => None,
        }
    }

    /// A pointer goes up.
    pub fn release(self, event: &PointerEvent) {
        self.pointers.update_value(|pointers| {
            pointers.retain(|pointer| pointer.id != event.pointer_id());
        });
        if let Dragged::Held(_) = self.dragged.get_value() {
            self.dragged.set_value(Dragged::Nothing);
        }
    }

    /// What ends a drag is no click.
    pub fn click(self, event: &MouseEvent) {
        if self.dragged.get_value() == Dragged::Moving && event.detail() > 0 {
            event.prevent_default();
        }
        self.dragged.set_value(Dragged::Nothing);
    }

    /// Keys that move the picture; true: it was one. Where arrows move something else they are taken before.
    pub fn key(self, event: &KeyboardEvent) -> bool {
        let (x, y) = match event.key().as_str() {
            "+" | "=" => {
                self.zoom(STEP);
                return true;
            }
            "-" => {
                self.zoom(1.0 / STEP);
                return true;
            }
            key => match direction(key) {
                Some((right, down)) => (f64::from(-right), f64::from(-down)),
                None => return false,
            },
        };
        self.turn(|view| view.pan((x * PAN, y * PAN)));
        true
    }

    /// A place of the picture comes into view.
    pub fn reveal(self, at: (i32, i32)) {
        let view = self.view.get_untracked();
        let size = self.size();
        if !view.shows(at, size) {
            let x = size.0 / 2.0 - view.x - f64::from(at.0) * view.scale;
            let y = size.1 / 2.0 - view.y - f64::from(at.1) * view.scale;
            self.turn(|view| view.pan((x, y)));
        }
    }

    /// Gives the focus to the first element in the picture that this selects.
    pub fn focus(self, selector: &str) {
        if let Some(frame) = self.frame.get_untracked() {
            focus_in(&frame, selector);
        }
    }
}

/// Gives the focus to the first element inside another that this selects.
pub fn focus_in(frame: &Element, selector: &str) {
    if let Ok(Some(element)) = frame.query_selector(selector) {
        // What is drawn takes the focus like any other element. It is on screen.
        let _ = element.unchecked_ref::<HtmlElement>().focus();
    }
}

/// Buttons that zoom.
pub fn zoom_buttons(lens: Lens) -> impl IntoView {
    view! {
        <button class="button small square" type="button" aria-label="Zoom out" title="Zoom out (−)" on:click=move |_| lens.zoom(1.0 / STEP)>"−"</button>
        <button class="button small square" type="button" aria-label="Zoom in" title="Zoom in (+)" on:click=move |_| lens.zoom(STEP)>"+"</button>
    }
}

/// To the right and down, by an arrow key.
pub fn direction(key: &str) -> Option<(i32, i32)> {
    Some(match key {
        "ArrowRight" => (1, 0),
        "ArrowLeft" => (-1, 0),
        "ArrowDown" => (0, 1),
        "ArrowUp" => (0, -1),
        _ => return None,
    })
}

/// The nearest element around the target of an event.
pub fn closest(target: Option<EventTarget>, selector: &str) -> Option<Element> {
    let element = target?.dyn_into::<Element>().ok()?;
    element.closest(selector).ok()?
}

fn distance(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (x, y) = (one.0 - other.0, one.1 - other.1);
    (x * x + y * y).sqrt()
}

/// A pointer that moves less is a click, in pixels.
const SLACK: f64 = 5.0;
/// One step of panning, in pixels.
const PAN: f64 = 60.0;
/// One step of zooming.
const STEP: f64 = 1.25;
