//! One host of the demo: its machines, its scripts, and how they see machines of other hosts.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use statemesh::SchemaDef;
use statemesh::core::engine::{activations, next_active_tick};
use statemesh::machine::{Machine, StateName, States};
use statemesh::mesh::Mesh;
use statemesh::remote::RemoteMachine;
use statemesh::wait::{WaitError, When};
use tokio::time::Instant;

use super::Host;
use super::kit::{Device, Pace, did};

/// A running script.
pub(super) type Script = Pin<Box<dyn Future<Output = ()> + Send>>;

type Scripted = Box<dyn FnOnce(&Scene) -> Script + Send>;

/// A host before it has a peer.
pub(super) struct Place {
    pub(super) host: Host,
    pub(super) machines: Vec<Machine>,
    scripts: Vec<Scripted>,
}

impl Place {
    /// The machines and scripts of this host.
    pub(super) fn new(host: Host) -> Self {
        let mut place = Self {
            host,
            machines: Vec::new(),
            scripts: Vec::new(),
        };
        host.furnish(&mut place);
        place
    }

    pub(super) fn machine(&mut self, id: &str, schema: SchemaDef) -> Machine {
        let machine = Machine::builder(id, schema)
            .tag(format!("host:{}", self.host))
            .build();
        self.machines.push(machine.clone());
        machine
    }

    /// Adds a script; `name` seeds its pace.
    pub(super) fn script<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        name: &'static str,
        body: impl FnOnce(Scene, Pace) -> F + Send + 'static,
    ) {
        self.scripts.push(Box::new(move |scene| {
            let pace = Pace::new(scene.seed, name);
            Box::pin(body(scene.clone(), pace))
        }));
    }

    /// Starts all machines and hands the scripts out, to be spawned.
    pub(super) fn start(&mut self, scene: &Scene) -> Vec<Script> {
        for machine in &self.machines {
            did(machine.add(Device::Start));
        }
        let scripts = std::mem::take(&mut self.scripts);
        scripts.into_iter().map(|script| script(scene)).collect()
    }

    /// Ends all machines; handlers that refer to each other are let go.
    pub(super) fn end(&self) {
        for machine in &self.machines {
            machine.dispose();
        }
    }
}

/// What scripts know of the rest of the world.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) sight: Sight,
    pub(super) seed: u64,
    pub(super) calm: bool,
    /// When the incident begins, if there is one.
    pub(super) incident: Option<Instant>,
}

/// How machines of other hosts are seen.
#[derive(Clone)]
pub(super) enum Sight {
    /// As mirrors.
    Mesh(Mesh),
    /// Directly: tests of the workflow alone, in virtual time.
    #[cfg(test)]
    Near(std::sync::Arc<Vec<Machine>>),
}

/// A machine of another host.
#[derive(Clone)]
pub(super) enum Far {
    Mirror(RemoteMachine),
    #[cfg(test)]
    Near(Machine),
}

impl Scene {
    /// Where there is an incident, nothing else goes wrong.
    pub(super) fn new(sight: Sight, seed: u64, calm: bool, incident: Option<Instant>) -> Self {
        Self {
            sight,
            seed,
            calm: calm || incident.is_some(),
            incident,
        }
    }

    /// The machine with this id, as soon as there is one. `None`: this host's peer has ended.
    pub(super) async fn far(&self, id: &str) -> Option<Far> {
        match &self.sight {
            Sight::Mesh(mesh) => mesh.machine(id).await.ok().map(Far::Mirror),
            #[cfg(test)]
            Sight::Near(machines) => {
                let found = machines.iter().find(|machine| machine.id() == id);
                found.cloned().map(Far::Near)
            }
        }
    }

    /// Waits until a machine elsewhere has this state, whichever process runs it by then.
    pub(super) async fn until(&self, id: &str, state: impl StateName + Copy) -> Option<()> {
        self.wait(id, |far| far.when(state)).await
    }

    /// Waits until a machine elsewhere does not have this state.
    pub(super) async fn until_not(&self, id: &str, state: impl StateName + Copy) -> Option<()> {
        self.wait(id, |far| far.when_not(state)).await
    }

