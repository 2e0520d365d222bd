//! Links to machines: `/m#id=<machine>@<short peer>`. Names live in the fragment, which never reaches a server.

use super::{Machine, MachineKey, Shown, World};
use statemesh::core::collections::sort_by;

/// A machine as a link names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRef {
    /// Machine id.
    pub id: String,
    /// Last characters of its owner's id; may be empty in links written by hand.
    pub owner: String,
}

impl MachineRef {
    /// Reads a fragment; unknown keys are ignored.
    #[must_use]
    pub fn parse(fragment: &str) -> Option<Self> {
        let value = fragment
            .trim_start_matches('#')
            .split('&')
            .find_map(|pair| pair.strip_prefix("id="))?;
        let (id, owner) = value.rsplit_once('@').unwrap_or((value, ""));
        let id = decode(id)?;
        (!id.is_empty()).then(|| Self {
            id,
            owner: owner.to_owned(),
        })
    }

    /// The page's address of this machine.
    #[must_use]
    pub fn href(&self) -> String {
        format!("/m#id={}", self.text())
    }

    /// As it stands behind `id=`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}@{}", encode(&self.id), encode(&self.owner))
    }

    /// Does the link name this machine's owner?
    #[must_use]
    pub fn is_owner(&self, machine: &Machine) -> bool {
        machine.key.peer.to_string().ends_with(&self.owner)
    }

    /// The link that names this machine and no other.
    #[must_use]
    pub fn of(world: &World, machine: &Machine) -> Self {
        let owner = machine.key.peer.to_string();
        if world.roll().namesakes(machine) <= 1 {
            return Self {
                id: machine.id.to_string(),
                owner: tail(&owner, SHORT).to_owned(),
            };
        }
        let namesakes: Vec<String> = world
            .machines()
            .filter(|other| other.id == machine.id && other.key.peer != machine.key.peer)
            .map(|other| other.key.peer.to_string())
            .collect();
        let length = (SHORT..owner.len())
            .find(|&length| {
                let short = tail(&owner, length);
                !namesakes.iter().any(|other| other.ends_with(short))
            })
            .unwrap_or(owner.len());
        Self {
            id: machine.id.to_string(),
            owner: tail(&owner, length).to_owned(),
        }
    }
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This machine.
    Found(MachineKey),
    /// None; these have similar names.
    Unknown {
        /// The name asked for.
        id: Shown,
        /// Names that come close, best first.
        similar: Vec<MachineKey>,
    },
    /// The link names none, and there is none to fall back on.
    Nothing,
}

/// Finds the machine a link names; without a name the first that needs attention, else the first.
#[must_use]
pub fn resolve(world: &World, wanted: Option<&MachineRef>) -> Resolution {
    let Some(wanted) = wanted else {
        let first = world
            .attention()
            .first_machine()
            .or_else(|| Some(first_shown(world)?.key));
        return first.map_or(Resolution::Nothing, Resolution::Found);
    };
    let namesakes = || world.machines().filter(|machine| *machine.id == *wanted.id);
    let exact = namesakes()
        .filter(|machine| wanted.is_owner(machine))
        .min_by_key(|machine| (machine.gone.is_some(), std::cmp::Reverse(machine.key.index)));
    // Its owner began anew under another key: the only live machine of that name is the one meant, and the page says so.
    let mut live = namesakes().filter(|machine| machine.gone.is_none());
    let only = live.next().filter(|_| live.next().is_none());
    match exact.or(only) {
        Some(machine) => Resolution::Found(machine.key),
        None => Resolution::Unknown {
            id: Shown::new(&wanted.id),
            similar: similar(world, &wanted.id),
        },
    }
}

/// The first in the order of the Overview.
fn first_shown(world: &World) -> Option<&Machine> {
    world
        .machines()
        .filter(|machine| machine.counts() && machine.gone.is_none())
        .min_by_key(|machine| (&machine.host, machine.key))
        .or_else(|| world.machines().next())
}

