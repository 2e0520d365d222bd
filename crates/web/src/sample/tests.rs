//! The sample in virtual time: what its machines do, and what history and page make of it. `support/sample.txt` of the
//! tests in a browser is what the engine told here; with STATEMESH_BLESS set it is written anew.

use std::fmt::Write;

use statemesh::core::engine::{MutationKind, Relation, Step};
use statemesh::machine::StateRef;
use statemesh::{MachineIdx, StateIdx};

use super::*;
use crate::history::{
    Chain, Limits, Link, Origin, Place, Position, Recorder, Seen, Track, cause_of, chain, effects,
    rain,
};
use crate::model::fixture::{learned, peer, reading};
use crate::model::{Input, Learned, MachineKey, Piece, SchemaFacts, StepAct, Steps, WallClock};
use crate::words::{machine as say, steps as say_steps};

/// Transitions until there are as many, and the rest of the last act.
fn played(seed: u64, count: u64) -> (Sample, Vec<(usize, Transition)>) {
    let mut sample = Sample::new(seed);
    let mut told = sample.take();
    while sample.count() < count {
        sample.act();
        told.extend(sample.take());
    }
    (sample, told)
}

/// A transition as its machine told it: nothing here goes through the page's own words.
fn told(machine: &Machine, it: &Transition) -> String {
    let schema = machine.schema();
    let names = |states: Vec<StateIdx>, glue: &str| {
        let names: Vec<&str> = states.iter().map(|state| schema.name(*state)).collect();
        names.join(glue)
    };
    let kind = match (it.is_auto, it.kind) {
        (true, _) => "auto",
        (false, MutationKind::Add) => "add",
        (false, MutationKind::Remove) => "remove",
        (false, MutationKind::Set | MutationKind::Toggle) => unreachable!("not in the sample"),
    };
    let result = match (it.is_check, it.accepted) {
        (false, true) => "executed",
        (false, false) => "canceled",
        (true, true) => "check passed",
        (true, false) => "check refused",
    };
    let called = names(it.called.clone(), " ");
    let mut text = format!("{} {}, {kind} {called}, {result}", machine.id(), it.tx.0);
    if it.is_queued {
        text.push_str(", waited");
    }
    if let Some(source) = &it.source {
        write!(text, ", from {} #{}", source.machine, source.tx.0).unwrap();
    }
    let ticks = |state: usize| it.clock_after[state] - it.clock_before[state];
    let mut changed = Vec::new();
    for (word, by, parity) in [("on", 1, 1), ("off", 1, 0), ("again", 2, 1)] {
        let states = 0..it.clock_after.len();
        let moved = states.filter(|at| ticks(*at) == by && it.clock_after[*at] % 2 == parity);
        let moved: Vec<StateIdx> = moved.map(|at| StateIdx(at as u16)).collect();
        if !moved.is_empty() {
            changed.push(format!("{word}: {}", names(moved, ", ")));
        }
    }
    if !changed.is_empty() {
        write!(text, ", {}", changed.join("; ")).unwrap();
    }
    text
}

/// Its steps, with the commit where the clock moves.
fn steps(machine: &Machine, it: &Transition) -> Vec<(&'static str, String)> {
    let schema = machine.schema();
    let name = |state: StateIdx| schema.name(state);
    let mut lines = Vec::new();
    let mut phase = "called";
    let committed = it.accepted && !it.is_check;
    let ticks: u64 = it.clock_after.iter().sum::<u64>() - it.clock_before.iter().sum::<u64>();
    let commit = match ticks {
        1 => "commit, 1 tick".to_owned(),
        ticks => format!("commit, {ticks} ticks"),
    };
    for step in &it.steps {
        let text = match *step {
            Step::Requested(state) => format!("called {}", name(state)),
            Step::Set(state) => format!("activate {}", name(state)),
            Step::Remove(state) => format!("deactivate {}", name(state)),
            Step::RemoveNotActive(state) => format!("do not activate {}", name(state)),
            Step::Unmet(state) => format!("{} misses what it requires", name(state)),
            Step::Missing { .. } => unreachable!("not in the sample"),
            Step::Cancel(state) => format!("{} cancels it", name(state)),
            Step::Relation(Relation::Require, a, b) => format!("{} requires {}", name(a), name(b)),
            Step::Relation(Relation::Add, a, b) => format!("{} adds {}", name(a), name(b)),
            Step::Relation(Relation::Remove, a, b) => format!("{} removes {}", name(a), name(b)),
            Step::Relation(Relation::After, a, b) => format!("{} comes after {}", name(b), name(a)),
            Step::Handler(handler) => {
                let refusal = it
                    .refusals
                    .iter()
                    .find(|refusal| refusal.handler == handler);
                let said = refusal.and_then(|refusal| refusal.reason.clone());
                let said = said.map_or(String::new(), |said| format!(" refused: {said}"));
                format!("handler {}{said}", statemesh_name(machine, handler))
            }
        };
        phase = match step {
            Step::Requested(_) => "called",
            Step::Handler(handler) if handler.is_negotiation() => "negotiate",
            Step::Handler(_) => "final",
            _ if phase == "called" => "resolve",
            _ => phase,
        };
        if phase == "final" && !lines.iter().any(|(phase, _)| *phase == "commit") {
            lines.push(("commit", commit.clone()));
        }
        lines.push((phase, text));
    }
    if committed && !lines.iter().any(|(phase, _)| *phase == "commit") {
        lines.push(("commit", commit));
    }
    lines
}

