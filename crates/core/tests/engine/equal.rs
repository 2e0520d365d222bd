//! The engine against the list version of its rules, mutation by mutation: outcome, handler calls, order of active
//! states, clock.

use std::collections::BTreeSet;

use proptest::prelude::*;
use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, Handler, Machine, Mutation, MutationKind, Options, Outcome, Poll, Schema, SchemaDef,
    StateDef,
};

use crate::oracle::Oracle;
use crate::properties::handlers;

/// Names of states that the engine treats in a special way.
const SPECIAL: [&str; 3] = ["Exception", "Heartbeat", "Healthcheck"];

/// Name number `at` of a schema of `states` states. Behind them come an unknown one and `Exception`.
fn name(at: usize, states: usize, specials: usize) -> String {
    if at > states {
        return SPECIAL[0].to_owned();
    }
    let special = SPECIAL.iter().take(specials).nth(at);
    special.map_or_else(|| format!("S{at}"), |name| (*name).to_owned())
}

/// What all states of one schema have in common.
#[derive(Clone, Copy, Debug)]
struct Shape {
    states: usize,
    /// How many of them have special names.
    specials: usize,
    /// Names in a relation.
    longest: usize,
    /// Chances of Auto, Multi, Require, Add, Remove, After.
    chances: [f64; 6],
}

fn shape(states: usize) -> impl Strategy<Value = Shape> {
    let chance = || prop::sample::select(vec![0.002, 0.05, 0.2, 0.6]);
    let chances = std::array::from_fn::<_, 6, _>(|_| chance());
    (0..=SPECIAL.len().min(states), 2..5_usize, chances).prop_map(
        move |(specials, longest, chances)| Shape {
            states,
            specials,
            longest,
            chances,
        },
    )
}

/// Relations to any state, more often to the first few; circles, contradictions and repetitions included.
fn state(shape: Shape) -> impl Strategy<Value = StateDef> {
    let states = shape.states;
    let other = prop_oneof![3 => 0..states + 2, 1 => 0..states.min(5)];
    let other = other.prop_map(move |at| name(at, states, shape.specials));
    let names = move |chance| {
        let names = prop::collection::vec(other.clone(), 0..shape.longest);
        prop::option::weighted(chance, names)
    };
    let [auto, multi, require, add, remove, after] = shape.chances;
    let flags = (prop::bool::weighted(auto), prop::bool::weighted(multi));
    let lists = (names(require), names(add), names(remove), names(after));
    (flags, lists).prop_map(|((auto, multi), (require, add, remove, after))| StateDef {
        auto,
        multi,
        require,
        add,
        remove,
        after,
        tags: None,
    })
}

fn schema(states: usize) -> impl Strategy<Value = SchemaDef> {
    shape(states).prop_flat_map(move |shape| {
        let defs = prop::collection::vec(state(shape), states);
        let name = move |at| name(at, states, shape.specials);
        defs.prop_map(move |defs| SchemaDef {
            states: (0..).map(name).zip(defs).collect(),
        })
    })
}

/// Answers of handlers, in some cases hardly a refusal, in others many.
fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let refusals = prop::sample::select(vec![1, 5, 15]);
    refusals.prop_flat_map(|refusals| {
        let answer = prop_oneof![
            50 => Just(Answer::Accept),
            refusals => Just(Answer::Veto),
            1 => Just(Answer::Panic),
            1 => Just(Answer::Timeout),
        ];
        prop::collection::vec(answer, 0..300)
    })
}

#[derive(Clone, Debug)]
struct Request {
    kind: MutationKind,
    called: Vec<StateIdx>,
    is_check: bool,
}

fn request(states: usize) -> impl Strategy<Value = Request> {
    let kind = prop_oneof![
        5 => Just(MutationKind::Add),
        2 => Just(MutationKind::Remove),
        1 => Just(MutationKind::Set),
        1 => Just(MutationKind::Toggle),
    ];
    let called = (0..states).prop_map(|at| StateIdx(u16::try_from(at).expect("few states")));
    let called = prop_oneof![
        3 => prop::collection::vec(called.clone(), 0..4),
        1 => prop::collection::vec(called, 0..=states),
    ];
    (kind, called, prop::bool::weighted(0.1)).prop_map(|(kind, called, is_check)| Request {
        kind,
        called,
        is_check,
    })
}

/// A schema of one of these sizes, and what is asked of it.
fn case(
    sizes: impl Strategy<Value = usize>,
    requests: usize,
) -> impl Strategy<Value = (SchemaDef, Vec<Request>)> {
    sizes.prop_flat_map(move |states| {
        let requests = prop::collection::vec(request(states), 1..requests);
        (schema(states), requests)
    })
}

