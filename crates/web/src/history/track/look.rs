//! A machine's history read at a position: one key and the few records behind it.

use std::sync::Arc;

use super::super::chunk::{self, Chunk, Replay};
use super::super::marks::Standing;
use super::super::{Conditions, Gap, Place, Position, SchemaFacts, Seen};
use super::Track;

/// A machine at a position.
#[derive(Clone, Debug, PartialEq)]
pub struct StateAt {
    /// The last record seen until then.
    pub place: Place,
    /// When and at what place of the page's order it was seen.
    pub seen: Position,
    /// Ticks in index order.
    pub clock: Vec<u64>,
    /// Its schema then.
    pub schema: Arc<SchemaFacts>,
    /// What held then.
    pub standing: Standing,
    /// What health watches.
    pub conditions: Conditions,
    /// How well the clock is known.
    pub known: Known,
}

/// How well a clock is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// As it was told.
    Exactly,
    /// Ticks of this gap are not in it.
    Without(Gap),
    /// It is older: of so many records since then nobody knows any more what they changed.
    Before {
        /// Records since.
        records: u64,
    },
}

/// The answer to "how was it then?".
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// So.
    State(Box<StateAt>),
    /// The tab did not know it yet.
    NotYet,
    /// What was recorded then was dropped to save room; the oldest left is of this instant.
    Dropped {
        /// The oldest here.
        oldest: Seen,
    },
}

impl Track {
    /// How it was then: the last record seen at or before.
    #[must_use]
    pub fn look(&self, position: Position) -> Look {
        let Some(place) = self.at(position) else {
            return match self.dropped() {
                0 => Look::NotYet,
                _ => Look::Dropped {
                    oldest: self.oldest().at,
                },
            };
        };
        let Some((chunk, row)) = self.locate(place) else {
            return Look::NotYet;
        };
        let (clock, conditions, lost) = self.replayed(&self.chunks[chunk], row);
        let known = match (lost, self.gaps.at(position)) {
            (1.., _) => Known::Before { records: lost },
            (0, Some(gap)) => Known::Without(gap.clone()),
            (0, None) => Known::Exactly,
        };
        Look::State(Box::new(StateAt {
            place,
            seen: self.chunks[chunk].position(row),
            clock,
            schema: Arc::clone(&self.chunks[chunk].schema),
            standing: self.standing_at(position),
            conditions,
            known,
        }))
    }

    /// Longest time between two of the last `most` changes that count as work, seen until then, as far as they are held.
    #[must_use]
    pub fn longest_gap(&self, position: Position, most: usize) -> Option<u64> {
        let last = self.chunk_at(position)?;
        let until = self.chunks[last].until(position);
        let skipped = self.chunks[last].len() - until;
        let chunks = self.chunks.range(..=last).rev();
        let rows = chunks.flat_map(Chunk::flags_back).skip(skipped);
        let mut work = rows.filter(|(flags, _)| flags & chunk::WORK != 0);
        let mut later = work.next()?.1;
        let gaps = work.take(most).map(|(_, at)| {
            let gap = later.since(at);
            later = at;
            gap
        });
        gaps.max()
    }

    /// Changes in the ten seconds until an instant, itself included and nothing after it: buckets of the pyramid would
    /// reach beyond.
    #[must_use]
    pub fn rate(&self, until: Seen) -> u64 {
        let after = Seen(until.0.saturating_sub(RATE_OVER));
        let first = self.chunk_at(Position::end_of(after)).unwrap_or(0);
        let told = self.chunks.iter().skip(first).flat_map(Chunk::tallies);
        let told = told
            .skip_while(|(at, _)| *at <= after)
            .take_while(|(at, _)| *at <= until);
        told.filter(|(_, tally)| tally.change).count() as u64
    }

    /// The next or the previous record in which an error state went on, and when it was seen.
    #[must_use]
    pub fn error_beside(&self, from: Position, forward: bool) -> Option<Position> {
        let near = self.chunk_at(from);
        let in_chunk = |chunk: &Chunk| {
            let found = chunk.tallies().enumerate();
            let mut found = found
                .filter(|(_, (_, tally))| tally.error)
                .map(|(row, _)| chunk.position(row));
            if forward {
                found.find(|position| *position > from)
            } else {
                found.take_while(|position| *position < from).last()
            }
        };
        if forward {
            self.chunks
                .iter()
                .skip(near.unwrap_or(0))
                .find_map(in_chunk)
        } else {
            let until = near? + 1;
            self.chunks.iter().take(until).rev().find_map(in_chunk)
        }
    }

    /// The first record of a run whose replay satisfies `found`; chunks outside of `within` are passed by.
    pub(in crate::history) fn search(
        &self,
        within: impl Fn(&SearchChunk) -> bool,
        mut found: impl FnMut(&Replay<'_>) -> bool,
    ) -> Option<Place> {
        for (at, chunk) in self.chunks.iter().enumerate().skip(self.thinned) {
            let next = self.chunks.get(at + 1);
            let look = SearchChunk {
                epoch: chunk.epoch,
                numbers: chunk.numbers,
                sum: chunk.sum,
                next_sum: next.filter(|it| it.epoch == chunk.epoch).map(|it| it.sum),
            };
            if !within(&look) {
                continue;
            }
            let mut replay = chunk.replay();
            for row in 0..chunk.len() {
                if replay.step() && found(&replay) {
                    return Some(Place(chunk.first().0 + row as u64));
                }
            }
        }
        None
    }

    /// Clock and conditions behind a record, and how many records they are older.
    fn replayed(&self, chunk: &Chunk, row: usize) -> (Vec<u64>, Conditions, u64) {
        let mut replay = chunk.replay();
        let mut conditions = chunk.conditions;
        for read in 0..=row {
            if !replay.step() {
                let is_first_look = read == 0 && replay.is_first_look();
                let lost = (row + 1 - read - usize::from(is_first_look)) as u64;
                return (replay.clock, conditions, lost);
            }
            if let Some(at) = replay.at().filter(|_| !replay.is_first_look()) {
                conditions.follow(&chunk.schema, &replay.changes, &replay.clock, at);
            }
        }
        (replay.clock, conditions, 0)
    }
}

/// What a search knows of a chunk before it reads it.
pub(in crate::history) struct SearchChunk {
    /// Its run.
    pub(in crate::history) epoch: u64,
    /// Smallest and largest number.
    pub(in crate::history) numbers: Option<(u64, u64)>,
    /// Machine time where it begins.
    pub(in crate::history) sum: u64,
    /// Machine time where the next of the same run begins.
    pub(in crate::history) next_sum: Option<u64>,
}

/// Milliseconds over which changes are counted for a rate.
const RATE_OVER: u64 = 10_000;
