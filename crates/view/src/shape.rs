//! The shape of a view: what it always shows, and where its slots are, as one text of steps. Each step is a control
//! character and a name or text. `crate::ui::shape` of the dashboard follows it.

use std::fmt::Write;

/// Steps; the dashboard has the same.
#[derive(Clone, Copy)]
pub enum Step {
    /// Begins an element.
    Open = 1,
    /// Begins an element of SVG.
    OpenSvg = 2,
    /// Ends it.
    Close = 3,
    /// The name of an attribute, before its value.
    Name = 4,
    /// That value.
    Is = 5,
    /// A text.
    Text = 6,
    /// Slot: an attribute.
    Attribute = 7,
    /// Slot: a class, there or not.
    Class = 8,
    /// Slot: a property of the style.
    Style = 14,
    /// Slot: a property of the element.
    Property = 15,
    /// Slot: a listener.
    Listener = 16,
    /// Slot: who wants to have the element.
    Reference = 17,
    /// Slot: a part.
    Part = 18,
}

/// The steps so far.
#[derive(Default)]
pub struct Shape(pub String);

impl Shape {
    /// One more.
    pub fn push(&mut self, step: Step, text: &str) {
        // A String takes everything.
        let _ = write!(self.0, "{}{text}", char::from(step as u8));
    }
}

/// Whether a text can be part of a shape.
pub fn fits(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ')
}

/// Elements of SVG by themselves; others are so inside of `svg`.
pub fn is_svg(tag: &str) -> bool {
    matches!(
        tag,
        "svg"
            | "circle"
            | "clipPath"
            | "defs"
            | "ellipse"
            | "foreignObject"
            | "g"
            | "line"
            | "linearGradient"
            | "marker"
            | "mask"
            | "path"
            | "pattern"
            | "polygon"
            | "polyline"
            | "rect"
            | "stop"
            | "symbol"
            | "text"
            | "tspan"
            | "use"
    )
}
