//! The fleet in the order it is shown in: which machines, under which labels, and where each stands. Whoever scrolls asks
//! for what is in view, so that ten thousand machines cost no more rows than a screen has.

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, sort_by};

use super::{Group, Health, Machine, MachineKey, Shown, World};

/// What stands together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Machines of one host.
    #[default]
    Host,
    /// Machines below the one they name as their parent.
    Parent,
    /// Machines with the same value of this tag.
    Tag(String),
    /// Machines that are alike.
    Health,
    /// Nothing.
    None,
}

/// What stands above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// As the mesh has it: hosts by name, machines by index.
    #[default]
    Mesh,
    /// What needs attention, the earlier the higher.
    Attention,
    /// By name.
    Name,
    /// What changed last.
    Changed,
    /// What changes most.
    Rate,
    /// The most ticks.
    Ticks,
}

impl Sorting {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Mesh,
        Self::Attention,
        Self::Name,
        Self::Changed,
        Self::Rate,
        Self::Ticks,
    ];
}

/// The fleet, arranged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arranged {
    /// In order.
    pub sections: Vec<Section>,
    /// Machines that pass the filter.
    pub shown: usize,
    /// Machines there are.
    pub total: usize,
    /// Keys of tags there are to group by.
    pub tags: Vec<String>,
}

/// Machines that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is called.
    pub label: Label,
    /// In order, each with how deep it stands in a tree.
    pub rows: Vec<(MachineKey, u8)>,
}

/// What a section is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// A host.
    Host(PeerId),
    /// A health.
    Health(Health),
    /// A value of a tag; `None`: those without.
    Tag(Option<Shown>),
    /// Nothing is above these rows.
    Nothing,
}

/// What decides on order besides the world.
pub struct Order<'a> {
    /// What stands together.
    pub grouping: &'a Grouping,
    /// What stands above.
    pub sorting: Sorting,
    /// Whether a machine is shown.
    pub keeps: &'a dyn Fn(&Machine) -> bool,
    /// How often it changes.
    pub rate: &'a dyn Fn(&MachineKey) -> u64,
    /// An order to keep to, as long as somebody points into it.
    pub held: Option<&'a Arranged>,
}

/// Arranges the fleet. `hosts`: as the mesh has them.
#[must_use]
pub fn arranged(world: &World, hosts: &[Group], order: &Order<'_>) -> Arranged {
    let mut total = 0;
    let mut shown = 0;
    let mut tags: Vec<String> = Vec::new();
    let mut found: Vec<(Label, Vec<&Machine>)> = Vec::new();
    for host in hosts {
        let mut rows = Vec::new();
        for machine in host.rows.iter().filter_map(|key| world.machine(key)) {
            // What the verdict counts; the mesh's own machines are listed beside.
            let counted = usize::from(machine.counts());
            total += counted;
            note_tags(&mut tags, machine);
            if (order.keeps)(machine) {
                shown += counted;
                rows.push(machine);
            }
        }
        if !rows.is_empty() {
            found.push((Label::Host(host.peer), rows));
        }
    }
    if *order.grouping != Grouping::Host {
        found = regrouped(world, found, order.grouping);
    }
    let by = sort_key(world, order);
    let sections = found.into_iter().map(|(label, rows)| Section {
        label,
        rows: if *order.grouping == Grouping::Parent {
            tree(&rows, &*by)
        } else {
            sorted(rows, &*by)
                .into_iter()
                .map(|one| (one.key, 0))
                .collect()
        },
    });
    tags.sort_unstable();
    Arranged {
        sections: sections.collect(),
        shown,
        total,
        tags,
    }
}

fn note_tags(tags: &mut Vec<String>, machine: &Machine) {
    for tag in &machine.tags {
        let key = tag_of(tag).0;
        if tags.len() < TAGS && !tags.iter().any(|known| known == key) {
            tags.push(key.to_owned());
        }
    }
}

