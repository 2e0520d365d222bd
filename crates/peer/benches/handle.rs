//! Time per call of the machine handle: the engine's cases (crates/core/benches/engine.rs) behind a lock, with handlers.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use statemesh::prelude::*;

fn exclusive() -> SchemaDef {
    SchemaDef::new()
        .state("A", StateDef::new().remove(["B"]))
        .state("B", StateDef::new().remove(["A"]))
}

states! {
    /// The same.
    enum Exclusive { A { remove: [B] }, B { remove: [A] } }
}

/// Ten states, of which `Ready` is Auto: an order from receipt to delivery.
fn flow() -> SchemaDef {
    let one_of = |others: [&str; 3]| StateDef::new().require(["Start"]).remove(others);
    SchemaDef::new()
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new().auto().require(["Start"]))
        .state(
            "Received",
            one_of(["Packed", "Sent", "Delivered"]).add(["Logged"]),
        )
        .state(
            "Packed",
            one_of(["Received", "Sent", "Delivered"]).add(["Logged"]),
        )
        .state("Sent", one_of(["Received", "Packed", "Delivered"]))
        .state(
            "Delivered",
            one_of(["Received", "Packed", "Sent"]).add(["Billed"]),
        )
        .state("Logged", StateDef::new())
        .state("Billed", StateDef::new().require(["Start"]))
        .state("Retry", StateDef::new().multi())
        .state("Exception", StateDef::new().multi())
}

/// Adds one state after another, round and round.
fn adds<'a>(machine: &'a Machine, states: &'a [&'a str]) -> impl FnMut() + 'a {
    let mut at = 0;
    move || {
        let outcome = machine.add(black_box(states[at]));
        at = (at + 1) % states.len();
        assert_eq!(black_box(outcome), Ok(Outcome::Executed));
    }
}

fn handle(criterion: &mut Criterion) {
    let toggle = Machine::new("toggle", exclusive());
    criterion.bench_function("handle-toggle", |bencher| {
        bencher.iter(adds(&toggle, &["A", "B"]));
    });
    let handlers = Handlers::new(())
        .enter("A", |_, _| true)
        .state("A", |_, _| ())
        .state("B", |_, _| ());
    let handled = Machine::builder("handled", exclusive())
        .handlers(handlers)
        .build();
    criterion.bench_function("handle-toggle-handlers", |bencher| {
        bencher.iter(adds(&handled, &["A", "B"]));
    });
    let flow = Machine::new("flow", flow());
    flow.add("Start").expect("a state");
    criterion.bench_function("handle-flow", |bencher| {
        bencher.iter(adds(&flow, &["Received", "Packed", "Sent", "Delivered"]));
    });
    criterion.bench_function("handle-multi", |bencher| {
        bencher.iter(adds(&flow, &["Retry"]));
    });
    criterion.bench_function("handle-is-name", |bencher| {
        bencher.iter(|| black_box(&flow).is(black_box("Start")));
    });
    let typed = Machine::new("typed", Exclusive::schema());
    criterion.bench_function("handle-is-typed", |bencher| {
        bencher.iter(|| black_box(&typed).is(black_box(Exclusive::B)));
    });
    criterion.bench_function("handle-toggle-typed", |bencher| {
        let mut next = [Exclusive::A, Exclusive::B].into_iter().cycle();
        bencher.iter(|| typed.add(black_box(next.next().expect("a cycle"))));
    });
}

criterion_group!(benches, handle);
criterion_main!(benches);
