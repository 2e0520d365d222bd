//! What stands around one transition: what caused it, what else that caused, what it caused itself, and what its owner
//! sent beside it (dashboard design 5.2, Reader).
//!
//! Causes are followed by name and number, over machines. Effects are looked for within some seconds behind their cause,
//! on machines that name it; nothing is guessed by time.

use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::collections::sort_by;
use statemesh::core::engine::{Handler, Step};

use super::sieve::is_queued;
use super::{
    Cause, Entry, Fidelity, Found, Head, History, MachineKey, Place, Position, RefusedBy,
    SchemaFacts, Seen, Track, Wanted,
};

/// One transition's surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// How much is known of it.
    pub fidelity: Fidelity,
    /// What led to it: its cause first, then that one's, and so on.
    pub trace: Vec<Mention>,
    /// What is before the last of those.
    pub beginning: Beginning,
    /// Other effects of its cause.
    pub siblings: Vec<Mention>,
    /// Its own effects.
    pub forks: Vec<Mention>,
    /// Queue tick of the mutation.
    pub queue_tick: Option<u64>,
    /// The transition of the same machine that it waited behind, and how many ran in between.
    pub waited: Option<(u64, u64)>,
    /// How long it took, in microseconds.
    pub duration: Option<u64>,
    /// Arguments as the owner prints them.
    pub arguments: String,
    /// Handlers that ran, in order, and what those said that refused.
    pub handlers: Vec<(Handler, Option<RefusedBy>)>,
    /// The machine's schema then.
    pub schema: Arc<SchemaFacts>,
}

/// What is before the first cause that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beginning {
    /// Nobody said.
    #[default]
    Unknown,
    /// Called by no transition.
    Outside,
    /// Its cause is not here.
    NotHere,
    /// More than are followed.
    TooMany,
}

/// A transition of any machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Whose; `None`: nobody here.
    pub key: Option<MachineKey>,
    /// Name of the machine.
    pub machine: Arc<str>,
    /// Its number.
    pub number: Option<u64>,
    /// Where it is and what it did, if it is here.
    pub found: Option<(Position, Head, Arc<SchemaFacts>)>,
}

impl Mention {
    /// When it was seen.
    #[must_use]
    pub fn at(&self) -> Option<Seen> {
        self.found.as_ref().map(|(position, ..)| position.at)
    }
}

/// A transition by owner, machine and number.
type Name<'a> = (PeerId, &'a str, u64);

/// Reads the surroundings of the record at a position.
#[must_use]
pub fn surroundings(
    history: &History,
    key: &MachineKey,
    position: Position,
) -> Option<Surroundings> {
    let track = history.track(key)?;
    let id = history.id(key)?;
    let place = track.at(position)?;
    let entry = track.entry(place)?;
    let at = track.position(place)?;
    let mut read = Surroundings {
        fidelity: track.standing_at(at).fidelity,
        schema: Arc::clone(track.schema_at(place)?),
        ..Surroundings::default()
    };
    let Some(detail) = &entry.detail else {
        return Some(read);
    };
    if let Some(number) = detail.number {
        read.forks = effects(history, (key.peer, id, number), at.at, None);
    }
    if let Some(head) = &detail.head {
        (read.trace, read.beginning) = upstream(history, key.peer, head.source.as_ref());
        if let Some(cause) = &head.source {
            let name = (
                cause.peer.unwrap_or(key.peer),
                &*cause.machine,
                cause.number,
            );
            let from = read.trace.first().and_then(Mention::at);
            let from = from.unwrap_or(Seen(at.at.0.saturating_sub(AFTER)));
            read.siblings = effects(history, name, from, Some((key, place)));
        }
        read.queue_tick = head.queue_tick;
        read.duration = head.duration;
        if let Some((cause, number)) = head.source.as_ref().zip(detail.number)
            && is_queued(head, key, id)
        {
            let between = number.saturating_sub(cause.number + 1);
            read.waited = Some((cause.number, between));
        }
    }
    if let Some(side) = track.side(place) {
        let refused = |handler: Handler| {
            let mut refusals = side.refusals.iter();
            refusals.find(|refused| refused.handler == handler).cloned()
        };
        let ran = side.steps.iter().filter_map(|step| match step {
            Step::Handler(handler) => Some((*handler, refused(*handler))),
            Step::Requested(_)
            | Step::Set(_)
            | Step::Remove(_)
            | Step::RemoveNotActive(_)
            | Step::Unmet(_)
            | Step::Missing { .. }
            | Step::Relation(..)
            | Step::Cancel(_) => None,
        });
        read.handlers = ran.collect();
        // Without steps, those that refused ran all the same.
        for refused in &side.refusals {
            if !read.handlers.iter().any(|it| it.0 == refused.handler) {
                let handler = refused.handler;
                read.handlers.push((handler, Some(refused.clone())));
            }
        }
        read.arguments = side.arguments;
    }
    Some(read)
}