fn tag_of(tag: &Shown) -> (&str, Option<&str>) {
    match tag.short.split_once(':') {
        Some((key, value)) => (key, Some(value)),
        None => (&tag.short, None),
    }
}

fn regrouped<'a>(
    world: &World,
    found: Vec<(Label, Vec<&'a Machine>)>,
    grouping: &Grouping,
) -> Vec<(Label, Vec<&'a Machine>)> {
    let mut groups: OrderedMap<Label, Vec<&Machine>> = OrderedMap::new();
    for machine in found.into_iter().flat_map(|(_, rows)| rows) {
        let label = match grouping {
            Grouping::Health => Label::Health(world.assessment(&machine.key).health),
            Grouping::Tag(key) => {
                let mut values = machine.tags.iter().map(tag_of);
                let value = values.find(|(name, _)| name == key);
                Label::Tag(value.map(|(_, value)| Shown::new(value.unwrap_or(key))))
            }
            Grouping::Host | Grouping::Parent | Grouping::None => Label::Nothing,
        };
        groups.get_or_insert_with(label, Vec::new).push(machine);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    // What is wrong comes first, what has no such tag last.
    let rank = |label: &Label| match label {
        Label::Health(health) => (!health.needs_attention(), *health == Health::Ok),
        Label::Tag(value) => (false, value.is_none()),
        Label::Host(_) | Label::Nothing => (false, false),
    };
    sort_by(&mut groups, |(a, _), (b, _)| {
        (rank(a), a).cmp(&(rank(b), b))
    });
    groups
}

/// Smaller stands above; what is alike stays as it is in the mesh.
type SortKey<'a> = Box<dyn Fn(&Machine) -> (u64, Option<Shown>) + 'a>;

fn sort_key<'a>(world: &'a World, order: &'a Order<'_>) -> SortKey<'a> {
    if let Some(held) = order.held {
        let ranks: OrderedMap<MachineKey, u64> = held.keys().zip(0..).collect();
        return Box::new(move |one| (ranks.get(&one.key).copied().unwrap_or(u64::MAX), None));
    }
    match order.sorting {
        Sorting::Mesh => Box::new(|_| (0, None)),
        Sorting::Attention => Box::new(|one| {
            let answer = world.assessment(&one.key);
            let rank = match answer.health {
                health if health.needs_attention() => answer.onset.by.0,
                Health::Stale => u64::MAX - 2,
                Health::Gone => u64::MAX,
                _ => u64::MAX - 1,
            };
            (rank, None)
        }),
        Sorting::Name => Box::new(|one| (0, Some(one.shown.clone()))),
        Sorting::Changed => Box::new(|one| (u64::MAX - one.changed.by.0, None)),
        Sorting::Rate => Box::new(|one| (u64::MAX - (order.rate)(&one.key), None)),
        Sorting::Ticks => Box::new(|one| (u64::MAX - one.machine_time(), None)),
    }
}

fn sorted<'a>(
    rows: Vec<&'a Machine>,
    by: &dyn Fn(&Machine) -> (u64, Option<Shown>),
) -> Vec<&'a Machine> {
    let mut keyed: Vec<_> = rows.into_iter().map(|one| (by(one), one)).collect();
    sort_by(&mut keyed, |(a, _), (b, _)| a.cmp(b));
    keyed.into_iter().map(|(_, one)| one).collect()
}

