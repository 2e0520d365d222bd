//! Log lines and `tracing` spans, as a subscriber gets them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use statemesh::machine::LogLevel;
use statemesh::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event as Told, Metadata, Subscriber};

use crate::kit::{Log, Tasks, plain, within};

/// Fields of a span or an event, and its target and level.
type Fields = BTreeMap<String, String>;

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Ear {
    spans: Arc<Mutex<Vec<Fields>>>,
    events: Arc<Mutex<Vec<Fields>>>,
    inside: Arc<AtomicU64>,
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

fn place(metadata: &Metadata<'_>) -> Fields {
    let place = format!("{} {}", metadata.level(), metadata.target());
    Fields::from([("place".to_owned(), place)])
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("statemesh")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = place(span.metadata());
        span.record(&mut Collect(&mut fields));
        let mut spans = self.spans.lock().expect("nobody panicked");
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.spans.lock().expect("nobody panicked");
        let at = usize::try_from(span.into_u64()).expect("few spans") - 1;
        values.record(&mut Collect(&mut spans[at]));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Told<'_>) {
        let mut fields = place(event.metadata());
        event.record(&mut Collect(&mut fields));
        fields.insert(
            "inside".to_owned(),
            self.inside.load(Ordering::SeqCst).to_string(),
        );
        self.events.lock().expect("nobody panicked").push(fields);
    }
    fn enter(&self, span: &Id) {
        self.inside.store(span.into_u64(), Ordering::SeqCst);
    }
    fn exit(&self, _: &Id) {
        self.inside.store(0, Ordering::SeqCst);
    }
}

impl Ear {
    /// These fields of all it was told so far.
    fn take(list: &Mutex<Vec<Fields>>, names: &[&str]) -> Vec<String> {
        let told = std::mem::take(&mut *list.lock().expect("nobody panicked"));
        let shown = told.iter().map(|fields| {
            let values = names.iter().filter_map(|name| fields.get(*name));
            values.cloned().collect::<Vec<_>>().join(" ")
        });
        shown.collect()
    }
}

#[test]
fn transitions_are_spans_with_their_causes() {
    within(|| {
        let ear = Ear::default();
        tracing::subscriber::with_default(ear.clone(), || {
            let (a, b) = (
                Machine::new("a", plain(&["X", "No"])),
                Machine::new("b", plain(&["Y"])),
            );
            a.bind(Handlers::new(()).enter("No", |(), _| Err::<(), _>("closed")))
                .unwrap();
            let _pipe = a.pipe(Pipe::new().begin("X", "Y"), &b).unwrap();
            let guards = [a.trace_spans(), b.trace_spans()];
            a.add("X").unwrap();
            a.add("X").unwrap();
            a.can_add("X").unwrap();
            a.add("No").unwrap();
            drop(guards);
            a.remove("X").unwrap();
        });
        let names = [
            "place",
            "machine",
            "tx",
            "kind",
            "called",
            "accepted",
            "source.machine",
            "source.tx",
        ];
        let expected = [
            "INFO statemesh::transition a 1 add X true",
            "INFO statemesh::transition b 1 add Y true a 1",
            "DEBUG statemesh::transition a 2 add X true",
            "TRACE statemesh::transition a 3 add X true",
            "DEBUG statemesh::transition a 4 add No false",
        ];
        assert_eq!(Ear::take(&ear.spans, &names), expected);
        let expected = [
            "INFO statemesh::transition +X 1",
            "INFO statemesh::transition +Y 2",
            "DEBUG statemesh::transition nothing to do 3",
            "TRACE statemesh::transition checked 4",
            "DEBUG statemesh::refusal NoEnter Veto closed refused 5",
            "DEBUG statemesh::transition canceled 5",
        ];
        let names = ["place", "handler", "answer", "reason", "message", "inside"];
        assert_eq!(Ear::take(&ear.events, &names), expected);
    });
}

#[test]
fn lines_come_in_order_up_to_their_level() {
    within(|| {
        let (some, all) = (Log::default(), Log::default());
        let machine = Machine::new("machine", plain(&["A", "B"]));
        let nested = machine.clone();
        let handlers = Handlers::new(()).state("A", move |(), _| {
            nested.log_line("in\nbetween");
            nested.add("B").unwrap();
        });
        machine.bind(handlers).unwrap();
        let (few, many) = (some.clone(), all.clone());
        let changes = machine.log(LogLevel::Changes, move |level, line| {
            few.push(format!("{level}: {line};"))
        });
        let _ops = machine.log(LogLevel::Ops, move |_, line| {
            many.push(line.replace("[machi] ", ""))
        });
        machine.log_line("first");
        machine.add("A").unwrap();
        let expected = "external: [machi] [exter] first; changes: [machi] [state] +A; \
             external: [machi] [exter] in between; changes: [machi] [state] +B;";
        assert_eq!(some.take(), expected);
        let expected = "[exter] first [queue:add] A [add] A [state] +A [handler:0] AState [exter] in between \
             [queue:add] B [postpone] queue running (1 item) [add] B [state] +B";
        assert_eq!(all.take(), expected);
        drop(changes);
        machine.remove("A").unwrap();
        assert!(some.take().is_empty() && all.take().contains("[state] -A"));
    });
}

#[test]
fn lines_do_not_wait_for_a_handler_that_takes_its_time() {
    within(|| {
        let (log, tasks) = (Log::default(), Tasks::default());
        let handlers = Handlers::new(()).state_async("A", |(), _| std::future::pending::<()>());
        let machine = tasks.machine(plain(&["A"]), handlers);
        let lines = log.clone();
        let _log = machine.log(LogLevel::External, move |_, line| lines.push(line));
        machine.add("A").unwrap();
        assert_eq!(tasks.poll(), 1, "it runs");
        machine.log_line("meanwhile");
        assert_eq!(log.take(), "[m] [exter] meanwhile");
    });
}

#[test]
fn lines_are_tracing_events() {
    within(|| {
        let ear = Ear::default();
        tracing::subscriber::with_default(ear.clone(), || {
            let machine = Machine::new("hall", plain(&["A"]));
            let _lines = machine.trace_lines(LogLevel::Ops);
            machine.add("A").unwrap();
        });
        let told = Ear::take(&ear.events, &["place", "machine", "message"]);
        let changes: Vec<&String> = told.iter().filter(|it| it.starts_with("INFO")).collect();
        assert_eq!(changes, ["INFO statemesh::log hall [hall] [state] +A"]);
        assert!(told.contains(&"DEBUG statemesh::log hall [hall] [add] A".to_owned()));
    });
}