fn upstream(history: &History, owner: PeerId, source: Option<&Cause>) -> (Vec<Mention>, Beginning) {
    let mut trace: Vec<Mention> = Vec::new();
    let mut next = source.cloned().map(|cause| (owner, cause));
    while let Some((owner, cause)) = next.take() {
        if trace.len() == FOLLOWED {
            return (trace, Beginning::TooMany);
        }
        let mention = find(history, owner, &cause);
        let found = mention.key.zip(mention.found.as_ref());
        let cause = found.map(|(key, (_, head, _))| (key.peer, head.source.clone()));
        trace.push(mention);
        match cause {
            None => return (trace, Beginning::NotHere),
            Some((peer, source)) => next = source.map(|source| (peer, source)),
        }
    }
    (trace, Beginning::Outside)
}

/// The transition that a cause names.
fn find(history: &History, owner: PeerId, cause: &Cause) -> Mention {
    let peer = cause.peer.unwrap_or(owner);
    let wanted = Wanted {
        number: Some(cause.number),
        ..Wanted::default()
    };
    let newest = history.runs(&peer, &cause.machine).last();
    let moment = newest.and_then(|(key, _)| history.resolve(key, &wanted, None).ok());
    let moment = moment.filter(|moment| moment.found == Found::Exactly);
    let found = moment.as_ref().and_then(|moment| {
        let track = history.track(&moment.key)?;
        let schema = track.schema_at(moment.entry.place)?;
        let head = moment.entry.detail.as_ref()?.head.clone()?;
        Some((moment.position, head, Arc::clone(schema)))
    });
    Mention {
        key: moment.map(|moment| moment.key),
        machine: Arc::clone(&cause.machine),
        number: Some(cause.number),
        found,
    }
}

/// Transitions that name this one as their cause, oldest first.
fn effects(
    history: &History,
    cause: Name<'_>,
    at: Seen,
    except: Option<(&MachineKey, Place)>,
) -> Vec<Mention> {
    let mut found = Vec::new();
    for (key, track) in history.machines() {
        if !track.names_cause(cause.0 == key.peer, &cause.0, cause.1) {
            continue;
        }
        let is_it = |entry: &Entry| except != Some((key, entry.place));
        let near = around(track, at).filter(is_it);
        for entry in near {
            if let Some(mention) = effect(history, key, track, &entry, cause) {
                found.push((entry.order, mention));
            }
        }
    }
    sort_by(&mut found, |a, b| a.0.cmp(&b.0));
    found.truncate(LISTED);
    found.into_iter().map(|(_, mention)| mention).collect()
}

/// Records around an instant: an effect may be seen a little before its cause.
fn around(track: &Track, at: Seen) -> impl Iterator<Item = Entry> + '_ {
    let from = Seen(at.0.saturating_sub(BEFORE));
    let first = track.at(Position::end_of(from));
    let first = first.unwrap_or(track.places().0);
    let until = Seen(at.0.saturating_add(AFTER));
    let entries = track.entries(first);
    entries
        .take_while(move |entry| entry.at.by <= until)
        .take(LOOKED_AT)
}

fn effect(
    history: &History,
    key: &MachineKey,
    track: &Track,
    entry: &Entry,
    (peer, machine, number): Name<'_>,
) -> Option<Mention> {
    let detail = entry.detail.as_ref()?;
    let head = detail.head.as_ref()?;
    let source = head.source.as_ref()?;
    let is_it = source.number == number
        && *source.machine == *machine
        && source.peer.unwrap_or(key.peer) == peer;
    let position = track.position(entry.place)?;
    let schema = track.schema_at(entry.place)?;
    is_it.then_some(Mention {
        key: Some(*key),
        machine: Arc::clone(history.id(key)?),
        number: detail.number,
        found: Some((position, head.clone(), Arc::clone(schema))),
    })
}

/// Causes followed at most (dashboard design 4.6).
const FOLLOWED: usize = 8;
/// Effects named at most (guess: a screen full).
const LISTED: usize = 32;
/// Milliseconds before a cause in which its effects are looked for: messages may cross.
const BEFORE: u64 = 1_000;
/// And after it (guess: what takes longer is no effect that a reader looks for here).
const AFTER: u64 = 10_000;
/// Records looked at of each machine.
const LOOKED_AT: usize = 2_048;
