//! A million dropped waits leave no memory, of whatever kind they are and in whatever order they go.
//!
//! Alone in its program, because it counts what is allocated.
#![allow(unsafe_code, reason = "a counting allocator is an unsafe trait")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Waker};

use statemesh::prelude::*;

/// Bytes allocated and not freed.
static HELD: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: every call is forwarded unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What lists keep that had room for a few. A pending wait takes more than 100 bytes, so it is that of 160 at most.
const KEPT: isize = 16 << 10;

/// Waits of a kind that a machine has at the same time.
const AT_ONCE: u64 = 100_000;

type Register = fn(&Machine, u64) -> When;

const KINDS: [(&str, Register); 10] = [
    ("when", |machine, _| machine.when(["A", "B"])),
    ("when_not", |machine, _| machine.when_not("Held")),
    ("when_err", |machine, _| machine.when_err()),
    ("when_time", |machine, at| {
        machine.when_time(["A", "B"], &[at + 1, 7])
    }),
    ("when_ticks", |machine, at| machine.when_ticks("A", at + 1)),
    ("when_next_active", |machine, _| {
        machine.when_next_active("A")
    }),
    ("when_args", |machine, at| {
        machine.when_args(Typed::new("A"), move |args: &u64| *args == at)
    }),
    ("when_query", |machine, at| {
        machine.when_query(move |clock| clock[0] == at)
    }),
    ("when_queue", |machine, at| {
        let tick = 3 + at % 2;
        machine.when_queue(Outcome::Queued(statemesh::core::QueueTick(tick)))
    }),
    ("when_disposed", |machine, _| machine.when_disposed()),
];

/// A machine in the middle of a transition, so that its queue can be waited for.
fn machine() -> Machine {
    let schema = SchemaDef::new()
        .state("A", StateDef::new())
        .state("B", StateDef::new())
        .state("Held", StateDef::new())
        .state("Stuck", StateDef::new());
    let stuck = Handlers::new(()).state_async("Stuck", |(), _| std::future::pending());
    let machine = Machine::builder("m", schema)
        .spawner(std::mem::forget)
        .handlers(stuck)
        .build();
    machine.add("Held").unwrap();
    machine.add("Stuck").unwrap();
    machine
}

fn poll(wait: &mut When) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(wait).poll(&mut cx).is_pending());
}

#[test]
fn a_million_dropped_waits_leave_no_memory() {
    let machine = machine();
    let round = |register: Register, count: u64| {
        let mut waits: Vec<When> = (0..count).map(|at| register(&machine, at)).collect();
        waits.iter_mut().for_each(poll);
        assert_eq!(machine.pending_waits() as u64, count);
        // Some from the front, the rest from the back.
        waits.drain(..waits.len() / 2).for_each(drop);
        while waits.pop().is_some() {}
        assert_eq!(machine.pending_waits(), 0);
    };
    // Everything that is made once is made.
    for (_, register) in KINDS {
        round(register, 10);
    }
    let before = HELD.load(Ordering::Relaxed);
    for (kind, register) in KINDS {
        round(register, AT_ONCE);
        let left = HELD.load(Ordering::Relaxed) - before;
        assert!(left < KEPT, "{kind}: {left} bytes");
    }
    for at in 0..1_000_000_u64 {
        let (_, register) = KINDS[(at % 10) as usize];
        poll(&mut register(&machine, at));
    }
    let left = HELD.load(Ordering::Relaxed) - before;
    assert!(left < KEPT, "one by one: {left} bytes");
}
