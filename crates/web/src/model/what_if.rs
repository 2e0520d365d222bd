//! What if: the engine itself, in this tab, given a machine's schema and clock and one mutation. Nothing is sent and no
//! handler runs, so the owner may still veto.

use std::sync::{Arc, Mutex};

use statemesh::core::QueueTick;
use statemesh::core::engine::{Export, MutationKind};
use statemesh::machine::{Machine, Transition};

use super::{SchemaFacts, is_active};

/// What would become of a mutation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// It would be carried out.
    pub accepted: bool,
    /// States that would go on.
    pub on: Vec<usize>,
    /// States that would go off.
    pub off: Vec<usize>,
    /// Of those on, which the engine would call by itself.
    pub by_itself: Vec<usize>,
    /// Active states in the end.
    pub active: Vec<usize>,
    /// Who blocks it, when it would be refused.
    pub blocks: Vec<Block>,
}

/// Why a called state cannot come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// It requires a state that would be off.
    Needs(usize, usize),
    /// It requires a state that is not in the schema.
    Ghost(usize),
    /// Another removes it.
    Removes(usize, usize),
}

/// Asks the engine. `None`: it would not take this schema and clock.
#[must_use]
pub fn what_if(
    schema: &SchemaFacts,
    clock: &[u64],
    kind: MutationKind,
    called: &[usize],
) -> Option<WhatIf> {
    let def = schema.def();
    let names: Vec<String> = def.states.iter().map(|(name, _)| name.clone()).collect();
    let machine = Machine::new("what-if", def);
    // The engine has an `Exception` of its own where the schema has none.
    let mut ticks = clock.to_vec();
    ticks.resize(names.len(), 0);
    let mut state_names = names.clone();
    ticks.resize(machine.clock().len(), 0);
    if state_names.len() < ticks.len() {
        state_names.push("Exception".to_owned());
    }
    let export = Export {
        id: "what-if".to_owned(),
        state_names,
        time: ticks.into(),
        queue_tick: QueueTick(0),
        machine_tick: 0,
    };
    machine.import(&export).ok()?;
    let seen: Arc<Mutex<Vec<Transition>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let _guard = machine.trace(move |transition| {
        if let Ok(mut list) = sink.lock() {
            list.push(transition.clone());
        }
    });
    let wanted: Vec<String> = called
        .iter()
        .filter_map(|at| names.get(*at).cloned())
        .collect();
    match kind {
        MutationKind::Add => machine.add(wanted),
        MutationKind::Remove => machine.remove(wanted),
        MutationKind::Set => machine.set(wanted),
        MutationKind::Toggle => machine.toggle(wanted),
    }
    .ok()?;
    let after = machine.clock();
    let transitions = seen.lock().ok()?;
    let first = transitions.first();
    let states = 0..schema.states.len();
    let (was, is) = (
        |at: &usize| is_active(clock, *at),
        |at: &usize| is_active(&after, *at),
    );
    // Nothing to do is no refusal: the engine skips what changes nothing.
    let accepted = first.is_none_or(|first| first.accepted);
    let on: Vec<usize> = states.clone().filter(|at| !was(at) && is(at)).collect();
    let first_clock = first.map(|first| &first.clock_after[..]);
    let later = |at: &usize| first_clock.is_some_and(|clock| !is_active(clock, *at));
    Some(WhatIf {
        by_itself: on.iter().copied().filter(later).collect(),
        on,
        off: states.clone().filter(|at| was(at) && !is(at)).collect(),
        active: states.filter(is).collect(),
        blocks: if accepted {
            Vec::new()
        } else {
            blocks(schema, clock, kind, called)
        },
        accepted,
    })
}

