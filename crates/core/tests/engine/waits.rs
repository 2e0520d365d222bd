//! Waits for activity and for ticks, on machines and on plain clocks.

use std::sync::Arc;

use statemesh_core::engine::{
    Answer, Handler, Machine, Mutation, MutationKind, Options, Outcome, Poll, QueueFilter, Schema,
    Subscriptions, Wait, WaitId,
};
use statemesh_core::{QueueTick, StateIdx};
use statemesh_testkit::engine_notation::schema;

const A: StateIdx = StateIdx(0);
const B: StateIdx = StateIdx(1);
const C: StateIdx = StateIdx(2);

fn machine(text: &str) -> Machine {
    let (schema, _) = Schema::normalise(&schema(text));
    Machine::new(schema, Options::default())
}

#[track_caller]
fn pending(wait: Wait) -> WaitId {
    match wait {
        Wait::Pending(id) => id,
        Wait::Ready => panic!("true already"),
    }
}

#[test]
fn fire_at_the_end_of_the_transition_that_makes_them_true() {
    let mut machine = machine("A B C");
    let both = pending(machine.when(&[A, B]));
    let neither = machine.when_not(&[A, B]);
    assert_eq!(neither, Wait::Ready);
    machine.apply(Mutation::add(&[A]));
    assert_eq!(machine.fired(), []);
    let ended = pending(machine.when_not(&[A, B]));
    machine.apply(Mutation::set(&[B]));
    assert_eq!(machine.fired(), [], "A has just left");
    machine.apply(Mutation::add(&[A]));
    assert_eq!(machine.fired(), [both]);
    machine.apply(Mutation::remove(&[A, B]));
    assert_eq!(machine.fired(), [ended]);
}

#[test]
fn a_state_active_for_one_transition_is_seen() {
    let mut machine = machine("A B(auto -A)");
    let seen = pending(machine.when(&[A]));
    machine.apply(Mutation::add(&[A]));
    assert_eq!(machine.clock(), [2, 1, 0]);
    assert_eq!(machine.fired(), [seen]);
}

#[test]
fn equal_waits_share_their_id_until_all_forgot_it() {
    let mut machine = machine("A B C");
    let first = pending(machine.when(&[A, B]));
    assert_eq!(machine.when(&[B, A, B]), Wait::Pending(first));
    assert_ne!(machine.when(&[A]), Wait::Pending(first));
    machine.apply(Mutation::add(&[C]));
    assert_ne!(machine.when_not(&[C]), Wait::Pending(first));
    machine.forget(first);
    machine.apply(Mutation::add(&[A, B]));
    assert_eq!(machine.fired().len(), 2);
    let other = pending(machine.when_not(&[A]));
    machine.forget(other);
    machine.forget(other);
    machine.apply(Mutation::remove(&[A]));
    assert_eq!(machine.fired(), []);
}

#[test]
fn ticks() {
    let mut machine = machine("A B(multi) C");
    assert_eq!(machine.when_time(&[A], &[0]), Wait::Ready);
    assert_eq!(
        machine.when_time(&[A, B], &[1]),
        Wait::Ready,
        "lengths differ"
    );
    let times = pending(machine.when_time(&[A, B], &[1, 3]));
    let again = pending(machine.when_next_active(A));
    let two = pending(machine.when_ticks(A, 2));
    machine.apply(Mutation::add(&[A, B]));
    assert_eq!(machine.fired(), [again]);
    machine.apply(Mutation::remove(&[A]));
    assert_eq!(machine.fired(), [two]);
    machine.apply(Mutation::add(&[B]));
    assert_eq!(machine.fired(), [times], "A had reached its tick before");
    let again = pending(machine.when_next_active(B));
    machine.apply(Mutation::remove(&[B]));
    assert_eq!(machine.fired(), []);
    machine.apply(Mutation::add(&[B]));
    assert_eq!(machine.fired(), [again]);
}

