//! Bytes to [`Envelope`], bounded: msgpack as far as the mesh uses it, strict where Go peers disagree among themselves.
//!
//! Stricter than Go: trailing bytes, duplicate keys, arrays or binary in place of maps and text, nil numbers, negative
//! numbers, text that is not UTF-8 and keys that are not peer ids are refused; no real peer sends them.
//! `Type` may come last: only then a first pass looks for it. A count that lies ends the pass that meets it; what was
//! reserved for it is bounded by the limits of [`super`].

mod head;

use super::{
    About, Bye, Envelope, Extension, Info, Link, LinkEnd, Links, MAX_ABOUT, MAX_ADDRESS,
    MAX_ADDRESSES, MAX_LINKS, MAX_LIST, MAX_LISTED_PER_MESSAGE, MAX_MACHINES_PER_MESSAGE,
    MAX_MACHINES_PER_PEER, MAX_NESTING, MAX_PAYLOAD, MAX_PEERS_PER_MESSAGE, MAX_STATES,
    MAX_STATES_PER_MESSAGE, MAX_TEXT, MAX_TICK, Message, MessageKind, PerPeer, Shape, Ticks,
    Transport,
};
use std::sync::Arc;

use crate::collections::OrderedMap;
use crate::engine::{Schema, StateDef};
use crate::ids::{MachineIdx, PeerId};

/// Why a payload is no message. The author's fault; nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub &'static str);

/// Reads one payload.
///
/// # Errors
/// [`DecodeError`] for anything that is not exactly one well-formed, plausible message.
pub fn decode(data: &[u8]) -> Result<Envelope, DecodeError> {
    decode_knowing(data, None)
}

/// Where to look up the bytes that give a machine's schema and states.
pub(crate) type KnownShapes<'a> = &'a dyn Fn(&[u8]) -> Option<(Arc<Schema>, u64)>;

/// As [`decode`], without a second look at schemas that are known.
pub(crate) fn decode_knowing(
    data: &[u8],
    shapes: Option<KnownShapes<'_>>,
) -> Result<Envelope, DecodeError> {
    if data.len() > MAX_PAYLOAD {
        return Err(DecodeError("payload too large"));
    }
    let kind = match MessageKind::peek(data) {
        Some(kind) => kind,
        None => message_type(data)?,
    };
    let mut reader = Reader {
        shapes,
        ..Reader::new(data)
    };
    let mut fields = Fields::default();
    let entries = reader.map()?.ok_or(WRONG_TYPE)?;
    for _ in 0..entries {
        let key = reader.key()?;
        fields.read(kind, key, &mut reader)?;
    }
    if reader.left() > 0 {
        return Err(DecodeError("trailing bytes"));
    }
    fields.finish(kind)
}

/// The type, wherever it stands.
fn message_type(data: &[u8]) -> Result<MessageKind, DecodeError> {
    let mut reader = Reader::new(data);
    let entries = reader.map()?.ok_or(WRONG_TYPE)?;
    for _ in 0..entries {
        if reader.key()? == b"Type" {
            return MessageKind::named(reader.text()?).ok_or(DecodeError("unknown message type"));
        }
        reader.skip()?;
    }
    Err(DecodeError("no message type"))
}

/// Fields of the outer map, each at most once.
#[derive(Default)]
struct Fields {
    kind: Option<()>,
    infos: Option<Option<PerPeer<Info>>>,
    sums: Option<Option<PerPeer<u64>>>,
    clocks: Option<Option<PerPeer<Vec<u64>>>>,
    ids: Option<Option<Vec<PeerId>>>,
    byes: Option<Option<OrderedMap<MachineIdx, Bye>>>,
    version: Option<u64>,
    run: Option<u64>,
    heartbeat_ms: Option<u64>,
    partial: Option<bool>,
    wall_ms: Option<u64>,
    links: Option<Links>,
    extra_sums: Option<Option<PerPeer<u64>>>,
    digests: Option<Option<PerPeer<u64>>>,
    ticks: Option<Option<OrderedMap<MachineIdx, Ticks>>>,
    listed_ticks: Option<Vec<Ticks>>,
    about: Option<About>,
    addresses: Option<Vec<String>>,
}

