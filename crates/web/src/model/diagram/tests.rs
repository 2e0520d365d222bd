//! Layers, order, places, what is drawn and what is exported, on schemas by hand and random ones.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].
use proptest::collection::vec;
use proptest::prelude::*;
use statemesh::core::engine::{Handler, Step};
use statemesh::{SchemaDef, StateDef, StateIdx};

use super::layers::{capacity, layers, leads};
use super::*;
use crate::model::is_active;

/// States by number, with these relations; kinds are require, add, remove, after.
fn schema(count: usize, relations: &[(usize, usize, usize)]) -> SchemaFacts {
    let name = |at: usize| format!("State{at}");
    let def = (0..count).fold(SchemaDef::new(), |def, at| {
        let of = |kind| {
            let mine = relations
                .iter()
                .filter(|it| it.0 % count == at && it.2 == kind);
            Some(mine.map(|it| name(it.1 % count)).collect::<Vec<_>>())
        };
        let state = StateDef {
            require: of(0),
            add: of(1),
            remove: of(2),
            after: of(3),
            ..StateDef::new()
        };
        def.state(name(at), state)
    });
    SchemaFacts::new(&def)
}

fn all(schema: &SchemaFacts) -> (Sketch, Layout) {
    let sketch = sketch(schema, &Group::All, Outside::Hide, None);
    let layout = arrange(schema, &sketch, Depth::Relations).finish();
    (sketch, layout)
}

/// A delivery, shorter.
fn courier() -> SchemaFacts {
    let def = SchemaDef::new()
        .state("Start", StateDef::new())
        .state("Linked", StateDef::new().require(["Start"]))
        .state(
            "Ready",
            StateDef::new().auto().require(["Linked", "RouteOk"]),
        )
        .state("RouteOk", StateDef::new().remove(["RouteLost"]))
        .state(
            "RouteLost",
            StateDef::new().add(["Waiting"]).remove(["RouteOk"]),
        )
        .state("Waiting", StateDef::new().multi().remove(["Driving"]))
        .state(
            "Driving",
            StateDef {
                tags: Some(vec!["road".into()]),
                ..StateDef::new().require(["Ready"]).after(["Linked"])
            },
        )
        .state("Exception", StateDef::new().multi());
    SchemaFacts::new(&def)
}

fn picture(depth: Depth, dim: Dim, facts: &Facts) -> Picture {
    let schema = courier();
    let (sketch, layout) = all(&schema);
    Picture::states(&schema, (&sketch, &layout), (depth, dim), facts)
}

fn said(picture: &Picture) -> Vec<(usize, String, usize)> {
    let lines = picture.lines.iter();
    lines
        .map(|line| (line.from, line.word.clone(), line.to))
        .collect()
}

fn lost() -> Facts {
    let mut facts = Facts {
        clock: vec![1, 1, 0, 0, 1, 1, 0, 0],
        changed: vec![2, 3, 4, 5],
        called: vec![4],
        ..Facts::default()
    };
    facts.tell(&steps());
    facts
}

fn steps() -> Vec<Step> {
    let state = StateIdx;
    vec![
        Step::Requested(state(4)),
        Step::Set(state(4)),
        Step::Relation(Relation::Add, state(4), state(5)),
        Step::Relation(Relation::Remove, state(4), state(3)),
        Step::Remove(state(3)),
        Step::Handler(Handler::AnyEnter),
        Step::Handler(Handler::Pair(state(3), state(4))),
        Step::Handler(Handler::State(state(4))),
    ]
}

#[test]
fn a_machine_is_read_in_the_order_in_which_it_starts() {
    let schema = courier();
    let (sketch, layout) = all(&schema);
    let layer = |name: &str| {
        let state = schema.states.iter().position(|it| it.name == name).unwrap();
        layout.spots[state].layer
    };
    assert_eq!(layer("Start"), Some(0));
    assert_eq!(layer("Linked"), Some(1));
    assert_eq!(layer("Ready"), Some(2));
    assert_eq!(layer("Driving"), Some(3));
    assert!(layer("RouteLost") < layer("Waiting"));
    assert_eq!(layer("Exception"), None, "it has no relation");
    let mutual: Vec<&Link> = sketch.links.iter().filter(|link| link.both).collect();
    assert_eq!((mutual.len(), mutual[0].from, mutual[0].to), (1, 3, 4));
    assert_eq!(layout.routes.len(), sketch.links.len());
}

