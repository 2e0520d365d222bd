//! The HTTP port of a running relay. The tables of Host, Origin and compression are beside the code; here is that the
//! pieces are wired together.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use common::Relay;

#[test]
fn the_http_port() {
    let relay = Relay::start(&[
        "--allow-origin",
        "https://dash.example.org",
        "--announce",
        "/dns4/relay.example.org/tcp/443/wss",
    ]);
    tells_how_to_dial(&relay);
    checks_host_and_origin(&relay);
    tells_its_health(&relay);
    tells_its_figures(&relay);
    serves_files_and_routes(&relay);
}

fn tells_how_to_dial(relay: &Relay) {
    let (head, body) = relay.get("/api/relay", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    // Pages ask again before every round of dialling.
    assert!(head.contains("cache-control: no-store"), "{head}");
    let info: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(info["peer"], relay.peer.as_str());
    assert_eq!(info["topic"], "mesh");
    assert!(info["software"].as_str().unwrap().starts_with("statemesh/"));
    let addresses = info["addresses"].as_array().unwrap();
    let expected = format!(
        "/ip4/127.0.0.1/tcp/{}/ws/p2p/{}",
        relay.http.port(),
        relay.peer
    );
    assert_eq!(addresses[0], expected.as_str());
    for part in ["/quic-v1/p2p/", "/dns4/relay.example.org/tcp/443/"] {
        let has = |address: &serde_json::Value| address.as_str().unwrap().contains(part);
        assert!(addresses.iter().any(has), "{part}: {body}");
    }

    // Through ssh -L 9000:127.0.0.1:PORT the page asks under another port.
    let forwarded = "GET /api/relay HTTP/1.1\r\nhost: localhost:9000\r\nconnection: close\r\n\r\n";
    let (_, body) = relay.request(forwarded);
    let info: serde_json::Value = serde_json::from_str(&body).unwrap();
    let first = info["addresses"][0].as_str().unwrap();
    assert!(
        first.starts_with("/dns/localhost/tcp/9000/ws/p2p/"),
        "{first}"
    );
}

fn checks_host_and_origin(relay: &Relay) {
    let host = relay.http.to_string();
    let own = format!("http://{host}");
    let upgrade = "connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    for (host, origin, status) in [
        (host.as_str(), None, 200),
        (&host, Some(own.as_str()), 200),
        (&host, Some("http://localhost:3000"), 200),
        (&host, Some("https://dash.example.org"), 200),
        (&host, Some("https://evil.example"), 403),
        (&host, Some("null"), 403),
        ("evil.example", None, 403),
        ("relay.example.org", None, 200),
    ] {
        let origin = origin.map_or(String::new(), |origin| format!("origin: {origin}\r\n"));
        for path in ["/api/relay", "/healthz"] {
            let (head, _) = relay.request(&format!(
                "GET {path} HTTP/1.1\r\nhost: {host}\r\n{origin}connection: close\r\n\r\n"
            ));
            assert!(
                head.starts_with(&format!("http/1.1 {status}")),
                "{host} {origin}: {head}"
            );
            let reflected = head.contains("access-control-allow-origin");
            assert_eq!(reflected, status == 200 && !origin.is_empty(), "{head}");
        }
        if status == 403 {
            let (head, body) = relay.request(&format!(
                "GET / HTTP/1.1\r\nhost: {host}\r\n{origin}{upgrade}\r\n\r\n"
            ));
            assert!(head.starts_with("http/1.1 403"), "{host} {origin}: {head}");
            assert!(body.contains("--allow-origin"), "{body}");
        }
    }
}

fn tells_its_health(relay: &Relay) {
    let (head, body) = relay.get("/healthz", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "ok");
    for key in [
        "peers",
        "links",
        "machines",
        "uptime_s",
        "refused_messages",
        "refused_requests",
    ] {
        assert!(health[key].is_u64(), "{key}: {body}");
    }
    assert!(health["refused_requests"].as_u64().unwrap() > 0, "{body}");
}

fn tells_its_figures(relay: &Relay) {
    let (head, body) = relay.get("/metrics", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    for line in [
        "statemesh_peers 0",
        "statemesh_links{transport=\"quic\"} 0",
        "# TYPE statemesh_messages_received_total counter",
    ] {
        assert!(body.lines().any(|it| it == line), "{line}: {body}");
    }
}

/// `dist/` may hold a page or not: both are right, mixing them up is not.
fn serves_files_and_routes(relay: &Relay) {
    let (head, body) = relay.get("/", "");
    assert!(
        head.contains("script-src 'self' 'wasm-unsafe-eval'"),
        "{head}"
    );
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    if head.starts_with("http/1.1 200") {
        assert!(head.contains("cache-control: no-cache"), "{head}");
        assert_eq!(relay.get("/peers", "").1, body, "a route of the page");
    } else {
        assert!(head.starts_with("http/1.1 503"), "{head}");
        assert!(body.contains("cargo xtask run"), "{body}");
    }
    for path in [
        "/gone-0123456789abcdef_bg.wasm",
        "/api/nothing",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
    ] {
        let (head, body) = relay.get(path, "");
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
        assert!(
            !body.contains("<html") && !body.contains("[package]"),
            "{path}: {body}"
        );
    }
}
