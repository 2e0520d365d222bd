//! The filter of machines (dashboard design 7.2): words and keys, space = and, `,` = or, `-` negates, `/re/` is a regular
//! expression, which whoever parses supplies the engine for. What cannot be read is answered in words.

pub mod since;

use super::decimal::thousandths;
use super::link::distance;
use super::schema::{is_active, tick};
use super::{Health, Machine, Seen};
use crate::words::overview as words;

/// What a machine must be to be shown.
#[derive(Default)]
pub struct Filter {
    clauses: Vec<Clause>,
}

/// One of `any` holds; none if negated.
struct Clause {
    negated: bool,
    any: Vec<Test>,
}

enum Test {
    Word(String),
    Pattern(Pattern),
    Is(Option<Health>),
    Host(String),
    Peer(String),
    Parent(String),
    Tag(String, Option<String>),
    State(String, bool),
    Tick(String, Order, u64),
    Changed(Order, u64),
    Detail(Detail),
}

/// A regular expression, ready to be asked.
pub type Pattern = Box<dyn Fn(&str) -> bool>;
/// What makes one of its text; `None`: it is none.
pub type Compile = fn(&str) -> Option<Pattern>;

#[derive(Clone, Copy)]
enum Order {
    Less,
    More,
    Same,
}

/// How much of a machine is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Every transition with its cause.
    Trace,
    /// Every transition.
    Changes,
    /// Clocks from time to time.
    Snapshots,
}

/// A machine as a filter looks at it.
pub struct Candidate<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Its health.
    pub health: Health,
    /// How much of it is received.
    pub detail: Detail,
    /// The moment looked at.
    pub now: Seen,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str, compile: Compile) -> Result<Self, String> {
        let mut rest = text.trim_start();
        let mut clauses = Vec::new();
        while !rest.is_empty() {
            let clause = clause(&mut rest, compile)?;
            if !clause.any.is_empty() {
                clauses.push(clause);
            }
            rest = rest.trim_start();
        }
        Ok(Self { clauses })
    }

    /// Everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Is it shown?
    #[must_use]
    pub fn keeps(&self, candidate: &Candidate<'_>) -> bool {
        self.clauses.iter().all(|clause| {
            let found = clause.any.iter().any(|test| test.holds(candidate));
            found != clause.negated
        })
    }
}

fn clause(rest: &mut &str, compile: Compile) -> Result<Clause, String> {
    let negated = rest.strip_prefix('-');
    let mut clause = Clause {
        negated: negated.is_some(),
        any: Vec::new(),
    };
    *rest = negated.unwrap_or(rest);
    let mut key = None;
    loop {
        if let Some(after) = rest.strip_prefix('/') {
            let (pattern, after) = pattern(after, compile)?;
            clause.any.push(Test::Pattern(pattern));
            *rest = after;
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace());
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            *rest = after;
            let (own, value) = keyed(part);
            if own.is_some() {
                key = own;
            }
            match key {
                // While it is typed, `a,` is `a`.
                _ if part.is_empty() => {}
                Some(key) => clause.any.push(test(key, value)?),
                None => clause.any.push(Test::Word(value.to_owned())),
            }
        }
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => return Ok(clause),
        }
    }
}

/// Up to the next slash that no backslash stands before.
fn pattern(text: &str, compile: Compile) -> Result<(Pattern, &str), String> {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '/' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let end = end.ok_or_else(|| words::open_pattern(text))?;
    let source = &text[..end];
    let pattern = compile(source).ok_or_else(|| words::bad_pattern(source))?;
    Ok((pattern, &text[end + 1..]))
}

/// The key of `key:value`; times and addresses have none.
fn keyed(part: &str) -> (Option<&str>, &str) {
    match part.split_once(':') {
        Some((key, value)) if !key.is_empty() && key.bytes().all(|c| c.is_ascii_alphabetic()) => {
            (Some(key), value)
        }
        Some(_) | None => (None, part),
    }
}

