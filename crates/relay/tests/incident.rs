//! `statemesh --demo --incident`: a watcher sees the story in order, every step is told on the log, and the process of
//! kiosk-03 does not outlive the relay.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::fs::{self, File};
use std::time::{Duration, Instant};

use common::{DEADLINE, Running, Scratch, statemesh, watch_json};
use serde_json::Value;

/// A relay with the demo and an incident.
struct Show {
    relay: Running,
    page: String,
    folder: Scratch,
}

impl Show {
    fn start(after: &str) -> Self {
        let folder = Scratch::new();
        let log = File::create(folder.0.join("log")).unwrap();
        let mut command = statemesh();
        command
            .args(["--demo", "--calm", "--seed", "7", "--incident", after])
            .args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"])
            .args(["--http", "127.0.0.1:0", "--log", "statemesh=info"])
            .arg("--data-dir")
            .arg(folder.0.join("data"))
            .stderr(log);
        let mut relay = Running::start(&mut command);
        let page = relay.wait_for("page", |line| line.starts_with("page: "));
        Self {
            relay,
            page: page["page: ".len()..].to_owned(),
            folder,
        }
    }

    /// Steps told so far, without their times.
    fn told(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.0.join("log")).unwrap();
        let steps = log.lines().filter_map(|line| line.split_once("incident, "));
        steps
            .map(|(_, step)| step.split_once(" s after start: ").unwrap().1.to_owned())
            .collect()
    }
}

/// The machine of a line, when it is one of this event.
fn machine<'a>(line: &'a Value, event: &str) -> Option<&'a str> {
    (line["event"] == event).then(|| line["machine"].as_str())?
}

fn has(line: &Value, state: &str) -> bool {
    line["active"]
        .as_array()
        .unwrap()
        .iter()
        .any(|it| it == state)
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// The next change of this machine after which it has a state, or lacks it.
fn change(watch: &mut Running, id: &str, state: &str, wanted: bool) -> Value {
    let line = watch.wait_for(&format!("{id} {state} {wanted}"), |line| {
        let line = json(line);
        machine(&line, "clock") == Some(id) && has(&line, state) == wanted
    });
    json(&line)
}

const FAILURE: [&str; 4] = [
    "route-17 fails: ErrNetwork",
    "courier-17 is not ready: it has no route",
    "orders is not ready: it has no courier",
    "kiosk-03 is killed: no heartbeat, no bye",
];
const RECOVERY: [&str; 4] = [
    "route-17 has a route again",
    "courier-17 is ready",
    "orders is ready",
    "kiosk-03 is started again; the incident is over",
];

/// Watches until kiosk-03 is gone; its peer.
fn see_it_fail(watch: &mut Running) -> String {
    let found = watch.wait_for("kiosk-03", |line| {
        machine(&json(line), "machine") == Some("kiosk-03")
    });
    let kiosk = json(&found)["peer"].as_str().unwrap().to_owned();
    let failed = change(watch, "route-17", "ErrNetwork", true);
    let early = watch.seen.iter().map(|line| json(line)).find(|line| {
        let is_follower = matches!(machine(line, "clock"), Some("courier-17" | "orders"));
        is_follower && (has(line, "RouteLost") || has(line, "CourierLost"))
    });
    assert_eq!(early, None, "before {failed}");
    assert!(
        has(&failed, "Exception") && !has(&failed, "Ready"),
        "{failed}"
    );

    let lost = change(watch, "courier-17", "Ready", false);
    assert!(has(&lost, "RouteLost") && has(&lost, "Waiting"), "{lost}");
    let stuck = change(watch, "orders", "Ready", false);
    assert!(has(&stuck, "CourierLost"), "{stuck}");
    // Both said before that they had noticed: so their onsets are known to come after those of their causes.
    for (id, noticed) in [("courier-17", "MapMissing"), ("orders", "CourierAsked")] {
        let said = watch.seen.iter().map(|line| json(line)).any(|line| {
            machine(&line, "clock") == Some(id) && has(&line, noticed) && has(&line, "Ready")
        });
        assert!(said, "{id} {noticed}");
    }
    watch.wait_for("the silence of kiosk-03", |line| {
        machine(&json(line), "gone") == Some("kiosk-03")
    });
    kiosk
}

#[test]
fn a_watcher_sees_the_story_in_order() {
    let mut show = Show::start("8");
    let mut watch = watch_json(&[show.page.trim_end_matches('/')], &[]);
    see_it_fail(&mut watch);
    assert_eq!(show.told(), FAILURE);
    show.relay.signal("TERM");
    let (status, took) = show.relay.ended();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
#[ignore = "takes two minutes"]
fn all_is_well_again_and_the_kiosk_is_the_same_peer() {
    let show = Show::start("8");
    let mut watch = watch_json(&[show.page.trim_end_matches('/')], &[]);
    let kiosk = see_it_fail(&mut watch);
    // The incident itself lasts longer than a deadline.
    watch.wait_longer(3 * DEADLINE, "route-17 Ready", |line| {
        let line = json(line);
        machine(&line, "clock") == Some("route-17") && has(&line, "Ready")
    });
    let back = watch.wait_for("kiosk-03", |line| {
        machine(&json(line), "machine") == Some("kiosk-03")
    });
    assert_eq!(json(&back)["peer"], kiosk.as_str());
    for id in ["courier-17", "orders"] {
        let line = change(&mut watch, id, "Ready", true);
        assert!(!has(&line, "Exception"), "{line}");
    }
    assert_eq!(show.told(), [FAILURE, RECOVERY].concat());
}

#[test]
fn the_kiosk_ends_with_a_relay_that_is_killed() {
    let mut show = Show::start("3600");
    let mut watch = watch_json(&[show.page.trim_end_matches('/')], &[]);
    watch.wait_for("kiosk-03", |line| {
        machine(&json(line), "machine") == Some("kiosk-03")
    });
    let kiosk = children(show.relay.id());
    assert_eq!(kiosk.len(), 1, "{kiosk:?}");
    show.relay.signal("KILL");
    show.relay.ended();
    let end = Instant::now() + DEADLINE;
    while is_running(&kiosk[0]) {
        assert!(Instant::now() < end, "{kiosk:?} runs on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes that any thread of this one started.
fn children(process: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    // A thread may end meanwhile.
    let lists = threads.filter_map(|it| fs::read_to_string(it.ok()?.path().join("children")).ok());
    let words = lists.flat_map(|list| {
        list.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    words.collect()
}

/// A process nobody has waited for yet does not run.
fn is_running(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('Z')
    })
}
