//! The recorded format: what a case says, as typed as it needs to be.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use statemesh_core::engine::{SchemaDef, StateDef};

/// One machine and what is done to it.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) quirks: Vec<String>,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) schema: BTreeMap<String, State>,
    pub(crate) bind: Bind,
    #[serde(default)]
    pub(crate) scripts: Scripts,
    #[serde(default)]
    pub(crate) second: Scripts,
    pub(crate) queue_limit: Option<u16>,
    #[serde(default)]
    pub(crate) deep: bool,
    pub(crate) ops: Vec<Op>,
}

/// By handler name.
pub(crate) type Scripts = BTreeMap<String, Vec<Script>>;

/// Which handlers the first set has, besides the scripted ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bind {
    None,
    Plain,
    Full,
    Listed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    #[serde(default)]
    auto: bool,
    #[serde(default)]
    multi: bool,
    require: Option<Vec<String>>,
    add: Option<Vec<String>>,
    remove: Option<Vec<String>>,
    after: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

/// What a handler does at one of its calls, or at each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    pub(crate) at: Option<u64>,
    #[serde(default, rename = "do")]
    pub(crate) ops: Vec<Op>,
    #[serde(default)]
    pub(crate) veto: bool,
    #[serde(default)]
    pub(crate) panic: bool,
}

/// One call of the machine's interface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Op {
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) states: Vec<String>,
    pub(crate) args: Option<Value>,
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) times: Vec<u64>,
    #[serde(default)]
    pub(crate) n: u64,
    pub(crate) query: Option<Query>,
    pub(crate) ctx: Option<String>,
}

/// Sum of ticks to wait for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[serde(default)]
    pub(crate) states: Vec<String>,
    #[serde(default)]
    pub(crate) min: u64,
}

impl Case {
    /// The schema as its author wrote it, states by name.
    pub(crate) fn schema_def(&self) -> SchemaDef {
        by_name(&self.schema)
    }
}

/// A schema as its author wrote it, states by name.
pub(crate) fn schema_def(schema: &Value) -> Result<SchemaDef, String> {
    let states: BTreeMap<String, State> =
        serde_json::from_value(schema.clone()).map_err(|error| format!("schema: {error}"))?;
    Ok(by_name(&states))
}

fn by_name(states: &BTreeMap<String, State>) -> SchemaDef {
    let states = states.iter();
    SchemaDef {
        states: states
            .map(|(name, state)| (name.clone(), state.def()))
            .collect(),
    }
}

impl State {
    pub(crate) fn def(&self) -> StateDef {
        StateDef {
            auto: self.auto,
            multi: self.multi,
            require: self.require.clone(),
            add: self.add.clone(),
            remove: self.remove.clone(),
            after: self.after.clone(),
            tags: self.tags.clone(),
        }
    }
}

/// All that was observable in one run.
pub(crate) struct Outcome<'a> {
    pub(crate) index: Vec<&'a str>,
    pub(crate) init: &'a Value,
    pub(crate) out: &'a [Value],
}

impl<'a> Outcome<'a> {
    /// The one outcome of a line, or every one it lists.
    pub(crate) fn all(line: &'a Value) -> Result<Vec<Self>, String> {
        match line.get("outcomes") {
            Some(outcomes) => {
                let outcomes = outcomes.as_array().ok_or("outcomes are no list")?;
                outcomes.iter().map(Self::new).collect()
            }
            None => Ok(vec![Self::new(line)?]),
        }
    }
    fn new(value: &'a Value) -> Result<Self, String> {
        let index = value
            .get("index")
            .and_then(Value::as_array)
            .ok_or("no index")?;
        Ok(Self {
            index: index.iter().filter_map(Value::as_str).collect(),
            init: value.get("init").ok_or("no init")?,
            out: value.get("out").and_then(Value::as_array).ok_or("no out")?,
        })
    }
}
