//! Signals and memos of Leptos through one type each: what tracks, locks and wakes is compiled once and not once for
//! every type of value.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::DerefMut;
use std::sync::Arc;

use leptos::prelude::{
    Get, GetUntracked, Memo as AnyMemo, ReadUntracked, RwSignal as AnySignal, Set, Track, Write,
};

/// A value that wakes its readers when it is set. Copies are the same value.
pub struct RwSignal<T> {
    signal: AnySignal<Cell>,
    value: PhantomData<fn(T) -> T>,
}

impl<T> Clone for RwSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RwSignal<T> {}

impl<T> PartialEq for RwSignal<T> {
    fn eq(&self, other: &Self) -> bool {
        self.signal == other.signal
    }
}

impl<T> fmt::Debug for RwSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signal.fmt(f)
    }
}

impl<T: Default + Send + Sync + 'static> Default for RwSignal<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Send + Sync + 'static> RwSignal<T> {
    /// With this value.
    pub fn new(value: T) -> Self {
        Self {
            signal: signal(Cell(Box::new(value))),
            value: PhantomData,
        }
    }

    /// Reads it; the reader follows it.
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(watch(&self.signal).of())
    }

    /// Reads it once.
    pub fn with_untracked<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(look(&self.signal).of())
    }

    /// A copy; the reader follows it.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A copy, once.
    pub fn get_untracked(&self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// A copy, once; nothing when the view that it belongs to ended.
    pub fn try_get_untracked(&self) -> Option<T>
    where
        T: Clone,
    {
        let cell = self.signal.try_read_untracked()?;
        Some(cell.of::<T>().clone())
    }

    /// The reader follows it.
    pub fn track(&self) {
        track(&self.signal);
    }

    /// Sets it and wakes readers.
    pub fn set(&self, value: T) {
        set(&self.signal, Cell(Box::new(value)));
    }
    /// Changes it and wakes readers.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        self.try_update(change);
    }

    /// The same, with an answer; nothing when the view that it belongs to ended.
    pub fn try_update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut cell = write(&self.signal)?;
        Some(change(cell.of_mut()))
    }
}

/// A value that is computed again when a signal it read changed, and wakes its readers when it differs then. Copies are
/// the same value.
pub struct Memo<T> {
    memo: AnyMemo<Shared>,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Memo<T> {}

impl<T> PartialEq for Memo<T> {
    fn eq(&self, other: &Self) -> bool {
        self.memo == other.memo
    }
}

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.memo.fmt(f)
    }
}

impl<T: PartialEq + Send + Sync + 'static> Memo<T> {
    /// What `compute` says; it gets what it said before.
    pub fn new(compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Self {
        Self {
            memo: memo(Box::new(Computed(compute, PhantomData))),
            value: PhantomData,
        }
    }

    /// Reads it; the reader follows it.
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(follow(&self.memo).of())
    }

    /// Reads it once.
    pub fn with_untracked<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(peek(&self.memo).of())
    }

    /// Reads it once; nothing when the view that it belongs to ended.
    pub fn try_with_untracked<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let shared = self.memo.try_get_untracked()?;
        Some(read(shared.of()))
    }

    /// A copy; the reader follows it.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A copy, once.
    pub fn get_untracked(&self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// The reader follows it.
    pub fn track(&self) {
        self.memo.track();
    }
}

/// Any value, which is changed in its place.
struct Cell(Box<dyn Any + Send + Sync>);

impl Cell {
    fn of<T: 'static>(&self) -> &T {
        let value = self.0.downcast_ref();
        value.expect("`RwSignal<T>` puts nothing but `T` into its signal")
    }

    fn of_mut<T: 'static>(&mut self) -> &mut T {
        let value = self.0.downcast_mut();
        value.expect("`RwSignal<T>` puts nothing but `T` into its signal")
    }
}

/// Any value, which is compared.
#[derive(Clone)]
struct Shared(Arc<dyn Comparable>);

impl Shared {
    fn of<T: 'static>(&self) -> &T {
        let value: &dyn Any = &*self.0;
        let value = value.downcast_ref();
        value.expect("`Memo<T>` puts nothing but `T` into its memo")
    }
}

impl PartialEq for Shared {
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

trait Compute: Send + Sync {
    fn compute(&self, before: Option<&Shared>) -> Shared;
}

struct Computed<F, T>(F, PhantomData<fn() -> T>);

impl<T, F> Compute for Computed<F, T>
where
    T: PartialEq + Send + Sync + 'static,
    F: Fn(Option<&T>) -> T + Send + Sync,
{
    fn compute(&self, before: Option<&Shared>) -> Shared {
        Shared(Arc::new((self.0)(before.map(Shared::of))))
    }
}

#[inline(never)]
fn signal(cell: Cell) -> AnySignal<Cell> {
    AnySignal::new(cell)
}

#[inline(never)]
fn track(signal: &AnySignal<Cell>) {
    signal.track();
}

#[inline(never)]
fn watch(signal: &AnySignal<Cell>) -> <AnySignal<Cell> as ReadUntracked>::Value {
    signal.track();
    signal.read_untracked()
}

#[inline(never)]
fn look(signal: &AnySignal<Cell>) -> <AnySignal<Cell> as ReadUntracked>::Value {
    signal.read_untracked()
}

#[inline(never)]
fn set(signal: &AnySignal<Cell>, cell: Cell) {
    signal.set(cell);
}

#[inline(never)]
fn write(signal: &AnySignal<Cell>) -> Option<impl DerefMut<Target = Cell> + '_> {
    signal.try_write()
}

#[inline(never)]
fn memo(compute: Box<dyn Compute>) -> AnyMemo<Shared> {
    AnyMemo::new(move |before| compute.compute(before))
}

#[inline(never)]
fn follow(memo: &AnyMemo<Shared>) -> Shared {
    memo.get()
}

#[inline(never)]
fn peek(memo: &AnyMemo<Shared>) -> Shared {
    memo.get_untracked()
}

#[cfg(test)]
mod tests {
    use leptos::prelude::Owner;

    use super::*;

    #[test]
    fn values_differ_by_what_they_hold() {
        let value = |number: u8| Shared(Arc::new(number));
        assert!(value(1) == value(1));
        assert!(value(1) != value(2));
        assert!(value(1) != Shared(Arc::new(1_u16)));
        assert_eq!(value(7).of::<u8>(), &7);
    }

    #[test]
    fn readers_see_the_last_value() {
        let owner = Owner::new();
        owner.with(|| {
            let count = RwSignal::new(1);
            let half = Memo::new(move |_| count.get() / 2);
            let most = Memo::new(move |before: Option<&i32>| {
                before.copied().unwrap_or_default().max(count.get())
            });
            assert_eq!((half.get(), most.get()), (0, 1));
            count.set(4);
            assert_eq!((half.get(), half.with_untracked(|half| half + 1)), (2, 3));
            assert_eq!(most.get_untracked(), 4);
            count.update(|count| *count -= 1);
            assert_eq!((count.get_untracked(), half.get(), most.get()), (3, 1, 4));
        });
    }
}