#[test]
fn crossings_that_need_not_be_are_gone() {
    // Two rows of four, each with its opposite: drawn in the order of the schema every line crosses every other.
    let relations: Vec<(usize, usize, usize)> = (0..4).map(|at| (4 + at, 3 - at, 0)).collect();
    let schema = schema(8, &relations);
    let sketch = sketch(&schema, &Group::All, Outside::Hide, None);
    let mut arranger = arrange(&schema, &sketch, Depth::Relations);
    assert_eq!(arranger.crossings(), 6);
    let done = loop {
        let before = arranger.clone();
        if arranger.step().is_some() {
            break before;
        }
    };
    assert_eq!(done.crossings(), 0);
}

#[test]
fn a_thousand_states_in_one_chain_are_laid_out() {
    let relations: Vec<(usize, usize, usize)> = (1..1_000).map(|at| (at, at - 1, 0)).collect();
    let schema = schema(1_000, &relations);
    let (_, layout) = all(&schema);
    let layers: Vec<Option<usize>> = layout.spots.iter().map(|spot| spot.layer).collect();
    assert_eq!(layers, (0..1_000).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_group_hides_the_rest_or_leads_through_it() {
    let schema = courier();
    assert_eq!(
        groups(&schema),
        [
            Group::All,
            Group::Auto,
            Group::Multi,
            Group::Errors,
            Group::Tag("road".to_owned())
        ]
    );
    // Without Ready, Driving requires what Ready requires.
    let mut tagged = schema.clone();
    for at in [0, 1, 3, 6] {
        tagged.states[at].tags = tagged.states[6].tags.clone();
    }
    let road = Group::Tag("road".to_owned());
    let hidden = sketch(&tagged, &road, Outside::Hide, None);
    assert_eq!(hidden.states, [0, 1, 3, 6]);
    let lines = |sketch: &Sketch| {
        let links = sketch.links.iter();
        let line = |link: &Link| {
            (
                sketch.states[link.from],
                link.kind,
                sketch.states[link.to],
                link.through,
            )
        };
        links.map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&hidden),
        [(1, Relation::Require, 0, 0), (6, Relation::After, 1, 0)]
    );
    assert_eq!(
        lines(&sketch(&tagged, &road, Outside::Skip, None)),
        [
            (1, Relation::Require, 0, 0),
            (6, Relation::Require, 1, 1),
            (6, Relation::Require, 3, 1),
            (6, Relation::After, 1, 0),
        ]
    );
    let around = sketch(&schema, &Group::All, Outside::Hide, Some(4));
    assert_eq!(
        around.states,
        [3, 4, 5],
        "RouteLost and whom it adds, removes or is removed by"
    );
    assert_eq!(
        sketch(&schema, &Group::All, Outside::Hide, Some(7)).states,
        [7]
    );
}

#[test]
fn d52_levels_say_more_and_move_nothing() {
    let facts = lost();
    let levels = [
        Depth::States,
        Depth::Changed,
        Depth::Relations,
        Depth::Handlers,
    ];
    let pictures = levels.map(|depth| picture(depth, Dim::Nothing, &facts));
    let lines = pictures.each_ref().map(|it| it.lines.len());
    assert_eq!(lines, [0, 6, 8, 8]);
    assert!(
        said(&pictures[1])
            .iter()
            .all(|(from, _, to)| [from, to].iter().any(|at| facts.changed.contains(at)))
    );
    assert!(
        pictures[0]
            .cards
            .iter()
            .zip(&pictures[2].cards)
            .all(|(a, b)| a.at == b.at)
    );
    let details = |it: &Picture| {
        it.cards
            .iter()
            .map(|card| card.detail.clone())
            .collect::<Vec<_>>()
    };
    assert!(details(&pictures[2]).iter().all(String::is_empty));
    assert_eq!(
        details(&pictures[3]),
        ["", "", "", "*Pair", "*State", "", "road", ""]
    );
}

#[test]
fn d52_dims_leave_what_they_are_about() {
    let mut facts = lost();
    facts.selected = Some(2);
    let bright = |dim| {
        let picture = picture(Depth::Relations, dim, &facts);
        let cards = picture
            .cards
            .iter()
            .filter(|card| !card.dim)
            .filter_map(|card| card.state);
        let lines = picture.lines.iter().filter(|line| !line.dim).count();
        (cards.collect::<Vec<_>>(), lines)
    };
    assert_eq!(bright(Dim::Nothing), ((0..8).collect(), 8));
    assert_eq!(bright(Dim::Called), (vec![4], 2));
    assert_eq!(bright(Dim::Changed), (vec![2, 3, 4, 5], 6));
    assert_eq!(bright(Dim::Touched), (vec![3, 4, 5], 4));
    assert_eq!(bright(Dim::Relations), (vec![1, 2, 3, 6], 3));
    facts.selected = None;
    assert_eq!(
        picture(Depth::Relations, Dim::Relations, &facts)
            .cards
            .iter()
            .filter(|it| it.dim)
            .count(),
        0
    );
}

#[test]
fn a_sequence_has_a_row_for_each_step() {
    let picture = Picture::sequence(&courier(), &steps(), &lost());
    let names: Vec<&str> = picture
        .cards
        .iter()
        .map(|card| card.name.as_str())
        .collect();
    assert_eq!(names, ["RouteLost", "Waiting", "RouteOk", "Any state"]);
    let words: Vec<&str> = picture
        .lines
        .iter()
        .map(|line| line.word.as_str())
        .collect();
    assert_eq!(
        words,
        [
            "called",
            "to begin",
            "adds",
            "removes",
            "to end",
            "handler Enter",
            "handler Pair",
            "handler State"
        ]
    );
    assert_eq!((picture.lines[2].from, picture.lines[2].to), (4, 5));
    let rows = picture.lines.iter().map(|line| line.label.unwrap().1);
    assert!(
        rows.clone()
            .zip(rows.skip(1))
            .all(|(above, below)| below > above)
    );
    assert_eq!(
        Picture::sequence(&courier(), &[], &lost()),
        Picture::default()
    );
}

#[test]
fn names_are_cut_by_their_width() {
    let cut = |name: &str| picture::cut(&crate::model::Shown::new(name), 8);
    assert_eq!(cut("Ready"), "Ready");
    assert_eq!(cut("RerouteAsked"), "Reroute…");
    assert_eq!(cut("配達準備完了済"), "配達準…");
    assert_eq!(cut("a\u{202e}b"), "a\u{fffd}b");
}

/// Names that mean something in one format or the other.
const HOSTILE: [&str; 12] = [
    "</text><script>alert(1)</script>",
    "\"]; click s0 \"javascript:alert(1)\"",
    "end",
    "a'; b: {shape: image}",
    "${x} `code` |md",
    "#quot; & &amp; ]]>",
    "a\nb\r\n%% c",
    "\u{202e}gnp\u{0}\u{ffff}\u{fffe}",
    "s0 --> s1",
    "\\' \\\" \\",
    "Note over s0: x;y",
    "配達 🚚 é",
];

fn hostile() -> (SchemaFacts, Picture) {
    let def = HOSTILE
        .iter()
        .zip(0..)
        .fold(SchemaDef::new(), |def, (name, at)| {
            let tags = Some(vec![(*name).to_owned()]);
            let state = StateDef {
                tags,
                multi: at % 3 == 0,
                ..StateDef::new().require(HOSTILE[..at].last().copied())
            };
            def.state(*name, state)
        });
    let schema = SchemaFacts::new(&def);
    let facts = Facts {
        clock: vec![1; HOSTILE.len()],
        called: vec![1],
        changed: vec![2],
        ..Facts::default()
    };
    let (sketch, _) = all(&schema);
    let layout = arrange(&schema, &sketch, Depth::Handlers).finish();
    let picture = Picture::states(
        &schema,
        (&sketch, &layout),
        (Depth::Handlers, Dim::Called),
        &facts,
    );
    (schema, picture)
}

#[test]
fn d52_svg_is_well_formed_whatever_states_are_called() {
    let (schema, states) = hostile();
    let steps: Vec<Step> = (1..HOSTILE.len() as u16)
        .map(|at| Step::Relation(Relation::Require, StateIdx(at), StateIdx(at - 1)))
        .collect();
    let steps = Picture::sequence(&schema, &steps, &Facts::default());
    for picture in [states, steps] {
        let svg = Format::Svg.write(&picture, HOSTILE[0]);
        let tags = elements(&svg);
        let count = |tag: &str| tags.iter().filter(|it| *it == tag).count();
        assert_eq!(
            (count("svg"), count("script"), count("g")),
            (1, 0, picture.cards.len() + picture.lines.len())
        );
    }
}

/// The elements of a document; panics where it is not well-formed.
fn elements(document: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut seen = Vec::new();
    let mut rest = document;
    assert!(
        document
            .chars()
            .all(|it| matches!(it, '\n' | ' '..='\u{fffd}' | '\u{10000}'..))
    );
    while let Some((text, tag)) = rest.split_once('<') {
        let entities = text.split('&').skip(1);
        for entity in entities {
            assert!(
                ["amp;", "lt;", "gt;", "quot;"]
                    .iter()
                    .any(|it| entity.starts_with(it)),
                "{entity}"
            );
        }
        assert!(!text.contains('>'), "{text}");
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (name, attributes) = tag
            .trim_end_matches('/')
            .split_once(' ')
            .unwrap_or((tag, ""));
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        seen.push(name.to_owned());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty());
    seen
}

#[test]
fn d52_mermaid_has_nothing_but_its_own_signs() {
    let (schema, picture) = hostile();
    let text = Format::Mermaid.write(&picture, "a\nb");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("%% a#10;b"));
    assert_eq!(lines.next(), Some("flowchart LR"));
    for (at, card) in picture.cards.iter().enumerate() {
        let line = lines.next().unwrap();
        let label = line.strip_prefix(&format!("  s{at}[\"")).unwrap();
        let (label, class) = label.split_once("\"]").unwrap();
        assert!(
            ["", ":::on", ":::multi", ":::error", ":::dim"].contains(&class),
            "{line}"
        );
        assert_eq!(decoded(label), format!("{} ({})", card.full, card.detail));
    }
    for line in lines.by_ref().take(picture.lines.len()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(
            matches!(words[..], [from, "-.->|requires|", to] if is_id(from) && is_id(to)),
            "{line}"
        );
    }
    assert!(lines.all(|line| line.starts_with("  classDef ")));

    let steps = [
        Step::Requested(StateIdx(1)),
        Step::Relation(Relation::Remove, StateIdx(1), StateIdx(10)),
    ];
    let picture = Picture::sequence(&schema, &steps, &Facts::default());
    let text = Format::Mermaid.write(&picture, "");
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!((lines[0], lines.len()), ("sequenceDiagram", 5));
    let shown = lines[1].strip_prefix("  participant s1 as ").unwrap();
    assert_eq!(decoded(shown), HOSTILE[1]);
    assert_eq!(
        lines[3..],
        ["  Note over s1: called", "  s1->>s10: removes"]
    );
}