fn test(key: &str, value: &str) -> Result<Test, String> {
    let Some((key, example)) = KEYS.iter().find(|(name, _)| *name == key) else {
        let keys = KEYS.map(|(name, _)| name);
        return Err(words::unknown_key(key, nearest(key, &keys)));
    };
    let wrong = || words::wrong_value(key, example);
    if value.is_empty() {
        return Err(wrong());
    }
    let owned = || value.to_owned();
    Ok(match *key {
        "is" => Test::Is(health(value)?),
        "host" => Test::Host(owned()),
        "peer" => Test::Peer(owned()),
        "parent" => Test::Parent(owned()),
        "tag" => match value.split_once(':') {
            Some((tag, value)) => Test::Tag(tag.to_owned(), Some(value.to_owned())),
            None => Test::Tag(owned(), None),
        },
        "state" => match value.split_once('=') {
            None => Test::State(owned(), true),
            Some((state, "on")) => Test::State(state.to_owned(), true),
            Some((state, "off")) => Test::State(state.to_owned(), false),
            Some(_) => return Err(wrong()),
        },
        "tick" => {
            let (state, order, number) = compared(value).ok_or_else(wrong)?;
            let number = number.parse().map_err(|_| wrong())?;
            Test::Tick(state.to_owned(), order, number)
        }
        "changed" => match compared(value) {
            Some(("", order, time)) => Test::Changed(order, duration(time).ok_or_else(wrong)?),
            Some(_) | None => return Err(wrong()),
        },
        _ => match value {
            "trace" => Test::Detail(Detail::Trace),
            "changes" => Test::Detail(Detail::Changes),
            "snapshots" => Test::Detail(Detail::Snapshots),
            _ => return Err(wrong()),
        },
    })
}

/// `None`: anything that needs attention.
fn health(word: &str) -> Result<Option<Health>, String> {
    let found = HEALTHS.iter().find(|health| health.mark() == word);
    match found {
        Some(health) => Ok(Some(*health)),
        None if word == ATTENTION => Ok(None),
        None => {
            let words = HEALTHS.map(Health::mark);
            Err(words::unknown_health(word, nearest(word, &words)))
        }
    }
}

fn compared(value: &str) -> Option<(&str, Order, &str)> {
    let at = value.find(['<', '>', '='])?;
    let order = match value.as_bytes()[at] {
        b'<' => Order::Less,
        b'>' => Order::More,
        _ => Order::Same,
    };
    let number = &value[at + 1..];
    (!number.is_empty()).then_some((&value[..at], order, number))
}

/// `5s`, `1.5s`, `200ms`, `2m`, `1h`, in milliseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number = thousandths(&text[..end])?;
    let unit = match &text[end..] {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(number.checked_mul(unit)? / 1_000)
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST_KEY).collect();
    let near = known.iter().map(|known| {
        let letters: Vec<char> = known.chars().collect();
        (distance(&word, &letters), *known)
    });
    near.filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, known)| known)
}

impl Order {
    fn holds(self, value: u64, limit: u64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::More => value > limit,
            Self::Same => value == limit,
        }
    }
}

impl Test {
    fn holds(&self, candidate: &Candidate<'_>) -> bool {
        let machine = candidate.machine;
        let host = || machine.host.as_ref().map(|host| &*host.short);
        let state = |name: &str| {
            let mut states = machine.schema.states.iter();
            states.position(|state| state.name.eq_ignore_ascii_case(name))
        };
        match self {
            Self::Word(word) => {
                contains(machine.shown.whole(), word)
                    || host().is_some_and(|host| contains(host, word))
            }
            // Nobody else's text may keep the page busy: names are asked as far as they are shown.
            Self::Pattern(pattern) => pattern(&machine.shown.short),
            Self::Is(Some(health)) => candidate.health == *health,
            Self::Is(None) => candidate.health.needs_attention(),
            Self::Host(word) => host().is_some_and(|host| contains(host, word)),
            Self::Peer(id) => contains(&machine.key.peer.to_string(), id),
            Self::Parent(word) => {
                let parent = machine.parent.as_ref();
                parent.is_some_and(|parent| contains(parent.whole(), word))
            }
            Self::Tag(key, value) => has_tag(machine, key, value.as_deref()),
            Self::State(name, on) => {
                state(name).is_some_and(|at| is_active(&machine.clock, at) == *on)
            }
            Self::Tick(name, order, limit) => {
                state(name).is_some_and(|at| order.holds(tick(&machine.clock, at), *limit))
            }
            Self::Changed(order, limit) => {
                order.holds(candidate.now.since(machine.changed.by), *limit)
            }
            Self::Detail(detail) => candidate.detail == *detail,
        }
    }
}