/// As Go programs name handlers.
fn statemesh_name(machine: &Machine, handler: statemesh::core::engine::Handler) -> String {
    use statemesh::core::engine::Handler;
    let schema = machine.schema();
    match handler {
        Handler::Exit(state) => format!("{}Exit", schema.name(state)),
        Handler::Enter(state) => format!("{}Enter", schema.name(state)),
        Handler::State(state) => format!("{}State", schema.name(state)),
        other => unreachable!("{other:?} is not in the sample"),
    }
}

/// All that the machines told, and the steps of what was caused or refused.
fn written(sample: &Sample, transitions: &[(usize, Transition)]) -> String {
    let mut text = String::new();
    for (place, it) in transitions {
        let machine = sample.machines()[*place];
        text.push_str(&told(machine, it));
        text.push('\n');
        let is_listed = it.source.is_some() || !it.refusals.is_empty();
        for (phase, step) in steps(machine, it).iter().filter(|_| is_listed) {
            writeln!(text, "  {phase}: {step}").unwrap();
        }
    }
    text
}

fn key(place: usize) -> MachineKey {
    MachineKey {
        peer: peer(1),
        index: MachineIdx(place as u64 + 1),
    }
}

/// A history of it, a millisecond for each transition.
fn recorded(sample: &Sample, told: &[(usize, Transition)]) -> Recorder {
    let mut recorder = Recorder::new(Limits::default());
    for (place, machine) in sample.machines().into_iter().enumerate() {
        let own = Learned {
            key: key(place),
            own: true,
            schema: Arc::new(SchemaFacts::new(machine.schema().def())),
            reading: reading(&vec![0; machine.clock().len()], 0, 0),
            ..learned(machine.id(), &[])
        };
        recorder.take(&Input::Learned(own), Seen(0));
    }
    for (at, (place, transition)) in (1..).zip(told) {
        let arguments = arguments(transition);
        recorder.transition_with(&key(*place), transition, arguments, Seen(at));
    }
    recorder
}

fn track(recorder: &Recorder, place: usize) -> &Track {
    recorder.history().track(&key(place)).unwrap()
}

const WALL: WallClock = WallClock { start: 0 };

