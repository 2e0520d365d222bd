//! Search everything: machines, their states, peers, times, addresses, commands; ranked exact, prefix, begin of a word,
//! letters in order.

use statemesh::core::collections::sort_by;

use super::decimal::thousandths;
use super::filter::{contains, duration};
use super::world::World;
use super::{Machine, MachineRef, Seen, Shown, WallClock};

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What it is, in a word.
    pub kind: &'static str,
    /// Its name.
    pub name: Shown,
    /// Where it is.
    pub place: Option<Shown>,
    /// What to do with it.
    pub action: Action,
}

/// What the choice of a hit does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens an address of the page.
    Open(String),
    /// Looks at a moment.
    Seek(Seen),
    /// Opens a machine, at the moment with that machine time if one is named.
    Moment(MachineRef, Option<u64>),
    /// Does something else.
    Do(Command),
}

/// What can be done from anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Back to live.
    Live,
    /// Light, dark, as the system.
    Theme,
    /// The address of this view.
    CopyLink,
    /// All kinds of it.
    Links,
    /// Keys and marks.
    Keys,
    /// Everything again.
    ClearFilter,
    /// The sample workflow, on or off.
    Sample,
}

/// What is found, best first, at most [`MOST`].
#[must_use]
pub fn search(world: &World, typed: &str, now: Seen, wall: WallClock) -> Vec<Hit> {
    let typed = typed.trim();
    if let Some(hit) = address(typed) {
        return vec![hit];
    }
    let mut found: Vec<(u32, Hit)> = Vec::new();
    if let Some(at) = moment(typed, now, wall) {
        let hit = Hit {
            kind: "Time",
            name: Shown::new(&wall.text(at, 3)),
            place: None,
            action: Action::Seek(at),
        };
        found.push((0, hit));
    }
    let (state, machine) = match typed.split_once('@') {
        Some((state, machine)) => (Some(state), machine),
        None => (None, typed),
    };
    match state {
        Some(state) => states(world, state, machine, &mut found),
        None if typed.is_empty() => {}
        None => {
            machines(world, typed, &mut found);
            states(world, typed, "", &mut found);
            peers(world, typed, &mut found);
        }
    }
    if state.is_none() {
        commands(typed, &mut found);
    }
    sort_by(&mut found, |(a, _), (b, _)| a.cmp(b));
    found.into_iter().take(MOST).map(|(_, hit)| hit).collect()
}

fn machines(world: &World, typed: &str, found: &mut Vec<(u32, Hit)>) {
    let ranked = world.machines().filter_map(|machine| {
        let gone = u32::from(machine.gone.is_some());
        Some((rank(typed, machine.shown.whole())? + gone, machine))
    });
    for (rank, machine) in best(ranked.collect()) {
        let hit = Hit {
            kind: "Machine",
            name: machine.shown.clone(),
            place: Some(super::verdict::host_name(machine)),
            action: Action::Moment(MachineRef::of(world, machine), None),
        };
        found.push((rank, hit));
    }
}

/// `Name@machine`. A name alone finds states after machines of that name.
fn states(world: &World, state: &str, machine: &str, found: &mut Vec<(u32, Hit)>) {
    let mut ranked: Vec<(u32, (&Machine, usize))> = Vec::new();
    for one in world.machines().filter(|one| one.gone.is_none()) {
        let Some(of_machine) = rank(machine, one.shown.whole()) else {
            continue;
        };
        for (at, facts) in one.schema.states.iter().enumerate() {
            let of_state = rank(state, &facts.name).filter(|rank| *rank < LETTERS);
            if let Some(of_state) = of_state {
                ranked.push((of_state + of_machine / 2 + AFTER, (one, at)));
            }
        }
    }
    for (rank, (one, at)) in best(ranked) {
        let hit = Hit {
            kind: "State",
            name: one.schema.states[at].shown.clone(),
            place: Some(one.shown.clone()),
            action: Action::Moment(MachineRef::of(world, one), None),
        };
        found.push((rank, hit));
    }
}

