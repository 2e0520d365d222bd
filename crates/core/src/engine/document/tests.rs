//! Good and bad texts in both formats.

use std::fmt::Write;

use super::*;
use crate::engine::schemas::Basic;

fn def() -> SchemaDef {
    SchemaDef::new()
        .state("Start", StateDef::new())
        .state(
            "Busy \"\\\n\u{7f}é",
            StateDef::new()
                .auto()
                .multi()
                .require(["Start"])
                .tags(["a:b"]),
        )
        .state(
            "",
            StateDef::new()
                .remove([""; 0])
                .add(["Start"])
                .after(["Exception"]),
        )
}

#[track_caller]
fn json(text: &str, expected: &str) {
    check(SchemaDef::from_json(text), expected);
}

#[track_caller]
fn toml(text: &str, expected: &str) {
    check(SchemaDef::from_toml(text), expected);
}

#[track_caller]
fn check(def: Result<SchemaDef, TextErrors>, expected: &str) {
    match def {
        Ok(def) => panic!("{def:?}"),
        Err(errors) => assert_eq!(errors.to_string(), expected),
    }
}

#[test]
fn texts_and_definitions_are_the_same() {
    assert_eq!(
        SchemaDef::from_json(&def().to_json()),
        Ok(def()),
        "{}",
        def().to_json()
    );
    assert_eq!(
        SchemaDef::from_toml(&def().to_toml()),
        Ok(def()),
        "{}",
        def().to_toml()
    );
    let none = SchemaDef::new();
    assert_eq!(SchemaDef::from_json(&none.to_json()), Ok(none.clone()));
    assert_eq!(SchemaDef::from_toml(&none.to_toml()), Ok(none));
    let basic = Basic::schema();
    assert_eq!(SchemaDef::from_json(&basic.to_json()), Ok(basic.clone()));
    assert_eq!(SchemaDef::from_toml(&basic.to_toml()), Ok(basic));
}

#[test]
fn states_stand_in_the_order_of_the_text() {
    let expected = SchemaDef::new()
        .state("Zero", StateDef::new())
        .state("A", StateDef::new().remove(["Zero"]));
    let toml = "Zero = {}\n[A] # comment\nremove = [\n  'Zero',\n]\nauto = false\n";
    assert_eq!(SchemaDef::from_toml(toml), Ok(expected.clone()));
    let json = r#"{"Zero":{},"A":{"remove":["\u005aero"],"multi":false}}"#;
    assert_eq!(SchemaDef::from_json(json), Ok(expected));
}

#[test]
fn a_text_builds_on_a_definition() {
    let text = "[Working]\nrequire = ['Ready']\n[Heartbeat]\nmulti = true\n";
    let def = Basic::schema().merge_toml(text).unwrap();
    assert_eq!(def.states.len(), Basic::ALL.len() + 1);
    assert!(def.get("Heartbeat").unwrap().multi);
    check(
        SchemaDef::from_toml(text),
        "line 2: state Working: require names Ready, which is no state",
    );
    let broken = SchemaDef::new().state("A", StateDef::new().add(["Z"]));
    check(
        broken.merge_json("{}"),
        "state A: add names Z, which is no state",
    );
}

#[test]
fn mistakes_of_the_schema_are_told_with_their_lines() {
    json(
        "{\n \"A\": {\n  \"require\": [\"B\",\n   \"Strat\"],\n  \"remove\": [\"B\"] },\n \"B\": {\"after\": [\"A\",\n  \"A\"]}\n}",
        "line 3: state A both requires and removes B\n\
         line 4: state A: require names Strat, which is no state\n\
         line 7: state B: after names A more than once",
    );
    toml(
        "[A]\nrequire = ['B',\n  'Strat']\nremove = ['B']\n\n[B]\nafter = ['A', 'A']\n",
        "line 2: state A both requires and removes B\n\
         line 3: state A: require names Strat, which is no state\n\
         line 7: state B: after names A more than once",
    );
    json(
        "{\"A\": {},\n \"B\": {},\n \"A\": {}}",
        "line 3: state A is defined more than once",
    );
}

