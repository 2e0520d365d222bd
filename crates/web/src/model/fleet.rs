//! Rows of the Overview, grouped by host.
//!
//! A group is one peer, labelled by the host name its machines claim: a name can be claimed by anyone, a peer id
//! cannot. The lifecycle of a peer stands on the host's line; it gets a row only where there is nothing else.

use statemesh::PeerId;

use super::peers::role_of;
use super::schema::tick;
use super::world::{FRESH_FOR, World};
use super::{
    Health, Interval, LinkFacts, Machine, MachineKey, MachineRef, PeerRole, Role, Seen, Shown,
};
use crate::words;
use statemesh::core::collections::{OrderedMap, sort_by};

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The peer.
    pub peer: PeerId,
    /// Host name, if it claims one.
    pub name: Option<Shown>,
    /// Last characters of its id.
    pub short: String,
    /// What it is.
    pub role: PeerRole,
    /// A peer without our extra keys: snapshots from time to time, no heartbeat.
    pub is_go: bool,
    /// Our link to it.
    pub link: Option<LinkFacts>,
    /// Its word was last heard then, when it is overdue.
    pub silent_since: Option<Seen>,
    /// All of its machines are gone.
    pub gone: bool,
    /// Its lifecycle, when it has other machines beside.
    pub lifecycle: Option<FleetRow>,
    /// Machines in owner's order, those long gone last.
    pub rows: Vec<MachineKey>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRow {
    /// Names it.
    pub key: MachineKey,
    /// Names it for scripts: `FULLPEERID/ID`.
    pub mark: String,
    /// Its page.
    pub href: String,
    /// Its id.
    pub name: Shown,
    /// Its host's name, or the end of its owner's id.
    pub host: Shown,
    /// Its health.
    pub health: Health,
    /// States worth showing, abnormal first.
    pub states: Vec<StateWord>,
    /// Active states that are not shown.
    pub more: usize,
    /// Sum of ticks.
    pub time: u64,
    /// When it last changed.
    pub changed: Interval,
    /// Its newest word came from another peer.
    pub hearsay: bool,
    /// This tab's own.
    pub own: bool,
    /// For screen readers: who, and what of its states.
    pub label: (String, String),
    /// When what is wrong with it began.
    pub since: Option<Seen>,
    /// The rule that fired, for tooltips.
    pub rule: String,
}

/// A state in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWord {
    /// For scripts.
    pub name: String,
    /// For people.
    pub shown: Shown,
    /// How it is set.
    pub kind: WordKind,
    /// Its tick.
    pub tick: u64,
}

/// How a state is set in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordKind {
    /// Missing: `Ready off`.
    Off,
    /// An error state.
    Error,
    /// Changed within the last second.
    Fresh,
    /// `Start`, `Ready`, `Connected`: expected.
    Dim,
    /// Any other.
    Plain,
}

impl WordKind {
    /// For style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Fresh => "fresh",
            Self::Dim => "dim",
            Self::Plain => "plain",
        }
    }
}

/// All groups in the order of the mesh: hosts by name, relays, others, this tab; those gone at the end.
#[must_use]
pub fn fleet(world: &World, now: Seen) -> Vec<Group> {
    let mut owners: OrderedMap<PeerId, Vec<&Machine>> = OrderedMap::new();
    for machine in world.machines() {
        owners
            .get_or_insert_with(machine.key.peer, Vec::new)
            .push(machine);
    }
    let mut groups: Vec<Group> = owners
        .into_iter()
        .map(|(peer, machines)| group(world, peer, machines, now))
        .collect();
    sort_by(&mut groups, |a, b| {
        (a.gone, a.role, &a.name, a.peer).cmp(&(b.gone, b.role, &b.name, b.peer))
    });
    groups
}

