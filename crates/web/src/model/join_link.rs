//! What lets somebody join, as a link carries it: `j=<mesh>,<address>,...` in the fragment (dashboard design 2.1). It
//! names the mesh and the addresses of a relay, and no more: whoever reaches the relay may join.

use super::address::{AddressProblem, JoinTarget};
use super::link::{decode, encode};

/// A mesh, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinLink {
    /// Name of the mesh.
    pub topic: String,
    /// Addresses of a relay that a browser can dial; at least one.
    pub addresses: Vec<String>,
    /// Host and port, for people.
    pub host: String,
    /// Scheme, host and port of the relay's page, which may know more.
    pub origin: Option<String>,
}

impl JoinLink {
    /// The way to a mesh; addresses that no browser can dial are left out. `None`: there is none.
    #[must_use]
    pub fn new(topic: &str, addresses: &[String]) -> Option<Self> {
        let named = !topic.is_empty() && topic.len() <= LONGEST_TOPIC;
        let mut link = Self {
            topic: topic.to_owned(),
            addresses: Vec::new(),
            host: String::new(),
            origin: None,
        };
        for address in addresses.iter().take(ADDRESSES) {
            if let Ok(JoinTarget::Address { text, host, origin }) = JoinTarget::parse(address) {
                if link.addresses.is_empty() {
                    link.host = host;
                }
                link.origin = link.origin.or(origin);
                link.addresses.push(text);
            }
        }
        (named && !link.addresses.is_empty()).then_some(link)
    }

    /// What stands behind `j=`.
    #[must_use]
    pub fn value(&self) -> String {
        let mut value = encode(&self.topic);
        for address in &self.addresses {
            value.push(',');
            // Slashes are at home in a fragment.
            value.push_str(&encode(address).replace("%2F", "/"));
        }
        value
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`AddressProblem::CutOff`].
    pub fn read(value: &str) -> Result<Self, AddressProblem> {
        if value.len() > LONGEST {
            return Err(AddressProblem::CutOff);
        }
        let mut parts = value.split(',').map(decode);
        let topic = parts.next().flatten().unwrap_or_default();
        let addresses: Vec<String> = parts.take(ADDRESSES).flatten().collect();
        Self::new(&topic, &addresses).ok_or(AddressProblem::CutOff)
    }
}

/// What stands behind `j=` in an address or its fragment, and the text without it; `None`: nothing does.
#[must_use]
pub fn take_join(text: &str) -> Option<(&str, String)> {
    let (before, fragment) = text.split_once('#')?;
    let value = fragment
        .split('&')
        .find_map(|pair| pair.strip_prefix("j="))?;
    let rest = fragment.split('&').filter(|pair| !pair.starts_with("j="));
    let rest: Vec<&str> = rest.collect();
    let rest = match rest.as_slice() {
        [] | ["v=1"] => before.to_owned(),
        rest => [before, &rest.join("&")].join("#"),
    };
    Some((value, rest))
}

/// Addresses of a link: a relay has one or two for each network it is in.
const ADDRESSES: usize = 8;
/// Bytes behind `j=` that are read.
const LONGEST: usize = 4_096;
/// Bytes of a mesh's name in a link.
const LONGEST_TOPIC: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const WEB_SOCKET: &str = "/ip4/127.0.0.1/tcp/8700/ws";
    const WEB_RTC: &str = "/ip6/::1/udp/8701/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn links_come_back_whole() {
        for topic in ["mesh", "parcel eu,#&=/%", "ü \u{202e}"] {
            let quic = "/ip4/127.0.0.1/udp/8701/quic-v1";
            let link = JoinLink::new(topic, &texts(&[quic, WEB_SOCKET, WEB_RTC])).unwrap();
            assert_eq!(link.addresses, [WEB_SOCKET, WEB_RTC]);
            assert_eq!(link.host, "127.0.0.1:8700");
            assert_eq!(link.origin.as_deref(), Some("http://127.0.0.1:8700"));
            let value = link.value();
            assert!(!value.contains(['#', '&', '=', ' ']), "{value}");
            assert_eq!(JoinLink::read(&value), Ok(link));
        }
    }

    #[test]
    fn what_is_cut_off_says_so() {
        let long = "x".repeat(LONGEST + 1);
        for value in [
            "",
            "mesh",
            "mesh,",
            ",/ip4/127.0.0.1/tcp/1/ws",
            "mesh,/ip4/127.0.0.1/tcp/1/w",
            "mesh,/ip4/127.0.0.1/udp/1/quic-v1",
            "%zz,/ip4/127.0.0.1/tcp/1/ws",
            "mesh,http://127.0.0.1",
            &long,
        ] {
            assert_eq!(
                JoinLink::read(value),
                Err(AddressProblem::CutOff),
                "{value}"
            );
        }
        let many = vec![WEB_SOCKET.to_owned(); 99];
        assert_eq!(
            JoinLink::new("mesh", &many).unwrap().addresses.len(),
            ADDRESSES
        );
        assert_eq!(JoinLink::new(&"x".repeat(300), &many), None);
    }

    #[test]
    fn the_rest_of_an_address_stays() {
        for (text, value, rest) in [
            ("#j=x", "x", ""),
            ("#v=1&j=x", "x", ""),
            ("#v=1&id=a@b&j=x&c=1", "x", "#v=1&id=a@b&c=1"),
            ("https://r/m#j=x&id=a", "x", "https://r/m#id=a"),
            ("#j=x&j=y", "x", ""),
        ] {
            assert_eq!(take_join(text), Some((value, rest.to_owned())), "{text}");
        }
        for text in ["", "#", "#v=1", "#obj=x", "j=x"] {
            assert_eq!(take_join(text), None, "{text}");
        }
    }
}
