//! The second axis: records by their owners' clocks (dashboard design 3.1). Each is placed at its owner's time minus the
//! offset, give or take what is uncertain; an effect is never placed before its cause.

use std::sync::Arc;

use statemesh::PeerId;
use statemesh::core::collections::OrderedMap;

use super::{Cause, History, MachineKey, Place, Position, Seen};

/// How far an owner's clock is ahead of the tab's, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Owner's time since 1970 minus the tab's time since the page began.
    pub micros: i64,
    /// Half the round trip: it may be so much more or less.
    pub plus_minus: u64,
}

impl Offset {
    /// An owner's word: its time when it said it, when it was seen, and the smallest round trip of the last minute.
    #[must_use]
    pub fn measure(owner_at: u64, seen: Seen, round_trip: u64) -> Self {
        let half = round_trip / 2;
        let seen = seen.0.saturating_mul(1_000);
        let ahead = owner_at.saturating_add(half).wrapping_sub(seen);
        Self {
            micros: ahead.cast_signed(),
            plus_minus: half,
        }
    }

    /// The tab's instant of an owner's time.
    #[must_use]
    pub fn seen(self, owner_at: u64) -> Seen {
        Seen(self.micros_seen(owner_at) / 1_000)
    }

    fn micros_seen(self, owner_at: u64) -> u64 {
        let seen = i128::from(owner_at) - i128::from(self.micros);
        u64::try_from(seen.max(0)).unwrap_or(u64::MAX)
    }
}

/// A record on the owners' axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whose.
    pub key: MachineKey,
    /// Which.
    pub place: Place,
    /// Where, in microseconds of the tab's time.
    pub at: u64,
    /// Give or take.
    pub plus_minus: u64,
    /// It would stand so many microseconds before its cause: the clocks differ by at least that.
    pub differs: Option<u64>,
}

/// Records of these machines seen in a window, in the order of their owners' clocks; without a clock or an offset a
/// record stays where it was seen. At most [`MAX_PLACED`].
#[must_use]
pub fn owner_order(
    history: &History,
    keys: &[MachineKey],
    offsets: &OrderedMap<PeerId, Offset>,
    from: Position,
    to: Position,
) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut causes = Vec::new();
    for key in keys {
        let Some(track) = history.track(key) else {
            continue;
        };
        let first = track.at(from).unwrap_or(track.places().0);
        let entries = track
            .entries(first)
            .skip_while(|entry| entry.at.by < from.at);
        for entry in entries.take_while(|entry| entry.at.by <= to.at) {
            if placed.len() == MAX_PLACED {
                break;
            }
            let detail = entry.detail.as_ref();
            let told = detail.and_then(|detail| detail.owner_at);
            let offset = offsets.get(&key.peer);
            let (at, plus_minus) = match (told, offset) {
                (Some(told), Some(offset)) => (offset.micros_seen(told), offset.plus_minus),
                (Some(_), None) | (None, _) => (entry.at.by.0.saturating_mul(1_000), 0),
            };
            let head = detail.and_then(|detail| detail.head.clone());
            causes.push(Origin {
                own: (key.peer, history.id(key).cloned().unwrap_or_default()),
                number: detail.and_then(|detail| detail.number),
                cause: head.and_then(|head| head.source),
            });
            placed.push(Placed {
                key: *key,
                place: entry.place,
                at,
                plus_minus,
                differs: None,
            });
        }
    }
    put_effects_behind(&mut placed, &causes);
    placed.sort_by_key(|it| (it.at, it.differs.is_some(), it.key, it.place));
    placed
}

/// What names a record as a cause, and its own cause.
struct Origin {
    own: (PeerId, Arc<str>),
    number: Option<u64>,
    cause: Option<Cause>,
}

