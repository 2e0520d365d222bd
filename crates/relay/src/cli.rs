//! Arguments as typed by the user. Each value is parsed once here, so that a mistake ends with exit code 2 and a
//! sentence before anything has started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use statemesh::multiaddr::{Multiaddr, Protocol};

use crate::demo;
use crate::http::origin::Origin;
use crate::target::Target;

/// Live state machines of many peers on one mesh, in browser tabs, too.
#[derive(Debug, Parser)]
#[command(
    name = "statemesh",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do; the relay when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of the relay without its name.
    #[command(flatten)]
    pub relay: RelayArgs,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a relay: it joins browser tabs and other peers to one mesh and serves the dashboard (the default)
    #[command(after_help = EXAMPLES)]
    Relay(RelayArgs),
    /// Join a mesh and print every machine learned and every change
    #[command(after_help = WATCH_EXAMPLES)]
    Watch(WatchArgs),
    /// Try every way to reach a relay or peer, and say which works and why one fails
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Run one host of the demo as its own process, to see peers come and go
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Load a mesh with peers whose machines change all the time, to see what it bears
    #[command(after_help = LOAD_EXAMPLES)]
    Load(LoadArgs),
}

impl Cli {
    /// What this process was started with; ends it when that cannot be meant.
    pub fn read() -> Self {
        Self::parse().checked().unwrap_or_else(|error| error.exit())
    }

    /// What no flag alone can tell.
    fn checked(self) -> Result<Self, clap::Error> {
        match &self.command {
            Some(Command::Load(args)) => args
                .check()
                .map_err(|why| Self::command().error(ErrorKind::ValueValidation, why))?,
            Some(Command::Relay(_) | Command::Watch(_) | Command::Doctor(_) | Command::Demo(_))
            | None => {}
        }
        Ok(self)
    }
}

/// Flags of `statemesh relay`.
#[derive(Args, Clone, Debug)]
pub struct RelayArgs {
    /// Name of the mesh: peers of the same topic see each other
    #[arg(long, value_name = "NAME", default_value = "mesh", value_parser = topic)]
    pub topic: String,
    /// Another relay or peer to stay connected to: a multiaddress or a relay's page address; may be repeated
    #[arg(long, value_name = "ADDR")]
    pub connect: Vec<Target>,
    /// Where peers may connect, instead of the defaults (TCP 8701, QUIC 8701/udp, WebRTC 8702/udp on 127.0.0.1); may be repeated, port 0 picks a free one
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub listen: Vec<Multiaddr>,
    /// Where the page, its API and WebSockets are served; port 0 picks a free one [default: 127.0.0.1:8700]
    #[arg(long, value_name = "IP:PORT", value_parser = socket_address)]
    pub http: Option<SocketAddr>,
    /// A further address under which others reach this relay (behind NAT or a TLS proxy); may be repeated
    #[arg(long, value_name = "ADDR", value_parser = multiaddr)]
    pub announce: Vec<Multiaddr>,
    /// Listen on all interfaces instead of this computer only: anyone who reaches them can join and publish
    #[arg(long)]
    pub public: bool,
    /// Run the demo too: six peers that deliver parcels together
    #[arg(long)]
    pub demo: bool,
    /// Nothing goes wrong in the demo by itself
    #[arg(long, requires = "demo")]
    pub calm: bool,
    /// So many seconds after start one incident, always the same, instead of accidental ones: route-17 fails, courier-17 and orders follow, kiosk-03 falls silent; all is well again after a minute and a half
    #[arg(long, value_name = "SECONDS", requires = "demo", value_parser = incident, allow_negative_numbers = true)]
    pub incident: Option<Duration>,
    /// Makes the demo's choices repeatable
    #[arg(long, value_name = "N", requires = "demo")]
    pub seed: Option<u64>,
    /// A web site whose pages may use this relay, as https://dash.example.org; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// Folder of the relay's key and certificate [default: $XDG_DATA_HOME/statemesh or ~/.local/share/statemesh]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to log on standard error: error, warn, info, debug, trace, or a filter like statemesh=debug
    #[arg(long, value_name = "FILTER", default_value = DEFAULT_LOG, value_parser = log_filter, hide_default_value = true)]
    pub log: String,
}

