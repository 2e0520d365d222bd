//! Views in the document: built from their shapes, and patched in place.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::{Owner, RenderEffect, document};
use leptos::reactive::graph::untrack;
use leptos::wasm_bindgen::prelude::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlElement, Node, Text, js_sys};

use super::list::List;
use super::value::Value;
use super::{AnyView, Draw, Drawing, Handle, Kind, Slot};

/// A view in the document.
pub(super) enum State {
    /// A comment holds the place.
    Nothing(Node),
    Text(Text, Cow<'static, str>),
    /// Never empty.
    Many(Vec<State>),
    Shape(Shape),
    Dynamic(Follows),
    List(Box<dyn List>),
}

/// A part that follows signals; what it shows ends with it, not with the next turn of the effect.
pub(super) struct Follows(RenderEffect<State>);

impl Drop for Follows {
    fn drop(&mut self) {
        drop(self.0.take_value());
    }
}

/// A drawing in the document.
pub(super) struct Shape {
    shape: &'static str,
    roots: Vec<Root>,
    slots: Vec<Filled>,
}

enum Root {
    Node(Node),
    /// The part in this slot.
    Slot(usize),
}

enum Filled {
    Value(Target, Held),
    Part(State),
    Listener(Listener),
    Reference(Element),
}

enum Held {
    Value(Value),
    Follows(RenderEffect<Value>),
}

impl State {
    pub(super) fn build(view: AnyView, parent: &Node, before: Option<&Node>) -> Self {
        match view.0 {
            Kind::Nothing => {
                let node = comment();
                insert(parent, &node, before);
                Self::Nothing(node)
            }
            Kind::Text(text) => {
                let node = document().create_text_node(&text);
                insert(parent, &node, before);
                Self::Text(node, text)
            }
            Kind::Many(all) => {
                let mut states = Vec::with_capacity(all.len());
                for view in all {
                    states.push(Self::build(view, parent, before));
                }
                Self::Many(states)
            }
            Kind::Drawing(drawing) => Self::Shape(Shape::build(drawing, parent, before)),
            Kind::Dynamic(draw) => Self::Dynamic(dynamic(draw, parent, before)),
            Kind::List(build) => Self::List(build(parent, before)),
        }
    }

    /// Shows another view at the same place: what is alike stays.
    fn patch(&mut self, view: AnyView) {
        match (&mut *self, view.0) {
            (Self::Nothing(_), Kind::Nothing) => {}
            (Self::Text(node, text), Kind::Text(new)) => {
                if *text != new {
                    node.set_data(&new);
                    *text = new;
                }
            }
            (Self::Many(states), Kind::Many(all)) => patch_many(states, all),
            (Self::Shape(shape), Kind::Drawing(drawing)) if shape.shape == drawing.0.shape => {
                shape.patch(drawing);
            }
            (_, kind) => self.replace(AnyView(kind)),
        }
    }

    fn replace(&mut self, view: AnyView) {
        let first = self.first();
        // What is shown has a parent.
        if let Some(parent) = first.parent_node() {
            let new = Self::build(view, &parent, Some(&first));
            self.remove();
            *self = new;
        }
    }

    pub(super) fn first(&self) -> Node {
        match self {
            Self::Nothing(node) => node.clone(),
            Self::Text(text, _) => text.clone().into(),
            Self::Many(states) => states[0].first(),
            Self::Shape(shape) => match &shape.roots[0] {
                Root::Node(node) => node.clone(),
                Root::Slot(at) => shape.part(*at).map_or_else(comment, Self::first),
            },
            Self::Dynamic(part) => part
                .0
                .with_value_mut(|state| state.first())
                .unwrap_or_else(comment),
            Self::List(list) => list.first(),
        }
    }

    fn last(&self) -> Node {
        match self {
            Self::Many(states) => states[states.len() - 1].last(),
            Self::Shape(shape) => match &shape.roots[shape.roots.len() - 1] {
                Root::Node(node) => node.clone(),
                Root::Slot(at) => shape.part(*at).map_or_else(comment, Self::last),
            },
            Self::Dynamic(part) => part
                .0
                .with_value_mut(|state| state.last())
                .unwrap_or_else(comment),
            Self::List(list) => list.last(),
            Self::Nothing(_) | Self::Text(..) => self.first(),
        }
    }

    /// Takes it out of the document.
    pub(super) fn remove(&self) {
        match self {
            Self::Nothing(node) => remove(node),
            Self::Text(text, _) => remove(text),
            Self::Many(states) => states.iter().for_each(Self::remove),
            Self::Shape(shape) => {
                for root in &shape.roots {
                    match root {
                        Root::Node(node) => remove(node),
                        Root::Slot(at) => shape.part(*at).into_iter().for_each(Self::remove),
                    }
                }
            }
            Self::Dynamic(part) => {
                part.0.with_value_mut(|state| state.remove());
            }
            Self::List(list) => list.remove(),
        }
    }

