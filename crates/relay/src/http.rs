//! The relay's one HTTP port: the page, `/api/relay`, `/healthz`, `/metrics`, and libp2p's WebSocket.
//!
//! `connection -> server (limits, timeouts) -> Host and Origin checked -> WebSocket upgrade | api | page`
//!
//! Nothing here knows libp2p: an upgraded stream goes to the peer as raw bytes, through [`Backend`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use statemesh::PeerId;
use statemesh::multiaddr::Multiaddr;

use self::origin::{Access, Admitted};
use self::upgrade::Wish;

pub mod api;
pub mod metrics;
pub mod origin;
mod page;
pub mod server;
mod upgrade;

/// What the HTTP side needs of the peer.
pub trait Backend: Send + Sync + 'static {
    /// Own id.
    fn peer(&self) -> PeerId;
    /// Topic name.
    fn topic(&self) -> String;
    /// All dialable addresses, each with the peer id.
    fn addresses(&self) -> Vec<Multiaddr>;
    /// Figures for `/healthz`.
    fn health(&self) -> Health;
    /// Figures for `/metrics`.
    fn figures(&self) -> metrics::Figures;
    /// Takes an upgraded WebSocket; `false` when there is no room for it.
    fn enter(&self, stream: TokioIo<Upgraded>, remote: SocketAddr) -> bool;
}

/// Figures of the peer.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Health {
    /// Known peers besides the relay.
    pub peers: usize,
    /// Live links.
    pub links: usize,
    /// Known machines of other peers.
    pub machines: usize,
    /// Messages refused since the start.
    pub refused_messages: u64,
}

/// The two ends of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Address the connection came in on.
    pub local: SocketAddr,
    /// Who connected.
    pub remote: SocketAddr,
}

/// Everything a request can reach.
struct Site {
    backend: Arc<dyn Backend>,
    access: Access,
    started: Instant,
    refused: AtomicU64,
}

/// All routes of the port. Each request needs [`Ends`] among its extensions.
pub fn router(backend: Arc<dyn Backend>, access: Access) -> Router {
    let site = Arc::new(Site {
        backend,
        access,
        started: Instant::now(),
        refused: AtomicU64::new(0),
    });
    Router::new()
        .route("/api/relay", get(relay_info))
        .route("/api/{*rest}", get(no_such_api))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics_text))
        .fallback(page_or_socket)
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard))
        .with_state(site)
}

/// Checks Host and Origin of every request, answers preflights and adds the headers every answer has.
async fn guard(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response<Body> {
    let admitted = match site.access.check(request.headers()) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let refused = site.refused.fetch_add(1, Ordering::Relaxed);
            if refused.is_power_of_two() || refused == 0 {
                tracing::warn!(count = refused + 1, "request refused: {refusal}");
            }
            let status = match refusal {
                origin::Refusal::BadHost => StatusCode::BAD_REQUEST,
                origin::Refusal::ForeignHost(_) | origin::Refusal::ForeignOrigin(_) => {
                    StatusCode::FORBIDDEN
                }
            };
            return harden(page::text(status, &format!("{refusal}\n")));
        }
    };
    let origin = admitted.origin.clone();
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        request.extensions_mut().insert(admitted);
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    harden(response)
}

/// Browsers ask before they let a page of another origin send a request.
fn preflight(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD"),
    );
    if request.contains_key("access-control-request-private-network") {
        headers.insert(
            HeaderName::from_static("access-control-allow-private-network"),
            HeaderValue::from_static("true"),
        );
    }
    response
}

/// Headers of every answer: no guessing of types, no use by other sites, no address leaked by links.
fn harden(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn relay_info(
    State(site): State<Arc<Site>>,
    Extension(admitted): Extension<Admitted>,
    Extension(ends): Extension<Ends>,
) -> impl IntoResponse {
    let peer = site.backend.peer();
    let known = site.backend.addresses();
    let info = api::RelayInfo {
        peer: peer.to_string(),
        topic: site.backend.topic(),
        addresses: api::addresses_for(&admitted, ends.local, peer, known),
        software: api::SOFTWARE,
    };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(info))
}

async fn no_such_api() -> Response<Body> {
    page::text(
        StatusCode::NOT_FOUND,
        "There is no such endpoint; there are /api/relay, /healthz and /metrics.\n",
    )
}

async fn health(State(site): State<Arc<Site>>) -> impl IntoResponse {
    let info = api::HealthInfo {
        status: "ok",
        health: site.backend.health(),
        uptime_s: site.started.elapsed().as_secs(),
        refused_requests: site.refused.load(Ordering::Relaxed),
    };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(info))
}

