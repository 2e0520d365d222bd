//! Rain: the history of one machine as rows, one for each record and one for each gap, with a cell for every state that
//! has something to show (dashboard design 5.2).
//!
//! A row says what its record says and nothing else: a snapshot is an interval with counts, never an order. Only the rows
//! asked for are read, from one key on, so a list of a million rows costs what is on screen.

use std::ops::Range;

use statemesh::StateIdx;
use statemesh::core::collections::OrderedSet;
use statemesh::core::engine::Step;

use super::{
    Entry, Gap, Head, Interval, Look, Missed, Passing, Place, Position, SchemaFacts, Seen, Side,
    StateChange, Track, is_active,
};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RainRow {
    /// Its number in the list, from 0.
    pub row: usize,
    /// Where a click looks.
    pub position: Position,
    /// What it is about.
    pub event: RainEvent,
    /// States with something to show, by index.
    pub cells: Vec<(usize, Cell)>,
    /// Filters hide it: it has a row because the cursor is at it.
    pub is_filtered: bool,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RainEvent {
    /// A record whose changes are known.
    Change {
        /// When.
        at: Interval,
        /// Its owner's number.
        number: Option<u64>,
        /// What was asked for; without it, only what came of it is known.
        head: Option<Head>,
        /// Changed states.
        changes: Vec<StateChange>,
    },
    /// The tab saw the machine for the first time; true: in a new run of its owner.
    FirstLook(Seen, bool),
    /// A record of which only the time is left.
    Thinned(Seen),
    /// Numbers that never came.
    Gap(Gap),
}

/// What one state did in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Active before and after.
    Active,
    /// Went on.
    On,
    /// A Multi state, called again.
    Again,
    /// Went off.
    Off,
    /// On and off, or off and on, between two snapshots.
    Flicker,
    /// Called and refused.
    Rejected,
    /// Looked at, and not changed.
    Touched,
}

/// Some rows of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RainWindow {
    /// Rows in all.
    pub total: usize,
    /// The row at the cursor.
    pub cursor: Option<usize>,
    /// Those asked for.
    pub rows: Vec<RainRow>,
    /// The oldest left, when older ones were dropped.
    pub dropped: Option<Seen>,
    /// Records that filters hide.
    pub hidden: usize,
}

/// States with a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RainColumns {
    /// By index.
    pub states: Vec<usize>,
    /// How many have none.
    pub hidden: usize,
}

impl RainEvent {
    /// When it was seen.
    #[must_use]
    pub fn seen(&self) -> Option<Seen> {
        match self {
            Self::Change { at, .. } => Some(at.by),
            Self::FirstLook(at, _) | Self::Thinned(at) => Some(*at),
            Self::Gap(_) => None,
        }
    }
}

/// Where gaps lie among the records: each before one of them.
struct Rows<'a> {
    first: Place,
    next: Place,
    gaps: Vec<(Place, &'a Gap)>,
    /// Records that have a row, if not all have.
    passing: Option<Passing<'a>>,
}

impl<'a> Rows<'a> {
    fn new(track: &'a Track, passing: Option<Passing<'a>>) -> Self {
        let (first, next) = track.places();
        let shown = track.gaps().filter(|gap| gap.missed != Missed::CameLate);
        let gaps = shown.filter(|gap| gap.count() > 0).map(|gap| {
            let before = track.at(gap.from).map_or(first, |at| Place(at.0 + 1));
            (before.clamp(first, next), gap)
        });
        let mut gaps: Vec<(Place, &Gap)> = gaps.collect();
        gaps.sort_by_key(|(place, _)| *place);
        Self {
            first,
            next,
            gaps,
            passing,
        }
    }

    fn total(&self) -> usize {
        self.records() + self.gaps.len()
    }

    fn records(&self) -> usize {
        let all = (self.next.0 - self.first.0) as usize;
        self.passing.map_or(all, Passing::len)
    }

    /// Records before one of them.
    fn rank(&self, place: Place) -> usize {
        let all = (place.0 - self.first.0) as usize;
        self.passing.map_or(all, |passing| passing.rank(place))
    }

    fn of(&self, place: Place) -> usize {
        let gaps = self.gaps.partition_point(|(before, _)| *before <= place);
        self.rank(place) + gaps
    }

