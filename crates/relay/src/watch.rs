//! `statemesh watch`: joins a mesh and prints every machine learned and every change, as text or as JSON lines.
//!
//! `events -> Ledger (what was printed last) -> Line -> stdout`. A reader that is too slow misses events; then the
//! lists are read again and the differences printed, so the last printed clock is always the known one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use statemesh::core::engine::is_active_tick;
use statemesh::mesh::{Connection, Mesh, MeshEvent, Role};
use statemesh::remote::RemoteMachine;
use statemesh::{MachineIdx, PeerId};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::cli::WatchArgs;
use crate::escape::{Escaped, escape_json};
use crate::report::{name, reasons};
use crate::signals::Signals;
use crate::target::{JoinedError, NoConnection};

/// Watches until a signal, the end of `--for`, or until nobody reads the output.
///
/// # Errors
/// [`JoinedError`]
pub async fn run(args: WatchArgs, signals: &mut Signals) -> Result<(), JoinedError> {
    let mut builder = Mesh::builder(args.topic.clone()).role(Role::Peer);
    for target in &args.connect {
        builder = target.connect(builder);
    }
    let mesh = tokio::select! {
        mesh = builder.spawn() => mesh?,
        () = signals.wait() => return Ok(()),
    };
    let watched = tokio::select! {
        watched = watch(&mesh, &args) => watched,
        () = signals.wait() => Ok(()),
        () = nobody_reads() => Ok(()),
    };
    let _ = timeout(BYE, mesh.shutdown()).await;
    match watched {
        Err(JoinedError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Waits until the reader of standard output is gone: on a quiet mesh the next line, and with it the closed pipe, may be
/// far away. Never ends for files and terminals.
pub async fn nobody_reads() {
    let (gone, noticed) = oneshot::channel();
    std::thread::spawn(move || {
        let stdout = io::stdout();
        // Without events asked for, only errors and the end of the other side are told.
        let mut descriptor = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        let told = loop {
            match poll(&mut descriptor, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                told => break told,
            }
        };
        // The watcher may have ended by itself.
        told.is_ok_and(|_| gone.send(()).is_ok())
    });
    if noticed.await.is_err() {
        std::future::pending().await
    }
}

/// Follows the mesh until the time is over.
async fn watch(mesh: &Mesh, args: &WatchArgs) -> Result<(), JoinedError> {
    let mut events = mesh.events();
    let mut ledger = Ledger::new(args.json, io::stdout());
    ledger.compare(mesh)?;
    let mut first_link = pin!(sleep(FIRST_LINK));
    let mut end = pin!(sleep(args.duration.unwrap_or(Duration::MAX)));
    let mut linked = false;
    loop {
        linked |= !mesh.links().is_empty();
        tokio::select! {
            event = events.next() => match event {
                Some(event) => ledger.take(mesh, event)?,
                None => return Ok(()),
            },
            () = &mut first_link, if !linked => return Err(no_connection(mesh, args)),
            () = &mut end => {
                return if linked { Ok(()) } else { Err(no_connection(mesh, args)) };
            }
        }
    }
}

fn no_connection(mesh: &Mesh, args: &WatchArgs) -> JoinedError {
    NoConnection::of(mesh, &args.connect).into()
}

/// What happened, as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Peer,
    Machine,
    Clock,
    Gone,
}

/// One JSON line.
#[derive(Serialize)]
struct Line<'a> {
    /// Version of this format, see `docs/watch.md`.
    v: u32,
    event: Kind,
    peer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<&'a str>,
    #[serde(flatten)]
    state: Option<State<'a>>,
    at_ms: u64,
}

/// The state of a machine.
#[derive(Serialize)]
struct State<'a> {
    states: Vec<&'a str>,
    clock: &'a [u64],
    active: Vec<&'a str>,
}

/// Names a machine for ever.
type MachineKey = (PeerId, MachineIdx);
/// Ticks in index order.
type Clock = Arc<[u64]>;

