//! A watch over a registry that the test itself writes, as the event loop does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};

use futures::FutureExt;
use futures::executor::block_on;
use statemesh_core::engine::{Schema, SchemaDef, StateDef};
use statemesh_core::mesh::Mirror;
use statemesh_core::time;

use super::*;
use crate::behaviour::signature::Copies;
use crate::mesh::Connection;

const PEER: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";

/// A registry, and the mirrors the event loop would have in the core.
struct World {
    registry: Arc<Registry>,
    mirrors: Vec<Mirror>,
}

impl World {
    fn new(machines: u64) -> Self {
        let own = PEER.parse().unwrap();
        let started = Instant::now();
        let registry = Registry::new(
            own,
            "t".into(),
            started,
            Connection::Live,
            Copies::default(),
        );
        let mut world = Self {
            registry: Arc::new(registry),
            mirrors: Vec::new(),
        };
        for index in 0..machines {
            world.mirrors.push(mirror(index));
            world.find(index);
        }
        world
    }

    fn find(&mut self, index: u64) {
        self.registry.add_machine(&self.mirrors[index as usize]);
    }

    /// Its only state is active at odd ticks.
    fn tick(&mut self, index: u64, tick: u64) {
        let mirror = &mut self.mirrors[index as usize];
        let before = std::mem::replace(&mut mirror.clock, Arc::new([tick, 0]));
        let machine = self.machine(index);
        let after = machine.update(&self.mirrors[index as usize]);
        self.registry
            .tell(MeshEvent::ClockChanged(machine, before, after));
    }

    fn machine(&self, index: u64) -> RemoteMachine {
        let peer = PEER.parse().unwrap();
        self.registry.machine(peer, MachineIdx(index)).unwrap()
    }

    fn remove(&self, index: u64) {
        let peer = PEER.parse().unwrap();
        self.registry.remove_machine(peer, MachineIdx(index));
    }

    fn watch(&self, query: Query) -> Watch {
        Watch::new(self.registry.clone(), query)
    }
}

fn mirror(index: u64) -> Mirror {
    let def = SchemaDef::new().state("On", StateDef::new());
    let (schema, _) = Schema::normalise(&def);
    Mirror {
        peer: PEER.parse().unwrap(),
        index: MachineIdx(index),
        id: format!("m{index}").into(),
        tags: Arc::new([]),
        parent: "".into(),
        schema,
        clock: Arc::new([0, 0]),
        ticks: None,
        first_hand: true,
        changed_at: time::Instant::ZERO,
        heard_at: time::Instant::ZERO,
        heard_before: None,
    }
}

/// All changes to be had now, as `+m1` and `-m1`.
fn read(watch: &mut Watch) -> Vec<String> {
    let mut read = Vec::new();
    while let Some(Some(change)) = watch.next().now_or_never() {
        read.push(text(&change));
    }
    read
}

fn text(change: &Change) -> String {
    match change {
        Change::Enter(machine) => format!("+{}", machine.id()),
        Change::Leave(machine) => format!("-{}", machine.id()),
    }
}

#[test]
fn machines_enter_and_leave_as_their_states_change() {
    let mut world = World::new(3);
    world.tick(1, 1);
    let mut watch = world.watch(Query::new().all("On"));
    assert_eq!(watch.matching().len(), 1);
    assert_eq!(read(&mut watch), ["+m1"]);
    world.tick(2, 1);
    assert_eq!(read(&mut watch), ["+m2"]);
    world.tick(1, 2);
    world.tick(2, 2);
    world.tick(0, 1);
    assert_eq!(read(&mut watch), ["-m1", "-m2", "+m0"]);
    world.remove(0);
    assert_eq!(read(&mut watch), ["-m0"]);
    assert_eq!(watch.matching().len(), 0);
}

#[test]
fn what_flickers_between_two_reads_is_not_told() {
    let mut world = World::new(1);
    let mut watch = world.watch(Query::new().all("On"));
    for tick in 1..=10 {
        world.tick(0, tick);
    }
    assert_eq!(read(&mut watch), [""; 0]);
    world.tick(0, 11);
    world.tick(0, 13);
    assert_eq!(read(&mut watch), ["+m0"]);
}

