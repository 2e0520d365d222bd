//! Finds the moment that a link or a person names, and says how it was found (dashboard design 2.2): by the owner's
//! number, by machine time, by the owner's clock, or as the nearest there is.

use super::{Entry, History, Interval, MachineKey, Offset, Place, Position, Seen, Track};

/// A moment as it was named. Whatever is not known is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The machine's index on its owner: another run has another.
    pub run: Option<u64>,
    /// The owner's run, as this tab counts them.
    pub epoch: Option<u64>,
    /// The owner's number of a transition.
    pub number: Option<u64>,
    /// Sum of ticks behind it.
    pub machine_time: Option<u64>,
    /// The owner's time, in microseconds since 1970.
    pub owner_at: Option<u64>,
    /// When it was seen in this tab.
    pub seen: Option<Seen>,
}

/// A moment that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Whose.
    pub key: MachineKey,
    /// Where.
    pub position: Position,
    /// What happened.
    pub entry: Entry,
    /// How it was found.
    pub found: Found,
}

/// How a moment was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is the transition that was named.
    Exactly,
    /// By machine time: it lies in this interval. An instant if the transition itself is held.
    ByMachineTime(Interval),
    /// Its owner's clock said just this.
    ByOwnerTime,
    /// It is the last one before, so many milliseconds earlier.
    Nearest(u64),
}

/// There is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The instant that was asked for, if it could be told.
    pub wanted: Option<Seen>,
    /// The oldest here, if there is anything.
    pub oldest: Option<Seen>,
}

impl History {
    /// Finds a moment of a machine, and of its earlier runs. `offset`: of the owner's clock to the tab's.
    ///
    /// # Errors
    ///
    /// [`NotFound`] if it lies before everything held, or nothing that was named leads anywhere.
    pub fn resolve(
        &self,
        key: &MachineKey,
        wanted: &Wanted,
        offset: Option<Offset>,
    ) -> Result<Moment, NotFound> {
        let at = wanted.seen.or_else(|| {
            let (owner_at, offset) = (wanted.owner_at?, offset?);
            Some(offset.seen(owner_at))
        });
        let nothing = NotFound {
            wanted: at,
            oldest: None,
        };
        let id = self.id(key).ok_or(nothing)?;
        let runs: Vec<(&MachineKey, &Track)> = self.runs(&key.peer, id).collect();
        for way in [by_number, by_machine_time, by_owner_time] {
            let of_run = runs.iter().filter(|(key, _)| {
                let run = wanted.run;
                run.is_none_or(|run| key.index.0 == run)
            });
            for (key, track) in of_run.rev() {
                if let Some(moment) = way(track, wanted).and_then(|it| moment(key, track, it)) {
                    return Ok(moment);
                }
            }
        }
        let oldest = runs.iter().map(|(_, track)| track.oldest().at).min();
        let near = at.and_then(|at| nearest(&runs, at));
        near.ok_or(NotFound { oldest, ..nothing })
    }
}

fn moment(key: &MachineKey, track: &Track, (place, found): (Place, Found)) -> Option<Moment> {
    Some(Moment {
        key: *key,
        position: track.position(place)?,
        entry: track.entry(place)?,
        found,
    })
}

impl Track {
    /// The newest record with its owner's number.
    #[must_use]
    pub fn of_number(&self, number: u64) -> Option<Place> {
        let wanted = Wanted {
            number: Some(number),
            ..Wanted::default()
        };
        by_number(self, &wanted).map(|(place, _)| place)
    }
}

fn by_number(track: &Track, wanted: &Wanted) -> Option<(Place, Found)> {
    let number = wanted.number?;
    let place = track.search(
        |chunk| {
            let holds = |(least, most)| (least..=most).contains(&number);
            is_run(wanted, chunk.epoch) && chunk.numbers.is_some_and(holds)
        },
        |replay| replay.told().is_some_and(|told| told.0 == Some(number)),
    )?;
    Some((place, Found::Exactly))
}

/// The first record behind which the sum of ticks is as large: that very transition, or what it is in.
fn by_machine_time(track: &Track, wanted: &Wanted) -> Option<(Place, Found)> {
    let time = wanted.machine_time?;
    let place = track.search(
        |chunk| {
            let is_later = chunk.next_sum.is_some_and(|next| next < time);
            is_run(wanted, chunk.epoch) && chunk.sum <= time && !is_later
        },
        |replay| {
            let sum = super::chunk::sum(&replay.clock);
            sum == time || (sum > time && !replay.is_first_look())
        },
    )?;
    let at = track.entry(place)?.at;
    Some((place, Found::ByMachineTime(at)))
}

fn by_owner_time(track: &Track, wanted: &Wanted) -> Option<(Place, Found)> {
    let owner_at = wanted.owner_at?;
    let place = track.search(
        |chunk| is_run(wanted, chunk.epoch),
        |replay| replay.told().is_some_and(|told| told.1 == Some(owner_at)),
    )?;
    Some((place, Found::ByOwnerTime))
}

