//! `statemesh load`: a watcher sees every machine, and in the end the clocks their owners had.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::collections::BTreeMap;

use common::{Relay, Running, statemesh, watch_json};
use serde_json::Value;

fn load(relay: &Relay, args: &[&str]) -> Running {
    let mut command = statemesh();
    command
        .args(["load", "--connect", &relay.page()])
        .args(args);
    Running::start(&mut command)
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_watcher_ends_with_the_clocks_of_the_owners() {
    const MACHINES: usize = 30;
    let relay = Relay::start(&[]);
    let mut watch = watch_json(&[&relay.page()], &[]);
    let mut load = load(
        &relay,
        &[
            "--peers",
            "3",
            "--machines",
            "30",
            "--rate",
            "600",
            "--for",
            "4",
            "--clocks",
        ],
    );
    let ready = load.wait_for("ready", |line| line.starts_with("ready: "));
    assert_eq!(
        ready,
        "ready: topic mesh, 30 machines on 3 peers, 600/s wanted"
    );
    let done = load.wait_for("summary", |line| line.starts_with("done: "));
    let (status, _) = load.ended();
    assert_eq!(status.code(), Some(0));
    let made: u64 = done.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1..=2_500).contains(&made), "{done}");
    assert!(done.contains("3 of 3 peers linked"), "{done}");

    let of = |line: &Value| (line["peer"].to_string(), line["machine"].to_string());
    let owners: BTreeMap<_, _> = load
        .seen
        .iter()
        .filter(|line| line.starts_with('{'))
        .map(|line| json(line))
        .map(|line| (of(&line), line["clock"].clone()))
        .collect();
    assert_eq!(owners.len(), MACHINES);

    // A machine that goes is printed with its last clock.
    let mut left = owners.len();
    while left > 0 {
        watch.wait_for("the end of a machine", |line| {
            let line = json(line);
            line["event"] == "gone" && owners.contains_key(&of(&line))
        });
        left -= 1;
    }
    let mut last: BTreeMap<_, Value> = BTreeMap::new();
    for line in watch.seen.iter().map(|line| json(line)) {
        if owners.contains_key(&of(&line)) {
            last.insert(of(&line), line["clock"].clone());
        }
    }
    assert_eq!(last, owners);
    // Changes were seen on the way, too.
    let changes = watch
        .seen
        .iter()
        .filter(|line| json(line)["event"] == "clock");
    assert!(changes.count() > MACHINES);
}

#[test]
fn signals_and_a_closed_pipe_end_it_in_time() {
    let relay = Relay::start(&[]);
    for signal in ["TERM", "INT"] {
        let mut load = load(&relay, &["--rate", "100"]);
        load.wait_for("ready", |line| line.starts_with("ready: "));
        load.signal(signal);
        let (status, took) = load.ended();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(took.as_secs() < 2, "{signal}: {took:?}");
        assert!(
            load.rest().last().unwrap().starts_with("done: "),
            "{signal}"
        );
    }

    let command = format!(
        "set -o pipefail; {} load --rate 100 --connect {} | head -n 1",
        env!("CARGO_BIN_EXE_statemesh"),
        relay.page()
    );
    let mut pipe = Running::start(std::process::Command::new("bash").args(["-c", &command]));
    pipe.wait_for("ready", |line| line.starts_with("ready: "));
    let (status, _) = pipe.ended();
    assert!(status.success(), "{status}");
}

#[test]
fn nobody_there_is_said() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!(
            "/ip4/127.0.0.1/tcp/{}",
            listener.local_addr().unwrap().port()
        )
    };
    let output = statemesh()
        .args(["load", "--log", "error", "--connect", &nobody])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&nobody) && error.contains("relay runs"),
        "{error}"
    );
}
