//! What `--connect` names: a multiaddress, or the page of a relay, which is asked for its addresses before every round
//! of dialling (they may change when it restarts).

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use statemesh::mesh::{Connection, Mesh, MeshBuilder, SpawnError};
use statemesh::multiaddr::Multiaddr;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::dial_address;
use crate::escape::Escaped;
use crate::http::origin::{Authority, Host, Origin, Scheme};
use crate::report::reasons;

/// Somebody to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Dialled as it is.
    Address(Multiaddr),
    /// Asked first: `GET /api/relay`.
    Page(Authority),
}

impl Target {
    /// Lets a peer stay connected to this target.
    pub fn connect(&self, builder: MeshBuilder) -> MeshBuilder {
        match self {
            Self::Address(address) => builder.connect(address.clone()),
            Self::Page(authority) => {
                let authority = authority.clone();
                builder.connect_source(Box::new(move || {
                    let authority = authority.clone();
                    Box::pin(
                        async move { ask(&authority).await.map_err(|error| error.to_string()) },
                    )
                }))
            }
        }
    }

    /// All addresses of the target now.
    ///
    /// # Errors
    /// [`AskError`]
    pub async fn resolve(&self) -> Result<Vec<Multiaddr>, AskError> {
        match self {
            Self::Address(address) => Ok(vec![address.clone()]),
            Self::Page(authority) => ask(authority).await,
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err(
                "a page behind TLS cannot be asked; give the relay's multiaddress".to_owned(),
            );
        }
        if text.starts_with("http://") {
            let page: Origin = text.parse().map_err(|_| {
                "a relay's page address has no path, as http://127.0.0.1:8700".to_owned()
            })?;
            return Ok(Self::Page(page.authority));
        }
        dial_address(text).map(Self::Address)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Page(page) => write!(f, "http://{}:{}", page.host, Scheme::Http.port(page)),
        }
    }
}

/// Nobody answered: wrong address, no relay there, or a firewall. The user's to repair.
#[derive(Debug, thiserror::Error)]
#[error(
    "no connection to {targets} ({reasons}); check that the relay runs and that the address is right"
)]
pub struct NoConnection {
    targets: String,
    reasons: String,
}

impl NoConnection {
    /// As this peer tells it.
    pub fn of(mesh: &Mesh, targets: &[Target]) -> Self {
        let failures = match mesh.connection() {
            Connection::Connecting { failures, .. } | Connection::Reconnecting { failures, .. } => {
                reasons(&failures)
            }
            Connection::Live | Connection::Closed => String::new(),
        };
        let targets: Vec<_> = targets.iter().map(ToString::to_string).collect();
        Self {
            targets: targets.join(" or "),
            reasons: if failures.is_empty() {
                "no answer".to_owned()
            } else {
                failures
            },
        }
    }
}

/// A page could not tell where its relay is. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there, or too slowly.
    #[error("http://{0} does not answer: {1}")]
    Silent(String, String),
    /// Something else listens there, or it refuses.
    #[error("http://{place} answers, but not as a relay ({answer})", place = .0, answer = Escaped(.1))]
    NotARelay(String, String),
}

/// The part of `/api/relay` that is needed.
#[derive(Deserialize)]
struct Answer {
    addresses: Vec<String>,
}

async fn ask(page: &Authority) -> Result<Vec<Multiaddr>, AskError> {
    let port = Scheme::Http.port(page);
    let place = format!("{}:{port}", page.host);
    let silent = |reason: String| AskError::Silent(place.clone(), reason);
    let strange = |reason: String| AskError::NotARelay(place.clone(), reason);

    let connected = match &page.host {
        Host::Ip(ip) => timeout(PATIENCE, TcpStream::connect((*ip, port))).await,
        Host::Name(name) => timeout(PATIENCE, TcpStream::connect((name.as_str(), port))).await,
    };
    let stream = connected
        .map_err(|_| silent("no answer within 2 s".to_owned()))?
        .map_err(|error| silent(error.to_string()))?;
    let body = timeout(PATIENCE, get(stream, &place))
        .await
        .map_err(|_| silent("no answer within 2 s".to_owned()))?
        .map_err(|error| strange(error.to_string()))?;
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|error| strange(error.to_string()))?;
    // A newer relay may announce what this program cannot read.
    let addresses: Vec<_> = answer
        .addresses
        .iter()
        .take(MAX_ADDRESSES)
        .filter_map(|address| address.parse().ok())
        .collect();
    if addresses.is_empty() {
        return Err(strange("it names no address".to_owned()));
    }
    Ok(addresses)
}

async fn get(
    stream: TcpStream,
    place: &str,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/api/relay")
        .header(header::HOST, place)
        .header(header::CONNECTION, "close")
        .body(Body::empty())?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, body.to_bytes().to_vec()))
    };
    // The connection does the work while the exchange waits for it.
    let (result, _) = futures::join!(exchange, connection);
    let (status, body) = result?;
    if status == StatusCode::OK {
        Ok(body)
    } else {
        let start: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        Err(format!("{status}: {}", start.trim()).into())
    }
}

/// For connecting, and again for the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer; a real one has less than 2 KB.
const MAX_ANSWER: usize = 64 * 1024;
/// More addresses than any relay has.
const MAX_ADDRESSES: usize = 32;

/// A command that works in a mesh as one of its peers failed.
#[derive(Debug, thiserror::Error)]
pub enum JoinedError {
    /// Wrong address, no relay there, or a firewall.
    #[error("{0}")]
    NoConnection(#[from] NoConnection),
    /// The peer did not start.
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    /// Standard output is gone or full.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn targets() {
        for (text, shown) in [
            (
                "/ip4/127.0.0.1/udp/8701/quic-v1",
                "/ip4/127.0.0.1/udp/8701/quic-v1",
            ),
            ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
            ("http://127.0.0.1:8700/", "http://127.0.0.1:8700"),
            ("http://[::1]:8700", "http://[::1]:8700"),
            ("http://relay.example", "http://relay.example:80"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "8700",
            "http://",
            "http://127.0.0.1:8700/peers",
            "ftp://127.0.0.1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    /// What `ask` makes of this answer.
    async fn asked(answer: &'static str) -> Result<Vec<Multiaddr>, AskError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let result = ask(&address.to_string().parse().unwrap()).await;
        server.await.unwrap();
        result
    }

    #[tokio::test]
    async fn pages_are_asked_and_not_trusted() {
        let good = asked("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"addresses\":[\"/ip4/127.0.0.1/tcp/1\",\"/new/thing\"]}").await;
        assert_eq!(good.unwrap(), ["/ip4/127.0.0.1/tcp/1".parse().unwrap()]);
        for answer in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>",
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"addresses\":[]}",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "",
        ] {
            let error = asked(answer).await.unwrap_err();
            assert!(
                matches!(error, AskError::NotARelay(..)),
                "{answer}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        });
        let error = ask(&address.to_string().parse().unwrap())
            .await
            .unwrap_err();
        assert!(matches!(error, AskError::NotARelay(..)), "{error}");
        server.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_there_is_said() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = ask(&address.to_string().parse().unwrap())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("does not answer: "), "{error}");
    }
}
