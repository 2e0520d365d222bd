//! The dashboard's files: which one a path means, how it is compressed, how long it may be kept.
//!
//! Release builds embed `dist/` and its packed copies (build.rs); debug builds read `dist/` from disk, so that
//! `trunk watch` beside a running relay is the edit loop. Paths without an extension are the page's own routes and get
//! index.html; a missing `.wasm` is 404 and never HTML.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../dist/"]
struct Dist;

/// `NAME.br` and `NAME.gz`, made by build.rs; empty in debug builds.
static PACKED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/packed.rs"));

/// Answers a GET for one of the page's files.
pub fn serve(path: &str, request: &HeaderMap) -> Response<Body> {
    respond(&Embedded, path, request)
}

/// Where files come from.
trait Files {
    /// A file as it is, with a validator that changes when it does.
    fn plain(&self, path: &str) -> Option<(Cow<'static, [u8]>, String)>;
    /// The file compressed, `suffix` being `br` or `gz`.
    fn packed(&self, path: &str, suffix: &str) -> Option<&'static [u8]>;
}

struct Embedded;

impl Files for Embedded {
    fn plain(&self, path: &str) -> Option<(Cow<'static, [u8]>, String)> {
        let file = Dist::get(path)?;
        let hash = file.metadata.sha256_hash();
        let tag = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Some((file.data, tag))
    }

    fn packed(&self, path: &str, suffix: &str) -> Option<&'static [u8]> {
        PACKED.iter().find_map(|(name, bytes)| {
            let stem = name.strip_suffix(suffix)?.strip_suffix('.')?;
            (stem == path).then_some(*bytes)
        })
    }
}

fn respond(files: &impl Files, path: &str, request: &HeaderMap) -> Response<Body> {
    let asked = path.trim_start_matches('/');
    let is_route = asked
        .rsplit('/')
        .next()
        .is_none_or(|last| !last.contains('.'));
    let path = if is_route { INDEX } else { asked };
    let Some((plain, tag)) = files.plain(path) else {
        return if path == INDEX {
            no_page()
        } else {
            text(StatusCode::NOT_FOUND, "There is no such file.\n")
        };
    };

    let tag = format!("W/\"{tag}\"");
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, cache_control(path));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_TYPE, content_type(path));
    if path == INDEX {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        );
    }
    if is_known(request, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    for (coding, suffix) in [("br", "br"), ("gzip", "gz")] {
        if let Some(packed) = files
            .packed(path, suffix)
            .filter(|_| accepts(request, coding))
        {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            *response.body_mut() = Body::from(packed);
            return response;
        }
    }
    *response.body_mut() = match plain {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    response
}

/// A short plain answer.
pub fn text(status: StatusCode, sentence: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(sentence.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What is shown while no page was built into the relay.
fn no_page() -> Response<Body> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, NO_PAGE);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}

/// Names that carry a hash of their content never change; everything else is asked for again.
fn cache_control(path: &str) -> HeaderValue {
    if is_hashed(path) {
        HeaderValue::from_static("public, max-age=31536000, immutable")
    } else {
        HeaderValue::from_static("no-cache")
    }
}

/// Names of the build: `NAME-0123456789abcdef.js`, `NAME-0123456789abcdef_bg.wasm`, `NAME-0123456789abcdef_rest.wasm`.
fn is_hashed(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    let stem = ["_bg", "_rest"]
        .iter()
        .find_map(|part| stem.strip_suffix(part))
        .unwrap_or(stem);
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() >= MIN_HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn content_type(path: &str) -> HeaderValue {
    let name = match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    HeaderValue::from_static(name)
}

fn is_known(request: &HeaderMap, tag: &str) -> bool {
    list(request, header::IF_NONE_MATCH).any(|known| known == tag || known == "*")
}

/// Is this coding accepted (RFC 9110 12.5.3)?
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let mut any = false;
    for item in list(request, header::ACCEPT_ENCODING) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let wanted: bool = weight > 0.0;
        if name.trim().eq_ignore_ascii_case(coding) {
            return wanted;
        }
        any |= name.trim() == "*" && wanted;
    }
    any
}

