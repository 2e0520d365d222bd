//! One record in full: what was asked for, what came of it, and why each state changed, as far as that is known.
//!
//! Reasons are read off the schema and the called states, so only a record with a head has them; a snapshot says what
//! differs and nothing more.

use std::sync::Arc;

use super::{
    Fidelity, Head, Interval, Known, Look, Place, Position, RefusedBy, SchemaFacts, Seen,
    StateChange, Track, is_active, rain_row,
};

/// The record at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDetail {
    /// Where it is.
    pub position: Position,
    /// Which row of the list it is, and how many there are.
    pub row: (usize, usize),
    /// Filters hide it: it is none of them.
    pub is_filtered: bool,
    /// When.
    pub at: Interval,
    /// How it came.
    pub fidelity: Fidelity,
    /// Signed by its owner.
    pub first_hand: bool,
    /// The first of its run: its clock is no change.
    pub is_first_look: bool,
    /// Its owner's number.
    pub number: Option<u64>,
    /// Its owner's time, in microseconds since 1970.
    pub owner_at: Option<u64>,
    /// What was asked for.
    pub head: Option<Head>,
    /// Sums of ticks before and after; `None`: dropped to save room.
    pub time: Option<(u64, u64)>,
    /// Changed states and why.
    pub states: Vec<(StateChange, Reason)>,
    /// Handlers that did not accept.
    pub refusals: Vec<RefusedBy>,
    /// The transition after it: what it did, and when.
    pub next: Option<(Option<u64>, Head, Seen)>,
    /// The owner's run it belongs to.
    pub epoch: u64,
    /// How well the clock behind it is known.
    pub known: Known,
    /// The machine's schema then.
    pub schema: Arc<SchemaFacts>,
}

/// Why a state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody said.
    Unknown,
    /// It was called.
    Called,
    /// The engine called it because it is Auto.
    Auto,
    /// Another that went on adds it.
    AddedBy(usize),
    /// Another that went on removes it.
    RemovedBy(usize),
    /// It needs another that is off.
    Needs(usize),
    /// It was not in the set that was called.
    NotInSet,
}

impl ChangeDetail {
    /// Ticks passed.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        let ticks = self.states.iter().map(|(change, _)| change.ticks());
        ticks.fold(0, u64::saturating_add)
    }

    /// The state was called.
    #[must_use]
    pub fn is_called(&self, state: usize) -> bool {
        let head = self.head.as_ref();
        head.is_some_and(|head| head.called.contains(&(state as u32)))
    }

    /// What a state did.
    #[must_use]
    pub fn of(&self, state: usize) -> Option<(StateChange, Reason)> {
        let mut states = self.states.iter();
        states.find(|(change, _)| change.state == state).copied()
    }
}

/// The last record seen until then.
#[must_use]
pub fn change_at(track: &Track, position: Position) -> Option<ChangeDetail> {
    let place = track.at(position)?;
    let mut entries = track.entries(place);
    let entry = entries.next()?;
    let schema = Arc::clone(track.schema_at(place)?);
    let at = track.position(place)?;
    let (row, total) = rain_row(track, at);
    let next = entries.next().and_then(|next| {
        let detail = next.detail?;
        Some((detail.number, detail.head?, next.at.by))
    });
    let detail = entry.detail;
    let head = detail.as_ref().and_then(|detail| detail.head.clone());
    let changes = detail.as_ref().map_or(&[][..], |detail| &detail.changes);
    let Look::State(then) = track.look(at) else {
        return None;
    };
    let states = changes.iter().map(|change| {
        let reason = head.as_ref().map_or(Reason::Unknown, |head| {
            reason(&schema, head, changes, *change, &then.clock)
        });
        (*change, reason)
    });
    let mut states: Vec<(StateChange, Reason)> = states.collect();
    // Called ones first, then by index, which the list is in.
    states.sort_by_key(|(_, reason)| !matches!(reason, Reason::Called | Reason::Auto));
    Some(ChangeDetail {
        position: at,
        row: (row.unwrap_or(0), total),
        is_filtered: false,
        at: entry.at,
        fidelity: track.standing_at(at).fidelity,
        first_hand: entry.first_hand,
        is_first_look: entry.is_first_look,
        number: detail.as_ref().and_then(|detail| detail.number),
        owner_at: detail.as_ref().and_then(|detail| detail.owner_at),
        time: detail.as_ref().map(|detail| {
            let before = detail.machine_time.saturating_sub(detail.ticks());
            (before, detail.machine_time)
        }),
        states,
        refusals: track
            .side(place)
            .map_or_else(Vec::new, |side| side.refusals),
        next,
        head,
        epoch: entry.epoch,
        known: then.known,
        schema,
    })
}

fn reason(
    schema: &SchemaFacts,
    head: &Head,
    changes: &[StateChange],
    change: StateChange,
    clock: &[u64],
) -> Reason {
    use statemesh::core::engine::MutationKind;
    let is_on = change.after % 2 == 1;
    let is_called = head.called.contains(&(change.state as u32));
    let by_call = match head.kind {
        MutationKind::Remove => !is_on,
        MutationKind::Add | MutationKind::Set => is_on,
        MutationKind::Toggle => true,
    };
    if is_called && by_call {
        return if head.is_auto {
            Reason::Auto
        } else {
            Reason::Called
        };
    }
    let Some(facts) = schema.states.get(change.state) else {
        return Reason::Unknown;
    };
    let went_on = |it: &&StateChange| it.after % 2 == 1;
    let mut ons = changes.iter().filter(went_on).map(|it| it.state);
    if is_on {
        let adds = |at: &usize| schema.states[*at].adds.contains(&change.state);
        return ons
            .filter(|at| *at < schema.states.len())
            .find(adds)
            .map_or(Reason::Unknown, Reason::AddedBy);
    }
    if let Some(by) = ons.find(|at| facts.removed_by.contains(at)) {
        return Reason::RemovedBy(by);
    }
    let unmet = |at: &&usize| !is_active(clock, **at);
    if let Some(needed) = facts.requires.iter().find(unmet) {
        return Reason::Needs(*needed);
    }
    if head.kind == MutationKind::Set {
        Reason::NotInSet
    } else {
        Reason::Unknown
    }
}

