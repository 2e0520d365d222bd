//! Values derived from signals that are read as they are and not set as attributes.

use crate::ui::prelude::Memo;

/// A [`Memo`] that does not look at what it said before.
pub struct Derived<T>(Memo<T>);

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Derived<T> {}

impl<T: PartialEq + Send + Sync + 'static> Derived<T> {
    /// What `compute` says.
    pub fn new(compute: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Memo::new(move |_| compute()))
    }

    /// Reads it; the reader follows it.
    pub fn with<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.0.with(read)
    }

    /// Reads it once.
    pub fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.0.with_untracked(read)
    }

    /// Reads it once; `None`: the view that it belongs to was left.
    pub fn try_with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.try_with_untracked(read)
    }

    /// A copy; the reader follows it.
    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.0.get()
    }

    /// A copy, once.
    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.0.get_untracked()
    }

    /// The reader follows it.
    pub fn track(self) {
        self.0.track();
    }
}