fn peers(world: &World, typed: &str, found: &mut Vec<(u32, Hit)>) {
    let mut ranked = Vec::new();
    for facts in world.peers() {
        let id = facts.peer.to_string();
        let mut machines = world.machines().filter(|one| one.key.peer == facts.peer);
        let host = machines.find_map(|one| one.host.clone());
        let by_name = host.as_ref().and_then(|host| rank(typed, host.whole()));
        let by_id = (typed.len() >= SHORTEST_ID && contains(&id, typed)).then_some(PREFIX);
        if let Some(rank) = by_name.or(by_id) {
            ranked.push((rank + AFTER, (host, id)));
        }
    }
    for (rank, (host, id)) in best(ranked) {
        let short = &id[id.len().saturating_sub(8)..];
        let hit = Hit {
            kind: "Peer",
            name: host.unwrap_or_else(|| Shown::new(short)),
            place: Some(Shown::new(&format!("…{short}"))),
            action: Action::Open(format!("/peers#peer={short}")),
        };
        found.push((rank, hit));
    }
}

fn commands(typed: &str, found: &mut Vec<(u32, Hit)>) {
    for (name, action) in COMMANDS {
        if let Some(rank) = rank(typed, name) {
            let hit = Hit {
                kind: "Command",
                name: Shown::new(name),
                place: None,
                action: match action {
                    Ok(command) => Action::Do(command),
                    Err(path) => Action::Open(path.to_owned()),
                },
            };
            found.push((rank + 2 * AFTER, hit));
        }
    }
}

/// The best few: the rest is not worth a name.
fn best<T>(mut ranked: Vec<(u32, T)>) -> impl Iterator<Item = (u32, T)> {
    sort_by(&mut ranked, |(a, _), (b, _)| a.cmp(b));
    ranked.into_iter().take(MOST)
}

/// How well a name fits, smaller is better; `None`: not at all. Of names that fit alike the shorter is better.
fn rank(typed: &str, name: &str) -> Option<u32> {
    if typed.is_empty() {
        return Some(LETTERS);
    }
    let (typed_bytes, bytes) = (typed.as_bytes(), name.as_bytes());
    let length = u32::try_from(bytes.len().min(64)).unwrap_or(64) * 2;
    let fits_at = |at: usize| {
        let part = bytes.get(at..at + typed_bytes.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(typed_bytes))
    };
    if name == typed {
        return Some(0);
    }
    if fits_at(0) {
        let exact = bytes.len() == typed_bytes.len();
        return Some(if exact { 1 } else { PREFIX + length });
    }
    let begins = |at: &usize| {
        let (before, first) = (bytes[at - 1], bytes[*at]);
        !before.is_ascii_alphanumeric()
            || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
    };
    let mut words = (1..bytes.len()).filter(begins);
    if words.any(fits_at) {
        return Some(WORD + length);
    }
    let mut letters = name.chars();
    let all = typed
        .chars()
        .all(|wanted| letters.any(|letter| letter.eq_ignore_ascii_case(&wanted)));
    all.then_some(LETTERS + length)
}

/// `14:32:08`, `14:32:08.611`, `-30s`: a moment that is over.
fn moment(typed: &str, now: Seen, wall: WallClock) -> Option<Seen> {
    if let Some(ago) = typed.strip_prefix('-') {
        return Some(Seen(now.0.saturating_sub(duration(ago)?)));
    }
    let mut parts = typed.split(':');
    let mut number = |most: u64| thousandths(parts.next()?).filter(|number| *number < most * 1_000);
    let (hours, minutes) = (number(24)?, number(60)?);
    let of_day = hours * 3_600 + minutes * 60 + number(60).unwrap_or(0);
    let today = wall.start.saturating_add(now.0);
    let ago = (today % DAY + DAY - of_day) % DAY;
    Some(Seen(now.0.checked_sub(ago)?))
}

/// `mach://id/tx/step?t=..`, and links of this page.
fn address(typed: &str) -> Option<Hit> {
    let (machine, time) = if let Some(rest) = typed.strip_prefix("mach://") {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let id = path.split('/').next().unwrap_or_default();
        let time = query.split('&').find_map(|pair| pair.strip_prefix("t="));
        // Encoded as in a link of this page.
        (MachineRef::parse(&format!("id={id}"))?, time)
    } else {
        let is_link = ["http://", "https://", "/m#", "#"];
        let fragment = typed
            .split_once('#')
            .filter(|_| is_link.iter().any(|it| typed.starts_with(it)))?
            .1;
        let time = fragment.split('&').find_map(|pair| pair.strip_prefix("c="));
        (MachineRef::parse(fragment)?, time)
    };
    Some(Hit {
        kind: "Link",
        name: Shown::new(&machine.id),
        place: time.map(|time| Shown::new(&format!("t{time}"))),
        action: Action::Moment(machine, time.and_then(|time| time.parse().ok())),
    })
}

