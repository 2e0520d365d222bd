//! Which states and which relations are in a picture: of a group, of a state and its neighbours, or of the whole machine.

use statemesh::core::collections::OrderedSet;
use statemesh::core::engine::Relation;

use crate::model::{SchemaFacts, StateFacts};

/// A relation in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who has it: a place in [`Sketch::states`].
    pub from: usize,
    /// To whom: a place in [`Sketch::states`].
    pub to: usize,
    /// Which.
    pub kind: Relation,
    /// The other one has the same.
    pub both: bool,
    /// So many states between them are skipped.
    pub through: usize,
}

/// What is in a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// States by their numbers in the schema, in that order.
    pub states: Vec<usize>,
    /// Relations between them.
    pub links: Vec<Link>,
}

/// States that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Every state.
    #[default]
    All,
    /// Those that activate by themselves.
    Auto,
    /// Those that may be called while active.
    Multi,
    /// Those that are errors.
    Errors,
    /// Those with this tag.
    Tag(String),
}

/// What becomes of states outside the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// They are left out, and their relations with them.
    #[default]
    Hide,
    /// They are left out; who requires or adds through them does so directly.
    Skip,
}

impl Group {
    /// It has this state.
    #[must_use]
    pub fn has(&self, state: &StateFacts) -> bool {
        match self {
            Self::All => true,
            Self::Auto => state.auto,
            Self::Multi => state.multi,
            Self::Errors => state.is_error,
            Self::Tag(tag) => state.tags.iter().any(|it| it.whole() == tag),
        }
    }
}

/// The groups of a schema that have some of its states and not all of them.
#[must_use]
pub fn groups(schema: &SchemaFacts) -> Vec<Group> {
    let tags = schema.states.iter().flat_map(|state| &state.tags);
    let tags: OrderedSet<&str> = tags.map(|tag| tag.whole()).collect();
    let tags = tags.iter().map(|tag| Group::Tag((*tag).to_owned()));
    let all = [Group::Auto, Group::Multi, Group::Errors]
        .into_iter()
        .chain(tags.take(TAGS));
    let is_part = |group: &Group| {
        let size = schema.states.iter().filter(|it| group.has(it)).count();
        size > 0 && size < schema.states.len()
    };
    std::iter::once(Group::All)
        .chain(all.filter(is_part))
        .collect()
}

/// The relations of a state, in the order in which they are looked at.
fn relations(state: &StateFacts) -> [(Relation, &[usize]); 4] {
    [
        (Relation::Require, &state.requires),
        (Relation::Add, &state.adds),
        (Relation::Remove, &state.removes),
        (Relation::After, &state.after),
    ]
}

/// What is in the picture of a group, around a state if one is named.
#[must_use]
pub fn sketch(
    schema: &SchemaFacts,
    group: &Group,
    outside: Outside,
    around: Option<usize>,
) -> Sketch {
    let is_inside: Vec<bool> = schema.states.iter().map(|it| group.has(it)).collect();
    let mut links = Vec::new();
    for from in (0..is_inside.len()).filter(|at| is_inside[*at]) {
        for (kind, _) in relations(&schema.states[from]) {
            reach(schema, (&is_inside, outside), (from, kind), &mut links);
        }
    }
    let removes: OrderedSet<(usize, usize)> = links
        .iter()
        .filter(|it| it.kind == Relation::Remove)
        .map(|it| (it.from, it.to))
        .collect();
    links.retain_mut(|link| {
        link.both = link.kind == Relation::Remove
            && link.from != link.to
            && removes.contains(&(link.to, link.from));
        !link.both || link.from < link.to
    });
    let mut is_kept = is_inside;
    if let Some(centre) = around {
        is_kept = vec![false; schema.states.len()];
        for link in &links {
            if link.from == centre || link.to == centre {
                is_kept[link.from] = true;
                is_kept[link.to] = true;
            }
        }
        if let Some(kept) = is_kept.get_mut(centre) {
            *kept = true;
        }
    }
    let states: Vec<usize> = (0..is_kept.len()).filter(|at| is_kept[*at]).collect();
    let mut places = vec![0; is_kept.len()];
    for (place, state) in states.iter().enumerate() {
        places[*state] = place;
    }
    links.retain(|link| is_kept[link.from] && is_kept[link.to]);
    for link in &mut links {
        (link.from, link.to) = (places[link.from], places[link.to]);
    }
    Sketch { states, links }
}

/// Whom a state has a relation with, directly or through states that are skipped.
fn reach(
    schema: &SchemaFacts,
    (is_inside, outside): (&[bool], Outside),
    (from, kind): (usize, Relation),
    links: &mut Vec<Link>,
) {
    let leads_on = outside == Outside::Skip && matches!(kind, Relation::Require | Relation::Add);
    let mut seen = OrderedSet::new();
    let mut ways = vec![(from, 0)];
    let mut next = 0;
    while let Some(&(at, through)) = ways.get(next) {
        next += 1;
        let all = relations(&schema.states[at]);
        let targets = all.iter().filter(|it| it.0 == kind).flat_map(|it| it.1);
        for &to in targets {
            if !seen.insert(to) {
                continue;
            }
            if is_inside[to] {
                links.push(Link {
                    from,
                    to,
                    kind,
                    both: false,
                    through,
                });
            } else if leads_on {
                ways.push((to, through + 1));
            }
        }
    }
}

/// Tags offered as groups (guess: a list that is still read).
const TAGS: usize = 32;
