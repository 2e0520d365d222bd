//! Laws that hold for every schema, every handler and every sequence of mutations.

use std::collections::BTreeMap;

use proptest::prelude::*;
use statemesh_core::StateIdx;
use statemesh_core::engine::{
    Answer, BindingId, Handler, Machine, Mutation, MutationKind, NoTracer, Options, Outcome, Poll,
    QueuedView, Run, Schema, SchemaDef, StateDef, Step, Tracer, TransitionView, TxId,
};

const STATES: u16 = 6;

fn state() -> impl Strategy<Value = StateDef> {
    let names = || prop::collection::vec((0..=STATES).prop_map(|at| format!("S{at}")), 0..3);
    (any::<(bool, bool)>(), names(), names(), names(), names()).prop_map(
        |((auto, multi), require, add, remove, after)| StateDef {
            auto,
            multi,
            ..StateDef::new()
                .require(require)
                .add(add)
                .remove(remove)
                .after(after)
        },
    )
}

pub(crate) fn schema() -> impl Strategy<Value = SchemaDef> {
    prop::collection::vec(state(), usize::from(STATES)).prop_map(|states| SchemaDef {
        states: (0..)
            .zip(states)
            .map(|(at, state): (u16, _)| (format!("S{at}"), state))
            .collect(),
    })
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    kind: MutationKind,
    states: Vec<StateIdx>,
    is_check: bool,
    is_in_front: bool,
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let kind = prop_oneof![
        4 => Just(MutationKind::Add),
        2 => Just(MutationKind::Remove),
        1 => Just(MutationKind::Set),
        1 => Just(MutationKind::Toggle),
    ];
    let states = prop::collection::vec((0..STATES).prop_map(StateIdx), 0..4);
    let rarely = || prop::bool::weighted(0.1);
    (kind, states, rarely(), rarely()).prop_map(|(kind, states, is_check, is_in_front)| Request {
        kind,
        states,
        is_check,
        is_in_front,
    })
}

impl Request {
    pub(crate) fn mutation(&self) -> Mutation<'_> {
        let mutation = Mutation::new(self.kind, &self.states);
        let mutation = if self.is_check {
            mutation.check()
        } else {
            mutation
        };
        if self.is_in_front {
            mutation.in_front()
        } else {
            mutation
        }
    }
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        30 => Just(Answer::Accept),
        3 => Just(Answer::Veto),
        1 => Just(Answer::Panic),
        1 => Just(Answer::Timeout),
    ]
}

/// Every handler a schema of so many states can have.
pub(crate) fn handlers(states: usize) -> Vec<Handler> {
    let states = || (0..=u16::MAX).map(StateIdx).take(states);
    let mut all = vec![Handler::AnyEnter, Handler::AnyState];
    for from in states() {
        all.extend([
            Handler::Exit(from),
            Handler::Enter(from),
            Handler::Stay(from),
        ]);
        all.extend([Handler::End(from), Handler::State(from)]);
        all.extend(states().map(|to| Handler::Pair(from, to)));
    }
    all
}

/// Checks every transition as it ends.
#[derive(Default)]
struct Laws {
    queue_tick: u64,
    /// The last transition that was committed.
    committed: TxId,
}

impl Tracer for Laws {
    fn transition_finals(&mut self, transition: TransitionView<'_>) {
        assert!(!transition.is_check && transition.accepted);
        self.committed = transition.tx;
    }
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        let (before, after) = (transition.clock_before, transition.clock_after);
        let grown = before
            .iter()
            .zip(after)
            .all(|(before, after)| (*before..=before + 2).contains(after));
        assert!(grown, "a tick moved by 0, 1 or 2");
        if let Some(tick) = transition.queue_tick {
            assert_eq!(
                tick.0,
                self.queue_tick.max(1) + 1,
                "appended mutations are counted in order"
            );
            self.queue_tick = tick.0;
        }
        if self.committed != transition.tx {
            assert_eq!(before, after, "only a commit moves the clock");
        }
        if transition.accepted && !transition.is_check && !transition.is_auto {
            match transition.kind {
                MutationKind::Remove => {
                    let mut target = transition.target.iter();
                    assert!(!target.any(|state| transition.called.contains(state)));
                }
                MutationKind::Add | MutationKind::Set | MutationKind::Toggle => {
                    let mut called = transition.called.iter();
                    assert!(called.all(|state| transition.target.contains(state)));
                }
            }
        }
    }
}

fn assert_consistent(machine: &Machine) {
    let odd = (0..)
        .map(StateIdx)
        .zip(machine.clock())
        .filter(|(_, tick)| *tick % 2 == 1);
    let odd: Vec<_> = odd.map(|(state, _)| state).collect();
    let mut active = machine.active().to_vec();
    active.sort();
    assert_eq!(
        active, odd,
        "active states are those with odd ticks, each once"
    );
    assert!(active.iter().all(|&state| machine.is(state)));
    let sum = machine
        .clock()
        .iter()
        .fold(0_u64, |sum, tick| sum.wrapping_add(*tick));
    assert_eq!(machine.machine_time(), sum);
}