/// `tag:host` and `tag:role` are not among a machine's own tags; the first has a key of its own.
fn has_tag(machine: &Machine, key: &str, value: Option<&str>) -> bool {
    machine.tags.iter().any(|tag| {
        let (name, found) = match tag.whole().split_once(':') {
            Some((name, found)) => (name, Some(found)),
            None => (tag.whole(), None),
        };
        let fits = value.is_none_or(|value| found.is_some_and(|found| contains(found, value)));
        name.eq_ignore_ascii_case(key) && fits
    })
}

/// Upper and lower case of plain letters are one.
pub(super) fn contains(text: &str, part: &str) -> bool {
    let mut windows = text.as_bytes().windows(part.len().max(1));
    part.is_empty() || windows.any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// Turns `is:health` on, in the place of another, or off again: what a count of the verdict does to the filter.
#[must_use]
pub fn toggled(text: &str, health: Health) -> String {
    let is_on = has_health(text, health);
    let others = text
        .split_whitespace()
        .filter(|word| !word.starts_with("is:"));
    let mut words: Vec<&str> = others.collect();
    let mark = health_words(health);
    if !is_on {
        words.push(mark);
    }
    words.join(" ")
}

/// Is `is:health` a word of the filter?
#[must_use]
pub fn has_health(text: &str, health: Health) -> bool {
    let mark = health_words(health);
    text.split_whitespace().any(|word| word == mark)
}

fn health_words(health: Health) -> &'static str {
    match health {
        Health::Gone => "is:gone",
        Health::Stale => "is:stale",
        Health::Error => "is:error",
        Health::NotReady => "is:notready",
        Health::Quiet => "is:quiet",
        Health::Starting => "is:starting",
        Health::Ok => "is:ok",
    }
}

