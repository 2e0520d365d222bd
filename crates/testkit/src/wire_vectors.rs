//! Runs recorded wire lines: good ones through the codec, hostile ones through a node that knows one machine of their author.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use statemesh_core::engine::StateDef;
use statemesh_core::mesh::wire::{Dialect, Extension, Info, Message, PerPeer, decode, encode};
use statemesh_core::node::{Config, Event, Input, MessageToken, Node, Output, Signed};
use statemesh_core::{Instant, MachineIdx, PeerId};

use crate::net::peer_id;
use crate::vectors::Verdict;

/// Runs one line.
#[must_use]
pub fn check(line: &Value) -> Verdict {
    let outcome = payload(line).and_then(|payload| {
        if line.get("ours").is_some() {
            check_bad(line, &payload)
        } else {
            check_good(line, &payload)
        }
    });
    match outcome {
        Ok(()) => Verdict::Agree,
        Err(difference) => Verdict::Differs(difference),
    }
}

fn payload(line: &Value) -> Result<Vec<u8>, String> {
    let Some(parts) = line.get("parts") else {
        return from_hex(line["hex"].as_str().ok_or("no hex")?);
    };
    let mut payload = Vec::new();
    for part in parts.as_array().ok_or("parts is no list")? {
        let piece = from_hex(part[0].as_str().ok_or("part without hex")?)?;
        let times = part[1].as_u64().ok_or("part without count")?;
        for _ in 0..times {
            payload.extend_from_slice(&piece);
        }
    }
    Ok(payload)
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs
        .map(|pair| byte(pair).ok_or_else(|| "bad hex".to_owned()))
        .collect()
}

fn check_good(line: &Value, payload: &[u8]) -> Result<(), String> {
    let envelope = decode(payload).map_err(|error| format!("refused: {error}"))?;
    if envelope.extension != Extension::default() {
        return Err(format!(
            "extra keys out of nothing: {:?}",
            envelope.extension
        ));
    }
    let expected = &line["decoded"];
    let decoded = to_json(&envelope.body);
    if decoded != *expected {
        return Err(format!("decodes to {decoded}\n  expected {expected}"));
    }
    for dialect in [Dialect::Compact, Dialect::V5, Dialect::V4] {
        let again = decode(&encode(&envelope, dialect));
        if again.as_ref() != Ok(&envelope) {
            return Err(format!("{dialect:?} round trip gives {again:?}"));
        }
    }
    let dialects: &[Dialect] = match line["dialect"].as_str() {
        Some("v4") => &[Dialect::V4],
        Some("v5") => &[Dialect::V5],
        Some("any") => &[Dialect::V4, Dialect::V5],
        other => return Err(format!("unknown dialect {other:?}")),
    };
    if !has_one_order(&envelope.body) {
        return Ok(());
    }
    for dialect in dialects {
        if encode(&envelope, *dialect) != payload {
            return Err(format!("{dialect:?} encodes to other bytes"));
        }
    }
    Ok(())
}

/// Whether no map has more than one entry, so that its order is no question.
#[must_use]
pub fn has_one_order(message: &Message) -> bool {
    fn small<T>(peers: Option<&PerPeer<T>>, value: impl Fn(&T) -> bool) -> bool {
        let small = |machines: &Option<statemesh_core::collections::OrderedMap<MachineIdx, T>>| {
            machines
                .as_ref()
                .is_none_or(|machines| machines.len() < 2 && machines.values().all(&value))
        };
        peers.is_none_or(|peers| peers.len() < 2 && peers.values().all(small))
    }
    let one_state = |info: &Info| info.schema.as_ref().is_none_or(|schema| schema.len() < 2);
    match message {
        Message::Info { peers, sums } => {
            small(peers.as_ref(), one_state) && small(sums.as_ref(), |_| true)
        }
        Message::Updates { clocks } => small(clocks.as_ref(), |_| true),
        Message::Gossip { sums } => small(sums.as_ref(), |_| true),
        Message::ReqInfo { .. } | Message::ReqUpdates { .. } => true,
        Message::Bye { machines } => machines.as_ref().is_none_or(|machines| machines.len() < 2),
    }
}

