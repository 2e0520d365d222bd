//! How much happened when, at six zooms: counts of changes, canceled transitions and errors per 16 ms and eight times
//! that, five times over (dashboard design 11). Lanes and timelines are drawn from these alone, whatever lies below.
//!
//! A bucket holds eight bytes and exists only where something happened. Counters are narrow: a full bucket is followed
//! by another of the same time, so records leave from the front exactly as they came.
//!
//! Adding costs the same however much is held; a window costs its pixels.

use std::collections::VecDeque;

use super::Seen;

/// What one record adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// It changed states.
    pub change: bool,
    /// It was canceled.
    pub cancel: bool,
    /// An error state went on in it.
    pub error: bool,
}

/// What happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Records that changed states.
    pub changes: u64,
    /// Canceled transitions.
    pub cancels: u64,
    /// Records in which an error state went on.
    pub errors: u64,
}

/// Counts of neighbouring stretches of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where the first begins: not after what was asked for.
    pub from: Seen,
    /// How long each is, in milliseconds.
    pub width: u64,
    /// One per stretch.
    pub counts: Vec<Count>,
}

/// Counts at all zooms.
#[derive(Clone, Debug, Default)]
pub struct Pyramid {
    levels: [Level; WIDTHS.len()],
}

impl Pyramid {
    /// One more record; never earlier than the one before.
    pub fn add(&mut self, at: Seen, tally: Tally) {
        if tally == Tally::default() {
            return;
        }
        for (level, width) in self.levels.iter_mut().zip(WIDTHS) {
            level.add(start(at, width), tally);
        }
    }

    /// The oldest record is no longer held.
    pub fn forget(&mut self, at: Seen, tally: Tally) {
        if tally == Tally::default() {
            return;
        }
        for (level, width) in self.levels.iter_mut().zip(WIDTHS) {
            level.forget(start(at, width), tally);
        }
    }

    /// What happened from `from` until before `to`, in at most `pixels` + 1 stretches of equal length, none shorter than
    /// 16 ms. The first and the last may begin before and end after what was asked for.
    #[must_use]
    pub fn window(&self, from: Seen, to: Seen, pixels: usize) -> Window {
        let pixels = pixels.clamp(1, MAX_PIXELS);
        let (from, to) = (from.min(LATEST), to.min(LATEST));
        let span = to.since(from).max(1);
        let share = span.div_ceil(pixels as u64);
        let fits = |zoom: &usize| WIDTHS[*zoom] <= share && self.levels[*zoom].reaches(from, *zoom);
        let zoom = (0..WIDTHS.len()).rev().find(fits).unwrap_or_else(|| {
            let reaches = |zoom: &usize| self.levels[*zoom].reaches(from, *zoom);
            (0..WIDTHS.len()).find(reaches).unwrap_or(WIDTHS.len() - 1)
        });
        let width = WIDTHS[zoom] * share.div_ceil(WIDTHS[zoom]);
        let first = from.0 / width * width;
        let length = usize::try_from((from.0 + span - first).div_ceil(width)).unwrap_or(pixels);
        let mut counts = vec![Count::default(); length];
        for bucket in self.levels[zoom].from(start(Seen(first), WIDTHS[zoom])) {
            let at = (u64::from(bucket.start) * WIDTHS[zoom] - first) / width;
            match usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
                Some(count) => count.add(bucket),
                None => break,
            }
        }
        Window {
            from: Seen(first),
            width,
            counts,
        }
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let buckets = self.levels.iter().map(|level| level.buckets.capacity());
        buckets.sum::<usize>() * size_of::<Bucket>()
    }
}

impl Count {
    fn add(&mut self, bucket: &Bucket) {
        self.changes += u64::from(bucket.changes);
        self.cancels += u64::from(bucket.cancels);
        self.errors += u64::from(bucket.errors);
    }
}

/// One zoom, oldest first.
#[derive(Clone, Debug, Default)]
struct Level {
    buckets: VecDeque<Bucket>,
    /// Buckets were dropped because there were too many.
    is_cut: bool,
}

/// What happened in one stretch, or a part of it.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Number of the stretch.
    start: u32,
    changes: u16,
    cancels: u8,
    errors: u8,
}

impl Level {
    fn add(&mut self, start: u32, tally: Tally) {
        if let Some(last) = self.buckets.back_mut()
            && last.start >= start
            && last.add(tally)
        {
            return;
        }
        if self.buckets.len() == MAX_BUCKETS {
            self.buckets.pop_front();
            self.is_cut = true;
        }
        let start = self
            .buckets
            .back()
            .map_or(start, |last| last.start.max(start));
        if self.buckets.len() == self.buckets.capacity() {
            // A quarter more, not twice as many: most of the room of a slow machine is here.
            self.buckets.reserve_exact(self.buckets.len() / 4 + 4);
        }
        self.buckets.push_back(Bucket {
            start,
            changes: u16::from(tally.change),
            cancels: u8::from(tally.cancel),
            errors: u8::from(tally.error),
        });
    }

    fn forget(&mut self, start: u32, tally: Tally) {
        // A bucket that is not there was one too many.
        let Some(first) = self.buckets.front_mut().filter(|it| it.start == start) else {
            return;
        };
        first.changes = first.changes.saturating_sub(u16::from(tally.change));
        first.cancels = first.cancels.saturating_sub(u8::from(tally.cancel));
        first.errors = first.errors.saturating_sub(u8::from(tally.error));
        if (first.changes, first.cancels, first.errors) == (0, 0, 0) {
            self.buckets.pop_front();
            if self.buckets.len() < self.buckets.capacity() / 2 {
                self.buckets.shrink_to(self.buckets.len() / 4 * 5);
            }
        }
    }