/// Runs one mutation, asking `answers` in turn; some handlers mutate, too.
fn run(machine: &mut Machine, request: &Request, answers: &mut dyn Iterator<Item = Answer>) {
    let before = machine.clock().to_vec();
    let mut laws = Laws {
        queue_tick: machine.queue_tick().0,
        ..Laws::default()
    };
    let mut last = before.clone();
    let mut calls = 0;
    let outcome = machine.mutate(request.mutation());
    assert!(!matches!(outcome, Outcome::Queued(_)), "nothing runs");
    if outcome != Outcome::Started {
        return;
    }
    loop {
        let poll = machine.poll_traced(&mut laws);
        let mut ticks = last.iter().zip(machine.clock());
        assert!(ticks.all(|(last, tick)| last <= tick), "no tick goes back");
        last.copy_from_slice(machine.clock());
        match poll {
            Poll::Call(call) => {
                calls += 1;
                let view = machine
                    .transition()
                    .expect("a call belongs to a transition");
                assert_eq!(view.tx, call.tx);
                let answer = answers.next().unwrap_or(Answer::Accept);
                if calls < 20 && answer == Answer::Veto {
                    machine.mutate(Mutation::new(MutationKind::Toggle, &request.states));
                }
                assert!(machine.resume(call.tx, call.call_no, answer));
            }
            Poll::Fired | Poll::Args(_) | Poll::Settled => {}
            Poll::Idle => break,
        }
    }
    assert!(!machine.is_draining() && machine.queue_len() == 0);
    if request.is_check && calls == 0 {
        assert_eq!(machine.clock(), before);
    }
    assert_consistent(machine);
}

/// What a transition without handlers starts from, and what comes of it.
#[derive(Default)]
struct Resolutions {
    known: BTreeMap<String, String>,
    /// How often a transition started from what another had started from.
    repeated: usize,
}

impl Tracer for Resolutions {
    fn transition_end(&mut self, transition: TransitionView<'_>) {
        let view = transition;
        let asked = (view.kind, view.called, view.is_auto, view.is_check);
        let from = format!("{asked:?} {:?}", view.before);
        let ticks = view.clock_before.iter().zip(view.clock_after);
        let gains: Vec<_> = ticks.map(|(before, after)| after - before).collect();
        let moves = (view.accepted, view.target, view.exits, view.enters);
        let result = format!("{moves:?} {gains:?}");
        if let Some(known) = self.known.get(&from) {
            self.repeated += 1;
            assert_eq!(*known, result, "from {from}");
        }
        self.known.insert(from, result);
    }
}

/// All that a tracer and a driver are told, with or without a listener to every event.
#[derive(Default)]
struct Transcript<const LISTENS: bool>(Vec<String>);

impl<const LISTENS: bool> Transcript<LISTENS> {
    fn transition(&mut self, what: &str, view: TransitionView<'_>) {
        let call = (view.tx, view.kind, view.called, view.is_auto, view.is_check);
        let lists = (view.before, view.target, view.enters, view.exits);
        let clocks = (view.clock_before, view.clock_after, view.queue_tick);
        let accepted = view.accepted;
        self.0
            .push(format!("{what} {call:?} {accepted} {lists:?} {clocks:?}"));
    }
}

impl<const LISTENS: bool> Tracer for Transcript<LISTENS> {
    const STEPS: bool = LISTENS;
    const EVENTS: bool = LISTENS;
    fn mutation_queued(&mut self, view: QueuedView<'_>) {
        let call = (view.kind, view.called, view.is_auto, view.is_check);
        let queue = (view.queue_tick, view.now, view.queue_len);
        self.0.push(format!("queued {call:?} {queue:?}"));
    }
    fn mutation_skipped(&mut self, kind: MutationKind, called: &[StateIdx]) {
        self.0.push(format!("skipped {kind} {called:?}"));
    }
    fn event(&mut self, binding: BindingId, handler: Handler) {
        self.0.push(format!("event {binding:?} {handler:?}"));
    }
    fn transition_init(&mut self, view: TransitionView<'_>) {
        self.transition("init", view);
    }
    fn transition_finals(&mut self, view: TransitionView<'_>) {
        self.transition("finals", view);
    }
    fn transition_end(&mut self, view: TransitionView<'_>) {
        self.transition("end", view);
    }
    fn step(&mut self, step: Step) {
        self.0.push(format!("step {step:?}"));
    }
    fn queue_end(&mut self) {
        self.0.push("queue end".to_owned());
    }
}