/// Flags of `statemesh watch`.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    /// A peer or relay of the mesh: a multiaddress or a relay's page address; may be repeated
    #[arg(long, value_name = "ADDR", required = true)]
    pub connect: Vec<Target>,
    /// Name of the mesh
    #[arg(long, value_name = "NAME", default_value = "mesh", value_parser = topic)]
    pub topic: String,
    /// One JSON object per line instead of text
    #[arg(long)]
    pub json: bool,
    /// Stop after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub duration: Option<Duration>,
    /// What to log on standard error, as for the relay
    #[arg(long, value_name = "FILTER", default_value = QUIET_LOG, value_parser = log_filter, hide_default_value = true)]
    pub log: String,
}

/// Flags of `statemesh doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// A relay's page address, or the multiaddress of a peer
    #[arg(value_name = "ADDR")]
    pub target: Target,
    /// Give an address up after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub patience: Duration,
    /// What to log on standard error, as for the relay
    #[arg(long, value_name = "FILTER", default_value = "error,dtls=off,webrtc=off,libp2p_webrtc_utils=off", value_parser = log_filter, hide_default_value = true)]
    pub log: String,
}

/// Flags of `statemesh demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Which host: hub-fra, hub-muc, depot-ber, depot-ham, van-17 or kiosk-03
    #[arg(long, value_name = "NAME")]
    pub host: demo::Host,
    /// The relay: a multiaddress or its page address
    #[arg(long, value_name = "ADDR")]
    pub connect: Target,
    /// Name of the mesh
    #[arg(long, value_name = "NAME", default_value = "mesh", value_parser = topic)]
    pub topic: String,
    /// Nothing goes wrong
    #[arg(long)]
    pub calm: bool,
    /// Makes the choices repeatable
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Keep the peer's key in this file: started again it is the same peer
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// End when standard input ends
    #[arg(long, hide = true)]
    pub leash: bool,
    /// What to log on standard error, as for the relay
    #[arg(long, value_name = "FILTER", default_value = DEFAULT_LOG, value_parser = log_filter, hide_default_value = true)]
    pub log: String,
}

/// Flags of `statemesh load`.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// The relay or a peer: a multiaddress or a relay's page address; may be repeated
    #[arg(long, value_name = "ADDR", required = true)]
    pub connect: Vec<Target>,
    /// Peers to join with, at most 50
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50), allow_negative_numbers = true)]
    pub peers: u32,
    /// Machines in all, at most 200 for each peer
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    pub machines: u32,
    /// Changes a second in all; 0: none
    #[arg(long, value_name = "R", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100_000), allow_negative_numbers = true)]
    pub rate: u32,
    /// Name of the mesh
    #[arg(long, value_name = "NAME", default_value = "mesh", value_parser = topic)]
    pub topic: String,
    /// Stop after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub duration: Option<Duration>,
    /// At the end print every machine's last clock as a JSON line, to compare it with what others saw
    #[arg(long)]
    pub clocks: bool,
    /// What to log on standard error, as for the relay
    #[arg(long, value_name = "FILTER", default_value = QUIET_LOG, value_parser = log_filter, hide_default_value = true)]
    pub log: String,
}

impl LoadArgs {
    fn check(&self) -> Result<(), String> {
        let Self {
            machines, peers, ..
        } = self;
        if machines < peers {
            return Err(format!(
                "--machines {machines} leaves some of --peers {peers} without any; give each one at least"
            ));
        }
        if *machines > peers * MACHINES_OF_A_PEER {
            let enough = machines.div_ceil(MACHINES_OF_A_PEER);
            return Err(format!(
                "--machines {machines} is more than {MACHINES_OF_A_PEER} for each of --peers {peers}; --peers {enough} would do"
            ));
        }
        Ok(())
    }
}

/// Parses a multiaddress.
///
/// # Errors
/// A sentence for the user.
pub fn multiaddr(text: &str) -> Result<Multiaddr, String> {
    let address: Multiaddr = text
        .parse()
        .map_err(|error| format!("no multiaddress ({error}); {ADDRESS_HINT}"))?;
    if address.is_empty() {
        return Err(format!("no multiaddress (it is empty); {ADDRESS_HINT}"));
    }
    Ok(address)
}

/// An address one can listen on: a literal IP and one of the four transports.
fn listen_address(text: &str) -> Result<Multiaddr, String> {
    let address = multiaddr(text)?;
    let tags: Vec<_> = address.protocol_stack().collect();
    match tags[..] {
        ["ip4" | "ip6", "tcp"]
        | ["ip4" | "ip6", "tcp", "ws"]
        | ["ip4" | "ip6", "udp", "quic-v1" | "webrtc-direct"] => Ok(address),
        _ => Err(format!("nothing to listen on; {LISTEN_HINT}")),
    }
}

