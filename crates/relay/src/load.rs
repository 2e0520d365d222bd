//! `statemesh load`: many peers with many machines that change all the time, to see what a mesh, a relay or a page bears.
//!
//! ```text
//! spawn peers -> ready -> each peer: every 10 ms as many changes as are due, machine after machine -> report every 5 s
//! end (signal, --for, closed pipe) -> changes stop -> last clocks are told -> bye -> summary
//! ```
//! The peers are real ones with a key and a link each; they share this process alone. What they say is coalesced as always:
//! ten messages a second of each peer at most, with the newest clock of every machine that changed.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use statemesh::machine::Machine;
use statemesh::mesh::Mesh;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::cli::LoadArgs;
use crate::http::metrics::resident_memory;
use crate::signals::Signals;
use crate::target::{JoinedError, NoConnection};
use crate::watch::nobody_reads;

use self::kinds::Runner;

mod kinds;

/// Loads the mesh until a signal, the end of `--for`, or until nobody reads the output.
///
/// # Errors
/// [`JoinedError`]
pub async fn run(args: LoadArgs, signals: &mut Signals) -> Result<(), JoinedError> {
    let mut fleet = Fleet::default();
    let joined = tokio::select! {
        joined = fleet.join(&args) => joined,
        () = signals.wait() => Ok(()),
    };
    let loaded = match joined {
        Ok(()) => tokio::select! {
            loaded = fleet.load(&args) => loaded,
            () = signals.wait() => Ok(()),
            () = nobody_reads() => Ok(()),
        },
        Err(error) => Err(error),
    };
    let summary = fleet.stop(&args).await;
    match loaded {
        Err(JoinedError::Output(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(JoinedError::Output(error))
        }
        Err(JoinedError::Output(_)) | Ok(()) => {
            // Whoever closed the pipe may still read the terminal.
            if say(&summary).is_err() {
                eprint!("{summary}");
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// All peers, with their machines.
#[derive(Default)]
struct Fleet {
    peers: Vec<Peer>,
    drivers: JoinSet<()>,
    began: Option<Instant>,
    count: Arc<Count>,
}

struct Peer {
    mesh: Mesh,
    machines: Vec<Machine>,
}

/// What the drivers did.
#[derive(Default)]
struct Count {
    /// Changes made.
    made: AtomicU64,
    /// No more are wanted.
    over: AtomicBool,
}

impl Fleet {
    /// Starts the peers, not faster than a relay takes handshakes of one address.
    async fn join(&mut self, args: &LoadArgs) -> Result<(), JoinedError> {
        let run: u16 = rand::random();
        for peer in 0..args.peers {
            let host = format!("host:load-{run:04x}-{:02}", peer + 1);
            let mut builder = Mesh::builder(args.topic.as_str())
                .tag(host.as_str())
                .min_links(0);
            for target in &args.connect {
                builder = target.connect(builder);
            }
            let machines: Vec<_> = share(args.machines, args.peers, peer)
                .map(|number| kinds::machine(run, number, &host))
                .collect();
            for machine in &machines {
                builder = builder.expose(machine);
            }
            let mesh = builder.spawn().await?;
            self.peers.push(Peer { mesh, machines });
            sleep(JOIN_GAP).await;
        }
        Ok(())
    }

    /// Changes machines and reports until the time is over.
    async fn load(&mut self, args: &LoadArgs) -> Result<(), JoinedError> {
        if timeout(FIRST_LINK, self.first_link()).await.is_err() {
            let mesh = &self.peers[0].mesh;
            return Err(NoConnection::of(mesh, &args.connect).into());
        }
        say(&format!(
            "ready: topic {}, {} on {}, {} wanted\n",
            args.topic,
            plural(u64::from(args.machines), "machine"),
            plural(u64::from(args.peers), "peer"),
            per_second(args.rate.into()),
        ))?;
        let began = Instant::now();
        self.began = Some(began);
        for peer in &self.peers {
            // Who has more machines makes more of the changes.
            let rate = f64::from(args.rate) * peer.machines.len() as f64 / f64::from(args.machines);
            let runners = peer.machines.iter().cloned().map(Runner::new).collect();
            let drive = drive(runners, rate, began, Arc::clone(&self.count));
            self.drivers.spawn(drive);
        }
        let mut end = pin!(sleep(args.duration.unwrap_or(Duration::MAX)));
        let mut reports = interval(REPORT);
        reports.tick().await;
        let mut before = 0;
        loop {
            tokio::select! {
                _ = reports.tick() => {
                    let made = self.count.made.load(Ordering::Relaxed);
                    say(&self.report(args, began.elapsed(), made, made - before))?;
                    before = made;
                }
                () = &mut end => return Ok(()),
            }
        }
    }

    async fn first_link(&self) {
        while self.links() == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn links(&self) -> usize {
        let has_link = |peer: &&Peer| !peer.mesh.links().is_empty();
        self.peers.iter().filter(has_link).count()
    }

    fn report(&self, args: &LoadArgs, elapsed: Duration, made: u64, news: u64) -> String {
        let seconds = elapsed.as_secs_f64();
        let due = seconds * f64::from(args.rate);
        let behind = due - made as f64;
        let pace = if behind <= f64::from(args.rate) * LATE.as_secs_f64() + 1.0 {
            "on time".to_owned()
        } else {
            format!("behind by {behind:.0}")
        };
        let memory =
            resident_memory().map_or_else(String::new, |bytes| format!(", {} MB", bytes >> 20));
        format!(
            "{seconds:7.1} s  {made} changes, {} of late, {pace}, {} of {} peers linked{memory}\n",
            per_second(news as f64 / REPORT.as_secs_f64()),
            self.links(),
            self.peers.len(),
        )
    }

    /// Stops changing, lets the last clocks be told, says bye; the summary.
    async fn stop(mut self, args: &LoadArgs) -> String {
        self.count.over.store(true, Ordering::Relaxed);
        while self.drivers.join_next().await.is_some() {}
        let elapsed = self.began.map(|began| began.elapsed());
        let links = self.links();
        if elapsed.is_some() {
            sleep(LAST_WORD).await;
        }
        let messages = |peer: &Peer| -> u64 {
            let traffic = peer.mesh.traffic();
            traffic.published.values().map(|flow| flow.messages).sum()
        };
        let published: u64 = self.peers.iter().map(messages).sum();
        let _ = timeout(
            BYE,
            join_all(self.peers.iter().map(|it| it.mesh.shutdown())),
        )
        .await;
        let Some(seconds) = elapsed.map(|elapsed| elapsed.as_secs_f64()) else {
            return "nothing was changed: the peers had not joined\n".to_owned();
        };
        let made = self.count.made.load(Ordering::Relaxed);
        let mut summary = String::new();
        if args.clocks {
            for peer in &self.peers {
                for machine in &peer.machines {
                    let last = Last {
                        peer: peer.mesh.peer_id().to_string(),
                        machine: machine.id(),
                        clock: machine.clock(),
                    };
                    // Text and numbers are always JSON, and writing to a String does not fail.
                    let line = serde_json::to_string(&last).unwrap_or_default();
                    let _ = writeln!(summary, "{line}");
                }
            }
        }
        let _ = writeln!(
            summary,
            "done: {made} changes in {seconds:.1} s ({} of {} wanted), {published} messages, {links} of {} peers linked at the end",
            per_second(made as f64 / seconds),
            args.rate,
            self.peers.len(),
        );
        summary
    }
}

/// A machine's last clock, for those who compare it with what they saw.
#[derive(Serialize)]
struct Last<'a> {
    peer: String,
    machine: &'a str,
    clock: Vec<u64>,
}

/// Makes the changes of one peer as they fall due, one machine after the other.
async fn drive(mut runners: Vec<Runner>, rate: f64, began: Instant, count: Arc<Count>) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut done, mut next) = (0_u64, 0);
    while !count.over.load(Ordering::Relaxed) {
        beat.tick().await;
        let due = (began.elapsed().as_secs_f64() * rate) as u64;
        // A share of what was missed at once: other peers want their turn, and nothing may keep this from ending.
        let now = (due - done).min((rate * MOST_AT_ONCE) as u64 + 1);
        for _ in 0..now {
            runners[next].step();
            next = (next + 1) % runners.len();
        }
        done += now;
        count.made.fetch_add(now, Ordering::Relaxed);
    }
}

/// Numbers of the machines of one peer of several.
fn share(machines: u32, peers: u32, peer: u32) -> std::ops::Range<u32> {
    let (each, more) = (machines / peers, machines % peers);
    let first = peer * each + peer.min(more);
    first..first + each + u32::from(peer < more)
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How often changes are made. A change waits for others of its peer's next message anyway, 100 ms at most.
const BEAT: Duration = Duration::from_millis(10);
/// Seconds' worth of changes made in one go: a tenth of the time is lost after a pause, and no more.
const MOST_AT_ONCE: f64 = 0.1;
/// Later than this is behind.
const LATE: Duration = Duration::from_millis(250);
/// Between two reports.
const REPORT: Duration = Duration::from_secs(5);
/// A relay takes 32 handshakes a second of one address.
const JOIN_GAP: Duration = Duration::from_millis(40);
/// As for `watch`.
const FIRST_LINK: Duration = Duration::from_secs(10);
/// The last clocks are out by then: three gaps between two messages.
const LAST_WORD: Duration = Duration::from_millis(300);
/// Saying bye must not keep the process past 2 s.
const BYE: Duration = Duration::from_millis(1200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_one_peer() {
        for (machines, peers) in [(1, 1), (10, 3), (7, 7), (1000, 10), (10_000, 50)] {
            let shares: Vec<_> = (0..peers)
                .map(|peer| share(machines, peers, peer))
                .collect();
            let all: Vec<_> = shares.iter().flat_map(Clone::clone).collect();
            assert_eq!(all, (0..machines).collect::<Vec<_>>());
            let sizes = shares.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn changes_come_at_the_rate_that_is_wanted() {
        let machines: Vec<_> = (0..7).map(|it| kinds::machine(1, it, "host:a")).collect();
        let runners = machines.iter().cloned().map(Runner::new).collect();
        let count = Arc::<Count>::default();
        let driver = tokio::spawn(drive(runners, 300.0, Instant::now(), Arc::clone(&count)));
        sleep(Duration::from_secs(10)).await;
        count.over.store(true, Ordering::Relaxed);
        driver.await.unwrap();
        let made = count.made.load(Ordering::Relaxed);
        assert!((2_990..=3_010).contains(&made), "{made}");
        for machine in machines {
            assert!(machine.clock().iter().sum::<u64>() > 300, "{machine:?}");
        }
    }
}
