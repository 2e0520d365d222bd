//! Order of handler calls, vetoes, panics, timeouts, and mutations made by handlers.

use statemesh_core::QueueTick;
use statemesh_core::engine::{Answer, Handler, Machine, Mutation, Options, Outcome, Poll, Schema};
use statemesh_core::{StateIdx, engine::TxId};
use statemesh_testkit::engine_notation::{Bound, Player, schema};

/// Handlers called by the last of `mutations`, all handlers bound.
#[track_caller]
fn check_order(schema: &str, mutations: &str, expected: &str) {
    let (before, last) = mutations.rsplit_once(';').unwrap_or(("", mutations));
    let mut player = Player::new(schema).bind(Bound::All, "");
    if !before.is_empty() {
        player.play(before);
    }
    player.take_calls();
    player.play(last);
    assert_eq!(player.take_calls(), expected, "{schema}: {mutations}");
}

/// Result of the last of `mutations`, the active states after it, and the handlers it called.
#[track_caller]
fn check_failure(schema: &str, answers: &str, mutations: &str, expected: &str) {
    let (before, last) = mutations.rsplit_once(';').unwrap_or(("", mutations));
    let mut player = Player::new(schema).bind(Bound::Named, answers);
    if !before.is_empty() {
        player.play(before);
    }
    let result = player.play(last);
    let actual = format!("{result} {}", player.active());
    assert_eq!(actual, expected, "{schema}: {mutations}, {answers}");
}

#[test]
fn order_of_handlers() {
    check_order(
        "A B C",
        "+A B; =C",
        "AExit BExit CEnter AC BC AnyEnter AEnd BEnd CState AnyState",
    );
    check_order("A B", "+A; =A B", "BEnter AA AB AnyEnter BState AnyState");
    check_order(
        "A B C D",
        "+A B; =D C",
        "AExit BExit DEnter CEnter AD AC BD BC AnyEnter AEnd BEnd DState CState AnyState",
    );
    check_order(
        "A(>B) B C(>D) D",
        "+A B; =C D",
        "BExit AExit DEnter CEnter BD BC AD AC AnyEnter BEnd AEnd DState CState AnyState",
    );
    check_order("A", "-A", "AnyEnter AnyState");
    check_order("A B", "+A B; -B", "BExit BA AnyEnter BEnd AnyState");
    check_order("M(multi)", "+M; +M", "MEnter MM AnyEnter MState AnyState");
}

#[test]
fn states_that_stay_are_asked_every_time() {
    let mut player = Player::new("A B").bind(Bound::All, "");
    player.play("+A");
    player.take_calls();
    player.play("+B; +A");
    let calls = player.take_calls();
    let count = |name| calls.split(' ').filter(|&call| call == name).count();
    assert_eq!((count("AA"), count("BB")), (2, 1));
}

#[test]
fn each_event_goes_to_every_set_and_the_first_veto_ends_it() {
    let mut player = Player::new("A")
        .bind(Bound::Named, "AEnter=accept AState=accept")
        .bind(Bound::Named, "AEnter=accept AState=accept");
    player.play("+A");
    assert_eq!(player.take_calls(), "AEnter AEnter' AState AState'");
    let mut player = Player::new("A")
        .bind(Bound::Named, "AEnter=veto")
        .bind(Bound::Named, "AEnter=accept AnyEnter=accept");
    assert_eq!(player.play("+A"), "no [0]");
    assert_eq!(player.take_calls(), "AEnter");
}

#[test]
fn negotiation_can_cancel_and_changes_nothing() {
    for handler in ["AExit", "BEnter", "CC", "AC", "CB", "AnyEnter"] {
        let answers = format!("{handler}=veto");
        let mutations = "+A C; =B C";
        check_failure(
            "A B C",
            &answers,
            "+A; +C",
            match handler {
                "AC" => "no [1 0 0] A",
                "AnyEnter" => "no [0 0 0] ",
                _ => "ok [1 0 1] C A",
            },
        );
        if handler != "AC" && handler != "AnyEnter" {
            check_failure("A B C", &answers, mutations, "no [1 0 1] A C");
        }
    }
    // A final handler cannot.
    check_failure("A", "AState=veto", "+A", "ok [1] A");
}

#[test]
fn a_panic_in_negotiation_cancels_and_raises_an_exception() {
    check_failure("A B", "BEnter=panic", "+A; +B", "no [1 0] Exception A");
    check_failure(
        "A B Exception(multi)",
        "BEnter=panic",
        "+A; +B",
        "no [1 0 1] Exception A",
    );
    // Also when an Auto state panics: nothing of the auto transition stays.
    let schema = "A(auto) B(auto) C Exception(multi)";
    check_failure(
        schema,
        "BEnter@1=panic",
        "+C",
        "ok [1 1 1 1] A B Exception C",
    );
    // One that always does is given up on.
    check_failure(schema, "BEnter=panic", "+C", "ok [0 0 1 5] Exception C");
}

