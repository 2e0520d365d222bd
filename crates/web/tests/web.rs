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
use statemesh_web::{JsMachine, JsMesh, JsQuery, WaitOptions, join};
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
    let found = in_time("machine", mesh.machine(DEMO_MACHINE.into(), None)).await;
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
        in_time("when", machine.when(name, None))
            .await
            .expect("when");
    }
    let names: Array = machine.active().into_iter().map(JsValue::from).collect();
    assert!(machine.is(names.into()).unwrap());
    assert!(!machine.is("no such state".into()).unwrap());
    let error = machine
        .when("no such state".into(), None)
        .await
        .unwrap_err();
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
    let ids: Vec<String> = mesh
        .machines(None)
        .unwrap()
        .iter()
        .map(JsMachine::id)
        .collect();
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
    let waiting = mesh.machine("a machine nobody has".into(), None);
    let (found, ()) = futures::join!(in_time("machine", waiting), mesh.close());
    assert_eq!(code(&found.err().unwrap()), "ERR_CLOSED");
}

/// An object as JavaScript writes it.
fn js(json: &str) -> JsValue {
    web_sys::js_sys::JSON::parse(json).unwrap()
}

fn query(json: &str) -> JsQuery {
    js(json).unchecked_into()
}

/// Calls that arrive in a stream, as the ids of machines.
fn heard() -> (
    Closure<dyn FnMut(JsMachine)>,
    mpsc::UnboundedReceiver<String>,
) {
    let (tell, told) = mpsc::unbounded();
    let callback = Closure::new(move |machine: JsMachine| {
        let _ = tell.unbounded_send(machine.id());
    });
    (callback, told)
}

fn function(callback: &Closure<dyn FnMut(JsMachine)>) -> Function {
    callback.as_ref().unchecked_ref::<Function>().clone()
}

const LAMP: &str = r#"{ "On": { "remove": ["Off"] }, "Off": { "remove": ["On"] } }"#;

