//! Mesh handle: expose, list, watch, events, shutdown. Commands in through a bounded channel, events out.
//!
//! `Mesh -> Command -> event loop -> Registry -> Mesh`. Reads never wait for the loop; commands do, when it is busy.
//! Handles are `Send + Sync` on every target.

mod builder;
mod find;
mod view;

use std::sync::Arc;

use futures::channel::{mpsc, oneshot};
use futures::future::Either;
use futures::{SinkExt, Stream};
use libp2p::Multiaddr;
use statemesh_core::{MachineIdx, PeerId};

pub(crate) use self::builder::Start;
pub use self::builder::{AddressSource, Limits, MeshBuilder, SpawnError, check_topic};
pub use self::view::{Connection, DialFailure, Link, MeshEvent, Peer, Refused, TransportKind};
#[cfg(not(target_arch = "wasm32"))]
pub use crate::door::WebSocketDoor;
use crate::event_loop::{self, Command, Signals};
use crate::machine::Machine;
use crate::registry::Registry;
use crate::remote::RemoteMachine;
use crate::traffic::Traffic;
use crate::transport::Timer;
use crate::watch::Watch;

/// What the peer is to the mesh; a tag of its lifecycle machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `role:peer`
    Peer,
    /// `role:relay`: accepts many single-link neighbours.
    Relay,
    /// `role:tab`: its lifecycle machine is not exposed.
    Tab,
}

impl Role {
    /// As in its tag and in what others are told: `peer`, `relay`, `tab`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Relay => "relay",
            Self::Tab => "tab",
        }
    }
}

/// A peer of the mesh: a clonable handle. The peer ends by [`Mesh::shutdown`] or when the last handle is dropped.
#[derive(Clone)]
pub struct Mesh {
    registry: Arc<Registry>,
    signals: Arc<Signals>,
    commands: mpsc::Sender<Command>,
    lifecycle: Machine,
}

/// The peer does not run any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mesh peer was shut down")]
pub struct Closed;

impl Mesh {
    /// Starts a peer of the topic `topic`.
    pub fn builder(topic: impl Into<String>) -> MeshBuilder {
        MeshBuilder::new(topic.into())
    }
    pub(crate) fn new(
        registry: Arc<Registry>,
        signals: Arc<Signals>,
        commands: mpsc::Sender<Command>,
        lifecycle: Machine,
    ) -> Self {
        Self {
            registry,
            signals,
            commands,
            lifecycle,
        }
    }
    /// Own id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.registry.own()
    }
    /// Topic name.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.registry.topic()
    }
    /// Own dialable addresses, each with `/p2p/<id>`.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.registry.addresses()
    }
    /// Introduces a machine to the mesh and keeps its clock published. The peer keeps the machine alive until it is
    /// withdrawn or disposed. A machine that is exposed already keeps its index.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn expose(&self, machine: &Machine) -> Result<MachineIdx, Closed> {
        let machine = machine.clone();
        let (index, wait) = event_loop::reserve();
        if !wait.is_zero() {
            Timer::new(wait).await;
        }
        self.ask(|reply| Command::Expose(index, machine, reply))
            .await
    }
    /// Takes an exposed machine back.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn withdraw(&self, index: MachineIdx) -> Result<(), Closed> {
        self.ask(|reply| Command::Withdraw(index, reply)).await
    }
    /// Dials this address once, beside what is dialled by itself, and returns who answered. The link is not made again when
    /// it goes.
    ///
    /// # Errors
    /// [`DialFailure`] says in words why there is no link.
    pub async fn dial(&self, address: Multiaddr) -> Result<PeerId, DialFailure> {
        let failure = |reason: &str| DialFailure {
            address: Some(address.clone()),
            reason: reason.to_owned(),
        };
        let dialled = self.ask(|reply| Command::Dial(address.clone(), reply));
        let dialled = std::pin::pin!(dialled);
        match futures::future::select(dialled, Timer::new(DIAL_LIMIT)).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(Closed), _)) => Err(failure("the mesh peer was shut down")),
            Either::Right(_) => Err(failure("no answer within 10 s")),
        }
    }
    /// All known remote machines, by peer and index.
    #[must_use]
    pub fn machines(&self) -> Vec<RemoteMachine> {
        self.registry.machines()
    }
    /// All known peers but this one.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.registry.peers()
    }
    /// Live links.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        self.registry.links()
    }
    /// Where this peer stands now.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.registry.connection()
    }
    /// Incoming connections refused by [`Limits`] so far.
    #[must_use]
    pub fn refused(&self) -> Refused {
        self.registry.refused()
    }
    /// What was sent, heard and refused so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.registry.traffic()
    }
    /// Events from now on. A slow reader gets [`MeshEvent::Lagged`] instead of unbounded memory.
    pub fn events(&self) -> impl Stream<Item = MeshEvent> + Send + Unpin + 'static {
        self.registry.events()
    }
    /// This peer's own lifecycle, a machine like any other.
    #[must_use]
    pub fn lifecycle(&self) -> &Machine {
        &self.lifecycle
    }
    /// Starts the next round of dialling now instead of after the backoff.
    pub fn retry_now(&self) {
        self.signals.retry();
    }
    /// Says bye, closes the links and ends the peer. Takes two seconds at most.
    pub async fn shutdown(&self) {
        // An error means that it has ended already.
        let _ = self.ask(Command::Shutdown).await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        let mut commands = self.commands.clone();
        commands.send(command(reply)).await.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }
}

/// Longer than any dial that still comes to something: as [`MeshBuilder::connect`] waits natively, and a little.
const DIAL_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<Mesh>();
const _: () = assert_send_sync::<MeshEvent>();
const _: () = assert_send_sync::<Watch>();
