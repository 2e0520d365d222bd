//! What is wrong, in one sentence and a list in order of onset.
//!
//! Onsets are intervals: who failed first is said only when the intervals do not overlap.

use statemesh::PeerId;

use super::roll::Roll;
use super::world::World;
use super::{
    Health, Interval, Machine, MachineKey, MachineRef, PeerFacts, Phase, Piece, Rule, Seen, Shown,
    WallClock, age_text,
};
use crate::words;
use statemesh::core::collections::{OrderedMap, sort_by};

/// Who needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A machine.
    Machine(MachineKey),
    /// A silent host: all its machines as one.
    Host(PeerId),
    /// A machine that a watch rule, by its number, is about.
    Watch(u16, MachineKey),
}

/// Problems that are, and those just over.
#[derive(Debug, Default)]
pub struct Attention {
    entries: OrderedMap<Subject, Entry>,
    last: Option<Ended>,
}

#[derive(Clone, Debug)]
struct Entry {
    health: Health,
    rule: Rule,
    onset: Interval,
    over: Option<Seen>,
}

/// The problem that ended last.
#[derive(Clone, Debug)]
struct Ended {
    name: Shown,
    began: Seen,
    lasted: u64,
}

impl Attention {
    /// Begins, continues and ends entries as health says.
    pub(super) fn follow(&mut self, roll: &Roll, peers: &OrderedMap<PeerId, PeerFacts>, now: Seen) {
        let problems = problems(roll, peers);
        let last = &mut self.last;
        self.entries.for_each_mut(|subject, entry| {
            if entry.over.is_none() && !problems.contains_key(subject) {
                entry.over = Some(now);
                *last = name_of(roll, subject).map(|name| Ended {
                    name,
                    began: entry.onset.by,
                    lasted: now.since(entry.onset.by),
                });
            }
        });
        self.entries.extend(problems);
        self.entries.retain(|subject, entry| {
            let past = entry.over.is_some_and(|over| now.since(over) >= DIMMED_FOR);
            !past && is_known(roll, subject)
        });
    }

    /// The machine that failed first.
    pub(super) fn first_machine(&self) -> Option<MachineKey> {
        self.in_order()
            .into_iter()
            .find_map(|(subject, entry)| match (subject, entry.over) {
                (Subject::Machine(key), None) => Some(*key),
                (Subject::Machine(_) | Subject::Host(_) | Subject::Watch(..), _) => None,
            })
    }

    fn in_order(&self) -> Vec<(&Subject, &Entry)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        // Within one word of the owner the order is unknown: the worse comes first.
        sort_by(&mut entries, |(a_of, a), (b_of, b)| {
            (a.onset.by, a.health, a_of).cmp(&(b.onset.by, b.health, b_of))
        });
        entries
    }
}

fn problems(roll: &Roll, peers: &OrderedMap<PeerId, PeerFacts>) -> OrderedMap<Subject, Entry> {
    let mut problems = OrderedMap::new();
    for (key, known) in roll.troubled().filter(|(_, it)| it.machine.counts()) {
        let machine = &known.machine;
        let Some(answer) = known.answer else {
            continue;
        };
        let crashed = machine.gone.is_some()
            && peers
                .get(&key.peer)
                .and_then(|peer| peer.gone)
                .is_some_and(|gone| !gone.said_bye);
        let subject = if crashed || answer.health == Health::Stale {
            Subject::Host(key.peer)
        } else if answer.health.needs_attention() {
            Subject::Machine(*key)
        } else {
            continue;
        };
        problems.get_or_insert_with(subject, || Entry {
            health: match subject {
                Subject::Host(_) => Health::Stale,
                Subject::Machine(_) | Subject::Watch(..) => answer.health,
            },
            rule: answer.rule,
            onset: answer.onset,
            over: None,
        });
    }
    problems
}

fn is_known(roll: &Roll, subject: &Subject) -> bool {
    match subject {
        Subject::Machine(key) | Subject::Watch(_, key) => roll.machine(key).is_some(),
        Subject::Host(peer) => roll.of(peer).next().is_some(),
    }
}

fn name_of(roll: &Roll, subject: &Subject) -> Option<Shown> {
    match subject {
        Subject::Machine(key) | Subject::Watch(_, key) => {
            roll.machine(key).map(|machine| machine.shown.clone())
        }
        Subject::Host(peer) => {
            let first = roll.of(peer).next();
            first.map(|(_, known)| host_name(&known.machine))
        }
    }
}