#[test]
fn mistakes_of_the_form_are_told_with_their_lines() {
    json(
        "{\"A\": {\"auto\": 1, \"requires\": []},\n\"B\": [],\n\"C\": {\"add\": \"A\", \"add\": [],\n\"tags\": [[\"x\"], null, {}]}}",
        "line 1: state A: auto has a number where true or false should be\n\
         line 1: state A has an unknown key requires\n\
         line 2: state B is a list, it should be a table\n\
         line 3: state C: add has a text where a list of texts should be\n\
         line 3: state C has its key add twice\n\
         line 4: state C: tags has a list where a text should be\n\
         line 4: state C: tags has null where a text should be\n\
         line 4: state C: tags has a table where a text should be",
    );
    toml(
        "A = 1979-05-27\n[B]\nmulti = 'yes'\nadds = []\nadd = [1.5]\n[B.remove]\n",
        "line 1: state A is a date, it should be a table\n\
         line 3: state B: multi has a text where true or false should be\n\
         line 4: state B has an unknown key adds\n\
         line 5: state B: add has a number where a text should be\n\
         line 6: state B: remove has a table where a list of texts should be",
    );
    json(
        "[]",
        "line 1: a schema is a table of states, this is a list",
    );
    json(
        "\n7",
        "line 2: a schema is a table of states, this is a number",
    );
    json(
        "{\"\\ud800\": {}}",
        "line 1: a schema is a table of states, this is a table with a key that is no Unicode",
    );
    json(
        "{\"A\": {\"add\": [\"\\ud800\"]}}",
        "line 1: state A: add has a text that is no Unicode where a text should be",
    );
}

#[test]
fn what_is_no_such_text_at_all_is_told_with_its_line() {
    for (text, line) in [
        ("", 1),
        ("{\n\"A\": {}\n", 3),
        ("{\n\"A\": {},}", 2),
        ("{} {}", 1),
    ] {
        let errors = SchemaDef::from_json(text).unwrap_err();
        let [
            TextError {
                line: found,
                problem: TextProblem::Syntax(message),
            },
        ] = errors.as_slice()
        else {
            panic!("{errors}");
        };
        assert!(
            *found == Some(line) && !message.contains("line"),
            "{text}: {errors}"
        );
    }
    for (text, line) in [("[A]\nauto = maybe", 2), ("[A]\n[B]\n[A]\n", 3), ("[A", 1)] {
        let errors = SchemaDef::from_toml(text).unwrap_err();
        assert_eq!(errors.as_slice()[0].line, Some(line), "{errors}");
    }
}

#[test]
fn huge_and_deep_texts_are_refused_or_cut() {
    let long = " ".repeat(MAX_BYTES + 1);
    for refused in [SchemaDef::from_json(&long), SchemaDef::from_toml(&long)] {
        check(refused, "8388609 bytes, at most 8388608 are read");
    }
    let deep = format!(
        "{{\"A\": {{\"add\": {}{}}}}}",
        "[".repeat(1 << 20),
        "]".repeat(1 << 20)
    );
    json(
        &deep,
        "line 1: state A: add has a list where a text should be",
    );
    let deep = format!("A = {}", "[".repeat(1 << 20));
    assert!(SchemaDef::from_toml(&deep).is_err());
    let mut many = String::from("{\n");
    for at in 0..70_000 {
        let _ = writeln!(many, "\"s{at}\": {{}},");
    }
    many += "\"last\": {\"add\": [\"s1\"]}\n}";
    json(&many, "70002 states, at most 65535 fit");
    let mut wrong = String::from("{\n");
    for at in 0..20_000 {
        let _ = writeln!(wrong, "\"s{at}\": {{\"add\": [\"z\"]}},");
    }
    wrong += "\"last\": {}\n}";
    for wrong in [wrong.clone(), wrong.replace("add", "adds")] {
        let errors = SchemaDef::from_json(&wrong).unwrap_err();
        assert_eq!(errors.as_slice().len(), MAX_ERRORS);
        assert_eq!(errors.as_slice()[MAX_ERRORS - 1].line, Some(MAX_ERRORS + 1));
    }
}

/// Each mistake is looked for in a list of all of them.
#[test]
fn a_text_full_of_mistakes_is_read_like_any_other() {
    let mut text = String::from("{\"A\": {\"require\": [\n");
    for at in 0..400_000 {
        let comma = if at > 0 { ",\n" } else { "" };
        write!(text, "{comma}\"N{at}\"").unwrap();
    }
    text.push_str("]}}");
    let errors = SchemaDef::from_json(&text).unwrap_err();
    let lines: Vec<_> = errors.as_slice().iter().map(|error| error.line).collect();
    assert_eq!(lines, (2..102).map(Some).collect::<Vec<_>>());
}