#[test]
fn the_record_for_tests_in_a_browser_is_what_the_engine_tells() {
    let (sample, transitions) = played(7, 130);
    let text = written(&sample, &transitions);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/support/sample.txt");
    if std::env::var_os("STATEMESH_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert_eq!(kept.lines().count(), text.lines().count());
    for (kept, now) in kept.lines().zip(text.lines()) {
        assert_eq!(kept, now);
    }
}

#[test]
fn d21_rows_and_records_equal_what_the_engine_told() {
    let (sample, transitions) = played(7, 130);
    let recorder = recorded(&sample, &transitions);
    assert_eq!(recorder.refused(), 0);
    for (place, machine) in sample.machines().into_iter().enumerate() {
        let track = track(&recorder, place);
        let own: Vec<&Transition> = transitions
            .iter()
            .filter_map(|(of, it)| (*of == place).then_some(it))
            .collect();
        let window = rain(track, Position::end_of(Seen(9_999)), 0..own.len() + 1);
        assert_eq!(window.total, own.len() + 1, "and the first look");
        for (row, it) in window.rows[1..].iter().zip(&own) {
            let said = say::rain_row(row, track.schema(), WALL);
            assert_eq!(format!("{} {said}", machine.id()), told(machine, it));
        }
        for (entry, it) in track.entries(Place(1)).zip(&own) {
            let detail = entry.detail.unwrap();
            let head = detail.head.unwrap();
            assert_eq!(detail.number, Some(it.tx.0));
            assert_eq!(head.queue_tick, it.queue_tick.map(|tick| tick.0));
            assert_eq!(head.is_queued, it.is_queued);
            assert!(head.duration.is_some());
            let source = head
                .source
                .map(|it| (it.machine, it.number, it.machine_time));
            let wanted = it.source.as_ref();
            let wanted = wanted.map(|it| (it.machine.clone(), it.tx.0, it.machine_time));
            assert_eq!(source, wanted);
            let side = track.side(entry.place).unwrap();
            assert_eq!(side.steps, it.steps);
            assert_eq!(side.arguments, arguments(it));
            let lines: Vec<&str> = side.log.iter().map(|line| &*line.text).collect();
            assert_eq!(
                lines,
                it.lines.iter().map(|line| &**line).collect::<Vec<_>>()
            );
            let reasons = side.refusals.into_iter().map(|it| (it.handler, it.reason));
            let wanted = it.refusals.iter().map(|it| {
                let reason = it.reason.as_deref().unwrap_or_default();
                (it.handler, reason.to_owned())
            });
            assert!(reasons.eq(wanted));
        }
    }
}

#[test]
fn d22_steps_are_shown_in_the_phases_in_which_the_engine_took_them() {
    let (sample, transitions) = played(7, 130);
    let recorder = recorded(&sample, &transitions);
    for (place, machine) in sample.machines().into_iter().enumerate() {
        let track = track(&recorder, place);
        for (of, it) in transitions.iter().filter(|(of, _)| *of == place) {
            let at = track.of_number(it.tx.0).unwrap();
            let detail = track.entry(at).unwrap().detail.unwrap();
            let side = track.side(at).unwrap();
            let head = detail.head.as_ref().unwrap();
            let shown = Steps::new(head, &side.steps, &side.refusals, detail.ticks());
            let lines = shown.rows.iter().map(|row| {
                let words = say_steps::step(track.schema(), &shown, row.act);
                (row.phase.word(), Piece::plain(&words))
            });
            assert_eq!(
                lines.collect::<Vec<_>>(),
                steps(machine, it),
                "{of} {}",
                it.tx.0
            );
            let refused = shown.rows.iter();
            let refused = refused.filter(|row| matches!(row.act, StepAct::Refused(..)));
            assert_eq!(refused.count(), it.refusals.len());
        }
    }
}

/// `route 11`: whose and which.
fn name(link: &Link) -> (u64, u64) {
    let detail = link.entry.detail.as_ref().unwrap();
    (link.key.index.0 - 1, detail.number.unwrap())
}

/// The first transition of a machine that calls this state from outside itself.
fn first(
    transitions: &[(usize, Transition)],
    place: usize,
    state: impl Fn(&Transition) -> bool,
) -> u64 {
    let mut own = transitions.iter().filter(|(of, _)| *of == place);
    own.find(|(_, it)| state(it)).unwrap().1.tx.0
}

#[test]
fn d26_causes_lead_over_machines_and_back() {
    let (sample, transitions) = played(7, 130);
    let recorder = recorded(&sample, &transitions);
    let history = recorder.history();
    let calls = |place: usize, state: &str| {
        let schema = sample.machines()[place].schema();
        let state = schema.find(StateRef::Name(state)).unwrap();
        first(&transitions, place, move |it| {
            it.called.contains(&state) && it.source.is_some() && !it.is_auto
        })
    };
    let (lost, route_lost, off) = (
        calls(0, "CourierLost"),
        calls(1, "RouteLost"),
        calls(2, "OffRoute"),
    );
    let failed = off - 1;
    let place = |of: usize, number: u64| track(&recorder, of).of_number(number).unwrap();
    let found = chain(history, &key(0), place(0, lost)).unwrap();
    let causes: Vec<_> = found.causes.iter().map(name).collect();
    assert_eq!(causes, [(2, failed), (2, off), (1, route_lost)]);
    assert_eq!((found.origin, found.effects), (Origin::Outside, Vec::new()));
    let down = chain(history, &key(2), place(2, failed)).unwrap();
    assert!(down.causes.is_empty());
    assert_eq!(
        down.effects.iter().map(name).collect::<Vec<_>>(),
        [(2, off)]
    );
    // One after the other, up and down again.
    let entry = track(&recorder, 1).entry(place(1, route_lost)).unwrap();
    let below = effects(history, &key(1), &entry);
    assert_eq!(below.iter().map(name).collect::<Vec<_>>(), [(0, lost)]);
    // A number of another run is another transition.
    let head = entry.detail.unwrap().head.unwrap();
    let mut cause = head.source.unwrap();
    assert_eq!(
        cause_of(history, &key(1), &cause).map(|it| name(&it)),
        Some((2, off))
    );
    cause.machine_time += 1;
    assert_eq!(cause_of(history, &key(1), &cause), None);
    // Nobody's transition, and it causes none.
    let drive = sample.machines()[1]
        .schema()
        .find(StateRef::Name("Driving"))
        .unwrap();
    let drive = first(&transitions, 1, |it| it.called == [drive]);
    assert_eq!(chain(history, &key(1), place(1, drive)), None::<Chain>);
}

#[test]
fn causes_come_before_their_effects_and_numbers_in_order() {
    let (sample, transitions) = played(3, 2_000);
    let mut seen = [0; 3];
    for (place, it) in &transitions {
        assert_eq!(it.tx.0, seen[*place] + 1, "of {place}");
        seen[*place] = it.tx.0;
        if let Some(source) = &it.source {
            let ids = sample.machines().map(Machine::id);
            let of = ids.iter().position(|id| **id == *source.machine).unwrap();
            assert!(source.tx.0 <= seen[of], "{place} {} before {of}", it.tx.0);
        }
    }
}

#[test]
fn the_same_seed_does_the_same_things() {
    let tell = |seed| {
        let (sample, transitions) = played(seed, 300);
        written(&sample, &transitions)
    };
    assert_eq!(tell(7), tell(7));
    assert_ne!(tell(7), tell(8));
    let pauses = |seed| {
        let mut sample = Sample::new(seed);
        (0..50).map(|_| sample.act()).collect::<Vec<_>>()
    };
    assert_eq!(pauses(7), pauses(7));
    assert!(pauses(7).iter().all(|pause| (100..3_000).contains(pause)));
}

#[test]
fn the_story_has_all_that_a_view_can_show() {
    let (sample, transitions) = played(7, 130);
    let has = |what: &str, is: &dyn Fn(&Transition) -> bool| {
        assert!(transitions.iter().any(|(_, it)| is(it)), "{what}");
    };
    has("refused by a handler", &|it| {
        it.refusals.iter().any(|it| it.reason.is_some())
    });
    has("canceled by relations", &|it| {
        !it.accepted && !it.is_auto && it.refusals.is_empty()
    });
    has("auto", &|it| it.is_auto && it.accepted);
    has("auto, canceled", &|it| it.is_auto && !it.accepted);
    has("check passed", &|it| it.is_check && it.accepted);
    has("check refused", &|it| it.is_check && !it.accepted);
    has("waited", &|it| it.is_queued);
    has("caused by itself", &|it| it.source.is_some());
    has("a line", &|it| !it.lines.is_empty());
    has("arguments", &|it| arguments(it).starts_with("parcel="));
    has("an error", &|it| {
        arguments(it).starts_with("error=map tiles")
    });
    has("multi again", &|it| {
        let mut ticks = it.clock_after.iter().zip(&it.clock_before);
        ticks.any(|(after, before)| after - before == 2)
    });
    has("nothing changed", &|it| {
        it.accepted && !it.is_check && it.clock_after == it.clock_before
    });
    let error = sample.machines()[2]
        .schema()
        .find(StateRef::Name("ErrNetwork"))
        .unwrap();
    let on = |it: &Transition| it.clock_after[usize::from(error.0)] % 2 == 1;
    let route = transitions.iter().filter(|(of, _)| *of == 2);
    let course: Vec<bool> = route.map(|(_, it)| on(it)).collect();
    assert!(
        course.contains(&true) && course.last() == Some(&false),
        "recovered"
    );
}

#[test]
fn it_ends_when_it_is_told_to() {
    let (mut sample, _) = played(7, 50);
    sample.end();
    assert!(
        sample
            .machines()
            .iter()
            .all(|machine| machine.is_disposed())
    );
    let last = sample.take();
    assert!(!last.is_empty(), "they stop");
    sample.act();
    assert!(sample.take().is_empty());
}
