//! What people type on the Join page.

use std::net::IpAddr;

use super::join_link::{JoinLink, take_join};

/// A relay as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinTarget {
    /// A relay's page: `http://127.0.0.1:8700`. It says its addresses itself.
    Page {
        /// Scheme, host and port.
        origin: String,
    },
    /// A multiaddress, checked by the peer when it parses it.
    Address {
        /// As typed.
        text: String,
        /// Host and port, for people.
        host: String,
        /// Scheme, host and port of the same relay's page, which may know more.
        origin: Option<String>,
    },
    /// A link that lets somebody join.
    Link(JoinLink),
}

/// Why the text is no relay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressProblem {
    /// Nothing was typed.
    #[error("Paste the address of a relay first.")]
    Empty,
    /// Neither a multiaddress nor a page.
    #[error(
        "This is not a relay address: it starts neither with / nor with http. Copy the whole line that the relay prints."
    )]
    Neither,
    /// Something in it is wrong or missing.
    #[error("This is not a relay address: {0}. Copy the whole line that the relay prints.")]
    Malformed(String),
    /// A link that lets somebody join, without its end.
    #[error("{}", crate::words::peers::LINK_CUT_OFF)]
    CutOff,
    /// A browser cannot dial it.
    #[error("A browser cannot dial {0}. Copy the relay's line with /ws or /webrtc-direct.")]
    NoBrowserTransport(String),
}

impl JoinTarget {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`AddressProblem`], in words for the page.
    pub fn parse(typed: &str) -> Result<Self, AddressProblem> {
        let typed = typed.trim();
        if let Some((value, _)) = take_join(typed) {
            JoinLink::read(value).map(Self::Link)
        } else if typed.is_empty() {
            Err(AddressProblem::Empty)
        } else if typed.starts_with("http://") || typed.starts_with("https://") {
            page(typed)
        } else if typed.starts_with('/') {
            address(typed)
        } else {
            Err(AddressProblem::Neither)
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Page { origin } => origin.split_once("//").map_or(origin, |(_, host)| host),
            Self::Address { host, .. } => host,
            Self::Link(link) => &link.host,
        }
    }
}

fn page(typed: &str) -> Result<JoinTarget, AddressProblem> {
    let (scheme, rest) = typed.split_once("://").unwrap_or(("http", typed));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(AddressProblem::Malformed(
            "the host is missing or wrong".to_owned(),
        ));
    }
    Ok(JoinTarget::Page {
        origin: format!("{scheme}://{host}"),
    })
}

fn address(typed: &str) -> Result<JoinTarget, AddressProblem> {
    typed
        .parse::<statemesh::Multiaddr>()
        .map_err(|error| AddressProblem::Malformed(error.to_string()))?;
    let parts: Vec<&str> = typed.split('/').skip(1).collect();
    let after = |names: &[&str]| {
        let at = parts.iter().position(|part| names.contains(part))?;
        parts.get(at + 1).copied()
    };
    let has = |name: &str| parts.contains(&name);
    let Some(host) = after(&["ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr"]) else {
        return Err(AddressProblem::Malformed("the host is missing".to_owned()));
    };
    let (web_socket, web_rtc) = (has("ws") || has("wss"), has("webrtc-direct"));
    if !web_socket && !web_rtc {
        let carrier = if has("quic-v1") { "QUIC" } else { "plain TCP" };
        return Err(AddressProblem::NoBrowserTransport(carrier.to_owned()));
    }
    let Some(port) = after(&["tcp", "udp"]) else {
        return Err(AddressProblem::Malformed("the port is missing".to_owned()));
    };
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        Ok(IpAddr::V4(_)) | Err(_) => format!("{host}:{port}"),
    };
    let secure = has("wss") || has("tls");
    let scheme = if secure { "https" } else { "http" };
    Ok(JoinTarget::Address {
        text: typed.to_owned(),
        origin: web_socket.then(|| format!("{scheme}://{host}")),
        host,
    })
}

