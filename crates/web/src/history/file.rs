//! Recordings: a history as bytes and back (docs/smesh.md). The page packs them with the browser's own gzip.
//!
//! Reading is bounded by the bytes there are, and rebuilds everything through the same door as live records. Each machine
//! stands in a section with a checksum: what is damaged is left out and said, the rest is read.

use std::sync::Arc;

use statemesh::core::collections::OrderedSet;
use statemesh::core::hash::{FNV_BASIS, fnv1a};
use statemesh::{MachineIdx, PeerId, SchemaDef, StateDef};

use super::around::{About, read_surroundings, surroundings};
use super::bytes::{Reader, put, put_bytes};
use super::chunk::{Causes, head_flags, put_head, read_head};
use super::pyramid::LATEST;
use super::track::Look;
use super::{
    Begins, Entry, Fidelity, Head, History, Interval, Limits, MachineKey, Moved, Named, Place,
    Position, Record, Refused, SchemaFacts, Seen, Side, Standing, Ticks, Track,
};

/// What of a history is written.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    /// These machines; `None`: all.
    pub machines: Option<OrderedSet<MachineKey>>,
    /// From here on; `None`: from the beginning.
    pub from: Option<Seen>,
    /// Until then, included; `None`: to the end.
    pub to: Option<Seen>,
    /// Only machines with records behind this position, and those; `None`: all.
    pub after: Option<Position>,
    /// With log lines, arguments and reasons, which their owners may not want to share.
    pub with_words: bool,
}

/// A recording that was read.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Everything in it that could be read.
    pub history: History,
    /// What surrounds it; empty if that could not be read.
    pub about: About,
    /// Machines in it.
    pub machines: u64,
    /// Sections that could not be read.
    pub damaged: u64,
}

/// Why a recording was not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It begins with something else.
    #[error("Not a statemesh recording: unknown header.")]
    Foreign,
    /// It was written by a newer page.
    #[error("Recording from a newer version ({0}). This page reads up to {VERSION}.")]
    Newer(u64),
    /// It ends in its header.
    #[error("Damaged: the recording ends in its header.")]
    Cut,
}

/// Writes a history and what surrounds it.
#[must_use]
pub fn write_recording(history: &History, about: &About, excerpt: &Excerpt) -> Vec<u8> {
    let is_asked = |key: &MachineKey| {
        let machines = excerpt.machines.as_ref();
        machines.is_none_or(|machines| machines.contains(key))
    };
    let machines = history.machines().filter(|(key, _)| is_asked(key));
    let sections: Vec<Vec<u8>> = machines
        .filter_map(|(key, track)| machine(key, history.id(key)?, track, excerpt))
        .collect();
    let mut bytes = MAGIC.to_vec();
    put(&mut bytes, VERSION);
    put(&mut bytes, about.origin);
    put(&mut bytes, sections.len() as u64);
    let around = surroundings(about, excerpt);
    for section in sections.into_iter().chain([around]) {
        put(&mut bytes, checksum(&section));
        put_bytes(&mut bytes, &section);
    }
    bytes
}

/// Wall time of a zero under which all of a recording has its place: the page's, or as many whole days before it as are
/// needed. So the time of day stays what it was, however old the recording is.
#[must_use]
pub fn zero_for(bytes: &[u8], origin: u64) -> u64 {
    let theirs = bytes.strip_prefix(MAGIC).and_then(|body| {
        let mut reader = Reader::new(body);
        reader.number()?;
        reader.number()
    });
    let missing = origin.saturating_sub(theirs.unwrap_or(origin));
    origin.saturating_sub(missing.div_ceil(DAY) * DAY)
}

/// Reads a recording. `origin`: wall time of the page's zero, in milliseconds since 1970; what is read has its place on
/// the page's clock.
///
/// # Errors
///
/// [`NotRead`] if nothing of it can be read. A damaged machine is no error: it is counted, and the rest is read.
pub fn read_recording(bytes: &[u8], origin: u64, limits: Limits) -> Result<Recording, NotRead> {
    let mut recording = Recording {
        history: History::new(limits),
        about: About::default(),
        machines: 0,
        damaged: 0,
    };
    recording.go_on(bytes, origin, limits)?;
    Ok(recording)
}