fn group(world: &World, peer: PeerId, mut machines: Vec<&Machine>, now: Seen) -> Group {
    let is_last = |machine: &Machine| {
        machine
            .gone
            .is_some_and(|gone| now.since(gone) >= MOVES_AFTER)
    };
    sort_by(&mut machines, |a, b| {
        (is_last(a), a.key).cmp(&(is_last(b), b.key))
    });
    let lifecycle = machines
        .iter()
        .position(|machine| machine.role != Role::Application)
        .filter(|_| machines.iter().any(|machine| machine.counts()))
        .map(|at| machines.remove(at));
    let facts = world.peer(&peer);
    let all = || machines.iter().copied().chain(lifecycle);
    let gone = all().all(|machine| machine.gone.is_some());
    let stale = all().any(|machine| world.assessment(&machine.key).health == Health::Stale);
    Group {
        peer,
        name: all()
            .filter(|machine| machine.gone.is_none())
            .chain(all())
            .find_map(|machine| machine.host.clone()),
        short: peer.short(SHORT),
        role: role_of(&all().collect::<Vec<_>>()),
        is_go: facts.is_some_and(|facts| facts.first_hand && !facts.is_statemesh),
        link: world.links().find(|link| link.peer == peer).cloned(),
        silent_since: facts.and_then(|facts| facts.heard).filter(|_| stale),
        gone,
        lifecycle: lifecycle.map(|machine| fleet_row(world, machine, now)),
        rows: machines.iter().map(|machine| machine.key).collect(),
    }
}

impl FleetRow {
    /// As it is spoken: `courier-17 on van-17, Not ready, since 38 seconds, 8 states active, time 1291`.
    #[must_use]
    pub fn spoken(&self, now: Seen) -> String {
        let (who, what) = &self.label;
        let since = self
            .since
            .map(|since| words::overview::spoken_since(now.since(since)));
        [who, since.as_deref().unwrap_or_default(), what].concat()
    }
}

/// One row as of `now`.
#[must_use]
pub fn fleet_row(world: &World, machine: &Machine, now: Seen) -> FleetRow {
    let answer = world.assessment(&machine.key);
    let (states, more) = state_words(machine, answer.health, now);
    let active = (0..machine.schema.states.len())
        .filter(|&at| machine.is_active(at))
        .count();
    let time = machine.machine_time();
    FleetRow {
        key: machine.key,
        mark: format!("{}/{}", machine.key.peer, machine.id),
        href: MachineRef::of(world, machine).href(),
        health: answer.health,
        states,
        more,
        time,
        changed: machine.changed,
        hearsay: !machine.first_hand,
        own: machine.own,
        label: (
            format!(
                "{} on {}, {}",
                machine.shown.plain(),
                super::verdict::host_name(machine).plain(),
                words::health(answer.health),
            ),
            words::overview::active_at(active, time),
        ),
        since: (!matches!(answer.health, Health::Ok | Health::Starting)).then_some(answer.onset.by),
        rule: super::Piece::plain(&words::rule(machine, answer.rule, answer.onset.by)),
        name: machine.shown.clone(),
        host: super::verdict::host_name(machine),
    }
}

fn state_words(machine: &Machine, health: Health, now: Seen) -> (Vec<StateWord>, usize) {
    let changed: &[_] = match machine.changes.back() {
        Some(change) if now.since(change.at.by) < FRESH_FOR => &change.states,
        Some(_) | None => &[],
    };
    let word = |at: usize, kind| {
        let state = &machine.schema.states[at];
        StateWord {
            name: state.name.clone(),
            shown: state.shown.clone(),
            kind,
            tick: tick(&machine.clock, at),
        }
    };
    let missing = machine.schema.ready.filter(|_| health == Health::NotReady);
    let mut words: Vec<StateWord> = missing
        .map(|at| word(at, WordKind::Off))
        .into_iter()
        .chain(
            machine
                .schema
                .active_errors(&machine.clock)
                .map(|at| word(at, WordKind::Error)),
        )
        .collect();
    let normal = (0..machine.schema.states.len())
        .filter(|&at| machine.is_active(at) && !machine.schema.states[at].is_error);
    words.extend(normal.map(|at| {
        let kind = if changed.iter().any(|change| change.state == at) {
            WordKind::Fresh
        } else if EXPECTED.contains(&machine.schema.states[at].name.as_str()) {
            WordKind::Dim
        } else {
            WordKind::Plain
        };
        word(at, kind)
    }));
    let more = words.len().saturating_sub(WORDS_SHOWN);
    words.truncate(WORDS_SHOWN);
    (words, more)
}

