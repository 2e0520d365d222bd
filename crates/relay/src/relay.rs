//! `statemesh relay`: starts the peer, the HTTP port and the demo, says `ready:`, waits for a signal, says bye.
//!
//! `bind HTTP -> open data folder -> spawn peer -> serve HTTP -> ready -> demo -> signal -> demo bye -> bye`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use statemesh::PeerId;
use statemesh::mesh::{Link, Mesh, Role, SpawnError, WebSocketDoor};
use statemesh::multiaddr::{Multiaddr, Protocol};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::config::{DemoPlan, RelayConfig};
use crate::data_dir::{DataDir, DataDirError};
use crate::demo::{Demo, DemoConfig, Host};
use crate::http::api::{ip_of, with_peer};
use crate::http::metrics::{Figures, LinkFigure};
use crate::http::{self, Backend, Health, server};
use crate::incident::{self, Incident, Kiosk};
use crate::report;
use crate::signals::Signals;

/// Runs a relay until a signal.
///
/// # Errors
/// [`StartError`]; whatever had started is ended.
pub async fn run(config: RelayConfig, signals: &mut Signals) -> Result<(), StartError> {
    for place in config.exposed() {
        eprintln!(
            "warning: anyone who reaches {place} can join `{}` and publish; without --public or with a loopback address only this computer can",
            config.topic
        );
    }
    let started = tokio::select! {
        started = Relay::start(&config) => started?,
        () = signals.wait() => return Ok(()),
    };
    started.say_ready();
    let demo = match config.demo {
        Some(plan) => tokio::select! {
            demo = started.start_demo(plan) => demo.map(Some),
            () = signals.wait() => {
                started.stop(None).await;
                return Ok(());
            }
        },
        None => Ok(None),
    };
    match demo {
        Ok(demo) => {
            signals.wait().await;
            tracing::info!("saying bye");
            started.stop(demo).await;
            Ok(())
        }
        Err(error) => {
            started.stop(None).await;
            Err(error)
        }
    }
}

/// A running relay.
struct Relay {
    mesh: Mesh,
    peer: Arc<Peer>,
    server: server::Server,
    http: SocketAddr,
    data_dir: DataDir,
}

impl Relay {
    async fn start(config: &RelayConfig) -> Result<Self, StartError> {
        let taken = |reason| StartError::Http {
            address: config.http,
            reason,
        };
        let listener = TcpListener::bind(config.http).await.map_err(taken)?;
        let http = listener.local_addr().map_err(taken)?;
        let data_dir = DataDir::open(&config.data_dir)?;

        let mut builder = Mesh::builder(config.topic.clone())
            .identity(data_dir.identity.clone())
            .role(Role::Relay)
            .certificate_dir(data_dir.path());
        for address in &config.listen {
            builder = builder.listen(address.clone());
        }
        for address in &config.announce {
            builder = builder.announce(address.clone());
        }
        for target in &config.connect {
            tracing::info!("connecting to {target}, and again whenever the connection is lost");
            builder = target.connect(builder);
        }
        let (builder, door) = builder.websocket_door(websocket(reachable_ip(http.ip()), http));
        let mesh = builder.spawn().await?;
        tokio::spawn(report::run(mesh.events()));

        let peer = Arc::new(Peer {
            mesh: mesh.clone(),
            door,
            http,
            announce: config.announce.clone(),
        });
        let router = http::router(Arc::clone(&peer) as Arc<dyn Backend>, config.access.clone());
        let server = server::start(listener, router, server::Limits::default());
        Ok(Self {
            mesh,
            peer,
            server,
            http,
            data_dir,
        })
    }

    /// Scripts read these lines: `ready:`, addresses indented by two spaces, `page:`.
    fn say_ready(&self) {
        let mut lines = format!(
            "ready: topic {}, peer {}\n",
            self.mesh.topic(),
            self.mesh.peer_id()
        );
        for address in self.peer.addresses() {
            // Writing to a String does not fail.
            let _ = writeln!(lines, "  {address}");
        }
        let page = SocketAddr::new(reachable_ip(self.http.ip()), self.http.port());
        let _ = writeln!(lines, "page: http://{page}/");
        // A relay runs on when nobody reads its output.
        let mut out = io::stdout().lock();
        let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    }

    async fn start_demo(&self, plan: DemoPlan) -> Result<Show, StartError> {
        let connect = nearest(self.mesh.addresses()).ok_or(StartError::NoDemoAddress)?;
        let topic = self.mesh.topic().to_owned();
        let started = Instant::now();
        let due = plan.incident.map(|after| started + after);
        tracing::info!(seed = plan.seed, "demo started");
        let demo = Demo::start(DemoConfig {
            topic: topic.clone(),
            connect: connect.clone(),
            hosts: due.map_or_else(|| Host::ALL.to_vec(), |_| incident::hosts()),
            calm: plan.calm,
            incident: due,
            identity: None,
            seed: plan.seed,
        });
        let demo = demo.await?;
        let Some(due) = due else {
            return Ok(Show {
                demo,
                incident: None,
            });
        };
        let kiosk = Kiosk {
            topic,
            connect,
            seed: plan.seed,
            key: self.data_dir.path().join("kiosk-03.key"),
        };
        match Incident::begin(&demo, started, due, kiosk) {
            Ok(incident) => Ok(Show {
                demo,
                incident: Some(incident),
            }),
            Err(reason) => {
                demo.shutdown().await;
                Err(StartError::Kiosk(reason))
            }
        }
    }

