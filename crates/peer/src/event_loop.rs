//! The only loop of a peer: wait, one input, drain outputs, re-arm one timer. It reads the real clock.
//!
//! `swarm, commands, committed machines, timer -> Node -> gossipsub, Registry`. No protocol rule lives here: what to
//! say and what to believe is the [`Node`]'s, whom to dial when is the [`dialler`]'s.
//!
//! A commit on an exposed machine only sets a bit and wakes the loop, which reads the clock under the machine's short
//! lock: however fast a machine ticks, the loop reads it once per turn.

mod acquaintances;
mod catch_up;
mod clock;
mod dial_error;
mod dialler;
mod exposures;
mod first_index;
mod leave;
mod links;
mod node_outputs;
mod outbox;
mod reach;
mod swarm_events;
mod visits;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use libp2p::core::transport::ListenerId;
use libp2p::gossipsub::{IdentTopic, MessageId};
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm};
use statemesh_core::collections::OrderedMap;
use statemesh_core::hash::{FNV_BASIS, fnv1a};
use statemesh_core::node::{self, Input, Members, MessageToken, Node};
use statemesh_core::time::{Instant, earliest};
use statemesh_core::{MachineIdx, PeerId};

use self::acquaintances::Acquaintances;
use self::catch_up::Calls;
use self::clock::Clock;
use self::dialler::{Action, Dialler, Pace, TargetNo};
pub(crate) use self::exposures::Signals;
use self::exposures::{Changed, Exposures};
pub(crate) use self::first_index::reserve;
use self::leave::Leave;
use self::links::Links;
use self::outbox::Outbox;
use self::visits::Visits;
use crate::behaviour::{Behaviour, BehaviourEvent, SOFTWARE};
use crate::lifecycle::{Lifecycle, Standing};
use crate::machine::Machine;
use crate::mesh::{AddressSource, Connection, DialFailure, Mesh, Role, SpawnError, Start};
use crate::registry::Registry;
use crate::transport::{Built, Timer};

/// What a peer is to do.
pub(crate) struct Config {
    pub(crate) own: PeerId,
    pub(crate) topic: String,
    pub(crate) role: Role,
    /// Tags of the lifecycle machine, beside its role.
    pub(crate) tags: Vec<String>,
    /// Told to others beside what is listened on.
    pub(crate) announce: Vec<Multiaddr>,
    pub(crate) connect: Vec<Multiaddr>,
    pub(crate) sources: Vec<AddressSource>,
    /// Links to have, by dialling who is learned of on the mesh.
    pub(crate) links: usize,
    /// The only ones there are.
    pub(crate) members: Option<Members>,
    /// Exposed from the start.
    pub(crate) machines: Vec<Machine>,
    /// Join only when this ends.
    pub(crate) start: Option<Start>,
    /// Told to others as if the wall clock were so much ahead.
    pub(crate) clock_ahead_ms: i64,
}

/// What a handle asks for. A dropped reply means that the peer ended.
pub(crate) enum Command {
    /// The least index is one from [`reserve`], after its wait.
    Expose(MachineIdx, Machine, oneshot::Sender<MachineIdx>),
    Withdraw(MachineIdx, oneshot::Sender<()>),
    /// Once, not supervised.
    Dial(Multiaddr, oneshot::Sender<Result<PeerId, DialFailure>>),
    Shutdown(oneshot::Sender<()>),
}

/// The loop and all it owns.
pub(crate) struct EventLoop {
    clock: Clock,
    node: Node,
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    keypair: Keypair,
    calls: Calls,
    registry: Arc<Registry>,
    signals: Arc<Signals>,
    commands: mpsc::Receiver<Command>,
    exposures: Exposures,
    /// What to wait for before joining.
    start: Option<Start>,
    /// Exposed once the topic is joined.
    held: Vec<(MachineIdx, Machine)>,
    /// Machines that have grown, by the moment when the index drawn for each may be used.
    grown: VecDeque<Grown>,
    lifecycle: Lifecycle,
    dialler: Dialler,
    acquaintances: Acquaintances,
    visits: Visits,
    announced: Vec<Multiaddr>,
    links: Links,
    /// When the last link went; `None` before the first one.
    lost_at: Option<web_time::Instant>,
    links_changed: bool,
    sources: Vec<AddressSource>,
    answers: FuturesUnordered<Answer>,
    outbox: Outbox,
    /// Messages that wait for the node's verdict.
    unjudged: OrderedMap<MessageToken, (MessageId, libp2p::PeerId)>,
    next_token: u64,
    timer: Timer,
    armed: Option<Instant>,
    stage: Stage,
    swarm_first: bool,
}

