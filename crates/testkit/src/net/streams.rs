//! Direct streams between linked members: requests and answers as real bytes, reliable until they fail as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::Instant;
use statemesh_core::node::{Call, Input, Reply};

use super::{Member, Net};

/// Something on its way over a stream.
#[derive(Debug)]
enum Parcel {
    Request {
        from: Member,
        to: Member,
        data: Vec<u8>,
    },
    Answer {
        from: Member,
        to: Member,
        data: Vec<u8>,
    },
    Failure {
        from: Member,
        to: Member,
    },
}

/// Parcels by arrival, and who waits for which answer.
#[derive(Default)]
pub(super) struct Streams {
    parcels: BTreeMap<(Instant, u64), Parcel>,
    calls: BTreeMap<Call, (Member, Member)>,
    serial: u64,
}

impl Streams {
    pub(super) fn next(&self) -> Option<Instant> {
        self.parcels.keys().next().map(|(at, _)| *at)
    }
}

impl Net {
    pub(super) fn ask(&mut self, from: Member, to: Member, data: Vec<u8>) {
        self.send(Parcel::Request { from, to, data });
    }

    pub(super) fn answer(&mut self, call: Call, own: Vec<Vec<u8>>, mut reply: Reply) {
        let Some((asker, teller)) = self.streams.calls.remove(&call) else {
            return;
        };
        let own: Vec<_> = own
            .into_iter()
            .map(|data| Arc::new(self.sign(teller, data)))
            .collect();
        reply.messages.splice(0..0, own);
        let data = reply.encode();
        self.traffic.told.add(data.len());
        self.send(Parcel::Answer {
            from: teller,
            to: asker,
            data,
        });
    }

    pub(super) fn refuse(&mut self, call: Call) {
        if let Some((asker, teller)) = self.streams.calls.remove(&call) {
            self.send(Parcel::Failure {
                from: teller,
                to: asker,
            });
        }
    }

    /// A stream repairs losses: they cost time. One lost byte in a thousand streams breaks it.
    fn send(&mut self, parcel: Parcel) {
        let (low, high) = self.weather.latency;
        let mut time = low + self.dice.up_to(high.saturating_sub(low));
        let is_broken = self.dice.below(1000) < self.weather.loss / 4;
        while self.dice.below(1000) < self.weather.loss {
            time += high * 2;
        }
        let parcel = match parcel {
            Parcel::Request { from, to, .. } if is_broken => Parcel::Failure { from: to, to: from },
            Parcel::Answer { from, to, .. } if is_broken => Parcel::Failure { from, to },
            whole @ (Parcel::Request { .. } | Parcel::Answer { .. } | Parcel::Failure { .. }) => {
                whole
            }
        };
        self.streams.serial += 1;
        let at = self.now + time.max(Duration::from_micros(1));
        self.streams
            .parcels
            .insert((at, self.streams.serial), parcel);
    }

    pub(super) fn unpack(&mut self) {
        let Some((_, parcel)) = self.streams.parcels.pop_first() else {
            return;
        };
        match parcel {
            Parcel::Request { from, to, data } => {
                let is_linked = self.members[to].links.contains(&from);
                if !is_linked || !self.is_node(to) {
                    return self.send(Parcel::Failure { from: to, to: from });
                }
                let call = Call(self.streams.serial);
                self.streams.serial += 1;
                self.streams.calls.insert(call, (from, to));
                let asker = self.members[from].id;
                self.input(to, Input::Asked(asker, call, data));
            }
            Parcel::Answer { from, to, data } => {
                let teller = self.members[from].id;
                let input = match Reply::decode(&data) {
                    Ok(reply) => Input::Told(teller, reply),
                    Err(_) => Input::Untold(teller),
                };
                self.input(to, input);
            }
            Parcel::Failure { from, to } => {
                let teller = self.members[from].id;
                self.input(to, Input::Untold(teller));
            }
        }
    }
}