    /// The demo's bye travels through this relay, so it comes first. Bounded: the process must end within 2 s.
    async fn stop(self, show: Option<Show>) {
        let server = tokio::spawn(self.server.stop());
        if let Some(show) = show {
            let _ = timeout(BYE, show.end()).await;
        }
        let _ = timeout(BYE, self.mesh.shutdown()).await;
        let _ = timeout(BYE, server).await;
    }
}

/// The running demo.
struct Show {
    demo: Demo,
    incident: Option<Incident>,
}

impl Show {
    async fn end(self) {
        let outside = async {
            if let Some(incident) = self.incident {
                incident.end().await;
            }
        };
        tokio::join!(self.demo.shutdown(), outside);
    }
}

/// The peer as the HTTP side sees it.
struct Peer {
    mesh: Mesh,
    door: WebSocketDoor,
    http: SocketAddr,
    announce: Vec<Multiaddr>,
}

impl Backend for Peer {
    fn peer(&self) -> PeerId {
        self.mesh.peer_id()
    }

    fn topic(&self) -> String {
        self.mesh.topic().to_owned()
    }

    fn addresses(&self) -> Vec<Multiaddr> {
        let peer = self.peer();
        let mut addresses = self.mesh.addresses();
        if self.http.ip().is_unspecified() {
            // The door has one address; the port is open on every interface the other listeners found.
            let ips: BTreeSet<_> = addresses.iter().filter_map(ip_of).collect();
            addresses.extend(
                ips.into_iter()
                    .filter(|ip| ip.is_ipv4() || self.http.is_ipv6())
                    .map(|ip| with_peer(&websocket(ip, self.http), peer)),
            );
        }
        addresses.sort_by_cached_key(|address| (carrier(address), address.to_string()));
        addresses.extend(self.announce.iter().map(|address| with_peer(address, peer)));
        let mut seen = BTreeSet::new();
        addresses.retain(|address| seen.insert(address.to_vec()));
        addresses
    }

    fn health(&self) -> Health {
        let peers = self.mesh.peers();
        Health {
            peers: peers.len(),
            links: self.mesh.links().len(),
            machines: self.mesh.machines().len(),
            refused_messages: peers.iter().map(|peer| peer.dropped).sum(),
        }
    }

    fn figures(&self) -> Figures {
        let link = |link: Link| LinkFigure {
            peer: link.peer.to_string(),
            transport: link.transport.name(),
            round_trip: link.rtt,
        };
        Figures {
            health: self.health(),
            traffic: self.mesh.traffic(),
            refused: self.mesh.refused(),
            links: self.mesh.links().into_iter().map(link).collect(),
        }
    }

    fn enter(&self, stream: TokioIo<Upgraded>, remote: SocketAddr) -> bool {
        self.door.enter(stream, remote)
    }
}

/// The relay could not start. Nothing runs then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP port.
    #[error("cannot serve HTTP on {address}: {}", advice(.reason))]
    Http {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
    /// Key, certificate or their folder.
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    /// The peer.
    #[error("{error}{advice}", error = .0, advice = spawn_advice(.0))]
    Spawn(#[from] SpawnError),
    /// The process of kiosk-03.
    #[error("cannot start kiosk-03 as a process of its own: {0}")]
    Kiosk(io::Error),
    /// The demo has nothing to dial.
    #[error(
        "the demo found no address of this relay to connect to; add --listen /ip4/127.0.0.1/udp/8701/quic-v1"
    )]
    NoDemoAddress,
}

/// What to do about a port that cannot be had.
fn advice(reason: &io::Error) -> String {
    if reason.kind() == io::ErrorKind::AddrInUse {
        "the port is taken; stop the program that uses it (another relay?) or choose another one with --http IP:PORT".to_owned()
    } else {
        format!("{reason}; choose another address with --http IP:PORT")
    }
}

fn spawn_advice(error: &SpawnError) -> &'static str {
    match error {
        SpawnError::Listen { .. } => {
            "; stop the program that uses this address (another relay?) or choose others with --listen"
        }
        SpawnError::NoTransport(_) | SpawnError::Identity(_) | SpawnError::Topic(_) => "",
    }
}

fn websocket(ip: IpAddr, http: SocketAddr) -> Multiaddr {
    Multiaddr::from(ip)
        .with(Protocol::Tcp(http.port()))
        .with(Protocol::Ws("/".into()))
}

/// An address of this computer for one that means all of them.
fn reachable_ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}

/// The best address for a peer in this very process: QUIC, then others, on loopback first.
pub fn nearest(addresses: Vec<Multiaddr>) -> Option<Multiaddr> {
    let rank = |address: &Multiaddr| {
        let is_quic = address.protocol_stack().any(|part| part == "quic-v1");
        let is_loopback = ip_of(address).is_some_and(|ip| ip.is_loopback());
        (!is_quic, !is_loopback)
    };
    addresses.into_iter().min_by_key(rank)
}

/// What native peers like best comes first.
fn carrier(address: &Multiaddr) -> u8 {
    let has = |wanted| address.protocol_stack().any(|part| part == wanted);
    if has("quic-v1") {
        0
    } else if has("webrtc-direct") {
        3
    } else if has("ws") || has("wss") {
        2
    } else {
        1
    }
}

/// Each of demo, peer and server gets this long to end.
const BYE: Duration = Duration::from_millis(600);
