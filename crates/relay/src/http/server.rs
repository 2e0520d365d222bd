//! Accepts HTTP connections within limits and ends them in time.
//!
//! A connection counts until it is closed or upgraded; WebSockets are counted by the peer. When all places are taken,
//! newcomers wait in the system's backlog: every place becomes free again, since idle, slow and endless clients are cut.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tower::ServiceExt;

use super::Ends;

/// Bounds of the port.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, WebSockets not counted.
    pub connections: usize,
    /// From the start of a connection or the end of an answer until the next request's head is complete.
    pub header_timeout: Duration,
    /// Longest life of a connection, so that a client that does not read cannot keep its place.
    pub lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Guesses: a browser opens six connections, a page of 600 KB needs a minute at 10 KB/s.
        Self {
            connections: 256,
            header_timeout: Duration::from_secs(10),
            lifetime: Duration::from_secs(120),
        }
    }
}

/// A running server.
pub struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Accepts nothing any more, lets running answers end for [`GRACE`], then cuts.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Serves until stopped.
pub fn start(listener: TcpListener, router: Router, limits: Limits) -> Server {
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept_all(listener, router, limits, stopped));
    Server { stop, task }
}

async fn accept_all(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, place)) => {
                    let connection = serve(stream, router.clone(), limits, stopped.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: those in use become free by the limits above.
                    tracing::warn!("cannot accept an HTTP connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// One connection, until it is closed, upgraded, too old, or the server stops.
async fn serve(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    // A page's first paint waits for small answers.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Ends { local, remote });
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let old = tokio::time::sleep(limits.lifetime);
    tokio::pin!(old);
    let mut stopping = false;
    loop {
        tokio::select! {
            result = &mut connection => {
                if let Err(error) = result {
                    tracing::debug!(%remote, "HTTP connection ended: {error}");
                }
                return;
            }
            () = &mut old => return,
            _ = stopped.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Longest time for running answers after a stop: shutdown as a whole must end within 2 s.
const GRACE: Duration = Duration::from_millis(500);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Buffer of a connection and so the longest request head.
const MAX_HEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use std::time::Instant;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    async fn started(limits: Limits) -> (SocketAddr, Server) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "done" }));
        (address, start(listener, router, limits))
    }

    async fn answer(mut client: TcpStream) -> String {
        let mut answer = String::new();
        timeout(Duration::from_secs(10), client.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        answer
    }

    #[tokio::test]
    async fn a_slow_head_is_cut() {
        let (address, server) = started(Limits {
            header_timeout: Duration::from_millis(100),
            ..Limits::default()
        })
        .await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let answer = answer(client).await;
        assert!(!answer.contains("done"), "{answer}");
        server.stop().await;
    }

    #[tokio::test]
    async fn silent_clients_do_not_keep_others_out_for_ever() {
        let (address, server) = started(Limits {
            connections: 2,
            header_timeout: Duration::from_millis(200),
            lifetime: Duration::from_secs(60),
        })
        .await;
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        let answer = answer(client).await;
        assert!(answer.ends_with("done"), "{answer}");
        server.stop().await;
    }

    #[tokio::test]
    async fn a_huge_head_is_refused() {
        let (address, server) = started(Limits::default()).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
            "y".repeat(4 * MAX_HEAD)
        );
        // The server may close before all of it is written.
        let _ = client.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("done"), "{answer}");
        server.stop().await;
    }

    #[tokio::test]
    async fn stopping_does_not_wait_for_idle_clients() {
        let (address, server) = started(Limits::default()).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let begin = Instant::now();
        server.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(2));
        // Closed when it had been accepted, reset when it still waited.
        let end = timeout(Duration::from_secs(10), client.read(&mut [0; 1])).await;
        assert!(matches!(end.unwrap(), Ok(0) | Err(_)));
        assert!(TcpStream::connect(address).await.is_err());
    }
}
