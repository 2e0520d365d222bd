//! The browser peer's JavaScript API: `const mesh = await join({ topic, relays })`, then machines of other peers.
//!
//! Everything a page gets from here is a handle on one peer in this tab. The peer ends by `close()`, or when the page
//! has let go of every handle and every subscription. Errors are JavaScript `Error`s with a `code`.

mod error;
mod machine;
mod relays;

use std::time::Duration;

use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use statemesh::mesh::{Connection, DialFailure, Mesh, MeshEvent, Role, SpawnError};
use wasm_bindgen::prelude::*;
use web_sys::js_sys::{Array, Reflect};

use self::error::{Code, failure};
pub use self::machine::JsMachine;
use self::relays::Relays;
use crate::browser;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Where to join. */
export interface JoinOptions {
    /** Name of the topic; every peer of it sees every other. */
    topic: string;
    /**
     * Relays to join through: multiaddresses (`/ip4/…/tcp/…/ws`, `/ip4/…/udp/…/webrtc-direct/certhash/…`) or origins of
     * relay pages (`http://host:8700`), which are asked for their addresses before every attempt.
     */
    relays: string[];
    /** Milliseconds until `join` gives up, 10,000 by default. Later losses are repaired without an end. */
    timeout?: number;
}
/** What `onChange` tells. */
export interface Change {
    /** Ticks before, in the order of `states`. */
    before: number[];
    /** Ticks now: odd is active. */
    clock: number[];
    /** Names of the states active now. */
    active: string[];
    /** The machine's owner is gone; nothing follows. */
    gone: boolean;
}
/** What `join`, `machine` and `when` reject with. */
export interface MeshError extends Error {
    code: "ERR_OPTIONS" | "ERR_TRANSPORT" | "ERR_UNREACHABLE" | "ERR_CLOSED" | "ERR_GONE" | "ERR_STATE";
}
"#;

/// Joins a topic. Resolves when the first relay has answered; rejects with `ERR_OPTIONS`, `ERR_TRANSPORT` (a browser
/// without WebSocket and WebRTC) or `ERR_UNREACHABLE`, and no peer runs then.
///
/// # Errors
/// A JavaScript `Error` with `code`.
#[wasm_bindgen]
pub async fn join(
    #[wasm_bindgen(unchecked_param_type = "JoinOptions")] options: JsValue,
) -> Result<JsMesh, JsValue> {
    let options = Options::parse(&options)?;
    let builder = Mesh::builder(options.topic.clone())
        .role(Role::Tab)
        .connect_source(options.relays.source(options.topic));
    let mesh = builder.spawn().await.map_err(|error| {
        let code = match &error {
            SpawnError::NoTransport(_) => Code::Transport,
            SpawnError::Listen { .. } | SpawnError::Identity(_) | SpawnError::Topic(_) => {
                Code::Options
            }
        };
        failure(code, &error.to_string())
    })?;
    if live_within(&mesh, options.timeout).await {
        return Ok(JsMesh { mesh });
    }
    let told = unreachable_because(&mesh.connection());
    mesh.shutdown().await;
    Err(failure(Code::Unreachable, &told))
}

/// This tab's peer.
#[wasm_bindgen(js_name = Mesh)]
pub struct JsMesh {
    mesh: Mesh,
}

#[wasm_bindgen(js_class = Mesh)]
impl JsMesh {
    /// Own id, as other peers see it.
    #[must_use]
    #[wasm_bindgen(getter, js_name = peerId)]
    pub fn peer_id(&self) -> String {
        self.mesh.peer_id().to_string()
    }

    /// Name of the topic.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn topic(&self) -> String {
        self.mesh.topic().to_owned()
    }

    /// What carries the link to the relay now, `"ws"` or `"webrtc"`; `undefined` while there is none.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn transport(&self) -> Option<String> {
        let links = self.mesh.links();
        links.first().map(|link| link.transport.name().to_owned())
    }

    /// All machines of other peers known now, by peer and index.
    #[must_use]
    pub fn machines(&self) -> Vec<JsMachine> {
        let machines = self.mesh.machines();
        machines
            .into_iter()
            .map(|machine| JsMachine::new(&self.mesh, machine))
            .collect()
    }

    /// Resolves to the first live machine of this id, now or later; rejects with `ERR_CLOSED` when the mesh is closed.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub async fn machine(&self, id: String) -> Result<JsMachine, JsValue> {
        let mesh = self.mesh.clone();
        let machine = mesh
            .machine(&id)
            .await
            .map_err(|error| failure(Code::Closed, &error.to_string()))?;
        Ok(JsMachine::new(&mesh, machine))
    }

    /// Says bye, closes the links and ends the peer. Everything that waits on it rejects.
    pub async fn close(&self) {
        let mesh = self.mesh.clone();
        mesh.shutdown().await;
    }
}

/// What `join` was given.
struct Options {
    topic: String,
    relays: Relays,
    timeout: Duration,
}

impl Options {
    fn parse(options: &JsValue) -> Result<Self, JsValue> {
        let bad = |told: &str| failure(Code::Options, told);
        if !options.is_object() {
            return Err(bad("join needs an object { topic, relays }"));
        }
        let topic = field(options, "topic")
            .as_string()
            .ok_or_else(|| bad("topic must be a string"))?;
        let relays = field(options, "relays");
        if !Array::is_array(&relays) {
            return Err(bad("relays must be an array of strings"));
        }
        let relays = Array::from(&relays)
            .iter()
            .map(|relay| relay.as_string())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| bad("relays must be an array of strings"))?;
        let relays = Relays::parse(&relays).map_err(|error| bad(&error.to_string()))?;
        let timeout = field(options, "timeout");
        let timeout = if timeout.is_undefined() {
            TIMEOUT
        } else {
            let ms = timeout.as_f64().filter(|ms| *ms > 0.0);
            let ms = ms.ok_or_else(|| bad("timeout must be a positive number of milliseconds"))?;
            Duration::from_secs_f64((ms / 1000.0).min(LONGEST_TIMEOUT))
        };
        Ok(Self {
            topic,
            relays,
            timeout,
        })
    }
}

/// A property, `undefined` when there is none or it throws.
fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

async fn live_within(mesh: &Mesh, timeout: Duration) -> bool {
    // Before the first look, so that nothing falls between.
    let mut events = mesh.events();
    let live = async {
        while mesh.connection() != Connection::Live {
            match events.next().await {
                Some(MeshEvent::Connection(Connection::Closed)) | None => return false,
                Some(_) => {}
            }
        }
        true
    };
    let ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let over = browser::sleep(ms);
    pin_mut!(live, over);
    match select(live, over).await {
        Either::Left((live, _)) => live,
        Either::Right(((), _)) => false,
    }
}

/// In words, why no relay was reached.
fn unreachable_because(connection: &Connection) -> String {
    let failures: &[DialFailure] = match connection {
        Connection::Connecting { failures, .. } | Connection::Reconnecting { failures, .. } => {
            failures
        }
        Connection::Live | Connection::Closed => &[],
    };
    let each: Vec<String> = failures
        .iter()
        .map(|failure| match &failure.address {
            Some(address) => format!("{address}: {}", failure.reason),
            None => failure.reason.clone(),
        })
        .collect();
    if each.is_empty() {
        return "no relay answered in time".to_owned();
    }
    format!("no relay could be reached ({})", each.join("; "))
}

/// As long as the dashboard waits before it calls a connection lost.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Seconds; what a browser's timer can hold.
const LONGEST_TIMEOUT: f64 = 2_000_000.0;