    /// Gaps before a row, and what the row is: the record, else a gap.
    fn at(&self, row: usize) -> Result<Place, &'a Gap> {
        // The gap of number n stands behind n others.
        let row_of = |n: usize| self.rank(self.gaps[n].0) + n;
        let mut from = 0;
        let mut to = self.gaps.len();
        while from < to {
            let middle = usize::midpoint(from, to);
            if row_of(middle) < row {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        match self.gaps.get(from) {
            Some((_, gap)) if row_of(from) == row => Err(gap),
            Some(_) | None => {
                let record = row - from;
                let all = Place(self.first.0 + record as u64);
                Ok(self.passing.map_or(all, |passing| passing.nth(record)))
            }
        }
    }
}

/// The rows of a machine in a range, as seen with the cursor at a position.
#[must_use]
pub fn rain(track: &Track, cursor: Position, range: Range<usize>) -> RainWindow {
    sifted_rain(track, cursor, range, None)
}

/// The same of records that pass.
#[must_use]
pub fn sifted_rain(
    track: &Track,
    cursor: Position,
    range: Range<usize>,
    passing: Option<Passing<'_>>,
) -> RainWindow {
    let rows = Rows::new(track, passing);
    let total = rows.total();
    let range = range.start.min(total)..range.end.min(total);
    let mut reader = Reader {
        track,
        clock: Vec::new(),
        schema: track.schema(),
    };
    // The clock before the first of them, for gaps above it; each stretch of records without one left out is read on.
    let mut next = range.clone().find_map(|row| rows.at(row).ok());
    let mut entries = next.map(|place| {
        reader.begin(place);
        track.entries(place)
    });
    let shown = range.filter_map(|row| match rows.at(row) {
        Err(gap) => Some(RainRow {
            row,
            position: gap.to,
            event: RainEvent::Gap(gap.clone()),
            cells: reader.bars(),
            is_filtered: false,
        }),
        Ok(place) => {
            if next != Some(place) {
                reader.begin(place);
                entries = Some(track.entries(place));
            }
            next = Some(Place(place.0 + 1));
            let mut row = reader.row(row, entries.as_mut()?.next()?);
            row.is_filtered = passing.is_some_and(|passing| passing.is_extra(place));
            Some(row)
        }
    });
    RainWindow {
        total,
        rows: shown.collect(),
        cursor: track.at(cursor).map(|place| rows.of(place)),
        dropped: (track.dropped() > 0).then(|| track.oldest().at),
        hidden: passing.map_or(0, |passing| {
            (rows.next.0 - rows.first.0) as usize - passing.strict().len()
        }),
    }
}

/// The row of a record, and how many there are.
#[must_use]
pub fn rain_row(track: &Track, cursor: Position) -> (Option<usize>, usize) {
    let rows = Rows::new(track, None);
    (track.at(cursor).map(|place| rows.of(place)), rows.total())
}

/// The same of records that pass; no row: the record is hidden.
#[must_use]
pub fn sifted_row(track: &Track, cursor: Position, passing: Passing<'_>) -> (Option<usize>, usize) {
    let rows = Rows::new(track, Some(passing.strict()));
    let at = track.at(cursor).filter(|at| !passing.is_extra(*at));
    (at.map(|place| rows.of(place)), rows.total())
}

struct Reader<'a> {
    track: &'a Track,
    /// Before the record that comes next.
    clock: Vec<u64>,
    schema: &'a SchemaFacts,
}

