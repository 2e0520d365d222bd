//! Time per public call of the engine, driver loop included; `interop/engine` measures the same cases in Go.
//!
//! The unit is one mutation with the auto transition it causes. Handlers do nothing: what is measured is the engine's
//! own share of a call.

#![allow(unsafe_code, reason = "a counting allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, criterion_group, criterion_main};
use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, Handler, Machine, Mutation, Options, Outcome, Poll, Run, Schema, Step, Tracer,
};
use statemesh_testkit::engine_notation::schema;

/// Ten states, of which `Ready` is Auto: an order from receipt to delivery.
const FLOW: &str = "Start Ready(auto ?Start) Received(?Start -Packed -Sent -Delivered +Logged) \
    Packed(?Start -Received -Sent -Delivered +Logged) Sent(?Start -Received -Packed -Delivered) \
    Delivered(?Start -Received -Packed -Sent +Billed) Logged Billed(?Start) Retry(multi) Exception(multi)";

fn machine(text: &str) -> Machine {
    let (schema, problems) = Schema::normalise(&schema(text));
    assert_eq!(problems, []);
    Machine::new(schema, Options::default())
}

/// What a driver with handlers does.
fn run(machine: &mut Machine, mutation: Mutation<'_>) -> Outcome {
    let mut stop = match machine.run(mutation) {
        Run::Settled(outcome) => return outcome,
        Run::Stopped(stop) => stop,
    };
    loop {
        match stop {
            Poll::Call(call) => {
                machine.resume(call.tx, call.call_no, Answer::Accept);
            }
            Poll::Fired | Poll::Args(_) | Poll::Settled => {}
            Poll::Idle => return machine.take_result(),
        }
        stop = machine.poll();
    }
}

/// Adds one state of the list after another, round and round.
fn adds<'a>(machine: &'a mut Machine, states: &'a [StateIdx]) -> impl FnMut() + 'a {
    let mut at = 0;
    move || {
        let called = [states[at]];
        at = (at + 1) % states.len();
        let outcome = run(machine, Mutation::add(black_box(&called)));
        assert_eq!(black_box(outcome), Outcome::Executed);
    }
}

fn indexes(machine: &Machine, names: &str) -> Vec<StateIdx> {
    let index = |name| machine.schema().index(name).expect("a state");
    names.split_whitespace().map(index).collect()
}

/// Measures one case, and says how often a thousand of its calls allocate once the lists have grown.
fn case(criterion: &mut Criterion, id: &str, mut call: impl FnMut()) {
    criterion.bench_function(id, |bencher| bencher.iter(&mut call));
    (0..100).for_each(|_| call());
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..1_000).for_each(|_| call());
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    println!("allocations {id} {allocations}");
}

fn mutations(criterion: &mut Criterion) {
    let mut toggle = machine("A(-B) B(-A)");
    let ab = indexes(&toggle, "A B");
    case(criterion, "toggle", adds(&mut toggle, &ab));
    let mut handlers = machine("A(-B) B(-A)");
    handlers.bind(&[
        Handler::Enter(ab[0]),
        Handler::State(ab[0]),
        Handler::State(ab[1]),
    ]);
    case(criterion, "toggle-handlers", adds(&mut handlers, &ab));
    let mut flow = flow();
    let steps = indexes(&flow, "Received Packed Sent Delivered");
    case(criterion, "flow", adds(&mut flow, &steps));
    let retry = indexes(&flow, "Retry");
    case(criterion, "multi", adds(&mut flow, &retry));
}

fn flow() -> Machine {
    let mut flow = machine(FLOW);
    let start = indexes(&flow, "Start");
    run(&mut flow, Mutation::add(&start));
    flow
}

fn queries(criterion: &mut Criterion) {
    let flow = flow();
    let start = indexes(&flow, "Start")[0];
    case(criterion, "is-index", || {
        black_box(black_box(&flow).is(black_box(start)));
    });
    case(criterion, "is-name", || {
        let state = black_box(&flow).schema().index(black_box("Start"));
        black_box(state.is_some_and(|state| flow.is(state)));
    });
}

/// `states` states; each removes the two behind it, implies the next but three, and requires the first.
fn dense(states: usize) -> String {
    let state = |at: usize| {
        if at == 0 {
            return "S0".to_owned();
        }
        let next = |by: usize| 1 + (at - 1 + by) % (states - 1);
        format!(
            "S{at}(?S0 -S{} -S{} +S{} >S{})",
            next(1),
            next(2),
            next(4),
            next(3)
        )
    };
    (0..states).map(state).collect::<Vec<_>>().join(" ")
}

fn sizes(criterion: &mut Criterion) {
    for states in [100, 1_000] {
        let mut machine = machine(&dense(states));
        run(&mut machine, Mutation::add(&[StateIdx(0)]));
        let called = [StateIdx(1), StateIdx(8), StateIdx(40)];
        case(
            criterion,
            &format!("dense-{states}"),
            adds(&mut machine, &called),
        );
    }
    let mut waiting = machine(&format!("A(-B) B(-A) {}", dense(1_000)));
    let ab = indexes(&waiting, "A B");
    for state in (2..1_002).map(StateIdx) {
        waiting.when(&[state]);
    }
    case(criterion, "toggle-waits", adds(&mut waiting, &ab));
    let mut flow = flow();
    let steps = indexes(&flow, "Received Packed Sent Delivered");
    let (mut at, mut tracer) = (0, Steps::default());
    case(criterion, "flow-steps", || {
        let called = [steps[at]];
        at = (at + 1) % steps.len();
        tracer.0.clear();
        let outcome = flow.apply_traced(Mutation::add(black_box(&called)), &mut tracer);
        assert_eq!(black_box(outcome), Outcome::Executed);
    });
}

/// Keeps the steps of the last mutation.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Tracer for Steps {
    const STEPS: bool = true;

    fn step(&mut self, step: Step) {
        self.0.push(step);
    }
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is forwarded unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

criterion_group!(engine, mutations, queries, sizes);
criterion_main!(engine);