/// The message as the recordings write it: Go field names, map keys as text, nil as null.
fn to_json(message: &Message) -> Value {
    match message {
        Message::Info { peers, sums } => json!({
            "Type": "info",
            "PeerInfo": per_peer(peers.as_ref(), info_json),
            "PeerGossips": per_peer(sums.as_ref(), |sum| json!(sum)),
        }),
        Message::Updates { clocks } => json!({
            "Type": "updates",
            "PeerClocks": per_peer(clocks.as_ref(), |clock| json!(clock)),
        }),
        Message::Gossip { sums } => json!({
            "Type": "gossip",
            "PeerGossips": per_peer(sums.as_ref(), |sum| json!(sum)),
        }),
        Message::ReqInfo { ids } => json!({ "Type": "reqinfo", "PeerIds": ids_json(ids) }),
        Message::ReqUpdates { ids } => json!({ "Type": "requpdates", "PeerIds": ids_json(ids) }),
        Message::Bye { machines } => json!({
            "Type": "bye",
            "Machs": machines.as_ref().map(|machines| map(machines, |bye| json!({
                "PeerBye": bye.leaving,
                "Id": bye.id,
                "MTime": bye.clock,
            }))),
        }),
    }
}

fn map<K: ToString, V>(
    entries: &statemesh_core::collections::OrderedMap<K, V>,
    value: impl Fn(&V) -> Value,
) -> Value {
    let entries = entries
        .iter()
        .map(|(key, entry)| (key.to_string(), value(entry)));
    Value::Object(entries.collect::<Map<String, Value>>())
}

fn per_peer<T>(peers: Option<&PerPeer<T>>, value: impl Fn(&T) -> Value) -> Value {
    peers.map_or(Value::Null, |peers| {
        map(peers, |machines| {
            machines
                .as_ref()
                .map_or(Value::Null, |machines| map(machines, &value))
        })
    })
}

fn ids_json(ids: &Option<Vec<PeerId>>) -> Value {
    let texts = |ids: &Vec<PeerId>| ids.iter().map(PeerId::to_string).collect::<Vec<_>>();
    json!(ids.as_ref().map(texts))
}

fn info_json(info: &Info) -> Value {
    json!({
        "Id": info.id,
        "Schema": info.schema.as_ref().map(|schema| map(schema, state_json)),
        "States": info.states,
        "MTime": info.clock,
        "Tags": info.tags,
        "Parent": info.parent,
    })
}

fn state_json(state: &StateDef) -> Value {
    json!({
        "Auto": state.auto,
        "Multi": state.multi,
        "Require": state.require,
        "Add": state.add,
        "Remove": state.remove,
        "After": state.after,
        "Tags": state.tags,
    })
}

