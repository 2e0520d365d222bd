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
}

pub use self::target::MaybeSend;
pub(crate) use self::target::{Held, hold};
