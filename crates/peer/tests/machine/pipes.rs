//! Pipes: what passes, in which order, with which cause, and how they end.

use statemesh::core::engine::schemas::{Basic, Connected};
use statemesh::machine::{MachineError, PipeKind};
use statemesh::prelude::*;

use crate::kit::{Log, plain, within, within_stack};

/// Logs what begins and ends.
fn logged(id: &'static str, names: &[&'static str], log: &Log) -> Machine {
    let mut set = Handlers::new(log.clone());
    for name in names.iter().copied() {
        set = set
            .state(name, move |log, event| {
                let cause = event
                    .cause()
                    .map_or(String::new(), |it| format!("<{}", it.machine));
                let args = event
                    .args::<u32>()
                    .map_or(String::new(), |it| format!("({it})"));
                log.push(format!("{id}.{name}{args}{cause}"));
            })
            .end(name, move |log, _| log.push(format!("{id}.{name}End")));
    }
    Machine::builder(id, plain(names)).handlers(set).build()
}

#[test]
fn a_plain_pipe_passes_on_behind_the_sources_drain() {
    within(|| {
        let log = Log::default();
        let (a, b) = (logged("a", &["X", "Z"], &log), logged("b", &["Y"], &log));
        let guard = a.pipe(Pipe::new().state("X", "Y"), &b).unwrap();
        let nested = a.clone();
        a.bind(Handlers::new(()).state("X", move |(), _| drop(nested.add("Z"))))
            .unwrap();
        a.add_args("X", 7_u32).unwrap();
        assert_eq!(log.take(), "a.X(7) a.Z b.Y(7)<a");
        a.remove("X").unwrap();
        assert_eq!(log.take(), "a.XEnd b.YEnd");
        b.add("Y").unwrap();
        a.add("X").unwrap();
        assert_eq!(log.take(), "b.Y a.X", "asked again, though nothing changes");
        drop(guard);
        a.remove("X").unwrap();
        assert!(b.is("Y"));
    });
}

#[test]
fn a_flat_pipe_passes_on_at_once_and_only_what_is_new() {
    within(|| {
        let log = Log::default();
        let (a, b) = (logged("a", &["X"], &log), logged("b", &["Y"], &log));
        let _guard = a.pipe(Pipe::new().state("X", "Y").flat(), &b).unwrap();
        a.bind(Handlers::new(log.clone()).state("X", |log, _| log.push("later")))
            .unwrap();
        a.add_args("X", 7_u32).unwrap();
        assert_eq!(log.take(), "a.X(7) b.Y<a later");
        let transitions = Log::default();
        let told = transitions.clone();
        let _trace = b.trace(move |it| told.push(format!("{:?}", it.kind)));
        b.remove("Y").unwrap();
        a.remove("X").unwrap();
        assert_eq!(transitions.take(), "Remove", "it had ended already");
    });
}

#[test]
fn the_cause_is_the_very_transition() {
    within(|| {
        let (a, b) = (
            Machine::new("a", plain(&["X"])),
            Machine::new("b", plain(&["X"])),
        );
        let _guard = a.pipe(Pipe::new().same(["X"]), &b).unwrap();
        a.add("X").unwrap();
        let (log, causes) = (Log::default(), Log::default());
        let (own, caused) = (log.clone(), causes.clone());
        let _a = a.trace(move |it| {
            own.push(format!(
                "{}@{}",
                it.tx.0,
                it.clock_before.iter().sum::<u64>()
            ))
        });
        let _b = b.trace(move |it| {
            let source = it.source.as_ref().unwrap();
            caused.push(format!("{}@{}", source.tx.0, source.machine_time));
        });
        a.remove("X").unwrap();
        assert_eq!(log.take(), causes.take());
    });
}

#[test]
fn circles_come_to_rest() {
    within_stack(256 << 10, || {
        for flat in [false, true] {
            let ring: Vec<Machine> = (0..200)
                .map(|at| Machine::new(format!("m{at}"), plain(&["X"])))
                .collect();
            let guards: Vec<_> = (0..ring.len())
                .map(|at| {
                    let pipe = Pipe::new().same(["X"]);
                    let pipe = if flat { pipe.flat() } else { pipe };
                    ring[at].pipe(pipe, &ring[(at + 1) % ring.len()]).unwrap()
                })
                .collect();
            ring[7].add("X").unwrap();
            assert!(ring.iter().all(|machine| machine.tick("X") == 1));
            ring[100].remove("X").unwrap();
            assert!(ring.iter().all(|machine| machine.tick("X") == 2));
            drop(guards);
        }
    });
}