fn list(request: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

const INDEX: &str = "index.html";
/// Trunk's hashes have 16 digits; fewer could be a word like `dead-beef`.
const MIN_HASH: usize = 12;

/// What the page may do: its own files, WebAssembly, HTTP and WebSockets to any relay it is told to join. No inline script, no
/// inline style, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; manifest-src 'self'; connect-src 'self' http: https: ws: wss:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NO_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>statemesh: no page yet</title>\n\
    <h1>The relay runs, but its page was not built.</h1>\n\
    <p>Stop the relay and type <code>cargo xtask run</code>: it builds the page and starts the relay with it.</p>\n</html>\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// A built page as trunk leaves it, packed like build.rs does.
    struct Built;

    impl Files for Built {
        fn plain(&self, path: &str) -> Option<(Cow<'static, [u8]>, String)> {
            let bytes: &[u8] = match path {
                "index.html" => b"<html>",
                "statemesh-web-95d9fbe1a52dbb22_bg.wasm" => b"\0asm",
                "icon.svg" => b"<svg>",
                _ => return None,
            };
            Some((Cow::Borrowed(bytes), "aa".to_owned()))
        }

        fn packed(&self, path: &str, suffix: &str) -> Option<&'static [u8]> {
            match (path, suffix) {
                ("index.html", "br") => Some(b"brotli"),
                ("index.html", "gz") => Some(b"gzip"),
                ("statemesh-web-95d9fbe1a52dbb22_bg.wasm", "gz") => Some(b"gzip"),
                _ => None,
            }
        }
    }

    struct Nothing;

    impl Files for Nothing {
        fn plain(&self, _: &str) -> Option<(Cow<'static, [u8]>, String)> {
            None
        }
        fn packed(&self, _: &str, _: &str) -> Option<&'static [u8]> {
            None
        }
    }

    fn get(path: &str, name: header::HeaderName, value: &str) -> Response<Body> {
        let mut request = HeaderMap::new();
        request.insert(name, value.parse().unwrap());
        respond(&Built, path, &request)
    }

    fn header_of(response: &Response<Body>, name: header::HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn routes_get_the_page_and_missing_files_do_not() {
        for (path, status) in [
            ("/", 200),
            ("/peers", 200),
            ("/mesh", 200),
            ("/settings", 200),
            ("/m", 200),
            ("/index.html", 200),
            ("/icon.svg", 200),
            ("/old-0123456789abcdef_bg.wasm", 404),
            ("/nothing.js", 404),
            ("/../Cargo.toml", 404),
            ("/..%2fCargo.toml", 404),
        ] {
            let response = respond(&Built, path, &HeaderMap::new());
            assert_eq!(response.status(), status, "{path}");
            let is_html = header_of(&response, header::CONTENT_TYPE).starts_with("text/html");
            assert!(status != 404 || !is_html, "{path}");
        }
    }

    #[test]
    fn without_a_page_the_answer_names_the_command() {
        let response = respond(&Nothing, "/", &HeaderMap::new());
        assert_eq!(response.status(), 503);
        assert!(NO_PAGE.contains("cargo xtask run"));
        assert_eq!(
            respond(&Nothing, "/x.wasm", &HeaderMap::new()).status(),
            404
        );
    }

    #[test]
    fn best_accepted_compression_is_sent() {
        for (path, accepted, expected) in [
            ("/", "gzip, deflate, br, zstd", "br"),
            ("/", "gzip", "gzip"),
            ("/", "br;q=0, gzip;q=0.5", "gzip"),
            ("/", "*", "br"),
            ("/", "*;q=0", ""),
            ("/", "identity", ""),
            ("/", "br;q=nonsense", ""),
            (
                "/statemesh-web-95d9fbe1a52dbb22_bg.wasm",
                "br, gzip",
                "gzip",
            ),
            ("/icon.svg", "br, gzip", ""),
        ] {
            let response = get(path, header::ACCEPT_ENCODING, accepted);
            assert_eq!(
                header_of(&response, header::CONTENT_ENCODING),
                expected,
                "{path} {accepted}"
            );
            assert_eq!(header_of(&response, header::VARY), "accept-encoding");
        }
    }

    #[test]
    fn hashed_names_are_immutable_and_the_page_is_not() {
        for (path, immutable) in [
            ("statemesh-web-95d9fbe1a52dbb22_bg.wasm", true),
            ("statemesh-web-95d9fbe1a52dbb22_rest.wasm", true),
            ("statemesh-web-95d9fbe1a52dbb22.js", true),
            ("style-0123456789abcdef.css", true),
            ("index.html", false),
            ("icon.svg", false),
            ("dead-beef.js", false),
            ("snippets/some-crate-95d9fbe1a52dbb22/inline0.js", false),
        ] {
            assert_eq!(is_hashed(path), immutable, "{path}");
        }
        let response = respond(&Built, "/", &HeaderMap::new());
        assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-cache");
    }

    #[test]
    fn a_known_page_is_not_sent_again() {
        let response = get("/", header::IF_NONE_MATCH, "W/\"bb\", W/\"aa\"");
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/", header::IF_NONE_MATCH, "W/\"bb\"").status(), 200);
    }

    #[test]
    fn the_page_may_run_wasm_but_no_inline_script() {
        let response = respond(&Built, "/peers", &HeaderMap::new());
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
}
