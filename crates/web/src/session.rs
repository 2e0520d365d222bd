//! Starts and stops this tab's own peer and turns what it says into inputs of the model.
//!
//! relay's HTTP port -> [`relay::Relay`] (topic, addresses; read again before every round of dialling) -> `Mesh` ->
//! events -> `Store::apply`. Nothing here renders.

mod convert;
mod place;
mod relay;
mod sample;

use std::sync::Arc;
use std::time::Duration;

use crate::ui::prelude::*;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::Either;
use statemesh::MachineIdx;
use statemesh::identity::Identity;
use statemesh::mesh::{Mesh, MeshEvent, Role, SpawnError};
use wasm_bindgen_futures::spawn_local;

use self::convert::Clock;
pub use self::place::kept_peer;
use self::relay::{Found, Relay};
use crate::browser;
use crate::model::{Failure, Input, JoinLink, JoinTarget, Phase, Stop};
use crate::store::Store;

/// A handle on the tab's peer; copies are the same session.
#[derive(Clone, Copy)]
pub struct Session {
    store: Store,
    /// Others see the machines of this tab.
    pub shared: RwSignal<bool>,
    inner: StoredValue<Inner, LocalStorage>,
    play: StoredValue<sample::Play, LocalStorage>,
    /// The sample workflow runs.
    pub sample: RwSignal<bool>,
}

/// The running peer. A new start counts `generation` up, so that older tasks know they are done.
#[derive(Default)]
struct Inner {
    generation: u64,
    mesh: Option<Mesh>,
    relay: Option<Arc<Relay>>,
    clock: Option<Clock>,
    /// Typed on the Join page; `None`: the relay that served this page.
    target: Option<JoinTarget>,
    /// The same as long as the page lives.
    identity: Option<Identity>,
    /// Own machines that others see.
    exposed: Vec<MachineIdx>,
    /// Looks at the lists until the visit is noted again.
    until_noted: u32,
}

