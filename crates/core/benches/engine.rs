//! Time per public call of the engine, driver loop included; `interop/engine` measures the same cases in Go.
//!
//! The unit is one mutation with the auto transition it causes. Handlers do nothing: what is measured is the engine's
//! own share of a call.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, Handler, Machine, Mutation, Options, Outcome, Poll, Schema, Step, Tracer,
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
    let outcome = machine.mutate(mutation);
    if outcome != Outcome::Started {
        return outcome;
    }
    loop {
        match machine.poll() {
            Poll::Call(call) => {
                machine.resume(call.tx, call.call_no, Answer::Accept);
            }
            Poll::Fired | Poll::Args(_) | Poll::Settled => {}
            Poll::Idle => return machine.take_result(),
        }
    }
}

/// Adds one state of the list after another, round and round.
fn adds(machine: &mut Machine, states: &[StateIdx]) -> impl FnMut() {
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

fn mutations(criterion: &mut Criterion) {
    let mut toggle = machine("A(-B) B(-A)");
    let ab = indexes(&toggle, "A B");
    criterion.bench_function("toggle of 2 exclusive states", |bencher| {
        bencher.iter(adds(&mut toggle, &ab));
    });
    let mut handlers = machine("A(-B) B(-A)");
    handlers.bind(&[
        Handler::Enter(ab[0]),
        Handler::State(ab[0]),
        Handler::State(ab[1]),
    ]);
    criterion.bench_function("the same with 1 Enter and 2 State handlers", |bencher| {
        bencher.iter(adds(&mut handlers, &ab));
    });
    let mut flow = machine(FLOW);
    let start = indexes(&flow, "Start");
    run(&mut flow, Mutation::add(&start));
    let steps = indexes(&flow, "Received Packed Sent Delivered");
    criterion.bench_function("flow of 10 states", |bencher| {
        bencher.iter(adds(&mut flow, &steps));
    });
    let retry = indexes(&flow, "Retry");
    criterion.bench_function("Multi state in that flow", |bencher| {
        bencher.iter(adds(&mut flow, &retry));
    });
}

fn queries(criterion: &mut Criterion) {
    let mut flow = machine(FLOW);
    let start = indexes(&flow, "Start");
    run(&mut flow, Mutation::add(&start));
    let state = start[0];
    criterion.bench_function("is, by index", |bencher| {
        bencher.iter(|| black_box(&flow).is(black_box(state)));
    });
    criterion.bench_function("is, by name", |bencher| {
        bencher.iter(|| {
            let state = black_box(&flow).schema().index(black_box("Start"));
            state.is_some_and(|state| flow.is(state))
        });
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
        criterion.bench_function(
            &format!("{states} states with dense relations"),
            |bencher| {
                bencher.iter(adds(&mut machine, &called));
            },
        );
    }
    let mut waiting = machine(&format!("A(-B) B(-A) {}", dense(1_000)));
    let ab = indexes(&waiting, "A B");
    let others: Vec<_> = (2..1_002).map(StateIdx).collect();
    for state in others {
        waiting.when(&[state]);
    }
    criterion.bench_function("toggle beside 1,000 pending waits", |bencher| {
        bencher.iter(adds(&mut waiting, &ab));
    });
    let mut flow = machine(FLOW);
    let start = indexes(&flow, "Start");
    run(&mut flow, Mutation::add(&start));
    let steps = indexes(&flow, "Received Packed Sent Delivered");
    let (mut at, mut tracer) = (0, Steps::default());
    criterion.bench_function("flow of 10 states, steps recorded", |bencher| {
        bencher.iter(|| {
            let called = [steps[at]];
            at = (at + 1) % steps.len();
            tracer.0.clear();
            flow.apply_traced(Mutation::add(black_box(&called)), &mut tracer)
        });
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

criterion_group!(engine, mutations, queries, sizes);
criterion_main!(engine);