impl Reader<'_> {
    fn begin(&mut self, place: Place) {
        let before = place.0.checked_sub(1).map(Place);
        let position = before.and_then(|place| self.track.position(place));
        self.clock = position.map_or_else(Vec::new, |position| self.look(position));
    }

    fn look(&self, position: Position) -> Vec<u64> {
        match self.track.look(position) {
            Look::State(state) => state.clock,
            Look::NotYet | Look::Dropped { .. } => Vec::new(),
        }
    }

    fn bars(&self) -> Vec<(usize, Cell)> {
        let active = (0..self.clock.len()).filter(|&at| is_active(&self.clock, at));
        active.map(|at| (at, Cell::Active)).collect()
    }

    fn row(&mut self, row: usize, entry: Entry) -> RainRow {
        let position = Position {
            at: entry.at.by,
            order: entry.order,
        };
        let (event, cells) = match entry.detail {
            Some(_) if entry.is_first_look => {
                self.clock = self.look(position);
                let is_new_run = entry.place > Place(0);
                (RainEvent::FirstLook(entry.at.by, is_new_run), self.bars())
            }
            None => (RainEvent::Thinned(entry.at.by), Vec::new()),
            Some(detail) => {
                if detail
                    .changes
                    .iter()
                    .any(|it| self.clock.get(it.state).copied().unwrap_or(0) != it.before)
                {
                    // What stands before a gap, or what was thinned, is no base.
                    self.clock = self.look(position);
                } else {
                    for change in &detail.changes {
                        if self.clock.len() <= change.state {
                            self.clock.resize(change.state + 1, 0);
                        }
                        self.clock[change.state] = change.after;
                    }
                }
                let side = self.track.side(entry.place);
                let cells = self.cells(&detail.changes, detail.head.as_ref(), side.as_ref());
                let event = RainEvent::Change {
                    at: entry.at,
                    number: detail.number,
                    head: detail.head,
                    changes: detail.changes,
                };
                (event, cells)
            }
        };
        RainRow {
            row,
            position,
            event,
            cells,
            is_filtered: false,
        }
    }

    fn cells(
        &self,
        changes: &[StateChange],
        head: Option<&Head>,
        side: Option<&Side>,
    ) -> Vec<(usize, Cell)> {
        let refused = head.filter(|head| head.is_canceled);
        let refused = refused.map_or(&[][..], |head| &head.called);
        let touched = touched(side);
        let states = self.clock.len().max(self.schema.states.len());
        let cell = |state: usize| {
            if let Ok(at) = changes.binary_search_by_key(&state, |change| change.state) {
                return Some(moved(changes[at], head.is_some()));
            }
            if refused.contains(&(state as u32)) {
                return Some(Cell::Rejected);
            }
            if is_active(&self.clock, state) {
                return Some(Cell::Active);
            }
            touched.contains(&state).then_some(Cell::Touched)
        };
        (0..states)
            .filter_map(|state| Some((state, cell(state)?)))
            .collect()
    }
}

fn moved(change: StateChange, is_transition: bool) -> Cell {
    let is_on = change.after % 2 == 1;
    match (change.ticks().is_multiple_of(2), is_on) {
        (true, true) if is_transition => Cell::Again,
        (true, _) => Cell::Flicker,
        (false, true) => Cell::On,
        (false, false) => Cell::Off,
    }
}

/// States that the steps of a transition speak of.
fn touched(side: Option<&Side>) -> OrderedSet<usize> {
    let mut touched = OrderedSet::new();
    let mut touch = |state: StateIdx| {
        touched.insert(usize::from(state.0));
    };
    for step in side.iter().flat_map(|side| &side.steps) {
        match *step {
            Step::Requested(state)
            | Step::Set(state)
            | Step::Remove(state)
            | Step::RemoveNotActive(state)
            | Step::Unmet(state)
            | Step::Cancel(state)
            | Step::Missing { state, .. } => touch(state),
            Step::Relation(_, from, to) => {
                touch(from);
                touch(to);
            }
            Step::Handler(_) => {}
        }
    }
    touched
}

/// Which states get a column: all of few, of many those that changed in the window.
#[must_use]
pub fn rain_columns(track: &Track, window: (Seen, Seen), all: bool) -> RainColumns {
    let states = track.schema().states.len();
    if all || states <= MANY {
        return RainColumns {
            states: (0..states).collect(),
            hidden: 0,
        };
    }
    let last = track.at(Position::end_of(window.1));
    let from = last.map_or(Place(0), |last| {
        Place(last.0.saturating_sub(LOOKED_THROUGH))
    });
    let mut changed = OrderedSet::new();
    for entry in track.entries(from) {
        if Some(entry.place) > last {
            break;
        }
        if entry.at.by < window.0 {
            continue;
        }
        let detail = entry.detail.into_iter();
        changed.extend(detail.flat_map(|detail| detail.changes).map(|it| it.state));
    }
    let mut shown: Vec<usize> = changed.into_iter().filter(|at| *at < states).collect();
    if shown.is_empty() {
        shown = (0..MANY).collect();
    }
    RainColumns {
        hidden: states - shown.len(),
        states: shown,
    }
}