    async fn wait(&self, id: &str, when: impl Fn(&Far) -> When) -> Option<()> {
        loop {
            let far = self.far(id).await?;
            match when(&far).await {
                Ok(()) => return Some(()),
                Err(error) if may_return(&error) => again().await,
                Err(_) => return None,
            }
        }
    }

    /// How long the courier is on the road: past the beginning of an incident that is near, so that it finds him there
    /// whatever the delays of this run.
    pub(super) fn on_the_road(&self, planned: Duration) -> Duration {
        let now = Instant::now();
        let left = self.incident.map(|due| due.saturating_duration_since(now));
        match left {
            Some(left) if !left.is_zero() && left < NEAR => planned.max(left + PAST),
            Some(_) | None => planned,
        }
    }

    /// Follows one state of a machine elsewhere.
    pub(super) fn follow<S: StateName + Copy>(&self, id: &'static str, state: S) -> Follow<S> {
        Follow {
            scene: self.clone(),
            id,
            state,
            seen: None,
        }
    }
}

/// Beginnings of one state of a machine elsewhere, none counted twice, none missed while its host lives.
pub(super) struct Follow<S> {
    scene: Scene,
    id: &'static str,
    state: S,
    seen: Option<(Far, u64)>,
}

impl<S: StateName + Copy> Follow<S> {
    /// Waits for the next beginning. How many there were since the last call; `None`: this host's peer has ended.
    pub(super) async fn next(&mut self) -> Option<u64> {
        loop {
            let (far, seen) = match &self.seen {
                Some(seen) => seen.clone(),
                None => {
                    let far = self.scene.far(self.id).await?;
                    let tick = far.tick(self.state);
                    self.seen.insert((far, tick)).clone()
                }
            };
            match far.when_time(self.state, &[next_active_tick(seen)]).await {
                Ok(()) => {
                    let tick = far.tick(self.state);
                    self.seen = Some((far, tick));
                    return Some(activations(tick) - activations(seen));
                }
                Err(error) if may_return(&error) => {
                    self.seen = None;
                    again().await;
                }
                Err(_) => return None,
            }
        }
    }
}

/// The machine went, and its host may come back with it.
fn may_return(error: &WaitError) -> bool {
    match error {
        WaitError::Gone => true,
        WaitError::Disposed
        | WaitError::Closed
        | WaitError::Mismatch { .. }
        | WaitError::Unknown(_) => false,
    }
}

impl Far {
    pub(super) fn is(&self, states: impl States) -> bool {
        match self {
            Self::Mirror(machine) => machine.is(states),
            #[cfg(test)]
            Self::Near(machine) => machine.is(states),
        }
    }

    fn tick(&self, state: impl StateName) -> u64 {
        match self {
            Self::Mirror(machine) => machine.tick(state),
            #[cfg(test)]
            Self::Near(machine) => machine.tick(state),
        }
    }

    fn when(&self, states: impl States) -> When {
        match self {
            Self::Mirror(machine) => machine.when(states),
            #[cfg(test)]
            Self::Near(machine) => machine.when(states),
        }
    }

    fn when_not(&self, states: impl States) -> When {
        match self {
            Self::Mirror(machine) => machine.when_not(states),
            #[cfg(test)]
            Self::Near(machine) => machine.when_not(states),
        }
    }

    fn when_time(&self, states: impl States, ticks: &[u64]) -> When {
        match self {
            Self::Mirror(machine) => machine.when_time(states, ticks),
            #[cfg(test)]
            Self::Near(machine) => machine.when_time(states, ticks),
        }
    }
}

/// A mirror went: its host may come back as another peer.
async fn again() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

/// How long route-17 fails in an incident: a visitor has a minute to look when all that follows is seen, the silence of
/// kiosk-03 included.
pub const INCIDENT_LASTS: Duration = Duration::from_secs(90);
/// Longer than any time between two drives of the courier.
const NEAR: Duration = Duration::from_secs(12);
/// The courier does not arrive in the moment in which the incident begins.
const PAST: Duration = Duration::from_secs(2);
