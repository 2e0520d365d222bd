//! Which records of one machine pass the filters of the Machine view: a byte for each says which filters fit it, read
//! once; with filters on, the list of those that pass.
//!
//! First looks, records without details and gaps fit no filter. The record at the cursor has a row even if it does not
//! pass: filters never move the cursor.

use super::{Entry, Head, MachineKey, Place, Position, SchemaFacts, Track};
use crate::model::{TxFilter, TxFilters};

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sift {
    /// Filters that are on.
    pub hide: TxFilters,
    /// The tag of the states looked at; none, or one that no state has: all of them.
    pub group: Option<String>,
}

/// What is known of one machine's records, as far as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    of: Option<Of>,
    /// Filters that fit, of each record from here on.
    from: u64,
    kinds: Vec<u8>,
    counts: [usize; TxFilter::OF_TRANSITIONS],
    hide: u8,
    /// Records that pass, told from the origin.
    shown: Vec<u32>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Of {
    key: MachineKey,
    group: Option<Vec<usize>>,
    origin: u64,
}

/// The records in the list.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    origin: u64,
    shown: &'a [u32],
    /// One that does not pass and has a row.
    extra: Option<Place>,
}

impl Sieve {
    /// Reads what is new of a machine.
    pub fn follow(&mut self, key: &MachineKey, id: &str, track: &Track, sift: &Sift) {
        let (first, next) = track.places();
        let group = sift
            .group
            .as_deref()
            .and_then(|group| members(track.schema(), group));
        let is_same = self.of.as_ref().is_some_and(|of| {
            of.key == *key && of.group == group && next.0 >= self.from + self.kinds.len() as u64
        });
        if !is_same {
            *self = Self {
                of: Some(Of {
                    key: *key,
                    group: group.clone(),
                    origin: first.0,
                }),
                from: first.0,
                ..Self::default()
            };
        }
        let origin = self.of.as_ref().map_or(0, |of| of.origin);
        self.forget_before(first.0, origin);
        let hide = sift.hide.of_transitions();
        if hide != self.hide {
            self.hide = hide;
            self.shown.clear();
            let kinds = (self.from - origin..).zip(&self.kinds);
            let shown = kinds.filter(|(_, kinds)| **kinds & hide == 0);
            self.shown.extend(shown.map(|(at, _)| at as u32));
        }
        let read = self.from + self.kinds.len() as u64;
        for entry in track.entries(Place(read)) {
            let kinds = kinds(&entry, key, id, track.schema(), group.as_deref());
            for (bit, count) in self.counts.iter_mut().enumerate() {
                *count += usize::from(kinds >> bit & 1);
            }
            if kinds & hide == 0 {
                self.shown.push((entry.place.0 - origin) as u32);
            }
            self.kinds.push(kinds);
        }
    }

    /// It is about this machine.
    #[must_use]
    pub fn is_of(&self, key: &MachineKey) -> bool {
        self.of.as_ref().is_some_and(|of| of.key == *key)
    }

    /// Nothing is left out.
    pub fn rest(&mut self) {
        self.hide = 0;
        self.shown = Vec::new();
    }

    fn forget_before(&mut self, first: u64, origin: u64) {
        let dropped = first.saturating_sub(self.from) as usize;
        if dropped == 0 {
            return;
        }
        for kinds in self.kinds.drain(..dropped.min(self.kinds.len())) {
            for (bit, count) in self.counts.iter_mut().enumerate() {
                *count -= usize::from(kinds >> bit & 1);
            }
        }
        let passed = self
            .shown
            .partition_point(|at| origin + u64::from(*at) < first);
        self.shown.drain(..passed);
        self.from = first;
    }

    /// How many records each filter fits, in the order of [`TxFilter::ALL`].
    #[must_use]
    pub fn counts(&self) -> [usize; TxFilter::OF_TRANSITIONS] {
        self.counts
    }

    /// The records that pass, and the one at the cursor; `None`: nothing is left out.
    #[must_use]
    pub fn passing(&self, track: &Track, cursor: Position) -> Option<Passing<'_>> {
        let origin = self.of.as_ref().filter(|_| self.hide != 0)?.origin;
        let passing = Passing {
            origin,
            shown: &self.shown,
            extra: None,
        };
        let at = track.at(cursor);
        let extra = at.filter(|at| !passing.has(*at));
        Some(Passing { extra, ..passing })
    }

    /// Filters that are on and hide a record.
    #[must_use]
    pub fn hides(&self, place: Place) -> TxFilters {
        let at = place.0.checked_sub(self.from);
        let kinds = at.and_then(|at| self.kinds.get(at as usize));
        TxFilters::from_transitions(kinds.map_or(0, |kinds| kinds & self.hide))
    }

    /// So many of the records that pass further, or back, up to the last, or the first; `None`: there is none that way.
    #[must_use]
    pub fn step(&self, track: &Track, from: Position, records: i64) -> Option<Position> {
        let passing = self.passing(track, from)?;
        let at = track.at(from);
        let is_there = at.is_some_and(|at| track.position(at) == Some(from));
        // Between two records the last one lies behind already.
        let behind = at.map_or(0, |at| passing.without_extra(Place(at.0 + 1)));
        let before = at
            .filter(|_| is_there)
            .map_or(behind, |at| passing.without_extra(at));
        let last = passing.shown.len().checked_sub(1)?;
        let to = if records > 0 {
            let to = behind.saturating_add(records as usize - 1);
            (behind <= last).then_some(to.min(last))
        } else {
            let back = records.unsigned_abs() as usize;
            (before > 0).then(|| before.saturating_sub(back))
        };
        track.position(passing.place(to?))
    }

    /// The first or the last of the records that pass.
    #[must_use]
    pub fn end(&self, track: &Track, last: bool) -> Option<Position> {
        let passing = self.passing(track, track.newest())?;
        let at = if last {
            passing.shown.len().checked_sub(1)?
        } else {
            0
        };
        track.position(passing.shown.get(at).map(|_| passing.place(at))?)
    }
}

