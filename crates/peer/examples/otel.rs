//! Two machines in OpenTelemetry: every transition is a span, with a link to the transition that caused it. The exporter
//! prints to stdout; any other takes its place.
//!
//!     cargo run -p statemesh --no-default-features --example otel
//!
//! Every machine is a trace. Ids are not random but derived from machine id and transition number, so the span of a cause
//! is known by the source that a mutation carries, even when that transition has not ended yet.

use std::cell::Cell;
use std::time::SystemTime;

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, SdkTracer, SdkTracerProvider};
use statemesh::machine::{TraceGuard, Transition};
use statemesh::prelude::*;

states! { enum Courier { Start, Delivered { multi, require: [Start] } } }
states! { enum Customer { Waiting, Happy { remove: [Waiting] } } }

thread_local! {
    /// Ids of the span that is begun next on this thread.
    static NEXT: Cell<(TraceId, SpanId)> = const { Cell::new((TraceId::INVALID, SpanId::INVALID)) };
}

/// Gives out what was derived.
#[derive(Debug)]
struct Derived;

impl IdGenerator for Derived {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().0
    }
    fn new_span_id(&self) -> SpanId {
        NEXT.get().1
    }
}

/// FNV-1a: any even hash will do.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn ids(machine: &str, tx: u64) -> (TraceId, SpanId) {
    let span = hash(&format!("{machine}/{tx}"));
    (u128::from(hash(machine)).into(), span.into())
}

fn export(machine: &Machine, tracer: SdkTracer) -> TraceGuard {
    let (id, schema) = (machine.id().to_owned(), machine.schema().clone());
    machine.trace(move |transition: &Transition| {
        let called = schema.list(&transition.called);
        let links = transition.source.iter().map(|source| {
            let (trace, span) = ids(&source.machine, source.tx.0);
            let state = TraceState::NONE;
            Link::with_context(SpanContext::new(
                trace,
                span,
                TraceFlags::SAMPLED,
                true,
                state,
            ))
        });
        let time: u64 = transition.clock_after.iter().sum();
        let builder = SpanBuilder::from_name(format!("{id} {:?} {called}", transition.kind))
            .with_start_time(SystemTime::now())
            .with_links(links.collect())
            .with_attributes([
                KeyValue::new("machine", id.clone()),
                KeyValue::new("tx", transition.tx.0.to_string()),
                KeyValue::new("accepted", transition.accepted),
                KeyValue::new("machine_time", time.to_string()),
            ]);
        NEXT.set(ids(&id, transition.tx.0));
        let mut span = tracer.build_with_context(builder, &Context::new());
        if !transition.accepted {
            span.set_status(Status::error("canceled"));
        }
        span.end();
    })
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = SdkTracerProvider::builder()
        .with_id_generator(Derived)
        .with_simple_exporter(opentelemetry_stdout::SpanExporter::default())
        .build();
    let courier = Machine::new("courier", Courier::schema());
    let customer = Machine::new("customer", Customer::schema());
    let _spans = [&courier, &customer].map(|machine| export(machine, provider.tracer("statemesh")));
    let _pipe = courier.pipe(
        Pipe::new().begin(Courier::Delivered, Customer::Happy),
        &customer,
    )?;

    customer.add(Customer::Waiting)?;
    courier.add(Courier::Delivered)?; // canceled: it has not started
    courier.add([Courier::Start, Courier::Delivered])?; // the customer's span has a link to this one
    assert!(customer.is(Customer::Happy));
    provider.shutdown()?;
    Ok(())
}