impl Recording {
    /// Reads a recording that goes on where this one ends: what both hold is there once.
    ///
    /// # Errors
    ///
    /// As [`read_recording`].
    pub fn go_on(&mut self, bytes: &[u8], origin: u64, limits: Limits) -> Result<(), NotRead> {
        let body = bytes.strip_prefix(MAGIC).ok_or(NotRead::Foreign)?;
        let reader = &mut Reader::new(body);
        let version = reader.number().ok_or(NotRead::Cut)?;
        if version > VERSION {
            return Err(NotRead::Newer(version));
        }
        let theirs = reader.number().ok_or(NotRead::Cut)?;
        let machines = reader.number().ok_or(NotRead::Cut)?;
        // Of an older page it is less than nothing.
        let shift = theirs.wrapping_sub(origin);
        let (mut read, mut at) = (0, 0);
        let mut told = OrderedSet::new();
        while let Some(sum) = reader.number() {
            // Nothing can be found behind a section whose length is wrong.
            let Some(section) = reader.block(bytes.len()) else {
                break;
            };
            let is_whole = checksum(section) == sum;
            at += 1;
            if at > machines {
                if let Some(about) = read_surroundings(section, shift).filter(|_| is_whole) {
                    self.about = about;
                    read += 1;
                }
                break;
            }
            if is_whole && self.read_section(section, shift, limits, &mut told) {
                read += 1;
            }
        }
        self.history.count_again();
        self.about.origin = origin;
        self.about.end = self.about.end.max(self.history.newest().at);
        self.machines = self.machines.max(machines);
        self.damaged += machines.saturating_add(1).saturating_sub(read);
        Ok(())
    }

    /// False: it is not what [`machine`] writes, or tells of a machine for the second time.
    fn read_section(
        &mut self,
        section: &[u8],
        shift: u64,
        limits: Limits,
        told: &mut OrderedSet<MachineKey>,
    ) -> bool {
        let reader = &mut Reader::new(section);
        let Some(named) = read_name(reader).filter(|named| told.insert(named.key)) else {
            return false;
        };
        let mut track = self.history.take(&named.key);
        let was_held = track.is_some();
        let read = read_machine(reader, &mut track, shift, limits.bytes);
        // What was held goes on as far as it could be read.
        let is_read = read.is_some() && track.is_some();
        if let Some(track) = track.filter(|_| is_read || was_held) {
            self.history.adopt(named, track);
        }
        is_read
    }
}

/// One machine; `None`: nothing of it is asked for.
fn machine(key: &MachineKey, id: &str, track: &Track, excerpt: &Excerpt) -> Option<Vec<u8>> {
    let from = excerpt.from.unwrap_or(Seen(0));
    let to = excerpt.to.unwrap_or(LATEST);
    // What is thinned has no changes that could be told again.
    let after = excerpt.after.unwrap_or(Position { at: from, order: 0 });
    if excerpt.after.is_some() && track.newest() <= after {
        return None;
    }
    let begin = track.at(after).unwrap_or(Place(0));
    let begin = begin.max(track.full_from());
    let mut entries = track
        .entries(begin)
        .take_while(|it| it.at.by <= to)
        .peekable();
    entries.peek()?;
    let bytes = &mut Vec::new();
    put_bytes(bytes, key.peer.as_bytes());
    put(bytes, key.index.0);
    put_bytes(bytes, id.as_bytes());
    let mut before = Position::default();
    let mut schema: Option<&Arc<SchemaFacts>> = None;
    for entry in entries {
        let position = track.position(entry.place)?;
        let standing = track.standing_at(position);
        let is_first = schema.is_none();
        let now = track.schema_at(entry.place)?;
        if !schema.is_some_and(|it| Arc::ptr_eq(it, now)) {
            bytes.push(SCHEMA);
            put_schema(bytes, now);
            schema = Some(now);
        }
        if is_first || entry.is_first_look {
            bytes.push(FIRST_LOOK);
            put_lead(bytes, &entry, standing, before);
            put(bytes, entry.epoch);
            let Look::State(state) = track.look(position) else {
                return None;
            };
            put_numbers(bytes, &state.clock);
        } else {
            put_record(bytes, track, &entry, standing, before, excerpt);
        }
        before = position;
    }
    let gone = track.standing().gone.filter(|(at, _)| *at <= to);
    if let Some((at, said_bye)) = gone {
        bytes.push(GONE);
        put(bytes, at.since(before.at));
        put(bytes, u64::from(said_bye));
    }
    Some(std::mem::take(bytes))
}