impl Fields {
    fn read(
        &mut self,
        kind: MessageKind,
        key: &[u8],
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        match (kind, key) {
            (_, b"Type") => once(&mut self.kind, reader.skip()?),
            (MessageKind::Info, b"PeerInfo") => {
                once(&mut self.infos, reader.per_peer(Reader::info)?)
            }
            (MessageKind::Info | MessageKind::Gossip, b"PeerGossips") => {
                once(&mut self.sums, reader.per_peer(Reader::unsigned)?)
            }
            (MessageKind::Updates, b"PeerClocks") => {
                once(&mut self.clocks, reader.per_peer(Reader::clock)?)
            }
            (MessageKind::ReqInfo | MessageKind::ReqUpdates, b"PeerIds") => {
                once(&mut self.ids, reader.ids()?)
            }
            (MessageKind::Bye, b"Machs") => once(&mut self.byes, reader.machines(Reader::bye)?),
            (_, b"Sm") => once(&mut self.version, reader.unsigned()?),
            (_, b"Run") => once(&mut self.run, reader.unsigned()?),
            (_, b"At") => once(&mut self.wall_ms, reader.unsigned()?),
            (MessageKind::Info | MessageKind::Updates, b"Hb") => {
                once(&mut self.heartbeat_ms, reader.unsigned()?)
            }
            (MessageKind::Info | MessageKind::Updates, b"Part") => {
                once(&mut self.partial, reader.boolean()?)
            }
            (MessageKind::Info | MessageKind::Updates, b"Links") => {
                once(&mut self.links, reader.links()?)
            }
            (MessageKind::Updates, b"Sums") => {
                once(&mut self.extra_sums, reader.per_peer(Reader::unsigned)?)
            }
            (MessageKind::Info | MessageKind::Updates | MessageKind::Gossip, b"Digs") => {
                once(&mut self.digests, reader.per_peer(Reader::unsigned)?)
            }
            (MessageKind::Info | MessageKind::Updates, b"Ticks") => {
                once(&mut self.ticks, reader.machines(Reader::ticks)?)
            }
            (MessageKind::Updates, b"X") => self.read_head(reader),
            (MessageKind::Info, b"About") => once(&mut self.about, reader.about()?),
            (MessageKind::Info, b"Addrs") => once(&mut self.addresses, reader.addresses()?),
            (_, _) => reader.skip_unknown(key),
        }
    }

    fn finish(self, kind: MessageKind) -> Result<Envelope, DecodeError> {
        let sums = self.sums.flatten();
        let ids = self.ids.flatten();
        let body = match kind {
            MessageKind::Info => Message::Info {
                peers: self.infos.flatten(),
                sums,
            },
            MessageKind::Updates => Message::Updates {
                clocks: self.clocks.flatten(),
            },
            MessageKind::Gossip => Message::Gossip { sums },
            MessageKind::ReqInfo => Message::ReqInfo { ids },
            MessageKind::ReqUpdates => Message::ReqUpdates { ids },
            MessageKind::Bye => Message::Bye {
                machines: self.byes.flatten(),
            },
        };
        let ticks = match (self.ticks.flatten(), self.listed_ticks) {
            (ticks, None) => ticks,
            (None, Some(listed)) => Some(head::named_as_listed(&body, listed)?),
            (Some(_), Some(_)) => return Err(DUPLICATE),
        };
        Ok(Envelope {
            body,
            extension: Extension {
                version: self.version,
                run: self.run,
                heartbeat_ms: self.heartbeat_ms,
                partial: self.partial.unwrap_or(false),
                wall_ms: self.wall_ms,
                links: self.links,
                sums: self.extra_sums.flatten(),
                digests: self.digests.flatten(),
                ticks,
                about: self.about,
                addresses: self.addresses,
            },
        })
    }
}

/// Stores a field that may come only once.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), DecodeError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(DUPLICATE),
    }
}

/// Position in a payload, and what may still be allocated for it.
struct Reader<'a> {
    rest: &'a [u8],
    shapes: Option<KnownShapes<'a>>,
    peers: usize,
    machines: usize,
    states: usize,
    listed: usize,
}

