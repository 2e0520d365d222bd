//! The WebSocket opening handshake (RFC 6455 4.2), server side. Frames are not read here: after the 101 the raw stream
//! goes to the peer, which speaks libp2p over it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::page;

/// What a request wants.
#[derive(Debug)]
pub enum Wish {
    /// An ordinary request.
    Page,
    /// To become a WebSocket: this is the answer; the stream follows.
    WebSocket(Response<Body>),
    /// To become a WebSocket, but wrongly: this is the answer, and that is all.
    Wrong(Response<Body>),
}

/// Looks at a request's head.
pub fn wish(method: &Method, headers: &HeaderMap) -> Wish {
    if !has_token(headers, header::CONNECTION, "upgrade")
        || !has_token(headers, header::UPGRADE, "websocket")
    {
        return Wish::Page;
    }
    if method != Method::GET {
        return wrong(
            StatusCode::METHOD_NOT_ALLOWED,
            "A WebSocket begins with GET.\n",
        );
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        let mut response = page::text(
            StatusCode::UPGRADE_REQUIRED,
            "Only WebSocket version 13 is spoken here.\n",
        );
        response.headers_mut().insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
        return Wish::Wrong(response);
    }
    let accept = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_nonce(key))
        .and_then(|key| HeaderValue::from_str(&accept_key(key.as_bytes())).ok());
    let Some(accept) = accept else {
        return wrong(
            StatusCode::BAD_REQUEST,
            "The Sec-WebSocket-Key is missing or no base64 of 16 bytes.\n",
        );
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Wish::WebSocket(response)
}

fn wrong(status: StatusCode, sentence: &str) -> Wish {
    Wish::Wrong(page::text(status, sentence))
}

/// The answer that proves the request was understood (RFC 6455 4.2.2).
fn accept_key(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

fn is_nonce(key: &HeaderValue) -> bool {
    STANDARD
        .decode(key.as_bytes())
        .is_ok_and(|nonce| nonce.len() == 16)
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// RFC 6455 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    /// Status of the answer; 0 for an ordinary request.
    fn status(method: Method, lines: &[(&'static str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        match wish(&method, &headers) {
            Wish::Page => 0,
            Wish::WebSocket(response) | Wish::Wrong(response) => response.status().as_u16(),
        }
    }

    #[test]
    fn handshakes() {
        let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let version = ("sec-websocket-version", "13");
        let upgrade = ("upgrade", "WebSocket");
        let connection = ("connection", "keep-alive, Upgrade");
        let get = || Method::GET;
        for (method, lines, expected) in [
            (get(), vec![upgrade, connection, version, key], 101),
            (get(), vec![upgrade, connection, key], 426),
            (
                get(),
                vec![upgrade, connection, ("sec-websocket-version", "8"), key],
                426,
            ),
            (get(), vec![upgrade, connection, version], 400),
            (
                get(),
                vec![
                    upgrade,
                    connection,
                    version,
                    ("sec-websocket-key", "c2hvcnQ="),
                ],
                400,
            ),
            (
                get(),
                vec![upgrade, connection, version, ("sec-websocket-key", "????")],
                400,
            ),
            (Method::POST, vec![upgrade, connection, version, key], 405),
            (get(), vec![upgrade, version, key], 0),
            (get(), vec![connection, version, key], 0),
            (get(), vec![("upgrade", "h2c"), connection], 0),
            (get(), vec![], 0),
        ] {
            assert_eq!(status(method, &lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(
            accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
