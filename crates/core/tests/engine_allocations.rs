//! The path of a mutation allocates nothing once the scratch lists have grown, and what was large once is given back.

#[path = "common/allocator.rs"]
mod allocator;

use allocator::{allocations, bytes};
use statemesh_core::engine::{
    Handler, Machine, Mutation, Options, Outcome, Poll, Schema, Wait, WaitId,
};
use statemesh_core::{QueueTick, StateIdx};
use statemesh_testkit::engine_notation::schema;

fn machine(text: &str) -> Machine {
    let (schema, problems) = Schema::normalise(&schema(text));
    assert_eq!(problems, []);
    Machine::new(schema, Options::default())
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}

#[test]
fn a_toggle_of_two_exclusive_states() {
    let mut machine = machine("A(-B) B(-A)");
    let (a, b) = ([StateIdx(0)], [StateIdx(1)]);
    let mut toggle = || {
        assert_eq!(machine.apply(Mutation::add(&a)), Outcome::Executed);
        assert_eq!(machine.apply(Mutation::add(&b)), Outcome::Executed);
    };
    toggle();
    assert_eq!(allocations(|| (0..1_000).for_each(|_| toggle())), 0);
}

#[test]
fn a_flow_of_ten_states() {
    let mut machine = machine(
        "Start Idle(auto -Busy) Busy(-Idle) Fetch(?Start +Busy -Parse -Store) Parse(?Start +Busy -Fetch -Store) \
         Store(?Start +Busy -Fetch -Parse >Busy) Done(multi -Busy -Fetch -Parse -Store) Retry(multi ?Start) \
         Ready(?Start) Exception(multi)",
    );
    let index = |name| [machine.schema().index(name).unwrap()];
    let steps = ["Fetch", "Parse", "Retry", "Store", "Done"].map(index);
    let (start, ready, done) = (index("Start"), index("Ready"), steps[4]);
    let states = (0..10).map(StateIdx);
    let handlers: Vec<_> = states
        .flat_map(|state| {
            [
                Handler::Enter(state),
                Handler::State(state),
                Handler::Stay(state),
            ]
        })
        .chain([
            Handler::Pair(start[0], ready[0]),
            Handler::AnyEnter,
            Handler::AnyState,
        ])
        .collect();
    machine.bind(&handlers);
    let mut flow = || {
        machine.apply(Mutation::add(&[start[0], ready[0]]));
        for step in &steps {
            assert_eq!(machine.apply(Mutation::add(step)), Outcome::Executed);
        }
        machine.apply(Mutation::toggle(&ready).check());
        assert_eq!(
            machine.apply(Mutation::remove(&[start[0], done[0]])),
            Outcome::Executed
        );
    };
    flow();
    assert_eq!(allocations(|| (0..1_000).for_each(|_| flow())), 0);
}

#[test]
fn pending_waits_cost_no_allocation() {
    let mut machine = machine_with_waits();
    let a = [StateIdx(0)];
    machine.apply(Mutation::add(&a));
    machine.apply(Mutation::remove(&a));
    let mut toggle = || {
        machine.apply(Mutation::toggle(&a));
    };
    assert_eq!(allocations(|| (0..1_000).for_each(|_| toggle())), 0);
}

/// A million of them, registered and dropped in another order: within seconds, and without a trace.
#[test]
fn a_million_dropped_waits_leave_no_memory() {
    const WAITS: usize = 1_000_000;
    let mut machine = machine_of(400);
    let before = bytes();
    // Something is being done, so that the queue can be waited for.
    machine.mutate(Mutation::add(&[StateIdx(0)]));
    let waits: Vec<_> = (0..WAITS).map(|at| wait(&mut machine, at)).collect();
    let mut distinct = waits.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), WAITS, "all wait for something else");
    drop(distinct);
    // A step that has no factor in common with their number visits each once.
    for at in 0..WAITS {
        machine.forget(waits[at * 617_283 % WAITS]);
    }
    drop(waits);
    let left = bytes().wrapping_sub(before);
    assert!(left < 100_000, "{left} bytes are left");
    while machine.poll() != Poll::Idle {
        assert_eq!(machine.fired(), []);
    }
}

/// So many states, the upper half active.
fn machine_of(states: u16) -> Machine {
    let names: Vec<_> = (0..states).map(|at| format!("S{at}")).collect();
    let mut machine = machine(&names.join(" "));
    let half: Vec<_> = (states / 2..states).map(StateIdx).collect();
    machine.apply(Mutation::add(&half));
    machine
}

/// The wait number `at`, each for something else, of all kinds in turn.
fn wait(machine: &mut Machine, at: usize) -> WaitId {
    let number = at / 5;
    let index = |at: usize| StateIdx(u16::try_from(at).expect("few states"));
    // One of each sixty states: that makes 216,000 sets.
    let three = |first: usize| {
        let digits = [number % 60, 60 + number / 60 % 60, 120 + number / 3_600];
        digits.map(|digit| index(first + digit))
    };
    let wait = match at % 5 {
        0 => machine.when(&three(0)),
        1 => machine.when_not(&three(200)),
        2 => machine.when_time(&[index(0)], &[100 + number as u64]),
        3 => machine.when_queue(QueueTick(1_000 + number as u64)),
        _ => machine.when_queue_ends(),
    };
    match wait {
        Wait::Pending(wait) => wait,
        Wait::Ready => panic!("true already"),
    }
}

/// Thousands of waits, none of which can fire by toggling the first state.
fn machine_with_waits() -> Machine {
    let mut machine = machine("A B C");
    for tick in 1..5_000 {
        machine.when_time(&[StateIdx(1)], &[tick]);
    }
    machine.when(&[StateIdx(0), StateIdx(2)]);
    machine
}

/// Schema aside: it is shared.
#[test]
fn an_idle_machine_of_seven_states_holds_a_kibibyte() {
    let text = "Start Ready(auto ?Start) Busy(-Idle) Idle(-Busy) Seen(multi) Done(?Start) \
        Exception(multi)";
    let (schema, _) = Schema::normalise(&schema(text));
    assert_eq!(schema.len(), 7);
    let before = bytes();
    let mut machine = Box::new(Machine::new(schema, Options::default()));
    for round in 0..250 {
        for states in [[0, 2], [3, 4], [5, 2], [3, 0]] {
            let called = states.map(StateIdx);
            let mutation = match round % 3 {
                2 => Mutation::remove(&called[..1]),
                _ => Mutation::add(&called),
            };
            assert_eq!(machine.apply(mutation), Outcome::Executed);
        }
    }
    let held = bytes() - before;
    assert!(held <= 1024, "{held} bytes");
}
