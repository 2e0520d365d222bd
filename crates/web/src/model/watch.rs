//! Watch rules: a filter, and for how long it has to hold (dashboard design 5.1). `Ready off > 5 s on kind:courier` is
//! short for `state:Ready=off tag:kind:courier > 5 s`. What matches joins the attention list at every cursor.

use super::filter::since::Turned;
use super::filter::{Compile, duration};
use super::verdict::{host_name, is_open};
use super::{
    AttentionRow, Candidate, Detail, Filter, Machine, MachineKey, MachineRef, Piece, Seen, Shown,
    Subject, World,
};
use crate::words::watch as words;
use statemesh::core::collections::sort_by;

/// A rule, ready to be asked.
pub struct WatchRule {
    /// As it was written.
    pub text: String,
    filter: Filter,
    /// The state it is about.
    state: Option<String>,
    hold: u64,
}

impl WatchRule {
    /// Reads a rule.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str, compile: Compile) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().take(WORDS).collect();
        let (mut filter, state, rest) = match words.as_slice() {
            [] => return Err(words::EMPTY.to_owned()),
            [state, turn @ ("on" | "off"), rest @ ..]
                if rest
                    .first()
                    .is_none_or(|it| *it == "on" || it.starts_with('>')) =>
            {
                let test = format!("state:{state}={turn}");
                (test, Some((*state).to_owned()), rest)
            }
            words => {
                let end = words.iter().position(|word| word.starts_with('>'));
                let (filter, rest) = words.split_at(end.unwrap_or(words.len()));
                (filter.join(" "), None, rest)
            }
        };
        let mut hold = 0;
        let mut rest = rest;
        if rest.first().is_some_and(|word| word.starts_with('>')) {
            let end = rest.iter().position(|word| *word == "on");
            let (time, behind) = rest.split_at(end.unwrap_or(rest.len()));
            let time = time.concat();
            hold = duration(&time[1..]).ok_or(words::WRONG_TIME)?;
            rest = behind;
        }
        match rest {
            [] => {}
            ["on", more @ ..] if !more.is_empty() => {
                for word in more {
                    filter.push(' ');
                    filter.push_str(&tagged(word, compile));
                }
            }
            _ => return Err(words::WRONG_END.to_owned()),
        }
        let filter = Filter::parse(&filter, compile)?;
        if filter.is_empty() {
            return Err(words::EMPTY.to_owned());
        }
        Ok(Self {
            text: text.trim().chars().take(LONGEST).collect(),
            filter,
            state,
            hold,
        })
    }

    /// The row of a machine that matches.
    fn row(
        &self,
        number: u16,
        world: &World,
        machine: &Machine,
        scene: &Watched<'_>,
    ) -> Option<AttentionRow> {
        let answer = world.assessment(&machine.key);
        let candidate = Candidate {
            machine,
            health: answer.health,
            detail: (scene.detail)(&machine.key),
            now: scene.at,
        };
        let onset = self.filter.since(&candidate, answer.onset, scene.turned)?;
        if scene.at.since(onset.by) < self.hold {
            return None;
        }
        let link = MachineRef::of(world, machine).href();
        Some(AttentionRow {
            subject: Subject::Watch(number, machine.key),
            health: answer.health,
            name: Piece::Name(machine.shown.clone()),
            others: Vec::new(),
            host: host_name(machine),
            what: vec![Piece::Name(Shown::new(&self.text))],
            onset,
            lasted: None,
            href: match &self.state {
                Some(state) => format!("{link}&st={}", super::link::encode(state)),
                None => link,
            },
        })
    }
}

/// `kind:courier` is a tag where it is no key of the filter, and none misspelt.
fn tagged(word: &str, compile: Compile) -> String {
    let is_tag = Filter::parse(word, compile).is_err() && !word.starts_with(['-', '/']);
    let tag = format!("tag:{word}");
    let has_key = word
        .split_once(':')
        .is_some_and(|(key, value)| !value.is_empty() && !Filter::is_like_a_key(key));
    if is_tag && has_key {
        tag
    } else {
        word.to_owned()
    }
}

