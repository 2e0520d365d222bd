//! The browser peer in a real browser against a real relay: every transport alone, both in one dial, and what fails.
//!
//! They need a relay with demo machines; `cargo xtask test` starts one. By hand, in another terminal:
//! `cargo run -p statemesh-relay -- relay --demo --http 127.0.0.1:8799`. Another address: `STATEMESH_TEST_RELAY`.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "tests; clippy knows only functions marked as such"
)]

use std::future::Future;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{Either, select};
use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;
use serde::Deserialize;
use statemesh_web::{JsMachine, JsMesh, join};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::js_sys::{Array, Function, Object, Reflect, global};

wasm_bindgen_test_configure!(run_in_browser);

/// Where the relay's page is.
const BASE: &str = match option_env!("STATEMESH_TEST_RELAY") {
    Some(base) => base,
    None => "http://127.0.0.1:8799",
};
/// The machine of the demo that never rests.
const DEMO_MACHINE: &str = "orders";
/// Ten times what a busy machine takes for any step of these tests.
const DEADLINE_MS: u32 = 50_000;

#[derive(Deserialize)]
struct Relay {
    topic: String,
    addresses: Vec<String>,
}

/// What the relay says of itself.
async fn relay() -> Relay {
    let url = format!("{BASE}/api/relay");
    let told = format!(
        "no relay answers at {BASE}: start one with \
         `cargo run -p statemesh-relay -- relay --demo --http {}`",
        BASE.trim_start_matches("http://")
    );
    let answer = Request::get(&url).send().await.expect(&told);
    assert!(answer.ok(), "{url} answers {}", answer.status());
    answer.json().await.expect("the relay describes itself")
}

impl Relay {
    fn only(&self, part: &str) -> String {
        let found = self
            .addresses
            .iter()
            .find(|address| address.split('/').any(|p| p == part));
        found
            .unwrap_or_else(|| panic!("no {part} in {:?}", self.addresses))
            .clone()
    }
}

fn options(topic: &str, relays: &[&str], timeout: Option<u32>) -> JsValue {
    let options = Object::new();
    let relays: Array = relays.iter().map(|relay| JsValue::from(*relay)).collect();
    Reflect::set(&options, &"topic".into(), &topic.into()).unwrap();
    Reflect::set(&options, &"relays".into(), &relays).unwrap();
    if let Some(timeout) = timeout {
        Reflect::set(&options, &"timeout".into(), &timeout.into()).unwrap();
    }
    options.into()
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    futures::pin_mut!(future);
    match select(future, TimeoutFuture::new(DEADLINE_MS)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("{what}: not within {DEADLINE_MS} ms"),
    }
}

async fn joined(topic: &str, relays: &[&str]) -> JsMesh {
    // A relay that was started a moment ago on a busy machine may need a second round of dialling.
    let options = options(topic, relays, Some(DEADLINE_MS));
    in_time("join", join(options))
        .await
        .unwrap_or_else(|error| panic!("join: {error:?}"))
}

fn code(error: &JsValue) -> String {
    let code = Reflect::get(error, &"code".into()).unwrap();
    code.as_string().expect("a code")
}

/// Finds the demo's machine, waits until its clock changes, and until something already true is told.
async fn mirrors_a_machine(mesh: &JsMesh) {
    let found = in_time("machine", mesh.machine(DEMO_MACHINE.to_owned())).await;
    let machine: JsMachine = found.expect("a machine");
    assert_eq!(machine.id(), DEMO_MACHINE);
    assert_ne!(machine.peer_id(), mesh.peer_id());
    assert!(!machine.states().is_empty());
    assert_eq!(machine.states().len(), machine.clock().length() as usize);

    let (tell, mut told) = mpsc::unbounded();
    let callback = Closure::<dyn FnMut(JsValue)>::new(move |change| {
        let _ = tell.unbounded_send(change);
    });
    let unsubscribe = machine.on_change(callback.as_ref().unchecked_ref::<Function>().clone());
    let change = in_time("change", told.next()).await.expect("a change");
    let part = |name: &str| Array::from(&Reflect::get(&change, &name.into()).unwrap());
    let differs = part("before")
        .iter()
        .zip(part("clock").iter())
        .any(|(before, now)| before != now);
    assert!(differs, "{change:?}");
    unsubscribe
        .unchecked_into::<Function>()
        .call0(&JsValue::UNDEFINED)
        .unwrap();
    // The subscription is over and has let go of the callback's sender only; nothing is told any more.
    drop(callback);
    assert!(in_time("end", told.collect::<Vec<_>>()).await.len() < 10_000);

    let states = machine.states();
    let clock = machine.clock();
    let odd = |at: usize| clock.get(at as u32).as_f64().unwrap() as u64 % 2 == 1;
    let active: Vec<&String> = (0..states.len())
        .filter(|at| odd(*at))
        .map(|at| &states[at])
        .collect();
    if let Some(state) = active.first() {
        let name = JsValue::from(state.as_str());
        in_time("when", machine.when(name)).await.expect("when");
    }
    let names: Array = machine.active().into_iter().map(JsValue::from).collect();
    assert!(machine.is(names.into()).unwrap());
    assert!(!machine.is("no such state".into()).unwrap());
    let error = machine.when("no such state".into()).await.unwrap_err();
    assert_eq!(code(&error), "ERR_STATE");
}

