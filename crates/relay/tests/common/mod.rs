//! Runs the binary: relays on free ports of loopback with a data folder of their own, raw HTTP, waits with deadlines.
//! Every process is ended when its handle is dropped.

#![allow(dead_code)] // Each test binary uses a part.
#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// For anything that takes a moment: ten times what is ever needed.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The binary under test.
pub fn statemesh() -> Command {
    Command::new(env!("CARGO_BIN_EXE_statemesh"))
}

/// An empty folder, removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("statemesh-test-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process whose standard output is read line by line.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    pub seen: Vec<String>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next line that is as wished.
    pub fn wait_for(&mut self, what: &str, wished: impl Fn(&str) -> bool) -> String {
        self.wait_longer(DEADLINE, what, wished)
    }

    /// The same for what itself takes long.
    pub fn wait_longer(
        &mut self,
        limit: Duration,
        what: &str,
        wished: impl Fn(&str) -> bool,
    ) -> String {
        let end = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wished(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {what} in time; seen: {:#?}", self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without {what}; seen: {:#?}", self.seen)
                }
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and how long it took.
    pub fn ended(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < DEADLINE, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Standard error, when it was piped; the process must have ended.
    pub fn errors(&mut self) -> String {
        let mut text = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut text).unwrap();
        text
    }

    /// All lines until the end of the output; the process must have ended.
    pub fn rest(&mut self) -> &[String] {
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            self.seen.push(line);
        }
        &self.seen
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A relay that is ready.
pub struct Relay {
    pub process: Running,
    pub peer: String,
    pub addresses: Vec<String>,
    pub http: SocketAddr,
    pub data: Scratch,
}

impl Relay {
    /// Free ports on loopback, own data folder.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(Scratch::new(), args)
    }

    pub fn start_in(data: Scratch, args: &[&str]) -> Self {
        let mut process = Running::start(&mut relay_command(&data.0, args));
        let page = process.wait_for("page line", |line| line.starts_with("page: "));
        let ready = process.seen[0].clone();
        let peer = ready.rsplit_once(", peer ").unwrap().1.to_owned();
        let addresses = process.seen[1..process.seen.len() - 1]
            .iter()
            .map(|line| line.strip_prefix("  ").unwrap().to_owned())
            .collect();
        let http = page
            .strip_prefix("page: http://")
            .and_then(|rest| rest.strip_suffix('/'))
            .unwrap()
            .parse()
            .unwrap();
        Self {
            process,
            peer,
            addresses,
            http,
            data,
        }
    }

    /// The first address with this part, as `/quic-v1`; plain TCP comes before WebSockets.
    pub fn address(&self, part: &str) -> String {
        self.addresses
            .iter()
            .find(|address| address.contains(part))
            .unwrap_or_else(|| panic!("no {part} in {:?}", self.addresses))
            .clone()
    }

    pub fn page(&self) -> String {
        format!("http://{}", self.http)
    }

    /// One request; head and body of the answer.
    pub fn request(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }

    /// A GET under the relay's own address.
    pub fn get(&self, path: &str, extra: &str) -> (String, String) {
        let host = self.http;
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{extra}\r\n"
        ))
    }
}

/// `statemesh relay`, on free ports where `args` name none.
pub fn relay_command(data: &Path, args: &[&str]) -> Command {
    let mut command = statemesh();
    command
        .args([
            "relay",
            "--log",
            "warn,webrtc=error,libp2p_webrtc_utils=error",
        ])
        .args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"])
        .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
        .arg("--data-dir")
        .arg(data)
        .args(args);
    if !args.contains(&"--http") {
        command.args(["--http", "127.0.0.1:0"]);
    }
    command
}

/// `statemesh watch --json` of these targets.
pub fn watch_json(targets: &[&str], args: &[&str]) -> Running {
    let mut command = statemesh();
    command.args(["watch", "--json"]).args(args);
    for target in targets {
        command.args(["--connect", target]);
    }
    Running::start(&mut command)
}

/// Is it a JSON line of this event, of this peer?
pub fn is_event(line: &str, event: &str, peer: &str) -> bool {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["event"] == event && line["peer"] == peer
}
