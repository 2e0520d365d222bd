//! `X`: what nearly every `updates` says beside its clocks, under one key.

use super::super::{MAX_MACHINES_PER_PEER, Message, Ticks, started_ms};
use super::{DecodeError, Fields, Reader, once};
use crate::collections::OrderedMap;
use crate::ids::MachineIdx;

const UNNAMED: DecodeError = DecodeError("ticks of machines that are not listed");

impl Fields {
    /// Several keys in one, as most `updates` have them.
    pub(super) fn read_head(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let numbers = reader.fixed_array(4)?;
        if numbers % 2 != 0 || numbers / 2 > MAX_MACHINES_PER_PEER {
            return Err(UNNAMED);
        }
        once(&mut self.version, reader.unsigned()?)?;
        let run = reader.unsigned()?;
        once(&mut self.run, run)?;
        let wall_ms = started_ms(run).saturating_add(reader.unsigned()?);
        once(&mut self.wall_ms, wall_ms)?;
        if !reader.nil() {
            once(&mut self.heartbeat_ms, reader.unsigned()?)?;
        }
        let mut listed = Vec::with_capacity(numbers / 2);
        for _ in 0..numbers / 2 {
            listed.push(Ticks {
                machine: reader.unsigned()?,
                queue: reader.unsigned()?,
            });
        }
        if listed.is_empty() {
            return Ok(());
        }
        once(&mut self.listed_ticks, listed)
    }
}

/// Counters of the machines of one peer whose clocks a message tells, given in their order.
pub(super) fn named_as_listed(
    body: &Message,
    listed: Vec<Ticks>,
) -> Result<OrderedMap<MachineIdx, Ticks>, DecodeError> {
    let peers = match body {
        Message::Updates { clocks } => clocks.as_ref(),
        _ => None,
    };
    let mut peers = peers.into_iter().flat_map(OrderedMap::values);
    let (Some(Some(machines)), None) = (peers.next(), peers.next()) else {
        return Err(UNNAMED);
    };
    if machines.len() != listed.len() {
        return Err(UNNAMED);
    }
    Ok(machines.keys().copied().zip(listed).collect())
}