fn check_bad(line: &Value, payload: &[u8]) -> Result<(), String> {
    let author: PeerId = line["author"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or("no author")?;
    let mut reader = Reader::new(author)?;
    let before = reader.state();
    let (verdict, dropped) = reader.feed(payload.to_vec());
    let accepted = verdict == Some(statemesh_core::node::Verdict::Accept);
    match line["ours"].as_str() {
        Some("accept") if !accepted || dropped.is_some() => {
            return Err(format!("accept wanted, got {verdict:?}, {dropped:?}"));
        }
        Some("accept") => {}
        Some("drop") if accepted || dropped.is_none() => {
            return Err(format!("drop wanted, got {verdict:?}, {dropped:?}"));
        }
        Some("drop") => {
            let after = reader.state();
            if after != before {
                return Err(format!("dropped, yet {before} became {after}"));
            }
            if reader.node.peer(author).map(|peer| peer.dropped) != Some(1) {
                return Err("dropped without being counted".to_owned());
            }
        }
        other => return Err(format!("unknown verdict {other:?}")),
    }
    if is_over(author, payload) {
        return match reader.node.mirror(author, MachineIdx(0)) {
            None => Ok(()),
            Some(mirror) => Err(format!("the author lists it no more: {mirror:?}")),
        };
    }
    // Whatever else it was, the machine follows its owner's next correct clock.
    let correct = clocks(author, vec![0, 300, 3]);
    reader.feed(encode(&correct.into(), Dialect::V4));
    match reader.node.mirror(author, MachineIdx(0)) {
        Some(mirror) if mirror.clock.starts_with(&[0, 300, 3]) => Ok(()),
        other => Err(format!("the machine does not follow any more: {other:?}")),
    }
}

/// Whether the payload is the author's valid introduction of itself without machine 0: an introduction lists all.
fn is_over(author: PeerId, payload: &[u8]) -> bool {
    let Ok(Message::Info {
        peers: Some(peers), ..
    }) = decode(payload).map(|envelope| envelope.body)
    else {
        return false;
    };
    let is_valid = peers
        .values()
        .flatten()
        .all(|machines| machines.values().all(|info| info.check().is_ok()));
    let lists = |machines: &Option<statemesh_core::collections::OrderedMap<MachineIdx, Info>>| {
        machines
            .as_ref()
            .is_some_and(|machines| machines.contains_key(&MachineIdx(0)))
    };
    is_valid && peers.get(&author).is_some_and(|machines| !lists(machines))
}

/// A member that has just learned the author's machine `good`.
struct Reader {
    node: Node,
    author: PeerId,
    now: Instant,
    token: u64,
}

impl Reader {
    fn new(author: PeerId) -> Result<Self, String> {
        let config = Config::new(peer_id(1), MachineIdx(1), 1);
        let now = Instant::from_micros(1_000_000);
        let mut reader = Self {
            node: Node::new(config, now),
            author,
            now,
            token: 0,
        };
        for input in [
            Input::Joined,
            Input::LinkUp(author),
            Input::Subscribed(author),
        ] {
            reader.node.handle_input(now, input);
        }
        let states = ["Exception", "Foo", "Bar"];
        let info = Info {
            id: "good".to_owned(),
            schema: Some(states.map(|name| (name.to_owned(), StateDef::new())).into()),
            states: Some(states.map(str::to_owned).into()),
            clock: Some(vec![0, 0, 1]),
            ..Info::default()
        };
        let message = Message::Info {
            peers: Some([(author, Some([(MachineIdx(0), info)].into()))].into()),
            sums: Some(PerPeer::new()),
        };
        reader.feed(encode(&message.into(), Dialect::V4));
        match reader.node.mirror(author, MachineIdx(0)) {
            Some(mirror) if mirror.first_hand => Ok(reader),
            other => Err(format!(
                "the machine to begin with was not learned: {other:?}"
            )),
        }
    }

    /// The verdict, and the reason when it was dropped.
    fn feed(
        &mut self,
        data: Vec<u8>,
    ) -> (Option<statemesh_core::node::Verdict>, Option<&'static str>) {
        self.token += 1;
        self.now = self.now + Duration::from_millis(1);
        let token = MessageToken(self.token);
        let (author, via) = (self.author, self.author);
        let message = Input::Message {
            token,
            via,
            signed: Arc::new(Signed::without_proof(author, data)),
        };
        self.node.handle_input(self.now, message);
        let mut verdict = None;
        let mut dropped = None;
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Verdict(answered, is) if answered == token => verdict = Some(is),
                Output::Event(Event::Dropped(peer, reason)) if peer == author => {
                    dropped = Some(reason);
                }
                Output::Verdict(..)
                | Output::Event(_)
                | Output::Publish(_)
                | Output::Ask(..)
                | Output::Answer(..)
                | Output::Refuse(_) => {}
            }
        }
        (verdict, dropped)
    }

    /// All that is known, as text to compare.
    fn state(&self) -> String {
        let peers: Vec<_> = self
            .node
            .peers()
            .map(|peer| (peer.peer, peer.machines, peer.heard_at))
            .collect();
        let mirrors: Vec<_> = self.node.mirrors().collect();
        format!("{peers:?} {mirrors:?} {:?}", self.node.poll_timeout())
    }
}

fn clocks(peer: PeerId, clock: Vec<u64>) -> Message {
    Message::Updates {
        clocks: Some([(peer, Some([(MachineIdx(0), clock)].into()))].into()),
    }
}

/// The payload of a message of a Go peer: no extra keys, its older integer dialect.
#[must_use]
pub fn go_payload(message: Message) -> Vec<u8> {
    encode(&message.into(), Dialect::V4)
}
