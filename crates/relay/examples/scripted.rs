//! A peer that does what it is told: JSON lines on stdin expose and change machines, JSON lines on stdout say when.
//! The browser tests and `cargo xtask bench page` drive it, for names no sane program would choose and for change
//! times known to the microsecond.
//!
//! ```text
//! scripted --topic mesh --connect ADDR
//! -> {"do":"expose","id":"m","tags":["host:h"],"states":["Start","Busy"],"active":["Start"],"require":{"Busy":["Start"]}}
//! <- {"event":"exposed","id":"m","index":207360000}
//! -> {"do":"toggle","id":"m","state":"Busy"}
//! <- {"event":"changed","id":"m","state":"Busy","tick":1,"at_us":1780000000000000}
//! -> {"do":"quit"}
//! ```

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Parser;
use serde::Deserialize;
use serde_json::json;
use statemesh::identity::Identity;
use statemesh::multiaddr::Multiaddr;
use statemesh::prelude::*;
use tokio::sync::mpsc;

#[derive(Parser)]
struct Args {
    /// Topic to join
    #[arg(long, default_value = "mesh")]
    topic: String,
    /// Address to dial
    #[arg(long)]
    connect: Vec<Multiaddr>,
    /// Tell a wall clock that is ahead by so many milliseconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_ahead: i64,
    /// Keep the peer's key in this file: started again it is the same peer
    #[arg(long)]
    key: Option<std::path::PathBuf>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Expose {
        id: String,
        states: Vec<String>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        active: Vec<String>,
        /// States that a state requires.
        #[serde(default)]
        require: BTreeMap<String, Vec<String>>,
        /// States that a state removes.
        #[serde(default)]
        remove: BTreeMap<String, Vec<String>>,
    },
    Toggle {
        id: String,
        state: String,
    },
    Quit,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let mut builder = Mesh::builder(args.topic).clock_ahead(args.clock_ahead);
    if let Some(path) = args.key {
        builder = builder.identity(Identity::load_or_create(&path)?);
    }
    for address in args.connect {
        builder = builder.connect(address);
    }
    let mesh = builder.spawn().await?;
    say(&json!({"event": "peer", "peer": mesh.peer_id().to_string()}));

    let mut machines = BTreeMap::new();
    let mut commands = commands();
    while let Some(line) = commands.recv().await {
        let command = serde_json::from_str(&line).with_context(|| format!("command {line}"))?;
        match command {
            Command::Expose {
                id,
                states,
                tags,
                active,
                require,
                remove,
            } => {
                let schema = schema(states, &require, &remove);
                let machine = build(&id, schema, tags, &active)?;
                let index = mesh.expose(&machine).await?;
                machines.insert(id.clone(), machine);
                say(&json!({"event": "exposed", "id": id, "index": index.to_string()}));
            }
            Command::Toggle { id, state } => {
                let machine = machines.get(&id).context("no such machine")?;
                let at_us = now_us();
                machine.toggle([&state])?;
                let tick = machine.tick(&state);
                say(
                    &json!({"event": "changed", "id": id, "state": state, "tick": tick, "at_us": at_us}),
                );
            }
            Command::Quit => break,
        }
    }
    mesh.shutdown().await;
    Ok(())
}

fn schema(
    states: Vec<String>,
    require: &BTreeMap<String, Vec<String>>,
    remove: &BTreeMap<String, Vec<String>>,
) -> SchemaDef {
    let states = states.into_iter().map(|name| {
        let state = StateDef {
            require: require.get(&name).cloned(),
            remove: remove.get(&name).cloned(),
            ..StateDef::new()
        };
        (name, state)
    });
    states.fold(SchemaDef::new(), |schema, (name, state)| {
        schema.state(name, state)
    })
}

fn build(id: &str, schema: SchemaDef, tags: Vec<String>, active: &[String]) -> Result<Machine> {
    let machine = tags
        .into_iter()
        .fold(Machine::builder(id, schema), |builder, tag| {
            builder.tag(tag)
        })
        .build();
    for state in active {
        machine.add([state])?;
    }
    Ok(machine)
}

/// Lines of stdin; the channel ends with it.
fn commands() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if send.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receive
}

fn now_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn say(line: &serde_json::Value) {
    println!("{line}");
}