fn is_id(word: &str) -> bool {
    word.strip_prefix('s')
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

/// What a label of Mermaid says; panics at a sign that is not written by its number.
fn decoded(label: &str) -> String {
    let mut out = String::new();
    let mut rest = label;
    while let Some(letter) = rest.chars().next() {
        if let Some(coded) = rest.strip_prefix('#') {
            let (number, after) = coded.split_once(';').unwrap();
            out.push(char::from_u32(number.parse().unwrap()).unwrap());
            rest = after;
        } else {
            assert!(
                letter.is_alphanumeric() || " _-.,".contains(letter),
                "{label}"
            );
            out.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    out
}

#[test]
fn d52_d2_has_every_name_between_quotes() {
    let (_, picture) = hostile();
    let text = Format::D2.write(&picture, HOSTILE[6]);
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("# a#10;b"));
    assert_eq!(lines.next(), Some("direction: right"));
    for (at, card) in picture.cards.iter().enumerate() {
        let line = lines.next().unwrap();
        let quoted = line.strip_prefix(&format!("s{at}: '")).unwrap();
        let mut label = String::new();
        let mut rest = quoted.chars().peekable();
        while let Some(letter) = rest.next() {
            if letter == '\'' && rest.next_if_eq(&'\'').is_none() {
                break;
            }
            label.push(letter);
        }
        assert_eq!(label, format!("{} ({})", card.full, card.detail));
        let style: String = rest.collect();
        assert!(
            style.is_empty() || (style.starts_with(" {style.") && style.ends_with('}')),
            "{style}"
        );
    }
    for line in lines {
        let (ends, style) = line.split_once(": requires {").unwrap();
        assert!(
            ends.split(" -> ").all(is_id) && style.ends_with('}'),
            "{line}"
        );
    }
}

/// At most so many states with any relations.
fn machines() -> impl Strategy<Value = SchemaFacts> {
    let relations = vec((0..40_usize, 0..40_usize, 0..4_usize), 0..90);
    (1..40_usize, relations).prop_map(|(count, relations)| schema(count, &relations))
}

fn overlap(a: &place::Spot, b: &place::Spot) -> bool {
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_and_all_is_in_the_picture(schema in machines()) {
        let (sketch, layout) = all(&schema);
        prop_assert_eq!(layout.spots.len(), schema.states.len());
        let (w, h) = layout.size;
        for (at, spot) in layout.spots.iter().enumerate() {
            prop_assert!(spot.x >= 0 && spot.y >= 0 && spot.x + spot.w <= w && spot.y + spot.h <= h, "{spot:?}");
            for other in &layout.spots[..at] {
                prop_assert!(!overlap(spot, other), "{spot:?} {other:?}");
            }
        }
        for (link, route) in sketch.links.iter().zip(&layout.routes) {
            prop_assert!(route.line.starts_with('M') && !route.head.is_empty(), "{link:?} {route:?}");
        }
    }

    #[test]
    fn relations_lead_on_but_where_they_go_in_a_circle(schema in machines()) {
        let (sketch, layout) = all(&schema);
        let layer = |at: usize| layout.spots[at].layer;
        let leading: Vec<(usize, usize)> = sketch.links.iter().filter(|it| it.from != it.to).filter_map(leads).collect();
        for &(first, second) in &leading {
            let is_back = layer(first) >= layer(second);
            prop_assert!(!is_back || reaches(&leading, second, first), "{first} {second}");
        }
        let linked = layout.spots.iter().filter(|it| it.layer.is_some()).count();
        for layer in 0..linked {
            let size = layout.spots.iter().filter(|it| it.layer == Some(layer)).count();
            prop_assert!(size <= capacity(linked));
        }
    }

    #[test]
    fn crossings_never_grow_and_the_same_is_drawn_the_same(schema in machines()) {
        let (sketch, layout) = all(&schema);
        let mut arranger = arrange(&schema, &sketch, Depth::Relations);
        let before = arranger.crossings();
        let done = loop {
            if let Some(layout) = arranger.step() {
                break layout;
            }
        };
        prop_assert!(arranger.crossings() <= before);
        prop_assert_eq!(&done, &layout);
        // What is marked moves nothing.
        let facts = Facts { clock: vec![1; schema.states.len()], changed: vec![0], ..Facts::default() };
        let picture = Picture::states(&schema, (&sketch, &layout), (Depth::Relations, Dim::Changed), &facts);
        for (card, spot) in picture.cards.iter().zip(&layout.spots) {
            prop_assert_eq!(card.at, (spot.x, spot.y, spot.w, spot.h));
            prop_assert_eq!(card.active, is_active(&facts.clock, card.state.unwrap()));
        }
    }
}

fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(&node) = seen.get(at) {
        at += 1;
        for (_, next) in edges.iter().filter(|edge| edge.0 == node) {
            if !seen.contains(next) {
                seen.push(*next);
            }
        }
    }
    seen.contains(&to)
}

#[test]
fn layers_of_nothing_are_none() {
    assert_eq!(layers(0, &[]), []);
    let (sketch, layout) = all(&SchemaFacts::default());
    assert_eq!((sketch.states.len(), layout.size), (0, (0, 0)));
}