fn put_record(
    bytes: &mut Vec<u8>,
    track: &Track,
    entry: &Entry,
    standing: Standing,
    before: Position,
    excerpt: &Excerpt,
) {
    let Some(detail) = &entry.detail else { return };
    bytes.push(RECORD);
    put_lead(bytes, entry, standing, before);
    put(bytes, detail.changes.len() as u64);
    for change in &detail.changes {
        put(bytes, change.state as u64);
        put(bytes, change.ticks());
    }
    match &detail.head {
        Some(head) => {
            put(bytes, u64::from(head_flags(head)));
            put_head(bytes, head, &mut Causes::in_full());
        }
        None => put(bytes, 0),
    }
    let side = track.side(entry.place).map(|side| {
        let side = if excerpt.with_words {
            side
        } else {
            side.without_words()
        };
        side.pack()
    });
    put_bytes(bytes, &side.unwrap_or_default());
}

/// What all records begin with.
fn put_lead(bytes: &mut Vec<u8>, entry: &Entry, standing: Standing, before: Position) {
    put(bytes, entry.order - before.order);
    put(bytes, entry.at.by.since(before.at));
    let detail = entry.detail.as_ref();
    let (number, owner_at) = detail.map_or((None, None), |it| (it.number, it.owner_at));
    let after = entry.at.after;
    let flags = standing.fidelity.level()
        | flag(!entry.first_hand, HEARSAY)
        | flag(after.is_some(), BOUNDED)
        | flag(number.is_some(), NUMBERED)
        | flag(owner_at.is_some(), OWNER_TIME);
    bytes.push(flags);
    let told = [
        after.map(|after| entry.at.by.since(after)),
        number,
        owner_at,
    ];
    for number in told.into_iter().flatten() {
        put(bytes, number);
    }
}

fn put_schema(bytes: &mut Vec<u8>, schema: &SchemaFacts) {
    put(bytes, schema.states.len() as u64);
    for state in &schema.states {
        put_bytes(bytes, state.name.as_bytes());
        bytes.push(flag(state.auto, 1) | flag(state.multi, 2));
        for relation in [&state.requires, &state.adds, &state.removes, &state.after] {
            let states: Vec<u64> = relation.iter().map(|state| *state as u64).collect();
            put_numbers(bytes, &states);
        }
        put(bytes, state.tags.len() as u64);
        for tag in &state.tags {
            put_bytes(bytes, tag.whole().as_bytes());
        }
    }
}

fn put_numbers(bytes: &mut Vec<u8>, numbers: &[u64]) {
    put(bytes, numbers.len() as u64);
    for number in numbers {
        put(bytes, *number);
    }
}

pub(super) fn flag(is: bool, flag: u8) -> u8 {
    if is { flag } else { 0 }
}

/// `None`: this is not what [`machine`] writes.
fn read_machine(
    reader: &mut Reader<'_>,
    track: &mut Option<Track>,
    shift: u64,
    most: usize,
) -> Option<()> {
    let mut schema: Option<Arc<SchemaFacts>> = None;
    let mut before = Position {
        at: Seen(shift),
        order: 0,
    };
    while let Some(kind) = reader.byte() {
        match (kind, &mut *track) {
            (SCHEMA, track) => {
                let next = Arc::new(read_schema(reader)?);
                if let Some(track) = track.as_mut().filter(|track| *track.schema() != next) {
                    track.change_schema(Arc::clone(&next), before);
                }
                schema = Some(next);
            }
            (FIRST_LOOK, track) => {
                let (mut record, seen) = read_lead(reader, before)?;
                let epoch = reader.number()?;
                let clock = read_numbers(reader)?;
                record.ticks = Ticks::Clock(&clock);
                match track {
                    // It is held, or tells what was held: the same run goes on.
                    Some(track) if seen.order <= track.newest().order => {}
                    Some(track) if epoch == track.standing().epoch => {
                        track.append(&record, seen).ok()?;
                    }
                    Some(track) => track.begin_run(&record, epoch, seen),
                    None => *track = Some(Track::begin(schema.clone()?, &record, epoch, seen)),
                }
                before = seen;
            }
            (RECORD, Some(track)) => before = read_record(reader, track, before, most)?,
            (GONE, Some(track)) => {
                let at = later(before.at, reader.number()?)?;
                let mut standing = track.standing();
                standing.gone = Some((at, reader.number()? == 1));
                before.at = at;
                track.stand(Begins::Gone, standing, before);
            }
            _ => return None,
        }
    }
    Some(())
}