/// Moves effects right behind their causes, along chains of any length that hold together.
fn put_effects_behind(placed: &mut [Placed], causes: &[Origin]) {
    let mut index = OrderedMap::new();
    for (at, origin) in causes.iter().enumerate() {
        if let Some(number) = origin.number {
            index.insert((origin.own.clone(), number), at);
        }
    }
    let cause_of = |at: usize| {
        let cause = causes[at].cause.as_ref()?;
        let peer = cause.peer.unwrap_or(causes[at].own.0);
        let name = (peer, Arc::clone(&cause.machine));
        index.get(&(name, cause.number)).copied()
    };
    for _ in 0..MAX_CHAIN {
        let mut moved = false;
        for effect in 0..placed.len() {
            let Some(cause) = cause_of(effect) else {
                continue;
            };
            let earliest = placed[cause].at;
            if placed[effect].at < earliest && cause != effect {
                let short = earliest - placed[effect].at;
                let differs = placed[effect].differs.unwrap_or(0);
                placed[effect].differs = Some(differs.saturating_add(short));
                placed[effect].at = earliest;
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
}

/// Records placed at once: more than any screen shows (guess).
pub const MAX_PLACED: usize = 20_000;
/// Causes of causes followed (dashboard design 4.6).
const MAX_CHAIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::{Head, Interval, Limits, Named, Record, Ticks};
    use super::*;
    use crate::model::fixture::{peer, schema};
    use statemesh::MachineIdx;
    use statemesh::core::engine::MutationKind;

    fn key(owner: u8) -> MachineKey {
        MachineKey {
            peer: peer(owner),
            index: MachineIdx(0),
        }
    }

    /// Owner, when it was seen (ms), its owner's time (us), its number, and whose number caused it.
    type Told = (u8, u64, u64, u64, Option<(u8, u64)>);

    fn history(records: &[Told]) -> History {
        let mut history = History::new(Limits::default());
        let start = Record::snapshot(Interval::at(Seen(0)), &[0; 4]);
        for owner in [1, 2] {
            let id = format!("m{owner}").into();
            let named = Named {
                key: key(owner),
                id,
            };
            history.learn(named, &schema(), &start).unwrap();
        }
        for (owner, seen, owner_at, number, cause) in records {
            let head = Head {
                kind: MutationKind::Add,
                called: vec![0],
                is_auto: false,
                is_check: false,
                is_canceled: false,
                is_queued: false,
                source: cause.map(|(owner, number)| Cause {
                    peer: Some(peer(owner)),
                    machine: format!("m{owner}").into(),
                    number,
                    machine_time: 0,
                }),
                queue_tick: None,
                duration: None,
            };
            let record = Record {
                at: Interval::at(Seen(*seen)),
                number: Some(*number),
                owner_at: Some(*owner_at),
                ticks: Ticks::Moved(&[]),
                head: Some(&head),
                ..start
            };
            history.append(&key(*owner), &record).unwrap();
        }
        history
    }

    #[test]
    fn owners_clocks_order_and_effects_follow_their_causes() {
        let history = history(&[
            (1, 10, 5_000_000, 1, None),
            (2, 20, 1_018_000, 1, None),
            (1, 30, 5_016_000, 2, Some((2, 1))),
            (1, 31, 5_026_000, 3, None),
        ]);
        let mut offsets = OrderedMap::new();
        offsets.insert(peer(1), Offset::measure(5_000_000, Seen(10), 0));
        offsets.insert(peer(2), Offset::measure(1_000_000, Seen(10), 54_000));
        let (from, to) = (Position::end_of(Seen(5)), Position::end_of(Seen(99)));
        let placed = owner_order(&history, &[key(1), key(2)], &offsets, from, to);
        let told: Vec<_> = placed
            .iter()
            .map(|it| (it.key, it.at, it.plus_minus, it.differs))
            .collect();
        // The second machine's clock is 27 ms further than it seems: 1,018,000 is 1 ms of this tab.
        assert_eq!(
            told,
            [
                (key(2), 1_000, 27_000, None),
                (key(1), 10_000, 0, None),
                (key(1), 26_000, 0, None),
                (key(1), 36_000, 0, None),
            ]
        );
        offsets.insert(peer(2), Offset::measure(1_000_000, Seen(46), 0));
        let placed = owner_order(&history, &[key(1), key(2)], &offsets, from, to);
        let told: Vec<_> = placed
            .iter()
            .map(|it| (it.key, it.at, it.differs))
            .collect();
        assert_eq!(
            told,
            [
                (key(1), 10_000, None),
                (key(1), 36_000, None),
                (key(2), 64_000, None),
                (key(1), 64_000, Some(38_000)),
            ],
            "the effect right after its cause: clock differs by at least 38 ms"
        );
    }

    #[test]
    fn without_an_offset_records_stay_where_they_were_seen() {
        let history = history(&[(1, 10, 9, 1, None), (2, 20, 3, 1, None)]);
        let (from, to) = (Position::end_of(Seen(5)), Position::end_of(Seen(99)));
        let keys = [key(2), key(1)];
        let placed = owner_order(&history, &keys, &OrderedMap::new(), from, to);
        let at: Vec<u64> = placed.iter().map(|it| it.at).collect();
        assert_eq!(at, [10_000, 20_000]);
    }

    #[test]
    fn hostile_clocks_and_causes_in_a_circle_are_harmless() {
        let history = history(&[
            (1, 10, u64::MAX, 1, Some((2, 1))),
            (2, 10, 0, 1, Some((1, 1))),
            (2, 11, 1, 2, Some((2, 2))),
        ]);
        let mut offsets = OrderedMap::new();
        for (owner, micros) in [(1, i64::MIN), (2, i64::MAX)] {
            let offset = Offset {
                micros,
                plus_minus: u64::MAX,
            };
            offsets.insert(peer(owner), offset);
        }
        let (from, to) = (Position::end_of(Seen(5)), Position::end_of(Seen(99)));
        let placed = owner_order(&history, &[key(1), key(2)], &offsets, from, to);
        assert_eq!(placed.len(), 3);
        assert_eq!(
            Offset::measure(u64::MAX, Seen(u64::MAX), u64::MAX).seen(0),
            Seen(0)
        );
    }
}