/// What rules look at.
pub struct Watched<'a> {
    /// The moment.
    pub at: Seen,
    /// How much of a machine is received.
    pub detail: &'a dyn Fn(&MachineKey) -> Detail,
    /// What its history says.
    pub turned: Turned<'a>,
}

/// Machines that match, rule by rule, at most [`ROWS`]. Nothing is concluded while the connection is down.
#[must_use]
pub fn watch_rows(rules: &[WatchRule], world: &World, scene: &Watched<'_>) -> Vec<AttentionRow> {
    let rows = (0..).zip(rules).flat_map(|(number, rule)| {
        let machines = world
            .machines()
            .filter(|it| it.counts() && it.gone.is_none());
        machines.filter_map(move |machine| rule.row(number, world, machine, scene))
    });
    rows.take(ROWS).collect()
}

/// Puts them into the attention list, in order of onset.
#[must_use]
pub fn join_rows(rows: Vec<AttentionRow>, watched: &[AttentionRow]) -> Vec<AttentionRow> {
    let mut all = rows;
    all.extend(watched.iter().cloned());
    // Stable: of rows with one onset those of health come first.
    sort_by(&mut all, |a, b| a.onset.by.cmp(&b.onset.by));
    all
}

/// Machines that rules are about and that need no attention otherwise.
#[must_use]
pub fn watched_alone(world: &World, watched: &[AttentionRow]) -> usize {
    let mut keys: Vec<MachineKey> = Vec::new();
    for row in watched {
        if let Subject::Watch(_, key) = row.subject
            && !keys.contains(&key)
            && !is_open(world, key)
        {
            keys.push(key);
        }
    }
    keys.len()
}

/// The rule that `w` makes of a state: errors that are on, anything else that is not as it is; `Ready` when it is off.
#[must_use]
pub fn watched_state(
    machine: &str,
    state: &str,
    is_active: bool,
    is_error: bool,
) -> Option<String> {
    let is_word = |text: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        text.chars().all(is_plain) && text.starts_with(char::is_alphanumeric)
    };
    let turn = match (state, is_error) {
        (_, true) => "on",
        ("Ready", false) => "off",
        (_, false) if is_active => "off",
        (_, false) => "on",
    };
    let fits = is_word(state) && is_word(machine);
    fits.then(|| format!("{state} {turn} > 5 s on {machine}"))
}

/// The rule that `w` makes of a filter.
#[must_use]
pub fn watched_filter(filter: &str) -> Option<String> {
    let filter = filter.trim();
    (!filter.is_empty()).then(|| format!("{filter} > 5 s"))
}

/// Rules as they are kept; `None`: another version wrote them.
#[must_use]
pub fn read_rules(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines();
    match lines.next() {
        None => Some(Vec::new()),
        Some(VERSION) => Some(lines.take(MAX_RULES).map(cut).collect()),
        Some(_) => None,
    }
}

/// As they are to be kept.
#[must_use]
pub fn write_rules(rules: &[String]) -> String {
    let mut text = VERSION.to_owned();
    for rule in rules {
        text.push('\n');
        text.push_str(rule);
    }
    text
}

fn cut(line: &str) -> String {
    line.chars().take(LONGEST).collect()
}

