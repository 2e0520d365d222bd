//! Views: a small layer of our own under Leptos' signals, because building each element through the types of a
//! framework is what the page's program would mostly consist of.
//!
//! A view is one type, [`AnyView`]. `view!` makes most of it data: a shape, which is one text, and the slots in it.
//! `shape` draws it and patches it in place when a part that follows signals is drawn again in the same shape; another
//! shape replaces it. `list` keeps rows with their keys. What follows signals is an effect, which ends with its view.
//!
//! [`prelude`] is that of Leptos with the views of this module in place of its own.

#[path = "ui/list.rs"]
mod list;
#[path = "ui/shape.rs"]
mod shape;
#[path = "ui/signal.rs"]
mod signal;
#[path = "ui/value.rs"]
mod value;

use std::borrow::Cow;
use std::marker::PhantomData;

use leptos::ev::EventDescriptor;
use leptos::html::ElementType;
use leptos::prelude::{NodeRef, untrack};
use leptos::tachys::html::node_ref::NodeRefContainer;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, Event, Node};

pub use self::list::{Row, keyed};
pub use self::signal::{Memo, RwSignal};
pub use self::value::{Give, IntoValue, Value};

/// What files with views import.
pub mod prelude {
    pub use leptos::prelude::*;
    pub use statemesh_view::{component, view};

    pub use super::{AnyView, CollectView, IntoView, IntoView as IntoAny, Memo, RwSignal};
}

/// Any part of the page.
pub struct AnyView(Kind);

enum Kind {
    Nothing,
    Text(Cow<'static, str>),
    Many(Vec<AnyView>),
    Drawing(Drawing),
    Dynamic(Box<dyn Draw>),
    List(list::Build),
}

/// What can be shown.
pub trait IntoView: Sized {
    /// As a part of the page.
    fn into_any(self) -> AnyView;

    /// Into the next slot.
    #[doc(hidden)]
    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push(Slot::Part(self.into_any()));
    }
}

impl IntoView for AnyView {
    #[inline]
    fn into_any(self) -> AnyView {
        self
    }
}

impl IntoView for () {
    #[inline]
    fn into_any(self) -> AnyView {
        AnyView(Kind::Nothing)
    }
}

impl IntoView for &'static str {
    #[inline]
    fn into_any(self) -> AnyView {
        AnyView(Kind::Text(Cow::Borrowed(self)))
    }

    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push_text(self);
    }
}

impl IntoView for String {
    #[inline]
    fn into_any(self) -> AnyView {
        AnyView(Kind::Text(Cow::Owned(self)))
    }
}

impl<V: IntoView> IntoView for Option<V> {
    #[inline]
    fn into_any(self) -> AnyView {
        match self {
            Some(view) => view.into_any(),
            None => ().into_any(),
        }
    }
}

impl<V: IntoView> IntoView for Vec<V> {
    fn into_any(self) -> AnyView {
        self.collect_view()
    }
}

/// Drawn again when a signal it read changed. Not `dyn Fn`, whose tables hold more functions than one.
trait Draw {
    fn draw(&self) -> AnyView;
}

impl<F: Fn() -> V, V: IntoView> Draw for F {
    fn draw(&self) -> AnyView {
        self().into_any()
    }
}

impl<F: Fn() -> V + 'static, V: IntoView> IntoView for F {
    #[inline]
    fn into_any(self) -> AnyView {
        AnyView(Kind::Dynamic(Box::new(self)))
    }

    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push_dynamic(Box::new(self));
    }
}

impl<V: IntoView + Clone + PartialEq + Send + Sync + 'static> IntoView for Memo<V> {
    fn into_any(self) -> AnyView {
        (move || self.get()).into_any()
    }
}

impl<V: IntoView + Clone + Send + Sync + 'static> IntoView for RwSignal<V> {
    fn into_any(self) -> AnyView {
        (move || self.get()).into_any()
    }
}

macro_rules! number {
    ($($number:ident),*) => {$(
        impl IntoView for $number {
            fn into_any(self) -> AnyView {
                self.to_string().into_any()
            }
        }
    )*};
}

number!(u8, u16, u32, u64, usize, i32, i64);

