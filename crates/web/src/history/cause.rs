//! What led to a transition, by cause: upstream along the sources that machines noted, over machines, and one hop
//! downstream (dashboard design 4.6).

use std::sync::Arc;

use statemesh::core::collections::sort_by;

use super::{Cause, Entry, Fidelity, History, MachineKey, Place, Position, Seen};

/// A transition in a chain of causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose.
    pub key: MachineKey,
    /// Where.
    pub position: Position,
    /// What happened.
    pub entry: Entry,
}

/// What led to a transition, and what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Upstream, the oldest first, at most [`UPSTREAM`].
    pub causes: Vec<Link>,
    /// Where that ends.
    pub origin: Origin,
    /// Transitions whose source it is, in order, at most [`DOWNSTREAM`].
    pub effects: Vec<Link>,
}

/// Where a chain of causes ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody's transition: called from outside.
    Outside,
    /// A machine that is not known here.
    Unseen(Arc<str>),
    /// A transition that is not held any more, or never was.
    NotHeld,
    /// It is known, but there are more.
    Longer,
}

/// The transition that caused a record of this machine, if it is held.
#[must_use]
pub fn cause_of(history: &History, key: &MachineKey, cause: &Cause) -> Option<Link> {
    let peer = cause.peer.unwrap_or(key.peer);
    let runs: Vec<_> = history.runs(&peer, &cause.machine).collect();
    runs.iter().rev().find_map(|(of, track)| {
        let place = track.of_number(cause.number)?;
        let entry = track.entry(place)?;
        let detail = entry.detail.as_ref()?;
        // The number of an earlier run stands for something else.
        let before = detail.machine_time.saturating_sub(detail.ticks());
        (before == cause.machine_time).then_some(())?;
        Some(Link {
            key: **of,
            position: track.position(place)?,
            entry,
        })
    })
}

/// What led to a record, and what it led to. `None`: nobody noted any of it.
#[must_use]
pub fn chain(history: &History, key: &MachineKey, place: Place) -> Option<Chain> {
    let entry = history.track(key)?.entry(place)?;
    let detail = entry.detail.as_ref()?;
    let mut next = detail.head.as_ref()?.source.clone().map(|it| (*key, it));
    let effects = effects(history, key, &entry);
    if next.is_none() && effects.is_empty() {
        return None;
    }
    let mut causes = Vec::new();
    let mut origin = Origin::Outside;
    while let Some((of, cause)) = next.take() {
        if causes.len() == UPSTREAM {
            origin = Origin::Longer;
            break;
        }
        let Some(link) = cause_of(history, &of, &cause) else {
            let peer = cause.peer.unwrap_or(of.peer);
            let is_known = history.runs(&peer, &cause.machine).next().is_some();
            origin = if is_known {
                Origin::NotHeld
            } else {
                Origin::Unseen(cause.machine)
            };
            break;
        };
        let head = link.entry.detail.as_ref().and_then(|it| it.head.as_ref());
        next = head
            .and_then(|head| head.source.clone())
            .map(|it| (link.key, it));
        causes.push(link);
    }
    causes.reverse();
    Some(Chain {
        causes,
        origin,
        effects,
    })
}

/// Transitions whose source a record is, until a second later, in the order of the page.
#[must_use]
pub fn effects(history: &History, key: &MachineKey, entry: &Entry) -> Vec<Link> {
    let (Some(detail), Some(id)) = (&entry.detail, history.id(key)) else {
        return Vec::new();
    };
    let Some(number) = detail.number else {
        return Vec::new();
    };
    let until = Seen(entry.at.by.0.saturating_add(NEAR));
    let mut found = Vec::new();
    for (other, track) in history.machines() {
        // Without heads there are no sources.
        if track.standing().fidelity < Fidelity::Trace {
            continue;
        }
        let from = track.at(Position {
            at: entry.at.by,
            order: 0,
        });
        let from = from.map_or(track.places().0, |place| Place(place.0 + 1));
        let entries = track.entries(from).take(LOOKED_AT);
        for effect in entries.take_while(|it| it.at.by <= until) {
            let head = effect.detail.as_ref().and_then(|it| it.head.as_ref());
            let Some(source) = head.and_then(|head| head.source.as_ref()) else {
                continue;
            };
            let peer = source.peer.unwrap_or(other.peer);
            if (source.number, peer, &source.machine) == (number, key.peer, id)
                && let Some(position) = track.position(effect.place)
            {
                found.push(Link {
                    key: *other,
                    position,
                    entry: effect,
                });
            }
        }
    }
    sort_by(&mut found, |a, b| a.position.cmp(&b.position));
    found.truncate(DOWNSTREAM);
    found
}

/// Hops upstream (dashboard design 4.6).
pub const UPSTREAM: usize = 8;
/// Effects named at most (guess: what fits below).
const DOWNSTREAM: usize = 8;
/// Milliseconds in which effects are looked for (dashboard design 4.6).
const NEAR: u64 = 1_000;
/// Records of one machine looked at for effects (guess: a thousand in a second is much).
const LOOKED_AT: usize = 1_024;