/// What was printed so far.
struct Ledger<W> {
    json: bool,
    out: W,
    peers: BTreeSet<PeerId>,
    machines: BTreeMap<MachineKey, (RemoteMachine, Clock)>,
}

impl<W: Write> Ledger<W> {
    fn new(json: bool, out: W) -> Self {
        Self {
            json,
            out,
            peers: BTreeSet::new(),
            machines: BTreeMap::new(),
        }
    }

    fn take(&mut self, mesh: &Mesh, event: MeshEvent) -> io::Result<()> {
        match event {
            MeshEvent::PeerFound(peer) => self.found(peer),
            MeshEvent::PeerGone(peer, _) => self.lost(peer),
            MeshEvent::MachineFound(machine) => {
                let clock = machine.snapshot().clock;
                self.known(machine, clock)
            }
            MeshEvent::ClockChanged(machine, _, snapshot) => self.known(machine, snapshot.clock),
            MeshEvent::MachineGone(machine) => self.forget((machine.peer(), machine.index())),
            MeshEvent::Lagged(_) => self.compare(mesh),
            MeshEvent::Connection(Connection::Reconnecting { failures, .. }) => {
                match reasons(&failures) {
                    first if first.is_empty() => tracing::warn!("not connected; trying again"),
                    why => tracing::warn!("not connected ({why}); trying again"),
                }
                Ok(())
            }
            MeshEvent::Connection(_)
            | MeshEvent::Heard(_)
            | MeshEvent::LinkUp(_)
            | MeshEvent::LinkDown(_)
            | MeshEvent::Dropped(..) => Ok(()),
        }
    }

    /// Reads the lists and prints what differs from what was printed.
    fn compare(&mut self, mesh: &Mesh) -> io::Result<()> {
        let machines = mesh.machines();
        let live: BTreeSet<_> = machines
            .iter()
            .map(|machine| (machine.peer(), machine.index()))
            .collect();
        let gone: Vec<_> = self
            .machines
            .keys()
            .filter(|key| !live.contains(key))
            .copied()
            .collect();
        for key in gone {
            self.forget(key)?;
        }
        let peers: BTreeSet<_> = mesh.peers().iter().map(|peer| peer.peer).collect();
        let lost: Vec<_> = self.peers.difference(&peers).copied().collect();
        for peer in lost {
            self.lost(peer)?;
        }
        for peer in peers {
            self.found(peer)?;
        }
        for machine in machines {
            let clock = machine.snapshot().clock;
            self.known(machine, clock)?;
        }
        Ok(())
    }

    fn found(&mut self, peer: PeerId) -> io::Result<()> {
        if self.peers.insert(peer) {
            self.print(Kind::Peer, peer, None, "")?;
        }
        Ok(())
    }

    fn lost(&mut self, peer: PeerId) -> io::Result<()> {
        if self.peers.remove(&peer) {
            self.print(Kind::Gone, peer, None, "")?;
        }
        Ok(())
    }

    fn known(&mut self, machine: RemoteMachine, clock: Clock) -> io::Result<()> {
        let key = (machine.peer(), machine.index());
        let before = self
            .machines
            .insert(key, (machine.clone(), Arc::clone(&clock)));
        match before {
            None => {
                let note = format!("active: {}", active_text(&machine, &clock));
                self.print(Kind::Machine, key.0, Some((&machine, &clock)), &note)
            }
            Some((_, before)) if before != clock => {
                let note = changes(machine.schema().names(), &before, &clock);
                self.print(Kind::Clock, key.0, Some((&machine, &clock)), &note)
            }
            Some(_) => Ok(()),
        }
    }

    fn forget(&mut self, key: MachineKey) -> io::Result<()> {
        match self.machines.remove(&key) {
            Some((machine, clock)) => self.print(Kind::Gone, key.0, Some((&machine, &clock)), ""),
            None => Ok(()),
        }
    }