impl Session {
    /// No peer yet; the timer of the page runs from here on.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let session = Self {
            store,
            shared: RwSignal::new(false),
            inner: StoredValue::new_local(Inner::default()),
            play: StoredValue::new_local(sample::Play::default()),
            sample: RwSignal::new(false),
        };
        set_interval(move || session.refresh(), REFRESH);
        session
    }

    /// Joins as the link said that this page was opened with, else through the relay that served this page.
    pub fn join_here(self) {
        self.start(match kept_target() {
            Some(target) => Relay::of_target(&target),
            None => Relay::of_page(),
        });
    }

    /// Joins through the relay typed on the Join page.
    pub fn join(self, target: &JoinTarget) {
        // A page that is loaded again joins the same way.
        browser::keep_join(match target {
            JoinTarget::Link(link) => Some(link.value()),
            JoinTarget::Page { .. } | JoinTarget::Address { .. } => None,
        });
        self.store.restart(target.name().to_owned());
        self.inner
            .update_value(|inner| inner.target = Some(target.clone()));
        self.start(Relay::of_target(target));
    }

    /// What lets somebody else join: the mesh, and the addresses that led this tab there.
    #[must_use]
    pub fn way(self) -> Option<JoinLink> {
        let topic = self.store.topic.get_untracked()?;
        let dialled = self.inner.with_value(|inner| {
            let relay = inner.relay.as_ref()?;
            Some(relay.dialled())
        })?;
        JoinLink::new(&topic, &dialled)
    }

    /// Dials now instead of after the pause.
    pub fn retry_now(self) {
        self.inner.with_value(|inner| {
            if let Some(mesh) = &inner.mesh {
                mesh.retry_now();
            }
        });
    }

    fn start(self, relay: Relay) {
        self.drop_sample();
        let (generation, old) = self
            .inner
            .try_update_value(|inner| {
                inner.generation += 1;
                inner.exposed.clear();
                (inner.generation, inner.mesh.take())
            })
            .unwrap_or_default();
        spawn_local(async move {
            if let Some(old) = old {
                old.shutdown().await;
            }
            self.run(relay, generation).await;
        });
    }

    async fn run(self, relay: Relay, generation: u64) {
        let relay = Arc::new(relay);
        self.inner
            .update_value(|inner| inner.relay = Some(Arc::clone(&relay)));
        let Some(topic) = self.find_topic(&relay, generation).await else {
            return;
        };
        let builder = Mesh::builder(topic.clone())
            .role(Role::Tab)
            .identity(self.identity().await)
            .connect_source(relay.source(topic.clone()));
        match builder.spawn().await {
            Ok(mesh) if self.is_current(generation) => {
                self.store.topic.set(Some(topic));
                self.follow(mesh, generation).await;
            }
            Ok(mesh) => mesh.shutdown().await,
            Err(error) => {
                let stop = match error {
                    SpawnError::NoTransport(_) => Stop::NoTransport,
                    SpawnError::Listen { .. } | SpawnError::Identity(_) | SpawnError::Topic(_) => {
                        Stop::Broken(error.to_string())
                    }
                };
                self.turn(generation, Phase::Stopped(stop));
            }
        }
    }

    /// Asks the relay for the name of its mesh until it answers; `None`: it is no relay, or nobody waits any more.
    async fn find_topic(self, relay: &Relay, generation: u64) -> Option<String> {
        loop {
            match relay.find().await {
                Found::Topic(topic) => return Some(topic),
                Found::NoRelay => {
                    self.turn(generation, Phase::Stopped(Stop::NoRelay));
                    return None;
                }
                Found::NoAnswer { origin } => {
                    let failure = Failure {
                        reason: "no answer by HTTP within 2 s".to_owned(),
                        address: Some(origin),
                    };
                    let failures = vec![failure];
                    self.turn(generation, Phase::Connecting { failures });
                }
            }
            browser::sleep(ASK_AGAIN).await;
            if !self.is_current(generation) {
                return None;
            }
        }
    }

    /// Applies everything the peer says until another session begins.
    async fn follow(self, mesh: Mesh, generation: u64) {
        let clock = Clock::start();
        let events = mesh.events();
        let (transitions, own) = mpsc::unbounded();
        let _observed = mesh.lifecycle().trace(move |transition| {
            // The receiver goes only with this session.
            let _ = transitions.unbounded_send(transition.clone());
        });
        self.inner.update_value(|inner| {
            inner.mesh = Some(mesh.clone());
            inner.clock = Some(clock);
        });
        self.store.apply(Input::Own(mesh.peer_id()));
        self.store
            .apply(Input::Learned(convert::lifecycle(&mesh, browser::now())));
        self.resync(&mesh, clock);
        self.store
            .apply(Input::Phase(convert::phase(mesh.connection(), clock)));
        self.begin_sample();
        if self.shared.get_untracked() {
            self.expose().await;
        }
        let mut stream = futures::stream::select(events.map(Either::Left), own.map(Either::Right));
        while let Some(next) = stream.next().await {
            if !self.is_current(generation) {
                return;
            }
            match next {
                Either::Left(event) => self.apply(&mesh, clock, event),
                Either::Right(transition) => {
                    self.store.transition(&convert::own_key(&mesh), &transition);
                    if transition.clock_before == transition.clock_after {
                        continue;
                    }
                    // Not the clock of now: transitions on their way here are not told yet.
                    let reading = convert::reading_after(&transition, browser::now());
                    self.store
                        .apply(Input::Read(convert::own_key(&mesh), reading));
                }
            }
        }
    }

    fn apply(self, mesh: &Mesh, clock: Clock, event: MeshEvent) {
        match event {
            MeshEvent::MachineFound(machine) => {
                self.store
                    .apply(Input::Learned(convert::learned(&machine, clock)));
            }
            MeshEvent::ClockChanged(machine, _, snapshot) => {
                let reading = convert::reading(&snapshot, clock);
                self.store
                    .apply(Input::Read(convert::key(&machine), reading));
            }
            MeshEvent::MachineGone(machine) => {
                self.store.apply(Input::Gone(convert::key(&machine)));
            }
            MeshEvent::PeerGone(peer, reason) => {
                let said_bye = reason == statemesh::core::node::GoneReason::Bye;
                self.store.apply(Input::PeerGone(peer, said_bye));
            }
            MeshEvent::Connection(connection) => {
                let phase = convert::phase(connection, clock);
                self.store.apply(Input::Phase(phase));
                self.take_lists(mesh, clock);
            }
            MeshEvent::PeerFound(_) | MeshEvent::LinkUp(_) | MeshEvent::LinkDown(_) => {
                self.take_lists(mesh, clock);
            }
            // The lists are read four times a second anyway.
            MeshEvent::Heard(_) | MeshEvent::Dropped(..) => {}
            MeshEvent::Lagged(_) => self.resync(mesh, clock),
        }
    }

    /// Reads everything again.
    fn resync(self, mesh: &Mesh, clock: Clock) {
        self.take_lists(mesh, clock);
        for machine in mesh.machines() {
            self.store
                .apply(Input::Learned(convert::learned(&machine, clock)));
        }
    }

    fn take_lists(self, mesh: &Mesh, clock: Clock) {
        let peers = mesh.peers();
        self.store.apply(Input::Peers(
            peers
                .iter()
                .map(|peer| convert::peer(peer, clock))
                .collect(),
        ));
        self.store.apply(Input::Links(
            mesh.links()
                .into_iter()
                .map(|link| convert::link(link, clock))
                .collect(),
        ));
        let traffic = convert::traffic(&mesh.traffic());
        self.store.apply(Input::Traffic(traffic));
    }

    fn refresh(self) {
        let running = self
            .inner
            .with_value(|inner| inner.mesh.clone().zip(inner.clock));
        if let Some((mesh, clock)) = running {
            self.take_lists(&mesh, clock);
            self.note_visit();
        }
        self.store.tick();
    }

    fn turn(self, generation: u64, phase: Phase) {
        if self.is_current(generation) {
            self.store.apply(Input::Phase(phase));
        }
    }

    fn is_current(self, generation: u64) -> bool {
        self.inner
            .try_with_value(|inner| inner.generation == generation)
            .unwrap_or(false)
    }
}

/// The relay that a link named, by which this page was opened or joined; `None`: there was none, or it is damaged.
#[must_use]
pub fn kept_target() -> Option<JoinTarget> {
    let link = JoinLink::read(&browser::kept_join()?).ok()?;
    Some(JoinTarget::Link(link))
}

/// Ages count four times a second (dashboard design 11).
const REFRESH: Duration = Duration::from_millis(250);
/// Milliseconds between questions to a relay that does not answer.
const ASK_AGAIN: i32 = 500;
