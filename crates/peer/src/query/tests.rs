//! Every condition alone, against one machine, and all together.

use std::sync::Arc;

use statemesh_core::engine::{SchemaDef, StateDef};
use statemesh_core::states;

use super::*;

states! {
    enum Worker {
        Ready {},
        Busy {},
        Broken {},
    }
}

const PEER: &str = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";
const OTHER: &str = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";

/// `render-7`, a child of `pool`, heard of five seconds ago: `Ready` is active at its third tick, `Busy` at none.
fn check(query: Query, expected: bool) {
    let def = Worker::schema().state("Extra", StateDef::new());
    let (schema, _): (Arc<Schema>, _) = Schema::normalise(&def);
    let tags: Vec<String> = ["kind:render", "gpu", "addr:/ip4/1.2.3.4/tcp/5"]
        .map(str::to_owned)
        .into();
    let mut clock = vec![0; schema.len()];
    clock[0] = 3;
    clock[1] = 2;
    let facts = Facts {
        peer: PEER.parse().unwrap(),
        id: "render-7",
        tags: &tags,
        parent: "pool",
        schema: &schema,
        clock: &clock,
        first_hand: true,
        age: Duration::from_secs(5),
    };
    assert_eq!(query.holds(&facts), expected, "{query:?}");
}

#[test]
fn owner_id_and_parent() {
    let all = Query::new;
    check(all(), true);
    check(all().peer(PEER.parse().unwrap()), true);
    check(all().peer(OTHER.parse().unwrap()), false);
    check(all().id("render-7"), true);
    check(all().id("render"), false);
    check(all().id_contains("der-"), true);
    check(all().id_contains(""), true);
    check(all().id_contains("Render"), false);
    check(all().parent("pool"), true);
    check(all().parent(""), false);
}

#[test]
fn tags() {
    let all = Query::new;
    check(all().tag("gpu"), true);
    check(all().tag("kind:render"), true);
    check(all().tag("kind"), false);
    check(all().tag_key("kind"), true);
    check(all().tag_key("gpu"), true);
    check(all().tag_key("kin"), false);
    check(all().tag_key(""), false);
    check(all().tag_value("kind", "render"), true);
    check(all().tag_value("kind", "rend"), false);
    check(all().tag_value("gpu", ""), false);
    check(all().tag_value("addr", "/ip4/1.2.3.4/tcp/5"), true);
}

#[test]
fn states_by_name_index_and_type() {
    let all = Query::new;
    check(all().has(["Ready", "Extra"]), true);
    check(all().has(["Ready", "Missing"]), false);
    check(all().has(StateIdx(3)), true);
    check(all().has(StateIdx(400)), false);
    check(all().all("Ready"), true);
    check(all().all(Worker::Ready), true);
    check(all().all(StateIdx(0)), true);
    check(all().all([Worker::Ready, Worker::Busy]), false);
    check(all().all("Missing"), false);
    check(all().any([Worker::Busy, Worker::Ready]), true);
    check(all().any(["Busy", "Missing"]), false);
    check(all().none(["Busy", "Broken", "Missing"]), true);
    check(all().none(["Busy", "Ready"]), false);
}

#[test]
fn ticks() {
    let all = Query::new;
    check(all().tick("Ready", 3), true);
    check(all().tick("Ready", 4), false);
    check(all().tick(Worker::Busy, 2), true);
    check(all().tick("Missing", 0), false);
}

#[test]
fn trust_and_age() {
    let seconds = Duration::from_secs;
    check(Query::new().first_hand(), true);
    check(Query::new().fresh(seconds(5)), true);
    check(Query::new().fresh(seconds(4)), false);
    let both = Query::new().fresh(seconds(9)).fresh(seconds(7));
    assert_eq!(both.patience(), Some(seconds(7)));
    assert_eq!(Query::new().first_hand().patience(), None);
}

#[test]
fn all_conditions_must_hold() {
    let query = || Query::new().id("render-7").tag("gpu").all("Ready");
    check(query(), true);
    check(query().none("Ready"), false);
    check(query().tag("cpu"), false);
}

#[test]
fn hearsay_is_not_first_hand_and_a_short_clock_is_inactive() {
    let def = SchemaDef::new().state("A", StateDef::new());
    let (schema, _) = Schema::normalise(&def);
    let facts = Facts {
        peer: PEER.parse().unwrap(),
        id: "m",
        tags: &[],
        parent: "",
        schema: &schema,
        clock: &[],
        first_hand: false,
        age: Duration::ZERO,
    };
    assert!(!Query::new().first_hand().holds(&facts));
    assert!(Query::new().has("A").none("A").holds(&facts));
    assert!(!Query::new().tick("A", 0).holds(&facts));
}

#[cfg(feature = "regex")]
#[test]
fn regular_expressions() {
    let matches = |pattern| Query::new().id_matches(pattern);
    check(matches(r"^render-\d+$").unwrap(), true);
    check(matches("der").unwrap(), true);
    check(matches(r"^\d").unwrap(), false);
    for bad in ["(", "[z-a]", "a{1000}{1000}"] {
        let refused = matches(bad).unwrap_err();
        assert_eq!(refused.pattern, bad);
        assert!(!refused.reason.is_empty());
    }
}