#[test]
fn queue_ticks_and_the_end_of_the_drain() {
    let mut machine = machine("A B(-A) C");
    assert_eq!(machine.when_queue(QueueTick(1)), Wait::Ready);
    assert_eq!(machine.when_queue_ends(), Wait::Ready);
    machine.mutate(Mutation::add(&[B]));
    let canceled = machine.mutate(Mutation::add(&[A]));
    assert_eq!(canceled, Outcome::Queued(QueueTick(3)));
    machine.mutate(Mutation::add(&[C]));
    let third = pending(machine.when_queue(QueueTick(3)));
    let fourth = pending(machine.when_queue(QueueTick(4)));
    let dropped = pending(machine.when_queue(QueueTick(4)));
    let end = pending(machine.when_queue_ends());
    machine.forget(dropped);
    for wait in [third, fourth, end] {
        assert_eq!(machine.poll(), Poll::Fired);
        assert_eq!(machine.fired(), [wait]);
        assert!(machine.is_draining(), "nobody else may drain yet");
    }
    assert_eq!(machine.poll(), Poll::Idle);
    assert_eq!(machine.clock(), [0, 1, 1, 0], "the third was canceled");
}

#[test]
fn plain_clocks() {
    let mut waits = Subscriptions::default();
    let mut fired = Vec::new();
    let active = pending(waits.when(&[A, C], &[0, 0, 0]));
    let inactive = pending(waits.when_not(&[B], &[0, 1, 0]));
    let reached = pending(waits.when_time(&[A, B], &[4, 2], &[0, 0, 0]));
    waits.apply(&[0, 0, 0], &[3, 1, 0], &mut fired);
    assert_eq!(fired, []);
    waits.apply(&[3, 1, 0], &[5, 2, 7], &mut fired);
    fired.sort();
    assert_eq!(fired, [active, inactive, reached]);
    assert!(waits.is_empty());
    // States that the clock does not have are inactive at tick 0.
    let beyond = pending(waits.when(&[StateIdx(9)], &[1]));
    fired.clear();
    waits.apply(&[1], &[2], &mut fired);
    waits.forget(beyond);
    assert!(waits.is_empty() && fired.is_empty());
}

/// Every registration order and clock path fires each wait exactly when its condition holds, compared with a plain
/// evaluation of all conditions after each change.
#[test]
fn watches_miss_nothing() {
    let mut seed = 7_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut waits = Subscriptions::default();
    let mut clock = vec![0_u64; 5];
    let mut open: Vec<(WaitId, Vec<usize>, bool)> = Vec::new();
    let mut fired_in_all = 0;
    for _ in 0..20_000 {
        let states: Vec<_> = (0..5).filter(|_| random(2) == 0).collect();
        let indexes: Vec<_> = (0_u16..).zip(&clock).map(|(at, _)| StateIdx(at)).collect();
        let chosen: Vec<_> = states.iter().map(|&at| indexes[at]).collect();
        let is_active = random(2) == 0;
        let wait = if is_active {
            waits.when(&chosen, &clock)
        } else {
            waits.when_not(&chosen, &clock)
        };
        if let Wait::Pending(id) = wait {
            open.push((id, states, is_active));
        }
        let before = clock.clone();
        for tick in &mut clock {
            *tick += u64::from(random(3) == 0);
        }
        let mut fired = Vec::new();
        waits.apply(&before, &clock, &mut fired);
        fired_in_all += fired.len();
        open.retain(|(id, states, is_active)| {
            let holds = states.iter().all(|&at| (clock[at] % 2 == 1) == *is_active);
            assert_eq!(fired.contains(id), holds);
            !holds
        });
    }
    assert!(fired_in_all > 1_000, "only {fired_in_all} fired");
}

