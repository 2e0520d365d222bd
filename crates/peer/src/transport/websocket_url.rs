//! The URL that a WebSocket address stands for.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// `ws://…` or `wss://…` for an address a browser can open: a host, a TCP port, then `/ws`, `/wss` or `/tls/ws`, and
/// perhaps a peer id. `None` for every other one.
pub(super) fn url(address: &Multiaddr) -> Option<String> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(ip) => ip.to_string(),
        Protocol::Ip6(ip) => format!("[{ip}]"),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => name.into_owned(),
        _ => return None,
    };
    let Some(Protocol::Tcp(port)) = parts.next() else {
        return None;
    };
    let (scheme, carrier) = match parts.next()? {
        Protocol::Tls => ("wss", parts.next()?),
        carrier @ Protocol::Wss(_) => ("wss", carrier),
        carrier => ("ws", carrier),
    };
    let (Protocol::Ws(path) | Protocol::Wss(path)) = carrier else {
        return None;
    };
    match (parts.next(), parts.next()) {
        (None | Some(Protocol::P2p(_)), None) => Some(format!("{scheme}://{host}:{port}{path}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn addresses_that_a_browser_can_open() {
        const PEER: &str = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
        for (address, expected) in [
            ("/ip4/127.0.0.1/tcp/8700/ws", "ws://127.0.0.1:8700/"),
            ("/ip6/::1/tcp/80/ws", "ws://[::1]:80/"),
            ("/dns4/example.org/tcp/443/wss", "wss://example.org:443/"),
            ("/dns6/example.org/tcp/443/tls/ws", "wss://example.org:443/"),
            (
                "/dns/example.org/tcp/443/tls/ws/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
                "wss://example.org:443/",
            ),
            (
                "/ip4/1.2.3.4/tcp/1/x-parity-ws/%2Fmesh",
                "ws://1.2.3.4:1/mesh",
            ),
        ] {
            let parsed = address.parse().unwrap();
            assert_eq!(url(&parsed).as_deref(), Some(expected), "{address}");
            let with_peer = format!("{address}{PEER}").parse().unwrap();
            let is_open = !address.contains("/p2p/");
            assert_eq!(url(&with_peer).is_some(), is_open, "{address}");
        }
    }

    #[test]
    fn addresses_that_it_cannot_open() {
        for address in [
            "/ip4/127.0.0.1/tcp/8701",
            "/ip4/127.0.0.1/udp/8701/quic-v1",
            "/ip4/127.0.0.1/udp/8702/webrtc-direct",
            "/ip4/127.0.0.1/tcp/8700/tls",
            "/ip4/127.0.0.1/tcp/8700/ws/http",
            "/dnsaddr/example.org/tcp/443/wss",
            "/memory/7",
            "/tcp/80/ws",
        ] {
            assert_eq!(url(&address.parse().unwrap()), None, "{address}");
        }
    }
}