#[test]
fn a_machine_learned_again_is_another() {
    let mut world = World::new(1);
    let mut watch = world.watch(Query::new());
    assert_eq!(read(&mut watch), ["+m0"]);
    let first = world.machine(0);
    world.find(0);
    assert_eq!(read(&mut watch), ["-m0", "+m0"]);
    assert!(watch.matching().all(|it| !it.is_same(&first)));
}

#[test]
fn a_slow_reader_holds_little_and_misses_nothing_that_lasts() {
    let mut world = World::new(4);
    let mut watch = world.watch(Query::new().all("On"));
    for tick in 1..=5001 {
        world.tick(0, tick);
        world.tick(1, tick);
    }
    world.tick(2, 1);
    world.tick(1, 5002);
    assert_eq!(watch.changes.len(), 0);
    assert_eq!(read(&mut watch), ["+m0", "+m2"]);
}

#[test]
fn tags_and_trust_come_with_the_owners_word() {
    let mut world = World::new(1);
    world.mirrors[0].first_hand = false;
    world.find(0);
    let mut watch = world.watch(Query::new().first_hand().tag("kind:x"));
    assert_eq!(read(&mut watch), [""; 0]);
    world.mirrors[0].first_hand = true;
    world.mirrors[0].tags = Arc::new(["kind:x".to_owned()]);
    world.machine(0).update(&world.mirrors[0]);
    world.registry.tell(MeshEvent::Heard(PEER.parse().unwrap()));
    assert_eq!(read(&mut watch), ["+m0"]);
    assert_eq!(world.machine(0).tag("kind").as_deref(), Some("x"));
}

#[test]
fn silence_is_noticed_without_an_event() {
    let mut world = World::new(2);
    let fresh = Duration::from_millis(400);
    let mut watch = world.watch(Query::new().id("m1").fresh(fresh));
    assert_eq!(read(&mut watch), ["+m1"]);
    // Nothing is told; the timer alone wakes the reader.
    assert_eq!(block_on(watch.next()).as_ref().map(text).unwrap(), "-m1");
    let heard = world.machine(1).snapshot().heard_at.elapsed();
    assert!(heard > fresh, "{heard:?}");
    let now = world.machine(1).snapshot().heard_at.elapsed();
    let now = u64::try_from(now.as_micros()).unwrap();
    world.mirrors[1].heard_at = time::Instant::from_micros(now);
    world.machine(1).update(&world.mirrors[1]);
    world.registry.tell(MeshEvent::Heard(PEER.parse().unwrap()));
    assert_eq!(read(&mut watch), ["+m1"]);
    let endless = Query::new().fresh(Duration::MAX);
    assert_eq!(read(&mut world.watch(endless)), ["+m0", "+m1"]);
}

#[test]
fn all_leave_when_the_peer_ends_and_a_dropped_watch_is_freed() {
    let world = World::new(2);
    let mut watch = world.watch(Query::new());
    assert_eq!(read(&mut watch), ["+m0", "+m1"]);
    world.registry.close();
    assert_eq!(read(&mut watch), ["-m0", "-m1"]);
    assert!(matches!(watch.next().now_or_never(), Some(None)));
    drop(watch);
    assert_eq!(Arc::strong_count(&world.registry), 1);
}

/// Reads a mirror when it is woken.
struct Reader(RemoteMachine, mpsc::Sender<bool>);

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        let _ = self.1.send(self.0.is("On"));
    }
}

#[test]
fn who_is_woken_by_a_mirror_may_read_it_at_once() {
    let mut world = World::new(1);
    let (woken, seen) = mpsc::channel();
    let machine = world.machine(0);
    let waker = Waker::from(Arc::new(Reader(machine.clone(), woken)));
    let mut wait = machine.when("On");
    let first = wait.poll_unpin(&mut Context::from_waker(&waker));
    assert!(first.is_pending());
    // Woken under the lock, this thread would never come back.
    std::thread::spawn(move || world.tick(0, 1));
    assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok(true));
}