fn read_name(reader: &mut Reader<'_>) -> Option<Named> {
    let key = MachineKey {
        peer: PeerId::from_bytes(reader.block(MAX_TEXT)?).ok()?,
        index: MachineIdx(reader.number()?),
    };
    let id = reader.text(MAX_TEXT)?.into();
    Some(Named { key, id })
}

fn read_record(
    reader: &mut Reader<'_>,
    track: &mut Track,
    before: Position,
    most: usize,
) -> Option<Position> {
    let (lead, seen) = read_lead(reader, before)?;
    let mut moved = Vec::new();
    for _ in 0..reader.count()? {
        moved.push(Moved {
            state: reader.small()?,
            ticks: reader.number()?,
        });
    }
    let flags: u16 = reader.small()?;
    let head: Option<Head> = match flags {
        0 => None,
        flags => Some(read_head(reader, flags, &Causes::in_full())?),
    };
    let side = match reader.block(usize::MAX)? {
        [] => None,
        packed => Some(Side::unpack(packed)?),
    };
    let states = moved.iter().map(|moved| moved.state as usize + 1).max();
    track.make_states(states.unwrap_or(0));
    let mut clock = Vec::new();
    let record = Record {
        // Without a number and a head it was a full clock, which says what gaps before it missed.
        ticks: if lead.number.is_none() && head.is_none() {
            clock.extend_from_slice(track.clock());
            for moved in &moved {
                let tick: &mut u64 = clock.get_mut(moved.state as usize)?;
                *tick = tick.saturating_add(moved.ticks);
            }
            Ticks::Clock(&clock)
        } else {
            Ticks::Moved(&moved)
        },
        head: head.as_ref(),
        side: side.as_ref(),
        ..lead
    };
    let unnumbered = Record {
        number: None,
        ..record
    };
    if seen.order <= track.newest().order {
        return Some(seen);
    }
    match track.append(&record, seen) {
        Ok(_) => {}
        // It came late, for a gap that began before the excerpt.
        Err(Refused::Known) => {
            track.append(&unnumbered, seen).ok()?;
        }
        Err(Refused::NoMachine | Refused::UnknownState | Refused::Full) => return None,
    }
    if track.places().1.0.is_multiple_of(ROOM_EVERY) {
        track.make_room(most);
    }
    Some(seen)
}

fn read_lead(reader: &mut Reader<'_>, before: Position) -> Option<(Record<'static>, Position)> {
    let order = before.order.checked_add(reader.number()?)?;
    let at = later(before.at, reader.number()?)?;
    if order <= before.order {
        return None;
    }
    let flags = reader.byte()?;
    let mut told = |flag: u8| match flags & flag {
        0 => Some(None),
        _ => reader.number().map(Some),
    };
    let (past, number, owner_at) = (told(BOUNDED)?, told(NUMBERED)?, told(OWNER_TIME)?);
    let at = Interval {
        after: past.map(|past| Seen(at.0.saturating_sub(past))),
        by: at,
    };
    let record = Record {
        at,
        fidelity: Fidelity::of_level(flags & LEVEL)?,
        first_hand: flags & HEARSAY == 0,
        number,
        owner_at,
        ..Record::snapshot(at, &[])
    };
    Some((record, Position { at: at.by, order }))
}

/// An instant is never before another, nor before the zero of the page; the zero of a recording may be.
pub(super) fn later(before: Seen, passed: u64) -> Option<Seen> {
    let at = Seen(before.0.wrapping_add(passed));
    (at <= LATEST && passed <= 2 * LATEST.0).then_some(at)
}

fn read_schema(reader: &mut Reader<'_>) -> Option<SchemaFacts> {
    let mut rows = Vec::new();
    for _ in 0..reader.count()? {
        let name = reader.text(MAX_TEXT)?.to_owned();
        let flags = reader.byte()?;
        let relations = [(); 4].map(|()| read_numbers(reader));
        let mut tags = Vec::new();
        for _ in 0..reader.count()? {
            tags.push(reader.text(MAX_TEXT)?.to_owned());
        }
        rows.push((name, flags, relations, tags));
    }
    let names: Vec<String> = rows.iter().map(|row| row.0.clone()).collect();
    let mut def = SchemaDef::new();
    for (name, flags, relations, tags) in rows {
        let named = |states: Option<Vec<u64>>| {
            let names = states?.into_iter().map(|state| {
                let at = usize::try_from(state).ok()?;
                names.get(at).cloned()
            });
            names.collect::<Option<Vec<String>>>()
        };
        let [require, add, remove, after] = relations.map(named);
        let state = StateDef {
            auto: flags & 1 != 0,
            multi: flags & 2 != 0,
            require: Some(require?),
            add: Some(add?),
            remove: Some(remove?),
            after: Some(after?),
            tags: Some(tags),
        };
        def = def.state(name, state);
    }
    Some(SchemaFacts::new(&def))
}

