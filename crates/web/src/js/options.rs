//! What a page gives to `join`, `machines`, `watch` and `expose`, read once into what cannot be wrong.

use std::time::Duration;

use statemesh::query::Query;
use wasm_bindgen::prelude::*;
use web_sys::js_sys::{Array, Reflect};

use super::error::{Code, failure};
use super::relays::Relays;

/// What `join` was given.
pub(super) struct Options {
    pub(super) topic: String,
    pub(super) relays: Relays,
    pub(super) timeout: Duration,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// `ERR_OPTIONS`.
    pub(super) fn parse(options: &JsValue) -> Result<Self, JsValue> {
        if !options.is_object() {
            return Err(bad("join needs an object { topic, relays }"));
        }
        let topic = text(options, "topic")?.ok_or_else(|| bad("topic must be a string"))?;
        let relays = texts(options, "relays")?;
        let relays = Relays::parse(&relays).map_err(|error| bad(&error.to_string()))?;
        let timeout = milliseconds(options, "timeout")?.unwrap_or(TIMEOUT);
        Ok(Self {
            topic,
            relays,
            timeout,
        })
    }
}

/// A property, `undefined` when there is none or it throws.
pub(super) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A query; nothing given means every machine.
///
/// # Errors
/// `ERR_OPTIONS`.
pub(super) fn query(given: &JsValue) -> Result<Query, JsValue> {
    let mut query = Query::new();
    if given.is_undefined() || given.is_null() {
        return Ok(query);
    }
    if !given.is_object() {
        return Err(bad("a query must be an object"));
    }
    if let Some(peer) = text(given, "peer")? {
        let peer = peer.parse().map_err(|_| bad("peer must be a peer id"))?;
        query = query.peer(peer);
    }
    for (name, with) in [
        ("id", Query::id as fn(Query, String) -> Query),
        ("idContains", Query::id_contains),
        ("parent", Query::parent),
    ] {
        if let Some(text) = text(given, name)? {
            query = with(query, text);
        }
    }
    if let Some(pattern) = text(given, "idMatches")? {
        let with = query.id_matches(&pattern);
        query = with.map_err(|error| bad(&format!("idMatches: {error}")))?;
    }
    query = texts(given, "tags")?.into_iter().fold(query, Query::tag);
    query = texts(given, "tagKeys")?
        .into_iter()
        .fold(query, Query::tag_key);
    for (name, with) in [
        ("has", Query::has as fn(Query, Vec<String>) -> Query),
        ("all", Query::all),
        ("any", Query::any),
        ("none", Query::none),
    ] {
        let states = field(given, name);
        if !states.is_undefined() {
            query = with(query, state_names(&states)?);
        }
    }
    if field(given, "firstHand").is_truthy() {
        query = query.first_hand();
    }
    if let Some(within) = milliseconds(given, "fresh")? {
        query = query.fresh(within);
    }
    Ok(query)
}

/// One name, or an array of names.
///
/// # Errors
/// `ERR_STATE`.
pub(super) fn state_names(states: &JsValue) -> Result<Vec<String>, JsValue> {
    if let Some(one) = states.as_string() {
        return Ok(vec![one]);
    }
    strings(states)
        .ok_or_else(|| failure(Code::State, "states must be a name or an array of names"))
}

/// Ticks, one per state.
///
/// # Errors
/// `ERR_OPTIONS`.
pub(super) fn ticks(given: &JsValue) -> Result<Vec<u64>, JsValue> {
    let whole = |tick: JsValue| {
        let tick = tick.as_f64()?;
        let is_tick = tick >= 0.0 && tick.fract() == 0.0 && tick <= LARGEST_INTEGER;
        is_tick.then_some(tick as u64)
    };
    let ticks: Option<Vec<u64>> = Array::is_array(given)
        .then(|| Array::from(given).iter().map(whole).collect())
        .flatten();
    ticks.ok_or_else(|| bad("ticks must be an array of whole numbers"))
}

/// A text, if it is given.
///
/// # Errors
/// `ERR_OPTIONS`.
pub(super) fn text(options: &JsValue, name: &str) -> Result<Option<String>, JsValue> {
    let value = field(options, name);
    if value.is_undefined() {
        return Ok(None);
    }
    let text = value.as_string();
    text.map(Some)
        .ok_or_else(|| bad(&format!("{name} must be a string")))
}

/// Texts; none when they are not given.
///
/// # Errors
/// `ERR_OPTIONS`.
pub(super) fn texts(options: &JsValue, name: &str) -> Result<Vec<String>, JsValue> {
    let value = field(options, name);
    if value.is_undefined() {
        return Ok(Vec::new());
    }
    strings(&value).ok_or_else(|| bad(&format!("{name} must be an array of strings")))
}

fn milliseconds(options: &JsValue, name: &str) -> Result<Option<Duration>, JsValue> {
    let value = field(options, name);
    if value.is_undefined() {
        return Ok(None);
    }
    let ms = value.as_f64().filter(|ms| *ms > 0.0);
    let ms = ms.ok_or_else(|| bad(&format!("{name} must be a positive number of milliseconds")))?;
    Ok(Some(Duration::from_secs_f64(
        (ms / 1000.0).min(LONGEST_TIMEOUT),
    )))
}

fn strings(array: &JsValue) -> Option<Vec<String>> {
    if !Array::is_array(array) {
        return None;
    }
    Array::from(array).iter().map(|it| it.as_string()).collect()
}

fn bad(told: &str) -> JsValue {
    failure(Code::Options, told)
}

/// As long as the dashboard waits before it calls a connection lost.
const TIMEOUT: Duration = Duration::from_secs(10);
/// JavaScript's `Number.MAX_SAFE_INTEGER`.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_991.0;
/// Seconds; what a browser's timer can hold.
const LONGEST_TIMEOUT: f64 = 2_000_000.0;