#[test]
fn dropped_waits_of_a_mirror_are_freed() {
    let mut world = World::new(1);
    let machine = world.machine(0);
    for _ in 0..1000 {
        let on = machine.when("On");
        let held = Arc::new(());
        let kept = held.clone();
        let waits = (
            machine.when_gone(),
            machine.when_ticks("On", 2),
            machine.when_query(move |_| Arc::strong_count(&kept) == 0),
        );
        assert_eq!(machine.pending_waits(), 4);
        drop((on, waits));
        assert_eq!(Arc::strong_count(&held), 1, "the condition is let go");
    }
    assert_eq!(machine.pending_waits(), 0);
    let on = machine.when("On");
    let gone = machine.when_gone();
    world.tick(0, 1);
    assert_eq!(on.now(), Some(Ok(())));
    assert_eq!(machine.pending_waits(), 1, "it is not gone yet");
    world.remove(0);
    assert_eq!(block_on(gone), crate::wait::WaitError::Gone);
    assert_eq!(machine.pending_waits(), 0);
}

#[test]
fn hearsay_ends_only_waits_that_believe_it() {
    let mut world = World::new(1);
    world.mirrors[0].first_hand = false;
    world.tick(0, 0);
    let machine = world.machine(0);
    let strict = [
        machine.when("On"),
        machine.when_time("On", &[3]),
        machine.when_ticks("On", 1),
        machine.when_query(|clock| clock.contains(&3)),
    ];
    let off = machine.when_not("On");
    let credulous = machine.with_hearsay();
    assert_eq!(credulous.when_not("On").now(), Some(Ok(())));
    let told = [
        credulous.when("On"),
        credulous.when_time("On", &[3]),
        credulous.when_query(|clock| clock.contains(&3)),
    ];
    assert_eq!(
        machine.when_time("On", &[1, 2]).now(),
        Some(Err(crate::wait::WaitError::Mismatch {
            states: 1,
            ticks: 2
        }))
    );
    world.tick(0, 3);
    assert!(machine.is("On") && !machine.snapshot().first_hand);
    assert!(told.iter().all(|wait| wait.now() == Some(Ok(()))));
    assert!(strict.iter().all(|wait| wait.now().is_none()));
    assert_eq!(off.now(), None);

    // The owner says the same.
    world.mirrors[0].first_hand = true;
    world.tick(0, 3);
    assert!(strict.iter().all(|wait| wait.now() == Some(Ok(()))));
    assert_eq!(off.now(), None, "it is on");
    world.tick(0, 4);
    assert_eq!(off.now(), Some(Ok(())));
    assert_eq!(machine.pending_waits(), 0);
}

#[test]
fn a_mirror_is_asked_like_a_machine() {
    let mut world = World::new(1);
    let machine = world.machine(0);
    assert!(machine.is_time("On", &[0]) && machine.was_time("On", &[0]));
    assert!(!machine.is_time("On", &[0, 0]) && !machine.was_time("Nowhere", &[0]));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let third = machine.when_query(move |clock| {
        count.fetch_add(1, Ordering::Relaxed);
        clock.contains(&3)
    });
    let panics = machine.when_query(|clock| clock.contains(&9) || panic!("asked"));
    let inner = machine.clone();
    let second = machine.when_query(move |_| inner.was_time("On", &[2]));
    assert_eq!(
        asked.load(Ordering::Relaxed),
        0,
        "not asked before a change"
    );
    for tick in 1..=3 {
        world.tick(0, tick);
    }
    assert_eq!(third.now(), Some(Ok(())));
    assert_eq!(
        second.now(),
        Some(Ok(())),
        "a condition may read the mirror"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert_eq!(panics.now(), None);
    assert!(machine.is_time("On", &[3]) && machine.was_time("On", &[2]));
    assert_eq!(machine.time().sum(), machine.clock().iter().sum::<u64>());
    world.tick(0, 4);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "it is met");
    world.remove(0);
    assert_eq!(block_on(panics), Err(crate::wait::WaitError::Gone));
    let late = machine.when_query(|_| true);
    assert_eq!(block_on(late), Err(crate::wait::WaitError::Gone));
}
