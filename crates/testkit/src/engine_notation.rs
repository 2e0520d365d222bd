//! A tiny text notation for schemas, mutations and handler answers, and a player that runs it: for table tests.
//!
//! Schema: `S(+a -b ?c >d auto multi)`, states separated by spaces: Add a, Remove b, Require c, After d. Mutations:
//! `+A B` add, `-A` remove, `=A` set, `~A` toggle, `can+A` and `can-A` check, `front+A` prepended. Answers:
//! `BEnter=veto CState=panic DEnd=timeout`, only at the second call `BEnter@2=veto`, and `BState=+C;-D` queues mutations. Results: `ok [1 0]`, `no [0 0]`:
//! executed or canceled, and all ticks but that of an undeclared `Exception`.
//!
//! Bad notation panics: it is the test's own mistake.

use std::collections::BTreeMap;

use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, Call, Handler, Machine, Mutation, MutationKind, Options, Outcome, Poll, Schema,
    SchemaDef, StateDef,
};

/// Reads a schema.
#[must_use]
pub fn schema(text: &str) -> SchemaDef {
    let mut schema = SchemaDef::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', '(']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let properties = tail.strip_prefix('(').and_then(|tail| tail.split_once(')'));
        let (properties, tail) = properties.unwrap_or(("", tail));
        schema = schema.state(name, state(properties));
        rest = tail.trim_start();
    }
    schema
}

fn state(properties: &str) -> StateDef {
    let mut state = StateDef::new();
    for property in properties.split_whitespace() {
        let list = match property.split_at(1) {
            ("+", _) => &mut state.add,
            ("-", _) => &mut state.remove,
            ("?", _) => &mut state.require,
            (">", _) => &mut state.after,
            _ if property == "auto" => {
                state.auto = true;
                continue;
            }
            _ if property == "multi" => {
                state.multi = true;
                continue;
            }
            _ => panic!("property {property}"),
        };
        list.get_or_insert_default().push(property[1..].to_owned());
    }
    state
}

/// Every handler that a schema can have, by name. Where two have the same name, the one of a single state wins.
#[must_use]
pub fn handler_names(schema: &Schema) -> BTreeMap<String, Handler> {
    let states: Vec<_> = schema.names().zip((0..).map(StateIdx)).collect();
    let mut all = BTreeMap::new();
    for (from_name, from) in &states {
        for (to_name, to) in &states {
            let handler = if from == to {
                Handler::Stay(*from)
            } else {
                Handler::Pair(*from, *to)
            };
            all.insert(format!("{from_name}{to_name}"), handler);
        }
    }
    for (name, state) in states {
        all.insert(format!("{name}Exit"), Handler::Exit(state));
        all.insert(format!("{name}Enter"), Handler::Enter(state));
        all.insert(format!("{name}End"), Handler::End(state));
        all.insert(format!("{name}State"), Handler::State(state));
    }
    all.insert("AnyEnter".to_owned(), Handler::AnyEnter);
    all.insert("AnyState".to_owned(), Handler::AnyState);
    all
}

/// What a handler does when called.
#[derive(Clone, Debug)]
enum Reaction {
    Answer(Answer),
    Mutate(Vec<String>),
}

/// One bound set.
struct Set {
    names: BTreeMap<Handler, String>,
    /// By handler name: at which call, absent = at each.
    reactions: BTreeMap<String, (Option<usize>, Reaction)>,
    calls: BTreeMap<Handler, usize>,
}

/// Which handlers a set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Those that answers are given for.
    Named,
    /// All that the schema can have.
    All,
}

/// A machine with handlers that answer as told.
pub struct Player {
    machine: Machine,
    sets: Vec<Set>,
    declared: usize,
    calls: Vec<String>,
    nested: Vec<Outcome>,
}

