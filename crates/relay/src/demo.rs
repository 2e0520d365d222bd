//! The demo: six mesh peers, one parcel delivery company, one workflow together.
//!
//! Each host is a real peer with a fresh key that dials the relay over QUIC. Machines on one host drive each other by
//! pipes and handlers; machines on different hosts know each other only as mirrors and react by awaiting them. The
//! files beside hold one place each: first what drives what, then its machines. Nothing here knows the protocol.

use std::fmt;
use std::str::FromStr;

use futures::future::join_all;
use statemesh::Multiaddr;
use statemesh::core::engine::schemas::Basic;
use statemesh::identity::Identity;
use statemesh::machine::Machine;
use statemesh::mesh::{Mesh, SpawnError};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::scene::INCIDENT_LASTS;

use self::kit::Service;
use self::scene::{Place, Scene, Sight};

mod depots;
mod hub_fra;
mod hub_muc;
mod kiosk_03;
mod kit;
mod scene;
#[cfg(test)]
mod tests;
mod van_17;

/// What to run.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// Topic to join.
    pub topic: String,
    /// Address of the relay, with `/p2p/<id>`.
    pub connect: Multiaddr,
    /// Hosts to run in this process, [`Host::ALL`] for the whole demo.
    pub hosts: Vec<Host>,
    /// Nothing goes wrong by itself.
    pub calm: bool,
    /// When route-17 fails, and what depends on it. Nothing else goes wrong then.
    pub incident: Option<Instant>,
    /// Key of a single host; fresh ones by default.
    pub identity: Option<Identity>,
    /// Seed of all choices and delays.
    pub seed: u64,
}

/// A place of the demo company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Hub in Frankfurt.
    HubFra,
    /// Hub in Munich.
    HubMuc,
    /// Depot in Berlin.
    DepotBer,
    /// Depot in Hamburg.
    DepotHam,
    /// A van.
    Van17,
    /// A parcel kiosk.
    Kiosk03,
}

impl Host {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::HubFra,
        Self::HubMuc,
        Self::DepotBer,
        Self::DepotHam,
        Self::Van17,
        Self::Kiosk03,
    ];

    /// Its name, as in the tag `host:NAME`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HubFra => "hub-fra",
            Self::HubMuc => "hub-muc",
            Self::DepotBer => "depot-ber",
            Self::DepotHam => "depot-ham",
            Self::Van17 => "van-17",
            Self::Kiosk03 => "kiosk-03",
        }
    }

    /// Puts its machines and scripts in place.
    fn furnish(self, place: &mut Place) {
        match self {
            Self::HubFra => hub_fra::furnish(place),
            Self::HubMuc => hub_muc::furnish(place),
            Self::DepotBer => depots::furnish_ber(place),
            Self::DepotHam => depots::furnish_ham(place),
            Self::Van17 => van_17::furnish(place),
            Self::Kiosk03 => kiosk_03::furnish(place),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No such host. The caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no demo host {0:?}: hub-fra, hub-muc, depot-ber, depot-ham, van-17 or kiosk-03")]
pub struct UnknownHost(String);

impl FromStr for Host {
    type Err = UnknownHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = Self::ALL.into_iter().find(|host| host.name() == text);
        host.ok_or_else(|| UnknownHost(text.to_owned()))
    }
}

/// A running demo.
pub struct Demo {
    peers: Vec<Peer>,
    scripts: JoinSet<()>,
}

struct Peer {
    mesh: Mesh,
    place: Place,
}

impl Demo {
    /// Starts the peers of these hosts.
    ///
    /// # Errors
    /// [`SpawnError`]: nothing runs.
    pub async fn start(config: DemoConfig) -> Result<Self, SpawnError> {
        let mut demo = Self {
            peers: Vec::new(),
            scripts: JoinSet::new(),
        };
        for host in &config.hosts {
            if let Err(error) = demo.open(*host, &config).await {
                demo.shutdown().await;
                return Err(error);
            }
        }
        Ok(demo)
    }

    /// A machine of a host that runs here.
    #[must_use]
    pub fn machine(&self, id: &str) -> Option<Machine> {
        let mut machines = self.peers.iter().flat_map(|peer| &peer.place.machines);
        machines.find(|machine| machine.id() == id).cloned()
    }

    /// Says bye for every host and ends them.
    pub async fn shutdown(mut self) {
        self.scripts.shutdown().await;
        join_all(self.peers.iter().map(|peer| peer.mesh.shutdown())).await;
        for peer in &self.peers {
            peer.place.end();
        }
    }

    async fn open(&mut self, host: Host, config: &DemoConfig) -> Result<(), SpawnError> {
        let mut place = Place::new(host);
        let mut mesh = Mesh::builder(config.topic.as_str())
            .tag(format!("host:{host}"))
            .connect(config.connect.clone());
        if let Some(identity) = &config.identity {
            mesh = mesh.identity(identity.clone());
        }
        for machine in &place.machines {
            mesh = mesh.expose(machine);
        }
        let mesh = mesh.spawn().await?;
        let sight = Sight::Mesh(mesh.clone());
        let scene = Scene::new(sight, config.seed, config.calm, config.incident);
        for script in place.start(&scene) {
            self.scripts.spawn(script);
        }
        let services = place.machines.clone();
        self.scripts
            .spawn(show_connection(mesh.lifecycle().clone(), services));
        self.peers.push(Peer { mesh, place });
        Ok(())
    }
}

/// Machines that need the mesh are connected exactly as long as their peer has a link.
async fn show_connection(lifecycle: Machine, services: Vec<Machine>) {
    while lifecycle.when(Basic::Ready).await.is_ok() {
        let lost = lifecycle.when_not(Basic::Ready);
        connect(&services);
        if lost.await.is_err() {
            return;
        }
        for machine in needs_mesh(&services) {
            kit::did(machine.remove(Service::Connected));
        }
    }
}

fn connect(services: &[Machine]) {
    for machine in needs_mesh(services) {
        kit::did(machine.add(Service::Connected));
    }
}

fn needs_mesh(services: &[Machine]) -> impl Iterator<Item = &Machine> {
    let connected =
        |machine: &&Machine| machine.schema().index(Service::Connected.name()).is_some();
    services.iter().filter(connected)
}
