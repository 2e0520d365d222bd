//! Who may talk to the relay's HTTP port: a web site must not be able to join a local mesh through the browser of
//! somebody who visits it.
//!
//! - **Host** says under which name the port was asked. A foreign site that resolves its own name to this address (DNS
//!   rebinding) shows by its name; so names must be known: `localhost`, those of `--allow-origin` and `--announce`.
//!   Addresses are no names, nobody can rebind them, and forwarded ports (ssh -L, containers) change them at will.
//! - **Origin** says which page asked; browsers always send it with WebSockets and with requests of other sites.
//!   Allowed: the page that came from this Host, pages of this very computer (loopback), `--allow-origin`. A program
//!   that is no browser sends none.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::uri::Authority as UriAuthority;
use axum::http::{HeaderMap, header};

use crate::escape::Escaped;

/// A host as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A literal address.
    Ip(IpAddr),
    /// A name, lower case.
    Name(String),
}

impl Host {
    /// Is it this computer, whatever DNS says?
    fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(ip) => ip.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// `host[:port]`, as in the Host header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Address or name.
    pub host: Host,
    /// Port, when it is not the scheme's default.
    pub port: Option<u16>,
}

impl FromStr for Authority {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        if text.contains('@') {
            return Err(NotAnOrigin);
        }
        let authority: UriAuthority = text.parse().map_err(|_| NotAnOrigin)?;
        let raw = authority.host();
        let host = match raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']')) {
            Some(inner) => Host::Ip(IpAddr::V6(inner.parse().map_err(|_| NotAnOrigin)?)),
            None => match raw.parse::<IpAddr>() {
                Ok(ip) => Host::Ip(ip),
                Err(_) => Host::Name(name(raw)?),
            },
        };
        let port = match text.strip_prefix(raw).ok_or(NotAnOrigin)? {
            "" => None,
            rest => Some(
                rest.strip_prefix(':')
                    .and_then(|port| port.parse().ok())
                    .ok_or(NotAnOrigin)?,
            ),
        };
        Ok(Self { host, port })
    }
}

/// A host name: letters, digits, hyphens, underscores and dots.
fn name(raw: &str) -> Result<String, NotAnOrigin> {
    let valid = !raw.is_empty()
        && raw.len() <= 253
        && raw
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if valid {
        Ok(raw.to_ascii_lowercase())
    } else {
        Err(NotAnOrigin)
    }
}

/// Scheme of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The port an authority means under this scheme.
    pub fn port(self, authority: &Authority) -> u16 {
        authority.port.unwrap_or(self.default_port())
    }
}

/// Where a page came from: `scheme://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Its host and port.
    pub authority: Authority,
}

impl Origin {
    fn same_place(&self, authority: &Authority) -> bool {
        self.authority.host == authority.host
            && self.scheme.port(&self.authority) == self.scheme.port(authority)
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else {
            return Err(NotAnOrigin);
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).parse()?;
        Ok(Self { scheme, authority })
    }
}

/// The text is no origin. The writer's fault; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin looks like https://dash.example.org or http://127.0.0.1:9000")]
pub struct NotAnOrigin;

/// Whom the relay answers.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Pages allowed by `--allow-origin`.
    pub origins: Vec<Origin>,
    /// Further names of this relay, from `--announce`.
    pub names: Vec<String>,
}

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Under which name it was asked.
    pub host: Authority,
    /// Scheme the browser used for this Host, as far as it can be told.
    pub scheme: Scheme,
    /// The page that asked, to be reflected by CORS.
    pub origin: Option<String>,
}

/// Why a request was refused; the text is the answer to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No Host header, several, or nonsense.
    #[error("The request has no usable Host header.")]
    BadHost,
    /// A name this relay does not know: DNS rebinding, or a proxy that was not announced.
    #[error(
        "This relay does not answer to the name {}. If it is yours, start the relay with --allow-origin http://{}", Escaped(.0), Escaped(.0)
    )]
    ForeignHost(String),
    /// A page of another site.
    #[error(
        "Pages of {} may not use this relay. If you want that, start the relay with --allow-origin {}", Escaped(.0), Escaped(.0)
    )]
    ForeignOrigin(String),
}

