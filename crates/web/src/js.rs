//! The browser peer's JavaScript API: `const mesh = await join({ topic, relays })`, then machines of other peers.
//!
//! Everything a page gets from here is a handle on one peer in this tab. The peer ends by `close()`, or when the page
//! has let go of every handle and every subscription. Errors are JavaScript `Error`s with a `code`.

mod abort;
mod error;
mod local;
mod machine;
mod mesh;
mod options;
mod relays;
mod subscription;

use std::time::Duration;

use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use statemesh::mesh::{Connection, DialFailure, Mesh, MeshEvent, Role, SpawnError};
use wasm_bindgen::prelude::*;

use self::abort::unless_aborted;
use self::error::{Code, failure};
pub use self::local::JsLocalMachine;
pub use self::machine::JsMachine;
pub use self::mesh::JsMesh;
use self::options::Options;
use crate::browser;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Gives a promise up: it rejects with the signal's reason. */
export interface WaitOptions {
    signal?: AbortSignal;
}
/** Where to join. */
export interface JoinOptions extends WaitOptions {
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
/** One name of a state, or several. */
export type States = string | string[];
/** Which machines are meant: all that is given must hold. */
export interface Query {
    /** Id of the owner. */
    peer?: string;
    /** The machine's whole id. */
    id?: string;
    /** Part of its id. */
    idContains?: string;
    /** A regular expression found in its id. */
    idMatches?: string;
    /** Tags it has, `key` or `key:value`. */
    tags?: string[];
    /** Keys of tags it has, whatever their values. */
    tagKeys?: string[];
    /** Id of its parent machine. */
    parent?: string;
    /** States its schema has. */
    has?: States;
    /** States that are all active. */
    all?: States;
    /** States of which one is active. */
    any?: States;
    /** States of which none is active. */
    none?: States;
    /** The newest word was signed by its owner. */
    firstHand?: boolean;
    /** Its owner was heard within so many milliseconds. */
    fresh?: number;
}
/** A state of a machine of this tab; what is left out is off or empty. */
export interface StateDefinition {
    auto?: boolean;
    multi?: boolean;
    require?: string[];
    add?: string[];
    remove?: string[];
    after?: string[];
    tags?: string[];
}
/** The states of a machine, in order. */
export type Schema = Record<string, StateDefinition>;
/** How a machine of this tab is shown. */
export interface ExposeOptions {
    /** Its id; need not be unique. */
    id: string;
    /** Tags, `key` or `key:value`. */
    tags?: string[];
    /** Id of its parent machine. */
    parent?: string;
}
/** What `onChange` tells. */
export interface Change {
    /** Ticks before, in the order of `states`. */
    before: number[];
    /** Ticks now: odd is active. */
    clock: number[];
    /** Names of the states active now. */
    active: string[];
    /** The machine's owner is gone, or it was taken back; nothing follows. */
    gone: boolean;
}
/** What promises of this package reject with, unless a signal aborted them. */
export interface MeshError extends Error {
    code: "ERR_OPTIONS" | "ERR_TRANSPORT" | "ERR_UNREACHABLE" | "ERR_CLOSED" | "ERR_GONE" | "ERR_STATE" | "ERR_SCHEMA";
}
"#;

#[wasm_bindgen]
extern "C" {
    /// As declared above.
    #[wasm_bindgen(typescript_type = "WaitOptions")]
    pub type WaitOptions;
    /// As declared above.
    #[wasm_bindgen(typescript_type = "Query")]
    pub type JsQuery;
}

/// Joins a topic. Resolves when the first relay has answered; rejects with `ERR_OPTIONS`, `ERR_TRANSPORT` (a browser
/// without WebSocket and WebRTC) or `ERR_UNREACHABLE`, and no peer runs then. Two joins are two peers.
///
/// # Errors
/// A JavaScript `Error` with `code`.
#[wasm_bindgen]
pub async fn join(
    #[wasm_bindgen(unchecked_param_type = "JoinOptions")] options: JsValue,
) -> Result<JsMesh, JsValue> {
    let told = options;
    let options = Options::parse(&told)?;
    unless_aborted(&told, start(options)).await
}

async fn start(options: Options) -> Result<JsMesh, JsValue> {
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
        return Ok(JsMesh::new(mesh));
    }
    let told = unreachable_because(&mesh.connection());
    mesh.shutdown().await;
    Err(failure(Code::Unreachable, &told))
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