fn read_numbers(reader: &mut Reader<'_>) -> Option<Vec<u64>> {
    let count = reader.count()?;
    (0..count).map(|_| reader.number()).collect()
}

/// Tells damage, not forgery.
fn checksum(bytes: &[u8]) -> u64 {
    fnv1a(FNV_BASIS, bytes.iter().copied())
}

/// What every recording begins with.
const MAGIC: &[u8] = b"statemesh recording\n";
/// The newest version, and the one written.
const VERSION: u64 = 1;
/// Records after which a machine that is read gives back what is too much.
const ROOM_EVERY: u64 = 1_024;
/// Bytes of one name (guess: the wire allows less).
pub(super) const MAX_TEXT: usize = 1 << 16;

/// Milliseconds.
const DAY: u64 = 86_400_000;

const SCHEMA: u8 = 1;
const FIRST_LOOK: u8 = 2;
const RECORD: u8 = 3;
const GONE: u8 = 4;

const LEVEL: u8 = 7;
const HEARSAY: u8 = 1 << 3;
const BOUNDED: u8 = 1 << 4;
const NUMBERED: u8 = 1 << 5;
const OWNER_TIME: u8 = 1 << 6;

#[cfg(test)]
pub(super) mod tests {
    use statemesh::core::engine::MutationKind;

    use super::*;
    use crate::model::fixture::{learned, schema};

    pub fn recorded() -> (History, MachineKey) {
        let mut history = History::new(Limits::default());
        let learned = learned("courier-17", &[]);
        let key = learned.key;
        let named = Named {
            key,
            id: learned.id,
        };
        let start = Record::snapshot(Interval::at(Seen(1_000)), &[1, 0, 0, 0]);
        history.learn(named, &schema(), &start).unwrap();
        let head = Head {
            kind: MutationKind::Set,
            called: vec![2],
            is_auto: true,
            is_check: false,
            is_canceled: false,
            is_queued: false,
            source: None,
            queue_tick: Some(3),
            duration: Some(120),
        };
        let side = Side {
            arguments: "parcel=7".to_owned(),
            ..Side::default()
        };
        for n in 1..=100 {
            let record = Record {
                at: Interval::at(Seen(1_000 + 10 * n)),
                fidelity: Fidelity::Local,
                number: Some(n),
                owner_at: Some(5_000 + n),
                ticks: Ticks::Moved(&[Moved { state: 2, ticks: 1 }]),
                head: Some(&head),
                side: Some(&side),
                ..start
            };
            history.append(&key, &record).unwrap();
        }
        history.lose(&key, Seen(9_000), true);
        (history, key)
    }

    fn read(bytes: &[u8]) -> Recording {
        read_recording(bytes, 77, Limits::default()).unwrap()
    }

    pub fn about() -> About {
        About {
            origin: 77,
            topic: "parcel-eu".to_owned(),
            end: Seen(9_500),
            ..About::default()
        }
    }

    pub fn all() -> Excerpt {
        Excerpt {
            with_words: true,
            ..Excerpt::default()
        }
    }

    #[test]
    fn a_recording_comes_back_whole() {
        let (history, key) = recorded();
        let recording = read(&write_recording(&history, &about(), &all()));
        assert_eq!(
            (recording.machines, recording.damaged, recording.about.end),
            (1, 0, Seen(9_500))
        );
        let (old, new) = (
            history.track(&key).unwrap(),
            recording.history.track(&key).unwrap(),
        );
        let entries = |track: &Track| -> Vec<Entry> { track.entries(Place(0)).collect() };
        assert_eq!(entries(new), entries(old));
        assert_eq!(new.side(Place(5)), old.side(Place(5)));
        assert_eq!(new.standing(), old.standing());
        assert_eq!(recording.history.id(&key), history.id(&key));
        let window = |history: &History| history.pyramid().window(Seen(0), Seen(10_000), 50);
        assert_eq!(window(&recording.history), window(&history));
    }

