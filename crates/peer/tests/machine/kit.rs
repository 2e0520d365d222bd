//! What the tests share: a deadline, a small executor, a log.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use statemesh::handlers::Task;
use statemesh::prelude::*;
use statemesh::timer::{Instant, Timer};

/// Nothing here takes longer than a moment, so this only ends what hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `body` on its own thread and fails when it does not end.
pub(crate) fn within(body: impl FnOnce() + Send + 'static) {
    within_stack(2 << 20, body);
}

pub(crate) fn within_stack(stack: usize, body: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new()
        .stack_size(stack)
        .spawn(move || {
            body();
            let _ = done.send(());
        })
        .unwrap();
    match ended.recv_timeout(DEADLINE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {}
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs a closure when woken.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

pub(crate) fn poll_once<F: Future + Unpin>(
    future: &mut F,
    woken: impl Fn() + Send + Sync + 'static,
) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(OnWake(woken)));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

/// Plain states, and `Exception` behind them.
pub(crate) fn plain(names: &[&str]) -> SchemaDef {
    names.iter().fold(SchemaDef::new(), |schema, name| {
        schema.state(*name, StateDef::new())
    })
}

/// What happened, in order, shared with closures.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }

    /// A handler set over `names` that logs all it is called for, and accepts.
    pub(crate) fn all_handlers(&self, names: &[&'static str]) -> Handlers<Log> {
        let mut set = Handlers::new(self.clone());
        for name in names.iter().copied() {
            set = set
                .enter(name, move |log, _| log.accept(format!("{name}Enter")))
                .exit(name, move |log, _| log.accept(format!("{name}Exit")))
                .stay(name, move |log, _| log.accept(format!("{name}{name}")))
                .state(name, move |log, _| log.push(format!("{name}State")))
                .end(name, move |log, _| log.push(format!("{name}End")));
            for other in names.iter().copied().filter(|other| *other != name) {
                set = set.pair(name, other, move |log, _| {
                    log.accept(format!("{name}{other}"))
                });
            }
        }
        set.any_enter(|log, _| log.accept("AnyEnter"))
            .any_state(|log, _| log.push("AnyState"))
    }

    pub(crate) fn accept(&self, what: impl Into<String>) -> bool {
        self.push(what);
        true
    }
}

/// An executor by hand: tasks wait here until the test polls them.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Vec<Task>>>);

impl Tasks {
    /// A machine whose asynchronous handlers run here.
    pub(crate) fn machine<T: Send + 'static>(
        &self,
        schema: SchemaDef,
        handlers: Handlers<T>,
    ) -> Machine {
        let tasks = self.clone();
        Machine::builder("m", schema)
            .spawner(move |task| tasks.push(task))
            .handlers(handlers)
            .build()
    }

    pub(crate) fn push(&self, task: Task) {
        self.0.lock().unwrap().push(task);
    }

    /// Takes all tasks out.
    pub(crate) fn take(&self) -> Vec<Task> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Polls every task once, those that come meanwhile too; how many are still pending.
    pub(crate) fn poll(&self) -> usize {
        let mut pending = Vec::new();
        loop {
            let tasks = self.take();
            if tasks.is_empty() {
                break;
            }
            for mut task in tasks {
                let cx = &mut Context::from_waker(Waker::noop());
                if pin!(&mut task).poll(cx).is_pending() {
                    pending.push(task);
                }
            }
        }
        let count = pending.len();
        self.0.lock().unwrap().extend(pending);
        count
    }
}

/// Time that stands still until the test moves it.
#[derive(Clone, Default)]
pub(crate) struct Still(Arc<Mutex<Instant>>);

impl Still {
    pub(crate) fn advance(&self, time: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = *now + time;
    }
}

/// Ready at its time; whoever polls looks again.
pub(crate) struct Until(Still, Instant);

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() < self.1 {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Timer for Still {
    type Sleep = Until;

    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
    fn sleep(&self, time: Duration) -> Until {
        Until(self.clone(), self.now() + time)
    }
}
