//! [`Envelope`] to bytes: fields in Go's order, extra keys behind them, no map without a valid `Type`.

use super::{
    About, Bye, Envelope, Extension, Info, Links, MAX_OWN_PAYLOAD, MAX_STATES_PER_MESSAGE, Message,
    MessageKind, PerPeer, Ticks, started_ms,
};
use crate::collections::OrderedMap;
use crate::engine::StateDef;
use crate::ids::{MachineIdx, PeerId};

/// How integers are written. Every peer reads all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Shortest form of everything, without the fields of a state that say nothing: what we send.
    #[default]
    Compact,
    /// As Go from v0.16 on: shortest indexes, ticks and sums in nine bytes.
    V5,
    /// As Go up to v0.15: indexes as nine-byte signed integers, ticks and sums in nine bytes.
    V4,
}

/// Writes one payload.
#[must_use]
pub fn encode(envelope: &Envelope, dialect: Dialect) -> Vec<u8> {
    let mut out = Writer {
        bytes: Vec::new(),
        dialect,
    };
    let kind = envelope.body.kind();
    let own_keys = if kind == MessageKind::Info { 3 } else { 2 };
    let head = Head::of(envelope);
    let extra = match &head {
        Some(head) => extra_keys(&head.without(&envelope.extension)) + 1,
        None => extra_keys(&envelope.extension),
    };
    out.map(own_keys + extra);
    out.text("Type");
    out.text(kind.name());
    match &envelope.body {
        Message::Info { peers, sums } => {
            out.text("PeerInfo");
            out.per_peer(peers.as_ref(), Writer::info);
            out.text("PeerGossips");
            out.sums(sums.as_ref());
        }
        Message::Updates { clocks } => {
            out.text("PeerClocks");
            out.per_peer(clocks.as_ref(), |out, clock| out.clock(clock));
        }
        Message::Gossip { sums } => {
            out.text("PeerGossips");
            out.sums(sums.as_ref());
        }
        Message::ReqInfo { ids } => {
            out.ids(ids.as_deref());
        }
        Message::ReqUpdates { ids } => {
            out.ids(ids.as_deref());
        }
        Message::Bye { machines } => {
            out.text("Machs");
            out.machines(machines.as_ref(), Writer::bye);
        }
    }
    match head {
        Some(head) => {
            out.head(&head);
            out.extension(&head.without(&envelope.extension));
        }
        None => out.extension(&envelope.extension),
    }
    out.bytes
}

/// What nearly every `updates` of ours says beside its clocks, under one key: `[Sm, Run, ms since, Hb or nil, machine
/// tick, queue tick, …]`, the ticks in the order of the clocks, where they are those of exactly these machines.
struct Head {
    version: u64,
    run: u64,
    /// `At`, in milliseconds since the process started, as far as its run tells.
    since: u64,
    heartbeat_ms: Option<u64>,
    ticks: Vec<Ticks>,
}

impl Head {
    fn of(envelope: &Envelope) -> Option<Self> {
        let Message::Updates { clocks } = &envelope.body else {
            return None;
        };
        let extension = &envelope.extension;
        let run = extension.run?;
        let mut peers = clocks.iter().flat_map(OrderedMap::values);
        let ticks = match (&extension.ticks, peers.next(), peers.next()) {
            (Some(ticks), Some(Some(machines)), None) if machines.keys().eq(ticks.keys()) => {
                ticks.values().copied().collect()
            }
            _ => Vec::new(),
        };
        Some(Self {
            version: extension.version?,
            run,
            since: extension.wall_ms?.checked_sub(started_ms(run))?,
            heartbeat_ms: extension.heartbeat_ms,
            ticks,
        })
    }

    /// What is left to be said under keys of its own.
    fn without(&self, extension: &Extension) -> Extension {
        let is_counted = !self.ticks.is_empty();
        Extension {
            version: None,
            run: None,
            wall_ms: None,
            heartbeat_ms: None,
            ticks: extension.ticks.clone().filter(|_| !is_counted),
            ..extension.clone()
        }
    }
}

/// What one introduction takes of a message: its bytes in our own dialect, index included, or more when its states are
/// so small that their number counts before their bytes ([`MAX_STATES_PER_MESSAGE`]).
#[must_use]
pub fn info_len(info: &Info) -> usize {
    let mut out = Writer {
        bytes: Vec::new(),
        dialect: Dialect::Compact,
    };
    out.info(info);
    let states = info.schema.as_ref().map_or(0, OrderedMap::len);
    out.bytes.len().max(states * LEAST_STATE) + 9
}