/// The record that changed a state last, at or before a place; or first, at or behind it.
#[must_use]
pub fn change_of(track: &Track, state: usize, from: Place, forward: bool) -> Option<Entry> {
    let is_it = |entry: &Entry| {
        let detail = entry.detail.as_ref();
        detail.is_some_and(|it| it.changes.iter().any(|change| change.state == state))
    };
    if forward {
        return track.entries(from).find(is_it);
    }
    let (first, next) = track.places();
    let mut end = from.0.saturating_add(1).min(next.0);
    while end > first.0 {
        let begin = end.saturating_sub(STRETCH).max(first.0);
        let stretch = track.entries(Place(begin));
        let found = stretch
            .take_while(|entry| entry.place.0 < end)
            .filter(is_it);
        if let Some(found) = found.last() {
            return Some(found);
        }
        end = begin;
    }
    None
}

/// More states than this do not all get a column (dashboard design 5.2).
const MANY: usize = 40;
/// Records looked through for columns (guess: several screens full).
const LOOKED_THROUGH: u64 = 1_024;
/// Records read at once on the way back; a chunk.
const STRETCH: u64 = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use statemesh::core::engine::MutationKind;

    use super::super::{Fidelity, History, Limits, Moved, Named, Record, Ticks};
    use super::*;
    use crate::model::fixture::{learned, schema};

    fn begun(clock: &[u64]) -> History {
        let mut history = History::new(Limits::default());
        let named = Named {
            key: learned("m", &[]).key,
            id: "m".into(),
        };
        let at = Interval {
            after: None,
            by: Seen(1_000),
        };
        let record = Record::snapshot(at, clock);
        history.learn(named, &schema(), &record).unwrap();
        history
    }

    fn snapshot(history: &mut History, clock: &[u64], after: u64, by: u64) {
        let at = Interval {
            after: Some(Seen(after)),
            by: Seen(by),
        };
        let key = learned("m", &[]).key;
        history.append(&key, &Record::snapshot(at, clock)).unwrap();
    }

    fn transition(history: &mut History, number: u64, moved: &[(u32, u64)], head: Option<&Head>) {
        let moved: Vec<Moved> = moved
            .iter()
            .map(|&(state, ticks)| Moved { state, ticks })
            .collect();
        let record = Record {
            at: Interval::at(Seen(1_000 + number)),
            fidelity: Fidelity::Trace,
            first_hand: true,
            number: Some(number),
            owner_at: None,
            ticks: Ticks::Moved(&moved),
            head,
            side: None,
        };
        history.append(&learned("m", &[]).key, &record).unwrap();
    }

    fn add(called: &[u32]) -> Head {
        Head {
            kind: MutationKind::Add,
            called: called.to_vec(),
            is_auto: false,
            is_check: false,
            is_canceled: false,
            is_queued: false,
            source: None,
            queue_tick: None,
            duration: None,
        }
    }

    fn track(history: &History) -> &Track {
        history.track(&learned("m", &[]).key).unwrap()
    }

    fn all(history: &History) -> RainWindow {
        rain(track(history), history.newest(), 0..1_000)
    }

    #[test]
    fn snapshots_are_intervals_and_claim_no_instant() {
        let mut history = begun(&[1, 0, 0, 0]);
        snapshot(&mut history, &[1, 1, 0, 4], 2_000, 7_000);
        let window = all(&history);
        assert_eq!((window.total, window.cursor), (2, Some(1)));
        assert_eq!(window.rows[0].cells, [(0, Cell::Active)]);
        assert_eq!(
            window.rows[0].event,
            RainEvent::FirstLook(Seen(1_000), false)
        );
        let RainEvent::Change {
            at,
            number,
            head,
            changes,
        } = &window.rows[1].event
        else {
            panic!("a change");
        };
        assert_eq!(
            (at.after, at.by, number, head),
            (Some(Seen(2_000)), Seen(7_000), &None, &None)
        );
        assert_eq!(changes.len(), 2);
        assert_eq!(
            window.rows[1].cells,
            [(0, Cell::Active), (1, Cell::On), (3, Cell::Flicker)]
        );
    }

    #[test]
    fn transitions_have_cells_by_what_happened() {
        let mut history = begun(&[1, 0, 0, 0]);
        transition(&mut history, 1, &[(1, 1), (2, 1)], Some(&add(&[2])));
        transition(&mut history, 2, &[(2, 2)], Some(&add(&[2])));
        let canceled = Head {
            is_canceled: true,
            ..add(&[3])
        };
        transition(&mut history, 3, &[], Some(&canceled));
        transition(&mut history, 4, &[(2, 1)], None);
        let window = all(&history);
        let cells: Vec<_> = window
            .rows
            .iter()
            .skip(1)
            .map(|row| row.cells.clone())
            .collect();
        let bars = |rest: &[(usize, Cell)]| [&[(0, Cell::Active)], rest].concat();
        assert_eq!(cells[0], bars(&[(1, Cell::On), (2, Cell::On)]));
        assert_eq!(cells[1], bars(&[(1, Cell::Active), (2, Cell::Again)]));
        assert_eq!(
            cells[2],
            bars(&[(1, Cell::Active), (2, Cell::Active), (3, Cell::Rejected)])
        );
        assert_eq!(cells[3], bars(&[(1, Cell::Active), (2, Cell::Off)]));
    }

    #[test]
    fn every_part_of_the_list_is_the_same_as_in_the_whole() {
        let mut history = begun(&[1, 0, 0, 0]);
        for number in 1..300 {
            // 41, 42 and 200 never come.
            if ![41, 42, 200].contains(&number) {
                transition(
                    &mut history,
                    number,
                    &[(number as u32 % 4, 1 + number % 3)],
                    Some(&add(&[1])),
                );
            }
            if number == 100 {
                // What was missed is known now; what is missed later is another gap.
                let clock: Vec<u64> = track(&history).clock().iter().map(|it| it + 2).collect();
                snapshot(&mut history, &clock, 1_000, 1_100);
            }
        }
        let whole = all(&history);
        assert_eq!(
            whole.total,
            1 + 296 + 1 + 2,
            "first look, transitions, snapshot, gaps"
        );
        for (at, row) in whole.rows.iter().enumerate() {
            assert_eq!(row.row, at);
        }
        let gaps: Vec<usize> = whole
            .rows
            .iter()
            .filter(|row| matches!(row.event, RainEvent::Gap(_)))
            .map(|row| row.row)
            .collect();
        assert_eq!(gaps.len(), 2);
        assert_eq!(gaps[0], 41);
        for from in (0..whole.total).step_by(7) {
            let part = rain(track(&history), history.newest(), from..from + 9);
            let expected = &whole.rows[from..(from + 9).min(whole.total)];
            assert_eq!(part.rows, expected, "from {from}");
        }
        for row in &whole.rows {
            if !matches!(row.event, RainEvent::Gap(_)) {
                assert_eq!(rain_row(track(&history), row.position).0, Some(row.row));
            }
        }
    }

    #[test]
    fn of_many_states_those_that_changed_have_columns() {
        let mut def = statemesh::SchemaDef::new();
        for at in 0..60 {
            def = def.state(format!("S{at}"), statemesh::StateDef::new());
        }
        let facts = Arc::new(SchemaFacts::new(&def));
        let mut history = History::new(Limits::default());
        let key = learned("m", &[]).key;
        let named = Named {
            key,
            id: "m".into(),
        };
        let at = Interval {
            after: None,
            by: Seen(0),
        };
        history
            .learn(named, &facts, &Record::snapshot(at, &[0; 60]))
            .unwrap();
        let columns = |history: &History, window, all| {
            rain_columns(history.track(&key).unwrap(), window, all)
        };
        let long = (Seen(0), Seen(100_000));
        assert_eq!(columns(&history, long, false).states.len(), MANY);
        let mut clock = [0; 60];
        for (state, at) in [(50, 2_000), (3, 5_000)] {
            clock[state] = 1;
            snapshot(&mut history, &clock, at - 1_000, at);
        }
        let found = columns(&history, long, false);
        assert_eq!((found.states, found.hidden), (vec![3, 50], 58));
        assert_eq!(
            columns(&history, (Seen(3_000), Seen(9_000)), false).states,
            [3]
        );
        assert_eq!(columns(&history, long, true).states.len(), 60);
    }

    #[test]
    fn changes_of_a_state_are_found_both_ways_among_ten_thousand() {
        let mut history = begun(&[1, 0, 0, 0]);
        for number in 1..10_000 {
            let state = if number % 1_000 == 0 { 3 } else { 2 };
            transition(&mut history, number, &[(state, 1)], None);
        }
        let track = track(&history);
        let find = |from, forward| change_of(track, 3, Place(from), forward).map(|it| it.place.0);
        assert_eq!(find(0, true), Some(1_000));
        assert_eq!(find(1_001, true), Some(2_000));
        assert_eq!(find(9_999, true), None);
        assert_eq!(find(9_999, false), Some(9_000));
        assert_eq!(find(8_999, false), Some(8_000));
        assert_eq!(find(999, false), None);
    }
}
