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

use parking_lot::MutexGuard;
use statemesh_core::engine::{Answer, Call};

use super::observe::Effect;
use super::shared::State;
use super::{Machine, WeakMachine, drain};
use crate::handlers::{Caught, Later, Reply, Stop, Task};

/// Gives tasks to the application's executor.
pub(super) type Spawner = Arc<dyn Fn(Task) + Send + Sync>;

/// A call that waits for its future.
pub(super) struct Suspended {
    call: Call,
    /// Of the set's handlers for the event, when the future accepts.
    done: usize,
    stop: Stop,
}

impl State {
    /// Notes that this call will be answered later; its task is to be given to [`spawn`] after unlocking.
    pub(super) fn suspend(&mut self, machine: &Machine, call: Call, later: Later) -> Task {
        let pending = Pending {
            machine: machine.downgrade(),
            call,
            is_answered: false,
        };
        let (task, stop) = Task::new(Box::pin(async move {
            let reply = Caught::new(later.future).await;
            pending.answer(reply);
        }));
        let done = later.done;
        self.suspended = Some(Suspended { call, done, stop });
        task
    }

    /// Takes back a suspended call, whose future goes. True if there was one: the caller has to drain.
    pub(super) fn abandon_suspended(&mut self) -> bool {
        let Some(Suspended { call, stop, .. }) = self.suspended.take() else {
            return false;
        };
        self.effects.push(Effect::Stop(stop));
        self.engine.resume(call.tx, call.call_no, Answer::Veto);
        true
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
    match reply {
        // The engine says the same call again, for the set's other handlers of the event.
        Ok(Reply::Accept) => state.done = suspended.done,
        reply => drain::settle(&machine, &mut state, call, reply),
    }
    drain::go_on(&machine, state);
    drop(suspended);
}

fn unlock_and_drop(state: MutexGuard<'_, State>, late: Result<Reply, String>) {
    drop(state);
    drop(late);
}

/// What the error of a handler says whose task is gone.
const DROPPED: &str = "its task was dropped before it ended";