    /// Everything since then is here.
    fn reaches(&self, from: Seen, zoom: usize) -> bool {
        let first = self.buckets.front().map_or(0, |bucket| bucket.start);
        !self.is_cut || start(from, WIDTHS[zoom]) > first
    }

    fn from(&self, start: u32) -> impl Iterator<Item = &Bucket> {
        let first = self.buckets.partition_point(|bucket| bucket.start < start);
        self.buckets.range(first..)
    }
}

impl Bucket {
    /// False: it is full.
    fn add(&mut self, tally: Tally) -> bool {
        let changes = self.changes.checked_add(u16::from(tally.change));
        let cancels = self.cancels.checked_add(u8::from(tally.cancel));
        let errors = self.errors.checked_add(u8::from(tally.error));
        let (Some(changes), Some(cancels), Some(errors)) = (changes, cancels, errors) else {
            return false;
        };
        (self.changes, self.cancels, self.errors) = (changes, cancels, errors);
        true
    }
}

fn start(at: Seen, width: u64) -> u32 {
    u32::try_from(at.min(LATEST).0 / width).unwrap_or(u32::MAX)
}

/// Later instants count as this one: two years after the page was opened.
pub(super) const LATEST: Seen = Seen(u32::MAX as u64 * WIDTHS[0]);

/// Milliseconds per bucket of each zoom (dashboard design 11), and one zoom more for weeks.
const WIDTHS: [u64; 6] = [16, 128, 1_024, 8_192, 65_536, 524_288];
/// Two megabytes per zoom (guess): an hour of something happening every 16 ms.
const MAX_BUCKETS: usize = 1 << 18;
/// No screen has more.
const MAX_PIXELS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: Tally = Tally {
        change: true,
        cancel: false,
        error: false,
    };

    /// Adds up what each stretch of the answer should hold.
    fn direct(records: &[(u64, Tally)], window: &Window) -> Vec<Count> {
        let mut counts = vec![Count::default(); window.counts.len()];
        for (at, tally) in records {
            let Some(after) = at.checked_sub(window.from.0) else {
                continue;
            };
            if let Some(count) = counts.get_mut((after / window.width) as usize) {
                count.changes += u64::from(tally.change);
                count.cancels += u64::from(tally.cancel);
                count.errors += u64::from(tally.error);
            }
        }
        counts
    }

    #[test]
    fn full_buckets_lose_nothing_and_leave_exactly() {
        let error = Tally {
            error: true,
            ..CHANGE
        };
        let records: Vec<(u64, Tally)> = (0..140_000)
            .map(|n| (n / 70_000 * 5, if n % 100 == 0 { error } else { CHANGE }))
            .collect();
        let mut pyramid = Pyramid::default();
        for (at, tally) in &records {
            pyramid.add(Seen(*at), *tally);
        }
        for forgotten in [0, 1, 65_535, 65_536, 139_999, 140_000] {
            let mut pyramid = pyramid.clone();
            for (at, tally) in &records[..forgotten] {
                pyramid.forget(Seen(*at), *tally);
            }
            let window = pyramid.window(Seen(0), Seen(16), 1);
            assert_eq!(window.counts, direct(&records[forgotten..], &window));
        }
    }

    #[test]
    fn every_zoom_equals_a_direct_count() {
        let records: Vec<(u64, Tally)> = (0..20_000_u64)
            .map(|n| {
                let tally = Tally {
                    change: n % 3 != 0,
                    cancel: n % 3 == 0,
                    error: n % 50 == 0,
                };
                (n * n / 40, tally)
            })
            .collect();
        let mut pyramid = Pyramid::default();
        for (at, tally) in &records {
            pyramid.add(Seen(*at), *tally);
        }
        for span in [1, 15, 16, 1_000, 60_000, 3_600_000, 10_000_000, 100_000_000] {
            for (from, pixels) in [(0, 1), (7, 10), (123_456, 300), (9_000_000, 2_000)] {
                let window = pyramid.window(Seen(from), Seen(from + span), pixels);
                assert_eq!(window.counts, direct(&records, &window), "{span} {from}");
                assert!(window.counts.len() <= pixels + 1);
                assert!(window.from.0 <= from && from < window.from.0 + window.width);
                let end = window.from.0 + window.width * window.counts.len() as u64;
                assert!(end >= from + span, "all of it");
            }
        }
    }

    #[test]
    fn too_many_buckets_cost_detail_and_not_counts() {
        let mut pyramid = Pyramid::default();
        let many = MAX_BUCKETS as u64 + 10;
        for n in 0..many {
            pyramid.add(Seen(n * 16), CHANGE);
        }
        let window = pyramid.window(Seen(0), Seen(1_024), 64);
        assert_eq!(window.width, 128, "the finest that still reaches so far");
        let all: u64 = window.counts.iter().map(|count| count.changes).sum();
        assert_eq!(all, 64);
        assert!(pyramid.bytes() < 8 << 20);
    }

    #[test]
    fn hostile_times_are_harmless() {
        let mut pyramid = Pyramid::default();
        for at in [u64::MAX, 0, 5, u64::MAX - 1] {
            pyramid.add(Seen(at), CHANGE);
        }
        for (from, to) in [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
            let window = pyramid.window(Seen(from), Seen(to), usize::MAX);
            assert!(window.counts.len() <= MAX_PIXELS + 1);
        }
    }
}