/// Bytes of a state when a message is full of both.
const LEAST_STATE: usize = MAX_OWN_PAYLOAD.div_ceil(MAX_STATES_PER_MESSAGE);

fn extra_keys(extension: &Extension) -> usize {
    let keys = [
        extension.version.is_some(),
        extension.run.is_some(),
        extension.wall_ms.is_some(),
        extension.heartbeat_ms.is_some(),
        extension.partial,
        extension.links.is_some(),
        extension.sums.is_some(),
        extension.digests.is_some(),
        extension.ticks.is_some(),
        extension.about.is_some(),
        extension.addresses.is_some(),
    ];
    keys.into_iter().filter(|is_there| *is_there).count()
}

struct Writer {
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl Writer {
    /// A header: a short form up to `short`, else 16 or 32 bits of length.
    fn header(&mut self, len: usize, short: (u8, usize), wide16: u8, wide32: u8) {
        if len <= short.1 {
            // The short forms end below 32, so the length fits a byte.
            self.bytes.push(short.0 | len as u8);
        } else if let Ok(len) = u16::try_from(len) {
            self.bytes.push(wide16);
            self.bytes.extend_from_slice(&len.to_be_bytes());
        } else {
            // Own payloads end at 1 MiB; a longer collection would be a bug upstream of here.
            self.bytes.push(wide32);
            self.bytes.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }

    fn map(&mut self, len: usize) {
        self.header(len, (0x80, 15), 0xde, 0xdf);
    }

    fn array(&mut self, len: usize) {
        self.header(len, (0x90, 15), 0xdc, 0xdd);
    }

    fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(len @ 32..) => self.bytes.extend_from_slice(&[0xd9, len]),
            Ok(_) | Err(_) => self.header(text.len(), (0xa0, 31), 0xda, 0xdb),
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn shortest(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8);
        } else if let Ok(value) = u8::try_from(value) {
            self.bytes.extend_from_slice(&[0xcc, value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.bytes.push(0xcd);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.bytes.push(0xce);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        } else {
            self.bytes.push(0xcf);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
    }

    fn index(&mut self, index: MachineIdx) {
        match self.dialect {
            Dialect::Compact | Dialect::V5 => self.shortest(index.0),
            Dialect::V4 => {
                self.bytes.push(0xd3);
                self.bytes.extend_from_slice(&index.0.to_be_bytes());
            }
        }
    }

    /// A tick or a sum.
    fn ticks(&mut self, value: u64) {
        match self.dialect {
            Dialect::Compact => self.shortest(value),
            Dialect::V5 | Dialect::V4 => {
                self.bytes.push(0xcf);
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    fn clock(&mut self, clock: &[u64]) {
        self.array(clock.len());
        for tick in clock {
            self.ticks(*tick);
        }
    }

    fn optional_clock(&mut self, clock: Option<&[u64]>) {
        match clock {
            Some(clock) => self.clock(clock),
            None => self.nil(),
        }
    }

    fn list(&mut self, list: Option<&[String]>) {
        let Some(list) = list else {
            return self.nil();
        };
        self.array(list.len());
        for item in list {
            self.text(item);
        }
    }

    fn ids(&mut self, ids: Option<&[PeerId]>) {
        self.text("PeerIds");
        let Some(ids) = ids else {
            return self.nil();
        };
        self.array(ids.len());
        for id in ids {
            self.text(&id.to_string());
        }
    }

    fn per_peer<T>(&mut self, peers: Option<&PerPeer<T>>, value: impl Fn(&mut Self, &T)) {
        let Some(peers) = peers else {
            return self.nil();
        };
        self.map(peers.len());
        for (peer, machines) in peers {
            self.text(&peer.to_string());
            self.machines(machines.as_ref(), &value);
        }
    }

    fn machines<T>(
        &mut self,
        machines: Option<&OrderedMap<MachineIdx, T>>,
        value: impl Fn(&mut Self, &T),
    ) {
        let Some(machines) = machines else {
            return self.nil();
        };
        self.map(machines.len());
        for (index, machine) in machines {
            self.index(*index);
            value(self, machine);
        }
    }

    fn sums(&mut self, sums: Option<&PerPeer<u64>>) {
        self.per_peer(sums, |out, sum| out.ticks(*sum));
    }

    fn info(&mut self, info: &Info) {
        self.map(6);
        self.text("Id");
        self.text(&info.id);
        self.text("Schema");
        self.schema(info.schema.as_ref());
        self.text("States");
        self.list(info.states.as_deref());
        self.text("MTime");
        self.optional_clock(info.clock.as_deref());
        self.text("Tags");
        self.list(info.tags.as_deref());
        self.text("Parent");
        self.text(&info.parent);
    }

    fn schema(&mut self, schema: Option<&OrderedMap<String, StateDef>>) {
        let Some(schema) = schema else {
            return self.nil();
        };
        self.map(schema.len());
        for (name, state) in schema {
            self.text(name);
            self.state(state);
        }
    }

    /// Go writes all seven fields. Those that say nothing are most of an introduction, and every reader takes a missing one
    /// as such.
    fn state(&mut self, state: &StateDef) {
        let all = self.dialect != Dialect::Compact;
        let flags = [("Auto", state.auto), ("Multi", state.multi)];
        let flags = flags.into_iter().filter(|(_, value)| all || *value);
        let lists = [
            ("Require", &state.require),
            ("Add", &state.add),
            ("Remove", &state.remove),
            ("After", &state.after),
            ("Tags", &state.tags),
        ];
        let lists = lists.into_iter().filter(|(_, list)| all || list.is_some());
        self.map(flags.clone().count() + lists.clone().count());
        for (key, value) in flags {
            self.text(key);
            self.boolean(value);
        }
        for (key, list) in lists {
            self.text(key);
            self.list(list.as_deref());
        }
    }

    fn bye(&mut self, bye: &Bye) {
        self.map(3);
        self.text("PeerBye");
        self.boolean(bye.leaving);
        self.text("Id");
        self.text(&bye.id);
        self.text("MTime");
        self.optional_clock(bye.clock.as_deref());
    }

    fn head(&mut self, head: &Head) {
        self.text("X");
        self.array(4 + 2 * head.ticks.len());
        self.shortest(head.version);
        self.shortest(head.run);
        self.shortest(head.since);
        match head.heartbeat_ms {
            Some(heartbeat_ms) => self.shortest(heartbeat_ms),
            None => self.nil(),
        }
        for ticks in &head.ticks {
            self.counters(*ticks);
        }
    }

    fn extension(&mut self, extension: &Extension) {
        for (key, number) in [
            ("Sm", extension.version),
            ("Run", extension.run),
            ("At", extension.wall_ms),
            ("Hb", extension.heartbeat_ms),
        ] {
            if let Some(number) = number {
                self.text(key);
                self.shortest(number);
            }
        }
        if extension.partial {
            self.text("Part");
            self.boolean(true);
        }
        if let Some(links) = &extension.links {
            self.text("Links");
            self.links(links);
        }
        for (key, sums) in [("Sums", &extension.sums), ("Digs", &extension.digests)] {
            if sums.is_some() {
                self.text(key);
                self.sums(sums.as_ref());
            }
        }
        if extension.ticks.is_some() {
            self.text("Ticks");
            self.machines(extension.ticks.as_ref(), |out, ticks| {
                out.array(2);
                out.counters(*ticks);
            });
        }
        if let Some(About {
            name,
            software,
            role,
        }) = &extension.about
        {
            self.text("About");
            self.array(3);
            for text in [name, software, role] {
                self.text(text);
            }
        }
        if let Some(addresses) = &extension.addresses {
            self.text("Addrs");
            self.array(addresses.len());
            for address in addresses {
                self.text(address);
            }
        }
    }

    fn counters(&mut self, ticks: Ticks) {
        self.shortest(ticks.machine);
        self.shortest(ticks.queue);
    }

    /// `[count, complete, [end, transport, round trip, ...], [end, ...]]`
    fn links(&mut self, links: &Links) {
        self.array(4);
        self.shortest(links.count);
        self.boolean(links.complete);
        self.array(links.open.len() * 3);
        for link in &links.open {
            self.shortest(link.end.0);
            self.shortest(link.transport as u64);
            self.shortest(link.rtt_ms);
        }
        self.array(links.closed.len());
        for end in &links.closed {
            self.shortest(end.0);
        }
    }
}