#[test]
fn a_panic_in_a_final_handler_ends_what_had_not_begun() {
    let schema = "A B C D Exception(multi)";
    check_failure(
        schema,
        "BState=panic",
        "+A B C",
        "no [1 2 2 0 1] Exception A",
    );
    check_failure(schema, "AEnd=panic", "+A; =B", "no [2 1 0 0 1] Exception B");
    check_failure(schema, "AnyState=panic", "+A", "no [1 0 0 0 1] Exception A");
    // The repair only undoes: called Multi states tick once.
    check_failure(
        "M(multi) B Exception",
        "BState=panic",
        "+M; +M B",
        "no [3 2 1] Exception M",
    );
    check_failure(
        "M(multi) D Exception",
        "DEnd=panic",
        "+D; =M",
        "no [1 2 1] Exception M",
    );
    // No auto transition follows a broken one; the exception's own does.
    check_failure(
        "A(auto) B Exception",
        "BState=panic",
        "+B",
        "no [1 2 1] A Exception",
    );
}

#[test]
fn the_panic_of_the_first_set_ends_the_event() {
    let mut player = Player::new("A")
        .bind(Bound::Named, "AState=panic")
        .bind(Bound::Named, "AState=accept AnyState=accept");
    assert_eq!(player.play("+A"), "no [2]");
    assert_eq!(player.take_calls(), "AState AnyState'");
}

#[test]
fn a_panic_while_raising_an_exception_raises_no_second_one() {
    let schema = "A Exception(multi)";
    for handler in ["ExceptionEnter", "ExceptionState", "AnyState"] {
        let mut player = Player::new(schema).bind(Bound::Named, &format!("{handler}=panic"));
        assert!(player.play("+Exception").starts_with("no"), "{handler}");
        assert!(!player.machine().is_draining());
        // The machine goes on.
        assert_eq!(player.play("=A").split(' ').count(), 3, "{handler}");
    }
}

#[test]
fn a_timeout_cancels_without_an_exception() {
    let schema = "A B Exception(multi)";
    check_failure(schema, "BEnter=timeout", "+A; +B", "no [1 0 0] A");
    check_failure(schema, "BState=timeout", "+A; +B", "no [1 2 0] A");
    // An Auto state is merely dropped.
    check_failure(
        "A(auto) B(auto) C",
        "BEnter=timeout",
        "+C",
        "ok [1 0 1] A C",
    );
}

#[test]
fn an_auto_state_that_refuses_to_end_stays() {
    // A removes the Auto state B, which was called by hand.
    let schema = "A(auto ?C -B) B(auto) C";
    check_failure(schema, "BExit=veto", "+B; +C", "ok [0 1 1] B C");
    // Other Auto states of the same transition still begin.
    let schema = "A(auto ?C -B) B(auto) C D(auto ?C)";
    check_failure(schema, "BExit=veto", "+B; +C", "ok [0 1 1 1] B C D");
}

#[test]
fn every_stay_handler_of_an_auto_transition_runs() {
    let schema = "A(auto) B(auto) C(auto ?D) D";
    let mut player = Player::new(schema).bind(Bound::Named, "AA@2=veto BB=accept");
    player.play("+A B");
    player.take_calls();
    assert_eq!(player.play("+D"), "ok [1 1 1 1]");
    assert_eq!(player.take_calls(), "AA BB AA BB");
}

#[test]
fn handlers_only_queue() {
    let mut player = Player::new("A B C D").bind(Bound::Named, "BEnter=+C");
    player.play("=A; =B");
    assert_eq!(player.take_nested(), [Outcome::Queued(QueueTick(4))]);
    assert_eq!(player.active(), "C B");
}

#[test]
fn equal_waiting_mutations_are_skipped() {
    let answers = "AState=+B;+B;+B;-B;-B";
    let mut player = Player::new("A B C").bind(Bound::Named, answers);
    player.play("+A");
    let queued = |tick| Outcome::Queued(QueueTick(tick));
    // A duplicate answers with the queue tick of its equal, so it can be waited for.
    assert_eq!(
        player.take_nested(),
        [queued(3), queued(3), queued(3), queued(4), queued(4)]
    );
    assert_eq!(player.machine().queue_tick(), QueueTick(4));
    // Not when a called state is Multi, and not against what runs already.
    let mut player = Player::new("A B(multi)").bind(Bound::Named, "AState=+B;+B;+A");
    player.play("+A");
    assert_eq!(player.take_nested(), [queued(3), queued(4), queued(5)]);
    assert_eq!(player.clock(), "[1 3]");
}

#[test]
fn prepended_mutations_and_checks_run_next() {
    let answers = "AState=+B;front+C;can+D BEnter=accept CEnter=accept DEnter=accept";
    let mut player = Player::new("A B C D").bind(Bound::Named, answers);
    assert_eq!(player.play("+A"), "ok [1 1 1 0]");
    assert_eq!(player.take_calls(), "AState DEnter CEnter BEnter");
    let two = Outcome::Queued(QueueTick(2));
    assert_eq!(
        player.take_nested(),
        [Outcome::Queued(QueueTick(3)), two, two]
    );
}