/// Children below their parents: a machine of the same owner, else the only one of that name. What names itself through
/// others is nobody's child.
fn tree(rows: &[&Machine], by: &dyn Fn(&Machine) -> (u64, Option<Shown>)) -> Vec<(MachineKey, u8)> {
    let mut by_id: OrderedMap<&str, Vec<usize>> = OrderedMap::new();
    for (at, one) in rows.iter().enumerate() {
        by_id
            .get_or_insert_with(one.shown.whole(), Vec::new)
            .push(at);
    }
    let parent_of = |one: &Machine| -> Option<usize> {
        let named = by_id.get(one.parent.as_ref()?.whole())?;
        let own = named.iter().find(|at| rows[**at].key.peer == one.key.peer);
        own.or(named.first().filter(|_| named.len() == 1)).copied()
    };
    let parents: Vec<Option<usize>> = rows.iter().map(|one| parent_of(one)).collect();
    let is_rooted = |mut at: usize| {
        for _ in 0..rows.len().min(DEEPEST) {
            match parents[at] {
                Some(parent) => at = parent,
                None => return true,
            }
        }
        false
    };
    let mut children: Vec<Vec<&Machine>> = vec![Vec::new(); rows.len()];
    let mut roots = Vec::new();
    let mut place: OrderedMap<MachineKey, usize> = OrderedMap::new();
    for (at, one) in rows.iter().enumerate() {
        place.insert(one.key, at);
        match parents[at] {
            Some(parent) if is_rooted(at) => children[parent].push(one),
            Some(_) | None => roots.push(*one),
        }
    }
    let mut out = Vec::with_capacity(rows.len());
    let mut open: Vec<(&Machine, u8)> = Vec::new();
    open.extend(sorted(roots, by).into_iter().rev().map(|one| (one, 0)));
    while let Some((one, depth)) = open.pop() {
        out.push((one.key, depth));
        let below = place
            .get(&one.key)
            .map(|at| std::mem::take(&mut children[*at]));
        let below = sorted(below.unwrap_or_default(), by);
        open.extend(
            below
                .into_iter()
                .rev()
                .map(|one| (one, depth.saturating_add(1))),
        );
    }
    out
}

impl Arranged {
    /// All machines, from top to bottom.
    pub fn keys(&self) -> impl Iterator<Item = MachineKey> + '_ {
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        rows.map(|(key, _)| *key)
    }
}

/// Where everything stands, in thirds of a row: a label is that much lower on a phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Labels: section, top, height.
    pub labels: Vec<(usize, u32, u32)>,
    /// Rows: machine, top, depth. In order.
    pub rows: Vec<(MachineKey, u32, u8)>,
    /// Height of it all.
    pub height: u32,
}

/// How labels stand to their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Beside them.
    Beside,
    /// Above them, so high.
    Above(u32),
    /// There are none.
    Absent,
}

impl Layout {
    /// Places everything.
    #[must_use]
    pub fn of(fleet: &Arranged, labels: Labels) -> Self {
        let mut layout = Self::default();
        let mut top = 0;
        for (at, section) in fleet.sections.iter().enumerate() {
            let begin = top;
            if let Labels::Above(height) = labels {
                top += height;
            }
            for (key, depth) in &section.rows {
                layout.rows.push((*key, top, *depth));
                top += ROW;
            }
            if labels == Labels::Beside {
                // A name and a line below it.
                top = top.max(begin + 2 * ROW);
            }
            match labels {
                Labels::Beside => layout.labels.push((at, begin, top - begin)),
                Labels::Above(height) => layout.labels.push((at, begin, height)),
                Labels::Absent => {}
            }
        }
        layout.height = top;
        layout
    }

    /// The row of a machine, counted from the top.
    #[must_use]
    pub fn place(&self, key: &MachineKey) -> Option<usize> {
        self.rows.iter().position(|row| row.0 == *key)
    }

    /// What is to be drawn while `view` is seen: everything if it is little, else what is in view, and `focused`.
    #[must_use]
    pub fn in_view(&self, view: (u32, u32), focused: Option<&MachineKey>) -> InView {
        if self.rows.len() <= FEW {
            return InView {
                labels: (0..self.labels.len()).collect(),
                rows: (0..self.rows.len()).collect(),
            };
        }
        let (from, to) = view;
        let first = self.rows.partition_point(|row| row.1 + ROW <= from);
        let last = self.rows.partition_point(|row| row.1 < to);
        let last = last.min(first + MOST);
        let focused = focused.and_then(|key| self.place(key));
        let before = focused.filter(|at| *at < first);
        let after = focused.filter(|at| *at >= last);
        let labels = self.labels.iter().enumerate();
        InView {
            labels: labels
                .filter(|(_, label)| label.1 < to && from < label.1 + label.2)
                .map(|(at, _)| at)
                .collect(),
            rows: before.into_iter().chain(first..last).chain(after).collect(),
        }
    }
}

