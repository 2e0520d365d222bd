//! What happened near a machine just before something began: by time, which proves no cause (dashboard design 4.6).

use super::{Entry, History, Interval, MachineKey, Place, Position, Seen};
use statemesh::core::collections::sort_by;

/// The last changes of related machines before an onset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The changes, oldest first, at most [`HOPS`].
    pub hops: Vec<(MachineKey, Entry)>,
    /// History of one of them begins there: what was before is not known.
    pub is_start: bool,
}

/// Looks for them. `related`: whether a machine may have to do with it.
#[must_use]
pub fn before(
    history: &History,
    key: &MachineKey,
    onset: Interval,
    related: &dyn Fn(&MachineKey) -> bool,
) -> Before {
    let from = onset.after.unwrap_or(onset.by);
    let from = Seen(from.0.saturating_sub(NEAR));
    let mut found = Before {
        hops: Vec::new(),
        is_start: onset.after.is_none(),
    };
    for (other, track) in history.machines() {
        if other == key || !related(other) {
            continue;
        }
        let Some(last) = track.at(Position::end_of(onset.by)) else {
            found.is_start = true;
            continue;
        };
        let entries = (track.places().0.0..=last.0).rev().map_while(|place| {
            let entry = track.entry(Place(place))?;
            (from <= entry.at.by).then_some(entry)
        });
        for entry in entries.take(LOOKED_AT) {
            if entry.is_first_look {
                found.is_start = true;
            } else {
                found.hops.push((*other, entry));
                break;
            }
        }
    }
    sort_by(&mut found.hops, |(a_of, a), (b_of, b)| {
        (a.at.by, a_of).cmp(&(b.at.by, b_of))
    });
    let surplus = found.hops.len().saturating_sub(HOPS);
    found.hops.drain(..surplus);
    found
}

/// Milliseconds before an onset that count.
const NEAR: u64 = 1_000;
/// Machines named at most.
pub const HOPS: usize = 8;
/// Records looked at of each.
const LOOKED_AT: usize = 2;

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::Input;
    use crate::model::fixture::{learned_of, reading};

    fn key(index: u64) -> MachineKey {
        learned_of(1, index, "", &[]).key
    }

    fn recorder(changes: &[(u64, u64)]) -> Recorder {
        let mut recorder = Recorder::new(Limits::default());
        for index in 0..12 {
            let learned = learned_of(1, index, &format!("m{index}"), &[1, 1, 0, 0]);
            recorder.take(&Input::Learned(learned), Seen(100));
        }
        let mut clocks = [1_u64; 12];
        for (index, at) in changes {
            let clock = &mut clocks[*index as usize];
            *clock += 1;
            let read = Input::Read(key(*index), reading(&[1, 1, *clock, 0], at - 10, *at));
            recorder.take(&read, Seen(*at));
        }
        recorder
    }

    fn found(changes: &[(u64, u64)], onset: Interval) -> (Vec<(u64, u64)>, bool) {
        let recorder = recorder(changes);
        let found = before(recorder.history(), &key(0), onset, &|key| key.index.0 != 9);
        let hops = found.hops.iter();
        let hops = hops.map(|(key, entry)| (key.index.0, entry.at.by.0));
        (hops.collect(), found.is_start)
    }

    #[test]
    fn the_last_change_of_each_within_a_second() {
        let changes = [
            (1, 5_000),
            (2, 6_500),
            (1, 7_000),
            (9, 7_200),
            (3, 7_400),
            (3, 7_450),
            (0, 7_500),
            (4, 7_600),
        ];
        let onset = Interval {
            after: Some(Seen(7_300)),
            by: Seen(7_500),
        };
        let expected = vec![(2, 6_500), (1, 7_000), (3, 7_450)];
        assert_eq!(found(&changes, onset), (expected, false));
        // Ten milliseconds later the oldest is too old.
        let onset = Interval {
            after: Some(Seen(7_501)),
            by: Seen(7_501),
        };
        assert_eq!(found(&changes, onset).0, [(1, 7_000), (3, 7_450)]);
    }

    #[test]
    fn where_history_begins_it_is_said() {
        let onset = Interval {
            after: Some(Seen(600)),
            by: Seen(600),
        };
        assert_eq!(found(&[(1, 500), (0, 600)], onset), (vec![(1, 500)], true));
        let unknown = Interval {
            after: None,
            by: Seen(5_000),
        };
        assert_eq!(found(&[], unknown), (vec![], true));
        assert_eq!(found(&[], Interval::at(Seen(5_000))), (vec![], false));
    }

    #[test]
    fn the_nearest_are_named_when_there_are_many() {
        let changes: Vec<(u64, u64)> = (1..12).map(|index| (index, 5_000 + index)).collect();
        let (hops, _) = found(&changes, Interval::at(Seen(5_500)));
        assert_eq!(hops.len(), HOPS);
        assert_eq!(hops.last(), Some(&(11, 5_011)));
    }
}