#[test]
fn late_and_wrong_answers_are_ignored() {
    let (schema, _) = Schema::normalise(&schema("A"));
    let mut machine = Machine::new(schema, Options::default());
    let a = StateIdx(0);
    machine.bind(&[Handler::Enter(a), Handler::State(a)]);
    assert_eq!(machine.mutate(Mutation::add(&[a])), Outcome::Started);
    let Poll::Call(enter) = machine.poll() else {
        panic!("no call");
    };
    assert_eq!(
        machine.poll(),
        Poll::Call(enter),
        "asked again until answered"
    );
    assert!(!machine.resume(TxId(enter.tx.0 + 1), enter.call_no, Answer::Veto));
    assert!(!machine.resume(enter.tx, enter.call_no + 1, Answer::Veto));
    assert!(machine.resume(enter.tx, enter.call_no, Answer::Accept));
    assert!(
        !machine.resume(enter.tx, enter.call_no, Answer::Veto),
        "answered twice"
    );
    let Poll::Call(state) = machine.poll() else {
        panic!("no second call");
    };
    assert!(
        !machine.resume(enter.tx, enter.call_no, Answer::Panic),
        "late"
    );
    assert!(machine.resume(state.tx, state.call_no, Answer::Accept));
    assert_eq!(machine.poll(), Poll::Idle);
    assert_eq!(machine.take_result(), Outcome::Executed);
    assert_eq!(machine.clock(), [1, 0]);
}

#[test]
fn a_full_queue_cancels_all_but_an_exception() {
    let (schema, _) = Schema::normalise(&schema("A B"));
    let mut machine = Machine::new(schema, Options { queue_limit: 1 });
    let (a, b, exception) = (StateIdx(0), StateIdx(1), StateIdx(2));
    assert_eq!(machine.mutate(Mutation::add(&[a])), Outcome::Started);
    assert_eq!(machine.mutate(Mutation::add(&[b])), Outcome::Canceled);
    assert_eq!(machine.add_err(&[], "full".into(), None), Outcome::Canceled);
    let queued = Outcome::Queued(QueueTick(3));
    assert_eq!(machine.mutate(Mutation::add(&[exception])), queued);
    assert_eq!(machine.poll(), Poll::Idle);
    assert_eq!(machine.clock(), [1, 0, 1]);
}

#[test]
fn a_disposed_machine_cancels() {
    let (schema, _) = Schema::normalise(&schema("A B(auto)"));
    let mut machine = Machine::new(schema, Options::default());
    let a = StateIdx(0);
    machine.bind(&[Handler::State(a)]);
    machine.mutate(Mutation::add(&[a]));
    let Poll::Call(call) = machine.poll() else {
        panic!("no call");
    };
    machine.mutate(Mutation::remove(&[a]));
    machine.dispose();
    assert!(machine.resume(call.tx, call.call_no, Answer::Accept));
    assert_eq!(machine.poll(), Poll::Idle);
    assert_eq!(
        machine.clock(),
        [1, 0, 0],
        "neither the removal nor the Auto state ran"
    );
    assert_eq!(machine.mutate(Mutation::remove(&[a])), Outcome::Canceled);
    assert!(machine.is_disposed());
}

#[test]
fn states_out_of_range_are_refused() {
    let (schema, _) = Schema::normalise(&schema("A"));
    let mut machine = Machine::new(schema, Options::default());
    let beyond = StateIdx(2);
    machine.bind(&[Handler::Enter(beyond), Handler::Pair(StateIdx(0), beyond)]);
    assert_eq!(machine.mutate(Mutation::add(&[beyond])), Outcome::Canceled);
    assert_eq!(
        machine.apply(Mutation::add(&[StateIdx(0)])),
        Outcome::Executed
    );
    assert_eq!((machine.is(beyond), machine.tick(beyond)), (false, 0));
}

#[test]
fn the_last_error_is_raised_again_for_the_first_handlers() {
    let (schema, _) = Schema::normalise(&schema("A"));
    let mut machine = Machine::new(schema, Options::default());
    let exception = StateIdx(1);
    assert_eq!(
        machine.add_err(&[], "broken".into(), None),
        Outcome::Started
    );
    assert_eq!(machine.poll(), Poll::Idle);
    let (_, outcome) = machine.bind(&[Handler::State(exception)]);
    assert_eq!(outcome, Outcome::Started);
    let Poll::Call(call) = machine.poll() else {
        panic!("no call");
    };
    assert_eq!(call.handler, Handler::State(exception));
    let error = machine.transition().unwrap().error.cloned();
    assert_eq!(error.as_deref(), Some("broken"));
    let (_, outcome) = machine.bind(&[Handler::State(exception)]);
    assert_eq!(outcome, Outcome::Executed, "only once");
}