    #[test]
    fn an_excerpt_begins_with_the_state_it_finds_and_keeps_words_back() {
        let (history, key) = recorded();
        let excerpt = Excerpt {
            from: Some(Seen(1_505)),
            to: Some(Seen(1_600)),
            ..Excerpt::default()
        };
        let recording = read(&write_recording(&history, &about(), &excerpt));
        let track = recording.history.track(&key).unwrap();
        assert_eq!(track.oldest().at, Seen(1_500));
        assert_eq!(track.newest().at, Seen(1_600));
        assert_eq!(track.clock(), [1, 0, 60, 0]);
        assert_eq!(track.side(Place(5)), None, "nothing but words stood there");
        assert_eq!(track.standing().gone, None, "not yet");
        let nobody = Excerpt {
            machines: Some(OrderedSet::new()),
            ..Excerpt::default()
        };
        assert_eq!(
            read(&write_recording(&history, &about(), &nobody)).machines,
            0
        );
    }

    #[test]
    fn foreign_newer_and_damaged_files_are_told_apart() {
        let (history, _) = recorded();
        let bytes = write_recording(&history, &about(), &all());
        let refused = |bytes: &[u8]| read_recording(bytes, 77, Limits::default()).unwrap_err();
        assert_eq!(refused(b"GIF89a"), NotRead::Foreign);
        assert_eq!(refused(MAGIC), NotRead::Cut);
        let mut newer = bytes.clone();
        newer[MAGIC.len()] = 4;
        assert_eq!(
            refused(&newer).to_string(),
            "Recording from a newer version (4). This page reads up to 1."
        );
        for length in MAGIC.len() + 3..bytes.len() {
            assert!(read(&bytes[..length]).damaged > 0, "{length}");
        }
        for at in MAGIC.len() + 3..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(read(&damaged).damaged > 0, "{at}");
        }
    }

    #[test]
    fn pieces_written_one_after_another_are_one_history() {
        let (history, key) = recorded();
        let track = history.track(&key).unwrap();
        let whole: Vec<Entry> = track.entries(Place(0)).collect();
        let mut pieces = Vec::new();
        let mut after = None;
        for place in [10, 11, 60, 100] {
            let to = track.position(Place(place)).unwrap();
            let excerpt = Excerpt {
                after,
                to: Some(to.at),
                ..all()
            };
            pieces.push(write_recording(&history, &about(), &excerpt));
            after = Some(to);
        }
        let mut recording = read(&pieces[0]);
        for piece in &pieces[1..] {
            recording.go_on(piece, 77, Limits::default()).unwrap();
        }
        assert_eq!(recording.damaged, 0);
        let read: Vec<Entry> = {
            let track = recording.history.track(&key).unwrap();
            track.entries(Place(0)).collect()
        };
        assert_eq!(read, whole);
        let bytes = recording.history.bytes();
        recording.go_on(&pieces[3], 77, Limits::default()).unwrap();
        assert_eq!(recording.history.bytes(), bytes, "nothing twice");
        // Without the first piece the rest begins with a look.
        let rest = read_recording(&pieces[2], 77, Limits::default()).unwrap();
        let rest = rest.history.track(&key).unwrap();
        assert_eq!(rest.oldest().at, track.position(Place(11)).unwrap().at);
        assert_eq!(rest.clock(), [1, 0, 60, 0]);
        let nothing = Excerpt {
            after: Some(track.newest()),
            ..all()
        };
        let empty = write_recording(&history, &about(), &nothing);
        assert_eq!(
            read_recording(&empty, 77, Limits::default())
                .unwrap()
                .machines,
            0
        );
    }

    #[test]
    fn forged_sections_break_nothing() {
        let (history, key) = recorded();
        let section = machine(&key, "x", history.track(&key).unwrap(), &all()).unwrap();
        for at in 0..section.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut forged = section.clone();
                forged[at] = byte;
                let reader = &mut Reader::new(&forged);
                let mut track = None;
                let read =
                    read_name(reader).and_then(|_| read_machine(reader, &mut track, 0, 100_000));
                if let (Some(()), Some(track)) = (read, track) {
                    let _ = (
                        track.look(Position::end_of(LATEST)),
                        track.entries(Place(0)).count(),
                    );
                    assert!(track.bytes() < 2_000_000, "{at} {byte}");
                }
            }
        }
    }
}
