//! Our own answer wherever the reference has a defect (machine.md 12.1), by the defect's number.

use statemesh_core::engine::{Machine, Mutation, Options, Outcome, Poll, Schema, Wait};
use statemesh_core::{QueueTick, StateIdx};
use statemesh_testkit::engine_notation::{Bound, Player, schema};

/// What the last of `mutations` came to, and who is active then.
#[track_caller]
fn check(schema: &str, answers: &str, mutations: &str, expected: &str) {
    let mut player = Player::new(schema).bind(Bound::Named, answers);
    let results = player.play(mutations);
    let result = results.rsplit("; ").next().unwrap_or_default();
    let actual = format!("{result} {}", player.active());
    assert_eq!(actual, expected, "{schema}: {mutations}, {answers}");
}

fn machine(text: &str) -> Machine {
    Machine::new(Schema::normalise(&schema(text)).0, Options::default())
}

/// B1: candidates in index order, roots of the topology in the order of their names; always the same.
#[test]
fn b1_auto_states_are_tried_in_index_order() {
    for _ in 0..20 {
        check("A(auto -B) B(auto -A) X", "", "+X", "ok [1 0 1] A X");
        check("B(auto -A) A(auto -B) X", "", "+X", "ok [1 0 1] B X");
    }
}

/// B2: a wait for a queue tick fires though its mutation is canceled and nothing follows.
#[test]
fn b2_a_canceled_mutation_ends_its_wait() {
    let mut machine = machine("A B(-A)");
    machine.mutate(Mutation::add(&[StateIdx(1)]));
    let canceled = machine.mutate(Mutation::add(&[StateIdx(0)]));
    assert_eq!(canceled, Outcome::Queued(QueueTick(3)));
    let Wait::Pending(wait) = machine.when_queue(QueueTick(3)) else {
        panic!("not pending");
    };
    assert_eq!(machine.poll(), Poll::Fired);
    assert_eq!(machine.fired(), [wait]);
    assert_eq!(
        (machine.poll(), machine.clock()),
        (Poll::Idle, [0, 1, 0].as_slice())
    );
}

/// B3: a panic while `Exception` is called leaves a machine that works.
#[test]
fn b3_a_panic_in_an_exception_is_survived() {
    let answers = "ExceptionEnter@1=panic";
    check("A", answers, "+Exception", "no [0] ");
    check("A", answers, "+Exception; +A", "ok [1] A");
}

/// B4: the repair of a broken final phase undoes what did not happen and adds nothing.
#[test]
fn b4_a_repair_only_undoes() {
    let multi = "M(multi) B D Exception(multi)";
    check(
        multi,
        "BState=panic",
        "+M; +M B",
        "no [3 2 0 1] Exception M",
    );
    check(multi, "DEnd=panic", "=D; =M", "no [1 0 2 1] Exception M");
    check(
        multi,
        "AnyState@2=panic",
        "+B; +M",
        "no [1 1 0 1] Exception M B",
    );
}

/// B5: an Auto state whose Exit handler says no in an auto transition stays active.
#[test]
fn b5_an_auto_state_may_refuse_to_end() {
    let schema = "A(auto) B(auto -A ?C) C";
    check(schema, "AExit=veto", "+A; +C", "ok [1 0 1] A C");
}

/// B11: a skipped duplicate answers with the queue tick of its equal.
#[test]
fn b11_a_duplicate_can_be_waited_for() {
    let mut machine = machine("A B");
    let b = [StateIdx(1)];
    machine.mutate(Mutation::add(&[StateIdx(0)]));
    let first = machine.mutate(Mutation::add(&b));
    assert_eq!(first, Outcome::Queued(QueueTick(3)));
    assert_eq!(machine.mutate(Mutation::add(&b)), first);
    assert_eq!(machine.queue_len(), 2);
}

/// B12: queue ticks of dropped mutations are passed over, never given twice.
#[test]
fn b12_dropped_queue_ticks_are_not_used_again() {
    let mut machine = machine("A B");
    machine.mutate(Mutation::add(&[StateIdx(0)]));
    let dropped = machine.mutate(Mutation::add(&[StateIdx(1)]));
    assert_eq!(dropped, Outcome::Queued(QueueTick(3)));
    machine.dispose();
    assert_eq!(machine.queue_tick(), QueueTick(3));
}

/// B13: every stay handler of an auto transition runs, and the Auto state that rejects drops out alone: one that was
/// active before stays so, and does not cancel the others.
#[test]
fn b13_a_rejecting_auto_state_drops_out_alone() {
    let schema = "A(auto) B(auto) C(auto ?D) D";
    check(
        schema,
        "AA@2=veto BB=accept",
        "+A B; +D",
        "ok [1 1 1 1] A B D C",
    );
}

/// B22: a wait for two states looks at the end of a transition, not into its middle.
#[test]
fn b22_states_that_pass_each_other_are_not_active_together() {
    let mut machine = machine("A B");
    let (a, b) = (StateIdx(0), StateIdx(1));
    machine.apply(Mutation::add(&[a]));
    let Wait::Pending(wait) = machine.when(&[a, b]) else {
        panic!("not pending");
    };
    machine.apply(Mutation::set(&[b]));
    assert_eq!(machine.fired(), []);
    machine.apply(Mutation::add(&[a]));
    assert_eq!(machine.fired(), [wait]);
}

/// 4.3.4: a check is refused like the mutation it stands for, Multi states or not.
#[test]
fn a_check_of_a_multi_state_is_as_strict_as_the_mutation() {
    let schema = "A(?B) B M(multi)";
    check(schema, "", "can+A M", "no [0 0 0] ");
    check(schema, "", "+A M", "no [0 0 0] ");
    check(schema, "", "can+M", "ok [0 0 0] ");
}

/// 5.6: a negotiation handler that panics cancels an auto transition like any other.
#[test]
fn a_panicking_auto_state_cancels() {
    let schema = "A(auto) B(auto) C Exception(multi -A -B)";
    check(schema, "AEnter@1=panic", "+C", "ok [0 0 1 1] Exception C");
}