    fn print(
        &mut self,
        event: Kind,
        peer: PeerId,
        machine: Option<(&RemoteMachine, &[u64])>,
        note: &str,
    ) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = now.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        });
        let line = if self.json {
            let line = Line {
                v: FORMAT,
                event,
                peer: peer.to_string(),
                machine: machine.map(|(machine, _)| machine.id()),
                state: machine.map(|(machine, clock)| State {
                    states: machine.schema().names().collect(),
                    clock,
                    active: active(machine, clock),
                }),
                at_ms,
            };
            escape_json(&serde_json::to_string(&line)?)
        } else {
            let word = match event {
                Kind::Peer => "peer",
                Kind::Machine => "machine",
                Kind::Clock => "clock",
                Kind::Gone => "gone",
            };
            let who = machine.map_or_else(|| peer.to_string(), |(machine, _)| name(machine));
            let line = format!("{}  {word:<7}  {who}  {note}", time_of_day(at_ms));
            line.trim_end().to_owned()
        };
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}

/// Names of active states.
fn active<'a>(machine: &'a RemoteMachine, clock: &[u64]) -> Vec<&'a str> {
    let states = machine.schema().names().zip(clock);
    let active = states.filter(|(_, tick)| is_active_tick(**tick));
    active.map(|(name, _)| name).collect()
}

fn active_text(machine: &RemoteMachine, clock: &[u64]) -> String {
    let active = active(machine, clock);
    let names: Vec<_> = active
        .iter()
        .map(|name| Escaped(name).to_string())
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// `+Delivering -Idle ~Heartbeat`: switched on, off, or ticked without a difference at the end.
fn changes<'a>(names: impl Iterator<Item = &'a str>, before: &[u64], after: &[u64]) -> String {
    let mut text = String::new();
    for (at, name) in names.enumerate() {
        let (old, new) = (
            before.get(at).copied().unwrap_or(0),
            after.get(at).copied().unwrap_or(0),
        );
        let mark = match (is_active_tick(old), is_active_tick(new)) {
            (false, true) => '+',
            (true, false) => '-',
            (false, false) | (true, true) if old == new => continue,
            (false, false) | (true, true) => '~',
        };
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{space}{mark}{}", Escaped(name));
    }
    text
}

/// UTC, as `14:03:07.250Z`.
fn time_of_day(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1000, at_ms % 1000);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Grows when a field changes its meaning or goes. New fields and new events do not change it.
const FORMAT: u32 = 1;
/// How long the first connection may take.
const FIRST_LINK: Duration = Duration::from_secs(10);
/// Saying bye must not keep the process past 2 s.
const BYE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_marked() {
        let names = ["Start", "Ready", "Heartbeat", "odd\u{202e}"];
        for (before, after, expected) in [
            ([1, 0, 1, 0], [1, 1, 1, 0], "+Ready"),
            ([1, 1, 1, 0], [2, 1, 3, 0], "-Start ~Heartbeat"),
            ([0, 0, 0, 0], [0, 0, 0, 1], "+odd\\u{202e}"),
            ([0, 0, 0, 0], [2, 0, 0, 0], "~Start"),
            ([5, 5, 5, 5], [5, 5, 5, 5], ""),
        ] {
            assert_eq!(changes(names.into_iter(), &before, &after), expected);
        }
        assert_eq!(changes(names.into_iter(), &[1], &[1, 1]), "+Ready");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time_of_day(0), "00:00:00.000Z");
        assert_eq!(time_of_day(1_763_729_544_006), "12:52:24.006Z");
    }

    #[test]
    fn json_lines_have_the_promised_keys() {
        let line = Line {
            v: FORMAT,
            event: Kind::Gone,
            peer: "12D3".to_owned(),
            machine: None,
            state: None,
            at_ms: 7,
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"v":1,"event":"gone","peer":"12D3","at_ms":7}"#
        );
        let line = Line {
            event: Kind::Clock,
            machine: Some("m"),
            state: Some(State {
                states: vec!["A", "B"],
                clock: &[1, 2],
                active: vec!["A"],
            }),
            ..line
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"v":1,"event":"clock","peer":"12D3","machine":"m","states":["A","B"],"clock":[1,2],"active":["A"],"at_ms":7}"#
        );
    }
}
