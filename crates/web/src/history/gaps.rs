//! Which of an owner's numbers never came (dashboard design 4.3): "851, 852 not received: 3 ticks missed, order unknown".
//!
//! A gap is open until the owner's full clock says what was missed; until then late records fill it. Afterwards they say
//! nothing new.

use std::collections::VecDeque;

use super::{Position, Refused};

/// Numbers that were not received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First and last of each row of numbers.
    pub numbers: Vec<(u64, u64)>,
    /// So many more are not listed, because there are too many rows.
    pub unlisted: u64,
    /// The last record before them.
    pub from: Position,
    /// The record that showed the gap; of a settled one, what settled it.
    pub to: Position,
    /// Whether what was missed is known.
    pub missed: Missed,
}

/// What is known of the ticks in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Nothing yet: clocks after it miss these ticks.
    Open,
    /// So many ticks, in an order nobody knows.
    Ticks(u64),
    /// Some, in one with what came after.
    Merged,
    /// None: all came late.
    CameLate,
}

/// Follows an owner's numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    last: Option<u64>,
    list: VecDeque<Gap>,
}

impl Gap {
    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        let rows = self.numbers.iter();
        rows.map(|(first, last)| (last - first).saturating_add(1))
            .fold(self.unlisted, u64::saturating_add)
    }

    /// It hangs over this position: what was missed is not in the clock here.
    #[must_use]
    pub fn covers(&self, position: Position) -> bool {
        self.from < position && (self.missed == Missed::Open || position < self.to)
    }

    /// Takes a number out. False: it is not in.
    fn fill(&mut self, number: u64) -> bool {
        let holds = |(first, last): &(u64, u64)| (*first..=*last).contains(&number);
        let Some(at) = self.numbers.iter().position(holds) else {
            return false;
        };
        let (first, last) = self.numbers.remove(at);
        if number < last {
            self.numbers.insert(at, (number + 1, last));
        }
        if first < number {
            self.numbers.insert(at, (first, number - 1));
        }
        true
    }
}

impl Gaps {
    /// The largest number so far.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// A record with this number came, between these positions.
    pub(super) fn arrive(
        &mut self,
        number: u64,
        from: Position,
        to: Position,
    ) -> Result<(), Refused> {
        let expected = match self.last {
            None => number,
            Some(last) if number <= last => return self.fill(number, to),
            Some(last) => last + 1,
        };
        if expected < number {
            self.open(expected, number - 1, from, to);
        }
        self.last = Some(number);
        Ok(())
    }

    /// A full clock came: so many ticks are in it that no record told.
    pub(super) fn settle(&mut self, missed: Missed, at: Position) {
        if let Some(open) = self.open_mut() {
            open.missed = missed;
            open.to = at;
        }
    }

    /// The owner begins to count anew.
    pub(super) fn restart(&mut self, at: Position) {
        self.settle(Missed::Merged, at);
        self.last = None;
    }

    /// Nothing before this position is held any more.
    pub(super) fn forget_before(&mut self, position: Position) {
        while self
            .list
            .front()
            .is_some_and(|gap| gap.to < position && gap.missed != Missed::Open)
        {
            self.list.pop_front();
        }
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Gap> {
        self.list.iter()
    }

    /// The gap whose ticks are missing at a position.
    pub(super) fn at(&self, position: Position) -> Option<&Gap> {
        self.list.iter().rev().find(|gap| gap.covers(position))
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.list.iter().map(|gap| gap.numbers.capacity() * 16);
        rows.sum::<usize>() + self.list.capacity() * size_of::<Gap>()
    }

    fn open_mut(&mut self) -> Option<&mut Gap> {
        let last = self.list.back_mut();
        last.filter(|gap| gap.missed == Missed::Open)
    }

    fn open(&mut self, first: u64, last: u64, from: Position, to: Position) {
        if let Some(gap) = self.open_mut() {
            gap.to = to;
            if gap.numbers.len() < MAX_ROWS {
                gap.numbers.push((first, last));
            } else {
                let count = (last - first).saturating_add(1);
                gap.unlisted = gap.unlisted.saturating_add(count);
            }
            return;
        }
        if self.list.len() == MAX_GAPS {
            self.list.pop_front();
        }
        self.list.push_back(Gap {
            numbers: vec![(first, last)],
            unlisted: 0,
            from,
            to,
            missed: Missed::Open,
        });
    }

    fn fill(&mut self, number: u64, at: Position) -> Result<(), Refused> {
        let open = self.open_mut().ok_or(Refused::Known)?;
        if !open.fill(number) {
            return Err(Refused::Known);
        }
        if open.count() == 0 {
            self.settle(Missed::CameLate, at);
        }
        Ok(())
    }
}

/// Rows of numbers listed of one gap (guess: no sentence names more).
const MAX_ROWS: usize = 64;
/// Gaps held of one machine (guess).
const MAX_GAPS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::*;

