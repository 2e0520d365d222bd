//! What the relay says of itself: `GET /api/relay` (how to dial it) and `GET /healthz`.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use statemesh::PeerId;
use statemesh::multiaddr::{Multiaddr, Protocol};

use super::Health;
use super::origin::{Admitted, Authority, Host, Scheme};

/// Answer of `GET /api/relay`.
#[derive(Debug, Serialize)]
pub struct RelayInfo {
    /// Peer id.
    pub peer: String,
    /// Topic name.
    pub topic: String,
    /// Where it can be dialled, the most promising first.
    pub addresses: Vec<Multiaddr>,
    /// Name and version.
    pub software: &'static str,
}

/// Answer of `GET /healthz`.
#[derive(Debug, Serialize)]
pub struct HealthInfo {
    /// Always `ok`: who gets an answer reached a running relay.
    pub status: &'static str,
    /// What the peer knows.
    #[serde(flatten)]
    pub health: Health,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Requests refused for their Host or Origin.
    pub refused_requests: u64,
}

/// Name and version of this program.
pub const SOFTWARE: &str = concat!("statemesh/", env!("CARGO_PKG_VERSION"));

/// Orders addresses for the one who asks: first this very port as a WebSocket under the name that was asked (it works
/// through everything this request came through), then those on the IP it came in on, then the others.
pub fn addresses_for(
    request: &Admitted,
    local: SocketAddr,
    peer: PeerId,
    known: Vec<Multiaddr>,
) -> Vec<Multiaddr> {
    let mut addresses = vec![with_peer(
        &page_address(&request.host, request.scheme),
        peer,
    )];
    let (near, far): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|address| ip_of(address) == Some(local.ip().to_canonical()));
    for address in near.into_iter().chain(far) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The WebSocket on the port a page came from.
fn page_address(host: &Authority, scheme: Scheme) -> Multiaddr {
    let port = Protocol::Tcp(scheme.port(host));
    let host = match &host.host {
        Host::Ip(ip) => Protocol::from(*ip),
        Host::Name(name) => Protocol::Dns(name.clone().into()),
    };
    let address = Multiaddr::empty().with(host).with(port);
    match scheme {
        Scheme::Http => address.with(Protocol::Ws("/".into())),
        Scheme::Https => address.with(Protocol::Tls).with(Protocol::Ws("/".into())),
    }
}

/// The address with the peer's id at its end, unless it names one already.
pub fn with_peer(address: &Multiaddr, peer: PeerId) -> Multiaddr {
    if address.iter().any(|part| matches!(part, Protocol::P2p(_))) {
        return address.clone();
    }
    // Both ids are the same multihash, so the text of one is that of the other.
    format!("{address}/p2p/{peer}")
        .parse()
        .unwrap_or_else(|_| address.clone())
}

/// The IP address an address begins with.
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().next().and_then(|first| {
        if let Protocol::Ip4(ip) = first {
            Some(IpAddr::V4(ip))
        } else if let Protocol::Ip6(ip) = first {
            Some(IpAddr::V6(ip))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";

    fn answer(host: &str, scheme: Scheme, local: &str, known: &[&str]) -> Vec<String> {
        let request = Admitted {
            host: host.parse().unwrap(),
            scheme,
            origin: None,
        };
        let peer = PEER.parse().unwrap();
        let suffix = format!("/p2p/{PEER}");
        let known = known
            .iter()
            .map(|known| format!("{known}{suffix}").parse().unwrap())
            .collect();
        addresses_for(&request, local.parse().unwrap(), peer, known)
            .iter()
            .map(|address| address.to_string().replace(&suffix, ""))
            .collect()
    }

    #[test]
    fn the_port_that_was_asked_comes_first() {
        for (host, scheme, local, first) in [
            (
                "127.0.0.1:8700",
                Scheme::Http,
                "127.0.0.1:8700",
                "/ip4/127.0.0.1/tcp/8700/ws",
            ),
            // ssh -L 9000:127.0.0.1:8700
            (
                "localhost:9000",
                Scheme::Http,
                "127.0.0.1:8700",
                "/dns/localhost/tcp/9000/ws",
            ),
            (
                "[::1]:9000",
                Scheme::Http,
                "127.0.0.1:8700",
                "/ip6/::1/tcp/9000/ws",
            ),
            (
                "relay.example",
                Scheme::Http,
                "10.0.0.2:8700",
                "/dns/relay.example/tcp/80/ws",
            ),
            (
                "relay.example",
                Scheme::Https,
                "10.0.0.2:8700",
                "/dns/relay.example/tcp/443/tls/ws",
            ),
        ] {
            assert_eq!(answer(host, scheme, local, &[])[0], first);
        }
    }

    #[test]
    fn then_the_ip_the_request_came_in_on() {
        let known = [
            "/ip4/127.0.0.1/udp/8702/webrtc-direct",
            "/ip4/192.168.7.20/tcp/8700/ws",
            "/ip4/192.168.7.20/udp/8702/webrtc-direct",
            "/dns/relay.example/tcp/443/tls/ws",
        ];
        assert_eq!(
            answer(
                "192.168.7.20:8700",
                Scheme::Http,
                "192.168.7.20:8700",
                &known
            ),
            [
                "/ip4/192.168.7.20/tcp/8700/ws",
                "/ip4/192.168.7.20/udp/8702/webrtc-direct",
                "/ip4/127.0.0.1/udp/8702/webrtc-direct",
                "/dns/relay.example/tcp/443/tls/ws",
            ]
        );
    }
}