/// Same name elsewhere, then names at a small edit distance.
fn similar(world: &World, id: &str) -> Vec<MachineKey> {
    let wanted: Vec<char> = id.chars().take(SIMILAR_LENGTH).collect();
    let mut near: Vec<(usize, &Machine)> = world
        .machines()
        .filter(|machine| machine.counts())
        .map(|machine| {
            let other: Vec<char> = machine.id.chars().take(SIMILAR_LENGTH).collect();
            (distance(&wanted, &other), machine)
        })
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    sort_by(&mut near, |(a_far, a), (b_far, b)| {
        (a_far, a.gone.is_some(), a.key).cmp(&(b_far, b.gone.is_some(), b.key))
    });
    near.into_iter()
        .take(SIMILAR_SHOWN)
        .map(|(_, machine)| machine.key)
        .collect()
}

/// Insertions, deletions and replacements that turn one into the other.
pub(super) fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[to + 1];
            row[to + 1] = replace.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[b.len()]
}

fn tail(text: &str, length: usize) -> &str {
    &text[text.len().saturating_sub(length)..]
}

/// Percent-encodes all but unreserved characters.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

pub(super) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Characters of a peer id in a link (dashboard design 2).
const SHORT: usize = 8;
/// Names offered instead of an unknown one.
const SIMILAR_SHOWN: usize = 3;
/// Longer names are compared by their beginning.
const SIMILAR_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned_of, peer};
    use super::super::{Input, Seen};
    use super::*;

    fn world() -> World {
        let mut world = World::new("relay".into(), false, Seen(0));
        for (owner, index, id) in [(1, 0, "courier-17"), (1, 1, "route-17"), (2, 0, "route-17")] {
            world.apply(
                Input::Learned(learned_of(owner, index, id, &[1, 1, 0, 0])),
                Seen(0),
            );
        }
        world
    }

    #[test]
    fn links_survive_any_name() {
        for id in ["courier-17", "a@b&c=d#e%f", "ü \u{202e}x\0", "100%"] {
            let link = MachineRef {
                id: id.to_owned(),
                owner: "7sK2mT4u".to_owned(),
            };
            let href = link.href();
            let fragment = href.strip_prefix("/m").unwrap();
            assert_eq!(MachineRef::parse(fragment), Some(link));
        }
    }

    #[test]
    fn fragments_that_name_nothing() {
        for fragment in ["", "#", "#v=1", "#id=", "#id=%zz@x", "#id=%ff%fe@x"] {
            assert_eq!(MachineRef::parse(fragment), None, "{fragment}");
        }
        assert!(MachineRef::parse("#v=1&id=m@abc&zzz").is_some());
    }

    #[test]
    fn resolves_by_name_and_owner() {
        let world = world();
        let owner = peer(2).to_string();
        let link = MachineRef {
            id: "route-17".to_owned(),
            owner: tail(&owner, 40).to_owned(),
        };
        let Resolution::Found(key) = resolve(&world, Some(&link)) else {
            panic!("not found");
        };
        assert_eq!(key.peer, peer(2));
        let machine = world.machine(&key).unwrap();
        assert_eq!(
            resolve(&world, Some(&MachineRef::of(&world, machine))),
            Resolution::Found(key)
        );
    }

    #[test]
    fn a_restarted_owner_is_found_by_name_unless_that_is_ambiguous() {
        let world = world();
        let find = |link| resolve(&world, Some(&MachineRef::parse(link).unwrap()));
        assert_eq!(
            find("#id=courier-17@former00"),
            Resolution::Found(learned_of(1, 0, "", &[]).key)
        );
        assert!(matches!(
            find("#id=route-17@former00"),
            Resolution::Unknown { .. }
        ));
    }

    #[test]
    fn an_unknown_name_offers_the_nearest() {
        let world = world();
        let link = MachineRef::parse("#id=curier-17@nobody").unwrap();
        let Resolution::Unknown { similar, .. } = resolve(&world, Some(&link)) else {
            panic!("found");
        };
        assert_eq!(similar, [learned_of(1, 0, "", &[]).key]);
        assert!(matches!(resolve(&world, None), Resolution::Found(_)));
    }
}