impl Access {
    /// Checks a request's headers.
    ///
    /// # Errors
    /// [`Refusal`]; nothing of the request may be acted upon.
    pub fn check(&self, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let host = single(headers, header::HOST).map_err(|()| Refusal::BadHost)?;
        let host: Authority = host
            .and_then(|host| host.parse().ok())
            .ok_or(Refusal::BadHost)?;
        if !self.knows(&host) {
            return Err(Refusal::ForeignHost(authority_text(&host)));
        }
        let origin = match single(headers, header::ORIGIN) {
            Ok(None) => None,
            Ok(Some(text)) if self.allows(text, &host) => Some(text.to_owned()),
            Ok(Some(text)) => return Err(Refusal::ForeignOrigin(text.to_owned())),
            Err(()) => return Err(Refusal::ForeignOrigin("several origins".to_owned())),
        };
        let scheme = self.scheme(&host, headers);
        Ok(Admitted {
            host,
            scheme,
            origin,
        })
    }

    fn knows(&self, host: &Authority) -> bool {
        match &host.host {
            Host::Ip(_) => true,
            Host::Name(name) => {
                host.host.is_loopback()
                    || self.names.contains(name)
                    || self
                        .origins
                        .iter()
                        .any(|origin| origin.authority.host == host.host)
            }
        }
    }

    fn allows(&self, text: &str, host: &Authority) -> bool {
        let Ok(origin) = text.parse::<Origin>() else {
            return false;
        };
        origin.authority.host.is_loopback()
            || origin.same_place(host)
            || self.origins.iter().any(|allowed| {
                allowed.scheme == origin.scheme && allowed.same_place(&origin.authority)
            })
    }

    /// A proxy that ends TLS says so, or the operator did. A client that lies only gets a wrong address itself.
    fn scheme(&self, host: &Authority, headers: &HeaderMap) -> Scheme {
        let forwarded = headers
            .get("x-forwarded-proto")
            .is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        let declared = self
            .origins
            .iter()
            .any(|origin| origin.scheme == Scheme::Https && origin.same_place(host));
        if forwarded || declared {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

/// The only value of a header; `Err` when there are several or it is no text.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

fn authority_text(authority: &Authority) -> String {
    match authority.port {
        Some(port) => format!("{}:{port}", authority.host),
        None => authority.host.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            origins: vec![
                "https://dash.example.org".parse().unwrap(),
                "http://lan.example:9000/".parse().unwrap(),
            ],
            names: vec!["relay.example.org".to_owned()],
        }
    }

    /// What becomes of a request: `ok`, or which header is to blame.
    fn verdict(host: Option<&str>, origin: Option<&str>) -> &'static str {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        match access().check(&headers) {
            Ok(_) => "ok",
            Err(Refusal::BadHost) => "bad host",
            Err(Refusal::ForeignHost(_)) => "foreign host",
            Err(Refusal::ForeignOrigin(_)) => "foreign origin",
        }
    }

