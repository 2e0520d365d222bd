//! One GET on loopback: enough to ask a relay that we started where it listens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// An answer larger than this is none of ours.
const MAX_ANSWER: u64 = 1 << 20;

/// Body of `http://authority/path`.
pub fn get(authority: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(authority)
        .with_context(|| format!("connecting to http://{authority}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no end of its head")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split_whitespace().nth(1) != Some("200") {
        bail!("http://{authority}{path} answered {status:?}");
    }
    Ok(body.to_owned())
}