/// The machine after the requests, and what was told on the way; `begins` makes the first stop of each.
fn transcript<const LISTENS: bool>(
    mut machine: Machine,
    requests: &[Request],
    answers: &[Answer],
    begins: fn(&mut Machine, Mutation<'_>, &mut Transcript<LISTENS>) -> Run,
) -> Vec<String> {
    let mut told = Transcript::default();
    let mut answers = answers.iter().copied();
    for request in requests {
        let mut run = begins(&mut machine, request.mutation(), &mut told);
        while let Run::Stopped(stop) = run {
            told.0.push(format!("{stop:?} {:?}", machine.fired()));
            if let Poll::Call(call) = stop {
                let answer = answers.next().unwrap_or(Answer::Accept);
                if answer == Answer::Veto {
                    // What a handler asks for is queued.
                    machine.mutate_traced(Mutation::toggle(&request.states), &mut told);
                }
                machine.resume(call.tx, call.call_no, answer);
            }
            run = match machine.poll_traced(&mut told) {
                Poll::Idle => Run::Settled(machine.take_result()),
                stop => Run::Stopped(stop),
            };
        }
        let clock = (machine.clock(), machine.active(), machine.machine_time());
        told.0.push(format!("{run:?} {clock:?}"));
    }
    told.0
}

fn mutate_and_poll<const LISTENS: bool>(
    machine: &mut Machine,
    mutation: Mutation<'_>,
    told: &mut Transcript<LISTENS>,
) -> Run {
    match machine.mutate_traced(mutation, told) {
        Outcome::Started => match machine.poll_traced(told) {
            Poll::Idle => Run::Settled(machine.take_result()),
            stop => Run::Stopped(stop),
        },
        settled => Run::Settled(settled),
    }
}

proptest! {
    /// The short way of a mutation that need not wait is not to be told from the long one.
    #[test]
    fn a_run_is_a_mutation_and_a_poll(
        def in schema(),
        requests in prop::collection::vec(request(), 1..20),
        answers in prop::collection::vec(answer(), 0..200),
        (is_bound, waits) in (any::<bool>(), prop::collection::vec(0..STATES, 0..4)),
    ) {
        let (schema, _) = Schema::normalise(&def);
        let machine = || {
            let mut machine = Machine::new(schema.clone(), Options::default());
            if is_bound {
                machine.bind(&handlers(usize::from(STATES)));
            }
            for &state in &waits {
                let _ = machine.when(&[StateIdx(state)]);
                machine.watch_args(StateIdx(state));
            }
            machine
        };
        prop_assert_eq!(
            transcript::<true>(machine(), &requests, &answers, Machine::run_traced),
            transcript::<true>(machine(), &requests, &answers, mutate_and_poll)
        );
        prop_assert_eq!(
            transcript::<false>(machine(), &requests, &answers, Machine::run_traced),
            transcript::<false>(machine(), &requests, &answers, mutate_and_poll)
        );
    }

    /// Whatever happened before, whatever the ticks: of the past only the active states and their order count.
    #[test]
    fn resolving_knows_schema_active_states_and_mutation_only(
        def in schema(),
        requests in prop::collection::vec(request(), 20..60),
    ) {
        let (schema, _) = Schema::normalise(&def);
        let mut resolutions = Resolutions::default();
        let mut old = Machine::new(schema.clone(), Options::default());
        for request in requests.iter().chain(requests.iter().rev()) {
            old.apply_traced(request.mutation(), &mut resolutions);
        }
        // A machine without a past goes through the same first half again.
        let repeated = resolutions.repeated;
        let mut young = Machine::new(schema, Options::default());
        for request in &requests {
            young.apply_traced(request.mutation(), &mut resolutions);
        }
        prop_assert!(resolutions.repeated >= repeated + requests.len());
    }

    #[test]
    fn clocks_stay_consistent(
        def in schema(),
        requests in prop::collection::vec(request(), 1..12),
        answers in prop::collection::vec(answer(), 0..200),
    ) {
        let (schema, _) = Schema::normalise(&def);
        let mut machine = Machine::new(schema, Options::default());
        machine.bind(&handlers(usize::from(STATES)));
        let mut answers = answers.into_iter();
        for request in &requests {
            run(&mut machine, request, &mut answers);
        }
    }

    #[test]
    fn a_canceled_mutation_leaves_the_clock_alone(
        def in schema(),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let (schema, _) = Schema::normalise(&def);
        let mut machine = Machine::new(schema, Options::default());
        for request in &requests {
            let before = (machine.clock().to_vec(), machine.active().to_vec());
            let outcome = machine.apply_traced(request.mutation(), &mut NoTracer);
            assert_consistent(&machine);
            if outcome == Outcome::Canceled || request.is_check {
                prop_assert_eq!(before, (machine.clock().to_vec(), machine.active().to_vec()));
            }
        }
    }

    #[test]
    fn requirements_of_active_states_hold(
        def in schema(),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let (schema, _) = Schema::normalise(&def);
        let mut machine = Machine::new(schema, Options::default());
        for request in &requests {
            machine.apply(request.mutation());
            for &state in machine.active() {
                for &required in machine.schema().require(state) {
                    prop_assert!(machine.is(required));
                }
            }
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(
        def in schema(),
        requests in prop::collection::vec(request(), 1..12),
    ) {
        let run = || {
            let (schema, _) = Schema::normalise(&def);
            let mut machine = Machine::new(schema, Options::default());
            let outcomes: Vec<_> =
                requests.iter().map(|request| machine.apply(request.mutation())).collect();
            (outcomes, machine.clock().to_vec(), machine.active().to_vec())
        };
        prop_assert_eq!(run(), run());
    }
}