    /// Host, Origin, what becomes of the request.
    const MATRIX: &[(&str, Option<&str>, &str)] = &[
        // No browser, or a page's own same-origin GET.
        ("127.0.0.1:8700", None, "ok"),
        ("localhost:9000", None, "ok"),
        ("LOCALHOST:9000", None, "ok"),
        ("[::1]:8700", None, "ok"),
        ("192.168.7.20:8700", None, "ok"),
        ("dash.example.org", None, "ok"),
        ("relay.example.org", None, "ok"),
        // DNS rebinding and lookalikes.
        ("evil.example:8700", None, "foreign host"),
        ("localhost.evil.example", None, "foreign host"),
        ("127.0.0.1.evil.example", None, "foreign host"),
        ("dash.example.org.evil.example", None, "foreign host"),
        (
            "evil.example:8700",
            Some("http://evil.example:8700"),
            "foreign host",
        ),
        // The page's own origin.
        ("127.0.0.1:8700", Some("http://127.0.0.1:8700"), "ok"),
        ("192.168.7.20:8700", Some("http://192.168.7.20:8700"), "ok"),
        (
            "[2001:db8::7]:8700",
            Some("http://[2001:db8::7]:8700"),
            "ok",
        ),
        ("relay.example.org", Some("https://relay.example.org"), "ok"),
        (
            "192.168.7.20:8700",
            Some("http://192.168.7.20:8701"),
            "foreign origin",
        ),
        (
            "192.168.7.20:8700",
            Some("http://192.168.7.21:8700"),
            "foreign origin",
        ),
        (
            "relay.example.org",
            Some("https://relay.example.org:444"),
            "foreign origin",
        ),
        // Pages of this computer.
        ("127.0.0.1:8700", Some("http://localhost:41033"), "ok"),
        ("127.0.0.1:8700", Some("http://[::1]:3000"), "ok"),
        ("127.0.0.1:8700", Some("http://127.9.9.9:1"), "ok"),
        // Explicitly allowed ones, exactly.
        ("127.0.0.1:8700", Some("https://dash.example.org"), "ok"),
        ("127.0.0.1:8700", Some("https://dash.example.org:443"), "ok"),
        ("127.0.0.1:8700", Some("http://lan.example:9000"), "ok"),
        (
            "127.0.0.1:8700",
            Some("http://dash.example.org"),
            "foreign origin",
        ),
        (
            "127.0.0.1:8700",
            Some("https://dash.example.org:8443"),
            "foreign origin",
        ),
        (
            "127.0.0.1:8700",
            Some("https://sub.dash.example.org"),
            "foreign origin",
        ),
        // Foreign and odd pages.
        (
            "127.0.0.1:8700",
            Some("https://evil.example"),
            "foreign origin",
        ),
        ("127.0.0.1:8700", Some("null"), "foreign origin"),
        ("127.0.0.1:8700", Some("file://"), "foreign origin"),
        (
            "127.0.0.1:8700",
            Some("http://localhost.evil.example"),
            "foreign origin",
        ),
        (
            "127.0.0.1:8700",
            Some("http://evil.example@127.0.0.1:8700"),
            "foreign origin",
        ),
        (
            "127.0.0.1:8700",
            Some("chrome-extension://abcdef"),
            "foreign origin",
        ),
        // Nonsense.
        ("", None, "bad host"),
        ("user@127.0.0.1", None, "bad host"),
        ("127.0.0.1:port", None, "bad host"),
        ("127.0.0.1:99999", None, "bad host"),
        ("a b", None, "bad host"),
        ("[::1", None, "bad host"),
    ];

    #[test]
    fn host_and_origin_matrix() {
        for &(host, origin, expected) in MATRIX {
            assert_eq!(verdict(Some(host), origin), expected, "{host} {origin:?}");
        }
        assert_eq!(verdict(None, None), "bad host");
    }

    #[test]
    fn two_hosts_or_origins_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "127.0.0.1".parse().unwrap());
        headers.append(header::ORIGIN, "http://127.0.0.1".parse().unwrap());
        assert!(access().check(&headers).is_ok());
        headers.append(header::ORIGIN, "http://evil.example".parse().unwrap());
        assert!(access().check(&headers).is_err());
        headers.remove(header::ORIGIN);
        headers.append(header::HOST, "evil.example".parse().unwrap());
        assert_eq!(access().check(&headers), Err(Refusal::BadHost));
    }

    #[test]
    fn https_is_told_by_the_proxy_or_the_operator() {
        for (host, proto, expected) in [
            ("127.0.0.1:8700", None, Scheme::Http),
            ("127.0.0.1:8700", Some("https"), Scheme::Https),
            ("relay.example.org", Some("HTTPS"), Scheme::Https),
            ("relay.example.org", Some("http"), Scheme::Http),
            ("dash.example.org", None, Scheme::Https),
            ("dash.example.org:8700", None, Scheme::Http),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(proto) = proto {
                headers.insert("x-forwarded-proto", proto.parse().unwrap());
            }
            let admitted = access().check(&headers).unwrap();
            assert_eq!(admitted.scheme, expected, "{host} {proto:?}");
        }
    }

    #[test]
    fn refusals_print_no_control_characters() {
        let text = Refusal::ForeignOrigin("http://\u{202e}\x1b[2J".to_owned()).to_string();
        assert!(!text.contains(['\u{202e}', '\x1b']), "{text}");
    }
}
