//! The relays a page joins through: fixed addresses, and pages that are asked before every round of dialling.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::join_all;
use statemesh::Multiaddr;
use statemesh::mesh::AddressSource;
use wasm_bindgen_futures::spawn_local;

use crate::answer::Answer;
use crate::browser::FetchError;

/// What the page named.
#[derive(Debug, PartialEq)]
pub(super) struct Relays(Vec<Relay>);

#[derive(Debug, PartialEq)]
enum Relay {
    /// Dialled as it is.
    Address(Multiaddr),
    /// Scheme, host and port of a relay's page.
    Origin(String),
}

/// The caller's fault; nothing was started.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum RelaysError {
    /// An empty list.
    #[error("relays names no relay")]
    None,
    /// More than anybody means.
    #[error("relays names more than {MAX_RELAYS} relays")]
    TooMany,
    /// Neither form.
    #[error("{0:?} is neither a multiaddress nor the http(s) address of a relay's page")]
    Unknown(String),
    /// An address only others can dial.
    #[error("a browser cannot dial {0}: it speaks /ws, /wss and /webrtc-direct")]
    NotForBrowsers(Multiaddr),
}

impl Relays {
    /// Reads what the page named.
    ///
    /// # Errors
    /// [`RelaysError`].
    pub(super) fn parse(texts: &[String]) -> Result<Self, RelaysError> {
        match texts.len() {
            0 => return Err(RelaysError::None),
            1..=MAX_RELAYS => {}
            _ => return Err(RelaysError::TooMany),
        }
        let relays: Result<Vec<_>, _> = texts.iter().map(|text| Relay::parse(text)).collect();
        relays.map(Self)
    }

    /// All addresses, asked again whenever the peer wants to dial.
    pub(super) fn source(self, topic: String) -> AddressSource {
        let relays = Arc::new(self);
        Box::new(move || {
            let (relays, topic) = (Arc::clone(&relays), topic.clone());
            // Browser futures are bound to their thread; only the answer crosses.
            let (tell, told) = oneshot::channel();
            spawn_local(async move {
                // Nobody waits any more: the peer was shut down.
                let _ = tell.send(relays.addresses(&topic).await);
            });
            let answer: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
                told.await
                    .unwrap_or_else(|_| Err("the page is closing".to_owned()))
            });
            answer
        })
    }

    /// What answers can be dialled; an error only when nothing is left to dial.
    async fn addresses(&self, topic: &str) -> Result<Vec<Multiaddr>, String> {
        let answers = join_all(self.0.iter().map(|relay| relay.addresses(topic))).await;
        let mut addresses: Vec<Multiaddr> = Vec::new();
        let mut problems = Vec::new();
        for answer in answers {
            match answer {
                Ok(found) => addresses.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
        if addresses.is_empty() {
            Err(problems.join("; "))
        } else {
            Ok(addresses)
        }
    }
}

impl Relay {
    fn parse(text: &str) -> Result<Self, RelaysError> {
        let unknown = || RelaysError::Unknown(text.chars().take(MAX_SHOWN).collect());
        if text.starts_with('/') {
            let address: Multiaddr = text.parse().map_err(|_| unknown())?;
            return if is_for_browsers(&address) {
                Ok(Self::Address(address))
            } else {
                Err(RelaysError::NotForBrowsers(address))
            };
        }
        let rest = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
            .ok_or_else(unknown)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@') {
            return Err(unknown());
        }
        let scheme = &text[..text.len() - rest.len()];
        Ok(Self::Origin(format!("{scheme}{host}")))
    }

    async fn addresses(&self, topic: &str) -> Result<Vec<Multiaddr>, String> {
        let origin = match self {
            Self::Address(address) => return Ok(vec![address.clone()]),
            Self::Origin(origin) => origin,
        };
        let answer = Answer::of(origin).await.map_err(|error| match error {
            FetchError::NoAnswer => format!("{origin} gave no answer by HTTP"),
            FetchError::Refused(status) => format!("{origin} answered with status {status}"),
            FetchError::Unreadable => format!("{origin} is no relay's page"),
        })?;
        dialable(&answer, topic).map_err(|problem| format!("{origin} {problem}"))
    }
}