async fn metrics_text(State(site): State<Arc<Site>>) -> impl IntoResponse {
    let process = metrics::Process {
        uptime: site.started.elapsed(),
        refused_requests: site.refused.load(Ordering::Relaxed),
        memory: metrics::resident_memory(),
    };
    let text = metrics::text(&site.backend.figures(), &process);
    let headers = [
        (header::CONTENT_TYPE, metrics::CONTENT_TYPE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}

async fn page_or_socket(
    State(site): State<Arc<Site>>,
    Extension(ends): Extension<Ends>,
    mut request: Request,
) -> Response<Body> {
    match upgrade::wish(request.method(), request.headers()) {
        Wish::Wrong(response) => response,
        Wish::WebSocket(response) if request.uri().path() == "/" => {
            if let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() {
                tokio::spawn(hand_over(upgrade, Arc::clone(&site.backend), ends.remote));
            }
            response
        }
        Wish::WebSocket(_) => page::text(
            StatusCode::NOT_FOUND,
            "WebSockets are accepted at / only.\n",
        ),
        Wish::Page if matches!(*request.method(), Method::GET | Method::HEAD) => {
            page::serve(request.uri().path(), request.headers())
        }
        Wish::Page => page::text(StatusCode::METHOD_NOT_ALLOWED, "Only GET is served here.\n"),
    }
}

/// Waits until the 101 is written, then gives the stream to the peer.
async fn hand_over(upgrade: OnUpgrade, backend: Arc<dyn Backend>, remote: SocketAddr) {
    match upgrade.await {
        Ok(stream) => {
            if !backend.enter(TokioIo::new(stream), remote) {
                tracing::warn!(%remote, "WebSocket refused: the peer has no room for it");
            }
        }
        Err(error) => tracing::debug!(%remote, "WebSocket lost during its upgrade: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const PEER: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";

    /// A peer that answers every WebSocket with one line.
    struct Greeter(Mutex<Vec<SocketAddr>>);

    impl Backend for Greeter {
        fn peer(&self) -> PeerId {
            PEER.parse().unwrap()
        }
        fn topic(&self) -> String {
            "mesh".to_owned()
        }
        fn addresses(&self) -> Vec<Multiaddr> {
            let tcp: Multiaddr = "/ip4/127.0.0.1/tcp/8701".parse().unwrap();
            vec![api::with_peer(&tcp, self.peer())]
        }
        fn health(&self) -> Health {
            Health {
                peers: 3,
                links: 2,
                machines: 12,
                refused_messages: 0,
            }
        }
        fn figures(&self) -> metrics::Figures {
            metrics::Figures::default()
        }
        fn enter(&self, mut stream: TokioIo<Upgraded>, remote: SocketAddr) -> bool {
            self.0.lock().unwrap().push(remote);
            tokio::spawn(async move { stream.write_all(b"hello from the peer").await });
            true
        }
    }

    /// A running port; everything a client got until the server closed.
    async fn exchange(request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let access = Access::default();
        let router = router(Arc::new(Greeter(Mutex::default())), access);
        let server = server::start(listener, router, server::Limits::default());
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = request.replace("PORT", &address.port().to_string());
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        server.stop().await;
        String::from_utf8_lossy(&answer).to_ascii_lowercase()
    }

    fn get(path: &str, extra: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\nconnection: close\r\n{extra}\r\n")
    }

    #[tokio::test]
    async fn relay_info_is_told_to_allowed_pages_only() {
        let answer = exchange(&get("/api/relay", "origin: http://127.0.0.1:3000\r\n")).await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(
            answer.contains("access-control-allow-origin: http://127.0.0.1:3000\r\n"),
            "{answer}"
        );
        assert!(answer.contains("vary: origin"), "{answer}");
        assert!(answer.contains("\"topic\":\"mesh\""), "{answer}");
        assert!(answer.contains("/ws/p2p/"), "{answer}");

        let answer = exchange(&get("/api/relay", "origin: https://evil.example\r\n")).await;
        assert!(answer.starts_with("http/1.1 403"), "{answer}");
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
        assert!(!answer.contains("12d3koo"), "{answer}");
    }

    #[tokio::test]
    async fn a_rebound_name_is_refused_everywhere() {
        for path in ["/", "/api/relay", "/healthz", "/metrics", "/style.css"] {
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
            let answer = exchange(&request).await;
            assert!(answer.starts_with("http/1.1 403"), "{path}: {answer}");
            assert!(answer.contains("--allow-origin"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn metrics_are_text() {
        let answer = exchange(&get("/metrics", "")).await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(
            answer.contains("content-type: text/plain; version=0.0.4"),
            "{answer}"
        );
        assert!(
            answer.contains("\nstatemesh_uptime_seconds 0\n"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn health_counts() {
        let answer = exchange(&get("/healthz", "")).await;
        assert!(
            answer.contains("\"status\":\"ok\",\"peers\":3,\"links\":2,\"machines\":12"),
            "{answer}"
        );
        assert!(
            answer.contains("x-content-type-options: nosniff"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn preflights_and_odd_methods() {
        let preflight = get(
            "/api/relay",
            "origin: http://localhost:1\r\naccess-control-request-private-network: true\r\n",
        )
        .replace("GET", "OPTIONS");
        let answer = exchange(&preflight).await;
        assert!(answer.starts_with("http/1.1 204"), "{answer}");
        assert!(
            answer.contains("access-control-allow-private-network: true"),
            "{answer}"
        );
        for (path, method, status) in [
            ("/", "POST", 405),
            ("/api/relay", "DELETE", 405),
            ("/api/nothing", "GET", 404),
        ] {
            let answer = exchange(&get(path, "").replace("GET", method)).await;
            assert!(
                answer.starts_with(&format!("http/1.1 {status}")),
                "{method} {path}: {answer}"
            );
        }
    }

    #[tokio::test]
    async fn an_upgraded_stream_reaches_the_peer() {
        let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let request = get("/", upgrade).replace("connection: close", "connection: upgrade");
        let answer = exchange(&request).await;
        assert!(answer.starts_with("http/1.1 101"), "{answer}");
        assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        assert!(answer.ends_with("hello from the peer"), "{answer}");

        let foreign = request.replace(
            "upgrade: websocket",
            "origin: https://evil.example\r\nupgrade: websocket",
        );
        let answer =
            exchange(&foreign.replace("connection: upgrade", "connection: upgrade, close")).await;
        assert!(answer.starts_with("http/1.1 403"), "{answer}");
    }
}