/// Keys, each with an example.
const KEYS: [(&str, &str); 9] = [
    ("is", "is:error"),
    ("host", "host:van"),
    ("peer", "peer:7sK2mT4u"),
    ("parent", "parent:orders"),
    ("tag", "tag:kind:courier"),
    ("state", "state:Ready=off"),
    ("tick", "tick:Ready>8"),
    ("changed", "changed:<5s"),
    ("fid", "fid:snapshots"),
];
pub(super) const HEALTHS: [Health; 7] = [
    Health::Error,
    Health::NotReady,
    Health::Quiet,
    Health::Stale,
    Health::Gone,
    Health::Starting,
    Health::Ok,
];
/// Error, not ready or quiet.
const ATTENTION: &str = "attention";
/// Longer words are no misspelt key.
const LONGEST_KEY: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::fixture::learned_of;
    use super::super::{Learned, World};
    use super::*;

    /// Stands in for the browser's engine: `^` at the beginning is all it knows, and `[` is an error.
    fn compile(source: &str) -> Option<Pattern> {
        let source = source.to_owned();
        (!source.contains('[')).then(|| -> Pattern {
            Box::new(move |text| match source.strip_prefix('^') {
                Some(begin) => text.starts_with(begin),
                None => text.contains(&source),
            })
        })
    }

    fn machines() -> Vec<Machine> {
        let learned = |owner, index, id: &str, clock: &[u64]| learned_of(owner, index, id, clock);
        let mut child = learned(2, 0, "Route-2", &[1, 0, 9, 1]);
        child.parent = "courier-1".into();
        child.tags.push("place:Berlin".into());
        let all: [Learned; 3] = [
            learned(1, 0, "courier-1", &[1, 1, 0, 0]),
            child,
            learned(3, 0, "a,b", &[0, 0, 0, 0]),
        ];
        all.map(|learned| Machine::new(learned, Seen(1_000))).into()
    }

    fn found(text: &str) -> String {
        let filter = Filter::parse(text, compile).unwrap_or_else(|error| panic!("{text}: {error}"));
        let healths = [Health::Ok, Health::Error, Health::Gone];
        let details = [Detail::Trace, Detail::Snapshots, Detail::Changes];
        let machines = machines();
        let rows = machines.iter().zip(healths).zip(details).zip(1..);
        rows.filter(|(((machine, health), detail), _)| {
            filter.keeps(&Candidate {
                machine,
                health: *health,
                detail: *detail,
                now: Seen(6_000),
            })
        })
        .map(|(_, number)| number.to_string())
        .collect()
    }

    #[test]
    fn what_a_filter_keeps() {
        for (text, expected) in [
            ("", "123"),
            ("  ", "123"),
            ("route", "2"),
            ("VAN-3", "3"),
            ("r e", "12"),
            ("courier route", ""),
            ("courier,route", "12"),
            ("courier,", "1"),
            ("-route", "13"),
            ("-courier,route", "3"),
            ("is:error", "2"),
            ("is:error,gone", "23"),
            ("-is:ok", "23"),
            ("is:attention", "2"),
            ("is:error host:van-1", ""),
            ("is:ok,host:van-3", "13"),
            ("host:van", "123"),
            ("host:2", "2"),
            ("parent:courier", "2"),
            ("tag:kind", "123"),
            ("tag:kind:courier", "123"),
            ("tag:place:berlin", "2"),
            ("tag:plac", ""),
            ("state:Ready", "1"),
            ("state:ready=on", "1"),
            ("state:Ready=off", "23"),
            ("state:Absent=off", ""),
            ("tick:Busy>8", "2"),
            ("tick:Busy<9", "13"),
            ("tick:Busy=9", "2"),
            ("changed:<5s", ""),
            ("changed:>4.9s", "123"),
            ("changed:<1m", "123"),
            ("fid:snapshots", "2"),
            ("fid:trace,changes", "13"),
            ("/^cour/", "1"),
            ("-/^cour/", "23"),
            ("/a,b/,route", "23"),
            ("14:32", ""),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        let peer = machines()[1].key.peer.to_string();
        assert_eq!(found(&format!("peer:{}", &peer[peer.len() - 8..])), "2");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, expected) in [
            ("stat:Ready", "Unknown key `stat:`. Did you mean `state:`?"),
            (
                "colour:red",
                "Unknown key `colour:`. There are is:, host:, peer:, parent:, tag:, state:, tick:, changed: and fid:.",
            ),
            ("is:eror", "No machine is `eror`. Did you mean `error`?"),
            (
                "is:purple",
                "No machine is `purple`. There are error, notready, quiet, stale, gone, starting and ok.",
            ),
            ("ok is:", "`is:` needs another value, as in `is:error`."),
            (
                "state:Ready=of",
                "`state:` needs another value, as in `state:Ready=off`.",
            ),
            (
                "tick:Ready",
                "`tick:` needs another value, as in `tick:Ready>8`.",
            ),
            (
                "tick:Ready>x",
                "`tick:` needs another value, as in `tick:Ready>8`.",
            ),
            (
                "changed:5s",
                "`changed:` needs another value, as in `changed:<5s`.",
            ),
            (
                "changed:<5",
                "`changed:` needs another value, as in `changed:<5s`.",
            ),
            (
                "fid:all",
                "`fid:` needs another value, as in `fid:snapshots`.",
            ),
            ("/open", "`/open` lacks the slash at its end."),
            ("/open\\/", "`/open\\/` lacks the slash at its end."),
            ("/[/", "`/[/` is no regular expression."),
        ] {
            let said = Filter::parse(text, compile).err();
            assert_eq!(said.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_count_turns_its_word_on_and_off() {
        for (text, health, expected) in [
            ("", Health::Error, "is:error"),
            ("is:error", Health::Error, ""),
            ("is:error", Health::Ok, "is:ok"),
            ("host:van is:ok", Health::Ok, "host:van"),
            ("host:van", Health::NotReady, "host:van is:notready"),
        ] {
            assert_eq!(toggled(text, health), expected, "{text}");
            assert_eq!(has_health(text, health), !has_health(expected, health));
        }
        for health in HEALTHS {
            assert!(Filter::parse(health_words(health), compile).is_ok());
            assert!(health_words(health).ends_with(health.mark()));
        }
    }

    /// Prints how long ten thousand machines take.
    #[test]
    fn ten_thousand_machines_are_filtered() {
        let mut world = World::new("relay".into(), false, Seen(0));
        for index in 0..10_000_u64 {
            let learned = learned_of(
                (index % 200) as u8,
                index,
                &format!("courier-{index}"),
                &[1, 1, 0, 0],
            );
            world.apply(super::super::Input::Learned(learned), Seen(0));
        }
        let filter = Filter::parse(
            "courier -state:Exception,tick:Busy>3 changed:<5s 77",
            compile,
        );
        let filter = filter.expect("it is right");
        let begun = std::time::Instant::now();
        let kept = world.machines().filter(|machine| {
            filter.keeps(&Candidate {
                machine,
                health: Health::Ok,
                detail: Detail::Snapshots,
                now: Seen(1_000),
            })
        });
        assert_eq!(kept.count(), 280);
        println!("{:?}", begun.elapsed());
    }
}
