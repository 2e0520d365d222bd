//! `statemesh watch` against a peer of this test: every change is printed, hostile names do no harm.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use common::{Relay, Running, is_event, statemesh, watch_json};
use statemesh::machine::Machine;
use statemesh::mesh::Mesh;
use statemesh::{SchemaDef, StateDef};

/// A name that would clear the screen, colour what follows and turn it around.
const HOSTILE: &str = "evil\u{1b}[2J\u{9b}31m\u{202e}\n";

fn machine(id: &str) -> Machine {
    let schema = SchemaDef::new()
        .state("Idle", StateDef::new())
        .state("Busy", StateDef::new().remove(["Idle"]))
        .state(HOSTILE, StateDef::new());
    Machine::new(id, schema)
}

async fn peer(relay: &Relay, machine: &Machine) -> Mesh {
    Mesh::builder("mesh")
        .connect(relay.address("/quic-v1").parse().unwrap())
        .expose(machine)
        .spawn()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_a_json_line() {
    let relay = Relay::start(&[]);
    let machine = machine("courier");
    machine.add("Idle").unwrap();
    let mesh = peer(&relay, &machine).await;
    let own = mesh.peer_id().to_string();
    let mut watch = watch_json(&[&relay.page()], &[]);

    let of_machine =
        |line: &str, event: &str| is_event(line, event, &own) && json(line)["machine"] == "courier";
    let line = watch.wait_for("the machine", |line| of_machine(line, "machine"));
    assert_eq!(json(&line)["active"], serde_json::json!(["Idle"]));
    assert!(
        watch.seen.iter().any(|line| is_event(line, "peer", &own)),
        "{:?}",
        watch.seen
    );

    for (state, active) in [("Busy", ["Busy"]), ("Idle", ["Idle"])] {
        if state == "Idle" {
            machine.remove("Busy").unwrap();
        }
        machine.add(state).unwrap();
        let clock = machine.clock();
        let line = watch.wait_for("the change", |line| {
            of_machine(line, "clock") && json(line)["clock"] == serde_json::json!(clock)
        });
        assert_eq!(json(&line)["active"], serde_json::json!(active));
    }

    mesh.shutdown().await;
    watch.wait_for("the end of the machine", |line| of_machine(line, "gone"));
    watch.wait_for("the end of the peer", |line| {
        is_event(line, "gone", &own) && json(line)["machine"].is_null()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_escaped() {
    let relay = Relay::start(&[]);
    let machine = machine(HOSTILE);
    machine.add(HOSTILE).unwrap();
    let mesh = peer(&relay, &machine).await;
    let own = mesh.peer_id().to_string();

    let page = relay.page();
    let mut as_json = watch_json(&[&page], &[]);
    let line = as_json.wait_for("the machine", |line| {
        is_event(line, "machine", &own) && line.contains("evil")
    });
    assert_eq!(json(&line)["machine"], HOSTILE);
    assert_eq!(json(&line)["active"], serde_json::json!([HOSTILE]));
    assert!(is_harmless(&line), "{line:?}");

    let mut as_text = Running::start(statemesh().args(["watch", "--connect", &page]));
    let line = as_text.wait_for("the machine", |line| line.contains("evil"));
    assert!(line.contains("active: evil\\u{1b}[2J"), "{line:?}");
    assert!(is_harmless(&line), "{line:?}");
    mesh.shutdown().await;
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

fn is_harmless(line: &str) -> bool {
    !line
        .chars()
        .any(|character| character.is_control() || character == '\u{202e}')
}
