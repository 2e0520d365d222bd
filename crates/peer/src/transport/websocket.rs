//! A browser's WebSocket as a stream of bytes.
//!
//! Every task is woken by the socket's own events: open, data, close. Nothing waits for a timer, which browsers run once
//! a minute in a hidden tab, except who has more to send than [`OUTBOX`].
//!
//! The browser sends on its own whatever it was given, so there is nothing to flush. It tells nobody when its buffer has
//! become smaller, and it takes data from the network whether we read it or not: who sends more than [`INBOX`] faster
//! than we read loses the connection.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

use super::Timer;
use super::inbox::Inbox;

/// Opens a socket. Dropped before it is open, it gives the socket up.
pub(super) async fn open(url: String) -> io::Result<Connection> {
    let socket = WebSocket::new(&url)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the browser refuses this URL"))?;
    let connection = Socket::new(socket);
    poll_fn(|cx| connection.poll_open(cx)).await?;
    Ok(Connection(SendWrapper::new(connection)))
}

/// An open socket: bytes in, bytes out.
pub(super) struct Connection(SendWrapper<Socket>);

struct Socket {
    socket: WebSocket,
    shared: Rc<Shared>,
    /// When to look again whether the browser has sent enough.
    room: Option<Timer>,
    /// Called by the browser until they are taken off.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_change: Closure<dyn FnMut(Event)>,
}

/// What the events tell.
struct Shared {
    inbox: RefCell<Inbox>,
    /// More came than is kept, or something that is not bytes.
    broken: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    closer: RefCell<Option<Waker>>,
}

impl Shared {
    fn new() -> Self {
        Self {
            inbox: RefCell::new(Inbox::new(INBOX)),
            broken: Cell::new(false),
            reader: RefCell::new(None),
            closer: RefCell::new(None),
        }
    }

    fn receive(&self, event: &MessageEvent) {
        let bytes = event.data().dyn_into::<js_sys::ArrayBuffer>();
        let bytes = bytes.map(|buffer| js_sys::Uint8Array::new(&buffer));
        match bytes {
            Ok(bytes) if self.inbox.borrow().has_room(bytes.length() as usize) => {
                self.inbox.borrow_mut().push(bytes.to_vec());
            }
            Ok(_) | Err(_) => self.broken.set(true),
        }
        wake(&self.reader);
    }
}

impl Socket {
    fn new(socket: WebSocket) -> Self {
        socket.set_binary_type(BinaryType::Arraybuffer);
        let shared = Rc::new(Shared::new());
        let told = shared.clone();
        let on_message = Closure::new(move |event: MessageEvent| told.receive(&event));
        let told = shared.clone();
        let on_change = Closure::new(move |_: Event| {
            wake(&told.reader);
            wake(&told.closer);
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let change = Some(on_change.as_ref().unchecked_ref());
        socket.set_onopen(change);
        socket.set_onclose(change);
        socket.set_onerror(change);
        Self {
            socket,
            shared,
            room: None,
            _on_message: on_message,
            _on_change: on_change,
        }
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        match self.socket.ready_state() {
            WebSocket::CONNECTING => {
                note(&self.shared.reader, cx);
                Poll::Pending
            }
            WebSocket::OPEN => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
        }
    }

    fn is_open(&self) -> bool {
        self.socket.ready_state() == WebSocket::OPEN
    }

    fn poll_read(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let copied = self.shared.inbox.borrow_mut().take(buffer);
        if copied > 0 || buffer.is_empty() {
            return Poll::Ready(Ok(copied));
        }
        if self.shared.broken.get() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if !self.is_open() {
            return Poll::Ready(Ok(0));
        }
        note(&self.shared.reader, cx);
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            if !self.is_open() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let room = OUTBOX.saturating_sub(self.socket.buffered_amount() as usize);
            if room > 0 {
                self.room = None;
                let some = bytes.len().min(room);
                let sent = self.socket.send_with_u8_array(&bytes[..some]);
                let sent = sent.map_err(|_| io::ErrorKind::BrokenPipe.into());
                return Poll::Ready(sent.map(|()| some));
            }
            let timer = self.room.get_or_insert_with(|| Timer::new(LOOK));
            if Pin::new(&mut *timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
            timer.set(LOOK);
        }
    }

    fn poll_close(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.socket.ready_state() == WebSocket::CLOSED {
            return Poll::Ready(Ok(()));
        }
        // Harmless while it closes already.
        let _ = self.socket.close();
        note(&self.shared.closer, cx);
        Poll::Pending
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The browser must not call what is gone.
        self.socket.set_onmessage(None);
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        self.socket.set_onerror(None);
        let _ = self.socket.close();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

fn note(slot: &RefCell<Option<Waker>>, cx: &Context<'_>) {
    slot.replace(Some(cx.waker().clone()));
}

/// Nothing is borrowed while the waker runs.
fn wake(slot: &RefCell<Option<Waker>>) {
    let waker = slot.borrow_mut().take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Bytes that may wait to be read: several of the largest messages of the topic.
const INBOX: usize = 8 << 20;
/// Bytes that may wait in the browser to be sent.
const OUTBOX: usize = 1 << 20;
/// Between two looks whether the browser has sent some of them.
const LOOK: Duration = Duration::from_millis(20);