/// States so common that they are dim (5.1).
const EXPECTED: [&str; 3] = ["Start", "Ready", "Connected"];
/// States shown in a row; no screen is wider.
const WORDS_SHOWN: usize = 40;
/// What went moves to the end of its host after so long (4.3).
const MOVES_AFTER: u64 = 10_000;
/// Characters of a peer id shown beside a name.
const SHORT: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned, learned_of, reading};
    use super::super::{Input, Phase};
    use super::*;

    fn world(learned: impl IntoIterator<Item = super::super::Learned>) -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        for learned in learned {
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(0));
        world
    }

    fn lifecycle(owner: u8, role: &str) -> super::super::Learned {
        let mut learned = learned_of(owner, 99, "peer", &[1, 1, 0, 0]);
        learned.tags = vec![format!("role:{role}"), format!("host:van-{owner}")];
        learned
    }

    #[test]
    fn hosts_by_name_then_relays_with_lifecycles_on_the_line() {
        let world = world([
            learned_of(2, 0, "b", &[1, 1, 0, 0]),
            learned_of(1, 0, "a", &[1, 1, 0, 0]),
            lifecycle(1, "peer"),
            lifecycle(3, "relay"),
        ]);
        let groups = fleet(&world, Seen(0));
        let names: Vec<_> = groups
            .iter()
            .map(|group| group.name.as_ref().unwrap().short.to_string())
            .collect();
        assert_eq!(names, ["van-1", "van-2", "van-3"]);
        assert_eq!(groups[0].rows.len(), 1);
        assert!(groups[0].lifecycle.is_some());
        assert_eq!(groups[2].role, PeerRole::Relay);
        assert_eq!(groups[2].rows.len(), 1, "a relay alone shows its lifecycle");
        assert!(groups[2].lifecycle.is_none());
    }

    #[test]
    fn abnormal_states_come_first() {
        let mut world = world([learned("m", &[1, 1, 0, 0])]);
        let key = learned("m", &[]).key;
        world.apply(Input::Read(key, reading(&[1, 2, 1, 1], 0, 100)), Seen(100));
        world.settle(Seen(200));
        let row = fleet_row(&world, world.machine(&key).unwrap(), Seen(200));
        let words: Vec<_> = row
            .states
            .iter()
            .map(|word| (word.name.as_str(), word.kind))
            .collect();
        assert_eq!(
            words,
            [
                ("Exception", WordKind::Error),
                ("Start", WordKind::Dim),
                ("Busy", WordKind::Fresh),
            ]
        );
        assert_eq!(row.time, 5);
        let later = fleet_row(&world, world.machine(&key).unwrap(), Seen(1_200));
        assert_eq!(later.states[2].kind, WordKind::Plain);
    }

    #[test]
    fn what_went_moves_to_the_end_after_a_while() {
        let mut world = world([
            learned_of(1, 0, "a", &[1, 1, 0, 0]),
            learned_of(1, 1, "b", &[1, 1, 0, 0]),
        ]);
        let first = learned_of(1, 0, "", &[]).key;
        world.apply(Input::Gone(first), Seen(0));
        assert_eq!(fleet(&world, Seen(9_999))[0].rows[0], first);
        assert_eq!(fleet(&world, Seen(10_000))[0].rows[1], first);
    }
}
