//! Same inputs, same outputs, byte for byte, natively and in a browser: everything that can be seen of many machines
//! goes into one hash, and both targets must come to the same number.
//!
//! Natively it runs with the other tests; for wasm32, `cargo test -p statemesh-core --target wasm32-unknown-unknown
//! --test one_hash`. A change of behaviour or of a text changes the number, and the failed test names the new one; that
//! it comes out on both targets is what counts.

use std::fmt::{self, Write};

use statemesh_core::engine::{
    Answer, Export, Handler, LogLevel, Logger, Machine, Mutation, MutationKind, Options, Outcome,
    Poll, QueuedView, Schema, SchemaDef, StateDef, Step, Tracer, TransitionView,
};
use statemesh_core::{QueueTick, StateIdx};

const EXPECTED: u64 = 0x5813_fc0b_12a1_96db;
const MACHINES: u64 = 300;

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn both_targets_come_to_the_same_number() {
    let mut hash = Fnv::default();
    for seed in 0..MACHINES {
        life(&mut Random(seed), &mut hash).expect("a hash takes everything");
    }
    assert_eq!(format!("{:#x}", hash.0), format!("{EXPECTED:#x}"));
}

/// One machine from its schema to its export, and what came to light.
fn life(random: &mut Random, seen: &mut Fnv) -> fmt::Result {
    let states = match random.below(10) {
        0 => 60 + random.below(60),
        few => few,
    };
    let def = schema(random, states);
    let (schema, problems) = Schema::normalise(&def);
    writeln!(
        seen,
        "{problems:?} {:?}",
        Schema::parse(&def).map(|(_, warnings)| warnings)
    )?;
    let mut machine = Machine::new(schema, Options { queue_limit: 6 });
    for _ in 0..random.below(3) {
        let handlers: Vec<_> = (0..random.below(4 * states + 1))
            .map(|_| handler(random, states))
            .collect();
        machine.bind(&handlers);
    }
    if random.one_in(2) {
        let mut lines = String::new();
        let schema = machine.schema().clone();
        let mut logger = Logger::new(
            schema,
            "machine",
            LogLevel::Everything,
            |level, line: &str| {
                let _ = writeln!(lines, "{level} {line}");
            },
        );
        use_it(&mut machine, random, &mut logger, seen)?;
        drop(logger);
        seen.write_str(&lines)?;
    } else {
        let mut recorder = Recorder::new(&machine);
        use_it(&mut machine, random, &mut recorder, seen)?;
        seen.write_str(&recorder.text)?;
    }
    go_on(&mut machine, &def, seen)
}

/// Waits, mutations, and handlers that mutate, too.
fn use_it<T: Tracer>(
    machine: &mut Machine,
    random: &mut Random,
    tracer: &mut T,
    seen: &mut Fnv,
) -> fmt::Result {
    let states = machine.schema().len() as u64;
    for _ in 0..12 {
        let awaited = random.states(states);
        let wait = match random.below(5) {
            0 => machine.when(&awaited),
            1 => machine.when_not(&awaited),
            2 => machine.when_time(&awaited, &vec![random.below(9); awaited.len()]),
            3 => machine.when_queue(QueueTick(random.below(20))),
            _ => machine.when_queue_ends(),
        };
        let outcome = mutate(machine, random, states, tracer);
        writeln!(seen, "{wait:?} {outcome:?}")?;
        loop {
            let poll = machine.poll_traced(tracer);
            writeln!(seen, "{poll:?} {:?}", machine.fired())?;
            match poll {
                Poll::Call(call) => {
                    if random.one_in(6) {
                        let outcome = mutate(machine, random, states, tracer);
                        writeln!(seen, "{outcome:?} {}", machine.queue_len())?;
                    }
                    let answer = answer(random);
                    machine.resume(call.tx, call.call_no, answer);
                }
                Poll::Fired | Poll::Args(_) | Poll::Settled => {}
                Poll::Idle => break,
            }
        }
        writeln!(
            seen,
            "{:?} {machine} {:?}",
            machine.take_result(),
            machine.active()
        )?;
    }
    Ok(())
}