/// A look at the arguments comes once per beginning, behind all handlers of it, also when one of them panicked.
#[test]
fn beginnings_can_be_watched_for_their_arguments() {
    let mut machine = machine("A B(multi) C");
    machine.watch_args(B);
    machine.watch_args(B);
    machine.bind(&[Handler::State(B)]);
    machine.bind(&[Handler::State(B), Handler::AnyState]);
    let args = |machine: &Machine| {
        let args = machine.transition()?.args?.clone();
        args.downcast_ref::<u32>().copied()
    };
    for (round, panics) in [false, false, true].into_iter().enumerate() {
        let number = u32::try_from(round).expect("few");
        let mut mutation = Mutation::add(&[A, B]);
        mutation.args = Some(Arc::new(number));
        assert_eq!(machine.mutate(mutation), Outcome::Started);
        let mut seen = Vec::new();
        loop {
            match machine.poll() {
                Poll::Call(call) => {
                    seen.push(format!("{:?} {}", call.handler, call.binding.0));
                    let is_last = call.binding.0 == 1;
                    let answer = if panics && is_last {
                        Answer::Panic
                    } else {
                        Answer::Accept
                    };
                    machine.resume(call.tx, call.call_no, answer);
                }
                Poll::Args(state) => {
                    assert_eq!((state, args(&machine)), (B, Some(number)));
                    seen.push("look".to_owned());
                }
                Poll::Fired | Poll::Settled => {}
                Poll::Idle => break,
            }
        }
        let state = format!("{:?}", Handler::State(B));
        let mut expected = vec![
            format!("{state} 0"),
            format!("{state} 1"),
            "look".to_owned(),
        ];
        if panics {
            expected.push("AnyState 1".to_owned());
        } else {
            expected.push(format!("{:?} 1", Handler::AnyState));
        }
        assert_eq!(seen, expected);
    }
    machine.unwatch_args(B);
    machine.unwatch_args(B);
    machine.unwatch_args(C);
}

#[test]
fn the_clock_can_be_watched() {
    let mut machine = machine("A B(?C) C");
    let looks = |machine: &mut Machine, mutation: Mutation<'_>| {
        machine.mutate(mutation);
        let mut looks = 0;
        loop {
            match machine.poll() {
                Poll::Settled => looks += 1,
                Poll::Idle => return looks,
                Poll::Call(_) | Poll::Fired | Poll::Args(_) => {}
            }
        }
    };
    assert_eq!(looks(&mut machine, Mutation::add(&[A])), 0);
    machine.watch_clock();
    assert_eq!(looks(&mut machine, Mutation::remove(&[A])), 1);
    assert_eq!(looks(&mut machine, Mutation::add(&[B])), 0, "canceled");
    assert_eq!(
        looks(&mut machine, Mutation::add(&[A]).check()),
        0,
        "a check"
    );
    machine.unwatch_clock();
    machine.unwatch_clock();
    assert_eq!(looks(&mut machine, Mutation::add(&[A])), 0);
}

/// A turn is taken between transitions, where a prepended mutation would run: behind the auto transition of the running
/// one, before what was queued.
#[test]
fn a_turn_comes_between_transitions() {
    let mut machine = machine("A B C(auto ?A)");
    machine.bind(&[Handler::State(A)]);
    machine.mutate(Mutation::add(&[A]));
    let Poll::Call(call) = machine.poll() else {
        panic!("A has a handler");
    };
    assert_eq!(
        machine.mutate(Mutation::add(&[B])),
        Outcome::Queued(QueueTick(3))
    );
    let (second, _) = machine.take_turn();
    let (first, outcome) = machine.take_turn();
    assert_eq!(outcome, Outcome::Queued(QueueTick(2)));
    let adds = QueueFilter::new(MutationKind::Add, &[]);
    assert_eq!(machine.queued(adds).count(), 1, "a turn is no mutation");
    assert!(machine.resume(call.tx, call.call_no, Answer::Accept));
    for turn in [first, second] {
        assert_eq!(machine.poll(), Poll::Fired);
        assert_eq!(
            (machine.fired(), machine.transition().is_none()),
            (&[turn][..], true)
        );
        assert_eq!(machine.clock(), [1, 0, 1, 0]);
    }
    assert_eq!(machine.poll(), Poll::Idle);
    assert_eq!(machine.clock(), [1, 1, 1, 0]);
    assert_eq!(machine.take_result(), Outcome::Executed);

    let (turn, outcome) = machine.take_turn();
    assert_eq!(outcome, Outcome::Started);
    assert_eq!(
        (machine.poll(), machine.fired()),
        (Poll::Fired, &[turn][..])
    );
    assert_eq!(
        (machine.poll(), machine.queue_tick()),
        (Poll::Idle, QueueTick(3))
    );
    machine.dispose();
    assert_eq!(machine.take_turn().1, Outcome::Canceled);
}