#[wasm_bindgen_test]
async fn joins_over_websocket_alone() {
    let relay = relay().await;
    let mesh = joined(&relay.topic, &[&relay.only("ws")]).await;
    assert_eq!(mesh.transport().as_deref(), Some("ws"));
    mirrors_a_machine(&mesh).await;
    mesh.close().await;
}

#[wasm_bindgen_test]
async fn joins_over_webrtc_alone() {
    let relay = relay().await;
    let mesh = joined(&relay.topic, &[&relay.only("webrtc-direct")]).await;
    assert_eq!(mesh.transport().as_deref(), Some("webrtc"));
    mirrors_a_machine(&mesh).await;
    mesh.close().await;
}

#[wasm_bindgen_test]
async fn joins_through_the_page_with_both_in_one_dial() {
    let relay = relay().await;
    let mesh = joined(&relay.topic, &[BASE]).await;
    assert_eq!(mesh.topic(), relay.topic);
    mirrors_a_machine(&mesh).await;
    let ids: Vec<String> = mesh.machines().iter().map(JsMachine::id).collect();
    assert!(ids.iter().any(|id| id == DEMO_MACHINE), "{ids:?}");
    mesh.close().await;
}

/// Takes a constructor away from the page until dropped.
struct Without {
    name: JsValue,
    value: JsValue,
}

impl Without {
    fn new(name: &str) -> Self {
        let name = JsValue::from(name);
        let value = Reflect::get(&global(), &name).unwrap();
        Reflect::set(&global(), &name, &JsValue::UNDEFINED).unwrap();
        Self { name, value }
    }
}

impl Drop for Without {
    fn drop(&mut self) {
        Reflect::set(&global(), &self.name, &self.value).unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_browser_without_webrtc_takes_websocket() {
    let relay = relay().await;
    let _without = Without::new("RTCPeerConnection");
    let mesh = joined(&relay.topic, &[BASE]).await;
    assert_eq!(mesh.transport().as_deref(), Some("ws"));
    mesh.close().await;
}

#[wasm_bindgen_test]
async fn a_browser_without_websocket_takes_webrtc() {
    let relay = relay().await;
    let _without = Without::new("WebSocket");
    let mesh = joined(&relay.topic, &[BASE]).await;
    assert_eq!(mesh.transport().as_deref(), Some("webrtc"));
    mesh.close().await;
}

#[wasm_bindgen_test]
async fn a_browser_without_both_is_told() {
    let _one = Without::new("RTCPeerConnection");
    let _other = Without::new("WebSocket");
    let error = join(options("mesh", &[BASE], None)).await.err().unwrap();
    assert_eq!(code(&error), "ERR_TRANSPORT");
}

#[wasm_bindgen_test]
async fn relays_that_do_not_answer_are_named() {
    let nobody = "/ip4/127.0.0.1/tcp/9/ws";
    for relay in [nobody, "http://127.0.0.1:9"] {
        let joining = join(options("mesh", &[relay], Some(4000)));
        let error = in_time("join", joining).await.err().unwrap();
        assert_eq!(code(&error), "ERR_UNREACHABLE");
        let message: String = error
            .unchecked_into::<web_sys::js_sys::Error>()
            .message()
            .into();
        assert!(message.contains(relay), "{message}");
    }
}

#[wasm_bindgen_test]
async fn unusable_options_are_refused() {
    let nothing = Object::new().into();
    for options in [
        JsValue::UNDEFINED,
        JsValue::from("mesh"),
        nothing,
        options("mesh", &[], None),
        options("mesh", &["127.0.0.1"], None),
        options("mesh", &["/ip4/127.0.0.1/udp/1/quic-v1"], None),
        options("two words", &[BASE], None),
        options("mesh", &[BASE], Some(0)),
    ] {
        let error = join(options.clone()).await.err().unwrap();
        assert_eq!(code(&error), "ERR_OPTIONS", "{options:?}");
    }
}

#[wasm_bindgen_test]
async fn closing_ends_what_waits() {
    let relay = relay().await;
    let mesh = joined(&relay.topic, &[BASE]).await;
    let waiting = mesh.machine("a machine nobody has".to_owned());
    let (found, ()) = futures::join!(in_time("machine", waiting), mesh.close());
    assert_eq!(code(&found.err().unwrap()), "ERR_CLOSED");
}
