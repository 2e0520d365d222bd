//! The Machine page: facts, and the tree of states with their relations.

use super::schema::tick;
use super::verdict::host_name;
use super::world::World;
use super::{
    Assessment, Interval, Machine, MachineKey, MachineRef, Piece, Resolution, Seen, Shown,
    StateFacts,
};
use crate::words;

/// What the Machine page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MachineScreen {
    /// No machine at all is known.
    #[default]
    Nothing,
    /// The link names one that nobody knows.
    Unknown {
        /// The name.
        id: Shown,
        /// Others with similar names, and their pages.
        similar: Vec<(Shown, String)>,
    },
    /// A machine.
    Machine(Box<MachineView>),
}

/// One machine in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineView {
    /// Its facts.
    pub head: MachineHead,
    /// Its states, in index order.
    pub states: Vec<StateRow>,
}

/// Facts of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineHead {
    /// Names it.
    pub key: MachineKey,
    /// Names it for scripts.
    pub mark: String,
    /// Its id.
    pub name: Shown,
    /// Its host.
    pub host: Shown,
    /// Its owner.
    pub owner: String,
    /// Its health.
    pub answer: Assessment,
    /// The rule in words.
    pub rule: Vec<Piece>,
    /// Sum of ticks.
    pub time: u64,
    /// Parent machine.
    pub parent: Option<Shown>,
    /// Tags.
    pub tags: Vec<Shown>,
    /// Its newest word came from another peer.
    pub hearsay: bool,
    /// This tab's own.
    pub own: bool,
    /// When it last changed.
    pub changed: Interval,
    /// When it went.
    pub gone: Option<Seen>,
    /// The link names another owner, who is not here.
    pub namesake: bool,
    /// A live machine of the same name, when this one went.
    pub successor: Option<String>,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// For scripts.
    pub name: String,
    /// For people.
    pub shown: Shown,
    /// Its tick.
    pub tick: u64,
    /// Active.
    pub active: bool,
    /// May be called while active.
    pub multi: bool,
    /// An error state.
    pub error: bool,
    /// Activates by itself.
    pub auto: bool,
    /// Relations, those that name at least one state.
    pub relations: Vec<RelationRow>,
    /// Tags.
    pub tags: Vec<Shown>,
}

/// A relation of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationRow {
    /// Which.
    pub kind: RelationKind,
    /// Targets: index, name, active.
    pub targets: Vec<(usize, Shown, bool)>,
}

/// Relations in the order shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// All must be in the target set.
    Requires,
    /// Implied.
    Adds,
    /// Not together.
    Removes,
    /// Handlers run later.
    After,
    /// Reverse of requires.
    RequiredBy,
    /// Reverse of removes.
    RemovedBy,
}

impl RelationKind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requires => "requires",
            Self::Adds => "adds",
            Self::Removes => "removes",
            Self::After => "after",
            Self::RequiredBy => "required by",
            Self::RemovedBy => "removed by",
        }
    }
}

/// The page for what a link resolved to.
#[must_use]
pub fn machine_screen(
    world: &World,
    wanted: Option<&MachineRef>,
    resolution: &Resolution,
    now: Seen,
) -> MachineScreen {
    match resolution {
        Resolution::Nothing => MachineScreen::Nothing,
        Resolution::Unknown { id, similar } => MachineScreen::Unknown {
            id: id.clone(),
            similar: similar
                .iter()
                .filter_map(|key| world.machine(key))
                .map(|machine| (machine.shown.clone(), MachineRef::of(world, machine).href()))
                .collect(),
        },
        Resolution::Found(key) => match world.machine(key) {
            Some(machine) => MachineScreen::Machine(Box::new(MachineView {
                head: head(world, machine, wanted, now),
                states: (0..machine.schema.states.len())
                    .map(|at| state_row(machine, at))
                    .collect(),
            })),
            None => MachineScreen::Nothing,
        },
    }
}

/// The order of the states shown: that of the schema, or by name.
#[must_use]
pub fn state_order(states: &[StateRow], by_name: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..states.len()).collect();
    if by_name {
        order.sort_by(|a, b| states[*a].name.cmp(&states[*b].name));
    }
    order
}

fn head(world: &World, machine: &Machine, wanted: Option<&MachineRef>, now: Seen) -> MachineHead {
    let answer = world.assessment(&machine.key);
    let successor = machine.gone.and_then(|_| {
        world
            .machines()
            .find(|other| other.id == machine.id && other.gone.is_none())
    });
    MachineHead {
        key: machine.key,
        mark: format!("{}/{}", machine.key.peer, machine.id),
        name: machine.shown.clone(),
        host: host_name(machine),
        owner: machine.key.peer.to_string(),
        rule: words::rule(machine, answer.rule, now),
        answer,
        time: machine.machine_time(),
        parent: machine.parent.clone(),
        tags: machine.tags.clone(),
        hearsay: !machine.first_hand,
        own: machine.own,
        changed: machine.changed,
        gone: machine.gone,
        namesake: wanted.is_some_and(|wanted| !wanted.is_owner(machine)),
        successor: successor.map(|other| MachineRef::of(world, other).href()),
    }
}

fn state_row(machine: &Machine, at: usize) -> StateRow {
    let state = &machine.schema.states[at];
    let active = machine.is_active(at);
    StateRow {
        name: state.name.clone(),
        shown: state.shown.clone(),
        tick: tick(&machine.clock, at),
        active,
        multi: state.multi,
        error: state.is_error,
        auto: state.auto,
        relations: relations(machine, state),
        tags: state.tags.clone(),
    }
}

fn relations(machine: &Machine, state: &StateFacts) -> Vec<RelationRow> {
    [
        (RelationKind::Requires, &state.requires),
        (RelationKind::Adds, &state.adds),
        (RelationKind::Removes, &state.removes),
        (RelationKind::After, &state.after),
        (RelationKind::RequiredBy, &state.required_by),
        (RelationKind::RemovedBy, &state.removed_by),
    ]
    .into_iter()
    .filter(|(_, targets)| !targets.is_empty())
    .map(|(kind, targets)| RelationRow {
        kind,
        targets: targets
            .iter()
            .map(|&at| {
                let name = machine.schema.states[at].shown.clone();
                (at, name, machine.is_active(at))
            })
            .collect(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned, reading};
    use super::super::{Input, Phase};
    use super::*;

    fn view(clocks: &[[u64; 4]]) -> Box<MachineView> {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        world.apply(Input::Learned(learned("m", &clocks[0])), Seen(0));
        let key = learned("m", &[]).key;
        for (at, clock) in (1..).zip(&clocks[1..]) {
            let by = at * 1_000;
            world.apply(Input::Read(key, reading(clock, by - 1_000, by)), Seen(by));
        }
        match machine_screen(&world, None, &Resolution::Found(key), Seen(9_000)) {
            MachineScreen::Machine(view) => view,
            MachineScreen::Nothing | MachineScreen::Unknown { .. } => panic!("no machine"),
        }
    }

    #[test]
    fn parity_and_activity_agree_for_every_state() {
        let view = view(&[[1, 2, 3, 0]]);
        for row in &view.states {
            assert_eq!(row.active, row.tick % 2 == 1, "{}", row.name);
        }
        let ready = &view.states[1];
        assert_eq!(ready.relations[0].kind, RelationKind::Requires);
        assert!(ready.relations[0].targets[0].2, "Start is active");
    }
}