/// The host a machine says it is on, else the end of its owner's id.
pub(super) fn host_name(machine: &Machine) -> Shown {
    machine
        .host
        .clone()
        .unwrap_or_else(|| Shown::new(&format!("…{}", super::peers::short(&machine.key))))
}

/// A row of the attention list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionRow {
    /// Who.
    pub subject: Subject,
    /// Its health; [`Health::Stale`] for a silent host.
    pub health: Health,
    /// Machine name, or how many of them.
    pub name: Piece,
    /// Machines of the same host for which the same began at the same time.
    pub others: Vec<MachineKey>,
    /// Host name.
    pub host: Shown,
    /// The rule in words.
    pub what: Vec<Piece>,
    /// When it began.
    pub onset: Interval,
    /// How long it lasted, once it is over.
    pub lasted: Option<u64>,
    /// Where to look.
    pub href: String,
}

/// The attention list, in order of onset.
#[must_use]
pub fn attention_rows(world: &World, now: Seen) -> Vec<AttentionRow> {
    let mut rows: Vec<AttentionRow> = Vec::new();
    for (subject, entry) in world.attention().in_order() {
        let Some(row) = attention_row(world, *subject, entry, now) else {
            continue;
        };
        let same = rows.iter_mut().rev().find(|other| is_same(other, &row));
        match same {
            Some(same) => {
                if let Subject::Machine(key) = row.subject {
                    same.others.push(key);
                }
            }
            None => rows.push(row),
        }
    }
    rows
}

/// The same began on the same host at the same time.
fn is_same(a: &AttentionRow, b: &AttentionRow) -> bool {
    let (Subject::Machine(a_key), Subject::Machine(b_key)) = (a.subject, b.subject) else {
        return false;
    };
    a_key.peer == b_key.peer
        && (a.health, a.onset) == (b.health, b.onset)
        && a.lasted.is_some() == b.lasted.is_some()
}

fn attention_row(
    world: &World,
    subject: Subject,
    entry: &Entry,
    now: Seen,
) -> Option<AttentionRow> {
    let (machine, name) = match subject {
        Subject::Machine(key) | Subject::Watch(_, key) => {
            let machine = world.machine(&key)?;
            (machine, Piece::Name(machine.shown.clone()))
        }
        Subject::Host(peer) => {
            let mut all = world.machines_of(&peer).filter(|it| it.counts());
            let first = all.next()?;
            (first, Piece::Text(words::machines(1 + all.count())))
        }
    };
    Some(AttentionRow {
        subject,
        health: entry.health,
        name,
        others: Vec::new(),
        host: host_name(machine),
        what: match entry.over {
            None => words::rule(machine, entry.rule, now),
            Some(_) => words::past_rule(machine, entry.rule),
        },
        onset: entry.onset,
        lasted: entry.over.map(|over| over.since(entry.onset.by)),
        href: MachineRef::of(world, machine).href(),
    })
}

/// The headline of the Overview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// One sentence.
    pub headline: Vec<Piece>,
    /// The next.
    pub detail: Vec<Piece>,
    /// Machines by health, problems first; only those that occur.
    pub counts: Vec<(Health, usize)>,
    /// Machines and hosts that need attention now.
    pub attention: usize,
}

