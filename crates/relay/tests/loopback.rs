//! Relays and watchers on 127.0.0.1, each its own process: what one has, the others see.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::process::Command;
use std::time::Duration;

use common::{Relay, Running, is_event, statemesh, watch_json};

#[test]
fn machines_travel_over_two_relays() {
    let first = Relay::start(&[]);
    let second = Relay::start(&["--connect", &first.address("/quic-v1")]);
    // Each watcher knows one relay only; the other's machines come through it.
    let mut at_first = watch_json(&[&first.address("/tcp/")], &[]);
    let mut at_second = watch_json(&[&second.address("/quic-v1")], &[]);
    at_first.wait_for("machine of the second relay", |line| {
        is_event(line, "machine", &second.peer)
    });
    let line = at_second.wait_for("machine of the first relay", |line| {
        is_event(line, "machine", &first.peer)
    });

    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let states = line["states"].as_array().unwrap();
    let clock = line["clock"].as_array().unwrap();
    assert_eq!(states.len(), clock.len(), "{line}");
    for active in line["active"].as_array().unwrap() {
        let at = states.iter().position(|state| state == active).unwrap();
        assert_eq!(clock[at].as_u64().unwrap() % 2, 1, "{line}");
    }
    assert!(
        line["at_ms"].as_u64().unwrap() > 1_700_000_000_000,
        "{line}"
    );
}

#[test]
fn a_native_peer_joins_over_the_websocket_of_the_http_port() {
    let relay = Relay::start(&[]);
    let address = format!("/ip4/127.0.0.1/tcp/{}/ws", relay.http.port());
    assert!(relay.address("/ws/p2p/").starts_with(&address));
    let mut watch = watch_json(&[&address], &[]);
    watch.wait_for("machine of the relay", |line| {
        is_event(line, "machine", &relay.peer)
    });
}

#[test]
fn a_page_address_is_enough() {
    let relay = Relay::start(&[]);
    let mut watch = watch_json(&[&relay.page()], &[]);
    watch.wait_for("machine of the relay", |line| {
        is_event(line, "machine", &relay.peer)
    });
}

#[test]
fn a_relay_that_leaves_is_gone() {
    let stays = Relay::start(&[]);
    let mut leaves = Relay::start(&["--connect", &stays.page()]);
    let mut watch = watch_json(&[&stays.page()], &[]);
    watch.wait_for("machine of the leaving relay", |line| {
        is_event(line, "machine", &leaves.peer)
    });
    leaves.process.signal("TERM");
    leaves.process.ended();
    watch.wait_for("its end", |line| is_event(line, "gone", &leaves.peer));
}

#[test]
fn a_relay_comes_back_under_its_key_and_on_its_ports() {
    let mut relay = Relay::start(&[]);
    let peer = relay.peer.clone();
    let id = format!("/p2p/{peer}");
    let (tcp, quic) = (relay.address("/tcp/"), relay.address("/quic-v1"));
    let mut watches = [&tcp, &quic].map(|address| watch_json(&[address], &[]));
    for watch in &mut watches {
        watch.wait_for("machine", |line| is_event(line, "machine", &peer));
    }
    let http = relay.http.to_string();
    relay.process.signal("KILL");
    relay.process.ended();

    // The machine has a new index and so counts as another one.
    let Relay { data, process, .. } = relay;
    drop(process);
    let listen = [&tcp, &quic].map(|address| address.replace(&id, ""));
    let same = [
        "--http", &http, "--listen", &listen[0], "--listen", &listen[1],
    ];
    let again = Relay::start_in(data, &same);
    assert_eq!(again.peer, peer);
    for watch in &mut watches {
        watch.wait_for("the machine again", |line| is_event(line, "machine", &peer));
    }
}

#[test]
fn topics_do_not_mix() {
    let relay = Relay::start(&["--topic", "parcels"]);
    let mut other = watch_json(&[&relay.page()], &["--topic", "letters", "--for", "3"]);
    let mut same = watch_json(&[&relay.page()], &["--topic", "parcels"]);
    same.wait_for("machine", |line| is_event(line, "machine", &relay.peer));
    let (status, _) = other.ended();
    assert!(status.success(), "{status}");
    let seen = other.rest();
    let learned = seen
        .iter()
        .any(|line| is_event(line, "machine", &relay.peer));
    assert!(!learned, "{seen:?}");
}

#[test]
fn text_is_for_people() {
    let relay = Relay::start(&[]);
    let output = statemesh()
        .args(["watch", "--connect", &relay.page(), "--for", "5"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let short = &relay.peer[relay.peer.len() - 8..];
    let line = text
        .lines()
        .find(|line| line.contains("machine") && line.contains(short));
    assert!(line.is_some_and(|line| line.contains("active: ")), "{text}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let relay = Relay::start(&[]);
    let watch = format!(
        "set -o pipefail; {} watch --json --connect {} | sed '/\"machine\":/q'",
        env!("CARGO_BIN_EXE_statemesh"),
        relay.page()
    );
    let mut shell = Running::start(Command::new("bash").args(["-c", &watch]));
    shell.wait_for("machine", |line| is_event(line, "machine", &relay.peer));
    // Nothing more happens in this mesh that could be written.
    let (status, _) = shell.ended();
    assert!(status.success(), "{status}");
}

#[test]
fn the_demo_runs_inside_and_beside_a_relay() {
    let relay = Relay::start(&["--demo", "--calm", "--seed", "7"]);
    let mut watch = watch_json(&[&relay.page()], &[]);
    let of_a_host = |line: &str, event: &str, id: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["event"] == event && line["machine"] == id && line["peer"] != relay.peer.as_str()
    };
    watch.wait_for("a demo machine", |line| {
        of_a_host(line, "machine", "courier-17")
    });
    watch.wait_for("a change of the demo", |line| {
        of_a_host(line, "clock", "courier-17")
    });

    let empty = Relay::start(&["--topic", "letters"]);
    let mut watch = watch_json(&[&empty.page()], &["--topic", "letters"]);
    let mut kiosk = Running::start(
        statemesh()
            .args(["demo", "--host", "kiosk-03", "--topic", "letters"])
            .args(["--log", "error", "--connect", &empty.page()]),
    );
    let id = "scan-03";
    watch.wait_for("a machine of the kiosk", |line| {
        of_a_host(line, "machine", id)
    });
    kiosk.signal("TERM");
    let (status, took) = kiosk.ended();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    watch.wait_for("its end", |line| of_a_host(line, "gone", id));
}