    fn at(n: u64) -> Position {
        Position {
            at: Seen(n),
            order: n,
        }
    }

    fn arrive(gaps: &mut Gaps, number: u64) -> Result<(), Refused> {
        gaps.arrive(number, at(number - 1), at(number))
    }

    #[test]
    fn missing_numbers_are_named_until_they_come() {
        let mut gaps = Gaps::default();
        for number in [850, 853, 854, 860] {
            assert_eq!(arrive(&mut gaps, number), Ok(()));
        }
        let gap = gaps.iter().next().unwrap().clone();
        assert_eq!(gap.numbers, [(851, 852), (855, 859)]);
        assert_eq!(gap.count(), 7);
        assert_eq!(arrive(&mut gaps, 857), Ok(()), "late");
        assert_eq!(arrive(&mut gaps, 857), Err(Refused::Known), "twice");
        assert_eq!(arrive(&mut gaps, 700), Err(Refused::Known), "before");
        for number in [851, 852, 855, 856, 858, 859] {
            assert_eq!(arrive(&mut gaps, number), Ok(()), "{number}");
        }
        let gap = gaps.iter().next().unwrap();
        assert_eq!((gap.missed, gap.count()), (Missed::CameLate, 0));
        assert!(gaps.at(at(855)).is_some(), "then it was not here yet");
        assert!(gaps.at(at(861)).is_none());
    }

    #[test]
    fn a_settled_gap_takes_nothing_more() {
        let mut gaps = Gaps::default();
        arrive(&mut gaps, 1).unwrap();
        arrive(&mut gaps, 4).unwrap();
        assert!(
            gaps.at(at(100)).is_some(),
            "open: it hangs over all that follows"
        );
        gaps.settle(Missed::Ticks(3), at(5));
        assert!(gaps.at(at(5)).is_none());
        assert!(gaps.at(at(4)).is_some());
        assert_eq!(arrive(&mut gaps, 2), Err(Refused::Known));
        arrive(&mut gaps, 9).unwrap();
        assert_eq!(gaps.iter().count(), 2);
    }

    #[test]
    fn endless_gaps_are_counted_and_not_listed() {
        let mut gaps = Gaps::default();
        for number in (1..1_000).step_by(2) {
            arrive(&mut gaps, number).unwrap();
        }
        arrive(&mut gaps, u64::MAX).unwrap();
        let gap = gaps.iter().next().unwrap();
        assert_eq!(gap.numbers.len(), MAX_ROWS);
        assert_eq!(gap.count(), u64::MAX - 501);
        assert_eq!(arrive(&mut gaps, u64::MAX), Err(Refused::Known));
        for number in (0..10_000_u64).map(|n| n * 3) {
            gaps.restart(at(number));
            arrive(&mut gaps, number + 1).unwrap();
            arrive(&mut gaps, number + 3).unwrap();
        }
        assert_eq!(gaps.iter().count(), MAX_GAPS);
    }
}