/// Computes the headline as of `now`.
#[must_use]
pub fn verdict(world: &World, wall: WallClock, now: Seen) -> Verdict {
    let counts = counts(world);
    let problems = open_in_order(world);
    let (headline, detail) = sentences(world, &counts, &problems, wall, now);
    Verdict {
        headline,
        detail,
        attention: problems.len(),
        counts: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

fn open_in_order(world: &World) -> Vec<(&Subject, &Entry)> {
    let mut problems = world.attention().in_order();
    problems.retain(|(_, entry)| entry.over.is_none());
    problems
}

/// The headline as of a moment, and how it is now; of a recording, which has no present, who failed first until then.
#[must_use]
pub fn past_verdict(then: &World, at: Seen, present: Option<&World>, wall: WallClock) -> Verdict {
    let counts = counts(then);
    let total = counts.iter().map(|(_, count)| count).sum();
    let (needing, silent) = present.map(problem_counts).unwrap_or_default();
    Verdict {
        headline: vec![Piece::Text(words::at_moment(
            &wall.text(at, 3),
            problem_counts(then),
            total,
        ))],
        detail: match present {
            Some(_) => vec![Piece::Text(words::by_now(needing, silent))],
            None => first_to_fail(then, &open_in_order(then), at, "earlier"),
        },
        attention: needing + silent,
        counts: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

/// Machines and hosts that need attention.
#[must_use]
pub fn open_problems(world: &World) -> usize {
    let (machines, hosts) = problem_counts(world);
    machines + hosts
}

/// Does this machine need attention by itself?
pub(super) fn is_open(world: &World, key: MachineKey) -> bool {
    let entry = world.attention().entries.get(&Subject::Machine(key));
    entry.is_some_and(|entry| entry.over.is_none())
}

/// Machines that need attention, and hosts that are silent.
fn problem_counts(world: &World) -> (usize, usize) {
    let open = world.attention().entries.iter();
    let open = open.filter(|(_, entry)| entry.over.is_none());
    let (hosts, machines): (Vec<_>, Vec<_>) =
        open.partition(|(subject, _)| matches!(subject, Subject::Host(_)));
    (machines.len(), hosts.len())
}

fn counts(world: &World) -> Vec<(Health, usize)> {
    world.roll().counts().collect()
}

type Sentences = (Vec<Piece>, Vec<Piece>);

fn sentences(
    world: &World,
    counts: &[(Health, usize)],
    problems: &[(&Subject, &Entry)],
    wall: WallClock,
    now: Seen,
) -> Sentences {
    let connection = world.connection();
    let silent = problems
        .iter()
        .filter(|(subject, _)| matches!(subject, Subject::Host(_)))
        .count();
    let (needing, silent) = (problems.len() - silent, silent);
    match &connection.phase {
        Phase::Connecting { failures } if failures.is_empty() => {
            (vec![Piece::Text(words::dialing(&connection.relay))], vec![])
        }
        Phase::Connecting { .. } => (
            vec![Piece::Text(words::unreachable(connection))],
            vec![Piece::text(words::advice(connection))],
        ),
        Phase::Stopped(stop) => (vec![Piece::Text(words::stopped(stop))], vec![]),
        Phase::Reconnecting { .. } => (
            vec![Piece::Text(words::not_live_since(
                &wall.text(connection.since, 0),
            ))],
            vec![Piece::Text(words::last_known(needing, silent))],
        ),
        Phase::Live => {
            let of = |wanted: Health| {
                let count = counts.iter().find(|(health, _)| *health == wanted);
                count.map_or(0, |(_, count)| *count)
            };
            let total: usize = counts.iter().map(|(_, count)| count).sum();
            let present = total - of(Health::Gone);
            if !problems.is_empty() {
                (
                    vec![Piece::Text(words::problems(needing, silent))],
                    first_to_fail(world, problems, now, "ago"),
                )
            } else if present == 0 {
                (
                    vec![Piece::text(words::empty(world.joined(), now))],
                    vec![Piece::Text(words::connected_to(&connection.relay))],
                )
            } else {
                (
                    vec![Piece::Text(words::fine(of(Health::Ok), present))],
                    no_problem(world, wall, now),
                )
            }
        }
    }
}

fn no_problem(world: &World, wall: WallClock, now: Seen) -> Vec<Piece> {
    match &world.attention().last {
        Some(ended) => vec![
            Piece::text("Last problem: "),
            Piece::Name(ended.name.clone()),
            Piece::Text(format!(
                ", {}, over after {}.",
                wall.text(ended.began, 0),
                age_text(ended.lasted)
            )),
        ],
        None => vec![Piece::Text(format!(
            "No problem seen since you joined, {} ago.",
            age_text(now.since(world.joined().unwrap_or(now)))
        ))],
    }
}

/// Who failed first, if that is known, and who followed; so long `ago`, or `earlier`.
fn first_to_fail(
    world: &World,
    problems: &[(&Subject, &Entry)],
    now: Seen,
    before: &str,
) -> Vec<Piece> {
    let named: Vec<(Piece, &Entry, bool)> = problems
        .iter()
        .filter_map(|(subject, entry)| {
            let row = attention_row(world, **subject, entry, now)?;
            Some(match subject {
                Subject::Machine(_) | Subject::Watch(..) => (row.name, *entry, false),
                Subject::Host(_) => (Piece::Name(row.host), *entry, true),
            })
        })
        .take(NAMED)
        .collect();
    let Some((first, entry, is_host)) = named.first() else {
        return Vec::new();
    };
    let ago = [&age_text(now.since(entry.onset.by)), " ", before].concat();
    let failed = if *is_host { "fell silent" } else { "failed" };
    let others = &named[1..];
    let together: Vec<&Piece> = others
        .iter()
        .take_while(|(_, other, _)| !entry.onset.is_before(other.onset))
        .map(|(name, _, _)| name)
        .collect();
    let mut line = vec![first.clone()];
    if entry.onset.after.is_none() {
        append_names(&mut line, &together, " and ");
        let were = if together.is_empty() { "was" } else { "were" };
        line.push(Piece::Text(format!(
            " {were} failing when first seen, {ago}."
        )));
        return line;
    }
    let ago = [&entry.onset.age(now).text(), " ", before].concat();
    if !together.is_empty() {
        append_names(&mut line, &together, " and ");
        line.push(Piece::Text(format!(
            " failed at about the same time, {ago}."
        )));
        return line;
    }
    let Some((_, last, _)) = others.last() else {
        line.push(Piece::Text(format!(" {failed} {ago}.")));
        return line;
    };
    line.push(Piece::Text(format!(" {failed} first, {ago}. ")));
    let names: Vec<&Piece> = others.iter().map(|(name, _, _)| name).collect();
    append_names(&mut line, &names, "");
    line.push(Piece::Text(format!(
        " followed within {}.",
        age_text(
            last.onset
                .by
                .since(entry.onset.after.unwrap_or(entry.onset.by))
        )
    )));
    line
}

fn append_names(line: &mut Vec<Piece>, names: &[&Piece], before_first: &str) {
    for (at, name) in names.iter().enumerate() {
        let link = if at == 0 { before_first } else { " and " };
        if !link.is_empty() {
            line.push(Piece::text(link));
        }
        line.push((*name).clone());
    }
}

/// A row stays so long after recovery (4.4).
const DIMMED_FOR: u64 = 10_000;
/// Names in the second line (5.1).
const NAMED: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned_of, peer, reading};
    use super::super::{Input, PeerFacts};
    use super::*;

    fn fleet() -> World {
        let mut world = World::new("relay-fra".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        for (owner, id) in [(1, "courier-17"), (1, "route-17"), (2, "orders")] {
            let index = world.machines().count() as u64;
            let learned = learned_of(owner, index, id, &[1, 1, 0, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world
    }

    fn say(world: &World, now: u64) -> (String, String) {
        let verdict = verdict(world, WallClock::default(), Seen(now));
        (
            Piece::plain(&verdict.headline),
            Piece::plain(&verdict.detail),
        )
    }

    fn fail(world: &mut World, owner: u8, index: u64, after: u64, by: u64) {
        let key = learned_of(owner, index, "", &[]).key;
        world.apply(
            Input::Read(key, reading(&[1, 1, 0, 1], after, by)),
            Seen(by),
        );
    }

    #[test]
    fn machines_of_a_host_that_failed_together_share_a_row() {
        let mut world = fleet();
        world.settle(Seen(5_000));
        for (owner, index) in [(1, 0), (1, 1), (2, 2)] {
            fail(&mut world, owner, index, 5_900, 6_000);
        }
        world.settle(Seen(6_100));
        let rows = attention_rows(&world, Seen(6_100));
        let said: Vec<_> = rows
            .iter()
            .map(|row| (row.name.clone(), row.others.len()))
            .collect();
        let name = |id| Piece::Name(Shown::new(id));
        let mut expected = [(name("courier-17"), 1), (name("orders"), 0)];
        if peer(2) < peer(1) {
            expected.reverse();
        }
        assert_eq!(said, expected);
        assert_eq!(
            verdict(&world, WallClock::default(), Seen(6_100)).attention,
            3
        );
    }

    #[test]
    fn all_fine_with_and_without_a_past() {
        let mut world = fleet();
        world.settle(Seen(720_000));
        assert_eq!(
            say(&world, 720_000),
            (
                "All 3 machines are fine".into(),
                "No problem seen since you joined, 12 min ago.".into()
            )
        );
        fail(&mut world, 1, 1, 721_000, 721_000);
        world.settle(Seen(721_000));
        let key = learned_of(1, 1, "", &[]).key;
        world.apply(
            Input::Read(key, reading(&[1, 1, 0, 2], 760_000, 762_000)),
            Seen(762_000),
        );
        world.settle(Seen(762_000));
        assert_eq!(
            say(&world, 762_000).1,
            "Last problem: route-17, 00:12:01, over after 41.0 s."
        );
        let rows = attention_rows(&world, Seen(762_000));
        assert_eq!(rows[0].lasted, Some(41_000));
        world.settle(Seen(772_000));
        assert!(attention_rows(&world, Seen(772_000)).is_empty());
    }

    #[test]
    fn first_to_fail_is_named_when_intervals_tell() {
        let mut world = fleet();
        fail(&mut world, 1, 1, 1_000, 1_000);
        fail(&mut world, 1, 0, 1_200, 1_200);
        fail(&mut world, 2, 2, 1_300, 1_300);
        world.settle(Seen(1_300));
        assert_eq!(
            say(&world, 39_200),
            (
                "3 machines need attention".into(),
                "route-17 failed first, 38.2 s ago. courier-17 and orders followed within 0.3 s."
                    .into()
            )
        );
    }

    #[test]
    fn a_recording_has_no_present_and_names_who_failed_first() {
        let mut world = fleet();
        fail(&mut world, 1, 1, 1_000, 1_000);
        fail(&mut world, 1, 0, 1_200, 1_200);
        world.settle(Seen(1_200));
        let past = past_verdict(&world, Seen(9_000), None, WallClock::default());
        assert_eq!(
            Piece::plain(&past.detail),
            "route-17 failed first, 8.0 s earlier. courier-17 followed within 0.2 s."
        );
        assert_eq!(past.attention, 0, "nothing needs attention now");
    }

    #[test]
    fn nobody_is_blamed_when_intervals_overlap() {
        let mut world = fleet();
        fail(&mut world, 1, 1, 1_000, 2_000);
        fail(&mut world, 1, 0, 1_500, 2_500);
        world.settle(Seen(2_500));
        let (headline, detail) = say(&world, 5_000);
        assert_eq!(headline, "2 machines need attention");
        assert_eq!(
            detail,
            "route-17 and courier-17 failed at about the same time, 3-4 s ago."
        );
    }

    #[test]
    fn what_failed_before_we_looked_has_no_onset() {
        let mut world = World::new("relay-fra".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        for (index, id) in [(0, "courier-17"), (1, "route-17")] {
            let learned = learned_of(1, index, id, &[1, 1, 0, 1]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(0));
        assert_eq!(
            say(&world, 3_600).1,
            "courier-17 and route-17 were failing when first seen, 3.6 s ago."
        );
    }

    #[test]
    fn a_silent_host_is_one_row() {
        let mut world = fleet();
        let facts = PeerFacts {
            heard: Some(Seen(0)),
            heartbeat: Some(1_000),
            ..PeerFacts::unknown(peer(1))
        };
        world.apply(Input::Peers(vec![facts]), Seen(0));
        world.settle(Seen(6_100));
        let (headline, detail) = say(&world, 6_100);
        assert_eq!(headline, "1 host is silent");
        assert_eq!(detail, "van-1 fell silent 6.1 s ago.");
        let rows = attention_rows(&world, Seen(6_100));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].name, Piece::text("2 machines"));
    }

    #[test]
    fn a_lost_connection_speaks_in_the_past() {
        let mut world = fleet();
        fail(&mut world, 1, 1, 1_000, 1_000);
        world.settle(Seen(1_000));
        let phase = Phase::Reconnecting {
            next_try: None,
            failures: Vec::new(),
        };
        world.apply(Input::Phase(phase), Seen(46_000));
        assert_eq!(
            say(&world, 50_000),
            (
                "Not live since 00:00:46".into(),
                "What you see is the last known state: 1 machine needed attention.".into()
            )
        );
    }

    #[test]
    fn lifecycles_never_count() {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        let mut relay = learned_of(3, 0, "relay", &[1, 1, 0, 1]);
        relay.tags = vec!["role:relay".into()];
        world.apply(Input::Learned(relay), Seen(0));
        world.settle(Seen(5_000));
        assert_eq!(say(&world, 5_000).0, words::EMPTY);
        assert_eq!(
            verdict(&world, WallClock::default(), Seen(5_000)).attention,
            0
        );
    }
}