/// Of what is kept.
const VERSION: &str = "v1";
/// Rules kept (guess: more than anybody looks after).
pub const MAX_RULES: usize = 50;
/// Characters of a rule.
const LONGEST: usize = 200;
/// Words of a rule.
const WORDS: usize = 40;
/// Rows that rules add to the attention list.
const ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use super::super::filter::Pattern;
    use super::super::fixture::{learned_of, reading};
    use super::super::{Health, Input, Interval, Phase, attention_rows};
    use super::*;

    fn none(_: &str) -> Option<Pattern> {
        None
    }

    /// Reads off a machine what the history would say.
    fn rows(rules: &[WatchRule], world: &World, at: u64) -> Vec<AttentionRow> {
        let turned = |machine: &Machine, state: Option<usize>| {
            let mut changes = machine.changes.iter().rev();
            let is_it = |change: &&super::super::Change| {
                change.states.iter().any(|it| Some(it.state) == state)
            };
            let first = Interval {
                after: None,
                by: Seen(0),
            };
            changes.find(is_it).map_or(first, |change| change.at)
        };
        let scene = Watched {
            at: Seen(at),
            detail: &|_| Detail::Snapshots,
            turned: &turned,
        };
        watch_rows(rules, world, &scene)
    }

    fn parse(text: &str) -> Result<WatchRule, String> {
        WatchRule::parse(text, none)
    }

    /// courier-1 was ready until between 900 and 1000, and is busy since 3000; Route-2 is as it was.
    fn world(at: u64) -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        let mut route = learned_of(2, 0, "Route-2", &[1, 0, 0, 0]);
        route.tags = vec!["host:van-2".into(), "kind:route".into()];
        world.apply(
            Input::Learned(learned_of(1, 0, "courier-1", &[1, 1, 0, 0])),
            Seen(0),
        );
        world.apply(Input::Learned(route), Seen(0));
        let key = learned_of(1, 0, "", &[]).key;
        for (clock, after, by) in [([1, 2, 0, 0], 900, 1_000), ([1, 2, 1, 0], 2_900, 3_000)] {
            if by <= at {
                world.apply(Input::Read(key, reading(&clock, after, by)), Seen(by));
            }
        }
        world.settle(Seen(at));
        world
    }

    fn found(text: &str, at: u64) -> Vec<(String, u64)> {
        let rules = [parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))];
        let rows = rows(&rules, &world(at), at);
        let rows = rows.iter();
        rows.map(|row| {
            (
                Piece::plain(std::slice::from_ref(&row.name)),
                row.onset.by.0,
            )
        })
        .collect()
    }

    fn names(text: &str, at: u64) -> String {
        let names: Vec<String> = found(text, at).into_iter().map(|(name, _)| name).collect();
        names.join(" ")
    }

    #[test]
    fn a_rule_holds_once_its_time_is_over() {
        for (text, at, expected) in [
            ("Ready off > 5 s", 4_999, ""),
            ("Ready off > 5 s", 5_999, "Route-2"),
            ("Ready off > 5 s", 6_000, "courier-1 Route-2"),
            ("Ready off > 5 s on kind:courier", 5_999, ""),
            ("Ready off > 5s on kind:courier", 6_000, "courier-1"),
            ("Ready off >5s on tag:kind:courier", 6_000, "courier-1"),
            ("Ready off > 5 s on kind:route", 6_000, "Route-2"),
            ("Ready off on courier", 1_000, "courier-1"),
            ("ready off", 999, "Route-2"),
            ("Busy on > 2 s", 4_999, ""),
            ("Busy on > 2 s", 5_000, "courier-1"),
            ("Busy on > 0.01 min on host:van-1", 5_000, "courier-1"),
            ("state:Busy tag:kind:courier > 2 s", 5_000, "courier-1"),
            ("-state:Ready host:van-1 > 5 s", 6_000, "courier-1"),
            ("courier -route", 10, "courier-1"),
            ("is:notready > 2 s", 3_000, "courier-1"),
            ("changed:>5s > 2 s on courier", 9_999, ""),
            ("changed:>5s > 1 s on courier", 9_001, "courier-1"),
            ("on > 1 s", 5_000, ""),
        ] {
            assert_eq!(names(text, at), expected, "{text} at {at}");
        }
        assert_eq!(
            found("Ready off > 5 s", 7_000)[0],
            ("courier-1".to_owned(), 1_000)
        );
        assert_eq!(found("Busy,Exception on", 7_000).len(), 1);
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, why) in [
            ("", words::EMPTY),
            ("> 5 s", words::EMPTY),
            ("Ready off > 5", words::WRONG_TIME),
            ("Ready off > soon", words::WRONG_TIME),
            ("Ready off >", words::WRONG_TIME),
            ("Ready off > 5 s on", words::WRONG_END),
            ("Ready off on", words::WRONG_END),
        ] {
            assert_eq!(parse(text).err().as_deref(), Some(why), "{text}");
        }
        for text in [
            "stat:Ready",
            "Ready off on hots:van",
            "is:eror",
            "/[/",
            "state:",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let long = parse(&"x".repeat(10_000)).unwrap();
        assert_eq!(long.text.len(), LONGEST);
    }

    #[test]
    fn rows_join_in_order_of_onset() {
        let world = world(9_000);
        let own = attention_rows(&world, Seen(9_000));
        assert_eq!(own.len(), 1);
        let rules = [parse("Busy on").unwrap(), parse("Route").unwrap()];
        let watched = rows(&rules, &world, 9_000);
        let all = join_rows(own, &watched);
        let subjects: Vec<Subject> = all.iter().map(|row| row.subject).collect();
        let (one, two) = (learned_of(1, 0, "", &[]).key, learned_of(2, 0, "", &[]).key);
        assert_eq!(
            subjects,
            [
                Subject::Watch(1, two),
                Subject::Machine(one),
                Subject::Watch(0, one)
            ]
        );
        assert_eq!(all[1].health, Health::NotReady);
        assert_eq!(watched_alone(&world, &watched), 1);
        assert!(all[0].href.starts_with("/m#id=Route-2@"));
        let state = rows(&[parse("Busy on").unwrap()], &world, 9_000);
        assert!(state[0].href.ends_with("&st=Busy"));
    }

    #[test]
    fn many_matches_are_bounded() {
        let mut world = World::new("relay".into(), false, Seen(0));
        for index in 0..500 {
            let learned = learned_of(1, index, "m", &[1, 1, 0, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(0));
        let rows = rows(&[parse("Ready on").unwrap()], &world, 0);
        assert_eq!(rows.len(), ROWS);
    }

    #[test]
    fn rules_made_by_a_key_can_be_read() {
        for (state, active, error, expected) in [
            ("Ready", true, false, Some("Ready off > 5 s on courier-17")),
            ("Ready", false, false, Some("Ready off > 5 s on courier-17")),
            (
                "ErrLost",
                false,
                true,
                Some("ErrLost on > 5 s on courier-17"),
            ),
            ("Busy", false, false, Some("Busy on > 5 s on courier-17")),
            ("Busy", true, false, Some("Busy off > 5 s on courier-17")),
            ("a b", true, false, None),
            ("a=b", true, false, None),
            ("", true, false, None),
        ] {
            let rule = watched_state("courier-17", state, active, error);
            assert_eq!(rule.as_deref(), expected, "{state}");
            assert!(rule.is_none_or(|rule| parse(&rule).is_ok()));
        }
        assert_eq!(watched_state("a,b", "Ready", true, false), None);
        assert_eq!(watched_filter("  "), None);
        assert!(parse(&watched_filter("is:error host:van").unwrap()).is_ok());
    }

    #[test]
    fn rules_are_kept() {
        let rules = vec!["Ready off > 5 s".to_owned(), "is:error".to_owned()];
        assert_eq!(read_rules(&write_rules(&rules)), Some(rules));
        assert_eq!(read_rules(""), Some(Vec::new()));
        assert_eq!(read_rules("v2\nx"), None);
        let many = format!("v1\n{}", "x\n".repeat(MAX_RULES + 9));
        assert_eq!(read_rules(&many).unwrap().len(), MAX_RULES);
    }
}
