//! Values derived from signals, through one type of memo: the machinery of the framework is compiled once and not once
//! for every type of value. What is set as an attribute is a [`Memo`], which the framework takes as it is.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use leptos::prelude::*;

/// A value that is computed again when a signal it read changed, and wakes its readers when it differs then. Copies are
/// the same value.
pub struct Derived<T> {
    memo: Memo<Value>,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Derived<T> {}

impl<T: PartialEq + Send + Sync + 'static> Derived<T> {
    /// What `compute` says.
    pub fn new(compute: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            memo: memo(Box::new(move || Value(Arc::new(compute())))),
            value: PhantomData,
        }
    }

    /// Reads it; the reader follows it.
    pub fn with<R>(self, read: impl FnOnce(&T) -> R) -> R {
        read(self.memo.get().of())
    }

    /// Reads it once.
    pub fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> R {
        read(self.memo.get_untracked().of())
    }

    /// Reads it once; `None`: the view that it belongs to was left.
    pub fn try_with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let value = self.memo.try_get_untracked()?;
        Some(read(value.of()))
    }

    /// A copy; the reader follows it.
    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A copy, once.
    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// The reader follows it.
    pub fn track(self) {
        self.memo.track();
    }
}

fn memo(compute: Box<dyn Fn() -> Value + Send + Sync>) -> Memo<Value> {
    Memo::new(move |_| compute())
}

/// Any value.
#[derive(Clone)]
struct Value(Arc<dyn Comparable>);

impl Value {
    fn of<T: 'static>(&self) -> &T {
        let value: &dyn Any = &*self.0;
        let value = value.downcast_ref();
        value.expect("`Derived<T>` puts nothing but `T` into its memo")
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).equals(&*other.0)
    }
}

trait Comparable: Any + Send + Sync {
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: PartialEq + Send + Sync + 'static> Comparable for T {
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_differ_by_what_they_hold() {
        let value = |number: u8| Value(Arc::new(number));
        assert!(value(1) == value(1));
        assert!(value(1) != value(2));
        assert!(value(1) != Value(Arc::new(1_u16)));
        assert_eq!(value(7).of::<u8>(), &7);
    }

    #[test]
    fn readers_see_the_last_value() {
        let owner = Owner::new();
        owner.with(|| {
            let count = RwSignal::new(1);
            let half = Derived::new(move || count.get() / 2);
            assert_eq!(half.get(), 0);
            count.set(4);
            assert_eq!((half.get(), half.with_untracked(|half| half + 1)), (2, 3));
        });
    }
}
