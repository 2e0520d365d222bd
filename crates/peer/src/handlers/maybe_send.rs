//! Handlers are `Send` natively and anything in a browser, where there is one thread. The one place that says so.

#[cfg(not(target_arch = "wasm32"))]
mod target {
    /// `Send` natively, anything on wasm.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}

    /// Keeps a `MaybeSend` value inside something `Send + Sync`.
    pub(crate) type Held<T> = T;

    pub(crate) fn hold<T>(value: T) -> Held<T> {
        value
    }

    pub(crate) fn release<T>(held: Held<T>) -> T {
        held
    }
}

#[cfg(target_arch = "wasm32")]
mod target {
    use send_wrapper::SendWrapper;

    /// `Send` natively, anything on wasm.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    /// Keeps a `MaybeSend` value inside something `Send + Sync`; touching it from another thread panics.
    pub(crate) type Held<T> = SendWrapper<T>;

    pub(crate) fn hold<T>(value: T) -> Held<T> {
        SendWrapper::new(value)
    }

    pub(crate) fn release<T>(held: Held<T>) -> T {
        held.take()
    }

    /// Handlers over what is not `Send` compile here, and leave the machine `Send` and `Sync`.
    const _: fn(crate::machine::Machine) = |machine| {
        let shared = std::rc::Rc::new(std::cell::Cell::new(0));
        let handlers = crate::handlers::Handlers::new(shared.clone());
        let _ = machine.bind(handlers.any_state(move |own, _| own.set(shared.get() + 1)));
    };
}

pub use self::target::MaybeSend;
pub(crate) use self::target::{Held, hold, release};