/// The last record at or before an instant.
fn nearest(runs: &[(&MachineKey, &Track)], at: Seen) -> Option<Moment> {
    let end = Position::end_of(at);
    let before = runs.iter().filter_map(|(key, track)| {
        let place = track.at(end)?;
        Some((track.position(place)?, place, *key, *track))
    });
    let (position, place, key, track) = before.max_by_key(|it| it.0)?;
    let earlier = at.since(position.at);
    moment(key, track, (place, Found::Nearest(earlier)))
}

fn is_run(wanted: &Wanted, epoch: u64) -> bool {
    wanted.epoch.is_none_or(|wanted| wanted == epoch)
}

#[cfg(test)]
mod tests {
    use super::super::{Fidelity, Limits, Moved, Named, Record, Ticks};
    use super::*;
    use crate::model::fixture::{learned, schema};

    /// Snapshots to machine time 7, then a restart, then transitions 850 to 949, one tick each.
    fn history() -> (History, MachineKey) {
        let mut history = History::new(Limits::default());
        let learned = learned("courier-17", &[]);
        let named = Named {
            key: learned.key,
            id: learned.id,
        };
        let between = |after, by| Interval {
            after: Some(Seen(after)),
            by: Seen(by),
        };
        let start = Record::snapshot(between(0, 1_000), &[1, 1, 0, 0]);
        history.learn(named, &schema(), &start).unwrap();
        let key = learned.key;
        let snapshot = Record::snapshot(between(1_000, 6_000), &[1, 2, 4, 0]);
        history.append(&key, &snapshot).unwrap();
        history.restart(&key, Seen(7_000), &[1, 0, 0, 0]).unwrap();
        for n in 0..100 {
            let record = Record {
                at: Interval::at(Seen(8_000 + 10 * n)),
                fidelity: Fidelity::Changes,
                number: Some(850 + n),
                owner_at: Some(1_000_000 + 10_000 * n),
                ticks: Ticks::Moved(&[Moved { state: 2, ticks: 1 }]),
                ..start
            };
            history.append(&key, &record).unwrap();
        }
        (history, key)
    }

    fn find(wanted: Wanted) -> Result<(Seen, Found), NotFound> {
        let (history, key) = history();
        let moment = history.resolve(&key, &wanted, None)?;
        Ok((moment.position.at, moment.found))
    }

    #[test]
    fn the_first_way_that_leads_there_is_taken_and_named() {
        let wanted = Wanted {
            epoch: Some(2),
            number: Some(862),
            machine_time: Some(50),
            ..Wanted::default()
        };
        assert_eq!(find(wanted), Ok((Seen(8_120), Found::Exactly)));
        let at = Interval::at(Seen(8_480));
        let wanted = Wanted {
            number: Some(2_000),
            ..wanted
        };
        assert_eq!(find(wanted), Ok((at.by, Found::ByMachineTime(at))));
        let wanted = Wanted {
            owner_at: Some(1_500_000),
            ..Wanted::default()
        };
        assert_eq!(find(wanted), Ok((Seen(8_500), Found::ByOwnerTime)));
    }

    #[test]
    fn machine_time_names_the_interval_that_holds_it() {
        for time in 3..=7 {
            let wanted = Wanted {
                epoch: Some(1),
                machine_time: Some(time),
                ..Wanted::default()
            };
            let holds = Interval {
                after: Some(Seen(1_000)),
                by: Seen(6_000),
            };
            assert_eq!(find(wanted), Ok((Seen(6_000), Found::ByMachineTime(holds))));
        }
    }

    #[test]
    fn what_was_never_seen_is_not_found() {
        let wanted = Wanted {
            epoch: Some(1),
            machine_time: Some(1),
            ..Wanted::default()
        };
        assert!(find(wanted).is_err(), "before the first look");
        let wanted = Wanted {
            epoch: Some(1),
            machine_time: Some(8),
            ..Wanted::default()
        };
        assert!(find(wanted).is_err(), "that run never came so far");
        let wanted = Wanted {
            machine_time: Some(50),
            ..Wanted::default()
        };
        for (run, is_found) in [(None, true), (Some(0), true), (Some(9), false)] {
            let found = find(Wanted { run, ..wanted });
            assert_eq!(found.is_ok(), is_found, "run {run:?}");
        }
        let wanted = Wanted {
            seen: Some(Seen(900)),
            ..Wanted::default()
        };
        let oldest = Some(Seen(1_000));
        assert_eq!(
            find(wanted),
            Err(NotFound {
                wanted: wanted.seen,
                oldest
            })
        );
    }

    #[test]
    fn else_the_nearest_before_is_shown() {
        let wanted = Wanted {
            seen: Some(Seen(8_019)),
            ..Wanted::default()
        };
        assert_eq!(find(wanted), Ok((Seen(8_010), Found::Nearest(9))));
        let (history, key) = history();
        let offset = Offset {
            micros: 1_000_000 - 8_000_000,
            plus_minus: 27_000,
        };
        let wanted = Wanted {
            owner_at: Some(1_005_000),
            ..Wanted::default()
        };
        let moment = history.resolve(&key, &wanted, Some(offset)).unwrap();
        assert_eq!(
            (moment.position.at, moment.found),
            (Seen(8_000), Found::Nearest(5))
        );
    }
}