enum Stage {
    Starting {
        /// Listeners that have no address yet.
        listeners: Vec<(ListenerId, Multiaddr)>,
        until: Instant,
        ready: Option<oneshot::Sender<Result<(), SpawnError>>>,
    },
    Running,
    Leaving(Leave),
    Ended,
}

/// A machine with more states than were announced.
struct Grown {
    due: Instant,
    old: MachineIdx,
    least: MachineIdx,
}

/// Why the loop woke.
enum Wake {
    Signal,
    Timer,
    Command(Option<Command>),
    Start,
    Addresses(TargetNo, Result<Vec<Multiaddr>, String>),
    Swarm(Box<SwarmEvent<BehaviourEvent>>),
}

/// An address source at work.
type Answer = Pin<Box<dyn Future<Output = (TargetNo, Result<Vec<Multiaddr>, String>)> + Send>>;

impl EventLoop {
    /// A loop that has not begun, and the first handle on it. `indexes` holds one for each of the config's machines
    /// and one more for the lifecycle. `ready` hears when all listeners are up, or why not.
    pub(crate) fn new(
        config: Config,
        built: Built,
        indexes: &[MachineIdx],
        ready: oneshot::Sender<Result<(), SpawnError>>,
    ) -> (Self, Mesh) {
        let clock = Clock::start();
        let now = clock.now();
        let seed = seed(config.own, indexes);
        let lifecycle = Lifecycle::new(config.own, config.role, config.tags);
        let mut machines = config.machines;
        if config.role != Role::Tab {
            machines.push(lifecycle.machine().clone());
        }
        let dialler = Dialler::new(config.connect, config.sources.len(), PACE, seed);
        let registry = Arc::new(Registry::new(
            config.own,
            config.topic,
            clock.origin(),
            first_connection(&dialler),
            built.copies,
        ));
        let signals = Arc::new(Signals::default());
        let (sender, commands) = mpsc::channel(COMMANDS);
        let mesh = Mesh::new(
            registry.clone(),
            signals.clone(),
            sender,
            lifecycle.machine().clone(),
        );
        let first_index = indexes.first().copied().unwrap_or_default();
        let node = node::Config {
            about: about(config.role),
            members: config.members,
            wall_ms: clock::wall_ms().saturating_add_signed(config.clock_ahead_ms),
            ..node::Config::new(config.own, first_index, seed)
        };
        let event_loop = Self {
            node: Node::new(node, now),
            links: Links::new(*built.swarm.local_peer_id()),
            swarm: built.swarm,
            topic: built.topic,
            keypair: built.keypair,
            calls: Calls::default(),
            registry,
            exposures: Exposures::new(signals.clone()),
            start: config.start,
            held: indexes.iter().copied().zip(machines).collect(),
            grown: VecDeque::new(),
            signals,
            commands,
            lifecycle,
            dialler,
            acquaintances: Acquaintances::new(config.links, PACE, seed),
            visits: Visits::default(),
            announced: config.announce,
            lost_at: None,
            links_changed: true,
            sources: config.sources,
            answers: FuturesUnordered::new(),
            outbox: Outbox::default(),
            unjudged: OrderedMap::new(),
            next_token: 0,
            timer: Timer::new(START_LIMIT),
            armed: None,
            stage: Stage::Starting {
                listeners: built.listeners,
                until: now + START_LIMIT,
                ready: Some(ready),
            },
            swarm_first: false,
            clock,
        };
        (event_loop, mesh)
    }