    /// Puts its nodes, which are beside each other, elsewhere.
    pub(super) fn move_to(&self, parent: &Node, before: Option<&Node>) {
        let (first, last) = (self.first(), self.last());
        let mut next = Some(first);
        while let Some(node) = next {
            let is_last = node == last;
            next = node.next_sibling().filter(|_| !is_last);
            insert(parent, &node, before);
        }
    }
}

fn patch_many(states: &mut Vec<State>, all: Vec<AnyView>) {
    for gone in states.drain(all.len().min(states.len())..) {
        gone.remove();
    }
    let mut all = all.into_iter();
    for state in states.iter_mut() {
        if let Some(view) = all.next() {
            state.patch(view);
        }
    }
    if all.len() > 0 {
        let last = states[states.len() - 1].last();
        if let Some(parent) = last.parent_node() {
            let before = last.next_sibling();
            for view in all {
                states.push(State::build(view, &parent, before.as_ref()));
            }
        }
    }
}

/// Draws now, and patches when a signal that was read changed.
fn dynamic(draw: Box<dyn Draw>, parent: &Node, before: Option<&Node>) -> Follows {
    let (parent, before) = (parent.clone(), RefCell::new(before.cloned()));
    Follows(RenderEffect::new(move |state: Option<State>| {
        let view = draw.draw();
        match state {
            Some(mut state) => {
                state.patch(view);
                state
            }
            None => State::build(view, &parent, before.take().as_ref()),
        }
    }))
}

impl Shape {
    fn build(drawing: Drawing, parent: &Node, before: Option<&Node>) -> Self {
        let shape = drawing.0.shape;
        let mut filled = Vec::with_capacity(drawing.0.slots.len());
        let mut slots = drawing.0.slots.into_iter();
        let mut roots = Vec::new();
        let mut open: Vec<Element> = Vec::new();
        let mut name = "";
        for (step, text) in steps(shape) {
            let inside = open.last();
            match step {
                OPEN | OPEN_SVG => open.push(element(text, step == OPEN_SVG)),
                CLOSE => {
                    if let Some(done) = open.pop() {
                        place(done.into(), open.last(), parent, before, &mut roots);
                    }
                }
                TEXT => {
                    let text = document().create_text_node(text);
                    place(text.into(), inside, parent, before, &mut roots);
                }
                NAME => name = text,
                IS => inside
                    .into_iter()
                    .for_each(|element| set(element, name, text)),
                step => {
                    // As many slots as the shape has: one macro makes both.
                    let Some(slot) = slots.next() else { break };
                    if let (PART, None) = (step, inside) {
                        roots.push(Root::Slot(filled.len()));
                    }
                    filled.push(fill(slot, (step, text), inside, parent, before));
                }
            }
        }
        Self {
            shape,
            roots,
            slots: filled,
        }
    }

    fn patch(&mut self, drawing: Drawing) {
        for (filled, slot) in self.slots.iter_mut().zip(drawing.0.slots) {
            match (filled, slot) {
                (Filled::Value(target, held), Slot::Value(value)) => held.patch(target, value),
                (Filled::Part(state), Slot::Part(view)) => state.patch(view),
                (Filled::Listener(listener), Slot::Listener(handle)) => listener.set(handle),
                (Filled::Reference(element), Slot::Reference(load)) => load(element),
                // The same shape has the same slots.
                _ => {}
            }
        }
    }

