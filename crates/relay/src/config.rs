//! Arguments as meant: defaults filled in, `--public` applied, the data folder found. Nothing is opened here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use statemesh::multiaddr::{Multiaddr, Protocol};

use crate::cli::RelayArgs;
use crate::http::api::ip_of;
use crate::http::origin::Access;
use crate::target::Target;

/// A relay to run.
#[derive(Debug)]
pub struct RelayConfig {
    /// Topic name.
    pub topic: String,
    /// Peers to stay connected to.
    pub connect: Vec<Target>,
    /// Where the peer listens, the HTTP port aside.
    pub listen: Vec<Multiaddr>,
    /// The HTTP port.
    pub http: SocketAddr,
    /// Further addresses to tell.
    pub announce: Vec<Multiaddr>,
    /// Who may use the HTTP port.
    pub access: Access,
    /// Key and certificate.
    pub data_dir: PathBuf,
    /// The demo, when wanted.
    pub demo: Option<DemoPlan>,
}

/// How the demo runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// Nothing goes wrong by itself.
    pub calm: bool,
    /// Seed of all choices.
    pub seed: u64,
    /// After how long the incident begins, if there is one.
    pub incident: Option<Duration>,
}

impl RelayConfig {
    /// Completes the arguments.
    ///
    /// # Errors
    /// [`NoDataDir`]: the user's environment has no home.
    pub fn from_args(args: RelayArgs) -> Result<Self, NoDataDir> {
        let ip = if args.public {
            Ipv4Addr::UNSPECIFIED
        } else {
            Ipv4Addr::LOCALHOST
        };
        let data_dir = match args.data_dir {
            Some(dir) => dir,
            None => default_data_dir()?,
        };
        Ok(Self {
            topic: args.topic,
            connect: args.connect,
            listen: if args.listen.is_empty() {
                default_listen(ip)
            } else {
                args.listen
            },
            http: args
                .http
                .unwrap_or(SocketAddr::new(IpAddr::V4(ip), HTTP_PORT)),
            access: Access {
                origins: args.allow_origin,
                names: args.announce.iter().filter_map(name_of).collect(),
            },
            announce: args.announce,
            data_dir,
            demo: args.demo.then(|| DemoPlan {
                calm: args.calm,
                seed: seed_or_random(args.seed),
                incident: args.incident,
            }),
        })
    }

    /// Where others than this computer may come in.
    pub fn exposed(&self) -> Vec<String> {
        let mut exposed: Vec<_> = self
            .listen
            .iter()
            .filter(|address| !ip_of(address).is_some_and(|ip| ip.is_loopback()))
            .map(ToString::to_string)
            .collect();
        if !self.http.ip().is_loopback() {
            exposed.push(format!("http://{}", self.http));
        }
        exposed
    }
}

/// There is no place for the key. The user's to say; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither XDG_DATA_HOME nor HOME is set; say where to keep the relay's key with --data-dir DIR"
)]
pub struct NoDataDir;

/// A fresh random seed, when none was given.
pub fn seed_or_random(seed: Option<u64>) -> u64 {
    seed.unwrap_or_else(rand::random)
}

fn default_listen(ip: Ipv4Addr) -> Vec<Multiaddr> {
    let on = |transport: &[Protocol<'static>]| {
        let host = Multiaddr::empty().with(Protocol::Ip4(ip));
        transport
            .iter()
            .fold(host, |address, part| address.with(part.clone()))
    };
    vec![
        on(&[Protocol::Udp(PEER_PORT), Protocol::QuicV1]),
        on(&[Protocol::Tcp(PEER_PORT)]),
        on(&[Protocol::Udp(WEBRTC_PORT), Protocol::WebRTCDirect]),
    ]
}

/// The XDG base directory rule: relative paths there are invalid.
fn default_data_dir() -> Result<PathBuf, NoDataDir> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local").join("share")))
        .map(|base| base.join("statemesh"))
        .ok_or(NoDataDir)
}

/// The name an announced address begins with.
fn name_of(address: &Multiaddr) -> Option<String> {
    address.iter().find_map(|part| {
        if let Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) = part {
            Some(name.to_ascii_lowercase())
        } else {
            None
        }
    })
}

const HTTP_PORT: u16 = 8700;
/// TCP and QUIC.
const PEER_PORT: u16 = 8701;
const WEBRTC_PORT: u16 = 8702;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn config(args: &[&str]) -> RelayConfig {
        let line = ["statemesh", "--data-dir", "/nowhere"].iter().chain(args);
        RelayConfig::from_args(Cli::parse_from(line).relay).unwrap()
    }

    fn listens(config: &RelayConfig) -> Vec<String> {
        config.listen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn everything_is_on_loopback_by_default() {
        let config = config(&[]);
        assert_eq!(config.http.to_string(), "127.0.0.1:8700");
        assert_eq!(
            listens(&config),
            [
                "/ip4/127.0.0.1/udp/8701/quic-v1",
                "/ip4/127.0.0.1/tcp/8701",
                "/ip4/127.0.0.1/udp/8702/webrtc-direct",
            ]
        );
        assert!(config.exposed().is_empty());
        assert_eq!(config.demo, None);
    }

    #[test]
    fn public_and_explicit_addresses_are_told() {
        let public = config(&["--public"]);
        assert_eq!(public.exposed().len(), 4, "{:?}", public.exposed());
        assert_eq!(public.http.to_string(), "0.0.0.0:8700");

        let explicit = config(&[
            "--listen",
            "/ip4/10.0.0.1/tcp/0",
            "--listen",
            "/ip6/::1/tcp/0",
        ]);
        assert_eq!(explicit.exposed(), ["/ip4/10.0.0.1/tcp/0"]);
        assert_eq!(
            listens(&explicit),
            ["/ip4/10.0.0.1/tcp/0", "/ip6/::1/tcp/0"]
        );

        let http = config(&["--public", "--http", "127.0.0.1:0"]);
        assert_eq!(http.exposed().len(), 3);
    }

    #[test]
    fn announced_names_are_known_hosts() {
        let config = config(&["--announce", "/dns4/Relay.Example.org/tcp/443/wss"]);
        assert_eq!(config.access.names, ["relay.example.org"]);
    }

    #[test]
    fn the_demo_keeps_its_seed() {
        let config = config(&["--demo", "--seed", "7", "--calm"]);
        assert_eq!(
            config.demo,
            Some(DemoPlan {
                calm: true,
                seed: 7,
                incident: None,
            })
        );
    }
}
