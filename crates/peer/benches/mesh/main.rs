//! Real peers of this project, many in one process, over QUIC on the loopback: `cargo xtask bench mesh` runs it, and
//! its twin in Go (`interop/meshbench`) beside it.
//!
//! `mesh PEERS LIMIT [each:SECONDS | ten:SECONDS | rest:SECONDS]...`
//!
//! All peers join at once over links that stand already, each with three machines. After that, phase by phase: every peer
//! changes a machine each one to three seconds; ten changes a second in all; nothing happens. Progress goes to stderr, one
//! JSON object per phase to stdout.

mod crowd;
mod ledger;
mod process;

use std::process::ExitCode;
use std::time::Duration;

use futures::future::join_all;
use statemesh::traffic::{MessageKind, Traffic};
use tokio::time::{Instant, sleep, sleep_until};

use crowd::{Crowd, MACHINES};
use ledger::Pace;
use process::Usage;

/// One thing to measure after the join.
#[derive(Clone, Copy)]
enum Phase {
    Change(Pace, Duration),
    Rest(Duration),
}

/// What was asked for.
struct Task {
    peers: usize,
    /// For everybody to know everything.
    limit: Duration,
    phases: Vec<Phase>,
}

fn main() -> ExitCode {
    // Cargo passes `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let Some(task) = parse(&words) else {
        eprintln!("usage: mesh PEERS LIMIT [each:SECONDS | ten:SECONDS | rest:SECONDS]...");
        return ExitCode::from(if words.is_empty() { 0 } else { 2 });
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(&task));
    ExitCode::SUCCESS
}

fn parse(words: &[String]) -> Option<Task> {
    let (peers, limit) = (words.first()?.parse().ok()?, words.get(1)?.parse().ok()?);
    let phase = |word: &String| {
        let (kind, seconds) = word.split_once(':')?;
        let time = Duration::from_secs(seconds.parse().ok()?);
        Some(match kind {
            "each" => Phase::Change(Pace::Each, time),
            "ten" => Phase::Change(Pace::Ten, time),
            "rest" => Phase::Rest(time),
            _ => return None,
        })
    };
    Some(Task {
        peers,
        limit: Duration::from_secs(limit),
        phases: words[2..].iter().map(phase).collect::<Option<_>>()?,
    })
}

async fn run(task: &Task) {
    let before = process::rss();
    let crowd = Crowd::connect(task.peers).await;
    join(&crowd, task.limit, before).await;
    for phase in &task.phases {
        match phase {
            Phase::Change(pace, time) => change(&crowd, *pace, *time).await,
            Phase::Rest(time) => rest(&crowd, *time).await,
        }
    }
    join_all(crowd.peers.iter().map(|peer| peer.mesh.shutdown())).await;
}

/// From the first join until everybody knows everything.
async fn join(crowd: &Crowd, limit: Duration, before: u64) {
    report("begin", "join", &[]);
    let usage = Usage::now();
    let start = Instant::now();
    crowd.join();
    crowd.known.wait(start + limit).await;
    let used = usage.since();
    let times = crowd.known.times(start.into_std());
    let traffic: Vec<Traffic> = crowd.peers.iter().map(|peer| peer.mesh.traffic()).collect();
    let per_peer = |sum: u64| sum as f64 / crowd.peers.len() as f64;
    let messages = traffic
        .iter()
        .flat_map(|t| t.received.values())
        .map(|flow| flow.messages);
    let bytes = traffic
        .iter()
        .flat_map(|t| t.received.values())
        .map(|flow| flow.bytes);
    let [most, nearly, all] = times.map(|time| time.map_or(f64::NAN, milliseconds));
    let mut figures = vec![
        ("ms_90", most),
        ("ms_99", nearly),
        ("ms_100", all),
        ("missing", crowd.known.missing() as f64),
        ("pairs", crowd.known.pairs() as f64),
        ("messages", per_peer(messages.sum())),
        ("bytes", per_peer(bytes.sum())),
        ("copies", per_peer(traffic.iter().map(|t| t.copies).sum())),
        ("wire_bytes", per_peer(used.loopback)),
        ("cpu_ms", milliseconds(used.cpu)),
        ("rss", per_peer(process::rss().saturating_sub(before))),
    ];
    for kind in MessageKind::ALL {
        let said = traffic.iter().map(|traffic| {
            let flow = traffic.published.get(&Some(kind));
            flow.map_or(0, |flow| flow.messages)
        });
        figures.push((kind.name(), per_peer(said.sum())));
    }
    report("done", "join", &figures);
}

/// Changes for that long, then the rest of the lags.
async fn change(crowd: &Crowd, pace: Pace, time: Duration) {
    sleep(SETTLE).await;
    report("begin", pace.name(), &[]);
    crowd.ledger.begin();
    let (usage, spoken) = (Usage::now(), crowd.published());
    let start = Instant::now();
    let mut schedule = pace.schedule(crowd.peers.len());
    while let Some((after, peer)) = schedule.next().filter(|(after, _)| *after < time) {
        sleep_until(start + after).await;
        crowd.ledger.change(peer, &crowd.peers[peer].machines[0]);
    }
    sleep_until(start + time).await;
    let (used, said) = (usage.since(), crowd.published() - spoken);
    let deadline = Instant::now() + STRAGGLERS;
    while crowd.ledger.unseen() > 0 && Instant::now() < deadline {
        sleep(POLL).await;
    }
    let lags = crowd.ledger.lags();
    report(
        "done",
        pace.name(),
        &[
            ("changes", crowd.ledger.changes() as f64),
            ("p50_ms", milliseconds(lags.percentile(50))),
            ("p99_ms", milliseconds(lags.percentile(99))),
            ("max_ms", milliseconds(lags.percentile(100))),
            ("seen", lags.len() as f64),
            ("lost", crowd.ledger.unseen() as f64),
            ("messages_per_s", said as f64 / time.as_secs_f64()),
            ("cpu_share", crowd.share(used.cpu, time)),
            (
                "wire_bytes_per_s",
                used.loopback as f64 / crowd.peers.len() as f64 / time.as_secs_f64(),
            ),
        ],
    );
}

/// What it costs when nothing happens.
async fn rest(crowd: &Crowd, time: Duration) {
    sleep(SETTLE * 3).await;
    report("begin", "rest", &[]);
    let (usage, spoken) = (Usage::now(), crowd.published());
    sleep(time).await;
    let (used, said) = (usage.since(), crowd.published() - spoken);
    report(
        "done",
        "rest",
        &[
            ("messages_per_s", said as f64 / time.as_secs_f64()),
            ("cpu_share", crowd.share(used.cpu, time)),
            (
                "wire_bytes_per_s",
                used.loopback as f64 / crowd.peers.len() as f64 / time.as_secs_f64(),
            ),
        ],
    );
}

/// `{"begin":"join","pid":1,…}`; what could not be measured is null.
fn report(event: &str, phase: &str, figures: &[(&str, f64)]) {
    let mut line = format!("{{\"{event}\":\"{phase}\",\"pid\":{}", std::process::id());
    for (name, value) in figures {
        let value = if value.is_finite() {
            format!("{value:.3}")
        } else {
            "null".to_owned()
        };
        line += &format!(",\"{name}\":{value}");
    }
    println!("{line}}}");
    eprintln!("   {event} {phase}, {} machines a peer", MACHINES);
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Between phases.
const SETTLE: Duration = Duration::from_secs(5);
/// For what was changed last to be seen by everybody.
const STRAGGLERS: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