/// Checks that an address can be dialled at all.
///
/// # Errors
/// A sentence for the user.
pub fn dial_address(text: &str) -> Result<Multiaddr, String> {
    let address = multiaddr(text)?;
    let has_port = address
        .iter()
        .any(|part| matches!(part, Protocol::Tcp(1..) | Protocol::Udp(1..)));
    if has_port || address.protocol_stack().any(|part| part == "dnsaddr") {
        Ok(address)
    } else {
        Err(format!(
            "this address has no TCP or UDP port to dial; {ADDRESS_HINT}"
        ))
    }
}

fn topic(text: &str) -> Result<String, String> {
    statemesh::mesh::check_topic(text)
        .map_err(|_| "a topic has 1 to 128 characters without spaces, as parcels".to_owned())?;
    Ok(text.to_owned())
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "give an IP address and a port, as 127.0.0.1:8700 or [::1]:8700".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "give a number of seconds above 0, as 10 or 0.5".to_owned())
}

fn incident(text: &str) -> Result<Duration, String> {
    let after = seconds(text).ok().filter(|after| *after <= LATEST_INCIDENT);
    after.ok_or_else(|| "give a number of seconds above 0, at most 86400, as 20".to_owned())
}

fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{error}; give error, warn, info, debug, trace, or a list like warn,statemesh=debug"
        )),
    }
}

/// The largest introduction that fits a message comfortably, and more than most programs have.
const MACHINES_OF_A_PEER: u32 = 200;

/// A day.
const LATEST_INCIDENT: Duration = Duration::from_secs(86_400);

/// The WebRTC stack warns at every handshake of a browser about extensions nobody needs.
const DEFAULT_LOG: &str = "info,libp2p_swarm=warn,dtls=error,webrtc=warn,libp2p_webrtc_utils=warn";
const QUIET_LOG: &str = "warn,dtls=error,libp2p_webrtc_utils=error";

const ADDRESS_HINT: &str = "an address looks like /ip4/192.168.7.20/udp/8701/quic-v1/p2p/12D3KooW… or http://127.0.0.1:8700";
const LISTEN_HINT: &str = "give /ip4/IP/tcp/PORT, /ip4/IP/tcp/PORT/ws, /ip4/IP/udp/PORT/quic-v1 or /ip4/IP/udp/PORT/webrtc-direct";

const EXAMPLES: &str = "\
Examples:
  statemesh --demo
      A relay on this computer with demo machines; open http://127.0.0.1:8700/
  statemesh --demo --incident 20
      After 20 s something goes wrong: who failed first, and what followed? The log tells every step
  statemesh --topic parcels --connect /ip4/192.168.7.20/udp/8701/quic-v1
      A relay of the mesh `parcels` that stays connected to another relay
  statemesh --public
      Reachable from other computers, and by anyone who reaches it
  statemesh --http 127.0.0.1:0 --listen /ip4/127.0.0.1/udp/0/quic-v1
      Free ports; the lines after `ready:` say which
  statemesh watch --connect http://127.0.0.1:8700
      Follow all machines in a terminal

Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 something failed (a taken port, an unreadable key), 2 wrong usage.";

const WATCH_EXAMPLES: &str = "\
Examples:
  statemesh watch --connect http://127.0.0.1:8700
  statemesh watch --connect /ip4/127.0.0.1/udp/8701/quic-v1 --topic mesh --json | jq .machine
  statemesh watch --connect http://127.0.0.1:8700 --for 10

Exit codes: 0 stopped or time over, 1 no connection within 10 s, 2 wrong usage.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  statemesh doctor http://127.0.0.1:8700
  statemesh doctor /ip4/192.168.7.20/udp/8701/quic-v1 --for 3

Exit codes: 0 every address works, 1 one does not, 2 wrong usage.";

const DEMO_EXAMPLES: &str = "\
Example, beside a running `statemesh relay`:
  statemesh demo --host kiosk-03 --connect http://127.0.0.1:8700";

const LOAD_EXAMPLES: &str = "\
Examples, beside a running `statemesh relay`:
  statemesh load --connect http://127.0.0.1:8700
      One peer with ten machines, ten changes a second
  statemesh load --peers 10 --machines 1000 --rate 5000 --for 60 --connect http://127.0.0.1:8700