    /// Runs until the peer ends.
    pub(crate) async fn run(mut self) {
        self.start_if_listening();
        loop {
            self.settle();
            if matches!(self.stage, Stage::Ended) {
                return;
            }
            let wake = poll_fn(|cx| self.poll_wake(cx)).await;
            self.handle(wake);
        }
    }

    fn handle(&mut self, wake: Wake) {
        match wake {
            Wake::Signal => self.on_signal(),
            Wake::Timer => self.on_timer(),
            Wake::Command(Some(command)) => self.on_command(command),
            Wake::Command(None) => self.leave(None),
            Wake::Start => self.join(self.clock.now()),
            Wake::Addresses(target, answer) => {
                self.dialler.on_addresses(target, answer, self.clock.now());
            }
            Wake::Swarm(event) => self.on_swarm_event(*event),
        }
    }

    /// Whoever is asked first changes every turn, so that neither the network nor the application starves the other.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        self.swarm_first = !self.swarm_first;
        if self.swarm_first
            && let Poll::Ready(event) = self.swarm.poll_next_unpin(cx)
        {
            return ready_event(event);
        }
        if self.signals.poll_raised(cx).is_ready() {
            return Poll::Ready(Wake::Signal);
        }
        if Pin::new(&mut self.timer).poll(cx).is_ready() {
            self.armed = None;
            return Poll::Ready(Wake::Timer);
        }
        if !matches!(self.stage, Stage::Starting { .. })
            && let Poll::Ready(command) = self.poll_command(cx)
        {
            return Poll::Ready(Wake::Command(command));
        }
        if matches!(self.stage, Stage::Running)
            && let Some(start) = &mut self.start
            && start.as_mut().poll(cx).is_ready()
        {
            self.start = None;
            return Poll::Ready(Wake::Start);
        }
        if let Poll::Ready(Some((target, answer))) = Pin::new(&mut self.answers).poll_next(cx) {
            return Poll::Ready(Wake::Addresses(target, answer));
        }
        match self.swarm.poll_next_unpin(cx) {
            Poll::Ready(event) => ready_event(event),
            Poll::Pending => Poll::Pending,
        }
    }

    /// After the last handle was dropped nothing more comes: the peer leaves once.
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Option<Command>> {
        match Pin::new(&mut self.commands).poll_next(cx) {
            Poll::Ready(None) if matches!(self.stage, Stage::Leaving(_)) => Poll::Pending,
            other => other,
        }
    }

    /// Everything that follows from the last input, then the timer.
    fn settle(&mut self) {
        let now = self.clock.now();
        self.drain_node(now);
        self.leave_on(now);
        while let Some(action) = self.dialler.poll_action() {
            self.on_dial_action(action, now);
        }
        self.show_standing();
        let due = match &self.stage {
            Stage::Starting { until, .. } => Some(*until),
            Stage::Leaving(leave) => Some(leave.until()),
            Stage::Running | Stage::Ended => None,
        };
        let due = [
            due,
            self.node.poll_timeout(),
            self.dialler.poll_timeout().filter(|_| due.is_none()),
            self.acquaintances
                .poll_timeout(self.links.count())
                .filter(|_| due.is_none()),
            self.outbox.poll_timeout(),
            self.grown.front().map(|grown| grown.due),
        ];
        let due = due.into_iter().fold(None, earliest);
        if self.armed != due {
            self.armed = due;
            match due {
                Some(due) => self.timer.set(due.since(self.clock.now())),
                None => self.timer.disarm(),
            }
        }
    }

    fn on_timer(&mut self) {
        let now = self.clock.now();
        match &self.stage {
            Stage::Starting { until, .. } if *until <= now => self.fail_start(None),
            Stage::Starting { .. } | Stage::Leaving(_) | Stage::Ended => {}
            Stage::Running => {
                self.dialler.handle_timeout(now);
                self.meet(now);
            }
        }
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
        }
        self.expose_grown(now);
        let (outbox, mut publish) = self.publisher();
        outbox.handle_timeout(now, &mut publish);
    }

    fn on_signal(&mut self) {
        let now = self.clock.now();
        if self.signals.take_retry() && matches!(self.stage, Stage::Running) {
            self.dialler.retry_now(now);
        }
        for change in self.exposures.take_changes() {
            match change {
                _ if matches!(self.stage, Stage::Leaving(_)) => {}
                Changed::Input(input) => self.node.handle_input(now, input),
                Changed::Grown(old) => {
                    let (least, wait) = reserve();
                    let due = now + wait;
                    self.grown.push_back(Grown { due, old, least });
                }
            }
        }
        self.expose_grown(now);
    }

    /// Introduces machines that have grown again, whose new index may be used by now. The new one comes before the old
    /// one goes, so that who looks for it by name finds it at any time.
    fn expose_grown(&mut self, now: Instant) {
        while let Some(grown) = self.grown.pop_front_if(|grown| grown.due <= now) {
            if matches!(self.stage, Stage::Leaving(_)) {
                continue;
            }
            let index = self.node.reserve_index_from(grown.least);
            if let Some(exposed) = self.exposures.regrow(grown.old, index) {
                self.node.handle_input(now, Input::Expose(index, exposed));
                self.node.handle_input(now, Input::Withdraw(grown.old));
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Expose(index, machine, reply) => {
                if matches!(self.stage, Stage::Leaving(_)) {
                    return;
                }
                // The caller may have gone: the machine is exposed all the same.
                let _ = reply.send(self.expose(index, &machine, now));
            }
            Command::Withdraw(index, reply) => {
                if let Some(index) = self.exposures.remove(index)
                    && !matches!(self.stage, Stage::Leaving(_))
                {
                    self.node.handle_input(now, Input::Withdraw(index));
                }
                let _ = reply.send(());
            }
            Command::Dial(address, reply) => self.visit(address, reply),
            Command::Shutdown(reply) => self.leave(Some(reply)),
        }
    }

    /// `least` is one from [`reserve`]; commands of several tasks may arrive in another order than they reserved.
    fn expose(&mut self, least: MachineIdx, machine: &Machine, now: Instant) -> MachineIdx {
        let index = self.node.reserve_index_from(least);
        match self.exposures.add(index, machine) {
            Ok(exposed) => {
                self.node.handle_input(now, Input::Expose(index, exposed));
                index
            }
            Err(known) => known,
        }
    }

    /// All listeners have an address: the peer speaks and dials from now on.
    fn start_if_listening(&mut self) {
        let Stage::Starting {
            listeners, ready, ..
        } = &mut self.stage
        else {
            return;
        };
        if !listeners.is_empty() {
            return;
        }
        let ready = ready.take();
        self.stage = Stage::Running;
        let now = self.clock.now();
        if self.start.is_none() {
            self.join(now);
        }
        self.dialler.handle_timeout(now);
        self.links_changed = true;
        self.settle();
        if let Some(ready) = ready {
            // A caller that went away has dropped its handle, too: the peer leaves by itself.
            let _ = ready.send(Ok(()));
        }
    }

    /// Subscribes to the topic and begins to speak.
    fn join(&mut self, now: Instant) {
        let gossipsub = &mut self.swarm.behaviour_mut().gossipsub;
        gossipsub
            .subscribe(&self.topic)
            .expect("the filter holds this very topic");
        for (index, machine) in std::mem::take(&mut self.held) {
            self.expose(index, &machine, now);
        }
        self.node.handle_input(now, Input::Joined);
    }

    /// A listener failed, or one said nothing for too long (`None`).
    fn fail_start(&mut self, failed: Option<(ListenerId, String)>) {
        let Stage::Starting {
            listeners, ready, ..
        } = &mut self.stage
        else {
            return;
        };
        let (place, reason) = match failed {
            Some((listener, reason)) => {
                let place = listeners.iter().position(|(id, _)| *id == listener);
                (place, reason)
            }
            None => (Some(0), format!("no address within {START_LIMIT:?}")),
        };
        let Some((_, address)) = place.and_then(|place| listeners.get(place).cloned()) else {
            return;
        };
        self.lifecycle.listening_failed();
        if let Some(ready) = ready.take() {
            let _ = ready.send(Err(SpawnError::Listen { address, reason }));
        }
        self.stage = Stage::Ended;
    }

    fn on_dial_action(&mut self, action: Action, now: Instant) {
        match action {
            Action::Ask(target) => {
                let source = target.0.checked_sub(self.dialler.first_source());
                if let Some(source) = source.and_then(|no| self.sources.get(no)) {
                    let answer = source();
                    self.answers
                        .push(Box::pin(async move { (target, answer.await) }));
                }
            }
            Action::Dial(opts) => {
                let connection = opts.connection_id();
                if let Err(error) = self.swarm.dial(*opts) {
                    let reasons = |tried: &[Multiaddr]| dial_error::failures(error, tried);
                    self.dialler.on_failed(connection, reasons, now);
                }
            }
            Action::Abort(peer) => {
                if !self.swarm.is_connected(&peer) {
                    // `Err` says that there is no connection, which is known; pending dials end.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
        }
    }

    /// Tells handles and the lifecycle machine where this peer stands, if that may have changed.
    fn show_standing(&mut self) {
        let changed = self.dialler.take_changed() | std::mem::take(&mut self.links_changed);
        if !changed || !matches!(self.stage, Stage::Running) {
            return;
        }
        let connection = self.standing();
        self.lifecycle.show(match &connection {
            Connection::Live => Standing::Connected,
            Connection::Closed => Standing::Leaving,
            Connection::Connecting { .. } | Connection::Reconnecting { .. } => {
                match self.dialler.is_dialling() {
                    true => Standing::Connecting,
                    false => Standing::Waiting,
                }
            }
        });
        self.registry.set_connection(connection);
    }

    fn standing(&self) -> Connection {
        if self.links.any() || self.dialler.is_empty() {
            return Connection::Live;
        }
        match self.lost_at {
            None => Connection::Connecting {
                attempt: self.dialler.rounds(),
                failures: self.dialler.failures(),
            },
            Some(since) => Connection::Reconnecting {
                since,
                next_try: self.dialler.next_try().map(|at| self.registry.real(at)),
                failures: self.dialler.failures(),
            },
        }
    }
}

/// Also when the runtime drops the task: no handle waits for an answer that cannot come.
impl Drop for EventLoop {
    fn drop(&mut self) {
        self.lifecycle.show(Standing::Ended);
        self.registry.close();
    }
}

fn ready_event(event: Option<SwarmEvent<BehaviourEvent>>) -> Poll<Wake> {
    match event {
        Some(event) => Poll::Ready(Wake::Swarm(Box::new(event))),
        // A swarm's stream does not end.
        None => Poll::Pending,
    }
}

fn first_connection(dialler: &Dialler) -> Connection {
    if dialler.is_empty() {
        return Connection::Live;
    }
    Connection::Connecting {
        attempt: 0,
        failures: Vec::new(),
    }
}

/// Differs between peers and between starts; nothing secret hangs on it.
fn seed(own: PeerId, indexes: &[MachineIdx]) -> u64 {
    let start = indexes.first().map_or(0, |index| index.0);
    let bytes = own.as_bytes().iter().copied().chain(start.to_le_bytes());
    fnv1a(FNV_BASIS, bytes)
}

/// What others are told about this peer, for people to read.
fn about(role: Role) -> node::About {
    node::About {
        name: String::new(),
        software: SOFTWARE.to_owned(),
        role: role.name().to_owned(),
    }
}

/// Commands that may wait. Callers wait when it is full.
const COMMANDS: usize = 64;
/// All listeners must be up by then. A guess; they take milliseconds.
const START_LIMIT: Duration = Duration::from_secs(10);
/// A stock browser transport may hang on a refused dial, and a person is waiting.
#[cfg(target_arch = "wasm32")]
const PACE: Pace = Pace {
    dial_limit: Duration::from_secs(2),
    longest_pause: Duration::from_secs(1),
    between_strangers: Duration::from_millis(500),
};
/// Long enough for a slow WAN handshake.
#[cfg(not(target_arch = "wasm32"))]
const PACE: Pace = Pace {
    dial_limit: Duration::from_secs(8),
    longest_pause: Duration::from_secs(5),
    between_strangers: Duration::from_secs(2),
};
