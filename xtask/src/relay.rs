//! A relay as a child process: started, asked where it listens, signalled and ended by its id.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::http;

/// A relay is up well before this on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// It promises to end within 2 s of a signal; ten times that is a hang.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The running relay, for the signal handler; 0 while there is none.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// What this process does once a signal was passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterSignal {
    /// Goes on: somebody waits for the relay's end.
    Wait,
    /// Ends.
    Exit,
}

/// From now on Ctrl-C and SIGTERM reach the relay as SIGTERM: it is no member of the terminal's process group.
pub fn forward_signals(after: AfterSignal) -> Result<()> {
    ctrlc::set_handler(move || {
        let process = RUNNING.load(Ordering::SeqCst);
        if process != 0 {
            let _ = signal(process, Signal::SIGTERM);
        }
        if process == 0 || after == AfterSignal::Exit {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("watching for Ctrl-C")
}

/// What shells report after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// A running relay. Killed when dropped.
pub struct Relay {
    child: Child,
    authority: String,
    lines: Receiver<String>,
}

/// What the relay says of itself at `/api/relay`.
#[derive(Debug)]
pub struct About {
    pub topic: String,
    pub addresses: Vec<String>,
}

impl Relay {
    /// Starts `program relay args…` in a process group of its own and waits until its page answers. Its lines are shown
    /// if `echo` says so.
    pub fn start(program: &Path, args: &[String], echo: Echo) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("relay").args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // So that a Ctrl-C of the terminal reaches us alone and is forwarded once.
        command.process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        RUNNING.store(child.id(), Ordering::SeqCst);
        let stdout = child.stdout.take().context("the relay has no stdout")?;
        let lines = read_lines(stdout, echo);
        match wait_for_page(&lines, &mut child) {
            Ok(authority) => Ok(Self {
                child,
                authority,
                lines,
            }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// `host:port` of its page.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Topic and addresses.
    pub fn about(&self) -> Result<About> {
        let body = http::get(&self.authority, "/api/relay")?;
        let value: Value = serde_json::from_str(&body).context("/api/relay is not JSON")?;
        let addresses = value["addresses"].as_array().map(Vec::as_slice);
        Ok(About {
            topic: value["topic"].as_str().unwrap_or_default().to_owned(),
            addresses: addresses
                .unwrap_or_default()
                .iter()
                .filter_map(|address| address.as_str().map(str::to_owned))
                .collect(),
        })
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        // The reader ends with the relay; this waits without polling.
        while self.lines.recv().is_ok() {}
        Ok(self.child.wait()?)
    }

    /// Asks it to end and waits.
    pub fn stop(mut self) -> Result<()> {
        signal(self.child.id(), Signal::SIGTERM)?;
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!("the relay did not end within {STOP_LIMIT:?} of SIGTERM")
                }
            }
        }
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the relay ended with {status} after SIGTERM");
        }
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    RUNNING.store(0, Ordering::SeqCst);
    let _ = child.kill();
    let _ = child.wait();
}

impl About {
    /// The first address over which QUIC peers join.
    pub fn quic(&self) -> Option<&str> {
        self.addresses
            .iter()
            .map(String::as_str)
            .find(|address| address.contains("/quic-v1"))
    }
}

/// The relay ended before it was ready; it has said why.
#[derive(Debug)]
pub struct EndedEarly(pub ExitStatus);

impl std::fmt::Display for EndedEarly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the relay ended with {} before it was ready", self.0)
    }
}

impl std::error::Error for EndedEarly {}

/// Are the relay's lines shown?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    Shown,
    Hidden,
}

/// Sends a signal to one process.
pub fn signal(process: u32, signal: Signal) -> Result<()> {
    let id = i32::try_from(process).context("process id out of range")?;
    kill(Pid::from_raw(id), signal).with_context(|| format!("sending {signal} to {process}"))
}

fn read_lines(stdout: ChildStdout, echo: Echo) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            if echo == Echo::Shown {
                println!("{line}");
            }
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

fn wait_for_page(lines: &Receiver<String>, child: &mut Child) -> Result<String> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) => {
                if let Some(authority) = page_authority(&line) {
                    return Ok(authority);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(EndedEarly(child.wait()?).into());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("the relay was not ready within {START_LIMIT:?}")
            }
        }
    }
}

/// The `host:port` of a page's address in a line.
fn page_authority(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://")?;
    let authority = rest
        .split(|c: char| c == '/' || c.is_whitespace())
        .next()
        .unwrap_or_default();
    let (_, port) = authority.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    Some(authority.to_owned())
}

#[cfg(test)]
mod tests {
    use super::page_authority;

    #[test]
    fn the_page_is_found_in_a_line() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(page_authority(line).as_deref(), expected, "{line}");
        };
        check("page http://127.0.0.1:8700/", Some("127.0.0.1:8700"));
        check("http://[::1]:9 ready", Some("[::1]:9"));
        check("/ip4/127.0.0.1/tcp/8701", None);
        check("http://example", None);
    }
}
