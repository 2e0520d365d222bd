//! Asynchronous handlers: a drain that stands still until a future has answered.
//!
//! ```text
//! drain -> Call -> future? -> suspended, task to the spawner ... task: answer -> drain goes on, on the task's thread
//! ```
//!
//! A suspended machine still has its drainer, namely whoever answers: others only queue. Who answers names the call it
//! answers by transition and number; an answer nobody waits for any more is ignored.
//!
//! Why a spawner: the futures then run like all others of the application, on its executor, with its timers and sockets,
//! and nobody has to hold a second future per machine and keep polling it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use statemesh_core::engine::{Answer, Call};

use super::observe::Effect;
use super::shared::{Locked, State};
use super::{Machine, WeakMachine, drain, timeouts};
use crate::handlers::{Caught, Later, Reply, Stop, Task};

/// Gives tasks to the application's executor.
pub(super) type Spawner = Arc<dyn Fn(Task) + Send + Sync>;

/// A call that waits for its future.
pub(super) struct Suspended {
    pub(super) call: Call,
    /// How many of the set's handlers for the event are done when the future accepts.
    done: usize,
    /// Its answer will be a timeout.
    pub(super) is_late: bool,
    pub(super) stop: Stop,
    /// Of its watchdog.
    watchdog: Option<Stop>,
}

/// What a suspended call needs of the executor.
pub(super) struct Tasks {
    handler: Task,
    watchdog: Option<Task>,
}

impl State {
    /// Notes that this call will be answered later; its tasks are to be given to [`spawn_all`] after unlocking.
    pub(super) fn suspend(&mut self, machine: &Machine, call: Call, later: Later) -> Tasks {
        let pending = Pending {
            machine: machine.downgrade(),
            call,
            is_answered: false,
        };
        let (handler, stop) = Task::new(Box::pin(async move {
            let reply = Caught::new(later.future).await;
            pending.answer(reply);
        }));
        let (watchdog, stop_watchdog) = timeouts::watchdog(machine, call).unzip();
        self.suspended = Some(Suspended {
            call,
            done: later.done,
            is_late: false,
            stop,
            watchdog: stop_watchdog,
        });
        Tasks { handler, watchdog }
    }

    /// Takes back a suspended call, whose future goes. True if there was one: the caller has to drain.
    pub(super) fn abandon_suspended(&mut self) -> bool {
        let Some(suspended) = self.suspended.take() else {
            return false;
        };
        let Suspended {
            call,
            stop,
            watchdog,
            ..
        } = suspended;
        self.effects.push(Effect::Stop(stop));
        self.effects.extend(watchdog.map(Effect::Stop));
        self.engine.resume(call.tx, call.call_no, Answer::Veto);
        true
    }
}

/// Gives the tasks of a suspended call to the executor, outside all locks.
pub(super) fn spawn_all(machine: &Machine, tasks: Tasks) {
    // The handler first: a spawner may run what it gets at once, and a watchdog whose call is over ends.
    for task in std::iter::once(tasks.handler).chain(tasks.watchdog) {
        spawn(machine, task);
    }
}

/// Gives a task to the executor, outside all locks.
pub(super) fn spawn(machine: &Machine, task: Task) {
    if let Some(spawner) = &machine.shared.spawner {
        // The panic hook has told it; the task that went with it answers by its drop.
        let _ = catch_unwind(AssertUnwindSafe(|| spawner(task)));
    }
}

/// A call whose answer is due. Dropped without one, it answers by a failure, so that the machine does not stand still.
struct Pending {
    machine: WeakMachine,
    call: Call,
    is_answered: bool,
}

impl Pending {
    fn answer(mut self, reply: Result<Reply, String>) {
        self.is_answered = true;
        answer(&self.machine, self.call, reply);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_answered {
            answer(&self.machine, self.call, Err(DROPPED.to_owned()));
        }
    }
}

/// Answers a suspended call and drains on, unless nobody waits for it any more.
fn answer(machine: &WeakMachine, call: Call, reply: Result<Reply, String>) {
    let Some(machine) = machine.upgrade() else {
        return;
    };
    let mut state = machine.shared.lock();
    let Some(suspended) = state.suspended.take_if(|it| it.call == call) else {
        return unlock_and_drop(state, reply);
    };
    state.effects.extend(suspended.watchdog.map(Effect::Stop));
    match reply {
        Ok(_) if suspended.is_late => {
            state.notes.reason = Some(LATE.into());
            state.engine.resume(call.tx, call.call_no, Answer::Timeout);
        }
        // The engine says the same call again, for the set's other handlers of the event.
        Ok(Reply::Accept) => state.done = suspended.done,
        reply => drain::settle(&mut state, call, reply),
    }
    drain::go_on(&machine, state);
}

fn unlock_and_drop(state: Locked<'_>, late: Result<Reply, String>) {
    drop(state);
    drop(late);
}

/// What the record says of an answer behind its timeout.
const LATE: &str = "it took too long";
/// What the error of a handler says whose task is gone.
const DROPPED: &str = "its task was dropped before it ended";