Exit codes: 0 stopped or time over, 1 no connection within 10 s, 2 wrong usage.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Parses `statemesh ARGS`; the message when refused.
    fn parse(line: &str) -> Result<Cli, (ErrorKind, String)> {
        let words =
            std::iter::once("statemesh").chain(line.split('|').filter(|word| !word.is_empty()));
        let parsed = Cli::try_parse_from(words).and_then(Cli::checked);
        parsed.map_err(|error| (error.kind(), error.to_string()))
    }

    #[test]
    fn mistakes_are_named_and_come_with_advice() {
        for (line, advice) in [
            ("--nonsense", "unexpected argument"),
            ("--topic|two words", "without spaces"),
            ("--topic|", "a value is required"),
            ("--connect|127.0.0.1:8701", "/ip4/192.168.7.20"),
            ("--connect|/ip4/127.0.0.1", "no TCP or UDP port"),
            ("--connect|/ip4/127.0.0.1/tcp/0", "no TCP or UDP port"),
            ("--connect|https://relay.example", "multiaddress"),
            ("--connect|http://", "http://127.0.0.1:8700"),
            ("--listen|/ip4/127.0.0.1/tcp/99999", "no multiaddress"),
            ("--listen|/dns/relay.example/tcp/1", "nothing to listen on"),
            ("--listen|/ip4/127.0.0.1/udp/1", "nothing to listen on"),
            ("--http|8700", "127.0.0.1:8700"),
            ("--announce|relay.example", "no multiaddress"),
            (
                "--allow-origin|dash.example.org",
                "https://dash.example.org",
            ),
            ("--calm", "--demo"),
            ("--incident|20", "--demo"),
            ("--demo|--incident|0", "number of seconds"),
            ("--demo|--incident|-5", "number of seconds"),
            ("--demo|--incident|soon", "number of seconds"),
            ("--demo|--incident|1e9", "at most 86400"),
            ("--log|statemesh=loud", "debug"),
            ("watch", "--connect <ADDR>"),
            ("doctor", "<ADDR>"),
            ("doctor|127.0.0.1", "/ip4/192.168.7.20"),
            ("doctor|http://127.0.0.1:8700|--for|0", "number of seconds"),
            ("watch|--connect|/ip4/127.0.0.1/tcp/1|--for|-1", "--for"),
            (
                "watch|--connect|/ip4/127.0.0.1/tcp/1|--for|soon",
                "number of seconds",
            ),
            (
                "demo|--host|moon|--connect|http://127.0.0.1:8700",
                "kiosk-03",
            ),
            ("load", "--connect <ADDR>"),
            ("load|--connect|127.0.0.1:8700", "/ip4/192.168.7.20"),
            ("load|--peers|0", "1..=50"),
            ("load|--peers|51", "1..=50"),
            ("load|--machines|-3", "1..=10000"),
            ("load|--rate|many", "invalid digit"),
            ("load|--rate|1000000", "0..=100000"),
            (
                "load|--connect|http://127.0.0.1:8700|--peers|20|--machines|7",
                "some of --peers 20 without any",
            ),
            (
                "load|--connect|http://127.0.0.1:8700|--peers|2|--machines|1000",
                "--peers 5 would do",
            ),
            (
                "--topic|a|watch|--connect|http://127.0.0.1:8700",
                "cannot be used with",
            ),
        ] {
            let (_, message) = parse(line)
                .err()
                .unwrap_or_else(|| panic!("accepted: {line}"));
            assert!(message.contains(advice), "{line}: {message}");
        }
    }

    #[test]
    fn the_relay_needs_no_name_and_no_flag() {
        let cli = parse("").unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.relay.topic, "mesh");
        let cli = parse("--connect|http://127.0.0.1:8700|--connect|/ip4/10.0.0.1/udp/8701/quic-v1")
            .unwrap();
        assert_eq!(cli.relay.connect.len(), 2);
        let Ok(Cli {
            command: Some(Command::Relay(relay)),
            ..
        }) = parse("relay|--demo|--calm|--seed|7")
        else {
            panic!("no relay");
        };
        assert!(relay.demo && relay.calm && relay.seed == Some(7));
    }

    #[test]
    fn help_teaches_by_examples() {
        for line in [
            "--help",
            "relay|--help",
            "watch|--help",
            "doctor|--help",
            "demo|--help",
            "load|--help",
        ] {
            let (kind, help) = parse(line).unwrap_err();
            assert_eq!(kind, ErrorKind::DisplayHelp);
            assert!(help.contains("Example"), "{help}");
        }
    }
}