/// Export, import into a younger machine, a larger schema, texts.
fn go_on(machine: &mut Machine, def: &SchemaDef, seen: &mut Fnv) -> fmt::Result {
    let export = machine.export("machine");
    writeln!(seen, "{} {export:?}", machine.inspect())?;
    let mut younger = Machine::new(machine.schema().clone(), Options::default());
    let reversed = Export {
        state_names: export.state_names.iter().rev().cloned().collect(),
        ..export
    };
    writeln!(
        seen,
        "{:?} {younger:#}",
        younger.import("machine", &reversed)
    )?;
    let larger = def.clone().state("New", StateDef::new().auto());
    let replaced = machine.replace_schema(Schema::normalise(&larger).0);
    writeln!(
        seen,
        "{replaced:?} {machine:#} {:?}",
        machine.apply(Mutation::toggle(&[StateIdx(0)]))
    )?;
    writeln!(seen, "{machine:#} {}", machine.machine_time())
}

fn mutate<T: Tracer>(
    machine: &mut Machine,
    random: &mut Random,
    states: u64,
    tracer: &mut T,
) -> Outcome {
    let kind = match random.below(6) {
        0 => MutationKind::Remove,
        1 => MutationKind::Set,
        2 => MutationKind::Toggle,
        _ => MutationKind::Add,
    };
    let called = random.states(states);
    let mut mutation = Mutation::new(kind, &called);
    if random.one_in(10) {
        mutation = mutation.check();
    }
    if random.one_in(10) {
        mutation = mutation.in_front();
    }
    machine.mutate_traced(mutation, tracer)
}

fn schema(random: &mut Random, states: u64) -> SchemaDef {
    let list = |random: &mut Random| {
        let names = (0..random.below(3)).map(|_| format!("S{}", random.below(states + 1)));
        let names: Vec<_> = names.collect();
        (!names.is_empty()).then_some(names)
    };
    let states = (0..states).map(|at| {
        let def = StateDef {
            auto: random.one_in(5),
            multi: random.one_in(4),
            require: list(random).filter(|_| random.one_in(3)),
            add: list(random),
            remove: list(random),
            after: list(random),
            tags: None,
        };
        (format!("S{at}"), def)
    });
    SchemaDef {
        states: states.collect(),
    }
}

fn handler(random: &mut Random, states: u64) -> Handler {
    let (from, to) = (random.state(states), random.state(states));
    match random.below(8) {
        0 => Handler::Exit(from),
        1 => Handler::Enter(from),
        2 => Handler::Stay(from),
        3 => Handler::Pair(from, to),
        4 => Handler::AnyEnter,
        5 => Handler::End(from),
        6 => Handler::State(from),
        _ => Handler::AnyState,
    }
}

fn answer(random: &mut Random) -> Answer {
    match random.below(30) {
        0..=2 => Answer::Veto,
        3 => Answer::Panic,
        4 => Answer::Timeout,
        _ => Answer::Accept,
    }
}

/// Writes down what the engine tells.
struct Recorder {
    schema: std::sync::Arc<Schema>,
    steps: Vec<Step>,
    text: String,
}

impl Recorder {
    fn new(machine: &Machine) -> Self {
        Self {
            schema: machine.schema().clone(),
            steps: Vec::new(),
            text: String::new(),
        }
    }
}

impl Tracer for Recorder {
    const STEPS: bool = true;

    fn mutation_queued(&mut self, mutation: QueuedView<'_>) {
        let asked = self.schema.call_text(mutation.kind, mutation.called);
        let _ = writeln!(
            self.text,
            "{asked} {:?} {}",
            mutation.queue_tick, mutation.queue_len
        );
    }
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        let text = transition.text(&self.schema, &self.steps);
        let _ = writeln!(
            self.text,
            "{text}\n{:?}",
            (transition.accepted, transition.target)
        );
        self.steps.clear();
    }
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// 0 for no choice at all.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
    fn state(&mut self, states: u64) -> StateIdx {
        StateIdx(u16::try_from(self.below(states)).unwrap_or_default())
    }
    /// A few, or many.
    fn states(&mut self, states: u64) -> Vec<StateIdx> {
        let most = if self.one_in(8) { states } else { 3 };
        (0..self.below(most + 1))
            .map(|_| self.state(states))
            .collect()
    }
}