/// Indexes into a [`Layout`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InView {
    /// Labels.
    pub labels: Vec<usize>,
    /// Rows.
    pub rows: Vec<usize>,
}

/// Height of a row.
pub const ROW: u32 = 3;
/// So many rows need no scrolling to be cheap.
const FEW: usize = 60;
/// Rows drawn at most, besides the one in focus (dashboard design 11).
const MOST: usize = 59;
/// Keys of tags offered.
const TAGS: usize = 12;
/// No tree of machines is deeper.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned_of, reading};
    use super::super::{Input, Phase, Seen, fleet};
    use super::*;

    /// Of owner 1: a, b, c; of owner 2: d (below c), e (below d), a; f names itself.
    fn world() -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        world.apply(Input::Phase(Phase::Live), Seen(0));
        let machines = [
            (1, 0, "a", ""),
            (1, 1, "b", "a"),
            (1, 2, "c", ""),
            (2, 0, "d", "c"),
            (2, 1, "e", "d"),
            (2, 2, "a", "e"),
            (2, 3, "f", "f"),
        ];
        for (owner, index, id, parent) in machines {
            let mut learned = learned_of(owner, index, id, &[1, 1, index, 0]);
            learned.parent = parent.into();
            learned.tags.push(format!("zone:{}", 9 - index));
            world.apply(Input::Learned(learned), Seen(0));
        }
        for (index, clock, at) in [(1, [1, 1, 1, 1], 300), (0, [1, 2, 0, 0], 100)] {
            let key = learned_of(1, index, "", &[]).key;
            world.apply(Input::Read(key, reading(&clock, at - 50, at)), Seen(at));
        }
        world.settle(Seen(5_000));
        world
    }

    fn shown(grouping: &Grouping, sorting: Sorting, keeps: &dyn Fn(&Machine) -> bool) -> String {
        let world = world();
        let hosts = fleet(&world, Seen(5_000));
        let fleet = arranged(
            &world,
            &hosts,
            &Order {
                grouping,
                sorting,
                keeps,
                rate: &|key| key.index.0,
                held: None,
            },
        );
        assert_eq!(fleet.total, 7);
        assert_eq!(fleet.keys().count(), fleet.shown);
        text(&world, &fleet)
    }

    fn text(world: &World, fleet: &Arranged) -> String {
        let sections = fleet.sections.iter().map(|section| {
            let rows = section.rows.iter().map(|(key, depth)| {
                let id = world.machine(key).map(|one| one.id.to_string());
                ".".repeat((*depth).into()) + &id.unwrap_or_default()
            });
            rows.collect::<Vec<_>>().join(" ")
        });
        sections.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn groups_and_orders() {
        let zone = Grouping::Tag("zone".into());
        for (grouping, sorting, expected) in [
            (Grouping::Host, Sorting::Mesh, "a b c | d e a f"),
            (Grouping::Host, Sorting::Name, "a b c | a d e f"),
            (Grouping::None, Sorting::Mesh, "a b c d e a f"),
            (Grouping::None, Sorting::Attention, "a b c d e a f"),
            (Grouping::None, Sorting::Changed, "b a c d e a f"),
            (Grouping::None, Sorting::Rate, "f c a b e a d"),
            (Grouping::Host, Sorting::Ticks, "b c a | f a e d"),
            (Grouping::Health, Sorting::Mesh, "b | a | c d e a f"),
            (Grouping::Parent, Sorting::Mesh, "a .b c .d ..e ...a f"),
            (Grouping::Parent, Sorting::Rate, "f c .d ..e ...a a .b"),
            (zone, Sorting::Mesh, "f | c a | b e | a d"),
            (Grouping::Tag("kind".into()), Sorting::Mesh, "a b c d e a f"),
            (Grouping::Tag("none".into()), Sorting::Mesh, "a b c d e a f"),
        ] {
            let found = shown(&grouping, sorting, &|_| true);
            assert_eq!(found, expected, "{grouping:?} {sorting:?}");
        }
    }

    #[test]
    fn what_is_filtered_leaves_no_empty_host() {
        let only = |one: &Machine| &*one.id == "d" || &*one.id == "e";
        assert_eq!(shown(&Grouping::Host, Sorting::Mesh, &only), "d e");
        assert_eq!(shown(&Grouping::Parent, Sorting::Mesh, &only), "d .e");
        assert_eq!(shown(&Grouping::Host, Sorting::Mesh, &|_| false), "");
    }

    #[test]
    fn who_points_into_a_list_finds_its_order_unchanged() {
        let world = world();
        let hosts = fleet(&world, Seen(5_000));
        let of = |sorting, held| {
            let order = Order {
                grouping: &Grouping::None,
                sorting,
                keeps: &|one| &*one.id != "e" || held_is(held),
                rate: &|key| key.index.0,
                held,
            };
            arranged(&world, &hosts, &order)
        };
        fn held_is(held: Option<&Arranged>) -> bool {
            held.is_some()
        }
        let before = of(Sorting::Rate, None);
        assert_eq!(text(&world, &before), "f c a b a d");
        // What is new stands at the end.
        assert_eq!(
            text(&world, &of(Sorting::Ticks, Some(&before))),
            "f c a b a d e"
        );
    }

    #[test]
    fn labels_beside_take_two_lines_and_labels_above_their_own() {
        let fleet = Arranged {
            sections: [1, 3]
                .map(|rows| Section {
                    label: Label::Nothing,
                    rows: (0..rows)
                        .map(|index| (learned_of(rows, index.into(), "", &[]).key, 0))
                        .collect(),
                })
                .into(),
            ..Arranged::default()
        };
        let tops = |labels| {
            let layout = Layout::of(&fleet, labels);
            let rows: Vec<u32> = layout.rows.iter().map(|row| row.1).collect();
            (layout.labels, rows, layout.height)
        };
        assert_eq!(
            tops(Labels::Beside),
            (vec![(0, 0, 6), (1, 6, 9)], vec![0, 6, 9, 12], 15)
        );
        assert_eq!(
            tops(Labels::Above(2)),
            (vec![(0, 0, 2), (1, 5, 2)], vec![2, 7, 10, 13], 16)
        );
        assert_eq!(tops(Labels::Absent), (vec![], vec![0, 3, 6, 9], 12));
    }

    #[test]
    fn a_screen_of_many_draws_what_is_in_view_and_what_has_the_focus() {
        let rows = |owner: u8| {
            let keys = (0..100).map(move |index| learned_of(owner, index, "", &[]).key);
            keys.map(|key| (key, 0)).collect()
        };
        let fleet = Arranged {
            sections: (1..=100)
                .map(|owner| Section {
                    label: Label::Nothing,
                    rows: rows(owner),
                })
                .collect(),
            ..Arranged::default()
        };
        let layout = Layout::of(&fleet, Labels::Beside);
        assert_eq!(layout.height, 30_000);
        let focused = learned_of(50, 7, "", &[]).key;
        for view in [
            (0, 120),
            (299, 310),
            (14_700, 14_800),
            (29_900, 30_000),
            (50, 9_000),
        ] {
            let seen = layout.in_view(view, Some(&focused));
            assert!(seen.rows.len() <= 60, "{view:?}");
            assert!(seen.rows.contains(&4_907));
            assert!(seen.rows.is_sorted());
            assert!(seen.labels.len() <= 31);
        }
        let seen = layout.in_view((299, 310), None);
        assert_eq!(seen.rows, [99, 100, 101, 102, 103]);
        assert_eq!(seen.labels, [0, 1]);
    }
}