/// Reads off the schema what stands in the way of called states.
fn blocks(schema: &SchemaFacts, clock: &[u64], kind: MutationKind, called: &[usize]) -> Vec<Block> {
    let adds = |at: usize| {
        let mut states = schema.states.iter().enumerate();
        // Active Multi states imply again what they add.
        states.any(|(by, facts)| {
            let again = facts.multi && kind == MutationKind::Add && is_active(clock, by);
            (called.contains(&by) || again) && facts.adds.contains(&at)
        })
    };
    let stays = |at: usize| kind == MutationKind::Add && is_active(clock, at);
    let is_there = |at: usize| called.contains(&at) || adds(at) || stays(at);
    let mut blocks = Vec::new();
    for &state in called {
        let Some(facts) = schema.states.get(state) else {
            continue;
        };
        blocks.extend(facts.unknown.iter().map(|_| Block::Ghost(state)));
        let unmet = facts.requires.iter().filter(|at| !is_there(**at));
        blocks.extend(unmet.map(|&needed| Block::Needs(state, needed)));
        let removers = facts.removed_by.iter().copied();
        let removers = removers.filter(|&by| {
            by != state && is_there(by) && (called.contains(&by) || !facts.removes.contains(&by))
        });
        blocks.extend(removers.map(|by| Block::Removes(by, state)));
    }
    blocks
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;
    use statemesh::core::engine::{Machine as Engine, Mutation, Options, Outcome, Poll, Schema};
    use statemesh::{SchemaDef, StateDef, StateIdx};

    use super::*;

    const STATES: usize = 7;

    fn schema() -> impl Strategy<Value = SchemaDef> {
        let some = || prop::collection::vec(0..STATES + 1, 0..3);
        let state = (
            any::<bool>(),
            prop::bool::weighted(0.3),
            some(),
            some(),
            some(),
            some(),
        );
        prop::collection::vec(state, STATES).prop_map(|states| {
            // One name too many: required, it is a state that does not exist.
            let names = |list: Vec<usize>| {
                list.into_iter()
                    .map(|at| format!("S{at}"))
                    .collect::<Vec<_>>()
            };
            let mut def = SchemaDef::new();
            for (at, (multi, auto, add, require, remove, after)) in states.into_iter().enumerate() {
                let known =
                    |list: Vec<usize>| names(list.into_iter().filter(|at| *at < STATES).collect());
                let state = StateDef {
                    multi,
                    auto,
                    add: Some(known(add)),
                    require: Some(names(require)),
                    remove: Some(known(remove)),
                    after: Some(known(after)),
                    tags: None,
                };
                def = def.state(format!("S{at}"), state);
            }
            def
        })
    }

    /// The engine as an application drives it, on the schema as it was written.
    fn natively(
        def: &SchemaDef,
        clock: &[u64],
        kind: MutationKind,
        called: &[usize],
    ) -> (bool, Vec<u64>) {
        let (schema, _) = Schema::normalise(def);
        let mut engine = Engine::new(schema, Options::default());
        let mut export = engine.export("m");
        export.time = clock.to_vec().into();
        engine.import("m", &export).unwrap();
        let called: Vec<StateIdx> = called.iter().map(|at| StateIdx(*at as u16)).collect();
        let outcome = engine.mutate(Mutation::new(kind, &called));
        while engine.poll() != Poll::Idle {}
        let outcome = match outcome {
            Outcome::Started => engine.take_result(),
            at_once => at_once,
        };
        (outcome != Outcome::Canceled, engine.clock().to_vec())
    }

    fn kind() -> impl Strategy<Value = MutationKind> {
        prop_oneof![
            Just(MutationKind::Add),
            Just(MutationKind::Remove),
            Just(MutationKind::Set)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn d51_the_answer_is_the_engines_own(
            def in schema(),
            ticks in prop::collection::vec(0_u64..4, STATES + 1),
            kind in kind(),
            called in prop::collection::btree_set(0..STATES, 1..4),
        ) {
            let called: Vec<usize> = called.into_iter().collect();
            let (normal, _) = Schema::normalise(&def);
            let facts = SchemaFacts::new(normal.def());
            let answer = what_if(&facts, &ticks, kind, &called).unwrap();
            let (is_accepted, clock) = natively(&def, &ticks, kind, &called);
            prop_assert_eq!(answer.accepted, is_accepted);
            let active: Vec<usize> = (0..clock.len()).filter(|at| clock[*at] % 2 == 1).collect();
            prop_assert_eq!(&answer.active, &active);
            let begun = |at: &usize| ticks[*at] % 2 == 0;
            prop_assert_eq!(&answer.on, &active.iter().copied().filter(begun).collect::<Vec<_>>());
            prop_assert!(answer.by_itself.iter().all(|at| answer.on.contains(at)));
            prop_assert!(!answer.accepted || answer.blocks.is_empty());
        }
    }

    #[test]
    fn who_blocks_is_named() {
        let def = SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().require(["Start"]))
            .state("Stop", StateDef::new().remove(["Ready"]))
            .state("Odd", StateDef::new().require(["Ghost"]));
        let facts = SchemaFacts::new(&def);
        let ask =
            |clock: &[u64], kind, called: &[usize]| what_if(&facts, clock, kind, called).unwrap();
        let add = MutationKind::Add;
        let refused = ask(&[0, 0, 0, 0], add, &[1]);
        assert!(!refused.accepted && refused.on.is_empty());
        assert_eq!(refused.blocks, [Block::Needs(1, 0)]);
        let refused = ask(&[1, 0, 1, 0], add, &[1]);
        assert!(!refused.accepted);
        assert_eq!(refused.blocks, [Block::Removes(2, 1)]);
        assert_eq!(ask(&[1, 0, 0, 0], add, &[3]).blocks, [Block::Ghost(3)]);
        let multi = SchemaDef::new()
            .state("A", StateDef::new())
            .state("B", StateDef::new().remove(["A"]))
            .state("Many", StateDef::new().multi().add(["B"]));
        let multi = what_if(&SchemaFacts::new(&multi), &[0, 2, 1], add, &[0]).unwrap();
        assert!(!multi.accepted);
        assert_eq!(multi.blocks, [Block::Removes(1, 0)]);
        let both = ask(&[0, 0, 0, 0], add, &[0, 1]);
        assert!(both.accepted);
        assert_eq!((both.on, both.active), (vec![0, 1], vec![0, 1]));
        let set = ask(&[1, 1, 0, 0], MutationKind::Set, &[2]);
        assert_eq!((set.on, set.off), (vec![2], vec![0, 1]));
    }

    #[test]
    fn a_state_the_engine_would_add_by_itself_is_left_alone_and_auto_is_told() {
        let def = SchemaDef::new()
            .state("MachineRestored", StateDef::new())
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start"]));
        let facts = SchemaFacts::new(&def);
        let answer = what_if(&facts, &[0, 0, 0], MutationKind::Add, &[1]).unwrap();
        assert_eq!((answer.on, answer.by_itself), (vec![1, 2], vec![2]));
    }
}