impl<'a> Reader<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            shapes: None,
            peers: MAX_PEERS_PER_MESSAGE,
            machines: MAX_MACHINES_PER_MESSAGE,
            states: MAX_STATES_PER_MESSAGE,
            listed: MAX_LISTED_PER_MESSAGE,
        }
    }

    fn left(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or(INCOMPLETE)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(INCOMPLETE)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A big-endian number of `len` bytes, at most eight.
    fn number(&mut self, len: usize) -> Result<u64, DecodeError> {
        Ok(self
            .take(len)?
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn length(&mut self, len: usize) -> Result<usize, DecodeError> {
        usize::try_from(self.number(len)?).map_err(|_| INCOMPLETE)
    }

    /// Entries of a map, `None` for nil. Each takes two bytes at least.
    fn map(&mut self) -> Result<Option<usize>, DecodeError> {
        let entries = match self.byte()? {
            0xc0 => return Ok(None),
            byte @ 0x80..=0x8f => usize::from(byte & 0x0f),
            0xde => self.length(2)?,
            0xdf => self.length(4)?,
            _ => return Err(WRONG_TYPE),
        };
        if entries > self.left() / 2 {
            return Err(INCOMPLETE);
        }
        Ok(Some(entries))
    }

    /// Elements of an array, `None` for nil. Each takes one byte at least.
    fn array(&mut self) -> Result<Option<usize>, DecodeError> {
        let elements = match self.byte()? {
            0xc0 => return Ok(None),
            byte @ 0x90..=0x9f => usize::from(byte & 0x0f),
            0xdc => self.length(2)?,
            0xdd => self.length(4)?,
            _ => return Err(WRONG_TYPE),
        };
        if elements > self.left() {
            return Err(INCOMPLETE);
        }
        Ok(Some(elements))
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        utf8(self.key()?)
    }

    /// The bytes of a text: which of the known ones it is shows without a look at all of it.
    fn key(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = match self.byte()? {
            byte @ 0xa0..=0xbf => usize::from(byte & 0x1f),
            0xd9 => self.length(1)?,
            0xda => self.length(2)?,
            0xdb => self.length(4)?,
            _ => return Err(WRONG_TYPE),
        };
        let bytes = self.take(len)?;
        if len > MAX_TEXT {
            return Err(DecodeError("text too long"));
        }
        Ok(bytes)
    }

    fn text_or_nil(&mut self) -> Result<String, DecodeError> {
        if self.nil() {
            return Ok(String::new());
        }
        Ok(self.text()?.to_owned())
    }

    /// Steps over a nil.
    fn nil(&mut self) -> bool {
        match self.rest {
            [0xc0, rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => Err(WRONG_TYPE),
        }
    }

    /// An integer in any form, not negative.
    fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let (value, bits) = match self.byte()? {
            byte @ 0x00..=0x7f => return Ok(u64::from(byte)),
            0xcc => return self.number(1),
            0xcd => return self.number(2),
            0xce => return self.number(4),
            0xcf => return self.number(8),
            0xd0 => (self.number(1)?, 8),
            0xd1 => (self.number(2)?, 16),
            0xd2 => (self.number(4)?, 32),
            0xd3 => (self.number(8)?, 64),
            0xe0..=0xff => return Err(NEGATIVE),
            _ => return Err(WRONG_TYPE),
        };
        match value >> (bits - 1) {
            0 => Ok(value),
            _ => Err(NEGATIVE),
        }
    }

    fn index(&mut self) -> Result<MachineIdx, DecodeError> {
        match self.unsigned()? {
            index if index < MachineIdx::LIMIT => Ok(MachineIdx(index)),
            _ => Err(DecodeError("machine index too large")),
        }
    }

    fn peer(&mut self) -> Result<PeerId, DecodeError> {
        PeerId::from_text(self.key()?).map_err(|_| DecodeError("not a peer id"))
    }

    fn clock(&mut self) -> Result<Vec<u64>, DecodeError> {
        self.optional_clock()?.ok_or(DecodeError("nil clock"))
    }

    fn optional_clock(&mut self) -> Result<Option<Vec<u64>>, DecodeError> {
        let Some(len) = self.array()? else {
            return Ok(None);
        };
        if len > MAX_STATES {
            return Err(DecodeError("too many states"));
        }
        let mut clock = Vec::with_capacity(len);
        let mut sum: u64 = 0;
        for _ in 0..len {
            let tick = self.unsigned()?;
            if tick > MAX_TICK {
                return Err(DecodeError("implausible tick"));
            }
            sum = sum
                .checked_add(tick)
                .ok_or(DecodeError("clock sum overflows"))?;
            clock.push(tick);
        }
        Ok(Some(clock))
    }

    /// A list of names or tags.
    fn list(&mut self) -> Result<Option<Vec<String>>, DecodeError> {
        let Some(len) = self.array()? else {
            return Ok(None);
        };
        if len > MAX_LIST {
            return Err(DecodeError("list too long"));
        }
        spend(&mut self.listed, len)?;
        let mut list = Vec::with_capacity(len);
        for _ in 0..len {
            list.push(self.text()?.to_owned());
        }
        Ok(Some(list))
    }

    fn names(&mut self) -> Result<Option<Vec<String>>, DecodeError> {
        let names = self.list()?;
        match &names {
            Some(names) if names.len() > MAX_STATES => Err(DecodeError("too many states")),
            Some(names) if names.iter().any(String::is_empty) => Err(DecodeError("empty name")),
            Some(_) | None => Ok(names),
        }
    }

    fn ids(&mut self) -> Result<Option<Vec<PeerId>>, DecodeError> {
        let Some(len) = self.array()? else {
            return Ok(None);
        };
        spend(&mut self.peers, len)?;
        let mut ids = Vec::with_capacity(len);
        for _ in 0..len {
            ids.push(self.peer()?);
        }
        Ok(Some(ids))
    }

    /// Later versions may append elements, which are skipped.
    fn fixed_array(&mut self, len: usize) -> Result<usize, DecodeError> {
        let found = self.array()?.ok_or(WRONG_TYPE)?;
        found.checked_sub(len).ok_or(WRONG_TYPE)
    }

    fn skip_all(&mut self, values: usize) -> Result<(), DecodeError> {
        (0..values).try_for_each(|_| self.skip())
    }

    fn links(&mut self) -> Result<Links, DecodeError> {
        let more = self.fixed_array(4)?;
        let count = self.unsigned()?;
        let complete = self.boolean()?;
        let numbers = self.array()?.ok_or(WRONG_TYPE)?;
        if numbers % 3 != 0 || numbers / 3 > MAX_LINKS {
            return Err(DecodeError("too many links"));
        }
        let mut open = Vec::with_capacity(numbers / 3);
        for _ in 0..numbers / 3 {
            open.push(Link {
                end: LinkEnd(self.unsigned()?),
                transport: Transport::from_number(self.unsigned()?),
                rtt_ms: self.unsigned()?,
            });
        }
        let ends = self.array()?.ok_or(WRONG_TYPE)?;
        if ends > MAX_LINKS {
            return Err(DecodeError("too many links"));
        }
        let mut closed = Vec::with_capacity(ends);
        for _ in 0..ends {
            closed.push(LinkEnd(self.unsigned()?));
        }
        self.skip_all(more)?;
        Ok(Links {
            count,
            complete,
            open,
            closed,
        })
    }

    fn ticks(&mut self) -> Result<Ticks, DecodeError> {
        let more = self.fixed_array(2)?;
        let ticks = Ticks {
            machine: self.unsigned()?,
            queue: self.unsigned()?,
        };
        self.skip_all(more)?;
        Ok(ticks)
    }

    fn about(&mut self) -> Result<About, DecodeError> {
        let more = self.fixed_array(3)?;
        let about = About {
            name: self.short_text()?,
            software: self.short_text()?,
            role: self.short_text()?,
        };
        self.skip_all(more)?;
        Ok(about)
    }

    fn addresses(&mut self) -> Result<Vec<String>, DecodeError> {
        let len = self.array()?.ok_or(WRONG_TYPE)?;
        let mut addresses = Vec::new();
        for _ in 0..len.min(MAX_ADDRESSES) {
            let address = self.text()?;
            if address.len() <= MAX_ADDRESS {
                addresses.push(address.to_owned());
            }
        }
        self.skip_all(len - len.min(MAX_ADDRESSES))?;
        Ok(addresses)
    }

    fn short_text(&mut self) -> Result<String, DecodeError> {
        let text = self.text()?;
        Ok(text[..text.floor_char_boundary(MAX_ABOUT)].to_owned())
    }

    fn per_peer<T>(
        &mut self,
        value: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<PerPeer<T>>, DecodeError> {
        let Some(len) = self.map()? else {
            return Ok(None);
        };
        spend(&mut self.peers, len)?;
        let mut peers = OrderedMap::with_capacity(len);
        for _ in 0..len {
            if peers.insert(self.peer()?, self.machines(&value)?).is_some() {
                return Err(DUPLICATE);
            }
        }
        Ok(Some(peers))
    }

    fn machines<T>(
        &mut self,
        value: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<OrderedMap<MachineIdx, T>>, DecodeError> {
        let Some(len) = self.map()? else {
            return Ok(None);
        };
        let mut machines = OrderedMap::with_capacity(len.min(MAX_MACHINES_PER_PEER));
        for _ in 0..len {
            if machines.insert(self.index()?, value(self)?).is_some() {
                return Err(DUPLICATE);
            }
            spend(&mut self.machines, 1)?;
            if machines.len() > MAX_MACHINES_PER_PEER {
                return Err(DecodeError("too many machines"));
            }
        }
        Ok(Some(machines))
    }

    fn info(&mut self) -> Result<Info, DecodeError> {
        let entries = self.map()?.ok_or(DecodeError("nil machine"))?;
        let mut id = None;
        let mut schema = None;
        let mut states = None;
        let mut clock = None;
        let mut tags = None;
        let mut parent = None;
        let mut shape = Shape::Unread;
        for _ in 0..entries {
            match self.key()? {
                b"Id" => once(&mut id, self.text_or_nil()?),
                b"Schema" => {
                    shape = self.shape()?;
                    let read = match &shape {
                        Shape::Known(..) => None,
                        Shape::Unread | Shape::New(_) => self.schema()?,
                    };
                    once(&mut schema, read)
                }
                b"States" => {
                    let read = match &shape {
                        Shape::Known(..) => self.skip().map(|()| None)?,
                        Shape::Unread | Shape::New(_) => self.names()?,
                    };
                    once(&mut states, read)
                }
                b"MTime" => once(&mut clock, self.optional_clock()?),
                b"Tags" => once(&mut tags, self.list()?),
                b"Parent" => once(&mut parent, self.text_or_nil()?),
                key => self.skip_unknown(key),
            }?;
        }
        Ok(Info {
            id: id.unwrap_or_default(),
            schema: schema.flatten(),
            states: states.flatten(),
            clock: clock.flatten(),
            tags: tags.flatten(),
            parent: parent.unwrap_or_default(),
            shape,
        })
    }

    /// Looks ahead at a schema and the states behind it: whether their bytes are known, then steps over the schema. All
    /// known peers write one after the other.
    fn shape(&mut self) -> Result<Shape, DecodeError> {
        let Some(shapes) = self.shapes else {
            return Ok(Shape::Unread);
        };
        let start = self.rest;
        self.skip()?;
        let behind = std::mem::replace(&mut self.rest, start);
        let Some(states) = behind.strip_prefix(b"\xa6States") else {
            return Ok(Shape::Unread);
        };
        self.rest = states;
        self.skip()?;
        let bytes = &start[..start.len() - self.rest.len()];
        let known = shapes(bytes);
        self.rest = if known.is_some() { behind } else { start };
        Ok(known.map_or_else(
            || Shape::New(bytes.into()),
            |(schema, name)| Shape::Known(schema, name),
        ))
    }

    fn schema(&mut self) -> Result<Option<OrderedMap<String, StateDef>>, DecodeError> {
        let Some(len) = self.map()? else {
            return Ok(None);
        };
        if len > MAX_STATES {
            return Err(DecodeError("too many states"));
        }
        spend(&mut self.states, len)?;
        let mut schema = OrderedMap::with_capacity(len);
        for _ in 0..len {
            let name = self.text()?;
            if name.is_empty() {
                return Err(DecodeError("empty name"));
            }
            let name = name.to_owned();
            if schema.insert(name, self.state()?).is_some() {
                return Err(DUPLICATE);
            }
        }
        Ok(Some(schema))
    }

    fn state(&mut self) -> Result<StateDef, DecodeError> {
        let mut auto = None;
        let mut multi = None;
        let mut lists: [Option<Option<Vec<String>>>; 5] = Default::default();
        for _ in 0..self.map()?.unwrap_or(0) {
            match self.key()? {
                b"Auto" => once(&mut auto, self.boolean()?),
                b"Multi" => once(&mut multi, self.boolean()?),
                b"Require" => once(&mut lists[0], self.list()?),
                b"Add" => once(&mut lists[1], self.list()?),
                b"Remove" => once(&mut lists[2], self.list()?),
                b"After" => once(&mut lists[3], self.list()?),
                b"Tags" => once(&mut lists[4], self.list()?),
                key => self.skip_unknown(key),
            }?;
        }
        let [require, add, remove, after, tags] = lists.map(Option::flatten);
        Ok(StateDef {
            auto: auto.unwrap_or(false),
            multi: multi.unwrap_or(false),
            require,
            add,
            remove,
            after,
            tags,
        })
    }

    fn bye(&mut self) -> Result<Bye, DecodeError> {
        let entries = self.map()?.ok_or(DecodeError("nil machine"))?;
        let mut leaving = None;
        let mut id = None;
        let mut clock = None;
        for _ in 0..entries {
            match self.key()? {
                b"PeerBye" => once(&mut leaving, self.boolean()?),
                b"Id" => once(&mut id, self.text_or_nil()?),
                b"MTime" => once(&mut clock, self.optional_clock()?),
                key => self.skip_unknown(key),
            }?;
        }
        Ok(Bye {
            leaving: leaving.unwrap_or(false),
            id: id.unwrap_or_default(),
            clock: clock.flatten(),
        })
    }

    /// Steps over the value of a key of a later version.
    fn skip_unknown(&mut self, key: &[u8]) -> Result<(), DecodeError> {
        utf8(key)?;
        self.skip()
    }

    /// Steps over one value of any kind, without recursion.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut left = 1_usize;
        // Values left behind at each level around this one.
        let mut around = Vec::new();
        loop {
            while left == 0 {
                let Some(outer) = around.pop() else {
                    return Ok(());
                };
                left = outer;
            }
            left -= 1;
            let inner = self.skip_flat()?;
            if inner > 0 {
                if around.len() >= MAX_NESTING {
                    return Err(DecodeError("nested too deep"));
                }
                around.push(left);
                left = inner;
            }
        }
    }

    /// Steps over one value, or over the header of a collection: returns how many values follow inside it.
    fn skip_flat(&mut self) -> Result<usize, DecodeError> {
        let byte = self.byte()?;
        let len = match byte {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
            0x80..=0x8f => return Ok(usize::from(byte & 0x0f) * 2),
            0x90..=0x9f => return Ok(usize::from(byte & 0x0f)),
            0xa0..=0xbf => usize::from(byte & 0x1f),
            0xc1 => return Err(DecodeError("not msgpack")),
            0xc4 | 0xd9 => self.length(1)?,
            0xc5 | 0xda => self.length(2)?,
            0xc6 | 0xdb => self.length(4)?,
            0xc7 => self.length(1)?.saturating_add(1),
            0xc8 => self.length(2)?.saturating_add(1),
            0xc9 => self.length(4)?.saturating_add(1),
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 | 0xd4 => 2,
            0xd5 => 3,
            0xca | 0xce | 0xd2 => 4,
            0xd6 => 5,
            0xcb | 0xcf | 0xd3 => 8,
            0xd7 => 9,
            0xd8 => 17,
            0xdc => return self.length(2),
            0xdd => return self.length(4),
            0xde => return Ok(self.length(2)?.saturating_mul(2)),
            0xdf => return Ok(self.length(4)?.saturating_mul(2)),
        };
        self.take(len)?;
        Ok(0)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError("text is not UTF-8"))
}

fn spend(budget: &mut usize, amount: usize) -> Result<(), DecodeError> {
    *budget = budget
        .checked_sub(amount)
        .ok_or(DecodeError("too many entries"))?;
    Ok(())
}

const WRONG_TYPE: DecodeError = DecodeError("wrong type");
const INCOMPLETE: DecodeError = DecodeError("incomplete");
const DUPLICATE: DecodeError = DecodeError("duplicate key");
const NEGATIVE: DecodeError = DecodeError("negative number");
