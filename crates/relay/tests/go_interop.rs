//! An unmodified Go peer, the relay and `statemesh watch`, as three programs: what each sees of the others.
//!
//! Every scenario runs twice: with peers of asyncmachine-go v0.13.0 alone, and with a peer of v0.19.1 beside them, which
//! freezes over most messages and can learn nobody (mesh-protocol.md A9). Whatever it does, the others miss nothing.
//!
//! Needs the Go peers of `interop/`: their paths in `STATEMESH_GOPEER` and `STATEMESH_GO_OBSERVER`. `cargo xtask test`
//! builds them and runs these tests.
//! Deadlines are ten times the promised limits: a test fails because something is wrong, not because a machine is slow.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A Go peer's machine is known 10 s after its start.
const LEARNED: Duration = Duration::from_secs(100);
/// Its changes follow within 7 s.
const FOLLOWED: Duration = Duration::from_secs(70);
/// Starting a program.
const STARTED: Duration = Duration::from_secs(60);
/// A vanished peer: its connection times out, then three probes stay unanswered.
const GONE: Duration = Duration::from_secs(300);

/// Who else is on the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Nobody,
    Observer,
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER"]
fn interop_both_sides_follow_each_other() {
    both_sides_follow_each_other(Company::Nobody);
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER and STATEMESH_GO_OBSERVER"]
fn interop_both_sides_follow_each_other_beside_v0_19() {
    both_sides_follow_each_other(Company::Observer);
}

fn both_sides_follow_each_other(company: Company) {
    let relay = Relay::start(&["--demo"]);
    let observer = company.join(&relay.quic());
    let mut go = Program::go(&["-name", "go-one", "-connect", &relay.quic()]);
    let mut watch = Program::watch(&relay.quic());

    // Rust learns the Go machine, whole.
    let machine = watch.find(LEARNED, |line| is(line, "machine", "go-one"));
    assert_eq!(
        machine["states"],
        serde_json::json!(["Exception", "Start", "Ready", "Busy"])
    );
    assert_eq!(machine["clock"], serde_json::json!([0, 1, 1, 0]));

    // Every change of it follows.
    for (command, clock, active) in [
        ("add Busy", [0, 1, 1, 1], &["Start", "Ready", "Busy"][..]),
        ("rm Start", [0, 2, 2, 2], &[]),
    ] {
        go.tell(command);
        let changed = watch.find(FOLLOWED, |line| {
            is(line, "clock", "go-one") && line["clock"] == serde_json::json!(clock)
        });
        assert_eq!(changed["active"], serde_json::json!(active));
    }

    // Go learns a machine of a demo host, a peer of its own behind the relay, and its clock moves there.
    let relay_peer = relay.peer();
    let of_host = |line: &Value| line["peer"].is_string() && line["peer"] != relay_peer.as_str();
    go.find(LEARNED, |line| line["event"] == "machine" && of_host(line));
    go.find(LEARNED, |line| line["event"] == "clock" && of_host(line));
    assert!(go.errors().is_empty(), "{:?}", go.errors());
    hears_clocks(observer);
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER"]
fn interop_a_restarted_relay_is_followed_again() {
    a_restarted_relay_is_followed_again(Company::Nobody);
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER and STATEMESH_GO_OBSERVER"]
fn interop_a_restarted_relay_is_followed_again_beside_v0_19() {
    a_restarted_relay_is_followed_again(Company::Observer);
}

fn a_restarted_relay_is_followed_again(company: Company) {
    // Go dials once: so it waits, and the relay comes to it.
    let mut go = Program::go(&["-name", "go-root"]);
    let address = text(&go.find(STARTED, |line| line["event"] == "address")["address"]);
    let observer = company.join(&address);
    let data = TempDir::new("restart");
    let data_dir = data.path.to_string_lossy().into_owned();
    let args = ["--connect", &address, "--data-dir", &data_dir];

    let first = Relay::start(&args);
    let peer = first.peer();
    let of_relay = |line: &Value| line["event"] == "machine" && line["peer"] == peer.as_str();
    let machine = go.find(LEARNED, of_relay);
    drop(first); // SIGKILL: no bye

    let before = go.mark();
    let second = Relay::start(&args);
    assert_eq!(second.peer(), peer, "the key was kept");
    // A mirror of the first life would be frozen by its higher clock: the second life brings one of its own.
    let again = go.find_after(before, LEARNED, of_relay);
    assert_eq!(again["machine"], machine["machine"]);
    let ready = |line: &Value| active_of(line, &peer).iter().any(|state| state == "Ready");
    go.ask_until("list", LEARNED, ready);
    hears_clocks(observer);
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER"]
fn interop_a_killed_go_peer_is_gone() {
    a_killed_go_peer_is_gone(Company::Nobody);
}

#[test]
#[ignore = "interop: needs STATEMESH_GOPEER and STATEMESH_GO_OBSERVER"]
fn interop_a_killed_go_peer_is_gone_beside_v0_19() {
    a_killed_go_peer_is_gone(Company::Observer);
}

fn a_killed_go_peer_is_gone(company: Company) {
    let relay = Relay::start(&[]);
    let observer = company.join(&relay.quic());
    let mut watch = Program::watch(&relay.quic());
    let mut go = Program::go(&["-name", "go-gone", "-connect", &relay.quic()]);
    watch.find(LEARNED, |line| is(line, "machine", "go-gone"));
    go.child.kill().expect("the Go peer runs");
    watch.find(GONE, |line| is(line, "gone", "go-gone"));
    hears_clocks(observer);
}

impl Company {
    fn join(self, address: &str) -> Option<Program> {
        let args = ["-name", "bystander", "-connect", address];
        match self {
            Self::Nobody => None,
            Self::Observer => Some(Program::joined("STATEMESH_GO_OBSERVER", &args)),
        }
    }
}

/// The observer is still a member: the clocks that are told reach it, now as before.
fn hears_clocks(observer: Option<Program>) {
    let Some(mut observer) = observer else { return };
    let heard = |line: &Value| line["heard"]["updates"].as_u64().unwrap_or(0);
    let mark = observer.mark();
    observer.tell("count");
    let before = heard(&observer.find_after(mark, STARTED, |line| line["event"] == "count"));
    observer.ask_until("count", FOLLOWED, |line| heard(line) > before);
}

/// Active states of the newest mirror of a peer in a `list` line.
fn active_of(line: &Value, peer: &str) -> Vec<String> {
    let machines = line["machines"].as_array().cloned().unwrap_or_default();
    machines
        .iter()
        .filter(|machine| machine["peer"] == peer)
        .flat_map(|machine| machine["active"].as_array().cloned().unwrap_or_default())
        .map(|state| text(&state))
        .collect()
}

fn is(line: &Value, event: &str, machine: &str) -> bool {
    line["event"] == event && line["machine"] == machine
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A child that talks JSON lines. Killed when dropped.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    name: String,
}

impl Program {
    fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                // Lines that are not JSON are for people: the relay's ready lines.
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if send.send(value).is_err() {
                    break;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            seen: Vec::new(),
            name: name.to_owned(),
        }
    }

    /// The Go peer, joined.
    fn go(args: &[&str]) -> Self {
        Self::joined("STATEMESH_GOPEER", args)
    }

    /// The Go program that a variable names, joined.
    fn joined(variable: &str, args: &[&str]) -> Self {
        let path = std::env::var_os(variable).map(PathBuf::from);
        let path = path.unwrap_or_else(|| {
            panic!("{variable} names no Go peer: run these tests with `cargo xtask test`")
        });
        let mut go = Self::start(variable, Command::new(path).args(args));
        go.find(STARTED, |line| line["event"] == "joined");
        go
    }

    fn watch(address: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statemesh"));
        command.args(["watch", "--json", "--topic", "mesh", "--connect", address]);
        Self::start("watch", &mut command)
    }

    fn tell(&mut self, command: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{command}").expect("the program reads its commands");
    }

    /// Where the lines to come begin.
    fn mark(&mut self) -> usize {
        self.seen.extend(self.lines.try_iter());
        self.seen.len()
    }

    /// The first line that fits, already seen or still to come.
    fn find(&mut self, limit: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        self.find_after(0, limit, fits)
    }

    fn find_after(&mut self, mark: usize, limit: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + limit;
        let mut next = mark;
        loop {
            if let Some(found) = self.seen.iter().skip(next).find(|line| fits(line)) {
                return found.clone();
            }
            next = self.seen.len().max(mark);
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(why) => panic!(
                    "{}: no such line in {limit:?} ({why}); last lines: {:#?}",
                    self.name,
                    self.seen.iter().rev().take(8).collect::<Vec<_>>()
                ),
            }
        }
    }

    /// Repeats a command, one answer at a time, until an answer fits.
    fn ask_until(&mut self, command: &str, limit: Duration, fits: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + limit;
        loop {
            let mark = self.mark();
            self.tell(command);
            let answer = self.find_after(mark, STARTED, |line| line["event"] == command);
            if fits(&answer) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{}: {command} says {answer}",
                self.name
            );
        }
    }

    /// Errors the program reported.
    fn errors(&mut self) -> Vec<Value> {
        self.mark();
        let errors = self.seen.iter().filter(|line| line["event"] == "error");
        errors.cloned().collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A relay on free ports, and what it says of itself.
struct Relay {
    about: Value,
    // Dropped in this order: the program first, then its folder.
    _program: Program,
    _data: TempDir,
}

impl Relay {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statemesh"));
        command.args(["relay", "--http", "127.0.0.1:0"]);
        command.args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"]);
        let data = TempDir::new("relay");
        if !args.contains(&"--data-dir") {
            command.arg("--data-dir").arg(&data.path);
        }
        let mut program = Program::start("the relay", command.args(args));
        let line = program.find(STARTED, |line| page_of(line).is_some());
        let about = ask(&page_of(&line).expect("just found"));
        Self {
            about,
            _program: program,
            _data: data,
        }
    }

    fn peer(&self) -> String {
        text(&self.about["peer"])
    }

    fn quic(&self) -> String {
        let addresses = self.about["addresses"].as_array().cloned();
        addresses
            .unwrap_or_default()
            .iter()
            .map(text)
            .find(|address| address.contains("/quic-v1"))
            .expect("the relay listens on QUIC")
    }
}

/// `host:port` of the page in a ready line.
fn page_of(line: &Value) -> Option<String> {
    let (_, rest) = line.as_str()?.split_once("http://")?;
    let end = rest.find(|c: char| c == '/' || c.is_whitespace());
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// `GET /api/relay`
fn ask(authority: &str) -> Value {
    let mut stream = std::net::TcpStream::connect(authority).expect("the page's port is open");
    write!(
        stream,
        "GET /api/relay HTTP/1.0\r\nHost: {authority}\r\n\r\n"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// A folder of its own, removed when dropped.
struct TempDir {
    path: PathBuf,
}

impl TempDir {
    fn new(name: &str) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("statemesh-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self { path }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
