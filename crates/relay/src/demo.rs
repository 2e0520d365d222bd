//! The demo: six mesh peers, one parcel delivery company, one workflow together.
//!
//! Each host is a real peer with a fresh key that dials the relay over QUIC. Machines on one host drive each other by
//! handlers; machines on different hosts know each other only as mirrors and react by awaiting them.

use std::fmt;
use std::str::FromStr;

use statemesh::Multiaddr;
use statemesh::mesh::SpawnError;

/// What to run.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// Topic to join.
    pub topic: String,
    /// Address of the relay, with `/p2p/<id>`.
    pub connect: Multiaddr,
    /// Hosts to run in this process, [`Host::ALL`] for the whole demo.
    pub hosts: Vec<Host>,
    /// Nothing goes wrong.
    pub calm: bool,
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
pub struct Demo {}

impl Demo {
    /// Starts the peers of these hosts.
    ///
    /// # Errors
    /// [`SpawnError`]: nothing runs.
    pub async fn start(config: DemoConfig) -> Result<Self, SpawnError> {
        let _ = config;
        todo!()
    }

    /// Says bye for every host and ends them.
    pub async fn shutdown(self) {
        todo!()
    }
}