    fn part(&self, at: usize) -> Option<&State> {
        match self.slots.get(at) {
            Some(Filled::Part(state)) => Some(state),
            _ => None,
        }
    }
}

fn place(
    node: Node,
    inside: Option<&Element>,
    parent: &Node,
    before: Option<&Node>,
    roots: &mut Vec<Root>,
) {
    match inside {
        Some(element) => insert(element, &node, None),
        None => {
            insert(parent, &node, before);
            roots.push(Root::Node(node));
        }
    }
}

fn fill(
    slot: Slot,
    (step, text): (u8, &'static str),
    inside: Option<&Element>,
    parent: &Node,
    before: Option<&Node>,
) -> Filled {
    match (slot, inside) {
        (Slot::Part(view), Some(element)) => Filled::Part(State::build(view, element, None)),
        (Slot::Part(view), None) => Filled::Part(State::build(view, parent, before)),
        (Slot::Value(value), Some(element)) => {
            let target = Target {
                element: element.clone(),
                step,
                name: text,
            };
            let held = Held::new(&target, value, Value::Absent);
            Filled::Value(target, held)
        }
        (Slot::Listener(handle), Some(element)) => {
            Filled::Listener(Listener::new(element, text, handle))
        }
        (Slot::Reference(load), Some(element)) => {
            load(element);
            Filled::Reference(element.clone())
        }
        // What is no part is of an element.
        (_, None) => Filled::Part(State::build(AnyView(Kind::Nothing), parent, before)),
    }
}

/// What a value is set on.
#[derive(Clone)]
struct Target {
    element: Element,
    step: u8,
    name: &'static str,
}

impl Held {
    /// Sets it where something else was before.
    fn new(target: &Target, value: Value, before: Value) -> Self {
        let Value::Follow(give) = value else {
            target.set(&before, &value);
            return Self::Value(value);
        };
        let target = target.clone();
        let follow = move |before: Option<Value>| {
            let mut value = give.give();
            while let Value::Follow(give) = value {
                value = give.give();
            }
            target.set(&before.unwrap_or(Value::Absent), &value);
            value
        };
        Self::Follows(RenderEffect::new_with_value(follow, Some(before)))
    }

    fn patch(&mut self, target: &Target, value: Value) {
        let before = match self {
            Self::Value(before) => std::mem::replace(before, Value::Absent),
            Self::Follows(effect) => effect.take_value().unwrap_or(Value::Absent),
        };
        *self = Self::new(target, value, before);
    }
}

impl Target {
    fn set(&self, before: &Value, value: &Value) {
        if before == value {
            return;
        }
        let text = match value {
            Value::Text(text) => Some(&**text),
            Value::Is(true) => Some(""),
            _ => None,
        };
        // What fails here, fails on every browser: a name that is none.
        match self.step {
            STYLE => {
                let style = self.element.unchecked_ref::<HtmlElement>().style();
                let _ = match text {
                    Some(text) => style.set_property(self.name, text),
                    None => style.remove_property(self.name).map(drop),
                };
            }
            CLASS => {
                let classes = self.element.class_list();
                let _ = classes.toggle_with_force(self.name, text.is_some());
            }
            PROPERTY => {
                let value = match value {
                    Value::Is(is) => JsValue::from_bool(*is),
                    _ => JsValue::from_str(text.unwrap_or_default()),
                };
                let _ = js_sys::Reflect::set(&self.element, &self.name.into(), &value);
            }
            // Classes that are there or not have slots of their own.
            _ => match (self.name, before, text) {
                ("class", Value::Text(before), _) => {
                    let classes = self.element.class_list();
                    for class in before.split_ascii_whitespace() {
                        let _ = classes.remove_1(class);
                    }
                    for class in text.unwrap_or_default().split_ascii_whitespace() {
                        let _ = classes.add_1(class);
                    }
                }
                (name, _, Some(text)) => set(&self.element, name, text),
                (name, ..) => drop(self.element.remove_attribute(name)),
            },
        }
    }
}

/// What is called, and for whom.
type Handled = (Option<Owner>, Box<dyn Handle>);

/// Listens as long as it is there.
struct Listener {
    element: Element,
    event: &'static str,
    handle: Rc<RefCell<Handled>>,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn new(element: &Element, event: &'static str, handle: Box<dyn Handle>) -> Self {
        let handle = Rc::new(RefCell::new((Owner::current(), handle)));
        let called = handle.clone();
        let closure: Box<dyn FnMut(Event)> = Box::new(move |event| {
            // An event during its own handling is dropped.
            let Ok(mut called) = called.try_borrow_mut() else {
                return;
            };
            let (owner, handle) = &mut *called;
            untrack(|| match owner {
                Some(owner) => owner.with(|| handle.handle(event)),
                None => handle.handle(event),
            });
        });
        let closure = Closure::wrap(closure);
        // Fails for nothing that is a function.
        let _ = element.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        Self {
            element: element.clone(),
            event,
            handle,
            closure,
        }
    }

    fn set(&self, handle: Box<dyn Handle>) {
        // It is not called while effects run.
        if let Ok(mut called) = self.handle.try_borrow_mut() {
            *called = (Owner::current(), handle);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let closure = self.closure.as_ref().unchecked_ref();
        let _ = self
            .element
            .remove_event_listener_with_callback(self.event, closure);
    }
}

fn element(tag: &str, is_svg: bool) -> Element {
    let made = if is_svg {
        document().create_element_ns(Some(SVG), tag)
    } else {
        document().create_element(tag)
    };
    made.unwrap_or_else(|_| unreachable!("`view!` knows names alone"))
}

fn set(element: &Element, name: &str, value: &str) {
    // Fails for a name that is none.
    let _ = element.set_attribute(name, value);
}

/// Holds a place.
pub(super) fn comment() -> Node {
    document().create_comment("").into()
}

pub(super) fn insert(parent: &Node, node: &Node, before: Option<&Node>) {
    // Fails for places that are elsewhere by now.
    let _ = parent.insert_before(node, before);
}

pub(super) fn remove(node: &Node) {
    if let Some(parent) = node.parent_node() {
        let _ = parent.remove_child(node);
    }
}

/// Each step of a shape with its text.
fn steps(shape: &'static str) -> impl Iterator<Item = (u8, &'static str)> {
    let is_step = |byte: &u8| *byte < b' ';
    let mut rest = shape;
    std::iter::from_fn(move || {
        let step = *rest.as_bytes().first()?;
        let end = rest.as_bytes()[1..].iter().position(is_step);
        let (text, next) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        rest = next;
        Some((step, &text[1..]))
    })
}

// What `view!` writes into shapes.
const OPEN: u8 = 1;
const OPEN_SVG: u8 = 2;
const CLOSE: u8 = 3;
const NAME: u8 = 4;
const IS: u8 = 5;
const TEXT: u8 = 6;
const CLASS: u8 = 8;
const STYLE: u8 = 14;
const PROPERTY: u8 = 15;
const PART: u8 = 18;

const SVG: &str = "http://www.w3.org/2000/svg";