const COMMANDS: [(&str, Result<Command, &str>); 10] = [
    ("Go to Overview", Err("/")),
    ("Go to Machines", Err("/m")),
    ("Go to Peers", Err("/peers")),
    ("Back to live", Ok(Command::Live)),
    ("Copy link", Ok(Command::CopyLink)),
    ("Link menu", Ok(Command::Links)),
    ("Switch theme", Ok(Command::Theme)),
    ("Clear filter", Ok(Command::ClearFilter)),
    ("Keys and legend", Ok(Command::Keys)),
    (
        "Run or stop the sample workflow in this tab",
        Ok(Command::Sample),
    ),
];
const PREFIX: u32 = 1_000;
const WORD: u32 = 2_000;
const LETTERS: u32 = 3_000;
/// What comes after machines that fit as well.
const AFTER: u32 = 400;
/// Hits shown.
const MOST: usize = 12;
/// Less of an id is in too many.
const SHORTEST_ID: usize = 4;
const DAY: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::super::Input;
    use super::super::fixture::{learned_of, peer};
    use super::super::{PeerFacts, Phase};
    use super::*;

    fn world() -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        for (index, id) in (0..).zip(["courier-17", "courier-1", "route-17", "cour", "RouteLost"]) {
            let learned = learned_of(1, index, id, &[1, 1, 0, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.apply(Input::Peers(vec![PeerFacts::unknown(peer(1))]), Seen(0));
        world
    }

    fn found(typed: &str) -> Vec<String> {
        // The page started at 14:00.
        let wall = WallClock {
            start: 14 * 3_600_000,
        };
        let hits = search(&world(), typed, Seen(600_000), wall);
        let text = |hit: Hit| match hit.place {
            Some(place) => format!("{} {} {}", hit.kind, hit.name.short, place.short),
            None => format!("{} {}", hit.kind, hit.name.short),
        };
        hits.into_iter().map(text).collect()
    }

    #[test]
    fn the_better_fit_comes_first() {
        for (typed, expected) in [
            (
                "cour",
                &[
                    "Machine cour van-1",
                    "Machine courier-1 van-1",
                    "Machine courier-17 van-1",
                ][..],
            ),
            (
                "17",
                &["Machine route-17 van-1", "Machine courier-17 van-1"],
            ),
            ("lost", &["Machine RouteLost van-1"]),
            ("cr7", &["Machine courier-17 van-1"]),
            ("ROUTE-17", &["Machine route-17 van-1"]),
            ("ready@route-17", &["State Ready route-17"]),
            ("back", &["Command Back to live"]),
            ("live", &["Command Back to live"]),
            ("nobody", &[]),
            ("14:05", &["Time 14:05:00.000"]),
            ("14:05:03.5", &["Time 14:05:03.500"]),
            ("-30s", &["Time 14:09:30.000"]),
            ("14:11", &[]),
            (
                "mach://courier-17/tx12/3?q=4&t=1204",
                &["Link courier-17 t1204"],
            ),
            (
                "http://relay/m#v=1&id=courier-17@abc&c=9",
                &["Link courier-17 t9"],
            ),
            ("/m#id=a%20b@x", &["Link a b"]),
        ] {
            let found = found(typed);
            assert_eq!(
                found[..expected.len().min(found.len())],
                *expected,
                "{typed}"
            );
        }
        assert!(found("van-1").contains(&format!("Peer van-1 …{}", &peer(1).to_string()[44..])));
        assert!(
            found("Busy")
                .iter()
                .all(|hit| hit.starts_with("State Busy"))
        );
        assert_eq!(found("").len(), COMMANDS.len());
    }

    #[test]
    fn the_machine_time_of_a_link_is_the_moment_it_names() {
        let hits = search(&world(), "mach://a/t?t=1204", Seen(0), WallClock::default());
        let machine = MachineRef {
            id: "a".into(),
            owner: String::new(),
        };
        assert_eq!(hits[0].action, Action::Moment(machine, Some(1_204)));
    }
}