impl Passing<'_> {
    /// Rows of records.
    pub(super) fn len(self) -> usize {
        self.shown.len() + usize::from(self.extra.is_some())
    }

    /// Rows before a record.
    pub(super) fn rank(self, place: Place) -> usize {
        let extra = self.extra.is_some_and(|extra| extra < place);
        self.without_extra(place) + usize::from(extra)
    }

    /// The record in a row.
    pub(super) fn nth(self, row: usize) -> Place {
        let Some(extra) = self.extra else {
            return self.place(row);
        };
        match row.cmp(&self.without_extra(extra)) {
            std::cmp::Ordering::Less => self.place(row),
            std::cmp::Ordering::Equal => extra,
            std::cmp::Ordering::Greater => self.place(row - 1),
        }
    }

    /// It has a row only because it is at the cursor.
    pub(super) fn is_extra(self, place: Place) -> bool {
        self.extra == Some(place)
    }

    /// The same without it.
    pub(super) fn strict(self) -> Self {
        Self {
            extra: None,
            ..self
        }
    }

    fn without_extra(self, place: Place) -> usize {
        let place = place.0.saturating_sub(self.origin);
        self.shown.partition_point(|at| u64::from(*at) < place)
    }

    fn has(self, place: Place) -> bool {
        let at = self.shown.get(self.without_extra(place));
        at.is_some_and(|at| self.origin + u64::from(*at) == place.0)
    }

    fn place(self, at: usize) -> Place {
        Place(self.origin + self.shown.get(at).map_or(0, |at| u64::from(*at)))
    }
}

/// States with a tag; `None`: no state has it.
fn members(schema: &SchemaFacts, group: &str) -> Option<Vec<usize>> {
    let has_tag = |state: &usize| {
        let tags = &schema.states[*state].tags;
        tags.iter().any(|tag| tag.whole() == group)
    };
    let members: Vec<usize> = (0..schema.states.len()).filter(has_tag).collect();
    (!members.is_empty()).then_some(members)
}

/// The filters that fit a record, a bit for each.
fn kinds(
    entry: &Entry,
    key: &MachineKey,
    id: &str,
    schema: &SchemaFacts,
    group: Option<&[usize]>,
) -> u8 {
    let Some(detail) = entry.detail.as_ref().filter(|_| !entry.is_first_look) else {
        return 0;
    };
    let head = detail.head.as_ref();
    let is = |test: fn(&Head) -> bool| head.is_some_and(test);
    let is_pulse = |state: usize| schema.states.get(state).is_some_and(|it| it.is_pulse);
    let called = head.map_or(&[][..], |head| &head.called);
    let called = || called.iter().map(|state| *state as usize);
    let changed = || detail.changes.iter().map(|change| change.state);
    let is_health = if called().next().is_some() {
        called().all(is_pulse)
    } else {
        changed().next().is_some() && changed().all(is_pulse)
    };
    let is_outside = group.is_some_and(|group| {
        let mut about = called().chain(changed());
        !about.any(|state| group.contains(&state))
    });
    let fits = [
        (
            TxFilter::Canceled,
            is(|head| head.is_canceled && !head.is_auto && !head.is_check),
        ),
        (
            TxFilter::Queued,
            head.is_some_and(|head| is_queued(head, key, id)),
        ),
        (TxFilter::Auto, is(|head| head.is_auto && !head.is_canceled)),
        (
            TxFilter::AutoCanceled,
            is(|head| head.is_auto && head.is_canceled),
        ),
        (
            TxFilter::Empty,
            detail.changes.is_empty() && is(|head| !head.is_canceled && !head.is_check),
        ),
        (TxFilter::Health, is_health),
        (TxFilter::Checks, is(|head| head.is_check)),
        (TxFilter::OutsideGroup, is_outside),
    ];
    let fits = fits.iter().filter(|(_, fits)| *fits);
    TxFilters::of(&fits.map(|(filter, _)| *filter).collect::<Vec<_>>()).of_transitions()
}

/// It waited for its turn: its owner says so, or the machine's own transition called it, which still ran.
pub(super) fn is_queued(head: &Head, key: &MachineKey, id: &str) -> bool {
    if head.is_queued {
        return true;
    }
    let cause = head.source.as_ref().filter(|_| !head.is_auto);
    cause.is_some_and(|cause| {
        *cause.machine == *id && cause.peer.as_ref().is_none_or(|peer| *peer == key.peer)
    })
}