impl Player {
    /// A machine of this schema, without handlers.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let def = schema(text);
        let (schema, _) = Schema::normalise(&def);
        Self {
            machine: Machine::new(schema, Options::default()),
            sets: Vec::new(),
            declared: def.states.len(),
            calls: Vec::new(),
            nested: Vec::new(),
        }
    }
    /// Binds a set that answers so.
    #[must_use]
    pub fn bind(mut self, bound: Bound, answers: &str) -> Self {
        let all = handler_names(self.machine.schema());
        let reactions: BTreeMap<_, _> = answers
            .split_whitespace()
            .map(|answer| {
                let (name, reaction) = answer.split_once('=').expect("name=answer");
                let (name, call) = match name.split_once('@') {
                    Some((name, call)) => (name, Some(call.parse().expect("a number"))),
                    None => (name, None),
                };
                assert!(all.contains_key(name), "no handler {name}");
                (name.to_owned(), (call, reaction_of(reaction)))
            })
            .collect();
        let is_bound = |name: &str| bound == Bound::All || reactions.contains_key(name);
        let names: BTreeMap<_, _> = all
            .into_iter()
            .filter(|(name, _)| is_bound(name))
            .map(|(name, handler)| (handler, name))
            .collect();
        let handlers: Vec<_> = names.keys().copied().collect();
        let (_, outcome) = self.machine.bind(&handlers);
        self.sets.push(Set {
            names,
            reactions,
            calls: BTreeMap::new(),
        });
        self.finish(outcome);
        self
    }
    /// The machine.
    #[must_use]
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }
    /// Runs a mutation, or several separated by `;`, and says what came of each.
    pub fn play(&mut self, mutations: &str) -> String {
        let results: Vec<_> = mutations
            .split(';')
            .map(|mutation| {
                let outcome = self.queue(mutation);
                let outcome = match self.finish(outcome) {
                    Outcome::Executed => "ok",
                    Outcome::Canceled => "no",
                    outcome @ (Outcome::Queued(_) | Outcome::Started) => panic!("{outcome:?}"),
                };
                format!("{outcome} {}", self.clock())
            })
            .collect();
        results.join("; ")
    }
    /// All ticks, without an undeclared `Exception`.
    #[must_use]
    pub fn clock(&self) -> String {
        let ticks = self.machine.clock().iter().take(self.declared);
        let ticks: Vec<_> = ticks.map(u64::to_string).collect();
        format!("[{}]", ticks.join(" "))
    }
    /// Active states, in the machine's own order.
    #[must_use]
    pub fn active(&self) -> String {
        let schema = self.machine.schema();
        let names = self
            .machine
            .active()
            .iter()
            .map(|&state| schema.name(state));
        names.collect::<Vec<_>>().join(" ")
    }
    /// Handlers called since the last time this was asked; a prime marks each set after the first.
    pub fn take_calls(&mut self) -> String {
        std::mem::take(&mut self.calls).join(" ")
    }
    /// What handlers were told about the mutations they asked for, since the last time this was asked.
    pub fn take_nested(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.nested)
    }

    fn queue(&mut self, mutation: &str) -> Outcome {
        let at = mutation.find(['+', '-', '=', '~']).expect("a mutation");
        let (mode, tail) = mutation.split_at(at);
        let (kind, names) = tail.split_at(1);
        let kind = match kind {
            "+" => MutationKind::Add,
            "-" => MutationKind::Remove,
            "=" => MutationKind::Set,
            _ => MutationKind::Toggle,
        };
        let schema = self.machine.schema();
        let index = |name: &str| {
            schema
                .index(name)
                .unwrap_or_else(|| panic!("no state {name}"))
        };
        let states: Vec<_> = names
            .split([' ', ','])
            .filter(|name| !name.is_empty())
            .collect();
        let states: Vec<_> = states.into_iter().map(index).collect();
        let mutation = Mutation::new(kind, &states);
        self.machine.mutate(match mode.trim() {
            "" => mutation,
            "can" => mutation.check(),
            "front" => mutation.in_front(),
            mode => panic!("mode {mode}"),
        })
    }
    fn finish(&mut self, outcome: Outcome) -> Outcome {
        if outcome != Outcome::Started {
            return outcome;
        }
        loop {
            match self.machine.poll() {
                Poll::Call(call) => self.call(call),
                Poll::Fired | Poll::Args(_) | Poll::Settled => {}
                Poll::Idle => return self.machine.take_result(),
            }
        }
    }
    fn call(&mut self, call: Call) {
        let at = call.binding.0 as usize;
        let set = &mut self.sets[at];
        let name = set.names[&call.handler].clone();
        let count = set.calls.entry(call.handler).or_default();
        *count += 1;
        let reaction = set.reactions.get(&name);
        let reaction = reaction.filter(|(at, _)| at.is_none_or(|at| at == *count));
        let reaction = reaction.map(|(_, reaction)| reaction.clone());
        self.calls.push(format!("{name}{}", "'".repeat(at)));
        let answer = match reaction {
            None => Answer::Accept,
            Some(Reaction::Answer(answer)) => answer,
            Some(Reaction::Mutate(mutations)) => {
                for mutation in mutations {
                    let outcome = self.queue(&mutation);
                    self.nested.push(outcome);
                }
                Answer::Accept
            }
        };
        assert!(
            self.machine.resume(call.tx, call.call_no, answer),
            "answer to {name} refused"
        );
    }
}

fn reaction_of(text: &str) -> Reaction {
    Reaction::Answer(match text {
        "accept" => Answer::Accept,
        "veto" => Answer::Veto,
        "panic" => Answer::Panic,
        "timeout" => Answer::Timeout,
        mutations => return Reaction::Mutate(mutations.split(';').map(str::to_owned).collect()),
    })
}
