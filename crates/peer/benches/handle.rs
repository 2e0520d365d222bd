//! Time per call of the machine handle: the engine's cases (crates/core/benches/engine.rs) behind a lock, with handlers.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use statemesh::machine::StateName;
use statemesh::prelude::*;

states! {
    enum Exclusive {
        A { remove: [B] },
        B { remove: [A] },
    }
}

states! {
    /// Ten states, of which `Ready` is Auto: an order from receipt to delivery.
    enum Flow {
        Start,
        Ready { auto, require: [Start] },
        Received { require: [Start], remove: [Packed, Sent, Delivered], add: [Logged] },
        Packed { require: [Start], remove: [Received, Sent, Delivered], add: [Logged] },
        Sent { require: [Start], remove: [Received, Packed, Delivered] },
        Delivered { require: [Start], remove: [Received, Packed, Sent], add: [Billed] },
        Logged,
        Billed { require: [Start] },
        Retry { multi },
    }
}

/// Adds one state after another, round and round.
fn adds<'a, S: StateName + Copy>(machine: &'a Machine, states: &'a [S]) -> impl FnMut() + 'a {
    let mut at = 0;
    move || {
        let outcome = machine.add(black_box(states[at]));
        at = (at + 1) % states.len();
        assert_eq!(black_box(outcome), Ok(Outcome::Executed));
    }
}

fn handle(criterion: &mut Criterion) {
    let ab = [Exclusive::A, Exclusive::B];
    let toggle = Machine::new("toggle", Exclusive::schema());
    criterion.bench_function("handle-toggle", |bencher| bencher.iter(adds(&toggle, &ab)));
    let handlers = Handlers::new(())
        .enter(Exclusive::A, |_, _| true)
        .state(Exclusive::A, |_, _| ())
        .state(Exclusive::B, |_, _| ());
    let handled = Machine::builder("handled", Exclusive::schema())
        .handlers(handlers)
        .build();
    criterion.bench_function("handle-toggle-handlers", |bencher| {
        bencher.iter(adds(&handled, &ab));
    });
    let flow = Machine::new("flow", Flow::schema());
    flow.add(Flow::Start).expect("a state");
    let steps = [Flow::Received, Flow::Packed, Flow::Sent, Flow::Delivered];
    criterion.bench_function("handle-flow", |bencher| bencher.iter(adds(&flow, &steps)));
    criterion.bench_function("handle-multi", |bencher| {
        bencher.iter(adds(&flow, &[Flow::Retry]));
    });
    criterion.bench_function("handle-is-index", |bencher| {
        bencher.iter(|| black_box(&flow).is(black_box(Flow::Start)));
    });
    criterion.bench_function("handle-is-name", |bencher| {
        bencher.iter(|| black_box(&flow).is(black_box("Start")));
    });
}

criterion_group!(benches, handle);
criterion_main!(benches);