#[wasm_bindgen_test]
async fn two_joins_are_two_peers_that_see_each_other() {
    let relay = relay().await;
    let one = joined(&relay.topic, &[BASE]).await;
    let other = joined(&relay.topic, &[BASE]).await;
    assert_ne!(one.peer_id(), other.peer_id());

    let (enter, mut entered) = heard();
    let (leave, mut left) = heard();
    let lit = query(r#"{ "tags": ["kind:lamp"], "all": "On", "firstHand": true }"#);
    let unwatch = other
        .watch(lit, function(&enter), function(&leave))
        .unwrap();

    let shown = r#"{ "id": "lamp", "tags": ["kind:lamp"], "parent": "desk" }"#;
    let lamp = one.expose(js(LAMP), js(shown)).await.unwrap();
    let which = format!(r#"{{ "id": "lamp", "peer": "{}" }}"#, one.peer_id());
    let seen = in_time("lamp", other.machine(js(&which), None))
        .await
        .unwrap();
    assert_eq!(
        (seen.parent(), seen.tags()),
        ("desk".into(), vec!["kind:lamp".into()])
    );
    assert!(seen.not(js(r#"["On", "Off"]"#)).unwrap() && !seen.gone());

    // Its owner was heard: both kinds of waits end with its word.
    let believing = seen.with_hearsay();
    assert!(seen.first_hand() && believing.key() == seen.key());
    let lit_for_both = in_time("either", believing.when("On".into(), None));
    let lights = in_time("light", seen.when_next_active("On".into(), None));
    let switch = async { lamp.add("On".into()).unwrap() };
    let (lit, both, switched) = futures::join!(lights, lit_for_both, switch);
    assert!(lit.is_ok() && both.is_ok() && switched && lamp.is("On".into()).unwrap());
    assert!(seen.any(js(r#"["On", "Off"]"#)).unwrap());
    assert_eq!(seen.tick("On"), 1.0);
    assert_eq!(in_time("enter", entered.next()).await.unwrap(), "lamp");
    let both = query(r#"{ "idMatches": "^l.mp$", "has": ["On", "Off"] }"#);
    let found = in_time("whenAny", other.when_any(both, 1, None))
        .await
        .unwrap();
    assert!(found.iter().any(|it| it.id() == "lamp"));

    let (tell, mut told) = mpsc::unbounded();
    let callback = Closure::<dyn FnMut(JsValue)>::new(move |change| {
        let _ = tell.unbounded_send(change);
    });
    let ticked = in_time(
        "ticks",
        seen.when_time(js(r#"["On", "Off"]"#), js("[2, 1]"), None),
    );
    let _stop = lamp.on_change(callback.as_ref().unchecked_ref::<Function>().clone());
    lamp.add("Off".into()).unwrap();
    ticked.await.unwrap();
    lamp.when_time("Off".into(), js("[1]"), None).await.unwrap();
    let change = in_time("change", told.next()).await.unwrap();
    let active = Reflect::get(&change, &"active".into()).unwrap();
    assert_eq!(Array::from(&active).get(0).as_string().unwrap(), "Off");
    assert_eq!(in_time("leave", left.next()).await.unwrap(), "lamp");

    let gone = in_time("gone", seen.when("On".into(), None));
    let (gone, withdrawn) = futures::join!(gone, lamp.withdraw());
    withdrawn.unwrap();
    assert_eq!(code(&gone.unwrap_err()), "ERR_GONE");
    let change = in_time("end", told.next()).await.unwrap();
    assert!(Reflect::get(&change, &"gone".into()).unwrap().is_truthy());
    unwatch
        .unchecked_into::<Function>()
        .call0(&JsValue::UNDEFINED)
        .unwrap();
    one.close().await;
    other.close().await;
}

#[wasm_bindgen_test]
async fn a_signal_gives_a_promise_up() {
    let relay = relay().await;
    let control = web_sys::AbortController::new().unwrap();
    let wait = || -> Option<WaitOptions> {
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &control.signal()).unwrap();
        Some(JsValue::from(options).unchecked_into())
    };
    let mesh = joined(&relay.topic, &[BASE]).await;
    let machine = in_time("machine", mesh.machine(DEMO_MACHINE.into(), None))
        .await
        .unwrap();
    let never = machine.when("Exception".into(), wait());
    let nobody = mesh.machine("a machine nobody has".into(), wait());
    let aborting = async {
        TimeoutFuture::new(0).await;
        control.abort();
    };
    let (never, nobody, ()) =
        futures::join!(in_time("when", never), in_time("machine", nobody), aborting);
    for error in [never.unwrap_err(), nobody.err().unwrap()] {
        let name = Reflect::get(&error, &"name".into()).unwrap();
        assert_eq!(name.as_string().unwrap(), "AbortError");
    }
    let late = machine.when("Exception".into(), wait()).await;
    assert!(late.is_err(), "aborted before");
    let given = options(&relay.topic, &[BASE], None);
    Reflect::set(&given, &"signal".into(), &control.signal()).unwrap();
    assert!(join(given).await.is_err(), "aborted before");
    mesh.close().await;
}

#[wasm_bindgen_test]
async fn mistakes_have_codes() {
    let relay = relay().await;
    let mesh = joined(&relay.topic, &[BASE]).await;
    for (schema, options, expected) in [
        (
            r#"{ "A": { "require": ["B"] } }"#,
            r#"{ "id": "m" }"#,
            "ERR_SCHEMA",
        ),
        (
            r#"{ "A": { "colour": 1 } }"#,
            r#"{ "id": "m" }"#,
            "ERR_SCHEMA",
        ),
        ("[]", r#"{ "id": "m" }"#, "ERR_SCHEMA"),
        (LAMP, "{}", "ERR_OPTIONS"),
        (LAMP, r#"{ "id": "m", "tags": "kind:lamp" }"#, "ERR_OPTIONS"),
    ] {
        let error = mesh.expose(js(schema), js(options)).await.err().unwrap();
        assert_eq!(code(&error), expected, "{schema} {options}");
    }
    for (which, expected) in [
        (r#"{ "peer": "somebody" }"#, "ERR_OPTIONS"),
        (r#"{ "id": 7 }"#, "ERR_OPTIONS"),
        (r#"{ "tags": [7] }"#, "ERR_OPTIONS"),
        (r#"{ "fresh": -1 }"#, "ERR_OPTIONS"),
        (r#"{ "idMatches": "(" }"#, "ERR_OPTIONS"),
        (r#"{ "all": {} }"#, "ERR_STATE"),
        (r#""orders""#, "ERR_OPTIONS"),
    ] {
        let error = mesh.machines(Some(query(which))).err().unwrap();
        assert_eq!(code(&error), expected, "{which}");
    }
    let lamp = mesh
        .expose(js(LAMP), js(r#"{ "id": "lamp" }"#))
        .await
        .unwrap();
    assert_eq!(code(&lamp.add("Purple".into()).unwrap_err()), "ERR_STATE");
    for (ticks, expected) in [
        ("[1.5]", "ERR_OPTIONS"),
        ("[-1]", "ERR_OPTIONS"),
        ("[]", "ERR_OPTIONS"),
    ] {
        let error = lamp
            .when_time("On".into(), js(ticks), None)
            .await
            .unwrap_err();
        assert_eq!(code(&error), expected, "{ticks}");
    }
    mesh.close().await;
    assert!(
        mesh.expose(js(LAMP), js(r#"{ "id": "lamp" }"#))
            .await
            .is_err()
    );
}

#[wasm_bindgen_test]
async fn a_peer_nobody_holds_says_bye() {
    let relay = relay().await;
    let one = joined(&relay.topic, &[BASE]).await;
    let other = joined(&relay.topic, &[BASE]).await;
    let lamp = one
        .expose(js(LAMP), js(r#"{ "id": "lamp" }"#))
        .await
        .unwrap();
    let which = format!(r#"{{ "id": "lamp", "peer": "{}" }}"#, one.peer_id());
    let seen = in_time("lamp", other.machine(js(&which), None))
        .await
        .unwrap();
    // The machine keeps the peer running.
    drop(one);
    lamp.add("On".into()).unwrap();
    in_time("light", seen.when("On".into(), None))
        .await
        .unwrap();
    drop(lamp);
    let gone = in_time("bye", seen.when("Off".into(), None)).await;
    assert_eq!(code(&gone.unwrap_err()), "ERR_GONE");
    assert!(
        seen.gone() && seen.is("On".into()).unwrap(),
        "the last clock stays"
    );
    other.close().await;
    assert!(other.machines(None).unwrap().is_empty());
}
