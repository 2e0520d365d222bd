//! Runs recorded lines of values and texts: clock functions, schema algebra, serialisation, queries, log lines.
//!
//! Every line is `{"kind", "in", "out"}`. Where the reference panics, a typed error of ours agrees with it; an answer
//! of ours is a deliberate difference, like an answer that is other only because we do not have a known defect.

use serde_json::Value;

use crate::vectors::Verdict;

mod compare;
mod lists;
mod logs;
mod machines;
mod moves;
mod times;

use self::compare::{Comparison, compare};

/// Runs one line.
#[must_use]
pub fn check(line: &Value) -> Verdict {
    let (kind, input, recorded) = (line["kind"].as_str(), &line["in"], &line["out"]);
    let kind = kind.unwrap_or_default();
    let ours = match kind {
        "time_fn" => times::time(input),
        "time_index_fn" => times::named_time(input),
        "tick_fn" => times::tick(input),
        "list_fn" => lists::lists(input),
        "hash" => lists::hash(input),
        "name_fn" => lists::names(input),
        "reserved_name" => lists::reserved(input),
        "state_fn" => lists::state(input),
        "schema_fn" => lists::schema(input),
        "construct" => machines::construct(input),
        "verify_states" => machines::verify(input),
        "machine_text" => machines::texts(input),
        "checks" => machines::checks(input),
        "log" => logs::lines(input),
        "tx_text" => logs::transitions(input),
        "enum_text" => Ok(logs::words()),
        "import" => moves::import(input),
        "import_errors" => moves::import_errors(input),
        "set_schema" => moves::set_schema(input),
        "groups" => moves::groups(input),
        "relations_of" => moves::relations(input),
        "mutation_text" => machines::mutation_text(input),
        "call_signature" => machines::signature(input),
        _ => return Verdict::Unsupported(format!("kind {kind}")),
    };
    let ours = match ours {
        Ok(ours) => ours,
        Err(error) => return Verdict::Differs(format!("{kind} {input}: {error}")),
    };
    match compare(recorded, &ours) {
        Comparison::Equal => Verdict::Agree,
        Comparison::Answered => Verdict::Deliberate(PANICS.to_owned()),
        Comparison::Different(difference) => match fixed(kind, input, recorded, &ours) {
            Some(defect) => Verdict::Deliberate(defect.to_owned()),
            None => Verdict::Differs(format!("{kind} {input}: {difference}")),
        },
    }
}

/// The defect of the reference that alone makes this difference.
fn fixed(kind: &str, input: &Value, recorded: &Value, ours: &Value) -> Option<&'static str> {
    match (kind, input["fn"].as_str()) {
        ("time_fn", Some("active_some")) => times::ignores_filter(input, recorded).then_some("B19"),
        ("state_fn", Some("extend")) => lists::forgets_tags(input, recorded, ours).then_some("1.5"),
        ("schema_fn", Some("parse")) => lists::keeps_unknown(recorded, ours).then_some("B17"),
        ("construct", None) => lists::keeps_unknown(recorded, ours).then_some("B17"),
        ("verify_states", None) => machines::loses_a_state(recorded, ours).then_some("B18"),
        ("import_errors", None) => moves::imports_half(recorded, ours).then_some("B23"),
        ("set_schema", None) => moves::drops_an_active_state(recorded, ours).then_some("B23"),
        ("log", None) => logs::fires_queue_waits_late(recorded, ours).then_some("B2"),
        ("tx_text", None) => logs::shows_pairs_as_after(recorded, ours).then_some("5.7"),
        ("list_fn", None) => lists::subtracts_nothing(input, recorded, ours).then_some("B19"),
        _ => None,
    }
}

/// The reference panics on an index out of range (its defect is described there); we say what holds for such a state.
const PANICS: &str = "2.2";

/// Fields of a line, with an error that names the missing one.
trait Fields {
    fn field(&self, key: &str) -> Result<&Value, String>;
    fn text(&self, key: &str) -> Result<&str, String>;
    fn names(&self, key: &str) -> Result<Vec<String>, String>;
}

impl Fields for Value {
    fn field(&self, key: &str) -> Result<&Value, String> {
        self.get(key).ok_or_else(|| format!("no field {key}"))
    }
    fn text(&self, key: &str) -> Result<&str, String> {
        let text = self.field(key)?.as_str();
        text.ok_or_else(|| format!("{key} is no text"))
    }
    fn names(&self, key: &str) -> Result<Vec<String>, String> {
        let names = serde_json::from_value::<Option<_>>(self.field(key)?.clone());
        let names = names.map_err(|error| format!("{key}: {error}"))?;
        Ok(names.unwrap_or_default())
    }
}