/// Parts after each other.
pub trait CollectView {
    /// All of them.
    fn collect_view(self) -> AnyView;
}

impl<I: IntoIterator<Item: IntoView>> CollectView for I {
    fn collect_view(self) -> AnyView {
        let mut all = Vec::new();
        for view in self {
            all.push(view.into_any());
        }
        many(all)
    }
}

#[inline(never)]
fn many(all: Vec<AnyView>) -> AnyView {
    AnyView(if all.is_empty() {
        Kind::Nothing
    } else {
        Kind::Many(all)
    })
}

/// A shape and what fills its slots; what `view!` makes.
pub struct Drawing(Box<Filled>);

struct Filled {
    shape: &'static str,
    slots: Vec<Slot>,
}

enum Slot {
    Value(Value),
    Part(AnyView),
    Listener(Box<dyn Handle>),
    Reference(Box<dyn Fn(&Element)>),
}

impl Drawing {
    /// A shape without slots.
    #[inline(never)]
    pub fn of(shape: &'static str) -> AnyView {
        Self::new(shape, 0).done()
    }

    /// A shape with so many.
    #[inline(never)]
    pub fn new(shape: &'static str, slots: usize) -> Self {
        Self(Box::new(Filled {
            shape,
            slots: Vec::with_capacity(slots),
        }))
    }

    /// All slots are filled.
    #[inline(never)]
    pub fn done(self) -> AnyView {
        AnyView(Kind::Drawing(self))
    }

    /// The value of an attribute, class or property.
    #[inline]
    pub fn value(&mut self, value: impl IntoValue) {
        value.fill(self);
    }

    /// A part.
    #[inline]
    pub fn part(&mut self, view: impl IntoView) {
        view.fill(self);
    }

    /// A listener.
    #[inline]
    pub fn on<E: EventDescriptor<EventType: JsCast + 'static>>(
        &mut self,
        _event: E,
        handle: impl FnMut(E::EventType) + 'static,
    ) {
        self.push_listener(Box::new(Handler(handle, PhantomData)));
    }

    /// Who wants to have the element.
    #[inline]
    pub fn reference<E: ElementType<Output: JsCast + 'static>>(&mut self, node: NodeRef<E>) {
        self.push(Slot::Reference(Box::new(move |element| {
            NodeRefContainer::<E>::load(node, element);
        })));
    }

    #[inline(never)]
    fn push(&mut self, slot: Slot) {
        self.0.slots.push(slot);
    }

    #[inline(never)]
    fn push_text(&mut self, text: &'static str) {
        self.push(Slot::Part(text.into_any()));
    }

    #[inline(never)]
    fn push_dynamic(&mut self, draw: Box<dyn Draw>) {
        self.push(Slot::Part(AnyView(Kind::Dynamic(draw))));
    }

    #[inline(never)]
    fn push_listener(&mut self, handle: Box<dyn Handle>) {
        self.push(Slot::Listener(handle));
    }

    #[inline(never)]
    fn push_value(&mut self, value: Value) {
        self.push(Slot::Value(value));
    }

    #[inline(never)]
    fn push_word(&mut self, word: &'static str) {
        self.push(Slot::Value(Value::Text(Cow::Borrowed(word))));
    }

    #[inline(never)]
    fn push_follow(&mut self, value: Box<dyn Give>) {
        self.push(Slot::Value(Value::Follow(value)));
    }
}

/// What listens.
trait Handle {
    fn handle(&mut self, event: Event);
}

struct Handler<F, E>(F, PhantomData<fn(E)>);

impl<E: JsCast, F: FnMut(E)> Handle for Handler<F, E> {
    fn handle(&mut self, event: Event) {
        (self.0)(event.unchecked_into());
    }
}

/// Calls a component; what it reads is its own matter.
#[inline]
pub fn component<V: IntoView>(draw: impl FnOnce() -> V) -> AnyView {
    untrack(move || draw().into_any())
}

/// Draws a view into an element for as long as the page is there.
pub fn mount(parent: &Element, view: impl FnOnce() -> AnyView) {
    // Fails only where there is one already.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let parent: &Node = parent;
    std::mem::forget(shape::State::build(view(), parent, None));
}
