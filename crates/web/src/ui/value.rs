//! What attributes, classes and properties are set to.

use std::borrow::Cow;

use super::{Drawing, Memo, RwSignal};

/// A value, or what computes it.
pub enum Value {
    /// Not there.
    Absent,
    /// There without a value, or not.
    Is(bool),
    /// A text.
    Text(Cow<'static, str>),
    /// Computed again when a signal it read changed.
    Follow(Box<dyn Give>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (Self::Is(this), Self::Is(other)) => this == other,
            (Self::Text(this), Self::Text(other)) => this == other,
            _ => false,
        }
    }
}

/// What a slot of an attribute takes.
pub trait IntoValue: Sized {
    /// As a value.
    fn into_value(self) -> Value;

    /// Into the next slot.
    #[doc(hidden)]
    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push_value(self.into_value());
    }
}

impl IntoValue for bool {
    #[inline]
    fn into_value(self) -> Value {
        Value::Is(self)
    }
}

impl IntoValue for &'static str {
    #[inline]
    fn into_value(self) -> Value {
        Value::Text(Cow::Borrowed(self))
    }

    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push_word(self);
    }
}

impl IntoValue for String {
    #[inline]
    fn into_value(self) -> Value {
        Value::Text(Cow::Owned(self))
    }
}

impl<V: IntoValue> IntoValue for Option<V> {
    #[inline]
    fn into_value(self) -> Value {
        match self {
            Some(value) => value.into_value(),
            None => Value::Absent,
        }
    }
}

/// Says what a value is now. Not `dyn Fn`, whose tables hold more functions than one.
pub trait Give {
    /// The value.
    fn give(&self) -> Value;
}

impl<F: Fn() -> V, V: IntoValue> Give for F {
    fn give(&self) -> Value {
        self().into_value()
    }
}

impl<F: Fn() -> V + 'static, V: IntoValue> IntoValue for F {
    #[inline]
    fn into_value(self) -> Value {
        Value::Follow(Box::new(self))
    }

    #[inline]
    fn fill(self, drawing: &mut Drawing) {
        drawing.push_follow(Box::new(self));
    }
}

impl<V: IntoValue + Clone + PartialEq + Send + Sync + 'static> IntoValue for Memo<V> {
    fn into_value(self) -> Value {
        (move || self.get()).into_value()
    }
}

impl<V: IntoValue + Clone + Send + Sync + 'static> IntoValue for RwSignal<V> {
    fn into_value(self) -> Value {
        (move || self.get()).into_value()
    }
}

macro_rules! number {
    ($($number:ident),*) => {$(
        impl IntoValue for $number {
            fn into_value(self) -> Value {
                self.to_string().into_value()
            }
        }
    )*};
}

number!(u8, u16, u32, u64, usize, i32, i64);