#[test]
fn two_threads_drive_a_circle_without_deadlock() {
    within(|| {
        let (a, b) = (
            Machine::new("a", plain(&["X"])),
            Machine::new("b", plain(&["X"])),
        );
        let _there = a.pipe(Pipe::new().begin("X", "X"), &b).unwrap();
        let _back = b.pipe(Pipe::new().end("X", "X").flat(), &a).unwrap();
        std::thread::scope(|scope| {
            for machine in [&a, &b] {
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        machine.toggle("X").unwrap();
                    }
                });
            }
        });
        a.remove("X").unwrap();
        b.remove("X").unwrap();
        assert!(a.not("X") && b.not("X"));
    });
}

#[test]
fn errors_are_raised_in_the_target() {
    within(|| {
        let schema = plain(&["ErrWorker", "Down"]);
        let (worker, boss) = (
            Machine::new("worker", Basic::schema()),
            Machine::new("boss", schema),
        );
        let pipe = Pipe::new().error("ErrWorker").begin("ErrNetwork", "Down");
        let _guard = worker.pipe(pipe, &boss).unwrap();
        worker.add_error("ErrNetwork", "cable").unwrap();
        assert!(boss.is(["ErrWorker", "Exception", "Down"]));
        assert_eq!(
            *boss.last_error().unwrap(),
            MachineError::Raised("cable".to_owned())
        );
        worker.remove("Exception").unwrap();
        assert!(boss.is("Exception"), "nothing ends with it");
        let other = Machine::new("other", plain(&["ErrAny"]));
        let _guard = boss
            .pipe(Pipe::new().state("Down", "ErrAny"), &other)
            .unwrap();
        boss.set("Down").unwrap();
        boss.remove("Down").unwrap();
        boss.add("Down").unwrap();
        assert!(
            other.is(["ErrAny", "Exception"]),
            "an error state brings Exception"
        );
    });
}

#[test]
fn whole_machines_and_connections_are_piped() {
    within(|| {
        let source = Machine::new("link", Basic::schema().merge(Connected::schema()));
        let copy = Machine::new("copy", plain(&["Connected", "Start", "Own"]));
        let names = ["Dialing", "Online", "Closing", "Offline"];
        let view = Machine::new("view", plain(&names));
        let _any = source.pipe(Pipe::new().any(), &copy).unwrap();
        let _four = source.pipe(Pipe::new().connected(names), &view).unwrap();
        copy.add("Own").unwrap();
        source.add("Start").unwrap();
        assert_eq!(
            (copy.active(), view.active()),
            (vec!["Start".to_owned()], vec!["Offline".to_owned()])
        );
        source.add("Connected").unwrap();
        assert!(copy.is(["Start", "Connected"]) && copy.not("Own"));
        assert_eq!(view.active(), ["Online"]);
    });
}

#[test]
fn sync_tells_of_the_time_before() {
    within(|| {
        let (a, b) = (
            Machine::new("a", plain(&["X", "Y"])),
            Machine::new("b", plain(&["X", "Y"])),
        );
        a.add("X").unwrap();
        b.add("Y").unwrap();
        let guard = a.pipe(Pipe::new().same(["X", "Y"]), &b).unwrap();
        assert_eq!(b.active(), ["Y"]);
        guard.sync();
        assert_eq!(b.active(), ["X"]);
        guard.keep();
        a.remove("X").unwrap();
        assert!(b.not("X"));
    });
}

#[test]
fn pipes_are_listed_and_end_with_either_machine() {
    within(|| {
        let machine = |id| Machine::new(id, plain(&["X"]));
        let (a, b, c) = (machine("a"), machine("b"), machine("c"));
        let there = a.pipe(Pipe::new().state("X", "X"), &b).unwrap();
        let further = b.pipe(Pipe::new().any().flat(), &c).unwrap();
        let texts = |machine: &Machine| {
            let pipes = machine.pipes().into_iter().map(|pipe| pipe.to_string());
            pipes.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(texts(&a), "a XState -> [add] b X, a XEnd -> [remove] b X");
        assert_eq!(texts(&c), "b AnyState -> [flat set] c X Exception");
        assert_eq!((b.pipes().len(), b.pipes()[0].kind), (3, PipeKind::Set));
        c.dispose();
        assert_eq!(b.pipes().len(), 2);
        b.add("X").unwrap();
        a.dispose();
        assert_eq!(b.pipes().len(), 0);
        let late = b.pipe(Pipe::new().any(), &a).unwrap();
        assert_eq!(b.pipes().len(), 0, "a target that is disposed");
        drop((there, further, late));
        let unknown = b.pipe(Pipe::new().state("X", "Z"), &c).unwrap_err();
        assert_eq!(unknown.to_string(), "machine c has no state Z");
    });
}