/// When a state changed last until then, and the record that did it.
#[must_use]
pub fn last_change(track: &Track, state: usize, position: Position) -> Option<ChangeDetail> {
    let from = track.at(position)?;
    let found = super::change_of(track, state, from, false)?;
    change_at(track, track.position(found.place)?)
}

/// The instant from which a machine is known, if its first look is still held.
#[must_use]
pub fn known_since(track: &Track) -> Option<Seen> {
    let first = track.entry(Place(0))?;
    Some(first.at.by)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use statemesh::machine::Machine;
    use statemesh::{SchemaDef, StateDef};

    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::fixture::{learned, reading};
    use crate::model::{Input, Learned};

    /// What an own machine with these states says after each of some mutations.
    fn recorded(def: &SchemaDef, play: impl FnOnce(&Machine)) -> Recorder {
        let machine = Machine::new("own", def.clone());
        let mut recorder = Recorder::new(Limits::default());
        let own = Learned {
            own: true,
            schema: Arc::new(SchemaFacts::new(def)),
            reading: reading(&machine.clock(), 0, 0),
            ..learned("own", &[])
        };
        let key = own.key;
        recorder.take(&Input::Learned(own), Seen(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let _guard = machine.trace(move |transition| sink.lock().unwrap().push(transition.clone()));
        play(&machine);
        let transitions = std::mem::take(&mut *seen.lock().unwrap());
        for (at, transition) in transitions.iter().enumerate() {
            recorder.transition(&key, transition, Seen(10 + at as u64));
        }
        recorder
    }

    fn def() -> SchemaDef {
        SchemaDef::new()
            .state("Start", StateDef::new())
            .state("Ready", StateDef::new().auto().require(["Start"]))
            .state("Lost", StateDef::new().add(["Waiting"]).remove(["Ok"]))
            .state("Ok", StateDef::new())
            .state("Waiting", StateDef::new())
            .state("Driving", StateDef::new().require(["Ok"]))
            .state("Exception", StateDef::new().multi())
    }

    #[test]
    fn an_own_machine_tells_why_each_state_changed() {
        let recorder = recorded(&def(), |machine| {
            machine.add(["Start", "Ok", "Driving"]).unwrap();
            machine.add("Lost").unwrap();
            machine.add("Driving").unwrap();
            machine.set("Start").unwrap();
        });
        let key = learned("own", &[]).key;
        let track = recorder.history().track(&key).unwrap();
        let mut said = Vec::new();
        for place in 1..track.places().1.0 {
            let position = track.position(Place(place)).unwrap();
            let detail = change_at(track, position).unwrap();
            let head = detail.head.clone().unwrap();
            let (before, after) = detail.time.unwrap();
            assert_eq!(after - before, detail.ticks());
            assert_eq!(detail.fidelity, Fidelity::Local);
            assert_eq!(detail.at.after, Some(detail.at.by), "an instant");
            let states = detail
                .states
                .iter()
                .map(|(it, why)| (it.state, it.after % 2, *why));
            said.push((head.is_auto, head.is_canceled, states.collect::<Vec<_>>()));
        }
        let by = |list: &[(usize, u64, Reason)]| list.to_vec();
        assert!(
            said.contains(&(true, false, by(&[(1, 1, Reason::Auto)]))),
            "{said:?}"
        );
        assert!(
            said.contains(&(
                false,
                false,
                by(&[
                    (2, 1, Reason::Called),
                    (3, 0, Reason::RemovedBy(2)),
                    (4, 1, Reason::AddedBy(2)),
                    (5, 0, Reason::Needs(3)),
                ])
            )),
            "{said:?}"
        );
        assert!(
            said.contains(&(false, true, Vec::new())),
            "Driving needs Ok: {said:?}"
        );
        let last = &said.iter().rev().find(|it| !it.0).unwrap().2;
        assert!(last.contains(&(2, 0, Reason::NotInSet)), "{said:?}");
    }

    #[test]
    fn a_snapshot_gives_no_reasons() {
        let mut recorder = Recorder::new(Limits::default());
        recorder.take(&Input::Learned(learned("m", &[1, 1, 0, 0])), Seen(0));
        let key = learned("m", &[]).key;
        recorder.take(
            &Input::Read(key, reading(&[1, 2, 5, 0], 3_000, 8_000)),
            Seen(8_000),
        );
        let track = recorder.history().track(&key).unwrap();
        let detail = change_at(track, recorder.history().newest()).unwrap();
        assert_eq!(
            (detail.number, &detail.head, detail.time),
            (None, &None, Some((2, 8)))
        );
        assert_eq!(detail.at.after, Some(Seen(3_000)));
        assert!(detail.states.iter().all(|(_, why)| *why == Reason::Unknown));
        let first = change_at(track, track.oldest()).unwrap();
        assert!(first.is_first_look && first.states.is_empty());
        let last = last_change(track, 1, recorder.history().newest()).unwrap();
        assert_eq!(last.position, detail.position);
        assert_eq!(last_change(track, 0, recorder.history().newest()), None);
    }
}