/// The addresses of an answer that a browser can dial.
fn dialable(answer: &Answer, topic: &str) -> Result<Vec<Multiaddr>, String> {
    if answer.topic != topic {
        let shown: String = answer.topic.chars().take(MAX_SHOWN).collect();
        return Err(format!("serves the topic {shown:?}"));
    }
    let addresses: Vec<Multiaddr> = answer
        .addresses
        .iter()
        .filter_map(|text| text.parse().ok())
        .filter(is_for_browsers)
        .take(MAX_ADDRESSES)
        .collect();
    if addresses.is_empty() {
        return Err("names no address that a browser can dial".to_owned());
    }
    Ok(addresses)
}

fn is_for_browsers(address: &Multiaddr) -> bool {
    address
        .to_string()
        .split('/')
        .any(|part| matches!(part, "ws" | "wss" | "webrtc-direct"))
}

/// Relays one page may name; a guess, more than any mesh has.
const MAX_RELAYS: usize = 16;
/// Addresses taken from one relay's answer.
const MAX_ADDRESSES: usize = 16;
/// Characters of a foreign text repeated in a message.
const MAX_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Relays, RelaysError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Relays::parse(&texts)
    }

    #[test]
    fn pages_are_reduced_to_their_origin() {
        for (text, origin) in [
            ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
            ("http://127.0.0.1:8700/", "http://127.0.0.1:8700"),
            ("https://mesh.example/page?x#y", "https://mesh.example"),
            ("http://[::1]:8700/#peers", "http://[::1]:8700"),
        ] {
            let expected = Relays(vec![Relay::Origin(origin.to_owned())]);
            assert_eq!(parse(&[text]), Ok(expected), "{text}");
        }
    }

    #[test]
    fn addresses_are_those_a_browser_dials() {
        let hash = "uEiCYrwFv1UtmVKWoKVS5DcBpQZrPZcGSGZ0ObnTkG6s9Yw";
        for text in [
            "/ip4/127.0.0.1/tcp/8700/ws".to_owned(),
            "/dns4/mesh.example/tcp/443/wss".to_owned(),
            format!("/ip4/127.0.0.1/udp/8702/webrtc-direct/certhash/{hash}"),
        ] {
            let expected = Relays(vec![Relay::Address(text.parse().unwrap())]);
            assert_eq!(parse(&[&text]), Ok(expected), "{text}");
        }
        let quic = "/ip4/127.0.0.1/udp/8701/quic-v1";
        let refused = parse(&[quic]).unwrap_err();
        assert_eq!(refused, RelaysError::NotForBrowsers(quic.parse().unwrap()));
    }

    #[test]
    fn other_texts_are_refused_and_cut() {
        for text in [
            "",
            "127.0.0.1:8700",
            "/ip4/1.2.3",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a b",
        ] {
            let error = parse(&[text]).unwrap_err();
            assert_eq!(error, RelaysError::Unknown(text.to_owned()), "{text}");
        }
        let long = "x".repeat(10_000);
        assert!(parse(&[&long]).unwrap_err().to_string().len() < 300);
        assert_eq!(parse(&[]), Err(RelaysError::None));
        assert_eq!(parse(&["http://a"; 17]), Err(RelaysError::TooMany));
    }

    #[test]
    fn answers_of_another_topic_or_without_addresses_are_no_use() {
        let answer = |topic: &str, addresses: &[&str]| Answer {
            topic: topic.to_owned(),
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
        };
        let ws = "/ip4/127.0.0.1/tcp/8700/ws";
        let mixed = ["/ip4/127.0.0.1/udp/1/quic-v1", "nonsense", ws];
        let found = dialable(&answer("mesh", &mixed), "mesh");
        assert_eq!(found, Ok(vec![ws.parse().unwrap()]));
        assert!(dialable(&answer("other", &[ws]), "mesh").is_err());
        assert!(dialable(&answer("mesh", &mixed[..2]), "mesh").is_err());
        let many = vec![ws; 1000];
        let found = dialable(&answer("mesh", &many), "mesh").unwrap();
        assert_eq!(found.len(), MAX_ADDRESSES);
    }
}