fn label(handler: Handler, names: &[String]) -> String {
    let name = |state: StateIdx| &names[usize::from(state.0)];
    match handler {
        Handler::Exit(state) => format!("Exit {}", name(state)),
        Handler::Enter(state) => format!("Enter {}", name(state)),
        Handler::Stay(state) => format!("Stay {}", name(state)),
        Handler::Pair(from, to) => format!("Pair {} {}", name(from), name(to)),
        Handler::AnyEnter => "AnyEnter".to_owned(),
        Handler::End(state) => format!("End {}", name(state)),
        Handler::State(state) => format!("State {}", name(state)),
        Handler::AnyState => "AnyState".to_owned(),
    }
}

/// Engine and oracle with the same handlers, asked the same.
struct Both {
    machine: Machine,
    oracle: Oracle,
    names: Vec<String>,
}

impl Both {
    /// Each set has a part of all handlers: those for which its pattern, repeated, says so.
    fn new(def: &SchemaDef, sets: &[Vec<bool>]) -> Self {
        let (schema, _) = Schema::normalise(def);
        let names: Vec<_> = schema.names().map(str::to_owned).collect();
        let mut machine = Machine::new(schema, Options::default());
        let mut labels = Vec::new();
        for pattern in sets {
            let all = handlers(names.len());
            let bound = all.into_iter().zip(pattern.iter().cycle());
            let bound: Vec<_> = bound.filter(|(_, is_bound)| **is_bound).collect();
            let bound: Vec<_> = bound.into_iter().map(|(handler, _)| handler).collect();
            machine.bind(&bound);
            let bound = bound.into_iter().map(|handler| label(handler, &names));
            labels.push(bound.collect::<BTreeSet<_>>());
        }
        let oracle = Oracle::new(def, labels);
        assert_eq!(oracle.names(), names, "order of the index");
        Self {
            machine,
            oracle,
            names,
        }
    }

    fn named(&self, states: &[StateIdx]) -> Vec<String> {
        let names = states.iter().map(|state| &self.names[usize::from(state.0)]);
        names.cloned().collect()
    }

    /// The same mutation on both, with the same answers.
    fn mutate(&mut self, request: &Request, answers: &mut dyn FnMut() -> Answer) {
        let mut given = Vec::new();
        let mut calls = Vec::new();
        let mutation = Mutation::new(request.kind, &request.called);
        let outcome = if request.is_check {
            self.machine.mutate(mutation.check())
        } else {
            self.machine.mutate(mutation)
        };
        assert_eq!(outcome, Outcome::Started);
        loop {
            match self.machine.poll() {
                Poll::Call(call) => {
                    let binding = usize::try_from(call.binding.0).expect("few sets");
                    calls.push((binding, label(call.handler, &self.names)));
                    let answer = answers();
                    given.push(answer);
                    assert!(self.machine.resume(call.tx, call.call_no, answer));
                }
                Poll::Fired | Poll::Args(_) | Poll::Settled => {}
                Poll::Idle => break,
            }
        }
        let executed = self.machine.take_result() == Outcome::Executed;
        let called = self.named(&request.called);
        let mut given = given.into_iter();
        let mut ask = || given.next().unwrap_or(Answer::Accept);
        self.oracle.calls.clear();
        let expected = self
            .oracle
            .mutate(request.kind, &called, request.is_check, &mut ask);
        assert_eq!(calls, self.oracle.calls, "handler calls");
        assert_eq!(executed, expected, "outcome");
        let active = self.named(self.machine.active());
        assert_eq!(active, self.oracle.active, "active states");
        let ticks: Vec<_> = self
            .names
            .iter()
            .map(|name| self.oracle.clock[name])
            .collect();
        assert_eq!(self.machine.clock(), ticks, "clock");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn small_schemas((def, requests) in case(1..8_usize, 12)) {
        let mut both = Both::new(&def, &[]);
        for request in &requests {
            both.mutate(request, &mut || Answer::Accept);
        }
    }

    #[test]
    fn handlers_that_refuse_and_fail(
        (def, requests) in case(1..7_usize, 8),
        sets in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..8), 1..3),
        answers in answers(),
    ) {
        let mut both = Both::new(&def, &sets);
        let mut answers = answers.into_iter();
        for request in &requests {
            both.mutate(request, &mut || answers.next().unwrap_or(Answer::Accept));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// More active states than one block of the sort, more states than one word of a set.
    #[test]
    fn large_schemas((def, requests) in case(prop_oneof![15..40_usize, 60..140_usize], 8)) {
        let mut both = Both::new(&def, &[]);
        for request in &requests {
            both.mutate(request, &mut || Answer::Accept);
        }
    }
}