/// Addresses, and origins of pages, that only this machine or its network can reach.
#[must_use]
pub fn is_local(address: &str) -> bool {
    if let Some((_, host)) = address.split_once("://") {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        let kind = if host.contains(':') { "ip6" } else { "ip4" };
        return is_local(&format!("/{kind}/{host}"));
    }
    let mut parts = address.split('/').skip(1);
    let Some((kind, host)) = parts.next().zip(parts.next()) else {
        return false;
    };
    match (kind, host.parse::<IpAddr>()) {
        ("ip4" | "ip6", Ok(IpAddr::V4(ip))) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local()
        }
        ("ip4" | "ip6", Ok(IpAddr::V6(ip))) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        _ => host == "localhost" || host.ends_with(".local"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(typed: &str) -> Result<String, AddressProblem> {
        JoinTarget::parse(typed).map(|target| target.name().to_owned())
    }

    #[test]
    fn pages_and_addresses() {
        for (typed, expected) in [
            (" http://127.0.0.1:8700/ ", "127.0.0.1:8700"),
            ("https://relay.example/m#id=x", "relay.example"),
            ("/ip4/127.0.0.1/tcp/8700/ws", "127.0.0.1:8700"),
            ("/ip6/::1/tcp/8700/ws", "[::1]:8700"),
            ("/dns4/relay.example/tcp/443/wss", "relay.example:443"),
        ] {
            assert_eq!(name(typed).as_deref(), Ok(expected), "{typed}");
        }
        let Ok(JoinTarget::Address { origin, .. }) =
            JoinTarget::parse("/dns4/relay.example/tcp/443/wss")
        else {
            panic!("no address");
        };
        assert_eq!(origin.as_deref(), Some("https://relay.example:443"));
        let link = "http://other/m#v=1&id=a@b&j=parcel-eu,/ip4/127.0.0.1/tcp/8700/ws";
        let Ok(JoinTarget::Link(link)) = JoinTarget::parse(link) else {
            panic!("no link");
        };
        assert_eq!((&*link.topic, &*link.host), ("parcel-eu", "127.0.0.1:8700"));
        assert_eq!(name("http://other/#j=x"), Err(AddressProblem::CutOff));
    }

    #[test]
    fn what_is_no_address_says_why() {
        assert_eq!(name("  "), Err(AddressProblem::Empty));
        assert_eq!(name("relay-fra"), Err(AddressProblem::Neither));
        assert_eq!(
            name("https://relay.example/#v=1&j="),
            Err(AddressProblem::CutOff)
        );
        assert!(matches!(
            name("/ip4/999.0.0.1/tcp/1/ws"),
            Err(AddressProblem::Malformed(_))
        ));
        assert!(matches!(name("http://"), Err(AddressProblem::Malformed(_))));
        assert!(matches!(
            name("http://a<script>/"),
            Err(AddressProblem::Malformed(_))
        ));
        assert!(matches!(
            name("/ip4/127.0.0.1/udp/8701/quic-v1"),
            Err(AddressProblem::NoBrowserTransport(_))
        ));
    }

    #[test]
    fn local_addresses() {
        for (address, expected) in [
            ("/ip4/127.0.0.1/tcp/1/ws", true),
            ("/ip4/192.168.1.4/tcp/1/ws", true),
            ("/ip6/::1/tcp/1/ws", true),
            ("/dns4/printer.local/tcp/1/ws", true),
            ("http://127.0.0.1:8700", true),
            ("http://[::1]:8700", true),
            ("http://localhost:8700", true),
            ("https://relay.example", false),
            ("/ip4/8.8.8.8/tcp/1/ws", false),
            ("/dns4/relay.example/tcp/1/ws", false),
            ("", false),
        ] {
            assert_eq!(is_local(address), expected, "{address}");
        }
    }
}
